/*
qquant 0.1.0 - extreme low-bit numerics in one C header.
Public domain (Unlicense) or MIT-0, as you choose: see the end of this file.

qquant turns tensors of 32-bit floats into codes of 1 to 8 bits with scales,
and back: the number types, the calibrations and the packings of Qwix, AQT,
Array1B and bitsandbytes. It allocates nothing, prints nothing, starts no
thread, calls nothing but memcpy, memset and memmove, and gives the same bits
on every machine and under every compiler.

CONTENTS

    1  How to include it
    2  The switches
    3  Memory, errors, threads
    4  The same bits everywhere
    5  Where things are

1  HOW TO INCLUDE IT

    In exactly one C or C++ file of the program:

        #define QQUANT_IMPLEMENTATION
        #include "qquant.h"

    and in every other file that uses it:

        #include "qquant.h"

    C99 to C23 and C++11 to C++20. Nothing need be linked, not even libm.

2  THE SWITCHES

    Define them before the header is included, the same in every file. A
    switch is on when it is defined as nothing or as 1, off when it is 0.

    QQUANT_IMPLEMENTATION
        affects: compiles the functions, not only their declarations.
        default: declarations only.
        cost:    one compilation of the library, in one file.
        symptom: without it the linker misses every qq_ name; with it in two
                 files the linker finds every qq_ name twice.

    QQUANT_STATIC
        affects: every function is static, private to the file.
        default: functions are extern, with C linkage.
        cost:    each file that includes it so carries its own copy.
        symptom: a library that embeds qquant and does not define this
                 collides with a program that embeds it too.

    QQ_API
        affects: what stands before each public function, extern "C"
                 included where the program is C++.
        default: extern, extern "C", or static under QQUANT_STATIC.
        symptom: a shared library that exports its names only on demand
                 hides qquant.

    QQ_ASSERT(x)
        affects: preconditions that only a wrong program breaks.
        default: ((void)0), nothing is looked at.
        cost:    a few comparisons a call.
        symptom: overlapping buffers give wrong numbers without a word.

    QQ_MEMCPY(d, s, n), QQ_MEMSET(d, c, n), QQ_MEMMOVE(d, s, n)
        affects: the three functions that qquant needs.
        default: those of <string.h>, which is not included when all three
                 are defined.

    QQ_NO_FILE, QQ_NO_OP, QQ_NO_TRAIN
        affects: leaves out what reads other people's checkpoints (the blocks
                 of bitsandbytes), the operations on decoded tensors, the
                 rules and calibrations of AQT and FJFormer's bits.
        default: everything is in.
        symptom: the names of that wing are unknown.

3  MEMORY, ERRORS, THREADS

    The caller brings all memory. A function that needs some has a companion
    that answers how many bytes; SIZE_MAX means "impossible", a size that no
    buffer has. Bytes of tensors are void pointers and need no alignment.

    What can fail returns a qq_status, which is 0 when all is well; arguments
    are checked first, in their order, and nothing is written on failure.
    NULL is allowed where there are no bytes. Nothing aborts.

    qquant keeps no state and may be called from any thread. Long calls take
    a qq_parallel_for through which the caller lends its threads; the result
    does not depend on it.

4  THE SAME BITS EVERYWHERE

    The same input gives the same bytes under every compiler, optimisation
    level, instruction set and number of threads, in the default floating-
    point mode (round to nearest even, subnormals kept). Options that let the
    compiler change arithmetic, -ffast-math first of all, are refused with an
    #error, and so is x87 arithmetic on i386: there use -msse2 -mfpmath=sse.

5  WHERE THINGS ARE

    The declarations come first, each with its documentation; the
    implementation follows. A line "// ==== dir/part.h ====" begins each part
    of the source in src/, from which this file is made.
*/

#ifndef QQUANT_H
#define QQUANT_H

// ==== base.h ====

// qquant floor 0: linkage, the switches, the headers that declarations need.
//
// Every switch is 0 or 1 after this part and is read by #if, so that a
// misspelt one is an error under -Wundef. A user may write -DQQ_NO_SIMD,
// #define QQ_NO_SIMD or #define QQ_NO_SIMD 1: all three switch it on. The
// expression 0 - QQ_NO_SIMD - 1 is 1 only where the macro is empty.

#include <stddef.h>
#include <stdint.h>

#ifndef QQUANT_STATIC
#  define QQUANT_STATIC 0
#elif (0 - QQUANT_STATIC - 1) == 1
#  undef QQUANT_STATIC
#  define QQUANT_STATIC 1
#endif

#ifndef QQ_NO_FILE
#  define QQ_NO_FILE 0
#elif (0 - QQ_NO_FILE - 1) == 1
#  undef QQ_NO_FILE
#  define QQ_NO_FILE 1
#endif

#ifndef QQ_NO_OP
#  define QQ_NO_OP 0
#elif (0 - QQ_NO_OP - 1) == 1
#  undef QQ_NO_OP
#  define QQ_NO_OP 1
#endif

#ifndef QQ_NO_TRAIN
#  define QQ_NO_TRAIN 0
#elif (0 - QQ_NO_TRAIN - 1) == 1
#  undef QQ_NO_TRAIN
#  define QQ_NO_TRAIN 1
#endif

// Silences the compiler where a program calls only part of a static library.
#if defined(__GNUC__) || defined(__clang__)
#  define QQI_UNUSED __attribute__((unused))
#else
#  define QQI_UNUSED
#endif

// What stands before every public function. A program that puts qquant in a
// shared library defines it itself, extern "C" included where it is C++.
#ifndef QQ_API
#  if QQUANT_STATIC
#    define QQ_API static QQI_UNUSED
#  elif defined(__cplusplus)
#    define QQ_API extern "C"
#  else
#    define QQ_API extern
#  endif
#endif

// ==== api/status.h ====

// qquant floor 1: version and status.

#define QQ_VERSION_MAJOR 0
#define QQ_VERSION_MINOR 1
#define QQ_VERSION_PATCH 0
#define QQ_VERSION_STRING "0.1.0"

// The version of the implementation that is linked, as
// major * 10000 + minor * 100 + patch. A program that was compiled against
// another header finds out by comparing it with the three macros.
QQ_API uint32_t qq_version(void);

// What every call that can fail returns. Arguments are checked in the order
// in which they stand, the same on every machine; unless a function says
// otherwise nothing has been written when the answer is not QQ_OK.
typedef enum qq_status {
    QQ_OK = 0,
    QQ_ERR_ARGUMENT = 1,    // NULL with bytes, an option that makes no sense
    QQ_ERR_TYPE = 2,        // a type that this call cannot take
    QQ_ERR_SHAPE = 3,       // shapes that do not fit each other
    QQ_ERR_AXIS = 4,        // an axis out of range, twice, or in two roles
    QQ_ERR_SCHEME = 5,      // a scheme that contradicts itself, the type or x
    QQ_ERR_SIZE = 6,        // an output buffer too small; a size beyond size_t
    QQ_ERR_SCRATCH = 7,     // scratch too small
    QQ_ERR_FORMAT = 8,      // bytes or text that are not what they should be
    QQ_ERR_VERSION = 9,     // a packed form newer than this library
    QQ_ERR_UNSUPPORTED = 10, // right, but not in this build or on this machine
    QQ_ERR_CANCELLED = 11   // the caller's callback asked to stop
} qq_status;

// A short English sentence for a person, never NULL; constant memory.
QQ_API const char *qq_status_string(qq_status status);

// The caller's threads. Calls part(arg, i) once for every i below parts, in
// any order, on any threads, and returns when all are done. Never nested.
// qquant starts no thread itself; where a call takes one of these, NULL means
// "here, one after another", and the result is the same to the bit.
typedef void (*qq_parallel_for)(void *user, size_t parts,
                                void (*part)(void *arg, size_t i), void *arg);

// ==== api/type.h ====

// qquant floor 1: the types of stored numbers.

// How one stored number is encoded. The values go into files and are never
// renumbered. Small floats are named eXmY: X bits of exponent, Y of mantissa,
// one of sign; "fn" has no infinities, "fnuz" neither those nor a -0.
typedef enum qq_type {
    QQ_TYPE_NONE = 0,

    // Plain numbers: what arrays are made from and scales are kept in.
    QQ_TYPE_F32 = 1,
    QQ_TYPE_F64 = 2,
    QQ_TYPE_F16 = 3,
    QQ_TYPE_BF16 = 4,
    QQ_TYPE_INT32 = 5, // sums; not a type to quantize to

    // Integers; codes in two's complement, unless the name says otherwise.
    QQ_TYPE_SIGN = 8,    // 1 bit: 1 stands for +1, 0 for -1
    QQ_TYPE_TERNARY = 9, // 2 bits: value + 1
    QQ_TYPE_INT2 = 16,
    QQ_TYPE_INT3 = 17,
    QQ_TYPE_INT4 = 18,
    QQ_TYPE_INT5 = 19,
    QQ_TYPE_INT6 = 20,
    QQ_TYPE_INT7 = 21,
    QQ_TYPE_INT8 = 22,
    QQ_TYPE_INT16 = 23,
    QQ_TYPE_UINT2 = 24,
    QQ_TYPE_UINT4 = 25,
    QQ_TYPE_UINT8 = 26,

    // Small floats.
    QQ_TYPE_E4M3FN = 32,
    QQ_TYPE_E5M2 = 33,
    QQ_TYPE_E4M3 = 34,
    QQ_TYPE_E4M3FNUZ = 35,
    QQ_TYPE_E5M2FNUZ = 36,
    QQ_TYPE_E4M3B11FNUZ = 37,
    QQ_TYPE_E3M4 = 38,
    QQ_TYPE_E2M3 = 40,
    QQ_TYPE_E3M2 = 41,
    QQ_TYPE_E2M1 = 42,
    QQ_TYPE_E8M0 = 43, // a power of two: a scale, not a type to quantize to

    // Code books: a code is an index into a table of levels.
    QQ_TYPE_NF4 = 48,     // NormalFloat, 16 levels (QLoRA)
    QQ_TYPE_BNB_FP4 = 49, // the fp4 of bitsandbytes, not e2m1
    QQ_TYPE_BOOK = 50,    // the caller's levels; 8 bits a code

    // Formats: a small float whose scale tiles and scales are prescribed.
    QQ_TYPE_MXFP8 = 56,    // e4m3fn, tiles of 32, power-of-two scales
    QQ_TYPE_MXFP8_16 = 57, // the same with tiles of 16 (Qwix)
    QQ_TYPE_MXFP4 = 58,    // e2m1, tiles of 32, power-of-two scales
    QQ_TYPE_NVFP4 = 59     // e2m1, tiles of 16, e4m3fn scales
} qq_type;

typedef enum qq_kind {
    QQ_KIND_NONE = 0,
    QQ_KIND_FLOAT = 1,   // f64, f32, f16, bf16
    QQ_KIND_INTEGER = 2, // sign, ternary, intN, uintN
    QQ_KIND_SMALL = 3,   // small floats, and the formats made of them
    QQ_KIND_BOOK = 4,    // code books
    QQ_KIND_EXPONENT = 5 // e8m0
} qq_kind;

// What there is to know about a type.
typedef struct qq_type_info {
    const char *name; // as in the enumerators, lower case: "int4", "e4m3fn"
    qq_type storage;  // how a code is stored: e2m1 for mxfp4; else itself
    qq_kind kind;
    unsigned bits; // of a stored code
    int32_t min;   // smallest and largest integer; of a code book the
    int32_t max;   // smallest and largest code; 0 for floats
    float largest; // largest finite magnitude of a value with scale 1 (of
                   // f64 that of f32); 0 for a caller's book
    size_t tile;   // the tile size a format prescribes; else 0
    int weight;    // 1: can be quantized to
    int affine;    // 1: can have a zero point
} qq_type_info;

// Fills *info. QQ_ERR_TYPE for a number that is no type; QQ_ERR_ARGUMENT.
QQ_API qq_status qq_type_get(qq_type type, qq_type_info *info);

// "int4"; "none" for a number that is no type.
QQ_API const char *qq_type_name(qq_type type);

// The type of a name, QQ_TYPE_NONE if there is none or name is NULL. Also
// understood: the spellings of NumPy, JAX and Qwix ("float32", "bfloat16",
// "float8_e4m3fn", "float4_e2m1fn"). Upper and lower case differ.
QQ_API qq_type qq_type_from_name(const char *name);

// Bits of a stored code; 0 for a number that is no type.
QQ_API unsigned qq_type_bits(qq_type type);

// The bytes that count codes take, packed: ceil(count * bits / 8). SIZE_MAX if
// that is more than size_t holds or type is none.
QQ_API size_t qq_type_bytes(qq_type type, size_t count);

// One number. Encoding rounds to nearest even and saturates: beyond the
// largest finite value lies the largest finite value. Only f32, f16 and bf16
// keep infinities. Integers: NaN gives 0. Types that have a NaN keep it (f32,
// f16 and bf16 as a quiet one with its sign and leading bits); e2m1, e2m3 and
// e3m2 have none and give -0, code books give code 0. sign: x >= 0 gives 1,
// else (NaN, too) 0; -0 counts as 0. e8m0: the nearest power of two, the
// larger one from 1.5 * 2^n on; 0 gives the smallest, what is below 0 NaN.
// nf4 has the thresholds of Qwix, bnb_fp4 the rounded middles of bitsandbytes;
// a middle belongs to the lower level. Formats behave like the small float
// they are made of. The code is in the low bits, two's complement cut to the
// type's width. A type that is no type, and QQ_TYPE_BOOK, which has no levels
// of its own, give 0. f64 is wider than the code: it gives 0, too.
QQ_API uint32_t qq_type_encode(qq_type type, float x);

// The same without saturation, for the types that have a code for overflow:
// what rounds beyond the largest finite value becomes infinity (f16, bf16,
// e5m2, e4m3, e3m4) or, without infinities, NaN (e4m3fn, e4m3fnuz, e5m2fnuz,
// e4m3b11fnuz), with x's sign where the type has a signed one. All other types
// saturate.
QQ_API uint32_t qq_type_encode_unsaturated(qq_type type, float x);

// The value of a code; bits above the type's width are ignored. Every code
// decodes: the ternary code 3 is +2, as in Array1B. NaNs are quiet. A type
// that is no type, f64 and QQ_TYPE_BOOK give 0.
QQ_API float qq_type_decode(qq_type type, uint32_t code);

// ==== api/tensor.h ====

// qquant floor 1: tensors, which are views of numbers somebody else owns.

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

// ==== api/random.h ====

// qquant floor 1: Threefry, and the random numbers that JAX makes of it.

// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random
// numbers: as easy as 1, 2, 3", 2011). A key is two words; everything drawn
// from it is a function of the key and the position, so any part of a long
// sequence can be made by itself.
typedef struct qq_key {
    uint32_t word[2];
} qq_key;

// How JAX counts. Both give the same quality and different numbers.
typedef enum qq_random_layout {
    QQ_RANDOM_PARTITIONABLE = 1, // JAX's default since 0.5: element i by itself
    // Before: element i depends on the count. Arrays that take more than
    // 2^32 - 1 words of 32 random bits are QQ_ERR_UNSUPPORTED.
    QQ_RANDOM_LEGACY = 2
} qq_random_layout;

// out = the block function of the key at the counter.
QQ_API void qq_threefry(qq_key key, const uint32_t counter[2], uint32_t out[2]);

// JAX's threefry_2x32 over n words: the counter is cut in two halves (n odd: a
// 0 is appended), pairs go through the block, out is all first words, then all
// second ones (n odd: without the last). out may be counter.
QQ_API void qq_threefry_array(qq_key key, size_t n, const uint32_t *counter,
                              uint32_t *out);

// jax.random.PRNGKey. wide 0 (JAX's default): (0, low 32 bits of seed), for
// negative seeds, too; wide 1 (JAX's 64-bit mode): (high, low).
QQ_API qq_key qq_key_make(int64_t seed, int wide);

// jax.random.fold_in.
QQ_API qq_key qq_key_fold_in(qq_key key, uint32_t data);

// jax.random.split: key i of n; keys for shapes are counted row-major.
QQ_API qq_key qq_key_split(qq_key key, qq_random_layout layout, size_t n,
                           size_t i);

// Random bits of elements first to first + count - 1 of an array of total
// elements: width 8, 16 or 32, written as uint8_t, uint16_t, uint32_t.
// QQ_ERR_ARGUMENT: width, layout, first + count above total.
QQ_API qq_status qq_random_bits(qq_key key, qq_random_layout layout,
                                unsigned width, size_t total, size_t first,
                                size_t count, void *out, size_t out_bytes);

// jax.random.uniform in [0, 1): type f32 (from 32 bits), f16 (16) or bf16 (8).
QQ_API qq_status qq_random_unit(qq_key key, qq_random_layout layout,
                                qq_type type, size_t total, size_t first,
                                size_t count, void *out, size_t out_bytes);

// jax.random.uniform in [low, high), f32: max(low, u * (high - low) + low)
// with one rounding of the sum if fused is not 0 (as JAX's compiler makes it),
// else with two. QQ_ERR_ARGUMENT: high - low is not finite.
QQ_API qq_status qq_random_uniform(qq_key key, qq_random_layout layout,
                                   float low, float high, int fused,
                                   size_t total, size_t first, size_t count,
                                   float *out);

// jax.random.bernoulli: out[i] = u < p, 0 or 1.
QQ_API qq_status qq_random_bernoulli(qq_key key, qq_random_layout layout,
                                     float p, size_t total, size_t first,
                                     size_t count, uint8_t *out);

// jax.random.randint, int32 in [low, high). QQ_ERR_ARGUMENT: high <= low.
QQ_API qq_status qq_random_int(qq_key key, qq_random_layout layout, int32_t low,
                               int32_t high, size_t total, size_t first,
                               size_t count, int32_t *out);

// he_uniform of jax.nn.initializers, f32: (2u - 1) * sqrt(3 * (2 / fan)),
// each step rounded; fan = total / (size of the last axis). QQ_ERR_ARGUMENT:
// fan is 0.
QQ_API qq_status qq_random_he_uniform(qq_key key, qq_random_layout layout,
                                      size_t fan, size_t total, size_t first,
                                      size_t count, float *out);

// Noise for stochastic rounding: added before rounding to nearest even.
typedef enum qq_noise {
    QQ_NOISE_NONE = 0,
    QQ_NOISE_UNIFORM = 1,    // Qwix: max(-0.5, u + -0.5), from 32 bits
    QQ_NOISE_LOW_BIT = 2,    // Qwix: r / 256 - 0.498046875, from 8 bits
    QQ_NOISE_AQT = 3,        // AQT "jax.uniform": u - 0.5, from 32 bits
    QQ_NOISE_AQT_CUSTOM = 4, // AQT "custom-1": r / 65536 - 0.5 + 2^-17
    QQ_NOISE_GIVEN = 5       // the caller's numbers
} qq_noise;

// Noise numbers first to first + count - 1 of total. Not for none and given.
QQ_API qq_status qq_random_noise(qq_key key, qq_random_layout layout,
                                 qq_noise noise, size_t total, size_t first,
                                 size_t count, float *out);

// ==== api/pack.h ====

// qquant floor 1: codes in bits: packing, other people's orders, code books.

// Where code i of b bits lies in the packed bytes.
typedef enum qq_order {
    // Bits i*b to i*b + b - 1, bit 0 being the lowest of byte 0. qquant's own.
    QQ_ORDER_LOW_FIRST = 1,
    // 4 bits: even codes in the high half of a byte (bitsandbytes, ArrayNF4).
    QQ_ORDER_HIGH_NIBBLE_FIRST = 2,
    // 1 bit: code 0 in the highest bit of byte 0 (OneCompression).
    QQ_ORDER_HIGH_BIT_FIRST = 3,
    // 4 bits: little-endian words of eight codes in the order 0 2 4 6 1 3 5 7
    // from the low bits up (AWQ).
    QQ_ORDER_AWQ = 4
} qq_order;

// The bytes that hold codes 0 to count - 1; whole words of 4 for AWQ. SIZE_MAX
// if that is more than size_t holds, or the order has no codes of that width.
QQ_API size_t qq_pack_size(unsigned bits, qq_order order, size_t count);

// Packs count codes as codes start, start + 1 ... of the packed bytes. codes:
// one byte each, two (native order) where bits is 16; the low bits count, so
// signed and unsigned pack alike. Bits before code start stay; bits after the
// last code, up to the end of its byte (AWQ: word), become 0: packing piece
// after piece gives the same bytes as packing at once. out must hold
// qq_pack_size(bits, order, start + count). bits: 1 to 8, or 16, and as the
// order says. QQ_ERR_ARGUMENT, QQ_ERR_SIZE.
QQ_API qq_status qq_pack_bits(unsigned bits, qq_order order, size_t start,
                              size_t count, const void *codes, void *out,
                              size_t out_bytes);

// The inverse: codes start to start + count - 1, one byte each (two for 16
// bits), sign-extended if is_signed is not 0. Any bytes unpack.
QQ_API qq_status qq_unpack_bits(unsigned bits, qq_order order, int is_signed,
                                size_t start, size_t count, const void *packed,
                                size_t packed_bytes, void *codes,
                                size_t codes_bytes);

// Layouts of values -1, 0, +1 (int8, one byte each).
typedef enum qq_ternary_layout {
    // 2 bits a value, value + 1, low bits first. qquant's own.
    QQ_TERNARY_CONSECUTIVE = 1,
    // Array1B of eformer and the Hugging Face BitNet packing: with Q = n / 4,
    // byte p holds values p, p + Q, p + 2Q, p + 3Q from the low bits up. n
    // must be a multiple of 4. (A matrix whose first axis is a multiple of 4
    // is packed along that axis in just this way.)
    QQ_TERNARY_STRIDED = 2,
    // Five values a byte, 1.6 bits each: sum of (value + 1) * 3^j, j = 0 to 4;
    // missing values of the last byte count as 0 (digit 1).
    QQ_TERNARY_BASE3 = 3
} qq_ternary_layout;

// The bytes of count values; SIZE_MAX for a strided count that is no multiple
// of 4.
QQ_API size_t qq_ternary_size(qq_ternary_layout layout, size_t count);

// Packs count values. QQ_ERR_FORMAT where one is not -1, 0 or +1 (nothing is
// written); QQ_ERR_SHAPE for a strided count that is no multiple of 4.
QQ_API qq_status qq_ternary_pack(qq_ternary_layout layout, size_t count,
                                 const int8_t *values, void *out,
                                 size_t out_bytes);

// The inverse. Any bytes unpack: the 2-bit code 3 is +2, as in Array1B; a
// base-3 byte above 242 counts as 242 (all +1).
QQ_API qq_status qq_ternary_unpack(qq_ternary_layout layout, size_t count,
                                   const void *packed, size_t packed_bytes,
                                   int8_t *values);

// The levels of nf4 and bnb_fp4, by code: 16 floats of constant memory; NULL
// for other types.
QQ_API const float *qq_book_levels(qq_type type);

// codes[i] = the code of the level nearest to x[i]; exactly between two the
// smaller level, of equal levels the lower code. NaN: code 0. levels: 2 to
// 256 finite floats in any order. codes: one byte each. The distance is exact,
// so a book needs no order and no thresholds. QQ_ERR_ARGUMENT.
// (qq_type_encode(QQ_TYPE_NF4, x) follows Qwix, whose differences are rounded
// to f32: the two differ by at most one code, at six of the fifteen middles.)
QQ_API qq_status qq_book_encode(const float *levels, size_t level_count,
                                size_t count, const float *x, uint8_t *codes);

// x[i] = levels[codes[i]]; a code beyond the book counts as its last level.
QQ_API qq_status qq_book_decode(const float *levels, size_t level_count,
                                size_t count, const uint8_t *codes, float *x);

// ==== api/number.h ====

// qquant floor 1: single numbers.
//
// The functions of <math.h> differ in their last bits from one C library to
// the next. These give the same bits everywhere, and need no library. Each
// is correctly rounded: of all floats the answer is the one nearest to the
// exact result, the even one of two, so the error is at most half an ulp. A
// result beyond the largest float is an infinity, one below 2^-126 a
// subnormal float or 0 by the same rounding. A NaN, given or made, comes back
// as the one with the bits 7fc00000.

// a * b + c with a single rounding. 0 * inf and inf - inf are NaN.
QQ_API float qq_fma(float a, float b, float c);

// The nearest integer, the even one of two: 2.5 gives 2. -0.25 gives -0.
QQ_API float qq_round_even(float x);

// The root of x: of -0 it is -0; below 0 NaN.
QQ_API float qq_sqrt(float x);

// e^x and 2^x. Of -inf 0, of inf inf.
QQ_API float qq_exp(float x);
QQ_API float qq_exp2(float x);

// The natural logarithm and the one to base 2. Of 0 and -0 -inf; below 0 NaN.
QQ_API float qq_log(float x);
QQ_API float qq_log2(float x);

// The hyperbolic tangent, in [-1, 1]; of -0 it is -0.
QQ_API float qq_tanh(float x);

// x as a half (IEEE binary16) and as a bfloat16, the upper half of a float.
// Beyond the largest finite value, 65504 or 3.39e38, rounding gives infinity.
// A NaN keeps its sign and the leading bits of its payload and is quiet. No
// mode in which the machine flushes subnormals changes the result.
QQ_API uint16_t qq_f16_from_f32(float x);
QQ_API uint16_t qq_bf16_from_f32(float x);

// And back, exactly. A NaN keeps its sign and payload and is quiet.
QQ_API float qq_f32_from_f16(uint16_t code);
QQ_API float qq_f32_from_bf16(uint16_t code);

// ==== api/scheme.h ====

// qquant floor 1: schemes: how to quantize.

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

// How x / scale is made.
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
    unsigned bits;                  // int: 1 to 22
    qq_numerics_kind kind;
    unsigned char preserve_zero;    // zero is a code, else levels lie between
    unsigned char preserve_max;     // the bound itself is a code
    unsigned char clip;             // else codes may exceed the range
    unsigned char clip_gradient;    // no gradient where x was clipped
    unsigned char round;            // else codes keep their fractions
    unsigned char stochastic;       // fp8, fp: random low bits before the cut
    unsigned char subnormals;       // fp
    unsigned exponent;              // fp: bits
    unsigned mantissa;              // fp: bits
} qq_numerics;

// How to quantize. Make one with qq_scheme_init and change members; a struct
// of zeros is refused. Free to copy.
typedef struct qq_scheme {
    uint32_t init;      // set by qq_scheme_init
    uint32_t channels;  // bit a: axis a has a scale for every index
    qq_type type;       // of the codes; AQT and FJ: none keeps x's own type
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
// nearest even, the tile of a format along its last axis left to the caller.
QQ_API qq_scheme qq_scheme_init(qq_type type);

// The same with another system's defaults: rule, absmax, true division, and
// for AQT and FJ integer numerics of the type's bits (preserve_zero, clip and
// round on).
QQ_API qq_scheme qq_scheme_init_rule(qq_type type, qq_rule rule);

// Marks an axis of an array of that rank as channel-wise, or tiled. Negative
// axes count from the end. QQ_ERR_AXIS: beyond the rank, or in both roles;
// QQ_ERR_ARGUMENT: NULL, a tile of 0, a fraction outside (0, 1].
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
#define QQ_BAD_INIT 1u         // not made by qq_scheme_init
#define QQ_BAD_RULE 2u         // no such rule, range, division or noise
#define QQ_BAD_TYPE 4u         // a type that cannot be quantized to
#define QQ_BAD_AXIS 8u         // an axis beyond the rank, or in two roles
#define QQ_BAD_TILE 16u        // a tile that does not fit its axis or format
#define QQ_BAD_CALIBRATION 32u // a method or number the rule does not have
#define QQ_BAD_SCALE_TYPE 64u  // a type that scales cannot be stored in
#define QQ_BAD_AFFINE 128u     // asymmetric, and the type has no zero point
#define QQ_BAD_NOISE 256u      // noise the rule does not have, or none given
#define QQ_BAD_BOOK 512u       // levels missing, too few, not finite
#define QQ_BAD_NUMERICS 1024u  // numerics out of range, or of another rule
#define QQ_BAD_INPUT 2048u     // x is no float tensor (f32, f16, bf16)
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

// ==== api/array.h ====

// qquant floor 1: quantized arrays: codes, scales and zero points.

// A quantized tensor: value[i] = (code[i] - zero_point[t]) * scale[t], t being
// the tile that i lies in. Qwix calls it QArray. Owns nothing; free to copy.
typedef struct qq_array {
    qq_tensor value;      // codes; its shape is the array's shape
    qq_tensor scale;      // same rank; shape[a] tiles along axis a
    qq_tensor zero_point; // type none: there is none. Else of value's type
    // Numbers along axis a that share a scale; the last tile may be short.
    size_t tile[QQ_MAX_RANK];
    size_t zero_tile[QQ_MAX_RANK]; // the same for zero points
    qq_type type;         // what the codes mean: mxfp4, where value is e2m1
    float scale2;         // a second scale, of the whole tensor; else 1
    const float *levels;  // QQ_TYPE_BOOK: the levels of the codes
    size_t level_count;
    qq_tensor bias;       // AQT: subtracted at the end; else type none
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
// the manual. out: qq_array_size(x, s) bytes, must not overlap x. *view becomes
// the array; its parts point into out, and it keeps s->levels.
// QQ_ERR_SCHEME, QQ_ERR_AXIS, QQ_ERR_TYPE, QQ_ERR_SHAPE as qq_scheme_check.
QQ_API qq_status qq_quantize(const qq_tensor *x, const qq_scheme *s, void *out,
                             size_t out_bytes, qq_array *view);

// The type in which qq_dequantize answers under a rule: qquant f32; the
// others the type of the scale (AQT, eformer: the type given).
//
// Dequantizes: (code - zero point) * scale [* scale2], rule qquant: one
// rounding of each product in f32, then one to type (f32, f16, bf16), in which
// what is finite stays finite; Qwix: every step is rounded to the scale's
// type, then converted to type. out:
// qq_type_bytes(type, count) bytes, must not overlap the array.
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
                                  void *out, size_t out_bytes,
                                  qq_tensor *view);

// ==== api/view.h ====

// qquant floor 1: moving quantized arrays about without decoding them.

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
    QQ_INDEX_AT = 1,       // one index; the axis goes
    QQ_INDEX_SLICE = 2,    // start:stop:step
    QQ_INDEX_ALL = 3,      // the whole axis
    QQ_INDEX_NEW = 4,      // a new axis of size 1
    QQ_INDEX_ELLIPSIS = 5  // as many whole axes as are missing; once at most
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
                               const size_t *index, void *out,
                               size_t out_bytes, qq_array *view);

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

// ==== api/metric.h ====

// qquant floor 1: how far two tensors are apart.

// x is the reference, y what became of it, d = y - x; sums in f64, one number
// after another, so the figures are the same on every machine.
typedef struct qq_metrics {
    double max_error; // max |d|
    double mean_error; // sum |d| / n
    double rmse;      // sqrt(sum d^2 / n)
    double sqnr_db;   // 10 log10(sum x^2 / sum d^2), to 1e-11;
                      // +infinity if d = 0, else -infinity if x = 0
    double cosine;    // sum xy / sqrt(sum x^2 * sum y^2); 0 if one sum is 0,
                      // 1 if both are
    double relative;  // sqrt(sum d^2 / sum x^2); 0 if d = 0, else +infinity if
                      // x = 0
    size_t count;     // n, the pairs of finite numbers
    size_t skipped;   // pairs with a NaN or an infinity, counted nowhere else
} qq_metrics;

// Compares two float tensors (f32, f16, bf16, f64) of one count; shapes do not
// matter. Where f64 numbers are so large that a sum is infinite, the figures
// made of two sums are NaN. QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API qq_status qq_compare(const qq_tensor *x, const qq_tensor *y,
                            qq_metrics *out);

// The share of x's numbers that lie more than half a step beyond the outermost
// code, so that more than rounding took them to their value:
//
//   integers       |x - value| > scale / 2 outwards, and the code is the least
//                  or greatest (of signed ones the least is -max, or beyond)
//   small floats,  x beyond the outermost value by half the distance to the
//   code books     next one (times scale)
//
// x (f32, f16, bf16, f64) has a's shape; a NaN is not clipped. 0 for an empty
// array, and for codes that are floats. QQ_ERR_TYPE, QQ_ERR_SHAPE.
QQ_API qq_status qq_clipped_share(const qq_tensor *x, const qq_array *a,
                                  double *out);

#endif // QQUANT_H

// An editor that greys what is not compiled shows the implementation too.
#if defined(__INTELLISENSE__) || defined(__JETBRAINS_IDE__)
#ifndef QQUANT_IMPLEMENTATION
#define QQUANT_IMPLEMENTATION
#endif
#endif

#if defined(QQUANT_IMPLEMENTATION) && !defined(QQUANT_IMPLEMENTED)
#define QQUANT_IMPLEMENTED

// ==== compiler.h ====

// qquant floor 0: what the implementation asks of the compiler, and refuses.
//
// The only part that asks which compiler or machine this is.

// Results are promised to the bit, so options that let the compiler change
// arithmetic are refused. -ffp-contract=fast is not among them: see
// num/step.h.
#if defined(__FAST_MATH__) || defined(_M_FP_FAST)
#  error "qquant: compile without -ffast-math (/fp:fast): results would change"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#  error "qquant: compile without -ffinite-math-only: NaN and infinity count"
#endif
#if defined(__ASSOCIATIVE_MATH__)
#  error "qquant: compile without -fassociative-math: results would change"
#endif
#if defined(__RECIPROCAL_MATH__)
#  error "qquant: compile without -freciprocal-math: results would change"
#endif

// Floats must be evaluated as floats: 0, or 16 where only _Float16 is special.
#if defined(__FLT_EVAL_METHOD__)
#  if __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#    if defined(__s390__)
#      error "qquant: floats must not be widened: on s390x use -std=gnu99"
#    else
#      error "qquant: floats must not be widened: try -mfpmath=sse -msse2"
#    endif
#  endif
#elif defined(_M_IX86_FP)
#  if _M_IX86_FP < 2
#    error "qquant: floats must not be widened: use /arch:SSE2"
#  endif
#elif defined(__TINYC__) && defined(__i386__)
#  error "qquant: floats must not be widened: tcc on i386 computes in x87"
#endif

// The three functions of the C library that qquant calls.
#if !defined(QQ_MEMCPY) || !defined(QQ_MEMSET) || !defined(QQ_MEMMOVE)
#  include <string.h>
#endif
#ifndef QQ_MEMCPY
#  define QQ_MEMCPY memcpy
#endif
#ifndef QQ_MEMSET
#  define QQ_MEMSET memset
#endif
#ifndef QQ_MEMMOVE
#  define QQ_MEMMOVE memmove
#endif

// Preconditions that only a wrong program breaks.
#ifndef QQ_ASSERT
#  define QQ_ASSERT(x) ((void)0)
#endif

// An internal function: never a name of the program that includes us.
#define QQI_FN static QQI_UNUSED

#if defined(__GNUC__) || defined(__clang__)
#  define QQI_INLINE static inline __attribute__((always_inline, unused))
#elif defined(_MSC_VER)
#  define QQI_INLINE static __forceinline
#else
#  define QQI_INLINE static inline
#endif

// A function that keeps its stack frame to itself.
#if defined(__GNUC__) || defined(__clang__)
#  define QQI_NOINLINE static __attribute__((noinline, unused))
#elif defined(_MSC_VER)
#  define QQI_NOINLINE static __declspec(noinline)
#else
#  define QQI_NOINLINE static
#endif

// Makes the compiler forget how the variable x came about, so that no product
// behind it can be fused into a later sum; the value does not change. Where
// the letter for the machine's float registers is known x stays in one.
#if defined(__TINYC__)
#define QQI_KEEP_F32(x) ((void)(x)) // never fuses
#define QQI_KEEP_F64(x) ((void)(x))
#elif defined(__GNUC__) || defined(__clang__)
#if (defined(__x86_64__) || defined(__i386__)) && defined(__SSE2__)
#define QQI_KEEP_F32(x) __asm__("" : "+x"(x))
#define QQI_KEEP_F64(x) __asm__("" : "+x"(x))
#elif defined(__aarch64__)
#define QQI_KEEP_F32(x) __asm__("" : "+w"(x))
#define QQI_KEEP_F64(x) __asm__("" : "+w"(x))
#elif defined(__s390x__) || (defined(__riscv_flen) && __riscv_flen >= 64)
#define QQI_KEEP_F32(x) __asm__("" : "+f"(x))
#define QQI_KEEP_F64(x) __asm__("" : "+f"(x))
#elif defined(__arm__) && defined(__ARM_FP)
#define QQI_KEEP_F32(x) __asm__("" : "+t"(x))
#define QQI_KEEP_F64(x) __asm__("" : "+m"(x))
#else
#define QQI_KEEP_F32(x) __asm__("" : "+m"(x))
#define QQI_KEEP_F64(x) __asm__("" : "+m"(x))
#endif
#else
#define QQI_KEEP_F32(x)                                                        \
    do {                                                                       \
        const volatile float qqi_kept = (x);                                   \
        (x) = qqi_kept;                                                        \
    } while (0)
#define QQI_KEEP_F64(x)                                                        \
    do {                                                                       \
        const volatile double qqi_kept = (x);                                  \
        (x) = qqi_kept;                                                        \
    } while (0)
#endif

// 1 where a fused multiply-add of floats is one instruction of every machine
// that the options allow, so that asking for it names no function of libm.
#if (defined(__GNUC__) || defined(__clang__)) && !defined(__TINYC__) &&        \
    (defined(__FP_FAST_FMAF) || defined(__FMA__) ||                            \
     defined(__ARM_FEATURE_FMA) || defined(__aarch64__))
#define QQI_HAS_FMA 1
#define QQI_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#else
#define QQI_HAS_FMA 0
#endif

// For functions whose unsigned arithmetic wraps on purpose (hashes, Threefry,
// digits of wide products), so that -fsanitize=integer stays useful.
#if defined(__clang__)
#  define QQI_WRAPS __attribute__((no_sanitize("integer")))
#else
#  define QQI_WRAPS
#endif

// The name must be new: the lines of pasted parts repeat.
#define QQI_STATIC_ASSERT(name, x)                                             \
    typedef char qqi_assert_##name[(x) ? 1 : -1] QQI_UNUSED

QQI_STATIC_ASSERT(byte, sizeof(uint8_t) == 1 && (uint8_t)-1 == 255);
QQI_STATIC_ASSERT(float, sizeof(float) == 4 && sizeof(double) == 8);
QQI_STATIC_ASSERT(size, sizeof(size_t) >= 4);

#endif // QQUANT_IMPLEMENTATION

/*
qquant may be used under either of two licences. Choose the one you prefer.

------------------------------------------------------------------------------
CHOICE A - The Unlicense (public domain)

This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute
this software, either in source code form or as a compiled binary, for any
purpose, commercial or non-commercial, and by any means.

In jurisdictions that recognize copyright laws, the author or authors of this
software dedicate any and all copyright interest in the software to the public
domain. We make this dedication for the benefit of the public at large and to
the detriment of our heirs and successors. We intend this dedication to be an
overt act of relinquishment in perpetuity of all present and future rights to
this software under copyright law.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN
ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org/>

------------------------------------------------------------------------------
CHOICE B - MIT No Attribution (MIT-0)

Copyright (c) the authors of qquant

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/
