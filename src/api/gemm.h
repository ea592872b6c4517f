// qquant floor 1: products of dense matrices of floats.
//
//   c(i, j) = sum over l of a(i, l) * b(l, j),   or added to what c holds
//
// THE ARITHMETIC. Every number of c is one chain of fused steps in order of l:
//
//   s = +0, or c(i, j) if accumulate;   s = fma(a(i, l), b(l, j), s)
//
// for l = 0 ... k - 1, each rounded once to f32; then c(i, j) = s, NaN being
// 7fc00000. Every machine, thread count and shape gives these bits, and where
// there is no fused instruction it is made. Training and whatever else needs a
// product of floats stand on this one.
//
// A matrix is a pointer and two strides in floats: from a row to the next, and
// from a column to the next. So a transpose is the same bytes with the strides
// exchanged, and costs nothing:
//
//   size_t need = qq_gemm_scratch_size(m, n, k, NULL);
//   qq_gemm(m, n, k, NULL, x, k, 1, w, 1, k, y, n, 1, scratch, need);
//
// is y = x w^T for x: m rows of k, w: n rows of k, y: m rows of n.

#ifndef QQUANT_API_GEMM_H
#define QQUANT_API_GEMM_H

#include "api/status.h"

// Make one with qq_gemm_options_init; NULL stands for the defaults: c is
// overwritten, by the calling thread alone. A struct of zeros is refused.
typedef struct qq_gemm_options {
    uint32_t init;
    int accumulate; // 1: adds to c
    // The caller's threads, and into how many parts the work is cut: from 1
    // on, also without threads. Scratch depends on it, results do not. A
    // small product stays on the calling thread.
    size_t parts;
    qq_parallel_for parallel;
    void *parallel_user;
} qq_gemm_options;

QQ_API qq_gemm_options qq_gemm_options_init(void);

// The scratch for it, the same on every machine: for every part at most 0.8
// MiB, in which pieces of a and b are put in order. SIZE_MAX for options that
// make no sense and beyond size_t.
QQ_API size_t qq_gemm_scratch_size(size_t m, size_t n, size_t k,
                                   const qq_gemm_options *o);

// a: m * k, b: k * n, c: m * n. Strides of a and b may be anything, 0 too; no
// two numbers of c may share a place, and c may not overlap anything else.
// Numbers between those of a matrix are neither read nor written. Nothing
// need be aligned beyond floats. QQ_ERR_ARGUMENT: options, NULL; QQ_ERR_SHAPE:
// strides beyond memory, or rows of c that run into each other; QQ_ERR_SIZE:
// scratch beyond size_t; QQ_ERR_SCRATCH.
QQ_API qq_status qq_gemm(size_t m, size_t n, size_t k, const qq_gemm_options *o,
                         const float *a, size_t a_row, size_t a_column,
                         const float *b, size_t b_row, size_t b_column,
                         float *c, size_t c_row, size_t c_column, void *scratch,
                         size_t scratch_bytes);

#endif // QQUANT_API_GEMM_H
