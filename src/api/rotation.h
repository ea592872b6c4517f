// qquant floor 1: rotation of inputs by seeded signs and a Hadamard matrix.
//
// A few large numbers in x cost all others of their row or tile their bits. An
// orthogonal Q spreads them:  W x = (W Q) (Q^T x),  with
//
//   x Q = x diag(s) B / sqrt(block)
//
// B having blocks of H_1 = (1), H_2m = (H_m H_m; H_m -H_m) on its diagonal and
// s being -1 or +1. W Q is what is quantized; x is turned whenever it is
// multiplied, which is k log2(block) sums a row. (QuaRot, QuIP#.)
//
// THE ARITHMETIC, in f32: numbers whose sign is - are negated; then sums and
// differences of pairs 1, 2, 4, ... apart within every block; then one product
// with fl(1 / fl(sqrt(block))). NaN is 7fc00000. B is symmetric, so the way
// back is B first and then s.

#ifndef QQUANT_API_ROTATION_H
#define QQUANT_API_ROTATION_H

#include "api/tensor.h"

// Make one with qq_rotation_make: block is the largest power of two that
// divides k, at most the limit given (0: no limit). The sign of column j is -
// where bit j mod 64 of Threefry's answer at the counter j / 64 (its high word
// first, then its low one) is 1, under the key (0, seed); the first word of the
// answer is the low one.
typedef struct qq_rotation {
    uint32_t init;
    uint32_t seed;
    size_t k;
    size_t block;
} qq_rotation;

QQ_API qq_rotation qq_rotation_make(size_t k, size_t limit, uint32_t seed);

// Rows become x Q, or x Q^T where back is 1; in place. A weight is turned as
// rows are: each of its rows w becomes w Q. QQ_ERR_ARGUMENT: no rotation, NULL;
// QQ_ERR_SHAPE: ldx below k, beyond memory.
QQ_API qq_status qq_rotation_rows(const qq_rotation *r, int back, size_t rows,
                                  float *x, size_t ldx);

#endif // QQUANT_API_ROTATION_H
