// qquant floor 5: a lone column of x by AVX-512: four panels at a time, in the
// ways that most matrices want: rows with scales of f32, here, and tiles with
// those of f16 or e8m0, in avx512/few_lone_tiles.h; no zero points.
// avx512/few_panels.h has all others.
//
// Plain codes of 2 and 4 bits are taken at the top of bytes: those that stand
// there by a mask, others looked up, as 64 or 16 times themselves. Sums are so
// many times too large; they stay below 64 * 3 * 128 * 65536 < 2^31, or 16 * 15
// * 128 * 65536.

#ifndef QQUANT_KERNEL_AVX512_FEW_LONE_H
#define QQUANT_KERNEL_AVX512_FEW_LONE_H

#include "kernel/avx512/end.h"
#include "kernel/avx512/few.h"

#if QQI_HAS_AVX512

// Bytes of the next panels that are asked for, of codes of 8 bits. The rest the
// processor fetches in time by itself, and to ask for everything costs a fifth
// of the time if it is in the second cache.
#  define QQI_LONE_AHEAD ((size_t)256)

typedef struct qqi_lone_avx512 {
    const qqi_product *p;
    const qqi_columns *g;
    __m512i table[3]; // codes by the first fields of bytes
    __m512i top;      // the mask of the last field
    size_t side;      // from a panel's cells to the next one's
    size_t bytes;     // of a panel's cells
    size_t turn;      // from there on the next panels are asked for
    size_t jump;      // how far away those are
} qqi_lone_avx512;

// Tables of plain codes of 2 and 4 bits.
QQI_AVX512_VNNI_INLINE void qqi_lone_tables_avx512(qqi_lone_avx512 *l,
                                                   unsigned b)
{
    // The numbers 0 to 63.
    const __m512i index = _mm512_setr_epi64(
        0x0706050403020100, 0x0f0e0d0c0b0a0908, 0x1716151413121110,
        0x1f1e1d1c1b1a1918, 0x2726252423222120, 0x2f2e2d2c2b2a2928,
        0x3736353433323130, 0x3f3e3d3c3b3a3938);

    l->top = _mm512_set1_epi8((char)(b == 2 ? 0xc0 : 0xf0));
    QQI_UNROLL_AVX512
    for (unsigned f = 0; f < 3; f++)
        if (b * (f + 1) < 8)
            l->table[f] = _mm512_and_si512(
                _mm512_slli_epi32(index, 8 - b - b * f), l->top);
}

// --- cells -----------------------------------------------------------------

// Codes of field f; v is what is left of a cell.
QQI_AVX512_VNNI_INLINE __m512i qqi_lone_codes_avx512(const qqi_lone_avx512 *l,
                                                     __m512i *v, unsigned b,
                                                     unsigned f, int plain)
{
    if (b == 8 || !plain)
        return qqi_few_codes_avx512(v, b, f, l->table[0], l->table[1]);
    return f == 8 / b - 1 ? _mm512_and_si512(*v, l->top)
                          : _mm512_permutexvar_epi8(*v, l->table[f]);
}

// Adds a cell of four panels to sums: sum[4 * way + i] has panel i.
QQI_AVX512_VNNI_INLINE void qqi_lone_cell_avx512(const qqi_lone_avx512 *l,
                                                 const uint8_t *cell,
                                                 const uint8_t *next,
                                                 size_t side, const int8_t *q,
                                                 unsigned b, int plain, int far,
                                                 unsigned ways, __m512i *sum)
{
    __m512i v[4], u[4];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < 4; i++) {
        const void *ahead = next + i * side;
        if (far)
            _mm_prefetch((const char *)ahead, _MM_HINT_T0);
        v[i] = qqi_load_avx512(cell + i * side);
        QQI_KEEP_AVX512(v[i]);
    }
    QQI_UNROLL_AVX512
    for (unsigned f = 0; f < 8 / b; f++) {
        __m512i *to = sum + f % ways * 4;
        __m512i x = qqi_four_avx512(q + 4 * f);
        QQI_KEEP_AVX512(x);
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < 4; i++)
            u[i] = qqi_lone_codes_avx512(l, &v[i], b, f, plain);
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < 4; i++)
            to[i] = _mm512_dpbusd_epi32(to[i], u[i], x);
    }
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < 4 * ways; i++)
        QQI_KEEP_AVX512(sum[i]);
}

// --- rows ------------------------------------------------------------------

// Cells from cell to last: two ways of sums, as dots in a row would wait for
// each other.
QQI_AVX512_VNNI_INLINE const int8_t *
qqi_lone_cells_avx512(const qqi_lone_avx512 *l, const uint8_t *cell,
                      const uint8_t *last, size_t soon, const int8_t *q,
                      unsigned b, int far, __m512i *sum)
{
    const size_t side = l->side;
    const uint8_t *next = cell + soon;

    QQI_HIDE_AVX512(next);
    if (b < 8) {
        for (; cell != last; cell += 64, next += 64, q += 32 / b)
            qqi_lone_cell_avx512(l, cell, next, side, q, b, 1, far, 2, sum);
        return q;
    }
    for (; last - cell >= 128; cell += 128, next += 128, q += 8) {
        qqi_lone_cell_avx512(l, cell, next, side, q, b, 1, far, 1, sum);
        qqi_lone_cell_avx512(l, cell + 64, next + 64, side, q + 4, b, 1, far, 1,
                             sum + 4);
    }
    if (cell != last) {
        qqi_lone_cell_avx512(l, cell, next, side, q, b, 1, far, 1, sum);
        q += 4;
    }
    return q;
}

// Four panels at a time, of a scale a row; returns the first that is left.
QQI_AVX512_VNNI_INLINE size_t qqi_lone_rows_avx512(qqi_lone_avx512 *l,
                                                   size_t first, size_t last,
                                                   unsigned b)
{
    const qqi_product *p = l->p;
    const qqi_columns *g = l->g;
    const float sx = g->scale[0];
    const __m512i start =
        _mm512_slli_epi32(qqi_four_avx512(g->sum), (unsigned)(8 - b));

    if (b < 8)
        qqi_lone_tables_avx512(l, b);
    for (; last - first >= 4; first += 4) {
        const uint8_t *cells = qqi_panel_cells(p, first);
        const uint8_t *scales = qqi_panel(p, first) + p->scale_at;
        const int8_t *q = g->q;
        __m512i sum[8];
        if (last - first < 8)
            l->jump = 0;
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < 4; i++) {
            sum[i] = start;
            sum[4 + i] = _mm512_setzero_si512();
        }
        q = qqi_lone_cells_avx512(l, cells, cells + l->turn, QQI_FEW_AHEAD, q,
                                  b, b < 8, sum);
        qqi_lone_cells_avx512(l, cells + l->turn, cells + l->bytes, l->jump, q,
                              b, 1, sum);
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < 4; i++) {
            const __m512i d = _mm512_srai_epi32(
                _mm512_add_epi32(sum[i], sum[4 + i]), (unsigned)(8 - b));
            const __m512 s = _mm512_loadu_ps(scales + i * p->panel_bytes);
            qqi_end_avx512(
                p, first + i, g->first, sx,
                _mm512_fmadd_ps(s, _mm512_cvtepi32_ps(d), _mm512_setzero_ps()));
        }
    }
    return first;
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_FEW_LONE_H
