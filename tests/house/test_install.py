# SPDX-License-Identifier: Apache-2.0
"""
An installed copy serves a stranger's program, shared and static. Usage: test_install.py BUILD EMBED.c

Installs into a temporary DESTDIR and goes by what pkg-config says of it, as that program would.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile


def run(*command, **more):
    done = subprocess.run(command, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if done.returncode:
        sys.exit(f"FAIL: {' '.join(command)}\n  got status {done.returncode} and: {done.stdout}")
    return done.stdout


def pkg_config(*args):
    return run("pkg-config", f"--define-variable=prefix={prefix}", *args, "libttp", env=environment).split()


def globals_of(library, *flags):
    """What can be linked to: the names of a library's defined, visible symbols."""
    out = run("nm", "--defined-only", "--format=posix", *flags, library)
    return {line.split()[0] for line in out.split("\n") if re.match(r"\S+ [A-Z] ", line)}


def check_names(library, *flags):
    names = globals_of(library, *flags)
    odd = sorted(n for n in names if not n.startswith("ttp_"))
    if odd or not names:
        sys.exit(f"FAIL: {library}: want only ttp_ names, got {len(names)}, of them {odd[:10]}")
    return names


build, embed = sys.argv[1:3]
with tempfile.TemporaryDirectory() as root:
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", root)
    found = glob.glob(f"{root}/**/pkgconfig/libttp.pc", recursive=True)
    if len(found) != 1:
        sys.exit(f"FAIL: want one libttp.pc, got {found}")
    with open(found[0], encoding="utf-8") as f:
        prefix = root + re.search(r"^prefix=(.*)$", f.read(), re.M).group(1)
    libdir = os.path.dirname(os.path.dirname(found[0]))
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(found[0]))
    shared, static = f"{libdir}/libttp.so", f"{libdir}/libttp.a"

    names = check_names(shared, "-D")
    if check_names(static) != names:
        sys.exit(f"FAIL: the libraries differ in {names ^ globals_of(static)}")
    print(f"both libraries offer {len(names)} functions")

    strict = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
    cflags = pkg_config("--cflags")
    run("cc", "-std=c11", *strict, *cflags, embed, "-o", f"{root}/with-shared", *pkg_config("--libs"))
    if "libttp.so.0" not in run("ldd", f"{root}/with-shared"):
        sys.exit("FAIL: the program does not use libttp.so.0")
    run(f"{root}/with-shared", env=dict(os.environ, LD_LIBRARY_PATH=libdir))
    print("a program runs with the shared library")

    libs = [static if lib == "-lttp" else lib for lib in pkg_config("--libs", "--static")]
    run("cc", "-std=c11", *strict, *cflags, embed, "-o", f"{root}/with-static", *libs)
    run(f"{root}/with-static")
    print("a program runs with the static library")

    for header in sorted(os.listdir(f"{prefix}/include/ttp")):
        for compiler, language in (("cc", ["-std=c11", "-xc"]), ("c++", ["-std=c++11", "-xc++"])):
            run(compiler, *language, *strict, *cflags, "-fsyntax-only", "-", input=f"#include <ttp/{header}>\nextern int nothing;\n")
        print(f"ttp/{header} stands alone in C11 and C++11")
