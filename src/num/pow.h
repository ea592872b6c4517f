// qquant floor 2: powers of positive doubles.
//
//   x^p = 2^(p log2(x)),  log2(x) = e + log2(h) + log2(1 + d)
//
// where x = 2^e m, m from 1 to 2, h is m as a float and |d| below 2^-24.
// log2(h) comes from fixed point (num/log.h), log2(1 + d) from two terms of
// its series, 2^y from fixed point again (num/exp.h). The relative error is
// below (2 + |y|) * 2^-52: not correctly rounded, but far finer than a float.

#ifndef QQUANT_NUM_POW_H
#define QQUANT_NUM_POW_H

#include "num/exp.h"
#include "num/half.h"
#include "num/log.h"
#include "num/round.h"
#include "num/step.h"

// 2^e in the range of normal doubles.
QQI_INLINE double qqi_power_of_two(int e)
{
    return qqi_f64_of((uint64_t)(1023 + e) << 52);
}

// log2 of a positive normal double.
QQI_FN double qqi_log2_f64(double x)
{
    const double log2_e = 1.4426950408889634;
    const uint64_t u = qqi_f64_bits(x);
    const uint64_t fraction = u & (((uint64_t)1 << 52) - 1);
    const double m = qqi_f64_of(fraction | (uint64_t)1023 << 52);
    const float h = qqi_f32_from_f64(m);
    const qqi_log_parts r = qqi_log_split(qqi_f32_bits(h));
    // log(h) = k ln(2) +- v * 2^(e - 63); e is from -24 to 0.
    const double near =
        qqi_mul_f64((double)r.v, log2_e * qqi_power_of_two(r.e - 63));
    const double d = (m - (double)h) / (double)h;
    const double rest = qqi_mul_f64(d, log2_e * (1.0 - d * 0.5));
    const double part = r.v == 0 ? 0.0 : r.less ? -near : near;

    return (double)((int)(u >> 52) - 1023 + r.k) + (part + rest);
}

// x^p for x >= 0 and finite p > 0. Subnormal x count as 0, results below
// 2^-1022 become 0; infinite and NaN x stay.
QQI_FN double qqi_pow_f64(double x, double p)
{
    if (qqi_is_nan_f64(x) || qqi_is_inf_f64(x))
        return x;
    if (x < qqi_power_of_two(-1022))
        return 0.0;
    const double y = qqi_mul_f64(p, qqi_log2_f64(x));
    if (y >= 1023.0)
        return qqi_f64_of((uint64_t)0x7ff << 52);
    if (y < -1022.0)
        return 0.0;
    double whole = qqi_floor_f64(y);
    double part = y - whole;
    if (part >= 1.0) { // just below 0
        whole += 1.0;
        part = 0.0;
    }
    const uint64_t f = (uint64_t)(part * 18446744073709551616.0); // 2^64
    const double m = (double)qqi_exp2_fixed(f); // from 2^63 on
    return m * qqi_power_of_two(-63) * qqi_power_of_two((int)whole);
}

#endif // QQUANT_NUM_POW_H
