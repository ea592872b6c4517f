// qquant floor 4: the public calls for packed bits.
//
// Widths 1 to 8 are groups (codec/bits.h). Codes of 16 bits lie in two bytes,
// the low one first, on every machine.

#ifndef QQUANT_CODEC_ORDER_H
#define QQUANT_CODEC_ORDER_H

#include "codec/bits.h"
#include "type.h"

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

#endif // QQUANT_CODEC_ORDER_H
