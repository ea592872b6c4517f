// qquant floor 5: eformer's Array8B, and its ternary and binary front end.
//
//   eformer    scale = absmax / 127 + tiny       code = x / scale
//   fjformer   scale = max(absmax, 1e-5) / 127   code = x * (1 / scale)
//
// each step rounded to x's type, the code to nearest even, then cut to -128
// ... 127; NaN gives 0. In bf16 a quotient may round to 127.5 and so to 128:
// the codes +127 and -128 both stand for absmax.

#ifndef QQUANT_ARRAY_EFORMER_INT8_H
#define QQUANT_ARRAY_EFORMER_INT8_H

#include "array/eformer_step.h"
#include "array/tile.h"
#include "num/sqrt.h"

struct qqi_int8_job {
    const qq_tensor *x;
    struct qqi_tiling tiling;
    int older; // fjformer
    qq_division division;
};

// Whether neighbours on the last axis have scales of their own.
QQI_INLINE int qqi_int8_has_lanes(const struct qqi_int8_job *j)
{
    return j->tiling.tile[j->tiling.rank - 1] == 1;
}

// n numbers with a scale each: scales first, first + 1, ...
QQI_FN void qqi_int8_absmax_lanes(const struct qqi_int8_job *j, size_t at,
                                  size_t n, size_t first, void *scales)
{
    const qq_type type = j->x->type;
    float x[QQI_SOME], most[QQI_SOME];

    qqi_load_values(type, j->x->data, at, n, x);
    qqi_load_values(type, scales, first, n, most);
    for (size_t i = 0; i < n; i++)
        most[i] = qqi_absmax_step(most[i], x[i]);
    qqi_plain_store_many(type, scales, first, n, most);
}

// The absmax of every tile, of x's type.
QQI_FN void qqi_int8_absmax(const struct qqi_int8_job *j, void *scales)
{
    const struct qqi_tiling *t = &j->tiling;
    const qq_type type = j->x->type;
    const int lanes = qqi_int8_has_lanes(j);
    struct qqi_cursor cursor;
    size_t n, scale;

    for (size_t i = 0; i < t->tiles; i++)
        qqi_plain_store(type, scales, i, 0.0f);
    qqi_cursor_begin(&cursor, t);
    for (size_t at = 0; at < t->numbers; at += n) {
        n = qqi_cursor_next(&cursor, lanes ? QQI_SOME : t->numbers, &scale);
        if (lanes) {
            qqi_int8_absmax_lanes(j, at, n, scale, scales);
            continue;
        }
        const float most = qqi_plain_load(type, scales, scale);
        qqi_plain_store(type, scales, scale,
                        qqi_absmax_many(most, type, j->x->data, at, n));
    }
}

QQI_FN float qqi_int8_scale(const struct qqi_int8_job *j, float most)
{
    const qq_type type = j->x->type;
    const qqi_divisor d =
        qqi_divisor_of(type, j->division, j->tiling.tiles > 1, 127.0f);

    if (j->older) {
        const float least = qqi_to_type(type, 1e-5f);
        return qqi_divide_by(&d, most < least ? least : most);
    }
    const float tiny = qqi_plain_tiny(type);
    return qqi_to_type(type, qqi_divide_by(&d, most) + tiny);
}

// What a tile's numbers are divided by.
QQI_FN qqi_divisor qqi_int8_divisor(const struct qqi_int8_job *j, float scale)
{
    qqi_divisor d = qqi_divisor_of(j->x->type, j->division,
                                   j->tiling.tiles < j->tiling.numbers, scale);

    if (j->older) {
        d.by_product = 1;
        d.b = qqi_to_type(j->x->type, 1.0f / scale);
    }
    return d;
}

QQI_FN void qqi_int8_codes(const struct qqi_int8_job *j, const void *scales,
                           uint8_t *codes)
{
    const struct qqi_tiling *t = &j->tiling;
    const qq_type type = j->x->type;
    const int lanes = qqi_int8_has_lanes(j);
    struct qqi_cursor cursor;
    float x[QQI_SOME];
    size_t n, scale;

    qqi_cursor_begin(&cursor, t);
    for (size_t at = 0; at < t->numbers; at += n) {
        n = qqi_cursor_next(&cursor, QQI_SOME, &scale);
        qqi_load_values(type, j->x->data, at, n, x);
        for (size_t i = 0; i < (lanes ? n : 1); i++) {
            const float s = qqi_plain_load(type, scales, scale + i);
            const qqi_divisor d = qqi_int8_divisor(j, s);
            qqi_divide_many(&d, lanes ? 1 : n, x + i);
        }
        qqi_encode_codes(QQ_TYPE_INT8, n, x, codes + at);
    }
}

QQI_FN void qqi_int8_quantize(const struct qqi_int8_job *j, void *scales,
                              uint8_t *codes)
{
    const qq_type type = j->x->type;

    qqi_int8_absmax(j, scales);
    for (size_t i = 0; i < j->tiling.tiles; i++) {
        const float most = qqi_plain_load(type, scales, i);
        qqi_plain_store(type, scales, i, qqi_int8_scale(j, most));
    }
    qqi_int8_codes(j, scales, codes);
}

// --- ternary, binary -------------------------------------------------------

// Half the standard deviation of all n numbers, as jnp.std computes it: mean
// and variance in f32, the variance, its root and the half in x's type, where
// that is shorter. The order of the sums is not said there; here they are made
// in f64 and rounded once. NaN where a number is NaN or infinite, or n is 0.
QQI_FN float qqi_ternary_threshold(const qq_tensor *x, size_t n)
{
    const qq_type type = qqi_is_plain(x->type) ? x->type : QQ_TYPE_F32;
    float v[QQI_SOME];
    double sum = 0.0;
    float mean = 0.0f;
    size_t k;

    if (n == 0)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    for (int squares = 0; squares < 2; squares++) {
        sum = 0.0;
        for (size_t at = 0; at < n; at += k) {
            k = qqi_some(n - at);
            qqi_load_values(x->type, x->data, at, k, v);
            for (size_t i = 0; i < k; i++) {
                const float d = v[i] - mean;
                sum += (double)(squares ? qqi_mul_f32(d, d) : v[i]);
            }
        }
        if (!squares)
            mean = qqi_f32_from_f64(sum / (double)n);
    }
    const float variance = qqi_to_type(type, qqi_f32_from_f64(sum / (double)n));
    const float deviation = qqi_to_type(type, qqi_sqrt_f32(variance));
    return qqi_to_type(type, deviation * 0.5f);
}

// Ternary codes, value + 1: +1 above t, -1 below -t, else 0. sign: t is 0, and
// zeros count as above.
QQI_FN void qqi_ternary_quantize(const qq_tensor *x, int sign, uint8_t *codes)
{
    const size_t n = qq_tensor_count(x);
    const float t = sign ? 0.0f : qqi_ternary_threshold(x, n);
    float v[QQI_SOME];
    uint8_t code[QQI_SOME];
    size_t k;

    for (size_t at = 0; at < n; at += k) {
        k = qqi_some(n - at);
        qqi_load_values(x->type, x->data, at, k, v);
        for (size_t i = 0; i < k; i++) {
            const int above = v[i] > t || (sign && v[i] >= t);
            code[i] = (uint8_t)(1 + above - (v[i] < -t));
        }
        qqi_pack_codes(2, QQ_ORDER_LOW_FIRST, at, k, code, codes);
    }
}

#endif // QQUANT_ARRAY_EFORMER_INT8_H
