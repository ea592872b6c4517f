// qquant floor 1: schemes: how to quantize.

#ifndef QQUANT_API_SCHEME_H
#define QQUANT_API_SCHEME_H

#include "api/random.h"

// Whose rules decide the bits where systems differ. A scheme of another
// system's rule gives that system's answer, codes and scales, bit for bit.
typedef enum qq_rule {
    // Ours: f32 inside, whatever the type of x; codes symmetric about zero;
    // zeros stay exact; NaN and infinities do not touch their neighbours.
    QQ_RULE_QQUANT = 1,
    QQ_RULE_QWIX = 2,         // google/qwix main aa623ac, eager
    QQ_RULE_QWIX_RELEASE = 3, // qwix 0.1.8: another power of two for mx types
    QQ_RULE_AQT = 4,          // Google AQT, aqtp 0.9.0
    QQ_RULE_FJ = 5,           // FJFormer's bits: the scale is the inverse one
    QQ_RULE_EFORMER = 6,      // eformer 0.0.90: ArrayNF4, Array8B
    QQ_RULE_EFORMER_FLAT = 7, // eformer 0.0.47: ArrayNF4 over the flat array
    QQ_RULE_FJFORMER = 8      // FJFormer's ArrayNF4 and Array8B
} qq_rule;

// From numbers to a bound: which magnitude the codes have to reach.
typedef enum qq_calib {
    // absmax[,f]: max|x|, times f.
    QQ_CALIB_ABSMAX = 1,
    // minmax[,f]: min(min x, 0) and max(max x, 0), each times f; asymmetric.
    QQ_CALIB_MINMAX = 2,
    // rms,f: f * sqrt(mean x^2).
    QQ_CALIB_RMS = 3,
    // fixed,r or fixed,lo,hi: the numbers given, one scale for the tensor.
    // -r and r give a symmetric scheme, else it is asymmetric.
    QQ_CALIB_FIXED = 4,
    // mse[,n]: the clipped absmax, of n candidates (default 64, evenly spaced
    // from a fifth of absmax to absmax), whose decoded values have the least
    // squared error; of equal ones the largest. Ours.
    QQ_CALIB_MSE = 5,
    // percentile,p: the p-th percentile of |x|, 0 < p <= 100: the smallest
    // magnitude that at least p % of the numbers do not exceed. Ours.
    QQ_CALIB_PERCENTILE = 6,
    // absmean,f[,p]: f * (sum |x|^p / n)^(1/p), p an integer, default 1. Ours
    // divides by the count of all finite numbers, AQT by that of the nonzero.
    QQ_CALIB_ABSMEAN = 7,
    // snr: of the factors in clips the one with the best signal to noise. AQT.
    QQ_CALIB_SNR = 8,
    // constant: bound and bias as given. AQT, FJ.
    QQ_CALIB_CONSTANT = 9
} qq_calib;

// A calibration with its numbers, as in the strings of Qwix.
typedef struct qq_calibration {
    double args[2];
    unsigned arg_count;
    qq_calib method;
} qq_calibration;

// The magnitude that the largest code stands for, of a signed integer type
// with codes up to qmax. Rule qquant only.
typedef enum qq_range {
    // The bound is qmax + 0.5: the outermost buckets are half used up, which
    // makes every step a little finer. Codes are cut to -qmax ... qmax.
    QQ_RANGE_HALF_STEP = 1,
    // The bound is qmax: the largest magnitude is exact. Codes as above.
    QQ_RANGE_EXACT_MAX = 2,
    // As QQ_RANGE_HALF_STEP, and -qmax - 1 is used, too.
    QQ_RANGE_FULL = 3
} qq_range;

// How x / scale is made; of Qwix's rule also how its scale is.
typedef enum qq_division {
    QQ_DIVISION_TRUE = 1,
    // a * (1 / b), each rounded, where b has fewer elements than the result:
    // what JAX 0.10.1 and later make of every division. f32 and f16 only.
    QQ_DIVISION_RECIPROCAL = 2,
    // x * (1 / scale) always; the scale itself is divided truly (the flag of
    // Qwix, its scale by QQ_DIVISION_TRUE).
    QQ_DIVISION_MULTIPLY = 3,
    // The same with the scale made by QQ_DIVISION_RECIPROCAL.
    QQ_DIVISION_MULTIPLY_RECIPROCAL = 4
} qq_division;

// What AQT calls numerics: from a scaled number to a code. Rules AQT and FJ.
// With b bits: edge = 2^(b-1) - (preserve_zero ? 0.5 : 0), the bound of the
// calibration is mapped to edge - (preserve_max ? 0.5 : 0), codes are clipped
// at +-(edge - (round ? 0.5 : 0)).
typedef enum qq_numerics_kind {
    QQ_NUMERICS_NONE = 0, // not quantized at all
    QQ_NUMERICS_INT = 1,
    QQ_NUMERICS_FP8 = 2, // e4m3fn or e5m2, by the scheme's type
    QQ_NUMERICS_FP = 3   // exponent, mantissa and subnormals as given; bf16
} qq_numerics_kind;

typedef struct qq_numerics {
    unsigned bits; // int: 1 to 22
    qq_numerics_kind kind;
    unsigned char preserve_zero; // zero is a code, else levels lie between
    unsigned char preserve_max;  // the bound itself is a code
    unsigned char clip;          // else codes may exceed the range
    unsigned char clip_gradient; // no gradient where x was clipped
    unsigned char round;         // else codes keep their fractions
    unsigned char stochastic;    // fp8, fp: random low bits before the cut
    unsigned char subnormals;    // fp
    unsigned exponent;           // fp: bits
    unsigned mantissa;           // fp: bits
} qq_numerics;

// How to quantize. Make one with qq_scheme_init and change members; a struct
// of zeros is refused. Free to copy.
typedef struct qq_scheme {
    uint32_t init;     // set by qq_scheme_init
    uint32_t channels; // bit a: axis a has a scale for every index
    qq_type type;      // of the codes; AQT and FJ: none keeps x's own type
    qq_rule rule;

    // Elements of axis a that share a scale: a count in tile[a] (0: none), or
    // a part of the axis in tile_fraction[a] (0: none; the tile is the product
    // with the axis's size, rounded to nearest even). At most one of the two,
    // and not for a channel axis. Every other axis has one scale. Under rule
    // qquant the last tile of an axis may be short, under the others a tile
    // must divide its axis.
    size_t tile[QQ_MAX_RANK];
    double tile_fraction[QQ_MAX_RANK];

    qq_calibration calibration;
    qq_range range;

    // How scales are stored: f32, f16, bf16, e8m0 (a power of two), e4m3fn.
    // None: f32 under rule qquant (a format has its own, and no other), x's
    // type under the others. Rule qquant rounds the scale first and codes by
    // what a reader will see; Qwix makes codes with the scale in x's type and
    // rounds after.
    qq_type scale_type;
    // 1: e4m3fn scales of tiles share one more f32 scale of the whole tensor
    // (nvfp4's second level). Default for nvfp4 under rule qquant; symmetric
    // only.
    int two_level;
    // 1: the scale is a power of two. AQT and FJ.
    int power_of_two;

    qq_division division;

    // Stochastic rounding: noise is added to x / scale before it is rounded.
    // Its shape is x's with size 1 on the axes of noise_shared, so that all
    // numbers along these share one; drawn from key in row-major order. Rule
    // qquant: integers but sign; Qwix ignores it where Qwix does.
    qq_noise noise;
    uint32_t noise_shared;
    qq_key key;
    qq_random_layout layout;
    const qq_tensor *given_noise; // QQ_NOISE_GIVEN: broadcast to x's shape

    // Code books (QQ_TYPE_BOOK): 2 to 256 levels; codes are found as by
    // qq_book_encode, the scale is absmax / the largest magnitude of a level.
    const float *levels;
    size_t level_count;

    // Rules AQT and FJ only.
    qq_numerics numerics;
    const float *clips; // QQ_CALIB_SNR: the factors, in order
    size_t clip_count;
    const qq_tensor *bound; // QQ_CALIB_CONSTANT: instead of args[0]
    const qq_tensor *bias;  // added before scaling: a tensor ...
    double bias_value;      // ... or a number (has_bias), 0: none
    int has_bias;
    // 1: FJ: products take decoded codes; only with power_of_two.
    int fake_quant;
} qq_scheme;

// A scheme for a type with defaults: rule qquant, one scale for the tensor,
// absmax (sign and ternary: absmean, whose scale is the mean magnitude),
// nearest even. The formats (mxfp8, mxfp4, nvfp4 ...) want tiles of a size: say
// along which axis by qq_scheme_tile(&s, -1, rank, info.tile).
QQ_API qq_scheme qq_scheme_init(qq_type type);

// The same with another system's defaults: rule, absmax, true division, and
// for AQT and FJ integer numerics of the type's bits (preserve_zero, clip and
// round on).
QQ_API qq_scheme qq_scheme_init_rule(qq_type type, qq_rule rule);

// Marks an axis of an array of that rank as channel-wise, or tiled. Negative
// axes count from the end. QQ_ERR_AXIS: beyond the rank, or in both roles;
// QQ_ERR_ARGUMENT: NULL, a tile of 0, a fraction outside (0, 1];
// QQ_ERR_SCHEME: a scheme that qq_scheme_init did not make.
QQ_API qq_status qq_scheme_channel(qq_scheme *s, int axis, unsigned rank);
QQ_API qq_status qq_scheme_tile(qq_scheme *s, int axis, unsigned rank,
                                size_t tile);
QQ_API qq_status qq_scheme_tile_fraction(qq_scheme *s, int axis, unsigned rank,
                                         double fraction);

// Reads a calibration as Qwix writes it: "absmax", "absmax,0.9", "minmax",
// "rms,7", "fixed,-10,10"; and ours, "mse", "percentile,99.9", "absmean,1.5".
// Upper and lower case are alike; numbers as in Python, blanks around them
// allowed, none around the word. Further arguments of absmax and minmax are
// read and ignored. length is the bytes of text; no NUL is needed.
// Numbers that can be read but make no sense for the method (percentile,101)
// are left to qq_scheme_check.
// QQ_ERR_FORMAT: unknown word, unreadable number, a number too few or many;
// fixed: not lo <= 0 <= hi, or lo = hi.
QQ_API qq_status qq_calibration_parse(const char *text, size_t length,
                                      qq_calibration *out);

// Everything that is wrong with a scheme, as bits of *bad (which may be NULL)
// and as a status. x may be NULL: then only the scheme itself is looked at.
// Of several bits the status is that of the first in this order: TYPE, AXIS
// and TILE give QQ_ERR_TYPE, QQ_ERR_AXIS, QQ_ERR_SHAPE, INPUT alone
// QQ_ERR_TYPE, all others QQ_ERR_SCHEME. Where x is no tensor: the status of
// qq_tensor_check, and QQ_BAD_INPUT. A rule that this build leaves out:
// QQ_ERR_UNSUPPORTED.
#define QQ_BAD_INIT        1u    // not made by qq_scheme_init
#define QQ_BAD_RULE        2u    // no such rule, range, division or noise
#define QQ_BAD_TYPE        4u    // a type that cannot be quantized to
#define QQ_BAD_AXIS        8u    // an axis beyond the rank, or in two roles
#define QQ_BAD_TILE        16u   // a tile that does not fit its axis or format
#define QQ_BAD_CALIBRATION 32u   // a method or number the rule does not have
#define QQ_BAD_SCALE_TYPE  64u   // a type that scales cannot be stored in
#define QQ_BAD_AFFINE      128u  // asymmetric, and the type has no zero point
#define QQ_BAD_NOISE       256u  // noise the rule does not have, or none given
#define QQ_BAD_BOOK        512u  // levels missing, too few, not finite
#define QQ_BAD_NUMERICS    1024u // numerics out of range, or of another rule
#define QQ_BAD_INPUT       2048u // x is no float tensor (f32, f16, bf16)
QQ_API qq_status qq_scheme_check(const qq_scheme *s, const qq_tensor *x,
                                 uint32_t *bad);

// The shape of the scales for an array of the given shape: ones under fixed,
// zeros for an empty array under rule qquant. QQ_ERR_AXIS, QQ_ERR_SHAPE,
// QQ_ERR_SCHEME (not made by qq_scheme_init).
QQ_API qq_status qq_scheme_scale_shape(const qq_scheme *s, unsigned rank,
                                       const size_t *shape,
                                       size_t *scale_shape);

// The magnitude B that the largest code stands for: scale = absmax / B.
QQ_API float qq_scheme_bound(const qq_scheme *s);

#endif // QQUANT_API_SCHEME_H
