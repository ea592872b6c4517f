// qquant floor 5: rows of floats as int8, a scale a row, by AVX-512: the way of
// most products.
//
// Four rows go together, or a lone one: their largest magnitudes first, which
// become scales side by side; then strips of 64 numbers. Saturation may stand
// for limits (avx512/strip.h); a row that is all zeros is not even loaded.
//
// A strip of a row is four registers of 16 numbers, packed within quarters: its
// dword 4 i + j has the four numbers from 16 j + 4 i on. Turned with its three
// neighbours it gives, in quarter i of register j, just these numbers of all
// four: numbers that follow each other are quarters that do.

#ifndef QQUANT_KERNEL_AVX512_ROWS_H
#define QQUANT_KERNEL_AVX512_ROWS_H

#include "kernel/avx512/rows_lone.h"

#if QQI_HAS_AVX512

// --- strips ----------------------------------------------------------------

// Numbers k to k + n - 1 of row i, zeros behind them.
QQI_AVX512_INLINE __m512i qqi_rows_strip_avx512(const qqi_rows_avx512 *w,
                                                int plain, size_t i, size_t k,
                                                size_t n)
{
    __m512i q[4];

    QQI_UNROLL_AVX512
    for (size_t j = 0; j < 4; j++) {
        const __mmask16 in = qqi_below_avx512(n > 16 * j ? n - 16 * j : 0);
        q[j] = _mm512_cvtps_epi32(
            _mm512_mul_ps(qqi_rows_load_avx512(w, plain, i, k + 16 * j, in),
                          _mm512_set1_ps(w->r[i])));
    }
    return _mm512_packs_epi16(_mm512_packs_epi32(q[0], q[1]),
                              _mm512_packs_epi32(q[2], q[3]));
}

// Sums of fours.
QQI_AVX512_INLINE __m512i qqi_rows_fours_avx512(__m512i q)
{
    return qqi_add_fours_avx512(_mm512_setzero_si512(), q);
}

// Strips of four rows into q, 64 numbers of each. v becomes sums: lane i of
// every quarter has column i, register j numbers 16 j to 16 j + 15.
QQI_AVX512_INLINE void qqi_rows_store_avx512(const qqi_rows_avx512 *w, size_t k,
                                             __m512i *v)
{
    const qqi_columns *g = w->g;
    const size_t left = g->width - w->c;
    uint8_t *to = (uint8_t *)g->q + k * g->width + w->c * g->unit;

    if (g->unit == 64) {
        for (size_t i = 0; i < 4 && i < left; i++)
            qqi_store_avx512(to + 64 * i, qqi_in_order_avx512(v[i]));
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < 4; i++)
            v[i] = qqi_rows_fours_avx512(v[i]);
        qqi_turn_avx512(v);
        return;
    }
    qqi_turn_avx512(v);
    if (g->width == 4) {
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < 4; i++)
            qqi_store_avx512(to + 64 * i, v[i]);
    } else {
        const __mmask8 some = (__mmask8)(left < 4 ? (1u << left) - 1 : 15);
        const size_t step = 4 * g->width;
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < 16; i++)
            _mm_mask_storeu_epi32(to + i * step, some,
                                  qqi_turned_avx512(v, i % 4 * 4 + i / 4));
    }
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 4; i++)
        v[i] = qqi_rows_fours_avx512(v[i]);
}

// --- sums ------------------------------------------------------------------

// Adds quarters.
QQI_AVX512_INLINE __m128i qqi_rows_quarters_avx512(__m512i v)
{
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(v),
                                          _mm512_extracti64x4_epi64(v, 1));

    return _mm_add_epi32(_mm256_castsi256_si128(half),
                         _mm256_extracti128_si256(half, 1));
}

// What g->sum holds for sums of span s: see qqi_start_sum_avx512.
QQI_AVX512_INLINE void qqi_rows_start_avx512(const qqi_rows_avx512 *w, size_t s,
                                             __m128i sum)
{
    const size_t left = w->g->width - w->c;
    const __mmask8 some = (__mmask8)(left < 4 ? (1u << left) - 1 : 15);
    const __m128i n = _mm_sub_epi32(_mm_setzero_si128(), sum);
    __m128i start = n;

    switch (qqi_start_kind_avx512(w->p)) {
    case QQI_START_PAIR:
        start = _mm_or_si128(_mm_slli_epi32(_mm_srli_epi32(n, 7), 16),
                             _mm_and_si128(n, _mm_set1_epi32(127)));
        break;
    case QQI_START_PLAIN:
        break;
    case QQI_START_READY:
    default:
        start = _mm_mullo_epi32(n, _mm_set1_epi32(w->p->add));
    }
    _mm_mask_storeu_epi32(w->g->sum + s * w->g->width + w->c, some, start);
}

// Sums of 16 numbers at a time, of a strip from k on, into the spans they are
// in, of which s is the first; acc is what there is of it.
QQI_AVX512_INLINE size_t qqi_rows_spans_avx512(const qqi_rows_avx512 *w,
                                               int lone, size_t s, size_t k,
                                               const __m512i *v, __m128i *acc)
{
    const qqi_product *p = w->p;
    const __m128i x = qqi_rows_quarters_avx512(v[0]);
    const __m128i by[4] = {x, _mm_bsrli_si128(x, 4), _mm_bsrli_si128(x, 8),
                           _mm_bsrli_si128(x, 12)};

    QQI_UNROLL_AVX512
    for (size_t j = 0; j < 4; j++) {
        const size_t end = (s + 1) * p->span;
        *acc =
            _mm_add_epi32(*acc, lone ? by[j] : qqi_rows_quarters_avx512(v[j]));
        k += 16;
        if (s < p->spans && (k >= end || k >= p->k)) {
            qqi_rows_start_avx512(w, s, *acc);
            *acc = _mm_setzero_si128();
            s++;
        }
    }
    return s;
}

// --- rows ------------------------------------------------------------------

// Strips of 64 numbers, and sums of spans that are whole strips.
QQI_AVX512_INLINE void qqi_rows_make_avx512(const qqi_rows_avx512 *w, int plain,
                                            int lone)
{
    const qqi_product *p = w->p;
    const int wide = p->span % 64 == 0 || p->spans == 1;
    __m512i far = _mm512_setzero_si512();
    __m128i acc = _mm_setzero_si128();
    size_t s = 0;

    for (size_t k = 0; k < p->k; k += 64) {
        const size_t n = p->k - k;
        __m512i v[4];
        QQI_UNROLL_AVX512
        for (size_t i = 0; i < 4; i++)
            if (i == 0 || !lone)
                v[i] = plain && n >= 64
                           ? qqi_rows_strip_avx512(w, 1, i, k, 64)
                           : qqi_rows_strip_avx512(w, plain, i, k, n);
        if (lone) {
            qqi_store_avx512(w->g->q + k, qqi_in_order_avx512(v[0]));
            v[0] = qqi_rows_fours_avx512(v[0]);
        } else {
            qqi_rows_store_avx512(w, k, v);
        }
        if (!wide) {
            s = qqi_rows_spans_avx512(w, lone, s, k, v, &acc);
            continue;
        }
        far = _mm512_add_epi32(far, v[0]);
        if (!lone)
            far = _mm512_add_epi32(
                far, _mm512_add_epi32(v[1], _mm512_add_epi32(v[2], v[3])));
        if (k + 64 < p->k && k + 64 < (s + 1) * p->span)
            continue;
        __m128i sum = qqi_rows_quarters_avx512(far);
        if (lone) {
            sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
            sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
        }
        qqi_rows_start_avx512(w, s++, sum);
        far = _mm512_setzero_si512();
    }
}

QQI_INLINE int qqi_rows_fit_avx512(const qqi_product *p)
{
    return p->input == QQ_INPUT_INT8_ROW && p->x_type != QQ_TYPE_INT8 &&
           p->k > 0 && (p->span % 16 == 0 || p->spans == 1);
}

// Columns from c on: four, or those that are left.
QQI_AVX512_INLINE void qqi_rows_some_avx512(const qqi_product *p,
                                            const qqi_columns *g, size_t c,
                                            int plain, int lone)
{
    const size_t left = c < g->count ? g->count - c : 0;
    qqi_rows_avx512 w;

    w.p = p;
    w.g = g;
    w.c = c;
    w.count = left < 4 ? left : 4;
    for (size_t i = 0; i < 4; i++) {
        w.at[i] = i < w.count ? (g->first + c + i) * p->ldx : 0;
        w.in[i] = i < w.count ? 0xffff : 0;
    }
    qqi_rows_scale_avx512(&w, plain, lone ? 1 : 4);
    qqi_rows_make_avx512(&w, plain, lone);
}

// All of a group.
QQI_AVX512_FN void qqi_prepare_rows_avx512(const qqi_product *p,
                                           const qqi_columns *g)
{
    const int plain = qqi_x_is_plain(p);

    if (plain && g->width == 1 && qqi_prepare_lone_avx512(p, g))
        return;
    for (size_t c = 0; c < g->width; c += 4) {
        if (g->width == 1 && plain)
            qqi_rows_some_avx512(p, g, c, 1, 1);
        else if (plain)
            qqi_rows_some_avx512(p, g, c, 1, 0);
        else if (g->width == 1)
            qqi_rows_some_avx512(p, g, c, 0, 1);
        else
            qqi_rows_some_avx512(p, g, c, 0, 0);
    }
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_ROWS_H
