/*
qquant 0.1.0 - extreme low-bit numerics in one C header.
Public domain (Unlicense) or MIT-0, as you choose: see the end of this file.

qquant turns tensors of 32-bit floats into codes of 1 to 8 bits with scales,
and back: the number types, the calibrations and the packings of Qwix, AQT,
Array1B, bitsandbytes and OneCompression. It packs weights once for all
machines, multiplies with them, and fits codes to what a layer sees. It
allocates nothing, prints nothing, starts no thread, calls nothing but memcpy,
memset and memmove, and gives the same bits on every machine and under every
compiler.

CONTENTS

    1  How to include it
    2  The switches
    3  Memory, errors, threads
    4  The same bits everywhere
    5  Where things are
    6  The rules
    7  A scheme, from end to end


1  HOW TO INCLUDE IT

    In exactly one C or C++ file of the program:

        #define QQUANT_IMPLEMENTATION
        #include "qquant.h"

    and in every other file that uses it:

        #include "qquant.h"

    C99 to C23 and C++11 to C++20. Nothing need be linked, not even libm.


2  THE SWITCHES

    Define them before the header is included, the same in every file. A
    switch is on when it is defined as nothing or as 1, off when it is 0.
    Behind the include QQUANT_STATIC and each QQ_NO_ is 0 or 1: ask by #if.

    QQUANT_IMPLEMENTATION
        affects: compiles the functions, not only their declarations.
        default: declarations only.
        cost:    one compilation of the library, in one file.
        symptom: without it the linker misses every qq_ name; with it in two
                 files the linker finds every qq_ name twice.

    QQUANT_STATIC
        affects: every function is static, private to the file.
        default: functions are extern, with C linkage.
        cost:    each file that uses qquant defines it together with
                 QQUANT_IMPLEMENTATION and carries a copy of its own.
        symptom: a library that embeds qquant and does not define this
                 collides with a program that embeds it too.

    QQ_API
        affects: what stands before each public function, extern "C"
                 included where the program is C++.
        default: extern, extern "C", or static under QQUANT_STATIC.
        symptom: a shared library that exports its names only on demand
                 hides qquant.

    QQ_ASSERT(x)
        affects: preconditions that only a wrong program breaks.
        default: ((void)0), nothing is looked at.
        cost:    a comparison or two a call.
        symptom: an output that overlaps an input gives wrong numbers, an
                 index beyond a tensor a foreign number, without a word.

    QQ_MEMCPY(d, s, n), QQ_MEMSET(d, c, n), QQ_MEMMOVE(d, s, n)
        affects: the three functions that qquant needs.
        default: those of <string.h>, which is not included when all three
                 are defined.

    QQ_NO_FILE, QQ_NO_MATRIX, QQ_NO_OP, QQ_NO_SOLVE, QQ_NO_TRAIN
        affects: leaves out what reads other people's checkpoints (the blocks
                 of bitsandbytes), packed matrices and their products, the
                 operations on decoded tensors, what fits codes to calibration
                 data (and OneBit), the rules and calibrations of AQT and
                 FJFormer's bits. Without matrices there are no solvers.
        default: everything is in.
        symptom: the names of that wing are unknown.

    QQ_NO_AMX, QQ_NO_AVX2, QQ_NO_AVX512, QQ_NO_NEON
        affects: leaves out the kernels of these sets of instructions (AVX2:
                 AVX-VNNI too; AVX512: VNNI and AMX too).
        default: all that the compiler can make; no option like -mavx2 is
                 needed. What the machine has is found on first use.
        cost:    speed on machines that have them; none in bits.

    QQ_NO_SIMD
        affects: products are made by plain C and no instruction set is ever
                 looked for: each part of a product needs 1 KiB of scratch
                 instead of 16 or more, nothing is remembered between calls,
                 and no system header or call is used.
        default: the best that the build and the machine have.
        cost:    speed; none in bits.


3  MEMORY, ERRORS, THREADS

    The caller brings all memory. A function that needs some has a companion
    that answers how many bytes; SIZE_MAX means "impossible", a size that no
    buffer has. Bytes of tensors are void pointers and need no alignment.

    What can fail returns a qq_status, which is 0 when all is well; arguments
    are checked first, in their order, and nothing is written on failure.
    NULL is allowed where there are no bytes. Nothing aborts.

    qquant may be called from any thread. It keeps no state but which kernels
    are in use (qq_use_isa in api/matmul.h), and not even that under QQ_NO_SIMD.
    Long calls take a qq_parallel_for through which the caller lends its
    threads; the result does not depend on it.


4  THE SAME BITS EVERYWHERE

    The same input gives the same bytes under every compiler, optimisation
    level, instruction set and number of threads, in the default floating-
    point mode (round to nearest even, subnormals kept). Options that let the
    compiler change arithmetic, -ffast-math first of all, are refused with an
    #error, and so is x87 arithmetic on i386: there use -msse2 -mfpmath=sse.


5  WHERE THINGS ARE

    The declarations come first, each with its documentation; the
    implementation follows. A line "// ==== dir/part.h ====" begins each part
    of the source in src/, from which this file is made. Look for

        api/status.h   version, status        api/scheme.h   how to quantize
        api/type.h     the types              api/array.h    quantize, read back
        api/number.h   single numbers         api/view.h     moving arrays
        api/tensor.h   tensors                api/metric.h   errors
        api/pack.h     codes in bits          api/bnb.h      bitsandbytes
        api/random.h   Threefry               api/eformer.h  eformer's arrays
        api/op.h       operations             api/aqt.h      AQT, FJ
        api/matrix.h   packed matrices        api/matmul.h   their products
        api/rotation.h rotated inputs         api/gemm.h     dense products
        api/moments.h  calibration data       api/solve.h    least error
        api/onebit.h   signs and two factors  api/model.h    parts of a model
        api/drive.h    whole models

    A packed matrix holds the codes of a weight, its scales, factors and bias
    in one block of bytes, which is the same on every machine and is multiplied
    where it lies. api/matrix.h states the bytes, api/matmul.h every rounding
    of a product and the way from weights to a layer.

    Codes that are fitted to calibration data keep a layer's output: api/solve.h
    has the steps for one layer, api/drive.h takes a whole model through them.


6  THE RULES

    scheme.rule says whose arithmetic makes scales and codes. All steps round
    to nearest even; T is the type of x (f32, f16, bf16).

    qquant (ours)   stands at qq_quantize: f32 inside, symmetric codes, only
        finite numbers decide a scale, the stored scale is what codes are made
        with, the last tile of an axis may be short.
    Qwix            every step is rounded to T, constants too. scale = absmax
        / B with B = qmax + 0.5 (int16: 32768; floats: their largest value);
        asymmetric (max - min) / (qmax - qmin), zero point = qmin - min /
        scale as a code. A scale below the root of T's smallest normal number
        (2^-63; f16: 2^-7) becomes 1. Power-of-two types: 2^floor(log2(bf16(
        scale * c))), c = 12/7 for mxfp4, 60/31 for mxfp8; the release of Qwix
        2^ceil(log2 scale); nvfp4: the scale through e4m3fn. code = x / scale
        (+ zero point), rounded, cut to qmin ... qmax: -absmax may so become
        qmin. NaN spreads over its tile. scheme.division chooses how quotients
        are made: truly, as JAX did until 0.10.0, or by the reciprocal where
        the divisor has fewer elements, as it does since. Only int4, int8 and
        int16 have zero points; fixed calibration has one scale a tensor.
    AQT, FJ         api/aqt.h and qq_numerics in api/scheme.h.
    eformer         api/eformer.h.
    bitsandbytes    has calls of its own: api/bnb.h.


7  A SCHEME, FROM END TO END

    A matrix w of n rows and k columns to int4, a scale for every 32 numbers
    of a row, clipped where the squared error is least; room is memory of the
    caller's, of qq_array_size(&w, &s) bytes at least:

        const size_t shape[2] = {n, k};
        const qq_tensor w = qq_tensor_make(floats, QQ_TYPE_F32, 2, shape);
        qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
        qq_scheme_channel(&s, 0, 2);            // every row by itself
        qq_scheme_tile(&s, 1, 2, 32);           // and every 32 of its numbers
        qq_calibration_parse("mse", 3, &s.calibration);
        status = qq_quantize(&w, &s, room, room_bytes, &array);
        status = qq_dequantize(&array, s.rule, QQ_TYPE_F32, back, back_bytes,
                               &y);
        status = qq_compare(&w, &y, &metrics);  // metrics.sqnr_db ...

    For the answer of Qwix begin with qq_scheme_init_rule(QQ_TYPE_INT4,
    QQ_RULE_QWIX).
*/

#ifndef QQUANT_H
#define QQUANT_H

#include "base.h"
#include "api/status.h"
#include "api/type.h"
#include "api/tensor.h"
#include "api/random.h"
#include "api/rotation.h"
#include "api/pack.h"
#include "api/number.h"
#include "api/scheme.h"
#include "api/array.h"
#include "api/eformer.h"
#include "api/view.h"
#include "api/metric.h"
#if !QQ_NO_FILE
#include "api/bnb.h"
#endif
#if !QQ_NO_TRAIN
#include "api/aqt.h"
#endif
#if !QQ_NO_MATRIX
#include "api/matrix.h"
#include "api/matmul.h"
#include "api/gemm.h"
#endif
#if !QQ_NO_OP
#include "api/op.h"
#endif
#if !QQ_NO_SOLVE
#include "api/moments.h"
#include "api/solve.h"
#include "api/onebit.h"
#include "api/model.h"
#include "api/drive.h"
#endif

#endif // QQUANT_H

// An editor that greys what is not compiled shows the implementation too.
#if defined(__INTELLISENSE__) || defined(__JETBRAINS_IDE__)
#ifndef QQUANT_IMPLEMENTATION
#define QQUANT_IMPLEMENTATION
#endif
#endif

#if defined(QQUANT_IMPLEMENTATION) && !defined(QQUANT_IMPLEMENTED)
#define QQUANT_IMPLEMENTED

#include "compiler.h"
#include "simd.h"
#include "status.h"
#include "num/bits.h"
#include "num/decimal.h"
#include "num/e8m0.h"
#include "num/exp.h"
#include "num/fixed.h"
#include "num/half.h"
#include "num/log.h"
#include "num/minifloat.h"
#include "num/noise.h"
#include "num/number.h"
#include "num/pow.h"
#include "num/random.h"
#include "num/rotation.h"
#include "num/round.h"
#include "num/shortest.h"
#include "num/sqrt.h"
#include "num/step.h"
#include "num/tanh.h"
#include "num/threefry.h"
#include "num/widen.h"
#include "type.h"
// From here on those parts of a folder that no other one includes.
#include "codec/many.h"
#include "codec/order.h"
#include "codec/ternary.h"
#if !QQ_NO_FILE
#include "codec/bnb.h"
#include "codec/bnb_decode.h"
#include "codec/bnb_product.h"
#include "codec/bnb_rows.h"
#include "codec/bnb_state.h"
#endif
#include "array/array1b_pack.h"
#include "array/array1b_unpack.h"
#include "array/broadcast.h"
#include "array/clip.h"
#include "array/clipped.h"
#include "array/concatenate.h"
#include "array/eformer_front.h"
#include "array/given.h"
#include "array/index.h"
#include "array/move.h"
#include "array/pairwise.h"
#include "array/product.h"
#include "array/reshape.h"
#include "array/statistics.h"
#include "array/take.h"
#include "array/view.h"
#if !QQ_NO_MATRIX
#include "kernel/scalar/table.h"
#include "kernel/avx2/table.h"
#include "kernel/avx512/table.h"
#include "kernel/amx/table.h"
#include "kernel/neon/table.h"
#include "kernel/scalar/dense.h"
#include "kernel/avx2/dense_pass.h"
#include "kernel/avx512/dense_pass.h"
#include "kernel/neon/dense_pass.h"
#include "detect.h"
#include "dispatch.h"
#include "matrix/gemm.h"
#include "matrix/matmul.h"
#include "matrix/quantize.h"
#include "matrix/row.h"
#endif
#if !QQ_NO_SOLVE
#include "matrix/cholesky.h"
#include "matrix/linear.h"
#endif
#if !QQ_NO_OP
#include "op/dot.h"
#include "op/dot_eformer.h"
#include "op/elementwise.h"
#include "op/move_array.h"
#endif
#if !QQ_NO_SOLVE
#include "solve/adjust.h"
#include "solve/layer_errors.h"
#include "solve/onebit_solve.h"
#include "solve/onecomp_gptq.h"
#include "solve/rank.h"
#include "solve/recipe.h"
#include "solve/rotation.h"
#endif
#if !QQ_NO_TRAIN
#include "train/calibration.h"
#include "train/layout.h"
#include "train/scaled.h"
#include "train/update.h"
#endif
#if !QQ_NO_SOLVE
#include "model/drive_choose.h"
#include "model/drive_keep.h"
#include "model/statistics.h"
#endif

#endif // QQUANT_IMPLEMENTATION

/*
qquant may be used under either of two licences. Choose the one you prefer.

------------------------------------------------------------------------------
CHOICE A - The Unlicense (public domain)

This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute
this software, either in source code form or as a compiled binary, for any
purpose, commercial or non-commercial, and by any means.

In jurisdictions that recognize copyright laws, the author or authors of this
software dedicate any and all copyright interest in the software to the public
domain. We make this dedication for the benefit of the public at large and to
the detriment of our heirs and successors. We intend this dedication to be an
overt act of relinquishment in perpetuity of all present and future rights to
this software under copyright law.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN
ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org/>

------------------------------------------------------------------------------
CHOICE B - MIT No Attribution (MIT-0)

Copyright (c) the authors of qquant

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/
