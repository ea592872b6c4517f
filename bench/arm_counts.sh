#!/bin/sh
# Counts the inner loops of the NEON kernels: instructions and, by llvm-mca,
# cycles for 64 weights and a column of x.
#
#   bench/arm_counts.sh                  gcc and clang, all loops below
#   bench/arm_counts.sh file.o symbol... the loops of another object
#
# Wants aarch64-linux-gnu-gcc, clang-19, llvm-mca-19 and python3. A loop is the
# innermost one of a function with the most multiplications; how many weights
# it does follows from them: 16 for a dot product, 8 for a long multiplication,
# 32 for a product of matrices, 32 for a look-up in a table of sums of four.

set -e
here=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

if [ $# -gt 0 ]; then
    python3 "$here/bench/arm_counts.py" "$@"
    exit
fi

names="job_1_1_neon_dot job_look_1_neon job_look_2_neon job_look_4_neon
job_2_1_neon_dot job_4_1_neon_dot job_8_1_neon_dot job_8_1_neon_i8mm
job_book_1_neon_dot job_1_2_neon_dot job_2_2_neon_dot job_4_2_neon_dot
job_1_4_neon_dot job_2_4_neon_dot job_4_4_neon_dot job_8_4_neon_dot
job_book_4_neon_dot job_bytes_4_neon_dot job_pairs_4_neon_i8mm
job_2_1_neon job_4_1_neon job_4_2_neon job_small_1_neon job_small_2_neon
job_large_2_neon job_full_2_neon"
symbols=$(for n in $names; do echo "qqi_$n"; done)

for cc in "aarch64-linux-gnu-gcc" "clang-19 --target=aarch64-linux-gnu"; do
    echo "$cc -O2"
    $cc -std=c99 -O2 -I"$here/src" -c "$here/tests/qquant.c" -o "$out/all.o"
    python3 "$here/bench/arm_counts.py" "$out/all.o" $symbols
done
