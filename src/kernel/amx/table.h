// qquant floor 5: the kernel set of AMX.
//
// Tiles; for the narrowest groups, scale tiles that are no multiple of 32, f32
// and matrices with offsets, what AVX-512 has: here a group of columns lies as
// blocks behind each other.

#ifndef QQUANT_KERNEL_AMX_TABLE_H
#define QQUANT_KERNEL_AMX_TABLE_H

#include "kernel/amx/strip.h"
#include "kernel/avx512/table.h"

#if QQI_HAS_AMX

// Bytes of a group of x that a cache shall hold.
#  define QQI_AMX_NEAR_X ((size_t)1 << 19)

// Whether tiles are the faster way. Their sums cost as much for one column as
// for sixteen, which short scale tiles must pay often (sixteen have strips);
// four columns of 1 bit are done faster by tables, of 2, 4 and 8 bits by
// avx512/few.h.
QQI_FN int qqi_is_amx(const qqi_product *p, const qqi_columns *g)
{
    const int few = (p->bits & (p->bits - 1)) == 0;
    const size_t least = p->tiles > 1 && p->tile < 128
                             ? (g->count == 16 ? 16 : 20)
                         : p->tiles > 1 || few ? 8
                                               : 4;

    return g->width >= least && qqi_amx_takes(g, qqi_is_long_avx512(p));
}

QQI_FN void qqi_choose_narrow_amx(const qqi_product *p, qqi_strategy *how)
{
    qqi_kernel_avx512_vnni.choose(p, how);
}

QQI_FN void qqi_prepare_amx(const qqi_product *p, const qqi_columns *g)
{
    if (!qqi_is_amx(p, g)) {
        qqi_columns narrow = *g;
        qqi_strategy how;
        qqi_choose_narrow_amx(p, &how);
        narrow.unit = how.unit;
        how.prepare(p, &narrow);
        return;
    }
    const qqi_amx_cut cut = qqi_amx_cut_of(p, g);
    for (size_t i = 0; i < cut.count; i++) {
        qqi_columns block;
        qqi_amx_block(p, g, &cut, i, &block);
        qqi_prepare_dot_avx512(p, &block);
    }
}

QQI_FN void qqi_multiply_amx(const qqi_product *p, const qqi_columns *g,
                             size_t first, size_t last, void *work)
{
    if (!qqi_is_amx(p, g)) {
        qqi_columns narrow = *g;
        qqi_strategy how;
        qqi_choose_narrow_amx(p, &how);
        narrow.unit = how.unit;
        how.multiply(p, &narrow, first, last, work);
        return;
    }
    qqi_amx_multiply(&qqi_amx_real, qqi_is_long_avx512(p), p, g, first, last,
                     work);
}

QQI_FN void qqi_choose_amx(const qqi_product *p, qqi_strategy *how)
{
    qqi_choose_narrow_amx(p, how);
    if (p->open || !qqi_amx_fits(p))
        return;
    // Whole blocks, 64 to 512 columns.
    const size_t fit = QQI_AMX_NEAR_X / p->padded / 32 * 32;
    how->prepare = qqi_prepare_amx;
    how->multiply = qqi_multiply_amx;
    how->columns = fit < 64 ? 64 : fit < 512 ? (unsigned)fit : 512;
    how->unit = 64;
    how->panels = 2;
}

static const qqi_kernel qqi_kernel_amx QQI_UNUSED = {
    QQ_ISA_AMX, qqi_choose_amx, qqi_expand_base3_avx512, qqi_pack_avx512,
    qqi_encode_avx512};

#endif

#endif // QQUANT_KERNEL_AMX_TABLE_H
