# SPDX-License-Identifier: Apache-2.0
"""ttp rules watch on directories and databases: lines, JSON, what is there already, and its ends."""
import json
import os
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import WAIT_S, Running, put, rule  # noqa: E402
from harness import TTP, check, environment, finish, same, ttp, wrong  # noqa: E402

with tempfile.TemporaryDirectory(prefix="ttp-watch-") as here:
    rules, db = os.path.join(here, "rules"), os.path.join(here, "ttp.db")
    os.mkdir(rules)
    put(rules, "a.yaml", rule("A", 1))
    put(rules, "b.yaml", rule("B", 1))
    put(rules, "bad.yaml", "rule_id: [")
    ttp("sync", "--rules", rules, "--db", db, "--once")
    ttp("state", "set", "B", "clipped", "--confidence-max", "0.25", "--reason", "noisy", "--db", db)

    with Running("rules", "watch", "--rules", rules) as watch:
        check("a bad file is said on standard error", None if "bad.yaml" in watch.err() else "it is not")
        check("so is what is followed", same("stderr", watch.err(), "ttp: following 2 rules, 1 are not live"))
        put(rules, "a.yaml", rule("A", 2))
        check("an edit as a line", same("stdout", watch.out(), "A version 2"))
        os.unlink(os.path.join(rules, "a.yaml"))
        check("a deletion", same("stdout", watch.out(), "A deleted"))
        put(rules, "a.yaml", rule("A", 1, "tests: {match: [{command_text: nothing}]}\n"))
        check("a rule that fails its own tests is said", None if "tests failed" in watch.err() else "it is not")
        put(rules, "c.yaml", rule("B", 2))
        doubled = watch.err() or "nothing"
        check("a second file of one id is said, by where it is",
              None if f"{rules}/c.yaml: rule_id B is b.yaml's already" in doubled else doubled)
        os.unlink(os.path.join(rules, "c.yaml"))
        check("SIGINT ends it cleanly", same("exit status", watch.end(signal.SIGINT), 0))
    with Running("rules", "watch", "--rules", rules, "--no-gate", "--existing") as watch:
        watch.err()
        check("without the gate it is taken; what exists is printed first", same("stdout", [watch.out(), watch.out()], ["A version 1", "B version 1"]))
        check("SIGTERM ends it cleanly", same("exit status", watch.end(signal.SIGTERM), 0))

    with Running("rules", "watch", "--db", db, "--output", "jsonl", "--existing") as watch:
        got = [json.loads(watch.out()) for _ in range(3)]
        state = got[2].pop("state")
        check("what a database holds, as if it had just come",
              same("changes", got, [{"kind": "definition", "rule_id": r, "rule_version": 1, "deleted": False, "state": None} for r in "AB"]
                   + [{"kind": "state", "rule_id": "B", "rule_version": None, "deleted": False}]),
              same("state", {k: state[k] for k in ("state", "confidence_max", "expires_at", "reason")},
                   {"state": "clipped", "confidence_max": 0.25, "expires_at": None, "reason": "noisy"}))
        ttp("state", "set", "A", "disabled", "--for", "1s", "--db", db)
        check("a state that another process sets", same("change", watch.change(), "state A disabled"))
        for word in ("enabled", "disabled", "clipped"):
            ttp("state", "set", "UNKNOWN", word, "--confidence-max", "1", "--db", db)
        check("each of several, in order", same("changes", [watch.change() for _ in range(3)],
                                                 [f"state UNKNOWN {w}" for w in ("enabled", "disabled", "clipped")]))
        check("it ends", same("exit status", watch.end(), 0))
    by_env = {"DECNET_TTP_RULE_STORE_TYPE": "database", "DECNET_DB_URL": db}
    with Running("rules", "watch", **by_env) as watch:
        check("the environment can name the database", same("stderr", watch.err(), "ttp: following 2 rules, 0 are not live"))
        ttp("state", "clear", "B", "--db", db)
        check("a state as a line", None if (watch.out() or "").startswith('B state {"state":"enabled"') else "another line")

    for what, edit in (("at the next change", True), ("also where nothing changes", False)):
        with subprocess.Popen([TTP, "rules", "watch", "--rules", rules], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment(), bufsize=0) as watch:
            while b"following" not in watch.stderr.readline():
                pass
            watch.stdout.close()
            if edit:
                put(rules, "b.yaml", rule("B", 5))
            check(f"a closed pipe ends it, {what}", same("exit status", watch.wait(WAIT_S), 1),
                  same("stderr", watch.stderr.read(), b"ttp: cannot write to standard output: Broken pipe\n"))
    with open("/dev/full", "wb") as full, subprocess.Popen(
            [TTP, "rules", "watch", "--rules", rules, "--existing"], stdout=full, stderr=subprocess.PIPE, env=environment()) as watch:
        check("so does a full disk", same("exit status", watch.wait(WAIT_S), 1))

    for says, words, status, err in (
            ("a directory that is not there", ["--rules", "/nonexistent"], 1, "^ttp: /nonexistent: cannot read the directory of rules"),
            ("a database in no directory", ["--db", "/nonexistent/x.db"], 1, "^ttp: /nonexistent/x.db: "),
            ("both", ["--rules", rules, "--db", db], 2, "exclude each other"),
            ("an unknown output", ["--output", "xml"], 2, "expected text or jsonl"),
            ("operands", ["R1"], 2, "takes no operands")):
        check(f"{says}: one clear line", wrong(ttp("rules", "watch", *words), status, err=[err], no_out=["."]))
finish()
