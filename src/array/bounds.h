// qquant floor 5: bounds and scales as tensors of their own.
//
//   bounds: absmax, or min and max behind it
//   scales: scales, and zero points behind them

#ifndef QQUANT_ARRAY_BOUNDS_H
#define QQUANT_ARRAY_BOUNDS_H

#include "array/calibrate.h"
#include "array/layout.h"
#include "codec/element.h"

// The bytes of the bounds that a scheme's calibration makes of x, in a type.
QQI_FN size_t qqi_bounds_bytes(const qq_tensor *x, const qq_scheme *s,
                               qq_type type)
{
    const size_t each = qqi_calib_is_asymmetric(&s->calibration) ? 2 : 1;
    struct qqi_layout l;
    size_t bytes = 0;

    qqi_layout_make(&l, s, x, type, 0);
    if (l.scale_bytes == SIZE_MAX || !qqi_mul_size(l.scale_bytes, each, &bytes))
        return SIZE_MAX;
    return bytes;
}

// Where the upper bounds lie: behind the lower ones, if there are any.
QQI_FN void *qqi_bounds_high(const qq_tensor *scale, int asymmetric, void *out)
{
    uint8_t *p = (uint8_t *)out;
    const size_t bytes = asymmetric ? qq_tensor_bytes(scale) : 0;

    return bytes > 0 ? p + bytes : p;
}

QQI_FN void qqi_bounds_view(const qq_tensor *scale, int asymmetric, void *out,
                            qq_bounds *view)
{
    QQ_MEMSET(view, 0, sizeof *view);
    view->absmax = view->min = view->max = *scale;
    view->absmax.data = view->min.data = out;
    view->max.data = qqi_bounds_high(scale, asymmetric, out);
    if (asymmetric)
        view->absmax.type = QQ_TYPE_NONE;
    else
        view->min.type = view->max.type = QQ_TYPE_NONE;
}

QQI_FN const qq_tensor *qqi_bounds_top(const qq_bounds *b)
{
    return b->absmax.type != QQ_TYPE_NONE ? &b->absmax : &b->max;
}

QQI_FN struct qqi_bound qqi_bounds_at(const qq_bounds *b, size_t i)
{
    const qq_tensor *top = qqi_bounds_top(b);
    struct qqi_bound r = {0.0f, 0.0f};

    if (b->min.type != QQ_TYPE_NONE)
        r.min = qqi_load_value(b->min.type, b->min.data, i);
    r.max = qqi_load_value(top->type, top->data, i);
    return r;
}

// The tensors of the scales that bounds give, and the bytes of both.
QQI_FN size_t qqi_scale_layout(struct qqi_layout *l, const qq_bounds *b,
                               const qq_scheme *s, qq_type scale_type)
{
    const int asymmetric = b->absmax.type == QQ_TYPE_NONE;
    const qq_tensor *t = qqi_bounds_top(b);
    const qq_type codes = qqi_type_storage(s->type);
    const size_t none = 0;

    QQ_MEMSET(l, 0, sizeof *l);
    l->scale = qq_tensor_make(NULL, scale_type, t->rank, t->shape);
    l->zero_point = qq_tensor_make(NULL, asymmetric ? codes : QQ_TYPE_NONE,
                                   t->rank, t->shape);
    l->value = qq_tensor_make(NULL, codes, 1, &none);
    qqi_layout_sum(l);
    return l->bytes;
}

// Where the zero points lie; their bytes are made 0.
QQI_FN void *qqi_scale_zeros(const struct qqi_layout *l, void *out)
{
    uint8_t *p = (uint8_t *)out;

    if (l->zero_bytes == 0)
        return out;
    QQ_MEMSET(p + l->scale_bytes, 0, l->zero_bytes);
    return p + l->scale_bytes;
}

QQI_FN void qqi_scale_view(const struct qqi_layout *l, void *out,
                           qq_tensor *scale, qq_tensor *zero_point)
{
    uint8_t *p = (uint8_t *)out;

    *scale = l->scale;
    scale->data = out;
    *zero_point = l->zero_point;
    zero_point->data = l->zero_bytes > 0 ? p + l->scale_bytes : NULL;
}

#endif // QQUANT_ARRAY_BOUNDS_H
