// qquant floor 5: making a scheme, and what it says about axes.

#ifndef QQUANT_ARRAY_SCHEME_H
#define QQUANT_ARRAY_SCHEME_H

#include "api/array.h"
#include "compiler.h"
#include "num/bits.h"
#include "num/round.h"
#include "type.h"

// What qq_scheme_init leaves in a scheme: "qqs1".
#define QQI_SCHEME_INIT 0x31737171u

// A row of the list; of no type, for a number that is none.
QQI_FN qq_type_info qqi_type_info(qq_type type)
{
    qq_type_info info;

    QQ_MEMSET(&info, 0, sizeof info);
    (void)qq_type_get(type, &info);
    return info;
}

// --- making ----------------------------------------------------------------

QQ_API qq_scheme qq_scheme_init_rule(qq_type type, qq_rule rule)
{
    const qq_type_info info = qqi_type_info(type);
    qq_scheme s;

    QQ_MEMSET(&s, 0, sizeof s);
    s.init = QQI_SCHEME_INIT;
    s.type = type;
    s.rule = rule;
    s.calibration.method = QQ_CALIB_ABSMAX;
    s.range = QQ_RANGE_HALF_STEP;
    s.scale_type = QQ_TYPE_NONE;
    s.division = QQ_DIVISION_TRUE;
    s.noise = QQ_NOISE_NONE;
    s.layout = QQ_RANDOM_PARTITIONABLE;
    s.numerics.kind = QQ_NUMERICS_NONE;
    if (rule == QQ_RULE_AQT || rule == QQ_RULE_FJ) {
        const int small = info.kind == QQ_KIND_SMALL;
        s.numerics.kind = small ? QQ_NUMERICS_FP8 : QQ_NUMERICS_INT;
        s.numerics.bits = qq_type_bits(type);
        s.numerics.preserve_zero = 1;
        s.numerics.clip = 1;
        s.numerics.round = 1;
    }
    return s;
}

QQ_API qq_scheme qq_scheme_init(qq_type type)
{
    qq_scheme s = qq_scheme_init_rule(type, QQ_RULE_QQUANT);

    // The scale of a sign is mean|x|. Ternary codes reach 1.5 scales, so that
    // 1.5 mean|x| gives the same.
    if (type == QQ_TYPE_SIGN || type == QQ_TYPE_TERNARY) {
        s.calibration.method = QQ_CALIB_ABSMEAN;
        s.calibration.args[0] = type == QQ_TYPE_SIGN ? 1.0 : 1.5;
        s.calibration.arg_count = 1;
    }
    s.two_level = type == QQ_TYPE_NVFP4;
    return s;
}

// The axis counted from the front; QQ_MAX_RANK if it lies outside.
QQI_FN unsigned qqi_axis_of(int axis, unsigned rank)
{
    if (rank > QQ_MAX_RANK)
        return QQ_MAX_RANK;
    if (axis < 0)
        axis += (int)rank;
    return axis < 0 || axis >= (int)rank ? QQ_MAX_RANK : (unsigned)axis;
}

QQI_FN int qqi_axis_is_channel(const qq_scheme *s, unsigned a)
{
    return (int)(s->channels >> a & 1);
}

QQI_FN int qqi_axis_is_tiled(const qq_scheme *s, unsigned a)
{
    const double f = s->tile_fraction[a];

    return s->tile[a] != 0 || f < 0.0 || f > 0.0 || qqi_is_nan_f64(f);
}

// The axis that a setter means.
QQI_FN qq_status qqi_setter_axis(const qq_scheme *s, int axis, unsigned rank,
                                 unsigned *a)
{
    if (s == NULL)
        return QQ_ERR_ARGUMENT;
    if (s->init != QQI_SCHEME_INIT)
        return QQ_ERR_SCHEME;
    *a = qqi_axis_of(axis, rank);
    return *a == QQ_MAX_RANK ? QQ_ERR_AXIS : QQ_OK;
}

QQ_API qq_status qq_scheme_channel(qq_scheme *s, int axis, unsigned rank)
{
    unsigned a;
    const qq_status status = qqi_setter_axis(s, axis, rank, &a);

    if (status != QQ_OK)
        return status;
    if (qqi_axis_is_tiled(s, a))
        return QQ_ERR_AXIS;
    s->channels |= (uint32_t)1 << a;
    return QQ_OK;
}

QQ_API qq_status qq_scheme_tile(qq_scheme *s, int axis, unsigned rank,
                                size_t tile)
{
    unsigned a;
    const qq_status status = qqi_setter_axis(s, axis, rank, &a);

    if (status != QQ_OK)
        return status;
    if (qqi_axis_is_channel(s, a))
        return QQ_ERR_AXIS;
    if (tile == 0)
        return QQ_ERR_ARGUMENT;
    s->tile[a] = tile;
    s->tile_fraction[a] = 0.0;
    return QQ_OK;
}

QQ_API qq_status qq_scheme_tile_fraction(qq_scheme *s, int axis, unsigned rank,
                                         double fraction)
{
    unsigned a;
    const qq_status status = qqi_setter_axis(s, axis, rank, &a);

    if (status != QQ_OK)
        return status;
    if (qqi_axis_is_channel(s, a))
        return QQ_ERR_AXIS;
    if (!(fraction > 0.0 && fraction <= 1.0))
        return QQ_ERR_ARGUMENT;
    s->tile[a] = 0;
    s->tile_fraction[a] = fraction;
    return QQ_OK;
}

// --- axes ------------------------------------------------------------------

// The tile that the scheme wants on axis a of size n; 0 if there is none: a
// fraction that is none, or that comes to nothing.
QQI_FN size_t qqi_scheme_tile_at(const qq_scheme *s, unsigned a, size_t n)
{
    if (qqi_axis_is_channel(s, a))
        return 1;
    if (s->tile[a] != 0)
        return s->tile[a];
    if (!qqi_axis_is_tiled(s, a))
        return n;
    const double f = s->tile_fraction[a];
    if (!(f > 0.0 && f <= 1.0))
        return 0;
    const double tile = qqi_rne_f64((double)n * f);
    return tile >= (double)n ? n : (size_t)tile;
}

// The bits of what is wrong with the axes, whatever the shape.
QQI_FN uint32_t qqi_check_roles(const qq_scheme *s, unsigned rank)
{
    uint32_t bad = 0;

    if (rank < 32 && s->channels >> rank != 0)
        bad |= QQ_BAD_AXIS;
    for (unsigned a = 0; a < QQ_MAX_RANK; a++) {
        const double f = s->tile_fraction[a];
        if (!qqi_axis_is_tiled(s, a))
            continue;
        if (a >= rank || qqi_axis_is_channel(s, a))
            bad |= QQ_BAD_AXIS;
        if (s->tile[a] != 0 ? f < 0.0 || f > 0.0 || qqi_is_nan_f64(f)
                            : !(f > 0.0 && f <= 1.0))
            bad |= QQ_BAD_TILE;
    }
    return bad;
}

// The same for an array of the shape. Tiles must divide their axes under all
// rules but our own.
QQI_FN uint32_t qqi_check_axes(const qq_scheme *s, unsigned rank,
                               const size_t *shape)
{
    uint32_t bad = qqi_check_roles(s, rank);

    for (unsigned a = 0; a < rank && bad == 0; a++) {
        const size_t tile = qqi_scheme_tile_at(s, a, shape[a]);
        if (shape[a] == 0)
            continue;
        if (tile == 0 || (s->rule != QQ_RULE_QQUANT && shape[a] % tile != 0))
            bad |= QQ_BAD_TILE;
    }
    return bad;
}

// Whether the calibration has one scale for everything, axes or not.
QQI_FN int qqi_scheme_is_fixed(const qq_scheme *s)
{
    return s->calibration.method == QQ_CALIB_FIXED;
}

// The tiles of an array, cut to its axes (1 where an axis is empty), and the
// shape of its scales. The axes were found right. An empty array has no scales
// under our rule, so that it has no bytes at all.
QQI_FN void qqi_scheme_tiles(const qq_scheme *s, unsigned rank,
                             const size_t *shape, size_t *tile, size_t *count)
{
    for (unsigned a = 0; a < rank; a++) {
        const size_t n = shape[a];
        const int whole =
            qqi_scheme_is_fixed(s) ||
            (!qqi_axis_is_channel(s, a) && !qqi_axis_is_tiled(s, a));
        const size_t k = whole ? n : qqi_scheme_tile_at(s, a, n);
        tile[a] = k < n ? k : n;
        count[a] = whole && s->rule != QQ_RULE_QQUANT;
        if (n == 0)
            tile[a] = 1;
        else
            count[a] = n / tile[a] + (n % tile[a] != 0);
    }
}

QQ_API qq_status qq_scheme_scale_shape(const qq_scheme *s, unsigned rank,
                                       const size_t *shape, size_t *scale_shape)
{
    size_t tile[QQ_MAX_RANK];

    if (s == NULL || (rank != 0 && (shape == NULL || scale_shape == NULL)))
        return QQ_ERR_ARGUMENT;
    if (s->init != QQI_SCHEME_INIT)
        return QQ_ERR_SCHEME;
    if (rank > QQ_MAX_RANK)
        return QQ_ERR_AXIS;
    const uint32_t bad = qqi_check_axes(s, rank, shape);
    if (bad & QQ_BAD_AXIS)
        return QQ_ERR_AXIS;
    if (bad != 0)
        return QQ_ERR_SHAPE;
    qqi_scheme_tiles(s, rank, shape, tile, scale_shape);
    return QQ_OK;
}

#endif // QQUANT_ARRAY_SCHEME_H
