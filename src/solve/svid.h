// qquant floor 8: the largest singular value of a matrix and its vectors.
//
//   u = P v / |P v|,  v = P^T u / |P^T u|
//
// Vectors are f32, sums f64 in order of the index summed over, so that every
// product is exact. For P >= 0 the pair is unique up to its sign, and a start
// of ones leads there; the gap is large for weights, smaller with outliers, so
// the rounds end when v stands still.

#ifndef QQUANT_SOLVE_SVID_H
#define QQUANT_SOLVE_SVID_H

#include "solve/balance.h"

// x / |x| in floats; the norm. Zeros where that is 0.
QQI_FN double qqi_normalize(size_t n, const double *x, float *y)
{
    double sum = 0.0, most = 0.0;

    for (size_t i = 0; i < n; i++)
        most = qqi_abs_f64(x[i]) > most ? qqi_abs_f64(x[i]) : most;
    if (!(most > 0.0)) {
        for (size_t i = 0; i < n; i++)
            y[i] = most < 0.0 || most > 0.0 ? 0.0f : (float)x[i];
        return most;
    }
    for (size_t i = 0; i < n; i++)
        sum += qqi_mul_f64(x[i], x[i]);
    const double norm = qqi_sqrt_f64(sum);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(x[i] / norm);
    return norm;
}

// |p|, or p.
QQI_INLINE double qqi_svid_entry(float p, int absolute)
{
    return (double)(absolute ? qqi_abs_f32(p) : p);
}

// x = P v: 4 rows at a time, so that their sums can overlap.
QQI_FN void qqi_svid_right(size_t n, size_t k, const float *p, size_t ldp,
                           int absolute, const float *v, double *x)
{
    for (size_t i = 0; i < n; i += 4) {
        const float *r0 = p + i * ldp;
        const float *r1 = i + 1 < n ? r0 + ldp : r0;
        const float *r2 = i + 2 < n ? r1 + ldp : r0;
        const float *r3 = i + 3 < n ? r2 + ldp : r0;
        double s[4] = {0.0, 0.0, 0.0, 0.0};
        for (size_t j = 0; j < k; j++) {
            const double y = (double)v[j];
            s[0] += qqi_svid_entry(r0[j], absolute) * y;
            s[1] += qqi_svid_entry(r1[j], absolute) * y;
            s[2] += qqi_svid_entry(r2[j], absolute) * y;
            s[3] += qqi_svid_entry(r3[j], absolute) * y;
        }
        for (size_t l = 0; l < 4 && i + l < n; l++)
            x[i + l] = s[l];
    }
}

// x = P^T u.
QQI_FN void qqi_svid_left(size_t n, size_t k, const float *p, size_t ldp,
                          int absolute, const float *u, double *x)
{
    for (size_t j = 0; j < k; j++)
        x[j] = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double y = (double)u[i];
        for (size_t j = 0; j < k; j++)
            x[j] += y * qqi_svid_entry(p[i * ldp + j], absolute);
    }
}

typedef struct qqi_svid {
    size_t n;
    size_t k;
    const float *p;
    size_t ldp;
    int absolute; // |p| is meant
    float *u;     // n
    float *v;     // k
    float *old;   // k
    double *x;    // max(n, k)
} qqi_svid;

QQI_FN void qqi_svid_place(qqi_svid *s, qqi_pieces *p)
{
    s->u = (float *)qqi_piece(p, s->n, sizeof(float));
    s->v = (float *)qqi_piece(p, s->k, sizeof(float));
    s->old = (float *)qqi_piece(p, s->k, sizeof(float));
    s->x = (double *)qqi_piece(p, s->n > s->k ? s->n : s->k, sizeof(double));
}

// One round; 0 where P v or P^T u is 0, and v stays (or has become 0).
QQI_FN int qqi_svid_round(const qqi_svid *s)
{
    qqi_svid_right(s->n, s->k, s->p, s->ldp, s->absolute, s->v, s->x);
    if (!(qqi_normalize(s->n, s->x, s->u) > 0.0))
        return 0;
    qqi_svid_left(s->n, s->k, s->p, s->ldp, s->absolute, s->u, s->x);
    return qqi_normalize(s->k, s->x, s->v) > 0.0;
}

// u = P v / |P v|, zeros where that is 0; the norm.
QQI_FN double qqi_svid_end(const qqi_svid *s)
{
    qqi_svid_right(s->n, s->k, s->p, s->ldp, s->absolute, s->v, s->x);
    const double sigma = qqi_normalize(s->n, s->x, s->u);
    for (size_t i = 0; !(sigma > 0.0) && i < s->n; i++)
        s->u[i] = 0.0f;
    return sigma;
}

// From start, or from ones (NULL), so many rounds.
QQI_FN void qqi_svid_start(const qqi_svid *s, const float *start)
{
    double sum = 0.0;

    for (size_t j = 0; j < s->k; j++) {
        const double x = start != NULL ? (double)start[j] : 1.0;
        sum += x * x; // exact, x being a float
    }
    const double norm = qqi_sqrt_f64(sum);
    for (size_t j = 0; j < s->k; j++) {
        const double x = start != NULL ? (double)start[j] : 1.0;
        s->v[j] = norm > 0.0 ? (float)(x / norm) : 0.0f;
    }
}

// Rounds from ones until v moves by no more than 2^-24 twice, at most 300.
QQI_FN double qqi_svid_still(const qqi_svid *s)
{
    int quiet = 0;

    qqi_svid_start(s, NULL);
    for (int i = 0; i < 300 && quiet < 2; i++) {
        float moved = 0.0f;
        QQ_MEMCPY(s->old, s->v, s->k * sizeof *s->v);
        if (!qqi_svid_round(s))
            break;
        for (size_t j = 0; j < s->k; j++) {
            const float d = qqi_abs_f32(s->v[j] - s->old[j]);
            moved = d > moved ? d : moved;
        }
        quiet = moved <= 5.9604644775390625e-8f ? quiet + 1 : 0;
    }
    return qqi_svid_end(s);
}

QQ_API size_t qq_power_iteration_scratch_size(size_t n, size_t k)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_svid s;

    s.n = n;
    s.k = k;
    qqi_svid_place(&s, &p);
    return qqi_pieces_bytes(&p);
}

QQ_API qq_status qq_power_iteration(size_t n, size_t k, unsigned rounds,
                                    const float *matrix, size_t ldm,
                                    const float *start, float *u, float *v,
                                    float *sigma, void *scratch,
                                    size_t scratch_bytes)
{
    qqi_pieces p = qqi_pieces_make(scratch);
    qq_status status = qqi_check_rows(n, k, matrix, ldm, sizeof(float));
    qqi_svid s;

    if (status == QQ_OK &&
        ((n > 0 && u == NULL) || (k > 0 && v == NULL) || sigma == NULL))
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK && !qqi_rows_finite(n, k, matrix, ldm))
        status = QQ_ERR_FORMAT;
    if (status == QQ_OK)
        status = qqi_check_scratch(qq_power_iteration_scratch_size(n, k),
                                   scratch, scratch_bytes);
    if (status != QQ_OK)
        return status;
    s.n = n;
    s.k = k;
    qqi_svid_place(&s, &p);
    s.p = matrix;
    s.ldp = ldm;
    s.absolute = 0;
    qqi_svid_start(&s, start);
    for (unsigned i = 0; i < rounds; i++)
        if (!qqi_svid_round(&s))
            break;
    *sigma = (float)qqi_svid_end(&s);
    QQ_MEMCPY(u, s.u, n * sizeof *u);
    QQ_MEMCPY(v, s.v, k * sizeof *v);
    return QQ_OK;
}

#endif // QQUANT_SOLVE_SVID_H
