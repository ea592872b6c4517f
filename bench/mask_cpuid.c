// Lets a program see an older processor: for peers that choose their kernels
// by cpuid and have no switch of their own.
//
//   cc -O2 -shared -fPIC bench/mask_cpuid.c -o mask_cpuid.so
//   QQ_CPUID=avx2 LD_PRELOAD=./mask_cpuid.so program
//
// QQ_CPUID is avx2, avx_vnni (no AVX-512) or avx512_vnni (no AMX). Linux on
// x86-64, where the processor lets cpuid fault: every cpuid becomes a signal,
// whose handler answers with the bits left out.

#define _GNU_SOURCE 1

#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { SET_CPUID = 0x1012 };

static int no_avx512, no_vnni;

// Clears what is too young in the answer r of a leaf.
static void clear(unsigned leaf, unsigned sub, unsigned r[4])
{
    const unsigned amx = 1u << 22 | 1u << 24 | 1u << 25;

    if (leaf == 7 && sub == 0) {
        r[3] &= ~amx;
        if (no_avx512) {
            r[1] &= ~(3u << 16 | 1u << 21 | 7u << 26 | 3u << 30);
            r[2] &= ~(1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14);
            r[3] &= ~(3u << 2 | 1u << 8 | 1u << 23);
        }
        if (no_vnni)
            r[2] &= ~(1u << 8); // and its contemporary, GFNI
    }
    if (leaf == 7 && sub == 1) {
        r[0] &= ~(1u << 21);
        if (no_avx512)
            r[0] &= ~(1u << 5);
        if (no_vnni)
            r[0] &= ~(1u << 4);
    }
    if ((leaf == 0x1d || leaf == 0x1e) || (leaf == 0x24 && no_avx512))
        r[0] = r[1] = r[2] = r[3] = 0;
}

static void answer(int number, siginfo_t *info, void *where)
{
    ucontext_t *u = (ucontext_t *)where;
    greg_t *g = u->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)g[REG_RIP];
    unsigned r[4];

    (void)info;
    if (code[0] != 0x0f || code[1] != 0xa2) {
        signal(number, SIG_DFL);
        return;
    }
    const unsigned leaf = (unsigned)g[REG_RAX], sub = (unsigned)g[REG_RCX];
    (void)syscall(SYS_arch_prctl, SET_CPUID, 1);
    __cpuid_count(leaf, sub, r[0], r[1], r[2], r[3]);
    (void)syscall(SYS_arch_prctl, SET_CPUID, 0);
    clear(leaf, sub, r);
    g[REG_RAX] = r[0];
    g[REG_RBX] = r[1];
    g[REG_RCX] = r[2];
    g[REG_RDX] = r[3];
    g[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void)
{
    const char *isa = getenv("QQ_CPUID");
    struct sigaction action;

    if (isa == NULL)
        return;
    no_avx512 = strncmp(isa, "avx512", 6) != 0;
    no_vnni = strcmp(isa, "avx2") == 0;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (sigaction(SIGSEGV, &action, NULL) != 0 ||
        syscall(SYS_arch_prctl, SET_CPUID, 0) != 0)
        fputs("mask_cpuid: not on this machine\n", stderr);
}
