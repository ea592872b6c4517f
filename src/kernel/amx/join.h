// qquant floor 5: sums of tiles to y, by AVX-512.
//
// A row of a tile of sums is a register, and so is what the tile's rows of W
// share (avx512/core.h). Tiles of at most 32 bits are joined two at a time,
// which spares acc a way to memory and back.

#ifndef QQUANT_KERNEL_AMX_JOIN_H
#define QQUANT_KERNEL_AMX_JOIN_H

#include "kernel/amx/core.h"
#include "kernel/avx512/end.h"

#if QQI_HAS_AMX

// What a tile has for all columns of a panel.
typedef struct qqi_amx_tile_of {
    __m512 scale;
    __m512i zeros;
    __m512i less; // zx * sum (c - z)
} qqi_amx_tile_of;

QQI_AMX_INLINE qqi_amx_tile_of qqi_amx_tile_get(const qqi_amx_join *j,
                                                size_t panel_i, size_t tile)
{
    const qqi_product *p = j->p;
    const uint8_t *panel = qqi_panel(p, panel_i);
    qqi_amx_tile_of t;

    t.scale = qqi_scale_avx512(p, panel, tile);
    t.zeros = qqi_zeros_avx512(p, panel, tile);
    t.less = _mm512_setzero_si512();
    if (p->x_zero != 0)
        t.less = _mm512_mullo_epi32(qqi_code_sums_avx512(p, panel_i, tile),
                                    _mm512_set1_epi32(p->x_zero));
    return t;
}

// What differs from join to join, all constants where it is inlined.
typedef struct qqi_amx_kind {
    int starts;  // g->sum counts
    int unusual; // there are zero points, or scales of x by tile
    int folds;
    int begins;
    int both; // two tiles
} qqi_amx_kind;

// acc with the 16 sums at c added, of column (and row of x) i.
QQI_AMX_INLINE __m512 qqi_amx_join_one(const qqi_amx_join *j, qqi_amx_kind kind,
                                       const qqi_amx_tile_of *t, size_t tile,
                                       const int32_t *c, size_t i, __m512 acc)
{
    const qqi_product *p = j->p;
    const qqi_columns *g = j->g;
    const qqi_start_avx512 start =
        kind.unusual ? qqi_start_kind_avx512(p) : QQI_START_READY;
    __m512i d = qqi_load_avx512(c);
    __m512 s = t->scale;

    if (kind.folds)
        d = _mm512_add_epi32(d, qqi_load_avx512(c + 512));
    if (kind.starts)
        d = _mm512_add_epi32(
            d,
            qqi_start_of_avx512(start, t->zeros, g->sum + tile * g->width + i));
    if (kind.unusual)
        d = _mm512_sub_epi32(d, t->less);
    if (kind.unusual && p->input == QQ_INPUT_INT8_TILE)
        s = _mm512_mul_ps(s, _mm512_set1_ps(g->scale[tile * g->width + i]));
    return _mm512_fmadd_ps(s, _mm512_cvtepi32_ps(d), acc);
}

// D in 32 bits: each tile is one span.
QQI_AMX_INLINE void qqi_amx_join_short(const qqi_amx_join *j, qqi_amx_kind kind)
{
    qqi_amx_tile_of t[2][2];

    for (size_t h = 0; h < 2; h++)
        for (size_t i = 0; i < (kind.both ? 2 : 1); i++)
            t[i][h] = qqi_amx_tile_get(j, j->panel + (h < j->panels ? h : 0),
                                       j->tile + i);
    for (size_t a = 0; a < j->halves; a++) {
        const size_t first = qqi_amx_row(j, a, 0);
        const size_t half = j->half;
        const int32_t *c = j->c + 512 * a;
        const int32_t *next = kind.both ? j->next + 512 * a : c;
        float *to = j->acc + 512 * a;
        for (size_t r = 0; r < half; r++, c += 16, next += 16, to += 16) {
            QQI_UNROLL_AVX512
            for (size_t h = 0; h < 2; h++) {
                __m512 acc = kind.begins ? _mm512_setzero_ps()
                                         : _mm512_loadu_ps(to + 256 * h);
                acc = qqi_amx_join_one(j, kind, &t[0][h], j->tile, c + 256 * h,
                                       first + r, acc);
                if (kind.both)
                    acc = qqi_amx_join_one(j, kind, &t[1][h], j->tile + 1,
                                           next + 256 * h, first + r, acc);
                _mm512_storeu_ps(to + 256 * h, acc);
            }
        }
    }
}

// Two tiles without anything unusual: what matters most.
QQI_AMX_FN void qqi_amx_join_usual(const qqi_amx_join *j)
{
    const qqi_amx_kind starts = {1, 0, 0, 0, 1};
    const qqi_amx_kind is_signed = {0, 0, 0, 0, 1};
    const qqi_amx_kind folds = {0, 0, 1, 0, 1};

    if (!j->is_signed)
        qqi_amx_join_short(j, starts);
    else if (qqi_amx_folds(j))
        qqi_amx_join_short(j, folds);
    else
        qqi_amx_join_short(j, is_signed);
}

QQI_AMX_FN void qqi_amx_join_other(const qqi_amx_join *j)
{
    const qqi_amx_kind kind = {!j->is_signed, 1, qqi_amx_folds(j), j->tile == 0,
                               j->next != NULL};

    qqi_amx_join_short(j, kind);
}

// The same in 64 bits, for a row of x and a panel.
QQI_AMX_INLINE void qqi_amx_join_row(const qqi_amx_join *j, size_t a, size_t r,
                                     size_t h, const qqi_amx_tile_of *t)
{
    const qqi_product *p = j->p;
    const qqi_columns *g = j->g;
    const size_t row = qqi_amx_row(j, a, r);
    const size_t at = 256 * (2 * a + h) + 16 * r;
    const int32_t *sum = g->sum + j->span * g->width + row * p->digits;
    const int32_t *c = j->c + 256 * (2 * a + h) + 16 * r * p->digits;
    int64_t *total = j->total + at;

    if (j->begins)
        QQ_MEMSET(total, 0, 16 * sizeof total[0]);
    for (unsigned d = 0; d < p->digits; d++, c += 16) {
        __m512i v = qqi_load_avx512(c);
        if (qqi_amx_folds(j))
            v = _mm512_add_epi32(v, qqi_load_avx512(c + 512));
        if (!j->is_signed) {
            const qqi_start_avx512 kind = qqi_start_kind_avx512(p);
            v = _mm512_add_epi32(v,
                                 qqi_start_of_avx512(kind, t->zeros, sum + d));
        }
        qqi_long_add_avx512(total, v, d);
    }
    if (!j->ends)
        return;
    if (p->x_zero != 0)
        qqi_long_zero_avx512(p, j->panel + (h < j->panels ? h : 0), j->tile,
                             total);
    __m512 s = t->scale;
    if (p->input == QQ_INPUT_INT8_TILE)
        s = _mm512_mul_ps(s,
                          _mm512_set1_ps(g->scale[j->tile * g->width + row]));
    const __m512 before =
        j->tile == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(j->acc + at);
    _mm512_storeu_ps(j->acc + at,
                     _mm512_fmadd_ps(s, qqi_long_float_avx512(total), before));
}

QQI_AMX_FN void qqi_amx_join_long(const qqi_amx_join *j)
{
    for (size_t h = 0; h < j->panels; h++) {
        const qqi_amx_tile_of t = qqi_amx_tile_get(j, j->panel + h, j->tile);
        for (size_t a = 0; a < j->halves; a++)
            for (size_t r = 0; r < j->half; r++)
                qqi_amx_join_row(j, a, r, h, &t);
    }
}

QQI_AMX_FN void qqi_amx_join_amx(const qqi_amx_join *j)
{
    const qqi_product *p = j->p;

    if (j->total != NULL)
        qqi_amx_join_long(j);
    else if (p->zero_at == 0 && p->x_zero == 0 && j->tile > 0 &&
             p->input != QQ_INPUT_INT8_TILE && j->next != NULL &&
             (j->is_signed || !qqi_amx_folds(j)))
        qqi_amx_join_usual(j);
    else
        qqi_amx_join_other(j);
}

QQI_AMX_FN void qqi_amx_end_amx(const qqi_amx_join *j)
{
    const qqi_product *p = j->p;
    const qqi_columns *g = j->g;
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    const size_t step = 4 * p->ldy;

    for (size_t h = 0; h < j->panels; h++) {
        const qqi_ending_avx512 e = qqi_ending_of_avx512(p, j->panel + h);
        uint8_t *y = p->y + g->first * step + 64 * (j->panel + h);
        for (size_t i = 0; i < g->count; i++, y += step) {
            const size_t a = i >= j->half;
            const size_t r = a ? i + j->half - g->count : i;
            const __m512 acc =
                _mm512_loadu_ps(j->acc + 256 * (2 * a + h) + 16 * r);
            qqi_end_rows_avx512(&e, tiled ? 1.0f : g->scale[i], acc, y);
        }
    }
}

#endif // QQI_HAS_AMX

#endif // QQUANT_KERNEL_AMX_JOIN_H
