// num/half.h against the definition of the codes in double.

#include "num/half.h"
#include "corpus.h"
#include "flush.h"

typedef struct half_type {
    int mant;
    int bias;
    uint32_t inf; // also the code that stands one step above the largest
    uint16_t (*from_f32)(float);
    uint16_t (*from_f64)(double);
    float (*to_f32)(uint16_t);
} half_type;

static uint16_t f16_from_f32(float x)
{
    return qqi_f16_from_f32(x);
}

static uint16_t bf16_from_f32(float x)
{
    return qqi_bf16_from_f32(x);
}

static float f32_from_f16(uint16_t h)
{
    return qqi_f32_from_f16(h);
}

static float f32_from_bf16(uint16_t h)
{
    return qqi_f32_from_bf16(h);
}

static const half_type types[2] = {
    {10, 15, 0x7c00, f16_from_f32, qqi_f16_from_f64, f32_from_f16},
    {7, 127, 0x7f80, bf16_from_f32, qqi_bf16_from_f64, f32_from_bf16}};

static void test_decode(const half_type *t)
{
    const int drop = 23 - t->mant;
    const uint32_t quiet = 1u << (t->mant - 1);

    for (uint32_t h = 0; h < 0x10000; h++) {
        const uint32_t a = h & 0x7fff;
        const uint32_t sign = (h & 0x8000) << 16;
        const float x = t->to_f32((uint16_t)h);
        uint32_t want = 0x7f800000;
        uint32_t back = h;
        if (a > t->inf) {
            want |= 0x400000 | ((a & ((1u << t->mant) - 1)) << drop);
            back |= quiet;
        } else if (a < t->inf) {
            want = check_bits((float)corpus_value(a, t->mant, t->bias));
        }
        CHECK(check_bits(x) == (sign | want));
        CHECK(t->from_f32(x) == back);
        // Widening a NaN keeps its payload on most machines only.
        if (a <= t->inf)
            CHECK(t->from_f64((double)x) == back);
    }
}

// Floats in order of magnitude, the codes by definition walking beside them.
static void test_encode(const half_type *t)
{
    const uint32_t stride = corpus_stride();
    uint64_t u = 0;
    uint32_t wrong = 0;

    for (uint32_t code = 0; code <= t->inf; code++) {
        // The last float that rounds to code.
        const double middle = (corpus_value(code, t->mant, t->bias) +
                               corpus_value(code + 1, t->mant, t->bias)) /
                              2;
        const uint64_t last =
            code == t->inf ? 0x7f800000 : check_bits((float)middle) - code % 2;
        for (; u <= last; u += stride) {
            const float x = check_f32((uint32_t)u);
            wrong += t->from_f32(x) != code;
            wrong += t->from_f32(-x) != (code | 0x8000);
            wrong += t->from_f64((double)-x) != (code | 0x8000);
        }
    }
    CHECK(wrong == 0);
    CHECK(u > 0x7f800000);
}

// Every boundary and every value, +- 2 ulp of f32, +- 1 of f64.
static void test_borders(const half_type *t)
{
    for (uint32_t h = 0; h < t->inf; h++) {
        const double low = corpus_value(h, t->mant, t->bias);
        const double high = corpus_value(h + 1, t->mant, t->bias);
        const double middle = (low + high) / 2;
        const uint16_t even = (uint16_t)(h + h % 2);
        const uint32_t u = check_bits((float)middle);
        const uint64_t v = corpus_f64_bits(middle);
        CHECK(t->from_f32((float)middle) == even);
        CHECK(t->from_f32(check_f32(u + 1)) == h + 1);
        CHECK(t->from_f32(check_f32(u - 1)) == h);
        CHECK(t->from_f32(check_f32(u + 2)) == h + 1);
        CHECK(t->from_f32(check_f32(u - 2)) == h);
        CHECK(t->from_f64(middle) == even);
        CHECK(t->from_f64(corpus_f64(v + 1)) == h + 1);
        CHECK(t->from_f64(corpus_f64(v - 1)) == h);
    }
    CHECK(t->from_f32(check_f32(0x7f800000)) == t->inf);
    CHECK(t->from_f32(check_f32(0x7f7fffff)) == t->inf);
    CHECK(t->from_f64(1e308) == t->inf);
    CHECK(t->from_f64(-1e308) == (t->inf | 0x8000));
    CHECK(t->from_f64(1e-308) == 0);
    CHECK(t->from_f64(-5e-324) == 0x8000);
}

static void test_nan(const half_type *t)
{
    for (uint32_t i = 0; i < 100000; i++) {
        const uint32_t u = 0x7f800000u | check_u32() | 1;
        const uint32_t sign = u >> 31 << 15;
        const uint32_t quiet = 1u << (t->mant - 1);
        const uint32_t top = (u & 0x7fffff) >> (23 - t->mant);
        const uint32_t want = sign | t->inf | quiet | top;
        const uint64_t wide = (uint64_t)(u >> 31) << 63 |
                              (uint64_t)0x7ff << 52 |
                              (uint64_t)(u & 0x7fffff) << 29;
        CHECK(t->from_f32(check_f32(u)) == want);
        CHECK(t->from_f64(corpus_f64(wide)) == want);
    }
}

// double to float is a cast in the default mode.
static void test_f32_from_f64(void)
{
    const size_t n = check_count(1000000);

    for (size_t i = 0; i < n; i++) {
        uint64_t u = corpus_u64();
        // Two in three in the range of floats, every other one of these near
        // a float or a midpoint.
        if (i % 3)
            u = (u & ~((uint64_t)0x7ff << 52)) |
                (uint64_t)(1023 - 152 + check_u32() % 284) << 52;
        if (i % 3 == 1)
            u = (u & ~(((uint64_t)1 << 28) - 1)) + check_u32() % 5 - 2;
        const double x = corpus_f64(u);
        const float y = qqi_f32_from_f64(x);
        if ((u & ~((uint64_t)1 << 63)) > (uint64_t)0x7ff << 52)
            CHECK((check_bits(y) & 0x7fc00000) == 0x7fc00000);
        else
            CHECK(check_bits(y) == check_bits((float)x));
    }
    CHECK(check_bits(qqi_f32_from_f64(ldexp(1.0, -150))) == 0);
    CHECK(check_bits(qqi_f32_from_f64(ldexp(1.0000001, -150))) == 1);
    CHECK(check_bits(qqi_f32_from_f64(-5e-324)) == 0x80000000);
}

// All that the conversions give, as one number.
static uint64_t everything(void)
{
    uint64_t hash = CORPUS_HASH;

    for (int i = 0; i < 2; i++) {
        const half_type *t = &types[i];
        for (uint32_t h = 0; h < 0x10000; h++)
            hash = corpus_hash(hash, check_bits(t->to_f32((uint16_t)h)));
        for (uint64_t u = 0; u <= UINT32_MAX; u += 100003)
            hash = corpus_hash(hash, t->from_f32(check_f32((uint32_t)u)));
        for (uint64_t u = 0; u < 40000; u++) {
            const double x = corpus_f64(u * 461168601842738u);
            hash = corpus_hash(hash, t->from_f64(x));
            hash = corpus_hash(hash, check_bits(qqi_f32_from_f64(x)));
        }
    }
    return hash;
}

static void test_flush(void)
{
    const uint64_t kept = everything();

    flush(1);
    const int on = flushed();
    const uint64_t lost = everything();
    flush(0);
    if (!on)
        check_skipped++;
    CHECK(!flushed());
    CHECK(kept == lost);
    CHECK(kept == 0xc9a0dcc3f5c4a275);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        test_decode(&types[i]);
        test_encode(&types[i]);
        test_borders(&types[i]);
        test_nan(&types[i]);
    }
    test_f32_from_f64();
    test_flush();
    return check_done();
}
