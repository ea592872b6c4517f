// qquant floor 5: one column with AVX-VNNI: what is done with a block.
//
// Codes of 2 and 4 bits are masked and multiplied where they are; plane f of 2
// bits counts 4^f, the high one of 4 bits 16, until the sums are joined. They
// stay below 240 * 128 * QQI_SPAN / 2 < 2^30. Eight sums at least are under way
// at any time, for one takes five cycles.

#ifndef QQUANT_KERNEL_AVX2_LONE_VNNI_H
#define QQUANT_KERNEL_AVX2_LONE_VNNI_H

#include "kernel/avx2/lone.h"
#include "kernel/avx2/vnni.h"

#if QQI_HAS_AVX_VNNI

QQI_AVX_VNNI_INLINE void qqi_masked_avx_vnni(__m256i x, char mask,
                                             const int8_t *q, __m256i *s)
{
    *s = _mm256_dpbusd_avx_epi32(
        *s, _mm256_and_si256(x, _mm256_set1_epi8(mask)), qqi_four_avx2(q));
}

// --- 2 bits ----------------------------------------------------------------

// Half a cell: s of planes 0 to 3, every other one of s.
QQI_AVX_VNNI_INLINE void qqi_two_cell_avx_vnni(const uint8_t *cell,
                                               const int8_t *q, __m256i *s)
{
    const __m256i x = qqi_load_avx2(cell);

    qqi_masked_avx_vnni(x, 3, q, &s[0]);
    qqi_masked_avx_vnni(x, 12, q + 4, &s[2]);
    qqi_masked_avx_vnni(x, 48, q + 8, &s[4]);
    qqi_masked_avx_vnni(x, (char)-64, q + 12, &s[6]);
}

QQI_AVX_VNNI_INLINE void qqi_two_block_avx_vnni(const qqi_lone_avx2 *a,
                                                const uint8_t *cells, size_t k,
                                                size_t count, __m256i *s)
{
    const int8_t *q = a->g->q + k;

    (void)count;
    qqi_two_cell_avx_vnni(cells, q, s);
    qqi_two_cell_avx_vnni(cells + 32, q, s + 1);
    qqi_two_cell_avx_vnni(cells + 64, q + 16, s);
    qqi_two_cell_avx_vnni(cells + 96, q + 16, s + 1);
}

QQI_AVX_VNNI_INLINE __m256i qqi_two_planes_avx2(const __m256i *s)
{
    return _mm256_add_epi32(_mm256_add_epi32(s[0], _mm256_srai_epi32(s[2], 2)),
                            _mm256_add_epi32(_mm256_srai_epi32(s[4], 4),
                                             _mm256_srai_epi32(s[6], 6)));
}

QQI_AVX_VNNI_INLINE void qqi_two_joint_avx_vnni(const __m256i *s, __m256i *out)
{
    out[0] = qqi_two_planes_avx2(s);
    out[1] = qqi_two_planes_avx2(s + 1);
}

QQI_AVX_VNNI_FN void qqi_multiply_two_avx_vnni(const qqi_product *p,
                                               const qqi_columns *g,
                                               size_t first, size_t last,
                                               void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 2, 1, 0,
                           qqi_two_block_avx_vnni, qqi_two_joint_avx_vnni);
}

// --- 4 bits ----------------------------------------------------------------

QQI_AVX_VNNI_INLINE void qqi_four_cell_avx_vnni(const uint8_t *cell,
                                                const int8_t *q, __m256i *s)
{
    const __m256i x = qqi_load_avx2(cell);

    qqi_masked_avx_vnni(x, 15, q, &s[0]);
    qqi_masked_avx_vnni(x, (char)-16, q + 4, &s[2]);
}

QQI_AVX_VNNI_INLINE void qqi_four_half_avx_vnni(const uint8_t *cells,
                                                const int8_t *q, __m256i *s)
{
    qqi_four_cell_avx_vnni(cells, q, s);
    qqi_four_cell_avx_vnni(cells + 64, q + 8, s + 4);
    qqi_four_cell_avx_vnni(cells + 128, q + 16, s);
    qqi_four_cell_avx_vnni(cells + 192, q + 24, s + 4);
}

QQI_AVX_VNNI_INLINE void qqi_four_block_avx_vnni(const qqi_lone_avx2 *a,
                                                 const uint8_t *cells, size_t k,
                                                 size_t count, __m256i *s)
{
    (void)count;
    qqi_four_half_avx_vnni(cells, a->g->q + k, s);
    qqi_four_half_avx_vnni(cells + 32, a->g->q + k, s + 1);
}

QQI_AVX_VNNI_INLINE void qqi_four_joint_avx_vnni(const __m256i *s, __m256i *out)
{
    for (size_t half = 0; half < 2; half++)
        out[half] = _mm256_add_epi32(
            _mm256_add_epi32(s[half], s[4 + half]),
            _mm256_srai_epi32(_mm256_add_epi32(s[2 + half], s[6 + half]), 4));
}

QQI_AVX_VNNI_FN void qqi_multiply_four_avx_vnni(const qqi_product *p,
                                                const qqi_columns *g,
                                                size_t first, size_t last,
                                                void *work)
{
    qqi_multiply_lone_avx2(p, g, first, last, work, 4, 1, 0,
                           qqi_four_block_avx_vnni, qqi_four_joint_avx_vnni);
}

// --- codes as bytes --------------------------------------------------------

// Four sums of each half.
QQI_AVX_VNNI_INLINE void qqi_joint_avx_vnni(const __m256i *s, __m256i *out)
{
    for (size_t half = 0; half < 2; half++)
        out[half] =
            _mm256_add_epi32(_mm256_add_epi32(s[half], s[2 + half]),
                             _mm256_add_epi32(s[4 + half], s[6 + half]));
}

// Field f of a half; through the book where there is one.
QQI_AVX_VNNI_INLINE void qqi_field_avx_vnni(const uint8_t *cells, unsigned bits,
                                            unsigned f, const __m256i *book,
                                            const int8_t *q, __m256i *s)
{
    const __m256i u = qqi_codes_avx2(cells, bits, f);
    const __m256i v = book != NULL ? _mm256_shuffle_epi8(*book, u) : u;
    __m256i *sum = s + f % 4 * 2;

    *sum = _mm256_dpbusd_avx_epi32(*sum, v, qqi_four_avx2(q + 4 * f));
}

QQI_AVX_VNNI_INLINE void qqi_fields_avx_vnni(const uint8_t *cells,
                                             unsigned bits, const __m256i *book,
                                             const int8_t *q, __m256i *s)
{
    qqi_field_avx_vnni(cells, bits, 0, book, q, s);
    qqi_field_avx_vnni(cells, bits, 1, book, q, s);
    qqi_field_avx_vnni(cells, bits, 2, book, q, s);
    qqi_field_avx_vnni(cells, bits, 3, book, q, s);
    qqi_field_avx_vnni(cells, bits, 4, book, q, s);
    qqi_field_avx_vnni(cells, bits, 5, book, q, s);
    qqi_field_avx_vnni(cells, bits, 6, book, q, s);
    qqi_field_avx_vnni(cells, bits, 7, book, q, s);
}

// The block and the product of a width, with a book or NULL.
#  define QQI_FIELDS_AVX_VNNI(name, bits, book)                                \
      QQI_AVX_VNNI_INLINE void qqi_##name##_block_avx_vnni(                    \
          const qqi_lone_avx2 *a, const uint8_t *cells, size_t k,              \
          size_t count, __m256i *s)                                            \
      {                                                                        \
          (void)count;                                                         \
          qqi_fields_avx_vnni(cells, bits, book, a->g->q + k, s);              \
          qqi_fields_avx_vnni(cells + 32, bits, book, a->g->q + k, s + 1);     \
      }                                                                        \
      QQI_AVX_VNNI_FN void qqi_multiply_##name##_avx_vnni(                     \
          const qqi_product *p, const qqi_columns *g, size_t first,            \
          size_t last, void *work)                                             \
      {                                                                        \
          qqi_multiply_lone_avx2(p, g, first, last, work, bits, 1, 0,          \
                                 qqi_##name##_block_avx_vnni,                  \
                                 qqi_joint_avx_vnni);                          \
      }

QQI_FIELDS_AVX_VNNI(one, 1, NULL)
QQI_FIELDS_AVX_VNNI(two_book, 2, &a->book)
QQI_FIELDS_AVX_VNNI(three, 3, NULL)
QQI_FIELDS_AVX_VNNI(four_book, 4, &a->book)
QQI_FIELDS_AVX_VNNI(five, 5, NULL)
QQI_FIELDS_AVX_VNNI(six, 6, NULL)
QQI_FIELDS_AVX_VNNI(seven, 7, NULL)
QQI_FIELDS_AVX_VNNI(eight, 8, NULL)

#  undef QQI_FIELDS_AVX_VNNI

#endif

#endif // QQUANT_KERNEL_AVX2_LONE_VNNI_H
