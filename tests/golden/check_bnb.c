// The cases of bnb: the block formats of bitsandbytes, through api/bnb.h.

#include "checkers.h"

#include <string.h>

// "fp4" is the fp4 of bitsandbytes here; other words have their own types.
static qq_type bnb_type(struct golden_case *c)
{
    const char *word = golden_set(c, "type");

    if (word == NULL)
        return QQ_TYPE_NONE;
    return strcmp(word, "fp4") == 0 ? QQ_TYPE_BNB_FP4 : qq_type_from_name(word);
}

// The type of the decoded values: dtype, or x's.
static qq_type bnb_dtype(struct golden_case *c)
{
    const char *word = golden_set(c, "dtype");
    const struct golden_array *x = golden_raw(c, "x");
    struct golden_type type;

    if (word == NULL)
        return x != NULL ? x->type.qq : QQ_TYPE_F32;
    return golden_type_of(word, &type) ? type.qq : QQ_TYPE_NONE;
}

static void bnb_expect_levels(struct golden_case *c, const float *levels,
                              size_t count)
{
    if (levels == NULL)
        golden_fail(c, "no levels");
    else
        golden_expect_f32s(c, "code", levels, count);
}

// The table is named by the case.
static void check_4bit_type(struct golden_case *c)
{
    const int fp4 = strstr(c->name, "fp4") != NULL;

    bnb_expect_levels(c, qq_book_levels(fp4 ? QQ_TYPE_BNB_FP4 : QQ_TYPE_NF4),
                      16);
}

static void check_dynamic_map(struct golden_case *c)
{
    float levels[256];

    qq_bnb_dynamic_map(golden_yes(c, "signed", 1), levels);
    bnb_expect_levels(c, levels, 256);
}

// Dequantizes a weight into the output "values".
static void bnb_expect_values(struct golden_case *c, const qq_bnb_weight *w,
                              qq_type type)
{
    const qq_tensor whole = qq_tensor_make(NULL, type, w->rank, w->shape);
    const size_t bytes = qq_tensor_bytes(&whole);
    void *out = golden_bytes(c, bytes);
    qq_tensor values;

    if (golden_ok(c, qq_bnb_dequantize(w, type, out, bytes, &values)))
        golden_expect_tensor(c, "values", &values);
}

static void check_quantize_4bit(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_bnb_options o = qq_bnb_options_init();
    qq_bnb_weight w;

    o.type = bnb_type(c);
    o.block_size = (size_t)golden_wide(c, "block-size", 0);
    o.nested_block_size = (size_t)golden_wide(c, "nested-block-size", 0);
    const size_t size = qq_bnb_size(&x, &o);
    const size_t bytes = size != SIZE_MAX ? size : 4096;
    const size_t room = size != SIZE_MAX ? qq_bnb_scratch_size(&x, &o) : 0;
    void *out = golden_bytes(c, bytes);
    void *scratch = golden_bytes(c, room);
    if (!golden_ok(c, qq_bnb_quantize(&x, &o, out, bytes, scratch, room, &w)))
        return;
    golden_expect_flat(c, "packed", &w.packed);
    golden_expect_tensor(c, "absmax", &w.absmax);
    if (o.nested_block_size != 0) {
        golden_expect_tensor(c, "nested-absmax", &w.nested_absmax);
        golden_expect_shape(c, "offset", 0, NULL);
        golden_expect_f32s(c, "offset", &w.nested_offset, 1);
    }
    if (golden_wants(c, "values"))
        bnb_expect_values(c, &w, bnb_dtype(c));
}

// The one number of a scalar input.
static float bnb_scalar(struct golden_case *c, const char *name)
{
    size_t count = 0;
    const float *x = golden_f32s(c, name, &count);

    return x != NULL && count == 1 ? *x : 0.0f;
}

static void check_dequantize_4bit(struct golden_case *c)
{
    qq_bnb_weight w;

    memset(&w, 0, sizeof w);
    w.packed = golden_input(c, "packed");
    w.absmax = golden_input(c, "absmax");
    w.type = bnb_type(c);
    w.dtype = bnb_dtype(c);
    w.block_size = (size_t)golden_wide(c, "block-size", 0);
    w.nested_block_size = (size_t)golden_wide(c, "nested-block-size", 0);
    if (w.nested_block_size != 0) {
        w.nested_absmax = golden_input(c, "nested-absmax");
        w.nested_quant_map = golden_input(c, "nested-quant-map");
        w.nested_offset = bnb_scalar(c, "offset");
    }
    const size_t blocks = qq_tensor_count(&w.absmax);
    size_t shape[GOLDEN_MAX_RANK] = {blocks, w.block_size};
    w.rank = 2;
    if (golden_set(c, "shape") != NULL)
        w.rank = golden_shape(c, "shape", shape);
    for (unsigned i = 0; i < w.rank && i < QQ_MAX_RANK; i++)
        w.shape[i] = shape[i];
    bnb_expect_values(c, &w, w.dtype);
    if (!golden_wants(c, "scales"))
        return;
    void *out = golden_bytes(c, 4 * blocks);
    qq_tensor scales;
    if (golden_ok(c, qq_bnb_scales(&w, out, 4 * blocks, &scales)))
        golden_expect_tensor(c, "scales", &scales);
}

// What a checkpoint holds: the key of the JSON ends in the type's name.
static void check_state(struct golden_case *c)
{
    const char *json = golden_given_text(c, "json");
    const char *key = golden_given_text(c, "json-key");
    qq_bnb_weight w;

    if (json == NULL || key == NULL) {
        golden_fail(c, "no JSON");
        return;
    }
    // At an odd address, with nothing behind it.
    const size_t bytes = strlen(json);
    void *text = golden_bytes(c, bytes);
    memcpy(text, json, bytes);
    if (!golden_ok(c, qq_bnb_state_parse(text, bytes, &w)))
        return;
    const char *name = strstr(key, "__");
    if (name == NULL ||
        (strcmp(name + 2, "fp4") == 0) != (w.type == QQ_TYPE_BNB_FP4))
        golden_fail(c, "the key and the JSON name different types");
    w.packed = golden_input(c, "packed");
    w.absmax = golden_input(c, "absmax");
    w.quant_map = golden_input(c, "quant_map");
    if (golden_has_input(c, "nested_absmax")) {
        w.nested_absmax = golden_input(c, "nested_absmax");
        w.nested_quant_map = golden_input(c, "nested_quant_map");
    }
    bnb_expect_values(c, &w, QQ_TYPE_NONE != w.dtype ? w.dtype : QQ_TYPE_F32);
}

static void bnb_expect_block_values(struct golden_case *c,
                                    const qq_bnb_blocks *b)
{
    const qq_type type = bnb_dtype(c);
    const size_t bytes = qq_type_bytes(type, qq_tensor_count(&b->codes));
    void *out = golden_bytes(c, bytes);
    qq_tensor values;

    if (golden_ok(c, qq_bnb_dequantize_blocks(b, type, out, bytes, &values)))
        golden_expect_tensor(c, "values", &values);
}

static void check_quantize_blocks(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    const size_t block_size = (size_t)golden_wide(c, "block-size", 0);
    const size_t size = qq_bnb_blocks_size(&x, block_size, NULL);
    const size_t bytes = size != SIZE_MAX ? size : 4096;
    void *out = golden_bytes(c, bytes);
    float levels[256];
    qq_bnb_blocks b;

    if (!golden_ok(
            c, qq_bnb_quantize_blocks(&x, block_size, NULL, out, bytes, &b)))
        return;
    golden_expect_tensor(c, "codes", &b.codes);
    golden_expect_tensor(c, "absmax", &b.absmax);
    bnb_expect_block_values(c, &b);

    // The same with the map given.
    qq_bnb_dynamic_map(1, levels);
    const size_t given = qq_bnb_blocks_size(&x, block_size, levels);
    void *again = golden_bytes(c, given);
    if (golden_ok(c, qq_bnb_quantize_blocks(&x, block_size, levels, again,
                                            given, &b)))
        golden_expect_tensor(c, "codes", &b.codes);
}

static void check_dequantize_blocks(struct golden_case *c)
{
    qq_bnb_blocks b;

    memset(&b, 0, sizeof b);
    b.codes = golden_input(c, "codes");
    b.absmax = golden_input(c, "absmax");
    b.block_size = (size_t)golden_wide(c, "block-size", 0);
    bnb_expect_block_values(c, &b);
}

static void bnb_expect_row_values(struct golden_case *c, const qq_bnb_rows *r)
{
    const size_t bytes = 4 * qq_tensor_count(&r->codes);
    void *out = golden_bytes(c, bytes);
    qq_tensor values;

    if (golden_ok(c,
                  qq_bnb_dequantize_rows(r, QQ_TYPE_F32, out, bytes, &values)))
        golden_expect_tensor(c, "values", &values);
}

static void check_quantize_rows(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    const float threshold = (float)golden_float(c, "threshold", 0.0);
    const size_t size = qq_bnb_rows_size(&x, threshold);
    const size_t bytes = size != SIZE_MAX ? size : 4096;
    void *out = golden_bytes(c, bytes);
    qq_bnb_rows r;

    if (!golden_ok(c, qq_bnb_quantize_rows(&x, threshold, out, bytes, &r)))
        return;
    golden_expect_tensor(c, "codes", &r.codes);
    golden_expect_tensor(c, "absmax", &r.absmax);
    if (golden_wants(c, "columns"))
        golden_expect_tensor(c, "columns", &r.columns);
    if (golden_wants(c, "values"))
        bnb_expect_row_values(c, &r);
}

static void check_dequantize_rows(struct golden_case *c)
{
    qq_bnb_rows r;

    memset(&r, 0, sizeof r);
    r.codes = golden_input(c, "codes");
    r.absmax = golden_input(c, "absmax");
    bnb_expect_row_values(c, &r);
}

static void check_product(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    const qq_tensor y = golden_input(c, "y");
    const qq_tensor x_absmax = golden_input(c, "x-absmax");
    const qq_tensor y_absmax = golden_input(c, "y-absmax");
    const qq_tensor bias = golden_input(c, "bias");
    const size_t count = x.shape[0] * y.shape[0];
    void *out = golden_bytes(c, 4 * count);
    void *half = golden_bytes(c, 2 * count);
    qq_tensor sums;
    qq_tensor z;

    if (!golden_ok(c, qq_bnb_rows_product(&x, &y, out, 4 * count, &sums)))
        return;
    golden_expect_tensor(c, "sums", &sums);
    if (golden_ok(c,
                  qq_bnb_rows_scale(&sums, &x_absmax, &y_absmax,
                                    golden_has_input(c, "bias") ? &bias : NULL,
                                    QQ_TYPE_F16, half, 2 * count, &z)))
        golden_expect_tensor(c, "z", &z);
}

const struct golden_checker golden_bnb[] = {
    {"bnb", "get_4bit_type", check_4bit_type},
    {"bnb", "create_dynamic_map", check_dynamic_map},
    {"bnb", "quantize_4bit", check_quantize_4bit},
    {"bnb", "dequantize_4bit", check_dequantize_4bit},
    {"bnb", "QuantState.from_dict, dequantize_4bit", check_state},
    {"bnb", "quantize_blockwise", check_quantize_blocks},
    {"bnb", "dequantize_blockwise", check_dequantize_blocks},
    {"bnb", "int8_vectorwise_quant", check_quantize_rows},
    {"bnb", "int8_vectorwise_dequant", check_dequantize_rows},
    {"bnb", "int8_linear_matmul, int8_mm_dequant", check_product},
    {NULL, NULL, NULL},
};
