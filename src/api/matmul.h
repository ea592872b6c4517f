// qquant floor 1: products with packed matrices.
//
// From weights to a layer, all memory being the program's:
//
//   qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
//   qq_scheme_channel(&s, 0, 2);                  a scale for every row
//   size_t bytes = qq_matrix_quantize_size(&weights, &s, NULL);
//   size_t room = qq_matrix_quantize_scratch_size(&weights, &s);
//   qq_matrix w;
//   qq_matrix_quantize(&weights, &s, NULL, packed, bytes, scratch, room, &w);
//
//   size_t need = qq_matmul_scratch_size(&w, NULL, batch);
//   qq_matmul(&w, NULL, batch, x, w.k, y, w.n, scratch, need);
//
// and on another machine, from the same bytes: qq_matrix_open(packed, bytes,
// &w), and multiply.
//
//   y[i][r] = a[r] * sum over c of W[r][c] * (b[c] * x[i][c]) + bias[r]
//
// THE ARITHMETIC. Every machine, thread count and batch gives these bits. fl
// is one rounding to f32, to nearest even; fma rounds once; NaN is 7fc00000.
//
//   xr    = x, or x Q where the matrix is turned (api/rotation.h)
//   xb    = xr, or fl(xr * b) where the matrix has column factors
//   q     = the integers made of xb, by the mode below; they mean sx * q
//   D     = sum over the columns of one scale tile of (c - z) * (q - zx),
//           exact, then rounded once to f32
//   s     = fl(fl(scale * second scale) * unit)
//   acc   = +0; for every tile in order: acc = fma(s, D, acc), or
//           fma(fl(s * sx), D, acc) where x has a scale for every tile
//   v     = fl(acc * sx) where x has one for every row, else acc
//   v     = fma(v, a, bias), with a = 1 and bias = 0 where there is none
//   v     = fl(y + v) if accumulate; then v < lo ? lo : v > hi ? hi : v
//
// and where the matrix has offsets o, added before bias and y:
//
//   S     = sum over the columns of one tile of (q - zx), exact, then rounded
//           once to f32; in the f32 mode t = +0, t = fl(t + xb) in order of c
//   e     = +0 in f64; for every tile in order: e = e + o * S, or e + o * fl(S
//           * sx) where x has a scale for every tile; then rounded to f32
//   u     = fl(fl(e * sx) * a), sx and a as above, 1 where there is none
//   v     = fl(u + v), if accumulate fl(fl(y + u) + v), in place of fl(y + v)
//
// c - z is the code less the zero point, or the integer that a code stands
// for: sign -1 and +1; ternary -1, 0, +1 (code 3: +2). Code books stand for
// integers times a unit, which else is 1:
//
//   e2m1, mxfp4, nvfp4   0 1 2 3 4 6 8 12 and their negatives, unit 1/2
//   nf4                  -127 -88 -67 -50 -36 -23 -12 0 10 20 31 43 56 71 92
//                        127: rounded levels * 127, unit fl(1/127). At most
//                        0.004 of a tile's largest weight away from nf4.
//   bnb_fp4              0 1 85 127 42 64 21 32 and their negatives, likewise
//   book                 the caller's levels
//
// q, by mode, Q being 127 (int8), 32639 (int16) or 8355711 (int24):
//
//   dynamic   M = max |xb| of the row (or of the tile); sx = fl(M / Q), r =
//             fl(Q / M), q = fl(xb * r) to nearest even, within -Q ... Q; M
//             below 2^-100: sx = 0, q = 0
//   static    r = fl(1 / sx), q = fl(xb * r) to nearest even + zx, within
//             -128 ... 127
//
// A NaN or an infinity in x makes sx NaN: that row of y is NaN, and no other.
// In the f32 mode inputs are not rounded: inside a tile t = +0, then t =
// fma(v, xb, t) in order of the columns, v being the number that the code
// stands for (less the zero point, nf4 exact, unit 1); at its end acc =
// fma(s, t, acc). NaN and infinities do there what they do in fma.

#ifndef QQUANT_API_MATMUL_H
#define QQUANT_API_MATMUL_H

#include "api/matrix.h"

// What is made of x before it is multiplied.
typedef enum qq_input {
    // int8 by row; f32 for e4m3fn, e5m2 and the formats made of them.
    QQ_INPUT_DEFAULT = 1,
    QQ_INPUT_INT8_ROW = 2,    // dynamic, one scale a row
    QQ_INPUT_INT8_TILE = 3,   // dynamic, one scale for every scale tile of W
    QQ_INPUT_INT8_STATIC = 4, // x_scale and x_zero
    QQ_INPUT_INT16 = 5,       // dynamic by row, two int8 digits
    QQ_INPUT_INT24 = 6,       // dynamic by row, three: as good as f32
    QQ_INPUT_F32 = 7
} qq_input;

// How to multiply. Make one with qq_matmul_options_init; NULL stands for the
// defaults: f32 inputs, QQ_INPUT_DEFAULT, nothing clamped, y overwritten, the
// calling thread alone. A struct of zeros is refused.
typedef struct qq_matmul_options {
    uint32_t init;
    int accumulate; // 1: adds to y
    qq_type x_type; // f32, f16, bf16; or int8: quantized already
    qq_input input;
    float x_scale;  // INT8_STATIC: above 0, finite
    int32_t x_zero; // INT8_STATIC: zx, from -128 to 127
    // int8 inputs: INT8_ROW m scales, INT8_TILE m rows of one for every tile.
    const float *x_scales;
    float lo; // lo <= hi; -inf and inf: nothing is clamped
    float hi;
    // The caller's threads, and into how many parts the work is cut: from 1
    // on, also without threads. Scratch depends on it, results do not. A
    // small product stays on the calling thread.
    size_t parts;
    qq_parallel_for parallel;
    void *parallel_user;
} qq_matmul_options;

QQ_API qq_matmul_options qq_matmul_options_init(void);

// The scratch for m rows of x, the same on every machine; SIZE_MAX beyond
// size_t and for a matrix or options that make no sense. It holds x as codes,
// or as f32, and as f32 once more where the matrix is turned; a f32 for every
// row and tile where it has offsets, else tables of it (1-bit weights and up to
// 4 rows of x, 2 in int16, 1 in int24: 8 bytes a number); and for every part 16
// KiB, beyond 8 rows of x (4 in int16, 2 in int24) up to 128 KiB more for codes
// of W as bytes, and what two panels lack: base 3 as cells, sums for a zero
// point of x. With QQ_NO_SIMD there is no table, and 1 KiB stands for 16 and
// 128.
QQ_API size_t qq_matmul_scratch_size(const qq_matrix *w,
                                     const qq_matmul_options *o, size_t m);

// The product. x: m rows of k numbers (options: which), ldx numbers from one
// to the next; y: m rows of n f32, ldy numbers apart; neither need be aligned.
// ldx and ldy are at least a row's length, whatever m is. Numbers between the
// rows are neither read nor written. y may not overlap anything else.
// QQ_ERR_ARGUMENT: NULL, options that make no sense; QQ_ERR_TYPE: a type of x,
// or a mode, that does not go with the matrix (int8 inputs and column factors
// or a rotation, integers and e4m3fn); QQ_ERR_SHAPE: strides too short, beyond
// memory, a zero point of x and a tile of more than 2^23, int24 and one of 2^31
// or more; QQ_ERR_SIZE: scratch beyond size_t; QQ_ERR_SCRATCH.
QQ_API qq_status qq_matmul(const qq_matrix *w, const qq_matmul_options *o,
                           size_t m, const void *x, size_t ldx, void *y,
                           size_t ldy, void *scratch, size_t scratch_bytes);

// The same for a program that hands out work by itself: once for phase 0 and
// every part below o->parts, in any order and on any threads; then, when all
// of these have returned, once for phase 1 and every part. All other arguments
// are the same each time. QQ_ERR_ARGUMENT: no such phase or part.
QQ_API qq_status qq_matmul_part(const qq_matrix *w, const qq_matmul_options *o,
                                size_t m, const void *x, size_t ldx, void *y,
                                size_t ldy, void *scratch, size_t scratch_bytes,
                                unsigned phase, size_t part);

// --- instruction sets ------------------------------------------------------

// The rungs of the ladder; numbers are never reused.
typedef enum qq_isa {
    QQ_ISA_BEST = 0, // whichever the machine has
    QQ_ISA_SCALAR = 1,
    QQ_ISA_AVX2 = 16,
    QQ_ISA_AVX_VNNI = 17,
    QQ_ISA_AVX512 = 18,
    QQ_ISA_AVX512_VNNI = 19,
    QQ_ISA_AMX = 20,
    QQ_ISA_NEON = 32,
    QQ_ISA_NEON_DOT = 33,
    QQ_ISA_NEON_I8MM = 34
} qq_isa;

// Uses this rung from now on, in the whole process; no product may run in the
// meantime. Results do not change. Without this call the best rung but AMX is
// used: Linux lets a process use AMX only when asked to, by one system call
// (arch_prctl, ARCH_REQ_XCOMP_PERM), which qq_use_isa(QQ_ISA_AMX) makes; stacks
// of signal handlers (sigaltstack) must then be larger. The rung stays until
// another is chosen. QQ_ERR_UNSUPPORTED: not in this build or on this machine,
// or not permitted; QQ_ERR_ARGUMENT: no rung at all.
QQ_API qq_status qq_use_isa(qq_isa isa);

// The rung in use.
QQ_API qq_isa qq_isa_in_use(void);

// "scalar", "avx2", ...; "none" for a number that is no rung.
QQ_API const char *qq_isa_name(qq_isa isa);

#endif // QQUANT_API_MATMUL_H
