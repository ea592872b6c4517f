// qquant floor 5: one column of x at a time, by AVX-512: dots with codes where
// they stand.
//
// Field f of a cell, p bits wide, is masked and not shifted: its dot product is
// 2^(p f) times too large, exactly, and has sums of its own, which are shifted
// once, at the end of a tile: an AND and a dot for 64 weights. Eight sums of a
// block are independent; where tiles are short a few do (processors reorder
// across tiles), and cells of 1 and 2 bits are shifted once, by 4, so that
// fewer sums need be merged. A code that is a sum of parts is multiplied part
// by part.
//
// BOUNDS. Masked bytes are at most 255 and a field has at most half of a span's
// columns where it is above 127: 255 * 128 * 65536 < 2^31 holds for all.

#ifndef QQUANT_KERNEL_AVX512_VECTOR_H
#define QQUANT_KERNEL_AVX512_VECTOR_H

#include "kernel/avx512/dot.h"

#if QQI_HAS_AVX512

// A span of a panel: cells of a part, blocks apart, fours of columns.
typedef struct qqi_line_avx512 {
    const uint8_t *cells;
    size_t block;
    const int8_t *q;
    size_t fours;
} qqi_line_avx512;

// The dots of a cell of p bits: sum[f] for field f, or f % planes.
QQI_AVX512_INLINE void qqi_line_cell_avx512(const uint8_t *cell,
                                            const int8_t *q, unsigned p,
                                            unsigned planes, __m512i *sum,
                                            qqi_dot_avx512_fn dot)
{
    __m512i v = qqi_load_avx512(cell);

    QQI_KEEP_AVX512(v);
    QQI_UNROLL_AVX512
    for (unsigned f = 0; f < 8 / p; f++) {
        const unsigned mask = ((1u << p) - 1) << f % planes * p;
        if (f > 0 && f % planes == 0)
            v = _mm512_srli_epi32(v, planes * p);
        sum[f % planes] =
            dot(sum[f % planes],
                p == 8 ? v : _mm512_and_si512(v, _mm512_set1_epi8((char)mask)),
                qqi_four_avx512(q + 4 * f));
    }
}

// S of a part p bits wide, from what sum[0] holds on; many: eight sums.
QQI_AVX512_INLINE __m512i qqi_line_avx512_sum(const qqi_line_avx512 *l,
                                              unsigned p, int many,
                                              __m512i start,
                                              qqi_dot_avx512_fn dot)
{
    const unsigned fields = 8 / p;
    const unsigned planes = many || p > 2 ? fields : fields / 2;
    const unsigned cells = many ? p : 1;
    const uint8_t *cell = l->cells;
    const int8_t *q = l->q;
    size_t fours = l->fours;
    __m512i sum[8];

    sum[0] = start;
    QQI_UNROLL_AVX512
    for (unsigned i = 1; i < planes * cells; i++)
        sum[i] = _mm512_setzero_si512();
    for (; fours >= 8; fours -= 8, cell += l->block, q += 32) {
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < p; i++) {
            __m512i *to = sum + i % cells * planes;
            const uint8_t *at = cell + 64 * i;
            const int8_t *x = q + 4 * i * fields;
            qqi_line_cell_avx512(at, x, p, planes, to, dot);
        }
    }
    for (; fours > 0; cell += 64, q += 4 * fields) {
        qqi_line_cell_avx512(cell, q, p, planes, sum, dot);
        fours -= fields < fours ? fields : fours;
    }
    QQI_UNROLL_AVX512
    for (unsigned i = planes; i < planes * cells; i++)
        sum[i % planes] = _mm512_add_epi32(sum[i % planes], sum[i]);
    QQI_UNROLL_AVX512
    for (unsigned f = planes - 1; f > 0; f--)
        sum[0] = _mm512_add_epi32(sum[0], _mm512_srai_epi32(sum[f], f * p));
    return sum[0];
}

// D of fours of columns of codes of b bits, less what x's zero point takes.
QQI_AVX512_INLINE __m512i qqi_line_all_avx512(const uint8_t *cells,
                                              const int8_t *q, size_t fours,
                                              unsigned b, int twice, int many,
                                              __m512i start,
                                              qqi_dot_avx512_fn dot)
{
    const __m512i none = _mm512_setzero_si512();
    const unsigned part = b == 8 ? 8 : b >= 4 ? 4 : b >= 2 ? 2 : 1;
    qqi_line_avx512 l;
    __m512i d;

    l.cells = cells;
    l.block = 64 * b;
    l.q = q;
    l.fours = b == part ? fours : (fours + 7) / 8 * 8;
    if (b == part && !twice)
        return qqi_line_avx512_sum(&l, b, many, start, dot);
    d = qqi_line_avx512_sum(&l, part, many, none, dot);
    d = _mm512_slli_epi32(d, b - part);
    if (part == 4 && (b & 2)) {
        l.cells = cells + 256;
        const __m512i s = qqi_line_avx512_sum(&l, 2, many, none, dot);
        d = _mm512_add_epi32(d, _mm512_slli_epi32(s, b & 1));
    }
    if (part > 1 && (b & 1)) {
        l.cells = cells + 64 * (b - 1);
        d = _mm512_add_epi32(d, qqi_line_avx512_sum(&l, 1, many, none, dot));
    }
    if (twice)
        d = _mm512_add_epi32(d, d);
    return _mm512_add_epi32(d, start);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_VECTOR_H
