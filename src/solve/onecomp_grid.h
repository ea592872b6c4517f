// qquant floor 8: the grids of OneCompression's RTN and GPTQ.
//
//   scale = (max - min) / (2^bits - 1),  code = clamp(rne(x / scale) + zero)
//
// in f32, one rounding a step. The search shrinks the range and counts
// |value - x|^power, made of qqi_pow and summed in f64.

#ifndef QQUANT_SOLVE_ONECOMP_GRID_H
#define QQUANT_SOLVE_ONECOMP_GRID_H

#include "api/onebit.h"
#include "num/pow.h"
#include "num/round.h"
#include "num/step.h"
#include "solve/hessian.h"

// What the two calls leave: "gpo1".
#define QQI_GPTQ_OPTIONS_INIT 0x316f7067u

QQ_API qq_gptq_options qq_gptq_options_init(void)
{
    qq_gptq_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_GPTQ_OPTIONS_INIT;
    o.block = 128;
    o.percdamp = .01;
    o.bits = 4;
    o.group = -1;
    o.grid = 600;
    o.power = 2.4;
    o.symmetric = 1;
    o.max_shrink = .8;
    return o;
}

QQ_API qq_gptq_options qq_rtn_options_init(void)
{
    qq_gptq_options o = qq_gptq_options_init();

    o.grid = 100;
    o.symmetric = 0;
    return o;
}

QQI_FN qq_status qqi_gptq_check(const qq_gptq_options *o, int gptq,
                                uint32_t *bad)
{
    uint32_t mask = 0;

    if (bad != NULL)
        *bad = 0;
    if (o == NULL || o->init != QQI_GPTQ_OPTIONS_INIT)
        return QQ_ERR_ARGUMENT;
    mask |= gptq && o->block < 1 ? 1u : 0u;
    mask |= gptq && !(o->percdamp >= 3.95e-4) ? 2u : 0u;
    mask |= o->bits < 1 || o->bits > (gptq ? 63 : 64) ? 4u : 0u;
    mask |= o->group != -1 && o->group < 1 ? 8u : 0u;
    mask |= o->mse && o->grid < 1 ? 16u : 0u;
    mask |= o->mse && !(o->power > 0.0) ? 32u : 0u;
    if (bad != NULL)
        *bad = mask;
    return mask == 0 ? QQ_OK : QQ_ERR_ARGUMENT;
}

QQ_API qq_status qq_gptq_options_check(const qq_gptq_options *o, uint32_t *bad)
{
    return qqi_gptq_check(o, 1, bad);
}

QQ_API qq_status qq_rtn_options_check(const qq_gptq_options *o, uint32_t *bad)
{
    return qqi_gptq_check(o, 0, bad);
}

typedef struct qqi_onecomp_grid {
    const qq_gptq_options *o;
    int rtn; // a floor for scales, and all rows are mirrored
    float most;
    float scale;
    float zero;
} qqi_onecomp_grid;

QQI_INLINE float qqi_onecomp_most(const qq_gptq_options *o)
{
    return (float)(qqi_f64_of((uint64_t)(1023 + o->bits) << 52) - 1.0);
}

QQI_INLINE float qqi_onecomp_code(float x, float scale, float zero, float most)
{
    const float c = qqi_rne_f32(x / scale) + zero;

    return c > most ? most : c > 0.0f ? c : 0.0f; // NaN is 0, too
}

QQI_INLINE float qqi_onecomp_value(float code, float scale, float zero)
{
    return qqi_mul_f32(scale, code - zero);
}

// Scale and zero of a range; symmetric: the zero stays.
QQI_FN void qqi_onecomp_range(const qqi_onecomp_grid *g, float low, float high,
                              float *scale, float *zero)
{
    float s = (high - low) / g->most;

    if (g->rtn && s < 1e-5f)
        s = 1e-5f;
    *scale = s;
    *zero = g->o->symmetric ? (g->most + 1.0f) / 2.0f : qqi_rne_f32(-low / s);
}

QQI_FN float qqi_onecomp_error(const qqi_onecomp_grid *g, const float *w,
                               size_t count, float scale, float zero)
{
    const double power = (double)(float)g->o->power;
    double sum = 0.0;

    for (size_t j = 0; j < count; j++) {
        const float c = qqi_onecomp_code(w[j], scale, zero, g->most);
        const float v = qqi_onecomp_value(c, scale, zero);
        const float d = qqi_abs_f32(v - w[j]);
        sum += (double)(float)qqi_pow_f64((double)d, power);
    }
    return (float)sum;
}

// How many ranges are tried: int(max_shrink * grid).
QQI_FN int32_t qqi_onecomp_steps(const qq_gptq_options *o)
{
    const double steps = o->max_shrink * (double)o->grid;

    if (!(steps >= 1.0))
        return 0;
    return steps < 2147483647.0 ? (int32_t)steps : INT32_MAX;
}

QQI_FN void qqi_onecomp_search(qqi_onecomp_grid *g, const float *w,
                               size_t count, float low, float high)
{
    const int32_t steps = qqi_onecomp_steps(g->o);
    float best = qqi_f32_of((uint32_t)QQI_F32_INF);

    for (int32_t i = 0; i < steps; i++) {
        const float p = (float)(1.0 - (double)i / (double)g->o->grid);
        float s, z;
        qqi_onecomp_range(g, qqi_mul_f32(p, low), qqi_mul_f32(p, high), &s, &z);
        const float e = qqi_onecomp_error(g, w, count, s, z);
        if (e < best) {
            best = e;
            g->scale = s;
            g->zero = z;
        }
    }
}

// The grid of count numbers.
QQI_FN void qqi_onecomp_find(qqi_onecomp_grid *g, const float *w, size_t count)
{
    float low = 0.0f, high = 0.0f;

    for (size_t j = 0; j < count; j++) {
        low = w[j] < low ? w[j] : low;
        high = w[j] > high ? w[j] : high;
    }
    if (g->o->symmetric) {
        high = -low > high ? -low : high;
        if (g->rtn || low < 0.0f)
            low = -high;
    }
    if (!(high > 0.0f) && !(low < 0.0f)) {
        low = -1.0f;
        high = 1.0f;
    }
    qqi_onecomp_range(g, low, high, &g->scale, &g->zero);
    if (g->o->mse)
        qqi_onecomp_search(g, w, count, low, high);
}

QQ_API qq_status qq_gptq_grid(size_t n, size_t k, const qq_gptq_options *o,
                              const float *w, size_t ldw, float *scale,
                              float *zero)
{
    qqi_onecomp_grid g;
    qq_status status = qqi_gptq_check(o, 1, NULL);

    if (status == QQ_OK)
        status = qqi_check_rows(n, k, w, ldw, sizeof(float));
    if (status != QQ_OK)
        return status;
    if (n > 0 && (scale == NULL || zero == NULL))
        return QQ_ERR_ARGUMENT;
    g.o = o;
    g.rtn = 0;
    g.most = qqi_onecomp_most(o);
    for (size_t i = 0; i < n; i++) {
        qqi_onecomp_find(&g, w + i * ldw, k);
        scale[i] = g.scale;
        zero[i] = g.zero;
    }
    return QQ_OK;
}

QQ_API qq_status qq_rtn_solve(size_t n, size_t k, const qq_gptq_options *o,
                              const float *w, size_t ldw, uint8_t *codes,
                              float *scales, float *zeros)
{
    qqi_onecomp_grid g;
    qq_status status = qqi_gptq_check(o, 0, NULL);

    if (status == QQ_OK)
        status = qqi_check_rows(n, k, w, ldw, sizeof(float));
    if (status != QQ_OK)
        return status;
    const size_t group = o->group > 0 ? (size_t)o->group : k;
    if (k > 0 && k % group != 0)
        return QQ_ERR_SHAPE;
    if (o->bits > 8)
        return QQ_ERR_UNSUPPORTED;
    if (n > 0 && k > 0 && (codes == NULL || scales == NULL || zeros == NULL))
        return QQ_ERR_ARGUMENT;
    g.o = o;
    g.rtn = 1;
    g.most = qqi_onecomp_most(o);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j += group) {
            const float *row = w + i * ldw + j;
            qqi_onecomp_find(&g, row, group);
            scales[i * (k / group) + j / group] = g.scale;
            zeros[i * (k / group) + j / group] = g.zero;
            for (size_t l = 0; l < group; l++)
                codes[i * k + j + l] =
                    (uint8_t)qqi_onecomp_code(row[l], g.scale, g.zero, g.most);
        }
    return QQ_OK;
}

#endif // QQUANT_SOLVE_ONECOMP_GRID_H
