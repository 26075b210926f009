# SPDX-License-Identifier: Apache-2.0
"""What the tests of the commands share: they run the real binary and say a sentence for each check.

Usage of each: test_*.py TTP SOURCE_ROOT [FEATURE]...   features: zlib zstd curl sanitized
"""
import json
import os
import re
import subprocess
import sys
import tempfile

TTP, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
FEATURES = set(sys.argv[3:])
PACK = os.path.join(ROOT, "rules/ttp")

# A rule that tells each command apart by its own text, so that no row depends on the rule pack.
MARK_RULE = """\
rule_id: M1
rule_version: 1
name: mark
applies_to: [command]
match: {field: command_text, contains: MARK}
emits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]
evidence_fields: [command_text]
"""

_counts = {"ok": 0, "failed": 0, "skipped": 0}


def environment(**more):
    """Ours without what would change the answers (or, as meson's MALLOC_PERTURB_, the memory)."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("DECNET_", "XDG_")) and k not in ("NO_COLOR", "COLUMNS", "MALLOC_PERTURB_")}
    return kept | {"LC_ALL": "C.UTF-8", "TERM": "xterm"} | more


class Done:
    """What a run left behind."""

    def __init__(self, status, out, err):
        self.status = status
        self.out_bytes, self.err_bytes = out, err
        self.out = out.decode("utf-8", "backslashreplace")
        self.err = err.decode("utf-8", "backslashreplace")

    def objects(self):
        return [json.loads(line) for line in self.out_bytes.splitlines()]

    def commands(self):
        """The evidence's command_text of each tag that `tag --output jsonl` printed."""
        return [o["evidence"].get("command_text") for o in self.objects()]


def ttp(*words, cwd=None, stdin=b"", env=None, timeout=120, **more):
    done = subprocess.run([TTP, *words], cwd=cwd, input=stdin, env=environment(**(env or {})), timeout=timeout,
                          check=False, capture_output=True, **more)
    return Done(done.returncode, done.stdout, done.stderr)


def check(says, *problems):
    """One sentence; problems that are empty strings or None are none."""
    problems = [p for p in problems if p]
    _counts["failed" if problems else "ok"] += 1
    print(("FAIL: " if problems else "ok: ") + says)
    for p in problems:
        print("    " + p.replace("\n", "\n    "))
    sys.stdout.flush()
    return not problems


def same(what, got, want):
    return None if got == want else f"{what}: got {got!r}\n{' ' * len(what)} want {want!r}"


def cut(text):
    return text if len(text) < 1500 else text[:1500] + "... (cut)"


def wrong(done, status=None, out=(), err=(), no_err=(), no_out=()):
    """What is not as it should be in a run; the texts are regular expressions, ^ and $ at each line."""
    problems = []
    if status is not None and done.status != status:
        problems.append(f"exit status: got {done.status}, want {status}")
    for name, text, wanted, unwanted in (("stdout", done.out, out, no_out), ("stderr", done.err, err, no_err)):
        problems += [f"{name}: nothing matches {p!r}" for p in wanted if not re.search(p, text, re.M)]
        problems += [f"{name}: something matches {p!r}" for p in unwanted if re.search(p, text, re.M)]
    if problems:
        problems.append("stdout: " + cut(done.out))
        problems.append("stderr: " + cut(done.err))
    return "\n".join(problems)


def skip_part(says):
    _counts["skipped"] += 1
    print("SKIP: " + says)


def skip_all(says):
    print("SKIP: " + says)
    sys.exit(77)


def finish():
    print(f"{_counts['ok']} ok, {_counts['failed']} failed, {_counts['skipped']} skipped")
    sys.exit(1 if _counts["failed"] or not _counts["ok"] else 0)


def shared(name):
    """A file of the shared data, or None."""
    roots = [os.environ.get("TTP_SHARED"), os.path.join(ROOT, "..", "shared"), os.path.join(ROOT, "..", "..", "shared")]
    for root in roots:
        if root and os.path.exists(os.path.join(root, name)):
            return os.path.join(root, name)
    return None


class Place(tempfile.TemporaryDirectory):
    """A directory to run in: rules/ with the mark rule, more files as asked."""

    def __init__(self, **files):
        super().__init__(prefix="ttp-cli-")
        self.rules = self.write("rules/M1_mark.yaml", MARK_RULE)
        for name, data in files.items():
            self.write(name, data)

    def __enter__(self):
        return self

    def path(self, name):
        return os.path.join(self.name, name)

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
        return path

    def ttp(self, *words, **more):
        return ttp(*words, cwd=self.name, **more)

    def tag(self, *words, **more):
        return self.ttp("tag", "--rules", "rules", "--output", "jsonl", *words, **more)


def cowrie(event_id, **fields):
    """A line of a Cowrie log, without its newline; a field that is ... is left out."""
    line = {"eventid": "cowrie." + event_id, "session": "5e5510000001", "sensor": "decoy", "src_ip": "192.0.2.7",
            "timestamp": "2026-03-01T10:00:00.000000Z"} | fields
    return json.dumps({k: v for k, v in line.items() if v is not ...}).encode()


def command(text, **fields):
    return cowrie("command.input", input=text, **fields)


def event(text, number=1, **fields):
    """A line of event JSON Lines."""
    line = {"source_kind": "command", "source_id": f"cmd_{number}",
            "attacker_uuid": "0b1f4c0e-7a55-5d0c-9f3c-2f6b8f9a1c11", "payload": {"command_text": text}} | fields
    return json.dumps({k: v for k, v in line.items() if v is not ...}).encode()


def lines(*texts):
    return b"".join(t + b"\n" for t in texts)


def account(err):
    """The numbers of the account on standard error, or None; and whether they add up."""
    m = re.search(r"^lines: (\d+) read = (\d+) taggable \+ (\d+) not taggable \+ (\d+) blank \+ (\d+) bad$", err, re.M)
    if not m:
        return None
    n = dict(zip(("read", "taggable", "not taggable", "blank", "bad"), map(int, m.groups())))
    n["adds up"] = n["read"] == n["taggable"] + n["not taggable"] + n["blank"] + n["bad"]
    return n
