// qquant floor 5: the public calls that make codes with scales that are given,
// and fake quantization.

#ifndef QQUANT_ARRAY_GIVEN_H
#define QQUANT_ARRAY_GIVEN_H

#include "array/dequantize.h"
#include "array/quantize.h"

// Scales of one byte are those of rule qquant.
QQI_FN int qqi_may_be_given(const qq_scheme *s, qq_type scale)
{
    return qqi_is_scale_type(scale) &&
           (s->rule == QQ_RULE_QQUANT || qq_type_bits(scale) > 8);
}

// Scale and zero point for x; the zero point has the scale's shape and the
// type of the codes.
QQI_FN qq_status qqi_check_given(const qq_tensor *x, const qq_scheme *s,
                                 const qq_tensor *scale,
                                 const qq_tensor *zero_point)
{
    size_t tile[QQ_MAX_RANK];
    qq_status status = qqi_check_pair(x, s, QQI_FORGIVEN | QQ_BAD_AFFINE);

    if (status == QQ_OK)
        status = qq_tensor_check(scale);
    if (status == QQ_OK && !qqi_may_be_given(s, scale->type))
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_tiles_of(x, scale, tile);
    if (status != QQ_OK || zero_point == NULL)
        return status;
    status = qq_tensor_check(zero_point);
    if (status != QQ_OK)
        return status;
    if (zero_point->type != qqi_type_storage(s->type) || !qqi_may_have_zeros(s))
        return QQ_ERR_TYPE;
    if (zero_point->rank != scale->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < scale->rank; a++) {
        if (zero_point->shape[a] != scale->shape[a])
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

QQ_API size_t qq_quantize_given_size(const qq_tensor *x, const qq_scheme *s,
                                     const qq_tensor *scale,
                                     const qq_tensor *zero_point)
{
    if (qqi_check_given(x, s, scale, zero_point) != QQ_OK ||
        qqi_rule_of(s->rule)->given_size == NULL)
        return SIZE_MAX;
    return qqi_rule_of(s->rule)->given_size(x, s, scale, zero_point);
}

QQ_API qq_status qq_quantize_given(const qq_tensor *x, const qq_scheme *s,
                                   const qq_tensor *scale,
                                   const qq_tensor *zero_point, void *out,
                                   size_t out_bytes, qq_array *view)
{
    qq_status status = qqi_check_given(x, s, scale, zero_point);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    if (rule->given == NULL)
        return QQ_ERR_UNSUPPORTED;
    const size_t bytes = rule->given_size(x, s, scale, zero_point);
    status = qqi_check_out(bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    return rule->given(x, s, scale, zero_point, out, view);
}

QQ_API qq_status qq_encode(const qq_tensor *x, const qq_scheme *s, void *out,
                           size_t out_bytes, qq_tensor *view)
{
    qq_status status = qqi_check_pair(x, s, QQI_FORGIVEN | QQ_BAD_SCALE_TYPE);

    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    if (rule->encode == NULL)
        return QQ_ERR_UNSUPPORTED;
    const qq_tensor codes =
        qq_tensor_make(out, rule->code_type(x, s), x->rank, x->shape);
    status = qqi_check_out(qq_tensor_bytes(&codes), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    status = rule->encode(x, s, out);
    if (status == QQ_OK)
        *view = codes;
    return status;
}

// --- there and back --------------------------------------------------------

QQ_API size_t qq_fake_quantize_scratch_size(const qq_tensor *x,
                                            const qq_scheme *s)
{
    const size_t bytes = qq_array_size(x, s);

    return bytes != SIZE_MAX && qqi_is_input_type(x->type) ? bytes : SIZE_MAX;
}

QQ_API qq_status qq_fake_quantize(const qq_tensor *x, const qq_scheme *s,
                                  void *out, size_t out_bytes, void *scratch,
                                  size_t scratch_bytes)
{
    qq_array array;
    qq_tensor view;
    qq_status status = qqi_check_pair(x, s, 0);

    if (status == QQ_OK && !qqi_is_input_type(x->type))
        status = QQ_ERR_TYPE;
    if (status != QQ_OK)
        return status;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    status = qqi_check_out(qq_tensor_bytes(x), out, out_bytes);
    if (status != QQ_OK)
        return status;
    const size_t bytes = rule->array_size(x, s);
    status = qqi_check_out(bytes, scratch, scratch_bytes);
    if (status != QQ_OK)
        return status == QQ_ERR_SIZE ? QQ_ERR_SCRATCH : status;
    status = rule->quantize(x, s, scratch, &array);
    if (status != QQ_OK)
        return status;
    return qq_dequantize(&array, s->rule, x->type, out, out_bytes, &view);
}

#endif // QQUANT_ARRAY_GIVEN_H
