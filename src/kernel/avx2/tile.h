// qquant floor 5: panels, chunks and tiles of the AVX2 dot engines.
//
// Codes of a panel are unpacked 512 columns at a time (256 where they become
// int16), and met by all columns of a group, 4 at a time. A segment is what a
// chunk and a span of a tile have in common. Where it ends a tile its sums go
// from registers into acc, unless there are digits, a zero point of x, or
// more spans in the tile; then all sums of the tile are joined in memory: one
// span in double, exact below 2^53: 255 * 2^24 * QQI_SPAN = 2^48; more spans in
// int64.

#ifndef QQUANT_KERNEL_AVX2_TILE_H
#define QQUANT_KERNEL_AVX2_TILE_H

#include "kernel/avx2/prepare.h"
#include "kernel/avx2/unpack.h"

#if QQI_HAS_AVX2

// Rows of x in a group, at most, where a tile has more spans.
#  define QQI_TOTAL_AVX2 ((size_t)8)

#  define QQI_CHUNK_AVX2 ((size_t)512)

typedef struct qqi_work_avx2 {
    uint8_t u[16 * 512];
    int32_t sum[32][16];
    float acc[32][16]; // rows of x
    int16_t q[1024];   // dot.h: wide
    int64_t total[8][16];
} qqi_work_avx2;

QQI_STATIC_ASSERT(work_avx2, sizeof(qqi_work_avx2) <= QQI_WORK_BYTES);

// What is being multiplied.
typedef struct qqi_pass_avx2 {
    const qqi_product *p;
    const qqi_columns *g;
    qqi_work_avx2 *w;
    size_t columns; // of q, digits and all
    int direct;     // sums go straight into acc
    size_t most;    // additions in int16, where there are any
    size_t panel;
    size_t tile;
} qqi_pass_avx2;

// What the columns of a tile share at its end.
typedef struct qqi_ends_avx2 {
    __m256 scales[2];
    __m256i zeros[2];
    __m256i shift;
} qqi_ends_avx2;

// Numbers of x and codes that meet: steps of 4 numbers for count columns, 1 to
// 4, from column c on. fresh: sums begin with 0; ends: they end a tile, whose
// ends these are, else NULL.
typedef struct qqi_meeting_avx2 {
    const uint8_t *u;
    const int8_t *q;
    size_t steps;
    size_t c;
    size_t count;
    int fresh;
    const qqi_ends_avx2 *ends;
} qqi_meeting_avx2;

typedef void (*qqi_segment_avx2_fn)(const qqi_pass_avx2 *a,
                                    const qqi_meeting_avx2 *m);

// How codes come to be in w->u. NULL: they are bytes in the panel already.
typedef void (*qqi_unpack_avx2_fn)(const qqi_product *p, const uint8_t *cells,
                                   size_t k, size_t count, uint8_t *out);

QQI_AVX2_ALONE void qqi_ends_make_avx2(const qqi_pass_avx2 *a,
                                       qqi_ends_avx2 *ends)
{
    const uint8_t *panel = qqi_panel(a->p, a->panel);

    ends->scales[0] = qqi_scales_avx2(a->p, panel, a->tile, 0);
    ends->scales[1] = qqi_scales_avx2(a->p, panel, a->tile, 1);
    ends->zeros[0] = qqi_zeros_avx2(a->p, panel, a->tile, 0);
    ends->zeros[1] = qqi_zeros_avx2(a->p, panel, a->tile, 1);
    ends->shift = _mm256_set1_epi32(a->p->mul - 1);
}

// What the sums of a column begin with.
QQI_AVX2_INLINE void qqi_begin_column_avx2(const qqi_pass_avx2 *a,
                                           const qqi_meeting_avx2 *m, size_t i,
                                           __m256i *s)
{
    const int32_t *sum = a->w->sum[m->c + i];

    s[0] = m->fresh ? _mm256_setzero_si256() : qqi_load_avx2(sum);
    s[1] = m->fresh ? _mm256_setzero_si256() : qqi_load_avx2(sum + 8);
}

// count, a constant, columns.
QQI_AVX2_INLINE void qqi_begin_avx2(const qqi_pass_avx2 *a,
                                    const qqi_meeting_avx2 *m, size_t count,
                                    __m256i *s)
{
    qqi_begin_column_avx2(a, m, 0, s);
    if (count > 1)
        qqi_begin_column_avx2(a, m, 1, s + 2);
    if (count > 2)
        qqi_begin_column_avx2(a, m, 2, s + 4);
    if (count > 3)
        qqi_begin_column_avx2(a, m, 3, s + 6);
}

// What becomes of them: acc = fma(s, D, acc), or they wait.
QQI_AVX2_INLINE void qqi_finish_column_avx2(const qqi_pass_avx2 *a,
                                            const qqi_meeting_avx2 *m, size_t i,
                                            const __m256i *s)
{
    const qqi_ends_avx2 *ends = m->ends;
    const size_t c = m->c + i;
    const size_t at = a->tile * a->g->width + c;
    float *acc = a->w->acc[c];

    if (ends == NULL) {
        qqi_store_avx2(a->w->sum[c], s[0]);
        qqi_store_avx2(a->w->sum[c] + 8, s[1]);
        return;
    }
    const __m256i sum = _mm256_set1_epi32(a->g->sum[at]);
    const __m256i d0 =
        _mm256_sub_epi32(_mm256_sllv_epi32(s[0], ends->shift),
                         _mm256_mullo_epi32(ends->zeros[0], sum));
    const __m256i d1 =
        _mm256_sub_epi32(_mm256_sllv_epi32(s[1], ends->shift),
                         _mm256_mullo_epi32(ends->zeros[1], sum));
    __m256 s0 = ends->scales[0];
    __m256 s1 = ends->scales[1];
    if (a->p->input == QQ_INPUT_INT8_TILE) {
        const __m256 sx = _mm256_set1_ps(a->g->scale[at]);
        s0 = _mm256_mul_ps(s0, sx);
        s1 = _mm256_mul_ps(s1, sx);
    }
    qqi_store_floats_avx2(
        acc, _mm256_fmadd_ps(s0, _mm256_cvtepi32_ps(d0), qqi_floats_avx2(acc)));
    qqi_store_floats_avx2(acc + 8, _mm256_fmadd_ps(s1, _mm256_cvtepi32_ps(d1),
                                                   qqi_floats_avx2(acc + 8)));
}

QQI_AVX2_INLINE void qqi_finish_avx2(const qqi_pass_avx2 *a,
                                     const qqi_meeting_avx2 *m, size_t count,
                                     const __m256i *s)
{
    qqi_finish_column_avx2(a, m, 0, s);
    if (count > 1)
        qqi_finish_column_avx2(a, m, 1, s + 2);
    if (count > 2)
        qqi_finish_column_avx2(a, m, 2, s + 4);
    if (count > 3)
        qqi_finish_column_avx2(a, m, 3, s + 6);
}

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

// Numbers k to end - 1 times all columns; u is where their codes begin. fresh:
// they begin a span; last: they end a tile.
QQI_AVX2_INLINE void qqi_segment_avx2(const qqi_pass_avx2 *a, const uint8_t *u,
                                      size_t k, size_t end, int fresh, int last,
                                      qqi_segment_avx2_fn segment)
{
    const int direct = a->direct && last;
    qqi_ends_avx2 ends;
    qqi_meeting_avx2 m;

    if (direct)
        qqi_ends_make_avx2(a, &ends);
    m.u = u;
    m.q = a->g->q + k * a->g->width;
    m.steps = (end - k + 3) / 4;
    m.fresh = fresh;
    m.ends = direct ? &ends : NULL;
    for (m.c = 0; m.c < a->columns; m.c += 4, m.q += 16) {
        m.count = a->columns - m.c < 4 ? a->columns - m.c : 4;
        segment(a, &m);
    }
}

// Columns k0 to k1 - 1 of a panel, k0 a multiple of 32.
QQI_AVX2_INLINE void qqi_chunk_avx2(qqi_pass_avx2 *a, size_t k0, size_t k1,
                                    qqi_segment_avx2_fn segment,
                                    qqi_unpack_avx2_fn unpack, size_t step)
{
    const qqi_product *p = a->p;
    const uint8_t *cells = qqi_panel_cells(p, a->panel);
    const uint8_t *u = a->w->u;

    if (unpack != NULL)
        unpack(p, cells, k0, k1 - k0, a->w->u);
    else
        u = cells + 16 * k0;
    for (size_t k = k0, next; k < k1; k = next) {
        const size_t first = a->tile * p->tile;
        const size_t tile_end = qqi_tile_end(p, a->tile);
        const size_t span = (k - first) / p->span;
        const size_t left = first + span * p->span + p->span - k;
        const size_t span_end = left < tile_end - k ? k + left : tile_end;
        next = k1 < span_end ? k1 : span_end;
        qqi_segment_avx2(a, u + (k - k0) / 4 * step, k, next,
                         (k - first) % p->span == 0, next == tile_end, segment);
        if (p->spans > p->tiles && next == span_end)
            qqi_join_span_avx2(a, span);
        if (next < tile_end)
            continue;
        if (!a->direct)
            qqi_join_tile_avx2(a);
        a->tile++;
    }
}

// The product, segment and unpack being constants: a 64-byte step of codes is
// 4 columns, one of 128 bytes where they are int16.
QQI_AVX2_INLINE void qqi_multiply_dot_avx2(const qqi_product *p,
                                           const qqi_columns *g, size_t first,
                                           size_t last, void *work, size_t most,
                                           qqi_segment_avx2_fn segment,
                                           qqi_unpack_avx2_fn unpack,
                                           size_t step)
{
    const size_t chunk = QQI_CHUNK_AVX2 * 64 / step;
    qqi_pass_avx2 a;

    a.p = p;
    a.g = g;
    a.w = (qqi_work_avx2 *)work;
    a.columns = g->count * p->digits;
    a.direct = p->digits == 1 && p->x_zero == 0 && p->spans <= p->tiles;
    a.most = most;
    for (a.panel = first; a.panel < last; a.panel++) {
        a.tile = 0;
        QQ_MEMSET(a.w->acc, 0, g->count * sizeof a.w->acc[0]);
        QQ_MEMSET(a.w->total, 0, sizeof a.w->total);
        for (size_t k = 0; k < p->k; k += chunk)
            qqi_chunk_avx2(&a, k, chunk < p->k - k ? k + chunk : p->k, segment,
                           unpack, step);
        for (size_t c = 0; c < g->count; c++)
            qqi_end_avx2(p, g, a.panel, c, qqi_floats_avx2(a.w->acc[c]),
                         qqi_floats_avx2(a.w->acc[c] + 8));
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_TILE_H
