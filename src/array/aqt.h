// qquant floor 5: the rules of AQT and of FJFormer's bits, as rows.
//
// The arithmetic stands in aqt_array.h and the parts below it.

#ifndef QQUANT_ARRAY_AQT_H
#define QQUANT_ARRAY_AQT_H

#include "array/aqt_array.h"
#include "array/rule.h"

#if !QQ_NO_TRAIN

QQI_FN size_t qqi_aqt_array_size(const qq_tensor *x, const qq_scheme *s)
{
    qq_array a;

    qqi_aqt_plan(x, s, NULL, &a);
    return qqi_aqt_place(&a, NULL);
}

// Without numerics the array is x.
QQI_FN qq_status qqi_aqt_quantize(const qq_tensor *x, const qq_scheme *s,
                                  void *out, qq_array *view)
{
    qq_array a;

    qqi_aqt_plan(x, s, NULL, &a);
    if (s->numerics.kind != QQ_NUMERICS_NONE) {
        qqi_aqt_fill(x, s, NULL, out, &a);
    } else {
        const size_t bytes = qqi_aqt_place(&a, out);
        if (bytes > 0)
            QQ_MEMCPY(out, x->data, bytes);
    }
    *view = a;
    return QQ_OK;
}

QQI_FN void qqi_aqt_bounds_plan(const qq_tensor *x, const qq_scheme *s,
                                size_t *tile, qq_tensor *bound)
{
    *bound = *x;
    bound->type = qqi_aqt_bound_type(x, s);
    qqi_aqt_tiles(x, s, tile, bound->shape);
}

QQI_FN size_t qqi_aqt_bounds_size(const qq_tensor *x, const qq_scheme *s)
{
    size_t tile[QQ_MAX_RANK];
    qq_tensor bound;

    qqi_aqt_bounds_plan(x, s, tile, &bound);
    return qq_tensor_bytes(&bound);
}

QQI_FN qq_status qqi_aqt_calibrate(const qq_tensor *x, const qq_scheme *s,
                                   void *out, qq_bounds *view)
{
    size_t tile[QQ_MAX_RANK];
    struct qqi_tiling t;
    qq_tensor bound;

    if (s->numerics.kind == QQ_NUMERICS_NONE)
        return QQ_ERR_SCHEME;
    qqi_aqt_bounds_plan(x, s, tile, &bound);
    qqi_tiling_make(&t, x->rank, x->shape, tile);
    const size_t n = qq_tensor_count(&bound);
    for (size_t g = 0; g < n; g++)
        qqi_store_number(out, g, qqi_aqt_bound(x, s, &t, g));
    bound.data = out;
    QQ_MEMSET(view, 0, sizeof *view);
    view->absmax = bound;
    return QQ_OK;
}

// The type of the scales of bounds.
QQI_FN qq_type qqi_aqt_scale_type(const qq_bounds *b, const qq_scheme *s)
{
    return s->scale_type != QQ_TYPE_NONE ? s->scale_type : b->absmax.type;
}

QQI_FN size_t qqi_aqt_scale_size(const qq_bounds *b, const qq_scheme *s)
{
    return qq_type_bytes(qqi_aqt_scale_type(b, s), qq_tensor_count(&b->absmax));
}

QQI_FN qq_status qqi_aqt_scale_from(const qq_bounds *b, const qq_scheme *s,
                                    void *out, qq_tensor *scale,
                                    qq_tensor *zero_point, float *scale2)
{
    const size_t n = qq_tensor_count(&b->absmax);

    if (s->numerics.kind == QQ_NUMERICS_NONE)
        return QQ_ERR_SCHEME;
    if (!qqi_aqt_is_float(b->absmax.type))
        return QQ_ERR_TYPE;
    qq_tensor r = b->absmax;
    r.type = qqi_aqt_scale_type(b, s);
    r.data = out;
    for (size_t g = 0; g < n; g++) {
        const struct qqi_number bound = qqi_load_number(&b->absmax, g);
        qqi_store_number(
            out, g, qqi_number_cast(qqi_aqt_scale(s, bound, n > 1), r.type));
    }
    if (s->rule == QQ_RULE_FJ)
        qqi_fj_invert(&r, out);
    *scale = r;
    if (zero_point)
        QQ_MEMSET(zero_point, 0, sizeof *zero_point);
    if (scale2)
        *scale2 = 1.0f;
    return QQ_OK;
}

// --- codes with a scale that is given --------------------------------------

QQI_FN size_t qqi_aqt_given_size(const qq_tensor *x, const qq_scheme *s,
                                 const qq_tensor *scale,
                                 const qq_tensor *zero_point)
{
    qq_array a;

    (void)zero_point;
    qqi_aqt_plan(x, s, scale, &a);
    return qqi_aqt_place(&a, NULL);
}

QQI_FN qq_status qqi_aqt_given(const qq_tensor *x, const qq_scheme *s,
                               const qq_tensor *scale,
                               const qq_tensor *zero_point, void *out,
                               qq_array *view)
{
    qq_array a;

    if (s->numerics.kind == QQ_NUMERICS_NONE || zero_point)
        return QQ_ERR_SCHEME;
    if (!qqi_aqt_is_float(scale->type))
        return QQ_ERR_TYPE;
    qqi_aqt_plan(x, s, scale, &a);
    qqi_aqt_fill(x, s, scale, out, &a);
    *view = a;
    return QQ_OK;
}

QQI_FN qq_type qqi_aqt_encode_type(const qq_tensor *x, const qq_scheme *s)
{
    return qqi_aqt_code_type(s, x->type);
}

QQI_FN qq_status qqi_aqt_encode(const qq_tensor *x, const qq_scheme *s,
                                void *out)
{
    const qq_type stored = qqi_aqt_code_type(s, x->type);
    const qq_tensor codes = qq_tensor_make(out, stored, x->rank, x->shape);
    const size_t n = qq_tensor_count(x);

    if (s->numerics.kind == QQ_NUMERICS_FP8 && s->numerics.stochastic &&
        x->type == QQ_TYPE_F16)
        return QQ_ERR_SCHEME;
    qqi_aqt_clear_tail(&codes, out);
    for (size_t i = 0; i < n; i++)
        qqi_aqt_store(stored, out, i,
                      qqi_aqt_forward(s, x, i, qqi_load_number(x, i)));
    return QQ_OK;
}

QQI_FN qq_status qqi_aqt_dequantize(const qq_array *a, qq_type type, void *out)
{
    return qqi_aqt_decode(a, type, 0, out);
}

QQI_FN qq_status qqi_fj_dequantize(const qq_array *a, qq_type type, void *out)
{
    return qqi_aqt_decode(a, type, 1, out);
}

static const struct qqi_rule qqi_rule_aqt QQI_UNUSED = {
    qqi_aqt_check,       qqi_aqt_array_size, qqi_aqt_quantize,
    qqi_aqt_bounds_size, qqi_aqt_calibrate,  qqi_aqt_scale_size,
    qqi_aqt_scale_from,  qqi_aqt_given_size, qqi_aqt_given,
    qqi_aqt_encode_type, qqi_aqt_encode,     qqi_aqt_dequantize,
};

// A scale of FJFormer's arrays is an inverse, so none can be given.
static const struct qqi_rule qqi_rule_fj QQI_UNUSED = {
    qqi_aqt_check,
    qqi_aqt_array_size,
    qqi_aqt_quantize,
    qqi_aqt_bounds_size,
    qqi_aqt_calibrate,
    qqi_aqt_scale_size,
    qqi_aqt_scale_from,
    NULL,
    NULL,
    qqi_aqt_encode_type,
    qqi_aqt_encode,
    qqi_fj_dequantize,
};

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_H
