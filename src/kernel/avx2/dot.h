// qquant floor 5: the dot engine of AVX2, any tile and up to 32 columns.
//
//   narrow   codes up to 127: maddubs makes int16 of 2 products, int16 sums
//            are widened before they overflow. q may be -128, so a product
//            pair lies within -256 * u ... 254 * u, u being the largest code,
//            and 32768 / (256 * u) of them may be added: codes of 1 bit 128
//            times, 2 bits 42, 3 bits 18, 4 bits 8, 5 bits 4, 6 bits 2, 7 bits
//            once; e2m1, up to 24, 5 times.
//   wide     codes up to 255, 8 bits and most books: int16 times int16, even
//            and odd columns apart, sums in int32. Exact for all codes and all
//            q, with as many instructions as |code| times the sign of q takes.

#ifndef QQUANT_KERNEL_AVX2_DOT_H
#define QQUANT_KERNEL_AVX2_DOT_H

#include "kernel/avx2/tile.h"

#if QQI_HAS_AVX2

// --- narrow ----------------------------------------------------------------

// One column: 16 rows times 4 numbers.
QQI_AVX2_INLINE void qqi_narrow_step_avx2(__m256i u0, __m256i u1,
                                          const int8_t *q, __m256i *t)
{
    const __m256i four = qqi_four_avx2(q);

    t[0] = _mm256_add_epi16(t[0], _mm256_maddubs_epi16(u0, four));
    t[1] = _mm256_add_epi16(t[1], _mm256_maddubs_epi16(u1, four));
}

QQI_AVX2_INLINE void qqi_widen_avx2(__m256i *t, __m256i *s)
{
    const __m256i ones = _mm256_set1_epi16(1);

    s[0] = _mm256_add_epi32(s[0], _mm256_madd_epi16(t[0], ones));
    s[1] = _mm256_add_epi32(s[1], _mm256_madd_epi16(t[1], ones));
    t[0] = _mm256_setzero_si256();
    t[1] = _mm256_setzero_si256();
}

// count, a constant, columns.
QQI_AVX2_INLINE void qqi_narrow_steps_avx2(const qqi_pass_avx2 *a,
                                           const qqi_meeting_avx2 *m,
                                           size_t count)
{
    const __m256i zero = _mm256_setzero_si256();
    const size_t stride = 4 * a->g->width;
    const size_t most = a->most;
    const uint8_t *u = m->u;
    const int8_t *q = m->q;
    __m256i t[8] = {zero, zero, zero, zero, zero, zero, zero, zero};
    __m256i s[8];

    qqi_begin_avx2(a, m, count, s);
    for (size_t left = m->steps, now; left > 0; left -= now) {
        now = left < most ? left : most;
        for (size_t i = 0; i < now; i++, u += 64, q += stride) {
            const __m256i u0 = qqi_load_avx2(u);
            const __m256i u1 = qqi_load_avx2(u + 32);
            qqi_narrow_step_avx2(u0, u1, q, t);
            if (count > 1)
                qqi_narrow_step_avx2(u0, u1, q + 4, t + 2);
            if (count > 2)
                qqi_narrow_step_avx2(u0, u1, q + 8, t + 4);
            if (count > 3)
                qqi_narrow_step_avx2(u0, u1, q + 12, t + 6);
        }
        qqi_widen_avx2(t, s);
        if (count > 1)
            qqi_widen_avx2(t + 2, s + 2);
        if (count > 2)
            qqi_widen_avx2(t + 4, s + 4);
        if (count > 3)
            qqi_widen_avx2(t + 6, s + 6);
    }
    qqi_finish_avx2(a, m, count, s);
}

QQI_AVX2_ALONE void qqi_narrow_segment_avx2(const qqi_pass_avx2 *a,
                                            const qqi_meeting_avx2 *m)
{
    switch (m->count) {
    case 1:
        qqi_narrow_steps_avx2(a, m, 1);
        break;
    case 2:
        qqi_narrow_steps_avx2(a, m, 2);
        break;
    case 3:
        qqi_narrow_steps_avx2(a, m, 3);
        break;
    default:
        qqi_narrow_steps_avx2(a, m, 4);
        break;
    }
}

// --- wide ------------------------------------------------------------------

QQI_AVX2_INLINE void qqi_wide_step_avx2(const uint8_t *u, const int16_t *q,
                                        __m256i *s)
{
    const __m256i even = qqi_four_avx2(q);
    const __m256i odd = qqi_four_avx2(q + 8);

    s[0] = _mm256_add_epi32(s[0], _mm256_madd_epi16(qqi_load_avx2(u), even));
    s[1] =
        _mm256_add_epi32(s[1], _mm256_madd_epi16(qqi_load_avx2(u + 64), even));
    s[0] =
        _mm256_add_epi32(s[0], _mm256_madd_epi16(qqi_load_avx2(u + 32), odd));
    s[1] =
        _mm256_add_epi32(s[1], _mm256_madd_epi16(qqi_load_avx2(u + 96), odd));
}

// The numbers are spread already.
QQI_AVX2_INLINE void qqi_wide_steps_avx2(const qqi_pass_avx2 *a,
                                         const qqi_meeting_avx2 *m,
                                         size_t count)
{
    const int16_t *q = a->w->q;
    const uint8_t *u = m->u;
    __m256i s[8];

    qqi_begin_avx2(a, m, count, s);
    for (size_t i = 0; i < m->steps; i++, u += 128, q += 16) {
        qqi_wide_step_avx2(u, q, s);
        if (count > 1)
            qqi_wide_step_avx2(u, q + 2, s + 2);
        if (count > 2)
            qqi_wide_step_avx2(u, q + 4, s + 4);
        if (count > 3)
            qqi_wide_step_avx2(u, q + 6, s + 6);
    }
    qqi_finish_avx2(a, m, count, s);
}

// Spreads a lone column, which has no more numbers than its steps: tiles need
// not begin at a multiple of 16.
QQI_AVX2_INLINE void qqi_spread_lone_avx2(const int8_t *q, size_t steps,
                                          int16_t *out)
{
    const size_t whole = steps / 4;
    int8_t rest[16] = {0};

    qqi_spread_avx2(q, 16, whole, out);
    if (steps % 4 == 0)
        return;
    QQ_MEMCPY(rest, q + 16 * whole, steps % 4 * 4);
    qqi_spread_avx2(rest, 16, 1, out + 16 * whole);
}

// Steps of a lone column: four are in a row of the spread numbers.
QQI_AVX2_INLINE void qqi_wide_lone_avx2(const qqi_pass_avx2 *a,
                                        const qqi_meeting_avx2 *m)
{
    const int16_t *q = a->w->q;
    const uint8_t *u = m->u;
    __m256i s[2];

    qqi_begin_avx2(a, m, 1, s);
    for (size_t i = 0; i < m->steps; i++, u += 128)
        qqi_wide_step_avx2(u, q + i / 4 * 16 + i % 4 * 2, s);
    qqi_finish_avx2(a, m, 1, s);
}

QQI_AVX2_ALONE void qqi_wide_segment_avx2(const qqi_pass_avx2 *a,
                                          const qqi_meeting_avx2 *m)
{
    if (a->g->width == 1) {
        qqi_spread_lone_avx2(m->q, m->steps, a->w->q);
        qqi_wide_lone_avx2(a, m);
        return;
    }
    qqi_spread_avx2(m->q, 4 * a->g->width, m->steps, a->w->q);
    switch (m->count) {
    case 1:
        qqi_wide_steps_avx2(a, m, 1);
        break;
    case 2:
        qqi_wide_steps_avx2(a, m, 2);
        break;
    case 3:
        qqi_wide_steps_avx2(a, m, 3);
        break;
    default:
        qqi_wide_steps_avx2(a, m, 4);
        break;
    }
}

// --- the products ----------------------------------------------------------

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

QQI_AVX2_FN void qqi_multiply_narrow_avx2(const qqi_product *p,
                                          const qqi_columns *g, size_t first,
                                          size_t last, void *work)
{
    const unsigned code = qqi_most_code(p);

    qqi_multiply_dot_avx2(p, g, first, last, work,
                          code > 0 ? 32768 / (256 * code) : 128,
                          qqi_narrow_segment_avx2, qqi_unpack_avx2, 64);
}

QQI_AVX2_FN void qqi_multiply_wide_avx2(const qqi_product *p,
                                        const qqi_columns *g, size_t first,
                                        size_t last, void *work)
{
    qqi_multiply_dot_avx2(p, g, first, last, work, 0, qqi_wide_segment_avx2,
                          qqi_unpack_wide_avx2, 128);
}

#endif

#endif // QQUANT_KERNEL_AVX2_DOT_H
