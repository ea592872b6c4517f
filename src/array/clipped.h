// qquant floor 5: how many numbers lie beyond what their codes reach.
//
// A number is clipped if it lies more than half a step beyond the outermost
// code: rounding alone would not have taken it that far. The step of integers
// is the scale, that of small floats and code books the distance of their two
// outermost values, times scale.

#ifndef QQUANT_ARRAY_CLIPPED_H
#define QQUANT_ARRAY_CLIPPED_H

#include "api/metric.h"
#include "array/metric.h"
#include "array/part.h"
#include "codec/element.h"
#include "num/step.h"

// What codes reach, in units of the scale: from low to high, and beyond by half
// a step. coded: only numbers that have the outermost code count.
typedef struct qqi_reach {
    double low, high;
    double half_low, half_high;
    int coded;
} qqi_reach;

// The outermost of the levels times sign, and half the way to the next.
QQI_FN double qqi_outermost(const float *levels, size_t count, double sign,
                            double *half)
{
    double most = (double)levels[0] * sign;
    double next = most;

    for (size_t i = 1; i < count; i++) {
        const double v = (double)levels[i] * sign;
        if (v > most) {
            next = most;
            most = v;
        } else if (v < most && (v > next || next == most)) {
            next = v;
        }
    }
    *half = (most - next) / 2.0;
    return most;
}

// 0 for types whose codes are numbers without limits.
QQI_FN int qqi_reach_of(const qq_array *a, qqi_reach *r)
{
    const qq_type type = a->value.type;
    const int own = type == QQ_TYPE_BOOK;
    const float *levels = own ? a->levels : qq_book_levels(type);
    const size_t count = own ? a->level_count : 16;
    qq_type_info info;

    if (qq_type_get(type, &info) != QQ_OK)
        return 0;
    r->coded = info.kind == QQ_KIND_INTEGER;
    if (info.kind == QQ_KIND_INTEGER) {
        r->high = (double)info.max;
        r->low = info.min < 0 ? -r->high : 0.0;
        r->half_low = r->half_high = 0.5;
        return 1;
    }
    if (info.kind == QQ_KIND_SMALL) {
        const uint32_t code = qq_type_encode(type, info.largest);
        const double next = (double)qq_type_decode(type, code - 1);
        r->high = (double)info.largest;
        r->low = -r->high;
        r->half_low = r->half_high = (r->high - next) / 2.0;
        return 1;
    }
    if (info.kind != QQ_KIND_BOOK || levels == NULL || count == 0)
        return 0;
    r->high = qqi_outermost(levels, count, 1.0, &r->half_high);
    r->low = -qqi_outermost(levels, count, -1.0, &r->half_low);
    return 1;
}

// x, of which code - zero is left, lies beyond. A negative scale turns the
// codes round.
QQI_FN int qqi_is_clipped(const qqi_reach *r, double x, double scale,
                          double code, double zero)
{
    if (scale < 0.0) {
        x = -x;
        scale = -scale;
    }
    if (!r->coded)
        return x > (r->high + r->half_high) * scale ||
               x < (r->low - r->half_low) * scale;
    const double d = x - qqi_mul_f64(code - zero, scale);
    return (code >= r->high && d > r->half_high * scale) ||
           (code <= r->low && d < -r->half_low * scale);
}

// The element of a part that the number at these indices belongs to.
QQI_FN double qqi_element_at(const qq_array *a, int part, const size_t *at)
{
    const qq_tensor *t = qqi_part_of(a, part);
    size_t i = 0;

    for (unsigned k = 0; k < t->rank; k++)
        i = i * t->shape[k] +
            (t->shape[k] == 1 ? 0 : at[k] / qqi_part_tile(a, part, k));
    return qqi_load_wide(t->type, t->data, i);
}

QQI_FN size_t qqi_count_clipped(const qq_tensor *x, const qq_array *a,
                                const qqi_reach *r, size_t numbers)
{
    const double scale2 = qqi_f64_from_f32(a->scale2);
    size_t at[QQ_MAX_RANK] = {0};
    size_t clipped = 0;

    for (size_t i = 0; i < numbers; i++) {
        const double code = qqi_load_wide(a->value.type, a->value.data, i);
        double scale = scale2;
        double v = qqi_load_wide(x->type, x->data, i);
        double zero = 0.0;
        if (qqi_has_part(a, QQI_PART_SCALE))
            scale = qqi_mul_f64(qqi_element_at(a, QQI_PART_SCALE, at), scale2);
        if (qqi_has_part(a, QQI_PART_ZERO))
            zero = qqi_element_at(a, QQI_PART_ZERO, at);
        if (qqi_has_part(a, QQI_PART_BIAS))
            v += qqi_element_at(a, QQI_PART_BIAS, at);
        clipped += (size_t)qqi_is_clipped(r, v, scale, code, zero);
        for (int k = (int)x->rank - 1; k >= 0; k--) {
            if (++at[k] < x->shape[k])
                break;
            at[k] = 0;
        }
    }
    return clipped;
}

QQ_API qq_status qq_clipped_share(const qq_tensor *x, const qq_array *a,
                                  double *out)
{
    qq_status status = qq_tensor_check(x);
    qqi_reach reach;

    if (status != QQ_OK)
        return status;
    if (!qqi_is_float_type(x->type))
        return QQ_ERR_TYPE;
    status = qqi_parts_check(a);
    if (status != QQ_OK)
        return status;
    if (x->rank != a->value.rank)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < x->rank; i++)
        if (x->shape[i] != a->value.shape[i])
            return QQ_ERR_SHAPE;
    if (out == NULL)
        return QQ_ERR_ARGUMENT;
    const size_t n = qq_tensor_count(x);
    *out = 0.0;
    if (n > 0 && qqi_reach_of(a, &reach))
        *out = (double)qqi_count_clipped(x, a, &reach, n) / (double)n;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_CLIPPED_H
