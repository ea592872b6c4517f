// Rule Qwix on examples that can be followed by hand; the reference vectors
// (tests/golden/qwix) have all the rest.

#include "weights.h"

static const float line[6] = {-1.0f, -0.5f, 0.0f, 0.3f, 0.7f, 1.0f};

static int codes_are(const float *x, size_t n, const qq_scheme *s,
                     uint32_t scale, const int32_t *want)
{
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &n);
    qq_array a;

    if (weights_quantize(&t, s, &a) != QQ_OK)
        return 0;
    int same = check_bits(qq_tensor_value(&a.scale, 0)) == scale;
    for (size_t i = 0; i < n; i++)
        same = same && qq_tensor_code(&a.value, i) == want[i];
    room_free();
    return same;
}

static qq_scheme qwix(qq_type type)
{
    return qq_scheme_init_rule(type, QQ_RULE_QWIX);
}

// Half a step beyond the largest code: -absmax may take the lowest one.
static void test_symmetric(void)
{
    const int32_t int8[6] = {-127, -64, 0, 38, 89, 127};
    const int32_t int7[6] = {-64, -32, 0, 19, 44, 63};
    const int32_t int4[6] = {-7, -4, 0, 2, 5, 7};
    const int32_t int2[6] = {-2, -1, 0, 0, 1, 1};
    const int32_t int16[6] = {-32768, -16384, 0, 9830, 22938, 32767};
    const int32_t uint8[6] = {0, 0, 0, 77, 179, 255};
    const int32_t nf4[6] = {0, 2, 7, 11, 14, 15};
    qq_scheme s = qwix(QQ_TYPE_INT8);

    CHECK(codes_are(line, 6, &s, 0x3c008081, int8));
    s = qwix(QQ_TYPE_INT7);
    CHECK(codes_are(line, 6, &s, 0x3c810204, int7));
    s = qwix(QQ_TYPE_INT4);
    CHECK(codes_are(line, 6, &s, 0x3e088889, int4));
    s = qwix(QQ_TYPE_INT2);
    CHECK(codes_are(line, 6, &s, 0x3f2aaaab, int2));
    s = qwix(QQ_TYPE_INT16);
    CHECK(codes_are(line, 6, &s, 0x38000000, int16));
    s = qwix(QQ_TYPE_UINT8);
    CHECK(codes_are(line, 6, &s, 0x3b804020, uint8));
    s = qwix(QQ_TYPE_NF4);
    CHECK(codes_are(line, 6, &s, 0x3f800000, nf4));
}

static void test_calibrations(void)
{
    const float y[5] = {-0.3f, 0.0f, 0.1f, 0.45f, 0.9f};
    const float z[8] = {1.0f, -1.0f, 2.0f, -2.0f, 0.0f, 0.0f, 1.0f, -3.0f};
    const int32_t minmax[5] = {-128, -64, -43, 32, 127};
    const int32_t fixed[5] = {-68, -43, -34, -5, 34};
    const int32_t half[6] = {-128, -127, 0, 76, 127, 127};
    const int32_t rms[8] = {27, -27, 54, -54, 0, 0, 27, -81};
    qq_scheme s = qwix(QQ_TYPE_INT8);

    CHECK(qq_calibration_parse("minmax", 6, &s.calibration) == QQ_OK);
    CHECK(codes_are(y, 5, &s, 0x3b9a33ce, minmax));
    CHECK(qq_calibration_parse("fixed,-1,2", 10, &s.calibration) == QQ_OK);
    CHECK(codes_are(y, 5, &s, 0x3c40c0c1, fixed));
    CHECK(qq_calibration_parse("absmax,0.5", 10, &s.calibration) == QQ_OK);
    CHECK(codes_are(line, 6, &s, 0x3b808081, half));
    CHECK(qq_calibration_parse("rms,3", 5, &s.calibration) == QQ_OK);
    CHECK(codes_are(z, 8, &s, check_bits(0.037203267216682434f), rms));
}

// The guard of f16 is 2^-7, as the original has it.
static void test_guard(void)
{
    const size_t n = 3;
    const qq_tensor x = weights_tensor(QQ_TYPE_F16, 1, &n, 0.0f);
    const qq_scheme s = qwix(QQ_TYPE_INT8);
    qq_array a;

    weights_set(&x, 0, 0.5f);
    weights_set(&x, 1, -0.25f);
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    CHECK(a.scale.type == QQ_TYPE_F16);
    CHECK(qq_tensor_value(&a.scale, 0) >= 1.0f);
    CHECK(qq_tensor_code(&a.value, 0) == 0);
    room_free();
}

// Powers of two of mxfp4 change between absmax 6.98632764 and 6.98632813.
static void test_mx(void)
{
    const size_t n = 32;
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 1, &n, 0.0f);
    qq_scheme s = qwix(QQ_TYPE_MXFP4);
    qq_array a;

    CHECK(qq_scheme_tile(&s, 0, 1, 32) == QQ_OK);
    weights_set(&x, 5, 6.986327648162842f);
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    CHECK(qq_tensor_value(&a.scale, 0) <= 1.0f);
    weights_set(&x, 5, 6.986328125f);
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    CHECK(qq_tensor_value(&a.scale, 0) >= 2.0f);
    s.rule = QQ_RULE_QWIX_RELEASE;
    weights_set(&x, 5, 6.01f);
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    CHECK(qq_tensor_value(&a.scale, 0) >= 2.0f);
    room_free();
}

// Scales stored in fewer bits than codes were made with, for every tiling:
// the codes are those of full scales, the scales are those rounded.
static void test_scale_type(void)
{
    for (size_t k = 0; k < check_count(300); k++) {
        const size_t shape[3] = {1 + below(4), 4 * (1 + below(5)), 12};
        const qq_tensor x = weights_tensor(QQ_TYPE_F32, 3, shape, 1.0f);
        qq_scheme s = qwix(k % 2 ? QQ_TYPE_INT8 : QQ_TYPE_INT4);
        qq_array full, cut;
        int same = 1;

        if (below(2))
            CHECK(qq_scheme_channel(&s, 0, 3) == QQ_OK);
        if (below(2))
            CHECK(qq_scheme_tile(&s, 1, 3, 4) == QQ_OK);
        if (below(2))
            CHECK(qq_scheme_tile(&s, 2, 3, 3) == QQ_OK);
        else
            CHECK(qq_scheme_channel(&s, 2, 3) == QQ_OK);
        if (k % 3 == 0)
            s.calibration.method = QQ_CALIB_MINMAX;
        if (k % 5 == 0)
            s.noise = QQ_NOISE_UNIFORM;
        CHECK(weights_quantize(&x, &s, &full) == QQ_OK);
        s.scale_type = below(2) ? QQ_TYPE_BF16 : QQ_TYPE_F16;
        CHECK(weights_quantize(&x, &s, &cut) == QQ_OK);
        CHECK(memcmp(full.value.data, cut.value.data,
                     qq_tensor_bytes(&full.value)) == 0);
        for (size_t i = 0; i < qq_tensor_count(&full.scale); i++) {
            const float v = qq_tensor_value(&full.scale, i);
            const float r =
                qq_type_decode(s.scale_type, qq_type_encode(s.scale_type, v));
            same = same &&
                   check_bits(r) == check_bits(qq_tensor_value(&cut.scale, i));
        }
        CHECK(same);
        CHECK(full.zero_point.type == QQ_TYPE_NONE ||
              memcmp(full.zero_point.data, cut.zero_point.data,
                     qq_tensor_bytes(&full.zero_point)) == 0);
        room_free();
    }
}

// A NaN is everywhere, as in the original; nothing at all is refused.
static void test_odd(void)
{
    const float x[3] = {1.0f, NAN, 2.0f};
    const size_t n = 3, none = 0;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &n);
    const qq_tensor e = qq_tensor_make(NULL, QQ_TYPE_F32, 1, &none);
    qq_scheme s = qwix(QQ_TYPE_INT8);
    qq_array a;

    CHECK(weights_quantize(&t, &s, &a) == QQ_OK);
    CHECK(isnan(qq_tensor_value(&a.scale, 0)));
    for (size_t i = 0; i < n; i++)
        CHECK(qq_tensor_code(&a.value, i) == 0);
    CHECK(weights_quantize(&e, &s, &a) == QQ_ERR_SHAPE);
    CHECK(qq_scheme_channel(&s, 0, 1) == QQ_OK);
    CHECK(weights_quantize(&e, &s, &a) == QQ_OK);
    room_free();
}

int main(void)
{
    test_symmetric();
    test_calibrations();
    test_guard();
    test_mx();
    test_scale_type();
    test_odd();
    return check_done();
}
