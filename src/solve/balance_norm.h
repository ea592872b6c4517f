// qquant floor 8: balancing: norms of rows and columns of D W E.
//
// Ours, of L1, are passes of kernels; the others go number by number. Compat
// rounds every factor, product and sum to f32.

#ifndef QQUANT_SOLVE_BALANCE_NORM_H
#define QQUANT_SOLVE_BALANCE_NORM_H

#include "api/onebit.h"
#include "matrix/linear.h"

typedef struct qqi_balance {
    size_t n;
    size_t k;
    const qq_balance_options *o;
    const float *w;
    size_t ldw;
    double *d;                  // n
    double *e;                  // k
    double *norm;               // n: of rows, before their factors
    double *sum;                // k: of columns
    double *next;               // n: d of the next round
    double *soon;               // k: sums of columns under it
    const qqi_threads *threads; // NULL: one part
    double alpha;
    double beta;
} qqi_balance;

// A number as the mode keeps it.
QQI_INLINE double qqi_balance_keep(const qqi_balance *b, double x)
{
    return b->o->compat ? (double)(float)x : x;
}

// |D w E| or its square, d being a row's number of D.
QQI_INLINE double qqi_balance_norm(const qqi_balance *b, double d, size_t i,
                                   size_t j)
{
    const double w = (double)b->w[i * b->ldw + j];
    const double x = qqi_balance_keep(b, d * w);
    const double y = qqi_balance_keep(b, x * b->e[j]);

    return b->o->norm == QQ_NORM_L2 ? qqi_mul_f64(y, y) : qqi_abs_f64(y);
}

QQI_FN double qqi_balance_row(const qqi_balance *b, size_t i)
{
    double sum = 0.0;

    for (size_t j = 0; j < b->k; j++)
        sum += qqi_balance_norm(b, b->d[i], i, j);
    return qqi_balance_keep(b, sum);
}

// A pass of kernels, where the mode is the one that they know.
QQI_FN int qqi_balance_pass(const qqi_balance *b, qqi_linear *p)
{
    if (b->o->compat || b->o->norm == QQ_NORM_L2)
        return 0;
    QQ_MEMSET(p, 0, sizeof *p);
    p->n = b->n;
    p->k = b->k;
    p->scaled.w = b->w;
    p->scaled.ldw = b->ldw;
    p->scaled.d = b->d;
    p->scaled.e = b->e;
    return 1;
}

// Norms of all rows.
QQI_FN void qqi_balance_rows(const qqi_balance *b)
{
    qqi_linear p;

    if (qqi_balance_pass(b, &p)) {
        p.x = b->norm;
        qqi_linear_run(&p, b->threads, qqi_linear_rows_part);
        return;
    }
    for (size_t i = 0; i < b->n; i++)
        b->norm[i] = qqi_balance_row(b, i);
}

// Norms of all columns, under D and under the next one.
QQI_FN void qqi_balance_columns(const qqi_balance *b)
{
    qqi_linear p;

    if (qqi_balance_pass(b, &p)) {
        p.scaled.other = b->next;
        p.x = b->sum;
        p.y = b->soon;
        qqi_linear_run(&p, b->threads, qqi_linear_columns_part);
        return;
    }
    for (size_t j = 0; j < b->k; j++)
        b->sum[j] = b->soon[j] = 0.0;
    for (size_t i = 0; i < b->n; i++)
        for (size_t j = 0; j < b->k; j++) {
            b->sum[j] += qqi_balance_norm(b, b->d[i], i, j);
            b->soon[j] += qqi_balance_norm(b, b->next[i], i, j);
        }
    for (size_t j = 0; j < b->k; j++) {
        b->sum[j] = qqi_balance_keep(b, b->sum[j]);
        b->soon[j] = qqi_balance_keep(b, b->soon[j]);
    }
}

#endif // QQUANT_SOLVE_BALANCE_NORM_H
