// Calibrations that remember, against their definitions in double.

#include <math.h>

#include "check.h"
#include "qquant.h"

enum { ROWS = 3, COLUMNS = 7, COUNT = ROWS * COLUMNS };

static const size_t shape[2] = {ROWS, COLUMNS};

static float numbers[COUNT];

static qq_tensor fresh(void)
{
    for (int i = 0; i < COUNT; i++)
        numbers[i] = check_u32() % 5 == 0 ? 0 : 3 * check_uniform();
    return qq_tensor_make(numbers, QQ_TYPE_F32, 2, shape);
}

static float row_max(int row)
{
    float m = 0;

    for (int i = 0; i < COLUMNS; i++)
        m = fabsf(numbers[row * COLUMNS + i]) > m
                ? fabsf(numbers[row * COLUMNS + i])
                : m;
    return m;
}

static const qq_quant_mode modes[8] = {
    QQ_QUANT_MODE_CALIBRATE, QQ_QUANT_MODE_TRAIN,   QQ_QUANT_MODE_CALIBRATE,
    QQ_QUANT_MODE_SERVE,     QQ_QUANT_MODE_CONVERT, QQ_QUANT_MODE_TRAIN,
    QQ_QUANT_MODE_CALIBRATE, QQ_QUANT_MODE_SERVE};

static void check_mean(qq_division division)
{
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_MEAN_OF_ABSMAX);
    uint8_t state[256];
    float sum[ROWS] = {0};
    int count = 0;
    qq_tensor bound, part;

    o.channels = 1;
    o.division = division;
    const size_t bytes = qq_calibrator_size(&o, QQ_TYPE_F32, 2, shape);
    CHECK(bytes + 1 <= sizeof state);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 2, shape, state + 1, bytes) ==
          QQ_OK);
    for (int i = 0; i < 8; i++) {
        const qq_tensor x = fresh();
        CHECK(qq_calibrator_step(&o, modes[i], &x, state + 1, bytes, &bound) ==
              QQ_OK);
        const int adds = modes[i] == QQ_QUANT_MODE_CALIBRATE;
        count += adds;
        CHECK(bound.rank == 2 && bound.shape[0] == ROWS && bound.shape[1] == 1);
        for (int r = 0; r < ROWS; r++) {
            sum[r] += adds ? row_max(r) : 0;
            const volatile float by = 1.0f / (float)count;
            const float want = division == QQ_DIVISION_TRUE
                                   ? sum[r] / (float)count
                                   : sum[r] * by;
            CHECK(qq_tensor_value(&bound, (size_t)r) == want);
        }
        CHECK(qq_calibrator_view(state + 1, bytes, QQ_CALIBRATOR_COUNT,
                                 &part) == QQ_OK);
        CHECK(part.rank == 0 && qq_tensor_code(&part, 0) == count);
    }
}

// Nothing seen is 0 / 0; the state alone does not change that.
static void check_mean_empty(void)
{
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_MEAN_OF_ABSMAX);
    uint8_t state[128];
    const size_t bytes = qq_calibrator_size(&o, QQ_TYPE_F32, 2, shape);
    const qq_tensor x = fresh();
    qq_tensor bound;

    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 2, shape, state, bytes) == QQ_OK);
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_SERVE, &x, state, bytes,
                             &bound) == QQ_OK);
    CHECK(isnan(qq_tensor_value(&bound, 0)));
}

static void check_delayed(size_t history)
{
    qq_calibrator_options o = qq_calibrator_options_init(QQ_CALIBRATOR_DELAYED);
    uint8_t state[256];
    float seen[8] = {0}; // the last maxima, newest last
    float kept = 0;
    qq_tensor bound, part;

    o.history = history;
    const size_t bytes = qq_calibrator_size(&o, QQ_TYPE_F32, 2, shape);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 2, shape, state, bytes) == QQ_OK);
    for (int i = 0; i < 8; i++) {
        const qq_tensor x = fresh();
        float max = 0, m = 0;
        if (i == 5)
            numbers[3] = INFINITY; // a history with it keeps the old bound
        for (int r = 0; r < ROWS; r++)
            m = row_max(r) > m ? row_max(r) : m;
        for (size_t k = 0; k < history; k++)
            max = seen[k] > max ? seen[k] : max;
        const float want = max > 0 && isfinite(max) ? max : kept;
        CHECK(qq_calibrator_step(&o, modes[i], &x, state, bytes, &bound) ==
              QQ_OK);
        CHECK(qq_tensor_count(&bound) == 1 && bound.rank == 2);
        CHECK(qq_tensor_value(&bound, 0) == want);
        if (modes[i] <= QQ_QUANT_MODE_CALIBRATE) {
            kept = want;
            // Which of them the oldest was does not matter to a maximum.
            memmove(seen, seen + 1, (history - 1) * sizeof *seen);
            seen[history - 1] = m;
        }
        CHECK(qq_calibrator_view(state, bytes, QQ_CALIBRATOR_KEPT, &part) ==
              QQ_OK);
        CHECK(qq_tensor_value(&part, 0) == kept);
    }
}

// A history of zeros keeps the bound, too.
static void check_zeros(void)
{
    qq_calibrator_options o = qq_calibrator_options_init(QQ_CALIBRATOR_DELAYED);
    uint8_t state[128];
    qq_tensor bound;

    o.history = 1;
    const size_t bytes = qq_calibrator_size(&o, QQ_TYPE_F32, 2, shape);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 2, shape, state, bytes) == QQ_OK);
    for (int i = 0; i < 4; i++) {
        const qq_tensor x = fresh();
        numbers[0] = 5;
        for (int k = 0; k < COUNT && i > 0; k++)
            numbers[k] = 0;
        CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &x, state, bytes,
                                 &bound) == QQ_OK);
        CHECK(qq_tensor_value(&bound, 0) == (i > 0 ? 5.0f : 0.0f));
    }
}

static int close_to(double got, double want)
{
    return fabs(got - want) <= 2e-6 * fabs(want) + 1e-9;
}

// The whole formula, one bound for the tensor.
static void check_weighted(unsigned order, int filter)
{
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_WEIGHTED_STATS);
    double v[5], ones, vals, max, l1, lp;
    uint8_t state[256];
    qq_tensor bound, part;

    o.lp_order = order;
    o.filter_zeros = filter;
    o.ema_update_count = 4;
    o.update_count_prior = 2;
    o.l1_dev_coeff = 0.5;
    o.lp_dev_coeff = 2;
    o.max_dev_coeff = 0.25;
    o.const_bound_coeff = 0.125;
    o.mean_prior = 0.1;
    o.max_dev_prior = 1;
    o.l1_dev_prior = 0.3;
    o.lp_dev_prior = 0.7;
    v[0] = 2;
    v[1] = 0.2;
    v[2] = 1;
    v[3] = 0.6;
    v[4] = pow(0.7, order) * 2;
    const size_t bytes = qq_calibrator_size(&o, QQ_TYPE_F32, 2, shape);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 2, shape, state, bytes) == QQ_OK);
    for (int i = 0; i < 8; i++) {
        const qq_tensor x = fresh();
        ones = vals = max = l1 = lp = 0;
        for (int k = 0; k < COUNT; k++) {
            const double a = fabs((double)numbers[k]);
            ones += !filter || a > 0;
            vals += (double)numbers[k];
            max = a > max ? a : max;
            l1 += a;
            lp += pow(a, order);
        }
        if (modes[i] <= QQ_QUANT_MODE_CALIBRATE) {
            v[0] = 0.75 * v[0] + 0.25 * ones;
            v[1] = 0.75 * v[1] + 0.25 * vals;
            v[2] = 0.75 * v[2] + 0.25 * max;
            v[3] = 0.75 * v[3] + 0.25 * l1;
            v[4] = 0.75 * v[4] + 0.25 * lp;
        }
        CHECK(qq_calibrator_step(&o, modes[i], &x, state, bytes, &bound) ==
              QQ_OK);
        CHECK(close_to((double)qq_tensor_value(&bound, 0),
                       0.5 * v[3] / v[0] + 2 * pow(v[4] / v[0], 1.0 / order) +
                           0.25 * v[2] + 0.125));
        for (int k = 0; k < 5; k++) {
            CHECK(
                qq_calibrator_view(state, bytes,
                                   (qq_calibrator_part)(QQ_CALIBRATOR_ONES + k),
                                   &part) == QQ_OK);
            // vals may cancel: what it is off by belongs to its terms.
            CHECK(fabs((double)qq_tensor_value(&part, 0) - v[k]) <=
                  2e-6 * (v[3] + fabs(v[k])));
        }
    }
}

static void check_safe_divide(int safe)
{
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_WEIGHTED_STATS);
    uint8_t state[256];
    const qq_tensor x = fresh();
    qq_tensor bound;

    o.update_count_prior = 0;
    o.l1_dev_coeff = 1;
    o.const_bound_coeff = 3;
    o.safe_divide = safe;
    const size_t bytes = qq_calibrator_size(&o, QQ_TYPE_F32, 2, shape);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 2, shape, state, bytes) == QQ_OK);
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_SERVE, &x, state, bytes,
                             &bound) == QQ_OK);
    const float b = qq_tensor_value(&bound, 0);
    CHECK(safe ? b == 3 : b != b);
}

// What training does with it: the bound goes into a scheme.
static void check_use(void)
{
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_MEAN_OF_ABSMAX);
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_AQT);
    uint8_t state[256], out[256];
    qq_tensor bound;
    qq_array a, b;

    const size_t bytes = qq_calibrator_size(&o, QQ_TYPE_F32, 2, shape);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 2, shape, state, bytes) == QQ_OK);
    const qq_tensor x = fresh();
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_CALIBRATE, &x, state, bytes,
                             &bound) == QQ_OK);
    CHECK(qq_quantize(&x, &s, out, sizeof out / 2, &a) == QQ_OK);
    s.calibration.method = QQ_CALIB_CONSTANT;
    s.calibration.arg_count = 0;
    s.bound = &bound;
    CHECK(qq_quantize(&x, &s, out + 128, 128, &b) == QQ_OK);
    // The mean of one maximum is that maximum.
    CHECK(qq_array_bytes(&a) == qq_array_bytes(&b));
    CHECK(memcmp(out, out + 128, qq_array_bytes(&a)) == 0);
}

int main(void)
{
    check_mean(QQ_DIVISION_TRUE);
    check_mean(QQ_DIVISION_RECIPROCAL);
    check_mean_empty();
    for (size_t n = 1; n <= 5; n++)
        check_delayed(n);
    check_zeros();
    for (unsigned p = 1; p <= 6; p++) {
        check_weighted(p, 0);
        check_weighted(p, 1);
    }
    check_safe_divide(0);
    check_safe_divide(1);
    check_use();
    return check_done();
}
