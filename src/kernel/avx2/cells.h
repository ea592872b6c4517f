// qquant floor 5: codes as bytes to cells: AVX2.
//
// Eight rows of 32 codes, of which lane j of a register holds columns 4 j to
// 4 j + 3, and 8, 16 and 24 on, as packing makes them. Four neighbours of the
// eight rows come to a register, which is half of what a cell of 8 bits has: a
// field; fields become cells.

#ifndef QQUANT_KERNEL_AVX2_CELLS_H
#define QQUANT_KERNEL_AVX2_CELLS_H

#include "kernel/avx2/core.h"
#include "kernel/cell.h"

#if QQI_HAS_AVX2

typedef struct qqi_quad_avx2 {
    __m256i g[4]; // g[d], lane j: columns 8 d + 4 j to 8 d + 4 j + 3
} qqi_quad_avx2;

// Four rows of codes, 32 bytes each.
QQI_AVX2_INLINE qqi_quad_avx2 qqi_quad_rows_avx2(const uint8_t *codes)
{
    const __m256i a = qqi_load_avx2(codes);
    const __m256i b = qqi_load_avx2(codes + 32);
    const __m256i c = qqi_load_avx2(codes + 64);
    const __m256i d = qqi_load_avx2(codes + 96);
    const __m256i ab = _mm256_unpacklo_epi32(a, b);
    const __m256i cd = _mm256_unpacklo_epi32(c, d);
    const __m256i ab2 = _mm256_unpackhi_epi32(a, b);
    const __m256i cd2 = _mm256_unpackhi_epi32(c, d);
    qqi_quad_avx2 r;

    r.g[0] = _mm256_unpacklo_epi64(ab, cd);
    r.g[1] = _mm256_unpackhi_epi64(ab, cd);
    r.g[2] = _mm256_unpacklo_epi64(ab2, cd2);
    r.g[3] = _mm256_unpackhi_epi64(ab2, cd2);
    return r;
}

QQI_AVX2_INLINE void qqi_put_fields_avx2(__m256i a, __m256i b, uint8_t *fields)
{
    _mm256_storeu_si256((__m256i *)(void *)fields,
                        _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256((__m256i *)(void *)(fields + 32),
                        _mm256_permute2x128_si256(a, b, 0x31));
}

// Eight rows of codes, which become fields where they are.
QQI_AVX2_INLINE void qqi_fields_avx2(uint8_t *codes)
{
    const qqi_quad_avx2 p = qqi_quad_rows_avx2(codes);
    const qqi_quad_avx2 q = qqi_quad_rows_avx2(codes + 128);

    qqi_put_fields_avx2(p.g[0], q.g[0], codes);
    qqi_put_fields_avx2(p.g[1], q.g[1], codes + 64);
    qqi_put_fields_avx2(p.g[2], q.g[2], codes + 128);
    qqi_put_fields_avx2(p.g[3], q.g[3], codes + 192);
}

// Half a cell of a part p bits wide, which is left bits up in the codes.
QQI_AVX2_INLINE void qqi_cell_avx2(unsigned p, unsigned left, __m256i there,
                                   const uint8_t *fields, uint8_t *cell)
{
    const __m256i mask =
        _mm256_and_si256(_mm256_set1_epi8((char)((1u << p) - 1)), there);
    const __m128i down = _mm_cvtsi32_si128((int)left);
    __m256i sum = _mm256_setzero_si256();

    for (unsigned f = 0; f < 8 / p; f++) {
        const __m256i u = _mm256_loadu_si256(
            (const __m256i *)(const void *)(fields + 32 * f));
        const __m256i v = _mm256_and_si256(_mm256_srl_epi16(u, down), mask);
        const __m128i up = _mm_cvtsi32_si128((int)(p * f));
        sum = _mm256_or_si256(sum, _mm256_sll_epi16(v, up));
    }
    _mm256_storeu_si256((__m256i *)(void *)cell, sum);
}

// Half a block, or of the first cells of one (qqi_pack_block_scalar), with the
// first rows of eight; answers the end of the cells.
QQI_AVX2_FN uint8_t *qqi_cells_avx2(unsigned bits, size_t rows, size_t columns,
                                    const uint8_t *fields, uint8_t *cells)
{
    const size_t some = columns < 32 ? columns : 32;
    const size_t end = bits == qqi_part_bits(bits) ? some : 32;
    const __m256i there = _mm256_castps_si256(qqi_first_avx2(rows));
    unsigned left = bits;

    while (left > 0) {
        const unsigned p = qqi_part_bits(left);
        left -= p;
        for (size_t k = 0; k < end; k += 32 / p, cells += 64)
            qqi_cell_avx2(p, left, there, fields + 8 * k, cells);
    }
    return cells;
}

#endif

#endif // QQUANT_KERNEL_AVX2_CELLS_H
