// qquant floor 2: numbers that JAX makes of random bits; rounding noise.
//
// Every number is a function of the key, the count of all and its place, so
// that any range of a long sequence can be drawn by itself.

#ifndef QQUANT_NUM_NOISE_H
#define QQUANT_NUM_NOISE_H

#include "api/random.h"
#include "num/random.h"
#include "num/sqrt.h"
#include "num/step.h"
#include "num/threefry.h"

// Checks what all calls have in common, out being NULL or not.
QQI_FN qq_status qqi_random_begin(qqi_random *r, qq_key key,
                                  qq_random_layout layout, unsigned width,
                                  size_t total, size_t first, size_t count,
                                  const void *out)
{
    const qq_status status =
        qqi_random_make(r, key, layout, width, total, first, count);

    if (status == QQ_OK && count > 0 && !out)
        return QQ_ERR_ARGUMENT;
    return status;
}

QQ_API qq_status qq_random_uniform(qq_key key, qq_random_layout layout,
                                   float low, float high, int fused,
                                   size_t total, size_t first, size_t count,
                                   float *out)
{
    const float d = high - low;
    qqi_random r;

    if (!qqi_layout_known(layout) || !qqi_is_finite_f32(d))
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_random_begin(&r, key, layout, 32, total, first, count, out);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const float u = qqi_random_unit_at(&r, first + i);
        const float x =
            fused ? qqi_fma_f32(u, d, low) : qqi_mul_f32(u, d) + low;
        out[i] = x < low ? low : x;
    }
    return QQ_OK;
}

QQ_API qq_status qq_random_bernoulli(qq_key key, qq_random_layout layout,
                                     float p, size_t total, size_t first,
                                     size_t count, uint8_t *out)
{
    qqi_random r;
    const qq_status status =
        qqi_random_begin(&r, key, layout, 32, total, first, count, out);

    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        out[i] = qqi_random_unit_at(&r, first + i) < p;
    return QQ_OK;
}

// low + ((a mod s) * m + b mod s) mod s with s = high - low and m = 2^32 mod s,
// made from 2^16, all modulo 2^32: a and b are as good as one number of 64
// bits.
QQ_API qq_status qq_random_int(qq_key key, qq_random_layout layout, int32_t low,
                               int32_t high, size_t total, size_t first,
                               size_t count, int32_t *out)
{
    qqi_random ra;
    qqi_random rb;

    if (!qqi_layout_known(layout) || high <= low)
        return QQ_ERR_ARGUMENT;
    const qq_key ka = qq_key_split(key, layout, 2, 0);
    const qq_key kb = qq_key_split(key, layout, 2, 1);
    const qq_status status =
        qqi_random_begin(&ra, ka, layout, 32, total, first, count, out);
    if (status != QQ_OK)
        return status;
    rb = ra;
    rb.key = kb;

    const uint32_t s = (uint32_t)((int64_t)high - low);
    const uint32_t r16 = 65536u % s;
    const uint32_t m = qqi_wrap_mul_u32(r16, r16) % s;
    for (size_t i = 0; i < count; i++) {
        const uint32_t a = qqi_random_at(&ra, first + i) % s;
        const uint32_t b = qqi_random_at(&rb, first + i) % s;
        const uint32_t v = qqi_wrap_add_u32(qqi_wrap_mul_u32(a, m), b) % s;
        out[i] = (int32_t)((int64_t)low + v);
    }
    return QQ_OK;
}

QQ_API qq_status qq_random_he_uniform(qq_key key, qq_random_layout layout,
                                      size_t fan, size_t total, size_t first,
                                      size_t count, float *out)
{
    const float two = 2.0f / (float)fan;
    const float c = qqi_sqrt_f32(3.0f * two);
    qqi_random r;

    if (!qqi_layout_known(layout) || fan == 0)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_random_begin(&r, key, layout, 32, total, first, count, out);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++) // 2u - 1 is exact
        out[i] = (2.0f * qqi_random_unit_at(&r, first + i) - 1.0f) * c;
    return QQ_OK;
}

// One number of noise from its bits; every one of them is exact.
QQI_INLINE float qqi_noise_of(qq_noise noise, uint32_t bits)
{
    const int32_t b = (int32_t)(bits >> 1);

    if (noise == QQ_NOISE_LOW_BIT) // r / 256 - 0.498046875
        return (float)(2 * (int32_t)bits - 255) / 512.0f;
    if (noise == QQ_NOISE_AQT_CUSTOM) // r / 65536 - 0.5 + 2^-17
        return (float)(2 * (int32_t)bits - 65535) / 131072.0f;
    return (float)((b >> 8) - 4194304) / 8388608.0f; // u - 0.5
}

// The random bits that a number of noise takes; 0 for what is none.
QQI_INLINE unsigned qqi_noise_width(qq_noise noise)
{
    switch ((int)noise) {
    case QQ_NOISE_UNIFORM:
    case QQ_NOISE_AQT:
        return 32;
    case QQ_NOISE_LOW_BIT:
        return 8;
    case QQ_NOISE_AQT_CUSTOM:
        return 16;
    default:
        return 0;
    }
}

QQ_API qq_status qq_random_noise(qq_key key, qq_random_layout layout,
                                 qq_noise noise, size_t total, size_t first,
                                 size_t count, float *out)
{
    const unsigned width = qqi_noise_width(noise);
    qqi_random r;

    if (!qqi_layout_known(layout) || width == 0)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_random_begin(&r, key, layout, width, total, first, count, out);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        out[i] = qqi_noise_of(noise, qqi_random_at(&r, first + i));
    return QQ_OK;
}

#endif // QQUANT_NUM_NOISE_H
