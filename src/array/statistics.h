// qquant floor 5: calibration of data that comes in pieces.
//
// What is kept serves absmax, minmax, rms and absmean alike, so the calibration
// may be chosen at the end.

#ifndef QQUANT_ARRAY_STATISTICS_H
#define QQUANT_ARRAY_STATISTICS_H

#include "array/bounds.h"
#include "array/quantize.h"
#include "array/stat_head.h"

// What can be made of statistics: rule qquant, and one look at each number.
QQI_FN qq_status qqi_stat_scheme(const qq_scheme *s)
{
    uint32_t bad = 0;

    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_scheme_judge(s, NULL, 0, &bad);
    if (status != QQ_OK)
        return status;
    if (s->rule != QQ_RULE_QQUANT)
        return QQ_ERR_UNSUPPORTED;
    const qq_calibration *c = &s->calibration;
    const int once = c->method == QQ_CALIB_ABSMAX ||
                     c->method == QQ_CALIB_MINMAX ||
                     c->method == QQ_CALIB_RMS ||
                     (c->method == QQ_CALIB_ABSMEAN && qqi_calib_power(c) <= 2);
    return once ? QQ_OK : QQ_ERR_UNSUPPORTED;
}

QQ_API size_t qq_statistics_size(const qq_scheme *s, unsigned rank,
                                 const size_t *shape)
{
    struct qqi_stat_head h;
    size_t tile[QQ_MAX_RANK];
    size_t tiles = 0;

    if (qqi_stat_scheme(s) != QQ_OK ||
        qqi_stat_head_make(&h, s, rank, shape, tile, &tiles) != QQ_OK)
        return SIZE_MAX;
    return qqi_stat_bytes(tiles);
}

QQ_API qq_status qq_statistics_init(const qq_scheme *s, unsigned rank,
                                    const size_t *shape, void *statistics,
                                    size_t bytes)
{
    struct qqi_stat_head h;
    size_t tile[QQ_MAX_RANK];
    size_t tiles = 0;

    qq_status status = qqi_stat_scheme(s);
    if (status == QQ_OK)
        status = qqi_stat_head_make(&h, s, rank, shape, tile, &tiles);
    if (status == QQ_OK)
        status = qqi_check_out(qqi_stat_bytes(tiles), statistics, bytes);
    if (status != QQ_OK)
        return status;
    // Zeros are no numbers, extremes and sums of 0.
    QQ_MEMSET(statistics, 0, qqi_stat_bytes(tiles));
    QQ_MEMCPY(statistics, &h, sizeof h);
    return QQ_OK;
}

// Adds the numbers of x to the stats at p.
QQI_NOINLINE void qqi_stat_update(const struct qqi_tiling *t,
                                  const qq_tensor *x, uint8_t *p)
{
    struct qqi_stat stat[QQI_LANES_MOST];
    const size_t size = sizeof *stat;

    for (size_t tile = 0; tile < t->tiles;) {
        const size_t left = t->tiles - tile;
        const size_t most = left < QQI_LANES_MOST ? left : QQI_LANES_MOST;
        QQ_MEMCPY(stat, p + size * tile, size * most);
        const size_t n =
            qqi_stat_patch(t, x, tile, QQI_STAT_EXTREMES | QQI_STAT_SUMS, stat);
        QQ_MEMCPY(p + size * tile, stat, size * n);
        tile += n;
    }
}

QQ_API qq_status qq_statistics_update(void *statistics, size_t bytes,
                                      const qq_tensor *x, const qq_scheme *s)
{
    struct qqi_stat_head h;
    struct qqi_stat_head wanted;
    struct qqi_tiling t;
    size_t tile[QQ_MAX_RANK];
    size_t tiles = 0;
    size_t found = 0;

    qq_status status = qqi_stat_head_read(statistics, bytes, &h, &tiles);
    if (status == QQ_OK)
        status = qqi_check_pair(x, s, 0);
    if (status == QQ_OK)
        status = qqi_stat_scheme(s);
    if (status == QQ_OK)
        status =
            qqi_stat_head_make(&wanted, s, x->rank, x->shape, tile, &found);
    if (status != QQ_OK)
        return status;
    if (qq_tensor_count(x) == 0)
        return QQ_OK;
    if (!qqi_stat_same_head(&h, &wanted))
        return QQ_ERR_SHAPE;
    qqi_tiling_make(&t, x->rank, x->shape, tile);
    qqi_stat_update(&t, x, (uint8_t *)statistics + sizeof h);
    return QQ_OK;
}

QQ_API qq_status qq_statistics_merge(void *into, size_t into_bytes,
                                     const void *from, size_t from_bytes)
{
    struct qqi_stat_head h;
    struct qqi_stat_head other;
    size_t tiles = 0;
    size_t others = 0;

    qq_status status = qqi_stat_head_read(into, into_bytes, &h, &tiles);
    if (status == QQ_OK)
        status = qqi_stat_head_read(from, from_bytes, &other, &others);
    if (status != QQ_OK)
        return status;
    if (!qqi_stat_same_head(&h, &other))
        return QQ_ERR_SHAPE;
    for (size_t i = 0; i < tiles; i++) {
        const size_t at = sizeof h + i * sizeof(struct qqi_stat);
        struct qqi_stat a, b;
        QQ_MEMCPY(&a, (uint8_t *)into + at, sizeof a);
        QQ_MEMCPY(&b, (const uint8_t *)from + at, sizeof b);
        a.count += b.count;
        a.min = b.min < a.min ? b.min : a.min;
        a.max = b.max > a.max ? b.max : a.max;
        a.sum += b.sum;
        a.squares += b.squares;
        QQ_MEMCPY((uint8_t *)into + at, &a, sizeof a);
    }
    return QQ_OK;
}

QQ_API qq_status qq_statistics_bounds(const void *statistics, size_t bytes,
                                      const qq_scheme *s, void *out,
                                      size_t out_bytes, qq_bounds *view)
{
    struct qqi_stat_head h;
    qq_tensor scale;
    size_t shape[QQ_MAX_RANK] = {0};
    size_t tiles = 0;

    qq_status status = qqi_stat_head_read(statistics, bytes, &h, &tiles);
    if (status == QQ_OK)
        status = qqi_stat_scheme(s);
    if (status != QQ_OK)
        return status;
    const int asymmetric = qqi_calib_is_asymmetric(&s->calibration);
    const size_t need =
        tiles > SIZE_MAX / 8 ? SIZE_MAX : tiles * (asymmetric ? 8 : 4);
    status = qqi_check_out(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    for (unsigned a = 0; a < h.rank; a++)
        shape[a] = (size_t)h.shape[a];
    scale = qq_tensor_make(NULL, QQ_TYPE_F32, h.rank, shape);
    uint8_t *low = (uint8_t *)out;
    uint8_t *high = (uint8_t *)qqi_bounds_high(&scale, asymmetric, out);
    for (size_t i = 0; i < tiles; i++) {
        struct qqi_stat t;
        QQ_MEMCPY(&t, (const uint8_t *)statistics + sizeof h + i * sizeof t,
                  sizeof t);
        const struct qqi_bound b = qqi_bound_of_stat(&s->calibration, &t);
        qqi_store_f32(low + 4 * i, b.min);
        qqi_store_f32(high + 4 * i, b.max);
    }
    qqi_bounds_view(&scale, asymmetric, out, view);
    return QQ_OK;
}

#endif // QQUANT_ARRAY_STATISTICS_H
