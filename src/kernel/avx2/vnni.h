// qquant floor 5: the dot engine of AVX-VNNI, any tile and up to 32 columns.
//
// vpdpbusd adds four products of a code and a number to an int32: all codes,
// nothing saturates.

#ifndef QQUANT_KERNEL_AVX2_VNNI_H
#define QQUANT_KERNEL_AVX2_VNNI_H

#include "kernel/avx2/tile.h"

#if QQI_HAS_AVX_VNNI

// A function whose registers are its own.
#  define QQI_AVX_VNNI_ALONE                                                   \
      static __attribute__((target(QQI_TARGET_AVX_VNNI), noinline, unused))

QQI_AVX_VNNI_INLINE void qqi_step_one_avx_vnni(__m256i u0, __m256i u1,
                                               const int8_t *q, __m256i *s)
{
    const __m256i four = qqi_four_avx2(q);

    s[0] = _mm256_dpbusd_avx_epi32(s[0], u0, four);
    s[1] = _mm256_dpbusd_avx_epi32(s[1], u1, four);
}

// count, a constant, columns.
QQI_AVX_VNNI_INLINE void qqi_step_avx_vnni(const uint8_t *u, const int8_t *q,
                                           size_t count, __m256i *s)
{
    const __m256i u0 = qqi_load_avx2(u);
    const __m256i u1 = qqi_load_avx2(u + 32);

    qqi_step_one_avx_vnni(u0, u1, q, s);
    if (count > 1)
        qqi_step_one_avx_vnni(u0, u1, q + 4, s + 2);
    if (count > 2)
        qqi_step_one_avx_vnni(u0, u1, q + 8, s + 4);
    if (count > 3)
        qqi_step_one_avx_vnni(u0, u1, q + 12, s + 6);
}

QQI_AVX_VNNI_INLINE void qqi_four_steps_avx_vnni(const uint8_t *u,
                                                 const int8_t *q, size_t stride,
                                                 __m256i *s)
{
    qqi_step_avx_vnni(u, q, 4, s);
    qqi_step_avx_vnni(u + 64, q + stride, 4, s);
    qqi_step_avx_vnni(u + 128, q + 2 * stride, 4, s);
    qqi_step_avx_vnni(u + 192, q + 3 * stride, 4, s);
}

// Whole tiles of 32 columns.
QQI_AVX_VNNI_INLINE void qqi_quick_avx_vnni(const qqi_pass_avx2 *a,
                                            const qqi_meeting_avx2 *m,
                                            size_t tiles)
{
    const __m256i zero = _mm256_setzero_si256();
    const size_t width = a->g->width;
    const size_t stride = 4 * width;
    const uint8_t *u = m->u;
    const int8_t *q = m->q;
    qqi_quick_avx2 to = qqi_quick_make_avx2(a, m);

    for (; tiles > 0; tiles--, u += 512, q += 8 * stride) {
        __m256i s[8] = {zero, zero, zero, zero, zero, zero, zero, zero};
        qqi_four_steps_avx_vnni(u, q, stride, s);
        qqi_four_steps_avx_vnni(u + 256, q + 4 * stride, stride, s);
        qqi_quick_both_avx2(&to, s);
        qqi_quick_next_avx2(&to, width);
    }
}

// count, a constant, columns.
QQI_AVX_VNNI_INLINE void qqi_steps_avx_vnni(const qqi_pass_avx2 *a,
                                            const qqi_meeting_avx2 *m,
                                            size_t count)
{
    const size_t stride = 4 * a->g->width;
    const uint8_t *u = m->u;
    const int8_t *q = m->q;
    qqi_piece_avx2 piece;

    for (int more = qqi_piece_first_avx2(a, m, &piece); more;
         more = qqi_piece_next_avx2(a, m, &piece)) {
        __m256i s[8];
        qqi_begin_both_avx2(a, &piece, m->c, count, s);
        size_t left = piece.steps;
        for (; count == 4 && left >= 4; left -= 4) {
            qqi_four_steps_avx_vnni(u, q, stride, s);
            u += 256;
            q += 4 * stride;
        }
        for (; left > 0; left--, u += 64, q += stride)
            qqi_step_avx_vnni(u, q, count, s);
        qqi_piece_both_avx2(a, m, &piece, count, s);
    }
}

QQI_AVX_VNNI_ALONE void qqi_segment_avx_vnni(const qqi_pass_avx2 *a,
                                             const qqi_meeting_avx2 *m)
{
    const size_t tiles = (m->end - m->k) / 32;
    qqi_meeting_avx2 rest;

    switch (m->count) {
    case 1:
        qqi_steps_avx_vnni(a, m, 1);
        return;
    case 2:
        qqi_steps_avx_vnni(a, m, 2);
        return;
    case 3:
        qqi_steps_avx_vnni(a, m, 3);
        return;
    default:
        break;
    }
    if (a->small) {
        qqi_quick_avx_vnni(a, m, tiles);
        if (!qqi_rest_avx2(a, m, tiles, &rest))
            return;
        m = &rest;
    }
    qqi_steps_avx_vnni(a, m, 4);
}

QQI_AVX_VNNI_FN void qqi_multiply_avx_vnni(const qqi_product *p,
                                           const qqi_columns *g, size_t first,
                                           size_t last, void *work)
{
    qqi_multiply_dot_avx2(p, g, first, last, work, 0, QQI_CHUNK_AVX2,
                          qqi_segment_avx_vnni, qqi_unpack_avx2);
}

// Codes of 8 bits are multiplied where they are.
QQI_AVX_VNNI_FN void qqi_multiply_bytes_avx_vnni(const qqi_product *p,
                                                 const qqi_columns *g,
                                                 size_t first, size_t last,
                                                 void *work)
{
    qqi_multiply_dot_avx2(p, g, first, last, work, 0, QQI_CHUNK_AVX2,
                          qqi_segment_avx_vnni, NULL);
}

#endif

#endif // QQUANT_KERNEL_AVX2_VNNI_H
