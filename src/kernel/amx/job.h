// qquant floor 5: a product by tiles on its way, and its memory.
//
// MEMORY, for columns of padded numbers, at least 64: work holds 16 KiB and 32
// * min(padded, 4096) bytes. Codes of a stretch take at most 32 * min(padded,
// 1024). The rest, 16 KiB or more, has for one block: sums 4 KiB, twice where
// tiles are short and joined in 32 bits; acc 4 KiB; totals of 64 bits 8 KiB.
// What must outlive a stretch is there for every block, so as many blocks as
// fit are done side by side. Groups of at most 8 columns (narrow ones) have 16
// KiB in all: codes take 8, sums and acc 8; totals have no place.

#ifndef QQUANT_KERNEL_AMX_JOB_H
#define QQUANT_KERNEL_AMX_JOB_H

#include "kernel/amx/cut.h"
#include "kernel/amx/tile.h"
#include "kernel/scalar/core.h"

// Columns whose codes have room as bytes; twice as many of codes that are.
#define QQI_AMX_STRETCH ((size_t)512)
#define QQI_AMX_NARROW  ((size_t)256)

// Bytes of the sums of a block, of its acc, and of half its totals.
#define QQI_AMX_SUMS ((size_t)4096)

// Sums of a span of a block, to be joined.
typedef struct qqi_amx_join {
    const qqi_product *p;
    const qqi_columns *g; // the block
    size_t half;          // rows of x in a half
    size_t halves;
    size_t panel; // the first of them
    size_t panels;
    size_t tile;
    size_t span;
    int begins;     // the tile
    int ends;       // the tile
    int is_signed;  // codes were u - add: nothing is to be taken off
    int32_t *next;  // sums of the tile after it, to be joined as well; or NULL
    int32_t *c;     // of register 2 a + h: 16 rows of 16, as are acc and total,
    float *acc;     // whose rows are those of x
    int64_t *total; // where tiles are joined in 64 bits
} qqi_amx_join;

// A block with its columns, in the place of acc, which it does not need.
typedef struct qqi_amx_late {
    qqi_amx_join join;
    qqi_columns g;
} qqi_amx_late;

struct qqi_amx_job;
struct qqi_amx_strip;

// What an instruction set brings along.
typedef struct qqi_amx_set {
    void *regs;
    void (*open)(void *regs, size_t rows, size_t depth); // shapes of tiles
    void (*close)(void *regs);
    void (*begin)(qqi_amx_make *m); // before anything is made
    void (*run)(qqi_amx_run *r);
    // u of columns k to end - 1 of panel i, k a multiple of 32: 16 bytes a
    // column, up to a multiple of 32 of them are written.
    // Those with signs are u - add.
    void (*expand)(const qqi_product *p, size_t i, size_t k, size_t end,
                   int is_signed, uint8_t *u);
    // Once more where a tile has several spans; acc is set by tile 0, and else
    // added to.
    void (*join)(const qqi_amx_join *j);
    void (*end)(const qqi_amx_join *j); // y from acc
    // Both, where there is one tile, of 32 bits: some rows of the block.
    void (*last)(const qqi_amx_join *j, size_t from, size_t to);
    // Scales of all tiles of a stretch: of each 16 of a panel, 16 of the other.
    void (*scales)(const struct qqi_amx_job *job, float *scale);
    void (*strip)(const struct qqi_amx_strip *s);
} qqi_amx_set;

// A product of a group, on its way.
typedef struct qqi_amx_job {
    const qqi_amx_set *set;
    const qqi_product *p;
    const qqi_columns *g;
    qqi_amx_cut cut;
    size_t depth;
    size_t panel;
    size_t panels; // 1 or 2
    size_t last;   // the panel after the last one
    int is_short;  // tiles fit into a stretch
    int is_narrow; // at most 8 columns
    size_t length; // of a stretch
    int is_long;   // tiles are joined in 64 bits
    int is_signed; // codes are u - add
    size_t k;      // the stretch
    size_t end;
    size_t tile; // that it begins in, and the span
    size_t span;
    int opens;  // it begins a span
    int closes; // it ends one: tiles are long
    int begins; // this span is the first of its tile, or the last
    int ends;
    int again;           // these panels are for other blocks as well
    int direct;          // codes are bytes, and taken as they lie
    int alone;           // no other block is done beside this one
    int32_t *before;     // where sums in the registers belong, or NULL
    qqi_amx_late *late;  // ends beside the next run; or NULL
    const uint8_t *u[2]; // codes of the stretch
    qqi_amx_make make;   // of the next one
    size_t made;         // its end
    // What is in work: codes; then memory of all blocks; then of each.
    uint8_t *room[2]; // of panel h
    uint8_t *shared;
    uint8_t *frames;
    size_t frame; // bytes of one
    size_t side;  // blocks side by side
} qqi_amx_job;

// A piece of memory that a block needs: its own if kept, else shared.
typedef struct qqi_amx_place {
    size_t shared;
    size_t frame;
} qqi_amx_place;

QQI_INLINE uint8_t *qqi_amx_take(const qqi_amx_job *job, size_t slot, int kept,
                                 size_t bytes, qqi_amx_place *at)
{
    uint8_t *p = kept ? job->frames + slot * job->frame + at->frame
                      : job->shared + at->shared;

    at->frame += kept ? bytes : 0;
    at->shared += kept ? 0 : bytes;
    return p;
}

// Gives a block its memory; answers the second place of sums, NULL: none.
QQI_FN int32_t *qqi_amx_frame(const qqi_amx_job *job, size_t slot,
                              qqi_amx_join *j, qqi_amx_place *at)
{
    const qqi_product *p = job->p;
    const int many = p->k > job->length;
    const int open = many && !job->is_short;
    void *c = qqi_amx_take(job, slot, open, QQI_AMX_SUMS, at);
    void *acc = qqi_amx_take(job, slot, many && p->tiles > 1, QQI_AMX_SUMS, at);
    void *more = NULL;

    j->c = (int32_t *)c;
    j->acc = (float *)acc;
    j->total = NULL;
    if (job->is_long) {
        void *total = qqi_amx_take(job, slot, open, 2 * QQI_AMX_SUMS, at);
        j->total = (int64_t *)total;
    } else if (job->is_short && !job->is_narrow) {
        more = qqi_amx_take(job, slot, 0, QQI_AMX_SUMS, at);
    }
    return (int32_t *)more;
}

QQI_FN void qqi_amx_lay_out(qqi_amx_job *job, void *work)
{
    const size_t padded = job->p->padded;
    const size_t most = job->is_narrow ? QQI_AMX_NARROW
                        : job->direct  ? 2 * QQI_AMX_STRETCH
                                       : QQI_AMX_STRETCH;
    const size_t part = 16 * (padded < most ? padded : most);
    const size_t wide = job->is_narrow ? 0 : qqi_wide_bytes(padded);
    const size_t room = QQI_WORK_BYTES + wide - 2 * part;
    qqi_amx_place at = {0, 0};
    qqi_amx_join j;

    job->length = part / 16;
    job->room[0] = (uint8_t *)work;
    job->room[1] = job->room[0] + part;
    job->is_short = job->p->tiles > 1 && job->p->tile <= job->length;
    if (job->is_short)
        job->length = job->length / job->p->tile * job->p->tile;
    job->shared = (uint8_t *)work + 2 * part;
    job->frames = job->shared;
    job->frame = 0;
    (void)qqi_amx_frame(job, 0, &j, &at);
    job->frames = job->shared + at.shared;
    job->frame = at.frame;
    job->side = job->cut.count;
    if (at.frame > 0 && (room - at.shared) / at.frame < job->side)
        job->side = (room - at.shared) / at.frame;
}

// --- stretches -------------------------------------------------------------

QQI_INLINE size_t qqi_amx_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

QQI_INLINE size_t qqi_amx_most(size_t a, size_t b)
{
    return a > b ? a : b;
}

// The end of a stretch from k on.
QQI_FN size_t qqi_amx_stretch_end(const qqi_amx_job *job, size_t k)
{
    const qqi_product *p = job->p;

    return qqi_amx_least(job->is_short ? p->k : qqi_tile_end(p, k / p->tile),
                         k + job->length);
}

// Goes from a stretch, from k on of a panel, to the next; 0: there is none.
QQI_FN int qqi_amx_after(const qqi_amx_job *job, size_t *panel, size_t *k)
{
    const size_t end = qqi_amx_stretch_end(job, *k);

    *k = end < job->p->k ? end : 0;
    *panel += end < job->p->k || job->again ? 0 : 2;
    return *panel < job->last;
}

// The stretch from k on.
QQI_FN void qqi_amx_stretch(qqi_amx_job *job, size_t k)
{
    const qqi_product *p = job->p;
    const size_t tile = k / p->tile;
    const size_t tile_end = qqi_tile_end(p, tile);
    const size_t from = k - tile * p->tile;

    job->k = k;
    job->tile = job->span = tile;
    job->end = qqi_amx_stretch_end(job, k);
    if (job->is_short)
        return;
    job->span += p->tiles > 1 ? 0 : from / p->span;
    job->opens = from % p->span == 0;
    job->begins = from < p->span;
    job->ends = job->end == tile_end;
    job->closes = job->ends || (from + job->end - k) % p->span == 0;
}

#endif // QQUANT_KERNEL_AMX_JOB_H
