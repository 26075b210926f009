# SPDX-License-Identifier: Apache-2.0
"""ttp tag on several threads: the same output and account for any number of them, input that idles, and every way to end."""
import gzip
import json
import os
import re
import resource
import select
import sqlite3
import subprocess
import time

from harness import (FEATURES, ROOT, TTP, Place, check, command, cowrie, environment, event, finish, lines, same,
                     skip_part, ttp, wrong)

THREADS = ("1", "3") if "sanitized" in FEATURES else ("1", "2", "3", "8")
EXAMPLE = os.path.join(ROOT, "examples/cowrie-example.json")
PACK = os.path.join(ROOT, "rules/ttp")
ROUNDS = 16 if "sanitized" in FEATURES else 80


def without_times(text):
    """@timestamp is the time of writing where an event has none."""
    return re.sub(r'"(created(_at)?|@timestamp)":"[^"]*"', "", text)


def example():
    with open(EXAMPLE, "rb") as f:
        return f.read()


def mixed_log(rounds=ROUNDS):
    """Sessions under ids of their own, between them all that a line can be but in order."""
    block = example()
    ids = sorted(set(part[:12] for part in block.split(b'"session":"')[1:]))
    odd = [b"", b"no JSON", b'{"eventid":5}', b'{"eventid":"cowrie.session.connect"', b"[]", b'{"a":1,"a":2}',
           b'{"eventid":"cowrie.command.input","input":"wget http://192.0.2.1/x \xff"}',
           b'{"eventid":"cowrie.command.input","input":"caf\\u00e9 \\ud800 \\"q\\" wget -q http://192.0.2.1/y"}',
           b"\0\0\0\0" + command("uname -a; cat /proc/cpuinfo", session="nul"),
           b'{"eventid":"cowrie.command.input","session":"long","input":"' + b"echo x; " * 5000 + b'"}',
           b'{"eventid":"cowrie.login.failed","session":"open","username":"root","password":"1"}']
    for i in range(rounds):
        part = block
        for name in ids:
            part = part.replace(name, b"%06x%s" % (i, name[:6]))
        yield part + odd[i % len(odd)] + b"\n"


def rows_of(here, name):
    try:
        with sqlite3.connect(f"file:{here.path(name)}?mode=ro", uri=True) as db:
            return [r[0] for r in db.execute("SELECT uuid FROM ttp_tag ORDER BY rowid")]
    except sqlite3.OperationalError:
        return []


def check_same():
    with Place() as here:
        log = b"".join(mixed_log())
        here.write("a.json", log)
        here.write("b.json.gz", gzip.compress(log[: len(log) // 3]) + gzip.compress(log[len(log) // 3: len(log) // 2]))
        here.write("array.json", b"[" + b",\n".join(l for l in example().splitlines() if l) + b"]\n")
        here.write("events.jsonl", lines(*[event("wget http://192.0.2.1/%d" % i, source_id="e%d" % i) for i in range(1000)]))
        here.write("cut.gz", gzip.compress(log)[:20000])
        here.write("empty", b"")
        here.write("odd.txt", b"neither\n" * 100)
        here.write("blob", bytes(range(256)) * 50)
        files = ["a.json", "b.json.gz", "no-such-file", "array.json", "events.jsonl", "cut.gz", "empty", "odd.txt", "blob",
                 "a.json"]
        for form in ("jsonl", "ecs", "table", "none"):
            first = None
            for n in THREADS:
                done = ttp("tag", "--rules", PACK, "--threads", n, "--output", form, *files, cwd=here.name)
                got = (done.status, without_times(done.out), done.err)
                first = first or got
                check(f"{form}: {n} threads write what one does", same("status", got[0], 3),
                      None if got[1] == first[1] else "another output", same("standard error", got[2], first[2]),
                      None if form == "none" or got[1] else "nothing")
        rows = []
        for n in THREADS:
            done = ttp("tag", "--rules", PACK, "--threads", n, "--output", "none", "--db", f"t{n}.db", *files,
                       cwd=here.name)
            rows.append([done.status, re.findall(r"tags: .*", done.err)] + rows_of(here, f"t{n}.db"))
        check("a database has the same rows in the same order for any number of threads",
              *[None if r == rows[0] else "other rows" for r in rows[1:]], None if len(rows[0]) > 1000 else "few rows")
        both = ttp("tag", "--rules", PACK, "--threads", "3", "--output", "jsonl", "--db", "both.db", *files, cwd=here.name)
        check("JSON Lines and a database at once", wrong(both, status=3),
              None if rows_of(here, "both.db") == rows[0][2:] else "other rows",
              same("lines", both.out.count("\n") > len(rows[0]) - 2, True))


class Follow:
    """ttp tag fed through a pipe that stays open."""

    def __init__(self, here, *words):
        self.p = subprocess.Popen([TTP, "tag", "--rules", "rules", *words, "-"], cwd=here.name, env=environment(),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def say(self, data):
        self.p.stdin.write(data)
        self.p.stdin.flush()

    def hear(self, timeout=20):
        """One line, or what came of it until then."""
        got, end = b"", time.monotonic() + timeout
        while not got.endswith(b"\n") and time.monotonic() < end:
            if select.select([self.p.stdout], [], [], 0.1)[0]:
                byte = os.read(self.p.stdout.fileno(), 1)
                if not byte:
                    break
                got += byte
        return got

    def end(self):
        out, err = self.p.communicate(timeout=60)
        return self.p.returncode, out, err.decode()


def check_idle():
    for n in THREADS:
        for form in ("jsonl", "ecs"):
            with Place() as here:
                tags = Follow(here, "--threads", n, "-o", form)
                heard = []
                for i in range(4):
                    tags.say(lines(command(f"MARK {i}", session=f"s{i}")) + (b'{"half' if i == 2 else b""))
                    heard.append(json.loads(tags.hear() or b"{}"))
                    if i == 2:
                        tags.say(b'":1}\n')
                seen = [re.search(r"MARK \d", json.dumps(h)) for h in heard]
                status, out, _ = tags.end()
                check(f"{form}, {n} threads: tags of what has arrived come while the input idles",
                      same("heard", [m and m.group(0) for m in seen], [f"MARK {i}" for i in range(4)]),
                      same("nothing more", out, b""), same("status", status, 3))
    with Place() as here:
        tags = Follow(here, "--threads", "2", "-o", "none", "--db", "t.db")
        tags.say(lines(command("MARK now")))
        end = time.monotonic() + 20
        while time.monotonic() < end and not (len(rows_of(here, "t.db"))):
            time.sleep(0.05)
        check("rows of what has arrived are in the database while the input idles", same("rows", len(rows_of(here, "t.db")), 1))
        tags.end()


def check_ends():
    log = b"".join(mixed_log(40))
    for n in THREADS:
        with Place() as here:
            here.write("log", log)
            full = subprocess.run([TTP, "tag", "--rules", PACK, "--threads", n, "-o", "jsonl", "log"], cwd=here.name,
                                  env=environment(), stdout=open("/dev/full", "wb"), stderr=subprocess.PIPE, check=False)
            check(f"{n} threads: a full disk ends it", same("status", full.returncode, 1),
                  None if b"no space left" in full.stderr else full.stderr.decode())
            tags = Follow(here, "--threads", n, "-o", "jsonl")
            tags.p.stdout.close()
            tags.say(lines(command("MARK 1", session="s1")))
            try:
                status = tags.p.wait(timeout=20)
            except subprocess.TimeoutExpired:
                tags.p.kill()
                status = "it waits for more input"
            err = tags.p.stderr.read().decode()
            check(f"{n} threads: a reader that has gone ends it, though input may come", same("status", status, 1),
                  None if "closed it" in err else err)
            tags.p.stdin.close()


def check_back_pressure():
    """Nobody reads the output: the input is not read on and on, and nothing is lost when somebody does."""
    with Place() as here:
        block = lines(*[command(f"MARK {i} " + "x" * 400, session=f"s{i}") for i in range(2000)])
        tags = Follow(here, "--threads", "3", "-o", "jsonl")
        os.set_blocking(tags.p.stdin.fileno(), False)
        taken, calm = 0, 0
        while calm < 15 and taken < 100 << 20:
            try:
                taken += os.write(tags.p.stdin.fileno(), block[taken % len(block):])
                calm = 0
            except BlockingIOError:
                calm += 1
                time.sleep(0.1)
        check("a sink that does not take anything stops the reading", None if taken < 50 << 20 else f"{taken} bytes read")
        rest = block[taken % len(block):] if taken % len(block) else b""
        os.set_blocking(tags.p.stdin.fileno(), True)
        out, _ = tags.p.communicate(rest, timeout=120)
        check("and all of it comes out when somebody reads",
              same("tags", out.count(b"\n"), (taken + len(rest)) // len(block) * 2000))


def check_numbers():
    for text, status in (("0", 2), ("257", 2), ("x", 2), ("2x", 2), ("-1", 2), ("", 2), ("256", 0), ("1", 0)):
        with Place() as here:
            here.write("log", command("MARK"))
            done = ttp("tag", "--rules", "rules", "--threads", text, "-o", "jsonl", "log", cwd=here.name)
            check(f"--threads {text!r}", wrong(done, status=status, err=["1 to 256"] if status else []))
    if os.geteuid() == 0:
        skip_part("root may start as many threads as it wants")
        return
    with Place() as here:
        here.write("log", lines(command("MARK")))
        done = subprocess.run([TTP, "tag", "--rules", "rules", "--threads", "8", "-o", "jsonl", "log"], cwd=here.name,
                              env=environment(), capture_output=True, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)))
        check("where threads cannot be had it goes on with those that there are", same("status", done.returncode, 0),
              same("tags", done.stdout.count(b"\n"), 1))


check_same()
check_idle()
check_ends()
check_back_pressure()
check_numbers()
finish()
