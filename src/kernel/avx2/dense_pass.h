// qquant floor 5: passes over a matrix in AVX2: see kernel/dense.h.
//
// A sum along a row is a chain, so rows lie side by side: 4 rows of 4 columns
// turn in registers. A sum along a column needs no such thing. Products that
// are rounded before they are added are kept from fusing by QQI_KEEP_AVX2.

#ifndef QQUANT_KERNEL_AVX2_DENSE_PASS_H
#define QQUANT_KERNEL_AVX2_DENSE_PASS_H

#include "kernel/avx2/dense.h"

#if QQI_HAS_AVX2

QQI_AVX2_FN void qqi_pass_move_avx2(size_t count, float d, const float *x,
                                    double *y)
{
    const __m256d by = _mm256_set1_pd((double)d);
    size_t j = 0;

    for (; j + 4 <= count; j += 4)
        _mm256_storeu_pd(
            y + j, _mm256_fmadd_pd(by, _mm256_cvtps_pd(_mm_loadu_ps(x + j)),
                                   _mm256_loadu_pd(y + j)));
    for (; j < count; j++)
        y[j] += (double)d * (double)x[j];
}

QQI_AVX2_FN void qqi_pass_add_avx2(size_t count, const double *m, size_t ldm,
                                   const double *d, double *y)
{
    for (size_t j = 0; j < count; j += 4) {
        __m256d s = _mm256_loadu_pd(y + j);
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < QQI_PASS_ADD; i++) {
            __m256d x = _mm256_mul_pd(_mm256_broadcast_sd(d + i),
                                      _mm256_loadu_pd(m + i * ldm + j));
            QQI_KEEP_AVX2(x);
            s = _mm256_add_pd(s, x);
        }
        _mm256_storeu_pd(y + j, s);
    }
}

// --- along rows ------------------------------------------------------------

// 4 columns of 4 rows, as f64: to[j] is column j.
QQI_AVX2_INLINE void qqi_pass_turn_avx2(const __m128 *x, __m256d *to)
{
    const __m128 t0 = _mm_unpacklo_ps(x[0], x[1]);
    const __m128 t1 = _mm_unpackhi_ps(x[0], x[1]);
    const __m128 t2 = _mm_unpacklo_ps(x[2], x[3]);
    const __m128 t3 = _mm_unpackhi_ps(x[2], x[3]);

    to[0] = _mm256_cvtps_pd(_mm_movelh_ps(t0, t2));
    to[1] = _mm256_cvtps_pd(_mm_movehl_ps(t2, t0));
    to[2] = _mm256_cvtps_pd(_mm_movelh_ps(t1, t3));
    to[3] = _mm256_cvtps_pd(_mm_movehl_ps(t3, t1));
}

// 4 numbers of a row of P.
QQI_AVX2_INLINE __m128 qqi_pass_weights_avx2(const qqi_weighed *p, size_t i,
                                             size_t j, __m128 columns)
{
    const __m128 w = _mm_loadu_ps(p->w + i * p->ldw + j);
    const __m128 x = _mm_mul_ps(w, _mm_broadcast_ss(p->rows + i));
    const __m128i mask = _mm_set1_epi32((int)p->mask);

    return _mm_and_ps(_mm_mul_ps(x, columns), _mm_castsi128_ps(mask));
}

QQI_AVX2_FN void qqi_pass_right_avx2(const qqi_weighed *p, size_t count,
                                     const double *v, double *s)
{
    __m256d sum[4];

    QQI_UNROLL_AVX2
    for (size_t i = 0; i < 4; i++)
        sum[i] = _mm256_loadu_pd(s + 4 * i);
    for (size_t k = 0; k < count; k += 4) {
        const __m128 columns = _mm_loadu_ps(p->columns + k);
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < 4; i++) {
            __m128 x[4];
            __m256d t[4];
            QQI_UNROLL_AVX2
            for (size_t l = 0; l < 4; l++)
                x[l] = qqi_pass_weights_avx2(p, 4 * i + l, k, columns);
            qqi_pass_turn_avx2(x, t);
            QQI_UNROLL_AVX2
            for (size_t j = 0; j < 4; j++)
                sum[i] = _mm256_fmadd_pd(t[j], _mm256_broadcast_sd(v + k + j),
                                         sum[i]);
        }
    }
    QQI_UNROLL_AVX2
    for (size_t i = 0; i < 4; i++)
        _mm256_storeu_pd(s + 4 * i, sum[i]);
}

// s + |fl(fl(d w) e)|.
QQI_AVX2_INLINE __m256d qqi_pass_norm_avx2(__m256d s, __m256d d, __m256d w,
                                           __m256d e)
{
    const __m256d x = _mm256_mul_pd(_mm256_mul_pd(d, w), e);
    __m256d v = _mm256_andnot_pd(_mm256_set1_pd(-0.0), x);

    QQI_KEEP_AVX2(v);
    return _mm256_add_pd(s, v);
}

QQI_AVX2_FN void qqi_pass_rows_avx2(const qqi_scaled *p, size_t count,
                                    double *s)
{
    __m256d sum[4];

    QQI_UNROLL_AVX2
    for (size_t i = 0; i < 4; i++)
        sum[i] = _mm256_loadu_pd(s + 4 * i);
    for (size_t k = 0; k < count; k += 4) {
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < 4; i++) {
            const __m256d d = _mm256_loadu_pd(p->d + 4 * i);
            __m128 x[4];
            __m256d t[4];
            QQI_UNROLL_AVX2
            for (size_t l = 0; l < 4; l++)
                x[l] = _mm_loadu_ps(p->w + (4 * i + l) * p->ldw + k);
            qqi_pass_turn_avx2(x, t);
            QQI_UNROLL_AVX2
            for (size_t j = 0; j < 4; j++)
                sum[i] = qqi_pass_norm_avx2(sum[i], d, t[j],
                                            _mm256_broadcast_sd(p->e + k + j));
        }
    }
    QQI_UNROLL_AVX2
    for (size_t i = 0; i < 4; i++)
        _mm256_storeu_pd(s + 4 * i, sum[i]);
}

// 4 numbers of a row's rest.
QQI_AVX2_INLINE __m128 qqi_pass_error_avx2(const qqi_signed *p, size_t i,
                                           size_t j, __m128 b)
{
    int32_t four;

    QQ_MEMCPY(&four, p->code + i * p->ldc + j, sizeof four);
    const __m128i code = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
    const __m128i minus =
        _mm_slli_epi32(_mm_andnot_si128(code, _mm_set1_epi32(1)), 31);
    __m128 x = _mm_mul_ps(_mm_broadcast_ss(p->a + i * p->lda), b);

    x = _mm_xor_ps(x, _mm_castsi128_ps(minus));
    return _mm_sub_ps(_mm_loadu_ps(p->w + i * p->ldw + j), x);
}

QQI_AVX2_FN void qqi_pass_rest_avx2(const qqi_signed *p, size_t count,
                                    double *s)
{
    __m256d sum[2];

    sum[0] = _mm256_loadu_pd(s);
    sum[1] = _mm256_loadu_pd(s + 4);
    for (size_t k = 0; k < count; k += 4) {
        const __m128 b = _mm_loadu_ps(p->b + k);
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < 2; i++) {
            __m128 x[4];
            __m256d t[4];
            QQI_UNROLL_AVX2
            for (size_t l = 0; l < 4; l++)
                x[l] = qqi_pass_error_avx2(p, 4 * i + l, k, b);
            qqi_pass_turn_avx2(x, t);
            QQI_UNROLL_AVX2
            for (size_t j = 0; j < 4; j++)
                sum[i] = _mm256_fmadd_pd(t[j], t[j], sum[i]);
        }
    }
    _mm256_storeu_pd(s, sum[0]);
    _mm256_storeu_pd(s + 4, sum[1]);
}

// --- along columns ---------------------------------------------------------

QQI_AVX2_FN void qqi_pass_left_avx2(const qqi_weighed *p, size_t count,
                                    const double *u, double *x)
{
    for (size_t j = 0; j < count; j += 4) {
        const __m128 columns = _mm_loadu_ps(p->columns + j);
        __m256d s = _mm256_loadu_pd(x + j);
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < QQI_PASS_SHORT; i++)
            s = _mm256_fmadd_pd(
                _mm256_broadcast_sd(u + i),
                _mm256_cvtps_pd(qqi_pass_weights_avx2(p, i, j, columns)), s);
        _mm256_storeu_pd(x + j, s);
    }
}

QQI_AVX2_FN void qqi_pass_columns_avx2(const qqi_scaled *p, size_t count,
                                       double *x, double *y)
{
    for (size_t j = 0; j < count; j += 4) {
        const __m256d e = _mm256_loadu_pd(p->e + j);
        __m256d s = _mm256_loadu_pd(x + j);
        __m256d t = _mm256_loadu_pd(y + j);
        QQI_UNROLL_AVX2
        for (size_t i = 0; i < QQI_PASS_SHORT; i++) {
            const __m256d w =
                _mm256_cvtps_pd(_mm_loadu_ps(p->w + i * p->ldw + j));
            s = qqi_pass_norm_avx2(s, _mm256_broadcast_sd(p->d + i), w, e);
            t = qqi_pass_norm_avx2(t, _mm256_broadcast_sd(p->other + i), w, e);
        }
        _mm256_storeu_pd(x + j, s);
        _mm256_storeu_pd(y + j, t);
    }
}

static QQI_UNUSED const qqi_dense_kernel qqi_dense_kernel_avx2 = {
    4,
    24,
    4,
    qqi_gemm_tile_avx2,
    qqi_gemm_turn_avx2,
    qqi_dense_sums_avx2,
    qqi_dense_widen_avx2,
    qqi_pass_move_avx2,
    qqi_pass_right_avx2,
    qqi_pass_left_avx2,
    qqi_pass_rows_avx2,
    qqi_pass_columns_avx2,
    qqi_pass_add_avx2,
    qqi_pass_rest_avx2,
};

#endif

#endif // QQUANT_KERNEL_AVX2_DENSE_PASS_H
