// qquant floor 7: what must be done to panels before they are multiplied.
//
// Ternary in base 3 is expanded to cells, and where x has a zero point and the
// panel brings no sums of codes they are made; a few panels at a time, in the
// memory of the part that multiplies them.

#ifndef QQUANT_MATRIX_AHEAD_H
#define QQUANT_MATRIX_AHEAD_H

#include "dispatch.h"
#include "matrix/scratch.h"

// A product on its way.
typedef struct qqi_matmul {
    qqi_product p;
    qqi_room room;
    qqi_strategy how;
    qqi_grouping groups;
    const qqi_kernel *kernel;
    const qq_matrix *w;
    size_t parts;
    uint8_t *scratch; // aligned
    int accumulate;   // what the program wants
    const uint8_t *x; // where the matrix is turned, x as it was given
    size_t ldx;
    qq_type x_type;
} qqi_matmul;

// The sums of (code - zero point) of a panel that does not bring them.
QQI_FN void qqi_sum_panel(const qqi_product *p, size_t i, uint8_t *sums)
{
    const uint8_t *panel = qqi_panel(p, i);
    uint8_t u[64];

    for (size_t t = 0; t < p->tiles; t++) {
        int32_t sum[16] = {0};
        const size_t end = qqi_tile_end(p, t);
        for (size_t k = t * p->tile; k < end; k++) {
            if (k % 4 == 0)
                qqi_field(qqi_panel_cells(p, i), p->bits, k, u);
            for (size_t r = 0; r < 16; r++) {
                const uint8_t code = u[4 * r + k % 4];
                const int32_t c = p->code == QQI_CODE_BOOK ? p->book[code & 15]
                                                           : p->mul * code;
                sum[r] += c - qqi_zero_of(p, panel, t, r);
            }
        }
        for (size_t r = 0; r < 16; r++)
            qqi_store_le32(sums + 4 * (16 * t + r), (uint32_t)sum[r]);
    }
}

// Expands and sums panels first to last - 1, at most QQI_AHEAD, in the part's
// own memory, and makes p find them there.
QQI_FN void qqi_panels_ahead(const qqi_matmul *t, size_t first, size_t last,
                             uint8_t *mine, qqi_product *p)
{
    if (t->room.cells_at != 0) {
        const size_t fives = p->k / 80 + (p->k % 80 > 0);
        uint8_t *cells = mine + t->room.cells_at;
        for (size_t i = first; i < last; i++)
            t->kernel->expand(fives, qqi_panel(p, i),
                              cells + (i - first) * fives * 320);
        p->cells = cells;
        p->cells_bytes = fives * 320;
        p->cells_from = first;
    }
    if (t->room.sums_at != 0) {
        uint8_t *sums = mine + t->room.sums_at;
        for (size_t i = first; i < last; i++)
            qqi_sum_panel(p, i, sums + (i - first) * p->tiles * 64);
        p->sums = sums;
        p->sums_bytes = p->tiles * 64;
        p->sums_from = first;
    }
}

#endif // QQUANT_MATRIX_AHEAD_H
