# SPDX-License-Identifier: Apache-2.0
"""ttp tag on bad lines: each is said with file, line and reason, counted, and what follows is read."""
import re

from harness import (Place, account, check, command, cowrie, event, finish, lines, same, wrong)

FIRST, LAST = "MARK first", "MARK last"
NOT_JSON = "not JSON: "
DEEP = b"[" * 300 + b"]" * 300


def cut_in(line, old, new):
    assert old in line
    return line.replace(old, new)


def with_member(line, member):
    return line[:-1] + b"," + member + b"}"


A = command("MARK x")
E = event("MARK x", 2)

# what the row says; the bad line; what is said of it; what is read of it: None where the line is refused
COWRIE = [
    ("JSON nested too deeply", with_member(A, b'"x":' + DEEP), "nested deeper than 256 levels", None),
    ("a key that stands twice", with_member(A, b'"input":"MARK again"'), "holds a key twice", "MARK again"),
    ("NaN", with_member(A, b'"x":NaN'), NOT_JSON, None),
    ("infinity", with_member(A, b'"x":-Infinity'), NOT_JSON, None),
    ("a lone surrogate", cut_in(A, b"x\"", b"\\ud83d.\""), "lone surrogate", "MARK \ufffd."),
    ("U+0000 in a command", cut_in(A, b"x\"", b"\\u0000rm\""), r"U\+0000", "MARK \0rm"),
    ("a NUL byte in a command", cut_in(A, b"x\"", b"\0rm\""), NOT_JSON, None),
    ("words behind an object", A + b" and so on", NOT_JSON, None),
    ("a second object behind an object", A + b" " + A, NOT_JSON, None),
    ("a brace behind an object", A + b"}", NOT_JSON, None),
    ("bytes that are not UTF-8", cut_in(A, b"x\"", b"\xff\xc0\xaf\""), "not UTF-8", "MARK " + 3 * "\ufffd"),
    ("a number for a command", command(5), "input is a number; expected a string", None),
    ("a list for a command", command(["MARK"]), "input is an array; expected a string", None),
    ("no command", command(...), "no input", None),
    ("a number for a session", command("MARK x", session=5), "session is a number; expected a string", None),
    ("an object for a sensor", command("MARK x", sensor={"a": 1}), "sensor is an object; expected a string", None),
    ("a list for an address", command("MARK x", src_ip=["192.0.2.1"]), "src_ip is an array; expected a string", None),
    ("a number for an event id", cowrie("x", eventid=5), "eventid is a number; expected a string", None),
    ("no event id", cowrie("x", eventid=...), "no eventid", None),
    ("a session that is null", command("MARK x", session=None), "no session", "MARK x"),
    ("no session", command("MARK x", session=...), "no session", "MARK x"),
    ("a session id of 5,000 bytes", command("MARK x", session="a" * 5000), "longer than 256 bytes", None),
    ("time that goes back", command("MARK x", timestamp="2026-02-28T10:00:00.000000Z"),
     r"time goes back by 86400\.0", "MARK x"),
    ("a time that is none", command("MARK x", timestamp="yesterday"), 'timestamp is "yesterday"; expected', "MARK x"),
    ("no time", command("MARK x", timestamp=...), "no timestamp$", "MARK x"),
    ("one session id from two sensors", command("MARK x", sensor="decoy-2"),
     "session 5e5510000001 comes from sensor decoy-2", "MARK x"),
    ("a list for a line", b'["MARK"]', "not a JSON object", None),
    ("a string for a line", b'"MARK"', "not a JSON object", None),
    ("no JSON at all", b"Mar  1 10:00:00 decoy sshd[1]: MARK", NOT_JSON, None),
    ("50 MB in one line", command("MARK" * (50 << 18)), "longer than 16777216 bytes; passed over", None),
]
EVENTS = [
    ("JSON nested too deeply", with_member(E, b'"x":' + DEEP), "nested deeper than 256 levels", None),
    ("a key that stands twice", with_member(E, b'"payload":{"command_text":"MARK again"}'), "holds a key twice",
     "MARK again"),
    ("NaN", with_member(E, b'"x":NaN'), NOT_JSON, None),
    ("a lone surrogate", cut_in(E, b"x\"", b"\\ud83d.\""), "lone surrogate", "MARK \ufffd."),
    ("U+0000 in a command", cut_in(E, b"x\"", b"\\u0000rm\""), r"U\+0000", "MARK \0rm"),
    ("bytes that are not UTF-8", cut_in(E, b"x\"", b"\xff\""), "not UTF-8", "MARK \ufffd"),
    ("words behind an object", E + b" and so on", NOT_JSON, None),
    ("a number for a source kind", event("MARK x", source_kind=5), "source_kind", None),
    ("no source id", event("MARK x", source_id=...), "source_id", None),
    ("a list for a payload", event("MARK x", payload=["MARK"]), "payload", None),
    ("no payload", event("MARK x", payload=...), "payload", None),
    ("a number for an attacker", event("MARK x", attacker_uuid=5), "attacker_uuid", None),
    ("a list for a line", b'["MARK"]', "not a JSON object", None),
    ("50 MB in one line", event("MARK" * (50 << 18)), "longer than 16777216 bytes; passed over", None),
]


def complaint(name, number, reason, refused):
    return rf"^ttp: {'' if refused else 'warning: '}{re.escape(name)}:{number}: .*{reason}"


def check_row(form, first, last, row):
    says, bad, reason, read = row
    with Place(**{"bad.log": lines(first, bad, last)}) as here:
        done = here.tag("bad.log")
    refused = read is None
    counted = {"read": 3, "taggable": 2 if refused else 3, "not taggable": 0, "blank": 0, "bad": int(refused),
               "adds up": True}
    check(f"{form}: {says} is {'refused' if refused else 'read'} with file, line and reason; the rest is read",
          wrong(done, status=3, err=[complaint("bad.log", 2, reason, refused)]) or
          same("commands", done.commands(), [FIRST] + ([] if refused else [read]) + [LAST]) or
          same("account", account(done.err), counted) or
          same("reasons in the account", len(re.findall(r"^  (?:bad|odd but read): .* 1$", done.err, re.M)), 1))


def check_last_line(form, first, last):
    rows = [
        ("half a last line", lines(first) + last[:40], 3, [complaint("half.log", 2, "cut off", True)], [FIRST], 1),
        ("a lone brace at the end", lines(first) + b"{", 3, [complaint("half.log", 2, "cut off", True)], [FIRST], 1),
        ("half of a character at the end", lines(first) + last[:-2] + b"\xf0\x9f", 3,
         [complaint("half.log", 2, "cut off", True)], [FIRST], 1),
        ("a whole last line without newline", lines(first) + last, 0, [], [FIRST, LAST], 0),
        ("blank lines and CRLF", b"\r\n" + first + b"\r\n\n \t\n" + last + b"\r\n\n", 0, [], [FIRST, LAST], 0),
        ("a byte order mark", b"\xef\xbb\xbf" + lines(first, last), 0, [], [FIRST, LAST], 0),
        ("NUL bytes that a power cut left", b"\0" * 100000 + lines(first, last), 3,
         ["warning: half.log:1: 100000 NUL bytes"], [FIRST, LAST], 0),
        ("an export that is one JSON array", b"[" + first + b",\n" + last + b"]\n", 0, [], [FIRST, LAST], 0),
        ("an array that is cut off", b"[" + first + b",\n" + last[:40], 3, ["half.log:2: cut off"], [FIRST], 1),
    ]
    for says, data, status, said, read, bad in rows:
        with Place() as here:
            here.write("half.log", data)
            done = here.tag("half.log")
        numbers = account(done.err) or {}
        check(f"{form}: {says}: exit status {status}, {len(read)} commands read",
              wrong(done, status=status, err=said), same("commands", done.commands(), read),
              same("bad lines", numbers.get("bad"), bad), same("the account adds up", numbers.get("adds up"), True))


def check_many():
    """A reason that comes a thousand times is said a few times and counted every time."""
    with Place() as here:
        here.write("bad.log", lines(command(FIRST), *[b"{}x"] * 1000, *[command(5)] * 1000, command(LAST)))
        done = here.tag("bad.log")
    said = len(re.findall(r"^ttp: bad\.log:\d+: ", done.err, re.M))
    check("2,000 bad lines of two kinds are all counted, and at most ten said",
          wrong(done, status=3, err=[r"^  bad: (.*, )?not JSON 1000\b", r"^  bad: .*wrong type 1000\b"]),
          None if 2 <= said <= 10 else f"{said} complaints",
          same("commands", done.commands(), [FIRST, LAST]))


for line in COWRIE:
    check_row("Cowrie", command(FIRST), command(LAST), line)
for line in EVENTS:
    check_row("events", event(FIRST, 1), event(LAST, 3), line)
check_last_line("Cowrie", command(FIRST), command(LAST))
check_last_line("events", event(FIRST, 1), event(LAST, 3))
check_many()
finish()
