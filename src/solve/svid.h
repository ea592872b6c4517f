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

#include "matrix/linear.h"
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

typedef struct qqi_svid {
    size_t n;
    size_t k;
    qqi_weighed p;
    const qqi_threads *threads; // NULL: one part
    float *u;                   // n
    float *v;                   // k
    float *old;                 // k
    float *ones;                // max(n, k)
    double *x;                  // max(n, k)
    double *y;                  // max(n, k)
} qqi_svid;

QQI_FN void qqi_svid_place(qqi_svid *s, qqi_pieces *p)
{
    s->u = (float *)qqi_piece(p, s->n, sizeof(float));
    s->v = (float *)qqi_piece(p, s->k, sizeof(float));
    s->old = (float *)qqi_piece(p, s->k, sizeof(float));
    const size_t most = s->n > s->k ? s->n : s->k;
    s->ones = (float *)qqi_piece(p, most, sizeof(float));
    s->x = (double *)qqi_piece(p, most, sizeof(double));
    s->y = (double *)qqi_piece(p, most, sizeof(double));
    s->threads = NULL;
}

// A matrix as it is, or its magnitudes; ones: as many as rows and as columns.
QQI_FN qqi_weighed qqi_svid_matrix(const float *p, size_t ldp, int absolute,
                                   float *ones, size_t most)
{
    qqi_weighed w;

    for (size_t i = 0; i < most; i++)
        ones[i] = 1.0f;
    w.w = p;
    w.ldw = ldp;
    w.rows = w.columns = ones;
    w.mask = absolute ? 0x7fffffffu : 0xffffffffu;
    return w;
}

// The matrix to find a pair of.
QQI_FN void qqi_svid_of(qqi_svid *s, const float *p, size_t ldp, int absolute)
{
    s->p =
        qqi_svid_matrix(p, ldp, absolute, s->ones, s->n > s->k ? s->n : s->k);
}

// x = P v (right) or P^T v, P being n * k; y: room for v as f64.
QQI_FN void qqi_svid_product(const qqi_weighed *w, size_t n, size_t k,
                             const qqi_threads *threads, int right,
                             const float *v, double *y, double *x)
{
    qqi_linear p;

    QQ_MEMSET(&p, 0, sizeof p);
    p.n = n;
    p.k = k;
    p.weighed = *w;
    p.v = y;
    p.x = x;
    for (size_t i = 0; i < (right ? k : n); i++)
        y[i] = (double)v[i];
    qqi_linear_run(&p, threads,
                   right ? qqi_linear_right_part : qqi_linear_left_part);
}

QQI_FN void qqi_svid_multiply(const qqi_svid *s, int right, const float *v)
{
    qqi_svid_product(&s->p, s->n, s->k, s->threads, right, v, s->y, s->x);
}

// One round; 0 where P v or P^T u is 0, and v stays (or has become 0).
QQI_FN int qqi_svid_round(const qqi_svid *s)
{
    qqi_svid_multiply(s, 1, s->v);
    if (!(qqi_normalize(s->n, s->x, s->u) > 0.0))
        return 0;
    qqi_svid_multiply(s, 0, s->u);
    return qqi_normalize(s->k, s->x, s->v) > 0.0;
}

// u = P v / |P v|, zeros where that is 0; the norm.
QQI_FN double qqi_svid_end(const qqi_svid *s)
{
    qqi_svid_multiply(s, 1, s->v);
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
    qqi_svid_of(&s, matrix, ldm, 0);
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
