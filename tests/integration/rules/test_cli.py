# SPDX-License-Identifier: Apache-2.0
"""ttp rules lint, test, list and show as a person meets them. Usage: test_cli.py TTP"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

TTP = os.path.abspath(sys.argv[1])

GOOD = """rule_id: R1
rule_version: 2
name: wget \u202e[31m
applies_to: [command, elsewhere]
match:
  any:
    - {pattern: '\\bwget\\b'}
    - {not: {field: uid, gte: 0}}
    - {field: path, pattern: '(?<!x).', ignore_case: true}
emits:
  - {tactic: TA0011, technique_id: T1105, confidence: 0.8}
  - {tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.004, confidence: 0.5}
evidence_fields: [command_text]
owner: blue
tests:
  match:
    - {command_text: wget x, uid: 1}
  no_match:
    - {command_text: curl x, uid: 1}
"""
PLAIN = """rule_id: R%s
rule_version: 1
name: plain
applies_to: command
match: {pattern: wget}
emits: [{tactic: TA0011, technique_id: T1105, confidence: 0.8}]
"""


class Rules(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)

    def write(self, name, text):
        path = os.path.join(self.home.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def ttp(self, *words, cwd=None, **environment):
        done = subprocess.run([TTP, "rules", *words], text=True, timeout=30, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | environment,
                              cwd=cwd or self.home.name, capture_output=True)
        return done.returncode, done.stdout, done.stderr

    def test_list_cost(self):
        self.write("a.yaml", PLAIN % 1)
        rare = (PLAIN % 2).replace("wget", "'xmrig[a-z]+(?!.)x'")
        self.write("b.yaml", rare)
        log = os.path.join(self.home.name, "log.jsonl")
        with open(log, "w", encoding="utf-8") as f:
            for i, text in enumerate(["wget x", "wget y", "xmrigaax", "w"]):
                f.write(json.dumps({"source_kind": "command", "source_id": f"c{i}", "attacker_uuid": "a",
                                    "payload": {"command_text": text}}) + "\n")
        status, out, err = self.ttp("list", "--cost", "--events", log, "--output", "jsonl", ".")
        self.assertEqual((status, err), (0, ""))
        cost = {r["rule_id"]: r["cost"] for r in map(json.loads, out.splitlines())}
        self.assertEqual(cost["R1"]["wakeups"], 2, "events that held the literal")
        self.assertEqual(cost["R1"]["verifications"], 0, "a literal is not searched for")
        self.assertEqual(cost["R2"]["verifications"], 1)
        self.assertEqual(cost["R2"]["cuts"], 0)
        self.assertGreater(cost["R2"]["ticks"], 0)
        status, out, err = self.ttp("list", "--cost", "--events", log, ".")
        self.assertEqual(status, 0)
        self.assertIn("MEGATICKS", out.splitlines()[0])
        status, out, err = self.ttp("list", "--cost", ".")
        self.assertEqual(status, 2)

    def samples(self, text):
        """Values by name and labels; each metric has its head, and stands together."""
        found, kinds = {}, {}
        for line in text.splitlines():
            if head := re.fullmatch(r"# (HELP|TYPE) (ttp_\w+) (.+)", line):
                self.assertNotIn(head.groups()[:2], kinds, "a head comes once")
                kinds[head.groups()[:2]] = head[3]
                last = head[2]
                continue
            sample = re.fullmatch(r"(ttp_\w+)\{((?:\w+=\"(?:[^\"\\]|\\.)*\",?)+)\} (\d+)", line)
            self.assertIsNotNone(sample, line)
            self.assertEqual(sample[1], last, "samples stand under their head")
            self.assertEqual(kinds["TYPE", last], "counter" if last.endswith("_total") else "gauge")
            found[sample[1] + "{" + sample[2] + "}"] = int(sample[3])
        return found

    def test_list_prometheus(self):
        self.write("a.yaml", PLAIN % 1)
        self.write("b.yaml", (PLAIN % 2).replace("wget", "curl"))
        self.write("bad.yaml", "rule_id: R3\n")
        log = os.path.join(self.home.name, "log.jsonl")
        with open(log, "w", encoding="utf-8") as f:
            for i, text in enumerate(["wget x", "wget y", "w"]):
                f.write(json.dumps({"source_kind": "command", "source_id": f"c{i}", "attacker_uuid": "a",
                                    "payload": {"command_text": text}}) + "\n")
        status, out, err = self.ttp("list", "--output", "prometheus", ".")
        states = {f'ttp_rules{{backend="filesystem",state="{state}"}}': n
                  for state, n in (("enabled", 2), ("disabled", 0), ("clipped", 0), ("refused", 1))}
        self.assertEqual((status, self.samples(out)), (3, states))
        status, out, err = self.ttp("list", "--hits", "--events", log, "--output", "prometheus", ".")
        hits = {f'ttp_rule_{name}_total{{rule_id="{rule}"}}': 2 if (name, rule) == ("fires", "R1") else 0
                for name in ("fires", "suppressed", "regex_bounds_hit") for rule in ("R1", "R2")}
        self.assertEqual(self.samples(out), states | hits)
        status, out, err = self.ttp("list", "--cost", "--events", log, "--output", "prometheus", ".")
        found = self.samples(out)
        self.assertEqual(found['ttp_rule_wakeups_total{rule_id="R1"}'], 2)
        self.assertEqual(found['ttp_rule_wakeups_total{rule_id="R2"}'], 0)
        self.assertGreater(found['ttp_rule_ticks_total{rule_id="R1"}'], 0)
        db = os.path.join(self.home.name, "rules.db")
        for words in (["sync", "--rules", ".", "--db", db, "--once"], ["state", "set", "--db", db, "R2", "disabled"]):
            subprocess.run([TTP, *words], cwd=self.home.name, capture_output=True, timeout=30, check=False)
        status, out, err = self.ttp("list", "--hits", "--db", db, "--output", "prometheus")
        found = self.samples(out)
        self.assertEqual(found['ttp_rules{backend="database",state="disabled"}'], 1)
        self.assertEqual(found['ttp_rules{backend="database",state="enabled"}'], 1)
        self.assertEqual(found['ttp_rule_fires_total{rule_id="R1"}'], 0)

    def test_lint_text(self):
        self.write("b.yaml", GOOD)
        self.write("a.yaml", "rule_id: R2\nrule_version: 0\n")
        self.write("c.yaml", PLAIN % 1)
        status, out, err = self.ttp("lint", "--rules", ".")
        self.assertEqual(out.splitlines(), [
            "./a.yaml:2:15: error: rule_version is 0; expected an integer of at least 1",
            "./b.yaml:4:23: warning: unknown source kind elsewhere",
            "./b.yaml:9:30: warning: the pattern has no literal part that every match must hold: it is searched in "
            "every event of its field",
            "./b.yaml:14:1: warning: unknown key owner",
            "./c.yaml: error: rule_id R1 is ./b.yaml's already; expected another",
            "./c.yaml:1:1: warning: the rule has no tests; expected tests with match and no_match",
            "1 rule read, 2 errors, 4 warnings",
        ])
        self.assertEqual((status, err), (1, ""))

    def test_lint_jsonl(self):
        self.write("a.yaml", PLAIN % 1)
        status, out, err = self.ttp("lint", "-o", "jsonl", "a.yaml", "missing.yaml")
        found = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(found, [
            {"path": "a.yaml", "line": 1, "column": 1, "severity": "warning",
             "message": "the rule has no tests; expected tests with match and no_match"},
            {"path": "missing.yaml", "line": 0, "column": 0, "severity": "error",
             "message": "cannot open: No such file or directory"},
        ])
        self.assertEqual((status, err), (1, "1 rule read, 1 error, 1 warning\n"))

    def test_warnings_alone_are_no_failure(self):
        self.assertEqual(self.ttp("lint", self.write("a.yaml", PLAIN % 1))[0], 0)

    def test_where_rules_are(self):
        os.makedirs(os.path.join(self.home.name, "rules/ttp"))
        os.makedirs(os.path.join(self.home.name, "other"))
        self.write("rules/ttp/a.yaml", PLAIN % "_default")
        self.write("other/a.yaml", PLAIN % "_other")
        rows = [
            ("./rules/ttp", [], {}, "R_default"),
            ("the environment's", [], {"DECNET_TTP_RULES_DIR": "other"}, "R_other"),
            ("the option's", ["--rules", "rules/ttp"], {"DECNET_TTP_RULES_DIR": "other"}, "R_default"),
            ("an operand's", ["other/a.yaml"], {}, "R_other"),
        ]
        for says, words, environment, want in rows:
            with self.subTest(says):
                status, out, err = self.ttp("list", *words, **environment)
                self.assertEqual((status, err), (0, ""))
                self.assertEqual(out.splitlines()[1].split()[0], want)
        status, out, err = self.ttp("list", "--rules", "nowhere")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("nowhere: cannot open the directory", err)

    def test_list(self):
        self.write("a.yaml", GOOD)
        self.write("b.yaml", "x")
        status, out, err = self.ttp("list", "--rules", ".")
        self.assertEqual(out, "RULE  V  STATE    NAME               APPLIES TO         TECHNIQUES\n"
                              "R1    2  enabled  wget \\u{202e}[31m  command,elsewhere  T1105,T1059.004\n")
        self.assertEqual(status, 3)
        self.assertIn("./b.yaml:1:1: the document is x", err)
        status, out, err = self.ttp("list", "--rules", ".", "--output", "jsonl")
        row, refused = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((row["rule_id"], row["rule_version"], row["applies_to"], row["techniques"], row["n_tests"]),
                         ("R1", 2, ["command", "elsewhere"], ["T1105", "T1059.004"], 2))
        self.assertEqual((row["runs"], row["error"], row["state"]["state"]), (True, None, "enabled"))
        self.assertEqual((refused["rule_id"], refused["runs"]), (None, False))
        self.assertEqual(refused["error"], {"where": "./b.yaml", "line": 1, "column": 1, "message":
                                            "the document is x; expected a rule: a mapping with rule_id and so on"})

    def test_test(self):
        failing = PLAIN % 2 + "tests:\n  match:\n    - {command_text: curl}\n  no_match:\n    - {command_text: wget}\n"
        self.write("a.yaml", GOOD)
        status, out, err = self.ttp("test", "--rules", ".")
        self.assertEqual((status, out, err), (0, "1 rule, 2 tests, 0 failed, 0 without tests\n", ""))
        self.write("b.yaml", failing)
        self.write("c.yaml", PLAIN % 3)
        status, out, err = self.ttp("test", "--rules", ".")
        self.assertEqual(out.splitlines(), [
            './b.yaml:9: R2 should match and does not: command {"command_text":"curl"}',
            './b.yaml:11: R2 should not match and does: command {"command_text":"wget"}',
            "3 rules, 4 tests, 2 failed, 1 without tests",
        ])
        self.assertEqual((status, err), (1, "ttp: warning: ./c.yaml: the rule has no tests\n"))
        status, out, err = self.ttp("test", "-o", "jsonl", "b.yaml")
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([(r["line"], r["want_match"], r["payload"]) for r in rows],
                         [(9, True, {"command_text": "curl"}), (11, False, {"command_text": "wget"})])
        self.assertEqual(status, 1)

    def test_show(self):
        self.write("a.yaml", GOOD)
        status, out, err = self.ttp("show", "--rules", ".", "R1")
        self.assertEqual((status, err), (0, ""))
        for want in ["R1  wget \\u{202e}[31m\n", "any\n", '(default field) pattern \\bwget\\b\n',
                     'linear, atom "wget"', "not\n", "uid gte 0\n", "backtracking, no atom", "(ignoring case)",
                     "T1105 Ingress Tool Transfer, tactic TA0011 Command and Control, confidence 0.8",
                     "T1059.004 Unix Shell, tactic TA0002 Execution, confidence 0.5",
                     "1 match, 1 no_match", '{"owner":"blue"}']:
            self.assertIn(want, out)
        status, out, err = self.ttp("show", "--rules", ".", "--output", "json", "R1")
        row = json.loads(out)
        self.assertEqual([leaf["op"] for leaf in row["leaves"]], ["pattern", "gte", "pattern"])
        self.assertEqual(row["leaves"][0]["patterns"][0]["atoms"], ["wget"])
        self.assertEqual(row["emits"][1]["sub_technique_name"], "Unix Shell")
        self.assertEqual(row["match"]["any"][1], {"not": {"field": "uid", "gte": 0}})
        status, out, err = self.ttp("show", "--rules", ".", "R9", "R1")
        self.assertEqual(status, 1)
        self.assertIn("R1  wget", out)
        self.assertIn("R9: no rule has this rule_id", err)

    def test_usage(self):
        rows = [
            ("an unknown form", ["lint", "--output", "xml"], "text or jsonl"),
            ("an unknown form of list", ["list", "--output", "xml"], "table, jsonl or prometheus"),
            ("no rule", ["show"], "which rule?"),
            ("an unknown option", ["test", "--fast"], "unknown option --fast"),
        ]
        for says, words, want in rows:
            with self.subTest(says):
                status, out, err = self.ttp(*words)
                self.assertEqual((status, out), (2, ""))
                self.assertIn(want, err)
        for name in ["lint", "test", "list", "show"]:
            with self.subTest(name):
                status, out, err = self.ttp(name, "--help")
                self.assertEqual((status, err), (0, ""))
                self.assertIn("Example:\n  ttp rules " + name, out)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
