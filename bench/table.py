#!/usr/bin/env python3
"""Rows of compare.py as a table in markdown and as a roofline plot in SVG.

  table.py rows=FILE [limits=FILE] [size=4096] [threads=1] [isa=NAME]
      [table=FILE] [svg=FILE]

rows: what compare.py wrote by out=, limits: what the program limits printed
(for the roofs of the plot). Without table= the table goes to the terminal.
A cell is our time and how many times faster we are than the fastest peer of
that class and shape; where we have several instruction sets, the fastest one
counts. A ratio below 1 is a loss, in bold letters."""

import math
import sys
from html import escape

SHAPE = ("class", "n", "k", "m", "threads", "heat")


def word_of(key, otherwise=None):
    for text in sys.argv[1:]:
        if text.startswith(key + "="):
            return text[len(key) + 1:]
    return otherwise


def read(path):
    with open(path) as f:
        head = f.readline().rstrip("\n").split("\t")
        return [dict(zip(head, line.rstrip("\n").split("\t"))) for line in f
                if line.count("\t") == len(head) - 1]


def wanted(rows):
    size, threads = word_of("size", "4096"), word_of("threads", "1")
    isa = word_of("isa")
    return [r for r in rows if r["n"] == r["k"] == size and
            r["threads"] == threads and r["work"] == "product" and
            (not isa or r["who"] != "qquant" or r["isa"] == isa)]


def fastest(rows):
    return min(rows, key=lambda r: float(r["us"]), default=None)


def time_of(row):
    us = float(row["us"])
    return f"{us / 1000:.3g} ms" if us >= 1000 else f"{us:.3g} us"


def columns_of(rows):
    """Pairs of batch and heat, as they are measured."""
    pairs = {(int(r["m"]), r["heat"]) for r in rows}
    return sorted(pairs, key=lambda p: (p[0], p[1] != "hot"))


def cell(ours, peers):
    if ours is None:
        return ""
    if peers is None:
        return time_of(ours)
    ratio = float(peers["us"]) / float(ours["us"])
    mark = "**" if ratio < 1 else ""
    return (f"{time_of(ours)}, {mark}{ratio:.2f}x{mark} "
            f"{peers['who']} {peers['type']}")


def table(rows):
    columns = columns_of(rows)
    lines = ["| type, tile | " + " | ".join(
        f"N={m}" + (f" {heat}" if m == 1 else "") for m, heat in columns)
        + " |", "|---" * (len(columns) + 1) + "|"]
    names = dict.fromkeys((r["class"], r["type"], r["tile"]) for r in rows
                          if r["who"] == "qquant")
    for name in names:
        cells = []
        for m, heat in columns:
            here = [r for r in rows if r["class"] == name[0] and
                    int(r["m"]) == m and r["heat"] == heat]
            ours = [r for r in here if r["who"] == "qquant" and
                    (r["class"], r["type"], r["tile"]) == name]
            peers = [r for r in here if r["who"] != "qquant"]
            cells.append(cell(fastest(ours), fastest(peers)))
        lines.append(f"| {name[1]}, {name[2]} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


# --- the plot ----------------------------------------------------------------

WIDE, HIGH, LEFT, RIGHT, BOTTOM = 860, 460, 60, 170, 40
COLOURS = ("#1b6ca8", "#c0392b", "#27824a", "#8e44ad", "#b9770e", "#16797a",
           "#7f3b08", "#5d6d7e", "#d81b60")


class Plot:
    """Operations a byte of weights against operations a second, logarithms."""

    def __init__(self, points, limits):
        xs = [x for x, *_ in points]
        ys = [y for _, y, *_ in points] + [rate for _, rate in limits["dot"]]
        self.low = math.floor(math.log10(min(xs))), math.floor(
            math.log10(min(ys)))
        self.high = math.ceil(math.log10(max(xs))), math.ceil(
            math.log10(max(ys)))
        self.out = []

    def at(self, x, y):
        part = [(math.log10(v) - a) / (b - a) for v, a, b in
                zip((x, y), self.low, self.high)]
        return (LEFT + part[0] * (WIDE - LEFT - RIGHT),
                (1 - part[1]) * (HIGH - BOTTOM - 10) + 10)

    def line(self, a, b, style):
        (x1, y1), (x2, y2) = self.at(*a), self.at(*b)
        self.out.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" '
                        f'y2="{y2:.1f}" {style}/>')

    def text(self, x, y, words, style=""):
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}" {style}>'
                        f'{escape(words)}</text>')

    def axes(self):
        left, right = 10.0 ** self.low[0], 10.0 ** self.high[0]
        for power in range(self.low[0], self.high[0] + 1):
            x = 10.0 ** power
            self.line((x, 10.0 ** self.low[1]), (x, 10.0 ** self.high[1]),
                      'stroke="#ddd"')
            self.text(self.at(x, 1)[0] - 8, HIGH - 24, f"{x:g}")
        for power in range(self.low[1], self.high[1] + 1):
            y = 10.0 ** power
            self.line((left, y), (right, y), 'stroke="#ddd"')
            self.text(6, self.at(left, y)[1] + 4, f"{y:g}")
        self.text(WIDE / 2 - 160, HIGH - 6, "operations a byte of weights")
        self.text(LEFT + 4, 22, "GOP/s")

    def roofs(self, limits):
        style = 'stroke="#555" stroke-dasharray="5 3"'
        left, right = 10.0 ** self.low[0], 10.0 ** self.high[0]
        top, bottom = 10.0 ** self.high[1], 10.0 ** self.low[1]
        for name, rate in limits["dot"]:
            self.line((left, rate), (right, rate), style)
            self.text(WIDE - RIGHT + 6, self.at(left, rate)[1] + 4, name)
        for name, rate in limits["read"]:
            a, b = max(left, bottom / rate), min(right, top / rate)
            self.line((a, a * rate), (b, b * rate), style)
            x, y = self.at(b, b * rate)
            self.text(x - 70, y + 36, name)

    def write(self, path):
        with open(path, "w") as f:
            f.write(f'<svg xmlns="http://www.w3.org/2000/svg" '
                    f'viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" '
                    f'font-size="11">\n<rect width="{WIDE}" height="{HIGH}" '
                    f'fill="white"/>\n' + "\n".join(self.out) + "\n</svg>\n")


def limits_of(path):
    """The roofs: dot products, and reading from a few sizes."""
    found = {"dot": [], "read": []}
    names = {"512": "L2", "16384": "L3", "1048576": "DRAM"}
    for row in read(path) if path else []:
        rate = float(row["rate"])
        if row["threads"] != word_of("threads", "1"):
            continue
        if row["what"] == "int8 dot":
            found["dot"].append((f"{row['of']} {rate:.0f} GOP/s", rate))
        size = row["of"].split(" ")[0]
        if row["what"] == "read" and size in names:
            found["read"].append((f"{names[size]} {rate:.0f} GB/s", rate))
    return found


def plot(rows, limits, path):
    kinds = list(dict.fromkeys(r["class"] for r in rows))
    points = []
    for r in rows:
        rate, speed = float(r["GOP/s"]), float(r["GB/s"])
        same = [o for o in rows if all(o[key] == r[key] for key in SHAPE) and
                (o["who"] == "qquant") == (r["who"] == "qquant")]
        if speed > 0 and rate > 0 and r is fastest(same):
            points.append((rate / speed, rate, r))
    if not points:
        return
    p = Plot(points, limits)
    p.axes()
    p.roofs(limits)
    for x, y, r in points:
        colour = COLOURS[kinds.index(r["class"]) % len(COLOURS)]
        where = p.at(x, y)
        fill = colour if r["who"] == "qquant" else "none"
        title = " ".join(r[key] for key in ("who", "type", "tile", "isa",
                                            "heat", "us"))
        p.out.append(f'<circle cx="{where[0]:.1f}" cy="{where[1]:.1f}" r="4" '
                     f'fill="{fill}" stroke="{colour}"><title>N={r["m"]} '
                     f'{escape(title)} us</title></circle>')
    for i, kind in enumerate(kinds):
        p.text(WIDE - RIGHT + 6, HIGH * 0.62 + 14 * i, kind,
               f'fill="{COLOURS[i % len(COLOURS)]}"')
    p.text(WIDE - RIGHT + 6, HIGH * 0.62 + 14 * len(kinds) + 4,
           "filled: qquant, ring: best peer")
    p.write(path)


def main():
    if not word_of("rows"):
        sys.exit(__doc__)
    rows = wanted(read(word_of("rows")))
    text = table(rows)
    if word_of("table"):
        with open(word_of("table"), "w") as f:
            f.write(text)
    else:
        print(text, end="")
    if word_of("svg"):
        plot(rows, limits_of(word_of("limits")), word_of("svg"))


if __name__ == "__main__":
    main()
