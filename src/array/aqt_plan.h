// qquant floor 5: the shape of AQT's and FJFormer's arrays.
//
// An array is its scales, its bias if there is one, its codes. Without
// numerics it is x alone.

#ifndef QQUANT_ARRAY_AQT_PLAN_H
#define QQUANT_ARRAY_AQT_PLAN_H

#include "array/aqt_calibrate.h"

#if !QQ_NO_TRAIN

// The type, shape and bias of what x is scaled by. A scale that is given has
// no calibration, to which biases belong.
QQI_FN void qqi_aqt_plan_scale(const qq_tensor *x, const qq_scheme *s,
                               const qq_tensor *scale, qq_array *a)
{
    const qq_type type =
        s->scale_type != QQ_TYPE_NONE ? s->scale_type : x->type;

    if (scale) {
        a->scale = *scale;
        return;
    }
    a->scale = *x;
    a->scale.type = s->rule == QQ_RULE_FJ ? qqi_aqt_bound_type(x, s) : type;
    qqi_aqt_tiles(x, s, a->tile, a->scale.shape);
    if (s->bias) {
        a->bias = *s->bias;
        a->bias.type = type;
    } else if (s->has_bias) {
        a->bias = *x;
    }
}

// The array of x, without data; scale: the one given, or NULL.
QQI_FN void qqi_aqt_plan(const qq_tensor *x, const qq_scheme *s,
                         const qq_tensor *scale, qq_array *a)
{
    qq_type type = x->type; // of the scaled numbers

    QQ_MEMSET(a, 0, sizeof *a);
    a->value = *x;
    a->scale2 = 1.0f;
    if (s->numerics.kind != QQ_NUMERICS_NONE)
        qqi_aqt_plan_scale(x, s, scale, a);
    if (a->bias.type != QQ_TYPE_NONE)
        type = qqi_common_type(type, a->bias.type);
    if (a->scale.type != QQ_TYPE_NONE && s->rule == QQ_RULE_AQT)
        type = qqi_common_type(type, a->scale.type);
    for (unsigned i = 0; i < x->rank; i++) {
        const size_t n = a->scale.type != QQ_TYPE_NONE ? a->scale.shape[i] : 1;
        a->tile[i] = n > 0 && x->shape[i] > 0 ? x->shape[i] / n : 1;
    }
    a->type = a->value.type = qqi_aqt_code_type(s, type);
}

// Points the parts behind each other; the bytes of all.
QQI_FN size_t qqi_aqt_place(qq_array *a, void *out)
{
    qq_tensor *const part[3] = {&a->scale, &a->bias, &a->value};
    uint8_t *p = (uint8_t *)out;
    size_t sum = 0;

    for (int i = 0; i < 3; i++) {
        if (part[i]->type == QQ_TYPE_NONE)
            continue;
        const size_t bytes = qq_tensor_bytes(part[i]);
        part[i]->data = p ? p + sum : NULL;
        if (bytes == SIZE_MAX || !qqi_add_size(sum, bytes, &sum))
            return SIZE_MAX;
    }
    return sum;
}

// The element of a broadcast tensor that number i of a tensor of the shape
// meets.
QQI_FN size_t qqi_aqt_meets(const qq_tensor *t, const size_t *shape, size_t i)
{
    size_t place = 0;
    size_t step = 1;

    for (int a = (int)t->rank - 1; a >= 0; a--) {
        const size_t n = t->shape[a];
        if (n > 1)
            place += i % shape[a] / (shape[a] / n) * step;
        step *= n;
        i /= shape[a];
    }
    return place;
}

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_PLAN_H
