// Rotations: orthogonal, of the blocks and signs that are promised, the same
// for rows, for weights and for Hessians.

#include "solve.h"

// Q, from rows of the unit matrix.
static float *matrix(const qq_rotation *r, int back)
{
    const size_t k = r->k;
    float *q = solve_floats(k * k);

    for (size_t i = 0; i < k * k; i++)
        q[i] = i % (k + 1) == 0 ? 1.0f : 0.0f;
    CHECK(qq_rotation_rows(r, back, k, q, k) == QQ_OK);
    return q;
}

// Q Q^T = I; each number of a block is +- 1 / sqrt(block), of others 0; the
// signs of the first row of a block of H are those that Threefry gives.
static void test_orthogonal(size_t k, size_t limit, uint32_t seed)
{
    const qq_rotation r = qq_rotation_make(k, limit, seed);
    float *q = matrix(&r, 0), *t = matrix(&r, 1);
    const double one = 1.0 / sqrt((double)r.block);
    double worst = 0.0, size = 0.0, turned = 0.0;

    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++) {
            double sum = i == j ? -1.0 : 0.0;
            for (size_t l = 0; l < k; l++)
                sum += (double)q[i * k + l] * (double)q[j * k + l];
            worst = fmax(worst, fabs(sum));
            const int within = i / r.block == j / r.block;
            const double x = fabs((double)q[i * k + j]);
            size = fmax(size, fabs(x - (within ? one : 0.0)));
            turned =
                fmax(turned, fabs((double)q[i * k + j] - (double)t[j * k + i]));
        }
    CHECK(worst < 1e-5 && size < 1e-6 && turned < 1e-6);
    // The first column of a block's Hadamard matrix is all ones: what is seen
    // there is the sign of the row.
    for (size_t j = 0; j < k; j++) {
        const uint32_t counter[2] = {0, (uint32_t)(j / 64)};
        const qq_key key = {{0, seed}};
        uint32_t out[2];
        qq_threefry(key, counter, out);
        const uint32_t minus = out[j / 32 % 2] >> (j % 32) & 1;
        const float x = q[j * k + j / r.block * r.block];
        CHECK(minus ? x < 0.0f : x > 0.0f);
    }
    free(q);
    free(t);
}

static void test_blocks(void)
{
    static const size_t cases[][3] = {
        {0, 0, 1},    {1, 0, 1},       {2, 0, 2},        {12, 0, 4}, {12, 2, 2},
        {96, 0, 32},  {96, 31, 16},    {96, 33, 32},     {96, 1, 1}, {7, 4, 1},
        {64, 64, 64}, {4096, 0, 4096}, {4096, 1000, 512}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const qq_rotation r = qq_rotation_make(cases[i][0], cases[i][1], 3);
        CHECK(r.k == cases[i][0] && (r.block == cases[i][2] || r.k == 0));
        CHECK(r.seed == 3);
    }
}

// Other seeds, other signs: half of them on average.
static void test_seeds(void)
{
    const size_t k = 256;
    float *x = solve_floats(k), *y = solve_floats(k);

    for (uint32_t seed = 0; seed < 5; seed++) {
        const qq_rotation r = qq_rotation_make(k, 1, seed);
        const qq_rotation s = qq_rotation_make(k, 1, seed + 1);
        size_t differ = 0;
        for (size_t j = 0; j < k; j++)
            x[j] = y[j] = 1.0f;
        CHECK(qq_rotation_rows(&r, 0, 1, x, k) == QQ_OK);
        CHECK(qq_rotation_rows(&s, 0, 1, y, k) == QQ_OK);
        for (size_t j = 0; j < k; j++)
            differ += (x[j] > 0.0f) != (y[j] > 0.0f);
        CHECK(differ > 90 && differ < 166);
    }
    free(x);
    free(y);
}

// (W Q)(x Q)^T = W x^T; rows far apart stay apart; lengths stay.
static void test_product(size_t k, size_t limit)
{
    const qq_rotation r = qq_rotation_make(k, limit, 99);
    const size_t n = 6, rows = 9, ld = k + 3;
    float *w = solve_weights(n, k), *x = solve_weights(rows, ld);
    double *want = solve_doubles(n * rows);

    for (size_t i = 0; i < n; i++)
        for (size_t m = 0; m < rows; m++) {
            want[i * rows + m] = 0.0;
            for (size_t j = 0; j < k; j++)
                want[i * rows + m] +=
                    (double)w[i * k + j] * (double)x[m * ld + j];
        }
    float *gap = solve_floats(rows * ld);
    memcpy(gap, x, rows * ld * sizeof *x);
    CHECK(qq_rotation_rows(&r, 0, n, w, k) == QQ_OK);
    CHECK(qq_rotation_rows(&r, 0, rows, x, ld) == QQ_OK);
    for (size_t i = 0; i < n; i++)
        for (size_t m = 0; m < rows; m++) {
            double sum = -want[i * rows + m];
            for (size_t j = 0; j < k; j++)
                sum += (double)w[i * k + j] * (double)x[m * ld + j];
            CHECK(fabs(sum) < 1e-4);
        }
    for (size_t m = 0; m < rows; m++)
        for (size_t j = k; j < ld; j++)
            CHECK(check_bits(x[m * ld + j]) == check_bits(gap[m * ld + j]));
    free(w);
    free(x);
    free(want);
    free(gap);
}

// Q^T H Q is the Hessian of turned rows, and as symmetric as it was; what it
// makes of J is nothing.
static void test_hessian(size_t k, size_t limit)
{
    const qq_rotation r = qq_rotation_make(k, limit, 5);
    const size_t rows = 3 * k, bytes = k * k * sizeof(float);
    float *x = solve_inputs(rows, k, 0.8f);
    float *h = solve_hessian(rows, k, x, 0, 0.0);
    float *w = solve_weights(2, k), *v = solve_weights(2, k);
    const double before = solve_error(2, k, w, v, h);

    CHECK(qq_rotation_rows(&r, 0, rows, x, k) == QQ_OK);
    CHECK(qq_rotation_hessian(&r, h, bytes) == QQ_OK);
    CHECK(qq_hessian_check(k, h, bytes) == QQ_OK);
    float *want = solve_hessian(rows, k, x, 0, 0.0);
    for (size_t i = 0; i < k * k; i++)
        CHECK(fabs((double)h[i] - (double)want[i]) < 2e-5);
    CHECK(qq_rotation_rows(&r, 0, 2, w, k) == QQ_OK);
    CHECK(qq_rotation_rows(&r, 0, 2, v, k) == QQ_OK);
    CHECK(fabs(solve_error(2, k, w, v, h) - before) < 1e-4 * before);
    CHECK(qq_rotation_hessian(&r, h, bytes - 1) == QQ_ERR_SIZE);
    CHECK(qq_rotation_hessian(&r, NULL, bytes) == QQ_ERR_ARGUMENT);
    free(x);
    free(h);
    free(w);
    free(v);
    free(want);
}

// Inputs that are a few columns of Q leave most variances 0, or what rounding
// makes of that, and never less.
static void test_poor(size_t k)
{
    const qq_rotation r = qq_rotation_make(k, 0, 5);
    float *q = matrix(&r, 0), *x = solve_floats(9 * k);

    memset(x, 0, 9 * k * sizeof *x);
    for (size_t i = 0; i < 9; i++)
        for (size_t c = 0; c < 5; c++) {
            const float by = check_uniform();
            for (size_t j = 0; j < k; j++)
                x[i * k + j] += by * q[j * k + c * k / 5];
        }
    float *h = solve_hessian(9, k, x, 0, 0.0);
    CHECK(qq_rotation_hessian(&r, h, k * k * sizeof(float)) == QQ_OK);
    CHECK(qq_hessian_check(k, h, k * k * sizeof(float)) == QQ_OK);
    free(q);
    free(x);
    free(h);
}

// What two infinities, or a NaN of any bits, leave in a block is the one NaN:
// where the infinities add up, an infinity.
static void test_wild(size_t k)
{
    const qq_rotation r = qq_rotation_make(k, 0, 11);
    float *x = solve_floats(2 * k);
    size_t nans = 0, infinities = 0;

    for (size_t j = 0; j < 2 * k; j++)
        x[j] = 1.0f;
    x[0] = x[k / 2] = INFINITY;
    x[k] = check_f32(0xffc01234u);
    CHECK(qq_rotation_rows(&r, 0, 2, x, k) == QQ_OK);
    for (size_t j = 0; j < k; j++) {
        nans += check_bits(x[j]) == 0x7fc00000u;
        infinities += isinf(x[j]) != 0;
        CHECK(check_bits(x[k + j]) == 0x7fc00000u);
    }
    CHECK(k == 1 || (nans == k / 2 && infinities == k / 2));
    free(x);
}

static void test_refused(void)
{
    qq_rotation r = qq_rotation_make(8, 0, 1);
    const qq_rotation good = r;
    float x[16] = {0};

    CHECK(qq_rotation_rows(&r, 0, 0, NULL, 8) == QQ_OK);
    CHECK(qq_rotation_rows(&r, 0, 2, NULL, 8) == QQ_ERR_ARGUMENT);
    CHECK(qq_rotation_rows(NULL, 0, 1, x, 8) == QQ_ERR_ARGUMENT);
    r = qq_rotation_make(0, 0, 1);
    CHECK(qq_rotation_rows(&r, 0, 2, NULL, 0) == QQ_OK);
    r = good;
    CHECK(qq_rotation_rows(&r, 0, 2, x, 7) == QQ_ERR_SHAPE);
    CHECK(qq_rotation_rows(&r, 0, SIZE_MAX / 8, x, 8) == QQ_ERR_SHAPE);
    CHECK(qq_rotation_rows(&r, 0, SIZE_MAX / 8, x, 9) == QQ_ERR_SHAPE);
    r.init ^= 1u;
    CHECK(qq_rotation_rows(&r, 0, 1, x, 8) == QQ_ERR_ARGUMENT);
    static const size_t blocks[] = {0, 3, 6, 16};
    for (size_t i = 0; i < 4; i++) {
        r = good;
        r.block = blocks[i];
        r.k = i == 1 || i == 2 ? 6 : 8;
        CHECK(qq_rotation_rows(&r, 0, 1, x, 8) == QQ_ERR_ARGUMENT);
    }
    memset(&r, 0, sizeof r);
    CHECK(qq_rotation_rows(&r, 0, 1, x, 8) == QQ_ERR_ARGUMENT);
    CHECK(qq_rotation_hessian(&r, x, sizeof x) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 3, 8, 12, 31, 40, 64, 96};

    for (size_t i = 0; i < 9; i++) {
        test_orthogonal(sizes[i], 0, (uint32_t)i * 77);
        test_orthogonal(sizes[i], 5, 0xffffffffu);
        test_product(sizes[i], i % 2 ? 0 : 8);
        test_hessian(sizes[i], i % 3 ? 0 : 4);
        test_poor(sizes[i]);
    }
    for (size_t k = 1; k <= 128; k *= 2)
        test_wild(k);
    test_blocks();
    test_seeds();
    test_refused();
    return check_done();
}
