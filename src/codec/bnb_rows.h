// qquant floor 4: int8 by rows (LLM.int8).
//
//   scales [f32 a row], columns [int32, as many as x has], codes [int8]
//
// Columns are found first, so that a row's codes are written once. See
// api/bnb.h for what is computed.

#ifndef QQUANT_CODEC_BNB_ROWS_H
#define QQUANT_CODEC_BNB_ROWS_H

#include "codec/bnb_float.h"
#include "num/round.h"

// The rows and columns of an array of at least one axis.
typedef struct qqi_bnb_matrix {
    size_t rows;
    size_t columns;
} qqi_bnb_matrix;

QQI_FN qq_status qqi_bnb_matrix_of(const qq_tensor *x, qqi_bnb_matrix *m)
{
    size_t n = 0;

    const qq_status status = qqi_bnb_tensor(x, &n);
    if (status != QQ_OK)
        return status;
    if (x->rank == 0)
        return QQ_ERR_SHAPE;
    m->columns = x->shape[x->rank - 1];
    // An array without numbers has no columns to look at, either.
    m->rows = n > 0 ? n / m->columns : 0;
    if (m->rows == 0)
        m->columns = 0;
    return m->columns > (size_t)INT32_MAX ? QQ_ERR_SHAPE : QQ_OK;
}

QQI_FN qq_status qqi_bnb_check_rows(const qq_tensor *x, float threshold,
                                    qqi_bnb_matrix *m)
{
    const qq_status status = qqi_bnb_matrix_of(x, m);

    if (status != QQ_OK)
        return status;
    if (!qqi_bnb_is_float(x->type))
        return QQ_ERR_TYPE;
    return threshold >= 0.0f ? QQ_OK : QQ_ERR_ARGUMENT;
}

QQI_FN size_t qqi_bnb_rows_need(const qqi_bnb_matrix *m, float threshold)
{
    const size_t columns = threshold > 0.0f ? m->columns : 0;

    return 4 * m->rows + 4 * columns + m->rows * m->columns;
}

QQ_API size_t qq_bnb_rows_size(const qq_tensor *x, float threshold)
{
    qqi_bnb_matrix m;

    if (qqi_bnb_check_rows(x, threshold, &m) != QQ_OK)
        return SIZE_MAX;
    return qqi_bnb_rows_need(&m, threshold);
}

// Whether x is an outlier; NaN is none.
QQI_INLINE int qqi_bnb_is_outlier(float x, float threshold)
{
    return threshold > 0.0f && qqi_abs_f32(x) >= threshold;
}

// Writes the columns with outliers, and how many there are.
QQI_FN size_t qqi_bnb_find_columns(const qq_tensor *x, const qqi_bnb_matrix *m,
                                   float threshold, uint8_t *columns)
{
    size_t found = 0;

    for (size_t j = 0; j < m->columns && threshold > 0.0f; j++) {
        size_t i = 0;
        while (
            i < m->rows &&
            !qqi_bnb_is_outlier(
                qqi_bnb_load(x->type, x->data, i * m->columns + j), threshold))
            i++;
        if (i < m->rows)
            qqi_store_i32(columns + 4 * found++, (int32_t)j);
    }
    return found;
}

// The largest finite magnitude among numbers that are no outliers.
QQI_FN float qqi_bnb_row_absmax(const qq_tensor *x, size_t from, size_t count,
                                float threshold)
{
    float top = 0.0f;

    for (size_t i = from; i < from + count; i++) {
        const float v = qqi_bnb_load(x->type, x->data, i);
        const float a = qqi_abs_f32(v);
        if (a > top && qqi_is_finite_f32(a) &&
            !qqi_bnb_is_outlier(v, threshold))
            top = a;
    }
    return top;
}

// Codes of a row. Its outliers lie in columns, so they need no look here.
QQI_FN void qqi_bnb_encode_row(const qq_tensor *x, size_t from, size_t count,
                               float top, const uint8_t *columns, size_t found,
                               uint8_t *codes)
{
    const float q = top > 0.0f ? 127.0f / top : 0.0f;
    size_t next = 0;

    for (size_t j = 0; j < count; j++) {
        const float v = qqi_bnb_load(x->type, x->data, from + j);
        const int out =
            next < found && qqi_load_i32(columns + 4 * next) == (int32_t)j;
        next += (size_t)out;
        float r = qqi_bnb_ratio(v, top, q);
        if (!qqi_is_finite_f32(q) && qqi_is_finite_f32(v))
            r = qqi_mul_f32(qqi_bnb_ratio(v, top, 0.0f), 127.0f);
        const int32_t code = out ? 0 : qqi_sat_i32(r, -127, 127);
        codes[j] = (uint8_t)(code & 255);
    }
}

QQ_API qq_status qq_bnb_quantize_rows(const qq_tensor *x, float threshold,
                                      void *out, size_t out_bytes,
                                      qq_bnb_rows *view)
{
    uint8_t *p = (uint8_t *)out;
    qqi_bnb_matrix m;

    qq_status status = qqi_bnb_check_rows(x, threshold, &m);
    if (status != QQ_OK)
        return status;
    const size_t need = qqi_bnb_rows_need(&m, threshold);
    status = qqi_bnb_buffer(out, out_bytes, need);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;

    uint8_t *columns = m.rows > 0 ? p + 4 * m.rows : p;
    uint8_t *codes = m.rows > 0 ? p + (need - m.rows * m.columns) : p;
    const size_t found = qqi_bnb_find_columns(x, &m, threshold, columns);
    for (size_t i = 0; i < m.rows; i++) {
        const size_t from = i * m.columns;
        const float top = qqi_bnb_row_absmax(x, from, m.columns, threshold);
        qqi_store_f32(p + 4 * i, top);
        qqi_bnb_encode_row(x, from, m.columns, top, columns, found,
                           codes + from);
    }
    view->codes = qqi_bnb_view(codes, QQ_TYPE_INT8, x->rank, x->shape);
    view->absmax = qqi_bnb_row(p, QQ_TYPE_F32, m.rows);
    view->columns = qqi_bnb_row(columns, QQ_TYPE_INT32, found);
    return QQ_OK;
}

QQ_API qq_status qq_bnb_dequantize_rows(const qq_bnb_rows *r, qq_type type,
                                        void *out, size_t out_bytes,
                                        qq_tensor *view)
{
    qqi_bnb_matrix m;

    if (!r)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_bnb_matrix_of(&r->codes, &m);
    if (status == QQ_OK && r->codes.type != QQ_TYPE_INT8)
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_bnb_part(&r->absmax, QQ_TYPE_F32, m.rows);
    if (status == QQ_OK && !qqi_bnb_is_float(type))
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes,
                                m.rows * m.columns * qqi_bnb_width(type));
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;

    const int8_t *codes = (const int8_t *)r->codes.data;
    for (size_t i = 0; i < m.rows; i++) {
        const float top = qqi_bnb_load(QQ_TYPE_F32, r->absmax.data, i);
        for (size_t j = 0; j < m.columns; j++) {
            const size_t at = i * m.columns + j;
            const float v = qqi_mul_f32((float)codes[at], top);
            qqi_bnb_store(type, out, at, v * 7.874015718698502e-3f);
        }
    }
    *view = qqi_bnb_view(out, type, r->codes.rank, r->codes.shape);
    return QQ_OK;
}

#endif // QQUANT_CODEC_BNB_ROWS_H
