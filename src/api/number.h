// qquant floor 1: single numbers.
//
// The functions of <math.h> differ in their last bits from one C library to
// the next. These give the same bits everywhere, and need no library. Each
// is correctly rounded: of all floats the answer is the one nearest to the
// exact result, the even one of two, so the error is at most half an ulp. A
// result beyond the largest float is an infinity, one below 2^-126 a
// subnormal float or 0 by the same rounding. A NaN, given or made, comes back
// as the one with the bits 7fc00000.

#ifndef QQUANT_API_NUMBER_H
#define QQUANT_API_NUMBER_H

#include "base.h"

// a * b + c with a single rounding. 0 * inf and inf - inf are NaN.
QQ_API float qq_fma(float a, float b, float c);

// The nearest integer, the even one of two: 2.5 gives 2. -0.25 gives -0.
QQ_API float qq_round_even(float x);

// The root of x: of -0 it is -0; below 0 NaN.
QQ_API float qq_sqrt(float x);

// e^x and 2^x. Of -inf 0, of inf inf.
QQ_API float qq_exp(float x);
QQ_API float qq_exp2(float x);

// The natural logarithm and the one to base 2. Of 0 and -0 -inf; below 0 NaN.
QQ_API float qq_log(float x);
QQ_API float qq_log2(float x);

// The hyperbolic tangent, in [-1, 1]; of -0 it is -0.
QQ_API float qq_tanh(float x);

// x as a half (IEEE binary16) and as a bfloat16, the upper half of a float.
// Beyond the largest finite value, 65504 or 3.39e38, rounding gives infinity.
// A NaN keeps its sign and the leading bits of its payload and is quiet. No
// mode in which the machine flushes subnormals changes the result.
QQ_API uint16_t qq_f16_from_f32(float x);
QQ_API uint16_t qq_bf16_from_f32(float x);

// And back, exactly. A NaN keeps its sign and payload and is quiet.
QQ_API float qq_f32_from_f16(uint16_t code);
QQ_API float qq_f32_from_bf16(uint16_t code);

#endif // QQUANT_API_NUMBER_H
