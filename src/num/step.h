// qquant floor 2: the floating-point steps that decide bits.
//
// A compiler may fuse a product into a later sum: gcc does so in GNU mode,
// clang by -ffp-contract=fast, both again after inlining. It then skips the
// rounding of the product, and the answer depends on flags. So a rounded
// product that is added to goes through qqi_mul_f32, which keeps it, and a
// fused one is asked for by qqi_fma_f32. Sums, differences, quotients and
// comparisons of values that are no bare products need no protection.
//
// Bits are promised for the default mode: nearest even, subnormals kept.

#ifndef QQUANT_NUM_STEP_H
#define QQUANT_NUM_STEP_H

#include "num/bits.h"

// x, rounded to its type and no more known as the product that made it.
QQI_INLINE float qqi_keep_f32(float x)
{
    QQI_KEEP_F32(x);
    return x;
}

QQI_INLINE double qqi_keep_f64(double x)
{
    QQI_KEEP_F64(x);
    return x;
}

// One rounding each, whatever is done with the result.
QQI_INLINE float qqi_mul_f32(float a, float b)
{
    return qqi_keep_f32(a * b);
}

QQI_INLINE double qqi_mul_f64(double a, double b)
{
    return qqi_keep_f64(a * b);
}

// a * b + c with one rounding, where the machine has no such instruction.
//
// The product of two floats has at most 48 bits and lies between 2^-298 and
// 2^256, so it is exact in double, and fusing it into a sum changes nothing.
// s is the sum rounded to double, e what that rounding lost (two-sum, exact
// as nothing here overflows or drops below 2^-298). Where e is not 0 the exact
// sum lies between two doubles, and the odd one of them is taken: rounding to
// odd. Floats, and midpoints between floats, are even doubles, for a double
// has 53 bits and a float 24, fewer below 2^-126; so the odd double lies on
// the same side of all of them as the exact sum, and the conversion to float
// rounds as if from that.
QQI_INLINE float qqi_fma_soft_f32(float a, float b, float c)
{
    const double p = (double)a * (double)b;
    const double d = (double)c;
    const double s = p + d;
    const double t = s - p;
    const double e = (p - (s - t)) + (d - t);

    uint64_t u = qqi_f64_bits(s);
    if (!(e > 0.0 || e < 0.0) || (u & 1))
        return (float)s; // exact, odd already, infinite or NaN
    // s is even, so its neighbour on the side of e is odd.
    u = (u >> 63 != 0) == (e < 0.0) ? u + 1 : u - 1;
    return (float)qqi_f64_of(u);
}

QQI_INLINE float qqi_fma_f32(float a, float b, float c)
{
#if QQI_HAS_FMA
    return QQI_FMA_F32(a, b, c);
#else
    return qqi_fma_soft_f32(a, b, c);
#endif
}

#endif // QQUANT_NUM_STEP_H
