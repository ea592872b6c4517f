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
// of two apart do not fight for the same place of a cache; so are up to 64
// rows of a, four side by side. 1024 columns of c stay in a cache until they
// are through with all of b.

#ifndef QQUANT_MATRIX_DENSE_H
#define QQUANT_MATRIX_DENSE_H

#include "api/matmul.h"
#include "kernel/avx2/dense_pass.h"
#include "kernel/avx512/dense_pass.h"
#include "kernel/neon/dense_pass.h"
#include "kernel/scalar/dense.h"

#define QQI_DENSE_DEPTH ((size_t)64)
#define QQI_DENSE_ROWS  ((size_t)64)
#define QQI_DENSE_CHUNK ((size_t)1024)

// Numbers of room that a product needs: a panel of b, rows of a, and a tile of
// c where that is not whole.
#define QQI_DENSE_PANEL (QQI_DENSE_DEPTH * QQI_DENSE_COLUMNS)
#define QQI_DENSE_A     (QQI_DENSE_DEPTH * QQI_DENSE_ROWS)
#define QQI_DENSE_TILE  (QQI_DENSE_FOUR * QQI_DENSE_COLUMNS)
#define QQI_DENSE_ROOM  (QQI_DENSE_PANEL + QQI_DENSE_A + QQI_DENSE_TILE)

// The set of the rung in use. Without packed matrices there is no ladder.
QQI_FN const qqi_dense_kernel *qqi_dense_now(void)
{
#if !QQ_NO_SIMD && !QQ_NO_MATRIX
    switch (qq_isa_in_use()) {
#  if QQI_HAS_AVX512
    case QQ_ISA_AVX512:
    case QQ_ISA_AVX512_VNNI:
    case QQ_ISA_AMX:
        return &qqi_dense_kernel_avx512;
#  endif
#  if QQI_HAS_AVX2
    case QQ_ISA_AVX2:
    case QQ_ISA_AVX_VNNI:
        return &qqi_dense_kernel_avx2;
#  endif
#  if QQI_HAS_NEON
    case QQ_ISA_NEON:
    case QQ_ISA_NEON_DOT:
    case QQ_ISA_NEON_I8MM:
        return &qqi_dense_kernel_neon;
#  endif
    default:
        break;
    }
#endif
    return &qqi_dense_kernel_scalar;
}

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

// Some rows, columns and steps of it.
typedef struct qqi_dense_block {
    const qqi_dense *d;
    const qqi_dense_kernel *kernel;
    size_t from; // rows
    size_t end;
    size_t k;
    size_t depth;
    double *panel;
    double *a;
    double *tile;
} qqi_dense_block;

// Rows of b from k on as a panel of 32 columns, filled up with zeros.
QQI_FN void qqi_dense_copy(const qqi_dense_block *b, size_t j, size_t columns)
{
    const qqi_dense *d = b->d;
    const float *from = d->b + b->k * d->ldb + j;

    if (columns == QQI_DENSE_COLUMNS) {
        b->kernel->widen(b->depth, from, d->ldb, b->panel);
        return;
    }
    for (size_t r = 0; r < b->depth; r++)
        for (size_t i = 0; i < QQI_DENSE_COLUMNS; i++)
            b->panel[r * QQI_DENSE_COLUMNS + i] =
                i < columns ? (double)from[r * d->ldb + i] : 0.0;
}

// Four rows of a from i on, their numbers side by side; zeros where there are
// fewer.
QQI_FN void qqi_dense_lift(const qqi_dense_block *b, size_t i, double *to)
{
    const qqi_dense *d = b->d;

    const double by = d->minus ? -1.0 : 1.0;
    const float *from = d->a + i * d->a_row + b->k * d->a_step;

    if (i + QQI_DENSE_FOUR <= d->rows) {
        for (size_t r = 0; r < b->depth; r++, from += d->a_step, to += 4) {
            to[0] = by * (double)from[0];
            to[1] = by * (double)from[d->a_row];
            to[2] = by * (double)from[2 * d->a_row];
            to[3] = by * (double)from[3 * d->a_row];
        }
        return;
    }
    for (size_t r = 0; r < b->depth; r++, from += d->a_step)
        for (size_t l = 0; l < QQI_DENSE_FOUR; l++)
            to[QQI_DENSE_FOUR * r + l] =
                i + l < d->rows ? by * (double)from[l * d->a_row] : 0.0;
}

// Some of four rows of c to or from a tile.
QQI_FN void qqi_dense_move(size_t rows, size_t columns, const double *from,
                           size_t ld, double *to, size_t ldt)
{
    for (size_t i = 0; i < rows; i++)
        QQ_MEMCPY(to + i * ldt, from + i * ld, columns * sizeof(double));
}

// Four rows of c from i on and one panel. soon: the first line of a panel that
// is wanted next, where this is the one to ask for it; else NULL.
QQI_FN void qqi_dense_rows(const qqi_dense_block *b, size_t i, size_t j,
                           size_t columns, const float *soon)
{
    const qqi_dense *d = b->d;
    const double *a = b->a + (i - b->from) * b->depth;
    const float *next = soon != NULL ? soon : (const float *)(const void *)a;
    const size_t step = soon != NULL ? d->ldb : 0;
    const size_t left = d->rows - i;
    const size_t rows = left < QQI_DENSE_FOUR ? left : QQI_DENSE_FOUR;
    double *c = d->c + i * d->ldc + j;

    if (rows == QQI_DENSE_FOUR && columns == QQI_DENSE_COLUMNS) {
        b->kernel->sums(b->depth, a, b->panel, c, d->ldc, next, step);
        return;
    }
    for (size_t l = 0; l < QQI_DENSE_TILE; l++)
        b->tile[l] = 0.0;
    qqi_dense_move(rows, columns, c, d->ldc, b->tile, QQI_DENSE_COLUMNS);
    b->kernel->sums(b->depth, a, b->panel, b->tile, QQI_DENSE_COLUMNS, next,
                    step);
    qqi_dense_move(rows, columns, b->tile, QQI_DENSE_COLUMNS, c, d->ldc);
}

// Columns first to last - 1 of a block.
QQI_FN void qqi_dense_columns(const qqi_dense_block *b, size_t first,
                              size_t last)
{
    const qqi_dense *d = b->d;

    for (size_t i = b->from; i < b->end; i += QQI_DENSE_FOUR)
        qqi_dense_lift(b, i, b->a + (i - b->from) * b->depth);
    for (size_t j = first; j < last; j += QQI_DENSE_COLUMNS) {
        const size_t more = last - j;
        const size_t columns =
            more < QQI_DENSE_COLUMNS ? more : QQI_DENSE_COLUMNS;
        const ptrdiff_t end = (ptrdiff_t)(j + columns) - d->shift;
        if (d->upper && (ptrdiff_t)b->from >= end)
            continue;
        qqi_dense_copy(b, j, columns);
        // Two lines of floats a row of the next panel.
        const float *soon = NULL;
        if (more >= 2 * QQI_DENSE_COLUMNS)
            soon = d->b + b->k * d->ldb + j + QQI_DENSE_COLUMNS;
        for (size_t i = b->from; i < b->end; i += QQI_DENSE_FOUR) {
            if (d->upper && (ptrdiff_t)i >= end)
                break;
            qqi_dense_rows(b, i, j, columns, soon);
            if (i == b->from && soon != NULL)
                soon += 16;
            else
                soon = NULL;
        }
    }
}

// All steps of columns first to last - 1.
QQI_FN void qqi_dense_steps(qqi_dense_block *b, size_t first, size_t last)
{
    const size_t depth = b->d->depth;

    for (b->k = 0; b->k < depth; b->k += b->depth) {
        const size_t left = depth - b->k;
        b->depth = left < QQI_DENSE_DEPTH ? left : QQI_DENSE_DEPTH;
        qqi_dense_columns(b, first, last);
    }
}

QQI_FN void qqi_dense_add(const qqi_dense *d, double *room)
{
    qqi_dense_block b;

    b.d = d;
    b.kernel = qqi_dense_now();
    b.panel = room;
    b.a = room + QQI_DENSE_PANEL;
    b.tile = b.a + QQI_DENSE_A;
    for (b.from = 0; b.from < d->rows; b.from = b.end) {
        const size_t more = d->rows - b.from;
        b.end = more < QQI_DENSE_ROWS ? d->rows : b.from + QQI_DENSE_ROWS;
        for (size_t j = 0; j < d->columns; j += QQI_DENSE_CHUNK) {
            const size_t left = d->columns - j;
            qqi_dense_steps(&b, j,
                            left < QQI_DENSE_CHUNK ? d->columns
                                                   : j + QQI_DENSE_CHUNK);
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
