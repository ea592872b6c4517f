// qquant floor 5: the float engine of AVX-512: x as it is, codes as numbers.
//
// Codes become numbers first, a strip of columns of a panel or of four. Then
// t = fma(v, x, t) goes column by column; each sum is one chain, so eight
// columns of x, or four panels, are in work side by side.

#ifndef QQUANT_KERNEL_AVX512_REAL_H
#define QQUANT_KERNEL_AVX512_REAL_H

#include "kernel/avx512/expand.h"

#if QQI_HAS_AVX512

// Codes of e5m2 in the top bytes of the lanes: as for e4m3fn, with 2^-112;
// infinity and NaN have all exponent bits.
QQI_AVX512_INLINE __m512 qqi_from_e5m2_avx512(__m512i top)
{
    const __m512i u = _mm512_and_si512(_mm512_srai_epi32(top, 3),
                                       _mm512_set1_epi32((int)0x8fe00000u));
    const __m512i inf = _mm512_set1_epi32(0x0f800000);
    const __mmask16 is = _mm512_cmpeq_epi32_mask(_mm512_and_si512(u, inf), inf);
    const __m512 v = _mm512_mul_ps(qqi_float_avx512(u),
                                   _mm512_set1_ps(qqi_f32_of(0x77800000u)));

    return _mm512_mask_mov_ps(
        v, is,
        qqi_float_avx512(_mm512_or_si512(u, _mm512_set1_epi32(0x7f800000))));
}

// Numbers of column j of four; zero: what is taken off, of every row.
QQI_AVX512_INLINE __m512 qqi_real_value_avx512(const qqi_product *p,
                                               qqi_code code, __m512i u,
                                               unsigned j, __m512i zero)
{
    const __m512i low = _mm512_srli_epi32(u, 8 * j);
    const __m512i top = _mm512_slli_epi32(u, 24 - 8 * j);
    __m512i v;

    switch (code) {
    case QQI_CODE_BOOK:
        return _mm512_permutexvar_ps(low, _mm512_loadu_ps(p->levels));
    case QQI_CODE_E4M3FN:
        return qqi_from_e4m3fn_avx512(top);
    case QQI_CODE_E5M2:
        return qqi_from_e5m2_avx512(top);
    case QQI_CODE_PLAIN:
    default:
        v = _mm512_and_si512(low, _mm512_set1_epi32(255));
        if (p->mul != 1)
            v = _mm512_mullo_epi32(v, _mm512_set1_epi32(p->mul));
        return _mm512_cvtepi32_ps(_mm512_sub_epi32(v, zero));
    }
}

// What is taken off the codes of a tile.
QQI_AVX512_INLINE __m512i qqi_real_zero_avx512(const qqi_product *p,
                                               const uint8_t *panel, size_t t)
{
    return p->zero_at != 0 ? _mm512_cvtepu8_epi32(
                                 qqi_load16_avx512(panel + p->zero_at + 16 * t))
                           : _mm512_set1_epi32(p->add);
}

// Columns k to end - 1, a block at most, of a panel to v, step floats apart; u:
// their bytes.
QQI_AVX512_INLINE void qqi_real_block_avx512(const qqi_product *p,
                                             qqi_code code,
                                             const uint8_t *panel, size_t k,
                                             size_t end, const uint8_t *u,
                                             float *v, size_t step)
{
    size_t tile = k / p->tile;
    size_t next = qqi_tile_end(p, tile);
    __m512i zero = qqi_real_zero_avx512(p, panel, tile);

    for (; k < end; k += 4, u += 64) {
        const __m512i four = qqi_load_avx512(u);
        if (k == next) {
            next = qqi_tile_end(p, ++tile);
            zero = qqi_real_zero_avx512(p, panel, tile);
        }
        QQI_UNROLL_AVX512
        for (unsigned j = 0; j < 4; j++, v += step)
            _mm512_storeu_ps(v, qqi_real_value_avx512(p, code, four, j, zero));
    }
}

// Numbers of columns k, a multiple of 32, to end - 1 of panel i. Up to a
// multiple of 4 is written.
QQI_AVX512_FN void qqi_real_strip_avx512(const qqi_product *p, size_t i,
                                         size_t k, size_t end, float *v,
                                         size_t step)
{
    const uint8_t *panel = qqi_panel(p, i);
    qqi_meaning_avx512 m;
    uint8_t u[512];

    m.book = _mm512_setzero_si512();
    m.is_book = 0;
    for (; k < end; k += 32, v += 32 * step) {
        const size_t to = 32 < end - k ? k + 32 : end;
        qqi_expand_as_avx512(p, &m, i, k, to, u, 64);
        switch (p->code) {
        case QQI_CODE_BOOK:
            qqi_real_block_avx512(p, QQI_CODE_BOOK, panel, k, to, u, v, step);
            break;
        case QQI_CODE_E4M3FN:
            qqi_real_block_avx512(p, QQI_CODE_E4M3FN, panel, k, to, u, v, step);
            break;
        case QQI_CODE_E5M2:
            qqi_real_block_avx512(p, QQI_CODE_E5M2, panel, k, to, u, v, step);
            break;
        case QQI_CODE_PLAIN:
        default:
            qqi_real_block_avx512(p, QQI_CODE_PLAIN, panel, k, to, u, v, step);
            break;
        }
    }
}

// --- sums ------------------------------------------------------------------

// Of a panel and up to 64 columns of x, or of four panels and one.
typedef struct qqi_real_avx512 {
    float v[128][16]; // v[column][panel][16]
    float t[64][16];
    float acc[64][16];
} qqi_real_avx512;

QQI_STATIC_ASSERT(real_avx512, sizeof(qqi_real_avx512) <= QQI_WORK_BYTES);

// t[panel or column] over n columns of W, x being the first one's.
QQI_AVX512_INLINE void qqi_real_run_avx512(const float *v, const float *x,
                                           size_t width, size_t n,
                                           unsigned panels, unsigned count,
                                           float *t)
{
    __m512 sum[8];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * count; i++)
        sum[i] = _mm512_loadu_ps(t + 16 * i);
    for (; n > 0; n--, v += 16 * panels, x += width) {
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels * count; i++)
            sum[i] = _mm512_fmadd_ps(_mm512_loadu_ps(v + 16 * (i / count)),
                                     _mm512_set1_ps(x[i % count]), sum[i]);
    }
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * count; i++)
        _mm512_storeu_ps(t + 16 * i, sum[i]);
}

// All columns of x; panels is 4 only where there is one.
QQI_AVX512_FN void qqi_real_runs_avx512(const qqi_columns *g, size_t k,
                                        size_t n, size_t panels, const float *v,
                                        qqi_real_avx512 *w)
{
    const float *x = g->real + k * g->width;
    size_t c = 0;

    if (panels == 4) {
        qqi_real_run_avx512(v, x, 1, n, 4, 1, w->t[0]);
        return;
    }
    for (; g->width - c >= 8; c += 8)
        qqi_real_run_avx512(v, x + c, g->width, n, 1, 8, w->t[c]);
    for (; g->width - c >= 4; c += 4)
        qqi_real_run_avx512(v, x + c, g->width, n, 1, 4, w->t[c]);
    for (; c < g->width; c++)
        qqi_real_run_avx512(v, x + c, g->width, n, 1, 1, w->t[c]);
}

// acc at the end of a tile.
QQI_AVX512_FN void qqi_real_tile_avx512(const qqi_product *p, size_t tile,
                                        size_t panel, size_t panels,
                                        size_t count, qqi_real_avx512 *w)
{
    for (size_t i = 0; i < panels * count; i++) {
        const __m512 s =
            qqi_scale_avx512(p, qqi_panel(p, panel + i / count), tile);
        const __m512 acc = _mm512_loadu_ps(w->acc[i]);
        _mm512_storeu_ps(w->acc[i],
                         _mm512_fmadd_ps(s, _mm512_loadu_ps(w->t[i]), acc));
        _mm512_storeu_ps(w->t[i], _mm512_setzero_ps());
    }
}

QQI_AVX512_FN void qqi_real_panels_avx512(const qqi_product *p,
                                          const qqi_columns *g, size_t panel,
                                          size_t panels, qqi_real_avx512 *w)
{
    const size_t strip = 128 / panels;
    const size_t step = 16 * panels;
    const float *v = w->v[0];

    QQ_MEMSET(w->t, 0, sizeof w->t);
    QQ_MEMSET(w->acc, 0, sizeof w->acc);
    for (size_t k = 0, stop; k < p->k; k = stop) {
        const size_t tile = k / p->tile;
        const size_t end = qqi_tile_end(p, tile);
        const size_t from = k / strip * strip;
        const size_t to = strip < p->k - from ? from + strip : p->k;
        for (size_t i = 0; i < panels && k == from; i++)
            qqi_real_strip_avx512(p, panel + i, k, to, w->v[i], step);
        stop = end < to ? end : to;
        qqi_real_runs_avx512(g, k, stop - k, panels, v + (k - from) * step, w);
        if (stop == end)
            qqi_real_tile_avx512(p, tile, panel, panels, g->width, w);
    }
    for (size_t i = 0; i < panels * g->count; i++)
        qqi_end_avx512(p, panel + i / g->count, g->first + i % g->count, 1.0f,
                       _mm512_loadu_ps(w->acc[i]));
}

QQI_AVX512_FN void qqi_multiply_real_avx512(const qqi_product *p,
                                            const qqi_columns *g, size_t first,
                                            size_t last, void *work)
{
    for (size_t panels; first < last; first += panels) {
        panels = g->width == 1 && last - first >= 4 ? 4 : 1;
        qqi_real_panels_avx512(p, g, first, panels, (qqi_real_avx512 *)work);
    }
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_REAL_H
