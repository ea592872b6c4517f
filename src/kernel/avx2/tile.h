// qquant floor 5: panels, chunks and tiles of the AVX2 dot engines.
//
// Codes of a panel are unpacked 512 columns at a time (256 where they are
// halved), and met by all columns of a group, 4 at a time: those meet all
// tiles of a chunk before the next 4 do. But where sums cannot go straight into
// acc (pass.h) all columns meet a span before the next one, and its sums are
// joined in memory: one span in double, exact below 2^53: 255 * 2^24 * QQI_SPAN
// = 2^48; more spans in int64.

#ifndef QQUANT_KERNEL_AVX2_TILE_H
#define QQUANT_KERNEL_AVX2_TILE_H

#include "kernel/avx2/pass.h"

#if QQI_HAS_AVX2

// --- sums that are joined in memory ----------------------------------------

// D of 4 rows: digits, low first, and the zero point of x.
QQI_AVX2_INLINE __m128 qqi_joined_double_avx2(const qqi_pass_avx2 *a, size_t i,
                                              size_t part)
{
    const qqi_product *p = a->p;
    const qqi_columns *g = a->g;
    const uint8_t *panel = qqi_panel(p, a->panel);
    const __m256i zeros = qqi_zeros_avx2(p, panel, a->tile, part / 2);
    __m256d d = _mm256_setzero_pd();
    double times = 1.0;

    for (size_t c = i * p->digits; c < (i + 1) * p->digits; c++) {
        const __m256i s =
            qqi_joined_avx2(p, qqi_load_avx2(a->w->sum[c] + 8 * (part / 2)),
                            zeros, g->sum[a->tile * g->width + c]);
        const __m128i four = part % 2 ? _mm256_extracti128_si256(s, 1)
                                      : _mm256_castsi256_si128(s);
        d = _mm256_add_pd(
            d, _mm256_mul_pd(_mm256_cvtepi32_pd(four), _mm256_set1_pd(times)));
        times *= 256.0;
    }
    if (p->x_zero != 0) {
        const uint8_t *sums = qqi_panel_sums(p, a->panel);
        const __m128i u = qqi_load16_avx2(sums + 64 * a->tile + 16 * part);
        d = _mm256_sub_pd(
            d, _mm256_mul_pd(_mm256_cvtepi32_pd(u), _mm256_set1_pd(p->x_zero)));
    }
    return _mm256_cvtpd_ps(d);
}

// Adds the sums of span s to the totals.
QQI_AVX2_ALONE void qqi_join_span_avx2(const qqi_pass_avx2 *a, size_t s)
{
    const qqi_product *p = a->p;
    const qqi_columns *g = a->g;
    const uint8_t *panel = qqi_panel(p, a->panel);

    for (size_t i = 0; i < g->count; i++) {
        int64_t times = 1;
        for (size_t d = 0; d < p->digits; d++) {
            const size_t c = i * p->digits + d;
            const int64_t sum = g->sum[s * g->width + c];
            for (size_t r = 0; r < 16; r++)
                a->w->total[i][r] +=
                    times * (p->mul * (int64_t)a->w->sum[c][r] -
                             qqi_zero_of(p, panel, a->tile, r) * sum);
            times *= 256;
        }
    }
}

// D of 4 rows from the totals.
QQI_AVX2_FN __m128 qqi_joined_total_avx2(const qqi_pass_avx2 *a, size_t i,
                                         size_t part)
{
    const qqi_product *p = a->p;
    float d[4];

    for (size_t r = 4 * part; r < 4 * part + 4; r++) {
        int64_t v = a->w->total[i][r];
        if (p->x_zero != 0) {
            const uint8_t *sums = qqi_panel_sums(p, a->panel);
            const uint32_t u = qqi_load_le32(sums + 4 * (16 * a->tile + r));
            v -= (int64_t)p->x_zero * (int64_t)(int32_t)u;
        }
        d[r % 4] = qqi_f32_from_i64(v);
    }
    return _mm_loadu_ps(d);
}

// The end of a tile whose sums are in memory.
QQI_AVX2_ALONE void qqi_join_tile_avx2(const qqi_pass_avx2 *a)
{
    const qqi_product *p = a->p;
    const qqi_columns *g = a->g;
    const uint8_t *panel = qqi_panel(p, a->panel);
    const int tiled = p->input == QQ_INPUT_INT8_TILE;

    for (size_t half = 0; half < 2; half++) {
        const __m256 scale = qqi_scales_avx2(p, panel, a->tile, half);
        for (size_t i = 0; i < g->count; i++) {
            float *acc = a->w->acc[i] + 8 * half;
            __m128 d[2];
            __m256 s = scale;
            for (size_t j = 0; j < 2; j++)
                d[j] = p->spans > p->tiles
                           ? qqi_joined_total_avx2(a, i, 2 * half + j)
                           : qqi_joined_double_avx2(a, i, 2 * half + j);
            if (tiled)
                s = _mm256_mul_ps(
                    s, _mm256_set1_ps(g->scale[a->tile * g->width + i]));
            qqi_store_floats_avx2(
                acc, _mm256_fmadd_ps(s, _mm256_set_m128(d[1], d[0]),
                                     qqi_floats_avx2(acc)));
        }
    }
}

// --- chunks ----------------------------------------------------------------

// The scales of tiles a->tile to end - 1, 16 f32 each.
QQI_AVX2_INLINE const uint8_t *qqi_pass_scales_avx2(const qqi_pass_avx2 *a,
                                                    size_t end)
{
    qqi_many_scales_avx2(a->p, qqi_panel(a->p, a->panel), a->tile, end,
                         a->w->scales[0]);
    return (const uint8_t *)a->w->scales;
}

// Numbers m->k to m->end - 1 times all columns.
QQI_AVX2_INLINE void qqi_meet_avx2(const qqi_pass_avx2 *a, qqi_meeting_avx2 *m,
                                   qqi_segment_avx2_fn segment)
{
    m->q = a->g->q + m->k * a->g->width;
    m->tile = a->tile;
    for (m->c = 0; m->c < a->columns; m->c += 4, m->q += 16) {
        m->count = a->columns - m->c < 4 ? a->columns - m->c : 4;
        segment(a, m);
    }
}

// A piece of a chunk from m->k on, before end: as many tiles as there is room
// for scales.
QQI_AVX2_INLINE void qqi_direct_avx2(qqi_pass_avx2 *a, qqi_meeting_avx2 *m,
                                     size_t end, qqi_segment_avx2_fn segment)
{
    const qqi_product *p = a->p;
    const size_t left = p->tiles - a->tile;
    const size_t last =
        a->tile + (left < QQI_TILES_AVX2 ? left : QQI_TILES_AVX2) - 1;
    const size_t most = qqi_tile_end(p, last);

    m->end = most < end ? most : end;
    m->scales = a->plain ? qqi_panel(p, a->panel) + p->scale_at + 64 * a->tile
                         : qqi_pass_scales_avx2(a, last + 1);
    qqi_meet_avx2(a, m, segment);
    a->tile = m->end == p->k ? p->tiles : m->end / p->tile;
}

// A piece of a span.
QQI_AVX2_INLINE void qqi_waiting_avx2(qqi_pass_avx2 *a, qqi_meeting_avx2 *m,
                                      size_t end, qqi_segment_avx2_fn segment)
{
    const qqi_product *p = a->p;
    const size_t first = a->tile * p->tile;
    const size_t tile_end = qqi_tile_end(p, a->tile);
    const size_t span = (m->k - first) / p->span;
    const size_t left = first + span * p->span + p->span - m->k;
    const size_t span_end = left < tile_end - m->k ? m->k + left : tile_end;

    m->end = end < span_end ? end : span_end;
    m->fresh = (m->k - first) % p->span == 0;
    m->scales = NULL;
    qqi_meet_avx2(a, m, segment);
    if (p->spans > p->tiles && m->end == span_end)
        qqi_join_span_avx2(a, span);
    if (m->end < tile_end)
        return;
    qqi_join_tile_avx2(a);
    a->tile++;
}

// Columns k to end - 1 of a panel, k a multiple of 32.
QQI_AVX2_INLINE void qqi_chunk_avx2(qqi_pass_avx2 *a, size_t k, size_t end,
                                    qqi_segment_avx2_fn segment,
                                    qqi_unpack_avx2_fn unpack)
{
    const uint8_t *cells = qqi_panel_cells(a->p, a->panel);
    qqi_meeting_avx2 m;

    m.u = a->w->u;
    if (unpack != NULL)
        unpack(a->p, cells, k, end - k, a->ahead, a->w->u);
    else
        m.u = cells + 16 * k;
    for (m.k = k; m.k < end; m.u += (m.end - m.k + 3) / 4 * 64, m.k = m.end)
        if (a->direct)
            qqi_direct_avx2(a, &m, end, segment);
        else
            qqi_waiting_avx2(a, &m, end, segment);
}

QQI_AVX2_INLINE void qqi_pass_make_avx2(qqi_pass_avx2 *a, const qqi_product *p,
                                        const qqi_columns *g, void *work,
                                        size_t most)
{
    a->p = p;
    a->g = g;
    a->w = (qqi_work_avx2 *)work;
    a->columns = g->count * p->digits;
    a->direct = qqi_is_direct(p);
    a->quick = qqi_is_quick(p);
    a->small = a->quick && p->tile == 32 && (most == 0 || most >= 4);
    a->plain = qqi_has_plain_scales(p);
    a->most = most;
}

// The product, chunk, segment and unpack being constants.
QQI_AVX2_INLINE void
qqi_multiply_dot_avx2(const qqi_product *p, const qqi_columns *g, size_t first,
                      size_t last, void *work, size_t most, size_t chunk,
                      qqi_segment_avx2_fn segment, qqi_unpack_avx2_fn unpack)
{
    qqi_pass_avx2 a;

    qqi_pass_make_avx2(&a, p, g, work, most);
    for (a.panel = first; a.panel < last; a.panel++) {
        a.tile = 0;
        a.ahead = qqi_ahead_of_avx2(p, a.panel, last);
        QQ_MEMSET(a.w->acc, 0, g->count * sizeof a.w->acc[0]);
        if (p->spans > p->tiles)
            QQ_MEMSET(a.w->total, 0, sizeof a.w->total);
        for (size_t k = 0; k < p->k; k += chunk)
            qqi_chunk_avx2(&a, k, chunk < p->k - k ? k + chunk : p->k, segment,
                           unpack);
        for (size_t c = 0; c < g->count; c++)
            qqi_end_avx2(p, g, a.panel, c, qqi_floats_avx2(a.w->acc[c]),
                         qqi_floats_avx2(a.w->acc[c] + 8));
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_TILE_H
