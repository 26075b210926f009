# SPDX-License-Identifier: Apache-2.0
"""Terminals: progress while a log is read, none elsewhere; and text of attackers that must not reach one as it is."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
import unicodedata

from harness import (MARK_RULE, PACK, ROOT, TTP, Place, check, command, cowrie, environment, event, finish, lines,
                     same, ttp, wrong)

DEADLINE = 20


def read_all(fd):
    """All that is written to a terminal until its last writer is gone."""
    data = b""
    try:
        while chunk := os.read(fd, 65536):
            data += chunk
    except OSError:  # EIO: Linux's end of file here
        pass
    os.close(fd)
    return data


class OnTerminal:
    """A run whose standard error, or output, is a terminal of so many columns."""

    def __init__(self, *words, cwd, err=True, columns=80, stdin=subprocess.DEVNULL):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        more = {"stderr": slave, "stdout": subprocess.DEVNULL} if err else {"stdout": slave, "stderr": subprocess.DEVNULL}
        stdin = slave if stdin == "terminal" else stdin
        self.process = subprocess.Popen([TTP, *words], cwd=cwd, env=environment(), stdin=stdin, **more)
        os.close(slave)

    def finish(self):
        """Exit status (-9 where it had to be ended) and what was shown."""
        ender = threading.Timer(DEADLINE, self.process.kill)
        ender.start()
        shown = read_all(self.master).decode("utf-8", "backslashreplace")
        status = self.process.wait()
        ender.cancel()
        return status, shown.replace("\r\n", "\n")


def after_the_last_erase(shown):
    return re.split(r"\r\x1b\[K", shown)[-1]


def check_progress_of_a_pipe():
    """Events come, time passes, events come: it is time to say how far we are."""
    with Place() as here:
        run = OnTerminal("tag", "--rules", "rules", "--output", "none", cwd=here.name, stdin=subprocess.PIPE)
        batch = lines(*[command("MARK")] * 3000)
        for _ in range(2):
            run.process.stdin.write(batch)
            run.process.stdin.flush()
            time.sleep(0.5)
        run.process.stdin.write(batch)
        run.process.stdin.close()
        status, shown = run.finish()
    check("a slow pipe on a terminal: bytes and events/s are shown on one line, drawn anew in place",
          same("exit status", status, 0),
          None if re.search(r"\r\x1b\[K\d+\.\d MB, \d+ events/s", shown) else f"shown: {shown!r}")
    check("... and nothing of it is left when the account is printed",
          None if after_the_last_erase(shown).startswith("lines: 9000 read") else f"shown: {shown!r}")


def position(pid, path):
    """How far a process has read a file it has open."""
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{fd}") == path:
                with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as f:
                    return int(f.readline().split()[1])
    except FileNotFoundError:
        pass
    return 0


def pause_in(run, path):
    """Stop a process for a while in the middle of a file; False where it was through too soon."""
    begun, size = time.monotonic(), os.path.getsize(path)
    while position(run.process.pid, path) == 0 and run.process.poll() is None and time.monotonic() - begun < DEADLINE:
        pass
    if run.process.poll() is not None:
        return False
    os.kill(run.process.pid, signal.SIGSTOP)
    in_time = 0 < position(run.process.pid, path) < size / 2
    time.sleep(0.4)
    os.kill(run.process.pid, signal.SIGCONT)
    return in_time


def check_progress_of_a_file():
    """A process that is stopped in mid-file has, when it goes on, been at it for a while."""
    batch = lines(*[command("MARK " + "x" * 300)] * 80000)
    for times in (1, 4, 16):  # who is away for as long as a short log takes tries a longer one
        with Place(log=batch * times) as here:
            run = OnTerminal("tag", "--rules", "rules", "--output", "none", "log", cwd=here.name)
            in_time = pause_in(run, os.path.realpath(here.path("log")))
            status, shown = run.finish()
        if in_time:
            break
    check("a file on a terminal: how much of it, and the time left, are shown",
          same("exit status", status, 0),
          None if re.search(r"MB, \d+ events/s, \d+% of this file, \d+ s left", shown) else f"shown: {shown!r}")
    check("... each drawing fits a line of 80 columns",
          *[f"{len(d)} columns: {d!r}" for d in re.findall(r"\r\x1b\[K([^\r\n]*)", shown.split("lines: ")[0]) if len(d) > 79])


def check_no_progress():
    with Place(log=lines(*[command("MARK")] * 3000)) as here:
        for says, words in (("a log that takes no time", []), ("--quiet", ["--quiet"])):
            run = OnTerminal("tag", "--rules", "rules", "--output", "none", *words, "log", cwd=here.name)
            status, shown = run.finish()
            check(f"{says}, on a terminal: no progress", same("exit status", status, 0),
                  None if "\r" not in shown and "\x1b" not in shown else f"shown: {shown!r}")


def check_table_on_a_terminal():
    example = os.path.join(ROOT, "examples/cowrie-example.json")
    words = ["tag", "--rules", os.path.join(ROOT, "rules/ttp"), example]
    for columns in (60, 80, 120):
        status, shown = OnTerminal(*words, cwd="/", err=False, columns=columns).finish()
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        check(f"the table fits a terminal of {columns} columns", same("exit status", status, 0),
              *[f"{len(line)} columns: {line}" for line in plain.split("\n") if len(line) > columns][:2],
              None if "T1105" in plain else f"shown: {plain[:500]!r}")
        check(f"... and holds no control but colours ({columns})", *unsafe(plain, "shown"))


def check_no_file_on_a_terminal():
    for words in (["tag"], ["explain"], ["export", "navigator"]):
        status, shown = OnTerminal(*words, cwd=ROOT, stdin="terminal").finish()
        check(f"{' '.join(words)}: no file and a terminal for standard input is wrong usage, not a wait",
              same("exit status", status, 2), None if "no file given" in shown else f"shown: {shown!r}")


# What moves the cursor, changes colours, hides or turns text round.
HOSTILE = ("\x1b[2J\x1b[31mred\x1b]0;title\x07", "\u202egnp.exe\u2066x\u2069", "\x9b31m", "a\x08b\x7f", "line\nbreak\rback", "nul\0",
           "\u200e\u200f\u061c", "tab\there", "\u2028\u2029")


def unsafe(text, name):
    """Characters that a terminal would act on, or that change how text reads."""
    found = {c for c in text if c not in "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")}
    return [f"{name} holds {sorted(map(ascii, found))}: {text[:600]!r}"] if found else []


def hostile_lines(evil):
    """Every place of a log from which text may go into a message."""
    return lines(command("MARK " + evil), command("MARK", session=evil), command("MARK 2", session=evil, sensor=evil),
                 command("MARK", sensor=evil), command("MARK", timestamp=evil), cowrie(evil), cowrie("x", eventid=evil),
                 cowrie("login.failed", username=evil, password=evil), command("MARK", src_ip=evil),
                 cowrie("session.file_download", url="http://" + evil, outfile=evil, destfile=evil, shasum=evil),
                 cowrie("client.version", version=evil), cowrie("session.closed", duration=evil),
                 cowrie("direct-tcpip.data", data=evil, dst_ip=evil, dst_port=80))


def check_hostile():
    everything = "".join(HOSTILE)
    texts = HOSTILE + (everything,)
    with Place(cowrie=b"".join(hostile_lines(t) for t in texts), bad=b"MARK \x1b[31m\xe2\x80\xae\n" * 3) as here:
        here.write("event", lines(*[event("MARK " + t, f"{i}{t}", source_id=t, session_id=t, decky_id=t, attacker_uuid=t)
                                    for i, t in enumerate(texts)], event("x", ts=everything), event("x", source_kind=everything)))
        name = "name" + "".join(c for t in HOSTILE for c in t if c not in "/\0")
        here.write(name, lines(command("MARK"), b"bad"))
        here.write("rules/M2_name.yaml", MARK_RULE.replace("M1", "M2").replace("name: mark", f'name: "{ascii(everything)[1:-1]}"'))
        here.write("rules/M3_id.yaml", MARK_RULE.replace("M1", f'"{ascii(everything)[1:-1]}"'))
        here.write("rules/M4_key.yaml", MARK_RULE.replace("M1", "M4") + f'"{ascii(everything)[1:-1]}": 1\n')
        here.write("rules/M5_tactic.yaml", MARK_RULE.replace("M1", "M5").replace("TA0002", f'"{ascii(everything)[1:-1]}"'))
        files = ["cowrie", "event", "bad", name, "nowhere" + everything.replace("\0", "")]
        for words in (["tag"], ["tag", "--output", "none", "--format", "event"], ["explain"], ["explain", "--all"]):
            done = here.ttp(*words, "--rules", "rules", *files)
            check(f"{' '.join(words)}: no text of a log, a rule or a file name reaches a terminal as it is",
                  wrong(done, status=3), *unsafe(done.out, "stdout"), *unsafe(done.err, "stderr"))
        for words in (["tag", "--output", "jsonl"], ["tag", "--output", "ecs"], ["explain", "--output", "json"]):
            done = here.ttp(*words, "--rules", "rules", *files)
            bad = sorted({c for c in done.out if ord(c) < 32 and c != "\n"})
            check(f"{' '.join(words)}: JSON escapes what JSON must, one object a line, and the text comes through",
                  wrong(done, status=3), same("control characters on stdout", bad, []), *unsafe(done.err, "stderr"),
                  None if any("MARK " + everything in texts_of(o) for o in done.objects()) else "the command is not there")
        for words in (["rules", "list"], ["rules", "show", "M1"], ["rules", "lint"], ["rules", "test"]):
            done = here.ttp(*words, "--rules", "rules")
            check(f"{' '.join(words)}: no text of a rule or a file name reaches a terminal as it is",
                  None if done.out + done.err else "nothing is said", *unsafe(done.out, "stdout"), *unsafe(done.err, "stderr"))
        tags = here.ttp("tag", "--output", "jsonl", "--rules", "rules", *files).out_bytes
        here.write("tags" + name, b"bad " + everything.encode() + b"\n" + tags)
        done = here.ttp("export", "navigator", "--name", everything.replace("\0", ""), "tags" + name)
        bad = sorted({c for c in done.out if ord(c) < 32 and c != "\n"})
        check("export navigator: JSON escapes what JSON must, messages are harmless", wrong(done, status=3, out=['"score"']),
              same("control characters on stdout", bad, []), *unsafe(done.err, "stderr"))
    rows = [["--" + everything], [everything], ["rules", everything], ["tag", "--" + everything], ["tag", "--format", everything],
            ["tag", "--output", everything], ["tag", "--db", "/nowhere/" + everything, "/dev/null"], ["tag", "-" + everything],
            ["tag", "--rules", everything, "/dev/null"], ["attack", "show", everything],
            ["attack", "show", "--attack-bundle", everything, "T1059"], ["doctor", everything], ["explain", "--output", everything],
            ["rules", "show", "--rules", PACK, everything], ["rules", "lint", everything], ["export", "navigator", everything],
            ["export", "navigator", "--db", everything], ["export", "navigator", "--output", "/no/" + everything, "/dev/null"]]
    for words in rows:
        words = [w.replace("\0", "") for w in words]
        done = ttp(*words)
        check(f"{' '.join(ascii(w)[1:-1][:30] for w in words)}: hostile words come back harmless, with 1 or 2",
              None if done.status in (1, 2) else f"exit status {done.status}", *unsafe(done.out, "stdout"),
              *unsafe(done.err, "stderr"), None if done.out + done.err else "nothing is said")


def texts_of(o):
    """All strings within an object, one a line."""
    if isinstance(o, dict):
        return "\n".join(texts_of(v) for v in o.values())
    if isinstance(o, list):
        return "\n".join(map(texts_of, o))
    if isinstance(o, str) and o.startswith("{"):  # ECS has no place for free objects: evidence is text that is JSON
        return texts_of(json.loads(o))
    return str(o)


check_progress_of_a_pipe()
check_progress_of_a_file()
check_no_progress()
check_table_on_a_terminal()
check_no_file_on_a_terminal()
check_hostile()
finish()
