// qquant floor 8: b of a plane: one system for all columns.
//
//   (Q^T Q o H) x = r,  Q = diag(a) S,  r_j = sum_i a_i s_ij g_ij
//
// and b += x. The matrix is positive definite where H is (Schur), and strong on
// its diagonal, so conjugate gradients reach x in few rounds; each of them
// lowers J, so it may stop at any. Sums run in order, products are rounded.

#ifndef QQUANT_SOLVE_PLANE_COLUMNS_H
#define QQUANT_SOLVE_PLANE_COLUMNS_H

#include "solve/moments.h"
#include "solve/planes.h"

#define QQI_COLUMN_ROUNDS 64

typedef struct qqi_columns_system {
    size_t k;
    double *m; // k * k
    double *x; // k each
    double *r;
    double *d;
    double *md;
    double *z;
    float *q;     // some rows of Q
    double *room; // parts
    size_t parts;
    const qqi_planes *s;
    size_t row; // of those in q, the first
    size_t rows;
} qqi_columns_system;

QQI_FN void qqi_columns_place(qqi_columns_system *c, size_t k, size_t parts,
                              int has_h, qqi_pieces *p)
{
    c->k = k;
    c->parts = parts;
    c->m = (double *)qqi_piece(p, has_h ? qqi_times(k, k) : k, sizeof(double));
    c->x = (double *)qqi_piece(p, k, sizeof(double));
    c->r = (double *)qqi_piece(p, k, sizeof(double));
    c->d = (double *)qqi_piece(p, k, sizeof(double));
    c->md = (double *)qqi_piece(p, k, sizeof(double));
    c->z = (double *)qqi_piece(p, k, sizeof(double));
    c->q = (float *)qqi_piece(p, qqi_times(QQI_MOMENTS_ROWS, k), sizeof(float));
    c->room = (double *)qqi_piece(p, parts, QQI_DENSE_ROOM * sizeof(double));
}

// A part's rows of Q.
QQI_FN void qqi_columns_rows_part(void *arg, size_t part)
{
    const qqi_columns_system *c = (const qqi_columns_system *)arg;
    const qqi_planes *s = c->s;
    size_t from, to;

    qqi_share(c->rows, c->parts, part, &from, &to);
    for (size_t l = from; l < to; l++) {
        const uint8_t *code = s->code + (c->row + l) * c->k;
        const float a = s->a[s->plane * s->n + c->row + l];
        for (size_t j = 0; j < c->k; j++)
            c->q[l * c->k + j] = qqi_plane_signed(code[j], s->plane, a);
    }
}

// m = Q^T Q: sums over rows, in order.
QQI_FN void qqi_columns_square(qqi_columns_system *c, const qqi_threads *t)
{
    const size_t k = c->k;
    qqi_moments_step step;
    qq_moments sums;

    QQ_MEMSET(&sums, 0, sizeof sums);
    sums.kind = QQ_MOMENTS_FULL;
    sums.k = k;
    sums.square = c->m;
    sums.sum = c->z; // a by-product
    step.m = &sums;
    step.x = c->q;
    step.y = NULL;
    step.room = c->room;
    step.parts = c->parts;
    QQ_MEMSET(c->m, 0, k * k * sizeof *c->m);
    for (c->row = 0; c->row < c->s->n; c->row += c->rows) {
        const size_t left = c->s->n - c->row;
        c->rows = left < QQI_MOMENTS_ROWS ? left : QQI_MOMENTS_ROWS;
        step.rows = c->rows;
        qqi_threads_run(t, qqi_columns_rows_part, c);
        qqi_threads_run(t, qqi_moments_part, &step);
    }
}

// Rows i and on, columns j and on, 32 of each: m o H, and its mirror image.
QQI_FN void qqi_columns_weigh_tile(const qqi_columns_system *c, size_t i,
                                   size_t j)
{
    const size_t k = c->k;
    const float *h = c->s->h;

    for (size_t r = i; r < i + 32 && r < k; r++)
        for (size_t l = j > r ? j : r; l < j + 32 && l < k; l++)
            c->m[r * k + l] = c->m[r * k + l] * (double)h[r * k + l];
    for (size_t l = j; l < j + 32 && l < k; l++)
        for (size_t r = i; r < i + 32 && r < l; r++)
            c->m[l * k + r] = c->m[r * k + l];
}

// Every parts-th block of 32 rows: they have fewer and fewer columns.
QQI_FN void qqi_columns_weigh_part(void *arg, size_t part)
{
    const qqi_columns_system *c = (const qqi_columns_system *)arg;

    for (size_t i = 32 * part; i < c->k; i += 32 * c->parts)
        for (size_t j = i; j < c->k; j += 32)
            qqi_columns_weigh_tile(c, i, j);
}

// m o H, both triangles, and a touch more on the diagonal.
QQI_FN void qqi_columns_weigh(qqi_columns_system *c, const qqi_threads *t)
{
    const size_t k = c->k;
    double sum = 0.0;

    qqi_threads_run(t, qqi_columns_weigh_part, c);
    for (size_t i = 0; i < k; i++)
        sum += c->m[i * k + i];
    const double ridge = qqi_mul_f64(1e-6, sum / (double)k);
    for (size_t i = 0; i < k; i++)
        c->m[i * k + i] += ridge;
}

QQI_FN double qqi_inner(size_t k, const double *x, const double *y)
{
    double sum = 0.0;

    for (size_t i = 0; i < k; i++)
        sum += qqi_mul_f64(x[i], y[i]);
    return sum;
}

// md = m d, which as m is symmetric is the sum of its rows times d.
QQI_FN void qqi_columns_apply(const qqi_columns_system *c, const qqi_threads *t)
{
    qqi_linear p;

    QQ_MEMSET(&p, 0, sizeof p);
    p.n = c->k;
    p.k = c->k;
    p.m = c->m;
    p.v = c->d;
    p.x = c->md;
    qqi_linear_run(&p, t, qqi_linear_add_part);
}

// Conjugate gradients from 0, scaled by the diagonal, until what is left is
// 1e-7 of what there was.
QQI_FN void qqi_columns_solve(qqi_columns_system *c, const qqi_threads *t)
{
    const size_t k = c->k;
    double old = 0.0, first = 0.0;

    for (size_t i = 0; i < k; i++)
        c->x[i] = 0.0;
    for (int n = 0; n < QQI_COLUMN_ROUNDS; n++) {
        for (size_t i = 0; i < k; i++) {
            const double m = c->m[i * k + i];
            c->z[i] = m > 0.0 ? c->r[i] / m : 0.0;
        }
        const double now = qqi_inner(k, c->r, c->z);
        first = n == 0 ? now : first;
        if (!(now > 1e-14 * first))
            return;
        const double by = n == 0 ? 0.0 : now / old;
        for (size_t i = 0; i < k; i++)
            c->d[i] = n == 0 ? c->z[i] : c->z[i] + qqi_mul_f64(by, c->d[i]);
        qqi_columns_apply(c, t);
        const double curve = qqi_inner(k, c->d, c->md);
        if (!(curve > 0.0) || qqi_is_inf_f64(curve))
            return;
        const double step = now / curve;
        for (size_t i = 0; i < k; i++) {
            c->x[i] += qqi_mul_f64(step, c->d[i]);
            c->r[i] -= qqi_mul_f64(step, c->md[i]);
        }
        old = now;
    }
}

// The sums of gradients of all blocks.
QQI_FN void qqi_columns_gradient(qqi_columns_system *c)
{
    const qqi_planes *s = c->s;

    for (size_t j = 0; j < c->k; j++)
        c->r[j] = 0.0;
    for (size_t b = 0; b * QQI_BLOCK_ROWS < s->n; b++)
        for (size_t j = 0; j < c->k; j++)
            c->r[j] += s->gradient[b * c->k + j];
}

// b of plane s->plane, from the gradients of its last pass.
QQI_FN void qqi_columns_fit(qqi_columns_system *c, const qqi_planes *s,
                            const qqi_threads *t)
{
    const size_t k = c->k;
    float *b = s->b + s->plane * k;
    double square = 0.0;

    c->s = s;
    qqi_columns_gradient(c);
    if (s->h == NULL) {
        for (size_t i = 0; i < s->n; i++) {
            const double a = (double)s->a[s->plane * s->n + i];
            square += a * a; // exact
        }
        for (size_t j = 0; j < k; j++)
            c->x[j] = square > 0.0 ? c->r[j] / square : 0.0;
    } else {
        qqi_columns_square(c, t);
        qqi_columns_weigh(c, t);
        qqi_columns_solve(c, t);
    }
    for (size_t j = 0; j < k; j++) {
        const float x = (float)((double)b[j] + c->x[j]);
        if (qqi_is_finite_f32(x))
            b[j] = x;
    }
}

#endif // QQUANT_SOLVE_PLANE_COLUMNS_H
