// qquant floor 5: the engine of tiles: two panels by blocks of columns.
//
// Columns of W are done up to 512 at a time (a stretch; 1024 where codes are
// bytes): their codes, expanded to bytes for two panels, stay in the nearest
// cache while all blocks of columns pass by, whose numbers stream from the next
// one. A stretch never crosses the end of a long scale tile; short tiles it
// holds whole. For every block
//
//   short tiles   each tile is a run, whose sums are scaled and added (join)
//   long ones     a run over the stretch goes on with the sums of the stretch
//                 before, and is joined at the end of a span
//
// and after the last stretch y is stored; where there is but one tile, beside
// the steps of the next block (last). The codes of the next stretch are
// expanded beside the steps of the last block, each where codes have just been
// loaded for the last time: the nearest cache holds them once, not twice. So
// the vector units work beside the tiles, and reading beside both.
//
// What needs an instruction set stands in a qqi_amx_set; all here is plain C.

#ifndef QQUANT_KERNEL_AMX_ENGINE_H
#define QQUANT_KERNEL_AMX_ENGINE_H

#include "kernel/amx/short.h"

// Makes what is left of the codes of a stretch. A last step may reach beyond
// all cells, where x has zeros: codes may be anything there.
QQI_FN void qqi_amx_made(qqi_amx_job *job)
{
    qqi_amx_make *m = &job->make;
    const size_t k = m->k + 32 * m->at;
    const size_t end = job->made;
    const size_t over = end % job->depth;

    for (size_t h = 0; h < 2 && k < end; h++) {
        if (over != 0)
            QQ_MEMSET(m->u[h] + 16 * (end / 32 * 32 - m->k), 0,
                      16 * (job->depth - end / 32 * 32 % job->depth));
        job->set->expand(job->p, m->panel[h], k, end, m->is_signed,
                         m->u[h] + 512 * m->at);
    }
    m->at = m->end;
}

// Begins to make the codes of the stretch from k of a panel on; what it has no
// whole units for is left to the end.
QQI_FN void qqi_amx_make_begin(qqi_amx_job *job, size_t panel, size_t k)
{
    const qqi_product *p = job->p;
    qqi_amx_make *m = &job->make;
    size_t far = panel, far_k = k;
    const int more = qqi_amx_after(job, &far, &far_k);

    job->made = qqi_amx_stretch_end(job, k);
    m->k = k;
    m->at = 0;
    m->end = (job->made - k) / 32;
    for (size_t h = 0; h < 2; h++) {
        m->panel[h] = panel + (panel + h < job->last ? h : 0);
        m->cells[h] = qqi_panel_cells(p, m->panel[h]) + k / 32 * 64 * p->bits;
        m->u[h] = job->room[h];
        m->far[h] = NULL;
        if (more)
            m->far[h] =
                qqi_panel_cells(p, far + (far + h < job->last ? h : 0)) +
                far_k / 32 * 64 * p->bits;
    }
    // A lone block, which takes codes as fast as they come, has no time for
    // that.
    m->far_at = m->far_end = 0;
    if (more && !job->alone)
        m->far_end = (qqi_amx_stretch_end(job, far_k) - far_k) / 32;
}

// Codes of the stretch; those that are bytes already, but for the last ones,
// are taken as they lie.
QQI_FN void qqi_amx_codes(qqi_amx_job *job)
{
    qqi_amx_make *m = &job->make;
    const int direct = job->direct && job->end % 64 == 0;
    size_t panel = job->panel, k = job->k;

    if (job->direct || m->panel[0] != panel || m->k != k || m->u[0] == NULL)
        qqi_amx_make_begin(job, panel, k);
    if (!direct)
        qqi_amx_made(job);
    for (size_t h = 0; h < 2; h++)
        job->u[h] = direct ? m->cells[h] : m->u[h];
    m->at = m->end = 0;
    m->now = job->k;
    if (!job->direct && qqi_amx_after(job, &panel, &k))
        qqi_amx_make_begin(job, panel, k);
}

// A piece of one tile. A lone block leaves its sums in the registers until they
// are joined, others until the registers are needed.
QQI_FN void qqi_amx_long(qqi_amx_job *job, qqi_amx_run *r)
{
    r->from = job->opens   ? QQI_AMX_ZERO
              : job->alone ? QQI_AMX_KEPT
                           : QQI_AMX_MEMORY;
    r->before = job->before;
    r->store = job->closes;
    qqi_amx_run_on(job, r, job->k, job->end);
    job->before = job->closes || job->alone ? NULL : r->c;
}

// Runs of block i, which has count rows from first on.
QQI_INLINE void qqi_amx_run_of(qqi_amx_job *job, size_t first, size_t count,
                               qqi_amx_run *r)
{
    const qqi_product *p = job->p;
    const size_t steps = (job->end - job->k + job->depth - 1) / job->depth;

    r->regs = job->set->regs;
    r->x = job->g->q + p->padded * first * p->digits;
    r->stride = 64 * count * p->digits;
    r->second = 64 * (count - job->cut.half) * p->digits;
    r->depth = job->depth;
    r->is_signed = job->is_signed;
    r->before = NULL;
    r->make = &job->make;
    r->rows = job->end == p->k ? count : 0;
    r->once = (r->rows + steps - 1) / steps;
    r->ldy = 4 * p->ldy;
    r->y = p->y + 4 * ((job->g->first + first) * p->ldy + 16 * job->panel);
    r->late = job->late != NULL ? &job->late->join : NULL;
    r->late_at = 0;
    r->late_end = job->late != NULL ? job->late->g.count : 0;
    r->late_once = qqi_amx_most((r->late_end + steps - 1) / steps, 8);
    job->late = NULL;
}

// Leaves the end of a block to the next run.
QQI_FN void qqi_amx_later(qqi_amx_job *job, const qqi_amx_join *j)
{
    void *acc = j->acc;

    job->late = (qqi_amx_late *)acc;
    job->late->join = *j;
    job->late->g = *j->g;
    job->late->join.g = &job->late->g;
}

// Scales the sums of a block, and stores y at the end. Not inlined: frames
// would add up.
QQI_NOINLINE void qqi_amx_block_on(qqi_amx_job *job, size_t i, size_t slot,
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
        if (job->p->tiles <= 1 && !job->is_long) {
            qqi_amx_later(job, &j);
            return;
        }
        job->set->join(&j);
    }
    if (job->end == job->p->k)
        job->set->end(&j);
}

// A stretch of blocks from to to - 1.
QQI_FN void qqi_amx_blocks(qqi_amx_job *job, size_t from, size_t to)
{
    const int joins = job->is_short || job->closes;
    const size_t steps =
        (job->end - job->k + job->depth - 1) / job->depth * (to - from);

    qqi_amx_short_begin(job);
    job->make.far_once = (job->make.far_end + steps - 1) / steps;
    for (size_t i = from; i < to; i++) {
        job->make.frees = i + 1 == to;
        const size_t first = qqi_amx_block_first(&job->cut, i);
        const size_t count = qqi_amx_block_first(&job->cut, i + 1) - first;
        qqi_amx_run r;
        qqi_amx_run_of(job, first, count, &r);
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
        job->again = next < count;
        job->alone = next - i == 1;
        for (size_t k = 0; k < job->p->k; k = job->end) {
            qqi_amx_stretch(job, k);
            qqi_amx_codes(job);
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
    job.direct = p->bits == 8 && p->mul == 1;
    job.is_signed =
        p->zero_at == 0 && (p->bits == 1 || p->bits == 2 || p->bits == 4);
    job.depth = p->tiles > 1 && p->tile % 64 != 0 ? 32 : 64;
    job.cut = qqi_amx_cut_of(p, g);
    job.last = last;
    qqi_amx_lay_out(&job, work);
    job.make.p = p;
    job.make.is_signed = job.is_signed;
    set->begin(&job.make);
    set->open(set->regs, job.cut.half * p->digits, job.depth);
    for (size_t i = first; i < last; i += 2) {
        job.panel = i;
        job.panels = last - i < 2 ? 1 : 2;
        qqi_amx_panels(&job);
    }
    if (job.late != NULL)
        set->last(&job.late->join, 0, job.late->g.count);
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
