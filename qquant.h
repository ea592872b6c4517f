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

// ==== api/bnb.h ====

// qquant floor 1: the block formats of bitsandbytes.

// What checkpoints quantized with bitsandbytes (0.50) hold, bit for bit. All
// arithmetic is in f32, each step rounded; x is f32, f16 or bf16, widened
// first. An array is one row of numbers, row-major; blocks of block_size
// follow each other without regard to its axes, the last one may be short. A
// block's absmax is its largest finite magnitude. NaN has the code of 0, an
// infinity the outermost code. out buffers must not overlap inputs.

// --- 4 bits ----------------------------------------------------------------
//
//   code  = that of the level nearest to x / absmax; exactly between two
//           (their middle in f32) the lower level
//   value = level[code] * absmax
//
// x / absmax is x * (1 / absmax) with two roundings in full blocks, as in
// bitsandbytes, and one division in a short last block, and where 1 / absmax
// is infinite. A block without a finite number but 0 has absmax 0. Byte i
// holds code 2i in its high four bits and 2i + 1 in the low ones; behind an
// odd count stands the code of 0. bnb_fp4 has two zeros: code 8 is read, not
// written.

// Make one with qq_bnb_options_init and change members; NULL is the defaults,
// a struct of zeros is refused.
typedef struct qq_bnb_options {
    uint32_t init;            // set by qq_bnb_options_init
    qq_type type;             // nf4 (default) or bnb_fp4
    size_t block_size;        // a power of two, 32 to 4096; default 64
    size_t nested_block_size; // scales that share a scale; default 0: scales
                              // are f32. bitsandbytes nests by 256
} qq_bnb_options;

QQ_API qq_bnb_options qq_bnb_options_init(void);

// A quantized weight: the tensors of a checkpoint, NAME.weight and
// NAME.weight.<member>, and what its quant_state says. Only the number of
// elements of the tensors counts, not their shapes. Owns nothing.
typedef struct qq_bnb_weight {
    qq_tensor packed;           // uint8: (count + 1) / 2 bytes
    qq_tensor absmax;           // a scale a block: f32; nested: uint8 codes
    qq_tensor quant_map;        // f32, 16 levels by code; none: the type's
    qq_tensor nested_absmax;    // f32, one for nested_block_size scales
    qq_tensor nested_quant_map; // f32, 256 levels; none: the dynamic map
    size_t shape[QQ_MAX_RANK];  // of the values
    unsigned rank;
    qq_type type;  // nf4 or bnb_fp4
    qq_type dtype; // of the values: f32, f16, bf16
    size_t block_size;
    size_t nested_block_size; // 0: scales are f32
    float nested_offset;      // the mean that was subtracted from scales
} qq_bnb_weight;

// The bytes that qq_bnb_quantize writes: scales, [nested scales, nested map,]
// packed codes. SIZE_MAX for arguments that it refuses.
QQ_API size_t qq_bnb_size(const qq_tensor *x, const qq_bnb_options *o);

// The bytes of scratch: 4 a block if scales are nested, else 0.
QQ_API size_t qq_bnb_scratch_size(const qq_tensor *x, const qq_bnb_options *o);

// Quantizes x. Nested: the offset is the mean of all absmax (their sum in f64,
// in order, rounded to f32 once); absmax - offset is quantized by the 8-bit
// format below with the signed dynamic map. *view points into out, its
// quant_map at constant memory. QQ_ERR_TYPE: x, or the options' type;
// QQ_ERR_ARGUMENT: other options; QQ_ERR_SIZE, QQ_ERR_SCRATCH.
QQ_API qq_status qq_bnb_quantize(const qq_tensor *x, const qq_bnb_options *o,
                                 void *out, size_t out_bytes, void *scratch,
                                 size_t scratch_bytes, qq_bnb_weight *view);

// The f32 scales of all blocks: absmax itself or, nested,
//
//   nested_quant_map[absmax[i]] * nested_absmax[i / nested_block_size] +
//   nested_offset
//
// with a rounding after each operation. out: 4 bytes a block.
QQ_API qq_status qq_bnb_scales(const qq_bnb_weight *w, void *out,
                               size_t out_bytes, qq_tensor *view);

// The values: level * scale, rounded to f32, then to type (f32, f16, bf16;
// none: w->dtype). out: qq_type_bytes(type, count). Both calls answer
// QQ_ERR_ARGUMENT: a block size that bitsandbytes does not have; QQ_ERR_TYPE:
// a type of w or of a tensor; QQ_ERR_SHAPE: a tensor with another number of
// elements than the shape demands; QQ_ERR_SIZE.
QQ_API qq_status qq_bnb_dequantize(const qq_bnb_weight *w, qq_type type,
                                   void *out, size_t out_bytes,
                                   qq_tensor *view);

// Reads the JSON of the tensor NAME.weight.quant_state.bitsandbytes__nf4 (or
// fp4), which is text in bytes: an object with quant_type, blocksize, dtype,
// shape and, where scales are nested, nested_blocksize, nested_offset and
// nested_dtype. Fills *w, with no tensors: the caller adds those. Other
// members are skipped. QQ_ERR_FORMAT: no such JSON, a member missing, twice,
// or of the wrong kind; QQ_ERR_TYPE: a type bitsandbytes does not write;
// QQ_ERR_SHAPE: more than QQ_MAX_RANK axes, or too large; QQ_ERR_ARGUMENT:
// NULL with bytes, a block size out of range.
QQ_API qq_status qq_bnb_state_parse(const void *json, size_t json_bytes,
                                    qq_bnb_weight *w);

// --- 8 bits by blocks ------------------------------------------------------
//
//   code  = the place of the level nearest to x / absmax; exactly between
//           two the lower one
//   value = level[code] * absmax
//
// Every x / absmax is one division. (bitsandbytes on the CPU searches in
// buckets and can miss the nearest level beside a middle and near 0; this
// does not.)

// The dynamic map: 256 levels, ascending, 0 and 1 among them. Group i of 0 to
// 6 holds, times 10^(i - 6), the middles between neighbours of n + 1 points
// from 0.1 to 1: n = 2^i and both signs if is_signed is not 0, else n =
// 2^(i+1).
QQ_API void qq_bnb_dynamic_map(int is_signed, float levels[256]);

typedef struct qq_bnb_blocks {
    qq_tensor codes;     // uint8, the shape of x
    qq_tensor absmax;    // f32, one a block
    qq_tensor quant_map; // f32, 256 levels; none: the signed dynamic map
    size_t block_size;
} qq_bnb_blocks;

// The bytes that qq_bnb_quantize_blocks writes: scales, the map if levels is
// NULL, codes.
QQ_API size_t qq_bnb_blocks_size(const qq_tensor *x, size_t block_size,
                                 const float *levels);

// Quantizes x. block_size: any above 0. levels: 256 finite ones, ascending,
// which *view keeps; NULL: the signed dynamic map. QQ_ERR_TYPE,
// QQ_ERR_ARGUMENT, QQ_ERR_SIZE.
QQ_API qq_status qq_bnb_quantize_blocks(const qq_tensor *x, size_t block_size,
                                        const float *levels, void *out,
                                        size_t out_bytes, qq_bnb_blocks *view);

// The values as f32, f16 or bf16. out: qq_type_bytes(type, count).
QQ_API qq_status qq_bnb_dequantize_blocks(const qq_bnb_blocks *b, qq_type type,
                                          void *out, size_t out_bytes,
                                          qq_tensor *view);

// --- int8 by rows (LLM.int8) -----------------------------------------------
//
//   code  = x * (127 / absmax), to nearest even
//   value = (code * absmax) * 7.874015718698502e-3f
//
// absmax is that of a row; rows run along the last axis. With a threshold t
// above 0 numbers of magnitude t and more are outliers: they count as 0, and
// so does the code of every number in a column that has one. A row without a
// finite number but 0 has absmax 0 and codes 0; where 127 / absmax would be
// infinite the code is (x / absmax) * 127.

typedef struct qq_bnb_rows {
    qq_tensor codes;   // int8, the shape of x
    qq_tensor absmax;  // f32, one a row (SCB in a checkpoint)
    qq_tensor columns; // int32, ascending: those with outliers
} qq_bnb_rows;

// The bytes that qq_bnb_quantize_rows writes at most: scales, columns (4
// bytes each, all of them; none if threshold is 0), codes.
QQ_API size_t qq_bnb_rows_size(const qq_tensor *x, float threshold);

// Quantizes x, rank 1 or more. threshold: 0 (none) or more. QQ_ERR_TYPE,
// QQ_ERR_SHAPE, QQ_ERR_ARGUMENT, QQ_ERR_SIZE.
QQ_API qq_status qq_bnb_quantize_rows(const qq_tensor *x, float threshold,
                                      void *out, size_t out_bytes,
                                      qq_bnb_rows *view);

// The values as f32, f16 or bf16 (columns play no part).
QQ_API qq_status qq_bnb_dequantize_rows(const qq_bnb_rows *r, qq_type type,
                                        void *out, size_t out_bytes,
                                        qq_tensor *view);

// sums[i][j] = sum over c of x[i][c] * y[j][c]: x (m, k) and y (n, k), int8,
// sums int32 (m, n). out: 4 * m * n bytes. QQ_ERR_SHAPE also for k above
// 131071, where a sum could leave int32.
QQ_API qq_status qq_bnb_rows_product(const qq_tensor *x, const qq_tensor *y,
                                     void *out, size_t out_bytes,
                                     qq_tensor *view);

// z[i][j] = (sums[i][j] * (x_absmax[i] * y_absmax[j])) * 6.200124e-05f [+
// bias[j]], a rounding after each operation (the constant is the original's,
// not 1 / 127^2), then rounded to type (f32, f16, bf16; bitsandbytes: f16).
// x_absmax, y_absmax: f32. bias: f32, f16 or bf16, may be NULL.
QQ_API qq_status qq_bnb_rows_scale(const qq_tensor *sums,
                                   const qq_tensor *x_absmax,
                                   const qq_tensor *y_absmax,
                                   const qq_tensor *bias, qq_type type,
                                   void *out, size_t out_bytes,
                                   qq_tensor *view);

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

// ==== status.h ====

// qquant floor 2: the version of what is linked, and statuses in words.

QQ_API uint32_t qq_version(void)
{
    return QQ_VERSION_MAJOR * 10000u + QQ_VERSION_MINOR * 100u +
           QQ_VERSION_PATCH;
}

QQ_API const char *qq_status_string(qq_status status)
{
    switch ((int)status) {
    case QQ_OK:
        return "All is well.";
    case QQ_ERR_ARGUMENT:
        return "An argument is missing or makes no sense.";
    case QQ_ERR_TYPE:
        return "This call cannot take that type.";
    case QQ_ERR_SHAPE:
        return "The shapes do not fit each other.";
    case QQ_ERR_AXIS:
        return "An axis is out of range, given twice, or in two roles.";
    case QQ_ERR_SCHEME:
        return "The scheme contradicts itself, the type or the data.";
    case QQ_ERR_SIZE:
        return "An output buffer is too small, or a size is beyond size_t.";
    case QQ_ERR_SCRATCH:
        return "The scratch memory is too small.";
    case QQ_ERR_FORMAT:
        return "The bytes or the text are not what they should be.";
    case QQ_ERR_VERSION:
        return "The packed form is newer than this library.";
    case QQ_ERR_UNSUPPORTED:
        return "This build or this machine cannot do that.";
    case QQ_ERR_CANCELLED:
        return "The caller asked to stop.";
    default:
        return "This number is no status.";
    }
}

// ==== num/bits.h ====

// qquant floor 2: the bits of a number, bytes to numbers and back, sizes.
//
// Bytes are reached by memcpy alone, so that no pointer need be aligned.
// Loads and stores are in the machine's own byte order, as arrays of numbers
// are; those named le are little-endian, as files and packed matrices are.

// What a float is made of, and the NaN that we write where we make one.
enum { QQI_F32_INF = 0x7f800000, QQI_F32_NAN = 0x7fc00000 };

QQI_INLINE uint32_t qqi_f32_bits(float x)
{
    uint32_t u;
    QQ_MEMCPY(&u, &x, sizeof u);
    return u;
}

QQI_INLINE float qqi_f32_of(uint32_t u)
{
    float x;
    QQ_MEMCPY(&x, &u, sizeof x);
    return x;
}

QQI_INLINE uint64_t qqi_f64_bits(double x)
{
    uint64_t u;
    QQ_MEMCPY(&u, &x, sizeof u);
    return u;
}

QQI_INLINE double qqi_f64_of(uint64_t u)
{
    double x;
    QQ_MEMCPY(&x, &u, sizeof x);
    return x;
}

// The bits without the sign: they grow with the magnitude.
QQI_INLINE uint32_t qqi_f32_magnitude(float x)
{
    return qqi_f32_bits(x) & 0x7fffffffu;
}

QQI_INLINE uint64_t qqi_f64_magnitude(double x)
{
    return qqi_f64_bits(x) & ~((uint64_t)1 << 63);
}

// By bits, because a comparison with itself may be folded away.
QQI_INLINE int qqi_is_nan_f32(float x)
{
    return qqi_f32_magnitude(x) > (uint32_t)QQI_F32_INF;
}

QQI_INLINE int qqi_is_inf_f32(float x)
{
    return qqi_f32_magnitude(x) == (uint32_t)QQI_F32_INF;
}

QQI_INLINE int qqi_is_finite_f32(float x)
{
    return qqi_f32_magnitude(x) < (uint32_t)QQI_F32_INF;
}

QQI_INLINE int qqi_is_nan_f64(double x)
{
    return qqi_f64_magnitude(x) > (uint64_t)0x7ff << 52;
}

QQI_INLINE int qqi_is_inf_f64(double x)
{
    return qqi_f64_magnitude(x) == (uint64_t)0x7ff << 52;
}

QQI_INLINE int qqi_is_finite_f64(double x)
{
    return qqi_f64_magnitude(x) < (uint64_t)0x7ff << 52;
}

// The magnitude, of zeros and NaN too; bits, so it cannot be fused.
QQI_INLINE float qqi_abs_f32(float x)
{
    return qqi_f32_of(qqi_f32_magnitude(x));
}

QQI_INLINE double qqi_abs_f64(double x)
{
    return qqi_f64_of(qqi_f64_magnitude(x));
}

// x, but one NaN for all: sign and payload of a NaN that arithmetic made
// differ between machines.
QQI_INLINE float qqi_canon_f32(float x)
{
    return qqi_is_nan_f32(x) ? qqi_f32_of((uint32_t)QQI_F32_NAN) : x;
}

// Numbers in the machine's byte order at any address.
QQI_INLINE float qqi_load_f32(const void *p)
{
    float x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE double qqi_load_f64(const void *p)
{
    double x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE uint16_t qqi_load_u16(const void *p)
{
    uint16_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE int16_t qqi_load_i16(const void *p)
{
    int16_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE uint32_t qqi_load_u32(const void *p)
{
    uint32_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE int32_t qqi_load_i32(const void *p)
{
    int32_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE uint64_t qqi_load_u64(const void *p)
{
    uint64_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE void qqi_store_f32(void *p, float x) { QQ_MEMCPY(p, &x, sizeof x); }

QQI_INLINE void qqi_store_f64(void *p, double x) { QQ_MEMCPY(p, &x, sizeof x); }

QQI_INLINE void qqi_store_u16(void *p, uint16_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_i16(void *p, int16_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_u32(void *p, uint32_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_i32(void *p, int32_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_u64(void *p, uint64_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

// Little-endian, whatever the machine.
QQI_INLINE uint16_t qqi_load_le16(const void *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint16_t)(b[0] | b[1] << 8);
}

QQI_INLINE uint32_t qqi_load_le32(const void *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

QQI_INLINE uint64_t qqi_load_le64(const void *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return qqi_load_le32(b) | (uint64_t)qqi_load_le32(b + 4) << 32;
}

QQI_INLINE void qqi_store_le16(void *p, uint16_t x)
{
    uint8_t *b = (uint8_t *)p;
    b[0] = (uint8_t)(x & 255);
    b[1] = (uint8_t)(x >> 8);
}

QQI_INLINE void qqi_store_le32(void *p, uint32_t x)
{
    uint8_t *b = (uint8_t *)p;
    b[0] = (uint8_t)(x & 255);
    b[1] = (uint8_t)(x >> 8 & 255);
    b[2] = (uint8_t)(x >> 16 & 255);
    b[3] = (uint8_t)(x >> 24);
}

QQI_INLINE void qqi_store_le64(void *p, uint64_t x)
{
    uint8_t *b = (uint8_t *)p;
    qqi_store_le32(b, (uint32_t)(x & 0xffffffffu));
    qqi_store_le32(b + 4, (uint32_t)(x >> 32));
}

// *out = a * b; 0, and *out unchanged, where that is beyond size_t.
QQI_INLINE int qqi_mul_size(size_t a, size_t b, size_t *out)
{
    if (a != 0 && b > SIZE_MAX / a)
        return 0;
    *out = a * b;
    return 1;
}

// *out = a + b; 0, and *out unchanged, where that is beyond size_t.
QQI_INLINE int qqi_add_size(size_t a, size_t b, size_t *out)
{
    if (b > SIZE_MAX - a)
        return 0;
    *out = a + b;
    return 1;
}

// ==== num/decimal.h ====

// qquant floor 2: decimal text to double, rounded once.
//
// The digits are laid out about the decimal point, nine to a word, in a
// fixed-point number of 315 digits before the point and 1080 behind it. The
// number is then halved or doubled until its integer part has 62 bits, which
// are rounded to nearest even. Nothing is lost on the way that could decide:
// what is halved away and digits beyond the 1080th are remembered as "a little
// more", and no double, nor the middle between two, has more than 1075 digits
// behind the point.

enum {
    QQI_DECIMAL_WORDS = 155, // 1395 digits
    QQI_DECIMAL_POINT = 35,  // words before the point
    QQI_DECIMAL_BASE = 1000000000
};

struct qqi_decimal {
    uint32_t word[QQI_DECIMAL_WORDS]; // the highest first
    int more;                         // 1: there are digits below the last word
    int huge;                         // 1: there are digits above the first
};

// Adds digit * 10^power.
QQI_FN void qqi_decimal_put(struct qqi_decimal *d, unsigned digit,
                            int64_t power)
{
    const int64_t place = 9 * QQI_DECIMAL_POINT - 1 - power; // 0: the highest
    uint32_t value = digit;

    if (digit == 0)
        return;
    if (place < 0) {
        d->huge = 1;
    } else if (place >= 9 * QQI_DECIMAL_WORDS) {
        d->more = 1;
    } else {
        for (int64_t i = place % 9; i < 8; i++)
            value *= 10;
        d->word[place / 9] += value;
    }
}

// d *= 2^k, k at most 30. The integer part has room.
QQI_FN void qqi_decimal_double(struct qqi_decimal *d, int k)
{
    uint64_t carry = 0;

    for (int i = QQI_DECIMAL_WORDS; i-- > 0;) {
        carry += (uint64_t)d->word[i] << k;
        d->word[i] = (uint32_t)(carry % QQI_DECIMAL_BASE);
        carry /= QQI_DECIMAL_BASE;
    }
}

// d /= 2^k, k at most 30.
QQI_FN void qqi_decimal_halve(struct qqi_decimal *d, int k)
{
    uint64_t rest = 0;

    for (int i = 0; i < QQI_DECIMAL_WORDS; i++) {
        rest = rest * QQI_DECIMAL_BASE + d->word[i];
        d->word[i] = (uint32_t)(rest >> k);
        rest &= ((uint64_t)1 << k) - 1;
    }
    d->more |= rest != 0;
}

// The first word that is not 0; the number of words if there is none.
QQI_FN int qqi_decimal_first(const struct qqi_decimal *d)
{
    int i = 0;

    while (i < QQI_DECIMAL_WORDS && d->word[i] == 0)
        i++;
    return i;
}

// (m + a little more, if more) * 2^e, m from 2^61 to 2^62, to nearest even.
QQI_FN double qqi_decimal_round(uint64_t m, int more, int e)
{
    int drop = 9; // 62 bits to 53

    if (e + 61 > 1023)
        return qqi_f64_of((uint64_t)0x7ff << 52);
    if (e + drop < -1074) // subnormals have fewer
        drop = -1074 - e;
    if (drop > 62)
        return 0.0;
    const uint64_t rest = m & (((uint64_t)1 << drop) - 1);
    const uint64_t half = (uint64_t)1 << (drop - 1);
    uint64_t q = m >> drop;
    q += rest > half || (rest == half && (more || (q & 1)));
    // Normal: q has 53 bits, or is 2^53 after a carry, and its hidden bit
    // counts as one in the exponent. Subnormal: q is the bits.
    if (drop == 9)
        q += (uint64_t)(e + 9 + 1074) << 52;
    return qqi_f64_of(q);
}

// floor(d), which is below 2^62.
QQI_FN uint64_t qqi_decimal_integer(const struct qqi_decimal *d)
{
    const uint32_t *w = d->word + QQI_DECIMAL_POINT - 3;

    return ((uint64_t)w[0] * QQI_DECIMAL_BASE + w[1]) * QQI_DECIMAL_BASE + w[2];
}

// The double nearest to d, which is used up.
QQI_FN double qqi_decimal_value(struct qqi_decimal *d)
{
    int e = 0;

    if (d->huge)
        return qqi_f64_of((uint64_t)0x7ff << 52);
    // To at least 10^9 and below 10^18; 2^30 * 2^-1200 is as good as 0.
    for (; qqi_decimal_first(d) < QQI_DECIMAL_POINT - 2; e += 30)
        qqi_decimal_halve(d, 30);
    for (; qqi_decimal_first(d) >= QQI_DECIMAL_POINT - 1; e -= 29) {
        if (e < -1200)
            return 0.0;
        qqi_decimal_double(d, 29);
    }
    for (; qqi_decimal_integer(d) < (uint64_t)1 << 61; e--)
        qqi_decimal_double(d, 1);
    for (int i = QQI_DECIMAL_POINT; i < QQI_DECIMAL_WORDS; i++)
        d->more |= d->word[i] != 0;
    return qqi_decimal_round(qqi_decimal_integer(d), d->more, e);
}

// ==== num/e8m0.h ====

// qquant floor 2: e8m0, a power of two in a byte.
//
//   code c = 0..254: 2^(c - 127)        code 255: NaN
//
// The scale of the OCP microscaling formats. Code 0, 2^-127, is a subnormal
// float; it is made and read by its bits, so flushing cannot lose it.

// Which power of two: the next one that is not above x, not below x, or the
// nearest by value, where half way between two (1.5 * 2^n) the larger is
// taken: it is the even multiple of 2^n.
typedef enum qqi_e8m0_mode {
    QQI_E8M0_DOWN = 1,
    QQI_E8M0_UP = 2,
    QQI_E8M0_NEAREST = 3
} qqi_e8m0_mode;

// Zeros and all below 2^-127 give code 0, all above 2^127 and infinity give
// code 254; NaN and what is below 0 give 255.
QQI_FN uint8_t qqi_e8m0_from_f32(float x, qqi_e8m0_mode mode)
{
    const uint32_t u = qqi_f32_bits(x);
    uint32_t add = 0;

    // clang 19 makes of (u & 0x7fffffff) == 0 a comparison of floats, which a
    // mode that flushes would answer for subnormals, too.
    if (u == 0x80000000u)
        return 0;
    if (u > 0x7f800000u) // NaN, or a sign
        return 255;
    if (u < 0x800000u) {
        // Subnormal: code 0 stands at 2^-127, the half of 2^-126.
        if (mode == QQI_E8M0_UP)
            return u > 0x400000u;
        return mode == QQI_E8M0_NEAREST && u >= 0x600000u;
    }
    if (mode == QQI_E8M0_UP)
        add = 0x7fffffu;
    else if (mode == QQI_E8M0_NEAREST)
        add = 0x400000u;
    const uint32_t code = (u + add) >> 23;
    return (uint8_t)(code < 254 ? code : 254);
}

QQI_FN float qqi_f32_from_e8m0(uint8_t code)
{
    if (code == 255)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    return qqi_f32_of(code == 0 ? 0x400000u : (uint32_t)code << 23);
}

// ==== num/fixed.h ====

// qquant floor 2: fixed point of 64 bits, under exp, log and tanh.
//
// Qn names a number that is stored times 2^n. Integers are the same on every
// machine, so what is made of them is, too.

// The upper half of a * b, from halves of 32 bits; no sum here overflows.
QQI_INLINE uint64_t qqi_mulhi_u64(uint64_t a, uint64_t b)
{
    const uint64_t low = 0xffffffffu;
    const uint64_t x = (a >> 32) * (b & low) + ((a & low) * (b & low) >> 32);
    const uint64_t y = (a & low) * (b >> 32) + (x & low);

    return (a >> 32) * (b >> 32) + (x >> 32) + (y >> 32);
}

// Zeros in front of the first one; v is not 0.
QQI_INLINE int qqi_clz_u64(uint64_t v)
{
    int n = 0;

    for (int step = 32; step > 0; step >>= 1) {
        if (v >> (64 - step) == 0) {
            v <<= step;
            n += step;
        }
    }
    return n;
}

// The float nearest to m * 2^(e - 63), m with its first bit set; ties to even,
// subnormals and overflow included. sign is 0 or 0x80000000.
QQI_FN float qqi_round_fixed(uint32_t sign, uint64_t m, int e)
{
    const int field = e + 127;

    if (field >= 255)
        return qqi_f32_of(sign | 0x7f800000u);
    // 24 bits stay, fewer below 2^-126.
    const int shift = field >= 1 ? 40 : 41 - field;
    if (shift > 64)
        return qqi_f32_of(sign);
    const uint64_t kept = shift == 64 ? 0 : m >> shift;
    const uint64_t half = (uint64_t)1 << (shift - 1);
    const uint64_t rest = m & (half | (half - 1));
    const uint32_t up = rest > half || (rest == half && (kept & 1));
    // The hidden bit, or a carry, adds 1 to the exponent field.
    const uint32_t base = field >= 1 ? (uint32_t)(field - 1) << 23 : 0;
    return qqi_f32_of(sign | (base + (uint32_t)kept + up));
}

// A float's magnitude, not 0, infinite or NaN, as m * 2^e with m in
// [2^23, 2^24).
QQI_INLINE uint32_t qqi_split_f32(uint32_t magnitude, int *e)
{
    uint32_t m = magnitude & 0x7fffffu;
    int field = (int)(magnitude >> 23);

    if (field == 0) {
        field = 1;
        while (m < 0x800000u) {
            m <<= 1;
            field--;
        }
    }
    *e = field - 150;
    return m | 0x800000u;
}

// ==== num/exp.h ====

// qquant floor 2: exp and exp2.
//
// 2^(n + f) = 2^n * 2^(i/32) * 2^r, f = i/32 + r: a table and a polynomial in
// fixed point, the relative error below 2^-60. exp(x) = 2^(x * log2(e)), the
// product made with 96 bits of log2(e). Tests walk all floats and find none
// whose exact answer lies within that error of a midpoint between two floats:
// every result is the correctly rounded one, subnormals included.

// 2^(i/32) in Q63, nearest.
static const uint64_t qqi_exp2_table[32] QQI_UNUSED = {
    0x8000000000000000, 0x82cd8698ac2ba1d7, 0x85aac367cc487b15,
    0x88980e8092da8527, 0x8b95c1e3ea8bd6e7, 0x8ea4398b45cd53c0,
    0x91c3d373ab11c336, 0x94f4efa8fef70961, 0x9837f0518db8a96f,
    0x9b8d39b9d54e5539, 0x9ef5326091a111ae, 0xa27043030c496819,
    0xa5fed6a9b15138ea, 0xa9a15ab4ea7c0ef8, 0xad583eea42a14ac6,
    0xb123f581d2ac2590, 0xb504f333f9de6484, 0xb8fbaf4762fb9ee9,
    0xbd08a39f580c36bf, 0xc12c4cca66709456, 0xc5672a115506dadd,
    0xc9b9bd866e2f27a3, 0xce248c151f8480e4, 0xd2a81d91f12ae45a,
    0xd744fccad69d6af4, 0xdbfbb797daf23755, 0xe0ccdeec2a94e111,
    0xe5b906e77c8348a8, 0xeac0c6e7dd24392f, 0xefe4b99bdcdaf5cb,
    0xf5257d152486cc2c, 0xfa83b2db722a033a,
};

// ln(2)^k / k! in Q64, nearest, k = 1..8: the series of 2^r - 1. With r below
// 1/32 the next term is below 2^-68.
static const uint64_t qqi_exp2_series[8] QQI_UNUSED = {
    0xb17217f7d1cf79ac, 0x3d7f7bff058b1d51, 0x0e35846b82505fc6,
    0x0276556df749cee5, 0x005761ff9e299cc4, 0x000a184897c363c4,
    0x0000ffe5fe2c4586, 0x0000162c0223a5c8,
};

// 2^f in Q63 for f in Q64; exactly 2^63 for f = 0.
QQI_FN uint64_t qqi_exp2_fixed(uint64_t f)
{
    const uint64_t base = qqi_exp2_table[f >> 59];
    const uint64_t r = f & (((uint64_t)1 << 59) - 1);
    uint64_t p = qqi_exp2_series[7];

    for (int k = 6; k >= 0; k--)
        p = qqi_exp2_series[k] + qqi_mulhi_u64(r, p);
    return base + qqi_mulhi_u64(base, qqi_mulhi_u64(r, p));
}

// |x| = m * 2^e from 2^-26 to below 256, as whole + fraction in Q64, exact.
QQI_FN QQI_WRAPS uint64_t qqi_exp2_cut(uint32_t m, int e, int *whole)
{
    *whole = (int)((uint64_t)m >> -e);
    return (uint64_t)m << (64 + e);
}

// The same of |x| * log2(e). m * floor(log2(e) * 2^95) has up to 120 bits;
// 64 of its fraction are kept.
QQI_FN QQI_WRAPS uint64_t qqi_exp_cut(uint32_t m, int e, int *whole)
{
    const uint64_t p0 = m * (uint64_t)0xbe87fed0u;
    const uint64_t p1 = m * (uint64_t)0x5c17f0bbu + (p0 >> 32);
    const uint64_t hi = m * (uint64_t)0xb8aa3b29u + (p1 >> 32);
    const uint64_t lo = p1 << 32 | (p0 & 0xffffffffu);
    const int shift = 31 - e; // hi * 2^64 + lo becomes Q64; from 47 to 80

    if (shift >= 64) {
        *whole = 0;
        return hi >> (shift - 64);
    }
    *whole = (int)(hi >> shift);
    return hi << (64 - shift) | lo >> shift;
}

// 2^-(whole + f) as 2^n * 2^f', f' in Q64.
QQI_FN QQI_WRAPS uint64_t qqi_exp2_negate(uint64_t f, int *whole)
{
    *whole = -*whole - (f != 0);
    return 0 - f;
}

// The two differ in how x is cut. Below 2^-26 the result rounds to 1; from 256
// on it is 0 or infinite, and NaN stays.
QQI_INLINE float qqi_exp_any(float x, uint64_t (*cut)(uint32_t, int, int *))
{
    const uint32_t a = qqi_f32_magnitude(x);
    const int negative = qqi_f32_bits(x) != a;
    int e, n;

    if (a > 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (a >= 0x43800000u)
        return negative ? 0.0f : qqi_f32_of((uint32_t)QQI_F32_INF);
    if (a < 0x32800000u)
        return 1.0f;
    const uint32_t m = qqi_split_f32(a, &e);
    uint64_t f = cut(m, e, &n);
    if (negative)
        f = qqi_exp2_negate(f, &n);
    return qqi_round_fixed(0, qqi_exp2_fixed(f), n);
}

QQI_FN float qqi_exp2_f32(float x) { return qqi_exp_any(x, qqi_exp2_cut); }

QQI_FN float qqi_exp_f32(float x) { return qqi_exp_any(x, qqi_exp_cut); }

// ==== num/half.h ====

// qquant floor 2: half and bfloat16, and double to every shorter float.
//
//   f16   1 sign, 5 exponent, 10 mantissa bits   largest 65504
//   bf16  1 sign, 8 exponent,  7 mantissa bits   the upper half of an f32
//
// Each conversion is one rounding to nearest even, in integers: flushing of
// subnormals cannot change it. What is too large becomes an infinity. A NaN
// comes out quiet, with its sign and as many leading bits of its payload as
// there is room for.

// v / 2^s to nearest even; s from 1 to 63, v + 2^(s-1) below 2^64.
QQI_INLINE uint64_t qqi_rshift_even_u64(uint64_t v, int s)
{
    return (v + (((uint64_t)1 << (s - 1)) - 1) + (v >> s & 1)) >> s;
}

QQI_INLINE uint32_t qqi_rshift_even_u32(uint32_t v, int s)
{
    return (v + (((uint32_t)1 << (s - 1)) - 1) + (v >> s & 1)) >> s;
}

QQI_INLINE uint16_t qqi_f16_from_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);
    const uint32_t a = u & 0x7fffffffu;
    const uint32_t sign = u >> 16 & 0x8000u;

    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
    if (a >= 0x477ff000u) // 65520, half way to 2^16
        return (uint16_t)(sign | 0x7c00u);
    if (a >= 0x38800000u) // 2^-14; the exponents' biases are 112 apart
        return (uint16_t)(sign | qqi_rshift_even_u32(a - 0x38000000u, 13));

    // In steps of 2^-24. Below 2^-25 nothing is left; half a step is even.
    const int shift = 126 - (int)(a >> 23);
    if (shift > 24)
        return (uint16_t)sign;
    const uint32_t m = (a & 0x7fffffu) | 0x800000u;
    return (uint16_t)(sign | qqi_rshift_even_u32(m, shift));
}

QQI_INLINE float qqi_f32_from_f16(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t a = h & 0x7fffu;

    if (a > 0x7c00u)
        return qqi_f32_of(sign | 0x7fc00000u | a << 13);
    if (a == 0x7c00u)
        return qqi_f32_of(sign | 0x7f800000u);
    if (a >= 0x400u)
        return qqi_f32_of(sign | ((a << 13) + 0x38000000u));
    // At most 1023 steps of 2^-24: a normal float, and an exact product.
    const float m = (float)(int32_t)a * 5.9604644775390625e-8f;
    return qqi_f32_of(sign | qqi_f32_bits(m));
}

QQI_INLINE uint16_t qqi_bf16_from_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);

    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40u);
    // With the sign in front the sum stays below 2^32: u <= 0xff800000.
    return (uint16_t)qqi_rshift_even_u32(u, 16);
}

QQI_INLINE float qqi_f32_from_bf16(uint16_t h)
{
    const uint32_t u = (uint32_t)h << 16;

    return qqi_f32_of((u & 0x7fffffffu) > 0x7f800000u ? u | 0x400000u : u);
}

// The bits of x in a float of exp_bits and mant_bits, right aligned with the
// sign in front: 5 and 10 for f16, 8 and 7 for bf16, 8 and 23 for f32.
QQI_INLINE uint32_t qqi_narrow_f64(double x, int exp_bits, int mant_bits)
{
    const uint64_t u = qqi_f64_bits(x);
    const uint64_t a = u & ~((uint64_t)1 << 63);
    const uint32_t sign = (uint32_t)(u >> 63) << (exp_bits + mant_bits);
    const uint32_t inf = (((uint32_t)1 << exp_bits) - 1) << mant_bits;
    const int bias = (1 << (exp_bits - 1)) - 1;
    const int drop = 52 - mant_bits;

    if (a > (uint64_t)0x7ff << 52) {
        const uint64_t payload = a & (((uint64_t)1 << 52) - 1);
        const uint32_t quiet = (uint32_t)1 << (mant_bits - 1);
        return sign | inf | quiet | (uint32_t)(payload >> drop);
    }
    const int e = (int)(a >> 52) - 1023 + bias; // the exponent field to be
    if (e >= 1) {
        const uint64_t rebias = (uint64_t)(1023 - bias) << 52;
        const uint64_t r = qqi_rshift_even_u64(a - rebias, drop);
        return sign | (r < inf ? (uint32_t)r : inf);
    }
    // Subnormal. A shift of 54 or more leaves nothing.
    const int shift = drop + 1 - e;
    if (shift > 53)
        return sign;
    const uint64_t m = (a & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    return sign | (uint32_t)qqi_rshift_even_u64(m, shift);
}

QQI_FN uint16_t qqi_f16_from_f64(double x)
{
    return (uint16_t)qqi_narrow_f64(x, 5, 10);
}

QQI_FN uint16_t qqi_bf16_from_f64(double x)
{
    return (uint16_t)qqi_narrow_f64(x, 8, 7);
}

// What a cast gives in the default mode.
QQI_FN float qqi_f32_from_f64(double x)
{
    return qqi_f32_of(qqi_narrow_f64(x, 8, 23));
}

// ==== num/log.h ====

// qquant floor 2: log and log2.
//
// x = 2^k * m, m between sqrt(1/2) and sqrt(2); s = (m - 1) / (m + 1):
//
//   log(x) = k ln(2) + 2 s (1 + s^2/3 + s^4/5 + ...),  log2(x) = k + ...
//
// in fixed point, s with 64 bits of its own scale, so that results near 0 are
// as exact as others: the relative error is below 2^-59. Tests walk all floats
// and find none whose exact answer lies within that error of a midpoint
// between two floats: every result is the correctly rounded one.

// 1 / (2j + 1) in Q64, nearest, j = 1..11. s^2 is below 2^-5, so that the next
// term is below 2^-65.
static const uint64_t qqi_log_series[11] QQI_UNUSED = {
    0x5555555555555555, 0x3333333333333333, 0x2492492492492492,
    0x1c71c71c71c71c72, 0x1745d1745d1745d1, 0x13b13b13b13b13b1,
    0x1111111111111111, 0x0f0f0f0f0f0f0f0f, 0x0d79435e50d79436,
    0x0c30c30c30c30c31, 0x0b21642c8590b216,
};

// What is known of a logarithm: log(x) = k ln(2) + v * 2^(e - 63), v with its
// first bit set and negated where less is 1; v is 0, e -1 for powers of two.
typedef struct qqi_log_parts {
    int k;
    int less;
    uint64_t v;
    int e;
} qqi_log_parts;

// |n| / d * 2^(64 + shift), where shift makes n as long as d allows: a
// quotient below 1 with at least 62 bits.
QQI_FN uint64_t qqi_log_ratio(uint32_t n, uint32_t d, int *shift)
{
    *shift = 0;
    while (n < 0x800000u) {
        n <<= 1;
        *shift += 1;
    }
    const uint64_t wide = (uint64_t)n << 40;
    const uint64_t high = wide / d; // below 2^40, as n < 2^24 <= d
    const uint64_t rest = wide % d;
    return high << 24 | (rest << 24) / d;
}

// magnitude: the bits of a positive finite float.
QQI_FN qqi_log_parts qqi_log_split(uint32_t magnitude)
{
    qqi_log_parts r;
    int e, shift;
    const uint32_t m = qqi_split_f32(magnitude, &e);
    const uint32_t one = m > 0xb504f3u ? 0x1000000u : 0x800000u;

    r.k = e + (one > 0x800000u ? 24 : 23);
    r.less = m < one;
    r.v = 0;
    r.e = -1;
    if (m == one)
        return r;
    const uint32_t n = m < one ? one - m : m - one;
    const uint64_t q = qqi_log_ratio(n, m + one, &shift); // Q(64 + shift)
    const uint64_t s = q >> shift;
    const uint64_t z = qqi_mulhi_u64(s, s);
    uint64_t p = qqi_log_series[10];
    for (int j = 9; j >= 0; j--)
        p = qqi_log_series[j] + qqi_mulhi_u64(z, p);
    const uint64_t w = ((uint64_t)1 << 63) + (qqi_mulhi_u64(z, p) >> 1); // Q63
    r.v = qqi_mulhi_u64(q, w); // the half of log(m) in Q(63 + shift)
    const int zeros = qqi_clz_u64(r.v);
    r.v <<= zeros;
    r.e = 1 - shift - zeros;
    return r;
}

// k * unit + v * 2^(e - 63) as a float; unit in Q64, or 0 for 1. k is not 0
// and the sum has its sign.
QQI_FN QQI_WRAPS float qqi_log_sum(int k, uint64_t unit, int less, uint64_t v,
                                   int e)
{
    const uint64_t n = (uint64_t)(k < 0 ? -k : k);
    uint64_t hi = unit ? qqi_mulhi_u64(n, unit) : n;
    uint64_t lo = n * unit;
    const int shift = -1 - e; // v becomes Q64
    const uint64_t part = shift > 63 ? 0 : v >> shift;

    if (less == (k < 0)) {
        lo += part;
        hi += lo < part;
    } else {
        hi -= lo < part;
        lo -= part;
    }
    const int zeros = hi ? qqi_clz_u64(hi) : 64 + qqi_clz_u64(lo);
    const uint64_t m = zeros == 0    ? hi
                       : zeros >= 64 ? lo << (zeros - 64)
                                     : hi << zeros | lo >> (64 - zeros);
    return qqi_round_fixed(k < 0 ? 0x80000000u : 0, m, 63 - zeros);
}

// The answers that need no arithmetic: 1 where *y is one of them.
QQI_INLINE int qqi_log_special(float x, float *y)
{
    const uint32_t u = qqi_f32_bits(x);

    // Not (u & 0x7fffffff) == 0: clang 19 makes that a comparison of floats.
    if (u == 0 || u == 0x80000000u)
        *y = qqi_f32_of(0xff800000u);
    else if (u > 0x7f800000u)
        *y = qqi_f32_of((uint32_t)QQI_F32_NAN);
    else if (u == 0x7f800000u)
        *y = x;
    else
        return 0;
    return 1;
}

QQI_FN float qqi_log_f32(float x)
{
    float y;

    if (qqi_log_special(x, &y))
        return y;
    const qqi_log_parts r = qqi_log_split(qqi_f32_bits(x));
    if (r.k != 0)
        return qqi_log_sum(r.k, 0xb17217f7d1cf79ac, r.less, r.v, r.e);
    if (r.v == 0)
        return 0.0f;
    return qqi_round_fixed(r.less ? 0x80000000u : 0, r.v, r.e);
}

QQI_FN float qqi_log2_f32(float x)
{
    float y;

    if (qqi_log_special(x, &y))
        return y;
    qqi_log_parts r = qqi_log_split(qqi_f32_bits(x));
    if (r.v == 0)
        return (float)r.k;
    // log2(e) in Q63; v times it loses at most one bit in front.
    r.v = qqi_mulhi_u64(r.v, 0xb8aa3b295c17f0bc);
    r.e += 1;
    if (r.v >> 63 == 0) {
        r.v <<= 1;
        r.e -= 1;
    }
    if (r.k != 0)
        return qqi_log_sum(r.k, 0, r.less, r.v, r.e);
    return qqi_round_fixed(r.less ? 0x80000000u : 0, r.v, r.e);
}

// ==== num/minifloat.h ====

// qquant floor 2: floats of 4, 6 and 8 bits.
//
//   code = sign, exponent field e, mantissa field m, the sign in front
//   value = (-1)^sign * (1 + m / 2^M) * 2^(e - bias)    e > 0
//         = (-1)^sign * m / 2^M * 2^(1 - bias)          e = 0, subnormal
//
// A magnitude grows with its low bits, so that rounding may carry into the
// exponent, and all above the largest finite code is infinity and NaN. The
// types differ in what they keep for those two (OCP FP8 and MX, IEEE 754,
// and the fnuz types of Graphcore and AMD, whose code 80 is their only NaN
// and stands where -0 would):
//
//   type         exp mant bias  largest    inf  NaN      written for NaN
//   e4m3fn         4    3    7  448        -    7f       7f ff
//   e5m2           5    2   15  57344      7c   7d..7f   7e fe
//   e4m3           4    3    7  240        78   79..7f   7c fc
//   e4m3fnuz       4    3    8  240        -    80       80
//   e5m2fnuz       5    2   16  57344      -    80       80
//   e4m3b11fnuz    4    3   11  30         -    80       80
//   e3m4           3    4    3  15.5       70   71..7f   78 f8
//   e2m3           2    3    1  7.5        -    -        20, which is -0
//   e3m2           3    2    3  28         -    -        20, which is -0
//   e2m1           2    1    1  6          -    -        8, which is -0
//
// All of it is integer arithmetic, or exact products of normal floats.

typedef struct qqi_minifloat {
    uint8_t exp_bits;
    uint8_t mant_bits;
    uint8_t bias;
    uint8_t max;        // largest finite magnitude
    uint8_t inf;        // magnitude of infinity, 0 where there is none
    uint8_t nan;        // the code written for NaN
    uint8_t signed_nan; // 1: with the sign of the NaN in front
    uint8_t fnuz;       // 1: no -0, and its code is the NaN
} qqi_minifloat;

// The list, for tables and tests: X(name, exp, mant, bias, max, inf, nan,
// signed_nan, fnuz).
#define QQI_MINIFLOATS(X)                                                      \
    X(e4m3fn, 4, 3, 7, 0x7e, 0, 0x7f, 1, 0)                                    \
    X(e5m2, 5, 2, 15, 0x7b, 0x7c, 0x7e, 1, 0)                                  \
    X(e4m3, 4, 3, 7, 0x77, 0x78, 0x7c, 1, 0)                                   \
    X(e4m3fnuz, 4, 3, 8, 0x7f, 0, 0x80, 0, 1)                                  \
    X(e5m2fnuz, 5, 2, 16, 0x7f, 0, 0x80, 0, 1)                                 \
    X(e4m3b11fnuz, 4, 3, 11, 0x7f, 0, 0x80, 0, 1)                              \
    X(e3m4, 3, 4, 3, 0x6f, 0x70, 0x78, 1, 0)                                   \
    X(e2m3, 2, 3, 1, 0x1f, 0, 0x20, 0, 0)                                      \
    X(e3m2, 3, 2, 3, 0x1f, 0, 0x20, 0, 0)                                      \
    X(e2m1, 2, 1, 1, 0x07, 0, 0x08, 0, 0)

// qqi_e4m3fn, qqi_e5m2, ...
#define QQI_MINIFLOAT_ROW(name, exp, mant, bias, max, inf, nan, sn, fnuz)      \
    static const qqi_minifloat qqi_##name QQI_UNUSED = {                       \
        exp, mant, bias, max, inf, nan, sn, fnuz};
QQI_MINIFLOATS(QQI_MINIFLOAT_ROW)

// What is beyond the largest finite value: that value if saturate, else
// infinity where the type has one, else NaN, else the largest value again.
QQI_INLINE uint32_t qqi_minifloat_overflow(const qqi_minifloat *t,
                                           uint32_t sign, int saturate)
{
    if (saturate || (!t->inf && !t->signed_nan && !t->fnuz))
        return sign | t->max;
    if (t->inf)
        return sign | t->inf;
    return t->signed_nan ? sign | t->nan : t->nan;
}

// The code of x, to nearest even in one rounding, in the low bits. An
// infinity counts as overflow, saturated too.
QQI_INLINE uint8_t qqi_minifloat_from_f32(const qqi_minifloat *t, float x,
                                          int saturate)
{
    const int drop = 23 - t->mant_bits;
    const uint32_t u = qqi_f32_bits(x);
    const uint32_t a = u & 0x7fffffffu;
    const uint32_t sign = (u >> 31) << (t->exp_bits + t->mant_bits);

    if (a > 0x7f800000u)
        return (uint8_t)(t->signed_nan ? sign | t->nan : t->nan);

    const int e = (int)(a >> 23) - 127 + t->bias; // the exponent field to be
    uint32_t r = 0;
    if (e >= 1) {
        const uint32_t rebias = (uint32_t)(127 - t->bias) << 23;
        r = qqi_rshift_even_u32(a - rebias, drop);
    } else if (drop + 1 - e <= 24) { // else below half of the smallest
        const uint32_t m = (a & 0x7fffffu) | 0x800000u;
        r = qqi_rshift_even_u32(m, drop + 1 - e);
    }
    if (r > t->max)
        return (uint8_t)qqi_minifloat_overflow(t, sign, saturate);
    return (uint8_t)(r == 0 && t->fnuz ? 0 : sign | r);
}

// The value of a code; bits above the type's width are ignored. A NaN is the
// quiet one with the sign of the code.
QQI_INLINE float qqi_f32_from_minifloat(const qqi_minifloat *t, uint8_t code)
{
    const int width = t->exp_bits + t->mant_bits;
    const uint32_t a = code & (((uint32_t)1 << width) - 1);
    const uint32_t sign = (uint32_t)(code >> width & 1) << 31;

    if (t->fnuz && sign != 0 && a == 0)
        return qqi_f32_of(0xffc00000u);
    if (a > t->max)
        return qqi_f32_of(sign | (a == t->inf ? 0x7f800000u : 0x7fc00000u));
    if (a >> t->mant_bits != 0) {
        const uint32_t rebias = (uint32_t)(127 - t->bias) << 23;
        return qqi_f32_of(sign | ((a << (23 - t->mant_bits)) + rebias));
    }
    // A few steps of 2^(1 - bias - mant_bits), at least 2^-17: exact.
    const int step = 127 + 1 - t->bias - t->mant_bits;
    const float m = (float)(int32_t)a * qqi_f32_of((uint32_t)step << 23);
    return qqi_f32_of(sign | qqi_f32_bits(m));
}

// ==== num/threefry.h ====

// qquant floor 2: Threefry-2x32 and JAX's keys.
//
//   ks = k0, k1, k0 ^ k1 ^ 0x1BD11BDA;   x0 += ks0, x1 += ks1
//   five times, i = 1 ... 5, four rounds each:
//     x0 += x1;  x1 = rotl(x1, r) ^ x0   r = 13 15 26 6, i even: 17 29 16 24
//     then x0 += ks[i % 3];  x1 += ks[(i + 1) % 3] + i
//
// all modulo 2^32 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as
// easy as 1, 2, 3", 2011). Over an array the counters are cut in two halves,
// which become x0 and x1.

QQI_INLINE QQI_WRAPS uint32_t qqi_wrap_add_u32(uint32_t a, uint32_t b)
{
    return a + b;
}

QQI_INLINE QQI_WRAPS uint32_t qqi_wrap_mul_u32(uint32_t a, uint32_t b)
{
    return a * b;
}

// s from 1 to 31.
QQI_INLINE QQI_WRAPS uint32_t qqi_rotl_u32(uint32_t x, int s)
{
    return x << s | x >> (32 - s);
}

QQI_INLINE void qqi_threefry_rounds(uint32_t *x0, uint32_t *x1, int r0, int r1,
                                    int r2, int r3)
{
    *x0 = qqi_wrap_add_u32(*x0, *x1);
    *x1 = qqi_rotl_u32(*x1, r0) ^ *x0;
    *x0 = qqi_wrap_add_u32(*x0, *x1);
    *x1 = qqi_rotl_u32(*x1, r1) ^ *x0;
    *x0 = qqi_wrap_add_u32(*x0, *x1);
    *x1 = qqi_rotl_u32(*x1, r2) ^ *x0;
    *x0 = qqi_wrap_add_u32(*x0, *x1);
    *x1 = qqi_rotl_u32(*x1, r3) ^ *x0;
}

// The block function, in place.
QQI_INLINE void qqi_threefry(qq_key key, uint32_t *c0, uint32_t *c1)
{
    const uint32_t k0 = key.word[0];
    const uint32_t k1 = key.word[1];
    const uint32_t k2 = k0 ^ k1 ^ 0x1bd11bdau;
    uint32_t x0 = qqi_wrap_add_u32(*c0, k0);
    uint32_t x1 = qqi_wrap_add_u32(*c1, k1);

    qqi_threefry_rounds(&x0, &x1, 13, 15, 26, 6);
    x0 = qqi_wrap_add_u32(x0, k1);
    x1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k2, 1));
    qqi_threefry_rounds(&x0, &x1, 17, 29, 16, 24);
    x0 = qqi_wrap_add_u32(x0, k2);
    x1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k0, 2));
    qqi_threefry_rounds(&x0, &x1, 13, 15, 26, 6);
    x0 = qqi_wrap_add_u32(x0, k0);
    x1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k1, 3));
    qqi_threefry_rounds(&x0, &x1, 17, 29, 16, 24);
    x0 = qqi_wrap_add_u32(x0, k1);
    x1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k2, 4));
    qqi_threefry_rounds(&x0, &x1, 13, 15, 26, 6);
    *c0 = qqi_wrap_add_u32(x0, k2);
    *c1 = qqi_wrap_add_u32(x1, qqi_wrap_add_u32(k0, 5));
}

// Word i of threefry_2x32 over the counters 0 ... n - 1. Pair j holds the
// counters j and j + half; an odd n is completed with a counter of 0.
QQI_INLINE uint32_t qqi_threefry_word(qq_key key, uint32_t n, uint32_t i)
{
    const uint32_t half = n / 2 + (n & 1);
    uint32_t x0 = i < half ? i : i - half;
    uint32_t x1 = half > n - 1 - x0 ? 0 : x0 + half;

    qqi_threefry(key, &x0, &x1);
    return i < half ? x0 : x1;
}

QQ_API void qq_threefry(qq_key key, const uint32_t counter[2], uint32_t out[2])
{
    uint32_t x0 = counter[0];
    uint32_t x1 = counter[1];

    qqi_threefry(key, &x0, &x1);
    out[0] = x0;
    out[1] = x1;
}

QQ_API void qq_threefry_array(qq_key key, size_t n, const uint32_t *counter,
                              uint32_t *out)
{
    const size_t half = n / 2 + (n & 1);

    for (size_t j = 0; j < half; j++) {
        uint32_t x0 = counter[j];
        uint32_t x1 = half < n - j ? counter[j + half] : 0;

        qqi_threefry(key, &x0, &x1);
        out[j] = x0;
        if (half < n - j)
            out[j + half] = x1;
    }
}

QQ_API qq_key qq_key_make(int64_t seed, int wide)
{
    const uint64_t s = (uint64_t)seed;
    qq_key key;

    key.word[0] = wide ? (uint32_t)(s >> 32) : 0;
    key.word[1] = (uint32_t)(s & 0xffffffffu);
    return key;
}

QQ_API qq_key qq_key_fold_in(qq_key key, uint32_t data)
{
    qq_key out;

    out.word[0] = 0;
    out.word[1] = data;
    qqi_threefry(key, &out.word[0], &out.word[1]);
    return out;
}

QQ_API qq_key qq_key_split(qq_key key, qq_random_layout layout, size_t n,
                           size_t i)
{
    qq_key out;

    if (layout == QQ_RANDOM_LEGACY) {
        const uint32_t words = (uint32_t)(2 * (uint64_t)n & 0xffffffffu);
        const uint32_t at = (uint32_t)(2 * (uint64_t)i & 0xffffffffu);
        out.word[0] = qqi_threefry_word(key, words, at);
        out.word[1] = qqi_threefry_word(key, words, at + 1);
        return out;
    }
    out.word[0] = (uint32_t)((uint64_t)i >> 32);
    out.word[1] = (uint32_t)((uint64_t)i & 0xffffffffu);
    qqi_threefry(key, &out.word[0], &out.word[1]);
    return out;
}

// ==== num/random.h ====

// qquant floor 2: random bits, and numbers in [0, 1), as JAX draws them.
//
// Element i of total has its own bits of a width b (8, 16, 32):
//
//   partitionable  the low b bits of w0 ^ w1, (w0, w1) = block(i >> 32, i)
//   legacy         b bits, from the low end up, of a word of threefry_2x32
//                  over the counters 0 ... ceil(total * b / 32) - 1
//
// and u in [0, 1) is its upper 23 bits / 2^23 (f16: 10, bf16: 7 of 8), which
// is what JAX makes through the bits of a float in [1, 2).

// A source of numbers whose range has been checked.
typedef struct qqi_random {
    qq_key key;
    uint32_t words; // legacy: of the whole array
    unsigned width;
    int legacy;
} qqi_random;

QQI_INLINE int qqi_layout_known(qq_random_layout layout)
{
    return layout == QQ_RANDOM_PARTITIONABLE || layout == QQ_RANDOM_LEGACY;
}

QQI_FN qq_status qqi_random_make(qqi_random *r, qq_key key,
                                 qq_random_layout layout, unsigned width,
                                 size_t total, size_t first, size_t count)
{
    const size_t per = 32 / width;

    if (!qqi_layout_known(layout))
        return QQ_ERR_ARGUMENT;
    if (first > total || count > total - first)
        return QQ_ERR_ARGUMENT;
    const size_t words = total / per + (total % per > 0);
    r->legacy = layout == QQ_RANDOM_LEGACY;
    if (r->legacy && words >> 16 >> 16 != 0)
        return QQ_ERR_UNSUPPORTED;
    r->key = key;
    r->words = (uint32_t)(words & 0xffffffffu);
    r->width = width;
    return QQ_OK;
}

// The bits of element i, right aligned.
QQI_INLINE uint32_t qqi_random_at(const qqi_random *r, size_t i)
{
    const uint32_t mask = r->width < 32 ? (1u << r->width) - 1 : ~(uint32_t)0;

    if (r->legacy) {
        const unsigned per = 32 / r->width;
        const uint32_t at = (uint32_t)(i / per);
        const uint32_t word = qqi_threefry_word(r->key, r->words, at);
        return word >> r->width * (unsigned)(i % per) & mask;
    }
    uint32_t x0 = (uint32_t)((uint64_t)i >> 32);
    uint32_t x1 = (uint32_t)((uint64_t)i & 0xffffffffu);
    qqi_threefry(r->key, &x0, &x1);
    return (x0 ^ x1) & mask;
}

// u of 32 bits; the product is exact.
QQI_INLINE float qqi_random_unit_at(const qqi_random *r, size_t i)
{
    const int32_t m = (int32_t)(qqi_random_at(r, i) >> 9);

    return (float)m * 1.1920928955078125e-7f;
}

QQ_API qq_status qq_random_bits(qq_key key, qq_random_layout layout,
                                unsigned width, size_t total, size_t first,
                                size_t count, void *out, size_t out_bytes)
{
    uint8_t *p = (uint8_t *)out;
    qqi_random r;

    if (!qqi_layout_known(layout))
        return QQ_ERR_ARGUMENT;
    if (width != 8 && width != 16 && width != 32)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_random_make(&r, key, layout, width, total, first, count);
    if (status != QQ_OK || count == 0)
        return status;
    if (!out)
        return QQ_ERR_ARGUMENT;
    if (out_bytes / (width / 8) < count)
        return QQ_ERR_SIZE;

    for (size_t i = 0; i < count; i++) {
        const uint32_t b = qqi_random_at(&r, first + i);
        if (width == 8)
            p[i] = (uint8_t)b;
        else if (width == 16)
            qqi_store_u16(p + 2 * i, (uint16_t)b);
        else
            qqi_store_u32(p + 4 * i, b);
    }
    return QQ_OK;
}

QQ_API qq_status qq_random_unit(qq_key key, qq_random_layout layout,
                                qq_type type, size_t total, size_t first,
                                size_t count, void *out, size_t out_bytes)
{
    const unsigned width = type == QQ_TYPE_F32   ? 32
                           : type == QQ_TYPE_F16 ? 16
                                                 : 8;
    uint8_t *p = (uint8_t *)out;
    qqi_random r;

    if (!qqi_layout_known(layout))
        return QQ_ERR_ARGUMENT;
    if (type != QQ_TYPE_F32 && type != QQ_TYPE_F16 && type != QQ_TYPE_BF16)
        return QQ_ERR_TYPE;
    const qq_status status =
        qqi_random_make(&r, key, layout, width, total, first, count);
    if (status != QQ_OK || count == 0)
        return status;
    if (!out)
        return QQ_ERR_ARGUMENT;
    if (out_bytes / (type == QQ_TYPE_F32 ? 4 : 2) < count)
        return QQ_ERR_SIZE;

    for (size_t i = 0; i < count; i++) {
        const int32_t b = (int32_t)(qqi_random_at(&r, first + i) >> 1);
        if (type == QQ_TYPE_F32)
            qqi_store_f32(p + 4 * i, (float)(b >> 8) / 8388608.0f);
        else if (type == QQ_TYPE_F16)
            qqi_store_u16(p + 2 * i,
                          qqi_f16_from_f32((float)(b >> 5) / 1024.0f));
        else
            qqi_store_u16(p + 2 * i, qqi_bf16_from_f32((float)b / 128.0f));
    }
    return QQ_OK;
}

// ==== num/sqrt.h ====

// qquant floor 2: square root, correctly rounded, in integers.
//
// x = m * 2^E with E even; the root of m, with one bit more than the result
// holds, is cut off and then rounded by that bit. This is exact: a root never
// lies half way between two floats, for the square of such a number has more
// bits than x.
//
// The first half of the root is found bit by bit, the second by a division
// (Zimmermann's Karatsuba square root): with n = (s^2 + r) * 4^b + low and q
// and u quotient and rest of (r * 2^b + low / 2^b) by 2s, the root of n is
// s * 2^b + q, or 1 less where the square of that is above n. s must have its
// first bit set.

// floor(sqrt(n)) for n below 4^bits, bits <= 15, and what n is above its
// square: at most twice the root.
QQI_INLINE uint32_t qqi_root_bits(uint32_t n, int bits, uint64_t *left)
{
    uint32_t root = 0;
    uint32_t rem = 0;

    for (int i = 2 * bits - 2; i >= 0; i -= 2) {
        const uint32_t next = root << 2 | 1;
        rem = rem << 2 | (n >> i & 3);
        root <<= 1;
        root |= rem >= next;
        rem -= rem >= next ? next : 0;
    }
    *left = rem;
    return root;
}

// From s and *r to the root and rest of (s^2 + *r) * 4^b + low.
QQI_INLINE uint64_t qqi_root_step(uint64_t s, uint64_t *r, int b, uint64_t low)
{
    const uint64_t wide = (*r << b) + (low >> b);
    const uint64_t q = wide / (2 * s);
    const uint64_t root = (s << b) + q;
    const uint64_t rest =
        (wide % (2 * s) << b) + (low & (((uint64_t)1 << b) - 1));

    if (rest >= q * q) {
        *r = rest - q * q;
        return root;
    }
    *r = rest + 2 * root - 1 - q * q;
    return root - 1;
}

// sqrt(-0) = -0, sqrt(inf) = inf; NaN and what is below 0 give NaN.
QQI_FN float qqi_sqrt_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);
    uint64_t r;
    int e;

    // Not (u & 0x7fffffff) == 0: clang 19 makes that a comparison of floats.
    if (u == 0 || u == 0x80000000u || u == 0x7f800000u)
        return x;
    if (u > 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);

    // x = m * 2^e; e + 23 is made even, so that m is in [1, 4) * 2^23.
    uint32_t m = qqi_split_f32(u, &e);
    if (!(e & 1)) {
        m <<= 1;
        e--;
    }
    // 13 bits of the root from m * 2, 12 from the zeros behind it.
    const uint32_t s = qqi_root_bits(m << 1, 13, &r);
    const uint32_t root = (uint32_t)qqi_root_step(s, &r, 12, 0);
    // The hidden bit adds 1 to the exponent field.
    const uint32_t field = (uint32_t)((e + 23) / 2 + 126);
    return qqi_f32_of((field << 23) + ((root + 1) >> 1));
}

// The same in double.
QQI_FN double qqi_sqrt_f64(double x)
{
    uint64_t m = qqi_f64_bits(x);
    const uint64_t hidden = (uint64_t)1 << 52;
    uint64_t r;

    if (qqi_f64_magnitude(x) == 0 || m == (uint64_t)0x7ff << 52)
        return x;
    if (m > (uint64_t)0x7ff << 52)
        return qqi_f64_of((uint64_t)0x7ff8 << 48);

    int e = (int)(m >> 52);
    m &= hidden - 1;
    if (e == 0) {
        e = 1;
        while (m < hidden) {
            m <<= 1;
            e--;
        }
    }
    m |= hidden;
    if (!(e & 1)) {
        m <<= 1;
        e--;
    }
    // 14 bits of the root from the upper 28 of m's 54, 13 from the lower 26,
    // 27 from the zeros behind.
    uint64_t s = qqi_root_bits((uint32_t)(m >> 26), 14, &r);
    s = qqi_root_step(s, &r, 13, m & 0x3ffffffu);
    const uint64_t root = qqi_root_step(s, &r, 27, 0);
    const uint64_t field = (uint64_t)((e - 1023) / 2 + 1022);
    return qqi_f64_of((field << 52) + ((root + 1) >> 1));
}

// ==== num/step.h ====

// qquant floor 2: the floating-point steps that decide bits.
//
// A compiler may fuse a product into a later sum: gcc does so in GNU mode,
// clang by -ffp-contract=fast, both again after inlining. It then skips the
// rounding of the product, and the answer depends on flags. So a rounded
// product that is added to goes through qqi_mul_f32, which keeps it, and a
// fused one is asked for by qqi_fma_f32. Sums, differences, quotients and
// comparisons of values that are no bare products need no protection.
//
// Bits are promised for the default mode: nearest even, subnormals kept.

// x, rounded to its type and no more known as the product that made it.
QQI_INLINE float qqi_keep_f32(float x)
{
    QQI_KEEP_F32(x);
    return x;
}

QQI_INLINE double qqi_keep_f64(double x)
{
    QQI_KEEP_F64(x);
    return x;
}

// One rounding each, whatever is done with the result.
QQI_INLINE float qqi_mul_f32(float a, float b) { return qqi_keep_f32(a * b); }

QQI_INLINE double qqi_mul_f64(double a, double b)
{
    return qqi_keep_f64(a * b);
}

// a * b + c with one rounding, where the machine has no such instruction.
//
// The product of two floats has at most 48 bits and lies between 2^-298 and
// 2^256, so it is exact in double, and fusing it into a sum changes nothing.
// s is the sum rounded to double, e what that rounding lost (two-sum, exact
// as nothing here overflows or drops below 2^-298). Where e is not 0 the exact
// sum lies between two doubles, and the odd one of them is taken: rounding to
// odd. Floats, and midpoints between floats, are even doubles, for a double
// has 53 bits and a float 24, fewer below 2^-126; so the odd double lies on
// the same side of all of them as the exact sum, and the conversion to float
// rounds as if from that.
QQI_INLINE float qqi_fma_soft_f32(float a, float b, float c)
{
    const double p = (double)a * (double)b;
    const double d = (double)c;
    const double s = p + d;
    const double t = s - p;
    const double e = (p - (s - t)) + (d - t);

    uint64_t u = qqi_f64_bits(s);
    if (!(e > 0.0 || e < 0.0) || (u & 1))
        return (float)s; // exact, odd already, infinite or NaN
    // s is even, so its neighbour on the side of e is odd.
    u = (u >> 63 != 0) == (e < 0.0) ? u + 1 : u - 1;
    return (float)qqi_f64_of(u);
}

QQI_INLINE float qqi_fma_f32(float a, float b, float c)
{
#if QQI_HAS_FMA
    return QQI_FMA_F32(a, b, c);
#else
    return qqi_fma_soft_f32(a, b, c);
#endif
}

// ==== num/noise.h ====

// qquant floor 2: numbers that JAX makes of random bits; rounding noise.
//
// Every number is a function of the key, the count of all and its place, so
// that any range of a long sequence can be drawn by itself.

// Checks what all calls have in common, out being NULL or not.
QQI_FN qq_status qqi_random_begin(qqi_random *r, qq_key key,
                                  qq_random_layout layout, unsigned width,
                                  size_t total, size_t first, size_t count,
                                  const void *out)
{
    const qq_status status =
        qqi_random_make(r, key, layout, width, total, first, count);

    if (status == QQ_OK && count > 0 && !out)
        return QQ_ERR_ARGUMENT;
    return status;
}

QQ_API qq_status qq_random_uniform(qq_key key, qq_random_layout layout,
                                   float low, float high, int fused,
                                   size_t total, size_t first, size_t count,
                                   float *out)
{
    const float d = high - low;
    qqi_random r;

    if (!qqi_layout_known(layout) || !qqi_is_finite_f32(d))
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_random_begin(&r, key, layout, 32, total, first, count, out);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const float u = qqi_random_unit_at(&r, first + i);
        const float x =
            fused ? qqi_fma_f32(u, d, low) : qqi_mul_f32(u, d) + low;
        out[i] = x < low ? low : x;
    }
    return QQ_OK;
}

QQ_API qq_status qq_random_bernoulli(qq_key key, qq_random_layout layout,
                                     float p, size_t total, size_t first,
                                     size_t count, uint8_t *out)
{
    qqi_random r;
    const qq_status status =
        qqi_random_begin(&r, key, layout, 32, total, first, count, out);

    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        out[i] = qqi_random_unit_at(&r, first + i) < p;
    return QQ_OK;
}

// low + ((a mod s) * m + b mod s) mod s with s = high - low and m = 2^32 mod s,
// made from 2^16, all modulo 2^32: a and b are as good as one number of 64
// bits.
QQ_API qq_status qq_random_int(qq_key key, qq_random_layout layout, int32_t low,
                               int32_t high, size_t total, size_t first,
                               size_t count, int32_t *out)
{
    qqi_random ra;
    qqi_random rb;

    if (!qqi_layout_known(layout) || high <= low)
        return QQ_ERR_ARGUMENT;
    const qq_key ka = qq_key_split(key, layout, 2, 0);
    const qq_key kb = qq_key_split(key, layout, 2, 1);
    const qq_status status =
        qqi_random_begin(&ra, ka, layout, 32, total, first, count, out);
    if (status != QQ_OK)
        return status;
    rb = ra;
    rb.key = kb;

    const uint32_t s = (uint32_t)((int64_t)high - low);
    const uint32_t r16 = 65536u % s;
    const uint32_t m = qqi_wrap_mul_u32(r16, r16) % s;
    for (size_t i = 0; i < count; i++) {
        const uint32_t a = qqi_random_at(&ra, first + i) % s;
        const uint32_t b = qqi_random_at(&rb, first + i) % s;
        const uint32_t v = qqi_wrap_add_u32(qqi_wrap_mul_u32(a, m), b) % s;
        out[i] = (int32_t)((int64_t)low + v);
    }
    return QQ_OK;
}

QQ_API qq_status qq_random_he_uniform(qq_key key, qq_random_layout layout,
                                      size_t fan, size_t total, size_t first,
                                      size_t count, float *out)
{
    const float two = 2.0f / (float)fan;
    const float c = qqi_sqrt_f32(3.0f * two);
    qqi_random r;

    if (!qqi_layout_known(layout) || fan == 0)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_random_begin(&r, key, layout, 32, total, first, count, out);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++) // 2u - 1 is exact
        out[i] = (2.0f * qqi_random_unit_at(&r, first + i) - 1.0f) * c;
    return QQ_OK;
}

// One number of noise from its bits; every one of them is exact.
QQI_INLINE float qqi_noise_of(qq_noise noise, uint32_t bits)
{
    const int32_t b = (int32_t)(bits >> 1);

    if (noise == QQ_NOISE_LOW_BIT) // r / 256 - 0.498046875
        return (float)(2 * (int32_t)bits - 255) / 512.0f;
    if (noise == QQ_NOISE_AQT_CUSTOM) // r / 65536 - 0.5 + 2^-17
        return (float)(2 * (int32_t)bits - 65535) / 131072.0f;
    return (float)((b >> 8) - 4194304) / 8388608.0f; // u - 0.5
}

// The random bits that a number of noise takes; 0 for what is none.
QQI_INLINE unsigned qqi_noise_width(qq_noise noise)
{
    switch ((int)noise) {
    case QQ_NOISE_UNIFORM:
    case QQ_NOISE_AQT:
        return 32;
    case QQ_NOISE_LOW_BIT:
        return 8;
    case QQ_NOISE_AQT_CUSTOM:
        return 16;
    default:
        return 0;
    }
}

QQ_API qq_status qq_random_noise(qq_key key, qq_random_layout layout,
                                 qq_noise noise, size_t total, size_t first,
                                 size_t count, float *out)
{
    const unsigned width = qqi_noise_width(noise);
    qqi_random r;

    if (!qqi_layout_known(layout) || width == 0)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_random_begin(&r, key, layout, width, total, first, count, out);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        out[i] = qqi_noise_of(noise, qqi_random_at(&r, first + i));
    return QQ_OK;
}

// ==== num/round.h ====

// qquant floor 2: rounding to integers.
//
// In f32 the value is only compared and converted, never added to, so that a
// product that made it cannot be fused into anything, and the code has no
// branches: a loop over it turns into vectors. |x| is cut to t and rounded
// up where it lies above t + 1/2, or on it with t odd. Below 2^23 t + 1/2 is
// a float; from there on x is an integer itself.
//
// In f64 the bits are rounded where they stand: a carry out of the mantissa
// moves into the exponent, which is just what is wanted.

// |x| below 2^23 and no NaN; the nearest integer, ties to even. The bits of
// floats that are not negative are integers in the same order, so their
// difference compares |x| with t + 1/2: a tie is 0, and rises where t is odd.
QQI_INLINE int32_t qqi_rne_small_f32(float x)
{
    const float a = qqi_abs_f32(x);
    const int32_t t = (int32_t)a;
    const float half = (float)t + 0.5f;
    const int32_t d = (int32_t)qqi_f32_bits(a) - (int32_t)qqi_f32_bits(half);
    const int32_t r = t + (int32_t)(d + (t & 1) > 0);

    return qqi_f32_bits(x) >> 31 ? -r : r;
}

// r with the sign of x, which only differs where r is 0.
QQI_INLINE float qqi_with_sign_f32(float r, float x)
{
    return qqi_f32_of(qqi_f32_bits(r) | (qqi_f32_bits(x) & 0x80000000u));
}

// Nearest even integer; -0 and NaN stay, and x in (-1/2, 0) gives -0.
QQI_INLINE float qqi_rne_f32(float x)
{
    const int cut = qqi_abs_f32(x) < 8388608.0f;
    const int32_t r = qqi_rne_small_f32(cut ? x : 0.0f);

    return cut ? qqi_with_sign_f32((float)r, x) : x;
}

// Towards zero; -0 stays.
QQI_INLINE float qqi_trunc_f32(float x)
{
    const int cut = qqi_abs_f32(x) < 8388608.0f;
    const int32_t r = (int32_t)(cut ? x : 0.0f);

    return cut ? qqi_with_sign_f32((float)r, x) : x;
}

// The largest integer that is not above x; -0 stays.
QQI_INLINE float qqi_floor_f32(float x)
{
    const int cut = qqi_abs_f32(x) < 8388608.0f;
    const int32_t r = (int32_t)(cut ? x : 0.0f);
    const int32_t f = r - (int32_t)((float)r > x);

    return cut ? qqi_with_sign_f32((float)f, x) : x;
}

// x to nearest even, then into [lo, hi]; NaN counts as 0. lo <= hi.
QQI_INLINE int32_t qqi_sat_i32(float x, int32_t lo, int32_t hi)
{
    const float a = qqi_abs_f32(x);
    const int cut = a < 8388608.0f;
    const int fits = a < 2147483648.0f;
    const int32_t beyond = x > 0.0f ? INT32_MAX : x < 0.0f ? INT32_MIN : 0;
    // From 2^23 on the conversion is exact.
    const int32_t big = (int32_t)(fits ? x : 0.0f);
    const int32_t even = qqi_rne_small_f32(cut ? x : 0.0f);
    const int32_t r = cut ? even : fits ? big : beyond;

    return r < lo ? lo : r > hi ? hi : r;
}

// How many of the last bits of u stand for the fraction: 0 where the number is
// an integer by its size (or infinite, or NaN), 53 and more below 1.
QQI_FN int qqi_fraction_bits_f64(uint64_t u)
{
    const int e = (int)(u >> 52 & 0x7ff);

    return e >= 1075 ? 0 : 1075 - e;
}

QQI_FN double qqi_rne_f64(double x)
{
    const uint64_t u = qqi_f64_bits(x);
    const uint64_t sign = u & (uint64_t)1 << 63;
    const int n = qqi_fraction_bits_f64(u);

    if (n == 0)
        return x;
    if (n >= 53) { // below 1: 1/2 itself is a tie and goes to 0
        const uint64_t half = (uint64_t)1022 << 52;
        return qqi_f64_of((u ^ sign) > half ? sign | (uint64_t)1023 << 52
                                            : sign);
    }
    const uint64_t one = (uint64_t)1 << n;
    // From 1 to 2 the last bit of the integer is the hidden one; the field of
    // the exponent has its last bit set there, so the same place serves.
    const uint64_t r = u + (one / 2 - 1) + (u >> n & 1);
    return qqi_f64_of(r & ~(one - 1));
}

QQI_FN double qqi_trunc_f64(double x)
{
    const uint64_t u = qqi_f64_bits(x);
    const int n = qqi_fraction_bits_f64(u);

    if (n == 0)
        return x;
    if (n >= 53)
        return qqi_f64_of(u & (uint64_t)1 << 63);
    return qqi_f64_of(u & ~(((uint64_t)1 << n) - 1));
}

QQI_FN double qqi_floor_f64(double x)
{
    const double t = qqi_trunc_f64(x);

    return x < t ? t - 1.0 : t;
}

// x to nearest even, then into [lo, hi]; NaN counts as 0. lo <= hi.
QQI_FN int32_t qqi_sat_i32_f64(double x, int32_t lo, int32_t hi)
{
    const double r = qqi_is_nan_f64(x) ? 0.0 : qqi_rne_f64(x);

    if (r <= (double)lo)
        return lo;
    return r >= (double)hi ? hi : (int32_t)r;
}

// ==== num/tanh.h ====

// qquant floor 2: tanh.
//
//   |x| below 1/4   x (1 - x^2/3 + 2 x^4/15 - ...)
//   else            1 - 2 u / (1 + u),  u = exp(-2 |x|)
//
// in fixed point, the relative error below 2^-58. Tests walk all floats and
// find none whose exact answer lies within that error of a midpoint between
// two floats: every result is the correctly rounded one.

// The coefficients of x^3, x^5, ... without their alternating signs in Q64,
// nearest. x^2 is below 1/16: the next term is below 2^-69.
static const uint64_t qqi_tanh_series[13] QQI_UNUSED = {
    0x5555555555555555, 0x2222222222222222, 0x0dd0dd0dd0dd0dd1,
    0x05993d220b043e7d, 0x0244dc6abcd84792, 0x00eb69e870abeefe,
    0x005f68d914add78b, 0x0026ab049006ce89, 0x000fabebb9a68b32,
    0x000659f862bf2beb, 0x000292fb1dd44a4b, 0x00010b132d39a605,
    0x00006c3dcb4fb894,
};

// x = m * 2^e from 2^-13 to below 1/4; the result in Q63 of m's own binade:
// times 2^(e + 24 - 64).
QQI_FN uint64_t qqi_tanh_small(uint32_t m, int e)
{
    const uint64_t square = (uint64_t)m * m;
    const int up = 64 + 2 * e; // from -8 to 12
    const uint64_t z = up >= 0 ? square << up : square >> -up;
    uint64_t p = qqi_tanh_series[12];

    for (int j = 11; j >= 0; j--)
        p = qqi_tanh_series[j] - qqi_mulhi_u64(z, p);
    const uint64_t less = qqi_mulhi_u64(z, p);
    const uint64_t x = (uint64_t)m << 40;
    return x - qqi_mulhi_u64(x, less) - 1; // -1: the cut makes it too large
}

// u / (1 + u) in Q64 for u in Q64, 2^-27 to 2/3: a reciprocal good to 31 bits
// and one step of Newton's.
QQI_FN uint64_t qqi_tanh_ratio(uint64_t u)
{
    const uint64_t one = (uint64_t)1 << 63;
    const uint64_t d = one + (u >> 1);                 // Q63, above 1
    const uint64_t y = (UINT64_MAX / (d >> 32)) << 31; // Q64, below 1
    const uint64_t dy = qqi_mulhi_u64(d, y);           // Q63, nearly 1

    if (dy < one)
        return qqi_mulhi_u64(u, y + qqi_mulhi_u64(y, (one - dy) << 1));
    return qqi_mulhi_u64(u, y - qqi_mulhi_u64(y, (dy - one) << 1));
}

QQI_FN float qqi_tanh_f32(float x)
{
    const uint32_t a = qqi_f32_magnitude(x);
    const uint32_t sign = qqi_f32_bits(x) ^ a;
    int e, n;

    if (a > 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (a < 0x39000000u) // 2^-13: x^2 / 3 is below a quarter of an ulp
        return x;
    if (a >= 0x41108000u) // 9.03125: 2 exp(-2x) is below half an ulp of 1
        return qqi_f32_of(sign | 0x3f800000u);
    const uint32_t m = qqi_split_f32(a, &e);
    uint64_t v;
    if (a < 0x3e800000u) {
        v = qqi_tanh_small(m, e);
        e += 23;
    } else {
        uint64_t f = qqi_exp_cut(m, e + 1, &n);
        f = qqi_exp2_negate(f, &n);
        v = qqi_tanh_ratio(qqi_exp2_fixed(f) >> (-1 - n));
        v = UINT64_MAX - 2 * v;
        e = -1;
    }
    const int zeros = qqi_clz_u64(v);
    return qqi_round_fixed(sign, v << zeros, e - zeros);
}

// ==== num/number.h ====

// qquant floor 2: the public functions of api/number.h.

QQ_API float qq_fma(float a, float b, float c)
{
    return qqi_canon_f32(qqi_fma_f32(a, b, c));
}

QQ_API float qq_round_even(float x) { return qqi_canon_f32(qqi_rne_f32(x)); }

QQ_API float qq_sqrt(float x) { return qqi_sqrt_f32(x); }

QQ_API float qq_exp(float x) { return qqi_exp_f32(x); }

QQ_API float qq_exp2(float x) { return qqi_exp2_f32(x); }

QQ_API float qq_log(float x) { return qqi_log_f32(x); }

QQ_API float qq_log2(float x) { return qqi_log2_f32(x); }

QQ_API float qq_tanh(float x) { return qqi_tanh_f32(x); }

QQ_API uint16_t qq_f16_from_f32(float x) { return qqi_f16_from_f32(x); }

QQ_API uint16_t qq_bf16_from_f32(float x) { return qqi_bf16_from_f32(x); }

QQ_API float qq_f32_from_f16(uint16_t code) { return qqi_f32_from_f16(code); }

QQ_API float qq_f32_from_bf16(uint16_t code) { return qqi_f32_from_bf16(code); }

// ==== num/pow.h ====

// qquant floor 2: powers of positive doubles.
//
//   x^p = 2^(p log2(x)),  log2(x) = e + log2(h) + log2(1 + d)
//
// where x = 2^e m, m from 1 to 2, h is m as a float and |d| below 2^-24.
// log2(h) comes from fixed point (num/log.h), log2(1 + d) from two terms of
// its series, 2^y from fixed point again (num/exp.h). The relative error is
// below (2 + |y|) * 2^-52: not correctly rounded, but far finer than a float.

// 2^e in the range of normal doubles.
QQI_INLINE double qqi_power_of_two(int e)
{
    return qqi_f64_of((uint64_t)(1023 + e) << 52);
}

// log2 of a positive normal double.
QQI_FN double qqi_log2_f64(double x)
{
    const double log2_e = 1.4426950408889634;
    const uint64_t u = qqi_f64_bits(x);
    const uint64_t fraction = u & (((uint64_t)1 << 52) - 1);
    const double m = qqi_f64_of(fraction | (uint64_t)1023 << 52);
    const float h = qqi_f32_from_f64(m);
    const qqi_log_parts r = qqi_log_split(qqi_f32_bits(h));
    // log(h) = k ln(2) +- v * 2^(e - 63); e is from -24 to 0.
    const double near =
        qqi_mul_f64((double)r.v, log2_e * qqi_power_of_two(r.e - 63));
    const double d = (m - (double)h) / (double)h;
    const double rest = qqi_mul_f64(d, log2_e * (1.0 - d * 0.5));
    const double part = r.v == 0 ? 0.0 : r.less ? -near : near;

    return (double)((int)(u >> 52) - 1023 + r.k) + (part + rest);
}

// x^p for x >= 0 and finite p > 0. Subnormal x count as 0, results below
// 2^-1022 become 0; infinite and NaN x stay.
QQI_FN double qqi_pow_f64(double x, double p)
{
    if (qqi_is_nan_f64(x) || qqi_is_inf_f64(x))
        return x;
    if (x < qqi_power_of_two(-1022))
        return 0.0;
    const double y = qqi_mul_f64(p, qqi_log2_f64(x));
    if (y >= 1023.0)
        return qqi_f64_of((uint64_t)0x7ff << 52);
    if (y < -1022.0)
        return 0.0;
    double whole = qqi_floor_f64(y);
    double part = y - whole;
    if (part >= 1.0) { // just below 0
        whole += 1.0;
        part = 0.0;
    }
    const uint64_t f = (uint64_t)(part * 18446744073709551616.0); // 2^64
    const double m = (double)qqi_exp2_fixed(f); // from 2^63 on
    return m * qqi_power_of_two(-63) * qqi_power_of_two((int)whole);
}

// ==== num/widen.h ====

// qquant floor 2: float to double, and double to float on the way elsewhere.
//
// A double that goes to a number of few bits by way of a float would be
// rounded twice. It is not where the first rounding is to odd: what is no
// float becomes the neighbour whose last bit is 1. That one is never a middle
// between two numbers of at most 22 bits, and lies on the same side of all of
// them as the double did.

// Exact. By bits, so that subnormals pass a machine that flushes them; NaN
// comes out quiet.
QQI_INLINE double qqi_f64_from_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);
    const uint32_t a = u & 0x7fffffffu;
    const uint64_t sign = (uint64_t)(u >> 31) << 63;
    const uint64_t top = (uint64_t)0x7ff << 52;

    if (a > 0x7f800000u)
        return qqi_f64_of(sign | top | (uint64_t)1 << 51 |
                          (uint64_t)(a & 0x7fffffu) << 29);
    if (a == 0x7f800000u)
        return qqi_f64_of(sign | top);
    if (a >= 0x800000u) // the exponents' biases are 896 apart
        return qqi_f64_of(sign | (((uint64_t)a << 29) + ((uint64_t)896 << 52)));
    // Steps of 2^-149: a normal double, and an exact product.
    const double m = (double)(int32_t)a * qqi_f64_of((uint64_t)874 << 52);
    return qqi_f64_of(sign | qqi_f64_bits(m));
}

// To odd: the largest float for all finite numbers beyond it.
QQI_FN float qqi_odd_f32_from_f64(double x)
{
    const uint64_t u = qqi_f64_bits(x);
    const uint64_t a = u & ~((uint64_t)1 << 63);
    const uint64_t fraction = a & (((uint64_t)1 << 52) - 1);
    const uint32_t sign = (uint32_t)(u >> 63) << 31;
    const int e = (int)(a >> 52) - 896; // the exponent field to be

    if (a > (uint64_t)0x7ff << 52)
        return qqi_f32_of(sign | 0x7fc00000u | (uint32_t)(fraction >> 29));
    if (a == (uint64_t)0x7ff << 52)
        return qqi_f32_of(sign | 0x7f800000u);
    if (e >= 255)
        return qqi_f32_of(sign | 0x7f7fffffu);
    // From 2^-126 on 29 bits are cut off, below that more, in the end all.
    const uint64_t field = e >= 1 ? (uint64_t)e << 23 : 0;
    const uint64_t hidden = e >= 1 || e == -896 ? 0 : (uint64_t)1 << 52;
    const uint64_t m = fraction | hidden;
    const int cut = e >= 1 ? 29 : 30 - e < 63 ? 30 - e : 63;
    const uint64_t lost = m & (((uint64_t)1 << cut) - 1);
    const uint32_t r = (uint32_t)(field | m >> cut) | (lost != 0);
    return qqi_f32_of(sign | r);
}

// ==== type.h ====

// qquant floor 3: THE LIST of stored types, and what is made from it.
//
// A new type is an enumerator in api/type.h and a row here; its meaning, how a
// code becomes a number, stands in codec/value.h.

// X(enumerator, name, storage, kind, bits, min, max, largest, bound, tile,
//   weight, affine): the members of qq_type_info, and after largest the
// symmetric bound of Qwix: its scale is absmax / bound, which for integers is
// the largest code and a half (int16: 32768). 0 where there is none.
#define QQI_TYPES(X)                                                           \
    X(F32, f32, F32, FLOAT, 32, 0, 0, 3.40282347e38f, 0, 0, 0, 0)              \
    X(F64, f64, F64, FLOAT, 64, 0, 0, 3.40282347e38f, 0, 0, 0, 0)              \
    X(F16, f16, F16, FLOAT, 16, 0, 0, 65504, 0, 0, 0, 0)                       \
    X(BF16, bf16, BF16, FLOAT, 16, 0, 0, 3.38953139e38f, 0, 0, 0, 0)           \
    X(INT32, int32, INT32, INTEGER, 32, INT32_MIN, INT32_MAX, 2147483648.0f,   \
      0, 0, 0, 0)                                                              \
    X(SIGN, sign, SIGN, INTEGER, 1, -1, 1, 1, 1, 0, 1, 0)                      \
    X(TERNARY, ternary, TERNARY, INTEGER, 2, -1, 1, 1, 1.5f, 0, 1, 0)          \
    X(INT2, int2, INT2, INTEGER, 2, -2, 1, 2, 1.5f, 0, 1, 1)                   \
    X(INT3, int3, INT3, INTEGER, 3, -4, 3, 4, 3.5f, 0, 1, 1)                   \
    X(INT4, int4, INT4, INTEGER, 4, -8, 7, 8, 7.5f, 0, 1, 1)                   \
    X(INT5, int5, INT5, INTEGER, 5, -16, 15, 16, 15.5f, 0, 1, 1)               \
    X(INT6, int6, INT6, INTEGER, 6, -32, 31, 32, 31.5f, 0, 1, 1)               \
    X(INT7, int7, INT7, INTEGER, 7, -64, 63, 64, 63.5f, 0, 1, 1)               \
    X(INT8, int8, INT8, INTEGER, 8, -128, 127, 128, 127.5f, 0, 1, 1)           \
    X(INT16, int16, INT16, INTEGER, 16, -32768, 32767, 32768, 32768, 0, 1, 1)  \
    X(UINT2, uint2, UINT2, INTEGER, 2, 0, 3, 3, 3.5f, 0, 1, 1)                 \
    X(UINT4, uint4, UINT4, INTEGER, 4, 0, 15, 15, 15.5f, 0, 1, 1)              \
    X(UINT8, uint8, UINT8, INTEGER, 8, 0, 255, 255, 255.5f, 0, 1, 1)           \
    X(E4M3FN, e4m3fn, E4M3FN, SMALL, 8, 0, 0, 448, 448, 0, 1, 0)               \
    X(E5M2, e5m2, E5M2, SMALL, 8, 0, 0, 57344, 57344, 0, 1, 0)                 \
    X(E4M3, e4m3, E4M3, SMALL, 8, 0, 0, 240, 240, 0, 1, 0)                     \
    X(E4M3FNUZ, e4m3fnuz, E4M3FNUZ, SMALL, 8, 0, 0, 240, 240, 0, 1, 0)         \
    X(E5M2FNUZ, e5m2fnuz, E5M2FNUZ, SMALL, 8, 0, 0, 57344, 57344, 0, 1, 0)     \
    X(E4M3B11FNUZ, e4m3b11fnuz, E4M3B11FNUZ, SMALL, 8, 0, 0, 30, 30, 0, 1, 0)  \
    X(E3M4, e3m4, E3M4, SMALL, 8, 0, 0, 15.5f, 15.5f, 0, 1, 0)                 \
    X(E2M3, e2m3, E2M3, SMALL, 6, 0, 0, 7.5f, 7.5f, 0, 1, 0)                   \
    X(E3M2, e3m2, E3M2, SMALL, 6, 0, 0, 28, 28, 0, 1, 0)                       \
    X(E2M1, e2m1, E2M1, SMALL, 4, 0, 0, 6, 6, 0, 1, 0)                         \
    X(E8M0, e8m0, E8M0, EXPONENT, 8, 0, 0, 1.70141183e38f, 0, 0, 0, 0)         \
    X(NF4, nf4, NF4, BOOK, 4, 0, 15, 1, 1, 0, 1, 0)                            \
    X(BNB_FP4, bnb_fp4, BNB_FP4, BOOK, 4, 0, 15, 1, 1, 0, 1, 0)                \
    X(BOOK, book, BOOK, BOOK, 8, 0, 255, 0, 0, 0, 1, 0)                        \
    X(MXFP8, mxfp8, E4M3FN, SMALL, 8, 0, 0, 448, 448, 32, 1, 0)                \
    X(MXFP8_16, mxfp8_16, E4M3FN, SMALL, 8, 0, 0, 448, 448, 16, 1, 0)          \
    X(MXFP4, mxfp4, E2M1, SMALL, 4, 0, 0, 6, 6, 32, 1, 0)                      \
    X(NVFP4, nvfp4, E2M1, SMALL, 4, 0, 0, 6, 6, 16, 1, 0)

// X(enumerator, what NumPy, JAX and ml_dtypes call it where we do not).
#define QQI_TYPE_ALIASES(X)                                                    \
    X(F32, "float32")                                                          \
    X(F64, "float64")                                                          \
    X(F16, "float16")                                                          \
    X(BF16, "bfloat16")                                                        \
    X(E4M3FN, "float8_e4m3fn")                                                 \
    X(E5M2, "float8_e5m2")                                                     \
    X(E4M3, "float8_e4m3")                                                     \
    X(E4M3FNUZ, "float8_e4m3fnuz")                                             \
    X(E5M2FNUZ, "float8_e5m2fnuz")                                             \
    X(E4M3B11FNUZ, "float8_e4m3b11fnuz")                                       \
    X(E3M4, "float8_e3m4")                                                     \
    X(E2M3, "float6_e2m3fn")                                                   \
    X(E3M2, "float6_e3m2fn")                                                   \
    X(E2M1, "float4_e2m1fn")                                                   \
    X(E8M0, "float8_e8m0fnu")

typedef struct qqi_type_row {
    qq_type type;
    float bound;
    qq_type_info info;
} qqi_type_row;

#define QQI_TYPE_ROW(type, name, storage, kind, bits, min, max, largest,       \
                     bound, tile, weight, affine)                              \
    {QQ_TYPE_##type,                                                           \
     bound,                                                                    \
     {#name, QQ_TYPE_##storage, QQ_KIND_##kind, bits, min, max, largest, tile, \
      weight, affine}},
static const qqi_type_row qqi_type_rows[] = {QQI_TYPES(QQI_TYPE_ROW)};

// QQI_TYPE_AT_F32, ...: the places of the rows.
#define QQI_TYPE_AT(type, name, storage, kind, bits, min, max, largest, bound, \
                    tile, weight, affine)                                      \
    QQI_TYPE_AT_##type,
enum { QQI_TYPES(QQI_TYPE_AT) QQI_TYPE_COUNT };

// The row of a type; NULL for a number that is no type.
QQI_FN const qqi_type_row *qqi_type_find(qq_type type)
{
#define QQI_TYPE_CASE(type, name, storage, kind, bits, min, max, largest,      \
                      bound, tile, weight, affine)                             \
case QQ_TYPE_##type:                                                           \
    return &qqi_type_rows[QQI_TYPE_AT_##type];

    switch ((int)type) {
        QQI_TYPES(QQI_TYPE_CASE)
    default:
        return NULL;
    }
}

// How a code of the type is stored: e2m1 for mxfp4, else the type itself.
QQI_FN qq_type qqi_type_storage(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? row->info.storage : QQ_TYPE_NONE;
}

// The symmetric bound of Qwix; 0 where there is none.
QQI_FN float qqi_type_bound(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? row->bound : 0.0f;
}

// 1: the code is two's complement, so that it is sign-extended when read.
QQI_FN int qqi_type_is_signed(qq_type type)
{
    return (type >= QQ_TYPE_INT2 && type <= QQ_TYPE_INT16) ||
           type == QQ_TYPE_INT32;
}

QQI_FN int qqi_same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

QQ_API qq_status qq_type_get(qq_type type, qq_type_info *info)
{
    const qqi_type_row *row = qqi_type_find(type);

    if (!row)
        return QQ_ERR_TYPE;
    if (!info)
        return QQ_ERR_ARGUMENT;
    *info = row->info;
    return QQ_OK;
}

QQ_API const char *qq_type_name(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? row->info.name : "none";
}

QQ_API qq_type qq_type_from_name(const char *name)
{
    if (!name)
        return QQ_TYPE_NONE;
    for (int i = 0; i < QQI_TYPE_COUNT; i++)
        if (qqi_same_text(name, qqi_type_rows[i].info.name))
            return qqi_type_rows[i].type;

#define QQI_TYPE_IF_ALIAS(type, alias)                                         \
    if (qqi_same_text(name, alias))                                            \
        return QQ_TYPE_##type;

    QQI_TYPE_ALIASES(QQI_TYPE_IF_ALIAS)
    return QQ_TYPE_NONE;
}

QQ_API unsigned qq_type_bits(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? row->info.bits : 0;
}

// ceil(count * bits / 8); SIZE_MAX beyond size_t. Eight codes are whole bytes.
QQI_INLINE size_t qqi_bits_bytes(unsigned bits, size_t count)
{
    size_t whole, all;

    if (!qqi_mul_size(count / 8, bits, &whole) ||
        !qqi_add_size(whole, (count % 8 * bits + 7) / 8, &all))
        return SIZE_MAX;
    return all;
}

QQ_API size_t qq_type_bytes(qq_type type, size_t count)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? qqi_bits_bytes(row->info.bits, count) : SIZE_MAX;
}

// The same of a count that is known to fit, as in a tensor that has passed
// qq_tensor_check; compilers follow SIZE_MAX into memset and warn.
QQI_FN size_t qqi_stored_bytes(qq_type type, size_t count)
{
    const unsigned bits = qq_type_bits(type);

    return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

// ==== codec/lanes.h ====

// qquant floor 4: eight codes at once in a 64-bit word.
//
// Eight codes of b bits are b whole bytes: a group. In a register a group has
// two forms, lanes (code j in byte j) and squeezed (code j from bit j * b up):
//
//   lanes     h0000000g0000000f ... b0000000a   b = 1
//   squeezed                         hgfedcba
//
// Squeezing joins neighbours three times, to 16, 32 and 64 bits; spreading
// parts them again. The other orders move lanes before they are squeezed,
// within the group, and share all else.

// A byte times this stands in every lane.
#define QQI_LANES 0x0101010101010101u

// Lanes with nothing above their b bits to b bytes.
QQI_INLINE uint64_t qqi_squeeze(uint64_t lanes, unsigned b)
{
    const uint64_t odd8 = lanes & 0xff00ff00ff00ff00u;
    const uint64_t x = (lanes ^ odd8) | odd8 >> (8 - b);
    const uint64_t odd16 = x & 0xffff0000ffff0000u;
    const uint64_t y = (x ^ odd16) | odd16 >> (16 - 2 * b);
    const uint64_t odd32 = y & 0xffffffff00000000u;

    return (y ^ odd32) | odd32 >> (32 - 4 * b);
}

// The inverse; bits above 8 * b are ignored.
QQI_INLINE uint64_t qqi_spread(uint64_t word, unsigned b)
{
    const uint64_t m32 = ((uint64_t)1 << 4 * b) - 1;
    const uint64_t m16 = (((uint64_t)1 << 2 * b) - 1) * 0x0000000100000001u;
    const uint64_t m8 = (((uint64_t)1 << b) - 1) * 0x0001000100010001u;
    const uint64_t x = (word & m32) | (word >> 4 * b & m32) << 32;
    const uint64_t y = (x & m16) | (x >> 2 * b & m16) << 16;

    return (y & m8) | (y >> b & m8) << 8;
}

// Bytes 0 2 4 6 of a word in its lower half.
QQI_INLINE uint64_t qqi_even_bytes(uint64_t x)
{
    x &= 0x00ff00ff00ff00ffu;
    x = (x | x >> 8) & 0x0000ffff0000ffffu;
    return (x | x >> 16) & 0xffffffffu;
}

// The inverse: the lower half's bytes at 0 2 4 6.
QQI_INLINE uint64_t qqi_part_bytes(uint64_t x)
{
    x &= 0xffffffffu;
    x = (x | x << 16) & 0x0000ffff0000ffffu;
    return (x | x << 8) & 0x00ff00ff00ff00ffu;
}

QQI_INLINE uint64_t qqi_swap_bytes(uint64_t x)
{
    return (x & 0x00ff00ff00ff00ffu) << 8 | (x >> 8 & 0x00ff00ff00ff00ffu);
}

QQI_INLINE uint64_t qqi_reverse_bytes(uint64_t x)
{
    x = qqi_swap_bytes(x);
    x = (x & 0x0000ffff0000ffffu) << 16 | (x >> 16 & 0x0000ffff0000ffffu);
    return (x & 0xffffffffu) << 32 | x >> 32;
}

// Lanes in the order of codes to lanes in the order of places.
QQI_INLINE uint64_t qqi_shuffle(uint64_t x, qq_order order)
{
    switch (order) {
    case QQ_ORDER_HIGH_NIBBLE_FIRST:
        return qqi_swap_bytes(x); // 1 0 3 2 5 4 7 6
    case QQ_ORDER_HIGH_BIT_FIRST:
        return qqi_reverse_bytes(x); // 7 6 5 4 3 2 1 0
    case QQ_ORDER_AWQ:
        return qqi_even_bytes(x) | qqi_even_bytes(x >> 8) << 32;
    case QQ_ORDER_LOW_FIRST:
    default:
        return x;
    }
}

// The inverse. Swapping and reversing are their own.
QQI_INLINE uint64_t qqi_unshuffle(uint64_t x, qq_order order)
{
    if (order == QQ_ORDER_AWQ)
        return qqi_part_bytes(x) | qqi_part_bytes(x >> 32) << 8;
    return qqi_shuffle(x, order);
}

// n bytes to a little-endian word and back, n up to 8.
QQI_INLINE uint64_t qqi_load_low(const uint8_t *p, unsigned n)
{
    uint64_t w = 0;

    for (unsigned k = 0; k < n; k++)
        w |= (uint64_t)p[k] << 8 * k;
    return w;
}

QQI_INLINE void qqi_store_low(uint8_t *p, uint64_t w, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        p[k] = (uint8_t)(w >> 8 * k & 255);
}

// Lanes of b bits, sign-extended to 8. Where the top bit of a lane is set the
// product fills all above it; it never leaves its lane.
QQI_INLINE uint64_t qqi_extend(uint64_t lanes, unsigned b)
{
    const uint64_t top = lanes >> (b - 1) & QQI_LANES;

    return lanes | top * (255u << b & 255);
}

// ==== codec/bits.h ====

// qquant floor 4: codes in packed bits: any width, order, start and length.
//
// Whole groups of eight codes go by the word, the ends by part of a group.
// All functions here trust their arguments.

// Whole groups, b and order being constants.
QQI_INLINE void qqi_pack_groups(unsigned b, qq_order order, size_t groups,
                                const uint8_t *codes, uint8_t *out)
{
    const uint64_t mask = QQI_LANES * ((1u << b) - 1);

    for (size_t g = 0; g < groups; g++, codes += 8, out += b) {
        const uint64_t lanes = qqi_load_le64(codes) & mask;
        qqi_store_low(out, qqi_squeeze(qqi_shuffle(lanes, order), b), b);
    }
}

QQI_INLINE void qqi_unpack_groups(unsigned b, qq_order order, int is_signed,
                                  size_t groups, const uint8_t *packed,
                                  uint8_t *codes)
{
    for (size_t g = 0; g < groups; g++, packed += b, codes += 8) {
        const uint64_t places = qqi_spread(qqi_load_low(packed, b), b);
        const uint64_t lanes = qqi_unshuffle(places, order);
        qqi_store_le64(codes, is_signed ? qqi_extend(lanes, b) : lanes);
    }
}

// One call for each width and order, so that shifts and masks are constants.
#define QQI_EACH_PACKING(X)                                                    \
    X(1, QQ_ORDER_LOW_FIRST)                                                   \
    X(2, QQ_ORDER_LOW_FIRST)                                                   \
    X(3, QQ_ORDER_LOW_FIRST)                                                   \
    X(4, QQ_ORDER_LOW_FIRST)                                                   \
    X(5, QQ_ORDER_LOW_FIRST)                                                   \
    X(6, QQ_ORDER_LOW_FIRST)                                                   \
    X(7, QQ_ORDER_LOW_FIRST)                                                   \
    X(1, QQ_ORDER_HIGH_BIT_FIRST)                                              \
    X(4, QQ_ORDER_HIGH_NIBBLE_FIRST)                                           \
    X(4, QQ_ORDER_AWQ)

QQI_FN void qqi_pack_whole(unsigned b, qq_order order, size_t groups,
                           const uint8_t *codes, uint8_t *out)
{
#define QQI_PACK_CASE(width, its_order)                                        \
    if (b == width && order == its_order)                                      \
        qqi_pack_groups(width, its_order, groups, codes, out);

    if (b == 8 && groups > 0)
        QQ_MEMCPY(out, codes, groups * 8);
    QQI_EACH_PACKING(QQI_PACK_CASE)
}

QQI_FN void qqi_unpack_whole(unsigned b, qq_order order, int is_signed,
                             size_t groups, const uint8_t *packed,
                             uint8_t *codes)
{
#define QQI_UNPACK_CASE(width, its_order)                                      \
    if (b == width && order == its_order)                                      \
        qqi_unpack_groups(width, its_order, is_signed, groups, packed, codes);

    if (b == 8 && groups > 0)
        QQ_MEMCPY(codes, packed, groups * 8);
    QQI_EACH_PACKING(QQI_UNPACK_CASE)
}

// The bytes of a group that its codes 0 ... n - 1 touch.
QQI_INLINE unsigned qqi_group_bytes(unsigned b, qq_order order, unsigned n)
{
    if (order == QQ_ORDER_AWQ)
        return n > 0 ? 4 : 0;
    return (n * b + 7) / 8;
}

// Codes first ... first + n - 1 of a group; those before them stay, those
// behind them in the bytes touched become 0.
QQI_FN void qqi_pack_part(unsigned b, qq_order order, unsigned first,
                          unsigned n, const uint8_t *codes, uint8_t *group)
{
    const unsigned from = order == QQ_ORDER_AWQ ? 0 : first * b / 8;
    const unsigned old = qqi_group_bytes(b, order, first);
    const unsigned all = qqi_group_bytes(b, order, first + n);
    const uint64_t before = qqi_load_low(group + from, old - from) << 8 * from;
    uint64_t lanes = qqi_unshuffle(qqi_spread(before, b), order);

    lanes &= first > 0 ? ~(uint64_t)0 >> (64 - 8 * first) : 0;
    for (unsigned j = 0; j < n; j++)
        lanes |= (uint64_t)(codes[j] & ((1u << b) - 1)) << 8 * (first + j);
    const uint64_t word = qqi_squeeze(qqi_shuffle(lanes, order), b);
    qqi_store_low(group + from, word >> 8 * from, all - from);
}

QQI_FN void qqi_unpack_part(unsigned b, qq_order order, int is_signed,
                            unsigned first, unsigned n, const uint8_t *group,
                            uint8_t *codes)
{
    const unsigned from = order == QQ_ORDER_AWQ ? 0 : first * b / 8;
    const unsigned all = qqi_group_bytes(b, order, first + n);
    const uint64_t word = qqi_load_low(group + from, all - from) << 8 * from;
    uint64_t lanes = qqi_unshuffle(qqi_spread(word, b), order);

    if (is_signed)
        lanes = qqi_extend(lanes, b);
    for (unsigned j = 0; j < n; j++)
        codes[j] = (uint8_t)(lanes >> 8 * (first + j) & 255);
}

// Codes start ... start + count - 1 of b bits, 1 to 8, one byte each.
QQI_FN void qqi_pack_codes(unsigned b, qq_order order, size_t start,
                           size_t count, const uint8_t *codes, uint8_t *out)
{
    const unsigned first = (unsigned)(start % 8);

    out += start / 8 * b;
    if (first > 0 && count > 0) {
        const unsigned n = count < 8 - first ? (unsigned)count : 8 - first;
        qqi_pack_part(b, order, first, n, codes, out);
        codes += n;
        count -= n;
        out += b;
    }
    qqi_pack_whole(b, order, count / 8, codes, out);
    if (count % 8 > 0)
        qqi_pack_part(b, order, 0, (unsigned)(count % 8), codes + count / 8 * 8,
                      out + count / 8 * b);
}

QQI_FN void qqi_unpack_codes(unsigned b, qq_order order, int is_signed,
                             size_t start, size_t count, const uint8_t *packed,
                             uint8_t *codes)
{
    const unsigned first = (unsigned)(start % 8);

    packed += start / 8 * b;
    if (first > 0 && count > 0) {
        const unsigned n = count < 8 - first ? (unsigned)count : 8 - first;
        qqi_unpack_part(b, order, is_signed, first, n, packed, codes);
        codes += n;
        count -= n;
        packed += b;
    }
    qqi_unpack_whole(b, order, is_signed, count / 8, packed, codes);
    if (count % 8 > 0)
        qqi_unpack_part(b, order, is_signed, 0, (unsigned)(count % 8),
                        packed + count / 8 * b, codes + count / 8 * 8);
}

// Code i of b bits, 1 to 8, low bits first.
QQI_INLINE uint32_t qqi_load_bits(unsigned b, const uint8_t *packed, size_t i)
{
    const unsigned bit = (unsigned)(i % 8) * b;
    const uint8_t *p = packed + i / 8 * b + bit / 8;
    uint32_t w = p[0];

    if (bit % 8 + b > 8)
        w |= (uint32_t)p[1] << 8;
    return w >> bit % 8 & ((1u << b) - 1);
}

// The same code, written; all other bits stay.
QQI_INLINE void qqi_store_bits(unsigned b, uint8_t *packed, size_t i,
                               uint32_t code)
{
    const unsigned bit = (unsigned)(i % 8) * b;
    const uint32_t mask = ((1u << b) - 1) << bit % 8;
    const uint32_t w = (code & ((1u << b) - 1)) << bit % 8;
    uint8_t *p = packed + i / 8 * b + bit / 8;

    p[0] = (uint8_t)((p[0] & ~mask & 255) | (w & 255));
    if (bit % 8 + b > 8)
        p[1] = (uint8_t)((p[1] & ~(mask >> 8) & 255) | (w >> 8));
}

// ==== codec/bnb_float.h ====

// qquant floor 4: what the formats of bitsandbytes share.
//
// Numbers at any address, the magnitude of a block, the quotient of a number
// by it, and the checks of tensors, options and buffers.

// f32, f16 and bf16 are quantized and made.
QQI_INLINE int qqi_bnb_is_float(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

QQI_INLINE size_t qqi_bnb_width(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_INT32  ? 4
           : type == QQ_TYPE_F16 || type == QQ_TYPE_BF16 ? 2
                                                         : 1;
}

// Number i of an array at any address.
QQI_INLINE float qqi_bnb_load(qq_type type, const void *x, size_t i)
{
    const uint8_t *p = (const uint8_t *)x;

    if (type == QQ_TYPE_F32)
        return qqi_load_f32(p + 4 * i);
    const uint16_t h = qqi_load_u16(p + 2 * i);
    return type == QQ_TYPE_F16 ? qqi_f32_from_f16(h) : qqi_f32_from_bf16(h);
}

QQI_INLINE void qqi_bnb_store(qq_type type, void *x, size_t i, float v)
{
    uint8_t *p = (uint8_t *)x;

    if (type == QQ_TYPE_F32)
        qqi_store_f32(p + 4 * i, v);
    else
        qqi_store_u16(p + 2 * i, type == QQ_TYPE_F16 ? qqi_f16_from_f32(v)
                                                     : qqi_bf16_from_f32(v));
}

// The largest finite magnitude of count numbers, 0 if there is none.
QQI_INLINE float qqi_bnb_absmax(qq_type type, const void *x, size_t from,
                                size_t count)
{
    float top = 0.0f;

    for (size_t i = from; i < from + count; i++) {
        const float a = qqi_abs_f32(qqi_bnb_load(type, x, i));
        if (a > top && qqi_is_finite_f32(a))
            top = a;
    }
    return top;
}

// x / absmax, an infinity for itself, and 0 for NaN and where absmax is 0.
// Where r is not 0 it is 1 / absmax, and the quotient is x * r.
QQI_INLINE float qqi_bnb_ratio(float x, float absmax, float r)
{
    if (!qqi_is_finite_f32(x))
        return qqi_is_nan_f32(x) ? 0.0f : x;
    if (!(absmax > 0.0f))
        return 0.0f;
    return qqi_keep_f32(r > 0.0f ? x * r : x / absmax);
}

// How many pieces of size: n / size, rounded up.
QQI_INLINE size_t qqi_bnb_pieces(size_t n, size_t size)
{
    return n / size + (n % size != 0);
}

// *count = the product of a shape, so small that 16 times it is a size, too.
QQI_FN qq_status qqi_bnb_count(unsigned rank, const size_t *shape,
                               size_t *count)
{
    size_t n = 1;
    int empty = 0;

    if (rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < rank; i++)
        empty |= shape[i] == 0;
    for (unsigned i = 0; i < rank && !empty; i++)
        if (!qqi_mul_size(n, shape[i], &n) || n > SIZE_MAX / 16)
            return QQ_ERR_SHAPE;
    *count = empty ? 0 : n;
    return QQ_OK;
}

// A tensor that can be read, of any type.
QQI_FN qq_status qqi_bnb_tensor(const qq_tensor *t, size_t *count)
{
    if (!t)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_bnb_count(t->rank, t->shape, count);
    if (status != QQ_OK)
        return status;
    return *count > 0 && !t->data ? QQ_ERR_ARGUMENT : QQ_OK;
}

// A tensor of that type and number of elements.
QQI_FN qq_status qqi_bnb_part(const qq_tensor *t, qq_type type, size_t count)
{
    size_t n = 0;

    if (t->type != type)
        return QQ_ERR_TYPE;
    const qq_status status = qqi_bnb_tensor(t, &n);
    if (status != QQ_OK)
        return status;
    return n != count ? QQ_ERR_SHAPE : QQ_OK;
}

QQI_FN qq_status qqi_bnb_buffer(const void *out, size_t out_bytes, size_t need)
{
    if (!out && out_bytes > 0)
        return QQ_ERR_ARGUMENT;
    return out_bytes < need ? QQ_ERR_SIZE : QQ_OK;
}

// How many elements a weight has, and how many scales.
typedef struct qqi_bnb_counts {
    size_t n;
    size_t blocks;
    size_t nested;
} qqi_bnb_counts;

QQI_INLINE int qqi_bnb_is_book(qq_type type)
{
    return type == QQ_TYPE_NF4 || type == QQ_TYPE_BNB_FP4;
}

QQI_INLINE int qqi_bnb_is_block(size_t size)
{
    return size >= 32 && size <= 4096 && (size & (size - 1)) == 0;
}

QQI_FN qq_tensor qqi_bnb_view(const void *data, qq_type type, unsigned rank,
                              const size_t *shape)
{
    qq_tensor t;

    QQ_MEMSET(&t, 0, sizeof t);
    t.data = data;
    t.type = type;
    t.rank = rank;
    for (unsigned i = 0; i < rank; i++)
        t.shape[i] = shape[i];
    return t;
}

// The same with one axis.
QQI_FN qq_tensor qqi_bnb_row(const void *data, qq_type type, size_t count)
{
    return qqi_bnb_view(data, type, 1, &count);
}

QQI_FN qq_tensor qqi_bnb_no_tensor(void)
{
    return qqi_bnb_view(NULL, QQ_TYPE_NONE, 0, NULL);
}

// ==== codec/nf4.h ====

// qquant floor 4: nf4, NormalFloat with 16 levels.
//
// Quantiles of the normal distribution, scaled to [-1, 1], with an exact 0
// (Dettmers et al.: "QLoRA", 2023). A code is the place of a level, the
// smallest first.
//
// Qwix encodes by the smallest |level - x|, the differences rounded to f32,
// the first of equal ones. That comes to fifteen thresholds: the code is how
// many of them lie below x. Six, at places 0, 1, 3, 4, 12 and 14, are one ulp
// below the rounded middle of their levels. The thresholds hold up to 2^23;
// beyond, where Qwix alternates between codes because several differences
// round to the same number, they give the outermost code.

static const float qqi_nf4_levels[16] QQI_UNUSED = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

// A float as an integer of the same order: its bits, negated below 0. Both
// zeros are 0; NaN lies beyond the infinities.
QQI_INLINE int32_t qqi_rank_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);
    const int32_t a = (int32_t)(u & 0x7fffffffu);

    return u >> 31 ? -a : a;
}

// The ranks of the largest floats that have the codes 0 ... 14.
static const int32_t qqi_nf4_last[15] QQI_UNUSED = {
    -0x3f591cd9, -0x3f1c5271, -0x3eeb8480, -0x3eadea77, -0x3e703ced,
    -0x3e0d38bc, -0x3d3a7871, 0x3d22faff,  0x3df64862,  0x3e5067e0,
    0x3e9582d4,  0x3ec753f9,  0x3f006d03,  0x3f248daf,  0x3f5c89d9,
};

// NaN gives 0.
QQI_INLINE uint32_t qqi_nf4_encode(float x)
{
    const int32_t rank = qqi_rank_f32(x);
    uint32_t code = 0;

    for (int i = 0; i < 15; i++)
        code += (uint32_t)(rank > qqi_nf4_last[i]);
    return qqi_is_nan_f32(x) ? 0 : code;
}

// The code of Qwix everywhere: beyond 2^23 13, 15 or 0, and 0 for infinity.
QQI_FN uint32_t qqi_nf4_encode_qwix(float x)
{
    const float v = qqi_keep_f32(x);
    uint32_t code = 0;
    float least = qqi_abs_f32(qqi_nf4_levels[0] - v);

    if (!(v > 8388608.0f))
        return qqi_nf4_encode(v);
    for (uint32_t i = 1; i < 16; i++) {
        const float d = qqi_abs_f32(qqi_nf4_levels[i] - v);
        if (d < least) {
            least = d;
            code = i;
        }
    }
    return code;
}

QQI_INLINE float qqi_nf4_decode(uint32_t code)
{
    return qqi_nf4_levels[code & 15];
}

// ==== codec/book.h ====

// qquant floor 4: code books: the fp4 of bitsandbytes, and the caller's own.
//
// A book's code is the place of the nearest level. Levels may stand in any
// order: they are ranked once, a binary search finds the two neighbours of x,
// and the nearer one is told exactly. With a <= x <= b that is the sign of
// 2x - (a + b): a + b is s + e in double with nothing lost (two-sum), 2x + s
// is either 0, then e decides, or large enough that e cannot turn its sign.

// Sign, then 0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4: n / 12, each rounded.
static const float qqi_bnb_fp4_levels[16] QQI_UNUSED = {
    0.0f,
    0.0052083334885537624f,
    0.6666666865348816f,
    1.0f,
    0.3333333432674408f,
    0.5f,
    0.1666666716337204f,
    0.25f,
    0.0f,
    -0.0052083334885537624f,
    -0.6666666865348816f,
    -1.0f,
    -0.3333333432674408f,
    -0.5f,
    -0.1666666716337204f,
    -0.25f,
};

// The ranks of the middles between neighbours, rounded to f32, the smallest
// first; a middle belongs to the lower level. And the codes from low to high.
static const int32_t qqi_bnb_fp4_last[14] QQI_UNUSED = {
    -0x3f555556, -0x3f155556, -0x3ed55556, -0x3e955556, -0x3e555556,
    -0x3db00000, -0x3b2aaaab, 0x3b2aaaab,  0x3db00000,  0x3e555556,
    0x3e955556,  0x3ed55556,  0x3f155556,  0x3f555556,
};
static const uint8_t qqi_bnb_fp4_codes[15] QQI_UNUSED = {
    11, 10, 13, 12, 15, 14, 9, 0, 1, 6, 7, 4, 5, 2, 3};

// NaN gives 0.
QQI_INLINE uint32_t qqi_bnb_fp4_encode(float x)
{
    const int32_t rank = qqi_rank_f32(x);
    uint32_t place = 0;

    for (int i = 0; i < 14; i++)
        place += (uint32_t)(rank > qqi_bnb_fp4_last[i]);
    return qqi_is_nan_f32(x) ? 0 : qqi_bnb_fp4_codes[place];
}

QQ_API const float *qq_book_levels(qq_type type)
{
    if (type == QQ_TYPE_NF4)
        return qqi_nf4_levels;
    return type == QQ_TYPE_BNB_FP4 ? qqi_bnb_fp4_levels : NULL;
}

// Levels, and the codes of different ones from the lowest up.
typedef struct qqi_book {
    const float *levels;
    size_t count;
    uint8_t order[256];
} qqi_book;

// 2 to 256 finite levels; equal ones are found by the lowest code.
QQI_FN int qqi_book_check(const float *levels, size_t level_count)
{
    if (!levels || level_count < 2 || level_count > 256)
        return 0;
    for (size_t i = 0; i < level_count; i++)
        if (!qqi_is_finite_f32(levels[i]))
            return 0;
    return 1;
}

// How many levels of the book have a rank of at most r.
QQI_INLINE size_t qqi_book_below(const qqi_book *book, int32_t r)
{
    size_t lo = 0;
    size_t hi = book->count;

    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (qqi_rank_f32(book->levels[book->order[mid]]) <= r)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

QQI_FN void qqi_book_make(qqi_book *book, const float *levels,
                          size_t level_count)
{
    book->levels = levels;
    book->count = 0;
    for (size_t i = 0; i < level_count; i++) {
        const int32_t r = qqi_rank_f32(levels[i]);
        const size_t at = qqi_book_below(book, r);
        if (at > 0 && qqi_rank_f32(levels[book->order[at - 1]]) == r)
            continue;
        QQ_MEMMOVE(book->order + at + 1, book->order + at, book->count - at);
        book->order[at] = (uint8_t)i;
        book->count++;
    }
}

// Whether x lies nearer to b than to a, a <= x <= b.
QQI_INLINE int qqi_nearer_above(double a, double x, double b)
{
    const double s = a + b;
    const double v = s - a;
    const double e = (a - (s - v)) + (b - v); // a + b = s + e
    const double d = 2.0 * x - s;

    return d > 0.0 || (!(d < 0.0) && e < 0.0);
}

QQI_FN uint8_t qqi_book_code(const qqi_book *book, float x)
{
    if (qqi_is_nan_f32(x))
        return 0;
    const size_t above = qqi_book_below(book, qqi_rank_f32(x));
    if (above == 0)
        return book->order[0];
    const uint8_t low = book->order[above - 1];
    if (above == book->count)
        return low;
    const uint8_t high = book->order[above];
    const int up = qqi_nearer_above(qqi_f64_from_f32(book->levels[low]),
                                    qqi_f64_from_f32(x),
                                    qqi_f64_from_f32(book->levels[high]));
    return up ? high : low;
}

QQ_API qq_status qq_book_encode(const float *levels, size_t level_count,
                                size_t count, const float *x, uint8_t *codes)
{
    qqi_book book;

    if (!qqi_book_check(levels, level_count))
        return QQ_ERR_ARGUMENT;
    if (count > 0 && (!x || !codes))
        return QQ_ERR_ARGUMENT;
    qqi_book_make(&book, levels, level_count);
    for (size_t i = 0; i < count; i++)
        codes[i] = qqi_book_code(&book, x[i]);
    return QQ_OK;
}

QQ_API qq_status qq_book_decode(const float *levels, size_t level_count,
                                size_t count, const uint8_t *codes, float *x)
{
    if (!qqi_book_check(levels, level_count))
        return QQ_ERR_ARGUMENT;
    if (count > 0 && (!codes || !x))
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        const size_t c = codes[i];
        x[i] = levels[c < level_count ? c : level_count - 1];
    }
    return QQ_OK;
}

// ==== codec/bnb_map.h ====

// qquant floor 4: the dynamic map of bitsandbytes, and its nearest level.
//
// 256 levels, ascending: 0, 1, and seven groups. Group i holds the middles
// between neighbours of n + 1 points from 0.1 to 1, times 10^(i - 6). Signed:
// n = 2^i, each level with both signs. Unsigned: n = 2^(i+1).
//
//   code      0 ... 126   127   128 ... 254          255
//   signed   -(254 ... 128)  0   0.55e-6 ... 0.9929   1
//   code      0    1 ... 254                         255
//   unsigned  0    3.25e-7 ... 0.9965                1
//
// Above 0 (unsigned) or 127 (signed) the codes run through the groups in
// order, so code - 127 (signed) or code + 1 is 2^k + j: middle j of the group
// with n = 2^k. Bits are those of the original, whose points come from
// torch.linspace: from both ends towards the middle, each one fused step.

enum { QQI_BNB_LEVELS = 256, QQI_BNB_MAP_BYTES = 4 * QQI_BNB_LEVELS };

// Point j of n + 1 from 0.1 to 1.
QQI_FN float qqi_bnb_point(unsigned n, unsigned j)
{
    const float step = (1.0f - 0.1f) / (float)n;

    if (j < (n + 1) / 2)
        return qqi_fma_f32(step, (float)j, 0.1f);
    return qqi_fma_f32(-step, (float)(n - j), 1.0f);
}

// The level of a code of the dynamic map.
QQI_FN float qqi_bnb_dynamic(int is_signed, unsigned code)
{
    static const float powers[7] = {1e-6f, 1e-5f, 1e-4f, 1e-3f,
                                    1e-2f, 1e-1f, 1.0f};
    const unsigned zero = is_signed ? 127 : 0;
    unsigned k = 0;

    if (code == zero)
        return 0.0f;
    if (code == 255)
        return 1.0f;
    const unsigned place = code > zero ? code - zero : zero - code;
    const unsigned r = is_signed ? place : place + 1; // 2^k + j
    while (r >> (k + 1) != 0)
        k++;
    const unsigned n = 1u << k;
    const float a = qqi_bnb_point(n, r - n);
    const float b = qqi_bnb_point(n, r - n + 1);
    const float power = powers[is_signed ? k : k - 1];
    const float level = qqi_mul_f32((a + b) * 0.5f, power);
    return code > zero ? level : -level;
}

// Levels lie in bytes at any address, in the machine's order; NULL stands for
// the signed dynamic map.
QQI_INLINE float qqi_bnb_level(const void *map, unsigned code)
{
    if (!map)
        return qqi_bnb_dynamic(1, code);
    return qqi_load_f32((const uint8_t *)map + 4 * code);
}

QQI_FN void qqi_bnb_write_map(void *map)
{
    for (unsigned i = 0; i < QQI_BNB_LEVELS; i++)
        qqi_store_f32((uint8_t *)map + 4 * i, qqi_bnb_dynamic(1, i));
}

QQ_API void qq_bnb_dynamic_map(int is_signed, float levels[256])
{
    for (unsigned i = 0; i < QQI_BNB_LEVELS; i++)
        levels[i] = qqi_bnb_dynamic(is_signed, i);
}

// Finite and nowhere descending.
QQI_FN int qqi_bnb_ascends(const float *levels)
{
    for (unsigned i = 0; i < QQI_BNB_LEVELS; i++)
        if (!qqi_is_finite_f32(levels[i]) ||
            (i > 0 && levels[i] < levels[i - 1]))
            return 0;
    return 1;
}

// The code of the level nearest to v, of two the lower level, of equal levels
// the lowest code. v is no NaN; the map ascends.
QQI_FN unsigned qqi_bnb_nearest(const uint8_t *map, float v)
{
    unsigned lo = 0; // levels below v
    unsigned hi = QQI_BNB_LEVELS;

    while (lo < hi) {
        const unsigned mid = (lo + hi) / 2;
        if (qqi_load_f32(map + 4 * mid) < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return 0;
    unsigned code = lo - 1;
    const float a = qqi_load_f32(map + 4 * code);
    if (lo < QQI_BNB_LEVELS &&
        qqi_nearer_above(qqi_f64_from_f32(a), qqi_f64_from_f32(v),
                         qqi_f64_from_f32(qqi_load_f32(map + 4 * lo))))
        return lo;
    while (code > 0 && !(qqi_load_f32(map + 4 * (code - 1)) < a))
        code--;
    return code;
}

// ==== codec/bnb_blocks.h ====

// qquant floor 4: the 8-bit block format of bitsandbytes.
//
//   scales [f32 a block], map [256 f32, if it is not the caller's], codes
//
// Optimizer states and nested scales are kept in it. See api/bnb.h.

// Codes and scales of n numbers.
QQI_FN void qqi_bnb_encode_blocks(qq_type type, const void *x, size_t n,
                                  size_t block_size, const void *map,
                                  uint8_t *absmax, uint8_t *codes)
{
    for (size_t from = 0; from < n; absmax += 4) {
        const size_t count = n - from < block_size ? n - from : block_size;
        const float top = qqi_bnb_absmax(type, x, from, count);
        qqi_store_f32(absmax, top);
        for (size_t i = from; i < from + count; i++) {
            const float v = qqi_bnb_load(type, x, i);
            codes[i] = (uint8_t)qqi_bnb_nearest((const uint8_t *)map,
                                                qqi_bnb_ratio(v, top, 0.0f));
        }
        from += count;
    }
}

QQ_API size_t qq_bnb_blocks_size(const qq_tensor *x, size_t block_size,
                                 const float *levels)
{
    size_t n = 0;

    if (qqi_bnb_tensor(x, &n) != QQ_OK || !qqi_bnb_is_float(x->type) ||
        block_size == 0 || (levels && !qqi_bnb_ascends(levels)))
        return SIZE_MAX;
    if (n == 0)
        return 0;
    const size_t map = levels ? 0 : (size_t)QQI_BNB_MAP_BYTES;
    return 4 * qqi_bnb_pieces(n, block_size) + map + n;
}

QQ_API qq_status qq_bnb_quantize_blocks(const qq_tensor *x, size_t block_size,
                                        const float *levels, void *out,
                                        size_t out_bytes, qq_bnb_blocks *view)
{
    uint8_t *p = (uint8_t *)out;
    const void *map = levels;
    size_t n = 0;

    const qq_status status = qqi_bnb_tensor(x, &n);
    if (status != QQ_OK)
        return status;
    if (!qqi_bnb_is_float(x->type))
        return QQ_ERR_TYPE;
    if (block_size == 0 || (levels && !qqi_bnb_ascends(levels)))
        return QQ_ERR_ARGUMENT;
    const size_t need = qq_bnb_blocks_size(x, block_size, levels);
    const qq_status fits = qqi_bnb_buffer(out, out_bytes, need);
    if (fits != QQ_OK)
        return fits;
    if (!view)
        return QQ_ERR_ARGUMENT;

    const size_t blocks = qqi_bnb_pieces(n, block_size);
    uint8_t *codes = n > 0 ? p + (need - n) : p;
    if (!levels && n > 0) {
        map = p + 4 * blocks;
        qqi_bnb_write_map(p + 4 * blocks);
    }
    qqi_bnb_encode_blocks(x->type, x->data, n, block_size, map, p, codes);
    view->codes = qqi_bnb_view(codes, QQ_TYPE_UINT8, x->rank, x->shape);
    view->absmax = qqi_bnb_row(p, QQ_TYPE_F32, blocks);
    view->quant_map = map ? qqi_bnb_row(map, QQ_TYPE_F32, QQI_BNB_LEVELS)
                          : qqi_bnb_no_tensor();
    view->block_size = block_size;
    return QQ_OK;
}

QQ_API qq_status qq_bnb_dequantize_blocks(const qq_bnb_blocks *b, qq_type type,
                                          void *out, size_t out_bytes,
                                          qq_tensor *view)
{
    size_t n = 0;

    if (!b || b->block_size == 0)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_bnb_tensor(&b->codes, &n);
    if (status == QQ_OK && b->codes.type != QQ_TYPE_UINT8)
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_bnb_part(&b->absmax, QQ_TYPE_F32,
                              qqi_bnb_pieces(n, b->block_size));
    if (status == QQ_OK && b->quant_map.type != QQ_TYPE_NONE)
        status = qqi_bnb_part(&b->quant_map, QQ_TYPE_F32, QQI_BNB_LEVELS);
    if (status == QQ_OK && !qqi_bnb_is_float(type))
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, n * qqi_bnb_width(type));
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;

    const uint8_t *codes = (const uint8_t *)b->codes.data;
    const void *map =
        b->quant_map.type == QQ_TYPE_NONE ? NULL : b->quant_map.data;
    for (size_t i = 0; i < n; i++) {
        const float s =
            qqi_bnb_load(QQ_TYPE_F32, b->absmax.data, i / b->block_size);
        qqi_bnb_store(type, out, i, qqi_bnb_level(map, codes[i]) * s);
    }
    *view = qqi_bnb_view(out, type, b->codes.rank, b->codes.shape);
    return QQ_OK;
}

// ==== codec/bnb.h ====

// qquant floor 4: the 4-bit formats of bitsandbytes: quantizing.
//
//   scales   f32 a block; nested: f32 a nested block, the dynamic map, then
//            a uint8 code a block
//   packed   byte i: code 2i in the high four bits, 2i + 1 in the low ones
//
// Blocks have an even number of codes, so no byte belongs to two of them. See
// api/bnb.h for what is computed.

#define QQI_BNB_INIT 0x626e6234u // "bnb4"

// The ranks of the fifteen middles between the levels of nf4, rounded to f32:
// a code is how many of them lie below. Qwix's thresholds (codec/nf4.h) differ
// from these by an ulp at six places.
static const int32_t qqi_bnb_nf4_last[15] QQI_UNUSED = {
    -0x3f591cd8, -0x3f1c5270, -0x3eeb8480, -0x3eadea76, -0x3e703cec,
    -0x3e0d38bc, -0x3d3a7871, 0x3d22faff,  0x3df64862,  0x3e5067e0,
    0x3e9582d4,  0x3ec753f9,  0x3f006d04,  0x3f248daf,  0x3f5c89da,
};

QQ_API qq_bnb_options qq_bnb_options_init(void)
{
    qq_bnb_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_BNB_INIT;
    o.type = QQ_TYPE_NF4;
    o.block_size = 64;
    return o;
}

QQI_INLINE unsigned qqi_bnb_code(qq_type type, float v)
{
    if (type == QQ_TYPE_BNB_FP4)
        return qqi_bnb_fp4_encode(v);
    const int32_t rank = qqi_rank_f32(v);
    unsigned code = 0;
    for (int i = 0; i < 15; i++)
        code += (unsigned)(rank > qqi_bnb_nf4_last[i]);
    return code;
}

QQI_FN qq_status qqi_bnb_check(const qq_tensor *x, const qq_bnb_options *o,
                               qqi_bnb_counts *c)
{
    const qq_status status = qqi_bnb_tensor(x, &c->n);

    if (status != QQ_OK)
        return status;
    if (!qqi_bnb_is_float(x->type))
        return QQ_ERR_TYPE;
    if (o->init != QQI_BNB_INIT)
        return QQ_ERR_ARGUMENT;
    if (!qqi_bnb_is_book(o->type))
        return QQ_ERR_TYPE;
    if (!qqi_bnb_is_block(o->block_size))
        return QQ_ERR_ARGUMENT;
    c->blocks = qqi_bnb_pieces(c->n, o->block_size);
    c->nested = o->nested_block_size > 0
                    ? qqi_bnb_pieces(c->blocks, o->nested_block_size)
                    : 0;
    return QQ_OK;
}

// The bytes before the packed codes.
QQI_FN size_t qqi_bnb_scale_bytes(const qqi_bnb_counts *c)
{
    if (c->nested == 0)
        return 4 * c->blocks;
    return 4 * c->nested + QQI_BNB_MAP_BYTES + c->blocks;
}

QQ_API size_t qq_bnb_size(const qq_tensor *x, const qq_bnb_options *o)
{
    const qq_bnb_options defaults = qq_bnb_options_init();
    qqi_bnb_counts c;

    if (qqi_bnb_check(x, o ? o : &defaults, &c) != QQ_OK)
        return SIZE_MAX;
    return qqi_bnb_scale_bytes(&c) + c.n / 2 + c.n % 2;
}

QQ_API size_t qq_bnb_scratch_size(const qq_tensor *x, const qq_bnb_options *o)
{
    const qq_bnb_options defaults = qq_bnb_options_init();
    qqi_bnb_counts c;

    if (qqi_bnb_check(x, o ? o : &defaults, &c) != QQ_OK)
        return SIZE_MAX;
    return c.nested > 0 ? 4 * c.blocks : 0;
}

// Codes of n numbers, and the f32 scale of every block.
QQI_FN void qqi_bnb_encode(qq_type type, size_t block_size, const qq_tensor *x,
                           size_t n, uint8_t *absmax, uint8_t *packed)
{
    for (size_t from = 0; from < n; from += block_size, absmax += 4) {
        const size_t count = n - from < block_size ? n - from : block_size;
        const float top = qqi_bnb_absmax(x->type, x->data, from, count);
        const float r = count == block_size && top > 0.0f ? 1.0f / top : 0.0f;
        const float by = qqi_is_finite_f32(r) ? r : 0.0f;
        qqi_store_f32(absmax, top);
        for (size_t i = from; i < from + count; i++) {
            const float v = qqi_bnb_load(x->type, x->data, i);
            const unsigned code = qqi_bnb_code(type, qqi_bnb_ratio(v, top, by));
            if (i % 2 == 0)
                packed[i / 2] = (uint8_t)(code << 4);
            else
                packed[i / 2] = (uint8_t)(packed[i / 2] | code);
        }
    }
    if (n % 2 != 0)
        packed[n / 2] = (uint8_t)(packed[n / 2] | qqi_bnb_code(type, 0.0f));
}

// Quantizes the scales in scratch to nested scales, the map and codes in out;
// the offset.
QQI_FN float qqi_bnb_nest(const qqi_bnb_counts *c, size_t nested_block_size,
                          uint8_t *scratch, uint8_t *out)
{
    uint8_t *map = out + 4 * c->nested;
    double sum = 0.0;

    for (size_t i = 0; i < c->blocks; i++)
        sum += qqi_f64_from_f32(qqi_load_f32(scratch + 4 * i));
    const float offset = qqi_f32_from_f64(sum / (double)c->blocks);
    for (size_t i = 0; i < c->blocks; i++) {
        const float s = qqi_load_f32(scratch + 4 * i);
        qqi_store_f32(scratch + 4 * i, s - offset);
    }
    qqi_bnb_write_map(map);
    qqi_bnb_encode_blocks(QQ_TYPE_F32, scratch, c->blocks, nested_block_size,
                          map, out, map + QQI_BNB_MAP_BYTES);
    return offset;
}

// The view of a weight that lies in out.
QQI_FN void qqi_bnb_describe(const qq_tensor *x, const qq_bnb_options *o,
                             const qqi_bnb_counts *c, const uint8_t *out,
                             qq_bnb_weight *w)
{
    const uint8_t *packed = c->n > 0 ? out + qqi_bnb_scale_bytes(c) : out;

    QQ_MEMSET(w, 0, sizeof *w);
    w->packed = qqi_bnb_row(packed, QQ_TYPE_UINT8, c->n / 2 + c->n % 2);
    w->quant_map = qqi_bnb_row(qq_book_levels(o->type), QQ_TYPE_F32, 16);
    w->absmax = qqi_bnb_row(out, QQ_TYPE_F32, c->blocks);
    w->nested_absmax = qqi_bnb_no_tensor();
    w->nested_quant_map = qqi_bnb_no_tensor();
    if (o->nested_block_size > 0) {
        const uint8_t *map = c->n > 0 ? out + 4 * c->nested : out;
        const size_t behind = c->n > 0 ? QQI_BNB_MAP_BYTES : 0;
        w->nested_absmax = qqi_bnb_row(out, QQ_TYPE_F32, c->nested);
        w->absmax = qqi_bnb_row(map + behind, QQ_TYPE_UINT8, c->blocks);
        if (c->n > 0)
            w->nested_quant_map = qqi_bnb_row(map, QQ_TYPE_F32, QQI_BNB_LEVELS);
    }
    for (unsigned i = 0; i < x->rank; i++)
        w->shape[i] = x->shape[i];
    w->rank = x->rank;
    w->type = o->type;
    w->dtype = x->type;
    w->block_size = o->block_size;
    w->nested_block_size = o->nested_block_size;
}

QQ_API qq_status qq_bnb_quantize(const qq_tensor *x, const qq_bnb_options *o,
                                 void *out, size_t out_bytes, void *scratch,
                                 size_t scratch_bytes, qq_bnb_weight *view)
{
    const qq_bnb_options defaults = qq_bnb_options_init();
    uint8_t *p = (uint8_t *)out;
    uint8_t *s = (uint8_t *)scratch;
    float offset = 0.0f;
    qqi_bnb_counts c;

    if (!o)
        o = &defaults;
    qq_status status = qqi_bnb_check(x, o, &c);
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, qq_bnb_size(x, o));
    if (status != QQ_OK)
        return status;
    if (!scratch && scratch_bytes > 0)
        return QQ_ERR_ARGUMENT;
    if (scratch_bytes < qq_bnb_scratch_size(x, o))
        return QQ_ERR_SCRATCH;
    if (!view)
        return QQ_ERR_ARGUMENT;
    if (c.n > 0) {
        qqi_bnb_encode(o->type, o->block_size, x, c.n, c.nested > 0 ? s : p,
                       p + qqi_bnb_scale_bytes(&c));
        if (c.nested > 0)
            offset = qqi_bnb_nest(&c, o->nested_block_size, s, p);
    }
    qqi_bnb_describe(x, o, &c, p, view);
    view->nested_offset = offset;
    return QQ_OK;
}

// ==== codec/bnb_decode.h ====

// qquant floor 4: the 4-bit formats of bitsandbytes: dequantizing.
//
//   scale = absmax, or map[absmax] * nested_absmax + nested_offset
//   value = level * scale
//
// Every operation is rounded to f32.

// A weight whose tensors fit each other.
QQI_FN qq_status qqi_bnb_check_weight(const qq_bnb_weight *w, qqi_bnb_counts *c)
{
    if (!w)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_bnb_count(w->rank, w->shape, &c->n);
    if (status != QQ_OK)
        return status;
    if (!qqi_bnb_is_book(w->type) || !qqi_bnb_is_float(w->dtype))
        return QQ_ERR_TYPE;
    if (!qqi_bnb_is_block(w->block_size))
        return QQ_ERR_ARGUMENT;
    c->blocks = qqi_bnb_pieces(c->n, w->block_size);
    c->nested = 0;
    const int nest = w->nested_block_size > 0;
    if (nest)
        c->nested = qqi_bnb_pieces(c->blocks, w->nested_block_size);
    status = qqi_bnb_part(&w->packed, QQ_TYPE_UINT8, c->n / 2 + c->n % 2);
    if (status == QQ_OK)
        status = qqi_bnb_part(&w->absmax, nest ? QQ_TYPE_UINT8 : QQ_TYPE_F32,
                              c->blocks);
    if (status == QQ_OK && w->quant_map.type != QQ_TYPE_NONE)
        status = qqi_bnb_part(&w->quant_map, QQ_TYPE_F32, 16);
    if (status == QQ_OK && nest)
        status = qqi_bnb_part(&w->nested_absmax, QQ_TYPE_F32, c->nested);
    if (status == QQ_OK && nest && w->nested_quant_map.type != QQ_TYPE_NONE)
        status =
            qqi_bnb_part(&w->nested_quant_map, QQ_TYPE_F32, QQI_BNB_LEVELS);
    return status;
}

// The f32 scale of block i.
QQI_FN float qqi_bnb_scale(const qq_bnb_weight *w, size_t i)
{
    if (w->nested_block_size == 0)
        return qqi_bnb_load(QQ_TYPE_F32, w->absmax.data, i);
    const unsigned code = ((const uint8_t *)w->absmax.data)[i];
    const void *map = w->nested_quant_map.type == QQ_TYPE_NONE
                          ? NULL
                          : w->nested_quant_map.data;
    const float top = qqi_bnb_load(QQ_TYPE_F32, w->nested_absmax.data,
                                   i / w->nested_block_size);
    return qqi_mul_f32(qqi_bnb_level(map, code), top) + w->nested_offset;
}

QQ_API qq_status qq_bnb_scales(const qq_bnb_weight *w, void *out,
                               size_t out_bytes, qq_tensor *view)
{
    qqi_bnb_counts c;

    qq_status status = qqi_bnb_check_weight(w, &c);
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, 4 * c.blocks);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < c.blocks; i++)
        qqi_bnb_store(QQ_TYPE_F32, out, i, qqi_bnb_scale(w, i));
    *view = qqi_bnb_row(out, QQ_TYPE_F32, c.blocks);
    return QQ_OK;
}

QQ_API qq_status qq_bnb_dequantize(const qq_bnb_weight *w, qq_type type,
                                   void *out, size_t out_bytes, qq_tensor *view)
{
    qqi_bnb_counts c;

    qq_status status = qqi_bnb_check_weight(w, &c);
    if (status != QQ_OK)
        return status;
    if (type == QQ_TYPE_NONE)
        type = w->dtype;
    if (!qqi_bnb_is_float(type))
        return QQ_ERR_TYPE;
    status = qqi_bnb_buffer(out, out_bytes, c.n * qqi_bnb_width(type));
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;

    const uint8_t *packed = (const uint8_t *)w->packed.data;
    const void *levels = w->quant_map.type == QQ_TYPE_NONE
                             ? (const void *)qq_book_levels(w->type)
                             : w->quant_map.data;
    for (size_t block = 0; block < c.blocks; block++) {
        const float s = qqi_bnb_scale(w, block);
        size_t i = block * w->block_size;
        const size_t end = c.n - i < w->block_size ? c.n : i + w->block_size;
        for (; i < end; i++) {
            const unsigned code = (unsigned)packed[i / 2] >> (i % 2 ? 0 : 4);
            qqi_bnb_store(type, out, i, qqi_bnb_level(levels, code & 15) * s);
        }
    }
    *view = qqi_bnb_view(out, type, w->rank, w->shape);
    return QQ_OK;
}

// ==== codec/bnb_product.h ====

// qquant floor 4: the product of two matrices of int8 rows (LLM.int8).
//
//   sums[i][j] = sum over c of x[i][c] * y[j][c]           exact
//   z[i][j]    = (sums[i][j] * (x_absmax[i] * y_absmax[j])) * c [+ bias[j]]
//
// Every operation of the second line is rounded to f32, then z to its type.

// A matrix of int8 codes.
QQI_FN qq_status qqi_bnb_check_codes(const qq_tensor *t)
{
    size_t n = 0;

    const qq_status status = qqi_bnb_tensor(t, &n);
    if (status != QQ_OK)
        return status;
    if (t->type != QQ_TYPE_INT8)
        return QQ_ERR_TYPE;
    return t->rank == 2 ? QQ_OK : QQ_ERR_SHAPE;
}

QQ_API qq_status qq_bnb_rows_product(const qq_tensor *x, const qq_tensor *y,
                                     void *out, size_t out_bytes,
                                     qq_tensor *view)
{
    size_t shape[2];
    size_t count = 0;

    qq_status status = qqi_bnb_check_codes(x);
    if (status == QQ_OK)
        status = qqi_bnb_check_codes(y);
    if (status != QQ_OK)
        return status;
    const size_t k = x->shape[1];
    // The largest magnitude of a sum is 128 * 128 * 131071 < 2^31.
    if (k != y->shape[1] || k > 131071)
        return QQ_ERR_SHAPE;
    shape[0] = x->shape[0];
    shape[1] = y->shape[0];
    status = qqi_bnb_count(2, shape, &count);
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, 4 * count);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    const int8_t *a = (const int8_t *)x->data;
    const int8_t *b = (const int8_t *)y->data;
    for (size_t at = 0; at < count; at++) {
        const size_t i = at / shape[1] * k;
        const size_t j = at % shape[1] * k;
        int32_t sum = 0;
        for (size_t c = 0; c < k; c++)
            sum += a[i + c] * b[j + c];
        qqi_store_i32((uint8_t *)out + 4 * at, sum);
    }
    *view = qqi_bnb_view(out, QQ_TYPE_INT32, 2, shape);
    return QQ_OK;
}

// What qq_bnb_rows_scale is given, but for its buffer.
QQI_FN qq_status qqi_bnb_check_sums(const qq_tensor *sums,
                                    const qq_tensor *x_absmax,
                                    const qq_tensor *y_absmax,
                                    const qq_tensor *bias, qq_type type,
                                    size_t *count)
{
    qq_status status = qqi_bnb_tensor(sums, count);

    if (status == QQ_OK && sums->type != QQ_TYPE_INT32)
        status = QQ_ERR_TYPE;
    if (status == QQ_OK && sums->rank != 2)
        status = QQ_ERR_SHAPE;
    if (status == QQ_OK && (!x_absmax || !y_absmax))
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_bnb_part(x_absmax, QQ_TYPE_F32, sums->shape[0]);
    if (status == QQ_OK)
        status = qqi_bnb_part(y_absmax, QQ_TYPE_F32, sums->shape[1]);
    if (status == QQ_OK && bias && !qqi_bnb_is_float(bias->type))
        status = QQ_ERR_TYPE;
    if (status == QQ_OK && bias)
        status = qqi_bnb_part(bias, bias->type, sums->shape[1]);
    if (status == QQ_OK && !qqi_bnb_is_float(type))
        status = QQ_ERR_TYPE;
    return status;
}

QQ_API qq_status qq_bnb_rows_scale(const qq_tensor *sums,
                                   const qq_tensor *x_absmax,
                                   const qq_tensor *y_absmax,
                                   const qq_tensor *bias, qq_type type,
                                   void *out, size_t out_bytes, qq_tensor *view)
{
    size_t count = 0;

    qq_status status =
        qqi_bnb_check_sums(sums, x_absmax, y_absmax, bias, type, &count);
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, count * qqi_bnb_width(type));
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    for (size_t at = 0; at < count; at++) {
        const size_t i = at / sums->shape[1];
        const size_t j = at % sums->shape[1];
        const float s =
            qqi_mul_f32(qqi_bnb_load(QQ_TYPE_F32, x_absmax->data, i),
                        qqi_bnb_load(QQ_TYPE_F32, y_absmax->data, j));
        const int32_t sum = qqi_load_i32((const uint8_t *)sums->data + 4 * at);
        float z = qqi_mul_f32(qqi_mul_f32((float)sum, s), 6.200124e-05f);
        if (bias)
            z += qqi_bnb_load(bias->type, bias->data, j);
        qqi_bnb_store(type, out, at, z);
    }
    *view = qqi_bnb_view(out, type, 2, sums->shape);
    return QQ_OK;
}

// ==== codec/bnb_rows.h ====

// qquant floor 4: int8 by rows (LLM.int8).
//
//   scales [f32 a row], columns [int32, as many as x has], codes [int8]
//
// Columns are found first, so that a row's codes are written once. See
// api/bnb.h for what is computed.

// The rows and columns of an array of at least one axis.
typedef struct qqi_bnb_matrix {
    size_t rows;
    size_t columns;
} qqi_bnb_matrix;

QQI_FN qq_status qqi_bnb_matrix_of(const qq_tensor *x, qqi_bnb_matrix *m)
{
    size_t n = 0;

    const qq_status status = qqi_bnb_tensor(x, &n);
    if (status != QQ_OK)
        return status;
    if (x->rank == 0)
        return QQ_ERR_SHAPE;
    m->columns = x->shape[x->rank - 1];
    // An array without numbers has no columns to look at, either.
    m->rows = n > 0 ? n / m->columns : 0;
    if (m->rows == 0)
        m->columns = 0;
    return m->columns > (size_t)INT32_MAX ? QQ_ERR_SHAPE : QQ_OK;
}

QQI_FN qq_status qqi_bnb_check_rows(const qq_tensor *x, float threshold,
                                    qqi_bnb_matrix *m)
{
    const qq_status status = qqi_bnb_matrix_of(x, m);

    if (status != QQ_OK)
        return status;
    if (!qqi_bnb_is_float(x->type))
        return QQ_ERR_TYPE;
    return threshold >= 0.0f ? QQ_OK : QQ_ERR_ARGUMENT;
}

QQI_FN size_t qqi_bnb_rows_need(const qqi_bnb_matrix *m, float threshold)
{
    const size_t columns = threshold > 0.0f ? m->columns : 0;

    return 4 * m->rows + 4 * columns + m->rows * m->columns;
}

QQ_API size_t qq_bnb_rows_size(const qq_tensor *x, float threshold)
{
    qqi_bnb_matrix m;

    if (qqi_bnb_check_rows(x, threshold, &m) != QQ_OK)
        return SIZE_MAX;
    return qqi_bnb_rows_need(&m, threshold);
}

// Whether x is an outlier; NaN is none.
QQI_INLINE int qqi_bnb_is_outlier(float x, float threshold)
{
    return threshold > 0.0f && qqi_abs_f32(x) >= threshold;
}

// Writes the columns with outliers, and how many there are.
QQI_FN size_t qqi_bnb_find_columns(const qq_tensor *x, const qqi_bnb_matrix *m,
                                   float threshold, uint8_t *columns)
{
    size_t found = 0;

    for (size_t j = 0; j < m->columns && threshold > 0.0f; j++) {
        size_t i = 0;
        while (
            i < m->rows &&
            !qqi_bnb_is_outlier(
                qqi_bnb_load(x->type, x->data, i * m->columns + j), threshold))
            i++;
        if (i < m->rows)
            qqi_store_i32(columns + 4 * found++, (int32_t)j);
    }
    return found;
}

// The largest finite magnitude among numbers that are no outliers.
QQI_FN float qqi_bnb_row_absmax(const qq_tensor *x, size_t from, size_t count,
                                float threshold)
{
    float top = 0.0f;

    for (size_t i = from; i < from + count; i++) {
        const float v = qqi_bnb_load(x->type, x->data, i);
        const float a = qqi_abs_f32(v);
        if (a > top && qqi_is_finite_f32(a) &&
            !qqi_bnb_is_outlier(v, threshold))
            top = a;
    }
    return top;
}

// Codes of a row. Its outliers lie in columns, so they need no look here.
QQI_FN void qqi_bnb_encode_row(const qq_tensor *x, size_t from, size_t count,
                               float top, const uint8_t *columns, size_t found,
                               uint8_t *codes)
{
    const float q = top > 0.0f ? 127.0f / top : 0.0f;
    size_t next = 0;

    for (size_t j = 0; j < count; j++) {
        const float v = qqi_bnb_load(x->type, x->data, from + j);
        const int out =
            next < found && qqi_load_i32(columns + 4 * next) == (int32_t)j;
        next += (size_t)out;
        float r = qqi_bnb_ratio(v, top, q);
        if (!qqi_is_finite_f32(q) && qqi_is_finite_f32(v))
            r = qqi_mul_f32(qqi_bnb_ratio(v, top, 0.0f), 127.0f);
        const int32_t code = out ? 0 : qqi_sat_i32(r, -127, 127);
        codes[j] = (uint8_t)(code & 255);
    }
}

QQ_API qq_status qq_bnb_quantize_rows(const qq_tensor *x, float threshold,
                                      void *out, size_t out_bytes,
                                      qq_bnb_rows *view)
{
    uint8_t *p = (uint8_t *)out;
    qqi_bnb_matrix m;

    qq_status status = qqi_bnb_check_rows(x, threshold, &m);
    if (status != QQ_OK)
        return status;
    const size_t need = qqi_bnb_rows_need(&m, threshold);
    status = qqi_bnb_buffer(out, out_bytes, need);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;

    uint8_t *columns = m.rows > 0 ? p + 4 * m.rows : p;
    uint8_t *codes = m.rows > 0 ? p + (need - m.rows * m.columns) : p;
    const size_t found = qqi_bnb_find_columns(x, &m, threshold, columns);
    for (size_t i = 0; i < m.rows; i++) {
        const size_t from = i * m.columns;
        const float top = qqi_bnb_row_absmax(x, from, m.columns, threshold);
        qqi_store_f32(p + 4 * i, top);
        qqi_bnb_encode_row(x, from, m.columns, top, columns, found,
                           codes + from);
    }
    view->codes = qqi_bnb_view(codes, QQ_TYPE_INT8, x->rank, x->shape);
    view->absmax = qqi_bnb_row(p, QQ_TYPE_F32, m.rows);
    view->columns = qqi_bnb_row(columns, QQ_TYPE_INT32, found);
    return QQ_OK;
}

QQ_API qq_status qq_bnb_dequantize_rows(const qq_bnb_rows *r, qq_type type,
                                        void *out, size_t out_bytes,
                                        qq_tensor *view)
{
    qqi_bnb_matrix m;

    if (!r)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_bnb_matrix_of(&r->codes, &m);
    if (status == QQ_OK && r->codes.type != QQ_TYPE_INT8)
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_bnb_part(&r->absmax, QQ_TYPE_F32, m.rows);
    if (status == QQ_OK && !qqi_bnb_is_float(type))
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes,
                                m.rows * m.columns * qqi_bnb_width(type));
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;

    const int8_t *codes = (const int8_t *)r->codes.data;
    for (size_t i = 0; i < m.rows; i++) {
        const float top = qqi_bnb_load(QQ_TYPE_F32, r->absmax.data, i);
        for (size_t j = 0; j < m.columns; j++) {
            const size_t at = i * m.columns + j;
            const float v = qqi_mul_f32((float)codes[at], top);
            qqi_bnb_store(type, out, at, v * 7.874015718698502e-3f);
        }
    }
    *view = qqi_bnb_view(out, type, r->codes.rank, r->codes.shape);
    return QQ_OK;
}

// ==== codec/json.h ====

// qquant floor 4: a strict reader of JSON (RFC 8259) over pointer and length.
//
// It takes one thing after another and looks at each byte once; nothing is
// allocated or copied. Every function answers 1, or 0 where the text does not
// continue as asked; then the text is malformed and the rest of no use.

enum { QQI_JSON_DEPTH = 8 };

// What is left of the text.
typedef struct qqi_json {
    const uint8_t *p;
    size_t n;
} qqi_json;

// A string without its quotes, escapes as they stand.
typedef struct qqi_json_string {
    const uint8_t *p;
    size_t n;
} qqi_json_string;

// A number: minus, its digits before and behind the point, its exponent.
typedef struct qqi_json_number {
    qqi_json_string whole;
    qqi_json_string part;
    int64_t exponent;
    int minus;
} qqi_json_number;

// The next byte, -1 at the end.
QQI_INLINE int qqi_json_peek(const qqi_json *j)
{
    return j->n > 0 ? *j->p : -1;
}

QQI_INLINE int qqi_json_take(qqi_json *j, int c)
{
    if (qqi_json_peek(j) != c)
        return 0;
    j->p++;
    j->n--;
    return 1;
}

QQI_FN void qqi_json_blanks(qqi_json *j)
{
    while (qqi_json_take(j, ' ') || qqi_json_take(j, '\n') ||
           qqi_json_take(j, '\r') || qqi_json_take(j, '\t'))
        continue;
}

// Takes a mark and the blanks around it.
QQI_FN int qqi_json_mark(qqi_json *j, int c)
{
    qqi_json_blanks(j);
    if (!qqi_json_take(j, c))
        return 0;
    qqi_json_blanks(j);
    return 1;
}

QQI_INLINE int qqi_json_is_hex(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

QQI_FN int qqi_json_take_string(qqi_json *j, qqi_json_string *s)
{
    if (!qqi_json_take(j, '"'))
        return 0;
    s->p = j->p;
    for (;;) {
        int c = qqi_json_peek(j);
        if (c < 32) // the end, too
            return 0;
        s->n = (size_t)(j->p - s->p);
        (void)qqi_json_take(j, c);
        if (c == '"')
            return 1;
        if (c != '\\')
            continue;
        c = qqi_json_peek(j);
        int digits = c == 'u' ? 4 : 0;
        if (c != '"' && c != '\\' && c != '/' && c != 'b' && c != 'f' &&
            c != 'n' && c != 'r' && c != 't' && c != 'u')
            return 0;
        (void)qqi_json_take(j, c);
        for (; digits > 0; digits--) {
            c = qqi_json_peek(j);
            if (!qqi_json_is_hex(c))
                return 0;
            (void)qqi_json_take(j, c);
        }
    }
}

QQI_FN int qqi_json_is(qqi_json_string s, const char *word)
{
    size_t i = 0;

    for (; word[i] != '\0'; i++)
        if (i >= s.n || s.p[i] != (uint8_t)word[i])
            return 0;
    return i == s.n;
}

// Digits; there may be none.
QQI_FN void qqi_json_digits(qqi_json *j, qqi_json_string *s)
{
    s->p = j->p;
    while (qqi_json_peek(j) >= '0' && qqi_json_peek(j) <= '9')
        (void)qqi_json_take(j, qqi_json_peek(j));
    s->n = (size_t)(j->p - s->p);
}

// The value of digits, cut at 2^40, beyond which no exponent matters.
QQI_FN int64_t qqi_json_small(qqi_json_string s)
{
    const int64_t top = (int64_t)1 << 40;
    int64_t v = 0;

    for (size_t i = 0; i < s.n && v < top; i++)
        v = v * 10 + (s.p[i] - '0');
    return v < top ? v : top;
}

QQI_FN int qqi_json_take_number(qqi_json *j, qqi_json_number *x)
{
    x->minus = qqi_json_take(j, '-');
    x->exponent = 0;
    qqi_json_digits(j, &x->whole);
    if (x->whole.n == 0 || (*x->whole.p == '0' && x->whole.n > 1))
        return 0;
    const int point = qqi_json_take(j, '.');
    x->part.p = j->p;
    x->part.n = 0;
    if (point) {
        qqi_json_digits(j, &x->part);
        if (x->part.n == 0)
            return 0;
    }
    if (!qqi_json_take(j, 'e') && !qqi_json_take(j, 'E'))
        return 1;
    qqi_json_string digits;
    const int down = qqi_json_take(j, '-');
    if (!down)
        (void)qqi_json_take(j, '+');
    qqi_json_digits(j, &digits);
    x->exponent = down ? -qqi_json_small(digits) : qqi_json_small(digits);
    return digits.n > 0;
}

// The double nearest to a number; an infinity where it is too large.
QQI_FN double qqi_json_value(const qqi_json_number *x)
{
    struct qqi_decimal d;
    int64_t power = x->exponent + (int64_t)x->whole.n;

    QQ_MEMSET(&d, 0, sizeof d);
    for (size_t i = 0; i < x->whole.n; i++)
        qqi_decimal_put(&d, (unsigned)(x->whole.p[i] - '0'), --power);
    for (size_t i = 0; i < x->part.n; i++)
        qqi_decimal_put(&d, (unsigned)(x->part.p[i] - '0'), --power);
    const double v = qqi_decimal_value(&d);
    return x->minus ? -v : v;
}

// A whole number from 0 up, without point or exponent, that is a size.
QQI_FN int qqi_json_take_size(qqi_json *j, size_t *out)
{
    qqi_json_number x;
    const uint8_t *start = j->p;
    size_t v = 0;

    if (!qqi_json_take_number(j, &x) || x.minus ||
        (size_t)(j->p - start) != x.whole.n)
        return 0;
    for (size_t i = 0; i < x.whole.n; i++) {
        const size_t digit = (size_t)(x.whole.p[i] - '0');
        if (v > (SIZE_MAX - digit) / 10)
            return 0;
        v = v * 10 + digit;
    }
    *out = v;
    return 1;
}

QQI_FN int qqi_json_take_word(qqi_json *j, const char *word)
{
    for (; *word != '\0'; word++)
        if (!qqi_json_take(j, *word))
            return 0;
    return 1;
}

QQI_FN int qqi_json_skip(qqi_json *j, int depth);

// Values between brackets, with a key each where the bracket is a brace.
QQI_FN int qqi_json_skip_list(qqi_json *j, int depth, int open, int close)
{
    qqi_json_string key;

    if (depth <= 0 || !qqi_json_mark(j, open))
        return 0;
    if (qqi_json_take(j, close))
        return 1;
    do {
        if (open == '{' &&
            (!qqi_json_take_string(j, &key) || !qqi_json_mark(j, ':')))
            return 0;
        if (!qqi_json_skip(j, depth - 1))
            return 0;
    } while (qqi_json_mark(j, ','));
    return qqi_json_take(j, close);
}

// Any value, at most depth levels of brackets deep.
QQI_FN int qqi_json_skip(qqi_json *j, int depth)
{
    qqi_json_string s;
    qqi_json_number x;

    switch (qqi_json_peek(j)) {
    case '{':
        return qqi_json_skip_list(j, depth, '{', '}');
    case '[':
        return qqi_json_skip_list(j, depth, '[', ']');
    case '"':
        return qqi_json_take_string(j, &s);
    case 't':
        return qqi_json_take_word(j, "true");
    case 'f':
        return qqi_json_take_word(j, "false");
    case 'n':
        return qqi_json_take_word(j, "null");
    default:
        return qqi_json_take_number(j, &x);
    }
}

// ==== codec/bnb_state.h ====

// qquant floor 4: the quant_state of bitsandbytes, JSON in a tensor of bytes.
//
//   {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16",
//    "shape": [32, 64], "nested_blocksize": 256,
//    "nested_dtype": "float32", "nested_offset": 4.1796875}
//
// The first four members are required; of the others none, or block size and
// offset. Members of other names are skipped.

// Which members were met.
enum {
    QQI_STATE_TYPE = 1,
    QQI_STATE_BLOCK = 2,
    QQI_STATE_DTYPE = 4,
    QQI_STATE_SHAPE = 8,
    QQI_STATE_NEEDED = 15,
    QQI_STATE_NESTED_BLOCK = 16,
    QQI_STATE_NESTED_OFFSET = 32,
    QQI_STATE_NESTED_DTYPE = 64
};

// What they say; a qq_bnb_weight would be five tensors larger.
typedef struct qqi_state {
    size_t shape[QQ_MAX_RANK];
    size_t block_size;
    size_t nested_block_size;
    unsigned rank;
    float nested_offset;
    qq_type type;
    qq_type dtype;
} qqi_state;

QQI_FN unsigned qqi_state_member(qqi_json_string key)
{
    static const struct {
        const char *name;
        unsigned member;
    } members[] = {
        {"quant_type", QQI_STATE_TYPE},
        {"blocksize", QQI_STATE_BLOCK},
        {"dtype", QQI_STATE_DTYPE},
        {"shape", QQI_STATE_SHAPE},
        {"nested_blocksize", QQI_STATE_NESTED_BLOCK},
        {"nested_offset", QQI_STATE_NESTED_OFFSET},
        {"nested_dtype", QQI_STATE_NESTED_DTYPE},
    };

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (qqi_json_is(key, members[i].name))
            return members[i].member;
    return 0;
}

// Types by the names that PyTorch and bitsandbytes give them.
QQI_FN qq_status qqi_state_type(qqi_json *j, unsigned member, qq_type *type)
{
    qqi_json_string s;

    if (!qqi_json_take_string(j, &s))
        return QQ_ERR_FORMAT;
    if (member == QQI_STATE_TYPE)
        *type = qqi_json_is(s, "nf4")   ? QQ_TYPE_NF4
                : qqi_json_is(s, "fp4") ? QQ_TYPE_BNB_FP4
                                        : QQ_TYPE_NONE;
    else
        *type = qqi_json_is(s, "float32")    ? QQ_TYPE_F32
                : qqi_json_is(s, "float16")  ? QQ_TYPE_F16
                : qqi_json_is(s, "bfloat16") ? QQ_TYPE_BF16
                                             : QQ_TYPE_NONE;
    return *type == QQ_TYPE_NONE ? QQ_ERR_TYPE : QQ_OK;
}

QQI_FN qq_status qqi_state_shape(qqi_json *j, qqi_state *w)
{
    size_t n = 0;

    w->rank = 0;
    if (!qqi_json_mark(j, '['))
        return QQ_ERR_FORMAT;
    if (qqi_json_take(j, ']'))
        return QQ_OK;
    do {
        if (!qqi_json_take_size(j, &n))
            return QQ_ERR_FORMAT;
        if (w->rank == QQ_MAX_RANK)
            return QQ_ERR_SHAPE;
        w->shape[w->rank++] = n;
    } while (qqi_json_mark(j, ','));
    if (!qqi_json_take(j, ']'))
        return QQ_ERR_FORMAT;
    return qqi_bnb_count(w->rank, w->shape, &n);
}

QQI_FN qq_status qqi_state_offset(qqi_json *j, qqi_state *w)
{
    qqi_json_number x;

    if (!qqi_json_take_number(j, &x))
        return QQ_ERR_FORMAT;
    w->nested_offset = qqi_f32_from_f64(qqi_json_value(&x));
    return qqi_is_finite_f32(w->nested_offset) ? QQ_OK : QQ_ERR_FORMAT;
}

// Reads the value of a member into *w.
QQI_FN qq_status qqi_state_value(qqi_json *j, unsigned member, qqi_state *w)
{
    qq_type type = QQ_TYPE_NONE;
    qq_status status = QQ_OK;

    switch (member) {
    case QQI_STATE_TYPE:
        return qqi_state_type(j, member, &w->type);
    case QQI_STATE_DTYPE:
        return qqi_state_type(j, member, &w->dtype);
    case QQI_STATE_NESTED_DTYPE:
        status = qqi_state_type(j, member, &type);
        return status == QQ_OK && type != QQ_TYPE_F32 ? QQ_ERR_TYPE : status;
    case QQI_STATE_SHAPE:
        return qqi_state_shape(j, w);
    case QQI_STATE_NESTED_OFFSET:
        return qqi_state_offset(j, w);
    case QQI_STATE_BLOCK:
        if (!qqi_json_take_size(j, &w->block_size))
            return QQ_ERR_FORMAT;
        return qqi_bnb_is_block(w->block_size) ? QQ_OK : QQ_ERR_ARGUMENT;
    case QQI_STATE_NESTED_BLOCK:
        if (!qqi_json_take_size(j, &w->nested_block_size))
            return QQ_ERR_FORMAT;
        return w->nested_block_size > 0 ? QQ_OK : QQ_ERR_ARGUMENT;
    default:
        return qqi_json_skip(j, QQI_JSON_DEPTH - 1) ? QQ_OK : QQ_ERR_FORMAT;
    }
}

// The members of the object, and that nothing follows it.
QQI_FN qq_status qqi_state_object(qqi_json *j, qqi_state *w, unsigned *seen)
{
    qqi_json_string key;

    if (!qqi_json_mark(j, '{'))
        return QQ_ERR_FORMAT;
    if (qqi_json_peek(j) != '}') {
        do {
            if (!qqi_json_take_string(j, &key) || !qqi_json_mark(j, ':'))
                return QQ_ERR_FORMAT;
            const unsigned member = qqi_state_member(key);
            if (*seen & member)
                return QQ_ERR_FORMAT;
            *seen |= member;
            const qq_status status = qqi_state_value(j, member, w);
            if (status != QQ_OK)
                return status;
        } while (qqi_json_mark(j, ','));
    }
    return qqi_json_mark(j, '}') && j->n == 0 ? QQ_OK : QQ_ERR_FORMAT;
}

QQ_API qq_status qq_bnb_state_parse(const void *json, size_t json_bytes,
                                    qq_bnb_weight *w)
{
    const unsigned both = QQI_STATE_NESTED_BLOCK | QQI_STATE_NESTED_OFFSET;
    qqi_json j;
    qqi_state made;
    unsigned seen = 0;

    if ((!json && json_bytes > 0) || !w)
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(&made, 0, sizeof made);
    j.p = (const uint8_t *)json;
    j.n = json_bytes;
    const qq_status status = qqi_state_object(&j, &made, &seen);
    if (status != QQ_OK)
        return status;
    if ((seen & QQI_STATE_NEEDED) != QQI_STATE_NEEDED ||
        (seen > QQI_STATE_NEEDED && (seen & both) != both))
        return QQ_ERR_FORMAT;
    QQ_MEMSET(w, 0, sizeof *w); // tensors of type none
    QQ_MEMCPY(w->shape, made.shape, sizeof w->shape);
    w->rank = made.rank;
    w->type = made.type;
    w->dtype = made.dtype;
    w->block_size = made.block_size;
    w->nested_block_size = made.nested_block_size;
    w->nested_offset = made.nested_offset;
    return QQ_OK;
}

// ==== codec/value.h ====

// qquant floor 4: what a code means: numbers to codes and back, of any type.
//
//   sign      1 stands for +1, 0 for -1     ternary   value + 1
//   intN      two's complement              uintN     the number itself
//   floats    num/half.h, num/minifloat.h, num/e8m0.h
//   books     codec/nf4.h, codec/book.h
//
// Formats (mxfp4 ...) mean what their storage type means. The internal calls
// take any type; for a number that is no type they give 0.

// The small float that a type is; NULL where it is none.
QQI_FN const qqi_minifloat *qqi_type_minifloat(qq_type type)
{
    switch ((int)qqi_type_storage(type)) {
    case QQ_TYPE_E4M3FN:
        return &qqi_e4m3fn;
    case QQ_TYPE_E5M2:
        return &qqi_e5m2;
    case QQ_TYPE_E4M3:
        return &qqi_e4m3;
    case QQ_TYPE_E4M3FNUZ:
        return &qqi_e4m3fnuz;
    case QQ_TYPE_E5M2FNUZ:
        return &qqi_e5m2fnuz;
    case QQ_TYPE_E4M3B11FNUZ:
        return &qqi_e4m3b11fnuz;
    case QQ_TYPE_E3M4:
        return &qqi_e3m4;
    case QQ_TYPE_E2M3:
        return &qqi_e2m3;
    case QQ_TYPE_E3M2:
        return &qqi_e3m2;
    case QQ_TYPE_E2M1:
        return &qqi_e2m1;
    default:
        return NULL;
    }
}

// x, a NaN made quiet: passing one through the x87 would do the same.
QQI_INLINE float qqi_quiet_f32(float x)
{
    const uint32_t u = qqi_f32_bits(x);

    return qqi_f32_of(qqi_is_nan_f32(x) ? u | 0x400000u : u);
}

// Plain floats keep infinities, but what is finite stays finite.
QQI_INLINE uint16_t qqi_f16_saturate(float x)
{
    const uint16_t h = qqi_f16_from_f32(x);

    return (uint16_t)(h - ((h & 0x7fff) == 0x7c00 && qqi_is_finite_f32(x)));
}

QQI_INLINE uint16_t qqi_bf16_saturate(float x)
{
    const uint16_t h = qqi_bf16_from_f32(x);

    return (uint16_t)(h - ((h & 0x7fff) == 0x7f80 && qqi_is_finite_f32(x)));
}

QQI_FN uint32_t qqi_encode_float(qq_type type, float x)
{
    if (type == QQ_TYPE_F32)
        return qqi_f32_bits(qqi_quiet_f32(x));
    if (type == QQ_TYPE_F16)
        return qqi_f16_saturate(x);
    return type == QQ_TYPE_BF16 ? qqi_bf16_saturate(x) : 0;
}

// The low bits of a code of that width.
QQI_INLINE uint32_t qqi_cut_code(unsigned bits, uint32_t code)
{
    return bits < 32 ? code & ((1u << bits) - 1) : code;
}

// 1 where x >= 0; by bits, for -1e-40 is below 0 on every machine.
QQI_INLINE uint32_t qqi_encode_sign(float x)
{
    const uint32_t u = qqi_f32_bits(x);

    return u <= 0x7f800000u || u == 0x80000000u;
}

QQI_FN uint32_t qqi_encode_integer(const qqi_type_row *row, float x)
{
    if (row->type == QQ_TYPE_SIGN)
        return qqi_encode_sign(x);
    const int32_t r = qqi_sat_i32(x, row->info.min, row->info.max);
    if (row->type == QQ_TYPE_TERNARY)
        return (uint32_t)(r + 1);
    return qqi_cut_code(row->info.bits, (uint32_t)r);
}

QQ_API uint32_t qq_type_encode(qq_type type, float x)
{
    const qqi_type_row *row = qqi_type_find(type);

    if (!row)
        return 0;
    switch (row->info.kind) {
    case QQ_KIND_FLOAT:
        return qqi_encode_float(type, x);
    case QQ_KIND_INTEGER:
        return qqi_encode_integer(row, x);
    case QQ_KIND_SMALL:
        return qqi_minifloat_from_f32(qqi_type_minifloat(type), x, 1);
    case QQ_KIND_EXPONENT:
        return qqi_e8m0_from_f32(x, QQI_E8M0_NEAREST);
    case QQ_KIND_BOOK:
        if (type == QQ_TYPE_NF4)
            return qqi_nf4_encode(x);
        return type == QQ_TYPE_BNB_FP4 ? qqi_bnb_fp4_encode(x) : 0;
    case QQ_KIND_NONE:
    default:
        return 0;
    }
}

QQ_API uint32_t qq_type_encode_unsaturated(qq_type type, float x)
{
    const qqi_minifloat *small = qqi_type_minifloat(type);

    if (type == QQ_TYPE_F16)
        return qqi_f16_from_f32(x);
    if (type == QQ_TYPE_BF16)
        return qqi_bf16_from_f32(x);
    return small ? qqi_minifloat_from_f32(small, x, 0)
                 : qq_type_encode(type, x);
}

// A code of b bits, cut, and sign-extended where the type is signed.
QQI_INLINE int32_t qqi_code_integer(qq_type type, unsigned b, uint32_t code)
{
    const uint32_t c = qqi_cut_code(b, code);
    const uint32_t top = 1u << (b - 1);

    if (!qqi_type_is_signed(type) || !(c & top))
        return (int32_t)c;
    return -(int32_t)(top - 1 - (c - top)) - 1;
}

// The integer that a code of an integer type stands for.
QQI_FN int32_t qqi_decode_integer(qq_type type, uint32_t code)
{
    const unsigned bits = qq_type_bits(type);

    if (type == QQ_TYPE_SIGN)
        return code & 1 ? 1 : -1;
    if (type == QQ_TYPE_TERNARY)
        return (int32_t)(code & 3) - 1;
    return bits == 0 ? 0 : qqi_code_integer(type, bits, code);
}

QQI_FN float qqi_decode_float(qq_type type, uint32_t code)
{
    if (type == QQ_TYPE_F32)
        return qqi_quiet_f32(qqi_f32_of(code));
    if (type == QQ_TYPE_F16)
        return qqi_f32_from_f16((uint16_t)(code & 0xffff));
    if (type == QQ_TYPE_BF16)
        return qqi_f32_from_bf16((uint16_t)(code & 0xffff));
    return 0.0f;
}

QQ_API float qq_type_decode(qq_type type, uint32_t code)
{
    const qqi_type_row *row = qqi_type_find(type);
    const uint8_t byte = (uint8_t)(code & 255);

    if (!row)
        return 0.0f;
    switch (row->info.kind) {
    case QQ_KIND_FLOAT:
        return qqi_decode_float(type, code);
    case QQ_KIND_INTEGER:
        return (float)qqi_decode_integer(type, code);
    case QQ_KIND_SMALL:
        return qqi_f32_from_minifloat(qqi_type_minifloat(type), byte);
    case QQ_KIND_EXPONENT:
        return qqi_f32_from_e8m0(byte);
    case QQ_KIND_BOOK:
        if (type == QQ_TYPE_NF4)
            return qqi_nf4_levels[code & 15];
        return type == QQ_TYPE_BNB_FP4 ? qqi_bnb_fp4_levels[code & 15] : 0.0f;
    case QQ_KIND_NONE:
    default:
        return 0.0f;
    }
}

// ==== codec/codes.h ====

// qquant floor 4: runs of codes of at most 8 bits, a byte each, and values.
//
// What qq_type_encode and qq_type_decode do one by one, to the bit. Loops of a
// constant count that write to arrays of their own become vectors in gcc at
// -O2, others do not; hence runs of 16.

// The values of e2m1 by code.
static const float qqi_e2m1_levels[16] QQI_UNUSED = {
    0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
    -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

// Integers of at most 8 bits: mul * code + add.
QQI_INLINE void qqi_decode_codes_linear(int is_signed, int32_t mul, int32_t add,
                                        size_t n, const uint8_t *codes,
                                        float *y)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t c = codes[i];
        const int32_t v = is_signed && c > 127 ? c - 256 : c;
        y[i] = (float)(mul * v + add);
    }
}

QQI_INLINE void qqi_decode_codes_table(const float *levels, size_t n,
                                       const uint8_t *codes, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = levels[codes[i] & 15];
}

// y[i] = the value of codes[i], signed ones extended, of a type of at most 8
// bits.
QQI_FN void qqi_decode_codes(qq_type type, size_t n, const uint8_t *codes,
                             float *y)
{
    const qqi_minifloat *small = qqi_type_minifloat(type);

    if (type == QQ_TYPE_SIGN) {
        qqi_decode_codes_linear(0, 2, -1, n, codes, y);
    } else if (type == QQ_TYPE_TERNARY) {
        qqi_decode_codes_linear(0, 1, -1, n, codes, y);
    } else if (qqi_type_is_signed(type)) {
        qqi_decode_codes_linear(1, 1, 0, n, codes, y);
    } else if (small == &qqi_e2m1) {
        qqi_decode_codes_table(qqi_e2m1_levels, n, codes, y);
    } else if (small) {
        for (size_t i = 0; i < n; i++)
            y[i] = qqi_f32_from_minifloat(small, codes[i]);
    } else if (type == QQ_TYPE_NF4) {
        qqi_decode_codes_table(qqi_nf4_levels, n, codes, y);
    } else if (type == QQ_TYPE_BNB_FP4) {
        qqi_decode_codes_table(qqi_bnb_fp4_levels, n, codes, y);
    } else if (type == QQ_TYPE_E8M0) {
        for (size_t i = 0; i < n; i++)
            y[i] = qqi_f32_from_e8m0(codes[i]);
    } else { // uintN, and the codes of a caller's book
        qqi_decode_codes_linear(0, 1, 0, n, codes, y);
    }
}

// What qqi_sat_i32 gives where the bounds are below 2^23: x is cut to them
// first, they are integers, then rounded: t = |x| towards zero, and one more
// where |x| is above t + 1/2, or on it with t odd. low and high are the ranks
// of the bounds. Said in integers as far as can be, because gcc makes
// branches, not vectors, of choices between floats.
QQI_INLINE int32_t qqi_sat_small(float x, int32_t low, int32_t high)
{
    const int32_t any = qqi_is_nan_f32(x) ? 0 : qqi_rank_f32(x);
    const int32_t up = any < low ? low : any;
    const int32_t rank = up > high ? high : up;
    const int32_t sign = -(int32_t)(rank < 0);
    const int32_t a = (rank ^ sign) - sign;
    const int32_t t = (int32_t)qqi_f32_of((uint32_t)a);
    const int32_t half = (int32_t)qqi_f32_bits((float)t + 0.5f);
    const int32_t r = t + (a - half > -(t & 1));

    return (r ^ sign) - sign;
}

#define QQI_RUN ((size_t)16)

QQI_INLINE void qqi_encode_codes_integer(int32_t lo, int32_t hi, int32_t add,
                                         size_t n, const float *x,
                                         uint8_t *codes)
{
    const int32_t low = qqi_rank_f32((float)lo);
    const int32_t high = qqi_rank_f32((float)hi);
    const size_t whole = n - n % QQI_RUN;
    int32_t r[QQI_RUN];

    for (size_t i = 0; i < whole; i += QQI_RUN) {
        for (size_t j = 0; j < QQI_RUN; j++)
            r[j] = qqi_sat_small(x[i + j], low, high) + add;
        for (size_t j = 0; j < QQI_RUN; j++)
            codes[i + j] = (uint8_t)(r[j] & 255);
    }
    for (size_t i = whole; i < n; i++)
        codes[i] = (uint8_t)((qqi_sat_small(x[i], low, high) + add) & 255);
}

// The codes of a book by its thresholds, given as ranks: code[how many of them
// lie below x], or how many where code is NULL. NaN counts as a number of that
// rank. Thresholds outside, numbers inside: so the sums become vectors.
QQI_INLINE void qqi_encode_codes_steps(const int32_t *last, size_t count,
                                       const uint8_t *code, int32_t nan,
                                       size_t n, const float *x, uint8_t *codes)
{
    int32_t rank[QQI_RUN];
    int32_t sum[QQI_RUN];

    for (size_t i = 0; i < n; i += QQI_RUN) {
        const size_t run = n - i < QQI_RUN ? n - i : QQI_RUN;
        QQ_MEMSET(rank, 0, sizeof rank);
        for (size_t j = 0; j < run; j++)
            rank[j] = qqi_is_nan_f32(x[i + j]) ? nan : qqi_rank_f32(x[i + j]);
        QQ_MEMSET(sum, 0, sizeof sum);
        for (size_t k = 0; k < count; k++)
            for (size_t j = 0; j < QQI_RUN; j++)
                sum[j] += rank[j] > last[k];
        for (size_t j = 0; j < run; j++)
            codes[i + j] = code ? code[sum[j]] : (uint8_t)sum[j];
    }
}

// codes[i] = the code of x[i], of a type of at most 8 bits; signed ones are
// not cut.
QQI_FN void qqi_encode_codes(qq_type type, size_t n, const float *x,
                             uint8_t *codes)
{
    const qqi_minifloat *small = qqi_type_minifloat(type);
    const qqi_type_row *row = qqi_type_find(type);

    if (type == QQ_TYPE_SIGN) {
        for (size_t i = 0; i < n; i++)
            codes[i] = (uint8_t)qqi_encode_sign(x[i]);
    } else if (row && row->info.kind == QQ_KIND_INTEGER) {
        const int32_t add = type == QQ_TYPE_TERNARY;
        qqi_encode_codes_integer(row->info.min, row->info.max, add, n, x,
                                 codes);
    } else if (small) {
        for (size_t i = 0; i < n; i++)
            codes[i] = qqi_minifloat_from_f32(small, x[i], 1);
    } else if (type == QQ_TYPE_NF4) {
        qqi_encode_codes_steps(qqi_nf4_last, 15, NULL, INT32_MIN, n, x, codes);
    } else if (type == QQ_TYPE_BNB_FP4) { // NaN as 0, whose code is 0
        qqi_encode_codes_steps(qqi_bnb_fp4_last, 14, qqi_bnb_fp4_codes, 0, n, x,
                               codes);
    } else {
        for (size_t i = 0; i < n; i++)
            codes[i] = (uint8_t)qq_type_encode(type, x[i]);
    }
}

// ==== codec/element.h ====

// qquant floor 4: element i of packed data of any type.
//
// Widths below 8 lie low bits first without gaps; wider ones are whole
// numbers in the machine's own byte order. Nothing need be aligned.

// The code; of f64 0.
QQI_FN uint32_t qqi_load_code(qq_type type, const void *data, size_t i)
{
    const uint8_t *p = (const uint8_t *)data;
    const unsigned bits = qq_type_bits(type);

    switch (bits) {
    case 0:
    case 64:
        return 0;
    case 8:
        return p[i];
    case 16:
        return qqi_load_u16(p + 2 * i);
    case 32:
        return qqi_load_u32(p + 4 * i);
    default:
        return qqi_load_bits(bits, p, i);
    }
}

// Bits above the type's width are ignored, all others in the data stay. f64:
// nothing is done.
QQI_FN void qqi_store_code(qq_type type, void *data, size_t i, uint32_t code)
{
    uint8_t *p = (uint8_t *)data;
    const unsigned bits = qq_type_bits(type);

    switch (bits) {
    case 0:
    case 64:
        return;
    case 8:
        p[i] = (uint8_t)(code & 255);
        return;
    case 16:
        qqi_store_u16(p + 2 * i, (uint16_t)(code & 0xffff));
        return;
    case 32:
        qqi_store_u32(p + 4 * i, code);
        return;
    default:
        qqi_store_bits(bits, p, i, code);
    }
}

// The code as a number: sign-extended for intN.
QQI_FN int32_t qqi_load_integer(qq_type type, const void *data, size_t i)
{
    const unsigned bits = qq_type_bits(type);

    if (bits == 0 || bits == 64)
        return 0;
    return qqi_code_integer(type, bits, qqi_load_code(type, data, i));
}

// The value; f64 rounded to f32, a caller's book by its code.
QQI_FN float qqi_load_value(qq_type type, const void *data, size_t i)
{
    const uint8_t *p = (const uint8_t *)data;

    if (type == QQ_TYPE_F32)
        return qqi_quiet_f32(qqi_load_f32(p + 4 * i));
    if (type == QQ_TYPE_F64)
        return qqi_f32_from_f64(qqi_load_f64(p + 8 * i));
    const uint32_t code = qqi_load_code(type, data, i);
    return type == QQ_TYPE_BOOK ? (float)code : qq_type_decode(type, code);
}

// The value, exactly.
QQI_FN double qqi_load_wide(qq_type type, const void *data, size_t i)
{
    const uint8_t *p = (const uint8_t *)data;

    if (type == QQ_TYPE_F64)
        return qqi_load_f64(p + 8 * i);
    if (type == QQ_TYPE_INT32)
        return (double)qqi_load_i32(p + 4 * i);
    return qqi_f64_from_f32(qqi_load_value(type, data, i));
}

// x as qq_type_encode makes it; as f64 exactly.
QQI_FN void qqi_store_value(qq_type type, void *data, size_t i, float x)
{
    uint8_t *p = (uint8_t *)data;

    if (type == QQ_TYPE_F64)
        qqi_store_f64(p + 8 * i, qqi_f64_from_f32(x));
    else
        qqi_store_code(type, data, i, qq_type_encode(type, x));
}

// The same from a double, with one rounding. Code books see the double
// rounded to f32.
QQI_FN void qqi_store_wide(qq_type type, void *data, size_t i, double x)
{
    uint8_t *p = (uint8_t *)data;

    if (type == QQ_TYPE_F64) {
        qqi_store_f64(p + 8 * i, x);
    } else if (type == QQ_TYPE_INT32) {
        qqi_store_i32(p + 4 * i, qqi_sat_i32_f64(x, INT32_MIN, INT32_MAX));
    } else if (type == QQ_TYPE_F32) {
        const float y = qqi_f32_from_f64(x);
        const int over = qqi_is_inf_f32(y) && qqi_is_finite_f64(x);
        qqi_store_f32(p + 4 * i, over ? qqi_odd_f32_from_f64(x) : y);
    } else if (type == QQ_TYPE_NF4 || type == QQ_TYPE_BNB_FP4) {
        qqi_store_value(type, data, i, qqi_f32_from_f64(x));
    } else {
        qqi_store_value(type, data, i, qqi_odd_f32_from_f64(x));
    }
}

// ==== codec/many.h ====

// qquant floor 4: many elements of packed data at once.
//
// What codec/element.h does one by one, to the bit, but the type is looked at
// once for 64 elements, and their codes are packed and unpacked by the word.

// Codes that are unpacked at a time.
#define QQI_MANY ((size_t)64)

// Elements from p on of a type of more than 8 bits.
QQI_FN void qqi_load_plain(qq_type type, const uint8_t *p, size_t n, float *y)
{
    if (type == QQ_TYPE_F32) {
        for (size_t i = 0; i < n; i++)
            y[i] = qqi_quiet_f32(qqi_load_f32(p + 4 * i));
    } else if (type == QQ_TYPE_F16) {
        for (size_t i = 0; i < n; i++)
            y[i] = qqi_f32_from_f16(qqi_load_u16(p + 2 * i));
    } else if (type == QQ_TYPE_BF16) {
        for (size_t i = 0; i < n; i++)
            y[i] = qqi_f32_from_bf16(qqi_load_u16(p + 2 * i));
    } else if (type == QQ_TYPE_INT16) {
        for (size_t i = 0; i < n; i++)
            y[i] = (float)qqi_load_i16(p + 2 * i);
    } else {
        for (size_t i = 0; i < n; i++)
            y[i] = qqi_load_value(type, p, i);
    }
}

QQI_FN void qqi_store_plain(qq_type type, uint8_t *p, size_t n, const float *x)
{
    if (type == QQ_TYPE_F32) {
        for (size_t i = 0; i < n; i++)
            qqi_store_f32(p + 4 * i, qqi_quiet_f32(x[i]));
    } else if (type == QQ_TYPE_F16) {
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * i, qqi_f16_saturate(x[i]));
    } else if (type == QQ_TYPE_BF16) {
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * i, qqi_bf16_saturate(x[i]));
    } else if (type == QQ_TYPE_INT16) {
        const int32_t low = qqi_rank_f32(-32768.0f);
        const int32_t high = qqi_rank_f32(32767.0f);
        for (size_t i = 0; i < n; i++)
            qqi_store_i16(p + 2 * i, (int16_t)qqi_sat_small(x[i], low, high));
    } else {
        for (size_t i = 0; i < n; i++)
            qqi_store_value(type, p, i, x[i]);
    }
}

// y[i] = the value of element first + i, as qqi_load_value has it.
QQI_FN void qqi_load_values(qq_type type, const void *data, size_t first,
                            size_t count, float *y)
{
    const uint8_t *p = (const uint8_t *)data;
    const unsigned bits = qq_type_bits(type);
    const int is_signed = qqi_type_is_signed(type);
    uint8_t codes[QQI_MANY];

    if (count == 0)
        return;
    if (bits == 0 || bits > 8) {
        qqi_load_plain(type, p + first * (bits / 8), count, y);
        return;
    }
    while (count > 0) {
        const size_t n = count < QQI_MANY ? count : QQI_MANY;
        qqi_unpack_codes(bits, QQ_ORDER_LOW_FIRST, is_signed, first, n, p,
                         codes);
        qqi_decode_codes(type, n, codes, y);
        first += n;
        count -= n;
        y += n;
    }
}

// Element first + i = x[i], as qqi_store_value makes it. What lies before
// stays; bits behind the last element, up to the end of its byte, become 0.
QQI_FN void qqi_store_values(qq_type type, void *data, size_t first,
                             size_t count, const float *x)
{
    uint8_t *p = (uint8_t *)data;
    const unsigned bits = qq_type_bits(type);
    uint8_t codes[QQI_MANY];

    if (count == 0)
        return;
    if (bits == 0 || bits > 8) {
        qqi_store_plain(type, p + first * (bits / 8), count, x);
        return;
    }
    while (count > 0) {
        const size_t n = count < QQI_MANY ? count : QQI_MANY;
        qqi_encode_codes(type, n, x, codes);
        qqi_pack_codes(bits, QQ_ORDER_LOW_FIRST, first, n, codes, p);
        first += n;
        count -= n;
        x += n;
    }
}

// ==== codec/order.h ====

// qquant floor 4: the public calls for packed bits.
//
// Widths 1 to 8 are groups (codec/bits.h). Codes of 16 bits lie in two bytes,
// the low one first, on every machine.

// Whether codes of that width can lie in that order.
QQI_FN int qqi_order_has(unsigned bits, qq_order order)
{
    switch ((int)order) {
    case QQ_ORDER_LOW_FIRST:
        return (bits >= 1 && bits <= 8) || bits == 16;
    case QQ_ORDER_HIGH_NIBBLE_FIRST:
    case QQ_ORDER_AWQ:
        return bits == 4;
    case QQ_ORDER_HIGH_BIT_FIRST:
        return bits == 1;
    default:
        return 0;
    }
}

QQ_API size_t qq_pack_size(unsigned bits, qq_order order, size_t count)
{
    size_t bytes;

    if (!qqi_order_has(bits, order))
        return SIZE_MAX;
    if (order != QQ_ORDER_AWQ)
        return qqi_bits_bytes(bits, count);
    if (!qqi_mul_size(count / 8 + (count % 8 > 0), 4, &bytes))
        return SIZE_MAX;
    return bytes;
}

// QQ_OK where the codes start ... start + count - 1 lie within bytes.
QQI_FN qq_status qqi_pack_fits(unsigned bits, qq_order order, size_t start,
                               size_t count, size_t bytes)
{
    size_t end;

    if (!qqi_add_size(start, count, &end))
        return QQ_ERR_SIZE;
    const size_t need = qq_pack_size(bits, order, end);
    return need == SIZE_MAX || need > bytes ? QQ_ERR_SIZE : QQ_OK;
}

QQ_API qq_status qq_pack_bits(unsigned bits, qq_order order, size_t start,
                              size_t count, const void *codes, void *out,
                              size_t out_bytes)
{
    const uint8_t *from = (const uint8_t *)codes;
    uint8_t *to = (uint8_t *)out;

    if (!qqi_order_has(bits, order))
        return QQ_ERR_ARGUMENT;
    if (count > 0 && (!codes || !out))
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_pack_fits(bits, order, start, count, out_bytes);
    if (status != QQ_OK || count == 0)
        return status;

    if (bits < 16) {
        qqi_pack_codes(bits, order, start, count, from, to);
        return QQ_OK;
    }
    for (size_t i = 0; i < count; i++)
        qqi_store_le16(to + 2 * (start + i), qqi_load_u16(from + 2 * i));
    return QQ_OK;
}

QQ_API qq_status qq_unpack_bits(unsigned bits, qq_order order, int is_signed,
                                size_t start, size_t count, const void *packed,
                                size_t packed_bytes, void *codes,
                                size_t codes_bytes)
{
    const uint8_t *from = (const uint8_t *)packed;
    uint8_t *to = (uint8_t *)codes;

    if (!qqi_order_has(bits, order))
        return QQ_ERR_ARGUMENT;
    if (count > 0 && !packed)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_pack_fits(bits, order, start, count, packed_bytes);
    if (status != QQ_OK)
        return status;
    if (count == 0)
        return QQ_OK;
    if (!codes)
        return QQ_ERR_ARGUMENT;
    if ((bits < 16 ? codes_bytes : codes_bytes / 2) < count)
        return QQ_ERR_SIZE;

    if (bits < 16) {
        qqi_unpack_codes(bits, order, is_signed, start, count, from, to);
        return QQ_OK;
    }
    for (size_t i = 0; i < count; i++)
        qqi_store_u16(to + 2 * i, qqi_load_le16(from + 2 * (start + i)));
    return QQ_OK;
}

// ==== codec/ternary.h ====

// qquant floor 4: layouts of the values -1, 0 and +1.
//
//   consecutive  2 bits a value, value + 1, low bits first
//   strided      byte p: values p, p + Q, p + 2Q, p + 3Q, 2 bits each from
//                the low ones up, Q a quarter of the count (eformer's Array1B)
//   base 3       byte = sum over j = 0 ... 4 of (value[5p + j] + 1) * 3^j, at
//                most 242; what is missing in the last byte counts as 0

QQ_API size_t qq_ternary_size(qq_ternary_layout layout, size_t count)
{
    switch ((int)layout) {
    case QQ_TERNARY_CONSECUTIVE:
        return count / 4 + (count % 4 > 0);
    case QQ_TERNARY_STRIDED:
        return count % 4 == 0 ? count / 4 : SIZE_MAX;
    case QQ_TERNARY_BASE3:
        return count / 5 + (count % 5 > 0);
    default:
        return SIZE_MAX;
    }
}

// value + 1 of eight values. Two bits of each are enough, and with those alone
// no sum leaves its lane.
QQI_INLINE uint64_t qqi_ternary_lanes(uint64_t values)
{
    const uint64_t mask = 3 * QQI_LANES;

    return ((values & mask) + QQI_LANES) & mask;
}

QQI_FN int qqi_ternary_check(size_t count, const int8_t *values)
{
    unsigned bad = 0;

    for (size_t i = 0; i < count; i++)
        bad |= (unsigned)(values[i] < -1) | (unsigned)(values[i] > 1);
    return bad == 0;
}

QQI_FN void qqi_ternary_pack_near(size_t count, const int8_t *values,
                                  uint8_t *out)
{
    for (; count >= 8; count -= 8, values += 8, out += 2) {
        const uint64_t lanes = qqi_ternary_lanes(qqi_load_le64(values));
        qqi_store_le16(out, (uint16_t)qqi_squeeze(lanes, 2));
    }
    for (size_t p = 0; p < count; p += 4) {
        unsigned byte = 0;
        for (size_t j = 0; j < 4 && p + j < count; j++)
            byte |= (unsigned)(values[p + j] + 1) << 2 * j;
        out[p / 4] = (uint8_t)byte;
    }
}

QQI_FN void qqi_ternary_pack_far(size_t quarter, const int8_t *values,
                                 uint8_t *out)
{
    for (size_t p = 0; p < quarter; p++) {
        const int8_t *v = values + p;
        const int byte = (v[0] + 1) | (v[quarter] + 1) << 2 |
                         (v[2 * quarter] + 1) << 4 | (v[3 * quarter] + 1) << 6;
        out[p] = (uint8_t)byte;
    }
}

QQI_FN void qqi_ternary_pack_base3(size_t count, const int8_t *values,
                                   uint8_t *out)
{
    for (size_t p = 0; p < count; p += 5) {
        int byte = 0;
        for (size_t j = p + 5; j > p; j--)
            byte = byte * 3 + (j <= count ? values[j - 1] + 1 : 1);
        out[p / 5] = (uint8_t)byte;
    }
}

QQ_API qq_status qq_ternary_pack(qq_ternary_layout layout, size_t count,
                                 const int8_t *values, void *out,
                                 size_t out_bytes)
{
    uint8_t *to = (uint8_t *)out;

    if (layout < QQ_TERNARY_CONSECUTIVE || layout > QQ_TERNARY_BASE3)
        return QQ_ERR_ARGUMENT;
    const size_t need = qq_ternary_size(layout, count);
    if (need == SIZE_MAX)
        return QQ_ERR_SHAPE;
    if (count == 0)
        return QQ_OK;
    if (!values)
        return QQ_ERR_ARGUMENT;
    if (!qqi_ternary_check(count, values))
        return QQ_ERR_FORMAT;
    if (!out)
        return QQ_ERR_ARGUMENT;
    if (out_bytes < need)
        return QQ_ERR_SIZE;

    if (layout == QQ_TERNARY_CONSECUTIVE)
        qqi_ternary_pack_near(count, values, to);
    else if (layout == QQ_TERNARY_STRIDED)
        qqi_ternary_pack_far(count / 4, values, to);
    else
        qqi_ternary_pack_base3(count, values, to);
    return QQ_OK;
}

QQI_FN void qqi_ternary_unpack_near(size_t count, const uint8_t *packed,
                                    int8_t *values)
{
    size_t i = 0;

    for (; i + 8 <= count; i += 8) {
        const uint64_t lanes = qqi_spread(qqi_load_le16(packed + i / 4), 2);
        // Code 0 becomes 255; each lane lends itself the 256 that it needs.
        const uint64_t lent = (lanes | 128 * QQI_LANES) - QQI_LANES;
        qqi_store_le64(values + i, lent ^ (128 * QQI_LANES));
    }
    for (; i < count; i++)
        values[i] = (int8_t)((packed[i / 4] >> 2 * (i % 4) & 3) - 1);
}

QQI_FN void qqi_ternary_unpack_far(size_t quarter, const uint8_t *packed,
                                   int8_t *values)
{
    for (size_t g = 0; g < 4; g++)
        for (size_t p = 0; p < quarter; p++)
            values[g * quarter + p] = (int8_t)((packed[p] >> 2 * g & 3) - 1);
}

QQI_FN void qqi_ternary_unpack_base3(size_t count, const uint8_t *packed,
                                     int8_t *values)
{
    for (size_t p = 0; p < count; p += 5) {
        int byte = packed[p / 5];
        byte = byte < 243 ? byte : 242;
        for (size_t j = 0; j < 5 && p + j < count; j++) {
            values[p + j] = (int8_t)(byte % 3 - 1);
            byte /= 3;
        }
    }
}

QQ_API qq_status qq_ternary_unpack(qq_ternary_layout layout, size_t count,
                                   const void *packed, size_t packed_bytes,
                                   int8_t *values)
{
    const uint8_t *from = (const uint8_t *)packed;

    if (layout < QQ_TERNARY_CONSECUTIVE || layout > QQ_TERNARY_BASE3)
        return QQ_ERR_ARGUMENT;
    const size_t need = qq_ternary_size(layout, count);
    if (need == SIZE_MAX)
        return QQ_ERR_SHAPE;
    if (count == 0)
        return QQ_OK;
    if (!packed)
        return QQ_ERR_ARGUMENT;
    if (packed_bytes < need)
        return QQ_ERR_SIZE;
    if (!values)
        return QQ_ERR_ARGUMENT;

    if (layout == QQ_TERNARY_CONSECUTIVE)
        qqi_ternary_unpack_near(count, from, values);
    else if (layout == QQ_TERNARY_STRIDED)
        qqi_ternary_unpack_far(count / 4, from, values);
    else
        qqi_ternary_unpack_base3(count, from, values);
    return QQ_OK;
}

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
