// The table from a call to its checker. A new folder of calls adds one file
// check_*.c, and here one line to each of the two lists.

#ifndef QQUANT_TESTS_GOLDEN_CHECKERS_H
#define QQUANT_TESTS_GOLDEN_CHECKERS_H

#include "case.h"

// family: random, qwix, aqt (Google's), bits (FJFormer's), array1b, bnb,
// onebit; taken from the file's origin line, else from its folder and name. A
// row { NULL, NULL, NULL } ends an array. Where a call has variants or files
// that are not covered the checker itself says golden_not_covered.
typedef void (*golden_check)(struct golden_case *c);

struct golden_checker {
    const char *family;
    const char *call;
    golden_check check;
};

extern const struct golden_checker golden_random[];
extern const struct golden_checker golden_bnb[];
extern const struct golden_checker golden_array1b[];
extern const struct golden_checker golden_array1b_op[];
extern const struct golden_checker golden_aqt_numerics[];
extern const struct golden_checker golden_aqt_calibration[];
extern const struct golden_checker golden_aqt_quantize[];
extern const struct golden_checker golden_qwix_arrays[];
extern const struct golden_checker golden_qwix_views[];
extern const struct golden_checker golden_onebit[];
extern const struct golden_checker golden_onebit_gptq[];
extern const struct golden_checker golden_onebit_driver[];

#define GOLDEN_TABLES                                                          \
    golden_random, golden_bnb, golden_array1b, golden_array1b_op,              \
        golden_aqt_numerics, golden_aqt_calibration, golden_aqt_quantize,      \
        golden_qwix_arrays, golden_qwix_views, golden_onebit,                  \
        golden_onebit_gptq, golden_onebit_driver

#endif // QQUANT_TESTS_GOLDEN_CHECKERS_H
