# SPDX-License-Identifier: Apache-2.0
"""--help is the truth; the man page, the completion and the README say the same, and the examples work."""
import glob
import gzip
import os
import re
import shutil
import subprocess
import sys

from harness import FEATURES, ROOT, TTP, Done, Place, check, environment, finish, same, skip_part, ttp, wrong

OPTIONAL = {"bench"}  # in the man page and the completion, but not in every build


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def commands():
    """The names that ttp --help lists: 'tag', 'rules lint'..."""
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?) {2,}\S", ttp("--help").out, re.M)


def options_of(help_text):
    """{long name: short letter or ''}, --help left out."""
    found = re.findall(r"^ +(?:-(\w), )?--([a-z][a-z-]*)", help_text.split("Example:")[0], re.M)
    return {name: short for short, name in found if name != "help"}


NAMES = commands()
HELP = {name: ttp(*name.split(), "--help").out for name in NAMES}
OPTIONS = {name: options_of(text) for name, text in HELP.items()}
ENDLESS = {"rules watch"}  # runs until it is told to end: test_watch.py
GROUPS = sorted({n.split()[0] for n in NAMES if " " in n})


def check_overview():
    overview = ttp("--help")
    check("ttp --help: usage, every command once, the exit status",
          wrong(overview, status=0, out=["^usage: ttp COMMAND", "^Exit status: 0 done, 1 failed, 2 wrong usage, 3"]),
          same("commands", sorted(set(NAMES)), sorted(NAMES)),
          None if {"tag", "explain", "doctor", "rules lint", "rules list", "rules show", "rules test", "attack show",
                   "attack fetch", "export navigator"} <= set(NAMES) else f"commands: {NAMES}")
    for words in (["-h"], ["help"]):
        check(f"ttp {words[0]} is the same", same("text", ttp(*words).out, overview.out))
    version = re.search(r"version: '([^']+)'", read("meson.build")).group(1)
    check("ttp --version names the project's version", same("text", ttp("--version").out, f"ttp {version}\n"))
    for group in GROUPS:
        done = ttp(group, "--help")
        check(f"ttp {group} --help lists its commands",
              wrong(done, status=0, out=[rf"^usage: ttp {group} "] + [rf"^  {n} " for n in NAMES if n.startswith(group + " ")]))


def check_each_help():
    for name, text in HELP.items():
        done = ttp(*name.split(), "--help")
        check(f"ttp {name} --help: usage, an example, exit status 0, and nothing on standard error",
              wrong(done, status=0, out=[rf"^usage: ttp {name}\b", r"^Example:"]), same("stderr", done.err, ""),
              *[f"{len(line)} columns: {line}" for line in text.split("\n") if len(line) > 100])
        short = ttp(*name.split(), "-h")
        check(f"ttp {name} -h is the same", same("text", short.out, text))


def check_wrong_usage():
    rows = [("no command", []), ("an unknown command", ["tagg"]), ("an unknown option before a command", ["--quiet", "tag"]),
            ("an empty word", [""])]
    rows += [(f"{g} without a command", [g]) for g in GROUPS] + [(f"{g} with an unknown one", [g, "nothing"]) for g in GROUPS]
    for name in NAMES:
        words = name.split()
        rows += [(f"{name}: an unknown option", words + ["--no-such-option"]), (f"{name}: an unknown letter", words + ["-Z"]),
                 (f"{name}: --help with an argument", words + ["--help=yes"])]
        takes = re.findall(r"^ +(?:-\w, )?--([a-z-]+) [A-Z]", HELP[name], re.M)
        rows += [(f"{name}: --{takes[0]} without its argument", words + ["--" + takes[0]])] if takes else []
        if "output" in OPTIONS[name] and name != "export navigator":
            rows += [(f"{name}: an unknown --output", words + ["--output", "xml"])]
        if "format" in OPTIONS[name]:
            rows += [(f"{name}: an unknown --format", words + ["--format", "xml"])]
    for says, words in rows:
        done = ttp(*words)
        check(f"{says}: exit status 2, and what to do", wrong(done, status=2, err=[r"--help|^usage: ttp"]),
              same("stdout", done.out, ""))


def man_sections():
    """{command: {long: short}} of the man page: its .Ss parts, its .It Fl lines."""
    page = read("docs/man/ttp.1")
    found = {}
    for part in re.split(r"^\.Ss ", page, flags=re.M)[1:]:
        name = part.split("\n")[0].removeprefix("ttp ").strip()
        found[name] = {}
        for item in re.findall(r"^\.It (Fl .*)", re.split(r"^\.Sh ", part, flags=re.M)[0], re.M):
            flags = re.findall(r"Fl (-?[A-Za-z][a-z-]*)", item)
            long = [f[1:] for f in flags if f.startswith("-")]
            short = [f for f in flags if not f.startswith("-")]
            found[name][long[0]] = short[0] if short else ""
    return page, found


def check_man():
    page, found = man_sections()
    check("the man page has a part for each command", same("parts", sorted(set(found) - OPTIONAL), sorted(set(NAMES) - OPTIONAL)))
    synopsis = page.split(".Sh SYNOPSIS")[1].split(".Sh ")[0]
    for name in NAMES:
        check(f"the man page tells the options of ttp {name}, no more, no less", same("options", found.get(name), OPTIONS[name]))
        check(f"... and its synopsis names ttp {name}", None if re.search(rf"^\.Cm {name}$", synopsis, re.M) else synopsis)
    files = glob.glob(os.path.join(ROOT, "src/**/*.[ch]"), recursive=True)
    sources = "".join(read(os.path.relpath(p, ROOT)) for p in files if "/cli/bench" not in p)  # those are for developers
    variables = set(re.findall(r'getenv\("([A-Z_]+)"\)|"(DECNET_[A-Z_]+)"|_VARIABLE "([A-Z_]+)"', sources))
    variables = {name for names in variables for name in names if name}
    told = {name for line in re.findall(r"^\.It Ev (.+)", page, re.M) for name in re.findall("[A-Z_]+", line)}
    check("the man page tells every variable of the environment that is read", same("variables", told, variables))
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", "-z", os.path.join(ROOT, "docs/man/ttp.1")],
                              capture_output=True, text=True, check=False)
        check("groff has nothing to say of the man page", same("warnings", done.stderr, ""))
    else:
        skip_part("the man page's form: no groff")


def complete(*words):
    """What bash offers for the last of words."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _ttp; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", os.path.join(ROOT, "packaging/completion/ttp.bash"), *words],
                          capture_output=True, text=True, check=False, env=environment())
    if done.returncode or done.stderr:
        return {f"exit status {done.returncode}: {done.stderr}"}
    return set(done.stdout.split())


def check_completion():
    if not shutil.which("bash"):
        skip_part("the completion: no bash")
        return
    tops = {n.split()[0] for n in NAMES}
    check("completion offers the commands", same("words", complete("ttp", "") - OPTIONAL, (tops | {"--help", "--version"}) - OPTIONAL))
    for group in GROUPS:
        check(f"completion offers the commands of {group}",
              same("words", complete("ttp", group, ""), {n.split()[1] for n in NAMES if n.startswith(group + " ")} | {"--help"}))
    for name in NAMES:
        check(f"completion offers the options of ttp {name}, no more, no less",
              same("options", complete("ttp", *name.split(), "--"), {"--" + o for o in OPTIONS[name]} | {"--help"}))
        for option in ("output", "format"):
            if option not in OPTIONS[name] or name == "export navigator":
                continue
            offered = complete("ttp", *name.split(), "--" + option, "")
            line = re.search(rf"--{option} .*(?:\n {{20,}}.*)*", HELP[name]).group(0)
            check(f"completion offers the values of ttp {name} --{option} that --help names, and they are taken",
                  None if offered and all(re.search(rf"\b{v}\b", line) for v in offered) else f"offered {offered}: {line}",
                  *[f"{v}: {d.err}" for v in offered
                    for d in [ttp(*name.split(), f"--{option}", v, *(["--rules", "/nonexistent"] if name in ENDLESS else []))] if re.search(rf"--{option}", d.err)])
    with Place(**{"cowrie.json": "", "other.json": ""}) as here:
        before = os.getcwd()
        os.chdir(here.name)
        check("completion offers files for an operand", same("files", complete("ttp", "tag", "cow"), {"cowrie.json"}))
        os.chdir(before)


def sh(script, here):
    """A line of the documents: `ttp` is the real one, the log and the rules are at hand."""
    path = here.path("bin") + ":" + os.environ["PATH"]
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], cwd=here.name, capture_output=True, check=False,
                          env=environment(PATH=path, HOME=here.name), stdin=subprocess.DEVNULL, timeout=60)
    return Done(done.returncode, done.stdout, done.stderr)


def examples_place():
    here = Place()
    os.mkdir(here.path("bin"))
    os.symlink(TTP, here.path("bin/ttp"))
    os.mkdir(here.path("build"))
    os.makedirs(here.path("build/release"))
    os.symlink(TTP, here.path("build/release/ttp"))
    shutil.rmtree(here.path("rules"))
    os.mkdir(here.path("rules"))
    for name in ("rules/ttp", "examples"):
        os.symlink(os.path.join(ROOT, name), here.path(name))
    log = read("examples/cowrie-example.json").encode()
    here.write("cowrie.json", log)
    here.write("cowrie.json.1.gz", gzip.compress(log))
    return here


def needs_what_is_not_here(script):
    if "attack fetch" in script or "18.1" in script:
        return "the network"
    if ".gz" in script and "zlib" not in FEATURES:
        return "zlib"
    for word in re.findall(r"(?:^|[|;&]\s*)([a-z]\w*)", script):
        if not shutil.which(word) and word != "ttp":
            return word
    return None


def check_examples():
    rows = []
    for name, text in HELP.items():
        if name not in OPTIONAL | ENDLESS:
            rows.append((f"ttp {name} --help", text.split("Example:")[1].strip()))
    rows += [("man page", line) for line in re.findall(r"^\.Dl \$ (.*)", read("docs/man/ttp.1"), re.M)]
    for where, script in rows:
        script = re.sub(r"\|\n\s*", "| ", script)
        missing = needs_what_is_not_here(script)
        if missing:
            skip_part(f"{where}: {script!r} needs {missing}")
            continue
        with examples_place() as here:
            done = sh(script, here)
            check(f"the example of {where} works: {script}", wrong(done, status=0),
                  None if done.out or os.path.exists(here.path("layer.json")) else "it printed nothing")


def check_readme():
    readme = read("README.md")
    rows = re.findall(r"^\| (`ttp .*?) \|", readme, re.M)
    told = set()
    for row in rows:
        words = re.findall(r"`([^`]+)`", row)
        first = re.sub(r" [A-Z.]+$", "", words[0].removeprefix("ttp "))
        told |= {first} | {first.split()[0] + " " + w for w in words[1:]}
    check("the README's table names every command", same("commands", told - OPTIONAL, set(NAMES) - OPTIONAL))
    script = re.search(r"^    (echo '.*?-)$", readme, re.M | re.S).group(1)
    want = re.findall(r'"uuid": "([^"]+)".*?\n.*?"confidence": ([\d.]+), "rule_id": "(\w+)"', readme)
    with examples_place() as here:
        done = sh(script, here)
    check("the README's event gives the tags that stand below it", wrong(done, status=0),
          same("tags", [(t["uuid"], str(t["confidence"]), t["rule_id"]) for t in done.objects()], want),
          None if len(want) == 2 else "the README shows no two tags")
    text = re.search(r"^## Writing a rule$.*?\n\n((?:    [^\n]*\n)+)", readme, re.M | re.S).group(1)
    with examples_place() as here:
        here.write("R0015.yaml", re.sub(r"^    ", "", text, flags=re.M))
        for words in ("lint", "test"):
            done = sh(f"ttp rules {words} R0015.yaml", here)
            check(f"the README's rule passes ttp rules {words}", wrong(done, status=0))


check_overview()
check_each_help()
check_wrong_usage()
check_man()
check_completion()
check_examples()
check_readme()
finish()
