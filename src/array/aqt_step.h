// qquant floor 5: one step of typed arithmetic, as XLA makes it on a CPU.
//
// AQT and FJFormer compute with arrays that have a type, and each operation is
// rounded to nearest even in the common type of its operands:
//
//   f32 with any is f32; f16 with bf16 is f32; a type with itself is itself.
//
// In f32 and bf16 subnormal operands and results count as 0 of their sign;
// those of f16 are kept. A number here is a value that its type holds exactly.
// Sums, products and quotients of two f16 or two bf16 numbers are made in f32
// and rounded again, which is the same as rounding once: f32 has more than
// twice their bits and two to spare.

#ifndef QQUANT_ARRAY_AQT_STEP_H
#define QQUANT_ARRAY_AQT_STEP_H

#include "array/step.h"
#include "codec/element.h"

#if !QQ_NO_TRAIN

struct qqi_number {
    float value;
    qq_type type; // f32, f16 or bf16
};

QQI_INLINE struct qqi_number qqi_number_of(float value, qq_type type)
{
    struct qqi_number r;

    r.value = value;
    r.type = type;
    return r;
}

// Subnormal floats become 0 of their sign; by bits, whatever the mode.
QQI_INLINE float qqi_flush(float x)
{
    const uint32_t u = qqi_f32_bits(x);

    return (u & 0x7f800000u) == 0 ? qqi_f32_of(u & 0x80000000u) : x;
}

// x as a number of the type. There is one NaN: what sign arithmetic gives to it
// differs between machines.
QQI_FN struct qqi_number qqi_number_round(float x, qq_type type)
{
    const float v = qqi_canon_f32(x);

    if (type == QQ_TYPE_F16)
        return qqi_number_of(qqi_to_type(type, v), type);
    return qqi_number_of(qqi_flush(qqi_to_type(type, qqi_flush(v))), type);
}

QQI_INLINE struct qqi_number qqi_number_cast(struct qqi_number x, qq_type type)
{
    return x.type == type ? x : qqi_number_round(x.value, type);
}

// A constant of the program in the type of the array it meets.
QQI_INLINE struct qqi_number qqi_number_constant(double x, qq_type type)
{
    return qqi_number_round(qqi_constant(type, x), type);
}

QQI_INLINE qq_type qqi_common_type(qq_type a, qq_type b)
{
    return a == b ? a : QQ_TYPE_F32;
}

// An operand in the type of the operation.
QQI_INLINE float qqi_operand(struct qqi_number x, qq_type type)
{
    const float v = qqi_number_cast(x, type).value;

    return type == QQ_TYPE_F16 ? v : qqi_flush(v);
}

QQI_FN struct qqi_number qqi_number_mul(struct qqi_number a,
                                        struct qqi_number b)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    return qqi_number_round(qqi_mul_f32(qqi_operand(a, t), qqi_operand(b, t)),
                            t);
}

QQI_FN struct qqi_number qqi_number_div(struct qqi_number a,
                                        struct qqi_number b)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    return qqi_number_round(qqi_operand(a, t) / qqi_operand(b, t), t);
}

QQI_FN struct qqi_number qqi_number_add(struct qqi_number a,
                                        struct qqi_number b)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    return qqi_number_round(qqi_operand(a, t) + qqi_operand(b, t), t);
}

QQI_FN struct qqi_number qqi_number_sub(struct qqi_number a,
                                        struct qqi_number b)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    return qqi_number_round(qqi_operand(a, t) - qqi_operand(b, t), t);
}

QQI_INLINE struct qqi_number qqi_number_reciprocal(struct qqi_number x)
{
    return qqi_number_div(qqi_number_of(1.0f, x.type), x);
}

// a / b where b is broadcast over a: with reciprocal not 0 what JAX 0.10.1 and
// later make of it in f32 and f16, a * (1 / b); bf16 is divided truly always.
QQI_FN struct qqi_number qqi_number_div_by(struct qqi_number a,
                                           struct qqi_number b, int reciprocal)
{
    const qq_type t = qqi_common_type(a.type, b.type);

    if (!reciprocal || t == QQ_TYPE_BF16)
        return qqi_number_div(a, b);
    return qqi_number_mul(qqi_number_cast(a, t),
                          qqi_number_reciprocal(qqi_number_cast(b, t)));
}

// |x|, with subnormals flushed as the maximum that follows does.
QQI_INLINE struct qqi_number qqi_number_abs(struct qqi_number x)
{
    return qqi_number_of(qqi_abs_f32(qqi_operand(x, x.type)), x.type);
}

// The larger one; NaN if either is.
QQI_INLINE float qqi_larger(float a, float b)
{
    return qqi_is_nan_f32(a) || a > b ? a : b;
}

QQI_FN struct qqi_number qqi_load_number(const qq_tensor *t, size_t i)
{
    return qqi_number_of(qqi_load_value(t->type, t->data, i), t->type);
}

// Number i of an array of the number's type; out need not be aligned.
QQI_FN void qqi_store_number(void *out, size_t i, struct qqi_number x)
{
    const float v = qqi_canon_f32(x.value);

    qqi_store_code(x.type, out, i,
                   x.type == QQ_TYPE_F32   ? qqi_f32_bits(v)
                   : x.type == QQ_TYPE_F16 ? qqi_f16_from_f32(v)
                                           : qqi_bf16_from_f32(v));
}

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_STEP_H
