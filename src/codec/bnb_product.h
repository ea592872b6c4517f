// qquant floor 4: the product of two matrices of int8 rows (LLM.int8).
//
//   sums[i][j] = sum over c of x[i][c] * y[j][c]           exact
//   z[i][j]    = (sums[i][j] * (x_absmax[i] * y_absmax[j])) * c [+ bias[j]]
//
// Every operation of the second line is rounded to f32, then z to its type.

#ifndef QQUANT_CODEC_BNB_PRODUCT_H
#define QQUANT_CODEC_BNB_PRODUCT_H

#include "codec/bnb_float.h"

// A matrix of int8 codes.
QQI_FN qq_status qqi_bnb_check_codes(const qq_tensor *t)
{
    size_t n = 0;

    const qq_status status = qqi_bnb_tensor(t, &n);
    if (status != QQ_OK)
        return status;
    if (t->type != QQ_TYPE_INT8)
        return QQ_ERR_TYPE;
    return t->rank == 2 ? QQ_OK : QQ_ERR_SHAPE;
}

QQ_API qq_status qq_bnb_rows_product(const qq_tensor *x, const qq_tensor *y,
                                     void *out, size_t out_bytes,
                                     qq_tensor *view)
{
    size_t shape[2];
    size_t count = 0;

    qq_status status = qqi_bnb_check_codes(x);
    if (status == QQ_OK)
        status = qqi_bnb_check_codes(y);
    if (status != QQ_OK)
        return status;
    const size_t k = x->shape[1];
    // The largest magnitude of a sum is 128 * 128 * 131071 < 2^31.
    if (k != y->shape[1] || k > 131071)
        return QQ_ERR_SHAPE;
    shape[0] = x->shape[0];
    shape[1] = y->shape[0];
    status = qqi_bnb_count(2, shape, &count);
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, 4 * count);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    const int8_t *a = (const int8_t *)x->data;
    const int8_t *b = (const int8_t *)y->data;
    for (size_t at = 0; at < count; at++) {
        const size_t i = at / shape[1] * k;
        const size_t j = at % shape[1] * k;
        int32_t sum = 0;
        for (size_t c = 0; c < k; c++)
            sum += a[i + c] * b[j + c];
        qqi_store_i32((uint8_t *)out + 4 * at, sum);
    }
    *view = qqi_bnb_view(out, QQ_TYPE_INT32, 2, shape);
    return QQ_OK;
}

// What qq_bnb_rows_scale is given, but for its buffer.
QQI_FN qq_status qqi_bnb_check_sums(const qq_tensor *sums,
                                    const qq_tensor *x_absmax,
                                    const qq_tensor *y_absmax,
                                    const qq_tensor *bias, qq_type type,
                                    size_t *count)
{
    qq_status status = qqi_bnb_tensor(sums, count);

    if (status == QQ_OK && sums->type != QQ_TYPE_INT32)
        status = QQ_ERR_TYPE;
    if (status == QQ_OK && sums->rank != 2)
        status = QQ_ERR_SHAPE;
    if (status == QQ_OK && (!x_absmax || !y_absmax))
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_bnb_part(x_absmax, QQ_TYPE_F32, sums->shape[0]);
    if (status == QQ_OK)
        status = qqi_bnb_part(y_absmax, QQ_TYPE_F32, sums->shape[1]);
    if (status == QQ_OK && bias && !qqi_bnb_is_float(bias->type))
        status = QQ_ERR_TYPE;
    if (status == QQ_OK && bias)
        status = qqi_bnb_part(bias, bias->type, sums->shape[1]);
    if (status == QQ_OK && !qqi_bnb_is_float(type))
        status = QQ_ERR_TYPE;
    return status;
}

QQ_API qq_status qq_bnb_rows_scale(const qq_tensor *sums,
                                   const qq_tensor *x_absmax,
                                   const qq_tensor *y_absmax,
                                   const qq_tensor *bias, qq_type type,
                                   void *out, size_t out_bytes, qq_tensor *view)
{
    size_t count = 0;

    qq_status status =
        qqi_bnb_check_sums(sums, x_absmax, y_absmax, bias, type, &count);
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, count * qqi_bnb_width(type));
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    for (size_t at = 0; at < count; at++) {
        const size_t i = at / sums->shape[1];
        const size_t j = at % sums->shape[1];
        const float s =
            qqi_mul_f32(qqi_bnb_load(QQ_TYPE_F32, x_absmax->data, i),
                        qqi_bnb_load(QQ_TYPE_F32, y_absmax->data, j));
        const int32_t sum = qqi_load_i32((const uint8_t *)sums->data + 4 * at);
        float z = qqi_mul_f32(qqi_mul_f32((float)sum, s), 6.200124e-05f);
        if (bias)
            z += qqi_bnb_load(bias->type, bias->data, j);
        qqi_bnb_store(type, out, at, z);
    }
    *view = qqi_bnb_view(out, type, 2, sums->shape);
    return QQ_OK;
}

#endif // QQUANT_CODEC_BNB_PRODUCT_H
