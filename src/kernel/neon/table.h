// qquant floor 5: the kernel sets of NEON.

#ifndef QQUANT_KERNEL_NEON_TABLE_H
#define QQUANT_KERNEL_NEON_TABLE_H

#include "kernel/scalar/table.h"
#include "simd.h"

#if QQI_HAS_NEON
static const qqi_kernel qqi_kernel_neon QQI_UNUSED = {
    QQ_ISA_NEON, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};
#endif

#if QQI_HAS_NEON_DOT
static const qqi_kernel qqi_kernel_neon_dot QQI_UNUSED = {
    QQ_ISA_NEON_DOT, qqi_choose_scalar, qqi_expand_scalar,
    qqi_pack_block_scalar, qqi_encode_scalar};
#endif

#if QQI_HAS_NEON_I8MM
static const qqi_kernel qqi_kernel_neon_i8mm QQI_UNUSED = {
    QQ_ISA_NEON_I8MM, qqi_choose_scalar, qqi_expand_scalar,
    qqi_pack_block_scalar, qqi_encode_scalar};
#endif

#endif // QQUANT_KERNEL_NEON_TABLE_H
