#!/bin/sh
# Fuzzes each target for an equal share of the seconds: run.sh SECONDS
# It starts from tests/fuzz/corpus/NAME; what it learns stays in build/fuzz. A
# crash is kept there, too, and its path printed. Needs clang with libFuzzer.

set -u
cd "$(dirname "$0")/../.."
CLANG=${CLANG:-clang-19}
OUT=build/fuzz
FLAGS="-g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all
    -fsanitize=address,undefined,float-cast-overflow,implicit-conversion"
mkdir -p "$OUT"

set -- "${1:-60}" tests/fuzz/fuzz_*.c
seconds=$(($1 / ($# - 1))); shift
[ "$seconds" -gt 0 ] || seconds=1
passed=0 failed=0

$CLANG -std=c99 $FLAGS -fsanitize=fuzzer-no-link -Isrc -c tests/qquant.c \
    -o "$OUT/qquant.o" || exit
for file; do
    name=$(basename "$file" .c)
    name=${name#fuzz_}
    corpus=tests/fuzz/corpus/$name
    mkdir -p "$OUT/$name"
    [ -d "$corpus" ] || corpus=
    if $CLANG -std=c99 $FLAGS -fsanitize=fuzzer -Isrc -Itests "$file" \
        "$OUT/qquant.o" -o "$OUT/fuzz_$name" &&
        "$OUT/fuzz_$name" -max_total_time="$seconds" -timeout=10 \
            -print_final_stats=1 -artifact_prefix="$OUT/$name-" \
            "$OUT/$name" $corpus >"$OUT/$name.log" 2>&1; then
        passed=$((passed + 1))
        sed -n "s/^stat::number_of_executed_units: */$name, runs: /p" \
            "$OUT/$name.log"
    else
        failed=$((failed + 1))
        echo "failed: $file"
        tail -n 40 "$OUT/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
