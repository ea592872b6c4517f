// qquant floor 5: AQT's scales, and the clip with the best signal to noise.
//
// AQT:        scale = bound / Q, power_of_two: the next one not below
// FJFormer:   scale = Q / bound, power_of_two: the next one not above
//
// Q is that of the numerics. AQT's quotient follows one of two rules, see
// qqi_number_div_by; FJFormer's is true.

#ifndef QQUANT_ARRAY_AQT_SCALE_H
#define QQUANT_ARRAY_AQT_SCALE_H

#include "array/aqt_numerics.h"
#include "array/tile.h"
#include "num/log.h"

#if !QQ_NO_TRAIN

// --- powers of two ---------------------------------------------------------

// 2^floor(log2(x)), exactly. 0, infinities and NaN stay; below 0 NaN.
QQI_FN struct qqi_number qqi_floor_po2(struct qqi_number x)
{
    const uint32_t u = qqi_f32_bits(x.value);

    if ((u & 0x7fffffffu) == 0 || (u & 0x7fffffffu) >= 0x7f800000u)
        return x;
    return qqi_number_of(u >> 31 ? qqi_f32_of((uint32_t)QQI_F32_NAN)
                                 : qqi_f32_of(u & 0x7f800000u),
                         x.type);
}

// 1 / 2^floor(log2(1 / x)): the power of two that is not below x.
QQI_FN struct qqi_number qqi_ceil_po2(struct qqi_number x)
{
    return qqi_number_reciprocal(qqi_floor_po2(qqi_number_reciprocal(x)));
}

// --- the largest magnitude -------------------------------------------------

// max|x| of tile g.
QQI_FN struct qqi_number qqi_aqt_max(const qq_tensor *x,
                                     const struct qqi_tiling *t, size_t g)
{
    struct qqi_patch p;
    float most = 0.0f;

    qqi_patch_begin(&p, t, g, 1);
    while (p.runs > 0) {
        const size_t i = qqi_patch_next(&p);
        for (size_t k = 0; k < p.run; k++)
            most = qqi_larger(most,
                              qqi_number_abs(qqi_load_number(x, i + k)).value);
    }
    return qqi_number_of(most, x->type);
}

// The same, 0 replaced by 1.
QQI_FN struct qqi_number qqi_aqt_absmax(const qq_tensor *x,
                                        const struct qqi_tiling *t, size_t g)
{
    const struct qqi_number b = qqi_aqt_max(x, t, g);

    return b.value == 0.0f ? qqi_number_of(1.0f, x->type) : b;
}

// --- scales ----------------------------------------------------------------

// The quotient that a scale is made of. many: there is more than one scale, so
// that Q has fewer elements than the result.
QQI_FN struct qqi_number qqi_aqt_quotient(const qq_scheme *s,
                                          struct qqi_number bound, int many)
{
    const struct qqi_number q = qqi_aqt_quant_bound(s, bound.type);

    if (s->rule == QQ_RULE_FJ)
        return qqi_number_div(q, bound);
    return qqi_number_div_by(bound, q,
                             many && s->division == QQ_DIVISION_RECIPROCAL);
}

// The scale of a bound, in the type that the quotient has.
QQI_FN struct qqi_number qqi_aqt_scale(const qq_scheme *s,
                                       struct qqi_number bound, int many)
{
    const struct qqi_number r = qqi_aqt_quotient(s, bound, many);

    if (!s->power_of_two)
        return r;
    return s->rule == QQ_RULE_FJ ? qqi_floor_po2(r) : qqi_ceil_po2(r);
}

// What numbers are multiplied by: 1 / scale, and 1 where that is infinite.
QQI_FN struct qqi_number qqi_aqt_factor(struct qqi_number scale)
{
    const struct qqi_number r = qqi_number_reciprocal(scale);

    return qqi_is_inf_f32(r.value) ? qqi_number_of(1.0f, r.type) : r;
}

// --- the search for the best clip ------------------------------------------

// What is left of number i of x when it was quantized with a scale.
QQI_FN struct qqi_number qqi_aqt_error(const qq_tensor *x, const qq_scheme *s,
                                       size_t i, struct qqi_number scale)
{
    const struct qqi_number v = qqi_load_number(x, i);
    const struct qqi_number scaled = qqi_number_mul(v, qqi_aqt_factor(scale));
    const struct qqi_number code = qqi_aqt_forward(s, x, i, scaled);
    const qq_type stored = qqi_aqt_code_type(s, scaled.type);
    const struct qqi_number q =
        qqi_aqt_decoded(qqi_aqt_stored(code, stored), stored, x->type);

    return qqi_number_sub(v,
                          qqi_number_cast(qqi_number_mul(q, scale), x->type));
}

// log(1 + sum x^2 / sum error^2) of tile g with a scale; but for the sums
// every step in x's type.
QQI_FN float qqi_aqt_snr(const qq_tensor *x, const qq_scheme *s,
                         const struct qqi_tiling *t, size_t g,
                         struct qqi_number scale)
{
    struct qqi_patch p;
    double signal = 0.0;
    double noise = 0.0;

    qqi_patch_begin(&p, t, g, 1);
    while (p.runs > 0) {
        const size_t i = qqi_patch_next(&p);
        for (size_t k = 0; k < p.run; k++) {
            const struct qqi_number v = qqi_load_number(x, i + k);
            const struct qqi_number e = qqi_aqt_error(x, s, i + k, scale);
            signal += (double)qqi_number_mul(v, v).value;
            noise += (double)qqi_number_mul(e, e).value;
        }
    }
    const struct qqi_number r =
        qqi_number_div(qqi_number_constant(signal, x->type),
                       qqi_number_constant(noise, x->type));
    const struct qqi_number one = qqi_number_of(1.0f, x->type);
    return qqi_number_round(qqi_log_f32(qqi_number_add(one, r).value), x->type)
        .value;
}

QQI_FN struct qqi_number qqi_aqt_snr_bound(const qq_tensor *x,
                                           const qq_scheme *s,
                                           const struct qqi_tiling *t, size_t g)
{
    const struct qqi_number most = qqi_aqt_absmax(x, t, g);
    float best = 1.0f;
    float top = 0.0f;

    for (size_t c = 0; c < s->clip_count; c++) {
        const struct qqi_number bound = qqi_number_mul(
            most, qqi_number_constant((double)s->clips[c], most.type));
        // Only the scale that is chosen may become a power of two.
        const struct qqi_number scale =
            qqi_aqt_quotient(s, bound, t->tiles > 1);
        const float snr = qqi_aqt_snr(x, s, t, g, scale);
        if (snr > top) { // never for NaN
            best = s->clips[c];
            top = snr;
        }
    }
    return qqi_number_mul(most, qqi_number_of(best, QQ_TYPE_F32));
}

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_SCALE_H
