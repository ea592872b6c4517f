// Moments against sums made one by one; how rows are cut, and threads, change
// no bit.

#include "solve.h"

enum { ROWS = 77, WIDE = 45, OUT = 34 };

// At an odd address; free what lies a byte before.
static uint8_t *as_type(qq_type type, const float *x, size_t count)
{
    uint8_t *p = (uint8_t *)room(count * qq_type_bits(type) / 8 + 1) + 1;

    for (size_t i = 0; i < count; i++) {
        const uint32_t u = qq_type_encode(type, x[i]);
        const uint16_t h = (uint16_t)(u & 0xffff);
        if (type == QQ_TYPE_F32)
            memcpy(p + 4 * i, &u, 4);
        else
            memcpy(p + 2 * i, &h, 2);
    }
    return p;
}

static float value(qq_type type, float x)
{
    return qq_type_decode(type, qq_type_encode(type, x));
}

static void check_sums(const qq_moments *m, qq_type type, const float *x,
                       const float *y)
{
    int same = 1;

    for (size_t i = 0; i < WIDE; i++)
        for (size_t j = i; j < WIDE; j++) {
            double sum = 0.0;
            for (size_t r = 0; r < ROWS; r++)
                sum += (double)value(type, x[r * WIDE + i]) *
                       (double)value(type, x[r * WIDE + j]);
            if (m->kind == QQ_MOMENTS_FULL)
                same &= memcmp(&sum, m->square + i * WIDE + j, 8) == 0;
            if (m->kind == QQ_MOMENTS_DIAGONAL && i == j)
                same &= memcmp(&sum, m->square + i, 8) == 0;
        }
    for (size_t i = 0; i < OUT; i++)
        for (size_t j = 0; j < WIDE; j++) {
            double sum = 0.0;
            for (size_t r = 0; r < ROWS; r++)
                sum += (double)value(type, y[r * OUT + i]) *
                       (double)value(type, x[r * WIDE + j]);
            same &= memcmp(&sum, m->cross + i * WIDE + j, 8) == 0;
        }
    CHECK(same);
    CHECK(m->count == ROWS);
}

static void test_sums(qq_type type, qq_moments_kind kind, size_t parts,
                      size_t cut)
{
    float *x = solve_inputs(ROWS, WIDE, 0.7f);
    float *y = solve_inputs(ROWS, OUT, 0.1f);
    const size_t size = qq_type_bits(type) / 8;
    uint8_t *px = as_type(type, x, ROWS * WIDE);
    uint8_t *py = as_type(type, y, ROWS * OUT);
    qq_moments_options o = qq_moments_options_init();
    size_t calls = 0;
    qq_moments m;

    o.kind = kind;
    o.outputs = OUT;
    o.parts = parts;
    o.parallel = solve_backwards;
    o.parallel_user = &calls;
    const size_t bytes = qq_moments_size(WIDE, &o);
    void *memory = room(bytes);
    CHECK(qq_moments_make(WIDE, &o, memory, bytes, &m) == QQ_OK);
    const size_t need = qq_moments_scratch_size(&m, &o);
    void *scratch = room(need);
    for (size_t i = 0; i < ROWS; i += cut) {
        const size_t rows = ROWS - i < cut ? ROWS - i : cut;
        CHECK(qq_moments_update(&m, &o, rows, type, px + i * WIDE * size, WIDE,
                                py + i * OUT * size, OUT, scratch,
                                need) == QQ_OK);
    }
    check_sums(&m, type, x, y);
    free(x);
    free(y);
    free(px - 1);
    free(py - 1);
    free(memory);
    free(scratch);
}

static void test_reading(void)
{
    const float x[4] = {1.0f, 2.0f, 3.0f, 6.0f};
    const float y[2] = {1.0f, 3.0f};
    qq_moments_options o = qq_moments_options_init();
    qq_moments m, n;
    double g[4];
    float h[4], c[2], mean[2], other[1];

    o.outputs = 1;
    const size_t bytes = qq_moments_size(2, &o);
    void *p = room(bytes);
    void *q = room(bytes);
    CHECK(qq_moments_make(2, &o, p, bytes, &m) == QQ_OK);
    CHECK(qq_moments_make(2, &o, q, bytes, &n) == QQ_OK);
    const size_t need = qq_moments_scratch_size(&m, &o);
    void *s = room(need);
    CHECK(qq_moments_update(&m, &o, 1, QQ_TYPE_F32, x, 2, y, 1, s, need) ==
          QQ_OK);
    CHECK(qq_moments_update(&n, &o, 1, QQ_TYPE_F32, x + 2, 2, y + 1, 1, s,
                            need) == QQ_OK);
    CHECK(qq_moments_merge(&m, &n) == QQ_OK && m.count == 2);
    CHECK(qq_moments_hessian(&m, 0, 2.0, h, sizeof h) == QQ_OK);
    CHECK(h[0] == 10.0f && h[1] == 20.0f && h[2] == 20.0f && h[3] == 40.0f);
    CHECK(qq_moments_hessian(&m, 1, 1.0, h, sizeof h) == QQ_OK);
    CHECK(h[0] == 1.0f && h[1] == 2.0f && h[2] == 2.0f && h[3] == 4.0f);
    CHECK(qq_moments_gram(&m, 1.0, g, sizeof g) == QQ_OK);
    CHECK(g[0] == 10.0 && g[1] == 20.0 && g[2] == 20.0 && g[3] == 40.0);
    CHECK(qq_moments_cross(&m, 0, 1.0, c, sizeof c) == QQ_OK);
    CHECK(c[0] == 5.0f && c[1] == 10.0f);
    CHECK(qq_moments_cross(&m, 1, 1.0, c, sizeof c) == QQ_OK);
    CHECK(c[0] == 1.0f && c[1] == 2.0f);
    CHECK(qq_moments_means(&m, mean, other) == QQ_OK);
    CHECK(mean[0] == 2.0f && mean[1] == 4.0f && other[0] == 2.0f);
    CHECK(qq_moments_hessian(&m, 1, 1.0, h, 15) == QQ_ERR_SIZE);
    CHECK(qq_moments_hessian(&m, 1, 1.0, NULL, 16) == QQ_ERR_ARGUMENT);
    CHECK(qq_moments_make(2, &o, p, bytes - 1, &m) == QQ_ERR_SIZE);
    o.parts = 0;
    CHECK(qq_moments_size(2, &o) == SIZE_MAX);
    CHECK(qq_moments_size(SIZE_MAX / 2, NULL) == SIZE_MAX);
    CHECK(qq_moments_update(&m, NULL, 1, QQ_TYPE_INT8, x, 2, y, 1, s, need) ==
          QQ_ERR_TYPE);
    CHECK(qq_moments_update(&m, NULL, 1, QQ_TYPE_F32, x, 1, y, 1, s, need) ==
          QQ_ERR_SHAPE);
    CHECK(qq_moments_update(&m, NULL, 1, QQ_TYPE_F32, x, 2, NULL, 1, s, need) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_moments_update(&m, NULL, 1, QQ_TYPE_F32, x, 2, y, 1, s,
                            need - 1) == QQ_ERR_SCRATCH);
    free(p);
    free(q);
    free(s);
}

int main(void)
{
    static const qq_type types[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            test_sums(types[i], (qq_moments_kind)(1 + j), 1 + i * j, ROWS);
            test_sums(types[i], (qq_moments_kind)(1 + j), 3, 1 + 8 * j);
        }
    test_reading();
    return check_done();
}
