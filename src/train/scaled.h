// qquant floor 9: AQT's tensors with several scales and biases and a mask.
//
// Number after number, each part at the place that the number meets. Steps are
// typed as in array/aqt_step.h.

#ifndef QQUANT_TRAIN_SCALED_H
#define QQUANT_TRAIN_SCALED_H

#include "array/aqt.h"
#include "train/numerics.h"

// The common type of a type and a part.
QQI_FN qq_type qqi_parts_type(qq_type type, const qq_tensor *parts,
                              size_t count)
{
    for (size_t k = 0; k < count; k++)
        type = qqi_common_type(type, parts[k].type);
    return type;
}

QQI_FN qq_status qqi_spreads_check(const qq_tensor *parts, size_t count,
                                   const qq_tensor *x)
{
    if (parts == NULL && count > 0)
        return QQ_ERR_ARGUMENT;
    for (size_t k = 0; k < count; k++) {
        const qq_status status = qq_tensor_check(&parts[k]);
        if (status != QQ_OK)
            return status;
        if (!qqi_aqt_is_float(parts[k].type))
            return QQ_ERR_TYPE;
        if (!qqi_aqt_spreads(&parts[k], x))
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// The parts fit a tensor of x's shape.
QQI_FN qq_status qqi_scaled_check(const qq_aqt_tensor *t, const qq_tensor *x)
{
    if (t == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_spreads_check(t->scales, t->scale_count, x);
    if (status == QQ_OK)
        status = qqi_spreads_check(t->biases, t->bias_count, x);
    if (status == QQ_OK && t->mask)
        status = qqi_spreads_check(t->mask, 1, x);
    return status;
}

QQI_FN qq_type qqi_scaled_type(const qq_aqt_tensor *t, qq_type type)
{
    type = qqi_parts_type(type, t->biases, t->bias_count);
    type = qqi_parts_type(type, t->mask, t->mask ? 1 : 0);
    return qqi_parts_type(type, t->scales, t->scale_count);
}

// What of a part number i of a tensor of the shape meets.
QQI_FN struct qqi_number qqi_part_at(const qq_tensor *part, const size_t *shape,
                                     size_t i)
{
    return qqi_load_number(part, qqi_aqt_meets(part, shape, i));
}

QQI_FN struct qqi_number qqi_scale_number(const qq_aqt_tensor *t,
                                          const size_t *shape, size_t i,
                                          struct qqi_number v)
{
    for (size_t k = 0; k < t->bias_count; k++)
        v = qqi_number_add(v, qqi_part_at(&t->biases[k], shape, i));
    if (t->mask)
        v = qqi_number_mul(v, qqi_part_at(t->mask, shape, i));
    for (size_t k = 0; k < t->scale_count; k++)
        v = qqi_number_mul(
            v, qqi_aqt_factor(qqi_part_at(&t->scales[k], shape, i)));
    return v;
}

QQI_FN struct qqi_number qqi_unscale_number(const qq_aqt_tensor *t, size_t i,
                                            struct qqi_number v)
{
    const size_t *const shape = t->value.shape;

    for (size_t k = 0; k < t->scale_count; k++)
        v = qqi_number_mul(v, qqi_part_at(&t->scales[k], shape, i));
    if (t->mask)
        v = qqi_number_mul(v, qqi_part_at(t->mask, shape, i));
    for (size_t k = 0; k < t->bias_count; k++)
        v = qqi_number_sub(v, qqi_part_at(&t->biases[k], shape, i));
    return v;
}

QQI_FN qq_status qqi_scale_check(const qq_tensor *x, const qq_aqt_tensor *t)
{
    const qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    return qqi_aqt_is_float(x->type) ? qqi_scaled_check(t, x) : QQ_ERR_TYPE;
}

QQ_API size_t qq_aqt_scale_size(const qq_tensor *x, const qq_aqt_tensor *t)
{
    if (qqi_scale_check(x, t) != QQ_OK)
        return SIZE_MAX;
    return qq_type_bytes(qqi_scaled_type(t, x->type), qq_tensor_count(x));
}

QQ_API qq_status qq_aqt_scale(const qq_tensor *x, const qq_aqt_tensor *t,
                              void *out, size_t out_bytes, qq_tensor *view)
{
    qq_status status = qqi_scale_check(x, t);

    if (status != QQ_OK)
        return status;
    qq_tensor r = *x;
    r.type = qqi_scaled_type(t, x->type);
    r.data = out;
    const size_t n = qq_tensor_count(x);
    status = qqi_out_check(qq_type_bytes(r.type, n), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        const struct qqi_number v =
            qqi_scale_number(t, x->shape, i, qqi_load_number(x, i));
        qqi_store_number(out, i, qqi_number_cast(v, r.type));
    }
    *view = r;
    return QQ_OK;
}

QQ_API qq_status qq_aqt_dequantize(const qq_aqt_tensor *t, qq_type type,
                                   void *out, size_t out_bytes, qq_tensor *view)
{
    if (t == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qq_tensor_check(&t->value);
    if (status == QQ_OK)
        status = qqi_scaled_check(t, &t->value);
    if (status != QQ_OK)
        return status;
    if (!qqi_aqt_is_float(type))
        return QQ_ERR_TYPE;
    qq_tensor r = t->value;
    r.type = type;
    r.data = out;
    const size_t n = qq_tensor_count(&r);
    status = qqi_out_check(qq_type_bytes(type, n), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_type stored = t->value.type;
    for (size_t i = 0; i < n; i++) {
        const float code = qqi_load_value(stored, t->value.data, i);
        const struct qqi_number v =
            qqi_unscale_number(t, i, qqi_aqt_decoded(code, stored, type));
        qqi_store_number(out, i, qqi_number_cast(v, type));
    }
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_TRAIN_SCALED_H
