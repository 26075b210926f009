# SPDX-License-Identifier: Apache-2.0
"""ttp state list, get, set, clear: what an operator types, and what comes of it."""
import datetime
import json
import os
import pwd
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common  # noqa: F401, E402  (finds the harness)
from harness import check, finish, same, ttp, wrong  # noqa: E402

LOGIN = pwd.getpwuid(os.getuid()).pw_name
NONE = {"confidence_max": None, "expires_at": None, "reason": None, "set_by": None, "set_at": None}


def seconds_from_now(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


with tempfile.TemporaryDirectory() as here:
    db = os.path.join(here, "ttp.db")

    def state(*words, **more):
        return ttp("state", *words, "--db", db, **more)

    def get(rule_id="R1"):
        done = state("get", rule_id, "--output", "json")
        return json.loads(done.out)["state"] if done.status == 0 else {"failed": done.err}

    check("an unknown rule has the default state", wrong(state("get", "R1"), 0, out=["^R1  enabled$"]),
          same("as JSON", get(), {"state": "enabled"} | NONE))
    check("nothing is set: a list has its head only", wrong(state("list"), 0, out=[r"\ARULE +STATE .*REASON\n\Z"]),
          wrong(state("list", "-o", "jsonl"), 0, out=[r"\A\Z"]))

    check("disabled for four hours, and why",
          wrong(state("set", "R1", "disabled", "--for", "4h", "--reason", "noisy"), 0, out=["^R1 is disabled now$"]))
    now = get()
    check("set_by is the login name, set_at is now", same("set_by", now["set_by"], LOGIN),
          None if -60 < seconds_from_now(now["set_at"]) <= 0 else now["set_at"])
    check("it ends in four hours", None if 4 * 3600 - 60 < seconds_from_now(now["expires_at"]) <= 4 * 3600 else str(now))
    check("the reason is kept, what was not given is absent", same("reason", now["reason"], "noisy"),
          same("confidence_max", now["confidence_max"], None))

    for text, seconds in (("90", 90), ("90s", 90), ("30m", 1800), ("7d", 7 * 86400), ("2w", 14 * 86400)):
        done = state("set", "R1", "disabled", "--for", text)
        check(f"--for {text}", wrong(done, 0),
              None if seconds - 60 < seconds_from_now(get()["expires_at"]) <= seconds else str(get()))
    for text, want in (("2099-01-31T18:00:00Z", "2099-01-31T18:00:00"), ("2099-01-31T18:00:00+01:00", "2099-01-31T17:00:00"),
                       ("2099-01-31T18:00:00.25Z", "2099-01-31T18:00:00.25")):
        check(f"--until {text}", wrong(state("set", "R1", "disabled", "--until", text), 0),
              None if get()["expires_at"].startswith(want) else get()["expires_at"])
    check("one state replaces another whole",
          wrong(state("set", "R1", "clipped", "--confidence-max", "0.5"), 0),
          same("state", {k: v for k, v in get().items() if k not in ("set_by", "set_at")},
               {"state": "clipped", "confidence_max": 0.5, "expires_at": None, "reason": None}))
    check("a reason with quotes, line ends and umlauts goes round",
          wrong(state("set", "R2", "enabled", "--reason", "it's \"loud\"\nund l\u00e4stig"), 0),
          same("reason", get("R2")["reason"], "it's \"loud\"\nund l\u00e4stig"))
    check("text shows it on one line, escaped", wrong(state("get", "R2"), 0, out=[r'^  reason +it.s "loud"\\x0aund']))
    check("an empty reason is not an absent one", wrong(state("set", "R3", "disabled", "--reason", ""), 0),
          same("reason", get("R3")["reason"], ""))
    check("nobody else's state was touched", same("R1", get()["state"], "clipped"))
    listed = state("list", "--output", "jsonl")
    check("list: by rule_id, all that is set", wrong(listed, 0),
          same("ids", [(o["rule_id"], o["state"]["state"]) for o in listed.objects()],
               [("R1", "clipped"), ("R2", "enabled"), ("R3", "disabled")]))
    check("list as a table", wrong(state("list"), 0, out=[r"^R1 +clipped +0\.5 +- ", r"^R3 +disabled +- +- "]))
    check("an expired state is not listed, and reads as the default",
          wrong(state("set", "R4", "disabled", "--for", "1"), 0),
          None if common.wait_until(lambda: get("R4")["state"] == "enabled") else "it does not expire",
          wrong(state("list"), 0, no_out=["R4"]))
    check("clear", wrong(state("clear", "R1", "R2"), 0, out=["^R1 is as its rule file says$", "^R2 is as"]),
          same("R1", get(), {"state": "enabled"} | NONE), same("R3", get("R3")["state"], "disabled"))
    check("clearing what is not set is no mistake", wrong(state("clear", "R9"), 0))

    check("a rule that is not there, as when its id is mistyped, is said", wrong(
        state("set", "R6", "disabled"), 0, out=["^R6 is disabled now$"], err=["^ttp: warning: R6: no rule of the database has this id"]))
    os.mkdir(os.path.join(here, "rules"))
    common.put(os.path.join(here, "rules"), "a.yaml", common.rule("R6", 1))
    check("one that is there is not",
          wrong(ttp("sync", "--rules", os.path.join(here, "rules"), "--db", db, "--once"), 0),
          wrong(state("set", "R6", "disabled"), 0, no_err=["."]))

    check("set by another than who is logged in", wrong(state("set", "R6", "disabled", "--by", "shift lead"), 0),
          same("set_by", get("R6")["set_by"], "shift lead"))
    check("by a name too long is refused", wrong(state("set", "R6", "enabled", "--by", "x" * 128), 1, err=["ttp: "]),
          same("state", get("R6")["state"], "disabled"))

    long_reason = "x" * 511
    check("the longest reason", wrong(state("set", "R5", "disabled", "--reason", long_reason), 0),
          same("reason", get("R5")["reason"], long_reason))
    for says, words, err in (
            ("an unknown state", ["set", "R1", "paused"], "unknown state paused: expected enabled, disabled or clipped"),
            ("a state in capitals", ["set", "R1", "DISABLED"], "unknown state DISABLED"),
            ("no state", ["set", "R1"], "expected a rule id and a state"),
            ("a rule id of two topic tokens", ["set", "a.b", "disabled"], "expected a rule id and a state"),
            ("a rule id of 65 characters", ["set", "x" * 65, "disabled"], "expected a rule id and a state"),
            ("clipped to nothing", ["set", "R1", "clipped"], "clipped to what\\? Give --confidence-max"),
            ("a confidence of 7", ["set", "R1", "clipped", "--confidence-max", "7"], "expected a number from 0 to 1"),
            ("a confidence of nan", ["set", "R1", "clipped", "--confidence-max", "nan"], "expected a number from 0 to 1"),
            ("a confidence with rest", ["set", "R1", "clipped", "--confidence-max", "0.5x"], "expected a number from 0 to 1"),
            ("a duration of nothing", ["set", "R1", "disabled", "--for", "0"], "expected a duration such as 90s"),
            ("a duration backwards", ["set", "R1", "disabled", "--for", "-4h"], "expected a duration such as 90s"),
            ("a duration in an unknown unit", ["set", "R1", "disabled", "--for", "4y"], "expected a duration such as 90s"),
            ("a duration beyond all time", ["set", "R1", "disabled", "--for", "99999999999999w"], "expected a duration"),
            ("a time that is none", ["set", "R1", "disabled", "--until", "tomorrow"], "expected a time such as"),
            ("a time without a zone or day", ["set", "R1", "disabled", "--until", "18:00"], "expected a time such as"),
            ("a time that is over", ["set", "R1", "disabled", "--until", "2001-01-01T00:00:00Z"], "that is over"),
            ("two ends", ["set", "R1", "disabled", "--for", "4h", "--until", "2099-01-01T00:00:00Z"], "exclude each other"),
            ("a reason of 512 bytes", ["set", "R1", "disabled", "--reason", "x" * 512], "expected at most 511 bytes"),
            ("nothing to get", ["get"], "expected one rule id"),
            ("two to get", ["get", "R1", "R2"], "expected one rule id"),
            ("nothing to clear", ["clear"], "expected rule ids"),
            ("something to list", ["list", "R1"], "it takes no operands"),
            ("an unknown output", ["list", "--output", "xml"], "unknown output xml: expected table or jsonl"),
            ("an unknown option", ["set", "R1", "disabled", "--forever"], "unknown option --forever")):
        check(f"{says} is wrong usage", wrong(state(*words), 2, err=[err], no_out=["."]))
    check("a time beyond the year 9999 is refused",
          wrong(state("set", "R1", "disabled", "--for", "500000w"), 1, err=["expires_at is out of range"]))
    check("a reason that is no text is refused",
          wrong(state("set", "R1", "disabled", "--reason", b"\xff\xfe".decode("utf-8", "surrogateescape")), 1,
                err=["reason is not valid UTF-8"]))
    check("which database?", wrong(ttp("state", "list", env={"DECNET_DB_URL": ""}), 2, err=["which database\\?"]))
    check("the environment's", wrong(ttp("state", "list", env={"DECNET_DB_PATH": db}), 0, out=["^R3 "]))
    check("a database in no directory", wrong(ttp("state", "list", "--db", "/nonexistent/x.db"), 1, err=["/nonexistent/x.db: "]))
finish()
