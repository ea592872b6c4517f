// qquant floor 5: sums and products of two tensors whose sizes divide.
//
// Along an axis of n and m numbers, m a multiple of n, number i of the result
// is made of number i of the longer and number i / (m / n) of the shorter: the
// shorter has one for every tile (array/tile.h) of the result.

#ifndef QQUANT_ARRAY_PAIRWISE_H
#define QQUANT_ARRAY_PAIRWISE_H

#include "api/view.h"
#include "array/part.h"
#include "array/tile.h"
#include "num/half.h"
#include "num/step.h"

// x to nearest even as number i of an array of that type (f32, f16, bf16).
QQI_FN void qqi_store_float(qq_type type, void *out, size_t i, float x)
{
    uint8_t *p = (uint8_t *)out;

    if (type == QQ_TYPE_F32)
        qqi_store_f32(p + 4 * i, x);
    else if (type == QQ_TYPE_F16)
        qqi_store_u16(p + 2 * i, qqi_f16_from_f32(x));
    else
        qqi_store_u16(p + 2 * i, qqi_bf16_from_f32(x));
}

// Shape of the result; 0 where an axis of one is no multiple of the other's.
QQI_FN int qqi_common_shape(const qq_tensor *x, const qq_tensor *y,
                            size_t *shape)
{
    if (x->rank != y->rank)
        return 0;
    for (unsigned i = 0; i < x->rank; i++) {
        const size_t n = x->shape[i];
        const size_t m = y->shape[i];
        if (n == 1 || m == 1)
            shape[i] = n == 1 ? m : n;
        else if (n == m || (m != 0 && n > m && n % m == 0))
            shape[i] = n;
        else if (n != 0 && m > n && m % n == 0)
            shape[i] = m;
        else
            return 0;
    }
    return 1;
}

QQI_FN qq_status qqi_operands_check(const qq_tensor *x, const qq_tensor *y,
                                    qq_tensor *r)
{
    qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    if (x->type != QQ_TYPE_F32 && x->type != QQ_TYPE_F16 &&
        x->type != QQ_TYPE_BF16)
        return QQ_ERR_TYPE;
    status = qq_tensor_check(y);
    if (status != QQ_OK)
        return status;
    if (y->type != x->type)
        return QQ_ERR_TYPE;
    *r = *x;
    return qqi_common_shape(x, y, r->shape) ? QQ_OK : QQ_ERR_SHAPE;
}

QQ_API size_t qq_broadcast_size(const qq_tensor *x, const qq_tensor *y)
{
    qq_tensor r;

    if (qqi_operands_check(x, y, &r) != QQ_OK)
        return SIZE_MAX;
    return qq_tensor_bytes(&r);
}

// The way through an operand of a result of shape r.
QQI_FN void qqi_operand_begin(struct qqi_tiling *t, struct qqi_cursor *c,
                              const qq_tensor *x, const qq_tensor *r)
{
    size_t tile[QQ_MAX_RANK] = {0};

    for (unsigned i = 0; i < r->rank; i++)
        tile[i] = x->shape[i] == 1 ? r->shape[i] : r->shape[i] / x->shape[i];
    qqi_tiling_make(t, r->rank, r->shape, tile);
    qqi_cursor_begin(c, t);
}

// In f32 the products of two halves are exact, and their sums, and those of
// bfloat16, have bits enough for the second rounding to be as if it were the
// only one.
QQI_FN float qqi_broadcast_step(qq_broadcast_op op, float x, float y)
{
    if (op == QQ_BROADCAST_MULTIPLY)
        return qqi_mul_f32(x, y);
    return op == QQ_BROADCAST_ADD ? x + y : x - y;
}

// Fills r, which is not empty.
QQI_NOINLINE void qqi_broadcast_fill(qq_broadcast_op op, const qq_tensor *x,
                                     const qq_tensor *y, const qq_tensor *r,
                                     void *out)
{
    struct qqi_tiling tx, ty;
    struct qqi_cursor cx, cy;

    qqi_operand_begin(&tx, &cx, x, r);
    qqi_operand_begin(&ty, &cy, y, r);
    for (size_t k = 0; k < tx.numbers; k++) {
        size_t i, j;
        (void)qqi_cursor_next(&cx, 1, &i);
        (void)qqi_cursor_next(&cy, 1, &j);
        const float z = qqi_broadcast_step(op, qq_tensor_value(x, i),
                                           qq_tensor_value(y, j));
        qqi_store_float(r->type, out, k, qqi_canon_f32(z));
    }
}

QQ_API qq_status qq_broadcast_apply(qq_broadcast_op op, const qq_tensor *x,
                                    const qq_tensor *y, void *out,
                                    size_t out_bytes, qq_tensor *view)
{
    qq_tensor r;

    if ((int)op < QQ_BROADCAST_MULTIPLY || (int)op > QQ_BROADCAST_SUBTRACT)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_operands_check(x, y, &r);
    if (status != QQ_OK)
        return status;
    const size_t bytes = qq_tensor_bytes(&r);
    status = qqi_out_check(bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    r.data = out;
    if (bytes > 0)
        qqi_broadcast_fill(op, x, y, &r, out);
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_PAIRWISE_H
