// qquant floor 1: moving quantized arrays about without decoding them.

#ifndef QQUANT_API_VIEW_H
#define QQUANT_API_VIEW_H

#include "api/array.h"

// Every call answers with *view, which may be the array itself; those that
// take out write the moved scales, zero points and codes there, behind each
// other, and need the bytes that qq_array_bytes says of the result, which the
// _size functions compute (SIZE_MAX where the call would be refused). out must
// not overlap the array. A bias moves as a scale does; it stands behind the
// zero points, has the array's rank, and sizes that divide the array's.
//
// Arrays of every rule move. Their tensors are checked, and that shapes and
// tiles fit, but not what the codes mean. QQ_ERR_ARGUMENT: NULL with bytes;
// QQ_ERR_SIZE: out too small, or a result beyond size_t.

// The bytes of an array's scales, zero points, bias and codes; SIZE_MAX for
// what is no array.
QQ_API size_t qq_array_bytes(const qq_array *a);

// Result axis i is axis axes[i]. QQ_ERR_AXIS: no permutation. Bytes as before.
QQ_API qq_status qq_array_transpose(const qq_array *a, const unsigned *axes,
                                    void *out, size_t out_bytes,
                                    qq_array *view);

// Two axes for each other; negative: from the end, so -1 and -2 are rows and
// columns. Bytes as before. QQ_ERR_AXIS: there is no such axis.
QQ_API qq_status qq_array_swap_axes(const qq_array *a, int axis, int other,
                                    void *out, size_t out_bytes,
                                    qq_array *view);

// Another shape over the same bytes. Old and new sizes are split into the
// smallest groups of equal product; a group's scales must be all different
// (they follow), one (it stays one) or run along the group's first axis only
// and divide the new first axis. QQ_ERR_SHAPE otherwise, and for arrays
// without numbers. The last tile of no axis may be short, unless that axis
// keeps its size (or has one scale). *view points to a's data.
QQ_API qq_status qq_array_reshape(const qq_array *a, unsigned rank,
                                  const size_t *shape, qq_array *view);

// One entry of an index, as in NumPy.
typedef enum qq_index_kind {
    QQ_INDEX_AT = 1,      // one index; the axis goes
    QQ_INDEX_SLICE = 2,   // start:stop:step
    QQ_INDEX_ALL = 3,     // the whole axis
    QQ_INDEX_NEW = 4,     // a new axis of size 1
    QQ_INDEX_ELLIPSIS = 5 // as many whole axes as are missing; once at most
} qq_index_kind;

typedef struct qq_index {
    ptrdiff_t start; // of a slice; the index itself. Negative: from the end
    ptrdiff_t stop;
    ptrdiff_t step;
    int has_start; // a slice without start or stop runs to the end
    int has_stop;
    qq_index_kind kind;
} qq_index;

// a[index...]; axes behind the last entry are taken whole. Slices are cut to
// the axis, as in NumPy. Along an axis with a scale for every number the scales
// follow; with one for all it stays; else, along tiles, one index takes the
// scale of its tile, and a slice must begin and end at tile borders and have
// step 1 (rule qquant), or be the whole axis (Qwix's rules; others as qquant).
// QQ_ERR_SHAPE: otherwise, an index out of range, and a rank above
// QQ_MAX_RANK; QQ_ERR_AXIS: too many entries, two ellipses; QQ_ERR_ARGUMENT:
// no such rule or kind, a step of 0.
QQ_API size_t qq_array_index_size(const qq_array *a, qq_rule rule,
                                  const qq_index *index, unsigned count);
QQ_API qq_status qq_array_index(const qq_array *a, qq_rule rule,
                                const qq_index *index, unsigned count,
                                void *out, size_t out_bytes, qq_array *view);

// Rows index[0], index[1], ... of one axis (gather); axis negative: from the
// end. The axis has one scale, or one for every number. QQ_ERR_AXIS;
// QQ_ERR_SHAPE: tiles, an index out of range.
QQ_API size_t qq_array_take_size(const qq_array *a, int axis, size_t count);
QQ_API qq_status qq_array_take(const qq_array *a, int axis, size_t count,
                               const size_t *index, void *out, size_t out_bytes,
                               qq_array *view);

// Every number repeated in a row until the array has the shape (leading axes
// of size 1 are added): the scales become one for each number. QQ_ERR_SHAPE: a
// size that is no multiple. An array that has the shape already comes back as
// it is, nothing is written and the size is 0.
QQ_API size_t qq_array_broadcast_size(const qq_array *a, unsigned rank,
                                      const size_t *shape);
QQ_API qq_status qq_array_broadcast(const qq_array *a, unsigned rank,
                                    const size_t *shape, void *out,
                                    size_t out_bytes, qq_array *view);

// n arrays of one type behind each other along an axis. Their tiles agree on
// every axis; along this one tiles of the same size must go on from array to
// array, only the last of all may be short. So an array with one scale along
// the axis is one tile: several of the same size may stand behind each other.
// Arrays of size 0 along the axis add nothing. QQ_ERR_ARGUMENT: n is 0;
// QQ_ERR_TYPE: types, books or second scales differ; QQ_ERR_SHAPE; QQ_ERR_AXIS.
QQ_API size_t qq_array_concatenate_size(const qq_array *const *parts, size_t n,
                                        int axis);
QQ_API qq_status qq_array_concatenate(const qq_array *const *parts, size_t n,
                                      int axis, void *out, size_t out_bytes,
                                      qq_array *view);

// The same codes with scales of another type (f32, f16, bf16), rounded to
// nearest even; what is too large becomes infinite. out: the scales' bytes;
// the rest of *view points to a's data. QQ_ERR_TYPE.
QQ_API qq_status qq_array_astype(const qq_array *a, qq_type type, void *out,
                                 size_t out_bytes, qq_array *view);

// --- tensors of different shapes -------------------------------------------

typedef enum qq_broadcast_op {
    QQ_BROADCAST_MULTIPLY = 1,
    QQ_BROADCAST_ADD = 2,
    QQ_BROADCAST_SUBTRACT = 3
} qq_broadcast_op;

// z = x op y, number by number, each rounded once to nearest even in the type
// of x and y (both f32, f16 or bf16); NaN is the same NaN everywhere. Ranks
// agree; along an axis the smaller size divides the larger one, which the
// result has, and each of its numbers stands in a row for several: a scale
// meets its tile. (Of a size 1 and a size 0 the result has 0.) out: the bytes
// of the result, must not overlap x or y. QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API size_t qq_broadcast_size(const qq_tensor *x, const qq_tensor *y);
QQ_API qq_status qq_broadcast_apply(qq_broadcast_op op, const qq_tensor *x,
                                    const qq_tensor *y, void *out,
                                    size_t out_bytes, qq_tensor *view);

#endif // QQUANT_API_VIEW_H
