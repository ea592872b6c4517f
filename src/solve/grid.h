// qquant floor 8: grids: the levels that codes stand for.

#ifndef QQUANT_SOLVE_GRID_H
#define QQUANT_SOLVE_GRID_H

#include "api/solve.h"
#include "num/step.h"

// What the calls leave: "grd1".
#define QQI_GRID_INIT 0x31647267u

QQI_FN qq_grid qqi_grid_make(qq_grid_kind kind, unsigned count)
{
    qq_grid g;

    QQ_MEMSET(&g, 0, sizeof g);
    g.init = count >= 2 && count <= 256 ? QQI_GRID_INIT : 0;
    g.kind = kind;
    g.count = count;
    return g;
}

QQI_INLINE unsigned qqi_grid_levels(unsigned bits)
{
    return bits >= 1 && bits <= 8 ? 1u << bits : 0;
}

QQ_API qq_grid qq_grid_integer(unsigned bits)
{
    qq_grid g = qqi_grid_make(QQ_GRID_INTEGER, qqi_grid_levels(bits));

    g.signed_scales = 1;
    return bits == 1 ? qq_grid_half_step(1) : g;
}

QQ_API qq_grid qq_grid_half_step(unsigned bits)
{
    return qqi_grid_make(QQ_GRID_HALF_STEP, qqi_grid_levels(bits));
}

QQ_API qq_grid qq_grid_ternary(void)
{
    return qqi_grid_make(QQ_GRID_INTEGER, 3);
}

QQ_API qq_grid qq_grid_book(unsigned count, const float *levels)
{
    qq_grid g = qqi_grid_make(QQ_GRID_BOOK, levels != NULL ? count : 0);

    g.levels = levels;
    return g;
}

// Level of a code that is on the grid.
QQI_INLINE float qqi_level(const qq_grid *g, unsigned code)
{
    if (g->kind == QQ_GRID_INTEGER)
        return (float)((int)code - (int)(g->count / 2));
    if (g->kind == QQ_GRID_HALF_STEP)
        return (float)(2 * (int)code - (int)(g->count - 1));
    return g->levels[code];
}

QQ_API float qq_grid_level(const qq_grid *g, unsigned code)
{
    if (g == NULL || g->init != QQI_GRID_INIT || code >= g->count)
        return 0.0f;
    return qqi_level(g, code);
}

QQI_FN int qqi_grid_ok(const qq_grid *g)
{
    if (g == NULL || g->init != QQI_GRID_INIT || g->count < 2 || g->count > 256)
        return 0;
    if (g->kind == QQ_GRID_INTEGER || g->kind == QQ_GRID_HALF_STEP)
        return 1;
    if (g->kind != QQ_GRID_BOOK || g->levels == NULL)
        return 0;
    for (unsigned i = 0; i < g->count; i++)
        if (!qqi_is_finite_f32(g->levels[i]) ||
            (i > 0 && !(g->levels[i] > g->levels[i - 1])))
            return 0;
    return 1;
}

// 1 where -level is a level for each: codes may change sign with their scale.
QQI_FN int qqi_grid_symmetric(const qq_grid *g)
{
    for (unsigned i = 0; i < g->count; i++) {
        const float x = qqi_level(g, i) + qqi_level(g, g->count - 1 - i);
        if (x < 0.0f || x > 0.0f)
            return 0;
    }
    return 1;
}

// The largest magnitude that a scale of 1 is meant to reach: half a step beyond
// the largest level that has a partner, so s0 = absmax / reach.
QQI_FN double qqi_grid_reach(const qq_grid *g)
{
    const double low = (double)qqi_level(g, 0);
    const double high = (double)qqi_level(g, g->count - 1);

    if (g->kind == QQ_GRID_INTEGER && g->count % 2 == 0)
        return -low - 0.5;
    return -low > high ? -low : high;
}

// x, which lies within the grid, to the nearest integer; ties to even.
QQI_INLINE int qqi_near_int(double x)
{
    const int t = (int)x - (x < (double)(int)x); // floor
    const double over = x - (double)t;

    return t + (over > 0.5 || (!(over < 0.5) && (t & 1)));
}

QQI_FN unsigned qqi_nearest_book(const qq_grid *g, double x)
{
    unsigned low = 0, high = g->count - 1;

    // The last level whose middle with the next one lies below x.
    while (low < high) {
        const unsigned at = (low + high) / 2;
        const double sum = (double)g->levels[at] + (double)g->levels[at + 1];
        if (x > 0.5 * sum)
            low = at + 1;
        else
            high = at;
    }
    return low;
}

// The code whose level is nearest to x; NaN has that of the lowest.
QQI_INLINE unsigned qqi_nearest(const qq_grid *g, double x)
{
    const int last = (int)g->count - 1;
    int c;

    if (g->kind == QQ_GRID_BOOK)
        return qqi_nearest_book(g, x);
    if (!(x > -256.0))
        return 0;
    if (x > 256.0)
        return (unsigned)last;
    if (g->kind == QQ_GRID_INTEGER) {
        c = qqi_near_int(x) + (int)(g->count / 2);
    } else {
        const double half = 0.5 * x;
        c = (int)half - (half < (double)(int)half) + (int)(g->count / 2);
    }
    return (unsigned)(c < 0 ? 0 : c > last ? last : c);
}

// What a code means: one rounding for the product, one for the sum.
QQI_INLINE float qqi_decoded(float scale, float level, float offset, int has)
{
    const float v = qqi_mul_f32(scale, level);

    return has ? v + offset : v;
}

#endif // QQUANT_SOLVE_GRID_H
