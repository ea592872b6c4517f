// qquant floor 7: products of dense matrices of floats: api/gemm.h.
//
// Blocks of 256 rows, 512 columns and 256 steps: b's columns are put side by
// side, as many as a tile has, step after step; then a's rows; then every tile
// of c of the block adds its steps. A chain that goes on in the next block
// rests in c, which is f32 as the chain is. Tiles that are not whole, or whose
// columns are no neighbours, rest in scratch instead and are copied.
//
// Parts own columns of c, or rows where there are more of these.

#ifndef QQUANT_MATRIX_GEMM_H
#define QQUANT_MATRIX_GEMM_H

#include "api/gemm.h"
#include "matrix/dense.h"
#include "matrix/parts.h"

// What qq_gemm_options_init leaves: "gmo1".
#define QQI_GEMM_OPTIONS_INIT 0x316f6d67u

#define QQI_GEMM_ROWS    ((size_t)256)
#define QQI_GEMM_COLUMNS ((size_t)512)
#define QQI_GEMM_DEPTH   ((size_t)256)

// The largest tile of all sets, and up to how many rows b is read where it is.
#define QQI_GEMM_TILE_ROWS    ((size_t)8)
#define QQI_GEMM_TILE_COLUMNS ((size_t)32)
#define QQI_GEMM_FEW          ((size_t)16)

// Multiplications below which threads are not worth waking.
#define QQI_GEMM_SMALL ((size_t)1 << 18)

QQ_API qq_gemm_options qq_gemm_options_init(void)
{
    qq_gemm_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_GEMM_OPTIONS_INIT;
    o.parts = 1;
    return o;
}

typedef struct qqi_gemm {
    size_t m;
    size_t n;
    size_t k;
    const float *a;
    size_t a_row;
    size_t a_step; // from a column to the next
    const float *b;
    size_t b_row;
    size_t b_step;
    float *c;
    size_t c_row;
    size_t c_step;
    int add;
    size_t parts;
    float *room;
    size_t room_count; // floats a part
    const qqi_dense_kernel *kernel;
} qqi_gemm;

// A part at work: a block of c and of steps.
typedef struct qqi_gemm_block {
    const qqi_gemm *g;
    size_t row; // of c
    size_t rows;
    size_t column;
    size_t columns;
    size_t l; // of steps
    size_t depth;
    int how;   // to begin and to end
    int there; // b is read where it is
    float *a;
    float *b;
    float *tile;
} qqi_gemm_block;

QQI_INLINE size_t qqi_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// Floats that a part needs, be it c or its transpose that is made.
QQI_FN size_t qqi_gemm_room(size_t m, size_t n, size_t k)
{
    const size_t x = qqi_least(m, QQI_GEMM_ROWS);
    const size_t y = qqi_least(n, QQI_GEMM_COLUMNS);
    const size_t u = qqi_least(m, QQI_GEMM_COLUMNS);
    const size_t v = qqi_least(n, QQI_GEMM_ROWS);
    const size_t lines = (x + y > u + v ? x + y : u + v) + QQI_GEMM_TILE_ROWS -
                         1 + QQI_GEMM_TILE_COLUMNS - 1;

    return lines * qqi_least(k, QQI_GEMM_DEPTH) +
           QQI_GEMM_TILE_ROWS * QQI_GEMM_TILE_COLUMNS;
}

// --- pieces in order -------------------------------------------------------

// to[l * width + i] = x[i * across + l * along] for i below count, else 0.
QQI_FN void qqi_gemm_pack(const qqi_dense_kernel *kernel, size_t width,
                          size_t count, size_t depth, const float *x,
                          size_t across, size_t along, float *to)
{
    if (count == width && across == 1) {
        for (size_t l = 0; l < depth; l++)
            QQ_MEMCPY(to + l * width, x + l * along, width * sizeof *to);
        return;
    }
    if (count == width && along == 1 && kernel->turn != NULL) {
        for (size_t i = 0; i < width; i += kernel->turned)
            kernel->turn(width, depth, x + i * across, across, to + i);
        return;
    }
    for (size_t l = 0; l < depth; l++)
        for (size_t i = 0; i < width; i++)
            to[l * width + i] = i < count ? x[i * across + l * along] : 0.0f;
}

QQI_FN void qqi_gemm_pack_a(const qqi_gemm_block *t)
{
    const qqi_gemm *g = t->g;
    const size_t width = g->kernel->rows;

    for (size_t i = 0; i < t->rows; i += width)
        qqi_gemm_pack(g->kernel, width, qqi_least(width, t->rows - i), t->depth,
                      g->a + (t->row + i) * g->a_row + t->l * g->a_step,
                      g->a_row, g->a_step, t->a + i * t->depth);
}

QQI_FN void qqi_gemm_pack_b(const qqi_gemm_block *t)
{
    const qqi_gemm *g = t->g;
    const size_t width = g->kernel->columns;

    for (size_t j = 0; j < t->columns; j += width) {
        const size_t count = qqi_least(width, t->columns - j);
        if (!t->there || count < width)
            qqi_gemm_pack(g->kernel, width, count, t->depth,
                          g->b + t->l * g->b_row + (t->column + j) * g->b_step,
                          g->b_step, g->b_row, t->b + j * t->depth);
    }
}

// --- tiles -----------------------------------------------------------------

// A tile that is not whole, or not in rows: by way of scratch.
QQI_FN void qqi_gemm_part_tile(const qqi_gemm_block *t, const float *a,
                               const float *b, size_t ldb, float *c,
                               size_t rows, size_t columns)
{
    const qqi_gemm *g = t->g;
    const size_t ld = g->kernel->columns;

    for (size_t i = 0; i < g->kernel->rows; i++)
        for (size_t j = 0; j < ld; j++)
            t->tile[i * ld + j] =
                i < rows && j < columns && t->how & QQI_TILE_ADD
                    ? c[i * g->c_row + j * g->c_step]
                    : 0.0f;
    g->kernel->tile(t->depth, a, b, ldb, t->tile, ld, t->how);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            c[i * g->c_row + j * g->c_step] = t->tile[i * ld + j];
}

// The tiles of one panel of b.
QQI_FN void qqi_gemm_panel(const qqi_gemm_block *t, size_t j)
{
    const qqi_gemm *g = t->g;
    const size_t height = g->kernel->rows, width = g->kernel->columns;
    const size_t columns = qqi_least(width, t->columns - j);
    const int there = t->there && columns == width;
    const size_t ldb = there ? g->b_row : width;
    const float *b =
        there ? g->b + t->l * g->b_row + t->column + j : t->b + j * t->depth;

    for (size_t i = 0; i < t->rows; i += height) {
        const size_t rows = qqi_least(height, t->rows - i);
        const float *a = t->a + i * t->depth;
        float *c = g->c + (t->row + i) * g->c_row + (t->column + j) * g->c_step;
        if (rows == height && columns == width && g->c_step == 1)
            g->kernel->tile(t->depth, a, b, ldb, c, g->c_row, t->how);
        else
            qqi_gemm_part_tile(t, a, b, ldb, c, rows, columns);
    }
}

// Rows row to end - 1 of the columns of a block.
QQI_FN void qqi_gemm_rows(qqi_gemm_block *t, size_t row, size_t end)
{
    const size_t width = t->g->kernel->columns;

    for (t->row = row; t->row < end; t->row += t->rows) {
        t->rows = qqi_least(QQI_GEMM_ROWS, end - t->row);
        qqi_gemm_pack_a(t);
        for (size_t j = 0; j < t->columns; j += width)
            qqi_gemm_panel(t, j);
    }
}

// Units of a tile's size among parts: those of part i.
QQI_FN void qqi_gemm_share(const qqi_gemm *g, size_t count, size_t unit,
                           size_t i, size_t *from, size_t *to)
{
    qqi_share(count / unit + (count % unit > 0), g->parts, i, from, to);
    *from *= unit;
    *to = qqi_least(*to * unit, count);
}

QQI_FN void qqi_gemm_part(void *arg, size_t part)
{
    const qqi_gemm *g = (const qqi_gemm *)arg;
    size_t row = 0, end = g->m, column = 0, last = g->n;
    qqi_gemm_block t;

    if (g->n >= g->m)
        qqi_gemm_share(g, g->n, QQI_GEMM_TILE_COLUMNS, part, &column, &last);
    else
        qqi_gemm_share(g, g->m, QQI_GEMM_TILE_ROWS, part, &row, &end);
    t.g = g;
    t.tile = g->room + part * g->room_count;
    t.b = t.tile + QQI_GEMM_TILE_ROWS * QQI_GEMM_TILE_COLUMNS;
    t.there = g->b_step == 1 && end - row <= QQI_GEMM_FEW;
    for (t.column = column; t.column < last; t.column += t.columns) {
        t.columns = qqi_least(QQI_GEMM_COLUMNS, last - t.column);
        for (t.l = 0; t.l < g->k; t.l += t.depth) {
            t.depth = qqi_least(QQI_GEMM_DEPTH, g->k - t.l);
            t.how = (g->add || t.l > 0 ? QQI_TILE_ADD : 0) |
                    (t.l + t.depth == g->k ? QQI_TILE_LAST : 0);
            t.a = t.b + (t.columns + QQI_GEMM_TILE_COLUMNS - 1) * t.depth;
            qqi_gemm_pack_b(&t);
            qqi_gemm_rows(&t, row, end);
        }
    }
}

// --- the call --------------------------------------------------------------

// Floats from the first to behind the last; 0: beyond what can be addressed.
QQI_FN int qqi_gemm_fits(size_t rows, size_t columns, size_t row, size_t step)
{
    size_t x, y, all;

    return rows == 0 || columns == 0 ||
           (qqi_mul_size(rows - 1, row, &x) &&
            qqi_mul_size(columns - 1, step, &y) && qqi_add_size(x, y, &all) &&
            qqi_add_size(all, 1, &all) &&
            qqi_mul_size(all, sizeof(float), &all));
}

// 1 where no two numbers of c share a place; strides fit.
QQI_FN int qqi_gemm_apart(size_t m, size_t n, size_t row, size_t step)
{
    if (m == 0 || n == 0)
        return 1;
    if ((m > 1 && row == 0) || (n > 1 && step == 0))
        return 0;
    return m == 1 || n == 1 || row > (n - 1) * step || step > (m - 1) * row;
}

QQI_FN int qqi_gemm_options_ok(const qq_gemm_options *o)
{
    return o->init == QQI_GEMM_OPTIONS_INIT && o->parts > 0;
}

QQ_API size_t qq_gemm_scratch_size(size_t m, size_t n, size_t k,
                                   const qq_gemm_options *o)
{
    const size_t parts = o != NULL ? o->parts : 1;
    qqi_pieces p = qqi_pieces_make(NULL);

    if (o != NULL && !qqi_gemm_options_ok(o))
        return SIZE_MAX;
    if (m == 0 || n == 0 || k == 0)
        return 0;
    qqi_piece(&p, parts, qqi_gemm_room(m, n, k) * sizeof(float));
    return qqi_pieces_bytes(&p);
}

// Columns of c that are its neighbours: c^T = b^T a^T is the same chains.
QQI_FN void qqi_gemm_swap(qqi_gemm *g)
{
    const qqi_gemm old = *g;

    g->m = old.n;
    g->n = old.m;
    g->a = old.b;
    g->a_row = old.b_step;
    g->a_step = old.b_row;
    g->b = old.a;
    g->b_row = old.a_step;
    g->b_step = old.a_row;
    g->c_row = old.c_step;
    g->c_step = old.c_row;
}

// No steps: c as it is, or zeros.
QQI_FN void qqi_gemm_none(const qqi_gemm *g)
{
    for (size_t i = 0; i < g->m; i++)
        for (size_t j = 0; j < g->n; j++) {
            float *c = g->c + i * g->c_row + j * g->c_step;
            *c = g->add ? qqi_canon_f32(*c) : 0.0f;
        }
}

QQI_FN void qqi_gemm_run(qqi_gemm *g, const qq_gemm_options *o)
{
    size_t work;
    const int small = qqi_mul_size(g->m, g->n, &work) &&
                      qqi_mul_size(work, g->k, &work) && work < QQI_GEMM_SMALL;

    g->kernel = qqi_dense_now();
    if (small)
        g->parts = 1;
    const qqi_threads t =
        qqi_threads_make(g->parts, o->parallel, o->parallel_user);
    qqi_threads_run(&t, qqi_gemm_part, g);
}

QQ_API qq_status qq_gemm(size_t m, size_t n, size_t k, const qq_gemm_options *o,
                         const float *a, size_t a_row, size_t a_column,
                         const float *b, size_t b_row, size_t b_column,
                         float *c, size_t c_row, size_t c_column, void *scratch,
                         size_t scratch_bytes)
{
    const qq_gemm_options defaults = qq_gemm_options_init();
    qqi_pieces p = qqi_pieces_make(scratch);
    qqi_gemm g;

    if (o == NULL)
        o = &defaults;
    const int any = m > 0 && n > 0;
    if (!qqi_gemm_options_ok(o) || (any && k > 0 && (a == NULL || b == NULL)) ||
        (any && c == NULL))
        return QQ_ERR_ARGUMENT;
    if (!qqi_gemm_fits(m, k, a_row, a_column) ||
        !qqi_gemm_fits(k, n, b_row, b_column) ||
        !qqi_gemm_fits(m, n, c_row, c_column) ||
        !qqi_gemm_apart(m, n, c_row, c_column))
        return QQ_ERR_SHAPE;
    const qq_status status = qqi_check_scratch(qq_gemm_scratch_size(m, n, k, o),
                                               scratch, scratch_bytes);
    if (status != QQ_OK || !any)
        return status;
    g.m = m;
    g.n = n;
    g.k = k;
    g.a = a;
    g.a_row = a_row;
    g.a_step = a_column;
    g.b = b;
    g.b_row = b_row;
    g.b_step = b_column;
    g.c = c;
    g.c_row = c_row;
    g.c_step = c_column;
    g.add = o->accumulate != 0;
    if (k == 0) {
        qqi_gemm_none(&g);
        return QQ_OK;
    }
    g.parts = o->parts;
    g.room_count = qqi_gemm_room(m, n, k);
    g.room = (float *)qqi_piece(&p, g.parts, g.room_count * sizeof(float));
    if (c_column != 1 && c_row == 1)
        qqi_gemm_swap(&g);
    qqi_gemm_run(&g, o);
    return QQ_OK;
}

#endif // QQUANT_MATRIX_GEMM_H
