// Qwix's arrays: the calls of encode, scale-*, quantize-*, lowfloat-*, types,
// calibrate, release-mx and noise, and the same calls in refuse.

#include "checkers.h"

#include <stdio.h>
#include <string.h>

// --- schemes ---------------------------------------------------------------

// The type of a name of Qwix, none where there is no such type; "dtype:int2"
// is int2 in another container.
static qq_type arrays_type_of(const char *name)
{
    if (name == NULL)
        return QQ_TYPE_NONE;
    if (strncmp(name, "dtype:", 6) == 0)
        name += 6;
    return qq_type_from_name(name);
}

// The name of a type as Qwix writes it.
static const char *arrays_name(qq_type type)
{
    switch (type) {
    case QQ_TYPE_F32:
        return "float32";
    case QQ_TYPE_F64:
        return "float64";
    case QQ_TYPE_F16:
        return "float16";
    case QQ_TYPE_BF16:
        return "bfloat16";
    default:
        return qq_type_name(type);
    }
}

// Type, division and calibration of the case; 0 where the library refuses.
static int arrays_scheme(struct golden_case *c, qq_scheme *s)
{
    const char *type = golden_set(c, "type");
    const char *calibration = golden_set(c, "calibration");
    const int release = golden_origin_has(c, "release");
    const int multiply = golden_yes(c, "multiply-by-reciprocal", 0);
    const char *scale_type = golden_set(c, "scale-type");

    *s = qq_scheme_init_rule(type != NULL ? arrays_type_of(type) : QQ_TYPE_INT8,
                             release ? QQ_RULE_QWIX_RELEASE : QQ_RULE_QWIX);
    if (golden_is(c, "division", "reciprocal"))
        s->division =
            multiply ? QQ_DIVISION_MULTIPLY_RECIPROCAL : QQ_DIVISION_RECIPROCAL;
    else
        s->division = multiply ? QQ_DIVISION_MULTIPLY : QQ_DIVISION_TRUE;
    if (scale_type != NULL)
        s->scale_type = arrays_type_of(scale_type);
    return calibration == NULL ||
           golden_ok(c, qq_calibration_parse(calibration, strlen(calibration),
                                             &s->calibration));
}

// Its axes, for arrays of a rank.
static int arrays_axes(struct golden_case *c, qq_scheme *s, unsigned rank)
{
    struct golden_tile tile[32];
    long axis[32];
    const size_t channels = golden_ints(c, "channel-axes", axis, 32);
    const size_t tiles = golden_tiles(c, "tile-axes", tile, 32);

    for (size_t i = 0; i < channels && i < 32; i++)
        if (!golden_ok(c, qq_scheme_channel(s, (int)axis[i], rank)))
            return 0;
    for (size_t i = 0; i < tiles && i < 32; i++) {
        const int a = (int)tile[i].axis;
        // A negative size is as large as none can be.
        const qq_status status =
            tile[i].size != 0 || tile[i].fraction == 0
                ? qq_scheme_tile(s, a, rank, (size_t)tile[i].size)
                : qq_scheme_tile_fraction(s, a, rank, tile[i].fraction);
        if (!golden_ok(c, status))
            return 0;
    }
    return 1;
}

// Noise that the case gives, in memory of the caller's.
static void arrays_noise(struct golden_case *c, qq_scheme *s, qq_tensor *noise)
{
    if (!golden_has_input(c, "noise"))
        return;
    *noise = golden_input(c, "noise");
    s->noise = QQ_NOISE_GIVEN;
    s->given_noise = noise;
}

// --- single types ----------------------------------------------------------

static void check_symmetric_bound(struct golden_case *c)
{
    qq_scheme s;
    uint32_t bad = 0;

    if (!arrays_scheme(c, &s))
        return;
    const double bound = (double)qq_scheme_bound(&s);
    (void)qq_scheme_check(&s, NULL, &bad);
    if (golden_ok(c, bad & QQ_BAD_TYPE ? QQ_ERR_TYPE : QQ_OK))
        golden_expect_f64s(c, "bound", &bound, 1);
}

static void check_asymmetric_bound(struct golden_case *c)
{
    qq_type_info info;
    qq_scheme s;
    uint32_t bad = 0;

    if (!arrays_scheme(c, &s))
        return;
    s.calibration.method = QQ_CALIB_MINMAX;
    (void)qq_scheme_check(&s, NULL, &bad);
    if (!golden_ok(c, bad & QQ_BAD_AFFINE ? QQ_ERR_SCHEME
                                          : qq_type_get(s.type, &info)))
        return;
    const double range[2] = {info.min, info.max};
    golden_expect_f64s(c, "range", range, 2);
}

static void check_should_quantize(struct golden_case *c)
{
    qq_type_info info;
    const qq_type type = arrays_type_of(golden_set(c, "type"));

    golden_expect_text(
        c, "answer",
        qq_type_get(type, &info) == QQ_OK && info.kind == QQ_KIND_FLOAT ? "yes"
                                                                        : "no");
}

// Codes that are places of a table cannot be scaled after a product.
static void check_dequant_on_output(struct golden_case *c)
{
    qq_type_info info;

    if (golden_ok(c, qq_type_get(arrays_type_of(golden_set(c, "type")), &info)))
        golden_expect_text(c, "answer",
                           info.kind == QQ_KIND_BOOK ? "no" : "yes");
}

// "type" or "type scale".
static void arrays_operand(struct golden_case *c, const char *key,
                           qq_type *type, qq_type *scale)
{
    const char *words = golden_set(c, key);
    char first[64] = "", second[64] = "";

    if (words == NULL || sscanf(words, "%63s %63s", first, second) < 1)
        golden_fail(c, "no operand %s", key);
    *type = arrays_type_of(first);
    *scale = arrays_type_of(second);
}

static void check_product_types(struct golden_case *c)
{
    qq_type lhs, lhs_scale, rhs, rhs_scale, sum, result;

    arrays_operand(c, "lhs", &lhs, &lhs_scale);
    arrays_operand(c, "rhs", &rhs, &rhs_scale);
    if (!golden_ok(c,
                   qq_product_types(lhs, lhs_scale, rhs, rhs_scale,
                                    arrays_type_of(golden_set(c, "preferred")),
                                    &sum, &result)))
        return;
    golden_expect_text(c, "accumulator", arrays_name(sum));
    golden_expect_text(c, "result", arrays_name(result));
}

// --- shapes ----------------------------------------------------------------

// "4 8", "scalar".
static void arrays_expect_shape(struct golden_case *c, const char *name,
                                unsigned rank, const size_t *shape)
{
    char text[256] = "scalar";
    size_t at = 0;

    for (unsigned a = 0; a < rank; a++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%lu",
                               a > 0 ? " " : "", (unsigned long)shape[a]);
    golden_expect_text(c, name, text);
}

static void check_scale_shape(struct golden_case *c)
{
    size_t shape[64], scale[QQ_MAX_RANK];
    const unsigned rank = golden_shape(c, "shape", shape);
    qq_scheme s;

    if (!arrays_scheme(c, &s) || !arrays_axes(c, &s, rank) ||
        !golden_ok(c, qq_scheme_scale_shape(&s, rank, shape, scale)))
        return;
    arrays_expect_shape(c, "scale-shape", rank, scale);
}

static void check_tiled_axes(struct golden_case *c)
{
    size_t shape[64], scale_shape[64];
    const unsigned rank = golden_shape(c, "shape", shape);
    const unsigned scale_rank = golden_shape(c, "scale-shape", scale_shape);
    qq_tensor codes = qq_tensor_make(NULL, QQ_TYPE_INT8, rank, shape);
    qq_tensor scale =
        qq_tensor_make(NULL, QQ_TYPE_F32, scale_rank, scale_shape);
    char text[256] = "none";
    size_t at = 0;
    qq_array a;

    codes.data = golden_bytes(c, qq_tensor_bytes(&codes));
    scale.data = golden_bytes(c, qq_tensor_bytes(&scale));
    if (!golden_ok(c, qq_array_make(&codes, &scale, NULL, QQ_TYPE_NONE, &a)))
        return;
    for (unsigned i = 0; i < rank; i++) {
        if (scale_shape[i] == shape[i] || scale_shape[i] == 1)
            continue;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%u:%lu",
                               at > 0 ? " " : "", i, (unsigned long)a.tile[i]);
    }
    golden_expect_text(c, "tile-axes", text);
    arrays_expect_shape(c, "tile-shape", rank, a.tile);
}

// --- codes -----------------------------------------------------------------

static void check_convert_to(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_tensor noise, codes;
    qq_scheme s;

    if (!arrays_scheme(c, &s))
        return;
    arrays_noise(c, &s, &noise);
    const size_t bytes = qq_type_bytes(s.type, qq_tensor_count(&x));
    void *out = golden_bytes(c, bytes);
    if (golden_ok(c, qq_encode(&x, &s, out, bytes, &codes)))
        golden_expect_tensor(c, "codes", &codes);
}

static void check_convert_from(struct golden_case *c)
{
    const qq_type type = arrays_type_of(golden_set(c, "type"));
    qq_type_info info;
    qq_tensor values;

    if (!golden_ok(c, qq_type_get(type, &info)))
        return;
    const qq_tensor codes = golden_input_as(c, "codes", info.storage);
    const size_t bytes = 4 * qq_tensor_count(&codes);
    void *out = golden_bytes(c, bytes);
    if (golden_ok(c,
                  qq_tensor_convert(&codes, QQ_TYPE_F32, out, bytes, &values)))
        golden_expect_tensor(c, "values", &values);
}

// --- arrays ----------------------------------------------------------------

static void arrays_expect(struct golden_case *c, const qq_array *a)
{
    const qq_type type = a->scale.type;
    const size_t bytes = qq_type_bytes(type, qq_tensor_count(&a->value));
    void *out = golden_bytes(c, bytes);
    qq_tensor x;

    golden_expect_tensor(c, "codes", &a->value);
    golden_expect_tensor(c, "scale", &a->scale);
    if (a->zero_point.type != QQ_TYPE_NONE)
        golden_expect_tensor(c, "zero-point", &a->zero_point);
    if (golden_wants(c, "dequant") &&
        golden_ok(c, qq_dequantize(a, QQ_RULE_QWIX, type, out, bytes, &x)))
        golden_expect_tensor(c, "dequant", &x);
}

static void check_quantize(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_tensor noise;
    qq_scheme s;
    qq_array a;

    if (!arrays_scheme(c, &s) || !arrays_axes(c, &s, x.rank))
        return;
    arrays_noise(c, &s, &noise);
    const size_t bytes = qq_array_size(&x, &s);
    void *out = golden_bytes(c, bytes != SIZE_MAX ? bytes : 0);
    if (golden_ok(c, qq_quantize(&x, &s, out, bytes, &a)))
        arrays_expect(c, &a);
}

static void check_quantize_given(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    const qq_tensor scale = golden_input(c, "scale");
    const int has_zero = golden_has_input(c, "zero-point");
    qq_tensor noise, zero;
    qq_scheme s;
    qq_array a;

    if (!arrays_scheme(c, &s))
        return;
    if (has_zero)
        zero = golden_input_as(c, "zero-point", s.type);
    arrays_noise(c, &s, &noise);
    const qq_tensor *z = has_zero ? &zero : NULL;
    const size_t bytes = qq_quantize_given_size(&x, &s, &scale, z);
    void *out = golden_bytes(c, bytes != SIZE_MAX ? bytes : 0);
    if (golden_ok(c, qq_quantize_given(&x, &s, &scale, z, out, bytes, &a)))
        arrays_expect(c, &a);
}

static void check_calibrate(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_bounds b;
    qq_scheme s;

    if (!arrays_scheme(c, &s) || !arrays_axes(c, &s, x.rank))
        return;
    s.type = QQ_TYPE_INT8; // has no influence
    const size_t bytes = qq_calibrate_size(&x, &s);
    void *out = golden_bytes(c, bytes != SIZE_MAX ? bytes : 0);
    if (!golden_ok(c, qq_calibrate(&x, &s, out, bytes, &b)))
        return;
    if (b.absmax.type != QQ_TYPE_NONE)
        golden_expect_tensor(c, "absmax", &b.absmax);
    if (b.min.type != QQ_TYPE_NONE)
        golden_expect_tensor(c, "min", &b.min);
    if (b.max.type != QQ_TYPE_NONE)
        golden_expect_tensor(c, "max", &b.max);
}

static void check_scale(struct golden_case *c)
{
    qq_tensor scale, zero;
    qq_bounds b;
    qq_scheme s;

    memset(&b, 0, sizeof b);
    if (golden_has_input(c, "absmax"))
        b.absmax = golden_input(c, "absmax");
    if (golden_has_input(c, "min"))
        b.min = golden_input(c, "min");
    if (golden_has_input(c, "max"))
        b.max = golden_input(c, "max");
    if (!arrays_scheme(c, &s))
        return;
    const size_t bytes = qq_scale_size(&b, &s);
    void *out = golden_bytes(c, bytes != SIZE_MAX ? bytes : 0);
    if (!golden_ok(
            c, qq_scale_from_bounds(&b, &s, out, bytes, &scale, &zero, NULL)))
        return;
    golden_expect_tensor(c, "scale", &scale);
    if (zero.type != QQ_TYPE_NONE)
        golden_expect_tensor(c, "zero-point", &zero);
}

// --- noise -----------------------------------------------------------------

static qq_key arrays_key(struct golden_case *c)
{
    size_t count = 0;
    const uint32_t *word = golden_u32s(c, "key", &count);
    qq_key key = {{0, 0}};

    if (count == 2)
        memcpy(key.word, word, sizeof key.word);
    return key;
}

static void arrays_expect_noise(struct golden_case *c, qq_noise noise,
                                unsigned rank, const size_t *shape)
{
    qq_tensor t = qq_tensor_make(NULL, QQ_TYPE_F32, rank, shape);
    const size_t n = qq_tensor_count(&t);
    float *out = (float *)golden_aligned(c, 4 * n);

    t.data = out;
    if (golden_ok(c, qq_random_noise(arrays_key(c), QQ_RANDOM_PARTITIONABLE,
                                     noise, n, 0, n, out)))
        golden_expect_tensor(c, "noise", &t);
}

static void arrays_noise_and_bits(struct golden_case *c, qq_noise noise,
                                  unsigned width)
{
    size_t shape[64];
    const unsigned rank = golden_shape(c, "shape", shape);
    const qq_tensor t = qq_tensor_make(NULL, QQ_TYPE_F32, rank, shape);
    const size_t n = qq_tensor_count(&t);
    void *bits = golden_aligned(c, 4 * n);
    const qq_key made = qq_key_make(golden_wide(c, "seed", 0), 0);
    const qq_key key = arrays_key(c);

    if (made.word[0] != key.word[0] || made.word[1] != key.word[1])
        golden_fail(c, "another key comes of the seed");
    if (!golden_ok(c, qq_random_bits(key, QQ_RANDOM_PARTITIONABLE, width, n, 0,
                                     n, bits, n * width / 8)))
        return;
    if (width == 32)
        golden_expect_u32s(c, "bits", (const uint32_t *)bits, n);
    else
        golden_expect_u8s(c, "bits", (const uint8_t *)bits, n);
    arrays_expect_noise(c, noise, rank, shape);
}

static void check_uniform(struct golden_case *c)
{
    arrays_noise_and_bits(c, QQ_NOISE_UNIFORM, 32);
}

static void check_low_bit(struct golden_case *c)
{
    arrays_noise_and_bits(c, QQ_NOISE_LOW_BIT, 8);
}

// Noise of the shape with size 1 on all axes that are not named; axes that
// do not exist match nothing.
static void check_noise_fn(struct golden_case *c)
{
    size_t shape[64];
    long axis[32];
    const unsigned rank = golden_shape(c, "shape", shape);
    const size_t axes = golden_ints(c, "noise-axes", axis, 32);

    if (!golden_is(c, "noise-method", "uniform") &&
        !golden_is(c, "noise-method", "low_bit_uniform")) {
        golden_refuses(c, "no such noise");
        return;
    }
    for (unsigned a = 0; a < rank; a++) {
        int named = 0;
        for (size_t i = 0; i < axes; i++)
            named = named || axis[i] == (long)a;
        shape[a] = named ? shape[a] : 1;
    }
    arrays_expect_noise(c,
                        golden_is(c, "noise-method", "uniform")
                            ? QQ_NOISE_UNIFORM
                            : QQ_NOISE_LOW_BIT,
                        rank, shape);
}

const struct golden_checker golden_qwix_arrays[] = {
    {"qwix", "numerics.convert_to", check_convert_to},
    {"qwix", "numerics.convert_from", check_convert_from},
    {"qwix", "numerics.get_symmetric_bound", check_symmetric_bound},
    {"qwix", "numerics.get_asymmetric_bound", check_asymmetric_bound},
    {"qwix", "numerics.should_quantize", check_should_quantize},
    {"qwix", "numerics.can_dequant_on_output", check_dequant_on_output},
    {"qwix", "qarray.get_accumulator_and_result_type", check_product_types},
    {"qwix", "qarray.get_scale_shape", check_scale_shape},
    {"qwix", "qarray.get_tiled_axes", check_tiled_axes},
    {"qwix", "qarray.quantize", check_quantize},
    {"qwix", "qarray.quantize_with_scale_zero_point", check_quantize_given},
    {"qwix", "qarray.calibrate", check_calibrate},
    {"qwix", "qarray.compute_scale_zero_point", check_scale},
    {"qwix", "stochastic_rounding.uniform_noise", check_uniform},
    {"qwix", "stochastic_rounding.low_bit_uniform_noise", check_low_bit},
    {"qwix", "stochastic_rounding.NoiseFn", check_noise_fn},
    {NULL, NULL, NULL},
};
