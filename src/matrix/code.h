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

// The stored codes of a row of a panel, count of them from column k on.
QQI_FN void qqi_panel_codes(const qq_matrix *w, const uint8_t *panel,
                            size_t row, size_t k, size_t count, uint8_t *codes)
{
    const int base3 = qqi_matrix_has(w, QQ_MATRIX_BASE3);

    for (size_t i = 0; i < count; i++)
        codes[i] = base3 ? qqi_base3_code(panel, row, k + i)
                         : qqi_cell_code(panel, w->bits, row, k + i);
}

// The sums of (code - zero point) of every tile of the first rows of a panel.
QQI_FN void qqi_sum_codes(const qq_matrix *w, size_t rows, uint8_t *panel)
{
    const qqi_matrix_format *f = qqi_matrix_find(w->type);
    float unit;
    const int8_t *book = f->code == QQI_CODE_BOOK
                             ? qqi_format_book(f, qqi_matrix_levels(w), &unit)
                             : NULL;

    for (size_t i = 0; i < w->tiles * 16; i++) {
        if (i % 16 >= rows)
            continue;
        const size_t first = i / 16 * qqi_matrix_tile(w);
        const size_t most = qqi_matrix_tile(w);
        const size_t end = most < w->k - first ? first + most : w->k;
        const int32_t zero = w->zero_at != 0 ? panel[w->zero_at + i] : f->add;
        int32_t sum = 0;
        for (size_t k = first; k < end; k++) {
            uint8_t u;
            qqi_panel_codes(w, panel, i % 16, k, 1, &u);
            sum += book != NULL ? book[u] : f->mul * u - zero;
        }
        qqi_store_le32(panel + w->sum_at + 4 * i, (uint32_t)sum);
    }
}

#endif // QQUANT_MATRIX_CODE_H
