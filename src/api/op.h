// qquant floor 1: operations on numbers and on quantized arrays.
//
// These are definitions: scalar, one rounding a step, in the order that is
// written here.

#ifndef QQUANT_API_OP_H
#define QQUANT_API_OP_H

#include "api/eformer.h"

// What takes part in an operation: a tensor as it stands, or an array by its
// decoded values. Exactly one of the first three is not NULL. Owns nothing;
// free to copy.
typedef struct qq_operand {
    const qq_tensor *tensor;   // f32, f16, bf16, int8, int16, int32, uint8
    const qq_array *array;     // decoded by qq_dequantize
    const qq_array1b *array1b; // decoded by qq_array1b_unpack
    qq_rule rule;              // array: whose; else ignored
    qq_type type;              // to which it is decoded; none: see below
} qq_operand;

// array, type none: the type of its scale. array1b, type none: its own type.
QQ_API qq_operand qq_operand_tensor(const qq_tensor *tensor);
QQ_API qq_operand qq_operand_array(const qq_array *array, qq_rule rule,
                                   qq_type type);
QQ_API qq_operand qq_operand_array1b(const qq_array1b *array1b, qq_type type);

// QQ_ERR_ARGUMENT: NULL, none of the three, or several; QQ_ERR_TYPE: a type
// that operations do not have; else as the checks of the three.
QQ_API qq_status qq_operand_check(const qq_operand *x);

// What an operation needs in scratch for this operand: the bytes of its
// decoded values, 0 for a tensor. SIZE_MAX where qq_operand_check refuses.
// Operations with two operands need the sum.
QQ_API size_t qq_operand_scratch_size(const qq_operand *x);

// The operand as a tensor: itself, or its values, decoded to scratch.
QQ_API qq_status qq_operand_decode(const qq_operand *x, void *scratch,
                                   size_t scratch_bytes, qq_tensor *view);

// --- element by element ----------------------------------------------------

typedef enum qq_unary {
    QQ_UNARY_EXP = 1, // floats only, as all three
    QQ_UNARY_LOG = 2, // 0: -infinity; below 0: NaN
    QQ_UNARY_SQRT = 3 // below 0: NaN; -0 stays
} qq_unary;

// out = op(x), of x's type, shape and byte count. f16 and bf16: computed in
// f32, rounded once more. out must not overlap scratch, but may be x's data.
// QQ_ERR_TYPE: integers.
QQ_API qq_status qq_operand_unary(const qq_operand *x, qq_unary op, void *out,
                                  size_t out_bytes, void *scratch,
                                  size_t scratch_bytes, qq_tensor *view);

// out = x^exponent: repeated squares in f64, for negative exponents the
// reciprocal of the result, rounded once to f32 and to x's type. x^0 = 1, NaN
// too. QQ_ERR_TYPE: integers.
QQ_API qq_status qq_operand_power(const qq_operand *x, int exponent, void *out,
                                  size_t out_bytes, void *scratch,
                                  size_t scratch_bytes, qq_tensor *view);

typedef enum qq_binary {
    QQ_BINARY_ADD = 1, // integers wrap, in products, too
    QQ_BINARY_MULTIPLY = 2,
    QQ_BINARY_DIVIDE = 3,  // integers: cut towards zero; x / 0 = -1 (uint8:
                           // 255); the smallest / -1 is itself
    QQ_BINARY_MAXIMUM = 4, // NaN if one of them is; +0 above -0
    QQ_BINARY_LESS = 5     // uint8, 1 where x < y, else 0; NaN: 0
} qq_binary;

// out = x op y: same shapes, same types, else QQ_ERR_SHAPE, QQ_ERR_TYPE. One
// rounding to the type. out: the bytes of the result, may be x's or y's data
// unless op is less.
QQ_API qq_status qq_operand_binary(const qq_operand *x, qq_binary op,
                                   const qq_operand *y, void *out,
                                   size_t out_bytes, void *scratch,
                                   size_t scratch_bytes, qq_tensor *view);

// Every number as another type, as JAX converts: floats to integers are cut
// towards zero and saturate, NaN gives 0; integers to integers keep their low
// bits; else to nearest even, infinite beyond the largest. (qq_tensor_convert
// rounds and saturates.)
QQ_API qq_status qq_operand_cast(const qq_operand *x, qq_type type, void *out,
                                 size_t out_bytes, void *scratch,
                                 size_t scratch_bytes, qq_tensor *view);

// --- products --------------------------------------------------------------

// Axes of a product: lhs_contract[i] runs with rhs_contract[i] and is summed
// over, lhs_batch[i] with rhs_batch[i] and stays.
typedef struct qq_dot_dims {
    unsigned contract_count;
    unsigned lhs_contract[QQ_MAX_RANK];
    unsigned rhs_contract[QQ_MAX_RANK];
    unsigned batch_count;
    unsigned lhs_batch[QQ_MAX_RANK];
    unsigned rhs_batch[QQ_MAX_RANK];
} qq_dot_dims;

// The type of x op y where they differ, as JAX promotes: the wider of two
// floats, f32 of f16 and bf16, the float of a float and an integer, the
// smallest integer type that holds both. None if a type is not among those of
// tensors above.
QQ_API qq_type qq_promote(qq_type x, qq_type y);

// z = the sum over the contracted axes of x * y; its axes are the batch axes,
// then the other axes of x, then those of y. type: of z; none: the type to
// which the operands promote. dims NULL: the last axis of x with the first of
// y.
//
// z float: acc = +0, acc = fma(x, y, acc) in f32, in the order of the
// contracted axes, the last one running fastest; then one rounding to type.
// z integer (both operands are): exact, then cut to type's low bits.
//
// out: qq_dot_general_size bytes, overlaps nothing. scratch: the operands'.
// QQ_ERR_AXIS: an axis beyond the rank, or twice; QQ_ERR_SHAPE: sizes that
// differ, a result of more than QQ_MAX_RANK axes; QQ_ERR_TYPE: an integer z of
// floats.
QQ_API size_t qq_dot_general_size(const qq_operand *x, const qq_operand *y,
                                  const qq_dot_dims *dims, qq_type type);
QQ_API qq_status qq_dot_general(const qq_operand *x, const qq_operand *y,
                                const qq_dot_dims *dims, qq_type type,
                                void *out, size_t out_bytes, void *scratch,
                                size_t scratch_bytes, qq_tensor *view);

// What eformer answers for a plain x (f32, f16, bf16) by an int8 array w [k,
// n]: always x @ w, the last axis of x (k) by the first of w, whatever axes
// were asked for; always bf16, rounded once; sums in f32 as above. Scales
// [1, n], n > 1: sum(x * code) * scale; [k, 1], k > 1: sum((x * scale) * code),
// x * scale rounded to f32; else sum(x * (code * scale)), scale and product
// rounded to bf16. An x of rank 1 gives [n], but [1, n] where the scales are
// [1, n], n > 1. qq_dot_general is the right one. QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API size_t qq_eformer_dot_size(const qq_tensor *x, const qq_array *w);
QQ_API qq_status qq_eformer_dot(const qq_tensor *x, const qq_array *w,
                                void *out, size_t out_bytes, qq_tensor *view);

// --- moves -----------------------------------------------------------------

// Another order or number of axes.
typedef enum qq_move_kind {
    QQ_MOVE_TRANSPOSE = 1, // result axis i is axis axes[i]
    QQ_MOVE_RESHAPE = 2,   // the same numbers in another shape
    QQ_MOVE_BROADCAST = 3  // axis i becomes result axis axes[i] (ascending); a
                           // size of 1 is repeated
} qq_move_kind;

typedef struct qq_move {
    size_t shape[QQ_MAX_RANK];  // of the result; transpose: ignored
    unsigned axes[QQ_MAX_RANK]; // reshape: ignored
    unsigned rank;              // of the result
    qq_move_kind kind;
} qq_move;

QQ_API qq_move qq_move_transpose(unsigned rank, const unsigned *axes);
QQ_API qq_move qq_move_reshape(unsigned rank, const size_t *shape);
// axes: as many as the operand has axes, from.
QQ_API qq_move qq_move_broadcast(unsigned rank, const size_t *shape,
                                 unsigned from, const unsigned *axes);

// A tensor of any type, moved. out: the bytes of the result, overlaps nothing.
// QQ_ERR_AXIS: no permutation, axes not ascending or beyond the rank;
// QQ_ERR_SHAPE: sizes that do not fit.
QQ_API size_t qq_tensor_move_size(const qq_tensor *t, const qq_move *m);
QQ_API qq_status qq_tensor_move(const qq_tensor *t, const qq_move *m, void *out,
                                size_t out_bytes, qq_tensor *view);

// An nf4 or int8 array, moved as eformer (QQ_RULE_EFORMER) does. nf4: decoded
// to type, moved, quantized again in blocks of the same size along the new
// last axis, perhaps padded: lossy. int8: codes and scales are both
// transposed; both broadcast to the full shape, so that there is a scale for
// every number; reshape decodes and quantizes again with one scale along the
// last axis. type: none is that of the scale. api/view.h has moves without
// loss.
//
// out: qq_array_move_size bytes; scratch: qq_array_move_scratch_size bytes;
// neither overlaps a. Errors as qq_tensor_move; QQ_ERR_TYPE: another array.
QQ_API size_t qq_array_move_size(const qq_array *a, const qq_move *m,
                                 qq_type type);
QQ_API size_t qq_array_move_scratch_size(const qq_array *a, const qq_move *m,
                                         qq_type type);
QQ_API qq_status qq_array_move(const qq_array *a, const qq_move *m,
                               qq_type type, void *out, size_t out_bytes,
                               void *scratch, size_t scratch_bytes,
                               qq_array *view);

#endif // QQUANT_API_OP_H
