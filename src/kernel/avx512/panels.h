// qquant floor 5: the dot engine of AVX-512, from panels down to its loops: a
// strip of a pair of panels becomes bytes and meets all columns of x.

#ifndef QQUANT_KERNEL_AVX512_PANELS_H
#define QQUANT_KERNEL_AVX512_PANELS_H

#include "kernel/avx512/dot.h"

#if QQI_HAS_AVX512

// --- panels ----------------------------------------------------------------

// The loops of a set, by columns: 1, 2, 3, 4, 6, 8; at 5 and 7 eight columns
// through strips of whole tiles, x scaled by tile at 7.
typedef void (*qqi_dot_block_avx512_fn)(const qqi_dot_avx512 *w, size_t c);

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
    const int whole = w->start == QQI_START_READY && p->x_zero == 0 &&
                      !w->is_long && w->from % p->span == 0 &&
                      (w->to - w->from) % p->span == 0;

    return !whole ? 8 : p->input == QQ_INPUT_INT8_TILE ? 7 : 5;
}

QQI_AVX512_INLINE void qqi_dot_strip_avx512(const qqi_dot_avx512 *w,
                                            const qqi_dot_block_avx512_fn *by)
{
    const size_t digits = w->p->digits;
    const size_t count = w->g->count * digits;
    const size_t eight = qqi_dot_eight_avx512(w);

    for (size_t c = 0, n; c < count; c += n) {
        n = qqi_dot_count_avx512(w->p, count - c, w->g->width - c);
        by[(n == 8 ? eight : n) + (w->panels == 2 ? 8 : 0)](w, c);
        if (w->to == w->p->k)
            qqi_dot_end_avx512(w, c / digits,
                               (c + n < count ? c + n : count) / digits);
    }
}

// Where things lie in work: 256 bytes a column, or 512 where tiles are long;
// then u and scales, 32 bytes a column of the strip and 128 a tile, of which
// two more begin in the strip than fill it.
QQI_AVX512_INLINE void qqi_dot_room_avx512(qqi_dot_avx512 *w, void *work)
{
    const qqi_product *p = w->p;
    const size_t width = w->g->width;
    const size_t room =
        width > 8 ? qqi_wide_bytes(p->padded) : QQI_WORK_BYTES - 4096;
    const size_t of_scales = p->tiles > 1 ? (127 + p->tile) / p->tile : 0;
    // There is no room where there are no columns.
    const size_t spare = room > 256 ? room - 256 : 0;
    const size_t strip = spare / (32 + of_scales) / 32 * 32;
    uint8_t *at = (uint8_t *)work;
    void *acc = at;
    void *part = at + 128 * width;
    void *total = at + 256 * width;

    w->strip = strip < 512 ? strip : 512;
    w->u = at + (width > 8 ? QQI_WORK_BYTES : 4096);
    void *scale = w->u + 32 * w->strip;
    w->acc = (float *)acc;
    w->part = (int32_t *)part;
    w->total = (int64_t *)total;
    w->scale = (float *)scale;
}

// Scales of the strip's tiles, t to last.
QQI_AVX512_INLINE void qqi_dot_scales_avx512(const qqi_dot_avx512 *w,
                                             qq_type type, size_t t,
                                             size_t last)
{
    const qqi_product *p = w->p;
    const __m512 scale2 = _mm512_set1_ps(p->scale2);
    const __m512 unit = _mm512_set1_ps(p->unit);
    const uint8_t *scales = qqi_panel(p, w->panel) + p->scale_at;
    const size_t apart = w->panels == 2 ? p->panel_bytes : 0;
    float *to = w->scale;

    for (; t <= last; t++, to += 16 * w->panels) {
        const __m512 a = qqi_stored_avx512(type, scales, t);
        const __m512 b = qqi_stored_avx512(type, scales + apart, t);
        // Of a lone panel this is the place of the next tile's.
        if (apart != 0)
            _mm512_storeu_ps(to + 16,
                             _mm512_mul_ps(_mm512_mul_ps(b, scale2), unit));
        _mm512_storeu_ps(to, _mm512_mul_ps(_mm512_mul_ps(a, scale2), unit));
    }
}

QQI_AVX512_INLINE void qqi_dot_rescale_avx512(const qqi_dot_avx512 *w, size_t t,
                                              size_t last)
{
    switch ((int)w->p->scale_type) {
    case QQ_TYPE_F16:
        qqi_dot_scales_avx512(w, QQ_TYPE_F16, t, last);
        return;
    case QQ_TYPE_E8M0:
        qqi_dot_scales_avx512(w, QQ_TYPE_E8M0, t, last);
        return;
    case QQ_TYPE_E4M3FN:
        qqi_dot_scales_avx512(w, QQ_TYPE_E4M3FN, t, last);
        return;
    default:
        qqi_dot_scales_avx512(w, QQ_TYPE_F32, t, last);
        return;
    }
}

// A strip of the panels: bytes and scales. Codes of 8 bits are bytes already:
// for four columns of x, copying them took as long as the dots.
QQI_AVX512_INLINE void qqi_dot_expand_avx512(qqi_dot_avx512 *w)
{
    const qqi_product *p = w->p;
    const size_t last = (w->to - 1) / p->tile;

    if (p->bits == 8) {
        w->codes = qqi_panel_cells(p, w->panel) + w->from / 4 * 64;
        w->step = 64;
        w->side = p->cells_bytes;
    } else {
        w->codes = w->u;
        w->step = 64 * w->panels;
        w->side = 64;
        for (size_t i = 0; i < w->panels; i++)
            qqi_expand_avx512(p, w->panel + i, w->from, w->to, w->u + 64 * i,
                              w->step);
    }
    if (!w->is_long)
        qqi_dot_rescale_avx512(w, w->from / p->tile, last);
}

// The next strip is one of these panels, or the first of those that follow if
// more do; else the cells that were just read, which are near.
QQI_AVX512_INLINE void qqi_dot_soon_avx512(qqi_dot_avx512 *w, size_t last)
{
    const qqi_product *p = w->p;
    const int more = w->to < p->k;
    const size_t jump = !more && w->panel + 2 * w->panels <= last ? 2 : 0;
    const size_t at = more ? w->to / 32 * 64 * p->bits : 0;

    const size_t left = more ? p->k - w->to : p->k;

    w->soon.hop = more || jump > 0 ? 8 * p->bits : 0;
    if (left < w->strip)
        w->soon.hop = w->soon.hop * left / w->strip;
    for (size_t i = 0; i < w->panels; i++)
        w->soon.cells[i] = qqi_panel_cells(p, w->panel + i + jump) + at;
}

QQI_AVX512_INLINE void qqi_dot_panels_avx512(qqi_dot_avx512 *w, size_t last,
                                             const qqi_dot_block_avx512_fn *by)
{
    const qqi_product *p = w->p;
    const qqi_columns *g = w->g;

    for (size_t i = 0; i < 2 * g->width; i++)
        _mm512_storeu_ps(w->acc + 16 * i, _mm512_setzero_ps());
    if (w->is_long)
        QQ_MEMSET(w->total, 0, 256 * g->width);
    for (w->from = 0; w->from < p->k; w->from = w->to) {
        w->to = w->strip < p->k - w->from ? w->from + w->strip : p->k;
        qqi_dot_expand_avx512(w);
        qqi_dot_soon_avx512(w, last);
        qqi_dot_strip_avx512(w, by);
    }
    if (p->k == 0)
        qqi_dot_end_avx512(w, 0, g->count);
}

QQI_AVX512_INLINE void
qqi_multiply_dot_avx512(const qqi_product *p, const qqi_columns *g,
                        size_t first, size_t last, void *work,
                        const qqi_dot_block_avx512_fn *by)
{
    qqi_dot_avx512 w;

    w.p = p;
    w.g = g;
    w.is_long = qqi_is_long_avx512(p);
    w.start = qqi_start_kind_avx512(p);
    qqi_dot_room_avx512(&w, work);
    for (w.panel = first; w.panel < last; w.panel += w.panels) {
        w.panels = last - w.panel < 2 ? 1 : 2;
        qqi_dot_panels_avx512(&w, last, by);
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
      qqi_dot_##set##_##panels##x1, qqi_dot_##set##_##panels##x2,              \
          qqi_dot_##set##_##panels##x3, qqi_dot_##set##_##panels##x4,          \
          qqi_dot_##set##_##panels##xtiles, qqi_dot_##set##_##panels##x6,      \
          qqi_dot_##set##_##panels##xtiled, qqi_dot_##set##_##panels##x8

QQI_DOT_BLOCKS_AVX512(QQI_AVX512_VNNI_FN, vnni, 1, qqi_dot_vnni_avx512)
QQI_DOT_BLOCKS_AVX512(QQI_AVX512_VNNI_FN, vnni, 2, qqi_dot_vnni_avx512)
QQI_DOT_BLOCKS_AVX512(QQI_AVX512_FN, any, 1, qqi_dot_any_avx512)
QQI_DOT_BLOCKS_AVX512(QQI_AVX512_FN, any, 2, qqi_dot_any_avx512)

QQI_AVX512_FN void qqi_multiply_any_avx512(const qqi_product *p,
                                           const qqi_columns *g, size_t first,
                                           size_t last, void *work)
{
    static const qqi_dot_block_avx512_fn by[] = {
        NULL, QQI_DOT_ROW_AVX512(any, 1), QQI_DOT_ROW_AVX512(any, 2)};

    qqi_multiply_dot_avx512(p, g, first, last, work, by);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_PANELS_H
