// qquant floor 10: the driver: groups of layers, and what is wrong with them.

#ifndef QQUANT_MODEL_DRIVE_GROUP_H
#define QQUANT_MODEL_DRIVE_GROUP_H

#include "matrix/parts.h"
#include "model/drive_recipe.h"

// What qq_drive_init leaves: "dri1".
#define QQI_DRIVER_INIT 0x31697264u

QQ_API qq_drive qq_drive_init(void)
{
    qq_drive d;

    QQ_MEMSET(&d, 0, sizeof d);
    d.init = QQI_DRIVER_INIT;
    d.together = 1;
    d.parts = 1;
    return d;
}

// Moments of a group while they are in memory.
typedef struct qqi_drive_state qqi_drive_state;

// One call. each solves one layer of a group, with what the memory behind p
// has room for; state is NULL where nothing was gathered.
typedef struct qqi_driving qqi_driving;
typedef qq_status (*qqi_drive_each)(qqi_driving *c, size_t layer,
                                    const qqi_drive_state *state,
                                    const qqi_pieces *p);

struct qqi_driving {
    const qq_drive *d;
    int every; // 1: each layer is solved by each recipe, and nothing propagates
    qqi_drive_each each;
    unsigned pass; // of a group that repeats
    qq_layer_record *records;
    double *sensitivity;
    double base;
    size_t done;
    size_t all;
};

// The i-th recipe of a layer in this call, or NULL.
QQI_FN const qq_recipe *qqi_drive_recipe(const qqi_driving *c, size_t layer,
                                         size_t i)
{
    if (c->every)
        return i < c->d->recipe_count ? c->d->recipes + i : NULL;
    return i == 0 ? c->d->recipes + c->d->layers[layer].recipe : NULL;
}

QQI_FN qq_propagation qqi_drive_way(const qqi_driving *c, const qq_recipe *r)
{
    return c->every ? QQ_PROPAGATION_NONE : r->propagation;
}

QQI_INLINE int qqi_drive_aims(qq_propagation way)
{
    return way == QQ_PROPAGATION_TARGET || way == QQ_PROPAGATION_QEP;
}

// 1 where a recipe needs moments.
QQI_FN int qqi_drive_gathers(const qqi_driving *c, const qq_recipe *r)
{
    if (r->quantizer == QQ_QUANTIZER_NONE)
        return 0;
    return r->quantizer != QQ_QUANTIZER_RTN || r->bias || c->d->errors ||
           qqi_drive_aims(qqi_drive_way(c, r));
}

// 1 where the target of a layer follows the residual stream.
QQI_FN int qqi_drive_follows(const qqi_driving *c, const qq_drive_layer *l,
                             const qq_recipe *r)
{
    return l->residual && qqi_drive_way(c, r) == QQ_PROPAGATION_TARGET &&
           qqi_abs_f64(r->target.rho) > 0.0;
}

// --- groups ----------------------------------------------------------------

typedef struct qqi_drive_group {
    size_t first; // layer
    size_t count;
    size_t number;
    size_t k;
    int gathers;
    int propagated;
    qq_propagation cross; // TARGET, QEP, or NONE: no second stream
    size_t residual;      // numbers of r, 0: none
    unsigned repeats;
} qqi_drive_group;

// One recipe of one layer; ways: bits of propagations so far.
QQI_FN qq_status qqi_drive_group_add(const qqi_driving *c,
                                     const qq_drive_layer *l,
                                     const qq_recipe *r, qqi_drive_group *g,
                                     unsigned *ways)
{
    if (!qqi_drive_gathers(c, r))
        return QQ_OK;
    const qq_propagation way = qqi_drive_way(c, r);
    g->gathers = 1;
    *ways |= 1u << way;
    if (way != QQ_PROPAGATION_NONE)
        g->propagated = 1;
    if (qqi_drive_aims(way))
        g->cross = way;
    if (!c->every && r->repeats > g->repeats)
        g->repeats = r->repeats;
    if (!qqi_drive_follows(c, l, r))
        return QQ_OK;
    if (g->residual != 0 && g->residual != l->n)
        return QQ_ERR_SHAPE;
    g->residual = l->n;
    return QQ_OK;
}

// The group that begins with a layer.
QQI_FN qq_status qqi_drive_group_make(const qqi_driving *c, size_t first,
                                      qqi_drive_group *g)
{
    const qq_drive_layer *l = c->d->layers;
    const unsigned none = 1u << QQ_PROPAGATION_NONE;
    const unsigned both =
        1u << QQ_PROPAGATION_TARGET | 1u << QQ_PROPAGATION_QEP;
    unsigned ways = 0;

    QQ_MEMSET(g, 0, sizeof *g);
    g->first = first;
    g->number = l[first].group;
    g->k = l[first].k;
    g->cross = QQ_PROPAGATION_NONE;
    for (size_t i = first; i < c->d->count && l[i].group == g->number; i++) {
        const qq_recipe *r;
        g->count++;
        if (l[i].k != g->k)
            return QQ_ERR_SHAPE;
        for (size_t j = 0; (r = qqi_drive_recipe(c, i, j)) != NULL; j++) {
            const qq_status status = qqi_drive_group_add(c, l + i, r, g, &ways);
            if (status != QQ_OK)
                return status;
        }
    }
    // They see the same rows.
    if (((ways & none) != 0 && ways != none) || (ways & both) == both)
        return QQ_ERR_ARGUMENT;
    return QQ_OK;
}

// --- checks ----------------------------------------------------------------

QQI_FN qq_status qqi_drive_check_layer(const qqi_driving *c, size_t i)
{
    const qq_drive_layer *l = c->d->layers + i;
    const size_t group = i == 0 ? 0 : l[-1].group;
    const qq_recipe *r;

    if ((!c->every && l->recipe >= c->d->recipe_count) || l->group < group ||
        l->group > group + (i > 0))
        return QQ_ERR_ARGUMENT;
    if (l->n == 0 || l->k == 0)
        return QQ_ERR_SHAPE;
    const qq_status status =
        qqi_check_rows(l->n, l->k, l->w, l->ldw, sizeof(float));
    if (status != QQ_OK)
        return status;
    for (size_t j = 0; (r = qqi_drive_recipe(c, i, j)) != NULL; j++)
        if (r->quantizer == QQ_QUANTIZER_RTN && r->gptq.group > 0 &&
            l->k % (size_t)r->gptq.group != 0)
            return QQ_ERR_SHAPE;
    return QQ_OK;
}

// All but the numbers.
QQI_FN qq_status qqi_driving_check(const qqi_driving *c)
{
    const qq_drive *d = c->d;
    int gathers = 0;
    qqi_drive_group g;

    if (d == NULL || d->init != QQI_DRIVER_INIT || d->together == 0 ||
        d->parts == 0 || (d->count > 0 && d->layers == NULL) ||
        (d->recipe_count > 0 && d->recipes == NULL))
        return QQ_ERR_ARGUMENT;
    qq_status status = QQ_OK;
    for (size_t i = 0; status == QQ_OK && i < d->recipe_count; i++)
        status = qq_recipe_check(d->recipes + i);
    for (size_t i = 0; status == QQ_OK && i < d->count; i++)
        status = qqi_drive_check_layer(c, i);
    for (size_t i = 0; status == QQ_OK && i < d->count; i += g.count) {
        status = qqi_drive_group_make(c, i, &g);
        gathers |= g.gathers;
    }
    if (status == QQ_OK && d->count > 0 &&
        (d->store == NULL || (gathers && d->inputs == NULL)))
        status = QQ_ERR_ARGUMENT;
    return status;
}

// Weights and biases of all layers that are solved.
QQI_FN int qqi_driving_finite(const qqi_driving *c)
{
    for (size_t i = 0; i < c->d->count; i++) {
        const qq_drive_layer *l = c->d->layers + i;
        const qq_recipe *r;
        int solved = 0;
        for (size_t j = 0; (r = qqi_drive_recipe(c, i, j)) != NULL; j++)
            solved |= r->quantizer != QQ_QUANTIZER_NONE;
        if (solved &&
            (!qqi_rows_finite(l->n, l->k, l->w, l->ldw) ||
             (l->bias != NULL && !qqi_rows_finite(1, l->n, l->bias, l->n))))
            return 0;
    }
    return 1;
}

#endif // QQUANT_MODEL_DRIVE_GROUP_H
