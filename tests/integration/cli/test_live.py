# SPDX-License-Identifier: Apache-2.0
"""ttp tag goes by the rules as they are: edits, deletions and states that come while it runs."""
import json
import os
import subprocess
import time

from harness import MARK_RULE, TTP, Place, check, command, environment, event, finish, lines, same, wrong

SECOND = MARK_RULE.replace("M1", "M2").replace("MARK", "OTHER")


class Tagging:
    """ttp tag on a pipe; ask() sends one event and returns the rules that tagged it."""

    def __init__(self, here, *words, **env):
        self.n = 0
        self.p = subprocess.Popen([TTP, "tag", "-o", "jsonl", *words, "-"], cwd=here.name, env=environment(**env),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ask(self, text):
        """Behind the event stands one that some rule tags each time, so that its end is seen."""
        self.n += 1
        self.p.stdin.write(lines(event(text, number=self.n), event("ALWAYS", number=f"end{self.n}")))
        self.p.stdin.flush()
        rules = []
        while True:
            line = self.p.stdout.readline()
            if not line:
                return "it ended"
            tag = json.loads(line)
            if tag["source_id"] == f"cmd_end{self.n}":
                return rules
            rules.append(tag["rule_id"])

    def until(self, text, want, seconds=20):
        """Ask until the answer is as wanted; the last answer."""
        end = time.monotonic() + seconds
        while (got := self.ask(text)) != want and time.monotonic() < end:
            time.sleep(0.02)
        return got

    def end(self):
        _, err = self.p.communicate(timeout=60)
        return self.p.returncode, err.decode()


def save(here, name, text):
    here.write("rules/." + name, text)
    os.rename(here.path("rules/." + name), here.path("rules/" + name))


def check_directory(threads):
    with Place() as here:
        save(here, "Z_always.yaml", MARK_RULE.replace("M1", "Z").replace("MARK", "ALWAYS"))
        tags = Tagging(here, "--rules", "rules", "--threads", threads)
        says = f"{threads} threads: "
        check(says + "the rules of the start", same("rules", tags.ask("MARK OTHER"), ["M1"]))
        save(here, "M2.yaml", SECOND)
        check(says + "a new rule is in effect while it runs", same("rules", tags.until("MARK OTHER", ["M1", "M2"]), ["M1", "M2"]))
        save(here, "M1_mark.yaml", MARK_RULE.replace("MARK", "NEW"))
        check(says + "so is an edited one", same("rules", tags.until("MARK", []), []),
              same("its new text", tags.ask("NEW"), ["M1"]))
        save(here, "M1_mark.yaml", "rule_id: [\n")
        save(here, "M3.yaml", SECOND.replace("M2", "M3"))
        check(says + "a broken edit leaves the last good version", same("rules", tags.until("OTHER", ["M2", "M3"]), ["M2", "M3"]),
              same("the broken one", tags.ask("NEW"), ["M1"]))
        os.unlink(here.path("rules/M2.yaml"))
        check(says + "a deleted one is gone", same("rules", tags.until("OTHER", ["M3"]), ["M3"]))
        status, err = tags.end()
        check(says + "the run ends well, and has told of the broken edit", same("status", status, 0),
              None if "M1_mark.yaml" in err else err)


def check_order():
    """Tags come in the order of the files' names, whatever was edited last; as a new start has them."""
    with Place() as here:
        names = {"B1": "b.yaml", "C2": "c.yaml", "D3": "d.yaml"}

        def edit(rule_id, version=1, name=None):
            text = MARK_RULE.replace("M1", rule_id).replace("rule_version: 1", f"rule_version: {version}")
            save(here, name or names[rule_id], text)

        os.unlink(here.path("rules/M1_mark.yaml"))
        for rule_id in names:
            edit(rule_id)
        save(here, "Z_always.yaml", MARK_RULE.replace("M1", "Z").replace("MARK", "ALWAYS"))
        here.write("log", lines(event("MARK")))

        def anew():
            return [o["rule_id"] for o in here.ttp("tag", "-q", "-o", "jsonl", "--rules", "rules", "log").objects()]

        tags = Tagging(here, "--rules", "rules")
        check("at the start", same("rules", tags.ask("MARK"), ["B1", "C2", "D3"]), same("a new start", anew(), ["B1", "C2", "D3"]))
        edit("A0", name="a.yaml")
        check("a new rule goes where its name puts it", same("rules", tags.until("MARK", ["A0", "B1", "C2", "D3"]), anew()))
        for rule_id in ("C2", "B1", "D3", "C2"):
            edit(rule_id, 2)
            edit(rule_id, 3)
        os.unlink(here.path("rules/a.yaml"))
        check("edits leave each where it is", same("rules", tags.until("MARK", ["B1", "C2", "D3"]), anew()))
        os.rename(here.path("rules/b.yaml"), here.path("rules/x.yaml"))
        edit("B1", 4, "x.yaml")
        check("a file that is renamed and edited moves", same("rules", tags.until("MARK", ["C2", "D3", "B1"]), anew()))
        check("the run ends well", same("status", tags.end()[0], 0))


def bundle_of(technique):
    """A release that knows one technique of its own."""
    def named(kind, name, id, **more):
        return {"type": kind, "id": f"{kind}--{id}", "name": name, **more,
                "external_references": [{"source_name": "mitre-attack", "external_id": id}]}
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": [
        named("x-mitre-tactic", "Execution", "TA0002", x_mitre_shortname="execution"),
        named("attack-pattern", "New", technique,
              kill_chain_phases=[{"kill_chain_name": "mitre-attack", "phase_name": "execution"}]),
        {"type": "x-mitre-collection", "id": "x-mitre-collection--1", "name": "Enterprise ATT&CK", "x_mitre_version": "99.0"}]})


def told(done):
    return done.out + done.err


def watched(here, words, env):
    """What ttp rules watch says of the rules that are there."""
    p = subprocess.Popen([TTP, "rules", "watch", *words], cwd=here.name, env=environment(**env), stderr=subprocess.PIPE)
    said = ""
    while "following" not in said and (line := p.stderr.readline()):
        said += line.decode()
    p.terminate()
    p.communicate(timeout=60)
    return said


def check_bundle():
    """Its tactic is nowhere but in the bundle."""
    new = SECOND.replace("tactic: TA0002, technique_id: T1059", "technique_id: T1999")
    with Place() as here:
        here.write("bundle.json", bundle_of("T1999"))
        save(here, "Z_always.yaml", MARK_RULE.replace("M1", "Z").replace("MARK", "ALWAYS"))
        tags = Tagging(here, "--rules", "rules", "--attack-bundle", "bundle.json")
        check("rules of another release, at the start", same("rules", tags.ask("MARK OTHER"), ["M1"]))
        save(here, "M2.yaml", new)
        check("a rule that only this release can place is taken in while it runs",
              same("rules", tags.until("MARK OTHER", ["M1", "M2"]), ["M1", "M2"]))
        code, said = tags.end()
        check("... and nothing is refused", same("status", code, 0), same("warnings", [x for x in said.splitlines() if "M2" in x], []))
        done = here.ttp("sync", "--once", "--rules", "rules", "--db", "rules.db", "--attack-bundle", "bundle.json")
        database = {"DECNET_TTP_RULE_STORE_TYPE": "database", "DECNET_DB_URL": here.path("rules.db")}
        tags = Tagging(here, "--attack-bundle", "bundle.json", **database)
        check("the same from a database", same("rules", tags.ask("MARK OTHER"), ["M1", "M2"]), wrong(done, status=0))
        tags.end()
        for command, env in (("list", {}), ("list", database), ("status", {}), ("watch", database)):
            words = ["--rules", "rules"] * (not env) + ["--attack-bundle", "bundle.json"]
            if command == "watch":
                with_bundle, without = (watched(here, w, env) for w in (words, []))
            else:
                with_bundle, without = (told(here.ttp("rules", command, *w, env=env)) for w in (words, words[:-2]))
            where = "a database" if env else "a directory"
            check(f"rules {command} of {where} goes by the bundle, too", same("refused", "has none for T1999" in with_bundle, False),
                  same("without it", "has none for T1999" in without, True))


def check_refused():
    with Place() as here:
        here.write("rules/broken.yaml", "rule_id: [\n")
        save(here, "Z_always.yaml", MARK_RULE.replace("M1", "Z").replace("MARK", "ALWAYS"))
        tags = Tagging(here, "--rules", "rules")
        save(here, "M2.yaml", SECOND)
        got = tags.until("OTHER", ["M2"])
        status, err = tags.end()
        check("a rule that is refused at the start is said once, and makes status 3", same("rules", got, ["M2"]),
              same("status", status, 3), same("said", err.count("broken.yaml"), 1))


def check_one_shot():
    """Following begins after 0.2 s. explain, which never follows, tells how slow the machine is just now."""
    with Place() as here:
        here.write("log", lines(command("MARK")))
        times, yardstick, worst = [], [], None
        for _ in range(3):
            for into, run in (times, lambda: here.tag("log")), (yardstick, lambda: here.ttp("explain", "--rules", "rules", "log")):
                start = time.monotonic()
                done = run()
                into.append(time.monotonic() - start)
                worst = worst or wrong(done, status=0)
        check("a short run does not wait for anything to follow", worst,
              None if min(times) < max(0.2, 3 * min(yardstick)) else f"{min(times):.3f} s, explain {min(yardstick):.3f} s")


def check_database():
    with Place() as here:
        save(here, "Z_always.yaml", MARK_RULE.replace("M1", "Z").replace("MARK", "ALWAYS"))
        env = {"DECNET_TTP_RULE_STORE_TYPE": "database", "DECNET_DB_URL": here.path("rules.db")}
        empty = here.ttp("tag", "-o", "jsonl", "-", env=env)
        check("a database without rules is said", wrong(empty, status=1, err=["ttp sync"]))
        synced = here.ttp("sync", "--rules", "rules", "--db", "rules.db", "--once")
        check("sync", wrong(synced, status=0))
        tags = Tagging(here, **env)
        check("the rules of a database", same("rules", tags.ask("MARK"), ["M1"]))
        here.ttp("state", "set", "M1", "disabled", "--db", "rules.db")
        check("a rule that is disabled tags no more", same("rules", tags.until("MARK", []), []))
        here.ttp("state", "clear", "M1", "--db", "rules.db")
        check("until that is cleared", same("rules", tags.until("MARK", ["M1"]), ["M1"]))
        save(here, "M1_mark.yaml", MARK_RULE.replace("MARK", "NEW"))
        here.ttp("sync", "--rules", "rules", "--db", "rules.db", "--once")
        check("an edit arrives through the database", same("rules", tags.until("NEW", ["M1"]), ["M1"]),
              same("its old text", tags.ask("MARK"), []))
        status, err = tags.end()
        check("the run ends well", same("status", status, 0), None if "warning" not in err else err)
        kept = here.ttp("tag", "--rules", "rules", "-o", "jsonl", "-", env=env, stdin=lines(event("NEW")))
        check("--rules is a directory whatever the variable says", wrong(kept, status=0),
              same("tags", kept.out.count("\n"), 1))
        wrong_type = here.ttp("tag", "-o", "jsonl", "-", env={"DECNET_TTP_RULE_STORE_TYPE": "cards"})
        check("an unknown store is refused", wrong(wrong_type, status=1, err=["filesystem", "database"]))


def hits(here):
    """Of each rule: how often it held, and how often it would have but for being disabled."""
    done = here.ttp("rules", "list", "--db", "rules.db", "--hits", "-o", "jsonl")
    return {o["rule_id"]: (o["hits"]["fires"], o["hits"]["suppressed"]) for o in done.objects()}


def hosts(here):
    done = here.ttp("rules", "status", "Z", "--db", "rules.db", "-o", "jsonl")
    return [(o["host"], o["verdict"]) for o in done.objects()]


def check_fleet():
    """Several that follow one database: the ledger knows each, and what each rule did on all."""
    with Place() as here:
        save(here, "Z_always.yaml", MARK_RULE.replace("M1", "Z").replace("MARK", "ALWAYS"))
        env = {"DECNET_TTP_RULE_STORE_TYPE": "database", "DECNET_DB_URL": here.path("rules.db")}
        here.ttp("sync", "--rules", "rules", "--db", "rules.db", "--once")
        here.write("log", lines(event("MARK"), event("MARK", number=2)))
        with open(here.path("log"), "rb") as log:
            once = [here.ttp("tag", "-o", "jsonl", "log", env=env),
                    subprocess.run([TTP, "tag", "-q", "-o", "none"], env=environment(**env), cwd=here.name, stdin=log, check=False)]
        check("files that are read once make no host", same("status", [d.returncode for d in once[1:]] + [once[0].status], [0, 0]),
              same("hosts", hosts(here), []), same("hits", hits(here), {"M1": (0, 0), "Z": (0, 0)}))
        named = here.ttp("tag", "-o", "jsonl", "--host", "once", "log", env=env)
        check("unless it is named", wrong(named, status=0), same("hosts", hosts(here), [("once", "live")]),
              same("hits", hits(here), {"M1": (2, 0), "Z": (0, 0)}))
        here.ttp("rules", "status", "--db", "rules.db", "--forget", "once")
        first, second = Tagging(here, "--host", "one", **env), Tagging(here, **env, DECNET_TTP_HOST="two")
        for tags in first, second:
            check("each goes by the database", same("rules", tags.until("MARK", ["M1"]), ["M1"]))
        here.ttp("state", "set", "M1", "disabled", "--db", "rules.db", "--for", "1h")
        for tags in first, second:
            check("a state reaches each", same("rules", tags.until("MARK", []), []))
        before = hits(here)["M1"][1]
        for _ in range(5):
            first.ask("MARK")
            second.ask("MARK")
        end = time.monotonic() + 20
        while (got := hits(here)["M1"][1]) < before + 10 and time.monotonic() < end:
            time.sleep(0.2)
        check("what a disabled rule would have done is told while they run", None if got >= 12 else f"{got} would-be hits")
        asked = first.n + second.n
        ends = [tags.end() for tags in (first, second)]
        after = hits(here)
        check("both end well", same("status", [s for s, _ in ends], [0, 0]), *[e for _, e in ends if "warning" in e])
        check("every event is counted once", same("of the rule that always holds", after["Z"], (asked, 0)),
              same("of the disabled one", sum(after["M1"]), asked), same("hosts", hosts(here), [("one", "live"), ("two", "live")]))


for n in ("1", "2"):
    check_directory(n)
check_order()
check_bundle()
check_refused()
check_one_shot()
check_database()
check_fleet()
finish()
