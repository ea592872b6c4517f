// The recipe: never worse than rounding, nor with more starts, nor with more
// rounds; what turning signs, powers of two and the order of columns do to it;
// parts; halves; an end on demand. Nothing is written where it refuses.

#include "fitting.h"

static double sum_of(size_t n, const double *j)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += j[i];
    return sum;
}

// Row by row: rounding >= each start alone >= none of them lost by both.
static void test_starts(size_t n, size_t k, size_t tile, qq_grid g)
{
    qq_fit_options o = qq_fit_options_init();
    double *j = solve_doubles(n), *least = solve_doubles(n);

    fitting p = fitting_make(n, k, tile, g, &o);
    CHECK(fitting_search(&p) == QQ_OK);
    double *rounded = fitting_errors(&p);
    memcpy(least, rounded, n * sizeof *least);
    for (unsigned s = 0; s < 3; s++) {
        o.starts = 1u << s;
        CHECK(fitting_solve(&p, j) == QQ_OK);
        for (size_t i = 0; i < n; i++) {
            CHECK(j[i] <= rounded[i]);
            least[i] = fmin(least[i], j[i]);
        }
    }
    o.starts = QQ_START_ROUND | QQ_START_FALLING | QQ_START_NATURAL;
    CHECK(fitting_solve(&p, j) == QQ_OK);
    for (size_t i = 0; i < n; i++)
        CHECK(j[i] <= least[i]);
    double *again = fitting_errors(&p);
    fitting_values(&p);
    for (size_t i = 0; i < n; i++) {
        const double slow = fitting_row(&p, i);
        CHECK(fabs(j[i] - slow) <= 2.0 * fitting_noise(&p, i, slow));
        CHECK(memcmp(j + i, again + i, sizeof *j) == 0);
    }
    o.starts = 0; // nearest codes
    CHECK(fitting_solve(&p, j) == QQ_OK);
    CHECK(memcmp(j, rounded, n * sizeof *j) == 0);
    free(j);
    free(least);
    free(rounded);
    free(again);
    fitting_drop(&p);
}

// Row by row, more scales are never worse than fewer; in any parts they give
// the same bits, and near the ends of floats still numbers.
static void test_scales(qq_grid g, float by)
{
    const size_t n = 40, k = 31;
    qq_fit_options o = qq_fit_options_init();
    double *j = solve_doubles(n), *less = solve_doubles(n);
    double first = 0, last = 0;

    fitting p = fitting_make(n, k, 12, g, &o);
    for (size_t i = 0; i < n * k; i++)
        p.w[i] *= by;
    for (o.scales = 1; o.scales <= 5; o.scales++) {
        CHECK(fitting_solve(&p, j) == QQ_OK);
        for (size_t i = 0; i < n; i++)
            CHECK(isfinite(j[i]) && (o.scales == 1 || j[i] <= less[i]));
        memcpy(less, j, n * sizeof *j);
        last = sum_of(n, j);
        first = o.scales == 1 ? last : first;
    }
    if (by > 1e-3f && by < 1e3f)
        CHECK(last < first);
    o.scales = 5;
    o.parts = 3;
    p.room = qq_fit_scratch_size(&p.f, &o);
    free(p.scratch);
    p.scratch = room(p.room);
    CHECK(fitting_solve(&p, j) == QQ_OK);
    CHECK(memcmp(j, less, n * sizeof *j) == 0);
    free(j);
    free(less);
    fitting_drop(&p);
}

// No single code and no scale can do much better; more of everything is no
// worse on the whole.
static void test_more(qq_grid g)
{
    qq_fit_options o = qq_fit_options_init();
    const size_t n = 12, k = 33;
    double *j = solve_doubles(n), less, more;

    fitting p = fitting_make(n, k, 8, g, &o);
    o.starts = QQ_START_ROUND | QQ_START_FALLING | QQ_START_NATURAL;
    o.rounds = 0;
    CHECK(fitting_solve(&p, j) == QQ_OK);
    less = sum_of(n, j);
    o.rounds = 20;
    o.gain = 0.0;
    CHECK(fitting_solve(&p, j) == QQ_OK);
    more = sum_of(n, j);
    CHECK(more <= less * 1.02);
    // Further steps find next to nothing.
    CHECK(fitting_refit(&p) == QQ_OK && fitting_descend(&p) == QQ_OK);
    double *after = fitting_errors(&p);
    CHECK(sum_of(n, after) >= more * 0.98);
    free(after);
    free(j);
    fitting_drop(&p);
}

// 2^e W has 2^e V, to the bit; -W has -V where the grid is symmetric and the
// scales may not turn by themselves, and J is the same where they may.
static void test_equivariant(qq_grid g, int e)
{
    const size_t n = 9, k = 26;
    fitting p = fitting_make(n, k, 7, g, NULL);
    float *v = solve_floats(n * k);
    double *j = solve_doubles(n), *other = solve_doubles(n);
    int same = 1;

    CHECK(fitting_solve(&p, j) == QQ_OK);
    fitting_values(&p);
    memcpy(v, p.v, n * k * sizeof *v);
    for (size_t i = 0; i < n * k; i++)
        p.w[i] = ldexpf(p.w[i], e);
    CHECK(fitting_solve(&p, other) == QQ_OK);
    fitting_values(&p);
    for (size_t i = 0; i < n * k; i++)
        same &= check_bits(p.v[i]) == check_bits(ldexpf(v[i], e));
    CHECK(same);
    for (size_t i = 0; i < n; i++)
        CHECK(!(other[i] < ldexp(j[i], 2 * e)) &&
              !(other[i] > ldexp(j[i], 2 * e)));
    // A Hessian of other size changes J alone.
    for (size_t i = 0; i < k * k; i++)
        p.h[i] *= 16.0f;
    CHECK(fitting_solve(&p, j) == QQ_OK);
    uint8_t *codes = fitting_copy(&p);
    for (size_t i = 0; i < n; i++)
        CHECK(!(j[i] < 16.0 * other[i]) && !(j[i] > 16.0 * other[i]));
    for (size_t i = 0; i < n * k; i++)
        p.w[i] = -p.w[i];
    CHECK(fitting_solve(&p, other) == QQ_OK);
    if ((g.kind == QQ_GRID_HALF_STEP || g.count == 3) && !g.offsets)
        for (size_t i = 0; i < n; i++)
            CHECK(fabs(j[i] - other[i]) <= 1e-3 * j[i]);
    else if (g.signed_scales)
        CHECK(fabs(sum_of(n, j) - sum_of(n, other)) <= 0.2 * sum_of(n, j));
    free(codes);
    free(v);
    free(j);
    free(other);
    fitting_drop(&p);
}

// Columns in another order, with one scale a row: the same problem, so nearly
// the same J, from the starts that do not go by the order; H as it was.
static void test_columns(qq_grid g)
{
    const size_t n = 24, k = 20;
    qq_fit_options o = qq_fit_options_init();
    double *j = solve_doubles(n), *other = solve_doubles(n);
    size_t at[20];

    o.starts = QQ_START_FALLING;
    fitting p = fitting_make(n, k, 0, g, &o);
    CHECK(fitting_solve(&p, j) == QQ_OK);
    for (size_t i = 0; i < k; i++)
        at[i] = i * 7 % k;
    float *w = solve_floats(n * k), *h = solve_floats(k * k);
    for (size_t i = 0; i < n * k; i++)
        w[i] = p.w[i / k * k + at[i % k]];
    for (size_t i = 0; i < k * k; i++)
        h[i] = p.h[at[i / k] * k + at[i % k]];
    free(p.w);
    free(p.h);
    p.w = w;
    p.h = h;
    CHECK(fitting_solve(&p, other) == QQ_OK);
    const double x = sum_of(n, j), y = sum_of(n, other);
    CHECK(fabs(x - y) < 0.15 * (x + y));
    fitting_values(&p);
    CHECK(fabs(fitting_error(&p) - y) < 1e-5 * y);
    free(j);
    free(other);
    fitting_drop(&p);
}

// Any number of parts, in any order, gives the same bits.
static void test_parts(size_t n, qq_grid g)
{
    static const size_t parts[] = {2, 3, 8, 40};
    qq_fit_options o = qq_fit_options_init();
    const size_t k = 35;
    double *j = solve_doubles(n), *other = solve_doubles(n);
    size_t calls = 0;

    fitting p = fitting_make(n, k, 9, g, NULL);
    CHECK(fitting_solve(&p, j) == QQ_OK);
    fitting_values(&p);
    float *v = solve_floats(n * k);
    memcpy(v, p.v, n * k * sizeof *v);
    o.parallel = solve_backwards;
    o.parallel_user = &calls;
    p.o = &o;
    for (size_t i = 0; i < 4; i++) {
        o.parts = parts[i];
        p.room = qq_fit_scratch_size(&p.f, &o);
        free(p.scratch);
        p.scratch = room(p.room);
        CHECK(fitting_solve(&p, other) == QQ_OK);
        fitting_values(&p);
        CHECK(memcmp(j, other, n * sizeof *j) == 0);
        CHECK(memcmp(v, p.v, n * k * sizeof *v) == 0);
    }
    CHECK(calls > 0);
    free(j);
    free(other);
    free(v);
    fitting_drop(&p);
}

// Scales and offsets are halves in the end, and as good as halves can be; those
// beyond all halves become the largest there are.
static void test_f16(qq_grid g, float by)
{
    const size_t n = 8, k = 24;
    qq_fit_options o = qq_fit_options_init();
    double *j = solve_doubles(n), *half = solve_doubles(n);

    fitting p = fitting_make(n, k, 6, g, &o);
    for (size_t i = 0; i < n * k; i++)
        p.w[i] *= by;
    CHECK(fitting_solve(&p, j) == QQ_OK);
    o.f16 = 1;
    CHECK(fitting_solve(&p, half) == QQ_OK);
    for (size_t i = 0; i < n * p.f.tiles; i++) {
        const float s = p.f.scale[i];
        CHECK(isfinite(s) && !(qq_f32_from_f16(qq_f16_from_f32(s)) < s) &&
              !(qq_f32_from_f16(qq_f16_from_f32(s)) > s));
        if (p.f.offset != NULL)
            CHECK(isfinite(p.f.offset[i]) &&
                  check_bits(qq_f32_from_f16(qq_f16_from_f32(p.f.offset[i]))) ==
                      check_bits(p.f.offset[i]));
    }
    for (size_t i = 0; i < n; i++)
        CHECK(isfinite(half[i]));
    if (by > 1e-3f && by < 1e3f)
        CHECK(sum_of(n, half) <= 1.1 * sum_of(n, j) + 1e-6);
    free(j);
    free(half);
    fitting_drop(&p);
}

// Rows and columns of zeros, weights near both ends of floats, few samples.
static void test_extremes(qq_grid g)
{
    static const float sizes[] = {1e30f, 1e-30f, 1e-42f};
    const size_t n = 5, k = 14;

    for (size_t s = 0; s < 3; s++) {
        fitting p = fitting_make(n, k, 4, g, NULL);
        for (size_t i = 0; i < n * k; i++)
            p.w[i] *= i / k == 1 ? 0.0f : i % k == 3 ? 0.0f : sizes[s];
        double *j = solve_doubles(n);
        CHECK(fitting_solve(&p, j) == QQ_OK);
        fitting_values(&p);
        for (size_t i = 0; i < n * k; i++)
            CHECK(isfinite(p.v[i]));
        for (size_t i = 0; i < k; i++)
            CHECK(!(p.v[k + i] < 0.0f) && !(p.v[k + i] > 0.0f));
        for (size_t i = 0; i < n; i++)
            CHECK(isfinite(j[i]));
        free(j);
        fitting_drop(&p);
    }
    float *x = solve_inputs(3, k, 0.5f); // a Hessian of rank 3
    float *h = solve_hessian(3, k, x, 0, 0.01);
    fitting p = fitting_of(n, k, 4, g, NULL, solve_weights(n, k), h);
    CHECK(fitting_search(&p) == QQ_OK);
    const double before = fitting_error(&p);
    CHECK(fitting_solve(&p, NULL) == QQ_OK);
    CHECK(fitting_error(&p) <= before * 1.00001);
    free(x);
    fitting_drop(&p);
}

// Every rung of the machine's instructions gives the same bits, whatever the
// counts of rows and columns are modulo those of its vectors.
static void test_rungs(size_t n, size_t k)
{
    fitting p = fitting_make(n, k, 6, qq_grid_integer(3), NULL);
    double *j = solve_doubles(n), *other = solve_doubles(n);
    const qq_isa best = qq_isa_in_use();
    float *v = solve_floats(n * k);

    CHECK(fitting_solve(&p, j) == QQ_OK);
    fitting_values(&p);
    memcpy(v, p.v, n * k * sizeof *v);
    for (int isa = 0; isa < 48; isa++) {
        if (qq_use_isa((qq_isa)isa) != QQ_OK)
            continue;
        CHECK(fitting_solve(&p, other) == QQ_OK);
        fitting_values(&p);
        CHECK(memcmp(j, other, n * sizeof *j) == 0);
        CHECK(memcmp(v, p.v, n * k * sizeof *v) == 0);
    }
    CHECK(qq_use_isa(best) == QQ_OK);
    free(j);
    free(other);
    free(v);
    fitting_drop(&p);
}

typedef struct counter {
    size_t calls;
    size_t stop; // at this call; 0: never
    size_t done;
    size_t all;
} counter;

static int count(void *user, size_t done, size_t all)
{
    counter *c = (counter *)user;

    CHECK(done >= c->done && done <= all && (c->all == 0 || c->all == all));
    c->done = done;
    c->all = all;
    return ++c->calls == c->stop;
}

// It hears of progress that grows to the end; stopped anywhere, the fit is
// still one that decodes.
static void test_progress(void)
{
    qq_fit_options o = qq_fit_options_init();
    counter c = {0, 0, 0, 0};

    o.progress = count;
    o.progress_user = &c;
    fitting p = fitting_make(200, 18, 5, qq_grid_integer(3), &o);
    CHECK(fitting_solve(&p, NULL) == QQ_OK);
    CHECK(c.calls > 3 && c.done == c.all);
    const size_t calls = c.calls;
    for (size_t stop = 1; stop <= calls; stop++) {
        memset(&c, 0, sizeof c);
        c.stop = stop;
        CHECK(fitting_solve(&p, NULL) == QQ_ERR_CANCELLED);
        CHECK(c.calls == stop);
        for (size_t i = 0; i < 200 * 18; i++)
            CHECK(p.f.code[i] < 8);
        const double j = fitting_error(&p);
        CHECK(isfinite(j));
    }
    fitting_drop(&p);
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 5, 8, 13, 32, 33, 40};

    for (size_t i = 0; i < check_count(36); i++) {
        const size_t n = sizes[check_u32() % 7], k = sizes[check_u32() % 8];
        const size_t tile = i % 3 == 0 ? 0 : sizes[check_u32() % 6];
        test_starts(n, k, tile, fitting_grid(i));
    }
    for (size_t i = 0; i < FITTING_GRIDS; i++) {
        const qq_grid g = fitting_grid(i);
        test_more(g);
        test_equivariant(g, 4);
        test_equivariant(g, -40);
        test_columns(g);
        test_f16(g, 1.0f);
        test_f16(g, 1e30f);
        test_f16(g, 1e-9f);
        test_extremes(g);
        test_scales(g, 1.0f);
        test_scales(g, 1e-30f);
        test_scales(g, 2e37f);
    }
    test_parts(1, qq_grid_integer(3));
    test_parts(100, qq_grid_ternary());
    test_parts(100, fitting_grid(6));
    for (size_t k = 29; k < 37; k++)
        test_rungs(k % 7 + 1, k);
    test_rungs(35, 67);
    test_progress();
    return check_done();
}
