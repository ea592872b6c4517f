// qquant floor 5: tiles of dense products in AVX2: see kernel/dense.h.
//
// A tile of floats is 4 rows by 3 vectors, 12 sums of 16 registers; one of f64
// goes through its 32 columns 12, 12 and 8 at a time. Numbers of sums are
// floats kept as f64, whose products are exact: fma is the product and the sum.

#ifndef QQUANT_KERNEL_AVX2_DENSE_H
#define QQUANT_KERNEL_AVX2_DENSE_H

#include "kernel/avx2/core.h"
#include "kernel/dense.h"

#if QQI_HAS_AVX2

// Before a loop over registers, which must be laid out in full.
#  if QQI_CLANG
#    define QQI_UNROLL_AVX2 _Pragma("unroll")
#  else
#    define QQI_UNROLL_AVX2 _Pragma("GCC unroll 16")
#  endif

// Makes the compiler load v once, and keeps a product from fusing.
#  define QQI_KEEP_AVX2(v) __asm__("" : "+x"(v))

// With the one NaN there is.
QQI_AVX2_INLINE __m256 qqi_gemm_nan_avx2(__m256 v)
{
    const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));

    return _mm256_blendv_ps(v, nan, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}

QQI_AVX2_FN void qqi_gemm_tile_avx2(size_t depth, const float *a,
                                    const float *b, size_t ldb, float *c,
                                    size_t ldc, int how)
{
    __m256 s[12];

    QQI_UNROLL_AVX2
    for (size_t i = 0; i < 12; i++)
        s[i] = how & QQI_TILE_ADD ? _mm256_loadu_ps(c + i / 3 * ldc + i % 3 * 8)
                                  : _mm256_setzero_ps();
    for (size_t k = 0; k < depth; k++, a += 4, b += ldb) {
        const __m256 b0 = _mm256_loadu_ps(b);
        const __m256 b1 = _mm256_loadu_ps(b + 8);
        const __m256 b2 = _mm256_loadu_ps(b + 16);
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < 12; i += 3) {
            __m256 x = _mm256_broadcast_ss(a + i / 3);
            QQI_KEEP_AVX2(x);
            s[i] = _mm256_fmadd_ps(x, b0, s[i]);
            s[i + 1] = _mm256_fmadd_ps(x, b1, s[i + 1]);
            s[i + 2] = _mm256_fmadd_ps(x, b2, s[i + 2]);
        }
    }
    QQI_UNROLL_AVX2
    for (size_t i = 0; i < 12; i++) {
        if (how & QQI_TILE_LAST)
            s[i] = qqi_gemm_nan_avx2(s[i]);
        _mm256_storeu_ps(c + i / 3 * ldc + i % 3 * 8, s[i]);
    }
}

// 4 rows of 8 numbers become 8 of 4: lanes of 4 by 4 turn.
QQI_AVX2_FN void qqi_gemm_turn_avx2(size_t width, size_t depth, const float *x,
                                    size_t ld, float *to)
{
    size_t k = 0;

    for (; k + 8 <= depth; k += 8, to += 8 * width) {
        const __m256 x0 = _mm256_loadu_ps(x + k);
        const __m256 x1 = _mm256_loadu_ps(x + k + ld);
        const __m256 x2 = _mm256_loadu_ps(x + k + 2 * ld);
        const __m256 x3 = _mm256_loadu_ps(x + k + 3 * ld);
        const __m256d t0 = _mm256_castps_pd(_mm256_unpacklo_ps(x0, x1));
        const __m256d t1 = _mm256_castps_pd(_mm256_unpackhi_ps(x0, x1));
        const __m256d t2 = _mm256_castps_pd(_mm256_unpacklo_ps(x2, x3));
        const __m256d t3 = _mm256_castps_pd(_mm256_unpackhi_ps(x2, x3));
        __m256 u[4];
        u[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(t0, t2));
        u[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(t0, t2));
        u[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(t1, t3));
        u[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(t1, t3));
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < 4; i++) {
            _mm_storeu_ps(to + i * width, _mm256_castps256_ps128(u[i]));
            _mm_storeu_ps(to + (i + 4) * width, _mm256_extractf128_ps(u[i], 1));
        }
    }
    for (; k < depth; k++, to += width)
        for (size_t i = 0; i < 4; i++)
            to[i] = x[i * ld + k];
}

// 4 rows by count vectors; a constant.
QQI_AVX2_INLINE void qqi_dense_some_avx2(size_t depth, const double *a,
                                         const double *b, double *c, size_t ldc,
                                         size_t count)
{
    __m256d s[12];

    QQI_UNROLL_AVX2
    for (size_t i = 0; i < 4 * count; i++)
        s[i] = _mm256_loadu_pd(c + i / count * ldc + i % count * 4);
    for (size_t k = 0; k < depth; k++, a += 4, b += QQI_DENSE_COLUMNS) {
        __m256d v[3];
        QQI_UNROLL_AVX2
        for (size_t j = 0; j < count; j++)
            v[j] = _mm256_loadu_pd(b + 4 * j);
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < 4; i++) {
            __m256d x = _mm256_broadcast_sd(a + i);
            QQI_KEEP_AVX2(x);
            QQI_UNROLL_AVX2
            for (size_t j = 0; j < count; j++)
                s[i * count + j] = _mm256_fmadd_pd(x, v[j], s[i * count + j]);
        }
    }
    QQI_UNROLL_AVX2
    for (size_t i = 0; i < 4 * count; i++)
        _mm256_storeu_pd(c + i / count * ldc + i % count * 4, s[i]);
}

QQI_AVX2_FN void qqi_dense_sums_avx2(size_t depth, const double *a,
                                     const double *b, double *c, size_t ldc,
                                     const float *soon, size_t step)
{
    for (size_t k = 0; k < depth && step > 0; k++)
        _mm_prefetch((const char *)(soon + k * step), _MM_HINT_T0);
    qqi_dense_some_avx2(depth, a, b, c, ldc, 3);
    qqi_dense_some_avx2(depth, a, b + 12, c + 12, ldc, 3);
    qqi_dense_some_avx2(depth, a, b + 24, c + 24, ldc, 2);
}

QQI_AVX2_FN void qqi_dense_widen_avx2(size_t depth, const float *b, size_t ldb,
                                      double *to)
{
    for (size_t r = 0; r < depth; r++, b += ldb)
        for (size_t j = 0; j < QQI_DENSE_COLUMNS; j += 4, to += 4)
            _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm_loadu_ps(b + j)));
}

#endif

#endif // QQUANT_KERNEL_AVX2_DENSE_H
