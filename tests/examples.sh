#!/bin/sh
# Builds and runs the examples as a stranger would: in a folder that has
# qquant.h and the examples and nothing else, by the commands that stand in
# their first comments. What they print shows; what they write must be equal
# to what is committed. The example of README.md is compiled as printed.

set -u
cd "$(dirname "$0")/.."
HOME_DIR=$(pwd)
OUT=build/examples
passed=0 failed=0

count() {
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)); echo "failed: $2"
    fi
}

# What stands in the first comment of an example.
example() {
    commands=$(sed -n '/^\/\//!q; s|^//   \(cc \)|\1|p; s|^//   \(\./\)|\1|p' \
        "$1")
    [ -n "$commands" ] && (set -e; eval "$commands")
}

# Every second example, from the first on, in a folder.
half() {
    cd "$1" || exit 1
    shift
    while [ $# -gt 0 ]; do
        log=$(basename "$1" .c)
        example "$1" >"$log.log" 2>&1
        echo $? >"$log.status"
        shift
        [ $# -eq 0 ] || shift
    done
}

rm -rf "$OUT"
mkdir -p "$OUT/odd" "$OUT/even" "$OUT/readme"
for folder in odd even; do
    cp -r qquant.h examples "$OUT/$folder"
done
cp qquant.h "$OUT/readme"
set -- examples/*.c
cd "$OUT" || exit 1

# Two go side by side, for they take long to compile.
half odd "$@" &
(shift; half even "$@")
wait
for file; do
    log=$(echo */"$(basename "$file" .c).log")
    echo "--- $file"
    cat "$log"
    count "$(cat "${log%.log}.status")" "$file"
done
for folder in odd even; do
    diff -r "$folder/examples" "$HOME_DIR/examples"
    count $? "an example wrote something else than what is committed"
done

if [ -f "$HOME_DIR/README.md" ]; then
    echo "--- README.md"
    cd readme || exit 1
    sed -n '/^```c$/,/^```$/p' "$HOME_DIR/README.md" |
        sed '1d; /^```$/,$d' >example.c
    cc example.c -o example && ./example
    count $? "the example of README.md"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
