// Qwix's operations on quantized arrays: the calls of qwix/qarray.txt and the
// same calls in qwix/refuse.txt.

#include "checkers.h"

#include <stdlib.h>
#include <string.h>

// The setting "type"; "dtype:int2" is int2 in another container. None where
// the library has no such type.
static qq_type views_type(struct golden_case *c)
{
    const char *name = golden_set(c, "type");

    if (name == NULL)
        return QQ_TYPE_NONE;
    if (strncmp(name, "dtype:", 6) == 0)
        name += 6;
    return qq_type_from_name(name);
}

// The quantized array of codes, scale and perhaps zero-point; 0 where the
// library refuses it.
static int views_input(struct golden_case *c, qq_array *a)
{
    const qq_type type = views_type(c);
    const qq_tensor scale = golden_input(c, "scale");
    const int has_zero = golden_has_input(c, "zero-point");
    qq_type_info info;
    qq_tensor codes, zero;

    if (type != QQ_TYPE_NONE && qq_type_get(type, &info) == QQ_OK) {
        codes = golden_input_as(c, "codes", info.storage);
        zero = golden_input_as(c, "zero-point", info.storage);
    } else {
        codes = golden_input(c, "codes");
        zero = golden_input(c, "zero-point");
    }
    return golden_ok(
        c, qq_array_make(&codes, &scale, has_zero ? &zero : NULL, type, a));
}

static void views_expect(struct golden_case *c, const qq_array *a)
{
    golden_expect_tensor(c, "codes", &a->value);
    golden_expect_tensor(c, "scale", &a->scale);
    if (a->zero_point.type != QQ_TYPE_NONE)
        golden_expect_tensor(c, "zero-point", &a->zero_point);
}

static void views_expect_dequant(struct golden_case *c, const qq_array *a)
{
    const qq_type type = a->scale.type;
    const size_t bytes = qq_type_bytes(type, qq_tensor_count(&a->value));
    void *out = golden_bytes(c, bytes);
    qq_tensor x;

    if (golden_ok(c, qq_dequantize(a, QQ_RULE_QWIX, type, out, bytes, &x)))
        golden_expect_tensor(c, "dequant", &x);
}

// --- axes ------------------------------------------------------------------

static void views_transposed(struct golden_case *c, const qq_array *a,
                             const unsigned *axes)
{
    const size_t bytes = qq_array_bytes(a);
    void *out = golden_bytes(c, bytes);
    qq_array r;

    if (golden_ok(c, qq_array_transpose(a, axes, out, bytes, &r)))
        views_expect(c, &r);
}

static void check_reversed(struct golden_case *c)
{
    unsigned axes[QQ_MAX_RANK];
    qq_array a;

    if (!views_input(c, &a))
        return;
    for (unsigned i = 0; i < a.value.rank; i++)
        axes[i] = a.value.rank - 1 - i;
    views_transposed(c, &a, axes);
}

static void check_transpose(struct golden_case *c)
{
    unsigned axes[QQ_MAX_RANK];
    long given[64];
    qq_array a;

    if (!views_input(c, &a))
        return;
    const long rank = (long)a.value.rank;
    const size_t n = golden_ints(c, "axes", given, 64);
    if (n > a.value.rank) {
        golden_refuses(c, "more axes than the array has");
        return;
    }
    // A missing axis becomes one that does not exist.
    for (long i = 0; i < rank; i++) {
        long axis = (size_t)i < n ? given[i] : rank;
        axis += axis < 0 ? rank : 0;
        axes[i] = axis < 0 || axis > rank ? (unsigned)rank : (unsigned)axis;
    }
    views_transposed(c, &a, axes);
}

static void views_swapped(struct golden_case *c, int axis, int other)
{
    qq_array a, r;

    if (!views_input(c, &a))
        return;
    const size_t bytes = qq_array_bytes(&a);
    void *out = golden_bytes(c, bytes);
    if (golden_ok(c, qq_array_swap_axes(&a, axis, other, out, bytes, &r)))
        views_expect(c, &r);
}

static void check_last_swapped(struct golden_case *c)
{
    views_swapped(c, -2, -1);
}

static void check_swapaxes(struct golden_case *c)
{
    long axes[2] = {0, 0};

    if (golden_ints(c, "axes", axes, 2) != 2)
        golden_fail(c, "swapaxes takes two axes");
    else
        views_swapped(c, (int)axes[0], (int)axes[1]);
}

// --- shapes ----------------------------------------------------------------

// The setting "shape"; 0 where it is none that can be asked for.
static int views_shape(struct golden_case *c, unsigned *rank, size_t *shape)
{
    long given[64];
    const size_t n = golden_ints(c, "shape", given, 64);

    if (n > QQ_MAX_RANK) {
        golden_refuses(c, "more axes than QQ_MAX_RANK");
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (given[i] < 0) {
            golden_refuses(c, "sizes are unsigned");
            return 0;
        }
        shape[i] = (size_t)given[i];
    }
    *rank = (unsigned)n;
    return 1;
}

static void check_reshape(struct golden_case *c)
{
    size_t shape[QQ_MAX_RANK];
    unsigned rank;
    qq_array a, r;

    if (views_input(c, &a) && views_shape(c, &rank, shape) &&
        golden_ok(c, qq_array_reshape(&a, rank, shape, &r)))
        views_expect(c, &r);
}

static void check_broadcast_to(struct golden_case *c)
{
    size_t shape[QQ_MAX_RANK];
    unsigned rank;
    qq_array a, r;

    if (!views_input(c, &a) || !views_shape(c, &rank, shape))
        return;
    const size_t asked = qq_array_broadcast_size(&a, rank, shape);
    const size_t bytes = asked == SIZE_MAX ? 0 : asked;
    void *out = golden_bytes(c, bytes);
    if (golden_ok(c, qq_array_broadcast(&a, rank, shape, out, bytes, &r)))
        views_expect(c, &r);
}

// "2", "-1", "1:", "0:4:2", "...", "none"; 0 for other words.
static int views_index_word(const char *word, qq_index *e)
{
    char *end;
    long step = 1;

    memset(e, 0, sizeof *e);
    if (strcmp(word, "...") == 0 || strcmp(word, "none") == 0) {
        e->kind = *word == '.' ? QQ_INDEX_ELLIPSIS : QQ_INDEX_NEW;
        return 1;
    }
    e->start = strtol(word, &end, 10);
    if (*end == '\0') {
        e->kind = QQ_INDEX_AT;
        return end != word;
    }
    if (*end != ':')
        return 0;
    e->has_start = end != word;
    word = end + 1;
    e->stop = strtol(word, &end, 10);
    e->has_stop = end != word;
    if (*end == ':') {
        word = end + 1;
        if (*word != '\0')
            step = strtol(word, &end, 10);
        else
            end++;
    }
    e->step = step;
    const int bare = !e->has_start && !e->has_stop && step == 1;
    e->kind = bare ? QQ_INDEX_ALL : QQ_INDEX_SLICE;
    return *end == '\0';
}

static void check_getitem(struct golden_case *c)
{
    const char *p = golden_set(c, "index");
    qq_index index[32];
    unsigned n = 0;
    qq_array a, r;

    if (!views_input(c, &a))
        return;
    for (; p != NULL && *p != '\0'; n++) {
        char word[64];
        const size_t length = strcspn(p, " ");
        if (n == 32 || length >= sizeof word) {
            golden_fail(c, "the index is too long");
            return;
        }
        memcpy(word, p, length);
        word[length] = '\0';
        if (!views_index_word(word, &index[n])) {
            golden_fail(c, "no index: %s", word);
            return;
        }
        p += length + strspn(p + length, " ");
    }
    const size_t asked = qq_array_index_size(&a, QQ_RULE_QWIX, index, n);
    const size_t bytes = asked == SIZE_MAX ? 0 : asked;
    void *out = golden_bytes(c, bytes);
    if (golden_ok(c,
                  qq_array_index(&a, QQ_RULE_QWIX, index, n, out, bytes, &r)))
        views_expect(c, &r);
}

// --- values ----------------------------------------------------------------

static void check_astype(struct golden_case *c)
{
    const char *name = golden_set(c, "scale-type");
    qq_array a, r;

    if (!views_input(c, &a))
        return;
    const qq_type type = name != NULL ? qq_type_from_name(name) : QQ_TYPE_NONE;
    const size_t all = qq_type_bytes(type, qq_tensor_count(&a.scale));
    const size_t bytes = all == SIZE_MAX ? 0 : all;
    void *out = golden_bytes(c, bytes);
    if (!golden_ok(c, qq_array_astype(&a, type, out, bytes, &r)))
        return;
    views_expect(c, &r);
    if (golden_wants(c, "dequant"))
        views_expect_dequant(c, &r);
}

static void check_dequantize(struct golden_case *c)
{
    qq_array a;

    if (views_input(c, &a))
        views_expect_dequant(c, &a);
}

// Qwix looks at an array where it decodes it.
static void check_validate(struct golden_case *c)
{
    qq_array a;
    qq_tensor x;

    if (!views_input(c, &a))
        return;
    const size_t bytes = qq_type_bytes(QQ_TYPE_F32, qq_tensor_count(&a.value));
    void *out = golden_bytes(c, bytes);
    (void)golden_ok(
        c, qq_dequantize(&a, QQ_RULE_QWIX, QQ_TYPE_F32, out, bytes, &x));
}

static void check_generic_broadcast(struct golden_case *c)
{
    static const char *const names[3] = {"multiply", "add", "subtract"};
    const qq_tensor x = golden_input(c, "x");
    const qq_tensor y = golden_input(c, "y");
    int op = 0;
    qq_tensor z;

    for (int i = 0; i < 3; i++)
        if (golden_is(c, "operation", names[i]))
            op = QQ_BROADCAST_MULTIPLY + i;
    const size_t asked = qq_broadcast_size(&x, &y);
    const size_t bytes = asked == SIZE_MAX ? 0 : asked;
    void *out = golden_bytes(c, bytes);
    if (golden_ok(
            c, qq_broadcast_apply((qq_broadcast_op)op, &x, &y, out, bytes, &z)))
        golden_expect_tensor(c, "z", &z);
}

// --- clipping --------------------------------------------------------------

static qq_bounds views_bounds(struct golden_case *c)
{
    qq_bounds b;

    b.absmax = golden_input(c, "absmax");
    b.min = golden_input(c, "min");
    b.max = golden_input(c, "max");
    return b;
}

static void check_clip(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    const qq_bounds b = views_bounds(c);
    const size_t bytes = qq_tensor_bytes(&x);
    void *out = golden_bytes(c, bytes == SIZE_MAX ? 0 : bytes);
    qq_tensor y;

    (void)golden_set(c, "tile-axes"); // the shapes say the same
    if (golden_ok(c, qq_clip_to_bounds(&x, &b, out, bytes, &y)))
        golden_expect_tensor(c, "y", &y);
}

static void check_clip_gradient(struct golden_case *c)
{
    const qq_tensor g = golden_input(c, "g");
    const qq_tensor x = golden_input(c, "x");
    const qq_bounds b = views_bounds(c);
    const char *text = golden_set(c, "calibration");
    const size_t bytes = qq_tensor_bytes(&g);
    void *out = golden_bytes(c, bytes == SIZE_MAX ? 0 : bytes);
    qq_calibration method;
    qq_tensor y;

    // Qwix looks for two words here and takes any other for one that clips.
    if (text == NULL ||
        qq_calibration_parse(text, strlen(text), &method) != QQ_OK) {
        if (text != NULL && (strncmp(text, "absmax,", 7) == 0 ||
                             strncmp(text, "minmax,", 7) == 0)) {
            golden_refuses(c, "a factor that is no number");
            return;
        }
        memset(&method, 0, sizeof method);
        method.method = QQ_CALIB_RMS;
        method.args[0] = 1;
        method.arg_count = 1;
    }
    if (golden_ok(c, qq_clip_gradient(&g, &x, &b, &method, out, bytes, &y)))
        golden_expect_tensor(c, "y", &y);
}

const struct golden_checker golden_qwix_views[] = {
    {"qwix", "QArray.T", check_reversed},
    {"qwix", "QArray.mT", check_last_swapped},
    {"qwix", "QArray.transpose", check_transpose},
    {"qwix", "QArray.swapaxes", check_swapaxes},
    {"qwix", "QArray.reshape", check_reshape},
    {"qwix", "QArray.__getitem__", check_getitem},
    {"qwix", "QArray.astype", check_astype},
    {"qwix", "qarray.broadcast_to", check_broadcast_to},
    {"qwix", "qarray.call_with_generic_broadcast", check_generic_broadcast},
    {"qwix", "qarray.validate_qarray", check_validate},
    {"qwix", "qarray.dequantize", check_dequantize},
    {"qwix", "qarray.clip_to_calibration", check_clip},
    {"qwix", "qarray.clip_gradient_to_calibration", check_clip_gradient},
    {NULL, NULL, NULL}};
