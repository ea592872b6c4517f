// qquant floor 5: what goes with every number of a tensor, 64 at a time.
//
// A scale, a zero point or a noise belongs to a tile of numbers. A stream
// gives the one of each number, in the order of memory.

#ifndef QQUANT_ARRAY_STREAM_H
#define QQUANT_ARRAY_STREAM_H

#include "api/array.h"
#include "array/block.h"
#include "array/scheme.h"
#include "array/tile.h"
#include "codec/element.h"

struct qqi_stream {
    struct qqi_tiling tiling;
    struct qqi_cursor cursor;
    const qq_tensor *values;  // one a tile; NULL: noise, drawn
    const qq_tensor *offsets; // integers, one a tile; NULL: none
    int integers;             // 1: values are codes of integers
    qq_noise noise;
    qq_random_layout layout;
    qq_key key;
};

// One value for each tile of an array of the shape.
QQI_FN void qqi_stream_begin(struct qqi_stream *m, unsigned rank,
                             const size_t *shape, const size_t *tile,
                             const qq_tensor *values, const qq_tensor *offsets)
{
    qqi_tiling_make(&m->tiling, rank, shape, tile);
    qqi_cursor_begin(&m->cursor, &m->tiling);
    m->values = values;
    m->offsets = offsets;
    m->integers =
        values != NULL && qqi_type_info(values->type).kind == QQ_KIND_INTEGER;
    m->noise = QQ_NOISE_NONE;
}

// The noise of a scheme for x: given numbers, broadcast as NumPy does, or
// drawn ones, of x's shape with size 1 on the shared axes.
QQI_FN void qqi_stream_begin_noise(struct qqi_stream *m, const qq_scheme *s,
                                   const qq_tensor *x)
{
    const qq_tensor *given = s->given_noise;
    size_t tile[QQ_MAX_RANK] = {0};

    for (unsigned a = 0; a < x->rank; a++) {
        int shared = (int)(s->noise_shared >> a & 1);
        if (s->noise == QQ_NOISE_GIVEN) {
            const unsigned missing = x->rank - given->rank;
            shared = a < missing || given->shape[a - missing] == 1;
        }
        tile[a] = shared ? x->shape[a] : 1;
    }
    qqi_stream_begin(m, x->rank, x->shape, tile, NULL, NULL);
    if (s->noise == QQ_NOISE_GIVEN)
        m->values = given;
    m->noise = s->noise;
    m->layout = s->layout;
    m->key = s->key;
}

QQI_FN void qqi_stream_read(const struct qqi_stream *m, size_t first, size_t n,
                            float *out)
{
    if (m->integers)
        for (size_t i = 0; i < n; i++)
            out[i] = (float)qqi_load_integer(m->values->type, m->values->data,
                                             first + i);
    else if (m->values != NULL)
        qqi_load_floats(m->values->type, m->values->data, first, n, out);
    else
        (void)qq_random_noise(m->key, m->layout, m->noise, m->tiling.tiles,
                              first, n, out);
}

QQI_FN void qqi_fill_floats(float *out, size_t n, float x)
{
    for (; n >= 16; n -= 16, out += 16) {
        for (size_t j = 0; j < 16; j++)
            out[j] = x;
    }
    for (size_t j = 0; j < n; j++)
        out[j] = x;
}

// The values of the next n numbers, and their offsets if there are any.
QQI_FN void qqi_stream_next(struct qqi_stream *m, size_t n, float *value,
                            int16_t *offset)
{
    const int each = m->tiling.tile[m->tiling.rank - 1] == 1;

    for (size_t i = 0; i < n;) {
        size_t tile = 0;
        const size_t run = qqi_cursor_next(&m->cursor, n - i, &tile);
        const size_t own = each ? run : 1;
        qqi_stream_read(m, tile, own, value + i);
        if (!each)
            qqi_fill_floats(value + i, run, value[i]);
        if (m->offsets != NULL) {
            for (size_t j = 0; j < run; j++)
                offset[i + j] = (int16_t)qqi_load_integer(
                    m->offsets->type, m->offsets->data, tile + (each ? j : 0));
        }
        i += run;
    }
}

#endif // QQUANT_ARRAY_STREAM_H
