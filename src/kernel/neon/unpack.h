// qquant floor 5: cells to bytes, NEON.
//
// Bytes are signed: codes of 2 to 7 bits as they are; of 1 bit 0 and -1, which
// a test makes at once wherever the bit stands; of 8 bits less 128; books give
// their integers. Expanded codes of a panel lie as cells of 8 bits do: 16 bytes
// of rows 4 r to 4 r + 3 for four columns, 64 bytes a field. In pairs, for
// products of 2 x 8 by 8 x 2, a field and the next are woven together: 16
// bytes are then 8 columns of two rows, 128 bytes 8 columns of all.

#ifndef QQUANT_KERNEL_NEON_UNPACK_H
#define QQUANT_KERNEL_NEON_UNPACK_H

#include "kernel/neon/job.h"

#if QQI_HAS_NEON

// How kernels read the cells that they are handed.
typedef enum qqi_step_neon {
    QQI_STEP_1 = 0,
    QQI_STEP_2 = 1,
    QQI_STEP_4 = 2,
    QQI_STEP_8 = 3,
    QQI_STEP_BOOK = 4, // of 4 bits
    QQI_STEP_BYTES = 5 // bytes that have been expanded
} qqi_step_neon;

// Bits of a code in the cells.
QQI_INLINE unsigned qqi_step_bits(qqi_step_neon step)
{
    return step == QQI_STEP_1                            ? 1
           : step == QQI_STEP_2                          ? 2
           : step == QQI_STEP_4 || step == QQI_STEP_BOOK ? 4
                                                         : 8;
}

// Field f of 16 bytes with two bits a code.
QQI_NEON_INLINE uint8x16_t qqi_two_bits_neon(uint8x16_t w, unsigned f)
{
    const uint8x16_t mask = vdupq_n_u8(3);

    switch (f) {
    case 0:
        return vandq_u8(w, mask);
    case 1:
        return vandq_u8(vshrq_n_u8(w, 2), mask);
    case 2:
        return vandq_u8(vshrq_n_u8(w, 4), mask);
    default:
        return vshrq_n_u8(w, 6);
    }
}

QQI_NEON_INLINE uint8x16_t qqi_four_bits_neon(uint8x16_t w, unsigned f)
{
    return f == 0 ? vandq_u8(w, vdupq_n_u8(15)) : vshrq_n_u8(w, 4);
}

// Field f of 16 bytes of a cell.
QQI_NEON_INLINE int8x16_t qqi_codes_neon(uint8x16_t w, qqi_step_neon step,
                                         unsigned f, int8x16_t book)
{
    switch (step) {
    case QQI_STEP_1:
        return vreinterpretq_s8_u8(vtstq_u8(w, vdupq_n_u8((uint8_t)(1u << f))));
    case QQI_STEP_2:
        return vreinterpretq_s8_u8(qqi_two_bits_neon(w, f));
    case QQI_STEP_4:
        return vreinterpretq_s8_u8(qqi_four_bits_neon(w, f));
    case QQI_STEP_BOOK:
        return vqtbl1q_s8(book, qqi_four_bits_neon(w, f));
    case QQI_STEP_8:
        return vreinterpretq_s8_u8(veorq_u8(w, vdupq_n_u8(128)));
    case QQI_STEP_BYTES:
    default:
        return vreinterpretq_s8_u8(w);
    }
}

// Where the field of numbers k to k + 3 is in the job's cells, and which field
// of those 64 bytes it is.
QQI_NEON_INLINE const uint8_t *
qqi_cell_neon(const qqi_neon_job *j, qqi_step_neon step, size_t k, unsigned *f)
{
    const unsigned columns = 32 / qqi_step_bits(step);
    const size_t at = k - j->from;

    *f = (unsigned)(at % columns / 4);
    return j->cells + at / columns * 64;
}

// The codes of 16 bytes there; f need not be a constant.
QQI_NEON_INLINE int8x16_t qqi_any_field_neon(const uint8_t *cell,
                                             qqi_step_neon step, unsigned f,
                                             int8x16_t book)
{
    const int by = -(int)(f * qqi_step_bits(step));
    const uint8x16_t w = vshlq_u8(vld1q_u8(cell), vdupq_n_s8((int8_t)by));

    return step == QQI_STEP_2 ? vreinterpretq_s8_u8(vandq_u8(w, vdupq_n_u8(3)))
                              : qqi_codes_neon(w, step, 0, book);
}

// The first boundary of whole, a power of two, from k on, but at most end.
QQI_INLINE size_t qqi_first_neon(size_t k, size_t end, size_t whole)
{
    const size_t first = (k + whole - 1) & ~(whole - 1);

    return first < end ? first : end;
}

// --- expanding -------------------------------------------------------------

// 16 codes where other parts of them may be already, if add.
QQI_NEON_INLINE void qqi_put_codes_neon(uint8x16_t u, qqi_step_neon step,
                                        int add, uint8_t *to)
{
    if (add && step == QQI_STEP_1) // twice, less 0 or -1
        u = vsubq_u8(vshlq_n_u8(vld1q_u8(to), 1), u);
    else if (add)
        u = vsliq_n_u8(u, vld1q_u8(to), 2);
    vst1q_u8(to, u);
}

// Two neighbouring fields of rows 4 r and on.
QQI_NEON_INLINE void qqi_put_fields_neon(int8x16_t even, int8x16_t odd,
                                         qqi_step_neon step, int add, int pairs,
                                         unsigned r, uint8_t *bytes)
{
    if (pairs) {
        const uint32x4_t a = vreinterpretq_u32_s8(even);
        const uint32x4_t b = vreinterpretq_u32_s8(odd);
        const uint8x16_t lo = vreinterpretq_u8_u32(vzip1q_u32(a, b));
        const uint8x16_t hi = vreinterpretq_u8_u32(vzip2q_u32(a, b));
        qqi_put_codes_neon(lo, step, add, bytes + 32 * r);
        qqi_put_codes_neon(hi, step, add, bytes + 32 * r + 16);
    } else {
        qqi_put_codes_neon(vreinterpretq_u8_s8(even), step, add,
                           bytes + 16 * r);
        qqi_put_codes_neon(vreinterpretq_u8_s8(odd), step, add,
                           bytes + 64 + 16 * r);
    }
}

// count cells, part of wider codes if add. A last field that is alone goes
// with zeros.
QQI_NEON_INLINE void qqi_expand_cells_neon(const uint8_t *cell, size_t count,
                                           qqi_step_neon step, int add,
                                           int8x16_t book, int pairs,
                                           uint8_t *bytes)
{
    const unsigned fields = 8 / qqi_step_bits(step);
    const size_t cells = fields == 1 ? 2 : 1;

    for (; count >= cells; count -= cells, cell += 64 * cells) {
        QQI_NEON_UNROLL
        for (unsigned r = 0; r < 4; r++) {
            const uint8x16_t v = vld1q_u8(cell + 16 * r);
            const uint8x16_t w = cells == 2 ? vld1q_u8(cell + 64 + 16 * r) : v;
            QQI_NEON_UNROLL
            for (unsigned f = 0; f < fields; f += 2)
                qqi_put_fields_neon(
                    qqi_codes_neon(v, step, f, book),
                    qqi_codes_neon(w, step, cells == 2 ? 0 : f + 1, book), step,
                    add, pairs, r, bytes + 64 * f);
        }
        bytes += 64 * fields * cells;
    }
    for (unsigned r = 0; r < 4 && count > 0; r++)
        qqi_put_fields_neon(
            qqi_codes_neon(vld1q_u8(cell + 16 * r), step, 0, book),
            vdupq_n_s8(0), step, add, pairs, r, bytes);
}

// Each of them, in pairs or not.
#  define QQI_EXPAND_NEON(name, step, add)                                     \
      QQI_NEON_FN void qqi_expand_##name##_neon(const uint8_t *cell,           \
                                                size_t count, int8x16_t book,  \
                                                int pairs, uint8_t *bytes)     \
      {                                                                        \
          if (pairs)                                                           \
              qqi_expand_cells_neon(cell, count, step, add, book, 1, bytes);   \
          else                                                                 \
              qqi_expand_cells_neon(cell, count, step, add, book, 0, bytes);   \
      }
QQI_EXPAND_NEON(1, QQI_STEP_1, 0)
QQI_EXPAND_NEON(2, QQI_STEP_2, 0)
QQI_EXPAND_NEON(4, QQI_STEP_4, 0)
QQI_EXPAND_NEON(8, QQI_STEP_8, 0)
QQI_EXPAND_NEON(book, QQI_STEP_BOOK, 0)
QQI_EXPAND_NEON(add_1, QQI_STEP_1, 1)
QQI_EXPAND_NEON(add_2, QQI_STEP_2, 1)

// count cells with p bits a code, the first part of codes or another one.
QQI_NEON_FN void qqi_expand_part_neon(const uint8_t *cell, size_t count,
                                      unsigned p, int add, int book,
                                      int8x16_t levels, int pairs,
                                      uint8_t *bytes)
{
    if (p == 8)
        qqi_expand_8_neon(cell, count, levels, pairs, bytes);
    else if (p == 4 && book)
        qqi_expand_book_neon(cell, count, levels, pairs, bytes);
    else if (p == 4)
        qqi_expand_4_neon(cell, count, levels, pairs, bytes);
    else if (p == 2 && add)
        qqi_expand_add_2_neon(cell, count, levels, pairs, bytes);
    else if (p == 2)
        qqi_expand_2_neon(cell, count, levels, pairs, bytes);
    else if (add)
        qqi_expand_add_1_neon(cell, count, levels, pairs, bytes);
    else
        qqi_expand_1_neon(cell, count, levels, pairs, bytes);
}

// Blocks of 32 numbers whose widths are sums.
QQI_NEON_FN void qqi_expand_blocks_neon(unsigned bits, const uint8_t *cell,
                                        size_t count, int8x16_t levels,
                                        int pairs, uint8_t *bytes)
{
    for (; count > 0; count--, bytes += 512) {
        for (unsigned left = bits; left > 0;) {
            const unsigned part = qqi_part_bits(left);
            qqi_expand_part_neon(cell, part, part, left < bits, 0, levels,
                                 pairs, bytes);
            cell += 64 * part;
            left -= part;
        }
    }
}

// Numbers k, a multiple of 32, to end - 1, and on to the end of the cell, or
// block, that end lies in. Books of 4 levels are looked up afterwards.
QQI_NEON_FN void qqi_expand_codes_neon(const qqi_product *p,
                                       const uint8_t *cells, size_t k,
                                       size_t end, const int8_t *book,
                                       int pairs, uint8_t *bytes)
{
    const int8x16_t levels = vld1q_s8(book);
    const int booked = p->code == QQI_CODE_BOOK;
    const size_t columns = qqi_cell_columns(p->bits);
    const size_t count = (end - k + columns - 1) / columns;
    const uint8_t *cell = cells + k / 32 * 64 * p->bits;

    if (p->bits != qqi_part_bits(p->bits))
        qqi_expand_blocks_neon(p->bits, cell, count, levels, pairs, bytes);
    else
        qqi_expand_part_neon(cell, count, p->bits, 0, booked, levels, pairs,
                             bytes);
    if (!booked || p->bits != 2)
        return;
    for (size_t i = 0; i < 256 * count; i += 16)
        vst1q_u8(bytes + i,
                 vreinterpretq_u8_s8(vqtbl1q_s8(levels, vld1q_u8(bytes + i))));
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_UNPACK_H
