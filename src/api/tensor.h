// qquant floor 1: tensors, which are views of numbers somebody else owns.

#ifndef QQUANT_API_TENSOR_H
#define QQUANT_API_TENSOR_H

#include "api/type.h"

#define QQ_MAX_RANK 8

// A dense array of numbers: the last axis runs fastest, codes of less than a
// byte are packed without gaps, low bits first, across rows (see api/pack.h).
// Numbers of two, four and eight bytes are in the machine's own order. The
// data need not be aligned. Owns nothing; free to copy.
typedef struct qq_tensor {
    const void *data;
    size_t shape[QQ_MAX_RANK]; // unused entries are ignored
    unsigned rank;             // 0: a scalar, one number
    qq_type type;              // QQ_TYPE_NONE: no tensor
} qq_tensor;

// A tensor of its parts. shape may be NULL where rank is 0. A rank above
// QQ_MAX_RANK gives a tensor of type none, which every call refuses.
QQ_API qq_tensor qq_tensor_make(const void *data, qq_type type, unsigned rank,
                                const size_t *shape);

// The product of the shape; SIZE_MAX if that is more than size_t holds.
QQ_API size_t qq_tensor_count(const qq_tensor *t);

// The bytes of the data, exactly; SIZE_MAX if that is more than size_t holds.
QQ_API size_t qq_tensor_bytes(const qq_tensor *t);

// QQ_ERR_ARGUMENT: NULL, or no data for a tensor of more than 0 bytes;
// QQ_ERR_TYPE: no type, or a format (a tensor stores e2m1, not mxfp4);
// QQ_ERR_SHAPE: rank above QQ_MAX_RANK; QQ_ERR_SIZE: too many bytes.
QQ_API qq_status qq_tensor_check(const qq_tensor *t);

// Element i, counted row-major: its code (sign-extended for intN) and its
// value. Precondition: i is below the count. f64 values are rounded to f32;
// the code of f64 is 0. Code books have the values of their own table;
// elements of QQ_TYPE_BOOK have the value of their code.
QQ_API int32_t qq_tensor_code(const qq_tensor *t, size_t i);
QQ_API float qq_tensor_value(const qq_tensor *t, size_t i);

// Every element as another type, one rounding to nearest even each,
// saturating (qq_type_encode; nf4 and bnb_fp4 see f64 and int32 rounded to
// f32). The same type: the same codes. out: qq_type_bytes(type, count) bytes,
// must not overlap t's data. *view becomes the result. QQ_ERR_TYPE also for
// formats and books of the caller.
QQ_API qq_status qq_tensor_convert(const qq_tensor *t, qq_type type, void *out,
                                   size_t out_bytes, qq_tensor *view);

// Row-major moves of the numbers, whatever their width. axes: a permutation
// of 0 to rank - 1; result axis i is axis axes[i] of t. out:
// qq_tensor_bytes(t) bytes, must not overlap. QQ_ERR_AXIS.
QQ_API qq_status qq_tensor_transpose(const qq_tensor *t, const unsigned *axes,
                                     void *out, size_t out_bytes,
                                     qq_tensor *view);

// The elements start[a], start[a] + step[a] and so on, count[a] of them, of
// every axis a; step may be negative (then start is the highest), never 0
// unless count[a] is at most 1 (QQ_ERR_ARGUMENT). out: the bytes of the
// result. QQ_ERR_SHAPE where an element lies outside.
QQ_API qq_status qq_tensor_slice(const qq_tensor *t, const size_t *start,
                                 const size_t *count, const ptrdiff_t *step,
                                 void *out, size_t out_bytes, qq_tensor *view);

// Each number repeated shape[a] / t->shape[a] times in a row along every
// axis: 1 becomes any size, 8 becomes 64 by eight copies each. Same rank.
// QQ_ERR_SHAPE where a size is no multiple.
QQ_API qq_status qq_tensor_repeat(const qq_tensor *t, const size_t *shape,
                                  void *out, size_t out_bytes, qq_tensor *view);

// n tensors of one type and rank behind each other along axis; all other
// sizes agree. QQ_ERR_TYPE, QQ_ERR_SHAPE, QQ_ERR_AXIS.
QQ_API qq_status qq_tensor_concatenate(const qq_tensor *const *parts, size_t n,
                                       unsigned axis, void *out,
                                       size_t out_bytes, qq_tensor *view);

#endif // QQUANT_API_TENSOR_H
