// qquant floor 5: what calibration knows of the numbers of a tile.
//
// Only finite numbers count. The extremes include 0. Sums are made in f64, one
// number after another in the order of memory, so a tile seen in pieces gives
// the bits of the whole; squares of floats are exact there.

#ifndef QQUANT_ARRAY_STAT_H
#define QQUANT_ARRAY_STAT_H

#include "api/array.h"
#include "array/block.h"
#include "array/tile.h"
#include "codec/nf4.h"
#include "num/widen.h"

struct qqi_stat {
    uint64_t count; // of finite numbers
    float min;
    float max;
    double sum; // of magnitudes
    double squares;
};

#define QQI_LANES_MOST 16 // tiles of a patch

// Which members a calibration needs.
#define QQI_STAT_EXTREMES 1u
#define QQI_STAT_SUMS     2u

// What is not finite counts as 0.
QQI_INLINE float qqi_finite_or_zero(float x)
{
    return qqi_is_finite_f32(x) ? x : 0.0f;
}

// The same as an integer of the same order.
QQI_INLINE int32_t qqi_finite_rank(float x)
{
    const int32_t r = qqi_rank_f32(x);

    return qqi_is_finite_f32(x) ? r : 0;
}

QQI_INLINE float qqi_float_of_rank(int32_t r)
{
    return r < 0 ? -qqi_f32_of((uint32_t)-r) : qqi_f32_of((uint32_t)r);
}

// As integers, and sixteen at a time, so that loops turn into vectors.
QQI_FN void qqi_stat_add_extremes(struct qqi_stat *t, const float *x, size_t n)
{
    int32_t min = qqi_rank_f32(t->min);
    int32_t max = qqi_rank_f32(t->max);
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        for (size_t j = 0; j < 16; j++) {
            const int32_t r = qqi_finite_rank(x[i + j]);
            min = r < min ? r : min;
            max = r > max ? r : max;
        }
    }
    for (; i < n; i++) {
        const int32_t r = qqi_finite_rank(x[i]);
        min = r < min ? r : min;
        max = r > max ? r : max;
    }
    t->min = qqi_float_of_rank(min);
    t->max = qqi_float_of_rank(max);
}

QQI_FN void qqi_stat_add_sums(struct qqi_stat *t, const float *x, size_t n)
{
    double sum = t->sum;
    double squares = t->squares;

    for (size_t i = 0; i < n; i++) {
        const double v = qqi_f64_from_f32(qqi_finite_or_zero(x[i]));
        sum += qqi_abs_f64(v);
        squares += v * v; // exact, so it may be fused
        t->count += (uint64_t)qqi_is_finite_f32(x[i]);
    }
    t->sum = sum;
    t->squares = squares;
}

QQI_FN void qqi_stat_add(struct qqi_stat *t, unsigned want, const float *x,
                         size_t n)
{
    if (want & QQI_STAT_EXTREMES)
        qqi_stat_add_extremes(t, x, n);
    if (want & QQI_STAT_SUMS)
        qqi_stat_add_sums(t, x, n);
}

// Adds the numbers of tile, or of up to QQI_LANES_MOST neighbours where each
// has but one number on the last axis, to t[0], t[1], ...; returns how many.
QQI_NOINLINE size_t qqi_stat_patch(const struct qqi_tiling *tiling,
                                   const qq_tensor *x, size_t tile,
                                   unsigned want, struct qqi_stat *t)
{
    struct qqi_patch p;
    float v[QQI_BLOCK];

    qqi_patch_begin(&p, tiling, tile, QQI_LANES_MOST);
    const int each = tiling->tile[tiling->rank - 1] == 1;
    while (p.runs > 0) {
        const size_t first = qqi_patch_next(&p);
        for (size_t i = 0; i < p.run; i += QQI_BLOCK) {
            const size_t n = qqi_block_size(p.run - i);
            qqi_load_floats(x->type, x->data, first + i, n, v);
            if (!each) {
                qqi_stat_add(t, want, v, n);
                continue;
            }
            for (size_t j = 0; j < n; j++)
                qqi_stat_add(&t[j], want, &v[j], 1);
        }
    }
    return p.lanes;
}

#endif // QQUANT_ARRAY_STAT_H
