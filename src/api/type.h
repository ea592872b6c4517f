// qquant floor 1: the types of stored numbers.

#ifndef QQUANT_API_TYPE_H
#define QQUANT_API_TYPE_H

#include "api/status.h"

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

#endif // QQUANT_API_TYPE_H
