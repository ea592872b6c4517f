// qquant floor 5: AQT's and FJFormer's arrays, filled and read.
//
// AQT, x of type T, scale of the bound (aqt_calibrate.h) cast to the scale's
// type, T by default; every step in the common type of its operands:
//
//   r = 1 / scale, 1 where that is infinite
//   code = numerics((x + bias) * r)                      (aqt_numerics.h)
//   decoded = code as T, * scale, - bias, cast to T
//
// FJFormer: code = numerics(x * scale as T), and what an array keeps as its
// scale is the inverse, 1 / scale; decoded = code as T * inverse as T.

#ifndef QQUANT_ARRAY_AQT_ARRAY_H
#define QQUANT_ARRAY_AQT_ARRAY_H

#include "array/aqt_check.h"
#include "array/aqt_plan.h"

#if !QQ_NO_TRAIN

// --- to codes --------------------------------------------------------------

// Writes what the bias of the array is: s->bias in the type of the scales, or
// one number in x's type for every number of x.
QQI_FN void qqi_aqt_write_bias(const qq_scheme *s, const qq_array *a, void *out)
{
    const size_t n = qq_tensor_count(&a->bias);
    const qq_type type = a->bias.type;

    for (size_t i = 0; i < n; i++)
        qqi_store_number(
            out, i,
            s->bias ? qqi_number_cast(qqi_load_number(s->bias, i), type)
                    : qqi_number_constant(s->bias_value, type));
}

// The bits behind the last code are 0.
QQI_FN void qqi_aqt_clear_tail(const qq_tensor *value, void *codes)
{
    const size_t bytes = qq_tensor_bytes(value);

    if (bytes > 0)
        ((uint8_t *)codes)[bytes - 1] = 0;
}

// What numbers of x meet scale g by. FJFormer's are not inverted yet.
QQI_FN struct qqi_number qqi_aqt_multiplier(const qq_tensor *x,
                                            const qq_scheme *s,
                                            const qq_tensor *scale, size_t g)
{
    const struct qqi_number r = qqi_load_number(scale, g);

    return s->rule == QQ_RULE_FJ ? qqi_number_cast(r, x->type)
                                 : qqi_aqt_factor(r);
}

// Codes of x by the scales and biases of the array, which are written already.
QQI_FN void qqi_aqt_write_codes(const qq_tensor *x, const qq_scheme *s,
                                const qq_array *a, void *codes)
{
    struct qqi_number by = qqi_number_of(1.0f, x->type);
    struct qqi_tiling t;
    struct qqi_cursor c;
    size_t g, n;

    qqi_aqt_clear_tail(&a->value, codes);
    qqi_tiling_make(&t, x->rank, x->shape, a->tile);
    const int each = t.tile[t.rank - 1] == 1; // a scale for every number
    qqi_cursor_begin(&c, &t);
    for (size_t first = 0; first < t.numbers; first += n) {
        n = qqi_cursor_next(&c, t.numbers - first, &g);
        for (size_t i = first; i < first + n; i++) {
            struct qqi_number v = qqi_load_number(x, i);
            if (i == first || each)
                by = qqi_aqt_multiplier(x, s, &a->scale,
                                        each ? g + (i - first) : g);
            if (a->bias.type != QQ_TYPE_NONE)
                v = qqi_number_add(
                    v, qqi_load_number(&a->bias,
                                       qqi_aqt_meets(&a->bias, x->shape, i)));
            qqi_aqt_store(a->value.type, codes, i,
                          qqi_aqt_forward(s, x, i, qqi_number_mul(v, by)));
        }
    }
}

// Scales of all tiles, as they are multiplied or divided by.
QQI_FN void qqi_aqt_write_scales(const qq_tensor *x, const qq_scheme *s,
                                 const qq_array *a, void *out)
{
    const size_t n = qq_tensor_count(&a->scale);
    struct qqi_tiling t;

    qqi_tiling_make(&t, x->rank, x->shape, a->tile);
    for (size_t g = 0; g < n; g++) {
        const struct qqi_number bound = qqi_aqt_bound(x, s, &t, g);
        qqi_store_number(
            out, g,
            qqi_number_cast(qqi_aqt_scale(s, bound, n > 1), a->scale.type));
    }
}

QQI_FN void qqi_fj_invert(const qq_tensor *scale, void *out)
{
    const size_t n = qq_tensor_count(scale);

    for (size_t g = 0; g < n; g++)
        qqi_store_number(out, g,
                         qqi_number_reciprocal(qqi_load_number(scale, g)));
}

// The parts of the array in out: scales, made or given, bias, codes.
QQI_FN void qqi_aqt_fill(const qq_tensor *x, const qq_scheme *s,
                         const qq_tensor *scale, void *out, qq_array *a)
{
    uint8_t *const p = (uint8_t *)out;
    const size_t all = qqi_aqt_place(a, out);

    if (all == 0)
        return;
    uint8_t *const codes = p + (all - qq_tensor_bytes(&a->value));
    if (scale)
        QQ_MEMCPY(p, scale->data, qq_tensor_bytes(scale));
    else
        qqi_aqt_write_scales(x, s, a, p);
    if (a->bias.type != QQ_TYPE_NONE)
        qqi_aqt_write_bias(s, a, codes - qq_tensor_bytes(&a->bias));
    qqi_aqt_write_codes(x, s, a, codes);
    if (s->rule == QQ_RULE_FJ)
        qqi_fj_invert(&a->scale, p);
}

// --- back ------------------------------------------------------------------

// Whether an array has all that it takes; its parts were found to be tensors,
// its scales to fit.
QQI_FN qq_status qqi_aqt_decodes(const qq_array *a, qq_type type)
{
    if (!qqi_aqt_is_float(type) ||
        (a->scale.type != QQ_TYPE_NONE && !qqi_aqt_is_float(a->scale.type)))
        return QQ_ERR_TYPE;
    if (a->zero_point.type != QQ_TYPE_NONE)
        return QQ_ERR_UNSUPPORTED;
    if (a->bias.type == QQ_TYPE_NONE)
        return QQ_OK;
    if (!qqi_aqt_is_float(a->bias.type))
        return QQ_ERR_TYPE;
    return qqi_aqt_spreads(&a->bias, &a->value) ? QQ_OK : QQ_ERR_SHAPE;
}

// in_type: FJFormer makes every step in the type asked for.
QQI_FN qq_status qqi_aqt_decode(const qq_array *a, qq_type type, int in_type,
                                void *out)
{
    const qq_tensor *const q = &a->value;
    const int scaled = a->scale.type != QQ_TYPE_NONE;
    const qq_status status = qqi_aqt_decodes(a, type);
    struct qqi_tiling t;
    struct qqi_cursor c;
    size_t g = 0;

    if (status != QQ_OK)
        return status;
    qqi_tiling_make(&t, q->rank, q->shape, scaled ? a->tile : q->shape);
    qqi_cursor_begin(&c, &t);
    for (size_t i = 0; i < t.numbers; i++) {
        struct qqi_number v =
            qqi_aqt_decoded(qqi_load_value(q->type, q->data, i), q->type, type);
        (void)qqi_cursor_next(&c, 1, &g);
        if (scaled) {
            const struct qqi_number r = qqi_load_number(&a->scale, g);
            v = qqi_number_mul(v, in_type ? qqi_number_cast(r, type) : r);
        }
        if (a->bias.type != QQ_TYPE_NONE)
            v = qqi_number_sub(
                v, qqi_load_number(&a->bias,
                                   qqi_aqt_meets(&a->bias, q->shape, i)));
        qqi_store_number(out, i, qqi_number_cast(v, type));
    }
    return QQ_OK;
}

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_ARRAY_H
