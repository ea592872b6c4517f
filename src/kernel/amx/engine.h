// qquant floor 5: the engine of tiles: two panels by blocks of columns.
//
// Columns of W are done up to 1024 at a time (a stretch): their codes, expanded
// to bytes for two panels, stay in the nearest cache while all blocks of
// columns pass by, whose numbers stream from the next one. A stretch never
// crosses the end of a long scale tile; short tiles it holds whole. For every
// block
//
//   short tiles   each tile is a run, whose sums are scaled and added (join)
//   long ones     a run over the stretch goes on with the sums of the stretch
//                 before, and is joined at the end of a span
//
// and after the last stretch y is stored. Codes are expanded by the first
// block, one piece ahead of the one that is multiplied, so that the vector
// units work beside the tiles.
//
// What needs an instruction set stands in a qqi_amx_set; all here is plain C.

#ifndef QQUANT_KERNEL_AMX_ENGINE_H
#define QQUANT_KERNEL_AMX_ENGINE_H

#include "kernel/amx/job.h"

// Expands codes up to column end, or that of the stretch. A last step may
// reach beyond all cells, where x has zeros: codes may be anything there.
QQI_FN void qqi_amx_expand(qqi_amx_job *job, size_t end)
{
    const size_t at = 16 * (job->made - job->k);
    const size_t to = qqi_amx_least(end, job->end);

    if (job->made >= to)
        return;
    for (size_t h = 0; h < 2; h++) {
        const size_t panel = job->panel + (h < job->panels ? h : 0);
        uint8_t *u = job->room[h] + at;
        if (to % job->depth != 0)
            QQ_MEMSET(job->room[h] + 16 * (to / 32 * 32 - job->k), 0,
                      16 * (job->depth - to / 32 * 32 % job->depth));
        job->set->expand(job->p, panel, job->made, to, job->is_signed, u);
    }
    job->made = to;
}

// Codes that are bytes already, but for the last ones, are taken as they lie.
QQI_FN void qqi_amx_codes(qqi_amx_job *job)
{
    const qqi_product *p = job->p;
    const int direct = p->bits == 8 && p->mul == 1 && job->end % 64 == 0;

    for (size_t h = 0; h < 2; h++) {
        const size_t panel = job->panel + (h < job->panels ? h : 0);
        job->u[h] =
            direct ? qqi_panel_cells(p, panel) + 16 * job->k : job->room[h];
    }
    job->made = direct ? job->end : job->k;
}

// The codes that come next: they are asked for by all blocks but the first,
// which has its own to wait for.
QQI_FN void qqi_amx_look_ahead(qqi_amx_job *job)
{
    const qqi_product *p = job->p;
    const size_t blocks = job->side > 1 ? job->side - 1 : 1;
    const size_t steps = (job->end - job->k) / job->depth * blocks;
    const size_t lines = (job->end - job->k) / 32 * p->bits;
    const int same = job->end < p->k;
    const size_t panel = same ? job->panel : job->panel + 2;

    job->lines = 0;
    if (steps == 0 || panel + 2 > job->last)
        return;
    job->lines = lines / steps + (lines % steps > 0);
    for (size_t h = 0; h < 2; h++) {
        job->far[h] = qqi_panel_cells(p, panel + h);
        job->far[h] += same ? job->end / 32 * 64 * p->bits : 0;
    }
}

// Numbers k to end - 1, in the stretch.
QQI_INLINE void qqi_amx_run_on(const qqi_amx_job *job, qqi_amx_run *r, size_t k,
                               size_t end)
{
    const size_t at = 16 * (k - job->k);

    r->k = k;
    r->end = end;
    r->u0 = job->u[0] + at;
    r->u1 = job->u[1] + at;
    job->set->run(r);
    r->far += (end - k + job->depth - 1) / job->depth * 64 * r->lines;
}

// Every tile of the stretch by itself, two at a time where there is memory for
// their sums.
QQI_FN void qqi_amx_short(qqi_amx_job *job, qqi_amx_run *r, qqi_amx_join *j,
                          int32_t *more)
{
    const size_t tile = job->p->tile;
    size_t k = job->k;

    j->begins = j->ends = 1;
    r->from = QQI_AMX_ZERO;
    r->store = 1;
    for (size_t t = job->tile; k < job->end; t += j->next != NULL ? 2 : 1) {
        if (job->made < qqi_amx_least(k + 2 * tile, job->end))
            qqi_amx_expand(job, k + 2 * tile + QQI_AMX_PIECE);
        r->c = j->c;
        j->next = NULL;
        for (int i = 0; i < 2 && r->c != NULL && k < job->end; i++) {
            const size_t next = qqi_amx_least(k + tile, job->end);
            qqi_amx_run_on(job, r, k, next);
            j->next = i > 0 ? more : NULL;
            r->c = more;
            k = next;
        }
        j->tile = j->span = t;
        job->set->join(j);
    }
}

// A piece of one tile.
QQI_FN void qqi_amx_long(qqi_amx_job *job, qqi_amx_run *r)
{
    size_t k = job->k;

    r->from = job->opens ? QQI_AMX_ZERO : QQI_AMX_MEMORY;
    while (k < job->end) {
        // What is expanded already is one run.
        const int all = job->made == job->end;
        size_t next = all ? job->end : k + QQI_AMX_PIECE;
        qqi_amx_expand(job, next);
        qqi_amx_expand(job, next + QQI_AMX_PIECE);
        next = qqi_amx_least(next, job->end);
        r->store = next == job->end;
        qqi_amx_run_on(job, r, k, next);
        r->from = QQI_AMX_KEPT;
        k = next;
    }
}

// Runs of block i, which has count rows from first on; slot: in memory.
QQI_INLINE void qqi_amx_run_of(const qqi_amx_job *job, size_t first,
                               size_t count, size_t slot, qqi_amx_run *r)
{
    const size_t digits = job->p->digits;
    const int asks = slot > 0 || job->side == 1;
    const size_t steps = (job->end - job->k) / job->depth;

    r->regs = job->set->regs;
    r->x = job->g->q + job->p->padded * first * digits;
    r->stride = 64 * count * digits;
    r->second = 64 * (count - job->cut.half) * digits;
    r->depth = job->depth;
    r->is_signed = job->is_signed;
    r->all = job->p->padded;
    r->soon = job->is_short ? r->stride / 64 : 0;
    r->lines = asks ? job->lines : 0;
    r->ahead[0] = job->far[0];
    r->ahead[1] = job->far[1];
    r->far = slot > 1 ? (slot - 1) * steps * 64 * r->lines : 0;
}

// Scales the sums of a block, and stores y at the end.
QQI_FN void qqi_amx_block_on(qqi_amx_job *job, size_t i, size_t slot,
                             qqi_amx_run *r)
{
    const size_t half = job->cut.half;
    qqi_amx_place at = {0, 0};
    qqi_columns g;
    qqi_amx_join j;

    qqi_amx_block(job->p, job->g, &job->cut, i, &g);
    j.p = job->p;
    j.g = &g;
    j.half = half;
    j.halves = g.count > half ? 2 : 1;
    j.panel = job->panel;
    j.panels = job->panels;
    j.is_signed = job->is_signed;
    j.next = NULL;
    int32_t *more = qqi_amx_frame(job, slot, &j, &at);
    r->c = j.c;
    if (job->is_short) {
        qqi_amx_short(job, r, &j, more);
    } else {
        j.tile = job->tile;
        j.span = job->span;
        j.begins = job->begins;
        j.ends = job->ends;
        qqi_amx_long(job, r);
        job->set->join(&j);
    }
    if (job->end == job->p->k)
        job->set->end(&j);
}

// A stretch of blocks from to to - 1.
QQI_FN void qqi_amx_blocks(qqi_amx_job *job, size_t from, size_t to)
{
    const int joins = job->is_short || job->closes;

    for (size_t i = from; i < to; i++) {
        const size_t first = qqi_amx_block_first(&job->cut, i);
        const size_t count = qqi_amx_block_first(&job->cut, i + 1) - first;
        qqi_amx_run r;
        qqi_amx_run_of(job, first, count, i - from, &r);
        if (joins) {
            qqi_amx_block_on(job, i, i - from, &r);
        } else {
            void *c = job->frames + (i - from) * job->frame;
            r.c = (int32_t *)c;
            qqi_amx_long(job, &r);
        }
    }
}

// Two panels, or the last one.
QQI_FN void qqi_amx_panels(qqi_amx_job *job)
{
    const size_t count = job->cut.count;

    for (size_t i = 0, next; i < count; i = next) {
        next = qqi_amx_least(i + job->side, count);
        for (size_t k = 0; k < job->p->k; k = job->end) {
            qqi_amx_stretch(job, k);
            qqi_amx_codes(job);
            qqi_amx_look_ahead(job);
            qqi_amx_blocks(job, i, next);
        }
    }
}

// Whether the engine can have a product: integers that are bytes, and tiles of
// whole steps.
QQI_FN int qqi_amx_fits(const qqi_product *p)
{
    return p->input != QQ_INPUT_F32 && p->k > 0 &&
           (p->mul == 1 || (p->mul == 2 && p->bits < 8)) &&
           (p->tiles <= 1 || p->tile % 32 == 0);
}

// The same for a group: narrow ones have no room to join in 64 bits.
QQI_INLINE int qqi_amx_takes(const qqi_columns *g, int is_long)
{
    return g->width > 8 || !is_long;
}

QQI_FN void qqi_amx_multiply(const qqi_amx_set *set, int is_long,
                             const qqi_product *p, const qqi_columns *g,
                             size_t first, size_t last, void *work)
{
    qqi_amx_job job;

    QQ_MEMSET(&job, 0, sizeof job);
    job.set = set;
    job.p = p;
    job.g = g;
    job.is_long = is_long;
    job.is_narrow = g->width <= 8;
    job.length = job.is_narrow ? QQI_AMX_NARROW : QQI_AMX_STRETCH;
    job.is_short = p->tiles > 1 && p->tile <= job.length;
    if (job.is_short)
        job.length = job.length / p->tile * p->tile;
    job.is_signed =
        p->zero_at == 0 && (p->bits == 1 || p->bits == 2 || p->bits == 4);
    job.depth = p->tiles > 1 && p->tile % 64 != 0 ? 32 : 64;
    job.cut = qqi_amx_cut_of(p, g);
    job.last = last;
    qqi_amx_lay_out(&job, work);
    set->open(set->regs, job.cut.half * p->digits, job.depth);
    for (size_t i = first; i < last; i += 2) {
        job.panel = i;
        job.panels = last - i < 2 ? 1 : 2;
        qqi_amx_panels(&job);
    }
    set->close(set->regs);
}

// --- what each set does likewise -------------------------------------------

// The row of x in the block that row r of half a is.
QQI_INLINE size_t qqi_amx_row(const qqi_amx_join *j, size_t a, size_t r)
{
    return a > 0 ? j->g->count - j->half + r : r;
}

// Whether the sums of registers 2 and 3 belong to those of 0 and 1.
QQI_INLINE int qqi_amx_folds(const qqi_amx_join *j)
{
    return j->halves == 1;
}

#endif // QQUANT_KERNEL_AMX_ENGINE_H
