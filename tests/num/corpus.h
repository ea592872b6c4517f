// What the tests of num/ share: which floats to walk, codes by definition,
// hashes.

#ifndef QQUANT_TESTS_CORPUS_H
#define QQUANT_TESTS_CORPUS_H

#include "check.h"
#include "compiler.h"

#include <math.h>

// The step from one float's bits to the next: all in an exhaustive run, else
// some 2^22 of the 2^32, or a tenth of that; odd, so that every last bit and
// every exponent is met.
static inline uint32_t corpus_stride(void)
{
    return check_exhaustive() ? 1 : check_small() ? 10007 : 1021;
}

// (1 + m / 2^mant) * 2^(e - bias), m / 2^mant * 2^(1 - bias) for e = 0.
static inline double corpus_value(uint32_t code, int mant, int bias)
{
    const uint32_t m = code & ((1u << mant) - 1);
    const int e = (int)(code >> mant);

    if (e == 0)
        return ldexp((double)m, 1 - bias - mant);
    return ldexp((double)(m + (1u << mant)), e - bias - mant);
}

// 1 if y is what exact, known to some ulps of double, rounds to: where a
// midpoint of floats is that near, either neighbour. NaN matches NaN.
static inline int corpus_rounds(float y, double exact)
{
    const double slack = fabs(exact) * 1.8e-15; // 2^-49

    if (exact != exact)
        return check_bits(y) == 0x7fc00000;
    return check_bits(y) == check_bits((float)exact) ||
           check_bits(y) == check_bits((float)(exact - slack)) ||
           check_bits(y) == check_bits((float)(exact + slack));
}

// 1 if a and b are at most n apart: sums of constants that were rounded.
static inline int corpus_close(uint64_t a, uint64_t b, uint64_t n)
{
    return a > b ? a - b <= n : b - a <= n;
}

// FNV-1a over the bytes of a number, low first.
static inline QQI_WRAPS uint64_t corpus_hash(uint64_t hash, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        hash = (hash ^ (v >> 8 * i & 255)) * 1099511628211u;
    return hash;
}

#define CORPUS_HASH 14695981039346656037u

// A function against libm's in double over all floats, or every strideth, and
// the hash of every 65537th result, which is the same on all machines.
static inline uint64_t corpus_walk(float (*ours)(float), double (*libm)(double))
{
    const uint32_t stride = check_exhaustive() ? 1 : corpus_stride() * 5;
    uint64_t hash = CORPUS_HASH;
    uint32_t wrong = 0;

    for (uint64_t u = 0; u <= UINT32_MAX; u += stride) {
        const float x = check_f32((uint32_t)u);
        if (!corpus_rounds(ours(x), libm((double)x)) && wrong++ < 5)
            printf("of %08x: %08x\n", (unsigned)u, check_bits(ours(x)));
    }
    CHECK(wrong == 0);
    for (uint64_t u = 0; u <= UINT32_MAX; u += 65537)
        hash = corpus_hash(hash, check_bits(ours(check_f32((uint32_t)u))));
    return hash;
}

static inline uint64_t corpus_f64_bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double corpus_f64(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline uint64_t corpus_u64(void)
{
    const uint64_t high = check_u32();
    return high << 32 | check_u32();
}

#endif // QQUANT_TESTS_CORPUS_H
