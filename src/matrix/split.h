// qquant floor 7: an f64 as the sum of two floats.
//
//   x = high + low + rest,   |rest| <= 2^-48 |x|
//
// while nothing underflows. Products of pieces are exact in f64, so that
//
//   x y ~ high high + high low + low high
//
// is a sum of products that no compiler can spoil, and good to 2^-46 of |x y|:
// what factorizations need, made by the one kernel of matrix/dense.h.

#ifndef QQUANT_MATRIX_SPLIT_H
#define QQUANT_MATRIX_SPLIT_H

#include "matrix/dense.h"
#include "num/half.h"

QQI_FN void qqi_split(size_t count, const double *x, float *high, float *low)
{
    for (size_t i = 0; i < count; i++) {
        const float h = (float)x[i];
        high[i] = h;
        low[i] = (float)(x[i] - (double)h);
    }
}

// The three products of split.h: d's a and b are the high parts.
QQI_FN void qqi_split_add(const qqi_dense *d, const float *a_low,
                          const float *b_low, double *room)
{
    qqi_dense e = *d;

    qqi_dense_add(&e, room);
    e.b = b_low;
    qqi_dense_add(&e, room);
    e.b = d->b;
    e.a = a_low;
    qqi_dense_add(&e, room);
}

#endif // QQUANT_MATRIX_SPLIT_H
