// num/tanh.h against libm in double, and the ends.

#include "num/tanh.h"
#include "corpus.h"

static uint32_t tanh_bits(uint32_t u)
{
    return check_bits(qqi_tanh_f32(check_f32(u)));
}

// Each side of the places where the formula changes.
static void test_seams(void)
{
    const uint32_t at[] = {0x39000000, 0x3e800000, 0x41102cb4, 0x41108000};

    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        for (uint32_t u = at[i] - 3000; u < at[i] + 3000; u++) {
            const double x = (double)check_f32(u);
            CHECK(corpus_rounds(qqi_tanh_f32(check_f32(u)), tanh(x)));
            CHECK(tanh_bits(u | 0x80000000) == (tanh_bits(u) | 0x80000000));
        }
    }
}

// tan' = 1 + tan^2, whose series is that of tanh but for signs:
// (2n + 1) c[n] = sum of c[i] c[n - 1 - i], c[0] = 1.
static void test_constants(void)
{
    const uint64_t *c = qqi_tanh_series; // from c[1]

    CHECK(corpus_close(c[0] * 3, UINT64_MAX, 2));
    for (int n = 2; n <= 13; n++) {
        uint64_t sum = 2 * c[n - 2];
        for (int i = 1; i <= n - 2; i++)
            sum += qqi_mulhi_u64(c[i - 1], c[n - 2 - i]);
        const uint64_t terms = (uint64_t)(2 * n + 1);
        CHECK(corpus_close(c[n - 1] * terms, sum, terms));
    }
}

static void test_special(void)
{
    CHECK(tanh_bits(0) == 0 && tanh_bits(0x80000000) == 0x80000000);
    CHECK(tanh_bits(1) == 1 && tanh_bits(0x80000001) == 0x80000001);
    CHECK(tanh_bits(0x7f800000) == 0x3f800000);
    CHECK(tanh_bits(0xff800000) == 0xbf800000);
    CHECK(tanh_bits(0x7f7fffff) == 0x3f800000);
    CHECK(tanh_bits(0x7f800001) == 0x7fc00000);
    CHECK(tanh_bits(0xffffffff) == 0x7fc00000);
}

int main(void)
{
    CHECK(corpus_walk(qqi_tanh_f32, tanh) == 0xe8177ad781642a6f);
    test_seams();
    test_constants();
    test_special();
    return check_done();
}
