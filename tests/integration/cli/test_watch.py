# SPDX-License-Identifier: Apache-2.0
"""ttp rules watch: a line for each change as it arrives, and an end when it is asked for."""
import json
import os
import select
import signal
import subprocess
import tempfile

from harness import MARK_RULE, TTP, check, environment, finish, same


def line_of(stream):
    """The next line, or None where none comes; generous, only waited for where something is wrong."""
    ready, _, _ = select.select([stream], [], [], 20)
    return stream.readline() if ready else None


with tempfile.TemporaryDirectory() as here:
    path = os.path.join(here, "M1.yaml")
    for stop in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([TTP, "rules", "watch", "--rules", here, "--output", "jsonl"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, bufsize=0, env=environment()) as watch:
            check("it says what it follows", same("stderr", line_of(watch.stderr), b"ttp: following 0 rules, 0 are not live\n"))
            with open(path, "w", encoding="utf-8") as f:
                f.write(MARK_RULE)
            change = {"kind": "definition", "rule_id": "M1", "rule_version": 1, "deleted": False, "state": None}
            check("a new rule is a line", same("change", json.loads(line_of(watch.stdout) or "{}"), change))
            os.unlink(path)
            change |= {"rule_version": None, "deleted": True}
            check("so is its end", same("change", json.loads(line_of(watch.stdout) or "{}"), change))
            watch.send_signal(stop)
            check(f"{stop.name} ends it", same("exit status", watch.wait(20), 0))
finish()
