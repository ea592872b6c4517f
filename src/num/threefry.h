// qquant floor 2: Threefry-2x32 and JAX's keys.
//
//   ks = k0, k1, k0 ^ k1 ^ 0x1BD11BDA;   x0 += ks0, x1 += ks1
//   five times, i = 1 ... 5, four rounds each:
//     x0 += x1;  x1 = rotl(x1, r) ^ x0   r = 13 15 26 6, i even: 17 29 16 24
//     then x0 += ks[i % 3];  x1 += ks[(i + 1) % 3] + i
//
// all modulo 2^32 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as
// easy as 1, 2, 3", 2011). Over an array the counters are cut in two halves,
// which become x0 and x1.

#ifndef QQUANT_NUM_THREEFRY_H
#define QQUANT_NUM_THREEFRY_H

#include "api/random.h"
#include "compiler.h"

QQI_INLINE QQI_WRAPS uint32_t qqi_wrap_add_u32(uint32_t a, uint32_t b)
{
    return a + b;
}

QQI_INLINE QQI_WRAPS uint32_t qqi_wrap_mul_u32(uint32_t a, uint32_t b)
{
    return a * b;
}

// s from 1 to 31.
QQI_INLINE QQI_WRAPS uint32_t qqi_rotl_u32(uint32_t x, int s)
{
    return x << s | x >> (32 - s);
}

QQI_INLINE void qqi_threefry_rounds(uint32_t *x0, uint32_t *x1, int r0, int r1,
                                    int r2, int r3)
{
    *x0 = qqi_wrap_add_u32(*x0, *x1);
    *x1 = qqi_rotl_u32(*x1, r0) ^ *x0;
    *x0 = qqi_wrap_add_u32(*x0, *x1);
    *x1 = qqi_rotl_u32(*x1, r1) ^ *x0;
    *x0 = qqi_wrap_add_u32(*x0, *x1);
    *x1 = qqi_rotl_u32(*x1, r2) ^ *x0;
    *x0 = qqi_wrap_add_u32(*x0, *x1);
    *x1 = qqi_rotl_u32(*x1, r3) ^ *x0;
}

// The block function, in place.
QQI_INLINE void qqi_threefry(qq_key key, uint32_t *c0, uint32_t *c1)
{
    const uint32_t k0 = key.word[0];
    const uint32_t k1 = key.word[1];
    const uint32_t k2 = k0 ^ k1 ^ 0x1bd11bdau;
    uint32_t x0 = qqi_wrap_add_u32(*c0, k0);
    uint32_t x1 = qqi_wrap_add_u32(*c1, k1);

    qqi_threefry_rounds(&x0, &x1, 13, 15, 26, 6);
    x0 = qqi_wrap_add_u32(x0, k1);
    x1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k2, 1));
    qqi_threefry_rounds(&x0, &x1, 17, 29, 16, 24);
    x0 = qqi_wrap_add_u32(x0, k2);
    x1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k0, 2));
    qqi_threefry_rounds(&x0, &x1, 13, 15, 26, 6);
    x0 = qqi_wrap_add_u32(x0, k0);
    x1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k1, 3));
    qqi_threefry_rounds(&x0, &x1, 17, 29, 16, 24);
    x0 = qqi_wrap_add_u32(x0, k1);
    x1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k2, 4));
    qqi_threefry_rounds(&x0, &x1, 13, 15, 26, 6);
    *c0 = qqi_wrap_add_u32(x0, k2);
    *c1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k0, 5));
}

// Word i of threefry_2x32 over the counters 0 ... n - 1. Pair j holds the
// counters j and j + half; an odd n is completed with a counter of 0.
QQI_INLINE uint32_t qqi_threefry_word(qq_key key, uint32_t n, uint32_t i)
{
    const uint32_t half = n / 2 + (n & 1);
    uint32_t x0 = i < half ? i : i - half;
    uint32_t x1 = half > n - 1 - x0 ? 0 : x0 + half;

    qqi_threefry(key, &x0, &x1);
    return i < half ? x0 : x1;
}

QQ_API void qq_threefry(qq_key key, const uint32_t counter[2], uint32_t out[2])
{
    uint32_t x0 = counter[0];
    uint32_t x1 = counter[1];

    qqi_threefry(key, &x0, &x1);
    out[0] = x0;
    out[1] = x1;
}

QQ_API void qq_threefry_array(qq_key key, size_t n, const uint32_t *counter,
                              uint32_t *out)
{
    const size_t half = n / 2 + (n & 1);

    for (size_t j = 0; j < half; j++) {
        uint32_t x0 = counter[j];
        uint32_t x1 = half < n - j ? counter[j + half] : 0;

        qqi_threefry(key, &x0, &x1);
        out[j] = x0;
        if (half < n - j)
            out[j + half] = x1;
    }
}

QQ_API qq_key qq_key_make(int64_t seed, int wide)
{
    const uint64_t s = (uint64_t)seed;
    qq_key key;

    key.word[0] = wide ? (uint32_t)(s >> 32) : 0;
    key.word[1] = (uint32_t)(s & 0xffffffffu);
    return key;
}

QQ_API qq_key qq_key_fold_in(qq_key key, uint32_t data)
{
    qq_key out;

    out.word[0] = 0;
    out.word[1] = data;
    qqi_threefry(key, &out.word[0], &out.word[1]);
    return out;
}

QQ_API qq_key qq_key_split(qq_key key, qq_random_layout layout, size_t n,
                           size_t i)
{
    qq_key out;

    if (layout == QQ_RANDOM_LEGACY) {
        const uint32_t words = (uint32_t)(2 * (uint64_t)n & 0xffffffffu);
        const uint32_t at = (uint32_t)(2 * (uint64_t)i & 0xffffffffu);
        out.word[0] = qqi_threefry_word(key, words, at);
        out.word[1] = qqi_threefry_word(key, words, at + 1);
        return out;
    }
    out.word[0] = (uint32_t)((uint64_t)i >> 32);
    out.word[1] = (uint32_t)((uint64_t)i & 0xffffffffu);
    qqi_threefry(key, &out.word[0], &out.word[1]);
    return out;
}

#endif // QQUANT_NUM_THREEFRY_H
