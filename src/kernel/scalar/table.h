// qquant floor 5: the scalar kernel set, which defines all others.

#ifndef QQUANT_KERNEL_SCALAR_TABLE_H
#define QQUANT_KERNEL_SCALAR_TABLE_H

#include "kernel/scalar/dot.h"
#include "kernel/scalar/pack.h"
#include "kernel/scalar/prepare.h"
#include "kernel/scalar/real.h"

QQI_FN void qqi_choose_scalar(const qqi_product *p, qqi_strategy *how)
{
    const int real = p->input == QQ_INPUT_F32;

    how->prepare = real ? qqi_prepare_real_scalar : qqi_prepare_dot_scalar;
    how->multiply = real ? qqi_multiply_real_scalar : qqi_multiply_dot_scalar;
    how->columns = 4;
    how->widths = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4;
    how->unit = 4;
    how->panels = 1;
}

// Arrays are quantized by array/, whose numbers these are.
QQI_FN int qqi_encode_scalar(const struct qqi_encode *e, uint8_t *panel)
{
    (void)e;
    (void)panel;
    return 0;
}

static const qqi_kernel qqi_kernel_scalar QQI_UNUSED = {
    QQ_ISA_SCALAR, qqi_choose_scalar, qqi_expand_scalar, qqi_pack_block_scalar,
    qqi_encode_scalar};

#endif // QQUANT_KERNEL_SCALAR_TABLE_H
