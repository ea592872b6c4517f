// qquant floor 8: the original's packing of signs, and its inference layer.
//
// Element 0 is bit 7 of byte 0; a tensor of type sign has it as bit 0. So one
// becomes the other by turning every byte round.

#ifndef QQUANT_SOLVE_SIGNS_H
#define QQUANT_SOLVE_SIGNS_H

#include "api/onebit.h"
#include "codec/many.h"
#include "solve/hessian.h"

QQI_INLINE size_t qqi_sign_bytes(size_t count)
{
    return count / 8 + (count % 8 > 0);
}

QQI_FN int qqi_sign_type(qq_type type)
{
    return type == QQ_TYPE_INT8 || type == QQ_TYPE_F32 || type == QQ_TYPE_F16 ||
           type == QQ_TYPE_BF16;
}

QQ_API qq_status qq_onebit_pack_signs(size_t count, qq_type type,
                                      const void *values, void *packed,
                                      size_t packed_bytes)
{
    uint8_t *out = (uint8_t *)packed;
    float v[8];

    if (!qqi_sign_type(type))
        return QQ_ERR_TYPE;
    if (count > 0 && (values == NULL || packed == NULL))
        return QQ_ERR_ARGUMENT;
    if (packed_bytes < qqi_sign_bytes(count))
        return QQ_ERR_SIZE;
    for (size_t i = 0; i < count; i += 8) {
        const size_t n = count - i < 8 ? count - i : 8;
        unsigned byte = 255u >> n;
        qqi_load_values(type, values, i, n, v);
        for (size_t j = 0; j < n; j++)
            byte |= v[j] >= 0.0f ? 128u >> j : 0u;
        out[i / 8] = (uint8_t)byte;
    }
    return QQ_OK;
}

// -1 or 1.
QQI_INLINE int8_t qqi_sign_at(const uint8_t *packed, size_t i)
{
    return packed[i / 8] >> (7 - i % 8) & 1 ? 1 : -1;
}

QQ_API qq_status qq_onebit_unpack_signs(size_t count, const void *packed,
                                        size_t packed_bytes, int8_t *values)
{
    if (count > 0 && packed == NULL)
        return QQ_ERR_ARGUMENT;
    if (packed_bytes < qqi_sign_bytes(count))
        return QQ_ERR_SIZE;
    if (count > 0 && values == NULL)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < count; i++)
        values[i] = qqi_sign_at((const uint8_t *)packed, i);
    return QQ_OK;
}

QQI_INLINE uint8_t qqi_turn_byte(unsigned x)
{
    x = (x & 15) << 4 | x >> 4;
    x = (x & 51) << 2 | (x >> 2 & 51);
    return (uint8_t)((x & 85) << 1 | (x >> 1 & 85));
}

QQ_API qq_status qq_onebit_signs_to_tensor(size_t count, const void *packed,
                                           size_t packed_bytes, void *out,
                                           size_t out_bytes)
{
    const size_t bytes = qqi_sign_bytes(count);
    const uint8_t *from = (const uint8_t *)packed;
    uint8_t *to = (uint8_t *)out;

    if (count > 0 && packed == NULL)
        return QQ_ERR_ARGUMENT;
    if (packed_bytes < bytes)
        return QQ_ERR_SIZE;
    if (count > 0 && out == NULL)
        return QQ_ERR_ARGUMENT;
    if (out_bytes < bytes)
        return QQ_ERR_SIZE;
    for (size_t i = 0; i < bytes; i++)
        to[i] = qqi_turn_byte(from[i]);
    if (count % 8 > 0)
        to[bytes - 1] = (uint8_t)(to[bytes - 1] & ((1u << count % 8) - 1));
    return QQ_OK;
}

QQ_API qq_status qq_onebit_signs_from_tensor(const qq_tensor *sign,
                                             void *packed, size_t packed_bytes)
{
    const qq_status status = qq_tensor_check(sign);
    uint8_t *to = (uint8_t *)packed;

    if (status != QQ_OK)
        return status;
    if (sign->type != QQ_TYPE_SIGN)
        return QQ_ERR_TYPE;
    const size_t count = qq_tensor_count(sign);
    const size_t bytes = qqi_sign_bytes(count);
    if (count > 0 && packed == NULL)
        return QQ_ERR_ARGUMENT;
    if (packed_bytes < bytes)
        return QQ_ERR_SIZE;
    for (size_t i = 0; i < bytes; i++)
        to[i] = qqi_turn_byte(((const uint8_t *)sign->data)[i]);
    if (count % 8 > 0)
        to[bytes - 1] = (uint8_t)(to[bytes - 1] | 255u >> count % 8);
    return QQ_OK;
}

// --- the layer -------------------------------------------------------------

// A double to a type and back: one rounding.
QQI_FN double qqi_as_type(qq_type type, double x)
{
    if (type == QQ_TYPE_F16)
        return (double)qqi_f32_from_f16(qqi_f16_from_f64(x));
    if (type == QQ_TYPE_BF16)
        return (double)qqi_f32_from_bf16(qqi_bf16_from_f64(x));
    return type == QQ_TYPE_F32 ? (double)(float)x : x;
}

// Element i of a float tensor's data; f64 in full.
QQI_FN double qqi_float_at(qq_type type, const void *data, size_t i)
{
    float x;

    if (type == QQ_TYPE_F64)
        return qqi_load_f64((const uint8_t *)data + 8 * i);
    qqi_load_values(type, data, i, 1, &x);
    return (double)x;
}

QQ_API qq_status qq_onebit_forward(size_t n, size_t k, size_t m, qq_type type,
                                   const float *a, const float *b,
                                   const void *packed, const float *bias,
                                   const void *x, void *y)
{
    if (type != QQ_TYPE_F32 && type != QQ_TYPE_F16 && type != QQ_TYPE_BF16)
        return QQ_ERR_TYPE;
    if ((n > 0 && a == NULL) || (k > 0 && b == NULL) ||
        (n > 0 && k > 0 && packed == NULL) || (m > 0 && k > 0 && x == NULL) ||
        (m > 0 && n > 0 && y == NULL))
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < m; i++)
        for (size_t r = 0; r < n; r++) {
            const double ar = qqi_as_type(type, (double)a[r]);
            double sum = 0.0;
            for (size_t j = 0; j < k; j++) {
                const double bj = qqi_as_type(type, (double)b[j]);
                const double v = qqi_float_at(type, x, i * k + j);
                const double xb = qqi_as_type(type, v * bj);
                const int s = qqi_sign_at((const uint8_t *)packed, r * k + j);
                sum += xb * (s < 0 ? -ar : ar); // exact, both are floats
            }
            sum = qqi_as_type(type, sum);
            if (bias != NULL)
                sum =
                    qqi_as_type(type, sum + qqi_as_type(type, (double)bias[r]));
            const float out = (float)sum;
            qqi_store_values(type, y, i * n + r, 1, &out);
        }
    return QQ_OK;
}

#endif // QQUANT_SOLVE_SIGNS_H
