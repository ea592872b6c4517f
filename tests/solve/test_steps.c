// Every status of the calls on fits, and that none of them writes where it
// refuses: options, shapes, numbers that are none, scratch.

#include "fitting.h"

static void test_mask(void)
{
    qq_fit_options o = qq_fit_options_init();
    uint32_t bad = 99;

    CHECK(qq_fit_options_check(&o, &bad) == QQ_OK && bad == 0);
    CHECK(qq_fit_options_check(&o, NULL) == QQ_OK);
    // Members behind init, counted from 0: all that are wrong at once.
    o.starts = 8;
    CHECK(qq_fit_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 1);
    o.gain = 1.0;
    o.parts = 0;
    CHECK(qq_fit_options_check(&o, &bad) == QQ_ERR_ARGUMENT);
    CHECK(bad == (1u | 1u << 5 | 1u << 7));
    CHECK(qq_fit_options_check(&o, NULL) == QQ_ERR_ARGUMENT);
    o = qq_fit_options_init();
    o.gain = (double)NAN;
    CHECK(qq_fit_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 1u << 5);
    o.gain = -0.5;
    CHECK(qq_fit_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 1u << 5);
    o = qq_fit_options_init();
    for (o.scales = 0; o.scales < 8; o.scales++)
        CHECK((qq_fit_options_check(&o, &bad) == QQ_OK) ==
                  (o.scales >= 1 && o.scales <= 5) &&
              bad == (o.scales >= 1 && o.scales <= 5 ? 0 : 1u << 12));
    // Zeros are legal: none of a thing.
    o = qq_fit_options_init();
    o.starts = o.candidates = o.fixed_points = o.sweeps = o.rounds = 0;
    o.gain = 0.0;
    CHECK(qq_fit_options_check(&o, &bad) == QQ_OK && bad == 0);
    memset(&o, 0, sizeof o);
    CHECK(qq_fit_options_check(&o, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_fit_options_check(NULL, &bad) == QQ_ERR_ARGUMENT);
}

enum { STEPS = 6 };

static qq_status step(fitting *p, size_t which, const float *w, size_t ldw,
                      const float *h, size_t h_bytes, size_t bytes)
{
    double j[4];

    switch (which) {
    case 0:
        return qq_fit_gptq(&p->f, p->o, QQ_COLUMNS_FALLING, w, ldw, h, h_bytes,
                           p->scratch, bytes);
    case 1:
        return qq_fit_gptq(&p->f, p->o, QQ_COLUMNS_NATURAL, w, ldw, h, h_bytes,
                           p->scratch, bytes);
    case 2:
        return qq_fit_descend(&p->f, p->o, w, ldw, h, h_bytes, p->scratch,
                              bytes);
    case 3:
        return qq_fit_refit(&p->f, p->o, w, ldw, h, h_bytes, p->scratch, bytes);
    case 4:
        return qq_fit_errors(&p->f, p->o, w, ldw, h, h_bytes, j, p->scratch,
                             bytes);
    default:
        return qq_fit_solve(&p->f, p->o, w, ldw, h, h_bytes, j, p->scratch,
                            bytes);
    }
}

// The bytes of a fit and of its scratch, to see that they stay.
static uint8_t *image(const fitting *p)
{
    const size_t bytes = qq_fit_size(p->n, p->k, p->f.tile, &p->f.grid);
    uint8_t *old = room(bytes + p->room);

    memcpy(old, p->memory, bytes);
    memcpy(old + bytes, p->scratch, p->room);
    return old;
}

static int unchanged(const fitting *p, const uint8_t *old, int scratch)
{
    const size_t bytes = qq_fit_size(p->n, p->k, p->f.tile, &p->f.grid);

    return memcmp(old, p->memory, bytes) == 0 &&
           (!scratch || memcmp(old + bytes, p->scratch, p->room) == 0);
}

static void test_step(size_t which, qq_grid g)
{
    enum { N = 4, K = 10 };
    qq_fit_options o = qq_fit_options_init();
    fitting p = fitting_make(N, K, 4, g, &o);
    const size_t hb = p.h_bytes;
    const float w0 = p.w[17], h1 = p.h[1];

    CHECK(fitting_search(&p) == QQ_OK);
    uint8_t *old = image(&p);
#define STEP(w, ldw, h, h_bytes, bytes)                                        \
    step(&p, which, w, ldw, h, h_bytes, bytes)
    CHECK(STEP(NULL, K, p.h, hb, p.room) == QQ_ERR_ARGUMENT);
    CHECK(STEP(p.w, K - 1, p.h, hb, p.room) == QQ_ERR_SHAPE);
    CHECK(STEP(p.w, SIZE_MAX / 2, p.h, hb, p.room) == QQ_ERR_SHAPE);
    CHECK(STEP(p.w, K, NULL, hb, p.room) == QQ_ERR_ARGUMENT);
    CHECK(STEP(p.w, K, p.h, hb - 1, p.room) == QQ_ERR_SIZE);
    CHECK(STEP(p.w, K, p.h, hb, p.room - 1) == QQ_ERR_SCRATCH);
    CHECK(STEP(p.w, K, p.h, hb, 0) == QQ_ERR_SCRATCH);
    static const float wild[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        p.w[17] = wild[i];
        CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_ERR_FORMAT);
        p.w[17] = w0;
        p.h[1] = p.h[K] = wild[i];
        CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_ERR_FORMAT);
        p.h[1] = h1;
        CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_ERR_FORMAT);
        p.h[K] = h1;
    }
    p.h[1] = h1 + 0.5f; // two that should be equal
    CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_ERR_FORMAT);
    p.h[1] = h1;
    const float d = p.h[3 * K + 3];
    p.h[3 * K + 3] = -1e-30f;
    CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_ERR_FORMAT);
    p.h[3 * K + 3] = d;
    o.parts = 0;
    CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_ERR_ARGUMENT);
    CHECK(qq_fit_scratch_size(&p.f, &o) == SIZE_MAX);
    o.parts = SIZE_MAX / 4;
    CHECK(qq_fit_scratch_size(&p.f, &o) == SIZE_MAX);
    CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_ERR_SIZE);
    o.parts = 1;
    CHECK(unchanged(&p, old, 1));
    // Symmetric but not positive: refused by those who factor it.
    p.h[1] = p.h[K] = 1e6f;
    const qq_status status = STEP(p.w, K, p.h, hb, p.room);
    CHECK(status == (which < 2 || which == 5 ? QQ_ERR_FORMAT : QQ_OK));
    CHECK(status == QQ_OK || unchanged(&p, old, 0));
    p.h[1] = p.h[K] = h1;
    CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_OK);
    const uint32_t init = p.f.init;
    p.f.init = 0;
    CHECK(STEP(p.w, K, p.h, hb, p.room) == QQ_ERR_ARGUMENT);
    CHECK(qq_fit_scratch_size(&p.f, &o) == SIZE_MAX);
    p.f.init = init;
#undef STEP
    free(old);
    fitting_drop(&p);
}

// Nothing to solve needs nothing.
static void test_nothing(void)
{
    const qq_grid g = qq_grid_integer(3);
    const size_t shapes[3][2] = {{0, 5}, {3, 0}, {0, 0}};
    double j[3] = {7.0, 7.0, 7.0};
    float h[25] = {0}, w[1] = {0};
    qq_fit f;

    for (size_t i = 0; i < 3; i++) {
        const size_t n = shapes[i][0], k = shapes[i][1];
        uint8_t memory[256];
        CHECK(qq_fit_make(n, k, 0, &g, memory, sizeof memory, &f) == QQ_OK);
        CHECK(qq_fit_scratch_size(&f, NULL) == 0);
        CHECK(qq_fit_search(&f, NULL, w, k, NULL, NULL, 0) == QQ_OK);
        CHECK(qq_fit_descend(&f, NULL, w, k, h, k * k * 4, NULL, 0) == QQ_OK);
        CHECK(qq_fit_refit(&f, NULL, w, k, h, k * k * 4, NULL, 0) == QQ_OK);
        CHECK(qq_fit_gptq(&f, NULL, QQ_COLUMNS_NATURAL, w, k, h, k * k * 4,
                          NULL, 0) == QQ_OK);
        CHECK(qq_fit_errors(&f, NULL, w, k, h, k * k * 4, j, NULL, 0) == QQ_OK);
        CHECK(qq_fit_solve(&f, NULL, w, k, h, k * k * 4, j, NULL, 0) == QQ_OK);
    }
    CHECK(!(j[0] < 0.0) && !(j[0] > 0.0)); // three rows of none
}

static void test_others(void)
{
    fitting p = fitting_make(2, 5, 0, qq_grid_integer(2), NULL);

    CHECK(fitting_gptq(&p, (qq_columns)0) == QQ_ERR_ARGUMENT);
    CHECK(fitting_gptq(&p, (qq_columns)3) == QQ_ERR_ARGUMENT);
    CHECK(qq_fit_errors(&p.f, NULL, p.w, 5, p.h, p.h_bytes, NULL, p.scratch,
                        p.room) == QQ_ERR_ARGUMENT);
    CHECK(qq_fit_scratch_size(NULL, NULL) == SIZE_MAX);
    fitting_drop(&p);
}

int main(void)
{
    test_mask();
    for (size_t i = 0; i < STEPS; i++) {
        test_step(i, qq_grid_integer(3));
        test_step(i, fitting_grid(6));
    }
    test_nothing();
    test_others();
    return check_done();
}
