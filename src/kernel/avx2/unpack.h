// qquant floor 5: codes of a panel as bytes, AVX2.
//
// Four columns of a panel become 64 bytes in the order of a cell of 8 bits:
// byte 4 * row + column, so a part p bits wide is a shift and a mask away.
// Where bytes are too narrow for the dot (dot.h: wide) they become int16, for
// each half columns 0 and 2 of all rows, then columns 1 and 3: 128 bytes.

#ifndef QQUANT_KERNEL_AVX2_UNPACK_H
#define QQUANT_KERNEL_AVX2_UNPACK_H

#include "kernel/avx2/core.h"

#if QQI_HAS_AVX2

// Field f of the part p bits wide: 8 rows, 4 columns. cells: those of a block
// of 32 columns, of the part and of the half.
QQI_AVX2_INLINE __m256i qqi_part_avx2(const uint8_t *cells, unsigned p,
                                      unsigned f)
{
    const unsigned in = 8 / p;
    const __m256i x = qqi_load_avx2(cells + f / in * 64);
    const __m256i low = _mm256_srli_epi16(x, (int)(f % in * p));

    return p == 8
               ? x
               : _mm256_and_si256(low, _mm256_set1_epi8((char)((1 << p) - 1)));
}

// Field f of a block whose codes have some bits, a constant.
QQI_AVX2_INLINE __m256i qqi_codes_avx2(const uint8_t *cells, unsigned bits,
                                       unsigned f)
{
    const unsigned p = qqi_part_bits(bits);
    const unsigned more = bits - p;
    const __m256i high = qqi_part_avx2(cells, p, f);

    if (more == 0)
        return high;
    const unsigned p2 = qqi_part_bits(more);
    const __m256i next = qqi_part_avx2(cells + 64 * p, p2, f);
    const __m256i both =
        _mm256_or_si256(_mm256_slli_epi16(high, (int)p2), next);
    if (more == p2)
        return both;
    const __m256i last = qqi_part_avx2(cells + 64 * (p + p2), 1, f);
    return _mm256_or_si256(_mm256_slli_epi16(both, 1), last);
}

// One field of a half: through the book, if any, to its place.
QQI_AVX2_INLINE void qqi_put_codes_avx2(__m256i u, const __m256i *book,
                                        int wide, size_t half, uint8_t *out)
{
    const __m256i v = book != NULL ? _mm256_shuffle_epi8(*book, u) : u;

    if (!wide) {
        qqi_store_avx2(out + 32 * half, v);
        return;
    }
    qqi_store_avx2(out + 64 * half,
                   _mm256_and_si256(v, _mm256_set1_epi16(255)));
    qqi_store_avx2(out + 64 * half + 32, _mm256_srli_epi16(v, 8));
}

// Field f of both halves.
QQI_AVX2_INLINE void qqi_unpack_field_avx2(const uint8_t *cells, unsigned bits,
                                           unsigned f, const __m256i *book,
                                           int wide, uint8_t *out)
{
    uint8_t *at = out + (wide ? 128 : 64) * f;
    const __m256i low = qqi_codes_avx2(cells, bits, f);
    const __m256i high = qqi_codes_avx2(cells + 32, bits, f);

    qqi_put_codes_avx2(low, book, wide, 0, at);
    qqi_put_codes_avx2(high, book, wide, 1, at);
}

// count columns from a multiple of 32 on; what is written is rounded up to
// whole cells (sums of parts: to 32). bits and wide are constants.
QQI_AVX2_INLINE void qqi_unpack_bits_avx2(const uint8_t *cells, unsigned bits,
                                          size_t count, const __m256i *book,
                                          int wide, uint8_t *out)
{
    const unsigned columns = (unsigned)qqi_cell_columns(bits);

    for (size_t k = 0; k < count; k += columns) {
        qqi_unpack_field_avx2(cells, bits, 0, book, wide, out);
        if (columns > 4)
            qqi_unpack_field_avx2(cells, bits, 1, book, wide, out);
        if (columns > 8) {
            qqi_unpack_field_avx2(cells, bits, 2, book, wide, out);
            qqi_unpack_field_avx2(cells, bits, 3, book, wide, out);
        }
        if (columns > 16) {
            qqi_unpack_field_avx2(cells, bits, 4, book, wide, out);
            qqi_unpack_field_avx2(cells, bits, 5, book, wide, out);
            qqi_unpack_field_avx2(cells, bits, 6, book, wide, out);
            qqi_unpack_field_avx2(cells, bits, 7, book, wide, out);
        }
        cells += columns * bits * 2;
        out += columns * (wide ? 32 : 16);
    }
}

// Numbers 0 and 2 of four of every column, then 1 and 3, as int16: 4 columns a
// step, or 4 steps of a lone one, in 32 bytes. Every step reads 16 bytes.
QQI_AVX2_INLINE void qqi_spread_avx2(const int8_t *q, size_t stride,
                                     size_t steps, int16_t *out)
{
    for (size_t i = 0; i < steps; i++, q += stride, out += 16) {
        const __m128i x = qqi_load16_avx2(q);
        const __m128i even = _mm_srai_epi16(_mm_slli_epi16(x, 8), 8);
        _mm_storeu_si128((__m128i *)(void *)out, even);
        _mm_storeu_si128((__m128i *)(void *)(out + 8), _mm_srai_epi16(x, 8));
    }
}

// The same with the width of a product, from column k on.
QQI_AVX2_FN void qqi_unpack_codes_avx2(const qqi_product *p,
                                       const uint8_t *cells, size_t k,
                                       size_t count, uint8_t *out)
{
    cells += k / 32 * 64 * p->bits;
    switch (p->bits) {
    case 1:
        qqi_unpack_bits_avx2(cells, 1, count, NULL, 0, out);
        break;
    case 2:
        qqi_unpack_bits_avx2(cells, 2, count, NULL, 0, out);
        break;
    case 3:
        qqi_unpack_bits_avx2(cells, 3, count, NULL, 0, out);
        break;
    case 4:
        qqi_unpack_bits_avx2(cells, 4, count, NULL, 0, out);
        break;
    case 5:
        qqi_unpack_bits_avx2(cells, 5, count, NULL, 0, out);
        break;
    case 6:
        qqi_unpack_bits_avx2(cells, 6, count, NULL, 0, out);
        break;
    case 7:
        qqi_unpack_bits_avx2(cells, 7, count, NULL, 0, out);
        break;
    default:
        qqi_unpack_bits_avx2(cells, 8, count, NULL, 0, out);
        break;
    }
}

// And with its book.
QQI_AVX2_FN void qqi_unpack_avx2(const qqi_product *p, const uint8_t *cells,
                                 size_t k, size_t count, uint8_t *out)
{
    const __m256i book = _mm256_broadcastsi128_si256(qqi_load16_avx2(p->book));
    const uint8_t *at = cells + k / 32 * 64 * p->bits;

    if (p->code != QQI_CODE_BOOK)
        qqi_unpack_codes_avx2(p, cells, k, count, out);
    else if (p->bits == 2)
        qqi_unpack_bits_avx2(at, 2, count, &book, 0, out);
    else
        qqi_unpack_bits_avx2(at, 4, count, &book, 0, out);
}

// As int16: what does not fit 7 bits, which is 8 bits, or a book.
QQI_AVX2_FN void qqi_unpack_wide_avx2(const qqi_product *p,
                                      const uint8_t *cells, size_t k,
                                      size_t count, uint8_t *out)
{
    const __m256i book = _mm256_broadcastsi128_si256(qqi_load16_avx2(p->book));

    cells += k / 32 * 64 * p->bits;
    if (p->bits == 2)
        qqi_unpack_bits_avx2(cells, 2, count, &book, 1, out);
    else if (p->bits == 4)
        qqi_unpack_bits_avx2(cells, 4, count, &book, 1, out);
    else
        qqi_unpack_bits_avx2(cells, 8, count, NULL, 1, out);
}

#endif

#endif // QQUANT_KERNEL_AVX2_UNPACK_H
