// qquant floor 5: the table of rules, and a scheme judged by its own.

#ifndef QQUANT_ARRAY_RULES_H
#define QQUANT_ARRAY_RULES_H

#include "array/aqt.h"
#include "array/check.h"
#include "array/eformer.h"
#include "array/qquant_rule.h"
#include "array/qwix_rule.h"

// The row of a rule; NULL for a number that is none, and for a rule that this
// build leaves out.
QQI_FN const struct qqi_rule *qqi_rule_of(qq_rule rule)
{
    switch ((int)rule) {
    case QQ_RULE_QQUANT:
        return &qqi_rule_qquant;
    case QQ_RULE_QWIX:
    case QQ_RULE_QWIX_RELEASE:
        return &qqi_rule_qwix;
#if !QQ_NO_TRAIN
    case QQ_RULE_AQT:
        return &qqi_rule_aqt;
    case QQ_RULE_FJ:
        return &qqi_rule_fj;
#endif
    case QQ_RULE_EFORMER:
        return &qqi_rule_eformer;
    case QQ_RULE_EFORMER_FLAT:
    case QQ_RULE_FJFORMER:
        return &qqi_rule_eformer_flat;
    default:
        return NULL;
    }
}

// The bits of what is wrong, and the status that goes with them; some may be
// forgiven. s and x are no NULL, x has passed qq_tensor_check.
QQI_FN qq_status qqi_scheme_judge(const qq_scheme *s, const qq_tensor *x,
                                  uint32_t forgiven, uint32_t *bad)
{
    *bad = QQ_BAD_INIT;
    if (s->init != QQI_SCHEME_INIT)
        return QQ_ERR_SCHEME;
    *bad = qqi_check_common(s, x);
    if (*bad & QQ_BAD_RULE)
        return QQ_ERR_SCHEME;
    const struct qqi_rule *rule = qqi_rule_of(s->rule);
    if (rule == NULL)
        return QQ_ERR_UNSUPPORTED;
    *bad |= rule->check(s, *bad & QQ_BAD_INPUT ? NULL : x);
    *bad &= ~forgiven;
    return qqi_status_of_bad(*bad);
}

QQ_API qq_status qq_scheme_check(const qq_scheme *s, const qq_tensor *x,
                                 uint32_t *bad)
{
    uint32_t bits = 0;

    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status tensor = x != NULL ? qq_tensor_check(x) : QQ_OK;
    if (tensor != QQ_OK) {
        if (bad != NULL)
            *bad = QQ_BAD_INPUT;
        return tensor;
    }
    const qq_status status = qqi_scheme_judge(s, x, 0, &bits);
    if (bad != NULL)
        *bad = bits;
    return status;
}

// The checks of every call that takes a tensor and a scheme.
QQI_FN qq_status qqi_check_pair(const qq_tensor *x, const qq_scheme *s,
                                uint32_t forgiven)
{
    uint32_t bad = 0;
    const qq_status status = qq_tensor_check(x);

    if (status != QQ_OK)
        return status;
    return s == NULL ? QQ_ERR_ARGUMENT : qqi_scheme_judge(s, x, forgiven, &bad);
}

// What can be wrong with the place for bytes of result.
QQI_FN qq_status qqi_check_out(size_t bytes, const void *out, size_t out_bytes)
{
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (out == NULL && (out_bytes != 0 || bytes != 0))
        return QQ_ERR_ARGUMENT;
    return out_bytes < bytes ? QQ_ERR_SIZE : QQ_OK;
}

#endif // QQUANT_ARRAY_RULES_H
