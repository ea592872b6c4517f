// qquant floor 8: operations element by element.
//
// Floats are computed in f32 and stored with one more rounding where their
// type is shorter; for a sum, product or quotient that is one rounding in all.
// Integers are computed in 64 bits and cut to their type.

#ifndef QQUANT_OP_ELEMENTWISE_H
#define QQUANT_OP_ELEMENTWISE_H

#include "num/exp.h"
#include "num/log.h"
#include "num/sqrt.h"
#include "op/operand.h"

// What every operation with one operand checks; t: its type and shape.
QQI_FN qq_status qqi_unary_check(const qq_operand *x, qq_tensor *t, int known,
                                 qq_type type, const void *out,
                                 size_t out_bytes, const void *scratch,
                                 size_t scratch_bytes, const qq_tensor *view)
{
    qq_status status = qqi_operand_shape(x, t);

    if (status != QQ_OK)
        return status;
    if (!known)
        return QQ_ERR_ARGUMENT;
    if (type == QQ_TYPE_NONE ? !qqi_is_plain(t->type) : !qqi_op_has_type(type))
        return QQ_ERR_TYPE;
    const qq_type result = type == QQ_TYPE_NONE ? t->type : type;
    status = qqi_out_check(qq_type_bytes(result, qq_tensor_count(t)), out,
                           out_bytes);
    if (status == QQ_OK)
        status = qqi_scratch_check(qq_operand_scratch_size(x), scratch,
                                   scratch_bytes);
    return status == QQ_OK && !view ? QQ_ERR_ARGUMENT : status;
}

QQI_FN float qqi_unary(qq_unary op, float x)
{
    if (op == QQ_UNARY_EXP)
        return qqi_exp_f32(x);
    return op == QQ_UNARY_LOG ? qqi_log_f32(x) : qqi_sqrt_f32(x);
}

QQ_API qq_status qq_operand_unary(const qq_operand *x, qq_unary op, void *out,
                                  size_t out_bytes, void *scratch,
                                  size_t scratch_bytes, qq_tensor *view)
{
    const int known = op >= QQ_UNARY_EXP && op <= QQ_UNARY_SQRT;
    qq_tensor t;

    qq_status status = qqi_unary_check(x, &t, known, QQ_TYPE_NONE, out,
                                       out_bytes, scratch, scratch_bytes, view);
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, &t);
    if (status != QQ_OK)
        return status;
    const size_t count = qq_tensor_count(&t);
    for (size_t i = 0; i < count; i++)
        qqi_plain_store(t.type, out, i,
                        qqi_unary(op, qqi_plain_load(t.type, t.data, i)));
    *view = qq_tensor_make(out, t.type, t.rank, t.shape);
    return QQ_OK;
}

QQI_FN float qqi_power(float x, int exponent)
{
    const int down = exponent < 0;
    unsigned n = down ? (unsigned)-(exponent + 1) + 1u : (unsigned)exponent;
    double square = qqi_f64_from_f32(x);
    double r = 1.0;

    for (; n != 0; n >>= 1) {
        if (n & 1)
            r = qqi_mul_f64(r, square);
        square = qqi_mul_f64(square, square);
    }
    return qqi_f32_from_f64(down ? 1.0 / r : r);
}

QQ_API qq_status qq_operand_power(const qq_operand *x, int exponent, void *out,
                                  size_t out_bytes, void *scratch,
                                  size_t scratch_bytes, qq_tensor *view)
{
    qq_tensor t;

    qq_status status = qqi_unary_check(x, &t, 1, QQ_TYPE_NONE, out, out_bytes,
                                       scratch, scratch_bytes, view);
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, &t);
    if (status != QQ_OK)
        return status;
    const size_t count = qq_tensor_count(&t);
    for (size_t i = 0; i < count; i++)
        qqi_plain_store(t.type, out, i,
                        qqi_power(qqi_plain_load(t.type, t.data, i), exponent));
    *view = qq_tensor_make(out, t.type, t.rank, t.shape);
    return QQ_OK;
}

// A float towards zero, cut to the range of an integer type; NaN gives 0.
QQI_FN int32_t qqi_cast_integer(qq_type type, float x)
{
    const qqi_type_row *row = qqi_type_find(type);

    return qqi_sat_i32(qqi_trunc_f32(x), row->info.min, row->info.max);
}

QQ_API qq_status qq_operand_cast(const qq_operand *x, qq_type type, void *out,
                                 size_t out_bytes, void *scratch,
                                 size_t scratch_bytes, qq_tensor *view)
{
    qq_tensor t;

    if (type == QQ_TYPE_NONE)
        return x ? QQ_ERR_TYPE : QQ_ERR_ARGUMENT;
    qq_status status = qqi_unary_check(x, &t, 1, type, out, out_bytes, scratch,
                                       scratch_bytes, view);
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, &t);
    if (status != QQ_OK)
        return status;
    const size_t count = qq_tensor_count(&t);
    for (size_t i = 0; i < count; i++) {
        if (qqi_is_plain(type)) {
            qqi_plain_store(type, out, i, qqi_op_float(t.type, t.data, i));
            continue;
        }
        const int32_t v =
            qqi_is_plain(t.type)
                ? qqi_cast_integer(type, qqi_plain_load(t.type, t.data, i))
                : qqi_load_integer(t.type, t.data, i);
        qqi_op_store_integer(type, out, i, (uint64_t)(int64_t)v);
    }
    *view = qq_tensor_make(out, type, t.rank, t.shape);
    return QQ_OK;
}

// --- two operands ----------------------------------------------------------

QQI_FN float qqi_max_f32(float x, float y)
{
    if (qqi_is_nan_f32(x) || qqi_is_nan_f32(y))
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (x == y) // the bits of -0 are the larger ones
        return qqi_f32_bits(x) < qqi_f32_bits(y) ? x : y;
    return x < y ? y : x;
}

QQI_FN float qqi_binary_float(qq_binary op, float x, float y)
{
    if (op == QQ_BINARY_ADD)
        return x + y;
    if (op == QQ_BINARY_MULTIPLY)
        return qqi_mul_f32(x, y);
    return op == QQ_BINARY_DIVIDE ? x / y : qqi_max_f32(x, y);
}

QQI_FN QQI_WRAPS uint64_t qqi_binary_integer(qq_binary op, int64_t x, int64_t y)
{
    const uint64_t u = (uint64_t)x;
    const uint64_t v = (uint64_t)y;

    if (op == QQ_BINARY_ADD)
        return u + v;
    if (op == QQ_BINARY_MULTIPLY)
        return u * v;
    if (op == QQ_BINARY_DIVIDE)
        return (uint64_t)(y == 0 ? -1 : x / y);
    return x < y ? v : u;
}

// One element; x and y of the same type. less is stored as uint8.
QQI_FN void qqi_binary_store(qq_binary op, const qq_tensor *x,
                             const qq_tensor *y, void *out, size_t i)
{
    const qq_type type = x->type;

    if (qqi_is_plain(type)) {
        const float a = qqi_plain_load(type, x->data, i);
        const float b = qqi_plain_load(type, y->data, i);
        if (op == QQ_BINARY_LESS)
            ((uint8_t *)out)[i] = a < b;
        else
            qqi_plain_store(type, out, i, qqi_binary_float(op, a, b));
        return;
    }
    const int64_t a = qqi_load_integer(type, x->data, i);
    const int64_t b = qqi_load_integer(type, y->data, i);
    if (op == QQ_BINARY_LESS)
        ((uint8_t *)out)[i] = a < b;
    else
        qqi_op_store_integer(type, out, i, qqi_binary_integer(op, a, b));
}

QQ_API qq_status qq_operand_binary(const qq_operand *x, qq_binary op,
                                   const qq_operand *y, void *out,
                                   size_t out_bytes, void *scratch,
                                   size_t scratch_bytes, qq_tensor *view)
{
    qq_tensor tx, ty;

    qq_status status = qqi_operand_shape(x, &tx);
    if (status != QQ_OK)
        return status;
    if (op < QQ_BINARY_ADD || op > QQ_BINARY_LESS)
        return QQ_ERR_ARGUMENT;
    status = qqi_operand_shape(y, &ty);
    if (status != QQ_OK)
        return status;
    if (tx.type != ty.type)
        return QQ_ERR_TYPE;
    if (!qqi_same_shape(&tx, &ty))
        return QQ_ERR_SHAPE;
    const size_t count = qq_tensor_count(&tx);
    const qq_type type = op == QQ_BINARY_LESS ? QQ_TYPE_UINT8 : tx.type;
    status = qqi_out_check(qq_type_bytes(type, count), out, out_bytes);
    if (status == QQ_OK && !view)
        return QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_operands_fill(x, y, scratch, scratch_bytes, &tx, &ty);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        qqi_binary_store(op, &tx, &ty, out, i);
    *view = qq_tensor_make(out, type, tx.rank, tx.shape);
    return QQ_OK;
}

#endif // QQUANT_OP_ELEMENTWISE_H
