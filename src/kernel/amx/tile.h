// qquant floor 5: tiles of registers, and the innermost loop on them.
//
// There are eight tile registers, each of 16 rows of 64 bytes:
//
//   0 to 3   sums, int32: a row for a column of x, a lane for a row of W;
//            register 2 a + h: half a of a block of columns, panel h of two
//   4 + a    numbers of x, int8: a row for a column, 64 (or 32) numbers
//   6 + h    codes, u = mul * code: row r is columns 4 r to 4 r + 3 of the 16
//            rows of a panel, as in a cell of 8 bits
//
// dot(t) adds to register t the product of 4 + t / 2 with 6 + t % 2: bytes with
// sign times bytes without, exact in int32. What these operations are is
// handed over (qqi_amx_tiles), so that plain C can stand in where there is no
// AMX, and the loop is tested everywhere; with constants all of it is inlined.
// Where nothing is left to take off codes that way, they may be u - add, and
// have signs.
//
// A block of columns with only one half uses registers 0 and 1 for the steps
// of even number and 2 and 3 for the odd ones, so that no product waits for
// the one before; their sums belong together.

#ifndef QQUANT_KERNEL_AMX_TILE_H
#define QQUANT_KERNEL_AMX_TILE_H

#include "kernel/kernel.h"

// What is made beside the runs of a stretch: codes of the stretch that comes
// after it, as bytes, in the place of those that the last block has loaded. A
// unit is 32 columns of two panels.
typedef struct qqi_amx_make {
    const qqi_product *p;
    size_t panel[2];
    size_t k; // the first column
    int is_signed;
    const uint8_t *cells[2]; // of that column
    uint8_t *u[2];           // NULL: cells are taken as they lie
    size_t at;               // the next unit
    size_t end;
    size_t now; // first column of the codes in use
    int frees;  // no other block needs them
    // Cells of the stretch after that one are asked for, beside all blocks.
    const uint8_t *far[2];
    size_t far_at;
    size_t far_end;
    size_t far_once;   // units a step
    uint8_t table[64]; // u of all codes, theirs who make
} qqi_amx_make;

struct qqi_amx_join;

// The operations. regs is theirs alone: NULL, or where plain C has tiles.
typedef struct qqi_amx_tiles {
    void (*zero)(void *regs, int t);
    void (*load)(void *regs, int t, const void *p); // rows 64 bytes apart
    // The same for what passes by once: it shall not drive out other data.
    void (*stream)(void *regs, int t, const void *p);
    void (*store)(void *regs, int t, void *p);
    void (*dot)(void *regs, int t);
    void (*dot_signed)(void *regs, int t); // the codes have signs
    void (*make)(const qqi_amx_make *m, size_t unit);
    void (*ask)(const qqi_amx_make *m, size_t unit); // for its cells
    void (*write)(const void *p); // these 64 bytes will be written
    // y of rows from to to - 1 of a block of before.
    void (*last)(const struct qqi_amx_join *j, size_t from, size_t to);
} qqi_amx_tiles;

typedef void (*qqi_amx_dot_fn)(void *regs, int t);

// Where the sums of a run come from.
typedef enum qqi_amx_from {
    QQI_AMX_ZERO = 1,
    QQI_AMX_MEMORY = 2,
    QQI_AMX_KEPT = 3 // in the registers, from the run before
} qqi_amx_from;

// Sums over numbers k to end - 1 of a block of columns and two panels.
typedef struct qqi_amx_run {
    void *regs;
    const int8_t *x;   // number 0 of the first column
    size_t stride;     // from 64 numbers to the next ones
    size_t second;     // from the first half's columns to the second's; 0: none
    size_t depth;      // numbers of a step: 64 or 32
    size_t k;          // a multiple of it
    size_t end;        // rounded up to it
    const uint8_t *u0; // codes of column k of the panels, 16 bytes a column
    const uint8_t *u1;
    int32_t *c; // 256 sums of each register
    // Sums of the run before, not yet stored, or NULL. Each register is stored
    // when it is needed again: a store waits for its products.
    int32_t *before;
    qqi_amx_from from;
    int store;
    int is_signed;
    qqi_amx_make *make;
    // Where y will be written: rows of two lines ldy bytes apart.
    const uint8_t *y;
    size_t ldy;
    size_t rows; // that are not yet asked for
    size_t once; // of them in a step
    // A block of before, and its rows that are not yet done, late_once in a
    // step: none are left after the last step.
    const struct qqi_amx_join *late;
    size_t late_at;
    size_t late_end;
    size_t late_once;
} qqi_amx_run;

QQI_INLINE void qqi_amx_step_two(const qqi_amx_tiles *v, qqi_amx_dot_fn dot,
                                 void *regs, const int8_t *x, size_t second,
                                 const uint8_t *u0, const uint8_t *u1)
{
    v->stream(regs, 4, x);
    v->load(regs, 6, u0);
    dot(regs, 0);
    v->load(regs, 7, u1);
    dot(regs, 1);
    v->stream(regs, 5, x + second);
    dot(regs, 2);
    dot(regs, 3);
}

// A step of even number.
QQI_INLINE void qqi_amx_step_even(const qqi_amx_tiles *v, qqi_amx_dot_fn dot,
                                  void *regs, const int8_t *x,
                                  const uint8_t *u0, const uint8_t *u1)
{
    v->stream(regs, 4, x);
    v->load(regs, 6, u0);
    dot(regs, 0);
    v->load(regs, 7, u1);
    dot(regs, 1);
}

QQI_INLINE void qqi_amx_step_odd(const qqi_amx_tiles *v, qqi_amx_dot_fn dot,
                                 void *regs, const int8_t *x, const uint8_t *u0,
                                 const uint8_t *u1)
{
    v->stream(regs, 5, x);
    v->load(regs, 6, u0);
    dot(regs, 2);
    v->load(regs, 7, u1);
    dot(regs, 3);
}

QQI_INLINE void qqi_amx_begin_one(const qqi_amx_tiles *v, const qqi_amx_run *r,
                                  int t)
{
    if (r->before != NULL)
        v->store(r->regs, t, r->before + 256 * t);
    if (r->from == QQI_AMX_ZERO)
        v->zero(r->regs, t);
    else if (r->from == QQI_AMX_MEMORY)
        v->load(r->regs, t, r->c + 256 * t);
}

QQI_INLINE void qqi_amx_begin(const qqi_amx_tiles *v, const qqi_amx_run *r)
{
    qqi_amx_begin_one(v, r, 0);
    qqi_amx_begin_one(v, r, 1);
    qqi_amx_begin_one(v, r, 2);
    qqi_amx_begin_one(v, r, 3);
}

QQI_INLINE void qqi_amx_finish(const qqi_amx_tiles *v, const qqi_amx_run *r)
{
    v->store(r->regs, 0, r->c);
    v->store(r->regs, 1, r->c + 256);
    v->store(r->regs, 2, r->c + 512);
    v->store(r->regs, 3, r->c + 768);
}

// p and some bytes, which may end behind all that there is: to be asked for, no
// more.
QQI_INLINE const void *qqi_amx_beyond(const uint8_t *p, size_t bytes)
{
    return (const void *)((uintptr_t)p + bytes);
}

// What is done beside a step that ended before column k.
QQI_INLINE void qqi_amx_beside(const qqi_amx_tiles *v, qqi_amx_run *r, size_t k)
{
    qqi_amx_make *m = r->make;

    for (size_t i = 0; i < m->far_once && m->far_at < m->far_end; i++)
        v->ask(m, m->far_at++);
    while (m->frees && m->at < m->end && m->now + 32 * m->at < k)
        v->make(m, m->at++);
    for (size_t i = 0; i < r->once && r->rows > 0; i++, r->rows--) {
        v->write(r->y);
        v->write(qqi_amx_beyond(r->y, 64));
        r->y = (const uint8_t *)qqi_amx_beyond(r->y, r->ldy);
    }
    if (r->late_at < r->late_end) {
        const size_t left = r->late_end - r->late_at;
        const size_t n = left < r->late_once ? left : r->late_once;
        v->last(r->late, r->late_at, r->late_at + n);
        r->late_at += n;
    }
}

QQI_INLINE void qqi_amx_steps(const qqi_amx_tiles *v, qqi_amx_dot_fn dot,
                              qqi_amx_run *r)
{
    const uint8_t *u0 = r->u0;
    const uint8_t *u1 = r->u1;
    const size_t step = 16 * r->depth;

    for (size_t k = r->k; k < r->end; k += r->depth, u0 += step, u1 += step) {
        const int8_t *x = r->x + k / 64 * r->stride + k % 64;
        if (r->second > 0)
            qqi_amx_step_two(v, dot, r->regs, x, r->second, u0, u1);
        else if ((k & r->depth) == 0)
            qqi_amx_step_even(v, dot, r->regs, x, u0, u1);
        else
            qqi_amx_step_odd(v, dot, r->regs, x, u0, u1);
        qqi_amx_beside(v, r, k + r->depth);
    }
}

QQI_INLINE void qqi_amx_loop(const qqi_amx_tiles *v, qqi_amx_run *r)
{
    qqi_amx_begin(v, r);
    if (r->is_signed)
        qqi_amx_steps(v, v->dot_signed, r);
    else
        qqi_amx_steps(v, v->dot, r);
    if (r->store)
        qqi_amx_finish(v, r);
}

#endif // QQUANT_KERNEL_AMX_TILE_H
