// Errors of layers against the slow sums, and what the solvers that came from
// OneCompression refuse; their answers are held by reference vectors.

#include "solve.h"

enum { N = 7, K = 9, ROWS = 21 };

static int near(double x, double y)
{
    return fabs(x - y) <= 1e-9 * fabs(y) + 1e-300;
}

static void test_errors(void)
{
    const size_t shape[2] = {N, K}, rows[2] = {ROWS, K};
    float *w = solve_weights(N, K), *v = solve_weights(N, K);
    float *x = solve_inputs(ROWS, K, 0.5f);
    const qq_tensor tw = qq_tensor_make(w, QQ_TYPE_F32, 2, shape);
    const qq_tensor tv = qq_tensor_make(v, QQ_TYPE_F32, 2, shape);
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_F32, 2, rows);
    double gram[K * K], out = 0.0, all = 0.0, weight = 0.0, square = 0.0;
    qq_layer_errors e, f;

    for (size_t i = 0; i < K; i++)
        for (size_t j = 0; j < K; j++) {
            gram[i * K + j] = 0.0;
            for (size_t r = 0; r < ROWS; r++)
                gram[i * K + j] += (double)x[r * K + i] * (double)x[r * K + j];
        }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < K; j++) {
            const double d = (double)w[i * K + j] - (double)v[i * K + j];
            weight += d * d;
            square += (double)w[i * K + j] * (double)w[i * K + j];
        }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < N; i++) {
            double y = 0.0, z = 0.0;
            for (size_t j = 0; j < K; j++) {
                y += (double)w[i * K + j] * (double)x[r * K + j];
                z += (double)v[i * K + j] * (double)x[r * K + j];
            }
            out += (y - z) * (y - z);
            all += y * y;
        }
    CHECK(qq_layer_errors_gram(&tw, &tv, gram, ROWS, &e) == QQ_OK);
    CHECK(fabs(e.weight_squared - weight) < 1e-6 * weight);
    CHECK(near(e.mean_weight_squared, e.weight_squared / (N * K)));
    CHECK(fabs(e.relative_weight_squared - weight / square) < 1e-6);
    CHECK(fabs(e.output_squared - out) < 1e-9 * all);
    CHECK(near(e.mean_output_squared, e.output_squared / (N * ROWS)));
    CHECK(qq_layer_errors_rows(&tw, &tv, &tx, &f) == QQ_OK);
    CHECK(fabs(f.output_squared - out) < 1e-5 * all);
    CHECK(fabs(f.relative_output_squared - out / all) < 1e-5);
    CHECK(qq_layer_errors_gram(&tw, &tv, NULL, 0, &e) == QQ_OK);
    CHECK(isnan(e.output_squared) && isnan(e.relative_output_squared));
    CHECK(qq_layer_errors_rows(&tw, &tv, &tw, &f) == QQ_OK);
    const qq_tensor bad = qq_tensor_make(x, QQ_TYPE_F32, 2, rows);
    CHECK(qq_layer_errors_gram(&tw, &bad, NULL, 0, &e) == QQ_ERR_SHAPE);
    CHECK(qq_layer_errors_gram(&tw, NULL, NULL, 0, &e) == QQ_ERR_ARGUMENT);
    free(w);
    free(v);
    free(x);
}

static void test_ported(void)
{
    float *w = solve_weights(N, K), *x = solve_inputs(ROWS, K, 0.5f);
    float *h = solve_hessian(ROWS, K, x, 0, 0.0);
    qq_gptq_options o = qq_gptq_options_init();
    uint8_t codes[N * K], same[N * K];
    float scales[N * K], zeros[N * K];
    uint32_t order[K], bad;
    const size_t need = qq_gptq_scratch_size(N, K);
    void *scratch = room(need);

#define GPTQ(bytes)                                                            \
    qq_gptq_solve(N, K, &o, w, K, h, codes, scales, zeros, order, scratch,     \
                  bytes)
    CHECK(GPTQ(need) == QQ_OK);
    for (size_t i = 0; i < N * K; i++)
        CHECK(codes[i] < 16);
    CHECK(GPTQ(need - 1) == QQ_ERR_SCRATCH);
    // One group over all columns is a row.
    memcpy(same, codes, sizeof same);
    o.group = 100;
    CHECK(GPTQ(need) == QQ_OK && memcmp(same, codes, sizeof same) == 0);
    o.bits = 9;
    CHECK(GPTQ(need) == QQ_ERR_UNSUPPORTED);
    o.block = 0;
    CHECK(GPTQ(need) == QQ_ERR_ARGUMENT);
    CHECK(qq_gptq_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 1);
    o = qq_rtn_options_init();
    o.group = 4;
    CHECK(qq_rtn_solve(N, K, &o, w, K, codes, scales, zeros) == QQ_ERR_SHAPE);
    o.group = 3;
    CHECK(qq_rtn_solve(N, K, &o, w, K, codes, scales, zeros) == QQ_OK);
    for (size_t i = 0; i < N * K; i++) {
        const size_t g = i / 3;
        const float v = scales[g] * ((float)codes[i] - zeros[g]);
        CHECK(fabsf(v - w[i]) <= scales[g] * 0.501f);
    }
#undef GPTQ
    const size_t room_bytes = qq_onebit_adjust_scratch_size(N, K);
    void *other = room(room_bytes);
    float *c = solve_floats(K * K);
    for (size_t i = 0; i < K * K; i++)
        c[i] = 0.0f;
    float *old = solve_floats(N * K);
    memcpy(old, w, N * K * 4);
    CHECK(qq_onebit_adjust(N, K, .01, .5, w, K, h, c, other, room_bytes) ==
          QQ_OK);
    CHECK(memcmp(old, w, N * K * 4) == 0); // nothing to correct
    h[0] = -9.0f;
    CHECK(qq_onebit_adjust(N, K, .01, .5, w, K, h, c, other, room_bytes) ==
          QQ_ERR_FORMAT);
    CHECK(memcmp(old, w, N * K * 4) == 0);
    free(w);
    free(x);
    free(h);
    free(c);
    free(old);
    free(scratch);
    free(other);
}

int main(void)
{
    test_errors();
    test_ported();
    return check_done();
}
