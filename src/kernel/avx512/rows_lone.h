// qquant floor 5: a lone row of floats as int8 by AVX-512, where all of it is
// whole strips of 64 numbers and nothing about it is odd: what comes before its
// product can begin is a chain of steps that wait for each other, so no step
// goes through memory or a mask. avx512/rows.h has all other rows.

#ifndef QQUANT_KERNEL_AVX512_ROWS_LONE_H
#define QQUANT_KERNEL_AVX512_ROWS_LONE_H

#include "kernel/avx512/rows_scale.h"

#if QQI_HAS_AVX512

// The largest magnitude, as bits.
QQI_AVX512_INLINE __m128i qqi_lone_most_avx512(const uint8_t *x, size_t k)
{
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    __m512i most[4];

    most[0] = most[1] = most[2] = most[3] = _mm512_setzero_si512();
    for (; k > 0; k -= 64, x += 256) {
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < 4; i++)
            most[i] = _mm512_max_epu32(
                most[i], _mm512_and_si512(qqi_load_avx512(x + 64 * i), mask));
    }
    most[0] = _mm512_max_epu32(_mm512_max_epu32(most[0], most[1]),
                               _mm512_max_epu32(most[2], most[3]));
    const __m256i half = _mm256_max_epu32(
        _mm512_castsi512_si256(most[0]), _mm512_extracti64x4_epi64(most[0], 1));
    __m128i v = _mm_max_epu32(_mm256_castsi256_si128(half),
                              _mm256_extracti128_si256(half, 1));
    v = _mm_max_epu32(v, _mm_shuffle_epi32(v, 0x4e));
    return _mm_max_epu32(v, _mm_shuffle_epi32(v, 0xb1));
}

// A strip into q; returns its sums of 16 numbers, in order.
QQI_AVX512_INLINE __m128i qqi_lone_strip_avx512(const uint8_t *x, __m512 r,
                                                int8_t *to)
{
    __m512i q[4];

    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 4; i++)
        q[i] = _mm512_cvtps_epi32(
            _mm512_mul_ps(_mm512_loadu_ps((const void *)(x + 64 * i)), r));
    const __m512i v = _mm512_packs_epi16(_mm512_packs_epi32(q[0], q[1]),
                                         _mm512_packs_epi32(q[2], q[3]));
    qqi_store_avx512(to, qqi_in_order_avx512(v));
    const __m512i fours = qqi_add_fours_avx512(_mm512_setzero_si512(), v);
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(fours),
                                          _mm512_extracti64x4_epi64(fours, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half),
                         _mm256_extracti128_si256(half, 1));
}

// q and sum of a row; spans are two of a strip, or whole strips.
QQI_AVX512_INLINE void qqi_lone_make_avx512(const qqi_product *p,
                                            const qqi_columns *g,
                                            const uint8_t *x, __m512 r)
{
    __m128i sum = _mm_setzero_si128();
    size_t s = 0;

    for (size_t k = 0; k < p->k; k += 64) {
        sum = _mm_add_epi32(sum, qqi_lone_strip_avx512(x + 4 * k, r, g->q + k));
        if (p->span > 32 && k + 64 < p->k && k + 64 < (s + 1) * p->span)
            continue;
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
        const int32_t low = _mm_cvtsi128_si32(sum);
        const int32_t high = _mm_cvtsi128_si32(_mm_shuffle_epi32(sum, 0x4e));
        if (p->span > 32) {
            g->sum[s++] = qqi_start_sum_avx512(p, low + high);
        } else {
            g->sum[s++] = qqi_start_sum_avx512(p, low);
            g->sum[s++] = qqi_start_sum_avx512(p, high);
        }
        sum = _mm_setzero_si128();
    }
}

// 0, and nothing of use done, where it is not such a row.
QQI_AVX512_FN int qqi_prepare_lone_avx512(const qqi_product *p,
                                          const qqi_columns *g)
{
    const uint8_t *x = p->x + 4 * g->first * p->ldx;
    const int whole = p->span % 64 == 0 || p->spans == 1 || p->span == 32;

    if (p->k % 64 != 0 || !whole)
        return 0;
    const __m128i most = qqi_lone_most_avx512(x, p->k);
    const uint32_t u = (uint32_t)_mm_cvtsi128_si32(most);
    if (u < QQI_TINY || u >= QQI_F32_INF)
        return 0;
    const __m128 largest = _mm_castsi128_ps(most);
    const __m128 q = _mm_set_ss(127.0f);
    _mm_store_ss(g->scale, _mm_div_ss(largest, q));
    qqi_lone_make_avx512(p, g, x,
                         _mm512_broadcastss_ps(_mm_div_ss(q, largest)));
    return 1;
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_ROWS_LONE_H
