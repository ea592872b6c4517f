// qquant floor 2: exp and exp2.
//
// 2^(n + f) = 2^n * 2^(i/32) * 2^r, f = i/32 + r: a table and a polynomial in
// fixed point, the relative error below 2^-60. exp(x) = 2^(x * log2(e)), the
// product made with 96 bits of log2(e). Tests walk all floats and find none
// whose exact answer lies within that error of a midpoint between two floats:
// every result is the correctly rounded one, subnormals included.

#ifndef QQUANT_NUM_EXP_H
#define QQUANT_NUM_EXP_H

#include "num/fixed.h"

// 2^(i/32) in Q63, nearest.
static const uint64_t qqi_exp2_table[32] QQI_UNUSED = {
    0x8000000000000000, 0x82cd8698ac2ba1d7, 0x85aac367cc487b15,
    0x88980e8092da8527, 0x8b95c1e3ea8bd6e7, 0x8ea4398b45cd53c0,
    0x91c3d373ab11c336, 0x94f4efa8fef70961, 0x9837f0518db8a96f,
    0x9b8d39b9d54e5539, 0x9ef5326091a111ae, 0xa27043030c496819,
    0xa5fed6a9b15138ea, 0xa9a15ab4ea7c0ef8, 0xad583eea42a14ac6,
    0xb123f581d2ac2590, 0xb504f333f9de6484, 0xb8fbaf4762fb9ee9,
    0xbd08a39f580c36bf, 0xc12c4cca66709456, 0xc5672a115506dadd,
    0xc9b9bd866e2f27a3, 0xce248c151f8480e4, 0xd2a81d91f12ae45a,
    0xd744fccad69d6af4, 0xdbfbb797daf23755, 0xe0ccdeec2a94e111,
    0xe5b906e77c8348a8, 0xeac0c6e7dd24392f, 0xefe4b99bdcdaf5cb,
    0xf5257d152486cc2c, 0xfa83b2db722a033a,
};

// ln(2)^k / k! in Q64, nearest, k = 1..8: the series of 2^r - 1. With r below
// 1/32 the next term is below 2^-68.
static const uint64_t qqi_exp2_series[8] QQI_UNUSED = {
    0xb17217f7d1cf79ac, 0x3d7f7bff058b1d51, 0x0e35846b82505fc6,
    0x0276556df749cee5, 0x005761ff9e299cc4, 0x000a184897c363c4,
    0x0000ffe5fe2c4586, 0x0000162c0223a5c8,
};

// 2^f in Q63 for f in Q64; exactly 2^63 for f = 0.
QQI_FN uint64_t qqi_exp2_fixed(uint64_t f)
{
    const uint64_t base = qqi_exp2_table[f >> 59];
    const uint64_t r = f & (((uint64_t)1 << 59) - 1);
    uint64_t p = qqi_exp2_series[7];

    for (int k = 6; k >= 0; k--)
        p = qqi_exp2_series[k] + qqi_mulhi_u64(r, p);
    return base + qqi_mulhi_u64(base, qqi_mulhi_u64(r, p));
}

// |x| = m * 2^e from 2^-26 to below 256, as whole + fraction in Q64, exact.
QQI_FN QQI_WRAPS uint64_t qqi_exp2_cut(uint32_t m, int e, int *whole)
{
    *whole = (int)((uint64_t)m >> -e);
    return (uint64_t)m << (64 + e);
}

// The same of |x| * log2(e). m * floor(log2(e) * 2^95) has up to 120 bits;
// 64 of its fraction are kept.
QQI_FN QQI_WRAPS uint64_t qqi_exp_cut(uint32_t m, int e, int *whole)
{
    const uint64_t p0 = m * (uint64_t)0xbe87fed0u;
    const uint64_t p1 = m * (uint64_t)0x5c17f0bbu + (p0 >> 32);
    const uint64_t hi = m * (uint64_t)0xb8aa3b29u + (p1 >> 32);
    const uint64_t lo = p1 << 32 | (p0 & 0xffffffffu);
    const int shift = 31 - e; // hi * 2^64 + lo becomes Q64; from 47 to 80

    if (shift >= 64) {
        *whole = 0;
        return hi >> (shift - 64);
    }
    *whole = (int)(hi >> shift);
    return hi << (64 - shift) | lo >> shift;
}

// 2^-(whole + f) as 2^n * 2^f', f' in Q64.
QQI_FN QQI_WRAPS uint64_t qqi_exp2_negate(uint64_t f, int *whole)
{
    *whole = -*whole - (f != 0);
    return 0 - f;
}

// The two differ in how x is cut. Below 2^-26 the result rounds to 1; from 256
// on it is 0 or infinite, and NaN stays.
QQI_INLINE float qqi_exp_any(float x, uint64_t (*cut)(uint32_t, int, int *))
{
    const uint32_t a = qqi_f32_magnitude(x);
    const int negative = qqi_f32_bits(x) != a;
    int e, n;

    if (a > 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (a >= 0x43800000u)
        return negative ? 0.0f : qqi_f32_of((uint32_t)QQI_F32_INF);
    if (a < 0x32800000u)
        return 1.0f;
    const uint32_t m = qqi_split_f32(a, &e);
    uint64_t f = cut(m, e, &n);
    if (negative)
        f = qqi_exp2_negate(f, &n);
    return qqi_round_fixed(0, qqi_exp2_fixed(f), n);
}

QQI_FN float qqi_exp2_f32(float x)
{
    return qqi_exp_any(x, qqi_exp2_cut);
}

QQI_FN float qqi_exp_f32(float x)
{
    return qqi_exp_any(x, qqi_exp_cut);
}

#endif // QQUANT_NUM_EXP_H
