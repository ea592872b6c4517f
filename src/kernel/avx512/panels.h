// qquant floor 5: the dot engine of AVX-512, from panels down to its loops: a
// strip of two or three panels becomes bytes and meets all columns of x.

#ifndef QQUANT_KERNEL_AVX512_PANELS_H
#define QQUANT_KERNEL_AVX512_PANELS_H

#include "kernel/avx512/room.h"
#include "kernel/avx512/tiles.h"

#if QQI_HAS_AVX512

// --- panels ----------------------------------------------------------------

// The loops of a set.
typedef void (*qqi_dot_block_avx512_fn)(const qqi_dot_avx512 *w, size_t c);

typedef struct qqi_dot_loops_avx512 {
    // One panel or two and 1, 2, 3, 4, 6, 8 columns; at 5 and 7 eight columns
    // through strips of whole tiles, x scaled by tile at 7.
    qqi_dot_block_avx512_fn by[2][8];
    // NULL or eight columns and a lone tile.
    qqi_dot_block_avx512_fn rows[2];
    // NULL or three panels and four columns: at 1 and 3 x scaled by tile, at 2
    // and 3 codes of 8 bits.
    qqi_dot_block_avx512_fn trio[4];
} qqi_dot_loops_avx512;

// Columns that the next block has, of count with room for width.
QQI_INLINE unsigned qqi_dot_count_avx512(const qqi_product *p, size_t count,
                                         size_t width)
{
    if (p->digits == 3)
        return count >= 6 ? 6 : 3;
    return count > 4 && width >= 8   ? 8
           : count > 2 && width >= 4 ? 4
           : count > 1               ? 2
                                     : 1;
}

// The end of some rows of x: right behind their sums, so that memory takes them
// while the next ones are made.
QQI_AVX512_INLINE void qqi_dot_end_avx512(const qqi_dot_avx512 *w, size_t first,
                                          size_t last)
{
    for (size_t i = 0; i < w->panels; i++)
        qqi_ends_avx512(w->p, w->g, w->panel + i, first, last,
                        w->acc + 32 * first + 16 * i, 32);
}

// The loop for eight columns.
QQI_INLINE size_t qqi_dot_eight_avx512(const qqi_dot_avx512 *w)
{
    const qqi_product *p = w->p;
    const int whole = qqi_dot_plain_avx512(w) && w->from % p->span == 0 &&
                      (w->to - w->from) % p->span == 0;

    return !whole ? 8 : p->input == QQ_INPUT_INT8_TILE ? 7 : 5;
}

QQI_AVX512_INLINE void qqi_dot_strip_avx512(const qqi_dot_avx512 *w,
                                            const qqi_dot_loops_avx512 *loops)
{
    const size_t digits = w->p->digits;
    const size_t count = w->g->count * digits;
    const size_t eight = qqi_dot_eight_avx512(w);
    const qqi_dot_block_avx512_fn *by = loops->by[w->panels - 1];

    for (size_t c = 0, n; c < count; c += n) {
        n = qqi_dot_count_avx512(w->p, count - c, w->g->width - c);
        if (n == 8 && w->is_rows) {
            loops->rows[w->panels - 1](w, c);
            continue;
        }
        by[(n == 8 ? eight : n) - 1](w, c);
        if (w->to == w->p->k)
            qqi_dot_end_avx512(w, c / digits,
                               (c + n < count ? c + n : count) / digits);
    }
}

QQI_AVX512_INLINE void
qqi_dot_trio_strip_avx512(const qqi_dot_avx512 *w,
                          const qqi_dot_loops_avx512 *loops)
{
    const int tiled = w->p->input == QQ_INPUT_INT8_TILE;
    const int bytes = w->p->bits == 8;

    for (size_t c = 0; c < w->g->count; c += 4)
        loops->trio[2 * bytes + tiled](w, c);
}

// The next strip is one of these panels, or the first of those that follow if
// more do; else the cells that were just read, which are near.
QQI_AVX512_INLINE void qqi_dot_soon_avx512(qqi_dot_avx512 *w, size_t last)
{
    const qqi_product *p = w->p;
    const int more = w->to < p->k;
    const size_t jump =
        !more && w->panel + 2 * w->panels <= last ? w->panels : 0;
    const size_t at = more ? w->to / 32 * 64 * p->bits : 0;

    const size_t left = more ? p->k - w->to : p->k;

    w->soon.hop = more || jump > 0 ? 8 * p->bits : 0;
    if (left < w->strip)
        w->soon.hop = w->soon.hop * left / w->strip;
    for (size_t i = 0; i < w->panels; i++)
        w->soon.cells[i] = qqi_panel_cells(p, w->panel + i + jump) + at;
}

QQI_AVX512_INLINE void qqi_dot_panels_avx512(qqi_dot_avx512 *w, size_t last,
                                             const qqi_dot_loops_avx512 *loops)
{
    const qqi_product *p = w->p;
    const qqi_columns *g = w->g;

    for (size_t i = 0; i < 2 * g->width && w->panels < 3 && !w->is_rows; i++)
        _mm512_storeu_ps(w->acc + 16 * i, _mm512_setzero_ps());
    if (w->is_long)
        QQ_MEMSET(w->total, 0, 256 * g->width);
    for (w->from = 0; w->from < p->k; w->from = w->to) {
        w->to = w->strip < p->k - w->from ? w->from + w->strip : p->k;
        qqi_dot_expand_avx512(w);
        qqi_dot_soon_avx512(w, last);
        if (w->panels == 3)
            qqi_dot_trio_strip_avx512(w, loops);
        else
            qqi_dot_strip_avx512(w, loops);
    }
    if (p->k == 0)
        qqi_dot_end_avx512(w, 0, g->count);
}

QQI_AVX512_INLINE void
qqi_multiply_dot_avx512(const qqi_product *p, const qqi_columns *g,
                        size_t first, size_t last, void *work,
                        const qqi_dot_loops_avx512 *loops)
{
    qqi_dot_avx512 w;
    int trio;

    w.p = p;
    w.g = g;
    w.is_long = qqi_is_long_avx512(p);
    w.start = qqi_start_kind_avx512(p);
    w.is_rows = loops->rows[0] != NULL && p->tiles == 1 && g->width % 8 == 0 &&
                p->input != QQ_INPUT_INT8_TILE && qqi_dot_plain_avx512(&w);
    trio = loops->trio[0] != NULL && p->tiles > 1 && qqi_dot_is_trio_avx512(&w);
    w.panels = 0;
    w.panel = first;
    for (size_t left, now; w.panel < last; w.panel += w.panels) {
        left = last - w.panel;
        now = trio && left >= 3 && left != 4 ? 3 : left < 2 ? 1 : 2;
        if (now == 3 && w.panels != 3)
            qqi_dot_trio_room_avx512(&w, work);
        else if (now < 3 && (w.panels == 0 || w.panels == 3))
            qqi_dot_room_avx512(&w, work);
        w.panels = now;
        qqi_dot_panels_avx512(&w, last, loops);
    }
}

// --- sets ------------------------------------------------------------------

#  define QQI_DOT_BLOCK_AVX512(attribute, set, count, panels, dot)             \
      attribute void qqi_dot_##set##_##panels##x##count(                       \
          const qqi_dot_avx512 *w, size_t c)                                   \
      {                                                                        \
          qqi_dot_block_avx512(w, c, panels, count, dot);                      \
      }
#  define QQI_DOT_TILES_AVX512(attribute, set, name, tiled, panels, dot)       \
      attribute void qqi_dot_##set##_##panels##x##name(                        \
          const qqi_dot_avx512 *w, size_t c)                                   \
      {                                                                        \
          qqi_dot_tiles_avx512(w, c, tiled, panels, dot);                      \
      }
#  define QQI_DOT_BLOCKS_AVX512(attribute, set, panels, dot)                   \
      QQI_DOT_BLOCK_AVX512(attribute, set, 1, panels, dot)                     \
      QQI_DOT_BLOCK_AVX512(attribute, set, 2, panels, dot)                     \
      QQI_DOT_BLOCK_AVX512(attribute, set, 3, panels, dot)                     \
      QQI_DOT_BLOCK_AVX512(attribute, set, 4, panels, dot)                     \
      QQI_DOT_TILES_AVX512(attribute, set, tiles, 0, panels, dot)              \
      QQI_DOT_BLOCK_AVX512(attribute, set, 6, panels, dot)                     \
      QQI_DOT_TILES_AVX512(attribute, set, tiled, 1, panels, dot)              \
      QQI_DOT_BLOCK_AVX512(attribute, set, 8, panels, dot)
#  define QQI_DOT_ROW_AVX512(set, panels)                                      \
      {qqi_dot_##set##_##panels##x1,     qqi_dot_##set##_##panels##x2,         \
       qqi_dot_##set##_##panels##x3,     qqi_dot_##set##_##panels##x4,         \
       qqi_dot_##set##_##panels##xtiles, qqi_dot_##set##_##panels##x6,         \
       qqi_dot_##set##_##panels##xtiled, qqi_dot_##set##_##panels##x8}

QQI_DOT_BLOCKS_AVX512(QQI_AVX512_VNNI_FN, vnni, 1, qqi_dot_vnni_avx512)
QQI_DOT_BLOCKS_AVX512(QQI_AVX512_VNNI_FN, vnni, 2, qqi_dot_vnni_avx512)
QQI_AVX512_VNNI_FN void qqi_dot_vnni_1xrows(const qqi_dot_avx512 *w, size_t c)
{
    qqi_dot_rows_avx512(w, c, 1, qqi_dot_vnni_avx512);
}
QQI_AVX512_VNNI_FN void qqi_dot_vnni_2xrows(const qqi_dot_avx512 *w, size_t c)
{
    qqi_dot_rows_avx512(w, c, 2, qqi_dot_vnni_avx512);
}
#  define QQI_DOT_TRIO_AVX512(name, tiled, bytes)                              \
      QQI_AVX512_VNNI_FN void qqi_dot_vnni_3x##name(const qqi_dot_avx512 *w,   \
                                                    size_t c)                  \
      {                                                                        \
          qqi_dot_trio_avx512(w, c, tiled, bytes, qqi_dot_vnni_avx512);        \
      }
QQI_DOT_TRIO_AVX512(tiles, 0, 0)
QQI_DOT_TRIO_AVX512(tiled, 1, 0)
QQI_DOT_TRIO_AVX512(bytes, 0, 1)
QQI_DOT_TRIO_AVX512(tiled_bytes, 1, 1)

QQI_DOT_BLOCKS_AVX512(QQI_AVX512_FN, any, 1, qqi_dot_any_avx512)
QQI_DOT_BLOCKS_AVX512(QQI_AVX512_FN, any, 2, qqi_dot_any_avx512)

QQI_AVX512_FN void qqi_multiply_any_avx512(const qqi_product *p,
                                           const qqi_columns *g, size_t first,
                                           size_t last, void *work)
{
    static const qqi_dot_loops_avx512 loops = {
        {QQI_DOT_ROW_AVX512(any, 1), QQI_DOT_ROW_AVX512(any, 2)},
        {NULL, NULL},
        {NULL, NULL, NULL, NULL}};

    qqi_multiply_dot_avx512(p, g, first, last, work, &loops);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_PANELS_H
