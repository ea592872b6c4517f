// qquant floor 7: single codes of a packed matrix.

#ifndef QQUANT_MATRIX_CODE_H
#define QQUANT_MATRIX_CODE_H

#include "matrix/layout.h"

// A ternary code of a panel that is stored in base 3.
QQI_FN uint8_t qqi_base3_code(const uint8_t *codes, size_t row, size_t k)
{
    static const uint8_t power[5] = {1, 3, 9, 27, 81};
    const size_t in = k % 80;
    const size_t at = in % 16 / 4 * 64 + 4 * row + in % 4;
    const unsigned byte = codes[k / 80 * 256 + at];
    const unsigned most = byte < 243 ? byte : 242;

    return (uint8_t)(most / power[in / 16] % 3);
}

// The stored codes of a row in a block of cells, 32 of them, or those of the
// first cells where there are no more columns. Four neighbours are a word: what
// a shift takes from one byte into another the mask removes.
QQI_FN void qqi_lane_codes(const uint8_t *cells, unsigned bits, size_t row,
                           size_t columns, uint8_t *codes)
{
    const size_t some = columns < 32 ? columns : 32;
    const size_t end = bits == qqi_part_bits(bits) ? some : 32;
    uint32_t word[8] = {0};
    unsigned left = bits;

    while (left > 0) {
        const unsigned p = qqi_part_bits(left);
        const uint32_t mask = ((1u << p) - 1) * 0x01010101u;
        left -= p;
        for (size_t k = 0; k < end; k += 32 / p, cells += 64) {
            uint32_t lane = qqi_load_u32(cells + 4 * row);
            for (unsigned f = 0; f < 8 / p; f++, lane >>= p % 8)
                word[k / 4 + f] = word[k / 4 + f] << p | (lane & mask);
        }
    }
    QQ_MEMCPY(codes, word, 32);
}

// The stored codes of a row of a panel, count of them from column k on.
QQI_FN void qqi_panel_codes(const qq_matrix *w, const uint8_t *panel,
                            size_t row, size_t k, size_t count, uint8_t *codes)
{
    uint8_t block[32];
    size_t some;

    if (qqi_matrix_has(w, QQ_MATRIX_BASE3)) {
        for (size_t i = 0; i < count; i++)
            codes[i] = qqi_base3_code(panel, row, k + i);
        return;
    }
    for (; count > 0; count -= some, k += some, codes += some) {
        const size_t at = k % 32;
        some = count < 32 - at ? count : 32 - at;
        qqi_lane_codes(panel + k / 32 * 64 * w->bits, w->bits, row,
                       w->k - (k - at), block);
        QQ_MEMCPY(codes, block + at, some);
    }
}

// The sum of codes, and of the levels that they stand for.
QQI_FN int32_t qqi_add_codes(size_t count, const uint8_t *codes)
{
    int32_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += codes[i];
    return sum;
}

QQI_FN int32_t qqi_add_levels(const int8_t *book, size_t count,
                              const uint8_t *codes)
{
    int32_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += book[codes[i]];
    return sum;
}

// The sums of (code - zero point) of every tile of the first rows of a panel.
QQI_FN void qqi_sum_codes(const qq_matrix *w, size_t rows, uint8_t *panel)
{
    const qqi_matrix_format *f = qqi_matrix_find(w->type);
    float unit;
    const int8_t *book = f->code == QQI_CODE_BOOK
                             ? qqi_format_book(f, qqi_matrix_levels(w), &unit)
                             : NULL;
    uint8_t codes[64];

    for (size_t i = 0; i < w->tiles * 16; i++) {
        if (i % 16 >= rows)
            continue;
        const size_t first = i / 16 * qqi_matrix_tile(w);
        const size_t most = qqi_matrix_tile(w);
        const size_t end = most < w->k - first ? first + most : w->k;
        const int32_t zero = w->zero_at != 0 ? panel[w->zero_at + i] : f->add;
        int32_t sum = 0;
        for (size_t k = first; k < end; k += 64) {
            const size_t count = end - k < 64 ? end - k : 64;
            qqi_panel_codes(w, panel, i % 16, k, count, codes);
            sum += book != NULL ? qqi_add_levels(book, count, codes)
                                : f->mul * qqi_add_codes(count, codes) -
                                      zero * (int32_t)count;
        }
        qqi_store_le32(panel + w->sum_at + 4 * i, (uint32_t)sum);
    }
}

#endif // QQUANT_MATRIX_CODE_H
