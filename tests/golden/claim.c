// What a checker claims, held against the case: see case.h.

#include "case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

void golden_fail(struct golden_case *c, const char *format, ...)
{
    va_list list;

    if (c->failures++ != 0)
        return;
    va_start(list, format);
    vsnprintf(c->reason, sizeof c->reason, format, list);
    va_end(list);
}

void golden_not_covered(struct golden_case *c)
{
    c->not_covered = 1;
}

int golden_ok(struct golden_case *c, qq_status status)
{
    if (status == QQ_OK)
        return 1;
    if (c->mode == GOLDEN_REFUSE)
        c->refused++;
    else
        golden_fail(c, "refused: %s", qq_status_string(status));
    return 0;
}

void golden_refuses(struct golden_case *c, const char *why)
{
    if (c->mode == GOLDEN_REFUSE)
        c->refused++;
    else
        golden_fail(c, "cannot be asked: %s", why);
}

static struct golden_output *golden_output_of(const struct golden_case *c,
                                              const char *name)
{
    for (size_t i = 0; i < c->output_count; i++)
        if (strcmp(c->outputs[i].out.name, name) == 0)
            return &c->outputs[i];
    return NULL;
}

int golden_wants(const struct golden_case *c, const char *name)
{
    if (golden_output_of(c, name) != NULL)
        return 1;
    for (size_t i = 0; i < c->text_count; i++)
        if (strcmp(c->texts[i].key, name) == 0)
            return 1;
    return 0;
}

// The same bits, the same zero where signs of zeros do not count, or any two
// NaN.
static int golden_equal(const struct golden_type *type, uint64_t want,
                        uint64_t got, int any_zero)
{
    if (want == got)
        return 1;
    if (type->kind != GOLDEN_FLOAT)
        return 0;
    const double w = golden_value(type, want);
    const double g = golden_value(type, got);
    return (w != w && g != g) || (any_zero && w == 0 && g == 0);
}

// |got - want| <= bound; NaN and infinities are near none but themselves.
static int golden_within(const struct golden_type *type, uint64_t want,
                         uint64_t got, uint32_t bound_bits)
{
    struct golden_type f32;

    if (golden_equal(type, want, got, 1))
        return 1;
    golden_type_of("f32", &f32);
    const double bound = golden_value(&f32, bound_bits);
    if (type->kind == GOLDEN_INT || type->kind == GOLDEN_UINT) {
        const int less = type->kind == GOLDEN_INT ? (int64_t)got < (int64_t)want
                                                  : got < want;
        return (double)(less ? want - got : got - want) <= bound;
    }
    const double w = golden_value(type, want);
    const double g = golden_value(type, got);
    return isfinite(w) && isfinite(g) && fabs(g - w) <= bound;
}

// Element i of an output, as the mode demands. Only mode exact speaks of the
// sign of zeros in array1b.
static int golden_right(const struct golden_case *c,
                        const struct golden_output *o, size_t i, uint64_t got)
{
    const struct golden_type *type = &o->out.type;
    const int any_zero =
        c->mode != GOLDEN_EXACT && strcmp(c->family, "array1b") == 0;

    if (o->has_bound)
        return golden_within(type, o->out.bits[i], got,
                             (uint32_t)o->bound.bits[i]);
    return golden_equal(type, o->out.bits[i], got, any_zero) ||
           (o->has_other &&
            golden_equal(type, o->other.bits[i], got, any_zero));
}

// "[1, 2]" of element i.
static void golden_place(const struct golden_array *a, size_t i, char *out,
                         size_t size)
{
    size_t at[GOLDEN_MAX_RANK];
    size_t n = 0;

    for (unsigned r = a->rank; r-- > 0;) {
        at[r] = i % a->shape[r];
        i /= a->shape[r];
    }
    out[0] = '\0';
    for (unsigned r = 0; r < a->rank && n < size; r++)
        n += (size_t)snprintf(out + n, size - n, "%s%lu%s", r ? ", " : "[",
                              (unsigned long)at[r], r + 1 < a->rank ? "" : "]");
}

// Compares count elements, given as bits of the output's own type.
static void golden_judge(struct golden_case *c, struct golden_output *o,
                         const uint64_t *got, size_t count)
{
    const struct golden_array *a = &o->out;
    size_t wrong = 0;
    size_t first = 0;

    o->compared = 1;
    if (count != a->count) {
        golden_fail(c, "%s: wanted %lu elements, got %lu", a->name,
                    (unsigned long)a->count, (unsigned long)count);
        return;
    }
    for (size_t i = count; i-- > 0;) {
        if (!golden_right(c, o, i, got[i])) {
            wrong++;
            first = i;
        }
    }
    if (wrong == 0)
        return;
    char place[128], want[64], have[64], beside[64] = "";
    golden_place(a, first, place, sizeof place);
    golden_print(&a->type, a->bits[first], want, sizeof want);
    golden_print(&a->type, got[first], have, sizeof have);
    if (o->has_other || o->has_bound)
        golden_print(o->has_other ? &o->other.type : &o->bound.type,
                     o->has_other ? o->other.bits[first] : o->bound.bits[first],
                     beside, sizeof beside);
    golden_fail(c, "%s%s: wanted %s%s%s, got %s (%lu of %lu differ)", a->name,
                place, want,
                o->has_other   ? " or "
                : o->has_bound ? " within "
                               : "",
                beside, have, (unsigned long)wrong, (unsigned long)count);
}

// The output of that name; NULL, and a failure, if there is none.
static struct golden_output *golden_claimed(struct golden_case *c,
                                            const char *name)
{
    struct golden_output *o = golden_output_of(c, name);

    if (o == NULL)
        golden_fail(c, "the case has no output %s", name);
    return o;
}

// The code of element i of a tensor, in the low bits.
static uint64_t golden_code(const qq_tensor *t, size_t i)
{
    const unsigned bits = qq_type_bits(t->type);
    const uint8_t *p = (const uint8_t *)t->data;
    uint64_t v = 0;
    uint32_t v32;
    uint16_t v16;

    if (bits == 64) {
        memcpy(&v, p + 8 * i, 8);
        return v;
    }
    if (bits == 32) {
        memcpy(&v32, p + 4 * i, 4);
        return v32;
    }
    if (bits == 16) {
        memcpy(&v16, p + 2 * i, 2);
        return v16;
    }
    for (unsigned j = 0; j < bits; j++) {
        const size_t at = i * bits + j;
        v |= (uint64_t)(p[at / 8] >> (at % 8) & 1) << j;
    }
    return v;
}

// The number that an integer type's code stands for, as the case writes it.
static uint64_t golden_integer(qq_type type, uint64_t code)
{
    const unsigned bits = qq_type_bits(type);
    const int is_signed = (type >= QQ_TYPE_INT2 && type <= QQ_TYPE_INT16) ||
                          type == QQ_TYPE_INT32;

    if (type == QQ_TYPE_SIGN)
        return code != 0 ? 1 : UINT64_MAX;
    if (type == QQ_TYPE_TERNARY)
        return code - 1;
    if (is_signed && code >> (bits - 1) != 0)
        return code | UINT64_MAX << bits;
    return code;
}

static int golden_is_float(qq_type type)
{
    return (type >= QQ_TYPE_F32 && type <= QQ_TYPE_BF16) ||
           (type >= QQ_TYPE_E4M3FN && type <= QQ_TYPE_E8M0);
}

static void golden_judge_tensor(struct golden_case *c, struct golden_output *o,
                                const qq_tensor *t)
{
    const struct golden_array *a = &o->out;
    const int floats = a->type.kind == GOLDEN_FLOAT;

    o->compared = 1;
    if (t->type == QQ_TYPE_NONE || t->rank > QQ_MAX_RANK) {
        golden_fail(c, "%s: no tensor was made", a->name);
        return;
    }
    if (floats ? t->type != a->type.qq : golden_is_float(t->type)) {
        golden_fail(c, "%s: wanted type %s, got %s", a->name, a->type.name,
                    qq_type_name(t->type));
        return;
    }
    size_t count = 1;
    for (unsigned r = 0; r < t->rank; r++)
        count *= t->shape[r];
    uint64_t *got = (uint64_t *)golden_memory(NULL, a->count * sizeof *got);
    for (size_t i = 0; i < count && count == a->count; i++)
        got[i] = floats ? golden_code(t, i)
                        : golden_integer(t->type, golden_code(t, i));
    golden_judge(c, o, got, count);
    free(got);
}

void golden_expect_u64s(struct golden_case *c, const char *name,
                        const uint64_t *x, size_t count)
{
    struct golden_output *o = golden_claimed(c, name);

    if (o == NULL)
        return;
    if (o->out.type.kind == GOLDEN_FLOAT)
        golden_fail(c, "%s: wanted type %s, got integers", name,
                    o->out.type.name);
    golden_judge(c, o, x, count);
}

void golden_expect_shape(struct golden_case *c, const char *name, unsigned rank,
                         const size_t *shape)
{
    const struct golden_output *o = golden_claimed(c, name);

    if (o == NULL)
        return;
    int same = rank == o->out.rank;
    for (unsigned r = 0; r < rank && same; r++)
        same = shape[r] == o->out.shape[r];
    if (same)
        return;
    char want[128] = "scalar", got[128] = "scalar";
    for (unsigned r = 0, n = 0; r < o->out.rank && n < sizeof want; r++)
        n += (unsigned)snprintf(want + n, sizeof want - n, r ? "x%lu" : "%lu",
                                (unsigned long)o->out.shape[r]);
    for (unsigned r = 0, n = 0; r < rank && n < sizeof got; r++)
        n += (unsigned)snprintf(got + n, sizeof got - n, r ? "x%lu" : "%lu",
                                (unsigned long)shape[r]);
    golden_fail(c, "%s: wanted shape %s, got %s", name, want, got);
}

void golden_expect_flat(struct golden_case *c, const char *name,
                        const qq_tensor *t)
{
    struct golden_output *o = golden_claimed(c, name);

    if (o != NULL)
        golden_judge_tensor(c, o, t);
}

void golden_expect_tensor(struct golden_case *c, const char *name,
                          const qq_tensor *t)
{
    if (t->type != QQ_TYPE_NONE && t->rank <= QQ_MAX_RANK)
        golden_expect_shape(c, name, t->rank, t->shape);
    golden_expect_flat(c, name, t);
}

void golden_expect_text(struct golden_case *c, const char *name,
                        const char *text)
{
    for (size_t i = 0; i < c->text_count; i++) {
        struct golden_word *w = &c->texts[i];
        if (strcmp(w->key, name) != 0)
            continue;
        w->read = 1;
        if (strcmp(w->value, text) != 0)
            golden_fail(c, "%s: wanted \"%s\", got \"%s\"", name, w->value,
                        text);
        return;
    }
    golden_fail(c, "the case has no text %s", name);
}
