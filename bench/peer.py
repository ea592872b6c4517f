"""What the peers that are driven by Python share with harness.h: words, the
same numbers, samples, rows of the same columns, rounds."""

import os
import sys
import time

try:
    import numpy as np
except ImportError:
    print(f"{sys.argv[0]}: no numpy here, skipped", file=sys.stderr)
    sys.exit(0)

COLUMNS = ("work who type tile input n k m isa threads heat page us min "
           "spread GOP/s GB/s limit error whole").split()
LOOK_ROWS, LOOK_OUTPUTS, COLD_M = 4, 256, 4


def word_of(key, otherwise=None):
    for text in sys.argv[1:]:
        if text == key:
            return "1"
        if text.startswith(key + "="):
            return text[len(key) + 1:]
    return otherwise


def list_of(key, otherwise):
    return [item for item in word_of(key, otherwise).split(",") if item]


def sizes():
    """Pairs of n and k."""
    if word_of("n") and word_of("k"):
        return [(int(n), int(k)) for n in list_of("n", "")
                for k in list_of("k", "")]
    return [(int(n), int(n)) for n in list_of("size", "1024")]


def heats():
    """Pairs of heat and m."""
    return [(heat, int(m)) for heat in list_of("heat", "hot")
            for m in list_of("m", "1,16")
            if heat == "hot" or int(m) <= COLD_M]


def numbers(count, stream):
    """number_at of harness.h, for 0 to count - 1."""
    h = np.arange(count, dtype=np.uint32)
    with np.errstate(over="ignore"):
        h = h * np.uint32(0x9e3779b1) + np.uint32(
            stream * 0x85ebca77 & 0xffffffff)
        h ^= h >> np.uint32(15)
        h *= np.uint32(0x2c1b3c6d)
        h ^= h >> np.uint32(12)
        h *= np.uint32(0x297a2d39)
        h ^= h >> np.uint32(15)
    total = np.zeros(count, dtype=np.int32)
    for shift in (0, 8, 16, 24):
        total += (h >> np.uint32(shift) & np.uint32(255)).astype(np.int32)
    return (total - 510).astype(np.float32) * np.float32(1.0 / 148.0)


def weights(n, k):
    return (numbers(n * k, 1) * np.float32(1 / np.sqrt(np.float32(k)))
            ).reshape(n, k)


def inputs(m, k):
    return numbers(m * k, 2).reshape(m, k)


def cold_bytes():
    if word_of("copies"):
        return int(float(word_of("copies")) * 2**20)
    try:
        last = os.sysconf("SC_LEVEL3_CACHE_SIZE")
    except (ValueError, OSError):
        last = 0
    return max(256 << 20, 2 * last)


def quantize(w, bits, tile=0):
    """Symmetric integers and their scales by tiles of columns, 0: rows."""
    n, k = w.shape
    top = 2 ** (bits - 1) - 1
    blocks = w.reshape(n, -1, tile or k)
    scale = np.abs(blocks).max(axis=2, keepdims=True) / np.float32(top)
    codes = np.clip(np.rint(blocks / scale), -top - 1, top).astype(np.int8)
    return codes.reshape(n, k), scale[:, :, 0].astype(np.float32)


def error_of(w, x, y):
    """As error_of in harness.h, from all rows of w."""
    n = w.shape[0]
    count = min(n, LOOK_OUTPUTS)
    rows = [i * n // count for i in range(count)]
    exact = x[:LOOK_ROWS].astype(np.float64) @ w[rows].astype(np.float64).T
    off = y[:LOOK_ROWS][:, rows] - exact
    return float(np.sqrt((off**2).sum() / (exact**2).sum()))


def samples(call, seconds):
    """Seconds a call: call(i) runs number i."""
    cpu = word_of("clock") == "cpu" and word_of("threads", "1") == "1"
    clock, calls = time.thread_time if cpu else time.perf_counter, 0
    sample = 100e-6 if cpu else 20e-6
    for _ in range(3):
        start = clock()
        call(calls)
        calls += 1
        once = clock() - start
        if once > 0.2 * seconds:
            break
    batch = 1
    while once * batch < sample and batch < 4096:
        batch *= 2
    found, begin = [], clock()
    now = begin
    while len(found) < 3 or now - begin < seconds:
        start = now
        for _ in range(batch):
            call(calls)
            calls += 1
        now = clock()
        found.append((now - start) / batch)
    return found


class Case:
    """A row to be: its names and what to call."""

    def __init__(self, call, calls=1, **names):
        self.call, self.calls, self.names = call, calls, names
        self.found = []

    def run(self):
        seconds = float(word_of("time", "0.1"))
        self.found += [s / self.calls for s in samples(self.call, seconds)]

    def row(self):
        found = np.sort(np.array(self.found))
        self.found = []
        low, middle, high = np.quantile(found, [0.25, 0.5, 0.75])
        names = dict(self.names)
        products = 2.0 * names["n"] * names["k"] * names["m"]
        moved = names.pop("moved")
        names |= {"us": f"{middle * 1e6:.4g}", "min": f"{found[0] * 1e6:.4g}",
                  "spread": f"{100 * (high - low) / middle:.1f}",
                  "GOP/s": f"{products / middle / 1e9:.4g}",
                  "GB/s": f"{moved / middle / 1e9:.4g}", "limit": "-"}
        for key in ("error", "whole"):
            names[key] = f"{names[key]:.3g}"
        return "\t".join(str(names[key]) for key in COLUMNS)


def rounds(cases):
    """As rounds in harness.h."""
    if not word_of("bare"):
        print("\t".join(COLUMNS), flush=True)
    step, done = word_of("step"), 0
    while step or done < int(word_of("rounds", "3")):
        if step and not sys.stdin.readline():
            return
        for case in cases:
            case.run()
            if step:
                print(case.row())
        if step:
            print(flush=True)
        done += 1
    for case in cases:
        print(case.row())
