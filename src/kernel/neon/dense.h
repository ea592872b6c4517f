// qquant floor 5: tiles of dense products in NEON: see kernel/dense.h.
//
// Both tiles hold 16 sums in registers: 4 rows by 4 vectors of floats; of f64
// 4 rows by 4 vectors, a quarter of the columns at a time. Numbers of sums are
// floats kept as f64, whose products are exact: fma is the product and the sum.

#ifndef QQUANT_KERNEL_NEON_DENSE_H
#define QQUANT_KERNEL_NEON_DENSE_H

#include "kernel/dense.h"
#include "kernel/neon/core.h"

#if QQI_HAS_NEON

// Keeps a product from fusing.
#  define QQI_KEEP_NEON(v) __asm__("" : "+w"(v))

// With the one NaN there is.
QQI_NEON_INLINE float32x4_t qqi_gemm_nan_neon(float32x4_t v)
{
    const float32x4_t nan = vreinterpretq_f32_u32(vdupq_n_u32(0x7fc00000u));

    return vbslq_f32(vceqq_f32(v, v), v, nan);
}

QQI_NEON_FN void qqi_gemm_tile_neon(size_t depth, const float *a,
                                    const float *b, size_t ldb, float *c,
                                    size_t ldc, int how)
{
    float32x4_t s[16];

    QQI_NEON_UNROLL
    for (size_t i = 0; i < 16; i++)
        s[i] = how & QQI_TILE_ADD ? vld1q_f32(c + i / 4 * ldc + i % 4 * 4)
                                  : vdupq_n_f32(0.0f);
    for (size_t k = 0; k < depth; k++, a += 4, b += ldb) {
        const float32x4_t x = vld1q_f32(a);
        QQI_NEON_UNROLL
        for (size_t j = 0; j < 4; j++) {
            const float32x4_t v = vld1q_f32(b + 4 * j);
            s[j] = vfmaq_laneq_f32(s[j], v, x, 0);
            s[j + 4] = vfmaq_laneq_f32(s[j + 4], v, x, 1);
            s[j + 8] = vfmaq_laneq_f32(s[j + 8], v, x, 2);
            s[j + 12] = vfmaq_laneq_f32(s[j + 12], v, x, 3);
        }
    }
    QQI_NEON_UNROLL
    for (size_t i = 0; i < 16; i++) {
        if (how & QQI_TILE_LAST)
            s[i] = qqi_gemm_nan_neon(s[i]);
        vst1q_f32(c + i / 4 * ldc + i % 4 * 4, s[i]);
    }
}

// 4 rows of 4 numbers turn.
QQI_NEON_INLINE void qqi_gemm_turn4_neon(const float32x4_t *x, float32x4_t *to)
{
    const float64x2_t t0 = vreinterpretq_f64_f32(vtrn1q_f32(x[0], x[1]));
    const float64x2_t t1 = vreinterpretq_f64_f32(vtrn2q_f32(x[0], x[1]));
    const float64x2_t t2 = vreinterpretq_f64_f32(vtrn1q_f32(x[2], x[3]));
    const float64x2_t t3 = vreinterpretq_f64_f32(vtrn2q_f32(x[2], x[3]));

    to[0] = vreinterpretq_f32_f64(vtrn1q_f64(t0, t2));
    to[1] = vreinterpretq_f32_f64(vtrn1q_f64(t1, t3));
    to[2] = vreinterpretq_f32_f64(vtrn2q_f64(t0, t2));
    to[3] = vreinterpretq_f32_f64(vtrn2q_f64(t1, t3));
}

QQI_NEON_FN void qqi_gemm_turn_neon(size_t width, size_t depth, const float *x,
                                    size_t ld, float *to)
{
    size_t k = 0;

    for (; k + 4 <= depth; k += 4, to += 4 * width) {
        float32x4_t u[4], t[4];
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 4; i++)
            u[i] = vld1q_f32(x + k + i * ld);
        qqi_gemm_turn4_neon(u, t);
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 4; i++)
            vst1q_f32(to + i * width, t[i]);
    }
    for (; k < depth; k++, to += width)
        for (size_t i = 0; i < 4; i++)
            to[i] = x[i * ld + k];
}

QQI_NEON_FN void qqi_dense_sums_neon(size_t depth, const double *a,
                                     const double *b, double *c, size_t ldc,
                                     const float *soon, size_t step)
{
    (void)soon;
    (void)step;
    for (size_t from = 0; from < QQI_DENSE_COLUMNS; from += 8) {
        float64x2_t s[16];
        double *to = c + from;
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 16; i++)
            s[i] = vld1q_f64(to + i / 4 * ldc + i % 4 * 2);
        for (size_t k = 0; k < depth; k++) {
            const double *row = b + k * QQI_DENSE_COLUMNS + from;
            const float64x2_t x = vld1q_f64(a + 4 * k);
            const float64x2_t y = vld1q_f64(a + 4 * k + 2);
            QQI_NEON_UNROLL
            for (size_t j = 0; j < 4; j++) {
                const float64x2_t v = vld1q_f64(row + 2 * j);
                s[j] = vfmaq_laneq_f64(s[j], v, x, 0);
                s[j + 4] = vfmaq_laneq_f64(s[j + 4], v, x, 1);
                s[j + 8] = vfmaq_laneq_f64(s[j + 8], v, y, 0);
                s[j + 12] = vfmaq_laneq_f64(s[j + 12], v, y, 1);
            }
        }
        QQI_NEON_UNROLL
        for (size_t i = 0; i < 16; i++)
            vst1q_f64(to + i / 4 * ldc + i % 4 * 2, s[i]);
    }
}

QQI_NEON_FN void qqi_dense_widen_neon(size_t depth, const float *b, size_t ldb,
                                      double *to)
{
    for (size_t r = 0; r < depth; r++, b += ldb)
        for (size_t j = 0; j < QQI_DENSE_COLUMNS; j += 4, to += 4) {
            const float32x4_t v = vld1q_f32(b + j);
            vst1q_f64(to, vcvt_f64_f32(vget_low_f32(v)));
            vst1q_f64(to + 2, vcvt_high_f64_f32(v));
        }
}

#endif

#endif // QQUANT_KERNEL_NEON_DENSE_H
