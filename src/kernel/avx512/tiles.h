// qquant floor 5: the loops of AVX-512's dot engine for strips of whole tiles
// whose starts are ready.
//
// A tile of 32 columns has but 8 steps, and at its end every sum is converted
// and added: two operations where it had 8 dots. So 0.8 of the dots that a
// processor can do are the limit. What else happens once a tile is kept out of
// the way: three panels meet four columns of q, so that 12 sums and the 12
// numbers of acc both stay in registers. On Sapphire Rapids that is 0.75; two
// panels with eight columns, whose acc is memory, reach 0.65.

#ifndef QQUANT_KERNEL_AVX512_TILES_H
#define QQUANT_KERNEL_AVX512_TILES_H

#include "kernel/avx512/dot.h"

#if QQI_HAS_AVX512

// y of columns from c on, from acc[panel * columns + column].
QQI_AVX512_INLINE void qqi_dot_finish_avx512(const qqi_dot_avx512 *w, size_t c,
                                             unsigned panels, unsigned columns,
                                             const __m512 *acc)
{
    const qqi_product *p = w->p;
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    const float *sx = w->g->scale + c;
    const size_t there = w->g->count - c;
    uint8_t *y = p->y + 4 * ((w->g->first + c) * p->ldy + 16 * w->panel);
    qqi_ending_avx512 e[3];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++)
        e[i] = qqi_ending_of_avx512(p, w->panel + i);
    QQI_UNROLL_AVX512
    for (unsigned j = 0; j < columns; j++, y += 4 * p->ldy) {
        if (j >= there)
            return;
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels; i++)
            qqi_end_rows_avx512(&e[i], tiled ? 1.0f : sx[j],
                                acc[i * columns + j], y + 64 * i);
    }
}

// sum[panel * columns + column] += a step; side, both: the way to the second
// panel and the third.
QQI_AVX512_INLINE void qqi_dot_step_avx512(const uint8_t *u, size_t side,
                                           size_t both, const int8_t *q,
                                           unsigned panels, unsigned columns,
                                           __m512i *sum, qqi_dot_avx512_fn dot)
{
    __m512i v[3];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++) {
        v[i] = qqi_load_avx512(u + (i == 0 ? 0 : i == 1 ? side : both));
        QQI_KEEP_AVX512(v[i]);
    }
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < columns; i++) {
        __m512i x = qqi_four_avx512(q + 4 * i);
        QQI_KEEP_AVX512(x);
        QQI_UNROLL_AVX512
        for (unsigned j = 0; j < panels; j++) {
            __m512i *to = sum + j * columns + i;
            *to = dot(*to, v[j], x);
        }
    }
    // Keeps every sum in one register.
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * columns; i++)
        QQI_KEEP_AVX512(sum[i]);
}

// Eight columns of q from c on, through a strip of a lone tile.
QQI_AVX512_INLINE void qqi_dot_rows_avx512(const qqi_dot_avx512 *w, size_t c,
                                           unsigned panels,
                                           qqi_dot_avx512_fn dot)
{
    const size_t four = 4 * w->g->width, side = w->side, hop = w->step;
    const size_t ask = c + 8 >= w->g->count ? w->soon.hop : 0;
    const int8_t *q = w->g->q + w->from * w->g->width + 4 * c;
    const uint8_t *u = w->codes;
    const uint8_t *next = w->soon.cells[0];
    const size_t beside = (size_t)(w->soon.cells[panels - 1] - next);
    size_t steps = (w->to - w->from + 3) / 4;
    int32_t *part = w->part + 32 * c;
    __m512i sum[16];
    __m512 acc[16];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * 8; i++)
        sum[i] = w->from == 0 ? qqi_four_avx512(w->g->sum + c + i % 8)
                              : qqi_load_avx512(part + 16 * i);
    do {
        const void *a = next, *b = next + beside;
        _mm_prefetch((const char *)a, _MM_HINT_T0);
        if (panels > 1)
            _mm_prefetch((const char *)b, _MM_HINT_T0);
        next += ask;
        qqi_dot_step_avx512(u, side, 0, q, panels, 8, sum, dot);
        u += hop;
        q += four;
    } while (--steps > 0);
    if (w->to < w->p->k) {
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * 8; i++)
            qqi_store_avx512(part + 16 * i, sum[i]);
        return;
    }
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * 8; i++)
        acc[i] =
            _mm512_fmadd_ps(_mm512_loadu_ps(w->scale + 16 * (i / 8)),
                            _mm512_cvtepi32_ps(sum[i]), _mm512_setzero_ps());
    qqi_dot_finish_avx512(w, c, panels, 8, acc);
}

// Eight columns of q from c on, through a strip of whole tiles; tiled: x has
// scales by tile.
QQI_AVX512_INLINE void qqi_dot_tiles_avx512(const qqi_dot_avx512 *w, size_t c,
                                            int tiled, unsigned panels,
                                            qqi_dot_avx512_fn dot)
{
    const size_t width = w->g->width, side = w->side, hop = w->step;
    const size_t from = w->from / w->p->span * width + c;
    const size_t run = (w->p->span + 3) / 4;
    const size_t ask = c + 8 >= w->g->count ? w->soon.hop : 0;
    const int32_t *ready = w->g->sum + from;
    const float *sx = tiled ? w->g->scale + from : NULL;
    const float *scale = w->scale;
    const int8_t *q = w->g->q + w->from * width + 4 * c;
    const uint8_t *u = w->codes;
    const uint8_t *next = w->soon.cells[0];
    const uint8_t *beside = w->soon.cells[panels - 1];
    float *acc = w->acc + 32 * c;
    __m512i sum[16], v[2];

    for (size_t tiles = (w->to - w->from) / w->p->span; tiles > 0; tiles--) {
        size_t left = run;
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * 8; i++)
            sum[i] = qqi_four_avx512(ready + i % 8);
        do {
            const void *a = next, *b = beside;
            _mm_prefetch((const char *)a, _MM_HINT_T0);
            _mm_prefetch((const char *)b, _MM_HINT_T0);
            next += ask;
            beside += ask;
            QQI_UNROLL_AVX512
            for (unsigned i = 0; i < panels; i++) {
                v[i] = qqi_load_avx512(u + side * i);
                QQI_KEEP_AVX512(v[i]);
            }
            QQI_UNROLL_AVX512
            for (unsigned j = 0; j < panels * 8; j++) {
                __m512i *to = sum + j % panels * 8 + j / panels;
                *to = dot(*to, v[j % panels],
                          qqi_four_avx512(q + 4 * (j / panels)));
            }
            // Keeps every sum in one register.
            QQI_UNROLL_AVX512
            for (unsigned i = 0; i < panels * 8; i++)
                QQI_KEEP_AVX512(sum[i]);
            u += hop;
            q += 4 * width;
        } while (--left > 0);
        qqi_dot_tile_avx512(sum, scale, tiled, sx, panels, 8, acc);
        QQI_HIDE_AVX512(acc);
        QQI_HIDE_AVX512(ready);
        ready += width;
        sx = tiled ? sx + width : NULL;
        scale += 16 * panels;
    }
}

// The sums of a tile, scaled, into acc; sx: x has scales by tile.
QQI_AVX512_INLINE void qqi_dot_trio_add_avx512(const float *scale,
                                               const float *sx,
                                               const __m512i *sum, __m512 *acc)
{
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < 12; i++) {
        __m512 s = _mm512_loadu_ps(scale + 16 * (i / 4));
        if (sx != NULL)
            s = _mm512_mul_ps(s, _mm512_set1_ps(sx[i % 4]));
        acc[i] = _mm512_fmadd_ps(s, _mm512_cvtepi32_ps(sum[i]), acc[i]);
    }
}

// Four columns of q from c on, and three panels, likewise. Each of the last
// three blocks of columns asks for cells of one panel.
QQI_AVX512_INLINE void qqi_dot_trio_avx512(const qqi_dot_avx512 *w, size_t c,
                                           int tiled, int bytes,
                                           qqi_dot_avx512_fn dot)
{
    const size_t width = w->g->width, hop = bytes ? 64 : 192;
    const size_t from = w->from / w->p->span * width + c;
    const size_t four = 4 * width;
    const size_t run = (w->p->span + 3) / 4;
    const size_t left = w->g->count > c ? (w->g->count - c + 3) / 4 - 1 : 0;
    const size_t ask = left < 3 ? w->soon.hop : 0;
    const int32_t *ready = w->g->sum + from;
    const float *sx = tiled ? w->g->scale + from : NULL;
    const float *scale = w->scale;
    const int8_t *q = w->g->q + w->from * width + 4 * c;
    const uint8_t *u = w->codes;
    const size_t side = bytes ? w->side : 64;
    size_t both = 2 * side;
    const uint8_t *next = w->soon.cells[left < 3 ? left : 0];
    float *to = w->acc + 48 * c;
    __m512i sum[12];
    __m512 acc[12];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < 12; i++)
        acc[i] =
            w->from == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(to + 16 * i);
    for (size_t tiles = (w->to - w->from) / w->p->span; tiles > 0; tiles--) {
        size_t steps = run;
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < 12; i++) {
            // Loads, no copies: those would tie registers to each other.
            QQI_HIDE_AVX512(ready);
            sum[i] = qqi_four_avx512(ready + i % 4);
        }
        do {
            const void *soon = next;
            _mm_prefetch((const char *)soon, _MM_HINT_T0);
            next += ask;
            qqi_dot_step_avx512(u, side, both, q, 3, 4, sum, dot);
            u += hop;
            q += four;
            // Or the compiler finds out where they end, and keeps that.
            QQI_HIDE_AVX512(u);
            QQI_HIDE_AVX512(q);
            QQI_HIDE_AVX512(next);
            if (bytes)
                QQI_HIDE_AVX512(both);
        } while (--steps > 0);
        qqi_dot_trio_add_avx512(scale, tiled ? sx : NULL, sum, acc);
        QQI_HIDE_AVX512(ready);
        ready += width;
        sx = tiled ? sx + width : NULL;
        scale += 48;
    }
    if (w->to == w->p->k) {
        qqi_dot_finish_avx512(w, c, 3, 4, acc);
        return;
    }
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < 12; i++)
        _mm512_storeu_ps(to + 16 * i, acc[i]);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_TILES_H
