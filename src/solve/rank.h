// qquant floor 8: the best correction of rank r under H.
//
// tr((E - L) H (E - L)^T) is least for L = P P^T E, the columns of P being the
// leading eigenvectors of E H E^T: so left = P and right = P^T E. P comes from
// power iteration of r vectors at once, made orthogonal every time: vectors
// in f32, sums in f64.

#ifndef QQUANT_SOLVE_RANK_H
#define QQUANT_SOLVE_RANK_H

#include "solve/svid.h"

#define QQI_RANK_ROUNDS 100

typedef struct qqi_rank {
    size_t n;
    size_t k;
    size_t r;
    const float *e;
    size_t lde;
    const float *h;
    float *p;    // r * n
    double *x;   // r * n
    double *y;   // k
    float *q;    // k
    float *z;    // k
    float *ones; // max(n, k)
    double *v;   // max(n, k): of products
} qqi_rank;

QQI_FN void qqi_rank_place(qqi_rank *s, qqi_pieces *p)
{
    const size_t all = qqi_times(s->r, s->n);

    s->p = (float *)qqi_piece(p, all, sizeof(float));
    s->x = (double *)qqi_piece(p, all, sizeof(double));
    s->y = (double *)qqi_piece(p, s->k, sizeof(double));
    s->q = (float *)qqi_piece(p, s->k, sizeof(float));
    s->z = (float *)qqi_piece(p, s->k, sizeof(float));
    const size_t most = s->n > s->k ? s->n : s->k;
    s->ones = (float *)qqi_piece(p, most, sizeof(float));
    s->v = (double *)qqi_piece(p, most, sizeof(double));
}

QQ_API size_t qq_rank_scratch_size(size_t n, size_t k, size_t r)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_rank s;

    s.n = n;
    s.k = k;
    s.r = r;
    qqi_rank_place(&s, &p);
    return n == 0 || k == 0 || r == 0 ? 0 : qqi_pieces_bytes(&p);
}

// x = E v (right) or E^T v.
QQI_FN void qqi_rank_multiply(const qqi_rank *s, int right, const float *v,
                              double *x)
{
    const size_t most = s->n > s->k ? s->n : s->k;
    const qqi_weighed e = qqi_svid_matrix(s->e, s->lde, 0, s->ones, most);

    qqi_svid_product(&e, s->n, s->k, NULL, right, v, s->v, x);
}

// x of vector v = E H E^T p.
QQI_FN void qqi_rank_apply(const qqi_rank *s, size_t v)
{
    const size_t n = s->n, k = s->k;

    qqi_rank_multiply(s, 0, s->p + v * n, s->y);
    qqi_normalize(k, s->y, s->q);
    const qqi_weighed h = qqi_svid_matrix(s->h, k, 0, s->ones, k);
    qqi_svid_product(&h, k, k, NULL, 1, s->q, s->v, s->y);
    qqi_normalize(k, s->y, s->z);
    qqi_rank_multiply(s, 1, s->z, s->x + v * n);
}

QQI_FN double qqi_rank_most(size_t n, const double *x)
{
    double most = 0.0;

    for (size_t i = 0; i < n; i++)
        most = qqi_abs_f64(x[i]) > most ? qqi_abs_f64(x[i]) : most;
    return most;
}

// p of vector v from x, orthogonal to those before it; twice, for what
// rounding leaves. How far p moved.
QQI_FN float qqi_rank_orthogonal(const qqi_rank *s, size_t v)
{
    const size_t n = s->n;
    double *x = s->x + v * n;
    float *p = s->p + v * n;
    float moved = 0.0f, other = 0.0f;
    const double before_all = qqi_rank_most(n, x);

    for (size_t u = 0; u < 2 * v; u++) {
        const float *before = s->p + u % v * n;
        double sum = 0.0;
        for (size_t i = 0; i < n; i++)
            sum += qqi_mul_f64(x[i], (double)before[i]);
        for (size_t i = 0; i < n; i++)
            x[i] -= qqi_mul_f64(sum, (double)before[i]);
    }
    double most = qqi_rank_most(n, x), square = 0.0;
    // What is left of a vector that the others span is noise.
    if (most < 1e-6 * before_all)
        most = 0.0;
    for (size_t i = 0; i < n; i++) {
        x[i] = most > 0.0 ? x[i] / most : 0.0;
        square += qqi_mul_f64(x[i], x[i]);
    }
    const double norm = qqi_sqrt_f64(square);
    for (size_t i = 0; i < n; i++) {
        const float now = norm > 0.0 ? (float)(x[i] / norm) : 0.0f;
        const float d = qqi_abs_f32(now - p[i]);
        const float e = qqi_abs_f32(now + p[i]);
        moved = d > moved ? d : moved;
        other = e > other ? e : other;
        p[i] = now;
    }
    return moved < other ? moved : other;
}

// Starts that no two vectors share: 1 / (1 + |i - v|), signs by turns.
QQI_FN void qqi_rank_start(const qqi_rank *s)
{
    for (size_t v = 0; v < s->r; v++)
        for (size_t i = 0; i < s->n; i++) {
            const size_t far = i > v ? i - v : v - i;
            const float x = 1.0f / (float)(1 + far);
            s->p[v * s->n + i] = (i * (v + 1) / 2) % 2 ? -x : x;
        }
}

QQ_API qq_status qq_rank_correct(size_t n, size_t k, size_t r, const float *e,
                                 size_t lde, const float *h, size_t h_bytes,
                                 float *left, float *right, void *scratch,
                                 size_t scratch_bytes)
{
    qqi_pieces p = qqi_pieces_make(scratch);
    qq_status status = qqi_check_rows(n, k, e, lde, sizeof(float));
    int quiet = 0;
    qqi_rank s;

    if (status == QQ_OK && !qqi_rows_finite(n, k, e, lde))
        status = QQ_ERR_FORMAT;
    if (status == QQ_OK)
        status = qq_hessian_check(k, h, h_bytes);
    if (status == QQ_OK && r > 0 &&
        ((n > 0 && left == NULL) || (k > 0 && right == NULL)))
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_check_scratch(qq_rank_scratch_size(n, k, r), scratch,
                                   scratch_bytes);
    if (status != QQ_OK || n == 0 || k == 0 || r == 0)
        return status;
    s.n = n;
    s.k = k;
    s.r = r;
    qqi_rank_place(&s, &p);
    s.e = e;
    s.lde = lde;
    s.h = h;
    qqi_rank_start(&s);
    for (int i = 0; i < QQI_RANK_ROUNDS && quiet < 2; i++) {
        float moved = 0.0f;
        for (size_t v = 0; v < r; v++)
            qqi_rank_apply(&s, v);
        for (size_t v = 0; v < r; v++) {
            const float m = qqi_rank_orthogonal(&s, v);
            moved = m > moved ? m : moved;
        }
        quiet = moved < 1e-6f ? quiet + 1 : 0;
    }
    for (size_t v = 0; v < r; v++) {
        for (size_t i = 0; i < n; i++)
            left[i * r + v] = s.p[v * n + i];
        qqi_rank_multiply(&s, 0, s.p + v * n, s.y);
        for (size_t j = 0; j < k; j++)
            right[v * k + j] = (float)s.y[j];
    }
    return QQ_OK;
}

#endif // QQUANT_SOLVE_RANK_H
