// qquant floor 5: rows of numbers straight into cells: AVX-512.
//
// 32 columns of the panel at a time: scales where a tile begins; then codes as
// bytes, four neighbours of the 16 rows to a register, as a cell of 8 bits has
// them: fields; then cells. Missing columns and rows have codes 0.

#ifndef QQUANT_KERNEL_AVX512_ENCODE_H
#define QQUANT_KERNEL_AVX512_ENCODE_H

#include "kernel/avx512/encode_step.h"

#if QQI_HAS_AVX512

// What all rows of 32 columns share.
typedef struct qqi_cut_avx512 {
    __m512i add; // int16
    __m512i lo;  // stored codes as bytes
    __m512i hi;
    __m512i keep;         // bytes of two rows as they are packed
    __mmask16 columns[2]; // that there are
    const qqi_encode_scales *scales;
    int hard; // a constant
} qqi_cut_avx512;

// 16 numbers of row i to integers.
QQI_AVX512_INLINE __m512i qqi_round_avx512(const qqi_encode_scales *scales,
                                           int hard, size_t i, const uint8_t *x,
                                           __mmask16 columns)
{
    const __m512 s = _mm512_set1_ps(scales->s[i]);
    const __m512 r = _mm512_set1_ps(scales->r[i]);
    const __m512 t = _mm512_set1_ps(scales->t[i]);
    const __m512 low = _mm512_set1_ps(scales->low[i]);
    const __m512 high = _mm512_set1_ps(scales->high[i]);
    __m512 v = _mm512_maskz_loadu_ps(columns, (const void *)x);

    if (hard)
        v = _mm512_min_ps(_mm512_max_ps(v, low), high);
    __m512 q = _mm512_fmadd_ps(v, r, _mm512_mul_ps(v, t));
    if (hard)
        q = _mm512_fmadd_ps(r, _mm512_fnmadd_ps(q, s, v), q);
    return _mm512_cvtps_epi32(q);
}

// 32 codes of row i as int16, four of the first half, four of the second.
QQI_AVX512_INLINE __m512i qqi_words_avx512(const qqi_encode *e,
                                           const qqi_cut_avx512 *c, size_t i,
                                           size_t k)
{
    const uint8_t *x = qqi_encode_row(e, i) + 4 * k;
    const __m512i a = qqi_round_avx512(c->scales, c->hard, i, x, c->columns[0]);
    const __m512i b =
        qqi_round_avx512(c->scales, c->hard, i, x + 64, c->columns[1]);

    return _mm512_adds_epi16(_mm512_packs_epi32(a, b), c->add);
}

// Of rows i and i + 1, stored codes: lane j has columns 4j to 4j + 3 and
// 16 + 4j to 19 + 4j of i, then those of i + 1.
QQI_AVX512_INLINE __m512i qqi_pair_avx512(const qqi_encode *e,
                                          const qqi_cut_avx512 *c, size_t i,
                                          size_t k)
{
    const __m512i w = _mm512_packus_epi16(qqi_words_avx512(e, c, i, k),
                                          qqi_words_avx512(e, c, i + 1, k));
    const __m512i cut = _mm512_min_epu8(_mm512_max_epu8(w, c->lo), c->hi);

    return _mm512_and_si512(cut, c->keep);
}

typedef struct qqi_quad_avx512 {
    __m512i a; // lane j: columns 4j to 4j + 3 of rows i to i + 3
    __m512i b; // 16 columns on
} qqi_quad_avx512;

QQI_AVX512_INLINE qqi_quad_avx512 qqi_quad_rows_avx512(const qqi_encode *e,
                                                       const qqi_cut_avx512 *c,
                                                       size_t i, size_t k)
{
    const __m512 p = _mm512_castsi512_ps(qqi_pair_avx512(e, c, i, k));
    const __m512 q = _mm512_castsi512_ps(qqi_pair_avx512(e, c, i + 2, k));
    qqi_quad_avx512 r;

    r.a = _mm512_castps_si512(_mm512_shuffle_ps(p, q, 0x88));
    r.b = _mm512_castps_si512(_mm512_shuffle_ps(p, q, 0xdd));
    return r;
}

// Lane j of all four to register j of out.
QQI_AVX512_INLINE void qqi_lanes_avx512(__mmask16 rows, __m512i a, __m512i b,
                                        __m512i c, __m512i d, uint8_t *out)
{
    const __m512i ab = _mm512_shuffle_i32x4(a, b, 0x44);
    const __m512i cd = _mm512_shuffle_i32x4(c, d, 0x44);
    const __m512i ab2 = _mm512_shuffle_i32x4(a, b, 0xee);
    const __m512i cd2 = _mm512_shuffle_i32x4(c, d, 0xee);

    _mm512_storeu_si512((void *)out,
                        _mm512_maskz_shuffle_i32x4(rows, ab, cd, 0x88));
    _mm512_storeu_si512((void *)(out + 64),
                        _mm512_maskz_shuffle_i32x4(rows, ab, cd, 0xdd));
    _mm512_storeu_si512((void *)(out + 128),
                        _mm512_maskz_shuffle_i32x4(rows, ab2, cd2, 0x88));
    _mm512_storeu_si512((void *)(out + 192),
                        _mm512_maskz_shuffle_i32x4(rows, ab2, cd2, 0xdd));
}

// Columns k to k + 31, those that there are, as eight times four.
QQI_AVX512_INLINE void qqi_fields_avx512(const qqi_encode *e,
                                         const qqi_encode_scales *scales,
                                         int hard, size_t k, uint8_t *fields)
{
    const size_t columns = e->k - k;
    qqi_cut_avx512 c;

    c.add = _mm512_set1_epi16((short)e->add);
    c.lo = _mm512_set1_epi8((char)(e->lo + e->add));
    c.hi = _mm512_set1_epi8((char)(e->hi + e->add));
    c.columns[0] = qqi_below_avx512(columns);
    c.columns[1] = qqi_below_avx512(columns > 16 ? columns - 16 : 0);
    const __m512i keep =
        _mm512_packs_epi32(_mm512_maskz_set1_epi32(c.columns[0], -1),
                           _mm512_maskz_set1_epi32(c.columns[1], -1));
    c.keep = _mm512_packs_epi16(keep, keep);
    c.scales = scales;
    c.hard = hard;
    const qqi_quad_avx512 p = qqi_quad_rows_avx512(e, &c, 0, k);
    const qqi_quad_avx512 q = qqi_quad_rows_avx512(e, &c, 4, k);
    const qqi_quad_avx512 r = qqi_quad_rows_avx512(e, &c, 8, k);
    const qqi_quad_avx512 s = qqi_quad_rows_avx512(e, &c, 12, k);
    const __mmask16 rows = qqi_below_avx512(e->rows);
    qqi_lanes_avx512(rows, p.a, q.a, r.a, s.a, fields);
    qqi_lanes_avx512(rows, p.b, q.b, r.b, s.b, fields + 256);
}

// --- cells -----------------------------------------------------------------

// A cell of a part p bits wide, which is left bits up in the codes.
QQI_AVX512_INLINE void qqi_cell_avx512(unsigned p, unsigned left,
                                       const uint8_t *fields, uint8_t *cell)
{
    const __m512i mask = _mm512_set1_epi8((char)((1u << p) - 1));
    const __m128i down = _mm_cvtsi32_si128((int)left);
    __m512i sum = _mm512_setzero_si512();

    for (unsigned f = 0; f < 8 / p; f++) {
        const __m512i u = _mm512_loadu_si512((const void *)(fields + 64 * f));
        const __m512i v = _mm512_and_si512(_mm512_srl_epi16(u, down), mask);
        const __m128i up = _mm_cvtsi32_si128((int)(p * f));
        sum = _mm512_or_si512(sum, _mm512_sll_epi16(v, up));
    }
    _mm512_storeu_si512((void *)cell, sum);
}

// A block, or the first cells of one (qqi_pack_block_scalar).
QQI_AVX512_FN uint8_t *qqi_cells_avx512(unsigned bits, size_t columns,
                                        const uint8_t *fields, uint8_t *cells)
{
    const size_t some = columns < 32 ? columns : 32;
    const size_t end = bits == qqi_part_bits(bits) ? some : 32;
    unsigned left = bits;

    while (left > 0) {
        const unsigned p = qqi_part_bits(left);
        left -= p;
        for (size_t first = 0; first < end; first += 32 / p, cells += 64)
            qqi_cell_avx512(p, left, fields + 16 * first, cells);
    }
    return cells;
}

// Columns k to k + 31 of a panel; answers where the next cells go.
QQI_AVX512_FN uint8_t *qqi_encode_easy_avx512(const qqi_encode *e,
                                              const qqi_encode_scales *scales,
                                              size_t k, uint8_t *cells)
{
    uint8_t fields[512];

    qqi_fields_avx512(e, scales, 0, k, fields);
    return qqi_cells_avx512(e->bits, e->k - k, fields, cells);
}

QQI_AVX512_FN uint8_t *qqi_encode_hard_avx512(const qqi_encode *e,
                                              const qqi_encode_scales *scales,
                                              size_t k, uint8_t *cells)
{
    uint8_t fields[512];

    qqi_fields_avx512(e, scales, 1, k, fields);
    return qqi_cells_avx512(e->bits, e->k - k, fields, cells);
}

QQI_AVX512_FN void qqi_encode_fetch_avx512(const qqi_encode *e, size_t k)
{
    const uint8_t *x = e->x + 16 * e->stride + 4 * k;

    for (size_t i = 0; i < 16; i++, x += e->stride) {
        _mm_prefetch((const char *)x, _MM_HINT_T1);
        _mm_prefetch((const char *)(x + 64), _MM_HINT_T1);
    }
}

QQI_AVX512_FN int qqi_encode_avx512(const qqi_encode *e, uint8_t *panel)
{
    static const qqi_encode_set set = {
        qqi_make_scales_avx512,    qqi_encode_sign_avx512,
        qqi_encode_ternary_avx512, qqi_encode_easy_avx512,
        qqi_encode_hard_avx512,    qqi_encode_fetch_avx512};

    return qqi_encode_blocks(&set, e, panel);
}
#endif

#endif // QQUANT_KERNEL_AVX512_ENCODE_H
