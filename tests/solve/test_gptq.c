// GPTQ of the recipe: its codes are those of the textbook, with its inverse.

#include "solve.h"

// More columns than are taken at a time.
enum { MOST = 70 };

// Column by column with the upper factor of H^-1, in double. A scale of 0: the
// code in the middle.
static void textbook(size_t k, const double *h, const double *weight,
                     const float *scale, const float *offset, int count,
                     uint8_t *code)
{
    static double a[MOST * 2 * MOST], u[MOST * MOST];
    double w[MOST];

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
        const double s = (double)scale[j], o = (double)offset[j];
        double q = s == 0.0 ? 0.0 : rint((w[j] - o) / s);
        q += count / 2;
        q = q < 0 ? 0 : q > count - 1 ? count - 1 : q;
        code[j] = (uint8_t)q;
        const double e = (w[j] - s * (q - count / 2) - o) / u[j * k + j];
        for (size_t l = j + 1; l < k; l++)
            w[l] -= e * u[j * k + l];
    }
}

// Some scales are negative, some 0.
static void test_codes(qq_columns order, int offsets)
{
    enum { K = MOST, N = 18, TILE = 8 };
    qq_grid g = qq_grid_integer(3);
    g.offsets = offsets;
    float *x = solve_inputs(200, K, 0.9f), *w = solve_weights(N, K);
    float *h = solve_hessian(200, K, x, 1, 0.03);
    const size_t bytes = qq_fit_size(N, K, TILE, &g);
    void *memory = room(bytes);
    size_t place[K], differ = 0;
    static double ph[K * K];
    double pw[K];
    float ps[K], po[K];
    uint8_t code[K];
    qq_fit f;

    CHECK(qq_fit_make(N, K, TILE, &g, memory, bytes, &f) == QQ_OK);
    const size_t need = qq_fit_scratch_size(&f, NULL);
    void *scratch = room(need);
    CHECK(qq_fit_search(&f, NULL, w, K, NULL, scratch, need) == QQ_OK);
    for (size_t i = 0; i < N * f.tiles; i++) {
        f.scale[i] *= i % 5 == 0 ? -1.0f : i % 7 == 0 ? 0.0f : 1.0f;
        if (offsets)
            f.offset[i] = 0.3f * check_uniform();
    }
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
            po[j] = offsets ? f.offset[r * f.tiles + place[j] / TILE] : 0.0f;
        }
        textbook(K, ph, pw, ps, po, 8, code);
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
    for (int offsets = 0; offsets < 2; offsets++) {
        test_codes(QQ_COLUMNS_NATURAL, offsets);
        test_codes(QQ_COLUMNS_FALLING, offsets);
    }
    return check_done();
}
