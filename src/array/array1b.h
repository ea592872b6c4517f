// qquant floor 5: Array1B: two-bit values packed along the first axis.
//
// The layout, which the parts on packing and unpacking follow:
//
//   byte[p] = sum over g = 0 ... 3 of code[p + g * quarter] << 2g, modulo 256
//   value = code - 1, code = byte >> 2g & 3
//
// with all axes taken as one of 4 * quarter numbers: the first axis is a
// multiple of 4, so a quarter of the rows is a quarter of the numbers. This is
// QQ_TERNARY_STRIDED for numbers of any type and, if eformer's rule is asked
// for, of any size: a code above 3 then spills into its neighbours.

#ifndef QQUANT_ARRAY_ARRAY1B_H
#define QQUANT_ARRAY_ARRAY1B_H

#include "api/eformer.h"
#include "array/part.h"
#include "array/tensor.h"

// QQ_ERR_SHAPE for a shape that there is not; else the bytes.
QQI_FN qq_status qqi_array1b_bytes(unsigned rank, const size_t *shape,
                                   size_t *bytes)
{
    if (rank == 0 || rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    if (!shape)
        return QQ_ERR_ARGUMENT;
    if (shape[0] % 4 != 0)
        return QQ_ERR_SHAPE;
    const size_t count = qqi_shape_count(rank, shape);
    if (count == SIZE_MAX)
        return QQ_ERR_SIZE;
    *bytes = count / 4;
    return QQ_OK;
}

QQ_API size_t qq_array1b_size(unsigned rank, const size_t *shape)
{
    size_t bytes;

    return qqi_array1b_bytes(rank, shape, &bytes) == QQ_OK ? bytes : SIZE_MAX;
}

// Types that hold -1, 0 and +1; unsigned ones wrap.
QQI_FN int qqi_array1b_has_type(qq_type type)
{
    qq_type_info info;

    if (qq_type_get(type, &info) != QQ_OK || info.storage != type)
        return 0;
    return (info.kind == QQ_KIND_INTEGER && type != QQ_TYPE_SIGN) ||
           info.kind == QQ_KIND_FLOAT || info.kind == QQ_KIND_SMALL;
}

QQ_API qq_status qq_array1b_check(const qq_array1b *a)
{
    size_t bytes;

    if (!a)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_array1b_bytes(a->rank, a->shape, &bytes);
    if (status != QQ_OK)
        return status;
    if (!qqi_array1b_has_type(a->type))
        return QQ_ERR_TYPE;
    return a->packed || bytes == 0 ? QQ_OK : QQ_ERR_ARGUMENT;
}

QQI_FN qq_array1b qqi_array1b_view(const void *packed, unsigned rank,
                                   const size_t *shape, qq_type type)
{
    qq_array1b a;

    QQ_MEMSET(&a, 0, sizeof a);
    a.packed = packed;
    a.rank = rank;
    a.type = type;
    for (unsigned i = 0; i < rank; i++)
        a.shape[i] = shape[i];
    return a;
}

QQ_API qq_status qq_array1b_make(const void *packed, size_t packed_bytes,
                                 unsigned rank, const size_t *shape,
                                 qq_type type, qq_array1b *out)
{
    size_t bytes;

    if (!packed && packed_bytes > 0)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_array1b_bytes(rank, shape, &bytes);
    if (status != QQ_OK)
        return status;
    if (!qqi_array1b_has_type(type))
        return QQ_ERR_TYPE;
    if (packed_bytes < bytes)
        return QQ_ERR_SIZE;
    if (!out)
        return QQ_ERR_ARGUMENT;
    *out = qqi_array1b_view(packed, rank, shape, type);
    return QQ_OK;
}

#endif // QQUANT_ARRAY_ARRAY1B_H
