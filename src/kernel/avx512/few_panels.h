// qquant floor 5: up to four columns of x, or eight, by AVX-512: panels, widths
// (avx512/few.h has the loop).
//
// Scales stand in a panel as f32, f16 or e8m0, and are made into f32 while they
// are used; others, and zero points, are made ahead, a few tiles at a time.

#ifndef QQUANT_KERNEL_AVX512_FEW_PANELS_H
#define QQUANT_KERNEL_AVX512_FEW_PANELS_H

#include "kernel/avx512/few.h"
#include "kernel/avx512/few_lone_tiles.h"
#include "kernel/avx512/few_whole.h"
#include "kernel/avx512/lone.h"

#if QQI_HAS_AVX512

// Bytes of panels that a cache of the second level keeps.
#  define QQI_FEW_NEAR ((size_t)3 << 19)

// Whether tiles begin with cells, codes are bytes at most, and sums fit.
QQI_INLINE int qqi_few_fits_avx512(const qqi_product *p)
{
    const size_t columns = qqi_cell_columns(p->bits);
    const int wide = p->bits == 8 && (p->code != QQI_CODE_PLAIN || p->mul != 1);

    return (p->bits == 2 || p->bits == 4 || p->bits == 8) && !wide &&
           !qqi_is_long_avx512(p) &&
           (p->tiles <= 1 || p->tile % columns == 0) &&
           qqi_start_kind_avx512(p) != QQI_START_PLAIN;
}

// Whether panels are bytes, and near: those the dot engine reads faster, but
// from memory it does not.
QQI_INLINE int qqi_few_is_near_avx512(const qqi_product *p, size_t panels)
{
    return p->bits == 8 && panels * p->panel_bytes <= QQI_FEW_NEAR;
}

// --- what is made ahead ----------------------------------------------------

// What starts of a run of tiles need, of panel i, the to-th of these.
QQI_AVX512_VNNI_FN void qqi_few_zeros_avx512(const qqi_few_avx512 *w, size_t i,
                                             size_t to)
{
    const qqi_product *p = w->p;

    for (size_t t = w->first; t < w->last; t++) {
        const size_t at = t - w->first;
        __m512i less = _mm512_setzero_si512();
        if (p->x_zero != 0)
            less = qqi_less_zero_avx512(p, i, t, less);
        qqi_store_avx512(w->made->less[to][at], less);
        qqi_store_avx512(w->made->zero[to][at],
                         qqi_zeros_avx512(p, qqi_panel(p, i), t));
    }
}

// Makes a run of tiles ready, of panels from panel on.
QQI_AVX512_VNNI_FN void qqi_few_ready_avx512(qqi_few_avx512 *w, size_t panel,
                                             size_t real)
{
    const qqi_product *p = w->p;

    w->scale = qqi_panel(p, panel) + p->scale_at + w->first * w->hop;
    w->scale_side = w->apart * p->panel_bytes;
    if (w->scales) {
        const void *made = w->made->scale[0][0];
        w->scale = (const uint8_t *)made;
        w->scale_side = w->apart * sizeof w->made->scale[0];
    }
    for (size_t i = 0; i < real && w->scales; i++)
        qqi_row_scales_of_avx512(p, NULL, panel + i, w->first,
                                 w->last - w->first, w->made->scale[i][0]);
    for (size_t i = 0; i < real && w->zeros; i++)
        qqi_few_zeros_avx512(w, panel + i, i);
}

// --- panels ----------------------------------------------------------------

// y of panels from panel on, real of them, from their sums.
QQI_AVX512_VNNI_FN void qqi_few_store_avx512(const qqi_few_avx512 *w,
                                             size_t panel, size_t real)
{
    const int tiled = w->p->input == QQ_INPUT_INT8_TILE;
    const __m512 *acc = w->made->acc;

    for (size_t i = 0; i < real; i++, acc += w->g->width) {
        const qqi_ending_avx512 e = qqi_ending_of_avx512(w->p, panel + i);
        uint8_t *y = w->p->y + 4 * (w->g->first * w->p->ldy + 16 * (panel + i));
        for (size_t c = 0; c < w->g->count; c++, y += 4 * w->p->ldy)
            qqi_end_rows_avx512(&e, tiled ? 1.0f : w->g->scale[c], acc[c], y);
    }
}

// y of panels from panel on. Only one of two may be real: the other is the same
// one, or not even that.
QQI_AVX512_VNNI_INLINE void qqi_few_panels_avx512(qqi_few_avx512 *w,
                                                  size_t panel, size_t real,
                                                  unsigned b, unsigned panels,
                                                  unsigned count)
{
    const size_t tiles = w->p->tiles;
    const size_t some = QQI_FEW_TILES;
    const size_t most = w->scales || w->zeros ? some : tiles;
    const unsigned parts =
        count > 1 && count <= 4 ? qqi_few_parts_avx512(w) : 0;
    // Sixteen have no room in registers beside as many sums.
    __m512 near[12];
    __m512 *acc = panels * count > 12 ? w->made->acc : near;

    w->cells = qqi_panel_cells(w->p, panel);
    w->apart = real > 1;
    w->side = w->apart * w->p->cells_bytes;
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * count; i++)
        acc[i] = _mm512_setzero_ps();
    for (w->first = 0; w->first < tiles; w->first = w->last) {
        w->last = most < tiles - w->first ? w->first + most : tiles;
        qqi_few_ready_avx512(w, panel, real);
        if (parts == 1)
            qqi_few_whole_avx512(w, b, panels, count, 1, acc);
        else if (parts == 2)
            qqi_few_whole_avx512(w, b, panels, count, 2, acc);
        else
            qqi_few_run_avx512(w, b, panels, count, acc);
    }
    if (panels * count <= 12) {
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++)
            w->made->acc[i] = near[i];
    }
    qqi_few_store_avx512(w, panel, real);
}

// --- sets ------------------------------------------------------------------

typedef void (*qqi_few_avx512_fn)(qqi_few_avx512 *w, size_t panel, size_t real);

#  define QQI_FEW_AVX512(b, count, panels)                                     \
      QQI_AVX512_VNNI_FN void qqi_few_##b##_##count##x##panels(                \
          qqi_few_avx512 *w, size_t panel, size_t real)                        \
      {                                                                        \
          qqi_few_panels_avx512(w, panel, real, b, panels, count);             \
      }
#  define QQI_FEWS_AVX512(b)                                                   \
      QQI_FEW_AVX512(b, 1, 2)                                                  \
      QQI_FEW_AVX512(b, 2, 2)                                                  \
      QQI_FEW_AVX512(b, 3, 2)                                                  \
      QQI_FEW_AVX512(b, 4, 2)                                                  \
      QQI_FEW_AVX512(b, 1, 4)                                                  \
      QQI_FEW_AVX512(b, 2, 4)                                                  \
      QQI_FEW_AVX512(b, 3, 3)                                                  \
      QQI_FEW_AVX512(b, 4, 3)                                                  \
      QQI_FEW_AVX512(b, 8, 2)
#  define QQI_FEW_ROW_AVX512(b)                                                \
      {qqi_few_##b##_1x2, qqi_few_##b##_2x2, qqi_few_##b##_3x2,                \
       qqi_few_##b##_4x2, qqi_few_##b##_1x4, qqi_few_##b##_2x4,                \
       qqi_few_##b##_3x3, qqi_few_##b##_4x3, qqi_few_##b##_8x2}

QQI_FEWS_AVX512(2)
QQI_FEWS_AVX512(4)
QQI_FEWS_AVX512(8)

// Bytes of cells from where on, and how far away, the cells of the next panels
// are asked for, if there are any; those that are expanded ahead are near.
QQI_INLINE void qqi_few_next_avx512(qqi_few_avx512 *w, size_t panels, int more)
{
    const qqi_product *p = w->p;
    const size_t cells = qqi_cells_bytes(p->bits, p->k);
    const size_t ahead = QQI_FEW_AHEAD < cells ? QQI_FEW_AHEAD : cells;
    const int near = p->cells_bytes != p->panel_bytes;

    w->turn = near ? 0 : cells - ahead;
    w->jump = near || !more ? 0 : panels * p->panel_bytes - (cells - ahead);
}

// Groups of three or four panels; what is left, or four instead of three and
// one, in pairs.
QQI_FN void qqi_multiply_few_avx512(qqi_few_avx512 *w, size_t first,
                                    size_t last)
{
    static const qqi_few_avx512_fn by[][9] = {
        QQI_FEW_ROW_AVX512(2), QQI_FEW_ROW_AVX512(4), QQI_FEW_ROW_AVX512(8)};
    const size_t width = w->g->width;
    const size_t most = width == 8 ? 2 : width > 2 ? 3 : 4;
    const qqi_few_avx512_fn *fn = by[w->p->bits / 4] + width - 1;

    for (size_t step, left; first < last; first += step) {
        left = last - first;
        step = left < most || (left == 4 && most == 3) ? 2 : most;
        step = step < left ? step : left;
        qqi_few_next_avx512(w, step, step <= left - step);
        fn[step > 2 ? 4 : width == 8 ? 1 : 0](w, first, step);
    }
}

QQI_AVX512_VNNI_FN void qqi_few_begin_avx512(const qqi_product *p,
                                             const qqi_columns *g, void *work,
                                             qqi_few_avx512 *w)
{
    w->p = p;
    w->g = g;
    w->made = (qqi_few_made_avx512 *)work;
    w->low = qqi_few_table_avx512(p, 0);
    w->high = qqi_few_table_avx512(p, 2);
    w->zeros = p->zero_at != 0 || p->x_zero != 0;
    w->scales = qqi_f32_bits(p->scale2) != 0x3f800000u ||
                p->scale_type == QQ_TYPE_E4M3FN;
    w->scale_type = w->scales ? QQ_TYPE_F32 : p->scale_type;
    w->units = !w->scales && qqi_f32_bits(p->unit) != 0x3f800000u;
    w->hop = w->scale_type == QQ_TYPE_F32   ? 64
             : w->scale_type == QQ_TYPE_F16 ? 32
                                            : 16;
}

QQI_AVX512_VNNI_FN void qqi_multiply_vnni_avx512(const qqi_product *p,
                                                 const qqi_columns *g,
                                                 size_t first, size_t last,
                                                 void *work)
{
    static const qqi_dot_loops_avx512 loops = {
        {QQI_DOT_ROW_AVX512(vnni, 1), QQI_DOT_ROW_AVX512(vnni, 2)},
        {qqi_dot_vnni_1xrows, qqi_dot_vnni_2xrows},
        {qqi_dot_vnni_3xtiles, qqi_dot_vnni_3xtiled, qqi_dot_vnni_3xbytes,
         qqi_dot_vnni_3xtiled_bytes}};
    qqi_vector_avx512_fn vector;

    const int few = g->width <= 4 ||
                    (g->width == 8 && !qqi_few_is_near_avx512(p, last - first));

    if (few && qqi_few_fits_avx512(p)) {
        qqi_few_avx512 w;
        if (g->width == 1 && last - first >= 4)
            first = qqi_multiply_lone_avx512(p, g, first, last);
        if (first == last)
            return;
        qqi_few_begin_avx512(p, g, work, &w);
        qqi_multiply_few_avx512(&w, first, last);
        return;
    }
    vector = g->width == 1 ? qqi_vector_vnni_avx512(p) : NULL;
    if (vector != NULL)
        vector(p, g, first, last, work);
    else
        qqi_multiply_dot_avx512(p, g, first, last, work, &loops);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_FEW_PANELS_H
