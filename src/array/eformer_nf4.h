// qquant floor 5: eformer's ArrayNF4, in its three versions.
//
//   version        block                      divisor          code
//   eformer        b along the last axis,     absmax + tiny    nearest level
//                  which is padded with 0
//   eformer_flat   min(b, last size) of the   absmax           middles below
//                  flat array
//   fjformer       min(b, count) of the       absmax           middles below
//                  flat array
//
// The scale is the absmax. A NaN makes absmax and all quotients of its block
// NaN; an infinity makes its own quotient NaN and the others 0.

#ifndef QQUANT_ARRAY_EFORMER_NF4_H
#define QQUANT_ARRAY_EFORMER_NF4_H

#include "api/eformer.h"
#include "array/eformer_step.h"

// The levels that eformer decodes to, by their bits: the polynomial
//
//   c (c (c (c (1.82943132356953e-5 c - 0.00068587779130373)
//   + 0.0100420261313669) - 0.0722703570217226) + 0.346075459755188)
//   - 0.994166218659335
//
// at c = 0 ... 15 in f32, each step one fused multiply-add; and each step with
// two roundings, as a machine without such an instruction makes it.
static const float qqi_nf4_polynomial[16] QQI_UNUSED = {
    -0.994166195f, -0.710986674f, -0.521149158f,  -0.386348963f,
    -0.280351818f, -0.186798558f, -0.0970098376f, -0.00779087842f,
    0.0807642341f, 0.167467147f,  0.252231598f,   0.338267148f,
    0.434276760f,  0.556649268f,  0.731656849f,   0.997652054f};

static const float qqi_nf4_unfused[16] QQI_UNUSED = {
    -0.994166195f, -0.710986674f, -0.521149158f,  -0.386348963f,
    -0.280351818f, -0.186798573f, -0.0970098376f, -0.00779098272f,
    0.0807642341f, 0.167467296f,  0.252231777f,   0.338267267f,
    0.434276760f,  0.556649625f,  0.731656849f,   0.997651637f};

QQ_API const float *qq_eformer_levels(qq_nf4_levels which)
{
    if (which == QQ_NF4_TABLE)
        return qqi_nf4_levels;
    if (which == QQ_NF4_POLYNOMIAL)
        return qqi_nf4_polynomial;
    return which == QQ_NF4_UNFUSED ? qqi_nf4_unfused : NULL;
}

// Blocks of size numbers each; a row of x has row numbers and blocks blocks,
// the last of which may lack some.
struct qqi_nf4_job {
    const qq_tensor *x;
    size_t rows;
    size_t row;
    size_t blocks;
    size_t size;
    int flat; // one of the two older versions
    qq_division division;
    float middles[15]; // flat: between the levels
};

QQI_FN void qqi_nf4_middles(float *middles)
{
    const float *level = qqi_nf4_levels;

    for (int k = 0; k < 15; k++)
        middles[k] = (level[k] + level[k + 1]) / 2.0f;
}

// A byte for each of n quotients.
QQI_FN void qqi_nf4_codes(const struct qqi_nf4_job *j, size_t n, const float *v,
                          uint8_t *codes)
{
    if (!j->flat) {
        qqi_encode_codes(QQ_TYPE_NF4, n, v, codes);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned code = 0;
        for (int k = 0; k < 15; k++)
            code += j->middles[k] < v[i];
        codes[i] = (uint8_t)(qqi_is_nan_f32(v[i]) ? 15 : code);
    }
}

// n numbers of x from first on, and zeros to a whole block, whose codes are at,
// at + 1, ... of codes. Returns absmax.
QQI_FN float qqi_nf4_block(const struct qqi_nf4_job *j, size_t first, size_t n,
                           size_t at, uint8_t *codes)
{
    const qq_type type = j->x->type;
    float v[QQI_SOME];
    uint8_t code[QQI_SOME];
    size_t k;

    const float most = qqi_absmax_many(0.0f, type, j->x->data, first, n);
    const float sum = qqi_to_type(type, most + qqi_plain_tiny(type));
    const qqi_divisor d =
        qqi_divisor_of(type, j->division, 1, j->flat ? most : sum);
    for (size_t i = 0; i < j->size; i += k) {
        k = qqi_some(j->size - i);
        const size_t there = n <= i ? 0 : n - i < k ? n - i : k;
        QQ_MEMSET(v, 0, sizeof v);
        qqi_load_values(type, j->x->data, first + i, there, v);
        qqi_divide_many(&d, k, v);
        qqi_nf4_codes(j, k, v, code);
        qqi_pack_codes(4, QQ_ORDER_LOW_FIRST, at + i, k, code, codes);
    }
    return most;
}

// scales: one of x's type for each block; codes: rows * blocks * size of them.
QQI_FN void qqi_nf4_quantize(const struct qqi_nf4_job *j, void *scales,
                             uint8_t *codes)
{
    size_t block = 0;

    for (size_t r = 0; r < j->rows; r++) {
        size_t left = j->row;
        for (size_t b = 0; b < j->blocks; b++, block++) {
            const size_t n = left < j->size ? left : j->size;
            const size_t first = r * j->row + (j->row - left);
            const float most =
                qqi_nf4_block(j, first, n, block * j->size, codes);
            qqi_plain_store(j->x->type, scales, block, most);
            left -= n;
        }
    }
}

#endif // QQUANT_ARRAY_EFORMER_NF4_H
