// qquant floor 5: two to four columns of x by AVX-512, where tiles are whole
// or lone and nothing is made ahead.
//
// What avx512/few.h has for all cases is one loop in another, and what follows
// it has several ways: there compilers copy every sum from register to register
// for every cell, which takes more room in the processor's front than the dots.
// Of codes of 8 bits, which are not looked up, that was a fifth of the time.

#ifndef QQUANT_KERNEL_AVX512_FEW_WHOLE_H
#define QQUANT_KERNEL_AVX512_FEW_WHOLE_H

#include "kernel/avx512/few.h"

#if QQI_HAS_AVX512

// In how many parts a tile is read: 1, or 2 where cells are asked for from the
// next panels before it ends; 0: not at all.
QQI_INLINE unsigned qqi_few_parts_avx512(const qqi_few_avx512 *w)
{
    const qqi_product *p = w->p;

    if (w->zeros || w->scales || p->tiles == 0 ||
        (p->tiles > 1 && p->k % p->tile != 0) || p->input == QQ_INPUT_INT8_TILE)
        return 0;
    return p->tile * 2 * p->bits <= 1024 ? 1 : 2;
}

// acc over all tiles.
QQI_AVX512_VNNI_INLINE void qqi_few_whole_avx512(const qqi_few_avx512 *w,
                                                 unsigned b, unsigned panels,
                                                 unsigned count, unsigned parts,
                                                 __m512 *acc)
{
    const __m512i low = w->low, high = w->high;
    const size_t side = w->side, scale_side = w->scale_side, hop = w->hop;
    // Of a lone tile the last cell may be a part of one.
    const size_t bytes = (w->p->tile * 2 * b + 63) / 64 * 64;
    const int8_t *q = w->g->q;
    const int32_t *start = w->g->sum;
    const uint8_t *scale = w->scale, *cell = w->cells;
    const uint8_t *turn = cell + w->turn, *all = cell + w->last * bytes;
    __m512i sum[16];

    do {
        const uint8_t *end = cell + bytes;
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++)
            sum[i] = qqi_four_avx512(start + i % count);
        QQI_UNROLL_AVX512
        for (unsigned i = 1; i <= parts; i++) {
            const uint8_t *stop = i < parts && turn < end ? turn : end;
            const uint8_t *next =
                cell + (cell < turn ? QQI_FEW_AHEAD : w->jump);
            QQI_HIDE_AVX512(next);
            while (cell < stop) {
                qqi_few_cell_avx512(cell, next, side, q, low, high, b, panels,
                                    count, sum);
                cell += 64;
                next += 64;
                q += 32 / b * count;
            }
        }
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels; i++) {
            const __m512 s = qqi_few_scale_avx512(w->scale_type, w->units,
                                                  _mm512_set1_ps(w->p->unit),
                                                  scale + i * scale_side);
            QQI_UNROLL_AVX512
            for (unsigned j = i * count; j < (i + 1) * count; j++)
                acc[j] = _mm512_fmadd_ps(s, _mm512_cvtepi32_ps(sum[j]), acc[j]);
        }
        start += count;
        scale += hop;
    } while (cell != all);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_FEW_WHOLE_H
