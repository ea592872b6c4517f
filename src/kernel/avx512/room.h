// qquant floor 5: the dot engine of AVX-512: strips, where their bytes and
// scales lie in the memory for work, and how they are made.

#ifndef QQUANT_KERNEL_AVX512_ROOM_H
#define QQUANT_KERNEL_AVX512_ROOM_H

#include "kernel/avx512/dot.h"

#if QQI_HAS_AVX512

// --- room ------------------------------------------------------------------

// The longest tiles that panels are taken by three for: longer ones do as well
// by pairs, but where all columns are one strip.
#  define QQI_TRIO_TILE       ((size_t)64)
#  define QQI_TRIO_STRIP_TILE ((size_t)128)

// Whether sums start from what prepare left, and end in 32 bits.
QQI_INLINE int qqi_dot_plain_avx512(const qqi_dot_avx512 *w)
{
    return w->start == QQI_START_READY && w->p->x_zero == 0 && !w->is_long;
}

// Where things lie in work: 256 bytes a column, or 512 where tiles are long, or
// 128 where eight columns at a time make a lone tile; then u and scales, 32
// bytes a column of the strip and 128 a tile, of which two more begin in the
// strip than fill it.
QQI_AVX512_INLINE void qqi_dot_room_avx512(qqi_dot_avx512 *w, void *work)
{
    const qqi_product *p = w->p;
    const size_t width = w->g->width;
    const size_t first = w->is_rows  ? 128 * width
                         : width > 8 ? QQI_WORK_BYTES
                                     : 4096;
    const size_t room =
        QQI_WORK_BYTES + (width > 8 ? qqi_wide_bytes(p->padded) : 0) - first;
    const size_t of_scales = p->tiles > 1 ? (127 + p->tile) / p->tile : 0;
    // There is no room where there are no columns.
    const size_t spare = room > 256 ? room - 256 : 0;
    const size_t strip = p->bits == 8 && p->tiles <= 1
                             ? 512
                             : spare / (32 + of_scales) / 32 * 32;
    uint8_t *at = (uint8_t *)work;
    void *acc = at;
    void *part = w->is_rows ? at : at + 128 * width;
    void *total = at + 256 * width;

    w->strip = strip < 512 ? strip : 512;
    w->u = at + first;
    void *scale = w->u + (p->bits == 8 ? 0 : 32 * w->strip);
    w->acc = (float *)acc;
    w->part = (int32_t *)part;
    w->total = (int64_t *)total;
    w->scale = (float *)scale;
}

// Whether panels go by three.
QQI_INLINE int qqi_dot_is_trio_avx512(const qqi_dot_avx512 *w)
{
    const qqi_product *p = w->p;

    return qqi_dot_plain_avx512(w) && w->g->width % 4 == 0 &&
           p->tile % 32 == 0 && p->k % p->tile == 0 &&
           p->tile <= (p->k <= 512 ? QQI_TRIO_STRIP_TILE : QQI_TRIO_TILE);
}

// The same for three panels: unless all columns are one strip 192 bytes a
// column of q; 48 a column of the strip and 192 a tile.
QQI_AVX512_INLINE void qqi_dot_trio_room_avx512(qqi_dot_avx512 *w, void *work)
{
    const qqi_product *p = w->p;
    const size_t width = w->g->width, tile = p->tile;
    const size_t all =
        QQI_WORK_BYTES + (width > 8 ? qqi_wide_bytes(p->padded) : 0);
    const size_t a_tile = 48 * tile + 192;
    const int lone = p->k <= 512 && p->k / tile * a_tile <= all;
    const size_t first = lone ? 0 : 192 * width;
    const size_t most = (all - first) / a_tile * tile;
    void *acc = work;

    w->strip = most < 512 / tile * tile ? most : 512 / tile * tile;
    w->u = (uint8_t *)work + first;
    void *scale = w->u + 48 * w->strip;
    w->acc = (float *)acc;
    w->scale = (float *)scale;
}

// --- strips ----------------------------------------------------------------

// Scales of the strip's tiles, t to last.
QQI_AVX512_INLINE void qqi_dot_scales_avx512(const qqi_dot_avx512 *w,
                                             qq_type type, size_t t,
                                             size_t last)
{
    const qqi_product *p = w->p;
    const int lone = qqi_f32_bits(p->scale2) == 0x3f800000u &&
                     qqi_f32_bits(p->unit) == 0x3f800000u;
    const __m512 scale2 = _mm512_set1_ps(p->scale2);
    const __m512 unit = _mm512_set1_ps(p->unit);
    const uint8_t *scales = qqi_panel(p, w->panel) + p->scale_at;
    float *to = w->scale;

    for (; t <= last; t++)
        for (size_t i = 0; i < w->panels; i++, to += 16) {
            const __m512 v =
                qqi_stored_avx512(type, scales + i * p->panel_bytes, t);
            _mm512_storeu_ps(
                to, lone ? v : _mm512_mul_ps(_mm512_mul_ps(v, scale2), unit));
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

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_ROOM_H
