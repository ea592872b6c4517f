// Coordinate descent: it ends where no single code can do better, J never
// rises on the way, and on tiny problems the distance to the best of all codes
// is known. Also solve/block.h: rows do not know of each other.

#include "fitting.h"

// The least J that row i reaches by changing one code, all others staying.
static double best_single(fitting *p, size_t i)
{
    double best = 1e300;

    for (size_t j = 0; j < p->k; j++) {
        uint8_t *code = p->f.code + i * p->k + j;
        const uint8_t old = *code;
        for (unsigned c = 0; c < p->f.grid.count; c++) {
            *code = (uint8_t)c;
            fitting_values(p);
            best = fmin(best, fitting_row(p, i));
        }
        *code = old;
    }
    fitting_values(p);
    return best;
}

// From the nearest codes, or from any: then codes move more than once.
static void test_local(size_t n, size_t k, size_t tile, qq_grid g, int any)
{
    qq_fit_options o = qq_fit_options_init();

    o.sweeps = 1000;
    fitting p = fitting_make(n, k, tile, g, &o);
    CHECK(fitting_search(&p) == QQ_OK);
    for (size_t i = 0; any && i < n * k; i++)
        p.f.code[i] = (uint8_t)(check_u32() % g.count);
    CHECK(fitting_descend(&p) == QQ_OK);
    fitting_values(&p);
    for (size_t i = 0; i < n; i++) {
        const double now = fitting_row(&p, i);
        CHECK(best_single(&p, i) >= now - fitting_noise(&p, i, now));
    }
    // It is there already: nothing changes.
    uint8_t *old = fitting_copy(&p);
    CHECK(fitting_descend(&p) == QQ_OK);
    CHECK(memcmp(old, p.f.code, n * k) == 0);
    free(old);
    fitting_drop(&p);
}

// From any codes, sweep by sweep, J falls: of no row is it ever larger.
static void test_monotone(size_t n, size_t k, size_t tile, qq_grid g)
{
    qq_fit_options o = qq_fit_options_init();

    o.sweeps = 1;
    fitting p = fitting_make(n, k, tile, g, &o);
    CHECK(fitting_search(&p) == QQ_OK);
    for (size_t i = 0; i < n * k; i++)
        p.f.code[i] = (uint8_t)(check_u32() % g.count);
    double *last = fitting_errors(&p);
    for (int s = 0; s < 12; s++) {
        CHECK(fitting_descend(&p) == QQ_OK);
        double *now = fitting_errors(&p);
        for (size_t i = 0; i < n; i++)
            CHECK(now[i] <= last[i]);
        free(last);
        last = now;
    }
    o.sweeps = 0; // none: nothing moves
    uint8_t *old = fitting_copy(&p);
    for (size_t i = 0; i < n * k; i++)
        old[i] = p.f.code[i] = (uint8_t)(check_u32() % g.count);
    CHECK(fitting_descend(&p) == QQ_OK);
    CHECK(memcmp(old, p.f.code, n * k) == 0);
    free(old);
    free(last);
    fitting_drop(&p);
}

// The best of all codes under the scales of the fit.
static double brute(fitting *p)
{
    double best = 1e300;
    size_t all = 1;

    for (size_t j = 0; j < p->k; j++)
        all *= p->f.grid.count;
    for (size_t c = 0; c < all; c++) {
        size_t at = c;
        for (size_t j = 0; j < p->k; j++, at /= p->f.grid.count)
            p->f.code[j] = (uint8_t)(at % p->f.grid.count);
        fitting_values(p);
        best = fmin(best, fitting_row(p, 0));
    }
    return best;
}

// Descent alone, and from where GPTQ leaves: how far above the best.
static void test_gap(qq_grid g, size_t k)
{
    double nearest = 0.0, best = 0.0, alone = 0.0, both = 0.0;

    for (size_t i = 0; i < 40; i++) {
        fitting p = fitting_make(1, k, i % 2 ? 0 : 3, g, NULL);
        CHECK(fitting_search(&p) == QQ_OK);
        const double first = fitting_error(&p);
        CHECK(fitting_descend(&p) == QQ_OK);
        const double second = fitting_error(&p);
        CHECK(fitting_gptq(&p, QQ_COLUMNS_FALLING) == QQ_OK);
        const double third = fitting_error(&p);
        CHECK(fitting_descend(&p) == QQ_OK);
        const double fourth = fitting_error(&p);
        const double least = brute(&p);
        CHECK(second <= first * 1.00001 && fourth <= third * 1.00001);
        CHECK(least <= second * 1.00001 && least <= fourth * 1.00001);
        nearest += first;
        alone += second;
        both += fourth;
        best += least;
        fitting_drop(&p);
    }
    printf("    %u levels, k %u: nearest %.2f, descent %.2f, GPTQ and descent "
           "%.2f of the best of all codes\n",
           g.count, (unsigned)k, nearest / best, alone / best, both / best);
    CHECK(alone < 2.5 * best && both < 1.6 * best);
}

// Rows that stand elsewhere, alone or far apart, have the same codes.
static void test_rows(qq_grid g)
{
    const size_t n = 71, k = 23;
    fitting p = fitting_make(n, k, 6, g, NULL);
    uint8_t *one = room(n * k);
    double *j = solve_doubles(n);

    CHECK(fitting_solve(&p, j) == QQ_OK);
    memcpy(one, p.f.code, n * k);
    float *turned = solve_floats(n * (k + 2));
    for (size_t i = 0; i < n; i++) // row 5 i of n, 2 apart
        memcpy(turned + i * (k + 2), p.w + i * 5 % n * k, k * sizeof *turned);
    free(p.w);
    p.w = turned;
    p.ldw = k + 2;
    double *other = solve_doubles(n);
    CHECK(fitting_solve(&p, other) == QQ_OK);
    for (size_t i = 0; i < n; i++) {
        CHECK(memcmp(p.f.code + i * k, one + i * 5 % n * k, k) == 0);
        CHECK(memcmp(other + i, j + i * 5 % n, sizeof *j) == 0);
    }
    // The first three rows alone.
    p.f.n = 3;
    CHECK(fitting_solve(&p, other) == QQ_OK);
    CHECK(memcmp(p.f.code, one, k) == 0);
    free(one);
    free(j);
    free(other);
    fitting_drop(&p);
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 5, 8, 13, 32, 33, 40};

    for (size_t i = 0; i < check_count(36); i++) {
        const qq_grid g = fitting_grid(i);
        const size_t n = sizes[check_u32() % 4], k = sizes[check_u32() % 5];
        const size_t tile = i % 3 == 0 ? 0 : sizes[check_u32() % 6];
        if (g.count <= 16)
            for (int any = 0; any < 2; any++)
                test_local(n, k, tile, g, any);
        const size_t wide = sizes[check_u32() % 8];
        test_monotone(wide, sizes[check_u32() % 8], tile, g);
    }
    test_gap(qq_grid_ternary(), 7);
    test_gap(qq_grid_half_step(2), 6);
    test_gap(qq_grid_integer(1), 9);
    test_rows(qq_grid_integer(3));
    test_rows(fitting_grid(6));
    return check_done();
}
