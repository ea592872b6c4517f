// qquant floor 5: 64 numbers at a time, as floats.
//
// Long loops go block by block, the loops inside have a constant length and no
// calls through pointers, so compilers can turn them into vectors. A block
// begins at a number that is a multiple of 64, so its codes begin at a whole
// byte, and a buffer is filled up with zeros where the tensor ends.

#ifndef QQUANT_ARRAY_BLOCK_H
#define QQUANT_ARRAY_BLOCK_H

#include "api/array.h"
#include "num/e8m0.h"
#include "num/half.h"
#include "num/minifloat.h"
#include "num/widen.h"

#define QQI_BLOCK 64

// The numbers of the next block, where left are left.
QQI_INLINE size_t qqi_block_size(size_t left)
{
    return left < QQI_BLOCK ? left : QQI_BLOCK;
}

// Numbers first ... first + n - 1 of floats in any type that scales and inputs
// come in: f32, f16, bf16, f64, e8m0, e4m3fn.
QQI_FN void qqi_load_floats(qq_type type, const void *data, size_t first,
                            size_t n, float *out)
{
    const uint8_t *p = (const uint8_t *)data;

    switch ((int)type) {
    case QQ_TYPE_F32:
        QQ_MEMCPY(out, p + 4 * first, 4 * n);
        return;
    case QQ_TYPE_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_f16(qqi_load_u16(p + 2 * (first + i)));
        return;
    case QQ_TYPE_BF16:
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_bf16(qqi_load_u16(p + 2 * (first + i)));
        return;
    case QQ_TYPE_F64:
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_f64(qqi_load_f64(p + 8 * (first + i)));
        return;
    case QQ_TYPE_E8M0:
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_e8m0(p[first + i]);
        return;
    default: // e4m3fn
        for (size_t i = 0; i < n; i++)
            out[i] = qqi_f32_from_minifloat(&qqi_e4m3fn, p[first + i]);
        return;
    }
}

// The way back, rounded to nearest even, e8m0 upwards; not to f64.
QQI_FN void qqi_store_floats(qq_type type, void *data, size_t first, size_t n,
                             const float *x)
{
    uint8_t *p = (uint8_t *)data;

    switch ((int)type) {
    case QQ_TYPE_F32:
        QQ_MEMCPY(p + 4 * first, x, 4 * n);
        return;
    case QQ_TYPE_F16:
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * (first + i), qqi_f16_from_f32(x[i]));
        return;
    case QQ_TYPE_BF16:
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * (first + i), qqi_bf16_from_f32(x[i]));
        return;
    case QQ_TYPE_E8M0:
        for (size_t i = 0; i < n; i++)
            p[first + i] = qqi_e8m0_from_f32(x[i], QQI_E8M0_UP);
        return;
    default: // e4m3fn
        for (size_t i = 0; i < n; i++)
            p[first + i] = qqi_minifloat_from_f32(&qqi_e4m3fn, x[i], 1);
        return;
    }
}

// A block rounded to f16 or bf16; of f32 nothing is done.
QQI_FN void qqi_block_to_type(qq_type type, float *v)
{
    if (type == QQ_TYPE_F16) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = qqi_f32_from_f16(qqi_f16_from_f32(v[i]));
    } else if (type == QQ_TYPE_BF16) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = qqi_f32_from_bf16(qqi_bf16_from_f32(v[i]));
    }
}

#endif // QQUANT_ARRAY_BLOCK_H
