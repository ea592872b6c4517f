// qquant floor 5: passes over a matrix in AVX-512: see kernel/dense.h.
//
// A sum along a row is a chain, so rows lie side by side: 8 rows of 16 columns
// turn in registers, lanes of 4 by 4 first. A sum along a column needs no such
// thing. Products that are rounded before they are added are kept from fusing,
// by the magnitude or by QQI_KEEP_AVX512.

#ifndef QQUANT_KERNEL_AVX512_DENSE_PASS_H
#define QQUANT_KERNEL_AVX512_DENSE_PASS_H

#include "kernel/avx512/dense.h"

#if QQI_HAS_AVX512

QQI_AVX512_FN void qqi_pass_move_avx512(size_t count, float d, const float *x,
                                        double *y)
{
    const __m512d by = _mm512_set1_pd((double)d);
    size_t j = 0;

    for (; j + 16 <= count; j += 16) {
        const __m512d x0 = _mm512_cvtps_pd(_mm256_loadu_ps(x + j));
        const __m512d x1 = _mm512_cvtps_pd(_mm256_loadu_ps(x + j + 8));
        _mm512_storeu_pd(y + j,
                         _mm512_fmadd_pd(by, x0, _mm512_loadu_pd(y + j)));
        _mm512_storeu_pd(y + j + 8,
                         _mm512_fmadd_pd(by, x1, _mm512_loadu_pd(y + j + 8)));
    }
    for (; j < count; j++)
        y[j] += (double)d * (double)x[j];
}

QQI_AVX512_FN void qqi_pass_add_avx512(size_t count, const double *m,
                                       size_t ldm, const double *d, double *y)
{
    for (size_t j = 0; j < count; j += 8) {
        __m512d s = _mm512_loadu_pd(y + j);
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < QQI_PASS_ADD; i++) {
            __m512d x = _mm512_mul_pd(_mm512_set1_pd(d[i]),
                                      _mm512_loadu_pd(m + i * ldm + j));
            QQI_KEEP_AVX512(x);
            s = _mm512_add_pd(s, x);
        }
        _mm512_storeu_pd(y + j, s);
    }
}

// --- along rows ------------------------------------------------------------

// Column 4 l + 0, 1, 2, 3 of 4 rows in lane l.
QQI_AVX512_INLINE void qqi_pass_turn4_avx512(const __m512 *x, __m512d *to)
{
    const __m512d t0 = _mm512_castps_pd(_mm512_unpacklo_ps(x[0], x[1]));
    const __m512d t1 = _mm512_castps_pd(_mm512_unpackhi_ps(x[0], x[1]));
    const __m512d t2 = _mm512_castps_pd(_mm512_unpacklo_ps(x[2], x[3]));
    const __m512d t3 = _mm512_castps_pd(_mm512_unpackhi_ps(x[2], x[3]));

    to[0] = _mm512_unpacklo_pd(t0, t2);
    to[1] = _mm512_unpackhi_pd(t0, t2);
    to[2] = _mm512_unpacklo_pd(t1, t3);
    to[3] = _mm512_unpackhi_pd(t1, t3);
}

// 8 rows of 16 columns: to[j] holds columns j and j + 4, to[j + 4] those 8
// farther.
QQI_AVX512_INLINE void qqi_pass_turn8_avx512(const __m512 *x, __m512 *to)
{
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    __m512d u[4], v[4];

    qqi_pass_turn4_avx512(x, u);
    qqi_pass_turn4_avx512(x + 4, v);
    QQI_UNROLL_AVX512
    for (int j = 0; j < 4; j++) {
        to[j] = _mm512_castpd_ps(_mm512_permutex2var_pd(u[j], low, v[j]));
        to[j + 4] = _mm512_castpd_ps(_mm512_permutex2var_pd(u[j], high, v[j]));
    }
}

// Column j of what qqi_pass_turn8_avx512 made, as f64.
QQI_AVX512_INLINE __m512d qqi_pass_column_avx512(const __m512 *x, int j)
{
    const __m512 v = x[j % 4 + j / 8 * 4];

    return _mm512_cvtps_pd(j & 4 ? _mm512_extractf32x8_ps(v, 1)
                                 : _mm512_castps512_ps256(v));
}

// 16 numbers of a row of P.
QQI_AVX512_INLINE __m512 qqi_pass_weights_avx512(const qqi_weighed *p, size_t i,
                                                 size_t j, __m512 columns)
{
    const __m512 w = _mm512_loadu_ps(p->w + i * p->ldw + j);
    const __m512 x = _mm512_mul_ps(w, _mm512_set1_ps(p->rows[i]));
    const __m512i u = _mm512_castps_si512(_mm512_mul_ps(x, columns));

    return _mm512_castsi512_ps(
        _mm512_and_si512(u, _mm512_set1_epi32((int)p->mask)));
}

QQI_AVX512_FN void qqi_pass_right_avx512(const qqi_weighed *p, size_t count,
                                         const double *v, double *s)
{
    __m512d sum[2];

    sum[0] = _mm512_loadu_pd(s);
    sum[1] = _mm512_loadu_pd(s + 8);
    for (size_t k = 0; k < count; k += 16) {
        const __m512 columns = _mm512_loadu_ps(p->columns + k);
        QQI_UNROLL_AVX512
        for (size_t half = 0; half < 2; half++) {
            __m512 x[8], t[8];
            QQI_UNROLL_AVX512
            for (size_t i = 0; i < 8; i++)
                x[i] = qqi_pass_weights_avx512(p, 8 * half + i, k, columns);
            qqi_pass_turn8_avx512(x, t);
            QQI_UNROLL_AVX512
            for (int j = 0; j < 16; j++)
                sum[half] = _mm512_fmadd_pd(qqi_pass_column_avx512(t, j),
                                            _mm512_set1_pd(v[k + (size_t)j]),
                                            sum[half]);
        }
    }
    _mm512_storeu_pd(s, sum[0]);
    _mm512_storeu_pd(s + 8, sum[1]);
}

// s + |fl(fl(d w) e)|.
QQI_AVX512_INLINE __m512d qqi_pass_norm_avx512(__m512d s, __m512d d, __m512d w,
                                               __m512d e)
{
    const __m512d x = _mm512_mul_pd(_mm512_mul_pd(d, w), e);
    const __m512i u = _mm512_and_si512(_mm512_castpd_si512(x),
                                       _mm512_set1_epi64(0x7fffffffffffffff));
    __m512d v = _mm512_castsi512_pd(u);

    QQI_KEEP_AVX512(v);
    return _mm512_add_pd(s, v);
}

QQI_AVX512_FN void qqi_pass_rows_avx512(const qqi_scaled *p, size_t count,
                                        double *s)
{
    __m512d sum[2];

    sum[0] = _mm512_loadu_pd(s);
    sum[1] = _mm512_loadu_pd(s + 8);
    for (size_t k = 0; k < count; k += 16) {
        QQI_UNROLL_AVX512
        for (size_t half = 0; half < 2; half++) {
            const __m512d d = _mm512_loadu_pd(p->d + 8 * half);
            __m512 x[8], t[8];
            QQI_UNROLL_AVX512
            for (size_t i = 0; i < 8; i++)
                x[i] = _mm512_loadu_ps(p->w + (8 * half + i) * p->ldw + k);
            qqi_pass_turn8_avx512(x, t);
            QQI_UNROLL_AVX512
            for (int j = 0; j < 16; j++)
                sum[half] = qqi_pass_norm_avx512(
                    sum[half], d, qqi_pass_column_avx512(t, j),
                    _mm512_set1_pd(p->e[k + (size_t)j]));
        }
    }
    _mm512_storeu_pd(s, sum[0]);
    _mm512_storeu_pd(s + 8, sum[1]);
}

// 16 numbers of a row's rest.
QQI_AVX512_INLINE __m512 qqi_pass_error_avx512(const qqi_signed *p, size_t i,
                                               size_t j, __m512 b)
{
    const __m128i code = _mm_loadu_si128(
        (const __m128i *)(const void *)(p->code + i * p->ldc + j));
    const __mmask16 plus = _mm_test_epi8_mask(code, _mm_set1_epi8(1));
    const __m512 w = _mm512_loadu_ps(p->w + i * p->ldw + j);
    __m512 x = _mm512_mul_ps(_mm512_set1_ps(p->a[i * p->lda]), b);

    QQI_KEEP_AVX512(x);
    return _mm512_mask_sub_ps(_mm512_add_ps(w, x), plus, w, x);
}

QQI_AVX512_FN void qqi_pass_rest_avx512(const qqi_signed *p, size_t count,
                                        double *s)
{
    __m512d sum = _mm512_loadu_pd(s);

    for (size_t k = 0; k < count; k += 16) {
        const __m512 b = _mm512_loadu_ps(p->b + k);
        __m512 x[8], t[8];
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < 8; i++)
            x[i] = qqi_pass_error_avx512(p, i, k, b);
        qqi_pass_turn8_avx512(x, t);
        QQI_UNROLL_AVX512
        for (int j = 0; j < 16; j++) {
            const __m512d e = qqi_pass_column_avx512(t, j);
            sum = _mm512_fmadd_pd(e, e, sum);
        }
    }
    _mm512_storeu_pd(s, sum);
}

// --- along columns ---------------------------------------------------------

QQI_AVX512_INLINE __m512d qqi_pass_low_avx512(__m512 v)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(v));
}

QQI_AVX512_INLINE __m512d qqi_pass_high_avx512(__m512 v)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
}

QQI_AVX512_FN void qqi_pass_left_avx512(const qqi_weighed *p, size_t count,
                                        const double *u, double *x)
{
    for (size_t j = 0; j < count; j += 16) {
        const __m512 columns = _mm512_loadu_ps(p->columns + j);
        __m512d s0 = _mm512_loadu_pd(x + j);
        __m512d s1 = _mm512_loadu_pd(x + j + 8);
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < QQI_PASS_SHORT; i++) {
            const __m512 v = qqi_pass_weights_avx512(p, i, j, columns);
            const __m512d by = _mm512_set1_pd(u[i]);
            s0 = _mm512_fmadd_pd(by, qqi_pass_low_avx512(v), s0);
            s1 = _mm512_fmadd_pd(by, qqi_pass_high_avx512(v), s1);
        }
        _mm512_storeu_pd(x + j, s0);
        _mm512_storeu_pd(x + j + 8, s1);
    }
}

QQI_AVX512_FN void qqi_pass_columns_avx512(const qqi_scaled *p, size_t count,
                                           double *x, double *y)
{
    for (size_t j = 0; j < count; j += 8) {
        const __m512d e = _mm512_loadu_pd(p->e + j);
        __m512d s = _mm512_loadu_pd(x + j);
        __m512d t = _mm512_loadu_pd(y + j);
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < QQI_PASS_SHORT; i++) {
            const __m512d w =
                _mm512_cvtps_pd(_mm256_loadu_ps(p->w + i * p->ldw + j));
            s = qqi_pass_norm_avx512(s, _mm512_set1_pd(p->d[i]), w, e);
            t = qqi_pass_norm_avx512(t, _mm512_set1_pd(p->other[i]), w, e);
        }
        _mm512_storeu_pd(x + j, s);
        _mm512_storeu_pd(y + j, t);
    }
}

static QQI_UNUSED const qqi_dense_kernel qqi_dense_kernel_avx512 = {
    8,
    32,
    8,
    qqi_gemm_tile_avx512,
    qqi_gemm_turn_avx512,
    qqi_dense_sums_avx512,
    qqi_dense_widen_avx512,
    qqi_pass_move_avx512,
    qqi_pass_right_avx512,
    qqi_pass_left_avx512,
    qqi_pass_rows_avx512,
    qqi_pass_columns_avx512,
    qqi_pass_add_avx512,
    qqi_pass_rest_avx512,
};

#endif

#endif // QQUANT_KERNEL_AVX512_DENSE_PASS_H
