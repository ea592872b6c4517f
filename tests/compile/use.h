// What every program of this folder does with qquant, however it was included.

#ifndef QQUANT_TESTS_COMPILE_USE_H
#define QQUANT_TESTS_COMPILE_USE_H

#include "check.h"

// Eight numbers to int4 and back: the largest of them stay exact.
static inline void use_qquant(void)
{
    const float x[8] = {-7, -3, -2, -1, 0, 1, 2, 7};
    const size_t shape[1] = {8};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, shape);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    qq_array a;
    qq_tensor back;
    unsigned char out[8];
    float y[8] = {9, 9, 9, 9, 9, 9, 9, 9};

    CHECK(qq_version() ==
          QQ_VERSION_MAJOR * 10000 + QQ_VERSION_MINOR * 100 + QQ_VERSION_PATCH);
    CHECK(qq_status_string(QQ_OK)[0] != '\0');
    s.range = QQ_RANGE_EXACT_MAX;
    CHECK(qq_array_size(&t, &s) == sizeof out);
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(qq_dequantize(&a, s.rule, QQ_TYPE_F32, y, sizeof y, &back) == QQ_OK);
    CHECK(back.rank == 1 && back.shape[0] == 8);
    for (int i = 0; i < 8; i++)
        CHECK(check_bits(y[i]) == check_bits(x[i]));
}

#endif // QQUANT_TESTS_COMPILE_USE_H
