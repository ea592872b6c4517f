// qquant floor 5: the kernel sets of NEON.

#ifndef QQUANT_KERNEL_NEON_TABLE_H
#define QQUANT_KERNEL_NEON_TABLE_H

#include "kernel/neon/base.h"
#include "kernel/neon/encode.h"
#include "kernel/neon/dot.h"
#include "kernel/neon/i8mm.h"
#include "kernel/neon/multiply.h"
#include "kernel/neon/pack.h"
#include "kernel/neon/prepare.h"
#include "kernel/neon/real.h"
#include "kernel/scalar/table.h"

#if QQI_HAS_NEON

// What all three have in common.
QQI_NEON_FN void qqi_choose_neon_with(const qqi_product *p, qqi_strategy *how,
                                      qqi_prepare_fn prepare,
                                      qqi_multiply_fn multiply, unsigned unit)
{
    const int real = p->input == QQ_INPUT_F32;

    how->prepare = real ? qqi_prepare_real_neon : prepare;
    how->multiply = real ? qqi_multiply_real_neon : multiply;
    how->columns = 64;
    how->widths = real ? 1u << 1 | 1u << 4 : 1u << 1 | 1u << 2 | 1u << 4;
    how->unit = unit;
    how->panels = 1;
}

// --- every aarch64 ---------------------------------------------------------

#  define QQI_NEON_NONE {NULL, NULL, NULL}

// Tables pay off for as many columns as may have one.
static const qqi_neon_set qqi_set_neon = {
    {QQI_NEON_NONE,
     {qqi_job_2_1_neon, qqi_job_2_2_neon, NULL},
     {qqi_job_4_1_neon, qqi_job_4_2_neon, NULL},
     QQI_NEON_NONE,
     QQI_NEON_NONE},
    {{qqi_job_small_1_neon, qqi_job_small_2_neon, NULL},
     {qqi_job_large_1_neon, qqi_job_large_2_neon, NULL},
     {qqi_job_full_1_neon, qqi_job_full_2_neon, NULL}},
    NULL,
    2,
    0,
    4};

QQI_NEON_FN void qqi_prepare_neon(const qqi_product *p, const qqi_columns *g)
{
    qqi_prepare_group_neon(p, g, qqi_set_neon.tables);
}

QQI_NEON_FN void qqi_multiply_neon(const qqi_product *p, const qqi_columns *g,
                                   size_t first, size_t last, void *work)
{
    qqi_multiply_set_neon(p, g, first, last, work, &qqi_set_neon);
}

QQI_NEON_FN void qqi_choose_neon(const qqi_product *p, qqi_strategy *how)
{
    qqi_choose_neon_with(p, how, qqi_prepare_neon, qqi_multiply_neon, 4);
}

static const qqi_kernel qqi_kernel_neon QQI_UNUSED = {
    QQ_ISA_NEON, qqi_choose_neon, qqi_expand_neon, qqi_pack_block_neon,
    qqi_encode_neon};

#endif

// --- with dot products -----------------------------------------------------

#if QQI_HAS_NEON_DOT

#  define QQI_DOT_ROW_NEON(name)                                               \
      {qqi_job_##name##_1_neon_dot, qqi_job_##name##_2_neon_dot,               \
       qqi_job_##name##_4_neon_dot}

static const qqi_neon_set qqi_set_neon_dot = {
    {QQI_DOT_ROW_NEON(1), QQI_DOT_ROW_NEON(2), QQI_DOT_ROW_NEON(4),
     QQI_DOT_ROW_NEON(8), QQI_DOT_ROW_NEON(book)},
    {QQI_DOT_ROW_NEON(bytes), QQI_DOT_ROW_NEON(bytes), QQI_DOT_ROW_NEON(bytes)},
    NULL,
    4,
    0,
    2};

QQI_NEON_FN void qqi_prepare_neon_dot(const qqi_product *p,
                                      const qqi_columns *g)
{
    qqi_prepare_group_neon(p, g, qqi_set_neon_dot.tables);
}

QQI_NEON_FN void qqi_multiply_neon_dot(const qqi_product *p,
                                       const qqi_columns *g, size_t first,
                                       size_t last, void *work)
{
    qqi_multiply_set_neon(p, g, first, last, work, &qqi_set_neon_dot);
}

QQI_NEON_FN void qqi_choose_neon_dot(const qqi_product *p, qqi_strategy *how)
{
    qqi_choose_neon_with(p, how, qqi_prepare_neon_dot, qqi_multiply_neon_dot,
                         4);
}

static const qqi_kernel qqi_kernel_neon_dot QQI_UNUSED = {
    QQ_ISA_NEON_DOT, qqi_choose_neon_dot, qqi_expand_neon, qqi_pack_block_neon,
    qqi_encode_neon};

#endif

// --- with products of matrices ---------------------------------------------

#if QQI_HAS_NEON_I8MM

#  define QQI_I8MM_ROW_NEON(name)                                              \
      {qqi_job_##name##_1_neon_dot, qqi_job_##name##_2_neon_i8mm, NULL}
#  define QQI_I8MM_BYTES_NEON                                                  \
      {qqi_job_bytes_1_neon_dot, qqi_job_bytes_2_neon_i8mm,                    \
       qqi_job_bytes_4_neon_i8mm}

static const qqi_neon_set qqi_set_neon_i8mm = {
    {QQI_I8MM_ROW_NEON(1),
     QQI_I8MM_ROW_NEON(2),
     QQI_I8MM_ROW_NEON(4),
     {qqi_job_8_1_neon_i8mm, qqi_job_8_2_neon_i8mm, NULL},
     QQI_I8MM_ROW_NEON(book)},
    {QQI_I8MM_BYTES_NEON, QQI_I8MM_BYTES_NEON, QQI_I8MM_BYTES_NEON},
    qqi_job_pairs_4_neon_i8mm,
    4,
    1,
    2};

QQI_NEON_FN void qqi_multiply_neon_i8mm(const qqi_product *p,
                                        const qqi_columns *g, size_t first,
                                        size_t last, void *work)
{
    qqi_multiply_set_neon(p, g, first, last, work, &qqi_set_neon_i8mm);
}

QQI_NEON_FN void qqi_choose_neon_i8mm(const qqi_product *p, qqi_strategy *how)
{
    qqi_choose_neon_with(p, how, qqi_prepare_neon_dot, qqi_multiply_neon_i8mm,
                         8);
}

static const qqi_kernel qqi_kernel_neon_i8mm QQI_UNUSED = {
    QQ_ISA_NEON_I8MM, qqi_choose_neon_i8mm, qqi_expand_neon,
    qqi_pack_block_neon, qqi_encode_neon};

#endif

#endif // QQUANT_KERNEL_NEON_TABLE_H
