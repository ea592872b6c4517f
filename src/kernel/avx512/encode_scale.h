// qquant floor 5: the scales of rows of numbers: AVX-512.
//
// Magnitudes are compared as integers, which have the order of floats, and NaN
// above all.

#ifndef QQUANT_KERNEL_AVX512_ENCODE_SCALE_H
#define QQUANT_KERNEL_AVX512_ENCODE_SCALE_H

#include "kernel/avx512/core.h"
#include "kernel/encode.h"

#if QQI_HAS_AVX512

QQI_AVX512_INLINE __m512i qqi_magnitudes_avx512(const uint8_t *x,
                                                __mmask16 columns)
{
    const __m512i u = _mm512_maskz_loadu_epi32(columns, (const void *)x);

    return _mm512_and_si512(u, _mm512_set1_epi32(0x7fffffff));
}

// The largest of n magnitudes, in sixteen pieces.
QQI_AVX512_INLINE __m512i qqi_tops_avx512(const uint8_t *x, size_t n)
{
    __m512i a = _mm512_setzero_si512();
    __m512i b = a;
    size_t i = 0;

    for (; i + 32 <= n; i += 32, x += 128) {
        a = _mm512_max_epi32(a, qqi_magnitudes_avx512(x, 0xffff));
        b = _mm512_max_epi32(b, qqi_magnitudes_avx512(x + 64, 0xffff));
    }
    for (; i < n; i += 16, x += 64)
        a = _mm512_max_epi32(a,
                             qqi_magnitudes_avx512(x, qqi_below_avx512(n - i)));
    return _mm512_max_epi32(a, b);
}

// The largest of each pair of lanes, of a and then of b.
QQI_AVX512_INLINE __m512i qqi_halve_avx512(__m512i a, __m512i b)
{
    return _mm512_max_epi32(_mm512_shuffle_i32x4(a, b, 0x44),
                            _mm512_shuffle_i32x4(a, b, 0xee));
}

// Of rows i, i + 4, i + 8 and i + 12: a lane each.
QQI_AVX512_INLINE __m512i qqi_four_tops_avx512(const qqi_encode *e, size_t i,
                                               size_t k, size_t n)
{
    const size_t at = 4 * k;
    const __m512i a =
        qqi_halve_avx512(qqi_tops_avx512(qqi_encode_row(e, i) + at, n),
                         qqi_tops_avx512(qqi_encode_row(e, i + 4) + at, n));
    const __m512i b =
        qqi_halve_avx512(qqi_tops_avx512(qqi_encode_row(e, i + 8) + at, n),
                         qqi_tops_avx512(qqi_encode_row(e, i + 12) + at, n));

    return _mm512_max_epi32(_mm512_shuffle_i32x4(a, b, 0x88),
                            _mm512_shuffle_i32x4(a, b, 0xdd));
}

// max|x| of the rows of the tile that begins at k.
QQI_AVX512_FN __m512 qqi_row_tops_avx512(const qqi_encode *e, size_t k)
{
    const size_t n = qqi_encode_columns(e, k);
    const __m512i a = qqi_four_tops_avx512(e, 0, k, n);
    const __m512i b = qqi_four_tops_avx512(e, 1, k, n);
    const __m512i c = qqi_four_tops_avx512(e, 2, k, n);
    const __m512i d = qqi_four_tops_avx512(e, 3, k, n);
    const __m512 ab = _mm512_castsi512_ps(_mm512_max_epi32(
        _mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)));
    const __m512 cd = _mm512_castsi512_ps(_mm512_max_epi32(
        _mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d)));

    return _mm512_castsi512_ps(
        _mm512_max_epi32(_mm512_castps_si512(_mm512_shuffle_ps(ab, cd, 0x88)),
                         _mm512_castps_si512(_mm512_shuffle_ps(ab, cd, 0xdd))));
}

// f32(factor * max|x|).
QQI_AVX512_INLINE __m512 qqi_top_bounds_avx512(const qqi_encode *e, size_t k)
{
    const __m512 top = qqi_row_tops_avx512(e, k);
    float bound[16];

    if (e->plain)
        return top;
    _mm512_storeu_ps((void *)bound, top);
    for (size_t i = 0; i < 16; i++)
        bound[i] = qqi_encode_times(e, bound[i]);
    return _mm512_loadu_ps((const void *)bound);
}

// --- means -----------------------------------------------------------------

QQI_AVX512_INLINE __m512d qqi_add_eight_avx512(__m512d sum, const uint8_t *x,
                                               __mmask8 columns)
{
    const __m256 v = _mm256_maskz_loadu_ps(columns, (const void *)x);

    return _mm512_add_pd(sum, _mm512_abs_pd(_mm512_cvtps_pd(v)));
}

// The sum of n magnitudes.
QQI_AVX512_INLINE double qqi_sum_avx512(const uint8_t *x, size_t n)
{
    __m512d a = _mm512_setzero_pd();
    __m512d b = a, c = a, d = a;
    size_t i = 0;

    for (; i + 32 <= n; i += 32, x += 128) {
        a = qqi_add_eight_avx512(a, x, 0xff);
        b = qqi_add_eight_avx512(b, x + 32, 0xff);
        c = qqi_add_eight_avx512(c, x + 64, 0xff);
        d = qqi_add_eight_avx512(d, x + 96, 0xff);
    }
    for (; i < n; i += 8, x += 32)
        a = qqi_add_eight_avx512(
            a, x, (__mmask8)(n - i < 8 ? (1u << (n - i)) - 1 : 0xffu));
    return _mm512_reduce_add_pd(
        _mm512_add_pd(_mm512_add_pd(a, b), _mm512_add_pd(c, d)));
}

QQI_AVX512_INLINE __m256 qqi_eight_means_avx512(const qqi_encode *e,
                                                __m512d sum, size_t n)
{
    const __m512d mean = _mm512_div_pd(sum, _mm512_set1_pd((double)n));

    return _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_set1_pd(e->factor), mean));
}

// f32(factor * mean|x|) of the rows of the tile that begins at k.
QQI_AVX512_FN __m512 qqi_mean_bounds_avx512(const qqi_encode *e, size_t k)
{
    const size_t n = qqi_encode_columns(e, k);
    const double slack = qqi_encode_slack(n);
    double sums[16];
    float bound[16];

    for (size_t i = 0; i < 16; i++)
        sums[i] = qqi_sum_avx512(qqi_encode_row(e, i) + 4 * k, n);
    for (size_t i = 0; i < 16; i += 8) {
        const __m512d sum = _mm512_loadu_pd(sums + i);
        const __m512d less = _mm512_mul_pd(sum, _mm512_set1_pd(1.0 - slack));
        const __m512d more = _mm512_mul_pd(sum, _mm512_set1_pd(1.0 + slack));
        const __m256 low = qqi_eight_means_avx512(e, less, n);
        const __m256 high = qqi_eight_means_avx512(e, more, n);
        const unsigned same = _mm256_cmp_ps_mask(low, high, _CMP_EQ_OQ);
        _mm256_storeu_ps(bound + i, low);
        for (size_t j = 0; j < 8; j++)
            if (!(same >> j & 1))
                bound[i + j] = qqi_encode_mean(e, i + j, k, n);
    }
    return _mm512_loadu_ps((const void *)bound);
}

// --- scales ----------------------------------------------------------------

// Stores the scales of rows that are there; answers them as they will be read.
QQI_AVX512_INLINE __m512 qqi_put_scales_avx512(const qqi_encode *e, __m512 s,
                                               uint8_t *out)
{
    const __mmask16 rows = qqi_below_avx512(e->rows);

    if (e->scale_type == QQ_TYPE_F16) {
        // Not _mm512_cvtps_ph, in which g++ 12 warns of its own mask at -O0.
        const __m256i half = _mm512_maskz_cvtps_ph(
            rows, s, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        _mm256_storeu_si256((__m256i *)(void *)out, half);
        return _mm512_cvtph_ps(half);
    }
    _mm512_storeu_ps((void *)out, _mm512_maskz_mov_ps(rows, s));
    return s;
}

QQI_AVX512_INLINE __m512 qqi_scales_of_avx512(const qqi_encode *e, __m512 bound)
{
    const __m512 nothing = _mm512_set1_ps(QQI_ENCODE_LEAST);
    const __m512 least = _mm512_set1_ps(qqi_encode_scale_least(e));
    const __m512 zero = _mm512_setzero_ps();
    const __m512 s = _mm512_div_ps(bound, _mm512_set1_ps(e->reach));
    const __m512 most = _mm512_max_ps(s, least);

    if (e->type == QQ_TYPE_SIGN)
        return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(bound, zero, _CMP_GT_OQ),
                                   most);
    return _mm512_mask_mov_ps(most, _mm512_cmp_ps_mask(s, nothing, _CMP_LT_OQ),
                              _mm512_set1_ps(1.0f));
}

// Whether one of them lies 1 to 7 off a multiple of 2^16.
QQI_AVX512_INLINE int qqi_hard_avx512(__m512 s)
{
    const __m512i seven = _mm512_set1_epi32(7);
    const __m512i up = _mm512_add_epi32(_mm512_castps_si512(s), seven);
    const __m512i off = _mm512_and_si512(up, _mm512_set1_epi32(0xffff));

    return _mm512_mask_cmpneq_epi32_mask(
               _mm512_cmple_epu32_mask(off, _mm512_set1_epi32(14)), off,
               seven) != 0;
}

// The scales of the tile that begins at k; 0: not this way.
QQI_AVX512_FN int qqi_make_scales_avx512(const qqi_encode *e, size_t k,
                                         uint8_t *out, qqi_encode_scales *to)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    const __m512 bound =
        e->mean ? qqi_mean_bounds_avx512(e, k) : qqi_top_bounds_avx512(e, k);
    const __m512 most = _mm512_set1_ps(qqi_encode_most(e));

    if (_mm512_cmp_ps_mask(bound, most, _CMP_LT_OQ) != 0xffff)
        return 0;
    const __m512 s =
        qqi_put_scales_avx512(e, qqi_scales_of_avx512(e, bound), out);
    const __m512 r = _mm512_div_ps(one, s);
    const __m512 off = _mm512_fnmadd_ps(r, s, one);
    const __m512 high = _mm512_mul_ps(s, _mm512_set1_ps(qqi_encode_high(e)));
    _mm512_storeu_ps((void *)to->s, s);
    _mm512_storeu_ps((void *)to->r, r);
    _mm512_storeu_ps((void *)to->t, _mm512_mul_ps(r, off));
    _mm512_storeu_ps((void *)to->high, high);
    _mm512_storeu_ps((void *)to->low, _mm512_sub_ps(_mm512_setzero_ps(), high));
    to->hard = qqi_encode_cuts(e) || qqi_hard_avx512(s);
    if (e->type == QQ_TYPE_SIGN)
        qqi_encode_sign_steps(to->s, to->low, to->high);
    return 1;
}
#endif

#endif // QQUANT_KERNEL_AVX512_ENCODE_SCALE_H
