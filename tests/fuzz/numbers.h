// Matrices for the solvers' targets: of a seed, with wild numbers among them
// now and then.

#ifndef QQUANT_TESTS_FUZZ_NUMBERS_H
#define QQUANT_TESTS_FUZZ_NUMBERS_H

#include "input.h"

static inline int fuzz_finite(float x)
{
    return x - x >= 0.0f;
}

// Threefry's first word at a place.
static inline float fuzz_number(uint32_t seed, uint32_t i)
{
    const uint32_t counter[2] = {0, i};
    uint32_t out[2];

    qq_threefry(qq_key_make((int64_t)seed, 0), counter, out);
    return (float)((int32_t)(out[0] >> 8) - 8388608) / 8388608.0f;
}

// n rows of k floats, ld apart, as short as they may be. *sane becomes 0 where
// one is so large or small that sums may end, or is not finite.
static inline float *fuzz_rows(fuzz_input *in, size_t n, size_t k, size_t ld,
                               int *sane)
{
    const size_t count = n > 0 ? (n - 1) * ld + k : 0;
    float *x = (float *)fuzz_room(count * sizeof(float));
    const uint32_t seed = fuzz_u32(in), u = fuzz_u8(in);
    float by = 1.0f;

    for (uint32_t i = 0; i < u % 8; i++)
        by *= u & 8 ? 8.0f : 0.125f;
    for (size_t i = 0; i < count; i++)
        x[i] = by * fuzz_number(seed, (uint32_t)i);
    for (size_t i = 0; u & 16 && i < count; i++) // dead columns
        if (ld > 0 && i % ld % 3 == 1)
            x[i] = 0.0f;
    for (size_t i = 0; u & 32 && i < count; i++) // dead rows
        if (ld > 0 && i / ld % 2 == 1)
            x[i] = 0.0f;
    for (uint32_t i = 0; u & 64 && i < 1 + (u >> 7) * 4 && count > 0; i++) {
        const float wild = fuzz_f32(in);
        x[fuzz_u8(in) % count] = wild;
        if (!(wild < 1e9f && wild > -1e9f))
            *sane = 0;
    }
    return x;
}

// k * k: sums of x x^T with something added to the diagonal; wild ones are
// neither positive nor even symmetric.
static inline float *fuzz_hessian(fuzz_input *in, size_t k, int *sane)
{
    float *h = (float *)fuzz_room(k * k * sizeof(float));
    const uint32_t seed = fuzz_u32(in), u = fuzz_u8(in);
    const uint32_t rows = 1 + u % 16;
    float by = 1.0f;

    if (u & 16)
        by = u & 32 ? 1e-6f : 1e6f;
    for (size_t i = 0; i < k; i++)
        for (size_t j = i; j < k; j++) {
            float sum = i == j ? 0.03f : 0.0f;
            for (uint32_t r = 0; r < rows; r++)
                sum += fuzz_number(seed, (uint32_t)i * 16 + r) *
                       fuzz_number(seed, (uint32_t)j * 16 + r) / (float)rows;
            h[i * k + j] = h[j * k + i] = by * sum;
        }
    for (uint32_t i = 0; u & 64 && i < 1 + (u >> 7) * 4 && k > 0; i++) {
        const float wild = fuzz_f32(in);
        const size_t r = fuzz_u8(in) % k, c = fuzz_u8(in) % k;
        h[r * k + c] = wild;
        if (fuzz_u8(in) % 8 != 0)
            h[c * k + r] = wild;
        *sane = 0;
    }
    return h;
}

static inline void fuzz_backwards(void *user, size_t parts,
                                  void (*part)(void *, size_t), void *arg)
{
    (void)user;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

#endif // QQUANT_TESTS_FUZZ_NUMBERS_H
