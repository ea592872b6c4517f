// qquant floor 5: the values of Array1B as numbers of any type.
//
// There are four values, -1, 0, +1 and +2, so there are four codes of a type;
// they are made once, and unpacking copies them.

#ifndef QQUANT_ARRAY_ARRAY1B_UNPACK_H
#define QQUANT_ARRAY_ARRAY1B_UNPACK_H

#include "array/array1b.h"

// The bits of value v: integers in two's complement, cut to their width.
QQI_FN uint64_t qqi_array1b_bits(qq_type type, int v)
{
    qq_type_info info;

    if (type == QQ_TYPE_F64)
        return qqi_f64_bits((double)v);
    if (type == QQ_TYPE_TERNARY)
        return (uint64_t)(v + 1);
    if (qq_type_get(type, &info) == QQ_OK && info.kind == QQ_KIND_INTEGER)
        return (uint64_t)(int64_t)v & (((uint64_t)1 << info.bits) - 1);
    return qq_type_encode(type, (float)v);
}

// Number i of width bytes, in the machine's order.
QQI_FN void qqi_array1b_store(void *out, unsigned width, size_t i, uint64_t u)
{
    uint8_t *p = (uint8_t *)out + i * width;

    if (width == 1)
        *p = (uint8_t)(u & 255);
    else if (width == 2)
        qqi_store_u16(p, (uint16_t)(u & 0xffff));
    else if (width == 4)
        qqi_store_u32(p, (uint32_t)(u & 0xffffffffu));
    else
        qqi_store_u64(p, u);
}

// Codes of bits or, where bits is 0, numbers of width bytes.
QQI_FN void qqi_array1b_spread(const qq_array1b *a, size_t quarter,
                               unsigned bits, unsigned width,
                               const uint64_t *code, void *out)
{
    const uint8_t *p = (const uint8_t *)a->packed;
    size_t i = 0;

    if (bits && quarter > 0) // four codes of b bits are b / 2 bytes
        QQ_MEMSET(out, 0, (quarter * bits + 1) / 2);
    for (unsigned g = 0; g < 4; g++)
        for (size_t k = 0; k < quarter; k++, i++) {
            const uint64_t u = code[p[k] >> 2 * g & 3];
            if (bits)
                qqi_store_bits(bits, (uint8_t *)out, i, (uint32_t)u);
            else
                qqi_array1b_store(out, width, i, u);
        }
}

QQ_API qq_status qq_array1b_unpack(const qq_array1b *a, qq_type type, void *out,
                                   size_t out_bytes, qq_tensor *view)
{
    uint64_t code[4];
    size_t quarter;

    qq_status status = qq_array1b_check(a);
    if (status != QQ_OK)
        return status;
    status = qqi_array1b_bytes(a->rank, a->shape, &quarter);
    if (status != QQ_OK)
        return status;
    if (type == QQ_TYPE_NONE)
        type = a->type;
    if (!qqi_array1b_has_type(type))
        return QQ_ERR_TYPE;
    const size_t need = qq_type_bytes(type, 4 * quarter);
    status = qqi_out_check(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    for (int v = 0; v < 4; v++)
        code[v] = qqi_array1b_bits(type, v - 1);
    const unsigned bits = qq_type_bits(type);
    qqi_array1b_spread(a, quarter, bits < 8 ? bits : 0, bits / 8, code, out);
    *view = qq_tensor_make(out, type, a->rank, a->shape);
    return QQ_OK;
}

QQ_API qq_status qq_array1b_unpack_integers(const qq_array1b *a, unsigned width,
                                            void *out, size_t out_bytes)
{
    uint64_t code[4];
    size_t quarter, need;

    qq_status status = qq_array1b_check(a);
    if (status != QQ_OK)
        return status;
    status = qqi_array1b_bytes(a->rank, a->shape, &quarter);
    if (status != QQ_OK)
        return status;
    if (width != 1 && width != 2 && width != 4 && width != 8)
        return QQ_ERR_TYPE;
    if (!qqi_mul_size(4 * quarter, width, &need))
        need = SIZE_MAX;
    status = qqi_out_check(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    for (int v = 0; v < 4; v++)
        code[v] = (uint64_t)(int64_t)(v - 1);
    qqi_array1b_spread(a, quarter, 0, width, code, out);
    return QQ_OK;
}

#endif // QQUANT_ARRAY_ARRAY1B_UNPACK_H
