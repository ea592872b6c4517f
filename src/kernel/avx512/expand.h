// qquant floor 5: codes of a panel as bytes, by AVX-512.
//
// Four columns of a panel become a vector of u: mul * code, or what the book
// has for it, lane r holding the four of row r. These are the steps of a dot
// product, and the rows of a tile of AMX.

#ifndef QQUANT_KERNEL_AVX512_EXPAND_H
#define QQUANT_KERNEL_AVX512_EXPAND_H

#include "kernel/avx512/core.h"

#if QQI_HAS_AVX512

// Adds to u the part p bits wide, left bits up in the codes, of field f: one
// of eight that a block has.
QQI_AVX512_INLINE __m512i qqi_part_avx512(const uint8_t *cells, unsigned p,
                                          unsigned left, unsigned f, __m512i u)
{
    const unsigned shift = f % (8 / p) * p;
    const __m512i v = qqi_load_avx512(cells + f / (8 / p) * 64);
    const unsigned mask = ((1u << p) - 1) << left;
    // What a byte gets from its neighbour the mask removes.
    const __m512i w = shift > left   ? _mm512_srli_epi32(v, shift - left)
                      : shift < left ? _mm512_slli_epi32(v, left - shift)
                                     : v;

    return _mm512_ternarylogic_epi32(u, w, _mm512_set1_epi8((char)mask), 0xf8);
}

// Codes of field f, columns 4 f to 4 f + 3, of a block of b bits. For widths
// that are powers of two fields may also count on into the next blocks.
QQI_AVX512_INLINE __m512i qqi_codes_avx512(const uint8_t *block, unsigned b,
                                           unsigned f)
{
    __m512i u = _mm512_setzero_si512();

    if (b == 8)
        return qqi_load_avx512(block + 64 * f);
    if (b & 4)
        u = qqi_part_avx512(block, 4, b & 3, f, u);
    if (b & 2)
        u = qqi_part_avx512(block + 64 * (b & 4), 2, b & 1, f, u);
    if (b & 1)
        u = qqi_part_avx512(block + 64 * (b & 6), 1, 0, f, u);
    return u;
}

// What codes become.
typedef struct qqi_meaning_avx512 {
    __m512i book; // in every quarter
    int is_book;
    int twice;
} qqi_meaning_avx512;

QQI_AVX512_INLINE qqi_meaning_avx512 qqi_meaning_of_avx512(const qqi_product *p)
{
    qqi_meaning_avx512 m;

    m.book = qqi_quarters_avx512(p->book);
    m.is_book = p->code == QQI_CODE_BOOK;
    m.twice = p->mul == 2;
    return m;
}

QQI_AVX512_INLINE __m512i qqi_mean_avx512(const qqi_meaning_avx512 *m,
                                          __m512i codes)
{
    if (m->is_book)
        return _mm512_shuffle_epi8(m->book, codes);
    return m->twice ? _mm512_add_epi8(codes, codes) : codes;
}

// Fields of a block, or the first count of them, to bytes step apart.
QQI_AVX512_INLINE void qqi_expand_block_avx512(const uint8_t *block, unsigned b,
                                               unsigned count,
                                               const qqi_meaning_avx512 *m,
                                               uint8_t *u, size_t step)
{
    QQI_UNROLL_AVX512
    for (unsigned f = 0; f < count; f++)
        qqi_store_avx512(u + f * step,
                         qqi_mean_avx512(m, qqi_codes_avx512(block, b, f)));
}

QQI_AVX512_INLINE void qqi_expand_blocks_avx512(const uint8_t *cells,
                                                unsigned b, size_t fields,
                                                const qqi_meaning_avx512 *m,
                                                uint8_t *u, size_t step)
{
    const unsigned part = b == 8 ? 8 : b == 4 ? 4 : b == 2 ? 2 : 1;
    const unsigned whole = b == part ? 8 / part : 8;

    for (; fields >= 8; fields -= 8, cells += 64 * b, u += 8 * step)
        qqi_expand_block_avx512(cells, b, 8, m, u, step);
    // Widths that are sums have whole blocks; others, whole cells.
    for (; fields > 0; cells += 8 * b * whole, u += whole * step) {
        qqi_expand_block_avx512(cells, b, whole, m, u, step);
        fields -= whole < fields ? whole : fields;
    }
}

// Columns from k, a multiple of 32, to end - 1 of panel i: what becomes of
// columns k + 4 s to k + 4 s + 3 at u + s * step. Up to a whole cell is
// written, for widths that are sums a whole block.
QQI_AVX512_FN void qqi_expand_as_avx512(const qqi_product *p,
                                        const qqi_meaning_avx512 *m, size_t i,
                                        size_t k, size_t end, uint8_t *u,
                                        size_t step)
{
    const uint8_t *cells = qqi_panel_cells(p, i) + k / 32 * 64 * p->bits;
    const size_t fields = (end - k + 3) / 4;

    switch (p->bits) {
    case 1:
        qqi_expand_blocks_avx512(cells, 1, fields, m, u, step);
        return;
    case 2:
        qqi_expand_blocks_avx512(cells, 2, fields, m, u, step);
        return;
    case 3:
        qqi_expand_blocks_avx512(cells, 3, fields, m, u, step);
        return;
    case 4:
        qqi_expand_blocks_avx512(cells, 4, fields, m, u, step);
        return;
    case 5:
        qqi_expand_blocks_avx512(cells, 5, fields, m, u, step);
        return;
    case 6:
        qqi_expand_blocks_avx512(cells, 6, fields, m, u, step);
        return;
    case 7:
        qqi_expand_blocks_avx512(cells, 7, fields, m, u, step);
        return;
    default:
        qqi_expand_blocks_avx512(cells, 8, fields, m, u, step);
        return;
    }
}

QQI_AVX512_INLINE void qqi_expand_avx512(const qqi_product *p, size_t i,
                                         size_t k, size_t end, uint8_t *u,
                                         size_t step)
{
    const qqi_meaning_avx512 m = qqi_meaning_of_avx512(p);

    qqi_expand_as_avx512(p, &m, i, k, end, u, step);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_EXPAND_H
