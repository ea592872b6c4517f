// Fits: steps that never make J larger, the recipe against all codes there
// are, arrays that decode to the same numbers, parts that change nothing.

#include "fitting.h"

// The call agrees with the slow sum.
static double agreed(fitting *p, const double *j)
{
    const double slow = fitting_error(p);
    double sum = 0.0;

    for (size_t i = 0; i < p->n; i++)
        sum += j[i];
    CHECK(fabs(sum - slow) < 1e-4 * slow + 1e-9);
    return slow;
}

// Each step lowers J.
static void test_steps(size_t n, size_t k, size_t tile, qq_grid g)
{
    fitting p = fitting_make(n, k, tile, g, NULL);

    CHECK(fitting_search(&p) == QQ_OK);
    double *j = fitting_errors(&p);
    const double rounded = agreed(&p, j);
    CHECK(fitting_descend(&p) == QQ_OK);
    const double descended = fitting_error(&p);
    CHECK(descended <= rounded * 1.00001);
    CHECK(fitting_refit(&p) == QQ_OK);
    CHECK(fitting_error(&p) <= descended * 1.00001);
    CHECK(fitting_gptq(&p, QQ_COLUMNS_FALLING) == QQ_OK);
    CHECK(fitting_solve(&p, j) == QQ_OK);
    CHECK(agreed(&p, j) <= rounded * 1.00001);
    free(j);
    fitting_drop(&p);
}

// All codes of a row of k levels under given scales: the least J.
static double brute(fitting *p, size_t row)
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
        fitting_values(p);
        const double e = fitting_row(p, row);
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
        fitting p = fitting_make(1, 6, i % 3 ? 0 : 3, g, NULL);
        double j, b;
        CHECK(fitting_solve(&p, &j) == QQ_OK);
        b = brute(&p, 0);
        CHECK(b <= j * 1.00001);
        found += j;
        best += b;
        fitting_drop(&p);
    }
    CHECK(found < 1.15 * best);
}

// The array decodes to the values.
static void test_array(size_t n, size_t k, size_t tile, qq_grid g)
{
    fitting p = fitting_make(n, k, tile, g, NULL);
    qq_array a;
    qq_tensor y;

    CHECK(fitting_solve(&p, NULL) == QQ_OK);
    fitting_values(&p);
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
    fitting_drop(&p);
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
    fitting p = fitting_make(n, k, 12, qq_grid_integer(3), &o);
    p.o = NULL;
    CHECK(fitting_solve(&p, one) == QQ_OK);
    fitting_values(&p);
    float *v = solve_floats(n * k);
    memcpy(v, p.v, n * k * sizeof *v);
    p.o = &o;
    CHECK(fitting_solve(&p, two) == QQ_OK);
    fitting_values(&p);
    CHECK(calls > 0 && memcmp(one, two, sizeof one) == 0);
    CHECK(memcmp(v, p.v, n * k * sizeof *v) == 0);
    o.f16 = 1;
    CHECK(fitting_solve(&p, two) == QQ_OK);
    for (size_t i = 0; i < n * p.f.tiles; i++)
        CHECK(qq_f32_from_f16(qq_f16_from_f32(p.f.scale[i])) == p.f.scale[i]);
    calls = 0;
    o.parts = 1;
    o.parallel = NULL;
    o.progress = stop;
    o.progress_user = &calls;
    CHECK(fitting_solve(&p, two) == QQ_ERR_CANCELLED);
    CHECK(calls == 3);
    free(v);
    fitting_drop(&p);
}

static void test_refusals(void)
{
    fitting p = fitting_make(3, 8, 4, qq_grid_integer(2), NULL);
    qq_fit_options o = qq_fit_options_init();
    uint32_t bad;

    CHECK(qq_fit_solve(&p.f, NULL, p.w, 7, p.h, p.h_bytes, NULL, p.scratch,
                       p.room) == QQ_ERR_SHAPE);
    CHECK(qq_fit_solve(&p.f, NULL, NULL, 8, p.h, p.h_bytes, NULL, p.scratch,
                       p.room) == QQ_ERR_ARGUMENT);
    CHECK(qq_fit_solve(&p.f, NULL, p.w, 8, p.h, p.h_bytes, NULL, p.scratch,
                       p.room - 1) == QQ_ERR_SCRATCH);
    p.h[1] += 1.0f;
    CHECK(fitting_solve(&p, NULL) == QQ_ERR_FORMAT);
    p.h[1] = p.h[8] = 1e6f; // symmetric, but not positive
    CHECK(fitting_solve(&p, NULL) == QQ_ERR_FORMAT);
    p.h[1] = p.h[8] = 0.0f;
    p.w[5] = NAN;
    CHECK(fitting_solve(&p, NULL) == QQ_ERR_FORMAT);
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
    fitting_drop(&p);
}

// A row of zeros stays zeros; a tile of zeros is no trouble.
static void test_dead(void)
{
    for (size_t i = 0; i < FITTING_GRIDS; i++) {
        fitting p = fitting_make(4, 12, 4, fitting_grid(i), NULL);
        for (size_t j = 0; j < 12; j++)
            p.w[j] = 0.0f;
        for (size_t j = 4; j < 8; j++)
            p.w[24 + j] = 0.0f;
        CHECK(fitting_solve(&p, NULL) == QQ_OK);
        fitting_values(&p);
        for (size_t j = 0; j < 12; j++)
            CHECK(!(p.v[j] > 0.0f) && !(p.v[j] < 0.0f));
        fitting_drop(&p);
    }
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 5, 16, 17, 31, 33, 64, 70, 130};

    for (size_t i = 0; i < check_count(48); i++) {
        const size_t n = sizes[check_u32() % 7];
        const size_t k = sizes[check_u32() % 10];
        const size_t tile = i % 3 == 0 ? 0 : sizes[check_u32() % 8];
        test_steps(n, k, tile, fitting_grid(i));
        test_array(n, k, tile, fitting_grid(i));
    }
    test_brute();
    test_options();
    test_refusals();
    test_dead();
    return check_done();
}
