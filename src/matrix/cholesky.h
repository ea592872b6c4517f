// qquant floor 7: Cholesky: A = U^T U, U upper, in place.
//
// 32 rows at a time: a row loses what the rows above it in its block explain,
//
//   U[r][j] = (A[r][j] - sum over q < r of U[q][r] U[q][j]) / U[r][r]
//
// and the rest of A what the whole block explains, through matrix/split.h.
// Sums run over q from the first row on; within a block of rows products of
// two high parts come first, then high and low, then low and high. The blocks
// are part of the definition, threads are not.

#ifndef QQUANT_MATRIX_CHOLESKY_H
#define QQUANT_MATRIX_CHOLESKY_H

#include "matrix/parts.h"
#include "matrix/split.h"
#include "num/sqrt.h"

#define QQI_FACTOR_ROWS ((size_t)32)

// A small one, n at most some hundred, row by row. 0 where A is not positive
// definite; numbers below the diagonal are neither read nor written.
QQI_FN int qqi_factor_rows(double *a, size_t lda, size_t n, size_t columns)
{
    for (size_t r = 0; r < n; r++) {
        double *row = a + r * lda;
        for (size_t q = 0; q < r; q++) {
            const double by = a[q * lda + r];
            const double *above = a + q * lda;
            for (size_t j = r; j < columns; j++)
                row[j] -= qqi_mul_f64(by, above[j]);
        }
        if (!(row[r] > 0.0) || !qqi_is_finite_f64(row[r]))
            return 0;
        const double d = qqi_sqrt_f64(row[r]);
        row[r] = d;
        for (size_t j = r + 1; j < columns; j++)
            row[j] = row[j] / d;
    }
    return 1;
}

// What a factorization needs beside A: halves of a block of rows, and each
// part's room.
typedef struct qqi_factor {
    double *a;
    size_t k;
    float *high; // 32 * k
    float *low;
    double *room; // parts * QQI_DENSE_ROOM
    size_t from;  // rows of A that are still to change
    size_t depth;
    size_t parts;
} qqi_factor;

QQI_FN void qqi_factor_place(qqi_factor *f, size_t k, size_t parts,
                             qqi_pieces *p)
{
    const size_t rows = qqi_times(QQI_FACTOR_ROWS, k);

    f->k = k;
    f->parts = parts;
    f->high = (float *)qqi_piece(p, rows, sizeof(float));
    f->low = (float *)qqi_piece(p, rows, sizeof(float));
    f->room = (double *)qqi_piece(p, parts, QQI_DENSE_ROOM * sizeof(double));
}

// Every parts-th block of 32 rows of the rest.
QQI_FN void qqi_factor_part(void *arg, size_t part)
{
    const qqi_factor *f = (const qqi_factor *)arg;

    for (size_t i = f->from + part * QQI_FACTOR_ROWS; i < f->k;
         i += f->parts * QQI_FACTOR_ROWS) {
        const size_t left = f->k - i;
        const size_t rows = left < QQI_FACTOR_ROWS ? left : QQI_FACTOR_ROWS;
        qqi_dense d =
            qqi_dense_make(rows, left, f->depth, f->high + i, 1, f->high + i,
                           f->k, f->a + i * f->k + i, f->k);
        d.a_step = f->k;
        d.minus = 1;
        d.upper = 1;
        qqi_split_add(&d, f->low + i, f->low + i,
                      f->room + part * QQI_DENSE_ROOM);
    }
}

// a: k * k, its upper triangle in place.
QQI_FN int qqi_factor_run(qqi_factor *f, double *a, const qqi_threads *t)
{
    f->a = a;
    for (size_t r = 0; r < f->k; r += QQI_FACTOR_ROWS) {
        const size_t left = f->k - r;
        f->depth = left < QQI_FACTOR_ROWS ? left : QQI_FACTOR_ROWS;
        if (!qqi_factor_rows(a + r * f->k + r, f->k, f->depth, left))
            return 0;
        for (size_t i = 0; i < f->depth; i++)
            qqi_split(left, a + (r + i) * f->k + r, f->high + i * f->k + r,
                      f->low + i * f->k + r);
        f->from = r + f->depth;
        qqi_threads_run(t, qqi_factor_part, f);
    }
    return 1;
}

// --- systems ---------------------------------------------------------------

// x (A = U^T U) = x, small: x is a row of n numbers, in place.
QQI_FN void qqi_solve_small(const double *u, size_t ldu, size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) {
        x[j] = x[j] / u[j * ldu + j];
        for (size_t i = j + 1; i < n; i++)
            x[i] -= qqi_mul_f64(x[j], u[j * ldu + i]);
    }
    for (size_t j = n; j > 0;) {
        j--;
        for (size_t i = n; i-- > j + 1;)
            x[j] -= qqi_mul_f64(x[i], u[j * ldu + i]);
        x[j] = x[j] / u[j * ldu + j];
    }
}

// Room for systems of up to 32 rows at once.
typedef struct qqi_system {
    const double *u; // k * k
    size_t k;
    float *high; // 32 * k: of U
    float *low;
    float *x_high; // 32 * 32: of the unknowns
    float *x_low;
    double *room;
} qqi_system;

QQI_FN void qqi_system_place(qqi_system *s, size_t k, qqi_pieces *p)
{
    const size_t rows = qqi_times(QQI_FACTOR_ROWS, k);

    s->k = k;
    s->high = (float *)qqi_piece(p, rows, sizeof(float));
    s->low = (float *)qqi_piece(p, rows, sizeof(float));
    s->x_high = (float *)qqi_piece(p, 32 * 32, sizeof(float));
    s->x_low = (float *)qqi_piece(p, 32 * 32, sizeof(float));
    s->room = (double *)qqi_piece(p, QQI_DENSE_ROOM, sizeof(double));
}

// The unknowns from j on of n rows, split; then c -= x * (rows of U).
QQI_FN void qqi_system_spread(const qqi_system *s, size_t n, double *x,
                              size_t ldx, size_t j, size_t depth, size_t to,
                              size_t columns)
{
    for (size_t i = 0; i < n; i++)
        qqi_split(depth, x + i * ldx + j, s->x_high + i * 32,
                  s->x_low + i * 32);
    qqi_dense d = qqi_dense_make(n, columns, depth, s->x_high, 32, s->high,
                                 s->k, x + to, ldx);
    d.minus = 1;
    qqi_split_add(&d, s->x_low, s->low, s->room);
}

// x U = x.
QQI_FN void qqi_system_forward(const qqi_system *s, size_t n, double *x,
                               size_t ldx)
{
    const size_t k = s->k;

    for (size_t b = 0; b < k; b += 32) {
        const size_t depth = k - b < 32 ? k - b : 32;
        const size_t end = b + depth;
        for (size_t i = 0; i < n; i++) {
            double *row = x + i * ldx;
            for (size_t j = b; j < end; j++) {
                row[j] = row[j] / s->u[j * k + j];
                for (size_t l = j + 1; l < end; l++)
                    row[l] -= qqi_mul_f64(row[j], s->u[j * k + l]);
            }
        }
        for (size_t j = 0; j < depth; j++)
            qqi_split(k - end, s->u + (b + j) * k + end, s->high + j * k,
                      s->low + j * k);
        qqi_system_spread(s, n, x, ldx, b, depth, end, k - end);
    }
}

// x U^T = x.
QQI_FN void qqi_system_backward(const qqi_system *s, size_t n, double *x,
                                size_t ldx)
{
    const size_t k = s->k;

    for (size_t end = k; end > 0;) {
        const size_t b = (end - 1) / 32 * 32;
        const size_t depth = end - b;
        for (size_t i = 0; i < n; i++) {
            double *row = x + i * ldx;
            for (size_t j = end; j > b;) {
                j--;
                for (size_t l = end; l-- > j + 1;)
                    row[j] -= qqi_mul_f64(row[l], s->u[j * k + l]);
                row[j] = row[j] / s->u[j * k + j];
            }
        }
        // Columns b to end - 1 of U above the block, as rows.
        for (size_t i = 0; i < b; i++)
            for (size_t j = 0; j < depth; j++)
                qqi_split(1, s->u + i * k + b + j, s->high + j * k + i,
                          s->low + j * k + i);
        qqi_system_spread(s, n, x, ldx, b, depth, 0, b);
        end = b;
    }
}

// x A = x for n <= 32 rows, A = U^T U.
QQI_FN void qqi_system_solve(const qqi_system *s, size_t n, double *x,
                             size_t ldx)
{
    qqi_system_forward(s, n, x, ldx);
    qqi_system_backward(s, n, x, ldx);
}

#endif // QQUANT_MATRIX_CHOLESKY_H
