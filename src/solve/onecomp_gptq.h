// qquant floor 8: OneCompression's GPTQ, and AutoGPTQ's packing.
//
// Column by column: e = (w - value) / U_jj, w_k -= e U_jk for those to come in
// its block of columns, and for the rest once the block is done. U is the upper
// Cholesky factor of H^-1, in f64 here; weights are f32 all the way.

#ifndef QQUANT_SOLVE_ONECOMP_GPTQ_H
#define QQUANT_SOLVE_ONECOMP_GPTQ_H

#include "matrix/cholesky.h"
#include "solve/onecomp_grid.h"

typedef struct qqi_onecomp {
    size_t n;
    size_t k;
    const qq_gptq_options *o;
    double *a;       // k * k: H, then its factor
    double *u;       // k * k: H^-1, then its factor
    float *w;        // n * k, in the order of decision
    float *base;     // n * k: w without what the present block did
    float *e;        // n * k: errors
    uint32_t *order; // k
    float *scale;    // n: of the present group
    float *zero;
    qqi_factor factor;
    qqi_system system;
} qqi_onecomp;

QQI_FN void qqi_onecomp_place(qqi_onecomp *c, qqi_pieces *p)
{
    const size_t square = qqi_times(c->k, c->k);
    const size_t all = qqi_times(c->n, c->k);

    c->a = (double *)qqi_piece(p, square, sizeof(double));
    c->u = (double *)qqi_piece(p, square, sizeof(double));
    c->w = (float *)qqi_piece(p, all, sizeof(float));
    c->base = (float *)qqi_piece(p, all, sizeof(float));
    c->e = (float *)qqi_piece(p, all, sizeof(float));
    c->order = (uint32_t *)qqi_piece(p, c->k, sizeof(uint32_t));
    c->scale = (float *)qqi_piece(p, c->n, sizeof(float));
    c->zero = (float *)qqi_piece(p, c->n, sizeof(float));
    qqi_factor_place(&c->factor, c->k, 1, p);
    qqi_system_place(&c->system, c->k, p);
}

QQ_API size_t qq_gptq_scratch_size(size_t n, size_t k)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_onecomp c;

    c.n = n;
    c.k = k;
    qqi_onecomp_place(&c, &p);
    return n == 0 || k == 0 ? 0 : qqi_pieces_bytes(&p);
}

// The diagonal entry of H, 1 for a column that was never used.
QQI_INLINE float qqi_onecomp_diagonal(const float *h, size_t k, size_t j)
{
    const float d = h[j * k + j];

    return d > 0.0f || d < 0.0f ? d : 1.0f;
}

// By falling diagonal, of equal ones the first, or as they stand.
QQI_FN void qqi_onecomp_order(const qqi_onecomp *c, const float *h)
{
    for (size_t j = 0; j < c->k; j++) {
        size_t at = j;
        const float d = qqi_onecomp_diagonal(h, c->k, j);
        while (c->o->act_order && at > 0 &&
               d > qqi_onecomp_diagonal(h, c->k, c->order[at - 1])) {
            c->order[at] = c->order[at - 1];
            at--;
        }
        c->order[at] = (uint32_t)j;
    }
}

// a = H in order, with add on its diagonal.
QQI_FN void qqi_onecomp_load(const qqi_onecomp *c, const float *h, float add)
{
    const size_t k = c->k;

    for (size_t i = 0; i < k; i++) {
        for (size_t j = 0; j < k; j++)
            c->a[i * k + j] = (double)h[c->order[i] * k + c->order[j]];
        const float d = qqi_onecomp_diagonal(h, k, c->order[i]);
        c->a[i * k + i] = (double)(d + add);
    }
}

// u = the factor of H^-1; 0 where five attempts fail.
QQI_FN int qqi_onecomp_factor(qqi_onecomp *c, const float *h)
{
    const qqi_threads t = qqi_threads_make(1, NULL, NULL);
    const size_t k = c->k;
    double sum = 0.0;
    float by = 1.0f, times = 1.0f;
    int ok = 0;

    for (size_t j = 0; j < k; j++)
        sum += (double)qqi_onecomp_diagonal(h, k, j);
    const float mean = (float)(sum / (double)k);
    const float damp = qqi_mul_f32((float)c->o->percdamp, mean);
    for (int i = 0; i < 5 && !ok; i++) {
        qqi_onecomp_load(c, h, qqi_mul_f32(damp, times));
        ok = qqi_factor_run(&c->factor, c->a, &t);
        by *= 10.0f;
        times += by;
    }
    if (!ok)
        return 0;
    QQ_MEMSET(c->u, 0, k * k * sizeof(double));
    for (size_t i = 0; i < k; i++)
        c->u[i * k + i] = 1.0;
    c->system.u = c->a;
    for (size_t i = 0; i < k; i += 32)
        qqi_system_solve(&c->system, k - i < 32 ? k - i : 32, c->u + i * k, k);
    return qqi_factor_run(&c->factor, c->u, &t);
}

// Grids of all rows over columns j to j + count - 1.
QQI_FN void qqi_onecomp_grids(const qqi_onecomp *c, const float *w, size_t ldw,
                              size_t count)
{
    qqi_onecomp_grid g;

    g.o = c->o;
    g.rtn = 0;
    g.most = qqi_onecomp_most(c->o);
    for (size_t i = 0; i < c->n; i++) {
        qqi_onecomp_find(&g, w + i * ldw, count);
        c->scale[i] = g.scale;
        c->zero[i] = g.zero;
    }
}

// w -= e u.
QQI_INLINE float qqi_onecomp_pay(float w, float e, double u)
{
    return (float)((double)w - (double)e * (double)(float)u); // exact product
}

// Column j, whose block ends at end.
QQI_FN void qqi_onecomp_column(const qqi_onecomp *c, size_t j, size_t end,
                               uint8_t *codes)
{
    const size_t k = c->k;
    const float most = qqi_onecomp_most(c->o);
    const float d = (float)c->u[j * k + j];

    for (size_t i = 0; i < c->n; i++) {
        float *w = c->w + i * k;
        const float s = c->scale[i], z = c->zero[i];
        const float code = qqi_onecomp_code(w[j], s, z, most);
        const float e = (w[j] - qqi_onecomp_value(code, s, z)) / d;
        codes[i * k + c->order[j]] = (uint8_t)code;
        c->e[i * k + j] = e;
        for (size_t l = j + 1; l < end; l++)
            w[l] = qqi_onecomp_pay(w[l], e, c->u[j * k + l]);
    }
}

// What a block of columns owes to those behind it: a sum, rounded once.
QQI_FN void qqi_onecomp_rest(const qqi_onecomp *c, size_t from, size_t end)
{
    const size_t k = c->k;

    for (size_t i = 0; i < c->n; i++)
        for (size_t l = end; l < k; l++) {
            double sum = 0.0;
            for (size_t j = from; j < end; j++)
                sum += (double)c->e[i * k + j] *
                       (double)(float)c->u[j * k + l]; // exact
            c->base[i * k + l] -= (float)sum;
            c->w[i * k + l] = c->base[i * k + l];
        }
}

// Weights in order, columns that were never used cleared.
QQI_FN void qqi_onecomp_weights(const qqi_onecomp *c, const float *w,
                                size_t ldw, const float *h)
{
    const size_t k = c->k;

    for (size_t j = 0; j < k; j++) {
        const float d = h[c->order[j] * k + c->order[j]];
        const int dead = !(d > 0.0f || d < 0.0f);
        for (size_t i = 0; i < c->n; i++)
            c->base[i * k + j] = c->w[i * k + j] =
                dead ? 0.0f : w[i * ldw + c->order[j]];
    }
}

QQI_FN void qqi_onecomp_run(const qqi_onecomp *c, uint8_t *codes, float *scales,
                            float *zeros)
{
    const size_t k = c->k, n = c->n;
    const size_t group = c->o->group > 0 ? (size_t)c->o->group : 0;
    const size_t block = (size_t)c->o->block;
    size_t at = 0;

    for (size_t from = 0; from < k; from += block) {
        const size_t end = k - from < block ? k : from + block;
        for (size_t j = from; j < end; j++) {
            if (group > 0 && j % group == 0)
                qqi_onecomp_grids(c, c->base + j, k,
                                  k - j < group ? k - j : group);
            if (j == 0 || (group > 0 && j % group == 0)) {
                QQ_MEMCPY(scales + at * n, c->scale, n * sizeof *scales);
                QQ_MEMCPY(zeros + at * n, c->zero, n * sizeof *zeros);
                at++;
            }
            qqi_onecomp_column(c, j, end, codes);
        }
        qqi_onecomp_rest(c, from, end);
    }
}

QQ_API qq_status qq_gptq_solve(size_t n, size_t k, const qq_gptq_options *o,
                               const float *w, size_t ldw, const float *h,
                               uint8_t *codes, float *scales, float *zeros,
                               uint32_t *order, void *scratch,
                               size_t scratch_bytes)
{
    qq_status status = qqi_gptq_check(o, 1, NULL);
    qqi_pieces p = qqi_pieces_make(scratch);
    qqi_onecomp c;

    if (status == QQ_OK)
        status = qqi_check_rows(n, k, w, ldw, sizeof(float));
    if (status == QQ_OK && o->bits > 8)
        status = QQ_ERR_UNSUPPORTED;
    if (status == QQ_OK && n > 0 && k > 0 &&
        (h == NULL || codes == NULL || scales == NULL || zeros == NULL))
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK && k > UINT32_MAX)
        status = QQ_ERR_SIZE;
    if (status == QQ_OK)
        status = qqi_check_scratch(qq_gptq_scratch_size(n, k), scratch,
                                   scratch_bytes);
    if (status != QQ_OK || n == 0 || k == 0)
        return status;
    c.n = n;
    c.k = k;
    c.o = o;
    qqi_onecomp_place(&c, &p);
    qqi_onecomp_order(&c, h);
    if (!qqi_onecomp_factor(&c, h))
        return QQ_ERR_FORMAT;
    if (o->group < 0)
        qqi_onecomp_grids(&c, w, ldw, k);
    qqi_onecomp_weights(&c, w, ldw, h);
    qqi_onecomp_run(&c, codes, scales, zeros);
    if (order != NULL)
        QQ_MEMCPY(order, c.order, k * sizeof *order);
    return QQ_OK;
}

// --- AutoGPTQ's words ------------------------------------------------------

// Code i of a stream of count, which are step words apart where they land.
QQI_FN void qqi_words_put(uint32_t code, unsigned bits, size_t i, size_t step,
                          uint32_t *out)
{
    const uint32_t mask = ((uint32_t)1 << bits) - 1;
    const uint64_t wide = (uint64_t)(code & mask) << (i * bits % 32);
    uint32_t *to = out + i * bits / 32 * step;

    to[0] |= (uint32_t)(wide & 0xffffffffu);
    if (wide >> 32 != 0)
        to[step] |= (uint32_t)(wide >> 32);
}

QQI_FN qq_status qqi_words_check(size_t count, unsigned bits)
{
    if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
        return QQ_ERR_ARGUMENT;
    return count % (bits == 3 ? 32 : 32 / bits) == 0 ? QQ_OK : QQ_ERR_SHAPE;
}

QQ_API qq_status qq_gptq_pack_codes(size_t n, size_t k, unsigned bits,
                                    const uint8_t *codes, uint32_t *packed)
{
    const qq_status status = qqi_words_check(k, bits);

    if (status != QQ_OK)
        return status;
    if (n > 0 && k > 0 && (codes == NULL || packed == NULL))
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(packed, 0, k / 32 * bits * n * 4 + k % 32 * bits / 32 * n * 4);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            qqi_words_put(codes[i * k + j], bits, j, n, packed + i);
    return QQ_OK;
}

QQ_API qq_status qq_gptq_pack_zeros(size_t groups, size_t n, unsigned bits,
                                    const int32_t *zeros, uint32_t *packed)
{
    const qq_status status = qqi_words_check(n, bits);

    if (status != QQ_OK)
        return status;
    if (groups > 0 && n > 0 && (zeros == NULL || packed == NULL))
        return QQ_ERR_ARGUMENT;
    const size_t words = n / 32 * bits + n % 32 * bits / 32;
    QQ_MEMSET(packed, 0, groups * words * sizeof *packed);
    for (size_t g = 0; g < groups; g++)
        for (size_t j = 0; j < n; j++)
            qqi_words_put((uint32_t)zeros[g * n + j], bits, j, 1,
                          packed + g * words);
    return QQ_OK;
}

#endif // QQUANT_SOLVE_ONECOMP_GPTQ_H
