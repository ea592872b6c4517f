#!/usr/bin/env python3
"""Writes qquant.h: the spine, src/qquant.h, with every part pasted in.

    python3 tools/amalgamate.py            writes qquant.h
    python3 tools/amalgamate.py --check    fails if qquant.h is out of date

At each #include "part" of the spine stand the parts that it needs and then
the part itself, each once, whole, without its guard and under a rule line.
What breaks a rule of the house is refused in one line that says what to do.
The result depends on nothing but the bytes in src/.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
SPINE = "qquant.h"
IMPLEMENTATION = "#define QQUANT_IMPLEMENTED"

# Folders that never see each other, whatever their floors.
APART = [{"codec", "kernel"}, {"array", "kernel"}]

# What no file may hold.
UNCLEAN = [
    (rb"\A\xef\xbb\xbf", "begins with a byte order mark: save it without"),
    (rb"\r", "has CR line ends: save it with LF alone"),
    (rb"\t", "has a tab: indent with spaces"),
    (rb" $", "ends in blanks: remove them"),
    (rb"[^\x00-\x7f]", "is not ASCII: spell it out"),
    (rb"(\A|[^\n]|\n\n)\Z", "must end in exactly one newline: fix its end"),
]


def refuse(where, what):
    sys.exit(f"amalgamate: src/{where}: {what}")


def read_lines(name):
    """The lines of a file, which must be clean."""
    data = (SRC / name).read_bytes()
    for pattern, what in UNCLEAN:
        match = re.search(pattern, data, re.MULTILINE)
        if match:
            refuse(f"{name}:{data.count(10, 0, match.start()) + 1}", what)
    return data.decode("ascii").split("\n")[:-1]


def part_of(where, line):
    """The part that a line includes, or None. Only column 0 counts."""
    match = re.fullmatch(r'#include "([^"]+)"', line)
    if not match and re.match(r"# *include\b(?! <[^<>]+>$)", line):
        refuse(where, 'a part is included as #include "dir/part.h" in column '
                      "0, with nothing else on the line: write it so")
    return match and match[1]


def step(line):
    """What a line adds to the depth of conditionals."""
    return bool(re.match("# *if", line)) - bool(re.match("# *endif", line))


def folder(name):
    return name.split("/")[0] if "/" in name else ""


class Part:
    """One file of src/: its floor, the parts it includes, its text."""

    def __init__(self, name):
        self.name = name
        lines = read_lines(name)
        match = re.match(r"// qquant floor (\d+): \S", lines[0])
        if not match:
            refuse(name, 'must begin "// qquant floor N: what this is.": '
                         "add that line")
        self.floor = int(match[1])
        top = self.find_guard(lines)
        self.includes, body, code = [], "", False
        for number, line in enumerate(lines[top + 2:-1], top + 3):
            part = part_of(f"{name}:{number}", line)
            if part and code:
                refuse(f"{name}:{number}", f"includes {part} after code: "
                                           "move it up to the guard")
            if part:
                self.includes.append(part)
                continue
            code = code or not re.match("//|#include|$", line)
            body += line + "\n"
        self.text = "\n".join(lines[:top]) + "\n" + body.strip("\n")

    def find_guard(self, lines):
        """The index of the guard, which must hold all but comments."""
        guard = re.sub(r"\W", "_", f"QQUANT_{self.name}").upper()
        top = 0
        while top < len(lines) and re.match("//|$", lines[top]):
            top += 1
        if (lines[top:top + 2] != [f"#ifndef {guard}", f"#define {guard}"]
                or lines[-1] != f"#endif // {guard}"):
            refuse(self.name, "needs a guard right after its first comment: "
                              f"#ifndef {guard}, #define {guard}, ..., "
                              f"#endif // {guard}")
        depth = 0
        for number, line in enumerate(lines[top:-1], top + 1):
            depth += step(line)
            if depth == 0:
                refuse(f"{self.name}:{number}",
                       "ends the guard early: balance #if and #endif")
        return top

    def look(self, other):
        """Refuses to include what this part must not see."""
        here, there = folder(self.name), folder(other.name)
        what = f"includes {other.name}"
        if {here, there} in APART:
            refuse(self.name, f"{what}: {here}/ and {there}/ never see each "
                              "other; let a test introduce them")
        if other.floor > self.floor:
            refuse(self.name, f"{what} of floor {other.floor} from floor "
                              f"{self.floor}: move what it needs down")
        if other.floor == self.floor and here != there:
            refuse(self.name, f"{what}, a neighbour on its floor: move what "
                              "both need down")


class Amalgam:
    """The text so far, and what stands in it."""

    def __init__(self):
        names = sorted(path.relative_to(SRC).as_posix()
                       for path in SRC.rglob("[!.]*") if path.is_file())
        self.parts = {name: Part(name) for name in names if name != SPINE}
        self.wing = {}              # of each pasted part: its #if, or None
        self.open = []              # the #if lines of the spine around here
        self.floor = 0              # of the last part in this half
        self.implementation = False     # are we in the second half?
        self.out = []

    def paste(self, name, user, above=()):
        """Appends what a part needs, then the part."""
        if name not in self.parts:
            refuse(user, f"includes {name}, which is not in src/: add it or "
                         "remove the line")
        part = self.parts[name]
        if above:
            self.parts[user].look(part)
        if name in above:
            refuse(name, f"includes itself by way of {' > '.join(above)}: "
                         "move what they share into a part below")
        if name in self.wing:
            return
        wing = self.open[-1] if len(self.open) > 1 else None
        for other in part.includes:
            self.paste(other, name, (*above, name))
            if self.wing[other] and not wing:
                refuse(name, f"includes {other}, which {self.wing[other]} may "
                             "cut: list it earlier in the spine")
        if self.implementation and folder(name) == "api":
            refuse(name, "is not among the declarations: list it in the "
                         "first half of the spine")
        if part.floor < self.floor:
            refuse(name, f"of floor {part.floor} would stand after floor "
                         f"{self.floor}: list it earlier in the spine")
        self.floor = part.floor
        self.wing[name] = wing
        self.out += ["", f"// ==== {name} ====", "", part.text, ""]

    def expand(self):
        """The whole text."""
        for number, line in enumerate(read_lines(SPINE), 1):
            name = part_of(f"{SPINE}:{number}", line)
            if name:
                self.paste(name, f"{SPINE}:{number}")
                continue
            if step(line) > 0:
                self.open.append(line)
            elif step(line) < 0:
                self.open.pop()
            elif line == IMPLEMENTATION:
                self.implementation, self.floor = True, 0
            self.out.append(line)
        for name in sorted(self.parts.keys() - self.wing.keys()):
            refuse(name, f"is included by nobody: list it in src/{SPINE}")
        return re.sub("\n\n+", "\n\n", "\n".join(self.out)) + "\n"


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    text = Amalgam().expand().encode("ascii")
    target = ROOT / "qquant.h"
    if not arguments:
        target.write_bytes(text)
    elif not target.is_file() or target.read_bytes() != text:
        sys.exit("amalgamate: qquant.h is not the sum of src/: "
                 "run make amalgamate")


if __name__ == "__main__":
    main(sys.argv[1:])
