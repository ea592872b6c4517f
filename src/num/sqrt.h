// qquant floor 2: square root, correctly rounded, in integers.
//
// x = m * 2^E with E even; the root of m, with one bit more than the result
// holds, is cut off and then rounded by that bit. This is exact: a root never
// lies half way between two floats, for the square of such a number has more
// bits than x.
//
// The first half of the root is found bit by bit, the second by a division
// (Zimmermann's Karatsuba square root): with n = (s^2 + r) * 4^b + low and q
// and u quotient and rest of (r * 2^b + low / 2^b) by 2s, the root of n is
// s * 2^b + q, or 1 less where the square of that is above n. s must have its
// first bit set.

#ifndef QQUANT_NUM_SQRT_H
#define QQUANT_NUM_SQRT_H

#include "num/fixed.h"

// floor(sqrt(n)) for n below 4^bits, bits <= 15, and what n is above its
// square: at most twice the root.
QQI_INLINE uint32_t qqi_root_bits(uint32_t n, int bits, uint64_t *left)
{
    uint32_t root = 0;
    uint32_t rem = 0;

    for (int i = 2 * bits - 2; i >= 0; i -= 2) {
        const uint32_t next = root << 2 | 1;
        rem = rem << 2 | (n >> i & 3);
        root <<= 1;
        root |= rem >= next;
        rem -= rem >= next ? next : 0;
    }
    *left = rem;
    return root;
}

// From s and *r to the root and rest of (s^2 + *r) * 4^b + low.
QQI_INLINE uint64_t qqi_root_step(uint64_t s, uint64_t *r, int b, uint64_t low)
{
    const uint64_t wide = (*r << b) + (low >> b);
    const uint64_t q = wide / (2 * s);
    const uint64_t root = (s << b) + q;
    const uint64_t rest =
        (wide % (2 * s) << b) + (low & (((uint64_t)1 << b) - 1));

    if (rest >= q * q) {
        *r = rest - q * q;
        return root;
    }
    *r = rest + 2 * root - 1 - q * q;
    return root - 1;
}

// sqrt(-0) = -0, sqrt(inf) = inf; NaN and what is below 0 give NaN.
QQI_FN float qqi_sqrt_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);
    uint64_t r;
    int e;

    // Not (u & 0x7fffffff) == 0: clang 19 makes that a comparison of floats.
    if (u == 0 || u == 0x80000000u || u == 0x7f800000u)
        return x;
    if (u > 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);

    // x = m * 2^e; e + 23 is made even, so that m is in [1, 4) * 2^23.
    uint32_t m = qqi_split_f32(u, &e);
    if (!(e & 1)) {
        m <<= 1;
        e--;
    }
    // 13 bits of the root from m * 2, 12 from the zeros behind it.
    const uint32_t s = qqi_root_bits(m << 1, 13, &r);
    const uint32_t root = (uint32_t)qqi_root_step(s, &r, 12, 0);
    // The hidden bit adds 1 to the exponent field.
    const uint32_t field = (uint32_t)((e + 23) / 2 + 126);
    return qqi_f32_of((field << 23) + ((root + 1) >> 1));
}

// The same in double.
QQI_FN double qqi_sqrt_f64(double x)
{
    uint64_t m = qqi_f64_bits(x);
    const uint64_t hidden = (uint64_t)1 << 52;
    uint64_t r;

    if (qqi_f64_magnitude(x) == 0 || m == (uint64_t)0x7ff << 52)
        return x;
    if (m > (uint64_t)0x7ff << 52)
        return qqi_f64_of((uint64_t)0x7ff8 << 48);

    int e = (int)(m >> 52);
    m &= hidden - 1;
    if (e == 0) {
        e = 1;
        while (m < hidden) {
            m <<= 1;
            e--;
        }
    }
    m |= hidden;
    if (!(e & 1)) {
        m <<= 1;
        e--;
    }
    // 14 bits of the root from the upper 28 of m's 54, 13 from the lower 26,
    // 27 from the zeros behind.
    uint64_t s = qqi_root_bits((uint32_t)(m >> 26), 14, &r);
    s = qqi_root_step(s, &r, 13, m & 0x3ffffffu);
    const uint64_t root = qqi_root_step(s, &r, 27, 0);
    const uint64_t field = (uint64_t)((e - 1023) / 2 + 1022);
    return qqi_f64_of((field << 52) + ((root + 1) >> 1));
}

#endif // QQUANT_NUM_SQRT_H
