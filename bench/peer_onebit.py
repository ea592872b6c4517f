"""OneBit of the original in NumPy: what bench/solve.c is held against.

    python3 bench/peer_onebit.py [size=4096] [rounds=3] [threads=2]

Its formulas, in f32: Sinkhorn by L1 norms (at most 40 rounds, until three in
a row are within 1e-3), the largest singular pair of |W'| by 30 rounds of the
power iteration, signs, a and b. NumPy multiplies through its OpenBLAS.
"""

import os
import sys
import time

WORDS = dict(word.split("=") for word in sys.argv[1:])
THREADS = WORDS.get("threads", "2")
os.environ["OPENBLAS_NUM_THREADS"] = THREADS
os.environ["OMP_NUM_THREADS"] = THREADS

import numpy as np  # noqa: E402  (after the number of threads)


def scaled(w, rows, columns):
    """(Dr W) Dc, in that order."""
    return (rows[:, None] * w) * columns


def balance(w, rounds=40, alpha=np.float32(1), tolerance=1e-3):
    """W', its factors, and the rounds it took."""
    n, k = w.shape
    rows, columns = np.ones(n, np.float32), np.ones(k, np.float32)
    beta, least = np.float32(n * alpha / k), np.float32(1e-12)
    quiet = 0
    for done in range(1, rounds + 1):
        norm = np.abs(scaled(w, rows, columns)).sum(axis=1)
        rows *= alpha / np.maximum(norm, least)
        norm = np.abs(scaled(w, rows, columns)).sum(axis=0)
        columns *= beta / np.maximum(norm, least)
        gauge = np.sqrt(rows.mean() / columns.mean())
        rows /= gauge
        columns *= gauge
        size = np.abs(scaled(w, rows, columns))
        far_rows = np.abs(size.sum(axis=1) - alpha).max()
        far_columns = np.abs(size.sum(axis=0) - beta).max()
        near = far_rows < tolerance and far_columns < tolerance
        quiet = quiet + 1 if near else 0
        if quiet >= 3:
            break
    return scaled(w, rows, columns), rows, columns, done


def largest(p, rounds=30):
    """sigma, u, v of the largest singular value."""
    v = np.random.default_rng(1).standard_normal(p.shape[1]).astype(np.float32)
    v /= np.linalg.norm(v)
    for _ in range(rounds):
        u = p @ v
        u /= np.linalg.norm(u)
        v = p.T @ u
        v /= np.linalg.norm(v)
    u = p @ v
    sigma = np.linalg.norm(u)
    return sigma, np.abs(u / sigma), np.abs(v)


def onebit(w):
    """a, signs, b, and the rounds of balancing."""
    balanced, _, _, done = balance(w)
    signs = np.where(balanced >= 0, np.float32(1), np.float32(-1))
    sigma, u, v = largest(np.abs(balanced))
    root = np.sqrt(sigma + np.float32(1e-12))
    a, b = u * root, v * root
    gauge = np.sqrt(np.linalg.norm(b) / np.linalg.norm(a))
    return a * gauge, signs, b / gauge, done


def main():
    """Prints the best of some runs, wall clock and processor time."""
    size = int(WORDS.get("size", "4096"))
    rng = np.random.default_rng(7)
    w = rng.standard_normal((size, size)).astype(np.float32) / np.float32(64)
    best = None
    for _ in range(int(WORDS.get("rounds", "3"))):
        wall, used = time.perf_counter(), time.process_time()
        done = onebit(w)[3]
        wall = time.perf_counter() - wall
        used = time.process_time() - used
        if best is None or wall < best[0]:
            best = wall, used, done
    print(f"numpy {np.__version__} onebit {size}x{size} threads={THREADS}: "
          f"{best[0]:.3f} s wall, {best[1]:.3f} s cpu, "
          f"{best[2]} rounds of balancing")


if __name__ == "__main__":
    main()
