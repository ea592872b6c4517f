// qquant floor 5: rows of an array by their numbers.
//
// Scales of which the axis has one for every number are gathered with them;
// where it has one for all, it stays.

#ifndef QQUANT_ARRAY_TAKE_H
#define QQUANT_ARRAY_TAKE_H

#include "array/gather.h"
#include "array/part.h"

// The shapes and tiles of the result; QQ_ERR_SHAPE where the axis is tiled.
QQI_FN qq_status qqi_take_plan(const qq_array *a, int axis, size_t count,
                               unsigned *at, qq_array *r)
{
    const qq_status status = qqi_parts_check(a);

    if (status != QQ_OK)
        return status;
    if (!qqi_axis(axis, a->value.rank, at))
        return QQ_ERR_AXIS;
    const size_t n = a->value.shape[*at];
    *r = *a;
    for (int part = 0; part < QQI_PARTS; part++) {
        qq_tensor *t = qqi_part(r, part);
        if (t->type == QQ_TYPE_NONE)
            continue;
        const int one = t->shape[*at] == 1 && part != QQI_PART_CODES;
        if (!one && t->shape[*at] != n)
            return QQ_ERR_SHAPE;
        if (!one)
            t->shape[*at] = count;
        qqi_part_set_tile(r, part, *at, one && count > 0 ? count : 1);
    }
    return QQ_OK;
}

QQ_API size_t qq_array_take_size(const qq_array *a, int axis, size_t count)
{
    unsigned at;
    qq_array r;

    if (qqi_take_plan(a, axis, count, &at, &r) != QQ_OK)
        return SIZE_MAX;
    return qqi_parts_bytes(&r);
}

// Rows index[...] of an axis of t, into a result that is not empty.
QQI_FN void qqi_take_move(const qq_tensor *t, unsigned axis, size_t count,
                          const size_t *index, void *out)
{
    const size_t outer = qqi_shape_count(axis, t->shape);
    const size_t inner =
        qqi_shape_count(t->rank - axis - 1, t->shape + axis + 1);
    size_t to = 0;

    for (size_t i = 0; i < outer; i++)
        for (size_t k = 0; k < count; k++, to += inner) {
            const size_t row = i * t->shape[axis] + index[k];
            qqi_gather_row(t->type, t->data, row * inner, 1, inner, to, out);
        }
}

QQ_API qq_status qq_array_take(const qq_array *a, int axis, size_t count,
                               const size_t *index, void *out, size_t out_bytes,
                               qq_array *view)
{
    unsigned at;
    qq_array r;
    qq_status status = qqi_take_plan(a, axis, count, &at, &r);

    if (status != QQ_OK)
        return status;
    if (index == NULL && count > 0)
        return QQ_ERR_ARGUMENT;
    for (size_t k = 0; k < count; k++)
        if (index[k] >= a->value.shape[at])
            return QQ_ERR_SHAPE;
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_parts_place(&r, out);
    for (int part = 0; part < QQI_PARTS; part++) {
        const qq_tensor *t = qqi_part_of(a, part);
        void *to = qqi_part_out(&r, part, out);
        if (!qqi_has_part(a, part) || qq_tensor_count(qqi_part(&r, part)) == 0)
            continue;
        if (t->shape[at] == 1 && part != QQI_PART_CODES)
            qqi_gather_row(t->type, t->data, 0, 1, qq_tensor_count(t), 0, to);
        else
            qqi_take_move(t, at, count, index, to);
    }
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_TAKE_H
