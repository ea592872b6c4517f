// qquant floor 5: the vocabulary of AVX-512: scales and zero points.
//
// A vector is a cell: 16 lanes of 4 bytes, a lane for every row of a panel. So
// sums of 16 rows are one register, and so are the scales of a tile, the row
// factors and the bias. All of this needs F, BW, VL and DQ only, and serves
// the sets with more, AMX included.
//
// WHAT SUMS START FROM. D = S - z * Q - zx * sum (c - z), S = sum u * q with u
// = mul * code, Q = sum q. In place of Q prepare (avx512/prepare.h) leaves in
// g->sum what makes the cheapest start:
//
//   no zero points          -add * Q, the start itself
//   zero points, spans of   N = -Q as two int16, N & 127 and N >> 7; times the
//   at most 32767           pair z, 128 z: z * N by one multiply-add of pairs.
//                           |N| <= 128 * 32767, so |N >> 7| <= 32767
//   zero points, longer     -Q, times z in 32 bits
//
// BOUNDS. |u - z| <= 255, |q| <= 128, a span has at most 65536 columns: S, z *
// Q and D without zx are below 255 * 2^23 < 2^31, and sums that wrap on the
// way are right in the end. With zx, |q - zx| <= 255: 255 * 255 * 32767 < 2^31.
// Longer tiles than that, and digits, are joined in 64 bits ("long").

#ifndef QQUANT_KERNEL_AVX512_CORE_H
#define QQUANT_KERNEL_AVX512_CORE_H

#include "kernel/scalar/core.h"
#include "simd.h"

#if QQI_HAS_AVX512

#  include <immintrin.h>

// Before a loop over registers, which must be laid out in full.
#  if QQI_CLANG
#    define QQI_UNROLL_AVX512 _Pragma("unroll")
#  else
#    define QQI_UNROLL_AVX512 _Pragma("GCC unroll 16")
#  endif

// Makes the compiler load v once, not for every use.
#  define QQI_KEEP_AVX512(v) __asm__("" : "+v"(v))

// --- memory ----------------------------------------------------------------

QQI_AVX512_INLINE __m512i qqi_load_avx512(const void *p)
{
    return _mm512_loadu_si512(p);
}

QQI_AVX512_INLINE void qqi_store_avx512(void *p, __m512i v)
{
    _mm512_storeu_si512(p, v);
}

QQI_AVX512_INLINE __m128i qqi_load16_avx512(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

QQI_AVX512_INLINE __m256i qqi_load32_avx512(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

// Four bytes in all lanes.
QQI_AVX512_INLINE __m512i qqi_four_avx512(const void *p)
{
    int32_t v;

    QQ_MEMCPY(&v, p, sizeof v);
    return _mm512_set1_epi32(v);
}

// Sixteen bytes in all quarters.
QQI_AVX512_INLINE __m512i qqi_quarters_avx512(const void *p)
{
    return _mm512_broadcast_i32x4(qqi_load16_avx512(p));
}

// The first n lanes of 16.
QQI_AVX512_INLINE __mmask16 qqi_below_avx512(size_t n)
{
    return (__mmask16)(n < 16 ? (1u << n) - 1 : 0xffffu);
}

QQI_AVX512_INLINE __m512 qqi_float_avx512(__m512i v)
{
    return _mm512_castsi512_ps(v);
}

// --- scales ----------------------------------------------------------------

QQI_AVX512_INLINE __m512 qqi_from_e8m0_avx512(__m128i codes)
{
    const __m512i code = _mm512_cvtepu8_epi32(codes);
    const __mmask16 nan = _mm512_cmpeq_epi32_mask(code, _mm512_set1_epi32(255));
    // Code 0 is 2^-127, a subnormal.
    const __m512i u = _mm512_max_epu32(_mm512_slli_epi32(code, 23),
                                       _mm512_set1_epi32(0x400000));

    return qqi_float_avx512(
        _mm512_mask_mov_epi32(u, nan, _mm512_set1_epi32(0x7fc00000)));
}

// Codes of e4m3fn in the top bytes of the lanes. Exponent and mantissa in
// their places are the value times 2^-120, subnormals too; the product is
// exact.
QQI_AVX512_INLINE __m512 qqi_from_e4m3fn_avx512(__m512i top)
{
    const __m512i u = _mm512_and_si512(_mm512_srai_epi32(top, 4),
                                       _mm512_set1_epi32((int)0x87f00000u));
    const __m512i nan = _mm512_set1_epi32(0x07f00000);
    const __mmask16 is = _mm512_cmpeq_epi32_mask(
        _mm512_and_si512(u, _mm512_set1_epi32(0x7fffffff)), nan);
    const __m512 v = _mm512_mul_ps(qqi_float_avx512(u),
                                   _mm512_set1_ps(qqi_f32_of(0x7b800000u)));

    return _mm512_mask_mov_ps(v, is,
                              qqi_float_avx512(_mm512_set1_epi32(0x7fc00000)));
}

// Scales of a tile as they are stored.
QQI_AVX512_INLINE __m512 qqi_stored_avx512(qq_type type, const uint8_t *scales,
                                           size_t tile)
{
    switch ((int)type) {
    case QQ_TYPE_F16:
        return _mm512_cvtph_ps(qqi_load32_avx512(scales + 32 * tile));
    case QQ_TYPE_E8M0:
        return qqi_from_e8m0_avx512(qqi_load16_avx512(scales + 16 * tile));
    case QQ_TYPE_E4M3FN: {
        const __m128i codes = qqi_load16_avx512(scales + 16 * tile);
        return qqi_from_e4m3fn_avx512(
            _mm512_slli_epi32(_mm512_cvtepu8_epi32(codes), 24));
    }
    default:
        return _mm512_loadu_ps(scales + 64 * tile);
    }
}

// s of the rows of a tile.
QQI_AVX512_INLINE __m512 qqi_scale_avx512(const qqi_product *p,
                                          const uint8_t *panel, size_t tile)
{
    const __m512 stored =
        qqi_stored_avx512(p->scale_type, panel + p->scale_at, tile);

    return _mm512_mul_ps(_mm512_mul_ps(stored, _mm512_set1_ps(p->scale2)),
                         _mm512_set1_ps(p->unit));
}

// --- starts ----------------------------------------------------------------

typedef enum qqi_start_avx512 {
    QQI_START_READY = 1,
    QQI_START_PAIR = 2,
    QQI_START_PLAIN = 3
} qqi_start_avx512;

QQI_INLINE qqi_start_avx512 qqi_start_kind_avx512(const qqi_product *p)
{
    return p->zero_at == 0     ? QQI_START_READY
           : p->span <= 0x7fff ? QQI_START_PAIR
                               : QQI_START_PLAIN;
}

// What g->sum holds for Q.
QQI_INLINE int32_t qqi_start_sum_avx512(const qqi_product *p, int32_t sum)
{
    switch (qqi_start_kind_avx512(p)) {
    case QQI_START_PAIR: {
        const uint32_t n = (uint32_t)-sum;
        const uint32_t high = n >> 7 & 0xffffu;
        return (int32_t)(high << 16 | (n & 127));
    }
    case QQI_START_PLAIN:
        return -sum;
    case QQI_START_READY:
    default:
        return -p->add * sum;
    }
}

// Whether a tile's D is joined in 64 bits.
QQI_INLINE int qqi_is_long_avx512(const qqi_product *p)
{
    return p->digits > 1 || p->tile > QQI_SPAN ||
           (p->x_zero != 0 && p->tile > 0x7fff);
}

// The factors of a tile that qqi_start_avx512 multiplies sums with.
QQI_AVX512_INLINE __m512i qqi_zeros_avx512(const qqi_product *p,
                                           const uint8_t *panel, size_t tile)
{
    const uint8_t *at = panel + p->zero_at + 16 * tile;

    if (p->zero_at == 0)
        return _mm512_setzero_si512();
    const __m512i z = _mm512_cvtepu8_epi32(qqi_load16_avx512(at));
    return qqi_start_kind_avx512(p) == QQI_START_PAIR
               ? _mm512_or_si512(z, _mm512_slli_epi32(z, 23))
               : z;
}

// The start of a span of one column: sum is the place of its g->sum.
QQI_AVX512_INLINE __m512i qqi_start_of_avx512(qqi_start_avx512 kind,
                                              __m512i zeros, const int32_t *sum)
{
    const __m512i s = qqi_four_avx512(sum);

    return kind == QQI_START_READY  ? s
           : kind == QQI_START_PAIR ? _mm512_madd_epi16(zeros, s)
                                    : _mm512_mullo_epi32(zeros, s);
}

// sum (c - z) of a tile.
QQI_AVX512_INLINE __m512i qqi_code_sums_avx512(const qqi_product *p,
                                               size_t panel_i, size_t tile)
{
    return qqi_load_avx512(qqi_panel_sums(p, panel_i) + 64 * tile);
}

// D less zx * sum (c - z), where tiles are not long.
QQI_AVX512_INLINE __m512i qqi_less_zero_avx512(const qqi_product *p,
                                               size_t panel_i, size_t tile,
                                               __m512i d)
{
    const __m512i sums = qqi_code_sums_avx512(p, panel_i, tile);

    return _mm512_sub_epi32(
        d, _mm512_mullo_epi32(sums, _mm512_set1_epi32(p->x_zero)));
}

// --- long tiles ------------------------------------------------------------

QQI_AVX512_INLINE __m512i qqi_half_avx512(__m512i v, int half)
{
    return _mm512_cvtepi32_epi64(half ? _mm512_extracti64x4_epi64(v, 1)
                                      : _mm512_castsi512_si256(v));
}

// total[r] += d[r] * 256^digit.
QQI_AVX512_INLINE void qqi_long_add_avx512(int64_t *total, __m512i d,
                                           unsigned digit)
{
    for (int i = 0; i < 2; i++) {
        const __m512i v = _mm512_slli_epi64(qqi_half_avx512(d, i), 8 * digit);
        qqi_store_avx512(total + 8 * i,
                         _mm512_add_epi64(qqi_load_avx512(total + 8 * i), v));
    }
}

// total[r] -= zx * sum (c - z).
QQI_AVX512_INLINE void qqi_long_zero_avx512(const qqi_product *p,
                                            size_t panel_i, size_t tile,
                                            int64_t *total)
{
    const __m512i sums = qqi_code_sums_avx512(p, panel_i, tile);
    const __m512i zx = _mm512_set1_epi64(p->x_zero);

    for (int i = 0; i < 2; i++) {
        const __m512i v = _mm512_mul_epi32(qqi_half_avx512(sums, i), zx);
        qqi_store_avx512(total + 8 * i,
                         _mm512_sub_epi64(qqi_load_avx512(total + 8 * i), v));
    }
}

// To nearest even.
QQI_AVX512_INLINE __m512 qqi_long_float_avx512(const int64_t *total)
{
    const __m256 low = _mm512_cvtepi64_ps(qqi_load_avx512(total));
    const __m256 high = _mm512_cvtepi64_ps(qqi_load_avx512(total + 8));

    return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_CORE_H
