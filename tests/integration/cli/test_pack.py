# SPDX-License-Identifier: Apache-2.0
"""The rule pack: clean for rules lint and rules test, known to the catalogue, and each rule says why."""
import os
import re

from harness import PACK, check, finish, same, shared, skip_part, ttp, wrong

FILES = sorted(os.listdir(PACK))


def check_clean():
    lint = ttp("rules", "lint", "--rules", PACK)
    check("rules lint has nothing to say of the pack, not even a warning",
          wrong(lint, status=0, out=[rf"^{len(FILES)} rules read, 0 errors, 0 warnings$"]))
    tests = ttp("rules", "test", "--rules", PACK)
    check("rules test: every rule of the pack has tests, and they pass",
          wrong(tests, status=0, out=[rf"^{len(FILES)} rules, \d+ tests, 0 failed, 0 without tests$"]))
    bundle = shared("data/attack/enterprise-attack-18.1.trimmed.json")
    if not bundle:
        skip_part("the pack under MITRE's own bundle: no shared data (TTP_SHARED)")
        return
    lint = ttp("rules", "lint", "--rules", PACK, "--attack-bundle", bundle, "--attack-release", "enterprise-v18.1")
    check("rules lint finds every id and tactic of the pack in MITRE's own bundle",
          wrong(lint, status=0, out=[rf"^{len(FILES)} rules read, 0 errors, "]))


def check_rules():
    rules = ttp("rules", "list", "--rules", PACK, "--output", "jsonl").objects()
    check("the pack has at least 40 rules, of all four kinds of event",
          None if len(rules) >= 40 else f"{len(rules)} rules", same("files", len(rules), len(FILES)),
          same("kinds", {k for r in rules for k in r["applies_to"]}, {"command", "http_request", "auth_attempt", "payload"}))
    shown = ttp("rules", "show", "--rules", PACK, "--output", "json", *[r["rule_id"] for r in rules]).objects()
    problems = [f"{r['rule_id']} does not say why" for r in shown if len(r.get("description") or "") < 30]
    check("every rule says in its description why that technique", same("rules", len(shown), len(rules)), *problems[:5])


def check_names():
    problems = []
    for name in FILES:
        with open(os.path.join(PACK, name), encoding="utf-8") as f:
            text = f.read()
        rule_id, rule_name = (re.search(rf"^{key}: (\S+)", text, re.M).group(1) for key in ("rule_id", "name"))
        if name != f"{rule_id}_{rule_name}.yaml":
            problems.append(f"{name} holds {rule_id} {rule_name}")
    check("every file is named by its rule's id and name", *problems[:5])


check_clean()
check_rules()
check_names()
finish()
