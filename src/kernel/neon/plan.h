// qquant floor 5: how NEON's integer kernels do a product, and with what.
//
// A rung is a set of jobs (core.h). Narrow products read the cells as they are;
// wider ones, and codes whose bits are sums, have a block of up to 512 numbers
// of the panel expanded to bytes, which all columns then meet in a near cache.

#ifndef QQUANT_KERNEL_NEON_PLAN_H
#define QQUANT_KERNEL_NEON_PLAN_H

#include "kernel/neon/look.h"

#if QQI_HAS_NEON

typedef void (*qqi_job_neon_fn)(const qqi_neon_job *j);

typedef struct qqi_neon_set {
    // By step, then by columns: 1, 2, 4. NULL: the codes are expanded.
    qqi_job_neon_fn direct[5][3];
    // By the largest byte: up to 15, up to 127, with -128.
    qqi_job_neon_fn bytes[3][3];
    qqi_job_neon_fn pairs; // of 4 columns, or NULL
    unsigned most;         // columns of a job
    int unsigned8;         // direct jobs take 8 bits as they are
    size_t tables;         // columns up to which 1 bit is looked up
} qqi_neon_set;

// Numbers that are expanded at once.
#  define QQI_NEON_BLOCK ((size_t)512)

// What one call of multiply does, and its memory.
typedef struct qqi_neon_plan {
    qqi_neon_job job;
    qqi_job_neon_fn run;
    size_t columns; // of a job
    size_t live;    // columns that there are
    size_t block;   // tiles at once; 0: raw
    int expand;
    int pairs;
    int32_t moved;
    float *scale;   // QQI_NEON_TILES * 16
    int32_t *zero;  // likewise
    float *acc;     // width * 16
    int32_t *raw;   // likewise
    int64_t *total; // likewise, where a tile has several spans
    uint8_t *bytes;
    int8_t book[16];
} qqi_neon_plan;

// In 16 KiB: 2 of scales, 2 of zeros, then by columns: 64 (widest group) times
// 128 bytes of acc and raw, the rest in the memory for wide products, which is
// long where totals are asked for; or 8 times 256 bytes and 8 KiB of bytes.
QQI_NEON_FN void qqi_plan_memory_neon(qqi_neon_plan *n, size_t width,
                                      void *work)
{
    uint8_t *at = (uint8_t *)work;
    const size_t column = 16 * sizeof(float);
    const size_t tiles = QQI_NEON_TILES * column;
    uint8_t *more = at + 2 * tiles + 2 * width * column;
    void *const acc = at + 2 * tiles;
    void *const raw = at + 2 * tiles + width * column;
    void *const zero = at + tiles;

    n->scale = (float *)work;
    n->zero = (int32_t *)zero;
    n->acc = (float *)acc;
    n->raw = (int32_t *)raw;
    n->bytes = width > 8 ? at + QQI_WORK_BYTES : at + QQI_WORK_BYTES / 2;
    if (width > 8)
        more = n->bytes + 16 * QQI_NEON_BLOCK;
    void *const total = more;
    n->total = (int64_t *)total;
}

// Which of the bytes' jobs: by the largest byte.
QQI_NEON_FN unsigned qqi_plan_kind_neon(const qqi_product *p,
                                        const int8_t *book)
{
    if (p->code != QQI_CODE_BOOK)
        return p->bits <= 4 ? 0 : p->bits < 8 ? 1 : 2;
    for (int i = 0; i < 16; i++)
        if (book[i] == -128)
            return 2;
    return 1;
}

// Tiles in a block, 0 for none.
QQI_NEON_FN size_t qqi_plan_block_neon(const qqi_product *p, int expand)
{
    if (p->digits > 1 || p->tile > QQI_NEON_TILE)
        return 0;
    if (!expand)
        return QQI_NEON_TILES;
    if (p->tiles <= 1)
        return p->k <= QQI_NEON_BLOCK;
    // Tiles in a common multiple of tile, a multiple of 4, and 32.
    const size_t few = p->tile % 32 == 0   ? 1
                       : p->tile % 16 == 0 ? 2
                       : p->tile % 8 == 0  ? 4
                                           : 8;
    const size_t count = QQI_NEON_BLOCK / (few * p->tile) * few;
    return count < QQI_NEON_TILES ? count : QQI_NEON_TILES;
}

QQI_NEON_FN unsigned qqi_plan_step_neon(const qqi_product *p)
{
    if (p->code == QQI_CODE_BOOK)
        return p->bits == 4 ? QQI_STEP_BOOK : QQI_STEP_BYTES;
    return p->bits == 1   ? QQI_STEP_1
           : p->bits == 2 ? QQI_STEP_2
           : p->bits == 4 ? QQI_STEP_4
           : p->bits == 8 ? QQI_STEP_8
                          : QQI_STEP_BYTES;
}

// How: the job, by steps and columns.
QQI_NEON_FN void qqi_plan_run_neon(qqi_neon_plan *n, const qqi_product *p,
                                   const qqi_columns *g,
                                   const qqi_neon_set *set)
{
    const unsigned step = qqi_plan_step_neon(p);
    const unsigned wide = set->most == 2 ? 1 : 2;
    const unsigned by = g->width == 1 ? 0 : g->width == 2 ? 1 : wide;

    n->columns = (size_t)1 << by;
    n->run = NULL;
    n->job.mul = p->bits == 1 ? -p->mul : p->mul;
    if (qqi_looks_neon(p, g, set->tables)) {
        n->columns = g->width;
        n->job.mul = p->mul;
        n->run = g->width == 1   ? qqi_job_look_1_neon
                 : g->width == 2 ? qqi_job_look_2_neon
                                 : qqi_job_look_4_neon;
        return;
    }
    if (step < QQI_STEP_BYTES && g->width <= 4)
        n->run = set->direct[step][by];
    n->expand = n->run == NULL;
    n->pairs = n->expand && by == 2 && set->pairs != NULL &&
               (p->tiles <= 1 || p->tile % 8 == 0);
    if (n->pairs)
        n->run = set->pairs;
    else if (n->expand)
        n->run = set->bytes[qqi_plan_kind_neon(p, n->book)][by];
    if (p->code == QQI_CODE_BOOK)
        n->moved = p->add;
    else if (p->bits == 8 && (n->expand || !set->unsigned8))
        n->moved = 128;
}

QQI_NEON_FN void qqi_plan_neon(qqi_neon_plan *n, const qqi_product *p,
                               const qqi_columns *g, const qqi_neon_set *set,
                               void *work)
{
    QQ_MEMSET(n, 0, sizeof *n);
    for (int i = 0; i < 16 && p->code == QQI_CODE_BOOK; i++)
        n->book[i] = (int8_t)(p->book[i] - p->add);
    qqi_plan_run_neon(n, p, g, set);
    qqi_plan_memory_neon(n, g->width, work);
    n->block = qqi_plan_block_neon(p, n->expand);
    n->live = g->count * p->digits;
    n->job.p = p;
    n->job.g = g;
    n->job.book = n->book;
    n->job.add = p->add - p->mul * n->moved;
}

// Finds the codes of numbers k to end - 1; k is a multiple of 32 if they are
// expanded.
QQI_NEON_FN void qqi_plan_cells_neon(qqi_neon_plan *n, size_t panel, size_t k,
                                     size_t end)
{
    const qqi_product *p = n->job.p;
    const uint8_t *cells = qqi_panel_cells(p, panel);

    n->job.cells = cells;
    n->job.from = 0;
    if (!n->expand)
        return;
    qqi_expand_codes_neon(p, cells, k, end, n->book, n->pairs, n->bytes);
    n->job.cells = n->bytes;
    n->job.from = k;
}

// All columns, raw or not.
QQI_NEON_FN void qqi_plan_columns_neon(qqi_neon_plan *n, int raw)
{
    const qqi_product *p = n->job.p;
    const qqi_columns *g = n->job.g;

    for (size_t c = 0; c < n->live; c += n->columns) {
        n->job.column = c;
        n->job.acc = n->acc + 16 * c;
        n->job.raw = raw ? n->raw + 16 * c : NULL;
        if (p->input == QQ_INPUT_INT8_TILE)
            n->job.by = g->scale + n->job.tile * g->width + c;
        n->run(&n->job);
    }
}

// Scales and such of count tiles from tile t on.
QQI_NEON_FN void qqi_plan_tiles_neon(qqi_neon_plan *n, size_t panel, size_t t,
                                     size_t count)
{
    const qqi_product *p = n->job.p;

    const uint8_t *bytes = qqi_panel(p, panel);

    n->job.scale = bytes + p->scale_at + 64 * t;
    if (p->scale_type != QQ_TYPE_F32 || p->scale2 != 1.0f || p->unit != 1.0f) {
        const void *scale = n->scale;
        qqi_scales_neon(p, bytes, t, count, n->scale);
        n->job.scale = (const uint8_t *)scale;
    }
    n->job.zero = NULL;
    if (p->zero_at != 0) {
        qqi_zeros_neon(p, bytes, t, count, n->moved, n->zero);
        n->job.zero = n->zero;
    }
    n->job.tile = t;
    n->job.sums = p->x_zero != 0 ? qqi_panel_sums(p, panel) + 64 * t : NULL;
}

#endif // QQI_HAS_NEON

#endif // QQUANT_KERNEL_NEON_PLAN_H
