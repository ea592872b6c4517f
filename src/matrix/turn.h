// qquant floor 7: x turned before a product, rows of W turned back.

#ifndef QQUANT_MATRIX_TURN_H
#define QQUANT_MATRIX_TURN_H

#include "codec/many.h"
#include "matrix/ahead.h"
#include "num/rotation.h"

// Products then find x among the turned rows, as f32 without gaps.
QQI_FN void qqi_turn_begin(qqi_matmul *t)
{
    qqi_product *p = &t->p;

    t->x = p->x;
    t->ldx = p->ldx;
    t->x_type = p->x_type;
    p->x = t->scratch + t->room.turned_at;
    p->ldx = p->k;
    p->x_type = QQ_TYPE_F32;
}

// Rows first to first + count - 1 of x, turned.
QQI_FN void qqi_turn_rows(const qqi_matmul *t, size_t first, size_t count)
{
    const qq_matrix *w = t->w;
    const size_t bytes = qq_type_bits(t->x_type) / 8;
    uint8_t *turned = t->scratch + t->room.turned_at;

    for (size_t i = first; i < first + count; i++) {
        void *row = turned + i * w->k * sizeof(float);
        qqi_load_plain(t->x_type, t->x + i * t->ldx * bytes, w->k,
                       (float *)row);
        qqi_rotate(w->seed, w->k, w->block, 0, (uint8_t *)row);
    }
}

QQ_API int qq_matrix_rotation(const qq_matrix *w, qq_rotation *r)
{
    if (w == NULL || w->init != QQI_MATRIX_INIT || w->block == 0)
        return 0;
    if (r != NULL) {
        *r = qq_rotation_make(w->k, w->block, w->seed);
        r->block = w->block;
    }
    return 1;
}

#endif // QQUANT_MATRIX_TURN_H
