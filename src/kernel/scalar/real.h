// qquant floor 5: the scalar float engine: x as it is, codes as they decode.
//
// Inside a tile t = +0, then t = fma(v, x, t) column by column; at its end
// acc = fma(s, t, acc).

#ifndef QQUANT_KERNEL_SCALAR_REAL_H
#define QQUANT_KERNEL_SCALAR_REAL_H

#include "kernel/scalar/core.h"

typedef struct qqi_real_work {
    float v[16][4];
    float acc[4][16];
    float tile[4][16];
} qqi_real_work;

QQI_STATIC_ASSERT(real_work, sizeof(qqi_real_work) <= QQI_WORK_BYTES);

// The number a code stands for, less zero.
QQI_INLINE float qqi_real_code(const qqi_product *p, unsigned u, int32_t zero)
{
    switch (p->code) {
    case QQI_CODE_BOOK:
        return p->levels[u & 15];
    case QQI_CODE_E4M3FN:
        return qqi_f32_from_minifloat(&qqi_e4m3fn, (uint8_t)u);
    case QQI_CODE_E5M2:
        return qqi_f32_from_minifloat(&qqi_e5m2, (uint8_t)u);
    case QQI_CODE_PLAIN:
    default:
        return (float)(p->mul * (int32_t)u - zero);
    }
}

// Numbers k to end - 1, all in tile t, at most 4, k a multiple of 4, of count
// columns from column i on.
QQI_FN void qqi_real_field(const qqi_product *p, size_t panel_i, size_t t,
                           const qqi_columns *g, size_t i, size_t count,
                           size_t k, size_t end, qqi_real_work *w)
{
    const uint8_t *panel = qqi_panel(p, panel_i);
    uint8_t u[64];

    qqi_field(qqi_panel_cells(p, panel_i), p->bits, k, u);
    for (size_t r = 0; r < 16; r++)
        for (size_t j = 0; j < 4; j++)
            w->v[r][j] =
                qqi_real_code(p, u[4 * r + j], qqi_zero_of(p, panel, t, r));
    for (size_t j = 0; j < end - k; j++) {
        for (size_t c = 0; c < count; c++) {
            const float x = g->real[(k + j) * g->width + i + c];
            for (size_t r = 0; r < 16; r++)
                w->tile[c][r] = qqi_fma_f32(w->v[r][j], x, w->tile[c][r]);
        }
    }
}

QQI_FN void qqi_real_panel(const qqi_product *p, size_t panel_i,
                           const qqi_columns *g, size_t i, size_t count,
                           qqi_real_work *w)
{
    const uint8_t *panel = qqi_panel(p, panel_i);

    QQ_MEMSET(w->acc, 0, sizeof w->acc);
    for (size_t t = 0; t < p->tiles; t++) {
        const size_t end = qqi_tile_end(p, t);
        QQ_MEMSET(w->tile, 0, sizeof w->tile);
        for (size_t k = t * p->tile; k < end; k += 4) {
            const size_t to = 4 < end - k ? k + 4 : end;
            qqi_real_field(p, panel_i, t, g, i, count, k, to, w);
        }
        for (size_t c = 0; c < count; c++)
            for (size_t r = 0; r < 16; r++)
                w->acc[c][r] = qqi_fma_f32(qqi_scale_of(p, panel, t, r),
                                           w->tile[c][r], w->acc[c][r]);
    }
}

QQI_FN void qqi_multiply_real_scalar(const qqi_product *p, const qqi_columns *g,
                                     size_t first, size_t last, void *work)
{
    qqi_real_work *w = (qqi_real_work *)work;

    for (size_t panel = first; panel < last; panel++) {
        for (size_t i = 0; i < g->count; i += 4) {
            const size_t count = 4 < g->count - i ? 4 : g->count - i;
            qqi_real_panel(p, panel, g, i, count, w);
            for (size_t c = 0; c < count; c++)
                qqi_end(p, panel, g->first + i + c, 1.0f, w->acc[c]);
        }
    }
}

#endif // QQUANT_KERNEL_SCALAR_REAL_H
