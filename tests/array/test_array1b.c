// Array1B: the layout, numbers of all types in and out, what is refused.

#include "random_array.h"

// The layout by its definition: the value at row p + g * q of a column.
static int value_of(const uint8_t *packed, size_t rows, size_t columns,
                    size_t row, size_t column)
{
    const size_t q = rows / 4;
    const uint8_t byte = packed[row % q * columns + column];

    return (int)(byte >> 2 * (row / q) & 3) - 1;
}

static void test_layout(void)
{
    const size_t shape[3] = {4 * below(6), below(4), 1 + below(5)};
    const size_t columns = shape[1] * shape[2];
    const size_t count = shape[0] * columns;
    int8_t *x = (int8_t *)room(count);
    uint8_t *out = (uint8_t *)room(count / 4);
    uint8_t *same = (uint8_t *)room(count / 4);
    int8_t *back = (int8_t *)room(count);
    qq_array1b a;
    qq_tensor y;

    for (size_t i = 0; i < count; i++)
        x[i] = (int8_t)((int)below(3) - 1);
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_INT8, 3, shape);
    CHECK(qq_array1b_size(3, shape) == count / 4);
    CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, out, count / 4,
                          &a) == QQ_OK);
    CHECK(a.type == QQ_TYPE_INT8 && a.rank == 3 && a.packed == out);
    CHECK(qq_array1b_check(&a) == QQ_OK);
    for (size_t i = 0; i < count; i++)
        CHECK(value_of(out, shape[0], columns, i / columns, i % columns) ==
              x[i]);
    CHECK(qq_ternary_pack(QQ_TERNARY_STRIDED, count, x, same, count / 4) ==
          QQ_OK);
    CHECK(memcmp(out, same, count / 4) == 0);
    CHECK(qq_array1b_unpack(&a, QQ_TYPE_NONE, back, count, &y) == QQ_OK);
    CHECK(memcmp(back, x, count) == 0);
    CHECK(y.type == QQ_TYPE_INT8 && same_shape(&y, 3, shape));
    room_free();
}

static void test_examples(void)
{
    static const int8_t x[32] = {-1, 0, 1, 1, 1,  -1, 0,  0,  0,  0, 1,
                                 -1, 1, 1, 1, 1,  -1, -1, -1, -1, 0, 1,
                                 0,  1, 1, 0, -1, 0,  -1, 1,  1,  -1};
    static const uint8_t want[8] = {132, 69, 10, 66, 26, 168, 153, 41};
    static const float spill[4] = {3.5f, 0, 0, 0};
    static const int8_t wraps[4] = {-2, 0, 1, -1};
    static const int8_t decoded[2][4] = {{-1, 1, 0, 0}, {2, -1, 1, -1}};
    const size_t shape[2] = {8, 4}, four = 4;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_INT8, 2, shape);
    const qq_tensor f = qq_tensor_make(spill, QQ_TYPE_F32, 1, &four);
    const qq_tensor i = qq_tensor_make(wraps, QQ_TYPE_INT8, 1, &four);
    uint8_t out[8] = {0};
    int8_t back[4];
    qq_array1b a;
    qq_tensor y;

    CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_F32, out, 8, &a) ==
          QQ_OK);
    CHECK(memcmp(out, want, 8) == 0 && a.type == QQ_TYPE_F32);
    CHECK(qq_array1b_pack(&f, QQ_ARRAY1B_EFORMER, QQ_TYPE_NONE, out, 1, &a) ==
          QQ_OK);
    CHECK(out[0] == 88 && a.type == QQ_TYPE_F32);
    CHECK(qq_array1b_unpack(&a, QQ_TYPE_INT8, back, 4, &y) == QQ_OK);
    CHECK(memcmp(back, decoded[0], 4) == 0);
    CHECK(qq_array1b_pack(&i, QQ_ARRAY1B_EFORMER, QQ_TYPE_NONE, out, 1, &a) ==
          QQ_OK);
    CHECK(out[0] == 35);
    CHECK(qq_array1b_unpack(&a, QQ_TYPE_INT8, back, 4, &y) == QQ_OK);
    CHECK(memcmp(back, decoded[1], 4) == 0);
}

// What a float becomes alone in its byte: x + 1 in its type, cut, in 0 ... 255.
static void test_floats(void)
{
    static const struct {
        uint32_t f32;
        int code;
    } rows[] = {{0x00000000, 1},   {0x80000000, 1},   {0x3f7fffff, 2},
                {0x3f800000, 2},   {0x40000000, 3},   {0x40400000, 4},
                {0xbf000000, 0},   {0xb0000000, 1},   {0xbf800000, 0},
                {0xc0000000, 0},   {0x437e0000, 255}, {0x447a0000, 255},
                {0x7f800000, 255}, {0xff800000, 0},   {0x7fc00000, 0},
                {0x7f7fffff, 255}, {0x437d0000, 254}};
    const size_t four = 4;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const float x[4] = {check_f32(rows[i].f32), -1, -1, -1};
        const double wide[4] = {(double)x[0], -1, -1, -1};
        const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &four);
        const qq_tensor d = qq_tensor_make(wide, QQ_TYPE_F64, 1, &four);
        uint8_t out = 0;
        qq_array1b a;
        CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_EFORMER, QQ_TYPE_NONE, &out, 1,
                              &a) == QQ_OK);
        CHECK(out == rows[i].code);
        CHECK(qq_array1b_pack(&d, QQ_ARRAY1B_EFORMER, QQ_TYPE_NONE, &out, 1,
                              &a) == QQ_OK);
        // Only in double is the sum below 1, or below 2.
        CHECK(out == rows[i].code - (rows[i].f32 == 0xb0000000 ||
                                     rows[i].f32 == 0x3f7fffff));
    }
}

// bf16 and f16: the sum is rounded to the type before it is cut.
static void test_short_floats(void)
{
    const size_t four = 4;

    for (uint32_t i = 0; i < 65536; i += 1 + check_u32() % 5) {
        const uint16_t one = (uint16_t)i;
        const qq_type type = below(2) ? QQ_TYPE_F16 : QQ_TYPE_BF16;
        const uint16_t minus = type == QQ_TYPE_F16 ? 0xbc00 : 0xbf80;
        const uint16_t x[4] = {one, minus, minus, minus};
        const qq_tensor t = qq_tensor_make(x, type, 1, &four);
        const float v = qq_type_decode(type, one);
        const float sum = qq_type_decode(type, qq_type_encode(type, v + 1));
        const int code = !(sum > 0) ? 0 : sum >= 255 ? 255 : (int)sum;
        const int fits = v == -1 || v == 0 || v == 1;
        uint8_t out = 0;
        qq_array1b a;
        CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_EFORMER, QQ_TYPE_NONE, &out, 1,
                              &a) == QQ_OK);
        CHECK(out == code);
        out = 77;
        CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, &out, 1,
                              &a) == (fits ? QQ_OK : QQ_ERR_FORMAT));
        CHECK(out == (fits ? code : 77));
    }
}

// Bytes of any kind, decoded to every type that there is.
static void test_types(void)
{
    const size_t shape[2] = {4 * (1 + below(7)), 1 + below(5)};
    const size_t count = shape[0] * shape[1];
    uint8_t *packed = (uint8_t *)room(count / 4);
    qq_array1b a;

    for (size_t i = 0; i < count / 4; i++)
        packed[i] = (uint8_t)check_u32();
    for (int k = 1; k < 64; k++) {
        const qq_type type = (qq_type)k;
        qq_type_info info;
        qq_tensor y;
        if (qq_type_get(type, &info) != QQ_OK)
            continue;
        const int has = info.storage == type && type != QQ_TYPE_SIGN &&
                        info.kind != QQ_KIND_BOOK &&
                        info.kind != QQ_KIND_EXPONENT;
        CHECK(qq_array1b_make(packed, count / 4, 2, shape, type, &a) ==
              (has ? QQ_OK : QQ_ERR_TYPE));
        if (!has)
            continue;
        const size_t bytes = qq_type_bytes(type, count);
        uint8_t *out = (uint8_t *)room(bytes);
        CHECK(qq_array1b_unpack(&a, type, out, bytes, &y) == QQ_OK);
        for (size_t i = 0; i < count; i++) {
            const int v = value_of(packed, shape[0], shape[1], i / shape[1],
                                   i % shape[1]);
            int want = v;
            if (type == QQ_TYPE_INT2 && v == 2)
                want = -2;
            if (v < 0 && info.kind == QQ_KIND_INTEGER && info.min == 0)
                want = info.max;
            CHECK(qq_tensor_value(&y, i) == (float)want);
        }
        const size_t used = count * info.bits % 8;
        CHECK(used == 0 || out[bytes - 1] >> used == 0);
    }
    room_free();
}

// Two's complement of every width, there and back.
static void test_widths(void)
{
    static const unsigned widths[] = {1, 2, 4, 8};
    const size_t n = 4 * (1 + below(20));
    const unsigned width = widths[below(4)];
    uint8_t *packed = (uint8_t *)room(n / 4);
    uint8_t *again = (uint8_t *)room(n / 4);
    uint8_t *out = (uint8_t *)room(n * width);
    qq_array1b a, b;

    for (size_t i = 0; i < n / 4; i++)
        packed[i] = (uint8_t)(check_u32() & 0xaa); // codes 0 and 2
    CHECK(qq_array1b_make(packed, n / 4, 1, &n, QQ_TYPE_INT8, &a) == QQ_OK);
    CHECK(qq_array1b_unpack_integers(&a, width, out, n * width) == QQ_OK);
    for (size_t i = 0; i < n; i++) {
        const int v = value_of(packed, n, 1, i, 0);
        for (size_t k = 0; k < width; k++) {
            const uint16_t probe = 1;
            uint8_t low;
            memcpy(&low, &probe, 1);
            const size_t first = low ? 0 : width - 1;
            CHECK(out[i * width + k] == (k == first ? (uint8_t)v
                                         : v < 0    ? 255
                                                    : 0));
        }
    }
    CHECK(qq_array1b_pack_integers(out, width, 1, 1, &n, QQ_ARRAY1B_STRICT,
                                   QQ_TYPE_INT8, again, n / 4, &b) == QQ_OK);
    CHECK(memcmp(packed, again, n / 4) == 0);
    memset(again, 0, n / 4);
    CHECK(qq_array1b_pack_integers(out, width, 0, 1, &n, QQ_ARRAY1B_EFORMER,
                                   QQ_TYPE_INT8, again, n / 4, &b) == QQ_OK);
    CHECK(memcmp(packed, again, n / 4) == 0);
    room_free();
}

static void test_integers(void)
{
    const size_t four = 4;

    for (int i = 0; i < 2000; i++) {
        const int32_t v = (int32_t)check_u32();
        const int32_t x[4] = {v, -1, -1, -1};
        const qq_tensor t = qq_tensor_make(x, QQ_TYPE_INT32, 1, &four);
        uint8_t out = 0;
        qq_array1b a;
        CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_EFORMER, QQ_TYPE_NONE, &out, 1,
                              &a) == QQ_OK);
        CHECK(out == (uint8_t)((uint32_t)v + 1));
        CHECK(
            qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, &out, 1, &a) ==
            (v >= -1 && v <= 1 ? QQ_OK : QQ_ERR_FORMAT));
    }
    // -1 of an unsigned type is no -1.
    const uint16_t big[4] = {65535, 0, 0, 0};
    uint8_t out = 0;
    qq_array1b a;
    CHECK(qq_array1b_pack_integers(big, 2, 0, 1, &four, QQ_ARRAY1B_STRICT,
                                   QQ_TYPE_INT8, &out, 1, &a) == QQ_ERR_FORMAT);
    CHECK(qq_array1b_pack_integers(big, 2, 1, 1, &four, QQ_ARRAY1B_STRICT,
                                   QQ_TYPE_INT8, &out, 1, &a) == QQ_OK);
}

static void test_refusals(void)
{
    static const int8_t x[16] = {0};
    const size_t shapes[5][2] = {{5, 4}, {2, 4}, {6, 0}, {4, 0}, {0, 3}};
    const size_t many[2] = {SIZE_MAX / 4 * 4, 8}, four = 4;
    qq_tensor t = qq_tensor_make(x, QQ_TYPE_INT8, 0, NULL);
    uint8_t out[4];
    qq_array1b a;
    qq_tensor y;

    CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, out, 4, &a) ==
          QQ_ERR_SHAPE);
    for (int i = 0; i < 5; i++) {
        CHECK(qq_array1b_size(2, shapes[i]) == (i < 3 ? SIZE_MAX : 0));
        t = qq_tensor_make(x, QQ_TYPE_INT8, 2, shapes[i]);
        CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, NULL, 0,
                              &a) == (i < 3 ? QQ_ERR_SHAPE : QQ_OK));
    }
    CHECK(qq_array1b_size(2, many) == SIZE_MAX);
    CHECK(qq_array1b_size(0, NULL) == SIZE_MAX);
    CHECK(qq_array1b_size(9, many) == SIZE_MAX);
    t = qq_tensor_make(x, QQ_TYPE_E4M3FN, 1, &four);
    CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, out, 4, &a) ==
          QQ_ERR_TYPE);
    t = qq_tensor_make(x, QQ_TYPE_INT8, 1, &four);
    CHECK(qq_array1b_pack(&t, (qq_array1b_rule)0, QQ_TYPE_NONE, out, 4, &a) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NF4, out, 4, &a) ==
          QQ_ERR_TYPE);
    CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, out, 0, &a) ==
          QQ_ERR_SIZE);
    CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, NULL, 4, &a) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_array1b_pack(&t, QQ_ARRAY1B_STRICT, QQ_TYPE_NONE, out, 4, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_array1b_make(out, 4, 0, NULL, QQ_TYPE_NONE, &a) == QQ_ERR_SHAPE);
    CHECK(qq_array1b_make(out, 0, 1, &four, QQ_TYPE_INT8, &a) == QQ_ERR_SIZE);
    CHECK(qq_array1b_make(out, 1, 1, &four, QQ_TYPE_INT8, &a) == QQ_OK);
    CHECK(qq_array1b_unpack(&a, QQ_TYPE_F32, out, 4, &y) == QQ_ERR_SIZE);
    CHECK(qq_array1b_unpack_integers(&a, 3, out, 4) == QQ_ERR_TYPE);
    CHECK(qq_array1b_unpack(NULL, QQ_TYPE_F32, out, 4, &y) == QQ_ERR_ARGUMENT);
    a.packed = NULL;
    CHECK(qq_array1b_check(&a) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    const size_t cases = check_count(200);

    for (size_t i = 0; i < cases; i++) {
        test_layout();
        test_types();
        test_widths();
    }
    test_examples();
    test_floats();
    test_short_floats();
    test_integers();
    test_refusals();
    return check_done();
}
