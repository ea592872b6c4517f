// qquant floor 5: dense linear algebra in plain C: see kernel/dense.h. Of the
// passes any count of rows is done.

#ifndef QQUANT_KERNEL_SCALAR_DENSE_H
#define QQUANT_KERNEL_SCALAR_DENSE_H

#include "kernel/dense.h"
#include "num/step.h"

// --- tiles -----------------------------------------------------------------

#define QQI_TILE_ROWS_SCALAR    ((size_t)4)
#define QQI_TILE_COLUMNS_SCALAR ((size_t)8)

// A row at a time: eight chains side by side.
QQI_FN void qqi_gemm_tile_scalar(size_t depth, const float *a, const float *b,
                                 size_t ldb, float *c, size_t ldc, int how)
{
    for (size_t i = 0; i < QQI_TILE_ROWS_SCALAR; i++) {
        float s[QQI_TILE_COLUMNS_SCALAR];
        for (size_t j = 0; j < QQI_TILE_COLUMNS_SCALAR; j++)
            s[j] = how & QQI_TILE_ADD ? c[i * ldc + j] : 0.0f;
        for (size_t k = 0; k < depth; k++)
            for (size_t j = 0; j < QQI_TILE_COLUMNS_SCALAR; j++)
                s[j] = qqi_fma_f32(a[k * QQI_TILE_ROWS_SCALAR + i],
                                   b[k * ldb + j], s[j]);
        for (size_t j = 0; j < QQI_TILE_COLUMNS_SCALAR; j++)
            c[i * ldc + j] = how & QQI_TILE_LAST && s[j] != s[j]
                                 ? qqi_f32_of(0x7fc00000u)
                                 : s[j];
    }
}

// 4 steps of two rows.
QQI_INLINE void qqi_dense_step_scalar(const double *a, const double *b,
                                      double *c, double *e)
{
    const double *b1 = b + QQI_DENSE_COLUMNS;
    const double *b2 = b1 + QQI_DENSE_COLUMNS;
    const double *b3 = b2 + QQI_DENSE_COLUMNS;

    for (int j = 0; j < (int)QQI_DENSE_COLUMNS; j++) {
        c[j] = c[j] + a[0] * b[j] + a[4] * b1[j] + a[8] * b2[j] + a[12] * b3[j];
        e[j] = e[j] + a[1] * b[j] + a[5] * b1[j] + a[9] * b2[j] + a[13] * b3[j];
    }
}

// Two rows.
QQI_FN void qqi_dense_pair_scalar(size_t depth, const double *a,
                                  const double *b, double *to0, double *to1)
{
    const size_t bytes = QQI_DENSE_COLUMNS * sizeof(double);
    double c[QQI_DENSE_COLUMNS], e[QQI_DENSE_COLUMNS];
    size_t r = 0;

    QQ_MEMCPY(c, to0, bytes);
    QQ_MEMCPY(e, to1, bytes);
    for (; r + 4 <= depth; r += 4)
        qqi_dense_step_scalar(a + 4 * r, b + r * QQI_DENSE_COLUMNS, c, e);
    for (; r < depth; r++)
        for (int j = 0; j < (int)QQI_DENSE_COLUMNS; j++) {
            const double v = b[r * QQI_DENSE_COLUMNS + (size_t)j];
            c[j] = c[j] + a[4 * r] * v;
            e[j] = e[j] + a[4 * r + 1] * v;
        }
    QQ_MEMCPY(to0, c, bytes);
    QQ_MEMCPY(to1, e, bytes);
}

QQI_FN void qqi_dense_sums_scalar(size_t depth, const double *a,
                                  const double *b, double *c, size_t ldc,
                                  const float *soon, size_t step)
{
    (void)soon;
    (void)step;
    qqi_dense_pair_scalar(depth, a, b, c, c + ldc);
    qqi_dense_pair_scalar(depth, a + 2, b, c + 2 * ldc, c + 3 * ldc);
}

QQI_FN void qqi_dense_widen_scalar(size_t depth, const float *b, size_t ldb,
                                   double *to)
{
    for (size_t r = 0; r < depth; r++)
        for (size_t j = 0; j < QQI_DENSE_COLUMNS; j++)
            to[r * QQI_DENSE_COLUMNS + j] = (double)b[r * ldb + j];
}

// --- passes ----------------------------------------------------------------

QQI_FN void qqi_pass_move_scalar(size_t count, float d, const float *x,
                                 double *y)
{
    for (size_t j = 0; j < count; j++)
        y[j] += (double)d * (double)x[j];
}

QQI_INLINE double qqi_pass_weight_scalar(const qqi_weighed *p, size_t i,
                                         size_t j)
{
    const float x = p->w[i * p->ldw + j] * p->rows[i];
    const uint32_t u = qqi_f32_bits(x * p->columns[j]) & p->mask;

    return (double)qqi_f32_of(u);
}

QQI_FN void qqi_pass_right_scalar(const qqi_weighed *p, size_t rows,
                                  size_t count, const double *v, double *s)
{
    size_t i = 0;

    // Four rows at a time, so that their sums can overlap.
    for (; i + 4 <= rows; i += 4) {
        double s0 = s[i], s1 = s[i + 1], s2 = s[i + 2], s3 = s[i + 3];
        for (size_t j = 0; j < count; j++) {
            s0 += qqi_pass_weight_scalar(p, i, j) * v[j];
            s1 += qqi_pass_weight_scalar(p, i + 1, j) * v[j];
            s2 += qqi_pass_weight_scalar(p, i + 2, j) * v[j];
            s3 += qqi_pass_weight_scalar(p, i + 3, j) * v[j];
        }
        s[i] = s0;
        s[i + 1] = s1;
        s[i + 2] = s2;
        s[i + 3] = s3;
    }
    for (; i < rows; i++)
        for (size_t j = 0; j < count; j++)
            s[i] += qqi_pass_weight_scalar(p, i, j) * v[j];
}

QQI_FN void qqi_pass_left_scalar(const qqi_weighed *p, size_t rows,
                                 size_t count, const double *u, double *x)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < count; j++)
            x[j] += u[i] * qqi_pass_weight_scalar(p, i, j);
}

QQI_INLINE double qqi_pass_scaled_scalar(const qqi_scaled *p, const double *d,
                                         size_t i, size_t j)
{
    const double x = d[i] * (double)p->w[i * p->ldw + j];
    const double y = qqi_mul_f64(x, p->e[j]);

    return y < 0.0 ? -y : y;
}

QQI_FN void qqi_pass_rows_scalar(const qqi_scaled *p, size_t rows, size_t count,
                                 double *s)
{
    for (size_t i = 0; i < rows; i++) {
        double sum = s[i];
        for (size_t j = 0; j < count; j++)
            sum += qqi_pass_scaled_scalar(p, p->d, i, j);
        s[i] = sum;
    }
}

QQI_FN void qqi_pass_columns_scalar(const qqi_scaled *p, size_t rows,
                                    size_t count, double *x, double *y)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < count; j++) {
            x[j] += qqi_pass_scaled_scalar(p, p->d, i, j);
            y[j] += qqi_pass_scaled_scalar(p, p->other, i, j);
        }
}

QQI_FN void qqi_pass_add_scalar(size_t rows, size_t count, const double *m,
                                size_t ldm, const double *d, double *y)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < count; j++)
            y[j] += qqi_mul_f64(d[i], m[i * ldm + j]);
}

QQI_INLINE double qqi_pass_error_scalar(const qqi_signed *p, size_t i, size_t j)
{
    const float x = qqi_mul_f32(p->a[i * p->lda], p->b[j]);
    const uint32_t minus = (uint32_t)(~p->code[i * p->ldc + j] & 1) << 31;

    // No branch: signs are as good as random.
    return (double)(p->w[i * p->ldw + j] - qqi_f32_of(qqi_f32_bits(x) ^ minus));
}

QQI_FN void qqi_pass_rest_scalar(const qqi_signed *p, size_t rows, size_t count,
                                 double *s)
{
    size_t i = 0;

    for (; i + 4 <= rows; i += 4) {
        double s0 = s[i], s1 = s[i + 1], s2 = s[i + 2], s3 = s[i + 3];
        for (size_t j = 0; j < count; j++) {
            const double e0 = qqi_pass_error_scalar(p, i, j);
            const double e1 = qqi_pass_error_scalar(p, i + 1, j);
            const double e2 = qqi_pass_error_scalar(p, i + 2, j);
            const double e3 = qqi_pass_error_scalar(p, i + 3, j);
            s0 += e0 * e0; // exact
            s1 += e1 * e1;
            s2 += e2 * e2;
            s3 += e3 * e3;
        }
        s[i] = s0;
        s[i + 1] = s1;
        s[i + 2] = s2;
        s[i + 3] = s3;
    }
    for (; i < rows; i++) {
        double sum = s[i];
        for (size_t j = 0; j < count; j++) {
            const double e = qqi_pass_error_scalar(p, i, j);
            sum += e * e;
        }
        s[i] = sum;
    }
}

static const qqi_dense_kernel qqi_dense_kernel_scalar = {
    QQI_TILE_ROWS_SCALAR,
    QQI_TILE_COLUMNS_SCALAR,
    1,
    qqi_gemm_tile_scalar,
    NULL,
    qqi_dense_sums_scalar,
    qqi_dense_widen_scalar,
    qqi_pass_move_scalar,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
};

#endif // QQUANT_KERNEL_SCALAR_DENSE_H
