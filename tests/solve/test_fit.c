// Fits: steps that never make J larger, the recipe against all codes there
// are, arrays that decode to the same numbers, parts that change nothing.

#include "solve.h"

static const float odd_book[5] = {-1.0f, -0.25f, 0.1f, 0.5f, 2.0f};

static qq_grid any_grid(size_t i)
{
    qq_grid g;

    switch (i % 8) {
    case 0:
        return qq_grid_integer(4);
    case 1:
        return qq_grid_integer(3);
    case 2:
        g = qq_grid_integer(2);
        g.signed_scales = 0;
        return g;
    case 3:
        return qq_grid_half_step(2);
    case 4:
        return qq_grid_ternary();
    case 5:
        return qq_grid_integer(1);
    case 6:
        g = qq_grid_integer(3);
        g.offsets = 1;
        return g;
    default:
        return qq_grid_book(5, odd_book);
    }
}

struct problem {
    size_t n, k;
    float *w, *h;
    size_t h_bytes;
    qq_fit f;
    void *memory, *scratch;
    size_t room;
    float *v;
};

static struct problem make(size_t n, size_t k, size_t tile, qq_grid g,
                           const qq_fit_options *o)
{
    struct problem p;
    float *x = solve_inputs(3 * k + 5, k, 0.9f);

    p.n = n;
    p.k = k;
    p.w = solve_weights(n, k);
    p.h = solve_hessian(3 * k + 5, k, x, 1, 0.03);
    p.h_bytes = k * k * sizeof(float);
    const size_t bytes = qq_fit_size(n, k, tile, &g);
    p.memory = room(bytes);
    CHECK(qq_fit_make(n, k, tile, &g, p.memory, bytes, &p.f) == QQ_OK);
    p.room = qq_fit_scratch_size(&p.f, o);
    p.scratch = room(p.room);
    p.v = solve_floats(n * k);
    free(x);
    return p;
}

static void drop(struct problem *p)
{
    free(p->w);
    free(p->h);
    free(p->memory);
    free(p->scratch);
    free(p->v);
}

static double error_of(struct problem *p)
{
    CHECK(qq_fit_values(&p->f, p->v, p->k) == QQ_OK);
    return solve_error(p->n, p->k, p->w, p->v, p->h);
}

// The calls agree with the slow sum; each step lowers J.
static void test_steps(size_t n, size_t k, size_t tile, qq_grid g)
{
    struct problem p = make(n, k, tile, g, NULL);
    double *j = solve_doubles(n), sum = 0.0;
    float *d = solve_floats(k);

    for (size_t i = 0; i < k; i++)
        d[i] = p.h[i * k + i];
    CHECK(qq_fit_search(&p.f, NULL, p.w, k, d, p.scratch, p.room) == QQ_OK);
    const double rounded = error_of(&p);
    CHECK(qq_fit_errors(&p.f, NULL, p.w, k, p.h, p.h_bytes, j, p.scratch,
                        p.room) == QQ_OK);
    for (size_t i = 0; i < n; i++)
        sum += j[i];
    CHECK(fabs(sum - rounded) < 1e-4 * rounded + 1e-9);
    CHECK(qq_fit_descend(&p.f, NULL, p.w, k, p.h, p.h_bytes, p.scratch,
                         p.room) == QQ_OK);
    const double descended = error_of(&p);
    CHECK(descended <= rounded * 1.00001);
    CHECK(qq_fit_refit(&p.f, NULL, p.w, k, p.h, p.h_bytes, p.scratch, p.room) ==
          QQ_OK);
    const double fitted = error_of(&p);
    CHECK(fitted <= descended * 1.00001);
    CHECK(qq_fit_gptq(&p.f, NULL, QQ_COLUMNS_FALLING, p.w, k, p.h, p.h_bytes,
                      p.scratch, p.room) == QQ_OK);
    CHECK(qq_fit_solve(&p.f, NULL, p.w, k, p.h, p.h_bytes, j, p.scratch,
                       p.room) == QQ_OK);
    const double solved = error_of(&p);
    CHECK(solved <= rounded * 1.00001);
    sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += j[i];
    CHECK(fabs(sum - solved) < 1e-4 * solved + 1e-9);
    free(j);
    free(d);
    drop(&p);
}

// All codes of a row of k levels under given scales: the least J.
static double brute(struct problem *p, size_t row)
{
    const size_t k = p->k, count = p->f.grid.count;
    double best = 1e300;
    size_t all = 1;
    uint8_t *code = p->f.code + row * k;

    for (size_t i = 0; i < k; i++)
        all *= count;
    for (size_t c = 0; c < all; c++) {
        size_t at = c;
        for (size_t i = 0; i < k; i++, at /= count)
            code[i] = (uint8_t)(at % count);
        qq_fit_values(&p->f, p->v, k);
        const double e =
            solve_error(1, k, p->w + row * k, p->v + row * k, p->h);
        best = e < best ? e : best;
    }
    return best;
}

// With scales as they came out, codes are at most a little above the best.
static void test_brute(void)
{
    double found = 0.0, best = 0.0;

    for (size_t i = 0; i < check_count(16); i++) {
        qq_grid g = i % 2 ? qq_grid_half_step(2) : qq_grid_ternary();
        struct problem p = make(1, 6, i % 3 ? 0 : 3, g, NULL);
        double j, b;
        CHECK(qq_fit_solve(&p.f, NULL, p.w, 6, p.h, p.h_bytes, &j, p.scratch,
                           p.room) == QQ_OK);
        b = brute(&p, 0);
        CHECK(b <= j * 1.00001);
        found += j;
        best += b;
        drop(&p);
    }
    CHECK(found < 1.15 * best);
}

// The array decodes to the values.
static void test_array(size_t n, size_t k, size_t tile, qq_grid g)
{
    struct problem p = make(n, k, tile, g, NULL);
    qq_array a;
    qq_tensor y;

    CHECK(qq_fit_solve(&p.f, NULL, p.w, k, p.h, p.h_bytes, NULL, p.scratch,
                       p.room) == QQ_OK);
    CHECK(qq_fit_values(&p.f, p.v, k) == QQ_OK);
    const size_t bytes = qq_fit_array_size(&p.f, QQ_TYPE_F32);
    uint8_t *out = room(bytes);
    float *back = solve_floats(n * k);
    CHECK(qq_fit_array(&p.f, QQ_TYPE_F32, out, bytes, &a) == QQ_OK);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, back, n * k * 4, &y) ==
          QQ_OK);
    int same = 1;
    for (size_t i = 0; i < n * k; i++) { // offsets are no part of it
        const size_t at = i / k * p.f.tiles + i % k / p.f.tile;
        const float v = back[i] + (g.offsets ? p.f.offset[at] : 0.0f);
        same &= !(v < p.v[i]) && !(v > p.v[i]);
    }
    CHECK(same);
    free(out);
    free(back);
    drop(&p);
}

static int stop(void *user, size_t done, size_t all)
{
    size_t *calls = (size_t *)user;

    CHECK(done <= all);
    return ++*calls == 3;
}

// Threads change no bit; a call can be stopped; halves are halves.
static void test_options(void)
{
    const size_t n = 70, k = 40;
    qq_fit_options o = qq_fit_options_init();
    size_t calls = 0;
    double one[70], two[70];

    o.parts = 3;
    o.parallel = solve_backwards;
    o.parallel_user = &calls;
    struct problem p = make(n, k, 12, qq_grid_integer(3), &o);
    CHECK(qq_fit_solve(&p.f, NULL, p.w, k, p.h, p.h_bytes, one, p.scratch,
                       p.room) == QQ_OK);
    CHECK(qq_fit_values(&p.f, p.v, k) == QQ_OK);
    float *v = solve_floats(n * k);
    memcpy(v, p.v, n * k * sizeof *v);
    CHECK(qq_fit_solve(&p.f, &o, p.w, k, p.h, p.h_bytes, two, p.scratch,
                       p.room) == QQ_OK);
    CHECK(qq_fit_values(&p.f, p.v, k) == QQ_OK);
    CHECK(calls > 0 && memcmp(one, two, sizeof one) == 0);
    CHECK(memcmp(v, p.v, n * k * sizeof *v) == 0);
    o.f16 = 1;
    CHECK(qq_fit_solve(&p.f, &o, p.w, k, p.h, p.h_bytes, two, p.scratch,
                       p.room) == QQ_OK);
    for (size_t i = 0; i < n * p.f.tiles; i++)
        CHECK(qq_f32_from_f16(qq_f16_from_f32(p.f.scale[i])) == p.f.scale[i]);
    calls = 0;
    o.parts = 1;
    o.parallel = NULL;
    o.progress = stop;
    o.progress_user = &calls;
    CHECK(qq_fit_solve(&p.f, &o, p.w, k, p.h, p.h_bytes, two, p.scratch,
                       p.room) == QQ_ERR_CANCELLED);
    CHECK(calls == 3);
    free(v);
    drop(&p);
}

static void test_refusals(void)
{
    struct problem p = make(3, 8, 4, qq_grid_integer(2), NULL);
    qq_fit_options o = qq_fit_options_init();
    uint32_t bad;

    CHECK(qq_fit_solve(&p.f, NULL, p.w, 7, p.h, p.h_bytes, NULL, p.scratch,
                       p.room) == QQ_ERR_SHAPE);
    CHECK(qq_fit_solve(&p.f, NULL, NULL, 8, p.h, p.h_bytes, NULL, p.scratch,
                       p.room) == QQ_ERR_ARGUMENT);
    CHECK(qq_fit_solve(&p.f, NULL, p.w, 8, p.h, p.h_bytes, NULL, p.scratch,
                       p.room - 1) == QQ_ERR_SCRATCH);
    p.h[1] += 1.0f;
    CHECK(qq_fit_solve(&p.f, NULL, p.w, 8, p.h, p.h_bytes, NULL, p.scratch,
                       p.room) == QQ_ERR_FORMAT);
    p.h[1] = p.h[8] = 1e6f; // symmetric, but not positive
    CHECK(qq_fit_solve(&p.f, NULL, p.w, 8, p.h, p.h_bytes, NULL, p.scratch,
                       p.room) == QQ_ERR_FORMAT);
    p.h[1] = p.h[8] = 0.0f;
    p.w[5] = NAN;
    CHECK(qq_fit_solve(&p.f, NULL, p.w, 8, p.h, p.h_bytes, NULL, p.scratch,
                       p.room) == QQ_ERR_FORMAT);
    for (size_t i = 0; i < 24; i++)
        CHECK(p.f.code[i] == 0);
    o.parts = 0;
    o.gain = 2.0;
    o.starts = 64;
    CHECK(qq_fit_options_check(&o, &bad) == QQ_ERR_ARGUMENT);
    CHECK(bad == (1u | 32u | 128u));
    CHECK(qq_fit_size(3, 8, 0, NULL) == SIZE_MAX);
    CHECK(qq_fit_size(SIZE_MAX / 2, 8, 0, &p.f.grid) == SIZE_MAX);
    const qq_grid none = qq_grid_integer(9);
    CHECK(qq_fit_size(3, 8, 0, &none) == SIZE_MAX);
    drop(&p);
}

// A row of zeros, a tile of zeros, a column that is never used.
static void test_dead(void)
{
    for (size_t i = 0; i < 8; i++) {
        struct problem p = make(4, 12, 4, any_grid(i), NULL);
        for (size_t j = 0; j < 12; j++)
            p.w[j] = 0.0f;
        for (size_t j = 4; j < 8; j++)
            p.w[24 + j] = 0.0f;
        CHECK(qq_fit_solve(&p.f, NULL, p.w, 12, p.h, p.h_bytes, NULL, p.scratch,
                           p.room) == QQ_OK);
        CHECK(qq_fit_values(&p.f, p.v, 12) == QQ_OK);
        for (size_t j = 0; j < 12; j++)
            CHECK(!(p.v[j] > 0.0f) && !(p.v[j] < 0.0f));
        drop(&p);
    }
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 5, 16, 17, 31, 33, 64, 70, 130};

    for (size_t i = 0; i < check_count(48); i++) {
        const size_t n = sizes[check_u32() % 7];
        const size_t k = sizes[check_u32() % 10];
        const size_t tile = i % 3 == 0 ? 0 : sizes[check_u32() % 8];
        test_steps(n, k, tile, any_grid(i));
        test_array(n, k, tile, any_grid(i));
    }
    test_brute();
    test_options();
    test_refusals();
    test_dead();
    return check_done();
}
