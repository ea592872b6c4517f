// Cholesky and systems: U^T U is A again, unknowns solve, threads and rungs
// change no bit, a matrix that is not positive is found.

#include <math.h>

#include "matrix/cholesky.h"
#include "room.h"

static double *doubles(size_t count)
{
    return (double *)(void *)room(count * sizeof(double));
}

// X X^T of a random X, its rows of very different sizes, a little added.
static double *positive(size_t k)
{
    double *x = doubles(k * k), *a = doubles(k * k);

    for (size_t i = 0; i < k * k; i++)
        x[i] = (double)check_uniform() * pow(10.0, (double)(i / k % 5));
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++) {
            a[i * k + j] = i == j ? 0.5 : 0.0;
            for (size_t l = 0; l < k; l++)
                a[i * k + j] += x[i * k + l] * x[j * k + l];
        }
    free(x);
    return a;
}

static void backwards(void *user, size_t parts, void (*part)(void *, size_t),
                      void *arg)
{
    (void)user;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

static int factor(size_t k, size_t parts, double *a)
{
    qqi_pieces count = qqi_pieces_make(NULL);
    const qqi_threads t = qqi_threads_make(parts, backwards, NULL);
    qqi_factor f;

    qqi_factor_place(&f, k, parts, &count);
    const size_t bytes = qqi_pieces_bytes(&count);
    uint8_t *memory = room(bytes);
    qqi_pieces p = qqi_pieces_make(memory);
    qqi_factor_place(&f, k, parts, &p);
    const int ok = qqi_factor_run(&f, a, &t);
    free(memory);
    return ok;
}

static double worst_of(size_t k, const double *u, const double *a)
{
    double worst = 0.0;

    for (size_t i = 0; i < k; i++)
        for (size_t j = i; j < k; j++) {
            double sum = 0.0;
            for (size_t l = 0; l <= i; l++)
                sum += u[l * k + i] * u[l * k + j];
            const double size = sqrt(a[i * k + i] * a[j * k + j]);
            worst = fmax(worst, fabs(sum - a[i * k + j]) / size);
        }
    return worst;
}

static void test_factor(size_t k)
{
    double *a = positive(k), *u = doubles(k * k), *v = doubles(k * k);

    memcpy(u, a, k * k * sizeof *a);
    for (size_t i = 0; i < k; i++) // below the diagonal nothing counts
        for (size_t j = 0; j < i; j++)
            u[i * k + j] = (double)NAN;
    CHECK(factor(k, 1, u));
    CHECK(worst_of(k, u, a) < 1e-12 * (double)(k + 1));
    for (size_t parts = 2; parts < 9; parts += 3) {
        memcpy(v, a, k * k * sizeof *a);
        CHECK(factor(k, parts, v));
        for (size_t i = 0; i < k; i++)
            CHECK(memcmp(u + i * k + i, v + i * k + i, (k - i) * 8) == 0);
    }
    for (int isa = 0; isa < 48; isa++)
        if (qq_use_isa((qq_isa)isa) == QQ_OK) {
            memcpy(v, a, k * k * sizeof *a);
            CHECK(factor(k, 1, v));
            for (size_t i = 0; i < k; i++)
                CHECK(memcmp(u + i * k + i, v + i * k + i, (k - i) * 8) == 0);
        }
    qq_use_isa(QQ_ISA_BEST);
    free(a);
    free(u);
    free(v);
}

// An eigenvalue below 0 shows in whichever row it does; so do NaN and zeros.
static void test_refused(size_t k)
{
    static const double wild[] = {0.0, -1.0, (double)NAN, (double)INFINITY,
                                  -(double)INFINITY};

    for (size_t i = 0; i < 10; i++) {
        double *a = positive(k);
        const size_t at = i < 5 ? k - 1 : check_u32() % k;
        a[at * k + at] = wild[i % 5];
        CHECK(!factor(k, 1, a));
        free(a);
    }
}

// x A = y for up to 32 rows, by both ways of solving.
static void test_system(size_t k, size_t n)
{
    double *a = positive(k), *u = doubles(k * k);
    double *x = doubles(n * (k + 1)), *y = doubles(n * (k + 1));
    qqi_pieces count = qqi_pieces_make(NULL);
    double worst = 0.0;
    qqi_system s;

    memcpy(u, a, k * k * sizeof *a);
    CHECK(factor(k, 1, u));
    qqi_system_place(&s, k, &count);
    const size_t bytes = qqi_pieces_bytes(&count);
    uint8_t *memory = room(bytes);
    qqi_pieces p = qqi_pieces_make(memory);
    qqi_system_place(&s, k, &p);
    s.u = u;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k + 1; j++)
            y[i * (k + 1) + j] = (double)check_uniform();
    memcpy(x, y, n * (k + 1) * sizeof *x);
    qqi_system_solve(&s, n, x, k + 1);
    for (size_t i = 0; i < n; i++) {
        double *z = doubles(k), size = 0.0, rest = 0.0;
        memcpy(z, y + i * (k + 1), k * sizeof *z);
        qqi_solve_small(u, k, k, z);
        for (size_t j = 0; j < k; j++) {
            double sum = 0.0;
            for (size_t l = 0; l < k; l++) {
                sum += x[i * (k + 1) + l] * a[l * k + j];
                size = fmax(size, fabs(x[i * (k + 1) + l] * a[l * k + j]));
            }
            rest = fmax(rest, fabs(sum - y[i * (k + 1) + j]));
            worst = fmax(worst, fabs(z[j] - x[i * (k + 1) + j]));
        }
        CHECK(rest < 1e-11 * (size + 1.0));
        CHECK(x[i * (k + 1) + k] == y[i * (k + 1) + k]); // between rows
        free(z);
    }
    CHECK(worst < 1e-4); // they differ by what the condition leaves
    free(a);
    free(u);
    free(x);
    free(y);
    free(memory);
}

int main(void)
{
    static const size_t sizes[] = {1,  2,  3,  5,  31, 32, 33, 34,
                                   35, 36, 63, 64, 65, 67, 99, 131};

    for (size_t i = 0; i < 16; i++) {
        if (check_small() && sizes[i] > 70)
            break;
        test_factor(sizes[i]);
        test_refused(sizes[i]);
        test_system(sizes[i], 1 + i * 2);
    }
    return check_done();
}
