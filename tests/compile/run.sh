#!/bin/sh
# Compiles qquant.h in every way that is promised, runs what can run, and
# checks that what is refused is refused: sh tests/compile/run.sh [GROUP]...
# Groups: c cpp wings refusals widened tcc msvc; none means all. CCS and CXXS
# say with which compilers; OUT keeps two runs apart. A compiler that is not
# installed is skipped by name, or a failure where CI=true.

set -u
cd "$(dirname "$0")/../.."
OUT=${OUT-build/compile}
mkdir -p "$OUT"
STRICT="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
    -Wcast-qual -Wcast-align -Wundef -Wdouble-promotion -Werror"
STRICT_C="-Wstrict-prototypes -Wmissing-prototypes -Wc++-compat"
CCS=${CCS-gcc clang-19}
CXXS=${CXXS-g++ clang++-19}
I="-I. -Itests"
passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "failed: $*"; }

have() {
    command -v "$1" >/dev/null && return
    if [ "${CI:-}" = true ]; then
        fail "$1 is not installed"
    else
        skipped=$((skipped + 1)); echo "skipped: $1 is not installed"
    fi
    return 1
}

# The command must succeed without a word.
quiet() {
    if "$@" >"$OUT/log" 2>&1 && ! [ -s "$OUT/log" ]; then
        pass
    else
        fail "$*"; head -n 5 "$OUT/log"; return 1
    fi
}

# The command makes a program, which must pass.
runs() {
    quiet "$@" -o "$OUT/program" || return
    if ! "$OUT/program" >"$OUT/log" 2>&1; then
        fail "the program of: $*"; head -n 5 "$OUT/log"
    fi
}

# The command must fail, and say the words.
refused() {
    words=$1; shift
    if "$@" >"$OUT/log" 2>&1; then
        fail "accepted: $*"
    elif grep -q "qquant: .*$words" "$OUT/log"; then
        pass
    else
        fail "not our words: $*"; head -n 3 "$OUT/log"
    fi
}

T=tests/compile

group_c() {
    for cc in $CCS; do
        have "$cc" || continue
        c="$cc $STRICT $STRICT_C $I"
        for std in c99 c2x gnu11; do
            runs $c -std=$std -O0 $T/c99.c
        done
        for std in c11 c17; do
            quiet $c -std=$std -fsyntax-only $T/c99.c
        done
        runs $c -std=c99 -O2 -Wframe-larger-than=1024 $T/c99.c
        runs $c -std=c99 -O0 $T/two_a.c $T/two_b.c
        runs $c -std=c99 -O0 -DQQ_NO_SIMD $T/static_a.c $T/static_b.c
        runs $c -std=c99 -O0 -DQQ_NO_SIMD $T/twice.c
        runs $c -std=c99 -O0 $T/own_memory.c
        # The parts, as they stand.
        runs $cc $STRICT $STRICT_C -Isrc -Itests -std=c99 -O0 $T/c99.c
    done
}

group_cpp() {
    for cxx in $CXXS; do
        have "$cxx" || continue
        c="$cxx $STRICT $I"
        for std in c++11 c++20; do
            runs $c -std=$std -O0 $T/cpp11.cpp
        done
        for std in c++14 c++17; do
            quiet $c -std=$std -fsyntax-only $T/cpp11.cpp
        done
        runs $c -std=c++11 -O0 -xc++ $T/c99.c
        c="$c -std=c++11 -O0 -DQQ_NO_SIMD -xc++"
        for file in twice own_memory; do
            runs $c $T/$file.c
        done
        runs $c $T/static_a.c $T/static_b.c
    done
}

# Every wing off, and each alone, as C, and read as C++; 0 leaves a wing on.
# Sets of instructions are no wings: each alone, once.
group_wings() {
    switches=$(sed -n 's/^#ifndef \(QQ_NO_[A-Z0-9]*\)$/\1/p' src/base.h)
    sets="QQ_NO_AMX QQ_NO_AVX2 QQ_NO_AVX512 QQ_NO_NEON"
    wings=$(printf '%s\n' $switches | grep -vxF "$(printf '%s\n' $sets)")
    all=$(printf ' -D%s' $switches)
    for cc in $CCS; do
        have "$cc" || continue
        c="$cc $STRICT $I -O0"
        for off in "$all" $(printf ' -D%s' $wings); do
            runs $c $STRICT_C -std=c99 $off $T/c99.c
            quiet $c -std=c++11 -fsyntax-only -xc++ $off $T/c99.c
        done
        # gcc -O0 names C++'s runtime beside what cannot throw.
        runs $c -std=c++11 -fno-exceptions -xc++ $all $T/c99.c -lm
        runs $c $STRICT_C -std=c99 $all -DQQUANT_STATIC $T/c99.c
        for off in $(printf ' -D%s' $sets); do
            runs $c $STRICT_C -std=c99 $off $T/c99.c
        done
        runs $c -std=c99 $(printf ' -D%s=0' $switches) $T/c99.c
    done
}

group_refusals() {
    for cc in $CCS; do
        have "$cc" || continue
        c="$cc -fsyntax-only $I $T/c99.c"
        quiet $c
        refused ffast-math $c -ffast-math
        refused fast-math $c -Ofast
        refused ffinite-math-only $c -ffinite-math-only
    done
}

# What only some compilers and machines do.
group_widened() {
    if have gcc; then
        c="gcc -fsyntax-only $I $T/c99.c"
        refused fassociative-math $c -fassociative-math -fno-signed-zeros \
            -fno-trapping-math
        refused freciprocal-math $c -freciprocal-math
    fi
    if have i686-linux-gnu-gcc; then
        c="i686-linux-gnu-gcc -fsyntax-only $I $T/c99.c"
        refused "must not be widened" $c
        refused "must not be widened" $c -msse2 -mfpmath=387
        quiet $c -msse2 -mfpmath=sse
    fi
    if have s390x-linux-gnu-gcc; then
        c="s390x-linux-gnu-gcc -fsyntax-only $I $T/c99.c"
        refused "must not be widened" $c -std=c99
        quiet $c -std=gnu99
    fi
}

group_tcc() {
    have tcc || return
    runs tcc -Wall -Werror $I $T/c99.c
    runs tcc -Wall -Werror $I $T/two_a.c $T/two_b.c
    runs tcc -Wall -Werror $I $T/static_a.c $T/static_b.c
    runs tcc -Wall -Werror $I $T/twice.c
}

# The branches for Microsoft's compiler, with clang's name and without.
group_msvc() {
    have clang-19 || return
    quiet_ms="-Wno-unused-function -Wno-language-extension-token"
    for target in x86_64 aarch64 i686; do
        for name in "" "-U__clang__ $quiet_ms"; do
            c="clang-19 --target=$target-pc-windows-msvc -fsyntax-only
                -ffreestanding -nostdlibinc -isystem $T/stub $STRICT $name
                -DQQUANT_IMPLEMENTATION"
            [ $target = i686 ] && c="$c -msse2"
            quiet $c -xc -std=c11 qquant.h
            quiet $c -xc++ -std=c++14 qquant.h
            quiet $c -xc -DQQUANT_STATIC qquant.h
        done
    done
    refused "must not be widened" clang-19 --target=i686-pc-windows-msvc \
        -fsyntax-only -nostdlibinc -isystem $T/stub -DQQUANT_IMPLEMENTATION \
        -xc qquant.h
}

for group in ${*:-c cpp wings refusals widened tcc msvc}; do
    group_$group
done
line="$passed passed, $failed failed"
[ $skipped = 0 ] || line="$line, $skipped skipped"
echo "$line"
[ $failed = 0 ]
