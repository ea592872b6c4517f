// qquant floor 8: what a dot_general comes to: which numbers meet.
//
// Two walks go through both operands at once: the outer one over the axes of
// the result, the inner one over the contracted axes. Where an operand lacks
// an axis it stands still.

#ifndef QQUANT_OP_DOT_PLAN_H
#define QQUANT_OP_DOT_PLAN_H

#include "op/operand.h"

// Axes of x and y, of which the last runs fastest: their sizes, and how many
// numbers apart neighbours are.
struct qqi_dot_walk {
    unsigned rank;
    size_t size[QQ_MAX_RANK];
    size_t step_x[QQ_MAX_RANK];
    size_t step_y[QQ_MAX_RANK];
};

// A place in both.
struct qqi_dot_place {
    size_t at[QQ_MAX_RANK];
    size_t x;
    size_t y;
};

QQI_FN void qqi_dot_walk_add(struct qqi_dot_walk *w, size_t size, size_t step_x,
                             size_t step_y)
{
    w->size[w->rank] = size;
    w->step_x[w->rank] = step_x;
    w->step_y[w->rank] = step_y;
    w->rank++;
}

// Place i of the walk, where counting in another walk begins.
QQI_FN void qqi_dot_place_begin(struct qqi_dot_place *p,
                                const struct qqi_dot_walk *w, size_t i)
{
    QQ_MEMSET(p, 0, sizeof *p);
    for (unsigned k = w->rank; k > 0; k--) {
        const unsigned a = k - 1;
        p->x += i % w->size[a] * w->step_x[a];
        p->y += i % w->size[a] * w->step_y[a];
        i /= w->size[a];
    }
}

// The next place; 0, and back at the first, where there is none.
QQI_FN int qqi_dot_place_next(struct qqi_dot_place *p,
                              const struct qqi_dot_walk *w)
{
    for (unsigned k = w->rank; k > 0; k--) {
        const unsigned a = k - 1;
        p->x += w->step_x[a];
        p->y += w->step_y[a];
        if (++p->at[a] < w->size[a])
            return 1;
        p->x -= w->step_x[a] * w->size[a];
        p->y -= w->step_y[a] * w->size[a];
        p->at[a] = 0;
    }
    return 0;
}

struct qqi_dot_plan {
    struct qqi_dot_walk outer;
    struct qqi_dot_walk inner;
    qq_type type; // of the result; its shape is that of the outer walk
    int empty;    // nothing to sum
};

// How many numbers apart neighbours along an axis are; 0 where that is beyond
// size_t, for then there are no numbers.
QQI_FN size_t qqi_dot_step(const qq_tensor *t, unsigned axis)
{
    size_t n = 1;

    for (unsigned a = axis + 1; a < t->rank; a++)
        if (!qqi_mul_size(n, t->shape[a], &n))
            return 0;
    return n;
}

// The lists of qq_dot_dims.
struct qqi_dot_axes {
    unsigned contract; // how many
    unsigned batch;
    const unsigned *lhs_contract;
    const unsigned *rhs_contract;
    const unsigned *lhs_batch;
    const unsigned *rhs_batch;
};

// One list of axes, as bits; QQ_ERR_AXIS: beyond the rank, or seen before.
QQI_FN qq_status qqi_dot_axes_seen(const unsigned *axes, unsigned count,
                                   unsigned rank, unsigned *seen)
{
    if (count > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    for (unsigned i = 0; i < count; i++) {
        if (axes[i] >= rank || (*seen >> axes[i] & 1))
            return QQ_ERR_AXIS;
        *seen |= 1u << axes[i];
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_dot_axes_check(const qq_tensor *x, const qq_tensor *y,
                                    const struct qqi_dot_axes *d,
                                    unsigned *in_x, unsigned *in_y)
{
    const unsigned n = d->contract;
    const unsigned m = d->batch;

    *in_x = *in_y = 0;
    if (qqi_dot_axes_seen(d->lhs_contract, n, x->rank, in_x) != QQ_OK ||
        qqi_dot_axes_seen(d->rhs_contract, n, y->rank, in_y) != QQ_OK ||
        qqi_dot_axes_seen(d->lhs_batch, m, x->rank, in_x) != QQ_OK ||
        qqi_dot_axes_seen(d->rhs_batch, m, y->rank, in_y) != QQ_OK)
        return QQ_ERR_AXIS;
    for (unsigned i = 0; i < n; i++)
        if (x->shape[d->lhs_contract[i]] != y->shape[d->rhs_contract[i]])
            return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < m; i++)
        if (x->shape[d->lhs_batch[i]] != y->shape[d->rhs_batch[i]])
            return QQ_ERR_SHAPE;
    return x->rank + y->rank - 2 * n - m > QQ_MAX_RANK ? QQ_ERR_SHAPE : QQ_OK;
}

// x and y: type and shape of the operands.
QQI_FN qq_status qqi_dot_make(const qq_tensor *x, const qq_tensor *y,
                              const struct qqi_dot_axes *d, qq_type type,
                              struct qqi_dot_plan *p)
{
    unsigned in_x, in_y;

    const qq_status status = qqi_dot_axes_check(x, y, d, &in_x, &in_y);
    if (status != QQ_OK)
        return status;
    if (type == QQ_TYPE_NONE)
        type = qq_promote(x->type, y->type);
    if (!qqi_op_has_type(type) ||
        (qqi_op_is_integer(type) &&
         (qqi_is_plain(x->type) || qqi_is_plain(y->type))))
        return QQ_ERR_TYPE;
    QQ_MEMSET(p, 0, sizeof *p);
    for (unsigned i = 0; i < d->contract; i++) {
        const unsigned a = d->lhs_contract[i];
        qqi_dot_walk_add(&p->inner, x->shape[a], qqi_dot_step(x, a),
                         qqi_dot_step(y, d->rhs_contract[i]));
        p->empty |= x->shape[a] == 0;
    }
    for (unsigned i = 0; i < d->batch; i++) {
        const unsigned a = d->lhs_batch[i];
        qqi_dot_walk_add(&p->outer, x->shape[a], qqi_dot_step(x, a),
                         qqi_dot_step(y, d->rhs_batch[i]));
    }
    for (unsigned a = 0; a < x->rank; a++)
        if (!(in_x >> a & 1))
            qqi_dot_walk_add(&p->outer, x->shape[a], qqi_dot_step(x, a), 0);
    for (unsigned a = 0; a < y->rank; a++)
        if (!(in_y >> a & 1))
            qqi_dot_walk_add(&p->outer, y->shape[a], 0, qqi_dot_step(y, a));
    p->type = type;
    return QQ_OK;
}

// tx and ty: type and shape of the operands.
QQI_FN qq_status qqi_dot_plan_of(const qq_operand *x, const qq_operand *y,
                                 const qq_dot_dims *dims, qq_type type,
                                 struct qqi_dot_plan *p, qq_tensor *tx,
                                 qq_tensor *ty)
{
    qq_status status = qqi_operand_shape(x, tx);

    if (status == QQ_OK)
        status = qqi_operand_shape(y, ty);
    if (status != QQ_OK)
        return status;
    // Of a product of matrices, unless dims says otherwise. x of rank 0 has
    // no last axis.
    const unsigned first = 0;
    const unsigned last = tx->rank > 0 ? tx->rank - 1 : QQ_MAX_RANK;
    struct qqi_dot_axes d = {1, 0, &last, &first, &last, &first};
    if (dims) {
        d.contract = dims->contract_count;
        d.batch = dims->batch_count;
        d.lhs_contract = dims->lhs_contract;
        d.rhs_contract = dims->rhs_contract;
        d.lhs_batch = dims->lhs_batch;
        d.rhs_batch = dims->rhs_batch;
    }
    return qqi_dot_make(tx, ty, &d, type, p);
}

// The bytes of the result; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_dot_bytes(const struct qqi_dot_plan *p)
{
    const size_t count = qqi_shape_count(p->outer.rank, p->outer.size);

    return count == SIZE_MAX ? SIZE_MAX : qq_type_bytes(p->type, count);
}

#endif // QQUANT_OP_DOT_PLAN_H
