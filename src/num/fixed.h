// qquant floor 2: fixed point of 64 bits, under exp, log and tanh.
//
// Qn names a number that is stored times 2^n. Integers are the same on every
// machine, so what is made of them is, too.

#ifndef QQUANT_NUM_FIXED_H
#define QQUANT_NUM_FIXED_H

#include "num/bits.h"

// The upper half of a * b, from halves of 32 bits; no sum here overflows.
QQI_INLINE uint64_t qqi_mulhi_u64(uint64_t a, uint64_t b)
{
    const uint64_t low = 0xffffffffu;
    const uint64_t x = (a >> 32) * (b & low) + ((a & low) * (b & low) >> 32);
    const uint64_t y = (a & low) * (b >> 32) + (x & low);

    return (a >> 32) * (b >> 32) + (x >> 32) + (y >> 32);
}

// Zeros in front of the first one; v is not 0.
QQI_INLINE int qqi_clz_u64(uint64_t v)
{
    int n = 0;

    for (int step = 32; step > 0; step >>= 1) {
        if (v >> (64 - step) == 0) {
            v <<= step;
            n += step;
        }
    }
    return n;
}

// The float nearest to m * 2^(e - 63), m with its first bit set; ties to even,
// subnormals and overflow included. sign is 0 or 0x80000000.
QQI_FN float qqi_round_fixed(uint32_t sign, uint64_t m, int e)
{
    const int field = e + 127;

    if (field >= 255)
        return qqi_f32_of(sign | 0x7f800000u);
    // 24 bits stay, fewer below 2^-126.
    const int shift = field >= 1 ? 40 : 41 - field;
    if (shift > 64)
        return qqi_f32_of(sign);
    const uint64_t kept = shift == 64 ? 0 : m >> shift;
    const uint64_t half = (uint64_t)1 << (shift - 1);
    const uint64_t rest = m & (half | (half - 1));
    const uint32_t up = rest > half || (rest == half && (kept & 1));
    // The hidden bit, or a carry, adds 1 to the exponent field.
    const uint32_t base = field >= 1 ? (uint32_t)(field - 1) << 23 : 0;
    return qqi_f32_of(sign | (base + (uint32_t)kept + up));
}

// A float's magnitude, not 0, infinite or NaN, as m * 2^e with m in
// [2^23, 2^24).
QQI_INLINE uint32_t qqi_split_f32(uint32_t magnitude, int *e)
{
    uint32_t m = magnitude & 0x7fffffu;
    int field = (int)(magnitude >> 23);

    if (field == 0) {
        field = 1;
        while (m < 0x800000u) {
            m <<= 1;
            field--;
        }
    }
    *e = field - 150;
    return m | 0x800000u;
}

#endif // QQUANT_NUM_FIXED_H
