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

QQI_AVX_VNNI_INLINE void qqi_step_avx_vnni(__m256i u0, __m256i u1,
                                           const int8_t *q, __m256i *s)
{
    const __m256i four = qqi_four_avx2(q);

    s[0] = _mm256_dpbusd_avx_epi32(s[0], u0, four);
    s[1] = _mm256_dpbusd_avx_epi32(s[1], u1, four);
}

// count, a constant, columns.
QQI_AVX_VNNI_INLINE void qqi_steps_avx_vnni(const qqi_pass_avx2 *a,
                                            const qqi_meeting_avx2 *m,
                                            size_t count)
{
    const size_t stride = 4 * a->g->width;
    const uint8_t *u = m->u;
    const int8_t *q = m->q;
    __m256i s[8];

    qqi_begin_avx2(a, m, count, s);
    for (size_t i = 0; i < m->steps; i++, u += 64, q += stride) {
        const __m256i u0 = qqi_load_avx2(u);
        const __m256i u1 = qqi_load_avx2(u + 32);
        qqi_step_avx_vnni(u0, u1, q, s);
        if (count > 1)
            qqi_step_avx_vnni(u0, u1, q + 4, s + 2);
        if (count > 2)
            qqi_step_avx_vnni(u0, u1, q + 8, s + 4);
        if (count > 3)
            qqi_step_avx_vnni(u0, u1, q + 12, s + 6);
    }
    qqi_finish_avx2(a, m, count, s);
}

QQI_AVX_VNNI_ALONE void qqi_segment_avx_vnni(const qqi_pass_avx2 *a,
                                             const qqi_meeting_avx2 *m)
{
    switch (m->count) {
    case 1:
        qqi_steps_avx_vnni(a, m, 1);
        break;
    case 2:
        qqi_steps_avx_vnni(a, m, 2);
        break;
    case 3:
        qqi_steps_avx_vnni(a, m, 3);
        break;
    default:
        qqi_steps_avx_vnni(a, m, 4);
        break;
    }
}

QQI_AVX_VNNI_FN void qqi_multiply_avx_vnni(const qqi_product *p,
                                           const qqi_columns *g, size_t first,
                                           size_t last, void *work)
{
    qqi_multiply_dot_avx2(p, g, first, last, work, 0, qqi_segment_avx_vnni,
                          qqi_unpack_avx2, 64);
}

// Codes of 8 bits are multiplied where they are.
QQI_AVX_VNNI_FN void qqi_multiply_bytes_avx_vnni(const qqi_product *p,
                                                 const qqi_columns *g,
                                                 size_t first, size_t last,
                                                 void *work)
{
    qqi_multiply_dot_avx2(p, g, first, last, work, 0, qqi_segment_avx_vnni,
                          NULL, 64);
}

#endif

#endif // QQUANT_KERNEL_AVX2_VNNI_H
