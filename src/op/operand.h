// qquant floor 8: operands: what takes part in an operation, decoded.

#ifndef QQUANT_OP_OPERAND_H
#define QQUANT_OP_OPERAND_H

#include "api/op.h"
#include "array/eformer_step.h"
#include "array/part.h"
#include "array/tensor.h"

QQ_API qq_operand qq_operand_tensor(const qq_tensor *tensor)
{
    qq_operand x;

    QQ_MEMSET(&x, 0, sizeof x);
    x.tensor = tensor;
    return x;
}

QQ_API qq_operand qq_operand_array(const qq_array *array, qq_rule rule,
                                   qq_type type)
{
    qq_operand x;

    QQ_MEMSET(&x, 0, sizeof x);
    x.array = array;
    x.rule = rule;
    x.type = type;
    return x;
}

QQ_API qq_operand qq_operand_array1b(const qq_array1b *array1b, qq_type type)
{
    qq_operand x;

    QQ_MEMSET(&x, 0, sizeof x);
    x.array1b = array1b;
    x.type = type;
    return x;
}

// The types that operations compute in: floats are those of qqi_is_plain.
QQI_FN int qqi_op_is_integer(qq_type type)
{
    return type == QQ_TYPE_INT8 || type == QQ_TYPE_INT16 ||
           type == QQ_TYPE_INT32 || type == QQ_TYPE_UINT8;
}

QQI_FN int qqi_op_has_type(qq_type type)
{
    return qqi_is_plain(type) || qqi_op_is_integer(type);
}

QQ_API qq_type qq_promote(qq_type x, qq_type y)
{
    if (!qqi_op_has_type(x) || !qqi_op_has_type(y))
        return QQ_TYPE_NONE;
    if (x == y)
        return x;
    if (qqi_is_plain(x) && qqi_is_plain(y))
        return QQ_TYPE_F32;
    if (qqi_is_plain(x) || qqi_is_plain(y))
        return qqi_is_plain(x) ? x : y;
    if (x == QQ_TYPE_INT32 || y == QQ_TYPE_INT32)
        return QQ_TYPE_INT32;
    return QQ_TYPE_INT16; // int16 and int8, and what holds int8 and uint8
}

// Type, rank and shape of an operand's values; data is that of a tensor, else
// NULL.
QQI_FN qq_status qqi_operand_shape(const qq_operand *x, qq_tensor *t)
{
    qq_status status;

    if (!x ||
        (x->tensor != NULL) + (x->array != NULL) + (x->array1b != NULL) != 1)
        return QQ_ERR_ARGUMENT;
    if (x->tensor) {
        status = qq_tensor_check(x->tensor);
        if (status == QQ_OK)
            *t = *x->tensor;
    } else if (x->array) {
        status = qq_array_check(x->array);
        if (status == QQ_OK) {
            const qq_tensor *v = &x->array->value;
            const qq_type own = x->array->scale.type;
            *t = qq_tensor_make(NULL, x->type ? x->type : own, v->rank,
                                v->shape);
        }
        if (status == QQ_OK && !qqi_is_plain(t->type))
            return QQ_ERR_TYPE;
    } else {
        const qq_array1b *a = x->array1b;
        status = qq_array1b_check(a);
        if (status == QQ_OK)
            *t = qq_tensor_make(NULL, x->type ? x->type : a->type, a->rank,
                                a->shape);
    }
    if (status != QQ_OK)
        return status;
    if (!qqi_op_has_type(t->type))
        return QQ_ERR_TYPE;
    return qq_tensor_bytes(t) == SIZE_MAX ? QQ_ERR_SIZE : QQ_OK;
}

QQ_API qq_status qq_operand_check(const qq_operand *x)
{
    qq_tensor t;

    return qqi_operand_shape(x, &t);
}

QQ_API size_t qq_operand_scratch_size(const qq_operand *x)
{
    qq_tensor t;

    if (qqi_operand_shape(x, &t) != QQ_OK)
        return SIZE_MAX;
    return x->tensor ? 0 : qq_tensor_bytes(&t);
}

QQI_FN qq_status qqi_scratch_check(size_t bytes, const void *scratch,
                                   size_t scratch_bytes)
{
    if (!scratch && scratch_bytes > 0)
        return QQ_ERR_ARGUMENT;
    return scratch_bytes < bytes ? QQ_ERR_SCRATCH : QQ_OK;
}

// *t, which has the type and shape of the operand, gets its values.
QQI_FN qq_status qqi_operand_fill(const qq_operand *x, void *scratch,
                                  qq_tensor *t)
{
    const size_t bytes = x->tensor ? 0 : qq_tensor_bytes(t);

    if (x->array)
        return qq_dequantize(x->array, x->rule, t->type, scratch, bytes, t);
    if (x->array1b)
        return qq_array1b_unpack(x->array1b, t->type, scratch, bytes, t);
    return QQ_OK;
}

QQ_API qq_status qq_operand_decode(const qq_operand *x, void *scratch,
                                   size_t scratch_bytes, qq_tensor *view)
{
    qq_tensor t;

    qq_status status = qqi_operand_shape(x, &t);
    if (status != QQ_OK)
        return status;
    status = qqi_scratch_check(x->tensor ? 0 : qq_tensor_bytes(&t), scratch,
                               scratch_bytes);
    if (status == QQ_OK && !view)
        return QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, &t);
    if (status == QQ_OK)
        *view = t;
    return status;
}

// Both operands of an operation, the second behind the first; tx and ty have
// their types and shapes.
QQI_FN qq_status qqi_operands_fill(const qq_operand *x, const qq_operand *y,
                                   void *scratch, size_t scratch_bytes,
                                   qq_tensor *tx, qq_tensor *ty)
{
    const size_t nx = x->tensor ? 0 : qq_tensor_bytes(tx);
    const size_t ny = y->tensor ? 0 : qq_tensor_bytes(ty);
    size_t both;

    if (!qqi_add_size(nx, ny, &both))
        return QQ_ERR_SIZE;
    qq_status status = qqi_scratch_check(both, scratch, scratch_bytes);
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, tx);
    if (status == QQ_OK)
        status = qqi_operand_fill(y, ny ? (uint8_t *)scratch + nx : NULL, ty);
    return status;
}

// --- one number ------------------------------------------------------------

QQI_INLINE float qqi_op_float(qq_type type, const void *data, size_t i)
{
    if (qqi_is_plain(type))
        return qqi_plain_load(type, data, i);
    return (float)qqi_load_integer(type, data, i);
}

// The low bits of u as an integer of the type.
QQI_INLINE void qqi_op_store_integer(qq_type type, void *data, size_t i,
                                     uint64_t u)
{
    qqi_store_code(type, data, i, (uint32_t)(u & 0xffffffffu));
}

// Whether two tensors have the same shape.
QQI_FN int qqi_same_shape(const qq_tensor *x, const qq_tensor *y)
{
    if (x->rank != y->rank)
        return 0;
    for (unsigned a = 0; a < x->rank; a++)
        if (x->shape[a] != y->shape[a])
            return 0;
    return 1;
}

#endif // QQUANT_OP_OPERAND_H
