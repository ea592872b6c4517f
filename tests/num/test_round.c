// num/round.h against floor and comparisons in double, which are exact here.

#include "num/round.h"
#include "corpus.h"
#include "num/step.h"

// Called, not inlined again and again: frames stay small without a compiler
// that optimizes.
static int32_t sat(float x, int32_t lo, int32_t hi)
{
    return qqi_sat_i32(x, lo, hi);
}

static float rne(float x)
{
    return qqi_rne_f32(x);
}

static float down(float x)
{
    return qqi_floor_f32(x);
}

static float cut(float x)
{
    return qqi_trunc_f32(x);
}

static double nearest_even(double x)
{
    const double low = floor(x);
    const double rest = x - low;
    const double r = rest < 0.5   ? low
                     : rest > 0.5 ? low + 1
                                  : 2 * floor((low + 1) / 2);
    return r == 0 && corpus_f64_bits(x) >> 63 ? -0.0 : r;
}

static int32_t saturated(double x, int32_t lo, int32_t hi)
{
    const double r = x != x ? 0 : nearest_even(x);
    return r < lo ? lo : r > hi ? hi : (int32_t)r;
}

static const int32_t bounds[][2] = {
    {-128, 127},
    {-7, 7},
    {0, 255},
    {-1, 1},
    {0, 15},
    {INT32_MIN, INT32_MAX},
    {-2147483647, 100000},
    {-32768, 32767},
    {5, 9},
    {-9, -5},
    {0, INT32_MAX},
    {16777217, 2147483646},
};

enum { BOUNDS = sizeof bounds / sizeof *bounds };

static void try_bounds(uint32_t u, size_t i)
{
    const float x = check_f32(u);
    const double d = (double)x;
    const int32_t *b = bounds[i];

    CHECK(sat(x, b[0], b[1]) == saturated(d, b[0], b[1]));
    CHECK(qqi_sat_i32_f64(d, b[0], b[1]) == saturated(d, b[0], b[1]));
}

static void try_f32(uint32_t u)
{
    const float x = check_f32(u);
    const double d = (double)x;

    try_bounds(u, u % BOUNDS);
    if ((u & 0x7fffffff) > 0x7f800000) {
        CHECK(qqi_is_nan_f32(rne(x)));
        CHECK(qqi_is_nan_f32(down(x)));
        CHECK(qqi_is_nan_f32(cut(x)));
        return;
    }
    const float r = (float)nearest_even(d);
    CHECK(check_bits(rne(x)) == check_bits(r));
    CHECK(check_bits(down(x)) == check_bits((float)floor(d)));
    CHECK(check_bits(cut(x)) == check_bits((float)trunc(d)));
}

static void try_f64(double x)
{
    const uint64_t u = corpus_f64_bits(x);

    CHECK(corpus_f64_bits(qqi_rne_f64(x)) == corpus_f64_bits(nearest_even(x)));
    CHECK(corpus_f64_bits(qqi_floor_f64(x)) == corpus_f64_bits(floor(x)));
    CHECK(corpus_f64_bits(qqi_trunc_f64(x)) == corpus_f64_bits(trunc(x)));
    for (size_t i = 0; i < BOUNDS; i++) {
        const int32_t *b = bounds[i];
        CHECK(qqi_sat_i32_f64(x, b[0], b[1]) == saturated(x, b[0], b[1]));
    }
    CHECK(corpus_f64_bits(x) == u);
}

static QQI_WRAPS void test_f32(void)
{
    const uint32_t stride = check_exhaustive() ? 1 : corpus_stride() * 17;

    for (uint64_t u = 0; u <= UINT32_MAX; u += stride)
        try_f32((uint32_t)u);
    // All halves of small numbers, and those where floats get coarse.
    for (int d = -2; d <= 2; d++) {
        for (uint32_t i = 0; i <= 600; i++) {
            const float x = (float)i / 2;
            try_f32(check_bits(x) + (uint32_t)d);
            try_f32(check_bits(-x) + (uint32_t)d);
        }
        for (int e = 18; e < 40; e++) {
            const uint32_t u = check_bits((float)ldexp(1.0, e));
            try_f32(u + (uint32_t)d);
            try_f32((u | 0x80000000) + (uint32_t)d);
            for (size_t i = 0; i < BOUNDS; i++) {
                try_bounds(u + (uint32_t)d, i);
                try_bounds((u | 0x80000000) + (uint32_t)d, i);
            }
        }
    }
    CHECK(sat(check_f32(0x7fc00000), -5, 5) == 0);
    CHECK(sat(check_f32(0xff800001), 2, 5) == 2);
    CHECK(sat(check_f32(0x7f800000), -5, 5) == 5);
    CHECK(sat(check_f32(0xff800000), -5, 5) == -5);
    CHECK(sat(2.5f, -5, 5) == 2);
    CHECK(sat(-3.5f, -5, 5) == -4);
}

static void test_f64(void)
{
    const size_t n = check_count(20000);

    for (size_t i = 0; i < n; i++) {
        const uint64_t u = corpus_u64() & ~((uint64_t)0x7ff << 52);
        const uint64_t e = 1015 + check_u32() % 70;
        const uint64_t cut = ~(((uint64_t)1 << check_u32() % 53) - 1);
        try_f64(corpus_f64(u | e << 52));
        try_f64(corpus_f64((u & cut) | e << 52));
        try_f64(((double)(check_u32() % 2000) - 1000) / 2);
    }
    const double large[] = {0.0,
                            0.5,
                            1.5,
                            2147483647.5,
                            2147483648,
                            4503599627370495.5,
                            9007199254740993.0,
                            1e300,
                            5e-324,
                            0.49999999999999994};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        try_f64(large[i]);
        try_f64(-large[i]);
    }
    const double inf = corpus_f64((uint64_t)0x7ff << 52);
    const double nan = corpus_f64((uint64_t)0xfff << 51);
    CHECK(qqi_rne_f64(inf) == inf && qqi_floor_f64(-inf) == -inf);
    CHECK(qqi_is_nan_f64(qqi_rne_f64(nan)) &&
          qqi_is_nan_f64(qqi_floor_f64(nan)));
    CHECK(qqi_sat_i32_f64(nan, -5, 5) == 0 && qqi_sat_i32_f64(nan, 2, 5) == 2);
    CHECK(qqi_sat_i32_f64(inf, -5, 5) == 5 &&
          qqi_sat_i32_f64(-inf, -5, 5) == -5);
}

// The product is rounded before it is rounded to an integer.
static void test_products(void)
{
    for (int i = 0; i < 100000; i++) {
        const float a = check_uniform() * 300;
        const float b = (float)(int)(check_u32() % 64) / 64 / 3;
        const volatile float other = a;
        const volatile float p = other * b;
        CHECK(qqi_sat_i32(a * b, -128, 127) == qqi_sat_i32(p, -128, 127));
        CHECK(qqi_rne_f32(a * b) == qqi_rne_f32(p));
        CHECK(qqi_floor_f32(a * b) == qqi_floor_f32(p));
    }
}

int main(void)
{
    test_f32();
    test_f64();
    test_products();
    return check_done();
}
