// qquant floor 5: rows of numbers straight into cells: AVX2.
//
// 32 columns of eight rows at a time: codes as bytes, row by row, which become
// cells. Missing columns and rows have codes 0.

#ifndef QQUANT_KERNEL_AVX2_ENCODE_H
#define QQUANT_KERNEL_AVX2_ENCODE_H

#include "kernel/avx2/cells.h"
#include "kernel/avx2/encode_step.h"

#if QQI_HAS_AVX2

// What all rows of 32 columns share.
typedef struct qqi_cut_avx2 {
    __m256i add; // int16
    __m256i lo;  // stored codes as bytes
    __m256i hi;
    __m256i keep;   // bytes of a row as they are packed
    uint8_t *rest;  // room for 32 numbers
    size_t columns; // that there are
    const qqi_encode_scales *scales;
    int hard; // a constant
} qqi_cut_avx2;

// Eight numbers of row i to integers.
QQI_AVX2_INLINE __m256i qqi_encode_round_avx2(const qqi_cut_avx2 *c, size_t i,
                                              const uint8_t *x)
{
    const __m256 s = _mm256_set1_ps(c->scales->s[i]);
    const __m256 r = _mm256_set1_ps(c->scales->r[i]);
    const __m256 t = _mm256_set1_ps(c->scales->t[i]);
    const __m256 low = _mm256_set1_ps(c->scales->low[i]);
    const __m256 high = _mm256_set1_ps(c->scales->high[i]);
    __m256 v = _mm256_loadu_ps((const float *)(const void *)x);

    if (c->hard)
        v = _mm256_min_ps(_mm256_max_ps(v, low), high);
    __m256 q = _mm256_fmadd_ps(v, r, _mm256_mul_ps(v, t));
    if (c->hard)
        q = _mm256_fmadd_ps(r, _mm256_fnmadd_ps(q, s, v), q);
    return _mm256_cvtps_epi32(q);
}

// 32 stored codes of row i, as cells.h has them.
QQI_AVX2_INLINE __m256i qqi_encode_codes_avx2(const qqi_encode *e,
                                              const qqi_cut_avx2 *c, size_t i,
                                              size_t k)
{
    const uint8_t *x =
        qqi_encode_whole(qqi_encode_row(e, i) + 4 * k, c->columns, c->rest);
    const __m256i a = qqi_encode_round_avx2(c, i, x);
    const __m256i b = qqi_encode_round_avx2(c, i, x + 32);
    const __m256i p = _mm256_adds_epi16(_mm256_packs_epi32(a, b), c->add);
    const __m256i d = qqi_encode_round_avx2(c, i, x + 64);
    const __m256i f = qqi_encode_round_avx2(c, i, x + 96);
    const __m256i q = _mm256_adds_epi16(_mm256_packs_epi32(d, f), c->add);
    const __m256i u = _mm256_packus_epi16(p, q);

    return _mm256_and_si256(_mm256_min_epu8(_mm256_max_epu8(u, c->lo), c->hi),
                            c->keep);
}

// The bytes of a row that are there, as codes are packed.
QQI_AVX2_FN __m256i qqi_keep_avx2(size_t columns)
{
    const __m256i number = _mm256_setr_epi8(
        0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27, 4, 5, 6, 7,
        12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    const int most = (int)(columns < 32 ? columns : 32);

    return _mm256_cmpgt_epi8(_mm256_set1_epi8((char)most), number);
}

// Columns k to k + 31, those that there are.
QQI_AVX2_INLINE uint8_t *qqi_encode_block_avx2(const qqi_encode *e,
                                               const qqi_encode_scales *scales,
                                               int hard, size_t k,
                                               uint8_t *cells)
{
    uint8_t codes[256];
    uint8_t rest[128] = {0};
    uint8_t *end = cells;
    qqi_cut_avx2 c;

    c.add = _mm256_set1_epi16((short)e->add);
    c.lo = _mm256_set1_epi8((char)(e->lo + e->add));
    c.hi = _mm256_set1_epi8((char)(e->hi + e->add));
    c.keep = qqi_keep_avx2(e->k - k);
    c.columns = e->k - k;
    c.rest = rest;
    c.scales = scales;
    c.hard = hard;
    for (size_t i = 0; i < 16; i += 8) {
        for (size_t j = 0; j < 8; j++)
            _mm256_storeu_si256((__m256i *)(void *)(codes + 32 * j),
                                qqi_encode_codes_avx2(e, &c, i + j, k));
        qqi_fields_avx2(codes);
        end = qqi_cells_avx2(e->bits, e->rows > i ? e->rows - i : 0, e->k - k,
                             codes, cells + 4 * i);
    }
    return end - 32;
}

QQI_AVX2_FN uint8_t *qqi_encode_easy_avx2(const qqi_encode *e,
                                          const qqi_encode_scales *scales,
                                          size_t k, uint8_t *cells)
{
    return qqi_encode_block_avx2(e, scales, 0, k, cells);
}

QQI_AVX2_FN uint8_t *qqi_encode_hard_avx2(const qqi_encode *e,
                                          const qqi_encode_scales *scales,
                                          size_t k, uint8_t *cells)
{
    return qqi_encode_block_avx2(e, scales, 1, k, cells);
}

QQI_AVX2_FN void qqi_encode_fetch_avx2(const qqi_encode *e, size_t k)
{
    const uint8_t *x = e->x + 16 * e->stride + 4 * k;

    for (size_t i = 0; i < 16; i++, x += e->stride) {
        _mm_prefetch((const char *)x, _MM_HINT_T1);
        _mm_prefetch((const char *)(x + 64), _MM_HINT_T1);
    }
}

QQI_AVX2_FN int qqi_encode_avx2(const qqi_encode *e, uint8_t *panel)
{
    static const qqi_encode_set set = {
        qqi_make_scales_avx2, qqi_encode_sign_avx2, qqi_encode_ternary_avx2,
        qqi_encode_easy_avx2, qqi_encode_hard_avx2, qqi_encode_fetch_avx2};

    return qqi_encode_blocks(&set, e, panel);
}
#endif

#endif // QQUANT_KERNEL_AVX2_ENCODE_H
