// num/step.h: products that stay rounded, and the fused multiply-add against
// sums of whole numbers of 704 bits.

#include "num/step.h"
#include "corpus.h"

// A whole number of steps of 2^-298, low word first. The largest product has
// its first bit at 2^255, that is 553 steps' bits.
enum { WORDS = 22 };
typedef struct whole {
    uint32_t word[WORDS];
} whole;

static whole whole_of(uint64_t v, int shift)
{
    whole w;
    memset(&w, 0, sizeof w);
    for (int i = 0; i < 64; i++) {
        const int at = i + shift;
        if (v >> i & 1)
            w.word[at / 32] |= 1u << at % 32;
    }
    return w;
}

static int whole_compare(const whole *a, const whole *b)
{
    for (int i = WORDS - 1; i >= 0; i--) {
        if (a->word[i] != b->word[i])
            return a->word[i] > b->word[i] ? 1 : -1;
    }
    return 0;
}

// a + b, or a - b where a >= b.
static whole whole_sum(const whole *a, const whole *b, int minus)
{
    whole w;
    uint64_t carry = minus ? 1 : 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)a->word[i] + (minus ? ~b->word[i] : b->word[i]);
        w.word[i] = (uint32_t)(carry & 0xffffffff);
        carry >>= 32;
    }
    return w;
}

static uint32_t whole_bit(const whole *w, int i)
{
    return w->word[i / 32] >> i % 32 & 1;
}

// The magnitude's bits, nearest even.
static uint32_t whole_round(const whole *w)
{
    int top = WORDS * 32 - 1;
    while (top >= 0 && !whole_bit(w, top))
        top--;
    if (top < 0)
        return 0;
    // 2^-149 is bit 149; the last bit kept is 23 below the top.
    const int last = top - 23 > 149 ? top - 23 : 149;
    uint32_t m = 0;
    int below = 0;
    for (int i = top; i >= last; i--)
        m = m << 1 | whole_bit(w, i);
    for (int i = 0; i < last - 1; i++)
        below |= (int)whole_bit(w, i);
    if (whole_bit(w, last - 1) && (below || (m & 1)))
        m++;
    const uint32_t u = m + ((uint32_t)(last - 149) << 23);
    return u < 0x7f800000 ? u : 0x7f800000;
}

// |x| = m * 2^(shift - 149).
static uint32_t take_apart(float x, int *shift)
{
    const uint32_t a = check_bits(x) & 0x7fffffff;
    const int field = (int)(a >> 23);
    *shift = field ? field - 1 : 0;
    return (a & 0x7fffff) | (field ? 0x800000 : 0);
}

static uint32_t expect_fma(float a, float b, float c)
{
    int sa, sb, sc;
    const uint64_t ma = take_apart(a, &sa);
    const uint64_t mb = take_apart(b, &sb);
    const uint64_t mc = take_apart(c, &sc);
    const uint32_t sp = (check_bits(a) ^ check_bits(b)) & 0x80000000;
    const uint32_t sign = check_bits(c) & 0x80000000;
    const whole p = whole_of(ma * mb, sa + sb);
    const whole w = whole_of(mc, sc + 149);
    whole sum;

    if (sp == sign) {
        sum = whole_sum(&p, &w, 0);
        return sp | whole_round(&sum);
    }
    const int order = whole_compare(&p, &w);
    if (order == 0)
        return 0;
    sum = order > 0 ? whole_sum(&p, &w, 1) : whole_sum(&w, &p, 1);
    return (order > 0 ? sp : sign) | whole_round(&sum);
}

static void try_fma(float a, float b, float c)
{
    const uint32_t want = expect_fma(a, b, c);
    CHECK(check_bits(qqi_fma_f32(a, b, c)) == want);
    CHECK(check_bits(qqi_fma_soft_f32(a, b, c)) == want);
}

static float any_finite(void)
{
    uint32_t u = check_u32();
    while ((u & 0x7f800000) == 0x7f800000)
        u = check_u32();
    return check_f32(u);
}

// A float with an exponent field from lo to hi; few bits where plain.
static float between(uint32_t lo, uint32_t hi, int plain)
{
    uint32_t m = check_u32() & 0x807fffff;
    if (plain)
        m &= 0x807f0000 | (check_u32() & 1);
    return check_f32(m | (lo + check_u32() % (hi - lo + 1)) << 23);
}

static void test_random(void)
{
    const size_t n = check_count(60000);

    for (size_t i = 0; i < n; i++) {
        const int plain = i % 2 == 0;
        try_fma(any_finite(), any_finite(), any_finite());
        try_fma(between(120, 134, plain), between(120, 134, plain),
                between(100, 150, plain));
        // Subnormal results and halves of the smallest subnormal.
        try_fma(between(30, 66, plain), between(30, 66, plain),
                between(0, 4, plain));
        try_fma(between(30, 66, plain), between(30, 66, plain), 0.0f);
        // About the largest float.
        try_fma(between(180, 200, plain), between(180, 200, plain),
                between(250, 254, plain));
    }
}

// c near -a * b, so that what is left is the rounding of the product.
static void test_cancellation(void)
{
    const size_t n = check_count(40000);

    for (size_t i = 0; i < n; i++) {
        const float a = between(60, 140, i % 2 == 0);
        const float b = between(60, 140, i % 3 == 0);
        const uint32_t c = check_bits((float)((double)a * (double)b));
        if ((c & 0x7fffffff) < 0x7f000000 && (c & 0x7fffffff) > 4)
            try_fma(a, b, -check_f32(c + check_u32() % 5 - 2));
    }
}

// A product half way between two floats, or a bit beside that, and a c far
// below: a sum rounded to nearest in double, and again to float, goes wrong.
static void test_traps(void)
{
    const size_t n = check_count(40000);

    for (size_t i = 0; i < n; i++) {
        // (2^12 + x) * 2^12 + half a step: the product of 13 and 12 bits and
        // one more has 25 bits.
        const uint32_t x = 4097 + 2 * (check_u32() % 2047);
        const uint32_t y = 4097 + 2 * (check_u32() % 2047);
        const float a = (float)x;
        const float b = (float)y;
        const float c = between(40, 130, 0);
        try_fma(a, b, c);
        try_fma(a, b, -c);
        try_fma(-a, b, c);
        try_fma(a, 1.0f, check_f32((uint32_t)(127 - 41) << 23 | (i & 1)));
    }
    const float eps = check_f32(0x34000000); // 2^-23
    const float tiny = check_f32(1);
    // 1 + 2^-24 is a tie; what decides is 2^-149 away.
    try_fma(1 + eps, 0.5f * eps, 1.0f);
    try_fma(0.5f * eps, 1.0f, 1.0f);
    try_fma(tiny, 1.0f, 1 + eps);
    try_fma(0.5f, tiny, 0.0f);
    try_fma(0.5f, tiny, tiny);
    try_fma(0.75f, tiny, -tiny);
    try_fma(-0.5f, tiny, 2 * tiny);
    try_fma(check_f32(0x7f7fffff), 1.0f, check_f32(0x73000000));
    try_fma(check_f32(0x7f7fffff), 1.0f, check_f32(0x72ffffff));
    try_fma(check_f32(0x7f7fffff), 2.0f, -check_f32(0x7f7fffff));
}

static int is_nan(float x)
{
    return (check_bits(x) & 0x7fffffff) > 0x7f800000;
}

static void test_special(void)
{
    const float inf = check_f32(0x7f800000);
    const float nan = check_f32(0x7fc00000);
    const float big = check_f32(0x7f7fffff);

    for (int soft = 0; soft < 2; soft++) {
        float (*fma_of)(float, float, float) =
            soft ? qqi_fma_soft_f32 : qqi_fma_f32;
        CHECK(is_nan(fma_of(nan, 1.0f, 1.0f)));
        CHECK(is_nan(fma_of(1.0f, nan, 1.0f)));
        CHECK(is_nan(fma_of(1.0f, 1.0f, nan)));
        CHECK(is_nan(fma_of(inf, 0.0f, 1.0f)));
        CHECK(is_nan(fma_of(inf, 1.0f, -inf)));
        CHECK(fma_of(inf, 2.0f, 1.0f) == inf);
        CHECK(fma_of(big, big, -inf) == -inf);
        CHECK(fma_of(big, -big, big) == -inf);
        CHECK(check_bits(fma_of(-0.0f, 1.0f, -0.0f)) == 0x80000000);
        CHECK(check_bits(fma_of(-0.0f, 1.0f, 0.0f)) == 0);
        CHECK(check_bits(fma_of(2.0f, 3.0f, -6.0f)) == 0);
    }
}

// A kept product is rounded before it is added to, whatever the flags.
static void test_keep(void)
{
    for (int i = 0; i < 100000; i++) {
        const float a = check_uniform();
        const float b = check_uniform();
        const float c = check_uniform();
        // From other variables, or the compiler keeps the product for both.
        const volatile float other = a;
        const volatile double wide = (double)a / 3;
        const volatile float p = other * b;
        const volatile float sum = p + c;
        const volatile double q = wide * (double)b;
        const volatile double sum64 = q + (double)c;
        CHECK(check_bits(qqi_mul_f32(a, b) + c) == check_bits(sum));
        CHECK(check_bits(c - qqi_mul_f32(a, -b)) == check_bits(sum));
        CHECK(check_bits(qqi_keep_f32(a * b) + c) == check_bits(sum));
        CHECK(corpus_f64_bits(qqi_mul_f64((double)a / 3, (double)b) +
                              (double)c) == corpus_f64_bits(sum64));
    }
}

int main(void)
{
    test_random();
    test_cancellation();
    test_traps();
    test_special();
    test_keep();
    return check_done();
}
