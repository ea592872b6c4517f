// qquant floor 8: OneBit: options, memory, and the original's answer.

#ifndef QQUANT_SOLVE_ONEBIT_H
#define QQUANT_SOLVE_ONEBIT_H

#include "matrix/cholesky.h"
#include "solve/signs.h"
#include "solve/svid.h"

// What the two calls leave: "obo1" and "onb1".
#define QQI_ONEBIT_OPTIONS_INIT 0x316f626fu
#define QQI_ONEBIT_INIT         0x31626e6fu

QQ_API qq_onebit_options qq_onebit_options_init(void)
{
    qq_onebit_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_ONEBIT_OPTIONS_INIT;
    o.mode = QQ_ONEBIT_BEST;
    o.iters = 10;
    o.importance = 1;
    o.balancing = 1;
    o.balance_iters = 40;
    o.balance_alpha = 1.0;
    o.planes = 1;
    o.rounds = 8;
    o.sweeps = 2;
    o.f16 = 1;
    o.parts = 1;
    return o;
}

QQ_API qq_status qq_onebit_options_check(const qq_onebit_options *o,
                                         uint32_t *bad)
{
    uint32_t mask = 0;

    if (bad != NULL)
        *bad = 0;
    if (o == NULL || o->init != QQI_ONEBIT_OPTIONS_INIT)
        return QQ_ERR_ARGUMENT;
    mask |= o->mode < QQ_ONEBIT_BEST || o->mode > QQ_ONEBIT_COMPAT ? 1u : 0u;
    mask |= o->iters < 0 ? 2u : 0u;
    mask |= o->balancing && o->balance_iters < 1 ? 16u : 0u;
    mask |= o->balancing && !(o->balance_alpha > 0.0) ? 32u : 0u;
    mask |= o->planes < 1 || o->planes > QQ_ONEBIT_MAX_PLANES ||
                    (o->planes > 1 && o->mode != QQ_ONEBIT_BEST)
                ? 64u
                : 0u;
    mask |= o->parts == 0 ? 1024u : 0u;
    if (bad != NULL)
        *bad = mask;
    return mask == 0 ? QQ_OK : QQ_ERR_ARGUMENT;
}

// The answer's pieces: a, b, signs, factors.
typedef struct qqi_onebit_out {
    float *a;
    float *b;
    uint8_t *sign[QQ_ONEBIT_MAX_PLANES];
    float *rows;
    float *columns;
} qqi_onebit_out;

QQI_FN void qqi_onebit_place(size_t n, size_t k, const qq_onebit_options *o,
                             qqi_onebit_out *t, qqi_pieces *p)
{
    const int factors = o->mode == QQ_ONEBIT_COMPAT && o->balancing;

    QQ_MEMSET(t, 0, sizeof *t);
    t->a = (float *)qqi_piece(p, qqi_times(o->planes, n), sizeof(float));
    t->b = (float *)qqi_piece(p, qqi_times(o->planes, k), sizeof(float));
    for (unsigned i = 0; i < o->planes; i++) {
        const size_t count = qqi_times(n, k);
        t->sign[i] = (uint8_t *)qqi_piece(
            p, count == SIZE_MAX ? SIZE_MAX : qqi_sign_bytes(count), 1);
    }
    if (factors) {
        t->rows = (float *)qqi_piece(p, n, sizeof(float));
        t->columns = (float *)qqi_piece(p, k, sizeof(float));
    }
}

QQ_API size_t qq_onebit_size(size_t n, size_t k, const qq_onebit_options *o)
{
    const qq_onebit_options defaults = qq_onebit_options_init();
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_onebit_out t;

    if (o == NULL)
        o = &defaults;
    if (qq_onebit_options_check(o, NULL) != QQ_OK)
        return SIZE_MAX;
    qqi_onebit_place(n, k, o, &t, &p);
    return qqi_pieces_bytes(&p);
}

// The view of an answer.
QQI_FN void qqi_onebit_view(size_t n, size_t k, const qq_onebit_options *o,
                            const qqi_onebit_out *t, qq_onebit *r)
{
    const size_t shape[2] = {n, k};

    QQ_MEMSET(r, 0, sizeof *r);
    r->init = QQI_ONEBIT_INIT;
    r->planes = o->planes;
    r->n = n;
    r->k = k;
    r->a = t->a;
    r->b = t->b;
    for (unsigned i = 0; i < o->planes; i++)
        r->sign[i] = qq_tensor_make(t->sign[i], QQ_TYPE_SIGN, 2, shape);
    r->rows = t->rows;
    r->columns = t->columns;
}

// Bit i of packed signs, low bits first, as -1 or 1.
QQI_INLINE float qqi_sign_float(const uint8_t *sign, size_t i)
{
    return sign[i / 8] >> (i % 8) & 1 ? 1.0f : -1.0f;
}

QQI_FN void qqi_sign_put(uint8_t *sign, size_t i, int plus)
{
    const unsigned bit = 1u << (i % 8);

    sign[i / 8] =
        (uint8_t)(plus ? sign[i / 8] | bit : sign[i / 8] & (255u ^ bit));
}

QQ_API qq_status qq_onebit_values(const qq_onebit *r, float *v, size_t ldv)
{
    if (r == NULL || r->init != QQI_ONEBIT_INIT)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_check_rows(r->n, r->k, v, ldv, sizeof(float));
    if (status != QQ_OK)
        return status;
    for (size_t i = 0; i < r->n; i++)
        for (size_t j = 0; j < r->k; j++) {
            float sum = 0.0f;
            for (unsigned p = 0; p < r->planes; p++) {
                const uint8_t *sign = (const uint8_t *)r->sign[p].data;
                const float s = qqi_sign_float(sign, i * r->k + j);
                const float as = r->a[p * r->n + i] * s;
                const float x = qqi_mul_f32(as, r->b[p * r->k + j]);
                sum = p == 0 ? x : sum + x;
            }
            if (r->rows != NULL)
                sum = sum / (r->rows[i] * r->columns[j]);
            v[i * ldv + j] = sum;
        }
    return QQ_OK;
}

// --- the original ----------------------------------------------------------

// What the original's solver and ours need to find a and b of |W'|.
typedef struct qqi_onebit_work {
    size_t n;
    size_t k;
    const float *w;
    size_t ldw;
    const float *h; // k * k, or NULL
    float *scaled;  // n * k: W'
    float *rows;    // n: factors of W', or norms
    float *columns; // k
    qqi_svid svid;
    qqi_balance balance;
} qqi_onebit_work;

QQI_FN void qqi_onebit_work_place(qqi_onebit_work *s, qqi_pieces *p)
{
    s->scaled = (float *)qqi_piece(p, qqi_times(s->n, s->k), sizeof(float));
    s->rows = (float *)qqi_piece(p, s->n, sizeof(float));
    s->columns = (float *)qqi_piece(p, s->k, sizeof(float));
    s->svid.n = s->n;
    s->svid.k = s->k;
    qqi_svid_place(&s->svid, p);
    s->balance.n = s->n;
    s->balance.k = s->k;
    qqi_balance_place(&s->balance, p);
}

// Balancing: factors in rows and columns, W' in scaled.
QQI_FN void qqi_onebit_balance(qqi_onebit_work *s, const qq_onebit_options *o,
                               int compat)
{
    qq_balance_options b = qq_balance_options_init();
    qq_balance_result r;
    qqi_balance *t = &s->balance;

    b.compat = compat;
    b.rounds = (unsigned)o->balance_iters;
    b.alpha = o->balance_alpha;
    t->o = &b;
    t->w = s->w;
    t->ldw = s->ldw;
    qqi_balance_aim(t);
    qqi_balance_run(t, &r);
    t->o = NULL;
    for (size_t i = 0; i < s->n; i++)
        s->rows[i] = (float)t->d[i];
    for (size_t j = 0; j < s->k; j++)
        s->columns[j] = (float)t->e[j];
}

// fl(fl(W rows) columns).
QQI_FN void qqi_onebit_scale(const qqi_onebit_work *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->k; j++)
            s->scaled[i * s->k + j] =
                s->w[i * s->ldw + j] * s->rows[i] * s->columns[j];
}

// sqrt of what a column or row counts, with the original's floors.
QQI_INLINE float qqi_onebit_norm(float x)
{
    const float root = qqi_sqrt_f32(x);

    return root < 1e-8f ? 1e-8f : root; // NaN stays
}

QQI_FN void qqi_onebit_norms(const qqi_onebit_work *s,
                             const qq_onebit_options *o)
{
    for (size_t i = 0; i < s->n; i++)
        s->rows[i] = o->importance && o->output_norm != NULL
                         ? qqi_onebit_norm(o->output_norm[i])
                         : 1.0f;
    for (size_t j = 0; j < s->k; j++) {
        float x = 1.0f;
        if (o->importance && o->input_norm != NULL) {
            x = qqi_onebit_norm(o->input_norm[j]);
        } else if (o->importance && s->h != NULL) {
            const float d = s->h[j * s->k + j];
            x = qqi_onebit_norm(d < 1e-8f ? 1e-8f : d);
        }
        s->columns[j] = x;
    }
}

// a = u sqrt(sigma), b = v sqrt(sigma), of norms made equal; f32 all the way.
QQI_FN void qqi_onebit_split(const qqi_svid *s, double sigma, float *a,
                             float *b)
{
    const float root = qqi_sqrt_f32((float)sigma + 1e-12f);
    double x = 0.0, y = 0.0;

    for (size_t i = 0; i < s->n; i++) {
        a[i] = qqi_abs_f32(s->u[i]) * root;
        x += (double)a[i] * (double)a[i];
    }
    for (size_t j = 0; j < s->k; j++) {
        b[j] = qqi_abs_f32(s->v[j]) * root;
        y += (double)b[j] * (double)b[j];
    }
    const float an = (float)qqi_sqrt_f64(x) + 1e-12f;
    const float bn = (float)qqi_sqrt_f64(y) + 1e-12f;
    const float g = qqi_sqrt_f32(bn / an);
    for (size_t i = 0; i < s->n; i++)
        a[i] = a[i] * g;
    for (size_t j = 0; j < s->k; j++)
        b[j] = b[j] / g;
}

// a and b of |W'| as the original finds them.
QQI_FN void qqi_onebit_rank1(qqi_onebit_work *s, const qq_onebit_options *o,
                             float *a, float *b)
{
    qqi_svid *v = &s->svid;
    double sigma;

    qqi_svid_of(v, s->scaled, s->k, 1);
    if (s->n < 1000000 / s->k + (1000000 % s->k > 0)) {
        sigma = qqi_svid_still(v);
        if (!(sigma > 0.0)) { // any unit vectors
            v->u[0] = 1.0f;
            v->v[0] = 1.0f;
        }
    } else {
        const int rounds = o->iters > 30 ? o->iters : 30;
        qqi_svid_start(v, o->start);
        for (int i = 0; i < rounds; i++)
            if (!qqi_svid_round(v))
                break;
        sigma = qqi_svid_end(v);
    }
    qqi_onebit_split(v, sigma, a, b);
}

// The original's solver. QQ_ERR_FORMAT where its answer is not finite.
QQI_FN qq_status qqi_onebit_compat(qqi_onebit_work *s,
                                   const qq_onebit_options *o,
                                   const qqi_onebit_out *t)
{
    if (o->balancing)
        qqi_onebit_balance(s, o, 1);
    else
        qqi_onebit_norms(s, o);
    qqi_onebit_scale(s);
    if (!qqi_rows_finite(s->n, s->k, s->scaled, s->k))
        return QQ_ERR_FORMAT;
    QQ_MEMSET(t->sign[0], 0, qqi_sign_bytes(s->n * s->k));
    for (size_t i = 0; i < s->n * s->k; i++)
        qqi_sign_put(t->sign[0], i, s->scaled[i] >= 0.0f);
    qqi_onebit_rank1(s, o, t->a, t->b);
    if (o->balancing) {
        QQ_MEMCPY(t->rows, s->rows, s->n * sizeof(float));
        QQ_MEMCPY(t->columns, s->columns, s->k * sizeof(float));
        return QQ_OK;
    }
    for (size_t i = 0; i < s->n; i++)
        t->a[i] = t->a[i] / s->rows[i];
    for (size_t j = 0; j < s->k; j++)
        t->b[j] = t->b[j] / s->columns[j];
    return QQ_OK;
}

#endif // QQUANT_SOLVE_ONEBIT_H
