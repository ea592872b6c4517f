#!/bin/sh
# Sums test logs: sum.sh LOG... The last line of a log is "exit N", above it
# stand the counts: "N passed, N failed[, N skipped]" or those of the golden
# runner. A log without counts, or one that ended badly without a failure,
# counts as one failure. What a test printed beside its counts is shown.

awk '
function end_log() {
    if (name == "")
        return
    if (!counted || (status != 0 && f == 0))
        f++
    printf "%-44s %7d passed, %d failed%s\n", name, p, f, \
        s ? ", " s " skipped" : ""
    passed += p; failed += f; skipped += s
}
FNR == 1 {
    end_log()
    name = FILENAME
    sub(/\.log$/, "", name)
    p = f = s = counted = 0
    status = 1
}
{ sub(/\r$/, "") }
/^exit [0-9]+$/ { status = $2; next }
/^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
    p += $1; f += $3; s += $5; counted = 1
    next
}
/^golden: [0-9]+ of [0-9]+ passed, [0-9]+ failed/ {
    p += $2; f += $6; counted = 1
}
# The golden runner says more in make golden.
/^not covered: / || /: [0-9]+ of [0-9]+ passed(, [0-9]+ not covered)?$/ { next }
{ print }
END {
    end_log()
    printf "%d passed, %d failed%s\n", passed, failed, \
        skipped ? ", " skipped " skipped" : ""
    exit failed != 0 || passed == 0
}' "$@"
