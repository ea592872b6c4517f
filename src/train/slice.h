// qquant floor 9: slices of quantized arrays.
//
// Codes and scales move together: along an axis with one scale the scale stays
// what it is, along the others the scale of tile i goes with its numbers.

#ifndef QQUANT_TRAIN_SLICE_H
#define QQUANT_TRAIN_SLICE_H

#include "api/aqt.h"
#include "array/part.h"
#include "codec/element.h"

// Codes with one scale for each tile[a] numbers of axis a, and nothing else.
QQI_FN qq_status qqi_window_check(const qq_array *a)
{
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qq_tensor_check(&a->value);
    if (status == QQ_OK)
        status = qq_tensor_check(&a->scale);
    if (status != QQ_OK)
        return status;
    if (a->zero_point.type != QQ_TYPE_NONE || a->bias.type != QQ_TYPE_NONE)
        return QQ_ERR_TYPE;
    if (a->scale.rank != a->value.rank)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < a->value.rank; i++) {
        const size_t n = a->value.shape[i];
        const size_t t = a->tile[i];
        if (a->scale.shape[i] != 1 &&
            (t == 0 || a->scale.shape[i] != n / t + (n % t != 0)))
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// The window of scales that belongs to a window of numbers.
QQI_FN qq_status qqi_window_scales(const qq_array *a, const size_t *start,
                                   const size_t *count, size_t *first,
                                   size_t *scales)
{
    for (unsigned i = 0; i < a->value.rank; i++) {
        const size_t n = a->value.shape[i];
        const size_t t = a->tile[i];
        if (count[i] > n || start[i] > n - count[i])
            return QQ_ERR_SHAPE;
        first[i] = 0;
        scales[i] = 1;
        if (a->scale.shape[i] == 1)
            continue;
        const size_t end = start[i] + count[i];
        if (start[i] % t != 0 || (end % t != 0 && end != n))
            return QQ_ERR_SHAPE;
        first[i] = start[i] / t;
        scales[i] = count[i] / t + (count[i] % t != 0);
    }
    return QQ_OK;
}

// What a slice of that size will be, without data. Where an array has one
// scale along an axis its tile is the axis.
QQI_FN void qqi_window_plan(const qq_array *a, const size_t *count,
                            const size_t *scales, qq_array *r)
{
    *r = *a;
    for (unsigned i = 0; i < a->value.rank; i++) {
        r->value.shape[i] = count[i];
        r->scale.shape[i] = scales[i];
        if (a->scale.shape[i] == 1)
            r->tile[i] = count[i] > 0 ? count[i] : 1;
    }
}

QQ_API size_t qq_aqt_slice_size(const qq_array *a, const size_t *count)
{
    size_t scales[QQ_MAX_RANK];
    qq_array r;

    if (qqi_window_check(a) != QQ_OK || (count == NULL && a->value.rank > 0))
        return SIZE_MAX;
    for (unsigned i = 0; i < a->value.rank; i++) {
        const size_t t = a->tile[i];
        if (count[i] > a->value.shape[i])
            return SIZE_MAX;
        scales[i] =
            a->scale.shape[i] == 1 ? 1 : count[i] / t + (count[i] % t != 0);
    }
    qqi_window_plan(a, count, scales, &r);
    return qqi_parts_bytes(&r);
}

QQ_API qq_status qq_aqt_slice(const qq_array *a, const size_t *start,
                              const size_t *count, void *out, size_t out_bytes,
                              qq_array *view)
{
    size_t first[QQ_MAX_RANK];
    size_t scales[QQ_MAX_RANK];
    ptrdiff_t step[QQ_MAX_RANK];
    qq_array r;
    qq_status status = qqi_window_check(a);

    if (status != QQ_OK)
        return status;
    if ((start == NULL || count == NULL) && a->value.rank > 0)
        return QQ_ERR_ARGUMENT;
    status = qqi_window_scales(a, start, count, first, scales);
    if (status != QQ_OK)
        return status;
    qqi_window_plan(a, count, scales, &r);
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_parts_place(&r, out);
    for (unsigned i = 0; i < QQ_MAX_RANK; i++)
        step[i] = 1;
    const size_t scale_bytes = qq_tensor_bytes(&r.scale);
    status = qq_tensor_slice(&a->scale, first, scales, step, out, scale_bytes,
                             &r.scale);
    if (status == QQ_OK)
        status = qq_tensor_slice(&a->value, start, count, step,
                                 (uint8_t *)out + scale_bytes,
                                 qq_tensor_bytes(&r.value), &r.value);
    if (status == QQ_OK)
        *view = r;
    return status;
}

// --- frames: the first axis ------------------------------------------------

QQI_FN void qqi_frame_window(const qq_array *a, size_t index, size_t *start,
                             size_t *count)
{
    for (unsigned i = 0; i < a->value.rank; i++) {
        start[i] = 0;
        count[i] = a->value.shape[i];
    }
    start[0] = index;
    count[0] = 1;
}

// Takes away a first axis of size 1.
QQI_FN void qqi_frame_drop(qq_array *a)
{
    const unsigned rank = a->value.rank - 1;

    for (unsigned i = 0; i < rank; i++) {
        a->value.shape[i] = a->value.shape[i + 1];
        a->scale.shape[i] = a->scale.shape[i + 1];
        a->tile[i] = a->tile[i + 1];
    }
    a->value.rank = a->scale.rank = rank;
}

QQ_API size_t qq_aqt_frame_size(const qq_array *a)
{
    size_t start[QQ_MAX_RANK];
    size_t count[QQ_MAX_RANK];

    if (qqi_window_check(a) != QQ_OK || a->value.rank == 0)
        return SIZE_MAX;
    qqi_frame_window(a, 0, start, count);
    return qq_aqt_slice_size(a, count);
}

QQ_API qq_status qq_aqt_frame(const qq_array *a, size_t index, void *out,
                              size_t out_bytes, qq_array *view)
{
    size_t start[QQ_MAX_RANK];
    size_t count[QQ_MAX_RANK];
    qq_array r;
    qq_status status = qqi_window_check(a);

    if (status != QQ_OK)
        return status;
    if (a->value.rank == 0)
        return QQ_ERR_SHAPE;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_frame_window(a, index, start, count);
    status = qq_aqt_slice(a, start, count, out, out_bytes, &r);
    if (status != QQ_OK)
        return status;
    qqi_frame_drop(&r);
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_TRAIN_SLICE_H
