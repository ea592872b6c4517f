// qquant floor 5: one bit a weight and up to four columns of x: sums are looked
// up, by AVX-512 with VBMI.
//
// Half of a byte of a cell is four codes of a row: columns j, 4 + j, 8 + j, 12
// + j of a block of 32 (from 16 on in the other half), j being the byte of its
// lane. A table of 16 bytes for each j holds the sum of q over every choice of
// these four; four tables are a register, and one byte permutation looks up
// all 64 bytes of a cell: index = half | j << 4. A dot product with ones adds
// the four bytes of a row. Seven instructions for 512 weights:
//
//   load, shift; index, permute, dot for either half
//
// A table starts from -N, N the sum of its negative numbers: entries are from
// 0 to sum |q|, and what they are short of is mul * N, known beforehand. An
// entry is a byte; what is above 255, sum |q| being 512 at most, stands in a
// second table, as 4 * (entry >> 8), which is dotted with 64. Blocks of columns
// that have none, by far most of them, go without.
//
// Measured on Sapphire Rapids, 4096 x 4096 with a scale a row, quantization of
// x included, in cycles for 64 weights and a column of x:
//
//   columns of x                           1     2     3     4
//   tables, x normally distributed       0.58  0.47  0.45  0.38
//   tables, x uniform: all have high     0.75  0.72  0.64  0.62
//   masked planes, or the dot engine     1.04  1.59   -    1.09
//
// g->table is, for block i and column c, low tables of the two halves at 128 *
// (i * width + c), then, behind those of all blocks, high ones. g->q[i] says
// whether block i has high ones: q itself is used up.

#ifndef QQUANT_KERNEL_AVX512_LOOK_H
#define QQUANT_KERNEL_AVX512_LOOK_H

#include "kernel/avx512/prepare.h"

#if QQI_HAS_AVX512

// Rows below which making tables costs more than they save.
#  define QQI_LOOK_ROWS ((size_t)96)

QQI_INLINE int qqi_look_fits_avx512(const qqi_product *p, const qqi_columns *g)
{
    return g->table != NULL && p->bits == 1 && p->code == QQI_CODE_PLAIN &&
           p->zero_at == 0 && p->x_zero == 0 && !qqi_is_long_avx512(p) &&
           (p->tiles <= 1 || p->tile % 32 == 0) && p->n >= QQI_LOOK_ROWS;
}

QQI_INLINE uint8_t *qqi_look_high_avx512(const qqi_product *p,
                                         const qqi_columns *g)
{
    return g->table + p->padded / 32 * g->width * 128;
}

// --- tables ----------------------------------------------------------------

// Four fours of a column: byte 4 f + j is column j of four f.
QQI_AVX512_VNNI_INLINE __m128i qqi_look_fours_avx512(const int8_t *q,
                                                     size_t step)
{
    int32_t a, b, c, d;

    if (step == 4)
        return qqi_load16_avx512(q);
    QQ_MEMCPY(&a, q, 4);
    QQ_MEMCPY(&b, q + step, 4);
    QQ_MEMCPY(&c, q + 2 * step, 4);
    QQ_MEMCPY(&d, q + 3 * step, 4);
    return _mm_setr_epi32(a, b, c, d);
}

// Entries of two tables, 16 words each, those of columns j and j + 1, which
// start from dwords j and j + 1 of less.
QQI_AVX512_VNNI_INLINE __m512i qqi_look_two_avx512(__m128i x, __m128i less,
                                                   unsigned j)
{
    // Bits 0 and 1 of an entry, and bits 2 and 3.
    const __m512i low = _mm512_set1_epi64(0x0101010000010000);
    const __m512i high = _mm512_setr_epi64(
        0, 0x0001000100010001, 0x0100010001000100, 0x0101010101010101, 0,
        0x0001000100010001, 0x0100010001000100, 0x0101010101010101);
    const __m512i two =
        _mm512_setr_epi64(0, 0, 0, 0, 0x0101010101010101, 0x0101010101010101,
                          0x0101010101010101, 0x0101010101010101);
    const __m512i at = _mm512_add_epi8(two, _mm512_set1_epi8((char)j));
    const __m512i q = _mm512_castsi128_si512(x);
    const __m512i a = _mm512_permutexvar_epi8(
        _mm512_add_epi8(at, _mm512_set1_epi16(0x0400)), q);
    const __m512i b = _mm512_permutexvar_epi8(
        _mm512_add_epi8(at, _mm512_set1_epi16(0x0c08)), q);
    // Sums of dwords are words: column j's is word 2 j.
    const __m512i from = _mm512_permutexvar_epi16(_mm512_add_epi8(at, at),
                                                  _mm512_castsi128_si512(less));

    return _mm512_add_epi16(from,
                            _mm512_add_epi16(_mm512_maddubs_epi16(low, a),
                                             _mm512_maddubs_epi16(high, b)));
}

// Words below 256 of two registers as bytes.
QQI_AVX512_VNNI_INLINE __m512i qqi_look_bytes_avx512(__m512i a, __m512i b)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);

    return _mm512_permutexvar_epi64(order, _mm512_packus_epi16(a, b));
}

// The four tables of a half of a block; 1 if there are high ones. Adds N of
// the four columns to *less, with the sign turned.
QQI_AVX512_VNNI_INLINE int qqi_look_half_avx512(const int8_t *q, size_t step,
                                                uint8_t *low, uint8_t *high,
                                                __m128i *less)
{
    const __m128i turn =
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m128i none = _mm_setzero_si128();
    const __m512i byte = _mm512_set1_epi16(255);
    const __m512i more = _mm512_set1_epi16(12);
    const __m128i x = qqi_look_fours_avx512(q, step);
    const __m128i away =
        _mm_and_si128(_mm_sub_epi8(none, x), _mm_cmpgt_epi8(none, x));
    const __m128i n =
        _mm_dpbusd_epi32(none, _mm_shuffle_epi8(away, turn), _mm_set1_epi8(1));
    const __m512i a = qqi_look_two_avx512(x, n, 0);
    const __m512i b = qqi_look_two_avx512(x, n, 2);
    const __m512i h =
        qqi_look_bytes_avx512(_mm512_and_si512(_mm512_srli_epi16(a, 6), more),
                              _mm512_and_si512(_mm512_srli_epi16(b, 6), more));

    *less = _mm_add_epi32(*less, n);
    qqi_store_avx512(low, qqi_look_bytes_avx512(_mm512_and_si512(a, byte),
                                                _mm512_and_si512(b, byte)));
    qqi_store_avx512(high, h);
    return _mm512_test_epi8_mask(h, h) != 0;
}

// Tables of block i, and whether it has high ones, which is written over q of
// the first blocks, or of this one.
QQI_AVX512_VNNI_INLINE void qqi_look_block_avx512(const qqi_product *p,
                                                  const qqi_columns *g,
                                                  size_t i, size_t width,
                                                  __m128i *less)
{
    const int8_t *q = g->q + 32 * i * width;
    uint8_t *low = g->table + 128 * i * width;
    uint8_t *high = qqi_look_high_avx512(p, g) + 128 * i * width;
    int is_high = 0;

    for (size_t c = 0; c < width; c++) {
        is_high |= qqi_look_half_avx512(q + 4 * c, 4 * width, low + 128 * c,
                                        high + 128 * c, less + c);
        is_high |= qqi_look_half_avx512(q + 4 * c + 16 * width, 4 * width,
                                        low + 128 * c + 64, high + 128 * c + 64,
                                        less + c);
    }
    g->q[i] = (int8_t)is_high;
}

// All tables, of width columns, and what is known of sums beforehand.
QQI_AVX512_VNNI_INLINE void
qqi_look_make_avx512(const qqi_product *p, const qqi_columns *g, size_t width)
{
    for (size_t t = 0, i = 0; t < p->tiles; t++) {
        const size_t end = qqi_tile_end(p, t);
        __m128i less[4];
        less[0] = less[1] = less[2] = less[3] = _mm_setzero_si128();
        for (; 32 * i < end; i++)
            qqi_look_block_avx512(p, g, i, width, less);
        for (size_t c = 0; c < width; c++) {
            int32_t n[4];
            _mm_storeu_si128((__m128i *)(void *)n, less[c]);
            g->sum[t * width + c] -= p->mul * (n[0] + n[1] + n[2] + n[3]);
        }
    }
}

// Codes of x, then tables of them; g->sum becomes what is known beforehand.
QQI_AVX512_VNNI_FN void qqi_prepare_look_avx512(const qqi_product *p,
                                                const qqi_columns *g)
{
    qqi_prepare_dot_avx512(p, g);
    if (!qqi_look_fits_avx512(p, g))
        return;
    if (g->width == 1)
        qqi_look_make_avx512(p, g, 1);
    else
        qqi_look_make_avx512(p, g, g->width);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_LOOK_H
