// qquant floor 5: spans by long multiplications, NEON of every aarch64.
//
// 16 bytes of 4 rows times 4 numbers, twice over, are 16 products in int16,
// which are added up in pairs, then in pairs of pairs into int32. How many
// fields meet in int16 before that depends on the largest byte:
//
//   up to 15     4 fields: a pair is at most 2 * 4 * 15 * 128 = 15360
//   up to 127    1 field: 2 * 127 * 128 = 32512
//   -128         1 field: a pair lies from -32512 to 32768. 128 is taken off
//                modulo 2^16, so that it fits, and given back at the end: 256
//                a field, 2^22 in a span.

#ifndef QQUANT_KERNEL_NEON_BASE_H
#define QQUANT_KERNEL_NEON_BASE_H

#include "kernel/neon/unpack.h"

#if QQI_HAS_NEON

// Products of 4 rows in int16: rows 0 and 1, rows 2 and 3.
typedef struct qqi_long_neon {
    int16x8_t lo;
    int16x8_t hi;
} qqi_long_neon;

QQI_NEON_INLINE qqi_long_neon qqi_long_mul_neon(int8x16_t w, int8x16_t a)
{
    qqi_long_neon v;

    v.lo = vmull_s8(vget_low_s8(w), vget_low_s8(a));
    v.hi = vmull_high_s8(w, a);
    return v;
}

QQI_NEON_INLINE qqi_long_neon qqi_long_add_neon(qqi_long_neon v, int8x16_t w,
                                                int8x16_t a)
{
    v.lo = vmlal_s8(v.lo, vget_low_s8(w), vget_low_s8(a));
    v.hi = vmlal_high_s8(v.hi, w, a);
    return v;
}

// Into four sums. full: there are bytes of -128.
QQI_NEON_INLINE int32x4_t qqi_long_end_neon(int32x4_t sum, qqi_long_neon v,
                                            int full)
{
    uint16x8_t pairs = vreinterpretq_u16_s16(vpaddq_s16(v.lo, v.hi));

    if (full)
        pairs = vsubq_u16(pairs, vdupq_n_u16(128));
    return vpadalq_s16(sum, vreinterpretq_s16_u16(pairs));
}

// Four numbers of a column in every lane.
QQI_NEON_INLINE int8x16_t qqi_four_neon(const qqi_neon_job *j, size_t k,
                                        unsigned c)
{
    const size_t at = qqi_columns_at(j->g, k, j->column + c);

    return vreinterpretq_s8_u32(vdupq_n_u32(qqi_load_u32(j->g->q + at)));
}

// Numbers k to end - 1, a field at a time.
QQI_NEON_INLINE void qqi_long_fields_neon(const qqi_neon_job *j,
                                          qqi_step_neon step, int full,
                                          size_t k, size_t end,
                                          unsigned columns, int32x4_t *sum)
{
    for (; k < end; k += 4) {
        unsigned f;
        const uint8_t *cell = qqi_cell_neon(j, step, k, &f);
        int8x16_t a[2];
        QQI_NEON_UNROLL
        for (unsigned c = 0; c < columns; c++)
            a[c] = qqi_four_neon(j, k, c);
        QQI_NEON_UNROLL
        for (unsigned r = 0; r < 4; r++) {
            const int8x16_t w =
                qqi_any_field_neon(cell + 16 * r, step, f, vdupq_n_s8(0));
            QQI_NEON_UNROLL
            for (unsigned c = 0; c < columns; c++)
                sum[4 * c + r] = qqi_long_end_neon(
                    sum[4 * c + r], qqi_long_mul_neon(w, a[c]), full);
        }
    }
}

// Rows 4 r and on, count times 4, of 16 numbers of small codes, the first cell
// at cell; a[4 * c + f]. Rows and columns together are 4 chains of long
// multiplications at once, for processors that do not reorder much.
QQI_NEON_INLINE void qqi_long_rows_neon(const uint8_t *cell, qqi_step_neon step,
                                        const int8x16_t *a, unsigned r,
                                        unsigned count, unsigned columns,
                                        int32x4_t *sum)
{
    const unsigned fields = 8 / qqi_step_bits(step);
    qqi_long_neon v[4];

    QQI_NEON_UNROLL
    for (unsigned f = 0; f < 4; f++) {
        QQI_NEON_UNROLL
        for (unsigned i = 0; i < count * columns; i++) {
            const unsigned row = r + i / columns;
            const int8x16_t x = a[4 * (i % columns) + f];
            const int8x16_t w =
                qqi_codes_neon(vld1q_u8(cell + f / fields * 64 + 16 * row),
                               step, f % fields, vdupq_n_s8(0));
            v[i] = f == 0 ? qqi_long_mul_neon(w, x)
                          : qqi_long_add_neon(v[i], w, x);
        }
    }
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < count * columns; i++) {
        int32x4_t *to = sum + 4 * (i % columns) + r + i / columns;
        *to = qqi_long_end_neon(*to, v[i], 0);
    }
}

// A span of codes up to 15, from a boundary of 16 on in batches.
QQI_NEON_INLINE void qqi_long_span_neon(const qqi_neon_job *j,
                                        qqi_step_neon step, size_t k,
                                        size_t end, unsigned columns,
                                        int32x4_t *sum)
{
    const size_t first = qqi_first_neon(k, end, 16);
    int8x16_t a[8];
    unsigned f;

    qqi_zero_neon(4 * columns, sum);
    if (k < first)
        qqi_long_fields_neon(j, step, 0, k, first, columns, sum);
    for (k = first; end - k >= 16; k += 16) {
        const uint8_t *cell = qqi_cell_neon(j, step, k, &f);
        QQI_NEON_UNROLL
        for (unsigned i = 0; i < 4 * columns; i++)
            a[i] = qqi_four_neon(j, k + 4 * (i % 4), i / 4);
        if (columns == 1) {
            qqi_long_rows_neon(cell, step, a, 0, 4, 1, sum);
        } else {
            qqi_long_rows_neon(cell, step, a, 0, 2, 2, sum);
            qqi_long_rows_neon(cell, step, a, 2, 2, 2, sum);
        }
    }
    if (k < end)
        qqi_long_fields_neon(j, step, 0, k, end, columns, sum);
}

QQI_NEON_INLINE void qqi_span_2_neon(const qqi_neon_job *j, size_t k,
                                     size_t end, unsigned columns,
                                     int32x4_t *sum)
{
    qqi_long_span_neon(j, QQI_STEP_2, k, end, columns, sum);
}

QQI_NEON_INLINE void qqi_span_4_neon(const qqi_neon_job *j, size_t k,
                                     size_t end, unsigned columns,
                                     int32x4_t *sum)
{
    qqi_long_span_neon(j, QQI_STEP_4, k, end, columns, sum);
}

QQI_NEON_INLINE void qqi_span_small_neon(const qqi_neon_job *j, size_t k,
                                         size_t end, unsigned columns,
                                         int32x4_t *sum)
{
    qqi_long_span_neon(j, QQI_STEP_BYTES, k, end, columns, sum);
}

QQI_NEON_INLINE void qqi_span_large_neon(const qqi_neon_job *j, size_t k,
                                         size_t end, unsigned columns,
                                         int32x4_t *sum)
{
    qqi_zero_neon(4 * columns, sum);
    qqi_long_fields_neon(j, QQI_STEP_BYTES, 0, k, end, columns, sum);
}

QQI_NEON_INLINE void qqi_span_full_neon(const qqi_neon_job *j, size_t k,
                                        size_t end, unsigned columns,
                                        int32x4_t *sum)
{
    const int32_t fields = (int32_t)((end - k + 3) / 4);

    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++)
        sum[i] = vdupq_n_s32(256 * fields);
    qqi_long_fields_neon(j, QQI_STEP_BYTES, 1, k, end, columns, sum);
}

// --- jobs ------------------------------------------------------------------

#  define QQI_JOB_NEON(name, columns)                                          \
      QQI_NEON_FN void qqi_job_##name##_##columns##_neon(                      \
          const qqi_neon_job *j)                                               \
      {                                                                        \
          qqi_run_neon(j, columns, qqi_span_##name##_neon);                    \
      }
#  define QQI_JOBS_NEON(name)                                                  \
      QQI_JOB_NEON(name, 1)                                                    \
      QQI_JOB_NEON(name, 2)
QQI_JOBS_NEON(2)
QQI_JOBS_NEON(4)
QQI_JOBS_NEON(small)
QQI_JOBS_NEON(large)
QQI_JOBS_NEON(full)

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_BASE_H
