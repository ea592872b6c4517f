// qquant floor 5: how far two tensors are apart.
//
// Sums in f64, one number after another; every product is rounded before it is
// added (num/step.h), so no compiler can change a bit. Decibels need a
// logarithm: the one here is made of integers, see qqi_log2_q40.

#ifndef QQUANT_ARRAY_METRIC_H
#define QQUANT_ARRAY_METRIC_H

#include "api/metric.h"
#include "codec/element.h"
#include "num/fixed.h"
#include "num/sqrt.h"
#include "num/step.h"

// floor(log2(x) * 2^40), 2^-56 being the error before the floor; x is positive
// and finite.
//
// x = 2^e * m, m in [1, 2) with 63 bits behind the point. Squaring m doubles
// its logarithm, whose next binary digit is 1 where the square reaches 2. Each
// square is cut off at 2^-62; what that costs is halved by every later digit's
// weight as much as squaring doubles it, so 40 of them cost 40 * 2^-62.
QQI_FN int64_t qqi_log2_q40(double x)
{
    const uint64_t u = qqi_f64_bits(x);
    uint64_t m = u << 11;
    int e = (int)(u >> 52);

    if (e == 0) { // subnormal: m is not 0
        const int zeros = qqi_clz_u64(m);
        m <<= zeros;
        e = 1 - zeros;
    } else {
        m |= (uint64_t)1 << 63;
    }
    int64_t fraction = 0;
    for (int i = 0; i < 40; i++) {
        m = qqi_mulhi_u64(m, m); // two bits in front of the point
        const int two = (int)(m >> 63);
        fraction = fraction * 2 + two;
        if (!two)
            m <<= 1;
    }
    return (int64_t)(e - 1023) * ((int64_t)1 << 40) + fraction;
}

// 10 log10(x / y) of two positive finite numbers, to 1e-11.
QQI_FN double qqi_decibels(double x, double y)
{
    // 12 bits and 40: exact.
    const double octaves =
        (double)(qqi_log2_q40(x) - qqi_log2_q40(y)) / 1099511627776.0;
    return octaves * 3.0102999566398119521;
}

QQI_FN int qqi_is_float_type(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F64 || type == QQ_TYPE_F16 ||
           type == QQ_TYPE_BF16;
}

typedef struct qqi_sums {
    double xx, yy, xy; // sums of products
    double dd, d;      // of d^2 and |d|
    double max;        // of |d|
} qqi_sums;

QQI_FN void qqi_sums_add(qqi_sums *s, double x, double y)
{
    const double d = y - x;
    const double a = qqi_abs_f64(d);

    s->xx += qqi_mul_f64(x, x);
    s->yy += qqi_mul_f64(y, y);
    s->xy += qqi_mul_f64(x, y);
    s->dd += qqi_mul_f64(d, d);
    s->d += a;
    if (a > s->max)
        s->max = a;
}

// Where the product of the sums is a normal number its root is taken, which
// makes the cosine of equal tensors 1; else, f64 numbers may be so large or
// small, the product of their roots.
QQI_FN double qqi_cosine(const qqi_sums *s)
{
    const double p = qqi_mul_f64(s->xx, s->yy);
    const double normal = qqi_f64_of((uint64_t)1 << 52);
    double norm = qqi_sqrt_f64(p);

    if (p < normal || !qqi_is_finite_f64(p))
        norm = qqi_mul_f64(qqi_sqrt_f64(s->xx), qqi_sqrt_f64(s->yy));
    return norm > 0.0 ? s->xy / norm : 0.0;
}

// The quotients; sums of f64 numbers may have become infinite, and then a
// quotient of two of them is NaN, the same one everywhere.
QQI_FN void qqi_metrics_of(const qqi_sums *s, qq_metrics *m)
{
    const double inf = qqi_f64_of((uint64_t)0x7ff << 52);
    const double nan = qqi_f64_of((uint64_t)0x7ff8 << 48);
    const int finite = qqi_is_finite_f64(s->xx) && qqi_is_finite_f64(s->yy) &&
                       qqi_is_finite_f64(s->xy) && qqi_is_finite_f64(s->dd);

    m->max_error = s->max;
    m->mean_error = m->count ? s->d / (double)m->count : 0.0;
    m->rmse = m->count ? qqi_sqrt_f64(s->dd / (double)m->count) : 0.0;
    m->sqnr_db = inf;
    m->relative = 0.0;
    m->cosine = 1.0;
    if (!finite) {
        m->sqnr_db = m->relative = m->cosine = nan;
        return;
    }
    if (s->dd > 0.0) {
        m->sqnr_db = s->xx > 0.0 ? qqi_decibels(s->xx, s->dd) : -inf;
        m->relative = s->xx > 0.0 ? qqi_sqrt_f64(s->dd / s->xx) : inf;
    }
    if (s->xx > 0.0 || s->yy > 0.0)
        m->cosine = qqi_cosine(s);
}

QQ_API qq_status qq_compare(const qq_tensor *x, const qq_tensor *y,
                            qq_metrics *out)
{
    const qq_status first = qq_tensor_check(x);
    if (first != QQ_OK)
        return first;
    if (!qqi_is_float_type(x->type))
        return QQ_ERR_TYPE;
    const qq_status second = qq_tensor_check(y);
    if (second != QQ_OK)
        return second;
    if (!qqi_is_float_type(y->type))
        return QQ_ERR_TYPE;
    const size_t n = qq_tensor_count(x);
    if (n != qq_tensor_count(y))
        return QQ_ERR_SHAPE;
    if (out == NULL)
        return QQ_ERR_ARGUMENT;

    qqi_sums s = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const double a = qqi_load_wide(x->type, x->data, i);
        const double b = qqi_load_wide(y->type, y->data, i);
        if (!qqi_is_finite_f64(a) || !qqi_is_finite_f64(b))
            continue;
        qqi_sums_add(&s, a, b);
        used++;
    }
    out->count = used;
    out->skipped = n - used;
    qqi_metrics_of(&s, out);
    return QQ_OK;
}

#endif // QQUANT_ARRAY_METRIC_H
