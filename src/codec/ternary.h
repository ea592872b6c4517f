// qquant floor 4: layouts of the values -1, 0 and +1.
//
//   consecutive  2 bits a value, value + 1, low bits first
//   strided      byte p: values p, p + Q, p + 2Q, p + 3Q, 2 bits each from
//                the low ones up, Q a quarter of the count (eformer's Array1B)
//   base 3       byte = sum over j = 0 ... 4 of (value[5p + j] + 1) * 3^j, at
//                most 242; what is missing in the last byte counts as 0

#ifndef QQUANT_CODEC_TERNARY_H
#define QQUANT_CODEC_TERNARY_H

#include "api/pack.h"
#include "codec/bits.h"

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

#endif // QQUANT_CODEC_TERNARY_H
