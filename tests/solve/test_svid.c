// Power iteration, and SVID as the two modes that are made of it have it: the
// original's small examples, the best rank 1, gauges.

#include "solve.h"

static double norm(const float *x, size_t count)
{
    double sum = 0.0;

    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

// u sigma = P v, v sigma = P^T u, unit lengths, and no direction is longer.
static void test_power(size_t n, size_t k)
{
    float *p = solve_weights(n, k + 2), *u = solve_floats(n), sigma = -1.0f;
    float *v = solve_floats(k), *start = solve_weights(1, k);
    const size_t need = qq_power_iteration_scratch_size(n, k);
    void *scratch = room(need);

    for (size_t i = 0; i < n * (k + 2); i++)
        p[i] = fabsf(p[i]) + 0.5f; // a gap between the first and the second
    for (int given = 0; given < 2; given++) {
        CHECK(qq_power_iteration(n, k, 60, p, k + 2, given ? start : NULL, u, v,
                                 &sigma, scratch, need) == QQ_OK);
        CHECK(fabs(norm(u, n) - 1.0) < 1e-5 && fabs(norm(v, k) - 1.0) < 1e-5);
        CHECK(sigma > 0.0f);
        for (size_t i = 0; i < n; i++) {
            double sum = -(double)sigma * (double)u[i];
            for (size_t j = 0; j < k; j++)
                sum += (double)p[i * (k + 2) + j] * (double)v[j];
            CHECK(fabs(sum) < 1e-5 * (double)sigma);
        }
        for (size_t j = 0; j < k; j++) {
            double sum = -(double)sigma * (double)v[j];
            for (size_t i = 0; i < n; i++)
                sum += (double)p[i * (k + 2) + j] * (double)u[i];
            CHECK(fabs(sum) < 1e-5 * (double)sigma);
        }
        for (int t = 0; t < 10; t++) {
            float *x = solve_weights(1, k);
            double square = 0.0;
            for (size_t i = 0; i < n; i++) {
                double y = 0.0;
                for (size_t j = 0; j < k; j++)
                    y += (double)p[i * (k + 2) + j] * (double)x[j];
                square += y * y;
            }
            CHECK(sqrt(square) <= (double)sigma * norm(x, k) * 1.00001);
            free(x);
        }
    }
    free(p);
    free(u);
    free(v);
    free(start);
    free(scratch);
}

// It stops where a product is 0, and refuses what it cannot read.
static void test_edges(void)
{
    float p[6] = {0}, u[2] = {9, 9}, v[3] = {9, 9, 9}, sigma = 9;
    const size_t need = qq_power_iteration_scratch_size(2, 3);
    void *scratch = room(need);

    CHECK(qq_power_iteration(2, 3, 5, p, 3, NULL, u, v, &sigma, scratch,
                             need) == QQ_OK);
    CHECK(!(sigma > 0.0f) && !(sigma < 0.0f));
    CHECK(!(u[0] > 0.0f) && !(u[0] < 0.0f));
    p[0] = 3.0f;
    CHECK(qq_power_iteration(2, 3, 0, p, 3, NULL, u, v, &sigma, scratch,
                             need) == QQ_OK);
    CHECK(fabs((double)sigma - sqrt(3.0)) < 1e-6); // no round: v is (1 1 1)
    CHECK(qq_power_iteration(2, 3, 5, p, 3, NULL, u, v, &sigma, scratch,
                             need - 1) == QQ_ERR_SCRATCH);
    CHECK(qq_power_iteration(2, 3, 5, p, 2, NULL, u, v, &sigma, scratch,
                             need) == QQ_ERR_SHAPE);
    CHECK(qq_power_iteration(2, 3, 5, NULL, 3, NULL, u, v, &sigma, scratch,
                             need) == QQ_ERR_ARGUMENT);
    CHECK(qq_power_iteration(2, 3, 5, p, 3, NULL, NULL, v, &sigma, scratch,
                             need) == QQ_ERR_ARGUMENT);
    CHECK(qq_power_iteration(2, 3, 5, p, 3, NULL, u, NULL, &sigma, scratch,
                             need) == QQ_ERR_ARGUMENT);
    CHECK(qq_power_iteration(2, 3, 5, p, 3, NULL, u, v, NULL, scratch, need) ==
          QQ_ERR_ARGUMENT);
    u[0] = v[0] = sigma = 9.0f;
    for (int i = 0; i < 3; i++) {
        p[4] = i == 0 ? NAN : i == 1 ? INFINITY : -INFINITY;
        CHECK(qq_power_iteration(2, 3, 5, p, 3, NULL, u, v, &sigma, scratch,
                                 need) == QQ_ERR_FORMAT);
    }
    CHECK(u[0] == 9.0f && v[0] == 9.0f && sigma == 9.0f);
    p[4] = 0.0f; // a start across the only direction that there is
    const float across[3] = {0.0f, 2.0f, 0.0f}, none[3] = {0};
    CHECK(qq_power_iteration(2, 3, 5, p, 3, across, u, v, &sigma, scratch,
                             need) == QQ_OK);
    CHECK(sigma == 0.0f && u[0] == 0.0f && u[1] == 0.0f && v[1] == 1.0f);
    CHECK(qq_power_iteration(2, 3, 5, p, 3, none, u, v, &sigma, scratch,
                             need) == QQ_OK);
    CHECK(sigma == 0.0f && v[0] == 0.0f && v[1] == 0.0f && v[2] == 0.0f);
    CHECK(qq_power_iteration_scratch_size(SIZE_MAX / 2, 3) == SIZE_MAX);
    free(scratch);
}

// a, b, V of the published example.
static void test_example(int importance, int balancing, const double *a,
                         const double *b, const double *v)
{
    static const float w[6] = {1, -2, 3, -4, 5, -6};
    static const float h[9] = {4, 0, 0, 0, 1, 0, 0, 0, .25f};
    qq_onebit_options o = qq_onebit_options_init();
    float values[6];

    o.mode = QQ_ONEBIT_COMPAT;
    o.importance = importance;
    o.balancing = balancing;
    const size_t bytes = qq_onebit_size(2, 3, &o);
    const size_t need = qq_onebit_scratch_size(2, 3, &o, 1);
    void *out = room(bytes), *scratch = room(need);
    qq_onebit r;
    CHECK(qq_onebit_solve(2, 3, &o, w, 3, h, sizeof h, out, bytes, scratch,
                          need, &r) == QQ_OK);
    CHECK(qq_onebit_values(&r, values, 3) == QQ_OK);
    for (int i = 0; i < 2; i++)
        CHECK(fabs((double)r.a[i] - a[i]) < 4e-6 * a[i]);
    for (int j = 0; j < 3; j++)
        CHECK(fabs((double)r.b[j] - b[j]) < 4e-6 * b[j]);
    for (int i = 0; i < 6; i++) {
        CHECK(fabs((double)values[i] - v[i]) < 4e-6 * fabs(v[i]));
        CHECK(qq_tensor_code(&r.sign[0], (size_t)i) == (w[i] >= 0.0f));
    }
    CHECK((r.rows != NULL) == (balancing != 0));
    free(out);
    free(scratch);
}

static void test_examples(void)
{
    static const double plain[] = {
        1.19121438, 2.84412382, 1.32179926, 1.74621287, 2.17062648, 1.574546,
        -2.080114,  2.585681,   -3.759361,  4.966446,   -6.173530};
    static const double important[] = {
        .96318023, 3.07300869, 1.27809170, 1.66726830, 2.05644491, 1.231033,
        -1.605880, 1.980727,   -3.927587,  5.123530,   -6.319473};
    static const double balanced[] = {.638943,   .638943,  .521695,   .521695,
                                      .521695,   1.237405, -1.921756, 2.606107,
                                      -3.356108, 5.212214, -7.068321};

    test_example(0, 0, plain, plain + 2, plain + 5);
    test_example(1, 0, important, important + 2, important + 5);
    test_example(1, 1, balanced, balanced + 2, balanced + 5);
}

// Plain SVID is the best of rank 1 under its signs: no change of a or b lowers
// the sum of squares.
static void test_best(size_t n, size_t k)
{
    float *w = solve_weights(n, k), *v = solve_floats(n * k);
    float *unit = solve_floats(k * k);
    qq_onebit_options o = qq_onebit_options_init();

    o.mode = QQ_ONEBIT_COMPAT;
    o.importance = o.balancing = 0;
    for (size_t i = 0; i < k * k; i++)
        unit[i] = i % (k + 1) == 0 ? 1.0f : 0.0f;
    const size_t bytes = qq_onebit_size(n, k, &o);
    const size_t need = qq_onebit_scratch_size(n, k, &o, 0);
    void *out = room(bytes), *scratch = room(need);
    qq_onebit r;
    CHECK(qq_onebit_solve(n, k, &o, w, k, NULL, 0, out, bytes, scratch, need,
                          &r) == QQ_OK);
    CHECK(qq_onebit_values(&r, v, k) == QQ_OK);
    const double now = solve_error(n, k, w, v, unit);
    CHECK(fabs(now - r.objective) < 1e-5 * now + 1e-9);
    CHECK(fabs(norm(r.a, n) - norm(r.b, k)) < 1e-5 * norm(r.a, n));
    for (size_t t = 0; t < n + k; t++)
        for (int s = -1; s <= 1; s += 2) {
            const float by = 1.0f + 0.02f * (float)s;
            for (size_t i = 0; i < n * k; i++)
                if (t < n ? i / k == t : i % k == t - n)
                    v[i] *= by;
            CHECK(solve_error(n, k, w, v, unit) >= now * (1.0 - 1e-6) - 1e-9);
            CHECK(qq_onebit_values(&r, v, k) == QQ_OK);
        }
    free(w);
    free(v);
    free(unit);
    free(out);
    free(scratch);
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 7, 16, 33};

    for (size_t i = 0; i < 25; i++)
        test_power(sizes[i / 5], sizes[i % 5]);
    test_edges();
    test_examples();
    for (size_t i = 0; i < 16; i++)
        test_best(sizes[i / 4], sizes[i % 4 + 1]);
    return check_done();
}
