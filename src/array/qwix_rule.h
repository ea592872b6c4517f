// qquant floor 5: rule Qwix, step by step, and its row of functions.

#ifndef QQUANT_ARRAY_QWIX_RULE_H
#define QQUANT_ARRAY_QWIX_RULE_H

#include "array/back.h"
#include "array/bounds.h"
#include "array/make.h"
#include "array/qwix_tiles.h"
#include "array/rule.h"

// --- calibration -----------------------------------------------------------

QQI_FN size_t qqi_qwix_bounds_size(const qq_tensor *x, const qq_scheme *s)
{
    return qqi_bounds_bytes(x, s, x->type);
}

QQI_NOINLINE void qqi_qwix_store_bounds(const struct qqi_tiling *tiling,
                                        const qq_tensor *x, const qq_scheme *s,
                                        size_t tiles, void *low, void *high)
{
    struct qqi_bound b[QQI_LANES_MOST];

    for (size_t tile = 0; tile < tiles;) {
        const size_t n = qqi_qwix_bounds(&s->calibration, tiling, x, tile, b);
        for (size_t i = 0; i < n; i++) {
            const float min = qqi_canon_f32(b[i].min);
            const float max = qqi_canon_f32(b[i].max);
            qqi_store_floats(x->type, low, tile + i, 1, &min);
            qqi_store_floats(x->type, high, tile + i, 1, &max);
        }
        tile += n;
    }
}

QQI_FN qq_status qqi_qwix_calibrate(const qq_tensor *x, const qq_scheme *s,
                                    void *out, qq_bounds *view)
{
    const int asymmetric = qqi_calib_is_asymmetric(&s->calibration);
    struct qqi_layout l;
    struct qqi_tiling tiling;

    qqi_layout_make(&l, s, x, x->type, 0);
    qqi_tiling_make(&tiling, x->rank, x->shape, l.tile);
    qqi_bounds_view(&l.scale, asymmetric, out, view);
    qqi_qwix_store_bounds(&tiling, x, s, qq_tensor_count(&l.scale), out,
                          qqi_bounds_high(&l.scale, asymmetric, out));
    return QQ_OK;
}

// --- scales ----------------------------------------------------------------

QQI_FN size_t qqi_qwix_scale_size(const qq_bounds *b, const qq_scheme *s)
{
    struct qqi_layout l;

    return qqi_scale_layout(&l, b, s, qqi_bounds_top(b)->type);
}

QQI_FN qq_status qqi_qwix_scale(const qq_bounds *b, const qq_scheme *s,
                                void *out, qq_tensor *scale,
                                qq_tensor *zero_point, float *scale2)
{
    const int asymmetric = b->absmax.type == QQ_TYPE_NONE;
    const qq_tensor *top = qqi_bounds_top(b);
    const size_t n = qq_tensor_count(top);
    struct qqi_layout l;
    struct qqi_qwix_scaler k;

    if (asymmetric && !qqi_qwix_affine(s->type))
        return QQ_ERR_SCHEME;
    (void)qqi_scale_layout(&l, b, s, top->type);
    qqi_scale_view(&l, out, scale, zero_point);
    qqi_qwix_scaler_make(&k, s, top->type, n);
    void *zeros = qqi_scale_zeros(&l, out);
    for (size_t i = 0; i < n; i++) {
        const struct qqi_bound bound = qqi_bounds_at(b, i);
        const float v = asymmetric ? qqi_qwix_asymmetric(&k, bound)
                                   : qqi_qwix_symmetric(&k, bound.max);
        qqi_store_floats(top->type, out, i, 1, &v);
        if (asymmetric)
            qqi_store_code(zero_point->type, zeros, i,
                           (uint32_t)qqi_qwix_zero(&k, bound.min, v));
    }
    if (scale2 != NULL)
        *scale2 = 1.0f;
    return QQ_OK;
}

// --- given scales ----------------------------------------------------------

QQI_FN size_t qqi_qwix_given_size(const qq_tensor *x, const qq_scheme *s,
                                  const qq_tensor *scale,
                                  const qq_tensor *zero_point)
{
    struct qqi_layout l;

    qqi_layout_given(&l, s, x, scale, x->type, zero_point);
    return l.bytes;
}

// The scale is rounded to the type of x first.
QQI_FN qq_status qqi_qwix_given(const qq_tensor *x, const qq_scheme *s,
                                const qq_tensor *scale,
                                const qq_tensor *zero_point, void *out,
                                qq_array *view)
{
    struct qqi_layout l;

    if (!qqi_is_input_type(scale->type) && scale->type != QQ_TYPE_F64)
        return QQ_ERR_TYPE;
    if (zero_point != NULL && !qqi_qwix_affine(s->type))
        return QQ_ERR_TYPE;
    qqi_layout_given(&l, s, x, scale, x->type, zero_point);
    qqi_layout_view(&l, s, out, view);
    const size_t n = qq_tensor_count(scale);
    for (size_t i = 0; i < n; i++) {
        const float v =
            qqi_constant(x->type, qqi_load_wide(scale->type, scale->data, i));
        qqi_store_floats(x->type, out, i, 1, &v);
    }
    if (l.zero_bytes > 0)
        QQ_MEMCPY(qqi_layout_zero(&l, out), zero_point->data, l.zero_bytes);
    qqi_qwix_codes(s, x, view, qqi_layout_codes(&l, out));
    return QQ_OK;
}

QQI_FN qq_type qqi_qwix_code_type(const qq_tensor *x, const qq_scheme *s)
{
    (void)x;
    return qqi_type_storage(s->type);
}

QQI_FN qq_status qqi_qwix_encode(const qq_tensor *x, const qq_scheme *s,
                                 void *out)
{
    struct qqi_encoder e;
    qq_scheme plain = *s;

    if (!qqi_qwix_has_noise(s))
        plain.noise = QQ_NOISE_NONE;
    qqi_qwix_encoder(&e, s);
    qqi_pass_scaled(&e, x->type, &plain, x, out);
    return QQ_OK;
}

// Scales of one byte are not Qwix's.
QQI_FN qq_status qqi_qwix_dequantize(const qq_array *a, qq_type type, void *out)
{
    const qq_status status = qq_array_check(a);

    if (status != QQ_OK)
        return status;
    if (!qqi_is_input_type(a->scale.type) && a->scale.type != QQ_TYPE_F64)
        return QQ_ERR_TYPE;
    const qq_type step =
        a->scale.type == QQ_TYPE_F64 ? QQ_TYPE_F32 : a->scale.type;
    qqi_back_array(a, step, 0, type, out);
    return QQ_OK;
}

static const struct qqi_rule qqi_rule_qwix QQI_UNUSED = {
    qqi_qwix_check,       qqi_qwix_size,       qqi_qwix_quantize,
    qqi_qwix_bounds_size, qqi_qwix_calibrate,  qqi_qwix_scale_size,
    qqi_qwix_scale,       qqi_qwix_given_size, qqi_qwix_given,
    qqi_qwix_code_type,   qqi_qwix_encode,     qqi_qwix_dequantize};

#endif // QQUANT_ARRAY_QWIX_RULE_H
