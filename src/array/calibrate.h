// qquant floor 5: from the numbers of a tile to its bound: rule qquant.
//
//   absmax       f max|x|                      rms          f sqrt(mean x^2)
//   minmax       f min(min x, 0), f max(max x, 0)
//   fixed        the numbers given             mse          see search.h
//   absmean      f (mean |x|^p)^(1/p)          percentile   see search.h
//
// of the finite numbers x; of none: 0. Made in f64 and rounded to f32 once.

#ifndef QQUANT_ARRAY_CALIBRATE_H
#define QQUANT_ARRAY_CALIBRATE_H

#include "array/stat.h"
#include "num/exp.h"
#include "num/log.h"
#include "num/sqrt.h"

// What the codes of a tile have to reach: -max to max, or min to max.
struct qqi_bound {
    float min;
    float max;
};

// The first argument, or 1.
QQI_INLINE double qqi_calib_factor(const qq_calibration *c)
{
    return c->arg_count > 0 ? c->args[0] : 1.0;
}

// Whether a calibration asks for a minimum and a maximum.
QQI_FN int qqi_calib_is_asymmetric(const qq_calibration *c)
{
    if (c->method == QQ_CALIB_MINMAX)
        return 1;
    if (c->method != QQ_CALIB_FIXED || c->arg_count != 2)
        return 0;
    const double sum = c->args[0] + c->args[1];
    return sum < 0.0 || sum > 0.0 || qqi_is_nan_f64(sum);
}

// To f32; the largest float for all beyond it.
QQI_FN float qqi_bound_f32(double x)
{
    const float r = qqi_f32_from_f64(x);

    if (!qqi_is_inf_f32(r))
        return r;
    return x < 0.0 ? -3.40282347e38f : 3.40282347e38f;
}

// The exponent p of absmean; 1 where none is given.
QQI_INLINE int qqi_calib_power(const qq_calibration *c)
{
    return c->arg_count > 1 ? (int)c->args[1] : 1;
}

// The members of a stat that a calibration needs.
QQI_FN unsigned qqi_calib_wants(const qq_calibration *c)
{
    if (c->method == QQ_CALIB_RMS || c->method == QQ_CALIB_ABSMEAN)
        return QQI_STAT_SUMS;
    return QQI_STAT_EXTREMES;
}

// The bound of what needs no second look at the numbers.
QQI_FN struct qqi_bound qqi_bound_of_stat(const qq_calibration *c,
                                          const struct qqi_stat *t)
{
    const double f = qqi_calib_factor(c);
    const double n = (double)(t->count > 0 ? t->count : 1);
    const float top = t->max > -t->min ? t->max : -t->min;
    struct qqi_bound b = {0.0f, 0.0f};

    if (c->method == QQ_CALIB_MINMAX) {
        b.min = qqi_bound_f32(f * (double)t->min);
        b.max = qqi_bound_f32(f * (double)t->max);
    } else if (c->method == QQ_CALIB_RMS) {
        b.max = qqi_bound_f32(f * qqi_sqrt_f64(t->squares / n));
    } else if (c->method == QQ_CALIB_ABSMEAN && qqi_calib_power(c) == 2) {
        b.max = qqi_bound_f32(f * qqi_sqrt_f64(t->squares / n));
    } else if (c->method == QQ_CALIB_ABSMEAN) {
        b.max = qqi_bound_f32(f * (t->sum / n));
    } else {
        b.max = c->arg_count > 0 ? qqi_bound_f32(f * (double)top) : top;
    }
    return b;
}

// fixed: the numbers themselves.
QQI_FN struct qqi_bound qqi_bound_fixed(const qq_calibration *c)
{
    struct qqi_bound b = {0.0f, 0.0f};

    b.max = qqi_bound_f32(c->args[c->arg_count == 2 ? 1 : 0]);
    if (c->arg_count == 2 && qqi_calib_is_asymmetric(c))
        b.min = qqi_bound_f32(c->args[0]);
    return b;
}

#endif // QQUANT_ARRAY_CALIBRATE_H
