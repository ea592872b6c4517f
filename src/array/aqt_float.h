// qquant floor 5: AQT's small floats: fp8, and fp of any make.
//
// fp8: cut to the largest value, nearest even. Stochastically the bits of x
// that fp8 has no room for are replaced by a carry from random ones first.
//
// fp: bf16 in, bf16 out, 1 the smallest normal number (1/2 under subnormals,
// which fill it up in steps of 2^-mantissa). In integers: half a step is added
// (or random bits below a step), the low bits go, the magnitude is cut. A NaN
// goes as its bits go.
//
// Google AQT: Fp8Numerics and FpNumerics of aqtp 0.9.0.

#ifndef QQUANT_ARRAY_AQT_FLOAT_H
#define QQUANT_ARRAY_AQT_FLOAT_H

#include "api/scheme.h"
#include "array/aqt_step.h"
#include "num/pow.h"
#include "num/round.h"

#if !QQ_NO_TRAIN

QQI_FN double qqi_fp8_largest(qq_type type)
{
    return type == QQ_TYPE_E5M2 ? 57344.0 : 448.0;
}

QQI_FN double qqi_fp_largest(const qq_numerics *n)
{
    const double below = qqi_power_of_two(-(int)n->mantissa);
    const int top = (1 << n->exponent) - 1 - (n->subnormals ? 1 : 0);

    return n->exponent == 0 ? 1.0 - below
                            : qqi_power_of_two(top) * (2.0 - below);
}

// x with random bits added below what fp8 holds, and these cut off: 23 or 7
// bits of mantissa become 3 (e4m3fn) or 2 (e5m2). x is f32 or bf16.
QQI_FN QQI_WRAPS struct qqi_number
qqi_aqt_mantissa(const qq_scheme *s, struct qqi_number x, uint32_t bits)
{
    const unsigned kept = s->type == QQ_TYPE_E5M2 ? 2 : 3;
    const unsigned below = x.type == QQ_TYPE_F32 ? 0 : 16;
    const uint32_t mask = ((uint32_t)1 << (23 - below - kept)) - 1;
    uint32_t u = qqi_f32_bits(x.value) >> below;

    u = (u + (bits & mask)) & ~mask;
    return qqi_number_of(qqi_f32_of(u << below), x.type);
}

// The number fp8 comes to: cut, not yet rounded.
QQI_FN struct qqi_number qqi_aqt_fp8(const qq_scheme *s, struct qqi_number x,
                                     uint32_t bits)
{
    const float q = (float)qqi_fp8_largest(s->type);

    if (s->numerics.stochastic)
        x = qqi_aqt_mantissa(s, x, bits);
    const float v = x.value > q ? q : x.value < -q ? -q : x.value;
    return qqi_number_of(v, x.type);
}

// fp without its subnormal numbers. u: the bits of a bf16 number.
QQI_FN float qqi_aqt_fp_normal(const qq_numerics *n, uint32_t u, uint32_t bits)
{
    const uint32_t mask = ((uint32_t)1 << (7 - n->mantissa)) - 1;
    const uint32_t least = 127u - (n->subnormals ? 1 : 0);
    const uint32_t most = least + ((uint32_t)1 << n->exponent) - 1;
    const uint32_t lo = least << 7;
    const uint32_t hi = (most << 7) + (0x7fu & ~mask);
    const uint32_t add = n->stochastic ? bits & mask : (mask + 1) / 2;

    u = (u + add) & 0xffffu & ~mask;
    const uint32_t a = u & 0x7fffu;
    const uint32_t cut = a < lo ? lo : a > hi ? hi : a;
    return qqi_f32_of(((u & 0x8000u) | cut) << 16);
}

// The subnormal numbers: steps of 2^-mantissa, as many as fill up to 1.
QQI_FN float qqi_aqt_fp_subnormal(const qq_numerics *n, float x, uint32_t bits)
{
    const float step = (float)qqi_power_of_two(-(int)n->mantissa);
    const float scaled = qqi_mul_f32(x, (float)(1 << n->mantissa));
    const float drawn = (float)bits / 65536.0f - 0.49999237060546875f;
    const float noise = n->stochastic ? drawn : 0.0f;
    const float r = qqi_rne_f32(scaled + noise); // -0 + 0 is 0

    return qqi_number_round(qqi_mul_f32(r, step), QQ_TYPE_BF16).value;
}

QQI_FN struct qqi_number qqi_aqt_fp(const qq_scheme *s, struct qqi_number x,
                                    uint32_t bits)
{
    const qq_numerics *n = &s->numerics;
    const float v = qqi_number_cast(x, QQ_TYPE_BF16).value;
    const int below_one = qqi_abs_f32(v) < 1.0f;
    float y;

    if (n->exponent == 0) {
        const float top = 1.0f - (float)qqi_power_of_two(-(int)n->mantissa);
        y = qqi_aqt_fp_subnormal(n, v, bits);
        y = y > top ? top : y < -top ? -top : y;
    } else if (below_one && n->subnormals) {
        y = qqi_aqt_fp_subnormal(n, v, bits);
    } else if (below_one && n->stochastic) {
        // Up with the probability (1 + x) / 2.
        y = v > (float)bits / 32768.0f - 0.9999847412109375f ? 1.0f : -1.0f;
    } else {
        y = qqi_aqt_fp_normal(n, qqi_f32_bits(v) >> 16, bits);
    }
    return qqi_number_of(y, QQ_TYPE_BF16);
}

#endif // !QQ_NO_TRAIN
#endif // QQUANT_ARRAY_AQT_FLOAT_H
