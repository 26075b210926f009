# SPDX-License-Identifier: Apache-2.0
"""ttp sync, state and rules watch on one database. Usage: test_sync.py TTP SQL [mariadb]

Without the last word on SQLite files, with it on the server of tests/mariadb/with-mariadb. SQL runs one statement as
another program would.
"""
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TTP, SQL = (os.path.abspath(path) for path in sys.argv[1:3])
ON_MARIADB = sys.argv[3:] == ["mariadb"]
SOCKET = os.environ.get("TTP_TEST_MARIADB")
RULE = """# a comment stays; \u00fcml\u00e4ut, too
rule_id: %s
rule_version: %d
name: plain
description: |
    of two
    lines
applies_to: command
match: {pattern: '\\bwget\\b'}
emits: [{tactic: TA0011, technique_id: T1105, confidence: 0.8}]
"""
if ON_MARIADB and not SOCKET:
    print("SKIP: no server: run it by tests/mariadb/with-mariadb")
    sys.exit(77)


class Sync(unittest.TestCase):
    number = 0

    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = home.name
        self.rules = os.path.join(self.home, "rules")
        os.mkdir(self.rules)
        self.db = os.path.join(self.home, "rules.db")
        if ON_MARIADB:
            Sync.number += 1
            self.sql(f"CREATE DATABASE sync_{Sync.number}", f"mysql://root:@/mysql?unix_socket={SOCKET}")
            self.db = f"mysql://root:@/sync_{Sync.number}?unix_socket={SOCKET}"

    def sql(self, statement, url=None):
        done = subprocess.run([SQL, url or self.db, statement], capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""), statement)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ttp(self, *words, status=0, **environment):
        done = subprocess.run([TTP, *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"]} | environment, cwd=self.home)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout, done.stderr

    def write(self, rule_id, version, text=None):
        with open(os.path.join(self.rules, rule_id + ".yaml.tmp"), "w", encoding="utf-8") as f:
            f.write(RULE % (rule_id, version) if text is None else text)
        os.rename(f.name, f.name[:-4])

    def start(self, *words):
        process = subprocess.Popen([TTP, *words, "--db", self.db], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={"PATH": os.environ["PATH"]}, cwd=self.home, bufsize=0)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def line(self, stream):
        with selectors.DefaultSelector() as ready:
            ready.register(stream, selectors.EVENT_READ)
            self.assertTrue(ready.select(20), "nothing came")
        return stream.readline().decode()  # unbuffered: the next line is still to be waited for

    def sync(self):
        return self.ttp("sync", "--rules", self.rules, "--db", self.db, "--once")[0]

    def ids(self):
        return [row[0] for row in self.sql("SELECT rule_id FROM ttp_rule ORDER BY rule_id")]

    def test_first_sync(self):
        for i in range(50):
            self.write(f"R{i:02}", i + 1)
        self.assertIn("50 rules", self.sync())
        for rule_id, content, path in self.sql("SELECT rule_id, yaml_content, source_path FROM ttp_rule"):
            with open(os.path.join(self.rules, rule_id + ".yaml"), encoding="utf-8") as f:
                self.assertEqual(content, f.read())
            self.assertEqual(path, os.path.join(self.rules, rule_id + ".yaml"))
        before = self.sql("SELECT max(seq) FROM ttp_rule_change")
        self.sync()
        self.assertEqual(self.sql("SELECT max(seq) FROM ttp_rule_change"), before, "the same again is no change")

    def test_deleted_while_down(self):
        self.write("R1", 1)
        self.write("R2", 1)
        self.sync()
        self.sql("INSERT INTO ttp_rule VALUES ('R3', 1, '/elsewhere/R3.yaml', 'x', '2026-01-01 00:00:00', 'them')")
        os.unlink(os.path.join(self.rules, "R2.yaml"))
        self.write("R1", 2)
        self.sync()
        self.assertEqual(self.ids(), ["R1", "R3"])
        self.assertEqual(self.sql("SELECT rule_version FROM ttp_rule WHERE rule_id = 'R1'"), [["2"]])

    @unittest.skipIf(ON_MARIADB, "a file is put in the place of another")
    def test_restored_copy(self):
        self.write("R1", 1)
        self.sync()
        copy = self.db + ".copy"
        shutil.copy(self.db, copy)
        self.write("R2", 1)
        sync = self.start("sync", "--rules", self.rules)
        self.assertIn("2 rules", self.line(sync.stdout))
        watch = self.start("rules", "watch", "--output", "jsonl")
        self.assertIn("following 2 rules", self.line(watch.stderr))
        for name in self.db, self.db + "-wal", self.db + "-shm":
            os.unlink(name)
        os.rename(copy, self.db)
        end = time.monotonic() + 40
        while self.ids() != ["R1", "R2"] and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.ids(), ["R1", "R2"], "what the copy lacks is written again")
        self.ttp("state", "set", "R1", "disabled", "--db", self.db)
        # R2 may have gone and come again before; several lines may come at once, which select would not tell of
        killer = threading.Timer(60, watch.kill)
        self.addCleanup(killer.cancel)
        killer.start()
        change = json.loads(watch.stdout.readline())
        while change["kind"] != "state":
            change = json.loads(watch.stdout.readline())
        self.assertEqual((change["rule_id"], change["state"]["state"]), ("R1", "disabled"))

    def test_follow(self):
        self.write("R1", 1)
        sync = self.start("sync", "--rules", self.rules)
        self.assertIn("1 rules", self.line(sync.stdout))
        watch = self.start("rules", "watch", "--output", "jsonl")
        self.assertIn("following 1 rules", self.line(watch.stderr))
        self.write("R1", 2)
        change = json.loads(self.line(watch.stdout))
        self.assertEqual((change["kind"], change["rule_id"], change["rule_version"]), ("definition", "R1", 2))
        self.write("R2", 1)
        self.assertEqual(json.loads(self.line(watch.stdout))["rule_id"], "R2")
        os.unlink(os.path.join(self.rules, "R2.yaml"))
        change = json.loads(self.line(watch.stdout))
        self.assertEqual((change["rule_id"], change["deleted"]), ("R2", True))
        out, _ = self.ttp("state", "set", "R1", "clipped", "--confidence-max", "0.5", "--reason", "l\u00e4ut", "--for",
                          "4h", "--db", self.db)
        self.assertEqual(out, "R1 is clipped now\n")
        change = json.loads(self.line(watch.stdout))
        self.assertEqual((change["kind"], change["state"]["state"], change["state"]["reason"]),
                         ("state", "clipped", "l\u00e4ut"))
        out, _ = self.ttp("state", "get", "R1", "--db", self.db, "--output", "json")
        self.assertEqual(json.loads(out)["state"], change["state"])
        self.assertIn("R1", self.ttp("state", "list", "--db", self.db)[0])
        self.ttp("state", "clear", "R1", "--db", self.db)
        self.assertEqual(json.loads(self.line(watch.stdout))["state"]["state"], "enabled")
        for process in (sync, watch):
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(20), 0)

    def test_names(self):
        url = dict(DECNET_DB_URL=self.db)
        self.assertEqual(self.ttp("state", "list", **url)[1], "")
        _, err = self.ttp("state", "list", status=1, DECNET_DB_TYPE="oracle")
        self.assertIn("unknown kind of database", err)
        _, err = self.ttp("state", "list", status=1, DECNET_DB_TYPE="mysql", DECNET_DB_HOST="127.0.0.1",
                          DECNET_DB_PORT="1", DECNET_DB_USER="me", DECNET_DB_PASSWORD="s3cret")
        self.assertRegex(err, "mysql://me@127.0.0.1:1/decnet: (cannot reach|this build knows SQLite only)")
        self.assertNotIn("s3cret", err)
        _, err = self.ttp("rules", "watch", "--db", "x", "--rules", "y", status=2)
        self.assertIn("exclude", err)

    @unittest.skipUnless(ON_MARIADB, "a server alone can go away")
    def test_server_goes(self):
        import socket
        def control(command):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(os.environ["TTP_TEST_MARIADB_CONTROL"])
                s.sendall(command + b"\n")
                self.assertEqual(s.recv(64), b"ok\n")
        self.write("R1", 1)
        sync = self.start("sync", "--rules", self.rules)
        self.line(sync.stdout)
        control(b"kill")
        self.write("R1", 2)
        self.assertIn("server", self.line(sync.stderr))
        control(b"start")
        end = time.monotonic() + 30
        while self.sql("SELECT rule_version FROM ttp_rule") != [["2"]] and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.sql("SELECT rule_version FROM ttp_rule"), [["2"]], "nothing is lost")


unittest.main(argv=sys.argv[:1])
