// qquant floor 8: the search for scales, tile by tile.
//
// The error of a candidate is
//
//   sum over the tile of fl(fl(w - s q - o) g)^2,   g = fl(sqrt(d)),
//
// q the level nearest to fl(fl(w - o) / s). s q is exact in f64, and so is the
// square of a float: a sum that no compiler can change.

#ifndef QQUANT_SOLVE_SEARCH_H
#define QQUANT_SOLVE_SEARCH_H

#include "solve/block.h"

// A tile: its weights, their roots (NULL: ones), and what has been found.
typedef struct qqi_tile {
    const qq_grid *g;
    const float *w;
    const float *root;
    size_t count;
    double error;
    float scale;
    float offset;
} qqi_tile;

QQI_INLINE float qqi_tile_level(const qqi_tile *t, float w, float s, float o)
{
    const float q = (w - o) / s;

    return qqi_level(t->g, qqi_nearest(t->g, (double)q));
}

QQI_INLINE float qqi_tile_root(const qqi_tile *t, size_t j)
{
    return t->root != NULL ? t->root[j] : 1.0f;
}

QQI_FN double qqi_tile_error(const qqi_tile *t, float s, float o)
{
    double sum = 0.0;

    for (size_t j = 0; j < t->count; j++) {
        const float q = qqi_tile_level(t, t->w[j], s, o);
        const double v = (double)s * (double)q + (double)o;
        const float d = (float)((double)t->w[j] - v);
        const float e = d * qqi_tile_root(t, j);
        sum += (double)e * (double)e;
    }
    return sum;
}

// Keeps s and o if they are better; 1 if they are.
QQI_FN int qqi_tile_try(qqi_tile *t, float s, float o)
{
    if (!(s > 0.0f || s < 0.0f) || !qqi_is_finite_f32(s) ||
        !qqi_is_finite_f32(o))
        return 0;
    const double error = qqi_tile_error(t, s, o);
    if (!(error < t->error))
        return 0;
    t->error = error;
    t->scale = s;
    t->offset = o;
    return 1;
}

// Sums of weights over the tile with its present levels: 1, q, q^2, w, q w.
QQI_FN void qqi_tile_sums(const qqi_tile *t, double *sum)
{
    for (int i = 0; i < 5; i++)
        sum[i] = 0.0;
    for (size_t j = 0; j < t->count; j++) {
        const float q = qqi_tile_level(t, t->w[j], t->scale, t->offset);
        const double g = (double)qqi_tile_root(t, j);
        const double a = (double)(float)(g * (double)q);
        const double b = (double)(float)(g * (double)t->w[j]);
        sum[0] += g * g;
        sum[1] += g * a;
        sum[2] += a * a;
        sum[3] += g * b;
        sum[4] += a * b;
    }
}

// One step to the least squares of the present levels.
QQI_FN int qqi_tile_refine(qqi_tile *t)
{
    double v[5];

    qqi_tile_sums(t, v);
    if (!t->g->offsets)
        return v[2] > 0.0 && qqi_tile_try(t, (float)(v[4] / v[2]), 0.0f);
    const double det = qqi_mul_f64(v[0], v[2]) - qqi_mul_f64(v[1], v[1]);
    if (!(det > 0.0))
        return 0;
    const double s = qqi_mul_f64(v[0], v[4]) - qqi_mul_f64(v[1], v[3]);
    const double o = qqi_mul_f64(v[2], v[3]) - qqi_mul_f64(v[1], v[4]);
    return qqi_tile_try(t, (float)(s / det), (float)(o / det));
}

QQI_FN void qqi_tile_range(const qqi_tile *t, float *low, float *high)
{
    *low = *high = t->count > 0 ? t->w[0] : 0.0f;
    for (size_t j = 1; j < t->count; j++) {
        *low = t->w[j] < *low ? t->w[j] : *low;
        *high = t->w[j] > *high ? t->w[j] : *high;
    }
}

// Candidates with an offset: the range, shrunk towards its middle.
QQI_FN void qqi_tile_offsets(qqi_tile *t, unsigned count, float low, float high)
{
    const double first = (double)qqi_level(t->g, 0);
    const double last = (double)qqi_level(t->g, t->g->count - 1);
    const double middle = 0.5 * ((double)low + (double)high);
    const double width = (double)high - (double)low;

    for (unsigned i = 0; i < count; i++) {
        const double part = 1.0 - (double)i / (double)count;
        const double s = qqi_mul_f64(width, part) / (last - first);
        const double o = middle - qqi_mul_f64(s, 0.5 * (first + last));
        qqi_tile_try(t, (float)s, (float)o);
    }
}

QQI_FN void qqi_tile_scales(qqi_tile *t, unsigned count, float low, float high)
{
    const double most = (double)(-low > high ? -low : high);
    const double s0 = most / qqi_grid_reach(t->g);
    const int both = t->g->signed_scales;

    for (unsigned i = 0; i < count; i++) {
        const double by = 1.1 - qqi_mul_f64(.0225, (double)i);
        qqi_tile_try(t, (float)qqi_mul_f64(s0, by), 0.0f);
    }
    for (unsigned i = 0; both && i < count; i++) {
        const double by = 1.1 - qqi_mul_f64(.0225, (double)i);
        qqi_tile_try(t, -(float)qqi_mul_f64(s0, by), 0.0f);
    }
    if (count == 0)
        qqi_tile_try(t, (float)s0, 0.0f);
}

QQI_FN void qqi_tile_search(qqi_tile *t, const qq_fit_options *o)
{
    float low, high;

    qqi_tile_range(t, &low, &high);
    t->scale = 0.0f;
    t->offset = 0.0f;
    t->error = qqi_f64_of((uint64_t)0x7ff << 52);
    if (t->g->offsets && high > low)
        qqi_tile_offsets(t, o->candidates > 0 ? o->candidates : 1, low, high);
    else if (t->g->offsets)
        t->offset = low; // all the same
    else if (low < 0.0f || high > 0.0f)
        qqi_tile_scales(t, o->candidates, low, high);
    for (unsigned i = 0; i < o->fixed_points; i++)
        if (t->scale > 0.0f || t->scale < 0.0f) {
            if (!qqi_tile_refine(t))
                break;
        }
}

// Codes nearest to the weights under the block's scales.
QQI_FN void qqi_rows_round(const qqi_fitting *c, qqi_rows *r)
{
    const qq_fit *f = c->f;

    for (size_t i = 0; i < r->count; i++) {
        const float *w = qqi_rows_weights(c, r, i);
        for (size_t j = 0; j < f->k; j++) {
            const size_t t = j / f->tile;
            const float s = r->scale[i * f->tiles + t];
            const float x = w[j] - qqi_rows_offset(c, r, i, t);
            const double q = s > 0.0f || s < 0.0f ? (double)(x / s) : 0.0;
            r->code[i * f->k + j] = (uint8_t)qqi_nearest(&f->grid, q);
        }
    }
}

QQI_FN void qqi_rows_search(const qqi_fitting *c, qqi_rows *r)
{
    const qq_fit *f = c->f;
    qqi_tile t;

    t.g = &f->grid;
    for (size_t i = 0; i < r->count; i++)
        for (size_t j = 0; j < f->tiles; j++) {
            const size_t at = j * f->tile;
            t.w = qqi_rows_weights(c, r, i) + at;
            t.root = c->root != NULL ? c->root + at : NULL;
            t.count = f->k - at < f->tile ? f->k - at : f->tile;
            qqi_tile_search(&t, c->o);
            r->scale[i * f->tiles + j] = t.scale;
            if (r->offset != NULL)
                r->offset[i * f->tiles + j] = t.offset;
        }
    qqi_rows_round(c, r);
}

#endif // QQUANT_SOLVE_SEARCH_H
