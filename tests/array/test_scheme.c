// Schemes: defaults, axes, every bit of what can be wrong, shapes of scales,
// bounds.

#include "weights.h"

static uint32_t bad_of(const qq_scheme *s, const qq_tensor *x, qq_status want)
{
    uint32_t bad = 0xdeadu;
    const qq_status status = qq_scheme_check(s, x, &bad);

    if (!CHECK(status == want))
        printf("    status %d, bits %x\n", (int)status, (unsigned)bad);
    CHECK(qq_scheme_check(s, x, NULL) == want);
    return bad;
}

static void test_init(void)
{
    const qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    const qq_scheme t = qq_scheme_init(QQ_TYPE_TERNARY);
    const qq_scheme q = qq_scheme_init_rule(QQ_TYPE_NVFP4, QQ_RULE_QWIX);
    const qq_scheme a = qq_scheme_init_rule(QQ_TYPE_INT4, QQ_RULE_AQT);
    qq_scheme zeros;

    CHECK(s.rule == QQ_RULE_QQUANT && s.type == QQ_TYPE_INT4);
    CHECK(s.calibration.method == QQ_CALIB_ABSMAX && s.channels == 0);
    CHECK(s.range == QQ_RANGE_HALF_STEP && s.division == QQ_DIVISION_TRUE);
    CHECK(s.noise == QQ_NOISE_NONE && s.two_level == 0);
    CHECK(t.calibration.method == QQ_CALIB_ABSMEAN);
    CHECK(qq_scheme_init(QQ_TYPE_NVFP4).two_level == 1 && q.two_level == 0);
    CHECK(q.rule == QQ_RULE_QWIX && q.calibration.method == QQ_CALIB_ABSMAX);
    CHECK(a.numerics.kind == QQ_NUMERICS_INT && a.numerics.bits == 4);
    CHECK(a.numerics.preserve_zero && a.numerics.clip && a.numerics.round);
    memset(&zeros, 0, sizeof zeros);
    CHECK(bad_of(&zeros, NULL, QQ_ERR_SCHEME) == QQ_BAD_INIT);
    CHECK(qq_scheme_check(NULL, NULL, NULL) == QQ_ERR_ARGUMENT);
    for (size_t i = 0; i < WEIGHTS_TYPES; i++) {
        const qq_scheme w = weights_scheme(weights_types[i], 2, 1);
        CHECK(bad_of(&w, NULL, QQ_OK) == 0);
    }
}

static void test_setters(void)
{
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);

    CHECK(qq_scheme_channel(&s, 0, 3) == QQ_OK && s.channels == 1);
    CHECK(qq_scheme_channel(&s, -1, 3) == QQ_OK && s.channels == 5);
    CHECK(qq_scheme_channel(&s, 3, 3) == QQ_ERR_AXIS);
    CHECK(qq_scheme_channel(&s, -4, 3) == QQ_ERR_AXIS);
    CHECK(qq_scheme_channel(&s, 0, 9) == QQ_ERR_AXIS);
    CHECK(qq_scheme_channel(&s, 0, 0) == QQ_ERR_AXIS);
    CHECK(qq_scheme_channel(NULL, 0, 3) == QQ_ERR_ARGUMENT);
    qq_scheme zeros;
    memset(&zeros, 0, sizeof zeros);
    CHECK(qq_scheme_channel(&zeros, 0, 3) == QQ_ERR_SCHEME);
    CHECK(qq_scheme_tile(&zeros, 0, 3, 4) == QQ_ERR_SCHEME);
    CHECK(qq_scheme_tile_fraction(&zeros, 0, 3, 0.5) == QQ_ERR_SCHEME);
    CHECK(qq_scheme_tile(&s, 0, 3, 4) == QQ_ERR_AXIS);
    CHECK(qq_scheme_tile_fraction(&s, 2, 3, 0.5) == QQ_ERR_AXIS);
    CHECK(qq_scheme_tile(&s, -2, 3, 4) == QQ_OK && s.tile[1] == 4);
    CHECK(qq_scheme_channel(&s, 1, 3) == QQ_ERR_AXIS);
    CHECK(qq_scheme_tile(&s, 1, 3, 0) == QQ_ERR_ARGUMENT);
    CHECK(qq_scheme_tile_fraction(&s, 1, 3, 0.0) == QQ_ERR_ARGUMENT);
    CHECK(qq_scheme_tile_fraction(&s, 1, 3, 1.5) == QQ_ERR_ARGUMENT);
    CHECK(qq_scheme_tile_fraction(&s, 1, 3, (double)NAN) == QQ_ERR_ARGUMENT);
    CHECK(qq_scheme_tile_fraction(&s, 1, 3, 0.25) == QQ_OK);
    CHECK(s.tile[1] == 0 && s.tile_fraction[1] > 0.2);
    CHECK(qq_scheme_channel(&s, 1, 3) == QQ_ERR_AXIS);
    CHECK(qq_scheme_tile(NULL, 1, 3, 1) == QQ_ERR_ARGUMENT);
    CHECK(qq_scheme_tile_fraction(NULL, 1, 3, 0.5) == QQ_ERR_ARGUMENT);
}

// One member after another is made wrong.
static void test_bits(void)
{
    const size_t shape[2] = {6, 64};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    const float levels[2] = {0.0f, 0.0f};
    const float infinite[2] = {0.0f, INFINITY};
    const qq_scheme good = qq_scheme_init(QQ_TYPE_INT8);
    qq_scheme s = good;

    CHECK(bad_of(&s, &x, QQ_OK) == 0);
    s.rule = (qq_rule)77;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_RULE);
    s = good;
    s.division = (qq_division)0;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_RULE);
    s = good;
    s.type = QQ_TYPE_F32;
    CHECK(bad_of(&s, &x, QQ_ERR_TYPE) == QQ_BAD_TYPE);
    s.type = (qq_type)99;
    CHECK(bad_of(&s, &x, QQ_ERR_TYPE) == QQ_BAD_TYPE);
    s = good;
    s.channels = 4;
    CHECK(bad_of(&s, &x, QQ_ERR_AXIS) == QQ_BAD_AXIS);
    CHECK(bad_of(&s, NULL, QQ_OK) == 0);
    s.channels = 1u << 31;
    CHECK(bad_of(&s, NULL, QQ_ERR_AXIS) == QQ_BAD_AXIS);
    s = good;
    s.channels = 2;
    s.tile[1] = 32;
    CHECK(bad_of(&s, &x, QQ_ERR_AXIS) == QQ_BAD_AXIS);
    s = good;
    s.tile[2] = 32;
    CHECK(bad_of(&s, &x, QQ_ERR_AXIS) == QQ_BAD_AXIS);
    s = good;
    s.tile[1] = 32;
    s.tile_fraction[1] = 0.5;
    CHECK(bad_of(&s, &x, QQ_ERR_SHAPE) == QQ_BAD_TILE);
    s = good;
    s.tile_fraction[1] = 0.001;
    CHECK(bad_of(&s, &x, QQ_ERR_SHAPE) == QQ_BAD_TILE);
    s = good;
    s.calibration.method = QQ_CALIB_SNR;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_CALIBRATION);
    s = good;
    s.scale_type = QQ_TYPE_INT8;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_SCALE_TYPE);
    s = good;
    s.two_level = 1;
    s.scale_type = QQ_TYPE_F16;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_SCALE_TYPE);
    s = qq_scheme_init(QQ_TYPE_E4M3FN);
    s.calibration.method = QQ_CALIB_MINMAX;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_AFFINE);
    s.calibration.method = QQ_CALIB_ABSMAX;
    s.noise = QQ_NOISE_UNIFORM;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_NOISE);
    s = good;
    s.noise = QQ_NOISE_GIVEN;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_NOISE);
    s.noise = QQ_NOISE_UNIFORM;
    s.noise_shared = 4;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_NOISE);
#if SIZE_MAX > 0xffffffffu
    const size_t many[2] = {65536, 65536};
    const qq_tensor big = qq_tensor_make(levels, QQ_TYPE_BF16, 2, many);
    s.noise_shared = 0;
    CHECK(bad_of(&s, &big, QQ_OK) == 0);
    s.layout = QQ_RANDOM_LEGACY; // draws less than 2^32 words
    CHECK(bad_of(&s, &big, QQ_ERR_SCHEME) == QQ_BAD_NOISE);
    s.noise = QQ_NOISE_LOW_BIT;
    CHECK(bad_of(&s, &big, QQ_OK) == 0);
    s.noise = QQ_NOISE_UNIFORM;
    s.noise_shared = 1;
    CHECK(bad_of(&s, &big, QQ_OK) == 0);
#endif
    s = qq_scheme_init(QQ_TYPE_BOOK);
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_BOOK);
    s.levels = levels;
    s.level_count = 2;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_BOOK);
    s.levels = infinite;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_BOOK);
    s = good;
    s.power_of_two = 1;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_NUMERICS);
    room_free();
}

static void test_inputs(void)
{
    const size_t shape[2] = {2, 3};
    const qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    const double data[6] = {0};
    qq_tensor x = qq_tensor_make(data, QQ_TYPE_F64, 2, shape);

    CHECK(bad_of(&s, &x, QQ_ERR_TYPE) == QQ_BAD_INPUT);
    x.type = QQ_TYPE_INT8;
    CHECK(bad_of(&s, &x, QQ_ERR_TYPE) == QQ_BAD_INPUT);
    x.type = QQ_TYPE_NONE;
    CHECK(bad_of(&s, &x, QQ_ERR_TYPE) == QQ_BAD_INPUT);
    x.type = QQ_TYPE_F32;
    x.data = NULL;
    CHECK(bad_of(&s, &x, QQ_ERR_ARGUMENT) == QQ_BAD_INPUT);
    x.rank = 9;
    CHECK(bad_of(&s, &x, QQ_ERR_SHAPE) == QQ_BAD_INPUT);
}

static int calibrates(qq_rule rule, qq_calib method, unsigned count, double a,
                      double b)
{
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, rule);

    s.calibration.method = method;
    s.calibration.arg_count = count;
    s.calibration.args[0] = a;
    s.calibration.args[1] = b;
    return qq_scheme_check(&s, NULL, NULL) == QQ_OK;
}

static void test_calibrations(void)
{
    const qq_rule ours = QQ_RULE_QQUANT;

    CHECK(calibrates(ours, QQ_CALIB_ABSMAX, 0, 0, 0));
    CHECK(calibrates(ours, QQ_CALIB_ABSMAX, 1, 0.5, 0));
    CHECK(!calibrates(ours, QQ_CALIB_ABSMAX, 1, 0, 0));
    CHECK(!calibrates(ours, QQ_CALIB_ABSMAX, 1, -1, 0));
    CHECK(!calibrates(ours, QQ_CALIB_ABSMAX, 1, (double)INFINITY, 0));
    CHECK(!calibrates(ours, QQ_CALIB_ABSMAX, 1, (double)NAN, 0));
    CHECK(!calibrates(ours, QQ_CALIB_ABSMAX, 3, 1, 1));
    CHECK(calibrates(ours, QQ_CALIB_MINMAX, 0, 0, 0));
    CHECK(calibrates(ours, QQ_CALIB_RMS, 1, 3, 0));
    CHECK(!calibrates(ours, QQ_CALIB_RMS, 0, 0, 0));
    CHECK(calibrates(ours, QQ_CALIB_FIXED, 1, 3, 0));
    CHECK(calibrates(ours, QQ_CALIB_FIXED, 2, -1, 2));
    CHECK(!calibrates(ours, QQ_CALIB_FIXED, 0, 0, 0));
    CHECK(!calibrates(ours, QQ_CALIB_FIXED, 2, 1, 2));
    CHECK(!calibrates(ours, QQ_CALIB_FIXED, 1, (double)INFINITY, 0));
    CHECK(calibrates(ours, QQ_CALIB_MSE, 0, 0, 0));
    CHECK(calibrates(ours, QQ_CALIB_MSE, 1, 1, 0));
    CHECK(!calibrates(ours, QQ_CALIB_MSE, 1, 0, 0));
    CHECK(!calibrates(ours, QQ_CALIB_MSE, 1, 1.5, 0));
    CHECK(!calibrates(ours, QQ_CALIB_MSE, 1, 1e9, 0));
    CHECK(calibrates(ours, QQ_CALIB_PERCENTILE, 1, 100, 0));
    CHECK(!calibrates(ours, QQ_CALIB_PERCENTILE, 1, 100.1, 0));
    CHECK(!calibrates(ours, QQ_CALIB_PERCENTILE, 1, 0, 0));
    CHECK(calibrates(ours, QQ_CALIB_ABSMEAN, 2, 1, 3));
    CHECK(!calibrates(ours, QQ_CALIB_ABSMEAN, 2, 1, 2.5));
    CHECK(!calibrates(ours, QQ_CALIB_ABSMEAN, 2, 1, 0));
    CHECK(calibrates(QQ_RULE_QWIX, QQ_CALIB_ABSMAX, 1, -1, 0));
    CHECK(calibrates(QQ_RULE_QWIX, QQ_CALIB_FIXED, 1, (double)INFINITY, 0));
    CHECK(!calibrates(QQ_RULE_QWIX, QQ_CALIB_MSE, 0, 0, 0));
    CHECK(!calibrates(QQ_RULE_QWIX, QQ_CALIB_PERCENTILE, 1, 99, 0));
    CHECK(!calibrates(QQ_RULE_QWIX, QQ_CALIB_ABSMEAN, 1, 1, 0));
}

// Formats have their tile and their scales, under Qwix whole tiles.
static void test_formats(void)
{
    const size_t shape[2] = {4, 64};
    const size_t ragged[2] = {4, 40};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    const qq_tensor y = weights_tensor(QQ_TYPE_F32, 2, ragged, 1.0f);
    qq_scheme s = qq_scheme_init(QQ_TYPE_MXFP4);

    CHECK(bad_of(&s, &x, QQ_ERR_SHAPE) == QQ_BAD_TILE);
    CHECK(qq_scheme_tile(&s, 1, 2, 16) == QQ_OK);
    CHECK(bad_of(&s, &x, QQ_ERR_SHAPE) == QQ_BAD_TILE);
    CHECK(qq_scheme_tile_fraction(&s, 1, 2, 0.5) == QQ_OK);
    CHECK(bad_of(&s, NULL, QQ_OK) == 0 && bad_of(&s, &x, QQ_OK) == 0);
    CHECK(bad_of(&s, &y, QQ_ERR_SHAPE) == QQ_BAD_TILE);
    CHECK(qq_scheme_tile(&s, 1, 2, 32) == QQ_OK);
    CHECK(bad_of(&s, &y, QQ_OK) == 0);
    s.rule = QQ_RULE_QWIX;
    CHECK(bad_of(&s, &x, QQ_OK) == 0);
    CHECK(bad_of(&s, &y, QQ_ERR_SHAPE) == QQ_BAD_TILE);
    s.rule = QQ_RULE_QQUANT;
    s.scale_type = QQ_TYPE_F32;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_SCALE_TYPE);
    s.scale_type = QQ_TYPE_E8M0;
    CHECK(bad_of(&s, &x, QQ_OK) == 0);
    s = qq_scheme_init_rule(QQ_TYPE_MXFP8_16, QQ_RULE_QWIX_RELEASE);
    CHECK(qq_scheme_tile(&s, 1, 2, 16) == QQ_OK);
    CHECK(bad_of(&s, &x, QQ_ERR_TYPE) & QQ_BAD_TYPE);
    s = qq_scheme_init_rule(QQ_TYPE_INT5, QQ_RULE_QWIX);
    s.calibration.method = QQ_CALIB_MINMAX;
    CHECK(bad_of(&s, &x, QQ_ERR_SCHEME) == QQ_BAD_AFFINE);
    s.rule = QQ_RULE_QQUANT;
    CHECK(bad_of(&s, &x, QQ_OK) == 0);
    room_free();
}

static void test_scale_shape(void)
{
    const size_t shape[3] = {4, 10, 64};
    const size_t empty[3] = {4, 0, 64};
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    size_t n[3];

    CHECK(qq_scheme_scale_shape(&s, 3, shape, n) == QQ_OK);
    CHECK(n[0] == 1 && n[1] == 1 && n[2] == 1);
    CHECK(qq_scheme_channel(&s, 0, 3) == QQ_OK);
    CHECK(qq_scheme_tile(&s, 1, 3, 4) == QQ_OK);
    CHECK(qq_scheme_tile_fraction(&s, 2, 3, 0.3) == QQ_OK); // 19 of 64
    CHECK(qq_scheme_scale_shape(&s, 3, shape, n) == QQ_OK);
    CHECK(n[0] == 4 && n[1] == 3 && n[2] == 4);
    CHECK(qq_scheme_scale_shape(&s, 3, empty, n) == QQ_OK && n[1] == 0);
    CHECK(qq_scheme_scale_shape(&s, 2, shape, n) == QQ_ERR_AXIS);
    CHECK(qq_scheme_scale_shape(&s, 9, shape, n) == QQ_ERR_AXIS);
    CHECK(qq_scheme_scale_shape(NULL, 3, shape, n) == QQ_ERR_ARGUMENT);
    CHECK(qq_scheme_scale_shape(&s, 3, NULL, n) == QQ_ERR_ARGUMENT);
    CHECK(qq_scheme_scale_shape(&s, 3, shape, NULL) == QQ_ERR_ARGUMENT);
    s.rule = QQ_RULE_QWIX;
    CHECK(qq_scheme_scale_shape(&s, 3, shape, n) == QQ_ERR_SHAPE);
    s.rule = QQ_RULE_QQUANT;
    s.calibration.method = QQ_CALIB_FIXED;
    CHECK(qq_scheme_scale_shape(&s, 3, shape, n) == QQ_OK);
    CHECK(n[0] == 1 && n[1] == 1 && n[2] == 1);
    s.init = 0;
    CHECK(qq_scheme_scale_shape(&s, 3, shape, n) == QQ_ERR_SCHEME);
    s = qq_scheme_init(QQ_TYPE_INT8);
    CHECK(qq_scheme_scale_shape(&s, 0, NULL, NULL) == QQ_OK);
}

static int bound_is(qq_type type, qq_rule rule, qq_range range, float want)
{
    qq_scheme s = qq_scheme_init_rule(type, rule);

    s.range = range;
    s.levels = weights_levels;
    s.level_count = 11;
    return qq_scheme_bound(&s) >= want && qq_scheme_bound(&s) <= want;
}

static void test_bound(void)
{
    const qq_rule ours = QQ_RULE_QQUANT;

    CHECK(bound_is(QQ_TYPE_INT8, ours, QQ_RANGE_HALF_STEP, 127.5f));
    CHECK(bound_is(QQ_TYPE_INT8, ours, QQ_RANGE_FULL, 127.5f));
    CHECK(bound_is(QQ_TYPE_INT8, ours, QQ_RANGE_EXACT_MAX, 127.0f));
    CHECK(bound_is(QQ_TYPE_INT16, ours, QQ_RANGE_HALF_STEP, 32767.5f));
    CHECK(bound_is(QQ_TYPE_UINT4, ours, QQ_RANGE_HALF_STEP, 15.5f));
    CHECK(bound_is(QQ_TYPE_SIGN, ours, QQ_RANGE_HALF_STEP, 1.0f));
    CHECK(bound_is(QQ_TYPE_TERNARY, ours, QQ_RANGE_HALF_STEP, 1.5f));
    CHECK(bound_is(QQ_TYPE_E2M1, ours, QQ_RANGE_HALF_STEP, 6.0f));
    CHECK(bound_is(QQ_TYPE_NF4, ours, QQ_RANGE_HALF_STEP, 1.0f));
    CHECK(bound_is(QQ_TYPE_BOOK, ours, QQ_RANGE_HALF_STEP, 2.0f));
    CHECK(bound_is(QQ_TYPE_INT16, QQ_RULE_QWIX, QQ_RANGE_FULL, 32768.0f));
    CHECK(bound_is(QQ_TYPE_INT8, QQ_RULE_QWIX, QQ_RANGE_EXACT_MAX, 127.5f));
    CHECK(bound_is(QQ_TYPE_INT8, QQ_RULE_AQT, QQ_RANGE_FULL, 127.5f));
    CHECK(!(qq_scheme_bound(NULL) > 0.0f));
}

int main(void)
{
    test_init();
    test_setters();
    test_bits();
    test_inputs();
    test_calibrations();
    test_formats();
    test_scale_shape();
    test_bound();
    return check_done();
}
