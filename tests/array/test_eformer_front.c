// eformer's names, its axes, and straight-through.

#include "random_array.h"

static void test_names(void)
{
    static const char *const wrong[] = {"",       "NF4",     "int4", "nf4 ",
                                        "Binary", "1bit",    "int",  "int88",
                                        "ternar", "binary\n"};
    qq_scheme s;

    CHECK(qq_eformer_scheme("nf4", 64, 2, &s) == QQ_OK);
    CHECK(s.type == QQ_TYPE_NF4 && s.rule == QQ_RULE_EFORMER);
    CHECK(s.tile[0] == 0 && s.tile[1] == 64 && s.channels == 0);
    CHECK(qq_eformer_scheme("int8", 0, 3, &s) == QQ_OK);
    CHECK(s.type == QQ_TYPE_INT8 && s.channels == 3);
    CHECK(qq_eformer_scheme("ternary", 0, 0, &s) == QQ_OK);
    CHECK(s.type == QQ_TYPE_TERNARY);
    CHECK(qq_eformer_scheme("binary", 1, 8, &s) == QQ_OK);
    CHECK(s.type == QQ_TYPE_SIGN && s.channels == 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(qq_eformer_scheme(wrong[i], 64, 2, &s) == QQ_ERR_FORMAT);
    CHECK(qq_eformer_scheme(NULL, 64, 2, &s) == QQ_ERR_ARGUMENT);
    CHECK(qq_eformer_scheme("nf4", 64, 2, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_eformer_scheme("nf4", 0, 2, &s) == QQ_ERR_ARGUMENT);
    CHECK(qq_eformer_scheme("nf4", 9, 2, &s) == QQ_ERR_ARGUMENT);
    CHECK(qq_eformer_scheme("nf4", 64, 0, &s) == QQ_ERR_AXIS);
    CHECK(qq_eformer_scheme("int8", 64, 0, &s) == QQ_ERR_AXIS);
    CHECK(qq_eformer_scheme("ternary", 64, 9, &s) == QQ_ERR_AXIS);
}

static void test_axes(void)
{
    static const int last = -1, five = 5, least = INT32_MIN;
    static const int twice[2] = {0, -2}, both[2] = {1, 0};
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);

    CHECK(qq_eformer_axes(&s, &last, 1, 3) == QQ_OK && s.channels == 3);
    CHECK(qq_eformer_axes(&s, &five, 1, 2) == QQ_OK && s.channels == 1);
    CHECK(qq_eformer_axes(&s, &least, 1, 8) == QQ_OK && s.channels == 0xfe);
    CHECK(qq_eformer_axes(&s, NULL, 0, 2) == QQ_OK && s.channels == 3);
    CHECK(qq_eformer_axes(&s, both, 2, 2) == QQ_OK && s.channels == 0);
    CHECK(qq_eformer_axes(&s, NULL, 0, 0) == QQ_OK && s.channels == 0);
    CHECK(qq_eformer_axes(&s, twice, 2, 2) == QQ_ERR_AXIS);
    CHECK(qq_eformer_axes(&s, &last, 1, 0) == QQ_ERR_AXIS);
    CHECK(qq_eformer_axes(&s, &last, 1, 9) == QQ_ERR_AXIS);
    CHECK(qq_eformer_axes(&s, NULL, 1, 2) == QQ_ERR_ARGUMENT);
    CHECK(qq_eformer_axes(NULL, &last, 1, 2) == QQ_ERR_ARGUMENT);
}

// --- straight-through ------------------------------------------------------

static qq_tensor through(const qq_tensor *x, const qq_scheme *s, int as_eformer)
{
    const size_t bytes = qq_straight_through_size(x, s, as_eformer);
    const size_t need = qq_straight_through_scratch_size(x, s, as_eformer);
    qq_tensor y;

    memset(&y, 0, sizeof y);
    if (!CHECK(bytes != SIZE_MAX && need != SIZE_MAX))
        return y;
    void *out = room(bytes);
    void *scratch = room(need);
    CHECK(qq_straight_through(x, s, as_eformer, out, bytes, scratch, need,
                              &y) == QQ_OK);
    CHECK(y.type == x->type && qq_tensor_bytes(&y) == bytes);
    CHECK(bytes == 0 || y.data == out);
    if (bytes > 0)
        CHECK(qq_straight_through(x, s, as_eformer, out, bytes - 1, scratch,
                                  need, &y) == QQ_ERR_SIZE);
    if (need > 0)
        CHECK(qq_straight_through(x, s, as_eformer, out, bytes, scratch,
                                  need - 1, &y) == QQ_ERR_SCRATCH);
    return y;
}

// Every name, against quantize and dequantize by hand.
static void test_forward(void)
{
    static const char *const names[] = {"nf4", "int8", "ternary", "binary"};
    static const qq_type types[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};
    const size_t shape[2] = {1 + below(4), 1 + below(20)};
    const qq_tensor x = random_tensor(types[below(3)], 2, shape);
    const int name = (int)below(4);
    qq_scheme s;
    qq_array a;
    qq_tensor y;

    CHECK(qq_eformer_scheme(names[name], 2 + 2 * below(5), 2, &s) == QQ_OK);
    const size_t bytes = qq_array_size(&x, &s);
    CHECK(qq_quantize(&x, &s, room(bytes), bytes, &a) == QQ_OK);
    const size_t wide = qq_type_bytes(x.type, qq_tensor_count(&a.value));
    CHECK(qq_dequantize(&a, s.rule, x.type, room(wide), wide, &y) == QQ_OK);
    const qq_tensor z = through(&x, &s, 0);
    CHECK(same_shape(&z, 2, shape));
    for (size_t i = 0; i < shape[0] * shape[1]; i++) {
        const size_t row = i / shape[1];
        const size_t at = row * y.shape[1] + i % shape[1];
        CHECK(check_bits(qq_tensor_value(&z, i)) ==
              check_bits(qq_tensor_value(&y, at)));
    }
    if (name < 2) { // eformer's own keeps the padding
        const qq_tensor own = through(&x, &s, 1);
        CHECK(same_shape(&own, 2, y.shape));
        CHECK(memcmp(own.data, y.data, wide) == 0);
    }
    room_free();
}

// eformer packs what it should have quantized.
static void test_raw(void)
{
    static const float x[8] = {-1.5f, -0.9f, -0.1f, 0, 0.3f, 0.99f, 1, 2.5f};
    static const float own[8] = {-1, -1, -1, 0, 0, 0, 1, 2};
    static const float sign[8] = {-1, -1, -1, 1, 1, 1, 1, 1};
    const size_t eight = 8, six = 6;
    qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &eight);
    qq_scheme s;

    CHECK(qq_eformer_scheme("binary", 0, 1, &s) == QQ_OK);
    const qq_tensor y = through(&t, &s, 1);
    CHECK(memcmp(y.data, own, sizeof own) == 0);
    const qq_tensor z = through(&t, &s, 0);
    CHECK(memcmp(z.data, sign, sizeof sign) == 0);
    t = qq_tensor_make(x, QQ_TYPE_F32, 1, &six);
    CHECK(qq_straight_through_size(&t, &s, 1) == SIZE_MAX);
    CHECK(qq_straight_through_scratch_size(&t, &s, 1) == SIZE_MAX);
    CHECK(memcmp(through(&t, &s, 0).data, sign, 24) == 0);
    room_free();
}

// An empty row becomes one block of padding, of which nothing is wanted.
static void test_empty(void)
{
    const size_t shape[2] = {3, 0};
    const qq_tensor x = qq_tensor_make(NULL, QQ_TYPE_F32, 2, shape);
    qq_scheme s;

    CHECK(qq_eformer_scheme("nf4", 4, 2, &s) == QQ_OK);
    const qq_tensor y = through(&x, &s, 0);
    CHECK(same_shape(&y, 2, shape));
    const qq_tensor own = through(&x, &s, 1);
    CHECK(own.shape[0] == 3 && own.shape[1] == 4);
    room_free();
}

static void test_refusals(void)
{
    static const float x[8] = {0};
    const size_t shape[2] = {2, 4}, other[2] = {4, 2};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    const qq_tensor u = qq_tensor_make(x, QQ_TYPE_F32, 2, other);
    const qq_tensor ints = qq_tensor_make(x, QQ_TYPE_INT32, 2, shape);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    uint8_t out[64], scratch[64];
    qq_tensor y;

    CHECK(qq_straight_through(&t, &s, 0, out, 64, scratch, 64, &y) ==
          QQ_ERR_SCHEME);
    CHECK(qq_eformer_scheme("ternary", 0, 2, &s) == QQ_OK);
    CHECK(qq_straight_through(&ints, &s, 0, out, 64, scratch, 64, &y) ==
          QQ_ERR_TYPE);
    CHECK(qq_straight_through(&t, &s, 0, out, 64, scratch, 64, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_straight_through(&t, NULL, 0, out, 64, scratch, 64, &y) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_straight_through_gradient(&t, &u, out, 64, &y) == QQ_ERR_SHAPE);
    CHECK(qq_straight_through_gradient(&t, &ints, out, 31, &y) == QQ_ERR_SIZE);
    CHECK(qq_straight_through_gradient(&t, &t, out, 64, &y) == QQ_OK);
    CHECK(memcmp(out, x, 32) == 0 && same_shape(&y, 2, shape));
}

int main(void)
{
    const size_t cases = check_count(300);

    test_names();
    test_axes();
    for (size_t i = 0; i < cases; i++)
        test_forward();
    test_raw();
    test_empty();
    test_refusals();
    return check_done();
}
