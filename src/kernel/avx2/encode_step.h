// qquant floor 5: rows of numbers to signs and ternary codes: AVX2.
//
// Comparisons give a bit for each of 32 columns of a row, column 4 f + j in bit
// 4 f + j of a lane of 32. Exchanged within the lane it stands in bit 8 j + f,
// as a cell of 1 bit has it. A cell of 2 bits holds four of these eight f.

#ifndef QQUANT_KERNEL_AVX2_ENCODE_STEP_H
#define QQUANT_KERNEL_AVX2_ENCODE_STEP_H

#include "kernel/avx2/encode_scale.h"

#if QQI_HAS_AVX2

// Exchanges the bits of mask with those that many places above.
QQI_AVX2_INLINE __m256i qqi_exchange_avx2(__m256i x, int up, uint32_t mask)
{
    const __m256i m = _mm256_set1_epi32((int)mask);
    const __m256i off = _mm256_xor_si256(x, _mm256_srli_epi32(x, up));
    const __m256i t = _mm256_and_si256(off, m);

    return _mm256_xor_si256(x, _mm256_xor_si256(t, _mm256_slli_epi32(t, up)));
}

// Bit 4 f + j of eight rows to bit 8 j + f: of the five bits of a bit's number
// two are exchanged at a time, f2 f1 f0 j1 j0 becoming j1 j0 f2 f1 f0.
QQI_AVX2_INLINE __m256i qqi_gather_bits_avx2(const uint32_t *bits)
{
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)bits);

    x = qqi_exchange_avx2(x, 14, 0x0000ccccu); // j1 f1 f0 f2 j0
    x = qqi_exchange_avx2(x, 7, 0x00aa00aau);  // j1 j0 f0 f2 f1
    x = qqi_exchange_avx2(x, 2, 0x0c0c0c0cu);  // j1 j0 f2 f0 f1
    return qqi_exchange_avx2(x, 1, 0x22222222u);
}

// Bits 0 to 3 of every byte to bits 0, 2, 4 and 6.
QQI_AVX2_INLINE __m256i qqi_encode_spread_avx2(__m256i x)
{
    const __m256i spread =
        _mm256_setr_epi32(0x05040100, 0x15141110, 0x45444140, 0x55545150,
                          0x05040100, 0x15141110, 0x45444140, 0x55545150);

    return _mm256_shuffle_epi8(spread,
                               _mm256_and_si256(x, _mm256_set1_epi8(15)));
}

// Half a cell of codes one + 2 two, both at the bits 0 to 3 of bytes.
QQI_AVX2_INLINE void qqi_put_ternary_avx2(__m256i one, __m256i two,
                                          uint8_t *cell)
{
    const __m256i high = qqi_encode_spread_avx2(two);

    _mm256_storeu_si256((__m256i *)(void *)cell,
                        _mm256_or_si256(qqi_encode_spread_avx2(one),
                                        _mm256_add_epi8(high, high)));
}

// Those of 32 numbers that are at least low, or above high.
QQI_AVX2_INLINE uint32_t qqi_bits_avx2(const uint8_t *x, float edge, int above)
{
    const __m256 y = _mm256_set1_ps(edge);
    uint32_t bits = 0;

    for (int i = 0; i < 4; i++, x += 32) {
        const __m256 v = _mm256_loadu_ps((const float *)(const void *)x);
        const __m256 m = above ? _mm256_cmp_ps(v, y, _CMP_GT_OQ)
                               : _mm256_cmp_ps(v, y, _CMP_GE_OQ);
        bits |= (uint32_t)_mm256_movemask_ps(m) << 8 * i;
    }
    return bits;
}

QQI_AVX2_INLINE void qqi_compare_avx2(const qqi_encode *e,
                                      const qqi_encode_scales *scales, int both,
                                      size_t k, qqi_encode_bits *to)
{
    const size_t columns = e->k - k;
    const uint32_t there =
        columns < 32 ? ((uint32_t)1 << columns) - 1 : 0xffffffffu;
    uint8_t rest[128];

    QQ_MEMSET(to, 0, sizeof *to);
    QQ_MEMSET(rest, 0, sizeof rest);
    for (size_t i = 0; i < e->rows; i++) {
        const uint8_t *x =
            qqi_encode_whole(qqi_encode_row(e, i) + 4 * k, columns, rest);
        to->low[i] = qqi_bits_avx2(x, scales->low[i], 0) & there;
        if (both)
            to->high[i] = qqi_bits_avx2(x, scales->high[i], 1) & there;
    }
}

QQI_AVX2_FN uint8_t *qqi_encode_sign_avx2(const qqi_encode *e,
                                          const qqi_encode_scales *scales,
                                          size_t k, uint8_t *cells)
{
    qqi_encode_bits bits;

    qqi_compare_avx2(e, scales, 0, k, &bits);
    for (size_t i = 0; i < 16; i += 8)
        _mm256_storeu_si256((__m256i *)(void *)(cells + 4 * i),
                            qqi_gather_bits_avx2(bits.low + i));
    return cells + 64;
}

QQI_AVX2_FN uint8_t *qqi_encode_ternary_avx2(const qqi_encode *e,
                                             const qqi_encode_scales *scales,
                                             size_t k, uint8_t *cells)
{
    const int two = e->k - k > 16;
    qqi_encode_bits bits;

    qqi_compare_avx2(e, scales, 1, k, &bits);
    for (size_t i = 0; i < 16; i += 8) {
        const __m256i high = qqi_gather_bits_avx2(bits.high + i);
        const __m256i one =
            _mm256_andnot_si256(high, qqi_gather_bits_avx2(bits.low + i));
        qqi_put_ternary_avx2(one, high, cells + 4 * i);
        if (two)
            qqi_put_ternary_avx2(_mm256_srli_epi32(one, 4),
                                 _mm256_srli_epi32(high, 4),
                                 cells + 64 + 4 * i);
    }
    return cells + (two ? 128 : 64);
}
#endif

#endif // QQUANT_KERNEL_AVX2_ENCODE_STEP_H
