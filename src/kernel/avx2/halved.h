// qquant floor 5: the dot engine of AVX2 for codes beyond 127, any tile and up
// to 32 columns.
//
// Codes up to 255, 8 bits and most books: 16 * high + low, both up to 15, which
// is twice the work of 4 bits. Exact for all codes and all q. As int16 they
// take as many instructions and twice the bytes, |code| times the sign of q
// takes more.

#ifndef QQUANT_KERNEL_AVX2_HALVED_H
#define QQUANT_KERNEL_AVX2_HALVED_H

#include "kernel/avx2/dot.h"

#if QQI_HAS_AVX2

// Sums of high and low halves, times their weights.
QQI_AVX2_INLINE __m256i qqi_whole_avx2(const __m256i *t)
{
    return _mm256_add_epi32(_mm256_madd_epi16(t[0], _mm256_set1_epi16(16)),
                            _mm256_madd_epi16(t[1], _mm256_set1_epi16(1)));
}

// Whole tiles of 32 columns, 8 rows.
QQI_AVX2_INLINE void qqi_halved_quick_avx2(const qqi_pass_avx2 *a,
                                           const qqi_meeting_avx2 *m,
                                           size_t tiles, size_t half)
{
    const size_t width = a->g->width;
    const size_t stride = 4 * width;
    const uint8_t *u = m->u + QQI_ROWS_AVX2 * half;
    const int8_t *q = m->q;
    qqi_quick_avx2 to = qqi_quick_make_avx2(a, m);

    for (; tiles > 0; tiles--, u += 512, q += 8 * stride) {
        __m256i t[8];
        qqi_four_steps_avx2(u, q, stride, 1, t);
        qqi_four_steps_avx2(u + 256, q + 4 * stride, stride, 0, t);
        qqi_quick_end_avx2(&to, 0, half, qqi_whole_avx2(t));
        qqi_quick_end_avx2(&to, 1, half, qqi_whole_avx2(t + 2));
        qqi_quick_end_avx2(&to, 2, half, qqi_whole_avx2(t + 4));
        qqi_quick_end_avx2(&to, 3, half, qqi_whole_avx2(t + 6));
        qqi_quick_next_avx2(&to, width);
    }
}

// s of count, a constant, columns and a half goes on.
QQI_AVX2_INLINE void qqi_add_whole_avx2(const __m256i *t, size_t count,
                                        __m256i *s)
{
    s[0] = _mm256_add_epi32(s[0], qqi_whole_avx2(t));
    if (count > 1) {
        s[1] = _mm256_add_epi32(s[1], qqi_whole_avx2(t + 2));
        s[2] = _mm256_add_epi32(s[2], qqi_whole_avx2(t + 4));
        s[3] = _mm256_add_epi32(s[3], qqi_whole_avx2(t + 6));
    }
}

// A piece of count, a constant, 1 or 4, columns, 8 rows.
QQI_AVX2_INLINE void qqi_halved_piece_avx2(const qqi_pass_avx2 *a,
                                           const qqi_meeting_avx2 *m,
                                           const qqi_piece_avx2 *piece,
                                           size_t count, size_t half,
                                           const uint8_t *u, const int8_t *q)
{
    const size_t stride = 4 * a->g->width;
    __m256i s[4];

    u += QQI_ROWS_AVX2 * half;
    qqi_begin_half_avx2(a, piece, m->c, count, half, s);
    for (size_t left = piece->steps, now; left > 0; left -= now) {
        __m256i t[8];
        now = left < 8 ? left : 8;
        qqi_some_steps_avx2(u, q, stride, now, count, t);
        qqi_add_whole_avx2(t, count, s);
        u += 64 * now;
        q += stride * now;
    }
    qqi_piece_half_avx2(a, m, piece, count, half, s);
}

// Pieces of any kind; columns that are not there are zeros.
QQI_AVX2_INLINE void qqi_halved_pieces_avx2(const qqi_pass_avx2 *a,
                                            const qqi_meeting_avx2 *m)
{
    const uint8_t *u = m->u;
    const int8_t *q = m->q;
    qqi_piece_avx2 piece;

    for (int more = qqi_piece_first_avx2(a, m, &piece); more;
         more = qqi_piece_next_avx2(a, m, &piece)) {
        for (size_t half = 0; half < 2; half++) {
            if (m->count == 1)
                qqi_halved_piece_avx2(a, m, &piece, 1, half, u, q);
            else
                qqi_halved_piece_avx2(a, m, &piece, 4, half, u, q);
        }
        u += 64 * piece.steps;
        q += 4 * a->g->width * piece.steps;
    }
}

QQI_AVX2_ALONE void qqi_halved_segment_avx2(const qqi_pass_avx2 *a,
                                            const qqi_meeting_avx2 *m)
{
    const size_t tiles = (m->end - m->k) / 32;
    qqi_meeting_avx2 rest;

    if (a->small && m->count == 4) {
        for (size_t half = 0; half < 2; half++)
            qqi_halved_quick_avx2(a, m, tiles, half);
        if (!qqi_rest_avx2(a, m, tiles, &rest))
            return;
        m = &rest;
    }
    qqi_halved_pieces_avx2(a, m);
}

QQI_AVX2_FN void qqi_multiply_halved_avx2(const qqi_product *p,
                                          const qqi_columns *g, size_t first,
                                          size_t last, void *work)
{
    qqi_multiply_dot_avx2(p, g, first, last, work, 8, QQI_CHUNK_AVX2 / 2,
                          qqi_halved_segment_avx2, qqi_unpack_halved_avx2);
}

#endif

#endif // QQUANT_KERNEL_AVX2_HALVED_H
