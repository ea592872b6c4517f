// qquant floor 5: the public call that reads an array back.

#ifndef QQUANT_ARRAY_DEQUANTIZE_H
#define QQUANT_ARRAY_DEQUANTIZE_H

#include "array/make.h"
#include "array/rules.h"

QQ_API qq_status qq_dequantize(const qq_array *a, qq_rule rule, qq_type type,
                               void *out, size_t out_bytes, qq_tensor *view)
{
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_array_check_parts(a);
    if (status != QQ_OK)
        return status;
    const struct qqi_rule *row = qqi_rule_of(rule);
    if (row == NULL)
        return rule == QQ_RULE_AQT || rule == QQ_RULE_FJ ? QQ_ERR_UNSUPPORTED
                                                         : QQ_ERR_ARGUMENT;
    if (!qqi_is_input_type(type))
        return QQ_ERR_TYPE;
    const qq_tensor result =
        qq_tensor_make(out, type, a->value.rank, a->value.shape);
    status = qqi_check_out(qq_tensor_bytes(&result), out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    QQ_ASSERT(qqi_apart(a->value.data, qq_tensor_bytes(&a->value), out,
                        qq_tensor_bytes(&result)));
    status = row->dequantize(a, type, out);
    if (status == QQ_OK)
        *view = result;
    return status;
}

#endif // QQUANT_ARRAY_DEQUANTIZE_H
