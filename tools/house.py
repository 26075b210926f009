# SPDX-License-Identifier: Apache-2.0
"""What the check scripts share: which files there are, and C text without its comments."""
import os
import re
import subprocess
import sys

C_SUFFIXES = (".c", ".h", ".cc", ".cpp", ".hpp")

# Data that others wrote or that must stay byte for byte: fuzz corpora, bad samples, recorded inputs.
DATA_FOLDERS = {"corpus", "data"}

_SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__"}

_TOKEN = re.compile(
    r'R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"'  # C++ raw string
    r"|//(?:\\\n|[^\n])*"
    r"|/\*.*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*'",
    re.S,
)


def root_from(argv):
    """The tree to check: the first argument, else the project these tools belong to."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.abspath(argv[1]) if len(argv) > 1 else here


def files(root):
    """Every file of the project, tracked or about to be, as sorted paths relative to root."""
    if os.path.exists(os.path.join(root, ".git")):
        git = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "-co",
               "--exclude-standard"]
        try:
            names = subprocess.run(git, check=True, capture_output=True).stdout
            found = {os.fsdecode(n) for n in names.split(b"\0") if n}
            return sorted(n for n in found if os.path.isfile(os.path.join(root, n)))
        except (OSError, subprocess.CalledProcessError):
            pass  # an unpacked archive with a stray .git, or no git: walk
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [s for s in subfolders if s not in _SKIPPED_FOLDERS]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


def is_data(path):
    return not DATA_FOLDERS.isdisjoint(path.split("/")[:-1])


def c_files(root, *folders):
    """The C and C++ files, of all folders or of those named."""
    return [f for f in files(root)
            if f.endswith(C_SUFFIXES) and not is_data(f)
            and (not folders or f.split("/")[0] in folders)]


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def blank(text, strings=True):
    """C text with comments (and the insides of strings) as spaces; lines and columns stay."""
    def spaces(match):
        token = match.group()
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        if not strings:
            return token
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
    return _TOKEN.sub(spaces, text)


def finish(name, problems, good):
    """Print the problems, or one good line, and exit accordingly."""
    for p in problems:
        print(p)
    if problems:
        print(f"{name}: {len(problems)} problem{'s' if len(problems) > 1 else ''}")
        sys.exit(1)
    print(f"{name}: {good}")
    sys.exit(0)


def missing(name, what):
    """A program is not there: a failure in CI, where it must be, else a loud skip."""
    print(f"SKIP: {name}: {what} (scripts/install-deps check installs it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)
