// qquant floor 5: codes of a panel as bytes, AVX2.
//
// Four columns of a panel are a step, 64 bytes: in the order of a cell of 8
// bits, byte 4 * row + column, so that a part p bits wide is a shift and a mask
// away. Where codes are too large for the dot (halved.h) those of 8 rows
// are 64 bytes, their high halves and then their low ones, and the other 8 rows
// follow QQI_ROWS_AVX2 bytes further on.

#ifndef QQUANT_KERNEL_AVX2_UNPACK_H
#define QQUANT_KERNEL_AVX2_UNPACK_H

#include "kernel/avx2/core.h"

#if QQI_HAS_AVX2

#  define QQI_ROWS_AVX2 ((size_t)4096)

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

// How codes are written: through book[0], if there is one; or halved, and then
// book[0] holds the high halves and book[1] the low ones.
typedef struct qqi_put_avx2 {
    __m256i book[2];
    int has_book; // both are constants
    int halved;
} qqi_put_avx2;

// The high and the low four bits of bytes.
QQI_AVX2_INLINE __m256i qqi_high_avx2(__m256i x)
{
    return _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(15));
}

QQI_AVX2_INLINE __m256i qqi_low_avx2(__m256i x)
{
    return _mm256_and_si256(x, _mm256_set1_epi8(15));
}

QQI_AVX2_INLINE qqi_put_avx2 qqi_put_make_avx2(const qqi_product *p,
                                               int has_book, int halved)
{
    const __m256i book = _mm256_broadcastsi128_si256(qqi_load16_avx2(p->book));
    qqi_put_avx2 put;

    put.book[0] = halved ? qqi_high_avx2(book) : book;
    put.book[1] = qqi_low_avx2(book);
    put.has_book = has_book;
    put.halved = halved;
    return put;
}

// One field of a half to its place.
QQI_AVX2_INLINE void qqi_put_codes_avx2(const qqi_put_avx2 *put, __m256i u,
                                        size_t half, uint8_t *out)
{
    if (!put->halved) {
        qqi_store_avx2(out + 32 * half,
                       put->has_book ? _mm256_shuffle_epi8(put->book[0], u)
                                     : u);
        return;
    }
    out += QQI_ROWS_AVX2 * half;
    qqi_store_avx2(out, put->has_book ? _mm256_shuffle_epi8(put->book[0], u)
                                      : qqi_high_avx2(u));
    qqi_store_avx2(out + 32, put->has_book
                                 ? _mm256_shuffle_epi8(put->book[1], u)
                                 : qqi_low_avx2(u));
}

// Field f of both halves.
QQI_AVX2_INLINE void qqi_unpack_field_avx2(const qqi_put_avx2 *put,
                                           const uint8_t *cells, unsigned bits,
                                           unsigned f, uint8_t *out)
{
    const __m256i low = qqi_codes_avx2(cells, bits, f);
    const __m256i high = qqi_codes_avx2(cells + 32, bits, f);

    qqi_put_codes_avx2(put, low, 0, out + 64 * f);
    qqi_put_codes_avx2(put, high, 1, out + 64 * f);
}

// count columns from a multiple of 32 on; what is written is rounded up to
// whole cells (sums of parts: to 32). bits is a constant; ahead: bytes by which
// cells are asked for before they are wanted.
QQI_AVX2_INLINE void qqi_unpack_bits_avx2(const qqi_put_avx2 *put,
                                          const uint8_t *cells, unsigned bits,
                                          size_t count, size_t ahead,
                                          uint8_t *out)
{
    const unsigned columns = (unsigned)qqi_cell_columns(bits);

    for (size_t k = 0; k < count; k += columns) {
        qqi_ask_avx2(cells + ahead, columns * bits / 32);
        qqi_unpack_field_avx2(put, cells, bits, 0, out);
        if (columns > 4)
            qqi_unpack_field_avx2(put, cells, bits, 1, out);
        if (columns > 8) {
            qqi_unpack_field_avx2(put, cells, bits, 2, out);
            qqi_unpack_field_avx2(put, cells, bits, 3, out);
        }
        if (columns > 16) {
            qqi_unpack_field_avx2(put, cells, bits, 4, out);
            qqi_unpack_field_avx2(put, cells, bits, 5, out);
            qqi_unpack_field_avx2(put, cells, bits, 6, out);
            qqi_unpack_field_avx2(put, cells, bits, 7, out);
        }
        cells += columns * bits * 2;
        out += columns * 16;
    }
}

// The codes as they are stored, from column k on.
QQI_AVX2_FN void qqi_unpack_codes_avx2(const qqi_product *p,
                                       const uint8_t *cells, size_t k,
                                       size_t count, size_t ahead, uint8_t *out)
{
    const qqi_put_avx2 put = qqi_put_make_avx2(p, 0, 0);

    cells += k / 32 * 64 * p->bits;
    switch (p->bits) {
    case 1:
        qqi_unpack_bits_avx2(&put, cells, 1, count, ahead, out);
        break;
    case 2:
        qqi_unpack_bits_avx2(&put, cells, 2, count, ahead, out);
        break;
    case 3:
        qqi_unpack_bits_avx2(&put, cells, 3, count, ahead, out);
        break;
    case 4:
        qqi_unpack_bits_avx2(&put, cells, 4, count, ahead, out);
        break;
    case 5:
        qqi_unpack_bits_avx2(&put, cells, 5, count, ahead, out);
        break;
    case 6:
        qqi_unpack_bits_avx2(&put, cells, 6, count, ahead, out);
        break;
    case 7:
        qqi_unpack_bits_avx2(&put, cells, 7, count, ahead, out);
        break;
    default:
        qqi_unpack_bits_avx2(&put, cells, 8, count, ahead, out);
        break;
    }
}

// And what the book has for them.
QQI_AVX2_FN void qqi_unpack_avx2(const qqi_product *p, const uint8_t *cells,
                                 size_t k, size_t count, size_t ahead,
                                 uint8_t *out)
{
    const qqi_put_avx2 put = qqi_put_make_avx2(p, 1, 0);
    const uint8_t *at = cells + k / 32 * 64 * p->bits;

    if (p->code != QQI_CODE_BOOK)
        qqi_unpack_codes_avx2(p, cells, k, count, ahead, out);
    else if (p->bits == 2)
        qqi_unpack_bits_avx2(&put, at, 2, count, ahead, out);
    else
        qqi_unpack_bits_avx2(&put, at, 4, count, ahead, out);
}

// Halved: codes of 8 bits, or a book.
QQI_AVX2_FN void qqi_unpack_halved_avx2(const qqi_product *p,
                                        const uint8_t *cells, size_t k,
                                        size_t count, size_t ahead,
                                        uint8_t *out)
{
    const qqi_put_avx2 book = qqi_put_make_avx2(p, 1, 1);
    const qqi_put_avx2 put = qqi_put_make_avx2(p, 0, 1);

    cells += k / 32 * 64 * p->bits;
    if (p->bits == 2)
        qqi_unpack_bits_avx2(&book, cells, 2, count, ahead, out);
    else if (p->bits == 4)
        qqi_unpack_bits_avx2(&book, cells, 4, count, ahead, out);
    else
        qqi_unpack_bits_avx2(&put, cells, 8, count, ahead, out);
}

#endif

#endif // QQUANT_KERNEL_AVX2_UNPACK_H
