// qquant floor 7: an array into panels.

#ifndef QQUANT_MATRIX_PACK_H
#define QQUANT_MATRIX_PACK_H

#include "array/make.h"
#include "codec/element.h"
#include "dispatch.h"
#include "matrix/code.h"
#include "matrix/open.h"
#include "matrix/plan.h"

// What is packed: rows of W from row on, as an array.
typedef struct qqi_source {
    const qq_array *a;
    const qq_matrix_options *o;
    size_t row;
} qqi_source;

// Stored codes of 16 rows of a panel, count columns from k on, at most 32, 32
// bytes a row; zeros for what there is not.
QQI_FN void qqi_source_codes(const qq_matrix *w, const qqi_source *s,
                             size_t panel, size_t k, size_t count,
                             uint8_t *codes)
{
    const qq_array *a = s->a;
    const uint8_t flip = qqi_matrix_find(w->type)->flip;
    const size_t rows = w->n - 16 * panel < 16 ? w->n - 16 * panel : 16;
    const size_t first = 16 * panel - s->row;
    const uint8_t most = (uint8_t)((1u << w->bits) - 1);

    QQ_MEMSET(codes, 0, 512);
    for (size_t r = 0; r < rows; r++) {
        uint8_t *row = codes + 32 * r;
        qqi_unpack_codes(qq_type_bits(a->value.type), QQ_ORDER_LOW_FIRST, 0,
                         (first + r) * w->k + k, count,
                         (const uint8_t *)a->value.data, row);
        for (size_t i = 0; i < count; i++)
            row[i] = row[i] > most ? most : (uint8_t)(row[i] ^ flip);
    }
}

QQI_FN void qqi_pack_cells(const qq_matrix *w, const qqi_source *s,
                           size_t panel, uint8_t *out)
{
    uint8_t codes[512];

    for (size_t k = 0; k < w->k; k += 32, out += 64 * w->bits) {
        const size_t count = w->k - k < 32 ? w->k - k : 32;
        qqi_source_codes(w, s, panel, k, count, codes);
        qqi_kernel_now()->pack(w->bits, count, codes, out);
    }
}

QQI_FN void qqi_pack_base3(const qq_matrix *w, const qqi_source *s,
                           size_t panel, uint8_t *out)
{
    uint8_t codes[512];
    unsigned power = 1;

    for (size_t k = 0; k < w->k; k += 16) {
        const size_t count = w->k - k < 16 ? w->k - k : 16;
        uint8_t *bytes = out + k / 80 * 256;
        if (k % 80 == 0) {
            QQ_MEMSET(bytes, 0, 256);
            power = 1;
        }
        qqi_source_codes(w, s, panel, k, count, codes);
        for (size_t i = 0; i < 256; i++) {
            const size_t row = i % 64 / 4;
            const size_t column = i / 64 * 4 + i % 4;
            bytes[i] = (uint8_t)(bytes[i] + power * codes[32 * row + column]);
        }
        power *= 3;
    }
}

// Scales and zero points of a row, r of the panel and row of the array.
QQI_FN void qqi_pack_row(const qq_matrix *w, const qq_array *a, size_t row,
                         size_t r, uint8_t *panel)
{
    const uint8_t flip = qqi_matrix_find(w->type)->flip;
    const size_t at = row / a->tile[0] * w->tiles;

    for (size_t t = 0; t < w->tiles; t++) {
        const size_t to = 16 * t + r;
        uint8_t *scale = panel + w->scale_at;
        const uint32_t u = qqi_load_code(a->scale.type, a->scale.data, at + t);
        if (a->scale.type == QQ_TYPE_BF16)
            qqi_store_le32(scale + 4 * to, u << 16);
        else if (a->scale.type == QQ_TYPE_F32)
            qqi_store_le32(scale + 4 * to, u);
        else if (a->scale.type == QQ_TYPE_F16)
            qqi_store_le16(scale + 2 * to, (uint16_t)u);
        else
            scale[to] = (uint8_t)u;
    }
    for (size_t t = 0; t < w->tiles && w->zero_at != 0; t++) {
        const size_t from = row / a->zero_tile[0] * w->tiles + t;
        const uint32_t z =
            qqi_load_code(a->zero_point.type, a->zero_point.data, from);
        panel[w->zero_at + 16 * t + r] = (uint8_t)(z ^ flip);
    }
}

// What stands behind the scales of a panel, all of it 0 before: factors, bias,
// offsets, and sums of the codes that are there.
QQI_FN void qqi_pack_rest(const qq_matrix *w, const qq_matrix_options *o,
                          size_t i, uint8_t *panel)
{
    const size_t rows = w->n - 16 * i < 16 ? w->n - 16 * i : 16;

    for (size_t r = 0; r < rows && w->factor_at != 0; r++)
        qqi_store_le32(panel + w->factor_at + 4 * r,
                       qqi_f32_bits(o->a[16 * i + r]));
    for (size_t r = 0; r < rows && w->bias_at != 0; r++)
        qqi_store_le32(panel + w->bias_at + 4 * r,
                       qqi_f32_bits(o->bias[16 * i + r]));
    for (size_t t = 0; t < w->tiles && w->offset_at != 0; t++)
        for (size_t r = 0; r < rows; r++)
            qqi_store_le32(
                panel + w->offset_at + 4 * (16 * t + r),
                qqi_f32_bits(o->offsets[(16 * i + r) * w->tiles + t]));
    if (w->sum_at != 0)
        qqi_sum_codes(w, rows, panel);
}

// A panel, all that is not set 0.
QQI_FN void qqi_pack_panel(const qq_matrix *w, const qqi_source *s, size_t i,
                           uint8_t *panel)
{
    const size_t rows = w->n - 16 * i < 16 ? w->n - 16 * i : 16;

    QQ_MEMSET(panel, 0, w->panel_bytes);
    if (qqi_matrix_has(w, QQ_MATRIX_BASE3))
        qqi_pack_base3(w, s, i, panel);
    else
        qqi_pack_cells(w, s, i, panel);
    for (size_t r = 0; r < rows; r++)
        qqi_pack_row(w, s->a, 16 * i + r - s->row, r, panel);
    qqi_pack_rest(w, s->o, i, panel);
}

// The levels of a book as integers; 0 where they are none.
QQI_FN int qqi_pack_levels(const qq_array *a, int8_t *levels)
{
    for (size_t i = 0; i < 16; i++) {
        const float v = a->levels[i < a->level_count ? i : 0];
        const int32_t r = qqi_sat_i32(v, -128, 127);
        if (v < (float)r || v > (float)r)
            return 0;
        levels[i] = (int8_t)r;
    }
    return 1;
}

// All that stands before the panels. w->data becomes out.
QQI_FN qq_status qqi_pack_head(qq_matrix *w, const qq_array *a,
                               const qq_matrix_options *o, void *out)
{
    uint8_t *p = (uint8_t *)out;
    int8_t levels[16];
    const int book = w->type == QQ_TYPE_BOOK;

    if (book && !qqi_pack_levels(a, levels))
        return QQ_ERR_TYPE;
    w->data = out;
    qqi_matrix_write(w, a->scale2, book ? levels : NULL, p);
    if (w->column_at == 0)
        return QQ_OK;
    for (size_t k = 0; k < w->k; k++)
        qqi_store_le32(p + w->column_at + 4 * k, qqi_f32_bits(o->b[k]));
    QQ_MEMSET(p + w->column_at + 4 * w->k, 0,
              w->panel_at - w->column_at - 4 * w->k);
    return QQ_OK;
}

// Whether base 3 can hold the codes.
QQI_FN int qqi_codes_are_ternary(const qq_tensor *codes)
{
    const size_t count = qq_tensor_count(codes);

    for (size_t i = 0; i < count; i++)
        if (qqi_load_code(QQ_TYPE_TERNARY, codes->data, i) == 3)
            return 0;
    return 1;
}

QQ_API qq_status qq_matrix_pack(const qq_array *a, const qq_matrix_options *o,
                                void *out, size_t out_bytes, qq_matrix *view)
{
    const qqi_source source = {a, o, 0};
    qq_matrix w;

    qq_status status = qqi_matrix_plan(a, o, &w);
    if (status == QQ_OK)
        status = qq_array_check(a);
    if (status == QQ_OK && qqi_matrix_has(&w, QQ_MATRIX_BASE3) &&
        !qqi_codes_are_ternary(&a->value))
        status = QQ_ERR_FORMAT;
    if (status == QQ_OK)
        status = qqi_check_bytes(w.bytes, out, out_bytes);
    if (status == QQ_OK && view == NULL)
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_pack_head(&w, a, o, out);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < w.panels; i++)
        qqi_pack_panel(&w, &source, i,
                       (uint8_t *)out + w.panel_at + i * w.panel_bytes);
    *view = w;
    return QQ_OK;
}

#endif // QQUANT_MATRIX_PACK_H
