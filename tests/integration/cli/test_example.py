# SPDX-License-Identifier: Apache-2.0
"""The example log gives what README and examples/README say, and its layer is one that the Navigator takes."""
import ipaddress
import json
import os
import re
import subprocess

from harness import PACK, ROOT, TTP, Done, Place, check, command, environment, event, finish, lines, same, ttp, wrong

EXAMPLE = os.path.join(ROOT, "examples/cowrie-example.json")
TACTICS = {"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
           "defense-evasion", "credential-access", "discovery", "lateral-movement", "collection", "command-and-control",
           "exfiltration", "impact"}
RESERVED = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32",
                                              "127.0.0.0/8", "0.0.0.0/32", "169.254.169.254/32", "10.0.0.0/8",
                                              "172.16.0.0/12", "192.168.0.0/16")]
# what each session's README words promise: a technique that must be among its tags
STORIES = {
    "a brute force that fails": "T1110.001", "a miner's operator": "T1496.001", "a telnet bot": "T1059.008",
    "the decoy used as a proxy": "T1090", "a dropper": "T1105", "files put by SFTP": "T1105",
    "a scanner that speaks HTTP to telnet": "T1595.001",
}


def tags_of(*words, **more):
    return ttp("tag", "--rules", PACK, *words, **more)


def read(path):
    """A file's text; "{}" where there is none."""
    if not os.path.exists(path):
        return "{}"
    with open(path, encoding="utf-8") as f:
        return f.read()


def check_log():
    log = [json.loads(line) for line in read(EXAMPLE).splitlines()]
    addresses = set(re.findall(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])", read(EXAMPLE)))
    check("the example holds addresses of documentation and private networks alone",
          *[f"{a} is somebody's" for a in sorted(addresses) if not any(ipaddress.ip_address(a) in n for n in RESERVED)],
          None if addresses else "no address at all")
    tags = tags_of("--output", "jsonl", EXAMPLE)
    check("the example is read whole: no bad line, nothing odd", wrong(tags, status=0, err=[r" 0 bad$"], no_err=["^ttp:", "odd"]))
    found = {}
    for t in tags.objects():
        found.setdefault(t["session_id"], set()).add(t["sub_technique_id"] or t["technique_id"])
    words = " ".join(read(os.path.join(ROOT, "examples/README.md")).split())
    check("examples/README counts sessions and sensors rightly",
          None if "seven short sessions on three sensors" in words else "other words in examples/README.md",
          same("sessions", len({o["session"] for o in log}), 7), same("sensors", len({o["sensor"] for o in log}), 3))
    for story, technique in STORIES.items():
        check(f"examples/README tells of {story}, and a session shows {technique}",
              None if story in words else "other words in examples/README.md",
              None if any(technique in t for t in found.values()) else f"found: {found}")


def layer_of(done):
    """The layer that was printed; {} where it is none."""
    try:
        return json.loads(done.out)
    except ValueError:
        return {}


def key_types(layer):
    """What is missing or of another type than the layer format 4.5 has it."""
    if not {"versions", "techniques", "gradient", "metadata"} <= set(layer):
        return ["no layer"]
    def wrong_type(value, kinds, name):
        return [] if isinstance(value, kinds) else [f"{name}: {value!r}"]

    problems = []
    for name, kinds in (("name", str), ("versions", dict), ("domain", str), ("description", str), ("techniques", list),
                        ("gradient", dict), ("legendItems", list), ("metadata", list), ("layout", dict), ("sorting", int),
                        ("hideDisabled", bool), ("showTacticRowBackground", bool), ("selectTechniquesAcrossTactics", bool),
                        ("selectSubtechniquesWithParent", bool)):
        problems += wrong_type(layer.get(name), kinds, name)
    for name in ("attack", "navigator", "layer"):
        problems += wrong_type(layer["versions"].get(name), str, "versions." + name)
    problems += [f"versions.layer: {layer['versions']['layer']}"] if layer["versions"]["layer"] != "4.5" else []
    problems += [f"domain: {layer['domain']}"] if layer["domain"] != "enterprise-attack" else []
    problems += [] if re.fullmatch(r"\d+", layer["versions"]["attack"]) else [f"versions.attack: {layer['versions']['attack']}"]
    gradient = layer["gradient"]
    problems += wrong_type(gradient["minValue"], int, "minValue") + wrong_type(gradient["maxValue"], int, "maxValue")
    problems += [] if gradient["minValue"] < gradient["maxValue"] and len(gradient["colors"]) >= 2 else [str(gradient)]
    colors = gradient["colors"] + [t["color"] for t in layer["techniques"] if "color" in t]
    problems += [f"colour {c!r}" for c in colors if not re.fullmatch(r"#[0-9a-fA-F]{6}", c)]
    for m in layer["metadata"] + [m for t in layer["techniques"] for m in t.get("metadata", [])]:
        problems += [] if set(m) == {"name", "value"} and all(isinstance(v, str) for v in m.values()) else [f"metadata {m}"]
    for t in layer["techniques"]:
        problems += [] if re.fullmatch(r"T\d{4}(\.\d{3})?", t["techniqueID"]) else [f"techniqueID {t['techniqueID']!r}"]
        problems += [] if t["tactic"] in TACTICS else [f"tactic {t['tactic']!r}"]
        problems += wrong_type(t.get("score", 0), int, "score") + wrong_type(t["enabled"], bool, "enabled")
        problems += wrong_type(t.get("comment", ""), str, "comment")
    ids = [(t["techniqueID"], t["tactic"]) for t in layer["techniques"]]
    problems += [f"{i} stands twice" for i in sorted(set(ids)) if ids.count(i) > 1]
    return problems


def scores_of(layer):
    return {(t["techniqueID"], t["tactic"]): t["score"] for t in layer.get("techniques", []) if "score" in t}


def counts_of(tags):
    """What the layer's scores must be: tags by technique and tactic."""
    names = {"TA0043": "reconnaissance", "TA0042": "resource-development", "TA0001": "initial-access", "TA0002": "execution",
             "TA0003": "persistence", "TA0004": "privilege-escalation", "TA0005": "defense-evasion",
             "TA0006": "credential-access", "TA0007": "discovery", "TA0008": "lateral-movement", "TA0009": "collection",
             "TA0011": "command-and-control", "TA0010": "exfiltration", "TA0040": "impact"}
    counts = {}
    for t in tags:
        key = (t["sub_technique_id"] or t["technique_id"], names[t["tactic"]])
        counts[key] = counts.get(key, 0) + 1
    return counts


def check_layer():
    with Place() as here:
        tags = tags_of("--output", "jsonl", "--db", here.path("tags.db"), EXAMPLE)
        here.write("tags.jsonl", tags.out)
        rows = [("from a pipe", ttp("export", "navigator", stdin=tags.out_bytes)),
                ("from a file of tags", here.ttp("export", "navigator", "tags.jsonl")),
                ("from the database", here.ttp("export", "navigator", "--db", "tags.db"))]
        for says, done in rows:
            layer = layer_of(done)
            check(f"the example's layer, {says}: has every field of format 4.5, and the scores are the tags' numbers",
                  wrong(done, status=0), *key_types(layer), same("scores", scores_of(layer), counts_of(tags.objects())))
        named = here.ttp("export", "navigator", "--name", 'An "odd" name \u202e', "--output", "layer.json", "tags.jsonl")
        check("--name and --output: the layer is in the file, under that name",
              wrong(named, status=0), same("stdout", named.out, ""),
              same("name", json.loads(read(here.path("layer.json"))).get("name"), 'An "odd" name \u202e'))
        empty = [("nothing at all", ttp("export", "navigator")), ("no tag", ttp("export", "navigator", "/dev/null"))]
        empty += [("a database without tags", here.ttp("export", "navigator", "--db", "empty.db"))] if ttp(
            "tag", "--rules", PACK, "--output", "none", "--db", here.path("empty.db"), "/dev/null").status == 0 else []
        for says, done in empty:
            layer = layer_of(done)
            check(f"{says}: a valid empty layer", wrong(done, status=0), *key_types(layer),
                  same("techniques", layer.get("techniques"), []))
        check("three kinds of nothing were tried", same("rows", len(empty), 3))
        here.write("mixed", tags.out_bytes.splitlines(True)[0] + b"no tag\n" + tags.out_bytes.splitlines(True)[1])
        mixed = here.ttp("export", "navigator", "mixed")
        check("a line that is no tag is named with file and line, the others count; exit status 3",
              wrong(mixed, status=3, err=[r"^ttp: mixed:2: "]),
              same("score", sum(scores_of(layer_of(mixed)).values()), 2))
        for says, words in (("a file that is not there", ["nowhere"]), ("a directory", ["rules"]),
                            ("a database that is not there", ["--db", "nowhere.db"]),
                            ("an output that cannot be written", ["--output", "no/where.json", "tags.jsonl"])):
            done = here.ttp("export", "navigator", *words)
            check(f"{says}: one line, exit status 1, no layer", wrong(done, status=1, err=["^ttp: "]), same("stdout", done.out, ""))
        check("a database that is not there is not made", same("there", os.path.exists(here.path("nowhere.db")), False))


def check_make_run():
    """The lines of `make run` that call ttp work as they stand there."""
    recipe = re.search(r"^run:\n((?:\t.*\n)+)", read(os.path.join(ROOT, "Makefile")), re.M).group(1)
    script = [line.strip().replace("$(release)/ttp", "ttp") for line in recipe.splitlines() if "$(release)/ttp" in line]
    with Place() as here:
        os.makedirs(here.path("bin"))
        os.makedirs(here.path("build"))
        os.symlink(TTP, here.path("bin/ttp"))
        os.symlink(os.path.join(ROOT, "examples"), here.path("examples"))
        os.symlink(PACK, here.path("rules/ttp"))
        p = subprocess.run(["sh", "-e", "-c", "\n".join(script)], cwd=here.name, capture_output=True, check=False,
                           env=environment(PATH=here.path("bin") + ":" + os.environ["PATH"]), stdin=subprocess.DEVNULL)
        done = Done(p.returncode, p.stdout, p.stderr)
        layer = here.path("build/navigator-layer.json")
        check("make run prints the example's table and leaves a Navigator layer that is not empty",
              wrong(done, status=0, out=[r"^TACTIC +TECHNIQUE", r"T1496\.001"]),
              *(key_types(json.loads(read(layer))) if os.path.exists(layer) and os.path.getsize(layer) else ["no layer"]),
              None if os.path.exists(layer) and "T1496.001" in read(layer) else "the layer has no T1496.001")


check_log()
check_layer()
check_make_run()
finish()
