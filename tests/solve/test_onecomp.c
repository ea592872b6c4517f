// RTN, GPTQ, packing and corrections as the original package has them: their
// words, what must hold of codes and grids, refusals. Also solve/adjust.h,
// onecomp_grid.h and onecomp_gptq.h; reference vectors hold their answers.

#include "solve.h"

enum { N = 6, K = 24 };

static void test_masks(void)
{
    qq_gptq_options o = qq_gptq_options_init();
    uint32_t bad = 99;

    CHECK(qq_gptq_options_check(&o, &bad) == QQ_OK && bad == 0);
    o.block = 0;
    o.percdamp = 3.94e-4;
    o.bits = 64;
    o.group = 0;
    o.grid = 0; // not looked at: mse is off
    o.power = 0.0;
    CHECK(qq_gptq_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 15);
    o.mse = 1;
    CHECK(qq_gptq_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 63);
    CHECK(qq_gptq_options_check(NULL, &bad) == QQ_ERR_ARGUMENT);
    memset(&o, 0, sizeof o);
    CHECK(qq_gptq_options_check(&o, NULL) == QQ_ERR_ARGUMENT);
    o = qq_rtn_options_init();
    CHECK(qq_rtn_options_check(&o, &bad) == QQ_OK && bad == 0);
    o.bits = 64; // which RTN takes
    o.block = 0; // which it has not
    o.percdamp = (double)NAN;
    CHECK(qq_rtn_options_check(&o, &bad) == QQ_OK);
    o.bits = 65;
    o.group = -2;
    CHECK(qq_rtn_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 12);
}

// A grid's step is that of the range; codes are the nearest, cut at its ends.
static void test_rtn(int bits, int symmetric, int group)
{
    qq_gptq_options o = qq_rtn_options_init();
    float *w = solve_weights(N, K), scales[N * K], zeros[N * K];
    uint8_t codes[N * K];
    const size_t width = group > 0 ? (size_t)group : K;
    const float most = (float)((1 << bits) - 1);

    o.bits = bits;
    o.symmetric = symmetric;
    o.group = group;
    for (size_t j = 0; j < K; j++)
        w[K + j] = 0.0f; // a row of zeros
    CHECK(qq_rtn_solve(N, K, &o, w, K, codes, scales, zeros) == QQ_OK);
    for (size_t g = 0; g < N * K / width; g++) {
        float low = 0.0f, high = 0.0f;
        for (size_t j = 0; j < width; j++) {
            low = fminf(low, w[g * width + j]);
            high = fmaxf(high, w[g * width + j]);
        }
        if (symmetric) {
            high = fmaxf(-low, high);
            low = -high;
        }
        if (!(high > low)) {
            low = -1.0f;
            high = 1.0f;
        }
        CHECK(fabsf(scales[g] - (high - low) / most) < 1e-6f * scales[g]);
        CHECK(symmetric ? zeros[g] == (most + 1.0f) / 2.0f
                        : fabsf(zeros[g] + low / scales[g]) <= 0.501f);
        for (size_t j = 0; j < width; j++) {
            const float x = w[g * width + j];
            const float v =
                scales[g] * ((float)codes[g * width + j] - zeros[g]);
            CHECK((float)codes[g * width + j] <= most);
            // A tie at the end of a symmetric grid is cut by a whole step.
            CHECK(fabsf(v - x) <= scales[g] * (symmetric ? 1.01f : 0.51f));
        }
    }
    free(w);
}

// The search is never worse than the plain grid under its own measure.
static void test_mse(void)
{
    qq_gptq_options o = qq_gptq_options_init();
    float *w = solve_weights(N, K), plain[2][N], found[2][N];

    w[3] = 9.0f; // an outlier: shrinking pays
    for (int bits = 2; bits <= 4; bits++) {
        o.bits = bits;
        o.mse = 0;
        CHECK(qq_gptq_grid(N, K, &o, w, K, plain[0], plain[1]) == QQ_OK);
        o.mse = 1;
        o.grid = 100;
        CHECK(qq_gptq_grid(N, K, &o, w, K, found[0], found[1]) == QQ_OK);
        const float most = (float)((1 << bits) - 1);
        for (size_t i = 0; i < N; i++) {
            double e[2] = {0.0, 0.0};
            for (size_t j = 0; j < K; j++)
                for (int m = 0; m < 2; m++) {
                    const float s = m ? found[0][i] : plain[0][i];
                    const float z = m ? found[1][i] : plain[1][i];
                    float c = rintf(w[i * K + j] / s) + z;
                    c = fminf(fmaxf(c, 0.0f), most);
                    e[m] +=
                        pow(fabs((double)(s * (c - z) - w[i * K + j])), 2.4);
                }
            CHECK(e[1] <= e[0] * 1.00001);
        }
    }
    // Of equal ones the first wins: a row of zeros keeps its whole range.
    for (size_t j = 0; j < K; j++)
        w[K + j] = 0.0f;
    CHECK(qq_gptq_grid(N, K, &o, w, K, found[0], found[1]) == QQ_OK);
    CHECK(fabsf(found[0][1] - 2.0f / 15.0f) < 1e-6f);
    o.mse = 0;
    CHECK(qq_gptq_grid(N, K, &o, w, K, plain[0], plain[1]) == QQ_OK);
    o.mse = 1;
    // Ranges that make no sense are none; many bits have a fine grid.
    o.max_shrink = (double)NAN;
    CHECK(qq_gptq_grid(N, K, &o, w, K, found[0], found[1]) == QQ_OK);
    CHECK(memcmp(found[0], plain[0], sizeof plain[0]) == 0);
    o.max_shrink = -1e300;
    CHECK(qq_gptq_grid(N, K, &o, w, K, found[0], found[1]) == QQ_OK);
    o.mse = 0;
    o.bits = 40;
    CHECK(qq_gptq_grid(N, K, &o, w, K, found[0], found[1]) == QQ_OK);
    CHECK(fabsf(found[0][0] * 1.099511627776e12f / 18.0f - 1.0f) < 1e-5f ||
          found[0][0] < 1e-10f);
    CHECK(qq_gptq_grid(N, K, &o, NULL, K, found[0], found[1]) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_gptq_grid(N, K, &o, w, K - 1, found[0], found[1]) == QQ_ERR_SHAPE);
    free(w);
}

typedef struct gptq {
    uint8_t codes[N * K];
    float scales[N * K], zeros[N * K];
    uint32_t order[K];
} gptq;

static qq_status run(const qq_gptq_options *o, const float *w, const float *h,
                     gptq *g)
{
    const size_t need = qq_gptq_scratch_size(N, K);
    void *scratch = room(need);
    const qq_status status =
        qq_gptq_solve(N, K, o, w, K, h, g->codes, g->scales, g->zeros, g->order,
                      scratch, need);

    free(scratch);
    return status;
}

// With a diagonal H nothing is paid back: codes are those of RTN on its grid.
// Blocks change no code but by rounding; act-order is a permutation, largest
// first; dead columns are 0.
static void test_gptq(void)
{
    qq_gptq_options o = qq_gptq_options_init();
    float *w = solve_weights(N, K), *x = solve_inputs(100, K, 0.8f);
    float *h = solve_hessian(100, K, x, 0, 0.01);
    float *unit = solve_floats(K * K);
    gptq a, b;

    for (size_t i = 0; i < K * K; i++)
        unit[i] = i % (K + 1) == 0 ? (float)(1 + i % 3) : 0.0f;
    CHECK(run(&o, w, unit, &a) == QQ_OK);
    for (size_t i = 0; i < N * K; i++) {
        float c = rintf(w[i] / a.scales[i / K]) + a.zeros[i / K];
        c = fminf(fmaxf(c, 0.0f), 15.0f);
        CHECK((float)a.codes[i] == c);
    }
    for (size_t j = 0; j < K; j++)
        CHECK(a.order[j] == j);
    CHECK(run(&o, w, h, &a) == QQ_OK);
    o.block = 5;
    CHECK(run(&o, w, h, &b) == QQ_OK);
    size_t differ = 0;
    for (size_t i = 0; i < N * K; i++)
        differ += a.codes[i] != b.codes[i];
    CHECK(differ < 4);
    o.act_order = 1;
    CHECK(run(&o, w, h, &b) == QQ_OK);
    uint32_t seen = 0;
    for (size_t j = 0; j < K; j++) {
        seen |= 1u << b.order[j];
        CHECK(j == 0 || h[b.order[j - 1] * (K + 1)] >= h[b.order[j] * (K + 1)]);
    }
    CHECK(seen == (1u << K) - 1);
    // What is paid back shows: J under H falls against plain rounding.
    o = qq_gptq_options_init();
    o.bits = 3;
    CHECK(run(&o, w, unit, &a) == QQ_OK && run(&o, w, h, &b) == QQ_OK);
    float *v = solve_floats(N * K);
    double j[2];
    for (int m = 0; m < 2; m++) {
        const gptq *g = m ? &b : &a;
        for (size_t i = 0; i < N * K; i++)
            v[i] = g->scales[i / K] * ((float)g->codes[i] - g->zeros[i / K]);
        j[m] = solve_error(N, K, w, v, h);
    }
    CHECK(j[1] < 0.8 * j[0]);
    // A dead column's weights are cleared: its codes are the zero.
    for (size_t i = 0; i < K; i++)
        h[5 * K + i] = h[i * K + 5] = 0.0f;
    CHECK(run(&o, w, h, &a) == QQ_OK);
    for (size_t i = 0; i < N; i++)
        CHECK((float)a.codes[i * K + 5] == a.zeros[i]);
    h[0] = -1e9f; // it stays indefinite
    memset(&b, 77, sizeof b);
    CHECK(run(&o, w, h, &b) == QQ_ERR_FORMAT);
    for (size_t i = 0; i < sizeof b; i++)
        CHECK(((uint8_t *)&b)[i] == 77);
    free(w);
    free(x);
    free(h);
    free(unit);
    free(v);
}

// Words by hand, bit by bit; widths and lengths that do not fit.
static void test_words(void)
{
    enum { COUNT = 64, OUT = 5 };
    static const unsigned widths[] = {2, 3, 4, 8};
    uint8_t codes[OUT * COUNT];
    uint32_t words[COUNT / 4 * OUT];
    int32_t zeros[3 * COUNT];

    for (size_t b = 0; b < 4; b++) {
        const unsigned bits = widths[b];
        const uint32_t mask = (1u << bits) - 1;
        for (size_t i = 0; i < OUT * COUNT; i++)
            codes[i] = (uint8_t)(check_u32() & mask);
        CHECK(qq_gptq_pack_codes(OUT, COUNT, bits, codes, words) == QQ_OK);
        for (size_t i = 0; i < OUT; i++)
            for (size_t j = 0; j < COUNT; j++) {
                uint32_t c = 0;
                for (unsigned t = 0; t < bits; t++) {
                    const size_t at = j * bits + t;
                    c |= (words[at / 32 * OUT + i] >> (at % 32) & 1) << t;
                }
                CHECK(c == codes[i * COUNT + j]);
            }
        for (size_t i = 0; i < 3 * COUNT; i++)
            zeros[i] = (int32_t)(check_u32() & mask) - (i % 7 == 0);
        CHECK(qq_gptq_pack_zeros(3, COUNT, bits, zeros, words) == QQ_OK);
        for (size_t g = 0; g < 3; g++)
            for (size_t j = 0; j < COUNT; j++) {
                uint32_t c = 0;
                for (unsigned t = 0; t < bits; t++) {
                    const size_t at = j * bits + t;
                    c |= (words[g * COUNT * bits / 32 + at / 32] >> (at % 32) &
                          1)
                         << t;
                }
                CHECK(c == ((uint32_t)zeros[g * COUNT + j] & mask));
            }
        CHECK(qq_gptq_pack_codes(1, 31, bits, codes, words) == QQ_ERR_SHAPE);
        CHECK(qq_gptq_pack_zeros(1, 31, bits, zeros, words) == QQ_ERR_SHAPE);
        CHECK(qq_gptq_pack_codes(1, 32, bits, NULL, words) == QQ_ERR_ARGUMENT);
    }
    CHECK(qq_gptq_pack_codes(1, 32, 5, codes, words) == QQ_ERR_ARGUMENT);
    CHECK(qq_gptq_pack_codes(1, 32, 0, codes, words) == QQ_ERR_ARGUMENT);
    CHECK(qq_gptq_pack_codes(1, 32, 32, codes, words) == QQ_ERR_ARGUMENT);
    CHECK(qq_gptq_pack_zeros(1, 32, 1, zeros, words) == QQ_ERR_ARGUMENT);
}

// (W' - W) H' = perccorr W C, dead columns cleared first.
static void test_adjust(int dead)
{
    float *w = solve_weights(N, K), *x = solve_inputs(90, K, 0.8f);
    float *h = solve_hessian(90, K, x, 0, 0.0), *c = solve_weights(K, K);
    const size_t need = qq_onebit_adjust_scratch_size(N, K);
    void *scratch = room(need);
    double mean = 0.0, worst = 0.0;

    for (size_t i = 0; dead && i < K; i++)
        h[3 * K + i] = h[i * K + 3] = 0.0f;
    float *old = solve_floats(N * K);
    memcpy(old, w, N * K * sizeof *w);
    CHECK(qq_onebit_adjust(N, K, .02, .5, w, K, h, c, scratch, need) == QQ_OK);
    for (size_t j = 0; j < K; j++) {
        mean += (dead && j == 3 ? 1.0 : (double)h[j * (K + 1)]) / (double)K;
        for (size_t i = 0; dead && j == 3 && i < N; i++)
            old[i * K + 3] = 0.0f;
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < K; j++) {
            double left = 0.0, right = 0.0;
            for (size_t l = 0; l < K; l++) {
                double m = (double)h[l * K + j];
                if (l == j)
                    m += .02 * mean + (dead && j == 3 ? 1.0 : 0.0);
                left += ((double)w[i * K + l] - (double)old[i * K + l]) * m;
                right += (double)old[i * K + l] * (double)c[l * K + j];
            }
            worst = fmax(worst, fabs(left - .5 * right));
        }
    CHECK(worst < 2e-4);
    CHECK(qq_onebit_adjust(N, K, .02, .5, w, K, h, c, scratch, need - 1) ==
          QQ_ERR_SCRATCH);
    CHECK(qq_onebit_adjust(N, K, .02, .5, NULL, K, h, c, scratch, need) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_adjust(N, K, .02, .5, w, K - 1, h, c, scratch, need) ==
          QQ_ERR_SHAPE);
    CHECK(qq_onebit_adjust_scratch_size(N, SIZE_MAX / 2) == SIZE_MAX);
    free(w);
    free(x);
    free(h);
    free(c);
    free(old);
    free(scratch);
}

int main(void)
{
    test_masks();
    for (int bits = 2; bits <= 8; bits++)
        for (int i = 0; i < 6; i++)
            test_rtn(bits, i & 1, i < 2 ? -1 : i < 4 ? 8 : 3);
    test_mse();
    test_gptq();
    test_words();
    test_adjust(0);
    test_adjust(1);
    return check_done();
}
