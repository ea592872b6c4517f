// qquant floor 7: passes over a matrix of floats: kernel/dense.h, for any rows
// and columns, and in parts. Sums are made by one part each, in order.

#ifndef QQUANT_MATRIX_LINEAR_H
#define QQUANT_MATRIX_LINEAR_H

#include "matrix/dense.h"
#include "matrix/parts.h"

// Numbers of a matrix below which threads are not worth waking.
#define QQI_LINEAR_SMALL ((size_t)1 << 16)

// One pass: n rows of k numbers, and what is made of them.
typedef struct qqi_linear {
    size_t n;
    size_t k;
    size_t parts;
    const qqi_dense_kernel *kernel;
    qqi_weighed weighed;
    qqi_scaled scaled;
    const double *m; // of add: rows of k, all of them f64
    const double *v; // of right and left: the vector; of add: d
    double *x;       // what is made
    double *y;       // of columns: by the other D
} qqi_linear;

QQI_INLINE size_t qqi_linear_left(size_t i, size_t end, size_t block)
{
    return end - i < block ? end - i : block;
}

// x_i = sum over j of P_ij v_j.
QQI_FN void qqi_linear_right_part(void *arg, size_t part)
{
    const qqi_linear *p = (const qqi_linear *)arg;
    const size_t whole = p->k / QQI_PASS_STEP * QQI_PASS_STEP;
    size_t from, to;

    qqi_share(p->n, p->parts, part, &from, &to);
    for (size_t i = from, rows; i < to; i += rows) {
        qqi_weighed w = p->weighed;
        size_t done = 0;
        rows = qqi_linear_left(i, to, QQI_PASS_TALL);
        for (size_t l = 0; l < rows; l++)
            p->x[i + l] = 0.0;
        w.w += i * w.ldw;
        w.rows += i;
        if (rows == QQI_PASS_TALL && p->kernel->right != NULL) {
            p->kernel->right(&w, whole, p->v, p->x + i);
            done = whole;
        }
        w.w += done;
        w.columns += done;
        qqi_pass_right_scalar(&w, rows, p->k - done, p->v + done, p->x + i);
    }
}

// x_j = sum over i of P_ij v_i.
QQI_FN void qqi_linear_left_part(void *arg, size_t part)
{
    const qqi_linear *p = (const qqi_linear *)arg;
    size_t from, to;

    qqi_share(p->k, p->parts, part, &from, &to);
    const size_t whole = (to - from) / QQI_PASS_STEP * QQI_PASS_STEP;
    for (size_t j = from; j < to; j++)
        p->x[j] = 0.0;
    for (size_t i = 0, rows; i < p->n; i += rows) {
        qqi_weighed w = p->weighed;
        size_t done = 0;
        rows = qqi_linear_left(i, p->n, QQI_PASS_SHORT);
        w.w += i * w.ldw + from;
        w.rows += i;
        w.columns += from;
        if (rows == QQI_PASS_SHORT && p->kernel->left != NULL) {
            p->kernel->left(&w, whole, p->v + i, p->x + from);
            done = whole;
        }
        w.w += done;
        w.columns += done;
        qqi_pass_left_scalar(&w, rows, to - from - done, p->v + i,
                             p->x + from + done);
    }
}

// x_i = sum over j of |d_i w_ij e_j|.
QQI_FN void qqi_linear_rows_part(void *arg, size_t part)
{
    const qqi_linear *p = (const qqi_linear *)arg;
    const size_t whole = p->k / QQI_PASS_STEP * QQI_PASS_STEP;
    size_t from, to;

    qqi_share(p->n, p->parts, part, &from, &to);
    for (size_t i = from, rows; i < to; i += rows) {
        qqi_scaled w = p->scaled;
        size_t done = 0;
        rows = qqi_linear_left(i, to, QQI_PASS_TALL);
        for (size_t l = 0; l < rows; l++)
            p->x[i + l] = 0.0;
        w.w += i * w.ldw;
        w.d += i;
        if (rows == QQI_PASS_TALL && p->kernel->rows_of != NULL) {
            p->kernel->rows_of(&w, whole, p->x + i);
            done = whole;
        }
        w.w += done;
        w.e += done;
        qqi_pass_rows_scalar(&w, rows, p->k - done, p->x + i);
    }
}

// x_j = sum over i of |d_i w_ij e_j|, and y_j by the other d.
QQI_FN void qqi_linear_columns_part(void *arg, size_t part)
{
    const qqi_linear *p = (const qqi_linear *)arg;
    size_t from, to;

    qqi_share(p->k, p->parts, part, &from, &to);
    const size_t whole = (to - from) / QQI_PASS_STEP * QQI_PASS_STEP;
    for (size_t j = from; j < to; j++)
        p->x[j] = p->y[j] = 0.0;
    for (size_t i = 0, rows; i < p->n; i += rows) {
        qqi_scaled w = p->scaled;
        size_t done = 0;
        rows = qqi_linear_left(i, p->n, QQI_PASS_SHORT);
        w.w += i * w.ldw + from;
        w.d += i;
        w.other += i;
        w.e += from;
        if (rows == QQI_PASS_SHORT && p->kernel->columns_of != NULL) {
            p->kernel->columns_of(&w, whole, p->x + from, p->y + from);
            done = whole;
        }
        w.w += done;
        w.e += done;
        qqi_pass_columns_scalar(&w, rows, to - from - done, p->x + from + done,
                                p->y + from + done);
    }
}

// x_j = sum over i of fl(v_i m_ij).
QQI_FN void qqi_linear_add_part(void *arg, size_t part)
{
    const qqi_linear *p = (const qqi_linear *)arg;
    size_t from, to;

    qqi_share(p->k, p->parts, part, &from, &to);
    const size_t whole = (to - from) / QQI_PASS_STEP * QQI_PASS_STEP;
    for (size_t j = from; j < to; j++)
        p->x[j] = 0.0;
    for (size_t i = 0, rows; i < p->n; i += rows) {
        const double *m = p->m + i * p->k + from;
        size_t done = 0;
        rows = qqi_linear_left(i, p->n, QQI_PASS_ADD);
        if (rows == QQI_PASS_ADD && p->kernel->add != NULL) {
            p->kernel->add(whole, m, p->k, p->v + i, p->x + from);
            done = whole;
        }
        qqi_pass_add_scalar(rows, to - from - done, m + done, p->k, p->v + i,
                            p->x + from + done);
    }
}

QQI_FN void qqi_linear_run(qqi_linear *p, const qqi_threads *t,
                           void (*part)(void *, size_t))
{
    const size_t least = p->k > 0 ? QQI_LINEAR_SMALL / p->k : SIZE_MAX;

    p->kernel = qqi_dense_now();
    p->parts = 1;
    if (t == NULL || p->n <= least) {
        part(p, 0);
        return;
    }
    p->parts = t->parts;
    qqi_threads_run(t, part, p);
}

#endif // QQUANT_MATRIX_LINEAR_H
