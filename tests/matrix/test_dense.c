// Dense products, factorizations and systems: against sums made one by one,
// and by what must come out.

#include <math.h>

#include "dispatch.h"
#include "matrix/cholesky.h"
#include "room.h"

static float *floats(size_t count, float by)
{
    float *x = (float *)(void *)room(count * sizeof(float));

    for (size_t i = 0; i < count; i++)
        x[i] = check_uniform() * by;
    return x;
}

static double *zeros(size_t count)
{
    double *x = (double *)(void *)room(count * sizeof(double));

    for (size_t i = 0; i < count; i++)
        x[i] = 0.0;
    return x;
}

// Every shape is the chain of the definition, to the bit.
static void test_product(size_t rows, size_t columns, size_t depth,
                         int transposed, int minus)
{
    const size_t lda = (transposed ? rows : depth) + 3;
    float *a = floats(lda * ((transposed ? depth : rows) + 1), 5.0f);
    float *b = floats(depth * (columns + 2) + 1, 1e-3f);
    double *c = zeros(rows * (columns + 1) + 1);
    double *space = zeros(QQI_DENSE_ROOM);
    qqi_dense d = qqi_dense_make(rows, columns, depth, a, lda, b, columns + 2,
                                 c, columns + 1);
    int same = 1;

    d.minus = minus;
    if (transposed) {
        d.a_row = 1;
        d.a_step = lda;
    }
    for (size_t i = 0; i < rows * (columns + 1); i++)
        c[i] = (double)check_uniform();
    double *want = zeros(rows * (columns + 1) + 1);
    memcpy(want, c, rows * (columns + 1) * sizeof *c);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double *sum = want + i * (columns + 1) + j;
            for (size_t k = 0; k < depth; k++) {
                const float x = a[i * d.a_row + k * d.a_step];
                const double p = (double)x * (double)b[k * (columns + 2) + j];
                *sum = minus ? *sum - p : *sum + p;
            }
        }
    qqi_dense_add(&d, space);
    for (size_t i = 0; i < rows * (columns + 1); i++)
        same &= memcmp(c + i, want + i, sizeof *c) == 0;
    CHECK(same);
    free(a);
    free(b);
    free(c);
    free(want);
    free(space);
}

static void test_products(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 5, 31, 32, 33, 64, 65, 130};

    for (size_t i = 0; i < check_count(200); i++)
        test_product(sizes[check_u32() % 11], sizes[check_u32() % 11],
                     sizes[check_u32() % 11], (int)(i & 1), (int)(i >> 1 & 1));
}

// A random positive definite matrix, both triangles, with eigenvalues of many
// sizes.
static double *positive(size_t k)
{
    float *x = floats((k + 3) * k + 1, 1.0f);
    double *a = zeros(k * k + 1);
    double *space = zeros(QQI_DENSE_ROOM);
    qqi_dense d = qqi_dense_make(k, k, k + 3, x, 1, x, k, a, k);

    d.a_step = k;
    qqi_dense_add(&d, space);
    for (size_t i = 0; i < k; i++)
        a[i * k + i] += 1e-3;
    free(x);
    free(space);
    return a;
}

static void run_parts(void *user, size_t parts, void (*part)(void *, size_t),
                      void *arg)
{
    *(int *)user += 1;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

static double *factor(size_t k, const double *a, size_t parts, int *ok)
{
    double *u = zeros(k * k + 1);
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_factor f;
    int calls = 0;
    qqi_threads t = qqi_threads_make(parts, run_parts, &calls);

    memcpy(u, a, k * k * sizeof *a);
    qqi_factor_place(&f, k, parts, &p);
    const size_t bytes = qqi_pieces_bytes(&p);
    void *memory = room(bytes);
    p = qqi_pieces_make(memory);
    qqi_factor_place(&f, k, parts, &p);
    *ok = qqi_factor_run(&f, u, &t);
    free(memory);
    return u;
}

static void test_factor(size_t k)
{
    double *a = positive(k);
    int ok;
    double *u = factor(k, a, 1, &ok);
    double worst = 0.0;

    CHECK(ok);
    for (size_t i = 0; i < k; i++)
        for (size_t j = i; j < k; j++) {
            double sum = 0.0;
            for (size_t q = 0; q <= i; q++)
                sum += u[q * k + i] * u[q * k + j];
            const double e =
                fabs(sum - a[i * k + j]) / sqrt(a[i * k + i] * a[j * k + j]);
            worst = e > worst ? e : worst;
        }
    CHECK(worst < 1e-12);
    double *v = factor(k, a, 3, &ok);
    int same = 1;
    for (size_t i = 0; i < k; i++)
        same &= memcmp(u + i * k + i, v + i * k + i, (k - i) * sizeof *u) == 0;
    CHECK(same);
    a[k / 2 * k + k / 2] = -1.0;
    free(v);
    v = factor(k, a, 2, &ok);
    CHECK(!ok);
    free(a);
    free(u);
    free(v);
}

static void test_system(size_t k, size_t n)
{
    double *a = positive(k);
    double *x = zeros(n * (k + 1) + 1);
    double *y = zeros(n * (k + 1) + 1);
    int ok;
    double *u = factor(k, a, 1, &ok);
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_system s;
    double worst = 0.0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            x[i * (k + 1) + j] = (double)check_uniform();
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            for (size_t l = 0; l < k; l++)
                y[i * (k + 1) + j] += x[i * (k + 1) + l] * a[l * k + j];
    qqi_system_place(&s, k, &p);
    void *memory = room(qqi_pieces_bytes(&p));
    p = qqi_pieces_make(memory);
    qqi_system_place(&s, k, &p);
    s.u = u;
    double *one = zeros(k + 1);
    memcpy(one, y, k * sizeof *one);
    qqi_system_solve(&s, n, y, k + 1);
    qqi_solve_small(u, k, k, one);
    for (size_t j = 0; j < k; j++)
        CHECK(fabs(one[j] - x[j]) < 1e-6);
    for (size_t i = 0; i < n * (k + 1); i++)
        worst = fabs(y[i] - x[i]) > worst ? fabs(y[i] - x[i]) : worst;
    CHECK(worst < 1e-6);
    free(a);
    free(x);
    free(y);
    free(u);
    free(one);
    free(memory);
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 31, 32, 33, 64, 100};

    test_products();
    for (size_t i = 0; i < 7; i++) {
        test_factor(sizes[i]);
        test_system(sizes[i], 1 + i * 5);
    }
    return check_done();
}
