// qquant floor 5: the bounds of every tile: rule qquant.

#ifndef QQUANT_ARRAY_QQUANT_BOUNDS_H
#define QQUANT_ARRAY_QQUANT_BOUNDS_H

#include "array/layout.h"
#include "array/mse.h"

// What is known of a scheme and a tensor before the first number is read.
struct qqi_plan {
    const qq_scheme *s;
    const qq_tensor *x;
    struct qqi_tiling tiling;
    struct qqi_scaler scaler;
    struct qqi_encoder encoder;
    int asymmetric;
};

// The integers that codes are cut to: symmetric about 0, unless the range is
// full or there is a zero point.
QQI_FN void qqi_plan_encoder(struct qqi_encoder *e, const qq_scheme *s,
                             int asymmetric, const qqi_book *book)
{
    const qq_type storage = qqi_type_storage(s->type);
    const qqi_type_row *row = qqi_type_find(storage);
    const qqi_minifloat *m = qqi_type_minifloat(storage);

    e->type = storage;
    e->kind = row->info.kind;
    e->bits = row->info.bits;
    e->lo = row->info.min;
    e->hi = row->info.max;
    if (e->lo < -e->hi && !asymmetric && s->range != QQ_RANGE_FULL)
        e->lo = -e->hi;
    e->nan_is_zero = m == NULL || (!m->signed_nan && !m->fnuz);
    e->far = 0;
    e->book = book;
}

// book: room for the book of a scheme that has one.
QQI_FN void qqi_plan_make(struct qqi_plan *p, const qq_scheme *s,
                          const qq_tensor *x, const size_t *tile,
                          qqi_book *book)
{
    p->s = s;
    p->x = x;
    p->asymmetric = qqi_calib_is_asymmetric(&s->calibration);
    qqi_tiling_make(&p->tiling, x->rank, x->shape, tile);
    qqi_scaler_make(&p->scaler, s);
    if (s->type == QQ_TYPE_BOOK)
        qqi_book_make(book, s->levels, s->level_count);
    qqi_plan_encoder(&p->encoder, s, p->asymmetric, book);
}

// The bound of a tile whose calibration looks at it more than once; absmax is
// known.
QQI_NOINLINE float qqi_plan_search(const struct qqi_plan *p, size_t tile,
                                   float absmax)
{
    const qq_calibration *c = &p->s->calibration;
    struct qqi_mse m;

    if (c->method == QQ_CALIB_PERCENTILE)
        return qqi_bound_percentile(p->x, &p->tiling, tile, c->args[0]);
    if (c->method == QQ_CALIB_ABSMEAN)
        return qqi_bound_power(p->x, &p->tiling, tile, absmax, c);
    m.scaler = p->scaler;
    m.scaler.scale2 = 1.0f;
    if (p->s->two_level)
        m.scaler.type = QQ_TYPE_F32;
    m.encoder = p->encoder;
    qqi_decoder_make(&m.decoder, p->s->type, p->s->levels, p->s->level_count);
    m.x = p->x;
    m.tiling = &p->tiling;
    m.tile = tile;
    return qqi_bound_mse(&m, absmax, c->arg_count > 0 ? (int)c->args[0] : 64);
}

// The bounds of tile, tile + 1, ..., at most QQI_LANES_MOST of them; returns
// how many.
QQI_NOINLINE size_t qqi_plan_bounds(const struct qqi_plan *p, size_t tile,
                                    struct qqi_bound *out)
{
    const qq_calibration *c = &p->s->calibration;
    const int power = c->method == QQ_CALIB_ABSMEAN && qqi_calib_power(c) > 2;
    const int search =
        power || c->method == QQ_CALIB_MSE || c->method == QQ_CALIB_PERCENTILE;
    struct qqi_stat stat[QQI_LANES_MOST];

    if (c->method == QQ_CALIB_FIXED) {
        *out = qqi_bound_fixed(c);
        return 1;
    }
    QQ_MEMSET(stat, 0, sizeof stat);
    const unsigned want = search ? QQI_STAT_EXTREMES : qqi_calib_wants(c);
    const size_t n = qqi_stat_patch(&p->tiling, p->x, tile, want, stat);
    for (size_t i = 0; i < n; i++) {
        out[i] = qqi_bound_of_stat(c, &stat[i]);
        if (search) {
            const float top =
                stat[i].max > -stat[i].min ? stat[i].max : -stat[i].min;
            out[i].max = qqi_plan_search(p, tile + i, top);
        }
    }
    return n;
}

// The largest bound of all tiles.
QQI_NOINLINE float qqi_plan_largest(const struct qqi_plan *p)
{
    struct qqi_bound b[QQI_LANES_MOST];
    float largest = 0.0f;

    for (size_t tile = 0; tile < p->tiling.tiles;) {
        const size_t n = qqi_plan_bounds(p, tile, b);
        for (size_t i = 0; i < n; i++)
            largest = b[i].max > largest ? b[i].max : largest;
        tile += n;
    }
    return largest;
}

#endif // QQUANT_ARRAY_QQUANT_BOUNDS_H
