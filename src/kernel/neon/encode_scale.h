// qquant floor 5: the scales of rows of numbers: NEON.
//
// Magnitudes are compared as integers, which have the order of floats, and NaN
// above all.

#ifndef QQUANT_KERNEL_NEON_ENCODE_SCALE_H
#define QQUANT_KERNEL_NEON_ENCODE_SCALE_H

#include "kernel/encode.h"
#include "kernel/neon/core.h"

#if QQI_HAS_NEON

QQI_NEON_INLINE uint32x4_t qqi_four_magnitudes_neon(const uint8_t *x)
{
    return vreinterpretq_u32_f32(vabsq_f32(qqi_load_f32_neon(x)));
}

// The largest of n magnitudes, in four pieces.
QQI_NEON_INLINE uint32x4_t qqi_tops_neon(const uint8_t *x, size_t n)
{
    uint32x4_t a = vdupq_n_u32(0);
    uint32x4_t b = a;

    for (; n >= 8; n -= 8, x += 32) {
        a = vmaxq_u32(a, qqi_four_magnitudes_neon(x));
        b = vmaxq_u32(b, qqi_four_magnitudes_neon(x + 16));
    }
    if (n > 0) {
        uint8_t rest[32] = {0};
        QQ_MEMCPY(rest, x, 4 * n);
        a = vmaxq_u32(a, qqi_four_magnitudes_neon(rest));
        b = vmaxq_u32(b, qqi_four_magnitudes_neon(rest + 16));
    }
    return vmaxq_u32(a, b);
}

// max|x| of the four rows from row i on.
QQI_NEON_FN float32x4_t qqi_four_tops_neon(const qqi_encode *e, size_t i,
                                           size_t k, size_t n)
{
    const uint32x4_t a = qqi_tops_neon(qqi_encode_row(e, i) + 4 * k, n);
    const uint32x4_t b = qqi_tops_neon(qqi_encode_row(e, i + 1) + 4 * k, n);
    const uint32x4_t c = qqi_tops_neon(qqi_encode_row(e, i + 2) + 4 * k, n);
    const uint32x4_t d = qqi_tops_neon(qqi_encode_row(e, i + 3) + 4 * k, n);

    return vreinterpretq_f32_u32(
        vpmaxq_u32(vpmaxq_u32(a, b), vpmaxq_u32(c, d)));
}

// The sum of n magnitudes.
QQI_NEON_INLINE double qqi_sum_neon(const uint8_t *x, size_t n)
{
    float64x2_t a = vdupq_n_f64(0.0);
    float64x2_t b = a, c = a, d = a;

    for (; n >= 8; n -= 8, x += 32) {
        const float32x4_t u = vabsq_f32(qqi_load_f32_neon(x));
        const float32x4_t v = vabsq_f32(qqi_load_f32_neon(x + 16));
        a = vaddq_f64(a, vcvt_f64_f32(vget_low_f32(u)));
        b = vaddq_f64(b, vcvt_high_f64_f32(u));
        c = vaddq_f64(c, vcvt_f64_f32(vget_low_f32(v)));
        d = vaddq_f64(d, vcvt_high_f64_f32(v));
    }
    double sum = vaddvq_f64(vaddq_f64(vaddq_f64(a, b), vaddq_f64(c, d)));
    for (; n > 0; n--, x += 4)
        sum += qqi_abs_f64(qqi_f64_from_f32(qqi_load_f32(x)));
    return sum;
}

// f32(factor * mean|x|) of the four rows from row i on.
QQI_NEON_FN float32x4_t qqi_four_means_neon(const qqi_encode *e, size_t i,
                                            size_t k, size_t n)
{
    const double slack = qqi_encode_slack(n);
    const double count = (double)n;
    float bound[4];

    for (size_t j = 0; j < 4; j++) {
        const double sum = qqi_sum_neon(qqi_encode_row(e, i + j) + 4 * k, n);
        const float low = (float)(e->factor * (sum * (1.0 - slack) / count));
        const float high = (float)(e->factor * (sum * (1.0 + slack) / count));
        bound[j] = low >= high ? low : qqi_encode_mean(e, i + j, k, n);
    }
    return vld1q_f32(bound);
}

// The bounds of the four rows from row i on, of the tile that begins at k.
QQI_NEON_INLINE float32x4_t qqi_four_bounds_neon(const qqi_encode *e, size_t i,
                                                 size_t k)
{
    const size_t n = qqi_encode_columns(e, k);
    float bound[4];

    if (e->mean)
        return qqi_four_means_neon(e, i, k, n);
    const float32x4_t top = qqi_four_tops_neon(e, i, k, n);
    if (e->plain)
        return top;
    vst1q_f32(bound, top);
    for (size_t j = 0; j < 4; j++)
        bound[j] = qqi_encode_times(e, bound[j]);
    return vld1q_f32(bound);
}

// --- scales ----------------------------------------------------------------

// The first count of four.
QQI_NEON_INLINE uint32x4_t qqi_encode_first_neon(size_t count)
{
    static const uint32_t number[4] = {0, 1, 2, 3};

    return vcltq_u32(vld1q_u32(number),
                     vdupq_n_u32((uint32_t)(count < 4 ? count : 4)));
}

// Stores the scales of the first rows; answers them as they will be read.
QQI_NEON_INLINE float32x4_t qqi_put_scales_neon(const qqi_encode *e,
                                                float32x4_t s, size_t rows,
                                                uint8_t *out)
{
    const uint32x4_t there = qqi_encode_first_neon(rows);

    if (e->scale_type == QQ_TYPE_F16) {
        const float16x4_t half = vcvt_f16_f32(s);
        vst1_u8(out, vreinterpret_u8_u16(vand_u16(vreinterpret_u16_f16(half),
                                                  vmovn_u32(there))));
        return vcvt_f32_f16(half);
    }
    vst1q_u8(out,
             vreinterpretq_u8_u32(vandq_u32(vreinterpretq_u32_f32(s), there)));
    return s;
}

QQI_NEON_INLINE float32x4_t qqi_encode_scales_of_neon(const qqi_encode *e,
                                                      float32x4_t bound)
{
    const float32x4_t s = vdivq_f32(bound, vdupq_n_f32(e->reach));
    const float32x4_t most =
        vmaxq_f32(s, vdupq_n_f32(qqi_encode_scale_least(e)));

    if (e->type == QQ_TYPE_SIGN)
        return vreinterpretq_f32_u32(
            vandq_u32(vreinterpretq_u32_f32(most), vcgtzq_f32(bound)));
    return vbslq_f32(vcltq_f32(s, vdupq_n_f32(QQI_ENCODE_LEAST)),
                     vdupq_n_f32(1.0f), most);
}

// Whether one of them lies 1 to 7 off a multiple of 2^16.
QQI_NEON_INLINE int qqi_hard_neon(float32x4_t s)
{
    const uint32x4_t seven = vdupq_n_u32(7);
    const uint32x4_t up = vaddq_u32(vreinterpretq_u32_f32(s), seven);
    const uint32x4_t off = vandq_u32(up, vdupq_n_u32(0xffff));
    const uint32x4_t hard =
        vbicq_u32(vcleq_u32(off, vdupq_n_u32(14)), vceqq_u32(off, seven));

    return vmaxvq_u32(hard) != 0;
}

// Four rows from row i on.
QQI_NEON_INLINE int qqi_four_scales_neon(const qqi_encode *e, size_t i,
                                         size_t k, uint8_t *out,
                                         qqi_encode_scales *to)
{
    const size_t rows = e->rows > i ? e->rows - i : 0;
    const float32x4_t one = vdupq_n_f32(1.0f);
    const float32x4_t bound = qqi_four_bounds_neon(e, i, k);
    const uint32x4_t fits = vcltq_f32(bound, vdupq_n_f32(qqi_encode_most(e)));

    if (vminvq_u32(fits) == 0)
        return 0;
    const float32x4_t s =
        qqi_put_scales_neon(e, qqi_encode_scales_of_neon(e, bound), rows, out);
    const float32x4_t r = vdivq_f32(one, s);
    const float32x4_t off = vfmsq_f32(one, r, s);
    const float32x4_t high = vmulq_n_f32(s, qqi_encode_high(e));
    vst1q_f32(to->s + i, s);
    vst1q_f32(to->r + i, r);
    vst1q_f32(to->t + i, vmulq_f32(r, off));
    vst1q_f32(to->high + i, high);
    vst1q_f32(to->low + i, vnegq_f32(high));
    to->hard = to->hard || qqi_hard_neon(s);
    return 1;
}

QQI_NEON_FN int qqi_make_scales_neon(const qqi_encode *e, size_t k,
                                     uint8_t *out, qqi_encode_scales *to)
{
    const size_t four = e->scale_type == QQ_TYPE_F16 ? 8 : 16;

    to->hard = qqi_encode_cuts(e);
    for (size_t i = 0; i < 16; i += 4, out += four)
        if (!qqi_four_scales_neon(e, i, k, out, to))
            return 0;
    if (e->type == QQ_TYPE_SIGN)
        qqi_encode_sign_steps(to->s, to->low, to->high);
    return 1;
}
#endif

#endif // QQUANT_KERNEL_NEON_ENCODE_SCALE_H
