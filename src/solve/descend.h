// qquant floor 8: coordinate descent on codes.
//
// Moving v_j by d changes J by d (d H_jj - 2 g_j), which is least at d = g_j /
// H_jj; on a grid, for the level nearest to that. Rows go on by themselves
// until a sweep changes nothing. d is rounded to f32, so that g - d H_j stays a
// sum of exact products; g drifts from e H by 2^-24 of what it moved, and is
// made anew before it is trusted.

#ifndef QQUANT_SOLVE_DESCEND_H
#define QQUANT_SOLVE_DESCEND_H

#include "solve/block.h"

// g -= d h.
QQI_FN void qqi_move_gradient(const qqi_dense_kernel *kernel, size_t k, float d,
                              const float *h, double *g)
{
    kernel->move(k, -d, h, g);
}

// One sweep over a row: how many codes changed.
QQI_FN size_t qqi_descend_row(const qqi_fitting *c, qqi_rows *r, size_t i)
{
    const qq_fit *f = c->f;
    const size_t k = f->k;
    const float *w = qqi_rows_weights(c, r, i);
    const qqi_dense_kernel *kernel = qqi_dense_now();
    double *g = r->g + i * k;
    size_t changed = 0;

    for (size_t j = 0; j < k; j++) {
        const size_t t = j / f->tile;
        const double s = (double)r->scale[i * f->tiles + t];
        const double hj = (double)c->h[j * k + j];
        if (!(s > 0.0 || s < 0.0) || !(hj > 0.0))
            continue;
        const unsigned old = r->code[i * k + j];
        const double q = (double)r->level[i * k + j];
        const unsigned code = qqi_nearest(&f->grid, q + g[j] / hj / s);
        if (code == old)
            continue;
        const float o = qqi_rows_offset(c, r, i, t);
        const float level = qqi_level(&f->grid, code);
        const float v = qqi_decoded((float)s, level, o, r->offset != NULL);
        const float e = w[j] - v;
        const float d = (float)((double)r->e[i * k + j] - (double)e);
        // d and d H_jj - 2 g_j of opposite signs: J falls.
        const double slope = (double)d * hj - 2.0 * g[j];
        if (!(d > 0.0f ? slope < 0.0 : d < 0.0f && slope > 0.0))
            continue;
        r->code[i * k + j] = (uint8_t)code;
        r->level[i * k + j] = level;
        r->e[i * k + j] = e;
        qqi_move_gradient(kernel, k, d, c->h + j * k, g);
        changed++;
    }
    return changed;
}

// e, g and levels are those of the codes, before and after.
QQI_FN void qqi_rows_descend(const qqi_fitting *c, qqi_rows *r)
{
    for (size_t i = 0; i < r->count; i++)
        for (unsigned s = 0; s < c->o->sweeps; s++)
            if (qqi_descend_row(c, r, i) == 0)
                break;
}

#endif // QQUANT_SOLVE_DESCEND_H
