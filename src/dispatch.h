// qquant floor 6: the ladder of instruction sets, and the rung in use.
//
// A rung is a row of the ladder: its number, its name, whether the machine has
// it, and its kernels. The one thing that qquant remembers is which kernels
// are in use; it is found on first use, by whichever thread comes first, and
// threads that come at the same time find the same.

#ifndef QQUANT_DISPATCH_H
#define QQUANT_DISPATCH_H

#include "api/matmul.h"
#include "detect.h"
#include "kernel/amx/table.h"
#include "kernel/avx2/table.h"
#include "kernel/avx512/table.h"
#include "kernel/neon/table.h"
#include "kernel/scalar/table.h"

typedef struct qqi_rung {
    qq_isa isa;
    const char *name;
    int (*has)(void);         // NULL: always
    const qqi_kernel *kernel; // NULL: not in this build
    int (*ask)(void);         // NULL, or it is never the best: asks the system
} qqi_rung;

// What a rung needs and has, where the build has its kernels.
#if QQI_HAS_AMX
#  define QQI_RUNG_AMX qqi_has_amx, &qqi_kernel_amx, qqi_ask_amx
#else
#  define QQI_RUNG_AMX NULL, NULL, NULL
#endif
#if QQI_HAS_AVX512
#  define QQI_RUNG_AVX512_VNNI                                                 \
      qqi_has_avx512_vnni, &qqi_kernel_avx512_vnni, NULL
#  define QQI_RUNG_AVX512 qqi_has_avx512, &qqi_kernel_avx512, NULL
#else
#  define QQI_RUNG_AVX512_VNNI NULL, NULL, NULL
#  define QQI_RUNG_AVX512      NULL, NULL, NULL
#endif
#if QQI_HAS_AVX_VNNI
#  define QQI_RUNG_AVX_VNNI qqi_has_avx_vnni, &qqi_kernel_avx_vnni, NULL
#else
#  define QQI_RUNG_AVX_VNNI NULL, NULL, NULL
#endif
#if QQI_HAS_AVX2
#  define QQI_RUNG_AVX2 qqi_has_avx2, &qqi_kernel_avx2, NULL
#else
#  define QQI_RUNG_AVX2 NULL, NULL, NULL
#endif
#if QQI_HAS_NEON_I8MM
#  define QQI_RUNG_NEON_I8MM qqi_has_neon_i8mm, &qqi_kernel_neon_i8mm, NULL
#else
#  define QQI_RUNG_NEON_I8MM NULL, NULL, NULL
#endif
#if QQI_HAS_NEON_DOT
#  define QQI_RUNG_NEON_DOT qqi_has_neon_dot, &qqi_kernel_neon_dot, NULL
#else
#  define QQI_RUNG_NEON_DOT NULL, NULL, NULL
#endif
#if QQI_HAS_NEON
#  define QQI_RUNG_NEON NULL, &qqi_kernel_neon, NULL
#else
#  define QQI_RUNG_NEON NULL, NULL, NULL
#endif

// From the best to the least of each family.
static const qqi_rung qqi_ladder[] = {
    {QQ_ISA_AMX, "amx", QQI_RUNG_AMX},
    {QQ_ISA_AVX512_VNNI, "avx512_vnni", QQI_RUNG_AVX512_VNNI},
    {QQ_ISA_AVX512, "avx512", QQI_RUNG_AVX512},
    {QQ_ISA_AVX_VNNI, "avx_vnni", QQI_RUNG_AVX_VNNI},
    {QQ_ISA_AVX2, "avx2", QQI_RUNG_AVX2},
    {QQ_ISA_NEON_I8MM, "neon_i8mm", QQI_RUNG_NEON_I8MM},
    {QQ_ISA_NEON_DOT, "neon_dot", QQI_RUNG_NEON_DOT},
    {QQ_ISA_NEON, "neon", QQI_RUNG_NEON},
    {QQ_ISA_SCALAR, "scalar", NULL, &qqi_kernel_scalar, NULL},
};

enum { QQI_RUNGS = sizeof qqi_ladder / sizeof qqi_ladder[0] };

QQI_FN int qqi_rung_works(const qqi_rung *rung)
{
    return rung->kernel != NULL && (rung->has == NULL || rung->has());
}

// The kernels of a rung, or of the best one; NULL where they cannot be had.
QQI_FN const qqi_kernel *qqi_kernel_of(qq_isa isa)
{
    for (int i = 0; i < QQI_RUNGS; i++) {
        const qqi_rung *rung = &qqi_ladder[i];
        const int wanted =
            isa == QQ_ISA_BEST ? rung->ask == NULL : isa == rung->isa;
        if (wanted && qqi_rung_works(rung))
            return rung->ask == NULL || rung->ask() ? rung->kernel : NULL;
    }
    return NULL;
}

#if QQ_NO_SIMD

QQI_FN const qqi_kernel *qqi_kernel_now(void)
{
    return &qqi_kernel_scalar;
}

QQI_FN void qqi_kernel_use(const qqi_kernel *kernel)
{
    (void)kernel;
}

#else

static const qqi_kernel *qqi_kernel_used;

// Relaxed: all that is reached through the pointer is constant.
#  if (defined(__GNUC__) || defined(__clang__)) && !defined(__TINYC__)
QQI_FN const qqi_kernel *qqi_kernel_load(void)
{
    return __atomic_load_n(&qqi_kernel_used, __ATOMIC_RELAXED);
}

QQI_FN void qqi_kernel_use(const qqi_kernel *kernel)
{
    __atomic_store_n(&qqi_kernel_used, kernel, __ATOMIC_RELAXED);
}
#  else
QQI_FN const qqi_kernel *qqi_kernel_load(void)
{
    return *(const qqi_kernel *const volatile *)&qqi_kernel_used;
}

QQI_FN void qqi_kernel_use(const qqi_kernel *kernel)
{
    *(const qqi_kernel *volatile *)&qqi_kernel_used = kernel;
}
#  endif

QQI_FN const qqi_kernel *qqi_kernel_now(void)
{
    const qqi_kernel *kernel = qqi_kernel_load();

    if (kernel == NULL) {
        kernel = qqi_kernel_of(QQ_ISA_BEST);
        qqi_kernel_use(kernel);
    }
    return kernel;
}

#endif

QQ_API qq_status qq_use_isa(qq_isa isa)
{
    const qqi_kernel *kernel = qqi_kernel_of(isa);
    int known = isa == QQ_ISA_BEST;

    for (int i = 0; i < QQI_RUNGS; i++)
        known = known || qqi_ladder[i].isa == isa;
    if (!known)
        return QQ_ERR_ARGUMENT;
    if (kernel == NULL)
        return QQ_ERR_UNSUPPORTED;
    qqi_kernel_use(kernel);
    return QQ_OK;
}

QQ_API qq_isa qq_isa_in_use(void)
{
    return qqi_kernel_now()->isa;
}

QQ_API const char *qq_isa_name(qq_isa isa)
{
    for (int i = 0; i < QQI_RUNGS; i++)
        if (qqi_ladder[i].isa == isa)
            return qqi_ladder[i].name;
    return "none";
}

#endif // QQUANT_DISPATCH_H
