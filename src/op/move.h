// qquant floor 8: tensors and eformer's arrays in another shape.

#ifndef QQUANT_OP_MOVE_H
#define QQUANT_OP_MOVE_H

#include "array/gather.h"
#include "op/operand.h"

QQ_API qq_move qq_move_transpose(unsigned rank, const unsigned *axes)
{
    qq_move m;

    QQ_MEMSET(&m, 0, sizeof m);
    m.kind = QQ_MOVE_TRANSPOSE;
    m.rank = rank;
    for (unsigned a = 0; axes && a < rank && a < QQ_MAX_RANK; a++)
        m.axes[a] = axes[a];
    return m;
}

QQ_API qq_move qq_move_reshape(unsigned rank, const size_t *shape)
{
    qq_move m;

    QQ_MEMSET(&m, 0, sizeof m);
    m.kind = QQ_MOVE_RESHAPE;
    m.rank = rank;
    for (unsigned a = 0; shape && a < rank && a < QQ_MAX_RANK; a++)
        m.shape[a] = shape[a];
    return m;
}

QQ_API qq_move qq_move_broadcast(unsigned rank, const size_t *shape,
                                 unsigned from, const unsigned *axes)
{
    qq_move m = qq_move_reshape(rank, shape);

    m.kind = QQ_MOVE_BROADCAST;
    for (unsigned a = 0; axes && a < from && a < QQ_MAX_RANK; a++)
        m.axes[a] = axes[a];
    return m;
}

// --- tensors ---------------------------------------------------------------

QQI_FN qq_status qqi_op_transposed(const qq_tensor *t, const qq_move *m,
                                   qq_tensor *r)
{
    unsigned seen = 0;

    if (m->rank != t->rank)
        return QQ_ERR_AXIS;
    for (unsigned a = 0; a < t->rank; a++) {
        if (m->axes[a] >= t->rank || (seen >> m->axes[a] & 1))
            return QQ_ERR_AXIS;
        seen |= 1u << m->axes[a];
        r->shape[a] = t->shape[m->axes[a]];
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_op_broadcasted(const qq_tensor *t, const qq_move *m)
{
    for (unsigned a = 0; a < t->rank; a++)
        if (m->axes[a] >= m->rank || (a > 0 && m->axes[a] <= m->axes[a - 1]))
            return QQ_ERR_AXIS;
    for (unsigned a = 0; a < t->rank; a++)
        if (t->shape[a] != 1 && t->shape[a] != m->shape[m->axes[a]])
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

// Type and shape of the result of a tensor that was checked.
QQI_FN qq_status qqi_op_moved(const qq_tensor *t, const qq_move *m,
                              qq_tensor *r)
{
    qq_status status = QQ_OK;

    if (!m)
        return QQ_ERR_ARGUMENT;
    if (m->rank > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    *r = qq_tensor_make(NULL, t->type, m->rank, m->shape);
    if (m->kind == QQ_MOVE_TRANSPOSE)
        status = qqi_op_transposed(t, m, r);
    else if (m->kind == QQ_MOVE_BROADCAST)
        status = qqi_op_broadcasted(t, m);
    else if (m->kind != QQ_MOVE_RESHAPE)
        return QQ_ERR_ARGUMENT;
    else if (qq_tensor_count(r) != qq_tensor_count(t))
        status = QQ_ERR_SHAPE;
    if (status == QQ_OK && qq_tensor_bytes(r) == SIZE_MAX)
        return QQ_ERR_SIZE;
    return status;
}

QQ_API size_t qq_tensor_move_size(const qq_tensor *t, const qq_move *m)
{
    qq_tensor r;

    if (qq_tensor_check(t) != QQ_OK || qqi_op_moved(t, m, &r) != QQ_OK)
        return SIZE_MAX;
    return qq_tensor_bytes(&r);
}

// The numbers of t in the order of the result, which has some.
QQI_FN void qqi_op_copy(const qq_tensor *t, const qq_move *m,
                        const qq_tensor *r, void *out)
{
    size_t stride[QQ_MAX_RANK] = {0};
    qqi_walk w = {{0}, {0}, 0, 0};
    size_t n = 1;

    if (m->kind == QQ_MOVE_RESHAPE) {
        qqi_walk_add(&w, qq_tensor_count(t), 1);
    } else {
        for (unsigned i = t->rank; i > 0; i--) {
            const unsigned a = i - 1;
            stride[m->axes[a]] = t->shape[a] == 1 ? 0 : n;
            n *= t->shape[a];
        }
        for (unsigned a = 0; a < r->rank; a++)
            qqi_walk_add(&w, r->shape[a], stride[a]);
    }
    qqi_gather(t->type, t->data, &w, out);
}

QQ_API qq_status qq_tensor_move(const qq_tensor *t, const qq_move *m, void *out,
                                size_t out_bytes, qq_tensor *view)
{
    qq_tensor r;

    qq_status status = qq_tensor_check(t);
    if (status == QQ_OK)
        status = qqi_op_moved(t, m, &r);
    if (status != QQ_OK)
        return status;
    status = qqi_tensor_fits(&r, out, out_bytes, view);
    if (status != QQ_OK)
        return status;
    if (m->kind == QQ_MOVE_TRANSPOSE)
        return qq_tensor_transpose(t, m->axes, out, out_bytes, view);
    if (qq_tensor_count(&r) > 0)
        qqi_op_copy(t, m, &r, out);
    r.data = out;
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_OP_MOVE_H
