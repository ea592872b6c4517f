#!/bin/sh
# How long the implementation takes to compile at -O2, beside stb_image.h
# (Debian's libstb-dev), and how large it is. compile.sh [CC]
# Uses hyperfine; run it from the top of the repository.

set -eu
CC=${1:-cc}
OUT=build/bench
mkdir -p "$OUT"
printf '#define QQUANT_IMPLEMENTATION\n#include "qquant.h"\n' >"$OUT/whole.c"
for wing in FILE MATRIX OP SOLVE TRAIN; do
    printf '#define QQ_NO_%s 1\n' $wing
done >"$OUT/core.c"
cat "$OUT/whole.c" >>"$OUT/core.c"
printf '#include "qquant.h"\n' >"$OUT/declarations.c"
printf '#define STB_IMAGE_IMPLEMENTATION\n#include <stb/stb_image.h>\n' \
    >"$OUT/stb_image.c"

hyperfine --warmup 1 --runs 7 --style basic \
    --export-csv "$OUT/compile.csv" \
    -n stb_image "$CC -O2 -c $OUT/stb_image.c -o $OUT/stb_image.o" \
    -n whole "$CC -O2 -I. -c $OUT/whole.c -o $OUT/whole.o" \
    -n core "$CC -O2 -I. -c $OUT/core.c -o $OUT/core.o" \
    -n declarations \
    "$CC -O2 -I. -c $OUT/declarations.c -o $OUT/declarations.o" \
    >/dev/null

awk -F, 'NR == 2 { peer = $4 }
    NR > 1 { printf "%-14s %6.3f s (%.3f to %.3f)  %.2f of stb_image\n",
             $1, $4, $7, $8, $4 / peer }' "$OUT/compile.csv"
for name in whole core stb_image; do
    size "$OUT/$name.o" | awk -v name="$name" \
        'NR == 2 { printf "%-14s %7d bytes of .text\n", name, $1 }'
done
