// qquant floor 5: 1-bit codes looked up in tables, NEON.
//
// Half a byte of a cell is four codes of a row, and picks one of the 16 sums
// that four numbers of x can have, plus 512: 0 to 1020. A table has the low
// five bits of these in 16 bytes, then the high ones. Eight look-ups, a cell,
// add up in bytes (8 * 31 = 248), and 256 cells in int16 (256 * 248 = 63488);
// then
//
//   S = low + 32 * high - 8 * 512 for every cell
//
// Tables of cell i: column by column eight of 32 bytes, 2 j + h that of numbers
// 16 h + j, + 4, + 8, + 12 of the cell.

#ifndef QQUANT_KERNEL_NEON_LOOK_H
#define QQUANT_KERNEL_NEON_LOOK_H

#include "kernel/neon/unpack.h"

#if QQI_HAS_NEON

// Cells that add up in int16.
#  define QQI_LOOK_CELLS ((size_t)256)

// Whether groups with a table have it filled, and are multiplied by it.
QQI_INLINE int qqi_looks_neon(const qqi_product *p, const qqi_columns *g,
                              size_t most)
{
    return g->table != NULL && p->bits == 1 && g->width <= most &&
           (p->tiles <= 1 || p->tile % 32 == 0);
}

// The table of four numbers.
QQI_NEON_INLINE void qqi_table_four_neon(int16_t a, int16_t b, int16_t c,
                                         int16_t d, uint8_t *table)
{
    static const int16_t bits[3][8] = {{0, 1, 0, 1, 0, 1, 0, 1},
                                       {0, 0, 1, 1, 0, 0, 1, 1},
                                       {0, 0, 0, 0, 1, 1, 1, 1}};
    int16x8_t v = vdupq_n_s16(512);

    v = vmlaq_n_s16(v, vld1q_s16(bits[0]), a);
    v = vmlaq_n_s16(v, vld1q_s16(bits[1]), b);
    v = vmlaq_n_s16(v, vld1q_s16(bits[2]), c);
    const uint16x8_t lo = vreinterpretq_u16_s16(v);
    const uint16x8_t hi = vreinterpretq_u16_s16(vaddq_s16(v, vdupq_n_s16(d)));
    const uint8x16_t low = vcombine_u8(vmovn_u16(lo), vmovn_u16(hi));
    const uint8x16_t high = vcombine_u8(vshrn_n_u16(lo, 5), vshrn_n_u16(hi, 5));
    vst1q_u8(table, vandq_u8(low, vdupq_n_u8(31)));
    vst1q_u8(table + 16, high);
}

// All tables of a group whose q is made.
QQI_NEON_FN void qqi_tables_neon(const qqi_product *p, const qqi_columns *g)
{
    uint8_t *table = g->table;

    for (size_t k = 0; k < p->k; k += 32) {
        for (size_t c = 0; c < g->width; c++) {
            int8_t q[32];
            for (size_t i = 0; i < 32; i += 4)
                QQ_MEMCPY(q + i, g->q + qqi_columns_at(g, k + i, c), 4);
            for (size_t i = 0; i < 8; i++, table += 32) {
                const int8_t *a = q + i % 2 * 16 + i / 2;
                qqi_table_four_neon(a[0], a[4], a[8], a[12], table);
            }
        }
    }
}

// Byte j of 16 rows in v[j].
QQI_NEON_INLINE void qqi_bytes_of_rows_neon(const uint8_t *cell, uint8x16_t *v)
{
    const uint16x8_t a = vreinterpretq_u16_u8(vld1q_u8(cell));
    const uint16x8_t b = vreinterpretq_u16_u8(vld1q_u8(cell + 16));
    const uint16x8_t c = vreinterpretq_u16_u8(vld1q_u8(cell + 32));
    const uint16x8_t d = vreinterpretq_u16_u8(vld1q_u8(cell + 48));
    const uint8x16_t even = vreinterpretq_u8_u16(vuzp1q_u16(a, b));
    const uint8x16_t odd = vreinterpretq_u8_u16(vuzp2q_u16(a, b));
    const uint8x16_t even2 = vreinterpretq_u8_u16(vuzp1q_u16(c, d));
    const uint8x16_t odd2 = vreinterpretq_u8_u16(vuzp2q_u16(c, d));

    v[0] = vuzp1q_u8(even, even2);
    v[1] = vuzp2q_u8(even, even2);
    v[2] = vuzp1q_u8(odd, odd2);
    v[3] = vuzp2q_u8(odd, odd2);
}

// A cell and one column: low and high sums of 16 rows into four registers.
QQI_NEON_INLINE void qqi_look_cell_neon(const uint8x16_t *index,
                                        const uint8_t *table, uint16x8_t *sum)
{
    uint8x16_t low = vqtbl1q_u8(vld1q_u8(table), index[0]);
    uint8x16_t high = vqtbl1q_u8(vld1q_u8(table + 16), index[0]);

    QQI_NEON_UNROLL
    for (unsigned i = 1; i < 8; i++) {
        const uint8_t *t = table + 32 * i;
        low = vaddq_u8(low, vqtbl1q_u8(vld1q_u8(t), index[i]));
        high = vaddq_u8(high, vqtbl1q_u8(vld1q_u8(t + 16), index[i]));
    }
    sum[0] = vaddw_u8(sum[0], vget_low_u8(low));
    sum[1] = vaddw_high_u8(sum[1], low);
    sum[2] = vaddw_u8(sum[2], vget_low_u8(high));
    sum[3] = vaddw_high_u8(sum[3], high);
}

// Four rows, the first being row 4 r.
QQI_NEON_INLINE int32x4_t qqi_look_end_neon(const uint16x8_t *sum, unsigned r,
                                            int32x4_t to)
{
    const uint16x8_t low = sum[r / 2];
    const uint16x8_t high = sum[2 + r / 2];
    uint32x4_t v = vreinterpretq_u32_s32(to);

    if (r % 2 == 0) {
        v = vaddw_u16(v, vget_low_u16(low));
        v = vaddq_u32(v, vshll_n_u16(vget_low_u16(high), 5));
    } else {
        v = vaddw_high_u16(v, low);
        v = vaddq_u32(v, vshll_high_n_u16(high, 5));
    }
    return vreinterpretq_s32_u32(v);
}

// count cells, at most QQI_LOOK_CELLS.
QQI_NEON_INLINE void qqi_look_cells_neon(const uint8_t *cell,
                                         const uint8_t *table, size_t count,
                                         unsigned columns, int32x4_t *sum)
{
    const uint8x16_t mask = vdupq_n_u8(15);
    const int32x4_t less = vdupq_n_s32(-4096 * (int32_t)count);
    uint16x8_t two[16];

    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++)
        two[i] = vdupq_n_u16(0);
    for (; count > 0; count--, cell += 64) {
        uint8x16_t v[4];
        uint8x16_t index[8];
        qqi_bytes_of_rows_neon(cell, v);
        QQI_NEON_UNROLL
        for (unsigned j = 0; j < 4; j++) {
            index[2 * j] = vandq_u8(v[j], mask);
            index[2 * j + 1] = vshrq_n_u8(v[j], 4);
        }
        QQI_NEON_UNROLL
        for (unsigned c = 0; c < columns; c++, table += 256)
            qqi_look_cell_neon(index, table, two + 4 * c);
    }
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++)
        sum[i] =
            qqi_look_end_neon(two + i / 4 * 4, i % 4, vaddq_s32(sum[i], less));
}

// Numbers k, a multiple of 32, to end - 1.
QQI_NEON_INLINE void qqi_span_look_neon(const qqi_neon_job *j, size_t k,
                                        size_t end, unsigned columns,
                                        int32x4_t *sum)
{
    size_t cells = (end - k + 31) / 32;

    qqi_zero_neon(4 * columns, sum);
    for (size_t i = k / 32; cells > 0; i += QQI_LOOK_CELLS) {
        const size_t count = cells < QQI_LOOK_CELLS ? cells : QQI_LOOK_CELLS;
        qqi_look_cells_neon(j->cells + 64 * i, j->g->table + 256 * columns * i,
                            count, columns, sum);
        cells -= count;
    }
}

#  define QQI_LOOK_JOB_NEON(columns)                                           \
      QQI_NEON_FN void qqi_job_look_##columns##_neon(const qqi_neon_job *j)    \
      {                                                                        \
          qqi_run_neon(j, columns, qqi_span_look_neon);                        \
      }
QQI_LOOK_JOB_NEON(1)
QQI_LOOK_JOB_NEON(2)
QQI_LOOK_JOB_NEON(4)

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_LOOK_H
