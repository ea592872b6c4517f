// qquant floor 10: the driver: recipes, and what they need.

#ifndef QQUANT_MODEL_DRIVE_RECIPE_H
#define QQUANT_MODEL_DRIVE_RECIPE_H

#include "api/drive.h"
#include "solve/grid.h"
#include "solve/onebit.h"
#include "solve/onecomp_grid.h"
#include "solve/target.h"

// What the calls leave: "rcp1".
#define QQI_RECIPE_INIT 0x31706372u

QQI_FN qq_recipe qqi_recipe_make(qq_quantizer quantizer, const qq_grid *grid)
{
    qq_recipe r;

    QQ_MEMSET(&r, 0, sizeof r);
    r.init = QQI_RECIPE_INIT;
    r.quantizer = quantizer;
    r.propagation = QQ_PROPAGATION_TARGET;
    r.grid = *grid;
    r.bias = 1;
    r.lambda = -1.0;
    r.target = qq_target_options_init();
    r.percdamp = .01;
    r.perccorr = .5;
    r.fit = qq_fit_options_init();
    r.onebit = qq_onebit_options_init();
    r.gptq = qq_gptq_options_init();
    // More bits leave less to find.
    if (quantizer == QQ_QUANTIZER_FIT && grid->count <= 16)
        r.fit.scales = 3;
    return r;
}

QQ_API qq_recipe qq_recipe_init(unsigned bits, size_t tile)
{
    const qq_grid grid =
        bits == 2 ? qq_grid_half_step(2) : qq_grid_integer(bits);
    qq_recipe r = qqi_recipe_make(QQ_QUANTIZER_FIT, &grid);

    r.tile = tile;
    if (bits < 2 || bits > 8)
        r.init = 0;
    return r;
}

QQ_API qq_recipe qq_recipe_ternary(size_t tile)
{
    const qq_grid grid = qq_grid_ternary();
    qq_recipe r = qqi_recipe_make(QQ_QUANTIZER_FIT, &grid);

    r.tile = tile;
    return r;
}

QQ_API qq_recipe qq_recipe_planes(unsigned planes)
{
    const qq_grid grid = qq_grid_half_step(1);
    qq_recipe r = qqi_recipe_make(QQ_QUANTIZER_ONEBIT, &grid);

    r.onebit.planes = planes;
    r.onebit.anneal = planes == 1 ? 60 : 0;
    return r;
}

QQ_API qq_recipe qq_recipe_original(qq_quantizer quantizer)
{
    const qq_grid grid = qq_grid_integer(4);
    qq_recipe r = qqi_recipe_make(quantizer, &grid);

    r.propagation = QQ_PROPAGATION_NONE;
    r.bias = 0;
    r.onebit.mode = QQ_ONEBIT_COMPAT;
    if (quantizer == QQ_QUANTIZER_RTN)
        r.gptq = qq_rtn_options_init();
    return r;
}

// 1 where H is that of the original: twice the moments, damped by the solver.
QQI_FN int qqi_recipe_is_original(const qq_recipe *r)
{
    return r->quantizer == QQ_QUANTIZER_RTN ||
           r->quantizer == QQ_QUANTIZER_GPTQ ||
           (r->quantizer == QQ_QUANTIZER_ONEBIT &&
            r->onebit.mode == QQ_ONEBIT_COMPAT);
}

// The bits that qq_hessian_lambda asks for.
QQI_FN unsigned qqi_recipe_bits(const qq_recipe *r)
{
    if (r->quantizer != QQ_QUANTIZER_FIT || r->grid.count == 2)
        return 1;
    return r->grid.count <= 4 ? 2 : r->grid.count < 16 ? 3 : 4;
}

// --- checks ----------------------------------------------------------------

QQI_FN qq_status qqi_recipe_check_quantizer(const qq_recipe *r)
{
    switch (r->quantizer) {
    case QQ_QUANTIZER_FIT:
        if (!qqi_grid_ok(&r->grid))
            return QQ_ERR_ARGUMENT;
        return qq_fit_options_check(&r->fit, NULL);
    case QQ_QUANTIZER_ONEBIT:
        return qq_onebit_options_check(&r->onebit, NULL);
    case QQ_QUANTIZER_GPTQ:
    case QQ_QUANTIZER_RTN:
        if (qqi_gptq_check(&r->gptq, r->quantizer == QQ_QUANTIZER_GPTQ, NULL) !=
            QQ_OK)
            return QQ_ERR_ARGUMENT;
        return r->gptq.bits <= 8 ? QQ_OK : QQ_ERR_UNSUPPORTED;
    case QQ_QUANTIZER_NONE:
    default:
        return QQ_ERR_ARGUMENT;
    }
}

QQI_FN int qqi_recipe_way_ok(const qq_recipe *r)
{
    const qq_target_options *t = &r->target;

    switch (r->propagation) {
    case QQ_PROPAGATION_NONE:
        return r->repeats == 0;
    case QQ_PROPAGATION_INPUT:
        return 1;
    case QQ_PROPAGATION_TARGET:
        return t->init == QQI_TARGET_OPTIONS_INIT &&
               qqi_is_finite_f64(t->alpha) && qqi_is_finite_f64(t->rho) &&
               qqi_is_finite_f64(t->ridge) && t->ridge >= 0.0;
    case QQ_PROPAGATION_QEP:
        return !r->bias && !r->rotate && qqi_is_finite_f64(r->percdamp) &&
               r->percdamp >= 0.0 && qqi_is_finite_f64(r->perccorr);
    default:
        return 0;
    }
}

QQ_API qq_status qq_recipe_check(const qq_recipe *r)
{
    if (r == NULL || r->init != QQI_RECIPE_INIT)
        return QQ_ERR_ARGUMENT;
    if (r->quantizer == QQ_QUANTIZER_NONE)
        return QQ_OK;
    if (!qqi_recipe_way_ok(r) || !qqi_is_finite_f64(r->lambda))
        return QQ_ERR_ARGUMENT;
    return qqi_recipe_check_quantizer(r);
}

#endif // QQUANT_MODEL_DRIVE_RECIPE_H
