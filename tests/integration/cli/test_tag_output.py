# SPDX-License-Identifier: Apache-2.0
"""What ttp tag writes: each form of output, the database, the account, and what happens where it cannot write."""
import json
import os
import re
import sqlite3
import subprocess
import uuid

from harness import (MARK_RULE, ROOT, TTP, Place, account, check, command, cowrie, environment, event, finish, lines, same,
                     ttp, wrong)

EXAMPLE = os.path.join(ROOT, "examples/cowrie-example.json")
PACK = os.path.join(ROOT, "rules/ttp")
COLUMNS = ["uuid", "source_kind", "source_id", "attacker_uuid", "identity_uuid", "session_id", "decky_id", "tactic",
           "technique_id", "sub_technique_id", "confidence", "rule_id", "rule_version", "evidence", "attack_release",
           "mitre_url", "created_at"]
NAMESPACE = uuid.UUID("1ca31f08-5522-5aae-8371-fe81f0e39de3")
SUID = """\
rule_id: R0015
rule_version: 1
name: suid_search
applies_to: [command]
match: {field: command_text, pattern: 'find .*-perm'}
emits:
  - {tactic: TA0007, technique_id: T1083, confidence: 0.85}
  - {tactic: TA0004, technique_id: T1548, sub_technique_id: T1548.001, confidence: 0.95}
evidence_fields: [command_text]
"""


def tag_example(*words, **more):
    return ttp("tag", "--rules", PACK, *words, EXAMPLE, **more)


def check_jsonl():
    tags = tag_example("--output", "jsonl")
    check("jsonl: one tag a line, with the columns of the table in their order",
          wrong(tags, status=0), *[same(f"line {i + 1}", list(t), COLUMNS) for i, t in enumerate(tags.objects())
                                   if list(t) != COLUMNS][:1])
    check("jsonl: each UUID follows from event, rule and technique",
          *[same("uuid", t["uuid"], str(uuid.uuid5(NAMESPACE, "|".join(
              [t["source_kind"], t["source_id"], t["rule_id"], str(t["rule_version"]), t["technique_id"],
               t["sub_technique_id"] or ""])))) for t in tags.objects()][:20])
    check("jsonl: no UUID stands twice", same("UUIDs", len({t["uuid"] for t in tags.objects()}), tags.out.count("\n")))
    n = re.search(r"tags: (\d+)", tags.err)
    check("jsonl: as many lines as the account says", same("tags", tags.out.count("\n"), int(n.group(1)) if n else None))
    with Place() as here:
        here.write("rules/R0015.yaml", SUID)
        here.write("log", lines(event("find / -perm -4000", source_id="cmd_42")))
        known = {t["technique_id"]: t["uuid"] for t in here.tag("log").objects()}
    check("jsonl: the UUIDs that DESIGN names", same("UUIDs", known, {
        "T1083": "68fb11d9-e52c-5751-9b99-75877c5465ba", "T1548": "4fd57b14-c135-544c-97d9-4fabc1051584"}))


def check_forms():
    tags = tag_example("--output", "jsonl").objects()
    ecs = tag_example("--output", "ecs")
    check("ecs: one alert a tag, with the same techniques and tactics",
          wrong(ecs, status=0),
          same("ids", sorted(o["event"]["id"] for o in ecs.objects()), sorted(t["uuid"] for t in tags)),
          same("tactics", [o["threat"]["tactic"]["id"] for o in ecs.objects()], [[t["tactic"]] for t in tags]),
          same("techniques", [o["threat"]["technique"]["id"] for o in ecs.objects()], [[t["technique_id"]] for t in tags]),
          same("times", [o["@timestamp"][:10] for o in ecs.objects()], ["2026-03-11"] * len(tags)))
    none = tag_example("--output", "none")
    check("none: nothing on standard output, the account all the same",
          wrong(none, status=0, err=[rf"tags: {len(tags)}$"]), same("stdout", none.out, ""))
    table = tag_example()
    rows = re.findall(r"^(\S.*?) +(T\d{4}(?:\.\d{3})?) +(\S.*?) +(\d+)  \d{4}-", table.out, re.M)
    want = {}
    for t in tags:
        key = t["sub_technique_id"] or t["technique_id"]
        want[key] = want.get(key, 0) + 1
    got = {}
    for _, key, _, count in rows:
        got[key] = got.get(key, 0) + int(count)
    check("table, the default: a line for each technique with its count",
          wrong(table, status=0, out=[r"^TACTIC +TECHNIQUE +NAME +COUNT", rf"^{len(tags)} tags, {len(want)} techniques, "]),
          same("counts", got, want))
    for form, done in (("table", table), ("jsonl", tag_example("--output", "jsonl")), ("ecs", ecs), ("none", none)):
        check(f"{form}: without a terminal there is neither colour nor progress",
              wrong(done, no_out=["\x1b"], no_err=["\x1b", "\r"]))
    quiet = tag_example("--quiet", "--output", "none")
    check("--quiet: neither account nor anything else on standard error", same("stderr", quiet.err, ""))


def check_account():
    log = lines(command("MARK a"), b"", command("nothing"), cowrie("log.open"), b"{", cowrie("log.closed"), command("MARK b"))
    with Place(log=log) as here:
        done = here.tag("log")
    check("the account names every line: taggable, not taggable by event id, blank, bad by reason",
          wrong(done, status=3, err=[r"^  not taggable: cowrie\.log\.open 1, cowrie\.log\.closed 1$",
                                     r"^  bad: not JSON 1$", r"^events: 4 evaluated, 2 tagged; tags: 2$"]),
          same("lines", account(done.err), {"read": 7, "taggable": 3, "not taggable": 2, "blank": 1, "bad": 1,
                                            "adds up": True}))
    with Place(log=lines(command("MARK low"), command("MARK", session="b" * 12, src_ip=...))) as here:
        here.write("rules/M1_mark.yaml", MARK_RULE.replace("0.9", "0.2"))
        here.write("rules/M2.yaml", MARK_RULE.replace("M1", "M2").replace("low", "anything"))
        done = here.tag("log")
    check("tags left out, by confidence or for want of an attacker, are counted",
          wrong(done, status=0, err=[r"left out: \d below confidence 0\.3, \d without an attacker"]),
          same("rules", [t["rule_id"] for t in done.objects()], ["M2"]))


def rows_of(path, what="*"):
    with sqlite3.connect(path) as db:
        found = db.execute(f"SELECT {what} FROM ttp_tag ORDER BY uuid").fetchall()
    db.close()
    return found


def check_db():
    with Place() as here:
        path = here.path("tags.db")
        first = tag_example("--output", "jsonl", "--db", path)
        n = len(first.objects())
        check("--db: every tag is a row that holds what jsonl prints",
              wrong(first, status=0, err=[rf"tags: {n}, {n} of them new in the database"]),
              same("rows", [list(r) for r in rows_of(path, ", ".join(COLUMNS[:13]))],
                   [[t[c] for c in COLUMNS[:13]] for t in sorted(first.objects(), key=lambda t: t["uuid"])]),
              same("evidence", [json.loads(r[0]) for r in rows_of(path, "evidence")],
                   [t["evidence"] for t in sorted(first.objects(), key=lambda t: t["uuid"])]))
        before = rows_of(path)
        again = tag_example("--output", "none", "--db", path)
        check("--db: the same log again inserts nothing and changes nothing",
              wrong(again, status=0, err=[rf"tags: {n}, 0 of them new in the database"]),
              None if rows_of(path) == before else "rows differ")
        both = ttp("tag", "--rules", PACK, "--output", "none", "--db", here.path("two.db"), EXAMPLE, EXAMPLE)
        check("--db: a log given twice in one run makes each tag once",
              wrong(both, status=0), same("rows", len(rows_of(here.path("two.db"))), n))
        here.write("text.db", "this is no database\n" * 100)
        os.mkdir(here.path("directory.db"))
        for says, name, why in (("a file that is no database", "text.db", "database"),
                                ("a directory", "directory.db", "directory"),
                                ("a path that is not there", "no/where.db", "does not exist")):
            done = tag_example("--output", "jsonl", "--db", here.path(name))
            check(f"--db: {says} is one line and exit status 1, before any tag is printed",
                  wrong(done, status=1, err=[rf"^ttp: .*{why}"]), same("stdout", done.out, ""),
                  same("lines on stderr", done.err.count("\n"), 1))
        with open(here.path("text.db"), encoding="utf-8") as f:
            check("--db: a file that is no database is left as it was",
                  same("text", f.read(), "this is no database\n" * 100))


def said_once(done):
    said = [line for line in done.err.splitlines() if line.startswith("ttp: ") and "warning: " not in line]
    return wrong(done, status=1) or same("complaints", len(said), 1)


def run_into(target, words, log):
    """Run with standard output going to a full disk, or to a reader that leaves after one line."""
    if target == "a full disk":
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TTP, *words, log], stdout=full, stderr=subprocess.PIPE, env=environment(), check=False,
                                  timeout=60)
        return done.returncode, done.stderr
    with subprocess.Popen([TTP, *words, log], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as p:
        p.stdout.readline()
        p.stdout.close()
        err = p.stderr.read()
    return p.returncode, err


def check_cannot_write():
    class Result:
        out = ""

    with Place(log=lines(*[command(f"MARK {i}") for i in range(20000)])) as here:
        forms = [["tag", "--output", "jsonl"], ["tag", "--output", "ecs"], ["explain"], ["explain", "--output", "json"]]
        for target in ("a full disk", "a reader that leaves after one line"):
            for words in forms + ([["tag"]] if target == "a full disk" else []):
                done = Result()
                done.status, err = run_into(target, words + ["--rules", here.path("rules")], here.path("log"))
                done.err = err.decode()
                check(f"{' '.join(words)}: {target} is said in one line; exit status 1", said_once(done))
        rules = ["--rules", here.path("rules")]
        here.write("tags", here.tag("--quiet", "log").out_bytes[:100000].rsplit(b"\n", 1)[0] + b"\n")
        for words in (["--help"], ["--version"], ["tag", "--help"], ["rules", "--help"], ["doctor"], ["attack", "show", "T1059"],
                      ["rules", "list", *rules], ["rules", "show", *rules, "M1"], ["rules", "lint", *rules],
                      ["rules", "test", *rules], ["export", "navigator", here.path("tags")],
                      ["export", "navigator", "--output", "/dev/full", here.path("tags")]):
            with open("/dev/full", "wb") as full:
                p = subprocess.run([TTP, *words], stdout=full, stderr=subprocess.PIPE, env=environment(), check=False)
            done = Result()
            done.status, done.err = p.returncode, p.stderr.decode()
            check(f"{' '.join(words).replace(here.name, '')}: a full disk is said in one line; exit status 1", said_once(done))


def check_same_twice():
    """Nothing but the time differs between two runs, whatever the directory order."""
    def tags():
        return [{k: v for k, v in t.items() if k != "created_at"} for t in tag_example("--output", "jsonl").objects()]
    check("two runs print the same tags in the same order", None if tags() == tags() else "they differ")


check_jsonl()
check_forms()
check_account()
check_db()
check_cannot_write()
check_same_twice()
finish()
