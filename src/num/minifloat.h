// qquant floor 2: floats of 4, 6 and 8 bits.
//
//   code = sign, exponent field e, mantissa field m, the sign in front
//   value = (-1)^sign * (1 + m / 2^M) * 2^(e - bias)    e > 0
//         = (-1)^sign * m / 2^M * 2^(1 - bias)          e = 0, subnormal
//
// A magnitude grows with its low bits, so that rounding may carry into the
// exponent, and all above the largest finite code is infinity and NaN. The
// types differ in what they keep for those two (OCP FP8 and MX, IEEE 754,
// and the fnuz types of Graphcore and AMD, whose code 80 is their only NaN
// and stands where -0 would):
//
//   type         exp mant bias  largest    inf  NaN      written for NaN
//   e4m3fn         4    3    7  448        -    7f       7f ff
//   e5m2           5    2   15  57344      7c   7d..7f   7e fe
//   e4m3           4    3    7  240        78   79..7f   7c fc
//   e4m3fnuz       4    3    8  240        -    80       80
//   e5m2fnuz       5    2   16  57344      -    80       80
//   e4m3b11fnuz    4    3   11  30         -    80       80
//   e3m4           3    4    3  15.5       70   71..7f   78 f8
//   e2m3           2    3    1  7.5        -    -        20, which is -0
//   e3m2           3    2    3  28         -    -        20, which is -0
//   e2m1           2    1    1  6          -    -        8, which is -0
//
// All of it is integer arithmetic, or exact products of normal floats.

#ifndef QQUANT_NUM_MINIFLOAT_H
#define QQUANT_NUM_MINIFLOAT_H

#include "num/bits.h"
#include "num/half.h"

typedef struct qqi_minifloat {
    uint8_t exp_bits;
    uint8_t mant_bits;
    uint8_t bias;
    uint8_t max;        // largest finite magnitude
    uint8_t inf;        // magnitude of infinity, 0 where there is none
    uint8_t nan;        // the code written for NaN
    uint8_t signed_nan; // 1: with the sign of the NaN in front
    uint8_t fnuz;       // 1: no -0, and its code is the NaN
} qqi_minifloat;

// The list, for tables and tests: X(name, exp, mant, bias, max, inf, nan,
// signed_nan, fnuz).
#define QQI_MINIFLOATS(X)                                                      \
    X(e4m3fn, 4, 3, 7, 0x7e, 0, 0x7f, 1, 0)                                    \
    X(e5m2, 5, 2, 15, 0x7b, 0x7c, 0x7e, 1, 0)                                  \
    X(e4m3, 4, 3, 7, 0x77, 0x78, 0x7c, 1, 0)                                   \
    X(e4m3fnuz, 4, 3, 8, 0x7f, 0, 0x80, 0, 1)                                  \
    X(e5m2fnuz, 5, 2, 16, 0x7f, 0, 0x80, 0, 1)                                 \
    X(e4m3b11fnuz, 4, 3, 11, 0x7f, 0, 0x80, 0, 1)                              \
    X(e3m4, 3, 4, 3, 0x6f, 0x70, 0x78, 1, 0)                                   \
    X(e2m3, 2, 3, 1, 0x1f, 0, 0x20, 0, 0)                                      \
    X(e3m2, 3, 2, 3, 0x1f, 0, 0x20, 0, 0)                                      \
    X(e2m1, 2, 1, 1, 0x07, 0, 0x08, 0, 0)

// qqi_e4m3fn, qqi_e5m2, ...
#define QQI_MINIFLOAT_ROW(name, exp, mant, bias, max, inf, nan, sn, fnuz)      \
    static const qqi_minifloat qqi_##name QQI_UNUSED = {                       \
        exp, mant, bias, max, inf, nan, sn, fnuz};
QQI_MINIFLOATS(QQI_MINIFLOAT_ROW)

// What is beyond the largest finite value: that value if saturate, else
// infinity where the type has one, else NaN, else the largest value again.
QQI_INLINE uint32_t qqi_minifloat_overflow(const qqi_minifloat *t,
                                           uint32_t sign, int saturate)
{
    if (saturate || (!t->inf && !t->signed_nan && !t->fnuz))
        return sign | t->max;
    if (t->inf)
        return sign | t->inf;
    return t->signed_nan ? sign | t->nan : t->nan;
}

// The code of x, to nearest even in one rounding, in the low bits. An
// infinity counts as overflow, saturated too.
QQI_INLINE uint8_t qqi_minifloat_from_f32(const qqi_minifloat *t, float x,
                                          int saturate)
{
    const int drop = 23 - t->mant_bits;
    const uint32_t u = qqi_f32_bits(x);
    const uint32_t a = u & 0x7fffffffu;
    const uint32_t sign = (u >> 31) << (t->exp_bits + t->mant_bits);

    if (a > 0x7f800000u)
        return (uint8_t)(t->signed_nan ? sign | t->nan : t->nan);

    const int e = (int)(a >> 23) - 127 + t->bias; // the exponent field to be
    uint32_t r = 0;
    if (e >= 1) {
        const uint32_t rebias = (uint32_t)(127 - t->bias) << 23;
        r = qqi_rshift_even_u32(a - rebias, drop);
    } else if (drop + 1 - e <= 24) { // else below half of the smallest
        const uint32_t m = (a & 0x7fffffu) | 0x800000u;
        r = qqi_rshift_even_u32(m, drop + 1 - e);
    }
    if (r > t->max)
        return (uint8_t)qqi_minifloat_overflow(t, sign, saturate);
    return (uint8_t)(r == 0 && t->fnuz ? 0 : sign | r);
}

// The value of a code; bits above the type's width are ignored. A NaN is the
// quiet one with the sign of the code.
QQI_INLINE float qqi_f32_from_minifloat(const qqi_minifloat *t, uint8_t code)
{
    const int width = t->exp_bits + t->mant_bits;
    const uint32_t a = code & (((uint32_t)1 << width) - 1);
    const uint32_t sign = (uint32_t)(code >> width & 1) << 31;

    if (t->fnuz && sign != 0 && a == 0)
        return qqi_f32_of(0xffc00000u);
    if (a > t->max)
        return qqi_f32_of(sign | (a == t->inf ? 0x7f800000u : 0x7fc00000u));
    if (a >> t->mant_bits != 0) {
        const uint32_t rebias = (uint32_t)(127 - t->bias) << 23;
        return qqi_f32_of(sign | ((a << (23 - t->mant_bits)) + rebias));
    }
    // A few steps of 2^(1 - bias - mant_bits), at least 2^-17: exact.
    const int step = 127 + 1 - t->bias - t->mant_bits;
    const float m = (float)(int32_t)a * qqi_f32_of((uint32_t)step << 23);
    return qqi_f32_of(sign | qqi_f32_bits(m));
}

#endif // QQUANT_NUM_MINIFLOAT_H
