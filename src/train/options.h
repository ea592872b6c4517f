// qquant floor 9: what a calibration that remembers is asked for.

#ifndef QQUANT_TRAIN_OPTIONS_H
#define QQUANT_TRAIN_OPTIONS_H

#include "api/aqt.h"
#include "num/step.h"

// "qqc1", and what qq_calibrator_options_init leaves in options.
#define QQI_CALIBRATOR_INIT 0x31637171u

QQ_API qq_calibrator_options qq_calibrator_options_init(qq_calibrator method)
{
    qq_calibrator_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_CALIBRATOR_INIT;
    o.method = method;
    o.division = QQ_DIVISION_TRUE;
    o.history = 1024;
    o.update_count_prior = 1.0;
    o.ema_update_count = 100.0;
    o.lp_order = 2;
    o.filter_zeros = 1;
    return o;
}

QQI_FN int qqi_calibrator_options_fit(const qq_calibrator_options *o)
{
    if (o->init != QQI_CALIBRATOR_INIT ||
        o->method < QQ_CALIBRATOR_MEAN_OF_ABSMAX ||
        o->method > QQ_CALIBRATOR_DELAYED ||
        (o->division != QQ_DIVISION_TRUE &&
         o->division != QQ_DIVISION_RECIPROCAL))
        return 0;
    if (o->method == QQ_CALIBRATOR_DELAYED)
        return o->history > 0 && o->channels == 0;
    return o->method != QQ_CALIBRATOR_WEIGHTED_STATS ||
           (o->lp_order >= 1 && o->lp_order <= 30 && o->ema_update_count > 0.0);
}

// What a part begins with.
QQI_FN double qqi_calibrator_prior(const qq_calibrator_options *o, int part)
{
    const double u = o->update_count_prior;
    double power = 1.0;

    switch (part) {
    case QQ_CALIBRATOR_ONES:
        return u;
    case QQ_CALIBRATOR_VALS:
        return o->mean_prior * u;
    case QQ_CALIBRATOR_MAX:
        return o->max_dev_prior;
    case QQ_CALIBRATOR_L1:
        return o->l1_dev_prior * u;
    case QQ_CALIBRATOR_LP:
        for (unsigned i = 0; i < o->lp_order; i++)
            power = qqi_mul_f64(power, o->lp_dev_prior);
        return power * u;
    default:
        return 0.0;
    }
}

#endif // QQUANT_TRAIN_OPTIONS_H
