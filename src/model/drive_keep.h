// qquant floor 10: the driver: recipes given to layers.

#ifndef QQUANT_MODEL_DRIVE_KEEP_H
#define QQUANT_MODEL_DRIVE_KEEP_H

#include "api/drive.h"
#include "model/allocate.h"
#include "model/select.h"

QQ_API qq_status qq_drive_keep(size_t count, qq_drive_layer *layers,
                               const int *depthwise, size_t recipe)
{
    size_t all = 0;

    if (count > 0 && layers == NULL)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        size_t more;
        if (!qqi_mul_size(layers[i].n, layers[i].k, &more) ||
            !qqi_add_size(all, more, &all))
            return QQ_ERR_SIZE;
    }
    for (size_t i = 0; i < count; i++)
        if (qq_keeps_8_bits(i, count, layers[i].n * layers[i].k, all,
                            depthwise != NULL && depthwise[i]))
            layers[i].recipe = recipe;
    return QQ_OK;
}

// The knapsack's input, output and scratch.
typedef struct qqi_allotting {
    qq_allocation *layer;
    size_t *chosen;
    void *scratch;
    size_t scratch_bytes;
} qqi_allotting;

QQI_FN void qqi_allotting_place(qqi_allotting *a, size_t count, size_t units,
                                qqi_pieces *p)
{
    a->layer = (qq_allocation *)qqi_piece(p, count, sizeof(qq_allocation));
    a->chosen = (size_t *)qqi_piece(p, count, sizeof(size_t));
    a->scratch_bytes = qq_allocate_scratch_size(count, units);
    a->scratch = qqi_piece(p, a->scratch_bytes, 1);
}

QQ_API size_t qq_drive_allocate_scratch_size(size_t count, size_t units)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_allotting a;

    qqi_allotting_place(&a, count, units, &p);
    return qqi_pieces_bytes(&p);
}

QQ_API qq_status qq_drive_allocate(size_t count, qq_drive_layer *layers,
                                   size_t choices, const double *bits,
                                   const double *sensitivity, double budget,
                                   size_t units, void *scratch,
                                   size_t scratch_bytes)
{
    qqi_pieces p = qqi_pieces_make(scratch);
    qqi_allotting a;

    if ((count > 0 && layers == NULL) ||
        (count > 0 && choices > 0 && (bits == NULL || sensitivity == NULL)))
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_check_scratch(
        qq_drive_allocate_scratch_size(count, units), scratch, scratch_bytes);
    if (status != QQ_OK)
        return status;
    qqi_allotting_place(&a, count, units, &p);
    for (size_t i = 0; i < count; i++) {
        if (!qqi_mul_size(layers[i].n, layers[i].k, &a.layer[i].weights))
            return QQ_ERR_SIZE;
        a.layer[i].bits = bits;
        a.layer[i].sensitivity = sensitivity + i * choices;
    }
    status = qq_allocate(count, choices, a.layer, budget, units, a.chosen,
                         a.scratch, a.scratch_bytes);
    for (size_t i = 0; status == QQ_OK && i < count; i++)
        layers[i].recipe = a.chosen[i];
    return status;
}

#endif // QQUANT_MODEL_DRIVE_KEEP_H
