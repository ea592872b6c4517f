// qquant floor 5: the public calls that make quantized arrays.

#ifndef QQUANT_ARRAY_QUANTIZE_H
#define QQUANT_ARRAY_QUANTIZE_H

#include "array/rules.h"

// What a call that is handed its scales does not look at.
#define QQI_FORGIVEN (QQ_BAD_AXIS | QQ_BAD_TILE | QQ_BAD_CALIBRATION)

QQ_API size_t qq_array_size(const qq_tensor *x, const qq_scheme *s)
{
    if (qqi_check_pair(x, s, 0) != QQ_OK)
        return SIZE_MAX;
    return qqi_rule_of(s->rule)->array_size(x, s);
}

QQ_API qq_status qq_quantize(const qq_tensor *x, const qq_scheme *s, void *out,
                             size_t out_bytes, qq_array *view)
{
    qq_status status = qqi_check_pair(x, s, 0);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    status = qqi_check_out(rule->array_size(x, s), out, out_bytes);
    if (status != QQ_OK)
        return status;
    QQ_ASSERT(
        qqi_apart(x->data, qq_tensor_bytes(x), out, rule->array_size(x, s)));
    return view != NULL ? rule->quantize(x, s, out, view) : QQ_ERR_ARGUMENT;
}

// --- calibration and scales ------------------------------------------------

QQ_API size_t qq_calibrate_size(const qq_tensor *x, const qq_scheme *s)
{
    if (qqi_check_pair(x, s, 0) != QQ_OK ||
        qqi_rule_of(s->rule)->bounds_size == NULL)
        return SIZE_MAX;
    return qqi_rule_of(s->rule)->bounds_size(x, s);
}

QQ_API qq_status qq_calibrate(const qq_tensor *x, const qq_scheme *s, void *out,
                              size_t out_bytes, qq_bounds *view)
{
    qq_status status = qqi_check_pair(x, s, 0);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    if (rule->calibrate == NULL)
        return QQ_ERR_UNSUPPORTED;
    status = qqi_check_out(rule->bounds_size(x, s), out, out_bytes);
    if (status != QQ_OK)
        return status;
    return view != NULL ? rule->calibrate(x, s, out, view) : QQ_ERR_ARGUMENT;
}

QQI_FN qq_status qqi_check_bound(const qq_tensor *t)
{
    const qq_status status = qq_tensor_check(t);

    if (status != QQ_OK)
        return status;
    return qqi_is_input_type(t->type) ? QQ_OK : QQ_ERR_TYPE;
}

// A magnitude, or a minimum and a maximum of one type and shape.
QQI_FN qq_status qqi_check_bounds(const qq_bounds *b)
{
    if (b == NULL)
        return QQ_ERR_ARGUMENT;
    const int low = b->min.type != QQ_TYPE_NONE;
    const int high = b->max.type != QQ_TYPE_NONE;
    if (b->absmax.type != QQ_TYPE_NONE)
        return low || high ? QQ_ERR_ARGUMENT : qqi_check_bound(&b->absmax);
    if (!low || !high)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_check_bound(&b->min);
    if (status == QQ_OK)
        status = qqi_check_bound(&b->max);
    if (status != QQ_OK)
        return status;
    if (b->min.type != b->max.type)
        return QQ_ERR_TYPE;
    if (b->min.rank != b->max.rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < b->min.rank; a++) {
        if (b->min.shape[a] != b->max.shape[a])
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// Whether codes of the scheme can have zero points under its rule.
QQI_FN int qqi_may_have_zeros(const qq_scheme *s)
{
    if (s->rule == QQ_RULE_QWIX || s->rule == QQ_RULE_QWIX_RELEASE)
        return qqi_qwix_affine(s->type);
    return qqi_type_info(s->type).affine;
}

// Bounds and a scheme, whose axes and calibration do not matter.
QQI_FN qq_status qqi_check_scaling(const qq_bounds *b, const qq_scheme *s)
{
    const qq_status status = qqi_check_bounds(b);
    uint32_t bad = 0;

    if (status != QQ_OK)
        return status;
    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status judged =
        qqi_scheme_judge(s, NULL, QQI_FORGIVEN | QQ_BAD_AFFINE, &bad);
    if (judged != QQ_OK)
        return judged;
    if (qqi_rule_of(s->rule)->scale == NULL)
        return QQ_ERR_UNSUPPORTED;
    if (b->absmax.type == QQ_TYPE_NONE &&
        (s->two_level || !qqi_may_have_zeros(s)))
        return QQ_ERR_SCHEME;
    return QQ_OK;
}

QQ_API size_t qq_scale_size(const qq_bounds *b, const qq_scheme *s)
{
    if (qqi_check_scaling(b, s) != QQ_OK)
        return SIZE_MAX;
    return qqi_rule_of(s->rule)->scale_size(b, s);
}

QQ_API qq_status qq_scale_from_bounds(const qq_bounds *b, const qq_scheme *s,
                                      void *out, size_t out_bytes,
                                      qq_tensor *scale, qq_tensor *zero_point,
                                      float *scale2)
{
    qq_status status = qqi_check_scaling(b, s);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    status = qqi_check_out(rule->scale_size(b, s), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (scale == NULL || zero_point == NULL)
        return QQ_ERR_ARGUMENT;
    return rule->scale(b, s, out, scale, zero_point, scale2);
}

#endif // QQUANT_ARRAY_QUANTIZE_H
