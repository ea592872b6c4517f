// qquant floor 8: 32 rows of a fit while they are worked on.
//
// Rows do not know of each other, so everything runs over blocks of 32, which
// share each look at H. Of a block are kept
//
//   code, scale, offset   what is being solved
//   e = fl(W - V)         f32: the error
//   g = e H               f64: half the gradient of J, sums in order of columns
//   J = sum of e_j g_j    a row, f64, each product rounded

#ifndef QQUANT_SOLVE_BLOCK_H
#define QQUANT_SOLVE_BLOCK_H

#include "matrix/cholesky.h"
#include "solve/fit.h"

#define QQI_BLOCK_ROWS ((size_t)32)

// A call: what all its parts see.
struct qqi_rows;

typedef struct qqi_fitting {
    const qq_fit *f;
    const qq_fit_options *o;
    const float *w;
    size_t ldw;
    const float *h;
    const float *root;  // fl(sqrt(d)), k; NULL: ones
    const float *lower; // GPTQ: see solve/gptq.h
    const size_t *order;
    float *scales; // those of the search: n * tiles
    float *offsets;
    double *best; // J of what the fit holds, n
    uint8_t *rooms;
    size_t room_bytes;
    size_t from; // blocks of this batch
    size_t to;
    unsigned start;
    void (*run)(const struct qqi_fitting *c, struct qqi_rows *r);
} qqi_fitting;

// A block, in a part's room.
typedef struct qqi_rows {
    size_t first;
    size_t count;
    size_t unknowns; // of a refit: scales, and offsets
    uint8_t *code;   // 32 * k
    float *scale;    // 32 * tiles
    float *offset;   // the same, or NULL
    float *e;        // 32 * k
    float *level;    // 32 * k
    double *g;       // 32 * k
    double *p;       // 32 * k
    double *m;       // 32 * unknowns * unknowns
    double *x;       // 3 * unknowns
    double *one;     // k
    double *space;   // of dense products
    double j[32];    // J of every row
} qqi_rows;

QQI_FN void qqi_rows_place(const qq_fit *f, qqi_rows *r, qqi_pieces *p)
{
    const size_t rows = QQI_BLOCK_ROWS;
    const size_t wide = qqi_times(rows, f->k);
    const size_t scales = qqi_times(rows, f->tiles);

    r->unknowns = f->grid.offsets ? 2 * f->tiles : f->tiles;
    const size_t square = qqi_times(r->unknowns, r->unknowns);
    r->code = (uint8_t *)qqi_piece(p, wide, 1);
    r->scale = (float *)qqi_piece(p, scales, sizeof(float));
    r->offset = NULL;
    if (f->grid.offsets)
        r->offset = (float *)qqi_piece(p, scales, sizeof(float));
    r->e = (float *)qqi_piece(p, wide, sizeof(float));
    r->level = (float *)qqi_piece(p, wide, sizeof(float));
    r->g = (double *)qqi_piece(p, wide, sizeof(double));
    r->p = (double *)qqi_piece(p, wide, sizeof(double));
    r->m = (double *)qqi_piece(p, qqi_times(rows, square), sizeof(double));
    r->x = (double *)qqi_piece(p, qqi_times(3, r->unknowns), sizeof(double));
    r->one = (double *)qqi_piece(p, f->k, sizeof(double));
    r->space = (double *)qqi_piece(p, QQI_DENSE_ROOM, sizeof(double));
}

// Codes and scales from the fit, and back: all rows, or one.
QQI_FN void qqi_rows_load(const qqi_fitting *c, qqi_rows *r)
{
    const qq_fit *f = c->f;
    const size_t scales = r->count * f->tiles * sizeof(float);

    QQ_MEMCPY(r->code, f->code + r->first * f->k, r->count * f->k);
    QQ_MEMCPY(r->scale, f->scale + r->first * f->tiles, scales);
    if (f->offset != NULL)
        QQ_MEMCPY(r->offset, f->offset + r->first * f->tiles, scales);
}

QQI_FN void qqi_rows_store(const qqi_fitting *c, const qqi_rows *r, size_t i)
{
    const qq_fit *f = c->f;
    const size_t row = r->first + i;
    const size_t bytes = f->tiles * sizeof(float);

    QQ_MEMCPY(f->code + row * f->k, r->code + i * f->k, f->k);
    QQ_MEMCPY(f->scale + row * f->tiles, r->scale + i * f->tiles, bytes);
    if (f->offset != NULL)
        QQ_MEMCPY(f->offset + row * f->tiles, r->offset + i * f->tiles, bytes);
}

QQI_FN void qqi_rows_store_all(const qqi_fitting *c, const qqi_rows *r)
{
    for (size_t i = 0; i < r->count; i++)
        qqi_rows_store(c, r, i);
}

QQI_INLINE const float *qqi_rows_weights(const qqi_fitting *c,
                                         const qqi_rows *r, size_t i)
{
    return c->w + (r->first + i) * c->ldw;
}

QQI_INLINE float qqi_rows_offset(const qqi_fitting *c, const qqi_rows *r,
                                 size_t i, size_t t)
{
    return r->offset != NULL ? r->offset[i * c->f->tiles + t] : 0.0f;
}

// Levels, e and g of what the block holds.
QQI_FN void qqi_rows_residual(const qqi_fitting *c, qqi_rows *r)
{
    const qq_fit *f = c->f;
    const size_t k = f->k;

    for (size_t i = 0; i < r->count; i++) {
        const float *w = qqi_rows_weights(c, r, i);
        for (size_t j = 0; j < k; j++) {
            const size_t t = j / f->tile;
            const float level = qqi_level(&f->grid, r->code[i * k + j]);
            const float v =
                qqi_decoded(r->scale[i * f->tiles + t], level,
                            qqi_rows_offset(c, r, i, t), r->offset != NULL);
            r->level[i * k + j] = level;
            r->e[i * k + j] = w[j] - v;
        }
    }
    QQ_MEMSET(r->g, 0, r->count * k * sizeof(double));
    const qqi_dense d =
        qqi_dense_make(r->count, k, k, r->e, k, c->h, k, r->g, k);
    qqi_dense_add(&d, r->space);
}

// J of every row, from e and g; their sum.
QQI_FN double qqi_rows_error(const qqi_fitting *c, qqi_rows *r)
{
    const size_t k = c->f->k;
    double all = 0.0;

    for (size_t i = 0; i < r->count; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < k; j++)
            sum += qqi_mul_f64((double)r->e[i * k + j], r->g[i * k + j]);
        r->j[i] = sum;
        all += sum;
    }
    return all;
}

// --- all blocks ------------------------------------------------------------

QQI_FN void qqi_fitting_part(void *arg, size_t part)
{
    const qqi_fitting *c = (const qqi_fitting *)arg;
    qqi_pieces p = qqi_pieces_make(c->rooms + part * c->room_bytes);
    size_t from, to;
    qqi_rows r;

    qqi_rows_place(c->f, &r, &p);
    qqi_share(c->to - c->from, c->o->parts, part, &from, &to);
    for (size_t b = c->from + from; b < c->from + to; b++) {
        const size_t left = c->f->n - b * QQI_BLOCK_ROWS;
        r.first = b * QQI_BLOCK_ROWS;
        r.count = left < QQI_BLOCK_ROWS ? left : QQI_BLOCK_ROWS;
        c->run(c, &r);
    }
}

// Every block through run. Where somebody wants to know how far we are, a few
// at a time: done of all is where this pass begins, in blocks.
QQI_FN qq_status qqi_fitting_run(qqi_fitting *c, size_t done, size_t all)
{
    const qq_fit_options *o = c->o;
    const qqi_threads t =
        qqi_threads_make(o->parts, o->parallel, o->parallel_user);
    const size_t rest = c->f->n % QQI_BLOCK_ROWS > 0;
    const size_t blocks = c->f->n / QQI_BLOCK_ROWS + rest;
    const size_t batch = o->progress != NULL ? o->parts * 4 : blocks;

    for (c->from = 0; c->from < blocks; c->from = c->to) {
        c->to = blocks - c->from < batch ? blocks : c->from + batch;
        qqi_threads_run(&t, qqi_fitting_part, c);
        if (o->progress != NULL &&
            o->progress(o->progress_user, done + c->to, all) != 0)
            return QQ_ERR_CANCELLED;
    }
    return QQ_OK;
}

#endif // QQUANT_SOLVE_BLOCK_H
