// qquant floor 7: products of dense matrices: floats in, sums in f64.
//
//   c[i][j] = c[i][j] + a(i, 0) b[0][j] + a(i, 1) b[1][j] + ...
//
// added one by one from the left. The product of two floats has 48 bits and is
// exact in f64, so it makes no difference whether a compiler or a kernel fuses
// it into the sum; and as every c[i][j] is a chain of its own, neither do
// blocks, vectors or threads. That is why the linear algebra of this library
// multiplies floats: numbers of more bits are split in two of them (see
// matrix/split.h).
//
// b is copied, 64 rows of 32 columns at a time, so that rows a power of two
// apart do not fight for the same place of a cache.

#ifndef QQUANT_MATRIX_DENSE_H
#define QQUANT_MATRIX_DENSE_H

#include "num/step.h"

#define QQI_DENSE_DEPTH   ((size_t)64)
#define QQI_DENSE_COLUMNS ((size_t)32)

// Floats of room that a product needs.
#define QQI_DENSE_ROOM (QQI_DENSE_DEPTH * QQI_DENSE_COLUMNS)

typedef struct qqi_dense {
    const float *a; // a(i, k) = a[i * a_row + k * a_step]
    size_t a_row;
    size_t a_step;
    const float *b;
    size_t ldb;
    double *c;
    size_t ldc;
    size_t rows;
    size_t columns;
    size_t depth;
    int minus;       // 1: products are subtracted
    int upper;       // 1: only columns j >= i + shift need be right; others
    ptrdiff_t shift; // may hold anything
} qqi_dense;

// Rows of b from k on as panels of 32 columns, filled up with zeros.
QQI_FN void qqi_dense_copy(const qqi_dense *d, size_t k, size_t depth, size_t j,
                           size_t columns, float *room)
{
    for (size_t r = 0; r < depth; r++) {
        float *to = room + r * QQI_DENSE_COLUMNS;
        QQ_MEMCPY(to, d->b + (k + r) * d->ldb + j, columns * sizeof(float));
        for (size_t i = columns; i < QQI_DENSE_COLUMNS; i++)
            to[i] = 0.0f;
    }
}

// 4 steps of two rows.
QQI_INLINE void qqi_dense_four(const double *x, const double *y, const float *b,
                               double *c, double *e)
{
    const float *b0 = b;
    const float *b1 = b + QQI_DENSE_COLUMNS;
    const float *b2 = b + 2 * QQI_DENSE_COLUMNS;
    const float *b3 = b + 3 * QQI_DENSE_COLUMNS;

    for (int j = 0; j < (int)QQI_DENSE_COLUMNS; j++) {
        const double v0 = (double)b0[j], v1 = (double)b1[j];
        const double v2 = (double)b2[j], v3 = (double)b3[j];
        c[j] = c[j] + x[0] * v0 + x[1] * v1 + x[2] * v2 + x[3] * v3;
        e[j] = e[j] + y[0] * v0 + y[1] * v1 + y[2] * v2 + y[3] * v3;
    }
}

QQI_INLINE void qqi_dense_one(double x, double y, const float *b, double *c,
                              double *e)
{
    for (int j = 0; j < (int)QQI_DENSE_COLUMNS; j++) {
        const double v = (double)b[j];
        c[j] = c[j] + x * v;
        e[j] = e[j] + y * v;
    }
}

// Two rows of c from i on (one, where it is the last) and one panel.
QQI_FN void qqi_dense_pair(const qqi_dense *d, size_t i, size_t k, size_t depth,
                           size_t j, size_t columns, const float *panel)
{
    const double sign = d->minus ? -1.0 : 1.0;
    const int both = i + 1 < d->rows;
    const float *a0 = d->a + i * d->a_row + k * d->a_step;
    const float *a1 = both ? a0 + d->a_row : a0;
    double *to0 = d->c + i * d->ldc + j;
    double *to1 = both ? to0 + d->ldc : to0;
    double c[32], e[32];
    size_t r = 0;

    for (size_t l = columns; l < QQI_DENSE_COLUMNS; l++)
        c[l] = e[l] = 0.0;
    QQ_MEMCPY(c, to0, columns * sizeof(double));
    QQ_MEMCPY(e, to1, columns * sizeof(double));
    for (; r + 4 <= depth; r += 4) {
        double x[4], y[4];
        for (size_t l = 0; l < 4; l++) {
            x[l] = sign * (double)a0[(r + l) * d->a_step];
            y[l] = sign * (double)a1[(r + l) * d->a_step];
        }
        qqi_dense_four(x, y, panel + r * QQI_DENSE_COLUMNS, c, e);
    }
    for (; r < depth; r++)
        qqi_dense_one(sign * (double)a0[r * d->a_step],
                      sign * (double)a1[r * d->a_step],
                      panel + r * QQI_DENSE_COLUMNS, c, e);
    QQ_MEMCPY(to0, c, columns * sizeof(double));
    if (both)
        QQ_MEMCPY(to1, e, columns * sizeof(double));
}

QQI_FN void qqi_dense_add(const qqi_dense *d, float *room)
{
    for (size_t k = 0; k < d->depth; k += QQI_DENSE_DEPTH) {
        const size_t left = d->depth - k;
        const size_t depth = left < QQI_DENSE_DEPTH ? left : QQI_DENSE_DEPTH;
        for (size_t j = 0; j < d->columns; j += QQI_DENSE_COLUMNS) {
            const size_t more = d->columns - j;
            const size_t columns =
                more < QQI_DENSE_COLUMNS ? more : QQI_DENSE_COLUMNS;
            const ptrdiff_t end = (ptrdiff_t)(j + columns) - d->shift;
            qqi_dense_copy(d, k, depth, j, columns, room);
            for (size_t i = 0; i < d->rows; i += 2)
                if (!d->upper || (ptrdiff_t)i < end)
                    qqi_dense_pair(d, i, k, depth, j, columns, room);
        }
    }
}

// c += a b with rows of a and b without gaps but for their strides.
QQI_INLINE qqi_dense qqi_dense_make(size_t rows, size_t columns, size_t depth,
                                    const float *a, size_t lda, const float *b,
                                    size_t ldb, double *c, size_t ldc)
{
    qqi_dense d;

    d.a = a;
    d.a_row = lda;
    d.a_step = 1;
    d.b = b;
    d.ldb = ldb;
    d.c = c;
    d.ldc = ldc;
    d.rows = rows;
    d.columns = columns;
    d.depth = depth;
    d.minus = 0;
    d.upper = 0;
    d.shift = 0;
    return d;
}

#endif // QQUANT_MATRIX_DENSE_H
