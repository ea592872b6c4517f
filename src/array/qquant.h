// qquant floor 5: rule qquant: an array of a tensor.
//
// Everything is made in f32, whatever the type of x. Calibration, scales and
// codes are the formulas of calibrate.h, scale.h and pass.h.

#ifndef QQUANT_ARRAY_QQUANT_H
#define QQUANT_ARRAY_QQUANT_H

#include "array/pass.h"
#include "array/qquant_bounds.h"
#include "array/qquant_check.h"

QQI_FN void qqi_qquant_layout(struct qqi_layout *l, const qq_tensor *x,
                              const qq_scheme *s)
{
    qqi_layout_make(l, s, x, qqi_qquant_scale_type(s),
                    qqi_calib_is_asymmetric(&s->calibration));
}

QQI_FN size_t qqi_qquant_size(const qq_tensor *x, const qq_scheme *s)
{
    struct qqi_layout l;

    qqi_qquant_layout(&l, x, s);
    return l.bytes;
}

// --- scales ----------------------------------------------------------------

// Scales and zero points number first ... first + n - 1 of n bounds.
QQI_FN void qqi_put_scales(const struct qqi_scaler *k, int asymmetric,
                           const struct qqi_bound *b, size_t first, size_t n,
                           void *scales, void *zeros)
{
    for (size_t i = 0; i < n; i++) {
        const float scale = asymmetric ? qqi_scale_of_range(k, b[i])
                                       : qqi_scale_of_bound(k, b[i].max);
        qqi_store_floats(k->type, scales, first + i, 1, &scale);
        if (asymmetric) {
            const int32_t z = qqi_zero_of_range(k, scale * k->scale2, b[i].min);
            qqi_store_code(k->codes, zeros, first + i, (uint32_t)z);
        }
    }
}

// The scales of all tiles.
QQI_NOINLINE void qqi_plan_scales(struct qqi_plan *p, void *scales, void *zeros)
{
    struct qqi_bound b[QQI_LANES_MOST];

    if (p->s->two_level)
        p->scaler.scale2 = qqi_scaler_second(&p->scaler, qqi_plan_largest(p));
    for (size_t tile = 0; tile < p->tiling.tiles;) {
        const size_t n = qqi_plan_bounds(p, tile, b);
        qqi_put_scales(&p->scaler, p->asymmetric, b, tile, n, scales, zeros);
        tile += n;
    }
}

// --- codes -----------------------------------------------------------------

// The codes of x with the scales of the view.
QQI_NOINLINE void qqi_qquant_codes(const struct qqi_encoder *e,
                                   const qq_scheme *s, const qq_tensor *x,
                                   const qq_array *view, void *codes)
{
    struct qqi_stream scale;
    struct qqi_pass pass;
    const int zero = view->zero_point.type != QQ_TYPE_NONE;

    qqi_stream_begin(&scale, x->rank, x->shape, view->tile, &view->scale,
                     zero ? &view->zero_point : NULL);
    pass.encoder = *e;
    pass.step = QQ_TYPE_F32;
    pass.scale2 = view->scale2;
    pass.offset_is_float = 0;
    pass.reciprocal = qqi_quotient_by_reciprocal(
        s, QQ_TYPE_F32, scale.tiling.numbers, scale.tiling.tiles);
    if (s->noise == QQ_NOISE_NONE)
        qqi_pass_run(&pass, x, &scale, NULL, codes);
    else
        qqi_pass_noisy(&pass, s, x, &scale, codes);
}

QQI_FN qq_status qqi_qquant_quantize(const qq_tensor *x, const qq_scheme *s,
                                     void *out, qq_array *view)
{
    struct qqi_layout l;
    struct qqi_plan p;
    qqi_book book;

    qqi_qquant_layout(&l, x, s);
    qqi_plan_make(&p, s, x, l.tile, &book);
    qqi_layout_view(&l, s, out, view);
    if (l.zero_bytes > 0)
        QQ_MEMSET(qqi_layout_zero(&l, out), 0, l.zero_bytes);
    qqi_plan_scales(&p, out, qqi_layout_zero(&l, out));
    view->scale2 = p.scaler.scale2;
    qqi_qquant_codes(&p.encoder, s, x, view, qqi_layout_codes(&l, out));
    return QQ_OK;
}

#endif // QQUANT_ARRAY_QQUANT_H
