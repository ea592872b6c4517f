// qquant floor 5: one column with AVX2: what is done with a block.
//
//   2 bits   in place: fields 0 and 2 of x, and of x >> 4, at their weights 1
//            and 4. Two blocks are at most 8 additions of 12 * 256: 24576.
//   4 bits   low and high halves of bytes; a block of codes up to 15 is 8
//            additions of 15 * 256: 30720; a book's codes up to 31 are added 4
//            times: 31744.
//   3, 5, 6, 7 bits   codes put together from their parts; then as dot.h.
//   wide     codes, or a book, beyond 127, as int16 (dot.h), even and odd
//            columns of a register apart.

#ifndef QQUANT_KERNEL_AVX2_LONE_DOT_H
#define QQUANT_KERNEL_AVX2_LONE_DOT_H

#include "kernel/avx2/dot.h"
#include "kernel/avx2/lone.h"

#if QQI_HAS_AVX2

// t += the bytes of x under a mask times four numbers.
QQI_AVX2_INLINE void qqi_masked_avx2(__m256i x, char mask, const int8_t *q,
                                     __m256i *t)
{
    const __m256i u = _mm256_and_si256(x, _mm256_set1_epi8(mask));

    *t = _mm256_add_epi16(*t, _mm256_maddubs_epi16(u, qqi_four_avx2(q)));
}

// s += t, int16, times a factor.
QQI_AVX2_INLINE void qqi_widen_by_avx2(__m256i t, int16_t by, __m256i *s)
{
    *s = _mm256_add_epi32(*s, _mm256_madd_epi16(t, _mm256_set1_epi16(by)));
}

QQI_AVX2_INLINE void qqi_joint_avx2(const __m256i *s, __m256i *out)
{
    out[0] = s[0];
    out[1] = s[1];
}

// --- 2 bits ----------------------------------------------------------------

// A half of a cell; t of weights 1 and 4.
QQI_AVX2_INLINE void qqi_two_cell_avx2(const uint8_t *cell, const int8_t *q,
                                       __m256i *t)
{
    const __m256i x = qqi_load_avx2(cell);
    const __m256i y = _mm256_srli_epi16(x, 4);

    qqi_masked_avx2(x, 3, q, &t[0]);
    qqi_masked_avx2(x, 12, q + 4, &t[1]);
    qqi_masked_avx2(y, 3, q + 8, &t[0]);
    qqi_masked_avx2(y, 12, q + 12, &t[1]);
}

QQI_AVX2_INLINE void qqi_two_half_avx2(const uint8_t *cells, const int8_t *q,
                                       size_t count, __m256i *s)
{
    __m256i t[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};

    qqi_two_cell_avx2(cells, q, t);
    qqi_two_cell_avx2(cells + 64, q + 16, t);
    if (count > 1) {
        qqi_two_cell_avx2(cells + 128, q + 32, t);
        qqi_two_cell_avx2(cells + 192, q + 48, t);
    }
    qqi_widen_by_avx2(t[0], 4, s);
    qqi_widen_by_avx2(t[1], 1, s);
}

QQI_AVX2_INLINE void qqi_two_block_avx2(const qqi_lone_avx2 *a,
                                        const uint8_t *cells, size_t k,
                                        size_t count, __m256i *s)
{
    qqi_two_half_avx2(cells, a->g->q + k, count, &s[0]);
    qqi_two_half_avx2(cells + 32, a->g->q + k, count, &s[1]);
}

QQI_AVX2_INLINE void qqi_two_joint_avx2(const __m256i *s, __m256i *out)
{
    out[0] = _mm256_srai_epi32(s[0], 2);
    out[1] = _mm256_srai_epi32(s[1], 2);
}

QQI_AVX2_FN void qqi_multiply_two_avx2(const qqi_product *p,
                                       const qqi_columns *g, size_t first,
                                       size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 2, 2, 0, qqi_two_block_avx2,
                           qqi_two_joint_avx2);
}

// --- 4 bits ----------------------------------------------------------------

// A half of a cell, 8 columns; t may be twice the same.
QQI_AVX2_INLINE void qqi_four_cell_avx2(const uint8_t *cell, const int8_t *q,
                                        __m256i *t0, __m256i *t1)
{
    const __m256i x = qqi_load_avx2(cell);

    qqi_masked_avx2(x, 15, q, t0);
    qqi_masked_avx2(_mm256_srli_epi16(x, 4), 15, q + 4, t1);
}

QQI_AVX2_INLINE void qqi_four_half_avx2(const uint8_t *cells, const int8_t *q,
                                        __m256i *s)
{
    __m256i t = _mm256_setzero_si256();

    qqi_four_cell_avx2(cells, q, &t, &t);
    qqi_four_cell_avx2(cells + 64, q + 8, &t, &t);
    qqi_four_cell_avx2(cells + 128, q + 16, &t, &t);
    qqi_four_cell_avx2(cells + 192, q + 24, &t, &t);
    qqi_widen_by_avx2(t, 1, s);
}

QQI_AVX2_INLINE void qqi_four_block_avx2(const qqi_lone_avx2 *a,
                                         const uint8_t *cells, size_t k,
                                         size_t count, __m256i *s)
{
    (void)count;
    qqi_four_half_avx2(cells, a->g->q + k, &s[0]);
    qqi_four_half_avx2(cells + 32, a->g->q + k, &s[1]);
}

QQI_AVX2_FN void qqi_multiply_four_avx2(const qqi_product *p,
                                        const qqi_columns *g, size_t first,
                                        size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 4, 1, 0,
                           qqi_four_block_avx2, qqi_joint_avx2);
}

// Books of 16 up to 31.
QQI_AVX2_INLINE void qqi_book_cell_avx2(const uint8_t *cell, const int8_t *q,
                                        __m256i book, __m256i *t)
{
    const __m256i x = qqi_load_avx2(cell);
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i u0 = _mm256_shuffle_epi8(book, _mm256_and_si256(x, low));
    const __m256i u1 = _mm256_shuffle_epi8(
        book, _mm256_and_si256(_mm256_srli_epi16(x, 4), low));

    t[0] = _mm256_add_epi16(t[0], _mm256_maddubs_epi16(u0, qqi_four_avx2(q)));
    t[1] =
        _mm256_add_epi16(t[1], _mm256_maddubs_epi16(u1, qqi_four_avx2(q + 4)));
}

QQI_AVX2_INLINE void qqi_book_half_avx2(const uint8_t *cells, const int8_t *q,
                                        __m256i book, __m256i *s)
{
    __m256i t[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};

    qqi_book_cell_avx2(cells, q, book, t);
    qqi_book_cell_avx2(cells + 64, q + 8, book, t);
    qqi_book_cell_avx2(cells + 128, q + 16, book, t);
    qqi_book_cell_avx2(cells + 192, q + 24, book, t);
    qqi_widen_by_avx2(t[0], 1, s);
    qqi_widen_by_avx2(t[1], 1, s);
}

QQI_AVX2_INLINE void qqi_book_block_avx2(const qqi_lone_avx2 *a,
                                         const uint8_t *cells, size_t k,
                                         size_t count, __m256i *s)
{
    (void)count;
    qqi_book_half_avx2(cells, a->g->q + k, a->book, &s[0]);
    qqi_book_half_avx2(cells + 32, a->g->q + k, a->book, &s[1]);
}

QQI_AVX2_FN void qqi_multiply_book_avx2(const qqi_product *p,
                                        const qqi_columns *g, size_t first,
                                        size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 4, 1, 0,
                           qqi_book_block_avx2, qqi_joint_avx2);
}

// --- sums of parts ---------------------------------------------------------

// Fields f and f + 1 of a half; widened after as many as most allows.
QQI_AVX2_INLINE void qqi_parts_pair_avx2(const uint8_t *cells, unsigned bits,
                                         unsigned f, const int8_t *q,
                                         __m256i *t, __m256i *s)
{
    const unsigned most = 128u / ((1u << bits) - 1);
    const __m256i u0 = qqi_codes_avx2(cells, bits, f);
    const __m256i u1 = qqi_codes_avx2(cells, bits, f + 1);
    const __m256i v0 = _mm256_maddubs_epi16(u0, qqi_four_avx2(q + 4 * f));
    const __m256i v1 = _mm256_maddubs_epi16(u1, qqi_four_avx2(q + 4 * f + 4));

    if (most < 2) {
        qqi_widen_by_avx2(v0, 1, s);
        qqi_widen_by_avx2(v1, 1, s);
        return;
    }
    *t = _mm256_add_epi16(*t, _mm256_add_epi16(v0, v1));
    if (f == 6 || most < 4 || (most < 8 && f == 2)) {
        qqi_widen_by_avx2(*t, 1, s);
        *t = _mm256_setzero_si256();
    }
}

QQI_AVX2_INLINE void qqi_parts_half_avx2(const uint8_t *cells, unsigned bits,
                                         const int8_t *q, __m256i *s)
{
    __m256i t = _mm256_setzero_si256();

    qqi_parts_pair_avx2(cells, bits, 0, q, &t, s);
    qqi_parts_pair_avx2(cells, bits, 2, q, &t, s);
    qqi_parts_pair_avx2(cells, bits, 4, q, &t, s);
    qqi_parts_pair_avx2(cells, bits, 6, q, &t, s);
}

// One-statement functions for each width.
#  define QQI_PARTS_AVX2(bits)                                                 \
      QQI_AVX2_INLINE void qqi_parts_##bits##_block_avx2(                      \
          const qqi_lone_avx2 *a, const uint8_t *cells, size_t k,              \
          size_t count, __m256i *s)                                            \
      {                                                                        \
          (void)count;                                                         \
          qqi_parts_half_avx2(cells, bits, a->g->q + k, s);                    \
          qqi_parts_half_avx2(cells + 32, bits, a->g->q + k, s + 1);           \
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

// --- wide ------------------------------------------------------------------

// Codes u, 8 rows by 4 columns, times int16 numbers.
QQI_AVX2_INLINE void qqi_wide_four_avx2(__m256i u, const int16_t *q, __m256i *s)
{
    const __m256i even = _mm256_and_si256(u, _mm256_set1_epi16(255));
    const __m256i odd = _mm256_srli_epi16(u, 8);

    *s = _mm256_add_epi32(*s, _mm256_madd_epi16(even, qqi_four_avx2(q)));
    *s = _mm256_add_epi32(*s, _mm256_madd_epi16(odd, qqi_four_avx2(q + 8)));
}

// Four cells of a half, 16 columns.
QQI_AVX2_INLINE void qqi_eight_cells_avx2(const uint8_t *cells,
                                          const int16_t *q, __m256i *s)
{
    qqi_wide_four_avx2(qqi_load_avx2(cells), q, s);
    qqi_wide_four_avx2(qqi_load_avx2(cells + 64), q + 2, s);
    qqi_wide_four_avx2(qqi_load_avx2(cells + 128), q + 4, s);
    qqi_wide_four_avx2(qqi_load_avx2(cells + 192), q + 6, s);
}

QQI_AVX2_INLINE void qqi_eight_block_avx2(const qqi_lone_avx2 *a,
                                          const uint8_t *cells, size_t k,
                                          size_t count, __m256i *s)
{
    const int16_t *q = a->spread + k % QQI_SPREAD_AVX2;

    (void)count;
    qqi_eight_cells_avx2(cells, q, &s[0]);
    qqi_eight_cells_avx2(cells + 32, q, &s[1]);
    qqi_eight_cells_avx2(cells + 256, q + 16, &s[0]);
    qqi_eight_cells_avx2(cells + 288, q + 16, &s[1]);
}

QQI_AVX2_FN void qqi_multiply_eight_avx2(const qqi_product *p,
                                         const qqi_columns *g, size_t first,
                                         size_t last, void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 8, 1, 1,
                           qqi_eight_block_avx2, qqi_joint_avx2);
}

// A half of a cell of 4 bits, through a book; q of 8 columns.
QQI_AVX2_INLINE void qqi_large_cell_avx2(const uint8_t *cell, const int16_t *q,
                                         __m256i book, __m256i *s)
{
    const __m256i x = qqi_load_avx2(cell);
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i u0 = _mm256_shuffle_epi8(book, _mm256_and_si256(x, low));
    const __m256i u1 = _mm256_shuffle_epi8(
        book, _mm256_and_si256(_mm256_srli_epi16(x, 4), low));

    qqi_wide_four_avx2(u0, q, s);
    qqi_wide_four_avx2(u1, q + 2, s);
}

QQI_AVX2_INLINE void qqi_large_half_avx2(const uint8_t *cells, const int16_t *q,
                                         __m256i book, __m256i *s)
{
    qqi_large_cell_avx2(cells, q, book, s);
    qqi_large_cell_avx2(cells + 64, q + 4, book, s);
    qqi_large_cell_avx2(cells + 128, q + 16, book, s);
    qqi_large_cell_avx2(cells + 192, q + 20, book, s);
}

QQI_AVX2_INLINE void qqi_large_block_avx2(const qqi_lone_avx2 *a,
                                          const uint8_t *cells, size_t k,
                                          size_t count, __m256i *s)
{
    const int16_t *q = a->spread + k % QQI_SPREAD_AVX2;

    (void)count;
    qqi_large_half_avx2(cells, q, a->book, &s[0]);
    qqi_large_half_avx2(cells + 32, q, a->book, &s[1]);
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
