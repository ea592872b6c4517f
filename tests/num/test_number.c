// api/number.h: that each public function is the one it says, and its NaN.

#include "qquant.h"
#include "corpus.h"

static uint32_t bits(float x)
{
    return check_bits(x);
}

static void test_values(void)
{
    const float third = 1.0f / 3.0f;

    // Unfused, the product would round and cancel to 0.
    CHECK(bits(qq_fma(third, third, -(third * third))) != 0);
    CHECK(qq_fma(2.0f, 3.0f, 4.0f) == 10.0f);
    CHECK(qq_round_even(2.5f) == 2.0f && qq_round_even(3.5f) == 4.0f);
    CHECK(bits(qq_round_even(-0.25f)) == 0x80000000);
    CHECK(qq_sqrt(2.0f) == 1.41421356f);
    CHECK(qq_exp(1.0f) == 2.71828183f);
    CHECK(qq_exp2(0.5f) == 1.41421356f);
    CHECK(qq_log(2.0f) == 0.693147181f);
    CHECK(qq_log2(8.0f) == 3.0f);
    CHECK(qq_tanh(1.0f) == 0.761594156f);
    CHECK(qq_f16_from_f32(1.0f) == 0x3c00);
    CHECK(qq_f32_from_f16(0x3c00) == 1.0f);
    CHECK(qq_bf16_from_f32(1.0f) == 0x3f80);
    CHECK(qq_f32_from_bf16(0x3f80) == 1.0f);
}

static void test_nan(void)
{
    const float nans[] = {check_f32(0xffc00001), check_f32(0x7fc12345)};
    const float inf = check_f32(0x7f800000);

    for (int i = 0; i < 2; i++) {
        CHECK(bits(qq_fma(nans[i], 1.0f, 1.0f)) == 0x7fc00000);
        CHECK(bits(qq_round_even(nans[i])) == 0x7fc00000);
        CHECK(bits(qq_sqrt(nans[i])) == 0x7fc00000);
        CHECK(bits(qq_exp(nans[i])) == 0x7fc00000);
        CHECK(bits(qq_exp2(nans[i])) == 0x7fc00000);
        CHECK(bits(qq_log(nans[i])) == 0x7fc00000);
        CHECK(bits(qq_log2(nans[i])) == 0x7fc00000);
        CHECK(bits(qq_tanh(nans[i])) == 0x7fc00000);
    }
    CHECK(bits(qq_fma(inf, 0.0f, 1.0f)) == 0x7fc00000);
    CHECK(bits(qq_fma(inf, 1.0f, -inf)) == 0x7fc00000);
    CHECK(bits(qq_log(-1.0f)) == 0x7fc00000);
    CHECK(bits(qq_sqrt(-1.0f)) == 0x7fc00000);
}

int main(void)
{
    test_values();
    test_nan();
    return check_done();
}
