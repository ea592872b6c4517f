// qquant floor 5: what dense linear algebra asks of a set of instructions.
//
// Tiles of products, and passes over a matrix. Every number of a result is one
// chain of steps in order, so that all sets agree to the bit:
//
//   tile     c[i][j] = fma(a[k][i], b[k][j], c[i][j]) for every k, in f32
//   turn     to[k * width + i] = x[i * ld + k]: rows side by side
//   sums     c[i][j] += a[k][i] b[k][j] for every k: f64 sums of products of
//            floats, which are exact; soon: what is read next, a line for
//            every k, step floats apart
//   widen    32 columns of floats as a panel of f64
//   move     y[j] += d x[j], d and x floats
//   right    s[i] += P_ij v[j] for every j,
//   left     x[j] += u[i] P_ij for every i, v and u being floats kept as f64,
//            P_ij = fl(fl(w_ij r_i) c_j) or its magnitude, f32
//   rows     s[i] += |fl(fl(d_i w_ij) e_j)| for every j, in f64
//   columns  x[j] += |fl(fl(d_i w_ij) e_j)| for every i, in f64; y[j] the
//            same by another d
//   add      y[j] += fl(d[i] m_ij) for every i, in f64
//   rest     s[i] += e_ij^2 for every j, e_ij = fl(w_ij -+ fl(a_i b_j)) in f32,
//            minus where bit 0 of a code is 1
//
// Passes come in blocks of 8 or 16 rows and whole steps of 16 columns; what is
// left over goes through the plain functions of kernel/scalar/dense.h.

#ifndef QQUANT_KERNEL_DENSE_H
#define QQUANT_KERNEL_DENSE_H

#include "compiler.h"

// A tile of sums: columns, which are those of a panel of b, and rows.
#define QQI_DENSE_COLUMNS ((size_t)32)
#define QQI_DENSE_FOUR    ((size_t)4)

// Rows of a block of right and rows; of left, columns and rest; of add; and
// columns of a step of all of these.
#define QQI_PASS_TALL  ((size_t)16)
#define QQI_PASS_SHORT ((size_t)8)
#define QQI_PASS_ADD   ((size_t)4)
#define QQI_PASS_STEP  ((size_t)16)

// How a tile of floats begins and ends: from what c holds, not from zeros; a
// NaN becomes 7fc00000.
#define QQI_TILE_ADD  1
#define QQI_TILE_LAST 2

// P, or the part of it from a row on.
typedef struct qqi_weighed {
    const float *w;
    size_t ldw;
    const float *rows;    // r
    const float *columns; // c
    uint32_t mask;        // 7fffffff: magnitudes; ffffffff: as they are
} qqi_weighed;

// D W E, likewise; other: a second D, of columns.
typedef struct qqi_scaled {
    const float *w;
    size_t ldw;
    const double *d;
    const double *other;
    const double *e;
} qqi_scaled;

// W less one plane, likewise; rows and the numbers of a are any distance apart.
typedef struct qqi_signed {
    const float *w;
    size_t ldw;
    const uint8_t *code;
    size_t ldc;
    const float *a;
    size_t lda;
    const float *b;
} qqi_signed;

typedef struct qqi_dense_kernel {
    size_t rows; // of a tile of floats, up to 8 by 32
    size_t columns;
    size_t turned; // rows that turn takes: both are multiples of it
    void (*tile)(size_t depth, const float *a, const float *b, size_t ldb,
                 float *c, size_t ldc, int how);
    // NULL: not faster than plain C.
    void (*turn)(size_t width, size_t depth, const float *x, size_t ld,
                 float *to);
    void (*sums)(size_t depth, const double *a, const double *b, double *c,
                 size_t ldc, const float *soon, size_t step);
    void (*widen)(size_t depth, const float *b, size_t ldb, double *to);
    void (*move)(size_t count, float d, const float *x, double *y);
    void (*right)(const qqi_weighed *p, size_t count, const double *v,
                  double *s);
    void (*left)(const qqi_weighed *p, size_t count, const double *u,
                 double *x);
    void (*rows_of)(const qqi_scaled *p, size_t count, double *s);
    void (*columns_of)(const qqi_scaled *p, size_t count, double *x, double *y);
    void (*add)(size_t count, const double *m, size_t ldm, const double *d,
                double *y);
    void (*rest)(const qqi_signed *p, size_t count, double *s);
} qqi_dense_kernel;

#endif // QQUANT_KERNEL_DENSE_H
