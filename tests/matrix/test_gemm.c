// Products of floats: every number is the chain of api/gemm.h to the bit, on
// every rung, for every shape, stride and count of parts.

#include "api/gemm.h"
#include "matrix/dense.h"
#include "room.h"

typedef struct matrix {
    size_t rows, columns, row, column, count;
    float *at;
} matrix;

enum { TAME, WILD, ODD };

// Numbers of all sizes, or zeros, infinities, NaN, subnormals among them.
static float number(int kind)
{
    static const uint32_t odd[] = {0x00000000u, 0x80000000u, 0x7f800000u,
                                   0xff800000u, 0x7fc00000u, 0xffc12345u,
                                   0x7f812345u, 0x00000001u, 0x807fffffu,
                                   0x00800000u, 0x7f7fffffu, 0x3f800001u};

    if (kind == ODD && check_u32() % 8 == 0)
        return check_f32(odd[check_u32() % 12]);
    if (kind == WILD)
        return check_f32((check_u32() & 0x807fffffu) | (check_u32() % 160 + 40)
                                                           << 23);
    return check_uniform();
}

// how: 0 rows, 1 columns without gaps; 2 and 3 the same with gaps; 4: neither.
static matrix matrix_make(size_t rows, size_t columns, int how, int kind)
{
    matrix x;

    x.rows = rows;
    x.columns = columns;
    x.row = how % 2 == 0 ? columns : 1;
    x.column = how % 2 == 0 ? 1 : rows;
    if (how == 2)
        x.row += 3;
    if (how == 3)
        x.column += 5;
    if (how == 4) {
        x.column = 2;
        x.row = 2 * columns + 1;
    }
    x.count = rows > 0 && columns > 0
                  ? (rows - 1) * x.row + (columns - 1) * x.column + 1
                  : 0;
    x.at = (float *)(void *)room(x.count * sizeof(float));
    for (size_t i = 0; i < x.count; i++)
        x.at[i] = number(kind);
    return x;
}

static float *entry(const matrix *x, size_t i, size_t j)
{
    return x->at + i * x->row + j * x->column;
}

static void chain(const matrix *a, const matrix *b, const matrix *c, int add)
{
    for (size_t i = 0; i < c->rows; i++)
        for (size_t j = 0; j < c->columns; j++) {
            float s = add ? *entry(c, i, j) : 0.0f;
            for (size_t l = 0; l < a->columns; l++)
                s = qqi_fma_soft_f32(*entry(a, i, l), *entry(b, l, j), s);
            *entry(c, i, j) = s != s ? check_f32(0x7fc00000u) : s;
        }
}

// Parts backwards.
static void run_parts(void *user, size_t parts, void (*part)(void *, size_t),
                      void *arg)
{
    *(int *)user += 1;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

static void test_one(size_t m, size_t n, size_t k, size_t parts, int add,
                     int kind)
{
    const matrix a = matrix_make(m, k, (int)(check_u32() % 5), kind);
    const matrix b = matrix_make(k, n, (int)(check_u32() % 5), kind);
    const matrix c = matrix_make(m, n, (int)(check_u32() % 5), kind);
    qq_gemm_options o = qq_gemm_options_init();
    matrix want = c;
    int calls = 0;

    o.accumulate = add;
    o.parts = parts;
    o.parallel = run_parts;
    o.parallel_user = &calls;
    want.at = (float *)(void *)room(c.count * sizeof(float));
    if (c.count > 0)
        memcpy(want.at, c.at, c.count * sizeof(float));
    chain(&a, &b, &want, add);
    const size_t need = qq_gemm_scratch_size(m, n, k, &o);
    void *scratch = room(need);
    CHECK(qq_gemm(m, n, k, &o, a.at, a.row, a.column, b.at, b.row, b.column,
                  c.at, c.row, c.column, scratch, need) == QQ_OK);
    CHECK(c.count == 0 || memcmp(c.at, want.at, c.count * sizeof(float)) == 0);
    if (need > 0)
        CHECK(qq_gemm(m, n, k, &o, a.at, a.row, a.column, b.at, b.row, b.column,
                      c.at, c.row, c.column, scratch,
                      need - 1) == QQ_ERR_SCRATCH);
    free(scratch);
    free(a.at);
    free(b.at);
    free(c.at);
    free(want.at);
}

static void test_shapes(void)
{
    static const size_t some[] = {0,  1,  2,  3,  7,  8,  9,  15,
                                  16, 17, 31, 32, 33, 48, 65, 100};
    static const size_t parts[] = {1, 2, 3, 8};

    for (size_t i = 0; i < check_count(300); i++)
        test_one(some[check_u32() % 16], some[check_u32() % 16],
                 some[check_u32() % 16], parts[check_u32() % 4], (int)(i & 1),
                 (int)(i / 2 % 3));
}

// Beyond a block in every direction.
static void test_blocks(void)
{
    const size_t n = check_small() ? 40 : 530;

    test_one(261, 33, 20, 1, 0, TAME);
    test_one(9, n, 515, 1, 0, WILD);
    test_one(n, 9, 258, 3, 1, ODD);
    test_one(8, 8, 1030, 2, 1, TAME);
    test_one(1, 70, 300, 2, 0, TAME);
    test_one(64, 64, 256, 8, 0, TAME); // not a small one: threads are asked
}

static void test_refusals(void)
{
    float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 2, 3, 4, 5, 6}, c[4];
    qq_gemm_options o = qq_gemm_options_init();
    static char space[8192];
    const size_t need = qq_gemm_scratch_size(2, 2, 3, NULL);

    CHECK(need > 0 && need <= sizeof space);
    memset(c, 0, sizeof c);
    CHECK(qq_gemm(2, 2, 3, NULL, NULL, 3, 1, b, 2, 1, c, 2, 1, space, need) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_gemm(2, 2, 3, NULL, a, 3, 1, NULL, 2, 1, c, 2, 1, space, need) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_gemm(2, 2, 3, NULL, a, 3, 1, b, 2, 1, NULL, 2, 1, space, need) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_gemm(2, 2, 3, NULL, a, 3, 1, b, 2, 1, c, 2, 1, NULL, need) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_gemm(2, 2, 3, NULL, a, SIZE_MAX / 2, 1, b, 2, 1, c, 2, 1, space,
                  need) == QQ_ERR_SHAPE);
    CHECK(qq_gemm(2, 2, 3, NULL, a, 3, 1, b, SIZE_MAX / 4, 1, c, 2, 1, space,
                  need) == QQ_ERR_SHAPE);
    CHECK(qq_gemm(2, 2, 3, NULL, a, 3, 1, b, 2, 1, c, 1, 1, space, need) ==
          QQ_ERR_SHAPE);
    CHECK(qq_gemm(2, 2, 3, NULL, a, 3, 1, b, 2, 1, c, 0, 1, space, need) ==
          QQ_ERR_SHAPE);
    CHECK(qq_gemm(2, 2, 3, NULL, a, 3, 1, b, 2, 1, c, 2, 0, space, need) ==
          QQ_ERR_SHAPE);
    o.parts = 0;
    CHECK(qq_gemm_scratch_size(2, 2, 3, &o) == SIZE_MAX);
    CHECK(qq_gemm(2, 2, 3, &o, a, 3, 1, b, 2, 1, c, 2, 1, space, need) ==
          QQ_ERR_ARGUMENT);
    memset(&o, 0, sizeof o);
    o.parts = 1;
    CHECK(qq_gemm(2, 2, 3, &o, a, 3, 1, b, 2, 1, c, 2, 1, space, need) ==
          QQ_ERR_ARGUMENT);
    o = qq_gemm_options_init();
    o.parts = SIZE_MAX / 2;
    CHECK(qq_gemm_scratch_size(2, 2, 3, &o) == SIZE_MAX);
    CHECK(qq_gemm(2, 2, 3, &o, a, 3, 1, b, 2, 1, c, 2, 1, space, need) ==
          QQ_ERR_SIZE);
    for (int i = 0; i < 4; i++)
        CHECK(check_bits(c[i]) == 0);
    CHECK(qq_gemm(2, 2, 3, NULL, a, 3, 1, b, 2, 1, c, 2, 1, space, need) ==
          QQ_OK);
    CHECK(c[0] == 22.0f && c[1] == 28.0f && c[2] == 49.0f && c[3] == 64.0f);
    // A stride of 0 says a row, or a number, again and again.
    CHECK(qq_gemm(2, 2, 3, NULL, a, 0, 1, b, 0, 0, c, 1, 2, space, need) ==
          QQ_OK);
    CHECK(c[0] == 6.0f && c[1] == 6.0f && c[2] == 6.0f && c[3] == 6.0f);
    CHECK(qq_gemm(0, 2, 3, NULL, NULL, 0, 0, b, 2, 1, NULL, 0, 0, NULL, 0) ==
          QQ_OK);
}

// No steps: zeros, or c with the one NaN.
static void test_nothing(void)
{
    qq_gemm_options o = qq_gemm_options_init();
    float c[2] = {1.5f, check_f32(0xffc12345u)};

    o.accumulate = 1;
    CHECK(qq_gemm(1, 2, 0, &o, NULL, 0, 1, NULL, 2, 1, c, 2, 1, NULL, 0) ==
          QQ_OK);
    CHECK(c[0] == 1.5f && check_bits(c[1]) == 0x7fc00000u);
    CHECK(qq_gemm(1, 2, 0, NULL, NULL, 0, 1, NULL, 2, 1, c, 2, 1, NULL, 0) ==
          QQ_OK);
    CHECK(check_bits(c[0]) == 0 && check_bits(c[1]) == 0);
}

int main(void)
{
    static const qq_isa isa[] = {QQ_ISA_SCALAR, QQ_ISA_AVX2, QQ_ISA_AVX512,
                                 QQ_ISA_NEON};

    for (int i = 0; i < 4; i++) {
        if (qq_use_isa(isa[i]) != QQ_OK)
            continue;
        test_shapes();
        test_blocks();
    }
    test_refusals();
    test_nothing();
    return check_done();
}
