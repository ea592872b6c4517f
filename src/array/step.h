// qquant floor 5: the arithmetic of a tensor's own type.
//
// Qwix computes in the type of x: every result is rounded to f32, f16 or bf16.
// A number of any of these is held in a float; an operation is made in f32 and
// its result rounded to the type, which for a sum, product or quotient of two
// f16 or two bf16 numbers gives what one rounding would.

#ifndef QQUANT_ARRAY_STEP_H
#define QQUANT_ARRAY_STEP_H

#include "api/array.h"
#include "num/half.h"
#include "num/step.h"

QQI_INLINE float qqi_to_type(qq_type type, float x)
{
    if (type == QQ_TYPE_F16)
        return qqi_f32_from_f16(qqi_f16_from_f32(x));
    if (type == QQ_TYPE_BF16)
        return qqi_f32_from_bf16(qqi_bf16_from_f32(x));
    return x;
}

// A constant of the program in the type, rounded once.
QQI_INLINE float qqi_constant(qq_type type, double x)
{
    if (type == QQ_TYPE_F16)
        return qqi_f32_from_f16(qqi_f16_from_f64(x));
    if (type == QQ_TYPE_BF16)
        return qqi_f32_from_bf16(qqi_bf16_from_f64(x));
    return qqi_f32_from_f64(x);
}

QQI_INLINE float qqi_type_mul(qq_type type, float a, float b)
{
    return qqi_to_type(type, qqi_mul_f32(a, b));
}

QQI_INLINE float qqi_type_add(qq_type type, float a, float b)
{
    return qqi_to_type(type, qqi_keep_f32(a) + qqi_keep_f32(b));
}

// a / b, or a * (1 / b) with both rounded.
QQI_INLINE float qqi_type_div(qq_type type, float a, float b, int reciprocal)
{
    if (reciprocal)
        return qqi_type_mul(type, a, qqi_to_type(type, 1.0f / b));
    return qqi_to_type(type, a / b);
}

// Whether a quotient of arrays is made by the reciprocal: as JAX does where
// the divisor has fewer elements than the result, but not in bf16.
QQI_FN int qqi_by_reciprocal(int rule_is_reciprocal, qq_type type,
                             size_t dividends, size_t divisors)
{
    return rule_is_reciprocal && type != QQ_TYPE_BF16 && dividends > divisors;
}

// x / scale.
QQI_FN int qqi_quotient_by_reciprocal(const qq_scheme *s, qq_type type,
                                      size_t numbers, size_t scales)
{
    return s->division == QQ_DIVISION_MULTIPLY ||
           s->division == QQ_DIVISION_MULTIPLY_RECIPROCAL ||
           qqi_by_reciprocal(s->division == QQ_DIVISION_RECIPROCAL, type,
                             numbers, scales);
}

// absmax / bound.
QQI_FN int qqi_scale_by_reciprocal(const qq_scheme *s, qq_type type,
                                   size_t scales)
{
    return qqi_by_reciprocal(s->division == QQ_DIVISION_RECIPROCAL ||
                                 s->division == QQ_DIVISION_MULTIPLY_RECIPROCAL,
                             type, scales, 1);
}

#endif // QQUANT_ARRAY_STEP_H
