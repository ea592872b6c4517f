// qquant floor 5: codes to cells and base 3 to cells, NEON.

#ifndef QQUANT_KERNEL_NEON_PACK_H
#define QQUANT_KERNEL_NEON_PACK_H

#include "kernel/neon/core.h"

#if QQI_HAS_NEON

// Four columns of four rows, from 16 columns of each: out[f] has columns 4 f to
// 4 f + 3, a row in each word.
QQI_NEON_INLINE void qqi_fields_neon(const uint8_t *codes, uint8x16_t *out)
{
    const uint32x4_t a = vreinterpretq_u32_u8(vld1q_u8(codes));
    const uint32x4_t b = vreinterpretq_u32_u8(vld1q_u8(codes + 32));
    const uint32x4_t c = vreinterpretq_u32_u8(vld1q_u8(codes + 64));
    const uint32x4_t d = vreinterpretq_u32_u8(vld1q_u8(codes + 96));
    const uint64x2_t e = vreinterpretq_u64_u32(vtrn1q_u32(a, b));
    const uint64x2_t f = vreinterpretq_u64_u32(vtrn2q_u32(a, b));
    const uint64x2_t g = vreinterpretq_u64_u32(vtrn1q_u32(c, d));
    const uint64x2_t h = vreinterpretq_u64_u32(vtrn2q_u32(c, d));

    out[0] = vreinterpretq_u8_u64(vtrn1q_u64(e, g));
    out[1] = vreinterpretq_u8_u64(vtrn1q_u64(f, h));
    out[2] = vreinterpretq_u8_u64(vtrn2q_u64(e, g));
    out[3] = vreinterpretq_u8_u64(vtrn2q_u64(f, h));
}

// A cell's rows 4 r and on: count fields of p bits, left bits up in the codes.
QQI_NEON_INLINE uint8x16_t qqi_pack_fields_neon(const uint8x16_t *fields,
                                                unsigned p, unsigned left)
{
    const uint8x16_t mask = vdupq_n_u8((uint8_t)((1u << p) - 1));
    const int8x16_t down = vdupq_n_s8((int8_t)-(int)left);
    uint8x16_t cell = vdupq_n_u8(0);

    for (unsigned f = 0; f < 8 / p; f++) {
        const uint8x16_t v = vandq_u8(vshlq_u8(fields[f], down), mask);
        cell = vorrq_u8(cell, vshlq_u8(v, vdupq_n_s8((int8_t)(p * f))));
    }
    return cell;
}

// A block, or the first cells of one. Widths that are sums have whole blocks.
QQI_NEON_FN void qqi_pack_block_neon(unsigned bits, size_t columns,
                                     const uint8_t *codes, uint8_t *cells)
{
    const size_t end = bits != qqi_part_bits(bits) ? 32 : columns;

    for (size_t r = 0; r < 16; r += 4) {
        uint8_t *to = cells + 4 * r;
        uint8x16_t fields[8];
        qqi_fields_neon(codes + 32 * r, fields);
        qqi_fields_neon(codes + 32 * r + 16, fields + 4);
        for (unsigned left = bits; left > 0;) {
            const unsigned p = qqi_part_bits(left);
            left -= p;
            for (size_t k = 0; k < end; k += 32 / p, to += 64)
                vst1q_u8(to, qqi_pack_fields_neon(fields + k / 4, p, left));
        }
    }
}

// v / 3: the high byte of v * 171, halved, for v * 171 / 512 is less than 1/3
// above v / 3.
QQI_NEON_INLINE uint8x16_t qqi_third_neon(uint8x16_t v)
{
    const uint8x16_t by = vdupq_n_u8(171);
    const uint16x8_t lo = vmull_u8(vget_low_u8(v), vget_low_u8(by));
    const uint16x8_t hi = vmull_high_u8(v, by);

    return vshrq_n_u8(
        vuzp2q_u8(vreinterpretq_u8_u16(lo), vreinterpretq_u8_u16(hi)), 1);
}

// 16 bytes of each part: their digits into five cells.
QQI_NEON_INLINE void qqi_digits_neon(const uint8_t *packed, uint8_t *cells)
{
    const uint8x16_t three = vdupq_n_u8(3);
    uint8x16_t v[4];

    QQI_NEON_UNROLL
    for (unsigned f = 0; f < 4; f++)
        v[f] = vminq_u8(vld1q_u8(packed + 64 * f), vdupq_n_u8(242));
    QQI_NEON_UNROLL
    for (unsigned d = 0; d < 5; d++) {
        uint8x16_t digit[4];
        QQI_NEON_UNROLL
        for (unsigned f = 0; f < 4; f++) {
            const uint8x16_t next = d < 4 ? qqi_third_neon(v[f]) : v[f];
            digit[f] = d < 4 ? vmlsq_u8(v[f], next, three) : v[f];
            v[f] = next;
        }
        digit[0] = vsliq_n_u8(digit[0], digit[1], 2);
        digit[0] = vsliq_n_u8(digit[0], digit[2], 4);
        vst1q_u8(cells + 64 * d, vsliq_n_u8(digit[0], digit[3], 6));
    }
}

QQI_NEON_FN void qqi_expand_neon(size_t count, const uint8_t *packed,
                                 uint8_t *cells)
{
    for (; count > 0; count--, packed += 256, cells += 320)
        for (size_t i = 0; i < 64; i += 16)
            qqi_digits_neon(packed + i, cells + i);
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_PACK_H
