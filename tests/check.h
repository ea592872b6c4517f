// What the tests share: CHECK, a seeded generator, the size of a run.
//
// A test is a program: it calls CHECK(condition) many times and returns
// check_done(), which prints "N passed, N failed" and is non-zero on failure.

#ifndef QQUANT_TESTS_CHECK_H
#define QQUANT_TESTS_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long check_passed, check_failed, check_skipped;

// Counts; prints the first failures with file and line.
static inline int check_that(int ok, const char *what, const char *file,
                             int line)
{
    if (ok) {
        check_passed++;
        return 1;
    }
    if (check_failed++ < 20)
        printf("%s:%d: failed: %s\n", file, line, what);
    return 0;
}

#define CHECK(x) check_that((x) ? 1 : 0, #x, __FILE__, __LINE__)

static inline int check_done(void)
{
    printf("%lu passed, %lu failed", check_passed, check_failed);
    if (check_skipped)
        printf(", %lu skipped", check_skipped);
    printf("\n");
    return check_failed != 0 || check_passed + check_skipped == 0;
}

// QQ_TEST=small asks for a tenth of the cases through every path.
static inline int check_small(void)
{
    const char *v = getenv("QQ_TEST");
    return v != NULL && strcmp(v, "small") == 0;
}

// QQ_TEST=exhaustive asks for all there are: every float, where one counts.
static inline int check_exhaustive(void)
{
    const char *v = getenv("QQ_TEST");
    return v != NULL && strcmp(v, "exhaustive") == 0;
}

// How many of n cases to run.
static inline size_t check_count(size_t n)
{
    return check_small() ? (n + 9) / 10 : n;
}

// For unsigned arithmetic that wraps on purpose, under -fsanitize=integer.
#if defined(__clang__)
#  define CHECK_WRAPS __attribute__((no_sanitize("integer")))
#else
#  define CHECK_WRAPS
#endif

// xorshift64*: the same numbers on every machine.
static uint64_t check_state = 88172645463325252u;

static inline CHECK_WRAPS uint32_t check_u32(void)
{
    check_state ^= check_state >> 12;
    check_state ^= check_state << 25;
    check_state ^= check_state >> 27;
    return (uint32_t)((check_state * 2685821657736338717u) >> 32);
}

// Uniform in [-1, 1), a multiple of 2^-23.
static inline float check_uniform(void)
{
    return (float)((int32_t)(check_u32() >> 8) - 8388608) / 8388608.0f;
}

// Bits to float and back; ulp distance on the line of ordered floats.
static inline float check_f32(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t check_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline uint32_t check_ulp(float x, float y)
{
    uint32_t p = check_bits(x), q = check_bits(y);
    p = p >> 31 ? 0x80000000u - (p & 0x7fffffffu) : 0x80000000u + p;
    q = q >> 31 ? 0x80000000u - (q & 0x7fffffffu) : 0x80000000u + q;
    return p > q ? p - q : q - p;
}

#endif // QQUANT_TESTS_CHECK_H
