// qquant floor 5: the size of an array, its axes in another order, and its
// scales in another type.

#ifndef QQUANT_ARRAY_VIEW_H
#define QQUANT_ARRAY_VIEW_H

#include "array/part.h"
#include "codec/element.h"
#include "num/half.h"

QQ_API size_t qq_array_bytes(const qq_array *a)
{
    if (qqi_parts_check(a) != QQ_OK)
        return SIZE_MAX;
    return qqi_parts_bytes(a);
}

QQ_API qq_status qq_array_transpose(const qq_array *a, const unsigned *axes,
                                    void *out, size_t out_bytes, qq_array *view)
{
    qq_status status = qqi_parts_check(a);
    qq_array r;

    if (status != QQ_OK)
        return status;
    const unsigned rank = a->value.rank;
    if (axes == NULL && rank > 0)
        return QQ_ERR_ARGUMENT;
    unsigned seen = 0;
    for (unsigned i = 0; i < rank; i++) {
        if (axes[i] >= rank || (seen >> axes[i] & 1))
            return QQ_ERR_AXIS;
        seen |= 1u << axes[i];
    }
    status = qqi_out_check(qqi_parts_bytes(a), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;

    r = *a;
    for (unsigned i = 0; i < rank; i++) {
        r.tile[i] = a->tile[axes[i]];
        r.zero_tile[i] = a->zero_tile[axes[i]];
    }
    for (int part = 0; part < QQI_PARTS && status == QQ_OK; part++) {
        const qq_tensor *t = qqi_part_of(a, part);
        if (t->type == QQ_TYPE_NONE)
            continue;
        const size_t bytes = qq_tensor_bytes(t);
        status = qq_tensor_transpose(t, axes, qqi_part_out(a, part, out), bytes,
                                     qqi_part(&r, part));
    }
    if (status == QQ_OK)
        *view = r;
    return status;
}

QQ_API qq_status qq_array_swap_axes(const qq_array *a, int axis, int other,
                                    void *out, size_t out_bytes, qq_array *view)
{
    const qq_status status = qqi_parts_check(a);
    unsigned axes[QQ_MAX_RANK];
    unsigned i, j;

    if (status != QQ_OK)
        return status;
    if (!qqi_axis(axis, a->value.rank, &i) ||
        !qqi_axis(other, a->value.rank, &j))
        return QQ_ERR_AXIS;
    for (unsigned k = 0; k < QQ_MAX_RANK; k++)
        axes[k] = k == i ? j : k == j ? i : k;
    return qq_array_transpose(a, axes, out, out_bytes, view);
}

QQ_API qq_status qq_array_astype(const qq_array *a, qq_type type, void *out,
                                 size_t out_bytes, qq_array *view)
{
    qq_status status = qqi_parts_check(a);

    if (status != QQ_OK)
        return status;
    if ((type != QQ_TYPE_F32 && type != QQ_TYPE_F16 && type != QQ_TYPE_BF16) ||
        !qqi_has_part(a, QQI_PART_SCALE))
        return QQ_ERR_TYPE;
    const size_t count = qq_tensor_count(&a->scale);
    status = qqi_out_check(qq_type_bytes(type, count), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;

    uint8_t *p = (uint8_t *)out;
    for (size_t i = 0; i < count; i++) {
        const double x = qqi_load_wide(a->scale.type, a->scale.data, i);
        if (type == QQ_TYPE_F32)
            qqi_store_f32(p + 4 * i, qqi_f32_from_f64(x));
        else if (type == QQ_TYPE_F16)
            qqi_store_u16(p + 2 * i, qqi_f16_from_f64(x));
        else
            qqi_store_u16(p + 2 * i, qqi_bf16_from_f64(x));
    }
    qq_array r = *a;
    r.scale.type = type;
    r.scale.data = out;
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_VIEW_H
