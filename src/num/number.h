// qquant floor 2: the public functions of api/number.h.

#ifndef QQUANT_NUM_NUMBER_H
#define QQUANT_NUM_NUMBER_H

#include "api/number.h"
#include "num/exp.h"
#include "num/half.h"
#include "num/log.h"
#include "num/round.h"
#include "num/sqrt.h"
#include "num/step.h"
#include "num/tanh.h"

QQ_API float qq_fma(float a, float b, float c)
{
    return qqi_canon_f32(qqi_fma_f32(a, b, c));
}

QQ_API float qq_round_even(float x)
{
    return qqi_canon_f32(qqi_rne_f32(x));
}

QQ_API float qq_sqrt(float x)
{
    return qqi_sqrt_f32(x);
}

QQ_API float qq_exp(float x)
{
    return qqi_exp_f32(x);
}

QQ_API float qq_exp2(float x)
{
    return qqi_exp2_f32(x);
}

QQ_API float qq_log(float x)
{
    return qqi_log_f32(x);
}

QQ_API float qq_log2(float x)
{
    return qqi_log2_f32(x);
}

QQ_API float qq_tanh(float x)
{
    return qqi_tanh_f32(x);
}

QQ_API uint16_t qq_f16_from_f32(float x)
{
    return qqi_f16_from_f32(x);
}

QQ_API uint16_t qq_bf16_from_f32(float x)
{
    return qqi_bf16_from_f32(x);
}

QQ_API float qq_f32_from_f16(uint16_t code)
{
    return qqi_f32_from_f16(code);
}

QQ_API float qq_f32_from_bf16(uint16_t code)
{
    return qqi_f32_from_bf16(code);
}

#endif // QQUANT_NUM_NUMBER_H
