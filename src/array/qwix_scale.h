// qquant floor 5: from a bound to a scale and a zero point: rule Qwix.
//
// Every step is rounded to the type of the bound, D, constants too:
//
//   scale = absmax / B, or (max - min) / (qmax - qmin)
//   scale = 1 where it is below the root of D's smallest normal number: 2^-63,
//           for f16 2^-7
//   zero  = qmin - min / scale, encoded
//
// then for mxfp4 and mxfp8 a power of two: that of the exponent of scale * c,
// rounded to bf16, c = 12/7 and 60/31 (which adds half a step to the largest
// code); in the release 2^ceil(log2 scale). For nvfp4 the nearest e4m3fn.

#ifndef QQUANT_ARRAY_QWIX_SCALE_H
#define QQUANT_ARRAY_QWIX_SCALE_H

#include "array/calibrate.h"
#include "array/scheme.h"
#include "array/step.h"
#include "codec/value.h"
#include "num/log.h"

struct qqi_qwix_scaler {
    qq_type step; // D
    qq_type type; // of the codes, with formats
    qq_type_info info;
    int reciprocal;
    int release;
};

QQI_FN void qqi_qwix_scaler_make(struct qqi_qwix_scaler *k, const qq_scheme *s,
                                 qq_type step, size_t scales)
{
    k->step = step;
    k->type = s->type;
    k->info = qqi_type_info(s->type);
    k->reciprocal = qqi_scale_by_reciprocal(s, step, scales);
    k->release = s->rule == QQ_RULE_QWIX_RELEASE;
}

// 1 for what is too small, and for what is below 0; NaN stays.
QQI_FN float qqi_qwix_guard(qq_type step, float scale)
{
    const float least =
        step == QQ_TYPE_F16 ? 0.0078125f : 1.0842021724855044e-19f;

    return scale < least ? 1.0f : scale;
}

// 2^floor(log2 x), of NaN and infinity infinity: the exponent's bits.
QQI_FN float qqi_qwix_power(const struct qqi_qwix_scaler *k, float scale)
{
    const double c = k->type == QQ_TYPE_MXFP4 ? 12.0 / 7.0 : 60.0 / 31.0;
    const float v = qqi_type_mul(k->step, scale, qqi_constant(k->step, c));
    const float w = qqi_to_type(QQ_TYPE_BF16, v);

    return qqi_to_type(k->step, qqi_f32_of(qqi_f32_bits(w) & 0x7f800000u));
}

// 2^ceil(log2 scale); the scale has passed the guard.
QQI_FN float qqi_qwix_power_up(const struct qqi_qwix_scaler *k, float scale)
{
    const float log = qqi_to_type(k->step, qqi_log2_f32(scale));
    const float up = -qqi_floor_f32(-log);

    if (!qqi_is_finite_f32(log))
        return log;
    return qqi_to_type(k->step, qqi_exp2_f32(up));
}

// What becomes of a scale of a format.
QQI_FN float qqi_qwix_format(const struct qqi_qwix_scaler *k, float scale)
{
    if (k->type == QQ_TYPE_NVFP4) {
        const uint8_t code = qqi_minifloat_from_f32(&qqi_e4m3fn, scale, 1);
        return qqi_f32_from_minifloat(&qqi_e4m3fn, code);
    }
    if (k->type != QQ_TYPE_MXFP4 && k->type != QQ_TYPE_MXFP8 &&
        k->type != QQ_TYPE_MXFP8_16)
        return scale;
    return k->release ? qqi_qwix_power_up(k, scale) : qqi_qwix_power(k, scale);
}

QQI_FN float qqi_qwix_symmetric(const struct qqi_qwix_scaler *k, float absmax)
{
    const float bound = qqi_constant(k->step, (double)qqi_type_bound(k->type));
    const float scale = qqi_type_div(k->step, absmax, bound, k->reciprocal);

    return qqi_canon_f32(qqi_qwix_format(k, qqi_qwix_guard(k->step, scale)));
}

QQI_FN float qqi_qwix_asymmetric(const struct qqi_qwix_scaler *k,
                                 struct qqi_bound b)
{
    const double codes = (double)k->info.max - (double)k->info.min;
    const float range = qqi_type_add(k->step, b.max, -b.min);
    const float scale = qqi_type_div(
        k->step, range, qqi_constant(k->step, codes), k->reciprocal);

    return qqi_canon_f32(qqi_qwix_guard(k->step, scale));
}

QQI_FN int32_t qqi_qwix_zero(const struct qqi_qwix_scaler *k, float min,
                             float scale)
{
    const float low = qqi_constant(k->step, (double)k->info.min);
    const float quotient = qqi_type_div(k->step, min, scale, 0);

    return qqi_sat_i32(qqi_type_add(k->step, low, -quotient), k->info.min,
                       k->info.max);
}

#endif // QQUANT_ARRAY_QWIX_SCALE_H
