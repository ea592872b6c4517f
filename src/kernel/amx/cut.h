// qquant floor 5: how a group of columns is cut into blocks for tiles.
//
// A block is one or two halves of equally many rows of x: as many as have at
// most 16 columns, or as there are. Where a block has more rows than one half
// and fewer than two, its halves overlap, and numbers in both are computed
// twice. So all tiles of a group have the same shape, which takes long to
// change. In memory a block is a group by itself, with unit 64: its columns lie
// close together, and a tile's next 64 numbers follow it as soon as can be.

#ifndef QQUANT_KERNEL_AMX_CUT_H
#define QQUANT_KERNEL_AMX_CUT_H

#include "kernel/kernel.h"

typedef struct qqi_amx_cut {
    size_t half;  // rows of half a block
    size_t count; // blocks
    size_t last;  // first row of the last one
    size_t rows;  // of x
} qqi_amx_cut;

// All blocks are whole but the last one, or the last two: where less than a
// half is left, the one before gives half of its own.
QQI_FN qqi_amx_cut qqi_amx_cut_of(const qqi_product *p, const qqi_columns *g)
{
    const size_t most = 16 / p->digits;
    const size_t half = most < g->count ? most : g->count;
    const size_t left = g->count % (2 * half);
    qqi_amx_cut cut;

    cut.half = half;
    cut.count = g->count / (2 * half) + (left > 0);
    cut.last = (cut.count - 1) * 2 * half;
    cut.last -= left > 0 && left < half && cut.count > 1 ? half : 0;
    cut.rows = g->count;
    return cut;
}

QQI_INLINE size_t qqi_amx_block_first(const qqi_amx_cut *cut, size_t i)
{
    return i == cut->count       ? cut->rows
           : i + 1 == cut->count ? cut->last
                                 : i * 2 * cut->half;
}

// Block i of group g.
QQI_FN void qqi_amx_block(const qqi_product *p, const qqi_columns *g,
                          const qqi_amx_cut *cut, size_t i, qqi_columns *block)
{
    const size_t first = qqi_amx_block_first(cut, i);
    const int tiled = p->input == QQ_INPUT_INT8_TILE;

    *block = *g;
    block->first = g->first + first;
    block->count = qqi_amx_block_first(cut, i + 1) - first;
    block->width = block->count * p->digits;
    block->unit = 64;
    block->q = g->q + p->padded * first * p->digits;
    block->sum = g->sum + p->spans * first * p->digits;
    block->scale = g->scale + first * (tiled ? p->tiles : 1);
}

#endif // QQUANT_KERNEL_AMX_CUT_H
