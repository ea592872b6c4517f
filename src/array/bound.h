// qquant floor 5: the magnitude that the largest code stands for.

#ifndef QQUANT_ARRAY_BOUND_H
#define QQUANT_ARRAY_BOUND_H

#include "array/scheme.h"
#include "codec/value.h"

// The largest magnitude of a book's levels.
QQI_FN float qqi_book_largest(const float *levels, size_t count)
{
    float largest = 0.0f;

    for (size_t i = 0; i < count; i++) {
        const float a = qqi_abs_f32(levels[i]);
        largest = a > largest ? a : largest;
    }
    return largest;
}

// B of rule qquant: integers have the largest code, and half a step more
// unless the largest magnitude is to be exact; all others their largest value.
QQI_FN float qqi_qquant_bound(const qq_scheme *s)
{
    const qq_type_info info = qqi_type_info(s->type);
    const int half = s->range != QQ_RANGE_EXACT_MAX;

    if (s->type == QQ_TYPE_BOOK)
        return s->levels ? qqi_book_largest(s->levels, s->level_count) : 0.0f;
    if (info.kind != QQ_KIND_INTEGER)
        return info.largest;
    if (s->type == QQ_TYPE_SIGN)
        return 1.0f;
    return (float)info.max + (half ? 0.5f : 0.0f);
}

// How far the codes reach with at most half a step of error: as B, but for a
// small float half of its last step more. A power of two is chosen as a scale
// by this.
QQI_FN float qqi_qquant_reach(const qq_scheme *s)
{
    const float bound = qqi_qquant_bound(s);
    const qqi_minifloat *m = qqi_type_minifloat(s->type);

    if (m == NULL)
        return bound;
    // The last step of a float 2^e (1 + f) is 2^e / 2^mant_bits.
    const uint32_t power = qqi_f32_bits(bound) & 0x7f800000u;
    const uint32_t half = power - ((uint32_t)(m->mant_bits + 1) << 23);
    return bound + qqi_f32_of(half);
}

// B of AQT and FJ, whose codes reach to 2^(bits - 1).
QQI_FN float qqi_numerics_bound(const qq_numerics *n)
{
    const unsigned bits = n->bits < 32 ? n->bits : 0;
    float edge = bits > 0 ? (float)((uint32_t)1 << (bits - 1)) : 0.5f;

    edge -= n->preserve_zero ? 0.5f : 0.0f;
    return edge - (n->preserve_max ? 0.5f : 0.0f);
}

QQ_API float qq_scheme_bound(const qq_scheme *s)
{
    if (s == NULL || s->init != QQI_SCHEME_INIT)
        return 0.0f;
    switch (s->rule) {
    case QQ_RULE_QQUANT:
        return qqi_qquant_bound(s);
    case QQ_RULE_AQT:
    case QQ_RULE_FJ:
        if (s->numerics.kind == QQ_NUMERICS_INT)
            return qqi_numerics_bound(&s->numerics);
        return qqi_type_info(s->type).largest;
    case QQ_RULE_EFORMER:
    case QQ_RULE_EFORMER_FLAT:
    case QQ_RULE_FJFORMER:
        if (s->type == QQ_TYPE_INT8)
            return 127.0f;
        return qqi_type_info(s->type).largest;
    case QQ_RULE_QWIX:
    case QQ_RULE_QWIX_RELEASE:
    default:
        return qqi_type_bound(s->type);
    }
}

#endif // QQUANT_ARRAY_BOUND_H
