// qquant floor 5: what is wrong with a scheme of rule qquant.

#ifndef QQUANT_ARRAY_QQUANT_CHECK_H
#define QQUANT_ARRAY_QQUANT_CHECK_H

#include "array/check.h"
#include "array/scale.h"

// Factors are finite and above 0, and numbers that a method does not take are
// a mistake, but those of absmax and minmax that Qwix ignores, too.
QQI_FN int qqi_qquant_calibration_ok(const qq_calibration *c)
{
    const unsigned n = c->arg_count;
    const double f = qqi_calib_factor(c);

    if (n > 2)
        return 0;
    switch ((int)c->method) {
    case QQ_CALIB_ABSMAX:
    case QQ_CALIB_MINMAX:
        return qqi_is_factor(f);
    case QQ_CALIB_RMS:
        return n == 1 && qqi_is_factor(f);
    case QQ_CALIB_FIXED:
        return n >= 1 && qqi_calib_fixed_ok(c) &&
               qqi_is_finite_f64(c->args[0]) &&
               (n == 1 || qqi_is_finite_f64(c->args[1]));
    case QQ_CALIB_MSE:
        return n == 0 || (n == 1 && qqi_is_count(f, 65536.0));
    case QQ_CALIB_PERCENTILE:
        return n == 1 && f > 0.0 && f <= 100.0;
    case QQ_CALIB_ABSMEAN:
        return n >= 1 && qqi_is_factor(f) &&
               (n == 1 || qqi_is_count(c->args[1], 64.0));
    default:
        return 0;
    }
}

// Formats have their own type of scale; two levels are of e4m3fn, without
// zero points.
QQI_FN int qqi_qquant_scale_ok(const qq_scheme *s)
{
    const qq_type type = qqi_qquant_scale_type(s);
    qq_scheme plain = *s;

    plain.scale_type = QQ_TYPE_NONE;
    plain.two_level = 0;
    if (s->two_level &&
        (type != QQ_TYPE_E4M3FN || qqi_calib_is_asymmetric(&s->calibration)))
        return 0;
    if (qqi_type_info(s->type).tile != 0)
        return type == qqi_qquant_scale_type(&plain);
    return qqi_is_input_type(type) || type == QQ_TYPE_E8M0 ||
           type == QQ_TYPE_E4M3FN;
}

// A book's levels are finite and not all 0.
QQI_FN int qqi_qquant_book_ok(const qq_scheme *s)
{
    return s->type != QQ_TYPE_BOOK ||
           (qqi_book_check(s->levels, s->level_count) &&
            qqi_book_largest(s->levels, s->level_count) > 0.0f);
}

QQI_FN uint32_t qqi_qquant_check(const qq_scheme *s, const qq_tensor *x)
{
    const qq_type_info info = qqi_type_info(s->type);
    uint32_t bad = qqi_check_noise(s, x) | qqi_check_no_numerics(s);

    if (!info.weight)
        return bad | QQ_BAD_TYPE;
    bad |= qqi_check_format(s, x);
    if (!qqi_qquant_calibration_ok(&s->calibration))
        bad |= QQ_BAD_CALIBRATION;
    else if (qqi_calib_is_asymmetric(&s->calibration) && !info.affine)
        bad |= QQ_BAD_AFFINE;
    if (!qqi_qquant_scale_ok(s))
        bad |= QQ_BAD_SCALE_TYPE;
    if (!qqi_qquant_book_ok(s))
        bad |= QQ_BAD_BOOK;
    if (s->noise != QQ_NOISE_NONE &&
        (info.kind != QQ_KIND_INTEGER || s->type == QQ_TYPE_SIGN))
        bad |= QQ_BAD_NOISE;
    return bad;
}

#endif // QQUANT_ARRAY_QQUANT_CHECK_H
