#!/usr/bin/env python3
"""Reads what no test runs: names, symbols, budgets, words.

    python3 tests/lint.py           with CC and CXX, or cc and c++
    python3 tests/lint.py parts     only that each part compiles alone

Prints a line for each breach that says where and what, then the counts.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CC = shlex.split(os.environ.get("CC", "cc"))
CXX = shlex.split(os.environ.get("CXX", "c++"))
STRICT = ("-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow "
          "-Wcast-qual -Wcast-align -Wundef -Wdouble-promotion "
          "-Werror").split()
STRICT_C = "-Wstrict-prototypes -Wmissing-prototypes -Wc++-compat".split()

# What the object may import: three functions, and the arithmetic that the
# compiler calls where the machine has none.
MEMORY = "memcpy|memset|memmove"
IMPORTS = {
    "aarch64-linux-gnu-gcc": MEMORY + "|getauxval",
    "aarch64-linux-gnu-gcc -DQQ_NO_SIMD": MEMORY,
    "riscv64-linux-gnu-gcc": MEMORY,
    "s390x-linux-gnu-gcc": MEMORY,
    "i686-linux-gnu-gcc -msse2 -mfpmath=sse":
        MEMORY + "|__u?(div|mod)di3|__u?divmoddi4",
    "arm-linux-gnueabihf-gcc": MEMORY + "|__aeabi_[a-z0-9]+",
    "arm-none-eabi-gcc -mcpu=cortex-m4 -mfloat-abi=hard":
        MEMORY + "|__aeabi_[a-z0-9]+",
    "arm-none-eabi-gcc -mcpu=cortex-m0plus":
        MEMORY + "|__aeabi_[a-z0-9]+|__gnu_thumb1_case_[a-z]+",
}

FORBIDDEN = re.compile(
    r"\b(malloc|calloc|realloc|free|alloca|\w*printf|puts|putchar|fopen|"
    r"abort|exit|assert|errno|getenv|signal|longjmp|setjmp|goto|restrict|"
    r"register|asm|isnan|isinf|fabsf?|sqrtf?|fmaf?|rintf?|lrintf?|roundf?|"
    r"floorf?|ceilf?|expf?|logf?|powf?|tanhf?|ldexpf?|frexpf?|qsort|strlen|"
    r"strcmp|memcmp)\s*\(|\b(goto|restrict|errno)\b|0x[0-9a-f.]+p")
WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|"
                   r"/(work|root|home|farm)/")
# All that is remembered between calls, and how arm names its place.
STATE = re.compile(r"qqi_kernel_used|\$d|\.LANCHOR\d+")
# Names that belong to the compiler stand in these alone.
COMPILERS_OWN = re.compile(
    r"(base|compiler|simd|detect|dispatch)\.h|kernel/\w+/.*")
GENERATED = re.compile(r"_(data|model)\.h$")
OURS = re.compile(r"(qqi?_|QQI?_|QQUANT_)[A-Za-z0-9_]*$")

passed = failed = 0
breaches = threading.local()


def check(ok, what):
    """Notes a breach."""
    if not ok:
        breaches.found.append(what)
    return ok


def look_at(rule, *arguments):
    """Follows one rule for one thing; answers what breaks it."""
    breaches.found = []
    rule(*arguments)
    return breaches.found


def look_at_all(rule, things):
    """The same for a list of arguments, compilers side by side; prints each
    breach, and counts the things without any as passed."""
    global passed, failed
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda thing: look_at(rule, *thing), things):
            failed += len(found)
            passed += not found
            for what in found:
                print(what)


def run(*command, text=""):
    result = subprocess.run(command, input=text, capture_output=True,
                            text=True, cwd=ROOT)
    return result.returncode, result.stdout, result.stderr


def files(*patterns):
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def bare(text):
    """C text with comments and strings blanked, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])*\'',
                  blank, text, flags=re.S)


def check_text(path):
    """What holds for everything that people read here."""
    where = path.relative_to(ROOT)
    for number, line in enumerate(path.read_text().split("\n"), 1):
        here = f"{where}:{number}"
        check(not WORDS.search(line), f"{here}: a word that must not stay")
        if path.suffix != ".md" and not GENERATED.search(path.name):
            check(len(line) <= 80, f"{here}: longer than 80 columns")
            check(line == line.rstrip(), f"{here}: ends in blanks")


def check_part(path):
    """Budgets and words of one part of src/."""
    name = path.relative_to(ROOT / "src").as_posix()
    text = path.read_text()
    code = bare(text)
    check(text.count("\n") <= 400, f"src/{name}: longer than 400 lines")
    start = 0
    macro = False
    for number, line in enumerate(code.split("\n"), 1):
        here = f"src/{name}:{number}"
        check(not FORBIDDEN.search(line), f"{here}: not allowed: {line}")
        if line == "{":
            start = number
        elif line == "}" and start:
            check(number - start < 60, f"{here}: a function beyond 60 lines")
        in_macro = macro or line.startswith("#")
        macro = in_macro and line.endswith("\\")
        for word in re.findall(r"(?<![\w.])[A-Za-z_]\w*", line):
            reserved = word.startswith("_") or "__" in word
            known = COMPILERS_OWN.fullmatch(name) or word == "__cplusplus"
            check(not reserved or known, f"{here}: {word} is reserved")
            check(in_macro or not re.fullmatch("[A-Z]", word),
                  f"{here}: {word} is a macro somewhere")
    for tag in re.findall(r"\b(?:struct|enum|union)\s+(\w+)", code):
        check(OURS.match(tag), f"src/{name}: tag {tag} without our prefix")
    for body in re.findall(r"\benum\b[^;{]*\{([^}]*)\}", code):
        for word in re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)", body):
            check(OURS.match(word), f"src/{name}: enumerator {word}")
    for word in re.findall(r"^typedef\b[^;{(]*?(\w+)(?:\[[^]]*\])?;|^} (\w+);|"
                           r"^typedef\b[^;{]*?\(\*(\w+)\)", code, re.M):
        word = "".join(word)
        check(OURS.match(word), f"src/{name}: type {word}")
    # Block comments are for the manual and for macros.
    for line in text.split("\n"):
        check("/*" not in line.split("//")[0] or line.endswith("\\"),
              f"src/{name}: use // for: {line.strip()}")


def check_alone(path):
    """A part compiles by itself, as C and as C++, without a warning."""
    name = path.relative_to(ROOT / "src").as_posix()
    for command in ([*CC, "-xc", "-std=c99", *STRICT_C],
                    [*CXX, "-xc++", "-std=c++11"]):
        code, _, errors = run(*command, *STRICT, "-Isrc", "-fsyntax-only", "-",
                              text=f'#include "{name}"\n')
        errors = re.findall("^.*error:.*$", errors, re.M) + [errors]
        check(code == 0, f"src/{name}: {' '.join(command[:3])}: {errors[0]}")


def promised():
    """The functions that src/api/ declares."""
    text = "".join(bare(path.read_text()) for path in files("src/api/*.h"))
    return set(re.findall(r"^QQ_API\b[^;(]*?\b(qq_\w+)\(", text, re.M))


def check_symbols(command, allowed, level):
    """What the object defines and imports."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "qquant.o")
        code, _, errors = run(*command, level, "-fno-stack-protector",
                              "-fno-pie", "-Isrc", "-c", "tests/qquant.c",
                              "-o", target)
        name = f"{' '.join(command)} {level}"
        if not check(code == 0, f"{name}: {errors}"):
            return
        public = set()
        for line in run("nm", target)[1].splitlines():
            kind, symbol = line.split()[-2:]
            if kind == "T":
                public.add(symbol)
            here = f"{name}: {symbol}"
            if kind == "U":
                check(re.fullmatch(allowed, symbol)
                      or symbol == "_GLOBAL_OFFSET_TABLE_",
                      f"{here} is imported")
            elif kind in "bdBDC" and not STATE.fullmatch(symbol):
                check(False, f"{here} is writable state")
            elif kind.isupper():
                check(symbol.startswith("qq_"), f"{here} is not qq_")
            elif not symbol.startswith(("$", ".")) and "." not in symbol:
                check(symbol.startswith("qqi_"), f"{here} is not qqi_")
        for symbol in sorted(promised() ^ public):
            check(False, f"{name}: {symbol} is declared or defined, not both")


def check_macros():
    """Every macro that the header leaves behind is ours."""
    headers = """#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>
#endif
"""
    own = "#define QQUANT_IMPLEMENTATION\n#include \"qquant.h\"\n"

    def macros(text):
        lines = run(*CC, "-xc", "-std=c99", "-Isrc", "-dM", "-E", "-",
                    text=text)[1]
        return set(re.findall(r"^#define (\w+)", lines, re.M))
    for name in sorted(macros(headers + own) - macros(headers)):
        check(OURS.match(name), f"macro {name} is not ours")


def check_manual():
    """The licence stands in the header; half of what users read is words."""
    spine = (ROOT / "src/qquant.h").read_text()
    check((ROOT / "LICENSE").read_text() in spine,
          "src/qquant.h does not end in the text of LICENSE")
    texts = [spine, *(path.read_text() for path in files("src/api/*.h"))]
    pairs = [pair for text in texts
             for pair in zip(text.split("\n"), bare(text).split("\n"))]
    lines = sum(line != "" for line, _ in pairs)
    code = sum(line != "" and line == rest for line, rest in pairs)
    check(2 * code <= lines,
          f"manual and api: {code} of {lines} lines say nothing in words")


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


def main():
    parts = [(path,) for path in files("src/*.h", "src/**/*.h")
             if path.name != "qquant.h"]
    look_at_all(check_alone, parts)
    if sys.argv[1:] == ["parts"]:
        finish()
    kinds = ("src", "tests", "bench", "examples", "tools")
    texts = files(*(f"{kind}/**/*.{suffix}" for kind in kinds for suffix in
                    ("c", "cpp", "h", "py", "sh", "mjs")), "*.md", "Makefile")
    look_at_all(check_text, [(path,) for path in texts])
    look_at_all(check_part, parts)
    commands = {" ".join(CC): MEMORY, **IMPORTS}
    look_at_all(check_symbols, [(CC, MEMORY, "-Os")] + [
        (command.split(), allowed, level)
        for command, allowed in commands.items()
        if shutil.which(command.split()[0]) for level in ("-O0", "-O2")])
    look_at_all(check_macros, [()])
    look_at_all(check_manual, [()])
    finish()


if __name__ == "__main__":
    main()
