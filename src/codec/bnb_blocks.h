// qquant floor 4: the 8-bit block format of bitsandbytes.
//
//   scales [f32 a block], map [256 f32, if it is not the caller's], codes
//
// Optimizer states and nested scales are kept in it. See api/bnb.h.

#ifndef QQUANT_CODEC_BNB_BLOCKS_H
#define QQUANT_CODEC_BNB_BLOCKS_H

#include "codec/bnb_map.h"

// Codes and scales of n numbers.
QQI_FN void qqi_bnb_encode_blocks(qq_type type, const void *x, size_t n,
                                  size_t block_size, const void *map,
                                  uint8_t *absmax, uint8_t *codes)
{
    for (size_t from = 0; from < n; absmax += 4) {
        const size_t count = n - from < block_size ? n - from : block_size;
        const float top = qqi_bnb_absmax(type, x, from, count);
        qqi_store_f32(absmax, top);
        for (size_t i = from; i < from + count; i++) {
            const float v = qqi_bnb_load(type, x, i);
            codes[i] = (uint8_t)qqi_bnb_nearest((const uint8_t *)map,
                                                qqi_bnb_ratio(v, top, 0.0f));
        }
        from += count;
    }
}

QQ_API size_t qq_bnb_blocks_size(const qq_tensor *x, size_t block_size,
                                 const float *levels)
{
    size_t n = 0;

    if (qqi_bnb_tensor(x, &n) != QQ_OK || !qqi_bnb_is_float(x->type) ||
        block_size == 0 || (levels && !qqi_bnb_ascends(levels)))
        return SIZE_MAX;
    if (n == 0)
        return 0;
    const size_t map = levels ? 0 : (size_t)QQI_BNB_MAP_BYTES;
    return 4 * qqi_bnb_pieces(n, block_size) + map + n;
}

QQ_API qq_status qq_bnb_quantize_blocks(const qq_tensor *x, size_t block_size,
                                        const float *levels, void *out,
                                        size_t out_bytes, qq_bnb_blocks *view)
{
    uint8_t *p = (uint8_t *)out;
    const void *map = levels;
    size_t n = 0;

    const qq_status status = qqi_bnb_tensor(x, &n);
    if (status != QQ_OK)
        return status;
    if (!qqi_bnb_is_float(x->type))
        return QQ_ERR_TYPE;
    if (block_size == 0 || (levels && !qqi_bnb_ascends(levels)))
        return QQ_ERR_ARGUMENT;
    const size_t need = qq_bnb_blocks_size(x, block_size, levels);
    const qq_status fits = qqi_bnb_buffer(out, out_bytes, need);
    if (fits != QQ_OK)
        return fits;
    if (!view)
        return QQ_ERR_ARGUMENT;

    const size_t blocks = qqi_bnb_pieces(n, block_size);
    uint8_t *codes = n > 0 ? p + (need - n) : p;
    if (!levels && n > 0) {
        map = p + 4 * blocks;
        qqi_bnb_write_map(p + 4 * blocks);
    }
    qqi_bnb_encode_blocks(x->type, x->data, n, block_size, map, p, codes);
    view->codes = qqi_bnb_view(codes, QQ_TYPE_UINT8, x->rank, x->shape);
    view->absmax = qqi_bnb_row(p, QQ_TYPE_F32, blocks);
    view->quant_map = map ? qqi_bnb_row(map, QQ_TYPE_F32, QQI_BNB_LEVELS)
                          : qqi_bnb_no_tensor();
    view->block_size = block_size;
    return QQ_OK;
}

QQ_API qq_status qq_bnb_dequantize_blocks(const qq_bnb_blocks *b, qq_type type,
                                          void *out, size_t out_bytes,
                                          qq_tensor *view)
{
    size_t n = 0;

    if (!b || b->block_size == 0)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_bnb_tensor(&b->codes, &n);
    if (status == QQ_OK && b->codes.type != QQ_TYPE_UINT8)
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_bnb_part(&b->absmax, QQ_TYPE_F32,
                              qqi_bnb_pieces(n, b->block_size));
    if (status == QQ_OK && b->quant_map.type != QQ_TYPE_NONE)
        status = qqi_bnb_part(&b->quant_map, QQ_TYPE_F32, QQI_BNB_LEVELS);
    if (status == QQ_OK && !qqi_bnb_is_float(type))
        status = QQ_ERR_TYPE;
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, n * qqi_bnb_width(type));
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;

    const uint8_t *codes = (const uint8_t *)b->codes.data;
    const void *map =
        b->quant_map.type == QQ_TYPE_NONE ? NULL : b->quant_map.data;
    for (size_t i = 0; i < n; i++) {
        const float s =
            qqi_bnb_load(QQ_TYPE_F32, b->absmax.data, i / b->block_size);
        qqi_bnb_store(type, out, i, qqi_bnb_level(map, codes[i]) * s);
    }
    *view = qqi_bnb_view(out, type, b->codes.rank, b->codes.shape);
    return QQ_OK;
}

#endif // QQUANT_CODEC_BNB_BLOCKS_H
