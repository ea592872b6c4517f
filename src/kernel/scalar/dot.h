// qquant floor 5: the scalar dot engine, for all codes that are integers.
//
// Codes of four columns of W at a time become bytes, which are multiplied with
// four numbers of each column of q. At the end of a span the sums, exact in
// int32, are joined in int64: with S = sum u * q and Q = sum q, u being the
// code or what the book has for it,
//
//   D = sum over the digits of 256^d * (mul * S - z * Q), less zx * sum (c - z)
//
// 4 columns of q are in work at once, or 3 that are digits of one: rows of x
// are done 4, 2 or 1 at a time.

#ifndef QQUANT_KERNEL_SCALAR_DOT_H
#define QQUANT_KERNEL_SCALAR_DOT_H

#include "kernel/scalar/core.h"

typedef struct qqi_dot_work {
    int64_t total[4][16];
    float acc[4][16];
    int32_t sum[4][16];
} qqi_dot_work;

QQI_STATIC_ASSERT(dot_work, sizeof(qqi_dot_work) <= QQI_WORK_BYTES);

// sum[r] += 4 codes of row r times 4 numbers.
QQI_INLINE void qqi_dot_four(const uint8_t *u, const int8_t *q, int32_t *sum)
{
    for (size_t r = 0; r < 16; r++)
        sum[r] += u[4 * r] * q[0] + u[4 * r + 1] * q[1] + u[4 * r + 2] * q[2] +
                  u[4 * r + 3] * q[3];
}

// w->sum[c] = S of columns c0 to c0 + count - 1 of q and numbers k to end - 1
// (up to a multiple of 4: zeros of q follow).
QQI_FN void qqi_dot_span(const qqi_product *p, const uint8_t *cells,
                         const qqi_columns *g, size_t c0, size_t count,
                         size_t k, size_t end, qqi_dot_work *w)
{
    uint8_t u[64];

    QQ_MEMSET(w->sum, 0, count * sizeof w->sum[0]);
    for (; k < end; k += 4) {
        qqi_field(cells, p->bits, k, u);
        for (size_t i = 0; i < 64 && p->code == QQI_CODE_BOOK; i++)
            u[i] = p->book[u[i] & 15];
        for (size_t c = 0; c < count; c++)
            qqi_dot_four(u, g->q + qqi_columns_at(g, k, c0 + c), w->sum[c]);
    }
}

// Adds span s, in tile t, to total[c] of count rows of x from row i on.
QQI_FN void qqi_dot_join(const qqi_product *p, const uint8_t *panel, size_t t,
                         size_t s, const qqi_columns *g, size_t i, size_t count,
                         qqi_dot_work *w)
{
    for (size_t c = 0; c < count; c++) {
        int64_t times = 1;
        for (size_t d = 0; d < p->digits; d++) {
            const size_t column = c * p->digits + d;
            const int64_t sum = g->sum[s * g->width + i * p->digits + column];
            for (size_t r = 0; r < 16; r++)
                w->total[c][r] += times * (p->mul * (int64_t)w->sum[column][r] -
                                           qqi_zero_of(p, panel, t, r) * sum);
            times *= 256;
        }
    }
}

// The end of tile t: acc = fma(s, D, acc).
QQI_FN void qqi_dot_tile(const qqi_product *p, size_t panel_i, size_t t,
                         const qqi_columns *g, size_t i, size_t count,
                         qqi_dot_work *w)
{
    const uint8_t *panel = qqi_panel(p, panel_i);

    for (size_t c = 0; c < count; c++) {
        for (size_t r = 0; r < 16; r++) {
            float s = qqi_scale_of(p, panel, t, r);
            int64_t v = w->total[c][r];
            if (p->x_zero != 0) {
                const uint8_t *sums = qqi_panel_sums(p, panel_i);
                const uint32_t u = qqi_load_le32(sums + 4 * (16 * t + r));
                v -= (int64_t)p->x_zero * (int64_t)(int32_t)u;
            }
            if (p->input == QQ_INPUT_INT8_TILE)
                s = qqi_mul_f32(s, g->scale[t * g->width + i + c]);
            w->acc[c][r] = qqi_fma_f32(s, qqi_f32_from_i64(v), w->acc[c][r]);
        }
    }
}

// A panel and count rows of x from row i of the group on.
QQI_FN void qqi_dot_panel(const qqi_product *p, size_t panel_i,
                          const qqi_columns *g, size_t i, size_t count,
                          qqi_dot_work *w)
{
    const uint8_t *panel = qqi_panel(p, panel_i);
    const uint8_t *cells = qqi_panel_cells(p, panel_i);
    size_t s = 0;

    QQ_MEMSET(w->acc, 0, sizeof w->acc);
    for (size_t t = 0; t < p->tiles; t++) {
        const size_t end = qqi_tile_end(p, t);
        QQ_MEMSET(w->total, 0, sizeof w->total);
        for (size_t k = t * p->tile; k < end; k += p->span, s++) {
            const size_t to = p->span < end - k ? k + p->span : end;
            qqi_dot_span(p, cells, g, i * p->digits, count * p->digits, k, to,
                         w);
            qqi_dot_join(p, panel, t, s, g, i, count, w);
        }
        qqi_dot_tile(p, panel_i, t, g, i, count, w);
    }
}

QQI_FN void qqi_multiply_dot_scalar(const qqi_product *p, const qqi_columns *g,
                                    size_t first, size_t last, void *work)
{
    qqi_dot_work *w = (qqi_dot_work *)work;
    const size_t most = 4 / p->digits;

    for (size_t panel = first; panel < last; panel++) {
        for (size_t i = 0; i < g->count; i += most) {
            const size_t count = most < g->count - i ? most : g->count - i;
            qqi_dot_panel(p, panel, g, i, count, w);
            for (size_t c = 0; c < count; c++) {
                const int tiled = p->input == QQ_INPUT_INT8_TILE;
                const float sx = tiled ? 1.0f : g->scale[i + c];
                qqi_end(p, panel, g->first + i + c, sx, w->acc[c]);
            }
        }
    }
}

#endif // QQUANT_KERNEL_SCALAR_DOT_H
