// qquant floor 8: the steps of a fit as calls: checks, scratch, threads.

#ifndef QQUANT_SOLVE_STEPS_H
#define QQUANT_SOLVE_STEPS_H

#include "solve/descend.h"
#include "solve/gptq.h"
#include "solve/refit.h"
#include "solve/search.h"

// What qq_fit_options_init leaves: "fto1".
#define QQI_FIT_OPTIONS_INIT 0x316f7466u

// Sets of scales that a start may be tried from.
#define QQI_FIT_SCALES 5

QQ_API qq_fit_options qq_fit_options_init(void)
{
    qq_fit_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_FIT_OPTIONS_INIT;
    o.starts = QQ_START_FALLING | QQ_START_NATURAL;
    o.candidates = 40;
    o.fixed_points = 4;
    o.sweeps = 50;
    o.rounds = 2;
    o.gain = .001;
    o.parts = 1;
    o.scales = 1;
    return o;
}

QQ_API qq_status qq_fit_options_check(const qq_fit_options *o, uint32_t *bad)
{
    const unsigned all = QQ_START_ROUND | QQ_START_FALLING | QQ_START_NATURAL;
    uint32_t mask = 0;

    if (bad != NULL)
        *bad = 0;
    if (o == NULL || o->init != QQI_FIT_OPTIONS_INIT)
        return QQ_ERR_ARGUMENT;
    mask |= (o->starts & ~all) != 0 ? 1u : 0u;
    mask |= o->candidates > 48 ? 2u : 0u; // the next factor is not above 0
    mask |= !(o->gain >= 0.0 && o->gain < 1.0) ? 32u : 0u;
    mask |= o->parts == 0 ? 128u : 0u;
    mask |= o->scales == 0 || o->scales > QQI_FIT_SCALES ? 4096u : 0u;
    if (bad != NULL)
        *bad = mask;
    return mask == 0 ? QQ_OK : QQ_ERR_ARGUMENT;
}

// All of the scratch. rooms: those of parts blocks.
typedef struct qqi_fit_room {
    qqi_ordered ordered;
    float *root;
    float *scale;
    float *offset;
    double *best;
    uint8_t *rooms;
    size_t room_bytes;
} qqi_fit_room;

QQI_FN void qqi_fit_room_place(const qq_fit *f, size_t parts, qqi_fit_room *m,
                               qqi_pieces *p)
{
    const size_t scales = qqi_times(f->n, f->tiles);
    qqi_pieces room = qqi_pieces_make(NULL);
    qqi_rows r;

    qqi_rows_place(f, &r, &room);
    m->room_bytes = room.at;
    qqi_ordered_place(&m->ordered, f->k, parts, p);
    m->root = (float *)qqi_piece(p, f->k, sizeof(float));
    m->scale = (float *)qqi_piece(p, scales, sizeof(float));
    m->offset = NULL;
    if (f->grid.offsets)
        m->offset = (float *)qqi_piece(p, scales, sizeof(float));
    m->best = (double *)qqi_piece(p, f->n, sizeof(double));
    m->rooms = (uint8_t *)qqi_piece(p, parts, m->room_bytes);
}

QQI_FN size_t qqi_fit_scratch(const qq_fit *f, size_t parts)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_fit_room m;

    qqi_fit_room_place(f, parts, &m, &p);
    return f->n == 0 || f->k == 0 ? 0 : qqi_pieces_bytes(&p);
}

QQ_API size_t qq_fit_scratch_size(const qq_fit *f, const qq_fit_options *o)
{
    const qq_fit_options defaults = qq_fit_options_init();

    if (o == NULL)
        o = &defaults;
    if (!qqi_fit_ok(f) || qq_fit_options_check(o, NULL) != QQ_OK)
        return SIZE_MAX;
    return qqi_fit_scratch(f, o->parts);
}

// Checks a call in the order of its arguments, and lays out its scratch. h is
// looked at where has_h is 1.
QQI_FN qq_status qqi_fitting_make(qqi_fitting *c, qqi_fit_room *m,
                                  const qq_fit *f, const qq_fit_options *o,
                                  const float *w, size_t ldw, const float *h,
                                  size_t h_bytes, int has_h, void *scratch,
                                  size_t scratch_bytes)
{
    if (!qqi_fit_ok(f) || qq_fit_options_check(o, NULL) != QQ_OK)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_check_rows(f->n, f->k, w, ldw, sizeof(float));
    if (status == QQ_OK && !qqi_rows_finite(f->n, f->k, w, ldw))
        status = QQ_ERR_FORMAT;
    if (status == QQ_OK && has_h)
        status = qq_hessian_check(f->k, h, h_bytes);
    if (status == QQ_OK)
        status = qqi_check_scratch(qqi_fit_scratch(f, o->parts), scratch,
                                   scratch_bytes);
    if (status != QQ_OK)
        return status;
    qqi_pieces p = qqi_pieces_make(scratch);
    QQ_MEMSET(c, 0, sizeof *c);
    qqi_fit_room_place(f, o->parts, m, &p);
    c->f = f;
    c->o = o;
    c->w = w;
    c->ldw = ldw;
    c->h = h;
    c->best = m->best;
    c->scales = m->scale;
    c->offsets = m->offset;
    c->lower = m->ordered.lower;
    c->order = m->ordered.order;
    c->rooms = m->rooms;
    c->room_bytes = m->room_bytes;
    return QQ_OK;
}

QQI_INLINE size_t qqi_fit_blocks(const qq_fit *f)
{
    return f->n / QQI_BLOCK_ROWS + (f->n % QQI_BLOCK_ROWS > 0);
}

// fl(sqrt(d)) of k weights, which are step apart: 1 on a vector, k + 1 on the
// diagonal of a matrix. 0 where one is no weight.
QQI_FN int qqi_fit_roots(size_t k, const float *d, size_t step, float *root)
{
    for (size_t j = 0; j < k; j++) {
        if (!(d[j * step] >= 0.0f) || !qqi_is_finite_f32(d[j * step]))
            return 0;
        root[j] = qqi_sqrt_f32(d[j * step]);
    }
    return 1;
}

// --- the calls -------------------------------------------------------------

QQI_FN void qqi_run_search(const qqi_fitting *c, qqi_rows *r)
{
    qqi_rows_search(c, r);
    qqi_rows_store_all(c, r);
}

QQ_API qq_status qq_fit_search(qq_fit *f, const qq_fit_options *o,
                               const float *w, size_t ldw, const float *d,
                               void *scratch, size_t scratch_bytes)
{
    const qq_fit_options defaults = qq_fit_options_init();
    qqi_fit_room m;
    qqi_fitting c;

    const qq_status status =
        qqi_fitting_make(&c, &m, f, o != NULL ? o : &defaults, w, ldw, NULL, 0,
                         0, scratch, scratch_bytes);
    if (status != QQ_OK || f->n == 0 || f->k == 0)
        return status;
    if (d != NULL && !qqi_fit_roots(f->k, d, 1, m.root))
        return QQ_ERR_FORMAT;
    c.root = d != NULL ? m.root : NULL;
    c.run = qqi_run_search;
    return qqi_fitting_run(&c, 0, qqi_fit_blocks(f));
}

QQI_FN void qqi_run_gptq(const qqi_fitting *c, qqi_rows *r)
{
    qqi_rows_load(c, r);
    qqi_rows_gptq(c, r);
    qqi_rows_store_all(c, r);
}

// J of what the fit holds.
QQI_FN void qqi_run_before(const qqi_fitting *c, qqi_rows *r)
{
    qqi_rows_load(c, r);
    qqi_rows_residual(c, r);
    qqi_rows_error(c, r);
    for (size_t i = 0; i < r->count; i++)
        c->best[r->first + i] = r->j[i];
}

// Rows whose J has not risen: where little is left to gain, the rounding of
// scales and of V may spend it.
QQI_FN void qqi_run_after(const qqi_fitting *c, qqi_rows *r)
{
    qqi_rows_residual(c, r);
    qqi_rows_error(c, r);
    for (size_t i = 0; i < r->count; i++)
        if (r->j[i] <= c->best[r->first + i])
            qqi_rows_store(c, r, i);
}

QQI_FN void qqi_run_descend(const qqi_fitting *c, qqi_rows *r)
{
    qqi_run_before(c, r);
    qqi_rows_descend(c, r);
    qqi_run_after(c, r);
}

QQI_FN void qqi_run_refit(const qqi_fitting *c, qqi_rows *r)
{
    qqi_run_before(c, r);
    qqi_rows_refit(c, r);
    qqi_run_after(c, r);
}

// A step that looks at H; order NULL: it needs no factor of it.
QQI_FN qq_status qqi_fit_step(const qq_fit *f, const qq_fit_options *o,
                              const qq_columns *order, const float *w,
                              size_t ldw, const float *h, size_t h_bytes,
                              void (*run)(const qqi_fitting *, qqi_rows *),
                              double *best, void *scratch, size_t scratch_bytes)
{
    const qq_fit_options defaults = qq_fit_options_init();
    const qq_fit_options *use = o != NULL ? o : &defaults;
    qqi_fit_room m;
    qqi_fitting c;

    const qq_status status = qqi_fitting_make(
        &c, &m, f, use, w, ldw, h, h_bytes, 1, scratch, scratch_bytes);
    if (status != QQ_OK || f->n == 0 || f->k == 0)
        return status;
    const qqi_threads t =
        qqi_threads_make(use->parts, use->parallel, use->parallel_user);
    if (order != NULL && !qqi_ordered_make(&m.ordered, *order, h, f->k, &t))
        return QQ_ERR_FORMAT;
    if (best != NULL)
        c.best = best;
    c.run = run;
    return qqi_fitting_run(&c, 0, qqi_fit_blocks(f));
}

QQ_API qq_status qq_fit_gptq(qq_fit *f, const qq_fit_options *o,
                             qq_columns order, const float *w, size_t ldw,
                             const float *h, size_t h_bytes, void *scratch,
                             size_t scratch_bytes)
{
    if (order != QQ_COLUMNS_FALLING && order != QQ_COLUMNS_NATURAL)
        return QQ_ERR_ARGUMENT;
    return qqi_fit_step(f, o, &order, w, ldw, h, h_bytes, qqi_run_gptq, NULL,
                        scratch, scratch_bytes);
}

QQ_API qq_status qq_fit_descend(qq_fit *f, const qq_fit_options *o,
                                const float *w, size_t ldw, const float *h,
                                size_t h_bytes, void *scratch,
                                size_t scratch_bytes)
{
    return qqi_fit_step(f, o, NULL, w, ldw, h, h_bytes, qqi_run_descend, NULL,
                        scratch, scratch_bytes);
}

QQ_API qq_status qq_fit_refit(qq_fit *f, const qq_fit_options *o,
                              const float *w, size_t ldw, const float *h,
                              size_t h_bytes, void *scratch,
                              size_t scratch_bytes)
{
    return qqi_fit_step(f, o, NULL, w, ldw, h, h_bytes, qqi_run_refit, NULL,
                        scratch, scratch_bytes);
}

QQ_API qq_status qq_fit_errors(const qq_fit *f, const qq_fit_options *o,
                               const float *w, size_t ldw, const float *h,
                               size_t h_bytes, double *errors, void *scratch,
                               size_t scratch_bytes)
{
    if (qqi_fit_ok(f) && f->n > 0 && errors == NULL)
        return QQ_ERR_ARGUMENT;
    if (qqi_fit_ok(f) && f->k == 0)
        for (size_t i = 0; i < f->n; i++)
            errors[i] = 0.0;
    return qqi_fit_step(f, o, NULL, w, ldw, h, h_bytes, qqi_run_before, errors,
                        scratch, scratch_bytes);
}

#endif // QQUANT_SOLVE_STEPS_H
