// qquant floor 4: what the formats of bitsandbytes share.
//
// Numbers at any address, the magnitude of a block, the quotient of a number
// by it, and the checks of tensors, options and buffers.

#ifndef QQUANT_CODEC_BNB_FLOAT_H
#define QQUANT_CODEC_BNB_FLOAT_H

#include "api/bnb.h"
#include "num/half.h"
#include "num/step.h"

// f32, f16 and bf16 are quantized and made.
QQI_INLINE int qqi_bnb_is_float(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_F16 || type == QQ_TYPE_BF16;
}

QQI_INLINE size_t qqi_bnb_width(qq_type type)
{
    return type == QQ_TYPE_F32 || type == QQ_TYPE_INT32  ? 4
           : type == QQ_TYPE_F16 || type == QQ_TYPE_BF16 ? 2
                                                         : 1;
}

// Number i of an array at any address.
QQI_INLINE float qqi_bnb_load(qq_type type, const void *x, size_t i)
{
    const uint8_t *p = (const uint8_t *)x;

    if (type == QQ_TYPE_F32)
        return qqi_load_f32(p + 4 * i);
    const uint16_t h = qqi_load_u16(p + 2 * i);
    return type == QQ_TYPE_F16 ? qqi_f32_from_f16(h) : qqi_f32_from_bf16(h);
}

QQI_INLINE void qqi_bnb_store(qq_type type, void *x, size_t i, float v)
{
    uint8_t *p = (uint8_t *)x;

    if (type == QQ_TYPE_F32)
        qqi_store_f32(p + 4 * i, v);
    else
        qqi_store_u16(p + 2 * i, type == QQ_TYPE_F16 ? qqi_f16_from_f32(v)
                                                     : qqi_bf16_from_f32(v));
}

// The largest finite magnitude of count numbers, 0 if there is none.
QQI_INLINE float qqi_bnb_absmax(qq_type type, const void *x, size_t from,
                                size_t count)
{
    float top = 0.0f;

    for (size_t i = from; i < from + count; i++) {
        const float a = qqi_abs_f32(qqi_bnb_load(type, x, i));
        if (a > top && qqi_is_finite_f32(a))
            top = a;
    }
    return top;
}

// x / absmax, an infinity for itself, and 0 for NaN and where absmax is 0.
// Where r is not 0 it is 1 / absmax, and the quotient is x * r.
QQI_INLINE float qqi_bnb_ratio(float x, float absmax, float r)
{
    if (!qqi_is_finite_f32(x))
        return qqi_is_nan_f32(x) ? 0.0f : x;
    if (!(absmax > 0.0f))
        return 0.0f;
    return qqi_keep_f32(r > 0.0f ? x * r : x / absmax);
}

// How many pieces of size: n / size, rounded up.
QQI_INLINE size_t qqi_bnb_pieces(size_t n, size_t size)
{
    return n / size + (n % size != 0);
}

// *count = the product of a shape, so small that 16 times it is a size, too.
QQI_FN qq_status qqi_bnb_count(unsigned rank, const size_t *shape,
                               size_t *count)
{
    size_t n = 1;
    int empty = 0;

    if (rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    for (unsigned i = 0; i < rank; i++)
        empty |= shape[i] == 0;
    for (unsigned i = 0; i < rank && !empty; i++)
        if (!qqi_mul_size(n, shape[i], &n) || n > SIZE_MAX / 16)
            return QQ_ERR_SHAPE;
    *count = empty ? 0 : n;
    return QQ_OK;
}

// A tensor that can be read, of any type.
QQI_FN qq_status qqi_bnb_tensor(const qq_tensor *t, size_t *count)
{
    if (!t)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_bnb_count(t->rank, t->shape, count);
    if (status != QQ_OK)
        return status;
    return *count > 0 && !t->data ? QQ_ERR_ARGUMENT : QQ_OK;
}

// A tensor of that type and number of elements.
QQI_FN qq_status qqi_bnb_part(const qq_tensor *t, qq_type type, size_t count)
{
    size_t n = 0;

    if (t->type != type)
        return QQ_ERR_TYPE;
    const qq_status status = qqi_bnb_tensor(t, &n);
    if (status != QQ_OK)
        return status;
    return n != count ? QQ_ERR_SHAPE : QQ_OK;
}

QQI_FN qq_status qqi_bnb_buffer(const void *out, size_t out_bytes, size_t need)
{
    if (!out && out_bytes > 0)
        return QQ_ERR_ARGUMENT;
    return out_bytes < need ? QQ_ERR_SIZE : QQ_OK;
}

// How many elements a weight has, and how many scales.
typedef struct qqi_bnb_counts {
    size_t n;
    size_t blocks;
    size_t nested;
} qqi_bnb_counts;

QQI_INLINE int qqi_bnb_is_book(qq_type type)
{
    return type == QQ_TYPE_NF4 || type == QQ_TYPE_BNB_FP4;
}

QQI_INLINE int qqi_bnb_is_block(size_t size)
{
    return size >= 32 && size <= 4096 && (size & (size - 1)) == 0;
}

QQI_FN qq_tensor qqi_bnb_view(const void *data, qq_type type, unsigned rank,
                              const size_t *shape)
{
    qq_tensor t;

    QQ_MEMSET(&t, 0, sizeof t);
    t.data = data;
    t.type = type;
    t.rank = rank;
    for (unsigned i = 0; i < rank; i++)
        t.shape[i] = shape[i];
    return t;
}

// The same with one axis.
QQI_FN qq_tensor qqi_bnb_row(const void *data, qq_type type, size_t count)
{
    return qqi_bnb_view(data, type, 1, &count);
}

QQI_FN qq_tensor qqi_bnb_no_tensor(void)
{
    return qqi_bnb_view(NULL, QQ_TYPE_NONE, 0, NULL);
}

#endif // QQUANT_CODEC_BNB_FLOAT_H
