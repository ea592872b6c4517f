// qquant floor 5: AQT's numerics: from a scaled number to a code.
//
// Integers of b bits, x of type T, every step rounded to T:
//
//   edge = 2^(b-1) - (preserve_zero ? 1/2 : 0)
//   Q = edge - (preserve_max ? 1/2 : 0)    what the calibration's bound becomes
//   C = edge - (round ? 1/2 : 0)           where codes are cut
//
//   x + noise, a sum of f32; cut to -C ... C; nearest even integer, or without
//   preserve_zero floor(x) + 1/2; cast to the type of the codes, toward 0
//
// Floats: aqt_float.h. FJFormer's bits has the integers alone. Google AQT:
// IntSymmetric of aqtp 0.9.0.

#ifndef QQUANT_ARRAY_AQT_NUMERICS_H
#define QQUANT_ARRAY_AQT_NUMERICS_H

#include "array/aqt_float.h"

#if !QQ_NO_TRAIN

// Q and C of the numerics.
QQI_FN void qqi_aqt_bounds(const qq_scheme *s, double *quant, double *clip)
{
    const qq_numerics *n = &s->numerics;

    if (n->kind == QQ_NUMERICS_INT) {
        const double edge =
            qqi_power_of_two((int)n->bits - 1) - (n->preserve_zero ? 0.5 : 0.0);
        *quant = edge - (n->preserve_max ? 0.5 : 0.0);
        *clip = edge - (n->round ? 0.5 : 0.0);
        return;
    }
    *quant = n->kind == QQ_NUMERICS_FP8 ? qqi_fp8_largest(s->type)
                                        : qqi_fp_largest(n);
    *clip = *quant;
}

// Q as the operand of a division of numbers of a type. That of fp8 is a
// number of bf16, so f16 is divided by it in f32.
QQI_FN struct qqi_number qqi_aqt_quant_bound(const qq_scheme *s, qq_type type)
{
    double quant, clip;

    qqi_aqt_bounds(s, &quant, &clip);
    return qqi_number_constant(
        quant, s->numerics.kind == QQ_NUMERICS_FP8 ? QQ_TYPE_BF16 : type);
}

// --- random numbers --------------------------------------------------------

// The place among the noise's numbers that belongs to number i of x: the
// noise has size 1 along the axes of noise_shared.
QQI_FN size_t qqi_aqt_noise_place(const qq_scheme *s, const qq_tensor *x,
                                  size_t i, size_t *total)
{
    size_t place = 0;
    size_t step = 1;

    for (int a = (int)x->rank - 1; a >= 0; a--) {
        if (!(s->noise_shared >> a & 1)) {
            place += i % x->shape[a] * step;
            step *= x->shape[a];
        }
        i /= x->shape[a];
    }
    *total = step;
    return place;
}

// The noise of number i of x; 0 where there is none.
QQI_FN float qqi_aqt_noise(const qq_scheme *s, const qq_tensor *x, size_t i)
{
    float r = 0.0f;
    size_t total;

    if (s->noise == QQ_NOISE_NONE)
        return r;
    const size_t place = qqi_aqt_noise_place(s, x, i, &total);
    (void)qq_random_noise(s->key, s->layout, s->noise, total, place, 1, &r);
    return r;
}

// Random bits for number i of x: width 16 or 32.
QQI_FN uint32_t qqi_aqt_bits(const qq_scheme *s, const qq_tensor *x, size_t i,
                             unsigned width)
{
    const size_t total = qq_tensor_count(x);
    uint32_t r32 = 0;
    uint16_t r16 = 0;

    if (width == 32) {
        (void)qq_random_bits(s->key, s->layout, 32, total, i, 1, &r32, 4);
        return r32;
    }
    (void)qq_random_bits(s->key, s->layout, 16, total, i, 1, &r16, 2);
    return r16;
}

// --- integers --------------------------------------------------------------

QQI_FN struct qqi_number qqi_aqt_int(const qq_scheme *s, struct qqi_number x,
                                     float noise)
{
    const qq_numerics *n = &s->numerics;
    double quant, clip;

    if (s->noise != QQ_NOISE_NONE)
        x = qqi_number_cast(
            qqi_number_add(x, qqi_number_of(noise, QQ_TYPE_F32)), x.type);
    if (!n->clip && !n->round)
        return x;
    float v = qqi_operand(x, x.type);
    if (n->clip) {
        qqi_aqt_bounds(s, &quant, &clip);
        const float c = qqi_number_constant(clip, x.type).value;
        v = v > c ? c : v < -c ? -c : v;
    }
    if (n->round && n->preserve_zero)
        v = qqi_rne_f32(v);
    else if (n->round)
        v = qqi_floor_f32(v) + 0.5f;
    // One bit with a zero leaves but zeros. AQT keeps the sign of x.
    if (v == 0.0f && s->rule == QQ_RULE_FJ && n->bits == 1 && n->clip &&
        n->round)
        v = 0.0f;
    return qqi_number_round(v, x.type);
}

// --- forward ---------------------------------------------------------------

// The type that codes of numbers of a type are stored in.
QQI_FN qq_type qqi_aqt_code_type(const qq_scheme *s, qq_type type)
{
    if (s->numerics.kind == QQ_NUMERICS_FP)
        return QQ_TYPE_BF16;
    return s->type == QQ_TYPE_NONE || s->numerics.kind == QQ_NUMERICS_NONE
               ? type
               : s->type;
}

// The code of the scaled number v, which is number i of a tensor like x,
// before it is cast to the type of the codes.
QQI_FN struct qqi_number qqi_aqt_forward(const qq_scheme *s, const qq_tensor *x,
                                         size_t i, struct qqi_number v)
{
    const qq_numerics *n = &s->numerics;
    uint32_t bits = 0;

    if (n->stochastic && n->kind != QQ_NUMERICS_INT) {
        const int wide = n->kind == QQ_NUMERICS_FP8 && v.type == QQ_TYPE_F32;
        bits = qqi_aqt_bits(s, x, i, wide ? 32 : 16);
    }
    switch (n->kind) {
    case QQ_NUMERICS_INT:
        return qqi_aqt_int(s, v, qqi_aqt_noise(s, x, i));
    case QQ_NUMERICS_FP8:
        return qqi_aqt_fp8(s, v, bits);
    case QQ_NUMERICS_FP:
        return qqi_aqt_fp(s, v, bits);
    default:
        return v;
    }
}

// A code as it is handed to another storage type: floats are cast to integers
// toward 0, saturating, NaN to 0; fp8 is rounded.
QQI_FN float qqi_aqt_cast(struct qqi_number code, qq_type stored)
{
    const int fp8 = stored == QQ_TYPE_E4M3FN || stored == QQ_TYPE_E5M2;
    const float v = qqi_canon_f32(code.value);

    return fp8 ? v : qqi_trunc_f32(v);
}

QQI_FN void qqi_aqt_store(qq_type stored, void *codes, size_t i,
                          struct qqi_number code)
{
    if (stored == code.type)
        qqi_store_number(codes, i, code);
    else
        qqi_store_value(stored, codes, i, qqi_aqt_cast(code, stored));
}

// The value that the stored code decodes to.
QQI_FN float qqi_aqt_stored(struct qqi_number code, qq_type stored)
{
    const float v = qqi_aqt_cast(code, stored);

    return stored == code.type
               ? code.value
               : qq_type_decode(stored, qq_type_encode(stored, v));
}

// A code as a number of the type in which it is decoded.
QQI_FN struct qqi_number qqi_aqt_decoded(float code, qq_type stored,
                                         qq_type type)
{
    return stored == type ? qqi_number_of(code, type)
                          : qqi_number_round(code, type);
}

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_NUMERICS_H
