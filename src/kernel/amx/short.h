// qquant floor 5: runs of short scale tiles, whose sums are scaled and added.
//
// Tiles of 32 columns, and where there are only 16 rows of x tiles up to 96,
// are done by strips: 16 rows by one panel, along all tiles of the stretch. So
// what they add up to, 16 times 16 floats, stays in vector registers. While
// tile t begins, the sums of t - 3 are stored and those of t - 4 added: no
// product is waited for, and vectors work beside tiles. All else is runs of
// whole blocks, joined two tiles at a time, which load half as much for a
// product: tiles of 64 take as long one way as the other.

#ifndef QQUANT_KERNEL_AMX_SHORT_H
#define QQUANT_KERNEL_AMX_SHORT_H

#include "kernel/amx/job.h"

// The longest tiles that are done by strips, where there are 16 rows of x, and
// where there are more.
#define QQI_AMX_STRIP      ((size_t)96)
#define QQI_AMX_STRIP_MANY ((size_t)32)

// The tiles of a stretch for a half of a block and one panel.
typedef struct qqi_amx_strip {
    void *regs;
    const qqi_amx_join *j; // of the first tile
    size_t half;
    size_t panel;    // 0 or 1
    const int8_t *x; // of the half's first row, and as a run has it
    size_t stride;
    size_t depth;
    size_t tile; // columns of one
    size_t k;    // of the stretch
    size_t end;
    size_t count;     // tiles
    const uint8_t *u; // codes of column k
    int32_t *c;       // two places of 256 sums
    float *acc;
    const float *scale; // of the first tile: 16 of every 32
    qqi_amx_run *run;   // of the block: what is done beside
    size_t asks;        // units to ask for beside a tile
    int frees;          // no other strip needs these codes: others may be made
} qqi_amx_strip;

// What the sums of a strip are added up in, which acc is: rows of x.
typedef struct qqi_amx_adds {
    void (*begin)(void *acc, const qqi_amx_strip *s);
    void (*add)(void *acc, const qqi_amx_strip *s, size_t t, const int32_t *c);
    void (*end)(void *acc, const qqi_amx_strip *s);
} qqi_amx_adds;

// Tiles of the stretch.
QQI_INLINE size_t qqi_amx_short_tiles(const qqi_amx_job *job)
{
    return (job->end - job->k + job->p->tile - 1) / job->p->tile;
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
}

// Sums that are in the registers to c.
QQI_FN void qqi_amx_flush(const qqi_amx_job *job, qqi_amx_run *r, int32_t *c)
{
    r->from = QQI_AMX_KEPT;
    r->before = NULL;
    r->store = 1;
    r->c = c;
    qqi_amx_run_on(job, r, job->end, job->end);
}

// Every tile of the stretch by itself.
QQI_FN void qqi_amx_single(const qqi_amx_job *job, qqi_amx_run *r,
                           qqi_amx_join *j)
{
    size_t k = job->k;

    r->from = QQI_AMX_ZERO;
    r->store = 1;
    for (size_t t = job->tile; k < job->end; t++) {
        const size_t next = qqi_amx_least(k + job->p->tile, job->end);
        qqi_amx_run_on(job, r, k, next);
        j->tile = j->span = t;
        job->set->join(j);
        k = next;
    }
}

// The same, two at a time, where there is memory for their sums: those of the
// first are stored by the run of the second, which are stored by the next run.
QQI_FN void qqi_amx_pairs(const qqi_amx_job *job, qqi_amx_run *r,
                          qqi_amx_join *j, int32_t *more)
{
    const size_t tile = job->p->tile;
    size_t k = job->k;

    r->store = 0;
    j->tile = job->tile;
    for (size_t t = job->tile; k < job->end; t++) {
        const size_t next = qqi_amx_least(k + tile, job->end);
        const int second = (t - job->tile) % 2 > 0;
        r->from = QQI_AMX_ZERO;
        r->before = t == job->tile ? NULL : second ? j->c : more;
        qqi_amx_run_on(job, r, k, next);
        if (!second && t > job->tile) {
            j->next = more;
            job->set->join(j);
            j->tile = j->span = t;
        }
        j->next = second ? more : NULL;
        k = next;
    }
    qqi_amx_flush(job, r, j->next != NULL ? more : j->c);
    job->set->join(j);
}

// --- strips ----------------------------------------------------------------

// What is done beside a tile, whose columns end before k.
QQI_INLINE void qqi_amx_strip_beside(const qqi_amx_tiles *v,
                                     const qqi_amx_strip *s, size_t k)
{
    qqi_amx_run *r = s->run;
    qqi_amx_make *m = r->make;

    for (size_t i = 0; i < s->asks && m->far_at < m->far_end; i++)
        v->ask(m, m->far_at++);
    while (s->frees && m->at < m->end && m->now + 32 * m->at < k)
        v->make(m, m->at++);
    if (r->rows > 0) {
        v->write(r->y);
        v->write(qqi_amx_beyond(r->y, 64));
        r->y = (const uint8_t *)qqi_amx_beyond(r->y, r->ldy);
        r->rows--;
    }
}

// The sums of tile t in register i.
QQI_INLINE void qqi_amx_strip_dots(const qqi_amx_tiles *v, qqi_amx_dot_fn dot,
                                   const qqi_amx_strip *s, size_t t, int i)
{
    const size_t from = s->k + t * s->tile;
    const size_t end = from + s->tile < s->end ? from + s->tile : s->end;
    const uint8_t *u = s->u + 16 * (from - s->k);

    v->zero(s->regs, i);
    for (size_t k = from; k < end; k += s->depth, u += 16 * s->depth) {
        const int8_t *x = s->x + k / 64 * s->stride + k % 64;
        v->stream(s->regs, 4 + i / 2, x);
        v->load(s->regs, 6 + i % 2, u);
        dot(s->regs, i);
    }
    qqi_amx_strip_beside(v, s, end);
}

// Tile t begins in register i, t - 3 is stored, t - 4 joined.
QQI_INLINE void qqi_amx_strip_step(const qqi_amx_tiles *v, qqi_amx_dot_fn dot,
                                   const qqi_amx_adds *w, void *acc,
                                   const qqi_amx_strip *s, size_t t, int i)
{
    const int before = (i + 1) % 4;

    if (t >= 3 && t - 3 < s->count)
        v->store(s->regs, before, s->c + 256 * (before % 2));
    if (t < s->count)
        qqi_amx_strip_dots(v, dot, s, t, i);
    if (t >= 4 && t - 4 < s->count)
        w->add(acc, s, t - 4, s->c + 256 * (i % 2));
}

QQI_INLINE void qqi_amx_strip_loop(const qqi_amx_tiles *v, qqi_amx_dot_fn dot,
                                   const qqi_amx_adds *w, void *acc,
                                   const qqi_amx_strip *s)
{
    w->begin(acc, s);
    for (size_t t = 0; t < s->count + 4; t += 4) {
        qqi_amx_strip_step(v, dot, w, acc, s, t, 0);
        qqi_amx_strip_step(v, dot, w, acc, s, t + 1, 1);
        qqi_amx_strip_step(v, dot, w, acc, s, t + 2, 2);
        qqi_amx_strip_step(v, dot, w, acc, s, t + 3, 3);
    }
    w->end(acc, s);
}

// Whether a block's tiles are done that way.
QQI_INLINE int qqi_amx_has_strips(const qqi_amx_job *job)
{
    const qqi_product *p = job->p;
    const size_t most = job->cut.rows > 16 ? QQI_AMX_STRIP_MANY : QQI_AMX_STRIP;

    return job->is_short && !job->is_long && !job->is_narrow &&
           job->cut.half == 16 && p->tile <= most && p->zero_at == 0 &&
           p->x_zero == 0 && p->input != QQ_INPUT_INT8_TILE;
}

// Scales of the tiles of a stretch, for all its blocks.
QQI_FN void qqi_amx_short_begin(const qqi_amx_job *job)
{
    qqi_amx_place at = {0, 0};
    qqi_amx_join j;

    if (!qqi_amx_has_strips(job))
        return;
    void *more = qqi_amx_frame(job, 0, &j, &at);
    job->set->scales(job, (float *)more);
}

QQI_FN void qqi_amx_strips(const qqi_amx_job *job, qqi_amx_run *r,
                           const qqi_amx_join *j, int32_t *more)
{
    const size_t steps = job->p->tile / job->depth;
    const unsigned bits = job->p->bits;
    const int makes = bits == 1 || bits == 2 || bits == 4;
    const void *scale = more;
    qqi_amx_strip s;

    s.regs = r->regs;
    s.j = j;
    s.stride = r->stride;
    s.depth = r->depth;
    s.tile = job->p->tile;
    s.k = job->k;
    s.end = job->end;
    s.count = qqi_amx_short_tiles(job);
    s.c = j->c;
    s.run = r;
    for (size_t a = 0; a < j->halves; a++)
        for (size_t h = 0; h < job->panels; h++) {
            s.half = a;
            s.panel = h;
            s.asks = a + h > 0 ? 0 : steps * r->make->far_once;
            s.frees = makes && r->make->frees && a + 1 == j->halves &&
                      h + 1 == job->panels;
            s.x = r->x + (a > 0 ? r->second : 0);
            s.u = job->u[h];
            s.scale = (const float *)scale + 16 * h;
            s.acc = j->acc + 256 * (2 * a + h);
            job->set->strip(&s);
        }
}

QQI_FN void qqi_amx_short(const qqi_amx_job *job, qqi_amx_run *r,
                          qqi_amx_join *j, int32_t *more)
{
    j->begins = j->ends = 1;
    j->tile = j->span = job->tile;
    if (qqi_amx_has_strips(job))
        qqi_amx_strips(job, r, j, more);
    else if (more != NULL)
        qqi_amx_pairs(job, r, j, more);
    else
        qqi_amx_single(job, r, j);
}

#endif // QQUANT_KERNEL_AMX_SHORT_H
