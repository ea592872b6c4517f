// What is done with a Hessian: checks, damping, rotation.

#include "solve.h"

static void test_check(void)
{
    float h[4] = {1.0f, 2.0f, 2.0f, 5.0f};

    CHECK(qq_hessian_check(2, h, sizeof h) == QQ_OK);
    CHECK(qq_hessian_check(0, NULL, 0) == QQ_OK);
    CHECK(qq_hessian_check(2, NULL, 16) == QQ_ERR_ARGUMENT);
    CHECK(qq_hessian_check(2, h, 15) == QQ_ERR_SIZE);
    h[1] = 2.5f;
    CHECK(qq_hessian_check(2, h, sizeof h) == QQ_ERR_FORMAT);
    h[1] = h[2] = NAN;
    CHECK(qq_hessian_check(2, h, sizeof h) == QQ_ERR_FORMAT);
    h[1] = h[2] = 0.0f;
    h[0] = -1.0f;
    CHECK(qq_hessian_check(2, h, sizeof h) == QQ_ERR_FORMAT);
    CHECK(qq_hessian_damp(2, 0.1, h, sizeof h) == QQ_ERR_FORMAT);
    h[0] = INFINITY;
    CHECK(qq_hessian_check(2, h, sizeof h) == QQ_ERR_FORMAT);
    h[0] = 1.0f;
    CHECK(qq_hessian_check(2, h, sizeof h) == QQ_OK);
    h[2] = NAN; // of either triangle
    CHECK(qq_hessian_check(2, h, sizeof h) == QQ_ERR_FORMAT);
    h[1] = NAN;
    h[2] = 0.0f;
    CHECK(qq_hessian_check(2, h, sizeof h) == QQ_ERR_FORMAT);
    CHECK(qq_hessian_check(SIZE_MAX / 2, h, sizeof h) == QQ_ERR_SIZE);
}

// Whatever is damped is a Hessian again, or it is refused and stays.
static void test_ends(void)
{
    float tiny[4] = {1e-44f, 0.0f, 0.0f, 0.0f};
    float huge[4] = {3e38f, 1.0f, 1.0f, 2e38f};
    float zero[4] = {0.0f, -0.0f, 0.0f, -0.0f};
    float h[4];

    CHECK(qq_hessian_damp(2, 0.0, tiny, sizeof tiny) == QQ_OK);
    CHECK(tiny[0] > 0.0f && tiny[3] > 0.0f);
    memcpy(h, huge, sizeof h);
    CHECK(qq_hessian_damp(2, 1.0, h, sizeof h) == QQ_ERR_FORMAT);
    CHECK(memcmp(h, huge, sizeof h) == 0);
    CHECK(qq_hessian_damp(2, 0.1, h, sizeof h) == QQ_OK);
    CHECK(qq_hessian_damp(2, 0.1, zero, sizeof zero) == QQ_OK);
    CHECK(zero[0] > 1.0f && zero[3] > 1.0f); // none is used: 1 each
    CHECK(qq_hessian_damp(2, (double)NAN, h, sizeof h) == QQ_ERR_ARGUMENT);
    CHECK(qq_hessian_damp(2, (double)INFINITY, h, sizeof h) == QQ_ERR_ARGUMENT);
    CHECK(qq_hessian_damp(2, 0.1, h, sizeof h - 1) == QQ_ERR_SIZE);
    CHECK(qq_hessian_damp(2, 0.1, NULL, sizeof h) == QQ_ERR_ARGUMENT);
    CHECK(qq_hessian_damp(0, 0.1, NULL, 0) == QQ_OK);
}

static void test_damp(void)
{
    float h[9] = {2.0f, 1.0f, 0.0f, 1.0f, 6.0f, 0.0f, 0.0f, 0.0f, 0.0f};

    CHECK(qq_hessian_damp(3, -1.0, h, sizeof h) == QQ_ERR_ARGUMENT);
    CHECK(qq_hessian_damp(3, 0.0, h, sizeof h) == QQ_OK);
    CHECK(h[8] == 0.004f && h[0] == 2.0f && h[1] == 1.0f);
    CHECK(qq_hessian_damp(3, 0.5, h, sizeof h) == QQ_OK);
    CHECK(fabs((double)h[0] - (2.0 + 8.004 / 6.0)) < 1e-6);
    CHECK(h[1] == 1.0f);
    CHECK(qq_hessian_lambda(4, 1000, 100) == .01);
    CHECK(qq_hessian_lambda(3, 400, 100) == .03);
    CHECK(qq_hessian_lambda(2, 399, 100) == 3.0 * .03);
    CHECK(qq_hessian_lambda(1, 399, 100) == 3.0 * .1);
    CHECK(qq_hessian_lambda(1, 99, 100) == 1.0);
    CHECK(qq_hessian_lambda(1, 100, 100) == 3.0 * .1);
}

// The largest difference. (Written with fmax, gcc 12 for SVE breaks on it.)
static double furthest(const float *x, const float *y, size_t count)
{
    double worst = 0.0;

    for (size_t i = 0; i < count; i++)
        if (fabs((double)x[i] - (double)y[i]) > worst)
            worst = fabs((double)x[i] - (double)y[i]);
    return worst;
}

// x Q is as long as x, goes back to it, and Q^T H Q is the Hessian of x Q.
static void test_rotation(size_t k, size_t limit, size_t block)
{
    const qq_rotation r = qq_rotation_make(k, limit, 7);
    const size_t rows = 60;
    float *x = solve_inputs(rows, k, 0.8f);
    float *y = solve_floats(rows * k);

    CHECK(r.block == block);
    float *h = solve_hessian(rows, k, x, 0, 0.0);
    memcpy(y, x, rows * k * sizeof *x);
    CHECK(qq_rotation_rows(&r, 0, rows, y, k) == QQ_OK);
    if (block > 1)
        CHECK(memcmp(x, y, rows * k * sizeof *x) != 0);
    float *want = solve_hessian(rows, k, y, 0, 0.0);
    CHECK(qq_rotation_hessian(&r, h, k * k * sizeof *h) == QQ_OK);
    CHECK(qq_hessian_check(k, h, k * k * sizeof *h) == QQ_OK);
    CHECK(furthest(h, want, k * k) < 1e-5);
    CHECK(qq_rotation_rows(&r, 1, rows, y, k) == QQ_OK);
    CHECK(furthest(x, y, rows * k) < 1e-5);
    free(x);
    free(y);
    free(h);
    free(want);
}

int main(void)
{
    test_check();
    test_damp();
    test_ends();
    test_rotation(1, 0, 1);
    test_rotation(7, 0, 1);
    test_rotation(64, 0, 64);
    test_rotation(64, 16, 16);
    test_rotation(172, 0, 4);
    test_rotation(40, 0, 8);
    return check_done();
}
