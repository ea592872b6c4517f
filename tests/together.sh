#!/bin/sh
# Runs commands side by side, shows what each of them said, one after another,
# and sums their counts: sh tests/together.sh COMMAND...

set -u
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
i=0
for command; do
    i=$((i + 1))
    sh -c "$command" >"$logs/$i" 2>&1 || touch "$logs/$i.failed" &
done
wait
passed=0 failed=0 skipped=0 n=$i i=0
while [ $i -lt "$n" ]; do
    i=$((i + 1))
    cat "$logs/$i"
    set -- $(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$i" | tail -n 1)
    p=${1:-0} f=${3:-0} s=${5:-0}
    [ -e "$logs/$i.failed" ] && [ "$f" = 0 ] && f=1
    [ "$p$f$s" = 000 ] && f=1
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
line="$passed passed, $failed failed"
[ $skipped = 0 ] || line="$line, $skipped skipped"
echo "$line"
[ $failed = 0 ]
