// codec/book.h against distances that are told exactly, as wide integers.

#include "codec/book.h"
#include "room.h"
#include "num/flush.h"

// A float is an integer times 2^-149; limbs of 24 bits hold any sum of them.
typedef struct exact {
    int64_t limb[14];
} exact;

static void add(exact *e, float x, int times)
{
    const uint32_t u = check_bits(x);
    const uint32_t field = u >> 23 & 255;
    const uint64_t m = (u & 0x7fffff) | (field ? 0x800000 : 0);
    const uint32_t at = field ? field - 1 : 0;
    const uint64_t wide = m << at % 24;
    const int64_t sign = u >> 31 ? -times : times;

    e->limb[at / 24] += sign * (int64_t)(wide & 0xffffff);
    e->limb[at / 24 + 1] += sign * (int64_t)(wide >> 24);
}

static int sign_of(exact e)
{
    int any = 0;

    for (int i = 0; i < 13; i++) {
        int64_t carry = e.limb[i] / 0x1000000;
        if (e.limb[i] % 0x1000000 < 0)
            carry--;
        e.limb[i] -= carry * 0x1000000;
        e.limb[i + 1] += carry;
        any |= e.limb[i] != 0;
    }
    return e.limb[13] < 0 ? -1 : e.limb[13] > 0 || any;
}

// 1 if p is nearer to x than q, or as near and lower, or the same level.
static int better(float p, float q, float x)
{
    exact e = {{0}};

    if (p == q)
        return 1;
    // The middle of both, less x: p wins on its side.
    add(&e, p, 1);
    add(&e, q, 1);
    add(&e, x, -2);
    return p < q ? sign_of(e) >= 0 : sign_of(e) < 0;
}

static float any_float(void)
{
    float x;

    do
        x = check_f32(check_u32());
    while (!(x - x == 0.0f));
    return x;
}

static void test_book(const float *levels, size_t n, const float *x,
                      size_t count)
{
    uint8_t *codes = room(count);
    float *back = (float *)(void *)room(count * sizeof *back);

    CHECK(qq_book_encode(levels, n, count, x, codes) == QQ_OK);
    for (size_t i = 0; i < count; i++) {
        const uint8_t c = codes[i];
        int best = c < n;
        for (size_t j = 0; best && j < n; j++) {
            best = better(levels[c], levels[j], x[i]);
            best = best && (levels[j] != levels[c] || j >= c);
        }
        CHECK(best);
    }
    CHECK(qq_book_decode(levels, n, count, codes, back) == QQ_OK);
    for (size_t i = 0; i < count; i++)
        CHECK(check_bits(back[i]) == check_bits(levels[codes[i]]));
    free(codes);
    free(back);
}

static void test_random(size_t n, int kind)
{
    float levels[256];
    float x[64];

    for (size_t i = 0; i < n; i++)
        levels[i] = kind == 0   ? check_uniform()
                    : kind == 1 ? (float)(int)(check_u32() % 16) - 8.0f
                                : any_float();
    for (size_t i = 0; i < 64; i++) {
        const float p = levels[check_u32() % n];
        const float q = levels[check_u32() % n];
        const float mid = p / 2.0f + q / 2.0f;
        const uint32_t bits = check_bits(mid) + check_u32() % 3 - 1;
        x[i] = i < 16   ? any_float()
               : i < 32 ? check_uniform()
               : i < 48 ? mid
                        : check_f32(bits);
        if (!(x[i] - x[i] == 0.0f))
            x[i] = mid;
    }
    test_book(levels, n, x, 64);
}

// A level far below decides where x stands in the middle all but for it.
static void test_far(void)
{
    static const float tiny[5] = {0.0f, 1.0f, -1.0f, 1e-45f, -1e-45f};
    static const uint8_t want[5] = {0, 0, 1, 0, 1};
    const float high = 1.2676506e30f; // 2^100
    uint8_t code = 9;

    for (int mode = 0; mode < 2; mode++)
        for (int i = 0; i < 5; i++) {
            const float levels[2] = {tiny[i], high};
            const float x = high / 2.0f;
            flush(mode);
            CHECK(qq_book_encode(levels, 2, 1, &x, &code) == QQ_OK);
            flush(0);
            CHECK(code == want[i]);
        }
}

static void test_ends(void)
{
    const float levels[4] = {3.0f, -0.0f, 0.0f, -5.0f};
    const float x[8] = {check_f32(0x7f800000),
                        check_f32(0xff800000),
                        check_f32(0x7fc00000),
                        check_f32(0xffc00001),
                        3.4e38f,
                        -3.4e38f,
                        0.0f,
                        -0.0f};
    static const uint8_t want[8] = {0, 3, 0, 0, 0, 3, 1, 1};
    static const uint8_t beyond[2] = {4, 255};
    float back[2];
    uint8_t codes[8];

    CHECK(qq_book_encode(levels, 4, 8, x, codes) == QQ_OK);
    CHECK(memcmp(codes, want, 8) == 0);
    CHECK(qq_book_decode(levels, 4, 2, beyond, back) == QQ_OK);
    CHECK(back[0] == -5.0f && back[1] == -5.0f);
}

static void test_fp4(void)
{
    static const uint8_t twelfths[8] = {0, 0, 8, 12, 4, 6, 2, 3};
    const float *levels = qq_book_levels(QQ_TYPE_BNB_FP4);

    for (uint32_t c = 0; c < 16; c++) {
        const float v =
            (c & 7) == 1 ? 0.0625f / 12.0f : (float)twelfths[c & 7] / 12.0f;
        CHECK(levels[c] == (c < 8 ? v : -v));
        CHECK(check_bits(levels[c]) != 0x80000000u);
        CHECK(qqi_bnb_fp4_encode(levels[c]) == (c == 8 ? 0 : c));
    }
    // Middles, rounded to f32, belong to the lower level.
    for (int i = 0; i < 14; i++) {
        const float a = levels[qqi_bnb_fp4_codes[i]];
        const float b = levels[qqi_bnb_fp4_codes[i + 1]];
        const float mid = (a + b) / 2.0f;
        const uint32_t up =
            mid > 0.0f ? check_bits(mid) + 1 : check_bits(mid) - 1;
        CHECK(a < b && qqi_rank_f32(mid) == qqi_bnb_fp4_last[i]);
        CHECK(qqi_bnb_fp4_encode(mid) == qqi_bnb_fp4_codes[i]);
        CHECK(qqi_bnb_fp4_encode(check_f32(up)) == qqi_bnb_fp4_codes[i + 1]);
    }
    CHECK(qqi_bnb_fp4_encode(check_f32(0x7fc00000)) == 0);
    CHECK(qqi_bnb_fp4_encode(check_f32(0x7f800000)) == 3);
    CHECK(qqi_bnb_fp4_encode(check_f32(0xff800000)) == 11);
    CHECK(qqi_bnb_fp4_encode(-0.0f) == 0);
    CHECK(qqi_bnb_fp4_encode(-1e-45f) == 0);
}

static void test_refuse(void)
{
    float levels[3] = {0.0f, 1.0f, 2.0f};
    float x = 0.0f;
    uint8_t c = 0;

    CHECK(qq_book_encode(NULL, 3, 1, &x, &c) == QQ_ERR_ARGUMENT);
    CHECK(qq_book_encode(levels, 1, 1, &x, &c) == QQ_ERR_ARGUMENT);
    CHECK(qq_book_encode(levels, 257, 1, &x, &c) == QQ_ERR_ARGUMENT);
    CHECK(qq_book_encode(levels, 3, 1, NULL, &c) == QQ_ERR_ARGUMENT);
    CHECK(qq_book_encode(levels, 3, 1, &x, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_book_encode(levels, 3, 0, NULL, NULL) == QQ_OK);
    CHECK(qq_book_decode(levels, 3, 0, NULL, NULL) == QQ_OK);
    CHECK(qq_book_decode(levels, 3, 1, NULL, &x) == QQ_ERR_ARGUMENT);
    CHECK(qq_book_decode(levels, 3, 1, &c, NULL) == QQ_ERR_ARGUMENT);
    levels[1] = check_f32(0x7f800000);
    CHECK(qq_book_encode(levels, 3, 1, &x, &c) == QQ_ERR_ARGUMENT);
    levels[1] = check_f32(0x7fc00000);
    CHECK(qq_book_decode(levels, 3, 1, &c, &x) == QQ_ERR_ARGUMENT);
    CHECK(qq_book_levels(QQ_TYPE_NF4) == qqi_nf4_levels);
    CHECK(qq_book_levels(QQ_TYPE_BOOK) == NULL);
    CHECK(qq_book_levels(QQ_TYPE_NONE) == NULL);
}

int main(void)
{
    for (size_t k = 0; k < check_count(60); k++)
        for (int kind = 0; kind < 3; kind++) {
            test_random(2 + check_u32() % 30, kind);
            test_random(k % 2 ? 256 : 2, kind);
        }
    test_book(qq_book_levels(QQ_TYPE_NF4), 16, qqi_bnb_fp4_levels, 16);
    test_far();
    test_ends();
    test_fp4();
    test_refuse();
    return check_done();
}
