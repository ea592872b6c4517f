// qquant floor 7: what an array becomes when it is packed.

#ifndef QQUANT_MATRIX_PLAN_H
#define QQUANT_MATRIX_PLAN_H

#include "array/make.h"
#include "matrix/layout.h"
#include "num/rotation.h"

// What qq_matrix_options_init leaves: "qmo1".
#define QQI_MATRIX_OPTIONS_INIT 0x316f6d71u

QQ_API qq_matrix_options qq_matrix_options_init(void)
{
    qq_matrix_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_MATRIX_OPTIONS_INIT;
    return o;
}

// The statuses of a buffer.
QQI_FN qq_status qqi_check_bytes(size_t need, const void *p, size_t bytes)
{
    if (need > 0 && p == NULL)
        return QQ_ERR_ARGUMENT;
    return bytes < need || need == SIZE_MAX ? QQ_ERR_SIZE : QQ_OK;
}

// Flags by what the options hold. NULL holds nothing.
QQI_FN uint32_t qqi_options_flags(const qq_matrix_options *o)
{
    uint32_t flags = 0;

    if (o == NULL)
        return 0;
    flags |= o->a != NULL ? QQ_MATRIX_ROW_FACTORS : 0;
    flags |= o->b != NULL ? QQ_MATRIX_COLUMN_FACTORS : 0;
    flags |= o->bias != NULL ? QQ_MATRIX_BIAS : 0;
    flags |= o->sums ? QQ_MATRIX_SUMS : 0;
    flags |= o->base3 ? QQ_MATRIX_BASE3 : 0;
    flags |= o->offsets != NULL ? QQ_MATRIX_OFFSET : 0;
    flags |= o->rotation != NULL ? QQ_MATRIX_ROTATION : 0;
    return flags;
}

QQI_FN qq_status qqi_check_matrix_options(const qq_matrix_options *o)
{
    if (o == NULL)
        return QQ_OK;
    return o->init != QQI_MATRIX_OPTIONS_INIT ||
                   (o->rotation != NULL && !qqi_rotation_ok(o->rotation))
               ? QQ_ERR_ARGUMENT
               : QQ_OK;
}

// The rotation of the options, whose k must be that of the matrix.
QQI_FN qq_status qqi_matrix_plan_rotation(const qq_matrix_options *o,
                                          qq_matrix *w)
{
    if (o == NULL || o->rotation == NULL)
        return QQ_OK;
    if (o->rotation->k != w->k)
        return QQ_ERR_SHAPE;
    w->seed = o->rotation->seed;
    w->block = o->rotation->block;
    return QQ_OK;
}

// Types of codes, scales and zero points.
QQI_FN qq_status qqi_matrix_plan_types(const qq_array *a,
                                       const qq_matrix_options *o, qq_matrix *w)
{
    const qqi_matrix_format *f = qqi_matrix_find(a->type);

    if (f == NULL || qqi_array_check_types(a) != QQ_OK)
        return QQ_ERR_TYPE;
    w->type = a->type;
    w->bits = f->bits;
    w->scale_type = a->scale.type == QQ_TYPE_BF16 ? QQ_TYPE_F32 : a->scale.type;
    w->flags = qqi_options_flags(o);
    if (a->zero_point.type != QQ_TYPE_NONE)
        w->flags |= QQ_MATRIX_ZERO_POINTS;
    if (a->type == QQ_TYPE_BOOK || a->scale.type == QQ_TYPE_E4M3FN ||
        qqi_f32_bits(a->scale2) != 0x3f800000u)
        w->flags |= QQ_MATRIX_CONSTANTS;
    if (a->type == QQ_TYPE_BOOK && a->level_count != 4 && a->level_count != 16)
        return QQ_ERR_TYPE;
    if (a->type == QQ_TYPE_BOOK && a->level_count == 4)
        w->bits = 2;
    if (!qqi_is_matrix_scale(w->scale_type) ||
        (o != NULL && o->base3 && a->type != QQ_TYPE_TERNARY) ||
        (o != NULL && o->sums && qqi_format_is_float(f)))
        return QQ_ERR_TYPE;
    return a->bias.type != QQ_TYPE_NONE ? QQ_ERR_UNSUPPORTED : QQ_OK;
}

// A tile as the header has it: 0 for the whole axis.
QQI_INLINE size_t qqi_matrix_plan_tile(size_t tile, size_t axis)
{
    return tile >= axis ? 0 : tile;
}

QQI_FN qq_status qqi_matrix_plan_shape(const qq_array *a, qq_matrix *w)
{
    const qq_tensor *v = &a->value;

    if (v->rank != 2 || qqi_check_tiles(v, &a->scale, a->tile) != QQ_OK)
        return QQ_ERR_SHAPE;
    w->n = v->shape[0];
    w->k = v->shape[1];
    w->tile_n = qqi_matrix_plan_tile(a->tile[0], w->n);
    w->tile_k = qqi_matrix_plan_tile(a->tile[1], w->k);
    if (qqi_matrix_has(w, QQ_MATRIX_ZERO_POINTS)) {
        if (qqi_check_tiles(v, &a->zero_point, a->zero_tile) != QQ_OK ||
            qqi_matrix_plan_tile(a->zero_tile[0], w->n) != w->tile_n ||
            qqi_matrix_plan_tile(a->zero_tile[1], w->k) != w->tile_k)
            return QQ_ERR_SHAPE;
    }
    return QQ_OK;
}

// The matrix that an array will be, but for its data.
QQI_FN qq_status qqi_matrix_plan(const qq_array *a, const qq_matrix_options *o,
                                 qq_matrix *w)
{
    QQ_MEMSET(w, 0, sizeof *w);
    if (a == NULL)
        return QQ_ERR_ARGUMENT;
    qq_status status = qqi_matrix_plan_types(a, o, w);
    if (status == QQ_OK)
        status = qqi_matrix_plan_shape(a, w);
    if (status == QQ_OK)
        status = qqi_check_matrix_options(o);
    if (status == QQ_OK)
        status = qqi_matrix_plan_rotation(o, w);
    if (status != QQ_OK)
        return status;
    if (!qqi_matrix_tiles_fit(w) ||
        !qqi_matrix_flags_fit(w, qqi_matrix_find(w->type)))
        return QQ_ERR_SHAPE;
    return qqi_matrix_place(w) ? QQ_OK : QQ_ERR_SIZE;
}

QQ_API size_t qq_matrix_size(const qq_array *a, const qq_matrix_options *o)
{
    qq_matrix w;

    return qqi_matrix_plan(a, o, &w) == QQ_OK ? w.bytes : SIZE_MAX;
}

#endif // QQUANT_MATRIX_PLAN_H
