// qquant floor 10: the driver: the memory of a layer that is solved.
//
// Behind the states of a window, and once these have gathered:
//
//   H and the target
//   what making the target needs, or: the answer
//   behind the answer: what the solver needs, or: the values
//
// Sizes are counted by the same calls that lay the pieces out.

#ifndef QQUANT_MODEL_DRIVE_ROOM_H
#define QQUANT_MODEL_DRIVE_ROOM_H

#include "model/drive_window.h"
#include "solve/adjust.h"
#include "solve/onebit_solve.h"
#include "solve/onecomp_gptq.h"
#include "solve/rotation.h"
#include "solve/steps.h"

// What store sees, and what it is made of.
typedef struct qqi_drive_answer {
    qq_fit fit;
    qq_onebit onebit;
    qq_rotation rotation;
    qq_layer_record record;
} qqi_drive_answer;

typedef struct qqi_drive_room {
    qqi_drive_answer *answer;
    float *h;      // k * k
    float *t;      // n * k: where the weight is not what is solved
    float *mean_x; // k
    float *mean_f; // k
    float *mean_r; // n
    float *bias;   // n
    void *out;     // fit, OneBit
    size_t out_bytes;
    uint8_t *codes; // GPTQ, RTN
    float *scales;
    float *zeros;
    uint32_t *order;
    float *c; // k * k: for the target alone
    float *r; // n * k
    void *aim;
    size_t aim_bytes;
    void *solve; // of the solver alone
    size_t solve_bytes;
    float *v;     // n * k: behind them
    float *dense; // n * k: W without gaps, for errors
    double *gram; // k * k
} qqi_drive_room;

typedef struct qqi_drive_job {
    qqi_driving *c;
    const qq_drive_layer *l;
    const qq_recipe *r;
    qq_propagation way;
    const qqi_drive_state *s; // NULL: nothing was gathered
    qqi_drive_room m;
} qqi_drive_job;

QQI_FN qq_fit_options qqi_job_fit_options(const qqi_drive_job *j)
{
    qq_fit_options o = j->r->fit;

    o.parts = j->c->d->parts;
    o.parallel = j->c->d->parallel;
    o.parallel_user = j->c->d->parallel_user;
    o.progress = NULL;
    return o;
}

QQI_FN qq_onebit_options qqi_job_onebit_options(const qqi_drive_job *j)
{
    qq_onebit_options o = j->r->onebit;

    o.parts = j->c->d->parts;
    o.parallel = j->c->d->parallel;
    o.parallel_user = j->c->d->parallel_user;
    o.progress = NULL;
    return o;
}

QQI_FN qq_target_options qqi_job_target_options(const qqi_drive_job *j)
{
    qq_target_options o = j->r->target;

    o.parts = j->c->d->parts;
    o.parallel = j->c->d->parallel;
    o.parallel_user = j->c->d->parallel_user;
    return o;
}

QQI_FN void *qqi_bytes_place(qqi_pieces *p, size_t bytes, size_t *have)
{
    *have = bytes;
    return qqi_piece(p, bytes, 1);
}

// The answer's pieces, and what the solver needs beside them.
QQI_FN void qqi_job_place_solver(qqi_drive_job *j, qqi_pieces *p,
                                 size_t *scratch)
{
    const size_t n = j->l->n, k = j->l->k;
    qqi_drive_room *m = &j->m;

    if (j->r->quantizer == QQ_QUANTIZER_FIT) {
        const qq_fit_options o = qqi_job_fit_options(j);
        qq_fit f;
        qqi_fit_describe(&f, n, k, j->r->tile, &j->r->grid);
        *scratch = qq_fit_scratch_size(&f, &o);
        m->out = qqi_bytes_place(p, qq_fit_size(n, k, j->r->tile, &f.grid),
                                 &m->out_bytes);
        return;
    }
    if (j->r->quantizer == QQ_QUANTIZER_ONEBIT) {
        const qq_onebit_options o = qqi_job_onebit_options(j);
        *scratch = qq_onebit_scratch_size(n, k, &o, 1);
        m->out = qqi_bytes_place(p, qq_onebit_size(n, k, &o), &m->out_bytes);
        return;
    }
    const size_t group = j->r->gptq.group > 0 ? (size_t)j->r->gptq.group : k;
    const size_t scales = qqi_times(n, k / group + (k % group > 0));
    m->codes = (uint8_t *)qqi_piece(p, qqi_times(n, k), 1);
    m->scales = (float *)qqi_piece(p, scales, sizeof(float));
    m->zeros = (float *)qqi_piece(p, scales, sizeof(float));
    *scratch = 0;
    if (j->r->quantizer == QQ_QUANTIZER_GPTQ) {
        m->order = (uint32_t *)qqi_piece(p, k, sizeof(uint32_t));
        *scratch = qq_gptq_scratch_size(n, k);
    }
}

// What only the target needs.
QQI_FN void qqi_job_place_target(qqi_drive_job *j, qqi_pieces *p)
{
    const size_t n = j->l->n, k = j->l->k;
    const qq_target_options o = qqi_job_target_options(j);
    qqi_drive_room *m = &j->m;

    if (!qqi_drive_aims(j->way))
        return;
    m->c = (float *)qqi_piece(p, qqi_times(k, k), sizeof(float));
    if (qqi_drive_follows(j->c, j->l, j->r))
        m->r = (float *)qqi_piece(p, qqi_times(n, k), sizeof(float));
    m->aim = qqi_bytes_place(p,
                             j->way == QQ_PROPAGATION_TARGET
                                 ? qq_target_scratch_size(n, k, &o)
                                 : qq_onebit_adjust_scratch_size(n, k),
                             &m->aim_bytes);
}

// Errors are those against the weight without gaps.
QQI_FN void qqi_job_place_values(qqi_drive_job *j, qqi_pieces *p)
{
    const size_t n = j->l->n, k = j->l->k;
    qqi_drive_room *m = &j->m;

    m->v = (float *)qqi_piece(p, qqi_times(n, k), sizeof(float));
    if (!j->c->d->errors)
        return;
    if (j->l->ldw != k)
        m->dense = (float *)qqi_piece(p, qqi_times(n, k), sizeof(float));
    m->gram = (double *)qqi_piece(p, qqi_times(k, k), sizeof(double));
}

QQI_FN size_t qqi_larger_size(size_t x, size_t y)
{
    return x > y ? x : y;
}

// The pieces of a layer; where they end.
QQI_FN size_t qqi_job_place(qqi_drive_job *j, qqi_pieces p)
{
    const size_t n = j->l->n, k = j->l->k;
    qqi_drive_room *m = &j->m;
    size_t solve;

    QQ_MEMSET(m, 0, sizeof *m);
    m->answer = (qqi_drive_answer *)qqi_piece(&p, 1, sizeof(qqi_drive_answer));
    if (j->r->quantizer != QQ_QUANTIZER_RTN || qqi_drive_aims(j->way))
        m->h = (float *)qqi_piece(&p, qqi_times(k, k), sizeof(float));
    if (qqi_drive_aims(j->way) || j->r->rotate)
        m->t = (float *)qqi_piece(&p, qqi_times(n, k), sizeof(float));
    if (j->r->bias) {
        m->mean_x = (float *)qqi_piece(&p, k, sizeof(float));
        m->mean_f = (float *)qqi_piece(&p, k, sizeof(float));
        m->mean_r = (float *)qqi_piece(&p, n, sizeof(float));
        m->bias = (float *)qqi_piece(&p, n, sizeof(float));
    }
    qqi_pieces target = p;
    qqi_job_place_target(j, &target);
    qqi_job_place_solver(j, &p, &solve);
    qqi_pieces solver = p, values = p;
    m->solve = qqi_bytes_place(&solver, solve, &m->solve_bytes);
    qqi_job_place_values(j, &values);
    return qqi_larger_size(target.at, qqi_larger_size(solver.at, values.at));
}

QQI_FN void qqi_job_make(qqi_drive_job *j, qqi_driving *c, size_t layer,
                         const qq_recipe *r, const qqi_drive_state *s)
{
    QQ_MEMSET(j, 0, sizeof *j);
    j->c = c;
    j->l = c->d->layers + layer;
    j->r = r;
    j->way = qqi_drive_way(c, r);
    j->s = s;
}

#endif // QQUANT_MODEL_DRIVE_ROOM_H
