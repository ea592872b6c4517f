// Moments against sums made one by one; how rows are cut, and threads, change
// no bit.

#include "solve.h"

// More rows than are taken at a time, more columns than a part has at a time.
enum { ROWS = 177, WIDE = 97, OUT = 70 };

// At an odd address; free what lies a byte before. x becomes what is there.
static uint8_t *as_type(qq_type type, float *x, size_t count)
{
    uint8_t *p = (uint8_t *)room(count * qq_type_bits(type) / 8 + 1) + 1;

    for (size_t i = 0; i < count; i++) {
        const uint32_t u = qq_type_encode(type, x[i]);
        const uint16_t h = (uint16_t)(u & 0xffff);
        if (type == QQ_TYPE_F32)
            memcpy(p + 4 * i, &u, 4);
        else
            memcpy(p + 2 * i, &h, 2);
        x[i] = qq_type_decode(type, u);
    }
    return p;
}

static void check_sums(const qq_moments *m, const float *x, const float *y)
{
    int same = 1;

    for (size_t i = 0; i < WIDE; i++)
        for (size_t j = i; j < WIDE; j++) {
            double sum = 0.0;
            for (size_t r = 0; r < ROWS; r++)
                sum += (double)x[r * WIDE + i] * (double)x[r * WIDE + j];
            if (m->kind == QQ_MOMENTS_FULL)
                same &= memcmp(&sum, m->square + i * WIDE + j, 8) == 0;
            if (m->kind == QQ_MOMENTS_DIAGONAL && i == j)
                same &= memcmp(&sum, m->square + i, 8) == 0;
        }
    for (size_t i = 0; i < OUT; i++)
        for (size_t j = 0; j < WIDE; j++) {
            double sum = 0.0;
            for (size_t r = 0; r < ROWS; r++)
                sum += (double)y[r * OUT + i] * (double)x[r * WIDE + j];
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
    check_sums(&m, x, y);
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
    CHECK(qq_moments_gram(&m, 0.5, g, sizeof g) == QQ_OK);
    CHECK(g[0] == 5.0 && g[1] == 10.0 && g[2] == 10.0 && g[3] == 20.0);
    CHECK(qq_moments_gram(&m, 1.0, g, sizeof g - 1) == QQ_ERR_SIZE);
    CHECK(qq_moments_cross(&m, 1, 3.0, c, sizeof c) == QQ_OK);
    CHECK(c[0] == 3.0f && c[1] == 6.0f);
    CHECK(qq_moments_cross(&m, 1, 3.0, c, sizeof c - 1) == QQ_ERR_SIZE);
    CHECK(qq_moments_means(&m, mean, other) == QQ_OK);
    CHECK(mean[0] == 2.0f && mean[1] == 4.0f && other[0] == 2.0f);
    CHECK(qq_moments_hessian(&m, 1, 1.0, h, 15) == QQ_ERR_SIZE);
    CHECK(qq_moments_hessian(&m, 1, 1.0, NULL, 16) == QQ_ERR_ARGUMENT);
    m.count = UINT64_MAX - 1; // no room for two rows more
    CHECK(qq_moments_update(&m, &o, 2, QQ_TYPE_F32, x, 2, y, 1, s, need) ==
          QQ_ERR_SIZE);
    CHECK(qq_moments_merge(&m, &n) == QQ_OK);
    CHECK(qq_moments_merge(&m, &n) == QQ_ERR_SIZE);
    CHECK(m.count == UINT64_MAX);
    m.count = 2;
    CHECK(qq_moments_make(2, &o, p, bytes - 1, &m) == QQ_ERR_SIZE);
    o.parts = 0;
    CHECK(qq_moments_size(2, &o) == SIZE_MAX);
    CHECK(qq_moments_size(SIZE_MAX / 2, NULL) == SIZE_MAX);
    o.parts = 1;
    for (int kind = 0; kind <= 4; kind += 4) {
        o.kind = (qq_moments_kind)kind;
        CHECK(qq_moments_size(2, &o) == SIZE_MAX);
        CHECK(qq_moments_make(2, &o, p, bytes, &n) == QQ_ERR_ARGUMENT);
    }
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

static void *kept[1024];
static size_t kept_count;

// A moment in memory that is given back at the end.
static qq_moments moments(size_t k, const qq_moments_options *o)
{
    const size_t bytes = qq_moments_size(k, o);
    qq_moments m;

    kept[kept_count++] = room(bytes);
    CHECK(qq_moments_make(k, o, kept[kept_count - 1], bytes, &m) == QQ_OK);
    return m;
}

static qq_status add(qq_moments *m, const qq_moments_options *o, size_t rows,
                     const float *x, const float *y)
{
    const size_t need = qq_moments_scratch_size(m, o);
    void *scratch = room(need);
    const qq_status status =
        qq_moments_update(m, o, rows, QQ_TYPE_F32, x, m->k, y,
                          o != NULL ? o->outputs : 0, scratch, need);

    free(scratch);
    return status;
}

// Halves of the rows merged are the rows, where sums are exact; what differs
// in size or kind is not merged.
static void test_merge(qq_moments_kind kind)
{
    enum { R = 50 };
    qq_moments_options o = qq_moments_options_init(), p = o;
    float x[R * 7], y[R * 3], h[2][49], c[2][21], mean[2][10];

    o.kind = kind;
    o.outputs = 3;
    for (size_t i = 0; i < R * 7; i++)
        x[i] = (float)((int)(check_u32() % 17) - 8) * 0.25f;
    for (size_t i = 0; i < R * 3; i++)
        y[i] = (float)((int)(check_u32() % 17) - 8) * 0.5f;
    qq_moments all = moments(7, &o), first = moments(7, &o);
    qq_moments rest = moments(7, &o), none = moments(7, &o);
    CHECK(add(&all, &o, R, x, y) == QQ_OK);
    CHECK(add(&first, &o, 13, x, y) == QQ_OK);
    CHECK(add(&rest, &o, R - 13, x + 13 * 7, y + 13 * 3) == QQ_OK);
    CHECK(qq_moments_merge(&first, &rest) == QQ_OK && first.count == R);
    CHECK(qq_moments_merge(&first, &none) == QQ_OK && first.count == R);
    for (int i = 0; i < 2; i++) {
        const qq_moments *m = i ? &first : &all;
        memset(h[i], 0, sizeof h[i]);
        CHECK(qq_moments_hessian(m, 1, 3.0, h[i], sizeof h[i]) ==
              (kind == QQ_MOMENTS_NONE ? QQ_ERR_ARGUMENT : QQ_OK));
        CHECK(qq_moments_cross(m, 1, 1.0, c[i], sizeof c[i]) == QQ_OK);
        CHECK(qq_moments_means(m, mean[i], mean[i] + 7) == QQ_OK);
    }
    CHECK(memcmp(h[0], h[1], sizeof h[0]) == 0);
    CHECK(memcmp(c[0], c[1], sizeof c[0]) == 0);
    CHECK(memcmp(mean[0], mean[1], sizeof mean[0]) == 0);
    // Before any row all is 0.
    CHECK(qq_moments_means(&none, mean[0], mean[0] + 7) == QQ_OK);
    CHECK(mean[0][0] == 0.0f && mean[0][9] == 0.0f);
    CHECK(qq_moments_cross(&none, 1, 1.0, c[0], sizeof c[0]) == QQ_OK);
    CHECK(c[0][0] == 0.0f && c[0][20] == 0.0f);
    if (kind != QQ_MOMENTS_NONE)
        CHECK(qq_moments_hessian(&none, 1, 1.0, h[0], sizeof h[0]) == QQ_OK &&
              h[0][0] == 0.0f && h[0][6] == 0.0f);
    p.kind = kind == QQ_MOMENTS_FULL ? QQ_MOMENTS_DIAGONAL : QQ_MOMENTS_FULL;
    p.outputs = 3;
    qq_moments other = moments(7, &p);
    CHECK(qq_moments_merge(&first, &other) == QQ_ERR_SHAPE);
    qq_moments wide = moments(8, &o);
    CHECK(qq_moments_merge(&first, &wide) == QQ_ERR_SHAPE);
    o.outputs = 2;
    qq_moments narrow = moments(7, &o);
    CHECK(qq_moments_merge(&first, &narrow) == QQ_ERR_SHAPE);
    CHECK(qq_moments_merge(&first, NULL) == QQ_ERR_ARGUMENT);
    CHECK(first.count == R);
    rest.count = UINT64_MAX - 10;
    CHECK(qq_moments_merge(&first, &rest) == QQ_ERR_SIZE && first.count == R);
    CHECK(add(&rest, &o, 11, x, y) != QQ_OK);
}

// Columns of one number have no variance, and none below 0: what comes of them
// can be damped and solved with.
static void test_constant(void)
{
    for (size_t t = 0; t < 200; t++) {
        const size_t rows = 3 + t % 50;
        float *x = solve_inputs(rows, 3, 0.5f), h[9], d[3];
        const float c = x[0];
        qq_moments_options o = qq_moments_options_init();
        for (size_t i = 0; i < rows; i++) {
            x[i * 3] = c;
            x[i * 3 + 2] = -7.0f * c;
        }
        qq_moments m = moments(3, NULL);
        CHECK(add(&m, NULL, rows, x, NULL) == QQ_OK);
        CHECK(qq_moments_hessian(&m, 1, 1.0, h, sizeof h) == QQ_OK);
        CHECK(qq_hessian_check(3, h, sizeof h) == QQ_OK);
        CHECK(h[0] < 1e-12f && h[8] < 1e-10f && h[4] > 0.0f);
        o.kind = QQ_MOMENTS_DIAGONAL;
        qq_moments n = moments(3, &o);
        CHECK(add(&n, &o, rows, x, NULL) == QQ_OK);
        CHECK(qq_moments_hessian(&n, 1, 1.0, d, sizeof d) == QQ_OK);
        for (int i = 0; i < 3; i++)
            CHECK(check_bits(d[i]) == check_bits(h[4 * i]) && d[i] >= 0.0f);
        double gram[9];
        CHECK(qq_moments_gram(&n, 1.0, gram, sizeof gram) == QQ_ERR_ARGUMENT);
        free(x);
    }
}

// NaN and infinities spread, and are refused by those who read H.
static void test_wild(void)
{
    const float wild[3] = {NAN, INFINITY, -INFINITY};

    for (int i = 0; i < 3; i++) {
        float x[6] = {1, 2, 3, 4, 5, 6}, h[4];
        qq_moments m = moments(2, NULL);
        x[3] = wild[i];
        CHECK(add(&m, NULL, 3, x, NULL) == QQ_OK);
        for (int center = 0; center < 2; center++) {
            CHECK(qq_moments_hessian(&m, center, 1.0, h, sizeof h) == QQ_OK);
            CHECK(qq_hessian_check(2, h, sizeof h) == QQ_ERR_FORMAT);
            CHECK(isfinite(h[0]) && !isfinite(h[3]));
        }
    }
}

int main(void)
{
    test_merge(QQ_MOMENTS_FULL);
    test_merge(QQ_MOMENTS_DIAGONAL);
    test_merge(QQ_MOMENTS_NONE);
    test_constant();
    test_wild();

    static const qq_type types[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            test_sums(types[i], (qq_moments_kind)(1 + j), 1 + i * j, ROWS);
            test_sums(types[i], (qq_moments_kind)(1 + j), 3, 1 + 8 * j);
        }
    test_reading();
    while (kept_count > 0)
        free(kept[--kept_count]);
    return check_done();
}
