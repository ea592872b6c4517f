// num/e8m0.h against powers of two in double.

#include "num/e8m0.h"
#include "corpus.h"
#include "flush.h"

// By definition: the largest code not above x, and what is nearer.
static int expect(double x, qqi_e8m0_mode mode)
{
    int code = 0;

    while (code < 254 && ldexp(1.0, code + 1 - 127) <= x)
        code++;
    const double low = ldexp(1.0, code - 127);
    if (x <= low || code == 254)
        return code;
    if (mode == QQI_E8M0_UP)
        return code + 1;
    return mode == QQI_E8M0_NEAREST && x >= 1.5 * low ? code + 1 : code;
}

static const qqi_e8m0_mode modes[3] = {QQI_E8M0_DOWN, QQI_E8M0_UP,
                                       QQI_E8M0_NEAREST};

static void test_decode(void)
{
    for (int code = 0; code < 255; code++) {
        const float x = qqi_f32_from_e8m0((uint8_t)code);
        CHECK(check_bits(x) == check_bits((float)ldexp(1.0, code - 127)));
        for (int i = 0; i < 3; i++)
            CHECK(qqi_e8m0_from_f32(x, modes[i]) == code);
    }
    CHECK(check_bits(qqi_f32_from_e8m0(255)) == 0x7fc00000);
}

static QQI_WRAPS void test_encode(void)
{
    const uint32_t stride = check_small() ? 1000003 : 100003;

    for (uint64_t u = 1; u < 0x7f800000; u += stride) {
        const float x = check_f32((uint32_t)u);
        for (int i = 0; i < 3; i++) {
            CHECK(qqi_e8m0_from_f32(x, modes[i]) ==
                  expect((double)x, modes[i]));
            CHECK(qqi_e8m0_from_f32(-x, modes[i]) == 255);
        }
    }
    // Powers of two and what is half way between them, +- 2 ulp.
    for (int code = 0; code < 255; code++) {
        const uint32_t low = check_bits((float)ldexp(1.0, code - 127));
        const uint32_t half = check_bits((float)ldexp(1.5, code - 127));
        for (int d = -2; d <= 2; d++) {
            const float x = check_f32(low + (uint32_t)d);
            const float y = check_f32(half + (uint32_t)d);
            for (int i = 0; i < 3; i++) {
                CHECK(qqi_e8m0_from_f32(x, modes[i]) ==
                      expect((double)x, modes[i]));
                CHECK(qqi_e8m0_from_f32(y, modes[i]) ==
                      expect((double)y, modes[i]));
            }
        }
    }
}

static void test_special(void)
{
    for (int i = 0; i < 3; i++) {
        CHECK(qqi_e8m0_from_f32(0.0f, modes[i]) == 0);
        CHECK(qqi_e8m0_from_f32(-0.0f, modes[i]) == 0);
        CHECK(qqi_e8m0_from_f32(check_f32(1), modes[i]) == 0);
        CHECK(qqi_e8m0_from_f32(check_f32(0x7f800000), modes[i]) == 254);
        CHECK(qqi_e8m0_from_f32(check_f32(0x7f7fffff), modes[i]) == 254);
        CHECK(qqi_e8m0_from_f32(check_f32(0xff800000), modes[i]) == 255);
        CHECK(qqi_e8m0_from_f32(check_f32(0x7f800001), modes[i]) == 255);
        CHECK(qqi_e8m0_from_f32(check_f32(0xffc00000), modes[i]) == 255);
        CHECK(qqi_e8m0_from_f32(check_f32(0x80000001), modes[i]) == 255);
    }
    CHECK(qqi_e8m0_from_f32(3.0f, QQI_E8M0_NEAREST) == 129);
    CHECK(qqi_e8m0_from_f32(3.0f, QQI_E8M0_DOWN) == 128);
    CHECK(qqi_e8m0_from_f32(2.9f, QQI_E8M0_NEAREST) == 128);
    CHECK(qqi_e8m0_from_f32(2.9f, QQI_E8M0_UP) == 129);
}

static void test_flush(void)
{
    flush(1);
    if (!flushed())
        check_skipped++;
    const uint32_t bits = check_bits(qqi_f32_from_e8m0(0));
    const int code = qqi_e8m0_from_f32(check_f32(0x600000), QQI_E8M0_NEAREST);
    flush(0);
    CHECK(bits == 0x400000);
    CHECK(code == 1);
}

int main(void)
{
    test_decode();
    test_encode();
    test_special();
    test_flush();
    return check_done();
}
