// qquant floor 5: what an index wants of every axis, as NumPy reads it.
//
// Of an axis of n numbers i stands for number i, or n + i where i is negative;
// start:stop:step for start, start + step, ... before stop (behind it, where
// step is negative), both ends cut to the axis.

#ifndef QQUANT_ARRAY_PICK_H
#define QQUANT_ARRAY_PICK_H

#include "api/view.h"
#include "compiler.h"

// What is wanted of an axis. A step beyond 1 only with a count above 1.
typedef struct qqi_pick {
    size_t start;
    size_t count;
    ptrdiff_t step;
    int drop; // the axis goes
} qqi_pick;

// What is wanted of an array; added[a] new axes stand before axis a, and
// added[rank] at the end.
typedef struct qqi_picks {
    qqi_pick axis[QQ_MAX_RANK];
    unsigned added[QQ_MAX_RANK + 1];
} qqi_picks;

QQI_INLINE size_t qqi_magnitude(ptrdiff_t v)
{
    return v < 0 ? (size_t)(-(v + 1)) + 1 : (size_t)v;
}

// One end of a slice, cut to the axis: a number of 0 ... n. Slices that run
// backwards count from 1 (plus is 1), so that 0 is the place before the first.
QQI_FN size_t qqi_slice_end(ptrdiff_t v, size_t n, size_t plus)
{
    const size_t m = qqi_magnitude(v);

    if (v < 0)
        return m > n ? 0 : n - m + plus;
    return m >= n ? n : m + plus;
}

// start:stop:step of an axis of n, as in Python.
QQI_FN qqi_pick qqi_pick_slice(const qq_index *index, size_t n)
{
    const size_t plus = index->step < 0;
    const size_t m = qqi_magnitude(index->step);
    qqi_pick p = {0, 0, 1, 0};

    const size_t from =
        index->has_start ? qqi_slice_end(index->start, n, plus) : plus * n;
    const size_t to =
        index->has_stop ? qqi_slice_end(index->stop, n, plus) : n - plus * n;
    const size_t low = plus ? to : from;
    const size_t high = plus ? from : to;
    if (low >= high)
        return p;
    p.start = plus ? high - 1 : low;
    p.count = (high - low - 1) / m + 1;
    if (p.count > 1)
        p.step = index->step;
    return p;
}

// One entry that stands for an axis of n.
QQI_FN qq_status qqi_pick_make(const qq_index *index, size_t n, qqi_pick *p)
{
    const qqi_pick all = {0, n, 1, 0};

    *p = all;
    if (index->kind == QQ_INDEX_SLICE) {
        if (index->step == 0)
            return QQ_ERR_ARGUMENT;
        *p = qqi_pick_slice(index, n);
    }
    if (index->kind == QQ_INDEX_AT) {
        const size_t m = qqi_magnitude(index->start);
        if (index->start < 0 ? m > n : m >= n)
            return QQ_ERR_SHAPE;
        p->start = index->start < 0 ? n - m : m;
        p->count = 1;
        p->drop = 1;
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_picks_make(const qq_tensor *t, const qq_index *index,
                                unsigned count, qqi_picks *p)
{
    unsigned used = 0;
    unsigned ellipses = 0;
    unsigned axis = 0;

    if (index == NULL && count > 0)
        return QQ_ERR_ARGUMENT;
    for (unsigned i = 0; i < count; i++) {
        const int kind = (int)index[i].kind;
        if (kind < QQ_INDEX_AT || kind > QQ_INDEX_ELLIPSIS)
            return QQ_ERR_ARGUMENT;
        ellipses += kind == QQ_INDEX_ELLIPSIS;
        used += kind <= QQ_INDEX_ALL;
    }
    if (used > t->rank || ellipses > 1)
        return QQ_ERR_AXIS;
    QQ_MEMSET(p, 0, sizeof *p);
    for (unsigned i = 0; i <= count; i++) {
        // An ellipsis, the end counts as one, stands for what is missing.
        const int last = i == count;
        const qq_index_kind kind = last ? QQ_INDEX_ELLIPSIS : index[i].kind;
        if (kind == QQ_INDEX_NEW) {
            p->added[axis]++;
        } else if (kind != QQ_INDEX_ELLIPSIS) {
            const qq_status status =
                qqi_pick_make(&index[i], t->shape[axis], &p->axis[axis]);
            if (status != QQ_OK)
                return status;
            axis++;
        } else {
            for (; used < t->rank; used++, axis++) {
                p->axis[axis].count = t->shape[axis];
                p->axis[axis].step = 1;
            }
        }
    }
    return QQ_OK;
}

#endif // QQUANT_ARRAY_PICK_H
