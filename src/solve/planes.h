// qquant floor 8: binary planes: V = sum over p of a_p s_p b_p.
//
// The signs of all planes of one weight are one code: bit p is plane p's, 1 for
// plus. Blocks of 32 rows, as in solve/block.h, two of them at a time:
//
//   v = the sum over p of +-fl(a_p b_p), in f32, plane after plane
//   e = fl(W - v), g = e H (f64; without H: e itself)

#ifndef QQUANT_SOLVE_PLANES_H
#define QQUANT_SOLVE_PLANES_H

#include "solve/block.h"
#include "solve/descend.h"
#include "solve/gptq.h"
#include "solve/onebit.h"

#define QQI_PLANE_CODES (1u << QQ_ONEBIT_MAX_PLANES)
#define QQI_PLANE_ROWS  (2 * QQI_BLOCK_ROWS)

typedef struct qqi_planes {
    size_t n;
    size_t k;
    unsigned count;
    const float *w;
    size_t ldw;
    const float *h; // k * k, or NULL: the unit matrix
    const qq_onebit_options *o;
    float *a;      // count * n
    float *b;      // count * k
    uint8_t *code; // n * k
    float *save_a; // of the best round so far, not rounded
    float *save_b;
    uint8_t *save_code;
    float *best_a; // of the best candidate, as it is stored
    float *best_b;
    uint8_t *best_code; // and, above its 4 bits, codes where a round ended
    float *end_a;       // a there
    double best;
    double *error;    // of every block
    double *gradient; // blocks * k
    uint8_t *rooms;
    size_t room_bytes;
    const float *lower; // of GPTQ
    const size_t *order;
    unsigned plane; // whose b is solved
    int gptq;       // 1: this pass begins with GPTQ
    int fit_a;
    int fit_b;  // the gradient of b is wanted
    int before; // 1: the pass begins with a, and J is that of then
    int descend;
    int look; // 1: only J is wanted, of one plane without H
    unsigned anneal;
} qqi_planes;

// Two blocks of rows, in a part's room.
typedef struct qqi_plane_rows {
    size_t first;
    size_t count;
    float *e;         // 64 * k
    float *t;         // 64 * k: s b of a plane
    double *g;        // 64 * k
    double *p;        // planes * 64 * k
    double *diagonal; // k: of H, where signs are swept
    double *space;
} qqi_plane_rows;

QQI_FN void qqi_plane_rows_place(const qqi_planes *s, qqi_plane_rows *r,
                                 qqi_pieces *p)
{
    const size_t wide = qqi_times(QQI_PLANE_ROWS, s->k);

    r->e = (float *)qqi_piece(p, wide, sizeof(float));
    r->t = (float *)qqi_piece(p, wide, sizeof(float));
    r->g = (double *)qqi_piece(p, wide, sizeof(double));
    r->p = (double *)qqi_piece(p, qqi_times(s->count, wide), sizeof(double));
    r->diagonal = (double *)qqi_piece(p, s->k, sizeof(double));
    r->space = (double *)qqi_piece(p, QQI_DENSE_ROOM, sizeof(double));
}

// The 2^K values that a weight can have, K being count.
QQI_INLINE void qqi_plane_values_of(const qqi_planes *s, unsigned count,
                                    size_t i, size_t j, float *values)
{
    const unsigned codes = 1u << count;
    float x[QQ_ONEBIT_MAX_PLANES];

    for (unsigned p = 0; p < count; p++)
        x[p] = qqi_mul_f32(s->a[p * s->n + i], s->b[p * s->k + j]);
    for (unsigned c = 0; c < codes; c++) {
        float v = c & 1 ? x[0] : -x[0];
        for (unsigned p = 1; p < count; p++)
            v += c >> p & 1 ? x[p] : -x[p];
        values[c] = v;
    }
}

QQI_INLINE void qqi_plane_values(const qqi_planes *s, size_t i, size_t j,
                                 float *values)
{
    qqi_plane_values_of(s, s->count, i, j, values);
}

// The code whose value is nearest to x; of equal ones the lowest.
QQI_INLINE unsigned qqi_plane_nearest(const float *values, unsigned codes,
                                      double x)
{
    double best = qqi_abs_f64(x - (double)values[0]);
    unsigned at = 0;

    for (unsigned c = 1; c < codes; c++) {
        const double d = qqi_abs_f64(x - (double)values[c]);
        if (d < best) {
            best = d;
            at = c;
        }
    }
    return at;
}

QQI_INLINE float qqi_plane_sign(unsigned code, unsigned p)
{
    return code >> p & 1 ? 1.0f : -1.0f;
}

// That times x. No branch: signs are as good as random.
QQI_INLINE float qqi_plane_signed(unsigned code, unsigned p, float x)
{
    const uint32_t minus = (uint32_t)(~code >> p & 1) << 31;

    return qqi_f32_of(qqi_f32_bits(x) ^ minus);
}

// out = rows of x times H.
QQI_FN void qqi_plane_product(const qqi_planes *s, const qqi_plane_rows *r,
                              const float *x, double *out)
{
    const size_t k = s->k;

    if (s->h == NULL) {
        for (size_t i = 0; i < r->count * k; i++)
            out[i] = (double)x[i];
        return;
    }
    QQ_MEMSET(out, 0, r->count * k * sizeof *out);
    const qqi_dense d = qqi_dense_make(r->count, k, k, x, k, s->h, k, out, k);
    qqi_dense_add(&d, r->space);
}

// e where there is one plane.
QQI_INLINE float qqi_plane_rest(const qqi_planes *s, size_t i, size_t j)
{
    const float x = qqi_mul_f32(s->a[i], s->b[j]);

    return s->w[i * s->ldw + j] - qqi_plane_signed(s->code[i * s->k + j], 0, x);
}

// e and g of the codes, a and b.
QQI_FN void qqi_plane_residual(const qqi_planes *s, qqi_plane_rows *r)
{
    const size_t k = s->k;
    float values[QQI_PLANE_CODES];

    for (size_t i = 0; i < r->count; i++) {
        const size_t row = r->first + i;
        for (size_t j = 0; s->count == 1 && j < k; j++)
            r->e[i * k + j] = qqi_plane_rest(s, row, j);
        for (size_t j = 0; s->count > 1 && j < k; j++) {
            qqi_plane_values(s, row, j, values);
            r->e[i * k + j] =
                s->w[row * s->ldw + j] - values[s->code[row * k + j]];
        }
    }
    qqi_plane_product(s, r, r->e, r->g);
}

// J of each block.
QQI_FN void qqi_plane_errors(const qqi_planes *s, const qqi_plane_rows *r)
{
    for (size_t from = 0; from < r->count; from += QQI_BLOCK_ROWS) {
        const size_t left = r->count - from;
        const size_t rows = left < QQI_BLOCK_ROWS ? left : QQI_BLOCK_ROWS;
        const float *e = r->e + from * s->k;
        const double *g = r->g + from * s->k;
        double all = 0.0;
        for (size_t i = 0; i < rows * s->k; i++)
            all += qqi_mul_f64((double)e[i], g[i]);
        s->error[(r->first + from) / QQI_BLOCK_ROWS] = all;
    }
}

// --- signs -----------------------------------------------------------------

QQI_INLINE double qqi_plane_diagonal(const qqi_planes *s, size_t j)
{
    return s->h != NULL ? (double)s->h[j * s->k + j] : 1.0;
}

QQI_FN void qqi_plane_diagonals(const qqi_planes *s, qqi_plane_rows *r)
{
    for (size_t j = 0; j < s->k; j++)
        r->diagonal[j] = qqi_plane_diagonal(s, j);
}

// One sweep of a row: as in solve/descend.h.
QQI_INLINE size_t qqi_plane_sweep_of(const qqi_planes *s, qqi_plane_rows *r,
                                     size_t i, unsigned count)
{
    const size_t k = s->k, row = r->first + i;
    const qqi_dense_kernel *kernel = qqi_dense_now();
    double *g = r->g + i * k;
    float values[QQI_PLANE_CODES];
    size_t changed = 0;

    for (size_t j = 0; j < k; j++) {
        const double hj = r->diagonal[j];
        const unsigned old = s->code[row * k + j];
        if (!(hj > 0.0))
            continue;
        qqi_plane_values_of(s, count, row, j, values);
        const unsigned code = qqi_plane_nearest(
            values, 1u << count, (double)values[old] + g[j] / hj);
        if (code == old)
            continue;
        const float e = s->w[row * s->ldw + j] - values[code];
        const float d = (float)((double)r->e[i * k + j] - (double)e);
        const double slope = (double)d * hj - 2.0 * g[j];
        if (!(d > 0.0f ? slope < 0.0 : d < 0.0f && slope > 0.0))
            continue;
        s->code[row * k + j] = (uint8_t)code;
        r->e[i * k + j] = e;
        if (s->h == NULL)
            g[j] = (double)e;
        else
            qqi_move_gradient(kernel, k, d, s->h + j * k, g);
        changed++;
    }
    return changed;
}

QQI_FN size_t qqi_plane_sweep(const qqi_planes *s, qqi_plane_rows *r, size_t i)
{
    return s->count == 1 ? qqi_plane_sweep_of(s, r, i, 1)
                         : qqi_plane_sweep_of(s, r, i, s->count);
}

// A row's places from to end - 1: as in solve/gptq.h, on 2^K values.
QQI_FN void qqi_plane_gptq_row(const qqi_planes *s, qqi_plane_rows *r, size_t i,
                               size_t from, size_t end)
{
    const size_t k = s->k, row = r->first + i;
    const qqi_dense_kernel *kernel = qqi_dense_now();
    double *p = r->g + i * k;
    float values[QQI_PLANE_CODES];

    for (size_t at = end; at > from;) {
        at--;
        const float *l = s->lower + at * k;
        const size_t j = s->order[at];
        const float w = s->w[row * s->ldw + j];
        qqi_plane_values(s, row, j, values);
        const unsigned code = qqi_plane_nearest(
            values, 1u << s->count, (double)w + p[at] / (double)l[at]);
        const float e = w - values[code];
        s->code[row * k + j] = (uint8_t)code;
        r->e[i * k + at] = e;
        kernel->move(at - from, e, l + from, p + from);
    }
}

QQI_FN void qqi_plane_gptq(const qqi_planes *s, qqi_plane_rows *r)
{
    const size_t k = s->k;

    QQ_MEMSET(r->g, 0, r->count * k * sizeof *r->g);
    for (size_t end = k; end > 0;) {
        const size_t from = (end - 1) / QQI_GPTQ_COLUMNS * QQI_GPTQ_COLUMNS;
        for (size_t i = 0; i < r->count; i++)
            qqi_plane_gptq_row(s, r, i, from, end);
        const qqi_dense d =
            qqi_dense_make(r->count, from, end - from, r->e + from, k,
                           s->lower + from * k, k, r->g, k);
        qqi_dense_add(&d, r->space);
        end = from;
    }
}

#endif // QQUANT_SOLVE_PLANES_H
