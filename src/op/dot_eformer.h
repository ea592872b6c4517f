// qquant floor 8: the product by an Array8B as eformer makes it.

#ifndef QQUANT_OP_DOT_EFORMER_H
#define QQUANT_OP_DOT_EFORMER_H

#include "op/operand.h"

// The three ways that depend on the shape of the scales.
enum {
    QQI_EFORMER_DOT_COLUMNS = 1, // [1, n], n > 1
    QQI_EFORMER_DOT_ROWS = 2,    // [k, 1], k > 1
    QQI_EFORMER_DOT_OTHER = 3
};

struct qqi_eformer_dot {
    const qq_tensor *x;
    const qq_array *w;
    size_t k;
    size_t n;
    int way;
    qq_tensor z; // without data
};

QQI_FN qq_status qqi_eformer_dot_make(const qq_tensor *x, const qq_array *w,
                                      struct qqi_eformer_dot *d)
{
    size_t shape[QQ_MAX_RANK];

    qq_status status = qq_tensor_check(x);
    if (status == QQ_OK)
        status = qq_array_check(w);
    if (status != QQ_OK)
        return status;
    if (!qqi_is_plain(x->type) || w->type != QQ_TYPE_INT8 ||
        w->zero_point.type != QQ_TYPE_NONE || !qqi_is_plain(w->scale.type))
        return QQ_ERR_TYPE;
    if (x->rank == 0 || w->value.rank != 2 ||
        x->shape[x->rank - 1] != w->value.shape[0])
        return QQ_ERR_SHAPE;
    d->x = x;
    d->w = w;
    d->k = w->value.shape[0];
    d->n = w->value.shape[1];
    const size_t *s = w->scale.shape;
    d->way = s[0] == 1 && s[1] == d->n && d->n > 1   ? QQI_EFORMER_DOT_COLUMNS
             : s[0] == d->k && s[1] == 1 && d->k > 1 ? QQI_EFORMER_DOT_ROWS
                                                     : QQI_EFORMER_DOT_OTHER;
    unsigned rank = 0;
    for (unsigned a = 0; a + 1 < x->rank; a++)
        shape[rank++] = x->shape[a];
    if (rank == 0 && d->way == QQI_EFORMER_DOT_COLUMNS)
        shape[rank++] = 1;
    shape[rank++] = d->n;
    d->z = qq_tensor_make(NULL, QQ_TYPE_BF16, rank, shape);
    return QQ_OK;
}

// The scale of w[k][j].
QQI_FN float qqi_eformer_dot_scale(const struct qqi_eformer_dot *d, size_t k,
                                   size_t j)
{
    const qq_tensor *s = &d->w->scale;
    const size_t row = k / (d->w->tile[0] ? d->w->tile[0] : 1);
    const size_t column = j / (d->w->tile[1] ? d->w->tile[1] : 1);

    return qqi_plain_load(s->type, s->data, row * s->shape[1] + column);
}

QQI_FN float qqi_eformer_dot_sum(const struct qqi_eformer_dot *d, size_t row,
                                 size_t j)
{
    const int8_t *code = (const int8_t *)d->w->value.data;
    float acc = 0.0f;

    for (size_t k = 0; k < d->k; k++) {
        const float s = qqi_eformer_dot_scale(d, k, j);
        float x = qqi_plain_load(d->x->type, d->x->data, row * d->k + k);
        float w = (float)code[k * d->n + j];
        if (d->way == QQI_EFORMER_DOT_ROWS)
            x = qqi_mul_f32(x, s);
        if (d->way == QQI_EFORMER_DOT_OTHER)
            w = qqi_type_mul(QQ_TYPE_BF16, w, qqi_to_type(QQ_TYPE_BF16, s));
        acc = qqi_fma_f32(x, w, acc);
    }
    if (d->way == QQI_EFORMER_DOT_COLUMNS)
        acc = qqi_mul_f32(acc, qqi_eformer_dot_scale(d, 0, j));
    return acc;
}

QQ_API size_t qq_eformer_dot_size(const qq_tensor *x, const qq_array *w)
{
    struct qqi_eformer_dot d;

    if (qqi_eformer_dot_make(x, w, &d) != QQ_OK)
        return SIZE_MAX;
    return qq_tensor_bytes(&d.z);
}

QQ_API qq_status qq_eformer_dot(const qq_tensor *x, const qq_array *w,
                                void *out, size_t out_bytes, qq_tensor *view)
{
    struct qqi_eformer_dot d;

    qq_status status = qqi_eformer_dot_make(x, w, &d);
    if (status == QQ_OK)
        status = qqi_tensor_fits(&d.z, out, out_bytes, view);
    if (status != QQ_OK)
        return status;
    const size_t count = qq_tensor_count(&d.z);
    for (size_t i = 0; i < count; i++)
        qqi_plain_store(QQ_TYPE_BF16, out, i,
                        qqi_eformer_dot_sum(&d, i / d.n, i % d.n));
    d.z.data = out;
    *view = d.z;
    return QQ_OK;
}

#endif // QQUANT_OP_DOT_EFORMER_H
