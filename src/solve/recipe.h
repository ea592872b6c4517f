// qquant floor 8: the recipe: search, starts, rounds of refit and descent.
//
// Nearest codes come first and are kept in the fit with their J; a start that
// ends with a smaller one for a row takes its place. J is that of what is
// stored, made anew from W, V and H.

#ifndef QQUANT_SOLVE_RECIPE_H
#define QQUANT_SOLVE_RECIPE_H

#include "solve/steps.h"

// A half; beyond them all the largest there is, which decodes.
QQI_INLINE float qqi_stored_half(float x)
{
    const float most = 65504.0f;

    x = x > most ? most : x < -most ? -most : x;
    return qqi_f32_from_f16(qqi_f16_from_f32(x));
}

// Scales as they are stored in the end.
QQI_FN void qqi_rows_round_scales(const qqi_fitting *c, qqi_rows *r)
{
    const size_t count = r->count * c->f->tiles;

    for (size_t i = 0; i < count; i++) {
        r->scale[i] = qqi_stored_half(r->scale[i]);
        if (r->offset != NULL)
            r->offset[i] = qqi_stored_half(r->offset[i]);
    }
}

// The search, its scales kept aside, and nearest codes.
QQI_FN void qqi_run_first(const qqi_fitting *c, qqi_rows *r)
{
    const qq_fit *f = c->f;
    const size_t at = r->first * f->tiles;
    const size_t bytes = r->count * f->tiles * sizeof(float);

    qqi_rows_search(c, r);
    QQ_MEMCPY(c->scales + at, r->scale, bytes);
    if (r->offset != NULL)
        QQ_MEMCPY(c->offsets + at, r->offset, bytes);
    if (c->o->f16) {
        qqi_rows_round_scales(c, r);
        qqi_rows_round(c, r);
    }
    qqi_rows_residual(c, r);
    qqi_rows_error(c, r);
    qqi_rows_store_all(c, r);
    for (size_t i = 0; i < r->count; i++)
        c->best[r->first + i] = r->j[i];
}

// Refit and descent until they gain little. The codes have their e and g.
QQI_FN void qqi_rows_rounds(const qqi_fitting *c, qqi_rows *r)
{
    double old = qqi_rows_error(c, r);

    if (c->o->rounds == 0)
        qqi_rows_descend(c, r);
    for (unsigned i = 0; i < c->o->rounds; i++) {
        qqi_rows_refit(c, r);
        qqi_rows_residual(c, r);
        qqi_rows_descend(c, r);
        const double now = qqi_rows_error(c, r);
        if (!(now < qqi_mul_f64(old, 1.0 - c->o->gain)))
            break;
        old = now;
    }
}

// The scales of the search, and those times .9, 1.1, .8, 1.2: with them GPTQ
// runs into other valleys.
QQI_FN void qqi_rows_stretch(const qqi_fitting *c, qqi_rows *r, unsigned which)
{
    static const double by[QQI_FIT_SCALES] = {1.0, .9, 1.1, .8, 1.2};
    const qq_fit *f = c->f;
    const size_t at = r->first * f->tiles;
    const size_t count = r->count * f->tiles;

    for (size_t i = 0; i < count; i++) {
        const float s = c->scales[at + i];
        const float t = (float)qqi_mul_f64(by[which], (double)s);
        r->scale[i] = qqi_is_finite_f32(t) ? t : s;
    }
    if (r->offset != NULL)
        QQ_MEMCPY(r->offset, c->offsets + at, count * sizeof(float));
}

// From one set of scales to codes, and the better ones of each row.
QQI_FN void qqi_rows_from(const qqi_fitting *c, qqi_rows *r, unsigned which)
{
    qqi_rows_stretch(c, r, which);
    if (c->start == QQ_START_ROUND)
        qqi_rows_round(c, r);
    else
        qqi_rows_gptq(c, r);
    qqi_rows_residual(c, r);
    qqi_rows_rounds(c, r);
    if (c->o->f16) {
        qqi_rows_round_scales(c, r);
        qqi_rows_residual(c, r);
        qqi_rows_descend(c, r);
    }
    qqi_rows_residual(c, r);
    qqi_rows_error(c, r);
    for (size_t i = 0; i < r->count; i++)
        if (r->j[i] < c->best[r->first + i]) {
            c->best[r->first + i] = r->j[i];
            qqi_rows_store(c, r, i);
        }
}

QQI_FN void qqi_run_start(const qqi_fitting *c, qqi_rows *r)
{
    for (unsigned i = 0; i < c->o->scales; i++)
        qqi_rows_from(c, r, i);
}

QQ_API qq_status qq_fit_solve(qq_fit *f, const qq_fit_options *o,
                              const float *w, size_t ldw, const float *h,
                              size_t h_bytes, double *errors, void *scratch,
                              size_t scratch_bytes)
{
    static const unsigned starts[] = {QQ_START_ROUND, QQ_START_FALLING,
                                      QQ_START_NATURAL};
    const qq_fit_options defaults = qq_fit_options_init();
    qqi_fit_room m;
    qqi_fitting c;
    size_t done = 0, all = 1;

    if (o == NULL)
        o = &defaults;
    qq_status status = qqi_fitting_make(&c, &m, f, o, w, ldw, h, h_bytes, 1,
                                        scratch, scratch_bytes);
    if (status != QQ_OK || f->n == 0 || f->k == 0) {
        for (size_t i = 0; status == QQ_OK && errors != NULL && i < f->n; i++)
            errors[i] = 0.0;
        return status;
    }
    const qqi_threads t =
        qqi_threads_make(o->parts, o->parallel, o->parallel_user);
    const size_t blocks = qqi_fit_blocks(f);
    // An H that cannot be factored is found before anything is written.
    if ((o->starts & (QQ_START_FALLING | QQ_START_NATURAL)) != 0 &&
        !qqi_ordered_make(&m.ordered,
                          o->starts & QQ_START_FALLING ? QQ_COLUMNS_FALLING
                                                       : QQ_COLUMNS_NATURAL,
                          h, f->k, &t))
        return QQ_ERR_FORMAT;
    for (int i = 0; i < 3; i++)
        all += (o->starts & starts[i]) != 0;
    qqi_fit_roots(f->k, h, f->k + 1, m.root);
    c.root = m.root;
    c.run = qqi_run_first;
    status = qqi_fitting_run(&c, done, all * blocks);
    for (int i = 0; status == QQ_OK && i < 3; i++) {
        if ((o->starts & starts[i]) == 0)
            continue;
        c.start = starts[i];
        c.run = qqi_run_start;
        done += blocks;
        if (c.start == QQ_START_NATURAL && (o->starts & QQ_START_FALLING) != 0)
            qqi_ordered_make(&m.ordered, QQ_COLUMNS_NATURAL, h, f->k, &t);
        status = qqi_fitting_run(&c, done, all * blocks);
    }
    if (errors != NULL)
        QQ_MEMCPY(errors, c.best, f->n * sizeof *errors);
    return status;
}

#endif // QQUANT_SOLVE_RECIPE_H
