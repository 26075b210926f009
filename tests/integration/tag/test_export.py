# SPDX-License-Identifier: Apache-2.0
"""ttp export navigator as a person meets it. Usage: test_export.py TTP"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import uuid

TTP = sys.argv[1]
NAMESPACE = uuid.UUID("1ca31f08-5522-5aae-8371-fe81f0e39de3")


def make_tag(number, technique="T1083", tactic="TA0007", sub=None, release="enterprise-v18.1", **other):
    name = "command|cmd_%d|R0015|1|%s|%s" % (number, technique, sub or "")
    return {
        "uuid": str(uuid.uuid5(NAMESPACE, name)), "source_kind": "command", "source_id": "cmd_%d" % number,
        "attacker_uuid": "a1", "identity_uuid": None, "session_id": "s1", "decky_id": "d1", "tactic": tactic,
        "technique_id": technique, "sub_technique_id": sub, "confidence": 0.85, "rule_id": "R0015", "rule_version": 1,
        "evidence": {"command_text": "find / -perm -4000"}, "attack_release": release, "mitre_url": None,
        "created_at": "2026-07-10T01:01:38.082718Z"} | other


def lines(*tags):
    return "".join(t + "\n" if isinstance(t, str) else json.dumps(t) + "\n" for t in tags)


class Export(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def write(self, name, text):
        data = text.encode() if isinstance(text, str) else text
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def read(self, path):
        with open(path, "rb") as f:
            return f.read()

    def export(self, *words, text=""):
        done = subprocess.run([TTP, "export", "navigator", *words], input=text.encode(), timeout=30,
                              capture_output=True, env={"PATH": os.environ["PATH"]})
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def scores(self, out):
        return {(t["techniqueID"], t.get("tactic")): t.get("score") for t in json.loads(out)["techniques"]}

    def test_input(self):
        good = make_tag(1)
        one = {("T1083", "discovery"): 1}
        rows = [
            ("nothing", "", 0, {}, ""),
            ("a tag", lines(good), 0, one, ""),
            ("no newline at the end", lines(good)[:-1], 0, one, ""),
            ("CRLF and blank lines", "\r\n" + lines(good).replace("\n", "\r\n") + " \t\n\n", 0, one, ""),
            ("a list of tags", json.dumps([good, make_tag(2)], indent=1), 0, {("T1083", "discovery"): 2}, ""),
            ("a sub-technique", lines(make_tag(1, "T1548", "TA0004", "T1548.001")), 0,
             {("T1548", "privilege-escalation"): None, ("T1548.001", "privilege-escalation"): 1}, ""),
            ("garbage between", lines(good, "garbage", make_tag(2)), 3, {("T1083", "discovery"): 2},
             "standard input:2: "),
            ("half a last line", lines(good) + lines(make_tag(2))[:100], 3, one, "standard input:2: "),
            ("something that is no tag", lines({"eventid": "cowrie.login.failed"}, good), 3, one,
             "standard input:1: member source_kind: expected a string"),
            ("a number as text", lines(good | {"confidence": "1"}), 3, {}, "standard input:1: member confidence"),
            ("an escape sequence", lines(good | {"rule_id": "\x1b[2J"}), 3, {}, "member rule_id"),
            ("a lone surrogate and a NUL", lines(good | {"source_id": "\ud800\x00"}), 0, one, ""),
            ("another release", lines(good, make_tag(2), make_tag(3, release="enterprise-v17.1")), 0,
             {("T1083", "discovery"): 2}, "1 of 3 tags are of another ATT&CK release"),
        ]
        for says, text, status, want, complaint in rows:
            with self.subTest(says):
                got, out, err = self.export("-", text=text)
                self.assertEqual(got, status, err)
                self.assertEqual(self.scores(out), want)
                self.assertIn(complaint, err)
                if not complaint:
                    self.assertEqual(err, "")
                self.assertNotIn("\x1b", err)

    def test_many_bad_lines(self):
        got, out, err = self.export(text="x\n" * 1000)
        self.assertEqual(got, 3)
        self.assertEqual(err.count("not well-formed JSON"), 10)
        self.assertIn("1000 lines are no tags", err)

    def test_a_line_too_long(self):
        long = make_tag(1, evidence={"x": "x" * (17 << 20)})
        got, out, err = self.export(text=lines(make_tag(2), long, make_tag(3)))
        self.assertEqual(got, 3, err)
        self.assertIn("standard input:2: the line is longer than 16777216 bytes", err)
        self.assertEqual(self.scores(out), {("T1083", "discovery"): 2})

    def test_files(self):
        first = self.write("first.jsonl", lines(make_tag(1)))
        second = self.write("second.jsonl", lines(make_tag(2)))
        rows = [
            ("two files", [first, second], 0, 2, ""),
            ("one that is missing", [first, self.path("none")], 3, 1, "none: cannot open"),
            ("a directory", [self.dir.name, first], 3, 1, "directory"),
            ("none that can be read", [self.path("none")], 1, None, "none: cannot open"),
            ("a binary file", [self.write("binary", b"\x7fELF\x00\x01\x02" * 100)], 1, None, "binary"),
        ]
        for says, words, status, score, complaint in rows:
            with self.subTest(says):
                got, out, err = self.export(*words)
                self.assertEqual(got, status, err)
                self.assertIn(complaint, err)
                if score is None:
                    self.assertEqual(out, "")
                else:
                    self.assertEqual(self.scores(out), {("T1083", "discovery"): score})

    def test_output(self):
        text = lines(make_tag(1))
        old = "x" * 100000
        target = self.write("layer.json", old)
        got, out, err = self.export("--db", self.path("none.db"), "-o", target)
        self.assertEqual(got, 1)
        with open(target) as f:
            self.assertEqual(f.read(), old, "a failure leaves the old layer")
        got, out, err = self.export("-n", 'a "name"', "-o", target, text=text)
        self.assertEqual((got, out, err), (0, "", ""))
        with open(target) as f:
            self.assertEqual(json.load(f)["name"], 'a "name"')
        got, out, err = self.export("--db", self.path("none.db"), "-o", self.path("new.json"))
        self.assertEqual(got, 1)
        self.assertFalse(os.path.exists(self.path("new.json")), "a failure leaves no empty layer")
        got, out, err = self.export("-o", "/dev/full", text=text)
        self.assertEqual(got, 1)
        self.assertIn("/dev/full: no space left", err)
        got, out, err = self.export("-o", self.path("no/layer.json"), text=text)
        self.assertEqual(got, 1)
        self.assertIn("cannot write: No such file or directory", err)

    def test_database(self):
        path = self.path("tags.db")
        db = sqlite3.connect(path)
        columns = list(make_tag(1))
        # as the Python program makes it
        db.execute("CREATE TABLE ttp_tag (%s, PRIMARY KEY (uuid))" % ", ".join("%s VARCHAR" % c for c in columns))
        for tag in [make_tag(1), make_tag(2, "T1548", "TA0004", "T1548.001"), make_tag(3, tactic="nothing")]:
            row = tag | {"evidence": json.dumps(tag["evidence"]), "created_at": "2026-07-10 01:01:38.082718"}
            db.execute("INSERT INTO ttp_tag VALUES (%s)" % ", ".join("?" * len(columns)), list(row.values()))
        db.commit()
        db.close()
        before = self.read(path)
        for url in [path, "sqlite:///" + path, "sqlite+aiosqlite:///" + path]:
            got, out, err = self.export("--db", url)
            self.assertEqual(got, 3, err)
            self.assertEqual(self.scores(out), {("T1083", "discovery"): 1, ("T1548", "privilege-escalation"): None,
                                                ("T1548.001", "privilege-escalation"): 1})
            self.assertIn("row 3 of ttp_tag: column tactic holds no value that a tag can have", err)
        self.assertEqual(self.read(path), before, "reading changes nothing")

    def test_usage(self):
        rows = [
            ("both", ["--db", "x", "y"], 2, "not both"),
            ("an unknown option", ["--nothing"], 2, "unknown option"),
            ("MySQL", ["--db", "mysql://u:secret@h/x"], 1, "only SQLite will do"),
            ("a text file as database", ["--db", self.write("text", "x" * 200)], 1, "not a SQLite database"),
            ("a bundle that is not there", ["--attack-bundle", "/none", "-"], 1, "/none"),
        ]
        for says, words, status, complaint in rows:
            with self.subTest(says):
                got, out, err = self.export(*words)
                self.assertEqual(got, status, err)
                self.assertEqual(out, "")
                self.assertIn(complaint, err)
                self.assertNotIn("secret", err)
        got, out, err = self.export("--help")
        self.assertEqual(got, 0)
        self.assertIn("Example:", out)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
