// qquant floor 5: what is made of x before it is multiplied, NEON.
//
// 16 numbers at a time become floats, the floats codes, the codes digits,
// column by column; when all are there they are summed by spans. What is
// rounded and how: scalar/prepare.h.

#ifndef QQUANT_KERNEL_NEON_PREPARE_H
#define QQUANT_KERNEL_NEON_PREPARE_H

#include "kernel/neon/look.h"
#include "kernel/neon/sums.h"
#include "kernel/scalar/prepare.h"

#if QQI_HAS_NEON

// xb of 16 numbers of a row from number k on.
QQI_NEON_INLINE void qqi_sixteen_neon(const qqi_product *p, size_t row,
                                      size_t k, float32x4_t *v)
{
    const size_t at = row * p->ldx + k;

    if (p->x_type == QQ_TYPE_F32) {
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 4; i++)
            v[i] = qqi_load_f32_neon(p->x + 4 * at + 16 * i);
    } else {
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 4; i++) {
            const uint16x4_t h = qqi_load_u16_neon(p->x + 2 * at + 8 * i);
            v[i] = p->x_type == QQ_TYPE_F16
                       ? vcvt_f32_f16(vreinterpret_f16_u16(h))
                       : vreinterpretq_f32_u32(vshll_n_u16(h, 16));
        }
    }
    for (size_t i = 0; i < 4 && p->factors != NULL; i++) {
        const uint8_t *b = p->factors + 4 * k + 16 * i;
        v[i] = vmulq_f32(v[i], qqi_load_f32_neon(b));
    }
}

// The same for the last count numbers, and zeros.
QQI_NEON_FN void qqi_fewer_neon(const qqi_product *p, size_t row, size_t k,
                                size_t count, float32x4_t *v)
{
    float few[16];

    QQ_MEMSET(few, 0, sizeof few);
    qqi_load_strip(p, row, k, count, few);
    QQI_NEON_UNROLL
    for (size_t i = 0; i < 4; i++)
        v[i] = vld1q_f32(few + 4 * i);
}

QQI_NEON_FN uint32_t qqi_run_largest_neon(const qqi_product *p,
                                          const qqi_run *run)
{
    uint32x4_t most[4];

    QQI_NEON_UNROLL
    for (size_t i = 0; i < 4; i++)
        most[i] = vdupq_n_u32(0);
    for (size_t k = run->k; k < run->end; k += 16) {
        float32x4_t v[4];
        if (run->end - k >= 16)
            qqi_sixteen_neon(p, run->row, k, v);
        else
            qqi_fewer_neon(p, run->row, k, run->end - k, v);
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 4; i++)
            most[i] =
                vmaxq_u32(most[i], vreinterpretq_u32_f32(vabsq_f32(v[i])));
    }
    most[0] =
        vmaxq_u32(vmaxq_u32(most[0], most[1]), vmaxq_u32(most[2], most[3]));
    return vmaxvq_u32(most[0]);
}

QQI_NEON_INLINE void qqi_store_u32_neon(int8_t *to, uint32_t u)
{
    QQ_MEMCPY(to, &u, sizeof u);
}

QQI_NEON_INLINE void qqi_store_u64_neon(int8_t *to, uint64_t u)
{
    QQ_MEMCPY(to, &u, sizeof u);
}

// 16 codes of a column from number k on, a multiple of the unit.
QQI_NEON_INLINE void qqi_store_sixteen_neon(const qqi_columns *g, size_t k,
                                            size_t column, int8x16_t q)
{
    const size_t step = g->unit * g->width;
    int8_t *to = g->q + k * g->width + column * g->unit;

    if (g->width == 1) {
        vst1q_s8(to, q);
    } else if (g->unit == 4) {
        const uint32x4_t u = vreinterpretq_u32_s8(q);
        qqi_store_u32_neon(to, vgetq_lane_u32(u, 0));
        qqi_store_u32_neon(to + step, vgetq_lane_u32(u, 1));
        qqi_store_u32_neon(to + 2 * step, vgetq_lane_u32(u, 2));
        qqi_store_u32_neon(to + 3 * step, vgetq_lane_u32(u, 3));
    } else {
        const uint64x2_t u = vreinterpretq_u64_s8(q);
        qqi_store_u64_neon(to, vgetq_lane_u64(u, 0));
        qqi_store_u64_neon(to + step, vgetq_lane_u64(u, 1));
    }
}

// The first count of 16 codes of a column, from number k on, a multiple of 4,
// and zeros up to the next multiple.
QQI_NEON_INLINE void qqi_store_codes_neon(const qqi_columns *g, size_t k,
                                          size_t column, size_t count,
                                          int8x16_t q)
{
    int8_t bytes[16];

    if (count == 16 && (k & (g->unit - 1)) == 0) {
        qqi_store_sixteen_neon(g, k, column, q);
        return;
    }
    vst1q_s8(bytes, q);
    QQ_MEMSET(bytes + count, 0, 16 - count);
    for (size_t i = 0; i < count; i += 4)
        QQ_MEMCPY(g->q + qqi_columns_at(g, k + i, column), bytes + i, 4);
}

// The low bytes of 16 integers, which keep what is above, rounded.
QQI_NEON_INLINE int8x16_t qqi_digit_neon(int32x4_t *q)
{
    const int16x8_t a = vcombine_s16(vmovn_s32(q[0]), vmovn_s32(q[1]));
    const int16x8_t b = vcombine_s16(vmovn_s32(q[2]), vmovn_s32(q[3]));

    QQI_NEON_UNROLL
    for (size_t i = 0; i < 4; i++)
        q[i] = vrshrq_n_s32(q[i], 8);
    return vcombine_s8(vmovn_s16(a), vmovn_s16(b));
}

QQI_NEON_FN void qqi_run_codes_neon(const qqi_product *p, const qqi_columns *g,
                                    const qqi_run *run)
{
    const int32x4_t zero = vdupq_n_s32(run->zero);
    const int32x4_t lo = vdupq_n_s32(run->lo);
    const int32x4_t hi = vdupq_n_s32(run->hi);

    for (size_t k = run->k; k < run->end; k += 16) {
        const size_t left = run->end - k;
        const size_t count = left < 16 ? left : 16;
        float32x4_t v[4];
        int32x4_t q[4];
        if (count == 16)
            qqi_sixteen_neon(p, run->row, k, v);
        else
            qqi_fewer_neon(p, run->row, k, count, v);
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 4; i++) {
            q[i] = vcvtnq_s32_f32(vmulq_n_f32(v[i], run->r));
            q[i] = vaddq_s32(vminq_s32(vmaxq_s32(q[i], lo), hi), zero);
        }
        for (size_t d = 0; d < p->digits; d++)
            qqi_store_codes_neon(g, k, run->column + d, count,
                                 qqi_digit_neon(q));
    }
}

// Codes of a run; returns sx.
QQI_NEON_FN float qqi_run_prepare_neon(const qqi_product *p,
                                       const qqi_columns *g, qqi_run *run)
{
    const float sx = qqi_run_rule(p, qqi_run_largest_neon(p, run), run);

    if (sx > 0.0f)
        qqi_run_codes_neon(p, g, run);
    return sx;
}

// A row that is int8 already.
QQI_NEON_FN void qqi_row_copy_neon(const qqi_product *p, const qqi_columns *g,
                                   size_t i)
{
    const uint8_t *x = p->x + (g->first + i) * p->ldx;
    const size_t whole = p->k / 4 * 4;

    if (g->width == 1) {
        QQ_MEMCPY(g->q, x, p->k);
    } else {
        for (size_t k = 0; k < whole; k += 4)
            QQ_MEMCPY(g->q + qqi_columns_at(g, k, i), x + k, 4);
        QQ_MEMCPY(g->q + qqi_columns_at(g, whole, i), x + whole, p->k - whole);
    }
    qqi_given_scales(p, g, i);
}

// --- groups ----------------------------------------------------------------

QQI_NEON_FN void qqi_prepare_group_neon(const qqi_product *p,
                                        const qqi_columns *g, size_t tables)
{
    QQ_MEMSET(g->q, 0, p->padded * g->width);
    for (size_t i = 0; i < g->count; i++) {
        qqi_run run = {g->first + i, i * p->digits, 0, p->k, 0.0f, 0, 0, 0};
        if (p->x_type == QQ_TYPE_INT8) {
            qqi_row_copy_neon(p, g, i);
        } else if (p->input != QQ_INPUT_INT8_TILE) {
            g->scale[i] = qqi_run_prepare_neon(p, g, &run);
        } else {
            for (size_t t = 0; t < p->tiles; t++) {
                run.k = t * p->tile;
                run.end = qqi_tile_end(p, t);
                g->scale[t * g->width + i] = qqi_run_prepare_neon(p, g, &run);
            }
        }
    }
    qqi_sums_neon(p, g);
    if (qqi_looks_neon(p, g, tables))
        qqi_tables_neon(p, g);
}

QQI_NEON_FN void qqi_prepare_real_neon(const qqi_product *p,
                                       const qqi_columns *g)
{
    QQ_MEMSET(g->real, 0, p->k * g->width * sizeof(float));
    for (size_t c = 0; c < g->count; c++) {
        for (size_t k = 0; k < p->k; k += 16) {
            const size_t count = p->k - k < 16 ? p->k - k : 16;
            float32x4_t v[4];
            float x[16];
            if (count == 16)
                qqi_sixteen_neon(p, g->first + c, k, v);
            else
                qqi_fewer_neon(p, g->first + c, k, count, v);
            QQI_NEON_UNROLL
            for (size_t i = 0; i < 4; i++)
                vst1q_f32(x + 4 * i, v[i]);
            for (size_t i = 0; i < count; i++)
                g->real[(k + i) * g->width + c] = x[i];
        }
    }
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_PREPARE_H
