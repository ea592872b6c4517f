// qquant floor 1: how far two tensors are apart.

#ifndef QQUANT_API_METRIC_H
#define QQUANT_API_METRIC_H

#include "api/array.h"

// x is the reference, y what became of it, d = y - x; sums in f64, one number
// after another, so the figures are the same on every machine.
typedef struct qq_metrics {
    double max_error;  // max |d|
    double mean_error; // sum |d| / n
    double rmse;       // sqrt(sum d^2 / n)
    double sqnr_db;    // 10 log10(sum x^2 / sum d^2), to 1e-11;
                       // +infinity if d = 0, else -infinity if x = 0
    double cosine;     // sum xy / sqrt(sum x^2 * sum y^2); 0 if one sum is 0,
                       // 1 if both are
    double relative;   // sqrt(sum d^2 / sum x^2); 0 if d = 0, else +infinity if
                       // x = 0
    size_t count;      // n, the pairs of finite numbers
    size_t skipped;    // pairs with a NaN or an infinity, counted nowhere else
} qq_metrics;

// Compares two float tensors (f32, f16, bf16, f64) of one count; shapes do not
// matter. Where f64 numbers are so large that a sum is infinite, the figures
// made of two sums are NaN. QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API qq_status qq_compare(const qq_tensor *x, const qq_tensor *y,
                            qq_metrics *out);

// The share of x's numbers that lie more than half a step beyond the outermost
// code, so that more than rounding took them to their value:
//
//   integers       |x - value| > scale / 2 outwards, and the code is the least
//                  or greatest (of signed ones the least is -max, or beyond)
//   small floats,  x beyond the outermost value by half the distance to the
//   code books     next one (times scale)
//
// x (f32, f16, bf16, f64) has a's shape; a NaN is not clipped. 0 for an empty
// array, and for codes that are floats. QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API qq_status qq_clipped_share(const qq_tensor *x, const qq_array *a,
                                  double *out);

#endif // QQUANT_API_METRIC_H
