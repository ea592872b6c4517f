#!/bin/sh
# The same bits everywhere: builds the digest for each machine and compares
# what it prints with tests/digest.txt, and runs the tests where asked:
#
#   sh tests/cross/run.sh [GROUP]...    or all of them:
#
# native tcc aarch64 others (under qemu) wasm zig firmware. TESTS names the
# machines whose tests run, too, with a tenth of the cases; CCS the compilers of
# native; OUT keeps two runs apart.
# A tool that is missing is skipped by name, or a failure where CI=true.

set -u
cd "$(dirname "$0")/../.."
TESTS=${TESTS-aarch64 armhf riscv64 s390x i386 win64}
CLANG=${CLANG:-clang-19}
CCS=${CCS-gcc $CLANG}
ZIG=${ZIG:-python3 -m ziglang}
OUT=${OUT-build/cross}
mkdir -p "$OUT"
unset QQ_DATA
passed=0 failed=0 skipped=0

# Adds the last counts of a log; a failure without any is one.
add() {
    what=$1 status=$2
    set -- $(grep -E '^[0-9]+ passed, [0-9]+ failed' "$OUT/log" | tail -n 1)
    p=${1:-0} f=${3:-0}
    [ "$status" != 0 ] && [ "$f" = 0 ] && f=1
    [ "$status$p$f" = 000 ] && f=1
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${5:-0}))
    echo "$what: $p passed, $f failed"
    [ "$f" = 0 ] || head -n 20 "$OUT/log"
}

have() {
    for tool; do
        if ! command -v "$tool" >/dev/null; then
            if [ "${CI:-}" = true ]; then
                failed=$((failed + 1)); echo "failed: $tool is not installed"
            else
                skipped=$((skipped + 1))
                echo "skipped: $tool is not installed"
            fi
            return 1
        fi
    done
}

# A digest program, made by a whole command but its output, then run.
digest() {
    name=$1 run=$2; shift 2
    {
        "$@" -DQQUANT_IMPLEMENTATION -I. -o "$OUT/digest" &&
            sh tests/digest.sh $run "$OUT/digest"
    } >"$OUT/log" 2>&1
    add "digest $name" $?
    rm -f "$OUT/digest"
}

# What make is told about a machine; its programs run or are only made.
machine() {
    name=$1 run=$2; shift 2
    target=programs
    case " $TESTS " in *" $name "*) target=test ;; esac
    make --no-print-directory $target BUILD="build/$name" RUN="$run" \
        QQ_TEST=small "$@" >"$OUT/log" 2>&1
    status=$?
    [ $target = test ] || echo "1 passed, 0 failed" >>"$OUT/log"
    add "$target $name" $status
}

# Every optimiser that may meet the code.
group_native() {
    for cc in $CCS; do
        have $cc || continue
        for flags in -O0 -O1 -O2 -O3 -Os "-O2 -march=native" \
            "-O2 -ffp-contract=fast" "-O3 -march=native -ffp-contract=fast" \
            "-O2 -march=x86-64-v3 -std=gnu17" "-O2 -funsigned-char"; do
            digest "$cc $flags" "" $cc $flags tests/digest.c
        done
    done
}
group_tcc() {
    have tcc && digest tcc "" tcc tests/digest.c
}

qemu() {
    on=$1 cc=$2 run=qemu-$3-static; shift 3
    have $cc $run || return
    for level in "-O2 -ffp-contract=fast" -O0; do
        digest "$on $level" $run $cc $level "$@" -static tests/digest.c
    done
    case " $TESTS " in *" $on "*)
        machine $on $run CC="$cc $*" STD=-std=gnu99 LDFLAGS=-static ;;
    esac
}

# aarch64 has three rungs: NEON alone, with dot products, with i8mm.
group_aarch64() {
    for cpu in cortex-a72 neoverse-n1 max; do
        export QEMU_CPU=$cpu
        qemu "aarch64-$cpu" aarch64-linux-gnu-gcc aarch64
    done
    unset QEMU_CPU
    qemu aarch64 aarch64-linux-gnu-gcc aarch64 -mcpu=neoverse-v1
}
group_others() {
    qemu armhf arm-linux-gnueabihf-gcc arm -mfpu=vfpv4
    qemu riscv64 riscv64-linux-gnu-gcc riscv64
    qemu s390x s390x-linux-gnu-gcc s390x
    qemu i386 i686-linux-gnu-gcc i386 -msse2 -mfpmath=sse
}

group_wasm() {
    have $CLANG node || return
    for level in -O0 -O2; do
        digest "wasm $level" "node tests/cross/wasm.mjs" $CLANG \
            --target=wasm32 $level -nostdlib -ffreestanding -fno-builtin \
            -isystem tests/compile/stub -Wl,--no-entry \
            -Wl,--export=digest_run -Wl,--allow-undefined \
            -DDIGEST_FREESTANDING tests/digest.c tests/cross/memory.c
    done
}

# Windows runs under wine; the others are compiled, tests and all.
group_zig() {
    if ! $ZIG version >/dev/null 2>&1; then
        have "$ZIG"
        return
    fi
    wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
    WINEPREFIX=$(pwd)/$OUT/wine WINEDEBUG=-all
    export WINEPREFIX WINEDEBUG
    quick="-O0 -fno-sanitize=undefined"
    for target in x86_64-windows-gnu aarch64-windows-gnu x86_64-macos \
        aarch64-macos; do
        cc="$ZIG cc -target $target"
        case $target in
        x86_64-windows-gnu)
            have "$wine" || continue
            digest win64 "$wine" $cc -O2 tests/digest.c
            machine win64 "$wine" CC="$cc" EXE=.exe DEPS= ;;
        *windows*) machine $target "" CC="$cc" CFLAGS="$quick" EXE=.exe DEPS= ;;
        *) machine $target "" CC="$cc" CFLAGS="$quick" DEPS= ;;
        esac
    done
}

# The embedded example on two machines without an operating system.
group_firmware() {
    have arm-none-eabi-gcc arm-none-eabi-size || return
    for cpu in cortex-m0plus cortex-m4; do
        arm-none-eabi-gcc -mcpu=$cpu -mthumb -Os -ffunction-sections \
            -fdata-sections -Wl,--gc-sections --specs=nano.specs \
            --specs=nosys.specs -I. examples/embedded.c -o "$OUT/firmware" \
            >"$OUT/log" 2>&1 && echo "1 passed, 0 failed" >>"$OUT/log"
        add "firmware $cpu" $?
        arm-none-eabi-size "$OUT/firmware"
    done
}

for group in ${*:-native tcc aarch64 others wasm zig firmware}; do
    group_$group
done
line="$passed passed, $failed failed"
[ $skipped = 0 ] || line="$line, $skipped skipped"
echo "$line"
[ $failed = 0 ]
