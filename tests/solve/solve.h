// What tests of the solvers share: weights, correlated inputs, moments.

#ifndef QQUANT_TESTS_SOLVE_SOLVE_H
#define QQUANT_TESTS_SOLVE_SOLVE_H

#include <math.h>

#include "qquant.h"
#include "room.h"

static inline float *solve_floats(size_t count)
{
    return (float *)(void *)room(count * sizeof(float));
}

static inline double *solve_doubles(size_t count)
{
    return (double *)(void *)room(count * sizeof(double));
}

// Nearly normal numbers: the sum of four uniform ones.
static inline float solve_normal(void)
{
    return check_uniform() + check_uniform() + check_uniform() +
           check_uniform();
}

static inline float *solve_weights(size_t n, size_t k)
{
    float *w = solve_floats(n * k);

    for (size_t i = 0; i < n * k; i++)
        w[i] = solve_normal();
    return w;
}

// Rows of k numbers that depend on each other: a walk along the row, and a
// mean that is not 0.
static inline float *solve_inputs(size_t rows, size_t k, float walk)
{
    float *x = solve_floats(rows * k);

    for (size_t i = 0; i < rows; i++) {
        float at = solve_normal();
        for (size_t j = 0; j < k; j++) {
            at = walk * at + (1.0f - walk) * solve_normal();
            x[i * k + j] = at + 0.25f;
        }
    }
    return x;
}

// H of rows, damped.
static inline float *solve_hessian(size_t rows, size_t k, const float *x,
                                   int center, double lambda)
{
    const size_t bytes = qq_moments_size(k, NULL);
    const size_t h_bytes = k * k * sizeof(float);
    void *memory = room(bytes);
    float *h = solve_floats(k * k);
    qq_moments m;

    CHECK(qq_moments_make(k, NULL, memory, bytes, &m) == QQ_OK);
    const size_t need = qq_moments_scratch_size(&m, NULL);
    void *scratch = room(need);
    CHECK(qq_moments_update(&m, NULL, rows, QQ_TYPE_F32, x, k, NULL, 0, scratch,
                            need) == QQ_OK);
    CHECK(qq_moments_hessian(&m, center, 1.0, h, h_bytes) == QQ_OK);
    CHECK(qq_hessian_damp(k, lambda, h, h_bytes) == QQ_OK);
    free(memory);
    free(scratch);
    return h;
}

// tr((W - V) H (W - V)^T) the slow way.
static inline double solve_error(size_t n, size_t k, const float *w,
                                 const float *v, const float *h)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++) {
            const double e = (double)w[i * k + j] - (double)v[i * k + j];
            double row = 0.0;
            for (size_t l = 0; l < k; l++)
                row += ((double)w[i * k + l] - (double)v[i * k + l]) *
                       (double)h[j * k + l];
            sum += e * row;
        }
    return sum;
}

// Parts from the last to the first, on the calling thread.
static inline void solve_backwards(void *user, size_t parts,
                                   void (*part)(void *, size_t), void *arg)
{
    *(size_t *)user += 1;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

#endif // QQUANT_TESTS_SOLVE_SOLVE_H
