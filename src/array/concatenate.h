// qquant floor 5: arrays behind each other along an axis.
//
// The tiles must go on from one array to the next: all are of one size, and
// only the last may be short. An axis with one scale is one tile. Arrays that
// are empty along the axis add nothing.

#ifndef QQUANT_ARRAY_CONCATENATE_H
#define QQUANT_ARRAY_CONCATENATE_H

#include "array/gather.h"
#include "array/part.h"

// The same tensor but for its size along one axis: type, rank, other sizes.
QQI_FN qq_status qqi_same_but(const qq_tensor *x, const qq_tensor *y,
                              unsigned axis)
{
    if (x->type != y->type)
        return QQ_ERR_TYPE;
    if (x->type == QQ_TYPE_NONE)
        return QQ_OK;
    if (x->rank != y->rank)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < x->rank; i++)
        if (i != axis && x->shape[i] != y->shape[i])
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

// Whether y can stand behind x, along the axis aside.
QQI_FN qq_status qqi_joins(const qq_array *x, const qq_array *y, unsigned axis)
{
    if (x->type != y->type || x->levels != y->levels ||
        x->level_count != y->level_count ||
        qqi_f32_bits(x->scale2) != qqi_f32_bits(y->scale2))
        return QQ_ERR_TYPE;
    for (int part = 0; part < QQI_PARTS; part++) {
        const qq_status status =
            qqi_same_but(qqi_part_of(x, part), qqi_part_of(y, part), axis);
        if (status != QQ_OK)
            return status;
        if (!qqi_has_part(x, part))
            continue;
        for (unsigned i = 0; i < x->value.rank; i++)
            if (i != axis &&
                qqi_part_tile(x, part, i) != qqi_part_tile(y, part, i))
                return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// Adds the numbers and elements of y to r; *tile is what r has along the axis,
// 0 before the first array. Nothing can follow a short tile: *open is 0.
QQI_FN int qqi_join_part(const qq_array *y, int part, unsigned axis,
                         qq_array *r, size_t *tile, int *open)
{
    const size_t n = y->value.shape[axis];
    const size_t count = qqi_part_of(y, part)->shape[axis];
    size_t t = qqi_part_tile(y, part, axis);

    if (!*open)
        return 0;
    // One tile may be the short one at the end.
    if (count == 1 && t < *tile)
        t = *tile;
    if (*tile != 0 && t != *tile)
        return 0;
    *tile = t;
    *open = n % t == 0;
    return qqi_add_size(qqi_part(r, part)->shape[axis], count,
                        &qqi_part(r, part)->shape[axis]);
}

// Shapes and tiles along the axis, of all arrays.
QQI_FN qq_status qqi_join_axis(const qq_array *const *parts, size_t n,
                               unsigned axis, qq_array *r)
{
    for (int part = 0; part < QQI_PARTS; part++) {
        size_t tile = 0;
        int open = 1;
        if (!qqi_has_part(r, part))
            continue;
        const size_t alone = qqi_part(r, part)->shape[axis];
        qqi_part(r, part)->shape[axis] = 0;
        for (size_t i = 0; i < n; i++)
            if (parts[i]->value.shape[axis] != 0 &&
                !qqi_join_part(parts[i], part, axis, r, &tile, &open))
                return QQ_ERR_SHAPE;
        if (tile == 0)
            qqi_part(r, part)->shape[axis] = alone; // nothing to join
        else
            qqi_part_set_tile(r, part, axis, tile);
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_concatenate_plan(const qq_array *const *parts, size_t n,
                                      int axis, unsigned *at, qq_array *r)
{
    if (parts == NULL || n == 0)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        const qq_status status = qqi_parts_check(parts[i]);
        if (status != QQ_OK)
            return status;
    }
    if (!qqi_axis(axis, parts[0]->value.rank, at))
        return QQ_ERR_AXIS;
    for (size_t i = 1; i < n; i++) {
        const qq_status status = qqi_joins(parts[0], parts[i], *at);
        if (status != QQ_OK)
            return status;
    }
    *r = *parts[0];
    return qqi_join_axis(parts, n, *at, r);
}

QQ_API size_t qq_array_concatenate_size(const qq_array *const *parts, size_t n,
                                        int axis)
{
    unsigned at;
    qq_array r;

    if (qqi_concatenate_plan(parts, n, axis, &at, &r) != QQ_OK)
        return SIZE_MAX;
    return qqi_parts_bytes(&r);
}

// Writes a part of the result, row by row of the axes before this one.
QQI_FN void qqi_concatenate_move(const qq_array *const *parts, size_t n,
                                 int part, unsigned axis, const qq_tensor *t,
                                 void *out)
{
    if (qq_tensor_count(t) == 0)
        return;
    const size_t outer = qqi_shape_count(axis, t->shape);
    const size_t inner =
        qqi_shape_count(t->rank - axis - 1, t->shape + axis + 1);
    size_t to = 0;
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < n; i++) {
            const qq_tensor *from = qqi_part_of(parts[i], part);
            const size_t run = from->shape[axis] * inner;
            if (parts[i]->value.shape[axis] == 0)
                continue;
            qqi_gather_row(t->type, from->data, o * run, 1, run, to, out);
            to += run;
        }
}

QQ_API qq_status qq_array_concatenate(const qq_array *const *parts, size_t n,
                                      int axis, void *out, size_t out_bytes,
                                      qq_array *view)
{
    unsigned at;
    qq_array r;
    qq_status status = qqi_concatenate_plan(parts, n, axis, &at, &r);

    if (status != QQ_OK)
        return status;
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    for (int part = 0; part < QQI_PARTS; part++)
        if (qqi_has_part(&r, part))
            qqi_concatenate_move(parts, n, part, at, qqi_part_of(&r, part),
                                 qqi_part_out(&r, part, out));
    qqi_parts_place(&r, out);
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_CONCATENATE_H
