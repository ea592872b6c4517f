// qquant floor 10: the driver: settings chosen, sensitivities measured, and
// recipes given out.

#ifndef QQUANT_MODEL_DRIVE_CHOOSE_H
#define QQUANT_MODEL_DRIVE_CHOOSE_H

#include "model/drive_run.h"

// A layer is the float one again. scratch has room for its values, as it had
// when it was solved.
QQI_FN qq_status qqi_drive_restore(const qq_drive *d, size_t layer,
                                   qqi_pieces p)
{
    const qq_drive_layer *l = d->layers + layer;
    float *v = (float *)qqi_piece(&p, l->n * l->k, sizeof(float));
    qq_drive_result r;

    for (size_t i = 0; i < l->n; i++)
        QQ_MEMCPY(v + i * l->k, l->w + i * l->ldw, l->k * sizeof(float));
    QQ_MEMSET(&r, 0, sizeof r);
    r.layer = layer;
    r.v = v;
    return d->store(d->user, &r) == 0 ? QQ_OK : QQ_ERR_CANCELLED;
}

QQI_FN qq_status qqi_drive_loss(const qq_drive *d, double *loss)
{
    if (d->loss(d->user, loss) != 0)
        return QQ_ERR_CANCELLED;
    return qqi_is_nan_f64(*loss) ? QQ_ERR_FORMAT : QQ_OK;
}

// --- sets of recipes -------------------------------------------------------

// d with one of the sets.
QQI_FN qq_drive qqi_drive_with(const qq_drive *d, const qq_recipe *sets,
                               size_t set)
{
    qq_drive e = *d;

    e.recipes = sets + set * d->recipe_count;
    return e;
}

QQI_FN qq_status qqi_choose_check(const qq_drive *d, size_t choices,
                                  const qq_recipe *sets)
{
    qq_status status = QQ_OK;
    qqi_driving c;

    if (d == NULL || choices == 0 || sets == NULL)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; status == QQ_OK && i < choices; i++) {
        const qq_drive e = qqi_drive_with(d, sets, i);
        qqi_driving_make(&c, &e);
        status = qqi_driving_check(&c);
    }
    return status;
}

QQI_FN size_t qqi_choose_bytes(const qq_drive *d, size_t choices,
                               const qq_recipe *sets)
{
    size_t most = 0;
    qqi_driving c;

    for (size_t i = 0; i < choices; i++) {
        const qq_drive e = qqi_drive_with(d, sets, i);
        qqi_driving_make(&c, &e);
        most = qqi_larger_size(most, qqi_driving_bytes(&c));
    }
    return most;
}

QQ_API size_t qq_drive_choose_scratch_size(const qq_drive *d, size_t choices,
                                           const qq_recipe *sets)
{
    if (qqi_choose_check(d, choices, sets) != QQ_OK)
        return SIZE_MAX;
    return qqi_choose_bytes(d, choices, sets);
}

QQI_FN int qqi_choose_finite(const qq_drive *d, size_t choices,
                             const qq_recipe *sets)
{
    qqi_driving c;

    for (size_t i = 0; i < choices; i++) {
        const qq_drive e = qqi_drive_with(d, sets, i);
        qqi_driving_make(&c, &e);
        if (!qqi_driving_finite(&c))
            return 0;
    }
    return 1;
}

// From the float net to that of a set; what the set before it stored is undone
// first.
QQI_FN qq_status qqi_choose_run(const qq_drive *d, const qq_recipe *sets,
                                size_t set, const qq_drive *before,
                                qqi_driving *c, void *scratch)
{
    const qq_drive e = qqi_drive_with(d, sets, set);
    qq_status status = QQ_OK;

    for (size_t i = 0; before != NULL && status == QQ_OK && i < d->count; i++)
        if (before->recipes[d->layers[i].recipe].quantizer != QQ_QUANTIZER_NONE)
            status = qqi_drive_restore(d, i, qqi_pieces_make(scratch));
    c->d = &e;
    if (status == QQ_OK)
        status = qqi_driving_run(c, scratch);
    c->d = d;
    return status;
}

QQ_API qq_status qq_drive_choose(const qq_drive *d, size_t choices,
                                 const qq_recipe *sets, double *losses,
                                 size_t *best, qq_layer_record *records,
                                 void *scratch, size_t scratch_bytes)
{
    double least = 0.0, loss = 0.0;
    size_t at = 0;
    qqi_driving c;

    qq_status status = qqi_choose_check(d, choices, sets);
    if (status == QQ_OK && d->loss == NULL)
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_check_scratch(qqi_choose_bytes(d, choices, sets), scratch,
                                   scratch_bytes);
    if (status == QQ_OK && !qqi_choose_finite(d, choices, sets))
        status = QQ_ERR_FORMAT;
    if (status != QQ_OK)
        return status;
    qqi_driving_make(&c, d);
    c.records = records;
    c.all = qqi_times(choices + 1, d->count);
    for (size_t i = 0; i < choices; i++) {
        const qq_drive before = qqi_drive_with(d, sets, i > 0 ? i - 1 : 0);
        status =
            qqi_choose_run(d, sets, i, i > 0 ? &before : NULL, &c, scratch);
        if (status == QQ_OK)
            status = qqi_drive_loss(d, &loss);
        if (status != QQ_OK)
            return status;
        if (losses != NULL)
            losses[i] = loss;
        if (i == 0 || loss < least) {
            least = loss;
            at = i;
        }
    }
    if (best != NULL)
        *best = at;
    if (at + 1 == choices)
        return QQ_OK;
    const qq_drive last = qqi_drive_with(d, sets, choices - 1);
    return qqi_choose_run(d, sets, at, &last, &c, scratch);
}

// --- sensitivities ---------------------------------------------------------

// One layer by each recipe, and the float one again.
QQI_FN qq_status qqi_drive_each_measure(qqi_driving *c, size_t layer,
                                        const qqi_drive_state *s,
                                        const qqi_pieces *p)
{
    const qq_drive *d = c->d;
    double *sensitivity = c->sensitivity + layer * d->recipe_count;
    qq_status status = QQ_OK;
    int stored = 0;
    double loss = 0.0;
    qqi_drive_job j;

    for (size_t i = 0; status == QQ_OK && i < d->recipe_count; i++) {
        const qq_recipe *r = d->recipes + i;
        sensitivity[i] = 0.0;
        if (r->quantizer != QQ_QUANTIZER_NONE) {
            stored = 1;
            qqi_job_make(&j, c, layer, r, s);
            status = qqi_job_run(&j, p, NULL);
            if (status == QQ_OK)
                status = qqi_drive_loss(d, &loss);
            if (status == QQ_OK)
                sensitivity[i] = loss - c->base;
        }
        if (status == QQ_OK)
            status = qqi_drive_step(c);
    }
    return status == QQ_OK && stored ? qqi_drive_restore(d, layer, *p) : status;
}

// A call on e, which is d with these recipes.
QQI_FN qq_status qqi_measure_make(const qq_drive *d, size_t choices,
                                  const qq_recipe *recipes, qq_drive *e,
                                  qqi_driving *c)
{
    if (d == NULL || choices == 0 || recipes == NULL)
        return QQ_ERR_ARGUMENT;
    *e = *d;
    e->recipes = recipes;
    e->recipe_count = choices;
    qqi_driving_make(c, e);
    c->every = 1;
    c->each = qqi_drive_each_measure;
    c->all = qqi_times(choices, d->count);
    return qqi_driving_check(c);
}

QQ_API size_t qq_drive_measure_scratch_size(const qq_drive *d, size_t choices,
                                            const qq_recipe *recipes)
{
    qq_drive e;
    qqi_driving c;

    if (qqi_measure_make(d, choices, recipes, &e, &c) != QQ_OK)
        return SIZE_MAX;
    return qqi_driving_bytes(&c);
}

QQ_API qq_status qq_drive_measure(const qq_drive *d, size_t choices,
                                  const qq_recipe *recipes, double *sensitivity,
                                  void *scratch, size_t scratch_bytes)
{
    qq_drive e;
    qqi_driving c;

    qq_status status = qqi_measure_make(d, choices, recipes, &e, &c);
    if (status == QQ_OK &&
        (d->loss == NULL || (d->count > 0 && sensitivity == NULL)))
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status =
            qqi_check_scratch(qqi_driving_bytes(&c), scratch, scratch_bytes);
    if (status == QQ_OK && !qqi_driving_finite(&c))
        status = QQ_ERR_FORMAT;
    if (status == QQ_OK)
        status = qqi_drive_loss(d, &c.base);
    if (status == QQ_OK && qqi_is_inf_f64(c.base))
        status = QQ_ERR_FORMAT;
    if (status != QQ_OK)
        return status;
    c.sensitivity = sensitivity;
    return qqi_driving_run(&c, scratch);
}

#endif // QQUANT_MODEL_DRIVE_CHOOSE_H
