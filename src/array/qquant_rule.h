// qquant floor 5: rule qquant, step by step, and its row of functions.

#ifndef QQUANT_ARRAY_QQUANT_RULE_H
#define QQUANT_ARRAY_QQUANT_RULE_H

#include "array/back.h"
#include "array/bounds.h"
#include "array/make.h"
#include "array/qquant.h"
#include "array/rule.h"

QQI_FN size_t qqi_qquant_bounds_size(const qq_tensor *x, const qq_scheme *s)
{
    return qqi_bounds_bytes(x, s, QQ_TYPE_F32);
}

// low and high are one where only a magnitude is kept.
QQI_NOINLINE void qqi_plan_store_bounds(const struct qqi_plan *p, uint8_t *low,
                                        uint8_t *high)
{
    struct qqi_bound b[QQI_LANES_MOST];

    for (size_t tile = 0; tile < p->tiling.tiles;) {
        const size_t n = qqi_plan_bounds(p, tile, b);
        for (size_t i = 0; i < n; i++) {
            qqi_store_f32(low + 4 * (tile + i), b[i].min);
            qqi_store_f32(high + 4 * (tile + i), b[i].max);
        }
        tile += n;
    }
}

QQI_FN qq_status qqi_qquant_calibrate(const qq_tensor *x, const qq_scheme *s,
                                      void *out, qq_bounds *view)
{
    struct qqi_layout l;
    struct qqi_plan p;
    qqi_book book;

    qqi_layout_make(&l, s, x, QQ_TYPE_F32, 0);
    qqi_plan_make(&p, s, x, l.tile, &book);
    qqi_bounds_view(&l.scale, p.asymmetric, out, view);
    qqi_plan_store_bounds(
        &p, (uint8_t *)out,
        (uint8_t *)qqi_bounds_high(&l.scale, p.asymmetric, out));
    return QQ_OK;
}

// --- scales ----------------------------------------------------------------

QQI_FN size_t qqi_qquant_scale_size(const qq_bounds *b, const qq_scheme *s)
{
    struct qqi_layout l;

    return qqi_scale_layout(&l, b, s, qqi_qquant_scale_type(s));
}

QQI_FN float qqi_bounds_largest(const qq_bounds *b)
{
    const size_t n = qq_tensor_count(&b->absmax);
    float largest = 0.0f;

    for (size_t i = 0; i < n; i++) {
        const float bound = qqi_bounds_at(b, i).max;
        largest = bound > largest ? bound : largest;
    }
    return largest;
}

QQI_FN qq_status qqi_qquant_scale(const qq_bounds *b, const qq_scheme *s,
                                  void *out, qq_tensor *scale,
                                  qq_tensor *zero_point, float *scale2)
{
    const int asymmetric = b->absmax.type == QQ_TYPE_NONE;
    const size_t n = qq_tensor_count(qqi_bounds_top(b));
    struct qqi_layout l;
    struct qqi_scaler k;

    if (asymmetric && (s->two_level || !qqi_type_info(s->type).affine))
        return QQ_ERR_SCHEME;
    if (s->two_level && scale2 == NULL)
        return QQ_ERR_ARGUMENT;
    (void)qqi_scale_layout(&l, b, s, qqi_qquant_scale_type(s));
    qqi_scale_view(&l, out, scale, zero_point);
    qqi_scaler_make(&k, s);
    if (s->two_level)
        k.scale2 = qqi_scaler_second(&k, qqi_bounds_largest(b));
    void *zeros = qqi_scale_zeros(&l, out);
    for (size_t i = 0; i < n; i++) {
        const struct qqi_bound bound = qqi_bounds_at(b, i);
        qqi_put_scales(&k, asymmetric, &bound, i, 1, out, zeros);
    }
    if (scale2 != NULL)
        *scale2 = k.scale2;
    return QQ_OK;
}

// --- given scales ----------------------------------------------------------

QQI_FN size_t qqi_qquant_given_size(const qq_tensor *x, const qq_scheme *s,
                                    const qq_tensor *scale,
                                    const qq_tensor *zero_point)
{
    struct qqi_layout l;

    qqi_layout_given(&l, s, x, scale, scale->type, zero_point);
    return l.bytes;
}

QQI_FN qq_status qqi_qquant_given(const qq_tensor *x, const qq_scheme *s,
                                  const qq_tensor *scale,
                                  const qq_tensor *zero_point, void *out,
                                  qq_array *view)
{
    struct qqi_layout l;
    struct qqi_encoder e;
    qqi_book book;

    qqi_layout_given(&l, s, x, scale, scale->type, zero_point);
    qqi_layout_view(&l, s, out, view);
    if (l.scale_bytes > 0)
        QQ_MEMCPY(out, scale->data, l.scale_bytes);
    if (l.zero_bytes > 0)
        QQ_MEMCPY(qqi_layout_zero(&l, out), zero_point->data, l.zero_bytes);
    QQ_MEMSET(&book, 0, sizeof book); // a scheme without levels reads none
    if (s->type == QQ_TYPE_BOOK)
        qqi_book_make(&book, s->levels, s->level_count);
    qqi_plan_encoder(&e, s, zero_point != NULL, &book);
    qqi_qquant_codes(&e, s, x, view, qqi_layout_codes(&l, out));
    return QQ_OK;
}

QQI_FN qq_type qqi_qquant_code_type(const qq_tensor *x, const qq_scheme *s)
{
    (void)x;
    return qqi_type_storage(s->type);
}

QQI_FN qq_status qqi_qquant_encode(const qq_tensor *x, const qq_scheme *s,
                                   void *out)
{
    struct qqi_encoder e;
    qqi_book book;

    if (s->type == QQ_TYPE_BOOK)
        qqi_book_make(&book, s->levels, s->level_count);
    qqi_plan_encoder(&e, s, qqi_calib_is_asymmetric(&s->calibration), &book);
    qqi_pass_scaled(&e, QQ_TYPE_F32, s, x, out);
    return QQ_OK;
}

QQI_FN qq_status qqi_qquant_dequantize(const qq_array *a, qq_type type,
                                       void *out)
{
    const qq_status status = qq_array_check(a);

    if (status == QQ_OK)
        qqi_back_array(a, QQ_TYPE_F32, 1, type, out);
    return status;
}

static const struct qqi_rule qqi_rule_qquant QQI_UNUSED = {
    qqi_qquant_check,       qqi_qquant_size,       qqi_qquant_quantize,
    qqi_qquant_bounds_size, qqi_qquant_calibrate,  qqi_qquant_scale_size,
    qqi_qquant_scale,       qqi_qquant_given_size, qqi_qquant_given,
    qqi_qquant_code_type,   qqi_qquant_encode,     qqi_qquant_dequantize};

#endif // QQUANT_ARRAY_QQUANT_RULE_H
