// qquant floor 4: the dynamic map of bitsandbytes, and its nearest level.
//
// 256 levels, ascending: 0, 1, and seven groups. Group i holds the middles
// between neighbours of n + 1 points from 0.1 to 1, times 10^(i - 6). Signed:
// n = 2^i, each level with both signs. Unsigned: n = 2^(i+1).
//
//   code      0 ... 126   127   128 ... 254          255
//   signed   -(254 ... 128)  0   0.55e-6 ... 0.9929   1
//   code      0    1 ... 254                         255
//   unsigned  0    3.25e-7 ... 0.9965                1
//
// Above 0 (unsigned) or 127 (signed) the codes run through the groups in
// order, so code - 127 (signed) or code + 1 is 2^k + j: middle j of the group
// with n = 2^k. Bits are those of the original, whose points come from
// torch.linspace: from both ends towards the middle, each one fused step.

#ifndef QQUANT_CODEC_BNB_MAP_H
#define QQUANT_CODEC_BNB_MAP_H

#include "codec/bnb_float.h"
#include "codec/book.h"

enum { QQI_BNB_LEVELS = 256, QQI_BNB_MAP_BYTES = 4 * QQI_BNB_LEVELS };

// Point j of n + 1 from 0.1 to 1.
QQI_FN float qqi_bnb_point(unsigned n, unsigned j)
{
    const float step = (1.0f - 0.1f) / (float)n;

    if (j < (n + 1) / 2)
        return qqi_fma_f32(step, (float)j, 0.1f);
    return qqi_fma_f32(-step, (float)(n - j), 1.0f);
}

// The level of a code of the dynamic map.
QQI_FN float qqi_bnb_dynamic(int is_signed, unsigned code)
{
    static const float powers[7] = {1e-6f, 1e-5f, 1e-4f, 1e-3f,
                                    1e-2f, 1e-1f, 1.0f};
    const unsigned zero = is_signed ? 127 : 0;
    unsigned k = 0;

    if (code == zero)
        return 0.0f;
    if (code == 255)
        return 1.0f;
    const unsigned place = code > zero ? code - zero : zero - code;
    const unsigned r = is_signed ? place : place + 1; // 2^k + j
    while (r >> (k + 1) != 0)
        k++;
    const unsigned n = 1u << k;
    const float a = qqi_bnb_point(n, r - n);
    const float b = qqi_bnb_point(n, r - n + 1);
    const float power = powers[is_signed ? k : k - 1];
    const float level = qqi_mul_f32((a + b) * 0.5f, power);
    return code > zero ? level : -level;
}

// Levels lie in bytes at any address, in the machine's order; NULL stands for
// the signed dynamic map.
QQI_INLINE float qqi_bnb_level(const void *map, unsigned code)
{
    if (!map)
        return qqi_bnb_dynamic(1, code);
    return qqi_load_f32((const uint8_t *)map + 4 * code);
}

QQI_FN void qqi_bnb_write_map(void *map)
{
    for (unsigned i = 0; i < QQI_BNB_LEVELS; i++)
        qqi_store_f32((uint8_t *)map + 4 * i, qqi_bnb_dynamic(1, i));
}

QQ_API void qq_bnb_dynamic_map(int is_signed, float levels[256])
{
    for (unsigned i = 0; i < QQI_BNB_LEVELS; i++)
        levels[i] = qqi_bnb_dynamic(is_signed, i);
}

// Finite and nowhere descending.
QQI_FN int qqi_bnb_ascends(const float *levels)
{
    for (unsigned i = 0; i < QQI_BNB_LEVELS; i++)
        if (!qqi_is_finite_f32(levels[i]) ||
            (i > 0 && levels[i] < levels[i - 1]))
            return 0;
    return 1;
}

// The code of the level nearest to v, of two the lower level, of equal levels
// the lowest code. v is no NaN; the map ascends.
QQI_FN unsigned qqi_bnb_nearest(const uint8_t *map, float v)
{
    unsigned lo = 0; // levels below v
    unsigned hi = QQI_BNB_LEVELS;

    while (lo < hi) {
        const unsigned mid = (lo + hi) / 2;
        if (qqi_load_f32(map + 4 * mid) < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return 0;
    unsigned code = lo - 1;
    const float a = qqi_load_f32(map + 4 * code);
    if (lo < QQI_BNB_LEVELS &&
        qqi_nearer_above(qqi_f64_from_f32(a), qqi_f64_from_f32(v),
                         qqi_f64_from_f32(qqi_load_f32(map + 4 * lo))))
        return lo;
    while (code > 0 && !(qqi_load_f32(map + 4 * (code - 1)) < a))
        code--;
    return code;
}

#endif // QQUANT_CODEC_BNB_MAP_H
