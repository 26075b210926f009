# SPDX-License-Identifier: Apache-2.0
"""ttp sync: a directory of rules, projected into a database, byte for byte and change for change."""
import os
import shutil
import signal
import sqlite3
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import Running, put, rule, wait_until  # noqa: E402
from harness import check, finish, same, ttp, wrong  # noqa: E402


class Site(tempfile.TemporaryDirectory):
    def __init__(self):
        super().__init__(prefix="ttp-sync-")
        self.db = os.path.join(self.name, "ttp.db")
        self.rules = os.path.join(self.name, "rules")
        os.mkdir(self.rules)

    def __enter__(self):
        return self

    def sql(self, text, *values):
        db = sqlite3.connect(self.db, timeout=30)
        try:
            with db:
                return db.execute(text, values).fetchall()
        finally:
            db.close()

    def rows(self):
        """rule_id: text of every rule in the database."""
        if not os.path.exists(self.db):
            return {}
        try:
            return dict(self.sql("SELECT rule_id, yaml_content FROM ttp_rule"))
        except sqlite3.OperationalError:
            return {}

    def once(self, *more):
        return ttp("sync", "--rules", self.rules, "--db", self.db, "--once", *more)

    def running(self, *more):
        return Running("sync", "--rules", self.rules, "--db", self.db, *more)

    def watching(self):
        w = Running("rules", "watch", "--db", self.db, "--output", "jsonl")
        w.err()
        return w

    def becomes(self, want):
        return None if wait_until(lambda: self.rows() == want) else same("rows", self.rows(), want)


def full(site):
    texts = {f"R{i}": rule(f"R{i}", 1, f"# the end of {i} \u00e4\n") for i in range(30)}
    for rule_id, text in texts.items():
        put(site.rules, f"name_of_{rule_id}.yaml", text)
    check("a full directory into an empty database", wrong(site.once(), 0, out=["^30 rules of .* are in the database, 0 deleted, 0 refused$"]),
          same("all of it, comments included", site.rows(), texts))
    seq = site.sql("SELECT max(seq) FROM ttp_rule_change")
    check("once more writes nothing", wrong(site.once(), 0), same("log", site.sql("SELECT max(seq) FROM ttp_rule_change"), seq))
    path, by = site.sql("SELECT source_path, updated_by FROM ttp_rule WHERE rule_id = 'R7'")[0]
    check("a row says where it is from, and who wrote it",
          same("source_path", path, os.path.join(site.rules, "name_of_R7.yaml")), None if by else "nobody")


def edits(site):
    put(site.rules, "a.yaml", rule("A", 1))
    put(site.rules, "b.yaml", rule("B", 1))
    with site.running() as sync:
        check("it says what it did", same("report", sync.out().split(" of ")[0], "2 rules"))
        with site.watching() as worker:
            put(site.rules, "a.yaml", rule("A", 2))
            check("an edit arrives at a worker", same("change", worker.change(), "definition A v2"))
            put(site.rules, "c.yml", rule("C", 1))
            check("so does a new rule", same("change", worker.change(), "definition C v1"))
            os.unlink(os.path.join(site.rules, "b.yaml"))
            check("and a deletion", same("change", worker.change(), "definition B gone"))
            with open(os.path.join(site.rules, "a.yaml"), "w", encoding="utf-8") as f:
                f.write("rule_id: [")
            put(site.rules, "c.yml", rule("C", 2))
            check("a broken edit holds up no other", same("change", worker.change(), "definition C v2"),
                  same("its last good version stays", site.rows()["A"], rule("A", 2)))
            check("and is said", None if "a.yaml" in (sync.err() or "") else "nothing on standard error")
            put(site.rules, "a.yaml", rule("A", 3))
            check("mended", same("change", worker.change(), "definition A v3"))
            put(site.rules, "new_name.yaml", rule("C", 2))
            os.unlink(os.path.join(site.rules, "c.yml"))
            put(site.rules, "a.yaml", rule("A", 4))
            check("a rule under another file name is no deletion", same("change", worker.change(), "definition A v4"))
        check("SIGTERM ends it", same("exit status", sync.end(), 0))


def quick_successors(site):
    """Versions that follow one another within milliseconds, each of which the directory's store took in."""
    put(site.rules, "a.yaml", rule("A", 1))
    with site.running() as sync:
        sync.out()
        with site.watching() as worker:
            holder = sqlite3.connect(site.db, timeout=30, isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")  # the syncer has to wait before it can write
            for text in (rule("A", 2), rule("A", 3), "rule_id: [broken"):
                put(site.rules, "a.yaml", text)
                wait_until(lambda: False, 0.3)  # the directory's store has seen it
            holder.execute("COMMIT")
            holder.close()
            got = [worker.change(), worker.change()]
            check("two definitions in a row are two changes", same("rules", [g and g.rsplit(" ", 1)[0] for g in got], ["definition A"] * 2))
            check("a good version that was overwritten by a broken one is not lost", site.becomes({"A": rule("A", 3)}))
        sync.end()


def deleted_while_down(site):
    for name in "abcd":
        put(site.rules, name + ".yaml", rule(name.upper(), 1))
    site.once()
    site.sql("INSERT INTO ttp_rule VALUES ('X', 1, '/elsewhere/x.yaml', ?, '2026-01-01 00:00:00.000000', 'them')", rule("X", 1))
    os.unlink(os.path.join(site.rules, "a.yaml"))
    put(site.rules, "b.yaml", "rule_id: [")
    put(site.rules, "c.yaml", rule("C2", 1))
    check("at its next start", wrong(site.once(), 3, out=["3 rules|2 rules", "2 deleted, 1 refused"]),
          same("what is gone is deleted, what is broken or from elsewhere is left alone", sorted(site.rows()), ["B", "C2", "D", "X"]))
    check("a broken file's row is its last good version", same("B", site.rows()["B"], rule("B", 1)))
    shutil.copytree(site.rules, site.rules + "2")
    check("the same through another path into the directory",
          wrong(ttp("sync", "--rules", os.path.join(site.rules, "..", "rules"), "--db", site.db, "--once"), 3),
          same("rows", sorted(site.rows()), ["B", "C2", "D", "X"]))
    os.unlink(os.path.join(site.rules, "d.yaml"))
    check("and a deletion through it", wrong(ttp("sync", "--rules", site.rules + "/", "--db", site.db, "--once"), 3),
          same("rows", sorted(site.rows()), ["B", "C2", "X"]))


def restarted(site):
    put(site.rules, "a.yaml", rule("A", 1))
    with site.running() as sync:
        sync.out()
        sync.process.send_signal(signal.SIGKILL)
        sync.process.wait()
    put(site.rules, "a.yaml", rule("A", 2))
    put(site.rules, "b.yaml", rule("B", 1))
    with site.running() as sync:
        check("killed and started again, it has what came meanwhile", site.becomes({"A": rule("A", 2), "B": rule("B", 1)}))
        put(site.rules, "b.yaml", rule("B", 2))
        check("and follows on", site.becomes({"A": rule("A", 2), "B": rule("B", 2)}))
        os.rename(site.rules, site.rules + ".away")
        check("the directory vanishes: said", None if "rules: " in (sync.err() or "") else "nothing on standard error")
        wait_until(lambda: False, 0.5)
        check("its rules stay", same("rows", sorted(site.rows()), ["A", "B"]))
        os.mkdir(site.rules)
        put(site.rules, "a.yaml", rule("A", 3))
        check("another comes in its place: exactly that", site.becomes({"A": rule("A", 3)}))
        check("SIGINT ends it", same("exit status", sync.end(signal.SIGINT), 0))


def database_away(site):
    put(site.rules, "a.yaml", rule("A", 1))
    with site.running() as sync:
        sync.out()
        holder = sqlite3.connect(site.db, timeout=30, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        put(site.rules, "a.yaml", rule("A", 2))
        check("a database that stays locked is said, not fatal", None if "lock" in (sync.err() or "") else "nothing said")
        holder.execute("ROLLBACK")
        holder.close()
        check("and what came meanwhile is written when it is free", site.becomes({"A": rule("A", 2)}))
        check("it still runs", same("exit status", sync.process.poll(), None))


def gate(site):
    put(site.rules, "a.yaml", rule("A", 1, "tests: {match: [{command_text: nothing}]}\n"))
    check("a rule that fails its own tests stays out", wrong(site.once(), 3, out=["^0 rules .* 1 refused"], err=["a.yaml:.*tests failed"]),
          same("rows", site.rows(), {}))
    check("unless it is told otherwise", wrong(site.once("--no-gate"), 0), same("rows", sorted(site.rows()), ["A"]))


def bad_input(site):
    for says, words, status, err in (
            ("a directory that is not there", ["--rules", "/nonexistent", "--db", site.db], 1, "^ttp: /nonexistent: cannot read the directory of rules: No such file"),
            ("a file for a directory", ["--rules", "/dev/null", "--db", site.db], 1, "^ttp: /dev/null: .*Not a directory; expected a directory"),
            ("a database in no directory", ["--rules", site.rules, "--db", "/nonexistent/x.db"], 1, "^ttp: /nonexistent/x.db: "),
            ("no database", ["--rules", site.rules], 2, "which database\\?"),
            ("operands", [site.rules, "--db", site.db], 2, "it takes no operands"),
            ("an unknown option", ["--forever"], 2, "unknown option --forever")):
        check(f"{says}: one clear line", wrong(ttp("sync", *words, "--once"), status, err=[err]),
              wrong(ttp("sync", *words), status, err=[err]) if status == 1 else None)
    with open(site.db, "w", encoding="utf-8") as f:
        f.write("this is no database at all, but a text\n" * 100)
    check("what is no database", wrong(site.once(), 1, err=["ttp.db: .*database"]))


for run in (full, edits, quick_successors, deleted_while_down, restarted, database_away, gate, bad_input):
    with Site() as one:
        run(one)
finish()
