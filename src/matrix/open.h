// qquant floor 7: the header, written and read.

#ifndef QQUANT_MATRIX_OPEN_H
#define QQUANT_MATRIX_OPEN_H

#include "matrix/layout.h"

// The logarithm of a power of two.
QQI_FN uint32_t qqi_log2(size_t block)
{
    uint32_t log = 0;

    while (block >> log > 1)
        log++;
    return log;
}

// Header and constants of a matrix that is to be; levels: 16, or NULL.
QQI_FN void qqi_matrix_write(const qq_matrix *w, float scale2,
                             const int8_t *levels, uint8_t *out)
{
    QQ_MEMSET(out, 0, QQI_HEADER_BYTES);
    QQ_MEMCPY(out, "QQMX", 4);
    qqi_store_le16(out + 4, QQ_MATRIX_VERSION);
    qqi_store_le16(out + 6, (uint16_t)w->type);
    qqi_store_le16(out + 8, (uint16_t)w->scale_type);
    qqi_store_le16(out + 10, 1);
    qqi_store_le32(out + 12, w->flags);
    qqi_store_le64(out + 16, w->n);
    qqi_store_le64(out + 24, w->k);
    qqi_store_le32(out + 32, (uint32_t)w->tile_n);
    qqi_store_le32(out + 36, (uint32_t)w->tile_k);
    if (w->block > 0) {
        qqi_store_le32(out + 40, w->seed);
        qqi_store_le32(out + 44, qqi_log2(w->block));
    }
    qqi_store_le64(out + 48, w->bytes);
    if (!qqi_matrix_has(w, QQ_MATRIX_CONSTANTS))
        return;
    QQ_MEMSET(out + QQI_CONSTANTS_AT, 0, 64);
    qqi_store_le32(out + QQI_CONSTANTS_AT, qqi_f32_bits(scale2));
    if (levels == NULL)
        return;
    const size_t count = w->bits == 2 ? 4 : 16;
    qqi_store_le32(out + QQI_LEVEL_COUNT_AT, (uint32_t)count);
    QQ_MEMCPY(out + QQI_LEVELS_AT, levels, count);
}

QQI_FN int qqi_all_zero(const uint8_t *p, size_t count)
{
    unsigned any = 0;

    for (size_t i = 0; i < count; i++)
        any |= p[i];
    return any == 0;
}

// Whether the constants are what the type says; finds the bits of a book.
QQI_FN int qqi_matrix_open_constants(const uint8_t *p, qq_matrix *w)
{
    const uint32_t count = qqi_load_le32(p + QQI_LEVEL_COUNT_AT);

    if (w->type == QQ_TYPE_BOOK ? count != 4 && count != 16 : count != 0)
        return 0;
    if (count == 4)
        w->bits = 2;
    return qqi_all_zero(p + QQI_LEVELS_AT + count, 64 - 8 - count);
}

// A 64-bit size of the header as a size_t; 0 where that cannot hold it.
QQI_FN int qqi_open_size(const uint8_t *p, size_t *out)
{
    const uint64_t v = qqi_load_le64(p);

    *out = (size_t)v;
    return *out == v;
}

// No number beyond the enumerators becomes one.
QQI_INLINE qq_type qqi_open_type(const uint8_t *p)
{
    const unsigned v = qqi_load_le16(p);

    return v <= QQ_TYPE_NVFP4 ? (qq_type)v : QQ_TYPE_NONE;
}

// The rotation, which is 0 where there is none; k is known.
QQI_FN int qqi_open_rotation(const uint8_t *p, qq_matrix *w)
{
    const uint32_t log = qqi_load_le32(p + 44);

    if (!qqi_matrix_has(w, QQ_MATRIX_ROTATION))
        return qqi_all_zero(p + 40, 8);
    if (log >= 8 * sizeof(size_t) || w->k % ((size_t)1 << log) != 0)
        return 0;
    w->seed = qqi_load_le32(p + 40);
    w->block = (size_t)1 << log;
    return 1;
}

// What can be told from single fields.
QQI_FN qq_status qqi_matrix_open_fields(const uint8_t *p, qq_matrix *w)
{
    const unsigned version = qqi_load_le16(p + 4);

    w->type = qqi_open_type(p + 6);
    w->scale_type = qqi_open_type(p + 8);
    w->flags = qqi_load_le32(p + 12);
    w->tile_n = qqi_load_le32(p + 32);
    w->tile_k = qqi_load_le32(p + 36);
    if (version == 0)
        return QQ_ERR_FORMAT;
    if (version > QQ_MATRIX_VERSION || qqi_load_le16(p + 10) != 1 ||
        (w->flags & ~QQI_MATRIX_FLAGS) != 0)
        return QQ_ERR_VERSION;
    if (qqi_matrix_find(w->type) == NULL || !qqi_is_matrix_scale(w->scale_type))
        return QQ_ERR_TYPE;
    if (!qqi_all_zero(p + 56, 8))
        return QQ_ERR_FORMAT;
    if (!qqi_open_size(p + 16, &w->n) || !qqi_open_size(p + 24, &w->k))
        return QQ_ERR_SIZE;
    return qqi_open_rotation(p, w) ? QQ_OK : QQ_ERR_FORMAT;
}

QQ_API qq_status qq_matrix_open(const void *data, size_t bytes, qq_matrix *view)
{
    const uint8_t *p = (const uint8_t *)data;
    qq_matrix w;

    if ((p == NULL && bytes > 0) || view == NULL)
        return QQ_ERR_ARGUMENT;
    if (bytes < QQI_HEADER_BYTES || p[0] != 'Q' || p[1] != 'Q' || p[2] != 'M' ||
        p[3] != 'X')
        return QQ_ERR_FORMAT;
    QQ_MEMSET(&w, 0, sizeof w);
    w.data = data;
    const qq_status status = qqi_matrix_open_fields(p, &w);
    if (status != QQ_OK)
        return status;
    const qqi_matrix_format *f = qqi_matrix_find(w.type);
    w.bits = f->bits;
    if (!qqi_matrix_tiles_fit(&w) || !qqi_matrix_flags_fit(&w, f))
        return QQ_ERR_FORMAT;
    if (qqi_matrix_has(&w, QQ_MATRIX_CONSTANTS) &&
        (bytes < QQI_HEADER_BYTES + 64 || !qqi_matrix_open_constants(p, &w)))
        return QQ_ERR_FORMAT;
    if (!qqi_matrix_place(&w))
        return QQ_ERR_SIZE;
    if (qqi_load_le64(p + 48) != w.bytes || bytes < w.bytes)
        return QQ_ERR_FORMAT;
    *view = w;
    return QQ_OK;
}

#endif // QQUANT_MATRIX_OPEN_H
