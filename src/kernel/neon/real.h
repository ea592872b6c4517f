// qquant floor 5: the float engine of NEON: x as it is, codes as they decode.
//
// Four columns of a cell are bytes of words, a word a row: each becomes a float
// of its row, 16 rows at a time, and meets x in order of the columns, in fused
// multiplications, as scalar/real.h does.

#ifndef QQUANT_KERNEL_NEON_REAL_H
#define QQUANT_KERNEL_NEON_REAL_H

#include "kernel/neon/job.h"

#if QQI_HAS_NEON

typedef struct qqi_real_neon {
    float acc[4][16];
    float scale[16];
    int32_t zero[16];
} qqi_real_neon;

// What turns codes into floats.
typedef struct qqi_levels_neon {
    uint8x16x4_t table; // levels as bytes
    int32x4_t zero[4];
    int32_t mul;
} qqi_levels_neon;

// Codes of columns k to k + 3.
QQI_NEON_INLINE void qqi_real_codes_neon(const uint8_t *cells, unsigned bits,
                                         size_t k, uint32x4_t *u)
{
    unsigned left = bits;
    unsigned at = 0;
    uint8x16_t v[4];

    QQI_NEON_UNROLL
    for (unsigned r = 0; r < 4; r++)
        v[r] = vdupq_n_u8(0);
    while (left > 0) {
        const unsigned part = qqi_part_bits(left);
        unsigned shift;
        const uint8_t *cell = qqi_field_at(cells, bits, part, at, k, &shift);
        const int8x16_t down = vdupq_n_s8((int8_t)-(int)shift);
        const int8x16_t up = vdupq_n_s8((int8_t)part);
        const uint8x16_t mask = vdupq_n_u8((uint8_t)((1u << part) - 1));
        QQI_NEON_UNROLL
        for (unsigned r = 0; r < 4; r++) {
            const uint8x16_t w = vshlq_u8(vld1q_u8(cell + 16 * r), down);
            v[r] = vorrq_u8(vshlq_u8(v[r], up), vandq_u8(w, mask));
        }
        at += 64 * part;
        left -= part;
    }
    QQI_NEON_UNROLL
    for (unsigned r = 0; r < 4; r++)
        u[r] = vreinterpretq_u32_u8(v[r]);
}

// Codes in words to numbers, rows 4 r and on.
QQI_NEON_INLINE float32x4_t qqi_real_number_neon(const qqi_levels_neon *l,
                                                 qqi_code code, unsigned r,
                                                 uint32x4_t u)
{
    switch (code) {
    case QQI_CODE_BOOK:
        u = vmlaq_n_u32(vdupq_n_u32(0x03020100u), u, 0x04040404u);
        return vreinterpretq_f32_u8(
            vqtbl4q_u8(l->table, vreinterpretq_u8_u32(u)));
    case QQI_CODE_E4M3FN:
        return qqi_e4m3fn_neon(u);
    case QQI_CODE_E5M2:
        return qqi_e5m2_neon(u);
    case QQI_CODE_PLAIN:
    default:
        return vcvtq_f32_s32(vsubq_s32(
            vmulq_n_s32(vreinterpretq_s32_u32(u), l->mul), l->zero[r]));
    }
}

// Numbers k to end - 1 of a tile: t = fma(v, x, t) for 1 or 4 columns.
QQI_NEON_INLINE void qqi_real_tile_neon(const qqi_product *p,
                                        const uint8_t *cells,
                                        const qqi_columns *g, size_t i,
                                        const qqi_levels_neon *l, size_t k,
                                        size_t end, qqi_code code,
                                        unsigned columns, float32x4_t *t)
{
    const uint32x4_t low = vdupq_n_u32(255);

    for (size_t next; k < end; k = next) {
        uint32x4_t u[4];
        next = 4 < end - k ? k + 4 : end;
        qqi_real_codes_neon(cells, p->bits, k, u);
        for (const float *x = g->real + i + k * g->width; k < next;
             k++, x += g->width) {
            QQI_NEON_UNROLL
            for (unsigned r = 0; r < 4; r++) {
                const float32x4_t v =
                    qqi_real_number_neon(l, code, r, vandq_u32(u[r], low));
                u[r] = vshrq_n_u32(u[r], 8);
                QQI_NEON_UNROLL
                for (unsigned c = 0; c < columns; c++)
                    t[4 * c + r] = vfmaq_n_f32(t[4 * c + r], v, x[c]);
            }
        }
    }
}

// The end of a tile: acc = fma(s, t, acc).
QQI_NEON_INLINE void qqi_real_end_neon(qqi_real_neon *w, unsigned columns,
                                       const float32x4_t *t)
{
    QQI_NEON_UNROLL
    for (unsigned r = 0; r < 4; r++) {
        const float32x4_t s = vld1q_f32(w->scale + 4 * r);
        QQI_NEON_UNROLL
        for (unsigned c = 0; c < columns; c++) {
            float *acc = w->acc[c] + 4 * r;
            vst1q_f32(acc, vfmaq_f32(vld1q_f32(acc), s, t[4 * c + r]));
        }
    }
}

QQI_NEON_INLINE void qqi_real_panel_neon(const qqi_product *p, size_t panel,
                                         const qqi_columns *g, size_t i,
                                         qqi_real_neon *w, qqi_code code,
                                         unsigned columns)
{
    const uint8_t *cells = qqi_panel_cells(p, panel);
    qqi_levels_neon l;

    l.mul = p->mul;
    for (size_t j = 0; j < 4; j++) {
        const void *levels = p->levels + 4 * j;
        l.table.val[j] = vld1q_u8((const uint8_t *)levels);
    }
    QQ_MEMSET(w->acc, 0, sizeof w->acc);
    for (size_t tile = 0; tile < p->tiles; tile++) {
        float32x4_t t[16];
        qqi_scales_neon(p, qqi_panel(p, panel), tile, 1, w->scale);
        qqi_zeros_neon(p, qqi_panel(p, panel), tile, 1, 0, w->zero);
        for (size_t j = 0; j < 4; j++)
            l.zero[j] = vld1q_s32(w->zero + 4 * j);
        QQI_NEON_UNROLL
        for (unsigned j = 0; j < 4 * columns; j++)
            t[j] = vdupq_n_f32(0.0f);
        qqi_real_tile_neon(p, cells, g, i, &l, tile * p->tile,
                           qqi_tile_end(p, tile), code, columns, t);
        qqi_real_end_neon(w, columns, t);
    }
}

// --- kinds of codes --------------------------------------------------------

typedef void (*qqi_real_neon_fn)(const qqi_product *p, size_t panel,
                                 const qqi_columns *g, size_t i,
                                 qqi_real_neon *w);

#  define QQI_REAL_NEON(name, code, columns)                                   \
      QQI_NEON_FN void qqi_real_##name##_##columns##_neon(                     \
          const qqi_product *p, size_t panel, const qqi_columns *g, size_t i,  \
          qqi_real_neon *w)                                                    \
      {                                                                        \
          qqi_real_panel_neon(p, panel, g, i, w, code, columns);               \
      }
#  define QQI_REALS_NEON(name, code)                                           \
      QQI_REAL_NEON(name, code, 1)                                             \
      QQI_REAL_NEON(name, code, 4)
QQI_REALS_NEON(plain, QQI_CODE_PLAIN)
QQI_REALS_NEON(book, QQI_CODE_BOOK)
QQI_REALS_NEON(e4m3fn, QQI_CODE_E4M3FN)
QQI_REALS_NEON(e5m2, QQI_CODE_E5M2)

QQI_NEON_FN qqi_real_neon_fn qqi_real_of_neon(const qqi_product *p, int wide)
{
    switch (p->code) {
    case QQI_CODE_BOOK:
        return wide ? qqi_real_book_4_neon : qqi_real_book_1_neon;
    case QQI_CODE_E4M3FN:
        return wide ? qqi_real_e4m3fn_4_neon : qqi_real_e4m3fn_1_neon;
    case QQI_CODE_E5M2:
        return wide ? qqi_real_e5m2_4_neon : qqi_real_e5m2_1_neon;
    case QQI_CODE_PLAIN:
    default:
        return wide ? qqi_real_plain_4_neon : qqi_real_plain_1_neon;
    }
}

QQI_NEON_FN void qqi_multiply_real_neon(const qqi_product *p,
                                        const qqi_columns *g, size_t first,
                                        size_t last, void *work)
{
    const size_t most = g->width == 1 ? 1 : 4;
    const qqi_real_neon_fn real = qqi_real_of_neon(p, most == 4);
    qqi_real_neon *w = (qqi_real_neon *)work;

    for (size_t panel = first; panel < last; panel++) {
        for (size_t i = 0; i < g->count; i += most) {
            const size_t count = most < g->count - i ? most : g->count - i;
            real(p, panel, g, i, w);
            for (size_t c = 0; c < count; c++)
                qqi_end_neon(p, panel, g->first + i + c, 1.0f, w->acc[c]);
        }
    }
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_REAL_H
