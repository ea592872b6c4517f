// qquant floor 5: the driver of NEON's integer kernels.
//
// Blocks are whole tiles where that is possible. Else, and where x has digits
// or D does not fit in int32, sums are collected raw, column by column, and a
// tile ends by itself, in int64 where it must.

#ifndef QQUANT_KERNEL_NEON_MULTIPLY_H
#define QQUANT_KERNEL_NEON_MULTIPLY_H

#include "kernel/neon/plan.h"

#if QQI_HAS_NEON

// A panel in blocks of whole tiles.
QQI_NEON_FN void qqi_plan_blocks_neon(qqi_neon_plan *n, size_t panel)
{
    const qqi_product *p = n->job.p;

    n->job.step = p->tile;
    for (size_t t = 0; t < p->tiles; t += n->block) {
        const size_t left = p->tiles - t;
        const size_t count = n->block < left ? n->block : left;
        const size_t k = t * p->tile;
        n->job.k = k;
        n->job.end = count < left ? k + count * p->tile : p->k;
        qqi_plan_tiles_neon(n, panel, t, count);
        qqi_plan_cells_neon(n, panel, k, n->job.end);
        qqi_plan_columns_neon(n, 0);
    }
}

// --- raw -------------------------------------------------------------------

// Adds numbers k to end - 1 to the raw sums.
QQI_NEON_FN void qqi_plan_span_neon(qqi_neon_plan *n, size_t panel, size_t k,
                                    size_t end)
{
    for (size_t to; k < end; k = to) {
        const size_t from = n->expand ? k / 32 * 32 : k;
        const size_t most = n->expand ? QQI_NEON_BLOCK : end - k;
        to = most < end - from ? from + most : end;
        qqi_plan_cells_neon(n, panel, from, to);
        n->job.k = k;
        n->job.end = to;
        n->job.step = to - k;
        qqi_plan_columns_neon(n, 1);
    }
}

// D of rows r and r + 1 and row i of x: within 255 * 2^23 * 2^16, exact in f64.
QQI_NEON_INLINE float32x2_t qqi_join_neon(const qqi_neon_plan *n, size_t i,
                                          size_t r)
{
    const qqi_product *p = n->job.p;
    const qqi_columns *g = n->job.g;
    const int32x2_t z =
        n->job.zero != NULL ? vld1_s32(n->zero + r) : vdup_n_s32(n->job.add);
    int64x2_t v = vdupq_n_s64(0);

    for (unsigned d = 0; d < p->digits; d++) {
        const size_t c = i * p->digits + d;
        const int32_t q = g->sum[n->job.tile * g->width + c];
        const int32x2_t s = vld1_s32(n->raw + 16 * c + r);
        int64x2_t one = vmull_n_s32(s, n->job.mul);
        one = vmlsl_n_s32(one, z, q);
        v = vaddq_s64(v, vshlq_s64(one, vdupq_n_s64((int64_t)(8 * d))));
    }
    if (n->job.sums != NULL)
        v = vmlsl_n_s32(v, vreinterpret_s32_u8(vld1_u8(n->job.sums + 4 * r)),
                        p->x_zero);
    return vcvt_f32_f64(vcvtq_f64_s64(v));
}

// The same of one row, from totals of several spans, which are a lone tile.
QQI_NEON_FN float qqi_join_long_neon(const qqi_neon_plan *n, size_t i, size_t r)
{
    const qqi_product *p = n->job.p;
    const qqi_columns *g = n->job.g;
    const int64_t z = n->job.zero != NULL ? n->zero[r] : n->job.add;
    int64_t v = 0;
    int64_t times = 1;

    for (unsigned d = 0; d < p->digits; d++, times *= 256) {
        const size_t c = i * p->digits + d;
        int64_t q = 0;
        for (size_t s = 0; s < p->spans; s++)
            q += g->sum[s * g->width + c];
        v += times * (n->job.mul * n->total[16 * c + r] - z * q);
    }
    if (n->job.sums != NULL)
        v -= p->x_zero * (int64_t)(int32_t)qqi_load_le32(n->job.sums + 4 * r);
    return qqi_f32_from_i64(v);
}

// The end of a tile, from raw sums: where D fits in int32, column by column.
QQI_NEON_FN void qqi_plan_end_short_neon(qqi_neon_plan *n)
{
    const qqi_product *p = n->job.p;
    const qqi_columns *g = n->job.g;

    for (size_t c = 0; c < g->count; c++) {
        float32x4_t acc[4];
        int32x4_t sum[4];
        n->job.column = c;
        n->job.acc = n->acc + 16 * c;
        if (p->input == QQ_INPUT_INT8_TILE)
            n->job.by = g->scale + n->job.tile * g->width + c;
        for (size_t r = 0; r < 4; r++)
            sum[r] = vld1q_s32(n->raw + 16 * c + 4 * r);
        qqi_load_acc_neon(&n->job, 1, acc);
        if (n->job.by == NULL)
            qqi_tile_neon(&n->job, 0, 1, sum, acc);
        else
            qqi_tile_by_neon(&n->job, 0, 1, sum, acc);
        qqi_store_acc_neon(&n->job, 1, acc);
    }
}

// Anywhere: digits and long tiles.
QQI_NEON_FN void qqi_plan_end_long_neon(const qqi_neon_plan *n)
{
    const qqi_product *p = n->job.p;
    const qqi_columns *g = n->job.g;

    for (size_t i = 0; i < g->count; i++) {
        const float by = p->input == QQ_INPUT_INT8_TILE
                             ? g->scale[n->job.tile * g->width + i]
                             : 1.0f;
        for (size_t r = 0; r < 16; r += 2) {
            float *acc = n->acc + 16 * i + r;
            const float32x2_t s =
                vreinterpret_f32_u8(vld1_u8(n->job.scale + 4 * r));
            float d[2];
            if (p->tile <= QQI_SPAN) {
                vst1_f32(d, qqi_join_neon(n, i, r));
            } else {
                d[0] = qqi_join_long_neon(n, i, r);
                d[1] = qqi_join_long_neon(n, i, r + 1);
            }
            vst1_f32(acc,
                     vfma_f32(vld1_f32(acc), vmul_n_f32(s, by), vld1_f32(d)));
        }
    }
}

// A panel, tile by tile.
QQI_NEON_FN void qqi_plan_raw_neon(qqi_neon_plan *n, size_t panel)
{
    const qqi_product *p = n->job.p;
    const size_t sums = 16 * n->job.g->width;
    const int several = p->tile > QQI_SPAN;

    for (size_t i = 0; i < sums && several; i++)
        n->total[i] = 0;
    for (size_t t = 0; t < p->tiles; t++) {
        const size_t end = qqi_tile_end(p, t);
        QQ_MEMSET(n->raw, 0, sums * sizeof n->raw[0]);
        for (size_t k = t * p->tile; k < end; k += p->span) {
            const size_t to = p->span < end - k ? k + p->span : end;
            qqi_plan_span_neon(n, panel, k, to);
            for (size_t i = 0; i < sums && several; i++) {
                n->total[i] += n->raw[i];
                n->raw[i] = 0;
            }
        }
        qqi_plan_tiles_neon(n, panel, t, 1);
        if (p->digits == 1 && p->tile <= QQI_NEON_TILE)
            qqi_plan_end_short_neon(n);
        else
            qqi_plan_end_long_neon(n);
    }
}

// --- multiply --------------------------------------------------------------

QQI_NEON_FN void qqi_multiply_set_neon(const qqi_product *p,
                                       const qqi_columns *g, size_t first,
                                       size_t last, void *work,
                                       const qqi_neon_set *set)
{
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    qqi_neon_plan n;

    qqi_plan_neon(&n, p, g, set, work);
    for (size_t panel = first; panel < last; panel++) {
        QQ_MEMSET(n.acc, 0, 16 * g->width * sizeof n.acc[0]);
        if (n.block > 0)
            qqi_plan_blocks_neon(&n, panel);
        else
            qqi_plan_raw_neon(&n, panel);
        for (size_t i = 0; i < g->count; i++)
            qqi_end_neon(p, panel, g->first + i, tiled ? 1.0f : g->scale[i],
                         n.acc + 16 * i);
    }
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_MULTIPLY_H
