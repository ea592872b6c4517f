// qquant floor 8: balancing: rows and columns scaled to given norms, in turn.
//
//   r_i = sum_j |D_i w_ij E_j|,  D_i *= alpha / r_i     (L2: squares, roots)
//   q_j = sum_i |D_i w_ij E_j|,  E_j *= beta / q_j
//   g = sqrt(mean D / mean E),  D /= g,  E *= g
//
// until the window is full of rounds whose norms are within tolerance. Compat
// rounds every factor, product and sum to f32 (sums run in f64, in order), and
// NaN spreads as it does there. Ours keeps factors in f64, within 2^-100 to
// 2^100, and leaves those of zeros at 1: their norm is 0 in every round, and
// the means do not count them.

#ifndef QQUANT_SOLVE_BALANCE_H
#define QQUANT_SOLVE_BALANCE_H

#include "num/sqrt.h"
#include "solve/balance_norm.h"
#include "solve/hessian.h"

// What qq_balance_options_init leaves: "bal1".
#define QQI_BALANCE_OPTIONS_INIT 0x316c6162u

QQ_API qq_balance_options qq_balance_options_init(void)
{
    qq_balance_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_BALANCE_OPTIONS_INIT;
    o.norm = QQ_NORM_L1;
    o.gauge = 1;
    o.rounds = 40;
    o.stop_window = 3;
    o.alpha = 1.0;
    o.epsilon = 1e-12;
    o.tolerance = 1e-3;
    return o;
}

// Ours: a factor that no product of which with a float overflows a double.
QQI_INLINE double qqi_balance_bound(double x)
{
    const double most = qqi_f64_of((uint64_t)(1023 + 100) << 52);

    return x < 1.0 / most ? 1.0 / most : x > most ? most : x;
}

// A factor brings a norm to what is wanted.
QQI_FN double qqi_balance_factor(const qqi_balance *b, double factor,
                                 double norm, double want)
{
    const int l2 = b->o->norm == QQ_NORM_L2;

    if (b->o->compat) {
        const float least = (float)b->o->epsilon;
        const float x = (float)norm;
        const float by = (float)want / (x < least ? least : x);
        return (double)((float)factor * (l2 ? qqi_sqrt_f32(by) : by));
    }
    if (!(norm > 0.0))
        return factor;
    const double by = want / norm;
    return qqi_balance_bound(factor * (l2 ? qqi_sqrt_f64(by) : by));
}

// norm: those that the factors were made from.
QQI_INLINE int qqi_balance_counts(const qqi_balance *b, double norm)
{
    return b->o->compat || norm > 0.0;
}

QQI_FN double qqi_balance_mean(const qqi_balance *b, const double *x,
                               const double *norm, size_t count)
{
    double sum = 0.0;
    size_t counted = 0;

    for (size_t i = 0; i < count; i++)
        if (qqi_balance_counts(b, norm[i])) {
            sum += x[i];
            counted++;
        }
    return qqi_balance_keep(b, sum / (double)counted);
}

QQI_FN void qqi_balance_gauge(const qqi_balance *b)
{
    const double x = qqi_balance_mean(b, b->d, b->norm, b->n);
    const double y = qqi_balance_mean(b, b->e, b->sum, b->k);

    if (b->o->compat) {
        const double g = (double)qqi_sqrt_f32((float)x / (float)y);
        for (size_t i = 0; i < b->n; i++)
            b->d[i] = qqi_balance_keep(b, b->d[i] / g);
        for (size_t j = 0; j < b->k; j++)
            b->e[j] = qqi_balance_keep(b, b->e[j] * g);
        return;
    }
    const double g = qqi_sqrt_f64(x / y);
    for (size_t i = 0; i < b->n; i++)
        if (b->norm[i] > 0.0)
            b->d[i] = qqi_balance_bound(b->d[i] / g);
    for (size_t j = 0; j < b->k; j++)
        if (b->sum[j] > 0.0)
            b->e[j] = qqi_balance_bound(b->e[j] * g);
}

// The farther of two distances; NaN stays.
QQI_INLINE float qqi_balance_worse(float worst, double norm, double want,
                                   int dead)
{
    const float d = qqi_abs_f32((float)norm - (float)want);

    if (dead || qqi_is_nan_f32(worst))
        return worst;
    return d > worst || qqi_is_nan_f32(d) ? d : worst;
}

// Norms of rows and columns, the D that follows, and the norms of columns under
// that: two passes over W serve residuals of this round and the next round.
QQI_FN void qqi_balance_look(const qqi_balance *b)
{
    qqi_balance_rows(b);
    for (size_t i = 0; i < b->n; i++)
        b->next[i] = qqi_balance_factor(b, b->d[i], b->norm[i], b->alpha);
    qqi_balance_columns(b);
}

// The residuals of one round; L2: the sum of squares.
QQI_FN void qqi_balance_residuals(const qqi_balance *b, float *rows,
                                  float *columns, float *objective)
{
    double all = 0.0;

    *rows = *columns = 0.0f;
    for (size_t i = 0; i < b->n; i++) {
        const double r = b->norm[i];
        const int dead = !b->o->compat && !(r > 0.0);
        *rows = qqi_balance_worse(*rows, r, b->alpha, dead);
        all += r;
    }
    for (size_t j = 0; j < b->k; j++) {
        const int dead = !b->o->compat && !(b->sum[j] > 0.0);
        *columns = qqi_balance_worse(*columns, b->sum[j], b->beta, dead);
    }
    *objective = b->o->norm == QQ_NORM_L2 ? (float)all : 0.0f;
}

// One round, from what qqi_balance_look saw.
QQI_FN void qqi_balance_round(const qqi_balance *b)
{
    QQ_MEMCPY(b->d, b->next, b->n * sizeof(double));
    QQ_MEMCPY(b->sum, b->soon, b->k * sizeof(double));
    for (size_t j = 0; j < b->k; j++)
        b->e[j] = qqi_balance_factor(b, b->e[j], b->sum[j], b->beta);
    if (b->o->gauge)
        qqi_balance_gauge(b);
}

QQI_FN void qqi_balance_run(const qqi_balance *b, qq_balance_result *r)
{
    const qq_balance_options *o = b->o;
    const float tolerance = (float)o->tolerance;
    unsigned quiet = 0;

    r->rounds = 0;
    r->converged = 0;
    r->row_residual = r->column_residual = 0.0f;
    for (size_t i = 0; i < b->n; i++)
        b->d[i] = 1.0;
    for (size_t j = 0; j < b->k; j++)
        b->e[j] = 1.0;
    if (o->rounds > 0)
        qqi_balance_look(b);
    while (r->rounds < o->rounds && !r->converged) {
        float objective;
        qqi_balance_round(b);
        qqi_balance_look(b);
        qqi_balance_residuals(b, &r->row_residual, &r->column_residual,
                              &objective);
        if (o->row_residuals != NULL)
            o->row_residuals[r->rounds] = r->row_residual;
        if (o->column_residuals != NULL)
            o->column_residuals[r->rounds] = r->column_residual;
        if (o->objectives != NULL)
            o->objectives[r->rounds] = objective;
        r->rounds++;
        quiet = r->row_residual < tolerance && r->column_residual < tolerance
                    ? quiet + 1
                    : 0;
        r->converged = quiet >= o->stop_window && quiet > 0;
    }
}

// What is wanted of rows and of columns. Of the default beta ours counts only
// rows and columns that are not all zeros: else the two could not both hold.
QQI_FN void qqi_balance_aim(qqi_balance *b)
{
    const qq_balance_options *o = b->o;
    size_t rows = 0, columns = 0;

    for (size_t j = 0; j < b->k; j++)
        b->sum[j] = 0.0;
    for (size_t i = 0; i < b->n; i++) {
        const float *w = b->w + i * b->ldw;
        int live = 0;
        // A row is known by its first live weight, once all columns are.
        for (size_t j = 0; j < b->k && !(live && columns == b->k); j++)
            if (w[j] < 0.0f || w[j] > 0.0f) {
                columns += !(b->sum[j] > 0.0);
                b->sum[j] = 1.0;
                live = 1;
            }
        rows += (size_t)live;
    }
    if (o->compat || rows == 0) {
        rows = b->n;
        columns = b->k;
    }
    b->alpha = qqi_balance_keep(b, o->alpha);
    b->beta = o->beta;
    if (!(b->beta > 0.0))
        b->beta = (double)rows * o->alpha / (double)columns;
    b->beta = qqi_balance_keep(b, b->beta);
}

QQI_FN void qqi_balance_place(qqi_balance *b, qqi_pieces *p)
{
    b->d = (double *)qqi_piece(p, b->n, sizeof(double));
    b->e = (double *)qqi_piece(p, b->k, sizeof(double));
    b->norm = (double *)qqi_piece(p, b->n, sizeof(double));
    b->sum = (double *)qqi_piece(p, b->k, sizeof(double));
    b->next = (double *)qqi_piece(p, b->n, sizeof(double));
    b->soon = (double *)qqi_piece(p, b->k, sizeof(double));
    b->threads = NULL;
}

QQ_API size_t qq_balance_scratch_size(size_t n, size_t k)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_balance b;

    b.n = n;
    b.k = k;
    qqi_balance_place(&b, &p);
    return n == 0 || k == 0 ? 0 : qqi_pieces_bytes(&p);
}

QQI_FN int qqi_balance_options_ok(const qq_balance_options *o)
{
    return o->init == QQI_BALANCE_OPTIONS_INIT &&
           (o->norm == QQ_NORM_L1 || o->norm == QQ_NORM_L2) &&
           (o->compat ||
            (o->alpha > 0.0 && o->beta >= 0.0 && !qqi_is_inf_f64(o->alpha) &&
             !qqi_is_inf_f64(o->beta)));
}

QQI_FN qq_status qqi_balance_check(size_t n, size_t k,
                                   const qq_balance_options *o, const float *w,
                                   size_t ldw, const float *rows,
                                   const float *columns, const void *scratch,
                                   size_t scratch_bytes)
{
    if (!qqi_balance_options_ok(o))
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_check_rows(n, k, w, ldw, sizeof(float));
    if (status != QQ_OK)
        return status;
    if ((n > 0 && rows == NULL) || (k > 0 && columns == NULL))
        return QQ_ERR_ARGUMENT;
    if (!o->compat && !qqi_rows_finite(n, k, w, ldw))
        return QQ_ERR_FORMAT;
    return qqi_check_scratch(qq_balance_scratch_size(n, k), scratch,
                             scratch_bytes);
}

// The original's two products overflow beside a dead row; ours never do.
QQI_INLINE float qqi_balance_scaled(const qq_balance_options *o, float row,
                                    float w, float column)
{
    if (o->compat)
        return row * w * column;
    return (float)((double)row * (double)w * (double)column);
}

QQ_API qq_status qq_balance(size_t n, size_t k, const qq_balance_options *o,
                            const float *w, size_t ldw, float *rows,
                            float *columns, float *scaled,
                            qq_balance_result *result, void *scratch,
                            size_t scratch_bytes)
{
    const qq_balance_options defaults = qq_balance_options_init();
    qqi_pieces p = qqi_pieces_make(scratch);
    qq_balance_result r;
    qqi_balance b;

    if (o == NULL)
        o = &defaults;
    const qq_status status = qqi_balance_check(n, k, o, w, ldw, rows, columns,
                                               scratch, scratch_bytes);
    if (status != QQ_OK)
        return status;
    QQ_MEMSET(&r, 0, sizeof r);
    b.n = n;
    b.k = k;
    b.o = o;
    b.w = w;
    b.ldw = ldw;
    if (n > 0 && k > 0) {
        qqi_balance_place(&b, &p);
        qqi_balance_aim(&b);
        qqi_balance_run(&b, &r);
    }
    for (size_t i = 0; i < n; i++)
        rows[i] = k > 0 ? (float)b.d[i] : 1.0f;
    for (size_t j = 0; j < k; j++)
        columns[j] = n > 0 ? (float)b.e[j] : 1.0f;
    for (size_t i = 0; scaled != NULL && i < n; i++)
        for (size_t j = 0; j < k; j++)
            scaled[i * k + j] =
                qqi_balance_scaled(o, rows[i], w[i * ldw + j], columns[j]);
    if (result != NULL)
        *result = r;
    return QQ_OK;
}

#endif // QQUANT_SOLVE_BALANCE_H
