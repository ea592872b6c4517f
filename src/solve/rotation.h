// qquant floor 8: rotation by seeded signs and blocks of a Hadamard matrix.
//
//   y = x diag(s) B / sqrt(block)
//
// B has blocks of H_1 = (1), H_2m = (H_m H_m; H_m -H_m) on its diagonal. In
// f32: sums and differences of pairs 1, 2, 4, ... apart, then one product with
// fl(1 / sqrt(block)). B is symmetric, so the way back is B first, then s.

#ifndef QQUANT_SOLVE_ROTATION_H
#define QQUANT_SOLVE_ROTATION_H

#include "num/sqrt.h"
#include "num/threefry.h"
#include "solve/hessian.h"

// What qq_rotation_make leaves: "rot1".
#define QQI_ROTATION_INIT 0x31746f72u

QQ_API qq_rotation qq_rotation_make(size_t k, size_t limit, uint32_t seed)
{
    qq_rotation r;

    QQ_MEMSET(&r, 0, sizeof r);
    r.init = QQI_ROTATION_INIT;
    r.seed = seed;
    r.k = k;
    r.block = 1;
    while (k > 0 && k % (2 * r.block) == 0 &&
           (limit == 0 || 2 * r.block <= limit))
        r.block *= 2;
    return r;
}

QQI_FN int qqi_rotation_ok(const qq_rotation *r)
{
    return r != NULL && r->init == QQI_ROTATION_INIT && r->block > 0 &&
           r->k % r->block == 0 && (r->block & (r->block - 1)) == 0;
}

// 1 where column j changes its sign.
QQI_FN int qqi_rotation_sign(const qq_rotation *r, size_t j)
{
    const uint32_t counter[2] = {0, (uint32_t)(j & 0xffffffffu)};
    uint32_t out[2];
    qq_key key;

    key.word[0] = 0;
    key.word[1] = r->seed;
    qq_threefry(key, counter, out);
    return (int)(out[0] & 1);
}

// One block in place.
QQI_FN void qqi_hadamard(float *x, size_t block, float scale)
{
    for (size_t h = 1; h < block; h *= 2)
        for (size_t i = 0; i < block; i += 2 * h)
            for (size_t j = i; j < i + h; j++) {
                const float a = x[j], b = x[j + h];
                x[j] = a + b;
                x[j + h] = a - b;
            }
    for (size_t i = 0; i < block; i++)
        x[i] = x[i] * scale;
}

QQI_FN void qqi_rotation_flip(const qq_rotation *r, size_t rows, float *x,
                              size_t ldx)
{
    for (size_t j = 0; j < r->k; j++)
        if (qqi_rotation_sign(r, j))
            for (size_t i = 0; i < rows; i++)
                x[i * ldx + j] = -x[i * ldx + j];
}

QQ_API qq_status qq_rotation_rows(const qq_rotation *r, int back, size_t rows,
                                  float *x, size_t ldx)
{
    if (!qqi_rotation_ok(r))
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_check_rows(rows, r->k, x, ldx, sizeof(float));
    if (status != QQ_OK)
        return status;
    const float scale = 1.0f / qqi_sqrt_f32((float)r->block);
    if (!back)
        qqi_rotation_flip(r, rows, x, ldx);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < r->k; j += r->block)
            qqi_hadamard(x + i * ldx + j, r->block, scale);
    if (back)
        qqi_rotation_flip(r, rows, x, ldx);
    return QQ_OK;
}

// Rows become columns.
QQI_FN void qqi_transpose(size_t k, float *h)
{
    for (size_t i = 0; i < k; i++)
        for (size_t j = i + 1; j < k; j++) {
            const float x = h[i * k + j];
            h[i * k + j] = h[j * k + i];
            h[j * k + i] = x;
        }
}

QQ_API qq_status qq_rotation_hessian(const qq_rotation *r, float *h,
                                     size_t h_bytes)
{
    if (!qqi_rotation_ok(r))
        return QQ_ERR_ARGUMENT;
    const size_t k = r->k;
    const qq_status status = qq_hessian_check(k, h, h_bytes);
    if (status != QQ_OK || k == 0)
        return status;
    qq_rotation_rows(r, 0, k, h, k);
    qqi_transpose(k, h);
    qq_rotation_rows(r, 0, k, h, k);
    // Both triangles are the same but for roundings: the upper one stays.
    for (size_t i = 0; i < k; i++)
        for (size_t j = i + 1; j < k; j++)
            h[j * k + i] = h[i * k + j];
    return QQ_OK;
}

#endif // QQUANT_SOLVE_ROTATION_H
