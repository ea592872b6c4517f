// qquant floor 0: linkage, the switches, the headers that declarations need.
//
// Every switch is 0 or 1 after this part and is read by #if, so that a
// misspelt one is an error under -Wundef. A user may write -DQQ_NO_OP,
// #define QQ_NO_OP or #define QQ_NO_OP 1: all three switch it on. The
// expression 0 - QQ_NO_OP - 1 is 1 only where the macro is empty.

#ifndef QQUANT_BASE_H
#define QQUANT_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifndef QQUANT_STATIC
#  define QQUANT_STATIC 0
#elif (0 - QQUANT_STATIC - 1) == 1
#  undef QQUANT_STATIC
#  define QQUANT_STATIC 1
#endif

#ifndef QQ_NO_AMX
#  define QQ_NO_AMX 0
#elif (0 - QQ_NO_AMX - 1) == 1
#  undef QQ_NO_AMX
#  define QQ_NO_AMX 1
#endif

#ifndef QQ_NO_AVX2
#  define QQ_NO_AVX2 0
#elif (0 - QQ_NO_AVX2 - 1) == 1
#  undef QQ_NO_AVX2
#  define QQ_NO_AVX2 1
#endif

#ifndef QQ_NO_AVX512
#  define QQ_NO_AVX512 0
#elif (0 - QQ_NO_AVX512 - 1) == 1
#  undef QQ_NO_AVX512
#  define QQ_NO_AVX512 1
#endif

#ifndef QQ_NO_FILE
#  define QQ_NO_FILE 0
#elif (0 - QQ_NO_FILE - 1) == 1
#  undef QQ_NO_FILE
#  define QQ_NO_FILE 1
#endif

#ifndef QQ_NO_MATRIX
#  define QQ_NO_MATRIX 0
#elif (0 - QQ_NO_MATRIX - 1) == 1
#  undef QQ_NO_MATRIX
#  define QQ_NO_MATRIX 1
#endif

#ifndef QQ_NO_NEON
#  define QQ_NO_NEON 0
#elif (0 - QQ_NO_NEON - 1) == 1
#  undef QQ_NO_NEON
#  define QQ_NO_NEON 1
#endif

#ifndef QQ_NO_OP
#  define QQ_NO_OP 0
#elif (0 - QQ_NO_OP - 1) == 1
#  undef QQ_NO_OP
#  define QQ_NO_OP 1
#endif

#ifndef QQ_NO_SIMD
#  define QQ_NO_SIMD 0
#elif (0 - QQ_NO_SIMD - 1) == 1
#  undef QQ_NO_SIMD
#  define QQ_NO_SIMD 1
#endif

#ifndef QQ_NO_SOLVE
#  define QQ_NO_SOLVE 0
#elif (0 - QQ_NO_SOLVE - 1) == 1
#  undef QQ_NO_SOLVE
#  define QQ_NO_SOLVE 1
#endif

// Solvers stand on the dense products of that wing.
#if QQ_NO_MATRIX && !QQ_NO_SOLVE
#  undef QQ_NO_SOLVE
#  define QQ_NO_SOLVE 1
#endif

#ifndef QQ_NO_TRAIN
#  define QQ_NO_TRAIN 0
#elif (0 - QQ_NO_TRAIN - 1) == 1
#  undef QQ_NO_TRAIN
#  define QQ_NO_TRAIN 1
#endif

// Silences the compiler where a program calls only part of a static library.
#if defined(__GNUC__) || defined(__clang__)
#  define QQI_UNUSED __attribute__((unused))
#else
#  define QQI_UNUSED
#endif

// What stands before every public function. A program that puts qquant in a
// shared library defines it itself, extern "C" included where it is C++.
#ifndef QQ_API
#  if QQUANT_STATIC
#    define QQ_API static QQI_UNUSED
#  elif defined(__cplusplus)
#    define QQ_API extern "C"
#  else
#    define QQ_API extern
#  endif
#endif

#endif // QQUANT_BASE_H
