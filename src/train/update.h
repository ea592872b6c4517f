// qquant floor 9: quantized arrays, written over in part.
//
// Codes and scales of the update go where its window lies; scales that hold
// for more than the window must not change, so such windows are refused.

#ifndef QQUANT_TRAIN_UPDATE_H
#define QQUANT_TRAIN_UPDATE_H

#include "train/slice.h"

// Writes part over the window of whole that begins at start; data is whole's.
QQI_FN void qqi_window_write(const qq_tensor *part, const qq_tensor *whole,
                             const size_t *start, void *data)
{
    const size_t n = qq_tensor_count(part);

    for (size_t i = 0; i < n; i++) {
        size_t left = i;
        size_t place = 0;
        size_t step = 1;
        for (int a = (int)part->rank - 1; a >= 0; a--) {
            place += (start[a] + left % part->shape[a]) * step;
            step *= whole->shape[a];
            left /= part->shape[a];
        }
        qqi_store_code(whole->type, data, place,
                       qqi_load_code(part->type, part->data, i));
    }
}

// The update is an array like a slice of a at start; first: where its scales
// go.
QQI_FN qq_status qqi_update_check(const qq_array *a, const qq_array *update,
                                  const size_t *start, size_t *first)
{
    size_t scales[QQ_MAX_RANK];
    qq_status status = qqi_window_check(update);

    if (status != QQ_OK)
        return status;
    if (start == NULL && a->value.rank > 0)
        return QQ_ERR_ARGUMENT;
    if (a->value.type != update->value.type ||
        a->scale.type != update->scale.type)
        return QQ_ERR_TYPE;
    if (a->value.rank != update->value.rank)
        return QQ_ERR_SHAPE;
    status = qqi_window_scales(a, start, update->value.shape, first, scales);
    for (unsigned i = 0; i < a->value.rank && status == QQ_OK; i++) {
        const size_t n = update->value.shape[i];
        if (update->scale.shape[i] != scales[i] ||
            (a->scale.shape[i] == 1 && n != a->value.shape[i]) ||
            (a->scale.shape[i] > 1 && n > a->tile[i] &&
             update->tile[i] != a->tile[i]))
            status = QQ_ERR_SHAPE;
    }
    return status;
}

QQ_API qq_status qq_aqt_update_slice(const qq_array *a, const qq_array *update,
                                     const size_t *start, void *out,
                                     size_t out_bytes, qq_array *view)
{
    size_t first[QQ_MAX_RANK];
    qq_array r;
    qq_status status = qqi_window_check(a);

    if (status == QQ_OK)
        status = qqi_update_check(a, update, start, first);
    if (status != QQ_OK)
        return status;
    r = *a;
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t scale_bytes = qq_tensor_bytes(&a->scale);
    const size_t value_bytes = qq_tensor_bytes(&a->value);
    uint8_t *const codes = (uint8_t *)out + scale_bytes;
    if (scale_bytes > 0 && a->scale.data != out)
        QQ_MEMCPY(out, a->scale.data, scale_bytes);
    if (value_bytes > 0 && a->value.data != codes)
        QQ_MEMCPY(codes, a->value.data, value_bytes);
    qqi_parts_place(&r, out);
    qqi_window_write(&update->scale, &r.scale, first, out);
    qqi_window_write(&update->value, &r.value, start, codes);
    *view = r;
    return QQ_OK;
}

// Adds a first axis of size 1.
QQI_FN void qqi_frame_add(qq_array *a)
{
    const unsigned rank = a->value.rank;

    for (int i = (int)rank - 1; i >= 0; i--) {
        a->value.shape[i + 1] = a->value.shape[i];
        a->scale.shape[i + 1] = a->scale.shape[i];
        a->tile[i + 1] = a->tile[i];
    }
    a->value.shape[0] = a->scale.shape[0] = a->tile[0] = 1;
    a->value.rank = a->scale.rank = rank + 1;
}

QQ_API qq_status qq_aqt_update_frame(const qq_array *a, const qq_array *update,
                                     size_t index, void *out, size_t out_bytes,
                                     qq_array *view)
{
    size_t start[QQ_MAX_RANK] = {0};
    qq_status status = qqi_window_check(a);
    qq_array frame;

    if (status == QQ_OK)
        status = qqi_window_check(update);
    if (status != QQ_OK)
        return status;
    if (update->value.rank + 1 != a->value.rank)
        return QQ_ERR_SHAPE;
    frame = *update;
    qqi_frame_add(&frame);
    start[0] = index;
    return qq_aqt_update_slice(a, &frame, start, out, out_bytes, view);
}

#endif // QQUANT_TRAIN_UPDATE_H
