// qquant floor 8: targets, and the bias that goes with them.
//
//   T = W + alpha (W D + rho R) A^-1,   A = U^T U
//
// 32 rows at a time: W D in f64, products of floats; the systems through
// matrix/cholesky.h; then fl(W + alpha x), the product rounded in f64.

#ifndef QQUANT_SOLVE_TARGET_H
#define QQUANT_SOLVE_TARGET_H

#include "api/solve.h"
#include "matrix/cholesky.h"
#include "solve/hessian.h"

// What qq_target_options_init leaves: "tgt1".
#define QQI_TARGET_OPTIONS_INIT 0x31746774u

#define QQI_TARGET_ROWS ((size_t)32)

QQ_API qq_target_options qq_target_options_init(void)
{
    qq_target_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_TARGET_OPTIONS_INIT;
    o.alpha = .75;
    o.rho = 1.0;
    o.ridge = .01;
    o.parts = 1;
    return o;
}

typedef struct qqi_target {
    size_t n;
    size_t k;
    size_t parts;
    double alpha;
    double rho;
    const float *w;
    size_t ldw;
    const float *r; // n * k, or NULL
    float *t;
    size_t ldt;
    double *a; // k * k: A, then U
    float *d;  // k * k, or NULL: no W D
    qqi_factor factor;
    uint8_t *rooms;
    size_t room_bytes;
    int has_d;
} qqi_target;

QQI_FN void qqi_target_place(qqi_target *g, qqi_pieces *p)
{
    const size_t square = qqi_times(g->k, g->k);
    qqi_pieces room = qqi_pieces_make(NULL);
    qqi_system s;

    qqi_system_place(&s, g->k, &room);
    qqi_piece(&room, qqi_times(QQI_TARGET_ROWS, g->k), sizeof(double));
    g->room_bytes = room.at;
    g->a = (double *)qqi_piece(p, square, sizeof(double));
    g->d = (float *)qqi_piece(p, square, sizeof(float));
    qqi_factor_place(&g->factor, g->k, g->parts, p);
    g->rooms = (uint8_t *)qqi_piece(p, g->parts, g->room_bytes);
}

QQI_FN size_t qqi_target_scratch(size_t n, size_t k, size_t parts)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_target g;

    g.k = k;
    g.parts = parts;
    qqi_target_place(&g, &p);
    return n == 0 || k == 0 ? 0 : qqi_pieces_bytes(&p);
}

// Rows first to first + rows - 1.
QQI_FN void qqi_target_rows(const qqi_target *g, const qqi_system *s, double *x,
                            size_t first, size_t rows)
{
    const size_t k = g->k;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < k; j++) {
            const double r =
                g->r != NULL ? (double)g->r[(first + i) * k + j] : 0.0;
            x[i * k + j] = qqi_mul_f64(g->rho, r);
        }
    if (g->has_d) {
        const qqi_dense d = qqi_dense_make(rows, k, k, g->w + first * g->ldw,
                                           g->ldw, g->d, k, x, k);
        qqi_dense_add(&d, s->room);
    }
    qqi_system_solve(s, rows, x, k);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < k; j++) {
            const double w = (double)g->w[(first + i) * g->ldw + j];
            const double v = w + qqi_mul_f64(g->alpha, x[i * k + j]);
            g->t[(first + i) * g->ldt + j] = (float)v;
        }
}

QQI_FN void qqi_target_part(void *arg, size_t part)
{
    const qqi_target *g = (const qqi_target *)arg;
    const size_t step = g->parts * QQI_TARGET_ROWS;
    qqi_pieces p = qqi_pieces_make(g->rooms + part * g->room_bytes);
    qqi_system s;

    qqi_system_place(&s, g->k, &p);
    s.u = g->a;
    double *x = (double *)qqi_piece(&p, QQI_TARGET_ROWS * g->k, sizeof(double));
    for (size_t i = part * QQI_TARGET_ROWS; i < g->n; i += step)
        qqi_target_rows(g, &s, x, i,
                        g->n - i < QQI_TARGET_ROWS ? g->n - i
                                                   : QQI_TARGET_ROWS);
}

QQI_FN qq_status qqi_target_check(const qq_target_options *o, size_t n,
                                  size_t k, const float *w, size_t ldw,
                                  const float *h, size_t h_bytes,
                                  const float *c, size_t c_bytes,
                                  const float *r, size_t r_bytes,
                                  const float *t, size_t ldt)
{
    if (o->init != QQI_TARGET_OPTIONS_INIT || o->parts == 0 ||
        !qqi_is_finite_f64(o->alpha) || !qqi_is_finite_f64(o->rho) ||
        !(o->ridge >= 0.0) || qqi_is_inf_f64(o->ridge))
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_check_rows(n, k, w, ldw, sizeof(float));
    if (status == QQ_OK)
        status = qq_hessian_check(k, h, h_bytes);
    if (status == QQ_OK && c != NULL)
        status = qqi_check_numbers(qqi_times(k, k), sizeof(float), c, c_bytes);
    if (status == QQ_OK && r != NULL)
        status = qqi_check_numbers(qqi_times(n, k), sizeof(float), r, r_bytes);
    if (status == QQ_OK)
        status = qqi_check_rows(n, k, t, ldt, sizeof(float));
    if (status == QQ_OK && !(qqi_rows_finite(n, k, w, ldw) &&
                             (c == NULL || qqi_rows_finite(k, k, c, k)) &&
                             (r == NULL || qqi_rows_finite(n, k, r, k))))
        status = QQ_ERR_FORMAT;
    return status;
}

QQ_API size_t qq_target_scratch_size(size_t n, size_t k,
                                     const qq_target_options *o)
{
    const qq_target_options defaults = qq_target_options_init();

    if (o == NULL)
        o = &defaults;
    if (o->init != QQI_TARGET_OPTIONS_INIT || o->parts == 0)
        return SIZE_MAX;
    return qqi_target_scratch(n, k, o->parts);
}

// A = h with add on its diagonal, and its factor; 0: not positive definite.
QQI_FN int qqi_target_factor(qqi_target *g, const float *h, double add,
                             const qqi_threads *t)
{
    const size_t k = g->k;

    for (size_t i = 0; i < k * k; i++)
        g->a[i] = (double)h[i];
    for (size_t i = 0; i < k; i++)
        g->a[i * k + i] += add;
    return qqi_factor_run(&g->factor, g->a, t);
}

QQ_API qq_status qq_target(size_t n, size_t k, const qq_target_options *o,
                           const float *w, size_t ldw, const float *h,
                           size_t h_bytes, const float *c, size_t c_bytes,
                           const float *r, size_t r_bytes, float *t, size_t ldt,
                           void *scratch, size_t scratch_bytes)
{
    const qq_target_options defaults = qq_target_options_init();
    qqi_target g;

    if (o == NULL)
        o = &defaults;
    qq_status status = qqi_target_check(o, n, k, w, ldw, h, h_bytes, c, c_bytes,
                                        r, r_bytes, t, ldt);
    if (status == QQ_OK)
        status = qqi_check_scratch(qqi_target_scratch(n, k, o->parts), scratch,
                                   scratch_bytes);
    if (status != QQ_OK || n == 0 || k == 0)
        return status;
    qqi_pieces p = qqi_pieces_make(scratch);
    const qqi_threads threads =
        qqi_threads_make(o->parts, o->parallel, o->parallel_user);
    const double mean = qqi_mean_diagonal(k, h, 0);
    g.n = n;
    g.k = k;
    g.parts = o->parts;
    qqi_target_place(&g, &p);
    g.alpha = mean > 0.0 ? o->alpha : 0.0;
    g.rho = o->rho;
    g.w = w;
    g.ldw = ldw;
    g.r = r;
    g.t = t;
    g.ldt = ldt;
    g.has_d = c != NULL;
    const double add = mean > 0.0 ? qqi_mul_f64(o->ridge, mean) : 1.0;
    if (!qqi_target_factor(&g, h, add, &threads))
        return QQ_ERR_FORMAT;
    for (size_t i = 0; c != NULL && i < k * k; i++)
        g.d[i] = c[i] - h[i];
    qqi_threads_run(&threads, qqi_target_part, &g);
    return QQ_OK;
}

// --- bias ------------------------------------------------------------------

QQ_API qq_status qq_bias_correct(size_t n, size_t k, const float *w, size_t ldw,
                                 const float *v, size_t ldv,
                                 const float *mean_f, const float *mean_q,
                                 const float *b, const float *r, float rho,
                                 float *out)
{
    qq_status status = qqi_check_rows(n, k, w, ldw, sizeof(float));

    if (status == QQ_OK)
        status = qqi_check_rows(n, k, v, ldv, sizeof(float));
    if (status != QQ_OK)
        return status;
    if ((k > 0 && (mean_f == NULL || mean_q == NULL)) || (n > 0 && out == NULL))
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        double sum = b != NULL ? (double)b[i] : 0.0;
        if (r != NULL)
            sum += (double)rho * (double)r[i];
        for (size_t j = 0; j < k; j++) {
            sum += (double)w[i * ldw + j] * (double)mean_f[j];
            sum -= (double)v[i * ldv + j] * (double)mean_q[j];
        }
        out[i] = (float)sum;
    }
    return QQ_OK;
}

#endif // QQUANT_SOLVE_TARGET_H
