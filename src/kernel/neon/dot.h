// qquant floor 5: spans by dot products of 4 bytes, NEON with dotprod.
//
// A register of 16 bytes of x serves four dot products, each with one of its
// lanes. 16 numbers of 1, 2 or 4 columns are a batch: as many registers as
// columns, field f of column c in lane
//
//   unit 4   columns * f + c
//   unit 8   f / 2 * 2 * columns + 2 c + f % 2
//
// counted through all of them. sum[4 * c + r] is of rows 4 r to 4 r + 3. One
// column has two sums for each, of even and of odd fields, for where a dot
// product must wait for the one before.
//
// int32 holds it: 128 * 128 * 65536 = 2^30, and in place (below) 16 times 3 *
// 128 * 16384.

#ifndef QQUANT_KERNEL_NEON_DOT_H
#define QQUANT_KERNEL_NEON_DOT_H

#include "kernel/neon/unpack.h"

#if QQI_HAS_NEON_DOT

// sum += w times lane of a.
QQI_NEON_DOT_INLINE int32x4_t qqi_dot_lane_neon(int32x4_t sum, int8x16_t w,
                                                int8x16_t a, unsigned lane)
{
    switch (lane) {
    case 0:
        return vdotq_laneq_s32(sum, w, a, 0);
    case 1:
        return vdotq_laneq_s32(sum, w, a, 1);
    case 2:
        return vdotq_laneq_s32(sum, w, a, 2);
    default:
        return vdotq_laneq_s32(sum, w, a, 3);
    }
}

// The registers of the batch at k, a multiple of 16.
QQI_NEON_INLINE void qqi_batch_neon(const qqi_neon_job *j, size_t k,
                                    unsigned columns, unsigned unit,
                                    int8x16_t *a)
{
    const qqi_columns *g = j->g;

    QQI_NEON_UNROLL
    for (unsigned i = 0; i < columns; i++) {
        const int8_t *q = g->q + k * columns + 16 * i;
        if (columns == 4 && unit == 4)
            q = g->q + (k + 4 * i) * g->width + 4 * j->column;
        else if (columns == 4)
            q = g->q + (k + i / 2 * 8) * g->width + 8 * j->column + i % 2 * 16;
        a[i] = vld1q_s8(q);
    }
}

// The number of the lane above.
QQI_INLINE unsigned qqi_lane_neon(unsigned f, unsigned c, unsigned columns,
                                  unsigned unit)
{
    return unit == 4 ? columns * f + c : f / 2 * 2 * columns + 2 * c + f % 2;
}

// Field f of a batch, rows 4 r and on, times all columns.
QQI_NEON_DOT_INLINE void qqi_dot_field_neon(int8x16_t w, const int8x16_t *a,
                                            unsigned f, unsigned columns,
                                            unsigned unit, int32x4_t *sum)
{
    QQI_NEON_UNROLL
    for (unsigned c = 0; c < columns; c++) {
        const unsigned at = qqi_lane_neon(f, c, columns, unit);
        const unsigned to = columns == 1 ? f % 2 : c;
        sum[4 * to] = qqi_dot_lane_neon(sum[4 * to], w, a[at / 4], at % 4);
    }
}

// A batch of cells, the first of them at cell; half: fields 4 and on of cells
// of 1 bit.
QQI_NEON_DOT_INLINE void qqi_dot_batch_neon(const uint8_t *cell,
                                            qqi_step_neon step, unsigned half,
                                            int8x16_t book, const int8x16_t *a,
                                            unsigned columns, unsigned unit,
                                            int32x4_t *sum)
{
    const unsigned fields = 8 / qqi_step_bits(step);

    QQI_NEON_UNROLL
    for (unsigned r = 0; r < 4; r++) {
        QQI_NEON_UNROLL
        for (unsigned f = 0; f < 4; f++) {
            const uint8x16_t w = vld1q_u8(cell + f / fields * 64 + 16 * r);
            const int8x16_t v =
                qqi_codes_neon(w, step, 4 * half + f % fields, book);
            qqi_dot_field_neon(v, a, f, columns, unit, sum + r);
        }
    }
}

// Numbers k to end - 1, a field at a time.
QQI_NEON_DOT_INLINE void qqi_dot_fields_neon(const qqi_neon_job *j,
                                             qqi_step_neon step, size_t k,
                                             size_t end, unsigned columns,
                                             int32x4_t *sum)
{
    const int8x16_t book = vld1q_s8(j->book);

    for (; k < end; k += 4) {
        unsigned f;
        const uint8_t *cell = qqi_cell_neon(j, step, k, &f);
        int8x16_t w[4];
        QQI_NEON_UNROLL
        for (unsigned r = 0; r < 4; r++)
            w[r] = qqi_any_field_neon(cell + 16 * r, step, f, book);
        QQI_NEON_UNROLL
        for (unsigned c = 0; c < columns; c++) {
            const size_t at = qqi_columns_at(j->g, k, j->column + c);
            const int8x16_t a =
                vreinterpretq_s8_u32(vdupq_n_u32(qqi_load_u32(j->g->q + at)));
            QQI_NEON_UNROLL
            for (unsigned r = 0; r < 4; r++)
                sum[4 * c + r] = vdotq_s32(sum[4 * c + r], w[r], a);
        }
    }
}

// The sums of a batch; the two of one column become one.
QQI_NEON_INLINE void qqi_fold_neon(unsigned columns, const int32x4_t *two,
                                   int32x4_t *sum)
{
    QQI_NEON_UNROLL
    for (unsigned i = 0; i < 4 * columns; i++)
        sum[i] = columns == 1 ? vaddq_s32(two[i], two[4 + i]) : two[i];
}

// A span, from a boundary of 16 (32 with 1 bit) on in batches.
QQI_NEON_DOT_INLINE void qqi_dot_span_neon(const qqi_neon_job *j,
                                           qqi_step_neon step, size_t k,
                                           size_t end, unsigned columns,
                                           unsigned unit, int32x4_t *sum)
{
    const size_t whole = step == QQI_STEP_1 ? 32 : 16;
    const int8x16_t book = vld1q_s8(j->book);
    const size_t first = qqi_first_neon(k, end, whole);
    int8x16_t a[4];
    int32x4_t two[16];
    unsigned f;

    qqi_zero_neon(columns == 1 ? 8 : 4 * columns, two);
    if (k < first)
        qqi_dot_fields_neon(j, step, k, first, columns, two);
    for (k = first; end - k >= whole; k += whole) {
        const uint8_t *cell = qqi_cell_neon(j, step, k, &f);
        qqi_batch_neon(j, k, columns, unit, a);
        qqi_dot_batch_neon(cell, step, 0, book, a, columns, unit, two);
        if (step == QQI_STEP_1) {
            qqi_batch_neon(j, k + 16, columns, unit, a);
            qqi_dot_batch_neon(cell, step, 1, book, a, columns, unit, two);
        }
    }
    if (k < end)
        qqi_dot_fields_neon(j, step, k, end, columns, two);
    qqi_fold_neon(columns, two, sum);
}

// 2 bits and one column: fields 1 and 2 are left where they stand, 4 and 16
// times too large, and have sums of their own.
QQI_NEON_DOT_INLINE void qqi_dot_in_place_neon(const qqi_neon_job *j, size_t k,
                                               size_t end, int32x4_t *sum)
{
    const size_t first = qqi_first_neon(k, end, 16);
    int32x4_t two[12];
    unsigned f;

    qqi_zero_neon(12, two);
    if (k < first)
        qqi_dot_fields_neon(j, QQI_STEP_2, k, first, 1, two);
    for (k = first; end - k >= 16; k += 16) {
        const uint8_t *cell = qqi_cell_neon(j, QQI_STEP_2, k, &f);
        const int8x16_t a = vld1q_s8(j->g->q + k);
        QQI_NEON_UNROLL
        for (unsigned r = 0; r < 4; r++) {
            const uint8x16_t w = vld1q_u8(cell + 16 * r);
            const uint8x16_t w0 = vandq_u8(w, vdupq_n_u8(3));
            const uint8x16_t w1 = vandq_u8(w, vdupq_n_u8(12));
            const uint8x16_t w2 = vandq_u8(w, vdupq_n_u8(48));
            const int8x16_t w3 = vreinterpretq_s8_u8(vshrq_n_u8(w, 6));
            two[r] = vdotq_laneq_s32(two[r], vreinterpretq_s8_u8(w0), a, 0);
            two[4 + r] =
                vdotq_laneq_s32(two[4 + r], vreinterpretq_s8_u8(w1), a, 1);
            two[8 + r] =
                vdotq_laneq_s32(two[8 + r], vreinterpretq_s8_u8(w2), a, 2);
            two[r] = vdotq_laneq_s32(two[r], w3, a, 3);
        }
    }
    if (k < end)
        qqi_dot_fields_neon(j, QQI_STEP_2, k, end, 1, two);
    QQI_NEON_UNROLL
    for (unsigned r = 0; r < 4; r++) {
        sum[r] = vsraq_n_s32(two[r], two[4 + r], 2);
        sum[r] = vsraq_n_s32(sum[r], two[8 + r], 4);
    }
}

// --- spans -----------------------------------------------------------------

#  define QQI_DOT_SPAN_NEON(name, step)                                        \
      QQI_NEON_DOT_INLINE void qqi_span_##name##_neon_dot(                     \
          const qqi_neon_job *j, size_t k, size_t end, unsigned columns,       \
          int32x4_t *sum)                                                      \
      {                                                                        \
          qqi_dot_span_neon(j, step, k, end, columns, 4, sum);                 \
      }
QQI_DOT_SPAN_NEON(1, QQI_STEP_1)
QQI_DOT_SPAN_NEON(4, QQI_STEP_4)
QQI_DOT_SPAN_NEON(8, QQI_STEP_8)
QQI_DOT_SPAN_NEON(book, QQI_STEP_BOOK)
QQI_DOT_SPAN_NEON(bytes, QQI_STEP_BYTES)

QQI_NEON_DOT_INLINE void qqi_span_2_neon_dot(const qqi_neon_job *j, size_t k,
                                             size_t end, unsigned columns,
                                             int32x4_t *sum)
{
    if (columns == 1)
        qqi_dot_in_place_neon(j, k, end, sum);
    else
        qqi_dot_span_neon(j, QQI_STEP_2, k, end, columns, 4, sum);
}

// --- jobs ------------------------------------------------------------------

#  define QQI_DOT_JOB_NEON(name, columns)                                      \
      QQI_NEON_DOT_FN void qqi_job_##name##_##columns##_neon_dot(              \
          const qqi_neon_job *j)                                               \
      {                                                                        \
          qqi_run_neon(j, columns, qqi_span_##name##_neon_dot);                \
      }
#  define QQI_DOT_JOBS_NEON(name)                                              \
      QQI_DOT_JOB_NEON(name, 1)                                                \
      QQI_DOT_JOB_NEON(name, 2)                                                \
      QQI_DOT_JOB_NEON(name, 4)
QQI_DOT_JOBS_NEON(1)
QQI_DOT_JOBS_NEON(2)
QQI_DOT_JOBS_NEON(4)
QQI_DOT_JOBS_NEON(8)
QQI_DOT_JOBS_NEON(book)
QQI_DOT_JOBS_NEON(bytes)

#endif // QQI_HAS_NEON_DOT

#endif // QQUANT_KERNEL_NEON_DOT_H
