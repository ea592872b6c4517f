// qquant floor 5: from a bound to a scale and a zero point: rule qquant.
//
//   scale = bound / B                  symmetric
//   scale = (max - min) / (qmax - qmin), zero = qmin - min / scale
//
// rounded to the type in which scales are stored, and codes are made with
// what a reader will see. A scale of f16, bf16 or e4m3fn is the nearest one
// that is neither 0 nor infinite. One of e8m0 is the smallest power of two
// with which the bound lies at most half a step beyond the largest code.
//
// Two levels (nvfp4): scale2 = largest bound / (B * 448) in f32, and the scale
// of a tile, in e4m3fn, is bound / B / scale2.

#ifndef QQUANT_ARRAY_SCALE_H
#define QQUANT_ARRAY_SCALE_H

#include "array/bound.h"
#include "array/calibrate.h"
#include "array/step.h"

struct qqi_scaler {
    qq_type type; // of the scale
    qq_type codes;
    int32_t code_min;
    int32_t code_max;
    float bound; // what a bound is divided by
    float scale2;
};

// How scales are stored: as the scheme says, or as the format wants.
QQI_FN qq_type qqi_qquant_scale_type(const qq_scheme *s)
{
    if (s->scale_type != QQ_TYPE_NONE)
        return s->scale_type;
    if (s->type == QQ_TYPE_NVFP4)
        return QQ_TYPE_E4M3FN;
    if (s->type == QQ_TYPE_MXFP4 || s->type == QQ_TYPE_MXFP8 ||
        s->type == QQ_TYPE_MXFP8_16)
        return QQ_TYPE_E8M0;
    return s->two_level ? QQ_TYPE_E4M3FN : QQ_TYPE_F32;
}

// scale2 is 1 until it is known.
QQI_FN void qqi_scaler_make(struct qqi_scaler *k, const qq_scheme *s)
{
    const qq_type_info info = qqi_type_info(s->type);

    k->type = qqi_qquant_scale_type(s);
    k->codes = s->type;
    k->code_min = info.min;
    k->code_max = info.max;
    k->bound =
        k->type == QQ_TYPE_E8M0 ? qqi_qquant_reach(s) : qqi_qquant_bound(s);
    k->scale2 = 1.0f;
}

// Below 2^-63 a scale counts as that of zeros, whose scale is 1.
QQI_INLINE int qqi_scale_is_nothing(float scale)
{
    return !(scale >= 1.0842021724855044e-19f);
}

// The second level for a tensor whose largest bound is given; with the largest
// scale of a tile it makes a finite one.
QQI_FN float qqi_scaler_second(const struct qqi_scaler *k, float largest)
{
    const float most = 3.40282347e38f / 448.0f;
    const float scale2 = largest / (k->bound * 448.0f);

    if (qqi_scale_is_nothing(scale2))
        return 1.0f;
    return scale2 < most ? scale2 : most;
}

// To the nearest number of the scale's type that is neither 0 nor infinite.
QQI_FN float qqi_scale_round(qq_type type, float x)
{
    float least = 1.17549435e-38f;
    float most = 3.40282347e38f;
    uint8_t code = 0;

    if (type == QQ_TYPE_F16) {
        least = 5.9604644775390625e-8f;
        most = 65504.0f;
    } else if (type == QQ_TYPE_BF16) {
        most = 3.38953139e38f;
    } else if (type == QQ_TYPE_E4M3FN) {
        least = 0.001953125f;
        most = 448.0f;
    }
    x = x < least ? least : x > most ? most : x;
    if (type == QQ_TYPE_E8M0)
        return qqi_f32_from_e8m0(qqi_e8m0_from_f32(x, QQI_E8M0_UP));
    if (type != QQ_TYPE_E4M3FN)
        return qqi_to_type(type, x);
    code = qqi_minifloat_from_f32(&qqi_e4m3fn, x, 1);
    return qqi_f32_from_minifloat(&qqi_e4m3fn, code);
}

// The scale of a tile, exactly as it will be stored. Signs have no code for
// 0, so theirs is 0 where all numbers are (e8m0 has none: 2^-126).
QQI_FN float qqi_scale_of_bound(const struct qqi_scaler *k, float bound)
{
    const float scale = bound / k->bound;

    if (k->codes == QQ_TYPE_SIGN) {
        if (!(bound > 0.0f) && k->type != QQ_TYPE_E8M0)
            return 0.0f;
    } else if (qqi_scale_is_nothing(scale)) {
        return 1.0f;
    }
    return qqi_scale_round(k->type, scale / k->scale2);
}

// The same for a minimum and a maximum.
QQI_FN float qqi_scale_of_range(const struct qqi_scaler *k, struct qqi_bound b)
{
    const double codes = (double)k->code_max - (double)k->code_min;
    const float scale =
        qqi_f32_from_f64(((double)b.max - (double)b.min) / codes);

    if (qqi_scale_is_nothing(scale))
        return 1.0f;
    return qqi_scale_round(k->type, scale / k->scale2);
}

// The code of 0: qmin - min / scale to nearest even, cut.
QQI_FN int32_t qqi_zero_of_range(const struct qqi_scaler *k, float scale,
                                 float min)
{
    const double z = (double)k->code_min - (double)min / (double)scale;

    return qqi_sat_i32_f64(z, k->code_min, k->code_max);
}

#endif // QQUANT_ARRAY_SCALE_H
