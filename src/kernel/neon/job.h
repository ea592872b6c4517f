// qquant floor 5: jobs of NEON's kernels: tiles, their ends, rows of y.
//
// A span sums a tile, or a piece of one; what surrounds it is the same for all
// spans, and here.

#ifndef QQUANT_KERNEL_NEON_JOB_H
#define QQUANT_KERNEL_NEON_JOB_H

#include "kernel/neon/core.h"

#if QQI_HAS_NEON

// D of the job's tile t, for S in sum[4 * c + r].
QQI_NEON_INLINE void qqi_whole_neon(const qqi_neon_job *j, size_t t,
                                    unsigned columns, int32x4_t *sum)
{
    const int32_t *q = j->g->sum + (j->tile + t) * j->g->width + j->column;

    if (j->mul != 1) {
        QQI_NEON_UNROLL
        for (unsigned i = 0; i < 4 * columns; i++)
            sum[i] = vmulq_n_s32(sum[i], j->mul);
    }
    if (j->zero == NULL) {
        QQI_NEON_UNROLL
        for (unsigned i = 0; i < 4 * columns; i++)
            sum[i] = vsubq_s32(sum[i], vdupq_n_s32(j->add * q[i / 4]));
    } else {
        QQI_NEON_UNROLL
        for (unsigned i = 0; i < 4 * columns; i++) {
            const int32_t *z = j->zero + 16 * t + 4 * (i % 4);
            sum[i] = vmlsq_n_s32(sum[i], vld1q_s32(z), q[i / 4]);
        }
    }
    if (j->sums != NULL) {
        QQI_NEON_UNROLL
        for (unsigned i = 0; i < 4 * columns; i++) {
            const uint8_t *less = j->sums + 64 * t + 16 * (i % 4);
            sum[i] = vmlsq_n_s32(sum[i], qqi_load_s32_neon(less), j->p->x_zero);
        }
    }
}

// acc = fma(s, d, acc), in a register, or in memory where there are 4 columns:
// their accumulators do not fit beside the sums.
QQI_NEON_INLINE void qqi_add_neon(unsigned columns, float32x4_t s, int32x4_t d,
                                  float32x4_t *acc, float *memory)
{
    const float32x4_t v = vcvtq_f32_s32(d);

    if (columns == 4)
        vst1q_f32(memory, vfmaq_f32(vld1q_f32(memory), s, v));
    else
        *acc = vfmaq_f32(*acc, s, v);
}

// The end of the job's tile t.
QQI_NEON_INLINE void qqi_tile_neon(const qqi_neon_job *j, size_t t,
                                   unsigned columns, int32x4_t *sum,
                                   float32x4_t *acc)
{
    const uint8_t *scale = j->scale + 64 * t;
    float *memory = j->acc;

    qqi_whole_neon(j, t, columns, sum);
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++)
        qqi_add_neon(columns, qqi_load_f32_neon(scale + 16 * (i % 4)), sum[i],
                     acc + i, memory + 4 * i);
}

// The same where x has scales by tile.
QQI_NEON_INLINE void qqi_tile_by_neon(const qqi_neon_job *j, size_t t,
                                      unsigned columns, int32x4_t *sum,
                                      float32x4_t *acc)
{
    const uint8_t *scale = j->scale + 64 * t;
    const float *by = j->by + t * j->g->width;
    float *memory = j->acc;

    qqi_whole_neon(j, t, columns, sum);
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++) {
        const float32x4_t s = qqi_load_f32_neon(scale + 16 * (i % 4));
        qqi_add_neon(columns, vmulq_n_f32(s, by[i / 4]), sum[i], acc + i,
                     memory + 4 * i);
    }
}

QQI_NEON_INLINE void qqi_load_acc_neon(const qqi_neon_job *j, unsigned columns,
                                       float32x4_t *acc)
{
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++)
        acc[i] = vld1q_f32(j->acc + 4 * i);
}

QQI_NEON_INLINE void qqi_store_acc_neon(const qqi_neon_job *j, unsigned columns,
                                        const float32x4_t *acc)
{
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++)
        vst1q_f32(j->acc + 4 * i, acc[i]);
}

QQI_NEON_INLINE void qqi_zero_neon(unsigned count, int32x4_t *sum)
{
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < count; i++)
        sum[i] = vdupq_n_s32(0);
}

QQI_NEON_INLINE void qqi_raw_neon(const qqi_neon_job *j, unsigned columns,
                                  const int32x4_t *sum)
{
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++)
        vst1q_s32(j->raw + 4 * i, vaddq_s32(vld1q_s32(j->raw + 4 * i), sum[i]));
}

// S of numbers k to end - 1.
typedef void (*qqi_span_neon_fn)(const qqi_neon_job *j, size_t k, size_t end,
                                 unsigned columns, int32x4_t *sum);

// A job with 1, 2 or 4 columns; span is inlined. Of copies the compiler knows
// that no store to acc changes them; with 4 columns no register is free.
QQI_NEON_INLINE void qqi_run_neon(const qqi_neon_job *shared, unsigned columns,
                                  qqi_span_neon_fn span)
{
    const unsigned kept = columns < 4 ? columns : 0;
    const qqi_columns g = *shared->g;
    qqi_neon_job own = *shared;
    const qqi_neon_job *j = columns < 4 ? &own : shared;
    float32x4_t acc[16];
    int32x4_t sum[16];
    size_t t = 0;

    own.g = &g;
    qqi_load_acc_neon(j, kept, acc);
    for (size_t k = j->k; k < j->end; k += j->step, t++) {
        const size_t end = j->step < j->end - k ? k + j->step : j->end;
        span(j, k, end, columns, sum);
        if (j->raw != NULL) {
            qqi_raw_neon(j, columns, sum);
            return;
        }
        if (j->by == NULL)
            qqi_tile_neon(j, t, columns, sum, acc);
        else
            qqi_tile_by_neon(j, t, columns, sum, acc);
    }
    qqi_store_acc_neon(j, kept, acc);
}

// --- the end ---------------------------------------------------------------

QQI_NEON_INLINE float32x4_t qqi_end_four_neon(const qqi_product *p,
                                              const uint8_t *panel, size_t row,
                                              float32x4_t v, const uint8_t *y)
{
    const float32x4_t lo = vdupq_n_f32(p->lo);
    const float32x4_t hi = vdupq_n_f32(p->hi);
    float32x4_t a = vdupq_n_f32(1.0f);
    float32x4_t bias = vdupq_n_f32(0.0f);

    if (p->factor_at != 0)
        a = qqi_load_f32_neon(panel + p->factor_at + 4 * row);
    if (p->bias_at != 0)
        bias = qqi_load_f32_neon(panel + p->bias_at + 4 * row);
    v = vfmaq_f32(bias, v, a);
    if (p->accumulate)
        v = vaddq_f32(qqi_load_f32_neon(y), v);
    v = vbslq_f32(vcltq_f32(v, lo), lo, v);
    v = vbslq_f32(vcgtq_f32(v, hi), hi, v);
    return vbslq_f32(vceqq_f32(v, v), v,
                     vreinterpretq_f32_u32(vdupq_n_u32(0x7fc00000u)));
}

// y of panel i and row column of x, from its 16 sums.
QQI_NEON_FN void qqi_end_neon(const qqi_product *p, size_t i, size_t column,
                              float sx, const float *acc)
{
    const uint8_t *panel = qqi_panel(p, i);
    uint8_t *y = p->y + 4 * (column * p->ldy + 16 * i);

    if (p->n - 16 * i < 16) {
        qqi_end(p, i, column, sx, acc);
        return;
    }
    for (size_t r = 0; r < 16; r += 4) {
        const float32x4_t v = vmulq_n_f32(vld1q_f32(acc + r), sx);
        const float32x4_t out = qqi_end_four_neon(p, panel, r, v, y + 4 * r);
        vst1q_u8(y + 4 * r, vreinterpretq_u8_f32(out));
    }
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_JOB_H
