// num/widen.h: floats to doubles exactly, doubles to floats to odd.

#include "num/widen.h"
#include "corpus.h"
#include "flush.h"

static uint32_t odd(double x)
{
    return check_bits(qqi_odd_f32_from_f64(x));
}

static void test_widen(void)
{
    for (int mode = 0; mode < 2; mode++)
        for (uint64_t u = 0; u <= UINT32_MAX; u += corpus_stride() * 10) {
            const float x = check_f32((uint32_t)u);
            const double d = (double)x;
            flush(mode);
            const double y = qqi_f64_from_f32(x);
            flush(0);
            if (x == x)
                CHECK(corpus_f64_bits(y) == corpus_f64_bits(d));
            else
                CHECK(y != y && corpus_f64_bits(y) >> 63 == u >> 31);
        }
}

// The float itself, or of its two neighbours the odd one.
static void test_odd(double x)
{
    const float y = qqi_odd_f32_from_f64(x);
    const float near = (float)x;

    if (x != x || (double)near == x) {
        CHECK(x != x ? y != y : check_bits(y) == check_bits(near));
        return;
    }
    if (fabs(x) > 3.4028234663852886e38) {
        CHECK(check_bits(y) == (x < 0.0 ? 0xff7fffffu : 0x7f7fffffu));
        return;
    }
    CHECK(check_bits(y) & 1);
    CHECK(check_ulp(y, near) <= 1);
    // No other float lies between.
    const float other = nextafterf(y, x < (double)y ? -INFINITY : INFINITY);
    CHECK(x < (double)y ? (double)other < x : (double)other > x);
}

int main(void)
{
    test_widen();
    for (size_t k = 0; k < check_count(300000); k++) {
        const uint64_t u = corpus_u64();
        test_odd(corpus_f64(u));
        // Within the range of floats, and at or beside floats and middles.
        const int e = (int)(check_u32() % 290) - 155;
        const double x = ldexp((double)check_uniform(), e);
        test_odd(x);
        test_odd(corpus_f64((corpus_f64_bits(x) & ~(uint64_t)0xfffffff) +
                            (check_u32() % 3)));
    }
    for (int mode = 0; mode < 2; mode++) {
        flush(mode);
        const uint32_t got[4] = {odd(0.0), odd(-0.0), odd(corpus_f64(1)),
                                 odd(corpus_f64((uint64_t)1 << 63 | 1))};
        flush(0);
        CHECK(got[0] == 0 && got[1] == 0x80000000u);
        CHECK(got[2] == 1 && got[3] == 0x80000001u);
    }
    CHECK(odd(HUGE_VAL) == 0x7f800000 && odd(-HUGE_VAL) == 0xff800000u);
    CHECK(odd(1e308) == 0x7f7fffff);
    CHECK(odd(1.0) == 0x3f800000 && odd(1.0 + 1e-15) == 0x3f800001);
    CHECK(odd(1.0 - 1e-15) == 0x3f7fffff);
    return check_done();
}
