// qquant floor 5: what is wrong with a scheme: the questions rules share.

#ifndef QQUANT_ARRAY_CHECK_H
#define QQUANT_ARRAY_CHECK_H

#include "array/calibrate.h"
#include "array/parse.h"
#include "array/scheme.h"
#include "array/tensor.h"
#include "num/noise.h"

// Types that inputs come in.
QQI_FN int qqi_is_input_type(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

// Members that are enumerators, but for the type.
QQI_FN uint32_t qqi_check_enums(const qq_scheme *s)
{
    const int rule = (int)s->rule;
    const int range = (int)s->range;
    const int division = (int)s->division;
    const int noise = (int)s->noise;
    const int layout = (int)s->layout;

    if (rule < QQ_RULE_QQUANT || rule > QQ_RULE_FJFORMER ||
        range < QQ_RANGE_HALF_STEP || range > QQ_RANGE_FULL ||
        division < QQ_DIVISION_TRUE ||
        division > QQ_DIVISION_MULTIPLY_RECIPROCAL || noise < QQ_NOISE_NONE ||
        noise > QQ_NOISE_GIVEN || layout < QQ_RANDOM_PARTITIONABLE ||
        layout > QQ_RANDOM_LEGACY)
        return QQ_BAD_RULE;
    return 0;
}

// What holds under every rule. x may be NULL.
QQI_FN uint32_t qqi_check_common(const qq_scheme *s, const qq_tensor *x)
{
    uint32_t bad = qqi_check_enums(s);

    // eformer pads axes and takes integers: its rows judge x by themselves.
    if (x == NULL || s->rule >= QQ_RULE_EFORMER)
        return bad | qqi_check_roles(s, x == NULL ? QQ_MAX_RANK : x->rank);
    if (!qqi_is_input_type(x->type))
        bad |= QQ_BAD_INPUT;
    return bad | qqi_check_axes(s, x->rank, x->shape);
}

// A format has tiles, of its own size. A part of an axis is judged where the
// axis is known.
QQI_FN uint32_t qqi_check_format(const qq_scheme *s, const qq_tensor *x)
{
    const size_t want = qqi_type_info(s->type).tile;
    int tiled = want == 0;

    for (unsigned a = 0; a < QQ_MAX_RANK && want != 0; a++) {
        if (!qqi_axis_is_tiled(s, a))
            continue;
        tiled = 1;
        if (s->tile[a] == 0 && (x == NULL || a >= x->rank))
            continue;
        const size_t n = x != NULL && a < x->rank ? x->shape[a] : 0;
        if (qqi_scheme_tile_at(s, a, n) != want)
            return QQ_BAD_TILE;
    }
    return tiled ? 0 : QQ_BAD_TILE;
}

// Given noise is a float tensor that broadcasts to x.
QQI_FN int qqi_noise_fits(const qq_tensor *noise, const qq_tensor *x)
{
    if (noise == NULL || qq_tensor_check(noise) != QQ_OK ||
        !qqi_is_input_type(noise->type))
        return 0;
    if (x == NULL)
        return 1;
    if (noise->rank > x->rank)
        return 0;
    for (unsigned a = 0; a < noise->rank; a++) {
        const size_t n = x->shape[x->rank - noise->rank + a];
        if (noise->shape[a] != 1 && noise->shape[a] != n)
            return 0;
    }
    return 1;
}

// Whether noise can be drawn for x: the legacy layout has but 2^32 - 1 words.
QQI_FN int qqi_noise_drawable(const qq_scheme *s, const qq_tensor *x)
{
    const size_t each = 32 / qqi_noise_width(s->noise);
    size_t count = 1;

    if (s->layout != QQ_RANDOM_LEGACY || qq_tensor_count(x) == 0)
        return 1;
    for (unsigned a = 0; a < x->rank; a++) {
        if (!(s->noise_shared >> a & 1))
            count *= x->shape[a];
    }
    return ((count - 1) / each + 1) >> 16 >> 16 == 0;
}

// One that is drawn is shared along axes that exist.
QQI_FN uint32_t qqi_check_noise(const qq_scheme *s, const qq_tensor *x)
{
    if (s->noise == QQ_NOISE_NONE)
        return 0;
    if (s->noise == QQ_NOISE_GIVEN)
        return qqi_noise_fits(s->given_noise, x) ? 0 : QQ_BAD_NOISE;
    const unsigned rank = x != NULL ? x->rank : QQ_MAX_RANK;
    if (s->noise_shared >> rank != 0)
        return QQ_BAD_NOISE;
    return x == NULL || qqi_noise_drawable(s, x) ? 0 : QQ_BAD_NOISE;
}

// A finite number above 0.
QQI_FN int qqi_is_factor(double f)
{
    return f > 0.0 && qqi_is_finite_f64(f);
}

// A whole number from 1 to most.
QQI_FN int qqi_is_count(double n, double most)
{
    return n >= 1.0 && n <= most && n <= qqi_floor_f64(n);
}

// Numerics and their companions belong to AQT and FJ.
QQI_FN uint32_t qqi_check_no_numerics(const qq_scheme *s)
{
    if (s->numerics.kind != QQ_NUMERICS_NONE || s->power_of_two ||
        s->fake_quant || s->clips != NULL || s->bound != NULL ||
        s->bias != NULL || s->has_bias)
        return QQ_BAD_NUMERICS;
    return 0;
}

// Whether two pieces of memory share no byte: what QQ_ASSERT asks of inputs
// and outputs.
QQI_FN int qqi_apart(const void *p, size_t p_bytes, const void *q,
                     size_t q_bytes)
{
    const uintptr_t a = (uintptr_t)p;
    const uintptr_t b = (uintptr_t)q;

    return p_bytes == 0 || q_bytes == 0 ||
           (a < b ? b - a >= p_bytes : a - b >= q_bytes);
}

// The status that goes with the bits: that of the lowest.
QQI_FN qq_status qqi_status_of_bad(uint32_t bad)
{
    if (bad == 0)
        return QQ_OK;
    if (bad & (QQ_BAD_INIT | QQ_BAD_RULE))
        return QQ_ERR_SCHEME;
    if (bad & QQ_BAD_TYPE)
        return QQ_ERR_TYPE;
    if (bad & QQ_BAD_AXIS)
        return QQ_ERR_AXIS;
    if (bad & QQ_BAD_TILE)
        return QQ_ERR_SHAPE;
    if (bad == QQ_BAD_INPUT)
        return QQ_ERR_TYPE;
    return QQ_ERR_SCHEME;
}

#endif // QQUANT_ARRAY_CHECK_H
