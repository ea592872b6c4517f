// qquant floor 2: float to double, and double to float on the way elsewhere.
//
// A double that goes to a number of few bits by way of a float would be
// rounded twice. It is not where the first rounding is to odd: what is no
// float becomes the neighbour whose last bit is 1. That one is never a middle
// between two numbers of at most 22 bits, and lies on the same side of all of
// them as the double did.

#ifndef QQUANT_NUM_WIDEN_H
#define QQUANT_NUM_WIDEN_H

#include "num/bits.h"

// Exact. By bits, so that subnormals pass a machine that flushes them; NaN
// comes out quiet.
QQI_INLINE double qqi_f64_from_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);
    const uint32_t a = u & 0x7fffffffu;
    const uint64_t sign = (uint64_t)(u >> 31) << 63;
    const uint64_t top = (uint64_t)0x7ff << 52;

    if (a > 0x7f800000u)
        return qqi_f64_of(sign | top | (uint64_t)1 << 51 |
                          (uint64_t)(a & 0x7fffffu) << 29);
    if (a == 0x7f800000u)
        return qqi_f64_of(sign | top);
    if (a >= 0x800000u) // the exponents' biases are 896 apart
        return qqi_f64_of(sign | (((uint64_t)a << 29) + ((uint64_t)896 << 52)));
    // Steps of 2^-149: a normal double, and an exact product.
    const double m = (double)(int32_t)a * qqi_f64_of((uint64_t)874 << 52);
    return qqi_f64_of(sign | qqi_f64_bits(m));
}

// To odd: the largest float for all finite numbers beyond it.
QQI_FN float qqi_odd_f32_from_f64(double x)
{
    const uint64_t u = qqi_f64_bits(x);
    const uint64_t a = u & ~((uint64_t)1 << 63);
    const uint64_t fraction = a & (((uint64_t)1 << 52) - 1);
    const uint32_t sign = (uint32_t)(u >> 63) << 31;
    const int e = (int)(a >> 52) - 896; // the exponent field to be

    if (a > (uint64_t)0x7ff << 52)
        return qqi_f32_of(sign | 0x7fc00000u | (uint32_t)(fraction >> 29));
    if (a == (uint64_t)0x7ff << 52)
        return qqi_f32_of(sign | 0x7f800000u);
    if (e >= 255)
        return qqi_f32_of(sign | 0x7f7fffffu);
    // From 2^-126 on 29 bits are cut off, below that more, in the end all.
    const uint64_t field = e >= 1 ? (uint64_t)e << 23 : 0;
    const uint64_t hidden = e >= 1 || e == -896 ? 0 : (uint64_t)1 << 52;
    const uint64_t m = fraction | hidden;
    const int cut = e >= 1 ? 29 : 30 - e < 63 ? 30 - e : 63;
    const uint64_t lost = m & (((uint64_t)1 << cut) - 1);
    const uint32_t r = (uint32_t)(field | m >> cut) | (lost != 0);
    return qqi_f32_of(sign | r);
}

#endif // QQUANT_NUM_WIDEN_H
