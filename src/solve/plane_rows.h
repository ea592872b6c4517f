// qquant floor 8: a of planes: one system a row, of as many unknowns as planes.
//
//   M x = b,  M_pq = t_p H t_q,  b_p = t_p g,  t_p = s_p b_p
//
// and a += x, where that makes J smaller. Sums run in order of columns, every
// product rounded.

#ifndef QQUANT_SOLVE_PLANE_ROWS_H
#define QQUANT_SOLVE_PLANE_ROWS_H

#include "solve/planes.h"

// a += M^-1 b, where that makes J smaller.
QQI_FN void qqi_plane_solve(const qqi_planes *s, size_t row, const double *m,
                            const double *b)
{
    const size_t n = s->count;
    double f[16], x[4];
    double trace = 0.0;

    for (size_t p = 0; p < n; p++)
        trace += m[p * n + p];
    QQ_MEMCPY(f, m, n * n * sizeof *f);
    QQ_MEMCPY(x, b, n * sizeof *x);
    for (size_t p = 0; p < n; p++)
        f[p * n + p] += qqi_mul_f64(1e-9, trace);
    if (!(trace > 0.0) || qqi_is_inf_f64(trace) || !qqi_factor_rows(f, n, n, n))
        return;
    qqi_solve_small(f, n, n, x);
    double gain = 0.0;
    for (size_t p = 0; p < n; p++) {
        double v = 2.0 * b[p];
        for (size_t q = 0; q < n; q++)
            v -= qqi_mul_f64(m[p * n + q], x[q]);
        gain += qqi_mul_f64(v, x[p]);
    }
    if (!(gain > 0.0))
        return;
    for (size_t p = 0; p < n; p++)
        s->a[p * s->n + row] = (float)((double)s->a[p * s->n + row] + x[p]);
}

// The system of one row: M_pq = t_p H t_q, right side t_p g.
QQI_FN void qqi_plane_solve_row(const qqi_planes *s, qqi_plane_rows *r,
                                size_t i)
{
    const size_t k = s->k, row = r->first + i, n = s->count;
    double m[16], b[4];

    for (size_t p = 0; p < n; p++) {
        const double *ph = r->p + (p * QQI_PLANE_ROWS + i) * k;
        b[p] = 0.0;
        for (size_t q = 0; q < n; q++)
            m[p * n + q] = 0.0;
        for (size_t j = 0; j < k; j++) {
            const unsigned code = s->code[row * k + j];
            for (unsigned q = 0; q < n; q++) {
                const float t = qqi_plane_sign(code, q) * s->b[q * k + j];
                m[p * n + q] += qqi_mul_f64(ph[j], (double)t);
            }
            const float t = qqi_plane_sign(code, (unsigned)p) * s->b[p * k + j];
            b[p] += qqi_mul_f64(r->g[i * k + j], (double)t);
        }
    }
    qqi_plane_solve(s, row, m, b);
}

// Four rows of one plane, whose sums overlap; t is s b.
QQI_FN void qqi_plane_solve_four(const qqi_planes *s, qqi_plane_rows *r,
                                 size_t i)
{
    const size_t k = s->k;
    double m[4], b[4];

    for (int l = 0; l < 4; l++)
        m[l] = b[l] = 0.0;
    for (size_t at = i * k; at < (i + 1) * k; at++)
        for (size_t l = 0; l < 4; l++) {
            const double t = (double)r->t[at + l * k];
            m[l] += qqi_mul_f64(r->p[at + l * k], t);
            b[l] += qqi_mul_f64(r->g[at + l * k], t);
        }
    for (size_t l = 0; l < 4; l++)
        qqi_plane_solve(s, r->first + i + l, m + l, b + l);
}

// a of every row, r holding what its systems are made of.
QQI_FN void qqi_plane_solve_rows(const qqi_planes *s, qqi_plane_rows *r)
{
    size_t i = 0;

    for (; s->count == 1 && i + 4 <= r->count; i += 4)
        qqi_plane_solve_four(s, r, i);
    for (; i < r->count; i++)
        qqi_plane_solve_row(s, r, i);
}

// a of every row; e and g are made anew.
QQI_FN void qqi_plane_fit_a(const qqi_planes *s, qqi_plane_rows *r)
{
    const size_t k = s->k;

    for (unsigned p = 0; p < s->count; p++) {
        for (size_t i = 0; i < r->count; i++)
            for (size_t j = 0; j < k; j++)
                r->t[i * k + j] = qqi_plane_signed(
                    s->code[(r->first + i) * k + j], p, s->b[p * k + j]);
        qqi_plane_product(s, r, r->t, r->p + p * QQI_PLANE_ROWS * k);
    }
    qqi_plane_solve_rows(s, r);
    qqi_plane_residual(s, r);
}

#endif // QQUANT_SOLVE_PLANE_ROWS_H
