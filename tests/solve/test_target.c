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

// Rows with gaps are the rows; gaps stay. Of columns that no input used
// nothing is known: those weights stay.
static void test_rows(void)
{
    enum { LD = K + 5 };
    float *x = solve_inputs(200, K, 0.8f), *w = solve_weights(N, LD);
    float *h = solve_hessian(200, K, x, 1, 0.0), *c = solve_weights(K, K);
    float *tight = solve_floats(N * K), *t = solve_floats(N * LD);
    float *u = solve_floats(N * K);
    const size_t bytes = qq_target_scratch_size(N, K, NULL);
    void *scratch = room(bytes);
    int same = 1;

    for (size_t i = 0; i < N * LD; i++)
        t[i] = 9.0f;
    for (size_t i = 0; i < N * K; i++)
        tight[i] = w[i / K * LD + i % K];
    CHECK(qq_target(N, K, NULL, tight, K, h, K * K * 4, c, K * K * 4, NULL, 0,
                    u, K, scratch, bytes) == QQ_OK);
    CHECK(qq_target(N, K, NULL, w, LD, h, K * K * 4, c, K * K * 4, NULL, 0, t,
                    LD, scratch, bytes) == QQ_OK);
    for (size_t i = 0; i < N * LD; i++) {
        const size_t j = i % LD;
        const float want = j < K ? u[i / LD * K + j] : 9.0f;
        same &= check_bits(t[i]) == check_bits(want);
    }
    CHECK(same && memcmp(u, tight, N * K * 4) != 0);
    memset(h, 0, K * K * 4);
    CHECK(qq_target(N, K, NULL, tight, K, h, K * K * 4, c, K * K * 4, NULL, 0,
                    u, K, scratch, bytes) == QQ_OK);
    CHECK(memcmp(u, tight, N * K * 4) == 0);
    free(x);
    free(w);
    free(h);
    free(c);
    free(t);
    free(u);
    free(tight);
    free(scratch);
}

static void test_refused(void)
{
    const double wild[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    float w[6] = {1, 2, 3, 4, 5, 6}, h[4] = {2, 1, 1, 2}, c[4] = {0};
    float r[6] = {0}, t[6] = {9, 9, 9, 9, 9, 9};
    qq_target_options o = qq_target_options_init();
    const size_t bytes = qq_target_scratch_size(3, 2, NULL);
    void *scratch = room(bytes);

    CHECK(o.alpha == .75 && o.rho == 1.0 && o.ridge == .01 && o.parts == 1);
#define TARGET(w, ldw, h_bytes, c_bytes, r_bytes, t, ldt, bytes)               \
    qq_target(3, 2, &o, w, ldw, h, h_bytes, c, c_bytes, r, r_bytes, t, ldt,    \
              scratch, bytes)
#define REFUSED(status) CHECK(TARGET(w, 2, 16, 16, 24, t, 2, bytes) == (status))
    for (int i = 0; i < 3; i++) {
        o.alpha = wild[i];
        REFUSED(QQ_ERR_ARGUMENT);
        o.alpha = .75;
        o.rho = wild[i];
        REFUSED(QQ_ERR_ARGUMENT);
        o.rho = 1.0;
        o.ridge = wild[i];
        REFUSED(QQ_ERR_ARGUMENT);
        o.ridge = .01;
        c[i] = r[i] = (float)wild[i];
        REFUSED(QQ_ERR_FORMAT);
        c[i] = 0.0f;
        REFUSED(QQ_ERR_FORMAT);
        c[i] = r[i];
        r[i] = 0.0f;
        REFUSED(QQ_ERR_FORMAT);
        c[i] = 0.0f;
        w[i] = (float)wild[i];
        REFUSED(QQ_ERR_FORMAT);
        w[i] = 1.0f;
    }
    o.ridge = -.01;
    REFUSED(QQ_ERR_ARGUMENT);
    o.ridge = 0.0;
    h[1] = h[2] = 3.0f; // not positive
    REFUSED(QQ_ERR_FORMAT);
    h[1] = h[2] = 1.0f;
    o.parts = 0;
    REFUSED(QQ_ERR_ARGUMENT);
    CHECK(qq_target_scratch_size(3, 2, &o) == SIZE_MAX);
    o = qq_target_options_init();
    CHECK(TARGET(w, 1, 16, 16, 24, t, 2, bytes) == QQ_ERR_SHAPE);
    CHECK(TARGET(w, 2, 16, 16, 24, t, 1, bytes) == QQ_ERR_SHAPE);
    CHECK(TARGET(NULL, 2, 16, 16, 24, t, 2, bytes) == QQ_ERR_ARGUMENT);
    CHECK(TARGET(w, 2, 16, 16, 24, NULL, 2, bytes) == QQ_ERR_ARGUMENT);
    CHECK(TARGET(w, 2, 15, 16, 24, t, 2, bytes) == QQ_ERR_SIZE);
    CHECK(TARGET(w, 2, 16, 15, 24, t, 2, bytes) == QQ_ERR_SIZE);
    CHECK(TARGET(w, 2, 16, 16, 23, t, 2, bytes) == QQ_ERR_SIZE);
    CHECK(TARGET(w, 2, 16, 16, 24, t, 2, bytes - 1) == QQ_ERR_SCRATCH);
    for (int i = 0; i < 6; i++)
        CHECK(t[i] == 9.0f);
    REFUSED(QQ_OK);
#undef TARGET
#undef REFUSED
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
    CHECK(qq_bias_correct(2, 2, w, 2, v, 2, f, NULL, b, r, 0.5f, out) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_bias_correct(2, 2, w, 2, v, 2, f, q, b, r, 0.5f, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_bias_correct(2, 2, w, 2, v, 1, f, q, b, r, 0.5f, out) ==
          QQ_ERR_SHAPE);
    // Rows of one, two apart.
    CHECK(qq_bias_correct(2, 1, w, 2, v, 1, f, q, NULL, NULL, 0.0f, out) ==
          QQ_OK);
    CHECK(out[0] == 10.0f - 12.0f && out[1] == 30.0f - 16.0f);
    CHECK(qq_bias_correct(2, 1, w, 1, v, 2, f, q, NULL, NULL, 0.0f, out) ==
          QQ_OK);
    CHECK(out[0] == 10.0f - 12.0f && out[1] == 20.0f - 24.0f);
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
    test_rows();
    test_refused();
    test_bias();
    return check_done();
}
