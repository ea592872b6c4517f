// qquant floor 8: fits: where codes and scales lie, and what they decode to.

#ifndef QQUANT_SOLVE_FIT_H
#define QQUANT_SOLVE_FIT_H

#include "codec/many.h"
#include "matrix/parts.h"
#include "solve/grid.h"
#include "solve/hessian.h"

// What qq_fit_make leaves: "fit1".
#define QQI_FIT_INIT 0x31746966u

QQI_INLINE int qqi_fit_ok(const qq_fit *f)
{
    return f != NULL && f->init == QQI_FIT_INIT && qqi_grid_ok(&f->grid);
}

QQI_FN int qqi_fit_describe(qq_fit *f, size_t n, size_t k, size_t tile,
                            const qq_grid *g)
{
    if (!qqi_grid_ok(g))
        return 0;
    QQ_MEMSET(f, 0, sizeof *f);
    f->init = QQI_FIT_INIT;
    f->grid = *g;
    f->n = n;
    f->k = k;
    f->tile = tile == 0 || tile > k ? (k > 0 ? k : 1) : tile;
    f->tiles = k / f->tile + (k % f->tile > 0);
    return 1;
}

QQI_FN void qqi_fit_place(qq_fit *f, qqi_pieces *p)
{
    const size_t scales = qqi_times(f->n, f->tiles);

    f->code = (uint8_t *)qqi_piece(p, qqi_times(f->n, f->k), 1);
    f->scale = (float *)qqi_piece(p, scales, sizeof(float));
    if (f->grid.offsets)
        f->offset = (float *)qqi_piece(p, scales, sizeof(float));
}

QQ_API size_t qq_fit_size(size_t n, size_t k, size_t tile, const qq_grid *g)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qq_fit f;

    if (!qqi_fit_describe(&f, n, k, tile, g))
        return SIZE_MAX;
    qqi_fit_place(&f, &p);
    return qqi_pieces_bytes(&p);
}

QQ_API qq_status qq_fit_make(size_t n, size_t k, size_t tile, const qq_grid *g,
                             void *memory, size_t bytes, qq_fit *f)
{
    const size_t need = qq_fit_size(n, k, tile, g);
    qqi_pieces p = qqi_pieces_make(memory);

    if (!qqi_grid_ok(g) || f == NULL ||
        (need > 0 && need != SIZE_MAX && memory == NULL))
        return QQ_ERR_ARGUMENT;
    if (need == SIZE_MAX || bytes < need)
        return QQ_ERR_SIZE;
    qqi_fit_describe(f, n, k, tile, g);
    if (need > 0) {
        qqi_fit_place(f, &p);
        QQ_MEMSET(p.base, 0, p.at);
    }
    return QQ_OK;
}

// A row of codes, its scales and offsets (NULL: none), as numbers.
QQI_FN void qqi_fit_decode(const qq_fit *f, const uint8_t *code,
                           const float *scale, const float *offset, float *v)
{
    for (size_t j = 0; j < f->k; j++) {
        const size_t t = j / f->tile;
        v[j] = qqi_decoded(scale[t], qqi_level(&f->grid, code[j]),
                           offset != NULL ? offset[t] : 0.0f, offset != NULL);
    }
}

QQI_INLINE const float *qqi_fit_offset(const qq_fit *f, size_t row)
{
    return f->offset != NULL ? f->offset + row * f->tiles : NULL;
}

QQ_API qq_status qq_fit_values(const qq_fit *f, float *v, size_t ldv)
{
    if (!qqi_fit_ok(f))
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_check_rows(f->n, f->k, v, ldv, sizeof(float));
    if (status != QQ_OK || f->k == 0)
        return status;
    for (size_t i = 0; i < f->n; i++)
        qqi_fit_decode(f, f->code + i * f->k, f->scale + i * f->tiles,
                       qqi_fit_offset(f, i), v + i * ldv);
    return QQ_OK;
}

// --- as an array -----------------------------------------------------------

// The type of array that a grid becomes; none: there is none.
QQI_FN qq_type qqi_fit_type(const qq_grid *g)
{
    static const qq_type integers[] = {QQ_TYPE_INT2, QQ_TYPE_INT3, QQ_TYPE_INT4,
                                       QQ_TYPE_INT5, QQ_TYPE_INT6, QQ_TYPE_INT7,
                                       QQ_TYPE_INT8};

    if (g->kind == QQ_GRID_HALF_STEP && g->count == 2)
        return QQ_TYPE_SIGN;
    if (g->kind != QQ_GRID_INTEGER)
        return QQ_TYPE_BOOK;
    if (g->count == 3)
        return QQ_TYPE_TERNARY;
    for (unsigned b = 2; b <= 8; b++)
        if (g->count == 1u << b)
            return integers[b - 2];
    return QQ_TYPE_NONE;
}

// Where its pieces lie in out; all are found by their bytes.
typedef struct qqi_fit_layout {
    qq_type type;
    unsigned bits; // of a code
    size_t scale_bytes;
    size_t level_at;
    size_t code_at;
    size_t bytes;
} qqi_fit_layout;

QQI_FN qq_status qqi_fit_plan(const qq_fit *f, qq_type scale_type,
                              qqi_fit_layout *l)
{
    if (!qqi_fit_ok(f))
        return QQ_ERR_ARGUMENT;
    l->type = qqi_fit_type(&f->grid);
    if (l->type == QQ_TYPE_NONE ||
        (scale_type != QQ_TYPE_F32 && scale_type != QQ_TYPE_F16))
        return QQ_ERR_TYPE;
    const int book = l->type == QQ_TYPE_BOOK;
    l->bits = book ? 8 : qq_type_bits(l->type);
    l->scale_bytes = qq_type_bits(scale_type) / 8;
    // The levels are floats of the machine: in the first aligned bytes.
    l->level_at = 0;
    size_t at = book ? f->grid.count * sizeof(float) + 3 : 0;
    size_t scales;
    if (!qqi_mul_size(f->n * f->tiles, l->scale_bytes, &scales) ||
        !qqi_add_size(at, scales, &l->code_at))
        return QQ_ERR_SIZE;
    const size_t codes =
        qq_type_bytes(book ? QQ_TYPE_UINT8 : l->type, qqi_times(f->n, f->k));
    if (codes == SIZE_MAX || !qqi_add_size(l->code_at, codes, &l->bytes))
        return QQ_ERR_SIZE;
    return QQ_OK;
}

QQ_API size_t qq_fit_array_size(const qq_fit *f, qq_type scale_type)
{
    qqi_fit_layout l;

    return qqi_fit_plan(f, scale_type, &l) == QQ_OK ? l.bytes : SIZE_MAX;
}

// Codes in bits, from the low ones up: integers in two's complement.
QQI_FN void qqi_fit_codes(const qq_fit *f, const qqi_fit_layout *l, void *out)
{
    const size_t count = f->n * f->k;
    const int shift = l->type == QQ_TYPE_TERNARY || l->type == QQ_TYPE_SIGN ||
                              l->type == QQ_TYPE_BOOK
                          ? 0
                          : (int)(f->grid.count / 2);
    uint8_t block[64];

    for (size_t i = 0; i < count; i += 64) {
        const size_t n = count - i < 64 ? count - i : 64;
        for (size_t j = 0; j < n; j++)
            block[j] = (uint8_t)((f->code[i + j] - shift) & 255);
        qqi_pack_codes(l->bits, QQ_ORDER_LOW_FIRST, i, n, block,
                       (uint8_t *)out);
    }
}

QQ_API qq_status qq_fit_array(const qq_fit *f, qq_type scale_type, void *out,
                              size_t out_bytes, qq_array *view)
{
    qqi_fit_layout l;
    const qq_status status = qqi_fit_plan(f, scale_type, &l);

    if (status != QQ_OK)
        return status;
    if (view == NULL || (out == NULL && l.bytes > 0))
        return QQ_ERR_ARGUMENT;
    if (out_bytes < l.bytes)
        return QQ_ERR_SIZE;
    uint8_t *p = (uint8_t *)out;
    const size_t shape[2] = {f->n, f->k};
    const size_t tiles[2] = {f->n, f->tiles};
    uint8_t *scales = p + l.code_at - f->n * f->tiles * l.scale_bytes;
    QQ_MEMSET(view, 0, sizeof *view);
    for (size_t i = 0; i < f->n * f->tiles; i++) {
        if (scale_type == QQ_TYPE_F32)
            qqi_store_f32(scales + 4 * i, f->scale[i]);
        else
            qqi_store_u16(scales + 2 * i, qqi_f16_from_f32(f->scale[i]));
    }
    qqi_fit_codes(f, &l, p + l.code_at);
    view->type = l.type;
    view->value = qq_tensor_make(p + l.code_at, l.type, 2, shape);
    view->scale = qq_tensor_make(scales, scale_type, 2, tiles);
    view->tile[0] = 1;
    view->tile[1] = f->tile;
    view->zero_tile[0] = 1;
    view->zero_tile[1] = f->tile;
    view->scale2 = 1.0f;
    if (l.type == QQ_TYPE_BOOK) {
        const size_t off = (size_t)((uintptr_t)p % 4);
        float *levels = (float *)(void *)(p + (off > 0 ? 4 - off : 0));
        for (unsigned i = 0; i < f->grid.count; i++)
            levels[i] = qqi_level(&f->grid, i);
        view->levels = levels;
        view->level_count = f->grid.count;
    }
    return QQ_OK;
}

#endif // QQUANT_SOLVE_FIT_H
