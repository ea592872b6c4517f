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
    double *big;        // H in order; W'; gradients; then the system of b
    int has_h;
    int signed_already; // codes are the signs of W
} qqi_onebit_room;

// What rounds need: fixed has none, and its codes are those of every candidate.
QQI_FN void qqi_onebit_room_rounds(qqi_onebit_room *m, qqi_pieces *p)
{
    qqi_planes *s = &m->planes;
    const size_t all = qqi_times(s->n, s->k);
    const size_t as = qqi_times(s->count, s->n);
    const size_t bs = qqi_times(s->count, s->k);

    s->best_code = s->code;
    if (s->o->mode == QQ_ONEBIT_FIXED)
        return;
    s->best_code = (uint8_t *)qqi_piece(p, all, 1);
    s->end_a = (float *)qqi_piece(p, as, sizeof(float));
    s->save_a = (float *)qqi_piece(p, as, sizeof(float));
    s->save_b = (float *)qqi_piece(p, bs, sizeof(float));
    s->save_code = (uint8_t *)qqi_piece(p, all, 1);
}

QQI_FN void qqi_onebit_room_best(qqi_onebit_room *m, qqi_pieces *p)
{
    qqi_planes *s = &m->planes;
    const size_t as = qqi_times(s->count, s->n);
    const size_t bs = qqi_times(s->count, s->k);

    s->a = (float *)qqi_piece(p, as, sizeof(float));
    s->b = (float *)qqi_piece(p, bs, sizeof(float));
    s->code = (uint8_t *)qqi_piece(p, qqi_times(s->n, s->k), 1);
    s->best_a = (float *)qqi_piece(p, as, sizeof(float));
    s->best_b = (float *)qqi_piece(p, bs, sizeof(float));
    qqi_onebit_room_rounds(m, p);
    s->error = (double *)qqi_piece(p, qqi_plane_blocks(s), sizeof(double));
}

// Pieces that do not live at the same time: each begins at the same place.
QQI_FN void qqi_onebit_room_turns(qqi_onebit_room *m, qqi_pieces *p)
{
    const qq_onebit_options *o = m->planes.o;
    const size_t n = m->planes.n, k = m->planes.k;
    qqi_pieces room = qqi_pieces_make(NULL);
    qqi_pieces pass = *p, factor = *p, columns = *p, start = *p;
    qqi_plane_rows r;

    qqi_plane_rows_place(&m->planes, &r, &room);
    // Without H, and where nothing is solved, passes need no room.
    m->planes.room_bytes = m->has_h || o->mode == QQ_ONEBIT_BEST ? room.at : 0;
    m->planes.rooms =
        (uint8_t *)qqi_piece(&pass, o->parts, m->planes.room_bytes);
    qqi_factor_place(&m->ordered.factor, k, o->parts, &factor);
    qqi_columns_place(&m->columns, k, o->parts, 0, &columns);
    m->work.svid.n = n;
    m->work.svid.k = k;
    qqi_svid_place(&m->work.svid, &start);
    m->work.balance.n = n;
    m->work.balance.k = k;
    qqi_balance_place(&m->work.balance, &start);
    p->at = pass.at > factor.at ? pass.at : factor.at;
    p->at = p->at > columns.at ? p->at : columns.at;
    p->at = p->at > start.at ? p->at : start.at;
}

// The factor and the system of b share their largest piece with W', which only
// more than one plane needs, and with the gradients that the system is made of
// before it is made.
QQI_FN void qqi_onebit_room_place(qqi_onebit_room *m, qqi_pieces *p)
{
    const qq_onebit_options *o = m->planes.o;
    const size_t n = m->planes.n, k = m->planes.k;
    const int solves = o->mode == QQ_ONEBIT_BEST;
    const size_t square = m->has_h && solves ? qqi_times(k, k) : 0;
    const size_t half = m->planes.count > 1 ? qqi_times(n, k) / 2 + 1 : 0;
    const size_t slopes =
        solves ? qqi_times(qqi_plane_blocks(&m->planes), k) : 0;
    size_t big = square > half ? square : half;

    m->work.n = n;
    m->work.k = k;
    if (o->mode == QQ_ONEBIT_COMPAT) {
        qqi_onebit_work_place(&m->work, p);
        qqi_onebit_place(n, k, o, &m->out, p);
        return;
    }
    qqi_onebit_room_best(m, p);
    big = big > slopes ? big : slopes;
    m->big = (double *)qqi_piece(p, big, sizeof(double));
    m->planes.gradient = m->big;
    m->ordered.lower = (float *)qqi_piece(p, square, sizeof(float));
    m->ordered.order = (size_t *)qqi_piece(p, k, sizeof(size_t));
    m->work.rows = (float *)qqi_piece(p, n, sizeof(float));
    m->work.columns = (float *)qqi_piece(p, k, sizeof(float));
    qqi_onebit_room_turns(m, p);
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

// Codes of the signs of some numbers; bit 31: one of them is not finite.
QQI_FN uint32_t qqi_onebit_signs(size_t count, const float *w, uint8_t *code)
{
    uint32_t all[16];
    size_t j = 0;

    for (size_t l = 0; l < 16; l++)
        all[l] = 0;
    for (; j + 16 <= count; j += 16) {
        uint32_t bits[16];
        QQ_MEMCPY(bits, w + j, sizeof bits);
        for (size_t l = 0; l < 16; l++)
            code[j + l] = w[j + l] >= 0.0f;
        // An exponent of all ones carries into the sign.
        for (size_t l = 0; l < 16; l++)
            all[l] |= (bits[l] & 0x7f800000u) + 0x00800000u;
    }
    for (; j < count; j++) {
        code[j] = w[j] >= 0.0f;
        all[0] |= (qqi_f32_bits(w[j]) & 0x7f800000u) + 0x00800000u;
    }
    for (size_t l = 1; l < 16; l++)
        all[0] |= all[l];
    return all[0];
}

// Blocks of a part: signs of W, and whether all of W is finite (error: else 1).
QQI_FN void qqi_onebit_signs_part(void *arg, size_t part)
{
    const qqi_planes *s = (const qqi_planes *)arg;
    size_t from, to;

    qqi_share(qqi_plane_blocks(s), s->o->parts, part, &from, &to);
    for (size_t b = from; b < to; b++) {
        uint32_t all = 0;
        for (size_t i = b * QQI_BLOCK_ROWS;
             i < s->n && i < (b + 1) * QQI_BLOCK_ROWS; i++)
            all |=
                qqi_onebit_signs(s->k, s->w + i * s->ldw, s->code + i * s->k);
        s->error[b] = all >> 31 ? 1.0 : 0.0;
    }
}

// 1 where W is finite.
QQI_FN int qqi_onebit_signs_all(qqi_onebit_room *m)
{
    const qqi_planes *s = &m->planes;
    double bad = 0.0;

    qqi_threads_run(m->work.svid.threads, qqi_onebit_signs_part, &m->planes);
    for (size_t b = 0; b < qqi_plane_blocks(s); b++)
        bad += s->error[b];
    m->signed_already = 1;
    return !(bad > 0.0);
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
        if (!m->signed_already)
            (void)qqi_onebit_signs_all(m);
        qqi_svid_of(v, s->w, s->ldw, 1);
        v->p.rows = m->work.rows;
        v->p.columns = m->work.columns;
    } else {
        m->signed_already = 0;
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
