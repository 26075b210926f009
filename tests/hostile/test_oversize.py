# SPDX-License-Identifier: Apache-2.0
"""An event that is too long is refused, counted and explained; those around it are tagged. Usage: test_oversize.py TTP"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

TTP = os.path.abspath(sys.argv[1])
EVENT_MAX = 16 << 20
RULE = """rule_id: R1
rule_version: 1
name: x
applies_to: [command]
match: {pattern: xmrig}
emits: [{tactic: TA0011, technique_id: T1105, confidence: 0.8}]
"""


def event(number, text):
    return json.dumps({"source_kind": "command", "source_id": f"c{number}", "attacker_uuid": "a",
                       "payload": {"command_text": text}})


class Oversize(unittest.TestCase):
    def tag(self, lines):
        with tempfile.TemporaryDirectory() as home:
            os.mkdir(os.path.join(home, "rules"))
            with open(os.path.join(home, "rules", "R1.yaml"), "w", encoding="utf-8") as f:
                f.write(RULE)
            return subprocess.run([TTP, "tag", "-", "--rules", os.path.join(home, "rules"), "--output", "jsonl"],
                                  input="\n".join(lines) + "\n", text=True, capture_output=True, timeout=120,
                                  env={"PATH": os.environ["PATH"], "HOME": home})

    def test_one_too_long(self):
        longest = event(2, "xmrig")
        longest = event(2, "xmrig" + " " * (EVENT_MAX - len(longest)))
        self.assertEqual(len(longest), EVENT_MAX)
        done = self.tag([event(1, "xmrig"), longest, longest.replace("c2", "c33"), event(4, "xmrig")])
        tags = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([t["source_id"] for t in tags], ["c1", "c2", "c4"])
        self.assertEqual(done.returncode, 3, "done, but some input was bad")
        self.assertIn(f"longer than {EVENT_MAX} bytes", done.stderr, "the reason")
        self.assertRegex(done.stderr, r"\b1 (?:line|event|bad)", "and the count")


unittest.main(argv=sys.argv[:1])
