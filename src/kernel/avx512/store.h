// qquant floor 5: strips of four columns into q, by AVX-512, and their sums.

#ifndef QQUANT_KERNEL_AVX512_STORE_H
#define QQUANT_KERNEL_AVX512_STORE_H

#include "kernel/avx512/strip.h"

#if QQI_HAS_AVX512

// Turns 4 rows of 16 numbers of 4 bytes into 16 rows of 4: row 4 i + j is
// quarter i of v[j].
QQI_AVX512_INLINE void qqi_turn_avx512(__m512i *v)
{
    const __m512i a = _mm512_unpacklo_epi32(v[0], v[1]);
    const __m512i b = _mm512_unpackhi_epi32(v[0], v[1]);
    const __m512i c = _mm512_unpacklo_epi32(v[2], v[3]);
    const __m512i d = _mm512_unpackhi_epi32(v[2], v[3]);

    v[0] = _mm512_unpacklo_epi64(a, c);
    v[1] = _mm512_unpackhi_epi64(a, c);
    v[2] = _mm512_unpacklo_epi64(b, d);
    v[3] = _mm512_unpackhi_epi64(b, d);
}

// Row i of these 16.
QQI_AVX512_INLINE __m128i qqi_turned_avx512(const __m512i *v, size_t i)
{
    const __m512i r = v[i % 4];

    return i / 4 == 0   ? _mm512_castsi512_si128(r)
           : i / 4 == 1 ? _mm512_extracti32x4_epi32(r, 1)
           : i / 4 == 2 ? _mm512_extracti32x4_epi32(r, 2)
                        : _mm512_extracti32x4_epi32(r, 3);
}

// Stores the first n of these 16 rows, step bytes apart.
QQI_AVX512_INLINE void qqi_store_turned_avx512(const __m512i *v, size_t n,
                                               uint8_t *to, size_t step)
{
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 16; i++) {
        if (i < n)
            _mm_storeu_si128((__m128i *)(void *)(to + i * step),
                             qqi_turned_avx512(v, i));
    }
}

// Adds neighbours by fours: |sum| of 512 at most.
QQI_AVX512_INLINE __m512i qqi_add_fours_avx512(__m512i sum, __m512i q)
{
    const __m512i pairs = _mm512_maddubs_epi16(_mm512_set1_epi8(1), q);

    return _mm512_add_epi32(sum,
                            _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

// Strips of columns c to c + 3, fewer than four of them or in units of 64.
QQI_AVX512_FN void qqi_store_odd_avx512(const qqi_columns *g, size_t c,
                                        size_t k, size_t fours,
                                        const __m512i *v)
{
    const size_t count = g->width - c < 4 ? g->width - c : 4;
    int8_t *to = g->q + qqi_columns_at(g, k, c);
    uint8_t bytes[64];

    for (size_t i = 0; i < count; i++) {
        if (g->unit == 64) {
            _mm512_mask_storeu_epi32(to + 64 * i, qqi_below_avx512(fours),
                                     v[i]);
            continue;
        }
        qqi_store_avx512(bytes, v[i]);
        for (size_t j = 0; j < fours; j++)
            QQ_MEMCPY(to + 4 * (j * g->width + i), bytes + 4 * j, 4);
    }
}

// Stores strips of columns c to c + 3, or as many as there are, n numbers of
// each from k on. Returns sums of 16 numbers a quarter: lane i has column c +
// i; of a lone column all lanes have parts.
QQI_AVX512_INLINE __m512i qqi_store_strips_avx512(const qqi_columns *g,
                                                  int lone, size_t c, size_t k,
                                                  size_t n, __m512i *v)
{
    const size_t fours = (n + 3) / 4;
    const int odd = g->width - c < 4 || g->unit == 64;
    uint8_t *to = (uint8_t *)g->q + k * g->width + 4 * c;
    __m512i sum = _mm512_setzero_si512();

    if (lone) {
        if (n == 64)
            qqi_store_avx512(to, v[0]);
        else
            _mm512_mask_storeu_epi32(to, qqi_below_avx512(fours), v[0]);
        return qqi_add_fours_avx512(sum, v[0]);
    }
    if (odd)
        qqi_store_odd_avx512(g, c, k, fours, v);
    qqi_turn_avx512(v);
    if (!odd && n == 64)
        qqi_store_turned_avx512(v, 16, to, 4 * g->width);
    else if (!odd)
        qqi_store_turned_avx512(v, fours, to, 4 * g->width);
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 4; i++)
        sum = qqi_add_fours_avx512(sum, v[i]);
    return sum;
}

// Adds quarters first to last - 1 of sums to those of span s, of columns c to
// c + 3.
QQI_AVX512_INLINE void qqi_store_sums_avx512(const qqi_columns *g, size_t s,
                                             size_t c, size_t first,
                                             size_t last, __m512i sums)
{
    int32_t *to = g->sum + s * g->width + c;
    int32_t sum[16];

    if (g->width == 1) {
        sums =
            _mm512_add_epi32(sums, _mm512_shuffle_epi32(sums, _MM_PERM_CDAB));
        sums =
            _mm512_add_epi32(sums, _mm512_shuffle_epi32(sums, _MM_PERM_BADC));
    }
    qqi_store_avx512(sum, sums);
    for (size_t j = 4 * first; j < 4 * last; j += 4)
        for (size_t i = 0; i < 4 && c + i < g->width; i++)
            to[i] += sum[j + i];
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_STORE_H
