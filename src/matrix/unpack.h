// qquant floor 7: panels back into an array, factors, rows.

#ifndef QQUANT_MATRIX_UNPACK_H
#define QQUANT_MATRIX_UNPACK_H

#include "array/tensor.h"
#include "kernel/scalar/core.h"
#include "matrix/code.h"
#include "matrix/plan.h"
#include "num/step.h"

// The tensors of the array and where they lie in out: scales, zero points,
// codes, and levels, aligned, with room to move.
typedef struct qqi_unpacked {
    qq_array a;
    size_t zero_at;
    size_t value_at;
    size_t levels_at;
    size_t bytes;
} qqi_unpacked;

QQI_FN int qqi_unpacked_make(const qq_matrix *w, qqi_unpacked *u)
{
    const size_t value[2] = {w->n, w->k};
    const size_t rows = w->tile_n == 0 ? w->n : w->tile_n;
    const size_t row_tiles = rows > 0 ? w->n / rows + (w->n % rows > 0) : 0;
    const size_t tiles[2] = {row_tiles, w->tiles};
    const int zero = qqi_matrix_has(w, QQ_MATRIX_ZERO_POINTS);
    qq_array *a = &u->a;

    QQ_MEMSET(u, 0, sizeof *u);
    a->value = qq_tensor_make(NULL, qqi_type_storage(w->type), 2, value);
    a->scale = qq_tensor_make(NULL, w->scale_type, 2, tiles);
    a->zero_point =
        qq_tensor_make(NULL, zero ? a->value.type : QQ_TYPE_NONE, 2, tiles);
    a->type = w->type;
    a->scale2 = qqi_matrix_scale2(w);
    a->tile[0] = a->zero_tile[0] = rows > 0 ? rows : 1;
    a->tile[1] = a->zero_tile[1] =
        qqi_matrix_tile(w) > 0 ? qqi_matrix_tile(w) : 1;
    const size_t scales = qq_tensor_bytes(&a->scale);
    const size_t zeros = zero ? qq_tensor_bytes(&a->zero_point) : 0;
    const size_t codes = qq_tensor_bytes(&a->value);
    const size_t levels = w->type == QQ_TYPE_BOOK ? 17 * sizeof(float) : 0;
    u->zero_at = scales;
    return scales != SIZE_MAX && zeros != SIZE_MAX && codes != SIZE_MAX &&
           qqi_add_size(scales, zeros, &u->value_at) &&
           qqi_add_size(u->value_at, codes, &u->levels_at) &&
           qqi_add_size(u->levels_at, levels, &u->bytes);
}

QQI_FN int qqi_is_matrix(const qq_matrix *w)
{
    return w != NULL && w->init == QQI_MATRIX_INIT;
}

QQ_API size_t qq_matrix_unpack_size(const qq_matrix *w)
{
    qqi_unpacked u;

    return qqi_is_matrix(w) && qqi_unpacked_make(w, &u) ? u.bytes : SIZE_MAX;
}

// Scales and zero points of row tile i.
QQI_FN void qqi_unpack_tiles(const qq_matrix *w, const qqi_unpacked *u,
                             size_t i, uint8_t *out)
{
    const size_t row = i * u->a.tile[0];
    const uint8_t *panel = qqi_matrix_panel(w, row / 16);
    const uint8_t *scale = panel + w->scale_at;
    const uint8_t flip = qqi_matrix_find(w->type)->flip;

    for (size_t t = 0; t < w->tiles; t++) {
        const size_t from = 16 * t + row % 16;
        const size_t to = i * w->tiles + t;
        if (w->scale_type == QQ_TYPE_F32)
            qqi_store_u32(out + 4 * to, qqi_load_le32(scale + 4 * from));
        else if (w->scale_type == QQ_TYPE_F16)
            qqi_store_u16(out + 2 * to, qqi_load_le16(scale + 2 * from));
        else
            out[to] = scale[from];
        if (w->zero_at != 0)
            qqi_store_code(u->a.zero_point.type, out + u->zero_at, to,
                           (uint32_t)(panel[w->zero_at + from] ^ flip));
    }
}

// The codes of the tensor, not those stored, of a row.
QQI_FN void qqi_row_codes(const qq_matrix *w, size_t row, size_t k,
                          size_t count, uint8_t *codes)
{
    const uint8_t flip = qqi_matrix_find(w->type)->flip;

    qqi_panel_codes(w, qqi_matrix_panel(w, row / 16), row % 16, k, count,
                    codes);
    for (size_t i = 0; i < count; i++)
        codes[i] ^= flip;
}

// The levels of a book, aligned: out has room for one more.
QQI_FN void qqi_unpack_levels(const qq_matrix *w, void *out, qq_array *a)
{
    const size_t off = (size_t)((uintptr_t)out % sizeof(float));
    const size_t skip = off > 0 ? sizeof(float) - off : 0;
    void *place = (uint8_t *)out + skip;
    float *levels = (float *)place;
    const int8_t *from = qqi_matrix_levels(w);

    a->level_count = w->bits == 2 ? 4 : 16;
    for (size_t i = 0; i < a->level_count; i++)
        levels[i] = (float)from[i];
    a->levels = levels;
}

QQ_API qq_status qq_matrix_unpack(const qq_matrix *w, void *out,
                                  size_t out_bytes, qq_array *view)
{
    qqi_unpacked u;
    uint8_t *p = (uint8_t *)out;
    uint8_t codes[64];

    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    if (!qqi_unpacked_make(w, &u))
        return QQ_ERR_SIZE;
    const qq_status status = qqi_check_bytes(u.bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    const unsigned bits = qq_type_bits(u.a.value.type);
    for (size_t i = 0; i < u.a.scale.shape[0]; i++)
        qqi_unpack_tiles(w, &u, i, p);
    for (size_t row = 0; row < w->n; row++) {
        for (size_t k = 0; k < w->k; k += 64) {
            const size_t count = w->k - k < 64 ? w->k - k : 64;
            qqi_row_codes(w, row, k, count, codes);
            qqi_pack_codes(bits, QQ_ORDER_LOW_FIRST, row * w->k + k, count,
                           codes, p + u.value_at);
        }
    }
    *view = u.a;
    if (u.bytes == 0)
        return QQ_OK;
    view->scale.data = p;
    if (w->zero_at != 0)
        view->zero_point.data = p + u.zero_at;
    view->value.data = p + u.value_at;
    if (w->type == QQ_TYPE_BOOK)
        qqi_unpack_levels(w, p + u.levels_at, view);
    return QQ_OK;
}

QQ_API qq_status qq_matrix_factors(const qq_matrix *w, float *a, float *b,
                                   float *bias)
{
    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < w->n; i++) {
        const uint8_t *panel = qqi_matrix_panel(w, i / 16) + i % 16 * 4;
        if (a != NULL)
            a[i] = w->factor_at ? qqi_load_le_f32(panel + w->factor_at) : 1.0f;
        if (bias != NULL)
            bias[i] = w->bias_at ? qqi_load_le_f32(panel + w->bias_at) : 0.0f;
    }
    const uint8_t *columns = qqi_matrix_bytes(w) + w->column_at;
    for (size_t i = 0; b != NULL && i < w->k; i++)
        b[i] = w->column_at ? qqi_load_le_f32(columns + 4 * i) : 1.0f;
    return QQ_OK;
}

#endif // QQUANT_MATRIX_UNPACK_H
