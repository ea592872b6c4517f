#!/bin/sh
# Runs a digest program (sh digest.sh [EMULATOR] PROGRAM) and compares what it
# prints with tests/digest.txt, line by line.

"$@" | tr -d '\r' | awk '
NR == FNR { want[$0] = 1; lines++; next }
want[$0] { want[$0] = 0; same++; next }
{ print "digest differs: " $0; other++ }
END {
    lost = lines - same
    printf "%d passed, %d failed\n", same, (other > lost) ? other : lost
    exit other || lost || !same
}' tests/digest.txt -
