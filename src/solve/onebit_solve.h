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

// A round: signs and a of every row, b of every plane, and a again. Its end
// and the beginning of the next one are one pass where they can be.

QQI_FN void qqi_onebit_begin(qqi_onebit_room *m, int gptq, int sweeps)
{
    m->planes.plane = 0;
    m->planes.fit_b = 1;
    qqi_plane_pass(&m->planes, gptq, 1, sweeps);
    m->planes.fit_b = 0;
}

// b of every plane.
QQI_FN void qqi_onebit_columns(qqi_onebit_room *m)
{
    qqi_planes *s = &m->planes;

    for (unsigned p = 0; p < s->count; p++) {
        s->plane = p;
        s->fit_b = 1;
        if (p > 0)
            qqi_plane_pass(s, 0, 0, 0);
        s->fit_b = 0;
        qqi_columns_fit(&m->columns, s, m->work.svid.threads);
    }
}

// The end of a round, and the beginning of the next: J of the first.
QQI_FN double qqi_onebit_go_on(qqi_onebit_room *m, int gptq)
{
    qqi_planes *s = &m->planes;

    s->plane = 0;
    s->fit_b = 1;
    s->before = 1;
    const double now = qqi_plane_pass(s, gptq, 1, (int)s->o->sweeps);
    s->before = 0;
    s->fit_b = 0;
    return now;
}

// Rounds from what s holds; the best of them, as it is stored, is kept. 0:
// stop.
QQI_FN int qqi_onebit_rounds(qqi_onebit_room *m, unsigned gptq, size_t *done,
                             size_t all)
{
    qqi_planes *s = &m->planes;
    const double none = qqi_f64_of((uint64_t)0x7ff << 52);
    double least = none;

    if (s->o->rounds > 0)
        qqi_onebit_begin(m, gptq > 0, (int)s->o->sweeps);
    for (unsigned i = 0; i < s->o->rounds; i++) {
        const int more = i + 1 < s->o->rounds;
        qqi_onebit_columns(m);
        const double now = more ? qqi_onebit_go_on(m, i + 1 < gptq)
                                : qqi_plane_pass(s, 0, 1, 0);
        if (now < least) {
            least = now;
            qqi_plane_save(s, more);
        }
        if (qqi_onebit_tell(m, ++*done, all))
            return 0;
    }
    if (s->o->rounds > 0 && !(least < none))
        return 1; // J is no number: nothing was saved
    if (s->o->rounds > 0)
        qqi_plane_load(s);
    if (s->o->anneal > 0 && s->count == 1) {
        s->anneal = s->o->anneal;
        qqi_plane_pass(s, 0, 0, 50);
        s->anneal = 0;
        qqi_onebit_begin(m, 0, 0);
        qqi_onebit_columns(m);
        if (qqi_plane_pass(s, 0, 1, 0) > least && s->o->rounds > 0)
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
    if (!qqi_onebit_signs_all(m))
        return QQ_ERR_FORMAT;
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
        m->signed_already = 0;
        if (!qqi_onebit_rounds(m, i == 0 && s->h != NULL ? 2 : 0, &done, all))
            return QQ_ERR_CANCELLED;
    }
    r->objective = s->best;
    return QQ_OK;
}

// --- the call --------------------------------------------------------------

QQI_FN qq_status qqi_onebit_check_h(size_t k, const qq_onebit_options *o,
                                    const float *h, size_t h_bytes)
{
    if (h == NULL)
        return QQ_OK;
    if (o->mode == QQ_ONEBIT_COMPAT)
        return qqi_check_numbers(qqi_times(k, k), sizeof(float), h, h_bytes);
    return qq_hessian_check(k, h, h_bytes);
}

// Bit p of 8 codes, side by side: number i goes from bit 8 i to bit 56 + i.
QQI_WRAPS QQI_FN uint8_t qqi_plane_byte(const uint8_t *code, unsigned p)
{
    const uint64_t bits = qqi_load_le64(code) >> p & 0x0101010101010101u;

    return (uint8_t)(bits * 0x0102040810204080u >> 56);
}

typedef struct qqi_onebit_writing {
    const qqi_planes *s;
    const qqi_onebit_out *t;
} qqi_onebit_writing;

// A part's bytes of the signs of every plane.
QQI_FN void qqi_onebit_write_part(void *arg, size_t part)
{
    const qqi_onebit_writing *w = (const qqi_onebit_writing *)arg;
    const qqi_planes *s = w->s;
    const size_t all = s->n * s->k;
    size_t from, to;

    qqi_share(qqi_sign_bytes(all), s->o->parts, part, &from, &to);
    for (unsigned p = 0; p < s->count; p++)
        for (size_t at = from; at < to; at++) {
            uint8_t *sign = w->t->sign[p];
            if (8 * at + 8 <= all) {
                sign[at] = qqi_plane_byte(s->best_code + 8 * at, p);
                continue;
            }
            sign[at] = 0;
            for (size_t i = 8 * at; i < all; i++)
                qqi_sign_put(sign, i, s->best_code[i] >> p & 1);
        }
}

// The answer's pieces from the planes that won.
QQI_FN void qqi_onebit_write(const qqi_planes *s, const qqi_onebit_out *t,
                             const qqi_threads *threads)
{
    qqi_onebit_writing w;

    w.s = s;
    w.t = t;
    QQ_MEMCPY(t->a, s->best_a, s->count * s->n * sizeof(float));
    QQ_MEMCPY(t->b, s->best_b, s->count * s->k * sizeof(float));
    qqi_threads_run(threads, qqi_onebit_write_part, &w);
}

// The sum of squares of W - V, and whether V is finite.
QQI_FN int qqi_onebit_compat_error(const qqi_onebit_work *w,
                                   const qqi_onebit_out *t, double *error)
{
    double sum = 0.0;

    for (size_t i = 0; i < w->n; i++)
        for (size_t j = 0; j < w->k; j++) {
            const float s = qqi_sign_float(t->sign[0], i * w->k + j);
            float v = t->a[i] * s * t->b[j];
            if (t->rows != NULL)
                v = v / (t->rows[i] * t->columns[j]);
            if (!qqi_is_finite_f32(v))
                return 0;
            const double d = (double)w->w[i * w->ldw + j] - (double)v;
            sum += qqi_mul_f64(d, d);
        }
    *error = sum;
    return 1;
}

// The original's answer, written where it is one.
QQI_FN qq_status qqi_onebit_original(qqi_onebit_room *m,
                                     const qq_onebit_options *o,
                                     const qqi_onebit_out *t, double *error)
{
    const qqi_onebit_out *from = &m->out;
    const size_t n = m->work.n, k = m->work.k;
    const qq_status status = qqi_onebit_compat(&m->work, o, from);

    if (status != QQ_OK)
        return status;
    if (!qqi_onebit_compat_error(&m->work, from, error))
        return QQ_ERR_FORMAT;
    QQ_MEMCPY(t->a, from->a, n * sizeof(float));
    QQ_MEMCPY(t->b, from->b, k * sizeof(float));
    QQ_MEMCPY(t->sign[0], from->sign[0], qqi_sign_bytes(n * k));
    if (t->rows != NULL) {
        QQ_MEMCPY(t->rows, from->rows, n * sizeof(float));
        QQ_MEMCPY(t->columns, from->columns, k * sizeof(float));
    }
    return QQ_OK;
}

// All checked, and there is something to solve.
QQI_NOINLINE qq_status qqi_onebit_answer(const qq_onebit_options *o,
                                         const float *w, size_t ldw,
                                         const float *h, void *scratch,
                                         const qqi_onebit_out *t,
                                         qq_onebit *view)
{
    qqi_pieces p = qqi_pieces_make(scratch);
    const qqi_threads threads =
        qqi_threads_make(o->parts, o->parallel, o->parallel_user);
    qqi_onebit_room m;
    qq_status status;

    qqi_onebit_room_describe(&m, view->n, view->k, o, h != NULL);
    qqi_onebit_room_place(&m, &p);
    m.work.svid.threads = m.work.balance.threads = &threads;
    m.planes.w = m.work.w = w;
    m.planes.ldw = m.work.ldw = ldw;
    m.planes.h = m.work.h = h;
    if (o->mode == QQ_ONEBIT_COMPAT)
        return qqi_onebit_original(&m, o, t, &view->objective);
    status = qqi_onebit_run(&m, view);
    if (status == QQ_OK)
        qqi_onebit_write(&m.planes, t, &threads);
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
    qq_status status = qq_onebit_options_check(o, NULL);
    if (status == QQ_OK)
        status = qqi_check_rows(n, k, w, ldw, sizeof(float));
    if (status != QQ_OK)
        return status;
    status = qqi_onebit_check_h(k, o, h, h_bytes);
    if (status == QQ_OK)
        status = qqi_check_numbers(qq_onebit_size(n, k, o), 1, out, out_bytes);
    if (status == QQ_OK)
        status = qqi_check_scratch(qq_onebit_scratch_size(n, k, o, h != NULL),
                                   scratch, scratch_bytes);
    if (status == QQ_OK && r == NULL)
        status = QQ_ERR_ARGUMENT;
    // W's numbers come before these; the other modes look at them in parts,
    // where they take the signs.
    if ((status != QQ_OK || o->mode == QQ_ONEBIT_COMPAT) &&
        !qqi_rows_finite(n, k, w, ldw))
        status = QQ_ERR_FORMAT;
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
