// qquant floor 5: rows of numbers straight into cells: AVX2.
//
// 32 columns of eight rows at a time: codes as bytes, row by row; then four
// neighbours of the eight rows to a register, which is half of what a cell of 8
// bits has: fields; then cells. Missing columns and rows have codes 0.

#ifndef QQUANT_KERNEL_AVX2_ENCODE_H
#define QQUANT_KERNEL_AVX2_ENCODE_H

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

// 32 stored codes of row i: lane j has columns 4 j to 4 j + 3, and 8, 16 and 24
// on.
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

// The bytes of a row that are there, as codes are packed.
QQI_AVX2_FN __m256i qqi_keep_avx2(size_t columns)
{
    const __m256i number = _mm256_setr_epi8(
        0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27, 4, 5, 6, 7,
        12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    const int most = (int)(columns < 32 ? columns : 32);

    return _mm256_cmpgt_epi8(_mm256_set1_epi8((char)most), number);
}

// --- cells -----------------------------------------------------------------

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
