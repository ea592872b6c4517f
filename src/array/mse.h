// qquant floor 5: the bound with the least squared error: rule qquant.
//
// Candidate i of n is absmax (1 + 4 i / (n - 1)) / 5: from a fifth of absmax
// to all of it. Each is made a scale as it would be stored, the tile coded and
// decoded with that, and the squared differences summed in f64; the largest
// bound of equal ones wins. Under two levels scales count as f32, for the
// second level follows from the bounds.

#ifndef QQUANT_ARRAY_MSE_H
#define QQUANT_ARRAY_MSE_H

#include "array/decoder.h"
#include "array/encoder.h"
#include "array/scale.h"
#include "array/search.h"

struct qqi_mse {
    struct qqi_scaler scaler;
    struct qqi_encoder encoder;
    struct qqi_decoder decoder;
    const qq_tensor *x;
    const struct qqi_tiling *tiling;
    size_t tile;
};

// y[i], scaled numbers, become what their codes stand for.
QQI_NOINLINE void qqi_mse_codes(const struct qqi_mse *m, float *y)
{
    uint8_t code[QQI_BLOCK];
    int16_t wide[QQI_BLOCK];

    if (m->encoder.bits == 16) {
        qqi_block_integers(&m->encoder, y, NULL, wide);
        for (int i = 0; i < QQI_BLOCK; i++)
            y[i] = (float)wide[i];
        return;
    }
    qqi_block_codes(&m->encoder, y, NULL, code);
    qqi_block_values(&m->decoder, code, y);
}

// The squared error of the tile with a scale; no less than limit where it is
// more than that.
QQI_NOINLINE double qqi_mse_of_scale(const struct qqi_mse *m, float scale,
                                     double limit)
{
    struct qqi_reader r;
    float v[QQI_BLOCK];
    float y[QQI_BLOCK];
    double sum = 0.0;
    size_t n = 0;

    qqi_reader_begin(&r, m->x, m->tiling, m->tile);
    while (sum < limit && (n = qqi_reader_next(&r, v)) > 0) {
        for (size_t i = n; i < QQI_BLOCK; i++)
            v[i] = 0.0f;
        for (int i = 0; i < QQI_BLOCK; i++)
            y[i] = v[i] / scale;
        qqi_mse_codes(m, y);
        for (size_t i = 0; i < n; i++) {
            const float back = qqi_mul_f32(y[i], scale);
            const double d = (double)v[i] - (double)back;
            sum += qqi_is_finite_f32(v[i]) ? qqi_mul_f64(d, d) : 0.0;
        }
    }
    return sum;
}

QQI_FN float qqi_bound_mse(const struct qqi_mse *m, float absmax, int n)
{
    float best = absmax;
    float last = 0.0f;
    double least = 1.7976931348623157e308;

    for (int i = n - 1; i >= 0 && absmax > 0.0f; i--) {
        const double part = n > 1 ? 4.0 * (double)i / (double)(n - 1) : 4.0;
        const float bound =
            qqi_f32_from_f64((double)absmax * (1.0 + part) / 5.0);
        const float scale = qqi_scale_of_bound(&m->scaler, bound);
        if (i < n - 1 && scale >= last)
            continue; // the same scale as before
        const double error = qqi_mse_of_scale(m, scale, least);
        if (error < least) {
            least = error;
            best = bound;
        }
        last = scale;
    }
    return best;
}

#endif // QQUANT_ARRAY_MSE_H
