// qquant floor 8: refit: the best scales and offsets for codes that stay.
//
// J is a quadratic function of a row's scales s_t and offsets o_t. With q_t the
// levels of tile t and zeros elsewhere, and 1_t ones there,
//
//   M = x_t H x_u^T,  b = x_t g,   x = q or 1
//
// and the step is (M + 1e-9 trace I)^-1 b: the ridge holds scales where they
// are when nothing speaks for another. It is taken only if it makes J smaller.

#ifndef QQUANT_SOLVE_REFIT_H
#define QQUANT_SOLVE_REFIT_H

#include "solve/block.h"

QQI_INLINE size_t qqi_fit_tile_end(const qq_fit *f, size_t t)
{
    return f->k - t * f->tile < f->tile ? f->k : (t + 1) * f->tile;
}

// The entries of M that row x of H (already summed over tile t) gives against
// tile u: with levels, and with ones.
QQI_INLINE void qqi_refit_against(const qq_fit *f, const double *x,
                                  const float *level, size_t u, double *q,
                                  double *one)
{
    double a = 0.0, b = 0.0;

    for (size_t j = u * f->tile; j < qqi_fit_tile_end(f, u); j++) {
        a += qqi_mul_f64(x[j], (double)level[j]);
        b += x[j];
    }
    *q = a;
    *one = b;
}

// Rows of M of scale t, for all rows of the block.
QQI_FN void qqi_refit_scale(const qqi_fitting *c, qqi_rows *r, size_t t)
{
    const qq_fit *f = c->f;
    const size_t k = f->k, from = t * f->tile, size = r->unknowns;
    qqi_dense d =
        qqi_dense_make(r->count, k, qqi_fit_tile_end(f, t) - from,
                       r->level + from, k, c->h + from * k, k, r->p, k);

    QQ_MEMSET(r->p, 0, r->count * k * sizeof(double));
    // Scales against earlier tiles are known already, offsets are not.
    if (r->offset == NULL) {
        d.b += from;
        d.c += from;
        d.columns -= from;
    }
    qqi_dense_add(&d, r->space);
    for (size_t i = 0; i < r->count; i++) {
        double *row = r->m + (i * size + t) * size;
        for (size_t u = r->offset != NULL ? 0 : t; u < f->tiles; u++) {
            double q, one;
            qqi_refit_against(f, r->p + i * k, r->level + i * k, u, &q, &one);
            row[u] = q;
            if (r->offset != NULL)
                row[f->tiles + u] = one;
        }
    }
}

// Rows of M of offset t against offsets: the same for all rows.
QQI_FN void qqi_refit_offset(const qqi_fitting *c, qqi_rows *r, size_t t)
{
    const qq_fit *f = c->f;
    const size_t k = f->k, size = r->unknowns;

    QQ_MEMSET(r->one, 0, k * sizeof(double));
    for (size_t j = t * f->tile; j < qqi_fit_tile_end(f, t); j++)
        for (size_t l = 0; l < k; l++)
            r->one[l] += (double)c->h[j * k + l];
    for (size_t u = 0; u < f->tiles; u++) {
        double sum = 0.0;
        for (size_t j = u * f->tile; j < qqi_fit_tile_end(f, u); j++)
            sum += r->one[j];
        for (size_t i = 0; i < r->count; i++)
            r->m[(i * size + f->tiles + t) * size + f->tiles + u] = sum;
    }
}

// x_t g of one row.
QQI_FN void qqi_refit_right(const qqi_fitting *c, const qqi_rows *r, size_t i,
                            double *b)
{
    const qq_fit *f = c->f;

    for (size_t t = 0; t < f->tiles; t++) {
        double q, one;
        qqi_refit_against(f, r->g + i * f->k, r->level + i * f->k, t, &q, &one);
        b[t] = q;
        if (r->offset != NULL)
            b[f->tiles + t] = one;
    }
}

// 2 x b - x M x, M upper.
QQI_FN double qqi_refit_gain(const double *m, const double *b, const double *x,
                             size_t n)
{
    double gain = 0.0;

    for (size_t t = 0; t < n; t++) {
        double row = 2.0 * b[t] - qqi_mul_f64(m[t * n + t], x[t]);
        for (size_t u = t + 1; u < n; u++)
            row -= qqi_mul_f64(2.0 * m[t * n + u], x[u]);
        gain += qqi_mul_f64(row, x[t]);
    }
    return gain;
}

// How much of the step is taken: all of it, or as much as leaves above 0 what
// may not be negative. J is convex: a part of a good step is one, too.
QQI_FN double qqi_refit_part(const qqi_fitting *c, const float *scale,
                             const double *x)
{
    double part = 1.0;

    if (c->f->grid.signed_scales || qqi_grid_symmetric(&c->f->grid))
        return part;
    for (size_t t = 0; t < c->f->tiles; t++) {
        const double s = (double)scale[t];
        if (s > 0.0 && s + x[t] <= 0.0) {
            const double most = qqi_mul_f64(-.9, s / x[t]);
            part = most < part ? most : part;
        }
    }
    return part;
}

// New scales of a row, unless one is not a number to keep.
QQI_FN void qqi_refit_take(const qqi_fitting *c, qqi_rows *r, size_t i,
                           double *x)
{
    const qq_fit *f = c->f;
    const size_t k = f->k;
    float *scale = r->scale + i * f->tiles;
    float *offset = r->offset != NULL ? r->offset + i * f->tiles : NULL;
    const double part = qqi_refit_part(c, scale, x);
    const int any = f->grid.signed_scales || qqi_grid_symmetric(&f->grid);

    for (size_t t = 0; t < f->tiles; t++) {
        x[t] = (double)scale[t] + qqi_mul_f64(part, x[t]);
        if (offset != NULL)
            x[f->tiles + t] =
                (double)offset[t] + qqi_mul_f64(part, x[f->tiles + t]);
    }
    for (size_t t = 0; t < r->unknowns; t++)
        if (!qqi_is_finite_f32((float)x[t]))
            return;
    for (size_t t = 0; t < f->tiles; t++) {
        const float s = (float)x[t];
        const int flip = s < 0.0f && !f->grid.signed_scales && any;
        if (s > 0.0f || (s < 0.0f && any))
            scale[t] = flip ? -s : s;
        for (size_t j = t * f->tile; flip && j < qqi_fit_tile_end(f, t); j++)
            r->code[i * k + j] =
                (uint8_t)(f->grid.count - 1 - r->code[i * k + j]);
        if (offset != NULL)
            offset[t] = (float)x[f->tiles + t];
    }
}

QQI_FN void qqi_refit_row(const qqi_fitting *c, qqi_rows *r, size_t i)
{
    const size_t n = r->unknowns;
    double *m = r->m + i * n * n;
    double *b = r->x, *x = b + n, *diagonal = x + n;
    double trace = 0.0;

    qqi_refit_right(c, r, i, b);
    for (size_t t = 0; t < n; t++)
        trace += m[t * n + t];
    if (!(trace > 0.0) || qqi_is_inf_f64(trace))
        return;
    QQ_MEMCPY(x, b, n * sizeof *x);
    // The factor goes to the lower triangle's place: M is symmetric, so it is
    // copied there first, and the gain can still be computed.
    for (size_t t = 0; t < n; t++) {
        diagonal[t] = m[t * n + t];
        for (size_t u = 0; u < t; u++)
            m[t * n + u] = m[u * n + t];
    }
    for (size_t t = 0; t < n; t++)
        m[t * n + t] = diagonal[t] + qqi_mul_f64(1e-9, trace);
    if (!qqi_factor_rows(m, n, n, n))
        return;
    qqi_solve_small(m, n, n, x);
    for (size_t t = 0; t < n; t++) {
        m[t * n + t] = diagonal[t];
        for (size_t u = 0; u < t; u++)
            m[u * n + t] = m[t * n + u];
    }
    if (qqi_refit_gain(m, b, x, n) > 0.0)
        qqi_refit_take(c, r, i, x);
}

// g and levels are those of the codes and scales; afterwards they are not.
QQI_FN void qqi_rows_refit(const qqi_fitting *c, qqi_rows *r)
{
    for (size_t t = 0; t < c->f->tiles; t++) {
        qqi_refit_scale(c, r, t);
        if (r->offset != NULL)
            qqi_refit_offset(c, r, t);
    }
    for (size_t i = 0; i < r->count; i++)
        qqi_refit_row(c, r, i);
}

#endif // QQUANT_SOLVE_REFIT_H
