// qquant floor 5: one column with AVX2: what is done with a block.
//
// Both halves of a panel, which share the numbers.
//
//   2 bits   in place: fields 0 and 2 of x, and of x >> 4, at their weights 1
//            and 4. Two blocks are at most 8 additions of 12 * 256: 24576; a
//            quarter of that and the others, 6144 each, are added in int16.
//   4 bits   low and high halves of bytes; a block of codes up to 15 is 8
//            additions of 15 * 256: 30720; a book's codes up to 31 are added 4
//            times: 31744.
//   3, 5, 6, 7 bits   codes put together from their parts; then as dot.h.
//   beyond 127, codes of 8 bits or a book: q is 16 * high + low (lone.h), and a
//            block is 8 additions of 255 * 16 for each: 32640.

#ifndef QQUANT_KERNEL_AVX2_LONE_DOT_H
#define QQUANT_KERNEL_AVX2_LONE_DOT_H

#include "kernel/avx2/dot.h"
#include "kernel/avx2/lone.h"

#if QQI_HAS_AVX2

// Sums of both halves, int16 times a factor.
QQI_AVX2_INLINE void qqi_widen_by_avx2(const __m256i *t, int16_t by, __m256i *s)
{
    const __m256i times = _mm256_set1_epi16(by);

    s[0] = _mm256_add_epi32(s[0], _mm256_madd_epi16(t[0], times));
    s[1] = _mm256_add_epi32(s[1], _mm256_madd_epi16(t[1], times));
}

QQI_AVX2_INLINE void qqi_joint_avx2(const __m256i *s, __m256i *out)
{
    out[0] = s[0];
    out[1] = s[1];
}

// The bytes of x, both halves, under a mask times four numbers.
QQI_AVX2_INLINE void qqi_masked_avx2(const __m256i *x, char mask,
                                     const int8_t *q, int begin, __m256i *t)
{
    const __m256i m = _mm256_set1_epi8(mask);

    qqi_step_one_avx2(_mm256_and_si256(x[0], m), _mm256_and_si256(x[1], m), q,
                      begin, t);
}

// A cell, and the same without the low halves of bytes.
QQI_AVX2_INLINE void qqi_cell_of_avx2(const uint8_t *cell, __m256i *x,
                                      __m256i *y)
{
    x[0] = qqi_load_avx2(cell);
    x[1] = qqi_load_avx2(cell + 32);
    y[0] = _mm256_srli_epi16(x[0], 4);
    y[1] = _mm256_srli_epi16(x[1], 4);
}

// --- 2 bits ----------------------------------------------------------------

// A cell; t of weight 1, then 4.
QQI_AVX2_INLINE void qqi_two_cell_avx2(const uint8_t *cell, const int8_t *q,
                                       int begin, __m256i *t)
{
    __m256i x[2], y[2];

    qqi_cell_of_avx2(cell, x, y);
    qqi_masked_avx2(x, 3, q, begin, t);
    qqi_masked_avx2(x, 12, q + 4, begin, t + 2);
    qqi_masked_avx2(y, 3, q + 8, 0, t);
    qqi_masked_avx2(y, 12, q + 12, 0, t + 2);
}

QQI_AVX2_INLINE void qqi_two_block_avx2(const qqi_lone_avx2 *a,
                                        const uint8_t *cells, size_t k,
                                        size_t count, __m256i *s)
{
    const int8_t *q = a->g->q + k;
    __m256i t[4];

    qqi_two_cell_avx2(cells, q, 1, t);
    qqi_two_cell_avx2(cells + 64, q + 16, 0, t);
    if (count > 1) {
        qqi_two_cell_avx2(cells + 128, q + 32, 0, t);
        qqi_two_cell_avx2(cells + 192, q + 48, 0, t);
    }
    t[0] = _mm256_add_epi16(t[0], _mm256_srai_epi16(t[2], 2));
    t[1] = _mm256_add_epi16(t[1], _mm256_srai_epi16(t[3], 2));
    qqi_widen_by_avx2(t, 1, s);
}

QQI_AVX2_FN void qqi_multiply_two_avx2(const qqi_product *p,
                                       const qqi_columns *g, size_t first,
                                       size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 2, 2, 0, qqi_two_block_avx2,
                           qqi_joint_avx2);
}

// --- 4 bits ----------------------------------------------------------------

// A cell, 8 columns.
QQI_AVX2_INLINE void qqi_four_cell_avx2(const uint8_t *cell, const int8_t *q,
                                        int begin, __m256i *t)
{
    __m256i x[2], y[2];

    qqi_cell_of_avx2(cell, x, y);
    qqi_masked_avx2(x, 15, q, begin, t);
    qqi_masked_avx2(y, 15, q + 4, 0, t);
}

QQI_AVX2_INLINE void qqi_four_block_avx2(const qqi_lone_avx2 *a,
                                         const uint8_t *cells, size_t k,
                                         size_t count, __m256i *s)
{
    const int8_t *q = a->g->q + k;
    __m256i t[2];

    (void)count;
    qqi_four_cell_avx2(cells, q, 1, t);
    qqi_four_cell_avx2(cells + 64, q + 8, 0, t);
    qqi_four_cell_avx2(cells + 128, q + 16, 0, t);
    qqi_four_cell_avx2(cells + 192, q + 24, 0, t);
    qqi_widen_by_avx2(t, 1, s);
}

QQI_AVX2_FN void qqi_multiply_four_avx2(const qqi_product *p,
                                        const qqi_columns *g, size_t first,
                                        size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 4, 1, 0,
                           qqi_four_block_avx2, qqi_joint_avx2);
}

// What a book has for a cell: both halves of its low field, then the high one.
QQI_AVX2_INLINE void qqi_look_up_avx2(const uint8_t *cell, __m256i book,
                                      __m256i *u)
{
    const __m256i low = _mm256_set1_epi8(15);
    __m256i x[2], y[2];

    qqi_cell_of_avx2(cell, x, y);
    u[0] = _mm256_shuffle_epi8(book, _mm256_and_si256(x[0], low));
    u[1] = _mm256_shuffle_epi8(book, _mm256_and_si256(x[1], low));
    u[2] = _mm256_shuffle_epi8(book, _mm256_and_si256(y[0], low));
    u[3] = _mm256_shuffle_epi8(book, _mm256_and_si256(y[1], low));
}

// Books of 16 up to 31; t of low fields, then high ones.
QQI_AVX2_INLINE void qqi_book_cell_avx2(const uint8_t *cell, const int8_t *q,
                                        __m256i book, int begin, __m256i *t)
{
    __m256i u[4];

    qqi_look_up_avx2(cell, book, u);
    qqi_step_one_avx2(u[0], u[1], q, begin, t);
    qqi_step_one_avx2(u[2], u[3], q + 4, begin, t + 2);
}

QQI_AVX2_INLINE void qqi_book_block_avx2(const qqi_lone_avx2 *a,
                                         const uint8_t *cells, size_t k,
                                         size_t count, __m256i *s)
{
    const int8_t *q = a->g->q + k;
    __m256i t[4];

    (void)count;
    qqi_book_cell_avx2(cells, q, a->book, 1, t);
    qqi_book_cell_avx2(cells + 64, q + 8, a->book, 0, t);
    qqi_book_cell_avx2(cells + 128, q + 16, a->book, 0, t);
    qqi_book_cell_avx2(cells + 192, q + 24, a->book, 0, t);
    qqi_widen_by_avx2(t, 1, s);
    qqi_widen_by_avx2(t + 2, 1, s);
}

QQI_AVX2_FN void qqi_multiply_book_avx2(const qqi_product *p,
                                        const qqi_columns *g, size_t first,
                                        size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 4, 1, 0,
                           qqi_book_block_avx2, qqi_joint_avx2);
}

// --- sums of parts ---------------------------------------------------------

// Field f of both halves. most of them may be added; then t goes to s.
QQI_AVX2_INLINE void qqi_parts_field_avx2(const uint8_t *cells, unsigned bits,
                                          unsigned f, const int8_t *q,
                                          __m256i *t, __m256i *s)
{
    const unsigned fit = 128u / ((1u << bits) - 1);
    const unsigned most = fit >= 8 ? 8 : fit >= 4 ? 4 : fit >= 2 ? 2 : 1;

    qqi_step_one_avx2(qqi_codes_avx2(cells, bits, f),
                      qqi_codes_avx2(cells + 32, bits, f), q + 4 * f,
                      f % most == 0, t);
    if (f % most == most - 1)
        qqi_widen_by_avx2(t, 1, s);
}

QQI_AVX2_INLINE void qqi_parts_block_avx2(const uint8_t *cells, unsigned bits,
                                          const int8_t *q, __m256i *s)
{
    __m256i t[2];

    qqi_parts_field_avx2(cells, bits, 0, q, t, s);
    qqi_parts_field_avx2(cells, bits, 1, q, t, s);
    qqi_parts_field_avx2(cells, bits, 2, q, t, s);
    qqi_parts_field_avx2(cells, bits, 3, q, t, s);
    qqi_parts_field_avx2(cells, bits, 4, q, t, s);
    qqi_parts_field_avx2(cells, bits, 5, q, t, s);
    qqi_parts_field_avx2(cells, bits, 6, q, t, s);
    qqi_parts_field_avx2(cells, bits, 7, q, t, s);
}

// One-statement functions for each width.
#  define QQI_PARTS_AVX2(bits)                                                 \
      QQI_AVX2_INLINE void qqi_parts_##bits##_block_avx2(                      \
          const qqi_lone_avx2 *a, const uint8_t *cells, size_t k,              \
          size_t count, __m256i *s)                                            \
      {                                                                        \
          (void)count;                                                         \
          qqi_parts_block_avx2(cells, bits, a->g->q + k, s);                   \
      }                                                                        \
      QQI_AVX2_FN void qqi_multiply_parts_##bits##_avx2(                       \
          const qqi_product *p, const qqi_columns *g, size_t first,            \
          size_t last, void *work)                                             \
      {                                                                        \
          qqi_multiply_lone_avx2(p, g, first, last, work, bits, 1, 0,          \
                                 qqi_parts_##bits##_block_avx2,                \
                                 qqi_joint_avx2);                              \
      }

QQI_PARTS_AVX2(3)
QQI_PARTS_AVX2(5)
QQI_PARTS_AVX2(6)
QQI_PARTS_AVX2(7)

#  undef QQI_PARTS_AVX2

// --- codes beyond 127 ------------------------------------------------------

// Codes of both halves times the high halves of q, which go to t, and the low
// ones, which follow 8 bytes on and go to t + 2.
QQI_AVX2_INLINE void qqi_by_halves_avx2(__m256i u0, __m256i u1, const int8_t *q,
                                        int begin, __m256i *t)
{
    qqi_step_one_avx2(u0, u1, q, begin, t);
    qqi_step_one_avx2(u0, u1, q + 8, begin, t + 2);
}

QQI_AVX2_INLINE void qqi_widen_halves_avx2(const __m256i *t, __m256i *s)
{
    qqi_widen_by_avx2(t, 16, s);
    qqi_widen_by_avx2(t + 2, 1, s);
}

// A cell of 8 bits.
QQI_AVX2_INLINE void qqi_eight_cell_avx2(const uint8_t *cell, const int8_t *q,
                                         int begin, __m256i *t)
{
    qqi_by_halves_avx2(qqi_load_avx2(cell), qqi_load_avx2(cell + 32), q, begin,
                       t);
}

QQI_AVX2_INLINE void qqi_eight_block_avx2(const qqi_lone_avx2 *a,
                                          const uint8_t *cells, size_t k,
                                          size_t count, __m256i *s)
{
    const int8_t *q = qqi_halves_avx2(a, k);
    __m256i t[4];

    (void)count;
    qqi_eight_cell_avx2(cells, q, 1, t);
    qqi_eight_cell_avx2(cells + 64, q + 4, 0, t);
    qqi_eight_cell_avx2(cells + 128, q + 16, 0, t);
    qqi_eight_cell_avx2(cells + 192, q + 20, 0, t);
    qqi_eight_cell_avx2(cells + 256, q + 32, 0, t);
    qqi_eight_cell_avx2(cells + 320, q + 36, 0, t);
    qqi_eight_cell_avx2(cells + 384, q + 48, 0, t);
    qqi_eight_cell_avx2(cells + 448, q + 52, 0, t);
    qqi_widen_halves_avx2(t, s);
}

QQI_AVX2_FN void qqi_multiply_eight_avx2(const qqi_product *p,
                                         const qqi_columns *g, size_t first,
                                         size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 8, 1, 1,
                           qqi_eight_block_avx2, qqi_joint_avx2);
}

// A cell of 4 bits, through a book.
QQI_AVX2_INLINE void qqi_large_cell_avx2(const uint8_t *cell, const int8_t *q,
                                         __m256i book, int begin, __m256i *t)
{
    __m256i u[4];

    qqi_look_up_avx2(cell, book, u);
    qqi_by_halves_avx2(u[0], u[1], q, begin, t);
    qqi_by_halves_avx2(u[2], u[3], q + 4, 0, t);
}

QQI_AVX2_INLINE void qqi_large_block_avx2(const qqi_lone_avx2 *a,
                                          const uint8_t *cells, size_t k,
                                          size_t count, __m256i *s)
{
    const int8_t *q = qqi_halves_avx2(a, k);
    __m256i t[4];

    (void)count;
    qqi_large_cell_avx2(cells, q, a->book, 1, t);
    qqi_large_cell_avx2(cells + 64, q + 16, a->book, 0, t);
    qqi_large_cell_avx2(cells + 128, q + 32, a->book, 0, t);
    qqi_large_cell_avx2(cells + 192, q + 48, a->book, 0, t);
    qqi_widen_halves_avx2(t, s);
}

QQI_AVX2_FN void qqi_multiply_large_avx2(const qqi_product *p,
                                         const qqi_columns *g, size_t first,
                                         size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 4, 1, 1,
                           qqi_large_block_avx2, qqi_joint_avx2);
}

#endif

#endif // QQUANT_KERNEL_AVX2_LONE_DOT_H
