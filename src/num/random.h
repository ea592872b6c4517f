// qquant floor 2: random bits, and numbers in [0, 1), as JAX draws them.
//
// Element i of total has its own bits of a width b (8, 16, 32):
//
//   partitionable  the low b bits of w0 ^ w1, (w0, w1) = block(i >> 32, i)
//   legacy         b bits, from the low end up, of a word of threefry_2x32
//                  over the counters 0 ... ceil(total * b / 32) - 1
//
// and u in [0, 1) is its upper 23 bits / 2^23 (f16: 10, bf16: 7 of 8), which
// is what JAX makes through the bits of a float in [1, 2).

#ifndef QQUANT_NUM_RANDOM_H
#define QQUANT_NUM_RANDOM_H

#include "api/random.h"
#include "num/half.h"
#include "num/threefry.h"

// A source of numbers whose range has been checked.
typedef struct qqi_random {
    qq_key key;
    uint32_t words; // legacy: of the whole array
    unsigned width;
    int legacy;
} qqi_random;

QQI_INLINE int qqi_layout_known(qq_random_layout layout)
{
    return layout == QQ_RANDOM_PARTITIONABLE || layout == QQ_RANDOM_LEGACY;
}

QQI_FN qq_status qqi_random_make(qqi_random *r, qq_key key,
                                 qq_random_layout layout, unsigned width,
                                 size_t total, size_t first, size_t count)
{
    const size_t per = 32 / width;

    if (!qqi_layout_known(layout))
        return QQ_ERR_ARGUMENT;
    if (first > total || count > total - first)
        return QQ_ERR_ARGUMENT;
    const size_t words = total / per + (total % per > 0);
    r->legacy = layout == QQ_RANDOM_LEGACY;
    if (r->legacy && words >> 16 >> 16 != 0)
        return QQ_ERR_UNSUPPORTED;
    r->key = key;
    r->words = (uint32_t)(words & 0xffffffffu);
    r->width = width;
    return QQ_OK;
}

// The bits of element i, right aligned.
QQI_INLINE uint32_t qqi_random_at(const qqi_random *r, size_t i)
{
    const uint32_t mask = r->width < 32 ? (1u << r->width) - 1 : ~(uint32_t)0;

    if (r->legacy) {
        const unsigned per = 32 / r->width;
        const uint32_t at = (uint32_t)(i / per);
        const uint32_t word = qqi_threefry_word(r->key, r->words, at);
        return word >> r->width * (unsigned)(i % per) & mask;
    }
    uint32_t x0 = (uint32_t)((uint64_t)i >> 32);
    uint32_t x1 = (uint32_t)((uint64_t)i & 0xffffffffu);
    qqi_threefry(r->key, &x0, &x1);
    return (x0 ^ x1) & mask;
}

// u of 32 bits; the product is exact.
QQI_INLINE float qqi_random_unit_at(const qqi_random *r, size_t i)
{
    const int32_t m = (int32_t)(qqi_random_at(r, i) >> 9);

    return (float)m * 1.1920928955078125e-7f;
}

QQ_API qq_status qq_random_bits(qq_key key, qq_random_layout layout,
                                unsigned width, size_t total, size_t first,
                                size_t count, void *out, size_t out_bytes)
{
    uint8_t *p = (uint8_t *)out;
    qqi_random r;

    if (!qqi_layout_known(layout))
        return QQ_ERR_ARGUMENT;
    if (width != 8 && width != 16 && width != 32)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qqi_random_make(&r, key, layout, width, total, first, count);
    if (status != QQ_OK || count == 0)
        return status;
    if (!out)
        return QQ_ERR_ARGUMENT;
    if (out_bytes / (width / 8) < count)
        return QQ_ERR_SIZE;

    for (size_t i = 0; i < count; i++) {
        const uint32_t b = qqi_random_at(&r, first + i);
        if (width == 8)
            p[i] = (uint8_t)b;
        else if (width == 16)
            qqi_store_u16(p + 2 * i, (uint16_t)b);
        else
            qqi_store_u32(p + 4 * i, b);
    }
    return QQ_OK;
}

QQ_API qq_status qq_random_unit(qq_key key, qq_random_layout layout,
                                qq_type type, size_t total, size_t first,
                                size_t count, void *out, size_t out_bytes)
{
    const unsigned width = type == QQ_TYPE_F32   ? 32
                           : type == QQ_TYPE_F16 ? 16
                                                 : 8;
    uint8_t *p = (uint8_t *)out;
    qqi_random r;

    if (!qqi_layout_known(layout))
        return QQ_ERR_ARGUMENT;
    if (type != QQ_TYPE_F32 && type != QQ_TYPE_F16 && type != QQ_TYPE_BF16)
        return QQ_ERR_TYPE;
    const qq_status status =
        qqi_random_make(&r, key, layout, width, total, first, count);
    if (status != QQ_OK || count == 0)
        return status;
    if (!out)
        return QQ_ERR_ARGUMENT;
    if (out_bytes / (type == QQ_TYPE_F32 ? 4 : 2) < count)
        return QQ_ERR_SIZE;

    for (size_t i = 0; i < count; i++) {
        const int32_t b = (int32_t)(qqi_random_at(&r, first + i) >> 1);
        if (type == QQ_TYPE_F32)
            qqi_store_f32(p + 4 * i, (float)(b >> 8) / 8388608.0f);
        else if (type == QQ_TYPE_F16)
            qqi_store_u16(p + 2 * i,
                          qqi_f16_from_f32((float)(b >> 5) / 1024.0f));
        else
            qqi_store_u16(p + 2 * i, qqi_bf16_from_f32((float)b / 128.0f));
    }
    return QQ_OK;
}

#endif // QQUANT_NUM_RANDOM_H
