# SPDX-License-Identifier: Apache-2.0
"""ttp tag on files that cannot be read, or not to their end, or are no logs; and on several ways to give one."""
import gzip
import os
import random
import shutil
import socket
import subprocess

from harness import (FEATURES, ROOT, Place, account, check, command, cowrie, event, finish, lines, same, shared,
                     skip_part, wrong)

GOOD = lines(command("MARK good"))
LOG = lines(*[command(f"MARK {i}") for i in range(3000)])
NOISE = random.Random(7).randbytes(9000)


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


def damaged(data):
    """The same bytes with one flipped near the end: the check sum of gzip, a block of zstd."""
    return data[:-6] + bytes([data[-6] ^ 1]) + data[-5:]


def put(here, name, data):
    """data: bytes, or what a file system may hold in place of a file."""
    path = here.path(name)
    if data == "directory":
        os.mkdir(path)
    elif data == "dangling link":
        os.symlink("nowhere", path)
    elif data == "link to itself":
        os.symlink(name, path)
    elif data == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
    elif data != "nothing":
        here.write(name, data)


# what the row says; the file; what is said of it; the number of commands read of it
UNREADABLE = [
    ("a directory", "directory", r"^ttp: bad: .*directory", 0),
    ("a link to nowhere", "dangling link", r"^ttp: bad: .*No such file", 0),
    ("a link to itself", "link to itself", r"^ttp: bad: ", 0),
    ("no such file", "nothing", r"^ttp: bad: .*No such file", 0),
    ("a socket", "socket", r"^ttp: bad: ", 0),
    ("a binary file", NOISE, r"^ttp: bad: is a binary file; expected JSON lines", 0),
    ("a program", open("/bin/ls", "rb").read(20000), r"^ttp: bad: is a binary file; expected JSON lines", 0),
    ("UTF-16", '{"eventid": "cowrie.x"}\n'.encode("utf-16"), r"^ttp: bad: is UTF-16 text; expected", 0),
    ("xz, which is not read", b"\xfd7zXZ\0" + NOISE, r"^ttp: bad: compressed with xz; gzip, zstd and plain", 0),
    ("bzip2, which is not read", b"BZh91AY&SY" + NOISE, r"^ttp: bad: compressed with bzip2", 0),
    ("JSON of another kind", lines(b'{"a": 1}', b'{"b": 2}'),
     r"^ttp: bad: none of the first lines is of a known format; expected Cowrie's", 0),
    ("text that is no JSON", b"hello\nworld\n", r"^ttp: bad: none of the first lines is a JSON object; expected", 0),
    ("a line of 50 MB and no other", b"x" * (50 << 20), r"^ttp: bad:1: longer than 16777216 bytes", 0),
]
GZIP = [
    ("gzip that ends early", gzip.compress(LOG)[:-300], r"^ttp: bad:\d+: the gzip data ends early", None),
    ("gzip with a wrong check sum", damaged(gzip.compress(LOG)), r"^ttp: bad:\d+: the gzip data is damaged", 3000),
    ("gzip that ends in its header", gzip.compress(LOG)[:5], r"^ttp: bad: the gzip data ends early", 0),
]


def check_unreadable(says, data, said, n_read):
    with Place(good=GOOD) as here:
        put(here, "bad", data)
        alone, first, last = here.tag("bad"), here.tag("bad", "good"), here.tag("good", "bad")
    for what, done, n_good in (("alone", alone, 0), ("before a good one", first, 1), ("after a good one", last, 1)):
        got = done.commands()
        want = len(got) if n_read is None else n_read + n_good
        check(f"{says}, {what}: is named with the reason and counted; what can be read is; exit status 3",
              wrong(done, status=3, err=[said, r"^files: \d of \d read to the end"]),
              same("commands", len(got), want),
              None if n_read is not None or len(got) > 100 else f"only {len(got)} commands read",
              same("the good file's command is there", "MARK good" in got, n_good == 1),
              same("the account adds up", (account(done.err) or {}).get("adds up"), True))


def check_binary_within():
    """A burst of noise between lines is a bad line, not a reason to drop the file."""
    noise = NOISE[:600].replace(b"\n", b".").replace(b"\0", b".")
    with Place(log=lines(command("MARK 1"), noise, command("MARK 2"))) as here:
        done = here.tag("log")
    check("noise between two lines is one bad line",
          wrong(done, status=3, err=[r"^ttp: log:2: not JSON"]), same("commands", done.commands(), ["MARK 1", "MARK 2"]))


def check_nothing_to_read():
    with Place(empty=b"", blank=b"\n \n\n", none=lines(cowrie("log.open"), cowrie("something.new"))) as here:
        for name, says, numbers in (("empty", "an empty file", (0, 0, 0)), ("blank", "blank lines", (3, 0, 3)),
                                    ("none", "events without anything to tag", (2, 2, 0))):
            done = here.tag(name)
            n = account(done.err) or {}
            check(f"{says} is no mistake: exit status 0 and no tag",
                  wrong(done, status=0, no_err=["^ttp:"]), same("tags", done.out, ""),
                  same("account", (n.get("read"), n.get("not taggable"), n.get("blank")), numbers))
        done = here.tag("none")
        check("event ids without anything to tag are counted by name",
              wrong(done, err=[r"cowrie\.log\.open 1", r"cowrie\.something\.new 1"]))
        table = here.ttp("tag", "--rules", "rules", "empty")
        check("the table of an empty log says that there are none", wrong(table, status=0, out=["0 tags|no tags"]))


def without_times(done):
    """The tags but for when they were made."""
    return [{k: v for k, v in tag.items() if k != "created_at"} for tag in done.objects()]


def check_ways_in():
    """Plain, standard input, gzip (several members), zstd (several frames), all of them at once."""
    half = len(LOG.splitlines(True)) // 2
    parts = [b"".join(LOG.splitlines(True)[:half]), b"".join(LOG.splitlines(True)[half:])]
    with Place(plain=LOG) as here:
        want = without_times(here.tag("plain"))
        rows = [
            ("a file", ["plain"], b""),
            ("standard input, named -", ["-"], LOG),
            ("standard input, as no file is named", [], LOG),
            ("several files", ["a", "b"], b""),
            ("a file between options", ["a", "--format", "cowrie", "b"], b""),
            ("a file and standard input", ["a", "-"], parts[1]),
        ]
        here.write("a", parts[0])
        here.write("b", parts[1])
        if "zlib" in FEATURES:
            here.write("log.gz", gzip.compress(parts[0]) + gzip.compress(parts[1]))
            here.write("b.gz", gzip.compress(parts[1]))
            rows += [("gzip of two members", ["log.gz"], b""), ("gzip on standard input", ["-"], gzip.compress(LOG)),
                     ("a plain file and one of gzip", ["a", "b.gz"], b"")]
        if "zstd" in FEATURES and shutil.which("zstd"):
            here.write("log.zst", zstd(parts[0]) + zstd(parts[1]))
            rows += [("zstd of two frames", ["log.zst"], b""), ("zstd on standard input", ["-"], zstd(LOG))]
        else:
            skip_part("zstd: not in this build, or no zstd command")
        for says, words, stdin in rows:
            done = here.tag(*words, stdin=stdin)
            check(f"{says}: the same 3,000 tags",
                  wrong(done, status=0), None if without_times(done) == want else "other tags than of the plain file",
                  same("tags", done.out.count("\n"), 3000))


def check_left_out():
    """A build without a compression says so by name, and reads the rest."""
    rows = [("zlib", "gzip", gzip.compress(LOG)), ("zstd", "zstd", b"\x28\xb5\x2f\xfd" + NOISE)]
    for feature, name, data in rows:
        if feature in FEATURES:
            continue
        with Place(good=GOOD, bad=data) as here:
            done = here.tag("bad", "good")
        check(f"a build without {feature} says that it cannot read {name}",
              wrong(done, status=3, err=[rf"^ttp: bad: .*{name}"]), same("commands", done.commands(), ["MARK good"]))


def check_format():
    """--format overrides what the lines look like; auto tells each file's own."""
    with Place(cowrie=GOOD, event=lines(event("MARK event"))) as here:
        done = here.tag("cowrie", "event")
        check("each file's format is told from its lines",
              wrong(done, status=0), same("commands", done.commands(), ["MARK good", "MARK event"]))
        for form, name in (("event", "cowrie"), ("cowrie", "event")):
            done = here.tag("--format", form, name)
            check(f"--format {form} refuses the lines of the other format, located",
                  wrong(done, status=3, err=[rf"^ttp: {name}:1: "]), same("tags", done.out, ""))


def check_shared():
    """Real logs: every line is accounted for."""
    log = shared("data/cowrie/cowrie_dev.jsonl")
    if not log:
        skip_part("the account on real logs: no shared data (TTP_SHARED)")
        return
    odd = os.path.join(os.path.dirname(log), "odd")
    rows = [(log, 0, 0)] + [(os.path.join(odd, name), 3, None) for name in sorted(os.listdir(odd))]
    for path, status, bad in rows:
        with open(path, "rb") as f:
            data = f.read()
        n_lines = data.count(b"\n") + (not data.endswith(b"\n"))
        with Place() as here:
            done = here.ttp("tag", "--rules", os.path.join(ROOT, "rules/ttp"), "--output", "none", path)
        n = account(done.err) or {}
        check(f"{os.path.basename(path)}: all {n_lines} lines are accounted for, and the sum is right",
              wrong(done, status=status), same("lines", n.get("read"), n_lines),
              same("adds up", n.get("adds up"), True), bad is not None and same("bad", n.get("bad"), bad))


for row in UNREADABLE:
    check_unreadable(*row)
if "zlib" in FEATURES:
    for row in GZIP:
        check_unreadable(*row)
else:
    skip_part("damaged gzip: not in this build")
check_binary_within()
check_nothing_to_read()
check_ways_in()
check_left_out()
check_format()
check_shared()
finish()
