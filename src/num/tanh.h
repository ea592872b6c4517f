// qquant floor 2: tanh.
//
//   |x| below 1/4   x (1 - x^2/3 + 2 x^4/15 - ...)
//   else            1 - 2 u / (1 + u),  u = exp(-2 |x|)
//
// in fixed point, the relative error below 2^-58. Tests walk all floats and
// find none whose exact answer lies within that error of a midpoint between
// two floats: every result is the correctly rounded one.

#ifndef QQUANT_NUM_TANH_H
#define QQUANT_NUM_TANH_H

#include "num/exp.h"

// The coefficients of x^3, x^5, ... without their alternating signs in Q64,
// nearest. x^2 is below 1/16: the next term is below 2^-69.
static const uint64_t qqi_tanh_series[13] QQI_UNUSED = {
    0x5555555555555555, 0x2222222222222222, 0x0dd0dd0dd0dd0dd1,
    0x05993d220b043e7d, 0x0244dc6abcd84792, 0x00eb69e870abeefe,
    0x005f68d914add78b, 0x0026ab049006ce89, 0x000fabebb9a68b32,
    0x000659f862bf2beb, 0x000292fb1dd44a4b, 0x00010b132d39a605,
    0x00006c3dcb4fb894,
};

// x = m * 2^e from 2^-13 to below 1/4; the result in Q63 of m's own binade:
// times 2^(e + 24 - 64).
QQI_FN uint64_t qqi_tanh_small(uint32_t m, int e)
{
    const uint64_t square = (uint64_t)m * m;
    const int up = 64 + 2 * e; // from -8 to 12
    const uint64_t z = up >= 0 ? square << up : square >> -up;
    uint64_t p = qqi_tanh_series[12];

    for (int j = 11; j >= 0; j--)
        p = qqi_tanh_series[j] - qqi_mulhi_u64(z, p);
    const uint64_t less = qqi_mulhi_u64(z, p);
    const uint64_t x = (uint64_t)m << 40;
    return x - qqi_mulhi_u64(x, less) - 1; // -1: the cut makes it too large
}

// u / (1 + u) in Q64 for u in Q64, 2^-27 to 2/3: a reciprocal good to 31 bits
// and one step of Newton's.
QQI_FN uint64_t qqi_tanh_ratio(uint64_t u)
{
    const uint64_t one = (uint64_t)1 << 63;
    const uint64_t d = one + (u >> 1);                 // Q63, above 1
    const uint64_t y = (UINT64_MAX / (d >> 32)) << 31; // Q64, below 1
    const uint64_t dy = qqi_mulhi_u64(d, y);           // Q63, nearly 1

    if (dy < one)
        return qqi_mulhi_u64(u, y + qqi_mulhi_u64(y, (one - dy) << 1));
    return qqi_mulhi_u64(u, y - qqi_mulhi_u64(y, (dy - one) << 1));
}

QQI_FN float qqi_tanh_f32(float x)
{
    const uint32_t a = qqi_f32_magnitude(x);
    const uint32_t sign = qqi_f32_bits(x) ^ a;
    int e, n;

    if (a > 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (a < 0x39000000u) // 2^-13: x^2 / 3 is below a quarter of an ulp
        return x;
    if (a >= 0x41108000u) // 9.03125: 2 exp(-2x) is below half an ulp of 1
        return qqi_f32_of(sign | 0x3f800000u);
    const uint32_t m = qqi_split_f32(a, &e);
    uint64_t v;
    if (a < 0x3e800000u) {
        v = qqi_tanh_small(m, e);
        e += 23;
    } else {
        uint64_t f = qqi_exp_cut(m, e + 1, &n);
        f = qqi_exp2_negate(f, &n);
        v = qqi_tanh_ratio(qqi_exp2_fixed(f) >> (-1 - n));
        v = UINT64_MAX - 2 * v;
        e = -1;
    }
    const int zeros = qqi_clz_u64(v);
    return qqi_round_fixed(sign, v << zeros, e - zeros);
}

#endif // QQUANT_NUM_TANH_H
