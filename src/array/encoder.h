// qquant floor 5: 64 scaled numbers to codes.
//
// The codes are those of qq_type_encode, cut to a range and with NaN as the
// rule wants it.

#ifndef QQUANT_ARRAY_ENCODER_H
#define QQUANT_ARRAY_ENCODER_H

#include "array/block.h"
#include "codec/codes.h"
#include "codec/element.h"

struct qqi_encoder {
    qq_type type; // as stored
    qq_kind kind;
    unsigned bits;
    int32_t lo; // integers: the range
    int32_t hi;
    int nan_is_zero; // 1: NaN gives the code of 0 where the type has no NaN
    int far;         // 1: nf4 beyond 2^23 as Qwix has it
    const qqi_book *book; // QQ_TYPE_BOOK
};

// x, or what stands for NaN; by bits, so that loops turn into vectors.
QQI_INLINE float qqi_number_or(float x, float nan)
{
    const uint32_t u = qqi_f32_bits(x);
    const int is_nan = (u & 0x7fffffffu) > (uint32_t)QQI_F32_INF;

    return qqi_f32_of(is_nan ? qqi_f32_bits(nan) : u);
}

// Integers of any width, to nearest even, offsets added, cut to the range; NaN
// counts as 0. offset may be NULL.
QQI_FN void qqi_block_integers(const struct qqi_encoder *e, const float *y,
                               const int16_t *offset, int16_t *code)
{
    for (int i = 0; i < QQI_BLOCK; i++) {
        const int32_t z = offset != NULL ? offset[i] : 0;
        code[i] = (int16_t)(qqi_sat_i32(y[i], e->lo - z, e->hi - z) + z);
    }
}

// Where the type has no code for NaN, or the rule another one: 0; and one NaN
// for all where it has, for their signs differ between machines.
QQI_FN void qqi_block_clean(const struct qqi_encoder *e, float *y)
{
    const float nan = e->nan_is_zero ? 0.0f : qqi_f32_of(QQI_F32_NAN);

    for (int i = 0; i < QQI_BLOCK; i++)
        y[i] = qqi_number_or(y[i], nan);
}

// The codes of a type of up to 8 bits, one byte each. y may be changed.
QQI_FN void qqi_block_codes(const struct qqi_encoder *e, float *y,
                            const int16_t *offset, uint8_t *code)
{
    int16_t wide[QQI_BLOCK];

    if (offset != NULL) {
        qqi_block_integers(e, y, offset, wide);
        for (int i = 0; i < QQI_BLOCK; i++)
            code[i] = (uint8_t)(wide[i] & 255);
        return;
    }
    if (e->kind == QQ_KIND_INTEGER && e->type != QQ_TYPE_SIGN) {
        qqi_encode_codes_integer(e->lo, e->hi, e->type == QQ_TYPE_TERNARY,
                                 QQI_BLOCK, y, code);
        return;
    }
    qqi_block_clean(e, y);
    if (e->type == QQ_TYPE_BOOK) {
        for (int i = 0; i < QQI_BLOCK; i++)
            code[i] = qqi_book_code(e->book, y[i]);
    } else if (e->type == QQ_TYPE_NF4 && e->far) {
        for (int i = 0; i < QQI_BLOCK; i++)
            code[i] = (uint8_t)qqi_nf4_encode_qwix(y[i]);
    } else {
        qqi_encode_codes(e->type, QQI_BLOCK, y, code);
    }
}

// Codes first ... first + n - 1 of the packed data, first being a multiple of
// the block, n at most one.
QQI_FN void qqi_encode_block(const struct qqi_encoder *e, float *y,
                             const int16_t *offset, void *data, size_t first,
                             size_t n)
{
    uint8_t *p = (uint8_t *)data;

    if (e->bits == 16) {
        int16_t wide[QQI_BLOCK];
        qqi_block_integers(e, y, offset, wide);
        QQ_MEMCPY(p + 2 * first, wide, 2 * n);
    } else {
        uint8_t code[QQI_BLOCK];
        qqi_block_codes(e, y, offset, code);
        qqi_pack_codes(e->bits, QQ_ORDER_LOW_FIRST, first, n, code, p);
    }
}

// The same from any number on, in a place where codes before and behind have
// been written or will be: they stay.
QQI_FN void qqi_encode_apart(const struct qqi_encoder *e, float *y, void *data,
                             size_t first, size_t n)
{
    uint8_t code[QQI_BLOCK];
    int16_t wide[QQI_BLOCK];

    if (e->bits == 16)
        qqi_block_integers(e, y, NULL, wide);
    else
        qqi_block_codes(e, y, NULL, code);
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = e->bits == 16 ? (uint16_t)wide[i] : code[i];
        qqi_store_code(e->type, data, first + i, c);
    }
}

#endif // QQUANT_ARRAY_ENCODER_H
