// qquant floor 5: eformer's arithmetic: every step rounded to the type of x.

#ifndef QQUANT_ARRAY_EFORMER_STEP_H
#define QQUANT_ARRAY_EFORMER_STEP_H

#include "array/step.h"
#include "codec/many.h"

QQI_INLINE int qqi_is_plain(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

// Number i of data of a plain type.
QQI_INLINE float qqi_plain_load(qq_type type, const void *data, size_t i)
{
    const uint8_t *p = (const uint8_t *)data;

    if (type == QQ_TYPE_F32)
        return qqi_load_f32(p + 4 * i);
    const uint16_t h = qqi_load_u16(p + 2 * i);
    return type == QQ_TYPE_F16 ? qqi_f32_from_f16(h) : qqi_f32_from_bf16(h);
}

// Rounded to nearest even, infinite beyond the largest; one NaN for all.
QQI_INLINE void qqi_plain_store(qq_type type, void *data, size_t i, float x)
{
    uint8_t *p = (uint8_t *)data;
    const float y = qqi_canon_f32(x);

    if (type == QQ_TYPE_F32)
        qqi_store_f32(p + 4 * i, y);
    else
        qqi_store_u16(p + 2 * i, type == QQ_TYPE_F16 ? qqi_f16_from_f32(y)
                                                     : qqi_bf16_from_f32(y));
}

// Numbers first ... first + n - 1, as above.
QQI_FN void qqi_plain_store_many(qq_type type, void *data, size_t first,
                                 size_t n, const float *x)
{
    if (type == QQ_TYPE_F32)
        for (size_t i = 0; i < n; i++)
            qqi_plain_store(QQ_TYPE_F32, data, first + i, x[i]);
    else if (type == QQ_TYPE_F16)
        for (size_t i = 0; i < n; i++)
            qqi_plain_store(QQ_TYPE_F16, data, first + i, x[i]);
    else
        for (size_t i = 0; i < n; i++)
            qqi_plain_store(QQ_TYPE_BF16, data, first + i, x[i]);
}

QQI_FN void qqi_to_type_many(qq_type type, size_t n, float *x)
{
    if (type == QQ_TYPE_F16)
        for (size_t i = 0; i < n; i++)
            x[i] = qqi_to_type(QQ_TYPE_F16, x[i]);
    else if (type == QQ_TYPE_BF16)
        for (size_t i = 0; i < n; i++)
            x[i] = qqi_to_type(QQ_TYPE_BF16, x[i]);
}

// How many numbers are done at a time: few, to stay small on the stack.
#define QQI_SOME ((size_t)16)

QQI_INLINE size_t qqi_some(size_t left)
{
    return left < QQI_SOME ? left : QQI_SOME;
}

// The smallest normal number: 2^-126, of f16 2^-14.
QQI_INLINE float qqi_plain_tiny(qq_type type)
{
    return qqi_f32_of(type == QQ_TYPE_F16 ? 0x38800000u : 0x00800000u);
}

// The larger magnitude; NaN is the largest, for its bits are.
QQI_INLINE float qqi_absmax_step(float most, float x)
{
    const float a = qqi_abs_f32(x);

    return qqi_f32_bits(a) > qqi_f32_bits(most) ? a : most;
}

// The largest magnitude of n numbers of a plain type, and of most.
QQI_FN float qqi_absmax_many(float most, qq_type type, const void *data,
                             size_t first, size_t n)
{
    float x[QQI_SOME];
    size_t k;

    for (size_t at = 0; at < n; at += k) {
        k = qqi_some(n - at);
        qqi_load_values(type, data, first + at, k, x);
        for (size_t i = 0; i < k; i++)
            most = qqi_absmax_step(most, x[i]);
    }
    return most;
}

// What numbers of a type are divided by: the divisor, or its reciprocal.
typedef struct qqi_divisor {
    qq_type type;
    int by_product;
    float b;
} qqi_divisor;

// fewer: the divisor has fewer elements than the result, so that the rule of
// the reciprocal applies. bf16 divides always. JAX on the CPU flushes a
// reciprocal that is a subnormal float to 0, and so does this.
QQI_INLINE qqi_divisor qqi_divisor_of(qq_type type, qq_division division,
                                      int fewer, float b)
{
    qqi_divisor d;

    d.type = type;
    d.by_product =
        division == QQ_DIVISION_RECIPROCAL && fewer && type != QQ_TYPE_BF16;
    d.b = b;
    if (d.by_product) {
        const float r = 1.0f / b;
        const int flushed = qqi_abs_f32(r) < qqi_plain_tiny(QQ_TYPE_F32);
        d.b = flushed ? 0.0f : qqi_to_type(type, r);
    }
    return d;
}

QQI_INLINE float qqi_divide_by(const qqi_divisor *d, float x)
{
    const float q = d->by_product ? qqi_mul_f32(x, d->b) : x / d->b;

    return qqi_to_type(d->type, q);
}

// The same for n numbers. Nothing is ever added to these products.
QQI_FN void qqi_divide_many(const qqi_divisor *d, size_t n, float *x)
{
    if (d->by_product)
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] * d->b;
    else
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] / d->b;
    qqi_to_type_many(d->type, n, x);
}

#endif // QQUANT_ARRAY_EFORMER_STEP_H
