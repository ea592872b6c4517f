// The rules AQT and FJ: worked examples of the specification, special groups,
// properties, refusals. The bits of whole tensors are the golden cases'.

#include <math.h>

#include "check.h"
#include "qquant.h"

static qq_scheme make(qq_rule rule, unsigned bits, qq_type type)
{
    qq_scheme s = qq_scheme_init_rule(type, rule);

    s.numerics.kind = QQ_NUMERICS_INT;
    s.numerics.bits = bits;
    s.numerics.preserve_zero = bits != 1;
    s.numerics.clip = 1;
    s.numerics.round = 1;
    return s;
}

static qq_tensor matrix(const float *x, size_t rows, size_t columns)
{
    const size_t shape[2] = {rows, columns};

    return qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
}

static void expect(const qq_tensor *t, const float *want, size_t n)
{
    CHECK(qq_tensor_count(t) == n);
    for (size_t i = 0; i < n; i++)
        CHECK(qq_tensor_value(t, i) == want[i]);
}

// --- worked examples -------------------------------------------------------

// The small vector of the specification, FJ: a row of L and its inverse scale.
static void check_small_vector(void)
{
    static const float x[8] = {1, -2, 3, .5f, .1f, .2f, -.4f, .8f};
    static const unsigned bits[4] = {8, 4, 2, 1};
    static const float codes[4][8] = {
        {42, -85, 127, 21, 16, 32, -64, 127},
        {2, -5, 7, 1, 1, 2, -4, 7},
        {0, -1, 1, 0, 0, 0, -1, 1},
        {.5f, -.5f, .5f, .5f, .5f, .5f, -.5f, .5f}};
    static const float inverse[4][2] = {
        {.02352941f, .00627451f}, {.4f, .10666667f}, {2, .53333336f}, {3, .8f}};
    const qq_tensor t = matrix(x, 2, 4);

    for (int k = 0; k < 4; k++) {
        qq_scheme s = make(QQ_RULE_FJ, bits[k], QQ_TYPE_NONE);
        uint8_t out[64];
        qq_array a;
        s.channels = 1;
        CHECK(qq_array_size(&t, &s) == 2 * 4 + 8 * 4);
        CHECK(qq_quantize(&t, &s, out + 1, 40, &a) == QQ_OK);
        expect(&a.value, codes[k], 8);
        for (size_t r = 0; r < 2; r++)
            CHECK(fabsf(qq_tensor_value(&a.scale, r) - inverse[k][r]) <=
                  2e-7f * inverse[k][r]);
    }
}

// x = -2 … 1 in steps of 1/4, bound 2.
static void check_grid(void)
{
    static const struct {
        unsigned bits;
        int zero;
        float codes[13];
    } rows[5] = {{4, 1, {-7, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4}},
                 {4,
                  0,
                  {-7.5f, -6.5f, -5.5f, -4.5f, -3.5f, -2.5f, -1.5f, -.5f, .5f,
                   1.5f, 2.5f, 3.5f, 4.5f}},
                 {2, 1, {-1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1}},
                 {2,
                  0,
                  {-1.5f, -1.5f, -1.5f, -1.5f, -.5f, -.5f, -.5f, -.5f, .5f, .5f,
                   .5f, .5f, 1.5f}},
                 {1,
                  0,
                  {-.5f, -.5f, -.5f, -.5f, -.5f, -.5f, -.5f, -.5f, .5f, .5f,
                   .5f, .5f, .5f}}};
    float x[13];
    uint8_t out[64];
    qq_array a;

    for (int i = 0; i < 13; i++)
        x[i] = -2 + .25f * (float)i;
    for (int k = 0; k < 5; k++) {
        for (int rule = QQ_RULE_AQT; rule <= QQ_RULE_FJ; rule++) {
            qq_scheme s = make((qq_rule)rule, rows[k].bits, QQ_TYPE_NONE);
            const qq_tensor t = matrix(x, 1, 13);
            s.numerics.preserve_zero = (unsigned char)rows[k].zero;
            CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
            expect(&a.value, rows[k].codes, 13);
        }
    }
}

// The order of the operations decides at ties: 13 * (127.5 / 17) = 97.5, but
// 13 * (1 / (17 / 127.5)) lies below.
static void check_orders(void)
{
    const float x[2] = {17, 13};
    const qq_tensor t = matrix(x, 1, 2);
    uint8_t out[16];
    qq_array a;

    qq_scheme s = make(QQ_RULE_FJ, 8, QQ_TYPE_INT8);
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(qq_tensor_code(&a.value, 1) == 98);
    s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(qq_tensor_code(&a.value, 0) == 127);
    CHECK(qq_tensor_code(&a.value, 1) == 97);
}

// 4 bits, one scale: 7.5 / 7.5; and tiles of 2 of arange(64).
static void check_shapes(void)
{
    static const float x[12] = {1, 2, 3, 4, 5, 6, 7, 7.5f, 3, 5, 1, -1};
    const size_t shape[3] = {4, 4, 4}, want[3] = {1, 4, 2};
    float cube[64];
    uint8_t out[128];
    qq_scheme s = make(QQ_RULE_AQT, 4, QQ_TYPE_INT4);
    qq_tensor t = matrix(x, 3, 4);
    qq_array a;

    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(qq_tensor_count(&a.scale) == 1 && qq_tensor_value(&a.scale, 0) == 1);
    for (int i = 0; i < 64; i++)
        cube[i] = (float)i;
    t = qq_tensor_make(cube, QQ_TYPE_F32, 3, shape);
    s.channels = 2;
    s.tile[2] = 2;
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(memcmp(a.scale.shape, want, sizeof want) == 0);
    for (size_t j = 0; j < 4; j++)
        for (size_t k = 0; k < 2; k++) // the largest: 48 + 4j + 2k + 1
            CHECK(qq_tensor_value(&a.scale, 2 * j + k) ==
                  (float)(49 + 4 * j + 2 * k) / 7.5f);
}

// The two rules of division: 71 % of scales differ in the last bit, none by
// more; one scale alone is divided truly under both.
static void check_division(void)
{
    enum { ROWS = 4000 };
    static float x[ROWS];
    static uint8_t out[2][5 * ROWS];
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    const qq_tensor t = matrix(x, ROWS, 1);
    size_t differ = 0;
    qq_array a[2];

    for (int i = 0; i < ROWS; i++)
        x[i] = 1.5f + check_uniform();
    s.channels = 1;
    for (int k = 0; k < 2; k++) {
        s.division = k ? QQ_DIVISION_RECIPROCAL : QQ_DIVISION_TRUE;
        CHECK(qq_quantize(&t, &s, out[k], sizeof out[k], &a[k]) == QQ_OK);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const uint32_t ulp = check_ulp(qq_tensor_value(&a[0].scale, i),
                                       qq_tensor_value(&a[1].scale, i));
        CHECK(qq_tensor_value(&a[0].scale, i) == x[i] / 127.5f);
        CHECK(ulp <= 1);
        differ += ulp;
    }
    CHECK(differ > ROWS * 66 / 100 && differ < ROWS * 76 / 100);
    s.channels = 0;
    for (int k = 0; k < 2; k++) {
        s.division = k ? QQ_DIVISION_RECIPROCAL : QQ_DIVISION_TRUE;
        CHECK(qq_quantize(&t, &s, out[k], sizeof out[k], &a[k]) == QQ_OK);
    }
    CHECK(memcmp(out[0], out[1], 4 + ROWS) == 0);
}

// --- special groups --------------------------------------------------------

static void check_special(void)
{
    // Zeros of both signs; a NaN; an infinity; one far below 2^-126 * Q.
    static const float x[12] = {0, -0.0f,    0,  NAN,    1,       2,
                                1, INFINITY, -3, 1e-37f, -2e-37f, 5e-38f};
    const qq_tensor t = matrix(x, 4, 3);
    uint8_t out[128];
    float y[12];
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    qq_tensor v;
    qq_array a;

    s.channels = 1;
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    for (size_t i = 0; i < 12; i++)
        CHECK(qq_tensor_code(&a.value, i) == 0);
    CHECK(qq_tensor_value(&a.scale, 0) == 1 / 127.5f);
    CHECK(isnan(qq_tensor_value(&a.scale, 1)));
    CHECK(isinf(qq_tensor_value(&a.scale, 2)));
    CHECK(qq_tensor_value(&a.scale, 3) == 0);
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_F32, y, sizeof y, &v) ==
          QQ_OK);
    CHECK(y[0] == 0 && isnan(y[3]) && isnan(y[7]) && y[9] == 0);

    s = make(QQ_RULE_FJ, 8, QQ_TYPE_NONE);
    s.channels = 1;
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(check_bits(qq_tensor_value(&a.value, 1)) == 0x80000000u);
    CHECK(isnan(qq_tensor_value(&a.value, 4)));
    CHECK(qq_tensor_value(&a.value, 6) == 0 &&
          isnan(qq_tensor_value(&a.value, 7)));
    CHECK(isinf(qq_tensor_value(&a.scale, 2)));
    // Q / bound overflows: what is not 0 goes to the ends.
    CHECK(qq_tensor_value(&a.value, 9) == 127 &&
          qq_tensor_value(&a.value, 10) == -127);
    CHECK(qq_tensor_value(&a.scale, 3) == 0);
}

static void check_empty(void)
{
    const size_t shape[2] = {0, 3};
    const qq_tensor t = qq_tensor_make(NULL, QQ_TYPE_F32, 2, shape);
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    const float x = -3;
    const qq_tensor one = qq_tensor_make(&x, QQ_TYPE_F32, 0, NULL);
    uint8_t out[16];
    qq_array a;

    CHECK(qq_array_size(&t, &s) == 4);
    CHECK(qq_quantize(&t, &s, out, 4, &a) == QQ_OK);
    CHECK(qq_tensor_count(&a.value) == 0);
    s.channels = 1;
    CHECK(qq_array_size(&t, &s) == 0);
    CHECK(qq_quantize(&t, &s, NULL, 0, &a) == QQ_OK);
    s.channels = 0;
    CHECK(qq_quantize(&one, &s, out, 5, &a) == QQ_OK);
    CHECK(a.value.rank == 0 && qq_tensor_code(&a.value, 0) == -127);
}

// --- properties ------------------------------------------------------------

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 8 * check_uniform() * check_uniform();
}

// The steps by themselves give what the whole gives, and a given scale, too.
static void check_steps(qq_type type, unsigned bits)
{
    float x[60] = {0};
    uint8_t whole[512], out[512], codes[512];
    qq_scheme s = make(QQ_RULE_AQT, bits, type);
    const qq_tensor t = matrix(x, 6, 10);
    qq_tensor scale, zero;
    qq_bounds b;
    qq_array a, g;

    fill(x, 60);
    s.channels = 1;
    CHECK(qq_quantize(&t, &s, whole, sizeof whole, &a) == QQ_OK);
    CHECK(qq_calibrate(&t, &s, out, qq_calibrate_size(&t, &s), &b) == QQ_OK);
    for (size_t i = 0; i < 6; i++) {
        float most = 0;
        for (size_t k = 0; k < 10; k++)
            most = fabsf(x[10 * i + k]) > most ? fabsf(x[10 * i + k]) : most;
        CHECK(qq_tensor_value(&b.absmax, i) == most);
    }
    CHECK(qq_scale_from_bounds(&b, &s, codes, qq_scale_size(&b, &s), &scale,
                               &zero, NULL) == QQ_OK);
    CHECK(memcmp(scale.data, a.scale.data, 24) == 0);
    CHECK(qq_quantize_given_size(&t, &s, &scale, NULL) ==
          qq_array_size(&t, &s));
    CHECK(qq_quantize_given(&t, &s, &scale, NULL, out, sizeof out, &g) ==
          QQ_OK);
    CHECK(memcmp(out, whole, qq_array_size(&t, &s)) == 0);
}

// Codes are odd functions of x, and decode to within half a step but for the
// ends, which are cut half a step short.
static void check_error(qq_rule rule, unsigned bits)
{
    float x[60] = {0}, y[60];
    uint8_t out[512], minus[512];
    qq_scheme s = make(rule, bits, QQ_TYPE_NONE);
    const qq_tensor t = matrix(x, 6, 10);
    qq_array a, b;
    qq_tensor v;

    fill(x, 60);
    s.channels = 1;
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(qq_dequantize(&a, rule, QQ_TYPE_F32, y, sizeof y, &v) == QQ_OK);
    for (size_t i = 0; i < 60; i++) {
        const float step = qq_tensor_value(&a.scale, i / 10);
        CHECK(fabsf(x[i] - y[i]) <= .5001f * step);
        x[i] = -x[i];
    }
    CHECK(qq_quantize(&t, &s, minus, sizeof minus, &b) == QQ_OK);
    for (size_t i = 0; i < 60; i++)
        CHECK(qq_tensor_value(&b.value, i) == -qq_tensor_value(&a.value, i));
}

// A power of two, not below the plain scale (FJ: its inverse not below), and
// less than twice it.
static void check_po2(qq_rule rule)
{
    float x[60] = {0};
    uint8_t out[512], plain[512];
    qq_scheme s = make(rule, 8, QQ_TYPE_NONE);
    const qq_tensor t = matrix(x, 60, 1);
    qq_array a, b;

    fill(x, 60);
    x[7] = 127.5f / 64; // exactly a power
    s.channels = 1;
    CHECK(qq_quantize(&t, &s, plain, sizeof plain, &b) == QQ_OK);
    s.power_of_two = 1;
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    for (size_t i = 0; i < 60; i++) {
        const float p = qq_tensor_value(&a.scale, i);
        const float q = qq_tensor_value(&b.scale, i);
        CHECK((check_bits(p) & 0x7fffff) == 0);
        CHECK(p >= q * .9999999f && p < 2 * q);
    }
    CHECK(qq_tensor_value(&a.scale, 7) == 1.0f / 64);
}

// The mean of stochastically rounded codes is the scaled number: within four
// deviations of the mean of n, each of at most 1/2.
static void check_unbiased(qq_noise noise, qq_random_layout layout)
{
    enum { N = 20000 };
    static float x[N], codes[N];
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_NONE);
    const qq_tensor t = matrix(x, 1, N);
    qq_tensor v;

    s.noise = noise;
    s.layout = layout;
    s.key = qq_key_make(42, 0);
    for (int k = -3; k <= 3; k++) {
        const float value = 10.1f * (float)k;
        double sum = 0;
        for (int i = 0; i < N; i++)
            x[i] = value;
        CHECK(qq_encode(&t, &s, codes, sizeof codes, &v) == QQ_OK);
        for (int i = 0; i < N; i++) {
            CHECK(fabsf(codes[i] - value) <= 1);
            sum += (double)codes[i];
        }
        CHECK(fabs(sum / (double)N - (double)value) < 4 * .5 / sqrt((double)N));
    }
}

// Along a shared axis all numbers have the same noise; along others not.
static void check_shared_noise(void)
{
    float x[40 * 30], codes[40 * 30];
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_NONE);
    const qq_tensor t = matrix(x, 40, 30);
    int ups = 0;
    qq_tensor v;

    s.noise = QQ_NOISE_AQT_CUSTOM;
    s.noise_shared = 1;
    for (int i = 0; i < 1200; i++)
        x[i] = .5f;
    CHECK(qq_encode(&t, &s, codes, sizeof codes, &v) == QQ_OK);
    for (int i = 0; i < 1200; i++)
        CHECK(codes[i] == codes[i % 30]);
    for (int i = 0; i < 30; i++)
        ups += codes[i] == 1;
    CHECK(ups > 3 && ups < 27);
    // The numbers are those of qq_random_noise.
    float noise[30];
    CHECK(qq_random_noise(s.key, s.layout, s.noise, 30, 0, 30, noise) == QQ_OK);
    for (int i = 0; i < 30; i++)
        CHECK(codes[i] == (.5f + noise[i] > .5f ? 1 : 0));
}

// In three dimensions with the middle axis shared, number (i, j, k) has noise
// (i, 0, k).
static void check_shared_middle(void)
{
    const size_t shape[3] = {4, 5, 6};
    float x[120] = {0}, codes[120], noise[24];
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 3, shape);
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_NONE);
    qq_tensor v;

    s.noise = QQ_NOISE_AQT;
    s.noise_shared = 2;
    s.numerics.round = s.numerics.clip = 0;
    CHECK(qq_encode(&t, &s, codes, sizeof codes, &v) == QQ_OK);
    CHECK(qq_random_noise(s.key, s.layout, s.noise, 24, 0, 24, noise) == QQ_OK);
    for (int i = 0; i < 120; i++)
        CHECK(codes[i] == noise[i / 30 * 6 + i % 6]);
}

// f32 scales make the scaled number, and codes without a type, f32.
static void check_types(void)
{
    uint16_t x[12] = {0};
    const size_t shape[2] = {3, 4};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_BF16, 2, shape);
    uint8_t out[128];
    uint16_t y[12];
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_NONE);
    qq_tensor v;
    qq_array a;

    for (int i = 0; i < 12; i++)
        x[i] = qq_bf16_from_f32(check_uniform());
    s.channels = 1;
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(a.value.type == QQ_TYPE_BF16 && a.scale.type == QQ_TYPE_BF16);
    s.scale_type = QQ_TYPE_F32;
    CHECK(qq_array_size(&t, &s) == 3 * 4 + 12 * 4);
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(a.value.type == QQ_TYPE_F32 && a.scale.type == QQ_TYPE_F32);
    s.type = QQ_TYPE_INT3; // 12 codes of 3 bits
    s.numerics.bits = 3;
    CHECK(qq_array_size(&t, &s) == 3 * 4 + 5);
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_BF16, y, sizeof y, &v) ==
          QQ_OK);
    CHECK(v.type == QQ_TYPE_BF16);
    // Without numerics an array is x.
    s.numerics.kind = QQ_NUMERICS_NONE;
    CHECK(qq_quantize(&t, &s, out, sizeof x, &a) == QQ_OK);
    CHECK(a.scale.type == QQ_TYPE_NONE && memcmp(out, x, sizeof x) == 0);
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_BF16, y, sizeof y, &v) ==
          QQ_OK);
    CHECK(memcmp(x, y, sizeof x) == 0);
}

// A bias is added before, and taken away at the end.
static void check_bias(void)
{
    const float x[4] = {10, 11, 12, 13}, bound = 2;
    const size_t one[2] = {1, 1};
    const qq_tensor t = matrix(x, 1, 4);
    const qq_tensor b = qq_tensor_make(&bound, QQ_TYPE_F32, 2, one);
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    uint8_t out[64];
    float y[4];
    qq_tensor v;
    qq_array a;

    s.calibration.method = QQ_CALIB_CONSTANT;
    s.bound = &b;
    s.has_bias = 1;
    s.bias_value = -11.5;
    CHECK(qq_array_size(&t, &s) == 4 + 16 + 4);
    CHECK(qq_quantize(&t, &s, out, 24, &a) == QQ_OK);
    expect(&a.bias, (const float[]){-11.5f, -11.5f, -11.5f, -11.5f}, 4);
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_F32, y, sizeof y, &v) ==
          QQ_OK);
    for (int i = 0; i < 4; i++)
        CHECK(fabsf(y[i] - x[i]) <= .501f * 2 / 127.5f);
    // Arrays are not trusted: a bias that does not fit is refused.
    a.bias.shape[1] = 3;
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_F32, y, sizeof y, &v) ==
          QQ_ERR_SHAPE);
    a.bias.shape[1] = 8;
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_F32, y, sizeof y, &v) ==
          QQ_ERR_SHAPE);
    a.bias.rank = 1;
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_F32, y, sizeof y, &v) ==
          QQ_ERR_SHAPE);
}

// --- refusals --------------------------------------------------------------

static uint32_t bad_of(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = 0;

    CHECK(qq_scheme_check(s, x, &bad) != QQ_OK || bad == 0);
    return bad;
}

static void check_numerics_refused(const qq_tensor *t)
{
    qq_scheme s = make(QQ_RULE_AQT, 23, QQ_TYPE_NONE);

    CHECK(bad_of(&s, t) == QQ_BAD_NUMERICS);
    s = make(QQ_RULE_AQT, 0, QQ_TYPE_NONE);
    CHECK(bad_of(&s, t) == QQ_BAD_NUMERICS);
    s = make(QQ_RULE_AQT, 8, QQ_TYPE_UINT8);
    CHECK(bad_of(&s, t) == QQ_BAD_TYPE);
    s = make(QQ_RULE_AQT, 8, QQ_TYPE_NONE);
    s.numerics.kind = QQ_NUMERICS_FP8; // of which type?
    CHECK(bad_of(&s, t) == QQ_BAD_TYPE);
    s.type = QQ_TYPE_E4M3;
    CHECK(bad_of(&s, t) == QQ_BAD_TYPE);
    s.type = QQ_TYPE_E4M3FN;
    CHECK(bad_of(&s, t) == 0);
    s.rule = QQ_RULE_FJ;
    CHECK(bad_of(&s, t) == QQ_BAD_NUMERICS);
    s.rule = QQ_RULE_AQT;
    s.numerics.stochastic = 1;
    qq_tensor half = *t;
    half.type = QQ_TYPE_F16;
    CHECK(bad_of(&s, &half) == QQ_BAD_NUMERICS);
    CHECK(bad_of(&s, t) == 0);
    s.noise = QQ_NOISE_AQT; // fp8 has bits of its own
    CHECK(bad_of(&s, t) == QQ_BAD_NOISE);
    s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    s.noise = QQ_NOISE_UNIFORM; // Qwix's
    CHECK(bad_of(&s, t) == QQ_BAD_NOISE);
    s.noise = QQ_NOISE_AQT;
    s.noise_shared = 4;
    CHECK(bad_of(&s, t) == QQ_BAD_NOISE);
    s.noise_shared = 0;
#if SIZE_MAX > 0xffffffffu
    qq_tensor big = *t;
    big.rank = 2;
    big.shape[0] = big.shape[1] = 65536;
    s.layout = QQ_RANDOM_LEGACY; // draws less than 2^32 words
    CHECK(bad_of(&s, &big) == QQ_BAD_NOISE);
    s.layout = QQ_RANDOM_PARTITIONABLE;
    CHECK(bad_of(&s, &big) == 0);
#endif
    s.layout = (qq_random_layout)0; // no key
    CHECK(bad_of(&s, t) != 0);
    s = make(QQ_RULE_FJ, 8, QQ_TYPE_NONE);
    s.fake_quant = 1;
    CHECK(bad_of(&s, t) == QQ_BAD_NUMERICS);
    s.power_of_two = 1;
    CHECK(bad_of(&s, t) == 0);
}

static void check_calibration_refused(const qq_tensor *t)
{
    const size_t odd[2] = {1, 3};
    const float clips[1] = {1};
    float b[4] = {1, 1, 1, 1};
    qq_tensor bound = qq_tensor_make(b, QQ_TYPE_F32, 2, odd);
    qq_scheme s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);

    s.calibration.method = QQ_CALIB_RMS;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    s.calibration.method = QQ_CALIB_CONSTANT;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    s.calibration.arg_count = 1;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION); // a bound of 0
    s.calibration.args[0] = -1;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    s.calibration.args[0] = (double)NAN;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    s.calibration.args[0] = 1;
    CHECK(bad_of(&s, t) == 0);
    s.bound = &bound; // 3 does not divide 4
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    bound.shape[1] = 2;
    CHECK(bad_of(&s, t) == 0);
    bound.type = QQ_TYPE_INT8;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    bound.type = QQ_TYPE_F32;
    s.rule = QQ_RULE_FJ;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    s.bias = &bound; // without a constant
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    s.calibration.method = QQ_CALIB_SNR;
    s.clip_count = 1;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    s.clips = clips;
    CHECK(bad_of(&s, t) == 0);
    s.rule = QQ_RULE_FJ;
    CHECK(bad_of(&s, t) == QQ_BAD_CALIBRATION);
    s = make(QQ_RULE_AQT, 8, QQ_TYPE_INT8);
    s.scale_type = QQ_TYPE_E8M0;
    CHECK(bad_of(&s, t) == QQ_BAD_SCALE_TYPE);
    s.scale_type = QQ_TYPE_NONE;
    s.division = QQ_DIVISION_MULTIPLY;
    CHECK(bad_of(&s, t) & QQ_BAD_RULE);
    s.division = QQ_DIVISION_TRUE;
    s.channels = 4;
    CHECK(bad_of(&s, t) == QQ_BAD_AXIS);
    s.channels = 0;
    s.tile[1] = 3;
    CHECK(bad_of(&s, t) == QQ_BAD_TILE);
}

static void check_calls_refused(const qq_tensor *t)
{
    qq_scheme s = make(QQ_RULE_FJ, 8, QQ_TYPE_INT8);
    const size_t one[2] = {1, 1};
    const float unit = 1;
    const qq_tensor scale = qq_tensor_make(&unit, QQ_TYPE_F32, 2, one);
    uint8_t out[64];
    qq_array a;
    qq_tensor v;

    // FJ's scales are inverse ones: none can be given.
    CHECK(qq_quantize_given(t, &s, &scale, NULL, out, sizeof out, &a) ==
          QQ_ERR_UNSUPPORTED);
    s.rule = QQ_RULE_AQT;
    CHECK(qq_quantize(t, &s, out, 11, &a) == QQ_ERR_SIZE);
    CHECK(qq_quantize(t, &s, NULL, 64, &a) == QQ_ERR_ARGUMENT);
    CHECK(qq_quantize(t, &s, out, sizeof out, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_quantize(t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_INT8, out, sizeof out, &v) !=
          QQ_OK);
    a.zero_point = a.value;
    CHECK(qq_dequantize(&a, QQ_RULE_AQT, QQ_TYPE_F32, out, sizeof out, &v) !=
          QQ_OK);
    s.numerics.kind = QQ_NUMERICS_NONE;
    qq_bounds b;
    CHECK(qq_calibrate(t, &s, out, sizeof out, &b) == QQ_ERR_SCHEME);
}

int main(void)
{
    static const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const qq_tensor t = matrix(x, 2, 4);

    check_small_vector();
    check_grid();
    check_orders();
    check_shapes();
    check_division();
    check_special();
    check_empty();
    for (unsigned bits = 2; bits <= 8; bits++) {
        check_steps(QQ_TYPE_NONE, bits);
        check_error(QQ_RULE_AQT, bits);
        check_error(QQ_RULE_FJ, bits);
    }
    check_steps(QQ_TYPE_INT8, 8);
    check_steps(QQ_TYPE_INT5, 5);
    check_po2(QQ_RULE_AQT);
    check_po2(QQ_RULE_FJ);
    check_unbiased(QQ_NOISE_AQT, QQ_RANDOM_PARTITIONABLE);
    check_unbiased(QQ_NOISE_AQT_CUSTOM, QQ_RANDOM_LEGACY);
    check_shared_noise();
    check_shared_middle();
    check_types();
    check_bias();
    check_numerics_refused(&t);
    check_calibration_refused(&t);
    check_calls_refused(&t);
    return check_done();
}
