// The cases of aqt/numerics and aqt/bits-numerics.

#include "check_aqt.h"

#include <string.h>

static void check_bounds(struct golden_case *c)
{
    size_t n = 0;
    const int32_t *bits = golden_i32s(c, "bits", &n);
    float *quant = (float *)golden_aligned(c, n * sizeof(float));
    float *clip = (float *)golden_aligned(c, n * sizeof(float));
    qq_scheme s = qq_scheme_init_rule(
        QQ_TYPE_NONE,
        strcmp(c->family, "bits") == 0 ? QQ_RULE_FJ : QQ_RULE_AQT);

    s.numerics.kind = QQ_NUMERICS_INT;
    s.numerics.preserve_zero = golden_yes(c, "preserve-zero", 0) != 0;
    s.numerics.preserve_max = golden_yes(c, "preserve-max", 0) != 0;
    s.numerics.round = golden_yes(c, "round", 0) != 0;
    for (size_t i = 0; i < n; i++) {
        double q, b;
        s.numerics.bits = (unsigned)bits[i];
        if (!golden_ok(c, qq_numerics_bounds(&s, &q, &b)))
            return;
        quant[i] = (float)q;
        clip[i] = (float)b;
    }
    golden_expect_f32s(c, "quant-bound", quant, n);
    golden_expect_f32s(c, "clip-bound", clip, n);
}

static void expect_quant_bound(struct golden_case *c, const qq_scheme *s)
{
    double quant, clip;
    float q;

    if (!golden_ok(c, qq_numerics_bounds(s, &quant, &clip)))
        return;
    q = (float)quant;
    golden_expect_f32s(c, "quant-bound", &q, 1);
}

static void check_fp8_bound(struct golden_case *c)
{
    const qq_scheme s = aqt_scheme(c, "numerics");

    expect_quant_bound(c, &s);
}

static void check_forward(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_scheme s = aqt_scheme(c, "numerics");
    const size_t n = qq_tensor_count(&x);
    const int same = s.type == QQ_TYPE_NONE; // the codes keep x's type
    const size_t bytes = qq_type_bytes(same ? x.type : s.type, n);
    void *out = golden_bytes(c, bytes);
    qq_tensor r;

    aqt_key(c, &s);
    if (!golden_ok(c, qq_encode(&x, &s, out, bytes, &r)))
        return;
    golden_expect_tensor(c, "out", &r);
    if (golden_wants(c, "quant-bound"))
        expect_quant_bound(c, &s);
    if (golden_wants(c, "mantissa-rounded")) {
        const size_t size = qq_tensor_bytes(&x);
        out = golden_bytes(c, size);
        if (golden_ok(c, qq_numerics_mantissa(&s, &x, out, size, &r)))
            golden_expect_tensor(c, "mantissa-rounded", &r);
    }
}

static void check_backward(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    const qq_tensor g = golden_input(c, "gradient");
    const size_t bytes = qq_tensor_bytes(&g);
    void *out = golden_bytes(c, bytes);
    qq_scheme s = aqt_scheme(c, "numerics");
    qq_tensor r;

    for (int i = 0; i < 2; i++) {
        s.division = aqt_divisions[i];
        if (golden_ok(c, qq_numerics_gradient(&s, &x, &g, out, bytes, &r)))
            golden_expect_tensor(c, "out", &r);
    }
}

static void check_noise(struct golden_case *c)
{
    const int custom = strcmp(c->call, "custom-1") == 0;
    size_t shape[QQ_MAX_RANK];
    long share[QQ_MAX_RANK];
    const unsigned rank = golden_shape(c, "shape", shape);
    const size_t shared = golden_ints(c, "share", share, QQ_MAX_RANK);
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_NONE, QQ_RULE_AQT);
    float *out;

    for (size_t i = 0; i < shared; i++)
        shape[share[i]] = 1;
    const qq_tensor like = qq_tensor_make(NULL, QQ_TYPE_F32, rank, shape);
    const size_t n = qq_tensor_count(&like);
    out = (float *)golden_aligned(c, n * sizeof(float));
    aqt_key(c, &s);
    if (!golden_ok(c,
                   qq_random_noise(s.key, s.layout,
                                   custom ? QQ_NOISE_AQT_CUSTOM : QQ_NOISE_AQT,
                                   n, 0, n, out)))
        return;
    const qq_tensor r = qq_tensor_make(out, QQ_TYPE_F32, rank, shape);
    golden_expect_tensor(c, "out", &r);
}

const struct golden_checker golden_aqt_numerics[] = {
    {"aqt", "IntSymmetric.get_quant_bound", check_bounds},
    {"aqt", "Fp8Numerics.get_quant_bound", check_fp8_bound},
    {"aqt", "IntSymmetric.vjp_fwd", check_forward},
    {"aqt", "Fp8Numerics.vjp_fwd", check_forward},
    {"aqt", "FpNumerics.vjp_fwd", check_forward},
    {"aqt", "IntSymmetric.vjp_bwd", check_backward},
    {"aqt", "jax.uniform", check_noise},
    {"aqt", "custom-1", check_noise},
    {"bits", "IntNumerics.abs_val_mapped_to", check_bounds},
    {"bits", "IntNumerics.fwd", check_forward},
    {"bits", "IntNumerics.vjp_bwd", check_backward},
    {"bits", "jax.uniform", check_noise},
    {"bits", "custom-1", check_noise},
    {NULL, NULL, NULL}};
