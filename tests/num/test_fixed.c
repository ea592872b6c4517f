// num/fixed.h: wide products by hand, and rounding against a cast of double.

#include "num/fixed.h"
#include "corpus.h"

// The upper half from sums of 16-bit digits.
static uint64_t high_by_digits(uint64_t a, uint64_t b)
{
    uint64_t digit[9] = {0};
    uint64_t carry = 0;

    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            digit[i + j] += (a >> 16 * i & 0xffff) * (b >> 16 * j & 0xffff);
    for (int i = 0; i < 8; i++) {
        carry += digit[i];
        digit[i] = carry & 0xffff;
        carry >>= 16;
    }
    return digit[7] << 48 | digit[6] << 32 | digit[5] << 16 | digit[4];
}

static void test_mulhi(void)
{
    const uint64_t edge[] = {0,
                             1,
                             0xffffffff,
                             0x100000000,
                             UINT64_MAX,
                             UINT64_MAX - 1,
                             0xffffffff00000000,
                             (uint64_t)1 << 63};
    const size_t edges = sizeof edge / sizeof *edge;

    for (size_t i = 0; i < edges; i++)
        for (size_t j = 0; j < edges; j++)
            CHECK(qqi_mulhi_u64(edge[i], edge[j]) ==
                  high_by_digits(edge[i], edge[j]));
    for (int i = 0; i < 100000; i++) {
        const uint64_t a = corpus_u64();
        const uint64_t b = corpus_u64() >> check_u32() % 64;
        CHECK(qqi_mulhi_u64(a, b) == high_by_digits(a, b));
    }
}

static void test_clz(void)
{
    for (int i = 0; i < 64; i++) {
        CHECK(qqi_clz_u64((uint64_t)1 << (63 - i)) == i);
        CHECK(qqi_clz_u64(UINT64_MAX >> i) == i);
    }
}

static QQI_WRAPS void test_round(void)
{
    const uint64_t first = (uint64_t)1 << 63;

    for (int i = 0; i < 200000; i++) {
        // 53 bits, so that double holds them; often few or near a midpoint.
        uint64_t m = (corpus_u64() | first) >> 11 << 11;
        if (i % 3 == 1)
            m &= ~(uint64_t)0 << (30 + check_u32() % 34);
        if (i % 3 == 2)
            m = (m >> 40 << 40) + ((uint64_t)1 << 39) +
                ((uint64_t)(check_u32() % 3) << 11) - (1 << 11);
        const int e = (int)(check_u32() % 300) - 160;
        const float y = qqi_round_fixed(0x80000000, m, e);
        const double x = ldexp((double)(m >> 11), e - 52);
        CHECK(check_bits(y) == check_bits((float)-x));
        CHECK(check_bits(qqi_round_fixed(0, m, e)) == check_bits((float)x));
    }
    CHECK(check_bits(qqi_round_fixed(0, first + 1, -150)) == 1);
    CHECK(check_bits(qqi_round_fixed(0, first, -150)) == 0);
    CHECK(check_bits(qqi_round_fixed(0, UINT64_MAX, -151)) == 0);
    CHECK(check_bits(qqi_round_fixed(0, UINT64_MAX, 127)) == 0x7f800000);
    CHECK(check_bits(qqi_round_fixed(0, UINT64_MAX, 0)) == 0x40000000);
    CHECK(check_bits(qqi_round_fixed(0, first, 4000)) == 0x7f800000);
    CHECK(check_bits(qqi_round_fixed(0, first, -4000)) == 0);
}

static void test_split(void)
{
    for (uint32_t u = 1; u < 0x7f800000; u += 30011) {
        int e;
        const uint32_t m = qqi_split_f32(u, &e);
        CHECK(m >> 23 == 1 && ldexp((double)m, e) == (double)check_f32(u));
    }
}

int main(void)
{
    test_mulhi();
    test_clz();
    test_round();
    test_split();
    return check_done();
}
