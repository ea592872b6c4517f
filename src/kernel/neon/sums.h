// qquant floor 5: sums of q by spans, NEON.
//
// Bytes are added in pairs, and pairs in pairs: 16 bytes are a column, 4 bytes
// of 4 columns or 8 of two. Numbers from k on are zeros of q.

#ifndef QQUANT_KERNEL_NEON_SUMS_H
#define QQUANT_KERNEL_NEON_SUMS_H

#include "kernel/neon/core.h"

#if QQI_HAS_NEON

// Numbers k to end - 1 of a lone column.
QQI_NEON_INLINE int32_t qqi_sum_column_neon(const int8_t *q, size_t k,
                                            size_t end)
{
    int32x4_t sum = vdupq_n_s32(0);
    int32_t more = 0;

    for (; end - k >= 16; k += 16)
        sum = vpadalq_s16(sum, vpaddlq_s8(vld1q_s8(q + k)));
    for (; k < end; k++)
        more += q[k];
    return vaddvq_s32(sum) + more;
}

// Four columns from column c on, unit 4.
QQI_NEON_INLINE void qqi_sum_four_neon(const qqi_columns *g, size_t k,
                                       size_t end, size_t c, int32_t *out)
{
    int32x4_t sum = vdupq_n_s32(0);

    for (; k < end; k += 4) {
        const int8_t *q = g->q + k * g->width + 4 * c;
        sum = vpadalq_s16(sum, vpaddlq_s8(vld1q_s8(q)));
    }
    vst1q_s32(out, sum);
}

// Two columns from column c on, unit 8; k is a multiple of 8, and behind end
// are zeros up to the next one.
QQI_NEON_INLINE void qqi_sum_two_neon(const qqi_columns *g, size_t k,
                                      size_t end, size_t c, int32_t *out)
{
    int32x4_t sum = vdupq_n_s32(0);

    for (; k < end; k += 8) {
        const int8_t *q = g->q + k * g->width + 8 * c;
        sum = vpadalq_s16(sum, vpaddlq_s8(vld1q_s8(q)));
    }
    sum = vpaddq_s32(sum, sum);
    vst1_s32(out, vget_low_s32(sum));
}

// Two columns, and no others, unit 4.
QQI_NEON_INLINE void qqi_sum_both_neon(const qqi_columns *g, size_t k,
                                       size_t end, int32_t *out)
{
    int32x2_t sum = vdup_n_s32(0);

    for (; k < end; k += 4)
        sum = vpadal_s16(sum, vpaddl_s8(vld1_s8(g->q + 2 * k)));
    vst1_s32(out, sum);
}

QQI_NEON_FN void qqi_sum_span_neon(const qqi_product *p, const qqi_columns *g,
                                   size_t k, size_t end, int32_t *out)
{
    const int eights = k % 8 == 0 && (end % 8 == 0 || end == p->k);

    if (g->width == 1) {
        out[0] = qqi_sum_column_neon(g->q, k, end);
    } else if (g->unit == 4 && g->width % 4 == 0) {
        for (size_t c = 0; c < g->width; c += 4)
            qqi_sum_four_neon(g, k, end, c, out + c);
    } else if (g->unit == 4 && g->width == 2) {
        qqi_sum_both_neon(g, k, end, out);
    } else if (g->unit == 8 && eights) {
        for (size_t c = 0; c < g->width; c += 2)
            qqi_sum_two_neon(g, k, end, c, out + c);
    } else {
        for (size_t c = 0; c < g->width; c++) {
            out[c] = 0;
            for (size_t i = k; i < end; i++)
                out[c] += g->q[qqi_columns_at(g, i, c)];
        }
    }
}

// All spans.
QQI_NEON_FN void qqi_sums_neon(const qqi_product *p, const qqi_columns *g)
{
    int32_t *out = g->sum;

    for (size_t t = 0; t < p->tiles; t++) {
        const size_t end = qqi_tile_end(p, t);
        for (size_t k = t * p->tile; k < end; k += p->span, out += g->width) {
            const size_t to = p->span < end - k ? k + p->span : end;
            qqi_sum_span_neon(p, g, k, to, out);
        }
    }
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_SUMS_H
