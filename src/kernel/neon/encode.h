// qquant floor 5: rows of numbers straight into cells: NEON.
//
// 32 columns of four rows at a time: codes as bytes, a row to two registers;
// then four neighbours of the four rows to a register, which is a quarter of
// what a cell of 8 bits has: fields; then cells. Missing columns and rows have
// codes 0.

#ifndef QQUANT_KERNEL_NEON_ENCODE_H
#define QQUANT_KERNEL_NEON_ENCODE_H

#include "kernel/neon/encode_scale.h"

#if QQI_HAS_NEON

// How numbers become codes: kernel/encode.h.
enum { QQI_EASY_NEON = 0, QQI_HARD_NEON = 1, QQI_STEPS_NEON = 2 };

// What all rows of 32 columns share.
typedef struct qqi_cut_neon {
    int16x8_t add;
    uint8x16_t lo; // stored codes
    uint8x16_t hi;
    uint8x16_t keep[2]; // bytes of a row that are there
    uint8_t *rest;      // room for 32 numbers
    size_t columns;     // that there are
    const qqi_encode_scales *scales;
    int how; // a constant
} qqi_cut_neon;

// Four numbers of row i to integers.
QQI_NEON_INLINE int32x4_t qqi_round_neon(const qqi_cut_neon *c, size_t i,
                                         const uint8_t *x)
{
    const float32x4_t s = vdupq_n_f32(c->scales->s[i]);
    const float32x4_t r = vdupq_n_f32(c->scales->r[i]);
    const float32x4_t t = vdupq_n_f32(c->scales->t[i]);
    const float32x4_t low = vdupq_n_f32(c->scales->low[i]);
    const float32x4_t high = vdupq_n_f32(c->scales->high[i]);
    float32x4_t v = qqi_load_f32_neon(x);

    if (c->how == QQI_STEPS_NEON) // a comparison gives -1
        return vnegq_s32(vreinterpretq_s32_u32(
            vaddq_u32(vcgeq_f32(v, low), vcgtq_f32(v, high))));
    if (c->how == QQI_HARD_NEON)
        v = vminq_f32(vmaxq_f32(v, low), high);
    float32x4_t q = vfmaq_f32(vmulq_f32(v, t), v, r);
    if (c->how == QQI_HARD_NEON)
        q = vfmaq_f32(q, r, vfmsq_f32(v, q, s));
    return vcvtnq_s32_f32(q);
}

// Eight stored codes of row i, not cut yet.
QQI_NEON_INLINE uint8x8_t qqi_eight_codes_neon(const qqi_cut_neon *c, size_t i,
                                               const uint8_t *x)
{
    const int16x4_t a = vqmovn_s32(qqi_round_neon(c, i, x));
    const int16x4_t b = vqmovn_s32(qqi_round_neon(c, i, x + 16));

    return vqmovun_s16(vqaddq_s16(vcombine_s16(a, b), c->add));
}

// 16 columns of row i, the first or the second ones.
QQI_NEON_INLINE uint32x4_t qqi_encode_codes_neon(const qqi_cut_neon *c,
                                                 size_t i, const uint8_t *x,
                                                 int half)
{
    const uint8x16_t u =
        vcombine_u8(qqi_eight_codes_neon(c, i, x + 64 * half),
                    qqi_eight_codes_neon(c, i, x + 64 * half + 32));
    const uint8x16_t cut = vminq_u8(vmaxq_u8(u, c->lo), c->hi);

    return vreinterpretq_u32_u8(vandq_u8(cut, c->keep[half]));
}

// Lane j of all four to the sixteen bytes of field j.
QQI_NEON_INLINE void qqi_encode_put_fields_neon(const uint32x4_t *row,
                                                uint8_t *fields)
{
    const uint64x2_t a = vreinterpretq_u64_u32(vtrn1q_u32(row[0], row[1]));
    const uint64x2_t b = vreinterpretq_u64_u32(vtrn2q_u32(row[0], row[1]));
    const uint64x2_t c = vreinterpretq_u64_u32(vtrn1q_u32(row[2], row[3]));
    const uint64x2_t d = vreinterpretq_u64_u32(vtrn2q_u32(row[2], row[3]));

    vst1q_u8(fields, vreinterpretq_u8_u64(vtrn1q_u64(a, c)));
    vst1q_u8(fields + 64, vreinterpretq_u8_u64(vtrn1q_u64(b, d)));
    vst1q_u8(fields + 128, vreinterpretq_u8_u64(vtrn2q_u64(a, c)));
    vst1q_u8(fields + 192, vreinterpretq_u8_u64(vtrn2q_u64(b, d)));
}

// Columns k to k + 31 of four rows from row i on.
QQI_NEON_INLINE void qqi_quad_neon(const qqi_encode *e, const qqi_cut_neon *c,
                                   size_t i, size_t k, uint8_t *fields)
{
    uint32x4_t low[4];
    uint32x4_t high[4];

    for (size_t j = 0; j < 4; j++) {
        const uint8_t *x = qqi_encode_whole(qqi_encode_row(e, i + j) + 4 * k,
                                            c->columns, c->rest);
        low[j] = qqi_encode_codes_neon(c, i + j, x, 0);
        high[j] = qqi_encode_codes_neon(c, i + j, x, 1);
    }
    qqi_encode_put_fields_neon(low, fields);
    qqi_encode_put_fields_neon(high, fields + 256);
}

// 0xff for the first count of sixteen.
QQI_NEON_INLINE uint8x16_t qqi_keep_neon(size_t count)
{
    static const uint8_t number[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                       8, 9, 10, 11, 12, 13, 14, 15};

    return vcltq_u8(vld1q_u8(number),
                    vdupq_n_u8((uint8_t)(count < 16 ? count : 16)));
}

// Columns k to k + 31, those that there are.
QQI_NEON_INLINE void qqi_encode_fields_neon(const qqi_encode *e,
                                            const qqi_encode_scales *scales,
                                            int how, size_t k, uint8_t *fields)
{
    const size_t columns = e->k - k;
    const int steps = how == QQI_STEPS_NEON;
    uint8_t rest[128];
    qqi_cut_neon c;

    c.add = vdupq_n_s16((int16_t)(steps ? 0 : e->add));
    c.lo = vdupq_n_u8((uint8_t)(steps ? 0 : e->lo + e->add));
    c.hi = vdupq_n_u8((uint8_t)(steps ? 2 : e->hi + e->add));
    c.keep[0] = qqi_keep_neon(columns);
    c.keep[1] = qqi_keep_neon(columns > 16 ? columns - 16 : 0);
    c.rest = rest;
    c.columns = columns;
    c.scales = scales;
    c.how = how;
    QQ_MEMSET(rest, 0, sizeof rest);
    for (size_t i = 0; i < 16; i += 4)
        qqi_quad_neon(e, &c, i, k, fields + 4 * i);
}

// --- cells -----------------------------------------------------------------

// A quarter of a cell of a part p bits wide, which is left bits up in the
// codes.
QQI_NEON_INLINE void qqi_encode_cell_neon(unsigned p, unsigned left,
                                          uint8x16_t mask,
                                          const uint8_t *fields, uint8_t *cell)
{
    const int8x16_t down = vdupq_n_s8((int8_t)(0 - (int)left));
    uint8x16_t sum = vdupq_n_u8(0);

    for (unsigned f = 0; f < 8 / p; f++) {
        const uint8x16_t u = vshlq_u8(vld1q_u8(fields + 64 * f), down);
        const int8x16_t up = vdupq_n_s8((int8_t)(p * f));
        sum = vorrq_u8(sum, vshlq_u8(vandq_u8(u, mask), up));
    }
    vst1q_u8(cell, sum);
}

// A block, or the first cells of one (qqi_pack_block_scalar).
QQI_NEON_FN uint8_t *qqi_cells_neon(const qqi_encode *e, size_t columns,
                                    const uint8_t *fields, uint8_t *cells)
{
    const size_t some = columns < 32 ? columns : 32;
    const size_t end = e->bits == qqi_part_bits(e->bits) ? some : 32;
    unsigned left = e->bits;

    while (left > 0) {
        const unsigned p = qqi_part_bits(left);
        const uint8x16_t part = vdupq_n_u8((uint8_t)((1u << p) - 1));
        left -= p;
        for (size_t at = 0; at < end; at += 32 / p, cells += 64) {
            for (size_t i = 0; i < 16; i += 4) {
                const uint32x4_t there =
                    qqi_encode_first_neon(e->rows > i ? e->rows - i : 0);
                qqi_encode_cell_neon(
                    p, left, vandq_u8(part, vreinterpretq_u8_u32(there)),
                    fields + 16 * at + 4 * i, cells + 4 * i);
            }
        }
    }
    return cells;
}

// Columns from k on to cells, how is a constant.
QQI_NEON_INLINE uint8_t *qqi_encode_cells_neon(const qqi_encode *e,
                                               const qqi_encode_scales *scales,
                                               int how, size_t k,
                                               uint8_t *cells)
{
    uint8_t fields[512];

    qqi_encode_fields_neon(e, scales, how, k, fields);
    return qqi_cells_neon(e, e->k - k, fields, cells);
}

QQI_NEON_FN uint8_t *qqi_encode_steps_neon(const qqi_encode *e,
                                           const qqi_encode_scales *scales,
                                           size_t k, uint8_t *cells)
{
    return qqi_encode_cells_neon(e, scales, QQI_STEPS_NEON, k, cells);
}

QQI_NEON_FN uint8_t *qqi_encode_easy_neon(const qqi_encode *e,
                                          const qqi_encode_scales *scales,
                                          size_t k, uint8_t *cells)
{
    return qqi_encode_cells_neon(e, scales, QQI_EASY_NEON, k, cells);
}

QQI_NEON_FN uint8_t *qqi_encode_hard_neon(const qqi_encode *e,
                                          const qqi_encode_scales *scales,
                                          size_t k, uint8_t *cells)
{
    return qqi_encode_cells_neon(e, scales, QQI_HARD_NEON, k, cells);
}

QQI_NEON_FN void qqi_encode_fetch_neon(const qqi_encode *e, size_t k)
{
    const uint8_t *x = e->x + 16 * e->stride + 4 * k;

    for (size_t i = 0; i < 16; i++, x += e->stride) {
        __builtin_prefetch(x, 0, 2);
        __builtin_prefetch(x + 64, 0, 2);
    }
}

QQI_NEON_FN int qqi_encode_neon(const qqi_encode *e, uint8_t *panel)
{
    static const qqi_encode_set set = {
        qqi_make_scales_neon, qqi_encode_steps_neon, qqi_encode_steps_neon,
        qqi_encode_easy_neon, qqi_encode_hard_neon,  qqi_encode_fetch_neon};

    return qqi_encode_blocks(&set, e, panel);
}
#endif

#endif // QQUANT_KERNEL_NEON_ENCODE_H
