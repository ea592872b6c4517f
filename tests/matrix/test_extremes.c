// Where integers are largest and sums longest: int8 inputs of -128 against the
// largest codes, tiles up to 65536 and rows of 2^20 and more.

#include "matrix.h"

static size_t longest(void)
{
    return check_small() ? 70000 : 1 << 20;
}

// All codes of one kind, one scale a tile.
static qq_matrix constant(qq_type type, uint8_t byte, int affine, size_t n,
                          size_t k, size_t tile, int64_t *value, float *unit)
{
    const size_t shape[2] = {n, k};
    const size_t tiles[2] = {1, tile == 0 ? 1 : (k + tile - 1) / tile};
    qq_tensor v = qq_tensor_make(NULL, type, 2, shape);
    qq_tensor s = qq_tensor_make(NULL, QQ_TYPE_F32, 2, tiles);
    qq_tensor z = qq_tensor_make(NULL, type, 2, tiles);
    uint8_t *codes = (uint8_t *)room(qq_tensor_bytes(&v));
    float *scales = (float *)malloc(4 * tiles[1]);
    uint8_t *zeros = (uint8_t *)room(qq_tensor_bytes(&z));
    qq_array a;

    memset(codes, byte, qq_tensor_bytes(&v));
    // The zero point farthest away.
    memset(zeros, type == QQ_TYPE_INT8 ? 0x7f : 0, qq_tensor_bytes(&z));
    for (size_t i = 0; i < tiles[1]; i++)
        scales[i] = 1.0f;
    v.data = codes;
    s.data = scales;
    z.data = zeros;
    memset(&a, 0, sizeof a);
    a.value = v;
    a.scale = s;
    a.type = type;
    a.scale2 = 1.0f;
    a.tile[0] = a.zero_tile[0] = n;
    a.tile[1] = a.zero_tile[1] = tile == 0 ? k : tile;
    if (affine)
        a.zero_point = z;
    *value = integer_of(&a, qq_tensor_code(&v, 0), unit) -
             (affine ? qq_tensor_code(&z, 0) : 0);
    const qq_matrix w = matrix_packed(&a, NULL);
    free(scales);
    return w;
}

static float joined(float unit, int64_t each, size_t k, size_t tile)
{
    float acc = 0.0f;

    for (size_t c = 0; c < k; c += tile == 0 ? k : tile) {
        const size_t left = k - c;
        const size_t count = tile == 0 || left < tile ? left : tile;
        acc = fmaf(unit, (float)(each * (int64_t)count), acc);
    }
    return acc;
}

static void test_int8(qq_type type, uint8_t byte, int affine, size_t k,
                      size_t tile, int zx)
{
    qq_matmul_options o = qq_matmul_options_init();
    int64_t value;
    float unit;
    const qq_matrix w = constant(type, byte, affine, 2, k, tile, &value, &unit);
    int8_t *x = (int8_t *)malloc(k);
    const float one = 1.0f;
    float y[2];

    memset(x, -128, k);
    o.x_type = QQ_TYPE_INT8;
    o.input = zx ? QQ_INPUT_INT8_STATIC : QQ_INPUT_INT8_ROW;
    o.x_scale = 1.0f;
    o.x_scales = &one;
    o.x_zero = zx;
    const size_t bytes = qq_matmul_scratch_size(&w, &o, 1);
    void *scratch = room(bytes);
    CHECK(qq_matmul(&w, &o, 1, x, k, y, 2, scratch, bytes) == QQ_OK);
    const float want = joined(unit, value * (-128 - zx), k, tile);
    CHECK(y[0] == want && y[1] == want);
    free(x);
    room_free();
}

// Digits of the largest numbers; a row of x at its maximum everywhere.
static void test_digits(qq_type type, uint8_t byte, size_t k, qq_input input,
                        int64_t most)
{
    qq_matmul_options o = qq_matmul_options_init();
    int64_t value;
    float unit;
    const qq_matrix w = constant(type, byte, 0, 1, k, 0, &value, &unit);
    float *x = (float *)malloc(2 * k * sizeof *x);
    float y[2];

    for (size_t i = 0; i < k; i++) {
        x[i] = 3.0f;
        x[k + i] = -3.0f;
    }
    o.input = input;
    const size_t bytes = qq_matmul_scratch_size(&w, &o, 2);
    void *scratch = room(bytes);
    CHECK(qq_matmul(&w, &o, 2, x, k, y, 1, scratch, bytes) == QQ_OK);
    const float sx = (float)(3.0 / (double)most);
    const float want = times((float)(value * most * (int64_t)k), sx);
    CHECK(y[0] == want && y[1] == -want);
    free(x);
    room_free();
}

// One row of numbers of every kind against the definition.
static void test_long(qq_type type, qq_input input, size_t k, size_t tile)
{
    const qq_array a = matrix_array(type, 1, k, 1, tile, QQ_TYPE_F32, 1);
    const qq_matrix_options mo = qq_matrix_options_init();
    const qq_matrix w = matrix_packed(&a, NULL);
    qq_matmul_options o = qq_matmul_options_init();
    float *x = matrix_floats(k);
    float y, want = 0.0f;

    o.input = input;
    o.x_scale = 0.007f;
    o.x_zero = -128;
    const size_t bytes = qq_matmul_scratch_size(&w, &o, 1);
    void *scratch = room(bytes);
    CHECK(qq_matmul(&w, &o, 1, x, k, &y, 1, scratch, bytes) == QQ_OK);
    matrix_define(&a, &mo, &o, 1, x, k, &want, 1);
    CHECK(check_bits(y) == check_bits(want));
    free(x);
    room_free();
}

int main(void)
{
    static const size_t tiles[] = {0, 65536, 128};
    const size_t k = longest();

    for (size_t i = 0; i < 3; i++) {
        for (int zx = 0; zx <= 127; zx += 127) {
            test_int8(QQ_TYPE_INT8, 0x80, 0, k, tiles[i], zx);
            test_int8(QQ_TYPE_INT8, 0x80, 1, k, tiles[i], zx);
            test_int8(QQ_TYPE_UINT8, 0xff, 0, k + 5, tiles[i], zx);
            test_int8(QQ_TYPE_INT4, 0x88, 0, k - 1, tiles[i], zx);
            test_int8(QQ_TYPE_UINT4, 0xff, 1, k, tiles[i], zx);
            test_int8(QQ_TYPE_SIGN, 0xff, 0, k, tiles[i], zx);
            test_int8(QQ_TYPE_SIGN, 0x00, 0, k, tiles[i], zx);
            test_int8(QQ_TYPE_TERNARY, 0xff, 0, k, tiles[i], zx);
            test_int8(QQ_TYPE_NF4, 0xff, 0, k, tiles[i], zx);
        }
    }
    test_digits(QQ_TYPE_INT8, 0x80, 65536, QQ_INPUT_INT24, 8355711);
    test_digits(QQ_TYPE_UINT8, 0xff, k, QQ_INPUT_INT24, 8355711);
    test_digits(QQ_TYPE_UINT8, 0xff, k, QQ_INPUT_INT16, 32639);
    test_digits(QQ_TYPE_UINT8, 0xff, k, QQ_INPUT_INT8_ROW, 127);
    for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++) {
        test_long(QQ_TYPE_INT3, (qq_input)in, 70000, 65532);
        test_long(QQ_TYPE_INT8, (qq_input)in, 131073, 0);
        test_long(QQ_TYPE_INT7, (qq_input)in, 65537, 0);
    }
    return check_done();
}
