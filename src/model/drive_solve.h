// qquant floor 10: the driver: one layer, from moments to values.
//
//   H -> target T -> both rotated -> H damped -> solved -> values, turned back

#ifndef QQUANT_MODEL_DRIVE_SOLVE_H
#define QQUANT_MODEL_DRIVE_SOLVE_H

#include "model/drive_room.h"

// H as the target sees it: not damped, not rotated.
QQI_FN qq_status qqi_job_hessian(const qqi_drive_job *j, double factor)
{
    const size_t k = j->l->k;
    const size_t bytes = k * k * sizeof(float);

    if (j->m.h == NULL)
        return QQ_OK;
    return qq_moments_hessian(&j->s->m, j->r->bias, factor, j->m.h, bytes);
}

// The weight in t, where what is solved is not the weight itself.
QQI_FN qq_status qqi_job_target(const qqi_drive_job *j, double factor)
{
    const qq_drive_layer *l = j->l;
    const size_t n = l->n, k = l->k, square = k * k * sizeof(float);
    const qqi_drive_room *m = &j->m;
    const qq_target_options o = qqi_job_target_options(j);

    if (m->t == NULL)
        return QQ_OK;
    for (size_t i = 0; i < n; i++)
        QQ_MEMCPY(m->t + i * k, l->w + i * l->ldw, k * sizeof(float));
    if (!qqi_drive_aims(j->way))
        return QQ_OK;
    qq_status status =
        qq_moments_cross(&j->s->m, j->r->bias, factor, m->c, square);
    if (status == QQ_OK && j->way == QQ_PROPAGATION_QEP)
        return qq_onebit_adjust(n, k, j->r->percdamp, j->r->perccorr, m->t, k,
                                m->h, m->c, m->aim, m->aim_bytes);
    const size_t bytes = m->r != NULL ? n * k * sizeof(float) : 0;
    if (status == QQ_OK && m->r != NULL)
        status = qq_moments_cross(&j->s->r, j->r->bias, factor, m->r, bytes);
    if (status != QQ_OK)
        return status;
    return qq_target(n, k, &o, l->w, l->ldw, m->h, square, m->c, square, m->r,
                     bytes, m->t, k, m->aim, m->aim_bytes);
}

QQI_FN qq_status qqi_job_rotate(const qqi_drive_job *j)
{
    const size_t n = j->l->n, k = j->l->k;
    qq_rotation *r = &j->m.answer->rotation;

    if (!j->r->rotate)
        return QQ_OK;
    *r = qq_rotation_make(k, j->r->rotate_limit, j->r->seed);
    qq_status status = qq_rotation_rows(r, 0, n, j->m.t, k);
    if (status == QQ_OK && j->m.h != NULL)
        status = qq_rotation_hessian(r, j->m.h, k * k * sizeof(float));
    return status;
}

// The original's quantizers damp by themselves, unless told otherwise.
QQI_FN qq_status qqi_job_damp(const qqi_drive_job *j)
{
    const size_t k = j->l->k;
    double lambda = j->r->lambda;

    if (j->m.h == NULL || (lambda < 0.0 && qqi_recipe_is_original(j->r)))
        return QQ_OK;
    if (lambda < 0.0)
        lambda = qq_hessian_lambda(qqi_recipe_bits(j->r), j->s->m.count, k);
    return qq_hessian_damp(k, lambda, j->m.h, k * k * sizeof(float));
}

// --- solvers ---------------------------------------------------------------

// Progress of a layer is that of the drive so far.
QQI_FN int qqi_job_tell(void *user, size_t done, size_t all)
{
    const qqi_driving *c = (const qqi_driving *)user;

    (void)done;
    (void)all;
    return c->d->progress(c->d->progress_user, c->done, c->all);
}

QQI_FN qq_status qqi_job_fit(const qqi_drive_job *j, const float *t, size_t ldt)
{
    const size_t n = j->l->n, k = j->l->k;
    const qqi_drive_room *m = &j->m;
    qq_fit_options o = qqi_job_fit_options(j);

    if (j->c->d->progress != NULL) {
        o.progress = qqi_job_tell;
        o.progress_user = j->c;
    }
    const qq_status status = qq_fit_make(n, k, j->r->tile, &j->r->grid, m->out,
                                         m->out_bytes, &m->answer->fit);
    if (status != QQ_OK)
        return status;
    return qq_fit_solve(&m->answer->fit, &o, t, ldt, m->h,
                        k * k * sizeof(float), NULL, m->solve, m->solve_bytes);
}

QQI_FN qq_status qqi_job_onebit(const qqi_drive_job *j, const float *t,
                                size_t ldt)
{
    const size_t n = j->l->n, k = j->l->k;
    const qqi_drive_room *m = &j->m;
    qq_onebit_options o = qqi_job_onebit_options(j);

    if (j->c->d->progress != NULL) {
        o.progress = qqi_job_tell;
        o.progress_user = j->c;
    }
    return qq_onebit_solve(n, k, &o, t, ldt, m->h, k * k * sizeof(float),
                           m->out, m->out_bytes, m->solve, m->solve_bytes,
                           &m->answer->onebit);
}

QQI_FN qq_status qqi_job_quantize(const qqi_drive_job *j)
{
    const size_t n = j->l->n, k = j->l->k;
    const qqi_drive_room *m = &j->m;
    const float *t = m->t != NULL ? m->t : j->l->w;
    const size_t ldt = m->t != NULL ? k : j->l->ldw;

    switch (j->r->quantizer) {
    case QQ_QUANTIZER_FIT:
        return qqi_job_fit(j, t, ldt);
    case QQ_QUANTIZER_ONEBIT:
        return qqi_job_onebit(j, t, ldt);
    case QQ_QUANTIZER_GPTQ:
        return qq_gptq_solve(n, k, &j->r->gptq, t, ldt, m->h, m->codes,
                             m->scales, m->zeros, m->order, m->solve,
                             m->solve_bytes);
    case QQ_QUANTIZER_RTN:
        return qq_rtn_solve(n, k, &j->r->gptq, t, ldt, m->codes, m->scales,
                            m->zeros);
    case QQ_QUANTIZER_NONE:
    default:
        return QQ_ERR_ARGUMENT;
    }
}

// --- values ----------------------------------------------------------------

// Codes of the original. Scales of RTN lie row by row, of GPTQ group by group
// of the columns in their order.
QQI_FN void qqi_job_decode(const qqi_drive_job *j)
{
    const size_t n = j->l->n, k = j->l->k;
    const qqi_drive_room *m = &j->m;
    const size_t group = j->r->gptq.group > 0 ? (size_t)j->r->gptq.group : k;
    const size_t groups = k / group + (k % group > 0);

    for (size_t i = 0; i < n; i++)
        for (size_t p = 0; p < k; p++) {
            const size_t g = p / group;
            const size_t s = m->order != NULL ? g * n + i : i * groups + g;
            const size_t at = i * k + (m->order != NULL ? m->order[p] : p);
            m->v[at] = qqi_onecomp_value((float)m->codes[at], m->scales[s],
                                         m->zeros[s]);
        }
}

QQI_FN qq_status qqi_job_values(const qqi_drive_job *j)
{
    const size_t n = j->l->n, k = j->l->k;
    const qqi_drive_room *m = &j->m;
    qq_status status = QQ_OK;

    if (j->r->quantizer == QQ_QUANTIZER_FIT)
        status = qq_fit_values(&m->answer->fit, m->v, k);
    else if (j->r->quantizer == QQ_QUANTIZER_ONEBIT)
        status = qq_onebit_values(&m->answer->onebit, m->v, k);
    else
        qqi_job_decode(j);
    if (status == QQ_OK && j->r->rotate)
        status = qq_rotation_rows(&m->answer->rotation, 1, n, m->v, k);
    return status;
}

QQI_FN qq_status qqi_job_bias(const qqi_drive_job *j)
{
    const qq_drive_layer *l = j->l;
    const size_t n = l->n, k = l->k;
    const qqi_drive_room *m = &j->m;
    const int two = j->way == QQ_PROPAGATION_TARGET;
    const int follows = qqi_drive_follows(j->c, l, j->r);

    if (m->bias == NULL)
        return QQ_OK;
    qq_status status =
        qq_moments_means(&j->s->m, m->mean_x, two ? m->mean_f : NULL);
    if (status == QQ_OK && follows)
        status = qq_moments_means(&j->s->r, NULL, m->mean_r);
    if (status != QQ_OK)
        return status;
    return qq_bias_correct(
        n, k, l->w, l->ldw, m->v, k, two ? m->mean_f : m->mean_x, m->mean_x,
        l->bias, follows ? m->mean_r : NULL, (float)j->r->target.rho, m->bias);
}

// All of it: what store shall see lies in the room.
QQI_FN qq_status qqi_job_solve(const qqi_drive_job *j)
{
    const double factor =
        qqi_recipe_is_original(j->r) || j->way == QQ_PROPAGATION_QEP ? 2.0
                                                                     : 1.0;
    qq_status status = qqi_job_hessian(j, factor);

    if (status == QQ_OK)
        status = qqi_job_target(j, factor);
    if (status == QQ_OK)
        status = qqi_job_rotate(j);
    if (status == QQ_OK)
        status = qqi_job_damp(j);
    if (status == QQ_OK)
        status = qqi_job_quantize(j);
    if (status == QQ_OK)
        status = qqi_job_values(j);
    return status == QQ_OK ? qqi_job_bias(j) : status;
}

#endif // QQUANT_MODEL_DRIVE_SOLVE_H
