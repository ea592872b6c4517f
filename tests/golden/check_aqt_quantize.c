// The cases of aqt/quantize and aqt/bits-quantize.

#include "check_aqt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- one tensor ------------------------------------------------------------

// Cuts axes in two by words "axis:count/N" and "axis:size/N", a new shape
// over the same numbers; axes (uncut) become those of the sizes. 0 where a
// tile does not divide.
static int cut_axes(struct golden_case *c, qq_tensor *x, int *axes, size_t n)
{
    size_t inner[QQ_MAX_RANK] = {0};
    int at[QQ_MAX_RANK]; // of an uncut axis, or its sizes
    qq_tensor r = *x;
    const char *p = golden_set(c, "tiles");

    while (p != NULL && *p != '\0' && strcmp(p, "none") != 0) {
        char *end;
        long axis = strtol(p, &end, 10);
        const int by_count = strncmp(end, ":count/", 7) == 0;
        const size_t k = strtoul(strchr(end, '/') + 1, &end, 10);
        axis += axis < 0 ? (long)x->rank : 0;
        if (k == 0 || x->shape[axis] % k != 0)
            return 0;
        inner[axis] = by_count ? x->shape[axis] / k : k;
        p = *end == ' ' ? end + 1 : NULL;
    }
    r.rank = 0;
    for (unsigned a = 0; a < x->rank; a++) {
        if (inner[a] != 0)
            r.shape[r.rank++] = x->shape[a] / inner[a];
        at[a] = (int)r.rank;
        r.shape[r.rank++] = inner[a] != 0 ? inner[a] : x->shape[a];
    }
    for (size_t i = 0; i < n; i++)
        axes[i] = at[axes[i] < 0 ? axes[i] + (int)x->rank : axes[i]];
    *x = r;
    return 1;
}

// With tiles the axes of the case are those of the uncut tensor.
static int share_axes(struct golden_case *c, const char *words, qq_tensor *x,
                      qq_scheme *s)
{
    long axes[QQ_MAX_RANK];
    int list[QQ_MAX_RANK];
    size_t n;

    if (golden_set(c, "tiles") == NULL)
        return aqt_share(c, words, s, x->rank);
    n = golden_ints(c, "axes", axes, QQ_MAX_RANK);
    for (size_t i = 0; i < n; i++)
        list[i] = (int)axes[i];
    if (!cut_axes(c, x, list, n)) {
        golden_refuses(c, "a tile that does not divide");
        return 0;
    }
    return golden_ok(c, qq_aqt_share_axes(s, list, n, x->rank));
}

static void expect_decoded(struct golden_case *c, const char *name,
                           const qq_array *a, const qq_scheme *s,
                           const qq_tensor *x)
{
    const size_t bytes = qq_tensor_bytes(x);
    void *out = golden_bytes(c, bytes);
    qq_tensor r;

    if (!golden_ok(c, qq_dequantize(a, s->rule, x->type, out, bytes, &r)))
        return;
    // Where axes were cut the original joins them again.
    const qq_tensor joined = qq_tensor_make(r.data, r.type, x->rank, x->shape);
    golden_expect_tensor(c, name, &joined);
}

// The scheme of the case; a struct of zeros where it has none.
static qq_scheme scheme_of(struct golden_case *c, const char *words)
{
    qq_scheme s;

    if (golden_set(c, words) != NULL)
        return aqt_scheme(c, words);
    memset(&s, 0, sizeof s);
    return s;
}

static void expect_array(struct golden_case *c, const qq_array *a)
{
    const char *const scale =
        strcmp(c->family, "bits") == 0 ? "inverse-scale" : "scale0";

    golden_expect_tensor(c, "codes", &a->value);
    if (golden_wants(c, scale))
        golden_expect_tensor(c, scale, &a->scale);
    if (golden_wants(c, "bias0"))
        golden_expect_tensor(c, "bias0", &a->bias);
}

// How a checker of one tensor ends.
static void check_tensor(struct golden_case *c, int fake)
{
    const char *const words =
        strcmp(c->family, "bits") == 0 ? "tensor" : "quantizer";
    const qq_tensor x = golden_input(c, "x");
    qq_scheme s = scheme_of(c, words);
    qq_tensor cut = x;
    qq_array a;

    if (golden_set(c, words) != NULL && !share_axes(c, words, &cut, &s))
        return;
    aqt_key(c, &s);
    for (int i = 0; i < 2; i++) {
        s.division = aqt_divisions[i];
        if (!aqt_quantize(c, &cut, &s, &a))
            return;
        if (!fake)
            expect_array(c, &a);
        if (golden_wants(c, "dequantized"))
            expect_decoded(c, "dequantized", &a, &s, &x);
        if (fake)
            expect_decoded(c, "out", &a, &s, &x);
    }
}

static void check_quantizer(struct golden_case *c)
{
    check_tensor(c, 0);
}

static void check_fake_quant(struct golden_case *c)
{
    const char *const words =
        strcmp(c->family, "bits") == 0 ? "tensor" : "quantizer";
    const qq_tensor x = golden_input(c, "x");
    qq_scheme s = scheme_of(c, words);
    const size_t bytes = qq_tensor_bytes(&x);
    void *out = golden_bytes(c, bytes);

    check_tensor(c, 1);
    // The same in one call.
    if (!aqt_share(c, words, &s, x.rank))
        return;
    const size_t room = qq_fake_quantize_scratch_size(&x, &s);
    void *scratch = golden_bytes(c, room != SIZE_MAX ? room : 64);
    if (!golden_ok(c, qq_fake_quantize(&x, &s, out, bytes, scratch, room)))
        return;
    const qq_tensor r = qq_tensor_make(out, x.type, x.rank, x.shape);
    golden_expect_tensor(c, "out", &r);
}

// --- several scales --------------------------------------------------------

static void check_scaled_tensor(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_tensor scales[2], biases[2], mask;
    qq_aqt_tensor t;
    qq_tensor r;

    memset(&t, 0, sizeof t);
    t.scales = scales;
    t.biases = biases;
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "scale%d", i);
        if (golden_has_input(c, name))
            scales[t.scale_count++] = golden_input(c, name);
        snprintf(name, sizeof name, "bias%d", i);
        if (golden_has_input(c, name))
            biases[t.bias_count++] = golden_input(c, name);
    }
    if (golden_has_input(c, "mask")) {
        mask = golden_input(c, "mask");
        t.mask = &mask;
    }
    size_t bytes = qq_aqt_scale_size(&x, &t);
    void *out = golden_bytes(c, bytes != SIZE_MAX ? bytes : 64);
    if (!golden_ok(c, qq_aqt_scale(&x, &t, out, bytes, &t.value)))
        return;
    golden_expect_tensor(c, "scaled", &t.value);
    bytes = qq_tensor_bytes(&x);
    out = golden_bytes(c, bytes);
    if (golden_ok(c, qq_aqt_dequantize(&t, x.type, out, bytes, &r)))
        golden_expect_tensor(c, "dequantized", &r);
}

// --- slices ----------------------------------------------------------------

static int make_array(struct golden_case *c, const char *codes,
                      const char *scale, qq_array *a)
{
    const qq_tensor q = golden_input(c, codes);
    const qq_tensor s = golden_input(c, scale);

    return golden_ok(c, qq_array_make(&q, &s, NULL, QQ_TYPE_NONE, a));
}

static void expect_slice(struct golden_case *c, const qq_array *a)
{
    golden_expect_tensor(c, "codes-out", &a->value);
    golden_expect_tensor(c, "scale-out", &a->scale);
}

static void sizes_of(struct golden_case *c, const char *key, size_t *out)
{
    long v[QQ_MAX_RANK];
    const size_t n = golden_ints(c, key, v, QQ_MAX_RANK);

    for (size_t i = 0; i < n; i++)
        out[i] = (size_t)v[i];
}

static void check_index(struct golden_case *c)
{
    qq_array a, r;

    if (!make_array(c, "codes", "scale", &a))
        return;
    const size_t bytes = qq_aqt_frame_size(&a);
    void *out = golden_bytes(c, bytes);
    if (golden_ok(c, qq_aqt_frame(&a, (size_t)golden_int(c, "index", 0), out,
                                  bytes, &r)))
        expect_slice(c, &r);
}

static void check_slice(struct golden_case *c)
{
    size_t start[QQ_MAX_RANK], count[QQ_MAX_RANK];
    qq_array a, r;

    if (!make_array(c, "codes", "scale", &a))
        return;
    sizes_of(c, "starts", start);
    sizes_of(c, "sizes", count);
    const size_t bytes = qq_aqt_slice_size(&a, count);
    void *out = golden_bytes(c, bytes);
    if (golden_ok(c, qq_aqt_slice(&a, start, count, out, bytes, &r)))
        expect_slice(c, &r);
}

static void check_update(struct golden_case *c)
{
    const int frame = strcmp(c->call, "aqt_tensor.update_frame") == 0;
    size_t start[QQ_MAX_RANK];
    qq_array a, u, r;

    if (!make_array(c, "codes", "scale", &a) ||
        !make_array(c, "update-codes", "update-scale", &u))
        return;
    const size_t bytes = qq_array_bytes(&a);
    void *out = golden_bytes(c, bytes);
    if (!frame)
        sizes_of(c, "starts", start);
    const size_t index = (size_t)golden_int(c, "frame", 0);
    if (golden_ok(c, frame
                         ? qq_aqt_update_frame(&a, &u, index, out, bytes, &r)
                         : qq_aqt_update_slice(&a, &u, start, out, bytes, &r)))
        expect_slice(c, &r);
}

// --- scales in other layouts -----------------------------------------------

static unsigned axes_of(struct golden_case *c, const char *key, unsigned *out)
{
    long v[QQ_MAX_RANK];
    const size_t n = golden_ints(c, key, v, QQ_MAX_RANK);

    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned)v[i];
    return (unsigned)n;
}

static void check_layout(struct golden_case *c)
{
    const int rhs = c->call[0] == 'r';
    const int to_other = strstr(c->call, "for") != NULL;
    const qq_tensor scale = golden_input(c, "scale");
    const size_t bytes = qq_tensor_bytes(&scale);
    void *out = golden_bytes(c, bytes);
    size_t shape[QQ_MAX_RANK];
    qq_dot_axes d;
    qq_tensor r;

    d.contract_count = axes_of(c, "lhs-contract", d.lhs_contract);
    d.batch_count = axes_of(c, "lhs-batch", d.lhs_batch);
    (void)axes_of(c, "rhs-contract", d.rhs_contract);
    (void)axes_of(c, "rhs-batch", d.rhs_batch);
    const unsigned other = golden_shape(c,
                                        to_other ? "other-shape"
                                        : rhs    ? "lhs-shape"
                                                 : "rhs-shape",
                                        shape);
    const qq_dot_side side = rhs ? QQ_DOT_RHS : QQ_DOT_LHS;
    if (golden_ok(c, to_other ? qq_aqt_scale_to_other(&scale, &d, side, other,
                                                      out, bytes, &r)
                              : qq_aqt_scale_to_output(&scale, &d, side, other,
                                                       out, bytes, &r)))
        golden_expect_tensor(c, "out", &r);
}

const struct golden_checker golden_aqt_quantize[] = {
    {"aqt", "Quantizer.quant", check_quantizer},
    {"aqt", "make_fake_quant", check_fake_quant},
    {"aqt", "QTensor.quant+dequant", check_scaled_tensor},
    {"aqt", "QTensor.__getitem__", check_index},
    {"aqt", "aqt_tensor.dynamic_slice", check_slice},
    {"aqt", "aqt_tensor.dynamic_update_slice", check_update},
    {"aqt", "aqt_tensor.update_frame", check_update},
    {"aqt", "lhs_scale_transpose_to_output", check_layout},
    {"aqt", "rhs_scale_transpose_to_output", check_layout},
    {"aqt", "lhs_scale_transpose_for_rhs_input", check_layout},
    {"aqt", "rhs_scale_transpose_for_lhs_input", check_layout},
    {"bits", "_scale_quant", check_quantizer},
    {"bits", "make_fake_quant", check_fake_quant},
    {NULL, NULL, NULL}};
