// qquant floor 0: what the implementation asks of the compiler, and refuses.
//
// The only part that asks which compiler or machine this is.

#ifndef QQUANT_COMPILER_H
#define QQUANT_COMPILER_H

#include "base.h"

// Results are promised to the bit, so options that let the compiler change
// arithmetic are refused. -ffp-contract=fast is not among them: see
// num/step.h.
#if defined(__FAST_MATH__) || defined(_M_FP_FAST)
#  error "qquant: compile without -ffast-math (/fp:fast): results would change"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#  error "qquant: compile without -ffinite-math-only: NaN and infinity count"
#endif
#if defined(__ASSOCIATIVE_MATH__)
#  error "qquant: compile without -fassociative-math: results would change"
#endif
#if defined(__RECIPROCAL_MATH__)
#  error "qquant: compile without -freciprocal-math: results would change"
#endif

// Floats must be evaluated as floats: 0, or 16 where only _Float16 is special.
#if defined(__FLT_EVAL_METHOD__)
#  if __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#    if defined(__s390__)
#      error "qquant: floats must not be widened: on s390x use -std=gnu99"
#    else
#      error "qquant: floats must not be widened: try -mfpmath=sse -msse2"
#    endif
#  endif
#elif defined(_M_IX86_FP)
#  if _M_IX86_FP < 2
#    error "qquant: floats must not be widened: use /arch:SSE2"
#  endif
#elif defined(__TINYC__) && defined(__i386__)
#  error "qquant: floats must not be widened: tcc on i386 computes in x87"
#endif

// The three functions of the C library that qquant calls.
#if !defined(QQ_MEMCPY) || !defined(QQ_MEMSET) || !defined(QQ_MEMMOVE)
#  include <string.h>
#endif
#ifndef QQ_MEMCPY
#  define QQ_MEMCPY memcpy
#endif
#ifndef QQ_MEMSET
#  define QQ_MEMSET memset
#endif
#ifndef QQ_MEMMOVE
#  define QQ_MEMMOVE memmove
#endif

// Preconditions that only a wrong program breaks.
#ifndef QQ_ASSERT
#  define QQ_ASSERT(x) ((void)0)
#endif

// An internal function: never a name of the program that includes us.
#define QQI_FN static QQI_UNUSED

#if defined(__GNUC__) || defined(__clang__)
#  define QQI_INLINE static inline __attribute__((always_inline, unused))
#elif defined(_MSC_VER)
#  define QQI_INLINE static __forceinline
#else
#  define QQI_INLINE static inline
#endif

// A function that keeps its stack frame to itself.
#if defined(__GNUC__) || defined(__clang__)
#  define QQI_NOINLINE static __attribute__((noinline, unused))
#elif defined(_MSC_VER)
#  define QQI_NOINLINE static __declspec(noinline)
#else
#  define QQI_NOINLINE static
#endif

// Makes the compiler forget how the variable x came about, so that no product
// behind it can be fused into a later sum; the value does not change. Where
// the letter for the machine's float registers is known x stays in one.
#if defined(__TINYC__)
#  define QQI_KEEP_F32(x) ((void)(x)) // never fuses
#  define QQI_KEEP_F64(x) ((void)(x))
#elif defined(__GNUC__) || defined(__clang__)
#  if (defined(__x86_64__) || defined(__i386__)) && defined(__SSE2__)
#    define QQI_KEEP_F32(x) __asm__("" : "+x"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+x"(x))
#  elif defined(__aarch64__)
#    define QQI_KEEP_F32(x) __asm__("" : "+w"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+w"(x))
#  elif defined(__s390x__) || (defined(__riscv_flen) && __riscv_flen >= 64)
#    define QQI_KEEP_F32(x) __asm__("" : "+f"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+f"(x))
#  elif defined(__arm__) && defined(__ARM_FP)
#    define QQI_KEEP_F32(x) __asm__("" : "+t"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+m"(x))
#  else
#    define QQI_KEEP_F32(x) __asm__("" : "+m"(x))
#    define QQI_KEEP_F64(x) __asm__("" : "+m"(x))
#  endif
#else
#  define QQI_KEEP_F32(x)                                                      \
      do {                                                                     \
          const volatile float qqi_kept = (x);                                 \
          (x) = qqi_kept;                                                      \
      } while (0)
#  define QQI_KEEP_F64(x)                                                      \
      do {                                                                     \
          const volatile double qqi_kept = (x);                                \
          (x) = qqi_kept;                                                      \
      } while (0)
#endif

// 1 where a fused multiply-add of floats is one instruction of every machine
// that the options allow, so that asking for it names no function of libm.
#if (defined(__GNUC__) || defined(__clang__)) && !defined(__TINYC__) &&        \
    (defined(__FP_FAST_FMAF) || defined(__FMA__) ||                            \
     defined(__ARM_FEATURE_FMA) || defined(__aarch64__))
#  define QQI_HAS_FMA          1
#  define QQI_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#else
#  define QQI_HAS_FMA 0
#endif

// For functions whose unsigned arithmetic wraps on purpose (hashes, Threefry,
// digits of wide products), so that -fsanitize=integer stays useful.
#if defined(__clang__)
#  define QQI_WRAPS __attribute__((no_sanitize("integer")))
#else
#  define QQI_WRAPS
#endif

// The name must be new: the lines of pasted parts repeat.
#define QQI_STATIC_ASSERT(name, x)                                             \
    typedef char qqi_assert_##name[(x) ? 1 : -1] QQI_UNUSED

QQI_STATIC_ASSERT(byte, sizeof(uint8_t) == 1 && (uint8_t)-1 == 255);
QQI_STATIC_ASSERT(float, sizeof(float) == 4 && sizeof(double) == 8);
QQI_STATIC_ASSERT(size, sizeof(size_t) >= 4);

#endif // QQUANT_COMPILER_H
