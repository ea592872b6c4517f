// qquant floor 5: rule Qwix: an array of a tensor.
//
// Codes are made with scales in the type of x; only then are the scales
// rounded to the type in which they are stored.

#ifndef QQUANT_ARRAY_QWIX_H
#define QQUANT_ARRAY_QWIX_H

#include "array/layout.h"
#include "array/pass.h"
#include "array/qwix_calibrate.h"
#include "array/qwix_check.h"
#include "array/qwix_scale.h"

QQI_FN qq_type qqi_qwix_scale_type(const qq_tensor *x, const qq_scheme *s)
{
    return s->scale_type != QQ_TYPE_NONE ? s->scale_type : x->type;
}

QQI_FN void qqi_qwix_layout(struct qqi_layout *l, const qq_tensor *x,
                            const qq_scheme *s)
{
    qqi_layout_make(l, s, x, qqi_qwix_scale_type(x, s),
                    qqi_calib_is_asymmetric(&s->calibration));
}

QQI_FN size_t qqi_qwix_size(const qq_tensor *x, const qq_scheme *s)
{
    struct qqi_layout l;

    qqi_qwix_layout(&l, x, s);
    return l.bytes;
}

// Integers have their whole range; NaN stays where the type has one.
QQI_FN void qqi_qwix_encoder(struct qqi_encoder *e, const qq_scheme *s)
{
    const qqi_type_row *row = qqi_type_find(qqi_type_storage(s->type));

    e->type = row->type;
    e->kind = row->info.kind;
    e->bits = row->info.bits;
    e->lo = row->info.min;
    e->hi = row->info.max;
    e->nan_is_zero = 0;
    e->far = 1;
    e->book = NULL;
}

QQI_FN void qqi_qwix_pass(struct qqi_pass *p, const qq_scheme *s, qq_type step,
                          size_t numbers, size_t scales)
{
    qqi_qwix_encoder(&p->encoder, s);
    p->step = step;
    p->scale2 = 1.0f;
    p->offset_is_float = 1;
    p->reciprocal = qqi_quotient_by_reciprocal(s, step, numbers, scales);
}

// Noise is added to codes of plain integers only; other types ignore it.
QQI_FN int qqi_qwix_has_noise(const qq_scheme *s)
{
    const int plain = s->type == QQ_TYPE_INT4 || s->type == QQ_TYPE_INT8 ||
                      s->type == QQ_TYPE_INT16 ||
                      (s->type >= QQ_TYPE_UINT2 && s->type <= QQ_TYPE_UINT8);

    return plain && s->noise != QQ_NOISE_NONE;
}

// --- scales ----------------------------------------------------------------

// The scales of tile, tile + 1, ..., in the type of x, and their zero points;
// returns how many.
QQI_NOINLINE size_t qqi_qwix_scales(const struct qqi_qwix_scaler *k,
                                    const qq_scheme *s,
                                    const struct qqi_tiling *tiling,
                                    const qq_tensor *x, size_t tile,
                                    float *scale, int16_t *zero)
{
    const int asymmetric = qqi_calib_is_asymmetric(&s->calibration);
    struct qqi_bound b[QQI_LANES_MOST];
    const size_t n = qqi_qwix_bounds(&s->calibration, tiling, x, tile, b);

    for (size_t i = 0; i < n; i++) {
        zero[i] = 0;
        if (asymmetric) {
            scale[i] = qqi_qwix_asymmetric(k, b[i]);
            zero[i] = (int16_t)qqi_qwix_zero(k, b[i].min, scale[i]);
        } else {
            scale[i] = qqi_qwix_symmetric(k, b[i].max);
        }
    }
    return n;
}

QQI_FN void qqi_qwix_store(const qq_array *view, size_t tile, size_t n,
                           const float *scale, const int16_t *zero,
                           void *scales, void *zeros)
{
    qqi_store_floats(view->scale.type, scales, tile, n, scale);
    if (view->zero_point.type == QQ_TYPE_NONE)
        return;
    for (size_t i = 0; i < n; i++)
        qqi_store_code(view->zero_point.type, zeros, tile + i,
                       (uint32_t)(int32_t)zero[i]);
}

// All scales of the view.
QQI_NOINLINE void qqi_qwix_all_scales(const struct qqi_qwix_scaler *k,
                                      const qq_scheme *s,
                                      const struct qqi_tiling *tiling,
                                      const qq_tensor *x, const qq_array *view,
                                      void *scales, void *zeros)
{
    float scale[QQI_LANES_MOST];
    int16_t zero[QQI_LANES_MOST];
    const size_t tiles = qq_tensor_count(&view->scale);

    for (size_t tile = 0; tile < tiles;) {
        const size_t n = qqi_qwix_scales(k, s, tiling, x, tile, scale, zero);
        qqi_qwix_store(view, tile, n, scale, zero, scales, zeros);
        tile += n;
    }
}

// The codes of x with the scales of the view.
QQI_NOINLINE void qqi_qwix_codes(const qq_scheme *s, const qq_tensor *x,
                                 const qq_array *view, void *codes)
{
    struct qqi_stream scale;
    struct qqi_pass pass;
    const int zero = view->zero_point.type != QQ_TYPE_NONE;

    qqi_stream_begin(&scale, x->rank, x->shape, view->tile, &view->scale,
                     zero ? &view->zero_point : NULL);
    qqi_qwix_pass(&pass, s, x->type, scale.tiling.numbers, scale.tiling.tiles);
    if (qqi_qwix_has_noise(s))
        qqi_pass_noisy(&pass, s, x, &scale, codes);
    else
        qqi_pass_run(&pass, x, &scale, NULL, codes);
}

#endif // QQUANT_ARRAY_QWIX_H
