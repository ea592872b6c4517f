// What the machine can do at most: reading, copying, int8 dot products and f32
// multiply-adds, on one or more threads of a pool. On x86-64 by instructions
// written out, elsewhere by plain C loops that the compiler may improve.

#ifndef QQUANT_BENCH_LIMIT_H
#define QQUANT_BENCH_LIMIT_H

#include "harness.h"
#include "pool.h"

#if defined(__x86_64__) && defined(__GNUC__)
#  define LIMIT_X86 1
#  include <cpuid.h>
#else
#  define LIMIT_X86 0
#endif

#if LIMIT_X86 && defined(__linux__)
#  include <sys/syscall.h>
#endif

// --- what the machine has --------------------------------------------------

#if LIMIT_X86

static inline unsigned limit_cpuid(unsigned leaf, unsigned sub, int which)
{
    unsigned r[4] = {0, 0, 0, 0};

    if (!__get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3]))
        return 0;
    return r[which];
}

// The register files that the system saves: bits of XCR0.
static inline unsigned limit_saved(void)
{
    unsigned low, high;

    if (!(limit_cpuid(1, 0, 2) >> 27 & 1))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

// Asks Linux for the tile registers; 1 if they may be used.
static inline int limit_tiles(void)
{
#  ifdef SYS_arch_prctl
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#  else
    return 0;
#  endif
}

// strcmp would be folded, and warn, where both are known.
static inline int limit_is(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static inline int limit_has(const char *isa)
{
    const unsigned saved = limit_saved(), b = limit_cpuid(7, 0, 1);
    const int ymm = (saved & 6) == 6 && (b >> 5 & 1);
    const int zmm = ymm && (saved & 0xe6) == 0xe6 && (b >> 30 & 1);

    if (limit_is(isa, "avx2"))
        return ymm && (limit_cpuid(1, 0, 2) >> 12 & 1);
    if (limit_is(isa, "avx_vnni"))
        return ymm && (limit_cpuid(7, 1, 0) >> 4 & 1);
    if (limit_is(isa, "avx512"))
        return zmm;
    if (limit_is(isa, "avx512_vnni"))
        return zmm && (limit_cpuid(7, 0, 2) >> 11 & 1);
    if (limit_is(isa, "amx"))
        return (saved >> 17 & 3) == 3 && (limit_cpuid(7, 0, 3) >> 25 & 1) &&
               limit_tiles();
    return 0;
}

#else

static inline int limit_has(const char *isa)
{
    (void)isa;
    return 0;
}

#endif

// --- loops -----------------------------------------------------------------

// Twelve sums, so that neither latency nor issue hides the rate. Each runs
// 12 * count instructions of a kind.
#if LIMIT_X86
#  define LIMIT_USED                                                           \
      "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",  \
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc",  \
          "memory"
#  define LIMIT_ONE(op, r, i) op " %%" r "14, %%" r "15, %%" r #i "\n\t"
#  define LIMIT_SIX(op, r, a, b, c, d, e, f)                                   \
      LIMIT_ONE(op, r, a)                                                      \
      LIMIT_ONE(op, r, b)                                                      \
      LIMIT_ONE(op, r, c)                                                      \
      LIMIT_ONE(op, r, d) LIMIT_ONE(op, r, e) LIMIT_ONE(op, r, f)
#  define LIMIT_LOOP(body)                                                     \
      __asm__ volatile("vpxor %%xmm14, %%xmm14, %%xmm14\n\t"                   \
                       "vpxor %%xmm15, %%xmm15, %%xmm15\n"                     \
                       "1:\n\t" body "dec %0\n\t"                              \
                       "jnz 1b\n\t"                                            \
                       "vzeroupper"                                            \
                       : "+r"(count)                                           \
                       :                                                       \
                       : LIMIT_USED)
#  define LIMIT_TWELVE(op, r)                                                  \
      LIMIT_LOOP(LIMIT_SIX(op, r, 0, 1, 2, 3, 4, 5)                            \
                     LIMIT_SIX(op, r, 6, 7, 8, 9, 10, 11))

static inline void limit_fma_zmm(long count)
{
    LIMIT_TWELVE("vfmadd231ps", "zmm");
}

static inline void limit_fma_ymm(long count)
{
    LIMIT_TWELVE("vfmadd231ps", "ymm");
}

static inline void limit_dot_zmm(long count)
{
    LIMIT_TWELVE("vpdpbusd", "zmm");
}

static inline void limit_dot_ymm(long count)
{
    LIMIT_TWELVE("%{vex%} vpdpbusd", "ymm");
}

// Products by vpmaddubsw, added up by vpmaddwd and vpaddd: six of them.
#  define LIMIT_PAIRS(r, t, s)                                                 \
      "vpmaddubsw %%" r "14, %%" r "15, %%" r #t "\n\t"                        \
      "vpmaddwd %%" r "13, %%" r #t ", %%" r #t "\n\t"                         \
      "vpaddd %%" r #t ", %%" r #s ", %%" r #s "\n\t"
#  define LIMIT_SIX_PAIRS(r)                                                   \
      LIMIT_LOOP(LIMIT_PAIRS(r, 6, 0) LIMIT_PAIRS(r, 7, 1)                     \
                     LIMIT_PAIRS(r, 8, 2) LIMIT_PAIRS(r, 9, 3)                 \
                         LIMIT_PAIRS(r, 10, 4) LIMIT_PAIRS(r, 11, 5))

static inline void limit_pairs_zmm(long count)
{
    LIMIT_SIX_PAIRS("zmm");
}

static inline void limit_pairs_ymm(long count)
{
    LIMIT_SIX_PAIRS("ymm");
}

// Four products of tiles: 4 * 32768 operations. The shapes of tiles belong to
// the thread and may be somebody's, so they are put back. Numbers are random:
// of zeros processors do a fifth more, for they take less power.
static inline void limit_tile_dot(long count)
{
    static unsigned char numbers[4096];
    unsigned char shape[64] = {1}, before[64];

    for (uint32_t i = 0; i < sizeof numbers; i++)
        numbers[i] = (unsigned char)(i * i * 2654435761u >> 24);
    for (int i = 0; i < 8; i++) {
        shape[16 + 2 * i] = 64;
        shape[48 + i] = 16;
    }
    __asm__ volatile("sttilecfg (%2)\n\t"
                     "ldtilecfg (%1)\n\t"
                     "mov $64, %%eax\n\t"
                     "tileloadd (%3,%%rax,1), %%tmm4\n\t"
                     "tileloadd 1024(%3,%%rax,1), %%tmm5\n\t"
                     "tileloadd 2048(%3,%%rax,1), %%tmm6\n\t"
                     "tileloadd 3072(%3,%%rax,1), %%tmm7\n"
                     "1:\n\t"
                     "tdpbsud %%tmm6, %%tmm4, %%tmm0\n\t"
                     "tdpbsud %%tmm7, %%tmm4, %%tmm1\n\t"
                     "tdpbsud %%tmm6, %%tmm5, %%tmm2\n\t"
                     "tdpbsud %%tmm7, %%tmm5, %%tmm3\n\t"
                     "dec %0\n\t"
                     "jnz 1b\n\t"
                     "ldtilecfg (%2)"
                     : "+r"(count)
                     : "r"(shape), "r"(before), "r"(numbers)
                     : "rax", "cc", "memory");
}

// Whole blocks of 512 bytes.
static inline void limit_read_zmm(const char *p, size_t bytes)
{
    const char *end = p + bytes / 512 * 512;

    if (p == end)
        return;
    __asm__ volatile("1:\n\t"
                     "vmovdqu64 (%0), %%zmm0\n\t"
                     "vmovdqu64 64(%0), %%zmm1\n\t"
                     "vmovdqu64 128(%0), %%zmm2\n\t"
                     "vmovdqu64 192(%0), %%zmm3\n\t"
                     "vmovdqu64 256(%0), %%zmm4\n\t"
                     "vmovdqu64 320(%0), %%zmm5\n\t"
                     "vmovdqu64 384(%0), %%zmm6\n\t"
                     "vmovdqu64 448(%0), %%zmm7\n\t"
                     "add $512, %0\n\t"
                     "cmp %1, %0\n\t"
                     "jb 1b\n\t"
                     "vzeroupper"
                     : "+r"(p)
                     : "r"(end)
                     : LIMIT_USED);
}

static inline void limit_read_ymm(const char *p, size_t bytes)
{
    const char *end = p + bytes / 256 * 256;

    if (p == end)
        return;
    __asm__ volatile("1:\n\t"
                     "vmovdqu (%0), %%ymm0\n\t"
                     "vmovdqu 32(%0), %%ymm1\n\t"
                     "vmovdqu 64(%0), %%ymm2\n\t"
                     "vmovdqu 96(%0), %%ymm3\n\t"
                     "vmovdqu 128(%0), %%ymm4\n\t"
                     "vmovdqu 160(%0), %%ymm5\n\t"
                     "vmovdqu 192(%0), %%ymm6\n\t"
                     "vmovdqu 224(%0), %%ymm7\n\t"
                     "add $256, %0\n\t"
                     "cmp %1, %0\n\t"
                     "jb 1b\n\t"
                     "vzeroupper"
                     : "+r"(p)
                     : "r"(end)
                     : LIMIT_USED);
}
#endif

static volatile int64_t limit_sink;

// Plain C, for machines that have no loop above.
static inline void limit_dot_plain(long count)
{
    static const signed char w[256] = {3, 1, 2}, x[256] = {1, -2, 5};
    int32_t sum = (int32_t)count;

    for (; count > 0; count--) {
        for (int i = 0; i < 256; i++)
            sum += w[i] * x[(i + count) & 255];
    }
    limit_sink = sum;
}

static inline void limit_fma_plain(long count)
{
    float sum[16] = {0};
    const float f = (float)count;

    for (; count > 0; count--)
        for (int i = 0; i < 16; i++)
            sum[i] = sum[i] * f + f;
    for (int i = 1; i < 16; i++)
        sum[0] += sum[i];
    limit_sink = sum[0] > 0.0f;
}

static inline void limit_read_plain(const char *p, size_t bytes)
{
    uint64_t sum[8] = {0}, eight[8];

    for (size_t i = 0; i + 64 <= bytes; i += 64) {
        memcpy(eight, p + i, 64);
        for (int j = 0; j < 8; j++)
            sum[j] |= eight[j];
    }
    for (int j = 1; j < 8; j++)
        sum[0] |= sum[j];
    limit_sink = (int64_t)sum[0];
}

// --- rates -----------------------------------------------------------------

// A loop and the operations of one of its rounds.
typedef struct limit_loop {
    void (*run)(long count);
    double operations;
    long count;
} limit_loop;

static inline void limit_part(void *arg, size_t i)
{
    const limit_loop *loop = (const limit_loop *)arg;

    (void)i;
    loop->run(loop->count);
}

// The best rate of nine runs of about 2 ms each, in 1e9 operations a second.
static inline double limit_rate(limit_loop loop, pool *threads)
{
    double best = 1e9;

    loop.count = 1000;
    for (int i = 0; i < 9; i++) {
        const double from = seconds();
        pool_for(threads, (size_t)threads->threads, limit_part, &loop);
        const double took = seconds() - from;
        const double each = took / (double)loop.count;
        best = i > 0 && each < best ? each : best;
        loop.count = (long)(2e-3 / each) + 1;
    }
    return 1e-9 * loop.operations * threads->threads / best;
}

// Products of 8-bit integers by the best instructions of a rung, GOP/s.
static inline double limit_dot(const char *isa, pool *threads)
{
    limit_loop loop = {limit_dot_plain, 512.0, 0};

#if LIMIT_X86
    const limit_loop tiles = {limit_tile_dot, 4 * 32768.0, 0};
    const limit_loop zmm = {limit_dot_zmm, 12 * 128.0, 0};
    const limit_loop ymm = {limit_dot_ymm, 12 * 64.0, 0};
    const limit_loop pairs_zmm = {limit_pairs_zmm, 6 * 128.0, 0};
    const limit_loop pairs_ymm = {limit_pairs_ymm, 6 * 64.0, 0};
    loop = limit_has("avx2") ? pairs_ymm : loop;
    if (!limit_has(isa))
        isa = "avx2";
    loop = limit_is(isa, "avx_vnni") ? ymm : loop;
    loop = limit_is(isa, "avx512") ? pairs_zmm : loop;
    loop = limit_is(isa, "avx512_vnni") ? zmm : loop;
    loop = limit_is(isa, "amx") ? tiles : loop;
#else
    (void)isa;
#endif
    return limit_rate(loop, threads);
}

// Multiply-adds of f32, GFLOP/s.
static inline double limit_fma(const char *isa, pool *threads)
{
    limit_loop loop = {limit_fma_plain, 32.0, 0};

#if LIMIT_X86
    const limit_loop zmm = {limit_fma_zmm, 12 * 32.0, 0};
    const limit_loop ymm = {limit_fma_ymm, 12 * 16.0, 0};
    loop = limit_has("avx2") ? ymm : loop;
    loop = !limit_is(isa, "avx2") && limit_has("avx512") ? zmm : loop;
#else
    (void)isa;
#endif
    return limit_rate(loop, threads);
}

typedef struct limit_area {
    const char *at;
    size_t bytes, parts, repeats;
    void (*read)(const char *p, size_t bytes);
} limit_area;

static inline void limit_read_part(void *arg, size_t i)
{
    const limit_area *a = (const limit_area *)arg;
    const size_t from = a->bytes / a->parts * i;

    for (size_t j = 0; j < a->repeats; j++)
        a->read(a->at + from, a->bytes / a->parts);
}

// Reading through these bytes again and again, each thread its part: the best
// of up to five times and more, GB/s.
static inline double limit_read(const void *p, size_t bytes, pool *threads)
{
    const size_t little = (size_t)1 << 20;
    limit_area a = {(const char *)p, bytes, (size_t)threads->threads,
                    bytes < little ? little / bytes : 1, limit_read_plain};
    double best = 1e9, total = 0.0;

#if LIMIT_X86
    a.read = limit_has("avx2") ? limit_read_ymm : a.read;
    a.read = limit_has("avx512") ? limit_read_zmm : a.read;
#endif
    pool_for(threads, a.parts, limit_read_part, &a);
    for (int i = 0; i < 5 || (total < 2e-3 && i < 1000); i++) {
        const double from = seconds();
        pool_for(threads, a.parts, limit_read_part, &a);
        const double took = seconds() - from;
        best = took < best ? took : best;
        total += took;
        if (total > 0.2)
            break;
    }
    return 1e-9 * (double)(bytes * a.repeats) / best;
}

typedef struct limit_move {
    char *to;
    const char *from;
    size_t bytes, parts;
} limit_move;

static inline void limit_copy_part(void *arg, size_t i)
{
    const limit_move *m = (const limit_move *)arg;
    const size_t part = m->bytes / m->parts;

    memcpy(m->to + i * part, m->from + i * part, part);
}

// memcpy, GB/s of what is copied: the best of at least five times.
static inline double limit_copy(void *to, const void *from, size_t bytes,
                                pool *threads)
{
    limit_move m = {(char *)to, (const char *)from, bytes,
                    (size_t)threads->threads};
    double best = 1e9, total = 0.0;

    pool_for(threads, m.parts, limit_copy_part, &m);
    for (int i = 0; i < 5 || (total < 2e-3 && i < 1000); i++) {
        const double begin = seconds();
        pool_for(threads, m.parts, limit_copy_part, &m);
        const double took = seconds() - begin;
        best = took < best ? took : best;
        total += took;
    }
    return 1e-9 * (double)bytes / best;
}

#endif // QQUANT_BENCH_LIMIT_H
