// The cases of random: JAX's Threefry, through api/random.h.
//
// Arrays are drawn in two pieces, so that a part of a sequence is seen to be
// the same as in the whole.

#include "checkers.h"

#include <string.h>

// The key of a case; zeros, and a failure, if there is none.
static qq_key random_key(struct golden_case *c)
{
    size_t count = 0;
    const uint32_t *word = golden_u32s(c, "key", &count);
    qq_key key = {{0, 0}};

    if (count == 2)
        memcpy(key.word, word, sizeof key.word);
    else
        golden_fail(c, "a key has two words");
    return key;
}

static qq_random_layout random_layout(struct golden_case *c)
{
    const int legacy = golden_is(c, "layout", "legacy");

    if (!legacy && !golden_is(c, "layout", "partitionable"))
        golden_fail(c, "no such layout");
    return legacy ? QQ_RANDOM_LEGACY : QQ_RANDOM_PARTITIONABLE;
}

// The count of the array to be drawn, and the shape of what comes out, which
// may have one more axis.
static size_t random_count(struct golden_case *c, const char *out, size_t last)
{
    size_t shape[GOLDEN_MAX_RANK + 1];
    unsigned rank = golden_shape(c, "shape", shape);
    size_t count = 1;

    for (unsigned i = 0; i < rank; i++)
        count *= shape[i];
    if (last != 0)
        shape[rank++] = last;
    golden_expect_shape(c, out, rank, shape);
    return count;
}

static qq_tensor random_view(const void *data, qq_type type, size_t count)
{
    return qq_tensor_make(data, type, 1, &count);
}

static void random_expect_key(struct golden_case *c, qq_key key)
{
    golden_expect_u32s(c, "key", key.word, 2);
}

static void check_threefry(struct golden_case *c)
{
    size_t n = 0;
    const qq_key key = random_key(c);
    const uint32_t *counter = golden_u32s(c, "counter", &n);
    uint32_t *out = (uint32_t *)golden_aligned(c, 4 * n);

    if (counter == NULL)
        return;
    qq_threefry_array(key, n, counter, out);
    golden_expect_u32s(c, "out", out, n);
    memcpy(out, counter, 4 * n);
    qq_threefry_array(key, n, out, out);
    golden_expect_u32s(c, "out", out, n);
    if (n == 2) {
        qq_threefry(key, counter, out);
        golden_expect_u32s(c, "out", out, n);
    }
}

static void check_key(struct golden_case *c)
{
    random_expect_key(
        c, qq_key_make(golden_wide(c, "seed", 0), golden_yes(c, "wide", 0)));
}

static void check_fold_in(struct golden_case *c)
{
    const qq_key key = random_key(c);

    random_expect_key(c,
                      qq_key_fold_in(key, (uint32_t)golden_wide(c, "data", 0)));
}

static void check_split(struct golden_case *c)
{
    const qq_key key = random_key(c);
    const qq_random_layout layout = random_layout(c);
    const size_t n = random_count(c, "keys", 2);
    uint32_t *out = (uint32_t *)golden_aligned(c, 8 * n);

    for (size_t i = 0; i < n; i++) {
        const qq_key k = qq_key_split(key, layout, n, i);
        memcpy(out + 2 * i, k.word, sizeof k.word);
    }
    golden_expect_u32s(c, "keys", out, 2 * n);
}

static void check_bits(struct golden_case *c)
{
    const qq_key key = random_key(c);
    const qq_random_layout layout = random_layout(c);
    const unsigned width = (unsigned)golden_int(c, "width", 0);
    const size_t bytes = width / 8;
    const size_t n = random_count(c, "out", 0);
    const size_t first = n / 3;
    uint8_t *out = (uint8_t *)golden_bytes(c, n * bytes);
    uint64_t *wide = (uint64_t *)golden_aligned(c, 8 * n);

    if (!golden_ok(c, qq_random_bits(key, layout, width, n, 0, first, out,
                                     first * bytes)) ||
        !golden_ok(c, qq_random_bits(key, layout, width, n, first, n - first,
                                     out + first * bytes, (n - first) * bytes)))
        return;
    for (size_t i = 0; i < n; i++) {
        uint32_t v32;
        uint16_t v16;
        memcpy(&v32, out + (width == 32 ? 4 * i : 0), width == 32 ? 4 : 0);
        memcpy(&v16, out + (width == 16 ? 2 * i : 0), width == 16 ? 2 : 0);
        wide[i] = width == 32 ? v32 : width == 16 ? v16 : out[i];
    }
    golden_expect_u64s(c, "out", wide, n);
}

static void random_unit(struct golden_case *c, qq_type type)
{
    const qq_key key = random_key(c);
    const qq_random_layout layout = random_layout(c);
    const size_t n = random_count(c, "out", 0);
    const size_t first = n / 3;
    const size_t bytes = type == QQ_TYPE_F32 ? 4 : 2;
    uint8_t *out = (uint8_t *)golden_bytes(c, n * bytes);

    if (!golden_ok(c, qq_random_unit(key, layout, type, n, 0, first, out,
                                     first * bytes)) ||
        !golden_ok(c, qq_random_unit(key, layout, type, n, first, n - first,
                                     out + first * bytes, (n - first) * bytes)))
        return;
    const qq_tensor t = random_view(out, type, n);
    golden_expect_flat(c, "out", &t);
}

// Either rounding of the sum has its own answer, and each must be all of it.
static void random_range(struct golden_case *c, float low, float high)
{
    const qq_key key = random_key(c);
    const qq_random_layout layout = random_layout(c);
    const size_t n = random_count(c, "out", 0);
    const size_t first = n / 3;
    float *out = (float *)golden_aligned(c, 4 * n);

    for (int fused = 0; fused < 2; fused++) {
        if (!golden_ok(c, qq_random_uniform(key, layout, low, high, fused, n, 0,
                                            first, out)) ||
            !golden_ok(c, qq_random_uniform(key, layout, low, high, fused, n,
                                            first, n - first, out + first)))
            return;
        golden_expect_f32s(c, "out", out, n);
        const struct golden_output *o = &c->outputs[0];
        for (size_t i = 0; i < n && i < o->out.count && o->has_other; i++) {
            uint32_t u;
            memcpy(&u, &out[i], 4);
            if (u != (fused ? o->out : o->other).bits[i])
                golden_fail(c, "out: the two roundings are mixed up");
        }
    }
}

static void check_uniform(struct golden_case *c)
{
    const double low = golden_float(c, "low", 0);
    const double high = golden_float(c, "high", 1);
    const char *type = golden_set(c, "type");

    if (type == NULL || strcmp(type, "f32") == 0)
        random_range(c, (float)low, (float)high);
    if (low < 0 || low > 0 || high < 1 || high > 1)
        return;
    if (golden_is(c, "type", "f32"))
        random_unit(c, QQ_TYPE_F32);
    else if (golden_is(c, "type", "f16"))
        random_unit(c, QQ_TYPE_F16);
    else if (golden_is(c, "type", "bf16"))
        random_unit(c, QQ_TYPE_BF16);
}

static void check_bernoulli(struct golden_case *c)
{
    const qq_key key = random_key(c);
    const qq_random_layout layout = random_layout(c);
    const float p = (float)golden_float(c, "probability", 0);
    const size_t n = random_count(c, "out", 0);
    const size_t first = n / 3;
    uint8_t *out = (uint8_t *)golden_bytes(c, n);

    if (golden_ok(c, qq_random_bernoulli(key, layout, p, n, 0, first, out)) &&
        golden_ok(c, qq_random_bernoulli(key, layout, p, n, first, n - first,
                                         out + first)))
        golden_expect_u8s(c, "out", out, n);
}

static void check_randint(struct golden_case *c)
{
    const qq_key key = random_key(c);
    const qq_random_layout layout = random_layout(c);
    const int32_t low = (int32_t)golden_int(c, "low", 0);
    const int32_t high = (int32_t)golden_int(c, "high", 0);
    const size_t n = random_count(c, "out", 0);
    const size_t first = n / 3;
    int32_t *out = (int32_t *)golden_aligned(c, 4 * n);

    if (golden_ok(c, qq_random_int(key, layout, low, high, n, 0, first, out)) &&
        golden_ok(c, qq_random_int(key, layout, low, high, n, first, n - first,
                                   out + first)))
        golden_expect_i32s(c, "out", out, n);
}

static void check_he_uniform(struct golden_case *c)
{
    size_t shape[GOLDEN_MAX_RANK];
    const qq_key key = random_key(c);
    const qq_random_layout layout = random_layout(c);
    const unsigned rank = golden_shape(c, "shape", shape);
    const size_t n = random_count(c, "out", 0);
    const size_t first = n / 3;
    size_t fan = 1;
    float *out = (float *)golden_aligned(c, 4 * n);

    for (unsigned i = 0; i + 1 < rank; i++)
        fan *= shape[i];
    if (golden_ok(c,
                  qq_random_he_uniform(key, layout, fan, n, 0, first, out)) &&
        golden_ok(c, qq_random_he_uniform(key, layout, fan, n, first, n - first,
                                          out + first)))
        golden_expect_f32s(c, "out", out, n);
}

const struct golden_checker golden_random[] = {
    {"random", "threefry_2x32", check_threefry},
    {"random", "PRNGKey", check_key},
    {"random", "fold_in", check_fold_in},
    {"random", "split", check_split},
    {"random", "bits", check_bits},
    {"random", "uniform", check_uniform},
    {"random", "bernoulli", check_bernoulli},
    {"random", "randint", check_randint},
    {"random", "he_uniform", check_he_uniform},
    {NULL, NULL, NULL},
};
