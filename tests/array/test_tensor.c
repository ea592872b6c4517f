// array/tensor.h: sizes and their limits, elements, other types.

#include "array/tensor.h"
#include "room.h"

static void test_sizes(void)
{
    static const size_t shape[3] = {3, 5, 7};
    const size_t most = SIZE_MAX;
    const size_t half[2] = {SIZE_MAX / 2 + 1, 2};
    const size_t empty[4] = {SIZE_MAX, SIZE_MAX, 0, SIZE_MAX};
    const size_t big[8] = {SIZE_MAX, 2, 3, 4, 5, 6, 7, 8};
    const uint8_t byte = 0;
    qq_tensor t = qq_tensor_make(&byte, QQ_TYPE_INT3, 3, shape);

    CHECK(qq_tensor_count(&t) == 105 && qq_tensor_bytes(&t) == 40);
    CHECK(qq_tensor_check(&t) == QQ_OK);
    t = qq_tensor_make(&byte, QQ_TYPE_F64, 0, NULL);
    CHECK(qq_tensor_count(&t) == 1 && qq_tensor_bytes(&t) == 8);
    CHECK(qq_tensor_check(&t) == QQ_OK);
    t = qq_tensor_make(&byte, QQ_TYPE_INT8, 1, &most);
    CHECK(qq_tensor_count(&t) == SIZE_MAX);
    CHECK(qq_tensor_check(&t) == QQ_ERR_SIZE);
    t = qq_tensor_make(&byte, QQ_TYPE_SIGN, 2, half);
    CHECK(qq_tensor_count(&t) == SIZE_MAX);
    CHECK(qq_tensor_bytes(&t) == SIZE_MAX);
    CHECK(qq_tensor_check(&t) == QQ_ERR_SIZE);
    t = qq_tensor_make(&byte, QQ_TYPE_F32, 1, half);
    CHECK(qq_tensor_count(&t) == SIZE_MAX / 2 + 1);
    CHECK(qq_tensor_bytes(&t) == SIZE_MAX);
    CHECK(qq_tensor_check(&t) == QQ_ERR_SIZE);
    t = qq_tensor_make(NULL, QQ_TYPE_F32, 4, empty);
    CHECK(qq_tensor_count(&t) == 0 && qq_tensor_bytes(&t) == 0);
    CHECK(qq_tensor_check(&t) == QQ_OK);
    t = qq_tensor_make(&byte, QQ_TYPE_INT2, 8, big);
    CHECK(qq_tensor_check(&t) == QQ_ERR_SIZE);
}

static void test_check(void)
{
    static const size_t shape[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const uint8_t byte = 0;
    qq_tensor t = qq_tensor_make(&byte, QQ_TYPE_INT8, 9, shape);

    CHECK(t.type == QQ_TYPE_NONE && qq_tensor_check(&t) == QQ_ERR_TYPE);
    t = qq_tensor_make(&byte, QQ_TYPE_INT8, 1, NULL);
    CHECK(t.type == QQ_TYPE_NONE && qq_tensor_check(&t) == QQ_ERR_TYPE);
    t = qq_tensor_make(&byte, QQ_TYPE_INT8, 8, shape);
    CHECK(qq_tensor_check(&t) == QQ_OK);
    t.rank = 9;
    CHECK(qq_tensor_check(&t) == QQ_ERR_SHAPE);
    CHECK(qq_tensor_count(&t) == SIZE_MAX);
    t = qq_tensor_make(&byte, QQ_TYPE_MXFP4, 1, shape);
    CHECK(qq_tensor_check(&t) == QQ_ERR_TYPE);
    t = qq_tensor_make(&byte, (qq_type)60, 1, shape);
    CHECK(qq_tensor_check(&t) == QQ_ERR_TYPE);
    t = qq_tensor_make(NULL, QQ_TYPE_INT8, 1, shape);
    CHECK(qq_tensor_check(&t) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_check(NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_count(NULL) == SIZE_MAX);
    CHECK(qq_tensor_bytes(NULL) == SIZE_MAX);
}

static void test_elements(void)
{
    static const uint8_t packed[3] = {0x8f, 0x70, 0xff};
    static const size_t n4 = 5;
    static const size_t n8 = 3;
    const double d = 0.1;
    const int32_t i32 = -123456789;
    qq_tensor t = qq_tensor_make(packed, QQ_TYPE_INT4, 1, &n4);

    CHECK(qq_tensor_code(&t, 0) == -1 && qq_tensor_code(&t, 1) == -8);
    CHECK(qq_tensor_code(&t, 2) == 0 && qq_tensor_code(&t, 3) == 7);
    CHECK(qq_tensor_value(&t, 1) == -8.0f);
    t.type = QQ_TYPE_UINT4;
    CHECK(qq_tensor_code(&t, 0) == 15 && qq_tensor_value(&t, 1) == 8.0f);
    t.type = QQ_TYPE_NF4;
    CHECK(qq_tensor_code(&t, 0) == 15 && qq_tensor_value(&t, 0) == 1.0f);
    CHECK(qq_tensor_value(&t, 2) == -1.0f);
    t.type = QQ_TYPE_BNB_FP4;
    CHECK(qq_tensor_value(&t, 3) == 0.25f);
    t.type = QQ_TYPE_SIGN;
    CHECK(qq_tensor_code(&t, 0) == 1 && qq_tensor_value(&t, 4) == -1.0f);
    t.type = QQ_TYPE_TERNARY;
    CHECK(qq_tensor_code(&t, 0) == 3 && qq_tensor_value(&t, 0) == 2.0f);
    t = qq_tensor_make(packed, QQ_TYPE_BOOK, 1, &n8);
    CHECK(qq_tensor_code(&t, 2) == 255 && qq_tensor_value(&t, 2) == 255.0f);
    t = qq_tensor_make(&d, QQ_TYPE_F64, 0, NULL);
    CHECK(qq_tensor_code(&t, 0) == 0 && qq_tensor_value(&t, 0) == 0.1f);
    t = qq_tensor_make(&i32, QQ_TYPE_INT32, 0, NULL);
    CHECK(qq_tensor_code(&t, 0) == -123456789);
    CHECK(qq_tensor_value(&t, 0) == -123456792.0f);
}

// From every type to every type: each element by itself.
static void test_convert(const qqi_type_row *from, const qqi_type_row *to)
{
    const size_t shape[2] = {3, 1 + check_u32() % 30};
    const size_t n = shape[0] * shape[1];
    const size_t in_bytes = qq_type_bytes(from->type, n);
    const size_t bytes = qq_type_bytes(to->type, n);
    uint8_t *data = room(in_bytes);
    uint8_t *out = room(bytes);
    uint8_t *want = room(bytes);
    qq_tensor view;

    memset(data, 0, in_bytes);
    memset(want, 0, bytes);
    for (size_t i = 0; i < n; i++)
        qqi_store_wide(from->type, data, i, (double)check_uniform() * 9.0);
    const qq_tensor t = qq_tensor_make(data, from->type, 2, shape);
    const qq_status status = qq_tensor_convert(&t, to->type, out, bytes, &view);
    if (to->info.storage != to->type || to->type == QQ_TYPE_BOOK) {
        CHECK(status == QQ_ERR_TYPE);
    } else if (from->info.storage != from->type) {
        CHECK(status == QQ_ERR_TYPE);
    } else {
        CHECK(status == QQ_OK && view.type == to->type && view.rank == 2);
        CHECK(view.data == out && view.shape[1] == shape[1]);
        for (size_t i = 0; i < n; i++)
            if (from->type == to->type && qq_type_bits(to->type) < 64)
                qqi_store_code(to->type, want, i,
                               qqi_load_code(from->type, data, i));
            else
                qqi_store_wide(to->type, want, i,
                               qqi_load_wide(from->type, data, i));
        CHECK(memcmp(out, want, bytes) == 0);
        CHECK(qq_tensor_convert(&t, to->type, out, bytes - 1, &view) ==
              QQ_ERR_SIZE);
    }
    free(data);
    free(out);
    free(want);
}

static void test_convert_ends(void)
{
    static const size_t three = 3;
    static const uint8_t odd[1] = {0xff};
    static const uint16_t half[3] = {0x7c00, 0xfc00, 0x7e01};
    const size_t none[2] = {5, 0};
    uint8_t out[16];
    qq_tensor view = {NULL, {0}, 0, QQ_TYPE_NONE};
    qq_tensor t = qq_tensor_make(odd, QQ_TYPE_TERNARY, 1, &three);

    // A copy keeps the odd code 3, and cleans what is behind the last one.
    CHECK(qq_tensor_convert(&t, QQ_TYPE_TERNARY, out, 1, &view) == QQ_OK);
    CHECK(out[0] == 0x3f);
    CHECK(qq_tensor_convert(&t, QQ_TYPE_INT3, out, 2, &view) == QQ_OK);
    CHECK(out[0] == 0x92 && out[1] == 0);
    t = qq_tensor_make(half, QQ_TYPE_F16, 1, &three);
    CHECK(qq_tensor_convert(&t, QQ_TYPE_BF16, out, 6, &view) == QQ_OK);
    CHECK(qqi_load_u16(out) == 0x7f80 && qqi_load_u16(out + 2) == 0xff80);
    CHECK(qqi_load_u16(out + 4) == 0x7fc0);

    view.type = QQ_TYPE_NONE;
    CHECK(qq_tensor_convert(&t, QQ_TYPE_F32, NULL, 12, &view) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_convert(&t, QQ_TYPE_F32, out, 12, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_convert(&t, QQ_TYPE_NONE, out, 12, &view) == QQ_ERR_TYPE);
    CHECK(qq_tensor_convert(NULL, QQ_TYPE_F32, out, 12, &view) ==
          QQ_ERR_ARGUMENT);
    CHECK(view.type == QQ_TYPE_NONE);
    t = qq_tensor_make(NULL, QQ_TYPE_F64, 2, none);
    CHECK(qq_tensor_convert(&t, QQ_TYPE_INT2, NULL, 0, &view) == QQ_OK);
    CHECK(view.type == QQ_TYPE_INT2 && view.shape[0] == 5);
}

int main(void)
{
    test_sizes();
    test_check();
    test_elements();
    for (int k = 0; k < QQI_TYPE_COUNT; k++)
        for (int i = 0; i < QQI_TYPE_COUNT; i++)
            test_convert(&qqi_type_rows[i], &qqi_type_rows[k]);
    test_convert_ends();
    return check_done();
}
