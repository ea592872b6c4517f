// qquant floor 5: the float engine of AVX2.
//
// Codes become floats, some columns at a time, 16 rows beside each other; then
// t = fma(v, x, t) goes column by column, as it must. Such a sum takes four
// cycles, so eight registers of them are under way: 4 columns of x and one
// panel, or a lone column and 4 panels.

#ifndef QQUANT_KERNEL_AVX2_REAL_H
#define QQUANT_KERNEL_AVX2_REAL_H

#include "kernel/avx2/prepare.h"
#include "kernel/avx2/unpack.h"

#if QQI_HAS_AVX2

// Columns that are floats at a time, all panels together.
#  define QQI_REAL_AVX2 ((size_t)128)

typedef struct qqi_real_work_avx2 {
    uint8_t u[16 * 128];
    float v[16 * 128];
    float t[32][16]; // by column of x, or panel
    float acc[32][16];
} qqi_real_work_avx2;

QQI_STATIC_ASSERT(real_avx2, sizeof(qqi_real_work_avx2) <= QQI_WORK_BYTES);

// --- codes to floats -------------------------------------------------------

// What eight codes stand for; zeros as floats, of 8 rows.
QQI_AVX2_INLINE __m256 qqi_plain_floats_avx2(const qqi_product *p,
                                             __m128i codes, __m256 zeros)
{
    // Integers: however this is rounded, it is exact.
    return _mm256_fmsub_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes)),
                           _mm256_set1_ps((float)p->mul), zeros);
}

QQI_AVX2_INLINE __m256 qqi_book_floats_avx2(const qqi_product *p, __m128i codes)
{
    const __m256i i = _mm256_cvtepu8_epi32(codes);
    const __m256 low = _mm256_permutevar8x32_ps(qqi_floats_avx2(p->levels), i);
    const __m256 high =
        _mm256_permutevar8x32_ps(qqi_floats_avx2(p->levels + 8), i);

    return _mm256_blendv_ps(low, high,
                            _mm256_castsi256_ps(_mm256_slli_epi32(i, 28)));
}

// As qqi_e4m3fn_avx2.
QQI_AVX2_INLINE __m256 qqi_e4m3fn_floats_avx2(__m128i codes)
{
    const __m128i w = _mm_cvtepu8_epi16(codes);
    const __m128i a = _mm_and_si128(w, _mm_set1_epi16(0x7f));
    const __m128i sign =
        _mm_slli_epi16(_mm_and_si128(w, _mm_set1_epi16(128)), 8);
    const __m128i nan = _mm_and_si128(_mm_cmpeq_epi16(a, _mm_set1_epi16(0x7f)),
                                      _mm_set1_epi16(0x7e00));
    const __m128i h =
        _mm_or_si128(_mm_or_si128(sign, nan), _mm_slli_epi16(a, 7));

    return _mm256_mul_ps(_mm256_cvtph_ps(h), _mm256_set1_ps(256.0f));
}

QQI_AVX2_INLINE __m256 qqi_code_floats_avx2(const qqi_product *p, qqi_code code,
                                            __m128i codes, __m256 zeros)
{
    switch (code) {
    case QQI_CODE_BOOK:
        return qqi_book_floats_avx2(p, codes);
    case QQI_CODE_E4M3FN:
        return qqi_e4m3fn_floats_avx2(codes);
    case QQI_CODE_E5M2:
        return _mm256_cvtph_ps(_mm_slli_epi16(_mm_cvtepu8_epi16(codes), 8));
    case QQI_CODE_PLAIN:
    default:
        return qqi_plain_floats_avx2(p, codes, zeros);
    }
}

// Half a group of four columns: the rows of each column, then floats. code is
// a constant.
QQI_AVX2_INLINE void qqi_real_half_avx2(const qqi_product *p, qqi_code code,
                                        const uint8_t *u, __m256 zeros,
                                        float *v)
{
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m256i x = _mm256_permutevar8x32_epi32(
        _mm256_shuffle_epi8(qqi_load_avx2(u), order),
        _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    const __m128i c01 = _mm256_castsi256_si128(x);
    const __m128i c23 = _mm256_extracti128_si256(x, 1);

    qqi_store_floats_avx2(v, qqi_code_floats_avx2(p, code, c01, zeros));
    qqi_store_floats_avx2(
        v + 16,
        qqi_code_floats_avx2(p, code, _mm_unpackhi_epi64(c01, c01), zeros));
    qqi_store_floats_avx2(v + 32, qqi_code_floats_avx2(p, code, c23, zeros));
    qqi_store_floats_avx2(
        v + 48,
        qqi_code_floats_avx2(p, code, _mm_unpackhi_epi64(c23, c23), zeros));
}

QQI_AVX2_INLINE void qqi_real_fours_avx2(const qqi_product *p, qqi_code code,
                                         const uint8_t *u, size_t fours,
                                         const __m256 *zeros, float *v)
{
    for (size_t i = 0; i < fours; i++, u += 64, v += 64) {
        qqi_real_half_avx2(p, code, u, zeros[0], v);
        qqi_real_half_avx2(p, code, u + 32, zeros[1], v + 8);
    }
}

// Numbers k to end - 1 of a panel, all of a tile: u has their codes.
QQI_AVX2_FN void qqi_real_floats_avx2(const qqi_product *p, size_t panel,
                                      size_t tile, const uint8_t *u,
                                      size_t count, float *v)
{
    const uint8_t *at = qqi_panel(p, panel);
    const size_t fours = (count + 3) / 4;
    __m256 zeros[2];

    for (size_t half = 0; half < 2; half++)
        zeros[half] = _mm256_cvtepi32_ps(qqi_zeros_avx2(p, at, tile, half));
    switch (p->code) {
    case QQI_CODE_BOOK:
        qqi_real_fours_avx2(p, QQI_CODE_BOOK, u, fours, zeros, v);
        break;
    case QQI_CODE_E4M3FN:
        qqi_real_fours_avx2(p, QQI_CODE_E4M3FN, u, fours, zeros, v);
        break;
    case QQI_CODE_E5M2:
        qqi_real_fours_avx2(p, QQI_CODE_E5M2, u, fours, zeros, v);
        break;
    case QQI_CODE_PLAIN:
    default:
        qqi_real_fours_avx2(p, QQI_CODE_PLAIN, u, fours, zeros, v);
        break;
    }
}

// --- sums ------------------------------------------------------------------

// A register pair of floats times x.
QQI_AVX2_INLINE void qqi_real_step_avx2(const float *v, __m256 x, __m256 *t)
{
    t[0] = _mm256_fmadd_ps(qqi_floats_avx2(v), x, t[0]);
    t[1] = _mm256_fmadd_ps(qqi_floats_avx2(v + 8), x, t[1]);
}

QQI_AVX2_INLINE void qqi_real_load_one_avx2(const float *from, __m256 *t)
{
    t[0] = qqi_floats_avx2(from);
    t[1] = qqi_floats_avx2(from + 8);
}

QQI_AVX2_INLINE void qqi_real_store_one_avx2(const __m256 *t, float *to)
{
    qqi_store_floats_avx2(to, t[0]);
    qqi_store_floats_avx2(to + 8, t[1]);
}

// count, a constant.
QQI_AVX2_INLINE void qqi_real_load_avx2(float (*from)[16], size_t count,
                                        __m256 *t)
{
    qqi_real_load_one_avx2(from[0], t);
    if (count > 1)
        qqi_real_load_one_avx2(from[1], t + 2);
    if (count > 2)
        qqi_real_load_one_avx2(from[2], t + 4);
    if (count > 3)
        qqi_real_load_one_avx2(from[3], t + 6);
}

QQI_AVX2_INLINE void qqi_real_store_avx2(const __m256 *t, size_t count,
                                         float (*to)[16])
{
    qqi_real_store_one_avx2(t, to[0]);
    if (count > 1)
        qqi_real_store_one_avx2(t + 2, to[1]);
    if (count > 2)
        qqi_real_store_one_avx2(t + 4, to[2]);
    if (count > 3)
        qqi_real_store_one_avx2(t + 6, to[3]);
}

// One panel and count columns, 1 to 4, a constant.
QQI_AVX2_INLINE void qqi_real_columns_avx2(const float *v, const float *x,
                                           size_t width, size_t steps,
                                           size_t count, float (*sums)[16])
{
    __m256 t[8];

    qqi_real_load_avx2(sums, count, t);
    for (size_t i = 0; i < steps; i++, v += 16, x += width) {
        qqi_real_step_avx2(v, _mm256_broadcast_ss(x), t);
        if (count > 1)
            qqi_real_step_avx2(v, _mm256_broadcast_ss(x + 1), t + 2);
        if (count > 2)
            qqi_real_step_avx2(v, _mm256_broadcast_ss(x + 2), t + 4);
        if (count > 3)
            qqi_real_step_avx2(v, _mm256_broadcast_ss(x + 3), t + 6);
    }
    qqi_real_store_avx2(t, count, sums);
}

// Four panels and a lone column.
QQI_AVX2_FN void qqi_real_panels_avx2(const float *v, const float *x,
                                      size_t steps, float (*sums)[16])
{
    const size_t panel = 16 * (QQI_REAL_AVX2 / 4);
    __m256 t[8];

    qqi_real_load_avx2(sums, 4, t);
    for (size_t i = 0; i < steps; i++, v += 16, x++) {
        const __m256 one = _mm256_broadcast_ss(x);
        qqi_real_step_avx2(v, one, t);
        qqi_real_step_avx2(v + panel, one, t + 2);
        qqi_real_step_avx2(v + 2 * panel, one, t + 4);
        qqi_real_step_avx2(v + 3 * panel, one, t + 6);
    }
    qqi_real_store_avx2(t, 4, sums);
}

QQI_AVX2_FN void qqi_real_panel_avx2(const qqi_columns *g, const float *v,
                                     size_t k, size_t steps, float (*sums)[16])
{
    for (size_t c = 0; c < g->count; c += 4) {
        const float *x = g->real + k * g->width + c;
        switch (g->count - c) {
        case 1:
            qqi_real_columns_avx2(v, x, g->width, steps, 1, sums + c);
            break;
        case 2:
            qqi_real_columns_avx2(v, x, g->width, steps, 2, sums + c);
            break;
        case 3:
            qqi_real_columns_avx2(v, x, g->width, steps, 3, sums + c);
            break;
        default:
            qqi_real_columns_avx2(v, x, g->width, steps, 4, sums + c);
            break;
        }
    }
}

// --- the product -----------------------------------------------------------

// The end of a tile: acc = fma(s, t, acc), then t = 0.
QQI_AVX2_FN void qqi_real_tile_avx2(const qqi_product *p, size_t panel,
                                    size_t tile, size_t count, float (*t)[16],
                                    float (*acc)[16])
{
    for (size_t half = 0; half < 2; half++) {
        const __m256 s = qqi_scales_avx2(p, qqi_panel(p, panel), tile, half);
        for (size_t c = 0; c < count; c++) {
            float *at = acc[c] + 8 * half;
            float *from = t[c] + 8 * half;
            qqi_store_floats_avx2(at, _mm256_fmadd_ps(s, qqi_floats_avx2(from),
                                                      qqi_floats_avx2(at)));
            qqi_store_floats_avx2(from, _mm256_setzero_ps());
        }
    }
}

// Columns k0 to k1 - 1 of some panels, 1 or 4, from tile on; returns the tile
// that k1 is in.
QQI_AVX2_FN size_t qqi_real_chunk_avx2(const qqi_product *p,
                                       const qqi_columns *g, size_t first,
                                       size_t panels, size_t k0, size_t k1,
                                       size_t tile, qqi_real_work_avx2 *w)
{
    const size_t room = QQI_REAL_AVX2 / panels;

    for (size_t k = k0, next; k < k1; k = next) {
        const size_t end = qqi_tile_end(p, tile);
        next = end < k1 ? end : k1;
        for (size_t i = 0; i < panels; i++) {
            const uint8_t *cells = qqi_panel_cells(p, first + i);
            qqi_unpack_codes_avx2(p, cells, k0, k1 - k0, 0, w->u);
            qqi_real_floats_avx2(p, first + i, tile, w->u + 16 * (k - k0),
                                 next - k, w->v + 16 * room * i);
        }
        if (panels > 1)
            qqi_real_panels_avx2(w->v, g->real + k, next - k, w->t);
        else
            qqi_real_panel_avx2(g, w->v, k, next - k, w->t);
        if (next < end)
            continue;
        for (size_t i = 0; i < panels; i++)
            qqi_real_tile_avx2(p, first + i, tile, g->count, w->t + i,
                               w->acc + i);
        tile++;
    }
    return tile;
}

QQI_AVX2_FN void qqi_multiply_real_avx2(const qqi_product *p,
                                        const qqi_columns *g, size_t first,
                                        size_t last, void *work)
{
    qqi_real_work_avx2 *w = (qqi_real_work_avx2 *)work;

    for (size_t i = first, panels; i < last; i += panels) {
        size_t tile = 0;
        panels = g->width == 1 && last - i >= 4 ? 4 : 1;
        const size_t chunk = QQI_REAL_AVX2 / panels;
        QQ_MEMSET(w->t, 0, sizeof w->t);
        QQ_MEMSET(w->acc, 0, sizeof w->acc);
        for (size_t k = 0; k < p->k; k += chunk)
            tile = qqi_real_chunk_avx2(p, g, i, panels, k,
                                       chunk < p->k - k ? k + chunk : p->k,
                                       tile, w);
        for (size_t j = 0; j < panels; j++)
            for (size_t c = 0; c < g->count; c++)
                qqi_end_avx2(p, g, i + j, c, qqi_floats_avx2(w->acc[j + c]),
                             qqi_floats_avx2(w->acc[j + c] + 8));
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_REAL_H
