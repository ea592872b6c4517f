// qquant floor 5: what sums end with on their way into y, by AVX-512: the scale
// of a row of x, factors and bias of rows of W, limits (api/matmul.h).

#ifndef QQUANT_KERNEL_AVX512_END_H
#define QQUANT_KERNEL_AVX512_END_H

#include "kernel/avx512/core.h"

#if QQI_HAS_AVX512

// What the rows of a panel end with.
typedef struct qqi_ending_avx512 {
    __m512 a;
    __m512 bias;
    __m512 lo;
    __m512 hi;
    __mmask16 in; // rows that there are
    int accumulate;
} qqi_ending_avx512;

QQI_AVX512_INLINE qqi_ending_avx512 qqi_ending_of_avx512(const qqi_product *p,
                                                         size_t i)
{
    const uint8_t *panel = qqi_panel(p, i);
    qqi_ending_avx512 e;

    e.a = p->factor_at ? _mm512_loadu_ps(panel + p->factor_at)
                       : _mm512_set1_ps(1.0f);
    e.bias =
        p->bias_at ? _mm512_loadu_ps(panel + p->bias_at) : _mm512_setzero_ps();
    e.lo = _mm512_set1_ps(p->lo);
    e.hi = _mm512_set1_ps(p->hi);
    e.in = qqi_below_avx512(p->n - 16 * i);
    e.accumulate = p->accumulate;
    return e;
}

// 16 numbers of y from their sums; see qqi_end_one. lo > v ? lo : v is what max
// gives, NaN in v included.
QQI_AVX512_INLINE void qqi_end_rows_avx512(const qqi_ending_avx512 *e, float sx,
                                           __m512 acc, uint8_t *y)
{
    __m512 v =
        _mm512_fmadd_ps(_mm512_mul_ps(acc, _mm512_set1_ps(sx)), e->a, e->bias);

    if (e->accumulate)
        v = _mm512_add_ps(_mm512_maskz_loadu_ps(e->in, y), v);
    v = _mm512_min_ps(e->hi, _mm512_max_ps(e->lo, v));
    v = _mm512_mask_mov_ps(v, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q),
                           qqi_float_avx512(_mm512_set1_epi32(0x7fc00000)));
    _mm512_mask_storeu_ps(y, e->in, v);
}

// y of panel i and row column of x.
QQI_AVX512_INLINE void qqi_end_avx512(const qqi_product *p, size_t i,
                                      size_t column, float sx, __m512 acc)
{
    const qqi_ending_avx512 e = qqi_ending_of_avx512(p, i);

    qqi_end_rows_avx512(&e, sx, acc, p->y + 4 * (column * p->ldy + 16 * i));
}

// y of panel i and rows first to last - 1 of a group, whose sums are step
// floats apart.
QQI_AVX512_INLINE void qqi_ends_avx512(const qqi_product *p,
                                       const qqi_columns *g, size_t i,
                                       size_t first, size_t last,
                                       const float *acc, size_t step)
{
    static const float one = 1.0f;
    const qqi_ending_avx512 e = qqi_ending_of_avx512(p, i);
    const size_t scales = p->input == QQ_INPUT_INT8_TILE ? 0 : 1;
    const float *sx = scales ? g->scale + first : &one;
    uint8_t *y = p->y + 4 * ((g->first + first) * p->ldy + 16 * i);

    for (size_t c = first; c < last; c++) {
        qqi_end_rows_avx512(&e, *sx, _mm512_loadu_ps(acc), y);
        acc += step;
        sx += scales;
        y += 4 * p->ldy;
    }
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_END_H
