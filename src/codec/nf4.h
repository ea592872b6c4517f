// qquant floor 4: nf4, NormalFloat with 16 levels.
//
// Quantiles of the normal distribution, scaled to [-1, 1], with an exact 0
// (Dettmers et al.: "QLoRA", 2023). A code is the place of a level, the
// smallest first.
//
// Qwix encodes by the smallest |level - x|, the differences rounded to f32,
// the first of equal ones. That comes to fifteen thresholds: the code is how
// many of them lie below x. Six, at places 0, 1, 3, 4, 12 and 14, are one ulp
// below the rounded middle of their levels. The thresholds hold up to 2^23;
// beyond, where Qwix alternates between codes because several differences
// round to the same number, they give the outermost code.

#ifndef QQUANT_CODEC_NF4_H
#define QQUANT_CODEC_NF4_H

#include "num/step.h"

static const float qqi_nf4_levels[16] QQI_UNUSED = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

// A float as an integer of the same order: its bits, negated below 0. Both
// zeros are 0; NaN lies beyond the infinities.
QQI_INLINE int32_t qqi_rank_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);
    const int32_t a = (int32_t)(u & 0x7fffffffu);

    return u >> 31 ? -a : a;
}

// The ranks of the largest floats that have the codes 0 ... 14.
static const int32_t qqi_nf4_last[15] QQI_UNUSED = {
    -0x3f591cd9, -0x3f1c5271, -0x3eeb8480, -0x3eadea77, -0x3e703ced,
    -0x3e0d38bc, -0x3d3a7871, 0x3d22faff,  0x3df64862,  0x3e5067e0,
    0x3e9582d4,  0x3ec753f9,  0x3f006d03,  0x3f248daf,  0x3f5c89d9,
};

// NaN gives 0.
QQI_INLINE uint32_t qqi_nf4_encode(float x)
{
    const int32_t rank = qqi_rank_f32(x);
    uint32_t code = 0;

    for (int i = 0; i < 15; i++)
        code += (uint32_t)(rank > qqi_nf4_last[i]);
    return qqi_is_nan_f32(x) ? 0 : code;
}

// The code of Qwix everywhere: beyond 2^23 13, 15 or 0, and 0 for infinity.
QQI_FN uint32_t qqi_nf4_encode_qwix(float x)
{
    const float v = qqi_keep_f32(x);
    uint32_t code = 0;
    float least = qqi_abs_f32(qqi_nf4_levels[0] - v);

    if (!(v > 8388608.0f))
        return qqi_nf4_encode(v);
    for (uint32_t i = 1; i < 16; i++) {
        const float d = qqi_abs_f32(qqi_nf4_levels[i] - v);
        if (d < least) {
            least = d;
            code = i;
        }
    }
    return code;
}

QQI_INLINE float qqi_nf4_decode(uint32_t code)
{
    return qqi_nf4_levels[code & 15];
}

#endif // QQUANT_CODEC_NF4_H
