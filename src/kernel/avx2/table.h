// qquant floor 5: the kernel sets of AVX2 and AVX-VNNI.

#ifndef QQUANT_KERNEL_AVX2_TABLE_H
#define QQUANT_KERNEL_AVX2_TABLE_H

#include "kernel/avx2/encode.h"
#include "kernel/avx2/dot.h"
#include "kernel/avx2/halved.h"
#include "kernel/avx2/lone_dot.h"
#include "kernel/avx2/lone_vnni.h"
#include "kernel/avx2/lookup.h"
#include "kernel/avx2/pack.h"
#include "kernel/avx2/pair_tiles.h"
#include "kernel/avx2/pairs.h"
#include "kernel/avx2/prepare.h"
#include "kernel/avx2/real.h"
#include "kernel/avx2/vnni.h"
#include "kernel/scalar/table.h"

#if QQI_HAS_AVX2

// What both sets share: groups, and floats.
QQI_FN void qqi_choose_common_avx2(const qqi_product *p, qqi_strategy *how)
{
    how->prepare = qqi_prepare_dot_avx2;
    how->columns =
        (unsigned)(p->spans > p->tiles ? QQI_TOTAL_AVX2 : QQI_MOST_AVX2);
    how->widths = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4;
    how->unit = 4;
    how->panels = 1;
    if (p->input == QQ_INPUT_F32) {
        how->prepare = qqi_prepare_real_avx2;
        how->multiply = qqi_multiply_real_avx2;
        how->columns = (unsigned)QQI_MOST_AVX2;
    }
}

// Codes up to 127.
QQI_FN void qqi_multiply_some_avx2(const qqi_product *p, const qqi_columns *g,
                                   size_t first, size_t last, void *work)
{
    const int book = p->code == QQI_CODE_BOOK;
    qqi_multiply_fn multiply = qqi_multiply_narrow_avx2;

    if (g->width == 1 && qqi_is_lone(p)) {
        if (p->bits == 2 && !book)
            multiply = qqi_multiply_two_avx2;
        else if (p->bits == 3)
            multiply = qqi_multiply_parts_3_avx2;
        else if (p->bits == 4 && !book)
            multiply = qqi_multiply_four_avx2;
        else if (p->bits == 4 && qqi_most_code(p) < 32)
            multiply = qqi_multiply_book_avx2;
        else if (p->bits == 5)
            multiply = qqi_multiply_parts_5_avx2;
        else if (p->bits == 6)
            multiply = qqi_multiply_parts_6_avx2;
        else if (p->bits == 7)
            multiply = qqi_multiply_parts_7_avx2;
    }
    multiply(p, g, first, last, work);
}

// Codes beyond 127.
QQI_FN void qqi_multiply_more_avx2(const qqi_product *p, const qqi_columns *g,
                                   size_t first, size_t last, void *work)
{
    qqi_multiply_fn multiply = qqi_multiply_halved_avx2;

    if (g->width == 1 && qqi_is_lone(p)) {
        if (p->bits == 8)
            multiply = qqi_multiply_eight_avx2;
        else if (p->bits == 4)
            multiply = qqi_multiply_large_avx2;
    } else if (g->width > 1 && qqi_has_pairs(p)) {
        multiply = qqi_multiply_pairs_avx2;
    } else if (g->width > 1 && qqi_has_pair_tiles(p)) {
        multiply = qqi_multiply_pair_tiles_avx2;
    }
    multiply(p, g, first, last, work);
}

// Single bits.
QQI_FN void qqi_multiply_one_avx2(const qqi_product *p, const qqi_columns *g,
                                  size_t first, size_t last, void *work)
{
    if (g->table != NULL && qqi_is_lone(p))
        qqi_multiply_table_avx2(p, g, first, last, work);
    else
        qqi_multiply_narrow_avx2(p, g, first, last, work);
}

QQI_FN void qqi_choose_avx2(const qqi_product *p, qqi_strategy *how)
{
    qqi_choose_common_avx2(p, how);
    if (p->input == QQ_INPUT_F32)
        return;
    if (p->bits == 1) {
        how->multiply = qqi_multiply_one_avx2;
        if (qqi_is_lone(p))
            how->prepare = qqi_prepare_table_avx2;
    } else if (qqi_most_code(p) < 128) {
        how->multiply = qqi_multiply_some_avx2;
    } else {
        how->multiply = qqi_multiply_more_avx2;
        how->widths = 1u << 1 | 1u << 4;
        // Large pairs are looked for once for all of these.
        if (qqi_has_pairs(p) || qqi_has_pair_tiles(p)) {
            how->columns = (unsigned)QQI_TAME_AVX2;
            how->panels = p->n >= 4096 ? 16 : 8;
        }
    }
}

static const qqi_kernel qqi_kernel_avx2 QQI_UNUSED = {
    QQ_ISA_AVX2, qqi_choose_avx2, qqi_expand_avx2, qqi_pack_block_avx2,
    qqi_encode_avx2};
#endif

#if QQI_HAS_AVX_VNNI
// One column, by the width of codes; with a book or not.
static const qqi_multiply_fn qqi_lone_table_avx_vnni[9][2] = {
    {NULL, NULL},
    {qqi_multiply_one_avx_vnni, NULL},
    {qqi_multiply_two_avx_vnni, qqi_multiply_two_book_avx_vnni},
    {qqi_multiply_three_avx_vnni, NULL},
    {qqi_multiply_four_avx_vnni, qqi_multiply_four_book_avx_vnni},
    {qqi_multiply_five_avx_vnni, NULL},
    {qqi_multiply_six_avx_vnni, NULL},
    {qqi_multiply_seven_avx_vnni, NULL},
    {qqi_multiply_eight_avx_vnni, NULL},
};

QQI_FN void qqi_multiply_all_avx_vnni(const qqi_product *p,
                                      const qqi_columns *g, size_t first,
                                      size_t last, void *work)
{
    const int book = p->code == QQI_CODE_BOOK;

    if (p->bits == 1 && g->table != NULL && qqi_is_lone(p))
        qqi_multiply_table_avx2(p, g, first, last, work);
    else if (g->width == 1 && qqi_is_lone(p))
        qqi_lone_table_avx_vnni[p->bits][book](p, g, first, last, work);
    else if (p->bits == 8)
        qqi_multiply_bytes_avx_vnni(p, g, first, last, work);
    else
        qqi_multiply_avx_vnni(p, g, first, last, work);
}

QQI_FN void qqi_choose_avx_vnni(const qqi_product *p, qqi_strategy *how)
{
    qqi_choose_common_avx2(p, how);
    if (p->input == QQ_INPUT_F32)
        return;
    how->multiply = qqi_multiply_all_avx_vnni;
    if (p->bits == 1 && qqi_is_lone(p))
        how->prepare = qqi_prepare_table_avx2;
}

static const qqi_kernel qqi_kernel_avx_vnni QQI_UNUSED = {
    QQ_ISA_AVX_VNNI, qqi_choose_avx_vnni, qqi_expand_avx2, qqi_pack_block_avx2,
    qqi_encode_avx2};
#endif

#endif // QQUANT_KERNEL_AVX2_TABLE_H
