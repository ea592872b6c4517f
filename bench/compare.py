#!/usr/bin/env python3
"""Ours beside the peers, in one run: rounds of every program in turn, on one
core, so that a slow moment of the machine hits all of them alike.

  compare.py [class=1bit,2bit-row,...] [size=256,1024,4096] [heat=hot,cold]
      [m=1,4,16,64] [isa=best,amx] [threads=1] [rounds=5] [time=0.05]
      [work=product|encode] [clock=cpu|wall] [only=qquant,ggml,...]
      [build=build/bench] [cpu=0] [out=rows.tsv]

The programs are those that `make bench` builds; peers are looked for under
$QQ_PEERS (README.md). Prints a line for every row of ours: the best peer of
its class, how far it is from our row's limit, and how many times faster we
are. out gets all rows. With isa=avx2,
avx_vnni or avx512_vnni the peers are held to these instructions, too."""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
COLUMNS = ("work who type tile input n k m isa threads heat page us min "
           "spread GOP/s GB/s limit error whole").split()
NAMES = COLUMNS[:12]
SMALL = 1024  # cold weights are not looked at below

# Our types and tiles, and those of each peer, by what they are held against.
CLASSES = {
    "1bit": ("sign", "row,128", {"ggml": "q1_0"}),
    "2bit-row": ("ternary,int2", "row", {"ggml": "tq2_0,tq1_0",
                                         "litert": "int2"}),
    "2bit-tile": ("ternary,int2", "32,128", {"ggml": "tq2_0,tq1_0",
                                             "litert": "int2",
                                             "ort": "int2:32,int2:128"}),
    "3bit": ("int3", "row,32", {"ggml": "q4_0:repack,q4_0:amx",
                                "litert": "int4"}),
    "4bit-row": ("int4", "row", {"litert": "int4"}),
    "4bit-tile": ("int4,mxfp4,nf4", "32",
                  {"ggml": "q4_0,q4_0:repack,q4_0:amx,iq4_nl:repack,"
                           "mxfp4:repack,q4_K:repack,q4_K:amx",
                   "litert": "int4:32", "ort": "int4:32"}),
    "8bit-row": ("int8", "row", {"litert": "int8", "ort": "int8",
                                 "blas": "int8"}),
    "8bit-tile": ("int8", "32", {"ggml": "q8_0,q8_0:amx", "ort": "int8:32"}),
    "float": ("e4m3fn", "row", {"ggml": "f32,f16", "litert": "f32",
                                "ort": "f32", "blas": "f32,bf16"}),
}


def word_of(key, otherwise=None):
    for text in sys.argv[1:]:
        if text.startswith(key + "="):
            return text[len(key) + 1:]
    return "1" if key in sys.argv[1:] else otherwise


def list_of(key, otherwise):
    return [item for item in word_of(key, otherwise).split(",") if item]


def flags():
    try:
        return set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return set()


def variant():
    """The ggml library that fits the machine, or an instruction set."""
    isa = word_of("isa", "best")
    if word_of("variant"):
        return word_of("variant")
    if isa == "avx2":
        return "haswell"
    if isa == "avx_vnni":
        return "alderlake"
    if "amx_int8" in flags() and isa != "avx512_vnni":
        return "sapphirerapids"
    return "icelake" if "avx512_vnni" in flags() else "haswell"


class Driver:
    """A program that times its rows once for every line it is sent."""

    def __init__(self, command, environment=None):
        cpus = word_of("cpu", "0" if word_of("threads", "1") == "1" else "0,1")
        self.process = subprocess.Popen(
            ["taskset", "-c", cpus, *command, "step", "bare"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})}, bufsize=1)
        self.rows = {}

    def round(self):
        """1 if the program is still there."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        for line in self.process.stdout:
            if line == "\n":
                return True
            row = dict(zip(COLUMNS, line.rstrip("\n").split("\t")))
            key = tuple(row[name] for name in NAMES)
            self.rows.setdefault(key, []).append(row)
        return False

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def merged(self):
        return [merge(rows) for rows in self.rows.values()]


def merge(rows):
    """One row of several rounds: medians, and the least of the minima."""
    row = dict(rows[0])
    us = median(float(r["us"]) for r in rows)
    for rate in ("GOP/s", "GB/s"):
        row[rate] = f"{float(rows[0][rate]) * float(rows[0]['us']) / us:.4g}"
    row["us"] = f"{us:.4g}"
    row["min"] = f"{min(float(r['min']) for r in rows):.4g}"
    row["spread"] = f"{median(float(r['spread']) for r in rows):.1f}"
    if row["limit"] != "-":
        least = min(float(r["limit"]) * float(r["us"]) for r in rows)
        row["limit"] = f"{least / us:.1f}"
    return row


def mask():
    """What shows the peers an older processor: see mask_cpuid.c."""
    isa = word_of("isa", "best")
    library = Path(word_of("build", "build/bench")).resolve() / "mask_cpuid.so"
    if isa not in ("avx2", "avx_vnni", "avx512_vnni") or not library.exists():
        return {}
    return {"LD_PRELOAD": str(library), "QQ_CPUID": isa}


def commands(name, shape):
    """Who is run for a class, and how."""
    types, tiles, peers = CLASSES[name]
    build = Path(word_of("build", "build/bench"))
    only = word_of("only")
    if word_of("work") == "encode":
        only = only or "qquant,ggml"
    python = Path(os.environ.get("QQ_PEERS", ".")) / "venv/bin/python"
    python = str(python) if python.exists() else sys.executable
    found = {"qquant": [str(build / "bench"), f"type={types}", f"tile={tiles}",
                        f"isa={word_of('isa', 'best,amx')}",
                        f"input={word_of('input', 'default')}"]}
    for who, types in peers.items():
        found[who] = {
            "ggml": [str(build / "peer_ggml"), f"variant={variant()}"],
            "blas": [str(build / "peer_blas")],
            "litert": [python, str(HERE / "peer_litert.py")],
            "ort": [python, str(HERE / "peer_ort.py")]}[who]
        found[who] = [*found[who], f"type={types}"]
    return {who: command + shape for who, command in found.items()
            if not only or who in only.split(",")}


def run(name, size, heat):
    """All rows of a class, merged."""
    shape = [f"size={size}", f"heat={heat}", f"m={word_of('m', '1,4,16,64')}",
             f"time={word_of('time', '0.05')}",
             f"threads={word_of('threads', '1')}",
             f"copies={word_of('copies', '320')}",
             f"clock={word_of('clock', 'cpu')}",
             f"work={word_of('work', 'product')}"]
    if word_of("huge"):
        shape.append("huge")
    drivers = [Driver(command, {} if who == "qquant" else mask())
               for who, command in commands(name, shape).items()]
    for _ in range(int(word_of("rounds", "5"))):
        drivers = [d for d in drivers if d.round() or d.rows]
    for driver in drivers:
        driver.end()
    return [row for driver in drivers for row in driver.merged()]


HEAD = ("class type tile input n k m isa threads heat us min limit error peer "
        "peer_type peer_isa peer_us peer_min peer_limit peer_error ratio "
        "ratio_min"
        ).split()


def ratios(name, rows):
    """A line for every row of ours, with the fastest peer of its shape."""
    shape = ("n", "k", "m", "threads", "heat")
    for ours in rows:
        if ours["who"] != "qquant":
            continue
        peers = [r for r in rows if r["who"] != "qquant" and
                 all(r[key] == ours[key] for key in shape)]
        line = [name] + [ours[key] for key in HEAD[1:14]]
        if peers:
            best = min(peers, key=lambda r: float(r["us"]))
            least = float(ours["limit"]) * float(ours["us"])
            line += [best[key] for key in ("who", "type", "isa", "us", "min")]
            line += [f"{least / float(best['us']):.1f}", best["error"]]
            line += [f"{float(best[key]) / float(ours[key]):.2f}"
                     for key in ("us", "min")]
        print("\t".join(line), flush=True)


def main():
    out = word_of("out")
    file = open(out, "w") if out else None
    if file:
        print("class", *COLUMNS, sep="\t", file=file)
    print(*HEAD, sep="\t")
    for size in list_of("size", "256,1024,4096"):
        for name in list_of("class", ",".join(CLASSES)):
            for heat in list_of("heat", "hot"):
                if heat == "cold" and int(size) < SMALL:
                    continue  # thousands of copies, each with its overhead
                rows = run(name, size, heat)
                ratios(name, rows)
                for row in rows if file else []:
                    print(name, *(row[key] for key in COLUMNS), sep="\t",
                          file=file, flush=True)


if __name__ == "__main__":
    main()
