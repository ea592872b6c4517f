// The clipped absmax with the least squared error, found by trying them all.

#include "weights.h"

// The squared error of the whole array with its bound fixed.
static double error_of(const qq_tensor *x, const qq_scheme *s, double bound)
{
    const size_t n = qq_tensor_count(x);
    qq_scheme fixed = *s;
    uint8_t out[1024];
    double sum = 0.0;
    qq_array a;

    fixed.calibration.method = QQ_CALIB_FIXED;
    fixed.calibration.arg_count = 1;
    fixed.calibration.args[0] = bound;
    CHECK(qq_quantize(x, &fixed, out, sizeof out, &a) == QQ_OK);
    for (size_t i = 0; i < n; i++) {
        const double v = (double)qq_tensor_value(x, i);
        if (isfinite(v))
            sum += (v - weights_value(&a, i)) * (v - weights_value(&a, i));
    }
    return sum;
}

static void check_search(const qq_tensor *x, qq_scheme *s, int n)
{
    double absmax = 0.0, best = 1e300;
    qq_bounds b;
    float found;

    for (size_t i = 0; i < qq_tensor_count(x); i++) {
        const double v = fabs((double)qq_tensor_value(x, i));
        absmax = isfinite(v) && v > absmax ? v : absmax;
    }
    for (int i = 0; i < n; i++) {
        const double part = n > 1 ? 4.0 * i / (n - 1) : 4.0;
        const double e = error_of(x, s, absmax * (1.0 + part) / 5.0);
        best = e < best ? e : best;
    }
    s->calibration.method = QQ_CALIB_MSE;
    s->calibration.arg_count = n == 64 ? 0 : 1;
    s->calibration.args[0] = n;
    CHECK(qq_calibrate(x, s, &found, 4, &b) == QQ_OK);
    CHECK((double)found <= absmax && (double)found >= 0.199 * absmax);
    if (!CHECK(error_of(x, s, (double)found) <= best * 1.000001))
        printf("    %s\n", qq_type_name(s->type));
}

static void test_types(void)
{
    for (size_t k = 0; k < WEIGHTS_TYPES; k++) {
        const size_t n = 1 + below(200);
        const qq_tensor x = weights_tensor(QQ_TYPE_F32, 1, &n, 1.0f);
        qq_scheme s = weights_scheme(weights_types[k], 1, 0);

        if (s.tile[0] != 0 || s.type == QQ_TYPE_SIGN)
            continue;
        weights_set(&x, below(n), 9.0f);
        if (k % 3 == 0 && n > 1)
            weights_set(&x, 0, k % 2 ? NAN : INFINITY);
        s.scale_type = k % 4 == 1   ? QQ_TYPE_E8M0
                       : k % 4 == 2 ? QQ_TYPE_F16
                                    : QQ_TYPE_NONE;
        check_search(&x, &s, k % 2 ? 64 : 17);
        room_free();
    }
}

// Against absmax on data with one outlier; every tile for itself.
static void test_gain(void)
{
    const size_t shape[2] = {16, 64};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT3);
    double error[2] = {0.0, 0.0};

    for (size_t i = 0; i < 16; i++)
        weights_set(&x, 64 * i + below(64), 6.0f);
    CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
    for (int k = 0; k < 2; k++) {
        qq_array a;
        s.calibration.method = k ? QQ_CALIB_MSE : QQ_CALIB_ABSMAX;
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        for (size_t i = 0; i < 1024; i++) {
            const double d =
                (double)qq_tensor_value(&x, i) - weights_value(&a, i);
            error[k] += d * d;
        }
    }
    CHECK(error[1] < 0.9 * error[0]);
    room_free();
}

// Under two levels the bounds do not depend on the second one.
static void test_two_level(void)
{
    const size_t shape[2] = {4, 64};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    qq_scheme s = weights_scheme(QQ_TYPE_NVFP4, 2, 1);
    qq_scheme plain = weights_scheme(QQ_TYPE_E2M1, 2, 1);
    float one[16], two[16];
    qq_array a;
    qq_bounds b;

    CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
    CHECK(qq_scheme_channel(&plain, 0, 2) == QQ_OK);
    CHECK(qq_scheme_tile(&plain, 1, 2, 16) == QQ_OK);
    s.calibration.method = plain.calibration.method = QQ_CALIB_MSE;
    CHECK(qq_calibrate(&x, &s, one, sizeof one, &b) == QQ_OK);
    CHECK(qq_calibrate(&x, &plain, two, sizeof two, &b) == QQ_OK);
    CHECK(memcmp(one, two, sizeof one) == 0);
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    room_free();
}

static void test_nothing(void)
{
    const float zeros[5] = {0.0f, -0.0f, NAN, INFINITY, 0.0f};
    const size_t n = 5;
    const qq_tensor x = qq_tensor_make(zeros, QQ_TYPE_F32, 1, &n);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    qq_bounds b;
    float out = 1.0f;

    s.calibration.method = QQ_CALIB_MSE;
    CHECK(qq_calibrate(&x, &s, &out, 4, &b) == QQ_OK);
    CHECK(!(out > 0.0f) && !(out < 0.0f));
}

int main(void)
{
    test_types();
    test_gain();
    test_two_level();
    test_nothing();
    return check_done();
}
