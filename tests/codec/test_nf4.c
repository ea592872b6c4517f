// codec/nf4.h against the definition of Qwix: the first of the smallest
// differences, each rounded to f32.

#include "codec/nf4.h"
#include "check.h"

static uint32_t define(float x)
{
    volatile float least = check_f32(0x7f800000);
    uint32_t code = 0;

    for (uint32_t i = 0; i < 16; i++) {
        const volatile float d = qqi_nf4_levels[i] - x;
        const float a = d < 0.0f ? -d : d;
        if (a < least) {
            least = a;
            code = i;
        }
    }
    return code;
}

static void test_one(uint32_t bits)
{
    const float x = check_f32(bits);

    CHECK(qqi_nf4_encode_qwix(x) == define(x));
    if (x <= 8388608.0f)
        CHECK(qqi_nf4_encode(x) == define(x));
    else
        CHECK(qqi_nf4_encode(x) == (x > 0.0f ? 15u : 0u));
}

static void test_levels(void)
{
    static const uint32_t want[16] = {
        0xbf800000, 0xbf3239b1, 0xbf066b30, 0xbeca32a0, 0xbe91a24d, 0xbe3d353f,
        0xbdba7871, 0x00000000, 0x3da2faff, 0x3e24cae3, 0x3e7c04dd, 0x3ead033a,
        0x3ee1a4b8, 0x3f1007ab, 0x3f3913b3, 0x3f800000};

    for (uint32_t i = 0; i < 16; i++) {
        CHECK(check_bits(qqi_nf4_levels[i]) == want[i]);
        CHECK(qqi_nf4_encode(qqi_nf4_levels[i]) == i);
        CHECK(check_bits(qqi_nf4_decode(i + 16)) == want[i]);
    }
}

int main(void)
{
    test_levels();
    // Thresholds and levels, and some ulps to both sides.
    for (int i = 0; i < 15; i++) {
        const int32_t r = qqi_nf4_last[i];
        const uint32_t bits = r < 0 ? (uint32_t)-r | 0x80000000u : (uint32_t)r;
        for (uint32_t d = 0; d < 9; d++)
            test_one(bits - 4 + d);
        CHECK(qqi_nf4_encode(check_f32(bits)) == (uint32_t)i);
    }
    for (uint64_t u = 0; u <= UINT32_MAX; u += check_small() ? 100003 : 10007)
        test_one((uint32_t)u);
    // All around 2^23 to 2^26.
    for (uint32_t u = 0x4afffff0; u < 0x4d000000; u += 1009)
        test_one(u);
    CHECK(qqi_nf4_encode_qwix(8388609.0f) == 13);
    CHECK(qqi_nf4_encode_qwix(16777216.0f) == 13);
    CHECK(qqi_nf4_encode_qwix(134217728.0f) == 0);
    CHECK(qqi_nf4_encode_qwix(check_f32(0x7f800000)) == 0);
    CHECK(qqi_nf4_encode(check_f32(0x7f800000)) == 15);
    CHECK(qqi_nf4_encode(check_f32(0xff800000)) == 0);
    for (uint32_t nan = 0x7f800001; nan < 0x80000000u; nan += 0xfffff) {
        CHECK(qqi_nf4_encode(check_f32(nan)) == 0);
        CHECK(qqi_nf4_encode(check_f32(nan | 0x80000000u)) == 0);
        CHECK(qqi_nf4_encode_qwix(check_f32(nan)) == 0);
    }
    // Zeros and subnormals are nearest to 0, whatever their sign.
    for (uint32_t u = 0; u < 0x800000; u += 7919) {
        CHECK(qqi_nf4_encode(check_f32(u)) == 7);
        CHECK(qqi_nf4_encode(check_f32(u | 0x80000000u)) == 7);
    }
    return check_done();
}
