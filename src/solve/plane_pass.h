// qquant floor 8: passes over all blocks of planes, starts, and their ends.
//
// A pass does to every block what it is told: signs by GPTQ, signs by descent,
// a; and leaves J of the block and, for the plane whose b comes next, the
// block's part of the gradient.

#ifndef QQUANT_SOLVE_PLANE_PASS_H
#define QQUANT_SOLVE_PLANE_PASS_H

#include "num/exp.h"
#include "num/threefry.h"
#include "solve/plane_columns.h"
#include "solve/plane_rows.h"

// One sweep of row i at a temperature: a sign that makes J larger by dJ flips
// with probability exp(-dJ / T). One plane. Bits: Threefry under (row, seed) at
// (sweep, column).
QQI_FN void qqi_plane_anneal_sweep(const qqi_planes *s, qqi_plane_rows *r,
                                   size_t i, double heat, uint32_t sweep)
{
    const size_t k = s->k, row = r->first + i;
    const qqi_dense_kernel *kernel = qqi_dense_now();
    double *g = r->g + i * k;
    float values[QQI_PLANE_CODES];
    qq_key key;

    key.word[0] = (uint32_t)(row & 0xffffffffu);
    key.word[1] = s->o->seed;
    for (size_t j = 0; j < k; j++) {
        uint32_t word[2];
        uint32_t at[2];
        const double hj = qqi_plane_diagonal(s, j);
        const unsigned code = s->code[row * k + j] ^ 1u;
        qqi_plane_values(s, row, j, values);
        const float e = s->w[row * s->ldw + j] - values[code];
        const float d = (float)((double)r->e[i * k + j] - (double)e);
        const double slope = (double)d * hj - 2.0 * g[j];
        const double more = qqi_mul_f64(slope, (double)d);
        if (!(more < 0.0)) {
            at[0] = sweep;
            at[1] = (uint32_t)(j & 0xffffffffu);
            qq_threefry(key, at, word);
            const float u = (float)(word[0] >> 8) / 16777216.0f;
            if (!(u < qqi_exp_f32((float)(-more / heat))))
                continue;
        }
        s->code[row * k + j] = (uint8_t)code;
        r->e[i * k + j] = e;
        if (s->h == NULL)
            g[j] = (double)e;
        else
            qqi_move_gradient(kernel, k, d, s->h + j * k, g);
    }
}

// From .3 to .003 of the mean of 4 (a b_j)^2 H_jj, geometrically.
QQI_FN void qqi_plane_anneal(const qqi_planes *s, qqi_plane_rows *r)
{
    const size_t k = s->k;
    const unsigned n = s->anneal;
    const float by =
        n > 1 ? qqi_exp_f32(-4.6051702f / (float)(n - 1)) : 1.0f; // ln 100

    for (size_t i = 0; i < r->count; i++) {
        double mean = 0.0;
        for (size_t j = 0; j < k; j++) {
            const double x = (double)s->a[r->first + i] * (double)s->b[j];
            mean += qqi_mul_f64(qqi_mul_f64(x, x), qqi_plane_diagonal(s, j));
        }
        double heat = 1.2 * mean / (double)k;
        for (unsigned sweep = 0; heat > 0.0 && sweep < n; sweep++) {
            qqi_plane_anneal_sweep(s, r, i, heat, sweep);
            heat *= (double)by;
        }
    }
}

// A block's part of sum_i a_i s_ij g_ij, rows from and on.
QQI_FN void qqi_plane_gradient(const qqi_planes *s, const qqi_plane_rows *r,
                               size_t from)
{
    const size_t k = s->k;
    const size_t left = r->count - from;
    const size_t end = from + (left < QQI_BLOCK_ROWS ? left : QQI_BLOCK_ROWS);
    double *to = s->gradient + (r->first + from) / QQI_BLOCK_ROWS * k;

    for (size_t j = 0; j < k; j++)
        to[j] = 0.0;
    for (size_t i = from; i < end; i++) {
        const size_t row = r->first + i;
        const double a = (double)s->a[s->plane * s->n + row];
        for (size_t j = 0; j < k; j++) {
            const double x = qqi_mul_f64(a, r->g[i * k + j]);
            const uint64_t minus = ~s->code[row * k + j] >> s->plane & 1;
            to[j] += qqi_f64_of(qqi_f64_bits(x) ^ minus << 63);
        }
    }
}

// a, and what stands where a round ends.
QQI_FN void qqi_plane_round_ends(const qqi_planes *s, qqi_plane_rows *r)
{
    const size_t at = r->first * s->k;

    qqi_plane_residual(s, r);
    qqi_plane_fit_a(s, r);
    qqi_plane_errors(s, r);
    for (size_t i = at; i < at + r->count * s->k; i++)
        s->best_code[i] = (uint8_t)((s->best_code[i] & 15) | s->code[i] << 4);
    for (unsigned p = 0; p < s->count; p++)
        QQ_MEMCPY(s->end_a + p * s->n + r->first, s->a + p * s->n + r->first,
                  r->count * sizeof(float));
}

QQI_FN void qqi_plane_block(const qqi_planes *s, qqi_plane_rows *r)
{
    if (s->before)
        qqi_plane_round_ends(s, r);
    if (s->gptq)
        qqi_plane_gptq(s, r);
    if (s->gptq || !s->before)
        qqi_plane_residual(s, r);
    if (s->anneal > 0)
        qqi_plane_anneal(s, r);
    for (size_t i = 0; i < r->count; i++)
        for (int n = 0; n < s->descend; n++)
            if (qqi_plane_sweep(s, r, i) == 0)
                break;
    if (s->fit_a)
        qqi_plane_fit_a(s, r);
    else if (s->descend > 0)
        qqi_plane_residual(s, r);
    if (!s->before)
        qqi_plane_errors(s, r);
    for (size_t i = 0; s->fit_b && i < r->count; i += QQI_BLOCK_ROWS)
        qqi_plane_gradient(s, r, i);
}

// Without H, of one plane and when nothing is to change: J of some blocks,
// whose sums overlap. More than one, up to 8, are whole.
QQI_FN void qqi_plane_look(const qqi_planes *s, size_t block, size_t count)
{
    const qqi_dense_kernel *kernel = qqi_dense_now();
    const size_t first = block * QQI_BLOCK_ROWS;
    double sum[QQI_PASS_SHORT];

    for (size_t l = 0; l < QQI_PASS_SHORT; l++)
        sum[l] = 0.0;
    for (size_t i = first; i < first + QQI_BLOCK_ROWS && i < s->n; i++) {
        qqi_signed p;
        size_t done = 0;
        p.w = s->w + i * s->ldw;
        p.ldw = QQI_BLOCK_ROWS * s->ldw;
        p.code = s->code + i * s->k;
        p.ldc = QQI_BLOCK_ROWS * s->k;
        p.a = s->a + i;
        p.lda = QQI_BLOCK_ROWS;
        p.b = s->b;
        if (count == QQI_PASS_SHORT && kernel->rest != NULL) {
            done = s->k / QQI_PASS_STEP * QQI_PASS_STEP;
            kernel->rest(&p, done, sum);
        }
        p.w += done;
        p.code += done;
        p.b += done;
        qqi_pass_rest_scalar(&p, count, s->k - done, sum);
    }
    for (size_t l = 0; l < count; l++)
        s->error[block + l] = sum[l];
}

// How many blocks of those from b to end - 1 are looked at together.
QQI_FN size_t qqi_plane_together(const qqi_planes *s, size_t b, size_t end)
{
    const size_t whole = s->n / QQI_BLOCK_ROWS;
    const size_t left = (end < whole ? end : whole) - b;

    return b >= whole || left < 4 ? 1 : left < QQI_PASS_SHORT ? 4 : 8;
}

QQI_INLINE size_t qqi_plane_blocks(const qqi_planes *s)
{
    return s->n / QQI_BLOCK_ROWS + (s->n % QQI_BLOCK_ROWS > 0);
}

QQI_FN void qqi_plane_part(void *arg, size_t part)
{
    const qqi_planes *s = (const qqi_planes *)arg;
    qqi_pieces p = qqi_pieces_make(s->rooms + part * s->room_bytes);
    qqi_plane_rows r;
    size_t from, to;

    const size_t blocks = qqi_plane_blocks(s);
    if (s->look) {
        qqi_share(blocks, s->o->parts, part, &from, &to);
        for (size_t b = from, count; b < to; b += count) {
            count = qqi_plane_together(s, b, to);
            qqi_plane_look(s, b, count);
        }
        return;
    }
    qqi_plane_rows_place(s, &r, &p);
    if (s->descend > 0)
        qqi_plane_diagonals(s, &r);
    qqi_share((blocks + 1) / 2, s->o->parts, part, &from, &to);
    for (size_t b = from; b < to; b++) {
        const size_t left = s->n - b * QQI_PLANE_ROWS;
        r.first = b * QQI_PLANE_ROWS;
        r.count = left < QQI_PLANE_ROWS ? left : QQI_PLANE_ROWS;
        qqi_plane_block(s, &r);
    }
}

// A pass over all blocks: J.
QQI_FN double qqi_plane_pass(qqi_planes *s, int gptq, int fit_a, int descend)
{
    const qqi_threads t =
        qqi_threads_make(s->o->parts, s->o->parallel, s->o->parallel_user);
    double all = 0.0;

    s->gptq = gptq && s->lower != NULL;
    s->fit_a = fit_a;
    s->descend = descend;
    s->look = s->h == NULL && s->count == 1 && !s->gptq && !fit_a &&
              !s->fit_b && descend == 0 && s->anneal == 0;
    qqi_threads_run(&t, qqi_plane_part, s);
    for (size_t b = 0; b < qqi_plane_blocks(s); b++)
        all += s->error[b];
    return all;
}

// --- the best so far -------------------------------------------------------

QQI_FN void qqi_plane_keep(qqi_planes *s, double error)
{
    if (!(error < s->best))
        return;
    s->best = error;
    QQ_MEMCPY(s->best_a, s->a, s->count * s->n * sizeof(float));
    QQ_MEMCPY(s->best_b, s->b, s->count * s->k * sizeof(float));
    if (s->best_code != s->code)
        QQ_MEMCPY(s->best_code, s->code, s->n * s->k);
}

// ended: as it was where the round ended.
QQI_FN void qqi_plane_save(const qqi_planes *s, int ended)
{
    QQ_MEMCPY(s->save_a, ended ? s->end_a : s->a,
              s->count * s->n * sizeof(float));
    QQ_MEMCPY(s->save_b, s->b, s->count * s->k * sizeof(float));
    for (size_t i = 0; ended && i < s->n * s->k; i++)
        s->save_code[i] = (uint8_t)(s->best_code[i] >> 4);
    if (!ended)
        QQ_MEMCPY(s->save_code, s->code, s->n * s->k);
}

QQI_FN void qqi_plane_load(const qqi_planes *s)
{
    QQ_MEMCPY(s->a, s->save_a, s->count * s->n * sizeof(float));
    QQ_MEMCPY(s->b, s->save_b, s->count * s->k * sizeof(float));
    QQ_MEMCPY(s->code, s->save_code, s->n * s->k);
}

// Signs out of a and b, and the same largest magnitude in both.
QQI_FN void qqi_plane_gauge(const qqi_planes *s, unsigned p)
{
    const size_t n = s->n, k = s->k;
    float *a = s->a + p * n, *b = s->b + p * k;
    const unsigned bit = 1u << p;
    float most_a = 0.0f, most_b = 0.0f;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; a[i] < 0.0f && j < k; j++)
            s->code[i * k + j] = (uint8_t)(s->code[i * k + j] ^ bit);
        a[i] = qqi_abs_f32(a[i]);
        most_a = a[i] > most_a ? a[i] : most_a;
    }
    for (size_t j = 0; j < k; j++) {
        for (size_t i = 0; b[j] < 0.0f && i < n; i++)
            s->code[i * k + j] = (uint8_t)(s->code[i * k + j] ^ bit);
        b[j] = qqi_abs_f32(b[j]);
        most_b = b[j] > most_b ? b[j] : most_b;
    }
    if (!(most_a > 0.0f) || !(most_b > 0.0f))
        return;
    const double g = qqi_sqrt_f64((double)most_b / (double)most_a);
    for (size_t i = 0; i < n; i++)
        a[i] = (float)((double)a[i] * g);
    for (size_t j = 0; j < k; j++)
        b[j] = (float)((double)b[j] / g);
}

// Rounded to halves that are finite.
QQI_FN void qqi_halves(size_t count, float *x)
{
    for (size_t i = 0; i < count; i++) {
        const float h = qqi_f32_from_f16(qqi_f16_from_f32(x[i]));
        x[i] = h > 65504.0f ? 65504.0f : h < -65504.0f ? -65504.0f : h;
    }
}

// What is about to be kept, as it is stored: b rounded, a solved once more and
// rounded (solve: else rounded only). Its J.
QQI_FN double qqi_plane_finish(qqi_planes *s, int solve)
{
    for (unsigned p = 0; p < s->count; p++)
        qqi_plane_gauge(s, p);
    if (s->o->f16)
        qqi_halves(s->count * s->k, s->b);
    if (solve)
        qqi_plane_pass(s, 0, 1, 0);
    if (s->o->f16)
        qqi_halves(s->count * s->n, s->a);
    return qqi_plane_pass(s, 0, 0, 0);
}

#endif // QQUANT_SOLVE_PLANE_PASS_H
