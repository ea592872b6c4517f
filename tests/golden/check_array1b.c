// The cases of array1b that pack, quantize and decode.

#include "array1b.h"

#include <string.h>

// --- Array1B ---------------------------------------------------------------

// The values of a in the type of a word, which qq_type may lack.
static void expect_values(struct golden_case *c, const qq_array1b *a,
                          const char *word)
{
    const qq_type type = array1b_type(word);
    const size_t count = 4 * qq_array1b_size(a->rank, a->shape);
    struct golden_type wide;
    qq_tensor values;

    if (type != QQ_TYPE_NONE) {
        const size_t bytes = qq_type_bytes(type, count);
        void *out = golden_bytes(c, bytes);
        if (golden_ok(c, qq_array1b_unpack(a, type, out, bytes, &values)))
            golden_expect_tensor(c, "values", &values);
        return;
    }
    if (word == NULL || !golden_type_of(word, &wide)) {
        golden_fail(c, "no such type");
        return;
    }
    const unsigned width = wide.bits / 8;
    uint8_t *out = (uint8_t *)golden_bytes(c, count * width);
    uint64_t *words = (uint64_t *)golden_aligned(c, count * sizeof *words);
    if (!golden_ok(c, qq_array1b_unpack_integers(a, width, out, count * width)))
        return;
    for (size_t i = 0; i < count; i++) {
        uint16_t u16;
        uint32_t u32;
        memcpy(&u16, out + i * width, sizeof u16);
        if (width == 2)
            words[i] = u16;
        if (width < 4)
            continue;
        memcpy(&u32, out + i * width, sizeof u32);
        words[i] = u32;
        if (width == 8)
            memcpy(&words[i], out + i * width, 8);
    }
    golden_expect_u64s(c, "values", words, count);
    golden_expect_shape(c, "values", a->rank, a->shape);
}

static void expect_packed(struct golden_case *c, const qq_array1b *a)
{
    size_t shape[QQ_MAX_RANK];

    memcpy(shape, a->shape, sizeof shape);
    shape[0] /= 4;
    golden_expect_u8s(c, "packed", (const uint8_t *)a->packed,
                      qq_array1b_size(a->rank, a->shape));
    golden_expect_shape(c, "packed", a->rank, shape);
}

static void check_pack(struct golden_case *c)
{
    const int compat = golden_yes(c, "compat", 0);
    const char *word = golden_set(c, "dtype");
    qq_array1b a;

    if (!array1b_pack(c, "x", compat ? QQ_ARRAY1B_EFORMER : QQ_ARRAY1B_STRICT,
                      array1b_type(word), &a))
        return;
    expect_packed(c, &a);
    if (golden_wants(c, "values"))
        expect_values(c, &a, word);
}

static void check_unpack(struct golden_case *c)
{
    const qq_tensor packed = golden_input(c, "packed");
    const char *word = golden_set(c, "dtype");
    qq_array1b a;
    size_t shape[QQ_MAX_RANK];

    memcpy(shape, packed.shape, sizeof shape);
    shape[0] *= 4;
    if (golden_ok(c,
                  qq_array1b_make(packed.data, qq_tensor_bytes(&packed),
                                  packed.rank, shape, array1b_type(word), &a)))
        expect_values(c, &a, word);
}

// Packed bytes with neither shape nor type.
static void check_bare(struct golden_case *c)
{
    const qq_tensor packed = golden_input(c, "packed");
    qq_array1b a;

    (void)golden_ok(c, qq_array1b_make(packed.data, qq_tensor_bytes(&packed), 0,
                                       NULL, QQ_TYPE_NONE, &a));
}

// --- the front end ---------------------------------------------------------

static int front_scheme(struct golden_case *c, unsigned rank, qq_scheme *s)
{
    const char *name = golden_set(c, "type");
    const long block = golden_int(c, "block-size", 64);

    return golden_ok(c,
                     qq_eformer_scheme(name != NULL ? name : "nf4",
                                       block < 0 ? 0 : (size_t)block, rank, s));
}

static void check_config(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_scheme s;

    (void)front_scheme(c, x.rank, &s);
}

// Ternary codes, packed again as Array1B.
static void check_front(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_array1b packed;
    qq_scheme s;
    qq_array a;

    if (!front_scheme(c, x.rank, &s) || !array1b_quantize(c, &x, &s, &a))
        return;
    if (s.type == QQ_TYPE_NF4 || s.type == QQ_TYPE_INT8) {
        array1b_expect(c, &a, s.rule, QQ_TYPE_NONE);
        return;
    }
    const size_t bytes = qq_array1b_size(x.rank, x.shape);
    const size_t room = bytes == SIZE_MAX ? 0 : bytes;
    if (!golden_ok(c, qq_array1b_pack(&a.value, QQ_ARRAY1B_STRICT, QQ_TYPE_INT8,
                                      golden_bytes(c, room), room, &packed)))
        return;
    expect_packed(c, &packed);
    expect_values(c, &packed, "i8");
}

static void check_straight_through(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    const qq_tensor g = golden_input(c, "g");
    qq_tensor y, dx;
    qq_scheme s;

    (void)golden_yes(c, "compat", 0);
    if (!front_scheme(c, x.rank, &s))
        return;
    if (s.type == QQ_TYPE_INT8 && !array1b_scheme(c, ARRAY1B_8BIT, x.rank, &s))
        return;
    const size_t bytes = qq_straight_through_size(&x, &s, 1);
    const size_t need = qq_straight_through_scratch_size(&x, &s, 1);
    const size_t room = bytes == SIZE_MAX ? 0 : bytes;
    const size_t scratch = need == SIZE_MAX ? 0 : need;
    if (!golden_ok(c,
                   qq_straight_through(&x, &s, 1, golden_bytes(c, room), room,
                                       golden_bytes(c, scratch), scratch, &y)))
        return;
    golden_expect_tensor(c, "y", &y);
    const size_t wide = qq_tensor_bytes(&g);
    if (golden_ok(c, qq_straight_through_gradient(&g, &x, golden_bytes(c, wide),
                                                  wide, &dx)))
        golden_expect_tensor(c, "dx", &dx);
}

// --- ArrayNF4, Array8B -----------------------------------------------------

static void check_quantize(struct golden_case *c, array1b_class class_)
{
    const qq_tensor x = golden_input(c, "x");
    qq_scheme s;
    qq_array a;

    if (array1b_scheme(c, class_, x.rank, &s) &&
        array1b_quantize(c, &x, &s, &a))
        array1b_expect(c, &a, s.rule, array1b_type(golden_set(c, "dtype")));
}

static void check_quantize_nf4(struct golden_case *c)
{
    check_quantize(c, ARRAY1B_NF4);
}

static void check_quantize_8bit(struct golden_case *c)
{
    check_quantize(c, ARRAY1B_8BIT);
}

static void expect_levels(struct golden_case *c, qq_nf4_levels which)
{
    const float *levels = qq_eformer_levels(which);

    if (levels == NULL)
        golden_fail(c, "no levels");
    else
        golden_expect_f32s(c, "levels", levels, 16);
}

static void check_levels(struct golden_case *c)
{
    expect_levels(c, QQ_NF4_TABLE);
}

static void check_unfused(struct golden_case *c)
{
    expect_levels(c, QQ_NF4_UNFUSED);
}

// Decodes codes, which have the shape of value, with scales.
static void decode(struct golden_case *c, const qq_tensor *value,
                   const qq_tensor *scale, const char *name)
{
    qq_array a;
    qq_tensor values;

    if (!golden_ok(c, qq_array_make(value, scale, NULL, value->type, &a)))
        return;
    const size_t bytes = qq_type_bytes(scale->type, qq_tensor_count(value));
    if (!golden_ok(c, qq_dequantize(&a, QQ_RULE_EFORMER, scale->type,
                                    golden_bytes(c, bytes), bytes, &values)))
        return;
    if (strcmp(name, "levels") == 0)
        golden_expect_flat(c, name, &values);
    else
        golden_expect_tensor(c, name, &values);
}

static void check_decode_nf4(struct golden_case *c)
{
    const qq_tensor packed = golden_input(c, "packed");
    const qq_tensor absmax = golden_input(c, "absmax");
    const size_t bytes = qq_tensor_bytes(&packed);
    uint8_t *codes = (uint8_t *)golden_bytes(c, 2 * bytes);
    uint8_t *low = (uint8_t *)golden_bytes(c, bytes);
    size_t shape[QQ_MAX_RANK];

    (void)golden_int(c, "block-size", 0);
    (void)golden_ok(c, qq_unpack_bits(4, QQ_ORDER_HIGH_NIBBLE_FIRST, 0, 0,
                                      2 * bytes, packed.data, bytes, codes,
                                      2 * bytes));
    (void)golden_ok(c, qq_pack_bits(4, QQ_ORDER_LOW_FIRST, 0, 2 * bytes, codes,
                                    low, bytes));
    memcpy(shape, packed.shape, sizeof shape);
    const unsigned rank = packed.rank - 1;
    shape[rank - 1] = packed.shape[rank - 1] * packed.shape[rank] * 2;
    const qq_tensor value = qq_tensor_make(low, QQ_TYPE_NF4, rank, shape);
    decode(c, &value, &absmax, golden_wants(c, "levels") ? "levels" : "values");
}

static void check_decode_8bit(struct golden_case *c)
{
    const qq_tensor codes = golden_input(c, "codes");
    const qq_tensor scale = golden_input(c, "scale");

    decode(c, &codes, &scale, "values");
}

const struct golden_checker golden_array1b[] = {
    {"array1b", "Array1B.quantize", check_pack},
    {"array1b", "Array1B.materialize", check_pack},
    {"array1b", "unpack_weights_1bit", check_unpack},
    {"array1b", "Array1B", check_bare},
    {"array1b", "QuantizationConfig", check_config},
    {"array1b", "quantize", check_front},
    {"array1b", "straight_through", check_straight_through},
    {"array1b", "ArrayNF4.quantize", check_quantize_nf4},
    {"array1b", "Array8B.quantize", check_quantize_8bit},
    {"array1b", "get_nf4", check_levels},
    {"array1b", "nf4xf32_to_f32", check_unfused},
    {"array1b", "dequantize_nf4", check_decode_nf4},
    {"array1b", "dequantize_int8", check_decode_8bit},
    {NULL, NULL, NULL}};
