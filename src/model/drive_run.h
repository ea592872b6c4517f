// qquant floor 10: the driver: errors, results, and the run.

#ifndef QQUANT_MODEL_DRIVE_RUN_H
#define QQUANT_MODEL_DRIVE_RUN_H

#include "model/drive_gather.h"
#include "model/drive_solve.h"
#include "solve/layer_errors.h"

// A record that says nothing yet.
QQI_FN void qqi_record_make(const qq_drive_layer *l, qq_layer_record *r)
{
    QQ_MEMSET(r, 0, sizeof *r);
    r->name = l->name.name;
    r->errors.output_squared = qqi_nan_f64();
    r->errors.mean_output_squared = qqi_nan_f64();
    r->errors.relative_output_squared = qqi_nan_f64();
    r->errors.weight_squared = qqi_nan_f64();
    r->errors.mean_weight_squared = qqi_nan_f64();
    r->errors.relative_weight_squared = qqi_nan_f64();
}

QQI_FN double qqi_drive_clock(const qq_drive *d)
{
    return d->seconds != NULL ? d->seconds(d->user) : 0.0;
}

// Under QEP the weight is what it was corrected to.
QQI_FN qq_status qqi_job_errors(const qqi_drive_job *j, qq_layer_errors *e)
{
    const qq_drive_layer *l = j->l;
    const size_t k = l->k;
    const size_t shape[2] = {l->n, k};
    const qqi_drive_room *m = &j->m;
    const float *w = l->w;

    if (m->gram == NULL)
        return QQ_OK;
    if (j->way == QQ_PROPAGATION_QEP) {
        w = m->t;
    } else if (m->dense != NULL) {
        for (size_t i = 0; i < l->n; i++)
            QQ_MEMCPY(m->dense + i * k, w + i * l->ldw, k * sizeof(float));
        w = m->dense;
    }
    const qq_tensor before = qq_tensor_make(w, QQ_TYPE_F32, 2, shape);
    const qq_tensor after = qq_tensor_make(m->v, QQ_TYPE_F32, 2, shape);
    const qq_status status =
        qq_moments_gram(&j->s->m, 1.0, m->gram, k * k * sizeof(double));
    if (status != QQ_OK)
        return status;
    return qq_layer_errors_gram(&before, &after, m->gram, j->s->m.count, e);
}

QQI_FN qq_status qqi_job_store(const qqi_drive_job *j,
                               const qq_layer_record *record)
{
    const qq_drive *d = j->c->d;
    const qqi_drive_room *m = &j->m;
    qq_drive_result r;

    QQ_MEMSET(&r, 0, sizeof r);
    r.layer = (size_t)(j->l - d->layers);
    r.recipe = j->r;
    r.v = m->v;
    r.bias = m->bias;
    if (j->r->quantizer == QQ_QUANTIZER_FIT)
        r.fit = &m->answer->fit;
    if (j->r->quantizer == QQ_QUANTIZER_ONEBIT)
        r.onebit = &m->answer->onebit;
    if (j->r->rotate)
        r.rotation = &m->answer->rotation;
    r.codes = m->codes;
    r.scales = m->scales;
    r.zeros = m->zeros;
    r.order = m->order;
    r.record = record;
    return d->store(d->user, &r) == 0 ? QQ_OK : QQ_ERR_CANCELLED;
}

// Solves a layer and stores it; record: NULL where nobody keeps it.
QQI_FN qq_status qqi_job_run(qqi_drive_job *j, const qqi_pieces *p,
                             qq_layer_record *record)
{
    const qq_drive *d = j->c->d;

    qqi_job_place(j, *p);
    if (record == NULL)
        record = &j->m.answer->record;
    qqi_record_make(j->l, record);
    const double before = qqi_drive_clock(d);
    qq_status status = qqi_job_solve(j);
    if (status != QQ_OK)
        return status;
    record->seconds = qqi_drive_clock(d) - before;
    status = qqi_job_errors(j, &record->errors);
    return status == QQ_OK ? qqi_job_store(j, record) : status;
}

// A layer more is done.
QQI_FN qq_status qqi_drive_step(qqi_driving *c)
{
    c->done++;
    if (c->d->progress != NULL &&
        c->d->progress(c->d->progress_user, c->done, c->all) != 0)
        return QQ_ERR_CANCELLED;
    return QQ_OK;
}

// --- windows ---------------------------------------------------------------

QQI_FN qq_status qqi_drive_window_solve(qqi_driving *c,
                                        const qqi_drive_window *w,
                                        const qqi_pieces *p)
{
    qq_status status = QQ_OK;
    size_t layer = w->first;

    for (size_t i = 0; status == QQ_OK && i < w->groups; i++) {
        const qqi_drive_state *s = w->gathers ? w->state + i : NULL;
        const size_t number = c->d->layers[layer].group;
        for (; status == QQ_OK && layer < w->end &&
               c->d->layers[layer].group == number;
             layer++)
            status = c->each(c, layer, s, p);
    }
    return status;
}

// All windows in order.
QQI_FN qq_status qqi_driving_run(qqi_driving *c, void *scratch)
{
    qq_status status = QQ_OK;
    qqi_drive_window w;

    for (size_t i = 0; status == QQ_OK && i < c->d->count; i = w.end) {
        qqi_drive_window_make(c, i, &w);
        for (c->pass = 0; status == QQ_OK && c->pass <= w.repeats; c->pass++) {
            qqi_pieces p = qqi_pieces_make(scratch);
            size_t room;
            qqi_drive_window_place(c, &w, &p, &room);
            if (w.gathers)
                status = qqi_drive_gather(c, &w, room, &p);
            if (status == QQ_OK)
                status = qqi_drive_window_solve(c, &w, &p);
        }
    }
    return status;
}

// What one window needs.
QQI_FN size_t qqi_drive_window_bytes(qqi_driving *c, qqi_drive_window *w)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    const qq_recipe *r;
    qq_drive_sink sink;
    qqi_drive_job j;
    size_t room;

    qqi_drive_window_place(c, w, &p, &room);
    size_t most = qqi_drive_sink_place(c, w, room, p, &sink);
    for (size_t i = w->first; i < w->end; i++)
        for (size_t t = 0; (r = qqi_drive_recipe(c, i, t)) != NULL; t++) {
            if (r->quantizer == QQ_QUANTIZER_NONE)
                continue;
            qqi_job_make(&j, c, i, r, NULL);
            most = qqi_larger_size(most, qqi_job_place(&j, p));
        }
    p.at = most;
    return qqi_pieces_bytes(&p);
}

// All was checked.
QQI_FN size_t qqi_driving_bytes(qqi_driving *c)
{
    size_t most = 0;
    qqi_drive_window w;

    for (size_t i = 0; i < c->d->count; i = w.end) {
        qqi_drive_window_make(c, i, &w);
        most = qqi_larger_size(most, qqi_drive_window_bytes(c, &w));
    }
    return most;
}

// --- the run ---------------------------------------------------------------

// One layer by its own recipe.
QQI_FN qq_status qqi_drive_each_run(qqi_driving *c, size_t layer,
                                    const qqi_drive_state *s,
                                    const qqi_pieces *p)
{
    const qq_recipe *r = qqi_drive_recipe(c, layer, 0);
    qq_layer_record *record = c->records != NULL ? c->records + layer : NULL;
    qq_status status = QQ_OK;
    qqi_drive_job j;

    if (c->pass > 0 &&
        (r->quantizer == QQ_QUANTIZER_NONE || c->pass > r->repeats))
        return QQ_OK;
    if (r->quantizer != QQ_QUANTIZER_NONE) {
        qqi_job_make(&j, c, layer, r, s);
        status = qqi_job_run(&j, p, record);
    } else if (record != NULL) {
        qqi_record_make(c->d->layers + layer, record);
    }
    if (status != QQ_OK || c->pass > 0)
        return status;
    return qqi_drive_step(c);
}

QQI_FN void qqi_driving_make(qqi_driving *c, const qq_drive *d)
{
    QQ_MEMSET(c, 0, sizeof *c);
    c->d = d;
    c->each = qqi_drive_each_run;
    c->all = d != NULL ? d->count : 0;
}

QQ_API size_t qq_drive_scratch_size(const qq_drive *d)
{
    qqi_driving c;

    qqi_driving_make(&c, d);
    if (qqi_driving_check(&c) != QQ_OK)
        return SIZE_MAX;
    return qqi_driving_bytes(&c);
}

QQ_API qq_status qq_drive_run(const qq_drive *d, qq_layer_record *records,
                              void *scratch, size_t scratch_bytes)
{
    qqi_driving c;

    qqi_driving_make(&c, d);
    qq_status status = qqi_driving_check(&c);
    if (status == QQ_OK)
        status =
            qqi_check_scratch(qqi_driving_bytes(&c), scratch, scratch_bytes);
    if (status == QQ_OK && !qqi_driving_finite(&c))
        status = QQ_ERR_FORMAT;
    if (status != QQ_OK)
        return status;
    c.records = records;
    return qqi_driving_run(&c, scratch);
}

#endif // QQUANT_MODEL_DRIVE_RUN_H
