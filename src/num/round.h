// qquant floor 2: rounding to integers.
//
// In f32 the value is only compared and converted, never added to, so that a
// product that made it cannot be fused into anything, and the code has no
// branches: a loop over it turns into vectors. |x| is cut to t and rounded
// up where it lies above t + 1/2, or on it with t odd. Below 2^23 t + 1/2 is
// a float; from there on x is an integer itself.
//
// In f64 the bits are rounded where they stand: a carry out of the mantissa
// moves into the exponent, which is just what is wanted.

#ifndef QQUANT_NUM_ROUND_H
#define QQUANT_NUM_ROUND_H

#include "num/bits.h"

// |x| below 2^23 and no NaN; the nearest integer, ties to even. The bits of
// floats that are not negative are integers in the same order, so their
// difference compares |x| with t + 1/2: a tie is 0, and rises where t is odd.
QQI_INLINE int32_t qqi_rne_small_f32(float x)
{
    const float a = qqi_abs_f32(x);
    const int32_t t = (int32_t)a;
    const float half = (float)t + 0.5f;
    const int32_t d = (int32_t)qqi_f32_bits(a) - (int32_t)qqi_f32_bits(half);
    const int32_t r = t + (int32_t)(d + (t & 1) > 0);

    return qqi_f32_bits(x) >> 31 ? -r : r;
}

// r with the sign of x, which only differs where r is 0.
QQI_INLINE float qqi_with_sign_f32(float r, float x)
{
    return qqi_f32_of(qqi_f32_bits(r) | (qqi_f32_bits(x) & 0x80000000u));
}

// Nearest even integer; -0 and NaN stay, and x in (-1/2, 0) gives -0.
QQI_INLINE float qqi_rne_f32(float x)
{
    const int cut = qqi_abs_f32(x) < 8388608.0f;
    const int32_t r = qqi_rne_small_f32(cut ? x : 0.0f);

    return cut ? qqi_with_sign_f32((float)r, x) : x;
}

// Towards zero; -0 stays.
QQI_INLINE float qqi_trunc_f32(float x)
{
    const int cut = qqi_abs_f32(x) < 8388608.0f;
    const int32_t r = (int32_t)(cut ? x : 0.0f);

    return cut ? qqi_with_sign_f32((float)r, x) : x;
}

// The largest integer that is not above x; -0 stays.
QQI_INLINE float qqi_floor_f32(float x)
{
    const int cut = qqi_abs_f32(x) < 8388608.0f;
    const int32_t r = (int32_t)(cut ? x : 0.0f);
    const int32_t f = r - (int32_t)((float)r > x);

    return cut ? qqi_with_sign_f32((float)f, x) : x;
}

// x to nearest even, then into [lo, hi]; NaN counts as 0. lo <= hi.
QQI_INLINE int32_t qqi_sat_i32(float x, int32_t lo, int32_t hi)
{
    const float a = qqi_abs_f32(x);
    const int cut = a < 8388608.0f;
    const int fits = a < 2147483648.0f;
    const int32_t beyond = x > 0.0f ? INT32_MAX : x < 0.0f ? INT32_MIN : 0;
    // From 2^23 on the conversion is exact.
    const int32_t big = (int32_t)(fits ? x : 0.0f);
    const int32_t even = qqi_rne_small_f32(cut ? x : 0.0f);
    const int32_t r = cut ? even : fits ? big : beyond;

    return r < lo ? lo : r > hi ? hi : r;
}

// How many of the last bits of u stand for the fraction: 0 where the number is
// an integer by its size (or infinite, or NaN), 53 and more below 1.
QQI_FN int qqi_fraction_bits_f64(uint64_t u)
{
    const int e = (int)(u >> 52 & 0x7ff);

    return e >= 1075 ? 0 : 1075 - e;
}

QQI_FN double qqi_rne_f64(double x)
{
    const uint64_t u = qqi_f64_bits(x);
    const uint64_t sign = u & (uint64_t)1 << 63;
    const int n = qqi_fraction_bits_f64(u);

    if (n == 0)
        return x;
    if (n >= 53) { // below 1: 1/2 itself is a tie and goes to 0
        const uint64_t half = (uint64_t)1022 << 52;
        return qqi_f64_of((u ^ sign) > half ? sign | (uint64_t)1023 << 52
                                            : sign);
    }
    const uint64_t one = (uint64_t)1 << n;
    // From 1 to 2 the last bit of the integer is the hidden one; the field of
    // the exponent has its last bit set there, so the same place serves.
    const uint64_t r = u + (one / 2 - 1) + (u >> n & 1);
    return qqi_f64_of(r & ~(one - 1));
}

QQI_FN double qqi_trunc_f64(double x)
{
    const uint64_t u = qqi_f64_bits(x);
    const int n = qqi_fraction_bits_f64(u);

    if (n == 0)
        return x;
    if (n >= 53)
        return qqi_f64_of(u & (uint64_t)1 << 63);
    return qqi_f64_of(u & ~(((uint64_t)1 << n) - 1));
}

QQI_FN double qqi_floor_f64(double x)
{
    const double t = qqi_trunc_f64(x);

    return x < t ? t - 1.0 : t;
}

// x to nearest even, then into [lo, hi]; NaN counts as 0. lo <= hi.
QQI_FN int32_t qqi_sat_i32_f64(double x, int32_t lo, int32_t hi)
{
    const double r = qqi_is_nan_f64(x) ? 0.0 : qqi_rne_f64(x);

    if (r <= (double)lo)
        return lo;
    return r >= (double)hi ? hi : (int32_t)r;
}

#endif // QQUANT_NUM_ROUND_H
