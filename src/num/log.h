// qquant floor 2: log and log2.
//
// x = 2^k * m, m between sqrt(1/2) and sqrt(2); s = (m - 1) / (m + 1):
//
//   log(x) = k ln(2) + 2 s (1 + s^2/3 + s^4/5 + ...),  log2(x) = k + ...
//
// in fixed point, s with 64 bits of its own scale, so that results near 0 are
// as exact as others: the relative error is below 2^-59. Tests walk all floats
// and find none whose exact answer lies within that error of a midpoint
// between two floats: every result is the correctly rounded one.

#ifndef QQUANT_NUM_LOG_H
#define QQUANT_NUM_LOG_H

#include "num/fixed.h"

// 1 / (2j + 1) in Q64, nearest, j = 1..11. s^2 is below 2^-5, so that the next
// term is below 2^-65.
static const uint64_t qqi_log_series[11] QQI_UNUSED = {
    0x5555555555555555, 0x3333333333333333, 0x2492492492492492,
    0x1c71c71c71c71c72, 0x1745d1745d1745d1, 0x13b13b13b13b13b1,
    0x1111111111111111, 0x0f0f0f0f0f0f0f0f, 0x0d79435e50d79436,
    0x0c30c30c30c30c31, 0x0b21642c8590b216,
};

// What is known of a logarithm: log(x) = k ln(2) + v * 2^(e - 63), v with its
// first bit set and negated where less is 1; v is 0, e -1 for powers of two.
typedef struct qqi_log_parts {
    int k;
    int less;
    uint64_t v;
    int e;
} qqi_log_parts;

// |n| / d * 2^(64 + shift), where shift makes n as long as d allows: a
// quotient below 1 with at least 62 bits.
QQI_FN uint64_t qqi_log_ratio(uint32_t n, uint32_t d, int *shift)
{
    *shift = 0;
    while (n < 0x800000u) {
        n <<= 1;
        *shift += 1;
    }
    const uint64_t wide = (uint64_t)n << 40;
    const uint64_t high = wide / d; // below 2^40, as n < 2^24 <= d
    const uint64_t rest = wide % d;
    return high << 24 | (rest << 24) / d;
}

// magnitude: the bits of a positive finite float.
QQI_FN qqi_log_parts qqi_log_split(uint32_t magnitude)
{
    qqi_log_parts r;
    int e, shift;
    const uint32_t m = qqi_split_f32(magnitude, &e);
    const uint32_t one = m > 0xb504f3u ? 0x1000000u : 0x800000u;

    r.k = e + (one > 0x800000u ? 24 : 23);
    r.less = m < one;
    r.v = 0;
    r.e = -1;
    if (m == one)
        return r;
    const uint32_t n = m < one ? one - m : m - one;
    const uint64_t q = qqi_log_ratio(n, m + one, &shift); // Q(64 + shift)
    const uint64_t s = q >> shift;
    const uint64_t z = qqi_mulhi_u64(s, s);
    uint64_t p = qqi_log_series[10];
    for (int j = 9; j >= 0; j--)
        p = qqi_log_series[j] + qqi_mulhi_u64(z, p);
    const uint64_t w = ((uint64_t)1 << 63) + (qqi_mulhi_u64(z, p) >> 1); // Q63
    r.v = qqi_mulhi_u64(q, w); // the half of log(m) in Q(63 + shift)
    const int zeros = qqi_clz_u64(r.v);
    r.v <<= zeros;
    r.e = 1 - shift - zeros;
    return r;
}

// k * unit + v * 2^(e - 63) as a float; unit in Q64, or 0 for 1. k is not 0
// and the sum has its sign.
QQI_FN QQI_WRAPS float qqi_log_sum(int k, uint64_t unit, int less, uint64_t v,
                                   int e)
{
    const uint64_t n = (uint64_t)(k < 0 ? -k : k);
    uint64_t hi = unit ? qqi_mulhi_u64(n, unit) : n;
    uint64_t lo = n * unit;
    const int shift = -1 - e; // v becomes Q64
    const uint64_t part = shift > 63 ? 0 : v >> shift;

    if (less == (k < 0)) {
        lo += part;
        hi += lo < part;
    } else {
        hi -= lo < part;
        lo -= part;
    }
    const int zeros = hi ? qqi_clz_u64(hi) : 64 + qqi_clz_u64(lo);
    const uint64_t m = zeros == 0    ? hi
                       : zeros >= 64 ? lo << (zeros - 64)
                                     : hi << zeros | lo >> (64 - zeros);
    return qqi_round_fixed(k < 0 ? 0x80000000u : 0, m, 63 - zeros);
}

// The answers that need no arithmetic: 1 where *y is one of them.
QQI_INLINE int qqi_log_special(float x, float *y)
{
    const uint32_t u = qqi_f32_bits(x);

    // Not (u & 0x7fffffff) == 0: clang 19 makes that a comparison of floats.
    if (u == 0 || u == 0x80000000u)
        *y = qqi_f32_of(0xff800000u);
    else if (u > 0x7f800000u)
        *y = qqi_f32_of((uint32_t)QQI_F32_NAN);
    else if (u == 0x7f800000u)
        *y = x;
    else
        return 0;
    return 1;
}

QQI_FN float qqi_log_f32(float x)
{
    float y;

    if (qqi_log_special(x, &y))
        return y;
    const qqi_log_parts r = qqi_log_split(qqi_f32_bits(x));
    if (r.k != 0)
        return qqi_log_sum(r.k, 0xb17217f7d1cf79ac, r.less, r.v, r.e);
    if (r.v == 0)
        return 0.0f;
    return qqi_round_fixed(r.less ? 0x80000000u : 0, r.v, r.e);
}

QQI_FN float qqi_log2_f32(float x)
{
    float y;

    if (qqi_log_special(x, &y))
        return y;
    qqi_log_parts r = qqi_log_split(qqi_f32_bits(x));
    if (r.v == 0)
        return (float)r.k;
    // log2(e) in Q63; v times it loses at most one bit in front.
    r.v = qqi_mulhi_u64(r.v, 0xb8aa3b295c17f0bc);
    r.e += 1;
    if (r.v >> 63 == 0) {
        r.v <<= 1;
        r.e -= 1;
    }
    if (r.k != 0)
        return qqi_log_sum(r.k, 0, r.less, r.v, r.e);
    return qqi_round_fixed(r.less ? 0x80000000u : 0, r.v, r.e);
}

#endif // QQUANT_NUM_LOG_H
