// qquant floor 7: where things lie in packed bytes (api/matrix.h).

#ifndef QQUANT_MATRIX_LAYOUT_H
#define QQUANT_MATRIX_LAYOUT_H

#include "kernel/cell.h"
#include "matrix/format.h"

// What the calls leave in a qq_matrix: "qqm1".
#define QQI_MATRIX_INIT 0x316d7171u

// Where the constants lie, and what in them.
enum {
    QQI_HEADER_BYTES = 64,
    QQI_CONSTANTS_AT = 64,
    QQI_LEVEL_COUNT_AT = QQI_CONSTANTS_AT + 4,
    QQI_LEVELS_AT = QQI_CONSTANTS_AT + 8
};

#define QQI_MATRIX_FLAGS                                                       \
    (QQ_MATRIX_ZERO_POINTS | QQ_MATRIX_ROW_FACTORS | QQ_MATRIX_BIAS |          \
     QQ_MATRIX_COLUMN_FACTORS | QQ_MATRIX_SUMS | QQ_MATRIX_BASE3 |             \
     QQ_MATRIX_CONSTANTS | QQ_MATRIX_ROTATION | QQ_MATRIX_OFFSET)

// The longest tile whose sum of (code - zero point), 255 at most each, is an
// int32: 255 * 2^23 = 2139095040.
#define QQI_MOST_SUMMED ((size_t)1 << 23)

// Moves *at behind count things of that many bytes, up to a multiple of 64;
// 0 beyond size_t.
QQI_FN int qqi_place(size_t *at, size_t count, size_t bytes)
{
    size_t all, sum;

    if (!qqi_mul_size(count, bytes, &all) || !qqi_add_size(all, 63, &all) ||
        !qqi_add_size(*at, all / 64 * 64, &sum))
        return 0;
    *at = sum;
    return 1;
}

// The same for a section of a panel, which stands where *at is if it exists.
QQI_FN int qqi_place_section(size_t *at, int exists, size_t *where,
                             size_t count, size_t bytes)
{
    *where = exists ? *at : 0;
    return !exists || qqi_place(at, count, bytes);
}

QQI_INLINE int qqi_matrix_has(const qq_matrix *w, uint32_t flag)
{
    return (w->flags & flag) != 0;
}

// Bytes of a panel's codes as they are stored; SIZE_MAX beyond size_t.
QQI_FN size_t qqi_codes_bytes(const qq_matrix *w)
{
    size_t bytes;

    if (!qqi_matrix_has(w, QQ_MATRIX_BASE3))
        return qqi_cells_bytes(w->bits, w->k);
    const size_t count = w->k / 80 + (w->k % 80 > 0);
    return qqi_mul_size(count, 256, &bytes) ? bytes : SIZE_MAX;
}

QQI_FN int qqi_matrix_place_panel(qq_matrix *w)
{
    const size_t codes = qqi_codes_bytes(w);
    size_t rows, at = 0;

    if (codes == SIZE_MAX || !qqi_mul_size(w->tiles, 16, &rows))
        return 0;
    // A place of 0 means "there is none", so there is always a cell.
    const int fits =
        qqi_place(&at, codes > 0 ? codes : 64, 1) &&
        qqi_place_section(&at, 1, &w->scale_at, rows,
                          qq_type_bits(w->scale_type) / 8) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_ZERO_POINTS),
                          &w->zero_at, rows, 1) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_ROW_FACTORS),
                          &w->factor_at, 16, 4) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_BIAS), &w->bias_at,
                          16, 4) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_SUMS), &w->sum_at,
                          rows, 4) &&
        qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_OFFSET),
                          &w->offset_at, rows, 4);
    w->panel_bytes = at;
    return fits;
}

// Fills in what follows from shape, tiles, types and flags; 0 beyond size_t.
QQI_FN int qqi_matrix_place(qq_matrix *w)
{
    size_t at = QQI_HEADER_BYTES;

    w->init = QQI_MATRIX_INIT;
    w->tiles =
        w->tile_k == 0 ? w->k > 0 : w->k / w->tile_k + (w->k % w->tile_k > 0);
    w->panels = w->n / 16 + (w->n % 16 > 0);
    if (qqi_matrix_has(w, QQ_MATRIX_CONSTANTS))
        at += 64;
    if (!qqi_place_section(&at, qqi_matrix_has(w, QQ_MATRIX_COLUMN_FACTORS),
                           &w->column_at, w->k, 4) ||
        !qqi_matrix_place_panel(w))
        return 0;
    w->panel_at = at;
    if (!qqi_place(&at, w->panels, w->panel_bytes))
        return 0;
    w->bytes = at;
    return 1;
}

// What tiles may be; those of an axis are below its size, or 0.
QQI_FN int qqi_matrix_tiles_fit(const qq_matrix *w)
{
    const int rows = w->tile_n == 0 || w->tile_n == 1 || w->tile_n % 16 == 0;
    const int columns =
        w->tile_k == 0 ||
        (w->tile_k % 4 == 0 && w->tile_k >= 8 && w->tile_k <= 65536);

    return rows && columns && w->tile_n <= 0xfffffff0u &&
           (w->tile_n == 0 || w->tile_n < w->n) &&
           (w->tile_k == 0 || w->tile_k < w->k);
}

// Columns of a whole tile.
QQI_INLINE size_t qqi_matrix_tile(const qq_matrix *w)
{
    return w->tile_k == 0 ? w->k : w->tile_k;
}

QQI_INLINE int qqi_is_matrix_scale(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_E8M0 ||
           type == QQ_TYPE_E4M3FN;
}

// What holds of flags and type together; levels: those of the constants.
QQI_FN int qqi_matrix_flags_fit(const qq_matrix *w, const qqi_matrix_format *f)
{
    const int affine = qqi_type_find(w->type)->info.affine;

    if (qqi_matrix_has(w, QQ_MATRIX_ZERO_POINTS) && !affine)
        return 0;
    if (qqi_matrix_has(w, QQ_MATRIX_BASE3) && w->type != QQ_TYPE_TERNARY)
        return 0;
    if (qqi_matrix_has(w, QQ_MATRIX_SUMS) &&
        (qqi_format_is_float(f) || qqi_matrix_tile(w) > QQI_MOST_SUMMED))
        return 0;
    return w->type != QQ_TYPE_BOOK || qqi_matrix_has(w, QQ_MATRIX_CONSTANTS);
}

QQI_INLINE const uint8_t *qqi_matrix_bytes(const qq_matrix *w)
{
    return (const uint8_t *)w->data;
}

QQI_INLINE const uint8_t *qqi_matrix_panel(const qq_matrix *w, size_t i)
{
    return qqi_matrix_bytes(w) + w->panel_at + i * w->panel_bytes;
}

// The second scale; 1 where there are no constants.
QQI_FN float qqi_matrix_scale2(const qq_matrix *w)
{
    if (!qqi_matrix_has(w, QQ_MATRIX_CONSTANTS))
        return 1.0f;
    return qqi_f32_of(qqi_load_le32(qqi_matrix_bytes(w) + QQI_CONSTANTS_AT));
}

// The levels of a caller's book; NULL where there is none.
QQI_FN const int8_t *qqi_matrix_levels(const qq_matrix *w)
{
    const void *levels = NULL;

    if (w->type == QQ_TYPE_BOOK)
        levels = qqi_matrix_bytes(w) + QQI_LEVELS_AT;
    return (const int8_t *)levels;
}

#endif // QQUANT_MATRIX_LAYOUT_H
