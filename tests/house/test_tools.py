# SPDX-License-Identifier: Apache-2.0
"""Each check must notice its bad sample and leave the good one alone. Usage: test_tools.py CHECK"""
import os
import subprocess
import sys
import tempfile

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")
SPDX = "SPDX-License-Identifier: Apache-2.0"
LONG = "void f(void)\n{\n" + "    g();\n" * 120 + "}\n"

# check: rows of (what the row says, {path: text}, exit status, what the output must hold)
CASES = {
    "check-layers": [
        ("an include down a floor is fine",
         {"src/rule/a.h": '#include "base/str.h"\n#include <stdio.h>\n#include "ttp/err.h"\n'}, 0, "all downward"),
        ("an include in one's own folder is fine",
         {"src/rule/a.h": '#include "rule/b.h"\n#include "b.h"\n', "src/rule/b.h": ""}, 0, "all downward"),
        ("an include up is named with its line",
         {"src/base/a.c": '/* one\n */\n#include "rule/rule.h"\n'}, 1, "src/base/a.c:3: rule/ is on a floor above base/"),
        ("an include across is named",
         {"src/tag/a.c": '#include "event/event.h"\n'}, 1, "src/tag/a.c:1: event/ is on the same floor as tag/"),
        ("angle brackets hide nothing",
         {"src/base/a.c": "# include <match/table.h>\n"}, 1, "src/base/a.c:1: match/"),
        ("an include in a comment does not count",
         {"src/base/a.c": '/* #include "rule/rule.h" */\n// #include "cli/x.h"\n'}, 0, "all downward"),
        ("a public header keeps to ttp/",
         {"include/ttp/a.h": '#include "base/str.h"\n'}, 1, "include/ttp/a.h:1: a public header"),
        ("a folder that is not in the house",
         {"src/misc/a.c": ""}, 1, "src/misc/a.c:1: is in no folder"),
        ("an include of a folder that is not in the house",
         {"src/base/a.c": '#include "misc/a.h"\n'}, 1, "src/base/a.c:1:"),
        ("a way around by dots",
         {"src/base/a.c": '#include "../rule/rule.h"\n'}, 1, "src/base/a.c:1:"),
    ],
    "check-banned": [
        ("an ordinary call is fine",
         {"src/base/a.c": "int f(void) { return snprintf(b, n, x) + my_strcpy(a); }\n"}, 0, "none calls"),
        ("a banned call is named with its line",
         {"src/base/a.c": "void f(void)\n{\n    strcpy (a, b);\n}\n"}, 1, "src/base/a.c:3: strcpy:"),
        ("tests are held to it, too",
         {"tests/unit/base/test-a.c": "int i = atoi(s);\n"}, 1, "tests/unit/base/test-a.c:1: atoi:"),
        ("comments and strings do not count",
         {"src/base/a.c": '/* strcpy(a, b);\n sprintf(x) */ // gets(a)\nchar *s = "atoi(1) \\" gets(x)";\n'}, 0, "none calls"),
        ("the library does not print",
         {"src/rule/a.c": "x;\nfprintf(stderr, y);\n"}, 1, "src/rule/a.c:2: stderr:"),
        ("the library does not exit",
         {"src/rule/a.c": "exit(1);\n"}, 1, "src/rule/a.c:1: exit:"),
        ("the program may",
         {"src/cli/main.c": 'printf("x"); exit(1);\n'}, 0, "none calls"),
        ("a line with its reason is let through",
         {"src/rule/a.c": "abort(); /* check-banned: allow, nothing else is left to do */\n"}, 0, "none calls"),
    ],
    "check-spdx": [
        ("a line at the top is fine",
         {"src/a.c": f"/* {SPDX} */\n", "tools/x": f"#!/bin/sh\n# {SPDX}\n", "README.md": "x"}, 0, "2 files"),
        ("a source without one", {"src/a.c": "int a;\n"}, 1, "src/a.c:1:"),
        ("a script without one", {"tools/x": "#!/bin/sh\n"}, 1, "tools/x:1:"),
        ("a rule without one", {"rules/ttp/R1.yaml": "rule_id: R1\n"}, 1, "rules/ttp/R1.yaml:1:"),
        ("a build file without one", {"src/meson.build": "x\n"}, 1, "src/meson.build:1:"),
        ("another licence", {"src/a.c": "/* SPDX-License-Identifier: MIT */\n"}, 1, "src/a.c:1:"),
        ("a corpus is data", {"tests/fuzz/corpus/rule/a.yaml": "x\n", "a.c": f"/* {SPDX} */\n"}, 0, "1 files"),
    ],
    "check-format": [
        ("formatted text is fine", {"src/a.c": "int a;\n"}, 0, "1 files"),
        ("unformatted text is named", {"src/a.c": "int a;\nint   b ;\n"}, 1, "src/a.c:2:"),
        ("an empty tree is a mistake", {"README.md": "x"}, 1, "no C files"),
    ],
    "measure": [
        ("a short function is fine", {"src/a.c": "void f(void)\n{\n    g();\n}\n"}, 0, "longest 3 lines"),
        ("a long one is named", {"src/a.c": "int a;\n\n" + LONG}, 1, "src/a.c:3: the function has 122 lines"),
        ("a long one in a test is named", {"tests/a.c": LONG}, 1, "tests/a.c:1:"),
        ("a flat one is exempt", {"src/a.c": "/* measure: flat, one case a kind */\n" + LONG}, 0, "within bounds"),
        ("the mark counts for its function alone",
         {"src/a.c": "/* measure: flat, one case a kind */\n" + LONG + "\n" + LONG}, 1, "src/a.c:126:"),
        ("a long file is named", {"src/a.c": "int a;\n" * 801}, 1, "src/a.c:801:"),
        ("a table file is exempt",
         {"src/a.c": "/* measure: flat, written by a generator */\n" + "int a;\n" * 801}, 0, "within bounds"),
    ],
    "sum-tests": [
        ("every build counts",
         {"a/meson-logs/testlog.json": '{"name": "x", "result": "OK"}\n{"name": "y", "result": "SKIP"}\n',
          "b/meson-logs/testlog.json": '{"name": "x", "result": "OK"}\n'}, 0, "\n2 passed, 0 failed, 1 skipped\n"),
        ("a failed test is named",
         {"a/meson-logs/testlog.json": '{"name": "x", "result": "FAIL"}\n{"name": "y", "result": "OK"}\n'}, 1,
         "failed: a: x\n1 passed, 1 failed, 0 skipped\n"),
        ("a hanging test is a failed one",
         {"a/meson-logs/testlog.json": '{"name": "x", "result": "TIMEOUT"}\n'}, 1, "0 passed, 1 failed, 0 skipped\n"),
        ("a build that failed counts", {"a/stage-failed": "does not build\n"}, 1,
         "failed: a: does not build\n0 passed, 1 failed, 0 skipped\n"),
        ("a stage left out counts",
         {"a/stage-skipped": "no clang\n", "b/meson-logs/testlog.json": '{"name": "x", "result": "OK"}\n'}, 0,
         "skipped: a: no clang\n1 passed, 0 failed, 1 skipped\n"),
        ("nothing at all is a failure", {"README": ""}, 1, "0 passed, 0 failed, 0 skipped\n"),
    ],
    "check-tidy": [
        ("a sound file is fine", {"src/a.c": "int twice(int a);\nint twice(int a)\n{\n    return 2 * a;\n}\n"}, 0, "1 files"),
        ("a null dereference is named",
         {"src/a.c": "int f(void);\nint f(void)\n{\n    int *p = 0;\n    return *p;\n}\n"}, 1, "src/a.c:5:"),
    ],
    "check-cppcheck": [
        ("a sound file is fine", {"src/a.c": "int twice(int a)\n{\n    return 2 * a;\n}\n"}, 0, "nothing found"),
        ("an overrun is named",
         {"src/a.c": "int f(void)\n{\n    int a[2] = {0, 0};\n    return a[3];\n}\n"}, 1, "src/a.c:4:"),
    ],
}


# settings of ours that a check reads from the tree it is given
CONFIG = {"check-format": [".clang-format"], "check-tidy": [".clang-tidy"]}


def lay_out(check, root, tree):
    for path, text in tree.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
    for name in CONFIG.get(check, ()):
        with open(os.path.join(TOOLS, "..", name), encoding="utf-8") as f, \
                open(os.path.join(root, name), "w", encoding="utf-8") as copy:
            copy.write(f.read())


def failed(check, says, tree, want_status, want_text):
    with tempfile.TemporaryDirectory() as root:
        lay_out(check, root, tree)
        run = subprocess.run([os.path.join(TOOLS, check), root], text=True, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode in (77, want_status) and (want_text in run.stdout or run.returncode == 77):
        return run.returncode if run.returncode == 77 else 0
    print(f"FAIL: {check}: {says}\n  want status {want_status} and: {want_text}\n"
          f"  got status {run.returncode} and: {run.stdout}")
    return 1


results = [failed(sys.argv[1], *row) for row in CASES[sys.argv[1]]]
print(f"{len(results)} rows, {results.count(1)} failed")
sys.exit(1 if 1 in results else 77 if 77 in results else 0)
