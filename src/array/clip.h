// qquant floor 5: limiting numbers, and their gradients, to bounds.

#ifndef QQUANT_ARRAY_CLIP_H
#define QQUANT_ARRAY_CLIP_H

#include "array/quantize.h"
#include "array/stream.h"

// The bounds of every number of a tensor.
struct qqi_limits {
    struct qqi_stream low; // not used where there is but a magnitude
    struct qqi_stream high;
    int asymmetric;
};

// The shape of the bounds decides the tiles.
QQI_FN qq_status qqi_limits_begin(struct qqi_limits *m, const qq_tensor *x,
                                  const qq_bounds *b)
{
    const qq_tensor *top = qqi_bounds_top(b);
    size_t tile[QQ_MAX_RANK];

    const qq_status status = qqi_tiles_of(x, top, tile);
    if (status != QQ_OK)
        return status;
    m->asymmetric = b->absmax.type == QQ_TYPE_NONE;
    qqi_stream_begin(&m->high, x->rank, x->shape, tile, top, NULL);
    if (m->asymmetric)
        qqi_stream_begin(&m->low, x->rank, x->shape, tile, &b->min, NULL);
    return QQ_OK;
}

// Those of the next n numbers.
QQI_FN void qqi_limits_next(struct qqi_limits *m, size_t n, float *low,
                            float *high)
{
    qqi_stream_next(&m->high, n, high, NULL);
    if (m->asymmetric) {
        qqi_stream_next(&m->low, n, low, NULL);
        return;
    }
    for (size_t i = 0; i < n; i++)
        low[i] = -high[i];
}

QQI_FN qq_status qqi_check_float(const qq_tensor *x)
{
    const qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    return qqi_is_input_type(x->type) ? QQ_OK : QQ_ERR_TYPE;
}

// NaN if either is, else the larger one.
QQI_INLINE float qqi_clip_up(float x, float low)
{
    return qqi_is_nan_f32(low) ? low : x < low ? low : x;
}

QQI_NOINLINE void qqi_clip_block(const qq_tensor *x, struct qqi_limits *m,
                                 size_t first, size_t n, void *out)
{
    float v[QQI_BLOCK];
    float low[QQI_BLOCK];
    float high[QQI_BLOCK];

    qqi_load_floats(x->type, x->data, first, n, v);
    qqi_limits_next(m, n, low, high);
    for (size_t i = 0; i < n; i++)
        v[i] = -qqi_clip_up(-qqi_clip_up(v[i], low[i]), -high[i]);
    qqi_store_floats(x->type, out, first, n, v);
}

QQ_API qq_status qq_clip_to_bounds(const qq_tensor *x, const qq_bounds *b,
                                   void *out, size_t out_bytes, qq_tensor *view)
{
    struct qqi_limits m;

    qq_status status = qqi_check_float(x);
    if (status == QQ_OK)
        status = qqi_check_bounds(b);
    if (status == QQ_OK)
        status = qqi_limits_begin(&m, x, b);
    if (status == QQ_OK)
        status = qqi_check_out(qq_tensor_bytes(x), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t count = qq_tensor_count(x);
    for (size_t i = 0; i < count; i += QQI_BLOCK)
        qqi_clip_block(x, &m, i, qqi_block_size(count - i), out);
    *view = *x;
    view->data = out;
    return QQ_OK;
}

// --- gradients -------------------------------------------------------------

// The numbers of g that stay, bit for bit; +0 for the others.
QQI_NOINLINE void qqi_mask_block(const qq_tensor *g, const qq_tensor *x,
                                 struct qqi_limits *m, size_t first, size_t n,
                                 void *out)
{
    float v[QQI_BLOCK];
    float low[QQI_BLOCK];
    float high[QQI_BLOCK];
    const size_t each = g->type == QQ_TYPE_F32 ? 4 : 2;
    uint8_t *p = (uint8_t *)out + each * first;
    const uint8_t *from = (const uint8_t *)g->data + each * first;

    qqi_load_floats(x->type, x->data, first, n, v);
    qqi_limits_next(m, n, low, high);
    QQ_MEMMOVE(p, from, each * n);
    for (size_t i = 0; i < n; i++) {
        if (!(v[i] >= low[i] && v[i] <= high[i]))
            QQ_MEMSET(p + each * i, 0, each);
    }
}

// Whether a calibration lets all gradients through: that of all numbers, by a
// factor of at least 1.
QQI_FN int qqi_calib_passes(const qq_calibration *c)
{
    return (c->method == QQ_CALIB_ABSMAX || c->method == QQ_CALIB_MINMAX) &&
           (c->arg_count == 0 || c->args[0] >= 1.0);
}

// g and x are float tensors of one shape.
QQI_FN qq_status qqi_check_gradient(const qq_tensor *g, const qq_tensor *x)
{
    qq_status status = qqi_check_float(g);

    if (status == QQ_OK)
        status = qqi_check_float(x);
    if (status != QQ_OK)
        return status;
    if (g->rank != x->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < g->rank; a++) {
        if (g->shape[a] != x->shape[a])
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

QQ_API qq_status qq_clip_gradient(const qq_tensor *g, const qq_tensor *x,
                                  const qq_bounds *b, const qq_calibration *c,
                                  void *out, size_t out_bytes, qq_tensor *view)
{
    struct qqi_limits m;

    qq_status status = qqi_check_gradient(g, x);
    if (status == QQ_OK)
        status = qqi_check_bounds(b);
    if (status == QQ_OK)
        status = c != NULL ? qqi_limits_begin(&m, x, b) : QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_check_out(qq_tensor_bytes(g), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t count = qq_tensor_count(g);
    const size_t bytes = qq_tensor_bytes(g);
    if (qqi_calib_passes(c) && bytes > 0)
        QQ_MEMMOVE(out, g->data, bytes);
    for (size_t i = 0; i < count && !qqi_calib_passes(c); i += QQI_BLOCK)
        qqi_mask_block(g, x, &m, i, qqi_block_size(count - i), out);
    *view = *g;
    view->data = out;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_CLIP_H
