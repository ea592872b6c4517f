// qquant floor 1: moments: what calibration keeps of a layer's inputs.
//
// A layer multiplies rows x of k numbers by a weight W of n rows. How much an
// error E of W counts depends on the inputs alone, through
//
//   H    = sum of x x^T / N               k * k, the Hessian of |E x|^2 / 2
//   mean = sum of x / N                   k
//   C    = sum of y x^T / N               p * k, y being any other rows
//
// which qq_moments gathers in any number of calls:
//
//   qq_moments_options o = qq_moments_options_init();
//   size_t bytes = qq_moments_size(k, &o);
//   qq_moments m;
//   qq_moments_make(k, &o, memory, bytes, &m);
//   qq_moments_update(&m, &o, rows, QQ_TYPE_F32, x, k, NULL, 0, scratch, room);
//   ...
//   qq_moments_hessian(&m, 1, 1.0, h, k * k * sizeof(float));
//
// THE ARITHMETIC. Products of two floats are exact in f64; they are added
// there, one row after another in the order given, so that neither a compiler,
// nor a vector, nor threads, nor how rows are cut into calls changes a bit.
// Two moments merged are the sum of both, which is not quite the same.

#ifndef QQUANT_API_MOMENTS_H
#define QQUANT_API_MOMENTS_H

#include "api/rotation.h"

// What is gathered of x. Numbers are never reused.
typedef enum qq_moments_kind {
    QQ_MOMENTS_FULL = 1,     // sums of x x^T: k * k numbers
    QQ_MOMENTS_DIAGONAL = 2, // only those of x^2: k numbers
    QQ_MOMENTS_NONE = 3      // only those of x (and of y x^T)
} qq_moments_kind;

// Make one with qq_moments_options_init; NULL stands for the defaults: full
// moments of x alone, the calling thread alone.
typedef struct qq_moments_options {
    uint32_t init;
    qq_moments_kind kind;
    size_t outputs; // p, the numbers of a row of y; 0: there is no y
    size_t parts;   // into how many the work of a call is cut, from 1 on
    qq_parallel_for parallel;
    void *parallel_user;
} qq_moments_options;

QQ_API qq_moments_options qq_moments_options_init(void);

// A view of sums in the caller's memory. Owns nothing; may be copied as long as
// the memory stays where it is.
typedef struct qq_moments {
    uint32_t init;
    qq_moments_kind kind;
    size_t k;
    size_t outputs;
    uint64_t count; // N, rows so far
    double *square; // k * k, of which only columns >= row are kept; or k
    double *sum;    // k
    double *cross;  // outputs * k
    double *other;  // outputs: sums of y
} qq_moments;

// Bytes of the sums, slack to align them included; SIZE_MAX beyond size_t and
// for options that make no sense. A full one of k = 4096 has 128 MiB.
QQ_API size_t qq_moments_size(size_t k, const qq_moments_options *o);

// Sums of 0 in memory, which holds qq_moments_size bytes. QQ_ERR_ARGUMENT:
// options that make no sense, NULL; QQ_ERR_SIZE.
QQ_API qq_status qq_moments_make(size_t k, const qq_moments_options *o,
                                 void *memory, size_t bytes, qq_moments *m);

// Scratch of an update: 32 rows of x and y as floats, and 8 KiB a part.
QQ_API size_t qq_moments_scratch_size(const qq_moments *m,
                                      const qq_moments_options *o);

// Adds rows. x: rows of k numbers, ldx apart; y: rows of outputs numbers, ldy
// apart, NULL where there are none. Both f32, f16 or bf16, of the machine's
// byte order, at any address. NaN and infinities spread, as in any sum: the
// calls that read the moments refuse them. Of o only parts and threads count.
// QQ_ERR_ARGUMENT; QQ_ERR_TYPE; QQ_ERR_SHAPE: strides too short; QQ_ERR_SIZE:
// the count of rows is beyond 64 bits; QQ_ERR_SCRATCH.
QQ_API qq_status qq_moments_update(qq_moments *m, const qq_moments_options *o,
                                   size_t rows, qq_type type, const void *x,
                                   size_t ldx, const void *y, size_t ldy,
                                   void *scratch, size_t scratch_bytes);

// m += other. The caller decides on the order. QQ_ERR_SHAPE: sizes or kinds
// differ.
QQ_API qq_status qq_moments_merge(qq_moments *m, const qq_moments *other);

// h = factor * (H - mean mean^T), or factor * H where center is 0; symmetric,
// row-major, each number rounded once from f64. A diagonal one gives its k
// numbers. OneBit's original wants center 0 and factor 2. No rows: zeros.
// QQ_ERR_ARGUMENT: NULL, kind none; QQ_ERR_SIZE.
QQ_API qq_status qq_moments_hessian(const qq_moments *m, int center,
                                    double factor, float *h, size_t h_bytes);

// The same sums in f64: factor * sum of x x^T, both triangles, not divided.
QQ_API qq_status qq_moments_gram(const qq_moments *m, double factor,
                                 double *gram, size_t gram_bytes);

// c = factor * (C - mean(y) mean(x)^T), or factor * C: outputs * k.
QQ_API qq_status qq_moments_cross(const qq_moments *m, int center,
                                  double factor, float *c, size_t c_bytes);

// Means of x (k) and of y (outputs); each may be NULL.
QQ_API qq_status qq_moments_means(const qq_moments *m, float *x, float *y);

// --- what is done with a Hessian -------------------------------------------

// QQ_ERR_FORMAT: a number that is not finite, a negative one on the diagonal,
// two that should be equal and differ. (That H has no negative eigenvalue is
// found by those who factor it.)
QQ_API qq_status qq_hessian_check(size_t k, const float *h, size_t h_bytes);

// In place. Columns that were never used (H_jj = 0) become harmless: H_jj is
// 1e-3 of the mean of the others. Then lambda times the mean of the diagonal is
// added to it, which keeps what is fitted to few rows from fitting their noise.
QQ_API qq_status qq_hessian_damp(size_t k, double lambda, float *h,
                                 size_t h_bytes);

// The lambda to start from: .01 for 4 bits and more, .03 for 2 and 3 and for
// ternary (bits 2), .1 for binary planes (bits 1); three times that where there
// are fewer than 4 k rows, and 1 for planes with fewer than k.
QQ_API double qq_hessian_lambda(unsigned bits, uint64_t rows, size_t k);

// --- rotation --------------------------------------------------------------

// H becomes Q^T H Q, in place (api/rotation.h has Q), which can be damped and
// solved with. A weight is turned by qq_rotation_rows.
QQ_API qq_status qq_rotation_hessian(const qq_rotation *r, float *h,
                                     size_t h_bytes);

#endif // QQUANT_API_MOMENTS_H
