// num/sqrt.h against the machine's square root, which IEEE 754 rounds
// correctly; that of a float, made in double, rounds to the right float.

#include "num/sqrt.h"
#include "corpus.h"

static void test_f32(void)
{
    const uint32_t stride = check_exhaustive() ? 1 : corpus_stride() * 3;
    uint32_t wrong = 0;

    for (uint64_t u = 0; u <= UINT32_MAX; u += stride) {
        const float x = check_f32((uint32_t)u);
        const uint32_t y = check_bits(qqi_sqrt_f32(x));
        const int is_nan = u > 0x80000000 || (u > 0x7f800000 && u >> 31 == 0);
        const uint32_t want =
            is_nan ? 0x7fc00000 : check_bits((float)sqrt((double)x));
        wrong += y != want;
    }
    CHECK(wrong == 0);
    CHECK(check_bits(qqi_sqrt_f32(0.0f)) == 0);
    CHECK(check_bits(qqi_sqrt_f32(-0.0f)) == 0x80000000);
    CHECK(check_bits(qqi_sqrt_f32(check_f32(0x7f800000))) == 0x7f800000);
    CHECK(check_bits(qqi_sqrt_f32(check_f32(0xff800000))) == 0x7fc00000);
    CHECK(check_bits(qqi_sqrt_f32(-1.0f)) == 0x7fc00000);
    CHECK(check_bits(qqi_sqrt_f32(check_f32(1))) ==
          check_bits((float)sqrt(ldexp(1.0, -149))));
    CHECK(qqi_sqrt_f32(check_f32(0x7f7fffff)) == 18446742974197923840.0f);
    for (uint32_t i = 0; i < 5000; i++)
        CHECK(qqi_sqrt_f32((float)(i * i)) == (float)i);
}

static void try_f64(uint64_t u)
{
    const double x = corpus_f64(u);
    CHECK(corpus_f64_bits(qqi_sqrt_f64(x)) == corpus_f64_bits(sqrt(x)));
}

static void test_f64(void)
{
    const size_t n = check_count(400000);
    const uint64_t inf = (uint64_t)0x7ff << 52;

    for (size_t i = 0; i < n; i++) {
        // Any, short ones, and squares of 26 bits +- 1 ulp.
        const uint64_t u = (corpus_u64() >> 1) % inf;
        const double root = (double)(check_u32() >> (i % 3 ? 6 : 20));
        try_f64(u);
        try_f64(u >> 11 << (check_u32() % 12));
        try_f64(corpus_f64_bits(root * root) + 1);
        if (root > 0)
            try_f64(corpus_f64_bits(root * root) - 1);
        CHECK(qqi_sqrt_f64(root * root) == root);
    }
    for (uint64_t u = 0; u < 100; u++) {
        try_f64(u);
        try_f64(inf - u);
        try_f64(((uint64_t)1 << 52) - 50 + u);
        try_f64(((uint64_t)1023 << 52) - 50 + u);
        try_f64(((uint64_t)1024 << 52) - 50 + u);
    }
    try_f64((uint64_t)1 << 63);
    CHECK(qqi_is_nan_f64(qqi_sqrt_f64(-1.0)));
    CHECK(qqi_is_nan_f64(qqi_sqrt_f64(-corpus_f64(inf))));
    CHECK(qqi_is_nan_f64(qqi_sqrt_f64(corpus_f64(inf + 1))));
}

int main(void)
{
    test_f32();
    test_f64();
    return check_done();
}
