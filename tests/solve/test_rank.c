// The correction of rank r: exact where E has that rank, never worse than any
// other tried, orthogonal to what it leaves.

#include "solve.h"

enum { N = 23, K = 31 };

static double left_over(size_t r, const float *e, const float *h,
                        const float *left, const float *right)
{
    float *v = solve_floats(N * K);

    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < K; j++) {
            double sum = 0.0;
            for (size_t t = 0; t < r; t++)
                sum += (double)left[i * r + t] * (double)right[t * K + j];
            v[i * K + j] = (float)sum;
        }
    const double out = solve_error(N, K, e, v, h);
    free(v);
    return out;
}

static void test_rank(size_t r, size_t true_rank)
{
    float *x = solve_inputs(120, K, 0.9f);
    float *h = solve_hessian(120, K, x, 0, 0.05);
    float *e = solve_weights(N, K);
    float *left = solve_floats(N * r), *right = solve_floats(K * r);
    const size_t need = qq_rank_scratch_size(N, K, r);
    void *scratch = room(need);

    for (size_t i = true_rank; i < N; i++)
        for (size_t j = 0; j < K; j++)
            e[i * K + j] = e[i % true_rank * K + j] * 0.5f;
    float *zero = solve_floats(N * K);
    for (size_t i = 0; i < N * K; i++)
        zero[i] = 0.0f;
    const double all = solve_error(N, K, e, zero, h);
    CHECK(qq_rank_correct(N, K, r, e, K, h, K * K * 4, left, right, scratch,
                          need) == QQ_OK);
    const double rest = left_over(r, e, h, left, right);
    CHECK(rest <= all);
    if (r >= true_rank)
        CHECK(rest < 1e-6 * all);
    // Any small change of the right factor makes it worse.
    for (size_t i = 0; i < 20; i++) {
        const size_t at = check_u32() % (K * r);
        const float old = right[at];
        right[at] += check_uniform() * 0.1f;
        CHECK(left_over(r, e, h, left, right) >= rest - 1e-6 * all);
        right[at] = old;
    }
    // So does any other direction on the left, with its own best right factor:
    // here e_i alone.
    if (r == 1)
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < N; j++)
                left[j] = i == j ? 1.0f : 0.0f;
            CHECK(left_over(1, e, h, left, e + i * K) >= rest);
        }
    free(x);
    free(h);
    free(e);
    free(left);
    free(right);
    free(zero);
    free(scratch);
}

// One vector: it is an eigenvector, E H E^T p = l p.
static void test_vector(void)
{
    float *x = solve_inputs(120, K, 0.9f), *e = solve_weights(N, K);
    float *h = solve_hessian(120, K, x, 0, 0.05), left[N], right[K];
    const size_t need = qq_rank_scratch_size(N, K, 1);
    void *scratch = room(need);
    double y[N], length = 0.0, off = 0.0;

    CHECK(qq_rank_correct(N, K, 1, e, K, h, K * K * 4, left, right, scratch,
                          need) == QQ_OK);
    for (size_t i = 0; i < N; i++) {
        y[i] = 0.0;
        for (size_t j = 0; j < K; j++)
            for (size_t l = 0; l < K; l++)
                y[i] += (double)e[i * K + j] * (double)h[j * K + l] *
                        (double)right[l]; // right is p^T E
        length += y[i] * (double)left[i];
    }
    for (size_t i = 0; i < N; i++) {
        const double apart = fabs(y[i] - length * (double)left[i]);
        off = apart > off ? apart : off;
    }
    CHECK(off < 1e-4 * length);
    free(x);
    free(e);
    free(h);
    free(scratch);
}

// Rows with gaps; what cannot be read is refused and nothing is written.
static void test_rows(void)
{
    enum { R = 2, LD = K + 3 };
    float *x = solve_inputs(120, K, 0.9f), *e = solve_weights(N, LD);
    float *h = solve_hessian(120, K, x, 0, 0.05), *tight = solve_floats(N * K);
    float *left[2] = {solve_floats(N * R), solve_floats(N * R)};
    float *right[2] = {solve_floats(K * R), solve_floats(K * R)};
    const size_t need = qq_rank_scratch_size(N, K, R);
    void *s = room(need);

    for (size_t i = 0; i < N * K; i++)
        tight[i] = e[i / K * LD + i % K];
    CHECK(qq_rank_correct(N, K, R, e, LD, h, K * K * 4, left[0], right[0], s,
                          need) == QQ_OK);
    CHECK(qq_rank_correct(N, K, R, tight, K, h, K * K * 4, left[1], right[1], s,
                          need) == QQ_OK);
    CHECK(memcmp(left[0], left[1], N * R * 4) == 0);
    CHECK(memcmp(right[0], right[1], K * R * 4) == 0);
    // The columns of left are orthogonal and of length 1.
    for (int i = 0; i < 3; i++) {
        double sum = i < 2 ? -1.0 : 0.0;
        for (size_t j = 0; j < N; j++)
            sum += (double)left[0][j * R + (i == 1)] *
                   (double)left[0][j * R + (i > 0)];
        CHECK(fabs(sum) < 1e-6);
    }
    left[0][0] = right[0][0] = 9.0f;
#define RANK(e, lde, bytes, left, right, need)                                 \
    qq_rank_correct(N, K, R, e, lde, h, bytes, left, right, s, need)
    CHECK(RANK(e, LD, K * K * 4, NULL, right[0], need) == QQ_ERR_ARGUMENT);
    CHECK(RANK(e, LD, K * K * 4, left[0], NULL, need) == QQ_ERR_ARGUMENT);
    CHECK(RANK(NULL, LD, K * K * 4, left[0], right[0], need) ==
          QQ_ERR_ARGUMENT);
    CHECK(RANK(e, K - 1, K * K * 4, left[0], right[0], need) == QQ_ERR_SHAPE);
    CHECK(RANK(e, LD, K * K * 4 - 1, left[0], right[0], need) == QQ_ERR_SIZE);
    CHECK(RANK(e, LD, K * K * 4, left[0], right[0], need - 1) ==
          QQ_ERR_SCRATCH);
    h[1] += 1.0f;
    CHECK(RANK(e, LD, K * K * 4, left[0], right[0], need) == QQ_ERR_FORMAT);
    h[1] = h[K];
    e[LD + 1] = NAN;
    CHECK(RANK(e, LD, K * K * 4, left[0], right[0], need) == QQ_ERR_FORMAT);
    CHECK(left[0][0] == 9.0f && right[0][0] == 9.0f);
#undef RANK
    for (int i = 0; i < 2; i++) {
        free(left[i]);
        free(right[i]);
    }
    free(x);
    free(h);
    free(e);
    free(tight);
    free(s);
}

int main(void)
{
    test_vector();
    test_rows();
    test_rank(1, N);
    test_rank(1, 1);
    test_rank(3, N);
    test_rank(4, 4);
    test_rank(5, 2);
    CHECK(qq_rank_correct(0, 0, 2, NULL, 0, NULL, 0, NULL, NULL, NULL, 0) ==
          QQ_OK);
    return check_done();
}
