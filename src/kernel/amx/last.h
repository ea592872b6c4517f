// qquant floor 5: sums of whole rows of W to y, by AVX-512.
//
// Where a row has one scale, what a tile is joined with and what y ends with
// (join.h) follow each other at once: a few rows of x at a time, beside the
// steps of the block after theirs.

#ifndef QQUANT_KERNEL_AMX_LAST_H
#define QQUANT_KERNEL_AMX_LAST_H

#include "kernel/amx/engine.h"
#include "kernel/avx512/end.h"

#if QQI_HAS_AMX

// Rows from to to - 1 of x by panel h; starts: g->sum counts; unusual: there
// are zero points, or a scale of x that belongs to the tile.
QQI_AMX_INLINE void qqi_amx_last_panel(const qqi_amx_join *j, int starts,
                                       int unusual, size_t h, size_t from,
                                       size_t to)
{
    const qqi_product *p = j->p;
    const qqi_columns *g = j->g;
    const uint8_t *panel = qqi_panel(p, j->panel + h);
    const int tiled = unusual && p->input == QQ_INPUT_INT8_TILE;
    const qqi_start_avx512 start =
        unusual ? qqi_start_kind_avx512(p) : QQI_START_READY;
    const __m512 scale = qqi_scale_avx512(p, panel, 0);
    const __m512i zeros = qqi_zeros_avx512(p, panel, 0);
    const qqi_ending_avx512 end = qqi_ending_of_avx512(p, j->panel + h);
    const int folds = qqi_amx_folds(j);

    for (size_t i = from; i < to; i++) {
        const size_t a = i >= j->half;
        const size_t r = a ? i + j->half - g->count : i;
        const int32_t *c = j->c + 256 * (2 * a + h) + 16 * r;
        __m512i d = qqi_load_avx512(c);
        __m512 s = scale;
        if (folds)
            d = _mm512_add_epi32(d, qqi_load_avx512(c + 512));
        if (starts)
            d = _mm512_add_epi32(d,
                                 qqi_start_of_avx512(start, zeros, g->sum + i));
        if (unusual && p->x_zero != 0)
            d = qqi_less_zero_avx512(p, j->panel + h, 0, d);
        if (tiled)
            s = _mm512_mul_ps(s, _mm512_set1_ps(g->scale[i]));
        const __m512 acc =
            _mm512_fmadd_ps(s, _mm512_cvtepi32_ps(d), _mm512_setzero_ps());
        qqi_end_rows_avx512(
            &end, tiled ? 1.0f : g->scale[i], acc,
            p->y + 4 * ((g->first + i) * p->ldy + 16 * (j->panel + h)));
    }
}

QQI_AMX_FN void qqi_amx_last_amx(const qqi_amx_join *j, size_t from, size_t to)
{
    const qqi_product *p = j->p;
    const int unusual =
        p->zero_at != 0 || p->x_zero != 0 || p->input == QQ_INPUT_INT8_TILE;

    for (size_t h = 0; h < j->panels; h++)
        if (unusual)
            qqi_amx_last_panel(j, !j->is_signed, 1, h, from, to);
        else if (j->is_signed)
            qqi_amx_last_panel(j, 0, 0, h, from, to);
        else
            qqi_amx_last_panel(j, 1, 0, h, from, to);
}

#endif // QQI_HAS_AMX

#endif // QQUANT_KERNEL_AMX_LAST_H
