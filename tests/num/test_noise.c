// num/random.h and num/noise.h: JAX's numbers, in pieces as in whole.

#include "num/noise.h"
#include "room.h"

static const qq_random_layout layouts[2] = {QQ_RANDOM_PARTITIONABLE,
                                            QQ_RANDOM_LEGACY};
static const qq_key zero = {{0, 0}};

// Known answers of JAX; key 0.
static void test_known(void)
{
    static const uint32_t bits[4] = {0xf29a4fa7, 0xfa843692, 0x55110e28,
                                     0x77faa835};
    static const float unit[2][4] = {
        {0.94766700f, 0.97857988f, 0.33229148f, 0.46866846f},
        {0.96532142f, 0.22515893f, 0.63302994f, 0.29638183f}};
    static const uint16_t half_words[2][4] = {{20391, 13970, 3624, 43061},
                                              {9103, 14175, 5405, 52699}};
    static const float custom[4] = {-0.18885040f, -0.28682709f, -0.44469452f,
                                    0.15706635f};
    static const float uniform[4] = {0.4476670026779175f, 0.47857987880706787f,
                                     -0.16770851612091064f,
                                     -0.031331539154052734f};
    static const float low_bit[4] = {0.154296875f, 0.072265625f, -0.341796875f,
                                     -0.291015625f};
    uint32_t words[4];
    uint16_t halves[4];
    float x[4];

    CHECK(qq_random_bits(zero, layouts[0], 32, 4, 0, 4, words, 16) == QQ_OK);
    CHECK(memcmp(words, bits, 16) == 0);
    for (int k = 0; k < 2; k++) {
        CHECK(qq_random_unit(zero, layouts[k], QQ_TYPE_F32, 4, 0, 4, x, 16) ==
              QQ_OK);
        for (int i = 0; i < 4; i++)
            CHECK(x[i] - unit[k][i] < 1e-8f && unit[k][i] - x[i] < 1e-8f);
        CHECK(qq_random_bits(zero, layouts[k], 16, 4, 0, 4, halves, 8) ==
              QQ_OK);
        CHECK(memcmp(halves, half_words[k], 8) == 0);
    }
    CHECK(qq_random_noise(zero, layouts[0], QQ_NOISE_UNIFORM, 4, 0, 4, x) ==
          QQ_OK);
    CHECK(memcmp(x, uniform, 16) == 0);
    CHECK(qq_random_noise(zero, layouts[0], QQ_NOISE_AQT, 4, 0, 4, x) == QQ_OK);
    CHECK(memcmp(x, uniform, 16) == 0);
    CHECK(qq_random_noise(zero, layouts[0], QQ_NOISE_LOW_BIT, 4, 0, 4, x) ==
          QQ_OK);
    CHECK(memcmp(x, low_bit, 16) == 0);
    CHECK(qq_random_noise(zero, layouts[0], QQ_NOISE_AQT_CUSTOM, 4, 0, 4, x) ==
          QQ_OK);
    for (int i = 0; i < 4; i++)
        CHECK(x[i] - custom[i] < 1e-8f && custom[i] - x[i] < 1e-8f);
}

// Draws any range of total numbers of some kind as bytes.
typedef qq_status (*draw)(qq_random_layout layout, size_t total, size_t first,
                          size_t count, void *out);

static const qq_key some = {{0x12345678, 0x9abcdef0}};

static qq_status draw_bits8(qq_random_layout l, size_t t, size_t f, size_t n,
                            void *out)
{
    return qq_random_bits(some, l, 8, t, f, n, out, n);
}

static qq_status draw_bits16(qq_random_layout l, size_t t, size_t f, size_t n,
                             void *out)
{
    return qq_random_bits(some, l, 16, t, f, n, out, 2 * n);
}

static qq_status draw_bits32(qq_random_layout l, size_t t, size_t f, size_t n,
                             void *out)
{
    return qq_random_bits(some, l, 32, t, f, n, out, 4 * n);
}

static qq_status draw_f16(qq_random_layout l, size_t t, size_t f, size_t n,
                          void *out)
{
    return qq_random_unit(some, l, QQ_TYPE_F16, t, f, n, out, 2 * n);
}

static qq_status draw_bf16(qq_random_layout l, size_t t, size_t f, size_t n,
                           void *out)
{
    return qq_random_unit(some, l, QQ_TYPE_BF16, t, f, n, out, 2 * n);
}

static qq_status draw_uniform(qq_random_layout l, size_t t, size_t f, size_t n,
                              void *out)
{
    return qq_random_uniform(some, l, -0.3f, 1.9f, 1, t, f, n, (float *)out);
}

static qq_status draw_int(qq_random_layout l, size_t t, size_t f, size_t n,
                          void *out)
{
    return qq_random_int(some, l, -5, 1000, t, f, n, (int32_t *)out);
}

static qq_status draw_bernoulli(qq_random_layout l, size_t t, size_t f,
                                size_t n, void *out)
{
    return qq_random_bernoulli(some, l, 0.4f, t, f, n, (uint8_t *)out);
}

static qq_status draw_he(qq_random_layout l, size_t t, size_t f, size_t n,
                         void *out)
{
    return qq_random_he_uniform(some, l, 7, t, f, n, (float *)out);
}

static qq_status draw_noise(qq_random_layout l, size_t t, size_t f, size_t n,
                            void *out)
{
    return qq_random_noise(some, l, QQ_NOISE_LOW_BIT, t, f, n, (float *)out);
}

static void test_pieces(draw f, size_t width)
{
    for (int k = 0; k < 2; k++)
        for (size_t total = 0; total < 30; total++) {
            uint8_t *whole = room(total * width);
            CHECK(f(layouts[k], total, 0, total, whole) == QQ_OK);
            for (size_t first = 0; first <= total; first++) {
                const size_t n = check_u32() % (total - first + 1);
                uint8_t *part = room(n * width);
                CHECK(f(layouts[k], total, first, n, part) == QQ_OK);
                CHECK(n == 0 ||
                      memcmp(part, whole + first * width, n * width) == 0);
                free(part);
            }
            CHECK(f(layouts[k], total, total + 1, 0, whole) == QQ_ERR_ARGUMENT);
            CHECK(f(layouts[k], total, total, 1, whole) == QQ_ERR_ARGUMENT);
            CHECK(f((qq_random_layout)0, total, 0, 0, whole) ==
                  QQ_ERR_ARGUMENT);
            CHECK(f(layouts[k], total, 0, 0, NULL) == QQ_OK);
            free(whole);
        }
}

// The old layout by its definition, cut from words of the whole array.
static void test_legacy(void)
{
    for (unsigned width = 8; width <= 32; width *= 2)
        for (size_t total = 1; total < 40; total++) {
            const size_t words = (total * width + 31) / 32;
            uint32_t count[40];
            uint32_t word[40];
            for (size_t i = 0; i < words; i++)
                count[i] = (uint32_t)i;
            qq_threefry_array(some, words, count, word);
            qqi_random r;
            CHECK(qqi_random_make(&r, some, QQ_RANDOM_LEGACY, width, total, 0,
                                  total) == QQ_OK);
            for (size_t i = 0; i < total; i++) {
                const uint32_t w = word[i * width / 32] >> i * width % 32;
                CHECK(qqi_random_at(&r, i) ==
                      (width < 32 ? w & ((1u << width) - 1) : w));
            }
        }
}

// All kinds of noise: their range, their mean.
static void test_ranges(void)
{
    const size_t n = check_count(20000);
    float *x = (float *)(void *)room(n * sizeof *x);

    for (int kind = QQ_NOISE_UNIFORM; kind <= QQ_NOISE_AQT_CUSTOM; kind++) {
        double sum = 0.0;
        int inside = 1;
        CHECK(qq_random_noise(some, layouts[kind % 2], (qq_noise)kind, n, 0, n,
                              x) == QQ_OK);
        for (size_t i = 0; i < n; i++) {
            sum += (double)x[i];
            inside &= x[i] >= -0.5f && x[i] < 0.5f;
            if (kind == QQ_NOISE_LOW_BIT)
                inside &= x[i] != 0.0f && x[i] >= -0.498046875f;
        }
        CHECK(inside);
        CHECK(sum < 0.29 * 4.0 * 160.0 && sum > -0.29 * 4.0 * 160.0);
    }
    free(x);
}

// Every bit pattern of the two short kinds.
static void test_exact(void)
{
    for (uint32_t r = 0; r < 65536; r++) {
        const uint32_t u = r << 7 | 0x3f800000;
        const double want = (double)check_f32(u) - (1.5 - 1.0 / 131072.0);
        CHECK((double)qqi_noise_of(QQ_NOISE_AQT_CUSTOM, r) == want);
    }
    for (uint32_t r = 0; r < 256; r++) {
        const uint32_t u = r << 15 | 0x3f800000;
        const double want = (double)check_f32(u) - 1.498046875;
        CHECK((double)qqi_noise_of(QQ_NOISE_LOW_BIT, r) == want);
    }
    for (int k = 0; k < 10000; k++) {
        const uint32_t b = check_u32();
        const float f = check_f32(b >> 9 | 0x3f800000) - 1.0f;
        CHECK(qqi_noise_of(QQ_NOISE_UNIFORM, b) == f - 0.5f);
    }
}

static void test_refuse(void)
{
    const qq_random_layout l = QQ_RANDOM_PARTITIONABLE;
    const float inf = check_f32(0x7f800000);
    uint32_t out[4];
    float x[4];
    int32_t v[4];

    CHECK(qq_random_bits(some, l, 7, 4, 0, 4, out, 16) == QQ_ERR_ARGUMENT);
    CHECK(qq_random_bits(some, l, 0, 4, 0, 4, out, 16) == QQ_ERR_ARGUMENT);
    CHECK(qq_random_bits(some, l, 64, 4, 0, 4, out, 16) == QQ_ERR_ARGUMENT);
    CHECK(qq_random_bits(some, l, 32, 4, 0, 4, out, 15) == QQ_ERR_SIZE);
    CHECK(qq_random_bits(some, l, 32, 4, 0, 4, NULL, 16) == QQ_ERR_ARGUMENT);
    CHECK(qq_random_bits(some, l, 32, 4, 1, SIZE_MAX, out, 16) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_random_unit(some, l, QQ_TYPE_INT8, 4, 0, 4, x, 16) == QQ_ERR_TYPE);
    CHECK(qq_random_unit(some, l, QQ_TYPE_F32, 4, 0, 4, x, 15) == QQ_ERR_SIZE);
    CHECK(qq_random_uniform(some, l, 0.0f, inf, 1, 4, 0, 4, x) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_random_uniform(some, l, -3e38f, 3e38f, 1, 4, 0, 4, x) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_random_uniform(some, l, 0.0f, 1.0f, 1, 4, 0, 4, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_random_int(some, l, 3, 3, 4, 0, 4, v) == QQ_ERR_ARGUMENT);
    CHECK(qq_random_int(some, l, INT32_MIN, INT32_MAX, 4, 0, 4, v) == QQ_OK);
    CHECK(qq_random_int(some, l, 3, 4, 4, 0, 4, v) == QQ_OK && v[3] == 3);
    CHECK(qq_random_he_uniform(some, l, 0, 4, 0, 4, x) == QQ_ERR_ARGUMENT);
    CHECK(qq_random_noise(some, l, QQ_NOISE_NONE, 4, 0, 4, x) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_random_noise(some, l, QQ_NOISE_GIVEN, 4, 0, 4, x) ==
          QQ_ERR_ARGUMENT);
    if (sizeof(size_t) > 4) {
        // 2^32 words: the new way has no end, the old one has.
        const size_t many = (size_t)((uint64_t)1 << 32 & SIZE_MAX);
        CHECK(qq_random_bits(some, l, 32, many, many - 1, 1, out, 4) == QQ_OK);
        CHECK(qq_random_bits(some, QQ_RANDOM_LEGACY, 32, many, 0, 1, out, 4) ==
              QQ_ERR_UNSUPPORTED);
        CHECK(qq_random_bits(some, QQ_RANDOM_LEGACY, 32, many - 1, many - 2, 1,
                             out, 4) == QQ_OK);
    }
}

int main(void)
{
    test_known();
    test_pieces(draw_bits8, 1);
    test_pieces(draw_bits16, 2);
    test_pieces(draw_bits32, 4);
    test_pieces(draw_f16, 2);
    test_pieces(draw_bf16, 2);
    test_pieces(draw_uniform, 4);
    test_pieces(draw_int, 4);
    test_pieces(draw_bernoulli, 1);
    test_pieces(draw_he, 4);
    test_pieces(draw_noise, 4);
    test_legacy();
    test_ranges();
    test_exact();
    test_refuse();
    return check_done();
}
