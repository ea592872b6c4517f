// qquant floor 5: the kernel sets of AMX.

#ifndef QQUANT_KERNEL_AMX_TABLE_H
#define QQUANT_KERNEL_AMX_TABLE_H

#include "kernel/scalar/table.h"
#include "simd.h"

#if QQI_HAS_AMX
static const qqi_kernel qqi_kernel_amx QQI_UNUSED = {
    QQ_ISA_AMX, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};
#endif

#endif // QQUANT_KERNEL_AMX_TABLE_H
