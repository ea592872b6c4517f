// qquant floor 4: many elements of packed data at once.
//
// What codec/element.h does one by one, to the bit, but the type is looked at
// once for 64 elements, and their codes are packed and unpacked by the word.

#ifndef QQUANT_CODEC_MANY_H
#define QQUANT_CODEC_MANY_H

#include "codec/codes.h"
#include "codec/element.h"

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

#endif // QQUANT_CODEC_MANY_H
