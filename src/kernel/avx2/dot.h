// qquant floor 5: the dot engine of AVX2, any tile and up to 32 columns.
//
// Codes up to 127: maddubs makes int16 of 2 products, int16 sums are widened
// before they overflow. q may be -128, so a product pair lies within -256 * u
// ... 254 * u, u being the largest code, and 32768 / (256 * u) of them may be
// added: codes of 1 bit 128 times, 2 bits 42, 3 bits 18, 4 bits 8, 5 bits 4,
// 6 bits 2, 7 bits once; e2m1, up to 24, 5 times. Where a row has one scale, x
// is looked at: mostly 4 times as many may be added.

#ifndef QQUANT_KERNEL_AVX2_DOT_H
#define QQUANT_KERNEL_AVX2_DOT_H

#include "kernel/avx2/tile.h"

#if QQI_HAS_AVX2

// --- steps -----------------------------------------------------------------

// One column: 2 vectors of codes times 4 numbers; t begins, or goes on.
QQI_AVX2_INLINE void qqi_step_one_avx2(__m256i u0, __m256i u1, const int8_t *q,
                                       int begin, __m256i *t)
{
    const __m256i four = qqi_four_avx2(q);
    const __m256i d0 = _mm256_maddubs_epi16(u0, four);
    const __m256i d1 = _mm256_maddubs_epi16(u1, four);

    t[0] = begin ? d0 : _mm256_add_epi16(t[0], d0);
    t[1] = begin ? d1 : _mm256_add_epi16(t[1], d1);
    QQI_KEEP_AVX2(t[0]);
    QQI_KEEP_AVX2(t[1]);
}

// count columns; count and begin are constants.
QQI_AVX2_INLINE void qqi_step_avx2(const uint8_t *u, const int8_t *q,
                                   size_t count, int begin, __m256i *t)
{
    const __m256i u0 = qqi_load_avx2(u);
    const __m256i u1 = qqi_load_avx2(u + 32);

    qqi_step_one_avx2(u0, u1, q, begin, t);
    if (count > 1)
        qqi_step_one_avx2(u0, u1, q + 4, begin, t + 2);
    if (count > 2)
        qqi_step_one_avx2(u0, u1, q + 8, begin, t + 4);
    if (count > 3)
        qqi_step_one_avx2(u0, u1, q + 12, begin, t + 6);
}

// Four steps of four columns, stride bytes apart.
QQI_AVX2_INLINE void qqi_four_steps_avx2(const uint8_t *u, const int8_t *q,
                                         size_t stride, int begin, __m256i *t)
{
    qqi_step_avx2(u, q, 4, begin, t);
    qqi_step_avx2(u + 64, q + stride, 4, 0, t);
    qqi_step_avx2(u + 128, q + 2 * stride, 4, 0, t);
    qqi_step_avx2(u + 192, q + 3 * stride, 4, 0, t);
}

// Steps of count columns, no more than int16 has room for.
QQI_AVX2_INLINE void qqi_some_steps_avx2(const uint8_t *u, const int8_t *q,
                                         size_t stride, size_t steps,
                                         size_t count, __m256i *t)
{
    qqi_step_avx2(u, q, count, 1, t);
    for (size_t i = 1; i < steps; i++) {
        u += 64;
        q += stride;
        qqi_step_avx2(u, q, count, 0, t);
    }
}

// Thirty-two steps of four columns.
QQI_AVX2_INLINE void qqi_many_steps_avx2(const uint8_t *u, const int8_t *q,
                                         size_t stride, __m256i *t)
{
    qqi_four_steps_avx2(u, q, stride, 1, t);
    for (size_t i = 1; i < 8; i++) {
        u += 256;
        q += 4 * stride;
        qqi_four_steps_avx2(u, q, stride, 0, t);
    }
}

// --- narrow ----------------------------------------------------------------

QQI_AVX2_INLINE __m256i qqi_wide_avx2(__m256i t)
{
    return _mm256_madd_epi16(t, _mm256_set1_epi16(1));
}

// Both halves of a column to their sums.
QQI_AVX2_INLINE void qqi_widen_avx2(const __m256i *t, int begin, __m256i *s)
{
    const __m256i d0 = qqi_wide_avx2(t[0]);
    const __m256i d1 = qqi_wide_avx2(t[1]);

    s[0] = begin ? d0 : _mm256_add_epi32(s[0], d0);
    s[1] = begin ? d1 : _mm256_add_epi32(s[1], d1);
}

// Of count columns.
QQI_AVX2_INLINE void qqi_widen_all_avx2(const __m256i *t, size_t count,
                                        int begin, __m256i *s)
{
    qqi_widen_avx2(t, begin, s);
    if (count > 1)
        qqi_widen_avx2(t + 2, begin, s + 2);
    if (count > 2)
        qqi_widen_avx2(t + 4, begin, s + 4);
    if (count > 3)
        qqi_widen_avx2(t + 6, begin, s + 6);
}

// Whole tiles of 32 columns; most, a constant, is 8 or 4.
QQI_AVX2_INLINE void qqi_narrow_quick_avx2(const qqi_pass_avx2 *a,
                                           const qqi_meeting_avx2 *m,
                                           size_t tiles, size_t most)
{
    const size_t width = a->g->width;
    const size_t stride = 4 * width;
    const uint8_t *u = m->u;
    const int8_t *q = m->q;
    qqi_quick_avx2 to = qqi_quick_make_avx2(a, m);

    for (; tiles > 0; tiles--, u += 512, q += 8 * stride) {
        __m256i t[8], s[8];
        qqi_four_steps_avx2(u, q, stride, 1, t);
        if (most == 4)
            qqi_widen_all_avx2(t, 4, 1, s);
        qqi_four_steps_avx2(u + 256, q + 4 * stride, stride, most == 4, t);
        qqi_widen_all_avx2(t, 4, most != 4, s);
        qqi_quick_both_avx2(&to, s);
        qqi_quick_next_avx2(&to, width);
    }
}

// count, a constant, columns.
QQI_AVX2_INLINE void qqi_narrow_steps_avx2(const qqi_pass_avx2 *a,
                                           const qqi_meeting_avx2 *m,
                                           size_t count)
{
    const size_t stride = 4 * a->g->width;
    const size_t most = a->most;
    const uint8_t *u = m->u;
    const int8_t *q = m->q;
    qqi_piece_avx2 piece;

    for (int more = qqi_piece_first_avx2(a, m, &piece); more;
         more = qqi_piece_next_avx2(a, m, &piece)) {
        __m256i t[8], s[8];
        qqi_begin_both_avx2(a, &piece, m->c, count, s);
        for (size_t left = piece.steps, now; left > 0; left -= now) {
            now = left < most ? left : most;
            qqi_some_steps_avx2(u, q, stride, now, count, t);
            qqi_widen_all_avx2(t, count, 0, s);
            u += 64 * now;
            q += stride * now;
        }
        qqi_piece_both_avx2(a, m, &piece, count, s);
    }
}

// Four columns in long tiles, where int16 has room for 32 steps.
QQI_AVX2_ALONE void qqi_narrow_long_avx2(const qqi_pass_avx2 *a,
                                         const qqi_meeting_avx2 *m)
{
    const size_t stride = 4 * a->g->width;
    const uint8_t *u = m->u;
    const int8_t *q = m->q;
    qqi_piece_avx2 piece;

    for (int more = qqi_piece_first_avx2(a, m, &piece); more;
         more = qqi_piece_next_avx2(a, m, &piece)) {
        __m256i t[8], s[8];
        qqi_begin_both_avx2(a, &piece, m->c, 4, s);
        for (size_t left = piece.steps, now; left > 0; left -= now) {
            now = left < 32 ? left : 32;
            if (now == 32)
                qqi_many_steps_avx2(u, q, stride, t);
            else
                qqi_some_steps_avx2(u, q, stride, now, 4, t);
            qqi_widen_all_avx2(t, 4, 0, s);
            u += 64 * now;
            q += stride * now;
        }
        qqi_piece_both_avx2(a, m, &piece, 4, s);
    }
}

QQI_AVX2_ALONE void qqi_narrow_segment_avx2(const qqi_pass_avx2 *a,
                                            const qqi_meeting_avx2 *m)
{
    const size_t tiles = (m->end - m->k) / 32;
    qqi_meeting_avx2 rest;

    switch (m->count) {
    case 1:
        qqi_narrow_steps_avx2(a, m, 1);
        return;
    case 2:
        qqi_narrow_steps_avx2(a, m, 2);
        return;
    case 3:
        qqi_narrow_steps_avx2(a, m, 3);
        return;
    default:
        break;
    }
    if (a->small) {
        if (a->most >= 8)
            qqi_narrow_quick_avx2(a, m, tiles, 8);
        else
            qqi_narrow_quick_avx2(a, m, tiles, 4);
        if (!qqi_rest_avx2(a, m, tiles, &rest))
            return;
        m = &rest;
    }
    if (a->most >= 32 && a->p->tile >= 128)
        qqi_narrow_long_avx2(a, m);
    else
        qqi_narrow_steps_avx2(a, m, 4);
}

// --- the product -----------------------------------------------------------

// The largest code that q meets.
QQI_FN unsigned qqi_most_code(const qqi_product *p)
{
    unsigned most = 0;

    if (p->code != QQI_CODE_BOOK)
        return (1u << p->bits) - 1;
    for (size_t i = 0; i < (size_t)1 << p->bits; i++)
        most = p->book[i] > most ? p->book[i] : most;
    return most;
}

// The larger sum of a pair of numbers above zero, or below, in some steps.
QQI_AVX2_INLINE __m128i qqi_sides_avx2(const int8_t *q, size_t stride,
                                       size_t steps)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i one = _mm_set1_epi8(1);
    __m128i above = zero, below = zero;

    for (; steps > 0; steps--, q += stride) {
        const __m128i x = qqi_load16_avx2(q);
        const __m128i a = _mm_max_epi8(x, zero);
        const __m128i b = _mm_sub_epi8(a, x);
        above = _mm_add_epi16(above, _mm_maddubs_epi16(a, one));
        below = _mm_add_epi16(below, _mm_maddubs_epi16(b, one));
    }
    return _mm_max_epi16(above, below);
}

// Whether int16 has room for so many steps, 4 to 32, from each multiple of it
// on, of codes up to a largest one.
QQI_AVX2_FN int qqi_has_room_avx2(const qqi_product *p, const qqi_columns *g,
                                  unsigned code, size_t steps)
{
    const size_t stride = 4 * g->width;
    const size_t all = p->padded / 4;
    __m128i most = _mm_setzero_si128();

    for (size_t i = 0; i < all; i += steps)
        for (size_t c = 0; c < g->width; c += 4)
            most = _mm_max_epi16(
                most, qqi_sides_avx2(g->q + i * stride + 4 * c, stride,
                                     steps < all - i ? steps : all - i));
    return _mm_movemask_epi8(_mm_cmpgt_epi16(
               most, _mm_set1_epi16((int16_t)(32767 / code)))) == 0;
}

QQI_AVX2_FN void qqi_multiply_narrow_avx2(const qqi_product *p,
                                          const qqi_columns *g, size_t first,
                                          size_t last, void *work)
{
    const unsigned code = qqi_most_code(p);
    size_t most = code > 0 ? 32768 / (256 * code) : 128;

    // Not worth a look for a few panels. All pieces begin with a chunk.
    if (p->tiles == 1 && last - first >= 8 && g->width >= 4 &&
        (most == 8 || most == 4 || most == 2 || most == 1) &&
        qqi_has_room_avx2(p, g, code, 4 * most))
        most *= 4;
    qqi_multiply_dot_avx2(p, g, first, last, work, most, QQI_CHUNK_AVX2,
                          qqi_narrow_segment_avx2, qqi_unpack_avx2);
}

#endif

#endif // QQUANT_KERNEL_AVX2_DOT_H
