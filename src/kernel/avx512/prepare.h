// qquant floor 5: what is made of x before it is multiplied, by AVX-512.
//
// Columns of q are made four at a time, 64 numbers of each (avx512/strip.h);
// what g->sum becomes avx512/core.h says.

#ifndef QQUANT_KERNEL_AVX512_PREPARE_H
#define QQUANT_KERNEL_AVX512_PREPARE_H

#include "kernel/avx512/rows.h"

#if QQI_HAS_AVX512

// --- columns ---------------------------------------------------------------

// Four columns of q: digits of rows of x, or nothing.
typedef struct qqi_columns_avx512 {
    size_t c;     // the first of them
    size_t count; // that are there
    qqi_run_avx512 run[4];
} qqi_columns_avx512;

// Runs of tile t, or of whole rows, and their scales.
QQI_AVX512_FN void qqi_quad_runs_avx512(const qqi_product *p,
                                        const qqi_columns *g, size_t t,
                                        size_t k, size_t end,
                                        qqi_columns_avx512 *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const size_t row = (w->c + i) / p->digits;
        if (i > 0 && (w->c + i) % p->digits != 0) {
            w->run[i] = w->run[i - 1];
            continue;
        }
        const float sx =
            p->x_type == QQ_TYPE_INT8
                ? qqi_given_scale(p, g->first + row, t)
                : qqi_run_make_avx512(p, g->first + row, k, end, &w->run[i]);
        if (p->input == QQ_INPUT_INT8_TILE)
            g->scale[t * g->width + row] = sx;
        else
            g->scale[row] = sx;
    }
}

// Numbers k to k + n - 1: stored; returns their sums.
QQI_AVX512_INLINE __m512i qqi_quad_strip_avx512(const qqi_product *p,
                                                const qqi_columns *g, int plain,
                                                int lone, int whole, size_t k,
                                                size_t n,
                                                const qqi_columns_avx512 *w)
{
    __m512i v[4];

    v[0] = v[1] = v[2] = v[3] = _mm512_setzero_si512();
    if (lone) {
        v[0] = qqi_any_strip_avx512(p, plain, whole, w->run, g->first, k, n, 0);
        return qqi_store_strips_avx512(g, 1, 0, k, n, v);
    }
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 4; i++) {
        const size_t row = (w->c + i) / p->digits;
        const unsigned d = (unsigned)((w->c + i) % p->digits);
        if (i < w->count)
            v[i] = qqi_any_strip_avx512(p, plain, whole, &w->run[i],
                                        g->first + row, k, n, d);
    }
    return qqi_store_strips_avx512(g, 0, w->c, k, n, v);
}

// Numbers k to end - 1, in span s and of one run, in strips that stay inside
// and in an aligned block of 64.
QQI_AVX512_FN void qqi_quad_span_avx512(const qqi_product *p,
                                        const qqi_columns *g, size_t s,
                                        size_t k, size_t end,
                                        const qqi_columns_avx512 *w)
{
    for (size_t n; k < end; k += n) {
        n = 64 - k % 64;
        n = n < end - k ? n : end - k;
        const __m512i sums =
            g->width == 1 ? qqi_quad_strip_avx512(p, g, 0, 1, 0, k, n, w)
                          : qqi_quad_strip_avx512(p, g, 0, 0, 0, k, n, w);
        qqi_store_sums_avx512(g, s, w->c, 0, 4, sums);
    }
}

// Adds a strip's sums to those of spans, which begin between its quarters, s
// being the first one. Inlined, as all that takes registers: gcc 12 ends other
// such functions without vzeroupper, and SSE code after them crawls.
QQI_AVX512_INLINE size_t qqi_quad_sums_avx512(const qqi_product *p,
                                              const qqi_columns *g, size_t c,
                                              size_t s, size_t k, size_t n,
                                              __m512i sums)
{
    for (size_t first = 0, last; 16 * first < n; first = last) {
        const size_t next = (s + 1) * p->span;
        last = next < k + n ? (next - k) / 16 : 4;
        qqi_store_sums_avx512(g, s, c, first, last, sums);
        s += next <= k + n && next < p->k;
    }
    return s;
}

// A whole row of one run, whose spans are multiples of 16 or the only one: no
// quarter of a strip is in two spans.
QQI_AVX512_INLINE void qqi_quad_row_avx512(const qqi_product *p,
                                           const qqi_columns *g, int plain,
                                           int lone,
                                           const qqi_columns_avx512 *w)
{
    __m512i acc = _mm512_setzero_si512();
    size_t s = 0;

    for (size_t k = 0, n; k < p->k; k += n) {
        n = p->k - k < 64 ? p->k - k : 64;
        const __m512i sums =
            n == 64 ? qqi_quad_strip_avx512(p, g, plain, lone, 1, k, 64, w)
                    : qqi_quad_strip_avx512(p, g, plain, lone, 0, k, n, w);
        acc = _mm512_add_epi32(acc, sums);
        // As long as spans go on, so do their sums.
        if (k + n < p->k && (s + 1 == p->spans || (s + 1) * p->span > k + n))
            continue;
        // The strips before the last one are all in span s.
        if (s * p->span < k) {
            qqi_store_sums_avx512(g, s, w->c, 0, 4,
                                  _mm512_sub_epi32(acc, sums));
        }
        s = qqi_quad_sums_avx512(p, g, w->c, s, k, n, sums);
        acc = _mm512_setzero_si512();
    }
}

QQI_AVX512_FN void qqi_prepare_quad_avx512(const qqi_product *p,
                                           const qqi_columns *g, size_t c)
{
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    const size_t left = g->count * p->digits - c;
    qqi_columns_avx512 w;
    size_t s = 0;

    w.c = c;
    w.count = c >= g->count * p->digits ? 0 : left < 4 ? left : 4;
    if (!tiled)
        qqi_quad_runs_avx512(p, g, 0, 0, p->k, &w);
    if (!tiled && (p->span % 16 == 0 || p->spans == 1)) {
        if (g->width == 1)
            qqi_quad_row_avx512(p, g, 0, 1, &w);
        else
            qqi_quad_row_avx512(p, g, 0, 0, &w);
        return;
    }
    for (size_t t = 0; t < p->tiles; t++) {
        const size_t end = qqi_tile_end(p, t);
        if (tiled)
            qqi_quad_runs_avx512(p, g, t, t * p->tile, end, &w);
        for (size_t k = t * p->tile; k < end; k += p->span, s++) {
            const size_t to = p->span < end - k ? k + p->span : end;
            qqi_quad_span_avx512(p, g, s, k, to, &w);
        }
    }
}

// Units 4 and 64.
QQI_AVX512_FN void qqi_prepare_dot_avx512(const qqi_product *p,
                                          const qqi_columns *g)
{
    const size_t whole = p->k / 64 * 64;

    if (qqi_rows_fit_avx512(p)) {
        qqi_prepare_rows_avx512(p, g);
        return;
    }
    QQ_MEMSET(g->q + whole * g->width, 0, (p->padded - whole) * g->width);
    QQ_MEMSET(g->sum, 0, p->spans * g->width * sizeof g->sum[0]);
    for (size_t c = 0; c < g->width; c += 4)
        qqi_prepare_quad_avx512(p, g, c);
    for (size_t i = 0; i < p->spans * g->width; i++)
        g->sum[i] = qqi_start_sum_avx512(p, g->sum[i]);
}

// --- f32 -------------------------------------------------------------------

// One column, or a multiple of four.
QQI_AVX512_FN void qqi_prepare_real_avx512(const qqi_product *p,
                                           const qqi_columns *g)
{
    const size_t w = g->width;

    for (size_t k = 0; k < p->k; k += 16) {
        const size_t n = p->k - k < 16 ? p->k - k : 16;
        const __mmask16 in = qqi_below_avx512(n);
        for (size_t c = 0; c < w; c += 4) {
            __m512i v[4];
            for (size_t i = 0; i < 4; i++)
                v[i] = c + i < g->count
                           ? _mm512_castps_si512(qqi_numbers_avx512(
                                 p, 0, g->first + c + i, k, in))
                           : _mm512_setzero_si512();
            float *to = g->real + k * w + c;
            if (w == 1) {
                _mm512_mask_storeu_epi32(to, in, v[0]);
                continue;
            }
            qqi_turn_avx512(v);
            qqi_store_turned_avx512(v, n, (uint8_t *)to, 4 * w);
        }
    }
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_PREPARE_H
