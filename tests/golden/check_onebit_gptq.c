// The cases of onebit: RTN and GPTQ of OneCompression, AutoGPTQ's packing.

#include "checkers.h"

#include <string.h>

#include "onebit.h"

static qq_gptq_options gptq_settings(struct golden_case *c, int gptq)
{
    qq_gptq_options o = gptq ? qq_gptq_options_init() : qq_rtn_options_init();

    o.bits = (int32_t)golden_int(c, "bits", o.bits);
    o.group = (int32_t)golden_int(c, "group", o.group);
    o.symmetric = golden_yes(c, "symmetric", o.symmetric);
    o.mse = golden_yes(c, "mse", o.mse);
    o.grid = (int32_t)golden_int(c, "grid", o.grid);
    o.power = golden_float(c, "power", o.power);
    o.act_order = golden_yes(c, "act-order", o.act_order);
    o.block = (int32_t)golden_int(c, "block", o.block);
    o.percdamp = golden_float(c, "percdamp", o.percdamp);
    o.max_shrink = golden_float(c, "max-shrink", o.max_shrink);
    return o;
}

static void check_validate(struct golden_case *c, int gptq)
{
    static const char *const names[] = {"block", "percdamp", "bits",
                                        "group", "grid",     "power"};
    const qq_gptq_options o = gptq_settings(c, gptq);
    char wrong[64] = "";
    uint32_t bad;

    const qq_status status =
        gptq ? qq_gptq_options_check(&o, &bad) : qq_rtn_options_check(&o, &bad);
    for (int i = 0; i < 6; i++)
        if (bad >> i & 1) {
            if (wrong[0] != '\0')
                strcat(wrong, " ");
            strcat(wrong, names[i]);
        }
    golden_expect_text(c, "wrong", wrong[0] != '\0' ? wrong : "none");
    golden_ok(c, status);
}

static void check_gptq_validate(struct golden_case *c)
{
    check_validate(c, 1);
}

static void check_rtn_validate(struct golden_case *c)
{
    check_validate(c, 0);
}

static void check_find(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "weight");
    const qq_gptq_options o = gptq_settings(c, 1);
    const size_t n = raw->shape[0], k = raw->shape[1];
    const int rows = golden_yes(c, "per-row", 1);
    const float *w = onebit_floats(c, "weight", NULL);
    float *scale = (float *)golden_aligned(c, n * sizeof(float));
    float *zero = (float *)golden_aligned(c, n * sizeof(float));

    if (!golden_ok(c, qq_gptq_grid(rows ? n : 1, rows ? k : n * k, &o, w,
                                   rows ? k : n * k, scale, zero)))
        return;
    for (size_t i = 1; !rows && i < n; i++) {
        scale[i] = scale[0];
        zero[i] = zero[0];
    }
    golden_expect_f32s(c, "scale", scale, n);
    golden_expect_f32s(c, "zero", zero, n);
}

// fl(scale (code - zero)) in a type.
static void expect_decoded(struct golden_case *c, const struct golden_array *w,
                           qq_type type, const float *v)
{
    const qq_tensor t = onebit_tensor(c, type, 2, w->shape, v);

    golden_expect_tensor(c, "dequantized", &t);
}

static void check_rtn(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "weight");
    const qq_gptq_options o = gptq_settings(c, 0);
    const size_t n = raw->shape[0], k = raw->shape[1];
    const size_t group = o.group > 0 ? (size_t)o.group : k;
    const size_t groups = k / group + 1;
    uint8_t *codes = (uint8_t *)golden_aligned(c, n * k);
    float *scales = (float *)golden_aligned(c, n * groups * sizeof(float));
    float *zeros = (float *)golden_aligned(c, n * groups * sizeof(float));
    float *v = (float *)golden_aligned(c, n * k * sizeof(float));

    if (!golden_ok(c, qq_rtn_solve(n, k, &o, onebit_floats(c, "weight", NULL),
                                   k, codes, scales, zeros)))
        return;
    for (size_t i = 0; i < n * k; i++) {
        const size_t g = i / k * (k / group) + i % k / group;
        v[i] = scales[g] * ((float)codes[i] - zeros[g]);
    }
    golden_expect_u8s(c, "codes", codes, n * k);
    onebit_expect_halves(c, "scales", scales, n * (k / group));
    onebit_expect_halves(c, "zeros", zeros, n * (k / group));
    expect_decoded(c, raw, raw->type.qq, v);
}

static void check_gptq(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "weight");
    const qq_gptq_options o = gptq_settings(c, 1);
    const size_t n = raw->shape[0], k = raw->shape[1];
    const size_t group = o.group > 0 ? (size_t)o.group : k;
    const size_t groups = o.group > 0 ? (k + group - 1) / group : 1;
    const size_t need = qq_gptq_scratch_size(n, k);
    uint8_t *codes = (uint8_t *)golden_aligned(c, n * k);
    float *scales = (float *)golden_aligned(c, n * groups * sizeof(float));
    float *zeros = (float *)golden_aligned(c, n * groups * sizeof(float));
    int32_t *whole = (int32_t *)golden_aligned(c, n * groups * 4);
    float *v = (float *)golden_aligned(c, n * k * sizeof(float));
    uint32_t *order = (uint32_t *)golden_aligned(c, k * 4);

    if (!golden_ok(c, qq_gptq_solve(n, k, &o, onebit_floats(c, "weight", NULL),
                                    k, onebit_floats(c, "hessian", NULL), codes,
                                    scales, zeros, order, golden_bytes(c, need),
                                    need)))
        return;
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at < k; at++) {
            const size_t j = order[at], g = at / group * n + i;
            const float s = qq_f32_from_f16(qq_f16_from_f32(scales[g]));
            v[i * k + j] = s * ((float)codes[i * k + j] - zeros[g]);
        }
    for (size_t i = 0; i < n * groups; i++)
        whole[i] = (int32_t)zeros[i];
    golden_expect_u8s(c, "codes", codes, n * k);
    onebit_expect_halves(c, "scales", scales, n * groups);
    golden_expect_i32s(c, "zeros", whole, n * groups);
    if (golden_wants(c, "order"))
        golden_expect_u32s(c, "order", order, k);
    expect_decoded(c, raw, QQ_TYPE_F16, v);
}

static void check_pack_codes(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "codes");
    const size_t n = raw->shape[0], k = raw->shape[1];
    const unsigned bits = (unsigned)golden_int(c, "bits", 4);
    const size_t words = (k * bits + 31) / 32 * n;
    uint8_t *codes = (uint8_t *)golden_aligned(c, n * k);
    uint32_t *out = (uint32_t *)golden_aligned(c, words * 4);

    for (size_t i = 0; i < n * k; i++)
        codes[i] = (uint8_t)raw->bits[i];
    if (!golden_ok(c, qq_gptq_pack_codes(n, k, bits, codes, out)))
        return;
    int32_t *as_int = (int32_t *)golden_aligned(c, words * 4);
    memcpy(as_int, out, words * 4);
    golden_expect_i32s(c, "packed", as_int, words);
}

static void check_pack_zeros(struct golden_case *c)
{
    const struct golden_array *raw = golden_raw(c, "zeros");
    const size_t groups = raw->shape[0], n = raw->shape[1];
    const unsigned bits = (unsigned)golden_int(c, "bits", 4);
    const size_t words = n * bits / 32 * groups;
    int32_t *zeros = (int32_t *)golden_aligned(c, groups * n * 4);
    uint32_t *out = (uint32_t *)golden_aligned(c, words * 4);

    for (size_t i = 0; i < groups * n; i++)
        zeros[i] = (int32_t)(int64_t)raw->bits[i];
    if (!golden_ok(c, qq_gptq_pack_zeros(groups, n, bits, zeros, out)))
        return;
    int32_t *as_int = (int32_t *)golden_aligned(c, words * 4);
    memcpy(as_int, out, words * 4);
    golden_expect_i32s(c, "packed", as_int, words);
}

const struct golden_checker golden_onebit_gptq[] = {
    {"onebit", "GPTQ.validate_params", check_gptq_validate},
    {"onebit", "RTN.validate_params", check_rtn_validate},
    {"onebit", "GPTQExcecutor.find_params", check_find},
    {"onebit", "RTN.quantize_layer", check_rtn},
    {"onebit", "run_rtn", check_rtn},
    {"onebit", "run_gptq", check_gptq},
    {"onebit", "gptq_layer.pack_int_weights", check_pack_codes},
    {"onebit", "gptq_layer.pack_zeros", check_pack_zeros},
    {NULL, NULL, NULL}};
