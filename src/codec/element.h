// qquant floor 4: element i of packed data of any type.
//
// Widths below 8 lie low bits first without gaps; wider ones are whole
// numbers in the machine's own byte order. Nothing need be aligned.

#ifndef QQUANT_CODEC_ELEMENT_H
#define QQUANT_CODEC_ELEMENT_H

#include "codec/bits.h"
#include "codec/value.h"

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

#endif // QQUANT_CODEC_ELEMENT_H
