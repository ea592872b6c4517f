// The search for scales against every candidate, made anew from its words; the
// nearest codes; what turning signs and powers of two do to it.

#include "fitting.h"

// The error of a tile's weights under a scale, in double, with nearest codes.
static double tile_error(const qq_grid *g, const float *w, const float *d,
                         size_t count, double s, double o)
{
    double sum = 0.0;

    for (size_t j = 0; j < count; j++) {
        double best = 1e300;
        for (unsigned c = 0; c < g->count; c++) {
            const double e = (double)w[j] - s * (double)qq_grid_level(g, c) - o;
            best = e * e < best ? e * e : best;
        }
        sum += best * (d != NULL ? (double)d[j] : 1.0);
    }
    return sum;
}

static double reach(const qq_grid *g)
{
    const double low = -(double)qq_grid_level(g, 0);
    const double high = (double)qq_grid_level(g, g->count - 1);

    if (g->kind == QQ_GRID_INTEGER && g->count % 2 == 0)
        return low - 0.5;
    return low > high ? low : high;
}

// The best of all candidates, by the words of the interface.
static double best_candidate(const qq_grid *g, const float *w, const float *d,
                             size_t count, unsigned candidates)
{
    double best = 1e300, most = 0.0, low = (double)w[0], high = low;

    for (size_t j = 0; j < count; j++) {
        most = fabs((double)w[j]) > most ? fabs((double)w[j]) : most;
        low = (double)w[j] < low ? (double)w[j] : low;
        high = (double)w[j] > high ? (double)w[j] : high;
    }
    for (unsigned i = 0; i < candidates; i++) {
        double s = most / reach(g) * (1.1 - .0225 * i), o = 0.0;
        if (g->offsets) {
            const double first = (double)qq_grid_level(g, 0);
            const double last = (double)qq_grid_level(g, g->count - 1);
            s = (high - low) * (1.0 - (double)i / candidates) / (last - first);
            o = (low + high) / 2 - s * (first + last) / 2;
        }
        best = fmin(best, tile_error(g, w, d, count, s, o));
        if (g->signed_scales && !g->offsets)
            best = fmin(best, tile_error(g, w, d, count, -s, 0.0));
    }
    return best;
}

// With no fixed points it is the best of the candidates; with some no worse;
// codes are the nearest ones.
static void test_candidates(qq_grid g, int has_d)
{
    const size_t n = 9, k = 21, tile = 8;
    qq_fit_options o = qq_fit_options_init();
    float *d = solve_floats(k);

    o.fixed_points = 0;
    fitting p = fitting_make(n, k, tile, g, &o);
    for (size_t j = 0; j < k; j++)
        d[j] = j % 5 == 4 ? 0.0f : (float)(1 + j % 4);
    const float *use = has_d ? d : NULL;
    for (unsigned points = 0; points <= 4; points += 4) {
        o.fixed_points = points;
        CHECK(qq_fit_search(&p.f, &o, p.w, k, use, p.scratch, p.room) == QQ_OK);
        for (size_t i = 0; i < n; i++)
            for (size_t t = 0; t < p.f.tiles; t++) {
                const float *w = p.w + i * k + t * tile;
                const float *dt = has_d ? d + t * tile : NULL;
                const size_t count = k - t * tile < tile ? k - t * tile : tile;
                const double s = (double)p.f.scale[i * p.f.tiles + t];
                const double off = p.f.offset != NULL
                                       ? (double)p.f.offset[i * p.f.tiles + t]
                                       : 0.0;
                const double found = tile_error(&g, w, dt, count, s, off);
                const double best = best_candidate(&g, w, dt, count, 40);
                CHECK(found <= best * 1.00001 + 1e-12);
                if (points == 0)
                    CHECK(found >= best * 0.99999 - 1e-12);
                if (!g.signed_scales)
                    CHECK(points > 0 || s >= 0.0);
            }
        fitting_values(&p);
        for (size_t i = 0; i < n * k; i++) {
            const size_t at = i / k * p.f.tiles + i % k / tile;
            const float off = p.f.offset != NULL ? p.f.offset[at] : 0.0f;
            const double e = fabs((double)p.w[i] - (double)p.v[i]);
            for (unsigned c = 0; c < g.count; c++) {
                const float v = p.f.scale[at] * qq_grid_level(&g, c) + off;
                CHECK(e <= fabs((double)p.w[i] - (double)v) + 1e-6);
            }
        }
    }
    free(d);
    fitting_drop(&p);
}

// More fixed points are never worse.
static void test_points(qq_grid g)
{
    qq_fit_options o = qq_fit_options_init();
    double last = 1e300;

    fitting p = fitting_make(6, 40, 0, g, &o);
    for (size_t j = 0; j < 40; j++) // J is the sum of squares
        for (size_t l = 0; l < 40; l++)
            p.h[j * 40 + l] = j == l ? 1.0f : 0.0f;
    for (o.fixed_points = 0; o.fixed_points < 9; o.fixed_points++) {
        CHECK(fitting_search(&p) == QQ_OK);
        const double now = fitting_error(&p);
        CHECK(now <= last * 1.000001 + 1e-12);
        last = now;
    }
    fitting_drop(&p);
}

// -W has -V where codes have partners or scales may turn; 2^e W has 2^e V.
static void test_equivariant(qq_grid g, int e)
{
    const size_t n = 7, k = 19;
    fitting p = fitting_make(n, k, 5, g, NULL);
    float *v = solve_floats(n * k);
    int same = 1;

    CHECK(fitting_search(&p) == QQ_OK);
    fitting_values(&p);
    memcpy(v, p.v, n * k * sizeof *v);
    for (size_t i = 0; i < n * k; i++)
        p.w[i] = ldexpf(p.w[i], e);
    CHECK(fitting_search(&p) == QQ_OK);
    fitting_values(&p);
    for (size_t i = 0; i < n * k; i++)
        same &= check_bits(p.v[i]) == check_bits(ldexpf(v[i], e));
    CHECK(same);
    if (g.offsets || (g.kind == QQ_GRID_BOOK && !g.signed_scales) ||
        (g.kind == QQ_GRID_INTEGER && g.count % 2 == 0 && !g.signed_scales)) {
        free(v);
        fitting_drop(&p);
        return;
    }
    const double before = fitting_error(&p);
    for (size_t i = 0; i < n * k; i++)
        p.w[i] = -p.w[i];
    CHECK(fitting_search(&p) == QQ_OK);
    const double after = fitting_error(&p);
    CHECK(fabs(before - after) <= 1e-3 * before);
    free(v);
    fitting_drop(&p);
}

// Tiles of zeros, of one number, of huge and of tiny ones.
static void test_extremes(qq_grid g)
{
    static const float sizes[] = {1e30f, 1e-30f, 1e-42f, 3e38f};

    for (size_t s = 0; s < 4; s++) {
        fitting p = fitting_make(4, 12, 4, g, NULL);
        for (size_t i = 0; i < 48; i++)
            p.w[i] = i % 12 < 4    ? 0.0f
                     : i / 12 == 1 ? sizes[s]
                                   : p.w[i] * 0.2f * sizes[s];
        CHECK(fitting_search(&p) == QQ_OK);
        fitting_values(&p);
        for (size_t i = 0; i < 48; i++) {
            CHECK(isfinite(p.v[i]));
            if (i % 12 < 4)
                CHECK(!(p.v[i] < 0.0f) && !(p.v[i] > 0.0f));
            else // far from what outliers and offsets may do
                CHECK(fabs((double)p.v[i] / (double)sizes[s]) < 1.5);
        }
        for (size_t i = 0; i < 4; i++)
            CHECK(!(p.f.scale[i * 3] < 0.0f) && !(p.f.scale[i * 3] > 0.0f));
        fitting_drop(&p);
    }
}

// One number is met exactly, or nearly: by a scale alone.
static void test_one(void)
{
    for (size_t i = 0; i < FITTING_GRIDS; i++) {
        fitting p = fitting_make(1, 1, 0, fitting_grid(i), NULL);
        CHECK(fitting_search(&p) == QQ_OK);
        fitting_values(&p);
        CHECK(fabs((double)p.v[0] - (double)p.w[0]) <=
              1e-6 * fabs((double)p.w[0]));
        fitting_drop(&p);
    }
}

static void test_refused(void)
{
    fitting p = fitting_make(3, 8, 4, qq_grid_integer(2), NULL);
    float d[8] = {1, 1, 1, 1, 1, 1, 1, 1};

#define SEARCH(w, ldw, d, bytes)                                               \
    qq_fit_search(&p.f, NULL, w, ldw, d, p.scratch, bytes)
    d[3] = -1.0f;
    CHECK(SEARCH(p.w, 8, d, p.room) == QQ_ERR_FORMAT);
    d[3] = NAN;
    CHECK(SEARCH(p.w, 8, d, p.room) == QQ_ERR_FORMAT);
    d[3] = INFINITY;
    CHECK(SEARCH(p.w, 8, d, p.room) == QQ_ERR_FORMAT);
    d[3] = 0.0f;
    CHECK(SEARCH(p.w, 7, d, p.room) == QQ_ERR_SHAPE);
    CHECK(SEARCH(p.w, 8, d, p.room - 1) == QQ_ERR_SCRATCH);
    CHECK(SEARCH(NULL, 8, d, p.room) == QQ_ERR_ARGUMENT);
    p.w[9] = -INFINITY;
    CHECK(SEARCH(p.w, 8, d, p.room) == QQ_ERR_FORMAT);
    for (size_t i = 0; i < 24; i++)
        CHECK(p.f.code[i] == 0);
    p.w[9] = 0.0f;
    CHECK(SEARCH(p.w, 8, d, p.room) == QQ_OK);
#undef SEARCH
    fitting_drop(&p);
}

int main(void)
{
    for (size_t i = 0; i < FITTING_GRIDS; i++) {
        const qq_grid g = fitting_grid(i);
        if (g.count <= 16) {
            test_candidates(g, 0);
            test_candidates(g, 1);
        }
        test_points(g);
        test_equivariant(g, 7);
        test_equivariant(g, -60);
        test_extremes(g);
    }
    test_one();
    test_refused();
    return check_done();
}
