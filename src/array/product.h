// qquant floor 5: the types of a product.

#ifndef QQUANT_ARRAY_PRODUCT_H
#define QQUANT_ARRAY_PRODUCT_H

#include "api/array.h"
#include "type.h"

QQI_FN qq_kind qqi_kind_of(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row != NULL ? row->info.kind : QQ_KIND_NONE;
}

// Codes of books are places, and so integers.
QQI_FN int qqi_counts_as_integer(qq_type type)
{
    const qq_kind kind = qqi_kind_of(type);

    return kind == QQ_KIND_INTEGER || kind == QQ_KIND_BOOK;
}

// The plain type that an operand counts as.
QQI_FN qq_type qqi_operand_type(qq_type type, qq_type scale)
{
    if (scale != QQ_TYPE_NONE)
        return scale;
    if (qqi_kind_of(type) == QQ_KIND_FLOAT)
        return type;
    if (!qqi_counts_as_integer(type))
        return QQ_TYPE_BF16;
    return type == QQ_TYPE_INT16 ? QQ_TYPE_INT16 : QQ_TYPE_INT32;
}

// From int16 up to f64; f16 and bf16 stand side by side.
QQI_FN int qqi_plain_rank(qq_type type)
{
    switch ((int)type) {
    case QQ_TYPE_INT16:
        return 1;
    case QQ_TYPE_INT32:
        return 2;
    case QQ_TYPE_F16:
    case QQ_TYPE_BF16:
        return 3;
    case QQ_TYPE_F32:
        return 4;
    case QQ_TYPE_F64:
        return 5;
    default:
        return 0;
    }
}

QQ_API qq_status qq_product_types(qq_type lhs, qq_type lhs_scale, qq_type rhs,
                                  qq_type rhs_scale, qq_type preferred,
                                  qq_type *accumulator, qq_type *result)
{
    const qq_type a = qqi_operand_type(lhs, lhs_scale);
    const qq_type b = qqi_operand_type(rhs, rhs_scale);
    const int rank_a = qqi_plain_rank(a);
    const int rank_b = qqi_plain_rank(b);
    qq_type common = rank_a > rank_b ? a : b;

    if (rank_a == 0 || rank_b == 0 ||
        (preferred != QQ_TYPE_NONE && qqi_plain_rank(preferred) == 0))
        return QQ_ERR_TYPE;
    if (accumulator == NULL || result == NULL)
        return QQ_ERR_ARGUMENT;
    if (rank_a == rank_b && a != b)
        common = QQ_TYPE_F32;
    *result = preferred != QQ_TYPE_NONE ? preferred : common;
    *accumulator = qqi_counts_as_integer(lhs) && qqi_counts_as_integer(rhs)
                       ? QQ_TYPE_INT32
                       : *result;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_PRODUCT_H
