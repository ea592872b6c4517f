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

int main(void)
{
    test_rank(1, N);
    test_rank(1, 1);
    test_rank(3, N);
    test_rank(4, 4);
    test_rank(5, 2);
    CHECK(qq_rank_correct(0, 0, 2, NULL, 0, NULL, 0, NULL, NULL, NULL, 0) ==
          QQ_OK);
    return check_done();
}
