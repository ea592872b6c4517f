// qquant floor 8: moments: sums over rows of x, as api/moments.h states them.
//
// Rows are taken 128 at a time, as floats, so that the sums seldom pass through
// the caches. A part owns every parts-th block of 64 rows of the sums: each sum
// is made by one part, row after row.

#ifndef QQUANT_SOLVE_MOMENTS_H
#define QQUANT_SOLVE_MOMENTS_H

#include "api/moments.h"
#include "codec/many.h"
#include "matrix/dense.h"
#include "matrix/parts.h"

// What the two calls leave: "mop1" and "mom1".
#define QQI_MOMENTS_OPTIONS_INIT 0x31706f6du
#define QQI_MOMENTS_INIT         0x316d6f6du

#define QQI_MOMENTS_ROWS  ((size_t)128)
#define QQI_MOMENTS_BLOCK ((size_t)64)

// Sums below which threads are not worth waking for that.
#define QQI_MOMENTS_SMALL ((size_t)1 << 14)

QQ_API qq_moments_options qq_moments_options_init(void)
{
    qq_moments_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_MOMENTS_OPTIONS_INIT;
    o.kind = QQ_MOMENTS_FULL;
    o.parts = 1;
    return o;
}

QQI_FN int qqi_moments_options_ok(const qq_moments_options *o)
{
    return o->init == QQI_MOMENTS_OPTIONS_INIT && o->parts > 0 &&
           o->kind >= QQ_MOMENTS_FULL && o->kind <= QQ_MOMENTS_NONE;
}

// The sums of x^2: how many numbers.
QQI_FN size_t qqi_moments_squares(qq_moments_kind kind, size_t k)
{
    return kind == QQ_MOMENTS_FULL       ? qqi_times(k, k)
           : kind == QQ_MOMENTS_DIAGONAL ? k
                                         : 0;
}

QQI_FN void qqi_moments_place(qq_moments *m, qqi_pieces *p)
{
    const size_t f64 = sizeof(double);

    m->square = (double *)qqi_piece(p, qqi_moments_squares(m->kind, m->k), f64);
    m->sum = (double *)qqi_piece(p, m->k, f64);
    m->cross = (double *)qqi_piece(p, qqi_times(m->outputs, m->k), f64);
    m->other = (double *)qqi_piece(p, m->outputs, f64);
}

QQI_FN void qqi_moments_describe(qq_moments *m, size_t k,
                                 const qq_moments_options *o)
{
    QQ_MEMSET(m, 0, sizeof *m);
    m->init = QQI_MOMENTS_INIT;
    m->kind = o->kind;
    m->k = k;
    m->outputs = o->outputs;
}

QQ_API size_t qq_moments_size(size_t k, const qq_moments_options *o)
{
    const qq_moments_options defaults = qq_moments_options_init();
    qqi_pieces p = qqi_pieces_make(NULL);
    qq_moments m;

    if (o == NULL)
        o = &defaults;
    if (!qqi_moments_options_ok(o))
        return SIZE_MAX;
    qqi_moments_describe(&m, k, o);
    qqi_moments_place(&m, &p);
    return qqi_pieces_bytes(&p);
}

QQ_API qq_status qq_moments_make(size_t k, const qq_moments_options *o,
                                 void *memory, size_t bytes, qq_moments *m)
{
    const qq_moments_options defaults = qq_moments_options_init();
    qqi_pieces p = qqi_pieces_make(memory);

    if (o == NULL)
        o = &defaults;
    const size_t need = qq_moments_size(k, o);
    if (m == NULL || !qqi_moments_options_ok(o) || (need > 0 && memory == NULL))
        return QQ_ERR_ARGUMENT;
    if (need == SIZE_MAX || bytes < need)
        return QQ_ERR_SIZE;
    qqi_moments_describe(m, k, o);
    if (need > 0) {
        qqi_moments_place(m, &p);
        QQ_MEMSET(p.base, 0, p.at);
    }
    return QQ_OK;
}

// --- updates ---------------------------------------------------------------

typedef struct qqi_moments_step {
    const qq_moments *m;
    size_t rows;
    const float *x; // rows of k
    const float *y; // rows of outputs
    double *room;   // for every part
    size_t parts;
} qqi_moments_step;

// The floats of as many rows.
QQI_FN void qqi_moments_rows(qqi_moments_step *s, float **x, float **y,
                             qqi_pieces *p)
{
    const size_t k = qqi_times(QQI_MOMENTS_ROWS, s->m->k);
    const size_t outputs = qqi_times(QQI_MOMENTS_ROWS, s->m->outputs);

    *x = (float *)qqi_piece(p, k, sizeof(float));
    *y = (float *)qqi_piece(p, outputs, sizeof(float));
    s->room = (double *)qqi_piece(p, s->parts, QQI_DENSE_ROOM * sizeof(double));
}

QQI_FN size_t qqi_moments_scratch(const qq_moments *m, size_t parts)
{
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_moments_step s;
    float *x, *y;

    s.m = m;
    s.parts = parts;
    qqi_moments_rows(&s, &x, &y, &p);
    return qqi_pieces_bytes(&p);
}

QQI_FN int qqi_moments_ok(const qq_moments *m)
{
    return m != NULL && m->init == QQI_MOMENTS_INIT;
}

QQ_API size_t qq_moments_scratch_size(const qq_moments *m,
                                      const qq_moments_options *o)
{
    const qq_moments_options defaults = qq_moments_options_init();

    if (o == NULL)
        o = &defaults;
    if (!qqi_moments_ok(m) || !qqi_moments_options_ok(o))
        return SIZE_MAX;
    return qqi_moments_scratch(m, o->parts);
}

// sum[j] += x[j] over all rows.
QQI_FN void qqi_moments_sum(size_t rows, size_t k, const float *x, double *sum)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < k; j++)
            sum[j] += (double)x[r * k + j];
}

QQI_FN void qqi_moments_diagonal(size_t rows, size_t k, const float *x,
                                 double *square)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < k; j++) {
            const double v = (double)x[r * k + j];
            square[j] += v * v; // exact
        }
}

// Rows i and on of sums of a column of left times a row of x.
QQI_FN void qqi_moments_block(const qqi_moments_step *s, const float *left,
                              size_t width, double *sums, size_t i, int upper,
                              double *room)
{
    const size_t k = s->m->k;
    const size_t more = width - i;
    const size_t rows = more < QQI_MOMENTS_BLOCK ? more : QQI_MOMENTS_BLOCK;
    const size_t from = upper ? i : 0;
    qqi_dense d = qqi_dense_make(rows, k - from, s->rows, left + i, 1,
                                 s->x + from, k, sums + i * k + from, k);

    d.a_step = width;
    d.upper = upper;
    qqi_dense_add(&d, room);
}

QQI_FN void qqi_moments_part(void *arg, size_t part)
{
    const qqi_moments_step *s = (const qqi_moments_step *)arg;
    const qq_moments *m = s->m;
    const size_t step = s->parts * QQI_MOMENTS_BLOCK;
    double *room = s->room + part * QQI_DENSE_ROOM;

    if (part == 0) {
        qqi_moments_sum(s->rows, m->k, s->x, m->sum);
        qqi_moments_sum(s->rows, m->outputs, s->y, m->other);
        if (m->kind == QQ_MOMENTS_DIAGONAL)
            qqi_moments_diagonal(s->rows, m->k, s->x, m->square);
    }
    if (m->kind == QQ_MOMENTS_FULL)
        for (size_t i = part * QQI_MOMENTS_BLOCK; i < m->k; i += step)
            qqi_moments_block(s, s->x, m->k, m->square, i, 1, room);
    for (size_t i = part * QQI_MOMENTS_BLOCK; i < m->outputs; i += step)
        qqi_moments_block(s, s->y, m->outputs, m->cross, i, 0, room);
}

QQI_FN qq_status qqi_moments_check(const qq_moments *m,
                                   const qq_moments_options *o, size_t rows,
                                   qq_type type, const void *x, size_t ldx,
                                   const void *y, size_t ldy)
{
    if (!qqi_moments_ok(m) || !qqi_moments_options_ok(o))
        return QQ_ERR_ARGUMENT;
    if (rows > UINT64_MAX - m->count)
        return QQ_ERR_SIZE;
    if (type != QQ_TYPE_F32 && type != QQ_TYPE_F16 && type != QQ_TYPE_BF16)
        return QQ_ERR_TYPE;
    const size_t bytes = qq_type_bits(type) / 8;
    const qq_status status = qqi_check_rows(rows, m->k, x, ldx, bytes);
    if (status != QQ_OK)
        return status;
    return m->outputs > 0 ? qqi_check_rows(rows, m->outputs, y, ldy, bytes)
                          : QQ_OK;
}

// Rows first and on as floats without gaps.
QQI_FN void qqi_moments_load(qq_type type, const void *from, size_t ld,
                             size_t first, size_t rows, size_t k, float *to)
{
    for (size_t r = 0; r < rows; r++)
        qqi_load_values(type, from, (first + r) * ld, k, to + r * k);
}

QQ_API qq_status qq_moments_update(qq_moments *m, const qq_moments_options *o,
                                   size_t rows, qq_type type, const void *x,
                                   size_t ldx, const void *y, size_t ldy,
                                   void *scratch, size_t scratch_bytes)
{
    const qq_moments_options defaults = qq_moments_options_init();
    qqi_moments_step s;
    float *to_x, *to_y;

    if (o == NULL)
        o = &defaults;
    qq_status status = qqi_moments_check(m, o, rows, type, x, ldx, y, ldy);
    if (status != QQ_OK)
        return status;
    status = qqi_check_scratch(qqi_moments_scratch(m, o->parts), scratch,
                               scratch_bytes);
    if (status != QQ_OK)
        return status;
    qqi_pieces p = qqi_pieces_make(scratch);
    const size_t work = m->k > 0 ? QQI_MOMENTS_SMALL / m->k : SIZE_MAX;
    const int small = m->k <= work && m->outputs <= work;
    const qqi_threads t = qqi_threads_make(o->parts, small ? NULL : o->parallel,
                                           o->parallel_user);
    s.m = m;
    s.parts = o->parts;
    qqi_moments_rows(&s, &to_x, &to_y, &p);
    s.x = to_x;
    s.y = to_y;
    for (size_t i = 0; i < rows; i += s.rows) {
        s.rows = rows - i < QQI_MOMENTS_ROWS ? rows - i : QQI_MOMENTS_ROWS;
        qqi_moments_load(type, x, ldx, i, s.rows, m->k, to_x);
        qqi_moments_load(type, y, ldy, i, s.rows, m->outputs, to_y);
        qqi_threads_run(&t, qqi_moments_part, &s);
    }
    m->count += rows;
    return QQ_OK;
}

#endif // QQUANT_SOLVE_MOMENTS_H
