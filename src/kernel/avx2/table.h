// qquant floor 5: the kernel sets of AVX2 and AVX-VNNI.

#ifndef QQUANT_KERNEL_AVX2_TABLE_H
#define QQUANT_KERNEL_AVX2_TABLE_H

#include "kernel/scalar/table.h"
#include "simd.h"

#if QQI_HAS_AVX2
static const qqi_kernel qqi_kernel_avx2 QQI_UNUSED = {
    QQ_ISA_AVX2, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};
#endif

#if QQI_HAS_AVX_VNNI
static const qqi_kernel qqi_kernel_avx_vnni QQI_UNUSED = {
    QQ_ISA_AVX_VNNI, qqi_choose_scalar, qqi_expand_scalar,
    qqi_pack_block_scalar, qqi_encode_scalar};
#endif

#endif // QQUANT_KERNEL_AVX2_TABLE_H
