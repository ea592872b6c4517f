// qquant floor 5: rows of numbers to signs and ternary codes: AVX-512.
//
// Comparisons give a bit for each of 32 columns of a row, column 4 f + j in bit
// 4 f + j of a lane of 32. Exchanged within the lane it stands in bit 8 j + f,
// as a cell of 1 bit has it. A cell of 2 bits holds four of these eight f.

#ifndef QQUANT_KERNEL_AVX512_ENCODE_STEP_H
#define QQUANT_KERNEL_AVX512_ENCODE_STEP_H

#include "kernel/avx512/encode_scale.h"

#if QQI_HAS_AVX512

// Exchanges the bits of mask with those that many places above.
QQI_AVX512_INLINE __m512i qqi_exchange_avx512(__m512i x, unsigned up,
                                              uint32_t mask)
{
    const __m512i m = _mm512_set1_epi32((int)mask);
    const __m512i off = _mm512_xor_si512(x, _mm512_srli_epi32(x, up));
    const __m512i t = _mm512_and_si512(off, m);

    return _mm512_xor_si512(x, _mm512_xor_si512(t, _mm512_slli_epi32(t, up)));
}

// Bit 4 f + j to bit 8 j + f: of the five bits of a bit's number two are
// exchanged at a time, f2 f1 f0 j1 j0 becoming j1 j0 f2 f1 f0.
QQI_AVX512_INLINE __m512i qqi_gather_bits_avx512(__m512i x)
{
    x = qqi_exchange_avx512(x, 14, 0x0000ccccu); // j1 f1 f0 f2 j0
    x = qqi_exchange_avx512(x, 7, 0x00aa00aau);  // j1 j0 f0 f2 f1
    x = qqi_exchange_avx512(x, 2, 0x0c0c0c0cu);  // j1 j0 f2 f0 f1
    return qqi_exchange_avx512(x, 1, 0x22222222u);
}

// Bits 0 to 3 of every byte to bits 0, 2, 4 and 6.
QQI_AVX512_INLINE __m512i qqi_spread_avx512(__m512i x)
{
    const __m512i spread =
        _mm512_set4_epi32(0x55545150, 0x45444140, 0x15141110, 0x05040100);

    return _mm512_shuffle_epi8(spread,
                               _mm512_and_si512(x, _mm512_set1_epi8(15)));
}

// A cell of codes one + 2 two, both at the bits 0 to 3 of bytes.
QQI_AVX512_INLINE void qqi_put_ternary_avx512(__m512i one, __m512i two,
                                              uint8_t *cell)
{
    const __m512i high = qqi_spread_avx512(two);

    _mm512_storeu_si512(
        (void *)cell,
        _mm512_or_si512(qqi_spread_avx512(one), _mm512_add_epi8(high, high)));
}

QQI_AVX512_INLINE void qqi_compare_avx512(const qqi_encode *e,
                                          const qqi_encode_scales *scales,
                                          int both, size_t k,
                                          qqi_encode_bits *to)
{
    const size_t columns = e->k - k;
    const __mmask16 a = qqi_below_avx512(columns);
    const __mmask16 b = qqi_below_avx512(columns > 16 ? columns - 16 : 0);

    for (size_t i = 0; i < 16; i++) {
        const uint8_t *x = qqi_encode_row(e, i) + 4 * k;
        const __m512 low = _mm512_set1_ps(scales->low[i]);
        const __m512 high = _mm512_set1_ps(scales->high[i]);
        const __m512 u = _mm512_maskz_loadu_ps(a, (const void *)x);
        const __m512 v = _mm512_maskz_loadu_ps(b, (const void *)(x + 64));
        const uint32_t low_u = _mm512_mask_cmp_ps_mask(a, u, low, _CMP_GE_OQ);
        const uint32_t low_v = _mm512_mask_cmp_ps_mask(b, v, low, _CMP_GE_OQ);
        to->low[i] = low_u | low_v << 16;
        if (!both)
            continue;
        const uint32_t high_u = _mm512_cmp_ps_mask(u, high, _CMP_GT_OQ);
        const uint32_t high_v = _mm512_cmp_ps_mask(v, high, _CMP_GT_OQ);
        to->high[i] = high_u | high_v << 16;
    }
}

// Columns k to k + 31 of a panel; answers where the next cells go.
QQI_AVX512_FN uint8_t *qqi_encode_sign_avx512(const qqi_encode *e,
                                              const qqi_encode_scales *scales,
                                              size_t k, uint8_t *cells)
{
    const __mmask16 rows = qqi_below_avx512(e->rows);
    qqi_encode_bits bits;

    qqi_compare_avx512(e, scales, 0, k, &bits);
    _mm512_storeu_si512((void *)cells,
                        qqi_gather_bits_avx512(_mm512_maskz_loadu_epi32(
                            rows, (const void *)bits.low)));
    return cells + 64;
}

QQI_AVX512_FN uint8_t *
qqi_encode_ternary_avx512(const qqi_encode *e, const qqi_encode_scales *scales,
                          size_t k, uint8_t *cells)
{
    const __mmask16 rows = qqi_below_avx512(e->rows);
    qqi_encode_bits bits;

    qqi_compare_avx512(e, scales, 1, k, &bits);
    const __m512i low = qqi_gather_bits_avx512(
        _mm512_maskz_loadu_epi32(rows, (const void *)bits.low));
    const __m512i high = qqi_gather_bits_avx512(
        _mm512_maskz_loadu_epi32(rows, (const void *)bits.high));
    const __m512i one = _mm512_andnot_si512(high, low);
    qqi_put_ternary_avx512(one, high, cells);
    if (e->k - k <= 16)
        return cells + 64;
    qqi_put_ternary_avx512(_mm512_srli_epi32(one, 4),
                           _mm512_srli_epi32(high, 4), cells + 64);
    return cells + 128;
}
#endif

#endif // QQUANT_KERNEL_AVX512_ENCODE_STEP_H
