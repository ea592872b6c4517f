// qquant floor 5: codes to cells and base 3 to cells, scalar.

#ifndef QQUANT_KERNEL_SCALAR_PACK_H
#define QQUANT_KERNEL_SCALAR_PACK_H

#include "kernel/cell.h"
#include "kernel/kernel.h"

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

#endif // QQUANT_KERNEL_SCALAR_PACK_H
