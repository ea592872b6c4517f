// qquant floor 8: dot_general, the product of tensors over any axes.
//
//   z[batch, rest of x, rest of y] = sum over contracted axes of x * y

#ifndef QQUANT_OP_DOT_H
#define QQUANT_OP_DOT_H

#include "op/dot_plan.h"

// The sum for element i of an integer result.
QQI_FN QQI_WRAPS uint64_t qqi_dot_integer(const struct qqi_dot_plan *p,
                                          const qq_tensor *x,
                                          const qq_tensor *y, size_t i)
{
    struct qqi_dot_place at;
    uint64_t sum = 0;

    if (p->empty)
        return 0;
    qqi_dot_place_begin(&at, &p->outer, i);
    do {
        const int64_t a = qqi_load_integer(x->type, x->data, at.x);
        const int64_t b = qqi_load_integer(y->type, y->data, at.y);
        sum += (uint64_t)(a * b); // at most 2^62
    } while (qqi_dot_place_next(&at, &p->inner));
    return sum;
}

QQI_FN float qqi_dot_float(const struct qqi_dot_plan *p, const qq_tensor *x,
                           const qq_tensor *y, size_t i)
{
    struct qqi_dot_place at;
    float acc = 0.0f;

    if (p->empty)
        return acc;
    qqi_dot_place_begin(&at, &p->outer, i);
    do {
        const float a = qqi_op_float(x->type, x->data, at.x);
        const float b = qqi_op_float(y->type, y->data, at.y);
        acc = qqi_fma_f32(a, b, acc);
    } while (qqi_dot_place_next(&at, &p->inner));
    return acc;
}

QQ_API size_t qq_dot_general_size(const qq_operand *x, const qq_operand *y,
                                  const qq_dot_dims *dims, qq_type type)
{
    struct qqi_dot_plan p;
    qq_tensor tx, ty;

    if (qqi_dot_plan_of(x, y, dims, type, &p, &tx, &ty) != QQ_OK)
        return SIZE_MAX;
    return qqi_dot_bytes(&p);
}

QQ_API qq_status qq_dot_general(const qq_operand *x, const qq_operand *y,
                                const qq_dot_dims *dims, qq_type type,
                                void *out, size_t out_bytes, void *scratch,
                                size_t scratch_bytes, qq_tensor *view)
{
    struct qqi_dot_plan p;
    qq_tensor tx, ty;

    qq_status status = qqi_dot_plan_of(x, y, dims, type, &p, &tx, &ty);
    if (status == QQ_OK)
        status = qqi_out_check(qqi_dot_bytes(&p), out, out_bytes);
    if (status == QQ_OK && !view)
        return QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_operands_fill(x, y, scratch, scratch_bytes, &tx, &ty);
    if (status != QQ_OK)
        return status;
    const size_t count = qqi_shape_count(p.outer.rank, p.outer.size);
    for (size_t i = 0; i < count; i++)
        if (qqi_is_plain(p.type))
            qqi_plain_store(p.type, out, i, qqi_dot_float(&p, &tx, &ty, i));
        else
            qqi_op_store_integer(p.type, out, i,
                                 qqi_dot_integer(&p, &tx, &ty, i));
    *view = qq_tensor_make(out, p.type, p.outer.rank, p.outer.size);
    return QQ_OK;
}

#endif // QQUANT_OP_DOT_H
