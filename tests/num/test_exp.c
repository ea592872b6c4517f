// num/exp.h against libm in double, hard cases known to 300 bits, the ends.

#include "num/exp.h"
#include "corpus.h"

static uint32_t exp2_bits(uint32_t u)
{
    return check_bits(qqi_exp2_f32(check_f32(u)));
}

static uint32_t exp_bits(uint32_t u)
{
    return check_bits(qqi_exp_f32(check_f32(u)));
}

// Powers of two are exact, halves of the smallest subnormal go to even.
static void test_powers(void)
{
    for (int n = -160; n <= 140; n++) {
        const float y = qqi_exp2_f32((float)n);
        CHECK(check_bits(y) == check_bits((float)ldexp(1.0, n)));
    }
}

// Results within 2^-53 and less of a midpoint: libm's double misses some.
static void test_hard(void)
{
    CHECK(exp2_bits(0x3b429d37) == 0x3f804385);
    CHECK(exp2_bits(0xbcf3a937) == 0x3f7ac6b1);
    CHECK(exp2_bits(0xb52d1f9a) == 0x3f7ffff8);
}

// The constants against each other: 2^(i/32) * 2^(1 - i/32) = 2, each term of
// the series from the one before, and ln(2) from 1/k/2^k.
static void test_constants(void)
{
    const uint64_t *c = qqi_exp2_series;
    uint64_t ln2 = 0;

    CHECK(qqi_exp2_table[0] == (uint64_t)1 << 63);
    for (int i = 1; i < 32; i++) {
        const uint64_t *t = qqi_exp2_table;
        const uint64_t one = qqi_mulhi_u64(t[i], t[32 - i]);
        CHECK(corpus_close(one, (uint64_t)1 << 63, 2));
        // And against the neighbours: their product is the square.
        if (i < 31)
            CHECK(corpus_close(qqi_mulhi_u64(t[i - 1], t[i + 1]),
                               qqi_mulhi_u64(t[i], t[i]), 3));
    }
    for (uint64_t k = 2; k <= 8; k++)
        CHECK(corpus_close(c[k - 1] * k, qqi_mulhi_u64(c[0], c[k - 2]), k + 1));
    for (int k = 1; k < 64; k++)
        ln2 += ((uint64_t)1 << (64 - k)) / (uint64_t)k;
    CHECK(corpus_close(ln2, c[0], 64));
    // log2(e) in 32 + 64 bits: times ln(2) it is 1.
    CHECK(corpus_close(qqi_mulhi_u64(0xb8aa3b295c17f0bc, c[0]),
                       (uint64_t)1 << 63, 2));
}

// x * log2(e), cut to 64 bits of its fraction, against 200 bits.
static void test_product(void)
{
    int n;

    CHECK(qqi_exp_cut(0x800000, -23, &n) == 0x71547652b82fe177 && n == 1);
    CHECK(qqi_exp_cut(0x800000, -16, &n) == 0xaa3b295c17f0bbbe && n == 184);
    CHECK(qqi_exp_cut(0x800000, -49, &n) == 0x0000005c551d94ae && n == 0);
}

static void test_special(void)
{
    CHECK(exp_bits(0) == 0x3f800000 && exp_bits(0x80000000) == 0x3f800000);
    CHECK(exp_bits(1) == 0x3f800000 && exp_bits(0x80000001) == 0x3f800000);
    CHECK(exp_bits(0x7f800000) == 0x7f800000 && exp_bits(0xff800000) == 0);
    CHECK(exp_bits(0x7f800001) == 0x7fc00000);
    CHECK(exp_bits(0xffc00000) == 0x7fc00000);
    CHECK(exp_bits(0x42b17217) == 0x7f7fff84); // the last finite one
    CHECK(exp_bits(0x42b17218) == 0x7f800000);
    CHECK(exp_bits(0x7f7fffff) == 0x7f800000 && exp_bits(0xff7fffff) == 0);
    CHECK(exp2_bits(0) == 0x3f800000 && exp2_bits(0x80000000) == 0x3f800000);
    CHECK(exp2_bits(0x7f800000) == 0x7f800000 && exp2_bits(0xff800000) == 0);
    CHECK(exp2_bits(0xff800001) == 0x7fc00000);
    CHECK(exp2_bits(0x42ffffff) == 0x7f7fffa7);
    CHECK(exp2_bits(0x43000000) == 0x7f800000);
    CHECK(exp2_bits(0xc3160000) == 0 && exp2_bits(0xc315ffff) == 1);
}

int main(void)
{
    CHECK(corpus_walk(qqi_exp_f32, exp) == 0x77e72f7a811116a8);
    CHECK(corpus_walk(qqi_exp2_f32, exp2) == 0x28ea8360df1e6912);
    test_powers();
    test_hard();
    test_constants();
    test_product();
    test_special();
    return check_done();
}
