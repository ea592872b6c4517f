// qquant floor 2: half and bfloat16, and double to every shorter float.
//
//   f16   1 sign, 5 exponent, 10 mantissa bits   largest 65504
//   bf16  1 sign, 8 exponent,  7 mantissa bits   the upper half of an f32
//
// Each conversion is one rounding to nearest even, in integers: flushing of
// subnormals cannot change it. What is too large becomes an infinity. A NaN
// comes out quiet, with its sign and as many leading bits of its payload as
// there is room for.

#ifndef QQUANT_NUM_HALF_H
#define QQUANT_NUM_HALF_H

#include "num/bits.h"

// v / 2^s to nearest even; s from 1 to 63, v + 2^(s-1) below 2^64.
QQI_INLINE uint64_t qqi_rshift_even_u64(uint64_t v, int s)
{
    return (v + (((uint64_t)1 << (s - 1)) - 1) + (v >> s & 1)) >> s;
}

QQI_INLINE uint32_t qqi_rshift_even_u32(uint32_t v, int s)
{
    return (v + (((uint32_t)1 << (s - 1)) - 1) + (v >> s & 1)) >> s;
}

QQI_INLINE uint16_t qqi_f16_from_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);
    const uint32_t a = u & 0x7fffffffu;
    const uint32_t sign = u >> 16 & 0x8000u;

    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
    if (a >= 0x477ff000u) // 65520, half way to 2^16
        return (uint16_t)(sign | 0x7c00u);
    if (a >= 0x38800000u) // 2^-14; the exponents' biases are 112 apart
        return (uint16_t)(sign | qqi_rshift_even_u32(a - 0x38000000u, 13));

    // In steps of 2^-24. Below 2^-25 nothing is left; half a step is even.
    const int shift = 126 - (int)(a >> 23);
    if (shift > 24)
        return (uint16_t)sign;
    const uint32_t m = (a & 0x7fffffu) | 0x800000u;
    return (uint16_t)(sign | qqi_rshift_even_u32(m, shift));
}

QQI_INLINE float qqi_f32_from_f16(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t a = h & 0x7fffu;

    if (a > 0x7c00u)
        return qqi_f32_of(sign | 0x7fc00000u | a << 13);
    if (a == 0x7c00u)
        return qqi_f32_of(sign | 0x7f800000u);
    if (a >= 0x400u)
        return qqi_f32_of(sign | ((a << 13) + 0x38000000u));
    // At most 1023 steps of 2^-24: a normal float, and an exact product.
    const float m = (float)(int32_t)a * 5.9604644775390625e-8f;
    return qqi_f32_of(sign | qqi_f32_bits(m));
}

QQI_INLINE uint16_t qqi_bf16_from_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);

    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40u);
    // With the sign in front the sum stays below 2^32: u <= 0xff800000.
    return (uint16_t)qqi_rshift_even_u32(u, 16);
}

QQI_INLINE float qqi_f32_from_bf16(uint16_t h)
{
    const uint32_t u = (uint32_t)h << 16;

    return qqi_f32_of((u & 0x7fffffffu) > 0x7f800000u ? u | 0x400000u : u);
}

// The bits of x in a float of exp_bits and mant_bits, right aligned with the
// sign in front: 5 and 10 for f16, 8 and 7 for bf16, 8 and 23 for f32.
QQI_INLINE uint32_t qqi_narrow_f64(double x, int exp_bits, int mant_bits)
{
    const uint64_t u = qqi_f64_bits(x);
    const uint64_t a = u & ~((uint64_t)1 << 63);
    const uint32_t sign = (uint32_t)(u >> 63) << (exp_bits + mant_bits);
    const uint32_t inf = (((uint32_t)1 << exp_bits) - 1) << mant_bits;
    const int bias = (1 << (exp_bits - 1)) - 1;
    const int drop = 52 - mant_bits;

    if (a > (uint64_t)0x7ff << 52) {
        const uint64_t payload = a & (((uint64_t)1 << 52) - 1);
        const uint32_t quiet = (uint32_t)1 << (mant_bits - 1);
        return sign | inf | quiet | (uint32_t)(payload >> drop);
    }
    const int e = (int)(a >> 52) - 1023 + bias; // the exponent field to be
    if (e >= 1) {
        const uint64_t rebias = (uint64_t)(1023 - bias) << 52;
        const uint64_t r = qqi_rshift_even_u64(a - rebias, drop);
        return sign | (r < inf ? (uint32_t)r : inf);
    }
    // Subnormal. A shift of 54 or more leaves nothing.
    const int shift = drop + 1 - e;
    if (shift > 53)
        return sign;
    const uint64_t m = (a & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    return sign | (uint32_t)qqi_rshift_even_u64(m, shift);
}

QQI_FN uint16_t qqi_f16_from_f64(double x)
{
    return (uint16_t)qqi_narrow_f64(x, 5, 10);
}

QQI_FN uint16_t qqi_bf16_from_f64(double x)
{
    return (uint16_t)qqi_narrow_f64(x, 8, 7);
}

// What a cast gives in the default mode.
QQI_FN float qqi_f32_from_f64(double x)
{
    return qqi_f32_of(qqi_narrow_f64(x, 8, 23));
}

#endif // QQUANT_NUM_HALF_H
