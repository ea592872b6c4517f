// qquant floor 8: what is read from moments, and what is done with a Hessian.
//
//   h[i][j] = fl(factor * (S[i][j] / N - mean[i] mean[j]))
//
// every step rounded to f64 by itself, the last one to f32. What is left of a
// column of equal numbers may fall below 0 by a rounding: such a variance is 0.

#ifndef QQUANT_SOLVE_HESSIAN_H
#define QQUANT_SOLVE_HESSIAN_H

#include "solve/moments.h"

// A buffer of numbers, read or written.
QQI_FN qq_status qqi_check_numbers(size_t count, size_t bytes, const void *p,
                                   size_t have)
{
    const size_t need = qqi_times(count, bytes);

    if (need == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (need > 0 && p == NULL)
        return QQ_ERR_ARGUMENT;
    return have < need ? QQ_ERR_SIZE : QQ_OK;
}

// sum / N, centred where by is not 0.
QQI_INLINE double qqi_moment(double sum, double n, double x, double y, int by)
{
    const double raw = sum / n;

    return by ? raw - qqi_mul_f64(x / n, y / n) : raw;
}

// A number of the diagonal.
QQI_INLINE double qqi_variance(double sum, double n, double x, int by)
{
    const double v = qqi_moment(sum, n, x, x, by);

    return v < 0.0 ? 0.0 : v; // NaN stays
}

QQ_API qq_status qq_moments_hessian(const qq_moments *m, int center,
                                    double factor, float *h, size_t h_bytes)
{
    if (!qqi_moments_ok(m) || m->kind == QQ_MOMENTS_NONE)
        return QQ_ERR_ARGUMENT;
    const size_t count = qqi_moments_squares(m->kind, m->k);
    const qq_status status =
        qqi_check_numbers(count, sizeof(float), h, h_bytes);
    if (status != QQ_OK)
        return status;
    const double n = m->count > 0 ? (double)m->count : 1.0;
    const size_t k = m->k;
    for (size_t i = 0; i < k; i++) {
        if (m->kind == QQ_MOMENTS_DIAGONAL) {
            h[i] = (float)(factor *
                           qqi_variance(m->square[i], n, m->sum[i], center));
            continue;
        }
        h[i * k + i] = (float)(factor * qqi_variance(m->square[i * k + i], n,
                                                     m->sum[i], center));
        for (size_t j = i + 1; j < k; j++) {
            const double v = qqi_moment(m->square[i * k + j], n, m->sum[i],
                                        m->sum[j], center);
            h[i * k + j] = (float)(factor * v);
            h[j * k + i] = h[i * k + j];
        }
    }
    return QQ_OK;
}

QQ_API qq_status qq_moments_gram(const qq_moments *m, double factor,
                                 double *gram, size_t gram_bytes)
{
    if (!qqi_moments_ok(m) || m->kind != QQ_MOMENTS_FULL)
        return QQ_ERR_ARGUMENT;
    const size_t k = m->k;
    const qq_status status =
        qqi_check_numbers(qqi_times(k, k), sizeof(double), gram, gram_bytes);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < k; i++)
        for (size_t j = i; j < k; j++) {
            gram[i * k + j] = factor * m->square[i * k + j];
            gram[j * k + i] = gram[i * k + j];
        }
    return QQ_OK;
}

QQ_API qq_status qq_moments_cross(const qq_moments *m, int center,
                                  double factor, float *c, size_t c_bytes)
{
    if (!qqi_moments_ok(m))
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_check_numbers(qqi_times(m->outputs, m->k),
                                               sizeof(float), c, c_bytes);
    if (status != QQ_OK)
        return status;
    const double n = m->count > 0 ? (double)m->count : 1.0;
    const size_t k = m->k;
    for (size_t i = 0; i < m->outputs; i++)
        for (size_t j = 0; j < k; j++)
            c[i * k + j] =
                (float)(factor * qqi_moment(m->cross[i * k + j], n, m->other[i],
                                            m->sum[j], center));
    return QQ_OK;
}

QQ_API qq_status qq_moments_means(const qq_moments *m, float *x, float *y)
{
    if (!qqi_moments_ok(m))
        return QQ_ERR_ARGUMENT;
    const double n = m->count > 0 ? (double)m->count : 1.0;
    for (size_t i = 0; x != NULL && i < m->k; i++)
        x[i] = (float)(m->sum[i] / n);
    for (size_t i = 0; y != NULL && i < m->outputs; i++)
        y[i] = (float)(m->other[i] / n);
    return QQ_OK;
}

QQI_FN void qqi_add_sums(size_t count, const double *x, double *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] += x[i];
}

QQ_API qq_status qq_moments_merge(qq_moments *m, const qq_moments *other)
{
    if (!qqi_moments_ok(m) || !qqi_moments_ok(other))
        return QQ_ERR_ARGUMENT;
    if (m->k != other->k || m->outputs != other->outputs ||
        m->kind != other->kind)
        return QQ_ERR_SHAPE;
    if (other->count > UINT64_MAX - m->count)
        return QQ_ERR_SIZE;
    qqi_add_sums(qqi_moments_squares(m->kind, m->k), other->square, m->square);
    qqi_add_sums(m->k, other->sum, m->sum);
    qqi_add_sums(m->outputs * m->k, other->cross, m->cross);
    qqi_add_sums(m->outputs, other->other, m->other);
    m->count += other->count;
    return QQ_OK;
}

// --- a Hessian -------------------------------------------------------------

QQ_API qq_status qq_hessian_check(size_t k, const float *h, size_t h_bytes)
{
    const qq_status status =
        qqi_check_numbers(qqi_times(k, k), sizeof(float), h, h_bytes);

    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < k; i++) {
        if (h[i * k + i] < 0.0f)
            return QQ_ERR_FORMAT;
        for (size_t j = i; j < k; j++) {
            const float x = h[i * k + j], y = h[j * k + i];
            if (!qqi_is_finite_f32(x) || !(x <= y && x >= y))
                return QQ_ERR_FORMAT;
        }
    }
    return QQ_OK;
}

// The mean of the diagonal, of that above 0 alone where live is 1.
QQI_FN double qqi_mean_diagonal(size_t k, const float *h, int live)
{
    double sum = 0.0;
    size_t count = 0;

    for (size_t i = 0; i < k; i++) {
        const float d = h[i * k + i];
        if (live && !(d > 0.0f))
            continue;
        sum += (double)d;
        count++;
    }
    return count > 0 ? sum / (double)count : 0.0;
}

QQ_API qq_status qq_hessian_damp(size_t k, double lambda, float *h,
                                 size_t h_bytes)
{
    if (!(lambda >= 0.0) || qqi_is_inf_f64(lambda))
        return QQ_ERR_ARGUMENT;
    const qq_status status = qq_hessian_check(k, h, h_bytes);
    if (status != QQ_OK || k == 0)
        return status;
    const double live = qqi_mean_diagonal(k, h, 1);
    float dead = live > 0.0 ? (float)(1e-3 * live) : 1.0f;
    double sum = 0.0, most = 0.0;
    if (!(dead > 0.0f))
        dead = (float)live; // of the smallest numbers that there are
    for (size_t i = 0; i < k; i++) {
        const float d = h[i * k + i];
        sum += (double)(d > 0.0f ? d : dead);
        most = (double)d > most ? (double)d : most;
    }
    const double add = qqi_mul_f64(lambda, sum / (double)k);
    if (!qqi_is_finite_f32((float)(most + add)))
        return QQ_ERR_FORMAT;
    for (size_t i = 0; i < k; i++) {
        const float d = h[i * k + i];
        h[i * k + i] = (float)((double)(d > 0.0f ? d : dead) + add);
    }
    return QQ_OK;
}

QQ_API double qq_hessian_lambda(unsigned bits, uint64_t rows, size_t k)
{
    const double base = bits >= 4 ? .01 : bits >= 2 ? .03 : .1;

    if (bits < 2 && rows < (uint64_t)k)
        return 1.0;
    return rows / 4 < (uint64_t)k ? 3.0 * base : base;
}

#endif // QQUANT_SOLVE_HESSIAN_H
