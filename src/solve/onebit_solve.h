// qquant floor 8: OneBit, solved: fixed, best, and the call.
//
// Every candidate is rounded as it will be stored before its J is looked at,
// and the least J wins: plain SVID, then the method mended, then (best) what
// rounds of signs, a and b make of two starts.

#ifndef QQUANT_SOLVE_ONEBIT_SOLVE_H
#define QQUANT_SOLVE_ONEBIT_SOLVE_H

#include "solve/onebit_start.h"

// --- rounds ----------------------------------------------------------------

// Says how far we are; 1: somebody wants to stop.
QQI_FN int qqi_onebit_tell(const qqi_onebit_room *m, size_t done, size_t all)
{
    const qq_onebit_options *o = m->planes.o;

    return o->progress != NULL && o->progress(o->progress_user, done, all) != 0;
}

// Signs, a, b of every plane, and a again: one round. J.
QQI_FN double qqi_onebit_round(qqi_onebit_room *m, int gptq, int sweeps)
{
    qqi_planes *s = &m->planes;
    const qqi_threads t =
        qqi_threads_make(s->o->parts, s->o->parallel, s->o->parallel_user);

    s->plane = 0;
    qqi_plane_pass(s, gptq, 1, sweeps);
    for (unsigned p = 0; p < s->count; p++) {
        s->plane = p;
        if (p > 0)
            qqi_plane_pass(s, 0, 0, 0);
        qqi_columns_fit(&m->columns, s, &t);
    }
    return qqi_plane_pass(s, 0, 1, 0);
}

// Rounds from what s holds; the best of them, as it is stored, is kept. 0:
// stop.
QQI_FN int qqi_onebit_rounds(qqi_onebit_room *m, unsigned gptq, size_t *done,
                             size_t all)
{
    qqi_planes *s = &m->planes;
    double least = qqi_f64_of((uint64_t)0x7ff << 52);

    for (unsigned i = 0; i < s->o->rounds; i++) {
        const double now = qqi_onebit_round(m, i < gptq, (int)s->o->sweeps);
        if (now < least) {
            least = now;
            qqi_plane_save(s);
        }
        if (qqi_onebit_tell(m, ++*done, all))
            return 0;
    }
    if (s->o->rounds > 0)
        qqi_plane_load(s);
    if (s->o->anneal > 0 && s->count == 1) {
        s->anneal = s->o->anneal;
        qqi_plane_pass(s, 0, 0, 50);
        s->anneal = 0;
        if (qqi_onebit_round(m, 0, 0) > least && s->o->rounds > 0)
            qqi_plane_load(s);
    }
    qqi_plane_keep(s, qqi_plane_finish(s, 1));
    return 1;
}

// The best of the candidates of a mode.
QQI_FN qq_status qqi_onebit_run(qqi_onebit_room *m, qq_onebit *r)
{
    qqi_planes *s = &m->planes;
    const qq_onebit_options *o = s->o;
    const qqi_threads t =
        qqi_threads_make(o->parts, o->parallel, o->parallel_user);
    const size_t all = 2 * (size_t)o->rounds + 1;
    size_t done = 0;

    if (o->mode == QQ_ONEBIT_BEST && s->h != NULL) {
        if (!qqi_ordered_make(&m->ordered, QQ_COLUMNS_FALLING, s->h, s->k, &t))
            return QQ_ERR_FORMAT;
        s->lower = m->ordered.lower;
        s->order = m->ordered.order;
    }
    s->best = qqi_f64_of((uint64_t)0x7ff << 52);
    qqi_onebit_start(m, QQI_ONEBIT_PLAIN);
    r->svid = qqi_plane_finish(s, 0);
    qqi_plane_keep(s, r->svid);
    if (s->best > r->svid || !qqi_is_finite_f64(r->svid))
        return QQ_ERR_FORMAT; // W is beyond what floats can hold
    if (o->balancing && s->count == 1) {
        const double before = s->best;
        qqi_onebit_start(m, QQI_ONEBIT_BALANCED);
        qqi_plane_keep(s, qqi_plane_finish(s, 0));
        r->balanced = s->best < before;
    }
    if (s->h != NULL && (o->importance || o->mode == QQ_ONEBIT_BEST)) {
        qqi_onebit_start(m, QQI_ONEBIT_IMPORTANT);
        qqi_plane_keep(s, qqi_plane_finish(s, 0));
    }
    if (qqi_onebit_tell(m, ++done, all))
        return QQ_ERR_CANCELLED;
    for (unsigned i = 0; o->mode == QQ_ONEBIT_BEST && i < 2; i++) {
        if (i == 1 && s->h == NULL)
            break;
        qqi_onebit_start(m, QQI_ONEBIT_IMPORTANT);
        if (!qqi_onebit_rounds(m, i == 0 && s->h != NULL ? 2 : 0, &done, all))
            return QQ_ERR_CANCELLED;
    }
    r->objective = s->best;
    return QQ_OK;
}

// --- the call --------------------------------------------------------------

QQI_FN qq_status qqi_onebit_check(size_t n, size_t k,
                                  const qq_onebit_options *o, const float *w,
                                  size_t ldw, const float *h, size_t h_bytes)
{
    qq_status status = qq_onebit_options_check(o, NULL);

    if (status == QQ_OK)
        status = qqi_check_rows(n, k, w, ldw, sizeof(float));
    if (status == QQ_OK && !qqi_rows_finite(n, k, w, ldw))
        status = QQ_ERR_FORMAT;
    if (status != QQ_OK || h == NULL)
        return status;
    if (o->mode == QQ_ONEBIT_COMPAT)
        return qqi_check_numbers(qqi_times(k, k), sizeof(float), h, h_bytes);
    return qq_hessian_check(k, h, h_bytes);
}

// The answer's pieces from the planes that won.
QQI_FN void qqi_onebit_write(const qqi_planes *s, const qqi_onebit_out *t)
{
    const size_t all = s->n * s->k;

    QQ_MEMCPY(t->a, s->best_a, s->count * s->n * sizeof(float));
    QQ_MEMCPY(t->b, s->best_b, s->count * s->k * sizeof(float));
    for (unsigned p = 0; p < s->count; p++) {
        QQ_MEMSET(t->sign[p], 0, qqi_sign_bytes(all));
        for (size_t i = 0; i < all; i++)
            qqi_sign_put(t->sign[p], i, s->best_code[i] >> p & 1);
    }
}

// The sum of squares of W - V, and whether V is finite.
QQI_FN int qqi_onebit_compat_error(const qqi_onebit_work *w, qq_onebit *r)
{
    const uint8_t *sign = (const uint8_t *)r->sign[0].data;

    r->objective = 0.0;
    for (size_t i = 0; i < r->n; i++)
        for (size_t j = 0; j < r->k; j++) {
            const float s = qqi_sign_float(sign, i * r->k + j);
            float v = r->a[i] * s * r->b[j];
            if (r->rows != NULL)
                v = v / (r->rows[i] * r->columns[j]);
            if (!qqi_is_finite_f32(v))
                return 0;
            const double d = (double)w->w[i * w->ldw + j] - (double)v;
            r->objective += qqi_mul_f64(d, d);
        }
    return 1;
}

// All checked, and there is something to solve.
QQI_NOINLINE qq_status qqi_onebit_answer(const qq_onebit_options *o,
                                         const float *w, size_t ldw,
                                         const float *h, void *scratch,
                                         const qqi_onebit_out *t,
                                         qq_onebit *view)
{
    qqi_pieces p = qqi_pieces_make(scratch);
    qqi_onebit_room m;
    qq_status status;

    qqi_onebit_room_describe(&m, view->n, view->k, o, h != NULL);
    qqi_onebit_room_place(&m, &p);
    m.planes.w = m.work.w = w;
    m.planes.ldw = m.work.ldw = ldw;
    m.planes.h = m.work.h = h;
    if (o->mode == QQ_ONEBIT_COMPAT) {
        status = qqi_onebit_compat(&m.work, o, t);
        if (status == QQ_OK && !qqi_onebit_compat_error(&m.work, view))
            status = QQ_ERR_FORMAT;
        return status;
    }
    status = qqi_onebit_run(&m, view);
    if (status == QQ_OK)
        qqi_onebit_write(&m.planes, t);
    return status;
}

QQ_API qq_status qq_onebit_solve(size_t n, size_t k, const qq_onebit_options *o,
                                 const float *w, size_t ldw, const float *h,
                                 size_t h_bytes, void *out, size_t out_bytes,
                                 void *scratch, size_t scratch_bytes,
                                 qq_onebit *r)
{
    const qq_onebit_options defaults = qq_onebit_options_init();
    qqi_pieces q = qqi_pieces_make(out);
    qqi_onebit_out t;
    qq_onebit view;

    if (o == NULL)
        o = &defaults;
    qq_status status = qqi_onebit_check(n, k, o, w, ldw, h, h_bytes);
    if (status == QQ_OK)
        status = qqi_check_numbers(qq_onebit_size(n, k, o), 1, out, out_bytes);
    if (status == QQ_OK)
        status = qqi_check_scratch(qq_onebit_scratch_size(n, k, o, h != NULL),
                                   scratch, scratch_bytes);
    if (status == QQ_OK && r == NULL)
        status = QQ_ERR_ARGUMENT;
    if (status != QQ_OK)
        return status;
    qqi_onebit_place(n, k, o, &t, &q);
    qqi_onebit_view(n, k, o, &t, &view);
    if (n > 0 && k > 0)
        status = qqi_onebit_answer(o, w, ldw, h, scratch, &t, &view);
    if (status == QQ_OK)
        *r = view;
    return status;
}

#endif // QQUANT_SOLVE_ONEBIT_SOLVE_H
