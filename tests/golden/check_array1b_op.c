// The cases of array1b that compute with quantized operands.

#include "array1b.h"

#include <string.h>

static const char *const op_classes[] = {NULL, "1bit", "nf4", "8bit"};

// The class that the name of a call contains.
static array1b_class op_class(const struct golden_case *c)
{
    for (int i = ARRAY1B_NF4; i <= ARRAY1B_8BIT; i++)
        if (strstr(c->call, op_classes[i]) != NULL)
            return (array1b_class)i;
    return ARRAY1B_1BIT;
}

// An operand and what it points to.
struct op_operand {
    int packed;
    qq_tensor x;
    qq_array a;
    qq_array1b b;
    qq_operand operand;
};

static int op_is_packed(struct golden_case *c, const char *name)
{
    const char *word = golden_set(c, "packed");

    if (word == NULL) // moves have one operand
        return strcmp(name, "x") == 0;
    for (; *word != '\0'; word += strcspn(word, " ")) {
        word += strspn(word, " ");
        const size_t n = strcspn(word, " ");
        if (n == strlen(name) && strncmp(word, name, n) == 0)
            return 1;
    }
    return 0;
}

static int op_operand(struct golden_case *c, const char *name,
                      struct op_operand *o)
{
    const array1b_class class_ = op_class(c);
    const qq_type type = array1b_type(golden_set(c, "dtype"));
    qq_scheme s;

    memset(o, 0, sizeof *o);
    o->packed = op_is_packed(c, name);
    if (o->packed && class_ == ARRAY1B_1BIT) {
        if (!array1b_pack(c, name, QQ_ARRAY1B_STRICT, type, &o->b))
            return 0;
        o->operand = qq_operand_array1b(&o->b, QQ_TYPE_NONE);
        return 1;
    }
    o->x = golden_input(c, name);
    o->operand = qq_operand_tensor(&o->x);
    if (!o->packed)
        return golden_ok(c, qq_tensor_check(&o->x));
    if (!array1b_scheme(c, class_, o->x.rank, &s) ||
        !array1b_quantize(c, &o->x, &s, &o->a))
        return 0;
    o->operand = qq_operand_array(&o->a, QQ_RULE_EFORMER, type);
    return 1;
}

// --- element by element ----------------------------------------------------

static void check_binary(struct golden_case *c, qq_binary op)
{
    struct op_operand x, y;
    qq_tensor z;

    if (!op_operand(c, "x", &x) || !op_operand(c, "y", &y))
        return;
    const size_t need = qq_operand_scratch_size(&x.operand) +
                        qq_operand_scratch_size(&y.operand);
    size_t bytes = 4;
    for (unsigned a = 0; a < x.x.rank + x.b.rank; a++)
        bytes *= x.packed && x.b.rank ? x.b.shape[a] : x.x.shape[a];
    if (golden_ok(c, qq_operand_binary(&x.operand, op, &y.operand,
                                       golden_bytes(c, bytes), bytes,
                                       golden_bytes(c, need), need, &z)))
        golden_expect_tensor(c, "z", &z);
}

static void check_add(struct golden_case *c)
{
    check_binary(c, QQ_BINARY_ADD);
}

static void check_mul(struct golden_case *c)
{
    check_binary(c, QQ_BINARY_MULTIPLY);
}

static void check_div(struct golden_case *c)
{
    check_binary(c, QQ_BINARY_DIVIDE);
}

static void check_max(struct golden_case *c)
{
    check_binary(c, QQ_BINARY_MAXIMUM);
}

static void check_lt(struct golden_case *c)
{
    check_binary(c, QQ_BINARY_LESS);
}

// op 0: a power.
static void check_one(struct golden_case *c, qq_unary op, int exponent)
{
    struct op_operand x;
    qq_status status;
    qq_tensor z;

    if (!op_operand(c, "x", &x))
        return;
    const size_t need = qq_operand_scratch_size(&x.operand);
    const size_t bytes = x.b.rank ? need : qq_tensor_bytes(&x.x);
    void *out = golden_bytes(c, bytes);
    void *scratch = golden_bytes(c, need);
    if ((int)op == 0)
        status = qq_operand_power(&x.operand, exponent, out, bytes, scratch,
                                  need, &z);
    else
        status =
            qq_operand_unary(&x.operand, op, out, bytes, scratch, need, &z);
    if (golden_ok(c, status))
        golden_expect_tensor(c, "z", &z);
}

static void check_exp(struct golden_case *c)
{
    check_one(c, QQ_UNARY_EXP, 0);
}

static void check_log(struct golden_case *c)
{
    check_one(c, QQ_UNARY_LOG, 0);
}

static void check_sqrt(struct golden_case *c)
{
    check_one(c, QQ_UNARY_SQRT, 0);
}

static void check_power(struct golden_case *c)
{
    check_one(c, (qq_unary)0, (int)golden_int(c, "exponent", 2));
}

// --- products --------------------------------------------------------------

static unsigned op_axes(struct golden_case *c, const char *key, unsigned *out)
{
    long axes[QQ_MAX_RANK];
    const size_t n = golden_ints(c, key, axes, QQ_MAX_RANK);

    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned)axes[i];
    return (unsigned)n;
}

// A plain x by an Array8B goes a way of its own.
static void check_dot(struct golden_case *c)
{
    struct op_operand x, y;
    qq_dot_dims d;
    qq_tensor z;

    memset(&d, 0, sizeof d);
    d.contract_count = op_axes(c, "lhs-contract", d.lhs_contract);
    d.batch_count = op_axes(c, "lhs-batch", d.lhs_batch);
    if (op_axes(c, "rhs-contract", d.rhs_contract) != d.contract_count ||
        op_axes(c, "rhs-batch", d.rhs_batch) != d.batch_count)
        golden_refuses(c, "lists of axes of unequal lengths");
    const qq_type type = array1b_type(golden_set(c, "preferred"));
    (void)golden_yes(c, "compat", 0);
    if (!op_operand(c, "x", &x) || !op_operand(c, "y", &y))
        return;
    if (op_class(c) == ARRAY1B_8BIT && !x.packed) {
        const size_t bytes = qq_eformer_dot_size(&x.x, &y.a);
        if (golden_ok(c, qq_eformer_dot(&x.x, &y.a, golden_bytes(c, bytes),
                                        bytes, &z)))
            golden_expect_tensor(c, "z", &z);
        return;
    }
    const size_t need = qq_operand_scratch_size(&x.operand) +
                        qq_operand_scratch_size(&y.operand);
    const size_t size = qq_dot_general_size(&x.operand, &y.operand, &d, type);
    const size_t bytes = size == SIZE_MAX ? 0 : size;
    if (golden_ok(c, qq_dot_general(&x.operand, &y.operand, &d, type,
                                    golden_bytes(c, bytes), bytes,
                                    golden_bytes(c, need), need, &z)))
        golden_expect_tensor(c, "z", &z);
}

// --- moves -----------------------------------------------------------------

static void check_move(struct golden_case *c, const qq_move *m)
{
    const qq_type type = array1b_type(golden_set(c, "dtype"));
    struct op_operand x;
    qq_array moved;

    if (!op_operand(c, "x", &x))
        return;
    const size_t size = qq_array_move_size(&x.a, m, type);
    const size_t need = qq_array_move_scratch_size(&x.a, m, type);
    const size_t bytes = size == SIZE_MAX ? 0 : size;
    const size_t scratch = need == SIZE_MAX ? 0 : need;
    if (golden_ok(c, qq_array_move(&x.a, m, type, golden_bytes(c, bytes), bytes,
                                   golden_bytes(c, scratch), scratch, &moved)))
        array1b_expect(c, &moved, QQ_RULE_EFORMER, type);
}

static void check_transpose(struct golden_case *c)
{
    unsigned axes[QQ_MAX_RANK];
    const unsigned n = op_axes(c, "perm", axes);
    const qq_move m = qq_move_transpose(n, axes);

    check_move(c, &m);
}

static void check_reshape(struct golden_case *c)
{
    size_t shape[GOLDEN_MAX_RANK];
    const unsigned n = golden_shape(c, "shape", shape);
    const qq_move m = qq_move_reshape(n, shape);

    if (golden_set(c, "order") != NULL)
        golden_not_covered(c);
    else
        check_move(c, &m);
}

static void check_broadcast(struct golden_case *c)
{
    size_t shape[GOLDEN_MAX_RANK];
    unsigned axes[QQ_MAX_RANK];
    const unsigned n = golden_shape(c, "shape", shape);
    const unsigned from = op_axes(c, "dims", axes);
    const qq_move m = qq_move_broadcast(n, shape, from, axes);

    check_move(c, &m);
}

#define OP_ROWS(name)                                                          \
    {"array1b", "add_" name "_xy", check_add},                                 \
        {"array1b", "mul_" name "_xy", check_mul},                             \
        {"array1b", "div_" name "_xy", check_div},                             \
        {"array1b", "max_" name "_xy", check_max},                             \
        {"array1b", "lt_" name "_xy", check_lt},                               \
        {"array1b", "exp_" name "_x", check_exp},                              \
        {"array1b", "log_" name "_x", check_log},                              \
        {"array1b", "sqrt_" name "_x", check_sqrt},                            \
        {"array1b", "integer_pow_" name "_x", check_power},                    \
    {                                                                          \
        "array1b", "dot_general_" name "_lhs_rhs", check_dot                   \
    }

const struct golden_checker golden_array1b_op[] = {
    OP_ROWS("1bit"),
    OP_ROWS("nf4"),
    OP_ROWS("8bit"),
    {"array1b", "transpose_nf4_operand", check_transpose},
    {"array1b", "transpose_8bit_operand", check_transpose},
    {"array1b", "reshape_nf4_operand", check_reshape},
    {"array1b", "reshape_8bit_operand", check_reshape},
    {"array1b", "broadcast_in_dim_nf4_operand", check_broadcast},
    {"array1b", "broadcast_in_dim_8bit_operand", check_broadcast},
    {NULL, NULL, NULL}};
