// qquant floor 7: groups of columns, and where they lie in scratch.
//
//   q (or real)   columns * padded int8, or columns * k f32
//   sum           columns * spans int32
//   scale         columns f32, or columns * tiles
//   table         8 bytes for every number of q: 1-bit codes, 1 to 4 columns
//   turned        m * k f32, where the matrix is turned
//   total         m * tiles f32, where it has offsets
//   a part's own  work, cells expanded from base 3, sums of codes
//
// each from a multiple of 64. Columns are counted the same on every machine:
// rows of x times digits, rounded up to a multiple of 4, int24 having 4 a row;
// a lone row of one digit counts as 1. Groups lie behind each other in each of
// these; all but the last are as wide as the strategy wants.

#ifndef QQUANT_MATRIX_SCRATCH_H
#define QQUANT_MATRIX_SCRATCH_H

#include "matrix/product.h"

typedef struct qqi_room {
    size_t columns;
    size_t real_at;
    size_t sum_at;
    size_t scale_at;
    size_t table_at;  // 0: there is none
    size_t turned_at; // rows of x that are turned; 0: they are not
    size_t total_at;  // sums of x by row and tile; 0: there are none
    size_t part_at;
    size_t part_bytes; // of one part
    size_t cells_at;   // in a part; 0: none are expanded
    size_t sums_at;    // in a part; 0: none are made
    size_t bytes;      // of all
} qqi_room;

// Panels that are expanded or summed at once.
#define QQI_AHEAD ((size_t)2)

// Rows of x in 4 columns.
QQI_INLINE size_t qqi_rows_of_four(const qqi_product *p)
{
    return (size_t)4 >> (p->digits - 1);
}

QQI_FN int qqi_room_columns(const qqi_product *p, size_t m, size_t *columns)
{
    const size_t rows = qqi_rows_of_four(p);

    *columns = m * p->digits;
    return m * p->digits <= 1 ||
           qqi_mul_size((m + rows - 1) >> (3 - p->digits), 4, columns);
}

QQI_FN int qqi_room_part(const qqi_product *p, const qq_matrix *w, qqi_room *r)
{
    const int base3 = qqi_matrix_has(w, QQ_MATRIX_BASE3);
    const int sums = p->x_zero != 0 && w->sum_at == 0;
    const size_t few = p->bits == 8 || p->code == QQI_CODE_BOOK ? 1 : 8;
    const size_t wide = r->columns > few ? qqi_wide_bytes(p->padded) : 0;
    size_t at = QQI_WORK_BYTES + wide;

    r->cells_at = r->sums_at = 0;
    r->part_bytes = at;
    if (!base3 && !sums)
        return 1;
    // Whole groups of five cells.
    const size_t whole = p->k / 80 * 320 + (p->k % 80 > 0 ? 320 : 0);
    r->part_bytes = 0;
    return qqi_place_section(&at, base3, &r->cells_at, QQI_AHEAD, whole) &&
           qqi_place_section(&at, sums, &r->sums_at, QQI_AHEAD * 64,
                             p->tiles) &&
           qqi_place(&r->part_bytes, at, 1);
}

// Whether a table engine may want this product: it keeps q in its own way.
QQI_INLINE int qqi_room_has_table(const qqi_product *p, const qqi_room *r)
{
    return !QQ_NO_SIMD && p->bits == 1 && p->input != QQ_INPUT_F32 &&
           r->columns <= 4 && !p->open;
}

// The sections that few products have; 0 beyond size_t.
QQI_FN int qqi_room_more(const qqi_product *p, const qq_matrix *w, size_t m,
                         size_t q, qqi_room *r)
{
    const int table = qqi_room_has_table(p, r);
    size_t turned, total;

    r->table_at = r->turned_at = r->total_at = 0;
    if (!table && w->block == 0 && w->offset_at == 0)
        return 1;
    return qqi_place_section(&r->bytes, table, &r->table_at, q, 8) &&
           qqi_mul_size(m, p->k, &turned) &&
           qqi_place_section(&r->bytes, w->block > 0, &r->turned_at, turned,
                             sizeof(float)) &&
           qqi_mul_size(m, p->tiles, &total) &&
           qqi_place_section(&r->bytes, w->offset_at > 0, &r->total_at, total,
                             sizeof(float));
}

// The room for m rows and parts; 0 beyond size_t.
QQI_FN int qqi_room_make(const qqi_product *p, const qq_matrix *w, size_t m,
                         size_t parts, qqi_room *r)
{
    const int real = p->input == QQ_INPUT_F32;
    const size_t scales = p->input == QQ_INPUT_INT8_TILE ? p->tiles : 1;
    size_t q, sum, scale;

    if (m > SIZE_MAX / 4 || p->k > SIZE_MAX / 8 ||
        !qqi_room_columns(p, m, &r->columns) || !qqi_room_part(p, w, r))
        return 0;
    if (!qqi_mul_size(r->columns, real ? p->k : p->padded, &q) ||
        !qqi_mul_size(r->columns, real ? 0 : p->spans, &sum) ||
        !qqi_mul_size(r->columns, real ? 0 : scales, &scale))
        return 0;
    r->real_at = 0;
    r->bytes = 0;
    if (!qqi_place(&r->bytes, q, real ? sizeof(float) : 1))
        return 0;
    r->sum_at = r->bytes;
    if (!qqi_place(&r->bytes, sum, sizeof(int32_t)))
        return 0;
    r->scale_at = r->bytes;
    if (!qqi_place(&r->bytes, scale, sizeof(float)))
        return 0;
    if (!qqi_room_more(p, w, m, q, r))
        return 0;
    r->part_at = r->bytes;
    return qqi_place(&r->bytes, parts, r->part_bytes) &&
           qqi_add_size(r->bytes, 63, &r->bytes); // to align it
}

// How rows of x are grouped by a strategy: rows in all groups but the last,
// and the columns of those.
typedef struct qqi_grouping {
    size_t m;
    size_t count;
    size_t rows;
    size_t width;
} qqi_grouping;

// As few groups as the widest allows, of like width: 4, 8, 12 ... columns. A
// lone group is told without dividing, which small products would feel.
QQI_FN void qqi_grouping_make(const qqi_product *p, const qqi_strategy *how,
                              size_t m, qqi_grouping *g)
{
    const unsigned shift = 3 - p->digits; // rows in 4 columns, its logarithm
    const size_t fours = (m + qqi_rows_of_four(p) - 1) >> shift;
    const size_t most = how->columns / 4;
    size_t groups = 1, per = fours;

    if (fours > most) {
        groups = fours / most + (fours % most > 0);
        per = fours / groups + (fours % groups > 0);
    }
    g->m = m;
    g->rows = per << shift;
    g->width = per * 4;
    g->count = groups == 1 ? 1 : m / g->rows + (m % g->rows > 0);
}

// The columns that a group of count rows has room for.
QQI_FN size_t qqi_columns_width(const qqi_product *p, const qqi_strategy *how,
                                size_t count)
{
    const size_t columns = count * p->digits;

    for (size_t w = columns; w < 4; w++)
        if (how->widths >> w & 1)
            return w;
    return (columns + 3) / 4 * 4;
}

// Group i in scratch that begins at base.
QQI_FN void qqi_columns_make(const qqi_product *p, const qqi_strategy *how,
                             const qqi_grouping *all, const qqi_room *r,
                             size_t i, uint8_t *base, qqi_columns *g)
{
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    const size_t left = all->m - i * all->rows;
    const size_t before = i * all->width; // columns
    void *real = base + r->real_at;
    void *sum = base + r->sum_at;
    void *scale = base + r->scale_at;

    g->q = NULL;
    g->sum = NULL;
    g->scale = NULL;
    g->table = NULL;
    g->real = NULL;
    g->first = i * all->rows;
    g->count = left < all->rows ? left : all->rows;
    g->width = qqi_columns_width(p, how, g->count);
    g->unit = how->unit;
    if (p->input == QQ_INPUT_F32) {
        g->real = (float *)real + before * p->k;
        return;
    }
    g->q = (int8_t *)real + before * p->padded;
    g->sum = (int32_t *)sum + before * p->spans;
    g->scale = (float *)scale + before * (tiled ? p->tiles : 1);
    if (r->table_at != 0)
        g->table = base + r->table_at;
}

#endif // QQUANT_MATRIX_SCRATCH_H
