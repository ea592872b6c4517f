// qquant floor 5: tensors: their sizes, their elements, other types.

#ifndef QQUANT_ARRAY_TENSOR_H
#define QQUANT_ARRAY_TENSOR_H

#include "api/tensor.h"
#include "codec/element.h"
#include "codec/many.h"
#include "type.h"

QQ_API qq_tensor qq_tensor_make(const void *data, qq_type type, unsigned rank,
                                const size_t *shape)
{
    qq_tensor t;

    QQ_MEMSET(&t, 0, sizeof t);
    t.data = data;
    if (rank > QQ_MAX_RANK || (rank > 0 && !shape))
        return t;
    t.rank = rank;
    t.type = type;
    for (unsigned a = 0; a < rank; a++)
        t.shape[a] = shape[a];
    return t;
}

// The product of rank sizes, 0 if one of them is; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_shape_count(unsigned rank, const size_t *shape)
{
    size_t count = 1;
    int fits = 1;

    for (unsigned a = 0; a < rank; a++) {
        if (shape[a] == 0)
            return 0;
        fits = fits && qqi_mul_size(count, shape[a], &count);
    }
    return fits ? count : SIZE_MAX;
}

QQ_API size_t qq_tensor_count(const qq_tensor *t)
{
    if (!t || t->rank > QQ_MAX_RANK)
        return SIZE_MAX;
    return qqi_shape_count(t->rank, t->shape);
}

QQ_API size_t qq_tensor_bytes(const qq_tensor *t)
{
    const size_t count = qq_tensor_count(t);

    return count == SIZE_MAX ? SIZE_MAX : qq_type_bytes(t->type, count);
}

QQ_API qq_status qq_tensor_check(const qq_tensor *t)
{
    if (!t)
        return QQ_ERR_ARGUMENT;
    if (t->type == QQ_TYPE_NONE || qqi_type_storage(t->type) != t->type)
        return QQ_ERR_TYPE;
    if (t->rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    const size_t bytes = qq_tensor_bytes(t);
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    return bytes > 0 && !t->data ? QQ_ERR_ARGUMENT : QQ_OK;
}

QQ_API int32_t qq_tensor_code(const qq_tensor *t, size_t i)
{
    QQ_ASSERT(i < qq_tensor_count(t));
    return qqi_load_integer(t->type, t->data, i);
}

QQ_API float qq_tensor_value(const qq_tensor *t, size_t i)
{
    QQ_ASSERT(i < qq_tensor_count(t));
    return qqi_load_value(t->type, t->data, i);
}

// Whether out has room for a result of that many bytes and *view can be set.
QQI_FN qq_status qqi_bytes_fit(size_t bytes, const void *out, size_t out_bytes,
                               const qq_tensor *view)
{
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (bytes > 0 && !out)
        return QQ_ERR_ARGUMENT;
    if (out_bytes < bytes)
        return QQ_ERR_SIZE;
    return view ? QQ_OK : QQ_ERR_ARGUMENT;
}

QQI_FN qq_status qqi_tensor_fits(const qq_tensor *result, const void *out,
                                 size_t out_bytes, const qq_tensor *view)
{
    return qqi_bytes_fit(qq_tensor_bytes(result), out, out_bytes, view);
}

// The same bytes, at least one; what is left of the last one is 0.
QQI_FN void qqi_tensor_copy(const qq_tensor *t, size_t bytes, void *out)
{
    const unsigned odd = (unsigned)(qq_tensor_count(t) % 8);
    const unsigned used = odd * qq_type_bits(t->type) % 8;
    uint8_t *p = (uint8_t *)out;

    QQ_MEMCPY(p, t->data, bytes);
    if (used > 0)
        p[bytes - 1] = (uint8_t)(p[bytes - 1] & ((1u << used) - 1));
}

// By doubles, for types that a float does not hold.
QQI_FN void qqi_convert_wide(const qq_tensor *t, qq_type type, size_t count,
                             void *out)
{
    for (size_t i = 0; i < count; i++)
        qqi_store_wide(type, out, i, qqi_load_wide(t->type, t->data, i));
}

QQI_FN void qqi_convert_narrow(const qq_tensor *t, qq_type type, size_t count,
                               void *out)
{
    float x[QQI_MANY];

    for (size_t i = 0; i < count; i += QQI_MANY) {
        const size_t n = count - i < QQI_MANY ? count - i : QQI_MANY;
        qqi_load_values(t->type, t->data, i, n, x);
        qqi_store_values(type, out, i, n, x);
    }
}

QQ_API qq_status qq_tensor_convert(const qq_tensor *t, qq_type type, void *out,
                                   size_t out_bytes, qq_tensor *view)
{
    qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    if (type == QQ_TYPE_NONE || type == QQ_TYPE_BOOK ||
        qqi_type_storage(type) != type)
        return QQ_ERR_TYPE;
    const size_t count = qq_tensor_count(t);
    const qq_tensor result = qq_tensor_make(out, type, t->rank, t->shape);
    const size_t bytes = qq_tensor_bytes(&result);
    status = qqi_bytes_fit(bytes, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    if (bytes == 0) {
        *view = result;
        return QQ_OK;
    }
    if (type == t->type) {
        qqi_tensor_copy(t, bytes, out);
    } else if (t->type == QQ_TYPE_F64 || t->type == QQ_TYPE_INT32) {
        QQ_MEMSET(out, 0, bytes);
        qqi_convert_wide(t, type, count, out);
    } else {
        qqi_convert_narrow(t, type, count, out);
    }
    *view = result;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_TENSOR_H
