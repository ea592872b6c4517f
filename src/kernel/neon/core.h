// qquant floor 5: NEON's vocabulary: scales, the end of a tile, the end.
//
// Four q registers hold 16 rows, register r rows 4 r to 4 r + 3; one column of
// x has four sums of four rows. A job is a run of whole tiles, or one piece of
// a tile, of a panel and of 1, 2 or 4 columns. What its codes mean as bytes is
// settled before: with S = sum of byte * q, Q = sum of q,
//
//   D = mul * S - zero * Q - zx * sum of (c - z)
//
// where mul is -2 for 1-bit codes, of which kernels make 0 and -1, and zero has
// been moved by what the bytes are less than the codes: 128 for those of 8
// bits, add for books.

#ifndef QQUANT_KERNEL_NEON_CORE_H
#define QQUANT_KERNEL_NEON_CORE_H

#include "kernel/scalar/core.h"
#include "simd.h"

#if QQI_HAS_NEON

#  include <arm_neon.h>

// Registers that are arrays must lose their loops to stay registers.
#  if defined(__clang__)
#    define QQI_NEON_UNROLL _Pragma("clang loop unroll(full)")
#  else
#    define QQI_NEON_UNROLL _Pragma("GCC unroll 16")
#  endif

// A tile up to which D and all that it is made of fit in int32, also with a
// zero point of x: 255 * 255 * 32768 = 2130739200 < 2^31.
#  define QQI_NEON_TILE ((size_t)32768)

// Tiles whose scales are floats at a time.
#  define QQI_NEON_TILES ((size_t)32)

typedef struct qqi_neon_job {
    const qqi_product *p;
    const qqi_columns *g;
    const uint8_t *cells; // those of number from
    size_t from;
    size_t k;      // numbers k to end - 1
    size_t end;    //
    size_t step;   // of which so many are a tile; raw: all
    size_t tile;   // the first one's number
    size_t column; // the first column of g
    int32_t mul;
    const int8_t *book;
    const uint8_t *scale; // 16 floats of each tile
    const int32_t *zero;  // likewise; NULL: add is that of all
    int32_t add;
    const uint8_t *sums; // likewise, or NULL
    const float *by;     // the scale of x by tile, or NULL
    float *acc;          // 16 of each column
    int32_t *raw;        // S is added to this, 16 a column, and no tile ends
} qqi_neon_job;

QQI_NEON_INLINE float32x4_t qqi_load_f32_neon(const uint8_t *p)
{
    return vreinterpretq_f32_u8(vld1q_u8(p));
}

QQI_NEON_INLINE int32x4_t qqi_load_s32_neon(const uint8_t *p)
{
    return vreinterpretq_s32_u8(vld1q_u8(p));
}

// Four halves, or four bytes, as the low bits of words.
QQI_NEON_INLINE uint16x4_t qqi_load_u16_neon(const uint8_t *p)
{
    return vreinterpret_u16_u8(vld1_u8(p));
}

QQI_NEON_INLINE uint32x4_t qqi_widen_u8_neon(const uint8_t *p)
{
    const uint8x8_t v = vreinterpret_u8_u32(vdup_n_u32(qqi_load_u32(p)));

    return vmovl_u16(vget_low_u16(vmovl_u8(v)));
}

// e4m3fn in the low bytes of words: shifted into the places of a float, then
// by 2^120, which is exact also for those that were subnormal.
QQI_NEON_INLINE float32x4_t qqi_e4m3fn_neon(uint32x4_t u)
{
    const uint32x4_t mag = vandq_u32(u, vdupq_n_u32(127));
    const uint32x4_t sign = vshlq_n_u32(vandq_u32(u, vdupq_n_u32(128)), 24);
    const float32x4_t v =
        vreinterpretq_f32_u32(vorrq_u32(sign, vshlq_n_u32(mag, 20)));
    const float32x4_t by = vdupq_n_f32(qqi_f32_of((127u + 120u) << 23));
    const uint32x4_t nan = vceqq_u32(mag, vdupq_n_u32(127));
    const uint32x4_t bits = vreinterpretq_u32_f32(vmulq_f32(v, by));

    return vreinterpretq_f32_u32(
        vorrq_u32(bits, vandq_u32(nan, vdupq_n_u32(0x7fc00000u))));
}

// e5m2 is the high byte of a half.
QQI_NEON_INLINE float32x4_t qqi_e5m2_neon(uint32x4_t u)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vshl_n_u16(vmovn_u32(u), 8)));
}

// 2^(u - 127); 0 is the subnormal 2^-127, 255 NaN.
QQI_NEON_INLINE float32x4_t qqi_e8m0_neon(uint32x4_t u)
{
    const uint32x4_t none = vceqq_u32(u, vdupq_n_u32(0));
    const uint32x4_t nan = vceqq_u32(u, vdupq_n_u32(255));
    uint32x4_t v = vshlq_n_u32(u, 23);

    v = vorrq_u32(v, vandq_u32(none, vdupq_n_u32(0x400000)));
    v = vorrq_u32(v, vandq_u32(nan, vdupq_n_u32(0x400000)));
    return vreinterpretq_f32_u32(v);
}

// Stored scales i to i + 3.
QQI_NEON_INLINE float32x4_t qqi_stored_neon(qq_type type, const uint8_t *scales,
                                            size_t i)
{
    switch ((int)type) {
    case QQ_TYPE_F16:
        return vcvt_f32_f16(
            vreinterpret_f16_u16(qqi_load_u16_neon(scales + 2 * i)));
    case QQ_TYPE_E8M0:
        return qqi_e8m0_neon(qqi_widen_u8_neon(scales + i));
    case QQ_TYPE_E4M3FN:
        return qqi_e4m3fn_neon(qqi_widen_u8_neon(scales + i));
    default:
        return qqi_load_f32_neon(scales + 4 * i);
    }
}

// s of count times 16 rows. Products with 1 change nothing.
QQI_NEON_INLINE void qqi_scales_of_neon(const qqi_product *p, qq_type type,
                                        const uint8_t *scales, size_t count,
                                        float *s)
{
    const float a = p->scale2;
    const float b = p->unit;

    for (size_t i = 0; i < 16 * count; i += 16) {
        QQI_NEON_UNROLL
        for (size_t r = 0; r < 16; r += 4)
            vst1q_f32(s + i + r, qqi_stored_neon(type, scales, i + r));
    }
    if (a == 1.0f && b == 1.0f)
        return;
    for (size_t i = 0; i < 16 * count; i += 4)
        vst1q_f32(s + i, vmulq_n_f32(vmulq_n_f32(vld1q_f32(s + i), a), b));
}

// s of count tiles, the first being tile t.
QQI_NEON_FN void qqi_scales_neon(const qqi_product *p, const uint8_t *panel,
                                 size_t t, size_t count, float *s)
{
    const uint8_t *scales = panel + p->scale_at;

    switch ((int)p->scale_type) {
    case QQ_TYPE_F16:
        qqi_scales_of_neon(p, QQ_TYPE_F16, scales + 32 * t, count, s);
        return;
    case QQ_TYPE_E8M0:
        qqi_scales_of_neon(p, QQ_TYPE_E8M0, scales + 16 * t, count, s);
        return;
    case QQ_TYPE_E4M3FN:
        qqi_scales_of_neon(p, QQ_TYPE_E4M3FN, scales + 16 * t, count, s);
        return;
    default:
        qqi_scales_of_neon(p, QQ_TYPE_F32, scales + 64 * t, count, s);
    }
}

// zero of count tiles; bytes are moved less than codes.
QQI_NEON_FN void qqi_zeros_neon(const qqi_product *p, const uint8_t *panel,
                                size_t t, size_t count, int32_t moved,
                                int32_t *zero)
{
    const int32x4_t less = vdupq_n_s32(p->mul * moved);
    const uint8_t *z = panel + p->zero_at + 16 * t;

    for (size_t i = 0; i < 16 * count; i += 4) {
        int32x4_t v = vdupq_n_s32(p->add);
        if (p->zero_at != 0)
            v = vreinterpretq_s32_u32(qqi_widen_u8_neon(z + i));
        vst1q_s32(zero + i, vsubq_s32(v, less));
    }
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_CORE_H
