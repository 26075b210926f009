# SPDX-License-Identifier: Apache-2.0
"""The fleet's ledger between processes: who runs, lags, refuses; and what is listed of a database.

Usage: test_status.py TTP sqlite
       test_status.py TTP mariadb RUN_SQL     beside a server, see tests/mariadb/with-mariadb
"""
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

TTP, BACKEND = os.path.abspath(sys.argv[1]), sys.argv[2]
PATIENCE_S = 30  # generous, only waited for where something is wrong

RULE = """rule_id: {id}
rule_version: {version}
name: plain
applies_to: command
match: {{contains: {id}}}
emits: [{{tactic: TA0011, technique_id: T1105, confidence: 0.8}}]
tests: {{{tests}}}
"""
PASSING, FAILING = "no_match: [{command_text: x}]", "match: [{command_text: x}]"
EVENT = '{{"source_kind":"command","source_id":"{0}","attacker_uuid":"a","payload":{{"command_text":"{1}"}}}}\n'


class Watcher:
    """A process that follows the database."""

    def __init__(self, test, host, *words):
        self.process = subprocess.Popen([TTP, "rules", "watch", "--db", test.url, "--host", host, *words],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0, env=test.env)
        test.addCleanup(self.end)
        self.said = ""
        while "following" not in self.said:
            ready, _, _ = select.select([self.process.stderr], [], [], PATIENCE_S)
            line = self.process.stderr.readline().decode() if ready else ""
            test.assertTrue(line, f"it follows nothing: {self.said}")
            self.said += line

    def send(self, number):
        self.process.send_signal(number)

    def end(self):
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        self.process.stderr.close()
        return self.process.returncode


class Ledger(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.rules = os.path.join(self.home.name, "rules")
        os.mkdir(self.rules)
        self.env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
        self.url = os.path.join(self.home.name, "t.db") if BACKEND == "sqlite" else self.make_database()

    def make_database(self):
        socket, name = os.environ["TTP_TEST_MARIADB"], f"ledger_{self.id().split('.')[-1]}"
        url = "mysql://root@/{}?unix_socket=" + socket
        subprocess.run([sys.argv[3], url.format("mysql"), f"CREATE DATABASE {name}"], check=True)
        return url.format(name)

    def ttp(self, *words, stdin=""):
        done = subprocess.run([TTP, *words], text=True, timeout=PATIENCE_S, input=stdin, env=self.env,
                              cwd=self.home.name, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def write(self, rule_id, version=1, tests=PASSING):
        with open(os.path.join(self.rules, rule_id + ".yaml"), "w", encoding="utf-8") as f:
            f.write(RULE.format(id=rule_id, version=version, tests=tests))

    def sync(self, status=0):
        done = self.ttp("sync", "--rules", self.rules, "--db", self.url, "--once", "--no-gate")
        self.assertEqual(done[0], status, done)

    def status(self, *words):
        status, out, err = self.ttp("rules", "status", "--db", self.url, "--output", "jsonl", *words)
        self.assertIn(status, (0, 3), err)
        return status, [json.loads(line) for line in out.splitlines()]

    def hosts(self, rule_id):
        """{host: (verdict, version)}; a rule that nobody knows has none."""
        status, out, err = self.ttp("rules", "status", "--db", self.url, "-o", "jsonl", rule_id)
        rows = [json.loads(line) for line in out.splitlines()]
        found = {r["host"]: (r["verdict"], r["rule_version"]) for r in rows}
        want = 1 if "no rule has this rule_id" in err else 0 if {v for v, _ in found.values()} == {"live"} else 3
        self.assertEqual(status, want, err)
        return found

    def wait_for(self, rule_id, want):
        end = time.monotonic() + PATIENCE_S
        found = self.hosts(rule_id)
        while found != want and time.monotonic() < end:
            time.sleep(0.05)
            found = self.hosts(rule_id)
        self.assertEqual(found, want)

    def row(self, rule_id, host):
        return [r for r in self.status(rule_id)[1] if r["host"] == host][0]

    def test_nobody(self):
        self.write("R1")
        self.sync()
        status, rows = self.status()
        self.assertEqual((status, rows[0]["rule_id"], rows[0]["live_everywhere"]), (3, "R1", False))
        self.assertIn("no process that follows this database", self.ttp("rules", "status", "--db", self.url)[2])

    def test_refused_by_one(self):
        self.write("R1")
        self.write("R2", tests=FAILING)
        self.sync()
        Watcher(self, "a")
        Watcher(self, "b", "--no-gate")
        self.wait_for("R1", {"a": ("live", 1), "b": ("live", 1)})
        self.wait_for("R2", {"a": ("refused", None), "b": ("live", 1)})
        row = self.row("R2", "a")
        self.assertEqual((row["status"], row["content_hash"]), ("quarantined", None))
        self.assertRegex(row["error"], r"^R2:7: 1 of the rule's 1 tests failed")
        self.assertRegex(row["since"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        status, rows = self.status()
        self.assertEqual([(r["rule_id"], r["n_live"], r["n_lagging"], r["n_refused"], r["live_everywhere"]) for r in rows],
                         [("R1", 2, 0, 0, True), ("R2", 1, 0, 1, False)])
        self.assertEqual((status, [h["host"] for h in rows[1]["not_live"]]), (3, ["a"]))
        self.assertEqual(rows[0]["content_hash"], self.row("R1", "b")["content_hash"])
        status, out, err = self.ttp("rules", "status", "--db", self.url)
        self.assertEqual((status, err), (3, ""))
        self.assertRegex(out, r"(?m)^RULE  V  HASH      LIVE  LAGGING  REFUSED$")
        self.assertRegex(out, r"(?m)^R1    1  [0-9a-f]{8}     2        0        0$")
        self.assertRegex(out, r"(?m)^    a  refused: runs nothing since [-0-9]+ [:0-9]+; R2:7: 1 of the rule's 1 tests")
        self.assertRegex(out, r"(?m)^1 of 2 rules are live on all of 2 hosts$")

    def test_a_bad_edit_and_its_end(self):
        self.write("R1")
        self.sync()
        Watcher(self, "a")
        Watcher(self, "b", "--no-gate")
        self.wait_for("R1", {"a": ("live", 1), "b": ("live", 1)})
        self.write("R1", 2, FAILING)
        self.sync()
        self.wait_for("R1", {"a": ("refused", 1), "b": ("live", 2)})
        self.assertEqual(self.row("R1", "a")["status"], "quarantined")
        self.write("R1", 3)
        self.sync()
        self.wait_for("R1", {"a": ("live", 3), "b": ("live", 3)})
        self.assertIsNone(self.row("R1", "a")["error"])

    def test_lag(self):
        self.write("R1")
        self.sync()
        Watcher(self, "a")
        b = Watcher(self, "b")
        self.wait_for("R1", {"a": ("live", 1), "b": ("live", 1)})
        b.send(signal.SIGSTOP)
        self.write("R1", 2)
        self.write("R2")
        self.sync()
        self.wait_for("R1", {"a": ("live", 2), "b": ("lagging", 1)})
        self.wait_for("R2", {"a": ("live", 1), "b": ("lagging", None)})
        self.assertEqual((self.row("R2", "b")["status"], self.row("R2", "b")["since"]), (None, None))
        os.unlink(os.path.join(self.rules, "R1.yaml"))
        self.sync()
        self.wait_for("R1", {"b": ("lagging", 1)})
        b.send(signal.SIGCONT)
        self.wait_for("R1", {})
        self.wait_for("R2", {"a": ("live", 1), "b": ("live", 1)})

    def test_an_end_and_a_start(self):
        for rule_id in ("R1", "R2", "R3"):
            self.write(rule_id)
        self.sync()
        a = Watcher(self, "a")
        for rule_id in ("R1", "R2", "R3"):
            self.wait_for(rule_id, {"a": ("live", 1)})
        since = {rule_id: self.row(rule_id, "a")["since"] for rule_id in ("R1", "R2")}
        self.assertEqual(a.end(), 0)
        self.write("R2", 2)
        os.unlink(os.path.join(self.rules, "R3.yaml"))
        self.sync()
        self.assertEqual(self.hosts("R3"), {"a": ("lagging", 1)})
        Watcher(self, "a")
        self.wait_for("R2", {"a": ("live", 2)})
        self.wait_for("R3", {})
        self.assertEqual(self.row("R1", "a")["since"], since["R1"])
        self.assertNotEqual(self.row("R2", "a")["since"], since["R2"])

    def test_forgotten(self):
        self.write("R1")
        self.sync()
        Watcher(self, "a")
        b = Watcher(self, "b \x1b[31m'\"")
        self.wait_for("R1", {"a": ("live", 1), "b \x1b[31m'\"": ("live", 1)})
        self.assertIn("b \\x1b[31m'\"  live", self.ttp("rules", "status", "--db", self.url, "R1")[1])
        b.end()
        done = self.ttp("rules", "status", "--db", self.url, "--forget", "b \x1b[31m'\"")
        self.assertEqual(done, (0, "b \\x1b[31m'\" is forgotten\n", ""))
        self.wait_for("R1", {"a": ("live", 1)})
        status, out, err = self.ttp("rules", "status", "--db", self.url, "--forget", "c")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("knows no host of this name", err)

    def test_who_cannot_write(self):
        if BACKEND != "sqlite":
            self.skipTest("SQLite's lock")
        self.write("R1")
        self.sync()
        with sqlite3.connect(self.url, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            a = Watcher(self, "a")
            end, said = time.monotonic() + PATIENCE_S, b""
            while b"the ledger" not in said and time.monotonic() < end:
                if select.select([a.process.stderr], [], [], 0.1)[0]:
                    said += os.read(a.process.stderr.fileno(), 65536)
            self.assertIn(b"other hosts do not see what runs here until the ledger can be written", said)
            self.assertEqual(self.hosts("R1"), {})
            other.execute("ROLLBACK")
        self.wait_for("R1", {"a": ("live", 1)})

    def test_one_shots_write_nothing(self):
        self.write("R1")
        self.sync()
        self.ttp("rules", "list", "--db", self.url)
        self.ttp("state", "list", "--db", self.url)
        self.assertEqual(self.hosts("R1"), {})

    def test_list(self):
        self.write("R1")
        self.write("R2")
        self.write("R3", tests=FAILING)
        self.sync()
        self.assertEqual(self.ttp("state", "set", "R1", "disabled", "--for", "4h", "--reason", "too\nloud\x1b[2J",
                                  "--db", self.url)[0], 0)
        self.assertEqual(self.ttp("state", "set", "R2", "clipped", "--confidence-max", "0.5", "--db", self.url)[0], 0)
        status, out, err = self.ttp("rules", "list", "--db", self.url)
        self.assertEqual(status, 3)
        self.assertRegex(out, r"(?m)^R1    1  disabled        plain  command     T1105$")
        self.assertRegex(out, r"(?m)^    until [-0-9]+ [:0-9]+ by \S+: too\\x0aloud\\x1b\[2J$")
        self.assertRegex(out, r"(?m)^R2    1  clipped to 0\.5  plain  command     T1105$")
        self.assertRegex(err, r"^ttp: R3:7: 1 of the rule's 1 tests failed")
        self.assertNotIn("R3", out)
        status, out, err = self.ttp("rules", "list", "--db", self.url, "-o", "jsonl")
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([(r["rule_id"], r["runs"], r["state"]["state"]) for r in rows],
                         [("R1", True, "disabled"), ("R2", True, "clipped"), (None, False, "enabled")])
        self.assertEqual((rows[0]["state"]["reason"], rows[1]["state"]["confidence_max"]), ("too\nloud\x1b[2J", 0.5))
        self.assertEqual((rows[2]["error"]["where"], rows[2]["error"]["line"]), ("R3", 7))

    def test_hits(self):
        self.write("R1")
        self.write("R2")
        self.sync()
        self.ttp("state", "set", "R1", "disabled", "--db", self.url)
        log = "".join(EVENT.format(i, text) for i, text in enumerate(["R1", "R1 R2", "x", "R2", "R2"]))
        status, out, err = self.ttp("rules", "list", "--db", self.url, "--hits", "--events", "-", "-o", "jsonl", stdin=log)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual([json.loads(line)["hits"] for line in out.splitlines()],
                         [{"fires": 0, "suppressed": 2, "cuts": 0}, {"fires": 3, "suppressed": 0, "cuts": 0}])
        status, out, err = self.ttp("rules", "list", "--db", self.url, "--hits", "--events", "-", stdin=log + "{\n")
        self.assertEqual(status, 3)
        self.assertRegex(out, r"(?m)^RULE  V  STATE         HITS  WOULD-BE  NAME ")
        self.assertRegex(out, r"(?m)^R1    1  disabled         0         2  plain ")
        status, out, err = self.ttp("rules", "list", "--db", self.url, "--hits", "-o", "jsonl")
        self.assertEqual((status, [json.loads(line)["hits"]["fires"] for line in out.splitlines()]), (0, [0, 0]))


class Directory(unittest.TestCase):
    """Without a database the ledger is what would run here."""

    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)

    def ttp(self, *words, **more):
        return subprocess.run([TTP, "rules", *words], text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DECNET_TTP_HOST": "here"} | more,
                              cwd=self.home.name, capture_output=True, check=False)

    def write(self, name, text):
        with open(os.path.join(self.home.name, name), "w", encoding="utf-8") as f:
            f.write(text)

    def test_status(self):
        self.write("R1.yaml", RULE.format(id="R1", version=7, tests=PASSING))
        done = self.ttp("status", "--rules", ".", "R1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^R1 is wanted at version 7 \([0-9a-f]{8}\)\nhere  live: runs version 7 ")
        self.write("b.yaml", "x")
        done = self.ttp("status", "--rules", ".", "--output", "jsonl")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((done.returncode, [(r["rule_id"], r["n_live"], r["n_refused"]) for r in rows]),
                         (3, [("R1", 1, 0), ("b.yaml", 0, 1)]))
        self.assertRegex(rows[1]["not_live"][0]["error"], r"^\./b\.yaml:1:1: the document is x")
        done = self.ttp("status", "--rules", ".", "R9")
        self.assertEqual((done.returncode, done.stdout), (1, ""))

    def test_list(self):
        self.write("R1.yaml", RULE.format(id="R1", version=7, tests=FAILING))
        done = self.ttp("list", "--rules", ".")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stdout, r"(?m)^R1    7  refused  plain ")
        self.assertRegex(done.stderr, r"^ttp: \./R1\.yaml:7: 1 of the rule's 1 tests failed")
        self.write("log", EVENT.format(1, "R1 R2"))
        self.write("R2.yaml", RULE.format(id="R2", version=1, tests=PASSING))
        done = self.ttp("list", "--rules", ".", "--hits", "--events", "log", "-o", "jsonl")
        self.assertEqual([json.loads(line)["hits"]["fires"] for line in done.stdout.splitlines()], [0, 1])
        done = self.ttp("list", "--rules", ".", "--hits", "--events", "nowhere")
        self.assertEqual((done.returncode, done.stdout), (1, ""))

    def test_usage(self):
        rows = [
            (["list", "--hits"], "--db, or a log with --events"),
            (["list", "--events", "x"], "--events goes with --hits"),
            (["list", "--db", "x", "--rules", "y"], "--db goes without"),
            (["list", "--db", "x", "y.yaml"], "--db goes without"),
            (["status", "R1", "R2"], "one rule id"),
            (["status", "--forget", "a"], "needs a database"),
            (["status", "--db", "x", "--forget", "a", "R1"], "without a rule id"),
            (["watch", "--db", "x", "--rules", "y"], "exclude each other"),
        ]
        for words, want in rows:
            with self.subTest(words):
                done = self.ttp(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(want, done.stderr)


if BACKEND == "mariadb":
    del Directory # it has been tested with the other

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
