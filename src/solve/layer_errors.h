// qquant floor 8: how far a layer is from what it was.
//
// Sums in f64, element after element, each square rounded by itself. The six
// figures and their types are those of the original (api/onebit.h).

#ifndef QQUANT_SOLVE_LAYER_ERRORS_H
#define QQUANT_SOLVE_LAYER_ERRORS_H

#include "solve/signs.h"

QQI_FN int qqi_error_type(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16 ||
           type == QQ_TYPE_F64;
}

// The type in which two types are subtracted.
QQI_FN qq_type qqi_promoted(qq_type x, qq_type y)
{
    if (x == y)
        return x;
    return x == QQ_TYPE_F64 || y == QQ_TYPE_F64 ? QQ_TYPE_F64 : QQ_TYPE_F32;
}

QQI_INLINE double qqi_nan_f64(void)
{
    return qqi_f64_of((uint64_t)0x7ff8 << 48);
}

QQI_INLINE double qqi_ratio(double x, double y)
{
    return y > 0.0 ? x / y : qqi_nan_f64();
}

QQI_FN qq_status qqi_errors_check(const qq_tensor *w, const qq_tensor *v,
                                  const qq_layer_errors *e)
{
    qq_status status = qq_tensor_check(w);

    if (status == QQ_OK)
        status = qq_tensor_check(v);
    if (status != QQ_OK)
        return status;
    if (!qqi_error_type(w->type) || !qqi_error_type(v->type))
        return QQ_ERR_TYPE;
    if (w->rank != 2 || v->rank != 2 || w->shape[0] != v->shape[0] ||
        w->shape[1] != v->shape[1])
        return QQ_ERR_SHAPE;
    return e != NULL ? QQ_OK : QQ_ERR_ARGUMENT;
}

// The three errors of the weight; those of the output are NaN.
QQI_FN void qqi_weight_errors(const qq_tensor *w, const qq_tensor *v,
                              qq_layer_errors *e)
{
    const size_t count = w->shape[0] * w->shape[1];
    const qq_type type = qqi_promoted(w->type, v->type);
    double sum = 0.0, all = 0.0;

    for (size_t i = 0; i < count; i++) {
        const double x = qqi_float_at(w->type, w->data, i);
        const double y = qqi_float_at(v->type, v->data, i);
        const double d = qqi_as_type(type, x - y);
        sum += qqi_mul_f64(d, d);
        all += qqi_mul_f64(x, x);
    }
    e->weight_squared = sum;
    e->mean_weight_squared = sum / (double)count;
    e->relative_weight_squared = qqi_ratio(sum, all);
    e->output_squared = qqi_nan_f64();
    e->mean_output_squared = qqi_nan_f64();
    e->relative_output_squared = qqi_nan_f64();
}

// Number i of W - V (v), or of W (v NULL).
QQI_INLINE double qqi_error_at(const qq_tensor *w, const qq_tensor *v, size_t i)
{
    const double x = qqi_float_at(w->type, w->data, i);

    return v != NULL ? x - qqi_float_at(v->type, v->data, i) : x;
}

// Columns j to j + count - 1, at most 16, of a row x from number first on,
// times G: each a chain of its own.
QQI_FN void qqi_gram_row(const qq_tensor *w, const qq_tensor *v, size_t first,
                         const double *gram, size_t j, size_t count,
                         double *row)
{
    const size_t k = w->shape[1];

    for (size_t c = 0; c < count; c++)
        row[c] = 0.0;
    for (size_t l = 0; l < k; l++) {
        const double x = qqi_error_at(w, v, first + l);
        const double *g = gram + l * k + j;
        for (size_t c = 0; c < count; c++)
            row[c] += qqi_mul_f64(x, g[c]);
    }
}

// sum of x G x over rows x of W - V, or of W where v is NULL.
QQI_FN double qqi_gram_error(const qq_tensor *w, const qq_tensor *v,
                             const double *gram)
{
    const size_t n = w->shape[0], k = w->shape[1];
    double row[16], all = 0.0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j += 16) {
            const size_t count = k - j < 16 ? k - j : 16;
            qqi_gram_row(w, v, i * k, gram, j, count, row);
            for (size_t c = 0; c < count; c++)
                all += qqi_mul_f64(row[c], qqi_error_at(w, v, i * k + j + c));
        }
    return all;
}

QQ_API qq_status qq_layer_errors_gram(const qq_tensor *w, const qq_tensor *v,
                                      const double *gram, uint64_t samples,
                                      qq_layer_errors *e)
{
    const qq_status status = qqi_errors_check(w, v, e);

    if (status != QQ_OK)
        return status;
    qqi_weight_errors(w, v, e);
    if (gram == NULL)
        return QQ_OK;
    const double count = (double)w->shape[0] * (double)samples;
    e->output_squared = qqi_gram_error(w, v, gram);
    e->mean_output_squared = e->output_squared / count;
    e->relative_output_squared =
        qqi_ratio(e->output_squared, qqi_gram_error(w, NULL, gram));
    return QQ_OK;
}

// One number of a layer's output, rounded to its type.
QQI_FN double qqi_output_at(const qq_tensor *w, const qq_tensor *x, size_t row,
                            size_t i)
{
    const size_t k = w->shape[1];
    double sum = 0.0;

    for (size_t j = 0; j < k; j++)
        sum += qqi_mul_f64(qqi_float_at(w->type, w->data, row * k + j),
                           qqi_float_at(x->type, x->data, i * k + j));
    return qqi_as_type(w->type, sum);
}

QQ_API qq_status qq_layer_errors_rows(const qq_tensor *w, const qq_tensor *v,
                                      const qq_tensor *x, qq_layer_errors *e)
{
    qq_status status = qqi_errors_check(w, v, e);

    if (status == QQ_OK)
        status = qq_tensor_check(x);
    if (status != QQ_OK)
        return status;
    if (w->type != v->type || w->type != x->type)
        return QQ_ERR_TYPE;
    if (x->rank < 1 || x->shape[x->rank - 1] != w->shape[1])
        return QQ_ERR_SHAPE;
    const size_t n = w->shape[0];
    const size_t rows = w->shape[1] > 0 ? qq_tensor_count(x) / w->shape[1] : 0;
    double sum = 0.0, all = 0.0;
    qqi_weight_errors(w, v, e);
    for (size_t i = 0; i < rows; i++)
        for (size_t r = 0; r < n; r++) {
            const double y = qqi_output_at(w, x, r, i);
            const double z = qqi_output_at(v, x, r, i);
            const double d = qqi_as_type(w->type, y - z);
            sum += qqi_mul_f64(d, d);
            all += qqi_mul_f64(y, y);
        }
    e->output_squared = sum;
    e->mean_output_squared = sum / ((double)n * (double)rows);
    e->relative_output_squared = qqi_ratio(sum, all);
    return QQ_OK;
}

#endif // QQUANT_SOLVE_LAYER_ERRORS_H
