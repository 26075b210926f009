# SPDX-License-Identifier: Apache-2.0
"""kill -9 of syncer, workers, state writers (and the server) at any moment: in the end all agree, and nothing is lost.

Usage: torture.py TTP SOURCE_ROOT [FEATURE]... [--kills N] [--seed N] [--mariadb SQL | --db URL]

An operator edits, deletes and re-creates rule files and sets states; `ttp sync` projects the files; three
`ttp rules watch` follow. One process after another is killed at a random moment and started again, as a supervisor would.
What was said to be done counts, whatever was killed: a state whose `ttp state set` ended with 0, a file that was deleted.
--kills (or TTP_TORTURE_KILLS) is how many, 20 by default. With --mariadb, run by tests/mariadb/with-mariadb, its server
is killed as well; SQL is a program that runs a statement.
"""
import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import put, rule, wait_until  # noqa: E402
from harness import TTP, check, environment, finish, skip_all, ttp  # noqa: E402

DEFAULT = ("enabled", None, None)
STEADY = [f"S{i}" for i in range(6)]  # always there; states are set on them
FLEETING = [f"F{i}" for i in range(10)]  # come and go


class Process:
    """A child that can be killed at any moment, by another thread than the one that waits for it."""

    everyone = []

    def __init__(self, words, **more):
        self.child = subprocess.Popen(words, env=environment(), **more)
        Process.everyone = [p for p in Process.everyone if p.child.poll() is None] + [self]

    def kill(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
            return True
        return False


class Supervised:
    """A command that is started again whenever it ends."""

    def __init__(self, name, *words):
        self.name, self.words = name, words
        self.log = open(os.path.join(PLACE, name + ".log"), "ab")
        self.stopping, self.n_starts, self.process = False, 0, None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def begin(self):
        pass

    def line(self, text):
        pass

    def _run(self):
        while not self.stopping:
            self.begin()
            self.process = Process([TTP, *self.words], stdout=subprocess.PIPE, stderr=self.log)
            self.n_starts += 1
            for text in self.process.child.stdout:
                self.line(text)
            self.process.child.wait()
            if self.process.child.returncode not in (0, -9):
                time.sleep(0.1)  # it could not start: the server is away

    def kill(self):
        return self.process is not None and self.process.kill()

    def stop(self):
        self.stopping = True
        while self.thread.is_alive():
            if self.process:
                try:
                    self.process.child.terminate()
                except ProcessLookupError:
                    pass
            self.thread.join(0.2)
        self.log.close()


class Worker(Supervised):
    """What it was told since it was started: rules by version, states by value."""

    def begin(self):
        self.rules, self.states = {}, {}

    def line(self, text):
        change = json.loads(text)
        if change["kind"] == "state":
            self.states[change["rule_id"]] = value(change["state"])
        elif change["deleted"]:
            self.rules.pop(change["rule_id"], None)
        else:
            self.rules[change["rule_id"]] = change["rule_version"]

    def differs(self, rules, states):
        """What is not as it should be, or None."""
        mine = {r: self.states.get(r, DEFAULT) for r in states}
        wrong = [f"{r}: version {self.rules.get(r)}, want {rules.get(r)}" for r in sorted(set(rules) | set(self.rules))
                 if rules.get(r) != self.rules.get(r)]
        wrong += [f"{r}: state {mine[r]}, want {states[r]}" for r in sorted(states) if mine[r] != states[r]]
        return f"{self.name}: " + "; ".join(wrong) if wrong else None


def value(state):
    return state["state"], state["confidence_max"], state["reason"]


class Editor(threading.Thread):
    """Edits the directory; it alone, so it knows what is there."""

    def __init__(self, directory, rng):
        super().__init__(daemon=True)
        self.directory, self.rng = directory, rng
        self.rules, self.version, self.n_edits, self.stopping = {}, 0, 0, False
        for rule_id in STEADY:
            self.write(rule_id)

    def path(self, rule_id):
        return os.path.join(self.directory, rule_id + ".yaml")

    def write(self, rule_id):
        self.version += 1
        text = rule(rule_id, self.version)
        if self.rng.random() < 0.5:
            put(self.directory, rule_id + ".yaml", text)
        else:
            with open(self.path(rule_id), "w", encoding="utf-8") as f:
                f.write(text)
        self.rules[rule_id] = self.version

    def delete(self, rule_id):
        os.unlink(self.path(rule_id))
        del self.rules[rule_id]

    def run(self):
        while not self.stopping:
            rule_id = self.rng.choice(STEADY + FLEETING)
            if rule_id in FLEETING and rule_id in self.rules and self.rng.random() < 0.5:
                self.delete(rule_id)
            else:
                self.write(rule_id)
            self.n_edits += 1
            time.sleep(self.rng.random() * 0.04)


class StateWriter(threading.Thread):
    """Sets and clears states of its own rules by commands that may be killed."""

    def __init__(self, name, db, rule_ids, rng):
        super().__init__(daemon=True)
        self.name, self.db, self.rule_ids, self.rng = name, db, rule_ids, rng
        self.allowed = {r: {DEFAULT} for r in rule_ids}  # what may be there: the last that was done, and tries since
        self.stopping, self.process, self.n_done, self.n_tries = False, None, 0, 0

    def attempt(self, rule_id):
        self.n_tries += 1
        if self.rng.random() < 0.25:
            want, words = DEFAULT, ["clear", rule_id]
        else:
            kind = self.rng.choice(["enabled", "disabled", "clipped"])
            want = (kind, 0.5 if kind == "clipped" else None, f"{self.name} {self.n_tries}")
            words = ["set", rule_id, kind, "--reason", want[2]] + (["--confidence-max", "0.5"] if kind == "clipped" else [])
        self.process = Process([TTP, "state", *words, "--db", self.db], stdout=subprocess.DEVNULL, stderr=LOG)
        if self.process.child.wait() == 0:
            self.allowed[rule_id] = {want}
            self.n_done += 1
        else:
            self.allowed[rule_id].add(want)

    def run(self):
        while not self.stopping:
            self.attempt(self.rng.choice(self.rule_ids))

    def kill(self):
        return self.process is not None and self.process.kill()


class Sqlite:
    def __init__(self):
        self.url = os.path.join(PLACE, "ttp.db")


class Given(Sqlite):
    def __init__(self, url):
        self.url = url


class MariaDB(Sqlite):
    """The server of tests/mariadb/with-mariadb, which is killed and started again."""
    name = "mariadbd"

    def __init__(self, sql):
        at = "?unix_socket=" + os.environ["TTP_TEST_MARIADB"]
        self.url = "mysql://root:@/torture" + at
        subprocess.run([sql, "mysql://root:@/mysql" + at, "CREATE DATABASE torture CHARACTER SET utf8mb4"], check=True)

    def kill(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.environ["TTP_TEST_MARIADB_CONTROL"])
            for word in ("kill", "start"):
                s.sendall(word.encode() + b"\n")
                if s.recv(64) != b"ok\n":
                    raise RuntimeError(f"with-mariadb cannot {word} the server")
        return True


def final_states(db):
    """What the database holds, as its own command tells."""
    done = ttp("state", "list", "--db", db, "--output", "jsonl")
    return {o["rule_id"]: value(o["state"]) for o in done.objects()} if done.status == 0 else {"failed": done.err}


def torture(server, kills, rng):
    directory = os.path.join(PLACE, "rules")
    os.mkdir(directory)
    editor = Editor(directory, rng)
    ttp("sync", "--rules", directory, "--db", server.url, "--once")
    syncer = Supervised("syncer", "sync", "--rules", directory, "--db", server.url)
    workers = [Worker(f"worker{i}", "rules", "watch", "--db", server.url, "--existing", "--output", "jsonl") for i in range(3)]
    writers = [StateWriter(f"writer{i}", server.url, STEADY[i::2], rng) for i in range(2)]
    for t in [editor, *writers]:
        t.start()
    victims = [syncer, *workers, *writers] + ([server] if hasattr(server, "kill") else [])
    n_killed = {v.name: 0 for v in victims}
    while sum(n_killed.values()) < kills:
        time.sleep(rng.random() * 0.25)
        victim = rng.choice(victims)
        n_killed[victim.name] += victim.kill()
    for t in [editor, *writers]:
        t.stopping = True
        t.join()
    print(f"killed: {n_killed}; {editor.n_edits} edits, {sum(w.n_done for w in writers)} states of "
          f"{sum(w.n_tries for w in writers)} tries", flush=True)

    # A worker that could not keep what it follows and one that begins now must come to the same.
    workers.append(Worker("newcomer", "rules", "watch", "--db", server.url, "--existing", "--output", "jsonl"))
    states = {}

    def problems():
        states.update({r: DEFAULT for r in STEADY} | {r: s for r, s in final_states(server.url).items()})
        return [p for p in (w.differs(editor.rules, states) for w in workers) if p]

    wait_until(lambda: not problems(), 90)
    check(f"after {kills} kills all workers hold what the directory does", *problems())
    lost = [f"{r}: {states.get(r)} is none of {w.allowed[r]}" for w in writers for r in w.rule_ids if states.get(r) not in w.allowed[r]]
    check("no state that was said to be set is lost", *lost)
    check("nothing deleted comes back", *[f"{r} in {w.name}" for w in workers for r in w.rules if r not in editor.rules])
    check("something was put to the test", None if editor.n_edits > kills and all(w.n_done for w in writers) else "too little happened")
    for s in [syncer, *workers]:
        s.stop()


parser = argparse.ArgumentParser()
parser.add_argument("--kills", type=int, default=int(os.environ.get("TTP_TORTURE_KILLS", "20")))
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
parser.add_argument("--mariadb", metavar="SQL")
parser.add_argument("--db")
options, _ = parser.parse_known_args(sys.argv[3:])
if options.mariadb and "TTP_TEST_MARIADB" not in os.environ:
    skip_all("no server: run it by tests/mariadb/with-mariadb")
print(f"--kills {options.kills} --seed {options.seed}", flush=True)
PLACE = tempfile.mkdtemp(prefix="ttp-torture-")
LOG = open(os.path.join(PLACE, "log"), "ab")
SERVER = MariaDB(options.mariadb) if options.mariadb else Given(options.db) if options.db else Sqlite()
try:
    torture(SERVER, options.kills, random.Random(options.seed))
finally:
    for left in Process.everyone:
        left.kill()
    LOG.close()
    if os.environ.get("TTP_TORTURE_KEEP"):
        print(PLACE)
    else:
        shutil.rmtree(PLACE, ignore_errors=True)
finish()
