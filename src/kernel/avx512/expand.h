// qquant floor 5: codes of a panel as bytes, by AVX-512.
//
// Four columns of a panel become a vector of u: mul * code, or what the book
// has for it, lane r holding the four of row r. These are the steps of a dot
// product, and the rows of a tile of AMX.

#ifndef QQUANT_KERNEL_AVX512_EXPAND_H
#define QQUANT_KERNEL_AVX512_EXPAND_H

#include "kernel/avx512/end.h"

#if QQI_HAS_AVX512

// The part p bits wide, left bits up in the codes, of field f: one of eight
// that a block has.
QQI_AVX512_INLINE __m512i qqi_part_avx512(const uint8_t *cells, unsigned p,
                                          unsigned left, unsigned f)
{
    const unsigned shift = f % (8 / p) * p;
    const __m512i v = qqi_load_avx512(cells + f / (8 / p) * 64);
    const unsigned mask = ((1u << p) - 1) << left;
    // What a byte gets from its neighbour the mask removes.
    const __m512i w = shift > left   ? _mm512_srli_epi32(v, shift - left)
                      : shift < left ? _mm512_slli_epi32(v, left - shift)
                                     : v;

    return _mm512_and_si512(w, _mm512_set1_epi8((char)mask));
}

// Codes of field f, columns 4 f to 4 f + 3, of a block of b bits. For widths
// that are powers of two fields may also count on into the next blocks.
QQI_AVX512_INLINE __m512i qqi_codes_avx512(const uint8_t *block, unsigned b,
                                           unsigned f)
{
    const unsigned part = b >= 4 ? 4 : b >= 2 ? 2 : 1;
    __m512i u;

    if (b == 8)
        return qqi_load_avx512(block + 64 * f);
    u = qqi_part_avx512(block, part, b - part, f);
    if (part == 4 && (b & 2))
        u = _mm512_or_si512(u, qqi_part_avx512(block + 256, 2, b & 1, f));
    if (part > 1 && (b & 1))
        u = _mm512_or_si512(u, qqi_part_avx512(block + 64 * (b & 6), 1, 0, f));
    return u;
}

// What codes become: themselves, or where is_book, which is for up to 4 bits,
// what the book has for them.
typedef struct qqi_meaning_avx512 {
    __m512i book; // in every quarter
    int is_book;
} qqi_meaning_avx512;

QQI_AVX512_INLINE qqi_meaning_avx512 qqi_meaning_of_avx512(const qqi_product *p)
{
    qqi_meaning_avx512 m;

    m.book = qqi_quarters_avx512(p->book);
    m.is_book = p->code == QQI_CODE_BOOK;
    if (p->mul == 2) {
        m.book =
            _mm512_set4_epi32(0x1e1c1a18, 0x16141210, 0x0e0c0a08, 0x06040200);
        m.is_book = 1;
    }
    return m;
}

// Cells of some fields, in widths that are sums whole blocks, to bytes step
// apart.
QQI_AVX512_INLINE void qqi_expand_blocks_avx512(const uint8_t *cells,
                                                unsigned b, size_t fields,
                                                const __m512i *book, uint8_t *u,
                                                size_t step)
{
    const unsigned part = b == 8 ? 8 : b == 4 ? 4 : b == 2 ? 2 : 1;
    const unsigned whole = b == part ? 8 / part : 8;

    for (;; cells += 8 * b * whole, u += whole * step, fields -= whole) {
        QQI_UNROLL_AVX512
        for (unsigned f = 0; f < whole; f++) {
            __m512i v = qqi_codes_avx512(cells, b, f);
            if (book != NULL)
                v = _mm512_shuffle_epi8(*book, v);
            qqi_store_avx512(u + f * step, v);
        }
        if (fields <= whole)
            return;
    }
}

QQI_AVX512_INLINE void qqi_expand_some_avx512(const uint8_t *cells,
                                              unsigned bits, size_t fields,
                                              const __m512i *book, uint8_t *u,
                                              size_t step)
{
    if (bits == 1)
        qqi_expand_blocks_avx512(cells, 1, fields, book, u, step);
    else if (bits == 2)
        qqi_expand_blocks_avx512(cells, 2, fields, book, u, step);
    else if (bits == 3)
        qqi_expand_blocks_avx512(cells, 3, fields, book, u, step);
    else
        qqi_expand_blocks_avx512(cells, 4, fields, book, u, step);
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
    const __m512i book = m->book;

    switch (p->bits) {
    case 5:
        qqi_expand_blocks_avx512(cells, 5, fields, NULL, u, step);
        return;
    case 6:
        qqi_expand_blocks_avx512(cells, 6, fields, NULL, u, step);
        return;
    case 7:
        qqi_expand_blocks_avx512(cells, 7, fields, NULL, u, step);
        return;
    case 8:
        qqi_expand_blocks_avx512(cells, 8, fields, NULL, u, step);
        return;
    default:
        if (m->is_book)
            qqi_expand_some_avx512(cells, p->bits, fields, &book, u, step);
        else
            qqi_expand_some_avx512(cells, p->bits, fields, NULL, u, step);
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
