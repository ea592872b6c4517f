// qquant floor 5: eformer's schemes: which there are, and the shape of the
// array that one makes of x.

#ifndef QQUANT_ARRAY_EFORMER_PLAN_H
#define QQUANT_ARRAY_EFORMER_PLAN_H

#include "api/eformer.h"
#include "array/eformer_step.h"
#include "array/tensor.h"
#include "array/tile.h"

// What an array of x will be.
struct qqi_eformer_plan {
    qq_array *array; // without data
    size_t block;    // nf4: numbers a block
    size_t rows;     // nf4: rows that are cut into blocks, each by itself
};

QQI_FN int qqi_eformer_has_type(qq_rule rule, qq_type type)
{
    if (type == QQ_TYPE_NF4)
        return 1;
    if (type == QQ_TYPE_INT8)
        return rule != QQ_RULE_EFORMER_FLAT;
    return rule == QQ_RULE_EFORMER &&
           (type == QQ_TYPE_TERNARY || type == QQ_TYPE_SIGN);
}

QQI_FN int qqi_eformer_has_input(qq_type type, qq_type x)
{
    if (qqi_is_plain(x))
        return 1;
    return (type == QQ_TYPE_TERNARY || type == QQ_TYPE_SIGN) &&
           (x == QQ_TYPE_INT8 || x == QQ_TYPE_INT16 || x == QQ_TYPE_INT32 ||
            x == QQ_TYPE_UINT8);
}

// nf4: the last axis padded to whole blocks.
QQI_FN uint32_t qqi_eformer_blocks(const qq_scheme *s, const qq_tensor *x,
                                   struct qqi_eformer_plan *p)
{
    const unsigned last = x->rank - 1;
    const size_t size = s->tile[last];
    const size_t n = x->shape[last];
    size_t padded;

    if (size == 0 || size % 2 != 0)
        return QQ_BAD_TILE;
    const size_t blocks = n == 0 ? 1 : qqi_ceil_div(n, size);
    if (!qqi_mul_size(blocks, size, &padded))
        return QQ_BAD_TILE;
    p->block = size;
    p->rows = qqi_shape_count(last, x->shape);
    p->array->value.shape[last] = padded;
    p->array->scale.shape[last] = blocks;
    p->array->tile[last] = size;
    return 0;
}

// nf4 of the older versions: blocks of the flat array, which are tiles where
// they are a part of an axis and all of the axes behind it.
QQI_FN uint32_t qqi_eformer_flat_blocks(const qq_scheme *s, const qq_tensor *x,
                                        struct qqi_eformer_plan *p)
{
    const unsigned last = x->rank - 1;
    const size_t count = qq_tensor_count(x);
    const size_t most =
        s->rule == QQ_RULE_EFORMER_FLAT ? x->shape[last] : count;
    size_t left = s->tile[last] < most ? s->tile[last] : most;

    if (count == 0 || left == 0 || left % 2 != 0)
        return QQ_BAD_TILE;
    p->block = left;
    p->rows = 1;
    for (unsigned i = x->rank; i > 0; i--) {
        const unsigned a = i - 1;
        const size_t n = x->shape[a];
        const size_t tile = left < n ? left : n;
        if (left % tile != 0 || n % tile != 0)
            return QQ_BAD_TILE;
        left /= tile;
        p->array->tile[a] = tile;
        p->array->scale.shape[a] = n / tile;
    }
    return 0;
}

// int8: a scale for each index of the channel axes. An axis without numbers
// has no absmax.
QQI_FN uint32_t qqi_eformer_channels(const qq_scheme *s, const qq_tensor *x,
                                     struct qqi_eformer_plan *p)
{
    uint32_t bad = 0;

    if (s->rule == QQ_RULE_FJFORMER &&
        (x->rank == 0 || s->channels != (1u << (x->rank - 1)) - 1))
        bad |= QQ_BAD_AXIS;
    for (unsigned a = 0; a < x->rank; a++) {
        if (s->channels >> a & 1) {
            p->array->tile[a] = 1;
            p->array->scale.shape[a] = x->shape[a];
        } else if (x->shape[a] == 0) {
            bad |= QQ_BAD_TILE;
        }
    }
    return bad;
}

// The shape of everything, in *a; what is wrong with the axes.
QQI_FN uint32_t qqi_eformer_plan_of(const qq_scheme *s, const qq_tensor *x,
                                    qq_array *a, struct qqi_eformer_plan *p)
{
    QQ_MEMSET(a, 0, sizeof *a);
    p->array = a;
    p->block = p->rows = 0;
    a->value.rank = a->scale.rank = x->rank;
    a->value.type = s->type == QQ_TYPE_SIGN ? QQ_TYPE_TERNARY : s->type;
    a->scale.type = qqi_is_plain(x->type) ? x->type : QQ_TYPE_F32;
    a->type = a->value.type;
    a->scale2 = 1.0f;
    for (unsigned i = 0; i < x->rank; i++) {
        a->value.shape[i] = x->shape[i];
        a->scale.shape[i] = 1;
        a->tile[i] = x->shape[i] ? x->shape[i] : 1;
    }
    if (s->channels >> x->rank != 0)
        return QQ_BAD_AXIS;
    if (s->type == QQ_TYPE_INT8)
        return qqi_eformer_channels(s, x, p);
    if (s->type != QQ_TYPE_NF4)
        return 0;
    if (x->rank == 0)
        return QQ_BAD_AXIS;
    for (unsigned i = 0; i + 1 < x->rank; i++) {
        a->scale.shape[i] = x->shape[i];
        a->tile[i] = 1;
    }
    return s->rule == QQ_RULE_EFORMER ? qqi_eformer_blocks(s, x, p)
                                      : qqi_eformer_flat_blocks(s, x, p);
}

// Tiles belong to nf4 and the last axis, channels to int8.
QQI_FN uint32_t qqi_eformer_check_axes(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = 0;
    unsigned tiles = 0;

    for (unsigned a = 0; a < QQ_MAX_RANK; a++) {
        const int here = s->type == QQ_TYPE_NF4 && (!x || a + 1 == x->rank);
        if (s->tile_fraction[a] != 0.0 || (s->tile[a] != 0 && !here))
            bad |= QQ_BAD_TILE;
        if (s->tile[a] != 0)
            tiles++;
    }
    if (s->type == QQ_TYPE_NF4 && tiles != 1)
        bad |= QQ_BAD_TILE;
    if (s->type != QQ_TYPE_INT8 && s->channels != 0)
        bad |= QQ_BAD_AXIS;
    return bad;
}

QQI_FN uint32_t qqi_eformer_check(const qq_scheme *s, const qq_tensor *x)
{
    const qq_calibration *c = &s->calibration;
    struct qqi_eformer_plan p;
    qq_array a;
    uint32_t bad = qqi_eformer_check_axes(s, x);

    if (!qqi_eformer_has_type(s->rule, s->type))
        bad |= QQ_BAD_TYPE;
    if (s->division != QQ_DIVISION_TRUE &&
        s->division != QQ_DIVISION_RECIPROCAL)
        bad |= QQ_BAD_RULE;
    if (c->method != QQ_CALIB_ABSMAX || (c->arg_count > 0 && c->args[0] != 1.0))
        bad |= QQ_BAD_CALIBRATION;
    if (s->noise != QQ_NOISE_NONE)
        bad |= QQ_BAD_NOISE;
    if (s->two_level || s->power_of_two)
        bad |= QQ_BAD_SCALE_TYPE;
    if (!x)
        return bad;
    if (!qqi_eformer_has_input(s->type, x->type))
        bad |= QQ_BAD_INPUT;
    else if (s->scale_type != QQ_TYPE_NONE && s->scale_type != x->type)
        bad |= QQ_BAD_SCALE_TYPE;
    return bad | qqi_eformer_plan_of(s, x, &a, &p);
}

#endif // QQUANT_ARRAY_EFORMER_PLAN_H
