// qquant floor 10: mixed precision: an exact knapsack over units of a budget.
//
//   best[u] = the least sum of sensitivities of the layers so far in u units
//
// layer after layer; of each is remembered which choice gave it.

#ifndef QQUANT_MODEL_ALLOCATE_H
#define QQUANT_MODEL_ALLOCATE_H

#include "api/model.h"
#include "matrix/parts.h"

typedef struct qqi_knapsack {
    double *best; // units + 1
    double *next;
    uint8_t *choice; // layers * (units + 1)
} qqi_knapsack;

QQI_FN void qqi_knapsack_place(qqi_knapsack *s, size_t layers, size_t units,
                               qqi_pieces *p)
{
    const size_t wide = units < SIZE_MAX ? units + 1 : SIZE_MAX;

    s->best = (double *)qqi_piece(p, wide, sizeof(double));
    s->next = (double *)qqi_piece(p, wide, sizeof(double));
    s->choice = (uint8_t *)qqi_piece(p, qqi_times(layers, wide), 1);
}

QQ_API size_t qq_allocate_scratch_size(size_t layers, size_t units)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_knapsack s;

    qqi_knapsack_place(&s, layers, units, &p);
    return qqi_pieces_bytes(&p);
}

// Units that a layer takes, rounded up; SIZE_MAX where that is no number.
QQI_FN size_t qqi_knapsack_units(double weights, double bits, double unit)
{
    const double x = weights * bits / unit;

    if (!(x >= 0.0) || !(x < 1e9))
        return SIZE_MAX;
    const size_t whole = (size_t)x;
    return whole + ((double)whole < x);
}

QQI_FN void qqi_knapsack_layer(qqi_knapsack *s, const qq_allocation *l,
                               size_t choices, double unit, size_t units,
                               uint8_t *choice)
{
    const double none = qqi_f64_of((uint64_t)0x7ff << 52);

    for (size_t u = 0; u <= units; u++) {
        s->next[u] = none;
        choice[u] = 0;
    }
    for (size_t c = 0; c < choices; c++) {
        const size_t take =
            qqi_knapsack_units((double)l->weights, l->bits[c], unit);
        for (size_t u = take; take <= units && u <= units; u++) {
            const double sum = s->best[u - take] + l->sensitivity[c];
            if (sum < s->next[u]) {
                s->next[u] = sum;
                choice[u] = (uint8_t)c;
            }
        }
    }
    QQ_MEMCPY(s->best, s->next, (units + 1) * sizeof(double));
}

QQ_API qq_status qq_allocate(size_t layers, size_t choices,
                             const qq_allocation *l, double budget,
                             size_t units, size_t *chosen, void *scratch,
                             size_t scratch_bytes)
{
    qqi_pieces p = qqi_pieces_make(scratch);
    qqi_knapsack s;
    double all = 0.0;

    if (choices == 0 || choices > 256 || units == 0 || units > 1000000 ||
        !(budget > 0.0) || qqi_is_inf_f64(budget) ||
        (layers > 0 && (l == NULL || chosen == NULL)))
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_check_scratch(
        qq_allocate_scratch_size(layers, units), scratch, scratch_bytes);
    if (status != QQ_OK)
        return status;
    qqi_knapsack_place(&s, layers, units, &p);
    for (size_t i = 0; i < layers; i++)
        all += (double)l[i].weights;
    const double unit = all > 0.0 ? all * budget / (double)units : 1.0;
    for (size_t u = 0; u <= units; u++)
        s.best[u] = 0.0;
    for (size_t i = 0; i < layers; i++)
        qqi_knapsack_layer(&s, l + i, choices, unit, units,
                           s.choice + i * (units + 1));
    if (qqi_is_inf_f64(s.best[units]))
        return QQ_ERR_SHAPE;
    for (size_t i = layers, left = units; i > 0;) {
        i--;
        chosen[i] = s.choice[i * (units + 1) + left];
        left -= qqi_knapsack_units((double)l[i].weights, l[i].bits[chosen[i]],
                                   unit);
    }
    return QQ_OK;
}

#endif // QQUANT_MODEL_ALLOCATE_H
