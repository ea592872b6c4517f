// qquant floor 5: numbers repeated in a row until a shape is reached.
//
// Along an axis of n that becomes one of m each number stands m / n times,
// 1 1 2 2, not 1 2 1 2. An element that covers t numbers then covers t * m / n:
// where the result's numbers come from is a matter of tiles (array/tile.h).

#ifndef QQUANT_ARRAY_BROADCAST_H
#define QQUANT_ARRAY_BROADCAST_H

#include "array/gather.h"
#include "array/part.h"
#include "array/tile.h"

// Writes the tensor of that shape whose numbers are t's elements, one for each
// tile: t has as many as there are tiles.
QQI_FN void qqi_spread_tiles(const qq_tensor *t, unsigned rank,
                             const size_t *shape, const size_t *tile, void *out)
{
    struct qqi_tiling tiling;
    struct qqi_cursor cursor;
    size_t n;

    qqi_tiling_make(&tiling, rank, shape, tile);
    const size_t stride = tiling.tile[tiling.rank - 1] == 1;
    qqi_cursor_begin(&cursor, &tiling);
    for (size_t i = 0; i < tiling.numbers; i += n) {
        size_t from;
        n = qqi_cursor_next(&cursor, tiling.numbers, &from);
        qqi_gather_row(t->type, t->data, from, stride, n, i, out);
    }
}

// The shapes of the result. *same: the array has the shape already.
QQI_FN qq_status qqi_broadcast_plan(const qq_array *a, unsigned rank,
                                    const size_t *shape, int *same, qq_array *r)
{
    const qq_status status = qqi_parts_check(a);

    if (status != QQ_OK)
        return status;
    if (shape == NULL && rank > 0)
        return QQ_ERR_ARGUMENT;
    const unsigned old = a->value.rank;
    if (rank > QQ_MAX_RANK || rank < old)
        return QQ_ERR_SHAPE;
    *r = *a;
    *same = rank == old;
    for (unsigned i = 0; i < rank; i++) {
        const size_t n = i < rank - old ? 1 : a->value.shape[i - (rank - old)];
        if (n != shape[i] && n != 1 &&
            (n == 0 || shape[i] == 0 || shape[i] % n != 0))
            return QQ_ERR_SHAPE;
        *same &= n == shape[i];
    }
    if (*same)
        return QQ_OK;
    for (unsigned i = 0; i < rank; i++)
        r->tile[i] = r->zero_tile[i] = 1;
    for (int part = 0; part < QQI_PARTS; part++)
        if (qqi_has_part(a, part))
            *qqi_part(r, part) =
                qq_tensor_make(NULL, qqi_part_of(a, part)->type, rank, shape);
    return QQ_OK;
}

QQ_API size_t qq_array_broadcast_size(const qq_array *a, unsigned rank,
                                      const size_t *shape)
{
    qq_array r;
    int same;

    if (qqi_broadcast_plan(a, rank, shape, &same, &r) != QQ_OK)
        return SIZE_MAX;
    return same ? 0 : qqi_parts_bytes(&r);
}

// Writes a part of the result, which is not empty.
QQI_NOINLINE void qqi_broadcast_move(const qq_array *a, int part,
                                     const qq_tensor *t, void *out)
{
    const unsigned added = t->rank - a->value.rank;
    size_t tile[QQ_MAX_RANK] = {0};

    for (unsigned i = 0; i < t->rank; i++) {
        const size_t n = i < added ? 1 : a->value.shape[i - added];
        tile[i] = t->shape[i];
        if (n != 1)
            tile[i] = qqi_part_tile(a, part, i - added) * (t->shape[i] / n);
    }
    qqi_spread_tiles(qqi_part_of(a, part), t->rank, t->shape, tile, out);
}

QQ_API qq_status qq_array_broadcast(const qq_array *a, unsigned rank,
                                    const size_t *shape, void *out,
                                    size_t out_bytes, qq_array *view)
{
    qq_array r;
    int same;
    qq_status status = qqi_broadcast_plan(a, rank, shape, &same, &r);

    if (status != QQ_OK)
        return status;
    status = qqi_out_check(same ? 0 : qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    if (!same) {
        qqi_parts_place(&r, out);
        for (int part = 0; part < QQI_PARTS; part++)
            if (qqi_has_part(a, part) && qq_tensor_count(&r.value) > 0)
                qqi_broadcast_move(a, part, qqi_part_of(&r, part),
                                   qqi_part_out(&r, part, out));
    }
    *view = r;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_BROADCAST_H
