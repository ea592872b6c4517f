// AQT's numerics by themselves: bounds, gradient, mantissa, powers of two.

#include <math.h>

#include "check.h"
#include "qquant.h"

static qq_scheme make(unsigned bits, int zero, int max, int round)
{
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_NONE, QQ_RULE_AQT);

    s.numerics.kind = QQ_NUMERICS_INT;
    s.numerics.bits = bits;
    s.numerics.preserve_zero = (unsigned char)zero;
    s.numerics.preserve_max = (unsigned char)max;
    s.numerics.round = (unsigned char)round;
    return s;
}

// The table of the specification: rows by preserve_zero, preserve_max.
static void check_bounds(void)
{
    static const unsigned bits[4] = {8, 4, 2, 1};
    static const double quant[4][4] = {{128, 8, 2, 1},
                                       {127.5, 7.5, 1.5, 0.5},
                                       {127.5, 7.5, 1.5, 0.5},
                                       {127, 7, 1, 0}};
    double q, c;

    for (int row = 0; row < 4; row++) {
        for (int k = 0; k < 4; k++) {
            const int zero = row >> 1;
            qq_scheme s = make(bits[k], zero, row & 1, 1);
            CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_OK);
            CHECK(q == quant[row][k]);
            CHECK(c == ldexp(1, (int)bits[k] - 1) - (zero ? 1 : 0.5));
            s.numerics.round = 0;
            CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_OK);
            CHECK(q == quant[row][k]);
            CHECK(c == ldexp(1, (int)bits[k] - 1) - (zero ? 0.5 : 0));
        }
    }
}

static void check_float_bounds(void)
{
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_E4M3FN, QQ_RULE_AQT);
    double q, c;

    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_OK && q == 448 && c == 448);
    s.type = QQ_TYPE_E5M2;
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_OK && q == 57344);
    s.type = QQ_TYPE_NONE;
    s.numerics.kind = QQ_NUMERICS_FP;
    s.numerics.exponent = 2;
    s.numerics.mantissa = 1;
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_OK && q == 12);
    s.numerics.subnormals = 1;
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_OK && q == 6);
    s.numerics.exponent = 0;
    s.numerics.mantissa = 3;
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_OK && q == 0.875);
}

static void check_bounds_refused(void)
{
    qq_scheme s = make(23, 1, 0, 1);
    double q = 5, c = 5;

    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_ERR_SCHEME && q == 5);
    s = make(0, 1, 0, 1);
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_ERR_SCHEME);
    s = make(8, 1, 0, 1);
    CHECK(qq_numerics_bounds(&s, NULL, &c) == QQ_ERR_ARGUMENT);
    CHECK(qq_numerics_bounds(NULL, &q, &c) == QQ_ERR_ARGUMENT);
    s.numerics.kind = QQ_NUMERICS_FP;
    s.numerics.exponent = 8;
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_ERR_SCHEME);
    s.numerics.exponent = 0; // neither normal nor subnormal numbers
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_ERR_SCHEME);
    s.rule = QQ_RULE_FJ; // has integers alone
    s.numerics.subnormals = 1;
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_ERR_SCHEME);
    s.rule = QQ_RULE_QQUANT;
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_ERR_SCHEME);
    memset(&s, 0, sizeof s);
    CHECK(qq_numerics_bounds(&s, &q, &c) == QQ_ERR_SCHEME);
}

static void check_gradient(void)
{
    const float x[8] = {-128, -127.5f, -127, 0, 127, 127.25f, NAN, INFINITY};
    const float g[8] = {1, -2, 3, -4, 5, -6, 7, -INFINITY};
    const size_t shape[1] = {8};
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_F32, 1, shape);
    qq_tensor tg = qq_tensor_make(g, QQ_TYPE_F32, 1, shape);
    qq_scheme s = make(8, 1, 0, 1);
    float out[8];
    qq_tensor view;

    // Straight through.
    CHECK(qq_numerics_gradient(&s, &tx, &tg, out, sizeof out, &view) == QQ_OK);
    CHECK(memcmp(out, g, sizeof out) == 0 && view.data == out);
    // Both ends belong to the range; outside the gradient is selected away …
    s.numerics.clip_gradient = 1;
    s.division = QQ_DIVISION_RECIPROCAL;
    CHECK(qq_numerics_gradient(&s, &tx, &tg, out, sizeof out, &view) == QQ_OK);
    for (int i = 0; i < 8; i++)
        CHECK(check_bits(out[i]) == (i >= 2 && i <= 4 ? check_bits(g[i]) : 0));
    // … or multiplied by 0. In place.
    memcpy(out, g, sizeof out);
    tg.data = out;
    s.division = QQ_DIVISION_TRUE;
    CHECK(qq_numerics_gradient(&s, &tx, &tg, out, sizeof out, &view) == QQ_OK);
    CHECK(out[2] == 3 && out[3] == -4 && out[4] == 5);
    CHECK(check_bits(out[0]) == 0 && check_bits(out[1]) == 0x80000000u);
    CHECK(check_bits(out[6]) == 0 && out[7] != out[7]);
    // What does not fit.
    tg.shape[0] = 7;
    CHECK(qq_numerics_gradient(&s, &tx, &tg, out, sizeof out, &view) ==
          QQ_ERR_SHAPE);
    tg.shape[0] = 8;
    CHECK(qq_numerics_gradient(&s, &tx, &tg, out, 31, &view) == QQ_ERR_SIZE);
    CHECK(qq_numerics_gradient(&s, &tx, &tg, NULL, 32, &view) ==
          QQ_ERR_ARGUMENT);
    tg.type = QQ_TYPE_INT8;
    CHECK(qq_numerics_gradient(&s, &tx, &tg, out, 32, &view) == QQ_ERR_TYPE);
}

// Bits below the mantissa go; what is left is x's or the next one away from
// zero, on average x itself.
static void check_mantissa(void)
{
    enum { COUNT = 20000 };
    static float x[COUNT], out[COUNT];
    const size_t shape[1] = {COUNT};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, shape);
    const float value = 1.3f; // a fraction of 0.4 between 1.25 and 1.375
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_E4M3FN, QQ_RULE_AQT);
    double sum = 0;
    qq_tensor view;

    s.key = qq_key_make(7, 0);
    for (int i = 0; i < COUNT; i++)
        x[i] = value;
    CHECK(qq_numerics_mantissa(&s, &t, out, sizeof out, &view) == QQ_OK);
    for (int i = 0; i < COUNT; i++) {
        CHECK(out[i] == 1.25f || out[i] == 1.375f);
        sum += (double)out[i];
    }
    // The deviation of the mean is 0.125 sqrt(0.4 * 0.6 / n) = 4.3e-4.
    CHECK(fabs(sum / (double)COUNT - (double)value) < 4 * 4.4e-4);

    qq_tensor half = t;
    half.type = QQ_TYPE_F16;
    CHECK(qq_numerics_mantissa(&s, &half, out, sizeof out, &view) ==
          QQ_ERR_TYPE);
    s = make(8, 1, 0, 1);
    CHECK(qq_numerics_mantissa(&s, &t, out, sizeof out, &view) ==
          QQ_ERR_SCHEME);
}

static void check_ceil(void)
{
    float x[3] = {0}, out[3];
    const size_t shape[1] = {3};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, shape);
    qq_tensor view;

    // Every power, its neighbours below and above.
    for (int e = -125; e <= 126; e++) {
        const float p = (float)ldexp(1, e);
        x[0] = check_f32(check_bits(p) - 1);
        x[1] = p;
        x[2] = check_f32(check_bits(p) + 1);
        CHECK(qq_aqt_ceil_to_po2(&t, out, sizeof out, &view) == QQ_OK);
        CHECK(out[0] == p && out[1] == p && (e == 126 || out[2] == 2 * p));
    }
    x[0] = 0;
    x[1] = -1;
    x[2] = NAN;
    CHECK(qq_aqt_ceil_to_po2(&t, out, sizeof out, &view) == QQ_OK);
    CHECK(out[0] == 0 && out[1] != out[1] && out[2] != out[2]);
    CHECK(qq_aqt_ceil_to_po2(&t, out, 11, &view) == QQ_ERR_SIZE);
}

static void check_share(void)
{
    const int axes[2] = {0, -1};
    const int far[1] = {3};
    qq_scheme s = make(8, 1, 0, 1);

    CHECK(qq_aqt_share_axes(&s, axes, 2, 3) == QQ_OK && s.channels == 2);
    CHECK(qq_aqt_share_axes(&s, axes, 0, 3) == QQ_OK && s.channels == 7);
    CHECK(qq_aqt_share_axes(&s, far, 1, 3) == QQ_ERR_AXIS && s.channels == 7);
    CHECK(qq_aqt_share_axes(&s, NULL, 0, 3) == QQ_ERR_ARGUMENT);
    CHECK(qq_aqt_share_axes(&s, axes, 0, 9) == QQ_ERR_AXIS);
}

int main(void)
{
    check_bounds();
    check_float_bounds();
    check_bounds_refused();
    check_gradient();
    check_mantissa();
    check_ceil();
    check_share();
    return check_done();
}
