#!/usr/bin/env python3
"""Tests of tools/amalgamate.py: one small tree per rule that it keeps.

Each case is a tree {name under src/: text} that differs in one point from a
good one, and words that the refusal must contain.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent / "tools" / "amalgamate.py"


def part(name, floor, *includes, body="int x;\n"):
    guard = "QQUANT_" + name.replace("/", "_").replace(".", "_").upper()
    lines = "".join(f'#include "{other}"\n' for other in includes)
    return (f"// qquant floor {floor}: a part.\n\n#ifndef {guard}\n"
            f"#define {guard}\n\n{lines}\n{body}\n#endif // {guard}\n")


def spine(first, second):
    def lines(names):
        return "".join(name if name[0] == "#" else f'#include "{name}"\n'
                       for name in names)
    return ('/*\nThe manual.\n\n    #include "qquant.h"\n*/\n\n'
            f"#ifndef QQUANT_H\n#define QQUANT_H\n\n{lines(first)}\n#endif\n\n"
            "#if defined(QQUANT_IMPLEMENTATION)\n#define QQUANT_IMPLEMENTED\n"
            f"\n{lines(second)}\n#endif\n")


WING = ["#if !QQ_NO_OP\n", "op/a.h", "#endif\n"]
GOOD = {
    "qquant.h": spine(["base.h", "api/a.h"],
                      ["num/a.h", "codec/codec.h", "array/a.h", "kernel/a.h",
                       *WING]),
    "base.h": part("base.h", 0, body="#include <stddef.h>\n"),
    "api/a.h": part("api/a.h", 1, "base.h"),
    "num/a.h": part("num/a.h", 2, "base.h", "api/a.h"),
    "codec/a.h": part("codec/a.h", 4, "num/a.h"),
    "codec/codec.h": part("codec/codec.h", 4, "codec/a.h"),
    "array/a.h": part("array/a.h", 5, "codec/codec.h"),
    "kernel/a.h": part("kernel/a.h", 5, "num/a.h"),
    "op/a.h": part("op/a.h", 8, "array/a.h"),
}


def edit(name, old, new):
    return {name: GOOD[name].replace(old, new)}


# What to change in the good tree, and what the refusal says.
CASES = [
    (edit("num/a.h", "\n", "\r\n"), "CR line ends"),
    (edit("num/a.h", "int x;", "int x; "), "num/a.h:9: ends in blanks"),
    (edit("num/a.h", "int x;", "\tint x;"), "num/a.h:9: has a tab"),
    (edit("num/a.h", "a part", "d\u00e9j\u00e0 vu"), "num/a.h:1: is not ASCII"),
    ({"num/a.h": "\ufeff" + GOOD["num/a.h"]}, "byte order mark"),
    ({"num/a.h": GOOD["num/a.h"] + "\n"}, "exactly one newline"),
    ({"num/a.h": GOOD["num/a.h"][:-1]}, "exactly one newline"),
    ({"num/a.h": ""}, "exactly one newline"),
    (edit("qquant.h", "The manual.", "The manual. "), "ends in blanks"),
    (edit("num/a.h", "floor 2:", "floor:"), "must begin"),
    ({"num/a.h": "// Words.\n" + GOOD["num/a.h"]}, "must begin"),
    (edit("num/a.h", "#define QQUANT_NUM_A_H", "#define QQUANT_A_H"),
     "needs a guard"),
    (edit("num/a.h", "#ifndef", "int early;\n#ifndef"), "needs a guard"),
    (edit("num/a.h", "#endif // QQUANT_NUM_A_H", "#endif"), "needs a guard"),
    ({"num/a.h": GOOD["num/a.h"] + "int late;\n"}, "needs a guard"),
    ({"num/a.h": "// qquant floor 2: words only.\n"}, "needs a guard"),
    (edit("num/a.h", "int x;", "#endif\n#if 1"), "ends the guard early"),
    (edit("num/a.h", "int x;", '#include "base.h"\nint x;\n'
          '#include "api/a.h"'), "includes api/a.h after code"),
    (edit("num/a.h", '#include "base.h"', '#include "base.h" // why'),
     "nothing else on the line"),
    (edit("num/a.h", '#include "base.h"', '#  include "base.h"'),
     "nothing else on the line"),
    (edit("num/a.h", '#include "base.h"', "#include NAME"),
     "nothing else on the line"),
    (edit("num/a.h", "base.h", "none.h"), "none.h, which is not in src/"),
    (edit("qquant.h", "base.h", "none.h"), "none.h, which is not in src/"),
    ({"num/a.h": part("num/a.h", 2, "codec/a.h")}, "of floor 4 from floor 2"),
    ({"op/a.h": part("op/a.h", 8, "train/a.h"),
      "train/a.h": part("train/a.h", 8)}, "a neighbour on its floor"),
    ({"kernel/a.h": part("kernel/a.h", 5, "codec/a.h")},
     "kernel/ and codec/ never see each other"),
    ({"array/a.h": part("array/a.h", 5, "kernel/a.h")},
     "array/ and kernel/ never see each other"),
    ({"codec/a.h": part("codec/a.h", 4, "codec/codec.h")},
     "codec/codec.h > codec/a.h"),
    ({"codec/b.h": part("codec/b.h", 4)}, "codec/b.h: is included by nobody"),
    ({"notes.txt": "Words.\n"}, "notes.txt: must begin"),
    ({"num/a.h": part("num/a.h", 2, "api/b.h"), "api/b.h": part("api/b.h", 1)},
     "api/b.h: is not among the declarations"),
    ({"array/a.h": part("array/a.h", 5, "num/b.h"),
      "num/b.h": part("num/b.h", 2)}, "num/b.h: of floor 2 would stand after"),
    ({"qquant.h": spine(["base.h", "api/a.h"],
                        ["num/a.h", "codec/codec.h", "array/a.h", "kernel/a.h",
                         *WING, "train/a.h"]),
      "train/a.h": part("train/a.h", 9, "op/a.h")},
     "train/a.h: includes op/a.h, which #if !QQ_NO_OP may cut"),
]


class Tree:
    """A copy of the tool beside a src/ of our own."""

    def __init__(self, folder, changes):
        self.root = Path(folder)
        (self.root / "tools").mkdir()
        shutil.copy(TOOL, self.root / "tools")
        for name, text in {**GOOD, **changes}.items():
            path = self.root / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())

    def run(self, *arguments, where="."):
        return subprocess.run(
            [sys.executable, self.root / "tools" / TOOL.name, *arguments],
            capture_output=True, text=True, cwd=self.root / where)


passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"failed: {what}")


for changes, words in CASES:
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(folder, changes)
        result = tree.run()
        check(result.returncode != 0, f"refused: {words}")
        check(words in result.stderr, f"{words!r} in {result.stderr!r}")
        check(result.stderr.count("\n") == 1, f"one line: {words}")
        check(not (tree.root / "qquant.h").exists(), f"wrote: {words}")

with tempfile.TemporaryDirectory() as folder:
    tree = Tree(folder, {})
    check(tree.run("--check").returncode != 0, "a missing header is stale")
    result = tree.run()
    check(result.returncode == 0, f"the good tree: {result.stderr}")
    text = (tree.root / "qquant.h").read_text()
    order = [line[8:-5] for line in text.splitlines() if line[:7] == "// ===="]
    check(order == ["base.h", "api/a.h", "num/a.h", "codec/a.h",
                    "codec/codec.h", "array/a.h", "kernel/a.h", "op/a.h"],
          f"order {order}")
    check('    #include "qquant.h"\n' in text, "the manual keeps its example")
    check('\n#include "' not in text, "no part is included any more")
    check("#include <stddef.h>\n" in text, "system headers stay")
    check("QQUANT_NUM_A_H" not in text, "guards are gone")
    check("\n\n\n" not in text, "single blank lines")
    check("#if !QQ_NO_OP\n\n// ==== op/a.h ====" in text, "wings stay")
    check(tree.run("--check").returncode == 0, "the header is up to date")
    check(tree.run(where="src/num").returncode == 0, "from elsewhere")
    check((tree.root / "qquant.h").read_text() == text, "the same twice")
    (tree.root / "qquant.h").write_text(text + " ")
    check(tree.run("--check").returncode != 0, "one byte makes it stale")
    check(tree.run("--help").returncode != 0, "other arguments are refused")

print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
