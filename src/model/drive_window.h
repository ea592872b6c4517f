// qquant floor 10: the driver: windows: groups that one run of the data
// gathers, and the memory of their sums.

#ifndef QQUANT_MODEL_DRIVE_WINDOW_H
#define QQUANT_MODEL_DRIVE_WINDOW_H

#include "model/drive_group.h"
#include "solve/moments.h"

struct qqi_drive_state {
    qqi_drive_group g;
    qq_moments m; // of x, and of the second stream over it
    qq_moments r; // of the residual over x
};

// Groups that are gathered in one run.
typedef struct qqi_drive_window {
    size_t first; // layer
    size_t end;   // the layer behind the last
    size_t groups;
    int gathers;
    int propagated;
    unsigned repeats;
    qqi_drive_state *state;
} qqi_drive_window;

// As many groups from a layer on as may go together. All was checked.
QQI_FN void qqi_drive_window_make(const qqi_driving *c, size_t first,
                                  qqi_drive_window *w)
{
    const qq_drive *d = c->d;
    qqi_drive_group g;

    QQ_MEMSET(w, 0, sizeof *w);
    qqi_drive_group_make(c, first, &g);
    w->first = first;
    w->gathers = g.gathers;
    w->propagated = g.propagated;
    do {
        w->groups++;
        w->end = g.first + g.count;
        w->repeats = g.repeats > w->repeats ? g.repeats : w->repeats;
        if (w->end == d->count || !w->gathers)
            return;
        qqi_drive_group_make(c, w->end, &g);
    } while (g.gathers && g.propagated == w->propagated &&
             (d->layers[w->end].beside ||
              (!w->propagated && w->groups < d->together)));
}

QQI_FN qq_moments_options qqi_drive_moments(const qqi_driving *c,
                                            qq_moments_kind kind,
                                            size_t outputs)
{
    qq_moments_options o = qq_moments_options_init();

    o.kind = kind;
    o.outputs = outputs;
    o.parts = c->d->parts;
    o.parallel = c->d->parallel;
    o.parallel_user = c->d->parallel_user;
    return o;
}

// Sums of 0, or what they would need; scratch: what an update needs.
QQI_FN void qqi_drive_sums(size_t k, const qq_moments_options *o, qqi_pieces *p,
                           qq_moments *m, size_t *scratch)
{
    const size_t bytes = qq_moments_size(k, o);
    void *memory = qqi_piece(p, bytes, 1);
    qq_moments d;

    qqi_moments_describe(&d, k, o);
    const size_t more = qqi_moments_scratch(&d, o->parts);
    *scratch = more > *scratch ? more : *scratch;
    if (m != NULL && memory != NULL)
        qq_moments_make(k, o, memory, bytes, m);
}

// States of a window; scratch: what adding rows to them needs.
QQI_FN void qqi_drive_window_place(const qqi_driving *c, qqi_drive_window *w,
                                   qqi_pieces *p, size_t *scratch)
{
    size_t layer = w->first;
    qqi_drive_group g;

    *scratch = 0;
    w->state =
        (qqi_drive_state *)qqi_piece(p, w->groups, sizeof(qqi_drive_state));
    for (size_t i = 0; w->gathers && i < w->groups; i++, layer += g.count) {
        qqi_drive_state *s = w->state != NULL ? w->state + i : NULL;
        qqi_drive_group_make(c, layer, &g);
        qq_moments_options o = qqi_drive_moments(
            c, QQ_MOMENTS_FULL, g.cross != QQ_PROPAGATION_NONE ? g.k : 0);
        if (s != NULL)
            s->g = g;
        qqi_drive_sums(g.k, &o, p, s != NULL ? &s->m : NULL, scratch);
        if (g.residual == 0)
            continue;
        o = qqi_drive_moments(c, QQ_MOMENTS_NONE, g.residual);
        qqi_drive_sums(g.k, &o, p, s != NULL ? &s->r : NULL, scratch);
    }
}

#endif // QQUANT_MODEL_DRIVE_WINDOW_H
