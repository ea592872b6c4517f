// qquant floor 9: AQT's numerics by themselves: bounds, gradient, mantissa.
//
// The arithmetic stands in array/aqt_numerics.h.

#ifndef QQUANT_TRAIN_NUMERICS_H
#define QQUANT_TRAIN_NUMERICS_H

#include "api/aqt.h"
#include "array/aqt_calibrate.h"
#include "array/aqt_check.h"
#include "array/part.h"

QQ_API qq_status qq_aqt_share_axes(qq_scheme *s, const int *axes, size_t count,
                                   unsigned rank)
{
    uint32_t shared = 0;

    if (s == NULL || axes == NULL)
        return QQ_ERR_ARGUMENT;
    if (rank > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    for (size_t i = 0; i < count; i++) {
        unsigned a;
        if (!qqi_axis(axes[i], rank, &a))
            return QQ_ERR_AXIS;
        shared |= (uint32_t)1 << a;
    }
    s->channels = (((uint32_t)1 << rank) - 1) & ~shared;
    return QQ_OK;
}

// A float tensor, and room for as many bytes.
QQI_FN qq_status qqi_train_check(const qq_tensor *x, const void *out,
                                 size_t out_bytes)
{
    const qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    if (!qqi_aqt_is_float(x->type))
        return QQ_ERR_TYPE;
    return qqi_out_check(qq_tensor_bytes(x), out, out_bytes);
}

QQI_FN qq_status qqi_train_answer(const qq_tensor *x, void *out,
                                  qq_tensor *view)
{
    *view = *x;
    view->data = out;
    return QQ_OK;
}

QQ_API qq_status qq_aqt_ceil_to_po2(const qq_tensor *x, void *out,
                                    size_t out_bytes, qq_tensor *view)
{
    const qq_status status = qqi_train_check(x, out, out_bytes);

    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t n = qq_tensor_count(x);
    for (size_t i = 0; i < n; i++)
        qqi_store_number(out, i, qqi_ceil_po2(qqi_load_number(x, i)));
    return qqi_train_answer(x, out, view);
}

// A scheme whose numerics can be asked.
QQI_FN qq_status qqi_numerics_check(const qq_scheme *s)
{
    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    return s->init == QQI_SCHEME_INIT &&
                   (s->rule == QQ_RULE_AQT || s->rule == QQ_RULE_FJ) &&
                   qqi_aqt_check_numerics(s) == 0
               ? QQ_OK
               : QQ_ERR_SCHEME;
}

QQ_API qq_status qq_numerics_bounds(const qq_scheme *s, double *quant,
                                    double *clip)
{
    const qq_status status = qqi_numerics_check(s);

    if (status != QQ_OK)
        return status;
    if (s->numerics.kind == QQ_NUMERICS_NONE)
        return QQ_ERR_SCHEME;
    if (quant == NULL || clip == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_aqt_bounds(s, quant, clip);
    return QQ_OK;
}

// The gradient g of a number x that may have been clipped at +-clip.
QQI_FN struct qqi_number qqi_clipped_gradient(struct qqi_number g,
                                              struct qqi_number x,
                                              struct qqi_number clip,
                                              int by_product)
{
    const float v = qqi_operand(x, x.type);
    const int inside = v >= -clip.value && v <= clip.value;

    if (by_product)
        return qqi_number_mul(g, qqi_number_of(inside ? 1.0f : 0.0f, g.type));
    return inside ? g : qqi_number_of(0.0f, g.type);
}

QQ_API qq_status qq_numerics_gradient(const qq_scheme *s, const qq_tensor *x,
                                      const qq_tensor *g, void *out,
                                      size_t out_bytes, qq_tensor *view)
{
    qq_status status = qqi_numerics_check(s);
    double quant, bound;

    if (status == QQ_OK)
        status = qq_tensor_check(x);
    if (status == QQ_OK)
        status = qqi_train_check(g, out, out_bytes);
    if (status != QQ_OK)
        return status;
    const size_t n = qq_tensor_count(g);
    if (x->type != g->type)
        return QQ_ERR_TYPE;
    if (qq_tensor_count(x) != n)
        return QQ_ERR_SHAPE;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const int clips =
        s->numerics.kind == QQ_NUMERICS_INT && s->numerics.clip_gradient;
    if (!clips) {
        if (n > 0)
            QQ_MEMMOVE(out, g->data, qq_tensor_bytes(g));
        return qqi_train_answer(g, out, view);
    }
    qqi_aqt_bounds(s, &quant, &bound);
    const struct qqi_number clip = qqi_number_constant(bound, x->type);
    const int by_product =
        s->division != QQ_DIVISION_RECIPROCAL || g->type == QQ_TYPE_BF16;
    for (size_t i = 0; i < n; i++)
        qqi_store_number(out, i,
                         qqi_clipped_gradient(qqi_load_number(g, i),
                                              qqi_load_number(x, i), clip,
                                              by_product));
    return qqi_train_answer(g, out, view);
}

QQ_API qq_status qq_numerics_mantissa(const qq_scheme *s, const qq_tensor *x,
                                      void *out, size_t out_bytes,
                                      qq_tensor *view)
{
    qq_status status = qqi_numerics_check(s);

    if (status != QQ_OK)
        return status;
    if (s->numerics.kind != QQ_NUMERICS_FP8 ||
        qqi_aqt_check_noise(s, NULL) != 0)
        return QQ_ERR_SCHEME;
    status = qqi_train_check(x, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (x->type == QQ_TYPE_F16)
        return QQ_ERR_TYPE;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const unsigned width = x->type == QQ_TYPE_F32 ? 32 : 16;
    const size_t n = qq_tensor_count(x);
    for (size_t i = 0; i < n; i++)
        qqi_store_number(out, i,
                         qqi_aqt_mantissa(s, qqi_load_number(x, i),
                                          qqi_aqt_bits(s, x, i, width)));
    return qqi_train_answer(x, out, view);
}

#endif // QQUANT_TRAIN_NUMERICS_H
