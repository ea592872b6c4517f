// Refits: with codes that stay, no other scales and offsets do better; a second
// refit finds nothing; J of no row rises, whatever codes are given.

#include "fitting.h"

// J of row i with one scale or offset changed by a part of itself.
static double changed(fitting *p, size_t i, float *x, float by)
{
    const float old = *x;

    *x = old + by;
    fitting_values(p);
    const double j = fitting_row(p, i);
    *x = old;
    return j;
}

static void scramble(fitting *p)
{
    for (size_t i = 0; i < p->n * p->k; i++)
        p->f.code[i] = (uint8_t)(check_u32() % p->f.grid.count);
}

// No scale and no offset of row i can be changed for a smaller J.
static void check_least(fitting *p, size_t i)
{
    fitting_values(p);
    const double now = fitting_row(p, i);
    const double least = now - 10.0 * fitting_noise(p, i, now);

    for (size_t t = 0; t < p->f.tiles; t++) {
        float *s = p->f.scale + i * p->f.tiles + t;
        const float by = 0.01f * fabsf(*s) + 1e-4f;
        CHECK(changed(p, i, s, by) >= least);
        CHECK(changed(p, i, s, -by) >= least);
        CHECK(isfinite(*s));
        if (p->f.offset != NULL) {
            float *o = p->f.offset + i * p->f.tiles + t;
            CHECK(changed(p, i, o, by) >= least);
            CHECK(changed(p, i, o, -by) >= least);
        }
    }
}

static void test_least(size_t n, size_t k, size_t tile, qq_grid g, int wild)
{
    // Where scales may not be negative the least J may be out of reach.
    const int bound = !g.signed_scales && g.kind != QQ_GRID_HALF_STEP &&
                      !(g.kind == QQ_GRID_INTEGER && g.count == 3);
    fitting p = fitting_make(n, k, tile, g, NULL);

    CHECK(fitting_search(&p) == QQ_OK);
    if (wild)
        scramble(&p);
    double *before = fitting_errors(&p);
    for (int round = 0; round < 3; round++) {
        CHECK(fitting_refit(&p) == QQ_OK);
        double *now = fitting_errors(&p);
        for (size_t i = 0; i < n; i++) {
            CHECK(now[i] <= before[i]);
            if (bound)
                continue;
            if (round == 0)
                check_least(&p, i);
            else
                CHECK(now[i] >=
                      before[i] * 0.999 - fitting_noise(&p, i, before[i]));
        }
        free(before);
        before = now;
    }
    free(before);
    fitting_drop(&p);
}

// Where one tile's scale would have to be negative and may not, the others of
// the row are not left where they are.
static void test_bound(void)
{
    qq_grid g = qq_grid_integer(2);
    size_t moved = 0;

    g.signed_scales = 0;
    fitting p = fitting_make(40, 12, 4, g, NULL);
    CHECK(fitting_search(&p) == QQ_OK);
    for (size_t i = 0; i < 40; i++) // the last tile is the wrong way round
        for (size_t j = 8; j < 12; j++)
            p.f.code[i * 12 + j] = (uint8_t)(p.w[i * 12 + j] > 0.0f ? 0 : 3);
    double *before = fitting_errors(&p);
    CHECK(fitting_refit(&p) == QQ_OK);
    double *after = fitting_errors(&p);
    for (size_t i = 0; i < 40; i++)
        moved += after[i] < before[i];
    CHECK(moved == 40);
    for (size_t i = 0; i < 120; i++)
        CHECK(p.f.scale[i] >= 0.0f);
    free(before);
    free(after);
    fitting_drop(&p);
}

// One scale a row, H the unit matrix: s = sum q w / sum q^2.
static void test_plain(void)
{
    const size_t n = 5, k = 11;
    float *h = solve_floats(k * k);

    for (size_t i = 0; i < k * k; i++)
        h[i] = i % (k + 1) == 0 ? 1.0f : 0.0f;
    fitting p =
        fitting_of(n, k, 0, qq_grid_integer(3), NULL, solve_weights(n, k), h);
    CHECK(fitting_search(&p) == QQ_OK);
    CHECK(fitting_refit(&p) == QQ_OK);
    for (size_t i = 0; i < n; i++) {
        double qw = 0.0, qq = 0.0;
        for (size_t j = 0; j < k; j++) {
            const double q = (double)p.f.code[i * k + j] - 4.0;
            qw += q * (double)p.w[i * k + j];
            qq += q * q;
        }
        CHECK(fabs((double)p.f.scale[i] - qw / qq) < 1e-6 * fabs(qw / qq));
    }
    fitting_drop(&p);
}

// Without signed scales, none becomes negative; on grids where each level has
// a partner the codes turn instead.
static void test_signs(void)
{
    for (size_t i = 0; i < FITTING_GRIDS; i++) {
        const qq_grid g = fitting_grid(i);
        fitting p = fitting_make(8, 20, 5, g, NULL);
        CHECK(fitting_search(&p) == QQ_OK);
        for (size_t c = 0; c < 160; c++) // the wrong way round
            p.f.code[c] = (uint8_t)(g.count - 1 - p.f.code[c]);
        const double before = fitting_error(&p);
        CHECK(fitting_refit(&p) == QQ_OK);
        CHECK(fitting_error(&p) <= before * 1.000001);
        for (size_t c = 0; c < 160; c++)
            CHECK(p.f.code[c] < g.count);
        for (size_t s = 0; !g.signed_scales && s < 8 * p.f.tiles; s++)
            CHECK(p.f.scale[s] >= 0.0f);
        fitting_drop(&p);
    }
}

// Tiles whose levels are all 0, or all the same, leave nothing to solve for.
static void test_singular(void)
{
    for (size_t i = 0; i < FITTING_GRIDS; i++) {
        fitting p = fitting_make(3, 12, 4, fitting_grid(i), NULL);
        CHECK(fitting_search(&p) == QQ_OK);
        for (size_t c = 0; c < 36; c++)
            p.f.code[c] = (uint8_t)(p.f.grid.count / 2);
        const double before = fitting_error(&p);
        CHECK(fitting_refit(&p) == QQ_OK);
        const double after = fitting_error(&p);
        CHECK(isfinite(after) && after <= before * 1.000001);
        fitting_drop(&p);
    }
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 5, 8, 13, 32, 33, 40};

    for (size_t i = 0; i < check_count(48); i++) {
        const size_t n = sizes[check_u32() % 7], k = sizes[check_u32() % 8];
        const size_t tile = i % 3 == 0 ? 0 : sizes[check_u32() % 6];
        test_least(n, k, tile, fitting_grid(i), (int)(i / 12 % 2));
    }
    test_bound();
    test_plain();
    test_signs();
    test_singular();
    return check_done();
}
