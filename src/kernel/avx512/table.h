// qquant floor 5: the kernel sets of AVX-512.

#ifndef QQUANT_KERNEL_AVX512_TABLE_H
#define QQUANT_KERNEL_AVX512_TABLE_H

#include "kernel/avx512/encode.h"
#include "kernel/avx512/few_panels.h"
#include "kernel/avx512/look_panels.h"
#include "kernel/avx512/pack.h"
#include "kernel/avx512/panels.h"
#include "kernel/avx512/prepare.h"
#include "kernel/avx512/real.h"
#include "kernel/scalar/table.h"
#include "simd.h"

#if QQI_HAS_AVX512

// What both sets do alike; 1 where how to multiply is still open.
QQI_FN int qqi_choose_any_avx512(const qqi_product *p, qqi_strategy *how)
{
    qqi_choose_scalar(p, how);
    if (p->input == QQ_INPUT_F32) {
        how->prepare = qqi_prepare_real_avx512;
        how->multiply = qqi_multiply_real_avx512;
        how->columns = 64;
        how->widths = 1u << 1 | 1u << 4;
        how->panels = 4;
        return 0;
    }
    // Codes that are doubled are looked up.
    if (p->mul != 1 && (p->mul != 2 || p->bits > 4))
        return 0;
    how->prepare = qqi_prepare_dot_avx512;
    how->columns = qqi_is_long_avx512(p) ? 32 : 64;
    how->widths = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4;
    how->unit = 4;
    how->panels = 2;
    return 1;
}

QQI_FN void qqi_choose_avx512(const qqi_product *p, qqi_strategy *how)
{
    if (qqi_choose_any_avx512(p, how))
        how->multiply = qqi_multiply_any_avx512;
}

QQI_FN void qqi_choose_avx512_vnni(const qqi_product *p, qqi_strategy *how)
{
    if (!qqi_choose_any_avx512(p, how))
        return;
    how->multiply = qqi_multiply_vnni_avx512;
    if (p->bits == 1) {
        how->prepare = qqi_prepare_look_avx512;
        how->multiply = qqi_multiply_look_avx512;
    }
}

static const qqi_kernel qqi_kernel_avx512 QQI_UNUSED = {
    QQ_ISA_AVX512, qqi_choose_avx512, qqi_expand_base3_avx512, qqi_pack_avx512,
    qqi_encode_avx512};

static const qqi_kernel qqi_kernel_avx512_vnni QQI_UNUSED = {
    QQ_ISA_AVX512_VNNI, qqi_choose_avx512_vnni, qqi_expand_base3_avx512,
    qqi_pack_avx512, qqi_encode_avx512};

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_TABLE_H
