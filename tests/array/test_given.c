// Step by step is the whole way; given scales; scaled numbers; there and back.

#include "weights.h"

static qq_scheme random_scheme(qq_rule rule, unsigned rank, size_t *shape)
{
    const qq_type type = weights_types[below(WEIGHTS_TYPES)];
    qq_scheme s = qq_scheme_init_rule(type, rule);
    qq_type_info info;

    (void)qq_type_get(type, &info);
    s.levels = weights_levels;
    s.level_count = 11;
    s.two_level = rule == QQ_RULE_QQUANT && below(4) == 0;
    s.division = (qq_division)(1 + below(4));
    s.range = (qq_range)(1 + below(3));
    if (below(3) == 0)
        s.calibration.method = QQ_CALIB_MINMAX;
    for (unsigned a = 0; a < rank; a++) {
        const size_t tile = 1 + below(4);
        shape[a] = tile * (1 + below(5));
        if (info.tile != 0 && a == 0) {
            shape[a] = info.tile * (1 + below(2));
            (void)qq_scheme_tile(&s, 0, rank, info.tile);
        } else if (below(2)) {
            (void)qq_scheme_channel(&s, (int)a, rank);
        } else if (info.tile == 0) {
            (void)qq_scheme_tile(&s, (int)a, rank, tile);
        }
    }
    return s;
}

static int same_tensor(const qq_tensor *a, const qq_tensor *b)
{
    return a->type == b->type && qq_tensor_bytes(a) == qq_tensor_bytes(b) &&
           memcmp(a->data, b->data, qq_tensor_bytes(a)) == 0;
}

static void check_steps(const qq_tensor *x, const qq_scheme *s)
{
    qq_array whole, given;
    qq_bounds bounds;
    qq_tensor scale, zero;
    float scale2 = 0.0f;

    CHECK(weights_quantize(x, s, &whole) == QQ_OK);
    const size_t n = qq_calibrate_size(x, s);
    CHECK(qq_calibrate(x, s, room(n), n, &bounds) == QQ_OK);
    const size_t m = qq_scale_size(&bounds, s);
    CHECK(qq_scale_from_bounds(&bounds, s, room(m), m, &scale, &zero,
                               &scale2) == QQ_OK);
    CHECK(same_tensor(&scale, &whole.scale));
    CHECK(scale2 >= whole.scale2 && scale2 <= whole.scale2);
    const int affine = zero.type != QQ_TYPE_NONE;
    CHECK(affine == (whole.zero_point.type != QQ_TYPE_NONE));
    CHECK(!affine || same_tensor(&zero, &whole.zero_point));
    if (s->two_level)
        return; // a second level cannot be given
    const qq_tensor *z = affine ? &zero : NULL;
    const size_t k = qq_quantize_given_size(x, s, &scale, z);
    CHECK(qq_quantize_given(x, s, &scale, z, room(k), k, &given) == QQ_OK);
    if (!CHECK(same_tensor(&given.value, &whole.value)))
        printf("    %s rule %d\n", qq_type_name(s->type), (int)s->rule);
    CHECK(same_tensor(&given.scale, &whole.scale));
}

static void test_steps(void)
{
    static const qq_type inputs[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

    for (size_t k = 0; k < check_count(1500); k++) {
        const qq_rule rule = k % 2 ? QQ_RULE_QWIX : QQ_RULE_QQUANT;
        size_t shape[3];
        const unsigned rank = 1 + (unsigned)below(3);
        const qq_scheme s = random_scheme(rule, rank, shape);
        const qq_tensor x = weights_tensor(inputs[below(3)], rank, shape, 2.0f);
        if (qq_scheme_check(&s, &x, NULL) == QQ_OK)
            check_steps(&x, &s);
        room_free();
    }
}

// A scale of 0 is not guarded; a negative one divides.
static void test_odd_scales(void)
{
    float data[6] = {1.0f, -1.0f, 0.0f, 2.0f, -2.5f, 0.5f};
    float scales[2] = {0.0f, -0.5f};
    const size_t shape[2] = {2, 3}, scale_shape[2] = {2, 1};
    const int32_t want[6] = {127, -127, 0, -4, 5, -1};
    const qq_tensor x = qq_tensor_make(data, QQ_TYPE_F32, 2, shape);
    const qq_tensor s = qq_tensor_make(scales, QQ_TYPE_F32, 2, scale_shape);
    const qq_scheme q = qq_scheme_init(QQ_TYPE_INT8);
    uint8_t out[14];
    qq_array a;

    CHECK(qq_quantize_given_size(&x, &q, &s, NULL) == 14);
    CHECK(qq_quantize_given(&x, &q, &s, NULL, out, 14, &a) == QQ_OK);
    for (size_t i = 0; i < 6; i++)
        CHECK(qq_tensor_code(&a.value, i) == want[i]);
}

// A scale in f64 counts rounded to f32, under Qwix to the type of x.
static void test_wide_scale(void)
{
    const float data[3] = {1.0f, -0.4f, 0.05f};
    const double scale = 0.1;
    const size_t n = 3, one = 1;
    const qq_tensor x = qq_tensor_make(data, QQ_TYPE_F32, 1, &n);
    const qq_tensor s = qq_tensor_make(&scale, QQ_TYPE_F64, 1, &one);
    qq_scheme q = qq_scheme_init(QQ_TYPE_INT16);
    uint8_t out[16];
    float back[3];
    qq_tensor view;
    qq_array a;

    for (int k = 0; k < 2; k++) {
        q.rule = k ? QQ_RULE_QWIX : QQ_RULE_QQUANT;
        CHECK(qq_quantize_given(&x, &q, &s, NULL, out, 16, &a) == QQ_OK);
        CHECK(a.scale.type == (k ? QQ_TYPE_F32 : QQ_TYPE_F64));
        CHECK(qq_tensor_code(&a.value, 0) == 10);
        CHECK(qq_tensor_code(&a.value, 1) == -4);
        CHECK(qq_dequantize(&a, q.rule, QQ_TYPE_F32, back, 12, &view) == QQ_OK);
        CHECK(check_bits(back[0]) == check_bits(10.0f * 0.1f));
    }
}

static void test_given_errors(void)
{
    float data[6] = {0};
    int8_t zeros[6] = {0};
    const size_t shape[2] = {2, 3}, two[2] = {2, 2}, rows[2] = {2, 1};
    const size_t more[2] = {4, 1};
    const qq_tensor x = qq_tensor_make(data, QQ_TYPE_F32, 2, shape);
    qq_tensor s = qq_tensor_make(data, QQ_TYPE_F32, 2, rows);
    qq_tensor z = qq_tensor_make(zeros, QQ_TYPE_INT8, 2, rows);
    qq_scheme q = qq_scheme_init(QQ_TYPE_INT8);
    uint8_t out[32];
    qq_array a;

    CHECK(qq_quantize_given(&x, &q, &s, &z, out, 32, &a) == QQ_OK);
    CHECK(qq_quantize_given(&x, &q, NULL, NULL, out, 32, &a) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_quantize_given(&x, &q, &s, &z, out, 15, &a) == QQ_ERR_SIZE);
    CHECK(qq_quantize_given(&x, &q, &s, &z, out, 32, NULL) == QQ_ERR_ARGUMENT);
    z.type = QQ_TYPE_INT4;
    CHECK(qq_quantize_given(&x, &q, &s, &z, out, 32, &a) == QQ_ERR_TYPE);
    z = qq_tensor_make(zeros, QQ_TYPE_INT8, 2, shape);
    CHECK(qq_quantize_given(&x, &q, &s, &z, out, 32, &a) == QQ_ERR_SHAPE);
    s = qq_tensor_make(data, QQ_TYPE_F32, 2, two);
    CHECK(qq_quantize_given(&x, &q, &s, NULL, out, 32, &a) == QQ_ERR_SHAPE);
    s = qq_tensor_make(data, QQ_TYPE_F32, 2, more);
    CHECK(qq_quantize_given(&x, &q, &s, NULL, out, 32, &a) == QQ_ERR_SHAPE);
    s = qq_tensor_make(data, QQ_TYPE_F32, 1, rows);
    CHECK(qq_quantize_given(&x, &q, &s, NULL, out, 32, &a) == QQ_ERR_SHAPE);
    s = qq_tensor_make(data, QQ_TYPE_INT8, 2, rows);
    CHECK(qq_quantize_given(&x, &q, &s, NULL, out, 32, &a) == QQ_ERR_TYPE);
    s.type = QQ_TYPE_E4M3FN;
    q.rule = QQ_RULE_QWIX;
    CHECK(qq_quantize_given(&x, &q, &s, NULL, out, 32, &a) == QQ_ERR_TYPE);
    CHECK(qq_quantize_given(&x, &q, &s, NULL, out, 1, &a) == QQ_ERR_TYPE);
    CHECK(qq_quantize_given_size(&x, &q, &s, NULL) == SIZE_MAX);
    s.type = QQ_TYPE_F32;
    q.type = QQ_TYPE_INT5;
    z = qq_tensor_make(zeros, QQ_TYPE_INT5, 2, rows);
    CHECK(qq_quantize_given(&x, &q, &s, &z, out, 1, &a) == QQ_ERR_TYPE);
    CHECK(qq_quantize_given_size(&x, &q, &s, &z) == SIZE_MAX);
}

static void test_scale_errors(void)
{
    const float one = 1.0f;
    const qq_tensor t = qq_tensor_make(&one, QQ_TYPE_F32, 0, NULL);
    qq_scheme s = qq_scheme_init(QQ_TYPE_NVFP4);
    qq_tensor scale, zero;
    float out[2], scale2;
    qq_bounds b;

    memset(&b, 0, sizeof b);
    CHECK(qq_scale_from_bounds(&b, &s, out, 8, &scale, &zero, &scale2) ==
          QQ_ERR_ARGUMENT);
    b.absmax = t;
    CHECK(qq_scale_from_bounds(&b, &s, out, 8, &scale, &zero, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_scale_from_bounds(&b, &s, out, 8, &scale, &zero, &scale2) ==
          QQ_OK);
    b.min = t;
    CHECK(qq_scale_from_bounds(&b, &s, out, 8, &scale, &zero, &scale2) ==
          QQ_ERR_ARGUMENT);
    b.absmax.type = QQ_TYPE_NONE;
    CHECK(qq_scale_from_bounds(&b, &s, out, 8, &scale, &zero, &scale2) ==
          QQ_ERR_ARGUMENT);
    b.max = t;
    s = qq_scheme_init(QQ_TYPE_E4M3FN);
    CHECK(qq_scale_from_bounds(&b, &s, out, 8, &scale, &zero, &scale2) ==
          QQ_ERR_SCHEME);
    CHECK(qq_scale_from_bounds(&b, &s, out, 0, &scale, &zero, &scale2) ==
          QQ_ERR_SCHEME);
    CHECK(qq_scale_size(&b, &s) == SIZE_MAX);
    s = qq_scheme_init(QQ_TYPE_INT8);
    CHECK(qq_scale_size(&b, &s) == 5);
    CHECK(qq_scale_from_bounds(&b, &s, out, 4, &scale, &zero, NULL) ==
          QQ_ERR_SIZE);
    CHECK(qq_scale_from_bounds(&b, &s, out, 5, &scale, &zero, NULL) == QQ_OK);
}

// Codes of scaled numbers are those of an array whose scales are 1.
static void test_encode(void)
{
    for (size_t k = 0; k < WEIGHTS_TYPES * 2; k++) {
        const qq_rule rule = k % 2 ? QQ_RULE_QWIX : QQ_RULE_QQUANT;
        qq_scheme s = qq_scheme_init_rule(weights_types[k / 2], rule);
        const size_t n = 150, ones = 1;
        const float one = 1.0f;
        const qq_tensor x = weights_tensor(QQ_TYPE_F32, 1, &n, 5.0f);
        const qq_tensor scale = qq_tensor_make(&one, QQ_TYPE_F32, 1, &ones);
        qq_tensor codes;
        qq_array a;

        s.levels = weights_levels;
        s.level_count = 11;
        weights_set(&x, 3, NAN);
        weights_set(&x, 70, INFINITY);
        const size_t bytes = qq_type_bytes(s.type, n);
        const qq_status status = qq_encode(&x, &s, room(bytes), bytes, &codes);
        if (status != QQ_OK) {
            CHECK(rule == QQ_RULE_QWIX && status == QQ_ERR_TYPE);
            room_free();
            continue;
        }
        const size_t size = qq_quantize_given_size(&x, &s, &scale, NULL);
        CHECK(qq_quantize_given(&x, &s, &scale, NULL, room(size), size, &a) ==
              QQ_OK);
        CHECK(same_tensor(&codes, &a.value));
        CHECK(qq_encode(&x, &s, room(bytes), bytes - 1, &codes) == QQ_ERR_SIZE);
        room_free();
    }
}

// Fake quantization in place is what one reads back.
static void test_fake(void)
{
    static const qq_type inputs[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

    for (size_t k = 0; k < check_count(300); k++) {
        const qq_rule rule = k % 2 ? QQ_RULE_QWIX : QQ_RULE_QQUANT;
        size_t shape[2];
        const qq_scheme s = random_scheme(rule, 2, shape);
        const qq_tensor x = weights_tensor(inputs[below(3)], 2, shape, 1.0f);
        const size_t bytes = qq_tensor_bytes(&x);
        const size_t need = qq_fake_quantize_scratch_size(&x, &s);
        qq_tensor back;
        qq_array a;

        if (qq_scheme_check(&s, &x, NULL) != QQ_OK) {
            CHECK(need == SIZE_MAX);
            room_free();
            continue;
        }
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        CHECK(qq_dequantize(&a, rule, x.type, room(bytes), bytes, &back) ==
              QQ_OK);
        void *data = (void *)(uintptr_t)x.data;
        CHECK(qq_fake_quantize(&x, &s, data, bytes, room(need), need - 1) ==
              QQ_ERR_SCRATCH);
        CHECK(qq_fake_quantize(&x, &s, data, bytes - 1, room(need), need) ==
              QQ_ERR_SIZE);
        CHECK(qq_fake_quantize(&x, &s, data, bytes, room(need), need) == QQ_OK);
        CHECK(memcmp(x.data, back.data, bytes) == 0);
        room_free();
    }
}

int main(void)
{
    test_steps();
    test_odd_scales();
    test_wide_scale();
    test_given_errors();
    test_scale_errors();
    test_encode();
    test_fake();
    return check_done();
}
