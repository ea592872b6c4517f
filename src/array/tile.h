// qquant floor 5: tiles: which numbers of a tensor share a scale.
//
// Axis a of size n is cut into tiles of tile[a] numbers, the last of which may
// be short; the numbers with the same tile on every axis share a scale, and
// scales are counted row-major:
//
//   shape 4 x 6, tile 2 x 4           scale of each number
//                                     0 0 0 0 1 1
//                                     0 0 0 0 1 1
//                                     2 2 2 2 3 3
//                                     2 2 2 2 3 3
//
// Only this part maps numbers to scales. Neighbouring axes are joined where
// that changes nothing, so a tensor with one scale, one scale a row, or tiles
// that divide its rows is a single long axis. There are two ways through the
// numbers: in the order of memory, stretch by stretch (a cursor), and tile by
// tile, run by run (a patch).

#ifndef QQUANT_ARRAY_TILE_H
#define QQUANT_ARRAY_TILE_H

#include "api/array.h"
#include "compiler.h"
#include "num/bits.h"

struct qqi_tiling {
    size_t shape[QQ_MAX_RANK];
    size_t tile[QQ_MAX_RANK];  // 1 to shape[a]
    size_t count[QQ_MAX_RANK]; // tiles along the axis
    unsigned rank;             // 1 at least
    size_t numbers;
    size_t tiles;
};

// ceil(n / d), d > 0, without overflow.
QQI_INLINE size_t qqi_ceil_div(size_t n, size_t d)
{
    return n / d + (n % d != 0);
}

// Whether axis a and the one behind it are one axis for all that matters
// here: one of them is trivial, the inner one lies in one tile, or the outer
// one has a scale for every index and no inner tile is short.
QQI_FN int qqi_axes_join(const struct qqi_tiling *t, size_t shape, size_t tile)
{
    const unsigned a = t->rank - 1;

    if (tile == shape || t->shape[a] == 1)
        return 1;
    return t->tile[a] == 1 && shape % tile == 0;
}

// Nothing: one axis without numbers.
QQI_FN void qqi_tiling_empty(struct qqi_tiling *t)
{
    QQ_MEMSET(t, 0, sizeof *t);
    t->rank = 1;
    t->tile[0] = 1;
}

// shape and tile as given, tiles larger than the axis cut to its size; the
// product of the shape is known to fit.
QQI_FN void qqi_tiling_make(struct qqi_tiling *t, unsigned rank,
                            const size_t *shape, const size_t *tile)
{
    qqi_tiling_empty(t);
    for (unsigned a = 0; a < rank; a++) {
        if (shape[a] == 0)
            return;
    }
    t->shape[0] = 1;
    for (unsigned a = 0; a < rank; a++) {
        const size_t n = shape[a];
        const size_t k = tile[a] < n ? tile[a] : n;
        const unsigned b = t->rank - 1;
        if (qqi_axes_join(t, n, k)) {
            // With the inner axis in one tile the outer tile takes it in
            // whole; else a scale's numbers are the inner tile.
            t->tile[b] = k == n ? t->tile[b] * n : k;
            t->shape[b] *= n;
        } else {
            t->shape[t->rank] = n;
            t->tile[t->rank++] = k;
        }
    }
    t->tiles = t->numbers = 1;
    for (unsigned a = 0; a < t->rank; a++) {
        t->count[a] = qqi_ceil_div(t->shape[a], t->tile[a]);
        t->numbers *= t->shape[a];
        t->tiles *= t->count[a];
    }
}

// --- in the order of memory -----------------------------------------------

struct qqi_cursor {
    const struct qqi_tiling *t;
    size_t at[QQ_MAX_RANK]; // of the axes but the last: the index
    size_t row_scale;       // the first scale of the row
    size_t column;          // on the last axis: the next number, its tile,
    size_t tile;            // and its place in that
    size_t inside;
};

QQI_FN void qqi_cursor_begin(struct qqi_cursor *c, const struct qqi_tiling *t)
{
    QQ_MEMSET(c, 0, sizeof *c);
    c->t = t;
}

// Goes to a number.
QQI_FN void qqi_cursor_seek(struct qqi_cursor *c, size_t number)
{
    const struct qqi_tiling *t = c->t;
    const unsigned last = t->rank - 1;
    size_t stride = t->count[last];

    c->column = number % t->shape[last];
    c->tile = c->column / t->tile[last];
    c->inside = t->tile[last] == 1 ? 0 : c->column % t->tile[last];
    c->row_scale = 0;
    number /= t->shape[last];
    for (int b = (int)last - 1; b >= 0; b--) {
        const unsigned a = (unsigned)b;
        c->at[a] = number % t->shape[a];
        number /= t->shape[a];
        c->row_scale += c->at[a] / t->tile[a] * stride;
        stride *= t->count[a];
    }
}

QQI_FN void qqi_cursor_next_row(struct qqi_cursor *c)
{
    const struct qqi_tiling *t = c->t;
    size_t stride = t->count[t->rank - 1];

    c->column = c->tile = c->inside = 0;
    c->row_scale = 0;
    int carry = 1;
    for (int b = (int)(t->rank - 1) - 1; b >= 0; b--) {
        const unsigned a = (unsigned)b;
        if (carry) {
            carry = ++c->at[a] == t->shape[a];
            if (carry)
                c->at[a] = 0;
        }
        c->row_scale += c->at[a] / t->tile[a] * stride;
        stride *= t->count[a];
    }
}

// The next numbers, at most max and at least one, that have scale *scale, or
// where the tile is 1 scales *scale, *scale + 1, ... one after another; returns
// how many. Not to be called beyond the last number.
QQI_FN size_t qqi_cursor_next(struct qqi_cursor *c, size_t max, size_t *scale)
{
    const unsigned last = c->t->rank - 1;
    const size_t tile = c->t->tile[last];
    size_t n = c->t->shape[last] - c->column;

    *scale = c->row_scale + c->tile;
    if (n > max)
        n = max;
    if (tile == 1) {
        c->tile += n;
    } else {
        if (n >= tile - c->inside) {
            n = tile - c->inside;
            c->tile++;
            c->inside = 0;
        } else {
            c->inside += n;
        }
    }
    c->column += n;
    if (c->column == c->t->shape[last])
        qqi_cursor_next_row(c);
    return n;
}

// --- tile by tile ----------------------------------------------------------

// One tile, or where the last axis has tiles of 1 up to lanes neighbours on
// it: the run's numbers then belong to one tile each.
struct qqi_patch {
    const struct qqi_tiling *t;
    size_t at[QQ_MAX_RANK];
    size_t size[QQ_MAX_RANK];
    size_t start; // the first number of the next run
    size_t run;   // the length of each
    size_t runs;  // how many are left
    size_t lanes; // tiles of the patch
};

QQI_FN void qqi_patch_begin(struct qqi_patch *p, const struct qqi_tiling *t,
                            size_t tile, size_t lanes)
{
    size_t stride = 1;

    p->t = t;
    p->start = 0;
    p->runs = p->run = p->lanes = 1;
    for (int b = (int)t->rank - 1; b >= 0; b--) {
        const unsigned a = (unsigned)b;
        const size_t i = a > 0 ? tile % t->count[a] : tile;
        const size_t first = i * t->tile[a];
        const size_t left = t->shape[a] - first;
        tile = a > 0 ? tile / t->count[a] : 0;
        p->at[a] = 0;
        p->size[a] = left < t->tile[a] ? left : t->tile[a];
        p->start += first * stride;
        stride *= t->shape[a];
        if (a + 1 == t->rank) {
            const int many = t->tile[a] == 1;
            p->lanes = many ? (left < lanes ? left : lanes) : 1;
            p->run = many ? p->lanes : p->size[a];
        } else {
            p->runs *= p->size[a];
        }
    }
}

// The place of the next run; runs says that there is one.
QQI_FN size_t qqi_patch_next(struct qqi_patch *p)
{
    const struct qqi_tiling *t = p->t;
    const size_t place = p->start;
    size_t stride = t->shape[t->rank - 1];

    p->runs--;
    for (int b = (int)(t->rank - 1) - 1; b >= 0; b--) {
        const unsigned a = (unsigned)b;
        p->start += stride;
        if (++p->at[a] < p->size[a])
            break;
        p->start -= p->size[a] * stride;
        p->at[a] = 0;
        stride *= t->shape[a];
    }
    return place;
}

#endif // QQUANT_ARRAY_TILE_H
