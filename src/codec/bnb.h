// qquant floor 4: the 4-bit formats of bitsandbytes: quantizing.
//
//   scales   f32 a block; nested: f32 a nested block, the dynamic map, then
//            a uint8 code a block
//   packed   byte i: code 2i in the high four bits, 2i + 1 in the low ones
//
// Blocks have an even number of codes, so no byte belongs to two of them. See
// api/bnb.h for what is computed.

#ifndef QQUANT_CODEC_BNB_H
#define QQUANT_CODEC_BNB_H

#include "codec/bnb_blocks.h"

#define QQI_BNB_INIT 0x626e6234u // "bnb4"

// The ranks of the fifteen middles between the levels of nf4, rounded to f32:
// a code is how many of them lie below. Qwix's thresholds (codec/nf4.h) differ
// from these by an ulp at six places.
static const int32_t qqi_bnb_nf4_last[15] QQI_UNUSED = {
    -0x3f591cd8, -0x3f1c5270, -0x3eeb8480, -0x3eadea76, -0x3e703cec,
    -0x3e0d38bc, -0x3d3a7871, 0x3d22faff,  0x3df64862,  0x3e5067e0,
    0x3e9582d4,  0x3ec753f9,  0x3f006d04,  0x3f248daf,  0x3f5c89da,
};

QQ_API qq_bnb_options qq_bnb_options_init(void)
{
    qq_bnb_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_BNB_INIT;
    o.type = QQ_TYPE_NF4;
    o.block_size = 64;
    return o;
}

QQI_INLINE unsigned qqi_bnb_code(qq_type type, float v)
{
    if (type == QQ_TYPE_BNB_FP4)
        return qqi_bnb_fp4_encode(v);
    const int32_t rank = qqi_rank_f32(v);
    unsigned code = 0;
    for (int i = 0; i < 15; i++)
        code += (unsigned)(rank > qqi_bnb_nf4_last[i]);
    return code;
}

QQI_FN qq_status qqi_bnb_check(const qq_tensor *x, const qq_bnb_options *o,
                               qqi_bnb_counts *c)
{
    const qq_status status = qqi_bnb_tensor(x, &c->n);

    if (status != QQ_OK)
        return status;
    if (!qqi_bnb_is_float(x->type))
        return QQ_ERR_TYPE;
    if (o->init != QQI_BNB_INIT)
        return QQ_ERR_ARGUMENT;
    if (!qqi_bnb_is_book(o->type))
        return QQ_ERR_TYPE;
    if (!qqi_bnb_is_block(o->block_size))
        return QQ_ERR_ARGUMENT;
    c->blocks = qqi_bnb_pieces(c->n, o->block_size);
    c->nested = o->nested_block_size > 0
                    ? qqi_bnb_pieces(c->blocks, o->nested_block_size)
                    : 0;
    return QQ_OK;
}

// The bytes before the packed codes.
QQI_FN size_t qqi_bnb_scale_bytes(const qqi_bnb_counts *c)
{
    if (c->nested == 0)
        return 4 * c->blocks;
    return 4 * c->nested + QQI_BNB_MAP_BYTES + c->blocks;
}

QQ_API size_t qq_bnb_size(const qq_tensor *x, const qq_bnb_options *o)
{
    const qq_bnb_options defaults = qq_bnb_options_init();
    qqi_bnb_counts c;

    if (qqi_bnb_check(x, o ? o : &defaults, &c) != QQ_OK)
        return SIZE_MAX;
    return qqi_bnb_scale_bytes(&c) + c.n / 2 + c.n % 2;
}

QQ_API size_t qq_bnb_scratch_size(const qq_tensor *x, const qq_bnb_options *o)
{
    const qq_bnb_options defaults = qq_bnb_options_init();
    qqi_bnb_counts c;

    if (qqi_bnb_check(x, o ? o : &defaults, &c) != QQ_OK)
        return SIZE_MAX;
    return c.nested > 0 ? 4 * c.blocks : 0;
}

// Codes of n numbers, and the f32 scale of every block.
QQI_FN void qqi_bnb_encode(qq_type type, size_t block_size, const qq_tensor *x,
                           size_t n, uint8_t *absmax, uint8_t *packed)
{
    for (size_t from = 0; from < n; from += block_size, absmax += 4) {
        const size_t count = n - from < block_size ? n - from : block_size;
        const float top = qqi_bnb_absmax(x->type, x->data, from, count);
        const float r = count == block_size && top > 0.0f ? 1.0f / top : 0.0f;
        const float by = qqi_is_finite_f32(r) ? r : 0.0f;
        qqi_store_f32(absmax, top);
        for (size_t i = from; i < from + count; i++) {
            const float v = qqi_bnb_load(x->type, x->data, i);
            const unsigned code = qqi_bnb_code(type, qqi_bnb_ratio(v, top, by));
            if (i % 2 == 0)
                packed[i / 2] = (uint8_t)(code << 4);
            else
                packed[i / 2] = (uint8_t)(packed[i / 2] | code);
        }
    }
    if (n % 2 != 0)
        packed[n / 2] = (uint8_t)(packed[n / 2] | qqi_bnb_code(type, 0.0f));
}

// Quantizes the scales in scratch to nested scales, the map and codes in out;
// the offset.
QQI_FN float qqi_bnb_nest(const qqi_bnb_counts *c, size_t nested_block_size,
                          uint8_t *scratch, uint8_t *out)
{
    uint8_t *map = out + 4 * c->nested;
    double sum = 0.0;

    for (size_t i = 0; i < c->blocks; i++)
        sum += qqi_f64_from_f32(qqi_load_f32(scratch + 4 * i));
    const float offset = qqi_f32_from_f64(sum / (double)c->blocks);
    for (size_t i = 0; i < c->blocks; i++) {
        const float s = qqi_load_f32(scratch + 4 * i);
        qqi_store_f32(scratch + 4 * i, s - offset);
    }
    qqi_bnb_write_map(map);
    qqi_bnb_encode_blocks(QQ_TYPE_F32, scratch, c->blocks, nested_block_size,
                          map, out, map + QQI_BNB_MAP_BYTES);
    return offset;
}

// The view of a weight that lies in out.
QQI_FN void qqi_bnb_describe(const qq_tensor *x, const qq_bnb_options *o,
                             const qqi_bnb_counts *c, const uint8_t *out,
                             qq_bnb_weight *w)
{
    const uint8_t *packed = c->n > 0 ? out + qqi_bnb_scale_bytes(c) : out;

    QQ_MEMSET(w, 0, sizeof *w);
    w->packed = qqi_bnb_row(packed, QQ_TYPE_UINT8, c->n / 2 + c->n % 2);
    w->quant_map = qqi_bnb_row(qq_book_levels(o->type), QQ_TYPE_F32, 16);
    w->absmax = qqi_bnb_row(out, QQ_TYPE_F32, c->blocks);
    w->nested_absmax = qqi_bnb_no_tensor();
    w->nested_quant_map = qqi_bnb_no_tensor();
    if (o->nested_block_size > 0) {
        const uint8_t *map = c->n > 0 ? out + 4 * c->nested : out;
        const size_t behind = c->n > 0 ? QQI_BNB_MAP_BYTES : 0;
        w->nested_absmax = qqi_bnb_row(out, QQ_TYPE_F32, c->nested);
        w->absmax = qqi_bnb_row(map + behind, QQ_TYPE_UINT8, c->blocks);
        if (c->n > 0)
            w->nested_quant_map = qqi_bnb_row(map, QQ_TYPE_F32, QQI_BNB_LEVELS);
    }
    for (unsigned i = 0; i < x->rank; i++)
        w->shape[i] = x->shape[i];
    w->rank = x->rank;
    w->type = o->type;
    w->dtype = x->type;
    w->block_size = o->block_size;
    w->nested_block_size = o->nested_block_size;
}

QQ_API qq_status qq_bnb_quantize(const qq_tensor *x, const qq_bnb_options *o,
                                 void *out, size_t out_bytes, void *scratch,
                                 size_t scratch_bytes, qq_bnb_weight *view)
{
    const qq_bnb_options defaults = qq_bnb_options_init();
    uint8_t *p = (uint8_t *)out;
    uint8_t *s = (uint8_t *)scratch;
    float offset = 0.0f;
    qqi_bnb_counts c;

    if (!o)
        o = &defaults;
    qq_status status = qqi_bnb_check(x, o, &c);
    if (status == QQ_OK)
        status = qqi_bnb_buffer(out, out_bytes, qq_bnb_size(x, o));
    if (status != QQ_OK)
        return status;
    if (!scratch && scratch_bytes > 0)
        return QQ_ERR_ARGUMENT;
    if (scratch_bytes < qq_bnb_scratch_size(x, o))
        return QQ_ERR_SCRATCH;
    if (!view)
        return QQ_ERR_ARGUMENT;
    if (c.n > 0) {
        qqi_bnb_encode(o->type, o->block_size, x, c.n, c.nested > 0 ? s : p,
                       p + qqi_bnb_scale_bytes(&c));
        if (c.nested > 0)
            offset = qqi_bnb_nest(&c, o->nested_block_size, s, p);
    }
    qqi_bnb_describe(x, o, &c, p, view);
    view->nested_offset = offset;
    return QQ_OK;
}

#endif // QQUANT_CODEC_BNB_H
