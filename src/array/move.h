// qquant floor 5: moves of numbers: transpose, slice, repeat, concatenate.
//
// None looks at what a code means; all widths move alike.

#ifndef QQUANT_ARRAY_MOVE_H
#define QQUANT_ARRAY_MOVE_H

#include "array/gather.h"
#include "array/tensor.h"

// How far neighbours along each axis lie apart; no size is 0.
QQI_FN void qqi_tensor_strides(const qq_tensor *t, size_t *stride)
{
    size_t step = 1;

    for (unsigned a = t->rank; a > 0; a--) {
        stride[a - 1] = step;
        step *= t->shape[a - 1];
    }
}

// Fills out by the walk and *view with the result.
QQI_FN void qqi_move(const qq_tensor *t, const qqi_walk *w, void *out,
                     const qq_tensor *result, qq_tensor *view)
{
    if (qq_tensor_count(result) > 0)
        qqi_gather(t->type, t->data, w, out);
    *view = *result;
}

QQ_API qq_status qq_tensor_transpose(const qq_tensor *t, const unsigned *axes,
                                     void *out, size_t out_bytes,
                                     qq_tensor *view)
{
    size_t shape[QQ_MAX_RANK] = {0};
    size_t stride[QQ_MAX_RANK] = {0};
    unsigned seen = 0;
    qqi_walk w = {{0}, {0}, 0, 0};
    qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    if (t->rank > 0 && !axes)
        return QQ_ERR_ARGUMENT;
    for (unsigned a = 0; a < t->rank; a++) {
        if (axes[a] >= t->rank || (seen >> axes[a] & 1))
            return QQ_ERR_AXIS;
        seen |= 1u << axes[a];
        shape[a] = t->shape[axes[a]];
    }
    const qq_tensor result = qq_tensor_make(out, t->type, t->rank, shape);
    status = qqi_tensor_fits(&result, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    if (qq_tensor_count(t) > 0)
        qqi_tensor_strides(t, stride);
    for (unsigned a = 0; a < t->rank; a++)
        qqi_walk_add(&w, shape[a], stride[axes[a]]);
    qqi_move(t, &w, out, &result, view);
    return QQ_OK;
}

// Whether count numbers from start on, step apart, lie below size.
QQI_FN qq_status qqi_slice_check(size_t size, size_t start, size_t count,
                                 ptrdiff_t step)
{
    if (count == 0)
        return QQ_OK;
    if (start >= size)
        return QQ_ERR_SHAPE;
    if (count == 1)
        return QQ_OK;
    if (step == 0)
        return QQ_ERR_ARGUMENT;
    // -(step + 1) + 1: the magnitude of the smallest ptrdiff_t, too.
    const size_t far = step > 0 ? (size_t)step : (size_t)(-(step + 1)) + 1;
    const size_t room = step > 0 ? size - 1 - start : start;
    return count - 1 > room / far ? QQ_ERR_SHAPE : QQ_OK;
}

QQ_API qq_status qq_tensor_slice(const qq_tensor *t, const size_t *start,
                                 const size_t *count, const ptrdiff_t *step,
                                 void *out, size_t out_bytes, qq_tensor *view)
{
    size_t stride[QQ_MAX_RANK] = {0};
    qqi_walk w = {{0}, {0}, 0, 0};
    qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    if (t->rank > 0 && (!start || !count || !step))
        return QQ_ERR_ARGUMENT;
    for (unsigned a = 0; a < t->rank; a++) {
        status = qqi_slice_check(t->shape[a], start[a], count[a], step[a]);
        if (status != QQ_OK)
            return status;
    }
    const qq_tensor result = qq_tensor_make(out, t->type, t->rank, count);
    status = qqi_tensor_fits(&result, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    if (qq_tensor_count(&result) > 0)
        qqi_tensor_strides(t, stride);
    for (unsigned a = 0; a < t->rank; a++) {
        const size_t far = qqi_wrap_mul_size((size_t)step[a], stride[a]);
        w.start =
            qqi_wrap_add_size(w.start, qqi_wrap_mul_size(start[a], stride[a]));
        qqi_walk_add(&w, count[a], far);
    }
    qqi_move(t, &w, out, &result, view);
    return QQ_OK;
}

QQ_API qq_status qq_tensor_repeat(const qq_tensor *t, const size_t *shape,
                                  void *out, size_t out_bytes, qq_tensor *view)
{
    size_t stride[QQ_MAX_RANK] = {0};
    qqi_walk w = {{0}, {0}, 0, 0};
    qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    if (t->rank > 0 && !shape)
        return QQ_ERR_ARGUMENT;
    for (unsigned a = 0; a < t->rank; a++)
        if (t->shape[a] == 0 ? shape[a] != 0 : shape[a] % t->shape[a] != 0)
            return QQ_ERR_SHAPE;
    const qq_tensor result = qq_tensor_make(out, t->type, t->rank, shape);
    status = qqi_tensor_fits(&result, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    if (qq_tensor_count(&result) > 0) {
        qqi_tensor_strides(t, stride);
        for (unsigned a = 0; a < t->rank; a++) {
            qqi_walk_add(&w, t->shape[a], stride[a]);
            qqi_walk_add(&w, shape[a] / t->shape[a], 0);
        }
    }
    qqi_move(t, &w, out, &result, view);
    return QQ_OK;
}

// Whether the parts agree; their sizes along axis are added up.
QQI_FN qq_status qqi_concatenate_check(const qq_tensor *const *parts, size_t n,
                                       unsigned axis, size_t *shape)
{
    if (!parts || n == 0)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        const qq_status status = qq_tensor_check(parts[i]);
        if (status != QQ_OK)
            return status;
        if (parts[i]->type != parts[0]->type)
            return QQ_ERR_TYPE;
        if (parts[i]->rank != parts[0]->rank)
            return QQ_ERR_SHAPE;
    }
    if (axis >= parts[0]->rank)
        return QQ_ERR_AXIS;
    for (unsigned a = 0; a < parts[0]->rank; a++)
        shape[a] = parts[0]->shape[a];
    for (size_t i = 1; i < n; i++) {
        for (unsigned a = 0; a < parts[0]->rank; a++)
            if (a != axis && parts[i]->shape[a] != shape[a])
                return QQ_ERR_SHAPE;
        if (!qqi_add_size(shape[axis], parts[i]->shape[axis], &shape[axis]))
            return QQ_ERR_SIZE;
    }
    return QQ_OK;
}

QQ_API qq_status qq_tensor_concatenate(const qq_tensor *const *parts, size_t n,
                                       unsigned axis, void *out,
                                       size_t out_bytes, qq_tensor *view)
{
    size_t shape[QQ_MAX_RANK] = {0};
    qq_status status = qqi_concatenate_check(parts, n, axis, shape);

    if (status != QQ_OK)
        return status;
    const qq_type type = parts[0]->type;
    const unsigned rank = parts[0]->rank;
    const qq_tensor result = qq_tensor_make(out, type, rank, shape);
    status = qqi_tensor_fits(&result, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    const size_t count = qq_tensor_count(&result);
    const size_t outer = qqi_shape_count(axis, shape);
    const size_t inner = qqi_shape_count(rank - axis - 1, shape + axis + 1);
    size_t first = 0;
    for (size_t o = 0; count > 0 && o < outer; o++)
        for (size_t i = 0; i < n; i++) {
            const size_t run = parts[i]->shape[axis] * inner;
            if (run > 0)
                qqi_gather_row(type, parts[i]->data, o * run, 1, run, first,
                               out);
            first += run;
        }
    *view = result;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_MOVE_H
