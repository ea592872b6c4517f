// qquant floor 5: scales of rows of floats as int8, by AVX-512: four rows side
// by side, or a lone one.

#ifndef QQUANT_KERNEL_AVX512_ROWS_SCALE_H
#define QQUANT_KERNEL_AVX512_ROWS_SCALE_H

#include "kernel/avx512/store.h"

#if QQI_HAS_AVX512

// Up to four columns of q from c on, a row of x each.
typedef struct qqi_rows_avx512 {
    const qqi_product *p;
    const qqi_columns *g;
    size_t c;
    size_t count; // that are there
    size_t at[4]; // where rows begin in x
    float r[4];
    __mmask16 in[4]; // lanes to load: of a row that is left out, none
} qqi_rows_avx512;

// 16 numbers of row i from k on.
QQI_AVX512_INLINE __m512 qqi_rows_load_avx512(const qqi_rows_avx512 *w,
                                              int plain, size_t i, size_t k,
                                              __mmask16 in)
{
    return qqi_numbers_at_avx512(w->p, plain, w->at[i], k, in & w->in[i]);
}

// --- scales ----------------------------------------------------------------

// The magnitudes of 16 numbers of rows, where they are larger.
QQI_AVX512_INLINE void qqi_rows_more_avx512(const qqi_rows_avx512 *w, int plain,
                                            unsigned rows, size_t k,
                                            __mmask16 in, __m512i *most)
{
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < rows; i++) {
        const __m512 v = qqi_rows_load_avx512(w, plain, i, k, in);
        most[i] = _mm512_max_epu32(
            most[i], _mm512_and_si512(_mm512_castps_si512(v), mask));
    }
}

// The largest magnitudes of rows, as bits.
QQI_AVX512_INLINE __m128i qqi_rows_most_avx512(const qqi_rows_avx512 *w,
                                               int plain, unsigned rows)
{
    const size_t end = w->p->k;
    size_t k = 0;
    __m512i most[4];

    most[0] = most[1] = most[2] = most[3] = _mm512_setzero_si512();
    for (; plain && k + 16 <= end; k += 16)
        qqi_rows_more_avx512(w, 1, rows, k, 0xffff, most);
    for (; k < end; k += 16)
        qqi_rows_more_avx512(w, plain, rows, k, qqi_below_avx512(end - k),
                             most);
    qqi_turn_avx512(most);
    most[0] = _mm512_max_epu32(_mm512_max_epu32(most[0], most[1]),
                               _mm512_max_epu32(most[2], most[3]));
    const __m256i half = _mm256_max_epu32(
        _mm512_castsi512_si256(most[0]), _mm512_extracti64x4_epi64(most[0], 1));
    return _mm_max_epu32(_mm256_castsi256_si128(half),
                         _mm256_extracti128_si256(half, 1));
}

// r, sx and which rows are more than zeros: see qqi_run_rule.
QQI_AVX512_INLINE void qqi_rows_scale_avx512(qqi_rows_avx512 *w, int plain,
                                             unsigned rows)
{
    const __m128 q = _mm_set1_ps(127.0f);
    const __m128i u = qqi_rows_most_avx512(w, plain, rows);
    const __m128 largest = _mm_castsi128_ps(u);
    const __mmask8 odd =
        _mm_cmpge_epu32_mask(u, _mm_set1_epi32((int)QQI_F32_INF));
    const __mmask8 live =
        _mm_cmpge_epu32_mask(u, _mm_set1_epi32((int)QQI_TINY)) & (__mmask8)~odd;
    const __m128 sx =
        _mm_mask_mov_ps(_mm_maskz_div_ps(live, largest, q), odd,
                        _mm_castsi128_ps(_mm_set1_epi32((int)QQI_F32_NAN)));

    _mm_storeu_ps(w->r, _mm_maskz_div_ps(live, q, largest));
    _mm_mask_storeu_ps(w->g->scale + w->c, (__mmask8)((1u << w->count) - 1),
                       sx);
    for (unsigned i = 0; i < rows; i++)
        w->in[i] = live >> i & 1 ? w->in[i] : 0;
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_ROWS_SCALE_H
