# SPDX-License-Identifier: Apache-2.0
"""What the tests of the stores' commands share, beside the harness of the other commands.

Usage of each: test_*.py TTP SOURCE_ROOT [FEATURE]...
"""
import json
import os
import select
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from harness import TTP, environment  # noqa: E402

WAIT_S = 60  # generous: only waited for in full where something is wrong


def rule(rule_id, version, extra=""):
    return (f"# kept, comments and all\nrule_id: {rule_id}\nrule_version: {version}\nname: n\ndescription: d{version}\n"
            f"applies_to: [command]\nmatch: {{pattern: 'x{version}'}}\n"
            f"emits: [{{tactic: TA0007, technique_id: T1083, confidence: 0.5}}]\n{extra}")


def put(directory, name, text):
    """A file, whole at once."""
    with open(os.path.join(directory, name + ".tmp"), "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(os.path.join(directory, name + ".tmp"), os.path.join(directory, name))


def wait_until(holds, seconds=WAIT_S):
    """Whether it came to hold."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Running:
    """A command that goes on until it is ended; its lines can be waited for."""

    def __init__(self, *words, **env):
        self.process = subprocess.Popen([TTP, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                                        env=environment(**env))
        self.rest = {self.process.stdout: b"", self.process.stderr: b""}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def _line(self, stream, seconds):
        end = time.monotonic() + seconds
        while b"\n" not in self.rest[stream]:
            ready, _, _ = select.select([stream], [], [], max(0, end - time.monotonic()))
            data = os.read(stream.fileno(), 65536) if ready else b""
            if not data:
                return None
            self.rest[stream] += data
        line, _, self.rest[stream] = self.rest[stream].partition(b"\n")
        return line.decode()

    def out(self, seconds=WAIT_S):
        return self._line(self.process.stdout, seconds)

    def err(self, seconds=WAIT_S):
        return self._line(self.process.stderr, seconds)

    def change(self, seconds=WAIT_S):
        """The next line as what it is about: "definition R1 v2", "definition R1 gone", "state R1 disabled"."""
        line = self.out(seconds)
        return None if line is None else says(json.loads(line))

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)


def says(change):
    if change["kind"] == "state":
        return f"state {change['rule_id']} {change['state']['state']}"
    return f"definition {change['rule_id']} " + ("gone" if change["deleted"] else f"v{change['rule_version']}")
