// qquant floor 5: another shape over the same bytes.
//
// Old and new sizes are split into groups of equal product, each as small as
// can be: a group begins with the next old size, if that is not above the next
// new one, else with the new one; while the two products differ the smaller
// takes its next size. So a 1 at the start of a group is a group of its own,
// [1] -> [] or [] -> [1]. In a group old -> new, c being the sizes of a scale
// on the old axes, the first that fits decides:
//
//   c is old                    the scale's new sizes are the new ones
//   all of c is 1               they are 1
//   c is (c0, 1 ... 1) and c0     they are (c0, 1 ... 1)
//   divides new[0]
//
// and else there is no such reshape. Where an axis ends in a short tile only a
// group of this axis alone can keep it, as it is. A size of 0 never makes the
// products equal, so arrays without numbers are refused.
// (Qwix's QArray.reshape, and short tiles, which Qwix does not have.)

#ifndef QQUANT_ARRAY_RESHAPE_H
#define QQUANT_ARRAY_RESHAPE_H

#include "array/part.h"

// Axes from ... from_end - 1 of the old shape, to ... to_end - 1 of the new.
typedef struct qqi_group {
    unsigned from, from_end;
    unsigned to, to_end;
} qqi_group;

// The group behind *g, whose ends are its beginnings; 0 where the products
// cannot become equal. Both counts are the same.
QQI_FN int qqi_group_next(const qq_tensor *old, const qq_tensor *now,
                          qqi_group *g)
{
    size_t po = 1;
    size_t pn = 1;
    int first = 1;

    g->from = g->from_end;
    g->to = g->to_end;
    while (first || po != pn) {
        int take_old = po < pn;
        if (first)
            take_old = g->from < old->rank &&
                       (g->to == now->rank ||
                        old->shape[g->from] <= now->shape[g->to]);
        first = 0;
        // Each product divides the count, or is 0: nothing overflows.
        if (take_old) {
            if (g->from_end == old->rank)
                return 0;
            po *= old->shape[g->from_end++];
        } else {
            if (g->to_end == now->rank)
                return 0;
            pn *= now->shape[g->to_end++];
        }
    }
    return 1;
}

// Writes the sizes and tiles of a part of r on the new axes of a group; 0
// where the part cannot follow.
QQI_FN int qqi_group_part(const qq_array *a, const qqi_group *g, int part,
                          qq_array *r)
{
    const qq_tensor *c = qqi_part_of(a, part);
    qq_tensor *to = qqi_part(r, part);
    int same = 1;
    int ones = 1;  // all of c is 1
    int rest = 1;  // all of c but the first is
    int whole = 1; // no axis ends in a short tile

    for (unsigned i = g->from; i < g->from_end; i++) {
        const size_t n = a->value.shape[i];
        same &= c->shape[i] == n;
        ones &= c->shape[i] == 1;
        rest &= c->shape[i] == 1 || i == g->from;
        whole &= n % qqi_part_tile(a, part, i) == 0;
    }
    const int alone = g->from_end - g->from == 1 && g->to_end - g->to == 1;
    const size_t first = g->from < g->from_end ? c->shape[g->from] : 1;
    const size_t lead = g->to < g->to_end ? r->value.shape[g->to] : 1;
    if (!same && !ones && !alone && !(rest && whole && lead % first == 0))
        return 0;
    for (unsigned i = g->to; i < g->to_end; i++) {
        const size_t n = r->value.shape[i];
        size_t count = i == g->to ? first : 1;
        if (same)
            count = n;
        to->shape[i] = count;
        qqi_part_set_tile(r, part, i,
                          alone ? qqi_part_tile(a, part, g->from) : n / count);
    }
    return 1;
}

QQ_API qq_status qq_array_reshape(const qq_array *a, unsigned rank,
                                  const size_t *shape, qq_array *view)
{
    const qq_status status = qqi_parts_check(a);
    qqi_group g = {0, 0, 0, 0};

    if (status != QQ_OK)
        return status;
    if ((shape == NULL && rank > 0) || view == NULL)
        return QQ_ERR_ARGUMENT;
    if (rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    qq_array r = *a;
    r.value = qq_tensor_make(a->value.data, a->value.type, rank, shape);
    const size_t count = qq_tensor_count(&a->value);
    if (count != qq_tensor_count(&r.value) || count == 0)
        return QQ_ERR_SHAPE;
    while (g.from_end < a->value.rank || g.to_end < rank) {
        if (!qqi_group_next(&a->value, &r.value, &g))
            return QQ_ERR_SHAPE;
        for (int part = 0; part < QQI_PART_CODES; part++)
            if (qqi_has_part(a, part) && !qqi_group_part(a, &g, part, &r))
                return QQ_ERR_SHAPE;
    }
    for (int part = 0; part < QQI_PART_CODES; part++)
        if (qqi_has_part(a, part))
            qqi_part(&r, part)->rank = rank;
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_RESHAPE_H
