// AQT's calibrations against their definitions in double.

#include <math.h>

#include "check.h"
#include "qquant.h"

enum { ROWS = 5, COLUMNS = 24, COUNT = ROWS * COLUMNS };

static const size_t shape[2] = {ROWS, COLUMNS};

static float x[COUNT];

static qq_tensor fresh(void)
{
    for (int i = 0; i < COUNT; i++)
        x[i] = check_u32() % 6 == 0 ? 0 : 4 * check_uniform() * check_uniform();
    for (int i = 0; i < COLUMNS; i++)
        x[i] = 0; // a row of zeros
    return qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
}

static qq_scheme make(qq_calib method)
{
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT4, QQ_RULE_AQT);

    s.calibration.method = method;
    s.channels = 1;
    return s;
}

// The bounds of x into out.
static void bounds(const qq_tensor *t, const qq_scheme *s, float *out)
{
    const size_t bytes = qq_calibrate_size(t, s);
    qq_bounds b;

    CHECK(bytes == ROWS * sizeof *out);
    CHECK(qq_calibrate(t, s, out, bytes, &b) == QQ_OK);
    CHECK(b.absmax.type == QQ_TYPE_F32 && b.absmax.shape[0] == ROWS &&
          b.absmax.shape[1] == 1);
}

static void check_absmax(void)
{
    qq_scheme s = make(QQ_CALIB_ABSMAX);
    const qq_tensor t = fresh();
    float b[ROWS], c[ROWS];

    bounds(&t, &s, b);
    s.calibration.arg_count = 1;
    s.calibration.args[0] = 0.3;
    bounds(&t, &s, c);
    CHECK(b[0] == 1 && c[0] == 0.3f);
    for (int r = 1; r < ROWS; r++) {
        float most = 0;
        for (int i = 0; i < COLUMNS; i++)
            most = fabsf(x[r * COLUMNS + i]) > most ? fabsf(x[r * COLUMNS + i])
                                                    : most;
        CHECK(b[r] == most && c[r] == most * 0.3f);
    }
    s.calibration.args[0] = 0; // not applied
    bounds(&t, &s, c);
    CHECK(memcmp(b, c, sizeof b) == 0);
    // Subnormals count as 0: such a row has the bound 1.
    for (int i = 0; i < COLUMNS; i++)
        x[i] = i % 2 ? 1e-40f : -1e-39f;
    bounds(&t, &s, c);
    CHECK(c[0] == 1);
}

static void check_absmean(double power, double factor)
{
    qq_scheme s = make(QQ_CALIB_ABSMEAN);
    const qq_tensor t = fresh();
    float b[ROWS];

    s.calibration.arg_count = 2;
    s.calibration.args[0] = factor;
    s.calibration.args[1] = power;
    bounds(&t, &s, b);
    CHECK(b[0] == 1);
    for (int r = 1; r < ROWS; r++) {
        double sum = 0, n = 0;
        for (int i = 0; i < COLUMNS; i++) {
            const double a = fabs((double)x[r * COLUMNS + i]);
            sum += pow(a, power);
            n += a != 0;
        }
        const double want = pow(sum / n, 1 / power) * factor;
        CHECK(fabs((double)b[r] - want) <= 8e-7 * want);
    }
    // Powers are numbers of x's type: those that underflow are gone.
    for (int i = 0; i < COLUMNS; i++)
        x[i] = 1e-30f;
    bounds(&t, &s, b);
    CHECK(power < 1.2 ? b[0] < 1e-29f : b[0] == 1);
    s.calibration.args[1] = 0;
    CHECK(qq_calibrate_size(&t, &s) == SIZE_MAX);
}

// Signal to noise of row r at a bound.
static double ratio(int r, double bound)
{
    const double scale = bound / 7.5;
    double signal = 0, noise = 0;

    for (int i = 0; i < COLUMNS; i++) {
        const double v = (double)x[r * COLUMNS + i];
        double q = nearbyint(v / scale);
        q = q > 7 ? 7 : q < -7 ? -7 : q;
        signal += v * v;
        noise += (v - q * scale) * (v - q * scale);
    }
    return signal / noise;
}

// No clip is better than the one that was taken, but for rounding.
static void check_snr(void)
{
    static const float clips[6] = {0.3f, 0.5f, 0.65f, 0.8f, 0.95f, 1.1f};
    qq_scheme s = make(QQ_CALIB_SNR), plain = make(QQ_CALIB_ABSMAX);
    const qq_tensor t = fresh();
    float b[ROWS], most[ROWS];

    s.clips = clips;
    s.clip_count = 6;
    bounds(&t, &s, b);
    bounds(&t, &plain, most);
    CHECK(b[0] == 1); // nothing wins
    for (int r = 1; r < ROWS; r++) {
        const double got = ratio(r, (double)b[r]);
        int found = 0;
        for (int k = 0; k < 6; k++) {
            found += b[r] == most[r] * clips[k];
            CHECK(ratio(r, (double)(most[r] * clips[k])) <= got * 1.0001);
        }
        CHECK(found == 1);
    }
    s.clip_count = 0;
    bounds(&t, &s, b);
    CHECK(memcmp(b, most, sizeof b) == 0);
}

static void check_constant(void)
{
    qq_scheme s = make(QQ_CALIB_CONSTANT);
    const qq_tensor t = fresh();
    const size_t halves[2] = {1, 2};
    const float two[2] = {3, 4};
    const qq_tensor bound = qq_tensor_make(two, QQ_TYPE_F32, 2, halves);
    uint8_t out[256];
    float b[ROWS];
    qq_array a;

    s.calibration.arg_count = 1;
    s.calibration.args[0] = 2.5;
    bounds(&t, &s, b);
    for (int r = 0; r < ROWS; r++)
        CHECK(b[r] == 2.5f);
    // A tensor brings its own shape, and FJ has one bound for all.
    s.calibration.arg_count = 0;
    s.bound = &bound;
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(a.scale.shape[0] == 1 && a.scale.shape[1] == 2);
    CHECK(a.tile[0] == ROWS && a.tile[1] == COLUMNS / 2);
    CHECK(qq_tensor_value(&a.scale, 1) == 4 / 7.5f);
    s.rule = QQ_RULE_FJ;
    s.bound = NULL;
    s.calibration.arg_count = 1;
    CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
    CHECK(qq_tensor_count(&a.scale) == 1);
    CHECK(qq_tensor_value(&a.scale, 0) == 1 / (7.5f / 2.5f));
}

// One scale alone is divided truly under both rules.
static void check_single(void)
{
    qq_scheme s = make(QQ_CALIB_ABSMAX);
    const size_t one[2] = {1, 1};
    uint8_t out[16];
    qq_array a;

    s.division = QQ_DIVISION_RECIPROCAL;
    for (int i = 0; i < 100; i++) {
        const float v = 1.5f + check_uniform();
        const qq_tensor t = qq_tensor_make(&v, QQ_TYPE_F32, 2, one);
        CHECK(qq_quantize(&t, &s, out, sizeof out, &a) == QQ_OK);
        CHECK(qq_tensor_value(&a.scale, 0) == v / 7.5f);
    }
}

int main(void)
{
    check_absmax();
    check_absmean(1, 1);
    check_absmean(2, 2.5);
    check_absmean(3, 0.7);
    check_absmean(0.5, 1);
    check_absmean(1.7, 1.3);
    for (int i = 0; i < 20; i++)
        check_snr();
    check_constant();
    check_single();
    return check_done();
}
