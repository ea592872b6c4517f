// ArrayNF4 and Array8B in all versions, ternary and binary, against the
// definition written out in loops.

#include "random_array.h"

#include <math.h>

static const qq_type plain[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

static float rounded(qq_type type, float x)
{
    if (isinf(x) || isnan(x) || type == QQ_TYPE_F32)
        return x;
    if (type == QQ_TYPE_F16 && fabsf(x) >= 65520.0f)
        return x < 0 ? -HUGE_VALF : HUGE_VALF;
    // bf16 would saturate here, but no test comes near that.
    return qq_type_decode(type, qq_type_encode(type, x));
}

// A quotient as a code of int8.
static float code_of(float q)
{
    return isnan(q) ? 0.0f : fmaxf(fminf(rintf(q), 127.0f), -128.0f);
}

// Normal-like numbers of a type, a few zeros among them.
static qq_tensor numbers(qq_type type, unsigned rank, const size_t *shape,
                         float size)
{
    qq_tensor t = qq_tensor_make(NULL, type, rank, shape);
    const size_t n = qq_tensor_count(&t);
    uint8_t *p = (uint8_t *)room(qq_tensor_bytes(&t));

    for (size_t i = 0; i < n; i++) {
        const float sum = check_uniform() + check_uniform() + check_uniform();
        const float x = below(16) == 0 ? 0.0f : sum * size;
        const uint32_t u = qq_type_encode(type, x);
        const uint16_t h = (uint16_t)(u & 0xffff);
        if (type == QQ_TYPE_F32)
            memcpy(p + 4 * i, &u, 4);
        else
            memcpy(p + 2 * i, &h, 2);
    }
    t.data = p;
    return t;
}

static qq_array quantized(const qq_tensor *x, const qq_scheme *s)
{
    const size_t bytes = qq_array_size(x, s);
    qq_array a;

    memset(&a, 0, sizeof a);
    if (CHECK(bytes != SIZE_MAX)) {
        CHECK(qq_quantize(x, s, room(bytes), bytes, &a) == QQ_OK);
        CHECK(qq_array_check(&a) == QQ_OK && qq_array_bytes(&a) == bytes);
    }
    return a;
}

static qq_tensor decoded(const qq_array *a, qq_rule rule, qq_type type)
{
    const size_t bytes = qq_type_bytes(type, qq_tensor_count(&a->value));
    qq_tensor t;

    memset(&t, 0, sizeof t);
    CHECK(qq_dequantize(a, rule, type, room(bytes), bytes, &t) == QQ_OK);
    return t;
}

// --- levels ----------------------------------------------------------------

static void test_levels(void)
{
    static const float c[6] = {1.82943132356953e-5f, -0.00068587779130373f,
                               0.0100420261313669f,  -0.0722703570217226f,
                               0.346075459755188f,   -0.994166218659335f};
    const float *table = qq_eformer_levels(QQ_NF4_TABLE);
    const float *fused = qq_eformer_levels(QQ_NF4_POLYNOMIAL);
    const float *plain_steps = qq_eformer_levels(QQ_NF4_UNFUSED);

    CHECK(qq_eformer_levels((qq_nf4_levels)0) == NULL);
    CHECK(qq_eformer_levels((qq_nf4_levels)4) == NULL);
    for (int i = 0; i < 16; i++) {
        const float x = (float)i;
        float p = c[0];
        volatile float q = c[0];
        for (int k = 1; k < 6; k++) {
            p = fmaf(x, p, c[k]);
            q = x * q;
            q = q + c[k];
        }
        CHECK(check_bits(fused[i]) == check_bits(p));
        CHECK(check_bits(plain_steps[i]) == check_bits(q));
        CHECK(fabsf(fused[i] - table[i]) < 0.0148f);
        CHECK(table == qq_book_levels(QQ_TYPE_NF4));
    }
}

// --- nf4 -------------------------------------------------------------------

static qq_scheme nf4_scheme(qq_rule rule, unsigned rank, size_t block)
{
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_NF4, rule);

    CHECK(qq_scheme_tile(&s, -1, rank, block) == QQ_OK);
    return s;
}

static int nearest(float v)
{
    const float *level = qq_book_levels(QQ_TYPE_NF4);
    volatile float least = fabsf(v - level[0]);
    int code = 0;

    for (int k = 1; k < 16; k++) {
        const volatile float d = fabsf(v - level[k]);
        if (d < least) {
            least = d;
            code = k;
        }
    }
    return code;
}

static int middles_below(float v)
{
    const float *level = qq_book_levels(QQ_TYPE_NF4);
    int code = 0;

    if (isnan(v))
        return 15;
    for (int k = 0; k < 15; k++) {
        const volatile float sum = level[k] + level[k + 1];
        code += sum / 2 < v;
    }
    return code;
}

static float largest(const qq_tensor *x, size_t from, size_t n)
{
    float most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(qq_tensor_value(x, from + i)));
    return most;
}

// Rows of n numbers, in blocks, the last padded.
static void test_nf4(void)
{
    const qq_type type = plain[below(3)];
    const size_t shape[3] = {below(4), 1 + below(3), 1 + below(40)};
    const size_t block = 2 + 2 * below(10);
    const size_t blocks = (shape[2] + block - 1) / block;
    const float tiny = type == QQ_TYPE_F16 ? 6.103515625e-5f : 1.17549435e-38f;
    const qq_tensor x = numbers(type, 3, shape, 0.3f);
    const qq_scheme s = nf4_scheme(QQ_RULE_EFORMER, 3, block);
    const qq_array a = quantized(&x, &s);
    const qq_tensor y = decoded(&a, QQ_RULE_EFORMER, type);
    const float *level = qq_eformer_levels(QQ_NF4_POLYNOMIAL);

    CHECK(a.value.shape[2] == blocks * block && a.scale.shape[2] == blocks);
    CHECK(a.tile[0] == 1 && a.tile[1] == 1 && a.tile[2] == block);
    CHECK(a.scale.type == type && a.type == QQ_TYPE_NF4);
    for (size_t r = 0; r < shape[0] * shape[1]; r++)
        for (size_t k = 0; k < blocks * block; k++) {
            const size_t b = k / block;
            const size_t left = shape[2] - b * block;
            const size_t at = r * blocks * block + k;
            const float most = largest(&x, r * shape[2] + b * block,
                                       left < block ? left : block);
            const float sum = rounded(type, most + tiny);
            const float n =
                k < shape[2] ? qq_tensor_value(&x, r * shape[2] + k) : 0;
            const int code = nearest(rounded(type, n / sum));
            CHECK(qq_tensor_value(&a.scale, r * blocks + b) == most);
            CHECK(qq_tensor_code(&a.value, at) == code);
            CHECK(qq_tensor_value(&y, at) == rounded(type, level[code] * most));
        }
    room_free();
}

// Blocks of the flat array, which may be longer than a row.
static void test_nf4_flat(qq_rule rule)
{
    static const size_t sizes[] = {2, 4, 6, 8, 12, 16, 24, 48, 64, 100};
    const size_t shape[3] = {1 + below(3), 1 + below(4), 2 + 2 * below(12)};
    const size_t count = shape[0] * shape[1] * shape[2];
    const size_t asked = sizes[below(10)];
    const size_t limit = rule == QQ_RULE_FJFORMER ? count : shape[2];
    const size_t block = asked < limit ? asked : limit;
    const qq_tensor x = numbers(QQ_TYPE_F32, 3, shape, 2.0f);
    const qq_scheme s = nf4_scheme(rule, 3, asked);
    const size_t row = shape[1] * shape[2];
    const int fits = block <= shape[2] ? shape[2] % block == 0
                     : block <= row ? block % shape[2] == 0 && row % block == 0
                                    : block % row == 0 && count % block == 0;

    if (!fits) {
        CHECK(qq_scheme_check(&s, &x, NULL) == QQ_ERR_SHAPE);
        room_free();
        return;
    }
    const qq_array a = quantized(&x, &s);
    const qq_tensor y = decoded(&a, rule, QQ_TYPE_F32);
    CHECK(qq_tensor_count(&a.scale) == count / block);
    for (size_t i = 0; i < count; i++) {
        const float most = largest(&x, i / block * block, block);
        const int code = middles_below(qq_tensor_value(&x, i) / most);
        CHECK(qq_tensor_value(&a.scale, i / block) == most);
        CHECK(qq_tensor_code(&a.value, i) == code);
        CHECK(qq_tensor_value(&y, i) ==
              qq_book_levels(QQ_TYPE_NF4)[code] * most);
    }
    room_free();
}

static void test_nf4_example(void)
{
    static const float x[8] = {-2, -1, -0.2f, 0, 0.2f, 1, 1.5f, 2};
    static const int code[8] = {0, 2, 6, 7, 8, 12, 14, 15};
    static const float polynomial[8] = {-1.988332f, -1.042298f, -0.194020f,
                                        -0.015582f, 0.161528f,  0.868554f,
                                        1.463314f,  1.995303f};
    static const float book[8] = {-2,        -1.050146f, -0.182100f, 0,
                                  0.159161f, 0.881420f,  1.445914f,  2};
    const size_t eight = 8;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &eight);
    const qq_scheme s = nf4_scheme(QQ_RULE_EFORMER, 1, 8);
    const qq_array a = quantized(&t, &s);
    const qq_tensor y = decoded(&a, QQ_RULE_EFORMER, QQ_TYPE_F32);
    const qq_tensor z = decoded(&a, QQ_RULE_QQUANT, QQ_TYPE_F32);

    for (size_t i = 0; i < 8; i++) {
        CHECK(qq_tensor_code(&a.value, i) == code[i]);
        CHECK(fabsf(qq_tensor_value(&y, i) - polynomial[i]) < 2e-6f);
        CHECK(fabsf(qq_tensor_value(&z, i) - book[i]) < 2e-6f);
    }
    room_free();
}

// A block of zeros, one with a NaN and one with infinities; the codes of the
// three, and where zeros and infinities end up.
static void test_nf4_special(void)
{
    const float inf = check_f32(0x7f800000);
    const float nan = check_f32(0x7fc00000);
    const float x[12] = {0, 0, -0.0f, 0, nan, 1, 0, -2, inf, 1, -inf, 0};
    static const int code[12] = {7, 7, 7, 7, 0, 0, 0, 0, 0, 7, 0, 7};
    static const int older[12] = {15, 15, 15, 15, 15, 15, 15, 15, 15, 7, 15, 7};
    const size_t n = 12;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &n);
    const qq_scheme s = nf4_scheme(QQ_RULE_EFORMER, 1, 4);
    const qq_scheme flat = nf4_scheme(QQ_RULE_EFORMER_FLAT, 1, 4);
    const qq_array a = quantized(&t, &s);
    const qq_array b = quantized(&t, &flat);
    const qq_tensor y = decoded(&a, QQ_RULE_EFORMER, QQ_TYPE_BF16);

    for (size_t i = 0; i < n; i++) {
        CHECK(qq_tensor_code(&a.value, i) == code[i]);
        CHECK(qq_tensor_code(&b.value, i) == older[i]);
    }
    CHECK(signbit(qq_tensor_value(&y, 0)) && qq_tensor_value(&y, 0) == 0);
    CHECK(isnan(qq_tensor_value(&y, 5)) && isinf(qq_tensor_value(&y, 9)));
    room_free();
}

// --- int8 ------------------------------------------------------------------

// The scale of a number, at index at, by its channels.
static size_t scale_of(uint32_t channels, unsigned rank, const size_t *shape,
                       size_t i)
{
    size_t at[QQ_MAX_RANK];
    size_t k = 0;

    place_to_at(i, rank, shape, at);
    for (unsigned a = 0; a < rank; a++)
        if (channels >> a & 1)
            k = k * shape[a] + at[a];
    return k;
}

static void test_int8(qq_rule rule)
{
    const qq_type type = plain[below(3)];
    const size_t shape[3] = {1 + below(4), 1 + below(5), 1 + below(9)};
    const size_t count = shape[0] * shape[1] * shape[2];
    const int older = rule == QQ_RULE_FJFORMER;
    const float tiny = type == QQ_TYPE_F16 ? 6.103515625e-5f : 1.17549435e-38f;
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, rule);
    float most[256] = {0};

    s.channels = older ? 3 : (uint32_t)below(8);
    const qq_tensor x = numbers(type, 3, shape, below(2) ? 1.0f : 1e-4f);
    const qq_array a = quantized(&x, &s);
    const qq_tensor y = decoded(&a, rule, type);
    for (size_t i = 0; i < count; i++) {
        const size_t k = scale_of(s.channels, 3, shape, i);
        most[k] = fmaxf(most[k], fabsf(qq_tensor_value(&x, i)));
    }
    for (size_t i = 0; i < count; i++) {
        const size_t k = scale_of(s.channels, 3, shape, i);
        const float least = rounded(type, 1e-5f);
        const float m = older ? fmaxf(most[k], least) : most[k];
        const float part = rounded(type, m / 127.0f);
        const float scale = older ? part : rounded(type, part + tiny);
        const float v = qq_tensor_value(&x, i);
        const volatile float r = rounded(type, 1.0f / scale);
        const volatile float product = v * r;
        const float q =
            older ? rounded(type, product) : rounded(type, v / scale);
        const float code = code_of(q);
        CHECK(qq_tensor_value(&a.scale, k) == scale);
        CHECK((float)qq_tensor_code(&a.value, i) == code);
        CHECK(qq_tensor_value(&y, i) == rounded(type, code * scale));
    }
    room_free();
}

static void test_int8_examples(void)
{
    static const float x[9] = {1, 2, 3, 4, -5, 6, 0, 0, 0};
    static const int code[9] = {42, 85, 127, 85, -106, 127, 0, 0, 0};
    static const uint16_t over[2] = {0x3faa, 0xbfaa}; // +-1.328125
    const size_t three[2] = {3, 3};
    const size_t pair = 2;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, three);
    const qq_tensor u = qq_tensor_make(over, QQ_TYPE_BF16, 1, &pair);
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    const qq_array b = quantized(&u, &s);

    s.channels = 1;
    const qq_array a = quantized(&t, &s);
    for (size_t i = 0; i < 9; i++)
        CHECK(qq_tensor_code(&a.value, i) == code[i]);
    CHECK(check_bits(qq_tensor_value(&a.scale, 2)) == 0x00800000u);
    // 1.328125 / 0.01043701171875 = 127.25, which bf16 rounds to 127 or 127.5.
    CHECK(qq_tensor_code(&b.value, 0) == 127);
    CHECK(qq_tensor_code(&b.value, 1) == -128);
    room_free();
}

static void test_int8_special(void)
{
    const float inf = check_f32(0x7f800000);
    const float nan = check_f32(0x7fc00000);
    const float x[6] = {inf, 1, nan, 2, 0, -0.0f};
    const size_t shape[2] = {3, 2};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);

    s.channels = 1;
    const qq_array a = quantized(&t, &s);
    const qq_tensor y = decoded(&a, QQ_RULE_EFORMER, QQ_TYPE_F32);
    for (size_t i = 0; i < 6; i++) {
        CHECK(qq_tensor_code(&a.value, i) == 0);
        CHECK(i < 4 ? isnan(qq_tensor_value(&y, i))
                    : qq_tensor_value(&y, i) == 0);
    }
    CHECK(isinf(qq_tensor_value(&a.scale, 0)));
    CHECK(isnan(qq_tensor_value(&a.scale, 1)));
    room_free();
}

// --- division --------------------------------------------------------------

static void test_reciprocal(void)
{
    const qq_type type = plain[below(3)];
    const size_t shape[2] = {2, 12};
    const qq_tensor x = numbers(type, 2, shape, 1.0f);
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    const float tiny = type == QQ_TYPE_F16 ? 6.103515625e-5f : 1.17549435e-38f;
    const float third = rounded(type, 1.0f / 127.0f);

    s.channels = 1;
    s.division = QQ_DIVISION_RECIPROCAL;
    const qq_array a = quantized(&x, &s);
    for (size_t i = 0; i < 24; i++) {
        const float most = largest(&x, i / 12 * 12, 12);
        const volatile float product = most * third;
        const int by = type != QQ_TYPE_BF16;
        const float part = rounded(type, by ? product : most / 127.0f);
        const float scale = rounded(type, part + tiny);
        const float r = rounded(type, 1.0f / scale);
        const volatile float v = qq_tensor_value(&x, i) * r;
        const float q = rounded(type, by ? v : qq_tensor_value(&x, i) / scale);
        CHECK(qq_tensor_value(&a.scale, i / 12) == scale);
        CHECK((float)qq_tensor_code(&a.value, i) == code_of(q));
    }
    room_free();
}

// The reciprocal of a subnormal size is 0, and so are all quotients.
static void test_reciprocal_flushed(void)
{
    static const float x[2] = {1e38f, -3e38f};
    const size_t two = 2;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &two);
    qq_scheme s = nf4_scheme(QQ_RULE_EFORMER, 1, 2);
    const qq_array a = quantized(&t, &s);

    s.division = QQ_DIVISION_RECIPROCAL;
    const qq_array b = quantized(&t, &s);
    CHECK(qq_tensor_code(&a.value, 0) == 11 &&
          qq_tensor_code(&a.value, 1) == 0);
    CHECK(qq_tensor_code(&b.value, 0) == 7 && qq_tensor_code(&b.value, 1) == 7);
    room_free();
}

// --- ternary, binary -------------------------------------------------------

static void expect_values(const qq_tensor *x, qq_type type, const int *want)
{
    const qq_scheme s = qq_scheme_init_rule(type, QQ_RULE_EFORMER);
    const qq_array a = quantized(x, &s);
    const qq_tensor y = decoded(&a, QQ_RULE_EFORMER, QQ_TYPE_F16);

    CHECK(a.value.type == QQ_TYPE_TERNARY);
    CHECK(qq_tensor_count(&a.scale) == 1 && qq_tensor_value(&a.scale, 0) == 1);
    for (size_t i = 0; i < qq_tensor_count(x); i++) {
        CHECK(qq_tensor_value(&a.value, i) == (float)want[i]);
        CHECK(qq_tensor_value(&y, i) == (float)want[i]);
    }
    room_free();
}

static void test_ternary(void)
{
    static const float x[8] = {0.1f,  -0.7f, 0.5f, 0.2f,
                               -0.3f, 0.05f, 0.9f, -0.01f};
    static const int want[8] = {0, -1, 1, 0, -1, 0, 1, 0};
    static const float constant[3] = {-0.1f, -0.1f, -0.1f};
    static const float zeros[3] = {0, 0, 0};
    static const int8_t whole[4] = {100, -100, 3, -50};
    static const int minus[3] = {-1, -1, -1}, none[4] = {0, 0, 0, 0};
    static const int of_whole[4] = {1, -1, 0, -1};
    const float spoilt[4] = {check_f32(0x7fc00000), 1, -1, 2};
    const float endless[4] = {check_f32(0xff800000), 1, -1, 2};
    const float signs[4] = {-0.0f, check_f32(0x7fc00000), check_f32(0xff800000),
                            check_f32(1)};
    static const int of_signs[4] = {1, 0, -1, 1};
    const size_t shape[2] = {4, 2};
    const size_t three = 3, four = 4;
    qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);

    expect_values(&t, QQ_TYPE_TERNARY, want);
    t = qq_tensor_make(constant, QQ_TYPE_F32, 1, &three);
    expect_values(&t, QQ_TYPE_TERNARY, minus);
    t = qq_tensor_make(zeros, QQ_TYPE_F32, 1, &three);
    expect_values(&t, QQ_TYPE_TERNARY, none);
    t = qq_tensor_make(spoilt, QQ_TYPE_F32, 1, &four);
    expect_values(&t, QQ_TYPE_TERNARY, none);
    t = qq_tensor_make(endless, QQ_TYPE_F32, 1, &four);
    expect_values(&t, QQ_TYPE_TERNARY, none);
    t = qq_tensor_make(whole, QQ_TYPE_INT8, 1, &four); // t = 35.6
    expect_values(&t, QQ_TYPE_TERNARY, of_whole);
    t = qq_tensor_make(signs, QQ_TYPE_F32, 1, &four);
    expect_values(&t, QQ_TYPE_SIGN, of_signs);
    t = qq_tensor_make(whole, QQ_TYPE_INT8, 1, &four);
    static const int of_bytes[4] = {1, -1, 1, -1};
    expect_values(&t, QQ_TYPE_SIGN, of_bytes);
}

// Half of the deviation, in double; numbers right at it are left out.
static void test_threshold(void)
{
    const size_t n = 1 + below(60);
    const qq_tensor x = numbers(QQ_TYPE_F32, 1, &n, 3.0f);
    const qq_scheme s = qq_scheme_init_rule(QQ_TYPE_TERNARY, QQ_RULE_EFORMER);
    const qq_array a = quantized(&x, &s);
    double mean = 0, sum = 0;

    for (size_t i = 0; i < n; i++)
        mean += (double)qq_tensor_value(&x, i) / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += pow((double)qq_tensor_value(&x, i) - mean, 2);
    const double t = 0.5 * sqrt(sum / (double)n);
    for (size_t i = 0; i < n && t > 1e-3; i++) {
        const double v = (double)qq_tensor_value(&x, i);
        if (fabs(fabs(v) - t) > 1e-5 * t)
            CHECK(qq_tensor_value(&a.value, i) == (v > t    ? 1.0f
                                                   : v < -t ? -1.0f
                                                            : 0.0f));
    }
    room_free();
}

// --- refusals --------------------------------------------------------------

static uint32_t bad_of(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = 0;

    CHECK(qq_scheme_check(s, x, &bad) != QQ_OK);
    CHECK(x == NULL || qq_array_size(x, s) == SIZE_MAX);
    return bad;
}

static void test_refusals(void)
{
    static const float x[12] = {0};
    static const int32_t whole[12] = {0};
    const size_t shape[2] = {3, 4}, empty[2] = {3, 0};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    const qq_tensor scalar = qq_tensor_make(x, QQ_TYPE_F32, 0, NULL);
    const qq_tensor none = qq_tensor_make(x, QQ_TYPE_F32, 2, empty);
    const qq_tensor ints = qq_tensor_make(whole, QQ_TYPE_INT32, 2, shape);
    qq_scheme s = nf4_scheme(QQ_RULE_EFORMER, 2, 3);

    CHECK(bad_of(&s, &t) & QQ_BAD_TILE); // odd
    s.tile[1] = 0;
    CHECK(bad_of(&s, &t) & QQ_BAD_TILE);
    CHECK(bad_of(&s, NULL) & QQ_BAD_TILE);
    s.tile[1] = 2;
    CHECK(qq_scheme_check(&s, &t, NULL) == QQ_OK);
    CHECK(qq_scheme_check(&s, NULL, NULL) == QQ_OK);
    CHECK(bad_of(&s, &ints) & QQ_BAD_INPUT);
    CHECK(qq_scheme_check(&s, &scalar, NULL) != QQ_OK);
    s.tile[0] = 1;
    CHECK(bad_of(&s, &t) & QQ_BAD_TILE);
    s.tile[0] = 0;
    s.channels = 1;
    CHECK(bad_of(&s, &t) & QQ_BAD_AXIS);
    s.channels = 0;
    s.tile[1] =
        SIZE_MAX - 1; // a row of that many has more bytes than there are
    CHECK(qq_array_size(&t, &s) == SIZE_MAX);

    s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    CHECK(qq_scheme_check(&s, &scalar, NULL) == QQ_OK);
    CHECK(bad_of(&s, &none) & QQ_BAD_TILE);
    CHECK(bad_of(&s, &ints) & QQ_BAD_INPUT);
    s.channels = 2;
    CHECK(qq_scheme_check(&s, &none, NULL) == QQ_OK);
    s.channels = 4;
    CHECK(bad_of(&s, &t) & QQ_BAD_AXIS);
    s.channels = 1;
    s.calibration.method = QQ_CALIB_MINMAX;
    CHECK(bad_of(&s, &t) & QQ_BAD_CALIBRATION);
    s.calibration.method = QQ_CALIB_ABSMAX;
    s.noise = QQ_NOISE_UNIFORM;
    CHECK(bad_of(&s, &t) & QQ_BAD_NOISE);
    s.noise = QQ_NOISE_NONE;
    s.division = QQ_DIVISION_MULTIPLY;
    CHECK(bad_of(&s, &t) & QQ_BAD_RULE);
    s.division = QQ_DIVISION_TRUE;
    s.scale_type = QQ_TYPE_BF16;
    CHECK(bad_of(&s, &t) & QQ_BAD_SCALE_TYPE);
    s.scale_type = QQ_TYPE_F32;
    CHECK(qq_scheme_check(&s, &t, NULL) == QQ_OK);

    s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER_FLAT);
    CHECK(bad_of(&s, &t) & QQ_BAD_TYPE);
    s = qq_scheme_init_rule(QQ_TYPE_INT4, QQ_RULE_EFORMER);
    CHECK(bad_of(&s, &t) & QQ_BAD_TYPE);
    s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_FJFORMER);
    CHECK(bad_of(&s, &t) & QQ_BAD_AXIS);
    s.channels = 1;
    CHECK(qq_scheme_check(&s, &t, NULL) == QQ_OK);
}

// What has no meaning for these rules is refused, not guessed.
static void test_unsupported(void)
{
    static const float x[4] = {1, 2, 3, 4};
    const size_t four = 4;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &four);
    const qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    uint8_t out[64];
    qq_bounds b;
    qq_tensor y;
    qq_array a = quantized(&t, &s);

    CHECK(qq_calibrate(&t, &s, out, sizeof out, &b) == QQ_ERR_UNSUPPORTED);
    a.scale2 = 2.0f;
    CHECK(qq_dequantize(&a, QQ_RULE_EFORMER, QQ_TYPE_F32, out, sizeof out,
                        &y) == QQ_ERR_TYPE);
    // Padding has no place in x's bytes.
    const qq_scheme nf4 = nf4_scheme(QQ_RULE_EFORMER, 1, 6);
    const qq_scheme fits = nf4_scheme(QQ_RULE_EFORMER, 1, 2);
    float fake[4] = {0};
    CHECK(qq_fake_quantize(&t, &nf4, fake, 16, out, sizeof out) == QQ_ERR_SIZE);
    // Signs are made of integers, too, but what is read back is no integer.
    const qq_scheme sign = qq_scheme_init_rule(QQ_TYPE_SIGN, QQ_RULE_EFORMER);
    qq_tensor ints = t;
    ints.type = QQ_TYPE_INT8;
    CHECK(qq_array_size(&ints, &sign) != SIZE_MAX);
    CHECK(qq_fake_quantize_scratch_size(&ints, &sign) == SIZE_MAX);
    CHECK(qq_fake_quantize(&ints, &sign, fake, 16, out, sizeof out) ==
          QQ_ERR_TYPE);
    CHECK(fake[0] == 0 && fake[3] == 0);
    CHECK(qq_fake_quantize(&t, &fits, fake, 16, out, sizeof out) == QQ_OK);
    CHECK(fake[3] == qq_eformer_levels(QQ_NF4_POLYNOMIAL)[15] * 4);
    a = quantized(&t, &s);
    a.type = QQ_TYPE_INT7;
    CHECK(qq_dequantize(&a, QQ_RULE_EFORMER, QQ_TYPE_F32, out, sizeof out,
                        &y) == QQ_ERR_TYPE);
    room_free();
}

int main(void)
{
    const size_t cases = check_count(300);

    test_levels();
    for (size_t i = 0; i < cases; i++) {
        test_nf4();
        test_nf4_flat(QQ_RULE_EFORMER_FLAT);
        test_nf4_flat(QQ_RULE_FJFORMER);
        test_int8(QQ_RULE_EFORMER);
        test_int8(QQ_RULE_FJFORMER);
        test_reciprocal();
        test_threshold();
    }
    test_nf4_example();
    test_nf4_special();
    test_int8_examples();
    test_int8_special();
    test_reciprocal_flushed();
    test_ternary();
    test_refusals();
    test_unsupported();
    return check_done();
}
