// qquant floor 8: OneBit: memory of fixed and best, and starts by SVID.
//
// SVID takes a_i b_j as the best rank-1 approximation of |W'|, W' being W with
// rows and columns weighted, and sign(W) as signs. Weights: none, sqrt(diag H)
// on columns, or those of balancing; they are folded into a and b afterwards.

#ifndef QQUANT_SOLVE_ONEBIT_START_H
#define QQUANT_SOLVE_ONEBIT_START_H

#include "solve/plane_pass.h"

typedef struct qqi_onebit_room {
    qqi_planes planes;
    qqi_onebit_work work;
    qqi_ordered ordered;
    qqi_columns_system columns;
    qqi_onebit_out out; // compat: the answer, until it is known to be one
    double *big;        // H in order; then W'; then the system of b
    int has_h;
} qqi_onebit_room;

QQI_FN void qqi_onebit_room_best(qqi_onebit_room *m, qqi_pieces *p)
{
    qqi_planes *s = &m->planes;
    const size_t all = qqi_times(s->n, s->k);
    const size_t as = qqi_times(s->count, s->n);
    const size_t bs = qqi_times(s->count, s->k);
    const size_t blocks = qqi_plane_blocks(s);
    qqi_pieces room = qqi_pieces_make(NULL);
    qqi_plane_rows r;

    qqi_plane_rows_place(s, &r, &room);
    s->room_bytes = room.at;
    s->a = (float *)qqi_piece(p, as, sizeof(float));
    s->b = (float *)qqi_piece(p, bs, sizeof(float));
    s->code = (uint8_t *)qqi_piece(p, all, 1);
    s->best_a = (float *)qqi_piece(p, as, sizeof(float));
    s->best_b = (float *)qqi_piece(p, bs, sizeof(float));
    s->best_code = (uint8_t *)qqi_piece(p, all, 1);
    s->end_a = (float *)qqi_piece(p, as, sizeof(float));
    s->save_a = (float *)qqi_piece(p, as, sizeof(float));
    s->save_b = (float *)qqi_piece(p, bs, sizeof(float));
    s->save_code = (uint8_t *)qqi_piece(p, all, 1);
    s->error = (double *)qqi_piece(p, blocks, sizeof(double));
    s->gradient =
        (double *)qqi_piece(p, qqi_times(blocks, s->k), sizeof(double));
    s->rooms = (uint8_t *)qqi_piece(p, s->o->parts, s->room_bytes);
}

// The factor and the system of b share their largest piece with W', which only
// more than one plane needs.
QQI_FN void qqi_onebit_room_place(qqi_onebit_room *m, qqi_pieces *p)
{
    const qq_onebit_options *o = m->planes.o;
    const size_t n = m->planes.n, k = m->planes.k;
    const size_t square = m->has_h ? qqi_times(k, k) : 0;
    const size_t half = m->planes.count > 1 ? qqi_times(n, k) / 2 + 1 : 0;

    m->work.n = n;
    m->work.k = k;
    if (o->mode == QQ_ONEBIT_COMPAT) {
        qqi_onebit_work_place(&m->work, p);
        qqi_onebit_place(n, k, o, &m->out, p);
        return;
    }
    qqi_onebit_room_best(m, p);
    m->big =
        (double *)qqi_piece(p, square > half ? square : half, sizeof(double));
    const size_t lower = o->mode == QQ_ONEBIT_BEST ? square : 0;
    m->ordered.lower = (float *)qqi_piece(p, lower, sizeof(float));
    m->ordered.order = (size_t *)qqi_piece(p, k, sizeof(size_t));
    qqi_factor_place(&m->ordered.factor, k, o->parts, p);
    qqi_pieces rest = *p;
    qqi_columns_place(&m->columns, k, o->parts, 0, &rest);
    qqi_pieces work = *p;
    work.at = rest.at;
    m->work.rows = (float *)qqi_piece(&work, n, sizeof(float));
    m->work.columns = (float *)qqi_piece(&work, k, sizeof(float));
    m->work.svid.n = n;
    m->work.svid.k = k;
    qqi_svid_place(&m->work.svid, &work);
    m->work.balance.n = n;
    m->work.balance.k = k;
    qqi_balance_place(&m->work.balance, &work);
    *p = work;
    m->ordered.a = m->big;
    if (m->has_h)
        m->columns.m = m->big;
    m->work.scaled = (float *)(void *)m->big;
}

QQI_FN void qqi_onebit_room_describe(qqi_onebit_room *m, size_t n, size_t k,
                                     const qq_onebit_options *o, int has_h)
{
    QQ_MEMSET(m, 0, sizeof *m);
    m->planes.n = n;
    m->planes.k = k;
    m->planes.o = o;
    m->planes.count = o->planes;
    m->has_h = has_h;
}

QQ_API size_t qq_onebit_scratch_size(size_t n, size_t k,
                                     const qq_onebit_options *o, int h)
{
    const qq_onebit_options defaults = qq_onebit_options_init();
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_onebit_room m;

    if (o == NULL)
        o = &defaults;
    if (qq_onebit_options_check(o, NULL) != QQ_OK)
        return SIZE_MAX;
    qqi_onebit_room_describe(&m, n, k, o, h != 0);
    qqi_onebit_room_place(&m, &p);
    return n == 0 || k == 0 ? 0 : qqi_pieces_bytes(&p);
}

// --- starts ----------------------------------------------------------------

// Rows of a part: signs of W.
QQI_FN void qqi_onebit_signs_part(void *arg, size_t part)
{
    const qqi_planes *s = (const qqi_planes *)arg;
    size_t from, to;

    qqi_share(s->n, s->o->parts, part, &from, &to);
    for (size_t i = from; i < to; i++) {
        const float *w = s->w + i * s->ldw;
        uint8_t *code = s->code + i * s->k;
        for (size_t j = 0; j < s->k; j++)
            code[j] = w[j] >= 0.0f;
    }
}

// What the p planes there are leave, and its signs.
QQI_FN void qqi_onebit_rest(qqi_onebit_room *m, unsigned p)
{
    const qqi_planes *s = &m->planes;
    float values[QQI_PLANE_CODES];

    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->k; j++) {
            uint8_t *code = s->code + i * s->k + j;
            qqi_plane_values(s, i, j, values);
            const float rest = s->w[i * s->ldw + j] - values[*code];
            *code = (uint8_t)(*code | (rest >= 0.0f ? 1u << p : 0u));
            m->work.scaled[i * s->k + j] =
                rest * m->work.rows[i] * m->work.columns[j];
        }
}

// Plane p by SVID of what the planes before it leave, rows and columns of it
// being weighted by the work's factors. The first plane is W's, which is
// weighted as it is read.
QQI_FN void qqi_onebit_start_plane(qqi_onebit_room *m, unsigned p)
{
    qqi_planes *s = &m->planes;
    const size_t n = s->n, k = s->k;
    float *a = s->a + p * n, *b = s->b + p * k;
    qqi_svid *v = &m->work.svid;

    s->count = p;
    if (p == 0) {
        qqi_threads_run(v->threads, qqi_onebit_signs_part, s);
        qqi_svid_of(v, s->w, s->ldw, 1);
        v->p.rows = m->work.rows;
        v->p.columns = m->work.columns;
    } else {
        qqi_onebit_rest(m, p);
        qqi_svid_of(v, m->work.scaled, k, 1);
    }
    s->count = p + 1;
    const double root = qqi_sqrt_f64(qqi_svid_still(v));
    for (size_t i = 0; i < n; i++) {
        const double x = (double)qqi_abs_f32(v->u[i]) * root;
        a[i] = (float)(x / (double)m->work.rows[i]);
    }
    for (size_t j = 0; j < k; j++) {
        const double x = (double)qqi_abs_f32(v->v[j]) * root;
        b[j] = (float)(x / (double)m->work.columns[j]);
    }
}

typedef enum qqi_onebit_weights {
    QQI_ONEBIT_PLAIN = 1,
    QQI_ONEBIT_IMPORTANT = 2,
    QQI_ONEBIT_BALANCED = 3
} qqi_onebit_weights;

// All planes. Factors are within 2^-100 to 2^100, so that W' may overflow only
// where W is near the end of f32.
QQI_FN void qqi_onebit_start(qqi_onebit_room *m, qqi_onebit_weights how)
{
    const qqi_planes *s = &m->planes;
    const unsigned count = s->count;
    qqi_onebit_work *w = &m->work;

    for (size_t i = 0; i < s->n; i++)
        w->rows[i] = 1.0f;
    for (size_t j = 0; j < s->k; j++) {
        w->columns[j] = 1.0f;
        if (how == QQI_ONEBIT_IMPORTANT && s->h != NULL) {
            const float d = s->h[j * s->k + j];
            w->columns[j] = qqi_sqrt_f32(d < 1e-8f ? 1e-8f : d);
        }
    }
    if (how == QQI_ONEBIT_BALANCED)
        qqi_onebit_balance(w, s->o, 0);
    for (unsigned p = 0; p < count; p++)
        qqi_onebit_start_plane(m, p);
}

#endif // QQUANT_SOLVE_ONEBIT_START_H
