// qquant floor 5: the vocabulary of AVX2: scales, sums to floats, the ends.
//
// A cell of 64 bytes is two vectors of 8 rows, half 0 and half 1. Everything
// equals scalar/core.h bit for bit. Inexact products only feed products,
// conversions and the factors of a fused multiply-add: a compiler that fuses
// what it can finds nothing to fuse.

#ifndef QQUANT_KERNEL_AVX2_CORE_H
#define QQUANT_KERNEL_AVX2_CORE_H

#include "kernel/scalar/core.h"
#include "simd.h"

#if QQI_HAS_AVX2

#  include <immintrin.h>

// A function whose registers are its own.
#  define QQI_AVX2_ALONE                                                       \
      static __attribute__((target(QQI_TARGET_AVX2), noinline, unused))

QQI_AVX2_INLINE __m256i qqi_load_avx2(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

QQI_AVX2_INLINE void qqi_store_avx2(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

QQI_AVX2_INLINE __m128i qqi_load16_avx2(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

QQI_AVX2_INLINE __m256 qqi_floats_avx2(const void *p)
{
    return _mm256_loadu_ps((const float *)p);
}

QQI_AVX2_INLINE void qqi_store_floats_avx2(void *p, __m256 v)
{
    _mm256_storeu_ps((float *)p, v);
}

// Makes the compiler forget how v came about: gcc 12 turns long sums of int16
// into trees for which there are not enough registers.
#  define QQI_KEEP_AVX2(v) __asm__("" : "+x"(v))

// Asks for count lines of 64 bytes, 1 to 8, that will be wanted soon.
QQI_AVX2_INLINE void qqi_ask_avx2(const uint8_t *p, unsigned count)
{
    _mm_prefetch((const char *)p, _MM_HINT_T0);
    if (count > 1)
        _mm_prefetch((const char *)(p + 64), _MM_HINT_T0);
    if (count > 2)
        _mm_prefetch((const char *)(p + 128), _MM_HINT_T0);
    if (count > 3)
        _mm_prefetch((const char *)(p + 192), _MM_HINT_T0);
    if (count > 4)
        _mm_prefetch((const char *)(p + 256), _MM_HINT_T0);
    if (count > 5)
        _mm_prefetch((const char *)(p + 320), _MM_HINT_T0);
    if (count > 6)
        _mm_prefetch((const char *)(p + 384), _MM_HINT_T0);
    if (count > 7)
        _mm_prefetch((const char *)(p + 448), _MM_HINT_T0);
}

// Bytes ahead of what is being multiplied, of cells; of scales half as many.
// Measured: 1024 and 4096 are a little slower, none at all 5 to 15 %.
#  define QQI_AHEAD_AVX2 ((size_t)2048)

// How far to ask ahead in panel i: the place is in it or in the next one.
QQI_INLINE size_t qqi_ahead_of_avx2(const qqi_product *p, size_t i, size_t last)
{
    return i + 1 < last && p->cells_bytes >= QQI_AHEAD_AVX2 ? QQI_AHEAD_AVX2
                                                            : 0;
}

// Four bytes in every lane.
QQI_AVX2_INLINE __m256i qqi_four_avx2(const void *p)
{
    int32_t v;

    QQ_MEMCPY(&v, p, sizeof v);
    return _mm256_set1_epi32(v);
}

// The first count of eight.
QQI_AVX2_INLINE __m256 qqi_first_avx2(size_t count)
{
    const __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const int most = (int)(count < 8 ? count : 8);

    return _mm256_castsi256_ps(
        _mm256_cmpgt_epi32(_mm256_set1_epi32(most), number));
}

QQI_AVX2_INLINE int32_t qqi_total_avx2(__m256i v)
{
    const __m128i a = _mm_add_epi32(_mm256_castsi256_si128(v),
                                    _mm256_extracti128_si256(v, 1));
    const __m128i b = _mm_add_epi32(a, _mm_shuffle_epi32(a, 0x4e));

    return _mm_cvtsi128_si32(_mm_add_epi32(b, _mm_shuffle_epi32(b, 0xb1)));
}

// Whether the sums of a tile need not be joined in memory: one digit, no zero
// point of x, one span.
QQI_INLINE int qqi_is_direct(const qqi_product *p)
{
    return p->digits == 1 && p->x_zero == 0 && p->spans <= p->tiles;
}

// Whether there is nothing special about the end of a tile: D = S - off.
QQI_INLINE int qqi_is_quick(const qqi_product *p)
{
    return qqi_is_direct(p) && p->mul == 1 && p->zero_at == 0 &&
           p->input != QQ_INPUT_INT8_TILE;
}

// --- scales ----------------------------------------------------------------

// Whether scales are f32, and nothing but them.
QQI_INLINE int qqi_has_plain_scales(const qqi_product *p)
{
    return p->scale_type == QQ_TYPE_F32 && p->scale2 == 1.0f && p->unit == 1.0f;
}

// Eight bytes, one in each lane.
QQI_AVX2_INLINE __m256i qqi_bytes_avx2(const void *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

// The exponent; 2^-127 and NaN differ from a shift in the bit below it.
QQI_AVX2_INLINE __m256 qqi_e8m0_avx2(__m256i code)
{
    const __m256i low = _mm256_cmpeq_epi32(code, _mm256_setzero_si256());
    const __m256i nan = _mm256_cmpeq_epi32(code, _mm256_set1_epi32(255));
    const __m256i odd = _mm256_and_si256(_mm256_or_si256(low, nan),
                                         _mm256_set1_epi32(0x400000));

    return _mm256_castsi256_ps(
        _mm256_or_si256(_mm256_slli_epi32(code, 23), odd));
}

// Read as f16 with the point moved it is 2^-8 of its value: exact.
QQI_AVX2_INLINE __m256 qqi_e4m3fn_avx2(__m256i code)
{
    const __m256i most = _mm256_set1_epi32(0x7f);
    const __m256i a = _mm256_and_si256(code, most);
    const __m256i sign =
        _mm256_slli_epi32(_mm256_and_si256(code, _mm256_set1_epi32(128)), 8);
    const __m256i h = _mm256_or_si256(sign, _mm256_slli_epi32(a, 7));
    const __m128i narrow = _mm_packus_epi32(_mm256_castsi256_si128(h),
                                            _mm256_extracti128_si256(h, 1));
    const __m256 v =
        _mm256_mul_ps(_mm256_cvtph_ps(narrow), _mm256_set1_ps(256.0f));
    const __m256i nan = _mm256_and_si256(_mm256_cmpeq_epi32(a, most),
                                         _mm256_set1_epi32(QQI_F32_NAN));

    return _mm256_or_ps(v, _mm256_castsi256_ps(nan));
}

// Scales i to i + 7 as they are stored.
QQI_AVX2_INLINE __m256 qqi_stored_scales_avx2(qq_type type, const uint8_t *at,
                                              size_t i)
{
    switch ((int)type) {
    case QQ_TYPE_F16:
        return _mm256_cvtph_ps(qqi_load16_avx2(at + 2 * i));
    case QQ_TYPE_E8M0:
        return qqi_e8m0_avx2(qqi_bytes_avx2(at + i));
    case QQ_TYPE_E4M3FN:
        return qqi_e4m3fn_avx2(qqi_bytes_avx2(at + i));
    default:
        return qqi_floats_avx2(at + 4 * i);
    }
}

// s of 8 rows of a tile.
QQI_AVX2_INLINE __m256 qqi_scales_avx2(const qqi_product *p,
                                       const uint8_t *panel, size_t tile,
                                       size_t half)
{
    const __m256 s = qqi_stored_scales_avx2(p->scale_type, panel + p->scale_at,
                                            16 * tile + 8 * half);

    return _mm256_mul_ps(_mm256_mul_ps(s, _mm256_set1_ps(p->scale2)),
                         _mm256_set1_ps(p->unit));
}

// Those of tiles t to end - 1 of a panel, 16 f32 each. The tiles of most
// matrices have f16, and nothing but them.
QQI_AVX2_ALONE void qqi_many_scales_avx2(const qqi_product *p,
                                         const uint8_t *panel, size_t t,
                                         size_t end, float *out)
{
    const uint8_t *at = panel + p->scale_at + 32 * t;

    if (p->scale_type == QQ_TYPE_F16 && p->scale2 == 1.0f && p->unit == 1.0f) {
        for (; t < end; t++, at += 32, out += 16) {
            qqi_store_floats_avx2(out, _mm256_cvtph_ps(qqi_load16_avx2(at)));
            qqi_store_floats_avx2(out + 8,
                                  _mm256_cvtph_ps(qqi_load16_avx2(at + 16)));
        }
        return;
    }
    for (; t < end; t++, out += 16) {
        qqi_store_floats_avx2(out, qqi_scales_avx2(p, panel, t, 0));
        qqi_store_floats_avx2(out + 8, qqi_scales_avx2(p, panel, t, 1));
    }
}

// --- sums to floats --------------------------------------------------------

// What is taken off each code of 8 rows of a tile.
QQI_AVX2_INLINE __m256i qqi_zeros_avx2(const qqi_product *p,
                                       const uint8_t *panel, size_t tile,
                                       size_t half)
{
    return p->zero_at != 0
               ? qqi_bytes_avx2(panel + p->zero_at + 16 * tile + 8 * half)
               : _mm256_set1_epi32(p->add);
}

// mul * S - z * Q, the sum of (c - z) * q: at most 255 * 128 * QQI_SPAN, so
// that the low 32 bits are all of it. mul is 1 or 2.
QQI_AVX2_INLINE __m256i qqi_joined_avx2(const qqi_product *p, __m256i s,
                                        __m256i zeros, int32_t sum)
{
    const __m256i off = _mm256_mullo_epi32(zeros, _mm256_set1_epi32(sum));

    return _mm256_sub_epi32(_mm256_sllv_epi32(s, _mm256_set1_epi32(p->mul - 1)),
                            off);
}

// --- the end ---------------------------------------------------------------

// v of 8 rows of W and a row of x, as qqi_end_one.
QQI_AVX2_INLINE __m256 qqi_end_eight_avx2(const qqi_product *p,
                                          const uint8_t *panel, size_t half,
                                          __m256 acc, float sx, __m256 before)
{
    const __m256 a = p->factor_at
                         ? qqi_floats_avx2(panel + p->factor_at + 32 * half)
                         : _mm256_set1_ps(1.0f);
    const __m256 bias = p->bias_at
                            ? qqi_floats_avx2(panel + p->bias_at + 32 * half)
                            : _mm256_setzero_ps();
    const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(QQI_F32_NAN));
    __m256 v = _mm256_fmadd_ps(_mm256_mul_ps(acc, _mm256_set1_ps(sx)), a, bias);

    if (p->accumulate)
        v = _mm256_add_ps(before, v);
    // In this order: NaN, and a zero that equals the limit, come from v.
    v = _mm256_max_ps(_mm256_set1_ps(p->lo), v);
    v = _mm256_min_ps(_mm256_set1_ps(p->hi), v);
    return _mm256_blendv_ps(v, nan, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}

// y of 8 rows of panel i and row column of x; those below n.
QQI_AVX2_INLINE void qqi_end_half_avx2(const qqi_product *p, size_t i,
                                       size_t half, size_t column, float sx,
                                       __m256 acc)
{
    const uint8_t *panel = qqi_panel(p, i);
    const size_t row = 16 * i + 8 * half;
    __m256 before = _mm256_setzero_ps();

    if (row >= p->n)
        return;
    void *at = p->y + 4 * (column * p->ldy + row);
    if (p->n - row >= 8) {
        if (p->accumulate)
            before = qqi_floats_avx2(at);
        qqi_store_floats_avx2(
            at, qqi_end_eight_avx2(p, panel, half, acc, sx, before));
        return;
    }
    const __m256i mask =
        _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)(p->n - row)),
                           _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    if (p->accumulate)
        before = _mm256_maskload_ps((const float *)at, mask);
    _mm256_maskstore_ps((float *)at, mask,
                        qqi_end_eight_avx2(p, panel, half, acc, sx, before));
}

// y of panel i and row c of the group, from its 16 sums.
QQI_AVX2_INLINE void qqi_end_avx2(const qqi_product *p, const qqi_columns *g,
                                  size_t i, size_t c, __m256 acc0, __m256 acc1)
{
    const int whole =
        p->input == QQ_INPUT_INT8_TILE || p->input == QQ_INPUT_F32;
    const float sx = whole ? 1.0f : g->scale[c];

    qqi_end_half_avx2(p, i, 0, g->first + c, sx, acc0);
    qqi_end_half_avx2(p, i, 1, g->first + c, sx, acc1);
}

#endif

#endif // QQUANT_KERNEL_AVX2_CORE_H
