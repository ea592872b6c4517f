// What a product refuses, before anything is written; scratch.

#include "matrix.h"

static float y[4 * 20];

// Nothing is written when the answer is no.
static qq_status ask(const qq_matrix *w, const qq_matmul_options *o, size_t m,
                     const void *x, size_t ldx, size_t ldy, void *scratch,
                     size_t bytes)
{
    qq_status one, two;

    memset(y, 0x3c, sizeof y);
    one = qq_matmul(w, o, m, x, ldx, y, ldy, scratch, bytes);
    for (size_t i = 0; one != QQ_OK && i < 80; i++)
        CHECK(check_bits(y[i]) == 0x3c3c3c3cu);
    two = qq_matmul_part(w, o, m, x, ldx, y, ldy, scratch, bytes, 0, 0);
    CHECK(one == two);
    return one;
}

static void test_arguments(const qq_matrix *w, const float *x)
{
    const size_t bytes = qq_matmul_scratch_size(w, NULL, 4);
    void *s = room(bytes);
    qq_matmul_options o = qq_matmul_options_init();
    qq_matrix none;

    memset(&none, 0, sizeof none);
    CHECK(ask(w, NULL, 4, x, 40, 20, s, bytes) == QQ_OK);
    CHECK(ask(w, &o, 4, x, 40, 20, s, bytes) == QQ_OK);
    CHECK(ask(NULL, &o, 4, x, 40, 20, s, bytes) == QQ_ERR_ARGUMENT);
    CHECK(ask(&none, &o, 4, x, 40, 20, s, bytes) == QQ_ERR_ARGUMENT);
    CHECK(ask(w, &o, 4, NULL, 40, 20, s, bytes) == QQ_ERR_ARGUMENT);
    CHECK(ask(w, &o, 4, x, 39, 20, s, bytes) == QQ_ERR_SHAPE);
    CHECK(ask(w, &o, 4, x, 40, 19, s, bytes) == QQ_ERR_SHAPE);
    CHECK(ask(w, &o, 4, x, SIZE_MAX / 4, 20, s, bytes) == QQ_ERR_SHAPE);
    CHECK(ask(w, &o, 4, x, 40, SIZE_MAX / 8, s, bytes) == QQ_ERR_SHAPE);
    CHECK(ask(w, &o, 4, x, 40, 20, NULL, bytes) == QQ_ERR_ARGUMENT);
    CHECK(ask(w, &o, 4, x, 40, 20, s, bytes - 1) == QQ_ERR_SCRATCH);
    CHECK(ask(w, &o, SIZE_MAX / 2, x, 40, 20, s, bytes) == QQ_ERR_SHAPE);
    CHECK(ask(w, &o, 0, NULL, 40, 20, NULL, 0) == QQ_OK);
    CHECK(qq_matmul(w, &o, 4, x, 40, NULL, 20, s, bytes) == QQ_ERR_ARGUMENT);
    CHECK(qq_matmul(w, &o, 0, NULL, 40, NULL, 20, NULL, 0) == QQ_OK);
    CHECK(qq_matmul_part(w, &o, 4, x, 40, y, 20, s, bytes, 2, 0) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_matmul_part(w, &o, 4, x, 40, y, 20, s, bytes, 1, 1) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_matmul_scratch_size(w, &o, SIZE_MAX / 3) == SIZE_MAX);
    CHECK(qq_matmul_scratch_size(w, &o, 0) == 0);
    CHECK(qq_matmul_scratch_size(&none, &o, 1) == SIZE_MAX);
    memset(&o, 0, sizeof o);
    CHECK(ask(w, &o, 4, x, 40, 20, s, bytes) == QQ_ERR_ARGUMENT);
}

// One member wrong at a time.
#define WRONG(member, value, status)                                           \
    do {                                                                       \
        qq_matmul_options bad = o;                                             \
        bad.member = value;                                                    \
        CHECK(ask(w, &bad, 4, x, 40, 20, s, bytes) == status);                 \
        CHECK(qq_matmul_scratch_size(w, &bad, 4) == SIZE_MAX);                 \
    } while (0)

static void test_options(const qq_matrix *w, const float *x)
{
    qq_matmul_options o = qq_matmul_options_init();

    o.input = QQ_INPUT_INT8_STATIC;
    o.x_scale = 0.5f;
    const size_t bytes = qq_matmul_scratch_size(w, &o, 4);
    void *s = room(bytes);
    CHECK(ask(w, &o, 4, x, 40, 20, s, bytes) == QQ_OK);
    WRONG(parts, 0, QQ_ERR_ARGUMENT);
    WRONG(input, (qq_input)0, QQ_ERR_ARGUMENT);
    WRONG(input, (qq_input)8, QQ_ERR_ARGUMENT);
    WRONG(x_scale, 0.0f, QQ_ERR_ARGUMENT);
    WRONG(x_scale, -1.0f, QQ_ERR_ARGUMENT);
    WRONG(x_scale, NAN, QQ_ERR_ARGUMENT);
    WRONG(x_scale, INFINITY, QQ_ERR_ARGUMENT);
    WRONG(x_zero, 128, QQ_ERR_ARGUMENT);
    WRONG(x_zero, -129, QQ_ERR_ARGUMENT);
    WRONG(lo, NAN, QQ_ERR_ARGUMENT);
    WRONG(x_type, QQ_TYPE_F64, QQ_ERR_TYPE);
    WRONG(x_type, QQ_TYPE_NONE, QQ_ERR_TYPE);
    o.x_type = QQ_TYPE_INT8;
    WRONG(input, QQ_INPUT_F32, QQ_ERR_TYPE);
    WRONG(input, QQ_INPUT_INT16, QQ_ERR_TYPE);
    o.input = QQ_INPUT_INT8_ROW; // without x_scales
    CHECK(ask(w, &o, 4, x, 40, 20, s, bytes) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    const qq_array a =
        matrix_array(QQ_TYPE_INT4, 20, 40, 1, 16, QQ_TYPE_F32, 1);
    const qq_array f = matrix_array(QQ_TYPE_E5M2, 20, 40, 1, 0, QQ_TYPE_F32, 0);
    const qq_matrix w = matrix_packed(&a, NULL), v = matrix_packed(&f, NULL);
    qq_matrix_options mo = qq_matrix_options_init();
    qq_matmul_options o = qq_matmul_options_init();
    float *x = matrix_floats(160);
    uint8_t s[64];

    test_arguments(&w, x);
    test_options(&w, x);
    // What does not go together.
    o.input = QQ_INPUT_INT8_ROW;
    CHECK(ask(&v, &o, 4, x, 40, 20, s, 64) == QQ_ERR_TYPE);
    mo.b = x;
    const qq_matrix b = matrix_packed(&a, &mo);
    o.x_type = QQ_TYPE_INT8;
    o.x_scales = x;
    CHECK(ask(&b, &o, 4, x, 40, 20, s, 64) == QQ_ERR_TYPE);
    CHECK(qq_matmul_scratch_size(&b, &o, 4) == SIZE_MAX);
    free(x);
    room_free();
    return check_done();
}
