// qquant floor 5: one bit a weight: sums looked up (avx512/look.h), panel by
// panel: four with one column of x, two with more.

#ifndef QQUANT_KERNEL_AVX512_LOOK_PANELS_H
#define QQUANT_KERNEL_AVX512_LOOK_PANELS_H

#include "kernel/avx512/few_panels.h"
#include "kernel/avx512/look.h"

#if QQI_HAS_AVX512

// --- panels ----------------------------------------------------------------

// Panels that are done at once, and where their scales are: scale[i] of panel
// i, 16 for each of the tiles from first on.
typedef struct qqi_look_avx512 {
    const qqi_product *p;
    const qqi_columns *g;
    const uint8_t *cells[4];
    const float *scale[4];
    size_t first;
    size_t last;
} qqi_look_avx512;

// sum[i * count + c] += the sums of a block, of panel i and column c.
QQI_AVX512_VNNI_INLINE void qqi_look_add_avx512(const uint8_t *const *cells,
                                                size_t at, const uint8_t *low,
                                                const uint8_t *high,
                                                int is_high, unsigned panels,
                                                unsigned count, __m512i *sum)
{
    const __m512i half = _mm512_set1_epi8(15);
    const __m512i table = _mm512_set1_epi32(0x30201000);
    const __m512i one = _mm512_set1_epi8(1);
    const __m512i four = _mm512_set1_epi8(64);
    __m512i a[4], b[4];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++) {
        __m512i v = qqi_load_avx512(cells[i] + at);
        QQI_KEEP_AVX512(v);
        a[i] = _mm512_ternarylogic_epi32(v, half, table, 0xea);
        b[i] = _mm512_ternarylogic_epi32(_mm512_srli_epi32(v, 4), half, table,
                                         0xea);
    }
    QQI_UNROLL_AVX512
    for (unsigned c = 0; c < count; c++) {
        const __m512i x = qqi_load_avx512(low + 128 * c);
        const __m512i y = qqi_load_avx512(low + 128 * c + 64);
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels; i++) {
            __m512i *to = sum + i * count + c;
            *to =
                _mm512_dpbusd_epi32(*to, _mm512_permutexvar_epi8(a[i], x), one);
            *to =
                _mm512_dpbusd_epi32(*to, _mm512_permutexvar_epi8(b[i], y), one);
        }
    }
    if (!is_high)
        return;
    QQI_UNROLL_AVX512
    for (unsigned c = 0; c < count; c++) {
        const __m512i x = qqi_load_avx512(high + 128 * c);
        const __m512i y = qqi_load_avx512(high + 128 * c + 64);
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels; i++) {
            __m512i *to = sum + i * count + c;
            *to = _mm512_dpbusd_epi32(
                *to,
                _mm512_add_epi8(_mm512_permutexvar_epi8(a[i], x),
                                _mm512_permutexvar_epi8(b[i], y)),
                four);
        }
    }
}

// acc[i * count + c] over tiles first to last - 1.
QQI_AVX512_VNNI_INLINE void qqi_look_tiles_avx512(const qqi_look_avx512 *w,
                                                  unsigned panels,
                                                  unsigned count, __m512 *acc)
{
    const qqi_product *p = w->p;
    const qqi_columns *g = w->g;
    const int twice = p->mul == 2;
    const int tiled = p->input == QQ_INPUT_INT8_TILE;
    size_t at = w->first * p->tile / 32;
    const uint8_t *low = g->table + 128 * count * at;
    const uint8_t *high = qqi_look_high_avx512(p, g) + 128 * count * at;

    for (size_t t = w->first; t < w->last; t++) {
        const size_t end = (qqi_tile_end(p, t) + 31) / 32;
        const int32_t *start = g->sum + t * count;
        const float *sx = g->scale + t * count;
        __m512i sum[8];
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++)
            sum[i] = _mm512_setzero_si512();
        for (; at < end; at++, low += 128 * count, high += 128 * count)
            qqi_look_add_avx512(w->cells, 64 * at, low, high, g->q[at], panels,
                                count, sum);
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++) {
            __m512 s =
                _mm512_loadu_ps(w->scale[i / count] + 16 * (t - w->first));
            if (twice)
                sum[i] = _mm512_add_epi32(sum[i], sum[i]);
            sum[i] =
                _mm512_add_epi32(sum[i], qqi_four_avx512(start + i % count));
            if (tiled)
                s = _mm512_mul_ps(s, _mm512_set1_ps(sx[i % count]));
            acc[i] = _mm512_fmadd_ps(s, _mm512_cvtepi32_ps(sum[i]), acc[i]);
        }
    }
}

// Tiles that fit, 16 KiB of scales for four panels.
enum { QQI_LOOK_TILES_AVX512 = 64 };

QQI_STATIC_ASSERT(look_avx512,
                  QQI_LOOK_TILES_AVX512 * 4 * 64 <= QQI_WORK_BYTES);

QQI_AVX512_VNNI_INLINE void
qqi_look_panels_avx512(const qqi_product *p, const qqi_columns *g, size_t panel,
                       void *work, unsigned panels, unsigned count)
{
    const size_t most = QQI_LOOK_TILES_AVX512;
    qqi_look_avx512 w;
    __m512 acc[8];

    w.p = p;
    w.g = g;
    for (size_t i = 0; i < panels; i++)
        w.cells[i] = qqi_panel_cells(p, panel + i);
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * count; i++)
        acc[i] = _mm512_setzero_ps();
    for (size_t t = 0; t < p->tiles; t = w.last) {
        w.first = t;
        w.last = most < p->tiles - t ? t + most : p->tiles;
        for (size_t i = 0; i < panels; i++) {
            float *scale = (float *)work + 16 * most * i;
            qqi_row_scales_of_avx512(p, NULL, panel + i, t, w.last - t, scale);
            w.scale[i] = scale;
        }
        qqi_look_tiles_avx512(&w, panels, count, acc);
    }
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * count; i++) {
        const int tiled = p->input == QQ_INPUT_INT8_TILE;
        const size_t c = i % count;
        if (c < g->count)
            qqi_end_avx512(p, panel + i / count, g->first + c,
                           tiled ? 1.0f : g->scale[c], acc[i]);
    }
}

// --- sets ------------------------------------------------------------------

typedef void (*qqi_look_panels_avx512_fn)(const qqi_product *p,
                                          const qqi_columns *g, size_t panel,
                                          void *work);

#  define QQI_LOOK_AVX512(panels, count)                                       \
      QQI_AVX512_VNNI_FN void qqi_look_##panels##x##count##_avx512(            \
          const qqi_product *p, const qqi_columns *g, size_t panel,            \
          void *work)                                                          \
      {                                                                        \
          qqi_look_panels_avx512(p, g, panel, work, panels, count);            \
      }

QQI_LOOK_AVX512(1, 1)
QQI_LOOK_AVX512(1, 2)
QQI_LOOK_AVX512(1, 3)
QQI_LOOK_AVX512(1, 4)
QQI_LOOK_AVX512(4, 1)
QQI_LOOK_AVX512(2, 2)
QQI_LOOK_AVX512(2, 3)
QQI_LOOK_AVX512(2, 4)

QQI_AVX512_VNNI_FN void qqi_multiply_look_avx512(const qqi_product *p,
                                                 const qqi_columns *g,
                                                 size_t first, size_t last,
                                                 void *work)
{
    static const qqi_look_panels_avx512_fn one[] = {
        NULL, qqi_look_1x1_avx512, qqi_look_1x2_avx512, qqi_look_1x3_avx512,
        qqi_look_1x4_avx512};
    static const qqi_look_panels_avx512_fn some[] = {
        NULL, qqi_look_4x1_avx512, qqi_look_2x2_avx512, qqi_look_2x3_avx512,
        qqi_look_2x4_avx512};
    const size_t step = g->width == 1 ? 4 : 2;

    if (!qqi_look_fits_avx512(p, g)) {
        qqi_multiply_vnni_avx512(p, g, first, last, work);
        return;
    }
    for (; last - first >= step; first += step)
        some[g->width](p, g, first, work);
    for (; first < last; first++)
        one[g->width](p, g, first, work);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_LOOK_PANELS_H
