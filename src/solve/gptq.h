// qquant floor 8: GPTQ: codes column by column, each paying for those before.
//
// With H = U^T U, U upper, in the order reversed,
//
//   J = |U e|^2,  (U e)_s = U_ss e_s + sum over j > s of U_sj e_j,
//
// so that going from the last place to the first every code can make its own
// term as small as it will go, whatever the later ones do: it is the one
// nearest to w_s + (sum over j > s of U_sj e_j) / U_ss. These are the codes of
// GPTQ, without an inverse. lower is U^T, in floats. The sum of s runs over
// blocks of 64 places from the last one on; within the block of s itself from
// its end, within others from their beginning.

#ifndef QQUANT_SOLVE_GPTQ_H
#define QQUANT_SOLVE_GPTQ_H

#include "solve/block.h"

#define QQI_GPTQ_COLUMNS ((size_t)64)

// What a factor of H needs.
typedef struct qqi_ordered {
    double *a;     // k * k
    float *lower;  // k * k, of which the lower triangle is made
    size_t *order; // the column at each place
    qqi_factor factor;
} qqi_ordered;

QQI_FN void qqi_ordered_place(qqi_ordered *f, size_t k, size_t parts,
                              qqi_pieces *p)
{
    const size_t square = qqi_times(k, k);

    f->a = (double *)qqi_piece(p, square, sizeof(double));
    f->lower = (float *)qqi_piece(p, square, sizeof(float));
    f->order = (size_t *)qqi_piece(p, k, sizeof(size_t));
    qqi_factor_place(&f->factor, k, parts, p);
}

// 1 where column x goes before y: the larger diagonal, then the lower index.
QQI_INLINE int qqi_goes_before(const float *h, size_t k, size_t x, size_t y)
{
    const float a = h[x * k + x], b = h[y * k + y];

    return a > b || (!(a < b) && x < y);
}

QQI_FN void qqi_sift(const float *h, size_t k, size_t *o, size_t i, size_t n)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            return;
        if (child + 1 < n && qqi_goes_before(h, k, o[child + 1], o[child]))
            child++;
        if (!qqi_goes_before(h, k, o[child], o[i]))
            return;
        const size_t x = o[i];
        o[i] = o[child];
        o[child] = x;
        i = child;
    }
}

// The last place is decided first.
QQI_FN void qqi_order_columns(qq_columns order, const float *h, size_t k,
                              size_t *o)
{
    for (size_t i = 0; i < k; i++)
        o[i] = k - 1 - i;
    if (order == QQ_COLUMNS_NATURAL)
        return;
    for (size_t i = k / 2; i > 0; i--)
        qqi_sift(h, k, o, i - 1, k);
    for (size_t n = k; n > 1; n--) { // the first to go moves to the end
        const size_t x = o[0];
        o[0] = o[n - 1];
        o[n - 1] = x;
        qqi_sift(h, k, o, 0, n - 1);
    }
}

// 0 where H is not positive definite.
QQI_FN int qqi_ordered_make(qqi_ordered *f, qq_columns order, const float *h,
                            size_t k, const qqi_threads *t)
{
    qqi_order_columns(order, h, k, f->order);
    for (size_t i = 0; i < k; i++)
        for (size_t j = i; j < k; j++)
            f->a[i * k + j] = (double)h[f->order[i] * k + f->order[j]];
    if (!qqi_factor_run(&f->factor, f->a, t))
        return 0;
    for (size_t i = 0; i < k; i += 32)
        for (size_t j = 0; j <= i + 31 && j < k; j++)
            for (size_t l = i; l < i + 32 && l < k; l++)
                if (j <= l)
                    f->lower[l * k + j] = (float)f->a[j * k + l];
    return 1;
}

// One row, places from to end - 1, from the last one on. p: the sums; e: the
// errors, by place.
QQI_FN void qqi_gptq_row(const qqi_fitting *c, qqi_rows *r, size_t i,
                         size_t from, size_t end)
{
    const qq_fit *f = c->f;
    const size_t k = f->k;
    const float *w = qqi_rows_weights(c, r, i);
    const qqi_dense_kernel *kernel = qqi_dense_now();
    double *p = r->p + i * k;

    for (size_t s = end; s > from;) {
        s--;
        const float *row = c->lower + s * k;
        const size_t j = c->order[s];
        const size_t t = j / f->tile;
        const float scale = r->scale[i * f->tiles + t];
        const float offset = qqi_rows_offset(c, r, i, t);
        const double want = (double)w[j] + p[s] / (double)row[s];
        unsigned code = qqi_nearest(&f->grid, 0.0);
        if (scale > 0.0f || scale < 0.0f)
            code =
                qqi_nearest(&f->grid, (want - (double)offset) / (double)scale);
        const float v = qqi_decoded(scale, qqi_level(&f->grid, code), offset,
                                    r->offset != NULL);
        const float e = w[j] - v;
        r->code[i * k + j] = (uint8_t)code;
        r->e[i * k + s] = e;
        kernel->move(s - from, e, row + from, p + from);
    }
}

QQI_FN void qqi_rows_gptq(const qqi_fitting *c, qqi_rows *r)
{
    const size_t k = c->f->k;

    QQ_MEMSET(r->p, 0, r->count * k * sizeof(double));
    for (size_t end = k; end > 0;) {
        const size_t from = (end - 1) / QQI_GPTQ_COLUMNS * QQI_GPTQ_COLUMNS;
        for (size_t i = 0; i < r->count; i++)
            qqi_gptq_row(c, r, i, from, end);
        const qqi_dense d =
            qqi_dense_make(r->count, from, end - from, r->e + from, k,
                           c->lower + from * k, k, r->p, k);
        qqi_dense_add(&d, r->space);
        end = from;
    }
}

#endif // QQUANT_SOLVE_GPTQ_H
