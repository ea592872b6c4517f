// Every metric against its textbook definition in long double and libm.
//
// Bounds: a sum of n terms of one sign, made in f64 one after another, is off
// by at most n 2^-53 of itself; quotient, root and products add a few 2^-53.
// A cosine of such sums is off by as much, absolutely. Decibels are off by
// 10 / ln 10 times the relative error of both sums, and by 1e-11 at most for
// the logarithm. Long double may be no better than double: all bounds twice.

#include <math.h>

#include "qquant.h"

#include "random_array.h"

static int close_to(double x, long double want, double bound)
{
    const long double d = (long double)x - want;

    return (d < 0 ? -d : d) <= (long double)(2 * bound);
}

static double at(const qq_tensor *t, size_t i)
{
    double x;

    if (t->type != QQ_TYPE_F64)
        return (double)qq_tensor_value(t, i);
    memcpy(&x, (const uint8_t *)t->data + 8 * i, 8);
    return x;
}

static void check_textbook(const qq_tensor *x, const qq_tensor *y)
{
    const size_t count = qq_tensor_count(x);
    long double xx = 0, yy = 0, xy = 0, dd = 0, ad = 0, most = 0, axy = 0;
    size_t n = 0;
    qq_metrics m;

    for (size_t i = 0; i < count; i++) {
        const long double p = (long double)at(x, i), q = (long double)at(y, i);
        const long double d = q - p, a = d < 0 ? -d : d;
        if (!isfinite(p) || !isfinite(q))
            continue;
        n++;
        xx += p * p;
        yy += q * q;
        xy += p * q;
        axy += p * q < 0 ? -(p * q) : p * q;
        dd += d * d;
        ad += a;
        most = a > most ? a : most;
    }
    const double eps = ((double)n + 8) * 1.2e-16;
    CHECK(qq_compare(x, y, &m) == QQ_OK);
    CHECK(m.count == n && m.skipped == count - n);
    CHECK(close_to(m.max_error, most, (double)most * 2.3e-16));
    if (n == 0) {
        CHECK(m.mean_error == 0 && m.rmse == 0 && m.relative == 0);
        CHECK(m.cosine == 1 && isinf(m.sqnr_db) && m.sqnr_db > 0);
        return;
    }
    const long double mean = ad / (long double)n;
    const long double rmse = sqrtl(dd / (long double)n);
    CHECK(close_to(m.mean_error, mean, (double)mean * eps));
    CHECK(close_to(m.rmse, rmse, (double)rmse * eps));
    if (dd > 0 && xx > 0) {
        const long double db = 10 * log10l(xx / dd);
        const long double relative = sqrtl(dd / xx);
        CHECK(close_to(m.sqnr_db, db, 1e-11 + 8.7 * eps));
        CHECK(close_to(m.relative, relative, (double)relative * eps));
    }
    if (xx > 0 && yy > 0) {
        const long double norm = sqrtl(xx) * sqrtl(yy);
        const double terms = (double)(axy / norm);
        CHECK(close_to(m.cosine, xy / norm, (terms + 1) * eps));
    }
}

static qq_tensor random_numbers(qq_type type, size_t n, int wild)
{
    qq_tensor t = random_tensor(type, 1, &n);
    uint8_t *p = (uint8_t *)room_blocks[room_count - 1] + 1;
    const int range = (int)(check_u32() % 40) - 20;

    for (size_t i = 0; i < n; i++) {
        const double u =
            (double)check_uniform() + 1e-9 * (double)check_uniform();
        double d = ldexp(u, range + (int)(check_u32() % 4));
        float x = (float)d;
        if (wild && check_u32() % 8 == 0) {
            x = check_f32(check_u32() % 3 == 0   ? 0x7fc00000u
                          : check_u32() % 2 == 0 ? 0x7f800000u
                                                 : 0xff800000u);
            d = (double)x;
        }
        const uint32_t code = qq_type_encode(type, x);
        const uint16_t h = (uint16_t)(code & 0xffff);
        if (type == QQ_TYPE_F64)
            memcpy(p + 8 * i, &d, 8);
        else if (type == QQ_TYPE_F32)
            memcpy(p + 4 * i, &x, 4);
        else
            memcpy(p + 2 * i, &h, 2);
    }
    return t;
}

static void test_random(void)
{
    static const qq_type types[4] = {QQ_TYPE_F32, QQ_TYPE_F64, QQ_TYPE_F16,
                                     QQ_TYPE_BF16};
    const size_t n = below(check_u32() % 4 ? 40 : 2000);
    const int wild = check_u32() % 4 == 0;
    const qq_tensor x = random_numbers(types[check_u32() % 4], n, wild);
    const qq_tensor y = random_numbers(types[check_u32() % 4], n, wild);
    qq_metrics m;

    check_textbook(&x, &y);
    check_textbook(&y, &x);
    // A rounded copy, which is how errors really look.
    const size_t bytes = qq_type_bytes(QQ_TYPE_BF16, n);
    qq_tensor z;
    CHECK(qq_tensor_convert(&x, QQ_TYPE_BF16, room(bytes), bytes, &z) == QQ_OK);
    check_textbook(&x, &z);
    // x with itself.
    CHECK(qq_compare(&x, &x, &m) == QQ_OK);
    CHECK(m.max_error == 0 && m.mean_error == 0 && m.rmse == 0);
    CHECK(m.relative == 0 && m.cosine == 1);
    CHECK(isinf(m.sqnr_db) && m.sqnr_db > 0);
    room_free();
}

// Powers of two have known decibels: 20 log10(2) an octave.
static void test_decibels(void)
{
    for (int e = -140; e <= 120; e++) {
        const float x[2] = {ldexpf(1.0f, e), 0.0f};
        const float y[2] = {x[0], 1.0f};
        const size_t n = 2;
        const qq_tensor a = qq_tensor_make(x, QQ_TYPE_F32, 1, &n);
        const qq_tensor b = qq_tensor_make(y, QQ_TYPE_F32, 1, &n);
        qq_metrics m;
        CHECK(qq_compare(&a, &b, &m) == QQ_OK);
        CHECK(fabs(m.sqnr_db - 6.0205999132796239 * e) <= 1e-11);
    }
}

static void compare_f64(double x, double y, qq_metrics *m)
{
    const size_t one = 1;
    const qq_tensor a = qq_tensor_make(&x, QQ_TYPE_F64, 1, &one);
    const qq_tensor b = qq_tensor_make(&y, QQ_TYPE_F64, 1, &one);

    CHECK(qq_compare(&a, &b, m) == QQ_OK);
}

static void test_edges(void)
{
    qq_metrics m;

    compare_f64(0, 2, &m);
    CHECK(m.max_error == 2 && m.rmse == 2 && m.cosine == 0);
    CHECK(isinf(m.relative) && isinf(m.sqnr_db) && m.sqnr_db < 0);
    compare_f64(2, 0, &m);
    CHECK(m.relative == 1 && m.sqnr_db == 0 && m.cosine == 0);
    compare_f64(0, -0.0, &m);
    CHECK(m.cosine == 1 && m.relative == 0 && m.sqnr_db > 1e308);
    compare_f64(-3, 4, &m);
    CHECK(m.cosine == -1 && m.max_error == 7);
    // Sums that are very large or small, but sums.
    compare_f64(1e150, 1.5e150, &m);
    CHECK(fabs(m.cosine - 1) < 1e-15 && fabs(m.relative - 0.5) < 1e-15);
    CHECK(fabs(m.sqnr_db - 6.0205999132796239) < 1e-11);
    compare_f64(1e-150, 1.5e-150, &m);
    CHECK(fabs(m.cosine - 1) < 1e-15 && fabs(m.relative - 0.5) < 1e-15);
    compare_f64(1e200, 2e200, &m);
    CHECK(isnan(m.cosine) && isnan(m.relative) && isnan(m.sqnr_db));
    CHECK(isinf(m.rmse) && m.max_error == 1e200);
}

static void test_refusals(void)
{
    const float x[6] = {0};
    const size_t six[1] = {6}, two[2] = {2, 3}, five[1] = {5};
    const qq_tensor a = qq_tensor_make(x, QQ_TYPE_F32, 1, six);
    const qq_tensor b = qq_tensor_make(x, QQ_TYPE_F32, 2, two);
    const qq_tensor c = qq_tensor_make(x, QQ_TYPE_F32, 1, five);
    const qq_tensor d = qq_tensor_make(x, QQ_TYPE_INT8, 1, six);
    qq_metrics m;

    CHECK(qq_compare(&a, &b, &m) == QQ_OK && m.count == 6);
    CHECK(qq_compare(&a, &c, &m) == QQ_ERR_SHAPE);
    CHECK(qq_compare(&a, &d, &m) == QQ_ERR_TYPE);
    CHECK(qq_compare(&d, &a, &m) == QQ_ERR_TYPE);
    CHECK(qq_compare(NULL, &a, &m) == QQ_ERR_ARGUMENT);
    CHECK(qq_compare(&a, NULL, &m) == QQ_ERR_ARGUMENT);
    CHECK(qq_compare(&a, &b, NULL) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    for (size_t i = check_count(4000); i > 0; i--)
        test_random();
    test_decibels();
    test_edges();
    test_refusals();
    return check_done();
}
