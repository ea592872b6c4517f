// qquant floor 5: strips by AMX and AVX-512; what AMX brings along.
//
// acc is 16 registers, one for every row of x, a lane for a row of W.

#ifndef QQUANT_KERNEL_AMX_STRIP_H
#define QQUANT_KERNEL_AMX_STRIP_H

#include "kernel/amx/join.h"

#if QQI_HAS_AMX

QQI_AMX_FN void qqi_amx_scales_amx(const qqi_amx_job *job, float *scale)
{
    const size_t count = qqi_amx_short_tiles(job);

    for (size_t h = 0; h < job->panels; h++) {
        const uint8_t *panel = qqi_panel(job->p, job->panel + h);
        for (size_t t = 0; t < count; t++)
            _mm512_storeu_ps(scale + 32 * t + 16 * h,
                             qqi_scale_avx512(job->p, panel, job->tile + t));
    }
}

QQI_AMX_INLINE void qqi_amx_acc_begin(void *acc, const qqi_amx_strip *s)
{
    __m512 *v = (__m512 *)acc;

    QQI_UNROLL_AVX512
    for (size_t r = 0; r < 16; r++)
        v[r] = s->j->tile == 0 ? _mm512_setzero_ps()
                               : _mm512_loadu_ps(s->acc + 16 * r);
}

QQI_AMX_INLINE void qqi_amx_acc_end(void *acc, const qqi_amx_strip *s)
{
    const __m512 *v = (const __m512 *)acc;

    QQI_UNROLL_AVX512
    for (size_t r = 0; r < 16; r++)
        _mm512_storeu_ps(s->acc + 16 * r, v[r]);
}

QQI_AMX_INLINE void qqi_amx_acc_add(void *acc, const qqi_amx_strip *s, size_t t,
                                    const int32_t *c, qqi_amx_kind kind)
{
    const size_t first = qqi_amx_row(s->j, s->half, 0);
    __m512 *v = (__m512 *)acc;
    qqi_amx_tile_of of;

    of.less = of.zeros = _mm512_setzero_si512();
    of.scale = _mm512_loadu_ps(s->scale + 32 * t);
    QQI_UNROLL_AVX512
    for (size_t r = 0; r < 16; r++)
        v[r] = qqi_amx_join_one(s->j, kind, &of, s->j->tile + t, c + 16 * r,
                                first + r, v[r]);
}

QQI_AMX_INLINE void qqi_amx_acc_signed(void *acc, const qqi_amx_strip *s,
                                       size_t t, const int32_t *c)
{
    const qqi_amx_kind kind = {0, 0, 0, 0, 0};

    qqi_amx_acc_add(acc, s, t, c, kind);
}

QQI_AMX_INLINE void qqi_amx_acc_starts(void *acc, const qqi_amx_strip *s,
                                       size_t t, const int32_t *c)
{
    const qqi_amx_kind kind = {1, 0, 0, 0, 0};

    qqi_amx_acc_add(acc, s, t, c, kind);
}

// Codes of 1, 2 or 4 bits alone: a call would cost the registers of acc.
QQI_AMX_INLINE void qqi_amx_strip_make(const qqi_amx_make *m, size_t unit)
{
    const unsigned bits = m->p->bits;

    qqi_amx_fence();
    if (bits == 1)
        qqi_amx_make_of(m, 1, unit);
    else if (bits == 2)
        qqi_amx_make_of(m, 2, unit);
    else
        qqi_amx_make_of(m, 4, unit);
}

QQI_AMX_INLINE void qqi_amx_strip_of(const qqi_amx_strip *s, qqi_amx_dot_fn dot,
                                     const qqi_amx_adds *w)
{
    static const qqi_amx_tiles tiles = {
        qqi_amx_tile_zero,  qqi_amx_tile_load, qqi_amx_tile_stream,
        qqi_amx_tile_store, qqi_amx_tile_dot,  qqi_amx_tile_dot_signed,
        qqi_amx_strip_make, qqi_amx_tile_ask,  qqi_amx_tile_write,
        qqi_amx_last_amx};
    __m512 acc[16];

    qqi_amx_strip_loop(&tiles, dot, w, acc, s);
}

QQI_AMX_FN void qqi_amx_strip_signed(const qqi_amx_strip *s)
{
    static const qqi_amx_adds adds = {qqi_amx_acc_begin, qqi_amx_acc_signed,
                                      qqi_amx_acc_end};

    qqi_amx_strip_of(s, qqi_amx_tile_dot_signed, &adds);
}

QQI_AMX_FN void qqi_amx_strip_starts(const qqi_amx_strip *s)
{
    static const qqi_amx_adds adds = {qqi_amx_acc_begin, qqi_amx_acc_starts,
                                      qqi_amx_acc_end};

    qqi_amx_strip_of(s, qqi_amx_tile_dot, &adds);
}

QQI_AMX_FN void qqi_amx_strip_amx(const qqi_amx_strip *s)
{
    if (s->j->is_signed)
        qqi_amx_strip_signed(s);
    else
        qqi_amx_strip_starts(s);
}

static const qqi_amx_set qqi_amx_real = {NULL,
                                         qqi_amx_open,
                                         qqi_amx_close,
                                         qqi_amx_begin_amx,
                                         qqi_amx_run_amx,
                                         qqi_amx_expand_amx,
                                         qqi_amx_join_amx,
                                         qqi_amx_end_amx,
                                         qqi_amx_last_amx,
                                         qqi_amx_scales_amx,
                                         qqi_amx_strip_amx};

#endif // QQI_HAS_AMX

#endif // QQUANT_KERNEL_AMX_STRIP_H
