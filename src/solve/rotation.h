// qquant floor 8: rotation of a Hessian: H becomes Q^T H Q.

#ifndef QQUANT_SOLVE_ROTATION_H
#define QQUANT_SOLVE_ROTATION_H

#include "num/rotation.h"
#include "solve/hessian.h"

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
    // Both triangles are the same but for roundings: the upper one stays. And
    // roundings may leave a variance of 0 a little below it.
    for (size_t i = 0; i < k; i++) {
        if (h[i * k + i] < 0.0f)
            h[i * k + i] = 0.0f;
        for (size_t j = i + 1; j < k; j++)
            h[j * k + i] = h[i * k + j];
    }
    return QQ_OK;
}

#endif // QQUANT_SOLVE_ROTATION_H
