// qquant floor 5: products of dense matrices in AVX-512: see matrix/dense.h.
//
// c[r][j] = c[r][j] + a[k * 4 + r] * panel[k * 32 + j] for every k in order.
// The numbers of a and of the panel are floats kept as f64, so their products
// are exact and fma is the product and the sum.

#ifndef QQUANT_KERNEL_AVX512_DENSE_H
#define QQUANT_KERNEL_AVX512_DENSE_H

#include "simd.h"

#if QQI_HAS_AVX512

#  include <immintrin.h>

// 32 columns of a row.
typedef struct qqi_wide_avx512 {
    __m512d v0;
    __m512d v1;
    __m512d v2;
    __m512d v3;
} qqi_wide_avx512;

// Bits of the columns of each quarter.
QQI_INLINE __mmask8 qqi_quarter_mask(size_t columns, size_t quarter)
{
    const size_t from = 8 * quarter;
    const size_t left = columns > from ? columns - from : 0;

    return (__mmask8)(left >= 8 ? 255u : (1u << left) - 1u);
}

QQI_AVX512_INLINE qqi_wide_avx512 qqi_wide_load_avx512(const double *c,
                                                       size_t columns)
{
    qqi_wide_avx512 s;

    s.v0 = _mm512_maskz_loadu_pd(qqi_quarter_mask(columns, 0), c);
    s.v1 = _mm512_maskz_loadu_pd(qqi_quarter_mask(columns, 1), c + 8);
    s.v2 = _mm512_maskz_loadu_pd(qqi_quarter_mask(columns, 2), c + 16);
    s.v3 = _mm512_maskz_loadu_pd(qqi_quarter_mask(columns, 3), c + 24);
    return s;
}

QQI_AVX512_INLINE void qqi_wide_store_avx512(qqi_wide_avx512 s, double *c,
                                             size_t columns)
{
    _mm512_mask_storeu_pd(c, qqi_quarter_mask(columns, 0), s.v0);
    _mm512_mask_storeu_pd(c + 8, qqi_quarter_mask(columns, 1), s.v1);
    _mm512_mask_storeu_pd(c + 16, qqi_quarter_mask(columns, 2), s.v2);
    _mm512_mask_storeu_pd(c + 24, qqi_quarter_mask(columns, 3), s.v3);
}

QQI_AVX512_INLINE void qqi_wide_step_avx512(qqi_wide_avx512 *s, double a,
                                            __m512d b0, __m512d b1, __m512d b2,
                                            __m512d b3)
{
    const __m512d x = _mm512_set1_pd(a);

    s->v0 = _mm512_fmadd_pd(x, b0, s->v0);
    s->v1 = _mm512_fmadd_pd(x, b1, s->v1);
    s->v2 = _mm512_fmadd_pd(x, b2, s->v2);
    s->v3 = _mm512_fmadd_pd(x, b3, s->v3);
}

// Four rows of c; where there are fewer the others are copies of the first.
QQI_AVX512_FN void qqi_dense_rows_avx512(const double *a, size_t depth,
                                         const double *panel, double *c0,
                                         double *c1, double *c2, double *c3,
                                         size_t columns)
{
    qqi_wide_avx512 s0 = qqi_wide_load_avx512(c0, columns);
    qqi_wide_avx512 s1 = qqi_wide_load_avx512(c1, columns);
    qqi_wide_avx512 s2 = qqi_wide_load_avx512(c2, columns);
    qqi_wide_avx512 s3 = qqi_wide_load_avx512(c3, columns);

    for (size_t k = 0; k < depth; k++) {
        const double *b = panel + 32 * k;
        const __m512d b0 = _mm512_loadu_pd(b);
        const __m512d b1 = _mm512_loadu_pd(b + 8);
        const __m512d b2 = _mm512_loadu_pd(b + 16);
        const __m512d b3 = _mm512_loadu_pd(b + 24);
        qqi_wide_step_avx512(&s0, a[4 * k], b0, b1, b2, b3);
        qqi_wide_step_avx512(&s1, a[4 * k + 1], b0, b1, b2, b3);
        qqi_wide_step_avx512(&s2, a[4 * k + 2], b0, b1, b2, b3);
        qqi_wide_step_avx512(&s3, a[4 * k + 3], b0, b1, b2, b3);
    }
    qqi_wide_store_avx512(s3, c3, columns);
    qqi_wide_store_avx512(s2, c2, columns);
    qqi_wide_store_avx512(s1, c1, columns);
    qqi_wide_store_avx512(s0, c0, columns);
}

#endif

#endif // QQUANT_KERNEL_AVX512_DENSE_H
