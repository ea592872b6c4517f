// qquant floor 5: one column of x at a time, by AVX-512: tiles and panels, for
// the widths of codes that avx512/few.h does not have.
//
// The loop over tiles finds their scales, and what their sums start from, in a
// row: those that are not stored so are made ahead, for 128 tiles at a time.

#ifndef QQUANT_KERNEL_AVX512_LONE_H
#define QQUANT_KERNEL_AVX512_LONE_H

#include "kernel/avx512/panels.h"
#include "kernel/avx512/vector.h"

#if QQI_HAS_AVX512

// Tiles from here on have eight sums.
#  define QQI_MANY_COLUMNS ((size_t)256)

// --- tiles -----------------------------------------------------------------

// Tiles whose scales and starts are made at once.
enum { QQI_TILES_AVX512 = 128 };

typedef struct qqi_tiles_avx512 {
    float scale[QQI_TILES_AVX512][16];
    int32_t start[QQI_TILES_AVX512][16];
} qqi_tiles_avx512;

QQI_STATIC_ASSERT(tiles_avx512, sizeof(qqi_tiles_avx512) <= QQI_WORK_BYTES);

// Some tiles of a panel, all as long as the first.
typedef struct qqi_row_avx512 {
    const uint8_t *cells;
    const int8_t *q;
    size_t fours; // of a tile
    size_t tiles;
    const int32_t *start; // of a tile: one for all rows, or 16
    const uint8_t *scale; // of a tile: 16 floats
} qqi_row_avx512;

// acc over the tiles; ready: one start for all rows.
QQI_AVX512_INLINE __m512 qqi_row_tiles_avx512(const qqi_row_avx512 *r,
                                              unsigned b, int twice, int many,
                                              int ready, __m512 acc,
                                              qqi_dot_avx512_fn dot)
{
    const size_t fours = r->fours;
    const uint8_t *cells = r->cells;
    const int8_t *q = r->q;
    const int32_t *start = r->start;
    const uint8_t *scale = r->scale;
    const uint8_t *end = scale + 64 * r->tiles;

    for (; scale != end; scale += 64) {
        const __m512i s =
            ready ? qqi_four_avx512(start) : qqi_load_avx512(start);
        const __m512i d =
            qqi_line_all_avx512(cells, q, fours, b, twice, many, s, dot);
        acc =
            _mm512_fmadd_ps(_mm512_loadu_ps(scale), _mm512_cvtepi32_ps(d), acc);
        // Tiles are whole cells, 8 * b bytes for every four columns.
        cells += fours * 8 * b;
        q += 4 * fours;
        start += ready ? 1 : 16;
    }
    return acc;
}

// Scales of count tiles from t on, times sx of x's tiles if
// that is not NULL.
QQI_AVX512_INLINE void qqi_row_scales_avx512(const qqi_product *p, size_t i,
                                             size_t t, size_t count,
                                             const float *sx, qq_type type,
                                             float *to)
{
    const uint8_t *scales = qqi_panel(p, i) + p->scale_at;
    const __m512 scale2 = _mm512_set1_ps(p->scale2);
    const __m512 unit = _mm512_set1_ps(p->unit);

    for (size_t j = 0; j < count; j++) {
        __m512 s = qqi_stored_avx512(type, scales, t + j);
        s = _mm512_mul_ps(_mm512_mul_ps(s, scale2), unit);
        if (sx != NULL)
            s = _mm512_mul_ps(s, _mm512_set1_ps(sx[t + j]));
        _mm512_storeu_ps(to + 16 * j, s);
    }
}

QQI_AVX512_FN void qqi_row_scales_of_avx512(const qqi_product *p,
                                            const qqi_columns *g, size_t i,
                                            size_t t, size_t count, float *to)
{
    const int tiled = g != NULL && p->input == QQ_INPUT_INT8_TILE;
    const float *sx = tiled ? g->scale : NULL;

    switch ((int)p->scale_type) {
    case QQ_TYPE_F16:
        qqi_row_scales_avx512(p, i, t, count, sx, QQ_TYPE_F16, to);
        return;
    case QQ_TYPE_E8M0:
        qqi_row_scales_avx512(p, i, t, count, sx, QQ_TYPE_E8M0, to);
        return;
    case QQ_TYPE_E4M3FN:
        qqi_row_scales_avx512(p, i, t, count, sx, QQ_TYPE_E4M3FN, to);
        return;
    default:
        qqi_row_scales_avx512(p, i, t, count, sx, QQ_TYPE_F32, to);
        return;
    }
}

// Starts of count tiles from t on, what x's zero point takes included.
QQI_AVX512_FN void qqi_row_starts_avx512(const qqi_product *p,
                                         const qqi_columns *g, size_t i,
                                         size_t t, size_t count, int32_t *to)
{
    const qqi_start_avx512 kind = qqi_start_kind_avx512(p);
    const uint8_t *panel = qqi_panel(p, i);

    for (size_t j = t; j < t + count; j++, to += 16) {
        __m512i d = qqi_start_of_avx512(kind, qqi_zeros_avx512(p, panel, j),
                                        g->sum + j);
        if (p->x_zero != 0)
            d = qqi_less_zero_avx512(p, i, j, d);
        qqi_store_avx512(to, d);
    }
}

// --- panels ----------------------------------------------------------------

// Whether tiles begin with cells, and sums fit.
QQI_INLINE int qqi_vector_fits_avx512(const qqi_product *p)
{
    const size_t columns = qqi_cell_columns(p->bits);

    return !qqi_is_long_avx512(p) && (p->tiles <= 1 || p->tile % columns == 0);
}

// Whether scales can be read where they stand.
QQI_INLINE int qqi_row_is_scaled_avx512(const qqi_product *p)
{
    return p->scale_type == QQ_TYPE_F32 && p->input != QQ_INPUT_INT8_TILE &&
           qqi_f32_bits(p->scale2) == 0x3f800000u &&
           qqi_f32_bits(p->unit) == 0x3f800000u;
}

// The tiles from t on that are done at once: as long as each other, and no
// more than there is room for. A lone tile may end with a part of a cell.
QQI_INLINE size_t qqi_row_count_avx512(const qqi_product *p, size_t t)
{
    const size_t left = p->tiles - t;
    const size_t whole = p->k % p->tile == 0 ? left : left - 1;
    const size_t most = QQI_TILES_AVX512;

    return whole == 0 ? 1 : whole < most ? whole : most;
}

// A panel's sums over all tiles.
QQI_AVX512_INLINE __m512 qqi_vector_panel_avx512(const qqi_product *p,
                                                 const qqi_columns *g, size_t i,
                                                 qqi_tiles_avx512 *w,
                                                 unsigned b, int twice,
                                                 qqi_dot_avx512_fn dot)
{
    const int many = p->tile >= QQI_MANY_COLUMNS;
    const int ready = !many && p->zero_at == 0 && p->x_zero == 0;
    const uint8_t *scales = qqi_panel(p, i) + p->scale_at;
    const uint8_t *cells = qqi_panel_cells(p, i);
    const void *made = w->scale;
    __m512 acc = _mm512_setzero_ps();
    qqi_row_avx512 r;

    for (size_t t = 0; t < p->tiles; t += r.tiles) {
        const size_t k = t * p->tile;
        r.tiles = qqi_row_count_avx512(p, t);
        r.cells = cells + k / 4 * 8 * b;
        r.q = g->q + k;
        r.fours = (qqi_tile_end(p, t) - k + 3) / 4;
        r.start = ready ? g->sum + t : w->start[0];
        r.scale = (const uint8_t *)made;
        if (!ready)
            qqi_row_starts_avx512(p, g, i, t, r.tiles, w->start[0]);
        if (qqi_row_is_scaled_avx512(p)) {
            r.scale = scales + 64 * t;
        } else {
            qqi_row_scales_of_avx512(p, g, i, t, r.tiles, w->scale[0]);
        }
        acc = many    ? qqi_row_tiles_avx512(&r, b, twice, 1, 0, acc, dot)
              : ready ? qqi_row_tiles_avx512(&r, b, twice, 0, 1, acc, dot)
                      : qqi_row_tiles_avx512(&r, b, twice, 0, 0, acc, dot);
    }
    return acc;
}

QQI_AVX512_INLINE void qqi_vector_avx512(const qqi_product *p,
                                         const qqi_columns *g, size_t first,
                                         size_t last, void *work, unsigned b,
                                         int twice, qqi_dot_avx512_fn dot)
{
    const float sx = p->input == QQ_INPUT_INT8_TILE ? 1.0f : g->scale[0];

    for (size_t i = first; i < last; i++) {
        const __m512 acc = qqi_vector_panel_avx512(
            p, g, i, (qqi_tiles_avx512 *)work, b, twice, dot);
        qqi_end_avx512(p, i, g->first, sx, acc);
    }
}

// --- sets ------------------------------------------------------------------

typedef void (*qqi_vector_avx512_fn)(const qqi_product *p, const qqi_columns *g,
                                     size_t first, size_t last, void *work);

#  define QQI_VECTOR_AVX512(b, twice)                                          \
      QQI_AVX512_VNNI_FN void qqi_vector_##b##_##twice(                        \
          const qqi_product *p, const qqi_columns *g, size_t first,            \
          size_t last, void *work)                                             \
      {                                                                        \
          qqi_vector_avx512(p, g, first, last, work, b, twice,                 \
                            qqi_dot_vnni_avx512);                              \
      }

QQI_VECTOR_AVX512(1, 0)
QQI_VECTOR_AVX512(1, 1)
QQI_VECTOR_AVX512(3, 0)
QQI_VECTOR_AVX512(5, 0)
QQI_VECTOR_AVX512(6, 0)
QQI_VECTOR_AVX512(7, 0)

// NULL: the dot engine does it.
QQI_FN qqi_vector_avx512_fn qqi_vector_vnni_avx512(const qqi_product *p)
{
    static const qqi_vector_avx512_fn plain[] = {
        NULL,           qqi_vector_1_0, NULL,
        qqi_vector_3_0, NULL,           qqi_vector_5_0,
        qqi_vector_6_0, qqi_vector_7_0, NULL};

    if (!qqi_vector_fits_avx512(p) || p->code != QQI_CODE_PLAIN)
        return NULL;
    if (p->mul != 1)
        return p->bits == 1 ? qqi_vector_1_1 : NULL;
    return plain[p->bits];
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_LONE_H
