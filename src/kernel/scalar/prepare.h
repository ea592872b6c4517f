// qquant floor 5: what is made of x before it is multiplied, scalar.
//
//   dynamic   M = max |xb|, sx = fl(M / Q), r = fl(Q / M), q = fl(xb * r) to
//             nearest even within -Q ... Q; M below 2^-100: sx = 0, q = 0
//   static    r = fl(1 / sx), q = fl(xb * r) to nearest even + zx, within int8
//
// Q is the largest number whose balanced digits, -128 to 127 each, fit: 127,
// 127 * 256 + 127 = 32639, 127 * 65536 + 32639 = 8355711. M is found among the
// bits of magnitudes, which order like them, NaN and infinity above all.

#ifndef QQUANT_KERNEL_SCALAR_PREPARE_H
#define QQUANT_KERNEL_SCALAR_PREPARE_H

#include "kernel/scalar/core.h"
#include "num/round.h"

// Numbers of x in work at a time.
#define QQI_STRIP ((size_t)64)

// 2^-100 as bits.
#define QQI_TINY ((uint32_t)(127 - 100) << 23)

// A run of numbers that share sx.
typedef struct qqi_run {
    size_t row; // of x
    size_t column;
    size_t k;
    size_t end;
    float r;
    int32_t lo; // limits of q before zero is added
    int32_t hi;
    int32_t zero;
} qqi_run;

// xb of numbers k to k + count - 1 of a row.
QQI_FN void qqi_load_strip(const qqi_product *p, size_t row, size_t k,
                           size_t count, float *v)
{
    const size_t at = row * p->ldx + k;

    if (p->x_type == QQ_TYPE_F32) {
        QQ_MEMCPY(v, p->x + 4 * at, 4 * count);
    } else if (p->x_type == QQ_TYPE_F16) {
        for (size_t i = 0; i < count; i++)
            v[i] = qqi_f32_from_f16(qqi_load_u16(p->x + 2 * (at + i)));
    } else {
        for (size_t i = 0; i < count; i++)
            v[i] = qqi_f32_from_bf16(qqi_load_u16(p->x + 2 * (at + i)));
    }
    for (size_t i = 0; i < count && p->factors != NULL; i++)
        v[i] = qqi_mul_f32(v[i], qqi_load_le_f32(p->factors + 4 * (k + i)));
}

QQI_FN uint32_t qqi_run_largest(const qqi_product *p, const qqi_run *run)
{
    float v[QQI_STRIP];
    uint32_t most = 0;

    for (size_t k = run->k; k < run->end; k += QQI_STRIP) {
        const size_t left = run->end - k;
        const size_t count = QQI_STRIP < left ? QQI_STRIP : left;
        qqi_load_strip(p, run->row, k, count, v);
        for (size_t i = 0; i < count; i++) {
            const uint32_t u = qqi_f32_magnitude(v[i]);
            most = u > most ? u : most;
        }
    }
    return most;
}

// Stores q as digits and adds them to the sums of the span.
QQI_FN void qqi_store_digits(const qqi_product *p, const qqi_columns *g,
                             size_t k, size_t column, int32_t q)
{
    for (size_t d = 0; d < p->digits; d++, column++) {
        const int32_t digit = ((q + 128) & 255) - 128;
        g->q[qqi_columns_at(g, k, column)] = (int8_t)digit;
        g->sum[k / p->span * g->width + column] += digit;
        q = (q - digit) / 256;
    }
}

QQI_FN void qqi_run_codes(const qqi_product *p, const qqi_columns *g,
                          const qqi_run *run)
{
    float v[QQI_STRIP];

    for (size_t k = run->k; k < run->end; k += QQI_STRIP) {
        const size_t left = run->end - k;
        const size_t count = QQI_STRIP < left ? QQI_STRIP : left;
        qqi_load_strip(p, run->row, k, count, v);
        for (size_t i = 0; i < count; i++) {
            const float scaled = qqi_mul_f32(v[i], run->r);
            const int32_t q = qqi_sat_i32(scaled, run->lo, run->hi) + run->zero;
            qqi_store_digits(p, g, k + i, run->column, q);
        }
    }
}

// How numbers whose largest magnitude has the bits u become codes; returns sx.
// Only where that is above 0 they do: else, NaN included, all codes are 0.
QQI_INLINE float qqi_run_rule(const qqi_product *p, uint32_t u, qqi_run *run)
{
    const int32_t most = p->digits == 1   ? 127
                         : p->digits == 2 ? 32639
                                          : 8355711;
    const int fixed = p->input == QQ_INPUT_INT8_STATIC;
    const float largest = qqi_f32_of(u);

    run->zero = fixed ? p->x_zero : 0;
    run->lo = fixed ? -128 - p->x_zero : -most;
    run->hi = fixed ? 127 - p->x_zero : most;
    run->r = 0.0f;
    if (u >= 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (!fixed && u < QQI_TINY)
        return 0.0f;
    run->r = fixed ? 1.0f / p->x_scale : (float)most / largest;
    return fixed ? p->x_scale : largest / (float)most;
}

// sx of a row of x that is int8 already, in tile t.
QQI_FN float qqi_given_scale(const qqi_product *p, size_t row, size_t t)
{
    if (p->input == QQ_INPUT_INT8_STATIC)
        return p->x_scale;
    return p
        ->x_scales[p->input == QQ_INPUT_INT8_ROW ? row : row * p->tiles + t];
}

// And those of row i of a group.
QQI_FN void qqi_given_scales(const qqi_product *p, const qqi_columns *g,
                             size_t i)
{
    const size_t tiles = p->input == QQ_INPUT_INT8_TILE ? p->tiles : 1;

    for (size_t t = 0; t < tiles; t++)
        g->scale[t * g->width + i] = qqi_given_scale(p, g->first + i, t);
}

// Codes of a run; returns sx.
QQI_FN float qqi_run_prepare(const qqi_product *p, const qqi_columns *g,
                             qqi_run *run)
{
    const float sx = qqi_run_rule(p, qqi_run_largest(p, run), run);

    if (sx > 0.0f)
        qqi_run_codes(p, g, run);
    return sx;
}

// A row that is int8 already.
QQI_FN void qqi_row_copy(const qqi_product *p, const qqi_columns *g, size_t i)
{
    const uint8_t *x = p->x + (g->first + i) * p->ldx;

    for (size_t k = 0; k < p->k; k++)
        qqi_store_digits(p, g, k, i, x[k] - ((x[k] & 128) << 1));
    qqi_given_scales(p, g, i);
}

QQI_FN void qqi_prepare_dot_scalar(const qqi_product *p, const qqi_columns *g)
{
    QQ_MEMSET(g->q, 0, p->padded * g->width);
    QQ_MEMSET(g->sum, 0, p->spans * g->width * sizeof g->sum[0]);
    for (size_t i = 0; i < g->count; i++) {
        qqi_run run = {g->first + i, i * p->digits, 0, p->k, 0.0f, 0, 0, 0};
        if (p->x_type == QQ_TYPE_INT8) {
            qqi_row_copy(p, g, i);
        } else if (p->input != QQ_INPUT_INT8_TILE) {
            g->scale[i] = qqi_run_prepare(p, g, &run);
        } else {
            for (size_t t = 0; t < p->tiles; t++) {
                run.k = t * p->tile;
                run.end = qqi_tile_end(p, t);
                g->scale[t * g->width + i] = qqi_run_prepare(p, g, &run);
            }
        }
    }
}

QQI_FN void qqi_prepare_real_scalar(const qqi_product *p, const qqi_columns *g)
{
    float v[QQI_STRIP];

    for (size_t k = 0; k < p->k; k += QQI_STRIP) {
        const size_t count = QQI_STRIP < p->k - k ? QQI_STRIP : p->k - k;
        for (size_t c = 0; c < g->width; c++) {
            if (c < g->count)
                qqi_load_strip(p, g->first + c, k, count, v);
            else
                QQ_MEMSET(v, 0, sizeof v);
            for (size_t i = 0; i < count; i++)
                g->real[(k + i) * g->width + c] = v[i];
        }
    }
}

#endif // QQUANT_KERNEL_SCALAR_PREPARE_H
