// qquant floor 1: codes in bits: packing, other people's orders, code books.

#ifndef QQUANT_API_PACK_H
#define QQUANT_API_PACK_H

#include "api/type.h"

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

#endif // QQUANT_API_PACK_H
