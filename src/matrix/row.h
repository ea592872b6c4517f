// qquant floor 7: rows of a packed matrix as numbers.

#ifndef QQUANT_MATRIX_ROW_H
#define QQUANT_MATRIX_ROW_H

#include "matrix/unpack.h"

// What a code of the tensor stands for, less zero, in the codes of the tensor.
QQI_FN float qqi_code_value(const qq_matrix *w, const qqi_matrix_format *f,
                            const int8_t *levels, uint8_t code, int32_t zero)
{
    const int32_t stored = code ^ f->flip;

    if (f->code == QQI_CODE_BOOK)
        return qqi_format_level(f, levels, code);
    if (f->code == QQI_CODE_PLAIN)
        return (float)(f->mul * stored - zero);
    return qq_type_decode(qqi_type_storage(w->type), code);
}

// Columns k to k + count - 1 of a row, all in tile t.
QQI_FN void qqi_row_values(const qq_matrix *w, size_t row, size_t t, size_t k,
                           size_t count, uint8_t *out)
{
    const qqi_matrix_format *f = qqi_matrix_find(w->type);
    const uint8_t *panel = qqi_matrix_panel(w, row / 16);
    const size_t r = row % 16;
    const int32_t zero =
        w->zero_at != 0 ? panel[w->zero_at + 16 * t + r] : f->add;
    const float scale =
        qqi_stored_scale(w->scale_type, panel + w->scale_at, 16 * t + r);
    const float scale2 = qqi_matrix_scale2(w);
    const size_t b_at = w->column_at + 4 * k;
    uint8_t codes[64];

    qqi_row_codes(w, row, k, count, codes);
    for (size_t i = 0; i < count; i++) {
        float v = qqi_code_value(w, f, qqi_matrix_levels(w), codes[i], zero);
        v = qqi_mul_f32(qqi_mul_f32(v, scale), scale2);
        if (w->factor_at != 0)
            v = qqi_mul_f32(v, qqi_load_le_f32(panel + w->factor_at + 4 * r));
        if (w->column_at != 0)
            v = qqi_mul_f32(
                v, qqi_load_le_f32(qqi_matrix_bytes(w) + b_at + 4 * i));
        qqi_store_f32(out + 4 * i, qqi_canon_f32(v));
    }
}

QQI_FN void qqi_row(const qq_matrix *w, size_t row, uint8_t *out)
{
    size_t count;

    for (size_t k = 0; k < w->k; k += count) {
        const size_t t = k / qqi_matrix_tile(w);
        const size_t left = qqi_matrix_tile(w) - k % qqi_matrix_tile(w);
        count = left < 64 ? left : 64;
        count = count < w->k - k ? count : w->k - k;
        qqi_row_values(w, row, t, k, count, out + 4 * k);
    }
}

QQ_API qq_status qq_matrix_row(const qq_matrix *w, size_t count,
                               const size_t *rows, void *out, size_t out_bytes)
{
    uint8_t *p = (uint8_t *)out;
    size_t need;

    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < count && rows != NULL; i++)
        if (rows[i] >= w->n)
            return QQ_ERR_SHAPE;
    if (rows == NULL && count > w->n)
        return QQ_ERR_SHAPE;
    if (!qqi_mul_size(count, w->k, &need) || !qqi_mul_size(need, 4, &need))
        return QQ_ERR_SIZE;
    const qq_status status = qqi_check_bytes(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < count && w->k > 0; i++)
        qqi_row(w, rows != NULL ? rows[i] : i, p + 4 * w->k * i);
    return QQ_OK;
}

#endif // QQUANT_MATRIX_ROW_H
