// Float tensors to quantize, schemes of every kind, and by definition: which
// scale a number has, and what its code stands for.

#ifndef QQUANT_TESTS_ARRAY_WEIGHTS_H
#define QQUANT_TESTS_ARRAY_WEIGHTS_H

#include "random_array.h"

#include <math.h>

// Roughly normal, standard deviation 1.
static inline float weights_normal(void)
{
    float sum = 0.0f;

    for (int i = 0; i < 6; i++)
        sum += check_uniform();
    return sum * 0.70710677f;
}

static inline void weights_set(const qq_tensor *t, size_t i, float x)
{
    uint8_t *p = (uint8_t *)(uintptr_t)t->data;
    const uint32_t u = qq_type_encode(t->type, x);
    const uint16_t h = (uint16_t)(u & 0xffff);

    if (t->type == QQ_TYPE_F32)
        memcpy(p + 4 * i, &u, 4);
    else
        memcpy(p + 2 * i, &h, 2);
}

static inline void weights_fill(const qq_tensor *t, float scale)
{
    const size_t n = qq_tensor_count(t);

    for (size_t i = 0; i < n; i++)
        weights_set(t, i, scale * weights_normal());
}

// A tensor of f32, f16 or bf16 in exactly its bytes, at an odd address.
static inline qq_tensor weights_tensor(qq_type type, unsigned rank,
                                       const size_t *shape, float scale)
{
    qq_tensor t = qq_tensor_make(NULL, type, rank, shape);

    t.data = room(qq_tensor_bytes(&t));
    weights_fill(&t, scale);
    return t;
}

// The index of the scale of number i.
static inline size_t weights_scale_of(const qq_array *a, size_t i)
{
    size_t at = 0;
    size_t stride = 1;

    for (unsigned k = a->value.rank; k-- > 0;) {
        const size_t n = a->value.shape[k];
        at += i % n / a->tile[k] * stride;
        i /= n;
        stride *= a->scale.shape[k];
    }
    return at;
}

// What number i stands for, by the equation, in double.
static inline double weights_value(const qq_array *a, size_t i)
{
    const double scale =
        (double)qq_tensor_value(&a->scale, weights_scale_of(a, i));
    double v = (double)qq_tensor_value(&a->value, i);

    if (a->type == QQ_TYPE_BOOK)
        v = (double)a->levels[qq_tensor_code(&a->value, i)];
    if (a->zero_point.type != QQ_TYPE_NONE)
        v -= (double)qq_tensor_value(&a->zero_point, weights_scale_of(a, i));
    return v * scale * (double)a->scale2;
}

// Quantizes into exactly the bytes that are asked for.
static inline qq_status weights_quantize(const qq_tensor *x, const qq_scheme *s,
                                         qq_array *a)
{
    const size_t bytes = qq_array_size(x, s);

    if (bytes == SIZE_MAX)
        return qq_quantize(x, s, NULL, 0, a);
    return qq_quantize(x, s, room(bytes), bytes, a);
}

static const qq_type weights_types[] = {
    QQ_TYPE_SIGN,     QQ_TYPE_TERNARY,  QQ_TYPE_INT2,        QQ_TYPE_INT3,
    QQ_TYPE_INT4,     QQ_TYPE_INT5,     QQ_TYPE_INT6,        QQ_TYPE_INT7,
    QQ_TYPE_INT8,     QQ_TYPE_INT16,    QQ_TYPE_UINT2,       QQ_TYPE_UINT4,
    QQ_TYPE_UINT8,    QQ_TYPE_E4M3FN,   QQ_TYPE_E5M2,        QQ_TYPE_E4M3,
    QQ_TYPE_E4M3FNUZ, QQ_TYPE_E5M2FNUZ, QQ_TYPE_E4M3B11FNUZ, QQ_TYPE_E3M4,
    QQ_TYPE_E2M3,     QQ_TYPE_E3M2,     QQ_TYPE_E2M1,        QQ_TYPE_NF4,
    QQ_TYPE_BNB_FP4,  QQ_TYPE_BOOK,     QQ_TYPE_MXFP8,       QQ_TYPE_MXFP8_16,
    QQ_TYPE_MXFP4,    QQ_TYPE_NVFP4};
#define WEIGHTS_TYPES (sizeof weights_types / sizeof *weights_types)

static const float weights_levels[11] = {-1.5f, -0.8f, -0.3f, -0.1f, 0.0f, 0.1f,
                                         0.25f, 0.5f,  0.9f,  1.2f,  2.0f};

// The scheme of a type with its defaults, a book's levels, and a format's tile
// on an axis of an array of that rank.
static inline qq_scheme weights_scheme(qq_type type, unsigned rank,
                                       unsigned axis)
{
    qq_scheme s = qq_scheme_init(type);
    qq_type_info info;

    (void)qq_type_get(type, &info);
    if (type == QQ_TYPE_BOOK) {
        s.levels = weights_levels;
        s.level_count = 11;
    }
    if (info.tile != 0)
        (void)qq_scheme_tile(&s, (int)axis, rank, info.tile);
    return s;
}

#endif // QQUANT_TESTS_ARRAY_WEIGHTS_H
