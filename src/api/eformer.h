// qquant floor 1: eformer's arrays: Array1B, its front end, straight-through.
//
// ArrayNF4 and Array8B are qq_arrays made by qq_quantize under one of three
// rules. What these rules compute:
//
//   QQ_RULE_EFORMER, nf4: blocks of tile[last] numbers (even) along the last
//     axis, which is padded with zeros to whole blocks (a size of 0 to one):
//     value has the padded shape. The scale is the block's absmax; a code is
//     the level nearest to x / (absmax + tiny), tiny being the smallest normal
//     number of x's type. qq_dequantize takes 16 other levels, those of the
//     polynomial by which eformer decodes (QQ_NF4_POLYNOMIAL).
//   QQ_RULE_EFORMER, int8: scale = absmax / 127 + tiny over the axes that are
//     no channels; code = x / scale to nearest even, cut to -128 ... 127.
//   QQ_RULE_EFORMER, ternary: t = 0.5 * standard deviation of all numbers;
//     +1 above t, -1 below -t, else 0. sign: +1 for x >= 0 and -0, -1 below,
//     0 for NaN. Both store ternary codes with scales of 1, and take int8,
//     int16, int32 and uint8, too.
//   QQ_RULE_EFORMER_FLAT, nf4: blocks of min(tile[last], last size) numbers of
//     the flat array; code = how many middles between levels lie below
//     x / absmax, NaN 15. Decodes by the levels themselves.
//   QQ_RULE_FJFORMER, nf4: the same with blocks of min(tile[last], count).
//     int8: channels on all axes but the last; scale = max(absmax, 1e-5) /
//     127, code = x * (1 / scale).
//
// Each step is rounded to x's type, and scales are of that type. A NaN or an
// infinity spoils its block, as there. Calibration: absmax without a factor.
// Division: true, or by the reciprocal (a reciprocal below the normal floats
// is then 0, as in JAX on the CPU). A flat block that is longer than the last
// axis must consist of whole rows and divide the array; the tile of an array
// then reaches over several axes. Where nf4 pads, qq_fake_quantize answers
// QQ_ERR_SIZE; qq_straight_through drops the padding.

#ifndef QQUANT_API_EFORMER_H
#define QQUANT_API_EFORMER_H

#include "api/array.h"

// The scheme of eformer's front end for a name: "nf4" (blocks of block_size
// along the last axis), "int8" (one scale along the last axis), "ternary",
// "binary" (the type is sign). Upper and lower case differ. rank is that of
// the array. QQ_ERR_ARGUMENT: NULL, a block_size that is 0 or odd (nf4);
// QQ_ERR_FORMAT: no such name; QQ_ERR_AXIS: rank above QQ_MAX_RANK, or 0 for
// nf4 and int8.
QQ_API qq_status qq_eformer_scheme(const char *name, size_t block_size,
                                   unsigned rank, qq_scheme *out);

// Array8B's axes: the numbers along them share a scale, every other axis
// becomes a channel axis. An axis counts modulo the rank, whatever it is. No
// axes: a scale for every number. QQ_ERR_AXIS: twice the same, or one at all
// where rank is 0; rank above QQ_MAX_RANK.
QQ_API qq_status qq_eformer_axes(qq_scheme *s, const int *axes, unsigned count,
                                 unsigned rank);

// What nf4 codes can be decoded to.
typedef enum qq_nf4_levels {
    QQ_NF4_TABLE = 1,      // the levels that codes are chosen by
    QQ_NF4_POLYNOMIAL = 2, // eformer's polynomial, a fused step at a time
    QQ_NF4_UNFUSED = 3     // the same with two roundings a step
} qq_nf4_levels;

// The 16 levels, by code, in constant memory; NULL for another number. An
// array of type book with these levels decodes by them under rule qquant.
QQ_API const float *qq_eformer_levels(qq_nf4_levels which);

// --- Array1B ---------------------------------------------------------------

// Values -1, 0 and +1 in two bits, packed along the first axis: with q =
// shape[0] / 4, byte p (of each column) holds the codes, value + 1, of rows p,
// p + q, p + 2q, p + 3q from the low bits up. Owns nothing; free to copy.
typedef struct qq_array1b {
    const void *packed;        // the product of the shape / 4 bytes
    size_t shape[QQ_MAX_RANK]; // of the values; the first divides by 4
    unsigned rank;             // 1 at least
    qq_type type;              // in which the values take part in operations
} qq_array1b;

// The packed bytes; SIZE_MAX for a shape that Array1B does not have.
QQ_API size_t qq_array1b_size(unsigned rank, const size_t *shape);

// An array of bytes that came from elsewhere. Any bytes are valid: the code 3
// stands for +2. QQ_ERR_SHAPE: rank 0 or above QQ_MAX_RANK, a first axis that
// 4 does not divide; QQ_ERR_TYPE: a type that qq_array1b_unpack does not have;
// QQ_ERR_SIZE: too few bytes.
QQ_API qq_status qq_array1b_make(const void *packed, size_t packed_bytes,
                                 unsigned rank, const size_t *shape,
                                 qq_type type, qq_array1b *out);

// QQ_ERR_ARGUMENT, QQ_ERR_SHAPE, QQ_ERR_TYPE as above.
QQ_API qq_status qq_array1b_check(const qq_array1b *a);

// How numbers other than -1, 0 and +1 are packed.
typedef enum qq_array1b_rule {
    QQ_ARRAY1B_STRICT = 1, // refused: QQ_ERR_FORMAT
    // As eformer does. Floats: x + 1 in x's type, cut towards zero to 0 ...
    // 255, NaN 0; integers: x + 1 modulo 256. What exceeds two bits spills
    // into the three rows above in the same byte, and out of it.
    QQ_ARRAY1B_EFORMER = 2
} qq_array1b_rule;

// Packs x: f32, f16, bf16, f64 or any integer type. type is recorded; none:
// x's own. out: qq_array1b_size bytes, must not overlap x. Errors as above.
QQ_API qq_status qq_array1b_pack(const qq_tensor *x, qq_array1b_rule rule,
                                 qq_type type, void *out, size_t out_bytes,
                                 qq_array1b *view);

// The same for integers of 1, 2, 4 or 8 bytes in the machine's order, signed
// or not, of which qq_type does not name all. QQ_ERR_TYPE: another width.
QQ_API qq_status qq_array1b_pack_integers(const void *x, unsigned width,
                                          int is_signed, unsigned rank,
                                          const size_t *shape,
                                          qq_array1b_rule rule, qq_type type,
                                          void *out, size_t out_bytes,
                                          qq_array1b *view);

// The values as f32, f16, bf16, f64, e4m3fn, ternary or an integer type, all
// exact; none: the recorded type. Unsigned types wrap: -1 is the largest code.
// Types that cannot hold +2 (int2, ternary: the code 3, which is +2) wrap,
// too. out: qq_type_bytes(type, count), must not overlap. QQ_ERR_TYPE.
QQ_API qq_status qq_array1b_unpack(const qq_array1b *a, qq_type type, void *out,
                                   size_t out_bytes, qq_tensor *view);

// The values as two's complement numbers of 1, 2, 4 or 8 bytes, signed and
// unsigned alike. out: width * count bytes. QQ_ERR_TYPE: another width.
QQ_API qq_status qq_array1b_unpack_integers(const qq_array1b *a, unsigned width,
                                            void *out, size_t out_bytes);

// --- straight-through estimator --------------------------------------------

// Forward: y = what x looks like once it is quantized and read back, of x's
// type and shape: the same quantizer as qq_quantize. Backward: the gradient of
// x is that of y.
//
// as_eformer 1: eformer's own answers, which differ. ternary and sign do not
// quantize at all, they pack x as it is (QQ_ARRAY1B_EFORMER), so that the
// first axis must be a multiple of 4; nf4 keeps the padded shape.
//
// out: qq_straight_through_size bytes, must not overlap x; scratch:
// qq_straight_through_scratch_size bytes. Rules eformer, eformer_flat and
// fjformer; for others see qq_fake_quantize. QQ_ERR_SCHEME, QQ_ERR_SHAPE.
QQ_API size_t qq_straight_through_size(const qq_tensor *x, const qq_scheme *s,
                                       int as_eformer);
QQ_API size_t qq_straight_through_scratch_size(const qq_tensor *x,
                                               const qq_scheme *s,
                                               int as_eformer);
QQ_API qq_status qq_straight_through(const qq_tensor *x, const qq_scheme *s,
                                     int as_eformer, void *out,
                                     size_t out_bytes, void *scratch,
                                     size_t scratch_bytes, qq_tensor *view);

// dx = g, which has the shape of x; out: g's bytes, may be g's data.
// QQ_ERR_SHAPE.
QQ_API qq_status qq_straight_through_gradient(const qq_tensor *g,
                                              const qq_tensor *x, void *out,
                                              size_t out_bytes,
                                              qq_tensor *view);

#endif // QQUANT_API_EFORMER_H
