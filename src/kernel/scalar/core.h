// qquant floor 5: the scalar kernels' vocabulary: scales, sums, the ends.
//
// What these give is the definition; api/matmul.h says it in words.

#ifndef QQUANT_KERNEL_SCALAR_CORE_H
#define QQUANT_KERNEL_SCALAR_CORE_H

#include "kernel/cell.h"
#include "kernel/kernel.h"
#include "num/e8m0.h"
#include "num/half.h"
#include "num/minifloat.h"
#include "num/step.h"

QQI_INLINE float qqi_load_le_f32(const uint8_t *p)
{
    return qqi_f32_of(qqi_load_le32(p));
}

// v to nearest even. From 2^31 on it is shifted until it fits, what falls out
// being kept in the last bit: that lies seven bits below those that stay.
QQI_FN float qqi_f32_from_i64(int64_t v)
{
    if (v >= INT32_MIN && v <= INT32_MAX)
        return (float)(int32_t)v;
    uint64_t a = v < 0 ? (uint64_t)(-(v + 1)) + 1 : (uint64_t)v;
    uint32_t shift = 0;
    for (; a > 0x7fffffffu; shift++)
        a = a >> 1 | (a & 1);
    // Times a power of two: exact.
    const float f = (float)(int32_t)a * qqi_f32_of((127 + shift) << 23);
    return v < 0 ? -f : f;
}

// A scale as it is stored.
QQI_INLINE float qqi_stored_scale(qq_type type, const uint8_t *scales, size_t i)
{
    switch ((int)type) {
    case QQ_TYPE_F16:
        return qqi_f32_from_f16(qqi_load_le16(scales + 2 * i));
    case QQ_TYPE_E8M0:
        return qqi_f32_from_e8m0(scales[i]);
    case QQ_TYPE_E4M3FN:
        return qqi_f32_from_minifloat(&qqi_e4m3fn, scales[i]);
    default:
        return qqi_load_le_f32(scales + 4 * i);
    }
}

// s of a row of a tile.
QQI_INLINE float qqi_scale_of(const qqi_product *p, const uint8_t *panel,
                              size_t tile, size_t row)
{
    const float stored =
        qqi_stored_scale(p->scale_type, panel + p->scale_at, 16 * tile + row);

    return qqi_mul_f32(qqi_mul_f32(stored, p->scale2), p->unit);
}

// What is taken off a code: the zero point of a row of a tile, or add.
QQI_INLINE int32_t qqi_zero_of(const qqi_product *p, const uint8_t *panel,
                               size_t tile, size_t row)
{
    return p->zero_at != 0 ? panel[p->zero_at + 16 * tile + row] : p->add;
}

QQI_INLINE size_t qqi_tile_end(const qqi_product *p, size_t tile)
{
    const size_t first = tile * p->tile;

    return p->tile < p->k - first ? first + p->tile : p->k;
}

// v of a row of W and a row of x: their scale, factor and bias, what y holds
// already, the limits. sx is 1 where there is no scale by row: fl(v * 1) = v.
QQI_INLINE float qqi_end_one(const qqi_product *p, const uint8_t *panel,
                             size_t row, float acc, float sx, float before)
{
    const float a =
        p->factor_at ? qqi_load_le_f32(panel + p->factor_at + 4 * row) : 1.0f;
    const float bias =
        p->bias_at ? qqi_load_le_f32(panel + p->bias_at + 4 * row) : 0.0f;
    float v = qqi_fma_f32(qqi_mul_f32(acc, sx), a, bias);

    if (p->accumulate)
        v = before + v;
    v = v < p->lo ? p->lo : v;
    v = v > p->hi ? p->hi : v;
    return qqi_canon_f32(v);
}

// y of panel i and row column of x, from its 16 sums.
QQI_FN void qqi_end(const qqi_product *p, size_t i, size_t column, float sx,
                    const float *acc)
{
    const uint8_t *panel = qqi_panel(p, i);
    uint8_t *y = p->y + 4 * (column * p->ldy + 16 * i);
    const size_t rows = p->n - 16 * i < 16 ? p->n - 16 * i : 16;

    for (size_t r = 0; r < rows; r++) {
        const float before = p->accumulate ? qqi_load_f32(y + 4 * r) : 0.0f;
        qqi_store_f32(y + 4 * r, qqi_end_one(p, panel, r, acc[r], sx, before));
    }
}

#endif // QQUANT_KERNEL_SCALAR_CORE_H
