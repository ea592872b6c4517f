// qquant floor 0: the instruction sets that this build can have.
//
// One translation unit holds the kernels of every set; functions carry the
// target they need, so no option is asked for, and an option that allows more
// does no harm. What the machine has is found at run time (dispatch.h). A
// compiler without target attributes, or too old for a set, leaves it out:
//
//   AVX2, AVX-512     gcc 8, clang 9, on x86-64; not gcc on Windows, which
//                     does not align the stack for wide registers
//   AVX-VNNI, AMX     gcc 11, clang 12; AMX on top of AVX-512
//   NEON              gcc 8, clang 9, on little-endian aarch64; with dot
//                     products clang 16, with i8mm gcc 10
//
// Microsoft's own compiler has none; clang-cl has all.

#ifndef QQUANT_SIMD_H
#define QQUANT_SIMD_H

#include "compiler.h"

// Versions of the compiler; clang also claims to be an old gcc.
#if QQ_NO_SIMD || defined(__TINYC__)
#  define QQI_GCC   0
#  define QQI_CLANG 0
#elif defined(__apple_build_version__)
#  define QQI_GCC   0
#  define QQI_CLANG (__clang_major__ >= 13 ? 12 : 9)
#elif defined(__clang__)
#  define QQI_GCC   0
#  define QQI_CLANG __clang_major__
#elif defined(__GNUC__)
#  define QQI_GCC   __GNUC__
#  define QQI_CLANG 0
#else
#  define QQI_GCC   0
#  define QQI_CLANG 0
#endif

#if defined(__x86_64__) && !defined(__ILP32__) &&                              \
    (QQI_CLANG >= 9 || (QQI_GCC >= 8 && !defined(_WIN32)))
#  define QQI_X86 1
#else
#  define QQI_X86 0
#endif
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__ILP32__) &&      \
    !defined(__AARCH64EB__) && (QQI_CLANG >= 9 || QQI_GCC >= 8)
#  define QQI_ARM 1
#else
#  define QQI_ARM 0
#endif

#define QQI_HAS_AVX2     (QQI_X86 && !QQ_NO_AVX2)
#define QQI_HAS_AVX_VNNI (QQI_HAS_AVX2 && (QQI_GCC >= 11 || QQI_CLANG >= 12))
#define QQI_HAS_AVX512   (QQI_X86 && !QQ_NO_AVX512)
#define QQI_HAS_AMX                                                            \
    (QQI_HAS_AVX512 && !QQ_NO_AMX && (QQI_GCC >= 11 || QQI_CLANG >= 12))
#define QQI_HAS_NEON (QQI_ARM && !QQ_NO_NEON)

// gcc's attribute cannot add dot products to exactly armv8.1, nor clang's
// before 16 to anything; where the options allow them both can use them.
#if defined(__ARM_FEATURE_DOTPROD)
#  define QQI_HAS_NEON_DOT QQI_HAS_NEON
#elif defined(__ARM_FEATURE_QRDMX)
#  define QQI_HAS_NEON_DOT (QQI_HAS_NEON && QQI_CLANG >= 16)
#else
#  define QQI_HAS_NEON_DOT (QQI_HAS_NEON && (QQI_CLANG >= 16 || QQI_GCC >= 8))
#endif
#if defined(__ARM_FEATURE_MATMUL_INT8)
#  define QQI_HAS_NEON_I8MM QQI_HAS_NEON_DOT
#else
#  define QQI_HAS_NEON_I8MM                                                    \
      (QQI_HAS_NEON_DOT && (QQI_CLANG >= 16 || QQI_GCC >= 10))
#endif

// What each set asks of the compiler.
#define QQI_TARGET_AVX2       "avx2,fma,f16c"
#define QQI_TARGET_AVX_VNNI   "avx2,fma,f16c,avxvnni"
#define QQI_TARGET_AVX512     "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq"
#define QQI_TARGET_AVX512VNNI QQI_TARGET_AVX512 ",avx512vnni,avx512vbmi"
#define QQI_TARGET_AMX        QQI_TARGET_AVX512VNNI ",amx-tile,amx-int8"
#if QQI_CLANG
#  define QQI_TARGET_DOT  "dotprod"
#  define QQI_TARGET_I8MM "dotprod,i8mm"
#elif defined(__ARM_FEATURE_QRDMX)
#  define QQI_TARGET_DOT  "+dotprod"
#  define QQI_TARGET_I8MM "+dotprod+i8mm"
#elif defined(__ARM_FEATURE_CRYPTO)
#  define QQI_TARGET_DOT  "arch=armv8.2-a+crypto+dotprod"
#  define QQI_TARGET_I8MM "arch=armv8.2-a+crypto+dotprod+i8mm"
#else
#  define QQI_TARGET_DOT  "arch=armv8.2-a+dotprod"
#  define QQI_TARGET_I8MM "arch=armv8.2-a+dotprod+i8mm"
#endif

#define QQI_TARGET_FN(sets) static __attribute__((target(sets), unused))
#define QQI_TARGET_INLINE(sets)                                                \
    static inline __attribute__((target(sets), always_inline, unused))

#define QQI_AVX2_FN            QQI_TARGET_FN(QQI_TARGET_AVX2)
#define QQI_AVX2_INLINE        QQI_TARGET_INLINE(QQI_TARGET_AVX2)
#define QQI_AVX_VNNI_FN        QQI_TARGET_FN(QQI_TARGET_AVX_VNNI)
#define QQI_AVX_VNNI_INLINE    QQI_TARGET_INLINE(QQI_TARGET_AVX_VNNI)
#define QQI_AVX512_FN          QQI_TARGET_FN(QQI_TARGET_AVX512)
#define QQI_AVX512_INLINE      QQI_TARGET_INLINE(QQI_TARGET_AVX512)
#define QQI_AVX512_VNNI_FN     QQI_TARGET_FN(QQI_TARGET_AVX512VNNI)
#define QQI_AVX512_VNNI_INLINE QQI_TARGET_INLINE(QQI_TARGET_AVX512VNNI)
#define QQI_AMX_FN             QQI_TARGET_FN(QQI_TARGET_AMX)
#define QQI_AMX_INLINE         QQI_TARGET_INLINE(QQI_TARGET_AMX)
#define QQI_NEON_FN            static QQI_UNUSED
#define QQI_NEON_INLINE        QQI_INLINE
#define QQI_NEON_DOT_FN        QQI_TARGET_FN(QQI_TARGET_DOT)
#define QQI_NEON_DOT_INLINE    QQI_TARGET_INLINE(QQI_TARGET_DOT)
#define QQI_NEON_I8MM_FN       QQI_TARGET_FN(QQI_TARGET_I8MM)
#define QQI_NEON_I8MM_INLINE   QQI_TARGET_INLINE(QQI_TARGET_I8MM)

#endif // QQUANT_SIMD_H
