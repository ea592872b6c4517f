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

rm -rf "$OUT"
mkdir -p "$OUT/readme"
cp -r qquant.h examples "$OUT"
cp qquant.h "$OUT/readme"
cd "$OUT" || exit 1

for file in examples/*.c; do
    commands=$(sed -n '/^\/\//!q; s|^//   \(cc \)|\1|p; s|^//   \(\./\)|\1|p' \
        "$file")
    echo "--- $file"
    [ -n "$commands" ] && (set -e; eval "$commands")
    count $? "$file: $commands"
done
diff -r examples "$HOME_DIR/examples"
count $? "an example wrote something else than what is committed"

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
