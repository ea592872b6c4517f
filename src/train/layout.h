// qquant floor 9: scales of a product's operands in other layouts.
//
// Both moves are a permutation of axes and then another shape over the same
// numbers, for the axes that come and go have size 1:
//
//   to output   batch, remaining, contracted; the last of them go, and the
//               other operand's remaining axes come: after a lhs scale's own,
//               before a rhs scale's
//   to other    contracted and batch axes in the order of their partners

#ifndef QQUANT_TRAIN_LAYOUT_H
#define QQUANT_TRAIN_LAYOUT_H

#include "api/aqt.h"
#include "array/part.h"

// The axes of one operand: this one's, and the partners'.
struct qqi_side {
    const unsigned *contract;
    const unsigned *batch;
    const unsigned *other_contract;
    const unsigned *other_batch;
    unsigned contract_count;
    unsigned batch_count;
};

QQI_FN struct qqi_side qqi_side_of(const qq_dot_axes *d, int rhs)
{
    struct qqi_side r;

    r.contract = rhs ? d->rhs_contract : d->lhs_contract;
    r.batch = rhs ? d->rhs_batch : d->lhs_batch;
    r.other_contract = rhs ? d->lhs_contract : d->rhs_contract;
    r.other_batch = rhs ? d->lhs_batch : d->rhs_batch;
    r.contract_count = d->contract_count;
    r.batch_count = d->batch_count;
    return r;
}

// Marks axes; 0 if one is out of range or marked already.
QQI_FN int qqi_mark_axes(const unsigned *axes, unsigned count, unsigned rank,
                         unsigned *marks)
{
    for (unsigned i = 0; i < count; i++) {
        if (axes[i] >= rank || (*marks >> axes[i] & 1))
            return 0;
        *marks |= 1u << axes[i];
    }
    return 1;
}

// Pairs of axes that both operands have; *used: those of this one.
QQI_FN qq_status qqi_side_check(const qq_tensor *scale, const qq_dot_axes *d,
                                qq_dot_side side, unsigned other_rank,
                                unsigned *used)
{
    const qq_status status = qq_tensor_check(scale);
    unsigned other = 0;

    if (status != QQ_OK)
        return status;
    if (d == NULL || (side != QQ_DOT_LHS && side != QQ_DOT_RHS))
        return QQ_ERR_ARGUMENT;
    if (other_rank > QQ_MAX_RANK || d->contract_count > QQ_MAX_RANK ||
        d->batch_count > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    const struct qqi_side s = qqi_side_of(d, side == QQ_DOT_RHS);
    *used = 0;
    return qqi_mark_axes(s.contract, s.contract_count, scale->rank, used) &&
                   qqi_mark_axes(s.batch, s.batch_count, scale->rank, used) &&
                   qqi_mark_axes(s.other_contract, s.contract_count, other_rank,
                                 &other) &&
                   qqi_mark_axes(s.other_batch, s.batch_count, other_rank,
                                 &other)
               ? QQ_OK
               : QQ_ERR_AXIS;
}

// A layout: the order of the scale's axes, and the shape it then gets.
struct qqi_scale_layout {
    unsigned order[QQ_MAX_RANK];
    size_t shape[QQ_MAX_RANK];
    unsigned axes;
    unsigned rank;
};

QQI_FN void qqi_scale_layout_take(struct qqi_scale_layout *l,
                                  const qq_tensor *scale, unsigned axis)
{
    l->order[l->axes++] = axis;
    l->shape[l->rank++] = scale->shape[axis];
}

QQI_FN void qqi_scale_layout_ones(struct qqi_scale_layout *l, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        l->shape[l->rank++] = 1;
}

// Permutes the scale into out and gives it the shape.
QQI_FN qq_status qqi_scale_layout_move(const struct qqi_scale_layout *l,
                                       const qq_tensor *scale, void *out,
                                       size_t out_bytes, qq_tensor *view)
{
    qq_tensor r;

    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qq_tensor_transpose(scale, l->order, out, out_bytes, &r);
    if (status == QQ_OK)
        *view = qq_tensor_make(r.data, r.type, l->rank, l->shape);
    return status;
}

QQ_API qq_status qq_aqt_scale_to_output(const qq_tensor *scale,
                                        const qq_dot_axes *axes,
                                        qq_dot_side side, unsigned other_rank,
                                        void *out, size_t out_bytes,
                                        qq_tensor *view)
{
    struct qqi_scale_layout l;
    unsigned used;
    const qq_status status =
        qqi_side_check(scale, axes, side, other_rank, &used);

    if (status != QQ_OK)
        return status;
    const struct qqi_side s = qqi_side_of(axes, side == QQ_DOT_RHS);
    const unsigned others = other_rank - s.contract_count - s.batch_count;
    if (scale->rank - s.contract_count + others > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    l.axes = l.rank = 0;
    for (unsigned i = 0; i < s.batch_count; i++)
        qqi_scale_layout_take(&l, scale, s.batch[i]);
    qqi_scale_layout_ones(&l, side == QQ_DOT_RHS ? others : 0);
    for (unsigned a = 0; a < scale->rank; a++)
        if (!(used >> a & 1))
            qqi_scale_layout_take(&l, scale, a);
    qqi_scale_layout_ones(&l, side == QQ_DOT_LHS ? others : 0);
    for (unsigned i = 0; i < s.contract_count; i++) {
        if (scale->shape[s.contract[i]] != 1)
            return QQ_ERR_SHAPE;
        l.order[l.axes++] = s.contract[i];
    }
    return qqi_scale_layout_move(&l, scale, out, out_bytes, view);
}

QQ_API qq_status qq_aqt_scale_to_other(const qq_tensor *scale,
                                       const qq_dot_axes *axes,
                                       qq_dot_side side, unsigned other_rank,
                                       void *out, size_t out_bytes,
                                       qq_tensor *view)
{
    unsigned partner[QQ_MAX_RANK]; // of an axis of the other operand
    struct qqi_scale_layout l;
    unsigned used;
    const qq_status status =
        qqi_side_check(scale, axes, side, other_rank, &used);

    if (status != QQ_OK)
        return status;
    const struct qqi_side s = qqi_side_of(axes, side == QQ_DOT_RHS);
    l.axes = l.rank = 0;
    for (unsigned a = 0; a < other_rank; a++)
        partner[a] = QQ_MAX_RANK;
    for (unsigned i = 0; i < s.contract_count; i++)
        partner[s.other_contract[i]] = s.contract[i];
    for (unsigned i = 0; i < s.batch_count; i++)
        partner[s.other_batch[i]] = s.batch[i];
    for (unsigned a = 0; a < other_rank; a++) {
        if (partner[a] == QQ_MAX_RANK)
            qqi_scale_layout_ones(&l, 1);
        else
            qqi_scale_layout_take(&l, scale, partner[a]);
    }
    for (unsigned a = 0; a < scale->rank; a++) {
        if (used >> a & 1)
            continue;
        if (scale->shape[a] != 1)
            return QQ_ERR_SHAPE;
        l.order[l.axes++] = a;
    }
    return qqi_scale_layout_move(&l, scale, out, out_bytes, view);
}

#endif // QQUANT_TRAIN_LAYOUT_H
