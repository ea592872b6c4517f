// qquant floor 5: spans by products of matrices, NEON with i8mm.
//
// smmla multiplies 2 rows of W by 2 columns of x, 8 numbers deep: with codes
// expanded in pairs and x in units of 8, register i of 8 rows and register c of
// 2 columns give sums [2 * i + c] of
//
//   row 2 i, column 2 c   row 2 i, 2 c + 1   row 2 i + 1, 2 c   ..., 2 c + 1
//
// Narrow products use dot products as without i8mm, of unsigned codes by signed
// numbers where those have 8 bits.

#ifndef QQUANT_KERNEL_NEON_I8MM_H
#define QQUANT_KERNEL_NEON_I8MM_H

#include "kernel/neon/dot.h"

#if QQI_HAS_NEON_I8MM

// Sums by rows 4 r and on, by column.
QQI_NEON_INLINE void qqi_unpair_neon(const int32x4_t *two, int32x4_t *sum)
{
    QQI_NEON_UNROLL
    for (unsigned r = 0; r < 4; r++) {
        QQI_NEON_UNROLL
        for (unsigned c = 0; c < 2; c++) {
            const int32x4_t a = two[4 * r + c];
            const int32x4_t b = two[4 * r + 2 + c];
            sum[8 * c + r] = vuzp1q_s32(a, b);
            sum[8 * c + 4 + r] = vuzp2q_s32(a, b);
        }
    }
}

// Expanded pairs by 4 columns.
QQI_NEON_I8MM_INLINE void qqi_span_pairs_neon_i8mm(const qqi_neon_job *j,
                                                   size_t k, size_t end,
                                                   unsigned columns,
                                                   int32x4_t *sum)
{
    const size_t stride = 8 * j->g->width;
    const int8_t *q = j->g->q + k * j->g->width + 8 * j->column;
    const uint8_t *w = j->cells + (k - j->from) * 16;
    int32x4_t two[16];

    (void)columns;
    qqi_zero_neon(16, two);
    for (; k < end; k += 8, q += stride, w += 128) {
        const int8x16_t a = vld1q_s8(q);
        const int8x16_t b = vld1q_s8(q + 16);
        QQI_NEON_UNROLL
        for (unsigned i = 0; i < 8; i++) {
            const int8x16_t v = vreinterpretq_s8_u8(vld1q_u8(w + 16 * i));
            two[2 * i] = vmmlaq_s32(two[2 * i], v, a);
            two[2 * i + 1] = vmmlaq_s32(two[2 * i + 1], v, b);
        }
    }
    qqi_unpair_neon(two, sum);
}

QQI_NEON_I8MM_FN void qqi_job_pairs_4_neon_i8mm(const qqi_neon_job *j)
{
    qqi_run_neon(j, 4, qqi_span_pairs_neon_i8mm);
}

// --- unsigned bytes --------------------------------------------------------

QQI_NEON_I8MM_INLINE int32x4_t qqi_usdot_lane_neon(int32x4_t sum, uint8x16_t w,
                                                   int8x16_t a, unsigned lane)
{
    switch (lane) {
    case 0:
        return vusdotq_laneq_s32(sum, w, a, 0);
    case 1:
        return vusdotq_laneq_s32(sum, w, a, 1);
    case 2:
        return vusdotq_laneq_s32(sum, w, a, 2);
    default:
        return vusdotq_laneq_s32(sum, w, a, 3);
    }
}

// A field of 4 rows times all columns.
QQI_NEON_I8MM_INLINE void qqi_usdot_field_neon(uint8x16_t w, const int8x16_t *a,
                                               unsigned f, unsigned columns,
                                               int32x4_t *sum)
{
    QQI_NEON_UNROLL
    for (unsigned c = 0; c < columns; c++) {
        const unsigned at = qqi_lane_neon(f, c, columns, 8);
        const unsigned to = columns == 1 ? f % 2 : c;
        sum[4 * to] = qqi_usdot_lane_neon(sum[4 * to], w, a[at / 4], at % 4);
    }
}

QQI_NEON_I8MM_INLINE void qqi_usdot_fields_neon(const qqi_neon_job *j, size_t k,
                                                size_t end, unsigned columns,
                                                int32x4_t *sum)
{
    for (; k < end; k += 4) {
        const uint8_t *cell = j->cells + k * 16;
        QQI_NEON_UNROLL
        for (unsigned c = 0; c < columns; c++) {
            const size_t at = qqi_columns_at(j->g, k, j->column + c);
            const int8x16_t a =
                vreinterpretq_s8_u32(vdupq_n_u32(qqi_load_u32(j->g->q + at)));
            QQI_NEON_UNROLL
            for (unsigned r = 0; r < 4; r++)
                sum[4 * c + r] =
                    vusdotq_s32(sum[4 * c + r], vld1q_u8(cell + 16 * r), a);
        }
    }
}

// 255 * 128 * 65536 < 2^31.
QQI_NEON_I8MM_INLINE void qqi_span_8_neon_i8mm(const qqi_neon_job *j, size_t k,
                                               size_t end, unsigned columns,
                                               int32x4_t *sum)
{
    const size_t first = qqi_first_neon(k, end, 16);
    int8x16_t a[4];
    int32x4_t two[8];

    qqi_zero_neon(8, two);
    if (k < first)
        qqi_usdot_fields_neon(j, k, first, columns, two);
    for (k = first; end - k >= 16; k += 16) {
        const uint8_t *cell = j->cells + k * 16;
        qqi_batch_neon(j, k, columns, 8, a);
        QQI_NEON_UNROLL
        for (unsigned i = 0; i < 16; i++)
            qqi_usdot_field_neon(vld1q_u8(cell + 16 * i), a, i / 4, columns,
                                 two + i % 4);
    }
    if (k < end)
        qqi_usdot_fields_neon(j, k, end, columns, two);
    qqi_fold_neon(columns, two, sum);
}

// --- the others ------------------------------------------------------------

#  define QQI_I8MM_SPAN_NEON(name, step)                                       \
      QQI_NEON_I8MM_INLINE void qqi_span_##name##_neon_i8mm(                   \
          const qqi_neon_job *j, size_t k, size_t end, unsigned columns,       \
          int32x4_t *sum)                                                      \
      {                                                                        \
          qqi_dot_span_neon(j, step, k, end, columns, 8, sum);                 \
      }
QQI_I8MM_SPAN_NEON(1, QQI_STEP_1)
QQI_I8MM_SPAN_NEON(2, QQI_STEP_2)
QQI_I8MM_SPAN_NEON(4, QQI_STEP_4)
QQI_I8MM_SPAN_NEON(book, QQI_STEP_BOOK)
QQI_I8MM_SPAN_NEON(bytes, QQI_STEP_BYTES)

#  define QQI_I8MM_JOB_NEON(name, columns)                                     \
      QQI_NEON_I8MM_FN void qqi_job_##name##_##columns##_neon_i8mm(            \
          const qqi_neon_job *j)                                               \
      {                                                                        \
          qqi_run_neon(j, columns, qqi_span_##name##_neon_i8mm);               \
      }
// One column lies the same in any unit, so dot.h has it.
QQI_I8MM_JOB_NEON(8, 1)
QQI_I8MM_JOB_NEON(1, 2)
QQI_I8MM_JOB_NEON(2, 2)
QQI_I8MM_JOB_NEON(4, 2)
QQI_I8MM_JOB_NEON(8, 2)
QQI_I8MM_JOB_NEON(book, 2)
QQI_I8MM_JOB_NEON(bytes, 2)
QQI_I8MM_JOB_NEON(bytes, 4)

#endif // QQI_HAS_NEON_I8MM

#endif // QQUANT_KERNEL_NEON_I8MM_H
