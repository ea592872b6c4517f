// qquant floor 5: 1-bit codes by table, AVX2: up to 4 columns.
//
// A nibble of a byte of a cell is a subset of four columns; what they add up
// to, plus 512, is one of 16 numbers from 0 to 1020, whose low and high 5 bits
// vpshufb finds for 32 nibbles at once. Nothing is lost:
//
//   sum of code * q = sum of low + 32 * sum of high - 512 * nibbles
//
// Byte j of all 16 rows of a cell comes into a half of a register, row r beside
// row 8 + r; the other half holds byte j + 1. Two cells are 8 nibbles, whose
// low or high parts add up to at most 8 * 31 = 248 in a byte. Those sums are
// then split into int16 of even and odd bytes, rows 0 to 7 and 8 to 15: e
// counts all, o the odd ones, even = e - 256 * o. 256 cells are at most 128 *
// 248 * 2 halves = 63488 in 16 bits.
//
// The tables of 32 columns of x are 256 bytes: for bytes 0 and 1, then for 2
// and 3, the low nibble and the high one, the low bits and the high ones.
//
// Instructions for 64 weights, one column: 3.9, of which 0.75 bring bytes
// together; four columns: 2.9. Multiplying takes 6.5 and 4.5. Measured on Intel
// Sapphire Rapids, whole rows of 4096: 1.5 and 1.4 cycles against 2.7 and 2.3.

#ifndef QQUANT_KERNEL_AVX2_LOOKUP_H
#define QQUANT_KERNEL_AVX2_LOOKUP_H

#include "kernel/avx2/lone.h"
#include "kernel/avx2/prepare.h"

#if QQI_HAS_AVX2

#  define QQI_LOOKUP_CELLS ((size_t)256)

// --- tables ----------------------------------------------------------------

// For bytes j and j + 1 of cells, from 16 numbers twice: low bits, high bits.
QQI_AVX2_INLINE void qqi_table_pair_avx2(__m256i q, char j, uint8_t *out)
{
    const __m256i one = _mm256_set1_epi16(0x0100);
    const __m256i at =
        _mm256_add_epi8(_mm256_set1_epi8(j),
                        _mm256_setr_epi32(0, 0, 0, 0, 0x01010101, 0x01010101,
                                          0x01010101, 0x01010101));
    const __m256i q01 =
        _mm256_shuffle_epi8(q, _mm256_add_epi8(at, _mm256_set1_epi16(0x0400)));
    const __m256i q23 =
        _mm256_shuffle_epi8(q, _mm256_add_epi8(at, _mm256_set1_epi16(0x0c08)));
    // Which of numbers 0 and 1, and 2, belong to subsets 0 to 7.
    const __m256i in01 = _mm256_broadcastsi128_si256(
        _mm_setr_epi16(0, 1, 256, 257, 0, 1, 256, 257));
    const __m256i in2 =
        _mm256_broadcastsi128_si256(_mm_setr_epi16(0, 0, 0, 0, 1, 1, 1, 1));
    const __m256i low = _mm256_set1_epi16(31);
    const __m256i v0 =
        _mm256_add_epi16(_mm256_add_epi16(_mm256_maddubs_epi16(in01, q01),
                                          _mm256_maddubs_epi16(in2, q23)),
                         _mm256_set1_epi16(512));
    const __m256i v1 = _mm256_add_epi16(v0, _mm256_maddubs_epi16(one, q23));

    qqi_store_avx2(out, _mm256_packus_epi16(_mm256_and_si256(v0, low),
                                            _mm256_and_si256(v1, low)));
    qqi_store_avx2(out + 32, _mm256_packus_epi16(_mm256_srli_epi16(v0, 5),
                                                 _mm256_srli_epi16(v1, 5)));
}

// Of 32 numbers.
QQI_AVX2_INLINE void qqi_table_block_avx2(const uint8_t *q, uint8_t *out)
{
    const __m256i low = _mm256_broadcastsi128_si256(qqi_load16_avx2(q));
    const __m256i high = _mm256_broadcastsi128_si256(qqi_load16_avx2(q + 16));

    qqi_table_pair_avx2(low, 0, out);
    qqi_table_pair_avx2(high, 0, out + 64);
    qqi_table_pair_avx2(low, 2, out + 128);
    qqi_table_pair_avx2(high, 2, out + 192);
}

QQI_AVX2_FN void qqi_prepare_table_avx2(const qqi_product *p,
                                        const qqi_columns *g)
{
    uint8_t *out = g->table;
    uint8_t q[32];

    qqi_prepare_dot_avx2(p, g);
    if (out == NULL)
        return;
    for (size_t k = 0; k < p->padded; k += 32) {
        for (size_t c = 0; c < g->width; c++, out += 256) {
            const int8_t *from = g->q + k * g->width + 4 * c;
            for (size_t i = 0; i < 8; i++)
                QQ_MEMCPY(q + 4 * i, from + 4 * i * g->width, 4);
            qqi_table_block_avx2(q, out);
        }
    }
}

// --- looking up ------------------------------------------------------------

// The sums of a column: low and high bits, e and o of each.
typedef struct qqi_looked_avx2 {
    __m256i e[2];
    __m256i o[2];
} qqi_looked_avx2;

// The nibbles of a cell: bytes 0 and 1 low, high, bytes 2 and 3 low, high.
QQI_AVX2_INLINE void qqi_nibbles_avx2(const uint8_t *cell, __m256i *n)
{
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m256i a = _mm256_shuffle_epi8(qqi_load_avx2(cell), order);
    const __m256i b = _mm256_shuffle_epi8(qqi_load_avx2(cell + 32), order);
    const __m256i x01 =
        _mm256_permute4x64_epi64(_mm256_unpacklo_epi8(a, b), 0xd8);
    const __m256i x23 =
        _mm256_permute4x64_epi64(_mm256_unpackhi_epi8(a, b), 0xd8);

    n[0] = _mm256_and_si256(x01, low);
    n[1] = _mm256_and_si256(_mm256_srli_epi16(x01, 4), low);
    n[2] = _mm256_and_si256(x23, low);
    n[3] = _mm256_and_si256(_mm256_srli_epi16(x23, 4), low);
}

// The low or high bits of the nibbles of a cell, added up.
QQI_AVX2_INLINE __m256i qqi_look_avx2(const uint8_t *table, const __m256i *n)
{
    const __m256i a = _mm256_shuffle_epi8(qqi_load_avx2(table), n[0]);
    const __m256i b = _mm256_shuffle_epi8(qqi_load_avx2(table + 64), n[1]);
    const __m256i c = _mm256_shuffle_epi8(qqi_load_avx2(table + 128), n[2]);
    const __m256i d = _mm256_shuffle_epi8(qqi_load_avx2(table + 192), n[3]);

    return _mm256_add_epi8(_mm256_add_epi8(a, b), _mm256_add_epi8(c, d));
}

QQI_AVX2_INLINE void qqi_looked_add_avx2(__m256i bytes, __m256i *e, __m256i *o)
{
    *e = _mm256_add_epi16(*e, bytes);
    *o = _mm256_add_epi16(*o, _mm256_srli_epi16(bytes, 8));
}

// Two cells, or one, and a column: table and the one next bytes on.
QQI_AVX2_INLINE void qqi_look_cells_avx2(const __m256i *n, const __m256i *m,
                                         size_t count, const uint8_t *table,
                                         size_t next, qqi_looked_avx2 *sum)
{
    __m256i low = qqi_look_avx2(table, n);
    __m256i high = qqi_look_avx2(table + 32, n);

    if (count > 1) {
        low = _mm256_add_epi8(low, qqi_look_avx2(table + next, m));
        high = _mm256_add_epi8(high, qqi_look_avx2(table + next + 32, m));
    }
    qqi_looked_add_avx2(low, &sum->e[0], &sum->o[0]);
    qqi_looked_add_avx2(high, &sum->e[1], &sum->o[1]);
}

// 16 bits of both halves of a register, added, as int32.
QQI_AVX2_INLINE __m256i qqi_fold_avx2(__m256i v)
{
    return _mm256_cvtepu16_epi32(_mm_add_epi16(_mm256_castsi256_si128(v),
                                               _mm256_extracti128_si256(v, 1)));
}

// Adds what was looked up in cells to the sums of code * q.
QQI_AVX2_INLINE void qqi_looked_avx2_sums(const qqi_looked_avx2 *l,
                                          size_t cells, __m256i *s)
{
    const __m256i off = _mm256_set1_epi32((int32_t)(cells * 8 * 512));
    const __m256i low =
        _mm256_sub_epi16(l->e[0], _mm256_slli_epi16(l->o[0], 8));
    const __m256i high =
        _mm256_sub_epi16(l->e[1], _mm256_slli_epi16(l->o[1], 8));
    const __m256i even = _mm256_add_epi32(
        qqi_fold_avx2(low), _mm256_slli_epi32(qqi_fold_avx2(high), 5));
    const __m256i odd = _mm256_add_epi32(
        qqi_fold_avx2(l->o[0]), _mm256_slli_epi32(qqi_fold_avx2(l->o[1]), 5));

    s[0] = _mm256_add_epi32(s[0], _mm256_sub_epi32(even, off));
    s[1] = _mm256_add_epi32(s[1], _mm256_sub_epi32(odd, off));
}

QQI_AVX2_INLINE void qqi_looked_clear_avx2(qqi_looked_avx2 *l)
{
    l->e[0] = l->e[1] = l->o[0] = l->o[1] = _mm256_setzero_si256();
}

// Cells, at most QQI_LOOKUP_CELLS, and columns, a constant, 1 or 2; table is
// that of the first one, stride bytes from block to block.
QQI_AVX2_INLINE void qqi_look_run_avx2(const uint8_t *cells, size_t count,
                                       const uint8_t *table, size_t stride,
                                       size_t columns, size_t ahead, __m256i *s)
{
    qqi_looked_avx2 a, b;
    __m256i n[4], m[4];
    size_t left = count;

    qqi_looked_clear_avx2(&a);
    qqi_looked_clear_avx2(&b);
    for (; left >= 2; left -= 2, cells += 128, table += 2 * stride) {
        qqi_ask_avx2(cells + ahead, 2);
        qqi_nibbles_avx2(cells, n);
        qqi_nibbles_avx2(cells + 64, m);
        qqi_look_cells_avx2(n, m, 2, table, stride, &a);
        if (columns > 1)
            qqi_look_cells_avx2(n, m, 2, table + 256, stride, &b);
    }
    if (left > 0) {
        qqi_nibbles_avx2(cells, n);
        qqi_look_cells_avx2(n, n, 1, table, 0, &a);
        if (columns > 1)
            qqi_look_cells_avx2(n, n, 1, table + 256, 0, &b);
    }
    qqi_looked_avx2_sums(&a, count, s);
    if (columns > 1)
        qqi_looked_avx2_sums(&b, count, s + 2);
}

// --- the product -----------------------------------------------------------

// Panel i and columns c to c + columns - 1.
QQI_AVX2_INLINE void qqi_look_panel_avx2(const qqi_lone_avx2 *a, size_t i,
                                         size_t c, size_t columns)
{
    const qqi_product *p = a->p;
    const qqi_columns *g = a->g;
    const uint8_t *panel = qqi_panel(p, i);
    const uint8_t *cells = qqi_panel_cells(p, i);
    const uint8_t *table = g->table + 256 * c;
    const size_t stride = 256 * g->width;
    const __m256i zero = _mm256_setzero_si256();
    __m256 acc[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(),
                     _mm256_setzero_ps(), _mm256_setzero_ps()};

    for (size_t t = 0; t < p->tiles; t++) {
        const uint8_t *scales = panel + p->scale_at + 64 * t;
        __m256i s[4] = {zero, zero, zero, zero};
        if (!a->plain)
            scales = qqi_lone_scales_avx2(a, panel, t);
        size_t left = (qqi_tile_end(p, t) - t * p->tile + 31) / 32;
        while (left > 0) {
            const size_t now =
                left < QQI_LOOKUP_CELLS ? left : QQI_LOOKUP_CELLS;
            qqi_look_run_avx2(cells, now, table, stride, columns, a->ahead, s);
            cells += 64 * now;
            table += stride * now;
            left -= now;
        }
        acc[0] = qqi_lone_half_avx2(a, panel, t, c, 0, scales, s[0], acc[0]);
        acc[1] = qqi_lone_half_avx2(a, panel, t, c, 1, scales, s[1], acc[1]);
        if (columns > 1) {
            acc[2] =
                qqi_lone_half_avx2(a, panel, t, c + 1, 0, scales, s[2], acc[2]);
            acc[3] =
                qqi_lone_half_avx2(a, panel, t, c + 1, 1, scales, s[3], acc[3]);
        }
    }
    qqi_end_avx2(p, g, i, c, acc[0], acc[1]);
    if (columns > 1)
        qqi_end_avx2(p, g, i, c + 1, acc[2], acc[3]);
}

QQI_AVX2_ALONE void qqi_look_panel_1_avx2(const qqi_lone_avx2 *a, size_t i,
                                          size_t c)
{
    qqi_look_panel_avx2(a, i, c, 1);
}

QQI_AVX2_ALONE void qqi_look_panel_2_avx2(const qqi_lone_avx2 *a, size_t i,
                                          size_t c)
{
    qqi_look_panel_avx2(a, i, c, 2);
}

QQI_AVX2_FN void qqi_multiply_table_avx2(const qqi_product *p,
                                         const qqi_columns *g, size_t first,
                                         size_t last, void *work)
{
    qqi_lone_avx2 a;

    qqi_lone_make_avx2(p, g, work, &a);
    for (size_t i = first; i < last; i++) {
        size_t c = 0;
        a.ahead = qqi_ahead_of_avx2(p, i, last);
        for (; c + 2 <= g->count; c += 2)
            qqi_look_panel_2_avx2(&a, i, c);
        if (c < g->count)
            qqi_look_panel_1_avx2(&a, i, c);
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_LOOKUP_H
