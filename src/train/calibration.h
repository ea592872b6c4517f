// qquant floor 9: calibrations that remember, a step at a time.
//
// What a step computes stands in api/aqt.h, the layout of a state in state.h.
// Weighted stats blends in f64 and keeps f32.

#ifndef QQUANT_TRAIN_CALIBRATION_H
#define QQUANT_TRAIN_CALIBRATION_H

#include "train/state.h"

// sum += max|x|, count += 1; bound = sum / count.
QQI_FN void qqi_mean_step(const qq_calibrator_options *o,
                          const struct qqi_calibrator_head *h,
                          const qq_tensor *x, const struct qqi_tiling *t,
                          int update, void *state)
{
    const qq_tensor sum = qqi_calibrator_at(h, state, QQ_CALIBRATOR_SUM);
    const size_t n = qq_tensor_count(&sum);
    void *const sums = qqi_calibrator_write(h, state, QQ_CALIBRATOR_SUM);
    void *const bound = qqi_calibrator_write(h, state, QQ_CALIBRATOR_BOUND);
    void *const count = qqi_calibrator_write(h, state, QQ_CALIBRATOR_COUNT);
    int32_t calls = qqi_load_i32(count);

    if (update && calls < INT32_MAX)
        qqi_store_i32(count, ++calls);
    const struct qqi_number divisor = qqi_number_round((float)calls, x->type);
    const int reciprocal = n > 1 && o->division == QQ_DIVISION_RECIPROCAL;
    for (size_t g = 0; g < n; g++) {
        struct qqi_number v = qqi_load_number(&sum, g);
        if (update && g < t->tiles)
            v = qqi_number_add(v, qqi_aqt_max(x, t, g));
        qqi_store_number(sums, g, v);
        qqi_store_number(bound, g, qqi_number_div_by(v, divisor, reciprocal));
    }
}

// What weighted stats sees of a tile.
struct qqi_stats {
    double ones;
    double vals;
    double l1;
    double lp;
    float max;
};

QQI_FN void qqi_stats_add(struct qqi_stats *s, const qq_calibrator_options *o,
                          struct qqi_number x)
{
    const float v = qqi_operand(x, x.type);
    const double a = (double)qqi_abs_f32(v);
    double power = a;

    for (unsigned i = 1; i < o->lp_order; i++)
        power = qqi_mul_f64(power, a);
    s->ones += !o->filter_zeros || v != 0.0f ? 1.0 : 0.0;
    s->vals += (double)v;
    s->l1 += a;
    s->lp += power;
    s->max = qqi_larger(s->max, qqi_abs_f32(v));
}

QQI_FN void qqi_stats_collect(struct qqi_stats *s,
                              const qq_calibrator_options *o,
                              const qq_tensor *x, const struct qqi_tiling *t,
                              size_t g)
{
    struct qqi_patch p;

    QQ_MEMSET(s, 0, sizeof *s);
    if (g >= t->tiles)
        return;
    qqi_patch_begin(&p, t, g, 1);
    while (p.runs > 0) {
        const size_t i = qqi_patch_next(&p);
        for (size_t k = 0; k < p.run; k++)
            qqi_stats_add(s, o, qqi_load_number(x, i + k));
    }
}

// (1 - 1/n) v + (1/n) next for number g of a part.
QQI_FN void qqi_stats_blend(const qq_calibrator_options *o,
                            const struct qqi_calibrator_head *h, void *state,
                            int part, size_t g, double next)
{
    uint8_t *const p = (uint8_t *)qqi_calibrator_write(h, state, part) + 4 * g;
    const double rate = 1.0 / o->ema_update_count;
    const double kept = qqi_mul_f64(1.0 - rate, (double)qqi_load_f32(p));

    qqi_store_f32(
        p, qqi_canon_f32(qqi_f32_from_f64(kept + qqi_mul_f64(rate, next))));
}

QQI_FN double qqi_stats_mean(const qq_calibrator_options *o, double sum,
                             double ones)
{
    return o->safe_divide && ones == 0.0 ? 0.0 : sum / ones;
}

// The bound that number g of every part makes.
QQI_FN float qqi_stats_bound(const qq_calibrator_options *o,
                             const struct qqi_calibrator_head *h,
                             const void *state, size_t g)
{
    const uint8_t *const p = (const uint8_t *)state + 4 * g;
    const double ones =
        (double)qqi_load_f32(p + qqi_calibrator_place(h, QQ_CALIBRATOR_ONES));
    const double max =
        (double)qqi_load_f32(p + qqi_calibrator_place(h, QQ_CALIBRATOR_MAX));
    const double l1 =
        (double)qqi_load_f32(p + qqi_calibrator_place(h, QQ_CALIBRATOR_L1));
    const double lp =
        (double)qqi_load_f32(p + qqi_calibrator_place(h, QQ_CALIBRATOR_LP));
    const double root =
        qqi_abs_root(qqi_stats_mean(o, lp, ones), (double)o->lp_order);
    double bound = qqi_mul_f64(o->l1_dev_coeff, qqi_stats_mean(o, l1, ones));

    bound += qqi_mul_f64(o->lp_dev_coeff, root);
    bound += qqi_mul_f64(o->max_dev_coeff, max);
    return qqi_canon_f32(qqi_f32_from_f64(bound + o->const_bound_coeff));
}

QQI_FN void qqi_stats_step(const qq_calibrator_options *o,
                           const struct qqi_calibrator_head *h,
                           const qq_tensor *x, const struct qqi_tiling *t,
                           int update, void *state)
{
    uint8_t *const bound =
        (uint8_t *)qqi_calibrator_write(h, state, QQ_CALIBRATOR_BOUND);
    const qq_tensor grid = qqi_calibrator_part(h, QQ_CALIBRATOR_BOUND);
    const size_t n = qq_tensor_count(&grid);
    struct qqi_stats s;

    for (size_t g = 0; g < n; g++) {
        if (update) {
            qqi_stats_collect(&s, o, x, t, g);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_ONES, g, s.ones);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_VALS, g, s.vals);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_MAX, g, (double)s.max);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_L1, g, s.l1);
            qqi_stats_blend(o, h, state, QQ_CALIBRATOR_LP, g, s.lp);
        }
        qqi_store_f32(bound + 4 * g, qqi_stats_bound(o, h, state, g));
    }
}

// The bound of the history before this x; then x joins it.
QQI_FN void qqi_delayed_step(const struct qqi_calibrator_head *h,
                             const qq_tensor *x, const struct qqi_tiling *t,
                             int update, void *state)
{
    uint8_t *const history =
        (uint8_t *)qqi_calibrator_write(h, state, QQ_CALIBRATOR_HISTORY);
    void *const kept = qqi_calibrator_write(h, state, QQ_CALIBRATOR_KEPT);
    const size_t n = (size_t)h->history;
    float most = qqi_load_f32(history);

    for (size_t i = 1; i < n; i++)
        most = qqi_larger(most, qqi_load_f32(history + 4 * i));
    const float bound =
        most > 0.0f && qqi_is_finite_f32(most) ? most : qqi_load_f32(kept);
    qqi_store_f32(qqi_calibrator_write(h, state, QQ_CALIBRATOR_BOUND), bound);
    if (!update)
        return;
    qqi_store_f32(kept, bound);
    // Turned left by one, the first would come last; x takes its old place.
    const float first = qqi_load_f32(history);
    QQ_MEMMOVE(history, history + 4, 4 * (n - 1));
    qqi_store_f32(history + 4 * (n - 1), first);
    const float max = t->tiles > 0 ? qqi_aqt_max(x, t, 0).value : 0.0f;
    qqi_store_f32(history, qqi_canon_f32(max));
}

// x is of the kind that the state was made for; *t: its tiles.
QQI_FN qq_status qqi_calibrator_fits(const struct qqi_calibrator_head *h,
                                     const qq_tensor *x, struct qqi_tiling *t)
{
    size_t tile[QQ_MAX_RANK];

    if (x->type != (qq_type)h->type)
        return QQ_ERR_TYPE;
    if (x->rank != h->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < x->rank; a++) {
        const int channel = (int)(h->channels >> a & 1);
        if (channel && x->shape[a] != h->shape[a])
            return QQ_ERR_SHAPE;
        tile[a] = channel ? 1 : x->shape[a];
    }
    qqi_tiling_make(t, x->rank, x->shape, tile);
    return QQ_OK;
}

QQ_API qq_status qq_calibrator_step(const qq_calibrator_options *o,
                                    qq_quant_mode mode, const qq_tensor *x,
                                    void *state, size_t bytes, qq_tensor *bound)
{
    struct qqi_calibrator_head h;
    struct qqi_tiling t;

    if (o == NULL || !qqi_calibrator_options_fit(o) ||
        mode < QQ_QUANT_MODE_TRAIN || mode > QQ_QUANT_MODE_SERVE)
        return QQ_ERR_ARGUMENT;
    qq_status status = qq_tensor_check(x);
    if (status == QQ_OK)
        status = qqi_calibrator_read(state, bytes, &h);
    if (status != QQ_OK)
        return status;
    if (h.method != (uint32_t)o->method || h.channels != o->channels ||
        (o->method == QQ_CALIBRATOR_DELAYED && h.history != o->history))
        return QQ_ERR_FORMAT;
    status = qqi_calibrator_fits(&h, x, &t);
    if (status != QQ_OK)
        return status;
    const int calibrates = mode == QQ_QUANT_MODE_CALIBRATE;
    const int learns = calibrates || mode == QQ_QUANT_MODE_TRAIN;
    if (o->method == QQ_CALIBRATOR_MEAN_OF_ABSMAX)
        qqi_mean_step(o, &h, x, &t, calibrates, state);
    else if (o->method == QQ_CALIBRATOR_WEIGHTED_STATS)
        qqi_stats_step(o, &h, x, &t, learns, state);
    else
        qqi_delayed_step(&h, x, &t, learns, state);
    if (bound)
        *bound = qqi_calibrator_at(&h, state, QQ_CALIBRATOR_BOUND);
    return QQ_OK;
}

#endif // QQUANT_TRAIN_CALIBRATION_H
