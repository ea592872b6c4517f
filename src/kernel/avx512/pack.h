// qquant floor 5: codes to cells and base 3 to cells, by AVX-512.

#ifndef QQUANT_KERNEL_AVX512_PACK_H
#define QQUANT_KERNEL_AVX512_PACK_H

#include "kernel/avx512/store.h"
#include "kernel/scalar/pack.h"

#if QQI_HAS_AVX512

// Turns 16 rows of 32 codes: four[f] has columns 4 f to 4 f + 3, a lane for
// every row.
QQI_AVX512_INLINE void qqi_pack_turn_avx512(const uint8_t *codes, __m512i *four)
{
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    __m512i v[8];

    // Rows i and i + 8.
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 8; i++)
        v[i] = _mm512_inserti64x4(
            _mm512_castsi256_si512(qqi_load32_avx512(codes + 32 * i)),
            qqi_load32_avx512(codes + 32 * i + 256), 1);
    qqi_turn_avx512(v);
    qqi_turn_avx512(v + 4);
    QQI_UNROLL_AVX512
    for (size_t i = 0; i < 4; i++) {
        four[i] = _mm512_permutex2var_epi64(v[i], low, v[4 + i]);
        four[4 + i] = _mm512_permutex2var_epi64(v[i], high, v[4 + i]);
    }
}

// The cells of a part p bits wide, left bits up in the codes, of a block.
QQI_AVX512_INLINE void qqi_pack_part_avx512(const __m512i *four, unsigned p,
                                            unsigned left, uint8_t *cells)
{
    const __m512i mask = _mm512_set1_epi8((char)((1u << p) - 1));

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < p; i++) {
        __m512i cell = _mm512_setzero_si512();
        QQI_UNROLL_AVX512
        for (unsigned f = 0; f < 8 / p; f++) {
            const __m512i part = _mm512_and_si512(
                _mm512_srli_epi32(four[i * (8 / p) + f], left), mask);
            cell = _mm512_or_si512(cell, _mm512_slli_epi32(part, p * f));
        }
        qqi_store_avx512(cells + 64 * i, cell);
    }
}

// A block, or the first cells of one (kernel/scalar/pack.h).
QQI_AVX512_FN void qqi_pack_avx512(unsigned bits, size_t columns,
                                   const uint8_t *codes, uint8_t *cells)
{
    const size_t bytes = qqi_cells_bytes(bits, columns);
    uint8_t block[512];
    __m512i four[8];
    unsigned at = 0;

    qqi_pack_turn_avx512(codes, four);
    if (bits & 8)
        qqi_pack_part_avx512(four, 8, 0, block);
    if (bits & 4) {
        qqi_pack_part_avx512(four, 4, bits & 3, block);
        at = 256;
    }
    if (bits & 2) {
        qqi_pack_part_avx512(four, 2, bits & 1, block + at);
        at += 128;
    }
    if (bits & 1)
        qqi_pack_part_avx512(four, 1, 0, block + at);
    QQ_MEMCPY(cells, block, bytes);
}

// Thirds of 64 bytes, x * 171 >> 9, by words: 255 * 171 is below 2^16.
QQI_AVX512_INLINE __m512i qqi_third_avx512(__m512i x)
{
    const __m512i by = _mm512_set1_epi16(171);
    const __m512i low = _mm512_set1_epi16(255);
    const __m512i even = _mm512_mullo_epi16(_mm512_and_si512(x, low), by);
    const __m512i odd = _mm512_mullo_epi16(_mm512_srli_epi16(x, 8), by);

    return _mm512_or_si512(_mm512_srli_epi16(even, 9),
                           _mm512_slli_epi16(_mm512_srli_epi16(odd, 9), 8));
}

// Digit d of byte x of part f becomes field f of byte x of cell d.
QQI_AVX512_FN void qqi_expand_base3_avx512(size_t count, const uint8_t *packed,
                                           uint8_t *cells)
{
    const __m512i most = _mm512_set1_epi8((char)242);

    for (; count > 0; count--, packed += 256, cells += 320) {
        __m512i cell[5];
        QQI_UNROLL_AVX512
        for (unsigned d = 0; d < 5; d++)
            cell[d] = _mm512_setzero_si512();
        QQI_UNROLL_AVX512
        for (unsigned f = 0; f < 4; f++) {
            __m512i x = _mm512_min_epu8(qqi_load_avx512(packed + 64 * f), most);
            QQI_UNROLL_AVX512
            for (unsigned d = 0; d < 5; d++) {
                const __m512i third = d < 4 ? qqi_third_avx512(x) : x;
                const __m512i thrice =
                    _mm512_add_epi8(third, _mm512_add_epi8(third, third));
                const __m512i digit = d < 4 ? _mm512_sub_epi8(x, thrice) : x;
                cell[d] =
                    _mm512_or_si512(cell[d], _mm512_slli_epi32(digit, 2 * f));
                x = third;
            }
        }
        QQI_UNROLL_AVX512
        for (unsigned d = 0; d < 5; d++)
            qqi_store_avx512(cells + 64 * d, cell[d]);
    }
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_PACK_H
