// Tensors of random numbers for the tests of operations.

#ifndef QQUANT_TESTS_OP_NUMBERS_H
#define QQUANT_TESTS_OP_NUMBERS_H

#include "../array/random_array.h"

#include <math.h>

static const qq_type op_types[] = {QQ_TYPE_F32,  QQ_TYPE_F16,   QQ_TYPE_BF16,
                                   QQ_TYPE_INT8, QQ_TYPE_INT16, QQ_TYPE_INT32,
                                   QQ_TYPE_UINT8};

// Any bits for integers; for floats now and then any bits, too.
static inline qq_tensor any_numbers(qq_type type, unsigned rank,
                                    const size_t *shape)
{
    qq_tensor t = random_tensor(type, rank, shape);
    const size_t bytes = qq_tensor_bytes(&t);
    uint8_t *p = (uint8_t *)room(bytes);
    const int any = type >= QQ_TYPE_INT32 || below(2);

    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(check_u32() >> 24);
    if (any)
        t.data = p;
    return t;
}

// Rounded to nearest even, infinite beyond the largest.
static inline float as_type(qq_type type, double x)
{
    const double most = type == QQ_TYPE_F16    ? 65520.0
                        : type == QQ_TYPE_BF16 ? 3.3961775292304e38
                                               : 3.4028235677973366e38;
    if (isnan(x) || fabs(x) >= most)
        return isnan(x) ? (float)NAN : x < 0 ? -HUGE_VALF : HUGE_VALF;
    // To f32 by odd rounding, so that the second rounding is the only one.
    float f = (float)x;
    uint32_t u = check_bits(f);
    if (type == QQ_TYPE_F32)
        return f;
    if ((double)f != x && !(u & 1))
        f = check_f32(fabs((double)f) < fabs(x) ? u + 1 : u - 1);
    return qq_type_decode(type, qq_type_encode(type, f));
}

static inline int same_float(float x, float y)
{
    return (isnan(x) && isnan(y)) || check_bits(x) == check_bits(y);
}

#endif // QQUANT_TESTS_OP_NUMBERS_H
