// qquant floor 5: the kernel sets of AVX-512.

#ifndef QQUANT_KERNEL_AVX512_TABLE_H
#define QQUANT_KERNEL_AVX512_TABLE_H

#include "kernel/scalar/table.h"
#include "simd.h"

#if QQI_HAS_AVX512
static const qqi_kernel qqi_kernel_avx512 QQI_UNUSED = {
    QQ_ISA_AVX512, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};
#endif

#if QQI_HAS_AVX512
static const qqi_kernel qqi_kernel_avx512_vnni QQI_UNUSED = {
    QQ_ISA_AVX512_VNNI, qqi_choose_scalar, qqi_expand_scalar,
    qqi_pack_block_scalar, qqi_encode_scalar};
#endif

#endif // QQUANT_KERNEL_AVX512_TABLE_H
