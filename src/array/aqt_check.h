// qquant floor 5: which schemes AQT and FJFormer's bits have.

#ifndef QQUANT_ARRAY_AQT_CHECK_H
#define QQUANT_ARRAY_AQT_CHECK_H

#include "array/check.h"
#include "array/scheme.h"

#if !QQ_NO_TRAIN

QQI_FN int qqi_aqt_is_float(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

// The numerics by themselves, and the type of the codes they make.
QQI_FN uint32_t qqi_aqt_check_numerics(const qq_scheme *s)
{
    const qq_numerics *n = &s->numerics;
    const int none = s->type == QQ_TYPE_NONE;

    if (s->rule == QQ_RULE_FJ && n->kind != QQ_NUMERICS_INT &&
        n->kind != QQ_NUMERICS_NONE)
        return QQ_BAD_NUMERICS;
    switch (n->kind) {
    case QQ_NUMERICS_NONE:
        return 0;
    case QQ_NUMERICS_INT:
        if (n->bits < 1 || n->bits > 22)
            return QQ_BAD_NUMERICS;
        return none || (s->type >= QQ_TYPE_INT2 && s->type <= QQ_TYPE_INT16)
                   ? 0
                   : QQ_BAD_TYPE;
    case QQ_NUMERICS_FP8:
        return s->type == QQ_TYPE_E4M3FN || s->type == QQ_TYPE_E5M2
                   ? 0
                   : QQ_BAD_TYPE;
    case QQ_NUMERICS_FP:
        // Without an exponent there are but subnormal numbers; 2^7 exponents
        // reach from 1 to the largest of bf16, and one bit must go.
        if (n->exponent > 7 || n->mantissa > 6 ||
            (n->exponent == 0 && !n->subnormals))
            return QQ_BAD_NUMERICS;
        return none || s->type == QQ_TYPE_BF16 ? 0 : QQ_BAD_TYPE;
    default:
        return QQ_BAD_NUMERICS;
    }
}

// A layout of 0 says that there is no key, which random numbers need.
QQI_FN uint32_t qqi_aqt_check_noise(const qq_scheme *s, const qq_tensor *x)
{
    const qq_numerics *n = &s->numerics;
    const int is_int = n->kind == QQ_NUMERICS_INT;
    const int is_float =
        n->kind == QQ_NUMERICS_FP8 || n->kind == QQ_NUMERICS_FP;
    const int known =
        s->noise == QQ_NOISE_AQT || s->noise == QQ_NOISE_AQT_CUSTOM;
    const int keyed =
        s->layout == QQ_RANDOM_PARTITIONABLE || s->layout == QQ_RANDOM_LEGACY;

    if (s->noise != QQ_NOISE_NONE && (!known || is_float))
        return QQ_BAD_NOISE;
    if (is_int && known && !keyed)
        return QQ_BAD_NOISE;
    if (is_float && n->stochastic && !keyed)
        return QQ_BAD_NOISE;
    if (x && s->noise_shared >> x->rank != 0)
        return QQ_BAD_NOISE;
    return x && known && !qqi_noise_drawable(s, x) ? QQ_BAD_NOISE : 0;
}

// A tensor that is broadcast over x: as many axes, sizes that divide.
QQI_FN int qqi_aqt_spreads(const qq_tensor *t, const qq_tensor *x)
{
    if (qq_tensor_check(t) != QQ_OK || !qqi_aqt_is_float(t->type))
        return 0;
    if (x == NULL)
        return 1;
    if (t->rank != x->rank)
        return 0;
    for (unsigned a = 0; a < x->rank; a++) {
        const size_t n = x->shape[a];
        const size_t k = t->shape[a];
        if (n == 0 ? k > 1 : k == 0 || n % k != 0)
            return 0;
    }
    return 1;
}

QQI_FN int qqi_aqt_has_calibration(const qq_scheme *s, const qq_tensor *x)
{
    const qq_calibration *c = &s->calibration;
    const int aqt = s->rule == QQ_RULE_AQT;

    switch (c->method) {
    case QQ_CALIB_ABSMAX:
        return c->arg_count <= (aqt ? 1u : 0u);
    case QQ_CALIB_ABSMEAN:
        return aqt && c->arg_count <= 2 &&
               (c->arg_count < 2 ||
                (c->args[1] > 0.0 && qqi_is_finite_f64(c->args[1])));
    case QQ_CALIB_SNR:
        return aqt && (s->clips != NULL || s->clip_count == 0);
    case QQ_CALIB_CONSTANT:
        if (aqt && s->bound)
            return qqi_aqt_spreads(s->bound, x);
        return !s->bound && c->arg_count == 1 && c->args[0] > 0.0;
    default:
        return 0;
    }
}

QQI_FN uint32_t qqi_aqt_check_calibration(const qq_scheme *s,
                                          const qq_tensor *x)
{
    uint32_t bad = 0;

    if (!qqi_aqt_has_calibration(s, x))
        bad |= QQ_BAD_CALIBRATION;
    // Biases belong to the constant calibration of AQT.
    if ((s->bias || s->has_bias) &&
        (s->rule != QQ_RULE_AQT || s->calibration.method != QQ_CALIB_CONSTANT))
        bad |= QQ_BAD_CALIBRATION;
    if (s->bias && !qqi_aqt_spreads(s->bias, x))
        bad |= QQ_BAD_CALIBRATION;
    if (s->two_level ||
        (s->scale_type != QQ_TYPE_NONE &&
         (s->rule == QQ_RULE_FJ || !qqi_aqt_is_float(s->scale_type))))
        bad |= QQ_BAD_SCALE_TYPE;
    return bad;
}

QQI_FN uint32_t qqi_aqt_check(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = qqi_aqt_check_numerics(s) | qqi_aqt_check_noise(s, x);

    if (s->division != QQ_DIVISION_TRUE &&
        s->division != QQ_DIVISION_RECIPROCAL)
        bad |= QQ_BAD_RULE;
    if (s->fake_quant && (s->rule != QQ_RULE_FJ || !s->power_of_two))
        bad |= QQ_BAD_NUMERICS;
    if (s->numerics.kind != QQ_NUMERICS_NONE)
        bad |= qqi_aqt_check_calibration(s, x);
    bad |= x ? qqi_check_axes(s, x->rank, x->shape)
             : qqi_check_roles(s, QQ_MAX_RANK);
    if (x && !qqi_aqt_is_float(x->type))
        bad |= QQ_BAD_INPUT;
    // Only f32 and bf16 have random bits for fp8.
    if (x && s->numerics.kind == QQ_NUMERICS_FP8 && s->numerics.stochastic &&
        x->type == QQ_TYPE_F16 && s->scale_type != QQ_TYPE_F32 &&
        s->scale_type != QQ_TYPE_BF16)
        bad |= QQ_BAD_NUMERICS;
    return bad;
}

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_CHECK_H
