# SPDX-License-Identifier: Apache-2.0
"""Bad rule files: each is named with line, column, what is wrong and what was expected; the others run."""
import os
import re
import sys
import time

from harness import MARK_RULE, Place, account, check, command, finish, lines, same, skip_part, ttp, wrong

LOG = lines(command("MARK good"))


def rule(match, head="rule_id: M2\nrule_version: 1\nname: bad\napplies_to: [command]\n",
         emits="emits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]\n"):
    return head + match + "\n" + emits


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))
BIG = rule("match: {pattern: x}") + "references:\n" + "  - https://example.org/a/page/of/some/length\n" * 230000

# what the row says; the file; where and what is said: line:column, then a regular expression
REFUSED = [
    ("a regex that does not compile", rule("match: {pattern: 'wget (http'}"), "5:", r"group|parenthes|\)"),
    ("a regex of another dialect", rule("match: {pattern: '(?<name>x)'}"), "5:", r"expected"),
    ("a set that is not closed", rule("match: {pattern: '[a-'}"), "5:", r"set|\]"),
    ("a regex that grows beyond measure", rule("match: {pattern: '((a{1000}){1000}){1000}'}"), "5:", r"20000|too"),
    ("a regex nested 5,000 deep", rule("match: {pattern: '" + "(" * 5000 + "x" + ")" * 5000 + "'}"), "5:", r"deep|nest"),
    ("a regex of 100,000 characters", rule("match: {pattern: '" + "x" * 100000 + "'}"), "5:", r"16384|long"),
    ("10 MB of YAML", BIG, "", r"bytes; expected at most 1048576"),
    ("an alias bomb", BOMB + rule("match: {pattern: x}"), r"\d+:", r"alias|values|nodes|65536|large"),
    ("an alias of itself", "a: &a [*a]\n" + rule("match: {pattern: x}"), r"1:", r"alias|itself|anchor"),
    ("lists 10,000 deep", "a: " + "[" * 10000 + "]" * 10000 + "\n" + rule("match: {pattern: x}"), "1:", r"deep|nest"),
    ("match expressions 100 deep", rule("match: " + "{not: " * 100 + "{pattern: x}" + "}" * 100), "5:", r"deep|nest"),
    ("YAML that ends in a string", "rule_id: 'M2\n", r"[12]:", r"quot|end|scalar"),
    ("a tab for indentation", "match:\n\tpattern: x\n", "2:", r"tab|indent|expected|invalid"),
    ("bytes that are not UTF-8", b"rule_id: \xff\xfe\n", "1:", r"UTF-8"),
    ("a NUL byte", rule("match: {pattern: x}").encode() + b"\0\n", r"\d+:", r"NUL|control|byte|invalid|U\+0000"),
    ("an empty file", "", "", r"expected"),
    ("a list for a rule", "- a\n- b\n", "1:1:", r"expected"),
    ("two documents", rule("match: {pattern: x}") + "---\na: 1\n", r"[67]:", r"document"),
    ("no rule_id", rule("match: {pattern: x}", head="rule_version: 1\nname: x\napplies_to: [command]\n"), r"\d+:",
     r"rule_id"),
    ("a rule_id with a dot", rule("match: {pattern: x}").replace("M2", "M.2"), "1:10:", r"rule_id"),
    ("a rule_version of zero", rule("match: {pattern: x}").replace("version: 1", "version: 0"), "2:15:", r"rule_version"),
    ("an operator that there is none of", rule("match: {patern: x}"), "5:", r"patern"),
    ("no match", rule("# none"), r"\d+:", r"match"),
    ("no emits", rule("match: {pattern: x}", emits=""), r"\d+:", r"emits"),
    ("emits that are empty", rule("match: {pattern: x}", emits="emits: []\n"), "6:", r"emits"),
    ("an id that is none", rule("match: {pattern: x}").replace("T1059", "T59"), "6:", r"T59"),
    ("a confidence of 2", rule("match: {pattern: x}").replace("0.9", "2"), "6:", r"confidence"),
    ("a network that is none", rule("match: {field: src, cidr: 192.0.2.0/33}"), "5:", r"192\.0\.2\.0/33"),
    ("a rule_id that is there already", rule("match: {pattern: x}").replace("M2", "M1"), "", r"M1 is rules/M1_mark\.yaml's already"),
    ("a key that stands twice", rule("match: {pattern: x}") + "name: again\n", "7:", r"name is given twice, first on line 3"),
]


def commands(here):
    """The commands that load rules, and what shows that the good rule ran. `rules lint` only looks."""
    yield "tag", here.tag("log"), "MARK good"
    yield "explain", here.ttp("explain", "--rules", "rules", "log"), "FIRED M1"


def check_refused(says, data, place, reason):
    with Place(log=LOG) as here:
        here.write("rules/N2_bad.yaml", data)
        started = time.monotonic()
        runs = list(commands(here))
        seconds = time.monotonic() - started
        lint = here.ttp("rules", "lint", "rules")
    said = rf"^ttp: rules/N2_bad\.yaml:{place}.*(?:{reason})"
    for name, done, mark in runs:
        check(f"{name}: {says} is refused with its place, the other rule runs",
              wrong(done, status=3, out=[mark], err=[said]),
              same("lines about it", len(re.findall(r"N2_bad", done.err)), 1),
              None if len(done.err) < 4000 else f"{len(done.err)} bytes on stderr",
              None if seconds < 20 else f"took {seconds:.0f} s")
    check(f"rules lint: {says} is refused with its place",
          wrong(lint, status=1), None if re.search(said.replace("^ttp: ", ""), lint.out + lint.err, re.M) else
          f"nothing matches {said!r} in\n{lint.out[:1500]}\n{lint.err[:1500]}")


def check_odd_entries():
    """What stands in a directory beside rule files."""
    with Place(log=LOG) as here:
        os.mkdir(here.path("rules/N2_directory.yaml"))
        os.mkfifo(here.path("rules/N3_fifo.yaml"))
        os.symlink("nowhere", here.path("rules/N4_dangling.yaml"))
        for name in (".N5_hidden.yaml", "N6_backup.yaml~", "N7_swap.yaml.tmp", "4913", "N8.yaml.swp", "N 9.yaml"):
            here.write("rules/" + name, "{{{{")
        done = here.tag("log")
    check("a directory, a FIFO and a dangling link named like rules are reported and not waited for",
          wrong(done, status=3, err=[rf"^ttp: rules/{n}\.yaml: .*{why}" for n, why in (
              ("N2_directory", "directory"), ("N3_fifo", "FIFO"), ("N4_dangling", "No such file"))]),
          same("commands", done.commands(), ["MARK good"]))
    check("files that are not named like rules are passed over without a word",
          wrong(done, no_err=[r"hidden|backup|swap|4913|N8|N 9"]))


def check_no_rules():
    rows = [
        ("no such directory", "nowhere", r"^ttp: nowhere: .*No such file"),
        ("a directory without rules", "empty", r"^ttp: empty: no rules here; expected files named like"),
        ("a directory of bad rules alone", "bad", r"^ttp: bad: no rules"),
    ]
    with Place(log=LOG) as here:
        os.mkdir(here.path("empty"))
        here.write("bad/N1.yaml", "a: [")
        for says, name, said in rows:
            for cmd in ("tag", "explain"):
                done = here.ttp(cmd, "--rules", name, "log")
                check(f"{cmd}: {says}: failed, in a sentence", wrong(done, status=1, err=[said]), same("stdout", done.out, ""))


def check_slow_regex():
    """A regex that explodes on hostile text holds nothing up: it is cut off, and that is counted."""
    text = "a" * 20000 + "!bc" # has the letters that wake the rules
    rows = [("nested quantifiers without back-reference", "(a+)+$", False), ("with a back-reference", r"^(a+)+\1b", True),
            ("with look-ahead", "(?=(a|aa)+b)(a|aa)+c", False)]
    for says, pattern, may_cut in rows:
        with Place(log=lines(*[command(text)] * 20, command("MARK good"))) as here:
            here.write("rules/N2_slow.yaml", rule(f"match: {{pattern: '{pattern}'}}"))
            started = time.monotonic()
            done = here.tag("log")
            seconds = time.monotonic() - started
        check(f"a regex that explodes, {says}: the log is read within seconds, and the other rule runs",
              wrong(done, status=0, err=[r"regex searches? cut off"] if may_cut else []),
              same("commands", done.commands(), ["MARK good"]),
              None if seconds < 15 else f"took {seconds:.0f} s")


for row in REFUSED:
    check_refused(*row)
check_odd_entries()
check_no_rules()
check_slow_regex()
finish()
