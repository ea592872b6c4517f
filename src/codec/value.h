// qquant floor 4: what a code means: numbers to codes and back, of any type.
//
//   sign      1 stands for +1, 0 for -1     ternary   value + 1
//   intN      two's complement              uintN     the number itself
//   floats    num/half.h, num/minifloat.h, num/e8m0.h
//   books     codec/nf4.h, codec/book.h
//
// Formats (mxfp4 ...) mean what their storage type means. The internal calls
// take any type; for a number that is no type they give 0.

#ifndef QQUANT_CODEC_VALUE_H
#define QQUANT_CODEC_VALUE_H

#include "codec/bits.h"
#include "codec/book.h"
#include "codec/nf4.h"
#include "num/e8m0.h"
#include "num/half.h"
#include "num/minifloat.h"
#include "num/round.h"
#include "num/widen.h"
#include "type.h"

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

#endif // QQUANT_CODEC_VALUE_H
