// num/minifloat.h against the definition of the codes in double.

#include "num/minifloat.h"
#include "corpus.h"
#include "flush.h"

// The types once more, from their specifications. no stands for "none".
typedef struct small_type {
    const qqi_minifloat *type;
    int exp;
    int mant;
    int bias;
    double largest;
    int inf;      // code of +inf, -1 if there is none
    int nan;      // code of a positive NaN
    int minus;    // and of a negative one
    int overflow; // what lies beyond the largest without saturation
    int fnuz;
} small_type;

static const small_type types[] = {
    {&qqi_e4m3fn, 4, 3, 7, 448, -1, 0x7f, 0xff, 0x7f, 0},
    {&qqi_e5m2, 5, 2, 15, 57344, 0x7c, 0x7e, 0xfe, 0x7c, 0},
    {&qqi_e4m3, 4, 3, 7, 240, 0x78, 0x7c, 0xfc, 0x78, 0},
    {&qqi_e4m3fnuz, 4, 3, 8, 240, -1, 0x80, 0x80, 0x80, 1},
    {&qqi_e5m2fnuz, 5, 2, 16, 57344, -1, 0x80, 0x80, 0x80, 1},
    {&qqi_e4m3b11fnuz, 4, 3, 11, 30, -1, 0x80, 0x80, 0x80, 1},
    {&qqi_e3m4, 3, 4, 3, 15.5, 0x70, 0x78, 0xf8, 0x70, 0},
    {&qqi_e2m3, 2, 3, 1, 7.5, -1, 0x20, 0x20, 0x1f, 0},
    {&qqi_e3m2, 3, 2, 3, 28, -1, 0x20, 0x20, 0x1f, 0},
    {&qqi_e2m1, 2, 1, 1, 6, -1, 0x08, 0x08, 0x07, 0},
};

enum { TYPES = sizeof types / sizeof *types };

static uint32_t sign_of(const small_type *t)
{
    return 1u << (t->exp + t->mant);
}

static uint32_t largest_code(const small_type *t)
{
    uint32_t code = 0;
    while (corpus_value(code, t->mant, t->bias) < t->largest)
        code++;
    return code;
}

static void test_decode(const small_type *t)
{
    const uint32_t sign = sign_of(t);
    const uint32_t max = largest_code(t);

    CHECK(corpus_value(max, t->mant, t->bias) == t->largest);
    CHECK(t->type->max == max);
    for (uint32_t code = 0; code < 256; code++) {
        const float x = qqi_f32_from_minifloat(t->type, (uint8_t)code);
        const uint32_t a = code & (sign - 1);
        const uint32_t own = code & (2 * sign - 1);
        const uint32_t s = code & sign ? 0x80000000u : 0;
        if (t->fnuz && code == 0x80) {
            CHECK(check_bits(x) == 0xffc00000);
        } else if (a <= max) {
            const double v = corpus_value(a, t->mant, t->bias);
            CHECK(check_bits(x) == (s | check_bits((float)v)));
            CHECK(qqi_minifloat_from_f32(t->type, x, 0) == own);
            CHECK(qqi_minifloat_from_f32(t->type, x, 1) == own);
        } else if ((int)a == t->inf) {
            CHECK(check_bits(x) == (s | 0x7f800000));
            CHECK(qqi_minifloat_from_f32(t->type, x, 0) == own);
            CHECK(qqi_minifloat_from_f32(t->type, x, 1) == (s >> 24 | max));
        } else {
            CHECK(check_bits(x) == (s | 0x7fc00000));
        }
    }
}

// What the definition gives for x, whose magnitude rounds to code r in a type
// that knew no end.
static uint32_t expect(const small_type *t, uint32_t r, int minus, int saturate)
{
    const uint32_t sign = minus ? sign_of(t) : 0;
    const uint32_t max = largest_code(t);

    if (r > max && saturate)
        return sign | max;
    if (r > max)
        return sign | (uint32_t)t->overflow;
    return r == 0 && t->fnuz ? 0 : sign | r;
}

static uint32_t differ(const small_type *t, float x, uint32_t r)
{
    uint32_t wrong = 0;

    for (int saturate = 0; saturate < 2; saturate++) {
        wrong += qqi_minifloat_from_f32(t->type, x, saturate) !=
                 expect(t, r, 0, saturate);
        wrong += qqi_minifloat_from_f32(t->type, -x, saturate) !=
                 expect(t, r, 1, saturate);
    }
    return wrong;
}

// Floats in order of magnitude, the definition walking beside them.
static void test_encode(const small_type *t)
{
    const uint32_t max = largest_code(t);
    const uint32_t plus[2] = {expect(t, max + 1, 0, 0),
                              expect(t, max + 1, 0, 1)};
    const uint32_t minus[2] = {expect(t, max + 1, 1, 0),
                               expect(t, max + 1, 1, 1)};
    const uint32_t stride = corpus_stride();
    uint64_t u = 0;
    uint32_t wrong = 0;

    for (uint32_t code = 0; code <= max; code++) {
        // The last float that rounds to code.
        const double middle = (corpus_value(code, t->mant, t->bias) +
                               corpus_value(code + 1, t->mant, t->bias)) /
                              2;
        const uint64_t last = check_bits((float)middle) - code % 2;
        const uint32_t down = code == 0 && t->fnuz ? 0 : sign_of(t) | code;
        for (; u <= last; u += stride) {
            const float x = check_f32((uint32_t)u);
            wrong += qqi_minifloat_from_f32(t->type, x, 0) != code;
            wrong += qqi_minifloat_from_f32(t->type, -x, 1) != down;
        }
    }
    for (; u <= 0x7f800000; u += stride) {
        const float x = check_f32((uint32_t)u);
        const int saturate = (int)(u & 1);
        wrong += qqi_minifloat_from_f32(t->type, x, saturate) != plus[saturate];
        wrong +=
            qqi_minifloat_from_f32(t->type, -x, saturate) != minus[saturate];
    }
    CHECK(wrong == 0);
}

// Every boundary and value, +- 2 ulp.
static void test_borders(const small_type *t)
{
    for (uint32_t code = 0; code <= largest_code(t); code++) {
        const double low = corpus_value(code, t->mant, t->bias);
        const double high = corpus_value(code + 1, t->mant, t->bias);
        const uint32_t middle = check_bits((float)((low + high) / 2));
        const uint32_t at = check_bits((float)low);
        CHECK(differ(t, check_f32(middle), code + code % 2) == 0);
        for (uint32_t i = 1; i <= 2; i++) {
            CHECK(differ(t, check_f32(middle - i), code) == 0);
            CHECK(differ(t, check_f32(middle + i), code + 1) == 0);
            CHECK(differ(t, check_f32(at + i), code) == 0);
            if (at >= i)
                CHECK(differ(t, check_f32(at - i), code) == 0);
        }
    }
    CHECK(differ(t, check_f32(0x7f7fffff), 255) == 0);
    CHECK(differ(t, check_f32(0x7f800000), 255) == 0);
}

static void test_nan(const small_type *t)
{
    for (int i = 0; i < 1000; i++) {
        const uint32_t u = 0x7f800001u | check_u32();
        const int want = u >> 31 ? t->minus : t->nan;
        const int saturate = i % 2;
        const float x = check_f32(u);
        CHECK(qqi_minifloat_from_f32(t->type, x, saturate) == want);
    }
}

static uint64_t everything(void)
{
    uint64_t hash = CORPUS_HASH;

    for (int i = 0; i < TYPES; i++) {
        const qqi_minifloat *t = types[i].type;
        for (uint32_t code = 0; code < 256; code++) {
            const float x = qqi_f32_from_minifloat(t, (uint8_t)code);
            hash = corpus_hash(hash, check_bits(x));
        }
        for (uint64_t u = 0; u <= UINT32_MAX; u += 1000003) {
            const float x = check_f32((uint32_t)u);
            hash = corpus_hash(hash, qqi_minifloat_from_f32(t, x, 0));
            hash = corpus_hash(hash, qqi_minifloat_from_f32(t, x, 1));
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
    CHECK(kept == lost);
    CHECK(kept == 0x2e80ea906068540c);
}

int main(void)
{
    for (int i = 0; i < TYPES; i++) {
        test_decode(&types[i]);
        test_encode(&types[i]);
        test_borders(&types[i]);
        test_nan(&types[i]);
    }
    test_flush();
    return check_done();
}
