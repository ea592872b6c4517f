// qquant floor 5: arrays of parts that came from elsewhere: nothing is trusted.

#ifndef QQUANT_ARRAY_MAKE_H
#define QQUANT_ARRAY_MAKE_H

#include "api/array.h"
#include "array/tensor.h"
#include "codec/book.h"
#include "type.h"

// Types that scales are kept in.
QQI_FN int qqi_is_scale_type(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16 ||
           type == QQ_TYPE_F64 || type == QQ_TYPE_E8M0 ||
           type == QQ_TYPE_E4M3FN;
}

// A part has the rank of the codes and an element for every tile.
QQI_FN qq_status qqi_check_tiles(const qq_tensor *value, const qq_tensor *part,
                                 const size_t *tile)
{
    if (part->rank != value->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < value->rank; a++) {
        const size_t n = value->shape[a];
        const size_t k = part->shape[a];
        if (n == 0) {
            if (k > 1)
                return QQ_ERR_SHAPE;
            continue;
        }
        if (tile[a] == 0 || k != n / tile[a] + (n % tile[a] != 0))
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// Tensors that can be read and shapes that fit, whatever their types: what
// arrays of every rule have.
QQI_FN qq_status qqi_array_check_parts(const qq_array *a)
{
    qq_status status = qq_tensor_check(&a->value);

    if (status == QQ_OK && a->scale.type != QQ_TYPE_NONE) {
        status = qq_tensor_check(&a->scale);
        if (status == QQ_OK)
            status = qqi_check_tiles(&a->value, &a->scale, a->tile);
    }
    if (status == QQ_OK && a->zero_point.type != QQ_TYPE_NONE) {
        status = qq_tensor_check(&a->zero_point);
        if (status == QQ_OK)
            status = qqi_check_tiles(&a->value, &a->zero_point, a->zero_tile);
    }
    if (status == QQ_OK && a->bias.type != QQ_TYPE_NONE)
        status = qq_tensor_check(&a->bias);
    return status;
}

QQI_FN qq_status qqi_array_check_types(const qq_array *a)
{
    const qqi_type_row *row = qqi_type_find(a->type);

    if (row == NULL || !row->info.weight || row->info.storage != a->value.type)
        return QQ_ERR_TYPE;
    if (!qqi_is_scale_type(a->scale.type))
        return QQ_ERR_TYPE;
    if (a->zero_point.type == QQ_TYPE_NONE)
        return QQ_OK;
    if (a->zero_point.type != a->value.type || !row->info.affine)
        return QQ_ERR_TYPE;
    return QQ_OK;
}

QQ_API qq_status qq_array_check(const qq_array *a)
{
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qq_tensor_check(&a->value);
    if (status == QQ_OK)
        status = qqi_array_check_types(a);
    if (status == QQ_OK)
        status = qqi_array_check_parts(a);
    if (status != QQ_OK)
        return status;
    if (a->type == QQ_TYPE_BOOK && !qqi_book_check(a->levels, a->level_count))
        return QQ_ERR_ARGUMENT;
    return QQ_OK;
}

// The tiles that follow from two shapes which divide.
QQI_FN qq_status qqi_tiles_of(const qq_tensor *value, const qq_tensor *part,
                              size_t *tile)
{
    if (part->rank != value->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < value->rank; a++) {
        const size_t n = value->shape[a];
        const size_t k = part->shape[a];
        if (n == 0 ? k > 1 : k == 0 || n % k != 0)
            return QQ_ERR_SHAPE;
        tile[a] = n == 0 ? 1 : n / k;
    }
    return QQ_OK;
}

QQ_API qq_status qq_array_make(const qq_tensor *value, const qq_tensor *scale,
                               const qq_tensor *zero_point, qq_type type,
                               qq_array *out)
{
    qq_array a;

    QQ_MEMSET(&a, 0, sizeof a);
    qq_status status = qq_tensor_check(value);
    if (status == QQ_OK)
        status = qq_tensor_check(scale);
    if (status == QQ_OK && zero_point != NULL)
        status = qq_tensor_check(zero_point);
    if (status != QQ_OK)
        return status;
    a.value = *value;
    a.scale = *scale;
    if (zero_point != NULL)
        a.zero_point = *zero_point;
    a.type = type == QQ_TYPE_NONE ? value->type : type;
    a.scale2 = 1.0f;
    status = qqi_array_check_types(&a);
    if (status == QQ_OK)
        status = qqi_tiles_of(value, scale, a.tile);
    if (status == QQ_OK && zero_point != NULL)
        status = qqi_tiles_of(value, zero_point, a.zero_tile);
    if (status != QQ_OK)
        return status;
    if (out == NULL)
        return QQ_ERR_ARGUMENT;
    *out = a;
    return QQ_OK;
}

QQ_API double qq_array_bits(const qq_array *a)
{
    if (qq_array_check(a) != QQ_OK)
        return 0.0;
    const size_t count = qq_tensor_count(&a->value);
    const int zero = a->zero_point.type != QQ_TYPE_NONE;
    double bits = (double)qq_tensor_bytes(&a->scale) * 8.0;

    if (count == 0)
        return 0.0;
    bits += a->scale2 < 1.0f || a->scale2 > 1.0f ? 32.0 : 0.0;
    bits += zero ? (double)qq_tensor_bytes(&a->zero_point) * 8.0 : 0.0;
    return (double)qq_type_bits(a->value.type) + bits / (double)count;
}

#endif // QQUANT_ARRAY_MAKE_H
