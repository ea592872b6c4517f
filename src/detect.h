// qquant floor 6: which instruction sets the machine has.
//
// x86: CPUID says what the processor can do, XGETBV which registers the
// operating system saves; both must hold. aarch64: NEON is always there; for
// dot products and i8mm the operating system is asked, by one call, unless the
// options of the compiler allow them already. AMX must also be permitted to
// the process, which is asked for only when the program chooses that rung.

#ifndef QQUANT_DETECT_H
#define QQUANT_DETECT_H

#include "simd.h"

// --- x86 -------------------------------------------------------------------

#if QQI_X86

typedef struct qqi_cpuid {
    uint32_t a, b, c, d;
} qqi_cpuid;

// All zero beyond the highest leaf.
QQI_FN qqi_cpuid qqi_cpuid_get(uint32_t leaf, uint32_t sub)
{
    qqi_cpuid r = {0, 0, 0, 0};

    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "0"(0), "2"(0));
    if (r.a < leaf) {
        const qqi_cpuid none = {0, 0, 0, 0};
        return none;
    }
    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "0"(leaf), "2"(sub));
    return r;
}

// The registers that are saved: 1 and 2 xmm and ymm, 5 to 7 zmm and masks, 17
// and 18 AMX.
QQI_FN uint32_t qqi_saved_registers(void)
{
    uint32_t a, d;

    if ((qqi_cpuid_get(1, 0).c >> 27 & 1) == 0) // OSXSAVE
        return 0;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(a), "=d"(d) : "c"(0));
    return a;
}

QQI_INLINE int qqi_has_all(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

// SSSE3, SSE4.1, SSE4.2, POPCNT, FMA, F16C, AVX; BMI1, AVX2, BMI2.
QQI_FN int qqi_has_avx2(void)
{
    const uint32_t c = 1u << 9 | 1u << 12 | 1u << 19 | 1u << 20 | 1u << 23 |
                       1u << 28 | 1u << 29;

    return qqi_has_all(qqi_saved_registers(), 6) &&
           qqi_has_all(qqi_cpuid_get(1, 0).c, c) &&
           qqi_has_all(qqi_cpuid_get(7, 0).b, 1u << 3 | 1u << 5 | 1u << 8);
}

QQI_FN int qqi_has_avx_vnni(void)
{
    return qqi_has_avx2() && (qqi_cpuid_get(7, 1).a >> 4 & 1);
}

// F, DQ, BW, VL.
QQI_FN int qqi_has_avx512(void)
{
    return qqi_has_avx2() && qqi_has_all(qqi_saved_registers(), 0xe6) &&
           qqi_has_all(qqi_cpuid_get(7, 0).b,
                       1u << 16 | 1u << 17 | 1u << 30 | 1u << 31);
}

// VBMI, VNNI.
QQI_FN int qqi_has_avx512_vnni(void)
{
    return qqi_has_avx512() &&
           qqi_has_all(qqi_cpuid_get(7, 0).c, 1u << 1 | 1u << 11);
}

// Tiles and their int8 products.
QQI_FN int qqi_has_amx(void)
{
    return qqi_has_avx512_vnni() &&
           qqi_has_all(qqi_saved_registers(), 3u << 17) &&
           qqi_has_all(qqi_cpuid_get(7, 0).d, 3u << 24);
}

#  if defined(__linux__)
// arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), for the whole process.
QQI_FN int qqi_ask_amx(void)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(158L), "D"(0x1023L), "S"(18L)
                     : "rcx", "r11", "memory");
    return result == 0;
}
#  else
QQI_FN int qqi_ask_amx(void)
{
    return 0;
}
#  endif

#endif

// --- aarch64 ---------------------------------------------------------------

#if QQI_HAS_NEON

#  if defined(__ARM_FEATURE_DOTPROD) && defined(__ARM_FEATURE_MATMUL_INT8)
#    define QQI_ARM_FEATURES 3
#  elif defined(__linux__)
#    include <sys/auxv.h>
#    define QQI_ARM_FEATURES                                                   \
        ((getauxval(16) >> 20 & 1) | (getauxval(26) >> 13 & 1) << 1)
#  elif defined(__APPLE__)
#    include <sys/sysctl.h>
QQI_FN unsigned long qqi_sysctl_flag(const char *name)
{
    int value = 0;
    size_t bytes = sizeof value;

    return sysctlbyname(name, &value, &bytes, NULL, 0) == 0 && value != 0;
}
#    define QQI_ARM_FEATURES                                                   \
        (qqi_sysctl_flag("hw.optional.arm.FEAT_DotProd") |                     \
         qqi_sysctl_flag("hw.optional.arm.FEAT_I8MM") << 1)
#  elif defined(_WIN32)
#    ifdef __cplusplus
extern "C"
#    endif
    __declspec(dllimport) int __stdcall IsProcessorFeaturePresent(
        unsigned long feature);
#    define QQI_ARM_FEATURES                                                   \
        ((unsigned long)(IsProcessorFeaturePresent(43) != 0) |                 \
         (unsigned long)(IsProcessorFeaturePresent(66) != 0) << 1)
#  elif defined(__ARM_FEATURE_DOTPROD)
#    define QQI_ARM_FEATURES 1
#  else
#    define QQI_ARM_FEATURES 0
#  endif

QQI_FN int qqi_has_neon_dot(void)
{
    return (QQI_ARM_FEATURES & 1) != 0;
}

QQI_FN int qqi_has_neon_i8mm(void)
{
    return (QQI_ARM_FEATURES & 3) == 3;
}

#endif

#endif // QQUANT_DETECT_H
