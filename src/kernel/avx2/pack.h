// qquant floor 5: codes to cells and base 3 to cells, AVX2.

#ifndef QQUANT_KERNEL_AVX2_PACK_H
#define QQUANT_KERNEL_AVX2_PACK_H

#include "kernel/avx2/cells.h"
#include "kernel/scalar/pack.h"

#if QQI_HAS_AVX2

// As qqi_pack_block_scalar.
QQI_AVX2_FN void qqi_pack_block_avx2(unsigned bits, size_t columns,
                                     const uint8_t *codes, uint8_t *cells)
{
    const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    uint8_t fields[256];

    for (size_t half = 0; half < 2; half++) {
        for (size_t i = 0; i < 256; i += 32)
            qqi_store_avx2(fields + i,
                           _mm256_permutevar8x32_epi32(
                               qqi_load_avx2(codes + 256 * half + i), order));
        qqi_fields_avx2(fields);
        qqi_cells_avx2(bits, 8, columns, fields, cells + 32 * half);
    }
}

// x / 3 for int16 x from 0 to 255: x * 171 / 512 is less than 1/3 above x / 3,
// and 171 * 255 is below 2^16.
QQI_AVX2_INLINE __m256i qqi_third_avx2(__m256i x)
{
    return _mm256_srli_epi16(_mm256_mullo_epi16(x, _mm256_set1_epi16(171)), 9);
}

// Adds the digits of 32 bytes, field f, to their five cells.
QQI_AVX2_INLINE void qqi_digits_avx2(__m256i bytes, int f, __m256i *cells)
{
    const __m256i most = _mm256_min_epu8(bytes, _mm256_set1_epi8((char)242));
    const __m256i three = _mm256_set1_epi16(3);
    __m256i even = _mm256_and_si256(most, _mm256_set1_epi16(255));
    __m256i odd = _mm256_srli_epi16(most, 8);

    for (size_t d = 0; d < 5; d++) {
        const __m256i e = qqi_third_avx2(even);
        const __m256i o = qqi_third_avx2(odd);
        const __m256i re = _mm256_sub_epi16(even, _mm256_mullo_epi16(e, three));
        const __m256i ro = _mm256_sub_epi16(odd, _mm256_mullo_epi16(o, three));
        const __m256i digit = _mm256_or_si256(re, _mm256_slli_epi16(ro, 8));
        cells[d] = _mm256_or_si256(cells[d], _mm256_slli_epi16(digit, 2 * f));
        even = e;
        odd = o;
    }
}

// As qqi_expand_scalar.
QQI_AVX2_FN void qqi_expand_avx2(size_t count, const uint8_t *packed,
                                 uint8_t *cells)
{
    for (; count > 0; count--, packed += 256, cells += 320) {
        for (size_t half = 0; half < 64; half += 32) {
            const __m256i zero = _mm256_setzero_si256();
            __m256i c[5] = {zero, zero, zero, zero, zero};
            qqi_digits_avx2(qqi_load_avx2(packed + half), 0, c);
            qqi_digits_avx2(qqi_load_avx2(packed + 64 + half), 1, c);
            qqi_digits_avx2(qqi_load_avx2(packed + 128 + half), 2, c);
            qqi_digits_avx2(qqi_load_avx2(packed + 192 + half), 3, c);
            for (size_t d = 0; d < 5; d++)
                qqi_store_avx2(cells + 64 * d + half, c[d]);
        }
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_PACK_H
