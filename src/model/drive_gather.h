// qquant floor 10: the driver: rows of inputs become moments.

#ifndef QQUANT_MODEL_DRIVE_GATHER_H
#define QQUANT_MODEL_DRIVE_GATHER_H

#include "model/drive_room.h"

// Rows of QEP's second stream that are made at a time.
#define QQI_DRIVE_ROWS ((size_t)32)

struct qq_drive_sink {
    const qqi_driving *c;
    const qqi_drive_window *w;
    float *missing; // rows of k: x_float - x
    void *scratch;
    size_t scratch_bytes;
    qq_status status;
};

// What gathering needs behind the states of a window; where it ends.
QQI_FN size_t qqi_drive_sink_place(const qqi_driving *c,
                                   const qqi_drive_window *w, size_t scratch,
                                   qqi_pieces p, qq_drive_sink *s)
{
    size_t widest = 0;
    qqi_drive_group g;

    for (size_t i = w->first; w->gathers && i < w->end; i += g.count) {
        qqi_drive_group_make(c, i, &g);
        if (g.cross == QQ_PROPAGATION_QEP && g.k > widest)
            widest = g.k;
    }
    QQ_MEMSET(s, 0, sizeof *s);
    s->c = c;
    s->w = w;
    s->missing = (float *)qqi_piece(&p, qqi_times(QQI_DRIVE_ROWS, widest),
                                    sizeof(float));
    s->scratch = qqi_bytes_place(&p, scratch, &s->scratch_bytes);
    return p.at;
}

QQI_FN qq_status qqi_drive_rows_check(const qqi_drive_group *g,
                                      const qq_drive_rows_of *rows)
{
    const size_t n = rows->count;
    const int two = g->cross != QQ_PROPAGATION_NONE;
    qq_status status = qqi_check_rows(n, g->k, rows->x, rows->ldx, 4);

    if (status == QQ_OK && two)
        status = qqi_check_rows(n, g->k, rows->x_float, rows->ldx_float, 4);
    if (status == QQ_OK && g->residual > 0)
        status = qqi_check_rows(n, g->residual, rows->r, rows->ldr, 4);
    if (status != QQ_OK)
        return status;
    if (!qqi_rows_finite(n, g->k, rows->x, rows->ldx) ||
        (two && !qqi_rows_finite(n, g->k, rows->x_float, rows->ldx_float)) ||
        (g->residual > 0 &&
         !qqi_rows_finite(n, g->residual, rows->r, rows->ldr)))
        return QQ_ERR_FORMAT;
    return QQ_OK;
}

// Rows with what QEP's second stream has there.
QQI_FN qq_status qqi_drive_rows_missing(const qq_drive_sink *s,
                                        qqi_drive_state *to,
                                        const qq_moments_options *o,
                                        const qq_drive_rows_of *rows)
{
    const size_t k = to->g.k;
    qq_status status = QQ_OK;

    for (size_t i = 0, n; status == QQ_OK && i < rows->count; i += n) {
        n = rows->count - i < QQI_DRIVE_ROWS ? rows->count - i : QQI_DRIVE_ROWS;
        const float *x = rows->x + i * rows->ldx;
        const float *f = rows->x_float + i * rows->ldx_float;
        for (size_t r = 0; r < n; r++)
            for (size_t j = 0; j < k; j++)
                s->missing[r * k + j] =
                    f[r * rows->ldx_float + j] - x[r * rows->ldx + j];
        status = qq_moments_update(&to->m, o, n, QQ_TYPE_F32, x, rows->ldx,
                                   s->missing, k, s->scratch, s->scratch_bytes);
    }
    return status;
}

QQI_FN qq_status qqi_drive_rows_add(const qq_drive_sink *s, qqi_drive_state *to,
                                    const qq_drive_rows_of *rows)
{
    const qq_moments_options o = qqi_drive_moments(s->c, QQ_MOMENTS_FULL, 0);
    qq_status status = qqi_drive_rows_check(&to->g, rows);

    if (status == QQ_OK && to->g.residual > 0)
        status = qq_moments_update(&to->r, &o, rows->count, QQ_TYPE_F32,
                                   rows->x, rows->ldx, rows->r, rows->ldr,
                                   s->scratch, s->scratch_bytes);
    if (status != QQ_OK)
        return status;
    if (to->g.cross == QQ_PROPAGATION_QEP)
        return qqi_drive_rows_missing(s, to, &o, rows);
    return qq_moments_update(&to->m, &o, rows->count, QQ_TYPE_F32, rows->x,
                             rows->ldx, rows->x_float, rows->ldx_float,
                             s->scratch, s->scratch_bytes);
}

QQ_API qq_status qq_drive_rows(qq_drive_sink *sink, size_t group,
                               const qq_drive_rows_of *rows)
{
    if (sink == NULL)
        return QQ_ERR_ARGUMENT;
    if (sink->status != QQ_OK)
        return sink->status;
    const size_t first = sink->w->state[0].g.number;
    if (rows == NULL || group < first || group - first >= sink->w->groups)
        sink->status = QQ_ERR_ARGUMENT;
    else
        sink->status =
            qqi_drive_rows_add(sink, sink->w->state + (group - first), rows);
    return sink->status;
}

// Asks for the inputs of a window, whose states hold sums of 0.
QQI_FN qq_status qqi_drive_gather(qqi_driving *c, const qqi_drive_window *w,
                                  size_t scratch, const qqi_pieces *p)
{
    const qq_drive *d = c->d;
    qq_drive_sink sink;

    qqi_drive_sink_place(c, w, scratch, *p, &sink);
    const int stop = d->inputs(d->user, w->state[0].g.number, w->groups,
                               w->propagated, &sink);
    if (sink.status != QQ_OK)
        return sink.status;
    if (stop != 0)
        return QQ_ERR_CANCELLED;
    for (size_t i = 0; i < w->groups; i++)
        if (w->state[i].m.count == 0)
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

#endif // QQUANT_MODEL_DRIVE_GATHER_H
