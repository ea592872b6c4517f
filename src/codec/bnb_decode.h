// qquant floor 4: the 4-bit formats of bitsandbytes: dequantizing.
//
//   scale = absmax, or map[absmax] * nested_absmax + nested_offset
//   value = level * scale
//
// Every operation is rounded to f32.

#ifndef QQUANT_CODEC_BNB_DECODE_H
#define QQUANT_CODEC_BNB_DECODE_H

#include "codec/bnb_map.h"

// A weight whose tensors fit each other.
QQI_FN qq_status qqi_bnb_check_weight(const qq_bnb_weight *w, qqi_bnb_counts *c)
{
    if (!w)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_bnb_count(w->rank, w->shape, &c->n);
    if (status != QQ_OK)
        return status;
    if (!qqi_bnb_is_book(w->type) || !qqi_bnb_is_float(w->dtype))
        return QQ_ERR_TYPE;
    if (!qqi_bnb_is_block(w->block_size))
        return QQ_ERR_ARGUMENT;
    c->blocks = qqi_bnb_pieces(c->n, w->block_size);
    c->nested = 0;
    const int nest = w->nested_block_size > 0;
    if (nest)
        c->nested = qqi_bnb_pieces(c->blocks, w->nested_block_size);
    status = qqi_bnb_part(&w->packed, QQ_TYPE_UINT8, c->n / 2 + c->n % 2);
    if (status == QQ_OK)
        status = qqi_bnb_part(&w->absmax, nest ? QQ_TYPE_UINT8 : QQ_TYPE_F32,
                              c->blocks);
    if (status == QQ_OK && w->quant_map.type != QQ_TYPE_NONE)
        status = qqi_bnb_part(&w->quant_map, QQ_TYPE_F32, 16);
    if (status == QQ_OK && nest)
        status = qqi_bnb_part(&w->nested_absmax, QQ_TYPE_F32, c->nested);
    if (status == QQ_OK && nest && w->nested_quant_map.type != QQ_TYPE_NONE)
        status =
            qqi_bnb_part(&w->nested_quant_map, QQ_TYPE_F32, QQI_BNB_LEVELS);
    return status;
}

// The f32 scale of block i.
QQI_FN float qqi_bnb_scale(const qq_bnb_weight *w, size_t i)
{
    if (w->nested_block_size == 0)
        return qqi_bnb_load(QQ_TYPE_F32, w->absmax.data, i);
    const unsigned code = ((const uint8_t *)w->absmax.data)[i];
    const void *map = w->nested_quant_map.type == QQ_TYPE_NONE
                          ? NULL
                          : w->nested_quant_map.data;
    const float top = qqi_bnb_load(QQ_TYPE_F32, w->nested_absmax.data,
                                   i / w->nested_block_size);
    return qqi_mul_f32(qqi_bnb_level(map, code), top) + w->nested_offset;
}

QQ_API qq_status qq_bnb_scales(const qq_bnb_weight *w, void *out,
                               size_t out_bytes, qq_tensor *view)
{
    qqi_bnb_counts c;

    qq_status status = qqi_bnb_check_weight(w, &c);
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, 4 * c.blocks);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < c.blocks; i++)
        qqi_bnb_store(QQ_TYPE_F32, out, i, qqi_bnb_scale(w, i));
    *view = qqi_bnb_row(out, QQ_TYPE_F32, c.blocks);
    return QQ_OK;
}

QQ_API qq_status qq_bnb_dequantize(const qq_bnb_weight *w, qq_type type,
                                   void *out, size_t out_bytes, qq_tensor *view)
{
    qqi_bnb_counts c;

    qq_status status = qqi_bnb_check_weight(w, &c);
    if (status != QQ_OK)
        return status;
    if (type == QQ_TYPE_NONE)
        type = w->dtype;
    if (!qqi_bnb_is_float(type))
        return QQ_ERR_TYPE;
    status = qqi_bnb_buffer(out, out_bytes, c.n * qqi_bnb_width(type));
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;

    const uint8_t *packed = (const uint8_t *)w->packed.data;
    const void *levels = w->quant_map.type == QQ_TYPE_NONE
                             ? (const void *)qq_book_levels(w->type)
                             : w->quant_map.data;
    for (size_t block = 0; block < c.blocks; block++) {
        const float s = qqi_bnb_scale(w, block);
        size_t i = block * w->block_size;
        const size_t end = c.n - i < w->block_size ? c.n : i + w->block_size;
        for (; i < end; i++) {
            const unsigned code = (unsigned)packed[i / 2] >> (i % 2 ? 0 : 4);
            qqi_bnb_store(type, out, i, qqi_bnb_level(levels, code & 15) * s);
        }
    }
    *view = qqi_bnb_view(out, type, w->rank, w->shape);
    return QQ_OK;
}

#endif // QQUANT_CODEC_BNB_DECODE_H
