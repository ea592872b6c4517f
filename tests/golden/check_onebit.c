// The cases of onebit: OneCompression's solver and what stands around it,
// through api/moments.h, api/solve.h and api/onebit.h.

#include "checkers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onebit.h"

// --- what all of them share ------------------------------------------------

float *onebit_floats(struct golden_case *c, const char *name, size_t *count)
{
    const qq_tensor t = golden_input(c, name);
    const size_t n = qq_tensor_count(&t);
    float *out = (float *)golden_aligned(c, n * sizeof(float));

    for (size_t i = 0; i < n; i++)
        out[i] = qq_tensor_value(&t, i);
    if (count != NULL)
        *count = n;
    return out;
}

qq_onebit_options onebit_settings(struct golden_case *c)
{
    qq_onebit_options o = qq_onebit_options_init();

    o.mode = QQ_ONEBIT_COMPAT;
    o.iters = (int32_t)golden_int(c, "iters", 10);
    o.importance = golden_yes(c, "importance", 1);
    o.balancing = golden_yes(c, "balancing", 1);
    o.balance_iters = (int32_t)golden_int(c, "balance-iters", 40);
    o.balance_alpha = golden_float(c, "balance-alpha", 1.0);
    return o;
}

// Solved by the original's formulas; 0 where that was refused.
int onebit_solve(struct golden_case *c, const qq_onebit_options *o,
                 const float *w, size_t n, size_t k, const float *h,
                 struct onebit_answer *a)
{
    const size_t bytes = qq_onebit_size(n, k, o);
    const size_t need = qq_onebit_scratch_size(n, k, o, h != NULL);
    void *out = golden_bytes(c, bytes);
    void *scratch = golden_bytes(c, need);

    if (!golden_ok(c, qq_onebit_solve(n, k, o, w, k, h, k * k * 4, out, bytes,
                                      scratch, need, &a->r)))
        return 0;
    a->values = (float *)golden_aligned(c, n * k * sizeof(float));
    a->sign = (int8_t *)golden_aligned(c, n * k);
    qq_onebit_values(&a->r, a->values, k);
    for (size_t i = 0; i < n * k; i++)
        a->sign[i] = qq_tensor_code(&a->r.sign[0], i) ? 1 : -1;
    return 1;
}

// Floats as a tensor of that type and shape.
qq_tensor onebit_tensor(struct golden_case *c, qq_type type, unsigned rank,
                        const size_t *shape, const float *x)
{
    qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, rank, shape);
    qq_tensor out = t;
    void *p = golden_bytes(c, qq_type_bytes(type, qq_tensor_count(&t)));

    qq_tensor_convert(&t, type, p, qq_type_bytes(type, qq_tensor_count(&t)),
                      &out);
    // Halves beyond the range are infinite in the original.
    for (size_t i = 0; type == QQ_TYPE_F16 && i < qq_tensor_count(&t); i++) {
        const uint16_t u = qq_f16_from_f32(x[i]);
        memcpy((uint8_t *)p + 2 * i, &u, 2);
    }
    return out;
}

void onebit_expect_halves(struct golden_case *c, const char *name,
                          const float *x, size_t n)
{
    const qq_tensor t = onebit_tensor(c, QQ_TYPE_F16, 1, &n, x);

    golden_expect_flat(c, name, &t);
}

// --- solve.txt -------------------------------------------------------------

static uint32_t recipe_hash(uint32_t i, uint32_t s)
{
    uint32_t z = i * 0x9e3779b9u + s * 0x85ebca6bu;

    z ^= z >> 16;
    z *= 0x7feb352du;
    z ^= z >> 15;
    z *= 0x846ca68bu;
    return z ^ z >> 16;
}

// "normal RxC SEED".
static float *recipe_weight(struct golden_case *c, size_t *n, size_t *k)
{
    const char *text = golden_set(c, "weight-recipe");
    char *end;

    *n = (size_t)strtoul(strchr(text, ' ') + 1, &end, 10);
    *k = (size_t)strtoul(end + 1, &end, 10);
    const uint32_t seed = (uint32_t)strtoul(end, NULL, 10);
    float *w = (float *)golden_aligned(c, *n * *k * sizeof(float));
    for (size_t i = 0; i < *n * *k; i++) {
        int32_t sum = -8388608;
        for (uint32_t j = 1; j <= 4; j++)
            sum += (int32_t)(recipe_hash((uint32_t)i, 4 * seed + j) >> 10);
        w[i] = (float)((double)sum / 2097152.0);
    }
    const float *row = onebit_floats(c, "weight-row-0", NULL);
    const float *column = onebit_floats(c, "weight-column-0", NULL);
    for (size_t i = 0; i < 64; i++)
        if (row[i] != w[i] || column[i] != w[i * *k])
            golden_fail(c, "the recipe gives other weights");
    return w;
}

static void transpose(size_t n, float *w)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            const float x = w[i * n + j];
            w[i * n + j] = w[j * n + i];
            w[j * n + i] = x;
        }
}

static void expect_values(struct golden_case *c, const struct onebit_answer *a,
                          qq_type type, int turned)
{
    const size_t shape[2] = {a->r.n, a->r.k};

    if (golden_wants(c, "dequantized-row-0")) {
        float *column = (float *)golden_aligned(c, a->r.n * sizeof(float));
        for (size_t i = 0; i < a->r.n; i++)
            column[i] = a->values[i * a->r.k];
        golden_expect_f32s(c, "dequantized-row-0", a->values, a->r.k);
        golden_expect_f32s(c, "dequantized-column-0", column, a->r.n);
        return;
    }
    if (turned)
        transpose(a->r.n, a->values);
    if (type == QQ_TYPE_F64) {
        double *wide =
            (double *)golden_aligned(c, a->r.n * a->r.k * sizeof(double));
        for (size_t i = 0; i < a->r.n * a->r.k; i++)
            wide[i] = (double)a->values[i];
        golden_expect_f64s(c, "dequantized", wide, a->r.n * a->r.k);
        return;
    }
    const qq_tensor t = onebit_tensor(c, type, 2, shape, a->values);
    golden_expect_tensor(c, "dequantized", &t);
}

static void check_solve(struct golden_case *c)
{
    qq_onebit_options o = onebit_settings(c);
    const struct golden_array *h = golden_raw(c, "hessian");
    const int turned = golden_is(c, "layer", "conv1d");
    struct onebit_answer a;
    size_t n, k;
    float *w;
    qq_type type = QQ_TYPE_F32;

    if (golden_set(c, "weight-recipe") != NULL) {
        w = recipe_weight(c, &n, &k);
    } else {
        const struct golden_array *raw = golden_raw(c, "weight");
        n = raw->shape[0];
        k = raw->shape[1];
        type = raw->type.qq;
        w = onebit_floats(c, "weight", NULL);
    }
    if (h != NULL && h->type.qq == QQ_TYPE_F64) {
        golden_not_covered(c); // ours takes an H of floats
        return;
    }
    if (turned && n != k) {
        golden_refuses(c, "a weight that lies k x n");
        return;
    }
    if (turned)
        transpose(n, w);
    if (o.balancing && o.balance_iters == 0) {
        o.balancing = 0; // no rounds, no factors
        o.importance = 0;
    }
    if (golden_has_input(c, "i-norm"))
        o.input_norm = onebit_floats(c, "i-norm", NULL);
    if (golden_has_input(c, "o-norm"))
        o.output_norm = onebit_floats(c, "o-norm", NULL);
    if (golden_has_input(c, "start"))
        o.start = onebit_floats(c, "start", NULL);
    const float *hs = NULL;
    if (h != NULL && h->shape[0] == k)
        hs = onebit_floats(c, "hessian", NULL);
    else if (h != NULL && !o.balancing) {
        golden_refuses(c, "an H of another width");
        return;
    }
    if (!onebit_solve(c, &o, w, n, k, hs, &a))
        return;
    onebit_expect_halves(c, "a", a.r.a, n);
    onebit_expect_halves(c, "b", a.r.b, k);
    if (golden_wants(c, "a-full")) {
        golden_expect_f32s(c, "a-full", a.r.a, n);
        golden_expect_f32s(c, "b-full", a.r.b, k);
    }
    if (golden_wants(c, "sign"))
        golden_expect_i8s(c, "sign", a.sign, n * k);
    expect_values(c, &a, type, turned);
}

static void check_power(struct golden_case *c)
{
    const struct golden_array *m = golden_raw(c, "matrix");
    const size_t n = m->shape[0], k = m->shape[1];
    const size_t need = qq_power_iteration_scratch_size(n, k);
    float *u = (float *)golden_aligned(c, n * sizeof(float));
    float *v = (float *)golden_aligned(c, k * sizeof(float));
    void *scratch = golden_bytes(c, need);
    float sigma;

    if (!golden_ok(c, qq_power_iteration(n, k,
                                         (unsigned)golden_int(c, "rounds", 0),
                                         onebit_floats(c, "matrix", NULL), k,
                                         onebit_floats(c, "start", NULL), u, v,
                                         &sigma, scratch, need)))
        return;
    golden_expect_f32s(c, "u", u, n);
    golden_expect_f32s(c, "v", v, k);
    golden_expect_f32s(c, "sigma", &sigma, 1);
}

// What the original falls back on: its a is the u of one round less.
static void check_fallback(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "matrix");
    const size_t n = raw->shape[0], k = raw->shape[1];
    const size_t need = qq_power_iteration_scratch_size(n, k);
    const unsigned rounds = (unsigned)golden_int(c, "rounds", 0);
    float *m = onebit_floats(c, "matrix", NULL);
    float *start = onebit_floats(c, "start", NULL);
    float *u = (float *)golden_aligned(c, n * sizeof(float));
    float *a = (float *)golden_aligned(c, n * sizeof(float));
    float *b = (float *)golden_aligned(c, k * sizeof(float));
    void *scratch = golden_bytes(c, need);
    double sigma = 0.0;
    float s;

    if (rounds == 0) {
        golden_refuses(c, "no round at all");
        return;
    }
    for (size_t i = 0; i < n * k; i++)
        m[i] = fabsf(m[i]);
    for (size_t i = 0; i < k; i++)
        start[i] = fabsf(start[i]);
    if (!golden_ok(c, qq_power_iteration(n, k, rounds - 1, m, k, start, a, b,
                                         &s, scratch, need)) ||
        !golden_ok(c, qq_power_iteration(n, k, rounds, m, k, start, u, b, &s,
                                         scratch, need)))
        return;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            sigma += (double)a[i] * (double)m[i * k + j] * (double)b[j];
    sigma = sigma > 1e-12 ? sigma : 1e-12;
    for (size_t i = 0; i < n; i++)
        a[i] = (float)((double)a[i] * sqrt(sigma));
    for (size_t j = 0; j < k; j++)
        b[j] = s > 0.0f ? (float)((double)b[j] * sqrt(sigma)) : 0.0f;
    golden_expect_f32s(c, "a", a, n);
    golden_expect_f32s(c, "b", b, k);
    golden_expect_f64s(c, "sigma", &sigma, 1);
}

// --- balance.txt -----------------------------------------------------------

static void check_balance(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "weight");
    const size_t n = raw->shape[0], k = raw->shape[1];
    qq_balance_options o = qq_balance_options_init();
    const size_t need = qq_balance_scratch_size(n, k);
    void *scratch = golden_bytes(c, need);
    qq_balance_result r;

    o.compat = 1;
    o.rounds = (unsigned)golden_int(c, "rounds", 0);
    o.alpha = golden_float(c, "alpha", 1.0);
    o.beta = golden_float(c, "beta", 0.0);
    o.epsilon = golden_float(c, "eps", 1e-12);
    o.norm = golden_is(c, "norm", "l2") ? QQ_NORM_L2 : QQ_NORM_L1;
    o.gauge = golden_yes(c, "gauge", 1);
    o.tolerance = golden_float(c, "tol", 1e-3);
    o.stop_window = (unsigned)golden_int(c, "stop-window", 3);
    const size_t most = o.rounds * sizeof(float);
    o.row_residuals = (float *)golden_aligned(c, most);
    o.column_residuals = (float *)golden_aligned(c, most);
    o.objectives = (float *)golden_aligned(c, most);
    float *rows = (float *)golden_aligned(c, n * sizeof(float));
    float *columns = (float *)golden_aligned(c, k * sizeof(float));
    float *scaled = (float *)golden_aligned(c, n * k * sizeof(float));
    if (!golden_ok(c, qq_balance(n, k, &o, onebit_floats(c, "weight", NULL), k,
                                 rows, columns, scaled, &r, scratch, need)))
        return;
    const int32_t steps = (int32_t)r.rounds;
    golden_expect_f32s(c, "scaled", scaled, n * k);
    golden_expect_f32s(c, "row-factors", rows, n);
    golden_expect_f32s(c, "column-factors", columns, k);
    golden_expect_i32s(c, "steps", &steps, 1);
    golden_expect_f32s(c, "row-residuals", o.row_residuals, r.rounds);
    golden_expect_f32s(c, "column-residuals", o.column_residuals, r.rounds);
    golden_expect_f32s(c, "objective", o.objectives, r.rounds);
}

// --- validate.txt ----------------------------------------------------------

// yes and no count as numbers there; 0: no number of this kind.
static int setting_int(struct golden_case *c, const char *key, int32_t *out)
{
    const char *text = golden_set(c, key);
    long x;

    if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
        x = text[0] == 'y';
    else if (!golden_read_int(text, &x))
        return 0;
    *out = (int32_t)x;
    return 1;
}

static void check_setup(struct golden_case *c)
{
    static const char *const names[] = {"iters", "balance-iters",
                                        "balance-alpha"};
    static const uint32_t bits[] = {2, 16, 32};
    qq_onebit_options o = qq_onebit_options_init();
    char wrong[64] = "";
    uint32_t bad;
    double alpha;

    o.balancing = golden_yes(c, "balancing", 1);
    const char *text = golden_set(c, "balance-alpha");
    int ok = setting_int(c, "iters", &o.iters);
    if (o.balancing) {
        ok &= setting_int(c, "balance-iters", &o.balance_iters);
        if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
            alpha = text[0] == 'y';
        else
            ok &= golden_read_float(text, &alpha);
        o.balance_alpha = ok ? alpha : 1.0;
    }
    if (!ok) {
        golden_refuses(c, "a value of another kind");
        golden_given_text(c, "wrong");
        return;
    }
    const qq_status status = qq_onebit_options_check(&o, &bad);
    for (int i = 0; i < 3; i++)
        if (bad & bits[i]) {
            if (wrong[0] != '\0')
                strcat(wrong, " ");
            strcat(wrong, names[i]);
        }
    golden_expect_text(c, "wrong", wrong[0] != '\0' ? wrong : "none");
    golden_ok(c, status);
}

// --- hessian.txt -----------------------------------------------------------

// Moments of rows of x, and of y; 0 where the shapes are refused.
int onebit_moments(struct golden_case *c, const char *x, const char *y,
                   size_t chunk, qq_moments *m)
{
    const struct golden_array *raw = golden_raw(c, x);
    qq_moments_options o = qq_moments_options_init();

    if (raw->rank != 2 && raw->rank != 3) {
        golden_refuses(c, "rows of another rank");
        return 0;
    }
    const size_t k = raw->shape[raw->rank - 1];
    const size_t rows = k > 0 ? raw->count / k : 0;
    const qq_tensor t = golden_input(c, x);
    float *diff = NULL;
    if (rows == 0) {
        golden_refuses(c, "no rows");
        return 0;
    }
    o.outputs = y != NULL ? k : 0;
    const size_t bytes = qq_moments_size(k, &o);
    if (!golden_ok(c, qq_moments_make(k, &o, golden_bytes(c, bytes), bytes, m)))
        return 0;
    if (y != NULL) {
        const float *xs = onebit_floats(c, x, NULL);
        diff = onebit_floats(c, y, NULL);
        for (size_t i = 0; i < rows * k; i++)
            diff[i] -= xs[i];
    }
    const size_t need = qq_moments_scratch_size(m, &o);
    void *scratch = golden_bytes(c, need);
    const float *xs = onebit_floats(c, x, NULL);
    for (size_t i = 0; i < rows; i += chunk) {
        const size_t count = rows - i < chunk ? rows - i : chunk;
        const size_t size = qq_type_bits(t.type) / 8;
        qq_status status;
        if (y == NULL)
            status = qq_moments_update(m, &o, count, t.type,
                                       (const uint8_t *)t.data + i * k * size,
                                       k, NULL, 0, scratch, need);
        else
            status = qq_moments_update(m, &o, count, QQ_TYPE_F32, xs + i * k, k,
                                       diff + i * k, k, scratch, need);
        if (!golden_ok(c, status))
            return 0;
    }
    return 1;
}

float *onebit_hessian(struct golden_case *c, const qq_moments *m)
{
    const size_t bytes = m->k * m->k * sizeof(float);
    float *h = (float *)golden_aligned(c, bytes);

    golden_ok(c, qq_moments_hessian(m, 0, 2.0, h, bytes));
    return h;
}

float *onebit_cross(struct golden_case *c, const qq_moments *m)
{
    const size_t bytes = m->k * m->k * sizeof(float);
    float *h = (float *)golden_aligned(c, bytes);

    golden_ok(c, qq_moments_cross(m, 0, 2.0, h, bytes));
    return h;
}

static void check_hessian(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "input");
    const size_t width = (size_t)golden_int(c, "width", 0);
    qq_moments m;

    if (!golden_is(c, "layer", "linear")) {
        golden_refuses(c, "a layer that is not linear");
        return;
    }
    if (raw->rank == 0 || raw->shape[raw->rank - 1] != width) {
        golden_refuses(c, "rows of another width");
        return;
    }
    if (onebit_moments(c, "input", NULL, 7, &m))
        golden_expect_f32s(c, "hessian", onebit_hessian(c, &m), width * width);
}

static void check_gram(struct golden_case *c)
{
    qq_moments m;

    if (!onebit_moments(c, "input", NULL, (size_t)golden_int(c, "chunk", 1),
                        &m))
        return;
    const size_t bytes = m.k * m.k * sizeof(double);
    double *gram = (double *)golden_aligned(c, bytes);
    const uint64_t samples = m.count;
    golden_ok(c, qq_moments_gram(&m, 1.0, gram, bytes));
    golden_expect_f64s(c, "gram", gram, m.k * m.k);
    golden_expect_u64s(c, "samples", &samples, 1);
    golden_expect_f32s(c, "hessian", onebit_hessian(c, &m), m.k * m.k);
    golden_ok(c, qq_moments_gram(&m, 2.0 / (double)m.count, gram, bytes));
    golden_expect_f64s(c, "hessian-f64", gram, m.k * m.k);
}

// --- signs.txt -------------------------------------------------------------

static void check_pack(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "values");
    const qq_tensor t = golden_input(c, "values");
    const size_t bytes = (raw->count + 7) / 8;
    uint8_t *out = (uint8_t *)golden_bytes(c, bytes);

    if (golden_ok(c,
                  qq_onebit_pack_signs(raw->count, t.type, t.data, out, bytes)))
        golden_expect_u8s(c, "packed", out, bytes);
}

static void check_unpack(struct golden_case *c)
{
    const qq_tensor t = golden_input(c, "packed");
    const size_t bytes = qq_tensor_count(&t);
    int8_t *out = (int8_t *)golden_aligned(c, bytes * 8);

    if (golden_ok(c, qq_onebit_unpack_signs(bytes * 8, t.data, bytes, out)))
        golden_expect_i8s(c, "values", out, bytes * 8);
}

static void check_forward(struct golden_case *c)
{
    const struct golden_array *sign = golden_raw(c, "sign");
    const size_t n = sign->shape[0], k = sign->shape[1];
    const size_t bytes = (n * k + 7) / 8;
    const qq_tensor s = golden_input(c, "sign");
    const qq_tensor x = golden_input(c, "x");
    const size_t m = qq_tensor_count(&x) / k;
    const size_t y_bytes = qq_type_bytes(x.type, m * n);
    uint8_t *packed = (uint8_t *)golden_bytes(c, bytes);
    void *y = golden_bytes(c, y_bytes);
    const float *bias = NULL;

    golden_set(c, "unpacked-before");
    if (golden_has_input(c, "bias"))
        bias = onebit_floats(c, "bias", NULL);
    golden_ok(c, qq_onebit_pack_signs(n * k, s.type, s.data, packed, bytes));
    golden_expect_u8s(c, "sign-packed", packed, bytes);
    if (!golden_ok(c, qq_onebit_forward(n, k, m, x.type,
                                        onebit_floats(c, "a", NULL),
                                        onebit_floats(c, "b", NULL), packed,
                                        bias, x.data, y)))
        return;
    const size_t count = m * n;
    const qq_tensor t = qq_tensor_make(y, x.type, 1, &count);
    golden_expect_flat(c, "y", &t);
}

// --- metrics.txt -----------------------------------------------------------

static void expect_error(struct golden_case *c, const char *name,
                         const char *suffix, double x)
{
    char key[64];

    strcpy(key, name);
    strcat(key, suffix);
    if (!golden_wants(c, key))
        return;
    if (x == x)
        golden_expect_f64s(c, key, &x, 1);
    else
        golden_expect_text(c, key, "none");
}

void onebit_expect_errors(struct golden_case *c, const qq_layer_errors *e,
                          const char *suffix)
{
    expect_error(c, "output-squared", suffix, e->output_squared);
    expect_error(c, "mean-output-squared", suffix, e->mean_output_squared);
    expect_error(c, "relative-output-squared", suffix,
                 e->relative_output_squared);
    expect_error(c, "weight-squared", suffix, e->weight_squared);
    expect_error(c, "mean-weight-squared", suffix, e->mean_weight_squared);
    expect_error(c, "relative-weight-squared", suffix,
                 e->relative_weight_squared);
}

static void check_weight_errors(struct golden_case *c)
{
    const qq_tensor w = golden_input(c, "weight");
    const qq_tensor v = golden_input(c, "dequantized");
    qq_layer_errors e;

    if (golden_ok(c, qq_layer_errors_gram(&w, &v, NULL, 0, &e)))
        onebit_expect_errors(c, &e, "");
}

static void check_output_errors(struct golden_case *c)
{
    const qq_tensor w = golden_input(c, "weight");
    const qq_tensor v = golden_input(c, "dequantized");
    qq_layer_errors e;

    if (!golden_has_input(c, "input")) {
        if (golden_ok(c, qq_layer_errors_gram(&w, &v, NULL, 0, &e)))
            onebit_expect_errors(c, &e, "");
        return;
    }
    const qq_tensor x = golden_input(c, "input");
    if (x.rank == 2) {
        golden_refuses(c, "activations without a batch");
        return;
    }
    if (golden_ok(c, qq_layer_errors_rows(&w, &v, &x, &e)))
        onebit_expect_errors(c, &e, "");
}

static void check_recorded_errors(struct golden_case *c)
{
    const qq_tensor w = golden_input(c, "weight");
    const struct golden_array *raw = golden_raw(c, "dequantized");
    const qq_tensor v = onebit_tensor(c, QQ_TYPE_F16, 2, raw->shape,
                                      onebit_floats(c, "dequantized", NULL));
    const qq_tensor gram = golden_input(c, "gram");
    double *g = (double *)golden_aligned(c, qq_tensor_bytes(&gram));
    qq_layer_errors e;

    memcpy(g, gram.data, qq_tensor_bytes(&gram));
    if (golden_ok(c, qq_layer_errors_gram(
                         &w, &v, g, (uint64_t)golden_int(c, "samples", 0), &e)))
        onebit_expect_errors(c, &e, "");
}

static void check_stored(struct golden_case *c)
{
    if (!golden_has_input(c, "dequantized")) {
        golden_refuses(c, "a weight that is not there");
        return;
    }
    const struct golden_array *raw = golden_raw(c, "dequantized");
    const qq_tensor t = onebit_tensor(c, QQ_TYPE_F16, raw->rank, raw->shape,
                                      onebit_floats(c, "dequantized", NULL));
    golden_expect_tensor(c, "stored", &t);
}

// --- qep.txt ---------------------------------------------------------------

static void check_cross(struct golden_case *c)
{
    qq_moments m;

    golden_set(c, "batch");
    if (!onebit_moments(c, "quantized-input", "original-input", 3, &m))
        return;
    if (golden_wants(c, "hessian"))
        golden_expect_f32s(c, "hessian", onebit_hessian(c, &m), m.k * m.k);
    golden_expect_f32s(c, "cross", onebit_cross(c, &m), m.k * m.k);
}

// W corrected, in its own type, as floats; 0 where that was refused.
int onebit_adjust(struct golden_case *c, qq_type type, size_t n, size_t k,
                  const float *h, const float *cross, float *w)
{
    const size_t need = qq_onebit_adjust_scratch_size(n, k);
    const size_t count = n * k;

    if (!golden_ok(c, qq_onebit_adjust(n, k, golden_float(c, "percdamp", .01),
                                       golden_float(c, "perccorr", .5), w, k, h,
                                       cross, golden_bytes(c, need), need)))
        return 0;
    const qq_tensor t = onebit_tensor(c, type, 1, &count, w);
    for (size_t i = 0; i < count; i++)
        w[i] = qq_tensor_value(&t, i);
    return 1;
}

static void check_adjust(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "weight");
    const size_t n = raw->shape[0], k = raw->shape[1];
    float *w = onebit_floats(c, "weight", NULL);
    const float *h, *cross;
    qq_moments m;

    if (golden_has_input(c, "hessian")) {
        h = onebit_floats(c, "hessian", NULL);
        cross = onebit_floats(c, "cross", NULL);
    } else {
        if (!onebit_moments(c, "quantized-input", "original-input", 5, &m))
            return;
        h = onebit_hessian(c, &m);
        cross = onebit_cross(c, &m);
    }
    if (!onebit_adjust(c, raw->type.qq, n, k, h, cross, w))
        return;
    const qq_tensor t = onebit_tensor(c, raw->type.qq, 2, raw->shape, w);
    golden_expect_tensor(c, "adjusted", &t);
}

static void check_qep(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "weight");
    const size_t n = raw->shape[0], k = raw->shape[1];
    const qq_onebit_options o = onebit_settings(c);
    const int original = golden_has_input(c, "original-input");
    float *w = onebit_floats(c, "weight", NULL);
    struct onebit_answer a;
    qq_layer_errors e;
    qq_moments m;

    if (!onebit_moments(c, "quantized-input",
                        original ? "original-input" : NULL, 5, &m))
        return;
    const float *h = onebit_hessian(c, &m);
    if (original &&
        !onebit_adjust(c, raw->type.qq, n, k, h, onebit_cross(c, &m), w))
        return;
    golden_float(c, "percdamp", 0.0);
    golden_float(c, "perccorr", 0.0);
    const qq_tensor t = onebit_tensor(c, raw->type.qq, 2, raw->shape, w);
    if (!onebit_solve(c, &o, w, n, k, h, &a))
        return;
    golden_expect_tensor(c, "adjusted", &t);
    onebit_expect_halves(c, "a", a.r.a, n);
    onebit_expect_halves(c, "b", a.r.b, k);
    golden_expect_i8s(c, "sign", a.sign, n * k);
    const qq_tensor v = onebit_tensor(c, raw->type.qq, 2, raw->shape, a.values);
    golden_expect_tensor(c, "dequantized", &v);
    if (!golden_wants(c, "weight-squared"))
        return;
    const qq_tensor x = golden_input(c, "quantized-input");
    if (golden_ok(c, qq_layer_errors_rows(&t, &v, &x, &e)))
        onebit_expect_errors(c, &e, "");
}

const struct golden_checker golden_onebit[] = {
    {"onebit", "onebit_impl.run_onebit", check_solve},
    {"onebit", "Onebit.quantize_layer", check_solve},
    {"onebit", "onebit_impl.power_iteration", check_power},
    {"onebit", "onebit_impl._power_rank1_abs_scaled", check_fallback},
    {"onebit", "balance_track", check_balance},
    {"onebit", "Onebit.setup", check_setup},
    {"onebit", "Quantizer.calculate_hessian", check_hessian},
    {"onebit", "chunked_quantization.accumulate_xtx", check_gram},
    {"onebit", "onebit_layer.my_pack", check_pack},
    {"onebit", "onebit_layer.my_unpack", check_unpack},
    {"onebit", "OneBitLinear.forward", check_forward},
    {"onebit", "Quantizer.calculate_weight_quantization_error",
     check_weight_errors},
    {"onebit", "Quantizer.calculate_output_quantization_error",
     check_output_errors},
    {"onebit", "chunked_quantization.record_quantization_errors",
     check_recorded_errors},
    {"onebit", "QuantizationResult.compute_dequantized_weight", check_stored},
    {"onebit", "Quantizer.calculate_delta_hatX", check_cross},
    {"onebit", "_quantize_with_qep_arch.compute_hessian_and_crossterm",
     check_cross},
    {"onebit", "Quantizer.adjust_weight", check_adjust},
    {"onebit", "Quantizer.quantize_with_qep", check_qep},
    {NULL, NULL, NULL}};
