// qquant floor 4: eight codes at once in a 64-bit word.
//
// Eight codes of b bits are b whole bytes: a group. In a register a group has
// two forms, lanes (code j in byte j) and squeezed (code j from bit j * b up):
//
//   lanes     h0000000g0000000f ... b0000000a   b = 1
//   squeezed                         hgfedcba
//
// Squeezing joins neighbours three times, to 16, 32 and 64 bits; spreading
// parts them again. The other orders move lanes before they are squeezed,
// within the group, and share all else.

#ifndef QQUANT_CODEC_LANES_H
#define QQUANT_CODEC_LANES_H

#include "api/pack.h"
#include "num/bits.h"

// A byte times this stands in every lane.
#define QQI_LANES 0x0101010101010101u

// Lanes with nothing above their b bits to b bytes.
QQI_INLINE uint64_t qqi_squeeze(uint64_t lanes, unsigned b)
{
    const uint64_t odd8 = lanes & 0xff00ff00ff00ff00u;
    const uint64_t x = (lanes ^ odd8) | odd8 >> (8 - b);
    const uint64_t odd16 = x & 0xffff0000ffff0000u;
    const uint64_t y = (x ^ odd16) | odd16 >> (16 - 2 * b);
    const uint64_t odd32 = y & 0xffffffff00000000u;

    return (y ^ odd32) | odd32 >> (32 - 4 * b);
}

// The inverse; bits above 8 * b are ignored.
QQI_INLINE uint64_t qqi_spread(uint64_t word, unsigned b)
{
    const uint64_t m32 = ((uint64_t)1 << 4 * b) - 1;
    const uint64_t m16 = (((uint64_t)1 << 2 * b) - 1) * 0x0000000100000001u;
    const uint64_t m8 = (((uint64_t)1 << b) - 1) * 0x0001000100010001u;
    const uint64_t x = (word & m32) | (word >> 4 * b & m32) << 32;
    const uint64_t y = (x & m16) | (x >> 2 * b & m16) << 16;

    return (y & m8) | (y >> b & m8) << 8;
}

// Bytes 0 2 4 6 of a word in its lower half.
QQI_INLINE uint64_t qqi_even_bytes(uint64_t x)
{
    x &= 0x00ff00ff00ff00ffu;
    x = (x | x >> 8) & 0x0000ffff0000ffffu;
    return (x | x >> 16) & 0xffffffffu;
}

// The inverse: the lower half's bytes at 0 2 4 6.
QQI_INLINE uint64_t qqi_part_bytes(uint64_t x)
{
    x &= 0xffffffffu;
    x = (x | x << 16) & 0x0000ffff0000ffffu;
    return (x | x << 8) & 0x00ff00ff00ff00ffu;
}

QQI_INLINE uint64_t qqi_swap_bytes(uint64_t x)
{
    return (x & 0x00ff00ff00ff00ffu) << 8 | (x >> 8 & 0x00ff00ff00ff00ffu);
}

QQI_INLINE uint64_t qqi_reverse_bytes(uint64_t x)
{
    x = qqi_swap_bytes(x);
    x = (x & 0x0000ffff0000ffffu) << 16 | (x >> 16 & 0x0000ffff0000ffffu);
    return (x & 0xffffffffu) << 32 | x >> 32;
}

// Lanes in the order of codes to lanes in the order of places.
QQI_INLINE uint64_t qqi_shuffle(uint64_t x, qq_order order)
{
    switch (order) {
    case QQ_ORDER_HIGH_NIBBLE_FIRST:
        return qqi_swap_bytes(x); // 1 0 3 2 5 4 7 6
    case QQ_ORDER_HIGH_BIT_FIRST:
        return qqi_reverse_bytes(x); // 7 6 5 4 3 2 1 0
    case QQ_ORDER_AWQ:
        return qqi_even_bytes(x) | qqi_even_bytes(x >> 8) << 32;
    case QQ_ORDER_LOW_FIRST:
    default:
        return x;
    }
}

// The inverse. Swapping and reversing are their own.
QQI_INLINE uint64_t qqi_unshuffle(uint64_t x, qq_order order)
{
    if (order == QQ_ORDER_AWQ)
        return qqi_part_bytes(x) | qqi_part_bytes(x >> 32) << 8;
    return qqi_shuffle(x, order);
}

// n bytes to a little-endian word and back, n up to 8.
QQI_INLINE uint64_t qqi_load_low(const uint8_t *p, unsigned n)
{
    uint64_t w = 0;

    for (unsigned k = 0; k < n; k++)
        w |= (uint64_t)p[k] << 8 * k;
    return w;
}

QQI_INLINE void qqi_store_low(uint8_t *p, uint64_t w, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        p[k] = (uint8_t)(w >> 8 * k & 255);
}

// Lanes of b bits, sign-extended to 8. Where the top bit of a lane is set the
// product fills all above it; it never leaves its lane.
QQI_INLINE uint64_t qqi_extend(uint64_t lanes, unsigned b)
{
    const uint64_t top = lanes >> (b - 1) & QQI_LANES;

    return lanes | top * (255u << b & 255);
}

#endif // QQUANT_CODEC_LANES_H
