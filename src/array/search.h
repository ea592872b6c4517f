// qquant floor 5: calibrations that go through a tile more than once.
//
// percentile: the k-th smallest magnitude of the n finite numbers,
// k = ceil(p n / 100), found digit by digit from the top of its bits, five at
// a time, by counting; no copy is made and nothing sorted.
//
// absmean with a power p above 2: magnitudes are divided by the largest, so
// that no power overflows, and the root is 2^(log2(mean) / p) in f32.

#ifndef QQUANT_ARRAY_SEARCH_H
#define QQUANT_ARRAY_SEARCH_H

#include "array/calibrate.h"
#include "array/tile.h"
#include "num/round.h"
#include "num/step.h"

// The numbers of one tile, a block at a time.
struct qqi_reader {
    const qq_tensor *x;
    struct qqi_patch patch;
    size_t place; // in the run
    size_t left;
};

QQI_FN void qqi_reader_begin(struct qqi_reader *r, const qq_tensor *x,
                             const struct qqi_tiling *t, size_t tile)
{
    r->x = x;
    qqi_patch_begin(&r->patch, t, tile, 1);
    r->left = 0;
}

// Up to a block of numbers; 0 at the end.
QQI_FN size_t qqi_reader_next(struct qqi_reader *r, float *v)
{
    size_t n = 0;

    while (n < QQI_BLOCK) {
        if (r->left == 0) {
            if (r->patch.runs == 0)
                break;
            r->place = qqi_patch_next(&r->patch);
            r->left = r->patch.run;
        }
        const size_t room = QQI_BLOCK - n;
        const size_t k = r->left < room ? r->left : room;
        qqi_load_floats(r->x->type, r->x->data, r->place, k, v + n);
        r->place += k;
        r->left -= k;
        n += k;
    }
    return n;
}

// --- percentile ------------------------------------------------------------

// Counts the finite magnitudes that agree with prefix above the digit, by
// their digit: bits shift ... shift + 4.
QQI_NOINLINE void qqi_count_digits(const qq_tensor *x,
                                   const struct qqi_tiling *t, size_t tile,
                                   uint32_t prefix, int shift, size_t *count)
{
    struct qqi_reader r;
    float v[QQI_BLOCK];
    size_t n = 0;

    QQ_MEMSET(count, 0, 32 * sizeof *count);
    qqi_reader_begin(&r, x, t, tile);
    while ((n = qqi_reader_next(&r, v)) > 0) {
        for (size_t i = 0; i < n; i++) {
            const uint32_t u = qqi_f32_bits(v[i]) & 0x7fffffffu;
            const uint64_t above = (uint64_t)(u ^ prefix) >> shift >> 5;
            if (u < 0x7f800000u && above == 0)
                count[u >> shift & 31]++;
        }
    }
}

// ceil(p n / 100), from 1 to n.
QQI_FN size_t qqi_percentile_rank(double p, size_t n)
{
    const double k = qqi_mul_f64(p, (double)n) / 100.0;
    const double up = -qqi_floor_f64(-k);

    if (!(up > 1.0))
        return 1;
    return up < (double)n ? (size_t)up : n;
}

QQI_FN float qqi_bound_percentile(const qq_tensor *x,
                                  const struct qqi_tiling *t, size_t tile,
                                  double p)
{
    size_t count[32];
    uint32_t prefix = 0;
    size_t rank = 0; // among the numbers that agree with prefix

    for (int shift = 30; shift >= 0; shift -= 5) {
        uint32_t digit = 0;
        qqi_count_digits(x, t, tile, prefix, shift, count);
        if (shift == 30) {
            const size_t n = count[0] + count[1];
            if (n == 0)
                return 0.0f;
            rank = qqi_percentile_rank(p, n);
        }
        for (; rank > count[digit]; digit++)
            rank -= count[digit];
        prefix |= digit << shift;
    }
    return qqi_f32_of(prefix);
}

// --- powers ----------------------------------------------------------------

// (sum (|x| / top)^p / n)^(1/p) * top * f.
QQI_NOINLINE float qqi_bound_power(const qq_tensor *x,
                                   const struct qqi_tiling *t, size_t tile,
                                   float top, const qq_calibration *c)
{
    const int p = qqi_calib_power(c);
    struct qqi_reader r;
    float v[QQI_BLOCK];
    double sum = 0.0;
    double count = 0.0;
    size_t n = 0;

    if (!(top > 0.0f))
        return 0.0f;
    qqi_reader_begin(&r, x, t, tile);
    while ((n = qqi_reader_next(&r, v)) > 0) {
        for (size_t i = 0; i < n; i++) {
            const double q = (double)qqi_finite_or_zero(v[i]) / (double)top;
            double power = 1.0;
            for (int k = 0; k < p; k++)
                power = qqi_mul_f64(power, qqi_abs_f64(q));
            sum += power;
            count += qqi_is_finite_f32(v[i]) ? 1.0 : 0.0;
        }
    }
    const float mean = qqi_f32_from_f64(sum / count);
    const float root = qqi_exp2_f32(qqi_log2_f32(mean) / (float)p);
    return qqi_bound_f32(qqi_calib_factor(c) * (double)root * (double)top);
}

#endif // QQUANT_ARRAY_SEARCH_H
