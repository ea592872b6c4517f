// qquant floor 5: what is wrong with a scheme of rule Qwix.

#ifndef QQUANT_ARRAY_QWIX_CHECK_H
#define QQUANT_ARRAY_QWIX_CHECK_H

#include "array/check.h"

// int16 and mxfp8_16 came after the release.
QQI_FN int qqi_qwix_type_ok(qq_rule rule, qq_type type)
{
    const int release = rule == QQ_RULE_QWIX_RELEASE;

    if (type >= QQ_TYPE_INT2 && type <= QQ_TYPE_UINT8)
        return !(release && type == QQ_TYPE_INT16);
    if (type >= QQ_TYPE_E4M3FN && type <= QQ_TYPE_E3M4)
        return 1;
    return type == QQ_TYPE_E2M1 || type == QQ_TYPE_NF4 ||
           type == QQ_TYPE_MXFP8 || type == QQ_TYPE_MXFP4 ||
           type == QQ_TYPE_NVFP4 || (type == QQ_TYPE_MXFP8_16 && !release);
}

QQI_FN int qqi_qwix_affine(qq_type type)
{
    return type == QQ_TYPE_INT4 || type == QQ_TYPE_INT8 ||
           type == QQ_TYPE_INT16;
}

QQI_FN int qqi_qwix_calibration_ok(const qq_calibration *c)
{
    switch ((int)c->method) {
    case QQ_CALIB_ABSMAX:
    case QQ_CALIB_MINMAX:
        return c->arg_count <= 2;
    case QQ_CALIB_RMS:
        return c->arg_count == 1 || c->arg_count == 2;
    case QQ_CALIB_FIXED:
        return (c->arg_count == 1 || c->arg_count == 2) &&
               qqi_calib_fixed_ok(c);
    default:
        return 0;
    }
}

// A maximum of nothing does not exist: every scale needs a number.
QQI_FN int qqi_qwix_shape_ok(const qq_scheme *s, const qq_tensor *x)
{
    size_t tile[QQ_MAX_RANK];
    size_t count[QQ_MAX_RANK];

    if (x == NULL || qqi_scheme_is_fixed(s) || qq_tensor_count(x) != 0 ||
        qqi_check_axes(s, x->rank, x->shape) != 0)
        return 1;
    qqi_scheme_tiles(s, x->rank, x->shape, tile, count);
    return qqi_shape_count(x->rank, count) == 0;
}

QQI_FN uint32_t qqi_qwix_check(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = qqi_check_noise(s, x) | qqi_check_no_numerics(s);

    if (!qqi_qwix_type_ok(s->rule, s->type))
        return bad | QQ_BAD_TYPE;
    bad |= qqi_check_format(s, x);
    if (!qqi_qwix_shape_ok(s, x))
        bad |= QQ_BAD_TILE;
    if (!qqi_qwix_calibration_ok(&s->calibration))
        bad |= QQ_BAD_CALIBRATION;
    else if (qqi_calib_is_asymmetric(&s->calibration) &&
             !qqi_qwix_affine(s->type))
        bad |= QQ_BAD_AFFINE;
    if ((s->scale_type != QQ_TYPE_NONE && !qqi_is_input_type(s->scale_type)) ||
        s->two_level)
        bad |= QQ_BAD_SCALE_TYPE;
    if (s->noise == QQ_NOISE_AQT || s->noise == QQ_NOISE_AQT_CUSTOM)
        bad |= QQ_BAD_NOISE;
    return bad;
}

#endif // QQUANT_ARRAY_QWIX_CHECK_H
