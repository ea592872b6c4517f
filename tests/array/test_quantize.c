// What the documentation of rule qquant promises, for every type, every type
// of scale and every type of input: each code is the nearest one, zeros stay,
// a scale is that of its bound, what is not finite disturbs nobody.

#include "weights.h"

static const qq_type inputs[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};
static const qq_type scales[6] = {QQ_TYPE_NONE, QQ_TYPE_F32,  QQ_TYPE_F16,
                                  QQ_TYPE_BF16, QQ_TYPE_E8M0, QQ_TYPE_E4M3FN};

// The values of all codes that the scheme may use, for scale 1.
static double grid[65536];
static size_t grid_count;

static void make_grid(const qq_scheme *s)
{
    qq_type_info info;

    (void)qq_type_get(s->type, &info);
    grid_count = 0;
    for (uint32_t c = 0; c < 1u << info.bits; c++) {
        double v = (double)qq_type_decode(info.storage, c);
        if (s->type == QQ_TYPE_BOOK) {
            if (c >= s->level_count)
                break;
            v = (double)s->levels[c];
        }
        const int below_range = info.kind == QQ_KIND_INTEGER && info.max > 1 &&
                                s->range != QQ_RANGE_FULL && info.min < 0 &&
                                v < -(double)info.max;
        const int beyond = s->type == QQ_TYPE_TERNARY && v > 1.5;
        const int int2 =
            s->type == QQ_TYPE_INT2 && s->range != QQ_RANGE_FULL && v < -1.5;
        if (isfinite(v) && !below_range && !beyond && !int2)
            grid[grid_count++] = v;
    }
}

// The distance from y to the nearest value.
static double nearest(double y)
{
    double best = 1e300;

    for (size_t i = 0; i < grid_count; i++)
        best = fabs(y - grid[i]) < best ? fabs(y - grid[i]) : best;
    return best;
}

// Every code is the nearest, within the rounding of x / scale.
static void check_nearest(const qq_tensor *x, const qq_scheme *s,
                          const qq_array *a)
{
    const size_t n = qq_tensor_count(x);
    qq_type_info info;
    int good = 1;

    (void)qq_type_get(s->type, &info);
    make_grid(s);
    for (size_t i = 0; i < n; i++) {
        const double v = (double)qq_tensor_value(x, i);
        const double scale =
            (double)qq_tensor_value(&a->scale, weights_scale_of(a, i)) *
            (double)a->scale2;
        if (!isfinite(v) || scale <= 0.0)
            continue;
        const double y = v / scale;
        const double off = fabs(y - weights_value(a, i) / scale);
        // Of 65536 codes the nearest is known without a search.
        const double want = info.bits == 16
                                ? (fabs(y) < 32767.0 ? 0.5 : fabs(y) - 32767.0)
                                : nearest(y);
        const double slack = 2e-7 * (fabs(y) + 1.0);
        if (s->type == QQ_TYPE_SIGN)
            good = good && (v >= 0) == (weights_value(a, i) > 0);
        else
            good = good && off <= want + slack;
        good = good &&
               (v < 0.0 || v > 0.0 || s->type == QQ_TYPE_SIGN ||
                (!(weights_value(a, i) > 0.0) && !(weights_value(a, i) < 0.0)));
    }
    if (!CHECK(good))
        printf("    %s, scales of %s, %s\n", qq_type_name(s->type),
               qq_type_name(a->scale.type), qq_type_name(x->type));
}

// The array is what dequantizing gives, and its parts have their shapes.
static void check_array(const qq_tensor *x, const qq_scheme *s,
                        const qq_array *a)
{
    const size_t n = qq_tensor_count(x);
    size_t shape[QQ_MAX_RANK];
    qq_tensor back;

    CHECK(qq_array_check(a) == QQ_OK);
    CHECK(a->type == s->type && a->value.rank == x->rank);
    CHECK(qq_scheme_scale_shape(s, x->rank, x->shape, shape) == QQ_OK);
    for (unsigned k = 0; k < x->rank; k++)
        CHECK(shape[k] == a->scale.shape[k] &&
              x->shape[k] == a->value.shape[k]);
    CHECK(qq_dequantize(a, QQ_RULE_QQUANT, QQ_TYPE_F32, room(4 * n), 4 * n,
                        &back) == QQ_OK);
    int good = 1;
    for (size_t i = 0; i < n; i++) {
        const double want = weights_value(a, i);
        const double got = (double)qq_tensor_value(&back, i);
        good = good && fabs(got - want) <= 1.3e-7 * fabs(want);
    }
    CHECK(good);
}

// A random shape that has short tiles, and room for a format's.
static unsigned random_axes(qq_scheme *s, size_t *shape)
{
    const unsigned rank = 1 + (unsigned)below(3);
    qq_type_info info;

    (void)qq_type_get(s->type, &info);
    for (unsigned a = 0; a < rank; a++) {
        shape[a] = 1 + below(rank == 1 ? 150 : rank == 2 ? 20 : 8);
        const int last = a + 1 == rank && info.tile != 0;
        if (last)
            shape[a] = 1 + below(100);
        if (last)
            CHECK(qq_scheme_tile(s, -1, rank, info.tile) == QQ_OK);
        else if (below(2) == 0)
            CHECK(qq_scheme_channel(s, (int)a, rank) == QQ_OK);
        else if (below(2) == 0 && info.tile == 0)
            CHECK(qq_scheme_tile(s, (int)a, rank, 1 + below(9)) == QQ_OK);
    }
    return rank;
}

static void test_every_type(void)
{
    for (size_t k = 0; k < WEIGHTS_TYPES * 6; k++) {
        qq_scheme s = weights_scheme(weights_types[k / 6], 1, 0);
        s.tile[0] = 0;
        s.scale_type = scales[k % 6];
        for (size_t j = 0; j < check_count(10); j++) {
            qq_scheme t = s;
            size_t shape[3];
            qq_array a;
            const unsigned rank = random_axes(&t, shape);
            t.range = (qq_range)(1 + below(3));
            const float size = below(3) == 0 ? 1e-3f : 1.0f;
            const qq_tensor x =
                weights_tensor(inputs[below(3)], rank, shape, size);
            for (size_t i = below(9); i < qq_tensor_count(&x); i += 9)
                weights_set(&x, i, below(2) ? 0.0f : -0.0f);
            if (qq_scheme_check(&t, &x, NULL) != QQ_OK) {
                CHECK(t.scale_type != QQ_TYPE_NONE);
                continue;
            }
            CHECK(weights_quantize(&x, &t, &a) == QQ_OK);
            check_array(&x, &t, &a);
            check_nearest(&x, &t, &a);
            room_free();
        }
    }
}

// The type of x does not matter: its numbers as f32 give the same bytes.
static void test_inputs(void)
{
    for (size_t k = 0; k < check_count(WEIGHTS_TYPES * 4); k++) {
        qq_scheme s = weights_scheme(weights_types[k % WEIGHTS_TYPES], 2, 1);
        const size_t shape[2] = {3, 70};
        const qq_tensor x = weights_tensor(inputs[1 + k % 2], 2, shape, 0.1f);
        qq_tensor wide;
        qq_array a, b;

        CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
        CHECK(qq_tensor_convert(&x, QQ_TYPE_F32, room(840), 840, &wide) ==
              QQ_OK);
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        CHECK(weights_quantize(&wide, &s, &b) == QQ_OK);
        CHECK(memcmp(a.scale.data, b.scale.data, qq_array_size(&x, &s)) == 0);
        room_free();
    }
}

// A NaN or an infinity where a 0 was changes that number alone.
static void test_not_finite(void)
{
    for (size_t k = 0; k < WEIGHTS_TYPES * 3; k++) {
        const qq_type type = weights_types[k / 3];
        const float odd[3] = {NAN, INFINITY, -INFINITY};
        qq_scheme s = weights_scheme(type, 2, 1);
        const size_t shape[2] = {4, 48};
        const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
        const size_t at = below(4 * 48);
        qq_array a, b;
        int good = 1;

        weights_set(&x, at, 0.0f);
        if (s.calibration.method == QQ_CALIB_ABSMEAN)
            s.calibration.method = QQ_CALIB_ABSMAX; // a 0 counts in a mean
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        weights_set(&x, at, odd[k % 3]);
        CHECK(weights_quantize(&x, &s, &b) == QQ_OK);
        CHECK(memcmp(a.scale.data, b.scale.data, qq_tensor_bytes(&a.scale)) ==
              0);
        for (size_t i = 0; i < 4 * 48; i++)
            good = good && (i == at || qq_tensor_code(&a.value, i) ==
                                           qq_tensor_code(&b.value, i));
        CHECK(good);
        const double v = weights_value(&b, at);
        if (k % 3 == 0) {
            const double zero = weights_value(&a, at);
            CHECK(isnan(v) || (v <= zero && v >= zero));
            CHECK(!isnan(v) ||
                  isnan((double)qq_type_decode(
                      b.value.type, qq_type_encode(b.value.type, NAN))));
        } else {
            for (size_t i = 0; i < 4 * 48; i++) {
                const double w = weights_value(&b, i);
                good = good &&
                       (weights_scale_of(&b, i) != weights_scale_of(&b, at) ||
                        (k % 3 == 1 ? w <= v : w >= v));
            }
            CHECK(good);
        }
        room_free();
    }
}

// Codes of what an array stands for are the same codes again. Types that
// reach less far below 0 get numbers above it. The quotients of int16 have
// few bits behind the point: they may be a step off.
static void test_again(void)
{
    for (size_t k = 0; k < check_count(WEIGHTS_TYPES * 20); k++) {
        qq_scheme s = weights_scheme(weights_types[k % WEIGHTS_TYPES], 2, 1);
        const size_t shape[2] = {1 + below(5), 1 + below(80)};
        const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
        const size_t n = qq_tensor_count(&x);
        const int one_sided =
            s.type == QQ_TYPE_BOOK ||
            (s.type >= QQ_TYPE_UINT2 && s.type <= QQ_TYPE_UINT8);
        qq_tensor back;
        qq_array a, b;
        int good = 1;

        for (size_t i = 0; i < n && one_sided; i++)
            weights_set(&x, i, fabsf(qq_tensor_value(&x, i)));
        if (s.calibration.method == QQ_CALIB_ABSMEAN)
            s.calibration.method = QQ_CALIB_ABSMAX;
        CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, room(4 * n), 4 * n,
                            &back) == QQ_OK);
        CHECK(weights_quantize(&back, &s, &b) == QQ_OK);
        for (size_t i = 0; i < n; i++)
            good =
                good && weights_value(&b, i) * weights_value(&a, i) >= 0.0 &&
                (qq_tensor_code(&a.value, i) == qq_tensor_code(&b.value, i) ||
                 (s.type == QQ_TYPE_INT16 &&
                  abs(qq_tensor_code(&a.value, i) -
                      qq_tensor_code(&b.value, i)) <= 1) ||
                 fabs(weights_value(&a, i) - weights_value(&b, i)) <=
                     1e-6 * fabs(weights_value(&a, i)));
        if (!CHECK(good))
            printf("    %s\n", qq_type_name(s.type));
        room_free();
    }
}

// Zeros, and what is as small as nothing: scale 1 and codes of 0.
static void test_nothing(void)
{
    const float tiny[3] = {0.0f, 1e-30f, 1e-44f};

    for (size_t k = 0; k < WEIGHTS_TYPES * 3; k++) {
        const qq_scheme s = weights_scheme(weights_types[k / 3], 1, 0);
        const size_t n = 40;
        const qq_tensor x = weights_tensor(QQ_TYPE_F32, 1, &n, 0.0f);
        qq_array a;

        weights_set(&x, 7, tiny[k % 3]);
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        for (size_t i = 0; i < n; i++)
            CHECK(fabs(weights_value(&a, i)) <=
                  (s.type == QQ_TYPE_SIGN ? 1e-30 : 0.0));
        if (s.type != QQ_TYPE_SIGN)
            CHECK(qq_tensor_value(&a.scale, 0) >= 1.0f &&
                  qq_tensor_value(&a.scale, 0) <= 1.0f && a.scale2 >= 1.0f &&
                  a.scale2 <= 1.0f);
        room_free();
    }
}

// The largest floats stay finite in scales and values.
static void test_huge(void)
{
    for (size_t k = 0; k < WEIGHTS_TYPES * 6; k++) {
        qq_scheme s = weights_scheme(weights_types[k / 6], 1, 0);
        const size_t n = 33;
        const qq_tensor x = weights_tensor(inputs[k % 3], 1, &n, 1.0f);
        qq_array a;
        qq_tensor back;
        uint8_t out[33 * 2];

        for (size_t i = 0; i < n; i += 4)
            weights_set(&x, i, i % 8 ? 3.4e38f : -3.4e38f);
        s.scale_type = scales[k % 6];
        if (qq_scheme_check(&s, &x, NULL) != QQ_OK)
            continue;
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        for (size_t i = 0; i < qq_tensor_count(&a.scale); i++)
            CHECK(isfinite(qq_tensor_value(&a.scale, i)) &&
                  qq_tensor_value(&a.scale, i) > 0.0f);
        CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F16, out, sizeof out,
                            &back) == QQ_OK);
        if (s.scale_type == QQ_TYPE_F16 && x.type == QQ_TYPE_F16)
            for (size_t i = 0; i < n; i++)
                CHECK(isfinite(qq_tensor_value(&back, i)));
        room_free();
    }
}

// With a zero point 0 has a code, and all numbers lie within half a step.
static void test_asymmetric(void)
{
    for (size_t k = 0; k < check_count(600); k++) {
        static const qq_type types[6] = {QQ_TYPE_INT2,  QQ_TYPE_INT4,
                                         QQ_TYPE_INT7,  QQ_TYPE_INT8,
                                         QQ_TYPE_INT16, QQ_TYPE_UINT4};
        qq_scheme s = qq_scheme_init(types[k % 6]);
        const size_t shape[2] = {1 + below(6), 1 + below(40)};
        const qq_tensor x = weights_tensor(inputs[below(3)], 2, shape, 1.0f);
        const size_t n = qq_tensor_count(&x);
        const float shift = (float)below(5) - 2.0f;
        qq_array a;
        int good = 1;

        for (size_t i = 0; i < n; i++)
            weights_set(&x, i, qq_tensor_value(&x, i) + shift);
        weights_set(&x, below(n), 0.0f);
        s.calibration.method = QQ_CALIB_MINMAX;
        CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        CHECK(a.zero_point.type == a.value.type);
        for (size_t i = 0; i < n; i++) {
            const double v = (double)qq_tensor_value(&x, i);
            const double step =
                (double)qq_tensor_value(&a.scale, weights_scale_of(&a, i));
            const double off = fabs(v - weights_value(&a, i));
            good =
                good && off <= 1.0001 * step && (v < 0 || v > 0 || off <= 0.0);
            // The zero point's own rounding may cut half a step at one end.
            good = good &&
                   (off <= 0.5001 * step || qq_tensor_code(&a.value, i) >= 1 ||
                    qq_tensor_code(&a.value, i) < 0);
        }
        if (!CHECK(good))
            printf("    %s\n", qq_type_name(s.type));
        check_array(&x, &s, &a);
        room_free();
    }
}

// scale2 = largest bound / (6 * 448), a tile's scale its bound / 6 / scale2.
static void test_two_level(void)
{
    const size_t shape[2] = {4, 64};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1e-3f);
    const qq_scheme s = weights_scheme(QQ_TYPE_NVFP4, 2, 1);
    float largest = 0.0f;
    qq_array a;

    weights_set(&x, 100, 5.0f);
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    CHECK(a.scale.type == QQ_TYPE_E4M3FN && a.scale.shape[1] == 4);
    CHECK(a.scale2 >= 5.0f / 2688.0f && a.scale2 <= 5.0f / 2688.0f);
    CHECK(weights_value(&a, 100) > 4.999 && weights_value(&a, 100) < 5.001);
    for (size_t t = 0; t < 4; t++) {
        float bound = 0.0f;
        for (size_t i = 0; i < 64 * 4; i++)
            if (weights_scale_of(&a, i) == t)
                bound = fmaxf(bound, fabsf(qq_tensor_value(&x, i)));
        largest = fmaxf(largest, bound);
    }
    CHECK(largest <= 5.0f);
    // 4 scales of a byte and one of four for 256 numbers.
    CHECK(qq_array_bits(&a) >= 4.25 && qq_array_bits(&a) <= 4.25);
    room_free();
}

// Levels so small that no second level reaches the numbers.
static void test_two_level_far(void)
{
    const float levels[3] = {0.0f, 1e-20f, -1e-20f};
    const size_t n = 8;
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 1, &n, 1e30f);
    qq_scheme s = qq_scheme_init(QQ_TYPE_BOOK);
    qq_array a;

    s.levels = levels;
    s.level_count = 3;
    s.scale_type = QQ_TYPE_E4M3FN;
    s.two_level = 1;
    weights_set(&x, 3, 1e30f);
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    CHECK(isfinite(a.scale2) && isfinite(448.0f * a.scale2));
    CHECK(qq_tensor_value(&a.scale, 0) >= 448.0f);
    CHECK(qq_tensor_code(&a.value, 3) == 1);
    room_free();
}

// mxfp4: the smallest power of two with which the bound lies at most at 7.
static void test_power_of_two(void)
{
    for (int e = -20; e < 20; e++) {
        for (int k = 0; k < 40; k++) {
            const size_t n = 32;
            const qq_tensor x = weights_tensor(QQ_TYPE_F32, 1, &n, 0.0f);
            const qq_scheme s = weights_scheme(QQ_TYPE_MXFP4, 1, 0);
            const float bound = ldexpf(1.0f + (float)k / 40.0f, e);
            qq_array a;
            weights_set(&x, 3, -bound);
            CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
            const float scale = qq_tensor_value(&a.scale, 0);
            int power = 0;
            CHECK(frexpf(scale, &power) <= 0.5f);
            CHECK(bound <= 7.0f * scale && bound > 3.5f * scale);
            room_free();
        }
    }
}

static void test_errors(void)
{
    const size_t shape[2] = {3, 8};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    uint8_t out[28];
    qq_array a;

    CHECK(qq_array_size(&x, &s) == 28);
    memset(out, 7, sizeof out);
    CHECK(qq_quantize(NULL, &s, out, 28, &a) == QQ_ERR_ARGUMENT);
    CHECK(qq_quantize(&x, NULL, out, 28, &a) == QQ_ERR_ARGUMENT);
    CHECK(qq_quantize(&x, &s, NULL, 28, &a) == QQ_ERR_ARGUMENT);
    CHECK(qq_quantize(&x, &s, out, 27, &a) == QQ_ERR_SIZE);
    CHECK(qq_quantize(&x, &s, out, 28, NULL) == QQ_ERR_ARGUMENT);
    s.type = QQ_TYPE_F16;
    CHECK(qq_quantize(&x, &s, out, 28, &a) == QQ_ERR_TYPE);
    CHECK(qq_array_size(&x, &s) == SIZE_MAX);
    s.type = QQ_TYPE_INT8;
    s.channels = 1u << 5;
    CHECK(qq_quantize(&x, &s, out, 28, &a) == QQ_ERR_AXIS);
    for (size_t i = 0; i < sizeof out; i++)
        CHECK(out[i] == 7);
    room_free();
}

// Nothing has no bytes; a number alone has a scale.
static void test_small_shapes(void)
{
    const size_t shape[3] = {4, 0, 8};
    const float one = -2.5f;
    const qq_tensor none = qq_tensor_make(NULL, QQ_TYPE_F32, 3, shape);
    const qq_tensor x = qq_tensor_make(&one, QQ_TYPE_F32, 0, NULL);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    uint8_t out[5];
    qq_array a;

    CHECK(qq_scheme_channel(&s, 0, 3) == QQ_OK);
    CHECK(qq_array_size(&none, &s) == 0);
    CHECK(qq_quantize(&none, &s, NULL, 0, &a) == QQ_OK);
    CHECK(qq_array_check(&a) == QQ_OK);
    s.channels = 0;
    CHECK(qq_array_size(&x, &s) == 5);
    CHECK(qq_quantize(&x, &s, out, 5, &a) == QQ_OK);
    CHECK(qq_tensor_code(&a.value, 0) == -7 && a.scale.rank == 0);
}

int main(void)
{
    test_every_type();
    test_inputs();
    test_not_finite();
    test_again();
    test_nothing();
    test_huge();
    test_asymmetric();
    test_two_level();
    test_two_level_far();
    test_power_of_two();
    test_errors();
    test_small_shapes();
    return check_done();
}
