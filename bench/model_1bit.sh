#!/bin/sh
# A 1-bit model evaluated by qquant and, where it is there, by ggml: whole
# programs, from reading the weights to the last token, under hyperfine.
# model_1bit.sh [WORD...]: words of model_1bit.c, such as dim=1024 tokens=64.
# BUILD: where make puts programs. VARIANT: of ggml, else one that fits.

set -eu
OUT=${BUILD:-build}/bench
has() { grep -qw "$1" /proc/cpuinfo; }
if [ -z "${VARIANT:-}" ]; then
    VARIANT=haswell
    if has avx512_vnni; then VARIANT=icelake; fi
    if has amx_int8; then VARIANT=sapphirerapids; fi
fi

"$OUT/model_1bit" make="$OUT/model_1bit.bin" "$@"
peer=1
"$OUT/model_1bit_ggml" variant="$VARIANT" make="$OUT/model_1bit_ggml.bin" \
    "$@" || peer=
for batch in 1 64; do
    ours="$OUT/model_1bit run=$OUT/model_1bit.bin"
    theirs="$OUT/model_1bit_ggml variant=$VARIANT run=$OUT/model_1bit_ggml.bin"
    words=" $* batch=$batch"
    $ours $words
    [ -z "$peer" ] || $theirs $words
    command -v hyperfine >/dev/null || continue
    hyperfine --warmup 1 --runs 7 --style basic -N \
        --export-csv "$OUT/model_1bit.csv" -n "qquant batch $batch" \
        "$ours$words" ${peer:+-n "ggml batch $batch" "$theirs$words"} \
        >/dev/null 2>&1
    awk -F, 'NR > 1 { if (NR == 2) first = $4
        printf "%-16s %7.3f s (%.3f to %.3f)  %.2f of qquant\n",
               $1, $4, $7, $8, $4 / first }' "$OUT/model_1bit.csv"
done
