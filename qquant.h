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
    6  The rules
    7  A scheme, from end to end

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
    Behind the include QQUANT_STATIC and each QQ_NO_ is 0 or 1: ask by #if.

    QQUANT_IMPLEMENTATION
        affects: compiles the functions, not only their declarations.
        default: declarations only.
        cost:    one compilation of the library, in one file.
        symptom: without it the linker misses every qq_ name; with it in two
                 files the linker finds every qq_ name twice.

    QQUANT_STATIC
        affects: every function is static, private to the file.
        default: functions are extern, with C linkage.
        cost:    each file that uses qquant defines it together with
                 QQUANT_IMPLEMENTATION and carries a copy of its own.
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
        cost:    a comparison or two a call.
        symptom: an output that overlaps an input gives wrong numbers, an
                 index beyond a tensor a foreign number, without a word.

    QQ_MEMCPY(d, s, n), QQ_MEMSET(d, c, n), QQ_MEMMOVE(d, s, n)
        affects: the three functions that qquant needs.
        default: those of <string.h>, which is not included when all three
                 are defined.

    QQ_NO_FILE, QQ_NO_MATRIX, QQ_NO_OP, QQ_NO_TRAIN
        affects: leaves out what reads other people's checkpoints (the blocks
                 of bitsandbytes), packed matrices and their products, the
                 operations on decoded tensors, the rules and calibrations of
                 AQT and FJFormer's bits.
        default: everything is in.
        symptom: the names of that wing are unknown.

    QQ_NO_AMX, QQ_NO_AVX2, QQ_NO_AVX512, QQ_NO_NEON
        affects: leaves out the kernels of these sets of instructions (AVX2:
                 AVX-VNNI too; AVX512: VNNI and AMX too).
        default: all that the compiler can make; no option like -mavx2 is
                 needed. What the machine has is found on first use.
        cost:    speed on machines that have them; none in bits.

    QQ_NO_SIMD
        affects: products are made by plain C and no instruction set is ever
                 looked for: each part of a product needs 1 KiB of scratch
                 instead of 16 or more, nothing is remembered between calls,
                 and no system header or call is used.
        default: the best that the build and the machine have.
        cost:    speed; none in bits.

3  MEMORY, ERRORS, THREADS

    The caller brings all memory. A function that needs some has a companion
    that answers how many bytes; SIZE_MAX means "impossible", a size that no
    buffer has. Bytes of tensors are void pointers and need no alignment.

    What can fail returns a qq_status, which is 0 when all is well; arguments
    are checked first, in their order, and nothing is written on failure.
    NULL is allowed where there are no bytes. Nothing aborts.

    qquant may be called from any thread. It keeps no state but which kernels
    are in use (qq_use_isa in api/matmul.h), and not even that under QQ_NO_SIMD.
    Long calls take a qq_parallel_for through which the caller lends its
    threads; the result does not depend on it.

4  THE SAME BITS EVERYWHERE

    The same input gives the same bytes under every compiler, optimisation
    level, instruction set and number of threads, in the default floating-
    point mode (round to nearest even, subnormals kept). Options that let the
    compiler change arithmetic, -ffast-math first of all, are refused with an
    #error, and so is x87 arithmetic on i386: there use -msse2 -mfpmath=sse.

5  WHERE THINGS ARE

    The declarations come first, each with its documentation; the
    implementation follows. A line "// ==== dir/part.h ====" begins each part
    of the source in src/, from which this file is made. Look for

        api/status.h   version, status        api/scheme.h   how to quantize
        api/type.h     the types              api/array.h    quantize, read back
        api/number.h   single numbers         api/view.h     moving arrays
        api/tensor.h   tensors                api/metric.h   errors
        api/pack.h     codes in bits          api/bnb.h      bitsandbytes
        api/random.h   Threefry               api/eformer.h  eformer's arrays
        api/op.h       operations             api/aqt.h      AQT, FJ
        api/matrix.h   packed matrices        api/matmul.h   their products

    A packed matrix holds the codes of a weight, its scales, factors and bias
    in one block of bytes, which is the same on every machine and is multiplied
    where it lies. api/matrix.h states the bytes, api/matmul.h every rounding
    of a product and the way from weights to a layer.

6  THE RULES

    scheme.rule says whose arithmetic makes scales and codes. All steps round
    to nearest even; T is the type of x (f32, f16, bf16).

    qquant (ours)   stands at qq_quantize: f32 inside, symmetric codes, only
        finite numbers decide a scale, the stored scale is what codes are made
        with, the last tile of an axis may be short.
    Qwix            every step is rounded to T, constants too. scale = absmax
        / B with B = qmax + 0.5 (int16: 32768; floats: their largest value);
        asymmetric (max - min) / (qmax - qmin), zero point = qmin - min /
        scale as a code. A scale below the root of T's smallest normal number
        (2^-63; f16: 2^-7) becomes 1. Power-of-two types: 2^floor(log2(bf16(
        scale * c))), c = 12/7 for mxfp4, 60/31 for mxfp8; the release of Qwix
        2^ceil(log2 scale); nvfp4: the scale through e4m3fn. code = x / scale
        (+ zero point), rounded, cut to qmin ... qmax: -absmax may so become
        qmin. NaN spreads over its tile. scheme.division chooses how quotients
        are made: truly, as JAX did until 0.10.0, or by the reciprocal where
        the divisor has fewer elements, as it does since. Only int4, int8 and
        int16 have zero points; fixed calibration has one scale a tensor.
    AQT, FJ         api/aqt.h and qq_numerics in api/scheme.h.
    eformer         api/eformer.h.
    bitsandbytes    has calls of its own: api/bnb.h.

7  A SCHEME, FROM END TO END

    A matrix w of n rows and k columns to int4, a scale for every 32 numbers
    of a row, clipped where the squared error is least; room is memory of the
    caller's, of qq_array_size(&w, &s) bytes at least:

        const size_t shape[2] = {n, k};
        const qq_tensor w = qq_tensor_make(floats, QQ_TYPE_F32, 2, shape);
        qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
        qq_scheme_channel(&s, 0, 2);            // every row by itself
        qq_scheme_tile(&s, 1, 2, 32);           // and every 32 of its numbers
        qq_calibration_parse("mse", 3, &s.calibration);
        status = qq_quantize(&w, &s, room, room_bytes, &array);
        status = qq_dequantize(&array, s.rule, QQ_TYPE_F32, back, back_bytes,
                               &y);
        status = qq_compare(&w, &y, &metrics);  // metrics.sqnr_db ...

    For the answer of Qwix begin with qq_scheme_init_rule(QQ_TYPE_INT4,
    QQ_RULE_QWIX).
*/

#ifndef QQUANT_H
#define QQUANT_H

// ==== base.h ====

// qquant floor 0: linkage, the switches, the headers that declarations need.
//
// Every switch is 0 or 1 after this part and is read by #if, so that a
// misspelt one is an error under -Wundef. A user may write -DQQ_NO_OP,
// #define QQ_NO_OP or #define QQ_NO_OP 1: all three switch it on. The
// expression 0 - QQ_NO_OP - 1 is 1 only where the macro is empty.

#include <stddef.h>
#include <stdint.h>

#ifndef QQUANT_STATIC
#  define QQUANT_STATIC 0
#elif (0 - QQUANT_STATIC - 1) == 1
#  undef QQUANT_STATIC
#  define QQUANT_STATIC 1
#endif

#ifndef QQ_NO_AMX
#  define QQ_NO_AMX 0
#elif (0 - QQ_NO_AMX - 1) == 1
#  undef QQ_NO_AMX
#  define QQ_NO_AMX 1
#endif

#ifndef QQ_NO_AVX2
#  define QQ_NO_AVX2 0
#elif (0 - QQ_NO_AVX2 - 1) == 1
#  undef QQ_NO_AVX2
#  define QQ_NO_AVX2 1
#endif

#ifndef QQ_NO_AVX512
#  define QQ_NO_AVX512 0
#elif (0 - QQ_NO_AVX512 - 1) == 1
#  undef QQ_NO_AVX512
#  define QQ_NO_AVX512 1
#endif

#ifndef QQ_NO_FILE
#  define QQ_NO_FILE 0
#elif (0 - QQ_NO_FILE - 1) == 1
#  undef QQ_NO_FILE
#  define QQ_NO_FILE 1
#endif

#ifndef QQ_NO_MATRIX
#  define QQ_NO_MATRIX 0
#elif (0 - QQ_NO_MATRIX - 1) == 1
#  undef QQ_NO_MATRIX
#  define QQ_NO_MATRIX 1
#endif

#ifndef QQ_NO_NEON
#  define QQ_NO_NEON 0
#elif (0 - QQ_NO_NEON - 1) == 1
#  undef QQ_NO_NEON
#  define QQ_NO_NEON 1
#endif

#ifndef QQ_NO_OP
#  define QQ_NO_OP 0
#elif (0 - QQ_NO_OP - 1) == 1
#  undef QQ_NO_OP
#  define QQ_NO_OP 1
#endif

#ifndef QQ_NO_SIMD
#  define QQ_NO_SIMD 0
#elif (0 - QQ_NO_SIMD - 1) == 1
#  undef QQ_NO_SIMD
#  define QQ_NO_SIMD 1
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

#define QQ_VERSION_MAJOR  0
#define QQ_VERSION_MINOR  1
#define QQ_VERSION_PATCH  0
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
    QQ_ERR_ARGUMENT = 1,     // NULL with bytes, an option that makes no sense
    QQ_ERR_TYPE = 2,         // a type that this call cannot take
    QQ_ERR_SHAPE = 3,        // shapes that do not fit each other
    QQ_ERR_AXIS = 4,         // an axis out of range, twice, or in two roles
    QQ_ERR_SCHEME = 5,       // a scheme that contradicts itself, the type or x
    QQ_ERR_SIZE = 6,         // an output buffer too small; a size beyond size_t
    QQ_ERR_SCRATCH = 7,      // scratch too small
    QQ_ERR_FORMAT = 8,       // bytes or text that are not what they should be
    QQ_ERR_VERSION = 9,      // a packed form newer than this library
    QQ_ERR_UNSUPPORTED = 10, // right, but not in this build or on this machine
    QQ_ERR_CANCELLED = 11    // the caller's callback asked to stop
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

// ==== api/eformer.h ====

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

// ==== api/metric.h ====

// qquant floor 1: how far two tensors are apart.

// x is the reference, y what became of it, d = y - x; sums in f64, one number
// after another, so the figures are the same on every machine.
typedef struct qq_metrics {
    double max_error;  // max |d|
    double mean_error; // sum |d| / n
    double rmse;       // sqrt(sum d^2 / n)
    double sqnr_db;    // 10 log10(sum x^2 / sum d^2), to 1e-11;
                       // +infinity if d = 0, else -infinity if x = 0
    double cosine;     // sum xy / sqrt(sum x^2 * sum y^2); 0 if one sum is 0,
                       // 1 if both are
    double relative;   // sqrt(sum d^2 / sum x^2); 0 if d = 0, else +infinity if
                       // x = 0
    size_t count;      // n, the pairs of finite numbers
    size_t skipped;    // pairs with a NaN or an infinity, counted nowhere else
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

#if !QQ_NO_FILE

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

#endif
#if !QQ_NO_TRAIN

// ==== api/aqt.h ====

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

#endif
#if !QQ_NO_MATRIX

// ==== api/matrix.h ====

// qquant floor 1: packed matrices: weights as the products want them.
//
// A packed matrix is one block of bytes, the same on every machine: it has no
// pointers, no alignment, and numbers are little-endian. It can be written to
// a file, mapped, put into flash, and multiplied where it lies.
//
// THE PACKED FORM. W has n rows and k columns. It is cut into panels of 16
// rows; the last one is filled up with rows of zero bytes. In order:
//
//   header           64 bytes
//   constants        64 bytes, if QQ_MATRIX_CONSTANTS (books, e4m3fn scales)
//   column factors   k f32, if QQ_MATRIX_COLUMN_FACTORS
//   panels           ceil(n / 16), each as long as the others
//
// and in a panel
//
//   cells            the codes
//   scales           tiles * 16, tiles in order of k, the 16 rows in each
//   zero points      tiles * 16 bytes, if QQ_MATRIX_ZERO_POINTS
//   row factors      16 f32, if QQ_MATRIX_ROW_FACTORS
//   bias             16 f32, if QQ_MATRIX_BIAS
//   sums             tiles * 16 int32, if QQ_MATRIX_SUMS
//
// Each of these is filled up with zero bytes to a multiple of 64; where k is 0
// the cells are 64 zero bytes. tiles is ceil(k / tile_k), or 1 where tile_k is
// 0; 0 where k is 0.
//
//   header at  size  what
//           0     4  "QQMX"
//           4     2  version: 1
//           6     2  qq_type of the codes
//           8     2  qq_type of the scales: f32, f16, e8m0 or e4m3fn
//          10     2  planes: 1 (more are reserved)
//          12     4  flags, below
//          16     8  n
//          24     8  k
//          32     4  tile_n: rows that share a scale: 1, a multiple of 16, or
//                    0 for all (scales are stored for every row all the same)
//          36     4  tile_k: columns that share a scale: a multiple of 4 from
//                    8 to 65536 and below k, or 0 for all
//          40     8  seed: 0 (reserved for rotations)
//          48     8  bytes of the whole packed form
//          56     8  0
//
//   constants at  size  what
//              0     4  f32: a second scale, of the whole matrix; else 1
//              4     4  the number of levels: 4 or 16 for QQ_TYPE_BOOK, else 0
//              8    16  the levels, int8, those that are missing 0
//             24    40  0
//
// Stored codes are unsigned: code + 2^(bits - 1) for int2 to int8, the code of
// qq_tensor for all others (sign: 0 or 1; ternary: value + 1). A zero point is
// a byte, stored the same way. A book of 4 levels has 2 bits, one of 16 has 4.
//
// CELLS. A cell is 64 bytes: 16 lanes of 4 bytes, lane r for row r. With b
// bits, b being 1, 2, 4 or 8, it holds 32 / b columns; byte j of a lane holds
// the columns j, 4 + j, 8 + j and so on, from the low bits up: bits b * f to
// b * f + b - 1, field f, belong to column 4 * f + j. So a mask shows four
// neighbouring columns as four bytes. Columns are filled up to whole cells
// with code 0. A 2 x 10 matrix of int4 codes (b = 4, a cell holds 8 columns),
// u[r][c] being the stored code:
//
//   byte   0: u[0][0] + 16 u[0][4]      byte  64: u[0][8]
//          1: u[0][1] + 16 u[0][5]            65: u[0][9]
//          2: u[0][2] + 16 u[0][6]            66: 0
//          3: u[0][3] + 16 u[0][7]            67: 0
//          4: u[1][0] + 16 u[1][4]            68: u[1][8]
//          5: u[1][1] + 16 u[1][5]            69: u[1][9]
//   ...
//          8 to 63: 0, for there are          70 to 127: 0
//                   no rows 2 to 15
//
// Other widths are sums: 3 = 2 + 1, 5 = 4 + 1, 6 = 4 + 2, 7 = 4 + 2 + 1. Each
// 32 columns have first the cells of their high bits, then those of the next
// ones: 3 bits are two cells of code >> 1, 16 columns each, and one cell of
// code & 1. Columns are filled up to 32.
//
// BASE 3 (QQ_MATRIX_BASE3, ternary only) stores 80 columns, which are five
// cells of 2 bits, in 256 bytes: with t(i, f) the 2-bit field f of byte x of
// cell i, byte 64 f + x is t(0, f) + 3 t(1, f) + 9 t(2, f) + 27 t(3, f) +
// 81 t(4, f), for f = 0 to 3. Bytes above 242 are read as 242.
//
// A small whole example: W = [1 -1], sign, one f32 scale of 0.5, is 64 + 128
// bytes: the header 51 51 4d 58  01 00  08 00  01 00  01 00  00 00 00 00, n 1,
// k 2, tiles 0 0, seed 0, bytes 192, 0; a cell whose byte 0 is 1 (column 0 is
// +1) and whose byte 1 is 0; 16 scales: 00 00 00 3f, then zeros.

#define QQ_MATRIX_VERSION 1

// Flags of the header. Others are refused; from 1 << 16 on they are reserved:
// rotation, half-step grid, offset grid, signed scales, planes.
#define QQ_MATRIX_ZERO_POINTS    1u
#define QQ_MATRIX_ROW_FACTORS    2u
#define QQ_MATRIX_BIAS           4u
#define QQ_MATRIX_COLUMN_FACTORS 8u
#define QQ_MATRIX_SUMS           16u
#define QQ_MATRIX_BASE3          32u
#define QQ_MATRIX_CONSTANTS      64u
#define QQ_MATRIX_ROTATION       65536u
#define QQ_MATRIX_HALF_STEP      131072u
#define QQ_MATRIX_OFFSET         262144u
#define QQ_MATRIX_SIGNED_SCALES  524288u
#define QQ_MATRIX_PLANES         1048576u

// A view of packed bytes, made by the calls below: read it, do not fill it in.
// Owns nothing; free to copy as long as the bytes stay where they are.
typedef struct qq_matrix {
    uint32_t init;
    uint32_t flags;
    const void *data; // the packed bytes, the header first
    size_t bytes;
    size_t n;      // rows: outputs
    size_t k;      // columns: inputs
    size_t tile_n; // as in the header, 0 for all
    size_t tile_k;
    size_t tiles; // scales along k
    qq_type type;
    qq_type scale_type;
    unsigned bits;    // of a stored code
    size_t column_at; // where things lie: from the first byte ...
    size_t panel_at;
    size_t panels;
    size_t panel_bytes; // ... and from the first byte of a panel
    size_t scale_at;
    size_t zero_at;
    size_t factor_at;
    size_t bias_at;
    size_t sum_at;
} qq_matrix;

// What goes along with the codes. Make one with qq_matrix_options_init; NULL
// stands for the defaults: nothing.
//   y[m][n] = a[n] * sum over k of W[n][k] * b[k] * x[m][k] + bias[n]
typedef struct qq_matrix_options {
    uint32_t init;
    const float *a;    // n row factors, or NULL
    const float *b;    // k column factors, or NULL: x * b is rounded first
    const float *bias; // n, or NULL
    int sums;  // 1: stores the sums of (code - zero point), which speed up
               // static inputs with a zero point; tiles up to 2^23 only
    int base3; // 1: ternary in 1.6 bits, expanded panel by panel
} qq_matrix_options;

QQ_API qq_matrix_options qq_matrix_options_init(void);

// --- packing ---------------------------------------------------------------

// The bytes of the packed form of an array; its data are not looked at, so
// pointers may be NULL. SIZE_MAX where qq_matrix_pack would refuse.
QQ_API size_t qq_matrix_size(const qq_array *a, const qq_matrix_options *o);

// Packs an array of shape {n, k}. Types: sign, ternary, int2 to int8, uint2,
// uint4, uint8, nf4, bnb_fp4, e2m1, mxfp4, nvfp4, e4m3fn, e5m2, mxfp8,
// mxfp8_16, and book with 4 or 16 levels that are integers from -128 to 127
// (codes beyond the book become its last one). Scales: f32, f16, e8m0, e4m3fn,
// or bf16, which are stored as f32. Tiles: all columns or a multiple of 4 from
// 8 to 65536; all rows, 1, or a multiple of 16; those of the zero points are
// the same. out: qq_matrix_size bytes, must not overlap a. *view becomes the
// matrix. QQ_ERR_TYPE; QQ_ERR_SHAPE: rank, tiles, sums of tiles too long;
// QQ_ERR_FORMAT: base 3 and a code of +2; QQ_ERR_UNSUPPORTED: an array with a
// bias of AQT's; QQ_ERR_SIZE.
QQ_API qq_status qq_matrix_pack(const qq_array *a, const qq_matrix_options *o,
                                void *out, size_t out_bytes, qq_matrix *view);

// The same from numbers (f32, f16, bf16) of shape {n, k}: the bytes are those
// of qq_quantize and qq_matrix_pack. Rule qquant only. Schemes whose scales
// belong to single rows go 16 rows at a time; others quantize all of x into
// scratch first. out: qq_matrix_quantize_size bytes; scratch:
// qq_matrix_quantize_scratch_size. QQ_ERR_SCHEME: another rule; what
// qq_quantize and qq_matrix_pack refuse; QQ_ERR_SCRATCH.
QQ_API size_t qq_matrix_quantize_size(const qq_tensor *x, const qq_scheme *s,
                                      const qq_matrix_options *o);
QQ_API size_t qq_matrix_quantize_scratch_size(const qq_tensor *x,
                                              const qq_scheme *s);
QQ_API qq_status qq_matrix_quantize(const qq_tensor *x, const qq_scheme *s,
                                    const qq_matrix_options *o, void *out,
                                    size_t out_bytes, void *scratch,
                                    size_t scratch_bytes, qq_matrix *view);

// A OneBit layer: signs of shape {n, k}, type sign (or ternary), no scales:
// a and b are those of the options. The scale that is stored is 1.
QQ_API size_t qq_matrix_sign_size(const qq_tensor *sign,
                                  const qq_matrix_options *o);
QQ_API qq_status qq_matrix_pack_sign(const qq_tensor *sign,
                                     const qq_matrix_options *o, void *out,
                                     size_t out_bytes, qq_matrix *view);

// --- reading ---------------------------------------------------------------

// A view of packed bytes from anywhere. The header and the constants are
// checked whole, and bytes against all that they announce; more bytes than
// these may follow. Codes, scales and factors are not read: any bytes there
// are some matrix. QQ_ERR_FORMAT: not a packed matrix, cut short, or at odds
// with itself; QQ_ERR_VERSION: a version or a flag that this library does not
// know; QQ_ERR_TYPE: a type that it does not multiply; QQ_ERR_SIZE: more than
// this machine can address.
QQ_API qq_status qq_matrix_open(const void *data, size_t bytes,
                                qq_matrix *view);

// The array again: codes, scales, zero points and levels as they were packed.
// out: qq_matrix_unpack_size bytes, must not overlap.
QQ_API size_t qq_matrix_unpack_size(const qq_matrix *w);
QQ_API qq_status qq_matrix_unpack(const qq_matrix *w, void *out,
                                  size_t out_bytes, qq_array *view);

// The factors: n, k and n floats; each may be NULL. Where the matrix has none
// a and b are filled with 1 and bias with 0.
QQ_API qq_status qq_matrix_factors(const qq_matrix *w, float *a, float *b,
                                   float *bias);

// Rows as f32, out[i][c] = W[rows[i]][c], rows NULL: the first count ones.
// Each is what qq_dequantize makes of the array, then times a, then times b,
// rounded every time. out: count * k floats. QQ_ERR_SHAPE: no such row.
QQ_API qq_status qq_matrix_row(const qq_matrix *w, size_t count,
                               const size_t *rows, void *out, size_t out_bytes);

// ==== api/matmul.h ====

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
//   xb    = x, or fl(x * b) where the matrix has column factors
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
// tables of it (1-bit weights and up to 4 rows of x: 8 bytes a number), and for
// every part 16 KiB and, beyond 8 rows of x, up to 128 KiB more for codes of W
// as bytes. With QQ_NO_SIMD there is no table, and a part has 1 KiB.
QQ_API size_t qq_matmul_scratch_size(const qq_matrix *w,
                                     const qq_matmul_options *o, size_t m);

// The product. x: m rows of k numbers (options: which), ldx numbers from one
// to the next; y: m rows of n f32, ldy numbers apart; neither need be aligned.
// ldx and ldy are at least a row's length, whatever m is. Numbers between the
// rows are neither read nor written. y may not overlap anything else.
// QQ_ERR_ARGUMENT: NULL, options that make no sense; QQ_ERR_TYPE: a type of x,
// or a mode, that does not go with the matrix (int8 inputs and column factors,
// integers and e4m3fn); QQ_ERR_SHAPE: strides too short, beyond memory, a zero
// point of x and a tile of more than 2^23; QQ_ERR_SCRATCH.
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

#endif
#if !QQ_NO_OP

// ==== api/op.h ====

// qquant floor 1: operations on numbers and on quantized arrays.
//
// These are definitions: scalar, one rounding a step, in the order that is
// written here.

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

#endif

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
#  define QQI_KEEP_F32(x) ((void)(x)) // never fuses
#  define QQI_KEEP_F64(x) ((void)(x))
#elif defined(__GNUC__) || defined(__clang__)
#  if (defined(__x86_64__) || defined(__i386__)) && defined(__SSE2__)
#    define QQI_KEEP_F32(x) __asm__("" : "+x"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+x"(x))
#  elif defined(__aarch64__)
#    define QQI_KEEP_F32(x) __asm__("" : "+w"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+w"(x))
#  elif defined(__s390x__) || (defined(__riscv_flen) && __riscv_flen >= 64)
#    define QQI_KEEP_F32(x) __asm__("" : "+f"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+f"(x))
#  elif defined(__arm__) && defined(__ARM_FP)
#    define QQI_KEEP_F32(x) __asm__("" : "+t"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+m"(x))
#  else
#    define QQI_KEEP_F32(x) __asm__("" : "+m"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+m"(x))
#  endif
#else
#  define QQI_KEEP_F32(x)                                                      \
      do {                                                                     \
          const volatile float qqi_kept = (x);                                 \
          (x) = qqi_kept;                                                      \
      } while (0)
#  define QQI_KEEP_F64(x)                                                      \
      do {                                                                     \
          const volatile double qqi_kept = (x);                                \
          (x) = qqi_kept;                                                      \
      } while (0)
#endif

// 1 where a fused multiply-add of floats is one instruction of every machine
// that the options allow, so that asking for it names no function of libm.
#if (defined(__GNUC__) || defined(__clang__)) && !defined(__TINYC__) &&        \
    (defined(__FP_FAST_FMAF) || defined(__FMA__) ||                            \
     defined(__ARM_FEATURE_FMA) || defined(__aarch64__))
#  define QQI_HAS_FMA          1
#  define QQI_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#else
#  define QQI_HAS_FMA 0
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

// ==== simd.h ====

// qquant floor 0: the instruction sets that this build can have.
//
// One translation unit holds the kernels of every set; functions carry the
// target they need, so no option is asked for, and an option that allows more
// does no harm. What the machine has is found at run time (dispatch.h). A
// compiler without target attributes, or too old for a set, leaves it out:
//
//   AVX2, AVX-512     gcc 8, clang 9, on x86-64; not gcc on Windows, which
//                     does not align the stack for wide registers
//   AVX-VNNI, AMX     gcc 11, clang 12; AMX on top of AVX-512
//   NEON              gcc 8, clang 9, on little-endian aarch64; with dot
//                     products clang 16, with i8mm gcc 10
//
// Microsoft's own compiler has none; clang-cl has all.

// Versions of the compiler; clang also claims to be an old gcc.
#if QQ_NO_SIMD || defined(__TINYC__)
#  define QQI_GCC   0
#  define QQI_CLANG 0
#elif defined(__apple_build_version__)
#  define QQI_GCC   0
#  define QQI_CLANG (__clang_major__ >= 13 ? 12 : 9)
#elif defined(__clang__)
#  define QQI_GCC   0
#  define QQI_CLANG __clang_major__
#elif defined(__GNUC__)
#  define QQI_GCC   __GNUC__
#  define QQI_CLANG 0
#else
#  define QQI_GCC   0
#  define QQI_CLANG 0
#endif

#if defined(__x86_64__) && !defined(__ILP32__) &&                              \
    (QQI_CLANG >= 9 || (QQI_GCC >= 8 && !defined(_WIN32)))
#  define QQI_X86 1
#else
#  define QQI_X86 0
#endif
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__ILP32__) &&      \
    !defined(__AARCH64EB__) && (QQI_CLANG >= 9 || QQI_GCC >= 8)
#  define QQI_ARM 1
#else
#  define QQI_ARM 0
#endif

#define QQI_HAS_AVX2     (QQI_X86 && !QQ_NO_AVX2)
#define QQI_HAS_AVX_VNNI (QQI_HAS_AVX2 && (QQI_GCC >= 11 || QQI_CLANG >= 12))
#define QQI_HAS_AVX512   (QQI_X86 && !QQ_NO_AVX512)
#define QQI_HAS_AMX                                                            \
    (QQI_HAS_AVX512 && !QQ_NO_AMX && (QQI_GCC >= 11 || QQI_CLANG >= 12))
#define QQI_HAS_NEON (QQI_ARM && !QQ_NO_NEON)

// gcc's attribute cannot add dot products to exactly armv8.1, nor clang's
// before 16 to anything; where the options allow them both can use them.
#if defined(__ARM_FEATURE_DOTPROD)
#  define QQI_HAS_NEON_DOT QQI_HAS_NEON
#elif defined(__ARM_FEATURE_QRDMX)
#  define QQI_HAS_NEON_DOT (QQI_HAS_NEON && QQI_CLANG >= 16)
#else
#  define QQI_HAS_NEON_DOT (QQI_HAS_NEON && (QQI_CLANG >= 16 || QQI_GCC >= 8))
#endif
#if defined(__ARM_FEATURE_MATMUL_INT8)
#  define QQI_HAS_NEON_I8MM QQI_HAS_NEON_DOT
#else
#  define QQI_HAS_NEON_I8MM                                                    \
      (QQI_HAS_NEON_DOT && (QQI_CLANG >= 16 || QQI_GCC >= 10))
#endif

// What each set asks of the compiler.
#define QQI_TARGET_AVX2       "avx2,fma,f16c"
#define QQI_TARGET_AVX_VNNI   "avx2,fma,f16c,avxvnni"
#define QQI_TARGET_AVX512     "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq"
#define QQI_TARGET_AVX512VNNI QQI_TARGET_AVX512 ",avx512vnni,avx512vbmi"
#define QQI_TARGET_AMX        QQI_TARGET_AVX512VNNI ",amx-tile,amx-int8"
#if QQI_CLANG
#  define QQI_TARGET_DOT  "dotprod"
#  define QQI_TARGET_I8MM "dotprod,i8mm"
#elif defined(__ARM_FEATURE_QRDMX)
#  define QQI_TARGET_DOT  "+dotprod"
#  define QQI_TARGET_I8MM "+dotprod+i8mm"
#elif defined(__ARM_FEATURE_CRYPTO)
#  define QQI_TARGET_DOT  "arch=armv8.2-a+crypto+dotprod"
#  define QQI_TARGET_I8MM "arch=armv8.2-a+crypto+dotprod+i8mm"
#else
#  define QQI_TARGET_DOT  "arch=armv8.2-a+dotprod"
#  define QQI_TARGET_I8MM "arch=armv8.2-a+dotprod+i8mm"
#endif

#define QQI_TARGET_FN(target) static __attribute__((target(target), unused))
#define QQI_TARGET_INLINE(target)                                              \
    static inline __attribute__((target(target), always_inline, unused))

#define QQI_AVX2_FN            QQI_TARGET_FN(QQI_TARGET_AVX2)
#define QQI_AVX2_INLINE        QQI_TARGET_INLINE(QQI_TARGET_AVX2)
#define QQI_AVX_VNNI_FN        QQI_TARGET_FN(QQI_TARGET_AVX_VNNI)
#define QQI_AVX_VNNI_INLINE    QQI_TARGET_INLINE(QQI_TARGET_AVX_VNNI)
#define QQI_AVX512_FN          QQI_TARGET_FN(QQI_TARGET_AVX512)
#define QQI_AVX512_INLINE      QQI_TARGET_INLINE(QQI_TARGET_AVX512)
#define QQI_AVX512_VNNI_FN     QQI_TARGET_FN(QQI_TARGET_AVX512VNNI)
#define QQI_AVX512_VNNI_INLINE QQI_TARGET_INLINE(QQI_TARGET_AVX512VNNI)
#define QQI_AMX_FN             QQI_TARGET_FN(QQI_TARGET_AMX)
#define QQI_AMX_INLINE         QQI_TARGET_INLINE(QQI_TARGET_AMX)
#define QQI_NEON_FN            static QQI_UNUSED
#define QQI_NEON_INLINE        QQI_INLINE
#define QQI_NEON_DOT_FN        QQI_TARGET_FN(QQI_TARGET_DOT)
#define QQI_NEON_DOT_INLINE    QQI_TARGET_INLINE(QQI_TARGET_DOT)
#define QQI_NEON_I8MM_FN       QQI_TARGET_FN(QQI_TARGET_I8MM)
#define QQI_NEON_I8MM_INLINE   QQI_TARGET_INLINE(QQI_TARGET_I8MM)

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

QQI_INLINE void qqi_store_f32(void *p, float x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_f64(void *p, double x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

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

QQI_FN float qqi_exp2_f32(float x)
{
    return qqi_exp_any(x, qqi_exp2_cut);
}

QQI_FN float qqi_exp_f32(float x)
{
    return qqi_exp_any(x, qqi_exp_cut);
}

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
QQI_INLINE float qqi_mul_f32(float a, float b)
{
    return qqi_keep_f32(a * b);
}

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

QQ_API float qq_round_even(float x)
{
    return qqi_canon_f32(qqi_rne_f32(x));
}

QQ_API float qq_sqrt(float x)
{
    return qqi_sqrt_f32(x);
}

QQ_API float qq_exp(float x)
{
    return qqi_exp_f32(x);
}

QQ_API float qq_exp2(float x)
{
    return qqi_exp2_f32(x);
}

QQ_API float qq_log(float x)
{
    return qqi_log_f32(x);
}

QQ_API float qq_log2(float x)
{
    return qqi_log2_f32(x);
}

QQ_API float qq_tanh(float x)
{
    return qqi_tanh_f32(x);
}

QQ_API uint16_t qq_f16_from_f32(float x)
{
    return qqi_f16_from_f32(x);
}

QQ_API uint16_t qq_bf16_from_f32(float x)
{
    return qqi_bf16_from_f32(x);
}

QQ_API float qq_f32_from_f16(uint16_t code)
{
    return qqi_f32_from_f16(code);
}

QQ_API float qq_f32_from_bf16(uint16_t code)
{
    return qqi_f32_from_bf16(code);
}

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

#if !QQ_NO_FILE

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

#endif

// ==== array/block.h ====

// qquant floor 5: 64 numbers at a time, as floats.
//
// Long loops go block by block, the loops inside have a constant length and no
// calls through pointers, so compilers can turn them into vectors. A block
// begins at a number that is a multiple of 64, so its codes begin at a whole
// byte, and a buffer is filled up with zeros where the tensor ends.

#define QQI_BLOCK 64

// The numbers of the next block, where left are left.
QQI_INLINE size_t qqi_block_size(size_t left)
{
    return left < QQI_BLOCK ? left : QQI_BLOCK;
}

// Numbers first ... first + n - 1 of floats in any type that scales and inputs
// come in: f32, f16, bf16, f64, e8m0, e4m3fn.
QQI_FN void qqi_load_floats(qq_type type, const void *data, size_t first,
                            size_t n, float *out)
{
    const uint8_t *p = (const uint8_t *)data;

    switch ((int)type) {
    case QQ_TYPE_F32:
        QQ_MEMCPY(out, p + 4 * first, 4 * n);
        return;
    case QQ_TYPE_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_f16(qqi_load_u16(p + 2 * (first + i)));
        return;
    case QQ_TYPE_BF16:
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_bf16(qqi_load_u16(p + 2 * (first + i)));
        return;
    case QQ_TYPE_F64:
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_f64(qqi_load_f64(p + 8 * (first + i)));
        return;
    case QQ_TYPE_E8M0:
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_e8m0(p[first + i]);
        return;
    default: // e4m3fn
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_minifloat(&qqi_e4m3fn, p[first + i]);
        return;
    }
}

// The way back, rounded to nearest even, e8m0 upwards; not to f64.
QQI_FN void qqi_store_floats(qq_type type, void *data, size_t first, size_t n,
                             const float *x)
{
    uint8_t *p = (uint8_t *)data;

    switch ((int)type) {
    case QQ_TYPE_F32:
        QQ_MEMCPY(p + 4 * first, x, 4 * n);
        return;
    case QQ_TYPE_F16:
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * (first + i), qqi_f16_from_f32(x[i]));
        return;
    case QQ_TYPE_BF16:
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * (first + i), qqi_bf16_from_f32(x[i]));
        return;
    case QQ_TYPE_E8M0:
        for (size_t i = 0; i < n; i++)
            p[first + i] = qqi_e8m0_from_f32(x[i], QQI_E8M0_UP);
        return;
    default: // e4m3fn
        for (size_t i = 0; i < n; i++)
            p[first + i] = qqi_minifloat_from_f32(&qqi_e4m3fn, x[i], 1);
        return;
    }
}

// A block rounded to f16 or bf16; of f32 nothing is done.
QQI_FN void qqi_block_to_type(qq_type type, float *v)
{
    if (type == QQ_TYPE_F16) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = qqi_f32_from_f16(qqi_f16_from_f32(v[i]));
    } else if (type == QQ_TYPE_BF16) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = qqi_f32_from_bf16(qqi_bf16_from_f32(v[i]));
    }
}

// ==== array/tile.h ====

// qquant floor 5: tiles: which numbers of a tensor share a scale.
//
// Axis a of size n is cut into tiles of tile[a] numbers, the last of which may
// be short; the numbers with the same tile on every axis share a scale, and
// scales are counted row-major:
//
//   shape 4 x 6, tile 2 x 4           scale of each number
//                                     0 0 0 0 1 1
//                                     0 0 0 0 1 1
//                                     2 2 2 2 3 3
//                                     2 2 2 2 3 3
//
// Only this part maps numbers to scales. Neighbouring axes are joined where
// that changes nothing, so a tensor with one scale, one scale a row, or tiles
// that divide its rows is a single long axis. There are two ways through the
// numbers: in the order of memory, stretch by stretch (a cursor), and tile by
// tile, run by run (a patch).

struct qqi_tiling {
    size_t shape[QQ_MAX_RANK];
    size_t tile[QQ_MAX_RANK];  // 1 to shape[a]
    size_t count[QQ_MAX_RANK]; // tiles along the axis
    unsigned rank;             // 1 at least
    size_t numbers;
    size_t tiles;
};

// ceil(n / d), d > 0, without overflow.
QQI_INLINE size_t qqi_ceil_div(size_t n, size_t d)
{
    return n / d + (n % d != 0);
}

// Whether axis a and the one behind it are one axis for all that matters
// here: one of them is trivial, the inner one lies in one tile, or the outer
// one has a scale for every index and no inner tile is short.
QQI_FN int qqi_axes_join(const struct qqi_tiling *t, size_t shape, size_t tile)
{
    const unsigned a = t->rank - 1;

    if (tile == shape || t->shape[a] == 1)
        return 1;
    return t->tile[a] == 1 && shape % tile == 0;
}

// Nothing: one axis without numbers.
QQI_FN void qqi_tiling_empty(struct qqi_tiling *t)
{
    QQ_MEMSET(t, 0, sizeof *t);
    t->rank = 1;
    t->tile[0] = 1;
}

// shape and tile as given, tiles larger than the axis cut to its size; the
// product of the shape is known to fit.
QQI_FN void qqi_tiling_make(struct qqi_tiling *t, unsigned rank,
                            const size_t *shape, const size_t *tile)
{
    qqi_tiling_empty(t);
    for (unsigned a = 0; a < rank; a++) {
        if (shape[a] == 0)
            return;
    }
    t->shape[0] = 1;
    for (unsigned a = 0; a < rank; a++) {
        const size_t n = shape[a];
        const size_t k = tile[a] < n ? tile[a] : n;
        const unsigned b = t->rank - 1;
        if (qqi_axes_join(t, n, k)) {
            // With the inner axis in one tile the outer tile takes it in
            // whole; else a scale's numbers are the inner tile.
            t->tile[b] = k == n ? t->tile[b] * n : k;
            t->shape[b] *= n;
        } else {
            t->shape[t->rank] = n;
            t->tile[t->rank++] = k;
        }
    }
    t->tiles = t->numbers = 1;
    for (unsigned a = 0; a < t->rank; a++) {
        t->count[a] = qqi_ceil_div(t->shape[a], t->tile[a]);
        t->numbers *= t->shape[a];
        t->tiles *= t->count[a];
    }
}

// --- in the order of memory -----------------------------------------------

struct qqi_cursor {
    const struct qqi_tiling *t;
    size_t at[QQ_MAX_RANK]; // of the axes but the last: the index
    size_t row_scale;       // the first scale of the row
    size_t column;          // on the last axis: the next number, its tile,
    size_t tile;            // and its place in that
    size_t inside;
};

QQI_FN void qqi_cursor_begin(struct qqi_cursor *c, const struct qqi_tiling *t)
{
    QQ_MEMSET(c, 0, sizeof *c);
    c->t = t;
}

// Goes to a number.
QQI_FN void qqi_cursor_seek(struct qqi_cursor *c, size_t number)
{
    const struct qqi_tiling *t = c->t;
    const unsigned last = t->rank - 1;
    size_t stride = t->count[last];

    c->column = number % t->shape[last];
    c->tile = c->column / t->tile[last];
    c->inside = t->tile[last] == 1 ? 0 : c->column % t->tile[last];
    c->row_scale = 0;
    number /= t->shape[last];
    for (int b = (int)last - 1; b >= 0; b--) {
        const unsigned a = (unsigned)b;
        c->at[a] = number % t->shape[a];
        number /= t->shape[a];
        c->row_scale += c->at[a] / t->tile[a] * stride;
        stride *= t->count[a];
    }
}

QQI_FN void qqi_cursor_next_row(struct qqi_cursor *c)
{
    const struct qqi_tiling *t = c->t;
    size_t stride = t->count[t->rank - 1];

    c->column = c->tile = c->inside = 0;
    c->row_scale = 0;
    int carry = 1;
    for (int b = (int)(t->rank - 1) - 1; b >= 0; b--) {
        const unsigned a = (unsigned)b;
        if (carry) {
            carry = ++c->at[a] == t->shape[a];
            if (carry)
                c->at[a] = 0;
        }
        c->row_scale += c->at[a] / t->tile[a] * stride;
        stride *= t->count[a];
    }
}

// The next numbers, at most max and at least one, that have scale *scale, or
// where the tile is 1 scales *scale, *scale + 1, ... one after another; returns
// how many. Not to be called beyond the last number.
QQI_FN size_t qqi_cursor_next(struct qqi_cursor *c, size_t max, size_t *scale)
{
    const unsigned last = c->t->rank - 1;
    const size_t tile = c->t->tile[last];
    size_t n = c->t->shape[last] - c->column;

    *scale = c->row_scale + c->tile;
    if (n > max)
        n = max;
    if (tile == 1) {
        c->tile += n;
    } else {
        if (n >= tile - c->inside) {
            n = tile - c->inside;
            c->tile++;
            c->inside = 0;
        } else {
            c->inside += n;
        }
    }
    c->column += n;
    if (c->column == c->t->shape[last])
        qqi_cursor_next_row(c);
    return n;
}

// --- tile by tile ----------------------------------------------------------

// One tile, or where the last axis has tiles of 1 up to lanes neighbours on
// it: the run's numbers then belong to one tile each.
struct qqi_patch {
    const struct qqi_tiling *t;
    size_t at[QQ_MAX_RANK];
    size_t size[QQ_MAX_RANK];
    size_t start; // the first number of the next run
    size_t run;   // the length of each
    size_t runs;  // how many are left
    size_t lanes; // tiles of the patch
};

QQI_FN void qqi_patch_begin(struct qqi_patch *p, const struct qqi_tiling *t,
                            size_t tile, size_t lanes)
{
    size_t stride = 1;

    p->t = t;
    p->start = 0;
    p->runs = p->run = p->lanes = 1;
    for (int b = (int)t->rank - 1; b >= 0; b--) {
        const unsigned a = (unsigned)b;
        const size_t i = a > 0 ? tile % t->count[a] : tile;
        const size_t first = i * t->tile[a];
        const size_t left = t->shape[a] - first;
        tile = a > 0 ? tile / t->count[a] : 0;
        p->at[a] = 0;
        p->size[a] = left < t->tile[a] ? left : t->tile[a];
        p->start += first * stride;
        stride *= t->shape[a];
        if (a + 1 == t->rank) {
            const int many = t->tile[a] == 1;
            p->lanes = many ? (left < lanes ? left : lanes) : 1;
            p->run = many ? p->lanes : p->size[a];
        } else {
            p->runs *= p->size[a];
        }
    }
}

// The place of the next run; runs says that there is one.
QQI_FN size_t qqi_patch_next(struct qqi_patch *p)
{
    const struct qqi_tiling *t = p->t;
    const size_t place = p->start;
    size_t stride = t->shape[t->rank - 1];

    p->runs--;
    for (int b = (int)(t->rank - 1) - 1; b >= 0; b--) {
        const unsigned a = (unsigned)b;
        p->start += stride;
        if (++p->at[a] < p->size[a])
            break;
        p->start -= p->size[a] * stride;
        p->at[a] = 0;
        stride *= t->shape[a];
    }
    return place;
}

// ==== array/stat.h ====

// qquant floor 5: what calibration knows of the numbers of a tile.
//
// Only finite numbers count. The extremes include 0. Sums are made in f64, one
// number after another in the order of memory, so a tile seen in pieces gives
// the bits of the whole; squares of floats are exact there.

struct qqi_stat {
    uint64_t count; // of finite numbers
    float min;
    float max;
    double sum; // of magnitudes
    double squares;
};

#define QQI_LANES_MOST 16 // tiles of a patch

// Which members a calibration needs.
#define QQI_STAT_EXTREMES 1u
#define QQI_STAT_SUMS     2u

// What is not finite counts as 0.
QQI_INLINE float qqi_finite_or_zero(float x)
{
    return qqi_is_finite_f32(x) ? x : 0.0f;
}

// The same as an integer of the same order.
QQI_INLINE int32_t qqi_finite_rank(float x)
{
    const int32_t r = qqi_rank_f32(x);

    return qqi_is_finite_f32(x) ? r : 0;
}

QQI_INLINE float qqi_float_of_rank(int32_t r)
{
    return r < 0 ? -qqi_f32_of((uint32_t)-r) : qqi_f32_of((uint32_t)r);
}

// As integers, and sixteen at a time, so that loops turn into vectors.
QQI_FN void qqi_stat_add_extremes(struct qqi_stat *t, const float *x, size_t n)
{
    int32_t min = qqi_rank_f32(t->min);
    int32_t max = qqi_rank_f32(t->max);
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        for (size_t j = 0; j < 16; j++) {
            const int32_t r = qqi_finite_rank(x[i + j]);
            min = r < min ? r : min;
            max = r > max ? r : max;
        }
    }
    for (; i < n; i++) {
        const int32_t r = qqi_finite_rank(x[i]);
        min = r < min ? r : min;
        max = r > max ? r : max;
    }
    t->min = qqi_float_of_rank(min);
    t->max = qqi_float_of_rank(max);
}

QQI_FN void qqi_stat_add_sums(struct qqi_stat *t, const float *x, size_t n)
{
    double sum = t->sum;
    double squares = t->squares;

    for (size_t i = 0; i < n; i++) {
        const double v = qqi_f64_from_f32(qqi_finite_or_zero(x[i]));
        sum += qqi_abs_f64(v);
        squares += v * v; // exact, so it may be fused
        t->count += (uint64_t)qqi_is_finite_f32(x[i]);
    }
    t->sum = sum;
    t->squares = squares;
}

QQI_FN void qqi_stat_add(struct qqi_stat *t, unsigned want, const float *x,
                         size_t n)
{
    if (want & QQI_STAT_EXTREMES)
        qqi_stat_add_extremes(t, x, n);
    if (want & QQI_STAT_SUMS)
        qqi_stat_add_sums(t, x, n);
}

// Adds the numbers of tile, or of up to QQI_LANES_MOST neighbours where each
// has but one number on the last axis, to t[0], t[1], ...; returns how many.
QQI_NOINLINE size_t qqi_stat_patch(const struct qqi_tiling *tiling,
                                   const qq_tensor *x, size_t tile,
                                   unsigned want, struct qqi_stat *t)
{
    struct qqi_patch p;
    float v[QQI_BLOCK];

    qqi_patch_begin(&p, tiling, tile, QQI_LANES_MOST);
    const int each = tiling->tile[tiling->rank - 1] == 1;
    while (p.runs > 0) {
        const size_t first = qqi_patch_next(&p);
        for (size_t i = 0; i < p.run; i += QQI_BLOCK) {
            const size_t n = qqi_block_size(p.run - i);
            qqi_load_floats(x->type, x->data, first + i, n, v);
            if (!each) {
                qqi_stat_add(t, want, v, n);
                continue;
            }
            for (size_t j = 0; j < n; j++)
                qqi_stat_add(&t[j], want, &v[j], 1);
        }
    }
    return p.lanes;
}

// ==== array/calibrate.h ====

// qquant floor 5: from the numbers of a tile to its bound: rule qquant.
//
//   absmax       f max|x|                      rms          f sqrt(mean x^2)
//   minmax       f min(min x, 0), f max(max x, 0)
//   fixed        the numbers given             mse          see search.h
//   absmean      f (mean |x|^p)^(1/p)          percentile   see search.h
//
// of the finite numbers x; of none: 0. Made in f64 and rounded to f32 once.

// What the codes of a tile have to reach: -max to max, or min to max.
struct qqi_bound {
    float min;
    float max;
};

// The first argument, or 1.
QQI_INLINE double qqi_calib_factor(const qq_calibration *c)
{
    return c->arg_count > 0 ? c->args[0] : 1.0;
}

// Whether a calibration asks for a minimum and a maximum.
QQI_FN int qqi_calib_is_asymmetric(const qq_calibration *c)
{
    if (c->method == QQ_CALIB_MINMAX)
        return 1;
    if (c->method != QQ_CALIB_FIXED || c->arg_count != 2)
        return 0;
    const double sum = c->args[0] + c->args[1];
    return sum < 0.0 || sum > 0.0 || qqi_is_nan_f64(sum);
}

// To f32; the largest float for all beyond it.
QQI_FN float qqi_bound_f32(double x)
{
    const float r = qqi_f32_from_f64(x);

    if (!qqi_is_inf_f32(r))
        return r;
    return x < 0.0 ? -3.40282347e38f : 3.40282347e38f;
}

// The exponent p of absmean; 1 where none is given.
QQI_INLINE int qqi_calib_power(const qq_calibration *c)
{
    return c->arg_count > 1 ? (int)c->args[1] : 1;
}

// The members of a stat that a calibration needs.
QQI_FN unsigned qqi_calib_wants(const qq_calibration *c)
{
    if (c->method == QQ_CALIB_RMS || c->method == QQ_CALIB_ABSMEAN)
        return QQI_STAT_SUMS;
    return QQI_STAT_EXTREMES;
}

// The bound of what needs no second look at the numbers.
QQI_FN struct qqi_bound qqi_bound_of_stat(const qq_calibration *c,
                                          const struct qqi_stat *t)
{
    const double f = qqi_calib_factor(c);
    const double n = (double)(t->count > 0 ? t->count : 1);
    const float top = t->max > -t->min ? t->max : -t->min;
    struct qqi_bound b = {0.0f, 0.0f};

    if (c->method == QQ_CALIB_MINMAX) {
        b.min = qqi_bound_f32(f * (double)t->min);
        b.max = qqi_bound_f32(f * (double)t->max);
    } else if (c->method == QQ_CALIB_RMS) {
        b.max = qqi_bound_f32(f * qqi_sqrt_f64(t->squares / n));
    } else if (c->method == QQ_CALIB_ABSMEAN && qqi_calib_power(c) == 2) {
        b.max = qqi_bound_f32(f * qqi_sqrt_f64(t->squares / n));
    } else if (c->method == QQ_CALIB_ABSMEAN) {
        b.max = qqi_bound_f32(f * (t->sum / n));
    } else {
        b.max = c->arg_count > 0 ? qqi_bound_f32(f * (double)top) : top;
    }
    return b;
}

// fixed: the numbers themselves.
QQI_FN struct qqi_bound qqi_bound_fixed(const qq_calibration *c)
{
    struct qqi_bound b = {0.0f, 0.0f};

    b.max = qqi_bound_f32(c->args[c->arg_count == 2 ? 1 : 0]);
    if (c->arg_count == 2 && qqi_calib_is_asymmetric(c))
        b.min = qqi_bound_f32(c->args[0]);
    return b;
}

// ==== array/parse.h ====

// qquant floor 5: calibrations as text.
//
//   text = word { "," number }        "absmax"  "rms,7"  "fixed,-10,10"
//
// Numbers are those of Python's float(): a sign, digits with single
// underscores between them, a point, an exponent, or inf, infinity, nan; no
// hexadecimal. Upper and lower case are alike everywhere.

// What is left of a text.
struct qqi_text {
    const char *p;
    size_t n;
};

// The next character in lower case without taking it; 0 at the end.
QQI_FN char qqi_text_peek(const struct qqi_text *t)
{
    if (t->n == 0)
        return 0;
    return (char)(*t->p >= 'A' && *t->p <= 'Z' ? *t->p - 'A' + 'a' : *t->p);
}

QQI_FN void qqi_text_skip(struct qqi_text *t, size_t n)
{
    t->p += n;
    t->n -= n;
}

// Takes the character c if it is the next.
QQI_FN int qqi_text_take(struct qqi_text *t, char c)
{
    if (t->n == 0 || qqi_text_peek(t) != c)
        return 0;
    qqi_text_skip(t, 1);
    return 1;
}

// Whether the whole text is the word.
QQI_FN int qqi_text_is(struct qqi_text t, const char *word)
{
    while (*word != 0 && qqi_text_take(&t, *word))
        word++;
    return *word == 0 && t.n == 0;
}

// The digit that comes next, past an underscore if one stands between two
// digits; -1 if there is none.
QQI_FN int qqi_text_digit(struct qqi_text *t, int after_digit)
{
    struct qqi_text ahead = *t;

    if (after_digit)
        (void)qqi_text_take(&ahead, '_');
    const char c = qqi_text_peek(&ahead);
    if (c < '0' || c > '9')
        return -1;
    qqi_text_skip(&ahead, 1);
    *t = ahead;
    return c - '0';
}

// Digits as an exponent, cut where it cannot matter any more; 0 if there are
// none.
QQI_FN int qqi_text_exponent(struct qqi_text *t, int64_t *exponent)
{
    const int negative = qqi_text_take(t, '-');
    int64_t e = 0;
    int n = 0;

    if (!negative)
        (void)qqi_text_take(t, '+');
    for (int c = 0; (c = qqi_text_digit(t, n)) >= 0; n = 1) {
        if (e < (int64_t)1 << 58)
            e = e * 10 + c;
    }
    *exponent = negative ? -e : e;
    return n;
}

// Digits about an optional point; *digits counts those before it.
QQI_FN int qqi_text_mantissa(struct qqi_text *t, struct qqi_decimal *d,
                             int64_t power, size_t *digits)
{
    int any = 0;
    int n = 0;
    int c = 0;

    *digits = 0;
    for (; (c = qqi_text_digit(t, n)) >= 0; n = any = 1) {
        qqi_decimal_put(d, (unsigned)c, power--);
        ++*digits;
    }
    if (!qqi_text_take(t, '.'))
        return any;
    for (n = 0; (c = qqi_text_digit(t, n)) >= 0; n = any = 1)
        qqi_decimal_put(d, (unsigned)c, power--);
    return any;
}

// An unsigned number of Python; 0 if the text is none.
QQI_FN int qqi_text_unsigned(struct qqi_text t, double *out)
{
    struct qqi_decimal d;
    struct qqi_text start = t;
    size_t digits = 0;
    int64_t exponent = 0;

    if (qqi_text_is(t, "inf") || qqi_text_is(t, "infinity")) {
        *out = qqi_f64_of((uint64_t)0x7ff << 52);
        return 1;
    }
    if (qqi_text_is(t, "nan")) {
        *out = qqi_f64_of((uint64_t)0xfff << 51);
        return 1;
    }
    // Once to find the exponent, once to put the digits in their places.
    QQ_MEMSET(&d, 0, sizeof d);
    if (!qqi_text_mantissa(&t, &d, 0, &digits))
        return 0;
    if (qqi_text_take(&t, 'e') && !qqi_text_exponent(&t, &exponent))
        return 0;
    if (t.n != 0)
        return 0;
    QQ_MEMSET(&d, 0, sizeof d);
    (void)qqi_text_mantissa(&start, &d, exponent + (int64_t)digits - 1,
                            &digits);
    *out = qqi_decimal_value(&d);
    return 1;
}

QQI_FN int qqi_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// A number with blanks around it.
QQI_FN int qqi_text_number(struct qqi_text t, double *out)
{
    while (t.n != 0 && qqi_is_blank(*t.p))
        qqi_text_skip(&t, 1);
    while (t.n != 0 && qqi_is_blank(t.p[t.n - 1]))
        t.n--;
    const int negative = qqi_text_take(&t, '-');
    if (!negative)
        (void)qqi_text_take(&t, '+');
    if (!qqi_text_unsigned(t, out))
        return 0;
    if (negative)
        *out = -*out;
    return 1;
}

// The text up to the next comma; 0 at the end of the text.
QQI_FN int qqi_text_field(struct qqi_text *t, int *open, struct qqi_text *field)
{
    if (!*open)
        return 0;
    *field = *t;
    field->n = 0;
    while (field->n < t->n && t->p[field->n] != ',')
        field->n++;
    qqi_text_skip(t, field->n);
    *open = qqi_text_take(t, ',');
    return 1;
}

struct qqi_calib_word {
    const char *word;
    qq_calib method;
    unsigned char least; // arguments
    unsigned char most;  // 255: further ones are read and ignored
};

QQI_FN const struct qqi_calib_word *qqi_calib_find(struct qqi_text t)
{
    static const struct qqi_calib_word words[] = {
        {"absmax", QQ_CALIB_ABSMAX, 0, 255},
        {"minmax", QQ_CALIB_MINMAX, 0, 255},
        {"rms", QQ_CALIB_RMS, 1, 255},
        {"fixed", QQ_CALIB_FIXED, 1, 2},
        {"mse", QQ_CALIB_MSE, 0, 1},
        {"percentile", QQ_CALIB_PERCENTILE, 1, 1},
        {"absmean", QQ_CALIB_ABSMEAN, 1, 2},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (qqi_text_is(t, words[i].word))
            return &words[i];
    }
    return NULL;
}

// Whether fixed's numbers are a range about zero. NaN is in no range.
QQI_FN int qqi_calib_fixed_ok(const qq_calibration *c)
{
    const double lo = c->arg_count == 1 ? -c->args[0] : c->args[0];
    const double hi = c->args[c->arg_count == 1 ? 0 : 1];

    return lo <= 0.0 && hi >= 0.0 && lo < hi;
}

QQ_API qq_status qq_calibration_parse(const char *text, size_t length,
                                      qq_calibration *out)
{
    struct qqi_text t = {text, length};
    struct qqi_text field = {text, 0};
    qq_calibration c = {{0.0, 0.0}, 0, QQ_CALIB_ABSMAX};
    size_t count = 0;
    int open = 1;

    if ((text == NULL && length != 0) || out == NULL)
        return QQ_ERR_ARGUMENT;
    if (length == 0)
        return QQ_ERR_FORMAT;
    (void)qqi_text_field(&t, &open, &field);
    const struct qqi_calib_word *w = qqi_calib_find(field);
    if (w == NULL)
        return QQ_ERR_FORMAT;
    c.method = w->method;
    for (; qqi_text_field(&t, &open, &field); count++) {
        double x = 0.0;
        if (!qqi_text_number(field, &x))
            return QQ_ERR_FORMAT;
        if (c.arg_count < 2)
            c.args[c.arg_count++] = x;
    }
    if (count < w->least || (w->most != 255 && count > w->most))
        return QQ_ERR_FORMAT;
    if (c.method == QQ_CALIB_FIXED && !qqi_calib_fixed_ok(&c))
        return QQ_ERR_FORMAT;
    *out = c;
    return QQ_OK;
}

// ==== array/scheme.h ====

// qquant floor 5: making a scheme, and what it says about axes.

// What qq_scheme_init leaves in a scheme: "qqs1".
#define QQI_SCHEME_INIT 0x31737171u

// A row of the list; of no type, for a number that is none.
QQI_FN qq_type_info qqi_type_info(qq_type type)
{
    qq_type_info info;

    QQ_MEMSET(&info, 0, sizeof info);
    (void)qq_type_get(type, &info);
    return info;
}

// --- making ----------------------------------------------------------------

QQ_API qq_scheme qq_scheme_init_rule(qq_type type, qq_rule rule)
{
    const qq_type_info info = qqi_type_info(type);
    qq_scheme s;

    QQ_MEMSET(&s, 0, sizeof s);
    s.init = QQI_SCHEME_INIT;
    s.type = type;
    s.rule = rule;
    s.calibration.method = QQ_CALIB_ABSMAX;
    s.range = QQ_RANGE_HALF_STEP;
    s.scale_type = QQ_TYPE_NONE;
    s.division = QQ_DIVISION_TRUE;
    s.noise = QQ_NOISE_NONE;
    s.layout = QQ_RANDOM_PARTITIONABLE;
    s.numerics.kind = QQ_NUMERICS_NONE;
    if (rule == QQ_RULE_AQT || rule == QQ_RULE_FJ) {
        const int small = info.kind == QQ_KIND_SMALL;
        s.numerics.kind = small ? QQ_NUMERICS_FP8 : QQ_NUMERICS_INT;
        s.numerics.bits = qq_type_bits(type);
        s.numerics.preserve_zero = 1;
        s.numerics.clip = 1;
        s.numerics.round = 1;
    }
    return s;
}

QQ_API qq_scheme qq_scheme_init(qq_type type)
{
    qq_scheme s = qq_scheme_init_rule(type, QQ_RULE_QQUANT);

    // The scale of a sign is mean|x|. Ternary codes reach 1.5 scales, so that
    // 1.5 mean|x| gives the same.
    if (type == QQ_TYPE_SIGN || type == QQ_TYPE_TERNARY) {
        s.calibration.method = QQ_CALIB_ABSMEAN;
        s.calibration.args[0] = type == QQ_TYPE_SIGN ? 1.0 : 1.5;
        s.calibration.arg_count = 1;
    }
    s.two_level = type == QQ_TYPE_NVFP4;
    return s;
}

// The axis counted from the front; QQ_MAX_RANK if it lies outside.
QQI_FN unsigned qqi_axis_of(int axis, unsigned rank)
{
    if (rank > QQ_MAX_RANK)
        return QQ_MAX_RANK;
    if (axis < 0)
        axis += (int)rank;
    return axis < 0 || axis >= (int)rank ? QQ_MAX_RANK : (unsigned)axis;
}

QQI_FN int qqi_axis_is_channel(const qq_scheme *s, unsigned a)
{
    return (int)(s->channels >> a & 1);
}

QQI_FN int qqi_axis_is_tiled(const qq_scheme *s, unsigned a)
{
    const double f = s->tile_fraction[a];

    return s->tile[a] != 0 || f < 0.0 || f > 0.0 || qqi_is_nan_f64(f);
}

// The axis that a setter means.
QQI_FN qq_status qqi_setter_axis(const qq_scheme *s, int axis, unsigned rank,
                                 unsigned *a)
{
    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    if (s->init != QQI_SCHEME_INIT)
        return QQ_ERR_SCHEME;
    *a = qqi_axis_of(axis, rank);
    return *a == QQ_MAX_RANK ? QQ_ERR_AXIS : QQ_OK;
}

QQ_API qq_status qq_scheme_channel(qq_scheme *s, int axis, unsigned rank)
{
    unsigned a;
    const qq_status status = qqi_setter_axis(s, axis, rank, &a);

    if (status != QQ_OK)
        return status;
    if (qqi_axis_is_tiled(s, a))
        return QQ_ERR_AXIS;
    s->channels |= (uint32_t)1 << a;
    return QQ_OK;
}

QQ_API qq_status qq_scheme_tile(qq_scheme *s, int axis, unsigned rank,
                                size_t tile)
{
    unsigned a;
    const qq_status status = qqi_setter_axis(s, axis, rank, &a);

    if (status != QQ_OK)
        return status;
    if (qqi_axis_is_channel(s, a))
        return QQ_ERR_AXIS;
    if (tile == 0)
        return QQ_ERR_ARGUMENT;
    s->tile[a] = tile;
    s->tile_fraction[a] = 0.0;
    return QQ_OK;
}

QQ_API qq_status qq_scheme_tile_fraction(qq_scheme *s, int axis, unsigned rank,
                                         double fraction)
{
    unsigned a;
    const qq_status status = qqi_setter_axis(s, axis, rank, &a);

    if (status != QQ_OK)
        return status;
    if (qqi_axis_is_channel(s, a))
        return QQ_ERR_AXIS;
    if (!(fraction > 0.0 && fraction <= 1.0))
        return QQ_ERR_ARGUMENT;
    s->tile[a] = 0;
    s->tile_fraction[a] = fraction;
    return QQ_OK;
}

// --- axes ------------------------------------------------------------------

// The tile that the scheme wants on axis a of size n; 0 if there is none: a
// fraction that is none, or that comes to nothing.
QQI_FN size_t qqi_scheme_tile_at(const qq_scheme *s, unsigned a, size_t n)
{
    if (qqi_axis_is_channel(s, a))
        return 1;
    if (s->tile[a] != 0)
        return s->tile[a];
    if (!qqi_axis_is_tiled(s, a))
        return n;
    const double f = s->tile_fraction[a];
    if (!(f > 0.0 && f <= 1.0))
        return 0;
    const double tile = qqi_rne_f64((double)n * f);
    return tile >= (double)n ? n : (size_t)tile;
}

// The bits of what is wrong with the axes, whatever the shape.
QQI_FN uint32_t qqi_check_roles(const qq_scheme *s, unsigned rank)
{
    uint32_t bad = 0;

    if (rank < 32 && s->channels >> rank != 0)
        bad |= QQ_BAD_AXIS;
    for (unsigned a = 0; a < QQ_MAX_RANK; a++) {
        const double f = s->tile_fraction[a];
        if (!qqi_axis_is_tiled(s, a))
            continue;
        if (a >= rank || qqi_axis_is_channel(s, a))
            bad |= QQ_BAD_AXIS;
        if (s->tile[a] != 0 ? f < 0.0 || f > 0.0 || qqi_is_nan_f64(f)
                            : !(f > 0.0 && f <= 1.0))
            bad |= QQ_BAD_TILE;
    }
    return bad;
}

// The same for an array of the shape. Tiles must divide their axes under all
// rules but our own.
QQI_FN uint32_t qqi_check_axes(const qq_scheme *s, unsigned rank,
                               const size_t *shape)
{
    uint32_t bad = qqi_check_roles(s, rank);

    for (unsigned a = 0; a < rank && bad == 0; a++) {
        const size_t tile = qqi_scheme_tile_at(s, a, shape[a]);
        if (shape[a] == 0)
            continue;
        if (tile == 0 || (s->rule != QQ_RULE_QQUANT && shape[a] % tile != 0))
            bad |= QQ_BAD_TILE;
    }
    return bad;
}

// Whether the calibration has one scale for everything, axes or not.
QQI_FN int qqi_scheme_is_fixed(const qq_scheme *s)
{
    return s->calibration.method == QQ_CALIB_FIXED;
}

// The tiles of an array, cut to its axes (1 where an axis is empty), and the
// shape of its scales. The axes were found right. An empty array has no scales
// under our rule, so that it has no bytes at all.
QQI_FN void qqi_scheme_tiles(const qq_scheme *s, unsigned rank,
                             const size_t *shape, size_t *tile, size_t *count)
{
    for (unsigned a = 0; a < rank; a++) {
        const size_t n = shape[a];
        const int whole =
            qqi_scheme_is_fixed(s) ||
            (!qqi_axis_is_channel(s, a) && !qqi_axis_is_tiled(s, a));
        const size_t k = whole ? n : qqi_scheme_tile_at(s, a, n);
        tile[a] = k < n ? k : n;
        count[a] = whole && s->rule != QQ_RULE_QQUANT;
        if (n == 0)
            tile[a] = 1;
        else
            count[a] = n / tile[a] + (n % tile[a] != 0);
    }
}

QQ_API qq_status qq_scheme_scale_shape(const qq_scheme *s, unsigned rank,
                                       const size_t *shape, size_t *scale_shape)
{
    size_t tile[QQ_MAX_RANK];

    if (s == NULL || (rank != 0 && (shape == NULL || scale_shape == NULL)))
        return QQ_ERR_ARGUMENT;
    if (s->init != QQI_SCHEME_INIT)
        return QQ_ERR_SCHEME;
    if (rank > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    const uint32_t bad = qqi_check_axes(s, rank, shape);
    if (bad & QQ_BAD_AXIS)
        return QQ_ERR_AXIS;
    if (bad != 0)
        return QQ_ERR_SHAPE;
    qqi_scheme_tiles(s, rank, shape, tile, scale_shape);
    return QQ_OK;
}

// ==== array/tensor.h ====

// qquant floor 5: tensors: their sizes, their elements, other types.

QQ_API qq_tensor qq_tensor_make(const void *data, qq_type type, unsigned rank,
                                const size_t *shape)
{
    qq_tensor t;

    QQ_MEMSET(&t, 0, sizeof t);
    t.data = data;
    if (rank > QQ_MAX_RANK || (rank > 0 && !shape))
        return t;
    t.rank = rank;
    t.type = type;
    for (unsigned a = 0; a < rank; a++)
        t.shape[a] = shape[a];
    return t;
}

// The product of rank sizes, 0 if one of them is; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_shape_count(unsigned rank, const size_t *shape)
{
    size_t count = 1;
    int fits = 1;

    for (unsigned a = 0; a < rank; a++) {
        if (shape[a] == 0)
            return 0;
        fits = fits && qqi_mul_size(count, shape[a], &count);
    }
    return fits ? count : SIZE_MAX;
}

QQ_API size_t qq_tensor_count(const qq_tensor *t)
{
    if (!t || t->rank > QQ_MAX_RANK)
        return SIZE_MAX;
    return qqi_shape_count(t->rank, t->shape);
}

QQ_API size_t qq_tensor_bytes(const qq_tensor *t)
{
    const size_t count = qq_tensor_count(t);

    return count == SIZE_MAX ? SIZE_MAX : qq_type_bytes(t->type, count);
}

QQ_API qq_status qq_tensor_check(const qq_tensor *t)
{
    if (!t)
        return QQ_ERR_ARGUMENT;
    if (t->type == QQ_TYPE_NONE || qqi_type_storage(t->type) != t->type)
        return QQ_ERR_TYPE;
    if (t->rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    const size_t bytes = qq_tensor_bytes(t);
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    return bytes > 0 && !t->data ? QQ_ERR_ARGUMENT : QQ_OK;
}

QQ_API int32_t qq_tensor_code(const qq_tensor *t, size_t i)
{
    QQ_ASSERT(i < qq_tensor_count(t));
    return qqi_load_integer(t->type, t->data, i);
}

QQ_API float qq_tensor_value(const qq_tensor *t, size_t i)
{
    QQ_ASSERT(i < qq_tensor_count(t));
    return qqi_load_value(t->type, t->data, i);
}

// Whether out has room for a result of that many bytes and *view can be set.
QQI_FN qq_status qqi_bytes_fit(size_t bytes, const void *out, size_t out_bytes,
                               const qq_tensor *view)
{
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (bytes > 0 && !out)
        return QQ_ERR_ARGUMENT;
    if (out_bytes < bytes)
        return QQ_ERR_SIZE;
    return view ? QQ_OK : QQ_ERR_ARGUMENT;
}

QQI_FN qq_status qqi_tensor_fits(const qq_tensor *result, const void *out,
                                 size_t out_bytes, const qq_tensor *view)
{
    return qqi_bytes_fit(qq_tensor_bytes(result), out, out_bytes, view);
}

// The same bytes, at least one; what is left of the last one is 0.
QQI_FN void qqi_tensor_copy(const qq_tensor *t, size_t bytes, void *out)
{
    const unsigned odd = (unsigned)(qq_tensor_count(t) % 8);
    const unsigned used = odd * qq_type_bits(t->type) % 8;
    uint8_t *p = (uint8_t *)out;

    QQ_MEMCPY(p, t->data, bytes);
    if (used > 0)
        p[bytes - 1] = (uint8_t)(p[bytes - 1] & ((1u << used) - 1));
}

// By doubles, for types that a float does not hold.
QQI_FN void qqi_convert_wide(const qq_tensor *t, qq_type type, size_t count,
                             void *out)
{
    for (size_t i = 0; i < count; i++)
        qqi_store_wide(type, out, i, qqi_load_wide(t->type, t->data, i));
}

QQI_FN void qqi_convert_narrow(const qq_tensor *t, qq_type type, size_t count,
                               void *out)
{
    float x[QQI_MANY];

    for (size_t i = 0; i < count; i += QQI_MANY) {
        const size_t n = count - i < QQI_MANY ? count - i : QQI_MANY;
        qqi_load_values(t->type, t->data, i, n, x);
        qqi_store_values(type, out, i, n, x);
    }
}

QQ_API qq_status qq_tensor_convert(const qq_tensor *t, qq_type type, void *out,
                                   size_t out_bytes, qq_tensor *view)
{
    qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    if (type == QQ_TYPE_NONE || type == QQ_TYPE_BOOK ||
        qqi_type_storage(type) != type)
        return QQ_ERR_TYPE;
    const size_t count = qq_tensor_count(t);
    const qq_tensor result = qq_tensor_make(out, type, t->rank, t->shape);
    const size_t bytes = qq_tensor_bytes(&result);
    status = qqi_bytes_fit(bytes, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    if (bytes == 0) {
        *view = result;
        return QQ_OK;
    }
    if (type == t->type) {
        qqi_tensor_copy(t, bytes, out);
    } else if (t->type == QQ_TYPE_F64 || t->type == QQ_TYPE_INT32) {
        QQ_MEMSET(out, 0, bytes);
        qqi_convert_wide(t, type, count, out);
    } else {
        qqi_convert_narrow(t, type, count, out);
    }
    *view = result;
    return QQ_OK;
}

// ==== array/check.h ====

// qquant floor 5: what is wrong with a scheme: the questions rules share.

// Types that inputs come in.
QQI_FN int qqi_is_input_type(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

// Members that are enumerators, but for the type.
QQI_FN uint32_t qqi_check_enums(const qq_scheme *s)
{
    const int rule = (int)s->rule;
    const int range = (int)s->range;
    const int division = (int)s->division;
    const int noise = (int)s->noise;
    const int layout = (int)s->layout;

    if (rule < QQ_RULE_QQUANT || rule > QQ_RULE_FJFORMER ||
        range < QQ_RANGE_HALF_STEP || range > QQ_RANGE_FULL ||
        division < QQ_DIVISION_TRUE ||
        division > QQ_DIVISION_MULTIPLY_RECIPROCAL || noise < QQ_NOISE_NONE ||
        noise > QQ_NOISE_GIVEN || layout < QQ_RANDOM_PARTITIONABLE ||
        layout > QQ_RANDOM_LEGACY)
        return QQ_BAD_RULE;
    return 0;
}

// What holds under every rule. x may be NULL.
QQI_FN uint32_t qqi_check_common(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = qqi_check_enums(s);

    // eformer pads axes and takes integers: its rows judge x by themselves.
    if (x == NULL || s->rule >= QQ_RULE_EFORMER)
        return bad | qqi_check_roles(s, x == NULL ? QQ_MAX_RANK : x->rank);
    if (!qqi_is_input_type(x->type))
        bad |= QQ_BAD_INPUT;
    return bad | qqi_check_axes(s, x->rank, x->shape);
}

// A format has tiles, of its own size. A part of an axis is judged where the
// axis is known.
QQI_FN uint32_t qqi_check_format(const qq_scheme *s, const qq_tensor *x)
{
    const size_t want = qqi_type_info(s->type).tile;
    int tiled = want == 0;

    for (unsigned a = 0; a < QQ_MAX_RANK && want != 0; a++) {
        if (!qqi_axis_is_tiled(s, a))
            continue;
        tiled = 1;
        if (s->tile[a] == 0 && (x == NULL || a >= x->rank))
            continue;
        const size_t n = x != NULL && a < x->rank ? x->shape[a] : 0;
        if (qqi_scheme_tile_at(s, a, n) != want)
            return QQ_BAD_TILE;
    }
    return tiled ? 0 : QQ_BAD_TILE;
}

// Given noise is a float tensor that broadcasts to x.
QQI_FN int qqi_noise_fits(const qq_tensor *noise, const qq_tensor *x)
{
    if (noise == NULL || qq_tensor_check(noise) != QQ_OK ||
        !qqi_is_input_type(noise->type))
        return 0;
    if (x == NULL)
        return 1;
    if (noise->rank > x->rank)
        return 0;
    for (unsigned a = 0; a < noise->rank; a++) {
        const size_t n = x->shape[x->rank - noise->rank + a];
        if (noise->shape[a] != 1 && noise->shape[a] != n)
            return 0;
    }
    return 1;
}

// Whether noise can be drawn for x: the legacy layout has but 2^32 - 1 words.
QQI_FN int qqi_noise_drawable(const qq_scheme *s, const qq_tensor *x)
{
    const size_t each = 32 / qqi_noise_width(s->noise);
    size_t count = 1;

    if (s->layout != QQ_RANDOM_LEGACY || qq_tensor_count(x) == 0)
        return 1;
    for (unsigned a = 0; a < x->rank; a++) {
        if (!(s->noise_shared >> a & 1))
            count *= x->shape[a];
    }
    return ((count - 1) / each + 1) >> 16 >> 16 == 0;
}

// One that is drawn is shared along axes that exist.
QQI_FN uint32_t qqi_check_noise(const qq_scheme *s, const qq_tensor *x)
{
    if (s->noise == QQ_NOISE_NONE)
        return 0;
    if (s->noise == QQ_NOISE_GIVEN)
        return qqi_noise_fits(s->given_noise, x) ? 0 : QQ_BAD_NOISE;
    const unsigned rank = x != NULL ? x->rank : QQ_MAX_RANK;
    if (s->noise_shared >> rank != 0)
        return QQ_BAD_NOISE;
    return x == NULL || qqi_noise_drawable(s, x) ? 0 : QQ_BAD_NOISE;
}

// A finite number above 0.
QQI_FN int qqi_is_factor(double f)
{
    return f > 0.0 && qqi_is_finite_f64(f);
}

// A whole number from 1 to most.
QQI_FN int qqi_is_count(double n, double most)
{
    return n >= 1.0 && n <= most && n <= qqi_floor_f64(n);
}

// Numerics and their companions belong to AQT and FJ.
QQI_FN uint32_t qqi_check_no_numerics(const qq_scheme *s)
{
    if (s->numerics.kind != QQ_NUMERICS_NONE || s->power_of_two ||
        s->fake_quant || s->clips != NULL || s->bound != NULL ||
        s->bias != NULL || s->has_bias)
        return QQ_BAD_NUMERICS;
    return 0;
}

// Whether two pieces of memory share no byte: what QQ_ASSERT asks of inputs
// and outputs.
QQI_FN int qqi_apart(const void *p, size_t p_bytes, const void *q,
                     size_t q_bytes)
{
    const uintptr_t a = (uintptr_t)p;
    const uintptr_t b = (uintptr_t)q;

    return p_bytes == 0 || q_bytes == 0 ||
           (a < b ? b - a >= p_bytes : a - b >= q_bytes);
}

// The status that goes with the bits: that of the lowest.
QQI_FN qq_status qqi_status_of_bad(uint32_t bad)
{
    if (bad == 0)
        return QQ_OK;
    if (bad & (QQ_BAD_INIT | QQ_BAD_RULE))
        return QQ_ERR_SCHEME;
    if (bad & QQ_BAD_TYPE)
        return QQ_ERR_TYPE;
    if (bad & QQ_BAD_AXIS)
        return QQ_ERR_AXIS;
    if (bad & QQ_BAD_TILE)
        return QQ_ERR_SHAPE;
    if (bad == QQ_BAD_INPUT)
        return QQ_ERR_TYPE;
    return QQ_ERR_SCHEME;
}

// ==== array/aqt_check.h ====

// qquant floor 5: which schemes AQT and FJFormer's bits have.

#if !QQ_NO_TRAIN

QQI_FN int qqi_aqt_is_float(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

// The numerics by themselves, and the type of the codes they make.
QQI_FN uint32_t qqi_aqt_check_numerics(const qq_scheme *s)
{
    const qq_numerics *n = &s->numerics;
    const int none = s->type == QQ_TYPE_NONE;

    if (s->rule == QQ_RULE_FJ && n->kind != QQ_NUMERICS_INT &&
        n->kind != QQ_NUMERICS_NONE)
        return QQ_BAD_NUMERICS;
    switch (n->kind) {
    case QQ_NUMERICS_NONE:
        return 0;
    case QQ_NUMERICS_INT:
        if (n->bits < 1 || n->bits > 22)
            return QQ_BAD_NUMERICS;
        return none || (s->type >= QQ_TYPE_INT2 && s->type <= QQ_TYPE_INT16)
                   ? 0
                   : QQ_BAD_TYPE;
    case QQ_NUMERICS_FP8:
        return s->type == QQ_TYPE_E4M3FN || s->type == QQ_TYPE_E5M2
                   ? 0
                   : QQ_BAD_TYPE;
    case QQ_NUMERICS_FP:
        // Without an exponent there are but subnormal numbers; 2^7 exponents
        // reach from 1 to the largest of bf16, and one bit must go.
        if (n->exponent > 7 || n->mantissa > 6 ||
            (n->exponent == 0 && !n->subnormals))
            return QQ_BAD_NUMERICS;
        return none || s->type == QQ_TYPE_BF16 ? 0 : QQ_BAD_TYPE;
    default:
        return QQ_BAD_NUMERICS;
    }
}

// A layout of 0 says that there is no key, which random numbers need.
QQI_FN uint32_t qqi_aqt_check_noise(const qq_scheme *s, const qq_tensor *x)
{
    const qq_numerics *n = &s->numerics;
    const int is_int = n->kind == QQ_NUMERICS_INT;
    const int is_float =
        n->kind == QQ_NUMERICS_FP8 || n->kind == QQ_NUMERICS_FP;
    const int known =
        s->noise == QQ_NOISE_AQT || s->noise == QQ_NOISE_AQT_CUSTOM;
    const int keyed =
        s->layout == QQ_RANDOM_PARTITIONABLE || s->layout == QQ_RANDOM_LEGACY;

    if (s->noise != QQ_NOISE_NONE && (!known || is_float))
        return QQ_BAD_NOISE;
    if (is_int && known && !keyed)
        return QQ_BAD_NOISE;
    if (is_float && n->stochastic && !keyed)
        return QQ_BAD_NOISE;
    if (x && s->noise_shared >> x->rank != 0)
        return QQ_BAD_NOISE;
    return x && known && !qqi_noise_drawable(s, x) ? QQ_BAD_NOISE : 0;
}

// A tensor that is broadcast over x: as many axes, sizes that divide.
QQI_FN int qqi_aqt_spreads(const qq_tensor *t, const qq_tensor *x)
{
    if (qq_tensor_check(t) != QQ_OK || !qqi_aqt_is_float(t->type))
        return 0;
    if (x == NULL)
        return 1;
    if (t->rank != x->rank)
        return 0;
    for (unsigned a = 0; a < x->rank; a++) {
        const size_t n = x->shape[a];
        const size_t k = t->shape[a];
        if (n == 0 ? k > 1 : k == 0 || n % k != 0)
            return 0;
    }
    return 1;
}

QQI_FN int qqi_aqt_has_calibration(const qq_scheme *s, const qq_tensor *x)
{
    const qq_calibration *c = &s->calibration;
    const int aqt = s->rule == QQ_RULE_AQT;

    switch (c->method) {
    case QQ_CALIB_ABSMAX:
        return c->arg_count <= (aqt ? 1u : 0u);
    case QQ_CALIB_ABSMEAN:
        return aqt && c->arg_count <= 2 &&
               (c->arg_count < 2 ||
                (c->args[1] > 0.0 && qqi_is_finite_f64(c->args[1])));
    case QQ_CALIB_SNR:
        return aqt && (s->clips != NULL || s->clip_count == 0);
    case QQ_CALIB_CONSTANT:
        if (aqt && s->bound)
            return qqi_aqt_spreads(s->bound, x);
        return !s->bound && c->arg_count == 1 && c->args[0] > 0.0;
    default:
        return 0;
    }
}

QQI_FN uint32_t qqi_aqt_check_calibration(const qq_scheme *s,
                                          const qq_tensor *x)
{
    uint32_t bad = 0;

    if (!qqi_aqt_has_calibration(s, x))
        bad |= QQ_BAD_CALIBRATION;
    // Biases belong to the constant calibration of AQT.
    if ((s->bias || s->has_bias) &&
        (s->rule != QQ_RULE_AQT || s->calibration.method != QQ_CALIB_CONSTANT))
        bad |= QQ_BAD_CALIBRATION;
    if (s->bias && !qqi_aqt_spreads(s->bias, x))
        bad |= QQ_BAD_CALIBRATION;
    if (s->two_level ||
        (s->scale_type != QQ_TYPE_NONE &&
         (s->rule == QQ_RULE_FJ || !qqi_aqt_is_float(s->scale_type))))
        bad |= QQ_BAD_SCALE_TYPE;
    return bad;
}

QQI_FN uint32_t qqi_aqt_check(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = qqi_aqt_check_numerics(s) | qqi_aqt_check_noise(s, x);

    if (s->division != QQ_DIVISION_TRUE &&
        s->division != QQ_DIVISION_RECIPROCAL)
        bad |= QQ_BAD_RULE;
    if (s->fake_quant && (s->rule != QQ_RULE_FJ || !s->power_of_two))
        bad |= QQ_BAD_NUMERICS;
    if (s->numerics.kind != QQ_NUMERICS_NONE)
        bad |= qqi_aqt_check_calibration(s, x);
    bad |= x ? qqi_check_axes(s, x->rank, x->shape)
             : qqi_check_roles(s, QQ_MAX_RANK);
    if (x && !qqi_aqt_is_float(x->type))
        bad |= QQ_BAD_INPUT;
    // Only f32 and bf16 have random bits for fp8.
    if (x && s->numerics.kind == QQ_NUMERICS_FP8 && s->numerics.stochastic &&
        x->type == QQ_TYPE_F16 && s->scale_type != QQ_TYPE_F32 &&
        s->scale_type != QQ_TYPE_BF16)
        bad |= QQ_BAD_NUMERICS;
    return bad;
}

#endif // !QQ_NO_TRAIN

// ==== array/step.h ====

// qquant floor 5: the arithmetic of a tensor's own type.
//
// Qwix computes in the type of x: every result is rounded to f32, f16 or bf16.
// A number of any of these is held in a float; an operation is made in f32 and
// its result rounded to the type, which for a sum, product or quotient of two
// f16 or two bf16 numbers gives what one rounding would.

QQI_INLINE float qqi_to_type(qq_type type, float x)
{
    if (type == QQ_TYPE_F16)
        return qqi_f32_from_f16(qqi_f16_from_f32(x));
    if (type == QQ_TYPE_BF16)
        return qqi_f32_from_bf16(qqi_bf16_from_f32(x));
    return x;
}

// A constant of the program in the type, rounded once.
QQI_INLINE float qqi_constant(qq_type type, double x)
{
    if (type == QQ_TYPE_F16)
        return qqi_f32_from_f16(qqi_f16_from_f64(x));
    if (type == QQ_TYPE_BF16)
        return qqi_f32_from_bf16(qqi_bf16_from_f64(x));
    return qqi_f32_from_f64(x);
}

QQI_INLINE float qqi_type_mul(qq_type type, float a, float b)
{
    return qqi_to_type(type, qqi_mul_f32(a, b));
}

QQI_INLINE float qqi_type_add(qq_type type, float a, float b)
{
    return qqi_to_type(type, qqi_keep_f32(a) + qqi_keep_f32(b));
}

// a / b, or a * (1 / b) with both rounded.
QQI_INLINE float qqi_type_div(qq_type type, float a, float b, int reciprocal)
{
    if (reciprocal)
        return qqi_type_mul(type, a, qqi_to_type(type, 1.0f / b));
    return qqi_to_type(type, a / b);
}

// Whether a quotient of arrays is made by the reciprocal: as JAX does where
// the divisor has fewer elements than the result, but not in bf16.
QQI_FN int qqi_by_reciprocal(int rule_is_reciprocal, qq_type type,
                             size_t dividends, size_t divisors)
{
    return rule_is_reciprocal && type != QQ_TYPE_BF16 && dividends > divisors;
}

// x / scale.
QQI_FN int qqi_quotient_by_reciprocal(const qq_scheme *s, qq_type type,
                                      size_t numbers, size_t scales)
{
    return s->division == QQ_DIVISION_MULTIPLY ||
           s->division == QQ_DIVISION_MULTIPLY_RECIPROCAL ||
           qqi_by_reciprocal(s->division == QQ_DIVISION_RECIPROCAL, type,
                             numbers, scales);
}

// absmax / bound.
QQI_FN int qqi_scale_by_reciprocal(const qq_scheme *s, qq_type type,
                                   size_t scales)
{
    return qqi_by_reciprocal(s->division == QQ_DIVISION_RECIPROCAL ||
                                 s->division == QQ_DIVISION_MULTIPLY_RECIPROCAL,
                             type, scales, 1);
}

// ==== array/aqt_step.h ====

// qquant floor 5: one step of typed arithmetic, as XLA makes it on a CPU.
//
// AQT and FJFormer compute with arrays that have a type, and each operation is
// rounded to nearest even in the common type of its operands:
//
//   f32 with any is f32; f16 with bf16 is f32; a type with itself is itself.
//
// In f32 and bf16 subnormal operands and results count as 0 of their sign;
// those of f16 are kept. A number here is a value that its type holds exactly.
// Sums, products and quotients of two f16 or two bf16 numbers are made in f32
// and rounded again, which is the same as rounding once: f32 has more than
// twice their bits and two to spare.

#if !QQ_NO_TRAIN

struct qqi_number {
    float value;
    qq_type type; // f32, f16 or bf16
};

QQI_INLINE struct qqi_number qqi_number_of(float value, qq_type type)
{
    struct qqi_number r;

    r.value = value;
    r.type = type;
    return r;
}

// Subnormal floats become 0 of their sign; by bits, whatever the mode.
QQI_INLINE float qqi_flush(float x)
{
    const uint32_t u = qqi_f32_bits(x);

    return (u & 0x7f800000u) == 0 ? qqi_f32_of(u & 0x80000000u) : x;
}

// x as a number of the type. There is one NaN: what sign arithmetic gives to it
// differs between machines.
QQI_FN struct qqi_number qqi_number_round(float x, qq_type type)
{
    const float v = qqi_canon_f32(x);

    if (type == QQ_TYPE_F16)
        return qqi_number_of(qqi_to_type(type, v), type);
    return qqi_number_of(qqi_flush(qqi_to_type(type, qqi_flush(v))), type);
}

QQI_INLINE struct qqi_number qqi_number_cast(struct qqi_number x, qq_type type)
{
    return x.type == type ? x : qqi_number_round(x.value, type);
}

// A constant of the program in the type of the array it meets.
QQI_INLINE struct qqi_number qqi_number_constant(double x, qq_type type)
{
    return qqi_number_round(qqi_constant(type, x), type);
}

QQI_INLINE qq_type qqi_common_type(qq_type a, qq_type b)
{
    return a == b ? a : QQ_TYPE_F32;
}

// An operand in the type of the operation.
QQI_INLINE float qqi_operand(struct qqi_number x, qq_type type)
{
    const float v = qqi_number_cast(x, type).value;

    return type == QQ_TYPE_F16 ? v : qqi_flush(v);
}

QQI_FN struct qqi_number qqi_number_mul(struct qqi_number a,
                                        struct qqi_number b)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    return qqi_number_round(qqi_mul_f32(qqi_operand(a, t), qqi_operand(b, t)),
                            t);
}

QQI_FN struct qqi_number qqi_number_div(struct qqi_number a,
                                        struct qqi_number b)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    return qqi_number_round(qqi_operand(a, t) / qqi_operand(b, t), t);
}

QQI_FN struct qqi_number qqi_number_add(struct qqi_number a,
                                        struct qqi_number b)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    return qqi_number_round(qqi_operand(a, t) + qqi_operand(b, t), t);
}

QQI_FN struct qqi_number qqi_number_sub(struct qqi_number a,
                                        struct qqi_number b)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    return qqi_number_round(qqi_operand(a, t) - qqi_operand(b, t), t);
}

QQI_INLINE struct qqi_number qqi_number_reciprocal(struct qqi_number x)
{
    return qqi_number_div(qqi_number_of(1.0f, x.type), x);
}

// a / b where b is broadcast over a: with reciprocal not 0 what JAX 0.10.1 and
// later make of it in f32 and f16, a * (1 / b); bf16 is divided truly always.
QQI_FN struct qqi_number qqi_number_div_by(struct qqi_number a,
                                           struct qqi_number b, int reciprocal)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    if (!reciprocal || t == QQ_TYPE_BF16)
        return qqi_number_div(a, b);
    return qqi_number_mul(qqi_number_cast(a, t),
                          qqi_number_reciprocal(qqi_number_cast(b, t)));
}

// |x|, with subnormals flushed as the maximum that follows does.
QQI_INLINE struct qqi_number qqi_number_abs(struct qqi_number x)
{
    return qqi_number_of(qqi_abs_f32(qqi_operand(x, x.type)), x.type);
}

// The larger one; NaN if either is.
QQI_INLINE float qqi_larger(float a, float b)
{
    return qqi_is_nan_f32(a) || a > b ? a : b;
}

QQI_FN struct qqi_number qqi_load_number(const qq_tensor *t, size_t i)
{
    return qqi_number_of(qqi_load_value(t->type, t->data, i), t->type);
}

// Number i of an array of the number's type; out need not be aligned.
QQI_FN void qqi_store_number(void *out, size_t i, struct qqi_number x)
{
    const float v = qqi_canon_f32(x.value);

    qqi_store_code(x.type, out, i,
                   x.type == QQ_TYPE_F32   ? qqi_f32_bits(v)
                   : x.type == QQ_TYPE_F16 ? qqi_f16_from_f32(v)
                                           : qqi_bf16_from_f32(v));
}

#endif // !QQ_NO_TRAIN

// ==== array/aqt_float.h ====

// qquant floor 5: AQT's small floats: fp8, and fp of any make.
//
// fp8: cut to the largest value, nearest even. Stochastically the bits of x
// that fp8 has no room for are replaced by a carry from random ones first.
//
// fp: bf16 in, bf16 out, 1 the smallest normal number (1/2 under subnormals,
// which fill it up in steps of 2^-mantissa). In integers: half a step is added
// (or random bits below a step), the low bits go, the magnitude is cut. A NaN
// goes as its bits go.
//
// Google AQT: Fp8Numerics and FpNumerics of aqtp 0.9.0.

#if !QQ_NO_TRAIN

QQI_FN double qqi_fp8_largest(qq_type type)
{
    return type == QQ_TYPE_E5M2 ? 57344.0 : 448.0;
}

QQI_FN double qqi_fp_largest(const qq_numerics *n)
{
    const double below = qqi_power_of_two(-(int)n->mantissa);
    const int top = (1 << n->exponent) - 1 - (n->subnormals ? 1 : 0);

    return n->exponent == 0 ? 1.0 - below
                            : qqi_power_of_two(top) * (2.0 - below);
}

// x with random bits added below what fp8 holds, and these cut off: 23 or 7
// bits of mantissa become 3 (e4m3fn) or 2 (e5m2). x is f32 or bf16.
QQI_FN QQI_WRAPS struct qqi_number
qqi_aqt_mantissa(const qq_scheme *s, struct qqi_number x, uint32_t bits)
{
    const unsigned kept = s->type == QQ_TYPE_E5M2 ? 2 : 3;
    const unsigned below = x.type == QQ_TYPE_F32 ? 0 : 16;
    const uint32_t mask = ((uint32_t)1 << (23 - below - kept)) - 1;
    uint32_t u = qqi_f32_bits(x.value) >> below;

    u = (u + (bits & mask)) & ~mask;
    return qqi_number_of(qqi_f32_of(u << below), x.type);
}

// The number fp8 comes to: cut, not yet rounded.
QQI_FN struct qqi_number qqi_aqt_fp8(const qq_scheme *s, struct qqi_number x,
                                     uint32_t bits)
{
    const float q = (float)qqi_fp8_largest(s->type);

    if (s->numerics.stochastic)
        x = qqi_aqt_mantissa(s, x, bits);
    const float v = x.value > q ? q : x.value < -q ? -q : x.value;
    return qqi_number_of(v, x.type);
}

// fp without its subnormal numbers. u: the bits of a bf16 number.
QQI_FN float qqi_aqt_fp_normal(const qq_numerics *n, uint32_t u, uint32_t bits)
{
    const uint32_t mask = ((uint32_t)1 << (7 - n->mantissa)) - 1;
    const uint32_t least = 127u - (n->subnormals ? 1 : 0);
    const uint32_t most = least + ((uint32_t)1 << n->exponent) - 1;
    const uint32_t lo = least << 7;
    const uint32_t hi = (most << 7) + (0x7fu & ~mask);
    const uint32_t add = n->stochastic ? bits & mask : (mask + 1) / 2;

    u = (u + add) & 0xffffu & ~mask;
    const uint32_t a = u & 0x7fffu;
    const uint32_t cut = a < lo ? lo : a > hi ? hi : a;
    return qqi_f32_of(((u & 0x8000u) | cut) << 16);
}

// The subnormal numbers: steps of 2^-mantissa, as many as fill up to 1.
QQI_FN float qqi_aqt_fp_subnormal(const qq_numerics *n, float x, uint32_t bits)
{
    const float step = (float)qqi_power_of_two(-(int)n->mantissa);
    const float scaled = qqi_mul_f32(x, (float)(1 << n->mantissa));
    const float drawn = (float)bits / 65536.0f - 0.49999237060546875f;
    const float noise = n->stochastic ? drawn : 0.0f;
    const float r = qqi_rne_f32(scaled + noise); // -0 + 0 is 0

    return qqi_number_round(qqi_mul_f32(r, step), QQ_TYPE_BF16).value;
}

QQI_FN struct qqi_number qqi_aqt_fp(const qq_scheme *s, struct qqi_number x,
                                    uint32_t bits)
{
    const qq_numerics *n = &s->numerics;
    const float v = qqi_number_cast(x, QQ_TYPE_BF16).value;
    const int below_one = qqi_abs_f32(v) < 1.0f;
    float y;

    if (n->exponent == 0) {
        const float top = 1.0f - (float)qqi_power_of_two(-(int)n->mantissa);
        y = qqi_aqt_fp_subnormal(n, v, bits);
        y = y > top ? top : y < -top ? -top : y;
    } else if (below_one && n->subnormals) {
        y = qqi_aqt_fp_subnormal(n, v, bits);
    } else if (below_one && n->stochastic) {
        // Up with the probability (1 + x) / 2.
        y = v > (float)bits / 32768.0f - 0.9999847412109375f ? 1.0f : -1.0f;
    } else {
        y = qqi_aqt_fp_normal(n, qqi_f32_bits(v) >> 16, bits);
    }
    return qqi_number_of(y, QQ_TYPE_BF16);
}

#endif // !QQ_NO_TRAIN

// ==== array/aqt_numerics.h ====

// qquant floor 5: AQT's numerics: from a scaled number to a code.
//
// Integers of b bits, x of type T, every step rounded to T:
//
//   edge = 2^(b-1) - (preserve_zero ? 1/2 : 0)
//   Q = edge - (preserve_max ? 1/2 : 0)    what the calibration's bound becomes
//   C = edge - (round ? 1/2 : 0)           where codes are cut
//
//   x + noise, a sum of f32; cut to -C ... C; nearest even integer, or without
//   preserve_zero floor(x) + 1/2; cast to the type of the codes, toward 0
//
// Floats: aqt_float.h. FJFormer's bits has the integers alone. Google AQT:
// IntSymmetric of aqtp 0.9.0.

#if !QQ_NO_TRAIN

// Q and C of the numerics.
QQI_FN void qqi_aqt_bounds(const qq_scheme *s, double *quant, double *clip)
{
    const qq_numerics *n = &s->numerics;

    if (n->kind == QQ_NUMERICS_INT) {
        const double edge =
            qqi_power_of_two((int)n->bits - 1) - (n->preserve_zero ? 0.5 : 0.0);
        *quant = edge - (n->preserve_max ? 0.5 : 0.0);
        *clip = edge - (n->round ? 0.5 : 0.0);
        return;
    }
    *quant = n->kind == QQ_NUMERICS_FP8 ? qqi_fp8_largest(s->type)
                                        : qqi_fp_largest(n);
    *clip = *quant;
}

// Q as the operand of a division of numbers of a type. That of fp8 is a
// number of bf16, so f16 is divided by it in f32.
QQI_FN struct qqi_number qqi_aqt_quant_bound(const qq_scheme *s, qq_type type)
{
    double quant, clip;

    qqi_aqt_bounds(s, &quant, &clip);
    return qqi_number_constant(
        quant, s->numerics.kind == QQ_NUMERICS_FP8 ? QQ_TYPE_BF16 : type);
}

// --- random numbers --------------------------------------------------------

// The place among the noise's numbers that belongs to number i of x: the
// noise has size 1 along the axes of noise_shared.
QQI_FN size_t qqi_aqt_noise_place(const qq_scheme *s, const qq_tensor *x,
                                  size_t i, size_t *total)
{
    size_t place = 0;
    size_t step = 1;

    for (int a = (int)x->rank - 1; a >= 0; a--) {
        if (!(s->noise_shared >> a & 1)) {
            place += i % x->shape[a] * step;
            step *= x->shape[a];
        }
        i /= x->shape[a];
    }
    *total = step;
    return place;
}

// The noise of number i of x; 0 where there is none.
QQI_FN float qqi_aqt_noise(const qq_scheme *s, const qq_tensor *x, size_t i)
{
    float r = 0.0f;
    size_t total;

    if (s->noise == QQ_NOISE_NONE)
        return r;
    const size_t place = qqi_aqt_noise_place(s, x, i, &total);
    (void)qq_random_noise(s->key, s->layout, s->noise, total, place, 1, &r);
    return r;
}

// Random bits for number i of x: width 16 or 32.
QQI_FN uint32_t qqi_aqt_bits(const qq_scheme *s, const qq_tensor *x, size_t i,
                             unsigned width)
{
    const size_t total = qq_tensor_count(x);
    uint32_t r32 = 0;
    uint16_t r16 = 0;

    if (width == 32) {
        (void)qq_random_bits(s->key, s->layout, 32, total, i, 1, &r32, 4);
        return r32;
    }
    (void)qq_random_bits(s->key, s->layout, 16, total, i, 1, &r16, 2);
    return r16;
}

// --- integers --------------------------------------------------------------

QQI_FN struct qqi_number qqi_aqt_int(const qq_scheme *s, struct qqi_number x,
                                     float noise)
{
    const qq_numerics *n = &s->numerics;
    double quant, clip;

    if (s->noise != QQ_NOISE_NONE)
        x = qqi_number_cast(
            qqi_number_add(x, qqi_number_of(noise, QQ_TYPE_F32)), x.type);
    if (!n->clip && !n->round)
        return x;
    float v = qqi_operand(x, x.type);
    if (n->clip) {
        qqi_aqt_bounds(s, &quant, &clip);
        const float c = qqi_number_constant(clip, x.type).value;
        v = v > c ? c : v < -c ? -c : v;
    }
    if (n->round && n->preserve_zero)
        v = qqi_rne_f32(v);
    else if (n->round)
        v = qqi_floor_f32(v) + 0.5f;
    // One bit with a zero leaves but zeros. AQT keeps the sign of x.
    if (v == 0.0f && s->rule == QQ_RULE_FJ && n->bits == 1 && n->clip &&
        n->round)
        v = 0.0f;
    return qqi_number_round(v, x.type);
}

// --- forward ---------------------------------------------------------------

// The type that codes of numbers of a type are stored in.
QQI_FN qq_type qqi_aqt_code_type(const qq_scheme *s, qq_type type)
{
    if (s->numerics.kind == QQ_NUMERICS_FP)
        return QQ_TYPE_BF16;
    return s->type == QQ_TYPE_NONE || s->numerics.kind == QQ_NUMERICS_NONE
               ? type
               : s->type;
}

// The code of the scaled number v, which is number i of a tensor like x,
// before it is cast to the type of the codes.
QQI_FN struct qqi_number qqi_aqt_forward(const qq_scheme *s, const qq_tensor *x,
                                         size_t i, struct qqi_number v)
{
    const qq_numerics *n = &s->numerics;
    uint32_t bits = 0;

    if (n->stochastic && n->kind != QQ_NUMERICS_INT) {
        const int wide = n->kind == QQ_NUMERICS_FP8 && v.type == QQ_TYPE_F32;
        bits = qqi_aqt_bits(s, x, i, wide ? 32 : 16);
    }
    switch (n->kind) {
    case QQ_NUMERICS_INT:
        return qqi_aqt_int(s, v, qqi_aqt_noise(s, x, i));
    case QQ_NUMERICS_FP8:
        return qqi_aqt_fp8(s, v, bits);
    case QQ_NUMERICS_FP:
        return qqi_aqt_fp(s, v, bits);
    default:
        return v;
    }
}

// A code as it is handed to another storage type: floats are cast to integers
// toward 0, saturating, NaN to 0; fp8 is rounded.
QQI_FN float qqi_aqt_cast(struct qqi_number code, qq_type stored)
{
    const int fp8 = stored == QQ_TYPE_E4M3FN || stored == QQ_TYPE_E5M2;
    const float v = qqi_canon_f32(code.value);

    return fp8 ? v : qqi_trunc_f32(v);
}

QQI_FN void qqi_aqt_store(qq_type stored, void *codes, size_t i,
                          struct qqi_number code)
{
    if (stored == code.type)
        qqi_store_number(codes, i, code);
    else
        qqi_store_value(stored, codes, i, qqi_aqt_cast(code, stored));
}

// The value that the stored code decodes to.
QQI_FN float qqi_aqt_stored(struct qqi_number code, qq_type stored)
{
    const float v = qqi_aqt_cast(code, stored);

    return stored == code.type
               ? code.value
               : qq_type_decode(stored, qq_type_encode(stored, v));
}

// A code as a number of the type in which it is decoded.
QQI_FN struct qqi_number qqi_aqt_decoded(float code, qq_type stored,
                                         qq_type type)
{
    return stored == type ? qqi_number_of(code, type)
                          : qqi_number_round(code, type);
}

#endif // !QQ_NO_TRAIN

// ==== array/aqt_scale.h ====

// qquant floor 5: AQT's scales, and the clip with the best signal to noise.
//
// AQT:        scale = bound / Q, power_of_two: the next one not below
// FJFormer:   scale = Q / bound, power_of_two: the next one not above
//
// Q is that of the numerics. AQT's quotient follows one of two rules, see
// qqi_number_div_by; FJFormer's is true.

#if !QQ_NO_TRAIN

// --- powers of two ---------------------------------------------------------

// 2^floor(log2(x)), exactly. 0, infinities and NaN stay; below 0 NaN.
QQI_FN struct qqi_number qqi_floor_po2(struct qqi_number x)
{
    const uint32_t u = qqi_f32_bits(x.value);

    if ((u & 0x7fffffffu) == 0 || (u & 0x7fffffffu) >= 0x7f800000u)
        return x;
    return qqi_number_of(u >> 31 ? qqi_f32_of((uint32_t)QQI_F32_NAN)
                                 : qqi_f32_of(u & 0x7f800000u),
                         x.type);
}

// 1 / 2^floor(log2(1 / x)): the power of two that is not below x.
QQI_FN struct qqi_number qqi_ceil_po2(struct qqi_number x)
{
    return qqi_number_reciprocal(qqi_floor_po2(qqi_number_reciprocal(x)));
}

// --- the largest magnitude -------------------------------------------------

// max|x| of tile g.
QQI_FN struct qqi_number qqi_aqt_max(const qq_tensor *x,
                                     const struct qqi_tiling *t, size_t g)
{
    struct qqi_patch p;
    float most = 0.0f;

    qqi_patch_begin(&p, t, g, 1);
    while (p.runs > 0) {
        const size_t i = qqi_patch_next(&p);
        for (size_t k = 0; k < p.run; k++)
            most = qqi_larger(most,
                              qqi_number_abs(qqi_load_number(x, i + k)).value);
    }
    return qqi_number_of(most, x->type);
}

// The same, 0 replaced by 1.
QQI_FN struct qqi_number qqi_aqt_absmax(const qq_tensor *x,
                                        const struct qqi_tiling *t, size_t g)
{
    const struct qqi_number b = qqi_aqt_max(x, t, g);

    return b.value == 0.0f ? qqi_number_of(1.0f, x->type) : b;
}

// --- scales ----------------------------------------------------------------

// The quotient that a scale is made of. many: there is more than one scale, so
// that Q has fewer elements than the result.
QQI_FN struct qqi_number qqi_aqt_quotient(const qq_scheme *s,
                                          struct qqi_number bound, int many)
{
    const struct qqi_number q = qqi_aqt_quant_bound(s, bound.type);

    if (s->rule == QQ_RULE_FJ)
        return qqi_number_div(q, bound);
    return qqi_number_div_by(bound, q,
                             many && s->division == QQ_DIVISION_RECIPROCAL);
}

// The scale of a bound, in the type that the quotient has.
QQI_FN struct qqi_number qqi_aqt_scale(const qq_scheme *s,
                                       struct qqi_number bound, int many)
{
    const struct qqi_number r = qqi_aqt_quotient(s, bound, many);

    if (!s->power_of_two)
        return r;
    return s->rule == QQ_RULE_FJ ? qqi_floor_po2(r) : qqi_ceil_po2(r);
}

// What numbers are multiplied by: 1 / scale, and 1 where that is infinite.
QQI_FN struct qqi_number qqi_aqt_factor(struct qqi_number scale)
{
    const struct qqi_number r = qqi_number_reciprocal(scale);

    return qqi_is_inf_f32(r.value) ? qqi_number_of(1.0f, r.type) : r;
}

// --- the search for the best clip ------------------------------------------

// What is left of number i of x when it was quantized with a scale.
QQI_FN struct qqi_number qqi_aqt_error(const qq_tensor *x, const qq_scheme *s,
                                       size_t i, struct qqi_number scale)
{
    const struct qqi_number v = qqi_load_number(x, i);
    const struct qqi_number scaled = qqi_number_mul(v, qqi_aqt_factor(scale));
    const struct qqi_number code = qqi_aqt_forward(s, x, i, scaled);
    const qq_type stored = qqi_aqt_code_type(s, scaled.type);
    const struct qqi_number q =
        qqi_aqt_decoded(qqi_aqt_stored(code, stored), stored, x->type);

    return qqi_number_sub(v,
                          qqi_number_cast(qqi_number_mul(q, scale), x->type));
}

// log(1 + sum x^2 / sum error^2) of tile g with a scale; but for the sums
// every step in x's type.
QQI_FN float qqi_aqt_snr(const qq_tensor *x, const qq_scheme *s,
                         const struct qqi_tiling *t, size_t g,
                         struct qqi_number scale)
{
    struct qqi_patch p;
    double signal = 0.0;
    double noise = 0.0;

    qqi_patch_begin(&p, t, g, 1);
    while (p.runs > 0) {
        const size_t i = qqi_patch_next(&p);
        for (size_t k = 0; k < p.run; k++) {
            const struct qqi_number v = qqi_load_number(x, i + k);
            const struct qqi_number e = qqi_aqt_error(x, s, i + k, scale);
            signal += (double)qqi_number_mul(v, v).value;
            noise += (double)qqi_number_mul(e, e).value;
        }
    }
    const struct qqi_number r =
        qqi_number_div(qqi_number_constant(signal, x->type),
                       qqi_number_constant(noise, x->type));
    const struct qqi_number one = qqi_number_of(1.0f, x->type);
    return qqi_number_round(qqi_log_f32(qqi_number_add(one, r).value), x->type)
        .value;
}

QQI_FN struct qqi_number qqi_aqt_snr_bound(const qq_tensor *x,
                                           const qq_scheme *s,
                                           const struct qqi_tiling *t, size_t g)
{
    const struct qqi_number most = qqi_aqt_absmax(x, t, g);
    float best = 1.0f;
    float top = 0.0f;

    for (size_t c = 0; c < s->clip_count; c++) {
        const struct qqi_number bound = qqi_number_mul(
            most, qqi_number_constant((double)s->clips[c], most.type));
        // Only the scale that is chosen may become a power of two.
        const struct qqi_number scale =
            qqi_aqt_quotient(s, bound, t->tiles > 1);
        const float snr = qqi_aqt_snr(x, s, t, g, scale);
        if (snr > top) { // never for NaN
            best = s->clips[c];
            top = snr;
        }
    }
    return qqi_number_mul(most, qqi_number_of(best, QQ_TYPE_F32));
}

#endif // !QQ_NO_TRAIN

// ==== array/aqt_calibrate.h ====

// qquant floor 5: AQT's and FJFormer's way from numbers to bounds.
//
// bound of the numbers that share a scale, x of type T:
//
//   absmax[,c]     max|x|, 0 becomes 1; times c, if c is not 0        in T
//   absmean[,c[,p]]  c * (sum |x|^p / count(x != 0))^(1/p), a count of 0
//                  taken as 1, then 0 as 1                             in T
//   snr            max|x| (0: 1) times the first of the clips that has the
//                  best log(1 + sum x^2 / sum (x - decoded)^2)         in f32
//   constant,b     b, in T (FJFormer: in f32, one for the whole tensor)
//   constant       the tensor s->bound as it is
//
// Every step is rounded to T, but sums are made in f64 first.

#if !QQ_NO_TRAIN

// |x|^p, the two usual powers exactly.
QQI_FN double qqi_abs_pow(double x, double p)
{
    if (p == 1.0)
        return x;
    return p == 2.0 ? qqi_mul_f64(x, x) : qqi_pow_f64(x, p);
}

QQI_FN double qqi_abs_root(double x, double p)
{
    if (p == 1.0)
        return x;
    return p == 2.0 ? qqi_sqrt_f64(x) : qqi_pow_f64(x, 1.0 / p);
}

QQI_FN struct qqi_number qqi_aqt_absmean(const qq_tensor *x, const qq_scheme *s,
                                         const struct qqi_tiling *t, size_t g)
{
    const qq_calibration *c = &s->calibration;
    const double power = c->arg_count > 1 ? c->args[1] : 1.0;
    const double factor = c->arg_count > 0 ? c->args[0] : 1.0;
    struct qqi_patch p;
    double sum = 0.0;
    size_t count = 0;

    qqi_patch_begin(&p, t, g, 1);
    while (p.runs > 0) {
        const size_t i = qqi_patch_next(&p);
        for (size_t k = 0; k < p.run; k++) {
            const float v = qqi_number_abs(qqi_load_number(x, i + k)).value;
            const double y = qqi_abs_pow((double)v, power);
            sum += (double)qqi_number_constant(y, x->type).value;
            count += v != 0.0f;
        }
    }
    const struct qqi_number mean = qqi_number_div(
        qqi_number_constant(sum, x->type),
        qqi_number_constant((double)(count > 0 ? count : 1), x->type));
    const struct qqi_number b = qqi_number_mul(
        qqi_number_constant(qqi_abs_root((double)mean.value, power), x->type),
        qqi_number_constant(factor, x->type));
    return b.value == 0.0f ? qqi_number_of(1.0f, x->type) : b;
}

// --- which of them ---------------------------------------------------------

QQI_FN int qqi_aqt_is_constant(const qq_scheme *s)
{
    return s->calibration.method == QQ_CALIB_CONSTANT;
}

QQI_FN qq_type qqi_aqt_bound_type(const qq_tensor *x, const qq_scheme *s)
{
    if (s->calibration.method == QQ_CALIB_SNR)
        return QQ_TYPE_F32;
    if (!qqi_aqt_is_constant(s))
        return x->type;
    if (s->rule == QQ_RULE_FJ)
        return QQ_TYPE_F32;
    return s->bound ? s->bound->type : x->type;
}

// The numbers along each axis that share a scale, and how many scales there
// are along it.
QQI_FN void qqi_aqt_tiles(const qq_tensor *x, const qq_scheme *s, size_t *tile,
                          size_t *count)
{
    const int whole = qqi_aqt_is_constant(s) && s->rule == QQ_RULE_FJ;
    const int given = qqi_aqt_is_constant(s) && s->bound && !whole;

    if (!whole && !given) {
        qqi_scheme_tiles(s, x->rank, x->shape, tile, count);
        return;
    }
    for (unsigned a = 0; a < x->rank; a++) {
        count[a] = given ? s->bound->shape[a] : 1;
        tile[a] = count[a] > 0 ? x->shape[a] / count[a] : 1;
        if (tile[a] == 0)
            tile[a] = 1;
    }
}

// The bound of tile g.
QQI_FN struct qqi_number qqi_aqt_bound(const qq_tensor *x, const qq_scheme *s,
                                       const struct qqi_tiling *t, size_t g)
{
    const qq_type type = qqi_aqt_bound_type(x, s);

    if (qqi_aqt_is_constant(s))
        return s->bound && s->rule == QQ_RULE_AQT
                   ? qqi_load_number(s->bound, g)
                   : qqi_number_constant(s->calibration.args[0], type);
    if (g >= t->tiles) // of no numbers
        return qqi_number_of(1.0f, type);
    if (s->calibration.method == QQ_CALIB_ABSMEAN)
        return qqi_aqt_absmean(x, s, t, g);
    if (s->calibration.method == QQ_CALIB_SNR)
        return qqi_aqt_snr_bound(x, s, t, g);
    const struct qqi_number b = qqi_aqt_absmax(x, t, g);
    const qq_calibration *c = &s->calibration;
    if (c->arg_count == 0 || c->args[0] == 0.0)
        return b;
    return qqi_number_mul(b, qqi_number_constant(c->args[0], type));
}

#endif // !QQ_NO_TRAIN

// ==== array/aqt_plan.h ====

// qquant floor 5: the shape of AQT's and FJFormer's arrays.
//
// An array is its scales, its bias if there is one, its codes. Without
// numerics it is x alone.

#if !QQ_NO_TRAIN

// The type, shape and bias of what x is scaled by. A scale that is given has
// no calibration, to which biases belong.
QQI_FN void qqi_aqt_plan_scale(const qq_tensor *x, const qq_scheme *s,
                               const qq_tensor *scale, qq_array *a)
{
    const qq_type type =
        s->scale_type != QQ_TYPE_NONE ? s->scale_type : x->type;

    if (scale) {
        a->scale = *scale;
        return;
    }
    a->scale = *x;
    a->scale.type = s->rule == QQ_RULE_FJ ? qqi_aqt_bound_type(x, s) : type;
    qqi_aqt_tiles(x, s, a->tile, a->scale.shape);
    if (s->bias) {
        a->bias = *s->bias;
        a->bias.type = type;
    } else if (s->has_bias) {
        a->bias = *x;
    }
}

// The array of x, without data; scale: the one given, or NULL.
QQI_FN void qqi_aqt_plan(const qq_tensor *x, const qq_scheme *s,
                         const qq_tensor *scale, qq_array *a)
{
    qq_type type = x->type; // of the scaled numbers

    QQ_MEMSET(a, 0, sizeof *a);
    a->value = *x;
    a->scale2 = 1.0f;
    if (s->numerics.kind != QQ_NUMERICS_NONE)
        qqi_aqt_plan_scale(x, s, scale, a);
    if (a->bias.type != QQ_TYPE_NONE)
        type = qqi_common_type(type, a->bias.type);
    if (a->scale.type != QQ_TYPE_NONE && s->rule == QQ_RULE_AQT)
        type = qqi_common_type(type, a->scale.type);
    for (unsigned i = 0; i < x->rank; i++) {
        const size_t n = a->scale.type != QQ_TYPE_NONE ? a->scale.shape[i] : 1;
        a->tile[i] = n > 0 && x->shape[i] > 0 ? x->shape[i] / n : 1;
    }
    a->type = a->value.type = qqi_aqt_code_type(s, type);
}

// Points the parts behind each other; the bytes of all.
QQI_FN size_t qqi_aqt_place(qq_array *a, void *out)
{
    qq_tensor *const part[3] = {&a->scale, &a->bias, &a->value};
    uint8_t *p = (uint8_t *)out;
    size_t sum = 0;

    for (int i = 0; i < 3; i++) {
        if (part[i]->type == QQ_TYPE_NONE)
            continue;
        const size_t bytes = qq_tensor_bytes(part[i]);
        part[i]->data = p ? p + sum : NULL;
        if (bytes == SIZE_MAX || !qqi_add_size(sum, bytes, &sum))
            return SIZE_MAX;
    }
    return sum;
}

// The element of a broadcast tensor that number i of a tensor of the shape
// meets.
QQI_FN size_t qqi_aqt_meets(const qq_tensor *t, const size_t *shape, size_t i)
{
    size_t place = 0;
    size_t step = 1;

    for (int a = (int)t->rank - 1; a >= 0; a--) {
        const size_t n = t->shape[a];
        if (n > 1)
            place += i % shape[a] / (shape[a] / n) * step;
        step *= n;
        i /= shape[a];
    }
    return place;
}

#endif // !QQ_NO_TRAIN

// ==== array/aqt_array.h ====

// qquant floor 5: AQT's and FJFormer's arrays, filled and read.
//
// AQT, x of type T, scale of the bound (aqt_calibrate.h) cast to the scale's
// type, T by default; every step in the common type of its operands:
//
//   r = 1 / scale, 1 where that is infinite
//   code = numerics((x + bias) * r)                      (aqt_numerics.h)
//   decoded = code as T, * scale, - bias, cast to T
//
// FJFormer: code = numerics(x * scale as T), and what an array keeps as its
// scale is the inverse, 1 / scale; decoded = code as T * inverse as T.

#if !QQ_NO_TRAIN

// --- to codes --------------------------------------------------------------

// Writes what the bias of the array is: s->bias in the type of the scales, or
// one number in x's type for every number of x.
QQI_FN void qqi_aqt_write_bias(const qq_scheme *s, const qq_array *a, void *out)
{
    const size_t n = qq_tensor_count(&a->bias);
    const qq_type type = a->bias.type;

    for (size_t i = 0; i < n; i++)
        qqi_store_number(
            out, i,
            s->bias ? qqi_number_cast(qqi_load_number(s->bias, i), type)
                    : qqi_number_constant(s->bias_value, type));
}

// The bits behind the last code are 0.
QQI_FN void qqi_aqt_clear_tail(const qq_tensor *value, void *codes)
{
    const size_t bytes = qq_tensor_bytes(value);

    if (bytes > 0)
        ((uint8_t *)codes)[bytes - 1] = 0;
}

// What numbers of x meet scale g by. FJFormer's are not inverted yet.
QQI_FN struct qqi_number qqi_aqt_multiplier(const qq_tensor *x,
                                            const qq_scheme *s,
                                            const qq_tensor *scale, size_t g)
{
    const struct qqi_number r = qqi_load_number(scale, g);

    return s->rule == QQ_RULE_FJ ? qqi_number_cast(r, x->type)
                                 : qqi_aqt_factor(r);
}

// Codes of x by the scales and biases of the array, which are written already.
QQI_FN void qqi_aqt_write_codes(const qq_tensor *x, const qq_scheme *s,
                                const qq_array *a, void *codes)
{
    struct qqi_number by = qqi_number_of(1.0f, x->type);
    struct qqi_tiling t;
    struct qqi_cursor c;
    size_t g, n;

    qqi_aqt_clear_tail(&a->value, codes);
    qqi_tiling_make(&t, x->rank, x->shape, a->tile);
    const int each = t.tile[t.rank - 1] == 1; // a scale for every number
    qqi_cursor_begin(&c, &t);
    for (size_t first = 0; first < t.numbers; first += n) {
        n = qqi_cursor_next(&c, t.numbers - first, &g);
        for (size_t i = first; i < first + n; i++) {
            struct qqi_number v = qqi_load_number(x, i);
            if (i == first || each)
                by = qqi_aqt_multiplier(x, s, &a->scale,
                                        each ? g + (i - first) : g);
            if (a->bias.type != QQ_TYPE_NONE)
                v = qqi_number_add(
                    v, qqi_load_number(&a->bias,
                                       qqi_aqt_meets(&a->bias, x->shape, i)));
            qqi_aqt_store(a->value.type, codes, i,
                          qqi_aqt_forward(s, x, i, qqi_number_mul(v, by)));
        }
    }
}

// Scales of all tiles, as they are multiplied or divided by.
QQI_FN void qqi_aqt_write_scales(const qq_tensor *x, const qq_scheme *s,
                                 const qq_array *a, void *out)
{
    const size_t n = qq_tensor_count(&a->scale);
    struct qqi_tiling t;

    qqi_tiling_make(&t, x->rank, x->shape, a->tile);
    for (size_t g = 0; g < n; g++) {
        const struct qqi_number bound = qqi_aqt_bound(x, s, &t, g);
        qqi_store_number(
            out, g,
            qqi_number_cast(qqi_aqt_scale(s, bound, n > 1), a->scale.type));
    }
}

QQI_FN void qqi_fj_invert(const qq_tensor *scale, void *out)
{
    const size_t n = qq_tensor_count(scale);

    for (size_t g = 0; g < n; g++)
        qqi_store_number(out, g,
                         qqi_number_reciprocal(qqi_load_number(scale, g)));
}

// The parts of the array in out: scales, made or given, bias, codes.
QQI_FN void qqi_aqt_fill(const qq_tensor *x, const qq_scheme *s,
                         const qq_tensor *scale, void *out, qq_array *a)
{
    uint8_t *const p = (uint8_t *)out;
    const size_t all = qqi_aqt_place(a, out);

    if (all == 0)
        return;
    uint8_t *const codes = p + (all - qq_tensor_bytes(&a->value));
    if (scale)
        QQ_MEMCPY(p, scale->data, qq_tensor_bytes(scale));
    else
        qqi_aqt_write_scales(x, s, a, p);
    if (a->bias.type != QQ_TYPE_NONE)
        qqi_aqt_write_bias(s, a, codes - qq_tensor_bytes(&a->bias));
    qqi_aqt_write_codes(x, s, a, codes);
    if (s->rule == QQ_RULE_FJ)
        qqi_fj_invert(&a->scale, p);
}

// --- back ------------------------------------------------------------------

// Whether an array has all that it takes; its parts were found to be tensors,
// its scales to fit.
QQI_FN qq_status qqi_aqt_decodes(const qq_array *a, qq_type type)
{
    if (!qqi_aqt_is_float(type) ||
        (a->scale.type != QQ_TYPE_NONE && !qqi_aqt_is_float(a->scale.type)))
        return QQ_ERR_TYPE;
    if (a->zero_point.type != QQ_TYPE_NONE)
        return QQ_ERR_UNSUPPORTED;
    if (a->bias.type == QQ_TYPE_NONE)
        return QQ_OK;
    if (!qqi_aqt_is_float(a->bias.type))
        return QQ_ERR_TYPE;
    return qqi_aqt_spreads(&a->bias, &a->value) ? QQ_OK : QQ_ERR_SHAPE;
}

// in_type: FJFormer makes every step in the type asked for.
QQI_FN qq_status qqi_aqt_decode(const qq_array *a, qq_type type, int in_type,
                                void *out)
{
    const qq_tensor *const q = &a->value;
    const int scaled = a->scale.type != QQ_TYPE_NONE;
    const qq_status status = qqi_aqt_decodes(a, type);
    struct qqi_tiling t;
    struct qqi_cursor c;
    size_t g = 0;

    if (status != QQ_OK)
        return status;
    qqi_tiling_make(&t, q->rank, q->shape, scaled ? a->tile : q->shape);
    qqi_cursor_begin(&c, &t);
    for (size_t i = 0; i < t.numbers; i++) {
        struct qqi_number v =
            qqi_aqt_decoded(qqi_load_value(q->type, q->data, i), q->type, type);
        (void)qqi_cursor_next(&c, 1, &g);
        if (scaled) {
            const struct qqi_number r = qqi_load_number(&a->scale, g);
            v = qqi_number_mul(v, in_type ? qqi_number_cast(r, type) : r);
        }
        if (a->bias.type != QQ_TYPE_NONE)
            v = qqi_number_sub(
                v, qqi_load_number(&a->bias,
                                   qqi_aqt_meets(&a->bias, q->shape, i)));
        qqi_store_number(out, i, qqi_number_cast(v, type));
    }
    return QQ_OK;
}

#endif // !QQ_NO_TRAIN

// ==== array/rule.h ====

// qquant floor 5: the contract between the public array calls and the rules.
//
// Every rule of qq_rule is a row of functions. The public calls look at what
// all rules share (pointers, tensors, sizes, the order of the checks) and then
// ask the row, which may rely on that: arguments are not NULL, tensors have
// passed qq_tensor_check, the row's own check found nothing, and out has room.
// A member that is NULL means that the rule has no such step: the public call
// answers QQ_ERR_UNSUPPORTED.

struct qqi_rule {
    // The QQ_BAD_ bits of a scheme for x; x may be NULL.
    uint32_t (*check)(const qq_scheme *s, const qq_tensor *x);

    // The bytes of scales, zero points and codes; SIZE_MAX beyond size_t.
    size_t (*array_size)(const qq_tensor *x, const qq_scheme *s);
    qq_status (*quantize)(const qq_tensor *x, const qq_scheme *s, void *out,
                          qq_array *view);

    size_t (*bounds_size)(const qq_tensor *x, const qq_scheme *s);
    qq_status (*calibrate)(const qq_tensor *x, const qq_scheme *s, void *out,
                           qq_bounds *view);

    size_t (*scale_size)(const qq_bounds *b, const qq_scheme *s);
    qq_status (*scale)(const qq_bounds *b, const qq_scheme *s, void *out,
                       qq_tensor *scale, qq_tensor *zero_point, float *scale2);

    size_t (*given_size)(const qq_tensor *x, const qq_scheme *s,
                         const qq_tensor *scale, const qq_tensor *zero_point);
    qq_status (*given)(const qq_tensor *x, const qq_scheme *s,
                       const qq_tensor *scale, const qq_tensor *zero_point,
                       void *out, qq_array *view);

    // Codes of scaled numbers: the storage type of the codes, and the codes.
    qq_type (*code_type)(const qq_tensor *x, const qq_scheme *s);
    qq_status (*encode)(const qq_tensor *x, const qq_scheme *s, void *out);

    // out has room for the count of a->value in the type.
    qq_status (*dequantize)(const qq_array *a, qq_type type, void *out);
};

// ==== array/aqt.h ====

// qquant floor 5: the rules of AQT and of FJFormer's bits, as rows.
//
// The arithmetic stands in aqt_array.h and the parts below it.

#if !QQ_NO_TRAIN

QQI_FN size_t qqi_aqt_array_size(const qq_tensor *x, const qq_scheme *s)
{
    qq_array a;

    qqi_aqt_plan(x, s, NULL, &a);
    return qqi_aqt_place(&a, NULL);
}

// Without numerics the array is x.
QQI_FN qq_status qqi_aqt_quantize(const qq_tensor *x, const qq_scheme *s,
                                  void *out, qq_array *view)
{
    qq_array a;

    qqi_aqt_plan(x, s, NULL, &a);
    if (s->numerics.kind != QQ_NUMERICS_NONE) {
        qqi_aqt_fill(x, s, NULL, out, &a);
    } else {
        const size_t bytes = qqi_aqt_place(&a, out);
        if (bytes > 0)
            QQ_MEMCPY(out, x->data, bytes);
    }
    *view = a;
    return QQ_OK;
}

QQI_FN void qqi_aqt_bounds_plan(const qq_tensor *x, const qq_scheme *s,
                                size_t *tile, qq_tensor *bound)
{
    *bound = *x;
    bound->type = qqi_aqt_bound_type(x, s);
    qqi_aqt_tiles(x, s, tile, bound->shape);
}

QQI_FN size_t qqi_aqt_bounds_size(const qq_tensor *x, const qq_scheme *s)
{
    size_t tile[QQ_MAX_RANK];
    qq_tensor bound;

    qqi_aqt_bounds_plan(x, s, tile, &bound);
    return qq_tensor_bytes(&bound);
}

QQI_FN qq_status qqi_aqt_calibrate(const qq_tensor *x, const qq_scheme *s,
                                   void *out, qq_bounds *view)
{
    size_t tile[QQ_MAX_RANK];
    struct qqi_tiling t;
    qq_tensor bound;

    if (s->numerics.kind == QQ_NUMERICS_NONE)
        return QQ_ERR_SCHEME;
    qqi_aqt_bounds_plan(x, s, tile, &bound);
    qqi_tiling_make(&t, x->rank, x->shape, tile);
    const size_t n = qq_tensor_count(&bound);
    for (size_t g = 0; g < n; g++)
        qqi_store_number(out, g, qqi_aqt_bound(x, s, &t, g));
    bound.data = out;
    QQ_MEMSET(view, 0, sizeof *view);
    view->absmax = bound;
    return QQ_OK;
}

// The type of the scales of bounds.
QQI_FN qq_type qqi_aqt_scale_type(const qq_bounds *b, const qq_scheme *s)
{
    return s->scale_type != QQ_TYPE_NONE ? s->scale_type : b->absmax.type;
}

QQI_FN size_t qqi_aqt_scale_size(const qq_bounds *b, const qq_scheme *s)
{
    return qq_type_bytes(qqi_aqt_scale_type(b, s), qq_tensor_count(&b->absmax));
}

QQI_FN qq_status qqi_aqt_scale_from(const qq_bounds *b, const qq_scheme *s,
                                    void *out, qq_tensor *scale,
                                    qq_tensor *zero_point, float *scale2)
{
    const size_t n = qq_tensor_count(&b->absmax);

    if (s->numerics.kind == QQ_NUMERICS_NONE)
        return QQ_ERR_SCHEME;
    if (!qqi_aqt_is_float(b->absmax.type))
        return QQ_ERR_TYPE;
    qq_tensor r = b->absmax;
    r.type = qqi_aqt_scale_type(b, s);
    r.data = out;
    for (size_t g = 0; g < n; g++) {
        const struct qqi_number bound = qqi_load_number(&b->absmax, g);
        qqi_store_number(
            out, g, qqi_number_cast(qqi_aqt_scale(s, bound, n > 1), r.type));
    }
    if (s->rule == QQ_RULE_FJ)
        qqi_fj_invert(&r, out);
    *scale = r;
    if (zero_point)
        QQ_MEMSET(zero_point, 0, sizeof *zero_point);
    if (scale2)
        *scale2 = 1.0f;
    return QQ_OK;
}

// --- codes with a scale that is given --------------------------------------

QQI_FN size_t qqi_aqt_given_size(const qq_tensor *x, const qq_scheme *s,
                                 const qq_tensor *scale,
                                 const qq_tensor *zero_point)
{
    qq_array a;

    (void)zero_point;
    qqi_aqt_plan(x, s, scale, &a);
    return qqi_aqt_place(&a, NULL);
}

QQI_FN qq_status qqi_aqt_given(const qq_tensor *x, const qq_scheme *s,
                               const qq_tensor *scale,
                               const qq_tensor *zero_point, void *out,
                               qq_array *view)
{
    qq_array a;

    if (s->numerics.kind == QQ_NUMERICS_NONE || zero_point)
        return QQ_ERR_SCHEME;
    if (!qqi_aqt_is_float(scale->type))
        return QQ_ERR_TYPE;
    qqi_aqt_plan(x, s, scale, &a);
    qqi_aqt_fill(x, s, scale, out, &a);
    *view = a;
    return QQ_OK;
}

QQI_FN qq_type qqi_aqt_encode_type(const qq_tensor *x, const qq_scheme *s)
{
    return qqi_aqt_code_type(s, x->type);
}

QQI_FN qq_status qqi_aqt_encode(const qq_tensor *x, const qq_scheme *s,
                                void *out)
{
    const qq_type stored = qqi_aqt_code_type(s, x->type);
    const qq_tensor codes = qq_tensor_make(out, stored, x->rank, x->shape);
    const size_t n = qq_tensor_count(x);

    if (s->numerics.kind == QQ_NUMERICS_FP8 && s->numerics.stochastic &&
        x->type == QQ_TYPE_F16)
        return QQ_ERR_SCHEME;
    qqi_aqt_clear_tail(&codes, out);
    for (size_t i = 0; i < n; i++)
        qqi_aqt_store(stored, out, i,
                      qqi_aqt_forward(s, x, i, qqi_load_number(x, i)));
    return QQ_OK;
}

QQI_FN qq_status qqi_aqt_dequantize(const qq_array *a, qq_type type, void *out)
{
    return qqi_aqt_decode(a, type, 0, out);
}

QQI_FN qq_status qqi_fj_dequantize(const qq_array *a, qq_type type, void *out)
{
    return qqi_aqt_decode(a, type, 1, out);
}

static const struct qqi_rule qqi_rule_aqt QQI_UNUSED = {
    qqi_aqt_check,       qqi_aqt_array_size, qqi_aqt_quantize,
    qqi_aqt_bounds_size, qqi_aqt_calibrate,  qqi_aqt_scale_size,
    qqi_aqt_scale_from,  qqi_aqt_given_size, qqi_aqt_given,
    qqi_aqt_encode_type, qqi_aqt_encode,     qqi_aqt_dequantize,
};

// A scale of FJFormer's arrays is an inverse, so none can be given.
static const struct qqi_rule qqi_rule_fj QQI_UNUSED = {
    qqi_aqt_check,
    qqi_aqt_array_size,
    qqi_aqt_quantize,
    qqi_aqt_bounds_size,
    qqi_aqt_calibrate,
    qqi_aqt_scale_size,
    qqi_aqt_scale_from,
    NULL,
    NULL,
    qqi_aqt_encode_type,
    qqi_aqt_encode,
    qqi_fj_dequantize,
};

#endif // !QQ_NO_TRAIN

// ==== array/make.h ====

// qquant floor 5: arrays of parts that came from elsewhere: nothing is trusted.

// Types that scales are kept in.
QQI_FN int qqi_is_scale_type(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16 ||
           type == QQ_TYPE_F64 || type == QQ_TYPE_E8M0 ||
           type == QQ_TYPE_E4M3FN;
}

// A part has the rank of the codes and an element for every tile.
QQI_FN qq_status qqi_check_tiles(const qq_tensor *value, const qq_tensor *part,
                                 const size_t *tile)
{
    if (part->rank != value->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < value->rank; a++) {
        const size_t n = value->shape[a];
        const size_t k = part->shape[a];
        if (n == 0) {
            if (k > 1)
                return QQ_ERR_SHAPE;
            continue;
        }
        if (tile[a] == 0 || k != n / tile[a] + (n % tile[a] != 0))
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// Tensors that can be read and shapes that fit, whatever their types: what
// arrays of every rule have.
QQI_FN qq_status qqi_array_check_parts(const qq_array *a)
{
    qq_status status = qq_tensor_check(&a->value);

    if (status == QQ_OK && a->scale.type != QQ_TYPE_NONE) {
        status = qq_tensor_check(&a->scale);
        if (status == QQ_OK)
            status = qqi_check_tiles(&a->value, &a->scale, a->tile);
    }
    if (status == QQ_OK && a->zero_point.type != QQ_TYPE_NONE) {
        status = qq_tensor_check(&a->zero_point);
        if (status == QQ_OK)
            status = qqi_check_tiles(&a->value, &a->zero_point, a->zero_tile);
    }
    if (status == QQ_OK && a->bias.type != QQ_TYPE_NONE)
        status = qq_tensor_check(&a->bias);
    return status;
}

QQI_FN qq_status qqi_array_check_types(const qq_array *a)
{
    const qqi_type_row *row = qqi_type_find(a->type);

    if (row == NULL || !row->info.weight || row->info.storage != a->value.type)
        return QQ_ERR_TYPE;
    if (!qqi_is_scale_type(a->scale.type))
        return QQ_ERR_TYPE;
    if (a->zero_point.type == QQ_TYPE_NONE)
        return QQ_OK;
    if (a->zero_point.type != a->value.type || !row->info.affine)
        return QQ_ERR_TYPE;
    return QQ_OK;
}

QQ_API qq_status qq_array_check(const qq_array *a)
{
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qq_tensor_check(&a->value);
    if (status == QQ_OK)
        status = qqi_array_check_types(a);
    if (status == QQ_OK)
        status = qqi_array_check_parts(a);
    if (status != QQ_OK)
        return status;
    if (a->type == QQ_TYPE_BOOK && !qqi_book_check(a->levels, a->level_count))
        return QQ_ERR_ARGUMENT;
    return QQ_OK;
}

// The tiles that follow from two shapes which divide.
QQI_FN qq_status qqi_tiles_of(const qq_tensor *value, const qq_tensor *part,
                              size_t *tile)
{
    if (part->rank != value->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < value->rank; a++) {
        const size_t n = value->shape[a];
        const size_t k = part->shape[a];
        if (n == 0 ? k > 1 : k == 0 || n % k != 0)
            return QQ_ERR_SHAPE;
        tile[a] = n == 0 ? 1 : n / k;
    }
    return QQ_OK;
}

QQ_API qq_status qq_array_make(const qq_tensor *value, const qq_tensor *scale,
                               const qq_tensor *zero_point, qq_type type,
                               qq_array *out)
{
    qq_array a;

    QQ_MEMSET(&a, 0, sizeof a);
    qq_status status = qq_tensor_check(value);
    if (status == QQ_OK)
        status = qq_tensor_check(scale);
    if (status == QQ_OK && zero_point != NULL)
        status = qq_tensor_check(zero_point);
    if (status != QQ_OK)
        return status;
    a.value = *value;
    a.scale = *scale;
    if (zero_point != NULL)
        a.zero_point = *zero_point;
    a.type = type == QQ_TYPE_NONE ? value->type : type;
    a.scale2 = 1.0f;
    status = qqi_array_check_types(&a);
    if (status == QQ_OK)
        status = qqi_tiles_of(value, scale, a.tile);
    if (status == QQ_OK && zero_point != NULL)
        status = qqi_tiles_of(value, zero_point, a.zero_tile);
    if (status != QQ_OK)
        return status;
    if (out == NULL)
        return QQ_ERR_ARGUMENT;
    *out = a;
    return QQ_OK;
}

QQ_API double qq_array_bits(const qq_array *a)
{
    if (qq_array_check(a) != QQ_OK)
        return 0.0;
    const size_t count = qq_tensor_count(&a->value);
    const int zero = a->zero_point.type != QQ_TYPE_NONE;
    double bits = (double)qq_tensor_bytes(&a->scale) * 8.0;

    if (count == 0)
        return 0.0;
    bits += a->scale2 < 1.0f || a->scale2 > 1.0f ? 32.0 : 0.0;
    bits += zero ? (double)qq_tensor_bytes(&a->zero_point) * 8.0 : 0.0;
    return (double)qq_type_bits(a->value.type) + bits / (double)count;
}

// ==== array/part.h ====

// qquant floor 5: the tensors of an array, which every move takes along.
//
// An array is a scale, a zero point and a bias, any of them perhaps absent, and
// codes. Each stands for the same numbers: along axis a an element of a
// part covers
//
//   1            where the part has as many elements as there are numbers,
//   all of them  where it has one,
//   tile[a]      else, the last element perhaps fewer.
//
// Results lie behind each other in this order, codes last.

enum {
    QQI_PART_SCALE = 0,
    QQI_PART_ZERO = 1,
    QQI_PART_BIAS = 2,
    QQI_PART_CODES = 3,
    QQI_PARTS = 4
};

QQI_INLINE const qq_tensor *qqi_part_of(const qq_array *a, int part)
{
    return part == QQI_PART_SCALE  ? &a->scale
           : part == QQI_PART_ZERO ? &a->zero_point
           : part == QQI_PART_BIAS ? &a->bias
                                   : &a->value;
}

QQI_INLINE qq_tensor *qqi_part(qq_array *a, int part)
{
    return part == QQI_PART_SCALE  ? &a->scale
           : part == QQI_PART_ZERO ? &a->zero_point
           : part == QQI_PART_BIAS ? &a->bias
                                   : &a->value;
}

QQI_INLINE int qqi_has_part(const qq_array *a, int part)
{
    return qqi_part_of(a, part)->type != QQ_TYPE_NONE;
}

// How many numbers along an axis an element covers; at least 1.
QQI_FN size_t qqi_part_tile(const qq_array *a, int part, unsigned axis)
{
    const size_t n = a->value.shape[axis];
    const size_t count = qqi_part_of(a, part)->shape[axis];

    if (count == n || n == 0)
        return 1;
    if (count == 1)
        return n;
    if (part == QQI_PART_BIAS)
        return n / count;
    return part == QQI_PART_ZERO ? a->zero_tile[axis] : a->tile[axis];
}

// Notes the tile of a part of a result; the others follow from their shapes.
QQI_INLINE void qqi_part_set_tile(qq_array *a, int part, unsigned axis,
                                  size_t tile)
{
    if (part == QQI_PART_SCALE)
        a->tile[axis] = tile;
    if (part == QQI_PART_ZERO)
        a->zero_tile[axis] = tile;
}

// The parts are tensors that fit each other, whatever the rule they come from.
// A bias has the rank of the codes, and sizes that divide theirs.
QQI_FN qq_status qqi_parts_check(const qq_array *a)
{
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_array_check_parts(a);
    if (status != QQ_OK || a->bias.type == QQ_TYPE_NONE)
        return status;
    if (a->bias.rank != a->value.rank)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < a->bias.rank; i++)
        if (a->bias.shape[i] != a->value.shape[i] &&
            (a->bias.shape[i] == 0 ||
             a->value.shape[i] % a->bias.shape[i] != 0))
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

// The bytes of all parts; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_parts_bytes(const qq_array *a)
{
    size_t sum = 0;

    for (int part = 0; part < QQI_PARTS; part++) {
        if (!qqi_has_part(a, part))
            continue;
        const size_t bytes = qq_tensor_bytes(qqi_part_of(a, part));
        if (bytes == SIZE_MAX || !qqi_add_size(sum, bytes, &sum))
            return SIZE_MAX;
    }
    return sum;
}

// What can be wrong with the place for bytes of result.
QQI_FN qq_status qqi_out_check(size_t bytes, const void *out, size_t out_bytes)
{
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (out == NULL && bytes > 0)
        return QQ_ERR_ARGUMENT;
    return out_bytes < bytes ? QQ_ERR_SIZE : QQ_OK;
}

// Points the parts of a into out, one behind the other.
QQI_FN void qqi_parts_place(qq_array *a, void *out)
{
    uint8_t *p = (uint8_t *)out;

    for (int part = 0; part < QQI_PARTS; part++) {
        if (!qqi_has_part(a, part))
            continue;
        const size_t bytes = qq_tensor_bytes(qqi_part_of(a, part));
        qqi_part(a, part)->data = p;
        if (bytes > 0) // out may be NULL where there are none
            p += bytes;
    }
}

// Where the part of a result lies, to be written: behind those before it.
QQI_FN void *qqi_part_out(const qq_array *a, int part, void *out)
{
    size_t before = 0;

    for (int i = 0; i < part; i++)
        if (qqi_has_part(a, i))
            before += qq_tensor_bytes(qqi_part_of(a, i));
    return before > 0 ? (uint8_t *)out + before : out;
}

// axis, or rank + axis where it is negative; 0 where there is none such.
QQI_FN int qqi_axis(int axis, unsigned rank, unsigned *out)
{
    const int i = axis < 0 ? axis + (int)rank : axis;

    if (i < 0 || (unsigned)i >= rank)
        return 0;
    *out = (unsigned)i;
    return 1;
}

// ==== array/array1b.h ====

// qquant floor 5: Array1B: two-bit values packed along the first axis.
//
// The layout, which the parts on packing and unpacking follow:
//
//   byte[p] = sum over g = 0 ... 3 of code[p + g * quarter] << 2g, modulo 256
//   value = code - 1, code = byte >> 2g & 3
//
// with all axes taken as one of 4 * quarter numbers: the first axis is a
// multiple of 4, so a quarter of the rows is a quarter of the numbers. This is
// QQ_TERNARY_STRIDED for numbers of any type and, if eformer's rule is asked
// for, of any size: a code above 3 then spills into its neighbours.

// QQ_ERR_SHAPE for a shape that there is not; else the bytes.
QQI_FN qq_status qqi_array1b_bytes(unsigned rank, const size_t *shape,
                                   size_t *bytes)
{
    if (rank == 0 || rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    if (!shape)
        return QQ_ERR_ARGUMENT;
    if (shape[0] % 4 != 0)
        return QQ_ERR_SHAPE;
    const size_t count = qqi_shape_count(rank, shape);
    if (count == SIZE_MAX)
        return QQ_ERR_SIZE;
    *bytes = count / 4;
    return QQ_OK;
}

QQ_API size_t qq_array1b_size(unsigned rank, const size_t *shape)
{
    size_t bytes;

    return qqi_array1b_bytes(rank, shape, &bytes) == QQ_OK ? bytes : SIZE_MAX;
}

// Types that hold -1, 0 and +1; unsigned ones wrap.
QQI_FN int qqi_array1b_has_type(qq_type type)
{
    qq_type_info info;

    if (qq_type_get(type, &info) != QQ_OK || info.storage != type)
        return 0;
    return (info.kind == QQ_KIND_INTEGER && type != QQ_TYPE_SIGN) ||
           info.kind == QQ_KIND_FLOAT || info.kind == QQ_KIND_SMALL;
}

QQ_API qq_status qq_array1b_check(const qq_array1b *a)
{
    size_t bytes;

    if (!a)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_array1b_bytes(a->rank, a->shape, &bytes);
    if (status != QQ_OK)
        return status;
    if (!qqi_array1b_has_type(a->type))
        return QQ_ERR_TYPE;
    return a->packed || bytes == 0 ? QQ_OK : QQ_ERR_ARGUMENT;
}

QQI_FN qq_array1b qqi_array1b_view(const void *packed, unsigned rank,
                                   const size_t *shape, qq_type type)
{
    qq_array1b a;

    QQ_MEMSET(&a, 0, sizeof a);
    a.packed = packed;
    a.rank = rank;
    a.type = type;
    for (unsigned i = 0; i < rank; i++)
        a.shape[i] = shape[i];
    return a;
}

QQ_API qq_status qq_array1b_make(const void *packed, size_t packed_bytes,
                                 unsigned rank, const size_t *shape,
                                 qq_type type, qq_array1b *out)
{
    size_t bytes;

    if (!packed && packed_bytes > 0)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_array1b_bytes(rank, shape, &bytes);
    if (status != QQ_OK)
        return status;
    if (!qqi_array1b_has_type(type))
        return QQ_ERR_TYPE;
    if (packed_bytes < bytes)
        return QQ_ERR_SIZE;
    if (!out)
        return QQ_ERR_ARGUMENT;
    *out = qqi_array1b_view(packed, rank, shape, type);
    return QQ_OK;
}

// ==== array/eformer_step.h ====

// qquant floor 5: eformer's arithmetic: every step rounded to the type of x.

QQI_INLINE int qqi_is_plain(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

// Number i of data of a plain type.
QQI_INLINE float qqi_plain_load(qq_type type, const void *data, size_t i)
{
    const uint8_t *p = (const uint8_t *)data;

    if (type == QQ_TYPE_F32)
        return qqi_load_f32(p + 4 * i);
    const uint16_t h = qqi_load_u16(p + 2 * i);
    return type == QQ_TYPE_F16 ? qqi_f32_from_f16(h) : qqi_f32_from_bf16(h);
}

// Rounded to nearest even, infinite beyond the largest; one NaN for all.
QQI_INLINE void qqi_plain_store(qq_type type, void *data, size_t i, float x)
{
    uint8_t *p = (uint8_t *)data;
    const float y = qqi_canon_f32(x);

    if (type == QQ_TYPE_F32)
        qqi_store_f32(p + 4 * i, y);
    else
        qqi_store_u16(p + 2 * i, type == QQ_TYPE_F16 ? qqi_f16_from_f32(y)
                                                     : qqi_bf16_from_f32(y));
}

// Numbers first ... first + n - 1, as above.
QQI_FN void qqi_plain_store_many(qq_type type, void *data, size_t first,
                                 size_t n, const float *x)
{
    if (type == QQ_TYPE_F32)
        for (size_t i = 0; i < n; i++)
            qqi_plain_store(QQ_TYPE_F32, data, first + i, x[i]);
    else if (type == QQ_TYPE_F16)
        for (size_t i = 0; i < n; i++)
            qqi_plain_store(QQ_TYPE_F16, data, first + i, x[i]);
    else
        for (size_t i = 0; i < n; i++)
            qqi_plain_store(QQ_TYPE_BF16, data, first + i, x[i]);
}

QQI_FN void qqi_to_type_many(qq_type type, size_t n, float *x)
{
    if (type == QQ_TYPE_F16)
        for (size_t i = 0; i < n; i++)
            x[i] = qqi_to_type(QQ_TYPE_F16, x[i]);
    else if (type == QQ_TYPE_BF16)
        for (size_t i = 0; i < n; i++)
            x[i] = qqi_to_type(QQ_TYPE_BF16, x[i]);
}

// How many numbers are done at a time: few, to stay small on the stack.
#define QQI_SOME ((size_t)16)

QQI_INLINE size_t qqi_some(size_t left)
{
    return left < QQI_SOME ? left : QQI_SOME;
}

// The smallest normal number: 2^-126, of f16 2^-14.
QQI_INLINE float qqi_plain_tiny(qq_type type)
{
    return qqi_f32_of(type == QQ_TYPE_F16 ? 0x38800000u : 0x00800000u);
}

// The larger magnitude; NaN is the largest, for its bits are.
QQI_INLINE float qqi_absmax_step(float most, float x)
{
    const float a = qqi_abs_f32(x);

    return qqi_f32_bits(a) > qqi_f32_bits(most) ? a : most;
}

// The largest magnitude of n numbers of a plain type, and of most.
QQI_FN float qqi_absmax_many(float most, qq_type type, const void *data,
                             size_t first, size_t n)
{
    float x[QQI_SOME];
    size_t k;

    for (size_t at = 0; at < n; at += k) {
        k = qqi_some(n - at);
        qqi_load_values(type, data, first + at, k, x);
        for (size_t i = 0; i < k; i++)
            most = qqi_absmax_step(most, x[i]);
    }
    return most;
}

// What numbers of a type are divided by: the divisor, or its reciprocal.
typedef struct qqi_divisor {
    qq_type type;
    int by_product;
    float b;
} qqi_divisor;

// fewer: the divisor has fewer elements than the result, so that the rule of
// the reciprocal applies. bf16 divides always. JAX on the CPU flushes a
// reciprocal that is a subnormal float to 0, and so does this.
QQI_INLINE qqi_divisor qqi_divisor_of(qq_type type, qq_division division,
                                      int fewer, float b)
{
    qqi_divisor d;

    d.type = type;
    d.by_product =
        division == QQ_DIVISION_RECIPROCAL && fewer && type != QQ_TYPE_BF16;
    d.b = b;
    if (d.by_product) {
        const float r = 1.0f / b;
        const int flushed = qqi_abs_f32(r) < qqi_plain_tiny(QQ_TYPE_F32);
        d.b = flushed ? 0.0f : qqi_to_type(type, r);
    }
    return d;
}

QQI_INLINE float qqi_divide_by(const qqi_divisor *d, float x)
{
    const float q = d->by_product ? qqi_mul_f32(x, d->b) : x / d->b;

    return qqi_to_type(d->type, q);
}

// The same for n numbers. Nothing is ever added to these products.
QQI_FN void qqi_divide_many(const qqi_divisor *d, size_t n, float *x)
{
    if (d->by_product)
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] * d->b;
    else
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] / d->b;
    qqi_to_type_many(d->type, n, x);
}

// ==== array/array1b_pack.h ====

// qquant floor 5: numbers of any type into Array1B.

// Numbers of a tensor, or of integers of some width (tensor is NULL).
struct qqi_array1b_source {
    const qq_tensor *tensor;
    const void *data;
    unsigned width;
    int is_signed;
    int is_float; // f32, f16, bf16 or f64
};

// The low byte of integer i; *fits says whether it is -1, 0 or +1.
QQI_FN unsigned qqi_array1b_integer(const struct qqi_array1b_source *x,
                                    size_t i, int *fits)
{
    const uint8_t *p = (const uint8_t *)x->data + i * x->width;
    const int is_signed = x->tensor || x->is_signed;
    uint64_t u;

    if (x->tensor)
        u = (uint64_t)(int64_t)qqi_load_wide(x->tensor->type, x->data, i);
    else if (x->width == 1)
        u = is_signed ? (uint64_t)(int64_t)(int8_t)*p : *p;
    else if (x->width == 2)
        u = is_signed ? (uint64_t)(int64_t)qqi_load_i16(p) : qqi_load_u16(p);
    else if (x->width == 4)
        u = is_signed ? (uint64_t)(int64_t)qqi_load_i32(p) : qqi_load_u32(p);
    else
        u = qqi_load_u64(p);
    *fits = u <= 1 || (u == UINT64_MAX && is_signed);
    return (unsigned)(u & 255);
}

// Double i plus 1.
QQI_FN double qqi_array1b_double(const qq_tensor *x, size_t i, int *fits)
{
    const double d = qqi_load_f64((const uint8_t *)x->data + 8 * i);

    *fits = d == 0.0 || d == 1.0 || d == -1.0;
    return d + 1.0;
}

// The codes of n numbers of up to 16 bits and of f32, which a float holds.
QQI_FN int qqi_array1b_short(const struct qqi_array1b_source *x, size_t at,
                             size_t n, uint8_t *code)
{
    float v[QQI_SOME];
    int bad = 0;

    qqi_load_values(x->tensor->type, x->data, at, n, v);
    for (size_t i = 0; i < n; i++)
        bad |= !(v[i] == 0.0f) & !(qqi_abs_f32(v[i]) == 1.0f);
    for (size_t i = 0; i < n; i++)
        v[i] = v[i] + 1.0f;
    if (x->is_float)
        qqi_to_type_many(x->tensor->type, n, v);
    for (size_t i = 0; i < n; i++) {
        // An integer of 16 bits is taken modulo 256, a float is cut; NaN
        // fails both comparisons.
        const float low = x->is_float ? 0.0f : -65536.0f;
        const float high = x->is_float ? 255.0f : 65536.0f;
        const float u = v[i] > low ? v[i] : low;
        code[i] = (uint8_t)((int32_t)(u < high ? u : high) & 255);
    }
    return !bad;
}

// value + 1 as eformer makes a byte of it, of n numbers; whether all are -1,
// 0 or +1.
QQI_FN int qqi_array1b_codes(const struct qqi_array1b_source *x, size_t at,
                             size_t n, uint8_t *code)
{
    int all = 1;

    if (x->tensor && x->tensor->type != QQ_TYPE_F64 &&
        x->tensor->type != QQ_TYPE_INT32)
        return qqi_array1b_short(x, at, n, code);
    for (size_t i = 0; i < n; i++) {
        int fits;
        if (x->is_float) {
            const double sum = qqi_array1b_double(x->tensor, at + i, &fits);
            code[i] = (uint8_t)(sum > 0.0 ? sum < 255.0 ? sum : 255.0 : 0.0);
        } else {
            const unsigned low = qqi_array1b_integer(x, at + i, &fits);
            code[i] = (uint8_t)((low + 1) & 255);
        }
        all &= fits;
    }
    return all;
}

QQI_FN int qqi_array1b_fits(const struct qqi_array1b_source *x, size_t count)
{
    uint8_t code[QQI_SOME];
    int all = 1;
    size_t n;

    for (size_t at = 0; at < count && all; at += n) {
        n = qqi_some(count - at);
        all = qqi_array1b_codes(x, at, n, code);
    }
    return all;
}

QQI_FN qq_status qqi_array1b_pack(const struct qqi_array1b_source *x,
                                  size_t quarter, qq_array1b_rule rule,
                                  void *out)
{
    uint8_t *bytes = (uint8_t *)out;
    uint8_t code[QQI_SOME], sum[QQI_SOME];
    size_t n;

    if (rule == QQ_ARRAY1B_STRICT && !qqi_array1b_fits(x, 4 * quarter))
        return QQ_ERR_FORMAT;
    for (size_t p = 0; p < quarter; p += n) {
        n = qqi_some(quarter - p);
        QQ_MEMSET(sum, 0, sizeof sum);
        for (unsigned g = 0; g < 4; g++) {
            (void)qqi_array1b_codes(x, p + g * quarter, n, code);
            for (size_t i = 0; i < n; i++)
                sum[i] = (uint8_t)((sum[i] + (code[i] << 2 * g)) & 255);
        }
        QQ_MEMCPY(bytes + p, sum, n);
    }
    return QQ_OK;
}

// What both ways in check behind x, in the order of their arguments.
QQI_FN qq_status qqi_array1b_pack_check(qq_array1b_rule rule, qq_type type,
                                        size_t bytes, const void *out,
                                        size_t out_bytes)
{
    if (rule != QQ_ARRAY1B_STRICT && rule != QQ_ARRAY1B_EFORMER)
        return QQ_ERR_ARGUMENT;
    if (!qqi_array1b_has_type(type))
        return QQ_ERR_TYPE;
    return qqi_out_check(bytes, out, out_bytes);
}

QQ_API qq_status qq_array1b_pack(const qq_tensor *x, qq_array1b_rule rule,
                                 qq_type type, void *out, size_t out_bytes,
                                 qq_array1b *view)
{
    struct qqi_array1b_source source;
    qq_type_info info;
    size_t bytes;

    qq_status status = qq_tensor_check(x);
    if (status != QQ_OK)
        return status;
    status = qqi_array1b_bytes(x->rank, x->shape, &bytes);
    if (status != QQ_OK)
        return status;
    if (qq_type_get(x->type, &info) != QQ_OK ||
        (info.kind != QQ_KIND_INTEGER && info.kind != QQ_KIND_FLOAT))
        return QQ_ERR_TYPE;
    if (type == QQ_TYPE_NONE)
        type = x->type == QQ_TYPE_SIGN ? QQ_TYPE_INT8 : x->type;
    status = qqi_array1b_pack_check(rule, type, bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(&source, 0, sizeof source);
    source.tensor = x;
    source.data = x->data;
    source.is_float = info.kind == QQ_KIND_FLOAT;
    status = qqi_array1b_pack(&source, bytes, rule, out);
    if (status == QQ_OK)
        *view = qqi_array1b_view(out, x->rank, x->shape, type);
    return status;
}

QQ_API qq_status qq_array1b_pack_integers(const void *x, unsigned width,
                                          int is_signed, unsigned rank,
                                          const size_t *shape,
                                          qq_array1b_rule rule, qq_type type,
                                          void *out, size_t out_bytes,
                                          qq_array1b *view)
{
    struct qqi_array1b_source source;
    size_t bytes;

    if (width != 1 && width != 2 && width != 4 && width != 8)
        return QQ_ERR_TYPE;
    qq_status status = qqi_array1b_bytes(rank, shape, &bytes);
    if (status != QQ_OK)
        return status;
    if (!x && bytes > 0)
        return QQ_ERR_ARGUMENT;
    status = qqi_array1b_pack_check(rule, type, bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(&source, 0, sizeof source);
    source.data = x;
    source.width = width;
    source.is_signed = is_signed;
    status = qqi_array1b_pack(&source, bytes, rule, out);
    if (status == QQ_OK)
        *view = qqi_array1b_view(out, rank, shape, type);
    return status;
}

// ==== array/array1b_unpack.h ====

// qquant floor 5: the values of Array1B as numbers of any type.
//
// There are four values, -1, 0, +1 and +2, so there are four codes of a type;
// they are made once, and unpacking copies them.

// The bits of value v: integers in two's complement, cut to their width.
QQI_FN uint64_t qqi_array1b_bits(qq_type type, int v)
{
    qq_type_info info;

    if (type == QQ_TYPE_F64)
        return qqi_f64_bits((double)v);
    if (type == QQ_TYPE_TERNARY)
        return (uint64_t)(v + 1);
    if (qq_type_get(type, &info) == QQ_OK && info.kind == QQ_KIND_INTEGER)
        return (uint64_t)(int64_t)v & (((uint64_t)1 << info.bits) - 1);
    return qq_type_encode(type, (float)v);
}

// Number i of width bytes, in the machine's order.
QQI_FN void qqi_array1b_store(void *out, unsigned width, size_t i, uint64_t u)
{
    uint8_t *p = (uint8_t *)out + i * width;

    if (width == 1)
        *p = (uint8_t)(u & 255);
    else if (width == 2)
        qqi_store_u16(p, (uint16_t)(u & 0xffff));
    else if (width == 4)
        qqi_store_u32(p, (uint32_t)(u & 0xffffffffu));
    else
        qqi_store_u64(p, u);
}

// Codes of bits or, where bits is 0, numbers of width bytes.
QQI_FN void qqi_array1b_spread(const qq_array1b *a, size_t quarter,
                               unsigned bits, unsigned width,
                               const uint64_t *code, void *out)
{
    const uint8_t *p = (const uint8_t *)a->packed;
    size_t i = 0;

    if (bits && quarter > 0) // four codes of b bits are b / 2 bytes
        QQ_MEMSET(out, 0, (quarter * bits + 1) / 2);
    for (unsigned g = 0; g < 4; g++)
        for (size_t k = 0; k < quarter; k++, i++) {
            const uint64_t u = code[p[k] >> 2 * g & 3];
            if (bits)
                qqi_store_bits(bits, (uint8_t *)out, i, (uint32_t)u);
            else
                qqi_array1b_store(out, width, i, u);
        }
}

QQ_API qq_status qq_array1b_unpack(const qq_array1b *a, qq_type type, void *out,
                                   size_t out_bytes, qq_tensor *view)
{
    uint64_t code[4];
    size_t quarter;

    qq_status status = qq_array1b_check(a);
    if (status != QQ_OK)
        return status;
    status = qqi_array1b_bytes(a->rank, a->shape, &quarter);
    if (status != QQ_OK)
        return status;
    if (type == QQ_TYPE_NONE)
        type = a->type;
    if (!qqi_array1b_has_type(type))
        return QQ_ERR_TYPE;
    const size_t need = qq_type_bytes(type, 4 * quarter);
    status = qqi_out_check(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    for (int v = 0; v < 4; v++)
        code[v] = qqi_array1b_bits(type, v - 1);
    const unsigned bits = qq_type_bits(type);
    qqi_array1b_spread(a, quarter, bits < 8 ? bits : 0, bits / 8, code, out);
    *view = qq_tensor_make(out, type, a->rank, a->shape);
    return QQ_OK;
}

QQ_API qq_status qq_array1b_unpack_integers(const qq_array1b *a, unsigned width,
                                            void *out, size_t out_bytes)
{
    uint64_t code[4];
    size_t quarter, need;

    qq_status status = qq_array1b_check(a);
    if (status != QQ_OK)
        return status;
    status = qqi_array1b_bytes(a->rank, a->shape, &quarter);
    if (status != QQ_OK)
        return status;
    if (width != 1 && width != 2 && width != 4 && width != 8)
        return QQ_ERR_TYPE;
    if (!qqi_mul_size(4 * quarter, width, &need))
        need = SIZE_MAX;
    status = qqi_out_check(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    for (int v = 0; v < 4; v++)
        code[v] = (uint64_t)(int64_t)(v - 1);
    qqi_array1b_spread(a, quarter, 0, width, code, out);
    return QQ_OK;
}

// ==== array/decoder.h ====

// qquant floor 5: 64 codes to the numbers they stand for.
//
// The numbers are those of qq_type_decode and of the caller's own levels. Any
// bytes decode.

struct qqi_decoder {
    qq_type type; // as stored
    unsigned bits;
    const float *levels; // of a caller's book; else NULL
    size_t level_count;
};

// levels: those of QQ_TYPE_BOOK; without them such codes count as numbers.
QQI_FN void qqi_decoder_make(struct qqi_decoder *d, qq_type type,
                             const float *levels, size_t level_count)
{
    const qqi_type_row *row = qqi_type_find(qqi_type_storage(type));

    d->type = row->type;
    d->bits = row->info.bits;
    d->levels = type == QQ_TYPE_BOOK ? levels : NULL;
    d->level_count = level_count;
}

// A block of codes of up to 8 bits, one byte each, sign-extended.
QQI_FN void qqi_block_values(const struct qqi_decoder *d, const uint8_t *code,
                             float *out)
{
    if (d->levels == NULL) {
        qqi_decode_codes(d->type, QQI_BLOCK, code, out);
        return;
    }
    for (int i = 0; i < QQI_BLOCK; i++) {
        const size_t c = code[i];
        out[i] = d->levels[c < d->level_count ? c : d->level_count - 1];
    }
}

// Codes first ... first + n - 1 of the packed data, n at most a block; the rest
// of out is unspecified.
QQI_FN void qqi_decode_block(const struct qqi_decoder *d, const void *data,
                             size_t first, size_t n, float *out)
{
    const uint8_t *p = (const uint8_t *)data;
    uint8_t code[QQI_BLOCK];

    if (d->bits == 16) {
        for (size_t i = 0; i < n; i++)
            out[i] = (float)qqi_load_i16(p + 2 * (first + i));
        return;
    }
    if (n < QQI_BLOCK)
        QQ_MEMSET(code, 0, sizeof code);
    qqi_unpack_codes(d->bits, QQ_ORDER_LOW_FIRST, qqi_type_is_signed(d->type),
                     first, n, p, code);
    qqi_block_values(d, code, out);
}

// ==== array/stream.h ====

// qquant floor 5: what goes with every number of a tensor, 64 at a time.
//
// A scale, a zero point or a noise belongs to a tile of numbers. A stream
// gives the one of each number, in the order of memory.

struct qqi_stream {
    struct qqi_tiling tiling;
    struct qqi_cursor cursor;
    const qq_tensor *values;  // one a tile; NULL: noise, drawn
    const qq_tensor *offsets; // integers, one a tile; NULL: none
    int integers;             // 1: values are codes of integers
    qq_noise noise;
    qq_random_layout layout;
    qq_key key;
};

// One value for each tile of an array of the shape.
QQI_FN void qqi_stream_begin(struct qqi_stream *m, unsigned rank,
                             const size_t *shape, const size_t *tile,
                             const qq_tensor *values, const qq_tensor *offsets)
{
    qqi_tiling_make(&m->tiling, rank, shape, tile);
    qqi_cursor_begin(&m->cursor, &m->tiling);
    m->values = values;
    m->offsets = offsets;
    m->integers =
        values != NULL && qqi_type_info(values->type).kind == QQ_KIND_INTEGER;
    m->noise = QQ_NOISE_NONE;
}

// The noise of a scheme for x: given numbers, broadcast as NumPy does, or
// drawn ones, of x's shape with size 1 on the shared axes.
QQI_FN void qqi_stream_begin_noise(struct qqi_stream *m, const qq_scheme *s,
                                   const qq_tensor *x)
{
    const qq_tensor *given = s->given_noise;
    size_t tile[QQ_MAX_RANK] = {0};

    for (unsigned a = 0; a < x->rank; a++) {
        int shared = (int)(s->noise_shared >> a & 1);
        if (s->noise == QQ_NOISE_GIVEN) {
            const unsigned missing = x->rank - given->rank;
            shared = a < missing || given->shape[a - missing] == 1;
        }
        tile[a] = shared ? x->shape[a] : 1;
    }
    qqi_stream_begin(m, x->rank, x->shape, tile, NULL, NULL);
    if (s->noise == QQ_NOISE_GIVEN)
        m->values = given;
    m->noise = s->noise;
    m->layout = s->layout;
    m->key = s->key;
}

QQI_FN void qqi_stream_read(const struct qqi_stream *m, size_t first, size_t n,
                            float *out)
{
    if (m->integers)
        for (size_t i = 0; i < n; i++)
            out[i] = (float)qqi_load_integer(m->values->type, m->values->data,
                                             first + i);
    else if (m->values != NULL)
        qqi_load_floats(m->values->type, m->values->data, first, n, out);
    else
        (void)qq_random_noise(m->key, m->layout, m->noise, m->tiling.tiles,
                              first, n, out);
}

QQI_FN void qqi_fill_floats(float *out, size_t n, float x)
{
    for (; n >= 16; n -= 16, out += 16) {
        for (size_t j = 0; j < 16; j++)
            out[j] = x;
    }
    for (size_t j = 0; j < n; j++)
        out[j] = x;
}

// The values of the next n numbers, and their offsets if there are any.
QQI_FN void qqi_stream_next(struct qqi_stream *m, size_t n, float *value,
                            int16_t *offset)
{
    const int each = m->tiling.tile[m->tiling.rank - 1] == 1;

    for (size_t i = 0; i < n;) {
        size_t tile = 0;
        const size_t run = qqi_cursor_next(&m->cursor, n - i, &tile);
        const size_t own = each ? run : 1;
        qqi_stream_read(m, tile, own, value + i);
        if (!each)
            qqi_fill_floats(value + i, run, value[i]);
        if (m->offsets != NULL) {
            for (size_t j = 0; j < run; j++)
                offset[i + j] = (int16_t)qqi_load_integer(
                    m->offsets->type, m->offsets->data, tile + (each ? j : 0));
        }
        i += run;
    }
}

// ==== array/back.h ====

// qquant floor 5: the pass over an array that turns codes into numbers.
//
//   ours   (code - zero point) * scale * scale2     each product in f32
//   Qwix   code, - zero point, * scale              each step in scale's type
//
// and then to the type asked for.

struct qqi_back {
    struct qqi_decoder decoder;
    qq_type step; // what every step is rounded to: f32, f16 or bf16
    qq_type type; // of the result
    float scale2;
    int saturate; // what is finite stays finite in the result
};

QQI_FN void qqi_store_saturated(qq_type type, void *data, size_t first,
                                size_t n, const float *x)
{
    uint8_t *p = (uint8_t *)data + 2 * first;

    if (type == QQ_TYPE_F16) {
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * i, qqi_f16_saturate(x[i]));
    } else {
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * i, qqi_bf16_saturate(x[i]));
    }
}

// v = v * s, in the type of the steps.
QQI_FN void qqi_block_multiply(const struct qqi_back *b, float *v, float *s)
{
    qqi_block_to_type(b->step, v);
    for (int i = 0; i < QQI_BLOCK; i++)
        v[i] = v[i] * s[i];
    qqi_block_to_type(b->step, v);
    if (b->scale2 < 1.0f || b->scale2 > 1.0f) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = v[i] * b->scale2;
    }
    // One NaN for all, for their bits differ between machines.
    for (int i = 0; i < QQI_BLOCK; i++)
        v[i] = qqi_canon_f32(v[i]);
}

// Numbers first ... first + n - 1 of codes, n at most a block. zero may be
// NULL.
QQI_NOINLINE void qqi_back_block(const struct qqi_back *b, const void *codes,
                                 struct qqi_stream *scale,
                                 struct qqi_stream *zero, size_t first,
                                 size_t n, void *out)
{
    float v[QQI_BLOCK];
    float s[QQI_BLOCK];

    for (size_t i = n; i < QQI_BLOCK; i++)
        v[i] = s[i] = 0.0f;
    qqi_decode_block(&b->decoder, codes, first, n, v);
    if (zero != NULL) {
        qqi_stream_next(zero, n, s, NULL);
        qqi_block_to_type(b->step, v);
        qqi_block_to_type(b->step, s);
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = v[i] - s[i];
    }
    qqi_stream_next(scale, n, s, NULL);
    qqi_block_multiply(b, v, s);
    if (b->saturate && b->type != QQ_TYPE_F32)
        qqi_store_saturated(b->type, out, first, n, v);
    else
        qqi_store_floats(b->type, out, first, n, v);
}

QQI_FN void qqi_back_run(const struct qqi_back *b, const void *codes,
                         struct qqi_stream *scale, struct qqi_stream *zero,
                         void *out)
{
    const size_t numbers = scale->tiling.numbers;

    for (size_t i = 0; i < numbers; i += QQI_BLOCK)
        qqi_back_block(b, codes, scale, zero, i, qqi_block_size(numbers - i),
                       out);
}

// The same for an array with zero points, whose tiles may differ from those
// of the scales.
QQI_NOINLINE void qqi_back_zero(const struct qqi_back *b, const qq_array *a,
                                struct qqi_stream *scale, void *out)
{
    struct qqi_stream zero;

    qqi_stream_begin(&zero, a->value.rank, a->value.shape, a->zero_tile,
                     &a->zero_point, NULL);
    qqi_back_run(b, a->value.data, scale, &zero, out);
}

// All numbers of an array. steps: the type each step is rounded to.
QQI_FN void qqi_back_array(const qq_array *a, qq_type steps, int saturate,
                           qq_type type, void *out)
{
    struct qqi_stream scale;
    struct qqi_back b;

    qqi_decoder_make(&b.decoder, a->type, a->levels, a->level_count);
    b.step = steps;
    b.type = type;
    b.scale2 = a->scale2;
    b.saturate = saturate;
    qqi_stream_begin(&scale, a->value.rank, a->value.shape, a->tile, &a->scale,
                     NULL);
    if (a->zero_point.type != QQ_TYPE_NONE)
        qqi_back_zero(&b, a, &scale, out);
    else
        qqi_back_run(&b, a->value.data, &scale, NULL, out);
}

// ==== array/bound.h ====

// qquant floor 5: the magnitude that the largest code stands for.

// The largest magnitude of a book's levels.
QQI_FN float qqi_book_largest(const float *levels, size_t count)
{
    float largest = 0.0f;

    for (size_t i = 0; i < count; i++) {
        const float a = qqi_abs_f32(levels[i]);
        largest = a > largest ? a : largest;
    }
    return largest;
}

// B of rule qquant: integers have the largest code, and half a step more
// unless the largest magnitude is to be exact; all others their largest value.
QQI_FN float qqi_qquant_bound(const qq_scheme *s)
{
    const qq_type_info info = qqi_type_info(s->type);
    const int half = s->range != QQ_RANGE_EXACT_MAX;

    if (s->type == QQ_TYPE_BOOK)
        return s->levels ? qqi_book_largest(s->levels, s->level_count) : 0.0f;
    if (info.kind != QQ_KIND_INTEGER)
        return info.largest;
    if (s->type == QQ_TYPE_SIGN)
        return 1.0f;
    return (float)info.max + (half ? 0.5f : 0.0f);
}

// How far the codes reach with at most half a step of error: as B, but for a
// small float half of its last step more. A power of two is chosen as a scale
// by this.
QQI_FN float qqi_qquant_reach(const qq_scheme *s)
{
    const float bound = qqi_qquant_bound(s);
    const qqi_minifloat *m = qqi_type_minifloat(s->type);

    if (m == NULL)
        return bound;
    // The last step of a float 2^e (1 + f) is 2^e / 2^mant_bits.
    const uint32_t power = qqi_f32_bits(bound) & 0x7f800000u;
    const uint32_t half = power - ((uint32_t)(m->mant_bits + 1) << 23);
    return bound + qqi_f32_of(half);
}

// B of AQT and FJ, whose codes reach to 2^(bits - 1).
QQI_FN float qqi_numerics_bound(const qq_numerics *n)
{
    const unsigned bits = n->bits < 32 ? n->bits : 0;
    float edge = bits > 0 ? (float)((uint32_t)1 << (bits - 1)) : 0.5f;

    edge -= n->preserve_zero ? 0.5f : 0.0f;
    return edge - (n->preserve_max ? 0.5f : 0.0f);
}

QQ_API float qq_scheme_bound(const qq_scheme *s)
{
    if (s == NULL || s->init != QQI_SCHEME_INIT)
        return 0.0f;
    switch (s->rule) {
    case QQ_RULE_QQUANT:
        return qqi_qquant_bound(s);
    case QQ_RULE_AQT:
    case QQ_RULE_FJ:
        if (s->numerics.kind == QQ_NUMERICS_INT)
            return qqi_numerics_bound(&s->numerics);
        return qqi_type_info(s->type).largest;
    case QQ_RULE_EFORMER:
    case QQ_RULE_EFORMER_FLAT:
    case QQ_RULE_FJFORMER:
        if (s->type == QQ_TYPE_INT8)
            return 127.0f;
        return qqi_type_info(s->type).largest;
    case QQ_RULE_QWIX:
    case QQ_RULE_QWIX_RELEASE:
    default:
        return qqi_type_bound(s->type);
    }
}

// ==== array/layout.h ====

// qquant floor 5: where the parts of a quantized array lie.
//
//   out: scales, zero points if there are any, codes
//
// behind each other without gaps.

struct qqi_layout {
    qq_tensor scale;      // data is not used
    qq_tensor zero_point; // type none: absent
    qq_tensor value;
    size_t tile[QQ_MAX_RANK];
    size_t scale_bytes;
    size_t zero_bytes;
    size_t bytes; // of all; SIZE_MAX beyond size_t
};

// The sizes, once the three tensors are known.
QQI_FN void qqi_layout_sum(struct qqi_layout *l)
{
    const size_t codes = qq_tensor_bytes(&l->value);
    const int zero = l->zero_point.type != QQ_TYPE_NONE;

    l->scale_bytes = qq_tensor_bytes(&l->scale);
    l->zero_bytes = zero ? qq_tensor_bytes(&l->zero_point) : 0;
    l->bytes = SIZE_MAX;
    if (l->scale_bytes == SIZE_MAX || l->zero_bytes == SIZE_MAX ||
        codes == SIZE_MAX)
        return;
    size_t sum = 0;
    if (qqi_add_size(l->scale_bytes, l->zero_bytes, &sum) &&
        qqi_add_size(sum, codes, &sum))
        l->bytes = sum;
}

// What a scheme makes of x: scales of a type, zero points if asymmetric.
QQI_FN void qqi_layout_make(struct qqi_layout *l, const qq_scheme *s,
                            const qq_tensor *x, qq_type scale_type,
                            int asymmetric)
{
    const qq_type codes = qqi_type_storage(s->type);
    size_t count[QQ_MAX_RANK];

    qqi_scheme_tiles(s, x->rank, x->shape, l->tile, count);
    l->scale = qq_tensor_make(NULL, scale_type, x->rank, count);
    l->zero_point =
        qq_tensor_make(NULL, asymmetric ? codes : QQ_TYPE_NONE, x->rank, count);
    l->value = qq_tensor_make(NULL, codes, x->rank, x->shape);
    qqi_layout_sum(l);
}

// The same for scales that are given: tiles follow from their shape, which
// divides x's.
QQI_FN void qqi_layout_given(struct qqi_layout *l, const qq_scheme *s,
                             const qq_tensor *x, const qq_tensor *scale,
                             qq_type scale_type, const qq_tensor *zero_point)
{
    const qq_type codes = qqi_type_storage(s->type);

    for (unsigned a = 0; a < x->rank; a++) {
        const int none = x->shape[a] == 0 || scale->shape[a] == 0;
        l->tile[a] = none ? 1 : x->shape[a] / scale->shape[a];
    }
    l->scale = qq_tensor_make(NULL, scale_type, scale->rank, scale->shape);
    l->zero_point =
        qq_tensor_make(NULL, zero_point != NULL ? codes : QQ_TYPE_NONE,
                       scale->rank, scale->shape);
    l->value = qq_tensor_make(NULL, codes, x->rank, x->shape);
    qqi_layout_sum(l);
}

// Where the parts lie; NULL stays NULL, for a view without data.
QQI_FN void *qqi_layout_zero(const struct qqi_layout *l, void *out)
{
    return out != NULL ? (uint8_t *)out + l->scale_bytes : NULL;
}

QQI_FN void *qqi_layout_codes(const struct qqi_layout *l, void *out)
{
    const size_t before = l->scale_bytes + l->zero_bytes;

    return out != NULL ? (uint8_t *)out + before : NULL;
}

// The array whose parts lie in out.
QQI_FN void qqi_layout_view(const struct qqi_layout *l, const qq_scheme *s,
                            void *out, qq_array *view)
{
    QQ_MEMSET(view, 0, sizeof *view);
    view->scale = l->scale;
    view->scale.data = out;
    view->zero_point = l->zero_point;
    if (l->zero_point.type != QQ_TYPE_NONE)
        view->zero_point.data = qqi_layout_zero(l, out);
    view->value = l->value;
    view->value.data = qqi_layout_codes(l, out);
    for (unsigned a = 0; a < l->value.rank; a++) {
        view->tile[a] = l->tile[a];
        view->zero_tile[a] = l->tile[a];
    }
    view->type = s->type;
    view->scale2 = 1.0f;
    if (s->type == QQ_TYPE_BOOK) {
        view->levels = s->levels;
        view->level_count = s->level_count;
    }
}

// ==== array/bounds.h ====

// qquant floor 5: bounds and scales as tensors of their own.
//
//   bounds: absmax, or min and max behind it
//   scales: scales, and zero points behind them

// The bytes of the bounds that a scheme's calibration makes of x, in a type.
QQI_FN size_t qqi_bounds_bytes(const qq_tensor *x, const qq_scheme *s,
                               qq_type type)
{
    const size_t each = qqi_calib_is_asymmetric(&s->calibration) ? 2 : 1;
    struct qqi_layout l;
    size_t bytes = 0;

    qqi_layout_make(&l, s, x, type, 0);
    if (l.scale_bytes == SIZE_MAX || !qqi_mul_size(l.scale_bytes, each, &bytes))
        return SIZE_MAX;
    return bytes;
}

// Where the upper bounds lie: behind the lower ones, if there are any.
QQI_FN void *qqi_bounds_high(const qq_tensor *scale, int asymmetric, void *out)
{
    uint8_t *p = (uint8_t *)out;
    const size_t bytes = asymmetric ? qq_tensor_bytes(scale) : 0;

    return bytes > 0 ? p + bytes : p;
}

QQI_FN void qqi_bounds_view(const qq_tensor *scale, int asymmetric, void *out,
                            qq_bounds *view)
{
    QQ_MEMSET(view, 0, sizeof *view);
    view->absmax = view->min = view->max = *scale;
    view->absmax.data = view->min.data = out;
    view->max.data = qqi_bounds_high(scale, asymmetric, out);
    if (asymmetric)
        view->absmax.type = QQ_TYPE_NONE;
    else
        view->min.type = view->max.type = QQ_TYPE_NONE;
}

QQI_FN const qq_tensor *qqi_bounds_top(const qq_bounds *b)
{
    return b->absmax.type != QQ_TYPE_NONE ? &b->absmax : &b->max;
}

QQI_FN struct qqi_bound qqi_bounds_at(const qq_bounds *b, size_t i)
{
    const qq_tensor *top = qqi_bounds_top(b);
    struct qqi_bound r = {0.0f, 0.0f};

    if (b->min.type != QQ_TYPE_NONE)
        r.min = qqi_load_value(b->min.type, b->min.data, i);
    r.max = qqi_load_value(top->type, top->data, i);
    return r;
}

// The tensors of the scales that bounds give, and the bytes of both.
QQI_FN size_t qqi_scale_layout(struct qqi_layout *l, const qq_bounds *b,
                               const qq_scheme *s, qq_type scale_type)
{
    const int asymmetric = b->absmax.type == QQ_TYPE_NONE;
    const qq_tensor *t = qqi_bounds_top(b);
    const qq_type codes = qqi_type_storage(s->type);
    const size_t none = 0;

    QQ_MEMSET(l, 0, sizeof *l);
    l->scale = qq_tensor_make(NULL, scale_type, t->rank, t->shape);
    l->zero_point = qq_tensor_make(NULL, asymmetric ? codes : QQ_TYPE_NONE,
                                   t->rank, t->shape);
    l->value = qq_tensor_make(NULL, codes, 1, &none);
    qqi_layout_sum(l);
    return l->bytes;
}

// Where the zero points lie; their bytes are made 0.
QQI_FN void *qqi_scale_zeros(const struct qqi_layout *l, void *out)
{
    uint8_t *p = (uint8_t *)out;

    if (l->zero_bytes == 0)
        return out;
    QQ_MEMSET(p + l->scale_bytes, 0, l->zero_bytes);
    return p + l->scale_bytes;
}

QQI_FN void qqi_scale_view(const struct qqi_layout *l, void *out,
                           qq_tensor *scale, qq_tensor *zero_point)
{
    uint8_t *p = (uint8_t *)out;

    *scale = l->scale;
    scale->data = out;
    *zero_point = l->zero_point;
    zero_point->data = l->zero_bytes > 0 ? p + l->scale_bytes : NULL;
}

// ==== array/gather.h ====

// qquant floor 5: numbers of any width, collected from anywhere, in a row.
//
// A walk is a list of axes, the last one fastest, each with a size and with
// the distance between neighbours in the source, in numbers. Permuted axes,
// steps, reversals and repetitions (distance 0) are all walks; so each move of
// array/move.h makes one and leaves the rest to qqi_gather. Distances count
// modulo the range of size_t, so that a step back is a large one forward.

// A repetition takes two axes for each one of the tensor.
#define QQI_WALK_AXES (2 * QQ_MAX_RANK)

typedef struct qqi_walk {
    size_t size[QQI_WALK_AXES];
    size_t stride[QQI_WALK_AXES];
    size_t start; // where the first number lies
    unsigned axes;
} qqi_walk;

QQI_INLINE QQI_WRAPS size_t qqi_wrap_add_size(size_t a, size_t b)
{
    return a + b;
}

QQI_INLINE QQI_WRAPS size_t qqi_wrap_sub_size(size_t a, size_t b)
{
    return a - b;
}

QQI_INLINE QQI_WRAPS size_t qqi_wrap_mul_size(size_t a, size_t b)
{
    return a * b;
}

// One more axis, faster than those before. Sizes of 1 are left out, and an
// axis that goes on where the one before steps is joined to that.
QQI_FN void qqi_walk_add(qqi_walk *w, size_t size, size_t stride)
{
    if (size == 1)
        return;
    if (w->axes > 0 &&
        w->stride[w->axes - 1] == qqi_wrap_mul_size(size, stride)) {
        w->size[w->axes - 1] *= size;
        w->stride[w->axes - 1] = stride;
        return;
    }
    w->size[w->axes] = size;
    w->stride[w->axes] = stride;
    w->axes++;
}

// n numbers of whole bytes from p on, stride numbers apart.
QQI_FN void qqi_gather_bytes(size_t width, const uint8_t *data, size_t at,
                             size_t stride, size_t n, uint8_t *out)
{
    if (stride == 1) {
        QQ_MEMCPY(out, data + at * width, n * width);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = data + at * width;
        if (width == 1)
            out[i] = *p;
        else if (width == 2)
            QQ_MEMCPY(out + 2 * i, p, 2);
        else if (width == 4)
            QQ_MEMCPY(out + 4 * i, p, 4);
        else
            QQ_MEMCPY(out + 8 * i, p, 8);
        if (i + 1 < n)
            at = qqi_wrap_add_size(at, stride);
    }
}

// n codes of less than a byte, as numbers first ... of out.
QQI_FN void qqi_gather_bits(unsigned bits, const uint8_t *data, size_t at,
                            size_t stride, size_t n, size_t first, uint8_t *out)
{
    uint8_t codes[QQI_MANY];

    while (n > 0) {
        const size_t k = n < QQI_MANY ? n : QQI_MANY;
        if (stride == 1) {
            qqi_unpack_codes(bits, QQ_ORDER_LOW_FIRST, 0, at, k, data, codes);
            at += k;
        } else {
            for (size_t i = 0; i < k; i++) {
                codes[i] = (uint8_t)qqi_load_bits(bits, data, at);
                at = qqi_wrap_add_size(at, stride);
            }
        }
        qqi_pack_codes(bits, QQ_ORDER_LOW_FIRST, first, k, codes, out);
        first += k;
        n -= k;
    }
}

// n numbers in a row, as numbers first ... of out; all bits before them stay.
QQI_FN void qqi_gather_row(qq_type type, const void *data, size_t at,
                           size_t stride, size_t n, size_t first, void *out)
{
    const uint8_t *from = (const uint8_t *)data;
    const unsigned bits = qq_type_bits(type);
    const size_t width = bits / 8;
    uint8_t *to = (uint8_t *)out;

    if (bits < 8)
        qqi_gather_bits(bits, from, at, stride, n, first, to);
    else
        qqi_gather_bytes(width, from, at, stride, n, to + first * width);
}

// All numbers of a walk, none of whose sizes is 0.
QQI_FN void qqi_gather(qq_type type, const void *data, const qqi_walk *w,
                       void *out)
{
    size_t index[QQI_WALK_AXES] = {0};
    const unsigned last = w->axes > 0 ? w->axes - 1 : 0;
    const size_t n = w->axes > 0 ? w->size[last] : 1;
    const size_t stride = w->axes > 0 ? w->stride[last] : 1;
    size_t at = w->start;

    for (size_t first = 0;; first += n) {
        qqi_gather_row(type, data, at, stride, n, first, out);
        // On to the next row: from the fastest of the outer axes up.
        unsigned a = last;
        for (; a > 0; a--) {
            const size_t step = w->stride[a - 1];
            if (++index[a - 1] < w->size[a - 1]) {
                at = qqi_wrap_add_size(at, step);
                break;
            }
            index[a - 1] = 0;
            const size_t back = qqi_wrap_mul_size(w->size[a - 1] - 1, step);
            at = qqi_wrap_sub_size(at, back);
        }
        if (a == 0)
            return;
    }
}

// ==== array/broadcast.h ====

// qquant floor 5: numbers repeated in a row until a shape is reached.
//
// Along an axis of n that becomes one of m each number stands m / n times,
// 1 1 2 2, not 1 2 1 2. An element that covers t numbers then covers t * m / n:
// where the result's numbers come from is a matter of tiles (array/tile.h).

// Writes the tensor of that shape whose numbers are t's elements, one for each
// tile: t has as many as there are tiles.
QQI_FN void qqi_spread_tiles(const qq_tensor *t, unsigned rank,
                             const size_t *shape, const size_t *tile, void *out)
{
    struct qqi_tiling tiling;
    struct qqi_cursor cursor;
    size_t n;

    qqi_tiling_make(&tiling, rank, shape, tile);
    const size_t stride = tiling.tile[tiling.rank - 1] == 1;
    qqi_cursor_begin(&cursor, &tiling);
    for (size_t i = 0; i < tiling.numbers; i += n) {
        size_t from;
        n = qqi_cursor_next(&cursor, tiling.numbers, &from);
        qqi_gather_row(t->type, t->data, from, stride, n, i, out);
    }
}

// The shapes of the result. *same: the array has the shape already.
QQI_FN qq_status qqi_broadcast_plan(const qq_array *a, unsigned rank,
                                    const size_t *shape, int *same, qq_array *r)
{
    const qq_status status = qqi_parts_check(a);

    if (status != QQ_OK)
        return status;
    if (shape == NULL && rank > 0)
        return QQ_ERR_ARGUMENT;
    const unsigned old = a->value.rank;
    if (rank > QQ_MAX_RANK || rank < old)
        return QQ_ERR_SHAPE;
    *r = *a;
    *same = rank == old;
    for (unsigned i = 0; i < rank; i++) {
        const size_t n = i < rank - old ? 1 : a->value.shape[i - (rank - old)];
        if (n != shape[i] && n != 1 &&
            (n == 0 || shape[i] == 0 || shape[i] % n != 0))
            return QQ_ERR_SHAPE;
        *same &= n == shape[i];
    }
    if (*same)
        return QQ_OK;
    for (unsigned i = 0; i < rank; i++)
        r->tile[i] = r->zero_tile[i] = 1;
    for (int part = 0; part < QQI_PARTS; part++)
        if (qqi_has_part(a, part))
            *qqi_part(r, part) =
                qq_tensor_make(NULL, qqi_part_of(a, part)->type, rank, shape);
    return QQ_OK;
}

QQ_API size_t qq_array_broadcast_size(const qq_array *a, unsigned rank,
                                      const size_t *shape)
{
    qq_array r;
    int same;

    if (qqi_broadcast_plan(a, rank, shape, &same, &r) != QQ_OK)
        return SIZE_MAX;
    return same ? 0 : qqi_parts_bytes(&r);
}

// Writes a part of the result, which is not empty.
QQI_NOINLINE void qqi_broadcast_move(const qq_array *a, int part,
                                     const qq_tensor *t, void *out)
{
    const unsigned added = t->rank - a->value.rank;
    size_t tile[QQ_MAX_RANK] = {0};

    for (unsigned i = 0; i < t->rank; i++) {
        const size_t n = i < added ? 1 : a->value.shape[i - added];
        tile[i] = t->shape[i];
        if (n != 1)
            tile[i] = qqi_part_tile(a, part, i - added) * (t->shape[i] / n);
    }
    qqi_spread_tiles(qqi_part_of(a, part), t->rank, t->shape, tile, out);
}

QQ_API qq_status qq_array_broadcast(const qq_array *a, unsigned rank,
                                    const size_t *shape, void *out,
                                    size_t out_bytes, qq_array *view)
{
    qq_array r;
    int same;
    qq_status status = qqi_broadcast_plan(a, rank, shape, &same, &r);

    if (status != QQ_OK)
        return status;
    status = qqi_out_check(same ? 0 : qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    if (!same) {
        qqi_parts_place(&r, out);
        for (int part = 0; part < QQI_PARTS; part++)
            if (qqi_has_part(a, part) && qq_tensor_count(&r.value) > 0)
                qqi_broadcast_move(a, part, qqi_part_of(&r, part),
                                   qqi_part_out(&r, part, out));
    }
    *view = r;
    return QQ_OK;
}

// ==== array/eformer_int8.h ====

// qquant floor 5: eformer's Array8B, and its ternary and binary front end.
//
//   eformer    scale = absmax / 127 + tiny       code = x / scale
//   fjformer   scale = max(absmax, 1e-5) / 127   code = x * (1 / scale)
//
// each step rounded to x's type, the code to nearest even, then cut to -128
// ... 127; NaN gives 0. In bf16 a quotient may round to 127.5 and so to 128:
// the codes +127 and -128 both stand for absmax.

struct qqi_int8_job {
    const qq_tensor *x;
    struct qqi_tiling tiling;
    int older; // fjformer
    qq_division division;
};

// Whether neighbours on the last axis have scales of their own.
QQI_INLINE int qqi_int8_has_lanes(const struct qqi_int8_job *j)
{
    return j->tiling.tile[j->tiling.rank - 1] == 1;
}

// n numbers with a scale each: scales first, first + 1, ...
QQI_FN void qqi_int8_absmax_lanes(const struct qqi_int8_job *j, size_t at,
                                  size_t n, size_t first, void *scales)
{
    const qq_type type = j->x->type;
    float x[QQI_SOME], most[QQI_SOME];

    qqi_load_values(type, j->x->data, at, n, x);
    qqi_load_values(type, scales, first, n, most);
    for (size_t i = 0; i < n; i++)
        most[i] = qqi_absmax_step(most[i], x[i]);
    qqi_plain_store_many(type, scales, first, n, most);
}

// The absmax of every tile, of x's type.
QQI_FN void qqi_int8_absmax(const struct qqi_int8_job *j, void *scales)
{
    const struct qqi_tiling *t = &j->tiling;
    const qq_type type = j->x->type;
    const int lanes = qqi_int8_has_lanes(j);
    struct qqi_cursor cursor;
    size_t n, scale;

    for (size_t i = 0; i < t->tiles; i++)
        qqi_plain_store(type, scales, i, 0.0f);
    qqi_cursor_begin(&cursor, t);
    for (size_t at = 0; at < t->numbers; at += n) {
        n = qqi_cursor_next(&cursor, lanes ? QQI_SOME : t->numbers, &scale);
        if (lanes) {
            qqi_int8_absmax_lanes(j, at, n, scale, scales);
            continue;
        }
        const float most = qqi_plain_load(type, scales, scale);
        qqi_plain_store(type, scales, scale,
                        qqi_absmax_many(most, type, j->x->data, at, n));
    }
}

QQI_FN float qqi_int8_scale(const struct qqi_int8_job *j, float most)
{
    const qq_type type = j->x->type;
    const qqi_divisor d =
        qqi_divisor_of(type, j->division, j->tiling.tiles > 1, 127.0f);

    if (j->older) {
        const float least = qqi_to_type(type, 1e-5f);
        return qqi_divide_by(&d, most < least ? least : most);
    }
    const float tiny = qqi_plain_tiny(type);
    return qqi_to_type(type, qqi_divide_by(&d, most) + tiny);
}

// What a tile's numbers are divided by.
QQI_FN qqi_divisor qqi_int8_divisor(const struct qqi_int8_job *j, float scale)
{
    qqi_divisor d = qqi_divisor_of(j->x->type, j->division,
                                   j->tiling.tiles < j->tiling.numbers, scale);

    if (j->older) {
        d.by_product = 1;
        d.b = qqi_to_type(j->x->type, 1.0f / scale);
    }
    return d;
}

QQI_FN void qqi_int8_codes(const struct qqi_int8_job *j, const void *scales,
                           uint8_t *codes)
{
    const struct qqi_tiling *t = &j->tiling;
    const qq_type type = j->x->type;
    const int lanes = qqi_int8_has_lanes(j);
    struct qqi_cursor cursor;
    float x[QQI_SOME];
    size_t n, scale;

    qqi_cursor_begin(&cursor, t);
    for (size_t at = 0; at < t->numbers; at += n) {
        n = qqi_cursor_next(&cursor, QQI_SOME, &scale);
        qqi_load_values(type, j->x->data, at, n, x);
        for (size_t i = 0; i < (lanes ? n : 1); i++) {
            const float s = qqi_plain_load(type, scales, scale + i);
            const qqi_divisor d = qqi_int8_divisor(j, s);
            qqi_divide_many(&d, lanes ? 1 : n, x + i);
        }
        qqi_encode_codes(QQ_TYPE_INT8, n, x, codes + at);
    }
}

QQI_FN void qqi_int8_quantize(const struct qqi_int8_job *j, void *scales,
                              uint8_t *codes)
{
    const qq_type type = j->x->type;

    qqi_int8_absmax(j, scales);
    for (size_t i = 0; i < j->tiling.tiles; i++) {
        const float most = qqi_plain_load(type, scales, i);
        qqi_plain_store(type, scales, i, qqi_int8_scale(j, most));
    }
    qqi_int8_codes(j, scales, codes);
}

// --- ternary, binary -------------------------------------------------------

// Half the standard deviation of all n numbers, as jnp.std computes it: mean
// and variance in f32, the variance, its root and the half in x's type, where
// that is shorter. The order of the sums is not said there; here they are made
// in f64 and rounded once. NaN where a number is NaN or infinite, or n is 0.
QQI_FN float qqi_ternary_threshold(const qq_tensor *x, size_t n)
{
    const qq_type type = qqi_is_plain(x->type) ? x->type : QQ_TYPE_F32;
    float v[QQI_SOME];
    double sum = 0.0;
    float mean = 0.0f;
    size_t k;

    if (n == 0)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    for (int squares = 0; squares < 2; squares++) {
        sum = 0.0;
        for (size_t at = 0; at < n; at += k) {
            k = qqi_some(n - at);
            qqi_load_values(x->type, x->data, at, k, v);
            for (size_t i = 0; i < k; i++) {
                const float d = v[i] - mean;
                sum += (double)(squares ? qqi_mul_f32(d, d) : v[i]);
            }
        }
        if (!squares)
            mean = qqi_f32_from_f64(sum / (double)n);
    }
    const float variance = qqi_to_type(type, qqi_f32_from_f64(sum / (double)n));
    const float deviation = qqi_to_type(type, qqi_sqrt_f32(variance));
    return qqi_to_type(type, deviation * 0.5f);
}

// Ternary codes, value + 1: +1 above t, -1 below -t, else 0. sign: t is 0, and
// zeros count as above.
QQI_FN void qqi_ternary_quantize(const qq_tensor *x, int sign, uint8_t *codes)
{
    const size_t n = qq_tensor_count(x);
    const float t = sign ? 0.0f : qqi_ternary_threshold(x, n);
    float v[QQI_SOME];
    uint8_t code[QQI_SOME];
    size_t k;

    for (size_t at = 0; at < n; at += k) {
        k = qqi_some(n - at);
        qqi_load_values(x->type, x->data, at, k, v);
        for (size_t i = 0; i < k; i++) {
            const int above = v[i] > t || (sign && v[i] >= t);
            code[i] = (uint8_t)(1 + above - (v[i] < -t));
        }
        qqi_pack_codes(2, QQ_ORDER_LOW_FIRST, at, k, code, codes);
    }
}

// ==== array/eformer_nf4.h ====

// qquant floor 5: eformer's ArrayNF4, in its three versions.
//
//   version        block                      divisor          code
//   eformer        b along the last axis,     absmax + tiny    nearest level
//                  which is padded with 0
//   eformer_flat   min(b, last size) of the   absmax           middles below
//                  flat array
//   fjformer       min(b, count) of the       absmax           middles below
//                  flat array
//
// The scale is the absmax. A NaN makes absmax and all quotients of its block
// NaN; an infinity makes its own quotient NaN and the others 0.

// The levels that eformer decodes to, by their bits: the polynomial
//
//   c (c (c (c (1.82943132356953e-5 c - 0.00068587779130373)
//   + 0.0100420261313669) - 0.0722703570217226) + 0.346075459755188)
//   - 0.994166218659335
//
// at c = 0 ... 15 in f32, each step one fused multiply-add; and each step with
// two roundings, as a machine without such an instruction makes it.
static const float qqi_nf4_polynomial[16] QQI_UNUSED = {
    -0.994166195f, -0.710986674f, -0.521149158f,  -0.386348963f,
    -0.280351818f, -0.186798558f, -0.0970098376f, -0.00779087842f,
    0.0807642341f, 0.167467147f,  0.252231598f,   0.338267148f,
    0.434276760f,  0.556649268f,  0.731656849f,   0.997652054f};

static const float qqi_nf4_unfused[16] QQI_UNUSED = {
    -0.994166195f, -0.710986674f, -0.521149158f,  -0.386348963f,
    -0.280351818f, -0.186798573f, -0.0970098376f, -0.00779098272f,
    0.0807642341f, 0.167467296f,  0.252231777f,   0.338267267f,
    0.434276760f,  0.556649625f,  0.731656849f,   0.997651637f};

QQ_API const float *qq_eformer_levels(qq_nf4_levels which)
{
    if (which == QQ_NF4_TABLE)
        return qqi_nf4_levels;
    if (which == QQ_NF4_POLYNOMIAL)
        return qqi_nf4_polynomial;
    return which == QQ_NF4_UNFUSED ? qqi_nf4_unfused : NULL;
}

// Blocks of size numbers each; a row of x has row numbers and blocks blocks,
// the last of which may lack some.
struct qqi_nf4_job {
    const qq_tensor *x;
    size_t rows;
    size_t row;
    size_t blocks;
    size_t size;
    int flat; // one of the two older versions
    qq_division division;
    float middles[15]; // flat: between the levels
};

QQI_FN void qqi_nf4_middles(float *middles)
{
    const float *level = qqi_nf4_levels;

    for (int k = 0; k < 15; k++)
        middles[k] = (level[k] + level[k + 1]) / 2.0f;
}

// A byte for each of n quotients.
QQI_FN void qqi_nf4_codes(const struct qqi_nf4_job *j, size_t n, const float *v,
                          uint8_t *codes)
{
    if (!j->flat) {
        qqi_encode_codes(QQ_TYPE_NF4, n, v, codes);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned code = 0;
        for (int k = 0; k < 15; k++)
            code += j->middles[k] < v[i];
        codes[i] = (uint8_t)(qqi_is_nan_f32(v[i]) ? 15 : code);
    }
}

// n numbers of x from first on, and zeros to a whole block, whose codes are at,
// at + 1, ... of codes. Returns absmax.
QQI_FN float qqi_nf4_block(const struct qqi_nf4_job *j, size_t first, size_t n,
                           size_t at, uint8_t *codes)
{
    const qq_type type = j->x->type;
    float v[QQI_SOME];
    uint8_t code[QQI_SOME];
    size_t k;

    const float most = qqi_absmax_many(0.0f, type, j->x->data, first, n);
    const float sum = qqi_to_type(type, most + qqi_plain_tiny(type));
    const qqi_divisor d =
        qqi_divisor_of(type, j->division, 1, j->flat ? most : sum);
    for (size_t i = 0; i < j->size; i += k) {
        k = qqi_some(j->size - i);
        const size_t there = n <= i ? 0 : n - i < k ? n - i : k;
        QQ_MEMSET(v, 0, sizeof v);
        qqi_load_values(type, j->x->data, first + i, there, v);
        qqi_divide_many(&d, k, v);
        qqi_nf4_codes(j, k, v, code);
        qqi_pack_codes(4, QQ_ORDER_LOW_FIRST, at + i, k, code, codes);
    }
    return most;
}

// scales: one of x's type for each block; codes: rows * blocks * size of them.
QQI_FN void qqi_nf4_quantize(const struct qqi_nf4_job *j, void *scales,
                             uint8_t *codes)
{
    size_t block = 0;

    for (size_t r = 0; r < j->rows; r++) {
        size_t left = j->row;
        for (size_t b = 0; b < j->blocks; b++, block++) {
            const size_t n = left < j->size ? left : j->size;
            const size_t first = r * j->row + (j->row - left);
            const float most =
                qqi_nf4_block(j, first, n, block * j->size, codes);
            qqi_plain_store(j->x->type, scales, block, most);
            left -= n;
        }
    }
}

// ==== array/eformer_plan.h ====

// qquant floor 5: eformer's schemes: which there are, and the shape of the
// array that one makes of x.

// What an array of x will be.
struct qqi_eformer_plan {
    qq_array *array; // without data
    size_t block;    // nf4: numbers a block
    size_t rows;     // nf4: rows that are cut into blocks, each by itself
};

QQI_FN int qqi_eformer_has_type(qq_rule rule, qq_type type)
{
    if (type == QQ_TYPE_NF4)
        return 1;
    if (type == QQ_TYPE_INT8)
        return rule != QQ_RULE_EFORMER_FLAT;
    return rule == QQ_RULE_EFORMER &&
           (type == QQ_TYPE_TERNARY || type == QQ_TYPE_SIGN);
}

QQI_FN int qqi_eformer_has_input(qq_type type, qq_type x)
{
    if (qqi_is_plain(x))
        return 1;
    return (type == QQ_TYPE_TERNARY || type == QQ_TYPE_SIGN) &&
           (x == QQ_TYPE_INT8 || x == QQ_TYPE_INT16 || x == QQ_TYPE_INT32 ||
            x == QQ_TYPE_UINT8);
}

// nf4: the last axis padded to whole blocks.
QQI_FN uint32_t qqi_eformer_blocks(const qq_scheme *s, const qq_tensor *x,
                                   struct qqi_eformer_plan *p)
{
    const unsigned last = x->rank - 1;
    const size_t size = s->tile[last];
    const size_t n = x->shape[last];
    size_t padded;

    if (size == 0 || size % 2 != 0)
        return QQ_BAD_TILE;
    const size_t blocks = n == 0 ? 1 : qqi_ceil_div(n, size);
    if (!qqi_mul_size(blocks, size, &padded))
        return QQ_BAD_TILE;
    p->block = size;
    p->rows = qqi_shape_count(last, x->shape);
    p->array->value.shape[last] = padded;
    p->array->scale.shape[last] = blocks;
    p->array->tile[last] = size;
    return 0;
}

// nf4 of the older versions: blocks of the flat array, which are tiles where
// they are a part of an axis and all of the axes behind it.
QQI_FN uint32_t qqi_eformer_flat_blocks(const qq_scheme *s, const qq_tensor *x,
                                        struct qqi_eformer_plan *p)
{
    const unsigned last = x->rank - 1;
    const size_t count = qq_tensor_count(x);
    const size_t most =
        s->rule == QQ_RULE_EFORMER_FLAT ? x->shape[last] : count;
    size_t left = s->tile[last] < most ? s->tile[last] : most;

    if (count == 0 || left == 0 || left % 2 != 0)
        return QQ_BAD_TILE;
    p->block = left;
    p->rows = 1;
    for (unsigned i = x->rank; i > 0; i--) {
        const unsigned a = i - 1;
        const size_t n = x->shape[a];
        const size_t tile = left < n ? left : n;
        if (left % tile != 0 || n % tile != 0)
            return QQ_BAD_TILE;
        left /= tile;
        p->array->tile[a] = tile;
        p->array->scale.shape[a] = n / tile;
    }
    return 0;
}

// int8: a scale for each index of the channel axes. An axis without numbers
// has no absmax.
QQI_FN uint32_t qqi_eformer_channels(const qq_scheme *s, const qq_tensor *x,
                                     struct qqi_eformer_plan *p)
{
    uint32_t bad = 0;

    if (s->rule == QQ_RULE_FJFORMER &&
        (x->rank == 0 || s->channels != (1u << (x->rank - 1)) - 1))
        bad |= QQ_BAD_AXIS;
    for (unsigned a = 0; a < x->rank; a++) {
        if (s->channels >> a & 1) {
            p->array->tile[a] = 1;
            p->array->scale.shape[a] = x->shape[a];
        } else if (x->shape[a] == 0) {
            bad |= QQ_BAD_TILE;
        }
    }
    return bad;
}

// The shape of everything, in *a; what is wrong with the axes.
QQI_FN uint32_t qqi_eformer_plan_of(const qq_scheme *s, const qq_tensor *x,
                                    qq_array *a, struct qqi_eformer_plan *p)
{
    QQ_MEMSET(a, 0, sizeof *a);
    p->array = a;
    p->block = p->rows = 0;
    a->value.rank = a->scale.rank = x->rank;
    a->value.type = s->type == QQ_TYPE_SIGN ? QQ_TYPE_TERNARY : s->type;
    a->scale.type = qqi_is_plain(x->type) ? x->type : QQ_TYPE_F32;
    a->type = a->value.type;
    a->scale2 = 1.0f;
    for (unsigned i = 0; i < x->rank; i++) {
        a->value.shape[i] = x->shape[i];
        a->scale.shape[i] = 1;
        a->tile[i] = x->shape[i] ? x->shape[i] : 1;
    }
    if (s->channels >> x->rank != 0)
        return QQ_BAD_AXIS;
    if (s->type == QQ_TYPE_INT8)
        return qqi_eformer_channels(s, x, p);
    if (s->type != QQ_TYPE_NF4)
        return 0;
    if (x->rank == 0)
        return QQ_BAD_AXIS;
    for (unsigned i = 0; i + 1 < x->rank; i++) {
        a->scale.shape[i] = x->shape[i];
        a->tile[i] = 1;
    }
    return s->rule == QQ_RULE_EFORMER ? qqi_eformer_blocks(s, x, p)
                                      : qqi_eformer_flat_blocks(s, x, p);
}

// Tiles belong to nf4 and the last axis, channels to int8.
QQI_FN uint32_t qqi_eformer_check_axes(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = 0;
    unsigned tiles = 0;

    for (unsigned a = 0; a < QQ_MAX_RANK; a++) {
        const int here = s->type == QQ_TYPE_NF4 && (!x || a + 1 == x->rank);
        if (s->tile_fraction[a] != 0.0 || (s->tile[a] != 0 && !here))
            bad |= QQ_BAD_TILE;
        if (s->tile[a] != 0)
            tiles++;
    }
    if (s->type == QQ_TYPE_NF4 && tiles != 1)
        bad |= QQ_BAD_TILE;
    if (s->type != QQ_TYPE_INT8 && s->channels != 0)
        bad |= QQ_BAD_AXIS;
    return bad;
}

QQI_FN uint32_t qqi_eformer_check(const qq_scheme *s, const qq_tensor *x)
{
    const qq_calibration *c = &s->calibration;
    struct qqi_eformer_plan p;
    qq_array a;
    uint32_t bad = qqi_eformer_check_axes(s, x);

    if (!qqi_eformer_has_type(s->rule, s->type))
        bad |= QQ_BAD_TYPE;
    if (s->division != QQ_DIVISION_TRUE &&
        s->division != QQ_DIVISION_RECIPROCAL)
        bad |= QQ_BAD_RULE;
    if (c->method != QQ_CALIB_ABSMAX || (c->arg_count > 0 && c->args[0] != 1.0))
        bad |= QQ_BAD_CALIBRATION;
    if (s->noise != QQ_NOISE_NONE)
        bad |= QQ_BAD_NOISE;
    if (s->two_level || s->power_of_two)
        bad |= QQ_BAD_SCALE_TYPE;
    if (!x)
        return bad;
    if (!qqi_eformer_has_input(s->type, x->type))
        bad |= QQ_BAD_INPUT;
    else if (s->scale_type != QQ_TYPE_NONE && s->scale_type != x->type)
        bad |= QQ_BAD_SCALE_TYPE;
    return bad | qqi_eformer_plan_of(s, x, &a, &p);
}

// ==== array/eformer.h ====

// qquant floor 5: the rules of eformer and FJFormer, as rows of functions.
//
// api/eformer.h says what they compute; the arithmetic stands in eformer_nf4.h
// and eformer_int8.h. Calibration, scales and codes are one step in the
// originals, so the rows lack the calls that take them apart.

QQI_FN size_t qqi_eformer_size(const qq_tensor *x, const qq_scheme *s)
{
    struct qqi_eformer_plan p;
    qq_array a;
    size_t bytes;

    if (qqi_eformer_plan_of(s, x, &a, &p) != 0)
        return SIZE_MAX;
    const size_t scales = qq_tensor_bytes(&a.scale);
    const size_t codes = qq_tensor_bytes(&a.value);
    if (scales == SIZE_MAX || codes == SIZE_MAX ||
        !qqi_add_size(scales, codes, &bytes))
        return SIZE_MAX;
    return bytes;
}

QQI_FN void qqi_eformer_run_nf4(const qq_tensor *x, const qq_scheme *s,
                                const struct qqi_eformer_plan *p, void *scales,
                                uint8_t *codes)
{
    struct qqi_nf4_job j;
    const size_t count = qq_tensor_count(&p->array->value);

    j.x = x;
    j.flat = s->rule != QQ_RULE_EFORMER;
    j.division = s->division;
    j.rows = p->rows;
    j.row = j.flat ? count : x->shape[x->rank - 1];
    j.size = p->block;
    j.blocks = j.rows == 0 ? 0 : count / j.rows / j.size;
    qqi_nf4_middles(j.middles);
    qqi_nf4_quantize(&j, scales, codes);
}

QQI_FN void qqi_eformer_run_int8(const qq_tensor *x, const qq_scheme *s,
                                 const size_t *tile, void *scales,
                                 uint8_t *codes)
{
    struct qqi_int8_job j;

    j.x = x;
    j.older = s->rule == QQ_RULE_FJFORMER;
    j.division = s->division;
    qqi_tiling_make(&j.tiling, x->rank, x->shape, tile);
    qqi_int8_quantize(&j, scales, codes);
}

// The scheme was checked, so that there is a plan. x may be a part of *view.
QQI_FN qq_status qqi_eformer_quantize(const qq_tensor *x, const qq_scheme *s,
                                      void *out, qq_array *view)
{
    struct qqi_eformer_plan p;
    const qq_tensor from = *x;

    if (qqi_eformer_plan_of(s, &from, view, &p) != 0)
        return QQ_ERR_SCHEME;
    uint8_t *codes = (uint8_t *)out + qq_tensor_bytes(&view->scale);
    view->scale.data = out;
    view->value.data = codes;
    if (s->type == QQ_TYPE_NF4) {
        qqi_eformer_run_nf4(&from, s, &p, out, codes);
    } else if (s->type == QQ_TYPE_INT8) {
        qqi_eformer_run_int8(&from, s, view->tile, out, codes);
    } else {
        qqi_plain_store(view->scale.type, out, 0, 1.0f);
        qqi_ternary_quantize(&from, s->type == QQ_TYPE_SIGN, codes);
    }
    return QQ_OK;
}

// n values of scale 1: levels of nf4, else the codes themselves.
QQI_FN void qqi_eformer_values(const qq_array *a, const float *nf4, size_t at,
                               size_t n, float *v)
{
    uint8_t code[QQI_SOME];

    if (a->type != QQ_TYPE_NF4) {
        qqi_load_values(a->type, a->value.data, at, n, v);
        return;
    }
    qqi_unpack_codes(4, QQ_ORDER_LOW_FIRST, 0, at, n,
                     (const uint8_t *)a->value.data, code);
    for (size_t i = 0; i < n; i++)
        v[i] = nf4[code[i]];
}

// value * scale, in f32 for nf4, else in the scale's type; then rounded to the
// type that is asked for.
QQI_FN qq_status qqi_eformer_decode(const qq_array *a, const float *nf4,
                                    qq_type type, void *out)
{
    const qq_type step = a->type == QQ_TYPE_NF4 ? QQ_TYPE_F32 : a->scale.type;
    struct qqi_tiling t;
    struct qqi_cursor cursor;
    float v[QQI_SOME], s[QQI_SOME];
    size_t n, scale;

    if (!qqi_eformer_has_type(QQ_RULE_EFORMER, a->type) ||
        a->value.type != a->type || a->zero_point.type != QQ_TYPE_NONE ||
        a->bias.type != QQ_TYPE_NONE || a->scale2 != 1.0f ||
        !qqi_is_plain(a->scale.type) || !qqi_is_plain(type))
        return QQ_ERR_TYPE;
    qqi_tiling_make(&t, a->value.rank, a->value.shape, a->tile);
    qqi_cursor_begin(&cursor, &t);
    const size_t lane = t.tile[t.rank - 1] == 1;
    for (size_t at = 0; at < t.numbers; at += n) {
        n = qqi_cursor_next(&cursor, QQI_SOME, &scale);
        qqi_eformer_values(a, nf4, at, n, v);
        qqi_load_values(a->scale.type, a->scale.data, scale, lane ? n : 1, s);
        for (size_t i = 0; i < n; i++)
            v[i] = v[i] * s[lane * i]; // nothing is added to it
        qqi_to_type_many(step, n, v);
        qqi_plain_store_many(type, out, at, n, v);
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_eformer_dequantize(const qq_array *a, qq_type type,
                                        void *out)
{
    return qqi_eformer_decode(a, qqi_nf4_polynomial, type, out);
}

QQI_FN qq_status qqi_eformer_flat_dequantize(const qq_array *a, qq_type type,
                                             void *out)
{
    return qqi_eformer_decode(a, qqi_nf4_levels, type, out);
}

static const struct qqi_rule qqi_rule_eformer QQI_UNUSED = {
    qqi_eformer_check,
    qqi_eformer_size,
    qqi_eformer_quantize,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    qqi_eformer_dequantize};

// The two older ones, which decode by the levels that codes are chosen by.
static const struct qqi_rule qqi_rule_eformer_flat QQI_UNUSED = {
    qqi_eformer_check,
    qqi_eformer_size,
    qqi_eformer_quantize,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    qqi_eformer_flat_dequantize};

// ==== array/encoder.h ====

// qquant floor 5: 64 scaled numbers to codes.
//
// The codes are those of qq_type_encode, cut to a range and with NaN as the
// rule wants it.

struct qqi_encoder {
    qq_type type; // as stored
    qq_kind kind;
    unsigned bits;
    int32_t lo; // integers: the range
    int32_t hi;
    int nan_is_zero; // 1: NaN gives the code of 0 where the type has no NaN
    int far;         // 1: nf4 beyond 2^23 as Qwix has it
    const qqi_book *book; // QQ_TYPE_BOOK
};

// x, or what stands for NaN; by bits, so that loops turn into vectors.
QQI_INLINE float qqi_number_or(float x, float nan)
{
    const uint32_t u = qqi_f32_bits(x);
    const int is_nan = (u & 0x7fffffffu) > (uint32_t)QQI_F32_INF;

    return qqi_f32_of(is_nan ? qqi_f32_bits(nan) : u);
}

// Integers of any width, to nearest even, offsets added, cut to the range; NaN
// counts as 0. offset may be NULL.
QQI_FN void qqi_block_integers(const struct qqi_encoder *e, const float *y,
                               const int16_t *offset, int16_t *code)
{
    for (int i = 0; i < QQI_BLOCK; i++) {
        const int32_t z = offset != NULL ? offset[i] : 0;
        code[i] = (int16_t)(qqi_sat_i32(y[i], e->lo - z, e->hi - z) + z);
    }
}

// Where the type has no code for NaN, or the rule another one: 0; and one NaN
// for all where it has, for their signs differ between machines.
QQI_FN void qqi_block_clean(const struct qqi_encoder *e, float *y)
{
    const float nan = e->nan_is_zero ? 0.0f : qqi_f32_of(QQI_F32_NAN);

    for (int i = 0; i < QQI_BLOCK; i++)
        y[i] = qqi_number_or(y[i], nan);
}

// The codes of a type of up to 8 bits, one byte each. y may be changed.
QQI_FN void qqi_block_codes(const struct qqi_encoder *e, float *y,
                            const int16_t *offset, uint8_t *code)
{
    int16_t wide[QQI_BLOCK];

    if (offset != NULL) {
        qqi_block_integers(e, y, offset, wide);
        for (int i = 0; i < QQI_BLOCK; i++)
            code[i] = (uint8_t)(wide[i] & 255);
        return;
    }
    if (e->kind == QQ_KIND_INTEGER && e->type != QQ_TYPE_SIGN) {
        qqi_encode_codes_integer(e->lo, e->hi, e->type == QQ_TYPE_TERNARY,
                                 QQI_BLOCK, y, code);
        return;
    }
    qqi_block_clean(e, y);
    if (e->type == QQ_TYPE_BOOK) {
        for (int i = 0; i < QQI_BLOCK; i++)
            code[i] = qqi_book_code(e->book, y[i]);
    } else if (e->type == QQ_TYPE_NF4 && e->far) {
        for (int i = 0; i < QQI_BLOCK; i++)
            code[i] = (uint8_t)qqi_nf4_encode_qwix(y[i]);
    } else {
        qqi_encode_codes(e->type, QQI_BLOCK, y, code);
    }
}

// Codes first ... first + n - 1 of the packed data, first being a multiple of
// the block, n at most one.
QQI_FN void qqi_encode_block(const struct qqi_encoder *e, float *y,
                             const int16_t *offset, void *data, size_t first,
                             size_t n)
{
    uint8_t *p = (uint8_t *)data;

    if (e->bits == 16) {
        int16_t wide[QQI_BLOCK];
        qqi_block_integers(e, y, offset, wide);
        QQ_MEMCPY(p + 2 * first, wide, 2 * n);
    } else {
        uint8_t code[QQI_BLOCK];
        qqi_block_codes(e, y, offset, code);
        qqi_pack_codes(e->bits, QQ_ORDER_LOW_FIRST, first, n, code, p);
    }
}

// The same from any number on, in a place where codes before and behind have
// been written or will be: they stay.
QQI_FN void qqi_encode_apart(const struct qqi_encoder *e, float *y, void *data,
                             size_t first, size_t n)
{
    uint8_t code[QQI_BLOCK];
    int16_t wide[QQI_BLOCK];

    if (e->bits == 16)
        qqi_block_integers(e, y, NULL, wide);
    else
        qqi_block_codes(e, y, NULL, code);
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = e->bits == 16 ? (uint16_t)wide[i] : code[i];
        qqi_store_code(e->type, data, first + i, c);
    }
}

// ==== array/pass.h ====

// qquant floor 5: the pass over a tensor that turns numbers into codes.
//
//   y    = x / scale                        rounded to the type of the steps
//   y    = y + zero point                   there: Qwix
//   y    = y + noise                        in f32
//   code = y to nearest even, cut           or: plus zero point, cut: ours
//
// Rules qquant and Qwix share it.

struct qqi_pass {
    struct qqi_encoder encoder;
    qq_type step;        // f32, f16 or bf16: what every step is rounded to
    float scale2;        // goes with every scale
    int reciprocal;      // x * (1 / scale)
    int offset_is_float; // the zero point is added before the rounding
};

// v = v / s.
QQI_FN void qqi_block_divide(const struct qqi_pass *p, float *v, float *s)
{
    const float scale2 = p->scale2;

    qqi_block_to_type(p->step, s);
    if (scale2 < 1.0f || scale2 > 1.0f) {
        for (int i = 0; i < QQI_BLOCK; i++)
            s[i] = s[i] * scale2;
    }
    if (!p->reciprocal) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = v[i] / s[i];
    } else {
        for (int i = 0; i < QQI_BLOCK; i++)
            s[i] = 1.0f / s[i];
        qqi_block_to_type(p->step, s);
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = v[i] * s[i];
    }
    qqi_block_to_type(p->step, v);
}

// A block without rest: numbers beyond n are 0, their scale 1.
QQI_FN void qqi_block_fill_up(size_t n, float *v, float *s, int16_t *z)
{
    for (size_t i = n; i < QQI_BLOCK; i++) {
        v[i] = 0.0f;
        s[i] = 1.0f;
        z[i] = 0;
    }
}

// Numbers v to what is encoded: with scales s, offsets z (NULL: none), and the
// next n of the noise (NULL: none). s is used up.
QQI_FN void qqi_block_scale(const struct qqi_pass *p, float *v, float *s,
                            const int16_t *z, struct qqi_stream *noise,
                            size_t n)
{
    qqi_block_divide(p, v, s);
    if (z != NULL && p->offset_is_float) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = qqi_type_add(p->step, v[i], qqi_to_type(p->step, z[i]));
    }
    if (noise != NULL) {
        qqi_stream_next(noise, n, s, NULL);
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = qqi_keep_f32(v[i]) + qqi_keep_f32(s[i]);
    }
}

// Numbers first ... first + n - 1, n at most a block.
QQI_NOINLINE void qqi_pass_block(const struct qqi_pass *p, const qq_tensor *x,
                                 struct qqi_stream *scale,
                                 struct qqi_stream *noise, size_t first,
                                 size_t n, void *out)
{
    float v[QQI_BLOCK];
    float s[QQI_BLOCK];
    int16_t z[QQI_BLOCK];
    const int16_t *offset = scale->offsets != NULL ? z : NULL;

    qqi_block_fill_up(n, v, s, z);
    qqi_load_floats(x->type, x->data, first, n, v);
    qqi_stream_next(scale, n, s, z);
    qqi_block_scale(p, v, s, offset, noise, n);
    qqi_encode_block(&p->encoder, v, p->offset_is_float ? NULL : offset, out,
                     first, n);
}

// All codes of x. noise may be NULL.
QQI_FN void qqi_pass_run(const struct qqi_pass *p, const qq_tensor *x,
                         struct qqi_stream *scale, struct qqi_stream *noise,
                         void *out)
{
    const size_t numbers = scale->tiling.numbers;

    for (size_t i = 0; i < numbers; i += QQI_BLOCK)
        qqi_pass_block(p, x, scale, noise, i, qqi_block_size(numbers - i), out);
}

// The same with the noise of the scheme.
QQI_NOINLINE void qqi_pass_noisy(const struct qqi_pass *p, const qq_scheme *s,
                                 const qq_tensor *x, struct qqi_stream *scale,
                                 void *out)
{
    struct qqi_stream noise;

    qqi_stream_begin_noise(&noise, s, x);
    qqi_pass_run(p, x, scale, &noise, out);
}

// The codes of numbers that are scaled already, every step in the type.
QQI_FN void qqi_pass_scaled(const struct qqi_encoder *e, qq_type step,
                            const qq_scheme *s, const qq_tensor *x, void *out)
{
    const float one = 1.0f;
    const qq_tensor scale = qq_tensor_make(&one, QQ_TYPE_F32, 0, NULL);
    struct qqi_stream stream;
    struct qqi_pass pass;

    qqi_stream_begin(&stream, x->rank, x->shape, x->shape, &scale, NULL);
    pass.encoder = *e;
    pass.step = step;
    pass.scale2 = 1.0f;
    pass.reciprocal = 0;
    pass.offset_is_float = 0;
    if (s->noise == QQ_NOISE_NONE)
        qqi_pass_run(&pass, x, &stream, NULL, out);
    else
        qqi_pass_noisy(&pass, s, x, &stream, out);
}

// ==== array/scale.h ====

// qquant floor 5: from a bound to a scale and a zero point: rule qquant.
//
//   scale = bound / B                  symmetric
//   scale = (max - min) / (qmax - qmin), zero = qmin - min / scale
//
// rounded to the type in which scales are stored, and codes are made with
// what a reader will see. A scale of f16, bf16 or e4m3fn is the nearest one
// that is neither 0 nor infinite. One of e8m0 is the smallest power of two
// with which the bound lies at most half a step beyond the largest code.
//
// Two levels (nvfp4): scale2 = largest bound / (B * 448) in f32, and the scale
// of a tile, in e4m3fn, is bound / B / scale2.

struct qqi_scaler {
    qq_type type; // of the scale
    qq_type codes;
    int32_t code_min;
    int32_t code_max;
    float bound; // what a bound is divided by
    float scale2;
};

// How scales are stored: as the scheme says, or as the format wants.
QQI_FN qq_type qqi_qquant_scale_type(const qq_scheme *s)
{
    if (s->scale_type != QQ_TYPE_NONE)
        return s->scale_type;
    if (s->type == QQ_TYPE_NVFP4)
        return QQ_TYPE_E4M3FN;
    if (s->type == QQ_TYPE_MXFP4 || s->type == QQ_TYPE_MXFP8 ||
        s->type == QQ_TYPE_MXFP8_16)
        return QQ_TYPE_E8M0;
    return s->two_level ? QQ_TYPE_E4M3FN : QQ_TYPE_F32;
}

// scale2 is 1 until it is known.
QQI_FN void qqi_scaler_make(struct qqi_scaler *k, const qq_scheme *s)
{
    const qq_type_info info = qqi_type_info(s->type);

    k->type = qqi_qquant_scale_type(s);
    k->codes = s->type;
    k->code_min = info.min;
    k->code_max = info.max;
    k->bound =
        k->type == QQ_TYPE_E8M0 ? qqi_qquant_reach(s) : qqi_qquant_bound(s);
    k->scale2 = 1.0f;
}

// Below 2^-63 a scale counts as that of zeros, whose scale is 1.
QQI_INLINE int qqi_scale_is_nothing(float scale)
{
    return !(scale >= 1.0842021724855044e-19f);
}

// The second level for a tensor whose largest bound is given; with the largest
// scale of a tile it makes a finite one.
QQI_FN float qqi_scaler_second(const struct qqi_scaler *k, float largest)
{
    const float most = 3.40282347e38f / 448.0f;
    const float scale2 = largest / (k->bound * 448.0f);

    if (qqi_scale_is_nothing(scale2))
        return 1.0f;
    return scale2 < most ? scale2 : most;
}

// To the nearest number of the scale's type that is neither 0 nor infinite.
QQI_FN float qqi_scale_round(qq_type type, float x)
{
    float least = 1.17549435e-38f;
    float most = 3.40282347e38f;
    uint8_t code = 0;

    if (type == QQ_TYPE_F16) {
        least = 5.9604644775390625e-8f;
        most = 65504.0f;
    } else if (type == QQ_TYPE_BF16) {
        most = 3.38953139e38f;
    } else if (type == QQ_TYPE_E4M3FN) {
        least = 0.001953125f;
        most = 448.0f;
    }
    x = x < least ? least : x > most ? most : x;
    if (type == QQ_TYPE_E8M0)
        return qqi_f32_from_e8m0(qqi_e8m0_from_f32(x, QQI_E8M0_UP));
    if (type != QQ_TYPE_E4M3FN)
        return qqi_to_type(type, x);
    code = qqi_minifloat_from_f32(&qqi_e4m3fn, x, 1);
    return qqi_f32_from_minifloat(&qqi_e4m3fn, code);
}

// The scale of a tile, exactly as it will be stored. Signs have no code for
// 0, so theirs is 0 where all numbers are (e8m0 has none: 2^-126).
QQI_FN float qqi_scale_of_bound(const struct qqi_scaler *k, float bound)
{
    const float scale = bound / k->bound;

    if (k->codes == QQ_TYPE_SIGN) {
        if (!(bound > 0.0f) && k->type != QQ_TYPE_E8M0)
            return 0.0f;
    } else if (qqi_scale_is_nothing(scale)) {
        return 1.0f;
    }
    return qqi_scale_round(k->type, scale / k->scale2);
}

// The same for a minimum and a maximum.
QQI_FN float qqi_scale_of_range(const struct qqi_scaler *k, struct qqi_bound b)
{
    const double codes = (double)k->code_max - (double)k->code_min;
    const float scale =
        qqi_f32_from_f64(((double)b.max - (double)b.min) / codes);

    if (qqi_scale_is_nothing(scale))
        return 1.0f;
    return qqi_scale_round(k->type, scale / k->scale2);
}

// The code of 0: qmin - min / scale to nearest even, cut.
QQI_FN int32_t qqi_zero_of_range(const struct qqi_scaler *k, float scale,
                                 float min)
{
    const double z = (double)k->code_min - (double)min / (double)scale;

    return qqi_sat_i32_f64(z, k->code_min, k->code_max);
}

// ==== array/search.h ====

// qquant floor 5: calibrations that go through a tile more than once.
//
// percentile: the k-th smallest magnitude of the n finite numbers,
// k = ceil(p n / 100), found digit by digit from the top of its bits, five at
// a time, by counting; no copy is made and nothing sorted.
//
// absmean with a power p above 2: magnitudes are divided by the largest, so
// that no power overflows, and the root is 2^(log2(mean) / p) in f32.

// The numbers of one tile, a block at a time.
struct qqi_reader {
    const qq_tensor *x;
    struct qqi_patch patch;
    size_t place; // in the run
    size_t left;
};

QQI_FN void qqi_reader_begin(struct qqi_reader *r, const qq_tensor *x,
                             const struct qqi_tiling *t, size_t tile)
{
    r->x = x;
    qqi_patch_begin(&r->patch, t, tile, 1);
    r->left = 0;
}

// Up to a block of numbers; 0 at the end.
QQI_FN size_t qqi_reader_next(struct qqi_reader *r, float *v)
{
    size_t n = 0;

    while (n < QQI_BLOCK) {
        if (r->left == 0) {
            if (r->patch.runs == 0)
                break;
            r->place = qqi_patch_next(&r->patch);
            r->left = r->patch.run;
        }
        const size_t room = QQI_BLOCK - n;
        const size_t k = r->left < room ? r->left : room;
        qqi_load_floats(r->x->type, r->x->data, r->place, k, v + n);
        r->place += k;
        r->left -= k;
        n += k;
    }
    return n;
}

// --- percentile ------------------------------------------------------------

// Counts the finite magnitudes that agree with prefix above the digit, by
// their digit: bits shift ... shift + 4.
QQI_NOINLINE void qqi_count_digits(const qq_tensor *x,
                                   const struct qqi_tiling *t, size_t tile,
                                   uint32_t prefix, int shift, size_t *count)
{
    struct qqi_reader r;
    float v[QQI_BLOCK];
    size_t n = 0;

    QQ_MEMSET(count, 0, 32 * sizeof *count);
    qqi_reader_begin(&r, x, t, tile);
    while ((n = qqi_reader_next(&r, v)) > 0) {
        for (size_t i = 0; i < n; i++) {
            const uint32_t u = qqi_f32_bits(v[i]) & 0x7fffffffu;
            const uint64_t above = (uint64_t)(u ^ prefix) >> shift >> 5;
            if (u < 0x7f800000u && above == 0)
                count[u >> shift & 31]++;
        }
    }
}

// ceil(p n / 100), from 1 to n.
QQI_FN size_t qqi_percentile_rank(double p, size_t n)
{
    const double k = qqi_mul_f64(p, (double)n) / 100.0;
    const double up = -qqi_floor_f64(-k);

    if (!(up > 1.0))
        return 1;
    return up < (double)n ? (size_t)up : n;
}

QQI_FN float qqi_bound_percentile(const qq_tensor *x,
                                  const struct qqi_tiling *t, size_t tile,
                                  double p)
{
    size_t count[32];
    uint32_t prefix = 0;
    size_t rank = 0; // among the numbers that agree with prefix

    for (int shift = 30; shift >= 0; shift -= 5) {
        uint32_t digit = 0;
        qqi_count_digits(x, t, tile, prefix, shift, count);
        if (shift == 30) {
            const size_t n = count[0] + count[1];
            if (n == 0)
                return 0.0f;
            rank = qqi_percentile_rank(p, n);
        }
        for (; rank > count[digit]; digit++)
            rank -= count[digit];
        prefix |= digit << shift;
    }
    return qqi_f32_of(prefix);
}

// --- powers ----------------------------------------------------------------

// (sum (|x| / top)^p / n)^(1/p) * top * f.
QQI_NOINLINE float qqi_bound_power(const qq_tensor *x,
                                   const struct qqi_tiling *t, size_t tile,
                                   float top, const qq_calibration *c)
{
    const int p = qqi_calib_power(c);
    struct qqi_reader r;
    float v[QQI_BLOCK];
    double sum = 0.0;
    double count = 0.0;
    size_t n = 0;

    if (!(top > 0.0f))
        return 0.0f;
    qqi_reader_begin(&r, x, t, tile);
    while ((n = qqi_reader_next(&r, v)) > 0) {
        for (size_t i = 0; i < n; i++) {
            const double q = (double)qqi_finite_or_zero(v[i]) / (double)top;
            double power = 1.0;
            for (int k = 0; k < p; k++)
                power = qqi_mul_f64(power, qqi_abs_f64(q));
            sum += power;
            count += qqi_is_finite_f32(v[i]) ? 1.0 : 0.0;
        }
    }
    const float mean = qqi_f32_from_f64(sum / count);
    const float root = qqi_exp2_f32(qqi_log2_f32(mean) / (float)p);
    return qqi_bound_f32(qqi_calib_factor(c) * (double)root * (double)top);
}

// ==== array/mse.h ====

// qquant floor 5: the bound with the least squared error: rule qquant.
//
// Candidate i of n is absmax (1 + 4 i / (n - 1)) / 5: from a fifth of absmax
// to all of it. Each is made a scale as it would be stored, the tile coded and
// decoded with that, and the squared differences summed in f64; the largest
// bound of equal ones wins. Under two levels scales count as f32, for the
// second level follows from the bounds.

struct qqi_mse {
    struct qqi_scaler scaler;
    struct qqi_encoder encoder;
    struct qqi_decoder decoder;
    const qq_tensor *x;
    const struct qqi_tiling *tiling;
    size_t tile;
};

// y[i], scaled numbers, become what their codes stand for.
QQI_NOINLINE void qqi_mse_codes(const struct qqi_mse *m, float *y)
{
    uint8_t code[QQI_BLOCK];
    int16_t wide[QQI_BLOCK];

    if (m->encoder.bits == 16) {
        qqi_block_integers(&m->encoder, y, NULL, wide);
        for (int i = 0; i < QQI_BLOCK; i++)
            y[i] = (float)wide[i];
        return;
    }
    qqi_block_codes(&m->encoder, y, NULL, code);
    qqi_block_values(&m->decoder, code, y);
}

// The squared error of the tile with a scale; no less than limit where it is
// more than that.
QQI_NOINLINE double qqi_mse_of_scale(const struct qqi_mse *m, float scale,
                                     double limit)
{
    struct qqi_reader r;
    float v[QQI_BLOCK];
    float y[QQI_BLOCK];
    double sum = 0.0;
    size_t n = 0;

    qqi_reader_begin(&r, m->x, m->tiling, m->tile);
    while (sum < limit && (n = qqi_reader_next(&r, v)) > 0) {
        for (size_t i = n; i < QQI_BLOCK; i++)
            v[i] = 0.0f;
        for (int i = 0; i < QQI_BLOCK; i++)
            y[i] = v[i] / scale;
        qqi_mse_codes(m, y);
        for (size_t i = 0; i < n; i++) {
            const float back = qqi_mul_f32(y[i], scale);
            const double d = (double)v[i] - (double)back;
            sum += qqi_is_finite_f32(v[i]) ? qqi_mul_f64(d, d) : 0.0;
        }
    }
    return sum;
}

QQI_FN float qqi_bound_mse(const struct qqi_mse *m, float absmax, int n)
{
    float best = absmax;
    float last = 0.0f;
    double least = 1.7976931348623157e308;

    for (int i = n - 1; i >= 0 && absmax > 0.0f; i--) {
        const double part = n > 1 ? 4.0 * (double)i / (double)(n - 1) : 4.0;
        const float bound =
            qqi_f32_from_f64((double)absmax * (1.0 + part) / 5.0);
        const float scale = qqi_scale_of_bound(&m->scaler, bound);
        if (i < n - 1 && scale >= last)
            continue; // the same scale as before
        const double error = qqi_mse_of_scale(m, scale, least);
        if (error < least) {
            least = error;
            best = bound;
        }
        last = scale;
    }
    return best;
}

// ==== array/qquant_bounds.h ====

// qquant floor 5: the bounds of every tile: rule qquant.

// What is known of a scheme and a tensor before the first number is read.
struct qqi_plan {
    const qq_scheme *s;
    const qq_tensor *x;
    struct qqi_tiling tiling;
    struct qqi_scaler scaler;
    struct qqi_encoder encoder;
    int asymmetric;
};

// The integers that codes are cut to: symmetric about 0, unless the range is
// full or there is a zero point.
QQI_FN void qqi_plan_encoder(struct qqi_encoder *e, const qq_scheme *s,
                             int asymmetric, const qqi_book *book)
{
    const qq_type storage = qqi_type_storage(s->type);
    const qqi_type_row *row = qqi_type_find(storage);
    const qqi_minifloat *m = qqi_type_minifloat(storage);

    e->type = storage;
    e->kind = row->info.kind;
    e->bits = row->info.bits;
    e->lo = row->info.min;
    e->hi = row->info.max;
    if (e->lo < -e->hi && !asymmetric && s->range != QQ_RANGE_FULL)
        e->lo = -e->hi;
    e->nan_is_zero = m == NULL || (!m->signed_nan && !m->fnuz);
    e->far = 0;
    e->book = book;
}

// book: room for the book of a scheme that has one.
QQI_FN void qqi_plan_make(struct qqi_plan *p, const qq_scheme *s,
                          const qq_tensor *x, const size_t *tile,
                          qqi_book *book)
{
    p->s = s;
    p->x = x;
    p->asymmetric = qqi_calib_is_asymmetric(&s->calibration);
    qqi_tiling_make(&p->tiling, x->rank, x->shape, tile);
    qqi_scaler_make(&p->scaler, s);
    if (s->type == QQ_TYPE_BOOK)
        qqi_book_make(book, s->levels, s->level_count);
    qqi_plan_encoder(&p->encoder, s, p->asymmetric, book);
}

// The bound of a tile whose calibration looks at it more than once; absmax is
// known.
QQI_NOINLINE float qqi_plan_search(const struct qqi_plan *p, size_t tile,
                                   float absmax)
{
    const qq_calibration *c = &p->s->calibration;
    struct qqi_mse m;

    if (c->method == QQ_CALIB_PERCENTILE)
        return qqi_bound_percentile(p->x, &p->tiling, tile, c->args[0]);
    if (c->method == QQ_CALIB_ABSMEAN)
        return qqi_bound_power(p->x, &p->tiling, tile, absmax, c);
    m.scaler = p->scaler;
    m.scaler.scale2 = 1.0f;
    if (p->s->two_level)
        m.scaler.type = QQ_TYPE_F32;
    m.encoder = p->encoder;
    qqi_decoder_make(&m.decoder, p->s->type, p->s->levels, p->s->level_count);
    m.x = p->x;
    m.tiling = &p->tiling;
    m.tile = tile;
    return qqi_bound_mse(&m, absmax, c->arg_count > 0 ? (int)c->args[0] : 64);
}

// The bounds of tile, tile + 1, ..., at most QQI_LANES_MOST of them; returns
// how many.
QQI_NOINLINE size_t qqi_plan_bounds(const struct qqi_plan *p, size_t tile,
                                    struct qqi_bound *out)
{
    const qq_calibration *c = &p->s->calibration;
    const int power = c->method == QQ_CALIB_ABSMEAN && qqi_calib_power(c) > 2;
    const int search =
        power || c->method == QQ_CALIB_MSE || c->method == QQ_CALIB_PERCENTILE;
    struct qqi_stat stat[QQI_LANES_MOST];

    if (c->method == QQ_CALIB_FIXED) {
        *out = qqi_bound_fixed(c);
        return 1;
    }
    QQ_MEMSET(stat, 0, sizeof stat);
    const unsigned want = search ? QQI_STAT_EXTREMES : qqi_calib_wants(c);
    const size_t n = qqi_stat_patch(&p->tiling, p->x, tile, want, stat);
    for (size_t i = 0; i < n; i++) {
        out[i] = qqi_bound_of_stat(c, &stat[i]);
        if (search) {
            const float top =
                stat[i].max > -stat[i].min ? stat[i].max : -stat[i].min;
            out[i].max = qqi_plan_search(p, tile + i, top);
        }
    }
    return n;
}

// The largest bound of all tiles.
QQI_NOINLINE float qqi_plan_largest(const struct qqi_plan *p)
{
    struct qqi_bound b[QQI_LANES_MOST];
    float largest = 0.0f;

    for (size_t tile = 0; tile < p->tiling.tiles;) {
        const size_t n = qqi_plan_bounds(p, tile, b);
        for (size_t i = 0; i < n; i++)
            largest = b[i].max > largest ? b[i].max : largest;
        tile += n;
    }
    return largest;
}

// ==== array/qquant_check.h ====

// qquant floor 5: what is wrong with a scheme of rule qquant.

// Factors are finite and above 0, and numbers that a method does not take are
// a mistake, but those of absmax and minmax that Qwix ignores, too.
QQI_FN int qqi_qquant_calibration_ok(const qq_calibration *c)
{
    const unsigned n = c->arg_count;
    const double f = qqi_calib_factor(c);

    if (n > 2)
        return 0;
    switch ((int)c->method) {
    case QQ_CALIB_ABSMAX:
    case QQ_CALIB_MINMAX:
        return qqi_is_factor(f);
    case QQ_CALIB_RMS:
        return n == 1 && qqi_is_factor(f);
    case QQ_CALIB_FIXED:
        return n >= 1 && qqi_calib_fixed_ok(c) &&
               qqi_is_finite_f64(c->args[0]) &&
               (n == 1 || qqi_is_finite_f64(c->args[1]));
    case QQ_CALIB_MSE:
        return n == 0 || (n == 1 && qqi_is_count(f, 65536.0));
    case QQ_CALIB_PERCENTILE:
        return n == 1 && f > 0.0 && f <= 100.0;
    case QQ_CALIB_ABSMEAN:
        return n >= 1 && qqi_is_factor(f) &&
               (n == 1 || qqi_is_count(c->args[1], 64.0));
    default:
        return 0;
    }
}

// Formats have their own type of scale; two levels are of e4m3fn, without
// zero points.
QQI_FN int qqi_qquant_scale_ok(const qq_scheme *s)
{
    const qq_type type = qqi_qquant_scale_type(s);
    qq_scheme plain = *s;

    plain.scale_type = QQ_TYPE_NONE;
    plain.two_level = 0;
    if (s->two_level &&
        (type != QQ_TYPE_E4M3FN || qqi_calib_is_asymmetric(&s->calibration)))
        return 0;
    if (qqi_type_info(s->type).tile != 0)
        return type == qqi_qquant_scale_type(&plain);
    return qqi_is_input_type(type) || type == QQ_TYPE_E8M0 ||
           type == QQ_TYPE_E4M3FN;
}

// A book's levels are finite and not all 0.
QQI_FN int qqi_qquant_book_ok(const qq_scheme *s)
{
    return s->type != QQ_TYPE_BOOK ||
           (qqi_book_check(s->levels, s->level_count) &&
            qqi_book_largest(s->levels, s->level_count) > 0.0f);
}

QQI_FN uint32_t qqi_qquant_check(const qq_scheme *s, const qq_tensor *x)
{
    const qq_type_info info = qqi_type_info(s->type);
    uint32_t bad = qqi_check_noise(s, x) | qqi_check_no_numerics(s);

    if (!info.weight)
        return bad | QQ_BAD_TYPE;
    bad |= qqi_check_format(s, x);
    if (!qqi_qquant_calibration_ok(&s->calibration))
        bad |= QQ_BAD_CALIBRATION;
    else if (qqi_calib_is_asymmetric(&s->calibration) && !info.affine)
        bad |= QQ_BAD_AFFINE;
    if (!qqi_qquant_scale_ok(s))
        bad |= QQ_BAD_SCALE_TYPE;
    if (!qqi_qquant_book_ok(s))
        bad |= QQ_BAD_BOOK;
    if (s->noise != QQ_NOISE_NONE &&
        (info.kind != QQ_KIND_INTEGER || s->type == QQ_TYPE_SIGN))
        bad |= QQ_BAD_NOISE;
    return bad;
}

// ==== array/qquant.h ====

// qquant floor 5: rule qquant: an array of a tensor.
//
// Everything is made in f32, whatever the type of x. Calibration, scales and
// codes are the formulas of calibrate.h, scale.h and pass.h.

QQI_FN void qqi_qquant_layout(struct qqi_layout *l, const qq_tensor *x,
                              const qq_scheme *s)
{
    qqi_layout_make(l, s, x, qqi_qquant_scale_type(s),
                    qqi_calib_is_asymmetric(&s->calibration));
}

QQI_FN size_t qqi_qquant_size(const qq_tensor *x, const qq_scheme *s)
{
    struct qqi_layout l;

    qqi_qquant_layout(&l, x, s);
    return l.bytes;
}

// --- scales ----------------------------------------------------------------

// Scales and zero points number first ... first + n - 1 of n bounds.
QQI_FN void qqi_put_scales(const struct qqi_scaler *k, int asymmetric,
                           const struct qqi_bound *b, size_t first, size_t n,
                           void *scales, void *zeros)
{
    for (size_t i = 0; i < n; i++) {
        const float scale = asymmetric ? qqi_scale_of_range(k, b[i])
                                       : qqi_scale_of_bound(k, b[i].max);
        qqi_store_floats(k->type, scales, first + i, 1, &scale);
        if (asymmetric) {
            const int32_t z = qqi_zero_of_range(k, scale * k->scale2, b[i].min);
            qqi_store_code(k->codes, zeros, first + i, (uint32_t)z);
        }
    }
}

// The scales of all tiles.
QQI_NOINLINE void qqi_plan_scales(struct qqi_plan *p, void *scales, void *zeros)
{
    struct qqi_bound b[QQI_LANES_MOST];

    if (p->s->two_level)
        p->scaler.scale2 = qqi_scaler_second(&p->scaler, qqi_plan_largest(p));
    for (size_t tile = 0; tile < p->tiling.tiles;) {
        const size_t n = qqi_plan_bounds(p, tile, b);
        qqi_put_scales(&p->scaler, p->asymmetric, b, tile, n, scales, zeros);
        tile += n;
    }
}

// --- codes -----------------------------------------------------------------

// The codes of x with the scales of the view.
QQI_NOINLINE void qqi_qquant_codes(const struct qqi_encoder *e,
                                   const qq_scheme *s, const qq_tensor *x,
                                   const qq_array *view, void *codes)
{
    struct qqi_stream scale;
    struct qqi_pass pass;
    const int zero = view->zero_point.type != QQ_TYPE_NONE;

    qqi_stream_begin(&scale, x->rank, x->shape, view->tile, &view->scale,
                     zero ? &view->zero_point : NULL);
    pass.encoder = *e;
    pass.step = QQ_TYPE_F32;
    pass.scale2 = view->scale2;
    pass.offset_is_float = 0;
    pass.reciprocal = qqi_quotient_by_reciprocal(
        s, QQ_TYPE_F32, scale.tiling.numbers, scale.tiling.tiles);
    if (s->noise == QQ_NOISE_NONE)
        qqi_pass_run(&pass, x, &scale, NULL, codes);
    else
        qqi_pass_noisy(&pass, s, x, &scale, codes);
}

QQI_FN qq_status qqi_qquant_quantize(const qq_tensor *x, const qq_scheme *s,
                                     void *out, qq_array *view)
{
    struct qqi_layout l;
    struct qqi_plan p;
    qqi_book book;

    qqi_qquant_layout(&l, x, s);
    qqi_plan_make(&p, s, x, l.tile, &book);
    qqi_layout_view(&l, s, out, view);
    if (l.zero_bytes > 0)
        QQ_MEMSET(qqi_layout_zero(&l, out), 0, l.zero_bytes);
    qqi_plan_scales(&p, out, qqi_layout_zero(&l, out));
    view->scale2 = p.scaler.scale2;
    qqi_qquant_codes(&p.encoder, s, x, view, qqi_layout_codes(&l, out));
    return QQ_OK;
}

// ==== array/qquant_rule.h ====

// qquant floor 5: rule qquant, step by step, and its row of functions.

QQI_FN size_t qqi_qquant_bounds_size(const qq_tensor *x, const qq_scheme *s)
{
    return qqi_bounds_bytes(x, s, QQ_TYPE_F32);
}

// low and high are one where only a magnitude is kept.
QQI_NOINLINE void qqi_plan_store_bounds(const struct qqi_plan *p, uint8_t *low,
                                        uint8_t *high)
{
    struct qqi_bound b[QQI_LANES_MOST];

    for (size_t tile = 0; tile < p->tiling.tiles;) {
        const size_t n = qqi_plan_bounds(p, tile, b);
        for (size_t i = 0; i < n; i++) {
            qqi_store_f32(low + 4 * (tile + i), b[i].min);
            qqi_store_f32(high + 4 * (tile + i), b[i].max);
        }
        tile += n;
    }
}

QQI_FN qq_status qqi_qquant_calibrate(const qq_tensor *x, const qq_scheme *s,
                                      void *out, qq_bounds *view)
{
    struct qqi_layout l;
    struct qqi_plan p;
    qqi_book book;

    qqi_layout_make(&l, s, x, QQ_TYPE_F32, 0);
    qqi_plan_make(&p, s, x, l.tile, &book);
    qqi_bounds_view(&l.scale, p.asymmetric, out, view);
    qqi_plan_store_bounds(
        &p, (uint8_t *)out,
        (uint8_t *)qqi_bounds_high(&l.scale, p.asymmetric, out));
    return QQ_OK;
}

// --- scales ----------------------------------------------------------------

QQI_FN size_t qqi_qquant_scale_size(const qq_bounds *b, const qq_scheme *s)
{
    struct qqi_layout l;

    return qqi_scale_layout(&l, b, s, qqi_qquant_scale_type(s));
}

QQI_FN float qqi_bounds_largest(const qq_bounds *b)
{
    const size_t n = qq_tensor_count(&b->absmax);
    float largest = 0.0f;

    for (size_t i = 0; i < n; i++) {
        const float bound = qqi_bounds_at(b, i).max;
        largest = bound > largest ? bound : largest;
    }
    return largest;
}

QQI_FN qq_status qqi_qquant_scale(const qq_bounds *b, const qq_scheme *s,
                                  void *out, qq_tensor *scale,
                                  qq_tensor *zero_point, float *scale2)
{
    const int asymmetric = b->absmax.type == QQ_TYPE_NONE;
    const size_t n = qq_tensor_count(qqi_bounds_top(b));
    struct qqi_layout l;
    struct qqi_scaler k;

    if (asymmetric && (s->two_level || !qqi_type_info(s->type).affine))
        return QQ_ERR_SCHEME;
    if (s->two_level && scale2 == NULL)
        return QQ_ERR_ARGUMENT;
    (void)qqi_scale_layout(&l, b, s, qqi_qquant_scale_type(s));
    qqi_scale_view(&l, out, scale, zero_point);
    qqi_scaler_make(&k, s);
    if (s->two_level)
        k.scale2 = qqi_scaler_second(&k, qqi_bounds_largest(b));
    void *zeros = qqi_scale_zeros(&l, out);
    for (size_t i = 0; i < n; i++) {
        const struct qqi_bound bound = qqi_bounds_at(b, i);
        qqi_put_scales(&k, asymmetric, &bound, i, 1, out, zeros);
    }
    if (scale2 != NULL)
        *scale2 = k.scale2;
    return QQ_OK;
}

// --- given scales ----------------------------------------------------------

QQI_FN size_t qqi_qquant_given_size(const qq_tensor *x, const qq_scheme *s,
                                    const qq_tensor *scale,
                                    const qq_tensor *zero_point)
{
    struct qqi_layout l;

    qqi_layout_given(&l, s, x, scale, scale->type, zero_point);
    return l.bytes;
}

QQI_FN qq_status qqi_qquant_given(const qq_tensor *x, const qq_scheme *s,
                                  const qq_tensor *scale,
                                  const qq_tensor *zero_point, void *out,
                                  qq_array *view)
{
    struct qqi_layout l;
    struct qqi_encoder e;
    qqi_book book;

    qqi_layout_given(&l, s, x, scale, scale->type, zero_point);
    qqi_layout_view(&l, s, out, view);
    if (l.scale_bytes > 0)
        QQ_MEMCPY(out, scale->data, l.scale_bytes);
    if (l.zero_bytes > 0)
        QQ_MEMCPY(qqi_layout_zero(&l, out), zero_point->data, l.zero_bytes);
    QQ_MEMSET(&book, 0, sizeof book); // a scheme without levels reads none
    if (s->type == QQ_TYPE_BOOK)
        qqi_book_make(&book, s->levels, s->level_count);
    qqi_plan_encoder(&e, s, zero_point != NULL, &book);
    qqi_qquant_codes(&e, s, x, view, qqi_layout_codes(&l, out));
    return QQ_OK;
}

QQI_FN qq_type qqi_qquant_code_type(const qq_tensor *x, const qq_scheme *s)
{
    (void)x;
    return qqi_type_storage(s->type);
}

QQI_FN qq_status qqi_qquant_encode(const qq_tensor *x, const qq_scheme *s,
                                   void *out)
{
    struct qqi_encoder e;
    qqi_book book;

    if (s->type == QQ_TYPE_BOOK)
        qqi_book_make(&book, s->levels, s->level_count);
    qqi_plan_encoder(&e, s, qqi_calib_is_asymmetric(&s->calibration), &book);
    qqi_pass_scaled(&e, QQ_TYPE_F32, s, x, out);
    return QQ_OK;
}

QQI_FN qq_status qqi_qquant_dequantize(const qq_array *a, qq_type type,
                                       void *out)
{
    const qq_status status = qq_array_check(a);

    if (status == QQ_OK)
        qqi_back_array(a, QQ_TYPE_F32, 1, type, out);
    return status;
}

static const struct qqi_rule qqi_rule_qquant QQI_UNUSED = {
    qqi_qquant_check,       qqi_qquant_size,       qqi_qquant_quantize,
    qqi_qquant_bounds_size, qqi_qquant_calibrate,  qqi_qquant_scale_size,
    qqi_qquant_scale,       qqi_qquant_given_size, qqi_qquant_given,
    qqi_qquant_code_type,   qqi_qquant_encode,     qqi_qquant_dequantize};

// ==== array/qwix_calibrate.h ====

// qquant floor 5: from the numbers of a tile to its bound: rule Qwix.
//
// Every step is rounded to the type of x; NaN goes through. Of rms the squares
// are rounded to that type, summed in f64 and rounded to f32 (the order of
// Qwix's own f32 sum is not known), multiplied there by 1 / n, and rounded to
// the type again.

// What is gathered of a tile.
struct qqi_qwix_stat {
    float absmax;
    float min; // of the numbers and 0
    float max;
    double squares;
};

// x if it is larger than most, or NaN; a zero does not replace one.
QQI_INLINE float qqi_max_nan(float most, float x)
{
    if (qqi_is_nan_f32(most) || qqi_is_nan_f32(x))
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    return x > most ? x : most;
}

QQI_INLINE float qqi_min_nan(float least, float x)
{
    if (qqi_is_nan_f32(least) || qqi_is_nan_f32(x))
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    return x < least ? x : least;
}

QQI_FN void qqi_qwix_add(struct qqi_qwix_stat *t, qq_type type, float x)
{
    const float square = qqi_type_mul(type, x, x);

    t->absmax = qqi_max_nan(t->absmax, qqi_abs_f32(x));
    t->max = qqi_max_nan(t->max, x);
    t->min = qqi_min_nan(t->min, x);
    t->squares += qqi_f64_from_f32(square);
}

// The tile, or neighbours of it, as qqi_stat_patch; returns how many.
QQI_NOINLINE size_t qqi_qwix_patch(const struct qqi_tiling *tiling,
                                   const qq_tensor *x, size_t tile,
                                   struct qqi_qwix_stat *t)
{
    struct qqi_patch p;
    float v[QQI_BLOCK];

    qqi_patch_begin(&p, tiling, tile, QQI_LANES_MOST);
    const size_t step = tiling->tile[tiling->rank - 1] == 1;
    while (p.runs > 0) {
        const size_t first = qqi_patch_next(&p);
        for (size_t i = 0; i < p.run; i += QQI_BLOCK) {
            const size_t n = qqi_block_size(p.run - i);
            qqi_load_floats(x->type, x->data, first + i, n, v);
            for (size_t j = 0; j < n; j++)
                qqi_qwix_add(&t[j * step], x->type, v[j]);
        }
    }
    return p.lanes;
}

// f * sqrt(mean).
QQI_FN float qqi_qwix_rms(qq_type type, double squares, size_t n, float f)
{
    const float sum = qqi_f32_from_f64(squares);
    const float mean = qqi_mul_f32(sum, 1.0f / (float)n);
    const float root = qqi_sqrt_f32(qqi_to_type(type, mean));

    return qqi_type_mul(type, f, qqi_to_type(type, root));
}

// n: the numbers of the tile.
QQI_FN struct qqi_bound qqi_qwix_bound(const qq_calibration *c, qq_type type,
                                       const struct qqi_qwix_stat *t, size_t n)
{
    const float f = qqi_constant(type, qqi_calib_factor(c));
    struct qqi_bound b = {0.0f, 0.0f};

    if (c->method == QQ_CALIB_RMS) {
        b.max = qqi_qwix_rms(type, t->squares, n, f);
        return b;
    }
    b.max = t->absmax;
    if (c->method == QQ_CALIB_MINMAX) {
        b.min = t->min;
        b.max = t->max;
    }
    if (c->arg_count > 0) {
        b.min = qqi_type_mul(type, b.min, f);
        b.max = qqi_type_mul(type, b.max, f);
    }
    return b;
}

QQI_FN struct qqi_bound qqi_qwix_fixed(const qq_calibration *c, qq_type type)
{
    struct qqi_bound b = {0.0f, 0.0f};

    b.max = qqi_constant(type, c->args[c->arg_count == 2 ? 1 : 0]);
    if (qqi_calib_is_asymmetric(c))
        b.min = qqi_constant(type, c->args[0]);
    return b;
}

// The bounds of tile, tile + 1, ...; returns how many.
QQI_NOINLINE size_t qqi_qwix_bounds(const qq_calibration *c,
                                    const struct qqi_tiling *tiling,
                                    const qq_tensor *x, size_t tile,
                                    struct qqi_bound *out)
{
    struct qqi_qwix_stat t[QQI_LANES_MOST];

    if (c->method == QQ_CALIB_FIXED) {
        *out = qqi_qwix_fixed(c, x->type);
        return 1;
    }
    QQ_MEMSET(t, 0, sizeof t);
    const size_t n = qqi_qwix_patch(tiling, x, tile, t);
    for (size_t i = 0; i < n; i++)
        out[i] =
            qqi_qwix_bound(c, x->type, &t[i], tiling->numbers / tiling->tiles);
    return n;
}

// ==== array/qwix_check.h ====

// qquant floor 5: what is wrong with a scheme of rule Qwix.

// int16 and mxfp8_16 came after the release.
QQI_FN int qqi_qwix_type_ok(qq_rule rule, qq_type type)
{
    const int release = rule == QQ_RULE_QWIX_RELEASE;

    if (type >= QQ_TYPE_INT2 && type <= QQ_TYPE_UINT8)
        return !(release && type == QQ_TYPE_INT16);
    if (type >= QQ_TYPE_E4M3FN && type <= QQ_TYPE_E3M4)
        return 1;
    return type == QQ_TYPE_E2M1 || type == QQ_TYPE_NF4 ||
           type == QQ_TYPE_MXFP8 || type == QQ_TYPE_MXFP4 ||
           type == QQ_TYPE_NVFP4 || (type == QQ_TYPE_MXFP8_16 && !release);
}

QQI_FN int qqi_qwix_affine(qq_type type)
{
    return type == QQ_TYPE_INT4 || type == QQ_TYPE_INT8 ||
           type == QQ_TYPE_INT16;
}

QQI_FN int qqi_qwix_calibration_ok(const qq_calibration *c)
{
    switch ((int)c->method) {
    case QQ_CALIB_ABSMAX:
    case QQ_CALIB_MINMAX:
        return c->arg_count <= 2;
    case QQ_CALIB_RMS:
        return c->arg_count == 1 || c->arg_count == 2;
    case QQ_CALIB_FIXED:
        return (c->arg_count == 1 || c->arg_count == 2) &&
               qqi_calib_fixed_ok(c);
    default:
        return 0;
    }
}

// A maximum of nothing does not exist: every scale needs a number.
QQI_FN int qqi_qwix_shape_ok(const qq_scheme *s, const qq_tensor *x)
{
    size_t tile[QQ_MAX_RANK];
    size_t count[QQ_MAX_RANK];

    if (x == NULL || qqi_scheme_is_fixed(s) || qq_tensor_count(x) != 0 ||
        qqi_check_axes(s, x->rank, x->shape) != 0)
        return 1;
    qqi_scheme_tiles(s, x->rank, x->shape, tile, count);
    return qqi_shape_count(x->rank, count) == 0;
}

QQI_FN uint32_t qqi_qwix_check(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = qqi_check_noise(s, x) | qqi_check_no_numerics(s);

    if (!qqi_qwix_type_ok(s->rule, s->type))
        return bad | QQ_BAD_TYPE;
    bad |= qqi_check_format(s, x);
    if (!qqi_qwix_shape_ok(s, x))
        bad |= QQ_BAD_TILE;
    if (!qqi_qwix_calibration_ok(&s->calibration))
        bad |= QQ_BAD_CALIBRATION;
    else if (qqi_calib_is_asymmetric(&s->calibration) &&
             !qqi_qwix_affine(s->type))
        bad |= QQ_BAD_AFFINE;
    if ((s->scale_type != QQ_TYPE_NONE && !qqi_is_input_type(s->scale_type)) ||
        s->two_level)
        bad |= QQ_BAD_SCALE_TYPE;
    if (s->noise == QQ_NOISE_AQT || s->noise == QQ_NOISE_AQT_CUSTOM)
        bad |= QQ_BAD_NOISE;
    return bad;
}

// ==== array/qwix_scale.h ====

// qquant floor 5: from a bound to a scale and a zero point: rule Qwix.
//
// Every step is rounded to the type of the bound, D, constants too:
//
//   scale = absmax / B, or (max - min) / (qmax - qmin)
//   scale = 1 where it is below the root of D's smallest normal number: 2^-63,
//           for f16 2^-7
//   zero  = qmin - min / scale, encoded
//
// then for mxfp4 and mxfp8 a power of two: that of the exponent of scale * c,
// rounded to bf16, c = 12/7 and 60/31 (which adds half a step to the largest
// code); in the release 2^ceil(log2 scale). For nvfp4 the nearest e4m3fn.

struct qqi_qwix_scaler {
    qq_type step; // D
    qq_type type; // of the codes, with formats
    qq_type_info info;
    int reciprocal;
    int release;
};

QQI_FN void qqi_qwix_scaler_make(struct qqi_qwix_scaler *k, const qq_scheme *s,
                                 qq_type step, size_t scales)
{
    k->step = step;
    k->type = s->type;
    k->info = qqi_type_info(s->type);
    k->reciprocal = qqi_scale_by_reciprocal(s, step, scales);
    k->release = s->rule == QQ_RULE_QWIX_RELEASE;
}

// 1 for what is too small, and for what is below 0; NaN stays.
QQI_FN float qqi_qwix_guard(qq_type step, float scale)
{
    const float least =
        step == QQ_TYPE_F16 ? 0.0078125f : 1.0842021724855044e-19f;

    return scale < least ? 1.0f : scale;
}

// 2^floor(log2 x), of NaN and infinity infinity: the exponent's bits.
QQI_FN float qqi_qwix_power(const struct qqi_qwix_scaler *k, float scale)
{
    const double c = k->type == QQ_TYPE_MXFP4 ? 12.0 / 7.0 : 60.0 / 31.0;
    const float v = qqi_type_mul(k->step, scale, qqi_constant(k->step, c));
    const float w = qqi_to_type(QQ_TYPE_BF16, v);

    return qqi_to_type(k->step, qqi_f32_of(qqi_f32_bits(w) & 0x7f800000u));
}

// 2^ceil(log2 scale); the scale has passed the guard.
QQI_FN float qqi_qwix_power_up(const struct qqi_qwix_scaler *k, float scale)
{
    const float log = qqi_to_type(k->step, qqi_log2_f32(scale));
    const float up = -qqi_floor_f32(-log);

    if (!qqi_is_finite_f32(log))
        return log;
    return qqi_to_type(k->step, qqi_exp2_f32(up));
}

// What becomes of a scale of a format.
QQI_FN float qqi_qwix_format(const struct qqi_qwix_scaler *k, float scale)
{
    if (k->type == QQ_TYPE_NVFP4) {
        const uint8_t code = qqi_minifloat_from_f32(&qqi_e4m3fn, scale, 1);
        return qqi_f32_from_minifloat(&qqi_e4m3fn, code);
    }
    if (k->type != QQ_TYPE_MXFP4 && k->type != QQ_TYPE_MXFP8 &&
        k->type != QQ_TYPE_MXFP8_16)
        return scale;
    return k->release ? qqi_qwix_power_up(k, scale) : qqi_qwix_power(k, scale);
}

QQI_FN float qqi_qwix_symmetric(const struct qqi_qwix_scaler *k, float absmax)
{
    const float bound = qqi_constant(k->step, (double)qqi_type_bound(k->type));
    const float scale = qqi_type_div(k->step, absmax, bound, k->reciprocal);

    return qqi_canon_f32(qqi_qwix_format(k, qqi_qwix_guard(k->step, scale)));
}

QQI_FN float qqi_qwix_asymmetric(const struct qqi_qwix_scaler *k,
                                 struct qqi_bound b)
{
    const double codes = (double)k->info.max - (double)k->info.min;
    const float range = qqi_type_add(k->step, b.max, -b.min);
    const float scale = qqi_type_div(
        k->step, range, qqi_constant(k->step, codes), k->reciprocal);

    return qqi_canon_f32(qqi_qwix_guard(k->step, scale));
}

QQI_FN int32_t qqi_qwix_zero(const struct qqi_qwix_scaler *k, float min,
                             float scale)
{
    const float low = qqi_constant(k->step, (double)k->info.min);
    const float quotient = qqi_type_div(k->step, min, scale, 0);

    return qqi_sat_i32(qqi_type_add(k->step, low, -quotient), k->info.min,
                       k->info.max);
}

// ==== array/qwix.h ====

// qquant floor 5: rule Qwix: an array of a tensor.
//
// Codes are made with scales in the type of x; only then are the scales
// rounded to the type in which they are stored.

QQI_FN qq_type qqi_qwix_scale_type(const qq_tensor *x, const qq_scheme *s)
{
    return s->scale_type != QQ_TYPE_NONE ? s->scale_type : x->type;
}

QQI_FN void qqi_qwix_layout(struct qqi_layout *l, const qq_tensor *x,
                            const qq_scheme *s)
{
    qqi_layout_make(l, s, x, qqi_qwix_scale_type(x, s),
                    qqi_calib_is_asymmetric(&s->calibration));
}

QQI_FN size_t qqi_qwix_size(const qq_tensor *x, const qq_scheme *s)
{
    struct qqi_layout l;

    qqi_qwix_layout(&l, x, s);
    return l.bytes;
}

// Integers have their whole range; NaN stays where the type has one.
QQI_FN void qqi_qwix_encoder(struct qqi_encoder *e, const qq_scheme *s)
{
    const qqi_type_row *row = qqi_type_find(qqi_type_storage(s->type));

    e->type = row->type;
    e->kind = row->info.kind;
    e->bits = row->info.bits;
    e->lo = row->info.min;
    e->hi = row->info.max;
    e->nan_is_zero = 0;
    e->far = 1;
    e->book = NULL;
}

QQI_FN void qqi_qwix_pass(struct qqi_pass *p, const qq_scheme *s, qq_type step,
                          size_t numbers, size_t scales)
{
    qqi_qwix_encoder(&p->encoder, s);
    p->step = step;
    p->scale2 = 1.0f;
    p->offset_is_float = 1;
    p->reciprocal = qqi_quotient_by_reciprocal(s, step, numbers, scales);
}

// Noise is added to codes of plain integers only; other types ignore it.
QQI_FN int qqi_qwix_has_noise(const qq_scheme *s)
{
    const int plain = s->type == QQ_TYPE_INT4 || s->type == QQ_TYPE_INT8 ||
                      s->type == QQ_TYPE_INT16 ||
                      (s->type >= QQ_TYPE_UINT2 && s->type <= QQ_TYPE_UINT8);

    return plain && s->noise != QQ_NOISE_NONE;
}

// --- scales ----------------------------------------------------------------

// The scales of tile, tile + 1, ..., in the type of x, and their zero points;
// returns how many.
QQI_NOINLINE size_t qqi_qwix_scales(const struct qqi_qwix_scaler *k,
                                    const qq_scheme *s,
                                    const struct qqi_tiling *tiling,
                                    const qq_tensor *x, size_t tile,
                                    float *scale, int16_t *zero)
{
    const int asymmetric = qqi_calib_is_asymmetric(&s->calibration);
    struct qqi_bound b[QQI_LANES_MOST];
    const size_t n = qqi_qwix_bounds(&s->calibration, tiling, x, tile, b);

    for (size_t i = 0; i < n; i++) {
        zero[i] = 0;
        if (asymmetric) {
            scale[i] = qqi_qwix_asymmetric(k, b[i]);
            zero[i] = (int16_t)qqi_qwix_zero(k, b[i].min, scale[i]);
        } else {
            scale[i] = qqi_qwix_symmetric(k, b[i].max);
        }
    }
    return n;
}

QQI_FN void qqi_qwix_store(const qq_array *view, size_t tile, size_t n,
                           const float *scale, const int16_t *zero,
                           void *scales, void *zeros)
{
    qqi_store_floats(view->scale.type, scales, tile, n, scale);
    if (view->zero_point.type == QQ_TYPE_NONE)
        return;
    for (size_t i = 0; i < n; i++)
        qqi_store_code(view->zero_point.type, zeros, tile + i,
                       (uint32_t)(int32_t)zero[i]);
}

// All scales of the view.
QQI_NOINLINE void qqi_qwix_all_scales(const struct qqi_qwix_scaler *k,
                                      const qq_scheme *s,
                                      const struct qqi_tiling *tiling,
                                      const qq_tensor *x, const qq_array *view,
                                      void *scales, void *zeros)
{
    float scale[QQI_LANES_MOST];
    int16_t zero[QQI_LANES_MOST];
    const size_t tiles = qq_tensor_count(&view->scale);

    for (size_t tile = 0; tile < tiles;) {
        const size_t n = qqi_qwix_scales(k, s, tiling, x, tile, scale, zero);
        qqi_qwix_store(view, tile, n, scale, zero, scales, zeros);
        tile += n;
    }
}

// The codes of x with the scales of the view.
QQI_NOINLINE void qqi_qwix_codes(const qq_scheme *s, const qq_tensor *x,
                                 const qq_array *view, void *codes)
{
    struct qqi_stream scale;
    struct qqi_pass pass;
    const int zero = view->zero_point.type != QQ_TYPE_NONE;

    qqi_stream_begin(&scale, x->rank, x->shape, view->tile, &view->scale,
                     zero ? &view->zero_point : NULL);
    qqi_qwix_pass(&pass, s, x->type, scale.tiling.numbers, scale.tiling.tiles);
    if (qqi_qwix_has_noise(s))
        qqi_pass_noisy(&pass, s, x, &scale, codes);
    else
        qqi_pass_run(&pass, x, &scale, NULL, codes);
}

// ==== array/qwix_tiles.h ====

// qquant floor 5: rule Qwix, tile by tile.
//
// Where scales are stored in a type that cannot hold those that codes were
// made with, they are not to be had a second time: each tile is calibrated,
// scaled and coded before the next.

// What is the same for all tiles.
struct qqi_qwix_job {
    const qq_scheme *s;
    const qq_tensor *x;
    const qq_array *view;
    const struct qqi_qwix_scaler *scaler;
    struct qqi_tiling tiling;
    struct qqi_pass pass;
    struct qqi_stream *noise; // NULL: none
    void *scales;
    void *zeros;
    void *codes;
};

// The codes of n numbers from place on, whose scales lie each apart.
QQI_NOINLINE void qqi_qwix_run(const struct qqi_qwix_job *j, const float *scale,
                               const int16_t *zero, size_t each, size_t place,
                               size_t n)
{
    const int affine = j->view->zero_point.type != QQ_TYPE_NONE;
    float v[QQI_BLOCK];
    float s[QQI_BLOCK];
    int16_t z[QQI_BLOCK];

    qqi_block_fill_up(n, v, s, z);
    qqi_load_floats(j->x->type, j->x->data, place, n, v);
    for (size_t i = 0; i < n; i++) {
        s[i] = scale[i * each];
        z[i] = zero[i * each];
    }
    if (j->noise != NULL)
        qqi_cursor_seek(&j->noise->cursor, place);
    qqi_block_scale(&j->pass, v, s, affine ? z : NULL, j->noise, n);
    qqi_encode_apart(&j->pass.encoder, v, j->codes, place, n);
}

// A patch of tiles; returns how many.
QQI_NOINLINE size_t qqi_qwix_tile(const struct qqi_qwix_job *j, size_t tile)
{
    const struct qqi_tiling *t = &j->tiling;
    const size_t each = t->tile[t->rank - 1] == 1;
    float scale[QQI_LANES_MOST];
    int16_t zero[QQI_LANES_MOST];
    struct qqi_patch p;

    const size_t lanes =
        qqi_qwix_scales(j->scaler, j->s, t, j->x, tile, scale, zero);
    qqi_qwix_store(j->view, tile, lanes, scale, zero, j->scales, j->zeros);
    qqi_patch_begin(&p, t, tile, QQI_LANES_MOST);
    while (p.runs > 0) {
        const size_t first = qqi_patch_next(&p);
        for (size_t i = 0; i < p.run; i += QQI_BLOCK)
            qqi_qwix_run(j, scale, zero, each, first + i,
                         qqi_block_size(p.run - i));
    }
    return lanes;
}

QQI_FN void qqi_qwix_tiles(struct qqi_qwix_job *j)
{
    const struct qqi_tiling *t = &j->tiling;

    qqi_qwix_pass(&j->pass, j->s, j->x->type, t->numbers, t->tiles);
    for (size_t tile = 0; tile < t->tiles;)
        tile += qqi_qwix_tile(j, tile);
}

QQI_NOINLINE void qqi_qwix_noisy_tiles(struct qqi_qwix_job *j)
{
    struct qqi_stream noise;

    qqi_stream_begin_noise(&noise, j->s, j->x);
    j->noise = &noise;
    qqi_qwix_tiles(j);
}

// Whether a type holds all numbers of another.
QQI_FN int qqi_type_holds(qq_type type, qq_type other)
{
    return type == other || type == QQ_TYPE_F32;
}

QQI_NOINLINE void qqi_qwix_apart(const struct qqi_layout *l,
                                 const struct qqi_qwix_scaler *k,
                                 const qq_scheme *s, const qq_tensor *x,
                                 void *out, const qq_array *view)
{
    struct qqi_qwix_job j;

    j.s = s;
    j.x = x;
    j.view = view;
    j.scaler = k;
    j.noise = NULL;
    j.scales = out;
    j.zeros = qqi_layout_zero(l, out);
    j.codes = qqi_layout_codes(l, out);
    qqi_tiling_make(&j.tiling, x->rank, x->shape, l->tile);
    QQ_MEMSET(j.codes, 0, qq_tensor_bytes(&l->value));
    if (qqi_qwix_has_noise(s))
        qqi_qwix_noisy_tiles(&j);
    else
        qqi_qwix_tiles(&j);
}

QQI_FN qq_status qqi_qwix_quantize(const qq_tensor *x, const qq_scheme *s,
                                   void *out, qq_array *view)
{
    struct qqi_layout l;
    struct qqi_tiling tiling;
    struct qqi_qwix_scaler k;

    qqi_qwix_layout(&l, x, s);
    qqi_layout_view(&l, s, out, view);
    qqi_qwix_scaler_make(&k, s, x->type, qq_tensor_count(&l.scale));
    if (l.zero_bytes > 0)
        QQ_MEMSET(qqi_layout_zero(&l, out), 0, l.zero_bytes);
    if (!qqi_type_holds(l.scale.type, x->type) &&
        qq_tensor_count(&l.value) > 0) {
        qqi_qwix_apart(&l, &k, s, x, out, view);
        return QQ_OK;
    }
    qqi_tiling_make(&tiling, x->rank, x->shape, l.tile);
    qqi_qwix_all_scales(&k, s, &tiling, x, view, out, qqi_layout_zero(&l, out));
    qqi_qwix_codes(s, x, view, qqi_layout_codes(&l, out));
    return QQ_OK;
}

// ==== array/qwix_rule.h ====

// qquant floor 5: rule Qwix, step by step, and its row of functions.

// --- calibration -----------------------------------------------------------

QQI_FN size_t qqi_qwix_bounds_size(const qq_tensor *x, const qq_scheme *s)
{
    return qqi_bounds_bytes(x, s, x->type);
}

QQI_NOINLINE void qqi_qwix_store_bounds(const struct qqi_tiling *tiling,
                                        const qq_tensor *x, const qq_scheme *s,
                                        size_t tiles, void *low, void *high)
{
    struct qqi_bound b[QQI_LANES_MOST];

    for (size_t tile = 0; tile < tiles;) {
        const size_t n = qqi_qwix_bounds(&s->calibration, tiling, x, tile, b);
        for (size_t i = 0; i < n; i++) {
            const float min = qqi_canon_f32(b[i].min);
            const float max = qqi_canon_f32(b[i].max);
            qqi_store_floats(x->type, low, tile + i, 1, &min);
            qqi_store_floats(x->type, high, tile + i, 1, &max);
        }
        tile += n;
    }
}

QQI_FN qq_status qqi_qwix_calibrate(const qq_tensor *x, const qq_scheme *s,
                                    void *out, qq_bounds *view)
{
    const int asymmetric = qqi_calib_is_asymmetric(&s->calibration);
    struct qqi_layout l;
    struct qqi_tiling tiling;

    qqi_layout_make(&l, s, x, x->type, 0);
    qqi_tiling_make(&tiling, x->rank, x->shape, l.tile);
    qqi_bounds_view(&l.scale, asymmetric, out, view);
    qqi_qwix_store_bounds(&tiling, x, s, qq_tensor_count(&l.scale), out,
                          qqi_bounds_high(&l.scale, asymmetric, out));
    return QQ_OK;
}

// --- scales ----------------------------------------------------------------

QQI_FN size_t qqi_qwix_scale_size(const qq_bounds *b, const qq_scheme *s)
{
    struct qqi_layout l;

    return qqi_scale_layout(&l, b, s, qqi_bounds_top(b)->type);
}

QQI_FN qq_status qqi_qwix_scale(const qq_bounds *b, const qq_scheme *s,
                                void *out, qq_tensor *scale,
                                qq_tensor *zero_point, float *scale2)
{
    const int asymmetric = b->absmax.type == QQ_TYPE_NONE;
    const qq_tensor *top = qqi_bounds_top(b);
    const size_t n = qq_tensor_count(top);
    struct qqi_layout l;
    struct qqi_qwix_scaler k;

    if (asymmetric && !qqi_qwix_affine(s->type))
        return QQ_ERR_SCHEME;
    (void)qqi_scale_layout(&l, b, s, top->type);
    qqi_scale_view(&l, out, scale, zero_point);
    qqi_qwix_scaler_make(&k, s, top->type, n);
    void *zeros = qqi_scale_zeros(&l, out);
    for (size_t i = 0; i < n; i++) {
        const struct qqi_bound bound = qqi_bounds_at(b, i);
        const float v = asymmetric ? qqi_qwix_asymmetric(&k, bound)
                                   : qqi_qwix_symmetric(&k, bound.max);
        qqi_store_floats(top->type, out, i, 1, &v);
        if (asymmetric)
            qqi_store_code(zero_point->type, zeros, i,
                           (uint32_t)qqi_qwix_zero(&k, bound.min, v));
    }
    if (scale2 != NULL)
        *scale2 = 1.0f;
    return QQ_OK;
}

// --- given scales ----------------------------------------------------------

QQI_FN size_t qqi_qwix_given_size(const qq_tensor *x, const qq_scheme *s,
                                  const qq_tensor *scale,
                                  const qq_tensor *zero_point)
{
    struct qqi_layout l;

    qqi_layout_given(&l, s, x, scale, x->type, zero_point);
    return l.bytes;
}

// The scale is rounded to the type of x first.
QQI_FN qq_status qqi_qwix_given(const qq_tensor *x, const qq_scheme *s,
                                const qq_tensor *scale,
                                const qq_tensor *zero_point, void *out,
                                qq_array *view)
{
    struct qqi_layout l;

    if (!qqi_is_input_type(scale->type) && scale->type != QQ_TYPE_F64)
        return QQ_ERR_TYPE;
    if (zero_point != NULL && !qqi_qwix_affine(s->type))
        return QQ_ERR_TYPE;
    qqi_layout_given(&l, s, x, scale, x->type, zero_point);
    qqi_layout_view(&l, s, out, view);
    const size_t n = qq_tensor_count(scale);
    for (size_t i = 0; i < n; i++) {
        const float v =
            qqi_constant(x->type, qqi_load_wide(scale->type, scale->data, i));
        qqi_store_floats(x->type, out, i, 1, &v);
    }
    if (l.zero_bytes > 0)
        QQ_MEMCPY(qqi_layout_zero(&l, out), zero_point->data, l.zero_bytes);
    qqi_qwix_codes(s, x, view, qqi_layout_codes(&l, out));
    return QQ_OK;
}

QQI_FN qq_type qqi_qwix_code_type(const qq_tensor *x, const qq_scheme *s)
{
    (void)x;
    return qqi_type_storage(s->type);
}

QQI_FN qq_status qqi_qwix_encode(const qq_tensor *x, const qq_scheme *s,
                                 void *out)
{
    struct qqi_encoder e;
    qq_scheme plain = *s;

    if (!qqi_qwix_has_noise(s))
        plain.noise = QQ_NOISE_NONE;
    qqi_qwix_encoder(&e, s);
    qqi_pass_scaled(&e, x->type, &plain, x, out);
    return QQ_OK;
}

// Scales of one byte are not Qwix's.
QQI_FN qq_status qqi_qwix_dequantize(const qq_array *a, qq_type type, void *out)
{
    const qq_status status = qq_array_check(a);

    if (status != QQ_OK)
        return status;
    if (!qqi_is_input_type(a->scale.type) && a->scale.type != QQ_TYPE_F64)
        return QQ_ERR_TYPE;
    const qq_type step =
        a->scale.type == QQ_TYPE_F64 ? QQ_TYPE_F32 : a->scale.type;
    qqi_back_array(a, step, 0, type, out);
    return QQ_OK;
}

static const struct qqi_rule qqi_rule_qwix QQI_UNUSED = {
    qqi_qwix_check,       qqi_qwix_size,       qqi_qwix_quantize,
    qqi_qwix_bounds_size, qqi_qwix_calibrate,  qqi_qwix_scale_size,
    qqi_qwix_scale,       qqi_qwix_given_size, qqi_qwix_given,
    qqi_qwix_code_type,   qqi_qwix_encode,     qqi_qwix_dequantize};

// ==== array/rules.h ====

// qquant floor 5: the table of rules, and a scheme judged by its own.

// The row of a rule; NULL for a number that is none, and for a rule that this
// build leaves out.
QQI_FN const struct qqi_rule *qqi_rule_of(qq_rule rule)
{
    switch ((int)rule) {
    case QQ_RULE_QQUANT:
        return &qqi_rule_qquant;
    case QQ_RULE_QWIX:
    case QQ_RULE_QWIX_RELEASE:
        return &qqi_rule_qwix;
#if !QQ_NO_TRAIN
    case QQ_RULE_AQT:
        return &qqi_rule_aqt;
    case QQ_RULE_FJ:
        return &qqi_rule_fj;
#endif
    case QQ_RULE_EFORMER:
        return &qqi_rule_eformer;
    case QQ_RULE_EFORMER_FLAT:
    case QQ_RULE_FJFORMER:
        return &qqi_rule_eformer_flat;
    default:
        return NULL;
    }
}

// The bits of what is wrong, and the status that goes with them; some may be
// forgiven. s and x are no NULL, x has passed qq_tensor_check.
QQI_FN qq_status qqi_scheme_judge(const qq_scheme *s, const qq_tensor *x,
                                  uint32_t forgiven, uint32_t *bad)
{
    *bad = QQ_BAD_INIT;
    if (s->init != QQI_SCHEME_INIT)
        return QQ_ERR_SCHEME;
    *bad = qqi_check_common(s, x);
    if (*bad & QQ_BAD_RULE)
        return QQ_ERR_SCHEME;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    if (rule == NULL)
        return QQ_ERR_UNSUPPORTED;
    *bad |= rule->check(s, *bad & QQ_BAD_INPUT ? NULL : x);
    *bad &= ~forgiven;
    return qqi_status_of_bad(*bad);
}

QQ_API qq_status qq_scheme_check(const qq_scheme *s, const qq_tensor *x,
                                 uint32_t *bad)
{
    uint32_t bits = 0;

    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status tensor = x != NULL ? qq_tensor_check(x) : QQ_OK;
    if (tensor != QQ_OK) {
        if (bad != NULL)
            *bad = QQ_BAD_INPUT;
        return tensor;
    }
    const qq_status status = qqi_scheme_judge(s, x, 0, &bits);
    if (bad != NULL)
        *bad = bits;
    return status;
}

// The checks of every call that takes a tensor and a scheme.
QQI_FN qq_status qqi_check_pair(const qq_tensor *x, const qq_scheme *s,
                                uint32_t forgiven)
{
    uint32_t bad = 0;
    const qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    return s == NULL ? QQ_ERR_ARGUMENT : qqi_scheme_judge(s, x, forgiven, &bad);
}

// What can be wrong with the place for bytes of result.
QQI_FN qq_status qqi_check_out(size_t bytes, const void *out, size_t out_bytes)
{
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (out == NULL && (out_bytes != 0 || bytes != 0))
        return QQ_ERR_ARGUMENT;
    return out_bytes < bytes ? QQ_ERR_SIZE : QQ_OK;
}

// ==== array/quantize.h ====

// qquant floor 5: the public calls that make quantized arrays.

// What a call that is handed its scales does not look at.
#define QQI_FORGIVEN (QQ_BAD_AXIS | QQ_BAD_TILE | QQ_BAD_CALIBRATION)

QQ_API size_t qq_array_size(const qq_tensor *x, const qq_scheme *s)
{
    if (qqi_check_pair(x, s, 0) != QQ_OK)
        return SIZE_MAX;
    return qqi_rule_of(s->rule)->array_size(x, s);
}

QQ_API qq_status qq_quantize(const qq_tensor *x, const qq_scheme *s, void *out,
                             size_t out_bytes, qq_array *view)
{
    qq_status status = qqi_check_pair(x, s, 0);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    status = qqi_check_out(rule->array_size(x, s), out, out_bytes);
    if (status != QQ_OK)
        return status;
    QQ_ASSERT(
        qqi_apart(x->data, qq_tensor_bytes(x), out, rule->array_size(x, s)));
    return view != NULL ? rule->quantize(x, s, out, view) : QQ_ERR_ARGUMENT;
}

// --- calibration and scales ------------------------------------------------

QQ_API size_t qq_calibrate_size(const qq_tensor *x, const qq_scheme *s)
{
    if (qqi_check_pair(x, s, 0) != QQ_OK ||
        qqi_rule_of(s->rule)->bounds_size == NULL)
        return SIZE_MAX;
    return qqi_rule_of(s->rule)->bounds_size(x, s);
}

QQ_API qq_status qq_calibrate(const qq_tensor *x, const qq_scheme *s, void *out,
                              size_t out_bytes, qq_bounds *view)
{
    qq_status status = qqi_check_pair(x, s, 0);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    if (rule->calibrate == NULL)
        return QQ_ERR_UNSUPPORTED;
    status = qqi_check_out(rule->bounds_size(x, s), out, out_bytes);
    if (status != QQ_OK)
        return status;
    return view != NULL ? rule->calibrate(x, s, out, view) : QQ_ERR_ARGUMENT;
}

QQI_FN qq_status qqi_check_bound(const qq_tensor *t)
{
    const qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    return qqi_is_input_type(t->type) ? QQ_OK : QQ_ERR_TYPE;
}

// A magnitude, or a minimum and a maximum of one type and shape.
QQI_FN qq_status qqi_check_bounds(const qq_bounds *b)
{
    if (b == NULL)
        return QQ_ERR_ARGUMENT;
    const int low = b->min.type != QQ_TYPE_NONE;
    const int high = b->max.type != QQ_TYPE_NONE;
    if (b->absmax.type != QQ_TYPE_NONE)
        return low || high ? QQ_ERR_ARGUMENT : qqi_check_bound(&b->absmax);
    if (!low || !high)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_check_bound(&b->min);
    if (status == QQ_OK)
        status = qqi_check_bound(&b->max);
    if (status != QQ_OK)
        return status;
    if (b->min.type != b->max.type)
        return QQ_ERR_TYPE;
    if (b->min.rank != b->max.rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < b->min.rank; a++) {
        if (b->min.shape[a] != b->max.shape[a])
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// Whether codes of the scheme can have zero points under its rule.
QQI_FN int qqi_may_have_zeros(const qq_scheme *s)
{
    if (s->rule == QQ_RULE_QWIX || s->rule == QQ_RULE_QWIX_RELEASE)
        return qqi_qwix_affine(s->type);
    return qqi_type_info(s->type).affine;
}

// Bounds and a scheme, whose axes and calibration do not matter.
QQI_FN qq_status qqi_check_scaling(const qq_bounds *b, const qq_scheme *s)
{
    const qq_status status = qqi_check_bounds(b);
    uint32_t bad = 0;

    if (status != QQ_OK)
        return status;
    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status judged =
        qqi_scheme_judge(s, NULL, QQI_FORGIVEN | QQ_BAD_AFFINE, &bad);
    if (judged != QQ_OK)
        return judged;
    if (qqi_rule_of(s->rule)->scale == NULL)
        return QQ_ERR_UNSUPPORTED;
    if (b->absmax.type == QQ_TYPE_NONE &&
        (s->two_level || !qqi_may_have_zeros(s)))
        return QQ_ERR_SCHEME;
    return QQ_OK;
}

QQ_API size_t qq_scale_size(const qq_bounds *b, const qq_scheme *s)
{
    if (qqi_check_scaling(b, s) != QQ_OK)
        return SIZE_MAX;
    return qqi_rule_of(s->rule)->scale_size(b, s);
}

QQ_API qq_status qq_scale_from_bounds(const qq_bounds *b, const qq_scheme *s,
                                      void *out, size_t out_bytes,
                                      qq_tensor *scale, qq_tensor *zero_point,
                                      float *scale2)
{
    qq_status status = qqi_check_scaling(b, s);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    status = qqi_check_out(rule->scale_size(b, s), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (scale == NULL || zero_point == NULL)
        return QQ_ERR_ARGUMENT;
    return rule->scale(b, s, out, scale, zero_point, scale2);
}

// ==== array/clip.h ====

// qquant floor 5: limiting numbers, and their gradients, to bounds.

// The bounds of every number of a tensor.
struct qqi_limits {
    struct qqi_stream low; // not used where there is but a magnitude
    struct qqi_stream high;
    int asymmetric;
};

// The shape of the bounds decides the tiles.
QQI_FN qq_status qqi_limits_begin(struct qqi_limits *m, const qq_tensor *x,
                                  const qq_bounds *b)
{
    const qq_tensor *top = qqi_bounds_top(b);
    size_t tile[QQ_MAX_RANK];

    const qq_status status = qqi_tiles_of(x, top, tile);
    if (status != QQ_OK)
        return status;
    m->asymmetric = b->absmax.type == QQ_TYPE_NONE;
    qqi_stream_begin(&m->high, x->rank, x->shape, tile, top, NULL);
    if (m->asymmetric)
        qqi_stream_begin(&m->low, x->rank, x->shape, tile, &b->min, NULL);
    return QQ_OK;
}

// Those of the next n numbers.
QQI_FN void qqi_limits_next(struct qqi_limits *m, size_t n, float *low,
                            float *high)
{
    qqi_stream_next(&m->high, n, high, NULL);
    if (m->asymmetric) {
        qqi_stream_next(&m->low, n, low, NULL);
        return;
    }
    for (size_t i = 0; i < n; i++)
        low[i] = -high[i];
}

QQI_FN qq_status qqi_check_float(const qq_tensor *x)
{
    const qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    return qqi_is_input_type(x->type) ? QQ_OK : QQ_ERR_TYPE;
}

// NaN if either is, else the larger one.
QQI_INLINE float qqi_clip_up(float x, float low)
{
    return qqi_is_nan_f32(low) ? low : x < low ? low : x;
}

QQI_NOINLINE void qqi_clip_block(const qq_tensor *x, struct qqi_limits *m,
                                 size_t first, size_t n, void *out)
{
    float v[QQI_BLOCK];
    float low[QQI_BLOCK];
    float high[QQI_BLOCK];

    qqi_load_floats(x->type, x->data, first, n, v);
    qqi_limits_next(m, n, low, high);
    for (size_t i = 0; i < n; i++)
        v[i] = -qqi_clip_up(-qqi_clip_up(v[i], low[i]), -high[i]);
    qqi_store_floats(x->type, out, first, n, v);
}

QQ_API qq_status qq_clip_to_bounds(const qq_tensor *x, const qq_bounds *b,
                                   void *out, size_t out_bytes, qq_tensor *view)
{
    struct qqi_limits m;

    qq_status status = qqi_check_float(x);
    if (status == QQ_OK)
        status = qqi_check_bounds(b);
    if (status == QQ_OK)
        status = qqi_limits_begin(&m, x, b);
    if (status == QQ_OK)
        status = qqi_check_out(qq_tensor_bytes(x), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t count = qq_tensor_count(x);
    for (size_t i = 0; i < count; i += QQI_BLOCK)
        qqi_clip_block(x, &m, i, qqi_block_size(count - i), out);
    *view = *x;
    view->data = out;
    return QQ_OK;
}

// --- gradients -------------------------------------------------------------

// The numbers of g that stay, bit for bit; +0 for the others.
QQI_NOINLINE void qqi_mask_block(const qq_tensor *g, const qq_tensor *x,
                                 struct qqi_limits *m, size_t first, size_t n,
                                 void *out)
{
    float v[QQI_BLOCK];
    float low[QQI_BLOCK];
    float high[QQI_BLOCK];
    const size_t each = g->type == QQ_TYPE_F32 ? 4 : 2;
    uint8_t *p = (uint8_t *)out + each * first;
    const uint8_t *from = (const uint8_t *)g->data + each * first;

    qqi_load_floats(x->type, x->data, first, n, v);
    qqi_limits_next(m, n, low, high);
    QQ_MEMMOVE(p, from, each * n);
    for (size_t i = 0; i < n; i++) {
        if (!(v[i] >= low[i] && v[i] <= high[i]))
            QQ_MEMSET(p + each * i, 0, each);
    }
}

// Whether a calibration lets all gradients through: that of all numbers, by a
// factor of at least 1.
QQI_FN int qqi_calib_passes(const qq_calibration *c)
{
    return (c->method == QQ_CALIB_ABSMAX || c->method == QQ_CALIB_MINMAX) &&
           (c->arg_count == 0 || c->args[0] >= 1.0);
}

// g and x are float tensors of one shape.
QQI_FN qq_status qqi_check_gradient(const qq_tensor *g, const qq_tensor *x)
{
    qq_status status = qqi_check_float(g);

    if (status == QQ_OK)
        status = qqi_check_float(x);
    if (status != QQ_OK)
        return status;
    if (g->rank != x->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < g->rank; a++) {
        if (g->shape[a] != x->shape[a])
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

QQ_API qq_status qq_clip_gradient(const qq_tensor *g, const qq_tensor *x,
                                  const qq_bounds *b, const qq_calibration *c,
                                  void *out, size_t out_bytes, qq_tensor *view)
{
    struct qqi_limits m;

    qq_status status = qqi_check_gradient(g, x);
    if (status == QQ_OK)
        status = qqi_check_bounds(b);
    if (status == QQ_OK)
        status = c != NULL ? qqi_limits_begin(&m, x, b) : QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_check_out(qq_tensor_bytes(g), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t count = qq_tensor_count(g);
    const size_t bytes = qq_tensor_bytes(g);
    if (qqi_calib_passes(c) && bytes > 0)
        QQ_MEMMOVE(out, g->data, bytes);
    for (size_t i = 0; i < count && !qqi_calib_passes(c); i += QQI_BLOCK)
        qqi_mask_block(g, x, &m, i, qqi_block_size(count - i), out);
    *view = *g;
    view->data = out;
    return QQ_OK;
}

// ==== array/metric.h ====

// qquant floor 5: how far two tensors are apart.
//
// Sums in f64, one number after another; every product is rounded before it is
// added (num/step.h), so no compiler can change a bit. Decibels need a
// logarithm: the one here is made of integers, see qqi_log2_q40.

// floor(log2(x) * 2^40), 2^-56 being the error before the floor; x is positive
// and finite.
//
// x = 2^e * m, m in [1, 2) with 63 bits behind the point. Squaring m doubles
// its logarithm, whose next binary digit is 1 where the square reaches 2. Each
// square is cut off at 2^-62; what that costs is halved by every later digit's
// weight as much as squaring doubles it, so 40 of them cost 40 * 2^-62.
QQI_FN int64_t qqi_log2_q40(double x)
{
    const uint64_t u = qqi_f64_bits(x);
    uint64_t m = u << 11;
    int e = (int)(u >> 52);

    if (e == 0) { // subnormal: m is not 0
        const int zeros = qqi_clz_u64(m);
        m <<= zeros;
        e = 1 - zeros;
    } else {
        m |= (uint64_t)1 << 63;
    }
    int64_t fraction = 0;
    for (int i = 0; i < 40; i++) {
        m = qqi_mulhi_u64(m, m); // two bits in front of the point
        const int two = (int)(m >> 63);
        fraction = fraction * 2 + two;
        if (!two)
            m <<= 1;
    }
    return (int64_t)(e - 1023) * ((int64_t)1 << 40) + fraction;
}

// 10 log10(x / y) of two positive finite numbers, to 1e-11.
QQI_FN double qqi_decibels(double x, double y)
{
    // 12 bits and 40: exact.
    const double octaves =
        (double)(qqi_log2_q40(x) - qqi_log2_q40(y)) / 1099511627776.0;
    return octaves * 3.0102999566398119521;
}

QQI_FN int qqi_is_float_type(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F64 || type == QQ_TYPE_F16 ||
           type == QQ_TYPE_BF16;
}

typedef struct qqi_sums {
    double xx, yy, xy; // sums of products
    double dd, d;      // of d^2 and |d|
    double max;        // of |d|
} qqi_sums;

QQI_FN void qqi_sums_add(qqi_sums *s, double x, double y)
{
    const double d = y - x;
    const double a = qqi_abs_f64(d);

    s->xx += qqi_mul_f64(x, x);
    s->yy += qqi_mul_f64(y, y);
    s->xy += qqi_mul_f64(x, y);
    s->dd += qqi_mul_f64(d, d);
    s->d += a;
    if (a > s->max)
        s->max = a;
}

// Where the product of the sums is a normal number its root is taken, which
// makes the cosine of equal tensors 1; else, f64 numbers may be so large or
// small, the product of their roots.
QQI_FN double qqi_cosine(const qqi_sums *s)
{
    const double p = qqi_mul_f64(s->xx, s->yy);
    const double normal = qqi_f64_of((uint64_t)1 << 52);
    double norm = qqi_sqrt_f64(p);

    if (p < normal || !qqi_is_finite_f64(p))
        norm = qqi_mul_f64(qqi_sqrt_f64(s->xx), qqi_sqrt_f64(s->yy));
    return norm > 0.0 ? s->xy / norm : 0.0;
}

// The quotients; sums of f64 numbers may have become infinite, and then a
// quotient of two of them is NaN, the same one everywhere.
QQI_FN void qqi_metrics_of(const qqi_sums *s, qq_metrics *m)
{
    const double inf = qqi_f64_of((uint64_t)0x7ff << 52);
    const double nan = qqi_f64_of((uint64_t)0x7ff8 << 48);
    const int finite = qqi_is_finite_f64(s->xx) && qqi_is_finite_f64(s->yy) &&
                       qqi_is_finite_f64(s->xy) && qqi_is_finite_f64(s->dd);

    m->max_error = s->max;
    m->mean_error = m->count ? s->d / (double)m->count : 0.0;
    m->rmse = m->count ? qqi_sqrt_f64(s->dd / (double)m->count) : 0.0;
    m->sqnr_db = inf;
    m->relative = 0.0;
    m->cosine = 1.0;
    if (!finite) {
        m->sqnr_db = m->relative = m->cosine = nan;
        return;
    }
    if (s->dd > 0.0) {
        m->sqnr_db = s->xx > 0.0 ? qqi_decibels(s->xx, s->dd) : -inf;
        m->relative = s->xx > 0.0 ? qqi_sqrt_f64(s->dd / s->xx) : inf;
    }
    if (s->xx > 0.0 || s->yy > 0.0)
        m->cosine = qqi_cosine(s);
}

QQ_API qq_status qq_compare(const qq_tensor *x, const qq_tensor *y,
                            qq_metrics *out)
{
    const qq_status first = qq_tensor_check(x);
    if (first != QQ_OK)
        return first;
    if (!qqi_is_float_type(x->type))
        return QQ_ERR_TYPE;
    const qq_status second = qq_tensor_check(y);
    if (second != QQ_OK)
        return second;
    if (!qqi_is_float_type(y->type))
        return QQ_ERR_TYPE;
    const size_t n = qq_tensor_count(x);
    if (n != qq_tensor_count(y))
        return QQ_ERR_SHAPE;
    if (out == NULL)
        return QQ_ERR_ARGUMENT;

    qqi_sums s = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const double a = qqi_load_wide(x->type, x->data, i);
        const double b = qqi_load_wide(y->type, y->data, i);
        if (!qqi_is_finite_f64(a) || !qqi_is_finite_f64(b))
            continue;
        qqi_sums_add(&s, a, b);
        used++;
    }
    out->count = used;
    out->skipped = n - used;
    qqi_metrics_of(&s, out);
    return QQ_OK;
}

// ==== array/clipped.h ====

// qquant floor 5: how many numbers lie beyond what their codes reach.
//
// A number is clipped if it lies more than half a step beyond the outermost
// code: rounding alone would not have taken it that far. The step of integers
// is the scale, that of small floats and code books the distance of their two
// outermost values, times scale.

// What codes reach, in units of the scale: from low to high, and beyond by half
// a step. coded: only numbers that have the outermost code count.
typedef struct qqi_reach {
    double low, high;
    double half_low, half_high;
    int coded;
} qqi_reach;

// The outermost of the levels times sign, and half the way to the next.
QQI_FN double qqi_outermost(const float *levels, size_t count, double sign,
                            double *half)
{
    double most = (double)levels[0] * sign;
    double next = most;

    for (size_t i = 1; i < count; i++) {
        const double v = (double)levels[i] * sign;
        if (v > most) {
            next = most;
            most = v;
        } else if (v < most && (v > next || next == most)) {
            next = v;
        }
    }
    *half = (most - next) / 2.0;
    return most;
}

// 0 for types whose codes are numbers without limits.
QQI_FN int qqi_reach_of(const qq_array *a, qqi_reach *r)
{
    const qq_type type = a->value.type;
    const int own = type == QQ_TYPE_BOOK;
    const float *levels = own ? a->levels : qq_book_levels(type);
    const size_t count = own ? a->level_count : 16;
    qq_type_info info;

    if (qq_type_get(type, &info) != QQ_OK)
        return 0;
    r->coded = info.kind == QQ_KIND_INTEGER;
    if (info.kind == QQ_KIND_INTEGER) {
        r->high = (double)info.max;
        r->low = info.min < 0 ? -r->high : 0.0;
        r->half_low = r->half_high = 0.5;
        return 1;
    }
    if (info.kind == QQ_KIND_SMALL) {
        const uint32_t code = qq_type_encode(type, info.largest);
        const double next = (double)qq_type_decode(type, code - 1);
        r->high = (double)info.largest;
        r->low = -r->high;
        r->half_low = r->half_high = (r->high - next) / 2.0;
        return 1;
    }
    if (info.kind != QQ_KIND_BOOK || levels == NULL || count == 0)
        return 0;
    r->high = qqi_outermost(levels, count, 1.0, &r->half_high);
    r->low = -qqi_outermost(levels, count, -1.0, &r->half_low);
    return 1;
}

// x, of which code - zero is left, lies beyond. A negative scale turns the
// codes round.
QQI_FN int qqi_is_clipped(const qqi_reach *r, double x, double scale,
                          double code, double zero)
{
    if (scale < 0.0) {
        x = -x;
        scale = -scale;
    }
    if (!r->coded)
        return x > (r->high + r->half_high) * scale ||
               x < (r->low - r->half_low) * scale;
    const double d = x - qqi_mul_f64(code - zero, scale);
    return (code >= r->high && d > r->half_high * scale) ||
           (code <= r->low && d < -r->half_low * scale);
}

// The element of a part that the number at these indices belongs to.
QQI_FN double qqi_element_at(const qq_array *a, int part, const size_t *at)
{
    const qq_tensor *t = qqi_part_of(a, part);
    size_t i = 0;

    for (unsigned k = 0; k < t->rank; k++)
        i = i * t->shape[k] +
            (t->shape[k] == 1 ? 0 : at[k] / qqi_part_tile(a, part, k));
    return qqi_load_wide(t->type, t->data, i);
}

QQI_FN size_t qqi_count_clipped(const qq_tensor *x, const qq_array *a,
                                const qqi_reach *r, size_t numbers)
{
    const double scale2 = qqi_f64_from_f32(a->scale2);
    size_t at[QQ_MAX_RANK] = {0};
    size_t clipped = 0;

    for (size_t i = 0; i < numbers; i++) {
        const double code = qqi_load_wide(a->value.type, a->value.data, i);
        double scale = scale2;
        double v = qqi_load_wide(x->type, x->data, i);
        double zero = 0.0;
        if (qqi_has_part(a, QQI_PART_SCALE))
            scale = qqi_mul_f64(qqi_element_at(a, QQI_PART_SCALE, at), scale2);
        if (qqi_has_part(a, QQI_PART_ZERO))
            zero = qqi_element_at(a, QQI_PART_ZERO, at);
        if (qqi_has_part(a, QQI_PART_BIAS))
            v += qqi_element_at(a, QQI_PART_BIAS, at);
        clipped += (size_t)qqi_is_clipped(r, v, scale, code, zero);
        for (int k = (int)x->rank - 1; k >= 0; k--) {
            if (++at[k] < x->shape[k])
                break;
            at[k] = 0;
        }
    }
    return clipped;
}

QQ_API qq_status qq_clipped_share(const qq_tensor *x, const qq_array *a,
                                  double *out)
{
    qq_status status = qq_tensor_check(x);
    qqi_reach reach;

    if (status != QQ_OK)
        return status;
    if (!qqi_is_float_type(x->type))
        return QQ_ERR_TYPE;
    status = qqi_parts_check(a);
    if (status != QQ_OK)
        return status;
    if (x->rank != a->value.rank)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < x->rank; i++)
        if (x->shape[i] != a->value.shape[i])
            return QQ_ERR_SHAPE;
    if (out == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t n = qq_tensor_count(x);
    *out = 0.0;
    if (n > 0 && qqi_reach_of(a, &reach))
        *out = (double)qqi_count_clipped(x, a, &reach, n) / (double)n;
    return QQ_OK;
}

// ==== array/concatenate.h ====

// qquant floor 5: arrays behind each other along an axis.
//
// The tiles must go on from one array to the next: all are of one size, and
// only the last may be short. An axis with one scale is one tile. Arrays that
// are empty along the axis add nothing.

// The same tensor but for its size along one axis: type, rank, other sizes.
QQI_FN qq_status qqi_same_but(const qq_tensor *x, const qq_tensor *y,
                              unsigned axis)
{
    if (x->type != y->type)
        return QQ_ERR_TYPE;
    if (x->type == QQ_TYPE_NONE)
        return QQ_OK;
    if (x->rank != y->rank)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < x->rank; i++)
        if (i != axis && x->shape[i] != y->shape[i])
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

// Whether y can stand behind x, along the axis aside.
QQI_FN qq_status qqi_joins(const qq_array *x, const qq_array *y, unsigned axis)
{
    if (x->type != y->type || x->levels != y->levels ||
        x->level_count != y->level_count ||
        qqi_f32_bits(x->scale2) != qqi_f32_bits(y->scale2))
        return QQ_ERR_TYPE;
    for (int part = 0; part < QQI_PARTS; part++) {
        const qq_status status =
            qqi_same_but(qqi_part_of(x, part), qqi_part_of(y, part), axis);
        if (status != QQ_OK)
            return status;
        if (!qqi_has_part(x, part))
            continue;
        for (unsigned i = 0; i < x->value.rank; i++)
            if (i != axis &&
                qqi_part_tile(x, part, i) != qqi_part_tile(y, part, i))
                return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// Adds the numbers and elements of y to r; *tile is what r has along the axis,
// 0 before the first array. Nothing can follow a short tile: *open is 0.
QQI_FN int qqi_join_part(const qq_array *y, int part, unsigned axis,
                         qq_array *r, size_t *tile, int *open)
{
    const size_t n = y->value.shape[axis];
    const size_t count = qqi_part_of(y, part)->shape[axis];
    size_t t = qqi_part_tile(y, part, axis);

    if (!*open)
        return 0;
    // One tile may be the short one at the end.
    if (count == 1 && t < *tile)
        t = *tile;
    if (*tile != 0 && t != *tile)
        return 0;
    *tile = t;
    *open = n % t == 0;
    return qqi_add_size(qqi_part(r, part)->shape[axis], count,
                        &qqi_part(r, part)->shape[axis]);
}

// Shapes and tiles along the axis, of all arrays.
QQI_FN qq_status qqi_join_axis(const qq_array *const *parts, size_t n,
                               unsigned axis, qq_array *r)
{
    for (int part = 0; part < QQI_PARTS; part++) {
        size_t tile = 0;
        int open = 1;
        if (!qqi_has_part(r, part))
            continue;
        const size_t alone = qqi_part(r, part)->shape[axis];
        qqi_part(r, part)->shape[axis] = 0;
        for (size_t i = 0; i < n; i++)
            if (parts[i]->value.shape[axis] != 0 &&
                !qqi_join_part(parts[i], part, axis, r, &tile, &open))
                return QQ_ERR_SHAPE;
        if (tile == 0)
            qqi_part(r, part)->shape[axis] = alone; // nothing to join
        else
            qqi_part_set_tile(r, part, axis, tile);
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_concatenate_plan(const qq_array *const *parts, size_t n,
                                      int axis, unsigned *at, qq_array *r)
{
    if (parts == NULL || n == 0)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        const qq_status status = qqi_parts_check(parts[i]);
        if (status != QQ_OK)
            return status;
    }
    if (!qqi_axis(axis, parts[0]->value.rank, at))
        return QQ_ERR_AXIS;
    for (size_t i = 1; i < n; i++) {
        const qq_status status = qqi_joins(parts[0], parts[i], *at);
        if (status != QQ_OK)
            return status;
    }
    *r = *parts[0];
    return qqi_join_axis(parts, n, *at, r);
}

QQ_API size_t qq_array_concatenate_size(const qq_array *const *parts, size_t n,
                                        int axis)
{
    unsigned at;
    qq_array r;

    if (qqi_concatenate_plan(parts, n, axis, &at, &r) != QQ_OK)
        return SIZE_MAX;
    return qqi_parts_bytes(&r);
}

// Writes a part of the result, row by row of the axes before this one.
QQI_FN void qqi_concatenate_move(const qq_array *const *parts, size_t n,
                                 int part, unsigned axis, const qq_tensor *t,
                                 void *out)
{
    if (qq_tensor_count(t) == 0)
        return;
    const size_t outer = qqi_shape_count(axis, t->shape);
    const size_t inner =
        qqi_shape_count(t->rank - axis - 1, t->shape + axis + 1);
    size_t to = 0;
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < n; i++) {
            const qq_tensor *from = qqi_part_of(parts[i], part);
            const size_t run = from->shape[axis] * inner;
            if (parts[i]->value.shape[axis] == 0)
                continue;
            qqi_gather_row(t->type, from->data, o * run, 1, run, to, out);
            to += run;
        }
}

QQ_API qq_status qq_array_concatenate(const qq_array *const *parts, size_t n,
                                      int axis, void *out, size_t out_bytes,
                                      qq_array *view)
{
    unsigned at;
    qq_array r;
    qq_status status = qqi_concatenate_plan(parts, n, axis, &at, &r);

    if (status != QQ_OK)
        return status;
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    for (int part = 0; part < QQI_PARTS; part++)
        if (qqi_has_part(&r, part))
            qqi_concatenate_move(parts, n, part, at, qqi_part_of(&r, part),
                                 qqi_part_out(&r, part, out));
    qqi_parts_place(&r, out);
    *view = r;
    return QQ_OK;
}

// ==== array/dequantize.h ====

// qquant floor 5: the public call that reads an array back.

QQ_API qq_status qq_dequantize(const qq_array *a, qq_rule rule, qq_type type,
                               void *out, size_t out_bytes, qq_tensor *view)
{
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_array_check_parts(a);
    if (status != QQ_OK)
        return status;
    const struct qqi_rule *row = qqi_rule_of(rule);
    if (row == NULL)
        return rule == QQ_RULE_AQT || rule == QQ_RULE_FJ ? QQ_ERR_UNSUPPORTED
                                                         : QQ_ERR_ARGUMENT;
    if (!qqi_is_input_type(type))
        return QQ_ERR_TYPE;
    const qq_tensor result =
        qq_tensor_make(out, type, a->value.rank, a->value.shape);
    status = qqi_check_out(qq_tensor_bytes(&result), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    QQ_ASSERT(qqi_apart(a->value.data, qq_tensor_bytes(&a->value), out,
                        qq_tensor_bytes(&result)));
    status = row->dequantize(a, type, out);
    if (status == QQ_OK)
        *view = result;
    return status;
}

// ==== array/eformer_front.h ====

// qquant floor 5: eformer's front end by name, and straight-through.

QQ_API qq_status qq_eformer_axes(qq_scheme *s, const int *axes, unsigned count,
                                 unsigned rank)
{
    uint32_t shared = 0;

    if (!s || (!axes && count > 0))
        return QQ_ERR_ARGUMENT;
    if (rank > QQ_MAX_RANK || (rank == 0 && count > 0))
        return QQ_ERR_AXIS;
    for (unsigned i = 0; i < count; i++) {
        const int n = (int)rank;
        const uint32_t bit = 1u << ((axes[i] % n + n) % n);
        if (shared & bit)
            return QQ_ERR_AXIS;
        shared |= bit;
    }
    s->channels = ((1u << rank) - 1) & ~shared;
    return QQ_OK;
}

QQ_API qq_status qq_eformer_scheme(const char *name, size_t block_size,
                                   unsigned rank, qq_scheme *out)
{
    static const char *const names[4] = {"nf4", "int8", "ternary", "binary"};
    static const qq_type types[4] = {QQ_TYPE_NF4, QQ_TYPE_INT8, QQ_TYPE_TERNARY,
                                     QQ_TYPE_SIGN};
    const int last = -1;
    int i = 0;

    if (!name)
        return QQ_ERR_ARGUMENT;
    while (i < 4 && !qqi_same_text(name, names[i]))
        i++;
    if (i == 4)
        return QQ_ERR_FORMAT;
    const qq_type type = types[i];
    if (type == QQ_TYPE_NF4 && (block_size == 0 || block_size % 2 != 0))
        return QQ_ERR_ARGUMENT;
    const int has_axis = type == QQ_TYPE_NF4 || type == QQ_TYPE_INT8;
    if (rank > QQ_MAX_RANK || (has_axis && rank == 0))
        return QQ_ERR_AXIS;
    if (!out)
        return QQ_ERR_ARGUMENT;
    *out = qq_scheme_init_rule(type, QQ_RULE_EFORMER);
    if (type == QQ_TYPE_NF4)
        out->tile[rank - 1] = block_size;
    return type == QQ_TYPE_INT8 ? qq_eformer_axes(out, &last, 1, rank) : QQ_OK;
}

// --- straight-through ------------------------------------------------------

// The sizes of one call. y has rows of row numbers, of which the first keep
// are wanted.
struct qqi_through {
    int raw; // x is packed as it is
    size_t array_bytes;
    size_t decoded_bytes; // of y with its padding, 0 where there is none
    size_t out_bytes;
    size_t shape[QQ_MAX_RANK];
};

// Whether s cuts the last axis into blocks and pads it.
QQI_FN size_t qqi_through_padded(const qq_tensor *x, const qq_scheme *s)
{
    const size_t n = x->shape[x->rank - 1];
    const size_t block = s->tile[x->rank - 1];

    return n == 0 ? block : n + (block - n % block) % block;
}

QQI_FN qq_status qqi_through_make(const qq_tensor *x, const qq_scheme *s,
                                  int as_eformer, struct qqi_through *p)
{
    QQ_MEMSET(p, 0, sizeof *p);
    qq_status status = qq_tensor_check(x);
    if (status != QQ_OK)
        return status;
    if (x->type != QQ_TYPE_F32 && x->type != QQ_TYPE_F16 &&
        x->type != QQ_TYPE_BF16)
        return QQ_ERR_TYPE;
    status = qq_scheme_check(s, x, NULL);
    if (status != QQ_OK)
        return status;
    if (s->rule < QQ_RULE_EFORMER || s->rule > QQ_RULE_FJFORMER)
        return QQ_ERR_SCHEME;
    for (unsigned a = 0; a < x->rank; a++)
        p->shape[a] = x->shape[a];
    p->out_bytes = qq_tensor_bytes(x);
    p->raw = as_eformer && s->type != QQ_TYPE_NF4 && s->type != QQ_TYPE_INT8;
    p->array_bytes =
        p->raw ? qq_array1b_size(x->rank, x->shape) : qq_array_size(x, s);
    if (p->raw && p->array_bytes == SIZE_MAX)
        return QQ_ERR_SHAPE;
    if (p->array_bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (s->type != QQ_TYPE_NF4 || s->rule != QQ_RULE_EFORMER)
        return QQ_OK;
    qq_tensor padded = *x;
    padded.shape[x->rank - 1] = qqi_through_padded(x, s);
    const size_t bytes = qq_tensor_bytes(&padded);
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (as_eformer) {
        p->shape[x->rank - 1] = padded.shape[x->rank - 1];
        p->out_bytes = bytes;
    } else if (padded.shape[x->rank - 1] != x->shape[x->rank - 1]) {
        p->decoded_bytes = bytes;
    }
    return QQ_OK;
}

QQI_FN size_t qqi_through_scratch(const struct qqi_through *p)
{
    size_t sum;

    return qqi_add_size(p->array_bytes, p->decoded_bytes, &sum) ? sum
                                                                : SIZE_MAX;
}

QQ_API size_t qq_straight_through_size(const qq_tensor *x, const qq_scheme *s,
                                       int as_eformer)
{
    struct qqi_through p;

    return qqi_through_make(x, s, as_eformer, &p) == QQ_OK ? p.out_bytes
                                                           : SIZE_MAX;
}

QQ_API size_t qq_straight_through_scratch_size(const qq_tensor *x,
                                               const qq_scheme *s,
                                               int as_eformer)
{
    struct qqi_through p;

    return qqi_through_make(x, s, as_eformer, &p) == QQ_OK
               ? qqi_through_scratch(&p)
               : SIZE_MAX;
}

// Quantizes into scratch and decodes into out, or behind the array and from
// there, row by row, without the padding.
QQI_FN qq_status qqi_through_run(const qq_tensor *x, const qq_scheme *s,
                                 const struct qqi_through *p, uint8_t *out,
                                 uint8_t *scratch)
{
    uint8_t *decoded = p->decoded_bytes ? scratch + p->array_bytes : out;
    const size_t bytes = p->decoded_bytes ? p->decoded_bytes : p->out_bytes;
    qq_tensor y;
    qq_array a;

    qq_status status = qq_quantize(x, s, scratch, p->array_bytes, &a);
    if (status == QQ_OK)
        status = qq_dequantize(&a, s->rule, x->type, decoded, bytes, &y);
    if (status != QQ_OK || p->decoded_bytes == 0 || p->out_bytes == 0)
        return status;
    const size_t row = qq_type_bytes(x->type, x->shape[x->rank - 1]);
    const size_t step = qq_type_bytes(x->type, y.shape[x->rank - 1]);
    for (size_t at = 0; at < p->out_bytes; at += row, decoded += step)
        QQ_MEMCPY(out + at, decoded, row);
    return QQ_OK;
}

QQ_API qq_status qq_straight_through(const qq_tensor *x, const qq_scheme *s,
                                     int as_eformer, void *out,
                                     size_t out_bytes, void *scratch,
                                     size_t scratch_bytes, qq_tensor *view)
{
    struct qqi_through p;
    qq_array1b packed;
    qq_tensor y;

    qq_status status = qqi_through_make(x, s, as_eformer, &p);
    if (status != QQ_OK)
        return status;
    status = qqi_out_check(p.out_bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!scratch && scratch_bytes > 0)
        return QQ_ERR_ARGUMENT;
    if (scratch_bytes < qqi_through_scratch(&p))
        return QQ_ERR_SCRATCH;
    if (!view)
        return QQ_ERR_ARGUMENT;
    if (p.raw) {
        status = qq_array1b_pack(x, QQ_ARRAY1B_EFORMER, x->type, scratch,
                                 p.array_bytes, &packed);
        if (status == QQ_OK)
            status = qq_array1b_unpack(&packed, x->type, out, p.out_bytes, &y);
    } else {
        status = qqi_through_run(x, s, &p, (uint8_t *)out, (uint8_t *)scratch);
    }
    if (status == QQ_OK)
        *view = qq_tensor_make(out, x->type, x->rank, p.shape);
    return status;
}

QQ_API qq_status qq_straight_through_gradient(const qq_tensor *g,
                                              const qq_tensor *x, void *out,
                                              size_t out_bytes, qq_tensor *view)
{
    qq_status status = qq_tensor_check(g);

    if (status != QQ_OK)
        return status;
    if (!x)
        return QQ_ERR_ARGUMENT;
    if (x->rank != g->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < g->rank; a++)
        if (g->shape[a] != x->shape[a])
            return QQ_ERR_SHAPE;
    const size_t bytes = qq_tensor_bytes(g);
    status = qqi_out_check(bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    if (bytes > 0)
        QQ_MEMMOVE(out, g->data, bytes);
    *view = qq_tensor_make(out, g->type, g->rank, g->shape);
    return QQ_OK;
}

// ==== array/given.h ====

// qquant floor 5: the public calls that make codes with scales that are given,
// and fake quantization.

// Scales of one byte are those of rule qquant.
QQI_FN int qqi_may_be_given(const qq_scheme *s, qq_type scale)
{
    return qqi_is_scale_type(scale) &&
           (s->rule == QQ_RULE_QQUANT || qq_type_bits(scale) > 8);
}

// Scale and zero point for x; the zero point has the scale's shape and the
// type of the codes.
QQI_FN qq_status qqi_check_given(const qq_tensor *x, const qq_scheme *s,
                                 const qq_tensor *scale,
                                 const qq_tensor *zero_point)
{
    size_t tile[QQ_MAX_RANK];
    qq_status status = qqi_check_pair(x, s, QQI_FORGIVEN | QQ_BAD_AFFINE);

    if (status == QQ_OK)
        status = qq_tensor_check(scale);
    if (status == QQ_OK && !qqi_may_be_given(s, scale->type))
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_tiles_of(x, scale, tile);
    if (status != QQ_OK || zero_point == NULL)
        return status;
    status = qq_tensor_check(zero_point);
    if (status != QQ_OK)
        return status;
    if (zero_point->type != qqi_type_storage(s->type) || !qqi_may_have_zeros(s))
        return QQ_ERR_TYPE;
    if (zero_point->rank != scale->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < scale->rank; a++) {
        if (zero_point->shape[a] != scale->shape[a])
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

QQ_API size_t qq_quantize_given_size(const qq_tensor *x, const qq_scheme *s,
                                     const qq_tensor *scale,
                                     const qq_tensor *zero_point)
{
    if (qqi_check_given(x, s, scale, zero_point) != QQ_OK ||
        qqi_rule_of(s->rule)->given_size == NULL)
        return SIZE_MAX;
    return qqi_rule_of(s->rule)->given_size(x, s, scale, zero_point);
}

QQ_API qq_status qq_quantize_given(const qq_tensor *x, const qq_scheme *s,
                                   const qq_tensor *scale,
                                   const qq_tensor *zero_point, void *out,
                                   size_t out_bytes, qq_array *view)
{
    qq_status status = qqi_check_given(x, s, scale, zero_point);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    if (rule->given == NULL)
        return QQ_ERR_UNSUPPORTED;
    const size_t bytes = rule->given_size(x, s, scale, zero_point);
    status = qqi_check_out(bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    return rule->given(x, s, scale, zero_point, out, view);
}

QQ_API qq_status qq_encode(const qq_tensor *x, const qq_scheme *s, void *out,
                           size_t out_bytes, qq_tensor *view)
{
    qq_status status = qqi_check_pair(x, s, QQI_FORGIVEN | QQ_BAD_SCALE_TYPE);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    if (rule->encode == NULL)
        return QQ_ERR_UNSUPPORTED;
    const qq_tensor codes =
        qq_tensor_make(out, rule->code_type(x, s), x->rank, x->shape);
    status = qqi_check_out(qq_tensor_bytes(&codes), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    status = rule->encode(x, s, out);
    if (status == QQ_OK)
        *view = codes;
    return status;
}

// --- there and back --------------------------------------------------------

QQ_API size_t qq_fake_quantize_scratch_size(const qq_tensor *x,
                                            const qq_scheme *s)
{
    const size_t bytes = qq_array_size(x, s);

    return bytes != SIZE_MAX && qqi_is_input_type(x->type) ? bytes : SIZE_MAX;
}

QQ_API qq_status qq_fake_quantize(const qq_tensor *x, const qq_scheme *s,
                                  void *out, size_t out_bytes, void *scratch,
                                  size_t scratch_bytes)
{
    qq_array array;
    qq_tensor view;
    qq_status status = qqi_check_pair(x, s, 0);

    if (status == QQ_OK && !qqi_is_input_type(x->type))
        status = QQ_ERR_TYPE;
    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    status = qqi_check_out(qq_tensor_bytes(x), out, out_bytes);
    if (status != QQ_OK)
        return status;
    const size_t bytes = rule->array_size(x, s);
    status = qqi_check_out(bytes, scratch, scratch_bytes);
    if (status != QQ_OK)
        return status == QQ_ERR_SIZE ? QQ_ERR_SCRATCH : status;
    status = rule->quantize(x, s, scratch, &array);
    if (status != QQ_OK)
        return status;
    return qq_dequantize(&array, s->rule, x->type, out, out_bytes, &view);
}

// ==== array/pick.h ====

// qquant floor 5: what an index wants of every axis, as NumPy reads it.
//
// Of an axis of n numbers i stands for number i, or n + i where i is negative;
// start:stop:step for start, start + step, ... before stop (behind it, where
// step is negative), both ends cut to the axis.

// What is wanted of an axis. A step beyond 1 only with a count above 1.
typedef struct qqi_pick {
    size_t start;
    size_t count;
    ptrdiff_t step;
    int drop; // the axis goes
} qqi_pick;

// What is wanted of an array; added[a] new axes stand before axis a, and
// added[rank] at the end.
typedef struct qqi_picks {
    qqi_pick axis[QQ_MAX_RANK];
    unsigned added[QQ_MAX_RANK + 1];
} qqi_picks;

QQI_INLINE size_t qqi_magnitude(ptrdiff_t v)
{
    return v < 0 ? (size_t)(-(v + 1)) + 1 : (size_t)v;
}

// One end of a slice, cut to the axis: a number of 0 ... n. Slices that run
// backwards count from 1 (plus is 1), so that 0 is the place before the first.
QQI_FN size_t qqi_slice_end(ptrdiff_t v, size_t n, size_t plus)
{
    const size_t m = qqi_magnitude(v);

    if (v < 0)
        return m > n ? 0 : n - m + plus;
    return m >= n ? n : m + plus;
}

// start:stop:step of an axis of n, as in Python.
QQI_FN qqi_pick qqi_pick_slice(const qq_index *index, size_t n)
{
    const size_t plus = index->step < 0;
    const size_t m = qqi_magnitude(index->step);
    qqi_pick p = {0, 0, 1, 0};

    const size_t from =
        index->has_start ? qqi_slice_end(index->start, n, plus) : plus * n;
    const size_t to =
        index->has_stop ? qqi_slice_end(index->stop, n, plus) : n - plus * n;
    const size_t low = plus ? to : from;
    const size_t high = plus ? from : to;
    if (low >= high)
        return p;
    p.start = plus ? high - 1 : low;
    p.count = (high - low - 1) / m + 1;
    if (p.count > 1)
        p.step = index->step;
    return p;
}

// One entry that stands for an axis of n.
QQI_FN qq_status qqi_pick_make(const qq_index *index, size_t n, qqi_pick *p)
{
    const qqi_pick all = {0, n, 1, 0};

    *p = all;
    if (index->kind == QQ_INDEX_SLICE) {
        if (index->step == 0)
            return QQ_ERR_ARGUMENT;
        *p = qqi_pick_slice(index, n);
    }
    if (index->kind == QQ_INDEX_AT) {
        const size_t m = qqi_magnitude(index->start);
        if (index->start < 0 ? m > n : m >= n)
            return QQ_ERR_SHAPE;
        p->start = index->start < 0 ? n - m : m;
        p->count = 1;
        p->drop = 1;
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_picks_make(const qq_tensor *t, const qq_index *index,
                                unsigned count, qqi_picks *p)
{
    unsigned used = 0;
    unsigned ellipses = 0;
    unsigned axis = 0;

    if (index == NULL && count > 0)
        return QQ_ERR_ARGUMENT;
    for (unsigned i = 0; i < count; i++) {
        const int kind = (int)index[i].kind;
        if (kind < QQ_INDEX_AT || kind > QQ_INDEX_ELLIPSIS)
            return QQ_ERR_ARGUMENT;
        ellipses += kind == QQ_INDEX_ELLIPSIS;
        used += kind <= QQ_INDEX_ALL;
    }
    if (used > t->rank || ellipses > 1)
        return QQ_ERR_AXIS;
    QQ_MEMSET(p, 0, sizeof *p);
    for (unsigned i = 0; i <= count; i++) {
        // An ellipsis, the end counts as one, stands for what is missing.
        const int last = i == count;
        const qq_index_kind kind = last ? QQ_INDEX_ELLIPSIS : index[i].kind;
        if (kind == QQ_INDEX_NEW) {
            p->added[axis]++;
        } else if (kind != QQ_INDEX_ELLIPSIS) {
            const qq_status status =
                qqi_pick_make(&index[i], t->shape[axis], &p->axis[axis]);
            if (status != QQ_OK)
                return status;
            axis++;
        } else {
            for (; used < t->rank; used++, axis++) {
                p->axis[axis].count = t->shape[axis];
                p->axis[axis].step = 1;
            }
        }
    }
    return QQ_OK;
}

// ==== array/index.h ====

// qquant floor 5: parts of an array: a[index...].
//
// An index is resolved once, for the numbers (array/pick.h). Each part of the
// array then takes what covers them: the same where it has an element for
// every number, its only element where it has one, else whole tiles.

// What a part takes of an axis when p is wanted of the numbers; 0 where that
// would cut a tile. strict: Qwix's rule, all of a tiled axis or one of it.
QQI_FN int qqi_pick_part(const qq_array *a, int part, unsigned axis, int strict,
                         qqi_pick *p)
{
    const size_t n = a->value.shape[axis];
    const size_t count = qqi_part_of(a, part)->shape[axis];
    const size_t tile = qqi_part_tile(a, part, axis);
    const int whole = p->count == n && p->step == 1;

    if (count == n)
        return 1;
    if (whole || count == 1) {
        p->start = 0;
        p->count = count;
        p->step = 1;
        return 1;
    }
    const size_t end = p->start + p->count;
    const int cut =
        p->step != 1 || p->start % tile != 0 || (end % tile != 0 && end != n);
    if (!p->drop && (strict || (p->count > 0 && cut)))
        return 0;
    p->count = p->count / tile + (p->count % tile != 0);
    p->start /= tile;
    return 1;
}

// The shape and tiles of a part of the result r.
QQI_FN int qqi_index_part(const qq_array *a, const qqi_picks *picks, int strict,
                          int part, qq_array *r)
{
    qq_tensor *to = qqi_part(r, part);
    unsigned rank = 0;

    for (unsigned i = 0; i <= a->value.rank; i++) {
        for (unsigned k = 0; k < picks->added[i]; k++) {
            if (rank == QQ_MAX_RANK)
                return 0;
            qqi_part_set_tile(r, part, rank, 1);
            to->shape[rank++] = 1;
        }
        if (i == a->value.rank)
            break;
        const size_t wanted = picks->axis[i].count;
        qqi_pick p = picks->axis[i];
        if (!qqi_pick_part(a, part, i, strict, &p))
            return 0;
        if (p.drop)
            continue;
        if (rank == QQ_MAX_RANK)
            return 0;
        size_t tile = qqi_part_tile(a, part, i);
        tile = tile < wanted ? tile : wanted;
        qqi_part_set_tile(r, part, rank, tile > 0 ? tile : 1);
        to->shape[rank++] = p.count;
    }
    to->rank = rank;
    return 1;
}

// Everything but the moving: what is wanted, and the result's shapes.
QQI_FN qq_status qqi_index_plan(const qq_array *a, qq_rule rule,
                                const qq_index *index, unsigned count,
                                qqi_picks *picks, qq_array *r)
{
    const int strict = rule == QQ_RULE_QWIX || rule == QQ_RULE_QWIX_RELEASE;
    const qq_status status = qqi_parts_check(a);

    if (status != QQ_OK)
        return status;
    if ((int)rule < QQ_RULE_QQUANT || (int)rule > QQ_RULE_FJFORMER)
        return QQ_ERR_ARGUMENT;
    const qq_status bad = qqi_picks_make(&a->value, index, count, picks);
    if (bad != QQ_OK)
        return bad;
    *r = *a;
    for (int part = 0; part < QQI_PARTS; part++)
        if (qqi_has_part(a, part) && !qqi_index_part(a, picks, strict, part, r))
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

QQ_API size_t qq_array_index_size(const qq_array *a, qq_rule rule,
                                  const qq_index *index, unsigned count)
{
    qqi_picks picks;
    qq_array r;

    if (qqi_index_plan(a, rule, index, count, &picks, &r) != QQ_OK)
        return SIZE_MAX;
    return qqi_parts_bytes(&r);
}

// Moves one part to out.
QQI_NOINLINE qq_status qqi_index_move(const qq_array *a, const qqi_picks *picks,
                                      int part, void *out, size_t bytes)
{
    size_t start[QQ_MAX_RANK], count[QQ_MAX_RANK];
    ptrdiff_t step[QQ_MAX_RANK];
    qq_tensor moved;

    for (unsigned i = 0; i < a->value.rank; i++) {
        qqi_pick p = picks->axis[i];
        (void)qqi_pick_part(a, part, i, 0, &p);
        start[i] = p.start;
        count[i] = p.count;
        step[i] = p.step;
    }
    return qq_tensor_slice(qqi_part_of(a, part), start, count, step, out, bytes,
                           &moved);
}

QQ_API qq_status qq_array_index(const qq_array *a, qq_rule rule,
                                const qq_index *index, unsigned count,
                                void *out, size_t out_bytes, qq_array *view)
{
    qqi_picks picks;
    qq_array r;
    qq_status status = qqi_index_plan(a, rule, index, count, &picks, &r);

    if (status != QQ_OK)
        return status;
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_parts_place(&r, out);
    for (int part = 0; part < QQI_PARTS && status == QQ_OK; part++)
        if (qqi_has_part(a, part))
            status =
                qqi_index_move(a, &picks, part, qqi_part_out(&r, part, out),
                               qq_tensor_bytes(qqi_part_of(&r, part)));
    if (status == QQ_OK)
        *view = r;
    return status;
}

// ==== array/move.h ====

// qquant floor 5: moves of numbers: transpose, slice, repeat, concatenate.
//
// None looks at what a code means; all widths move alike.

// How far neighbours along each axis lie apart; no size is 0.
QQI_FN void qqi_tensor_strides(const qq_tensor *t, size_t *stride)
{
    size_t step = 1;

    for (unsigned a = t->rank; a > 0; a--) {
        stride[a - 1] = step;
        step *= t->shape[a - 1];
    }
}

// Fills out by the walk and *view with the result.
QQI_FN void qqi_move(const qq_tensor *t, const qqi_walk *w, void *out,
                     const qq_tensor *result, qq_tensor *view)
{
    if (qq_tensor_count(result) > 0)
        qqi_gather(t->type, t->data, w, out);
    *view = *result;
}

QQ_API qq_status qq_tensor_transpose(const qq_tensor *t, const unsigned *axes,
                                     void *out, size_t out_bytes,
                                     qq_tensor *view)
{
    size_t shape[QQ_MAX_RANK] = {0};
    size_t stride[QQ_MAX_RANK] = {0};
    unsigned seen = 0;
    qqi_walk w = {{0}, {0}, 0, 0};
    qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    if (t->rank > 0 && !axes)
        return QQ_ERR_ARGUMENT;
    for (unsigned a = 0; a < t->rank; a++) {
        if (axes[a] >= t->rank || (seen >> axes[a] & 1))
            return QQ_ERR_AXIS;
        seen |= 1u << axes[a];
        shape[a] = t->shape[axes[a]];
    }
    const qq_tensor result = qq_tensor_make(out, t->type, t->rank, shape);
    status = qqi_tensor_fits(&result, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    if (qq_tensor_count(t) > 0)
        qqi_tensor_strides(t, stride);
    for (unsigned a = 0; a < t->rank; a++)
        qqi_walk_add(&w, shape[a], stride[axes[a]]);
    qqi_move(t, &w, out, &result, view);
    return QQ_OK;
}

// Whether count numbers from start on, step apart, lie below size.
QQI_FN qq_status qqi_slice_check(size_t size, size_t start, size_t count,
                                 ptrdiff_t step)
{
    if (count == 0)
        return QQ_OK;
    if (start >= size)
        return QQ_ERR_SHAPE;
    if (count == 1)
        return QQ_OK;
    if (step == 0)
        return QQ_ERR_ARGUMENT;
    // -(step + 1) + 1: the magnitude of the smallest ptrdiff_t, too.
    const size_t far = step > 0 ? (size_t)step : (size_t)(-(step + 1)) + 1;
    const size_t room = step > 0 ? size - 1 - start : start;
    return count - 1 > room / far ? QQ_ERR_SHAPE : QQ_OK;
}

QQ_API qq_status qq_tensor_slice(const qq_tensor *t, const size_t *start,
                                 const size_t *count, const ptrdiff_t *step,
                                 void *out, size_t out_bytes, qq_tensor *view)
{
    size_t stride[QQ_MAX_RANK] = {0};
    qqi_walk w = {{0}, {0}, 0, 0};
    qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    if (t->rank > 0 && (!start || !count || !step))
        return QQ_ERR_ARGUMENT;
    for (unsigned a = 0; a < t->rank; a++) {
        status = qqi_slice_check(t->shape[a], start[a], count[a], step[a]);
        if (status != QQ_OK)
            return status;
    }
    const qq_tensor result = qq_tensor_make(out, t->type, t->rank, count);
    status = qqi_tensor_fits(&result, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    if (qq_tensor_count(&result) > 0)
        qqi_tensor_strides(t, stride);
    for (unsigned a = 0; a < t->rank; a++) {
        const size_t far = qqi_wrap_mul_size((size_t)step[a], stride[a]);
        w.start =
            qqi_wrap_add_size(w.start, qqi_wrap_mul_size(start[a], stride[a]));
        qqi_walk_add(&w, count[a], far);
    }
    qqi_move(t, &w, out, &result, view);
    return QQ_OK;
}

QQ_API qq_status qq_tensor_repeat(const qq_tensor *t, const size_t *shape,
                                  void *out, size_t out_bytes, qq_tensor *view)
{
    size_t stride[QQ_MAX_RANK] = {0};
    qqi_walk w = {{0}, {0}, 0, 0};
    qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    if (t->rank > 0 && !shape)
        return QQ_ERR_ARGUMENT;
    for (unsigned a = 0; a < t->rank; a++)
        if (t->shape[a] == 0 ? shape[a] != 0 : shape[a] % t->shape[a] != 0)
            return QQ_ERR_SHAPE;
    const qq_tensor result = qq_tensor_make(out, t->type, t->rank, shape);
    status = qqi_tensor_fits(&result, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    if (qq_tensor_count(&result) > 0) {
        qqi_tensor_strides(t, stride);
        for (unsigned a = 0; a < t->rank; a++) {
            qqi_walk_add(&w, t->shape[a], stride[a]);
            qqi_walk_add(&w, shape[a] / t->shape[a], 0);
        }
    }
    qqi_move(t, &w, out, &result, view);
    return QQ_OK;
}

// Whether the parts agree; their sizes along axis are added up.
QQI_FN qq_status qqi_concatenate_check(const qq_tensor *const *parts, size_t n,
                                       unsigned axis, size_t *shape)
{
    if (!parts || n == 0)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        const qq_status status = qq_tensor_check(parts[i]);
        if (status != QQ_OK)
            return status;
        if (parts[i]->type != parts[0]->type)
            return QQ_ERR_TYPE;
        if (parts[i]->rank != parts[0]->rank)
            return QQ_ERR_SHAPE;
    }
    if (axis >= parts[0]->rank)
        return QQ_ERR_AXIS;
    for (unsigned a = 0; a < parts[0]->rank; a++)
        shape[a] = parts[0]->shape[a];
    for (size_t i = 1; i < n; i++) {
        for (unsigned a = 0; a < parts[0]->rank; a++)
            if (a != axis && parts[i]->shape[a] != shape[a])
                return QQ_ERR_SHAPE;
        if (!qqi_add_size(shape[axis], parts[i]->shape[axis], &shape[axis]))
            return QQ_ERR_SIZE;
    }
    return QQ_OK;
}

QQ_API qq_status qq_tensor_concatenate(const qq_tensor *const *parts, size_t n,
                                       unsigned axis, void *out,
                                       size_t out_bytes, qq_tensor *view)
{
    size_t shape[QQ_MAX_RANK] = {0};
    qq_status status = qqi_concatenate_check(parts, n, axis, shape);

    if (status != QQ_OK)
        return status;
    const qq_type type = parts[0]->type;
    const unsigned rank = parts[0]->rank;
    const qq_tensor result = qq_tensor_make(out, type, rank, shape);
    status = qqi_tensor_fits(&result, out, out_bytes, view);
    if (status != QQ_OK)
        return status;

    const size_t count = qq_tensor_count(&result);
    const size_t outer = qqi_shape_count(axis, shape);
    const size_t inner = qqi_shape_count(rank - axis - 1, shape + axis + 1);
    size_t first = 0;
    for (size_t o = 0; count > 0 && o < outer; o++)
        for (size_t i = 0; i < n; i++) {
            const size_t run = parts[i]->shape[axis] * inner;
            if (run > 0)
                qqi_gather_row(type, parts[i]->data, o * run, 1, run, first,
                               out);
            first += run;
        }
    *view = result;
    return QQ_OK;
}

// ==== array/pairwise.h ====

// qquant floor 5: sums and products of two tensors whose sizes divide.
//
// Along an axis of n and m numbers, m a multiple of n, number i of the result
// is made of number i of the longer and number i / (m / n) of the shorter: the
// shorter has one for every tile (array/tile.h) of the result.

// x to nearest even as number i of an array of that type (f32, f16, bf16).
QQI_FN void qqi_store_float(qq_type type, void *out, size_t i, float x)
{
    uint8_t *p = (uint8_t *)out;

    if (type == QQ_TYPE_F32)
        qqi_store_f32(p + 4 * i, x);
    else if (type == QQ_TYPE_F16)
        qqi_store_u16(p + 2 * i, qqi_f16_from_f32(x));
    else
        qqi_store_u16(p + 2 * i, qqi_bf16_from_f32(x));
}

// Shape of the result; 0 where an axis of one is no multiple of the other's.
QQI_FN int qqi_common_shape(const qq_tensor *x, const qq_tensor *y,
                            size_t *shape)
{
    if (x->rank != y->rank)
        return 0;
    for (unsigned i = 0; i < x->rank; i++) {
        const size_t n = x->shape[i];
        const size_t m = y->shape[i];
        if (n == 1 || m == 1)
            shape[i] = n == 1 ? m : n;
        else if (n == m || (m != 0 && n > m && n % m == 0))
            shape[i] = n;
        else if (n != 0 && m > n && m % n == 0)
            shape[i] = m;
        else
            return 0;
    }
    return 1;
}

QQI_FN qq_status qqi_operands_check(const qq_tensor *x, const qq_tensor *y,
                                    qq_tensor *r)
{
    qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    if (x->type != QQ_TYPE_F32 && x->type != QQ_TYPE_F16 &&
        x->type != QQ_TYPE_BF16)
        return QQ_ERR_TYPE;
    status = qq_tensor_check(y);
    if (status != QQ_OK)
        return status;
    if (y->type != x->type)
        return QQ_ERR_TYPE;
    *r = *x;
    return qqi_common_shape(x, y, r->shape) ? QQ_OK : QQ_ERR_SHAPE;
}

QQ_API size_t qq_broadcast_size(const qq_tensor *x, const qq_tensor *y)
{
    qq_tensor r;

    if (qqi_operands_check(x, y, &r) != QQ_OK)
        return SIZE_MAX;
    return qq_tensor_bytes(&r);
}

// The way through an operand of a result of shape r.
QQI_FN void qqi_operand_begin(struct qqi_tiling *t, struct qqi_cursor *c,
                              const qq_tensor *x, const qq_tensor *r)
{
    size_t tile[QQ_MAX_RANK] = {0};

    for (unsigned i = 0; i < r->rank; i++)
        tile[i] = x->shape[i] == 1 ? r->shape[i] : r->shape[i] / x->shape[i];
    qqi_tiling_make(t, r->rank, r->shape, tile);
    qqi_cursor_begin(c, t);
}

// In f32 the products of two halves are exact, and their sums, and those of
// bfloat16, have bits enough for the second rounding to be as if it were the
// only one.
QQI_FN float qqi_broadcast_step(qq_broadcast_op op, float x, float y)
{
    if (op == QQ_BROADCAST_MULTIPLY)
        return qqi_mul_f32(x, y);
    return op == QQ_BROADCAST_ADD ? x + y : x - y;
}

// Fills r, which is not empty.
QQI_NOINLINE void qqi_broadcast_fill(qq_broadcast_op op, const qq_tensor *x,
                                     const qq_tensor *y, const qq_tensor *r,
                                     void *out)
{
    struct qqi_tiling tx, ty;
    struct qqi_cursor cx, cy;

    qqi_operand_begin(&tx, &cx, x, r);
    qqi_operand_begin(&ty, &cy, y, r);
    for (size_t k = 0; k < tx.numbers; k++) {
        size_t i, j;
        (void)qqi_cursor_next(&cx, 1, &i);
        (void)qqi_cursor_next(&cy, 1, &j);
        const float z = qqi_broadcast_step(op, qq_tensor_value(x, i),
                                           qq_tensor_value(y, j));
        qqi_store_float(r->type, out, k, qqi_canon_f32(z));
    }
}

QQ_API qq_status qq_broadcast_apply(qq_broadcast_op op, const qq_tensor *x,
                                    const qq_tensor *y, void *out,
                                    size_t out_bytes, qq_tensor *view)
{
    qq_tensor r;

    if ((int)op < QQ_BROADCAST_MULTIPLY || (int)op > QQ_BROADCAST_SUBTRACT)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_operands_check(x, y, &r);
    if (status != QQ_OK)
        return status;
    const size_t bytes = qq_tensor_bytes(&r);
    status = qqi_out_check(bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    r.data = out;
    if (bytes > 0)
        qqi_broadcast_fill(op, x, y, &r, out);
    *view = r;
    return QQ_OK;
}

// ==== array/product.h ====

// qquant floor 5: the types of a product.

QQI_FN qq_kind qqi_kind_of(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row != NULL ? row->info.kind : QQ_KIND_NONE;
}

// Codes of books are places, and so integers.
QQI_FN int qqi_counts_as_integer(qq_type type)
{
    const qq_kind kind = qqi_kind_of(type);

    return kind == QQ_KIND_INTEGER || kind == QQ_KIND_BOOK;
}

// The plain type that an operand counts as.
QQI_FN qq_type qqi_operand_type(qq_type type, qq_type scale)
{
    if (scale != QQ_TYPE_NONE)
        return scale;
    if (qqi_kind_of(type) == QQ_KIND_FLOAT)
        return type;
    if (!qqi_counts_as_integer(type))
        return QQ_TYPE_BF16;
    return type == QQ_TYPE_INT16 ? QQ_TYPE_INT16 : QQ_TYPE_INT32;
}

// From int16 up to f64; f16 and bf16 stand side by side.
QQI_FN int qqi_plain_rank(qq_type type)
{
    switch ((int)type) {
    case QQ_TYPE_INT16:
        return 1;
    case QQ_TYPE_INT32:
        return 2;
    case QQ_TYPE_F16:
    case QQ_TYPE_BF16:
        return 3;
    case QQ_TYPE_F32:
        return 4;
    case QQ_TYPE_F64:
        return 5;
    default:
        return 0;
    }
}

QQ_API qq_status qq_product_types(qq_type lhs, qq_type lhs_scale, qq_type rhs,
                                  qq_type rhs_scale, qq_type preferred,
                                  qq_type *accumulator, qq_type *result)
{
    const qq_type a = qqi_operand_type(lhs, lhs_scale);
    const qq_type b = qqi_operand_type(rhs, rhs_scale);
    const int rank_a = qqi_plain_rank(a);
    const int rank_b = qqi_plain_rank(b);
    qq_type common = rank_a > rank_b ? a : b;

    if (rank_a == 0 || rank_b == 0 ||
        (preferred != QQ_TYPE_NONE && qqi_plain_rank(preferred) == 0))
        return QQ_ERR_TYPE;
    if (accumulator == NULL || result == NULL)
        return QQ_ERR_ARGUMENT;
    if (rank_a == rank_b && a != b)
        common = QQ_TYPE_F32;
    *result = preferred != QQ_TYPE_NONE ? preferred : common;
    *accumulator = qqi_counts_as_integer(lhs) && qqi_counts_as_integer(rhs)
                       ? QQ_TYPE_INT32
                       : *result;
    return QQ_OK;
}

// ==== array/reshape.h ====

// qquant floor 5: another shape over the same bytes.
//
// Old and new sizes are split into groups of equal product, each as small as
// can be: a group begins with the next old size, if that is not above the next
// new one, else with the new one; while the two products differ the smaller
// takes its next size. So a 1 at the start of a group is a group of its own,
// [1] -> [] or [] -> [1]. In a group old -> new, c being the sizes of a scale
// on the old axes, the first that fits decides:
//
//   c is old                    the scale's new sizes are the new ones
//   all of c is 1               they are 1
//   c is (c0, 1 ... 1) and c0     they are (c0, 1 ... 1)
//   divides new[0]
//
// and else there is no such reshape. Where an axis ends in a short tile only a
// group of this axis alone can keep it, as it is. A size of 0 never makes the
// products equal, so arrays without numbers are refused.
// (Qwix's QArray.reshape, and short tiles, which Qwix does not have.)

// Axes from ... from_end - 1 of the old shape, to ... to_end - 1 of the new.
typedef struct qqi_group {
    unsigned from, from_end;
    unsigned to, to_end;
} qqi_group;

// The group behind *g, whose ends are its beginnings; 0 where the products
// cannot become equal. Both counts are the same.
QQI_FN int qqi_group_next(const qq_tensor *old, const qq_tensor *now,
                          qqi_group *g)
{
    size_t po = 1;
    size_t pn = 1;
    int first = 1;

    g->from = g->from_end;
    g->to = g->to_end;
    while (first || po != pn) {
        int take_old = po < pn;
        if (first)
            take_old = g->from < old->rank &&
                       (g->to == now->rank ||
                        old->shape[g->from] <= now->shape[g->to]);
        first = 0;
        // Each product divides the count, or is 0: nothing overflows.
        if (take_old) {
            if (g->from_end == old->rank)
                return 0;
            po *= old->shape[g->from_end++];
        } else {
            if (g->to_end == now->rank)
                return 0;
            pn *= now->shape[g->to_end++];
        }
    }
    return 1;
}

// Writes the sizes and tiles of a part of r on the new axes of a group; 0
// where the part cannot follow.
QQI_FN int qqi_group_part(const qq_array *a, const qqi_group *g, int part,
                          qq_array *r)
{
    const qq_tensor *c = qqi_part_of(a, part);
    qq_tensor *to = qqi_part(r, part);
    int same = 1;
    int ones = 1;  // all of c is 1
    int rest = 1;  // all of c but the first is
    int whole = 1; // no axis ends in a short tile

    for (unsigned i = g->from; i < g->from_end; i++) {
        const size_t n = a->value.shape[i];
        same &= c->shape[i] == n;
        ones &= c->shape[i] == 1;
        rest &= c->shape[i] == 1 || i == g->from;
        whole &= n % qqi_part_tile(a, part, i) == 0;
    }
    const int alone = g->from_end - g->from == 1 && g->to_end - g->to == 1;
    const size_t first = g->from < g->from_end ? c->shape[g->from] : 1;
    const size_t lead = g->to < g->to_end ? r->value.shape[g->to] : 1;
    if (!same && !ones && !alone && !(rest && whole && lead % first == 0))
        return 0;
    for (unsigned i = g->to; i < g->to_end; i++) {
        const size_t n = r->value.shape[i];
        size_t count = i == g->to ? first : 1;
        if (same)
            count = n;
        to->shape[i] = count;
        qqi_part_set_tile(r, part, i,
                          alone ? qqi_part_tile(a, part, g->from) : n / count);
    }
    return 1;
}

QQ_API qq_status qq_array_reshape(const qq_array *a, unsigned rank,
                                  const size_t *shape, qq_array *view)
{
    const qq_status status = qqi_parts_check(a);
    qqi_group g = {0, 0, 0, 0};

    if (status != QQ_OK)
        return status;
    if ((shape == NULL && rank > 0) || view == NULL)
        return QQ_ERR_ARGUMENT;
    if (rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    qq_array r = *a;
    r.value = qq_tensor_make(a->value.data, a->value.type, rank, shape);
    const size_t count = qq_tensor_count(&a->value);
    if (count != qq_tensor_count(&r.value) || count == 0)
        return QQ_ERR_SHAPE;
    while (g.from_end < a->value.rank || g.to_end < rank) {
        if (!qqi_group_next(&a->value, &r.value, &g))
            return QQ_ERR_SHAPE;
        for (int part = 0; part < QQI_PART_CODES; part++)
            if (qqi_has_part(a, part) && !qqi_group_part(a, &g, part, &r))
                return QQ_ERR_SHAPE;
    }
    for (int part = 0; part < QQI_PART_CODES; part++)
        if (qqi_has_part(a, part))
            qqi_part(&r, part)->rank = rank;
    *view = r;
    return QQ_OK;
}

// ==== array/stat_head.h ====

// qquant floor 5: the head of statistics: which scales they belong to.
//
//   statistics: a head, then a struct qqi_stat for every scale
//
// in memory that need not be aligned, in the machine's byte order.

struct qqi_stat_head {
    uint32_t magic; // "qqst"
    uint32_t rank;
    uint64_t shape[QQ_MAX_RANK]; // of the scales; 0 beyond the rank
};

#define QQI_STAT_MAGIC 0x74737171u

// The head for arrays of a shape; the number of scales.
QQI_FN qq_status qqi_stat_head_make(struct qqi_stat_head *h, const qq_scheme *s,
                                    unsigned rank, const size_t *shape,
                                    size_t *tile, size_t *tiles)
{
    size_t count[QQ_MAX_RANK];

    if (rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    if (rank > 0 && shape == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_status_of_bad(qqi_check_axes(s, rank, shape));
    if (status != QQ_OK)
        return status;
    qqi_scheme_tiles(s, rank, shape, tile, count);
    QQ_MEMSET(h, 0, sizeof *h);
    h->magic = QQI_STAT_MAGIC;
    h->rank = rank;
    for (unsigned a = 0; a < rank; a++)
        h->shape[a] = count[a];
    *tiles = qqi_shape_count(rank, count);
    return QQ_OK;
}

QQI_FN size_t qqi_stat_bytes(size_t tiles)
{
    size_t bytes = 0;

    if (tiles == SIZE_MAX ||
        !qqi_mul_size(tiles, sizeof(struct qqi_stat), &bytes) ||
        !qqi_add_size(bytes, sizeof(struct qqi_stat_head), &bytes))
        return SIZE_MAX;
    return bytes;
}

// The head of statistics that are there, and how many they are.
QQI_FN qq_status qqi_stat_head_read(const void *statistics, size_t bytes,
                                    struct qqi_stat_head *h, size_t *tiles)
{
    if (statistics == NULL)
        return QQ_ERR_ARGUMENT;
    if (bytes < sizeof *h)
        return QQ_ERR_SIZE;
    QQ_MEMCPY(h, statistics, sizeof *h);
    if (h->magic != QQI_STAT_MAGIC || h->rank > QQ_MAX_RANK)
        return QQ_ERR_FORMAT;
    *tiles = 1;
    for (unsigned a = 0; a < h->rank; a++) {
        if (h->shape[a] > SIZE_MAX ||
            !qqi_mul_size(*tiles, (size_t)h->shape[a], tiles))
            return QQ_ERR_FORMAT;
    }
    return bytes < qqi_stat_bytes(*tiles) ? QQ_ERR_SIZE : QQ_OK;
}

QQI_FN int qqi_stat_same_head(const struct qqi_stat_head *a,
                              const struct qqi_stat_head *b)
{
    int same = a->rank == b->rank;

    for (unsigned i = 0; i < QQ_MAX_RANK; i++)
        same = same && a->shape[i] == b->shape[i];
    return same;
}

// ==== array/statistics.h ====

// qquant floor 5: calibration of data that comes in pieces.
//
// What is kept serves absmax, minmax, rms and absmean alike, so the calibration
// may be chosen at the end.

// What can be made of statistics: rule qquant, and one look at each number.
QQI_FN qq_status qqi_stat_scheme(const qq_scheme *s)
{
    uint32_t bad = 0;

    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_scheme_judge(s, NULL, 0, &bad);
    if (status != QQ_OK)
        return status;
    if (s->rule != QQ_RULE_QQUANT)
        return QQ_ERR_UNSUPPORTED;
    const qq_calibration *c = &s->calibration;
    const int once = c->method == QQ_CALIB_ABSMAX ||
                     c->method == QQ_CALIB_MINMAX ||
                     c->method == QQ_CALIB_RMS ||
                     (c->method == QQ_CALIB_ABSMEAN && qqi_calib_power(c) <= 2);
    return once ? QQ_OK : QQ_ERR_UNSUPPORTED;
}

QQ_API size_t qq_statistics_size(const qq_scheme *s, unsigned rank,
                                 const size_t *shape)
{
    struct qqi_stat_head h;
    size_t tile[QQ_MAX_RANK];
    size_t tiles = 0;

    if (qqi_stat_scheme(s) != QQ_OK ||
        qqi_stat_head_make(&h, s, rank, shape, tile, &tiles) != QQ_OK)
        return SIZE_MAX;
    return qqi_stat_bytes(tiles);
}

QQ_API qq_status qq_statistics_init(const qq_scheme *s, unsigned rank,
                                    const size_t *shape, void *statistics,
                                    size_t bytes)
{
    struct qqi_stat_head h;
    size_t tile[QQ_MAX_RANK];
    size_t tiles = 0;

    qq_status status = qqi_stat_scheme(s);
    if (status == QQ_OK)
        status = qqi_stat_head_make(&h, s, rank, shape, tile, &tiles);
    if (status == QQ_OK)
        status = qqi_check_out(qqi_stat_bytes(tiles), statistics, bytes);
    if (status != QQ_OK)
        return status;
    // Zeros are no numbers, extremes and sums of 0.
    QQ_MEMSET(statistics, 0, qqi_stat_bytes(tiles));
    QQ_MEMCPY(statistics, &h, sizeof h);
    return QQ_OK;
}

// Adds the numbers of x to the stats at p.
QQI_NOINLINE void qqi_stat_update(const struct qqi_tiling *t,
                                  const qq_tensor *x, uint8_t *p)
{
    struct qqi_stat stat[QQI_LANES_MOST];
    const size_t size = sizeof *stat;

    for (size_t tile = 0; tile < t->tiles;) {
        const size_t left = t->tiles - tile;
        const size_t most = left < QQI_LANES_MOST ? left : QQI_LANES_MOST;
        QQ_MEMCPY(stat, p + size * tile, size * most);
        const size_t n =
            qqi_stat_patch(t, x, tile, QQI_STAT_EXTREMES | QQI_STAT_SUMS, stat);
        QQ_MEMCPY(p + size * tile, stat, size * n);
        tile += n;
    }
}

QQ_API qq_status qq_statistics_update(void *statistics, size_t bytes,
                                      const qq_tensor *x, const qq_scheme *s)
{
    struct qqi_stat_head h;
    struct qqi_stat_head wanted;
    struct qqi_tiling t;
    size_t tile[QQ_MAX_RANK];
    size_t tiles = 0;
    size_t found = 0;

    qq_status status = qqi_stat_head_read(statistics, bytes, &h, &tiles);
    if (status == QQ_OK)
        status = qqi_check_pair(x, s, 0);
    if (status == QQ_OK)
        status = qqi_stat_scheme(s);
    if (status == QQ_OK)
        status =
            qqi_stat_head_make(&wanted, s, x->rank, x->shape, tile, &found);
    if (status != QQ_OK)
        return status;
    if (qq_tensor_count(x) == 0)
        return QQ_OK;
    if (!qqi_stat_same_head(&h, &wanted))
        return QQ_ERR_SHAPE;
    qqi_tiling_make(&t, x->rank, x->shape, tile);
    qqi_stat_update(&t, x, (uint8_t *)statistics + sizeof h);
    return QQ_OK;
}

QQ_API qq_status qq_statistics_merge(void *into, size_t into_bytes,
                                     const void *from, size_t from_bytes)
{
    struct qqi_stat_head h;
    struct qqi_stat_head other;
    size_t tiles = 0;
    size_t others = 0;

    qq_status status = qqi_stat_head_read(into, into_bytes, &h, &tiles);
    if (status == QQ_OK)
        status = qqi_stat_head_read(from, from_bytes, &other, &others);
    if (status != QQ_OK)
        return status;
    if (!qqi_stat_same_head(&h, &other))
        return QQ_ERR_SHAPE;
    for (size_t i = 0; i < tiles; i++) {
        const size_t at = sizeof h + i * sizeof(struct qqi_stat);
        struct qqi_stat a, b;
        QQ_MEMCPY(&a, (uint8_t *)into + at, sizeof a);
        QQ_MEMCPY(&b, (const uint8_t *)from + at, sizeof b);
        a.count += b.count;
        a.min = b.min < a.min ? b.min : a.min;
        a.max = b.max > a.max ? b.max : a.max;
        a.sum += b.sum;
        a.squares += b.squares;
        QQ_MEMCPY((uint8_t *)into + at, &a, sizeof a);
    }
    return QQ_OK;
}

QQ_API qq_status qq_statistics_bounds(const void *statistics, size_t bytes,
                                      const qq_scheme *s, void *out,
                                      size_t out_bytes, qq_bounds *view)
{
    struct qqi_stat_head h;
    qq_tensor scale;
    size_t shape[QQ_MAX_RANK] = {0};
    size_t tiles = 0;

    qq_status status = qqi_stat_head_read(statistics, bytes, &h, &tiles);
    if (status == QQ_OK)
        status = qqi_stat_scheme(s);
    if (status != QQ_OK)
        return status;
    const int asymmetric = qqi_calib_is_asymmetric(&s->calibration);
    const size_t need =
        tiles > SIZE_MAX / 8 ? SIZE_MAX : tiles * (asymmetric ? 8 : 4);
    status = qqi_check_out(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    for (unsigned a = 0; a < h.rank; a++)
        shape[a] = (size_t)h.shape[a];
    scale = qq_tensor_make(NULL, QQ_TYPE_F32, h.rank, shape);
    uint8_t *low = (uint8_t *)out;
    uint8_t *high = (uint8_t *)qqi_bounds_high(&scale, asymmetric, out);
    for (size_t i = 0; i < tiles; i++) {
        struct qqi_stat t;
        QQ_MEMCPY(&t, (const uint8_t *)statistics + sizeof h + i * sizeof t,
                  sizeof t);
        const struct qqi_bound b = qqi_bound_of_stat(&s->calibration, &t);
        qqi_store_f32(low + 4 * i, b.min);
        qqi_store_f32(high + 4 * i, b.max);
    }
    qqi_bounds_view(&scale, asymmetric, out, view);
    return QQ_OK;
}

// ==== array/take.h ====

// qquant floor 5: rows of an array by their numbers.
//
// Scales of which the axis has one for every number are gathered with them;
// where it has one for all, it stays.

// The shapes and tiles of the result; QQ_ERR_SHAPE where the axis is tiled.
QQI_FN qq_status qqi_take_plan(const qq_array *a, int axis, size_t count,
                               unsigned *at, qq_array *r)
{
    const qq_status status = qqi_parts_check(a);

    if (status != QQ_OK)
        return status;
    if (!qqi_axis(axis, a->value.rank, at))
        return QQ_ERR_AXIS;
    const size_t n = a->value.shape[*at];
    *r = *a;
    for (int part = 0; part < QQI_PARTS; part++) {
        qq_tensor *t = qqi_part(r, part);
        if (t->type == QQ_TYPE_NONE)
            continue;
        const int one = t->shape[*at] == 1 && part != QQI_PART_CODES;
        if (!one && t->shape[*at] != n)
            return QQ_ERR_SHAPE;
        if (!one)
            t->shape[*at] = count;
        qqi_part_set_tile(r, part, *at, one && count > 0 ? count : 1);
    }
    return QQ_OK;
}

QQ_API size_t qq_array_take_size(const qq_array *a, int axis, size_t count)
{
    unsigned at;
    qq_array r;

    if (qqi_take_plan(a, axis, count, &at, &r) != QQ_OK)
        return SIZE_MAX;
    return qqi_parts_bytes(&r);
}

// Rows index[...] of an axis of t, into a result that is not empty.
QQI_FN void qqi_take_move(const qq_tensor *t, unsigned axis, size_t count,
                          const size_t *index, void *out)
{
    const size_t outer = qqi_shape_count(axis, t->shape);
    const size_t inner =
        qqi_shape_count(t->rank - axis - 1, t->shape + axis + 1);
    size_t to = 0;

    for (size_t i = 0; i < outer; i++)
        for (size_t k = 0; k < count; k++, to += inner) {
            const size_t row = i * t->shape[axis] + index[k];
            qqi_gather_row(t->type, t->data, row * inner, 1, inner, to, out);
        }
}

QQ_API qq_status qq_array_take(const qq_array *a, int axis, size_t count,
                               const size_t *index, void *out, size_t out_bytes,
                               qq_array *view)
{
    unsigned at;
    qq_array r;
    qq_status status = qqi_take_plan(a, axis, count, &at, &r);

    if (status != QQ_OK)
        return status;
    if (index == NULL && count > 0)
        return QQ_ERR_ARGUMENT;
    for (size_t k = 0; k < count; k++)
        if (index[k] >= a->value.shape[at])
            return QQ_ERR_SHAPE;
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_parts_place(&r, out);
    for (int part = 0; part < QQI_PARTS; part++) {
        const qq_tensor *t = qqi_part_of(a, part);
        void *to = qqi_part_out(&r, part, out);
        if (!qqi_has_part(a, part) || qq_tensor_count(qqi_part(&r, part)) == 0)
            continue;
        if (t->shape[at] == 1 && part != QQI_PART_CODES)
            qqi_gather_row(t->type, t->data, 0, 1, qq_tensor_count(t), 0, to);
        else
            qqi_take_move(t, at, count, index, to);
    }
    *view = r;
    return QQ_OK;
}

// ==== array/view.h ====

// qquant floor 5: the size of an array, its axes in another order, and its
// scales in another type.

QQ_API size_t qq_array_bytes(const qq_array *a)
{
    if (qqi_parts_check(a) != QQ_OK)
        return SIZE_MAX;
    return qqi_parts_bytes(a);
}

QQ_API qq_status qq_array_transpose(const qq_array *a, const unsigned *axes,
                                    void *out, size_t out_bytes, qq_array *view)
{
    qq_status status = qqi_parts_check(a);
    qq_array r;

    if (status != QQ_OK)
        return status;
    const unsigned rank = a->value.rank;
    if (axes == NULL && rank > 0)
        return QQ_ERR_ARGUMENT;
    unsigned seen = 0;
    for (unsigned i = 0; i < rank; i++) {
        if (axes[i] >= rank || (seen >> axes[i] & 1))
            return QQ_ERR_AXIS;
        seen |= 1u << axes[i];
    }
    status = qqi_out_check(qqi_parts_bytes(a), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;

    r = *a;
    for (unsigned i = 0; i < rank; i++) {
        r.tile[i] = a->tile[axes[i]];
        r.zero_tile[i] = a->zero_tile[axes[i]];
    }
    for (int part = 0; part < QQI_PARTS && status == QQ_OK; part++) {
        const qq_tensor *t = qqi_part_of(a, part);
        if (t->type == QQ_TYPE_NONE)
            continue;
        const size_t bytes = qq_tensor_bytes(t);
        status = qq_tensor_transpose(t, axes, qqi_part_out(a, part, out), bytes,
                                     qqi_part(&r, part));
    }
    if (status == QQ_OK)
        *view = r;
    return status;
}

QQ_API qq_status qq_array_swap_axes(const qq_array *a, int axis, int other,
                                    void *out, size_t out_bytes, qq_array *view)
{
    const qq_status status = qqi_parts_check(a);
    unsigned axes[QQ_MAX_RANK];
    unsigned i, j;

    if (status != QQ_OK)
        return status;
    if (!qqi_axis(axis, a->value.rank, &i) ||
        !qqi_axis(other, a->value.rank, &j))
        return QQ_ERR_AXIS;
    for (unsigned k = 0; k < QQ_MAX_RANK; k++)
        axes[k] = k == i ? j : k == j ? i : k;
    return qq_array_transpose(a, axes, out, out_bytes, view);
}

QQ_API qq_status qq_array_astype(const qq_array *a, qq_type type, void *out,
                                 size_t out_bytes, qq_array *view)
{
    qq_status status = qqi_parts_check(a);

    if (status != QQ_OK)
        return status;
    if ((type != QQ_TYPE_F32 && type != QQ_TYPE_F16 && type != QQ_TYPE_BF16) ||
        !qqi_has_part(a, QQI_PART_SCALE))
        return QQ_ERR_TYPE;
    const size_t count = qq_tensor_count(&a->scale);
    status = qqi_out_check(qq_type_bytes(type, count), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;

    uint8_t *p = (uint8_t *)out;
    for (size_t i = 0; i < count; i++) {
        const double x = qqi_load_wide(a->scale.type, a->scale.data, i);
        if (type == QQ_TYPE_F32)
            qqi_store_f32(p + 4 * i, qqi_f32_from_f64(x));
        else if (type == QQ_TYPE_F16)
            qqi_store_u16(p + 2 * i, qqi_f16_from_f64(x));
        else
            qqi_store_u16(p + 2 * i, qqi_bf16_from_f64(x));
    }
    qq_array r = *a;
    r.scale.type = type;
    r.scale.data = out;
    *view = r;
    return QQ_OK;
}

#if !QQ_NO_MATRIX

// ==== kernel/cell.h ====

// qquant floor 5: the geometry of cells (api/matrix.h).
//
// A width is a sum of parts, powers of two, the high one first. 32 columns of
// a panel are a block of 64 * bits bytes, which holds the cells of the first
// part, then those of the next; a field is four columns of one part: 64 bytes
// of a cell, shifted and masked.

// The highest power of two in b: the width of the first part.
QQI_INLINE unsigned qqi_part_bits(unsigned b)
{
    return b >= 8 ? 8 : b >= 4 ? 4 : b >= 2 ? 2 : 1;
}

// The columns that are filled up to: those of a cell, or a block.
QQI_INLINE size_t qqi_cell_columns(unsigned b)
{
    return b == qqi_part_bits(b) ? 32 / b : 32;
}

// Bytes of the cells of a panel with k columns; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_cells_bytes(unsigned b, size_t k)
{
    const size_t columns = qqi_cell_columns(b);
    const size_t count = k / columns + (k % columns > 0);
    size_t bytes;

    return qqi_mul_size(count, 64 * columns / 32 * b, &bytes) ? bytes
                                                              : SIZE_MAX;
}

// The 64 bytes that hold the part p bits wide of columns k to k + 3 (k a
// multiple of 4) of a panel of b bits, at bytes the part's place in a block;
// the field is *shift bits up.
QQI_INLINE const uint8_t *qqi_field_at(const uint8_t *cells, unsigned b,
                                       unsigned p, unsigned at, size_t k,
                                       unsigned *shift)
{
    const unsigned in = (unsigned)(k % 32);
    const unsigned columns = 32 / p;

    *shift = in % columns / 4 * p;
    return cells + k / 32 * 64 * b + at + in / columns * 64;
}

// Adds a part of columns k to k + 3 to the codes: (code << p) | part. Bytes are
// handled eight at a time, each by itself: what a shift takes from a
// neighbour the mask removes, so the byte order does not matter.
QQI_INLINE void qqi_field_add(const uint8_t *cell, unsigned p, unsigned shift,
                              uint8_t *codes)
{
    const uint64_t mask = ((1u << p) - 1) * (uint64_t)0x0101010101010101u;

    for (size_t i = 0; i < 64; i += 8) {
        const uint64_t w = qqi_load_u64(cell + i) >> shift & mask;
        qqi_store_u64(codes + i, qqi_load_u64(codes + i) << p | w);
    }
}

// Codes of columns k to k + 3 (k a multiple of 4): byte 4 * row + column.
QQI_FN void qqi_field(const uint8_t *cells, unsigned b, size_t k,
                      uint8_t *codes)
{
    unsigned left = b;
    unsigned at = 0;

    QQ_MEMSET(codes, 0, 64);
    while (left > 0) {
        const unsigned p = qqi_part_bits(left);
        unsigned shift;
        const uint8_t *cell = qqi_field_at(cells, b, p, at, k, &shift);
        qqi_field_add(cell, p, shift, codes);
        at += 64 * p;
        left -= p;
    }
}

// The code of a row and a column.
QQI_FN uint8_t qqi_cell_code(const uint8_t *cells, unsigned b, size_t row,
                             size_t k)
{
    unsigned code = 0;
    unsigned left = b;
    unsigned at = 0;

    while (left > 0) {
        const unsigned p = qqi_part_bits(left);
        unsigned shift;
        const uint8_t *cell = qqi_field_at(cells, b, p, at, k, &shift);
        const unsigned byte = cell[4 * row + k % 4];
        code = code << p | (byte >> shift & ((1u << p) - 1));
        at += 64 * p;
        left -= p;
    }
    return (uint8_t)code;
}

// ==== kernel/kernel.h ====

// qquant floor 5: what a set of kernels is, and what it is handed.
//
// A kernel set belongs to a rung of the ladder. The driver (matrix/) describes
// a product in a qqi_product and asks the set for a plan: how x shall lie, who
// makes codes of it, who multiplies. Then, for every group of columns,
//
//   plan.prepare(p, group)                        phase 0
//   plan.multiply(p, group, first, last, work)    phase 1, panels first ...
//                                                 last - 1, in any pieces
//
// A new set starts from the plan of the scalar one and replaces what it does
// faster; what it returns must equal the scalar result bit for bit
// (api/matmul.h states the arithmetic). No function here checks anything, and
// none reads or writes a byte outside of what it is handed: whole cells,
// sections of a panel up to their multiple of 64 bytes, all of a group.
//
// COLUMNS. A column is a row of x, as in y = W x. A group holds count of them
// and has room for width: int16 and int24 inputs are digits = 2 or 3 columns
// of int8 each, the low digit first, column i having the digits digits * i and
// following: x = sum of 256^d * digit d. Columns from count * digits to width
// are zeros. With unit u, number k of column c is byte
//
//   k / u * u * width + c * u + k % u
//
// of q: unit 4 is what dot instructions of 4 bytes broadcast, 64 what AMX
// loads as rows of a tile. p->padded numbers a column, zeros from k on.

// Columns of q that count in one exact sum of int32: a tile, or 65536 at a
// time where a tile is longer. 255 * 128 * 65536 = 2139095040 < 2^31.
#define QQI_SPAN ((size_t)65536)

// Bytes of work that multiply has to itself, aligned to 64; where a product has
// more than 8 columns (rows of x times digits) qqi_wide_bytes more follow, room
// for 4096 codes each of two panels as bytes.
#if QQ_NO_SIMD
#  define QQI_WORK_BYTES ((size_t)1024)
#else
#  define QQI_WORK_BYTES ((size_t)16384)
#endif

QQI_INLINE size_t qqi_wide_bytes(size_t padded)
{
    return QQ_NO_SIMD ? 0 : 32 * (padded < 4096 ? padded : 4096);
}

// What a stored code means.
typedef enum qqi_code {
    QQI_CODE_PLAIN = 1, // the integer mul * code - add (add: or a zero point)
    QQI_CODE_BOOK = 2,  // the integer book[code] - add; levels[code] in f32
    QQI_CODE_E4M3FN = 3,
    QQI_CODE_E5M2 = 4
} qqi_code;

// One product: the matrix, x, y and how.
typedef struct qqi_product {
    // The matrix. A place of 0 means that there is no such section.
    size_t n;
    size_t k;
    size_t tile; // columns that share a scale; the last ones may be fewer
    size_t tiles;
    unsigned bits; // of a stored code
    qqi_code code;
    int32_t mul;
    int32_t add;      // ignored where there are zero points
    uint8_t book[16]; // at most 254
    float levels[16];
    qq_type scale_type;
    float scale2;
    float unit;
    const uint8_t *panels;
    size_t panel_bytes;
    size_t scale_at;
    size_t zero_at;
    size_t factor_at;
    size_t bias_at;
    const uint8_t *factors; // of the columns, f32, or NULL

    // Cells of panel i: cells + (i - cells_from) * cells_bytes. In the panel,
    // or expanded from base 3.
    const uint8_t *cells;
    size_t cells_bytes;
    size_t cells_from;
    // Sums of (code - zero point), tiles * 16 int32, likewise; only where x
    // has a zero point. Little-endian, as all that is packed.
    const uint8_t *sums;
    size_t sums_bytes;
    size_t sums_from;

    // x and what is made of it. input is never the default.
    const uint8_t *x;
    size_t ldx;
    qq_type x_type;
    qq_input input;
    float x_scale;
    int32_t x_zero;
    const float *x_scales;
    unsigned digits; // 1 to 3
    size_t span;     // at most QQI_SPAN; a tile, or a piece of one
    size_t spans;    // of k
    size_t padded;   // k up to a multiple of 64

    // y.
    uint8_t *y;
    size_t ldy;
    float lo;
    float hi;
    int accumulate;
} qqi_product;

// A group of columns. The memory is the driver's.
typedef struct qqi_columns {
    size_t first; // its first row of x and y
    size_t count; // rows of x
    size_t width; // columns that q has room for
    unsigned unit;
    int8_t *q;    // padded * width bytes
    int32_t *sum; // sum[s * width + c]: of span s of column c
    float *scale; // scale[i] of row first + i; by tile: scale[t * width + i]
    // Room for what a table engine looks up, 8 bytes for every number of q:
    // 1-bit codes and at most 4 columns, all in one group; else NULL.
    uint8_t *table;
    float *real; // f32 mode instead of all that: real[k * width + i]
} qqi_columns;

// Makes q, sum and scale (or real) of rows first to first + count - 1 of x,
// zeros for what is missing.
typedef void (*qqi_prepare_fn)(const qqi_product *p, const qqi_columns *g);

// y of rows 16 * first to 16 * last - 1 (below n) for the rows of a group.
typedef void (*qqi_multiply_fn)(const qqi_product *p, const qqi_columns *g,
                                size_t first, size_t last, void *work);

// How a set wants to do a product.
typedef struct qqi_strategy {
    qqi_prepare_fn prepare;
    qqi_multiply_fn multiply;
    unsigned columns; // the widest group: a multiple of 4, up to 512
    unsigned widths;  // which narrow ones there are: bit w for width w; 1 and
                      // 4 always, maybe 2 and 3. Wider ones: multiples of 4
    unsigned unit;    // 4, 8, 16, 32 or 64
    unsigned panels;  // panels that multiply likes to have at once
} qqi_strategy;

// Quantizes rows straight into a panel (kernel/encode.h); 0: not this way.
struct qqi_encode;
typedef int (*qqi_encode_fn)(const struct qqi_encode *e, uint8_t *panel);

typedef struct qqi_kernel {
    qq_isa isa;
    void (*choose)(const qqi_product *p, qqi_strategy *how);
    // Expands count times 256 bytes of base 3 into five cells each.
    void (*expand)(size_t count, const uint8_t *packed, uint8_t *cells);
    // Codes of 16 rows, 32 bytes a row, to the cells of as many columns, 1 to
    // 32: qqi_cells_bytes(bits, columns), 64 * bits for all 32.
    void (*pack)(unsigned bits, size_t columns, const uint8_t *codes,
                 uint8_t *cells);
    qqi_encode_fn encode;
} qqi_kernel;

// A panel, and its cells.
QQI_INLINE const uint8_t *qqi_panel(const qqi_product *p, size_t i)
{
    return p->panels + i * p->panel_bytes;
}

QQI_INLINE const uint8_t *qqi_panel_cells(const qqi_product *p, size_t i)
{
    return p->cells + (i - p->cells_from) * p->cells_bytes;
}

QQI_INLINE const uint8_t *qqi_panel_sums(const qqi_product *p, size_t i)
{
    return p->sums + (i - p->sums_from) * p->sums_bytes;
}

// Where number k of column c stands in q.
QQI_INLINE size_t qqi_columns_at(const qqi_columns *g, size_t k, size_t c)
{
    return k / g->unit * g->unit * g->width + c * g->unit + k % g->unit;
}

// ==== kernel/scalar/core.h ====

// qquant floor 5: the scalar kernels' vocabulary: scales, sums, the ends.
//
// What these give is the definition; api/matmul.h says it in words.

QQI_INLINE float qqi_load_le_f32(const uint8_t *p)
{
    return qqi_f32_of(qqi_load_le32(p));
}

// v to nearest even. From 2^31 on it is shifted until it fits, what falls out
// being kept in the last bit: that lies seven bits below those that stay.
QQI_FN float qqi_f32_from_i64(int64_t v)
{
    if (v >= INT32_MIN && v <= INT32_MAX)
        return (float)(int32_t)v;
    uint64_t a = v < 0 ? (uint64_t)(-(v + 1)) + 1 : (uint64_t)v;
    uint32_t shift = 0;
    for (; a > 0x7fffffffu; shift++)
        a = a >> 1 | (a & 1);
    // Times a power of two: exact.
    const float f = (float)(int32_t)a * qqi_f32_of((127 + shift) << 23);
    return v < 0 ? -f : f;
}

// A scale as it is stored.
QQI_INLINE float qqi_stored_scale(qq_type type, const uint8_t *scales, size_t i)
{
    switch ((int)type) {
    case QQ_TYPE_F16:
        return qqi_f32_from_f16(qqi_load_le16(scales + 2 * i));
    case QQ_TYPE_E8M0:
        return qqi_f32_from_e8m0(scales[i]);
    case QQ_TYPE_E4M3FN:
        return qqi_f32_from_minifloat(&qqi_e4m3fn, scales[i]);
    default:
        return qqi_load_le_f32(scales + 4 * i);
    }
}

// s of a row of a tile.
QQI_INLINE float qqi_scale_of(const qqi_product *p, const uint8_t *panel,
                              size_t tile, size_t row)
{
    const float stored =
        qqi_stored_scale(p->scale_type, panel + p->scale_at, 16 * tile + row);

    return qqi_mul_f32(qqi_mul_f32(stored, p->scale2), p->unit);
}

// What is taken off a code: the zero point of a row of a tile, or add.
QQI_INLINE int32_t qqi_zero_of(const qqi_product *p, const uint8_t *panel,
                               size_t tile, size_t row)
{
    return p->zero_at != 0 ? panel[p->zero_at + 16 * tile + row] : p->add;
}

QQI_INLINE size_t qqi_tile_end(const qqi_product *p, size_t tile)
{
    const size_t first = tile * p->tile;

    return p->tile < p->k - first ? first + p->tile : p->k;
}

// v of a row of W and a row of x: their scale, factor and bias, what y holds
// already, the limits. sx is 1 where there is no scale by row: fl(v * 1) = v.
QQI_INLINE float qqi_end_one(const qqi_product *p, const uint8_t *panel,
                             size_t row, float acc, float sx, float before)
{
    const float a =
        p->factor_at ? qqi_load_le_f32(panel + p->factor_at + 4 * row) : 1.0f;
    const float bias =
        p->bias_at ? qqi_load_le_f32(panel + p->bias_at + 4 * row) : 0.0f;
    float v = qqi_fma_f32(qqi_mul_f32(acc, sx), a, bias);

    if (p->accumulate)
        v = before + v;
    v = v < p->lo ? p->lo : v;
    v = v > p->hi ? p->hi : v;
    return qqi_canon_f32(v);
}

// y of panel i and row column of x, from its 16 sums.
QQI_FN void qqi_end(const qqi_product *p, size_t i, size_t column, float sx,
                    const float *acc)
{
    const uint8_t *panel = qqi_panel(p, i);
    uint8_t *y = p->y + 4 * (column * p->ldy + 16 * i);
    const size_t rows = p->n - 16 * i < 16 ? p->n - 16 * i : 16;

    for (size_t r = 0; r < rows; r++) {
        const float before = p->accumulate ? qqi_load_f32(y + 4 * r) : 0.0f;
        qqi_store_f32(y + 4 * r, qqi_end_one(p, panel, r, acc[r], sx, before));
    }
}

// ==== kernel/scalar/dot.h ====

// qquant floor 5: the scalar dot engine, for all codes that are integers.
//
// Codes of four columns of W at a time become bytes, which are multiplied with
// four numbers of each column of q. At the end of a span the sums, exact in
// int32, are joined in int64: with S = sum u * q and Q = sum q, u being the
// code or what the book has for it,
//
//   D = sum over the digits of 256^d * (mul * S - z * Q), less zx * sum (c - z)
//
// 4 columns of q are in work at once, or 3 that are digits of one: rows of x
// are done 4, 2 or 1 at a time.

typedef struct qqi_dot_work {
    int64_t total[4][16];
    float acc[4][16];
    int32_t sum[4][16];
} qqi_dot_work;

QQI_STATIC_ASSERT(dot_work, sizeof(qqi_dot_work) <= QQI_WORK_BYTES);

// sum[r] += 4 codes of row r times 4 numbers.
QQI_INLINE void qqi_dot_four(const uint8_t *u, const int8_t *q, int32_t *sum)
{
    for (size_t r = 0; r < 16; r++)
        sum[r] += u[4 * r] * q[0] + u[4 * r + 1] * q[1] + u[4 * r + 2] * q[2] +
                  u[4 * r + 3] * q[3];
}

// w->sum[c] = S of columns c0 to c0 + count - 1 of q and numbers k to end - 1
// (up to a multiple of 4: zeros of q follow).
QQI_FN void qqi_dot_span(const qqi_product *p, const uint8_t *cells,
                         const qqi_columns *g, size_t c0, size_t count,
                         size_t k, size_t end, qqi_dot_work *w)
{
    uint8_t u[64];

    QQ_MEMSET(w->sum, 0, count * sizeof w->sum[0]);
    for (; k < end; k += 4) {
        qqi_field(cells, p->bits, k, u);
        for (size_t i = 0; i < 64 && p->code == QQI_CODE_BOOK; i++)
            u[i] = p->book[u[i] & 15];
        for (size_t c = 0; c < count; c++)
            qqi_dot_four(u, g->q + qqi_columns_at(g, k, c0 + c), w->sum[c]);
    }
}

// Adds span s, in tile t, to total[c] of count rows of x from row i on.
QQI_FN void qqi_dot_join(const qqi_product *p, const uint8_t *panel, size_t t,
                         size_t s, const qqi_columns *g, size_t i, size_t count,
                         qqi_dot_work *w)
{
    for (size_t c = 0; c < count; c++) {
        int64_t times = 1;
        for (size_t d = 0; d < p->digits; d++) {
            const size_t column = c * p->digits + d;
            const int64_t sum = g->sum[s * g->width + i * p->digits + column];
            for (size_t r = 0; r < 16; r++)
                w->total[c][r] += times * (p->mul * (int64_t)w->sum[column][r] -
                                           qqi_zero_of(p, panel, t, r) * sum);
            times *= 256;
        }
    }
}

// The end of tile t: acc = fma(s, D, acc).
QQI_FN void qqi_dot_tile(const qqi_product *p, size_t panel_i, size_t t,
                         const qqi_columns *g, size_t i, size_t count,
                         qqi_dot_work *w)
{
    const uint8_t *panel = qqi_panel(p, panel_i);

    for (size_t c = 0; c < count; c++) {
        for (size_t r = 0; r < 16; r++) {
            float s = qqi_scale_of(p, panel, t, r);
            int64_t v = w->total[c][r];
            if (p->x_zero != 0) {
                const uint8_t *sums = qqi_panel_sums(p, panel_i);
                const uint32_t u = qqi_load_le32(sums + 4 * (16 * t + r));
                v -= (int64_t)p->x_zero * (int64_t)(int32_t)u;
            }
            if (p->input == QQ_INPUT_INT8_TILE)
                s = qqi_mul_f32(s, g->scale[t * g->width + i + c]);
            w->acc[c][r] = qqi_fma_f32(s, qqi_f32_from_i64(v), w->acc[c][r]);
        }
    }
}

// A panel and count rows of x from row i of the group on.
QQI_FN void qqi_dot_panel(const qqi_product *p, size_t panel_i,
                          const qqi_columns *g, size_t i, size_t count,
                          qqi_dot_work *w)
{
    const uint8_t *panel = qqi_panel(p, panel_i);
    const uint8_t *cells = qqi_panel_cells(p, panel_i);
    size_t s = 0;

    QQ_MEMSET(w->acc, 0, sizeof w->acc);
    for (size_t t = 0; t < p->tiles; t++) {
        const size_t end = qqi_tile_end(p, t);
        QQ_MEMSET(w->total, 0, sizeof w->total);
        for (size_t k = t * p->tile; k < end; k += p->span, s++) {
            const size_t to = p->span < end - k ? k + p->span : end;
            qqi_dot_span(p, cells, g, i * p->digits, count * p->digits, k, to,
                         w);
            qqi_dot_join(p, panel, t, s, g, i, count, w);
        }
        qqi_dot_tile(p, panel_i, t, g, i, count, w);
    }
}

QQI_FN void qqi_multiply_dot_scalar(const qqi_product *p, const qqi_columns *g,
                                    size_t first, size_t last, void *work)
{
    qqi_dot_work *w = (qqi_dot_work *)work;
    const size_t most = 4 / p->digits;

    for (size_t panel = first; panel < last; panel++) {
        for (size_t i = 0; i < g->count; i += most) {
            const size_t count = most < g->count - i ? most : g->count - i;
            qqi_dot_panel(p, panel, g, i, count, w);
            for (size_t c = 0; c < count; c++) {
                const int tiled = p->input == QQ_INPUT_INT8_TILE;
                const float sx = tiled ? 1.0f : g->scale[i + c];
                qqi_end(p, panel, g->first + i + c, sx, w->acc[c]);
            }
        }
    }
}

// ==== kernel/scalar/pack.h ====

// qquant floor 5: codes to cells and base 3 to cells, scalar.

// One cell of the part p bits wide, left bits up in codes[32 * row + column].
QQI_FN void qqi_pack_cell(unsigned p, unsigned left, const uint8_t *codes,
                          uint8_t *cell)
{
    const unsigned mask = (1u << p) - 1;

    for (unsigned i = 0; i < 64; i++) {
        const uint8_t *row = codes + i / 4 * 32 + i % 4;
        unsigned byte = 0;
        for (unsigned f = 0; f < 8 / p; f++)
            byte |= (row[4 * f] >> left & mask) << p * f;
        cell[i] = (uint8_t)byte;
    }
}

// A block, or the first cells of one. Widths that are sums have whole blocks.
QQI_FN void qqi_pack_block_scalar(unsigned bits, size_t columns,
                                  const uint8_t *codes, uint8_t *cells)
{
    const int sum = bits != qqi_part_bits(bits);
    const size_t end = sum ? 32 : columns;
    unsigned left = bits;

    while (left > 0) {
        const unsigned p = qqi_part_bits(left);
        left -= p;
        for (size_t first = 0; first < end; first += 32 / p, cells += 64)
            qqi_pack_cell(p, left, codes + first, cells);
    }
}

// Digit d of byte x of part f becomes field f of byte x of cell d.
QQI_FN void qqi_expand_scalar(size_t count, const uint8_t *packed,
                              uint8_t *cells)
{
    for (; count > 0; count--, packed += 256, cells += 320) {
        QQ_MEMSET(cells, 0, 320);
        for (size_t i = 0; i < 256; i++) {
            unsigned byte = packed[i] < 243 ? packed[i] : 242;
            for (size_t d = 0; d < 5; d++, byte /= 3) {
                const unsigned field = byte % 3 << i / 64 * 2;
                uint8_t *cell = cells + 64 * d + i % 64;
                *cell = (uint8_t)(*cell | field);
            }
        }
    }
}

// ==== kernel/scalar/prepare.h ====

// qquant floor 5: what is made of x before it is multiplied, scalar.
//
//   dynamic   M = max |xb|, sx = fl(M / Q), r = fl(Q / M), q = fl(xb * r) to
//             nearest even within -Q ... Q; M below 2^-100: sx = 0, q = 0
//   static    r = fl(1 / sx), q = fl(xb * r) to nearest even + zx, within int8
//
// Q is the largest number whose balanced digits, -128 to 127 each, fit: 127,
// 127 * 256 + 127 = 32639, 127 * 65536 + 32639 = 8355711. M is found among the
// bits of magnitudes, which order like them, NaN and infinity above all.

// Numbers of x in work at a time.
#define QQI_STRIP ((size_t)64)

// 2^-100 as bits.
#define QQI_TINY ((uint32_t)(127 - 100) << 23)

// A run of numbers that share sx.
typedef struct qqi_run {
    size_t row; // of x
    size_t column;
    size_t k;
    size_t end;
    float r;
    int32_t lo; // limits of q before zero is added
    int32_t hi;
    int32_t zero;
} qqi_run;

// xb of numbers k to k + count - 1 of a row.
QQI_FN void qqi_load_strip(const qqi_product *p, size_t row, size_t k,
                           size_t count, float *v)
{
    const size_t at = row * p->ldx + k;

    if (p->x_type == QQ_TYPE_F32) {
        QQ_MEMCPY(v, p->x + 4 * at, 4 * count);
    } else if (p->x_type == QQ_TYPE_F16) {
        for (size_t i = 0; i < count; i++)
            v[i] = qqi_f32_from_f16(qqi_load_u16(p->x + 2 * (at + i)));
    } else {
        for (size_t i = 0; i < count; i++)
            v[i] = qqi_f32_from_bf16(qqi_load_u16(p->x + 2 * (at + i)));
    }
    for (size_t i = 0; i < count && p->factors != NULL; i++)
        v[i] = qqi_mul_f32(v[i], qqi_load_le_f32(p->factors + 4 * (k + i)));
}

QQI_FN uint32_t qqi_run_largest(const qqi_product *p, const qqi_run *run)
{
    float v[QQI_STRIP];
    uint32_t most = 0;

    for (size_t k = run->k; k < run->end; k += QQI_STRIP) {
        const size_t left = run->end - k;
        const size_t count = QQI_STRIP < left ? QQI_STRIP : left;
        qqi_load_strip(p, run->row, k, count, v);
        for (size_t i = 0; i < count; i++) {
            const uint32_t u = qqi_f32_magnitude(v[i]);
            most = u > most ? u : most;
        }
    }
    return most;
}

// Stores q as digits and adds them to the sums of the span.
QQI_FN void qqi_store_digits(const qqi_product *p, const qqi_columns *g,
                             size_t k, size_t column, int32_t q)
{
    for (size_t d = 0; d < p->digits; d++, column++) {
        const int32_t digit = ((q + 128) & 255) - 128;
        g->q[qqi_columns_at(g, k, column)] = (int8_t)digit;
        g->sum[k / p->span * g->width + column] += digit;
        q = (q - digit) / 256;
    }
}

QQI_FN void qqi_run_codes(const qqi_product *p, const qqi_columns *g,
                          const qqi_run *run)
{
    float v[QQI_STRIP];

    for (size_t k = run->k; k < run->end; k += QQI_STRIP) {
        const size_t left = run->end - k;
        const size_t count = QQI_STRIP < left ? QQI_STRIP : left;
        qqi_load_strip(p, run->row, k, count, v);
        for (size_t i = 0; i < count; i++) {
            const float scaled = qqi_mul_f32(v[i], run->r);
            const int32_t q = qqi_sat_i32(scaled, run->lo, run->hi) + run->zero;
            qqi_store_digits(p, g, k + i, run->column, q);
        }
    }
}

// Codes of a run; returns sx.
QQI_FN float qqi_run_prepare(const qqi_product *p, const qqi_columns *g,
                             qqi_run *run)
{
    const int32_t most = p->digits == 1   ? 127
                         : p->digits == 2 ? 32639
                                          : 8355711;
    const uint32_t u = qqi_run_largest(p, run);
    const float largest = qqi_f32_of(u);

    if (u >= 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (p->input == QQ_INPUT_INT8_STATIC) {
        run->r = 1.0f / p->x_scale;
        run->zero = p->x_zero;
        run->lo = -128 - run->zero;
        run->hi = 127 - run->zero;
        qqi_run_codes(p, g, run);
        return p->x_scale;
    }
    if (u < QQI_TINY)
        return 0.0f;
    run->r = (float)most / largest;
    run->zero = 0;
    run->lo = -most;
    run->hi = most;
    qqi_run_codes(p, g, run);
    return largest / (float)most;
}

// A row that is int8 already.
QQI_FN void qqi_row_copy(const qqi_product *p, const qqi_columns *g, size_t i)
{
    const uint8_t *x = p->x + (g->first + i) * p->ldx;

    for (size_t k = 0; k < p->k; k++)
        qqi_store_digits(p, g, k, i, x[k] - ((x[k] & 128) << 1));
    if (p->input == QQ_INPUT_INT8_STATIC)
        g->scale[i] = p->x_scale;
    else if (p->input == QQ_INPUT_INT8_ROW)
        g->scale[i] = p->x_scales[g->first + i];
    else
        for (size_t t = 0; t < p->tiles; t++)
            g->scale[t * g->width + i] =
                p->x_scales[(g->first + i) * p->tiles + t];
}

QQI_FN void qqi_prepare_dot_scalar(const qqi_product *p, const qqi_columns *g)
{
    QQ_MEMSET(g->q, 0, p->padded * g->width);
    QQ_MEMSET(g->sum, 0, p->spans * g->width * sizeof g->sum[0]);
    for (size_t i = 0; i < g->count; i++) {
        qqi_run run = {g->first + i, i * p->digits, 0, p->k, 0.0f, 0, 0, 0};
        if (p->x_type == QQ_TYPE_INT8) {
            qqi_row_copy(p, g, i);
        } else if (p->input != QQ_INPUT_INT8_TILE) {
            g->scale[i] = qqi_run_prepare(p, g, &run);
        } else {
            for (size_t t = 0; t < p->tiles; t++) {
                run.k = t * p->tile;
                run.end = qqi_tile_end(p, t);
                g->scale[t * g->width + i] = qqi_run_prepare(p, g, &run);
            }
        }
    }
}

QQI_FN void qqi_prepare_real_scalar(const qqi_product *p, const qqi_columns *g)
{
    float v[QQI_STRIP];

    for (size_t k = 0; k < p->k; k += QQI_STRIP) {
        const size_t count = QQI_STRIP < p->k - k ? QQI_STRIP : p->k - k;
        for (size_t c = 0; c < g->width; c++) {
            if (c < g->count)
                qqi_load_strip(p, g->first + c, k, count, v);
            else
                QQ_MEMSET(v, 0, sizeof v);
            for (size_t i = 0; i < count; i++)
                g->real[(k + i) * g->width + c] = v[i];
        }
    }
}

// ==== kernel/scalar/real.h ====

// qquant floor 5: the scalar float engine: x as it is, codes as they decode.
//
// Inside a tile t = +0, then t = fma(v, x, t) column by column; at its end
// acc = fma(s, t, acc).

typedef struct qqi_real_work {
    float v[16][4];
    float acc[4][16];
    float tile[4][16];
} qqi_real_work;

QQI_STATIC_ASSERT(real_work, sizeof(qqi_real_work) <= QQI_WORK_BYTES);

// The number a code stands for, less zero.
QQI_INLINE float qqi_real_code(const qqi_product *p, unsigned u, int32_t zero)
{
    switch (p->code) {
    case QQI_CODE_BOOK:
        return p->levels[u & 15];
    case QQI_CODE_E4M3FN:
        return qqi_f32_from_minifloat(&qqi_e4m3fn, (uint8_t)u);
    case QQI_CODE_E5M2:
        return qqi_f32_from_minifloat(&qqi_e5m2, (uint8_t)u);
    case QQI_CODE_PLAIN:
    default:
        return (float)(p->mul * (int32_t)u - zero);
    }
}

// Numbers k to end - 1, all in tile t, at most 4, k a multiple of 4, of count
// columns from column i on.
QQI_FN void qqi_real_field(const qqi_product *p, size_t panel_i, size_t t,
                           const qqi_columns *g, size_t i, size_t count,
                           size_t k, size_t end, qqi_real_work *w)
{
    const uint8_t *panel = qqi_panel(p, panel_i);
    uint8_t u[64];

    qqi_field(qqi_panel_cells(p, panel_i), p->bits, k, u);
    for (size_t r = 0; r < 16; r++)
        for (size_t j = 0; j < 4; j++)
            w->v[r][j] =
                qqi_real_code(p, u[4 * r + j], qqi_zero_of(p, panel, t, r));
    for (size_t j = 0; j < end - k; j++) {
        for (size_t c = 0; c < count; c++) {
            const float x = g->real[(k + j) * g->width + i + c];
            for (size_t r = 0; r < 16; r++)
                w->tile[c][r] = qqi_fma_f32(w->v[r][j], x, w->tile[c][r]);
        }
    }
}

QQI_FN void qqi_real_panel(const qqi_product *p, size_t panel_i,
                           const qqi_columns *g, size_t i, size_t count,
                           qqi_real_work *w)
{
    const uint8_t *panel = qqi_panel(p, panel_i);

    QQ_MEMSET(w->acc, 0, sizeof w->acc);
    for (size_t t = 0; t < p->tiles; t++) {
        const size_t end = qqi_tile_end(p, t);
        QQ_MEMSET(w->tile, 0, sizeof w->tile);
        for (size_t k = t * p->tile; k < end; k += 4) {
            const size_t to = 4 < end - k ? k + 4 : end;
            qqi_real_field(p, panel_i, t, g, i, count, k, to, w);
        }
        for (size_t c = 0; c < count; c++)
            for (size_t r = 0; r < 16; r++)
                w->acc[c][r] = qqi_fma_f32(qqi_scale_of(p, panel, t, r),
                                           w->tile[c][r], w->acc[c][r]);
    }
}

QQI_FN void qqi_multiply_real_scalar(const qqi_product *p, const qqi_columns *g,
                                     size_t first, size_t last, void *work)
{
    qqi_real_work *w = (qqi_real_work *)work;

    for (size_t panel = first; panel < last; panel++) {
        for (size_t i = 0; i < g->count; i += 4) {
            const size_t count = 4 < g->count - i ? 4 : g->count - i;
            qqi_real_panel(p, panel, g, i, count, w);
            for (size_t c = 0; c < count; c++)
                qqi_end(p, panel, g->first + i + c, 1.0f, w->acc[c]);
        }
    }
}

// ==== kernel/scalar/table.h ====

// qquant floor 5: the scalar kernel set, which defines all others.

QQI_FN void qqi_choose_scalar(const qqi_product *p, qqi_strategy *how)
{
    const int real = p->input == QQ_INPUT_F32;

    how->prepare = real ? qqi_prepare_real_scalar : qqi_prepare_dot_scalar;
    how->multiply = real ? qqi_multiply_real_scalar : qqi_multiply_dot_scalar;
    how->columns = 4;
    how->widths = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4;
    how->unit = 4;
    how->panels = 1;
}

// Arrays are quantized by array/, whose numbers these are.
QQI_FN int qqi_encode_scalar(const struct qqi_encode *e, uint8_t *panel)
{
    (void)e;
    (void)panel;
    return 0;
}

static const qqi_kernel qqi_kernel_scalar QQI_UNUSED = {
    QQ_ISA_SCALAR, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};

// ==== kernel/avx2/table.h ====

// qquant floor 5: the kernel sets of AVX2 and AVX-VNNI.

#if QQI_HAS_AVX2
static const qqi_kernel qqi_kernel_avx2 QQI_UNUSED = {
    QQ_ISA_AVX2, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};
#endif

#if QQI_HAS_AVX_VNNI
static const qqi_kernel qqi_kernel_avx_vnni QQI_UNUSED = {
    QQ_ISA_AVX_VNNI, qqi_choose_scalar, qqi_expand_scalar,
    qqi_pack_block_scalar, qqi_encode_scalar};
#endif

// ==== kernel/avx512/table.h ====

// qquant floor 5: the kernel sets of AVX-512.

#if QQI_HAS_AVX512
static const qqi_kernel qqi_kernel_avx512 QQI_UNUSED = {
    QQ_ISA_AVX512, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};
#endif

#if QQI_HAS_AVX512
static const qqi_kernel qqi_kernel_avx512_vnni QQI_UNUSED = {
    QQ_ISA_AVX512_VNNI, qqi_choose_scalar, qqi_expand_scalar,
    qqi_pack_block_scalar, qqi_encode_scalar};
#endif

// ==== kernel/amx/table.h ====

// qquant floor 5: the kernel sets of AMX.

#if QQI_HAS_AMX
static const qqi_kernel qqi_kernel_amx QQI_UNUSED = {
    QQ_ISA_AMX, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};
#endif

// ==== kernel/neon/table.h ====

// qquant floor 5: the kernel sets of NEON.

#if QQI_HAS_NEON
static const qqi_kernel qqi_kernel_neon QQI_UNUSED = {
    QQ_ISA_NEON, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};
#endif

#if QQI_HAS_NEON_DOT
static const qqi_kernel qqi_kernel_neon_dot QQI_UNUSED = {
    QQ_ISA_NEON_DOT, qqi_choose_scalar, qqi_expand_scalar,
    qqi_pack_block_scalar, qqi_encode_scalar};
#endif

#if QQI_HAS_NEON_I8MM
static const qqi_kernel qqi_kernel_neon_i8mm QQI_UNUSED = {
    QQ_ISA_NEON_I8MM, qqi_choose_scalar, qqi_expand_scalar,
    qqi_pack_block_scalar, qqi_encode_scalar};
#endif

// ==== detect.h ====

// qquant floor 6: which instruction sets the machine has.
//
// x86: CPUID says what the processor can do, XGETBV which registers the
// operating system saves; both must hold. aarch64: NEON is always there; for
// dot products and i8mm the operating system is asked, by one call, unless the
// options of the compiler allow them already. AMX must also be permitted to
// the process, which is asked for only when the program chooses that rung.

// --- x86 -------------------------------------------------------------------

#if QQI_X86

typedef struct qqi_cpuid {
    uint32_t a, b, c, d;
} qqi_cpuid;

// All zero beyond the highest leaf.
QQI_FN qqi_cpuid qqi_cpuid_get(uint32_t leaf, uint32_t sub)
{
    qqi_cpuid r = {0, 0, 0, 0};

    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "0"(0), "2"(0));
    if (r.a < leaf) {
        const qqi_cpuid none = {0, 0, 0, 0};
        return none;
    }
    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "0"(leaf), "2"(sub));
    return r;
}

// The registers that are saved: 1 and 2 xmm and ymm, 5 to 7 zmm and masks, 17
// and 18 AMX.
QQI_FN uint32_t qqi_saved_registers(void)
{
    uint32_t a, d;

    if ((qqi_cpuid_get(1, 0).c >> 27 & 1) == 0) // OSXSAVE
        return 0;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(a), "=d"(d) : "c"(0));
    return a;
}

QQI_INLINE int qqi_has_all(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

// SSSE3, SSE4.1, SSE4.2, POPCNT, FMA, F16C, AVX; BMI1, AVX2, BMI2.
QQI_FN int qqi_has_avx2(void)
{
    const uint32_t c = 1u << 9 | 1u << 12 | 1u << 19 | 1u << 20 | 1u << 23 |
                       1u << 28 | 1u << 29;

    return qqi_has_all(qqi_saved_registers(), 6) &&
           qqi_has_all(qqi_cpuid_get(1, 0).c, c) &&
           qqi_has_all(qqi_cpuid_get(7, 0).b, 1u << 3 | 1u << 5 | 1u << 8);
}

QQI_FN int qqi_has_avx_vnni(void)
{
    return qqi_has_avx2() && (qqi_cpuid_get(7, 1).a >> 4 & 1);
}

// F, DQ, BW, VL.
QQI_FN int qqi_has_avx512(void)
{
    return qqi_has_avx2() && qqi_has_all(qqi_saved_registers(), 0xe6) &&
           qqi_has_all(qqi_cpuid_get(7, 0).b,
                       1u << 16 | 1u << 17 | 1u << 30 | 1u << 31);
}

// VBMI, VNNI.
QQI_FN int qqi_has_avx512_vnni(void)
{
    return qqi_has_avx512() &&
           qqi_has_all(qqi_cpuid_get(7, 0).c, 1u << 1 | 1u << 11);
}

// Tiles and their int8 products.
QQI_FN int qqi_has_amx(void)
{
    return qqi_has_avx512_vnni() &&
           qqi_has_all(qqi_saved_registers(), 3u << 17) &&
           qqi_has_all(qqi_cpuid_get(7, 0).d, 3u << 24);
}

#  if defined(__linux__)
// arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), for the whole process.
QQI_FN int qqi_ask_amx(void)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(158L), "D"(0x1023L), "S"(18L)
                     : "rcx", "r11", "memory");
    return result == 0;
}
#  else
QQI_FN int qqi_ask_amx(void)
{
    return 0;
}
#  endif

#endif

// --- aarch64 ---------------------------------------------------------------

#if QQI_HAS_NEON

#  if defined(__ARM_FEATURE_DOTPROD) && defined(__ARM_FEATURE_MATMUL_INT8)
#    define QQI_ARM_FEATURES 3
#  elif defined(__linux__)
#    include <sys/auxv.h>
#    define QQI_ARM_FEATURES                                                   \
        ((getauxval(16) >> 20 & 1) | (getauxval(26) >> 13 & 1) << 1)
#  elif defined(__APPLE__)
#    include <sys/sysctl.h>
QQI_FN unsigned long qqi_sysctl_flag(const char *name)
{
    int value = 0;
    size_t bytes = sizeof value;

    return sysctlbyname(name, &value, &bytes, NULL, 0) == 0 && value != 0;
}
#    define QQI_ARM_FEATURES                                                   \
        (qqi_sysctl_flag("hw.optional.arm.FEAT_DotProd") |                     \
         qqi_sysctl_flag("hw.optional.arm.FEAT_I8MM") << 1)
#  elif defined(_WIN32)
#    ifdef __cplusplus
extern "C"
#    endif
    __declspec(dllimport) int __stdcall IsProcessorFeaturePresent(
        unsigned long feature);
#    define QQI_ARM_FEATURES                                                   \
        ((unsigned long)(IsProcessorFeaturePresent(43) != 0) |                 \
         (unsigned long)(IsProcessorFeaturePresent(66) != 0) << 1)
#  elif defined(__ARM_FEATURE_DOTPROD)
#    define QQI_ARM_FEATURES 1
#  else
#    define QQI_ARM_FEATURES 0
#  endif

QQI_FN int qqi_has_neon_dot(void)
{
    return (QQI_ARM_FEATURES & 1) != 0;
}

QQI_FN int qqi_has_neon_i8mm(void)
{
    return (QQI_ARM_FEATURES & 3) == 3;
}

#endif

// ==== dispatch.h ====

// qquant floor 6: the ladder of instruction sets, and the rung in use.
//
// A rung is a row of the ladder: its number, its name, whether the machine has
// it, and its kernels. The one thing that qquant remembers is which kernels
// are in use; it is found on first use, by whichever thread comes first, and
// threads that come at the same time find the same.

typedef struct qqi_rung {
    qq_isa isa;
    const char *name;
    int (*has)(void);         // NULL: always
    const qqi_kernel *kernel; // NULL: not in this build
    int (*ask)(void);         // NULL, or it is never the best: asks the system
} qqi_rung;

// What a rung needs and has, where the build has its kernels.
#if QQI_HAS_AMX
#  define QQI_RUNG_AMX qqi_has_amx, &qqi_kernel_amx, qqi_ask_amx
#else
#  define QQI_RUNG_AMX NULL, NULL, NULL
#endif
#if QQI_HAS_AVX512
#  define QQI_RUNG_AVX512_VNNI                                                 \
      qqi_has_avx512_vnni, &qqi_kernel_avx512_vnni, NULL
#  define QQI_RUNG_AVX512 qqi_has_avx512, &qqi_kernel_avx512, NULL
#else
#  define QQI_RUNG_AVX512_VNNI NULL, NULL, NULL
#  define QQI_RUNG_AVX512      NULL, NULL, NULL
#endif
#if QQI_HAS_AVX_VNNI
#  define QQI_RUNG_AVX_VNNI qqi_has_avx_vnni, &qqi_kernel_avx_vnni, NULL
#else
#  define QQI_RUNG_AVX_VNNI NULL, NULL, NULL
#endif
#if QQI_HAS_AVX2
#  define QQI_RUNG_AVX2 qqi_has_avx2, &qqi_kernel_avx2, NULL
#else
#  define QQI_RUNG_AVX2 NULL, NULL, NULL
#endif
#if QQI_HAS_NEON_I8MM
#  define QQI_RUNG_NEON_I8MM qqi_has_neon_i8mm, &qqi_kernel_neon_i8mm, NULL
#else
#  define QQI_RUNG_NEON_I8MM NULL, NULL, NULL
#endif
#if QQI_HAS_NEON_DOT
#  define QQI_RUNG_NEON_DOT qqi_has_neon_dot, &qqi_kernel_neon_dot, NULL
#else
#  define QQI_RUNG_NEON_DOT NULL, NULL, NULL
#endif
#if QQI_HAS_NEON
#  define QQI_RUNG_NEON NULL, &qqi_kernel_neon, NULL
#else
#  define QQI_RUNG_NEON NULL, NULL, NULL
#endif

// From the best to the least of each family.
static const qqi_rung qqi_ladder[] = {
    {QQ_ISA_AMX, "amx", QQI_RUNG_AMX},
    {QQ_ISA_AVX512_VNNI, "avx512_vnni", QQI_RUNG_AVX512_VNNI},
    {QQ_ISA_AVX512, "avx512", QQI_RUNG_AVX512},
    {QQ_ISA_AVX_VNNI, "avx_vnni", QQI_RUNG_AVX_VNNI},
    {QQ_ISA_AVX2, "avx2", QQI_RUNG_AVX2},
    {QQ_ISA_NEON_I8MM, "neon_i8mm", QQI_RUNG_NEON_I8MM},
    {QQ_ISA_NEON_DOT, "neon_dot", QQI_RUNG_NEON_DOT},
    {QQ_ISA_NEON, "neon", QQI_RUNG_NEON},
    {QQ_ISA_SCALAR, "scalar", NULL, &qqi_kernel_scalar, NULL},
};

enum { QQI_RUNGS = sizeof qqi_ladder / sizeof qqi_ladder[0] };

QQI_FN int qqi_rung_works(const qqi_rung *rung)
{
    return rung->kernel != NULL && (rung->has == NULL || rung->has());
}

// The kernels of a rung, or of the best one; NULL where they cannot be had.
QQI_FN const qqi_kernel *qqi_kernel_of(qq_isa isa)
{
    for (int i = 0; i < QQI_RUNGS; i++) {
        const qqi_rung *rung = &qqi_ladder[i];
        const int wanted =
            isa == QQ_ISA_BEST ? rung->ask == NULL : isa == rung->isa;
        if (wanted && qqi_rung_works(rung))
            return rung->ask == NULL || rung->ask() ? rung->kernel : NULL;
    }
    return NULL;
}

#if QQ_NO_SIMD

QQI_FN const qqi_kernel *qqi_kernel_now(void)
{
    return &qqi_kernel_scalar;
}

QQI_FN void qqi_kernel_use(const qqi_kernel *kernel)
{
    (void)kernel;
}

#else

static const qqi_kernel *qqi_kernel_used;

// Relaxed: all that is reached through the pointer is constant.
#  if (defined(__GNUC__) || defined(__clang__)) && !defined(__TINYC__)
QQI_FN const qqi_kernel *qqi_kernel_load(void)
{
    return __atomic_load_n(&qqi_kernel_used, __ATOMIC_RELAXED);
}

QQI_FN void qqi_kernel_use(const qqi_kernel *kernel)
{
    __atomic_store_n(&qqi_kernel_used, kernel, __ATOMIC_RELAXED);
}
#  else
QQI_FN const qqi_kernel *qqi_kernel_load(void)
{
    return *(const qqi_kernel *const volatile *)&qqi_kernel_used;
}

QQI_FN void qqi_kernel_use(const qqi_kernel *kernel)
{
    *(const qqi_kernel *volatile *)&qqi_kernel_used = kernel;
}
#  endif

QQI_FN const qqi_kernel *qqi_kernel_now(void)
{
    const qqi_kernel *kernel = qqi_kernel_load();

    if (kernel == NULL) {
        kernel = qqi_kernel_of(QQ_ISA_BEST);
        qqi_kernel_use(kernel);
    }
    return kernel;
}

#endif

QQ_API qq_status qq_use_isa(qq_isa isa)
{
    const qqi_kernel *kernel = qqi_kernel_of(isa);
    int known = isa == QQ_ISA_BEST;

    for (int i = 0; i < QQI_RUNGS; i++)
        known = known || qqi_ladder[i].isa == isa;
    if (!known)
        return QQ_ERR_ARGUMENT;
    if (kernel == NULL)
        return QQ_ERR_UNSUPPORTED;
    qqi_kernel_use(kernel);
    return QQ_OK;
}

QQ_API qq_isa qq_isa_in_use(void)
{
    return qqi_kernel_now()->isa;
}

QQ_API const char *qq_isa_name(qq_isa isa)
{
    for (int i = 0; i < QQI_RUNGS; i++)
        if (qqi_ladder[i].isa == isa)
            return qqi_ladder[i].name;
    return "none";
}

// ==== matrix/format.h ====

// qquant floor 7: the types that are multiplied, and what their codes mean.
//
// A type with plain codes is one row of the list.

// X(type, bits, meaning, mul, add, flip): a stored code u is the code of the
// tensor, cut to its bits, ^ flip; it stands for mul * u - add. Books: what
// stands in the product's book, less add.
#define QQI_MATRIX_TYPES(X)                                                    \
    X(SIGN, 1, PLAIN, 2, 1, 0)                                                 \
    X(TERNARY, 2, PLAIN, 1, 1, 0)                                              \
    X(INT2, 2, PLAIN, 1, 2, 2)                                                 \
    X(INT3, 3, PLAIN, 1, 4, 4)                                                 \
    X(INT4, 4, PLAIN, 1, 8, 8)                                                 \
    X(INT5, 5, PLAIN, 1, 16, 16)                                               \
    X(INT6, 6, PLAIN, 1, 32, 32)                                               \
    X(INT7, 7, PLAIN, 1, 64, 64)                                               \
    X(INT8, 8, PLAIN, 1, 128, 128)                                             \
    X(UINT2, 2, PLAIN, 1, 0, 0)                                                \
    X(UINT4, 4, PLAIN, 1, 0, 0)                                                \
    X(UINT8, 8, PLAIN, 1, 0, 0)                                                \
    X(NF4, 4, BOOK, 1, 127, 0)                                                 \
    X(BNB_FP4, 4, BOOK, 1, 127, 0)                                             \
    X(E2M1, 4, BOOK, 1, 12, 0)                                                 \
    X(MXFP4, 4, BOOK, 1, 12, 0)                                                \
    X(NVFP4, 4, BOOK, 1, 12, 0)                                                \
    X(BOOK, 4, BOOK, 1, 128, 0)                                                \
    X(E4M3FN, 8, E4M3FN, 1, 0, 0)                                              \
    X(E5M2, 8, E5M2, 1, 0, 0)                                                  \
    X(MXFP8, 8, E4M3FN, 1, 0, 0)                                               \
    X(MXFP8_16, 8, E4M3FN, 1, 0, 0)

typedef struct qqi_matrix_format {
    qq_type type;
    unsigned bits; // of a book of 16 levels; one of 4 has 2
    qqi_code code;
    int32_t mul;
    int32_t add;
    uint8_t flip;
} qqi_matrix_format;

#define QQI_MATRIX_ROW(type, bits, code, mul, add, flip)                       \
    {QQ_TYPE_##type, bits, QQI_CODE_##code, mul, add, flip},
static const qqi_matrix_format qqi_matrix_formats[] = {
    QQI_MATRIX_TYPES(QQI_MATRIX_ROW)};

enum {
    QQI_MATRIX_FORMATS =
        sizeof qqi_matrix_formats / sizeof qqi_matrix_formats[0]
};

// NULL for a type that is not multiplied.
QQI_FN const qqi_matrix_format *qqi_matrix_find(qq_type type)
{
    for (int i = 0; i < QQI_MATRIX_FORMATS; i++)
        if (qqi_matrix_formats[i].type == type)
            return &qqi_matrix_formats[i];
    return NULL;
}

// Levels as integers: rounded levels * 127 for nf4 and bnb_fp4, levels * 2 for
// e2m1.
static const int8_t qqi_nf4_int8[16] = {
    -127, -88, -67, -50, -36, -23, -12, 0, 10, 20, 31, 43, 56, 71, 92, 127};
static const int8_t qqi_bnb_fp4_int8[16] = {
    0, 1, 85, 127, 42, 64, 21, 32, 0, -1, -85, -127, -42, -64, -21, -32};
static const int8_t qqi_e2m1_int8[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                         0, -1, -2, -3, -4, -6, -8, -12};

// Whether an array in a packed matrix has integers for its codes.
QQI_INLINE int qqi_format_is_float(const qqi_matrix_format *f)
{
    return f->code == QQI_CODE_E4M3FN || f->code == QQI_CODE_E5M2;
}

// The integers of a book of 16, and the unit they are counted in. levels:
// those of QQ_TYPE_BOOK.
QQI_FN const int8_t *qqi_format_book(const qqi_matrix_format *f,
                                     const int8_t *levels, float *unit)
{
    // 1/127 to nearest even.
    *unit = qqi_f32_of(0x3c010204u);
    if (f->type == QQ_TYPE_NF4)
        return qqi_nf4_int8;
    if (f->type == QQ_TYPE_BNB_FP4)
        return qqi_bnb_fp4_int8;
    *unit = f->type == QQ_TYPE_BOOK ? 1.0f : 0.5f;
    return f->type == QQ_TYPE_BOOK ? levels : qqi_e2m1_int8;
}

// Level i of a book as a number.
QQI_FN float qqi_format_level(const qqi_matrix_format *f, const int8_t *levels,
                              size_t i)
{
    const float *known = qq_book_levels(f->type);

    if (f->type == QQ_TYPE_BOOK)
        return (float)levels[i];
    return known != NULL ? known[i] : qqi_e2m1_levels[i];
}

// ==== matrix/layout.h ====

// qquant floor 7: where things lie in packed bytes (api/matrix.h).

// What the calls leave in a qq_matrix: "qqm1".
#define QQI_MATRIX_INIT 0x316d7171u

// Where the constants lie, and what in them.
enum {
    QQI_HEADER_BYTES = 64,
    QQI_CONSTANTS_AT = 64,
    QQI_LEVEL_COUNT_AT = QQI_CONSTANTS_AT + 4,
    QQI_LEVELS_AT = QQI_CONSTANTS_AT + 8
};

#define QQI_MATRIX_FLAGS                                                       \
    (QQ_MATRIX_ZERO_POINTS | QQ_MATRIX_ROW_FACTORS | QQ_MATRIX_BIAS |          \
     QQ_MATRIX_COLUMN_FACTORS | QQ_MATRIX_SUMS | QQ_MATRIX_BASE3 |             \
     QQ_MATRIX_CONSTANTS)

// The longest tile whose sum of (code - zero point), 255 at most each, is an
// int32: 255 * 2^23 = 2139095040.
#define QQI_MOST_SUMMED ((size_t)1 << 23)

// Moves *at behind count things of that many bytes, up to a multiple of 64;
// 0 beyond size_t.
QQI_FN int qqi_place(size_t *at, size_t count, size_t bytes)
{
    size_t all, sum;

    if (!qqi_mul_size(count, bytes, &all) || !qqi_add_size(all, 63, &all) ||
        !qqi_add_size(*at, all / 64 * 64, &sum))
        return 0;
    *at = sum;
    return 1;
}

// The same for a section of a panel, which stands where *at is if it exists.
QQI_FN int qqi_place_section(size_t *at, int exists, size_t *where,
                             size_t count, size_t bytes)
{
    *where = exists ? *at : 0;
    return !exists || qqi_place(at, count, bytes);
}

QQI_INLINE int qqi_matrix_has(const qq_matrix *w, uint32_t flag)
{
    return (w->flags & flag) != 0;
}

// Bytes of a panel's codes as they are stored; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_codes_bytes(const qq_matrix *w)
{
    size_t bytes;

    if (!qqi_matrix_has(w, QQ_MATRIX_BASE3))
        return qqi_cells_bytes(w->bits, w->k);
    const size_t count = w->k / 80 + (w->k % 80 > 0);
    return qqi_mul_size(count, 256, &bytes) ? bytes : SIZE_MAX;
}

QQI_FN int qqi_matrix_place_panel(qq_matrix *w)
{
    const size_t codes = qqi_codes_bytes(w);
    size_t rows, at = 0;

    if (codes == SIZE_MAX || !qqi_mul_size(w->tiles, 16, &rows))
        return 0;
    // A place of 0 means "there is none", so there is always a cell.
    const int fits =
        qqi_place(&at, codes > 0 ? codes : 64, 1) &&
        qqi_place_section(&at, 1, &w->scale_at, rows,
                          qq_type_bits(w->scale_type) / 8) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_ZERO_POINTS),
                          &w->zero_at, rows, 1) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_ROW_FACTORS),
                          &w->factor_at, 16, 4) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_BIAS), &w->bias_at,
                          16, 4) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_SUMS), &w->sum_at,
                          rows, 4);
    w->panel_bytes = at;
    return fits;
}

// Fills in what follows from shape, tiles, types and flags; 0 beyond size_t.
QQI_FN int qqi_matrix_place(qq_matrix *w)
{
    size_t at = QQI_HEADER_BYTES;

    w->init = QQI_MATRIX_INIT;
    w->tiles =
        w->tile_k == 0 ? w->k > 0 : w->k / w->tile_k + (w->k % w->tile_k > 0);
    w->panels = w->n / 16 + (w->n % 16 > 0);
    if (qqi_matrix_has(w, QQ_MATRIX_CONSTANTS))
        at += 64;
    if (!qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_COLUMN_FACTORS),
                           &w->column_at, w->k, 4) ||
        !qqi_matrix_place_panel(w))
        return 0;
    w->panel_at = at;
    if (!qqi_place(&at, w->panels, w->panel_bytes))
        return 0;
    w->bytes = at;
    return 1;
}

// What tiles may be; those of an axis are below its size, or 0.
QQI_FN int qqi_matrix_tiles_fit(const qq_matrix *w)
{
    const int rows = w->tile_n == 0 || w->tile_n == 1 || w->tile_n % 16 == 0;
    const int columns =
        w->tile_k == 0 ||
        (w->tile_k % 4 == 0 && w->tile_k >= 8 && w->tile_k <= 65536);

    return rows && columns && w->tile_n <= 0xfffffff0u &&
           (w->tile_n == 0 || w->tile_n < w->n) &&
           (w->tile_k == 0 || w->tile_k < w->k);
}

// Columns of a whole tile.
QQI_INLINE size_t qqi_matrix_tile(const qq_matrix *w)
{
    return w->tile_k == 0 ? w->k : w->tile_k;
}

QQI_INLINE int qqi_is_matrix_scale(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_E8M0 ||
           type == QQ_TYPE_E4M3FN;
}

// What holds of flags and type together; levels: those of the constants.
QQI_FN int qqi_matrix_flags_fit(const qq_matrix *w, const qqi_matrix_format *f)
{
    const int affine = qqi_type_find(w->type)->info.affine;

    if (qqi_matrix_has(w, QQ_MATRIX_ZERO_POINTS) && !affine)
        return 0;
    if (qqi_matrix_has(w, QQ_MATRIX_BASE3) && w->type != QQ_TYPE_TERNARY)
        return 0;
    if (qqi_matrix_has(w, QQ_MATRIX_SUMS) &&
        (qqi_format_is_float(f) || qqi_matrix_tile(w) > QQI_MOST_SUMMED))
        return 0;
    return w->type != QQ_TYPE_BOOK || qqi_matrix_has(w, QQ_MATRIX_CONSTANTS);
}

QQI_INLINE const uint8_t *qqi_matrix_bytes(const qq_matrix *w)
{
    return (const uint8_t *)w->data;
}

QQI_INLINE const uint8_t *qqi_matrix_panel(const qq_matrix *w, size_t i)
{
    return qqi_matrix_bytes(w) + w->panel_at + i * w->panel_bytes;
}

// The second scale; 1 where there are no constants.
QQI_FN float qqi_matrix_scale2(const qq_matrix *w)
{
    if (!qqi_matrix_has(w, QQ_MATRIX_CONSTANTS))
        return 1.0f;
    return qqi_f32_of(qqi_load_le32(qqi_matrix_bytes(w) + QQI_CONSTANTS_AT));
}

// The levels of a caller's book; NULL where there is none.
QQI_FN const int8_t *qqi_matrix_levels(const qq_matrix *w)
{
    const void *levels = NULL;

    if (w->type == QQ_TYPE_BOOK)
        levels = qqi_matrix_bytes(w) + QQI_LEVELS_AT;
    return (const int8_t *)levels;
}

// ==== matrix/code.h ====

// qquant floor 7: single codes of a packed matrix.

// A ternary code of a panel that is stored in base 3.
QQI_FN uint8_t qqi_base3_code(const uint8_t *codes, size_t row, size_t k)
{
    static const uint8_t power[5] = {1, 3, 9, 27, 81};
    const size_t in = k % 80;
    const size_t at = in % 16 / 4 * 64 + 4 * row + in % 4;
    const unsigned byte = codes[k / 80 * 256 + at];
    const unsigned most = byte < 243 ? byte : 242;

    return (uint8_t)(most / power[in / 16] % 3);
}

// The stored codes of a row of a panel, count of them from column k on.
QQI_FN void qqi_panel_codes(const qq_matrix *w, const uint8_t *panel,
                            size_t row, size_t k, size_t count, uint8_t *codes)
{
    const int base3 = qqi_matrix_has(w, QQ_MATRIX_BASE3);

    for (size_t i = 0; i < count; i++)
        codes[i] = base3 ? qqi_base3_code(panel, row, k + i)
                         : qqi_cell_code(panel, w->bits, row, k + i);
}

// The sums of (code - zero point) of every tile of the first rows of a panel.
QQI_FN void qqi_sum_codes(const qq_matrix *w, size_t rows, uint8_t *panel)
{
    const qqi_matrix_format *f = qqi_matrix_find(w->type);
    float unit;
    const int8_t *book = f->code == QQI_CODE_BOOK
                             ? qqi_format_book(f, qqi_matrix_levels(w), &unit)
                             : NULL;

    for (size_t i = 0; i < w->tiles * 16; i++) {
        if (i % 16 >= rows)
            continue;
        const size_t first = i / 16 * qqi_matrix_tile(w);
        const size_t most = qqi_matrix_tile(w);
        const size_t end = most < w->k - first ? first + most : w->k;
        const int32_t zero = w->zero_at != 0 ? panel[w->zero_at + i] : f->add;
        int32_t sum = 0;
        for (size_t k = first; k < end; k++) {
            uint8_t u;
            qqi_panel_codes(w, panel, i % 16, k, 1, &u);
            sum += book != NULL ? book[u] : f->mul * u - zero;
        }
        qqi_store_le32(panel + w->sum_at + 4 * i, (uint32_t)sum);
    }
}

// ==== matrix/plan.h ====

// qquant floor 7: what an array becomes when it is packed.

// What qq_matrix_options_init leaves: "qmo1".
#define QQI_MATRIX_OPTIONS_INIT 0x316f6d71u

QQ_API qq_matrix_options qq_matrix_options_init(void)
{
    qq_matrix_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_MATRIX_OPTIONS_INIT;
    return o;
}

// The statuses of a buffer.
QQI_FN qq_status qqi_check_bytes(size_t need, const void *p, size_t bytes)
{
    if (need > 0 && p == NULL)
        return QQ_ERR_ARGUMENT;
    return bytes < need || need == SIZE_MAX ? QQ_ERR_SIZE : QQ_OK;
}

// Flags by what the options hold. NULL holds nothing.
QQI_FN uint32_t qqi_options_flags(const qq_matrix_options *o)
{
    uint32_t flags = 0;

    if (o == NULL)
        return 0;
    flags |= o->a != NULL ? QQ_MATRIX_ROW_FACTORS : 0;
    flags |= o->b != NULL ? QQ_MATRIX_COLUMN_FACTORS : 0;
    flags |= o->bias != NULL ? QQ_MATRIX_BIAS : 0;
    flags |= o->sums ? QQ_MATRIX_SUMS : 0;
    flags |= o->base3 ? QQ_MATRIX_BASE3 : 0;
    return flags;
}

QQI_FN qq_status qqi_check_matrix_options(const qq_matrix_options *o)
{
    return o != NULL && o->init != QQI_MATRIX_OPTIONS_INIT ? QQ_ERR_ARGUMENT
                                                           : QQ_OK;
}

// Types of codes, scales and zero points.
QQI_FN qq_status qqi_matrix_plan_types(const qq_array *a,
                                       const qq_matrix_options *o, qq_matrix *w)
{
    const qqi_matrix_format *f = qqi_matrix_find(a->type);

    if (f == NULL || qqi_array_check_types(a) != QQ_OK)
        return QQ_ERR_TYPE;
    w->type = a->type;
    w->bits = f->bits;
    w->scale_type = a->scale.type == QQ_TYPE_BF16 ? QQ_TYPE_F32 : a->scale.type;
    w->flags = qqi_options_flags(o);
    if (a->zero_point.type != QQ_TYPE_NONE)
        w->flags |= QQ_MATRIX_ZERO_POINTS;
    if (a->type == QQ_TYPE_BOOK || a->scale.type == QQ_TYPE_E4M3FN ||
        qqi_f32_bits(a->scale2) != 0x3f800000u)
        w->flags |= QQ_MATRIX_CONSTANTS;
    if (a->type == QQ_TYPE_BOOK && a->level_count != 4 && a->level_count != 16)
        return QQ_ERR_TYPE;
    if (a->type == QQ_TYPE_BOOK && a->level_count == 4)
        w->bits = 2;
    if (!qqi_is_matrix_scale(w->scale_type) ||
        (o != NULL && o->base3 && a->type != QQ_TYPE_TERNARY) ||
        (o != NULL && o->sums && qqi_format_is_float(f)))
        return QQ_ERR_TYPE;
    return a->bias.type != QQ_TYPE_NONE ? QQ_ERR_UNSUPPORTED : QQ_OK;
}

// A tile as the header has it: 0 for the whole axis.
QQI_INLINE size_t qqi_matrix_plan_tile(size_t tile, size_t axis)
{
    return tile >= axis ? 0 : tile;
}

QQI_FN qq_status qqi_matrix_plan_shape(const qq_array *a, qq_matrix *w)
{
    const qq_tensor *v = &a->value;

    if (v->rank != 2 || qqi_check_tiles(v, &a->scale, a->tile) != QQ_OK)
        return QQ_ERR_SHAPE;
    w->n = v->shape[0];
    w->k = v->shape[1];
    w->tile_n = qqi_matrix_plan_tile(a->tile[0], w->n);
    w->tile_k = qqi_matrix_plan_tile(a->tile[1], w->k);
    if (qqi_matrix_has(w, QQ_MATRIX_ZERO_POINTS)) {
        if (qqi_check_tiles(v, &a->zero_point, a->zero_tile) != QQ_OK ||
            qqi_matrix_plan_tile(a->zero_tile[0], w->n) != w->tile_n ||
            qqi_matrix_plan_tile(a->zero_tile[1], w->k) != w->tile_k)
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// The matrix that an array will be, but for its data.
QQI_FN qq_status qqi_matrix_plan(const qq_array *a, const qq_matrix_options *o,
                                 qq_matrix *w)
{
    QQ_MEMSET(w, 0, sizeof *w);
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_matrix_plan_types(a, o, w);
    if (status == QQ_OK)
        status = qqi_matrix_plan_shape(a, w);
    if (status == QQ_OK)
        status = qqi_check_matrix_options(o);
    if (status != QQ_OK)
        return status;
    if (!qqi_matrix_tiles_fit(w) ||
        !qqi_matrix_flags_fit(w, qqi_matrix_find(w->type)))
        return QQ_ERR_SHAPE;
    return qqi_matrix_place(w) ? QQ_OK : QQ_ERR_SIZE;
}

QQ_API size_t qq_matrix_size(const qq_array *a, const qq_matrix_options *o)
{
    qq_matrix w;

    return qqi_matrix_plan(a, o, &w) == QQ_OK ? w.bytes : SIZE_MAX;
}

// ==== matrix/unpack.h ====

// qquant floor 7: panels back into an array, factors, rows.

// The tensors of the array and where they lie in out: scales, zero points,
// codes, and levels, aligned, with room to move.
typedef struct qqi_unpacked {
    qq_array a;
    size_t zero_at;
    size_t value_at;
    size_t levels_at;
    size_t bytes;
} qqi_unpacked;

QQI_FN int qqi_unpacked_make(const qq_matrix *w, qqi_unpacked *u)
{
    const size_t value[2] = {w->n, w->k};
    const size_t rows = w->tile_n == 0 ? w->n : w->tile_n;
    const size_t row_tiles = rows > 0 ? w->n / rows + (w->n % rows > 0) : 0;
    const size_t tiles[2] = {row_tiles, w->tiles};
    const int zero = qqi_matrix_has(w, QQ_MATRIX_ZERO_POINTS);
    qq_array *a = &u->a;

    QQ_MEMSET(u, 0, sizeof *u);
    a->value = qq_tensor_make(NULL, qqi_type_storage(w->type), 2, value);
    a->scale = qq_tensor_make(NULL, w->scale_type, 2, tiles);
    a->zero_point =
        qq_tensor_make(NULL, zero ? a->value.type : QQ_TYPE_NONE, 2, tiles);
    a->type = w->type;
    a->scale2 = qqi_matrix_scale2(w);
    a->tile[0] = a->zero_tile[0] = rows > 0 ? rows : 1;
    a->tile[1] = a->zero_tile[1] =
        qqi_matrix_tile(w) > 0 ? qqi_matrix_tile(w) : 1;
    const size_t scales = qq_tensor_bytes(&a->scale);
    const size_t zeros = zero ? qq_tensor_bytes(&a->zero_point) : 0;
    const size_t codes = qq_tensor_bytes(&a->value);
    const size_t levels = w->type == QQ_TYPE_BOOK ? 17 * sizeof(float) : 0;
    u->zero_at = scales;
    return scales != SIZE_MAX && zeros != SIZE_MAX && codes != SIZE_MAX &&
           qqi_add_size(scales, zeros, &u->value_at) &&
           qqi_add_size(u->value_at, codes, &u->levels_at) &&
           qqi_add_size(u->levels_at, levels, &u->bytes);
}

QQI_FN int qqi_is_matrix(const qq_matrix *w)
{
    return w != NULL && w->init == QQI_MATRIX_INIT;
}

QQ_API size_t qq_matrix_unpack_size(const qq_matrix *w)
{
    qqi_unpacked u;

    return qqi_is_matrix(w) && qqi_unpacked_make(w, &u) ? u.bytes : SIZE_MAX;
}

// Scales and zero points of row tile i.
QQI_FN void qqi_unpack_tiles(const qq_matrix *w, const qqi_unpacked *u,
                             size_t i, uint8_t *out)
{
    const size_t row = i * u->a.tile[0];
    const uint8_t *panel = qqi_matrix_panel(w, row / 16);
    const uint8_t *scale = panel + w->scale_at;
    const uint8_t flip = qqi_matrix_find(w->type)->flip;

    for (size_t t = 0; t < w->tiles; t++) {
        const size_t from = 16 * t + row % 16;
        const size_t to = i * w->tiles + t;
        if (w->scale_type == QQ_TYPE_F32)
            qqi_store_u32(out + 4 * to, qqi_load_le32(scale + 4 * from));
        else if (w->scale_type == QQ_TYPE_F16)
            qqi_store_u16(out + 2 * to, qqi_load_le16(scale + 2 * from));
        else
            out[to] = scale[from];
        if (w->zero_at != 0)
            qqi_store_code(u->a.zero_point.type, out + u->zero_at, to,
                           (uint32_t)(panel[w->zero_at + from] ^ flip));
    }
}

// The codes of the tensor, not those stored, of a row.
QQI_FN void qqi_row_codes(const qq_matrix *w, size_t row, size_t k,
                          size_t count, uint8_t *codes)
{
    const uint8_t flip = qqi_matrix_find(w->type)->flip;

    qqi_panel_codes(w, qqi_matrix_panel(w, row / 16), row % 16, k, count,
                    codes);
    for (size_t i = 0; i < count; i++)
        codes[i] ^= flip;
}

// The levels of a book, aligned: out has room for one more.
QQI_FN void qqi_unpack_levels(const qq_matrix *w, void *out, qq_array *a)
{
    const size_t off = (size_t)((uintptr_t)out % sizeof(float));
    const size_t skip = off > 0 ? sizeof(float) - off : 0;
    void *place = (uint8_t *)out + skip;
    float *levels = (float *)place;
    const int8_t *from = qqi_matrix_levels(w);

    a->level_count = w->bits == 2 ? 4 : 16;
    for (size_t i = 0; i < a->level_count; i++)
        levels[i] = (float)from[i];
    a->levels = levels;
}

QQ_API qq_status qq_matrix_unpack(const qq_matrix *w, void *out,
                                  size_t out_bytes, qq_array *view)
{
    qqi_unpacked u;
    uint8_t *p = (uint8_t *)out;
    uint8_t codes[64];

    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    if (!qqi_unpacked_make(w, &u))
        return QQ_ERR_SIZE;
    const qq_status status = qqi_check_bytes(u.bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const unsigned bits = qq_type_bits(u.a.value.type);
    for (size_t i = 0; i < u.a.scale.shape[0]; i++)
        qqi_unpack_tiles(w, &u, i, p);
    for (size_t row = 0; row < w->n; row++) {
        for (size_t k = 0; k < w->k; k += 64) {
            const size_t count = w->k - k < 64 ? w->k - k : 64;
            qqi_row_codes(w, row, k, count, codes);
            qqi_pack_codes(bits, QQ_ORDER_LOW_FIRST, row * w->k + k, count,
                           codes, p + u.value_at);
        }
    }
    *view = u.a;
    if (u.bytes == 0)
        return QQ_OK;
    view->scale.data = p;
    if (w->zero_at != 0)
        view->zero_point.data = p + u.zero_at;
    view->value.data = p + u.value_at;
    if (w->type == QQ_TYPE_BOOK)
        qqi_unpack_levels(w, p + u.levels_at, view);
    return QQ_OK;
}

QQ_API qq_status qq_matrix_factors(const qq_matrix *w, float *a, float *b,
                                   float *bias)
{
    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < w->n; i++) {
        const uint8_t *panel = qqi_matrix_panel(w, i / 16) + i % 16 * 4;
        if (a != NULL)
            a[i] = w->factor_at ? qqi_load_le_f32(panel + w->factor_at) : 1.0f;
        if (bias != NULL)
            bias[i] = w->bias_at ? qqi_load_le_f32(panel + w->bias_at) : 0.0f;
    }
    const uint8_t *columns = qqi_matrix_bytes(w) + w->column_at;
    for (size_t i = 0; b != NULL && i < w->k; i++)
        b[i] = w->column_at ? qqi_load_le_f32(columns + 4 * i) : 1.0f;
    return QQ_OK;
}

// ==== matrix/product.h ====

// qquant floor 7: what a product is asked for, checked and spelled out.

// What qq_matmul_options_init leaves: "qpo1".
#define QQI_MATMUL_INIT 0x316f7071u

QQ_API qq_matmul_options qq_matmul_options_init(void)
{
    qq_matmul_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_MATMUL_INIT;
    o.x_type = QQ_TYPE_F32;
    o.input = QQ_INPUT_DEFAULT;
    o.hi = qqi_f32_of((uint32_t)QQI_F32_INF);
    o.lo = -o.hi;
    o.parts = 1;
    return o;
}

// What is wrong with options by themselves.
QQI_FN qq_status qqi_check_matmul_options(const qq_matmul_options *o)
{
    const int input = (int)o->input;

    if (o->init != QQI_MATMUL_INIT || o->parts == 0 || !(o->lo <= o->hi) ||
        input < QQ_INPUT_DEFAULT || input > QQ_INPUT_F32)
        return QQ_ERR_ARGUMENT;
    if (o->input == QQ_INPUT_INT8_STATIC &&
        (!(o->x_scale > 0.0f) || !qqi_is_finite_f32(o->x_scale) ||
         o->x_zero < -128 || o->x_zero > 127))
        return QQ_ERR_ARGUMENT;
    switch ((int)o->x_type) {
    case QQ_TYPE_F32:
    case QQ_TYPE_F16:
    case QQ_TYPE_BF16:
        return QQ_OK;
    case QQ_TYPE_INT8:
        return input <= QQ_INPUT_INT8_STATIC ? QQ_OK : QQ_ERR_TYPE;
    default:
        return QQ_ERR_TYPE;
    }
}

// The input that a product has; the default is spelled out.
QQI_INLINE qq_input qqi_input_of(const qq_matmul_options *o, int is_float)
{
    if (o->input != QQ_INPUT_DEFAULT)
        return o->input;
    return is_float ? QQ_INPUT_F32 : QQ_INPUT_INT8_ROW;
}

// Whether options and matrix go together.
QQI_FN qq_status qqi_check_pairing(const qq_matrix *w,
                                   const qq_matmul_options *o)
{
    const int is_float = qqi_format_is_float(qqi_matrix_find(w->type));
    const qq_input input = qqi_input_of(o, is_float);
    const int is_int8 = o->x_type == QQ_TYPE_INT8;

    if (is_float && input != QQ_INPUT_F32)
        return QQ_ERR_TYPE;
    if (is_int8 && (w->column_at != 0 || input == QQ_INPUT_F32))
        return QQ_ERR_TYPE;
    if (input == QQ_INPUT_INT8_STATIC && o->x_zero != 0 &&
        qqi_matrix_tile(w) > QQI_MOST_SUMMED)
        return QQ_ERR_SHAPE;
    return QQ_OK;
}

// The matrix in a product: meaning of the codes.
QQI_FN void qqi_product_codes(qqi_product *p, const qq_matrix *w)
{
    const qqi_matrix_format *f = qqi_matrix_find(w->type);
    const size_t levels = (size_t)1 << (w->bits < 4 ? w->bits : 4);

    p->bits = w->bits;
    p->code = f->code;
    p->mul = f->mul;
    p->add = f->add;
    p->unit = 1.0f;
    if (f->code != QQI_CODE_BOOK)
        return;
    float unit;
    const int8_t *book = qqi_format_book(f, qqi_matrix_levels(w), &unit);
    for (size_t i = 0; i < levels; i++) {
        p->book[i] = (uint8_t)(book[i] + f->add);
        p->levels[i] = qqi_format_level(f, qqi_matrix_levels(w), i);
    }
    p->unit = p->input == QQ_INPUT_F32 ? 1.0f : unit;
}

// And where its parts lie.
QQI_FN void qqi_product_matrix(qqi_product *p, const qq_matrix *w)
{
    p->n = w->n;
    p->k = w->k;
    p->tile = qqi_matrix_tile(w);
    p->tiles = w->tiles;
    p->scale_type = w->scale_type;
    p->scale2 = qqi_matrix_scale2(w);
    p->panels = qqi_matrix_panel(w, 0);
    p->panel_bytes = w->panel_bytes;
    p->scale_at = w->scale_at;
    p->zero_at = w->zero_at;
    p->factor_at = w->factor_at;
    p->bias_at = w->bias_at;
    p->factors = w->column_at ? qqi_matrix_bytes(w) + w->column_at : NULL;
    p->cells = p->panels;
    p->cells_bytes = p->panel_bytes;
    if (p->x_zero != 0 && w->sum_at != 0) {
        p->sums = p->panels + w->sum_at;
        p->sums_bytes = p->panel_bytes;
    }
}

// A product but for x, y and strides. QQ_ERR_SIZE beyond size_t.
QQI_FN qq_status qqi_product_make(qqi_product *p, const qq_matrix *w,
                                  const qq_matmul_options *o)
{
    QQ_MEMSET(p, 0, sizeof *p);
    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_check_matmul_options(o);
    if (status == QQ_OK)
        status = qqi_check_pairing(w, o);
    if (status != QQ_OK)
        return status;
    const int is_float = qqi_format_is_float(qqi_matrix_find(w->type));
    p->input = qqi_input_of(o, is_float);
    p->x_type = o->x_type;
    p->x_scale = o->x_scale;
    p->x_scales = o->x_scales;
    p->x_zero = p->input == QQ_INPUT_INT8_STATIC ? o->x_zero : 0;
    p->digits = p->input == QQ_INPUT_INT24   ? 3
                : p->input == QQ_INPUT_INT16 ? 2
                                             : 1;
    p->lo = o->lo;
    p->hi = o->hi;
    p->accumulate = o->accumulate;
    qqi_product_codes(p, w);
    qqi_product_matrix(p, w);
    // Spans do not cross tiles: where a tile is longer there is only one.
    p->span = p->tile < QQI_SPAN ? p->tile : QQI_SPAN;
    p->spans = p->tile <= QQI_SPAN ? p->tiles
                                   : p->k / QQI_SPAN + (p->k % QQI_SPAN > 0);
    if (!qqi_add_size(p->k, 63, &p->padded))
        return QQ_ERR_SIZE;
    p->padded = p->padded / 64 * 64;
    return QQ_OK;
}

// ==== matrix/scratch.h ====

// qquant floor 7: groups of columns, and where they lie in scratch.
//
//   q (or real)   columns * padded int8, or columns * k f32
//   sum           columns * spans int32
//   scale         columns f32, or columns * tiles
//   table         8 bytes for every number of q: 1-bit codes, 1 to 4 columns
//   a part's own  work, cells expanded from base 3, sums of codes
//
// each from a multiple of 64. Columns are counted the same on every machine:
// rows of x times digits, rounded up to a multiple of 4, int24 having 4 a row;
// a lone row of one digit counts as 1. Groups lie behind each other in each of
// these; all but the last are as wide as the strategy wants.

typedef struct qqi_room {
    size_t columns;
    size_t real_at;
    size_t sum_at;
    size_t scale_at;
    size_t table_at; // 0: there is none
    size_t part_at;
    size_t part_bytes; // of one part
    size_t cells_at;   // in a part; 0: none are expanded
    size_t sums_at;    // in a part; 0: none are made
    size_t bytes;      // of all
} qqi_room;

// Panels that are expanded or summed at once.
#define QQI_AHEAD ((size_t)2)

// Rows of x in 4 columns.
QQI_INLINE size_t qqi_rows_of_four(const qqi_product *p)
{
    return 4 / p->digits;
}

QQI_FN int qqi_room_columns(const qqi_product *p, size_t m, size_t *columns)
{
    const size_t rows = qqi_rows_of_four(p);

    *columns = m * p->digits;
    return m * p->digits <= 1 ||
           qqi_mul_size(m / rows + (m % rows > 0), 4, columns);
}

QQI_FN int qqi_room_part(const qqi_product *p, const qq_matrix *w, qqi_room *r)
{
    const size_t cells = qqi_cells_bytes(p->bits, p->k);
    const int base3 = qqi_matrix_has(w, QQ_MATRIX_BASE3);
    const int sums = p->x_zero != 0 && w->sum_at == 0;
    // Whole groups of five cells.
    const size_t whole = p->k / 80 * 320 + (p->k % 80 > 0 ? 320 : 0);
    const size_t wide = r->columns > 8 ? qqi_wide_bytes(p->padded) : 0;
    size_t at = QQI_WORK_BYTES + wide;

    return cells != SIZE_MAX &&
           qqi_place_section(&at, base3, &r->cells_at, QQI_AHEAD, whole) &&
           qqi_place_section(&at, sums, &r->sums_at, QQI_AHEAD * 64,
                             p->tiles) &&
           qqi_place(&r->part_bytes, at, 1);
}

// Whether a table engine may want this product.
QQI_INLINE int qqi_room_has_table(const qqi_product *p, const qqi_room *r)
{
    return !QQ_NO_SIMD && p->bits == 1 && p->input != QQ_INPUT_F32 &&
           r->columns <= 4;
}

// The room for m rows and parts; 0 beyond size_t.
QQI_FN int qqi_room_make(const qqi_product *p, const qq_matrix *w, size_t m,
                         size_t parts, qqi_room *r)
{
    const int real = p->input == QQ_INPUT_F32;
    const size_t scales = p->input == QQ_INPUT_INT8_TILE ? p->tiles : 1;
    size_t q, sum, scale;

    QQ_MEMSET(r, 0, sizeof *r);
    if (m > SIZE_MAX / 4 || p->k > SIZE_MAX / 8 ||
        !qqi_room_columns(p, m, &r->columns) || !qqi_room_part(p, w, r))
        return 0;
    if (!qqi_mul_size(r->columns, real ? p->k : p->padded, &q) ||
        !qqi_mul_size(r->columns, real ? 0 : p->spans, &sum) ||
        !qqi_mul_size(r->columns, real ? 0 : scales, &scale))
        return 0;
    r->real_at = 0;
    r->bytes = 0;
    if (!qqi_place(&r->bytes, q, real ? sizeof(float) : 1))
        return 0;
    r->sum_at = r->bytes;
    if (!qqi_place(&r->bytes, sum, sizeof(int32_t)))
        return 0;
    r->scale_at = r->bytes;
    if (!qqi_place(&r->bytes, scale, sizeof(float)))
        return 0;
    if (!qqi_place_section(&r->bytes, qqi_room_has_table(p, r), &r->table_at, q,
                           8))
        return 0;
    r->part_at = r->bytes;
    return qqi_place(&r->bytes, parts, r->part_bytes) &&
           qqi_add_size(r->bytes, 63, &r->bytes); // to align it
}

// How rows of x are grouped by a strategy: rows in all groups but the last,
// and the columns of those.
typedef struct qqi_grouping {
    size_t m;
    size_t count;
    size_t rows;
    size_t width;
} qqi_grouping;

// As few groups as the widest allows, of like width: 4, 8, 12 ... columns.
QQI_FN void qqi_grouping_make(const qqi_product *p, const qqi_strategy *how,
                              size_t m, qqi_grouping *g)
{
    const size_t rows = qqi_rows_of_four(p);
    const size_t fours = m / rows + (m % rows > 0);
    const size_t most = how->columns / 4;
    const size_t groups = fours / most + (fours % most > 0);
    const size_t per = groups > 0 ? fours / groups + (fours % groups > 0) : 1;

    g->m = m;
    g->rows = per * rows;
    g->width = per * 4;
    g->count = m / g->rows + (m % g->rows > 0);
}

// The columns that a group of count rows has room for.
QQI_FN size_t qqi_columns_width(const qqi_product *p, const qqi_strategy *how,
                                size_t count)
{
    const size_t columns = count * p->digits;

    for (size_t w = columns; w < 4; w++)
        if (how->widths >> w & 1)
            return w;
    return (columns + 3) / 4 * 4;
}

// Group i in scratch that begins at base.
QQI_FN void qqi_columns_make(const qqi_product *p, const qqi_strategy *how,
                             const qqi_grouping *all, const qqi_room *r,
                             size_t i, uint8_t *base, qqi_columns *g)
{
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    const size_t left = all->m - i * all->rows;
    const size_t before = i * all->width; // columns
    void *real = base + r->real_at;
    void *sum = base + r->sum_at;
    void *scale = base + r->scale_at;

    QQ_MEMSET(g, 0, sizeof *g);
    g->first = i * all->rows;
    g->count = left < all->rows ? left : all->rows;
    g->width = qqi_columns_width(p, how, g->count);
    g->unit = how->unit;
    if (p->input == QQ_INPUT_F32) {
        g->real = (float *)real + before * p->k;
        return;
    }
    g->q = (int8_t *)real + before * p->padded;
    g->sum = (int32_t *)sum + before * p->spans;
    g->scale = (float *)scale + before * (tiled ? p->tiles : 1);
    g->table = r->table_at != 0 ? base + r->table_at : NULL;
}

// ==== matrix/ahead.h ====

// qquant floor 7: what must be done to panels before they are multiplied.
//
// Ternary in base 3 is expanded to cells, and where x has a zero point and the
// panel brings no sums of codes they are made; a few panels at a time, in the
// memory of the part that multiplies them.

// A product on its way.
typedef struct qqi_matmul {
    qqi_product p;
    qqi_room room;
    qqi_strategy how;
    qqi_grouping groups;
    const qqi_kernel *kernel;
    const qq_matrix *w;
    size_t parts;
    uint8_t *scratch; // aligned
} qqi_matmul;

// The sums of (code - zero point) of a panel that does not bring them.
QQI_FN void qqi_sum_panel(const qqi_product *p, size_t i, uint8_t *sums)
{
    const uint8_t *panel = qqi_panel(p, i);
    uint8_t u[64];

    for (size_t t = 0; t < p->tiles; t++) {
        int32_t sum[16] = {0};
        const size_t end = qqi_tile_end(p, t);
        for (size_t k = t * p->tile; k < end; k++) {
            if (k % 4 == 0)
                qqi_field(qqi_panel_cells(p, i), p->bits, k, u);
            for (size_t r = 0; r < 16; r++) {
                const uint8_t code = u[4 * r + k % 4];
                const int32_t c = p->code == QQI_CODE_BOOK ? p->book[code & 15]
                                                           : p->mul * code;
                sum[r] += c - qqi_zero_of(p, panel, t, r);
            }
        }
        for (size_t r = 0; r < 16; r++)
            qqi_store_le32(sums + 4 * (16 * t + r), (uint32_t)sum[r]);
    }
}

// Expands and sums panels first to last - 1, at most QQI_AHEAD, in the part's
// own memory, and makes p find them there.
QQI_FN void qqi_panels_ahead(const qqi_matmul *t, size_t first, size_t last,
                             uint8_t *mine, qqi_product *p)
{
    if (t->room.cells_at != 0) {
        const size_t fives = p->k / 80 + (p->k % 80 > 0);
        uint8_t *cells = mine + t->room.cells_at;
        for (size_t i = first; i < last; i++)
            t->kernel->expand(fives, qqi_panel(p, i),
                              cells + (i - first) * fives * 320);
        p->cells = cells;
        p->cells_bytes = fives * 320;
        p->cells_from = first;
    }
    if (t->room.sums_at != 0) {
        uint8_t *sums = mine + t->room.sums_at;
        for (size_t i = first; i < last; i++)
            qqi_sum_panel(p, i, sums + (i - first) * p->tiles * 64);
        p->sums = sums;
        p->sums_bytes = p->tiles * 64;
        p->sums_from = first;
    }
}

// ==== matrix/matmul.h ====

// qquant floor 7: the driver of products.
//
// Phase 0 makes codes of x, group by group; phase 1 multiplies. A part of
// phase 0 is a range of groups, one of phase 1 a range of panels or, where
// there are more groups than panels for everybody, of groups. Each number of y
// is computed by one part, in one order, so parts cannot change it.
//
// In a part, groups whose codes fit a cache together meet a few panels at a
// time, which stay in a nearer cache for all of them.

// Bytes of codes of x, and of cells of W, that shall stay in caches.
#define QQI_NEAR_X ((size_t)1 << 18)
#define QQI_NEAR_W ((size_t)1 << 14)

// Multiplications below which threads are not worth waking.
#define QQI_SMALL_PRODUCT ((size_t)1 << 20)

// Part i of count things: from, and below to.
QQI_FN void qqi_part_range(size_t count, size_t parts, size_t i, size_t *from,
                           size_t *to)
{
    const size_t each = count / parts;
    const size_t more = count % parts;

    *from = each * i + (i < more ? i : more);
    *to = *from + each + (i < more ? 1 : 0);
}

QQI_FN void qqi_prepare_part(void *arg, size_t part)
{
    const qqi_matmul *t = (const qqi_matmul *)arg;
    size_t from, to;

    qqi_part_range(t->groups.count, t->parts, part, &from, &to);
    for (size_t i = from; i < to; i++) {
        qqi_columns g;
        qqi_columns_make(&t->p, &t->how, &t->groups, &t->room, i, t->scratch,
                         &g);
        t->how.prepare(&t->p, &g);
    }
}

// --- panels ----------------------------------------------------------------

// Panels that meet all groups of a block before the next ones do.
QQI_FN size_t qqi_panels_at_once(const qqi_matmul *t, size_t groups)
{
    const size_t bytes = qqi_codes_bytes(t->w);
    size_t count = t->how.panels;

    if (t->room.cells_at != 0 || t->room.sums_at != 0)
        return QQI_AHEAD;
    if (groups == 1)
        return SIZE_MAX;
    if (bytes > 0 && QQI_NEAR_W / bytes > count)
        count = QQI_NEAR_W / bytes / count * count;
    return count;
}

// Panels first to last - 1 and groups from to to - 1.
QQI_FN void qqi_multiply_block(const qqi_matmul *t, size_t first, size_t last,
                               size_t from, size_t to, uint8_t *mine)
{
    const size_t step = qqi_panels_at_once(t, to - from);
    qqi_product p = t->p;
    qqi_columns g;

    for (size_t i = first, next; i < last; i = next) {
        next = step < last - i ? i + step : last;
        qqi_panels_ahead(t, i, next, mine, &p);
        for (size_t j = from; j < to; j++) {
            qqi_columns_make(&p, &t->how, &t->groups, &t->room, j, t->scratch,
                             &g);
            t->how.multiply(&p, &g, i, next, mine);
        }
    }
}

QQI_FN void qqi_multiply_part(void *arg, size_t part)
{
    const qqi_matmul *t = (const qqi_matmul *)arg;
    const size_t panels = t->w->panels;
    const size_t ahead = t->how.panels;
    const size_t lots = panels / ahead + (panels % ahead > 0);
    uint8_t *mine = t->scratch + t->room.part_at + part * t->room.part_bytes;
    size_t first = 0, last = panels, from = 0, to = t->groups.count;

    if (lots >= t->parts || lots >= to) {
        qqi_part_range(lots, t->parts, part, &first, &last);
        first *= ahead;
        last = last * ahead < panels ? last * ahead : panels;
    } else {
        qqi_part_range(t->groups.count, t->parts, part, &from, &to);
    }
    const size_t bytes = t->p.padded * t->groups.width;
    const size_t near = bytes > 0 ? QQI_NEAR_X / bytes : 0;
    const size_t block = near > 1 ? near : 1;
    for (size_t i = from; i < to; i += block)
        qqi_multiply_block(t, first, last, i, block < to - i ? i + block : to,
                           mine);
}

// --- the calls -------------------------------------------------------------

QQ_API size_t qq_matmul_scratch_size(const qq_matrix *w,
                                     const qq_matmul_options *o, size_t m)
{
    const qq_matmul_options defaults = qq_matmul_options_init();
    const qq_matmul_options *use = o != NULL ? o : &defaults;
    qqi_product p;
    qqi_room room;

    if (qqi_product_make(&p, w, use) != QQ_OK ||
        !qqi_room_make(&p, w, m, use->parts, &room))
        return SIZE_MAX;
    return m > 0 && w->n > 0 ? room.bytes : 0;
}

// Whether rows of that stride and width lie within what can be addressed.
QQI_FN int qqi_rows_fit(size_t m, size_t ld, size_t row, size_t bytes)
{
    size_t all;

    return ld >= row && (m == 0 || (qqi_mul_size(m - 1, ld, &all) &&
                                    qqi_add_size(all, row, &all) &&
                                    qqi_mul_size(all, bytes, &all)));
}

// Everything about a product, checked in the order of the arguments.
QQI_FN qq_status qqi_matmul_make(qqi_matmul *t, const qq_matrix *w,
                                 const qq_matmul_options *o, size_t m,
                                 const void *x, size_t ldx, void *y, size_t ldy,
                                 void *scratch, size_t scratch_bytes)
{
    qqi_product *p = &t->p;
    const qq_status status = qqi_product_make(p, w, o);

    if (status != QQ_OK)
        return status;
    const int scaled = o->x_type != QQ_TYPE_INT8 ||
                       p->input == QQ_INPUT_INT8_STATIC || o->x_scales != NULL;
    if (m > 0 && ((p->k > 0 && x == NULL) || !scaled))
        return QQ_ERR_ARGUMENT;
    if (!qqi_rows_fit(m, ldx, p->k, qq_type_bits(p->x_type) / 8))
        return QQ_ERR_SHAPE;
    if (m > 0 && p->n > 0 && y == NULL)
        return QQ_ERR_ARGUMENT;
    if (!qqi_rows_fit(m, ldy, p->n, sizeof(float)))
        return QQ_ERR_SHAPE;
    if (!qqi_room_make(p, w, m, o->parts, &t->room))
        return QQ_ERR_SIZE;
    t->w = w;
    t->parts = o->parts;
    p->x = (const uint8_t *)x;
    p->ldx = ldx;
    p->y = (uint8_t *)y;
    p->ldy = ldy;
    if (m == 0 || p->n == 0)
        return QQ_OK;
    if (scratch == NULL)
        return QQ_ERR_ARGUMENT;
    if (scratch_bytes < t->room.bytes)
        return QQ_ERR_SCRATCH;
    const size_t off = (size_t)((uintptr_t)scratch % 64);
    t->scratch = (uint8_t *)scratch + (off > 0 ? 64 - off : 0);
    t->kernel = qqi_kernel_now();
    t->kernel->choose(p, &t->how);
    qqi_grouping_make(p, &t->how, m, &t->groups);
    return QQ_OK;
}

// A product that one thread has done before a second one wakes.
QQI_FN int qqi_is_small(const qqi_matmul *t)
{
    size_t work;

    return qqi_mul_size(t->p.n, t->p.k, &work) &&
           qqi_mul_size(work, t->groups.m, &work) && work < QQI_SMALL_PRODUCT;
}

QQ_API qq_status qq_matmul(const qq_matrix *w, const qq_matmul_options *o,
                           size_t m, const void *x, size_t ldx, void *y,
                           size_t ldy, void *scratch, size_t scratch_bytes)
{
    const qq_matmul_options defaults = qq_matmul_options_init();
    const qq_matmul_options *use = o != NULL ? o : &defaults;
    qqi_matmul t;

    const qq_status status =
        qqi_matmul_make(&t, w, use, m, x, ldx, y, ldy, scratch, scratch_bytes);
    if (status != QQ_OK || m == 0 || w->n == 0)
        return status;
    if (use->parallel == NULL || t.parts == 1 || qqi_is_small(&t)) {
        t.parts = 1;
        qqi_prepare_part(&t, 0);
        qqi_multiply_part(&t, 0);
        return QQ_OK;
    }
    // A lone group is no work for threads.
    if (t.groups.count == 1)
        for (size_t i = 0; i < t.parts; i++)
            qqi_prepare_part(&t, i);
    else
        use->parallel(use->parallel_user, t.parts, qqi_prepare_part, &t);
    use->parallel(use->parallel_user, t.parts, qqi_multiply_part, &t);
    return QQ_OK;
}

QQ_API qq_status qq_matmul_part(const qq_matrix *w, const qq_matmul_options *o,
                                size_t m, const void *x, size_t ldx, void *y,
                                size_t ldy, void *scratch, size_t scratch_bytes,
                                unsigned phase, size_t part)
{
    const qq_matmul_options defaults = qq_matmul_options_init();
    const qq_matmul_options *use = o != NULL ? o : &defaults;
    qqi_matmul t;

    const qq_status status =
        qqi_matmul_make(&t, w, use, m, x, ldx, y, ldy, scratch, scratch_bytes);
    if (status != QQ_OK)
        return status;
    if (phase > 1 || part >= t.parts)
        return QQ_ERR_ARGUMENT;
    if (m == 0 || w->n == 0)
        return QQ_OK;
    if (phase == 0)
        qqi_prepare_part(&t, part);
    else
        qqi_multiply_part(&t, part);
    return QQ_OK;
}

// ==== matrix/open.h ====

// qquant floor 7: the header, written and read.

// Header and constants of a matrix that is to be; levels: 16, or NULL.
QQI_FN void qqi_matrix_write(const qq_matrix *w, float scale2,
                             const int8_t *levels, uint8_t *out)
{
    QQ_MEMSET(out, 0, QQI_HEADER_BYTES);
    QQ_MEMCPY(out, "QQMX", 4);
    qqi_store_le16(out + 4, QQ_MATRIX_VERSION);
    qqi_store_le16(out + 6, (uint16_t)w->type);
    qqi_store_le16(out + 8, (uint16_t)w->scale_type);
    qqi_store_le16(out + 10, 1);
    qqi_store_le32(out + 12, w->flags);
    qqi_store_le64(out + 16, w->n);
    qqi_store_le64(out + 24, w->k);
    qqi_store_le32(out + 32, (uint32_t)w->tile_n);
    qqi_store_le32(out + 36, (uint32_t)w->tile_k);
    qqi_store_le64(out + 48, w->bytes);
    if (!qqi_matrix_has(w, QQ_MATRIX_CONSTANTS))
        return;
    QQ_MEMSET(out + QQI_CONSTANTS_AT, 0, 64);
    qqi_store_le32(out + QQI_CONSTANTS_AT, qqi_f32_bits(scale2));
    if (levels == NULL)
        return;
    const size_t count = w->bits == 2 ? 4 : 16;
    qqi_store_le32(out + QQI_LEVEL_COUNT_AT, (uint32_t)count);
    QQ_MEMCPY(out + QQI_LEVELS_AT, levels, count);
}

QQI_FN int qqi_all_zero(const uint8_t *p, size_t count)
{
    unsigned any = 0;

    for (size_t i = 0; i < count; i++)
        any |= p[i];
    return any == 0;
}

// Whether the constants are what the type says; finds the bits of a book.
QQI_FN int qqi_matrix_open_constants(const uint8_t *p, qq_matrix *w)
{
    const uint32_t count = qqi_load_le32(p + QQI_LEVEL_COUNT_AT);

    if (w->type == QQ_TYPE_BOOK ? count != 4 && count != 16 : count != 0)
        return 0;
    if (count == 4)
        w->bits = 2;
    return qqi_all_zero(p + QQI_LEVELS_AT + count, 64 - 8 - count);
}

// A 64-bit size of the header as a size_t; 0 where that cannot hold it.
QQI_FN int qqi_open_size(const uint8_t *p, size_t *out)
{
    const uint64_t v = qqi_load_le64(p);

    *out = (size_t)v;
    return *out == v;
}

// No number beyond the enumerators becomes one.
QQI_INLINE qq_type qqi_open_type(const uint8_t *p)
{
    const unsigned v = qqi_load_le16(p);

    return v <= QQ_TYPE_NVFP4 ? (qq_type)v : QQ_TYPE_NONE;
}

// What can be told from single fields.
QQI_FN qq_status qqi_matrix_open_fields(const uint8_t *p, qq_matrix *w)
{
    const unsigned version = qqi_load_le16(p + 4);

    w->type = qqi_open_type(p + 6);
    w->scale_type = qqi_open_type(p + 8);
    w->flags = qqi_load_le32(p + 12);
    w->tile_n = qqi_load_le32(p + 32);
    w->tile_k = qqi_load_le32(p + 36);
    if (version == 0)
        return QQ_ERR_FORMAT;
    if (version > QQ_MATRIX_VERSION || qqi_load_le16(p + 10) != 1 ||
        (w->flags & ~QQI_MATRIX_FLAGS) != 0)
        return QQ_ERR_VERSION;
    if (qqi_matrix_find(w->type) == NULL || !qqi_is_matrix_scale(w->scale_type))
        return QQ_ERR_TYPE;
    if (!qqi_all_zero(p + 40, 8) || !qqi_all_zero(p + 56, 8))
        return QQ_ERR_FORMAT;
    if (!qqi_open_size(p + 16, &w->n) || !qqi_open_size(p + 24, &w->k))
        return QQ_ERR_SIZE;
    return QQ_OK;
}

QQ_API qq_status qq_matrix_open(const void *data, size_t bytes, qq_matrix *view)
{
    const uint8_t *p = (const uint8_t *)data;
    qq_matrix w;

    if ((p == NULL && bytes > 0) || view == NULL)
        return QQ_ERR_ARGUMENT;
    if (bytes < QQI_HEADER_BYTES || p[0] != 'Q' || p[1] != 'Q' || p[2] != 'M' ||
        p[3] != 'X')
        return QQ_ERR_FORMAT;
    QQ_MEMSET(&w, 0, sizeof w);
    w.data = data;
    const qq_status status = qqi_matrix_open_fields(p, &w);
    if (status != QQ_OK)
        return status;
    const qqi_matrix_format *f = qqi_matrix_find(w.type);
    w.bits = f->bits;
    if (!qqi_matrix_tiles_fit(&w) || !qqi_matrix_flags_fit(&w, f))
        return QQ_ERR_FORMAT;
    if (qqi_matrix_has(&w, QQ_MATRIX_CONSTANTS) &&
        (bytes < QQI_HEADER_BYTES + 64 || !qqi_matrix_open_constants(p, &w)))
        return QQ_ERR_FORMAT;
    if (!qqi_matrix_place(&w))
        return QQ_ERR_SIZE;
    if (qqi_load_le64(p + 48) != w.bytes || bytes < w.bytes)
        return QQ_ERR_FORMAT;
    *view = w;
    return QQ_OK;
}

// ==== matrix/pack.h ====

// qquant floor 7: an array into panels.

// What is packed: rows of W from row on, as an array.
typedef struct qqi_source {
    const qq_array *a;
    const qq_matrix_options *o;
    size_t row;
} qqi_source;

// Stored codes of 16 rows of a panel, count columns from k on, at most 32, 32
// bytes a row; zeros for what there is not.
QQI_FN void qqi_source_codes(const qq_matrix *w, const qqi_source *s,
                             size_t panel, size_t k, size_t count,
                             uint8_t *codes)
{
    const qq_array *a = s->a;
    const uint8_t flip = qqi_matrix_find(w->type)->flip;
    const size_t rows = w->n - 16 * panel < 16 ? w->n - 16 * panel : 16;
    const size_t first = 16 * panel - s->row;
    const uint8_t most = (uint8_t)((1u << w->bits) - 1);

    QQ_MEMSET(codes, 0, 512);
    for (size_t r = 0; r < rows; r++) {
        uint8_t *row = codes + 32 * r;
        qqi_unpack_codes(qq_type_bits(a->value.type), QQ_ORDER_LOW_FIRST, 0,
                         (first + r) * w->k + k, count,
                         (const uint8_t *)a->value.data, row);
        for (size_t i = 0; i < count; i++)
            row[i] = row[i] > most ? most : (uint8_t)(row[i] ^ flip);
    }
}

QQI_FN void qqi_pack_cells(const qq_matrix *w, const qqi_source *s,
                           size_t panel, uint8_t *out)
{
    uint8_t codes[512];

    for (size_t k = 0; k < w->k; k += 32, out += 64 * w->bits) {
        const size_t count = w->k - k < 32 ? w->k - k : 32;
        qqi_source_codes(w, s, panel, k, count, codes);
        qqi_kernel_now()->pack(w->bits, count, codes, out);
    }
}

QQI_FN void qqi_pack_base3(const qq_matrix *w, const qqi_source *s,
                           size_t panel, uint8_t *out)
{
    uint8_t codes[512];
    unsigned power = 1;

    for (size_t k = 0; k < w->k; k += 16) {
        const size_t count = w->k - k < 16 ? w->k - k : 16;
        uint8_t *bytes = out + k / 80 * 256;
        if (k % 80 == 0) {
            QQ_MEMSET(bytes, 0, 256);
            power = 1;
        }
        qqi_source_codes(w, s, panel, k, count, codes);
        for (size_t i = 0; i < 256; i++) {
            const size_t row = i % 64 / 4;
            const size_t column = i / 64 * 4 + i % 4;
            bytes[i] = (uint8_t)(bytes[i] + power * codes[32 * row + column]);
        }
        power *= 3;
    }
}

// Scales and zero points of a row, r of the panel and row of the array.
QQI_FN void qqi_pack_row(const qq_matrix *w, const qq_array *a, size_t row,
                         size_t r, uint8_t *panel)
{
    const uint8_t flip = qqi_matrix_find(w->type)->flip;
    const size_t at = row / a->tile[0] * w->tiles;

    for (size_t t = 0; t < w->tiles; t++) {
        const size_t to = 16 * t + r;
        uint8_t *scale = panel + w->scale_at;
        const uint32_t u = qqi_load_code(a->scale.type, a->scale.data, at + t);
        if (a->scale.type == QQ_TYPE_BF16)
            qqi_store_le32(scale + 4 * to, u << 16);
        else if (a->scale.type == QQ_TYPE_F32)
            qqi_store_le32(scale + 4 * to, u);
        else if (a->scale.type == QQ_TYPE_F16)
            qqi_store_le16(scale + 2 * to, (uint16_t)u);
        else
            scale[to] = (uint8_t)u;
    }
    for (size_t t = 0; t < w->tiles && w->zero_at != 0; t++) {
        const size_t from = row / a->zero_tile[0] * w->tiles + t;
        const uint32_t z =
            qqi_load_code(a->zero_point.type, a->zero_point.data, from);
        panel[w->zero_at + 16 * t + r] = (uint8_t)(z ^ flip);
    }
}

// A panel, all that is not set 0.
QQI_FN void qqi_pack_panel(const qq_matrix *w, const qqi_source *s, size_t i,
                           uint8_t *panel)
{
    const size_t rows = w->n - 16 * i < 16 ? w->n - 16 * i : 16;

    QQ_MEMSET(panel, 0, w->panel_bytes);
    if (qqi_matrix_has(w, QQ_MATRIX_BASE3))
        qqi_pack_base3(w, s, i, panel);
    else
        qqi_pack_cells(w, s, i, panel);
    for (size_t r = 0; r < rows; r++) {
        const size_t row = 16 * i + r;
        qqi_pack_row(w, s->a, row - s->row, r, panel);
        if (w->factor_at != 0)
            qqi_store_le32(panel + w->factor_at + 4 * r,
                           qqi_f32_bits(s->o->a[row]));
        if (w->bias_at != 0)
            qqi_store_le32(panel + w->bias_at + 4 * r,
                           qqi_f32_bits(s->o->bias[row]));
    }
    if (w->sum_at != 0)
        qqi_sum_codes(w, rows, panel);
}

// The levels of a book as integers; 0 where they are none.
QQI_FN int qqi_pack_levels(const qq_array *a, int8_t *levels)
{
    for (size_t i = 0; i < 16; i++) {
        const float v = a->levels[i < a->level_count ? i : 0];
        const int32_t r = qqi_sat_i32(v, -128, 127);
        if (v < (float)r || v > (float)r)
            return 0;
        levels[i] = (int8_t)r;
    }
    return 1;
}

// All that stands before the panels. w->data becomes out.
QQI_FN qq_status qqi_pack_head(qq_matrix *w, const qq_array *a,
                               const qq_matrix_options *o, void *out)
{
    uint8_t *p = (uint8_t *)out;
    int8_t levels[16];
    const int book = w->type == QQ_TYPE_BOOK;

    if (book && !qqi_pack_levels(a, levels))
        return QQ_ERR_TYPE;
    w->data = out;
    qqi_matrix_write(w, a->scale2, book ? levels : NULL, p);
    if (w->column_at == 0)
        return QQ_OK;
    for (size_t k = 0; k < w->k; k++)
        qqi_store_le32(p + w->column_at + 4 * k, qqi_f32_bits(o->b[k]));
    QQ_MEMSET(p + w->column_at + 4 * w->k, 0,
              w->panel_at - w->column_at - 4 * w->k);
    return QQ_OK;
}

// Whether base 3 can hold the codes.
QQI_FN int qqi_codes_are_ternary(const qq_tensor *codes)
{
    const size_t count = qq_tensor_count(codes);

    for (size_t i = 0; i < count; i++)
        if (qqi_load_code(QQ_TYPE_TERNARY, codes->data, i) == 3)
            return 0;
    return 1;
}

QQ_API qq_status qq_matrix_pack(const qq_array *a, const qq_matrix_options *o,
                                void *out, size_t out_bytes, qq_matrix *view)
{
    const qqi_source source = {a, o, 0};
    qq_matrix w;

    qq_status status = qqi_matrix_plan(a, o, &w);
    if (status == QQ_OK)
        status = qq_array_check(a);
    if (status == QQ_OK && qqi_matrix_has(&w, QQ_MATRIX_BASE3) &&
        !qqi_codes_are_ternary(&a->value))
        status = QQ_ERR_FORMAT;
    if (status == QQ_OK)
        status = qqi_check_bytes(w.bytes, out, out_bytes);
    if (status == QQ_OK && view == NULL)
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_pack_head(&w, a, o, out);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < w.panels; i++)
        qqi_pack_panel(&w, &source, i,
                       (uint8_t *)out + w.panel_at + i * w.panel_bytes);
    *view = w;
    return QQ_OK;
}

// ==== matrix/quantize.h ====

// qquant floor 7: numbers straight into panels.

// Whether the scales of a row depend on that row alone, nothing else either.
QQI_FN int qqi_scheme_is_by_row(const qq_scheme *s)
{
    const int rows = (s->channels & 1) != 0 || s->tile[0] == 1;

    return rows && s->noise == QQ_NOISE_NONE && !s->two_level &&
           s->calibration.method != QQ_CALIB_FIXED;
}

// Rows row to row + count - 1 of x, whose data may be NULL if it has none.
QQI_FN qq_tensor qqi_rows_of(const qq_tensor *x, size_t row, size_t count)
{
    const size_t shape[2] = {count, x->shape[1]};
    const size_t before = row * qqi_stored_bytes(x->type, x->shape[1]);
    const uint8_t *data = (const uint8_t *)x->data;

    return qq_tensor_make(before > 0 ? data + before : data, x->type, 2, shape);
}

QQI_FN qq_status qqi_check_quantize(const qq_tensor *x, const qq_scheme *s)
{
    const qq_status status = qqi_check_pair(x, s, 0);

    if (status != QQ_OK)
        return status;
    if (s->rule != QQ_RULE_QQUANT)
        return QQ_ERR_SCHEME;
    return x->rank != 2 ? QQ_ERR_SHAPE : QQ_OK;
}

// The matrix that x will be; the array that it will be before, without data.
QQI_NOINLINE qq_status qqi_quantize_plan(const qq_tensor *x, const qq_scheme *s,
                                         const qq_matrix_options *o,
                                         qq_matrix *w)
{
    struct qqi_layout l;
    qq_array a;
    const qq_status status = qqi_check_quantize(x, s);

    if (status != QQ_OK)
        return status;
    qqi_qquant_layout(&l, x, s);
    qqi_layout_view(&l, s, NULL, &a);
    return qqi_matrix_plan(&a, o, w);
}

QQ_API size_t qq_matrix_quantize_size(const qq_tensor *x, const qq_scheme *s,
                                      const qq_matrix_options *o)
{
    qq_matrix w;

    return qqi_quantize_plan(x, s, o, &w) == QQ_OK ? w.bytes : SIZE_MAX;
}

QQ_API size_t qq_matrix_quantize_scratch_size(const qq_tensor *x,
                                              const qq_scheme *s)
{
    if (qqi_check_quantize(x, s) != QQ_OK)
        return SIZE_MAX;
    const size_t count = x->shape[0] < 16 ? x->shape[0] : 16;
    const qq_tensor rows = qqi_rows_of(x, 0, count);
    return qq_array_size(qqi_scheme_is_by_row(s) ? &rows : x, s);
}

// One panel of 16 rows after the other.
QQI_NOINLINE qq_status qqi_quantize_panels(const qq_tensor *x,
                                           const qq_scheme *s,
                                           const qq_matrix_options *o,
                                           qq_matrix *w, void *out,
                                           void *scratch, size_t scratch_bytes)
{
    uint8_t *panel = (uint8_t *)out + w->panel_at;
    qqi_source source;
    qq_array a;

    QQ_MEMSET(&a, 0, sizeof a);
    a.levels = s->levels;
    a.level_count = s->level_count;
    a.scale2 = 1.0f;
    const qq_status status = qqi_pack_head(w, &a, o, out);
    if (status != QQ_OK)
        return status;
    source.a = &a;
    source.o = o;
    for (size_t i = 0; i < w->panels; i++, panel += w->panel_bytes) {
        const size_t left = w->n - 16 * i;
        const qq_tensor rows = qqi_rows_of(x, 16 * i, left < 16 ? left : 16);
        qq_quantize(&rows, s, scratch, scratch_bytes, &a);
        source.row = 16 * i;
        qqi_pack_panel(w, &source, i, panel);
    }
    return QQ_OK;
}

// All of x first.
QQI_NOINLINE qq_status qqi_quantize_whole(const qq_tensor *x,
                                          const qq_scheme *s,
                                          const qq_matrix_options *o, void *out,
                                          size_t out_bytes, void *scratch,
                                          size_t scratch_bytes, qq_matrix *view)
{
    qq_array a;
    const qq_status status = qq_quantize(x, s, scratch, scratch_bytes, &a);

    return status == QQ_OK ? qq_matrix_pack(&a, o, out, out_bytes, view)
                           : status;
}

QQ_API qq_status qq_matrix_quantize(const qq_tensor *x, const qq_scheme *s,
                                    const qq_matrix_options *o, void *out,
                                    size_t out_bytes, void *scratch,
                                    size_t scratch_bytes, qq_matrix *view)
{
    qq_matrix w;

    qq_status status = qqi_quantize_plan(x, s, o, &w);
    if (status == QQ_OK)
        status = qqi_check_bytes(w.bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    const size_t need = qq_matrix_quantize_scratch_size(x, s);
    if (need > 0 && scratch == NULL)
        return QQ_ERR_ARGUMENT;
    if (scratch_bytes < need)
        return QQ_ERR_SCRATCH;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    if (!qqi_scheme_is_by_row(s))
        return qqi_quantize_whole(x, s, o, out, out_bytes, scratch,
                                  scratch_bytes, view);
    status = qqi_quantize_panels(x, s, o, &w, out, scratch, scratch_bytes);
    if (status == QQ_OK)
        *view = w;
    return status;
}

// --- signs -----------------------------------------------------------------

QQI_FN qq_status qqi_sign_array(const qq_tensor *sign, const float *one,
                                qq_array *a)
{
    const size_t shape[2] = {1, 1};

    QQ_MEMSET(a, 0, sizeof *a);
    if (sign == NULL)
        return QQ_ERR_ARGUMENT;
    if (sign->type != QQ_TYPE_SIGN && sign->type != QQ_TYPE_TERNARY)
        return QQ_ERR_TYPE;
    if (sign->rank != 2)
        return QQ_ERR_SHAPE;
    a->value = *sign;
    a->scale = qq_tensor_make(one, QQ_TYPE_F32, 2, shape);
    a->type = sign->type;
    a->scale2 = 1.0f;
    for (int i = 0; i < 2; i++)
        a->tile[i] = sign->shape[i] > 0 ? sign->shape[i] : 1;
    return QQ_OK;
}

QQ_API size_t qq_matrix_sign_size(const qq_tensor *sign,
                                  const qq_matrix_options *o)
{
    qq_array a;

    if (qqi_sign_array(sign, NULL, &a) != QQ_OK)
        return SIZE_MAX;
    return qq_matrix_size(&a, o);
}

QQ_API qq_status qq_matrix_pack_sign(const qq_tensor *sign,
                                     const qq_matrix_options *o, void *out,
                                     size_t out_bytes, qq_matrix *view)
{
    static const float one = 1.0f;
    qq_array a;
    const qq_status status = qqi_sign_array(sign, &one, &a);

    return status == QQ_OK ? qq_matrix_pack(&a, o, out, out_bytes, view)
                           : status;
}

// ==== matrix/row.h ====

// qquant floor 7: rows of a packed matrix as numbers.

// What a code of the tensor stands for, less zero, in the codes of the tensor.
QQI_FN float qqi_code_value(const qq_matrix *w, const qqi_matrix_format *f,
                            const int8_t *levels, uint8_t code, int32_t zero)
{
    const int32_t stored = code ^ f->flip;

    if (f->code == QQI_CODE_BOOK)
        return qqi_format_level(f, levels, code);
    if (f->code == QQI_CODE_PLAIN)
        return (float)(f->mul * stored - zero);
    return qq_type_decode(qqi_type_storage(w->type), code);
}

// Columns k to k + count - 1 of a row, all in tile t.
QQI_FN void qqi_row_values(const qq_matrix *w, size_t row, size_t t, size_t k,
                           size_t count, uint8_t *out)
{
    const qqi_matrix_format *f = qqi_matrix_find(w->type);
    const uint8_t *panel = qqi_matrix_panel(w, row / 16);
    const size_t r = row % 16;
    const int32_t zero =
        w->zero_at != 0 ? panel[w->zero_at + 16 * t + r] : f->add;
    const float scale =
        qqi_stored_scale(w->scale_type, panel + w->scale_at, 16 * t + r);
    const float scale2 = qqi_matrix_scale2(w);
    const size_t b_at = w->column_at + 4 * k;
    uint8_t codes[64];

    qqi_row_codes(w, row, k, count, codes);
    for (size_t i = 0; i < count; i++) {
        float v = qqi_code_value(w, f, qqi_matrix_levels(w), codes[i], zero);
        v = qqi_mul_f32(qqi_mul_f32(v, scale), scale2);
        if (w->factor_at != 0)
            v = qqi_mul_f32(v, qqi_load_le_f32(panel + w->factor_at + 4 * r));
        if (w->column_at != 0)
            v = qqi_mul_f32(
                v, qqi_load_le_f32(qqi_matrix_bytes(w) + b_at + 4 * i));
        qqi_store_f32(out + 4 * i, qqi_canon_f32(v));
    }
}

QQI_FN void qqi_row(const qq_matrix *w, size_t row, uint8_t *out)
{
    size_t count;

    for (size_t k = 0; k < w->k; k += count) {
        const size_t t = k / qqi_matrix_tile(w);
        const size_t left = qqi_matrix_tile(w) - k % qqi_matrix_tile(w);
        count = left < 64 ? left : 64;
        count = count < w->k - k ? count : w->k - k;
        qqi_row_values(w, row, t, k, count, out + 4 * k);
    }
}

QQ_API qq_status qq_matrix_row(const qq_matrix *w, size_t count,
                               const size_t *rows, void *out, size_t out_bytes)
{
    uint8_t *p = (uint8_t *)out;
    size_t need;

    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < count && rows != NULL; i++)
        if (rows[i] >= w->n)
            return QQ_ERR_SHAPE;
    if (rows == NULL && count > w->n)
        return QQ_ERR_SHAPE;
    if (!qqi_mul_size(count, w->k, &need) || !qqi_mul_size(need, 4, &need))
        return QQ_ERR_SIZE;
    const qq_status status = qqi_check_bytes(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count && w->k > 0; i++)
        qqi_row(w, rows != NULL ? rows[i] : i, p + 4 * w->k * i);
    return QQ_OK;
}

#endif
#if !QQ_NO_OP

// ==== op/operand.h ====

// qquant floor 8: operands: what takes part in an operation, decoded.

QQ_API qq_operand qq_operand_tensor(const qq_tensor *tensor)
{
    qq_operand x;

    QQ_MEMSET(&x, 0, sizeof x);
    x.tensor = tensor;
    return x;
}

QQ_API qq_operand qq_operand_array(const qq_array *array, qq_rule rule,
                                   qq_type type)
{
    qq_operand x;

    QQ_MEMSET(&x, 0, sizeof x);
    x.array = array;
    x.rule = rule;
    x.type = type;
    return x;
}

QQ_API qq_operand qq_operand_array1b(const qq_array1b *array1b, qq_type type)
{
    qq_operand x;

    QQ_MEMSET(&x, 0, sizeof x);
    x.array1b = array1b;
    x.type = type;
    return x;
}

// The types that operations compute in: floats are those of qqi_is_plain.
QQI_FN int qqi_op_is_integer(qq_type type)
{
    return type == QQ_TYPE_INT8 || type == QQ_TYPE_INT16 ||
           type == QQ_TYPE_INT32 || type == QQ_TYPE_UINT8;
}

QQI_FN int qqi_op_has_type(qq_type type)
{
    return qqi_is_plain(type) || qqi_op_is_integer(type);
}

QQ_API qq_type qq_promote(qq_type x, qq_type y)
{
    if (!qqi_op_has_type(x) || !qqi_op_has_type(y))
        return QQ_TYPE_NONE;
    if (x == y)
        return x;
    if (qqi_is_plain(x) && qqi_is_plain(y))
        return QQ_TYPE_F32;
    if (qqi_is_plain(x) || qqi_is_plain(y))
        return qqi_is_plain(x) ? x : y;
    if (x == QQ_TYPE_INT32 || y == QQ_TYPE_INT32)
        return QQ_TYPE_INT32;
    return QQ_TYPE_INT16; // int16 and int8, and what holds int8 and uint8
}

// Type, rank and shape of an operand's values; data is that of a tensor, else
// NULL.
QQI_FN qq_status qqi_operand_shape(const qq_operand *x, qq_tensor *t)
{
    qq_status status;

    if (!x ||
        (x->tensor != NULL) + (x->array != NULL) + (x->array1b != NULL) != 1)
        return QQ_ERR_ARGUMENT;
    if (x->tensor) {
        status = qq_tensor_check(x->tensor);
        if (status == QQ_OK)
            *t = *x->tensor;
    } else if (x->array) {
        status = qq_array_check(x->array);
        if (status == QQ_OK) {
            const qq_tensor *v = &x->array->value;
            const qq_type own = x->array->scale.type;
            *t = qq_tensor_make(NULL, x->type ? x->type : own, v->rank,
                                v->shape);
        }
        if (status == QQ_OK && !qqi_is_plain(t->type))
            return QQ_ERR_TYPE;
    } else {
        const qq_array1b *a = x->array1b;
        status = qq_array1b_check(a);
        if (status == QQ_OK)
            *t = qq_tensor_make(NULL, x->type ? x->type : a->type, a->rank,
                                a->shape);
    }
    if (status != QQ_OK)
        return status;
    if (!qqi_op_has_type(t->type))
        return QQ_ERR_TYPE;
    return qq_tensor_bytes(t) == SIZE_MAX ? QQ_ERR_SIZE : QQ_OK;
}

QQ_API qq_status qq_operand_check(const qq_operand *x)
{
    qq_tensor t;

    return qqi_operand_shape(x, &t);
}

QQ_API size_t qq_operand_scratch_size(const qq_operand *x)
{
    qq_tensor t;

    if (qqi_operand_shape(x, &t) != QQ_OK)
        return SIZE_MAX;
    return x->tensor ? 0 : qq_tensor_bytes(&t);
}

QQI_FN qq_status qqi_scratch_check(size_t bytes, const void *scratch,
                                   size_t scratch_bytes)
{
    if (!scratch && scratch_bytes > 0)
        return QQ_ERR_ARGUMENT;
    return scratch_bytes < bytes ? QQ_ERR_SCRATCH : QQ_OK;
}

// *t, which has the type and shape of the operand, gets its values.
QQI_FN qq_status qqi_operand_fill(const qq_operand *x, void *scratch,
                                  qq_tensor *t)
{
    const size_t bytes = x->tensor ? 0 : qq_tensor_bytes(t);

    if (x->array)
        return qq_dequantize(x->array, x->rule, t->type, scratch, bytes, t);
    if (x->array1b)
        return qq_array1b_unpack(x->array1b, t->type, scratch, bytes, t);
    return QQ_OK;
}

QQ_API qq_status qq_operand_decode(const qq_operand *x, void *scratch,
                                   size_t scratch_bytes, qq_tensor *view)
{
    qq_tensor t;

    qq_status status = qqi_operand_shape(x, &t);
    if (status != QQ_OK)
        return status;
    status = qqi_scratch_check(x->tensor ? 0 : qq_tensor_bytes(&t), scratch,
                               scratch_bytes);
    if (status == QQ_OK && !view)
        return QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, &t);
    if (status == QQ_OK)
        *view = t;
    return status;
}

// Both operands of an operation, the second behind the first; tx and ty have
// their types and shapes.
QQI_FN qq_status qqi_operands_fill(const qq_operand *x, const qq_operand *y,
                                   void *scratch, size_t scratch_bytes,
                                   qq_tensor *tx, qq_tensor *ty)
{
    const size_t nx = x->tensor ? 0 : qq_tensor_bytes(tx);
    const size_t ny = y->tensor ? 0 : qq_tensor_bytes(ty);
    size_t both;

    if (!qqi_add_size(nx, ny, &both))
        return QQ_ERR_SIZE;
    qq_status status = qqi_scratch_check(both, scratch, scratch_bytes);
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, tx);
    if (status == QQ_OK)
        status = qqi_operand_fill(y, ny ? (uint8_t *)scratch + nx : NULL, ty);
    return status;
}

// --- one number ------------------------------------------------------------

QQI_INLINE float qqi_op_float(qq_type type, const void *data, size_t i)
{
    if (qqi_is_plain(type))
        return qqi_plain_load(type, data, i);
    return (float)qqi_load_integer(type, data, i);
}

// The low bits of u as an integer of the type.
QQI_INLINE void qqi_op_store_integer(qq_type type, void *data, size_t i,
                                     uint64_t u)
{
    qqi_store_code(type, data, i, (uint32_t)(u & 0xffffffffu));
}

// Whether two tensors have the same shape.
QQI_FN int qqi_same_shape(const qq_tensor *x, const qq_tensor *y)
{
    if (x->rank != y->rank)
        return 0;
    for (unsigned a = 0; a < x->rank; a++)
        if (x->shape[a] != y->shape[a])
            return 0;
    return 1;
}

// ==== op/dot_plan.h ====

// qquant floor 8: what a dot_general comes to: which numbers meet.
//
// Two walks go through both operands at once: the outer one over the axes of
// the result, the inner one over the contracted axes. Where an operand lacks
// an axis it stands still.

// Axes of x and y, of which the last runs fastest: their sizes, and how many
// numbers apart neighbours are.
struct qqi_dot_walk {
    unsigned rank;
    size_t size[QQ_MAX_RANK];
    size_t step_x[QQ_MAX_RANK];
    size_t step_y[QQ_MAX_RANK];
};

// A place in both.
struct qqi_dot_place {
    size_t at[QQ_MAX_RANK];
    size_t x;
    size_t y;
};

QQI_FN void qqi_dot_walk_add(struct qqi_dot_walk *w, size_t size, size_t step_x,
                             size_t step_y)
{
    w->size[w->rank] = size;
    w->step_x[w->rank] = step_x;
    w->step_y[w->rank] = step_y;
    w->rank++;
}

// Place i of the walk, where counting in another walk begins.
QQI_FN void qqi_dot_place_begin(struct qqi_dot_place *p,
                                const struct qqi_dot_walk *w, size_t i)
{
    QQ_MEMSET(p, 0, sizeof *p);
    for (unsigned k = w->rank; k > 0; k--) {
        const unsigned a = k - 1;
        p->x += i % w->size[a] * w->step_x[a];
        p->y += i % w->size[a] * w->step_y[a];
        i /= w->size[a];
    }
}

// The next place; 0, and back at the first, where there is none.
QQI_FN int qqi_dot_place_next(struct qqi_dot_place *p,
                              const struct qqi_dot_walk *w)
{
    for (unsigned k = w->rank; k > 0; k--) {
        const unsigned a = k - 1;
        p->x += w->step_x[a];
        p->y += w->step_y[a];
        if (++p->at[a] < w->size[a])
            return 1;
        p->x -= w->step_x[a] * w->size[a];
        p->y -= w->step_y[a] * w->size[a];
        p->at[a] = 0;
    }
    return 0;
}

struct qqi_dot_plan {
    struct qqi_dot_walk outer;
    struct qqi_dot_walk inner;
    qq_type type; // of the result; its shape is that of the outer walk
    int empty;    // nothing to sum
};

// How many numbers apart neighbours along an axis are; 0 where that is beyond
// size_t, for then there are no numbers.
QQI_FN size_t qqi_dot_step(const qq_tensor *t, unsigned axis)
{
    size_t n = 1;

    for (unsigned a = axis + 1; a < t->rank; a++)
        if (!qqi_mul_size(n, t->shape[a], &n))
            return 0;
    return n;
}

// The lists of qq_dot_dims.
struct qqi_dot_axes {
    unsigned contract; // how many
    unsigned batch;
    const unsigned *lhs_contract;
    const unsigned *rhs_contract;
    const unsigned *lhs_batch;
    const unsigned *rhs_batch;
};

// One list of axes, as bits; QQ_ERR_AXIS: beyond the rank, or seen before.
QQI_FN qq_status qqi_dot_axes_seen(const unsigned *axes, unsigned count,
                                   unsigned rank, unsigned *seen)
{
    if (count > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    for (unsigned i = 0; i < count; i++) {
        if (axes[i] >= rank || (*seen >> axes[i] & 1))
            return QQ_ERR_AXIS;
        *seen |= 1u << axes[i];
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_dot_axes_check(const qq_tensor *x, const qq_tensor *y,
                                    const struct qqi_dot_axes *d,
                                    unsigned *in_x, unsigned *in_y)
{
    const unsigned n = d->contract;
    const unsigned m = d->batch;

    *in_x = *in_y = 0;
    if (qqi_dot_axes_seen(d->lhs_contract, n, x->rank, in_x) != QQ_OK ||
        qqi_dot_axes_seen(d->rhs_contract, n, y->rank, in_y) != QQ_OK ||
        qqi_dot_axes_seen(d->lhs_batch, m, x->rank, in_x) != QQ_OK ||
        qqi_dot_axes_seen(d->rhs_batch, m, y->rank, in_y) != QQ_OK)
        return QQ_ERR_AXIS;
    for (unsigned i = 0; i < n; i++)
        if (x->shape[d->lhs_contract[i]] != y->shape[d->rhs_contract[i]])
            return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < m; i++)
        if (x->shape[d->lhs_batch[i]] != y->shape[d->rhs_batch[i]])
            return QQ_ERR_SHAPE;
    return x->rank + y->rank - 2 * n - m > QQ_MAX_RANK ? QQ_ERR_SHAPE : QQ_OK;
}

// x and y: type and shape of the operands.
QQI_FN qq_status qqi_dot_make(const qq_tensor *x, const qq_tensor *y,
                              const struct qqi_dot_axes *d, qq_type type,
                              struct qqi_dot_plan *p)
{
    unsigned in_x, in_y;

    const qq_status status = qqi_dot_axes_check(x, y, d, &in_x, &in_y);
    if (status != QQ_OK)
        return status;
    if (type == QQ_TYPE_NONE)
        type = qq_promote(x->type, y->type);
    if (!qqi_op_has_type(type) ||
        (qqi_op_is_integer(type) &&
         (qqi_is_plain(x->type) || qqi_is_plain(y->type))))
        return QQ_ERR_TYPE;
    QQ_MEMSET(p, 0, sizeof *p);
    for (unsigned i = 0; i < d->contract; i++) {
        const unsigned a = d->lhs_contract[i];
        qqi_dot_walk_add(&p->inner, x->shape[a], qqi_dot_step(x, a),
                         qqi_dot_step(y, d->rhs_contract[i]));
        p->empty |= x->shape[a] == 0;
    }
    for (unsigned i = 0; i < d->batch; i++) {
        const unsigned a = d->lhs_batch[i];
        qqi_dot_walk_add(&p->outer, x->shape[a], qqi_dot_step(x, a),
                         qqi_dot_step(y, d->rhs_batch[i]));
    }
    for (unsigned a = 0; a < x->rank; a++)
        if (!(in_x >> a & 1))
            qqi_dot_walk_add(&p->outer, x->shape[a], qqi_dot_step(x, a), 0);
    for (unsigned a = 0; a < y->rank; a++)
        if (!(in_y >> a & 1))
            qqi_dot_walk_add(&p->outer, y->shape[a], 0, qqi_dot_step(y, a));
    p->type = type;
    return QQ_OK;
}

// tx and ty: type and shape of the operands.
QQI_FN qq_status qqi_dot_plan_of(const qq_operand *x, const qq_operand *y,
                                 const qq_dot_dims *dims, qq_type type,
                                 struct qqi_dot_plan *p, qq_tensor *tx,
                                 qq_tensor *ty)
{
    qq_status status = qqi_operand_shape(x, tx);

    if (status == QQ_OK)
        status = qqi_operand_shape(y, ty);
    if (status != QQ_OK)
        return status;
    // Of a product of matrices, unless dims says otherwise. x of rank 0 has
    // no last axis.
    const unsigned first = 0;
    const unsigned last = tx->rank > 0 ? tx->rank - 1 : QQ_MAX_RANK;
    struct qqi_dot_axes d = {1, 0, &last, &first, &last, &first};
    if (dims) {
        d.contract = dims->contract_count;
        d.batch = dims->batch_count;
        d.lhs_contract = dims->lhs_contract;
        d.rhs_contract = dims->rhs_contract;
        d.lhs_batch = dims->lhs_batch;
        d.rhs_batch = dims->rhs_batch;
    }
    return qqi_dot_make(tx, ty, &d, type, p);
}

// The bytes of the result; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_dot_bytes(const struct qqi_dot_plan *p)
{
    const size_t count = qqi_shape_count(p->outer.rank, p->outer.size);

    return count == SIZE_MAX ? SIZE_MAX : qq_type_bytes(p->type, count);
}

// ==== op/dot.h ====

// qquant floor 8: dot_general, the product of tensors over any axes.
//
//   z[batch, rest of x, rest of y] = sum over contracted axes of x * y

// The sum for element i of an integer result.
QQI_FN QQI_WRAPS uint64_t qqi_dot_integer(const struct qqi_dot_plan *p,
                                          const qq_tensor *x,
                                          const qq_tensor *y, size_t i)
{
    struct qqi_dot_place at;
    uint64_t sum = 0;

    if (p->empty)
        return 0;
    qqi_dot_place_begin(&at, &p->outer, i);
    do {
        const int64_t a = qqi_load_integer(x->type, x->data, at.x);
        const int64_t b = qqi_load_integer(y->type, y->data, at.y);
        sum += (uint64_t)(a * b); // at most 2^62
    } while (qqi_dot_place_next(&at, &p->inner));
    return sum;
}

QQI_FN float qqi_dot_float(const struct qqi_dot_plan *p, const qq_tensor *x,
                           const qq_tensor *y, size_t i)
{
    struct qqi_dot_place at;
    float acc = 0.0f;

    if (p->empty)
        return acc;
    qqi_dot_place_begin(&at, &p->outer, i);
    do {
        const float a = qqi_op_float(x->type, x->data, at.x);
        const float b = qqi_op_float(y->type, y->data, at.y);
        acc = qqi_fma_f32(a, b, acc);
    } while (qqi_dot_place_next(&at, &p->inner));
    return acc;
}

QQ_API size_t qq_dot_general_size(const qq_operand *x, const qq_operand *y,
                                  const qq_dot_dims *dims, qq_type type)
{
    struct qqi_dot_plan p;
    qq_tensor tx, ty;

    if (qqi_dot_plan_of(x, y, dims, type, &p, &tx, &ty) != QQ_OK)
        return SIZE_MAX;
    return qqi_dot_bytes(&p);
}

QQ_API qq_status qq_dot_general(const qq_operand *x, const qq_operand *y,
                                const qq_dot_dims *dims, qq_type type,
                                void *out, size_t out_bytes, void *scratch,
                                size_t scratch_bytes, qq_tensor *view)
{
    struct qqi_dot_plan p;
    qq_tensor tx, ty;

    qq_status status = qqi_dot_plan_of(x, y, dims, type, &p, &tx, &ty);
    if (status == QQ_OK)
        status = qqi_out_check(qqi_dot_bytes(&p), out, out_bytes);
    if (status == QQ_OK && !view)
        return QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_operands_fill(x, y, scratch, scratch_bytes, &tx, &ty);
    if (status != QQ_OK)
        return status;
    const size_t count = qqi_shape_count(p.outer.rank, p.outer.size);
    for (size_t i = 0; i < count; i++)
        if (qqi_is_plain(p.type))
            qqi_plain_store(p.type, out, i, qqi_dot_float(&p, &tx, &ty, i));
        else
            qqi_op_store_integer(p.type, out, i,
                                 qqi_dot_integer(&p, &tx, &ty, i));
    *view = qq_tensor_make(out, p.type, p.outer.rank, p.outer.size);
    return QQ_OK;
}

// ==== op/dot_eformer.h ====

// qquant floor 8: the product by an Array8B as eformer makes it.

// The three ways that depend on the shape of the scales.
enum {
    QQI_EFORMER_DOT_COLUMNS = 1, // [1, n], n > 1
    QQI_EFORMER_DOT_ROWS = 2,    // [k, 1], k > 1
    QQI_EFORMER_DOT_OTHER = 3
};

struct qqi_eformer_dot {
    const qq_tensor *x;
    const qq_array *w;
    size_t k;
    size_t n;
    int way;
    qq_tensor z; // without data
};

QQI_FN qq_status qqi_eformer_dot_make(const qq_tensor *x, const qq_array *w,
                                      struct qqi_eformer_dot *d)
{
    size_t shape[QQ_MAX_RANK];

    qq_status status = qq_tensor_check(x);
    if (status == QQ_OK)
        status = qq_array_check(w);
    if (status != QQ_OK)
        return status;
    if (!qqi_is_plain(x->type) || w->type != QQ_TYPE_INT8 ||
        w->zero_point.type != QQ_TYPE_NONE || !qqi_is_plain(w->scale.type))
        return QQ_ERR_TYPE;
    if (x->rank == 0 || w->value.rank != 2 ||
        x->shape[x->rank - 1] != w->value.shape[0])
        return QQ_ERR_SHAPE;
    d->x = x;
    d->w = w;
    d->k = w->value.shape[0];
    d->n = w->value.shape[1];
    const size_t *s = w->scale.shape;
    d->way = s[0] == 1 && s[1] == d->n && d->n > 1   ? QQI_EFORMER_DOT_COLUMNS
             : s[0] == d->k && s[1] == 1 && d->k > 1 ? QQI_EFORMER_DOT_ROWS
                                                     : QQI_EFORMER_DOT_OTHER;
    unsigned rank = 0;
    for (unsigned a = 0; a + 1 < x->rank; a++)
        shape[rank++] = x->shape[a];
    if (rank == 0 && d->way == QQI_EFORMER_DOT_COLUMNS)
        shape[rank++] = 1;
    shape[rank++] = d->n;
    d->z = qq_tensor_make(NULL, QQ_TYPE_BF16, rank, shape);
    return QQ_OK;
}

// The scale of w[k][j].
QQI_FN float qqi_eformer_dot_scale(const struct qqi_eformer_dot *d, size_t k,
                                   size_t j)
{
    const qq_tensor *s = &d->w->scale;
    const size_t row = k / (d->w->tile[0] ? d->w->tile[0] : 1);
    const size_t column = j / (d->w->tile[1] ? d->w->tile[1] : 1);

    return qqi_plain_load(s->type, s->data, row * s->shape[1] + column);
}

QQI_FN float qqi_eformer_dot_sum(const struct qqi_eformer_dot *d, size_t row,
                                 size_t j)
{
    const int8_t *code = (const int8_t *)d->w->value.data;
    float acc = 0.0f;

    for (size_t k = 0; k < d->k; k++) {
        const float s = qqi_eformer_dot_scale(d, k, j);
        float x = qqi_plain_load(d->x->type, d->x->data, row * d->k + k);
        float w = (float)code[k * d->n + j];
        if (d->way == QQI_EFORMER_DOT_ROWS)
            x = qqi_mul_f32(x, s);
        if (d->way == QQI_EFORMER_DOT_OTHER)
            w = qqi_type_mul(QQ_TYPE_BF16, w, qqi_to_type(QQ_TYPE_BF16, s));
        acc = qqi_fma_f32(x, w, acc);
    }
    if (d->way == QQI_EFORMER_DOT_COLUMNS)
        acc = qqi_mul_f32(acc, qqi_eformer_dot_scale(d, 0, j));
    return acc;
}

QQ_API size_t qq_eformer_dot_size(const qq_tensor *x, const qq_array *w)
{
    struct qqi_eformer_dot d;

    if (qqi_eformer_dot_make(x, w, &d) != QQ_OK)
        return SIZE_MAX;
    return qq_tensor_bytes(&d.z);
}

QQ_API qq_status qq_eformer_dot(const qq_tensor *x, const qq_array *w,
                                void *out, size_t out_bytes, qq_tensor *view)
{
    struct qqi_eformer_dot d;

    qq_status status = qqi_eformer_dot_make(x, w, &d);
    if (status == QQ_OK)
        status = qqi_tensor_fits(&d.z, out, out_bytes, view);
    if (status != QQ_OK)
        return status;
    const size_t count = qq_tensor_count(&d.z);
    for (size_t i = 0; i < count; i++)
        qqi_plain_store(QQ_TYPE_BF16, out, i,
                        qqi_eformer_dot_sum(&d, i / d.n, i % d.n));
    d.z.data = out;
    *view = d.z;
    return QQ_OK;
}

// ==== op/elementwise.h ====

// qquant floor 8: operations element by element.
//
// Floats are computed in f32 and stored with one more rounding where their
// type is shorter; for a sum, product or quotient that is one rounding in all.
// Integers are computed in 64 bits and cut to their type.

// What every operation with one operand checks; t: its type and shape.
QQI_FN qq_status qqi_unary_check(const qq_operand *x, qq_tensor *t, int known,
                                 qq_type type, const void *out,
                                 size_t out_bytes, const void *scratch,
                                 size_t scratch_bytes, const qq_tensor *view)
{
    qq_status status = qqi_operand_shape(x, t);

    if (status != QQ_OK)
        return status;
    if (!known)
        return QQ_ERR_ARGUMENT;
    if (type == QQ_TYPE_NONE ? !qqi_is_plain(t->type) : !qqi_op_has_type(type))
        return QQ_ERR_TYPE;
    const qq_type result = type == QQ_TYPE_NONE ? t->type : type;
    status = qqi_out_check(qq_type_bytes(result, qq_tensor_count(t)), out,
                           out_bytes);
    if (status == QQ_OK)
        status = qqi_scratch_check(qq_operand_scratch_size(x), scratch,
                                   scratch_bytes);
    return status == QQ_OK && !view ? QQ_ERR_ARGUMENT : status;
}

QQI_FN float qqi_unary(qq_unary op, float x)
{
    if (op == QQ_UNARY_EXP)
        return qqi_exp_f32(x);
    return op == QQ_UNARY_LOG ? qqi_log_f32(x) : qqi_sqrt_f32(x);
}

QQ_API qq_status qq_operand_unary(const qq_operand *x, qq_unary op, void *out,
                                  size_t out_bytes, void *scratch,
                                  size_t scratch_bytes, qq_tensor *view)
{
    const int known = op >= QQ_UNARY_EXP && op <= QQ_UNARY_SQRT;
    qq_tensor t;

    qq_status status = qqi_unary_check(x, &t, known, QQ_TYPE_NONE, out,
                                       out_bytes, scratch, scratch_bytes, view);
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, &t);
    if (status != QQ_OK)
        return status;
    const size_t count = qq_tensor_count(&t);
    for (size_t i = 0; i < count; i++)
        qqi_plain_store(t.type, out, i,
                        qqi_unary(op, qqi_plain_load(t.type, t.data, i)));
    *view = qq_tensor_make(out, t.type, t.rank, t.shape);
    return QQ_OK;
}

QQI_FN float qqi_power(float x, int exponent)
{
    const int down = exponent < 0;
    unsigned n = down ? (unsigned)-(exponent + 1) + 1u : (unsigned)exponent;
    double square = qqi_f64_from_f32(x);
    double r = 1.0;

    for (; n != 0; n >>= 1) {
        if (n & 1)
            r = qqi_mul_f64(r, square);
        square = qqi_mul_f64(square, square);
    }
    return qqi_f32_from_f64(down ? 1.0 / r : r);
}

QQ_API qq_status qq_operand_power(const qq_operand *x, int exponent, void *out,
                                  size_t out_bytes, void *scratch,
                                  size_t scratch_bytes, qq_tensor *view)
{
    qq_tensor t;

    qq_status status = qqi_unary_check(x, &t, 1, QQ_TYPE_NONE, out, out_bytes,
                                       scratch, scratch_bytes, view);
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, &t);
    if (status != QQ_OK)
        return status;
    const size_t count = qq_tensor_count(&t);
    for (size_t i = 0; i < count; i++)
        qqi_plain_store(t.type, out, i,
                        qqi_power(qqi_plain_load(t.type, t.data, i), exponent));
    *view = qq_tensor_make(out, t.type, t.rank, t.shape);
    return QQ_OK;
}

// A float towards zero, cut to the range of an integer type; NaN gives 0.
QQI_FN int32_t qqi_cast_integer(qq_type type, float x)
{
    const qqi_type_row *row = qqi_type_find(type);

    return qqi_sat_i32(qqi_trunc_f32(x), row->info.min, row->info.max);
}

QQ_API qq_status qq_operand_cast(const qq_operand *x, qq_type type, void *out,
                                 size_t out_bytes, void *scratch,
                                 size_t scratch_bytes, qq_tensor *view)
{
    qq_tensor t;

    if (type == QQ_TYPE_NONE)
        return x ? QQ_ERR_TYPE : QQ_ERR_ARGUMENT;
    qq_status status = qqi_unary_check(x, &t, 1, type, out, out_bytes, scratch,
                                       scratch_bytes, view);
    if (status == QQ_OK)
        status = qqi_operand_fill(x, scratch, &t);
    if (status != QQ_OK)
        return status;
    const size_t count = qq_tensor_count(&t);
    for (size_t i = 0; i < count; i++) {
        if (qqi_is_plain(type)) {
            qqi_plain_store(type, out, i, qqi_op_float(t.type, t.data, i));
            continue;
        }
        const int32_t v =
            qqi_is_plain(t.type)
                ? qqi_cast_integer(type, qqi_plain_load(t.type, t.data, i))
                : qqi_load_integer(t.type, t.data, i);
        qqi_op_store_integer(type, out, i, (uint64_t)(int64_t)v);
    }
    *view = qq_tensor_make(out, type, t.rank, t.shape);
    return QQ_OK;
}

// --- two operands ----------------------------------------------------------

QQI_FN float qqi_max_f32(float x, float y)
{
    if (qqi_is_nan_f32(x) || qqi_is_nan_f32(y))
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (x == y) // the bits of -0 are the larger ones
        return qqi_f32_bits(x) < qqi_f32_bits(y) ? x : y;
    return x < y ? y : x;
}

QQI_FN float qqi_binary_float(qq_binary op, float x, float y)
{
    if (op == QQ_BINARY_ADD)
        return x + y;
    if (op == QQ_BINARY_MULTIPLY)
        return qqi_mul_f32(x, y);
    return op == QQ_BINARY_DIVIDE ? x / y : qqi_max_f32(x, y);
}

QQI_FN QQI_WRAPS uint64_t qqi_binary_integer(qq_binary op, int64_t x, int64_t y)
{
    const uint64_t u = (uint64_t)x;
    const uint64_t v = (uint64_t)y;

    if (op == QQ_BINARY_ADD)
        return u + v;
    if (op == QQ_BINARY_MULTIPLY)
        return u * v;
    if (op == QQ_BINARY_DIVIDE)
        return (uint64_t)(y == 0 ? -1 : x / y);
    return x < y ? v : u;
}

// One element; x and y of the same type. less is stored as uint8.
QQI_FN void qqi_binary_store(qq_binary op, const qq_tensor *x,
                             const qq_tensor *y, void *out, size_t i)
{
    const qq_type type = x->type;

    if (qqi_is_plain(type)) {
        const float a = qqi_plain_load(type, x->data, i);
        const float b = qqi_plain_load(type, y->data, i);
        if (op == QQ_BINARY_LESS)
            ((uint8_t *)out)[i] = a < b;
        else
            qqi_plain_store(type, out, i, qqi_binary_float(op, a, b));
        return;
    }
    const int64_t a = qqi_load_integer(type, x->data, i);
    const int64_t b = qqi_load_integer(type, y->data, i);
    if (op == QQ_BINARY_LESS)
        ((uint8_t *)out)[i] = a < b;
    else
        qqi_op_store_integer(type, out, i, qqi_binary_integer(op, a, b));
}

QQ_API qq_status qq_operand_binary(const qq_operand *x, qq_binary op,
                                   const qq_operand *y, void *out,
                                   size_t out_bytes, void *scratch,
                                   size_t scratch_bytes, qq_tensor *view)
{
    qq_tensor tx, ty;

    qq_status status = qqi_operand_shape(x, &tx);
    if (status != QQ_OK)
        return status;
    if (op < QQ_BINARY_ADD || op > QQ_BINARY_LESS)
        return QQ_ERR_ARGUMENT;
    status = qqi_operand_shape(y, &ty);
    if (status != QQ_OK)
        return status;
    if (tx.type != ty.type)
        return QQ_ERR_TYPE;
    if (!qqi_same_shape(&tx, &ty))
        return QQ_ERR_SHAPE;
    const size_t count = qq_tensor_count(&tx);
    const qq_type type = op == QQ_BINARY_LESS ? QQ_TYPE_UINT8 : tx.type;
    status = qqi_out_check(qq_type_bytes(type, count), out, out_bytes);
    if (status == QQ_OK && !view)
        return QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_operands_fill(x, y, scratch, scratch_bytes, &tx, &ty);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        qqi_binary_store(op, &tx, &ty, out, i);
    *view = qq_tensor_make(out, type, tx.rank, tx.shape);
    return QQ_OK;
}

// ==== op/move.h ====

// qquant floor 8: tensors and eformer's arrays in another shape.

QQ_API qq_move qq_move_transpose(unsigned rank, const unsigned *axes)
{
    qq_move m;

    QQ_MEMSET(&m, 0, sizeof m);
    m.kind = QQ_MOVE_TRANSPOSE;
    m.rank = rank;
    for (unsigned a = 0; axes && a < rank && a < QQ_MAX_RANK; a++)
        m.axes[a] = axes[a];
    return m;
}

QQ_API qq_move qq_move_reshape(unsigned rank, const size_t *shape)
{
    qq_move m;

    QQ_MEMSET(&m, 0, sizeof m);
    m.kind = QQ_MOVE_RESHAPE;
    m.rank = rank;
    for (unsigned a = 0; shape && a < rank && a < QQ_MAX_RANK; a++)
        m.shape[a] = shape[a];
    return m;
}

QQ_API qq_move qq_move_broadcast(unsigned rank, const size_t *shape,
                                 unsigned from, const unsigned *axes)
{
    qq_move m = qq_move_reshape(rank, shape);

    m.kind = QQ_MOVE_BROADCAST;
    for (unsigned a = 0; axes && a < from && a < QQ_MAX_RANK; a++)
        m.axes[a] = axes[a];
    return m;
}

// --- tensors ---------------------------------------------------------------

QQI_FN qq_status qqi_op_transposed(const qq_tensor *t, const qq_move *m,
                                   qq_tensor *r)
{
    unsigned seen = 0;

    if (m->rank != t->rank)
        return QQ_ERR_AXIS;
    for (unsigned a = 0; a < t->rank; a++) {
        if (m->axes[a] >= t->rank || (seen >> m->axes[a] & 1))
            return QQ_ERR_AXIS;
        seen |= 1u << m->axes[a];
        r->shape[a] = t->shape[m->axes[a]];
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_op_broadcasted(const qq_tensor *t, const qq_move *m)
{
    for (unsigned a = 0; a < t->rank; a++)
        if (m->axes[a] >= m->rank || (a > 0 && m->axes[a] <= m->axes[a - 1]))
            return QQ_ERR_AXIS;
    for (unsigned a = 0; a < t->rank; a++)
        if (t->shape[a] != 1 && t->shape[a] != m->shape[m->axes[a]])
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

// Type and shape of the result of a tensor that was checked.
QQI_FN qq_status qqi_op_moved(const qq_tensor *t, const qq_move *m,
                              qq_tensor *r)
{
    qq_status status = QQ_OK;

    if (!m)
        return QQ_ERR_ARGUMENT;
    if (m->rank > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    *r = qq_tensor_make(NULL, t->type, m->rank, m->shape);
    if (m->kind == QQ_MOVE_TRANSPOSE)
        status = qqi_op_transposed(t, m, r);
    else if (m->kind == QQ_MOVE_BROADCAST)
        status = qqi_op_broadcasted(t, m);
    else if (m->kind != QQ_MOVE_RESHAPE)
        return QQ_ERR_ARGUMENT;
    else if (qq_tensor_count(r) != qq_tensor_count(t))
        status = QQ_ERR_SHAPE;
    if (status == QQ_OK && qq_tensor_bytes(r) == SIZE_MAX)
        return QQ_ERR_SIZE;
    return status;
}

QQ_API size_t qq_tensor_move_size(const qq_tensor *t, const qq_move *m)
{
    qq_tensor r;

    if (qq_tensor_check(t) != QQ_OK || qqi_op_moved(t, m, &r) != QQ_OK)
        return SIZE_MAX;
    return qq_tensor_bytes(&r);
}

// The numbers of t in the order of the result, which has some.
QQI_FN void qqi_op_copy(const qq_tensor *t, const qq_move *m,
                        const qq_tensor *r, void *out)
{
    size_t stride[QQ_MAX_RANK] = {0};
    qqi_walk w = {{0}, {0}, 0, 0};
    size_t n = 1;

    if (m->kind == QQ_MOVE_RESHAPE) {
        qqi_walk_add(&w, qq_tensor_count(t), 1);
    } else {
        for (unsigned i = t->rank; i > 0; i--) {
            const unsigned a = i - 1;
            stride[m->axes[a]] = t->shape[a] == 1 ? 0 : n;
            n *= t->shape[a];
        }
        for (unsigned a = 0; a < r->rank; a++)
            qqi_walk_add(&w, r->shape[a], stride[a]);
    }
    qqi_gather(t->type, t->data, &w, out);
}

QQ_API qq_status qq_tensor_move(const qq_tensor *t, const qq_move *m, void *out,
                                size_t out_bytes, qq_tensor *view)
{
    qq_tensor r;

    qq_status status = qq_tensor_check(t);
    if (status == QQ_OK)
        status = qqi_op_moved(t, m, &r);
    if (status != QQ_OK)
        return status;
    status = qqi_tensor_fits(&r, out, out_bytes, view);
    if (status != QQ_OK)
        return status;
    if (m->kind == QQ_MOVE_TRANSPOSE)
        return qq_tensor_transpose(t, m->axes, out, out_bytes, view);
    if (qq_tensor_count(&r) > 0)
        qqi_op_copy(t, m, &r, out);
    r.data = out;
    *view = r;
    return QQ_OK;
}

// ==== op/move_array.h ====

// qquant floor 8: eformer's arrays in another shape.
//
//   nf4            decode, move, quantize again
//   int8 reshape   decode, quantize again along the last axis
//   int8 else      codes and scales move, each by itself

// What a move comes to.
struct qqi_array_move {
    const qq_array *a;
    const qq_move *m;
    int again;       // decoded and quantized again
    qq_tensor moved; // then: the decoded values, moved; else the codes, moved
    size_t first;    // bytes of the decoded values; else of the scales, moved
    size_t bytes;    // of the result
    size_t scratch;
};

// The scheme by which an array is quantized again.
QQI_FN qq_scheme qqi_array_move_scheme(const struct qqi_array_move *p)
{
    const qq_array *a = p->a;
    qq_scheme s = qq_scheme_init_rule(a->type, QQ_RULE_EFORMER);
    const unsigned last = p->moved.rank - 1;

    if (a->type == QQ_TYPE_NF4)
        s.tile[last] = a->tile[a->value.rank - 1];
    else
        s.channels = (1u << last) - 1;
    return s;
}

QQI_FN qq_status qqi_array_move_again(qq_type type, struct qqi_array_move *p)
{
    const qq_array *a = p->a;
    qq_tensor x = qq_tensor_make(NULL, type ? type : a->scale.type,
                                 a->value.rank, a->value.shape);

    if (!qqi_is_plain(x.type))
        return QQ_ERR_TYPE;
    qq_status status = qqi_op_moved(&x, p->m, &p->moved);
    if (status != QQ_OK)
        return status;
    p->first = p->scratch = qq_tensor_bytes(&x);
    if (p->moved.rank == 0)
        return QQ_ERR_SHAPE;
    // Sizes and checks ask for the shape alone, but want data to be there.
    x = p->moved;
    x.data = p->m;
    const qq_scheme s = qqi_array_move_scheme(p);
    status = qq_scheme_check(&s, &x, NULL);
    if (status != QQ_OK)
        return status;
    p->bytes = qq_array_size(&x, &s);
    if (p->bytes == SIZE_MAX ||
        (p->m->kind != QQ_MOVE_RESHAPE &&
         !qqi_add_size(p->scratch, qq_tensor_bytes(&x), &p->scratch)))
        return QQ_ERR_SIZE;
    return QQ_OK;
}

QQI_FN qq_status qqi_array_move_make(const qq_array *a, const qq_move *m,
                                     qq_type type, struct qqi_array_move *p)
{
    qq_tensor scale;

    QQ_MEMSET(p, 0, sizeof *p);
    qq_status status = qq_array_check(a);
    if (status != QQ_OK)
        return status;
    if ((a->type != QQ_TYPE_NF4 && a->type != QQ_TYPE_INT8) ||
        a->zero_point.type != QQ_TYPE_NONE || a->bias.type != QQ_TYPE_NONE)
        return QQ_ERR_TYPE;
    if (a->type == QQ_TYPE_NF4 && a->value.rank == 0)
        return QQ_ERR_SHAPE;
    if (!m)
        return QQ_ERR_ARGUMENT;
    p->a = a;
    p->m = m;
    p->again = a->type == QQ_TYPE_NF4 || m->kind == QQ_MOVE_RESHAPE;
    if (p->again)
        return qqi_array_move_again(type, p);
    status = qqi_op_moved(&a->value, m, &p->moved);
    if (status == QQ_OK)
        status = qqi_op_moved(&a->scale, m, &scale);
    if (status != QQ_OK)
        return status;
    p->first = qq_tensor_bytes(&scale);
    if (!qqi_add_size(qq_tensor_bytes(&p->moved), p->first, &p->bytes))
        return QQ_ERR_SIZE;
    return QQ_OK;
}

QQ_API size_t qq_array_move_size(const qq_array *a, const qq_move *m,
                                 qq_type type)
{
    struct qqi_array_move p;

    return qqi_array_move_make(a, m, type, &p) == QQ_OK ? p.bytes : SIZE_MAX;
}

QQ_API size_t qq_array_move_scratch_size(const qq_array *a, const qq_move *m,
                                         qq_type type)
{
    struct qqi_array_move p;

    return qqi_array_move_make(a, m, type, &p) == QQ_OK ? p.scratch : SIZE_MAX;
}

// The decoded values stand at the beginning of scratch, the moved ones behind
// them.
QQI_FN qq_status qqi_array_requantize(const struct qqi_array_move *p, void *out,
                                      uint8_t *scratch, qq_array *view)
{
    const size_t rest = p->scratch - p->first;
    const qq_scheme s = qqi_array_move_scheme(p);
    qq_tensor x;

    qq_status status = qq_dequantize(p->a, QQ_RULE_EFORMER, p->moved.type,
                                     scratch, p->first, &x);
    if (status != QQ_OK)
        return status;
    if (p->m->kind == QQ_MOVE_RESHAPE)
        x = qq_tensor_make(scratch, x.type, p->m->rank, p->m->shape);
    else
        status = qq_tensor_move(&x, p->m, rest ? scratch + p->first : NULL,
                                rest, &x);
    if (status == QQ_OK)
        status = qq_quantize(&x, &s, out, p->bytes, view);
    return status;
}

// Codes and scales, moved; scales first.
QQI_FN qq_status qqi_array_move_parts(const struct qqi_array_move *p,
                                      uint8_t *out, qq_array *view)
{
    const size_t rest = p->bytes - p->first;
    qq_array r = *p->a;

    qq_status status =
        qq_tensor_move(&p->a->scale, p->m, out, p->first, &r.scale);
    if (status == QQ_OK)
        status = qq_tensor_move(&p->a->value, p->m,
                                rest ? out + p->first : NULL, rest, &r.value);
    if (status != QQ_OK)
        return status;
    for (unsigned i = 0; i < r.value.rank; i++)
        r.tile[i] =
            p->m->kind == QQ_MOVE_TRANSPOSE ? p->a->tile[p->m->axes[i]] : 1;
    *view = r;
    return QQ_OK;
}

QQ_API qq_status qq_array_move(const qq_array *a, const qq_move *m,
                               qq_type type, void *out, size_t out_bytes,
                               void *scratch, size_t scratch_bytes,
                               qq_array *view)
{
    struct qqi_array_move p;

    qq_status status = qqi_array_move_make(a, m, type, &p);
    if (status == QQ_OK)
        status = qqi_out_check(p.bytes, out, out_bytes);
    if (status == QQ_OK)
        status = qqi_scratch_check(p.scratch, scratch, scratch_bytes);
    if (status == QQ_OK && !view)
        return QQ_ERR_ARGUMENT;
    if (status != QQ_OK)
        return status;
    if (p.again)
        return qqi_array_requantize(&p, out, (uint8_t *)scratch, view);
    return qqi_array_move_parts(&p, (uint8_t *)out, view);
}

#endif
#if !QQ_NO_TRAIN

// ==== train/options.h ====

// qquant floor 9: what a calibration that remembers is asked for.

// "qqc1", and what qq_calibrator_options_init leaves in options.
#define QQI_CALIBRATOR_INIT 0x31637171u

QQ_API qq_calibrator_options qq_calibrator_options_init(qq_calibrator method)
{
    qq_calibrator_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_CALIBRATOR_INIT;
    o.method = method;
    o.division = QQ_DIVISION_TRUE;
    o.history = 1024;
    o.update_count_prior = 1.0;
    o.ema_update_count = 100.0;
    o.lp_order = 2;
    o.filter_zeros = 1;
    return o;
}

QQI_FN int qqi_calibrator_options_fit(const qq_calibrator_options *o)
{
    if (o->init != QQI_CALIBRATOR_INIT ||
        o->method < QQ_CALIBRATOR_MEAN_OF_ABSMAX ||
        o->method > QQ_CALIBRATOR_DELAYED ||
        (o->division != QQ_DIVISION_TRUE &&
         o->division != QQ_DIVISION_RECIPROCAL))
        return 0;
    if (o->method == QQ_CALIBRATOR_DELAYED)
        return o->history > 0 && o->channels == 0;
    return o->method != QQ_CALIBRATOR_WEIGHTED_STATS ||
           (o->lp_order >= 1 && o->lp_order <= 30 && o->ema_update_count > 0.0);
}

// What a part begins with.
QQI_FN double qqi_calibrator_prior(const qq_calibrator_options *o, int part)
{
    const double u = o->update_count_prior;
    double power = 1.0;

    switch (part) {
    case QQ_CALIBRATOR_ONES:
        return u;
    case QQ_CALIBRATOR_VALS:
        return o->mean_prior * u;
    case QQ_CALIBRATOR_MAX:
        return o->max_dev_prior;
    case QQ_CALIBRATOR_L1:
        return o->l1_dev_prior * u;
    case QQ_CALIBRATOR_LP:
        for (unsigned i = 0; i < o->lp_order; i++)
            power = qqi_mul_f64(power, o->lp_dev_prior);
        return power * u;
    default:
        return 0.0;
    }
}

// ==== train/state.h ====

// qquant floor 9: what calibrations remember.
//
// A state is bytes: a head, and behind it the parts of its method one after
// another, in the machine's byte order:
//
//   mean of absmax    bound, sum: x's type, the shape of the scales; count
//   weighted stats    bound, ones, vals, max, l1, lp: f32, that shape
//   delayed           bound: f32, all sizes 1; kept [1], history: f32

// Words of 32 and 64 bits without a gap, so that every byte is written.
struct qqi_calibrator_head {
    uint32_t magic;
    uint32_t method;
    uint32_t type;
    uint32_t rank;
    uint32_t channels;
    uint32_t zero;
    uint64_t history;
    uint64_t shape[QQ_MAX_RANK]; // of the bounds
};
QQI_STATIC_ASSERT(calibrator_head, sizeof(struct qqi_calibrator_head) == 96);

// --- the layout ------------------------------------------------------------

// The parts of a method, in order; 0 ends the list.
QQI_FN const uint8_t *qqi_calibrator_parts(uint32_t method)
{
    static const uint8_t mean[] = {QQ_CALIBRATOR_BOUND, QQ_CALIBRATOR_SUM,
                                   QQ_CALIBRATOR_COUNT, 0};
    static const uint8_t stats[] = {QQ_CALIBRATOR_BOUND,
                                    QQ_CALIBRATOR_ONES,
                                    QQ_CALIBRATOR_VALS,
                                    QQ_CALIBRATOR_MAX,
                                    QQ_CALIBRATOR_L1,
                                    QQ_CALIBRATOR_LP,
                                    0};
    static const uint8_t delayed[] = {QQ_CALIBRATOR_BOUND, QQ_CALIBRATOR_KEPT,
                                      QQ_CALIBRATOR_HISTORY, 0};

    switch (method) {
    case QQ_CALIBRATOR_MEAN_OF_ABSMAX:
        return mean;
    case QQ_CALIBRATOR_WEIGHTED_STATS:
        return stats;
    case QQ_CALIBRATOR_DELAYED:
        return delayed;
    default:
        return NULL;
    }
}

// A part as a tensor without data.
QQI_FN qq_tensor qqi_calibrator_part(const struct qqi_calibrator_head *h,
                                     int part)
{
    const int typed = h->method == QQ_CALIBRATOR_MEAN_OF_ABSMAX;
    qq_tensor t;

    QQ_MEMSET(&t, 0, sizeof t);
    t.type = typed ? (qq_type)h->type : QQ_TYPE_F32;
    t.rank = h->rank;
    for (unsigned a = 0; a < h->rank; a++)
        t.shape[a] = (size_t)h->shape[a];
    if (part == QQ_CALIBRATOR_COUNT) {
        t.type = QQ_TYPE_INT32;
        t.rank = 0;
    } else if (part == QQ_CALIBRATOR_KEPT || part == QQ_CALIBRATOR_HISTORY) {
        t.rank = 1;
        t.shape[0] = part == QQ_CALIBRATOR_KEPT ? 1 : (size_t)h->history;
    }
    return t;
}

// Where a part begins, or with part 0 where all of them end; 0 if there is no
// such part, or no such state in memory.
QQI_FN size_t qqi_calibrator_place(const struct qqi_calibrator_head *h,
                                   int part)
{
    const uint8_t *const parts = qqi_calibrator_parts(h->method);
    size_t at = sizeof *h;

    for (int i = 0; parts && parts[i] != 0; i++) {
        const qq_tensor t = qqi_calibrator_part(h, parts[i]);
        const size_t bytes = qq_tensor_bytes(&t);
        if (parts[i] == part)
            return at;
        if (bytes == SIZE_MAX || !qqi_add_size(at, bytes, &at))
            return 0;
    }
    return parts && part == 0 ? at : 0;
}

// A tensor of the state, with data.
QQI_FN qq_tensor qqi_calibrator_at(const struct qqi_calibrator_head *h,
                                   const void *state, int part)
{
    qq_tensor t = qqi_calibrator_part(h, part);

    t.data = (const uint8_t *)state + qqi_calibrator_place(h, part);
    return t;
}

QQI_FN void *qqi_calibrator_write(const struct qqi_calibrator_head *h,
                                  void *state, int part)
{
    return (uint8_t *)state + qqi_calibrator_place(h, part);
}

// --- making ----------------------------------------------------------------

// The head of a state; QQ_ERR_SIZE where no memory holds it.
QQI_FN qq_status qqi_calibrator_head_make(const qq_calibrator_options *o,
                                          qq_type type, unsigned rank,
                                          const size_t *shape,
                                          struct qqi_calibrator_head *h)
{
    if (o == NULL || !qqi_calibrator_options_fit(o))
        return QQ_ERR_ARGUMENT;
    if (!qqi_aqt_is_float(type))
        return QQ_ERR_TYPE;
    if (rank > QQ_MAX_RANK || (rank < 32 && o->channels >> rank != 0))
        return QQ_ERR_AXIS;
    if (shape == NULL && rank > 0)
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(h, 0, sizeof *h);
    h->magic = QQI_CALIBRATOR_INIT;
    h->method = (uint32_t)o->method;
    h->type = (uint32_t)type;
    h->rank = rank;
    h->channels = o->channels;
    h->history = o->method == QQ_CALIBRATOR_DELAYED ? o->history : 0;
    for (unsigned a = 0; a < rank; a++)
        h->shape[a] = o->channels >> a & 1 ? shape[a] : 1;
    return qqi_calibrator_place(h, 0) != 0 ? QQ_OK : QQ_ERR_SIZE;
}

QQ_API size_t qq_calibrator_size(const qq_calibrator_options *o, qq_type type,
                                 unsigned rank, const size_t *shape)
{
    struct qqi_calibrator_head h;

    return qqi_calibrator_head_make(o, type, rank, shape, &h) == QQ_OK
               ? qqi_calibrator_place(&h, 0)
               : SIZE_MAX;
}

QQ_API qq_status qq_calibrator_init(const qq_calibrator_options *o,
                                    qq_type type, unsigned rank,
                                    const size_t *shape, void *state,
                                    size_t bytes)
{
    struct qqi_calibrator_head h;
    const qq_status status = qqi_calibrator_head_make(o, type, rank, shape, &h);

    if (status != QQ_OK)
        return status;
    if (state == NULL)
        return QQ_ERR_ARGUMENT;
    if (bytes != qqi_calibrator_place(&h, 0))
        return QQ_ERR_SIZE;
    QQ_MEMSET(state, 0, bytes); // an integer or a float of 0 is all zeros
    QQ_MEMCPY(state, &h, sizeof h);
    const uint8_t *const parts = qqi_calibrator_parts(h.method);
    for (int i = 0; parts[i] != 0; i++) {
        const qq_tensor t = qqi_calibrator_part(&h, parts[i]);
        const double prior = qqi_calibrator_prior(o, parts[i]);
        const size_t n = prior != 0.0 ? qq_tensor_count(&t) : 0;
        for (size_t k = 0; k < n; k++)
            qqi_store_value(t.type, qqi_calibrator_write(&h, state, parts[i]),
                            k, qqi_f32_from_f64(prior));
    }
    return QQ_OK;
}

// --- reading ---------------------------------------------------------------

// The head of a state; nothing in it is trusted.
QQI_FN qq_status qqi_calibrator_read(const void *state, size_t bytes,
                                     struct qqi_calibrator_head *h)
{
    if (state == NULL)
        return QQ_ERR_ARGUMENT;
    if (bytes < sizeof *h)
        return QQ_ERR_FORMAT;
    QQ_MEMCPY(h, state, sizeof *h);
    int fits = h->magic == QQI_CALIBRATOR_INIT && h->rank <= QQ_MAX_RANK &&
               h->type <= QQ_TYPE_NVFP4 && qqi_aqt_is_float((qq_type)h->type) &&
               h->history <= SIZE_MAX;
    for (unsigned a = 0; fits && a < h->rank; a++)
        fits = h->shape[a] <= SIZE_MAX;
    return fits && qqi_calibrator_place(h, 0) == bytes ? QQ_OK : QQ_ERR_FORMAT;
}

QQ_API qq_status qq_calibrator_view(const void *state, size_t bytes,
                                    qq_calibrator_part part, qq_tensor *view)
{
    struct qqi_calibrator_head h;
    const qq_status status = qqi_calibrator_read(state, bytes, &h);

    if (status != QQ_OK)
        return status;
    const size_t at = part > 0 && part <= QQ_CALIBRATOR_KEPT
                          ? qqi_calibrator_place(&h, (int)part)
                          : 0;
    if (at == 0 || view == NULL)
        return QQ_ERR_ARGUMENT;
    *view = qqi_calibrator_at(&h, state, (int)part);
    return QQ_OK;
}

// ==== train/calibration.h ====

// qquant floor 9: calibrations that remember, a step at a time.
//
// What a step computes stands in api/aqt.h, the layout of a state in state.h.
// Weighted stats blends in f64 and keeps f32.

// sum += max|x|, count += 1; bound = sum / count.
QQI_FN void qqi_mean_step(const qq_calibrator_options *o,
                          const struct qqi_calibrator_head *h,
                          const qq_tensor *x, const struct qqi_tiling *t,
                          int update, void *state)
{
    const qq_tensor sum = qqi_calibrator_at(h, state, QQ_CALIBRATOR_SUM);
    const size_t n = qq_tensor_count(&sum);
    void *const sums = qqi_calibrator_write(h, state, QQ_CALIBRATOR_SUM);
    void *const bound = qqi_calibrator_write(h, state, QQ_CALIBRATOR_BOUND);
    void *const count = qqi_calibrator_write(h, state, QQ_CALIBRATOR_COUNT);
    int32_t calls = qqi_load_i32(count);

    if (update && calls < INT32_MAX)
        qqi_store_i32(count, ++calls);
    const struct qqi_number divisor = qqi_number_round((float)calls, x->type);
    const int reciprocal = n > 1 && o->division == QQ_DIVISION_RECIPROCAL;
    for (size_t g = 0; g < n; g++) {
        struct qqi_number v = qqi_load_number(&sum, g);
        if (update && g < t->tiles)
            v = qqi_number_add(v, qqi_aqt_max(x, t, g));
        qqi_store_number(sums, g, v);
        qqi_store_number(bound, g, qqi_number_div_by(v, divisor, reciprocal));
    }
}

// What weighted stats sees of a tile.
struct qqi_stats {
    double ones;
    double vals;
    double l1;
    double lp;
    float max;
};

QQI_FN void qqi_stats_add(struct qqi_stats *s, const qq_calibrator_options *o,
                          struct qqi_number x)
{
    const float v = qqi_operand(x, x.type);
    const double a = (double)qqi_abs_f32(v);
    double power = a;

    for (unsigned i = 1; i < o->lp_order; i++)
        power = qqi_mul_f64(power, a);
    s->ones += !o->filter_zeros || v != 0.0f ? 1.0 : 0.0;
    s->vals += (double)v;
    s->l1 += a;
    s->lp += power;
    s->max = qqi_larger(s->max, qqi_abs_f32(v));
}

QQI_FN void qqi_stats_collect(struct qqi_stats *s,
                              const qq_calibrator_options *o,
                              const qq_tensor *x, const struct qqi_tiling *t,
                              size_t g)
{
    struct qqi_patch p;

    QQ_MEMSET(s, 0, sizeof *s);
    if (g >= t->tiles)
        return;
    qqi_patch_begin(&p, t, g, 1);
    while (p.runs > 0) {
        const size_t i = qqi_patch_next(&p);
        for (size_t k = 0; k < p.run; k++)
            qqi_stats_add(s, o, qqi_load_number(x, i + k));
    }
}

// (1 - 1/n) v + (1/n) next for number g of a part.
QQI_FN void qqi_stats_blend(const qq_calibrator_options *o,
                            const struct qqi_calibrator_head *h, void *state,
                            int part, size_t g, double next)
{
    uint8_t *const p = (uint8_t *)qqi_calibrator_write(h, state, part) + 4 * g;
    const double rate = 1.0 / o->ema_update_count;
    const double kept = qqi_mul_f64(1.0 - rate, (double)qqi_load_f32(p));

    qqi_store_f32(
        p, qqi_canon_f32(qqi_f32_from_f64(kept + qqi_mul_f64(rate, next))));
}

QQI_FN double qqi_stats_mean(const qq_calibrator_options *o, double sum,
                             double ones)
{
    return o->safe_divide && ones == 0.0 ? 0.0 : sum / ones;
}

// The bound that number g of every part makes.
QQI_FN float qqi_stats_bound(const qq_calibrator_options *o,
                             const struct qqi_calibrator_head *h,
                             const void *state, size_t g)
{
    const uint8_t *const p = (const uint8_t *)state + 4 * g;
    const double ones =
        (double)qqi_load_f32(p + qqi_calibrator_place(h, QQ_CALIBRATOR_ONES));
    const double max =
        (double)qqi_load_f32(p + qqi_calibrator_place(h, QQ_CALIBRATOR_MAX));
    const double l1 =
        (double)qqi_load_f32(p + qqi_calibrator_place(h, QQ_CALIBRATOR_L1));
    const double lp =
        (double)qqi_load_f32(p + qqi_calibrator_place(h, QQ_CALIBRATOR_LP));
    const double root =
        qqi_abs_root(qqi_stats_mean(o, lp, ones), (double)o->lp_order);
    double bound = qqi_mul_f64(o->l1_dev_coeff, qqi_stats_mean(o, l1, ones));

    bound += qqi_mul_f64(o->lp_dev_coeff, root);
    bound += qqi_mul_f64(o->max_dev_coeff, max);
    return qqi_canon_f32(qqi_f32_from_f64(bound + o->const_bound_coeff));
}

QQI_FN void qqi_stats_step(const qq_calibrator_options *o,
                           const struct qqi_calibrator_head *h,
                           const qq_tensor *x, const struct qqi_tiling *t,
                           int update, void *state)
{
    uint8_t *const bound =
        (uint8_t *)qqi_calibrator_write(h, state, QQ_CALIBRATOR_BOUND);
    const qq_tensor grid = qqi_calibrator_part(h, QQ_CALIBRATOR_BOUND);
    const size_t n = qq_tensor_count(&grid);
    struct qqi_stats s;

    for (size_t g = 0; g < n; g++) {
        if (update) {
            qqi_stats_collect(&s, o, x, t, g);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_ONES, g, s.ones);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_VALS, g, s.vals);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_MAX, g, (double)s.max);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_L1, g, s.l1);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_LP, g, s.lp);
        }
        qqi_store_f32(bound + 4 * g, qqi_stats_bound(o, h, state, g));
    }
}

// The bound of the history before this x; then x joins it.
QQI_FN void qqi_delayed_step(const struct qqi_calibrator_head *h,
                             const qq_tensor *x, const struct qqi_tiling *t,
                             int update, void *state)
{
    uint8_t *const history =
        (uint8_t *)qqi_calibrator_write(h, state, QQ_CALIBRATOR_HISTORY);
    void *const kept = qqi_calibrator_write(h, state, QQ_CALIBRATOR_KEPT);
    const size_t n = (size_t)h->history;
    float most = qqi_load_f32(history);

    for (size_t i = 1; i < n; i++)
        most = qqi_larger(most, qqi_load_f32(history + 4 * i));
    const float bound =
        most > 0.0f && qqi_is_finite_f32(most) ? most : qqi_load_f32(kept);
    qqi_store_f32(qqi_calibrator_write(h, state, QQ_CALIBRATOR_BOUND), bound);
    if (!update)
        return;
    qqi_store_f32(kept, bound);
    // Turned left by one, the first would come last; x takes its old place.
    const float first = qqi_load_f32(history);
    QQ_MEMMOVE(history, history + 4, 4 * (n - 1));
    qqi_store_f32(history + 4 * (n - 1), first);
    const float max = t->tiles > 0 ? qqi_aqt_max(x, t, 0).value : 0.0f;
    qqi_store_f32(history, qqi_canon_f32(max));
}

// x is of the kind that the state was made for; *t: its tiles.
QQI_FN qq_status qqi_calibrator_fits(const struct qqi_calibrator_head *h,
                                     const qq_tensor *x, struct qqi_tiling *t)
{
    size_t tile[QQ_MAX_RANK];

    if (x->type != (qq_type)h->type)
        return QQ_ERR_TYPE;
    if (x->rank != h->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < x->rank; a++) {
        const int channel = (int)(h->channels >> a & 1);
        if (channel && x->shape[a] != h->shape[a])
            return QQ_ERR_SHAPE;
        tile[a] = channel ? 1 : x->shape[a];
    }
    qqi_tiling_make(t, x->rank, x->shape, tile);
    return QQ_OK;
}

QQ_API qq_status qq_calibrator_step(const qq_calibrator_options *o,
                                    qq_quant_mode mode, const qq_tensor *x,
                                    void *state, size_t bytes, qq_tensor *bound)
{
    struct qqi_calibrator_head h;
    struct qqi_tiling t;

    if (o == NULL || !qqi_calibrator_options_fit(o) ||
        mode < QQ_QUANT_MODE_TRAIN || mode > QQ_QUANT_MODE_SERVE)
        return QQ_ERR_ARGUMENT;
    qq_status status = qq_tensor_check(x);
    if (status == QQ_OK)
        status = qqi_calibrator_read(state, bytes, &h);
    if (status != QQ_OK)
        return status;
    if (h.method != (uint32_t)o->method || h.channels != o->channels ||
        (o->method == QQ_CALIBRATOR_DELAYED && h.history != o->history))
        return QQ_ERR_FORMAT;
    status = qqi_calibrator_fits(&h, x, &t);
    if (status != QQ_OK)
        return status;
    const int calibrates = mode == QQ_QUANT_MODE_CALIBRATE;
    const int learns = calibrates || mode == QQ_QUANT_MODE_TRAIN;
    if (o->method == QQ_CALIBRATOR_MEAN_OF_ABSMAX)
        qqi_mean_step(o, &h, x, &t, calibrates, state);
    else if (o->method == QQ_CALIBRATOR_WEIGHTED_STATS)
        qqi_stats_step(o, &h, x, &t, learns, state);
    else
        qqi_delayed_step(&h, x, &t, learns, state);
    if (bound)
        *bound = qqi_calibrator_at(&h, state, QQ_CALIBRATOR_BOUND);
    return QQ_OK;
}

// ==== train/layout.h ====

// qquant floor 9: scales of a product's operands in other layouts.
//
// Both moves are a permutation of axes and then another shape over the same
// numbers, for the axes that come and go have size 1:
//
//   to output   batch, remaining, contracted; the last of them go, and the
//               other operand's remaining axes come: after a lhs scale's own,
//               before a rhs scale's
//   to other    contracted and batch axes in the order of their partners

// The axes of one operand: this one's, and the partners'.
struct qqi_side {
    const unsigned *contract;
    const unsigned *batch;
    const unsigned *other_contract;
    const unsigned *other_batch;
    unsigned contract_count;
    unsigned batch_count;
};

QQI_FN struct qqi_side qqi_side_of(const qq_dot_axes *d, int rhs)
{
    struct qqi_side r;

    r.contract = rhs ? d->rhs_contract : d->lhs_contract;
    r.batch = rhs ? d->rhs_batch : d->lhs_batch;
    r.other_contract = rhs ? d->lhs_contract : d->rhs_contract;
    r.other_batch = rhs ? d->lhs_batch : d->rhs_batch;
    r.contract_count = d->contract_count;
    r.batch_count = d->batch_count;
    return r;
}

// Marks axes; 0 if one is out of range or marked already.
QQI_FN int qqi_mark_axes(const unsigned *axes, unsigned count, unsigned rank,
                         unsigned *marks)
{
    for (unsigned i = 0; i < count; i++) {
        if (axes[i] >= rank || (*marks >> axes[i] & 1))
            return 0;
        *marks |= 1u << axes[i];
    }
    return 1;
}

// Pairs of axes that both operands have; *used: those of this one.
QQI_FN qq_status qqi_side_check(const qq_tensor *scale, const qq_dot_axes *d,
                                qq_dot_side side, unsigned other_rank,
                                unsigned *used)
{
    const qq_status status = qq_tensor_check(scale);
    unsigned other = 0;

    if (status != QQ_OK)
        return status;
    if (d == NULL || (side != QQ_DOT_LHS && side != QQ_DOT_RHS))
        return QQ_ERR_ARGUMENT;
    if (other_rank > QQ_MAX_RANK || d->contract_count > QQ_MAX_RANK ||
        d->batch_count > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    const struct qqi_side s = qqi_side_of(d, side == QQ_DOT_RHS);
    *used = 0;
    return qqi_mark_axes(s.contract, s.contract_count, scale->rank, used) &&
                   qqi_mark_axes(s.batch, s.batch_count, scale->rank, used) &&
                   qqi_mark_axes(s.other_contract, s.contract_count, other_rank,
                                 &other) &&
                   qqi_mark_axes(s.other_batch, s.batch_count, other_rank,
                                 &other)
               ? QQ_OK
               : QQ_ERR_AXIS;
}

// A layout: the order of the scale's axes, and the shape it then gets.
struct qqi_scale_layout {
    unsigned order[QQ_MAX_RANK];
    size_t shape[QQ_MAX_RANK];
    unsigned axes;
    unsigned rank;
};

QQI_FN void qqi_scale_layout_take(struct qqi_scale_layout *l,
                                  const qq_tensor *scale, unsigned axis)
{
    l->order[l->axes++] = axis;
    l->shape[l->rank++] = scale->shape[axis];
}

QQI_FN void qqi_scale_layout_ones(struct qqi_scale_layout *l, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        l->shape[l->rank++] = 1;
}

// Permutes the scale into out and gives it the shape.
QQI_FN qq_status qqi_scale_layout_move(const struct qqi_scale_layout *l,
                                       const qq_tensor *scale, void *out,
                                       size_t out_bytes, qq_tensor *view)
{
    qq_tensor r;

    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qq_tensor_transpose(scale, l->order, out, out_bytes, &r);
    if (status == QQ_OK)
        *view = qq_tensor_make(r.data, r.type, l->rank, l->shape);
    return status;
}

QQ_API qq_status qq_aqt_scale_to_output(const qq_tensor *scale,
                                        const qq_dot_axes *axes,
                                        qq_dot_side side, unsigned other_rank,
                                        void *out, size_t out_bytes,
                                        qq_tensor *view)
{
    struct qqi_scale_layout l;
    unsigned used;
    const qq_status status =
        qqi_side_check(scale, axes, side, other_rank, &used);

    if (status != QQ_OK)
        return status;
    const struct qqi_side s = qqi_side_of(axes, side == QQ_DOT_RHS);
    const unsigned others = other_rank - s.contract_count - s.batch_count;
    if (scale->rank - s.contract_count + others > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    l.axes = l.rank = 0;
    for (unsigned i = 0; i < s.batch_count; i++)
        qqi_scale_layout_take(&l, scale, s.batch[i]);
    qqi_scale_layout_ones(&l, side == QQ_DOT_RHS ? others : 0);
    for (unsigned a = 0; a < scale->rank; a++)
        if (!(used >> a & 1))
            qqi_scale_layout_take(&l, scale, a);
    qqi_scale_layout_ones(&l, side == QQ_DOT_LHS ? others : 0);
    for (unsigned i = 0; i < s.contract_count; i++) {
        if (scale->shape[s.contract[i]] != 1)
            return QQ_ERR_SHAPE;
        l.order[l.axes++] = s.contract[i];
    }
    return qqi_scale_layout_move(&l, scale, out, out_bytes, view);
}

QQ_API qq_status qq_aqt_scale_to_other(const qq_tensor *scale,
                                       const qq_dot_axes *axes,
                                       qq_dot_side side, unsigned other_rank,
                                       void *out, size_t out_bytes,
                                       qq_tensor *view)
{
    unsigned partner[QQ_MAX_RANK]; // of an axis of the other operand
    struct qqi_scale_layout l;
    unsigned used;
    const qq_status status =
        qqi_side_check(scale, axes, side, other_rank, &used);

    if (status != QQ_OK)
        return status;
    const struct qqi_side s = qqi_side_of(axes, side == QQ_DOT_RHS);
    l.axes = l.rank = 0;
    for (unsigned a = 0; a < other_rank; a++)
        partner[a] = QQ_MAX_RANK;
    for (unsigned i = 0; i < s.contract_count; i++)
        partner[s.other_contract[i]] = s.contract[i];
    for (unsigned i = 0; i < s.batch_count; i++)
        partner[s.other_batch[i]] = s.batch[i];
    for (unsigned a = 0; a < other_rank; a++) {
        if (partner[a] == QQ_MAX_RANK)
            qqi_scale_layout_ones(&l, 1);
        else
            qqi_scale_layout_take(&l, scale, partner[a]);
    }
    for (unsigned a = 0; a < scale->rank; a++) {
        if (used >> a & 1)
            continue;
        if (scale->shape[a] != 1)
            return QQ_ERR_SHAPE;
        l.order[l.axes++] = a;
    }
    return qqi_scale_layout_move(&l, scale, out, out_bytes, view);
}

// ==== train/numerics.h ====

// qquant floor 9: AQT's numerics by themselves: bounds, gradient, mantissa.
//
// The arithmetic stands in array/aqt_numerics.h.

QQ_API qq_status qq_aqt_share_axes(qq_scheme *s, const int *axes, size_t count,
                                   unsigned rank)
{
    uint32_t shared = 0;

    if (s == NULL || axes == NULL)
        return QQ_ERR_ARGUMENT;
    if (rank > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    for (size_t i = 0; i < count; i++) {
        unsigned a;
        if (!qqi_axis(axes[i], rank, &a))
            return QQ_ERR_AXIS;
        shared |= (uint32_t)1 << a;
    }
    s->channels = (((uint32_t)1 << rank) - 1) & ~shared;
    return QQ_OK;
}

// A float tensor, and room for as many bytes.
QQI_FN qq_status qqi_train_check(const qq_tensor *x, const void *out,
                                 size_t out_bytes)
{
    const qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    if (!qqi_aqt_is_float(x->type))
        return QQ_ERR_TYPE;
    return qqi_out_check(qq_tensor_bytes(x), out, out_bytes);
}

QQI_FN qq_status qqi_train_answer(const qq_tensor *x, void *out,
                                  qq_tensor *view)
{
    *view = *x;
    view->data = out;
    return QQ_OK;
}

QQ_API qq_status qq_aqt_ceil_to_po2(const qq_tensor *x, void *out,
                                    size_t out_bytes, qq_tensor *view)
{
    const qq_status status = qqi_train_check(x, out, out_bytes);

    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t n = qq_tensor_count(x);
    for (size_t i = 0; i < n; i++)
        qqi_store_number(out, i, qqi_ceil_po2(qqi_load_number(x, i)));
    return qqi_train_answer(x, out, view);
}

// A scheme whose numerics can be asked.
QQI_FN qq_status qqi_numerics_check(const qq_scheme *s)
{
    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    return s->init == QQI_SCHEME_INIT &&
                   (s->rule == QQ_RULE_AQT || s->rule == QQ_RULE_FJ) &&
                   qqi_aqt_check_numerics(s) == 0
               ? QQ_OK
               : QQ_ERR_SCHEME;
}

QQ_API qq_status qq_numerics_bounds(const qq_scheme *s, double *quant,
                                    double *clip)
{
    const qq_status status = qqi_numerics_check(s);

    if (status != QQ_OK)
        return status;
    if (s->numerics.kind == QQ_NUMERICS_NONE)
        return QQ_ERR_SCHEME;
    if (quant == NULL || clip == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_aqt_bounds(s, quant, clip);
    return QQ_OK;
}

// The gradient g of a number x that may have been clipped at +-clip.
QQI_FN struct qqi_number qqi_clipped_gradient(struct qqi_number g,
                                              struct qqi_number x,
                                              struct qqi_number clip,
                                              int by_product)
{
    const float v = qqi_operand(x, x.type);
    const int inside = v >= -clip.value && v <= clip.value;

    if (by_product)
        return qqi_number_mul(g, qqi_number_of(inside ? 1.0f : 0.0f, g.type));
    return inside ? g : qqi_number_of(0.0f, g.type);
}

QQ_API qq_status qq_numerics_gradient(const qq_scheme *s, const qq_tensor *x,
                                      const qq_tensor *g, void *out,
                                      size_t out_bytes, qq_tensor *view)
{
    qq_status status = qqi_numerics_check(s);
    double quant, bound;

    if (status == QQ_OK)
        status = qq_tensor_check(x);
    if (status == QQ_OK)
        status = qqi_train_check(g, out, out_bytes);
    if (status != QQ_OK)
        return status;
    const size_t n = qq_tensor_count(g);
    if (x->type != g->type)
        return QQ_ERR_TYPE;
    if (qq_tensor_count(x) != n)
        return QQ_ERR_SHAPE;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const int clips =
        s->numerics.kind == QQ_NUMERICS_INT && s->numerics.clip_gradient;
    if (!clips) {
        if (n > 0)
            QQ_MEMMOVE(out, g->data, qq_tensor_bytes(g));
        return qqi_train_answer(g, out, view);
    }
    qqi_aqt_bounds(s, &quant, &bound);
    const struct qqi_number clip = qqi_number_constant(bound, x->type);
    const int by_product =
        s->division != QQ_DIVISION_RECIPROCAL || g->type == QQ_TYPE_BF16;
    for (size_t i = 0; i < n; i++)
        qqi_store_number(out, i,
                         qqi_clipped_gradient(qqi_load_number(g, i),
                                              qqi_load_number(x, i), clip,
                                              by_product));
    return qqi_train_answer(g, out, view);
}

QQ_API qq_status qq_numerics_mantissa(const qq_scheme *s, const qq_tensor *x,
                                      void *out, size_t out_bytes,
                                      qq_tensor *view)
{
    qq_status status = qqi_numerics_check(s);

    if (status != QQ_OK)
        return status;
    if (s->numerics.kind != QQ_NUMERICS_FP8 ||
        qqi_aqt_check_noise(s, NULL) != 0)
        return QQ_ERR_SCHEME;
    status = qqi_train_check(x, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (x->type == QQ_TYPE_F16)
        return QQ_ERR_TYPE;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const unsigned width = x->type == QQ_TYPE_F32 ? 32 : 16;
    const size_t n = qq_tensor_count(x);
    for (size_t i = 0; i < n; i++)
        qqi_store_number(out, i,
                         qqi_aqt_mantissa(s, qqi_load_number(x, i),
                                          qqi_aqt_bits(s, x, i, width)));
    return qqi_train_answer(x, out, view);
}

// ==== train/scaled.h ====

// qquant floor 9: AQT's tensors with several scales and biases and a mask.
//
// Number after number, each part at the place that the number meets. Steps are
// typed as in array/aqt_step.h.

// The common type of a type and a part.
QQI_FN qq_type qqi_parts_type(qq_type type, const qq_tensor *parts,
                              size_t count)
{
    for (size_t k = 0; k < count; k++)
        type = qqi_common_type(type, parts[k].type);
    return type;
}

QQI_FN qq_status qqi_spreads_check(const qq_tensor *parts, size_t count,
                                   const qq_tensor *x)
{
    if (parts == NULL && count > 0)
        return QQ_ERR_ARGUMENT;
    for (size_t k = 0; k < count; k++) {
        const qq_status status = qq_tensor_check(&parts[k]);
        if (status != QQ_OK)
            return status;
        if (!qqi_aqt_is_float(parts[k].type))
            return QQ_ERR_TYPE;
        if (!qqi_aqt_spreads(&parts[k], x))
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// The parts fit a tensor of x's shape.
QQI_FN qq_status qqi_scaled_check(const qq_aqt_tensor *t, const qq_tensor *x)
{
    if (t == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_spreads_check(t->scales, t->scale_count, x);
    if (status == QQ_OK)
        status = qqi_spreads_check(t->biases, t->bias_count, x);
    if (status == QQ_OK && t->mask)
        status = qqi_spreads_check(t->mask, 1, x);
    return status;
}

QQI_FN qq_type qqi_scaled_type(const qq_aqt_tensor *t, qq_type type)
{
    type = qqi_parts_type(type, t->biases, t->bias_count);
    type = qqi_parts_type(type, t->mask, t->mask ? 1 : 0);
    return qqi_parts_type(type, t->scales, t->scale_count);
}

// What of a part number i of a tensor of the shape meets.
QQI_FN struct qqi_number qqi_part_at(const qq_tensor *part, const size_t *shape,
                                     size_t i)
{
    return qqi_load_number(part, qqi_aqt_meets(part, shape, i));
}

QQI_FN struct qqi_number qqi_scale_number(const qq_aqt_tensor *t,
                                          const size_t *shape, size_t i,
                                          struct qqi_number v)
{
    for (size_t k = 0; k < t->bias_count; k++)
        v = qqi_number_add(v, qqi_part_at(&t->biases[k], shape, i));
    if (t->mask)
        v = qqi_number_mul(v, qqi_part_at(t->mask, shape, i));
    for (size_t k = 0; k < t->scale_count; k++)
        v = qqi_number_mul(
            v, qqi_aqt_factor(qqi_part_at(&t->scales[k], shape, i)));
    return v;
}

QQI_FN struct qqi_number qqi_unscale_number(const qq_aqt_tensor *t, size_t i,
                                            struct qqi_number v)
{
    const size_t *const shape = t->value.shape;

    for (size_t k = 0; k < t->scale_count; k++)
        v = qqi_number_mul(v, qqi_part_at(&t->scales[k], shape, i));
    if (t->mask)
        v = qqi_number_mul(v, qqi_part_at(t->mask, shape, i));
    for (size_t k = 0; k < t->bias_count; k++)
        v = qqi_number_sub(v, qqi_part_at(&t->biases[k], shape, i));
    return v;
}

QQI_FN qq_status qqi_scale_check(const qq_tensor *x, const qq_aqt_tensor *t)
{
    const qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    return qqi_aqt_is_float(x->type) ? qqi_scaled_check(t, x) : QQ_ERR_TYPE;
}

QQ_API size_t qq_aqt_scale_size(const qq_tensor *x, const qq_aqt_tensor *t)
{
    if (qqi_scale_check(x, t) != QQ_OK)
        return SIZE_MAX;
    return qq_type_bytes(qqi_scaled_type(t, x->type), qq_tensor_count(x));
}

QQ_API qq_status qq_aqt_scale(const qq_tensor *x, const qq_aqt_tensor *t,
                              void *out, size_t out_bytes, qq_tensor *view)
{
    qq_status status = qqi_scale_check(x, t);

    if (status != QQ_OK)
        return status;
    qq_tensor r = *x;
    r.type = qqi_scaled_type(t, x->type);
    r.data = out;
    const size_t n = qq_tensor_count(x);
    status = qqi_out_check(qq_type_bytes(r.type, n), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        const struct qqi_number v =
            qqi_scale_number(t, x->shape, i, qqi_load_number(x, i));
        qqi_store_number(out, i, qqi_number_cast(v, r.type));
    }
    *view = r;
    return QQ_OK;
}

QQ_API qq_status qq_aqt_dequantize(const qq_aqt_tensor *t, qq_type type,
                                   void *out, size_t out_bytes, qq_tensor *view)
{
    if (t == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qq_tensor_check(&t->value);
    if (status == QQ_OK)
        status = qqi_scaled_check(t, &t->value);
    if (status != QQ_OK)
        return status;
    if (!qqi_aqt_is_float(type))
        return QQ_ERR_TYPE;
    qq_tensor r = t->value;
    r.type = type;
    r.data = out;
    const size_t n = qq_tensor_count(&r);
    status = qqi_out_check(qq_type_bytes(type, n), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_type stored = t->value.type;
    for (size_t i = 0; i < n; i++) {
        const float code = qqi_load_value(stored, t->value.data, i);
        const struct qqi_number v =
            qqi_unscale_number(t, i, qqi_aqt_decoded(code, stored, type));
        qqi_store_number(out, i, qqi_number_cast(v, type));
    }
    *view = r;
    return QQ_OK;
}

// ==== train/slice.h ====

// qquant floor 9: slices of quantized arrays.
//
// Codes and scales move together: along an axis with one scale the scale stays
// what it is, along the others the scale of tile i goes with its numbers.

// Codes with one scale for each tile[a] numbers of axis a, and nothing else.
QQI_FN qq_status qqi_window_check(const qq_array *a)
{
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qq_tensor_check(&a->value);
    if (status == QQ_OK)
        status = qq_tensor_check(&a->scale);
    if (status != QQ_OK)
        return status;
    if (a->zero_point.type != QQ_TYPE_NONE || a->bias.type != QQ_TYPE_NONE)
        return QQ_ERR_TYPE;
    if (a->scale.rank != a->value.rank)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < a->value.rank; i++) {
        const size_t n = a->value.shape[i];
        const size_t t = a->tile[i];
        if (a->scale.shape[i] != 1 &&
            (t == 0 || a->scale.shape[i] != n / t + (n % t != 0)))
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// The window of scales that belongs to a window of numbers.
QQI_FN qq_status qqi_window_scales(const qq_array *a, const size_t *start,
                                   const size_t *count, size_t *first,
                                   size_t *scales)
{
    for (unsigned i = 0; i < a->value.rank; i++) {
        const size_t n = a->value.shape[i];
        const size_t t = a->tile[i];
        if (count[i] > n || start[i] > n - count[i])
            return QQ_ERR_SHAPE;
        first[i] = 0;
        scales[i] = 1;
        if (a->scale.shape[i] == 1)
            continue;
        const size_t end = start[i] + count[i];
        if (start[i] % t != 0 || (end % t != 0 && end != n))
            return QQ_ERR_SHAPE;
        first[i] = start[i] / t;
        scales[i] = count[i] / t + (count[i] % t != 0);
    }
    return QQ_OK;
}

// What a slice of that size will be, without data. Where an array has one
// scale along an axis its tile is the axis.
QQI_FN void qqi_window_plan(const qq_array *a, const size_t *count,
                            const size_t *scales, qq_array *r)
{
    *r = *a;
    for (unsigned i = 0; i < a->value.rank; i++) {
        r->value.shape[i] = count[i];
        r->scale.shape[i] = scales[i];
        if (a->scale.shape[i] == 1)
            r->tile[i] = count[i] > 0 ? count[i] : 1;
    }
}

QQ_API size_t qq_aqt_slice_size(const qq_array *a, const size_t *count)
{
    size_t scales[QQ_MAX_RANK];
    qq_array r;

    if (qqi_window_check(a) != QQ_OK || (count == NULL && a->value.rank > 0))
        return SIZE_MAX;
    for (unsigned i = 0; i < a->value.rank; i++) {
        const size_t t = a->tile[i];
        if (count[i] > a->value.shape[i])
            return SIZE_MAX;
        scales[i] =
            a->scale.shape[i] == 1 ? 1 : count[i] / t + (count[i] % t != 0);
    }
    qqi_window_plan(a, count, scales, &r);
    return qqi_parts_bytes(&r);
}

QQ_API qq_status qq_aqt_slice(const qq_array *a, const size_t *start,
                              const size_t *count, void *out, size_t out_bytes,
                              qq_array *view)
{
    size_t first[QQ_MAX_RANK];
    size_t scales[QQ_MAX_RANK];
    ptrdiff_t step[QQ_MAX_RANK];
    qq_array r;
    qq_status status = qqi_window_check(a);

    if (status != QQ_OK)
        return status;
    if ((start == NULL || count == NULL) && a->value.rank > 0)
        return QQ_ERR_ARGUMENT;
    status = qqi_window_scales(a, start, count, first, scales);
    if (status != QQ_OK)
        return status;
    qqi_window_plan(a, count, scales, &r);
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_parts_place(&r, out);
    for (unsigned i = 0; i < QQ_MAX_RANK; i++)
        step[i] = 1;
    const size_t scale_bytes = qq_tensor_bytes(&r.scale);
    status = qq_tensor_slice(&a->scale, first, scales, step, out, scale_bytes,
                             &r.scale);
    if (status == QQ_OK)
        status = qq_tensor_slice(&a->value, start, count, step,
                                 (uint8_t *)out + scale_bytes,
                                 qq_tensor_bytes(&r.value), &r.value);
    if (status == QQ_OK)
        *view = r;
    return status;
}

// --- frames: the first axis ------------------------------------------------

QQI_FN void qqi_frame_window(const qq_array *a, size_t index, size_t *start,
                             size_t *count)
{
    for (unsigned i = 0; i < a->value.rank; i++) {
        start[i] = 0;
        count[i] = a->value.shape[i];
    }
    start[0] = index;
    count[0] = 1;
}

// Takes away a first axis of size 1.
QQI_FN void qqi_frame_drop(qq_array *a)
{
    const unsigned rank = a->value.rank - 1;

    for (unsigned i = 0; i < rank; i++) {
        a->value.shape[i] = a->value.shape[i + 1];
        a->scale.shape[i] = a->scale.shape[i + 1];
        a->tile[i] = a->tile[i + 1];
    }
    a->value.rank = a->scale.rank = rank;
}

QQ_API size_t qq_aqt_frame_size(const qq_array *a)
{
    size_t start[QQ_MAX_RANK];
    size_t count[QQ_MAX_RANK];

    if (qqi_window_check(a) != QQ_OK || a->value.rank == 0)
        return SIZE_MAX;
    qqi_frame_window(a, 0, start, count);
    return qq_aqt_slice_size(a, count);
}

QQ_API qq_status qq_aqt_frame(const qq_array *a, size_t index, void *out,
                              size_t out_bytes, qq_array *view)
{
    size_t start[QQ_MAX_RANK];
    size_t count[QQ_MAX_RANK];
    qq_array r;
    qq_status status = qqi_window_check(a);

    if (status != QQ_OK)
        return status;
    if (a->value.rank == 0)
        return QQ_ERR_SHAPE;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    qqi_frame_window(a, index, start, count);
    status = qq_aqt_slice(a, start, count, out, out_bytes, &r);
    if (status != QQ_OK)
        return status;
    qqi_frame_drop(&r);
    *view = r;
    return QQ_OK;
}

// ==== train/update.h ====

// qquant floor 9: quantized arrays, written over in part.
//
// Codes and scales of the update go where its window lies; scales that hold
// for more than the window must not change, so such windows are refused.

// Writes part over the window of whole that begins at start; data is whole's.
QQI_FN void qqi_window_write(const qq_tensor *part, const qq_tensor *whole,
                             const size_t *start, void *data)
{
    const size_t n = qq_tensor_count(part);

    for (size_t i = 0; i < n; i++) {
        size_t left = i;
        size_t place = 0;
        size_t step = 1;
        for (int a = (int)part->rank - 1; a >= 0; a--) {
            place += (start[a] + left % part->shape[a]) * step;
            step *= whole->shape[a];
            left /= part->shape[a];
        }
        qqi_store_code(whole->type, data, place,
                       qqi_load_code(part->type, part->data, i));
    }
}

// The update is an array like a slice of a at start; first: where its scales
// go.
QQI_FN qq_status qqi_update_check(const qq_array *a, const qq_array *update,
                                  const size_t *start, size_t *first)
{
    size_t scales[QQ_MAX_RANK];
    qq_status status = qqi_window_check(update);

    if (status != QQ_OK)
        return status;
    if (start == NULL && a->value.rank > 0)
        return QQ_ERR_ARGUMENT;
    if (a->value.type != update->value.type ||
        a->scale.type != update->scale.type)
        return QQ_ERR_TYPE;
    if (a->value.rank != update->value.rank)
        return QQ_ERR_SHAPE;
    status = qqi_window_scales(a, start, update->value.shape, first, scales);
    for (unsigned i = 0; i < a->value.rank && status == QQ_OK; i++) {
        const size_t n = update->value.shape[i];
        if (update->scale.shape[i] != scales[i] ||
            (a->scale.shape[i] == 1 && n != a->value.shape[i]) ||
            (a->scale.shape[i] > 1 && n > a->tile[i] &&
             update->tile[i] != a->tile[i]))
            status = QQ_ERR_SHAPE;
    }
    return status;
}

QQ_API qq_status qq_aqt_update_slice(const qq_array *a, const qq_array *update,
                                     const size_t *start, void *out,
                                     size_t out_bytes, qq_array *view)
{
    size_t first[QQ_MAX_RANK];
    qq_array r;
    qq_status status = qqi_window_check(a);

    if (status == QQ_OK)
        status = qqi_update_check(a, update, start, first);
    if (status != QQ_OK)
        return status;
    r = *a;
    status = qqi_out_check(qqi_parts_bytes(&r), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t scale_bytes = qq_tensor_bytes(&a->scale);
    const size_t value_bytes = qq_tensor_bytes(&a->value);
    uint8_t *const codes = (uint8_t *)out + scale_bytes;
    if (scale_bytes > 0 && a->scale.data != out)
        QQ_MEMCPY(out, a->scale.data, scale_bytes);
    if (value_bytes > 0 && a->value.data != codes)
        QQ_MEMCPY(codes, a->value.data, value_bytes);
    qqi_parts_place(&r, out);
    qqi_window_write(&update->scale, &r.scale, first, out);
    qqi_window_write(&update->value, &r.value, start, codes);
    *view = r;
    return QQ_OK;
}

// Adds a first axis of size 1.
QQI_FN void qqi_frame_add(qq_array *a)
{
    const unsigned rank = a->value.rank;

    for (int i = (int)rank - 1; i >= 0; i--) {
        a->value.shape[i + 1] = a->value.shape[i];
        a->scale.shape[i + 1] = a->scale.shape[i];
        a->tile[i + 1] = a->tile[i];
    }
    a->value.shape[0] = a->scale.shape[0] = a->tile[0] = 1;
    a->value.rank = a->scale.rank = rank + 1;
}

QQ_API qq_status qq_aqt_update_frame(const qq_array *a, const qq_array *update,
                                     size_t index, void *out, size_t out_bytes,
                                     qq_array *view)
{
    size_t start[QQ_MAX_RANK] = {0};
    qq_status status = qqi_window_check(a);
    qq_array frame;

    if (status == QQ_OK)
        status = qqi_window_check(update);
    if (status != QQ_OK)
        return status;
    if (update->value.rank + 1 != a->value.rank)
        return QQ_ERR_SHAPE;
    frame = *update;
    qqi_frame_add(&frame);
    start[0] = index;
    return qq_aqt_update_slice(a, &frame, start, out, out_bytes, view);
}

#endif

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
