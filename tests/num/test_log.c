// num/log.h against libm in double, hard cases known to 300 bits, the ends.

#include "num/log.h"
#include "corpus.h"

static uint32_t log_bits(uint32_t u)
{
    return check_bits(qqi_log_f32(check_f32(u)));
}

static uint32_t log2_bits(uint32_t u)
{
    return check_bits(qqi_log2_f32(check_f32(u)));
}

static void test_powers(void)
{
    for (int n = -149; n <= 127; n++)
        CHECK(qqi_log2_f32((float)ldexp(1.0, n)) == (float)n);
}

// Near 1, where the result is small, and each side of the cut at sqrt(2).
static void test_near(void)
{
    const uint32_t at[] = {0x3f800000, 0x3f3504f3, 0x3fb504f3, 0x40800000};

    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        for (uint32_t u = at[i] - 3000; u < at[i] + 3000; u++) {
            const double x = (double)check_f32(u);
            CHECK(corpus_rounds(qqi_log_f32(check_f32(u)), log(x)));
            CHECK(corpus_rounds(qqi_log2_f32(check_f32(u)), log2(x)));
        }
    }
}

// Results within 2^-53 and less of a midpoint: libm's double misses some.
static void test_hard(void)
{
    CHECK(log_bits(0x3c413d3a) == 0xc08e158f);
    CHECK(log_bits(0x41178feb) == 0x400fe5e7);
    CHECK(log_bits(0x4c5d65a5) == 0x418f034b);
    CHECK(log_bits(0x65d890d3) == 0x4254d1f9);
    CHECK(log_bits(0x6f31a8ec) == 0x42845a89);
}

// (2j + 1) / (2j + 1) is 1, which is 0 in Q64, but for roundings.
static QQI_WRAPS void test_constants(void)
{
    for (uint64_t j = 1; j <= 11; j++)
        CHECK(qqi_log_series[j - 1] * (2 * j + 1) + j <= 2 * j);
}

static void test_special(void)
{
    for (int i = 0; i < 2; i++) {
        uint32_t (*bits)(uint32_t) = i ? log_bits : log2_bits;
        CHECK(bits(0) == 0xff800000 && bits(0x80000000) == 0xff800000);
        CHECK(bits(0x7f800000) == 0x7f800000);
        CHECK(bits(0xff800000) == 0x7fc00000);
        CHECK(bits(0xbf800000) == 0x7fc00000);
        CHECK(bits(0x80000001) == 0x7fc00000);
        CHECK(bits(0x7f800001) == 0x7fc00000);
        CHECK(bits(0x3f800000) == 0);
    }
}

int main(void)
{
    CHECK(corpus_walk(qqi_log_f32, log) == 0xa09dd783cec18758);
    CHECK(corpus_walk(qqi_log2_f32, log2) == 0x14cdb54be8a4c628);
    test_powers();
    test_near();
    test_hard();
    test_constants();
    test_special();
    return check_done();
}
