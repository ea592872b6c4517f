// AQT's fp numerics against a list of the numbers of a format, for every bf16
// there is; stochastic results are neighbours and right on average.

#include <math.h>

#include "check.h"
#include "qquant.h"

// Magnitudes of eXmY in order: 2^e (1 + k / 2^Y), e from 0 (under subnormals
// from -1, and below it 0 and steps of 2^-Y).
static size_t list_of(unsigned exponent, unsigned mantissa, int subnormals,
                      double *out)
{
    const int steps = 1 << mantissa;
    const int least = subnormals ? -1 : 0;
    size_t n = 0;

    if (subnormals)
        for (int k = 0; k < steps; k++)
            out[n++] = ldexp(k, -(int)mantissa);
    for (int e = least; exponent > 0 && e < least + (1 << exponent); e++)
        for (int k = 0; k < steps; k++)
            if (!subnormals || e >= 0)
                out[n++] = ldexp(1.0 + ldexp(k, -(int)mantissa), e);
    return n;
}

// The nearest magnitude to a; ties go up from 1 on (away from zero), and to
// an even number of steps below it.
static double nearest(const double *list, size_t n, double a, unsigned mantissa)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++) {
        const double old = fabs(a - list[best]), now = fabs(a - list[i]);
        const double up = ldexp(list[i], (int)mantissa);
        if (now < old || (now == old && (a >= 1 || fmod(up, 2) == 0)))
            best = i;
    }
    return list[best];
}

static qq_scheme make(unsigned exponent, unsigned mantissa, int subnormals)
{
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_NONE, QQ_RULE_AQT);

    s.numerics.kind = QQ_NUMERICS_FP;
    s.numerics.exponent = exponent;
    s.numerics.mantissa = mantissa;
    s.numerics.subnormals = (unsigned char)subnormals;
    return s;
}

static void check_format(unsigned exponent, unsigned mantissa, int subnormals)
{
    static uint16_t x[65536], out[65536];
    static double list[4096];
    const size_t shape[1] = {65536};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_BF16, 1, shape);
    const qq_scheme s = make(exponent, mantissa, subnormals);
    const size_t n = list_of(exponent, mantissa, subnormals, list);
    double quant, clip;
    qq_tensor v;

    for (unsigned i = 0; i < 65536; i++)
        x[i] = (uint16_t)i;
    CHECK(qq_numerics_bounds(&s, &quant, &clip) == QQ_OK);
    CHECK(quant == list[n - 1]);
    CHECK(qq_encode(&t, &s, out, sizeof out, &v) == QQ_OK);
    CHECK(v.type == QQ_TYPE_BF16);
    for (unsigned i = 0; i < 65536; i++) {
        const float value = qq_f32_from_bf16(x[i]);
        const float got = qq_f32_from_bf16(out[i]);
        const double a = fabs((double)value);
        if (value != value)
            continue;
        CHECK(fabs((double)got) ==
              (isinf(a) ? list[n - 1] : nearest(list, n, a, mantissa)));
        CHECK(got == 0 || (got < 0) == (value < 0 || (i >> 15 && a == 0)));
    }
}

// Stochastic: one of the two neighbours, and on average x.
static void check_average(unsigned exponent, unsigned mantissa, int subnormals,
                          float value)
{
    enum { N = 8000 };
    static uint16_t x[N], out[N];
    static double list[4096];
    const size_t shape[1] = {N};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_BF16, 1, shape);
    const size_t n = list_of(exponent, mantissa, subnormals, list);
    qq_scheme s = make(exponent, mantissa, subnormals);
    double low = -list[n - 1], high = list[n - 1], sum = 0;
    qq_tensor v;

    for (int i = 0; i < N; i++)
        x[i] = qq_bf16_from_f32(value);
    value = qq_f32_from_bf16(x[0]);
    for (size_t i = 0; i < 2 * n; i++) {
        const double y = i < n ? list[i] : -list[i - n];
        if (y <= (double)value && y > low)
            low = y;
        if (y >= (double)value && y < high)
            high = y;
    }
    s.numerics.stochastic = 1;
    s.key = qq_key_make(5, 0);
    CHECK(qq_encode(&t, &s, out, sizeof out, &v) == QQ_OK);
    for (int i = 0; i < N; i++) {
        const double y = (double)qq_f32_from_bf16(out[i]);
        CHECK(y == low || y == high);
        sum += y;
    }
    CHECK(fabs(sum / (double)N - (double)value) <=
          4 * (high - low) / 2 / sqrt((double)N) + 1e-5);
}

// No key, no random numbers; NaN goes as its bits go.
static void check_odd(void)
{
    const uint16_t x[2] = {0x7fc0, 0xffc0};
    const size_t shape[1] = {2};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_BF16, 1, shape);
    qq_scheme s = make(2, 1, 1);
    uint16_t out[2];
    qq_tensor v;

    CHECK(qq_encode(&t, &s, out, sizeof out, &v) == QQ_OK);
    CHECK(qq_f32_from_bf16(out[0]) == 6 && qq_f32_from_bf16(out[1]) == -6);
    s.numerics.stochastic = 1;
    s.layout = (qq_random_layout)0;
    CHECK(qq_encode(&t, &s, out, sizeof out, &v) == QQ_ERR_SCHEME);
    s = make(0, 3, 1);
    CHECK(qq_encode(&t, &s, out, sizeof out, &v) == QQ_OK);
    CHECK(qq_f32_from_bf16(out[0]) != qq_f32_from_bf16(out[0]));
}

int main(void)
{
    static const unsigned formats[13][3] = {
        {5, 0, 1}, {4, 1, 1}, {3, 2, 1}, {2, 3, 1}, {1, 4, 1},
        {0, 5, 1}, {2, 1, 1}, {2, 1, 0}, {1, 2, 1}, {1, 2, 0},
        {3, 0, 1}, {3, 0, 0}, {1, 0, 0}};

    for (size_t i = 0; i < 13; i += check_small() ? 6 : 1)
        check_format(formats[i][0], formats[i][1], (int)formats[i][2]);
    check_average(2, 1, 0, 2.7f);
    check_average(2, 1, 0, 0.25f);
    check_average(2, 1, 0, -0.8f);
    check_average(2, 1, 1, 0.3f);
    check_average(3, 2, 1, -1.1f);
    check_average(0, 3, 1, 0.3f);
    check_odd();
    return check_done();
}
