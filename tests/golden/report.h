// What the runner prints, and how it ends.

#ifndef QQUANT_TESTS_GOLDEN_REPORT_H
#define QQUANT_TESTS_GOLDEN_REPORT_H

#include "case.h"

typedef enum golden_verdict {
    GOLDEN_PASSED = 1,
    GOLDEN_FAILED = 2,
    GOLDEN_UNCOVERED = 3
} golden_verdict;

// A case that is known to fail, and why that is right.
struct golden_exception {
    char *file;
    char *name;
    char *reason;
};

// A call that no checker took.
struct golden_gap {
    char family[16];
    char *call;
    unsigned long count;
};

struct golden_report {
    const char *only; // run only cases whose name contains this
    int unread;       // print what no checker looked at
    struct golden_exception *exceptions;
    size_t exception_count;
    struct golden_gap *gaps;
    size_t gap_count;
    unsigned long count, passed, failed, excepted, uncovered, broken;
    const char *file; // the one that is run, and its own counts
    unsigned long file_count, file_passed, file_failed, file_uncovered;
};

// The last folder of a path and the file: "qwix/encode.txt".
const char *golden_short_name(const char *path);

// Reads the list: lines "folder/file.txt case-name reason"; blank lines and
// lines that begin with # mean nothing. path NULL: the repository's own, which
// may be absent.
void golden_report_exceptions(struct golden_report *r, const char *path);

void golden_report_file(struct golden_report *r, const char *file);
void golden_report_case(struct golden_report *r, const struct golden_case *c,
                        golden_verdict verdict);
void golden_report_file_end(struct golden_report *r);
void golden_report_broken(struct golden_report *r, const char *error);

// The calls not covered, the sums, and the exit status. Frees what r holds.
int golden_report_end(struct golden_report *r);

#endif // QQUANT_TESTS_GOLDEN_REPORT_H
