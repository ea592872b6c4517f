// qquant floor 5: 64 codes to the numbers they stand for.
//
// The numbers are those of qq_type_decode and of the caller's own levels. Any
// bytes decode.

#ifndef QQUANT_ARRAY_DECODER_H
#define QQUANT_ARRAY_DECODER_H

#include "array/block.h"
#include "codec/codes.h"

struct qqi_decoder {
    qq_type type; // as stored
    unsigned bits;
    const float *levels; // of a caller's book; else NULL
    size_t level_count;
};

// levels: those of QQ_TYPE_BOOK; without them such codes count as numbers.
QQI_FN void qqi_decoder_make(struct qqi_decoder *d, qq_type type,
                             const float *levels, size_t level_count)
{
    const qqi_type_row *row = qqi_type_find(qqi_type_storage(type));

    d->type = row->type;
    d->bits = row->info.bits;
    d->levels = type == QQ_TYPE_BOOK ? levels : NULL;
    d->level_count = level_count;
}

// A block of codes of up to 8 bits, one byte each, sign-extended.
QQI_FN void qqi_block_values(const struct qqi_decoder *d, const uint8_t *code,
                             float *out)
{
    if (d->levels == NULL) {
        qqi_decode_codes(d->type, QQI_BLOCK, code, out);
        return;
    }
    for (int i = 0; i < QQI_BLOCK; i++) {
        const size_t c = code[i];
        out[i] = d->levels[c < d->level_count ? c : d->level_count - 1];
    }
}

// Codes first ... first + n - 1 of the packed data, n at most a block; the rest
// of out is unspecified.
QQI_FN void qqi_decode_block(const struct qqi_decoder *d, const void *data,
                             size_t first, size_t n, float *out)
{
    const uint8_t *p = (const uint8_t *)data;
    uint8_t code[QQI_BLOCK];

    if (d->bits == 16) {
        for (size_t i = 0; i < n; i++)
            out[i] = (float)qqi_load_i16(p + 2 * (first + i));
        return;
    }
    if (n < QQI_BLOCK)
        QQ_MEMSET(code, 0, sizeof code);
    qqi_unpack_codes(d->bits, QQ_ORDER_LOW_FIRST, qqi_type_is_signed(d->type),
                     first, n, p, code);
    qqi_block_values(d, code, out);
}

#endif // QQUANT_ARRAY_DECODER_H
