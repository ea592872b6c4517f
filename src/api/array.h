// qquant floor 1: quantized arrays: codes, scales and zero points.

#ifndef QQUANT_API_ARRAY_H
#define QQUANT_API_ARRAY_H

#include "api/scheme.h"

// A quantized tensor: value[i] = (code[i] - zero_point[t]) * scale[t], t being
// the tile that i lies in. Qwix calls it QArray. Owns nothing; free to copy.
typedef struct qq_array {
    qq_tensor value;      // codes; its shape is the array's shape
    qq_tensor scale;      // same rank; shape[a] tiles along axis a
    qq_tensor zero_point; // type none: there is none. Else of value's type
    // Numbers along axis a that share a scale; the last tile may be short.
    size_t tile[QQ_MAX_RANK];
    size_t zero_tile[QQ_MAX_RANK]; // the same for zero points
    qq_type type;        // what the codes mean: mxfp4, where value is e2m1
    float scale2;        // a second scale, of the whole tensor; else 1
    const float *levels; // QQ_TYPE_BOOK: the levels of the codes
    size_t level_count;
    qq_tensor bias; // AQT: subtracted at the end; else type none
} qq_array;

// --- the whole way ---------------------------------------------------------

// The bytes that qq_quantize writes for x under s: scales, zero points and
// codes behind each other, without gaps. SIZE_MAX for a pair that
// qq_scheme_check refuses, and beyond size_t.
QQ_API size_t qq_array_size(const qq_tensor *x, const qq_scheme *s);

// Quantizes x (f32, f16 or bf16): calibrates every tile, makes scale and zero
// point of it, and codes of x / scale. Symmetric, rule qquant:
//
//   bound = calibration of the finite numbers of the tile
//   scale = bound / B, rounded to the scale type; a bound of 0, and one whose
//           scale would be below 2^-63, gives scale 1 and codes of 0
//   code  = x / scale rounded to nearest even (or stochastically), cut to the
//           range of the type; NaN gives the code of 0, or NaN where the type
//           has one; infinities the outermost codes
//
// A scale is never rounded to 0 or infinity. One of type e8m0 is the smallest
// power of two with which the bound lies at most half a step beyond the
// largest code: bound / scale <= B for integers and books, 7 for e2m1, 464
// for e4m3fn. Two levels: scale2 = largest bound / (B * 448), and a tile's
// scale is bound / B / scale2. Signs, which have no code for 0, have scale 0
// where all numbers are 0.
//
// Asymmetric (minmax, fixed,lo,hi; types with zero points): scale = (max -
// min) / (qmax - qmin), zero point = qmin - min / scale, rounded and cut; code
// = x / scale rounded, plus the zero point, cut, so that 0 always has a code
// of its own, which is also that of NaN. What other rules do instead stands in
// section 6 of the manual. out: qq_array_size(x, s) bytes, must not overlap x.
// *view becomes the array; its parts point into out, and it keeps s->levels.
// QQ_ERR_SCHEME, QQ_ERR_AXIS, QQ_ERR_TYPE, QQ_ERR_SHAPE as qq_scheme_check.
QQ_API qq_status qq_quantize(const qq_tensor *x, const qq_scheme *s, void *out,
                             size_t out_bytes, qq_array *view);

// The type in which qq_dequantize answers under a rule: qquant f32; the
// others the type of the scale (AQT, eformer: the type given).
//
// Dequantizes: (code - zero point) * scale [* scale2], rule qquant: one
// rounding of each product in f32, then one to type (f32, f16, bf16), in which
// what is finite stays finite; the product itself can pass the largest float
// where x came within a step of it. Qwix: every step is rounded to the scale's
// type, then converted to type. out: qq_type_bytes(type, count) bytes, must
// not overlap the array.
QQ_API qq_status qq_dequantize(const qq_array *a, qq_rule rule, qq_type type,
                               void *out, size_t out_bytes, qq_tensor *view);

// Quantizes and dequantizes: what x looks like to somebody who reads it back.
// out: as many bytes as x, and may be x's own data (fake quantization in
// place). scratch: qq_fake_quantize_scratch_size bytes.
QQ_API size_t qq_fake_quantize_scratch_size(const qq_tensor *x,
                                            const qq_scheme *s);
QQ_API qq_status qq_fake_quantize(const qq_tensor *x, const qq_scheme *s,
                                  void *out, size_t out_bytes, void *scratch,
                                  size_t scratch_bytes);

// --- step by step ----------------------------------------------------------

// What calibration found: a bound, or a minimum and a maximum, for every
// scale; of x's type (rule qquant: f32). Absent ones have type none.
typedef struct qq_bounds {
    qq_tensor absmax;
    qq_tensor min;
    qq_tensor max;
} qq_bounds;

QQ_API size_t qq_calibrate_size(const qq_tensor *x, const qq_scheme *s);
QQ_API qq_status qq_calibrate(const qq_tensor *x, const qq_scheme *s, void *out,
                              size_t out_bytes, qq_bounds *view);

// Scales, and zero points if the bounds are a minimum and a maximum, in x's
// type (the bounds' type), rule qquant in the scheme's scale type. The shape
// of the bounds is that of the scales; the scheme's axes and calibration do
// not matter. two_level scales need the whole tensor: scale2 in *scale2 (may
// be NULL: then QQ_ERR_ARGUMENT for such a scheme). QQ_ERR_SCHEME: a minimum
// and a maximum for a type without zero points.
QQ_API size_t qq_scale_size(const qq_bounds *b, const qq_scheme *s);
QQ_API qq_status qq_scale_from_bounds(const qq_bounds *b, const qq_scheme *s,
                                      void *out, size_t out_bytes,
                                      qq_tensor *scale, qq_tensor *zero_point,
                                      float *scale2);

// Codes of x with a scale (and zero point, or NULL) that is given: the shape
// of scale decides the tiles, the scheme's axes and calibration do not matter.
// A given scale is not guarded: 0 gives infinite quotients and NaN. The view
// holds the scale as it was used: a copy, in x's type under Qwix's rule. The
// scale is of f32, f16, bf16, f64, or e8m0 and e4m3fn under rule qquant; the
// zero point has its shape and the type of the codes. QQ_ERR_TYPE,
// QQ_ERR_SHAPE, and as qq_quantize.
QQ_API size_t qq_quantize_given_size(const qq_tensor *x, const qq_scheme *s,
                                     const qq_tensor *scale,
                                     const qq_tensor *zero_point);
QQ_API qq_status qq_quantize_given(const qq_tensor *x, const qq_scheme *s,
                                   const qq_tensor *scale,
                                   const qq_tensor *zero_point, void *out,
                                   size_t out_bytes, qq_array *view);

// Codes of numbers that are scaled already; out: the bytes of a tensor of
// x's shape and the scheme's storage type.
QQ_API qq_status qq_encode(const qq_tensor *x, const qq_scheme *s, void *out,
                           size_t out_bytes, qq_tensor *view);

// An array of parts that came from elsewhere. zero_point may be NULL. Tiles
// follow from the shapes, which must divide. type none: the type of value.
// QQ_ERR_SHAPE: ranks differ, sizes do not divide; QQ_ERR_TYPE: codes of a
// type nothing is quantized to, a scale that is no f32, f16, bf16 or f64 (e8m0
// and e4m3fn are allowed with rule qquant), a zero point of another type.
QQ_API qq_status qq_array_make(const qq_tensor *value, const qq_tensor *scale,
                               const qq_tensor *zero_point, qq_type type,
                               qq_array *out);

// The same questions about an array as it stands: nothing in it is trusted.
QQ_API qq_status qq_array_check(const qq_array *a);

// Bits a number takes on average, scales and zero points counted; 0 for what
// qq_array_check refuses, and for nothing.
QQ_API double qq_array_bits(const qq_array *a);

// The types of a product of two arrays, as Qwix chooses them. lhs and rhs are
// types of codes, with the type of their scale, or types of plain arrays, with
// scale type none; bool, which is no type here, is none. preferred: none, or
// the type that the result is to have. An array counts as its scale's type, a
// plain one as its own, integers of up to 8 bits as int32, smaller floats and
// bool as bf16; the result has the common type (f16 with bf16: f32; an integer
// with a float: that float). Sums are int32 where both are integers, else of
// the result's type. QQ_ERR_TYPE: a scale, or a preferred type, that is no
// plain number.
QQ_API qq_status qq_product_types(qq_type lhs, qq_type lhs_scale, qq_type rhs,
                                  qq_type rhs_scale, qq_type preferred,
                                  qq_type *accumulator, qq_type *result);

// --- statistics from chunks ------------------------------------------------

// What calibration needs, of data that comes in pieces: for every scale the
// counts, extremes and sums of the numbers seen so far. Chunks have one rank
// and the same scale shape (an axis with one scale may have any size). Memory
// is the caller's; it may be kept, copied and sent to a machine of the same
// byte order. Only rule qquant; absmax, minmax, rms, absmean (p up to 2): all
// of them from the same statistics. QQ_ERR_UNSUPPORTED for others.
QQ_API size_t qq_statistics_size(const qq_scheme *s, unsigned rank,
                                 const size_t *shape);
QQ_API qq_status qq_statistics_init(const qq_scheme *s, unsigned rank,
                                    const size_t *shape, void *statistics,
                                    size_t bytes);
QQ_API qq_status qq_statistics_update(void *statistics, size_t bytes,
                                      const qq_tensor *x, const qq_scheme *s);

// into += from. Extremes are exact; sums are rounded once a merge, in f64.
QQ_API qq_status qq_statistics_merge(void *into, size_t into_bytes,
                                     const void *from, size_t from_bytes);

// The bounds that the scheme's calibration makes of the statistics. out: as
// for qq_calibrate.
QQ_API qq_status qq_statistics_bounds(const void *statistics, size_t bytes,
                                      const qq_scheme *s, void *out,
                                      size_t out_bytes, qq_bounds *view);

// --- clipping, as training uses it -----------------------------------------

// out = x limited to its bounds; NaN stays. out: x's bytes, may be x's data.
QQ_API qq_status qq_clip_to_bounds(const qq_tensor *x, const qq_bounds *b,
                                   void *out, size_t out_bytes,
                                   qq_tensor *view);

// out = g where x lies within its bounds (both ends included), else +0. All of
// g where the calibration is absmax or minmax without a factor below 1. out:
// g's bytes, may be g's data.
QQ_API qq_status qq_clip_gradient(const qq_tensor *g, const qq_tensor *x,
                                  const qq_bounds *b, const qq_calibration *c,
                                  void *out, size_t out_bytes, qq_tensor *view);

#endif // QQUANT_API_ARRAY_H
