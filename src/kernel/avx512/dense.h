// qquant floor 5: tiles of dense products in AVX-512: see kernel/dense.h.
//
// Both tiles hold 16 sums in registers: 8 rows by 2 vectors of floats, 4 rows
// by 4 vectors of f64. A step is as many fused multiply-adds, in 8 cycles,
// and 10 or 8 loads, of which two a cycle are free. Numbers of sums are floats
// kept as f64, whose products are exact: fma is the product and the sum.

#ifndef QQUANT_KERNEL_AVX512_DENSE_H
#define QQUANT_KERNEL_AVX512_DENSE_H

#include "kernel/avx512/core.h"
#include "kernel/dense.h"

#if QQI_HAS_AVX512

// With the one NaN there is.
QQI_AVX512_INLINE __m512 qqi_gemm_nan_avx512(__m512 v)
{
    const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000));

    return _mm512_mask_mov_ps(v, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), nan);
}

// Asks for a line that may lie behind the end of c: nothing is read.
QQI_AVX512_INLINE void qqi_gemm_soon_avx512(const void *c, size_t bytes)
{
    _mm_prefetch((const char *)((uintptr_t)c + bytes), _MM_HINT_T0);
}

QQI_AVX512_FN void qqi_gemm_tile_avx512(size_t depth, const float *a,
                                        const float *b, size_t ldb, float *c,
                                        size_t ldc, int how)
{
    __m512 s[16];

    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 16; i++)
        s[i] = how & QQI_TILE_ADD
                   ? _mm512_loadu_ps(c + i / 2 * ldc + i % 2 * 16)
                   : _mm512_setzero_ps();
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 16; i++) // the tile below
        qqi_gemm_soon_avx512(c, 4 * ((8 + i / 2) * ldc + i % 2 * 16));
    for (size_t k = 0; k < depth; k++, a += 8, b += ldb) {
        const __m512 b0 = _mm512_loadu_ps(b);
        const __m512 b1 = _mm512_loadu_ps(b + 16);
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < 8; i++) {
            __m512 x = _mm512_set1_ps(a[i]);
            QQI_KEEP_AVX512(x);
            s[2 * i] = _mm512_fmadd_ps(x, b0, s[2 * i]);
            s[2 * i + 1] = _mm512_fmadd_ps(x, b1, s[2 * i + 1]);
        }
    }
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 16; i++) {
        if (how & QQI_TILE_LAST)
            s[i] = qqi_gemm_nan_avx512(s[i]);
        _mm512_storeu_ps(c + i / 2 * ldc + i % 2 * 16, s[i]);
    }
}

QQI_AVX512_FN void qqi_dense_sums_avx512(size_t depth, const double *a,
                                         const double *b, double *c, size_t ldc,
                                         const float *soon, size_t step)
{
    __m512d s[16];

    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 16; i++)
        s[i] = _mm512_loadu_pd(c + i / 4 * ldc + i % 4 * 8);
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 16; i++) // the tile below
        qqi_gemm_soon_avx512(c, 8 * ((4 + i / 4) * ldc + i % 4 * 8));
    for (size_t k = 0; k < depth; k++, a += 4, b += QQI_DENSE_COLUMNS) {
        const __m512d b0 = _mm512_loadu_pd(b);
        const __m512d b1 = _mm512_loadu_pd(b + 8);
        const __m512d b2 = _mm512_loadu_pd(b + 16);
        const __m512d b3 = _mm512_loadu_pd(b + 24);
        _mm_prefetch((const char *)(soon + k * step), _MM_HINT_T0);
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < 16; i += 4) {
            __m512d x = _mm512_set1_pd(a[i / 4]);
            QQI_KEEP_AVX512(x);
            s[i] = _mm512_fmadd_pd(x, b0, s[i]);
            s[i + 1] = _mm512_fmadd_pd(x, b1, s[i + 1]);
            s[i + 2] = _mm512_fmadd_pd(x, b2, s[i + 2]);
            s[i + 3] = _mm512_fmadd_pd(x, b3, s[i + 3]);
        }
    }
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 16; i++)
        _mm512_storeu_pd(c + i / 4 * ldc + i % 4 * 8, s[i]);
}

QQI_AVX512_FN void qqi_dense_widen_avx512(size_t depth, const float *b,
                                          size_t ldb, double *to)
{
    for (size_t r = 0; r < depth; r++, b += ldb)
        for (size_t j = 0; j < QQI_DENSE_COLUMNS; j += 8, to += 8)
            _mm512_storeu_pd(to, _mm512_cvtps_pd(_mm256_loadu_ps(b + j)));
}

// 8 numbers each of two rows.
QQI_AVX512_INLINE __m512 qqi_gemm_two_avx512(const float *x, size_t far)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(x)),
                              _mm256_loadu_ps(x + far), 1);
}

// What stands in lanes 0 and 2 goes to number k, 1 and 3 to number k + 4.
QQI_AVX512_INLINE void qqi_gemm_turned_avx512(__m512d u, float *to,
                                              size_t width)
{
    const __m512 v = _mm512_castpd_ps(u);
    const __m512 w = _mm512_shuffle_f32x4(v, v, _MM_SHUFFLE(3, 1, 2, 0));

    _mm256_storeu_ps(to, _mm512_castps512_ps256(w));
    _mm256_storeu_ps(to + 4 * width, _mm512_extractf32x8_ps(w, 1));
}

// Rows 0 and 4, 1 and 5, ... are halves of a register; lanes of 4 by 4 turn.
QQI_AVX512_FN void qqi_gemm_turn_avx512(size_t width, size_t depth,
                                        const float *x, size_t ld, float *to)
{
    size_t k = 0;

    for (; k + 8 <= depth; k += 8, to += 8 * width) {
        const __m512 x0 = qqi_gemm_two_avx512(x + k, 4 * ld);
        const __m512 x1 = qqi_gemm_two_avx512(x + k + ld, 4 * ld);
        const __m512 x2 = qqi_gemm_two_avx512(x + k + 2 * ld, 4 * ld);
        const __m512 x3 = qqi_gemm_two_avx512(x + k + 3 * ld, 4 * ld);
        const __m512d t0 = _mm512_castps_pd(_mm512_unpacklo_ps(x0, x1));
        const __m512d t1 = _mm512_castps_pd(_mm512_unpackhi_ps(x0, x1));
        const __m512d t2 = _mm512_castps_pd(_mm512_unpacklo_ps(x2, x3));
        const __m512d t3 = _mm512_castps_pd(_mm512_unpackhi_ps(x2, x3));
        qqi_gemm_turned_avx512(_mm512_unpacklo_pd(t0, t2), to, width);
        qqi_gemm_turned_avx512(_mm512_unpackhi_pd(t0, t2), to + width, width);
        qqi_gemm_turned_avx512(_mm512_unpacklo_pd(t1, t3), to + 2 * width,
                               width);
        qqi_gemm_turned_avx512(_mm512_unpackhi_pd(t1, t3), to + 3 * width,
                               width);
    }
    for (; k < depth; k++, to += width)
        for (size_t i = 0; i < 8; i++)
            to[i] = x[i * ld + k];
}

#endif

#endif // QQUANT_KERNEL_AVX512_DENSE_H
