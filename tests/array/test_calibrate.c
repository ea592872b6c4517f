// Calibration against textbook loops in long double, over random tilings.

#include "weights.h"

// The finite magnitudes of one tile, in the order of memory.
static double magnitude[4096];
static double lowest, highest;

static size_t gather(const qq_tensor *x, const qq_array *tiles, size_t tile)
{
    const size_t n = qq_tensor_count(x);
    size_t k = 0;

    lowest = highest = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double v = (double)qq_tensor_value(x, i);
        if (weights_scale_of(tiles, i) != tile || !isfinite(v))
            continue;
        magnitude[k++] = fabs(v);
        lowest = v < lowest ? v : lowest;
        highest = v > highest ? v : highest;
    }
    return k;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

// The bound of the n magnitudes by a calibration that has but one.
static double textbook(const qq_calibration *c, size_t n)
{
    const double f = c->arg_count > 0 ? c->args[0] : 1.0;
    const double p = c->arg_count > 1 ? c->args[1] : 1.0;
    long double sum = 0;

    if (n == 0)
        return 0.0;
    qsort(magnitude, n, sizeof *magnitude, ascending);
    switch (c->method) {
    case QQ_CALIB_PERCENTILE: {
        size_t k = (size_t)ceil(f * (double)n / 100.0);
        return magnitude[(k < 1 ? 1 : k > n ? n : k) - 1];
    }
    case QQ_CALIB_RMS:
        for (size_t i = 0; i < n; i++)
            sum += (long double)magnitude[i] * (long double)magnitude[i];
        return f * (double)sqrtl(sum / (long double)n);
    case QQ_CALIB_ABSMEAN:
        for (size_t i = 0; i < n; i++)
            sum += powl((long double)magnitude[i], (long double)p);
        return f * (double)powl(sum / (long double)n, 1.0L / (long double)p);
    default:
        return f * magnitude[n - 1];
    }
}

static int near(float got, double want, double part)
{
    return fabs((double)got - want) <= part * fabs(want) + 1e-44;
}

// How exact: a magnitude that is picked is exact, sums have one rounding, the
// root of a higher power those of two functions in f32.
static double part_of(const qq_calibration *c)
{
    if (c->method == QQ_CALIB_ABSMEAN && c->arg_count == 2 && c->args[1] > 2.0)
        return 1e-5;
    return c->method == QQ_CALIB_PERCENTILE ? 0.0 : 6.1e-8;
}

static void check_bounds(const qq_tensor *x, const qq_scheme *s)
{
    const size_t bytes = qq_calibrate_size(x, s);
    qq_bounds b;
    qq_array tiles;

    CHECK(qq_calibrate(x, s, room(bytes), bytes, &b) == QQ_OK);
    CHECK(weights_quantize(x, s, &tiles) == QQ_OK);
    const size_t n = qq_tensor_count(&tiles.scale);
    for (size_t t = 0; t < n; t++) {
        const size_t k = gather(x, &tiles, t);
        if (s->calibration.method == QQ_CALIB_MINMAX) {
            const double f =
                s->calibration.arg_count > 0 ? s->calibration.args[0] : 1.0;
            CHECK(near(qq_tensor_value(&b.min, t), f * lowest, 6.1e-8));
            CHECK(near(qq_tensor_value(&b.max, t), f * highest, 6.1e-8));
            continue;
        }
        const double want = textbook(&s->calibration, k);
        if (!CHECK(near(qq_tensor_value(&b.absmax, t), want,
                        part_of(&s->calibration))))
            printf("    method %d: %g, not %g\n", (int)s->calibration.method,
                   (double)qq_tensor_value(&b.absmax, t), want);
    }
}

static const qq_calibration methods[] = {
    {{0, 0}, 0, QQ_CALIB_ABSMAX},        {{0.7, 0}, 1, QQ_CALIB_ABSMAX},
    {{0, 0}, 0, QQ_CALIB_MINMAX},        {{1.5, 0}, 1, QQ_CALIB_MINMAX},
    {{3, 0}, 1, QQ_CALIB_RMS},           {{1.5, 0}, 1, QQ_CALIB_ABSMEAN},
    {{1, 2}, 2, QQ_CALIB_ABSMEAN},       {{2, 3}, 2, QQ_CALIB_ABSMEAN},
    {{1, 64}, 2, QQ_CALIB_ABSMEAN},      {{50, 0}, 1, QQ_CALIB_PERCENTILE},
    {{99.9, 0}, 1, QQ_CALIB_PERCENTILE}, {{100, 0}, 1, QQ_CALIB_PERCENTILE},
    {{1e-9, 0}, 1, QQ_CALIB_PERCENTILE}};
#define METHODS (sizeof methods / sizeof *methods)

static void random_axes(qq_scheme *s, unsigned rank)
{
    for (unsigned a = 0; a < rank; a++) {
        if (below(3) == 0)
            CHECK(qq_scheme_channel(s, (int)a, rank) == QQ_OK);
        else if (below(2) == 0)
            CHECK(qq_scheme_tile(s, (int)a, rank, 1 + below(9)) == QQ_OK);
    }
}

static void test_random(void)
{
    static const qq_type inputs[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

    for (size_t k = 0; k < check_count(300); k++) {
        size_t shape[4];
        const unsigned rank = (unsigned)below(4);
        for (unsigned a = 0; a < rank; a++)
            shape[a] = 1 + below(rank > 2 ? 9 : 40);
        const qq_tensor x = weights_tensor(inputs[below(3)], rank, shape,
                                           below(4) == 0 ? 1e-3f : 1.0f);
        const size_t n = qq_tensor_count(&x);
        for (size_t i = below(6); i < n; i += 1 + below(50))
            weights_set(&x, i,
                        below(2) ? (below(2) ? NAN : INFINITY) : -INFINITY);
        qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
        s.calibration = methods[k % METHODS];
        random_axes(&s, rank);
        check_bounds(&x, &s);
        room_free();
    }
}

// What cannot be represented, or overflows, has a defined bound.
static void test_extremes(void)
{
    static const float most = 3.40282347e38f;
    float data[4] = {most, -most, most, 1.0f};
    float none[3] = {NAN, INFINITY, -INFINITY};
    const size_t four = 4, three = 3;
    const qq_tensor x = qq_tensor_make(data, QQ_TYPE_F32, 1, &four);
    const qq_tensor y = qq_tensor_make(none, QQ_TYPE_F32, 1, &three);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    qq_bounds b;
    float out[2];

    for (size_t k = 0; k < METHODS; k++) {
        s.calibration = methods[k];
        CHECK(qq_calibrate(&x, &s, out, sizeof out, &b) == QQ_OK);
        CHECK(isfinite(out[0]) &&
              (b.min.type == QQ_TYPE_NONE || isfinite(out[1])));
        CHECK(qq_calibrate(&y, &s, out, sizeof out, &b) == QQ_OK);
        CHECK(!(out[0] > 0.0f) && !(out[0] < 0.0f));
    }
}

static void test_fixed(void)
{
    const size_t shape[2] = {3, 5};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    qq_bounds b;
    float out[2];

    s.calibration.method = QQ_CALIB_FIXED;
    s.calibration.arg_count = 2;
    s.calibration.args[0] = -2.5;
    s.calibration.args[1] = 2.5;
    CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
    CHECK(qq_calibrate_size(&x, &s) == 4);
    CHECK(qq_calibrate(&x, &s, out, 4, &b) == QQ_OK);
    CHECK(b.min.type == QQ_TYPE_NONE && b.absmax.shape[0] == 1);
    CHECK(out[0] >= 2.5f && out[0] <= 2.5f);
    s.calibration.args[0] = -1;
    CHECK(qq_calibrate_size(&x, &s) == 8);
    CHECK(qq_calibrate(&x, &s, out, 8, &b) == QQ_OK);
    CHECK(b.absmax.type == QQ_TYPE_NONE && b.max.shape[1] == 1);
    CHECK(qq_tensor_value(&b.min, 0) >= -1.0f && out[1] >= 2.5f);
    room_free();
}

static void test_errors(void)
{
    const size_t shape[2] = {3, 5};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    qq_bounds b;
    float out[1];

    CHECK(qq_calibrate(NULL, &s, out, 4, &b) == QQ_ERR_ARGUMENT);
    CHECK(qq_calibrate(&x, NULL, out, 4, &b) == QQ_ERR_ARGUMENT);
    CHECK(qq_calibrate(&x, &s, NULL, 4, &b) == QQ_ERR_ARGUMENT);
    CHECK(qq_calibrate(&x, &s, out, 3, &b) == QQ_ERR_SIZE);
    CHECK(qq_calibrate(&x, &s, out, 4, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_calibrate_size(&x, NULL) == SIZE_MAX);
    s.rule = QQ_RULE_EFORMER;
    s.type = QQ_TYPE_NF4;
    CHECK(qq_calibrate(&x, &s, out, 4, &b) != QQ_OK);
    room_free();
}

int main(void)
{
    test_random();
    test_extremes();
    test_fixed();
    test_errors();
    return check_done();
}
