// num/bits.h: loads, stores, byte orders, sizes.

#include "num/bits.h"
#include "check.h"

static void test_native(void)
{
    unsigned char room[32];
    const unsigned char *end = room + sizeof room;

    for (size_t at = 0; at < 8; at++) {
        unsigned char *p = room + at;
        const uint32_t u = check_u32();
        const float x = check_uniform();
        const double d = (double)x / 3;
        memset(room, 0xa5, sizeof room);
        qqi_store_f32(p, x);
        CHECK(memcmp(p, &x, 4) == 0 && p[4] == 0xa5);
        CHECK(check_bits(qqi_load_f32(p)) == check_bits(x));
        qqi_store_f64(p, d);
        CHECK(memcmp(p, &d, 8) == 0 && p[8] == 0xa5);
        CHECK(qqi_f64_bits(qqi_load_f64(p)) == qqi_f64_bits(d));
        qqi_store_u16(p, (uint16_t)u);
        CHECK(qqi_load_u16(p) == (uint16_t)u);
        CHECK((uint16_t)qqi_load_i16(p) == (uint16_t)u);
        qqi_store_i16(p, -2);
        CHECK(qqi_load_i16(p) == -2 && qqi_load_u16(p) == 0xfffe);
        qqi_store_u32(p, u);
        CHECK(memcmp(p, &u, 4) == 0 && qqi_load_u32(p) == u);
        qqi_store_i32(p, -3);
        CHECK(qqi_load_i32(p) == -3 && qqi_load_u32(p) == 0xfffffffd);
        qqi_store_u64(p, (uint64_t)u << 17);
        CHECK(qqi_load_u64(p) == (uint64_t)u << 17);
        CHECK(end[-1] == 0xa5);
    }
}

static void test_little(void)
{
    unsigned char p[9];

    memset(p, 0, sizeof p);
    qqi_store_le16(p + 1, 0xfedc);
    CHECK(p[0] == 0 && p[1] == 0xdc && p[2] == 0xfe && p[3] == 0);
    CHECK(qqi_load_le16(p + 1) == 0xfedc);
    qqi_store_le32(p + 1, 0xfedcba98);
    CHECK(p[1] == 0x98 && p[2] == 0xba && p[3] == 0xdc && p[4] == 0xfe);
    CHECK(p[5] == 0 && qqi_load_le32(p + 1) == 0xfedcba98);
    qqi_store_le64(p + 1, 0xfedcba9876543210);
    CHECK(p[1] == 0x10 && p[4] == 0x76 && p[5] == 0x98 && p[8] == 0xfe);
    CHECK(p[0] == 0 && qqi_load_le64(p + 1) == 0xfedcba9876543210);
}

static void test_bits(void)
{
    const float inf = qqi_f32_of((uint32_t)QQI_F32_INF);
    const float nan = qqi_f32_of(0xff800001);
    const double inf64 = qqi_f64_of((uint64_t)0xfff << 52);
    const double nan64 = qqi_f64_of(((uint64_t)0xfff << 52) + 1);

    CHECK(qqi_f32_bits(1.0f) == 0x3f800000);
    CHECK(qqi_f64_bits(-2.0) == (uint64_t)0xc << 60);
    CHECK(qqi_is_nan_f32(nan) && !qqi_is_inf_f32(nan));
    CHECK(!qqi_is_finite_f32(nan) && !qqi_is_finite_f32(-inf));
    CHECK(qqi_is_inf_f32(inf) && qqi_is_inf_f32(-inf) && !qqi_is_nan_f32(inf));
    CHECK(qqi_is_finite_f32(qqi_f32_of(0xff7fffff)));
    CHECK(!qqi_is_inf_f32(qqi_f32_of(0x7f7fffff)));
    CHECK(qqi_is_nan_f64(nan64) && !qqi_is_inf_f64(nan64));
    CHECK(!qqi_is_finite_f64(nan64) && !qqi_is_finite_f64(inf64));
    CHECK(qqi_is_inf_f64(inf64) && !qqi_is_nan_f64(inf64));
    CHECK(qqi_is_finite_f64(-1e308) && qqi_is_finite_f64(0.0));
    CHECK(qqi_f32_bits(qqi_abs_f32(-0.0f)) == 0);
    CHECK(qqi_f32_bits(qqi_abs_f32(-1.5f)) == 0x3fc00000);
    CHECK(qqi_f64_bits(qqi_abs_f64(-0.0)) == 0);
    CHECK(qqi_f32_bits(qqi_canon_f32(nan)) == 0x7fc00000);
    CHECK(qqi_f32_bits(qqi_canon_f32(-inf)) == 0xff800000);
    CHECK(qqi_f32_bits(qqi_canon_f32(-0.0f)) == 0x80000000);
}

static void test_sizes(void)
{
    const size_t root = (size_t)1 << (sizeof(size_t) * 4);
    size_t n = 7;

    CHECK(qqi_mul_size(0, SIZE_MAX, &n) && n == 0);
    CHECK(qqi_mul_size(SIZE_MAX, 0, &n) && n == 0);
    CHECK(qqi_mul_size(SIZE_MAX, 1, &n) && n == SIZE_MAX);
    CHECK(qqi_mul_size(root - 1, root + 1, &n) && n == SIZE_MAX);
    CHECK(!qqi_mul_size(root, root, &n) && n == SIZE_MAX);
    CHECK(!qqi_mul_size(SIZE_MAX / 2 + 1, 2, &n) && n == SIZE_MAX);
    CHECK(qqi_mul_size(6, 7, &n) && n == 42);
    CHECK(qqi_add_size(SIZE_MAX - 1, 1, &n) && n == SIZE_MAX);
    CHECK(!qqi_add_size(SIZE_MAX, 1, &n) && n == SIZE_MAX);
    CHECK(!qqi_add_size(1, SIZE_MAX, &n) && n == SIZE_MAX);
    CHECK(qqi_add_size(40, 2, &n) && n == 42);
}

int main(void)
{
    test_native();
    test_little();
    test_bits();
    test_sizes();
    return check_done();
}
