// GPTQ of the recipe: its codes are those of the textbook, with its inverse.

#include "solve.h"

// Column by column with the upper factor of H^-1, in double.
static void textbook(size_t k, const double *h, const double *weight,
                     const float *scale, size_t tile, int count, uint8_t *code)
{
    double a[24 * 48], u[24 * 24], w[24];

    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < 2 * k; j++)
            a[i * 2 * k + j] = j < k ? h[i * k + j] : (j - k == i ? 1.0 : 0.0);
    for (size_t c = 0; c < k; c++) {
        const double d = a[c * 2 * k + c];
        for (size_t j = 0; j < 2 * k; j++)
            a[c * 2 * k + j] /= d;
        for (size_t i = 0; i < k; i++) {
            const double f = a[i * 2 * k + c];
            for (size_t j = 0; i != c && j < 2 * k; j++)
                a[i * 2 * k + j] -= f * a[c * 2 * k + j];
        }
    }
    for (size_t i = 0; i < k; i++) // H^-1 = U^T U
        for (size_t j = i; j < k; j++) {
            double sum = a[i * 2 * k + k + j];
            for (size_t q = 0; q < i; q++)
                sum -= u[q * k + i] * u[q * k + j];
            u[i * k + j] = i == j ? sqrt(sum) : sum / u[i * k + i];
        }
    memcpy(w, weight, k * sizeof *w);
    for (size_t j = 0; j < k; j++) {
        const double s = (double)scale[j / tile];
        double q = rint(w[j] / s) + count / 2;
        q = q < 0 ? 0 : q > count - 1 ? count - 1 : q;
        code[j] = (uint8_t)q;
        const double e = (w[j] - s * (q - count / 2)) / u[j * k + j];
        for (size_t l = j + 1; l < k; l++)
            w[l] -= e * u[j * k + l];
    }
}

static void test_codes(qq_columns order)
{
    enum { K = 24, N = 18, TILE = 8 };
    const qq_grid g = qq_grid_integer(3);
    float *x = solve_inputs(100, K, 0.9f), *w = solve_weights(N, K);
    float *h = solve_hessian(100, K, x, 1, 0.03);
    const size_t bytes = qq_fit_size(N, K, TILE, &g);
    void *memory = room(bytes);
    size_t place[K], differ = 0;
    double ph[K * K], pw[K];
    float ps[K];
    uint8_t code[K];
    qq_fit f;

    CHECK(qq_fit_make(N, K, TILE, &g, memory, bytes, &f) == QQ_OK);
    const size_t need = qq_fit_scratch_size(&f, NULL);
    void *scratch = room(need);
    CHECK(qq_fit_search(&f, NULL, w, K, NULL, scratch, need) == QQ_OK);
    CHECK(qq_fit_gptq(&f, NULL, order, w, K, h, K * K * 4, scratch, need) ==
          QQ_OK);
    for (size_t i = 0; i < K; i++) {
        size_t at = i;
        for (; order == QQ_COLUMNS_FALLING && at > 0 &&
               h[place[at - 1] * (K + 1)] < h[i * (K + 1)];
             at--)
            place[at] = place[at - 1];
        place[at] = i;
    }
    for (size_t i = 0; i < K; i++)
        for (size_t j = 0; j < K; j++)
            ph[i * K + j] = (double)h[place[i] * K + place[j]];
    for (size_t r = 0; r < N; r++) {
        for (size_t j = 0; j < K; j++) {
            pw[j] = (double)w[r * K + place[j]];
            ps[j] = f.scale[r * f.tiles + place[j] / TILE];
        }
        textbook(K, ph, pw, ps, 1, 8, code);
        for (size_t j = 0; j < K; j++)
            differ += code[j] != f.code[r * K + place[j]];
    }
    CHECK(differ == 0);
    free(x);
    free(w);
    free(h);
    free(memory);
    free(scratch);
}

// Of equal diagonals the first goes first: the order is the natural one.
static void test_ties(void)
{
    enum { K = 19, N = 40 };
    const qq_grid g = qq_grid_integer(3);
    float *x = solve_inputs(100, K, 0.9f), *w = solve_weights(N, K);
    float *h = solve_hessian(100, K, x, 1, 0.03);
    const size_t bytes = qq_fit_size(N, K, 0, &g);
    void *memory = room(bytes);
    uint8_t code[N * K];
    qq_fit f;

    for (size_t i = 0; i < K; i++)
        h[i * (K + 1)] = 3.0f;
    CHECK(qq_fit_make(N, K, 0, &g, memory, bytes, &f) == QQ_OK);
    const size_t need = qq_fit_scratch_size(&f, NULL);
    void *scratch = room(need);
    CHECK(qq_fit_search(&f, NULL, w, K, NULL, scratch, need) == QQ_OK);
    CHECK(qq_fit_gptq(&f, NULL, QQ_COLUMNS_NATURAL, w, K, h, K * K * 4, scratch,
                      need) == QQ_OK);
    memcpy(code, f.code, N * K);
    CHECK(qq_fit_gptq(&f, NULL, QQ_COLUMNS_FALLING, w, K, h, K * K * 4, scratch,
                      need) == QQ_OK);
    CHECK(memcmp(code, f.code, N * K) == 0);
    free(x);
    free(w);
    free(h);
    free(memory);
    free(scratch);
}

int main(void)
{
    test_ties();
    test_codes(QQ_COLUMNS_NATURAL);
    test_codes(QQ_COLUMNS_FALLING);
    return check_done();
}
