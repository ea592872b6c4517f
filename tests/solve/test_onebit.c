// OneBit: options, balancing, the three modes, planes, signs.

#include "solve.h"

// --- balancing -------------------------------------------------------------

static void test_balance(qq_norm norm, int dead)
{
    const size_t n = 13, k = 29;
    qq_balance_options o = qq_balance_options_init();
    float *w = solve_weights(n, k), *scaled = solve_floats(n * k);
    float rows[13], columns[29], history[40];
    const size_t need = qq_balance_scratch_size(n, k);
    void *scratch = room(need);
    qq_balance_result r;

    o.norm = norm;
    o.row_residuals = history;
    for (size_t j = 0; dead && j < k; j++)
        w[3 * k + j] = 0.0f;
    for (size_t i = 0; dead && i < n; i++)
        w[i * k + 7] = 0.0f;
    CHECK(qq_balance(n, k, &o, w, k, rows, columns, scaled, &r, scratch,
                     need) == QQ_OK);
    CHECK(r.converged && r.rounds < 40);
    CHECK(history[r.rounds - 1] == r.row_residual);
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < k; j++) {
            const double x = fabs((double)scaled[i * k + j]);
            sum += norm == QQ_NORM_L2 ? x * x : x;
        }
        CHECK(dead && i == 3 ? sum == 0.0 : fabs(sum - 1.0) < 0.01);
    }
    CHECK(!dead || (isfinite(rows[3]) && isfinite(columns[7])));
    w[5] = NAN;
    CHECK(qq_balance(n, k, &o, w, k, rows, columns, scaled, &r, scratch,
                     need) == QQ_ERR_FORMAT);
    o.alpha = 0.0;
    CHECK(qq_balance(n, k, &o, w, k, rows, columns, scaled, &r, scratch,
                     need) == QQ_ERR_ARGUMENT);
    free(w);
    free(scaled);
    free(scratch);
}

// --- solving ---------------------------------------------------------------

struct answer {
    void *out;
    qq_onebit r;
    double error; // by the slow sum
};

static struct answer solve(size_t n, size_t k, const qq_onebit_options *o,
                           const float *w, const float *h)
{
    struct answer a;
    const size_t bytes = qq_onebit_size(n, k, o);
    const size_t need = qq_onebit_scratch_size(n, k, o, h != NULL);
    void *scratch = room(need);
    float *v = solve_floats(n * k);
    float *unit = solve_floats(k * k);

    a.out = room(bytes);
    CHECK(qq_onebit_solve(n, k, o, w, k, h, k * k * 4, a.out, bytes, scratch,
                          need, &a.r) == QQ_OK);
    CHECK(qq_onebit_values(&a.r, v, k) == QQ_OK);
    for (size_t i = 0; i < k * k; i++)
        unit[i] = i % (k + 1) == 0 ? 1.0f : 0.0f;
    a.error = solve_error(n, k, w, v, h != NULL ? h : unit);
    free(scratch);
    free(v);
    free(unit);
    return a;
}

static void check_halves(const float *x, size_t count)
{
    int ok = 1;

    for (size_t i = 0; i < count; i++)
        ok &= qq_f32_from_f16(qq_f16_from_f32(x[i])) == x[i] && x[i] >= 0.0f;
    CHECK(ok);
}

// Best is never above fixed, that never above plain SVID, J is what it says.
static void test_modes(size_t n, size_t k, int has_h)
{
    float *x = solve_inputs(4 * k + 3, k, 0.9f);
    float *h = has_h ? solve_hessian(4 * k + 3, k, x, 0, 0.1) : NULL;
    float *w = solve_weights(n, k);
    qq_onebit_options o = qq_onebit_options_init();

    o.mode = QQ_ONEBIT_FIXED;
    struct answer fixed = solve(n, k, &o, w, h);
    CHECK(fabs(fixed.error - fixed.r.objective) < 1e-4 * fixed.error + 1e-9);
    CHECK(fixed.r.objective <= fixed.r.svid);
    o.mode = QQ_ONEBIT_BEST;
    struct answer best = solve(n, k, &o, w, h);
    CHECK(fabs(best.error - best.r.objective) < 1e-4 * best.error + 1e-9);
    CHECK(best.r.objective <= fixed.r.objective);
    check_halves(best.r.a, n);
    check_halves(best.r.b, k);
    size_t calls = 0;
    o.parts = 3;
    o.parallel = solve_backwards;
    o.parallel_user = &calls;
    struct answer again = solve(n, k, &o, w, h);
    CHECK(calls > 0 && memcmp(again.r.a, best.r.a, n * 4) == 0 &&
          memcmp(again.r.b, best.r.b, k * 4) == 0 &&
          memcmp(again.r.sign[0].data, best.r.sign[0].data, (n * k + 7) / 8) ==
              0);
    o.anneal = 10;
    struct answer warm = solve(n, k, &o, w, h);
    CHECK(warm.r.objective <= fixed.r.objective);
    o.anneal = 0;
    o.parts = 1;
    o.planes = 2;
    struct answer two = solve(n, k, &o, w, h);
    CHECK(fabs(two.error - two.r.objective) < 1e-3 * two.error + 1e-9);
    CHECK(n < 5 || k < 5 || two.r.objective < best.r.objective);
    o.planes = 3;
    struct answer three = solve(n, k, &o, w, h);
    if (!CHECK(n < 5 || k < 5 || three.r.objective < two.r.objective))
        printf("    %u x %u: %g %g\n", (unsigned)n, (unsigned)k,
               three.r.objective, two.r.objective);
    free(fixed.out);
    free(best.out);
    free(again.out);
    free(warm.out);
    free(two.out);
    free(three.out);
    free(x);
    free(h);
    free(w);
}

// A dead row, a dead column of W, one of H.
static void test_dead(void)
{
    const size_t n = 10, k = 12;
    float *x = solve_inputs(60, k, 0.5f);
    float *w = solve_weights(n, k);
    qq_onebit_options o = qq_onebit_options_init();

    for (size_t i = 0; i < 60; i++)
        x[i * k + 4] = 0.0f;
    for (size_t j = 0; j < k; j++)
        w[2 * k + j] = 0.0f;
    for (size_t i = 0; i < n; i++)
        w[i * k + 9] = i == 1 ? 1e-12f : 0.0f;
    float *h = solve_hessian(60, k, x, 0, 0.1);
    for (int mode = QQ_ONEBIT_BEST; mode <= QQ_ONEBIT_FIXED; mode++) {
        o.mode = (qq_onebit_mode)mode;
        struct answer a = solve(n, k, &o, w, h);
        CHECK(isfinite(a.error) && a.r.a[2] == 0.0f);
        CHECK(a.r.objective <= a.r.svid);
        free(a.out);
    }
    free(x);
    free(w);
    free(h);
}

static void test_options(void)
{
    qq_onebit_options o = qq_onebit_options_init();
    uint32_t bad;

    CHECK(qq_onebit_options_check(&o, &bad) == QQ_OK && bad == 0);
    o.iters = -1;
    o.balance_iters = 0;
    o.balance_alpha = (double)NAN;
    o.planes = 5;
    CHECK(qq_onebit_options_check(&o, &bad) == QQ_ERR_ARGUMENT);
    CHECK(bad == (2u | 16u | 32u | 64u));
    o.balancing = 0;
    qq_onebit_options_check(&o, &bad);
    CHECK(bad == (2u | 64u));
    CHECK(qq_onebit_size(4, 4, &o) == SIZE_MAX);
    memset(&o, 0, sizeof o);
    CHECK(qq_onebit_options_check(&o, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_scratch_size(SIZE_MAX / 2, 4, NULL, 1) == SIZE_MAX);
}

static int stop(void *user, size_t done, size_t all)
{
    CHECK(done <= all);
    return ++*(size_t *)user == 2;
}

static void test_refusals(void)
{
    float w[6] = {1, 2, 3, 4, 5, 6}, h[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    qq_onebit_options o = qq_onebit_options_init();
    uint8_t out[1024];
    const size_t need = qq_onebit_scratch_size(2, 3, &o, 1);
    void *scratch = room(need);
    size_t calls = 0;
    qq_onebit r;

#define SOLVE(w, h, bytes, room_bytes)                                         \
    qq_onebit_solve(2, 3, &o, w, 3, h, 36, out, bytes, scratch, room_bytes, &r)
    memset(out, 0x3c, sizeof out);
    CHECK(SOLVE(NULL, h, 1024, need) == QQ_ERR_ARGUMENT);
    CHECK(SOLVE(w, h, 8, need) == QQ_ERR_SIZE);
    CHECK(SOLVE(w, h, 1024, need - 1) == QQ_ERR_SCRATCH);
    h[1] = h[3] = 3.0f;
    CHECK(SOLVE(w, h, 1024, need) == QQ_ERR_FORMAT);
    h[1] = 0.0f;
    CHECK(SOLVE(w, h, 1024, need) == QQ_ERR_FORMAT);
    h[3] = 0.0f;
    w[1] = INFINITY;
    CHECK(SOLVE(w, h, 1024, need) == QQ_ERR_FORMAT);
    w[1] = 2.0f;
    o.progress = stop;
    o.progress_user = &calls;
    CHECK(SOLVE(w, h, 1024, need) == QQ_ERR_CANCELLED && calls == 2);
    for (size_t i = 0; i < sizeof out; i++)
        CHECK(out[i] == 0x3c);
    o.progress = NULL;
    CHECK(SOLVE(w, h, 1024, need) == QQ_OK);
#undef SOLVE
    free(scratch);
}

// A layer: the packed product is what the values give.
static void test_packed(void)
{
    const size_t n = 20, k = 40;
    float *x = solve_inputs(200, k, 0.9f), *w = solve_weights(n, k);
    float *h = solve_hessian(200, k, x, 0, 0.1), y[20];
    qq_onebit_options o = qq_onebit_options_init();
    qq_matrix_options mo = qq_matrix_options_init();
    qq_matmul_options po = qq_matmul_options_init();
    struct answer a = solve(n, k, &o, w, h);
    float *v = solve_floats(n * k);
    qq_matrix m;

    mo.a = a.r.a;
    mo.b = a.r.b;
    const size_t bytes = qq_matrix_sign_size(&a.r.sign[0], &mo);
    void *packed = room(bytes);
    CHECK(qq_matrix_pack_sign(&a.r.sign[0], &mo, packed, bytes, &m) == QQ_OK);
    po.input = QQ_INPUT_F32;
    const size_t need = qq_matmul_scratch_size(&m, &po, 1);
    void *scratch = room(need);
    CHECK(qq_matmul(&m, &po, 1, x, k, y, n, scratch, need) == QQ_OK);
    qq_onebit_values(&a.r, v, k);
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < k; j++)
            sum += (double)v[i * k + j] * (double)x[j];
        CHECK(fabs(sum - (double)y[i]) < 1e-4);
    }
    free(x);
    free(w);
    free(h);
    free(v);
    free(packed);
    free(scratch);
    free(a.out);
}

static void test_signs(void)
{
    for (size_t n = 0; n < 70; n++) {
        const size_t bytes = (n + 7) / 8;
        float *x = solve_weights(1, n);
        uint8_t *packed = room(bytes), *bits = room(bytes), *back = room(bytes);
        int8_t *signs = (int8_t *)room(n);
        const qq_tensor t = qq_tensor_make(bits, QQ_TYPE_SIGN, 1, &n);
        CHECK(qq_onebit_pack_signs(n, QQ_TYPE_F32, x, packed, bytes) == QQ_OK);
        CHECK(qq_onebit_unpack_signs(n, packed, bytes, signs) == QQ_OK);
        CHECK(qq_onebit_signs_to_tensor(n, packed, bytes, bits, bytes) ==
              QQ_OK);
        CHECK(qq_onebit_signs_from_tensor(&t, back, bytes) == QQ_OK);
        CHECK(n == 0 || memcmp(packed, back, bytes) == 0);
        for (size_t i = 0; i < n; i++)
            CHECK(signs[i] == (x[i] >= 0.0f ? 1 : -1) &&
                  qq_tensor_code(&t, i) == (x[i] >= 0.0f));
        if (n > 0)
            CHECK(qq_onebit_pack_signs(n, QQ_TYPE_F32, x, packed, bytes - 1) ==
                  QQ_ERR_SIZE);
        free(x);
        free(packed);
        free(bits);
        free(back);
        free(signs);
    }
    CHECK(qq_onebit_pack_signs(1, QQ_TYPE_INT4, "a", NULL, 0) == QQ_ERR_TYPE);
}

// Bit by bit, whatever the type; the bits behind the last one; refusals.
static void test_sign_bits(void)
{
    static const float x[11] = {1, -1, 0, -0.0f, -2, 3, -4, 5, -6, 7, -8};
    static const qq_type types[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};
    const int8_t i8[11] = {1, -1, 0, 0, -2, 3, -4, 5, -6, 7, -8};
    const size_t n = 11;
    uint8_t packed[2], bits[2] = {0xff, 0xff}, data[44];
    int8_t out[11];
    qq_tensor t = qq_tensor_make(bits, QQ_TYPE_SIGN, 1, &n);

    for (int i = 0; i < 4; i++) {
        for (size_t j = 0; j < n && i < 3; j++) {
            const uint32_t u = qq_type_encode(types[i], x[j]);
            const uint16_t h = (uint16_t)(u & 0xffff);
            if (i == 0)
                memcpy(data + 4 * j, &u, 4);
            else
                memcpy(data + 2 * j, &h, 2);
        }
        packed[0] = packed[1] = 0;
        CHECK(qq_onebit_pack_signs(n, i < 3 ? types[i] : QQ_TYPE_INT8,
                                   i < 3 ? (const void *)data : i8, packed,
                                   2) == QQ_OK);
        CHECK(packed[0] == 0xb5 && packed[1] == 0x5f);
    }
    CHECK(qq_onebit_signs_to_tensor(n, packed, 2, bits, 2) == QQ_OK);
    CHECK(bits[0] == 0xad && bits[1] == 0x02);
    bits[1] = 0xfa;
    CHECK(qq_onebit_signs_from_tensor(&t, packed, 2) == QQ_OK);
    CHECK(packed[0] == 0xb5 && packed[1] == 0x5f);
    CHECK(qq_onebit_signs_from_tensor(&t, packed, 1) == QQ_ERR_SIZE);
    CHECK(qq_onebit_signs_from_tensor(&t, NULL, 2) == QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_signs_to_tensor(n, packed, 1, bits, 2) == QQ_ERR_SIZE);
    CHECK(qq_onebit_signs_to_tensor(n, packed, 2, bits, 1) == QQ_ERR_SIZE);
    CHECK(qq_onebit_signs_to_tensor(n, NULL, 2, bits, 2) == QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_signs_to_tensor(n, packed, 2, NULL, 2) == QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_unpack_signs(n, packed, 1, out) == QQ_ERR_SIZE);
    CHECK(qq_onebit_unpack_signs(n, NULL, 2, out) == QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_unpack_signs(n, packed, 2, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_pack_signs(n, QQ_TYPE_F32, NULL, packed, 2) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_pack_signs(n, QQ_TYPE_F32, x, NULL, 2) == QQ_ERR_ARGUMENT);
    t.type = QQ_TYPE_INT8;
    t.data = data;
    CHECK(qq_onebit_signs_from_tensor(&t, packed, 2) == QQ_ERR_TYPE);
}

static double rounded(qq_type type, double x)
{
    return (double)qq_type_decode(type, qq_type_encode(type, (float)x));
}

// The original's layer: factors, products with b, the sum and the bias are
// each rounded to the type.
static void test_forward(qq_type type)
{
    enum { FN = 3, FK = 13, FM = 4 };
    const uint8_t s[5] = {0x3c, 0xa5, 0x71, 0xe8, 0x55};
    const size_t bytes = qq_type_bits(type) / 8;
    float a[FN], b[FK], bias[FN];
    uint8_t x[4 * FM * FK], y[4 * FM * FN];
    double v[FM * FK];

    for (size_t i = 0; i < FN; i++) {
        a[i] = check_uniform() + 1.5f;
        bias[i] = check_uniform();
    }
    for (size_t j = 0; j < FK; j++)
        b[j] = check_uniform() + 1.5f;
    for (size_t i = 0; i < FM * FK; i++) {
        const uint32_t u = qq_type_encode(type, check_uniform());
        const uint16_t h = (uint16_t)(u & 0xffff);
        v[i] = (double)qq_type_decode(type, u);
        if (bytes == 4)
            memcpy(x + 4 * i, &u, 4);
        else
            memcpy(x + 2 * i, &h, 2);
    }
    for (int with = 0; with < 2; with++) {
        CHECK(qq_onebit_forward(FN, FK, FM, type, a, b, s, with ? bias : NULL,
                                x, y) == QQ_OK);
        for (size_t i = 0; i < FM * FN; i++) {
            const double ar = rounded(type, (double)a[i % FN]);
            double sum = 0.0;
            for (size_t j = 0; j < FK; j++) {
                const size_t at = i % FN * FK + j;
                const double xb = rounded(
                    type, v[i / FN * FK + j] * rounded(type, (double)b[j]));
                sum += s[at / 8] >> (7 - at % 8) & 1 ? xb * ar : -xb * ar;
            }
            sum = rounded(type, sum);
            if (with)
                sum = rounded(type, sum + rounded(type, (double)bias[i % FN]));
            const uint32_t want = qq_type_encode(type, (float)sum);
            uint32_t u = 0;
            uint16_t h;
            memcpy(&h, y + 2 * i, 2);
            u = h;
            if (bytes == 4)
                memcpy(&u, y + 4 * i, 4);
            CHECK(u == want);
        }
    }
#define FORWARD(type, a, b, s, x, y)                                           \
    qq_onebit_forward(FN, FK, FM, type, a, b, s, NULL, x, y)
    CHECK(FORWARD(QQ_TYPE_INT8, a, b, s, x, y) == QQ_ERR_TYPE);
    CHECK(FORWARD(type, NULL, b, s, x, y) == QQ_ERR_ARGUMENT);
    CHECK(FORWARD(type, a, NULL, s, x, y) == QQ_ERR_ARGUMENT);
    CHECK(FORWARD(type, a, b, NULL, x, y) == QQ_ERR_ARGUMENT);
    CHECK(FORWARD(type, a, b, s, NULL, y) == QQ_ERR_ARGUMENT);
    CHECK(FORWARD(type, a, b, s, x, NULL) == QQ_ERR_ARGUMENT);
#undef FORWARD
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 5, 15, 17, 33, 48, 70};

    for (int i = 0; i < 4; i++)
        test_balance(i & 1 ? QQ_NORM_L2 : QQ_NORM_L1, i >> 1);
    for (size_t i = 0; i < check_count(20); i++)
        test_modes(sizes[check_u32() % 8], sizes[check_u32() % 8], i % 4 != 3);
    test_dead();
    test_options();
    test_refusals();
    test_packed();
    test_signs();
    test_sign_bits();
    test_forward(QQ_TYPE_F32);
    test_forward(QQ_TYPE_F16);
    test_forward(QQ_TYPE_BF16);
    return check_done();
}
