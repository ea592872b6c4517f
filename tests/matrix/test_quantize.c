// Numbers straight into panels: the bytes of quantizing, then packing.

#include "matrix.h"

static void test_one(const qq_scheme *s, qq_type x_type, size_t n, size_t k)
{
    const size_t shape[2] = {n, k};
    qq_tensor x = qq_tensor_make(NULL, x_type, 2, shape);
    uint8_t *data = (uint8_t *)room(qq_tensor_bytes(&x));
    qq_matrix_options o = qq_matrix_options_init();
    float *bias = matrix_floats(n);
    qq_matrix w, v;
    qq_array a;

    for (size_t i = 0; i < n * k; i++) {
        const float f = i % 97 == 5 ? NAN : check_uniform();
        const uint32_t u = qq_type_encode(x_type, f);
        const uint16_t h = (uint16_t)(u & 0xffff);
        if (x_type == QQ_TYPE_F32)
            memcpy(data + 4 * i, &u, 4);
        else
            memcpy(data + 2 * i, &h, 2);
    }
    x.data = data;
    o.bias = bias;
    const size_t array_bytes = qq_array_size(&x, s);
    void *array = room(array_bytes);
    CHECK(qq_quantize(&x, s, array, array_bytes, &a) == QQ_OK);
    const size_t bytes = qq_matrix_quantize_size(&x, s, &o);
    const size_t scratch_bytes = qq_matrix_quantize_scratch_size(&x, s);
    CHECK(bytes == qq_matrix_size(&a, &o) && bytes != SIZE_MAX);
    CHECK(scratch_bytes <= array_bytes);
    void *two = room(bytes), *one = room(bytes), *scratch = room(scratch_bytes);
    CHECK(qq_matrix_pack(&a, &o, two, bytes, &w) == QQ_OK);
    CHECK(qq_matrix_quantize(&x, s, &o, one, bytes, scratch, scratch_bytes,
                             &v) == QQ_OK);
    CHECK(memcmp(one, two, bytes) == 0);
    CHECK(v.data == one && v.bytes == w.bytes && v.bits == w.bits);
    CHECK(qq_matrix_quantize(&x, s, &o, one, bytes - 1, scratch, scratch_bytes,
                             &v) == QQ_ERR_SIZE);
    CHECK(qq_matrix_quantize(&x, s, &o, one, bytes, scratch, scratch_bytes - 1,
                             &v) == QQ_ERR_SCRATCH);
    free(bias);
    room_free();
}

static void test_refusals(void)
{
    const size_t shape[3] = {4, 4, 2};
    float data[32] = {0};
    const qq_tensor x = qq_tensor_make(data, QQ_TYPE_F32, 3, shape);
    const qq_tensor y = qq_tensor_make(data, QQ_TYPE_F32, 2, shape);
    const qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    const qq_scheme q = qq_scheme_init_rule(QQ_TYPE_INT4, QQ_RULE_QWIX);
    uint8_t out[1024];
    qq_matrix w;

    CHECK(qq_matrix_quantize(&x, &s, NULL, out, 1024, out, 0, &w) ==
          QQ_ERR_SHAPE);
    CHECK(qq_matrix_quantize(&y, &q, NULL, out, 1024, out, 0, &w) ==
          QQ_ERR_SCHEME);
    CHECK(qq_matrix_quantize(&y, NULL, NULL, out, 1024, out, 0, &w) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_matrix_quantize_size(&y, &q, NULL) == SIZE_MAX);
    CHECK(qq_matrix_quantize_scratch_size(&y, &q) == SIZE_MAX);
}

// Tensors without numbers have no data.
static void test_empty(size_t n, size_t k)
{
    const size_t shape[2] = {n, k};
    const qq_tensor x = qq_tensor_make(NULL, QQ_TYPE_F32, 2, shape);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    uint8_t out[1024], scratch[256];
    qq_matrix w;

    for (int rows = 0; rows < 2; rows++) {
        const size_t bytes = qq_matrix_quantize_size(&x, &s, NULL);
        const size_t need = qq_matrix_quantize_scratch_size(&x, &s);
        if (CHECK(bytes <= sizeof out && need <= sizeof scratch))
            CHECK(qq_matrix_quantize(&x, &s, NULL, out, bytes, scratch, need,
                                     &w) == QQ_OK);
        CHECK(w.n == n && w.k == k && w.bytes == bytes);
        CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
    }
}

int main(void)
{
    static const size_t tiles[] = {0, 16, 32, 48};
    static const qq_type x_types[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

    for (size_t i = 0; i < check_count(400); i++) {
        const qq_type type = matrix_types[check_u32() % MATRIX_TYPES];
        qq_scheme s = qq_scheme_init(type);
        qq_type_info info;
        const uint32_t rows = check_u32() % 4;
        CHECK(qq_type_get(type, &info) == QQ_OK);
        const size_t tile = info.tile ? info.tile : tiles[check_u32() % 4];
        if (rows < 2)
            CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
        else if (rows == 2)
            CHECK(qq_scheme_tile(&s, 0, 2, 16) == QQ_OK);
        if (tile > 0)
            CHECK(qq_scheme_tile(&s, 1, 2, tile) == QQ_OK);
        if (type == QQ_TYPE_BOOK) {
            s.levels = matrix_levels;
            s.level_count = check_u32() % 2 ? 16 : 4;
        }
        if (info.affine && check_u32() % 2)
            s.calibration.method = QQ_CALIB_MINMAX;
        if (info.tile && rows == 2) // formats have their tile on all axes
            continue;
        test_one(&s, x_types[check_u32() % 3], 1 + check_u32() % 40,
                 1 + check_u32() % 150);
    }
    test_empty(0, 5);
    test_empty(20, 0);
    test_empty(0, 0);
    test_refusals();
    return check_done();
}
