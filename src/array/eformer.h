// qquant floor 5: the rules of eformer and FJFormer, as rows of functions.
//
// api/eformer.h says what they compute; the arithmetic stands in eformer_nf4.h
// and eformer_int8.h. Calibration, scales and codes are one step in the
// originals, so the rows lack the calls that take them apart.

#ifndef QQUANT_ARRAY_EFORMER_H
#define QQUANT_ARRAY_EFORMER_H

#include "array/eformer_int8.h"
#include "array/eformer_nf4.h"
#include "array/eformer_plan.h"
#include "array/rule.h"
#include "array/tile.h"

QQI_FN size_t qqi_eformer_size(const qq_tensor *x, const qq_scheme *s)
{
    struct qqi_eformer_plan p;
    qq_array a;
    size_t bytes;

    if (qqi_eformer_plan_of(s, x, &a, &p) != 0)
        return SIZE_MAX;
    const size_t scales = qq_tensor_bytes(&a.scale);
    const size_t codes = qq_tensor_bytes(&a.value);
    if (scales == SIZE_MAX || codes == SIZE_MAX ||
        !qqi_add_size(scales, codes, &bytes))
        return SIZE_MAX;
    return bytes;
}

QQI_FN void qqi_eformer_run_nf4(const qq_tensor *x, const qq_scheme *s,
                                const struct qqi_eformer_plan *p, void *scales,
                                uint8_t *codes)
{
    struct qqi_nf4_job j;
    const size_t count = qq_tensor_count(&p->array->value);

    j.x = x;
    j.flat = s->rule != QQ_RULE_EFORMER;
    j.division = s->division;
    j.rows = p->rows;
    j.row = j.flat ? count : x->shape[x->rank - 1];
    j.size = p->block;
    j.blocks = j.rows == 0 ? 0 : count / j.rows / j.size;
    qqi_nf4_middles(j.middles);
    qqi_nf4_quantize(&j, scales, codes);
}

QQI_FN void qqi_eformer_run_int8(const qq_tensor *x, const qq_scheme *s,
                                 const size_t *tile, void *scales,
                                 uint8_t *codes)
{
    struct qqi_int8_job j;

    j.x = x;
    j.older = s->rule == QQ_RULE_FJFORMER;
    j.division = s->division;
    qqi_tiling_make(&j.tiling, x->rank, x->shape, tile);
    qqi_int8_quantize(&j, scales, codes);
}

// The scheme was checked, so that there is a plan. x may be a part of *view.
QQI_FN qq_status qqi_eformer_quantize(const qq_tensor *x, const qq_scheme *s,
                                      void *out, qq_array *view)
{
    struct qqi_eformer_plan p;
    const qq_tensor from = *x;

    if (qqi_eformer_plan_of(s, &from, view, &p) != 0)
        return QQ_ERR_SCHEME;
    uint8_t *codes = (uint8_t *)out + qq_tensor_bytes(&view->scale);
    view->scale.data = out;
    view->value.data = codes;
    if (s->type == QQ_TYPE_NF4) {
        qqi_eformer_run_nf4(&from, s, &p, out, codes);
    } else if (s->type == QQ_TYPE_INT8) {
        qqi_eformer_run_int8(&from, s, view->tile, out, codes);
    } else {
        qqi_plain_store(view->scale.type, out, 0, 1.0f);
        qqi_ternary_quantize(&from, s->type == QQ_TYPE_SIGN, codes);
    }
    return QQ_OK;
}

// n values of scale 1: levels of nf4, else the codes themselves.
QQI_FN void qqi_eformer_values(const qq_array *a, const float *nf4, size_t at,
                               size_t n, float *v)
{
    uint8_t code[QQI_SOME];

    if (a->type != QQ_TYPE_NF4) {
        qqi_load_values(a->type, a->value.data, at, n, v);
        return;
    }
    qqi_unpack_codes(4, QQ_ORDER_LOW_FIRST, 0, at, n,
                     (const uint8_t *)a->value.data, code);
    for (size_t i = 0; i < n; i++)
        v[i] = nf4[code[i]];
}

// value * scale, in f32 for nf4, else in the scale's type; then rounded to the
// type that is asked for.
QQI_FN qq_status qqi_eformer_decode(const qq_array *a, const float *nf4,
                                    qq_type type, void *out)
{
    const qq_type step = a->type == QQ_TYPE_NF4 ? QQ_TYPE_F32 : a->scale.type;
    struct qqi_tiling t;
    struct qqi_cursor cursor;
    float v[QQI_SOME], s[QQI_SOME];
    size_t n, scale;

    if (!qqi_eformer_has_type(QQ_RULE_EFORMER, a->type) ||
        a->value.type != a->type || a->zero_point.type != QQ_TYPE_NONE ||
        a->bias.type != QQ_TYPE_NONE || a->scale2 != 1.0f ||
        !qqi_is_plain(a->scale.type) || !qqi_is_plain(type))
        return QQ_ERR_TYPE;
    qqi_tiling_make(&t, a->value.rank, a->value.shape, a->tile);
    qqi_cursor_begin(&cursor, &t);
    const size_t lane = t.tile[t.rank - 1] == 1;
    for (size_t at = 0; at < t.numbers; at += n) {
        n = qqi_cursor_next(&cursor, QQI_SOME, &scale);
        qqi_eformer_values(a, nf4, at, n, v);
        qqi_load_values(a->scale.type, a->scale.data, scale, lane ? n : 1, s);
        for (size_t i = 0; i < n; i++)
            v[i] = v[i] * s[lane * i]; // nothing is added to it
        qqi_to_type_many(step, n, v);
        qqi_plain_store_many(type, out, at, n, v);
    }
    return QQ_OK;
}

QQI_FN qq_status qqi_eformer_dequantize(const qq_array *a, qq_type type,
                                        void *out)
{
    return qqi_eformer_decode(a, qqi_nf4_polynomial, type, out);
}

QQI_FN qq_status qqi_eformer_flat_dequantize(const qq_array *a, qq_type type,
                                             void *out)
{
    return qqi_eformer_decode(a, qqi_nf4_levels, type, out);
}

static const struct qqi_rule qqi_rule_eformer QQI_UNUSED = {
    qqi_eformer_check,
    qqi_eformer_size,
    qqi_eformer_quantize,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    qqi_eformer_dequantize};

// The two older ones, which decode by the levels that codes are chosen by.
static const struct qqi_rule qqi_rule_eformer_flat QQI_UNUSED = {
    qqi_eformer_check,
    qqi_eformer_size,
    qqi_eformer_quantize,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    qqi_eformer_flat_dequantize};

#endif // QQUANT_ARRAY_EFORMER_H
