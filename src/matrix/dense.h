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
// b is copied, 64 rows of 32 columns at a time and as f64, so that rows a power
// of two apart do not fight for the same place of a cache; so are 32 rows of a,
// four side by side.

#ifndef QQUANT_MATRIX_DENSE_H
#define QQUANT_MATRIX_DENSE_H

#include "api/matmul.h"
#include "kernel/avx512/dense.h"
#include "num/step.h"
#include "simd.h"

// A kernel of the ladder is used where there is a ladder.
#define QQI_DENSE_AVX512 (QQI_HAS_AVX512 && !QQ_NO_MATRIX)

#define QQI_DENSE_DEPTH   ((size_t)64)
#define QQI_DENSE_COLUMNS ((size_t)32)

// Numbers of room that a product needs: a panel of b, and rows of a.
#define QQI_DENSE_PANEL (QQI_DENSE_DEPTH * QQI_DENSE_COLUMNS)
#define QQI_DENSE_ROWS  ((size_t)32)
#define QQI_DENSE_ROOM  (QQI_DENSE_PANEL + QQI_DENSE_DEPTH * QQI_DENSE_ROWS)

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

// Rows of b from k on as a panel of 32 columns, filled up with zeros.
QQI_FN void qqi_dense_copy(const qqi_dense *d, size_t k, size_t depth, size_t j,
                           size_t columns, double *room)
{
    for (size_t r = 0; r < depth; r++) {
        double *to = room + r * QQI_DENSE_COLUMNS;
        const float *from = d->b + (k + r) * d->ldb + j;
        // A count that is known becomes vectors.
        for (size_t i = 0; columns == 32 && i < 32; i++)
            to[i] = (double)from[i];
        for (size_t i = 0; columns < 32 && i < 32; i++)
            to[i] = i < columns ? (double)from[i] : 0.0;
    }
}

// Four rows of a from i on, their numbers side by side; where there are fewer
// the others are the first.
QQI_FN void qqi_dense_lift(const qqi_dense *d, size_t i, size_t k, size_t depth,
                           double *to)
{
    for (size_t l = 0; l < 4; l++) {
        const size_t row = i + l < d->rows ? i + l : i;
        const float *from = d->a + row * d->a_row + k * d->a_step;
        for (size_t r = 0; r < depth; r++) {
            const double x = (double)from[r * d->a_step];
            to[4 * r + l] = d->minus ? -x : x;
        }
    }
}

// 4 steps of two rows.
QQI_INLINE void qqi_dense_four(const double *a, const double *b, double *c,
                               double *e)
{
    const double *b0 = b;
    const double *b1 = b + QQI_DENSE_COLUMNS;
    const double *b2 = b + 2 * QQI_DENSE_COLUMNS;
    const double *b3 = b + 3 * QQI_DENSE_COLUMNS;

    for (int j = 0; j < (int)QQI_DENSE_COLUMNS; j++) {
        c[j] =
            c[j] + a[0] * b0[j] + a[4] * b1[j] + a[8] * b2[j] + a[12] * b3[j];
        e[j] =
            e[j] + a[1] * b0[j] + a[5] * b1[j] + a[9] * b2[j] + a[13] * b3[j];
    }
}

// Two rows of c, the same one twice where it is the last.
QQI_FN void qqi_dense_pair(const double *a, size_t depth, const double *panel,
                           double *to0, double *to1, size_t columns)
{
    double c[32], e[32];
    size_t r = 0;

    for (size_t l = columns; l < QQI_DENSE_COLUMNS; l++)
        c[l] = e[l] = 0.0;
    QQ_MEMCPY(c, to0, columns * sizeof(double));
    QQ_MEMCPY(e, to1, columns * sizeof(double));
    for (; r + 4 <= depth; r += 4)
        qqi_dense_four(a + 4 * r, panel + r * QQI_DENSE_COLUMNS, c, e);
    for (; r < depth; r++)
        for (int j = 0; j < (int)QQI_DENSE_COLUMNS; j++) {
            const double v = panel[r * QQI_DENSE_COLUMNS + (size_t)j];
            c[j] = c[j] + a[4 * r] * v;
            e[j] = e[j] + a[4 * r + 1] * v;
        }
    QQ_MEMCPY(to1, e, columns * sizeof(double));
    QQ_MEMCPY(to0, c, columns * sizeof(double));
}

#if QQI_DENSE_AVX512
QQI_INLINE int qqi_dense_has_avx512(void)
{
    const qq_isa isa = qq_isa_in_use();

    return isa >= QQ_ISA_AVX512 && isa <= QQ_ISA_AMX;
}
#endif

// Four rows of c from i on and one panel.
QQI_FN void qqi_dense_rows(const qqi_dense *d, size_t i, size_t depth, size_t j,
                           size_t columns, const double *panel, const double *a,
                           int wide)
{
    const size_t left = d->rows - i;
    double *c0 = d->c + i * d->ldc + j;
    double *c1 = left > 1 ? c0 + d->ldc : c0;
    double *c2 = left > 2 ? c1 + d->ldc : c0;
    double *c3 = left > 3 ? c2 + d->ldc : c0;

#if QQI_DENSE_AVX512
    if (wide) {
        qqi_dense_rows_avx512(a, depth, panel, c0, c1, c2, c3, columns);
        return;
    }
#endif
    (void)wide;
    if (left > 2)
        qqi_dense_pair(a + 2, depth, panel, c2, c3, columns);
    qqi_dense_pair(a, depth, panel, c0, c1, columns);
}

// Rows from to end - 1, at most 32 of them, and depth steps from k on.
QQI_FN void qqi_dense_block(const qqi_dense *d, size_t from, size_t end,
                            size_t k, size_t depth, double *room, int wide)
{
    double *a = room + QQI_DENSE_PANEL;

    for (size_t i = from; i < end; i += 4)
        qqi_dense_lift(d, i, k, depth, a + (i - from) * depth);
    for (size_t j = 0; j < d->columns; j += QQI_DENSE_COLUMNS) {
        const size_t more = d->columns - j;
        const size_t columns =
            more < QQI_DENSE_COLUMNS ? more : QQI_DENSE_COLUMNS;
        const ptrdiff_t last = (ptrdiff_t)(j + columns) - d->shift;
        if (d->upper && (ptrdiff_t)from >= last)
            continue;
        qqi_dense_copy(d, k, depth, j, columns, room);
        for (size_t i = from; i < end; i += 4)
            if (!d->upper || (ptrdiff_t)i < last)
                qqi_dense_rows(d, i, depth, j, columns, room,
                               a + (i - from) * depth, wide);
    }
}

QQI_FN void qqi_dense_add(const qqi_dense *d, double *room)
{
#if QQI_DENSE_AVX512
    const int wide = qqi_dense_has_avx512();
#else
    const int wide = 0;
#endif

    for (size_t i = 0; i < d->rows; i += QQI_DENSE_ROWS) {
        const size_t more = d->rows - i;
        const size_t end = more < QQI_DENSE_ROWS ? d->rows : i + QQI_DENSE_ROWS;
        for (size_t k = 0; k < d->depth; k += QQI_DENSE_DEPTH) {
            const size_t left = d->depth - k;
            qqi_dense_block(d, i, end, k,
                            left < QQI_DENSE_DEPTH ? left : QQI_DENSE_DEPTH,
                            room, wide);
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
