// qquant floor 5: AQT's and FJFormer's way from numbers to bounds.
//
// bound of the numbers that share a scale, x of type T:
//
//   absmax[,c]     max|x|, 0 becomes 1; times c, if c is not 0        in T
//   absmean[,c[,p]]  c * (sum |x|^p / count(x != 0))^(1/p), a count of 0
//                  taken as 1, then 0 as 1                             in T
//   snr            max|x| (0: 1) times the first of the clips that has the
//                  best log(1 + sum x^2 / sum (x - decoded)^2)         in f32
//   constant,b     b, in T (FJFormer: in f32, one for the whole tensor)
//   constant       the tensor s->bound as it is
//
// Every step is rounded to T, but sums are made in f64 first.

#ifndef QQUANT_ARRAY_AQT_CALIBRATE_H
#define QQUANT_ARRAY_AQT_CALIBRATE_H

#include "array/aqt_scale.h"
#include "array/scheme.h"
#include "num/sqrt.h"

#if !QQ_NO_TRAIN

// |x|^p, the two usual powers exactly.
QQI_FN double qqi_abs_pow(double x, double p)
{
    if (p == 1.0)
        return x;
    return p == 2.0 ? qqi_mul_f64(x, x) : qqi_pow_f64(x, p);
}

QQI_FN double qqi_abs_root(double x, double p)
{
    if (p == 1.0)
        return x;
    return p == 2.0 ? qqi_sqrt_f64(x) : qqi_pow_f64(x, 1.0 / p);
}

QQI_FN struct qqi_number qqi_aqt_absmean(const qq_tensor *x, const qq_scheme *s,
                                         const struct qqi_tiling *t, size_t g)
{
    const qq_calibration *c = &s->calibration;
    const double power = c->arg_count > 1 ? c->args[1] : 1.0;
    const double factor = c->arg_count > 0 ? c->args[0] : 1.0;
    struct qqi_patch p;
    double sum = 0.0;
    size_t count = 0;

    qqi_patch_begin(&p, t, g, 1);
    while (p.runs > 0) {
        const size_t i = qqi_patch_next(&p);
        for (size_t k = 0; k < p.run; k++) {
            const float v = qqi_number_abs(qqi_load_number(x, i + k)).value;
            const double y = qqi_abs_pow((double)v, power);
            sum += (double)qqi_number_constant(y, x->type).value;
            count += v != 0.0f;
        }
    }
    const struct qqi_number mean = qqi_number_div(
        qqi_number_constant(sum, x->type),
        qqi_number_constant((double)(count > 0 ? count : 1), x->type));
    const struct qqi_number b = qqi_number_mul(
        qqi_number_constant(qqi_abs_root((double)mean.value, power), x->type),
        qqi_number_constant(factor, x->type));
    return b.value == 0.0f ? qqi_number_of(1.0f, x->type) : b;
}

// --- which of them ---------------------------------------------------------

QQI_FN int qqi_aqt_is_constant(const qq_scheme *s)
{
    return s->calibration.method == QQ_CALIB_CONSTANT;
}

QQI_FN qq_type qqi_aqt_bound_type(const qq_tensor *x, const qq_scheme *s)
{
    if (s->calibration.method == QQ_CALIB_SNR)
        return QQ_TYPE_F32;
    if (!qqi_aqt_is_constant(s))
        return x->type;
    if (s->rule == QQ_RULE_FJ)
        return QQ_TYPE_F32;
    return s->bound ? s->bound->type : x->type;
}

// The numbers along each axis that share a scale, and how many scales there
// are along it.
QQI_FN void qqi_aqt_tiles(const qq_tensor *x, const qq_scheme *s, size_t *tile,
                          size_t *count)
{
    const int whole = qqi_aqt_is_constant(s) && s->rule == QQ_RULE_FJ;
    const int given = qqi_aqt_is_constant(s) && s->bound && !whole;

    if (!whole && !given) {
        qqi_scheme_tiles(s, x->rank, x->shape, tile, count);
        return;
    }
    for (unsigned a = 0; a < x->rank; a++) {
        count[a] = given ? s->bound->shape[a] : 1;
        tile[a] = count[a] > 0 ? x->shape[a] / count[a] : 1;
        if (tile[a] == 0)
            tile[a] = 1;
    }
}

// The bound of tile g.
QQI_FN struct qqi_number qqi_aqt_bound(const qq_tensor *x, const qq_scheme *s,
                                       const struct qqi_tiling *t, size_t g)
{
    const qq_type type = qqi_aqt_bound_type(x, s);

    if (qqi_aqt_is_constant(s))
        return s->bound && s->rule == QQ_RULE_AQT
                   ? qqi_load_number(s->bound, g)
                   : qqi_number_constant(s->calibration.args[0], type);
    if (g >= t->tiles) // of no numbers
        return qqi_number_of(1.0f, type);
    if (s->calibration.method == QQ_CALIB_ABSMEAN)
        return qqi_aqt_absmean(x, s, t, g);
    if (s->calibration.method == QQ_CALIB_SNR)
        return qqi_aqt_snr_bound(x, s, t, g);
    const struct qqi_number b = qqi_aqt_absmax(x, t, g);
    const qq_calibration *c = &s->calibration;
    if (c->arg_count == 0 || c->args[0] == 0.0)
        return b;
    return qqi_number_mul(b, qqi_number_constant(c->args[0], type));
}

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_CALIBRATE_H
