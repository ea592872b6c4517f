// qquant floor 5: numbers of x as bytes, by AVX-512.
//
// kernel/scalar/prepare.h is the definition. A strip is at most 64 numbers of a
// row, from a multiple of 4 on. Digits are the low bytes of q, (q + 128) >> 8
// and so on.
//
// Where q needs no limits: |xb| <= M and r <= Q / M (1 + 2^-24), so |xb * r|,
// rounded, is at most 127.00001 or 32639.004, which rounds to Q. Digits of 24
// bits do: 8355711.5 is a float.

#ifndef QQUANT_KERNEL_AVX512_STRIP_H
#define QQUANT_KERNEL_AVX512_STRIP_H

#include "kernel/avx512/core.h"
#include "kernel/scalar/prepare.h"

#if QQI_HAS_AVX512

// How a row, or a tile of it, becomes codes.
typedef struct qqi_run_avx512 {
    float r;
    float lo; // limits of q before zero is added
    float hi;
    int32_t zero;
    int limited; // 1: there are limits, and NaN counts as 0
    int dead;    // 1: all codes are 0
} qqi_run_avx512;

// xb of 16 numbers from k on of the row that begins at that place, zeros where
// in says so.
QQI_AVX512_INLINE __m512 qqi_numbers_at_avx512(const qqi_product *p, int plain,
                                               size_t row_at, size_t k,
                                               __mmask16 in)
{
    const size_t at = row_at + k;
    __m512 v;

    if (plain || p->x_type == QQ_TYPE_F32) {
        v = _mm512_maskz_loadu_ps(in, p->x + 4 * at);
    } else {
        const __m256i h = _mm256_maskz_loadu_epi16(in, p->x + 2 * at);
        v = p->x_type == QQ_TYPE_F16 ? _mm512_cvtph_ps(h)
                                     : qqi_float_avx512(_mm512_slli_epi32(
                                           _mm512_cvtepu16_epi32(h), 16));
    }
    if (!plain && p->factors != NULL)
        v = _mm512_mul_ps(v, _mm512_maskz_loadu_ps(in, p->factors + 4 * k));
    return v;
}

QQI_AVX512_INLINE __m512 qqi_numbers_avx512(const qqi_product *p, int plain,
                                            size_t row, size_t k, __mmask16 in)
{
    return qqi_numbers_at_avx512(p, plain, row * p->ldx, k, in);
}

// --- runs ------------------------------------------------------------------

QQI_AVX512_INLINE uint32_t qqi_most_avx512(const qqi_product *p, int plain,
                                           size_t row, size_t k, size_t end)
{
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    __m512i most[2];

    most[0] = most[1] = _mm512_setzero_si512();
    for (; k + 32 <= end; k += 32) {
        QQI_UNROLL_AVX512
        for (int i = 0; i < 2; i++) {
            const size_t at = k + 16 * (size_t)i;
            const __m512 v = qqi_numbers_avx512(p, plain, row, at, 0xffff);
            most[i] = _mm512_max_epu32(
                most[i], _mm512_and_si512(_mm512_castps_si512(v), mask));
        }
    }
    for (; k < end; k += 16) {
        const __mmask16 in = qqi_below_avx512(end - k);
        const __m512 v = qqi_numbers_avx512(p, plain, row, k, in);
        most[0] = _mm512_max_epu32(
            most[0], _mm512_and_si512(_mm512_castps_si512(v), mask));
    }
    return (uint32_t)_mm512_reduce_max_epu32(
        _mm512_max_epu32(most[0], most[1]));
}

QQI_INLINE int qqi_x_is_plain(const qqi_product *p)
{
    return p->x_type == QQ_TYPE_F32 && p->factors == NULL;
}

// Numbers k to end - 1 of a row; returns sx.
QQI_AVX512_FN float qqi_run_make_avx512(const qqi_product *p, size_t row,
                                        size_t k, size_t end,
                                        qqi_run_avx512 *run)
{
    const uint32_t u = qqi_x_is_plain(p) ? qqi_most_avx512(p, 1, row, k, end)
                                         : qqi_most_avx512(p, 0, row, k, end);
    qqi_run rule;
    const float sx = qqi_run_rule(p, u, &rule);

    run->r = rule.r;
    run->lo = (float)rule.lo;
    run->hi = (float)rule.hi;
    run->zero = rule.zero;
    run->limited = p->input == QQ_INPUT_INT8_STATIC || p->digits == 3;
    run->dead = !(sx > 0.0f);
    return sx;
}

// --- strips ----------------------------------------------------------------

// q of 16 numbers.
QQI_AVX512_INLINE __m512i qqi_rounded_avx512(const qqi_run_avx512 *run,
                                             __m512 v, __mmask16 in)
{
    v = _mm512_mul_ps(v, _mm512_set1_ps(run->r));
    if (!run->limited)
        return _mm512_cvtps_epi32(v);
    v = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), v);
    v = _mm512_max_ps(_mm512_set1_ps(run->lo), v);
    v = _mm512_min_ps(_mm512_set1_ps(run->hi), v);
    return _mm512_maskz_add_epi32(in, _mm512_cvtps_epi32(v),
                                  _mm512_set1_epi32(run->zero));
}

// Digit d of 16 numbers from number i of a strip on, as dwords of one byte.
QQI_AVX512_INLINE __m512i qqi_digits_avx512(const qqi_product *p, int plain,
                                            const qqi_run_avx512 *run,
                                            size_t row, size_t k, size_t i,
                                            size_t n, unsigned d)
{
    const size_t left = i < n ? n - i : 0;
    const __mmask16 in = qqi_below_avx512(left);
    __m512i q = qqi_rounded_avx512(
        run, qqi_numbers_avx512(p, plain, row, k + i, in), in);

    for (; d > 0; d--)
        q = _mm512_srai_epi32(_mm512_add_epi32(q, _mm512_set1_epi32(128)), 8);
    return _mm512_and_si512(q, _mm512_set1_epi32(255));
}

// Four registers packed within quarters, in the order of their numbers; and
// back.
QQI_AVX512_INLINE __m512i qqi_in_order_avx512(__m512i v)
{
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
        v);
}

// Digit d of a strip, zeros behind its n numbers.
QQI_AVX512_INLINE __m512i qqi_strip_avx512(const qqi_product *p, int plain,
                                           const qqi_run_avx512 *run,
                                           size_t row, size_t k, size_t n,
                                           unsigned d)
{
    const __m512i a =
        _mm512_packus_epi32(qqi_digits_avx512(p, plain, run, row, k, 0, n, d),
                            qqi_digits_avx512(p, plain, run, row, k, 16, n, d));
    const __m512i b =
        _mm512_packus_epi32(qqi_digits_avx512(p, plain, run, row, k, 32, n, d),
                            qqi_digits_avx512(p, plain, run, row, k, 48, n, d));

    return qqi_in_order_avx512(_mm512_packus_epi16(a, b));
}

// The same of any row; whole: n is 64.
QQI_AVX512_INLINE __m512i qqi_any_strip_avx512(const qqi_product *p, int plain,
                                               int whole,
                                               const qqi_run_avx512 *run,
                                               size_t row, size_t k, size_t n,
                                               unsigned d)
{
    if (!plain && p->x_type == QQ_TYPE_INT8) {
        const __mmask64 in = n < 64 ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0;
        return _mm512_maskz_loadu_epi8(in, p->x + row * p->ldx + k);
    }
    if (run->dead)
        return _mm512_setzero_si512();
    return whole ? qqi_strip_avx512(p, plain, run, row, k, 64, d)
                 : qqi_strip_avx512(p, plain, run, row, k, n, d);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_STRIP_H
