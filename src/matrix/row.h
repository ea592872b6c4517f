// qquant floor 7: rows of a packed matrix as numbers.

#ifndef QQUANT_MATRIX_ROW_H
#define QQUANT_MATRIX_ROW_H

#include "matrix/unpack.h"

// What does not change from row to row.
typedef struct qqi_row_plan {
    const qq_matrix *w;
    const qqi_matrix_format *f;
    float levels[16]; // of books
    float scale2;
} qqi_row_plan;

// Numbers at a time: runs of 16, so that loops become vectors.
#define QQI_ROW_BLOCK ((size_t)64)

QQI_FN void qqi_row_plan_make(const qq_matrix *w, qqi_row_plan *p)
{
    QQ_MEMSET(p, 0, sizeof *p);
    p->w = w;
    p->f = qqi_matrix_find(w->type);
    p->scale2 = qqi_matrix_scale2(w);
    if (p->f->code != QQI_CODE_BOOK)
        return;
    for (size_t i = 0; i < (size_t)1 << w->bits; i++)
        p->levels[i] = qqi_format_level(p->f, qqi_matrix_levels(w), i);
}

// What n stored codes stand for, less zero; n a multiple of a run.
QQI_FN void qqi_code_values(const qqi_row_plan *p, const uint8_t *codes,
                            int32_t zero, size_t n, float *v)
{
    const int32_t mul = p->f->mul;

    if (p->f->code == QQI_CODE_PLAIN) {
        for (size_t i = 0; i < n; i += QQI_RUN)
            for (size_t j = i; j < i + QQI_RUN; j++)
                v[j] = (float)(mul * codes[j] - zero);
    } else if (p->f->code == QQI_CODE_BOOK) {
        qqi_decode_codes_table(p->levels, n, codes, v);
    } else {
        qqi_decode_codes(qqi_type_storage(p->w->type), n, codes, v);
    }
}

// v * y. Products are only multiplied and stored: there is nothing to fuse.
QQI_FN void qqi_row_times(float y, size_t n, float *v)
{
    for (size_t i = 0; i < n; i += QQI_RUN)
        for (size_t j = i; j < i + QQI_RUN; j++)
            v[j] = v[j] * y;
}

// Columns k to k + count - 1 of a row, at most a block, all in tile t.
QQI_FN void qqi_row_values(const qqi_row_plan *p, size_t row, size_t t,
                           size_t k, size_t count, uint8_t *out)
{
    const qq_matrix *w = p->w;
    const uint8_t *panel = qqi_matrix_panel(w, row / 16);
    const size_t r = row % 16;
    const int32_t zero =
        w->zero_at != 0 ? panel[w->zero_at + 16 * t + r] : p->f->add;
    const size_t n = (count + QQI_RUN - 1) / QQI_RUN * QQI_RUN;
    uint8_t codes[QQI_ROW_BLOCK] = {0};
    float v[QQI_ROW_BLOCK];

    qqi_panel_codes(w, panel, r, k, count, codes);
    qqi_code_values(p, codes, zero, n, v);
    qqi_row_times(
        qqi_stored_scale(w->scale_type, panel + w->scale_at, 16 * t + r), n, v);
    qqi_row_times(p->scale2, n, v);
    if (w->offset_at != 0) {
        const float o =
            qqi_load_le_f32(panel + w->offset_at + 4 * (16 * t + r));
        for (size_t i = 0; i < n; i++)
            v[i] = qqi_keep_f32(v[i]) + o;
    }
    if (w->factor_at != 0)
        qqi_row_times(qqi_load_le_f32(panel + w->factor_at + 4 * r), n, v);
    if (w->column_at != 0) {
        const uint8_t *column = qqi_matrix_bytes(w) + w->column_at + 4 * k;
        for (size_t i = 0; i < count; i++)
            v[i] = v[i] * qqi_load_le_f32(column + 4 * i);
    }
    for (size_t i = 0; i < n; i++)
        v[i] = qqi_canon_f32(v[i]);
    QQ_MEMCPY(out, v, 4 * count);
}

QQI_FN void qqi_row(const qqi_row_plan *p, size_t row, uint8_t *out)
{
    const qq_matrix *w = p->w;
    size_t count;

    for (size_t k = 0; k < w->k; k += count) {
        const size_t t = k / qqi_matrix_tile(w);
        const size_t left = qqi_matrix_tile(w) - k % qqi_matrix_tile(w);
        count = left < QQI_ROW_BLOCK ? left : QQI_ROW_BLOCK;
        count = count < w->k - k ? count : w->k - k;
        qqi_row_values(p, row, t, k, count, out + 4 * k);
    }
}

QQ_API qq_status qq_matrix_row(const qq_matrix *w, size_t count,
                               const size_t *rows, void *out, size_t out_bytes)
{
    uint8_t *p = (uint8_t *)out;
    qqi_row_plan plan;
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
    qqi_row_plan_make(w, &plan);
    for (size_t i = 0; i < count && w->k > 0; i++) {
        qqi_row(&plan, rows != NULL ? rows[i] : i, p + 4 * w->k * i);
        if (w->block > 0)
            qqi_rotate(w->seed, w->k, w->block, 1, p + 4 * w->k * i);
    }
    return QQ_OK;
}

#endif // QQUANT_MATRIX_ROW_H
