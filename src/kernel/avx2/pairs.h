// qquant floor 5: codes of 8 bits where they lie, 4 columns and more, AVX2.
//
// Numbers that cannot saturate (tame.h), then what was left of the large ones,
// column by column. Only where a row of W has one scale. Three instructions for
// 32 products, and as many for the listed fours; halved.h takes 4.3. Where half
// of all fours are large, halving the codes is about as fast.
//
// All of x is copied once where there is room for it; else a few panels meet a
// stretch of columns before the next one is copied.

#ifndef QQUANT_KERNEL_AVX2_PAIRS_H
#define QQUANT_KERNEL_AVX2_PAIRS_H

#include "kernel/avx2/halved.h"
#include "kernel/avx2/tame.h"

#if QQI_HAS_AVX2

// Columns of codes that meet all others before the next ones do.
#  define QQI_PAIRS_CHUNK_AVX2 ((size_t)1024)

typedef struct qqi_pairs_avx2 {
    const qqi_product *p;
    const qqi_columns *g;
    qqi_tame_avx2 tame;
    int32_t *sum;  // of a column: 16; of a panel: those of all columns
    size_t panels; // that there is room for
} qqi_pairs_avx2;

QQI_AVX2_FN void qqi_pairs_make_avx2(const qqi_product *p, const qqi_columns *g,
                                     void *work, qqi_pairs_avx2 *a)
{
    a->p = p;
    a->g = g;
    a->sum = (int32_t *)work;
    a->panels = QQI_WORK_BYTES / (64 * g->width);
    qqi_tame_make_avx2(p, g, work, 1, &a->tame);
}

// Steps of four columns: sums of 16 rows each go on.
QQI_AVX2_ALONE void qqi_pairs_steps_avx2(const uint8_t *u, const int8_t *q,
                                         size_t steps, size_t ahead,
                                         int32_t *sum)
{
    __m256i s[8] = {qqi_load_avx2(sum),      qqi_load_avx2(sum + 8),
                    qqi_load_avx2(sum + 16), qqi_load_avx2(sum + 24),
                    qqi_load_avx2(sum + 32), qqi_load_avx2(sum + 40),
                    qqi_load_avx2(sum + 48), qqi_load_avx2(sum + 56)};

    for (; steps > 1; steps -= 2, u += 128, q += 32) {
        qqi_ask_avx2(u + ahead, 1);
        qqi_pairs_step_avx2(u, q, s);
        qqi_ask_avx2(u + ahead + 64, 1);
        qqi_pairs_step_avx2(u + 64, q + 16, s);
    }
    if (steps > 0)
        qqi_pairs_step_avx2(u, q, s);
    qqi_store_avx2(sum, s[0]);
    qqi_store_avx2(sum + 8, s[1]);
    qqi_store_avx2(sum + 16, s[2]);
    qqi_store_avx2(sum + 24, s[3]);
    qqi_store_avx2(sum + 32, s[4]);
    qqi_store_avx2(sum + 40, s[5]);
    qqi_store_avx2(sum + 48, s[6]);
    qqi_store_avx2(sum + 56, s[7]);
}

// What was left of the numbers of a stretch, times its codes.
QQI_AVX2_ALONE void qqi_pairs_over_avx2(const qqi_pairs_avx2 *a,
                                        const uint8_t *u, int32_t *sum)
{
    for (size_t c = 0; c < a->g->count; c++, sum += 16) {
        const qqi_over_avx2 *over = a->tame.over + c * a->tame.most;
        __m256i s[2] = {qqi_load_avx2(sum), qqi_load_avx2(sum + 8)};
        for (size_t i = 0; i < a->tame.count[c]; i++)
            qqi_pairs_one_avx2(qqi_load_avx2(u + over[i].at),
                               qqi_load_avx2(u + over[i].at + 32), over[i].q,
                               s);
        qqi_store_avx2(sum, s[0]);
        qqi_store_avx2(sum + 8, s[1]);
    }
}

// A stretch of a panel, some columns from k on, to its sums.
QQI_AVX2_INLINE void qqi_pairs_stretch_avx2(const qqi_pairs_avx2 *a, size_t i,
                                            size_t k, size_t columns,
                                            size_t ahead, int32_t *sum)
{
    const uint8_t *u = qqi_panel_cells(a->p, i) + 16 * k;
    const size_t chunk = a->g->width > 4 ? QQI_PAIRS_CHUNK_AVX2 : columns;

    for (size_t at = 0; at < columns; at += chunk) {
        const size_t left = columns - at;
        const size_t steps = ((left < chunk ? left : chunk) + 3) / 4;
        for (size_t c = 0; c < a->g->count; c += 4)
            qqi_pairs_steps_avx2(u + 16 * at,
                                 a->tame.q + c * a->tame.stretch + 4 * at,
                                 steps, c == 0 ? ahead : 0, sum + 16 * c);
    }
    qqi_pairs_over_avx2(a, u, sum);
}

// fma(s, D, 0) of a half of column c, from its sums.
QQI_AVX2_INLINE __m256 qqi_pairs_end_avx2(const qqi_pairs_avx2 *a,
                                          const uint8_t *panel, size_t c,
                                          size_t half, const int32_t *sum)
{
    const qqi_product *p = a->p;
    __m256i off = _mm256_set1_epi32(a->g->sum[c]);

    if (p->zero_at != 0)
        off = _mm256_mullo_epi32(off, qqi_zeros_avx2(p, panel, 0, half));
    const __m256i d = _mm256_sub_epi32(qqi_load_avx2(sum + 8 * half), off);
    return _mm256_fmadd_ps(qqi_scales_avx2(p, panel, 0, half),
                           _mm256_cvtepi32_ps(d), _mm256_setzero_ps());
}

// The end of panel i.
QQI_AVX2_INLINE void qqi_pairs_finish_avx2(const qqi_pairs_avx2 *a, size_t i,
                                           const int32_t *sum)
{
    const uint8_t *panel = qqi_panel(a->p, i);

    for (size_t c = 0; c < a->g->count; c++, sum += 16)
        qqi_end_avx2(a->p, a->g, i, c, qqi_pairs_end_avx2(a, panel, c, 0, sum),
                     qqi_pairs_end_avx2(a, panel, c, 1, sum));
}

// Whether a product can be done this way.
QQI_INLINE int qqi_has_pairs(const qqi_product *p)
{
    return p->bits == 8 && qqi_is_direct(p) && p->tiles == 1 && p->mul == 1 &&
           p->input != QQ_INPUT_INT8_TILE;
}

QQI_AVX2_FN void qqi_multiply_pairs_avx2(const qqi_product *p,
                                         const qqi_columns *g, size_t first,
                                         size_t last, void *work)
{
    const size_t row = 16 * g->width;
    qqi_pairs_avx2 a;

    qqi_pairs_make_avx2(p, g, work, &a);
    const size_t stretch = a.tame.stretch;
    for (size_t i = first, next; i < last; i = next) {
        next = a.panels < last - i ? i + a.panels : last;
        QQ_MEMSET(a.sum, 0, (next - i) * row * sizeof a.sum[0]);
        for (size_t k = 0; k < p->k; k += stretch) {
            const size_t columns = stretch < p->k - k ? stretch : p->k - k;
            if ((i == first || stretch < p->k) &&
                !qqi_tame_stretch_avx2(&a.tame, k, columns)) {
                qqi_multiply_halved_avx2(p, g, i, last, work);
                return;
            }
            for (size_t j = i; j < next; j++)
                qqi_pairs_stretch_avx2(&a, j, k, columns,
                                       qqi_ahead_of_avx2(p, j, last),
                                       a.sum + (j - i) * row);
        }
        for (size_t j = i; j < next; j++)
            qqi_pairs_finish_avx2(&a, j, a.sum + (j - i) * row);
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_PAIRS_H
