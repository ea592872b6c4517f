// qquant floor 1: AQT and FJFormer's bits, beyond quantizing and back.
//
// A scheme with rule AQT or FJ carries a whole configuration of theirs, and
// the calls of api/array.h work by it. What these compute, x of type T, every
// step rounded to nearest even in the common type of its operands (f32 with
// any is f32, f16 with bf16 is f32), subnormals of f32 and bf16 counting as 0:
//
//   AQT   scale = bound / Q in the bound's type; with power_of_two the power
//         of two not below it; cast to scale_type (none: T)
//         r = 1 / scale, 1 where that is infinite
//         code = numerics((x + bias) * r), cast to the scheme's type
//         decoded = code as the type asked for, * scale, - bias, as that type
//   FJ    s = Q / bound; with power_of_two the power not above it
//         code = numerics(x * s as T), cast to the scheme's type
//         the array's scale is 1 / s; decoded = code * (scale as the type)
//
// Calibrations: absmax[,c], constant,b (or s->bound), and under AQT
// absmean[,c[,p]] and snr with s->clips. division decides how AQT's bound / Q
// is made. Axes that are no channels share a scale. noise: AQT, AQT_CUSTOM; a
// layout of 0 says that there is no key, and is refused.
// Sources: google/aqt (aqtp 0.9.0), FJFormer 8eb29ce (src/fjformer/bits).

#ifndef QQUANT_API_AQT_H
#define QQUANT_API_AQT_H

#include "api/array.h"

// Gives every axis of an array of that rank its own scales but the axes
// listed, along which numbers share one: calib_shared_axes. Negative axes
// count from the end. count 0: every number has a scale of its own.
// QQ_ERR_ARGUMENT: s or axes NULL, as the originals refuse a list that is
// missing; QQ_ERR_AXIS: beyond the rank.
QQ_API qq_status qq_aqt_share_axes(qq_scheme *s, const int *axes, size_t count,
                                   unsigned rank);

// out[i] = 1 / 2^floor(log2(1 / x[i])), the power of two that is not below
// x[i]; each step in x's type, log2 exact (that of the originals misses some
// powers). 0 gives 0, what is below 0 NaN. x: f32, f16, bf16. out: x's bytes,
// may be x's data. QQ_ERR_TYPE.
QQ_API qq_status qq_aqt_ceil_to_po2(const qq_tensor *x, void *out,
                                    size_t out_bytes, qq_tensor *view);

// --- numerics by themselves ------------------------------------------------

// The bounds of a scheme's numerics: *quant is Q, which the bound of the
// calibration is mapped to, *clip is where codes are cut. For b-bit integers
//
//   edge = 2^(b-1) - (preserve_zero ? 0.5 : 0)
//   quant = edge - (preserve_max ? 0.5 : 0),  clip = edge - (round ? 0.5 : 0)
//
// for fp8 and fp both are the largest number. Forward is qq_encode.
// QQ_ERR_ARGUMENT; QQ_ERR_SCHEME: numerics that the rule does not have.
QQ_API qq_status qq_numerics_bounds(const qq_scheme *s, double *quant,
                                    double *clip);

// The gradient of the numerics: out = g; with clip_gradient of integers g
// where -clip <= x <= clip and 0 elsewhere, also for NaN. Under division
// reciprocal the zeros are +0, else, and in bf16 always, they are g * 0: -0,
// and NaN of what is not finite. x: the scaled numbers before noise; g: x's
// type and count. out: g's bytes, may be g's data. QQ_ERR_SCHEME, QQ_ERR_TYPE,
// QQ_ERR_SHAPE.
QQ_API qq_status qq_numerics_gradient(const qq_scheme *s, const qq_tensor *x,
                                      const qq_tensor *g, void *out,
                                      size_t out_bytes, qq_tensor *view);

// What stochastic fp8 rounds before it clips: random bits (as many as x's type
// has, from key and layout) are added below the mantissa of the scheme's type,
// and what is below it is cut off. x: f32 or bf16. out: x's bytes, may be x's
// data. QQ_ERR_SCHEME: numerics that are not fp8, no layout; QQ_ERR_TYPE.
QQ_API qq_status qq_numerics_mantissa(const qq_scheme *s, const qq_tensor *x,
                                      void *out, size_t out_bytes,
                                      qq_tensor *view);

// --- tensors with several scales -------------------------------------------

// AQT's QTensor: codes with any number of scales and biases and perhaps a
// mask. Each is f32, f16 or bf16, has value's rank and, along each axis, its
// size or one that divides it. Owns nothing; free to copy.
typedef struct qq_aqt_tensor {
    qq_tensor value; // the codes
    const qq_tensor *scales;
    size_t scale_count;
    const qq_tensor *biases;
    size_t bias_count;
    const qq_tensor *mask; // may be NULL
} qq_aqt_tensor;

// The bytes of qq_aqt_scale's result; SIZE_MAX where that is refused.
QQ_API size_t qq_aqt_scale_size(const qq_tensor *x, const qq_aqt_tensor *t);

// out = (x + bias_0 + ...) * mask * r_0 * r_1 ..., r = 1 / scale or, where that
// is infinite, 1; in the common type of all that take part. t->value is not
// looked at. Codes are what qq_encode makes of the result. out must not
// overlap. QQ_ERR_ARGUMENT, QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API qq_status qq_aqt_scale(const qq_tensor *x, const qq_aqt_tensor *t,
                              void *out, size_t out_bytes, qq_tensor *view);

// out = t->value as type, * scale_0 * scale_1 ... * mask - bias_0 - ..., each
// step in the common type of its operands, at last cast to type (f32, f16,
// bf16). out: as many numbers of the type, must not overlap. QQ_ERR_ARGUMENT,
// QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API qq_status qq_aqt_dequantize(const qq_aqt_tensor *t, qq_type type,
                                   void *out, size_t out_bytes,
                                   qq_tensor *view);

// --- slices ----------------------------------------------------------------

// Arrays without zero point and bias; else QQ_ERR_TYPE. Results are scales,
// then codes, without gaps.

// dynamic_slice: count[a] numbers from start[a] along each axis; an axis with
// one scale keeps it, along the others slices begin and end between tiles.
// out: qq_aqt_slice_size bytes, must not overlap. QQ_ERR_SHAPE: beyond the
// array, within a tile.
QQ_API size_t qq_aqt_slice_size(const qq_array *a, const size_t *count);
QQ_API qq_status qq_aqt_slice(const qq_array *a, const size_t *start,
                              const size_t *count, void *out, size_t out_bytes,
                              qq_array *view);

// a[index]: codes and scales at an index of the first axis, which goes. It has
// one scale, which is lent, or one for every index.
QQ_API size_t qq_aqt_frame_size(const qq_array *a);
QQ_API qq_status qq_aqt_frame(const qq_array *a, size_t index, void *out,
                              size_t out_bytes, qq_array *view);

// dynamic_update_slice: out is a with the codes and scales of update written
// at start. Types and tiles agree; update is as long as a along an axis with
// one scale, for that would change for all. out: a's bytes (qq_array_bytes);
// it may be where a lies itself, if a's codes follow its scales there without
// a gap: then only the update is written. update must not overlap out.
// QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API qq_status qq_aqt_update_slice(const qq_array *a, const qq_array *update,
                                     const size_t *start, void *out,
                                     size_t out_bytes, qq_array *view);

// update_frame: a[index] = update, which has one axis less.
QQ_API qq_status qq_aqt_update_frame(const qq_array *a, const qq_array *update,
                                     size_t index, void *out, size_t out_bytes,
                                     qq_array *view);

// --- scales in other layouts -----------------------------------------------

// The axes of a product of two operands: pairs that are contracted, and pairs
// that are batch. All others remain. The result's axes are the batch axes in
// the order given here, lhs's remaining ones, rhs's remaining ones.
typedef struct qq_dot_axes {
    unsigned lhs_contract[QQ_MAX_RANK];
    unsigned rhs_contract[QQ_MAX_RANK];
    unsigned contract_count;
    unsigned lhs_batch[QQ_MAX_RANK];
    unsigned rhs_batch[QQ_MAX_RANK];
    unsigned batch_count;
} qq_dot_axes;

typedef enum qq_dot_side { QQ_DOT_LHS = 1, QQ_DOT_RHS = 2 } qq_dot_side;

// The scale of one operand as it meets the product: its contracted axes, of
// size 1, go, and the other operand's remaining axes come with size 1.
// other_rank: the other operand's. out: the scale's bytes, must not overlap.
// QQ_ERR_AXIS: axes out of range or twice; QQ_ERR_SHAPE: a contracted axis
// with more than one scale, a product of more than QQ_MAX_RANK axes.
QQ_API qq_status qq_aqt_scale_to_output(const qq_tensor *scale,
                                        const qq_dot_axes *axes,
                                        qq_dot_side side, unsigned other_rank,
                                        void *out, size_t out_bytes,
                                        qq_tensor *view);

// The scale of one operand, whose remaining axes have size 1, as it meets the
// other operand: contracted and batch axes at their partners' places, 1
// elsewhere. QQ_ERR_AXIS; QQ_ERR_SHAPE: a remaining axis with more than one
// scale.
QQ_API qq_status qq_aqt_scale_to_other(const qq_tensor *scale,
                                       const qq_dot_axes *axes,
                                       qq_dot_side side, unsigned other_rank,
                                       void *out, size_t out_bytes,
                                       qq_tensor *view);

// --- calibrations that remember --------------------------------------------

// What a pass over the data is for. Only some change what is remembered.
typedef enum qq_quant_mode {
    QQ_QUANT_MODE_TRAIN = 1,
    QQ_QUANT_MODE_CALIBRATE = 2,
    QQ_QUANT_MODE_CONVERT = 3,
    QQ_QUANT_MODE_SERVE = 4
} qq_quant_mode;

typedef enum qq_calibrator {
    // Calibrate: sum += max|x|, count += 1. Always: bound = sum / count, NaN
    // before the first. In x's type, count an int32.
    QQ_CALIBRATOR_MEAN_OF_ABSMAX = 1,
    // Train and calibrate: v = (1 - 1/n) v + (1/n) new, n = ema_update_count,
    // for ones (count of x != 0, of all x without filter_zeros), vals (sum x),
    // max (max|x|), l1 (sum |x|), lp (sum |x|^p, p = lp_order). Always: bound =
    // l1_dev_coeff l1 / ones + lp_dev_coeff (lp / ones)^(1/p) + max_dev_coeff
    // max + const_bound_coeff. In f32.
    QQ_CALIBRATOR_WEIGHTED_STATS = 2,
    // Always: bound = max of the history if that is above 0 and finite, else
    // the bound before. Then, in train and calibrate: the bound is kept, the
    // history turned left by one, and its first number becomes max|x|. One
    // bound a tensor, in f32.
    QQ_CALIBRATOR_DELAYED = 3
} qq_calibrator;

// Make one with qq_calibrator_options_init; a struct of zeros is refused.
typedef struct qq_calibrator_options {
    uint32_t init;     // set by qq_calibrator_options_init
    uint32_t channels; // bit a: axis a has a bound for every index
    qq_calibrator method;
    qq_division division; // mean of absmax: that of sum / count

    size_t history; // delayed: how many maxima; default 1024

    // Weighted stats. Coefficients and priors are 0 by default, counts 1 and
    // 100. What is remembered begins as ones = update_count_prior, vals =
    // mean_prior * that, max = max_dev_prior, l1 = l1_dev_prior * ones, lp =
    // lp_dev_prior^p * ones.
    double l1_dev_coeff;
    double lp_dev_coeff;
    double max_dev_coeff;
    double const_bound_coeff;
    double update_count_prior;
    double max_dev_prior;
    double mean_prior;
    double l1_dev_prior;
    double lp_dev_prior;
    double ema_update_count;
    unsigned lp_order; // 1 to 30; default 2
    int safe_divide;   // 1: a quotient by 0 is 0
    int filter_zeros;  // default 1
} qq_calibrator_options;

QQ_API qq_calibrator_options qq_calibrator_options_init(qq_calibrator method);

// The bytes of a state for tensors of a type (f32, f16, bf16) and shape;
// SIZE_MAX for options or a shape that qq_calibrator_init refuses. Along axes
// that share a bound later tensors may have another size.
QQ_API size_t qq_calibrator_size(const qq_calibrator_options *o, qq_type type,
                                 unsigned rank, const size_t *shape);

// Fills a state, which is the caller's, need not be aligned, and may be kept,
// copied and sent to a machine of the same byte order. QQ_ERR_ARGUMENT:
// options that make no sense; QQ_ERR_TYPE; QQ_ERR_AXIS; QQ_ERR_SIZE: bytes are
// not those of qq_calibrator_size.
QQ_API qq_status qq_calibrator_init(const qq_calibrator_options *o,
                                    qq_type type, unsigned rank,
                                    const size_t *shape, void *state,
                                    size_t bytes);

// One pass: remembers what the mode says, and answers with the bound for this
// x. *bound, which may be NULL, points into the state: a scheme with
// calibration constant and this bound quantizes x as the originals do.
// QQ_ERR_FORMAT: no state of these options; QQ_ERR_TYPE, QQ_ERR_SHAPE: x is
// not what the state is for.
QQ_API qq_status qq_calibrator_step(const qq_calibrator_options *o,
                                    qq_quant_mode mode, const qq_tensor *x,
                                    void *state, size_t bytes,
                                    qq_tensor *bound);

// What is remembered.
typedef enum qq_calibrator_part {
    QQ_CALIBRATOR_BOUND = 1,   // that of the last step; 0 before
    QQ_CALIBRATOR_SUM = 2,     // mean of absmax
    QQ_CALIBRATOR_COUNT = 3,   // mean of absmax: a scalar, int32
    QQ_CALIBRATOR_HISTORY = 4, // delayed: [history]
    QQ_CALIBRATOR_ONES = 5,    // weighted stats
    QQ_CALIBRATOR_VALS = 6,
    QQ_CALIBRATOR_MAX = 7,
    QQ_CALIBRATOR_L1 = 8,
    QQ_CALIBRATOR_LP = 9,
    QQ_CALIBRATOR_KEPT = 10 // delayed: the bound that is kept, [1]
} qq_calibrator_part;

// *view becomes a part of the state. QQ_ERR_FORMAT: no state; QQ_ERR_ARGUMENT:
// a part that it does not have.
QQ_API qq_status qq_calibrator_view(const void *state, size_t bytes,
                                    qq_calibrator_part part, qq_tensor *view);

#endif // QQUANT_API_AQT_H
