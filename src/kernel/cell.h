// qquant floor 5: the geometry of cells (api/matrix.h).
//
// A width is a sum of parts, powers of two, the high one first. 32 columns of
// a panel are a block of 64 * bits bytes, which holds the cells of the first
// part, then those of the next; a field is four columns of one part: 64 bytes
// of a cell, shifted and masked.

#ifndef QQUANT_KERNEL_CELL_H
#define QQUANT_KERNEL_CELL_H

#include "num/bits.h"

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

#endif // QQUANT_KERNEL_CELL_H
