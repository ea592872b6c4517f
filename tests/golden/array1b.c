// The operands of eformer's three classes: see array1b.h.

#include "array1b.h"

#include <string.h>

qq_type array1b_type(const char *word)
{
    struct golden_type type;

    return word != NULL && golden_type_of(word, &type) ? type.qq : QQ_TYPE_NONE;
}

// The axes that share a scale: those of the setting, the last where it is
// absent or none.
static int array1b_axes(struct golden_case *c, unsigned rank, qq_scheme *s)
{
    long read[QQ_MAX_RANK] = {-1};
    int axes[QQ_MAX_RANK] = {-1};
    size_t n = golden_ints(c, "axes", read, QQ_MAX_RANK);

    if (n == 0 && !golden_is(c, "axes", "empty"))
        n = 1;
    else
        for (size_t i = 0; i < n; i++)
            axes[i] = (int)read[i];
    return golden_ok(c, qq_eformer_axes(s, axes, (unsigned)n, rank));
}

int array1b_scheme(struct golden_case *c, array1b_class class_, unsigned rank,
                   qq_scheme *s)
{
    const int fj = golden_is(c, "version", "fjformer");
    const qq_rule rule = fj ? QQ_RULE_FJFORMER
                         : golden_is(c, "version", "0.0.47")
                             ? QQ_RULE_EFORMER_FLAT
                             : QQ_RULE_EFORMER;

    *s = qq_scheme_init_rule(class_ == ARRAY1B_NF4 ? QQ_TYPE_NF4 : QQ_TYPE_INT8,
                             rule);
    if (class_ == ARRAY1B_8BIT)
        return array1b_axes(c, rank, s);
    const long block = golden_int(c, "block-size", 64);
    return golden_ok(c, block < 0 ? QQ_ERR_ARGUMENT
                                  : qq_scheme_tile(s, -1, rank, (size_t)block));
}

int array1b_quantize(struct golden_case *c, const qq_tensor *x,
                     const qq_scheme *s, qq_array *a)
{
    if (!golden_ok(c, qq_scheme_check(s, x, NULL)))
        return 0;
    const size_t bytes = qq_array_size(x, s);
    return golden_ok(c, qq_quantize(x, s, golden_bytes(c, bytes), bytes, a));
}

// nf4: the codes in pairs, the first in the high half.
static void array1b_expect_nf4(struct golden_case *c, const qq_array *a,
                               int flat)
{
    const size_t count = qq_tensor_count(&a->value);
    uint8_t *codes = (uint8_t *)golden_bytes(c, count);
    uint8_t *packed = (uint8_t *)golden_bytes(c, count / 2);
    size_t shape[QQ_MAX_RANK + 1];
    const unsigned last = a->value.rank - 1;

    (void)golden_ok(c, qq_unpack_bits(4, QQ_ORDER_LOW_FIRST, 0, 0, count,
                                      a->value.data, count / 2, codes, count));
    (void)golden_ok(c, qq_pack_bits(4, QQ_ORDER_HIGH_NIBBLE_FIRST, 0, count,
                                    codes, packed, count / 2));
    golden_expect_u8s(c, "packed", packed, count / 2);
    if (flat) {
        shape[0] = count / 2;
        golden_expect_shape(c, "packed", 1, shape);
        golden_expect_flat(c, "absmax", &a->scale);
        return;
    }
    memcpy(shape, a->scale.shape, sizeof a->scale.shape);
    shape[last + 1] = a->tile[last] / 2;
    golden_expect_shape(c, "packed", last + 2, shape);
    golden_expect_tensor(c, "absmax", &a->scale);
}

void array1b_expect_codes(struct golden_case *c, const qq_array *a,
                          qq_rule rule)
{
    if (a->type == QQ_TYPE_NF4) {
        array1b_expect_nf4(c, a, rule != QQ_RULE_EFORMER);
        return;
    }
    golden_expect_tensor(c, "codes", &a->value);
    golden_expect_tensor(c, "scale", &a->scale);
}

void array1b_expect(struct golden_case *c, const qq_array *a, qq_rule rule,
                    qq_type type)
{
    const qq_type own = a->scale.type;
    const int is_int = type == QQ_TYPE_INT8 || type == QQ_TYPE_INT16 ||
                       type == QQ_TYPE_INT32 || type == QQ_TYPE_UINT8;
    const qq_type first = type == QQ_TYPE_NONE || is_int ? own : type;
    const size_t count = qq_tensor_count(&a->value);
    const size_t bytes = qq_type_bytes(first, count);
    void *out = golden_bytes(c, bytes);
    qq_tensor values;

    array1b_expect_codes(c, a, rule);
    if (!golden_ok(c, qq_dequantize(a, rule, first, out, bytes, &values)))
        return;
    if (is_int) {
        const size_t wide = qq_type_bytes(type, count);
        const qq_operand x = qq_operand_tensor(&values);
        if (!golden_ok(c, qq_operand_cast(&x, type, golden_bytes(c, wide), wide,
                                          NULL, 0, &values)))
            return;
    }
    golden_expect_tensor(c, "values", &values);
}

// An input of a type that the library names, or of plain integers.
int array1b_pack(struct golden_case *c, const char *name, qq_array1b_rule rule,
                 qq_type type, qq_array1b *a)
{
    const struct golden_array *raw = golden_raw(c, name);
    const qq_tensor x = golden_input(c, name);

    if (raw == NULL)
        return golden_ok(c, QQ_ERR_ARGUMENT);
    if (x.type != QQ_TYPE_NONE || raw->type.kind == GOLDEN_FLOAT) {
        const size_t bytes = qq_array1b_size(x.rank, x.shape);
        const size_t room = bytes == SIZE_MAX ? 0 : bytes;
        return golden_ok(
            c, qq_array1b_pack(&x, rule, type, golden_bytes(c, room), room, a));
    }
    // The words of a bool are 0 and 1; those of integers are sign-extended.
    const size_t bytes = qq_array1b_size(raw->rank, raw->shape);
    const size_t room = bytes == SIZE_MAX ? 0 : bytes;
    void *words = golden_bytes(c, raw->count * 8);
    memcpy(words, raw->bits, raw->count * 8);
    return golden_ok(c, qq_array1b_pack_integers(
                            words, 8, raw->type.kind == GOLDEN_INT, raw->rank,
                            raw->shape, rule, type ? type : QQ_TYPE_INT32,
                            golden_bytes(c, room), room, a));
}
