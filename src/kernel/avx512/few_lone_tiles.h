// qquant floor 5: a lone column of x through tiles that are whole and short, by
// AVX-512, and how the panels of a lone column are done (avx512/few_lone.h).
//
// Scales of f16 leave the factor in acc: what they are multiplied with are
// integers, so acc has multiples of 2^-24 below 2^60, and is the same but for
// its exponent. So are scales of e8m0 from 2^-63 to 1, times unit = 2^-1.

#ifndef QQUANT_KERNEL_AVX512_FEW_LONE_TILES_H
#define QQUANT_KERNEL_AVX512_FEW_LONE_TILES_H

#include "kernel/avx512/few_lone.h"

#if QQI_HAS_AVX512

// --- tiles -----------------------------------------------------------------

// How scales of tiles are read: f16, that times p->unit, e8m0 of which
// exponents are all that there is, any e8m0.
typedef enum qqi_lone_scale {
    QQI_LONE_F16 = 1,
    QQI_LONE_UNIT = 2,
    QQI_LONE_POWER = 3,
    QQI_LONE_E8M0 = 4
} qqi_lone_scale;

QQI_AVX512_VNNI_INLINE __m512 qqi_lone_scale_avx512(qqi_lone_scale kind,
                                                    __m512 unit,
                                                    const uint8_t *scale)
{
    if (kind == QQI_LONE_POWER)
        return qqi_float_avx512(_mm512_slli_epi32(
            _mm512_cvtepu8_epi32(qqi_load16_avx512(scale)), 23));
    return qqi_few_scale_avx512(kind == QQI_LONE_E8M0 ? QQ_TYPE_E8M0
                                                      : QQ_TYPE_F16,
                                kind == QQI_LONE_UNIT, unit, scale);
}

// Whether all codes of e8m0 of four panels are 64 to 127.
QQI_AVX512_VNNI_INLINE int qqi_lone_is_power_avx512(const qqi_product *p,
                                                    const uint8_t *scale)
{
    const __m512i code = _mm512_set1_epi8(64);
    const size_t bytes = 16 * p->tiles;
    __m512i odd = _mm512_setzero_si512();

    for (size_t i = 0; i < 4; i++, scale += p->panel_bytes) {
        for (size_t at = 0; at < bytes; at += 64) {
            const size_t left = bytes - at;
            const __mmask64 in =
                left < 64 ? ((__mmask64)1 << left) - 1 : ~(__mmask64)0;
            const __m512i v = _mm512_mask_loadu_epi8(code, in, scale + at);
            // odd |= v ^ code
            odd = _mm512_ternarylogic_epi32(odd, v, code, 0xf6);
        }
    }
    return _mm512_test_epi8_mask(odd, _mm512_set1_epi8((char)0xc0)) == 0;
}

// acc of four panels over all tiles, whole ones.
QQI_AVX512_VNNI_INLINE void
qqi_lone_tiles_avx512(const qqi_lone_avx512 *l, const uint8_t *cell,
                      const uint8_t *scale, unsigned b, int plain,
                      qqi_lone_scale kind, __m512 *acc)
{
    const size_t side = l->side, scale_side = l->p->panel_bytes;
    const __m512 unit = _mm512_set1_ps(l->p->unit);
    // Of a lone tile the last cell may be a part of one.
    const size_t bytes = (l->p->tile * 2 * b + 63) / 64 * 64;
    const int8_t *q = l->g->q;
    const int32_t *start = l->g->sum;
    const uint8_t *turn = cell + l->turn, *all = cell + l->bytes;
    __m512i sum[4];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < 4; i++)
        acc[i] = _mm512_setzero_ps();
    do {
        const uint8_t *end = cell + bytes;
        const uint8_t *next = cell + (cell < turn ? QQI_FEW_AHEAD : l->jump);
        QQI_HIDE_AVX512(next);
        sum[0] = qqi_four_avx512(start);
        if (plain)
            sum[0] = _mm512_slli_epi32(sum[0], (unsigned)(8 - b));
        sum[1] = sum[2] = sum[3] = sum[0];
        do {
            qqi_lone_cell_avx512(l, cell, next, side, q, b, plain, 1, 1, sum);
            cell += 64;
            next += 64;
            q += 32 / b;
        } while (cell != end);
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < 4; i++)
            acc[i] = _mm512_fmadd_ps(
                qqi_lone_scale_avx512(kind, unit, scale + i * scale_side),
                _mm512_cvtepi32_ps(sum[i]), acc[i]);
        start++;
        scale += kind == QQI_LONE_POWER || kind == QQI_LONE_E8M0 ? 16 : 32;
    } while (cell != all);
}

// Four panels at a time; returns the first that is left.
QQI_AVX512_VNNI_INLINE size_t qqi_lone_fours_avx512(qqi_lone_avx512 *l,
                                                    size_t first, size_t last,
                                                    unsigned b, int plain,
                                                    qqi_lone_scale kind)
{
    const qqi_product *p = l->p;
    const float sx = l->g->scale[0];
    const float factor = plain ? 1.0f / (float)(1 << (8 - b)) : 1.0f;
    __m512 acc[4];

    if (plain) {
        qqi_lone_tables_avx512(l, b);
    } else {
        l->table[0] = qqi_few_table_avx512(p, 0);
        l->table[1] = qqi_few_table_avx512(p, 2);
    }
    for (; last - first >= 4; first += 4) {
        const uint8_t *cells = qqi_panel_cells(p, first);
        const uint8_t *scale = qqi_panel(p, first) + p->scale_at;
        float by = factor;
        if (last - first < 8)
            l->jump = 0;
        if (kind == QQI_LONE_E8M0 && (p->unit == 0.5f || p->unit == 1.0f) &&
            qqi_lone_is_power_avx512(p, scale)) {
            by = p->unit;
            qqi_lone_tiles_avx512(l, cells, scale, b, plain, QQI_LONE_POWER,
                                  acc);
        } else {
            qqi_lone_tiles_avx512(l, cells, scale, b, plain, kind, acc);
        }
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < 4; i++)
            qqi_end_avx512(p, first + i, l->g->first, sx,
                           _mm512_mul_ps(acc[i], _mm512_set1_ps(by)));
    }
    return first;
}

// --- sets ------------------------------------------------------------------

typedef size_t (*qqi_lone_avx512_fn)(qqi_lone_avx512 *l, size_t first,
                                     size_t last);

#  define QQI_LONE_ROWS_AVX512(b)                                              \
      QQI_AVX512_VNNI_FN size_t qqi_lone_rows_##b(qqi_lone_avx512 *l,          \
                                                  size_t first, size_t last)   \
      {                                                                        \
          return qqi_lone_rows_avx512(l, first, last, b);                      \
      }
#  define QQI_LONE_TILES_AVX512(name, b, plain, kind)                          \
      QQI_AVX512_VNNI_FN size_t qqi_lone_##name(qqi_lone_avx512 *l,            \
                                                size_t first, size_t last)     \
      {                                                                        \
          return qqi_lone_fours_avx512(l, first, last, b, plain, kind);        \
      }

QQI_LONE_ROWS_AVX512(2)
QQI_LONE_ROWS_AVX512(4)
QQI_LONE_ROWS_AVX512(8)
QQI_LONE_TILES_AVX512(2_plain, 2, 1, QQI_LONE_F16)
QQI_LONE_TILES_AVX512(4_plain, 4, 1, QQI_LONE_F16)
QQI_LONE_TILES_AVX512(2_book, 2, 0, QQI_LONE_F16)
QQI_LONE_TILES_AVX512(4_book, 4, 0, QQI_LONE_F16)
QQI_LONE_TILES_AVX512(4_unit, 4, 0, QQI_LONE_UNIT)
QQI_LONE_TILES_AVX512(4_e8m0, 4, 0, QQI_LONE_E8M0)

// NULL: avx512/few_panels.h does it.
QQI_FN qqi_lone_avx512_fn qqi_lone_find_avx512(const qqi_product *p)
{
    static const qqi_lone_avx512_fn rows[] = {qqi_lone_rows_2, qqi_lone_rows_4,
                                              qqi_lone_rows_8};
    const int plain = p->code == QQI_CODE_PLAIN && p->mul == 1;
    const int units = qqi_f32_bits(p->unit) != 0x3f800000u;

    if (p->zero_at != 0 || p->x_zero != 0 || p->tiles == 0 ||
        qqi_f32_bits(p->scale2) != 0x3f800000u ||
        p->input == QQ_INPUT_INT8_TILE)
        return NULL;
    if (p->tiles == 1 && plain && p->scale_type == QQ_TYPE_F32)
        return rows[p->bits / 4];
    if (p->k % p->tile != 0 || p->tile * 2 * p->bits > 1024 || p->bits == 8)
        return NULL;
    if (p->bits == 4 && p->scale_type == QQ_TYPE_E8M0)
        return qqi_lone_4_e8m0;
    if (p->scale_type != QQ_TYPE_F16)
        return NULL;
    if (p->bits == 2)
        return plain ? qqi_lone_2_plain : units ? NULL : qqi_lone_2_book;
    return plain ? qqi_lone_4_plain : units ? qqi_lone_4_unit : qqi_lone_4_book;
}

// As many panels as go this way; returns the first that is left.
QQI_AVX512_VNNI_FN size_t qqi_multiply_lone_avx512(const qqi_product *p,
                                                   const qqi_columns *g,
                                                   size_t first, size_t last)
{
    const qqi_lone_avx512_fn fn = qqi_lone_find_avx512(p);
    qqi_lone_avx512 l;

    if (fn == NULL)
        return first;
    l.p = p;
    l.g = g;
    l.side = p->cells_bytes;
    // 64 bytes have 32 / bits columns.
    l.bytes = (p->k * 2 * p->bits + 63) / 64 * 64;
    l.turn = l.jump = 0;
    if (p->cells_bytes == p->panel_bytes) {
        const size_t most = p->bits == 8 ? QQI_LONE_AHEAD : QQI_FEW_AHEAD;
        l.turn = most < l.bytes ? l.bytes - most : 0;
        l.jump = 4 * p->panel_bytes - l.turn;
    }
    return fn(&l, first, last);
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_FEW_LONE_TILES_H
