// Operations element by element, against double and against integers that
// are wide enough.

#include "numbers.h"

static int is_float(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

static double number(const qq_tensor *t, size_t i)
{
    if (t->type == QQ_TYPE_INT32)
        return (double)qq_tensor_code(t, i);
    return (double)qq_tensor_value(t, i);
}

// x op y in double; sums and products of floats of 24 bits may be rounded
// here, too, but never beside a middle.
static double binary(qq_binary op, double x, double y, int integer)
{
    if (op == QQ_BINARY_ADD)
        return x + y;
    if (op == QQ_BINARY_MULTIPLY)
        return x * y;
    if (op == QQ_BINARY_DIVIDE && integer)
        return y == 0 ? -1 : trunc(x / y);
    if (op == QQ_BINARY_DIVIDE)
        return x / y;
    if (op == QQ_BINARY_LESS)
        return x < y;
    if (isnan(x) || isnan(y))
        return (double)NAN;
    return x == y ? (signbit(x) ? y : x) : x < y ? y : x;
}

// The low bits of a whole number below 2^63.
static int32_t wrapped(qq_type type, int64_t v)
{
    const uint64_t u = (uint64_t)v;

    if (type == QQ_TYPE_INT8)
        return (int32_t)(int8_t)(u & 255);
    if (type == QQ_TYPE_UINT8)
        return (int32_t)(u & 255);
    if (type == QQ_TYPE_INT16)
        return (int32_t)(int16_t)(u & 65535);
    return (int32_t)(u & 0xffffffff);
}

static int64_t exact(qq_binary op, const qq_tensor *x, const qq_tensor *y,
                     size_t i)
{
    const int64_t a = qq_tensor_code(x, i);
    const int64_t b = qq_tensor_code(y, i);

    if (op == QQ_BINARY_MULTIPLY)
        return a * b;
    return (int64_t)binary(op, (double)a, (double)b, 1);
}

static void test_binary(void)
{
    const qq_type type = op_types[below(7)];
    const size_t shape[2] = {1 + below(5), 1 + below(9)};
    const qq_tensor x = any_numbers(type, 2, shape);
    const qq_tensor y = any_numbers(type, 2, shape);
    const qq_operand p = qq_operand_tensor(&x), q = qq_operand_tensor(&y);

    for (int k = QQ_BINARY_ADD; k <= QQ_BINARY_LESS; k++) {
        const qq_binary op = (qq_binary)k;
        const qq_type want = op == QQ_BINARY_LESS ? QQ_TYPE_UINT8 : type;
        const size_t bytes = qq_type_bytes(want, shape[0] * shape[1]);
        qq_tensor z;
        CHECK(qq_operand_binary(&p, op, &q, room(bytes), bytes, NULL, 0, &z) ==
              QQ_OK);
        CHECK(z.type == want && same_shape(&z, 2, shape));
        for (size_t i = 0; i < shape[0] * shape[1]; i++) {
            if (!is_float(type)) {
                CHECK(qq_tensor_code(&z, i) ==
                      wrapped(want, exact(op, &x, &y, i)));
                continue;
            }
            const double v = binary(op, number(&x, i), number(&y, i), 0);
            CHECK(op == QQ_BINARY_LESS
                      ? qq_tensor_code(&z, i) == (int)v
                      : same_float(qq_tensor_value(&z, i), as_type(type, v)));
        }
        CHECK(qq_operand_binary(&p, op, &q, room(bytes), bytes - 1, NULL, 0,
                                &z) == QQ_ERR_SIZE);
    }
    room_free();
}

static void test_edges(void)
{
    static const int32_t a[4] = {INT32_MIN, 7, -7, 5};
    static const int32_t b[4] = {-1, -2, 2, 0};
    static const int32_t want[4] = {INT32_MIN, -3, -3, -1};
    static const uint8_t c[2] = {200, 3}, zero[2] = {0, 2};
    const float m[3] = {-0.0f, 0.0f, check_f32(0x7fc00001)};
    const float n[3] = {0.0f, -0.0f, 1.0f};
    const size_t four = 4, two = 2, three = 3;
    qq_tensor x = qq_tensor_make(a, QQ_TYPE_INT32, 1, &four);
    qq_tensor y = qq_tensor_make(b, QQ_TYPE_INT32, 1, &four);
    const qq_operand p = qq_operand_tensor(&x), q = qq_operand_tensor(&y);
    uint8_t out[16];
    qq_tensor z;

    CHECK(qq_operand_binary(&p, QQ_BINARY_DIVIDE, &q, out, 16, NULL, 0, &z) ==
          QQ_OK);
    CHECK(memcmp(out, want, 16) == 0);
    x = qq_tensor_make(c, QQ_TYPE_UINT8, 1, &two);
    y = qq_tensor_make(zero, QQ_TYPE_UINT8, 1, &two);
    CHECK(qq_operand_binary(&p, QQ_BINARY_DIVIDE, &q, out, 2, NULL, 0, &z) ==
          QQ_OK);
    CHECK(out[0] == 255 && out[1] == 1);
    x = qq_tensor_make(m, QQ_TYPE_F32, 1, &three);
    y = qq_tensor_make(n, QQ_TYPE_F32, 1, &three);
    CHECK(qq_operand_binary(&p, QQ_BINARY_MAXIMUM, &q, out, 12, NULL, 0, &z) ==
          QQ_OK);
    CHECK(check_bits(qq_tensor_value(&z, 0)) == 0);
    CHECK(check_bits(qq_tensor_value(&z, 1)) == 0);
    CHECK(check_bits(qq_tensor_value(&z, 2)) == 0x7fc00000u);
}

// The functions are tested by themselves; here it is who is asked, and the
// rounding to the type.
static void test_unary(void)
{
    const qq_type type = op_types[below(3)];
    const size_t n = 1 + below(40);
    const qq_tensor x = any_numbers(type, 1, &n);
    const qq_operand p = qq_operand_tensor(&x);
    const size_t bytes = qq_tensor_bytes(&x);
    void *out = room(bytes);
    qq_tensor z;

    for (int k = QQ_UNARY_EXP; k <= QQ_UNARY_SQRT; k++) {
        CHECK(qq_operand_unary(&p, (qq_unary)k, out, bytes, NULL, 0, &z) ==
              QQ_OK);
        CHECK(z.type == type && same_shape(&z, 1, &n));
        for (size_t i = 0; i < n; i++) {
            const double v = number(&x, i);
            const double f = k == QQ_UNARY_EXP   ? exp(v)
                             : k == QQ_UNARY_LOG ? log(v)
                                                 : sqrt(v);
            // exp and log of f16 and bf16 are rounded twice: rarely one apart.
            const float want = as_type(type, f);
            const float got = qq_tensor_value(&z, i);
            const uint32_t step = type == QQ_TYPE_F16    ? 1u << 13
                                  : type == QQ_TYPE_BF16 ? 1u << 16
                                                         : 1;
            CHECK(same_float(got, want) ||
                  (k != QQ_UNARY_SQRT && fabs(f) > 1e-4 &&
                   check_ulp(got, want) <= step) ||
                  (fabs(f) <= 1e-4 && fabs((double)got - f) <= 1e-7));
        }
    }
    room_free();
}

static void test_power(void)
{
    const qq_type type = op_types[below(3)];
    const int exponent = (int)below(13) - 6;
    const size_t n = 1 + below(40);
    const qq_tensor x = any_numbers(type, 1, &n);
    const qq_operand p = qq_operand_tensor(&x);
    const size_t bytes = qq_tensor_bytes(&x);
    qq_tensor z;

    CHECK(qq_operand_power(&p, exponent, room(bytes), bytes, NULL, 0, &z) ==
          QQ_OK);
    for (size_t i = 0; i < n; i++) {
        const float want = as_type(type, pow(number(&x, i), exponent));
        const float got = qq_tensor_value(&z, i);
        CHECK(same_float(got, want) || check_ulp(got, want) <= 1);
    }
    room_free();
}

static void test_power_edges(void)
{
    const float x[6] = {0, -0.0f, check_f32(0x7fc00000), -1, 2, -3};
    const size_t six = 6;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &six);
    const qq_operand p = qq_operand_tensor(&t);
    float out[6];
    qq_tensor z;

    CHECK(qq_operand_power(&p, 0, out, 24, NULL, 0, &z) == QQ_OK);
    for (int i = 0; i < 6; i++)
        CHECK(out[i] == 1);
    CHECK(qq_operand_power(&p, -1, out, 24, NULL, 0, &z) == QQ_OK);
    CHECK(check_bits(out[0]) == 0x7f800000 && check_bits(out[1]) == 0xff800000);
    CHECK(isnan(out[2]) && out[3] == -1 && out[4] == 0.5f);
    CHECK(qq_operand_power(&p, INT32_MIN, out, 24, NULL, 0, &z) == QQ_OK);
    CHECK(out[3] == 1 && out[4] == 0 && isinf(out[0]));
    CHECK(qq_operand_power(&p, 3, out, 24, NULL, 0, &z) == QQ_OK);
    CHECK(out[5] == -27);
}

// --- cast ------------------------------------------------------------------

static void test_cast(void)
{
    const qq_type from = op_types[below(7)];
    const qq_type to = op_types[below(7)];
    const size_t n = 1 + below(30);
    const qq_tensor x = any_numbers(from, 1, &n);
    const qq_operand p = qq_operand_tensor(&x);
    const size_t bytes = qq_type_bytes(to, n);
    qq_type_info info;
    qq_tensor z;

    CHECK(qq_type_get(to, &info) == QQ_OK);
    CHECK(qq_operand_cast(&p, to, room(bytes), bytes, NULL, 0, &z) == QQ_OK);
    CHECK(z.type == to);
    for (size_t i = 0; i < n; i++) {
        const double v = number(&x, i);
        if (is_float(to)) {
            // Whole numbers beyond 2^24 are rounded to f32 on their way.
            const double on_the_way = is_float(from) ? v : (double)(float)v;
            CHECK(same_float(qq_tensor_value(&z, i), as_type(to, on_the_way)));
        } else if (!is_float(from)) {
            CHECK(qq_tensor_code(&z, i) == wrapped(to, (int64_t)v));
        } else {
            const double cut = fmax(fmin(trunc(v), info.max), info.min);
            CHECK(qq_tensor_code(&z, i) == (isnan(v) ? 0 : (int32_t)cut));
        }
    }
    room_free();
}

// --- quantized operands ----------------------------------------------------

// Both kinds beside a tensor: as if they had been decoded by hand.
static void test_operands(void)
{
    static const int8_t bits[8] = {1, 0, -1, 1, 1, -1, 0, 0};
    static const float x[8] = {1, 2, 3, 4, -5, 6, 7, 8};
    const size_t shape[2] = {4, 2};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    const qq_tensor b = qq_tensor_make(bits, QQ_TYPE_INT8, 2, shape);
    const qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    uint8_t packed[2], codes[12], scratch[64];
    float out[8], y[8], z[8];
    qq_array1b one;
    qq_array a;
    qq_tensor view;

    CHECK(qq_array1b_pack(&b, QQ_ARRAY1B_STRICT, QQ_TYPE_F32, packed, 2,
                          &one) == QQ_OK);
    CHECK(qq_quantize(&t, &s, codes, 12, &a) == QQ_OK);
    const qq_operand p = qq_operand_array1b(&one, QQ_TYPE_NONE);
    const qq_operand q = qq_operand_array(&a, QQ_RULE_EFORMER, QQ_TYPE_NONE);
    CHECK(qq_operand_scratch_size(&p) == 32);
    CHECK(qq_operand_scratch_size(&q) == 32);
    CHECK(qq_operand_decode(&p, y, 32, &view) == QQ_OK && view.data == y);
    CHECK(qq_operand_decode(&q, z, 32, &view) == QQ_OK && view.data == z);
    CHECK(qq_operand_binary(&p, QQ_BINARY_MULTIPLY, &q, out, 32, scratch, 64,
                            &view) == QQ_OK);
    for (int i = 0; i < 8; i++)
        CHECK(out[i] == (float)bits[i] * z[i] && y[i] == (float)bits[i]);
    CHECK(qq_operand_binary(&p, QQ_BINARY_MULTIPLY, &q, out, 32, scratch, 63,
                            &view) == QQ_ERR_SCRATCH);
    const qq_operand narrow =
        qq_operand_array(&a, QQ_RULE_EFORMER, QQ_TYPE_BF16);
    CHECK(qq_operand_scratch_size(&narrow) == 16);
    CHECK(qq_operand_binary(&p, QQ_BINARY_ADD, &narrow, out, 32, scratch, 64,
                            &view) == QQ_ERR_TYPE);
    const qq_operand whole = qq_operand_array1b(&one, QQ_TYPE_INT8);
    CHECK(qq_operand_unary(&whole, QQ_UNARY_EXP, out, 32, scratch, 64, &view) ==
          QQ_ERR_TYPE);
    CHECK(qq_operand_power(&whole, 2, out, 32, scratch, 64, &view) ==
          QQ_ERR_TYPE);
    CHECK(qq_operand_cast(&q, QQ_TYPE_INT32, out, 32, scratch, 64, &view) ==
          QQ_OK);
    for (size_t i = 0; i < 8; i++)
        CHECK(qq_tensor_code(&view, i) == (int32_t)z[i]);
}

static void test_refusals(void)
{
    static const float x[8] = {0};
    const size_t shape[2] = {2, 4}, other[2] = {4, 2};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    const qq_tensor u = qq_tensor_make(x, QQ_TYPE_F32, 2, other);
    const qq_tensor v = qq_tensor_make(x, QQ_TYPE_F16, 2, shape);
    const qq_tensor w = qq_tensor_make(x, QQ_TYPE_F64, 1, shape);
    const qq_operand p = qq_operand_tensor(&t), q = qq_operand_tensor(&u);
    const qq_operand r = qq_operand_tensor(&v), wide = qq_operand_tensor(&w);
    qq_operand none = p;
    float out[8];
    qq_tensor z;

    CHECK(qq_operand_binary(&p, QQ_BINARY_ADD, &q, out, 32, NULL, 0, &z) ==
          QQ_ERR_SHAPE);
    CHECK(qq_operand_binary(&p, QQ_BINARY_ADD, &r, out, 32, NULL, 0, &z) ==
          QQ_ERR_TYPE);
    CHECK(qq_operand_binary(&p, (qq_binary)6, &p, out, 32, NULL, 0, &z) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_operand_binary(&p, QQ_BINARY_ADD, &p, out, 32, NULL, 0, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_operand_unary(&p, (qq_unary)0, out, 32, NULL, 0, &z) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_operand_unary(&p, QQ_UNARY_EXP, NULL, 32, NULL, 0, &z) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_operand_check(&wide) == QQ_ERR_TYPE);
    CHECK(qq_operand_check(NULL) == QQ_ERR_ARGUMENT);
    none.tensor = NULL;
    CHECK(qq_operand_check(&none) == QQ_ERR_ARGUMENT);
    CHECK(qq_operand_scratch_size(&none) == SIZE_MAX);
    CHECK(qq_operand_cast(&p, QQ_TYPE_NONE, out, 32, NULL, 0, &z) ==
          QQ_ERR_TYPE);
    CHECK(qq_operand_cast(&p, QQ_TYPE_INT4, out, 32, NULL, 0, &z) ==
          QQ_ERR_TYPE);
}

int main(void)
{
    const size_t cases = check_count(1000);

    for (size_t i = 0; i < cases; i++) {
        test_binary();
        test_unary();
        test_power();
        test_cast();
    }
    test_edges();
    test_power_edges();
    test_operands();
    test_refusals();
    return check_done();
}
