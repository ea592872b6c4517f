// qquant floor 5: codes of 8 bits where they lie, 4 columns and more, AVX2.
//
// maddubs adds two products in int16, and all of them fit where the two numbers
// add up to -128 to 128: between 255 * -128 = -32640 and 255 * 128 = 32640, for
// numbers of unlike signs, too, as none is beyond. Of numbers that are spread
// as a normal distribution one pair in 120 is larger. All are multiplied as if
// none was, and what saturation cut off is added for four numbers that hold a
// large pair: with q = h + l, halves of it, both exact,
//
//   off = maddubs(u, h) + maddubs(u, l) - maddubs(u, q)
//
// which int16 holds: two products are -65280 to 64770, so it is -32512 to
// 32003. The result is the exact sum. Where more than a tenth of the fours are
// large, halving all codes (dot.h) is faster.
//
// Only where a row of W has one scale. Three instructions for 32 products, and
// a third more or less for the fours; dot.h takes 4.3.

#ifndef QQUANT_KERNEL_AVX2_PAIRS_H
#define QQUANT_KERNEL_AVX2_PAIRS_H

#include "kernel/avx2/dot.h"

#if QQI_HAS_AVX2

// Fours for which there is room in work; more where work is larger.
#  define QQI_LARGE_AVX2 ((size_t)2048)

typedef struct qqi_pairs_avx2 {
    const qqi_product *p;
    const qqi_columns *g;
    qqi_work_avx2 *w;
    uint32_t *large; // fours: step << 8 | column
    size_t count;
} qqi_pairs_avx2;

// Which of eight fours hold a large pair: a bit each.
QQI_AVX2_INLINE uint32_t qqi_are_large_avx2(__m256i q)
{
    const __m256i sums = _mm256_maddubs_epi16(_mm256_set1_epi8(1), q);
    const __m256i large =
        _mm256_cmpgt_epi16(_mm256_abs_epi16(sums), _mm256_set1_epi16(128));
    const __m256i none = _mm256_cmpeq_epi32(large, _mm256_setzero_si256());

    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(none)) ^ 255;
}

// Finds the fours of a group; 0: there are too many. 64 of them are 256 bytes,
// which divides 16 steps of 4 columns.
QQI_AVX2_ALONE int qqi_find_large_avx2(qqi_pairs_avx2 *a)
{
    const size_t width = a->g->width;
    const size_t fours = a->p->padded / 4 * width;
    const size_t room =
        width > 8 ? qqi_wide_bytes(a->p->padded) / 4 : QQI_LARGE_AVX2;
    const size_t most = fours / 10 < room ? fours / 10 : room;

    a->large = (uint32_t *)(void *)(width > 8 ? (uint8_t *)a->w + QQI_WORK_BYTES
                                              : a->w->u);
    a->count = 0;
    for (size_t i = 0; i < fours; i += 64) {
        uint64_t bits = 0;
        for (size_t j = 0; j < 64; j += 8)
            bits |= (uint64_t)qqi_are_large_avx2(
                        qqi_load_avx2(a->g->q + 4 * (i + j)))
                    << j;
        for (; bits != 0; bits &= bits - 1) {
            const uint32_t at = (uint32_t)i + (uint32_t)__builtin_ctzll(bits);
            const uint32_t step = at / (uint32_t)width;
            if (a->count == most)
                return 0;
            a->large[a->count++] = step << 8 | (at - step * (uint32_t)width);
        }
    }
    return 1;
}

// What saturation cuts off 8 rows.
QQI_AVX2_INLINE __m256i qqi_cut_off_avx2(__m256i u, __m256i q, __m256i high,
                                         __m256i low)
{
    const __m256i both = _mm256_add_epi16(_mm256_maddubs_epi16(u, high),
                                          _mm256_maddubs_epi16(u, low));

    return qqi_wide_avx2(_mm256_sub_epi16(both, _mm256_maddubs_epi16(u, q)));
}

// The same, added to their sums.
QQI_AVX2_INLINE void qqi_cut_rows_avx2(const uint8_t *u, __m256i q,
                                       __m256i high, __m256i low, int32_t *sum)
{
    const __m256i off = qqi_cut_off_avx2(qqi_load_avx2(u), q, high, low);

    qqi_store_avx2(sum, _mm256_add_epi32(qqi_load_avx2(sum), off));
}

// Adds that to the sums: fours from i on, of steps before end. They are in the
// order of steps. Gives the next one.
QQI_AVX2_ALONE size_t qqi_add_large_avx2(const qqi_pairs_avx2 *a,
                                         const uint8_t *cells, size_t i,
                                         size_t end)
{
    const __m256i flip = _mm256_set1_epi8((char)-128);
    const __m256i half = _mm256_set1_epi8(64);
    const size_t width = a->g->width;
    const int8_t *at = a->g->q;

    for (; i < a->count && a->large[i] >> 8 < end; i++) {
        const size_t step = a->large[i] >> 8;
        const size_t c = a->large[i] & 255;
        const uint8_t *u = cells + 64 * step;
        int32_t *sum = a->w->sum[c];
        const __m256i q = qqi_four_avx2(at + 4 * (step * width + c));
        // (q + 1) >> 1, which is -64 to 64, and the rest, -64 to 63.
        const __m256i high = _mm256_sub_epi8(
            _mm256_avg_epu8(_mm256_xor_si256(q, flip), _mm256_setzero_si256()),
            half);
        const __m256i low = _mm256_sub_epi8(q, high);
        qqi_cut_rows_avx2(u, q, high, low, sum);
        qqi_cut_rows_avx2(u + 32, q, high, low, sum + 8);
    }
    return i;
}

// One column: 16 rows times 4 numbers.
QQI_AVX2_INLINE void qqi_pairs_one_avx2(__m256i u0, __m256i u1, const int8_t *q,
                                        __m256i *s)
{
    const __m256i four = qqi_four_avx2(q);
    const __m256i d0 = _mm256_maddubs_epi16(u0, four);
    const __m256i d1 = _mm256_maddubs_epi16(u1, four);

    s[0] = _mm256_add_epi32(s[0], qqi_wide_avx2(d0));
    s[1] = _mm256_add_epi32(s[1], qqi_wide_avx2(d1));
    QQI_KEEP_AVX2(s[0]);
    QQI_KEEP_AVX2(s[1]);
}

QQI_AVX2_INLINE void qqi_pairs_step_avx2(const uint8_t *u, const int8_t *q,
                                         __m256i *s)
{
    const __m256i u0 = qqi_load_avx2(u);
    const __m256i u1 = qqi_load_avx2(u + 32);

    qqi_pairs_one_avx2(u0, u1, q, s);
    qqi_pairs_one_avx2(u0, u1, q + 4, s + 2);
    qqi_pairs_one_avx2(u0, u1, q + 8, s + 4);
    qqi_pairs_one_avx2(u0, u1, q + 12, s + 6);
}

// Steps of four columns: sums of 16 rows each go on.
QQI_AVX2_ALONE void qqi_pairs_steps_avx2(const uint8_t *u, const int8_t *q,
                                         size_t stride, size_t steps,
                                         size_t ahead, int32_t *sum)
{
    __m256i s[8] = {qqi_load_avx2(sum),      qqi_load_avx2(sum + 8),
                    qqi_load_avx2(sum + 16), qqi_load_avx2(sum + 24),
                    qqi_load_avx2(sum + 32), qqi_load_avx2(sum + 40),
                    qqi_load_avx2(sum + 48), qqi_load_avx2(sum + 56)};

    for (; steps > 1; steps -= 2, u += 128, q += 2 * stride) {
        qqi_ask_avx2(u + ahead, 1);
        qqi_pairs_step_avx2(u, q, s);
        qqi_ask_avx2(u + ahead + 64, 1);
        qqi_pairs_step_avx2(u + 64, q + stride, s);
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

// fma(s, D, 0) of a half of a column.
QQI_AVX2_INLINE __m256 qqi_pairs_end_avx2(const qqi_pairs_avx2 *a,
                                          const uint8_t *panel, size_t c,
                                          size_t half)
{
    const qqi_product *p = a->p;
    __m256i off = _mm256_set1_epi32(a->g->sum[c]);

    if (p->zero_at != 0)
        off = _mm256_mullo_epi32(off, qqi_zeros_avx2(p, panel, 0, half));
    const __m256i d =
        _mm256_sub_epi32(qqi_load_avx2(a->w->sum[c] + 8 * half), off);
    return _mm256_fmadd_ps(qqi_scales_avx2(p, panel, 0, half),
                           _mm256_cvtepi32_ps(d), _mm256_setzero_ps());
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
    const size_t stride = 4 * g->width;
    qqi_pairs_avx2 a;

    a.p = p;
    a.g = g;
    a.w = (qqi_work_avx2 *)work;
    if (!qqi_find_large_avx2(&a)) {
        qqi_multiply_halved_avx2(p, g, first, last, work);
        return;
    }
    for (size_t i = first; i < last; i++) {
        const uint8_t *cells = qqi_panel_cells(p, i);
        const size_t ahead = qqi_ahead_of_avx2(p, i, last);
        QQ_MEMSET(a.w->sum, 0, g->width * sizeof a.w->sum[0]);
        for (size_t k = 0, large = 0; k < p->k; k += QQI_CHUNK_AVX2) {
            const size_t left = p->k - k;
            const size_t steps =
                ((left < QQI_CHUNK_AVX2 ? left : QQI_CHUNK_AVX2) + 3) / 4;
            for (size_t c = 0; c < g->count; c += 4)
                qqi_pairs_steps_avx2(cells + 16 * k,
                                     g->q + k * g->width + 4 * c, stride, steps,
                                     c == 0 ? ahead : 0, a.w->sum[c]);
            large = qqi_add_large_avx2(&a, cells, large, k / 4 + steps);
        }
        for (size_t c = 0; c < g->count; c++)
            qqi_end_avx2(p, g, i, c,
                         qqi_pairs_end_avx2(&a, qqi_panel(p, i), c, 0),
                         qqi_pairs_end_avx2(&a, qqi_panel(p, i), c, 1));
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_PAIRS_H
