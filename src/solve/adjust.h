// qquant floor 8: the original's correction of propagated errors.

#ifndef QQUANT_SOLVE_ADJUST_H
#define QQUANT_SOLVE_ADJUST_H

#include "api/onebit.h"
#include "solve/target.h"

QQ_API size_t qq_onebit_adjust_scratch_size(size_t n, size_t k)
{
    return qqi_target_scratch(n, k, 1);
}

// The diagonal of H': 1 where it is 0, then its mean added.
QQI_FN void qqi_adjust_diagonal(size_t k, double percdamp, const float *h,
                                double *a)
{
    double sum = 0.0;

    for (size_t i = 0; i < k; i++) {
        const float d = h[i * k + i];
        a[i * k + i] = d > 0.0f || d < 0.0f ? (double)d : 1.0;
        sum += a[i * k + i];
    }
    const float mean = (float)(sum / (double)k);
    const float damp = (float)percdamp * mean;
    for (size_t i = 0; i < k; i++)
        a[i * k + i] = (double)((float)a[i * k + i] + qqi_keep_f32(damp));
}

QQ_API qq_status qq_onebit_adjust(size_t n, size_t k, double percdamp,
                                  double perccorr, float *w, size_t ldw,
                                  const float *h, const float *c, void *scratch,
                                  size_t scratch_bytes)
{
    qq_status status = qqi_check_rows(n, k, w, ldw, sizeof(float));
    qqi_pieces p = qqi_pieces_make(scratch);
    const qqi_threads t = qqi_threads_make(1, NULL, NULL);
    qqi_target g;

    if (status == QQ_OK && k > 0 && (h == NULL || c == NULL))
        status = QQ_ERR_ARGUMENT;
    if (status == QQ_OK)
        status = qqi_check_scratch(qqi_target_scratch(n, k, 1), scratch,
                                   scratch_bytes);
    if (status != QQ_OK || n == 0 || k == 0)
        return status;
    g.n = n;
    g.k = k;
    g.parts = 1;
    qqi_target_place(&g, &p);
    g.alpha = perccorr;
    g.rho = 0.0;
    g.w = w;
    g.ldw = ldw;
    g.r = NULL;
    g.t = w;
    g.ldt = ldw;
    g.has_d = 1;
    for (size_t i = 0; i < k * k; i++)
        g.a[i] = (double)h[i];
    qqi_adjust_diagonal(k, percdamp, h, g.a);
    if (!qqi_factor_run(&g.factor, g.a, &t))
        return QQ_ERR_FORMAT;
    QQ_MEMCPY(g.d, c, k * k * sizeof *c);
    for (size_t j = 0; j < k; j++) {
        const float d = h[j * k + j];
        for (size_t i = 0; !(d > 0.0f || d < 0.0f) && i < n; i++)
            w[i * ldw + j] = 0.0f;
    }
    qqi_target_part(&g, 0);
    return QQ_OK;
}

#endif // QQUANT_SOLVE_ADJUST_H
