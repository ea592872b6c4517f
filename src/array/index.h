// qquant floor 5: parts of an array: a[index...].
//
// An index is resolved once, for the numbers (array/pick.h). Each part of the
// array then takes what covers them: the same where it has an element for
// every number, its only element where it has one, else whole tiles.

#ifndef QQUANT_ARRAY_INDEX_H
#define QQUANT_ARRAY_INDEX_H

#include "array/part.h"
#include "array/pick.h"

// What a part takes of an axis when p is wanted of the numbers; 0 where that
// would cut a tile. strict: Qwix's rule, all of a tiled axis or one of it.
QQI_FN int qqi_pick_part(const qq_array *a, int part, unsigned axis, int strict,
                         qqi_pick *p)
{
    const size_t n = a->value.shape[axis];
    const size_t count = qqi_part_of(a, part)->shape[axis];
    const size_t tile = qqi_part_tile(a, part, axis);
    const int whole = p->count == n && p->step == 1;

    if (count == n)
        return 1;
    if (whole || count == 1) {
        p->start = 0;
        p->count = count;
        p->step = 1;
        return 1;
    }
    const size_t end = p->start + p->count;
    const int cut =
        p->step != 1 || p->start % tile != 0 || (end % tile != 0 && end != n);
    if (!p->drop && (strict || (p->count > 0 && cut)))
        return 0;
    p->count = p->count / tile + (p->count % tile != 0);
    p->start /= tile;
    return 1;
}

// The shape and tiles of a part of the result r.
QQI_FN int qqi_index_part(const qq_array *a, const qqi_picks *picks, int strict,
                          int part, qq_array *r)
{
    qq_tensor *to = qqi_part(r, part);
    unsigned rank = 0;

    for (unsigned i = 0; i <= a->value.rank; i++) {
        for (unsigned k = 0; k < picks->added[i]; k++) {
            if (rank == QQ_MAX_RANK)
                return 0;
            qqi_part_set_tile(r, part, rank, 1);
            to->shape[rank++] = 1;
        }
        if (i == a->value.rank)
            break;
        const size_t wanted = picks->axis[i].count;
        qqi_pick p = picks->axis[i];
        if (!qqi_pick_part(a, part, i, strict, &p))
            return 0;
        if (p.drop)
            continue;
        if (rank == QQ_MAX_RANK)
            return 0;
        size_t tile = qqi_part_tile(a, part, i);
        tile = tile < wanted ? tile : wanted;
        qqi_part_set_tile(r, part, rank, tile > 0 ? tile : 1);
        to->shape[rank++] = p.count;
    }
    to->rank = rank;
    return 1;
}

// Everything but the moving: what is wanted, and the result's shapes.
QQI_FN qq_status qqi_index_plan(const qq_array *a, qq_rule rule,
                                const qq_index *index, unsigned count,
                                qqi_picks *picks, qq_array *r)
{
    const int strict = rule == QQ_RULE_QWIX || rule == QQ_RULE_QWIX_RELEASE;
    const qq_status status = qqi_parts_check(a);

    if (status != QQ_OK)
        return status;
    if ((int)rule < QQ_RULE_QQUANT || (int)rule > QQ_RULE_FJFORMER)
        return QQ_ERR_ARGUMENT;
    const qq_status bad = qqi_picks_make(&a->value, index, count, picks);
    if (bad != QQ_OK)
        return bad;
    *r = *a;
    for (int part = 0; part < QQI_PARTS; part++)
        if (qqi_has_part(a, part) && !qqi_index_part(a, picks, strict, part, r))
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

QQ_API size_t qq_array_index_size(const qq_array *a, qq_rule rule,
                                  const qq_index *index, unsigned count)
{
    qqi_picks picks;
    qq_array r;

    if (qqi_index_plan(a, rule, index, count, &picks, &r) != QQ_OK)
        return SIZE_MAX;
    return qqi_parts_bytes(&r);
}

// Moves one part to out.
QQI_NOINLINE qq_status qqi_index_move(const qq_array *a, const qqi_picks *picks,
                                      int part, void *out, size_t bytes)
{
    size_t start[QQ_MAX_RANK], count[QQ_MAX_RANK];
    ptrdiff_t step[QQ_MAX_RANK];
    qq_tensor moved;

    for (unsigned i = 0; i < a->value.rank; i++) {
        qqi_pick p = picks->axis[i];
        (void)qqi_pick_part(a, part, i, 0, &p);
        start[i] = p.start;
        count[i] = p.count;
        step[i] = p.step;
    }
    return qq_tensor_slice(qqi_part_of(a, part), start, count, step, out, bytes,
                           &moved);
}

QQ_API qq_status qq_array_index(const qq_array *a, qq_rule rule,
                                const qq_index *index, unsigned count,
                                void *out, size_t out_bytes, qq_array *view)
{
    qqi_picks picks;
    qq_array r;
    qq_status status = qqi_index_plan(a, rule, index, count, &picks, &r);

    if (status != QQ_OK)
        return status;
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_parts_place(&r, out);
    for (int part = 0; part < QQI_PARTS && status == QQ_OK; part++)
        if (qqi_has_part(a, part))
            status =
                qqi_index_move(a, &picks, part, qqi_part_out(&r, part, out),
                               qq_tensor_bytes(qqi_part_of(&r, part)));
    if (status == QQ_OK)
        *view = r;
    return status;
}

#endif // QQUANT_ARRAY_INDEX_H
