// qquant floor 4: codes in packed bits: any width, order, start and length.
//
// Whole groups of eight codes go by the word, the ends by part of a group.
// All functions here trust their arguments.

#ifndef QQUANT_CODEC_BITS_H
#define QQUANT_CODEC_BITS_H

#include "codec/lanes.h"

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

#endif // QQUANT_CODEC_BITS_H
