// qquant floor 7: what the offsets of a matrix add to a product.
//
// Phase 0 sums x, as it is multiplied, over every tile; before a group meets a
// panel y becomes what the offsets make of these sums, and the kernels add to
// that. (api/matmul.h has the steps.)

#ifndef QQUANT_MATRIX_OFFSET_H
#define QQUANT_MATRIX_OFFSET_H

#include "matrix/ahead.h"

// The sum of codes k to end - 1 of a column.
QQI_FN int64_t qqi_total_codes(const qqi_columns *g, size_t column, size_t k,
                               size_t end)
{
    int64_t total = 0;

    while (k < end) {
        const size_t left = g->unit - k % g->unit;
        const size_t count = left < end - k ? left : end - k;
        const int8_t *q = g->q + qqi_columns_at(g, k, column);
        int32_t sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += q[i];
        total += sum;
        k += count;
    }
    return total;
}

// S of row i of the group in tile t.
QQI_FN float qqi_total_of(const qqi_product *p, const qqi_columns *g, size_t i,
                          size_t t)
{
    const size_t first = t * p->tile, end = qqi_tile_end(p, t);
    int64_t total = -(int64_t)p->x_zero * (int64_t)(end - first);
    int64_t times = 1;
    float sum = 0.0f;

    if (p->input == QQ_INPUT_F32) {
        for (size_t k = first; k < end; k++)
            sum = sum + g->real[k * g->width + i];
        return sum;
    }
    for (unsigned d = 0; d < p->digits; d++, times *= 256)
        total += times * qqi_total_codes(g, i * p->digits + d, first, end);
    return qqi_f32_from_i64(total);
}

// The sums of all rows of a group, by the scales of x where tiles have some.
QQI_FN void qqi_total_rows(const qqi_matmul *t, const qqi_columns *g)
{
    const qqi_product *p = &t->p;
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    void *at = t->scratch + t->room.total_at;
    float *total = (float *)at + g->first * p->tiles;

    for (size_t i = 0; i < g->count; i++)
        for (size_t j = 0; j < p->tiles; j++, total++) {
            *total = qqi_total_of(p, g, i, j);
            if (tiled)
                *total = *total * g->scale[j * g->width + i];
        }
}

// What the offsets of a panel make of a row of x: 16 numbers. Products of two
// floats are exact in f64, fused or not.
QQI_FN void qqi_offset_sums(const qqi_matmul *t, const uint8_t *panel,
                            const float *total, float *u)
{
    const uint8_t *o = panel + t->w->offset_at;
    double e[16] = {0};

    for (size_t j = 0; j < t->p.tiles; j++, o += 64)
        for (size_t r = 0; r < 16; r++) {
            const double x = (double)qqi_load_le_f32(o + 4 * r);
            e[r] = e[r] + x * (double)total[j];
        }
    for (size_t r = 0; r < 16; r++)
        u[r] = (float)e[r];
}

// y of the rows of a group in panel i, to be added to.
QQI_FN void qqi_offset_panel(const qqi_matmul *t, const qqi_columns *g,
                             size_t i)
{
    const qqi_product *p = &t->p;
    const int whole =
        p->input != QQ_INPUT_INT8_TILE && p->input != QQ_INPUT_F32;
    const uint8_t *panel = qqi_panel(p, i);
    const size_t rows = p->n - 16 * i < 16 ? p->n - 16 * i : 16;
    const void *at = t->scratch + t->room.total_at;
    const float *total = (const float *)at + g->first * p->tiles;
    float u[16];

    for (size_t c = 0; c < g->count; c++, total += p->tiles) {
        uint8_t *y = p->y + 4 * ((g->first + c) * p->ldy + 16 * i);
        const float sx = whole ? g->scale[c] : 1.0f;
        qqi_offset_sums(t, panel, total, u);
        for (size_t r = 0; r < rows; r++) {
            const float a = p->factor_at
                                ? qqi_load_le_f32(panel + p->factor_at + 4 * r)
                                : 1.0f;
            const float v = qqi_mul_f32(qqi_mul_f32(u[r], sx), a);
            qqi_store_f32(y + 4 * r,
                          t->accumulate ? qqi_load_f32(y + 4 * r) + v : v);
        }
    }
}

// Panels first to last - 1.
QQI_FN void qqi_offset_rows(const qqi_matmul *t, const qqi_columns *g,
                            size_t first, size_t last)
{
    for (size_t i = first; i < last; i++)
        qqi_offset_panel(t, g, i);
}

QQ_API qq_status qq_matrix_offsets(const qq_matrix *w, float *out,
                                   size_t out_bytes)
{
    size_t need;

    if (!qqi_is_matrix(w))
        return QQ_ERR_ARGUMENT;
    if (!qqi_mul_size(w->n, w->tiles, &need) || !qqi_mul_size(need, 4, &need))
        return QQ_ERR_SIZE;
    const qq_status status = qqi_check_bytes(need, out, out_bytes);
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < w->n; i++) {
        const uint8_t *o = qqi_matrix_panel(w, i / 16) + w->offset_at;
        for (size_t t = 0; t < w->tiles; t++)
            out[i * w->tiles + t] =
                w->offset_at != 0 ? qqi_load_le_f32(o + 4 * (16 * t + i % 16))
                                  : 0.0f;
    }
    return QQ_OK;
}

#endif // QQUANT_MATRIX_OFFSET_H
