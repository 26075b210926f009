# SPDX-License-Identifier: Apache-2.0
"""What the rule pack tells of labelled events, against their labels; every event must agree.

Usage: run_precision.py TTP RULES FILE.jsonl...
"""
import collections
import json
import os
import subprocess
import sys

TTP, RULES, FILES = sys.argv[1], sys.argv[2], sys.argv[3:]
ATTACKER = "0b1f4c0e-7a55-5d0c-9f3c-2f6b8f9a1c11"


def read_labels(path):
    """source_id (file:line), event, expected techniques."""
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            label = json.loads(line)
            extra = set(label) - {"source_kind", "payload", "expect"}
            if extra or label["expect"] != sorted(set(label["expect"])):
                sys.exit(f"{path}:{number}: expected source_kind, payload and expect, a sorted list without repeats")
            yield f"{os.path.basename(path)}:{number}", label


def tag(labels):
    """The techniques of each event, by source_id."""
    events = "".join(json.dumps({"source_id": source_id, "attacker_uuid": ATTACKER, "source_kind": label["source_kind"],
                                 "payload": label["payload"]}) + "\n" for source_id, label in labels.items())
    done = subprocess.run([TTP, "tag", "--format", "event", "--output", "jsonl", "--rules", RULES, "-"], check=False,
                          input=events, text=True, capture_output=True, timeout=120,
                          env={k: v for k, v in os.environ.items() if not k.startswith("DECNET_")})
    if done.returncode:
        sys.exit(f"ttp tag ended with {done.returncode}:\n{done.stderr}")
    told = collections.defaultdict(lambda: collections.defaultdict(set))
    for line in done.stdout.splitlines():
        t = json.loads(line)
        told[t["source_id"]][t["sub_technique_id"] or t["technique_id"]].add(t["rule_id"])
    return told


def share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def say(name, right, told, expected, events, agree):
    print(f"{name:<20}{events:>8}{agree:>8}{share(right, told):>12}{share(right, expected):>10}")


labels = dict(item for path in FILES for item in read_labels(path))
if not labels:
    sys.exit("no labelled event")
told = tag(labels)
sums = collections.defaultdict(collections.Counter)
for source_id, label in labels.items():
    want, got = set(label["expect"]), set(told[source_id])
    for name in (source_id.split(":")[0], "all"):
        sums[name].update(events=1, agree=want == got, right=len(want & got), told=len(got), expected=len(want))
    if want != got:
        wrong = [f"{t} told by {', '.join(sorted(told[source_id][t]))}" for t in sorted(got - want)]
        print(f"FAIL: {source_id}: {'; '.join([f'{t} missed' for t in sorted(want - got)] + wrong)}\n"
              f"    {json.dumps(label['payload'], ensure_ascii=True)[:300]}")
print(f"{'':<20}{'events':>8}{'agree':>8}{'precision':>12}{'recall':>10}")
for name in sorted(sums, key=lambda n: (n == "all", n)):
    s = sums[name]
    say(name, s["right"], s["told"], s["expected"], s["events"], s["agree"])
sys.exit(0 if sums["all"]["agree"] == sums["all"]["events"] else 1)
