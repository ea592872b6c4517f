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

// Codes of a run; returns sx.
QQI_FN float qqi_run_prepare(const qqi_product *p, const qqi_columns *g,
                             qqi_run *run)
{
    const int32_t most = p->digits == 1   ? 127
                         : p->digits == 2 ? 32639
                                          : 8355711;
    const uint32_t u = qqi_run_largest(p, run);
    const float largest = qqi_f32_of(u);

    if (u >= 0x7f800000u)
        return qqi_f32_of((uint32_t)QQI_F32_NAN);
    if (p->input == QQ_INPUT_INT8_STATIC) {
        run->r = 1.0f / p->x_scale;
        run->zero = p->x_zero;
        run->lo = -128 - run->zero;
        run->hi = 127 - run->zero;
        qqi_run_codes(p, g, run);
        return p->x_scale;
    }
    if (u < QQI_TINY)
        return 0.0f;
    run->r = (float)most / largest;
    run->zero = 0;
    run->lo = -most;
    run->hi = most;
    qqi_run_codes(p, g, run);
    return largest / (float)most;
}

// A row that is int8 already.
QQI_FN void qqi_row_copy(const qqi_product *p, const qqi_columns *g, size_t i)
{
    const uint8_t *x = p->x + (g->first + i) * p->ldx;

    for (size_t k = 0; k < p->k; k++)
        qqi_store_digits(p, g, k, i, x[k] - ((x[k] & 128) << 1));
    if (p->input == QQ_INPUT_INT8_STATIC)
        g->scale[i] = p->x_scale;
    else if (p->input == QQ_INPUT_INT8_ROW)
        g->scale[i] = p->x_scales[g->first + i];
    else
        for (size_t t = 0; t < p->tiles; t++)
            g->scale[t * g->width + i] =
                p->x_scales[(g->first + i) * p->tiles + t];
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
