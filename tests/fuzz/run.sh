#!/bin/sh
# Fuzzes each target for an equal share of the seconds, two at a time: run.sh
# SECONDS
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

# The name of a target, from its file.
name_of() {
    name=$(basename "$1" .c)
    echo "${name#fuzz_}"
}

fuzz() {
    name=$(name_of "$1")
    corpus=tests/fuzz/corpus/$name
    mkdir -p "$OUT/$name"
    [ -d "$corpus" ] || corpus=
    $CLANG -std=c99 $FLAGS -fsanitize=fuzzer -Isrc -Itests "$1" \
        "$OUT/qquant.o" -o "$OUT/fuzz_$name" &&
        "$OUT/fuzz_$name" -max_total_time="$seconds" -timeout=10 \
            -print_final_stats=1 -artifact_prefix="$OUT/$name-" \
            "$OUT/$name" $corpus
}

# Every second target, from the first or the second on: two go side by side.
fuzz_half() {
    while [ $# -gt 0 ]; do
        name=$(name_of "$1")
        rm -f "$OUT/$name.passed"
        fuzz "$1" >"$OUT/$name.log" 2>&1 && touch "$OUT/$name.passed"
        shift
        [ $# -eq 0 ] || shift
    done
}

$CLANG -std=c99 $FLAGS -fsanitize=fuzzer-no-link -Isrc -c tests/qquant.c \
    -o "$OUT/qquant.o" || exit
fuzz_half "$@" &
(shift; fuzz_half "$@")
wait
passed=0 failed=0
for file; do
    name=$(name_of "$file")
    if [ -e "$OUT/$name.passed" ]; then
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
