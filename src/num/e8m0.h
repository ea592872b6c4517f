// qquant floor 2: e8m0, a power of two in a byte.
//
//   code c = 0..254: 2^(c - 127)        code 255: NaN
//
// The scale of the OCP microscaling formats. Code 0, 2^-127, is a subnormal
// float; it is made and read by its bits, so flushing cannot lose it.

#ifndef QQUANT_NUM_E8M0_H
#define QQUANT_NUM_E8M0_H

#include "num/bits.h"

// Which power of two: the next one that is not above x, not below x, or the
// nearest by value, where half way between two (1.5 * 2^n) the larger is
// taken: it is the even multiple of 2^n.
typedef enum qqi_e8m0_mode {
    QQI_E8M0_DOWN = 1,
    QQI_E8M0_UP = 2,
    QQI_E8M0_NEAREST = 3
} qqi_e8m0_mode;

// Zeros and all below 2^-127 give code 0, all above 2^127 and infinity give
// code 254; NaN and what is below 0 give 255.
QQI_FN uint8_t qqi_e8m0_from_f32(float x, qqi_e8m0_mode mode)
{
    const uint32_t u = qqi_f32_bits(x);
    uint32_t add = 0;

    // clang 19 makes of (u & 0x7fffffff) == 0 a comparison of floats, which a
    // mode that flushes would answer for subnormals, too.
    if (u == 0x80000000u)
        return 0;
    if (u > 0x7f800000u) // NaN, or a sign
        return 255;
    if (u < 0x800000u) {
        // Subnormal: code 0 stands at 2^-127, the half of 2^-126.
        if (mode == QQI_E8M0_UP)
            return u > 0x400000u;
        return mode == QQI_E8M0_NEAREST && u >= 0x600000u;
    }
    if (mode == QQI_E8M0_UP)
        add = 0x7fffffu;
    else if (mode == QQI_E8M0_NEAREST)
        add = 0x400000u;
    const uint32_t code = (u + add) >> 23;
    return (uint8_t)(code < 254 ? code : 254);
}

QQI_FN float qqi_f32_from_e8m0(uint8_t code)
{
    if (code == 255)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    return qqi_f32_of(code == 0 ? 0x400000u : (uint32_t)code << 23);
}

#endif // QQUANT_NUM_E8M0_H
