// qquant floor 1: OneBit: a weight as signs with a factor for every row and
// every column, and what OneCompression's package does around it.
//
//   W[i][j] ~ a[i] * s[i][j] * b[j],   s = -1 or +1
//
// in 1 bit a weight and 16 a row and a column; with K planes a sum of K such.
//
//   qq_onebit_options o = qq_onebit_options_init();
//   size_t bytes = qq_onebit_size(n, k, &o);
//   size_t room = qq_onebit_scratch_size(n, k, &o, h != NULL);
//   qq_onebit r;
//   qq_onebit_solve(n, k, &o, w, k, h, h_bytes, out, bytes, scratch, room, &r);
//
// and a layer for qq_matmul, the signs being packed as qq_tensor has them:
//
//   qq_matrix_options m = qq_matrix_options_init();
//   m.a = r.a;
//   m.b = r.b;
//   m.bias = bias;
//   qq_matrix_pack_sign(&r.sign[0], &m, ...);
//
// Three modes. COMPAT gives the original's answer, within what other orders of
// its sums give: in its default, balanced mode these a and b are those of the
// balanced matrix and do not reproduce the layer; the factors that do lie
// beside them. FIXED is the same method mended: balancing is folded into a and
// b, dead rows and columns stay out of it, and plain SVID is the answer where
// it is the better one. BEST is the answer of least error for the layer's
// output: exact a and b, signs by coordinate descent.

#ifndef QQUANT_API_ONEBIT_H
#define QQUANT_API_ONEBIT_H

#include "api/solve.h"

// --- balancing -------------------------------------------------------------

typedef enum qq_norm {
    QQ_NORM_L1 = 1, // sums of |w|
    QQ_NORM_L2 = 2  // sums of w^2
} qq_norm;

// Make one with qq_balance_options_init; NULL stands for the defaults.
typedef struct qq_balance_options {
    uint32_t init;
    qq_norm norm;         // L1
    int compat;           // 1: the original's formulas, where a dead row's
                          // factor grows without end; 0: ours, where rows and
                          // columns of zeros keep a factor of 1
    int gauge;            // 1: means of both factors are made equal: 1
    unsigned rounds;      // at most: 40
    unsigned stop_window; // rounds in a row below tolerance: 3
    double alpha;         // norm of every row: 1
    double beta;          // of every column; 0: n alpha / k (ours: of those
                          // rows and columns that are not all zeros)
    double epsilon;       // compat: the least norm: 1e-12
    double tolerance;     // of both residuals, absolute: 1e-3
    // One number a round each, or NULL: the largest distances of row norms
    // from alpha and of column norms from beta; L2: the sum of all squares.
    float *row_residuals;
    float *column_residuals;
    float *objectives;
} qq_balance_options;

QQ_API qq_balance_options qq_balance_options_init(void);

typedef struct qq_balance_result {
    unsigned rounds; // done
    int converged;   // stopped by the window, not by the count
    float row_residual;
    float column_residual;
} qq_balance_result;

// Sinkhorn: in turn every row and every column is scaled to its norm.
//   scaled[i][j] = rows[i] * w[i][j] * columns[j]
// rows: n, columns: k, scaled: n * k without gaps, or NULL. Ours never
// overflows. result may be NULL. QQ_ERR_ARGUMENT: options; QQ_ERR_FORMAT
// (ours): w is not finite; QQ_ERR_SHAPE; QQ_ERR_SIZE: beyond size_t;
// QQ_ERR_SCRATCH.
QQ_API size_t qq_balance_scratch_size(size_t n, size_t k);
QQ_API qq_status qq_balance(size_t n, size_t k, const qq_balance_options *o,
                            const float *w, size_t ldw, float *rows,
                            float *columns, float *scaled,
                            qq_balance_result *result, void *scratch,
                            size_t scratch_bytes);

// --- solving ---------------------------------------------------------------

typedef enum qq_onebit_mode {
    QQ_ONEBIT_BEST = 1,
    QQ_ONEBIT_FIXED = 2,
    QQ_ONEBIT_COMPAT = 3
} qq_onebit_mode;

#define QQ_ONEBIT_MAX_PLANES 4

// Make one with qq_onebit_options_init; NULL stands for the defaults, which
// are the original's where it has them. The bits of *bad are counted here.
typedef struct qq_onebit_options {
    uint32_t init;
    qq_onebit_mode mode; // 0  best
    int32_t iters;       // 1  10; from 0 on. Rounds of the power iteration: 30
                         //    at least, for a million weights and more (compat)
    int importance;      // 2  1: columns count by sqrt(diag H)
    int balancing;       // 3  1: Sinkhorn first, and no importance (not best)
    int32_t balance_iters; // 4  40; from 1 on, where balancing is on
    double balance_alpha;  // 5  1; above 0, where balancing is on
    unsigned planes;       // 6  best: K, 1 to 4: 1
    unsigned rounds;       // 7  best: of signs, a and b: 8
    unsigned sweeps;       // 8  best: of a descent: 2
    unsigned anneal;       // 9  best: sweeps that may go uphill, 0: none
    uint32_t seed;         //    of these
    int f16;               //    best, fixed: a and b are halves: 1
    // Compat: the layer's attributes i_norm (k) and o_norm (n), which go before
    // H; the start of the power iteration (k), NULL: ones.
    const float *input_norm;
    const float *output_norm;
    const float *start;
    size_t parts; // 10 from 1 on: 1
    qq_parallel_for parallel;
    void *parallel_user;
    qq_progress progress;
    void *progress_user;
} qq_onebit_options;

QQ_API qq_onebit_options qq_onebit_options_init(void);

// All that is wrong at once, as bits of *bad (NULL: not wanted). What is off is
// not looked at, as in the original.
QQ_API qq_status qq_onebit_options_check(const qq_onebit_options *o,
                                         uint32_t *bad);

// The answer, a view of out.
typedef struct qq_onebit {
    uint32_t init;
    unsigned planes;
    size_t n;
    size_t k;
    const float *a;                       // planes * n
    const float *b;                       // planes * k
    qq_tensor sign[QQ_ONEBIT_MAX_PLANES]; // n * k each, type sign, packed
    const float *rows;    // compat and balanced: Dr (n) and Dc (k), which
    const float *columns; // divide a s b; else NULL
    double objective;     // J of the answer, or sum (W - V)^2 without H
    double svid;          // the same of plain SVID
    int balanced;         // fixed: the balanced start was the better one
} qq_onebit;

// out and scratch for it; SIZE_MAX for what qq_onebit_solve refuses. h tells
// whether there is an H.
QQ_API size_t qq_onebit_size(size_t n, size_t k, const qq_onebit_options *o);
QQ_API size_t qq_onebit_scratch_size(size_t n, size_t k,
                                     const qq_onebit_options *o, int h);

// w: n rows of k floats, ldw apart; h: k * k floats, damped (compat: only its
// diagonal is looked at, as it is, and not even that where balancing is on),
// or NULL: every weight counts the same. QQ_ERR_ARGUMENT: options, NULL;
// QQ_ERR_SHAPE; QQ_ERR_FORMAT: W or H not finite, H not symmetric or not
// positive, compat: what makes the original fail; QQ_ERR_SIZE, QQ_ERR_SCRATCH,
// QQ_ERR_CANCELLED.
//
// BEST starts from SVID under sqrt(diag H), once with a pass of GPTQ on the
// signs and once without, and repeats: signs by coordinate descent, a by a
// system of K unknowns a row, b by one of k, which all lower J; the best of
// all rounds, of FIXED and of SVID is kept, b is rounded, a solved once more
// and rounded. So J is never above that of FIXED, nor of SVID.
QQ_API qq_status qq_onebit_solve(size_t n, size_t k, const qq_onebit_options *o,
                                 const float *w, size_t ldw, const float *h,
                                 size_t h_bytes, void *out, size_t out_bytes,
                                 void *scratch, size_t scratch_bytes,
                                 qq_onebit *r);

// V: n rows of k floats: sum over planes of fl(fl(a s) b), divided by
// fl(rows columns) where these are there.
QQ_API qq_status qq_onebit_values(const qq_onebit *r, float *v, size_t ldv);

// The largest singular value of an n * k matrix and its two vectors, by rounds
// of u = P v / |P v|, v = P^T u / |P^T u|, from start (k), which is normalised
// first, NULL: ones; in the end u = P v / |P v|. It stops where a product is 0.
QQ_API size_t qq_power_iteration_scratch_size(size_t n, size_t k);
QQ_API qq_status qq_power_iteration(size_t n, size_t k, unsigned rounds,
                                    const float *matrix, size_t ldm,
                                    const float *start, float *u, float *v,
                                    float *sigma, void *scratch,
                                    size_t scratch_bytes);

// --- the original's packing of signs ---------------------------------------

// Bit 7 of byte 0 is element 0; a bit is 1 where the number is 0 or more; the
// rest of the last byte is ones. values: count numbers of type i8, f32, f16 or
// bf16; packed: ceil(count / 8) bytes. And back, as -1 and 1.
QQ_API qq_status qq_onebit_pack_signs(size_t count, qq_type type,
                                      const void *values, void *packed,
                                      size_t packed_bytes);
QQ_API qq_status qq_onebit_unpack_signs(size_t count, const void *packed,
                                        size_t packed_bytes, int8_t *values);

// From it to the packed bits of a tensor of type sign, and back: another order
// of the bits in a byte, and zeros instead of ones at the end.
QQ_API qq_status qq_onebit_signs_to_tensor(size_t count, const void *packed,
                                           size_t packed_bytes, void *out,
                                           size_t out_bytes);
QQ_API qq_status qq_onebit_signs_from_tensor(const qq_tensor *sign,
                                             void *packed, size_t packed_bytes);

// The original's inference layer: y = (x b) (s a)^T + bias, a, b, bias and
// every product rounded to the type of x (f32, f16, bf16), sums in f32 or
// better and rounded once. For comparisons; qq_matmul is the fast one. x: m
// rows of k, y: m rows of n numbers of that type, without gaps; packed: the
// original's bits.
QQ_API qq_status qq_onebit_forward(size_t n, size_t k, size_t m, qq_type type,
                                   const float *a, const float *b,
                                   const void *packed, const float *bias,
                                   const void *x, void *y);

// --- errors ----------------------------------------------------------------

// The original's six figures, in f64. Where the sum that a relative one is
// divided by is 0 (output: not above 0) it is NaN; NaN, too, are those of the
// output where there is nothing to compute them from.
typedef struct qq_layer_errors {
    double output_squared;
    double mean_output_squared; // a number of the output
    double relative_output_squared;
    double weight_squared;
    double mean_weight_squared; // a weight
    double relative_weight_squared;
} qq_layer_errors;

// Of V against W, both n rows of k. Types f32, f16, bf16, f64: where they
// differ the difference is rounded to the type that PyTorch promotes to, as it
// is in the type they share. gram: k * k, the sum of x x^T over that many
// samples (qq_moments_gram), or NULL.
QQ_API qq_status qq_layer_errors_gram(const qq_tensor *w, const qq_tensor *v,
                                      const double *gram, uint64_t samples,
                                      qq_layer_errors *e);

// The output errors from rows of x themselves, W, V and x of one type: both
// products in that type (f16, bf16: an f32 sum or better, rounded once), their
// difference too. Held-out rows are as good as others. QQ_ERR_TYPE.
QQ_API qq_status qq_layer_errors_rows(const qq_tensor *w, const qq_tensor *v,
                                      const qq_tensor *x, qq_layer_errors *e);

// --- the original's correction of propagated errors ------------------------

// W + perccorr (W C) (H')^-1, H' being H with 1 where the diagonal is 0 and
// percdamp times its mean added; columns of W with H_jj = 0 are zeroed first.
// C = 2 (x_f - x_q)^T x_q / N, so moments of y = x_f - x_q with factor 2. In
// place. QQ_ERR_FORMAT: H' is not positive definite.
QQ_API size_t qq_onebit_adjust_scratch_size(size_t n, size_t k);
QQ_API qq_status qq_onebit_adjust(size_t n, size_t k, double percdamp,
                                  double perccorr, float *w, size_t ldw,
                                  const float *h, const float *c, void *scratch,
                                  size_t scratch_bytes);

// --- RTN and GPTQ of the same package --------------------------------------

// Codes are unsigned, 0 to 2^bits - 1; value = scale * (code - zero).
typedef struct qq_gptq_options {
    uint32_t init;
    int32_t block;     // 0  GPTQ: 128; from 1 on
    double percdamp;   // 1  GPTQ: .01; from 3.95e-4 on
    int32_t bits;      // 2  4; 1 to 63 (RTN: 64). More than 8: not solved
    int32_t group;     // 3  -1: a row; else from 1 on
    int32_t grid;      // 4  600 (RTN 100); from 1 on where mse is on
    double power;      // 5  2.4; above 0 where mse is on
    int symmetric;     //    GPTQ 1, RTN 0
    int mse;           //    0
    int act_order;     //    GPTQ: 0
    double max_shrink; //    .8 of the grid is searched
} qq_gptq_options;

QQ_API qq_gptq_options qq_gptq_options_init(void);
QQ_API qq_gptq_options qq_rtn_options_init(void);
QQ_API qq_status qq_gptq_options_check(const qq_gptq_options *o, uint32_t *bad);
QQ_API qq_status qq_rtn_options_check(const qq_gptq_options *o, uint32_t *bad);

// Scale and zero of every row, as GPTQ finds them.
QQ_API qq_status qq_gptq_grid(size_t n, size_t k, const qq_gptq_options *o,
                              const float *w, size_t ldw, float *scale,
                              float *zero);

// codes: n * k; scales and zeros: n * groups (RTN), groups * n (GPTQ), the
// scales as they are before they are rounded to halves. RTN refuses a group
// that does not divide k (QQ_ERR_SHAPE). GPTQ: h k * k; order: k, the column at
// each place, or NULL. QQ_ERR_FORMAT: H stays indefinite after five attempts.
QQ_API qq_status qq_rtn_solve(size_t n, size_t k, const qq_gptq_options *o,
                              const float *w, size_t ldw, uint8_t *codes,
                              float *scales, float *zeros);
QQ_API size_t qq_gptq_scratch_size(size_t n, size_t k);
QQ_API qq_status qq_gptq_solve(size_t n, size_t k, const qq_gptq_options *o,
                               const float *w, size_t ldw, const float *h,
                               uint8_t *codes, float *scales, float *zeros,
                               uint32_t *order, void *scratch,
                               size_t scratch_bytes);

// AutoGPTQ's words: codes (n * k) run down the inputs, lowest bits first, into
// (k bits / 32) * n words; zeros (groups * n) along the outputs, as given. Bits
// 2, 3, 4, 8 (QQ_ERR_ARGUMENT); k (n) must fill whole words (QQ_ERR_SHAPE).
QQ_API qq_status qq_gptq_pack_codes(size_t n, size_t k, unsigned bits,
                                    const uint8_t *codes, uint32_t *packed);
QQ_API qq_status qq_gptq_pack_zeros(size_t groups, size_t n, unsigned bits,
                                    const int32_t *zeros, uint32_t *packed);

#endif // QQUANT_API_ONEBIT_H
