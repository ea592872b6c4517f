// A fit of random weights under a random Hessian, and its calls made short.

#ifndef QQUANT_TESTS_SOLVE_FITTING_H
#define QQUANT_TESTS_SOLVE_FITTING_H

#include "solve.h"

static const float fitting_book[5] = {-1.0f, -0.25f, 0.1f, 0.5f, 2.0f};

enum { FITTING_GRIDS = 12 };

// Every kind there is, with and without offsets and signed scales.
static inline qq_grid fitting_grid(size_t i)
{
    qq_grid g;

    switch (i % FITTING_GRIDS) {
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
    case 7:
        return qq_grid_book(5, fitting_book);
    case 8:
        g = qq_grid_half_step(1);
        g.offsets = 1;
        return g;
    case 9:
        return qq_grid_integer(2);
    case 10:
        g = qq_grid_book(5, fitting_book);
        g.signed_scales = 1;
        return g;
    default:
        return qq_grid_integer(8);
    }
}

typedef struct fitting {
    size_t n, k, ldw, h_bytes, room;
    float *w, *h, *v;
    qq_fit f;
    void *memory, *scratch;
    const qq_fit_options *o;
} fitting;

// Of given weights and Hessian, which the fitting then owns.
static inline fitting fitting_of(size_t n, size_t k, size_t tile, qq_grid g,
                                 const qq_fit_options *o, float *w, float *h)
{
    const size_t bytes = qq_fit_size(n, k, tile, &g);
    fitting p;

    p.n = n;
    p.k = k;
    p.ldw = k;
    p.h_bytes = k * k * sizeof(float);
    p.w = w;
    p.h = h;
    p.o = o;
    p.memory = room(bytes);
    CHECK(qq_fit_make(n, k, tile, &g, p.memory, bytes, &p.f) == QQ_OK);
    p.room = qq_fit_scratch_size(&p.f, o);
    p.scratch = room(p.room);
    p.v = solve_floats(n * k);
    return p;
}

static inline fitting fitting_make(size_t n, size_t k, size_t tile, qq_grid g,
                                   const qq_fit_options *o)
{
    float *x = solve_inputs(3 * k + 5, k, 0.9f);
    float *h = solve_hessian(3 * k + 5, k, x, 1, 0.03);

    free(x);
    return fitting_of(n, k, tile, g, o, solve_weights(n, k), h);
}

static inline void fitting_drop(fitting *p)
{
    free(p->w);
    free(p->h);
    free(p->memory);
    free(p->scratch);
    free(p->v);
}

// Scales under the diagonal of H, codes to the nearest.
static inline qq_status fitting_search(fitting *p)
{
    float *d = solve_floats(p->k);

    for (size_t j = 0; j < p->k; j++)
        d[j] = p->h[j * p->k + j];
    const qq_status status =
        qq_fit_search(&p->f, p->o, p->w, p->ldw, d, p->scratch, p->room);
    free(d);
    return status;
}

static inline qq_status fitting_gptq(fitting *p, qq_columns order)
{
    return qq_fit_gptq(&p->f, p->o, order, p->w, p->ldw, p->h, p->h_bytes,
                       p->scratch, p->room);
}

static inline qq_status fitting_descend(fitting *p)
{
    return qq_fit_descend(&p->f, p->o, p->w, p->ldw, p->h, p->h_bytes,
                          p->scratch, p->room);
}

static inline qq_status fitting_refit(fitting *p)
{
    return qq_fit_refit(&p->f, p->o, p->w, p->ldw, p->h, p->h_bytes, p->scratch,
                        p->room);
}

static inline qq_status fitting_solve(fitting *p, double *j)
{
    return qq_fit_solve(&p->f, p->o, p->w, p->ldw, p->h, p->h_bytes, j,
                        p->scratch, p->room);
}

// V in p->v; J of a row, the slow way.
static inline void fitting_values(fitting *p)
{
    CHECK(qq_fit_values(&p->f, p->v, p->k) == QQ_OK);
}

static inline double fitting_row(const fitting *p, size_t i)
{
    return solve_error(1, p->k, p->w + i * p->ldw, p->v + i * p->k, p->h);
}

static inline double fitting_error(fitting *p)
{
    double sum = 0.0;

    fitting_values(p);
    for (size_t i = 0; i < p->n; i++)
        sum += fitting_row(p, i);
    return sum;
}

// J of every row, as the library has it: n numbers, the caller's.
static inline double *fitting_errors(fitting *p)
{
    double *j = solve_doubles(p->n);

    CHECK(qq_fit_errors(&p->f, p->o, p->w, p->ldw, p->h, p->h_bytes, j,
                        p->scratch, p->room) == QQ_OK);
    return j;
}

// What the rounding of scales and of V to floats may make of a J.
static inline double fitting_noise(const fitting *p, size_t i, double j)
{
    double w = 0.0, d = 0.0;

    for (size_t l = 0; l < p->k; l++) {
        const double x = (double)p->w[i * p->ldw + l];
        w += x * x;
        d += (double)p->h[l * p->k + l];
    }
    return 3e-7 * sqrt(fabs(j) * w * d) + 1e-13 * w * d;
}

static inline uint8_t *fitting_copy(const fitting *p)
{
    const size_t count = p->n * p->k;
    uint8_t *old = room(count);

    if (count > 0)
        memcpy(old, p->f.code, count);
    return old;
}

#endif // QQUANT_TESTS_SOLVE_FITTING_H
