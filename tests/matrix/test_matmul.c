// Products of all types, tiles and inputs against the definition, bit for bit,
// from exact memory, one byte off any alignment; parts and batches.

#include "matrix.h"

static const size_t tile_sizes[] = {0, 8, 12, 16, 20, 32, 36, 64, 96, 128};
static const size_t row_tiles[] = {0, 1, 16, 32};
static const size_t sizes_k[] = {1,  3,  4,  15, 16, 17, 31,  32,  33,
                                 63, 64, 65, 79, 80, 81, 130, 161, 200};
static const size_t sizes_n[] = {1, 2, 15, 16, 17, 31, 32, 33, 49};

#define PICK(array) array[check_u32() % (sizeof array / sizeof array[0])]

// Rows of x at any address; now and then a row is not finite, tiny or zero.
static void *make_x(qq_type type, size_t m, size_t k, size_t ld)
{
    const size_t size = qq_type_bits(type) / 8;
    const size_t count = m > 0 ? (m - 1) * ld + k : 0;
    uint8_t *x = (uint8_t *)room(count * size);

    for (size_t i = 0; i < m; i++) {
        const uint32_t kind = check_u32() % 16;
        const float by = kind == 0 ? 1e-36f : kind == 1 ? 0.0f : 3.0f;
        for (size_t c = 0; c < k; c++) {
            float f = check_uniform() * by;
            if (kind == 2 && c == k / 2)
                f = check_u32() % 2 ? NAN : -INFINITY;
            const uint32_t u = qq_type_encode(type, f);
            const uint16_t h = (uint16_t)(u & 0xffff);
            if (type == QQ_TYPE_INT8)
                x[i * ld + c] = (uint8_t)(check_u32() >> 24);
            else if (size == 4)
                memcpy(x + 4 * (i * ld + c), &u, 4);
            else
                memcpy(x + 2 * (i * ld + c), &h, 2);
        }
    }
    return x;
}

static void backwards(void *user, size_t parts, void (*part)(void *, size_t),
                      void *arg)
{
    *(size_t *)user += parts;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

// One product, checked against want.
static void run(const qq_matrix *w, const qq_matmul_options *o, size_t m,
                const void *x, size_t ldx, const float *start,
                const float *want, size_t ldy, int by_hand)
{
    const size_t count = m > 0 ? (m - 1) * ldy + w->n : 0;
    const size_t bytes = qq_matmul_scratch_size(w, o, m);
    uint8_t *y = (uint8_t *)room(4 * count);

    if (!CHECK(bytes != SIZE_MAX))
        return;
    void *scratch = room(bytes);
    memcpy(y, start, 4 * count);
    if (!by_hand) {
        CHECK(qq_matmul(w, o, m, x, ldx, y, ldy, scratch, bytes) == QQ_OK);
    } else {
        for (unsigned phase = 0; phase < 2; phase++)
            for (size_t i = 0; i < o->parts; i++)
                CHECK(qq_matmul_part(w, o, m, x, ldx, y, ldy, scratch, bytes,
                                     phase, (i * 11 + 2) % o->parts) == QQ_OK);
    }
    CHECK(memcmp(y, want, 4 * count) == 0);
}

// A random way to ask for a product with the matrix of an array.
static qq_matmul_options random_options(qq_type type, qq_input input,
                                        const qq_matrix_options *mo, size_t m,
                                        size_t tiles, float **scales)
{
    static const qq_type x_types[] = {QQ_TYPE_F32, QQ_TYPE_F32, QQ_TYPE_F16,
                                      QQ_TYPE_BF16, QQ_TYPE_INT8};
    qq_matmul_options o = qq_matmul_options_init();

    o.x_type = PICK(x_types);
    o.input = input;
    if (o.x_type == QQ_TYPE_INT8 &&
        (input > QQ_INPUT_INT8_STATIC || mo->b || matrix_is_float(type)))
        o.x_type = QQ_TYPE_F32;
    *scales = NULL;
    if (o.x_type == QQ_TYPE_INT8 && input != QQ_INPUT_INT8_STATIC)
        *scales = matrix_floats(m * tiles);
    o.x_scales = *scales;
    o.x_scale = 0.01f + 0.05f * fabsf(check_uniform());
    o.x_zero = check_u32() % 4 ? (int32_t)(check_u32() % 256) - 128 : 0;
    o.accumulate = check_u32() % 3 == 0;
    if (check_u32() % 3 == 0) {
        o.lo = -0.5f;
        o.hi = 1.5f;
    }
    return o;
}

static void test_one(qq_type type, qq_input input, size_t n, size_t k, size_t m)
{
    const size_t tile_k = PICK(tile_sizes), tile_n = PICK(row_tiles);
    const qq_array a = matrix_array(type, n, k, tile_n, tile_k,
                                    PICK(matrix_scales), check_u32() % 2);
    qq_matrix_options mo = qq_matrix_options_init();
    float *ra = check_u32() % 3 ? NULL : matrix_floats(n);
    float *cb = check_u32() % 3 ? NULL : matrix_floats(k);
    float *bias = check_u32() % 3 ? NULL : matrix_floats(n);
    float *scales;

    mo.a = ra;
    mo.b = cb;
    mo.bias = bias;
    mo.sums = !matrix_is_float(type) && check_u32() % 2;
    const size_t tiles = k > 0 ? a.scale.shape[1] : 1;
    float *offsets = check_u32() % 3 ? NULL : matrix_floats(n * tiles);
    mo.offsets = offsets;
    const qq_matrix w = matrix_packed(&a, &mo);
    qq_matmul_options o = random_options(type, input, &mo, m, tiles, &scales);
    const size_t ldx = k + check_u32() % 3, ldy = n + check_u32() % 3;
    const void *x = make_x(o.x_type, m, k, ldx);
    float *start = matrix_floats(m * ldy);
    float *want = matrix_floats(m * ldy);
    size_t calls = 0;

    memcpy(want, start, 4 * m * ldy);
    matrix_define(&a, &mo, &o, m, x, ldx, want, ldy);
    run(&w, &o, m, x, ldx, start, want, ldy, 0);
    o.parts = 1 + check_u32() % 8;
    run(&w, &o, m, x, ldx, start, want, ldy, 1);
    o.parallel = backwards;
    o.parallel_user = &calls;
    run(&w, &o, m, x, ldx, start, want, ldy, 0);
    free(ra);
    free(cb);
    free(bias);
    free(offsets);
    free(scales);
    free(start);
    free(want);
    room_free();
}

// The default is int8 by row, or f32 for small floats.
static void test_default(void)
{
    for (size_t i = 0; i < MATRIX_TYPES; i++) {
        const qq_type type = matrix_types[i];
        const qq_array a = matrix_array(type, 20, 40, 1, 0, QQ_TYPE_F32, 0);
        const qq_matrix_options mo = qq_matrix_options_init();
        const qq_matrix w = matrix_packed(&a, NULL);
        qq_matmul_options o = qq_matmul_options_init();
        const void *x = make_x(QQ_TYPE_F32, 3, 40, 40);
        float want[60];
        float start[60] = {0};
        o.input = matrix_is_float(type) ? QQ_INPUT_F32 : QQ_INPUT_INT8_ROW;
        matrix_define(&a, &mo, &o, 3, x, 40, want, 20);
        run(&w, NULL, 3, x, 40, start, want, 20, 0);
        room_free();
    }
}

// Base 3 gives what 2 bits give.
static void test_base3(size_t n, size_t k, size_t m)
{
    qq_array a = matrix_array(QQ_TYPE_TERNARY, n, k, 1, PICK(tile_sizes),
                              QQ_TYPE_F16, 0);
    uint8_t *codes = (uint8_t *)room(qq_tensor_bytes(&a.value));
    qq_matrix_options mo = qq_matrix_options_init();
    qq_matmul_options o = qq_matmul_options_init();
    float *start = matrix_floats(m * n);
    float *want = matrix_floats(m * n);

    for (size_t i = 0; i < qq_tensor_bytes(&a.value); i++) {
        const uint8_t c = ((const uint8_t *)a.value.data)[i];
        codes[i] = (uint8_t)(c & ~(c >> 1 & 0x55)); // no code 3
    }
    a.value.data = codes;
    o.input = (qq_input)(QQ_INPUT_INT8_ROW + check_u32() % 6);
    o.x_scale = 0.02f;
    o.x_zero = 3;
    const void *x = make_x(QQ_TYPE_F32, m, k, k);
    matrix_define(&a, &mo, &o, m, x, k, want, n);
    mo.base3 = 1;
    mo.sums = check_u32() % 2;
    const qq_matrix w = matrix_packed(&a, &mo);
    CHECK((w.flags & QQ_MATRIX_BASE3) != 0);
    run(&w, &o, m, x, k, start, want, n, 0);
    o.parts = 3;
    run(&w, &o, m, x, k, start, want, n, 1);
    free(start);
    free(want);
    room_free();
}

// A row of y does not depend on its neighbours, nor on NaN among them.
static void test_batch(qq_type type, qq_input input)
{
    const size_t n = 19, k = 70, m = 9;
    const qq_array a = matrix_array(type, n, k, 1, 32, QQ_TYPE_F32, 0);
    const qq_matrix w = matrix_packed(&a, NULL);
    qq_matmul_options o = qq_matmul_options_init();
    float *x = matrix_floats(m * k);
    float y[9 * 19], one[19];

    o.input = input;
    o.x_scale = 0.01f;
    x[4 * k + 3] = NAN;
    x[7 * k + 69] = INFINITY;
    void *scratch = room(qq_matmul_scratch_size(&w, &o, m));
    CHECK(qq_matmul(&w, &o, m, x, k, y, n, scratch,
                    qq_matmul_scratch_size(&w, &o, m)) == QQ_OK);
    for (size_t i = 0; i < m; i++) {
        CHECK(qq_matmul(&w, &o, 1, x + i * k, k, one, n, scratch,
                        qq_matmul_scratch_size(&w, &o, 1)) == QQ_OK);
        CHECK(memcmp(one, y + i * n, sizeof one) == 0);
        for (size_t r = 0; r < n; r++)
            if (i == 4 || (i == 7 && input != QQ_INPUT_F32))
                CHECK(check_bits(one[r]) == 0x7fc00000u);
            else if (i != 7)
                CHECK(one[r] - one[r] == 0.0f);
    }
    free(x);
    room_free();
}

// Products large enough that threads are asked.
static void test_parallel(void)
{
    const size_t n = 130, k = 520, m = 150;
    const qq_array a = matrix_array(QQ_TYPE_INT4, n, k, 1, 64, QQ_TYPE_F16, 1);
    const qq_matrix w = matrix_packed(&a, NULL);
    qq_matmul_options o = qq_matmul_options_init();
    const void *x = make_x(QQ_TYPE_F32, m, k, k);
    float *start = matrix_floats(m * n);
    float *want = matrix_floats(m * n);
    size_t calls = 0;

    CHECK(qq_matmul(&w, NULL, m, x, k, want, n,
                    room(qq_matmul_scratch_size(&w, NULL, m)),
                    qq_matmul_scratch_size(&w, NULL, m)) == QQ_OK);
    o.parallel = backwards;
    o.parallel_user = &calls;
    for (size_t parts = 1; parts <= 12; parts++) {
        o.parts = parts;
        run(&w, &o, m, x, k, start, want, n, parts % 2 == 0);
    }
    // A lone group of rows is made ready by the calling thread.
    CHECK(calls == 3 + 5 + 7 + 9 + 11 || calls == 2 * (3 + 5 + 7 + 9 + 11));
    free(start);
    free(want);
    room_free();
}

int main(void)
{
    const size_t rounds = check_count(30);

    for (size_t i = 0; i < rounds; i++)
        for (size_t t = 0; t < MATRIX_TYPES; t++)
            for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++)
                if (in == QQ_INPUT_F32 || !matrix_is_float(matrix_types[t]))
                    test_one(matrix_types[t], (qq_input)in, PICK(sizes_n),
                             PICK(sizes_k), 1 + check_u32() % 9);
    for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++) {
        for (size_t m = 0; m < 3; m++) { // nothing to add up
            test_one(QQ_TYPE_INT5, (qq_input)in, 0, 5, m);
            test_one(QQ_TYPE_INT5, (qq_input)in, 5, 0, m);
            test_one(QQ_TYPE_INT5, (qq_input)in, 0, 0, m);
        }
        for (size_t t = 0; t < MATRIX_TYPES; t++)
            if (in == QQ_INPUT_F32 || !matrix_is_float(matrix_types[t]))
                test_batch(matrix_types[t], (qq_input)in);
    }
    for (size_t i = 0; i < check_count(60); i++)
        test_base3(PICK(sizes_n), PICK(sizes_k), 1 + check_u32() % 9);
    test_default();
    test_parallel();
    return check_done();
}
