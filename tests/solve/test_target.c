// Targets by what they must satisfy, and the bias.

#include "solve.h"

enum { N = 37, K = 41 };

// (T - W) (H + ridge) = alpha (W (C - H) + rho R), row by row.
static void test_target(const qq_target_options *o, int has_c, int has_r)
{
    float *x = solve_inputs(200, K, 0.8f);
    float *h = solve_hessian(200, K, x, 1, 0.0);
    float *w = solve_weights(N, K);
    float *c = solve_weights(K, K);
    float *r = solve_weights(N, K);
    float *t = solve_floats(N * K);
    const size_t room_bytes = qq_target_scratch_size(N, K, o);
    void *scratch = room(room_bytes);
    const double alpha = o != NULL ? o->alpha : .75;
    const double rho = o != NULL ? o->rho : 1.0;
    const double ridge = o != NULL ? o->ridge : .01;
    double mean = 0.0, worst = 0.0;

    for (size_t i = 0; i < K * K; i++)
        c[i] = h[i] + 0.05f * c[i];
    for (size_t i = 0; i < K; i++)
        mean += (double)h[i * K + i] / (double)K;
    CHECK(qq_target(N, K, o, w, K, h, K * K * 4, has_c ? c : NULL, K * K * 4,
                    has_r ? r : NULL, N * K * 4, t, K, scratch,
                    room_bytes) == QQ_OK);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < K; j++) {
            double left =
                ridge * mean * ((double)t[i * K + j] - (double)w[i * K + j]);
            double right = has_r ? rho * (double)r[i * K + j] : 0.0;
            for (size_t l = 0; l < K; l++) {
                left += ((double)t[i * K + l] - (double)w[i * K + l]) *
                        (double)h[l * K + j];
                if (has_c)
                    right += (double)w[i * K + l] *
                             ((double)c[l * K + j] - (double)h[l * K + j]);
            }
            worst = fmax(worst, fabs(left - alpha * right));
        }
    CHECK(worst < 1e-5);
    if (!has_c && !has_r)
        CHECK(memcmp(t, w, N * K * 4) == 0);
    // In place, the same.
    CHECK(qq_target(N, K, o, w, K, h, K * K * 4, has_c ? c : NULL, K * K * 4,
                    has_r ? r : NULL, N * K * 4, w, K, scratch,
                    room_bytes) == QQ_OK);
    CHECK(memcmp(t, w, N * K * 4) == 0);
    h[0] = -1.0f;
    CHECK(qq_target(N, K, o, w, K, h, K * K * 4, c, K * K * 4, NULL, 0, t, K,
                    scratch, room_bytes) == QQ_ERR_FORMAT);
    free(x);
    free(h);
    free(w);
    free(c);
    free(r);
    free(t);
    free(scratch);
}

static void test_bias(void)
{
    const float w[4] = {1.0f, 2.0f, 3.0f, 4.0f};
    const float v[4] = {1.5f, 2.0f, 3.0f, 3.0f};
    const float f[2] = {10.0f, 100.0f}, q[2] = {8.0f, 99.0f};
    const float b[2] = {0.5f, 0.25f}, r[2] = {2.0f, -4.0f};
    float out[2];

    CHECK(qq_bias_correct(2, 2, w, 2, v, 2, f, q, NULL, NULL, 0.0f, out) ==
          QQ_OK);
    CHECK(out[0] == 0.0f && out[1] == 109.0f);
    CHECK(qq_bias_correct(2, 2, w, 2, v, 2, f, q, b, r, 0.5f, out) == QQ_OK);
    CHECK(out[0] == 1.5f && out[1] == 107.25f);
    CHECK(qq_bias_correct(2, 2, w, 2, v, 2, NULL, q, b, r, 0.5f, out) ==
          QQ_ERR_ARGUMENT);
}

int main(void)
{
    qq_target_options o = qq_target_options_init();
    size_t calls = 0;

    test_target(NULL, 1, 1);
    test_target(NULL, 1, 0);
    test_target(NULL, 0, 1);
    test_target(NULL, 0, 0);
    o.parts = 3;
    o.parallel = solve_backwards;
    o.parallel_user = &calls;
    o.alpha = 1.0;
    o.rho = 0.5;
    o.ridge = .05;
    test_target(&o, 1, 1);
    CHECK(calls > 0);
    test_bias();
    return check_done();
}
