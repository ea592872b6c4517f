// qquant floor 5: the tensors of an array, which every move takes along.
//
// An array is a scale, a zero point and a bias, any of them perhaps absent, and
// codes. Each stands for the same numbers: along axis a an element of a
// part covers
//
//   1            where the part has as many elements as there are numbers,
//   all of them  where it has one,
//   tile[a]      else, the last element perhaps fewer.
//
// Results lie behind each other in this order, codes last.

#ifndef QQUANT_ARRAY_PART_H
#define QQUANT_ARRAY_PART_H

#include "api/view.h"
#include "array/make.h"
#include "num/bits.h"

enum {
    QQI_PART_SCALE = 0,
    QQI_PART_ZERO = 1,
    QQI_PART_BIAS = 2,
    QQI_PART_CODES = 3,
    QQI_PARTS = 4
};

QQI_INLINE const qq_tensor *qqi_part_of(const qq_array *a, int part)
{
    return part == QQI_PART_SCALE  ? &a->scale
           : part == QQI_PART_ZERO ? &a->zero_point
           : part == QQI_PART_BIAS ? &a->bias
                                   : &a->value;
}

QQI_INLINE qq_tensor *qqi_part(qq_array *a, int part)
{
    return part == QQI_PART_SCALE  ? &a->scale
           : part == QQI_PART_ZERO ? &a->zero_point
           : part == QQI_PART_BIAS ? &a->bias
                                   : &a->value;
}

QQI_INLINE int qqi_has_part(const qq_array *a, int part)
{
    return qqi_part_of(a, part)->type != QQ_TYPE_NONE;
}

// How many numbers along an axis an element covers; at least 1.
QQI_FN size_t qqi_part_tile(const qq_array *a, int part, unsigned axis)
{
    const size_t n = a->value.shape[axis];
    const size_t count = qqi_part_of(a, part)->shape[axis];

    if (count == n || n == 0)
        return 1;
    if (count == 1)
        return n;
    if (part == QQI_PART_BIAS)
        return n / count;
    return part == QQI_PART_ZERO ? a->zero_tile[axis] : a->tile[axis];
}

// Notes the tile of a part of a result; the others follow from their shapes.
QQI_INLINE void qqi_part_set_tile(qq_array *a, int part, unsigned axis,
                                  size_t tile)
{
    if (part == QQI_PART_SCALE)
        a->tile[axis] = tile;
    if (part == QQI_PART_ZERO)
        a->zero_tile[axis] = tile;
}

// The parts are tensors that fit each other, whatever the rule they come from.
// A bias has the rank of the codes, and sizes that divide theirs.
QQI_FN qq_status qqi_parts_check(const qq_array *a)
{
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_array_check_parts(a);
    if (status != QQ_OK || a->bias.type == QQ_TYPE_NONE)
        return status;
    if (a->bias.rank != a->value.rank)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < a->bias.rank; i++)
        if (a->bias.shape[i] != a->value.shape[i] &&
            (a->bias.shape[i] == 0 ||
             a->value.shape[i] % a->bias.shape[i] != 0))
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

// The bytes of all parts; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_parts_bytes(const qq_array *a)
{
    size_t sum = 0;

    for (int part = 0; part < QQI_PARTS; part++) {
        if (!qqi_has_part(a, part))
            continue;
        const size_t bytes = qq_tensor_bytes(qqi_part_of(a, part));
        if (bytes == SIZE_MAX || !qqi_add_size(sum, bytes, &sum))
            return SIZE_MAX;
    }
    return sum;
}

// What can be wrong with the place for bytes of result.
QQI_FN qq_status qqi_out_check(size_t bytes, const void *out, size_t out_bytes)
{
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (out == NULL && bytes > 0)
        return QQ_ERR_ARGUMENT;
    return out_bytes < bytes ? QQ_ERR_SIZE : QQ_OK;
}

// Points the parts of a into out, one behind the other.
QQI_FN void qqi_parts_place(qq_array *a, void *out)
{
    uint8_t *p = (uint8_t *)out;

    for (int part = 0; part < QQI_PARTS; part++) {
        if (!qqi_has_part(a, part))
            continue;
        const size_t bytes = qq_tensor_bytes(qqi_part_of(a, part));
        qqi_part(a, part)->data = p;
        if (bytes > 0) // out may be NULL where there are none
            p += bytes;
    }
}

// Where the part of a result lies, to be written: behind those before it.
QQI_FN void *qqi_part_out(const qq_array *a, int part, void *out)
{
    size_t before = 0;

    for (int i = 0; i < part; i++)
        if (qqi_has_part(a, i))
            before += qq_tensor_bytes(qqi_part_of(a, i));
    return before > 0 ? (uint8_t *)out + before : out;
}

// axis, or rank + axis where it is negative; 0 where there is none such.
QQI_FN int qqi_axis(int axis, unsigned rank, unsigned *out)
{
    const int i = axis < 0 ? axis + (int)rank : axis;

    if (i < 0 || (unsigned)i >= rank)
        return 0;
    *out = (unsigned)i;
    return 1;
}

#endif // QQUANT_ARRAY_PART_H
