// qquant floor 5: rule Qwix, tile by tile.
//
// Where scales are stored in a type that cannot hold those that codes were
// made with, they are not to be had a second time: each tile is calibrated,
// scaled and coded before the next.

#ifndef QQUANT_ARRAY_QWIX_TILES_H
#define QQUANT_ARRAY_QWIX_TILES_H

#include "array/qwix.h"

// What is the same for all tiles.
struct qqi_qwix_job {
    const qq_scheme *s;
    const qq_tensor *x;
    const qq_array *view;
    const struct qqi_qwix_scaler *scaler;
    struct qqi_tiling tiling;
    struct qqi_pass pass;
    struct qqi_stream *noise; // NULL: none
    void *scales;
    void *zeros;
    void *codes;
};

// The codes of n numbers from place on, whose scales lie each apart.
QQI_NOINLINE void qqi_qwix_run(const struct qqi_qwix_job *j, const float *scale,
                               const int16_t *zero, size_t each, size_t place,
                               size_t n)
{
    const int affine = j->view->zero_point.type != QQ_TYPE_NONE;
    float v[QQI_BLOCK];
    float s[QQI_BLOCK];
    int16_t z[QQI_BLOCK];

    qqi_block_fill_up(n, v, s, z);
    qqi_load_floats(j->x->type, j->x->data, place, n, v);
    for (size_t i = 0; i < n; i++) {
        s[i] = scale[i * each];
        z[i] = zero[i * each];
    }
    if (j->noise != NULL)
        qqi_cursor_seek(&j->noise->cursor, place);
    qqi_block_scale(&j->pass, v, s, affine ? z : NULL, j->noise, n);
    qqi_encode_apart(&j->pass.encoder, v, j->codes, place, n);
}

// A patch of tiles; returns how many.
QQI_NOINLINE size_t qqi_qwix_tile(const struct qqi_qwix_job *j, size_t tile)
{
    const struct qqi_tiling *t = &j->tiling;
    const size_t each = t->tile[t->rank - 1] == 1;
    float scale[QQI_LANES_MOST];
    int16_t zero[QQI_LANES_MOST];
    struct qqi_patch p;

    const size_t lanes =
        qqi_qwix_scales(j->scaler, j->s, t, j->x, tile, scale, zero);
    qqi_qwix_store(j->view, tile, lanes, scale, zero, j->scales, j->zeros);
    qqi_patch_begin(&p, t, tile, QQI_LANES_MOST);
    while (p.runs > 0) {
        const size_t first = qqi_patch_next(&p);
        for (size_t i = 0; i < p.run; i += QQI_BLOCK)
            qqi_qwix_run(j, scale, zero, each, first + i,
                         qqi_block_size(p.run - i));
    }
    return lanes;
}

QQI_FN void qqi_qwix_tiles(struct qqi_qwix_job *j)
{
    const struct qqi_tiling *t = &j->tiling;

    qqi_qwix_pass(&j->pass, j->s, j->x->type, t->numbers, t->tiles);
    for (size_t tile = 0; tile < t->tiles;)
        tile += qqi_qwix_tile(j, tile);
}

QQI_NOINLINE void qqi_qwix_noisy_tiles(struct qqi_qwix_job *j)
{
    struct qqi_stream noise;

    qqi_stream_begin_noise(&noise, j->s, j->x);
    j->noise = &noise;
    qqi_qwix_tiles(j);
}

// Whether a type holds all numbers of another.
QQI_FN int qqi_type_holds(qq_type type, qq_type other)
{
    return type == other || type == QQ_TYPE_F32;
}

QQI_NOINLINE void qqi_qwix_apart(const struct qqi_layout *l,
                                 const struct qqi_qwix_scaler *k,
                                 const qq_scheme *s, const qq_tensor *x,
                                 void *out, const qq_array *view)
{
    struct qqi_qwix_job j;

    j.s = s;
    j.x = x;
    j.view = view;
    j.scaler = k;
    j.noise = NULL;
    j.scales = out;
    j.zeros = qqi_layout_zero(l, out);
    j.codes = qqi_layout_codes(l, out);
    qqi_tiling_make(&j.tiling, x->rank, x->shape, l->tile);
    QQ_MEMSET(j.codes, 0, qq_tensor_bytes(&l->value));
    if (qqi_qwix_has_noise(s))
        qqi_qwix_noisy_tiles(&j);
    else
        qqi_qwix_tiles(&j);
}

QQI_FN qq_status qqi_qwix_quantize(const qq_tensor *x, const qq_scheme *s,
                                   void *out, qq_array *view)
{
    struct qqi_layout l;
    struct qqi_tiling tiling;
    struct qqi_qwix_scaler k;

    qqi_qwix_layout(&l, x, s);
    qqi_layout_view(&l, s, out, view);
    qqi_qwix_scaler_make(&k, s, x->type, qq_tensor_count(&l.scale));
    if (l.zero_bytes > 0)
        QQ_MEMSET(qqi_layout_zero(&l, out), 0, l.zero_bytes);
    if (!qqi_type_holds(l.scale.type, x->type) &&
        qq_tensor_count(&l.value) > 0) {
        qqi_qwix_apart(&l, &k, s, x, out, view);
        return QQ_OK;
    }
    qqi_tiling_make(&tiling, x->rank, x->shape, l.tile);
    qqi_qwix_all_scales(&k, s, &tiling, x, view, out, qqi_layout_zero(&l, out));
    qqi_qwix_codes(s, x, view, qqi_layout_codes(&l, out));
    return QQ_OK;
}

#endif // QQUANT_ARRAY_QWIX_TILES_H
