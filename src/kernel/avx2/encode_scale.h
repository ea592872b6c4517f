// qquant floor 5: the scales of rows of numbers: AVX2.
//
// Magnitudes are compared as integers, which have the order of floats, and NaN
// above all.

#ifndef QQUANT_KERNEL_AVX2_ENCODE_SCALE_H
#define QQUANT_KERNEL_AVX2_ENCODE_SCALE_H

#include "kernel/avx2/core.h"
#include "kernel/encode.h"

#if QQI_HAS_AVX2

// The largest of n magnitudes, in eight pieces.
QQI_AVX2_INLINE __m256i qqi_tops_avx2(const uint8_t *x, size_t n)
{
    const __m256i mask = _mm256_set1_epi32(0x7fffffff);
    __m256i a = _mm256_setzero_si256();
    __m256i b = a;

    for (; n >= 16; n -= 16, x += 64) {
        const __m256i *p = (const __m256i *)(const void *)x;
        const __m256i u = _mm256_loadu_si256(p);
        const __m256i v = _mm256_loadu_si256(p + 1);
        a = _mm256_max_epi32(a, _mm256_and_si256(u, mask));
        b = _mm256_max_epi32(b, _mm256_and_si256(v, mask));
    }
    if (n > 0) {
        uint8_t rest[64] = {0};
        QQ_MEMCPY(rest, x, 4 * n);
        const __m256i *p = (const __m256i *)(const void *)rest;
        const __m256i u = _mm256_loadu_si256(p);
        const __m256i v = _mm256_loadu_si256(p + 1);
        a = _mm256_max_epi32(a, _mm256_and_si256(u, mask));
        b = _mm256_max_epi32(b, _mm256_and_si256(v, mask));
    }
    return _mm256_max_epi32(a, b);
}

// Of rows i and i + 4: a lane each.
QQI_AVX2_INLINE __m256i qqi_two_tops_avx2(const qqi_encode *e, size_t i,
                                          size_t k, size_t n)
{
    const __m256i a = qqi_tops_avx2(qqi_encode_row(e, i) + 4 * k, n);
    const __m256i b = qqi_tops_avx2(qqi_encode_row(e, i + 4) + 4 * k, n);

    return _mm256_max_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                            _mm256_permute2x128_si256(a, b, 0x31));
}

// max|x| of the eight rows from row i on.
QQI_AVX2_FN __m256 qqi_eight_tops_avx2(const qqi_encode *e, size_t i, size_t k,
                                       size_t n)
{
    const __m256i a = qqi_two_tops_avx2(e, i, k, n);
    const __m256i b = qqi_two_tops_avx2(e, i + 1, k, n);
    const __m256i c = qqi_two_tops_avx2(e, i + 2, k, n);
    const __m256i d = qqi_two_tops_avx2(e, i + 3, k, n);
    const __m256 ab = _mm256_castsi256_ps(_mm256_max_epi32(
        _mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)));
    const __m256 cd = _mm256_castsi256_ps(_mm256_max_epi32(
        _mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d)));

    return _mm256_castsi256_ps(
        _mm256_max_epi32(_mm256_castps_si256(_mm256_shuffle_ps(ab, cd, 0x88)),
                         _mm256_castps_si256(_mm256_shuffle_ps(ab, cd, 0xdd))));
}

// --- means -----------------------------------------------------------------

QQI_AVX2_INLINE __m256d qqi_add_four_avx2(__m256d sum, const uint8_t *x)
{
    const __m256d v =
        _mm256_cvtps_pd(_mm_loadu_ps((const float *)(const void *)x));

    return _mm256_add_pd(sum, _mm256_andnot_pd(_mm256_set1_pd(-0.0), v));
}

// The sum of n magnitudes.
QQI_AVX2_INLINE double qqi_sum_avx2(const uint8_t *x, size_t n)
{
    __m256d a = _mm256_setzero_pd();
    __m256d b = a, c = a, d = a;
    double parts[4];

    for (; n >= 16; n -= 16, x += 64) {
        a = qqi_add_four_avx2(a, x);
        b = qqi_add_four_avx2(b, x + 16);
        c = qqi_add_four_avx2(c, x + 32);
        d = qqi_add_four_avx2(d, x + 48);
    }
    if (n > 0) {
        uint8_t rest[64] = {0};
        QQ_MEMCPY(rest, x, 4 * n);
        a = qqi_add_four_avx2(a, rest);
        b = qqi_add_four_avx2(b, rest + 16);
        c = qqi_add_four_avx2(c, rest + 32);
        d = qqi_add_four_avx2(d, rest + 48);
    }
    a = _mm256_add_pd(_mm256_add_pd(a, b), _mm256_add_pd(c, d));
    _mm256_storeu_pd(parts, a);
    return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

QQI_AVX2_INLINE __m128 qqi_four_means_avx2(const qqi_encode *e, __m256d sum,
                                           size_t n)
{
    const __m256d mean = _mm256_div_pd(sum, _mm256_set1_pd((double)n));

    return _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_set1_pd(e->factor), mean));
}

// f32(factor * mean|x|) of the eight rows from row i on.
QQI_AVX2_FN __m256 qqi_eight_means_avx2(const qqi_encode *e, size_t i, size_t k,
                                        size_t n)
{
    const double slack = qqi_encode_slack(n);
    double sums[8];
    float bound[8];

    for (size_t j = 0; j < 8; j++)
        sums[j] = qqi_sum_avx2(qqi_encode_row(e, i + j) + 4 * k, n);
    for (size_t j = 0; j < 8; j += 4) {
        const __m256d sum = _mm256_loadu_pd(sums + j);
        const __m256d less = _mm256_mul_pd(sum, _mm256_set1_pd(1.0 - slack));
        const __m256d more = _mm256_mul_pd(sum, _mm256_set1_pd(1.0 + slack));
        const __m128 low = qqi_four_means_avx2(e, less, n);
        const __m128 high = qqi_four_means_avx2(e, more, n);
        const int same = _mm_movemask_ps(_mm_cmpeq_ps(low, high));
        _mm_storeu_ps(bound + j, low);
        for (size_t r = 0; r < 4; r++)
            if (!(same >> r & 1))
                bound[j + r] = qqi_encode_mean(e, i + j + r, k, n);
    }
    return _mm256_loadu_ps(bound);
}

// The bounds of the eight rows from row i on, of the tile that begins at k.
QQI_AVX2_INLINE __m256 qqi_eight_bounds_avx2(const qqi_encode *e, size_t i,
                                             size_t k)
{
    const size_t n = qqi_encode_columns(e, k);
    float bound[8];

    if (e->mean)
        return qqi_eight_means_avx2(e, i, k, n);
    const __m256 top = qqi_eight_tops_avx2(e, i, k, n);
    if (e->plain)
        return top;
    _mm256_storeu_ps(bound, top);
    for (size_t j = 0; j < 8; j++)
        bound[j] = qqi_encode_times(e, bound[j]);
    return _mm256_loadu_ps(bound);
}

// --- scales ----------------------------------------------------------------

// Stores the scales of the first rows; answers them as they will be read.
QQI_AVX2_INLINE __m256 qqi_put_scales_avx2(const qqi_encode *e, __m256 s,
                                           size_t rows, uint8_t *out)
{
    const __m256 there = qqi_first_avx2(rows);

    if (e->scale_type == QQ_TYPE_F16) {
        const __m128i half =
            _mm256_cvtps_ph(_mm256_and_ps(s, there),
                            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        _mm_storeu_si128((__m128i *)(void *)out, half);
        // Missing rows count as 1.
        return _mm256_blendv_ps(_mm256_set1_ps(1.0f), _mm256_cvtph_ps(half),
                                there);
    }
    _mm256_storeu_ps((float *)(void *)out, _mm256_and_ps(s, there));
    return s;
}

QQI_AVX2_INLINE __m256 qqi_scales_of_avx2(const qqi_encode *e, __m256 bound)
{
    const __m256 nothing = _mm256_set1_ps(QQI_ENCODE_LEAST);
    const __m256 least = _mm256_set1_ps(qqi_encode_scale_least(e));
    const __m256 s = _mm256_div_ps(bound, _mm256_set1_ps(e->reach));
    const __m256 most = _mm256_max_ps(s, least);

    if (e->type == QQ_TYPE_SIGN)
        return _mm256_and_ps(
            most, _mm256_cmp_ps(bound, _mm256_setzero_ps(), _CMP_GT_OQ));
    return _mm256_blendv_ps(most, _mm256_set1_ps(1.0f),
                            _mm256_cmp_ps(s, nothing, _CMP_LT_OQ));
}

// Whether one of them lies 1 to 7 off a multiple of 2^16.
QQI_AVX2_INLINE int qqi_hard_avx2(__m256 s)
{
    const __m256i seven = _mm256_set1_epi32(7);
    const __m256i up = _mm256_add_epi32(_mm256_castps_si256(s), seven);
    const __m256i off = _mm256_and_si256(up, _mm256_set1_epi32(0xffff));
    const __m256i within = _mm256_cmpgt_epi32(_mm256_set1_epi32(15), off);

    return _mm256_movemask_epi8(_mm256_andnot_si256(
               _mm256_cmpeq_epi32(off, seven), within)) != 0;
}

// Eight rows from row i on.
QQI_AVX2_INLINE int qqi_eight_scales_avx2(const qqi_encode *e, size_t i,
                                          size_t k, uint8_t *out,
                                          qqi_encode_scales *to)
{
    const size_t rows = e->rows > i ? e->rows - i : 0;
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256 bound = qqi_eight_bounds_avx2(e, i, k);
    const __m256 most = _mm256_set1_ps(qqi_encode_most(e));

    if (_mm256_movemask_ps(_mm256_cmp_ps(bound, most, _CMP_LT_OQ)) != 0xff)
        return 0;
    const __m256 s =
        qqi_put_scales_avx2(e, qqi_scales_of_avx2(e, bound), rows, out);
    const __m256 r = _mm256_div_ps(one, s);
    const __m256 off = _mm256_fnmadd_ps(r, s, one);
    const __m256 high = _mm256_mul_ps(s, _mm256_set1_ps(qqi_encode_high(e)));
    _mm256_storeu_ps(to->s + i, s);
    _mm256_storeu_ps(to->r + i, r);
    _mm256_storeu_ps(to->t + i, _mm256_mul_ps(r, off));
    _mm256_storeu_ps(to->high + i, high);
    _mm256_storeu_ps(to->low + i, _mm256_sub_ps(_mm256_setzero_ps(), high));
    to->hard = to->hard || qqi_hard_avx2(s);
    return 1;
}

QQI_AVX2_FN int qqi_make_scales_avx2(const qqi_encode *e, size_t k,
                                     uint8_t *out, qqi_encode_scales *to)
{
    const size_t half = e->scale_type == QQ_TYPE_F16 ? 16 : 32;

    to->hard = qqi_encode_cuts(e);
    for (size_t i = 0; i < 16; i += 8, out += half)
        if (!qqi_eight_scales_avx2(e, i, k, out, to))
            return 0;
    if (e->type == QQ_TYPE_SIGN)
        qqi_encode_sign_steps(to->s, to->low, to->high);
    return 1;
}
#endif

#endif // QQUANT_KERNEL_AVX2_ENCODE_SCALE_H
