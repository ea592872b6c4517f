// qquant floor 5: the dot engine of AVX-512, for columns of x by the dozen.
//
// A pair of panels, or three (avx512/tiles.h), is expanded to bytes
// (avx512/expand.h), up to 512 columns at a time, in a near cache; from there
// every vector of u meets up to eight columns of q, a dword of each in all
// lanes. 16 sums stay in registers: on an Intel server, with two dots a cycle,
// 0.5 cycles per 64 weights and column. The loops know nothing of formats, nor
// of where tiles begin in a cell.
//
// A set passes in its dot step, which adds to 16 sums the products of four
// unsigned with four signed bytes each, exactly.
//
// Memory of a column, by panel of the pair (three panels have acc alone): acc,
// what of a sum is done when a strip of columns ends, and for long tiles the
// total:
//
//   acc    float[2][16]     a row of x
//   part   int32_t[2][16]   a column of q
//   total  int64_t[2][16]   a row of x

#ifndef QQUANT_KERNEL_AVX512_DOT_H
#define QQUANT_KERNEL_AVX512_DOT_H

#include "kernel/avx512/expand.h"

#if QQI_HAS_AVX512

// Makes the compiler forget what a pointer points to.
#  define QQI_HIDE_AVX512(p) __asm__("" : "+r"(p))

typedef __m512i (*qqi_dot_avx512_fn)(__m512i sum, __m512i u, __m512i q);

// u up to 255. Pairs are exact: 2 * 127 * 128 = 32512, 2 * 128 * 128 = 32768
// only downwards.
QQI_AVX512_INLINE __m512i qqi_dot_any_avx512(__m512i sum, __m512i u, __m512i q)
{
    const __m512i top = _mm512_set1_epi8(-128);
    const __m512i one = _mm512_set1_epi16(1);
    const __m512i a = _mm512_maddubs_epi16(_mm512_andnot_si512(top, u), q);
    const __m512i b = _mm512_maddubs_epi16(_mm512_and_si512(top, u), q);

    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(a, one));
    return _mm512_add_epi32(sum, _mm512_madd_epi16(b, one));
}

QQI_AVX512_VNNI_INLINE __m512i qqi_dot_vnni_avx512(__m512i sum, __m512i u,
                                                   __m512i q)
{
    return _mm512_dpbusd_epi32(sum, u, q);
}

// Cells of the next strip, of which every step of the last block of columns
// asks for hop more bytes, in every panel: earlier ones would need the room.
typedef struct qqi_soon_avx512 {
    const uint8_t *cells[3];
    size_t hop;
} qqi_soon_avx512;

// What the loops share.
typedef struct qqi_dot_avx512 {
    const qqi_product *p;
    const qqi_columns *g;
    size_t panel;  // the first
    size_t panels; // 1 to 3: see avx512/tiles.h
    size_t strip;  // columns that there is room for
    size_t from;   // the strip
    size_t to;
    uint8_t *u; // u[k / 4][panel][64]
    // The bytes of the strip: those, or cells of 8 bits where they stand.
    const uint8_t *codes;
    size_t step;  // from fours of columns to the next ones
    size_t side;  // from a panel to its neighbour
    float *scale; // scale[tile][panel][16] of the strip
    float *acc;
    int32_t *part;
    int64_t *total;
    int is_long;
    int is_rows; // 1: one tile, eight columns at a time
    qqi_start_avx512 start;
    qqi_soon_avx512 soon;
} qqi_dot_avx512;

// --- the end of spans ------------------------------------------------------

// What a long tile's span adds, from part.
QQI_AVX512_FN void qqi_dot_long_avx512(const qqi_dot_avx512 *w, size_t s,
                                       size_t c, size_t count)
{
    const qqi_product *p = w->p;
    const size_t digits = p->digits;
    const size_t t = p->tile > QQI_SPAN ? 0 : s;
    const int last = p->tile <= QQI_SPAN || s + 1 == p->spans;

    for (size_t i = 0; i < count * w->panels; i++) {
        const size_t panel = i / count;
        const size_t column = c + i % count;
        const size_t at = column / digits * 2 + panel;
        int64_t *total = w->total + 16 * at;
        if (column / digits >= w->g->count)
            continue;
        qqi_long_add_avx512(
            total, qqi_load_avx512(w->part + 16 * (2 * column + panel)),
            (unsigned)(column % digits));
        if (column % digits != digits - 1 || !last)
            continue;
        if (p->x_zero != 0)
            qqi_long_zero_avx512(p, w->panel + panel, t, total);
        __m512 scale = qqi_scale_avx512(p, qqi_panel(p, w->panel + panel), t);
        if (p->input == QQ_INPUT_INT8_TILE)
            scale = _mm512_mul_ps(
                scale, _mm512_set1_ps(w->g->scale[t * w->g->width + column]));
        float *acc = w->acc + 16 * at;
        _mm512_storeu_ps(acc,
                         _mm512_fmadd_ps(scale, qqi_long_float_avx512(total),
                                         _mm512_loadu_ps(acc)));
        qqi_store_avx512(total, _mm512_setzero_si512());
        qqi_store_avx512(total + 8, _mm512_setzero_si512());
    }
}

// acc at the end of a tile; tiled: sx has scales of x's tile.
QQI_AVX512_INLINE void qqi_dot_tile_avx512(const __m512i *sum,
                                           const float *scale, int tiled,
                                           const float *sx, unsigned panels,
                                           unsigned count, float *acc)
{
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++) {
        QQI_UNROLL_AVX512
        for (unsigned c = 0; c < count; c++) {
            float *to = acc + 16 * (2 * c + i);
            const __m512 d = _mm512_cvtepi32_ps(sum[i * count + c]);
            __m512 s = _mm512_loadu_ps(scale + 16 * i);
            if (tiled)
                s = _mm512_mul_ps(s, _mm512_set1_ps(sx[c]));
            _mm512_storeu_ps(to, _mm512_fmadd_ps(s, d, _mm512_loadu_ps(to)));
        }
    }
}

// Starts of span s that are not ready, into part.
QQI_AVX512_FN void qqi_dot_start_avx512(const qqi_dot_avx512 *w, size_t s,
                                        size_t c, size_t count)
{
    const qqi_product *p = w->p;
    const int32_t *sums = w->g->sum + s * w->g->width;
    const size_t t = p->tile > QQI_SPAN ? 0 : s;

    for (size_t i = w->panel; i < w->panel + w->panels; i++) {
        const __m512i zeros = qqi_zeros_avx512(p, qqi_panel(p, i), t);
        __m512i less = _mm512_setzero_si512();
        if (p->x_zero != 0 && !w->is_long)
            less = qqi_less_zero_avx512(p, i, t, less);
        for (size_t j = c; j < c + count; j++)
            qqi_store_avx512(
                w->part + 16 * (2 * j + i - w->panel),
                _mm512_add_epi32(
                    less, qqi_start_of_avx512(w->start, zeros, sums + j)));
    }
}

// --- the loop --------------------------------------------------------------

// Asks for cells that will be wanted.
QQI_AVX512_INLINE void qqi_dot_ask_avx512(const qqi_soon_avx512 *soon,
                                          size_t step, unsigned panels)
{
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++) {
        const void *at = soon->cells[i] + step * soon->hop;
        _mm_prefetch((const char *)at, _MM_HINT_T0);
    }
}

// sum[i][c] += steps of count columns, ways of them side by side; the first of
// them is step at of the strip.
QQI_AVX512_INLINE void
qqi_dot_steps_avx512(const uint8_t *u, size_t hop, size_t side, const int8_t *q,
                     size_t step, size_t steps, const qqi_soon_avx512 *soon,
                     size_t at, unsigned panels, unsigned count, unsigned ways,
                     __m512i *sum, qqi_dot_avx512_fn dot)
{
    for (; steps >= ways; steps -= ways) {
        QQI_UNROLL_AVX512
        for (unsigned j = 0; j < ways; j++, u += hop, q += step) {
            qqi_dot_ask_avx512(soon, at++, panels);
            QQI_UNROLL_AVX512
            for (unsigned c = 0; c < count; c++) {
                const __m512i x = qqi_four_avx512(q + 4 * c);
                QQI_UNROLL_AVX512
                for (unsigned i = 0; i < panels; i++) {
                    __m512i *to = sum + (j * panels + i) * count + c;
                    *to = dot(*to, qqi_load_avx512(u + side * i), x);
                }
            }
        }
    }
    QQI_UNROLL_AVX512
    for (unsigned j = 1; j < ways; j++) {
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++)
            sum[i] = _mm512_add_epi32(sum[i], sum[j * panels * count + i]);
    }
    for (; steps > 0 && ways > 1; steps--, u += hop, q += step) {
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++)
            sum[i] = dot(sum[i], qqi_load_avx512(u + side * (i / count)),
                         qqi_four_avx512(q + 4 * (i % count)));
    }
}

// What the sums of a span start from: where ready is not NULL, that; else what
// stands in part.
QQI_AVX512_INLINE void qqi_dot_begin_avx512(const int32_t *ready,
                                            const int32_t *part,
                                            unsigned panels, unsigned count,
                                            unsigned ways, __m512i *sum)
{
    if (ready != NULL) {
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++)
            sum[i] = qqi_four_avx512(ready + i % count);
    } else {
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++)
            sum[i] = qqi_load_avx512(part + 16 * (2 * (i % count) + i / count));
    }
    QQI_UNROLL_AVX512
    for (unsigned i = panels * count; i < panels * count * ways; i++)
        sum[i] = _mm512_setzero_si512();
}

QQI_AVX512_INLINE void qqi_dot_keep_avx512(const __m512i *sum, unsigned panels,
                                           unsigned count, int32_t *part)
{
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * count; i++)
        qqi_store_avx512(part + 16 * (2 * (i % count) + i / count), sum[i]);
}

// count columns of q from c on, through the strip.
QQI_AVX512_INLINE void qqi_dot_block_avx512(const qqi_dot_avx512 *w, size_t c,
                                            unsigned panels, unsigned count,
                                            qqi_dot_avx512_fn dot)
{
    const unsigned ways = panels * count >= 8 ? 1 : panels * count >= 4 ? 2 : 4;
    const qqi_product *p = w->p;
    const qqi_columns *g = w->g;
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    const size_t to = w->to;
    const uint8_t *u = w->codes;
    const int8_t *q = g->q + w->from * g->width + 4 * c;
    const float *scale = w->scale;
    float *acc = w->acc + 32 * c;
    int32_t *part = w->part + 32 * c;
    qqi_soon_avx512 soon = w->soon;
    size_t s = w->from / p->span;
    size_t first = s * p->span;
    __m512i sum[16];

    soon.hop = c + count >= g->count * p->digits ? soon.hop : 0;
    for (size_t k = w->from, stop, steps; k < to; k = stop, s++) {
        const size_t end = p->span < p->k - first ? first + p->span : p->k;
        const int32_t *ready = k == first ? g->sum + s * g->width + c : NULL;
        stop = end < to ? end : to;
        steps = (stop - k + 3) / 4;
        if (ready != NULL && (w->start != QQI_START_READY || p->x_zero != 0)) {
            qqi_dot_start_avx512(w, s, c, count);
            ready = NULL;
        }
        qqi_dot_begin_avx512(ready, part, panels, count, ways, sum);
        qqi_dot_steps_avx512(u, w->step, w->side, q, 4 * g->width, steps, &soon,
                             (k - w->from) / 4, panels, count, ways, sum, dot);
        if (stop < end || w->is_long)
            qqi_dot_keep_avx512(sum, panels, count, part);
        else if (tiled)
            qqi_dot_tile_avx512(sum, scale, 1, g->scale + s * g->width + c,
                                panels, count, acc);
        else
            qqi_dot_tile_avx512(sum, scale, 0, NULL, panels, count, acc);
        if (stop == end && w->is_long)
            qqi_dot_long_avx512(w, s, c, count);
        u += steps * w->step;
        q += steps * 4 * g->width;
        scale += 16 * panels;
        first += p->span;
    }
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_DOT_H
