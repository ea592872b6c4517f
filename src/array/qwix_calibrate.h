// qquant floor 5: from the numbers of a tile to its bound: rule Qwix.
//
// Every step is rounded to the type of x; NaN goes through. Of rms the squares
// are rounded to that type, summed in f64 and rounded to f32 (the order of
// Qwix's own f32 sum is not known), multiplied there by 1 / n, and rounded to
// the type again.

#ifndef QQUANT_ARRAY_QWIX_CALIBRATE_H
#define QQUANT_ARRAY_QWIX_CALIBRATE_H

#include "array/calibrate.h"
#include "array/step.h"
#include "array/tile.h"

// What is gathered of a tile.
struct qqi_qwix_stat {
    float absmax;
    float min; // of the numbers and 0
    float max;
    double squares;
};

// x if it is larger than most, or NaN; a zero does not replace one.
QQI_INLINE float qqi_max_nan(float most, float x)
{
    if (qqi_is_nan_f32(most) || qqi_is_nan_f32(x))
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    return x > most ? x : most;
}

QQI_INLINE float qqi_min_nan(float least, float x)
{
    if (qqi_is_nan_f32(least) || qqi_is_nan_f32(x))
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    return x < least ? x : least;
}

QQI_FN void qqi_qwix_add(struct qqi_qwix_stat *t, qq_type type, float x)
{
    const float square = qqi_type_mul(type, x, x);

    t->absmax = qqi_max_nan(t->absmax, qqi_abs_f32(x));
    t->max = qqi_max_nan(t->max, x);
    t->min = qqi_min_nan(t->min, x);
    t->squares += qqi_f64_from_f32(square);
}

// The tile, or neighbours of it, as qqi_stat_patch; returns how many.
QQI_NOINLINE size_t qqi_qwix_patch(const struct qqi_tiling *tiling,
                                   const qq_tensor *x, size_t tile,
                                   struct qqi_qwix_stat *t)
{
    struct qqi_patch p;
    float v[QQI_BLOCK];

    qqi_patch_begin(&p, tiling, tile, QQI_LANES_MOST);
    const size_t step = tiling->tile[tiling->rank - 1] == 1;
    while (p.runs > 0) {
        const size_t first = qqi_patch_next(&p);
        for (size_t i = 0; i < p.run; i += QQI_BLOCK) {
            const size_t n = qqi_block_size(p.run - i);
            qqi_load_floats(x->type, x->data, first + i, n, v);
            for (size_t j = 0; j < n; j++)
                qqi_qwix_add(&t[j * step], x->type, v[j]);
        }
    }
    return p.lanes;
}

// f * sqrt(mean).
QQI_FN float qqi_qwix_rms(qq_type type, double squares, size_t n, float f)
{
    const float sum = qqi_f32_from_f64(squares);
    const float mean = qqi_mul_f32(sum, 1.0f / (float)n);
    const float root = qqi_sqrt_f32(qqi_to_type(type, mean));

    return qqi_type_mul(type, f, qqi_to_type(type, root));
}

// n: the numbers of the tile.
QQI_FN struct qqi_bound qqi_qwix_bound(const qq_calibration *c, qq_type type,
                                       const struct qqi_qwix_stat *t, size_t n)
{
    const float f = qqi_constant(type, qqi_calib_factor(c));
    struct qqi_bound b = {0.0f, 0.0f};

    if (c->method == QQ_CALIB_RMS) {
        b.max = qqi_qwix_rms(type, t->squares, n, f);
        return b;
    }
    b.max = t->absmax;
    if (c->method == QQ_CALIB_MINMAX) {
        b.min = t->min;
        b.max = t->max;
    }
    if (c->arg_count > 0) {
        b.min = qqi_type_mul(type, b.min, f);
        b.max = qqi_type_mul(type, b.max, f);
    }
    return b;
}

QQI_FN struct qqi_bound qqi_qwix_fixed(const qq_calibration *c, qq_type type)
{
    struct qqi_bound b = {0.0f, 0.0f};

    b.max = qqi_constant(type, c->args[c->arg_count == 2 ? 1 : 0]);
    if (qqi_calib_is_asymmetric(c))
        b.min = qqi_constant(type, c->args[0]);
    return b;
}

// The bounds of tile, tile + 1, ...; returns how many.
QQI_NOINLINE size_t qqi_qwix_bounds(const qq_calibration *c,
                                    const struct qqi_tiling *tiling,
                                    const qq_tensor *x, size_t tile,
                                    struct qqi_bound *out)
{
    struct qqi_qwix_stat t[QQI_LANES_MOST];

    if (c->method == QQ_CALIB_FIXED) {
        *out = qqi_qwix_fixed(c, x->type);
        return 1;
    }
    QQ_MEMSET(t, 0, sizeof t);
    const size_t n = qqi_qwix_patch(tiling, x, tile, t);
    for (size_t i = 0; i < n; i++)
        out[i] =
            qqi_qwix_bound(c, x->type, &t[i], tiling->numbers / tiling->tiles);
    return n;
}

#endif // QQUANT_ARRAY_QWIX_CALIBRATE_H
