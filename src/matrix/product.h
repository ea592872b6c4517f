// qquant floor 7: what a product is asked for, checked and spelled out.

#ifndef QQUANT_MATRIX_PRODUCT_H
#define QQUANT_MATRIX_PRODUCT_H

#include "matrix/unpack.h"

// What qq_matmul_options_init leaves: "qpo1".
#define QQI_MATMUL_INIT 0x316f7071u

QQ_API qq_matmul_options qq_matmul_options_init(void)
{
    qq_matmul_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_MATMUL_INIT;
    o.x_type = QQ_TYPE_F32;
    o.input = QQ_INPUT_DEFAULT;
    o.hi = qqi_f32_of((uint32_t)QQI_F32_INF);
    o.lo = -o.hi;
    o.parts = 1;
    return o;
}

// What is wrong with options by themselves.
QQI_FN qq_status qqi_check_matmul_options(const qq_matmul_options *o)
{
    const int input = (int)o->input;

    if (o->init != QQI_MATMUL_INIT || o->parts == 0 || !(o->lo <= o->hi) ||
        input < QQ_INPUT_DEFAULT || input > QQ_INPUT_F32)
        return QQ_ERR_ARGUMENT;
    if (o->input == QQ_INPUT_INT8_STATIC &&
        (!(o->x_scale > 0.0f) || !qqi_is_finite_f32(o->x_scale) ||
         o->x_zero < -128 || o->x_zero > 127))
        return QQ_ERR_ARGUMENT;
    switch ((int)o->x_type) {
    case QQ_TYPE_F32:
    case QQ_TYPE_F16:
    case QQ_TYPE_BF16:
        return QQ_OK;
    case QQ_TYPE_INT8:
        return input <= QQ_INPUT_INT8_STATIC ? QQ_OK : QQ_ERR_TYPE;
    default:
        return QQ_ERR_TYPE;
    }
}

// The input that a product has; the default is spelled out.
QQI_INLINE qq_input qqi_input_of(const qq_matmul_options *o, int is_float)
{
    if (o->input != QQ_INPUT_DEFAULT)
        return o->input;
    return is_float ? QQ_INPUT_F32 : QQ_INPUT_INT8_ROW;
}

// Whether options and matrix, of format f, go together.
QQI_FN qq_status qqi_check_pairing(const qq_matrix *w,
                                   const qqi_matrix_format *f,
                                   const qq_matmul_options *o)
{
    const int is_float = qqi_format_is_float(f);
    const qq_input input = qqi_input_of(o, is_float);
    const int is_int8 = o->x_type == QQ_TYPE_INT8;

    if (is_float && input != QQ_INPUT_F32)
        return QQ_ERR_TYPE;
    if (is_int8 && (w->column_at != 0 || w->block > 0 || input == QQ_INPUT_F32))
        return QQ_ERR_TYPE;
    if (input == QQ_INPUT_INT8_STATIC && o->x_zero != 0 &&
        qqi_matrix_tile(w) > QQI_MOST_SUMMED)
        return QQ_ERR_SHAPE;
    // 2^31 * 255 * 8421504 < 2^63: joined digits fit int64.
    if (input == QQ_INPUT_INT24 && qqi_matrix_tile(w) >> 31 != 0)
        return QQ_ERR_SHAPE;
    return QQ_OK;
}

// The matrix in a product: meaning of the codes.
QQI_FN void qqi_product_codes(qqi_product *p, const qq_matrix *w,
                              const qqi_matrix_format *f)
{
    const size_t levels = (size_t)1 << (w->bits < 4 ? w->bits : 4);

    p->bits = w->bits;
    p->code = f->code;
    p->mul = f->mul;
    p->add = f->add;
    p->unit = 1.0f;
    QQ_MEMSET(p->book, 0, sizeof p->book);
    if (f->code != QQI_CODE_BOOK)
        return;
    float unit;
    const int8_t *book = qqi_format_book(f, qqi_matrix_levels(w), &unit);
    // Counts that compilers know: this is done for every product.
    for (size_t i = 0; i < 4; i++)
        p->book[i] = (uint8_t)(book[i] + f->add);
    for (size_t i = 4; i < 16 && levels == 16; i++)
        p->book[i] = (uint8_t)(book[i] + f->add);
    if (p->input != QQ_INPUT_F32) {
        p->unit = unit;
        return;
    }
    // All are loaded, whichever are looked up.
    for (size_t i = 0; i < 16; i++)
        p->levels[i] = qqi_format_level(f, qqi_matrix_levels(w), i % levels);
}

// And where its parts lie.
QQI_FN void qqi_product_matrix(qqi_product *p, const qq_matrix *w)
{
    p->n = w->n;
    p->k = w->k;
    p->tile = qqi_matrix_tile(w);
    p->tiles = w->tiles;
    p->scale_type = w->scale_type;
    p->scale2 = qqi_matrix_scale2(w);
    p->panels = qqi_matrix_panel(w, 0);
    p->panel_bytes = w->panel_bytes;
    p->scale_at = w->scale_at;
    p->zero_at = w->zero_at;
    p->factor_at = w->factor_at;
    p->bias_at = w->bias_at;
    p->factors = w->column_at ? qqi_matrix_bytes(w) + w->column_at : NULL;
    p->cells = p->panels;
    p->cells_bytes = p->panel_bytes;
    p->cells_from = 0;
    p->sums = NULL;
    if (p->x_zero != 0 && w->sum_at != 0)
        p->sums = p->panels + w->sum_at;
    p->sums_bytes = p->panel_bytes;
    p->sums_from = 0;
}

// A product but for x, y and strides, field by field: to clear all of it takes
// as long as to prepare a short row. QQ_ERR_SIZE beyond size_t.
QQI_FN qq_status qqi_product_make(qqi_product *p, const qq_matrix *w,
                                  const qq_matmul_options *o)
{
    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    const qqi_matrix_format *f = qqi_matrix_find(w->type);
    qq_status status = qqi_check_matmul_options(o);
    if (status == QQ_OK)
        status = qqi_check_pairing(w, f, o);
    if (status != QQ_OK)
        return status;
    p->input = qqi_input_of(o, qqi_format_is_float(f));
    p->x_type = o->x_type;
    p->x_scale = o->x_scale;
    p->x_scales = o->x_scales;
    p->x_zero = p->input == QQ_INPUT_INT8_STATIC ? o->x_zero : 0;
    p->digits = p->input == QQ_INPUT_INT24   ? 3
                : p->input == QQ_INPUT_INT16 ? 2
                                             : 1;
    p->lo = o->lo;
    p->hi = o->hi;
    p->accumulate = o->accumulate;
    p->open = w->offset_at != 0;
    qqi_product_codes(p, w, f);
    qqi_product_matrix(p, w);
    // Spans do not cross tiles: where a tile is longer there is only one.
    p->span = p->tile < QQI_SPAN ? p->tile : QQI_SPAN;
    p->spans = p->tile <= QQI_SPAN ? p->tiles
                                   : p->k / QQI_SPAN + (p->k % QQI_SPAN > 0);
    if (!qqi_add_size(p->k, 63, &p->padded))
        return QQ_ERR_SIZE;
    p->padded = p->padded / 64 * 64;
    return QQ_OK;
}

#endif // QQUANT_MATRIX_PRODUCT_H
