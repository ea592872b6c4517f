// qquant floor 4: runs of codes of at most 8 bits, a byte each, and values.
//
// What qq_type_encode and qq_type_decode do one by one, to the bit. Loops of a
// constant count that write to arrays of their own become vectors in gcc at
// -O2, others do not; hence runs of 16.

#ifndef QQUANT_CODEC_CODES_H
#define QQUANT_CODEC_CODES_H

#include "codec/value.h"

// The values of e2m1 by code.
static const float qqi_e2m1_levels[16] QQI_UNUSED = {
    0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
    -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

// Integers of at most 8 bits: mul * code + add.
QQI_INLINE void qqi_decode_codes_linear(int is_signed, int32_t mul, int32_t add,
                                        size_t n, const uint8_t *codes,
                                        float *y)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t c = codes[i];
        const int32_t v = is_signed && c > 127 ? c - 256 : c;
        y[i] = (float)(mul * v + add);
    }
}

QQI_INLINE void qqi_decode_codes_table(const float *levels, size_t n,
                                       const uint8_t *codes, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = levels[codes[i] & 15];
}

// y[i] = the value of codes[i], signed ones extended, of a type of at most 8
// bits.
QQI_FN void qqi_decode_codes(qq_type type, size_t n, const uint8_t *codes,
                             float *y)
{
    const qqi_minifloat *small = qqi_type_minifloat(type);

    if (type == QQ_TYPE_SIGN) {
        qqi_decode_codes_linear(0, 2, -1, n, codes, y);
    } else if (type == QQ_TYPE_TERNARY) {
        qqi_decode_codes_linear(0, 1, -1, n, codes, y);
    } else if (qqi_type_is_signed(type)) {
        qqi_decode_codes_linear(1, 1, 0, n, codes, y);
    } else if (small == &qqi_e2m1) {
        qqi_decode_codes_table(qqi_e2m1_levels, n, codes, y);
    } else if (small) {
        for (size_t i = 0; i < n; i++)
            y[i] = qqi_f32_from_minifloat(small, codes[i]);
    } else if (type == QQ_TYPE_NF4) {
        qqi_decode_codes_table(qqi_nf4_levels, n, codes, y);
    } else if (type == QQ_TYPE_BNB_FP4) {
        qqi_decode_codes_table(qqi_bnb_fp4_levels, n, codes, y);
    } else if (type == QQ_TYPE_E8M0) {
        for (size_t i = 0; i < n; i++)
            y[i] = qqi_f32_from_e8m0(codes[i]);
    } else { // uintN, and the codes of a caller's book
        qqi_decode_codes_linear(0, 1, 0, n, codes, y);
    }
}

// What qqi_sat_i32 gives where the bounds are below 2^23: x is cut to them
// first, they are integers, then rounded: t = |x| towards zero, and one more
// where |x| is above t + 1/2, or on it with t odd. low and high are the ranks
// of the bounds. Said in integers as far as can be, because gcc makes
// branches, not vectors, of choices between floats.
QQI_INLINE int32_t qqi_sat_small(float x, int32_t low, int32_t high)
{
    const int32_t any = qqi_is_nan_f32(x) ? 0 : qqi_rank_f32(x);
    const int32_t up = any < low ? low : any;
    const int32_t rank = up > high ? high : up;
    const int32_t sign = -(int32_t)(rank < 0);
    const int32_t a = (rank ^ sign) - sign;
    const int32_t t = (int32_t)qqi_f32_of((uint32_t)a);
    const int32_t half = (int32_t)qqi_f32_bits((float)t + 0.5f);
    const int32_t r = t + (a - half > -(t & 1));

    return (r ^ sign) - sign;
}

#define QQI_RUN ((size_t)16)

QQI_INLINE void qqi_encode_codes_integer(int32_t lo, int32_t hi, int32_t add,
                                         size_t n, const float *x,
                                         uint8_t *codes)
{
    const int32_t low = qqi_rank_f32((float)lo);
    const int32_t high = qqi_rank_f32((float)hi);
    const size_t whole = n - n % QQI_RUN;
    int32_t r[QQI_RUN];

    for (size_t i = 0; i < whole; i += QQI_RUN) {
        for (size_t j = 0; j < QQI_RUN; j++)
            r[j] = qqi_sat_small(x[i + j], low, high) + add;
        for (size_t j = 0; j < QQI_RUN; j++)
            codes[i + j] = (uint8_t)(r[j] & 255);
    }
    for (size_t i = whole; i < n; i++)
        codes[i] = (uint8_t)((qqi_sat_small(x[i], low, high) + add) & 255);
}

// The codes of a book by its thresholds, given as ranks: code[how many of them
// lie below x], or how many where code is NULL. NaN counts as a number of that
// rank. Thresholds outside, numbers inside: so the sums become vectors.
QQI_INLINE void qqi_encode_codes_steps(const int32_t *last, size_t count,
                                       const uint8_t *code, int32_t nan,
                                       size_t n, const float *x, uint8_t *codes)
{
    int32_t rank[QQI_RUN];
    int32_t sum[QQI_RUN];

    for (size_t i = 0; i < n; i += QQI_RUN) {
        const size_t run = n - i < QQI_RUN ? n - i : QQI_RUN;
        QQ_MEMSET(rank, 0, sizeof rank);
        for (size_t j = 0; j < run; j++)
            rank[j] = qqi_is_nan_f32(x[i + j]) ? nan : qqi_rank_f32(x[i + j]);
        QQ_MEMSET(sum, 0, sizeof sum);
        for (size_t k = 0; k < count; k++)
            for (size_t j = 0; j < QQI_RUN; j++)
                sum[j] += rank[j] > last[k];
        for (size_t j = 0; j < run; j++)
            codes[i + j] = code ? code[sum[j]] : (uint8_t)sum[j];
    }
}

// codes[i] = the code of x[i], of a type of at most 8 bits; signed ones are
// not cut.
QQI_FN void qqi_encode_codes(qq_type type, size_t n, const float *x,
                             uint8_t *codes)
{
    const qqi_minifloat *small = qqi_type_minifloat(type);
    const qqi_type_row *row = qqi_type_find(type);

    if (type == QQ_TYPE_SIGN) {
        for (size_t i = 0; i < n; i++)
            codes[i] = (uint8_t)qqi_encode_sign(x[i]);
    } else if (row && row->info.kind == QQ_KIND_INTEGER) {
        const int32_t add = type == QQ_TYPE_TERNARY;
        qqi_encode_codes_integer(row->info.min, row->info.max, add, n, x,
                                 codes);
    } else if (small) {
        for (size_t i = 0; i < n; i++)
            codes[i] = qqi_minifloat_from_f32(small, x[i], 1);
    } else if (type == QQ_TYPE_NF4) {
        qqi_encode_codes_steps(qqi_nf4_last, 15, NULL, INT32_MIN, n, x, codes);
    } else if (type == QQ_TYPE_BNB_FP4) { // NaN as 0, whose code is 0
        qqi_encode_codes_steps(qqi_bnb_fp4_last, 14, qqi_bnb_fp4_codes, 0, n, x,
                               codes);
    } else {
        for (size_t i = 0; i < n; i++)
            codes[i] = (uint8_t)qq_type_encode(type, x[i]);
    }
}

#endif // QQUANT_CODEC_CODES_H
