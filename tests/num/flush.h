// Modes that flush subnormals to zero, where a program can ask for them.

#ifndef QQUANT_TESTS_FLUSH_H
#define QQUANT_TESTS_FLUSH_H

#include <stdint.h>

#if defined(__SSE2__) && !defined(__TINYC__)
#  include <xmmintrin.h>

static inline void flush(int on)
{
    // FTZ and DAZ.
    _mm_setcsr(on ? _mm_getcsr() | 0x8040u : _mm_getcsr() & ~0x8040u);
}
#elif defined(__aarch64__) && defined(__GNUC__)
static inline void flush(int on)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    mode = on ? mode | 1u << 24 : mode & ~((uint64_t)1 << 24);
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}
#else
static inline void flush(int on)
{
    (void)on;
}
#endif

// 1 if subnormals are flushed now.
static inline int flushed(void)
{
    const volatile float small = 2.3509887e-38f; // 2^-125
    const volatile float quarter = 0.25f;
    const volatile float product = small * quarter;

    return product == 0.0f;
}

#endif // QQUANT_TESTS_FLUSH_H
