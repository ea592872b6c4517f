// qquant floor 5: passes over a matrix in NEON: see kernel/dense.h.
//
// A sum along a row is a chain, so rows lie side by side: 4 rows of 4 columns
// turn in registers. A sum along a column needs no such thing. Products that
// are rounded before they are added are kept from fusing by QQI_KEEP_NEON.

#ifndef QQUANT_KERNEL_NEON_DENSE_PASS_H
#define QQUANT_KERNEL_NEON_DENSE_PASS_H

#include "kernel/neon/dense.h"

#if QQI_HAS_NEON

QQI_NEON_FN void qqi_pass_move_neon(size_t count, float d, const float *x,
                                    double *y)
{
    const float64x2_t by = vdupq_n_f64((double)d);
    size_t j = 0;

    for (; j + 4 <= count; j += 4) {
        const float32x4_t v = vld1q_f32(x + j);
        vst1q_f64(y + j, vfmaq_f64(vld1q_f64(y + j), by,
                                   vcvt_f64_f32(vget_low_f32(v))));
        vst1q_f64(y + j + 2,
                  vfmaq_f64(vld1q_f64(y + j + 2), by, vcvt_high_f64_f32(v)));
    }
    for (; j < count; j++)
        y[j] += (double)d * (double)x[j];
}

QQI_NEON_FN void qqi_pass_add_neon(size_t count, const double *m, size_t ldm,
                                   const double *d, double *y)
{
    for (size_t j = 0; j < count; j += 2) {
        float64x2_t s = vld1q_f64(y + j);
        QQI_NEON_UNROLL
        for (size_t i = 0; i < QQI_PASS_ADD; i++) {
            float64x2_t x = vmulq_n_f64(vld1q_f64(m + i * ldm + j), d[i]);
            QQI_KEEP_NEON(x);
            s = vaddq_f64(s, x);
        }
        vst1q_f64(y + j, s);
    }
}

// 4 numbers of a row of P.
QQI_NEON_INLINE float32x4_t qqi_pass_weights_neon(const qqi_weighed *p,
                                                  size_t i, size_t j,
                                                  float32x4_t columns)
{
    const float32x4_t w = vld1q_f32(p->w + i * p->ldw + j);
    const float32x4_t x = vmulq_f32(vmulq_n_f32(w, p->rows[i]), columns);
    const uint32x4_t mask = vdupq_n_u32(p->mask);

    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), mask));
}

// s + |fl(fl(d w) e)|.
QQI_NEON_INLINE float64x2_t qqi_pass_norm_neon(float64x2_t s, float64x2_t d,
                                               float64x2_t w, float64x2_t e)
{
    float64x2_t v = vabsq_f64(vmulq_f64(vmulq_f64(d, w), e));

    QQI_KEEP_NEON(v);
    return vaddq_f64(s, v);
}

// --- along rows ------------------------------------------------------------

QQI_NEON_FN void qqi_pass_right_neon(const qqi_weighed *p, size_t count,
                                     const double *v, double *s)
{
    float64x2_t sum[8];

    QQI_NEON_UNROLL
    for (size_t i = 0; i < 8; i++)
        sum[i] = vld1q_f64(s + 2 * i);
    for (size_t k = 0; k < count; k += 4) {
        const float32x4_t columns = vld1q_f32(p->columns + k);
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 4; i++) {
            float32x4_t x[4], t[4];
            QQI_NEON_UNROLL
            for (size_t l = 0; l < 4; l++)
                x[l] = qqi_pass_weights_neon(p, 4 * i + l, k, columns);
            qqi_gemm_turn4_neon(x, t);
            QQI_NEON_UNROLL
            for (size_t j = 0; j < 4; j++) {
                const float64x2_t by = vdupq_n_f64(v[k + j]);
                const float64x2_t low = vcvt_f64_f32(vget_low_f32(t[j]));
                sum[2 * i] = vfmaq_f64(sum[2 * i], low, by);
                sum[2 * i + 1] =
                    vfmaq_f64(sum[2 * i + 1], vcvt_high_f64_f32(t[j]), by);
            }
        }
    }
    QQI_NEON_UNROLL
    for (size_t i = 0; i < 8; i++)
        vst1q_f64(s + 2 * i, sum[i]);
}

QQI_NEON_FN void qqi_pass_rows_neon(const qqi_scaled *p, size_t count,
                                    double *s)
{
    float64x2_t sum[8];

    QQI_NEON_UNROLL
    for (size_t i = 0; i < 8; i++)
        sum[i] = vld1q_f64(s + 2 * i);
    for (size_t k = 0; k < count; k += 4) {
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 4; i++) {
            const float64x2_t d0 = vld1q_f64(p->d + 4 * i);
            const float64x2_t d1 = vld1q_f64(p->d + 4 * i + 2);
            float32x4_t x[4], t[4];
            QQI_NEON_UNROLL
            for (size_t l = 0; l < 4; l++)
                x[l] = vld1q_f32(p->w + (4 * i + l) * p->ldw + k);
            qqi_gemm_turn4_neon(x, t);
            QQI_NEON_UNROLL
            for (size_t j = 0; j < 4; j++) {
                const float64x2_t e = vdupq_n_f64(p->e[k + j]);
                const float64x2_t low = vcvt_f64_f32(vget_low_f32(t[j]));
                sum[2 * i] = qqi_pass_norm_neon(sum[2 * i], d0, low, e);
                sum[2 * i + 1] = qqi_pass_norm_neon(sum[2 * i + 1], d1,
                                                    vcvt_high_f64_f32(t[j]), e);
            }
        }
    }
    QQI_NEON_UNROLL
    for (size_t i = 0; i < 8; i++)
        vst1q_f64(s + 2 * i, sum[i]);
}

// 4 numbers of a row's rest.
QQI_NEON_INLINE float32x4_t qqi_pass_error_neon(const qqi_signed *p, size_t i,
                                                size_t j, float32x4_t b)
{
    const uint8_t *code = p->code + i * p->ldc + j;
    const float32x4_t x = vmulq_n_f32(b, p->a[i * p->lda]);
    uint32_t four;

    QQ_MEMCPY(&four, code, sizeof four);
    const uint16x8_t wide = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)));
    const uint32x4_t minus =
        vshlq_n_u32(vmvnq_u32(vmovl_u16(vget_low_u16(wide))), 31);
    const uint32x4_t v = veorq_u32(vreinterpretq_u32_f32(x), minus);
    return vsubq_f32(vld1q_f32(p->w + i * p->ldw + j),
                     vreinterpretq_f32_u32(v));
}

QQI_NEON_FN void qqi_pass_rest_neon(const qqi_signed *p, size_t count,
                                    double *s)
{
    float64x2_t sum[4];

    QQI_NEON_UNROLL
    for (size_t i = 0; i < 4; i++)
        sum[i] = vld1q_f64(s + 2 * i);
    for (size_t k = 0; k < count; k += 4) {
        const float32x4_t b = vld1q_f32(p->b + k);
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 2; i++) {
            float32x4_t x[4], t[4];
            QQI_NEON_UNROLL
            for (size_t l = 0; l < 4; l++)
                x[l] = qqi_pass_error_neon(p, 4 * i + l, k, b);
            qqi_gemm_turn4_neon(x, t);
            QQI_NEON_UNROLL
            for (size_t j = 0; j < 4; j++) {
                const float64x2_t low = vcvt_f64_f32(vget_low_f32(t[j]));
                const float64x2_t high = vcvt_high_f64_f32(t[j]);
                sum[2 * i] = vfmaq_f64(sum[2 * i], low, low);
                sum[2 * i + 1] = vfmaq_f64(sum[2 * i + 1], high, high);
            }
        }
    }
    QQI_NEON_UNROLL
    for (size_t i = 0; i < 4; i++)
        vst1q_f64(s + 2 * i, sum[i]);
}

// --- along columns ---------------------------------------------------------

QQI_NEON_FN void qqi_pass_left_neon(const qqi_weighed *p, size_t count,
                                    const double *u, double *x)
{
    for (size_t j = 0; j < count; j += 4) {
        const float32x4_t columns = vld1q_f32(p->columns + j);
        float64x2_t s0 = vld1q_f64(x + j);
        float64x2_t s1 = vld1q_f64(x + j + 2);
        QQI_NEON_UNROLL
        for (size_t i = 0; i < QQI_PASS_SHORT; i++) {
            const float32x4_t v = qqi_pass_weights_neon(p, i, j, columns);
            const float64x2_t by = vdupq_n_f64(u[i]);
            s0 = vfmaq_f64(s0, vcvt_f64_f32(vget_low_f32(v)), by);
            s1 = vfmaq_f64(s1, vcvt_high_f64_f32(v), by);
        }
        vst1q_f64(x + j, s0);
        vst1q_f64(x + j + 2, s1);
    }
}

QQI_NEON_FN void qqi_pass_columns_neon(const qqi_scaled *p, size_t count,
                                       double *x, double *y)
{
    for (size_t j = 0; j < count; j += 2) {
        const float64x2_t e = vld1q_f64(p->e + j);
        float64x2_t s = vld1q_f64(x + j);
        float64x2_t t = vld1q_f64(y + j);
        QQI_NEON_UNROLL
        for (size_t i = 0; i < QQI_PASS_SHORT; i++) {
            const float64x2_t w = vcvt_f64_f32(vld1_f32(p->w + i * p->ldw + j));
            s = qqi_pass_norm_neon(s, vdupq_n_f64(p->d[i]), w, e);
            t = qqi_pass_norm_neon(t, vdupq_n_f64(p->other[i]), w, e);
        }
        vst1q_f64(x + j, s);
        vst1q_f64(y + j, t);
    }
}

static QQI_UNUSED const qqi_dense_kernel qqi_dense_kernel_neon = {
    4,
    16,
    4,
    qqi_gemm_tile_neon,
    qqi_gemm_turn_neon,
    qqi_dense_sums_neon,
    qqi_dense_widen_neon,
    qqi_pass_move_neon,
    qqi_pass_right_neon,
    qqi_pass_left_neon,
    qqi_pass_rows_neon,
    qqi_pass_columns_neon,
    qqi_pass_add_neon,
    qqi_pass_rest_neon,
};

#endif

#endif // QQUANT_KERNEL_NEON_DENSE_PASS_H
