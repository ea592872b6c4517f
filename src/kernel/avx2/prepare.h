// qquant floor 5: what is made of x before it is multiplied, AVX2.
//
// As scalar/prepare.h, 8 numbers at a time. Numbers are clamped before they are
// rounded, which is the same as the limits are integers; for int8 by row that
// is left out: |xb| <= M, so |xb * r| < 127.5.

#ifndef QQUANT_KERNEL_AVX2_PREPARE_H
#define QQUANT_KERNEL_AVX2_PREPARE_H

#include "kernel/avx2/core.h"
#include "kernel/scalar/prepare.h"

#if QQI_HAS_AVX2

// Columns of q in a group, at most.
#  define QQI_MOST_AVX2 ((size_t)32)

// Converts 8 numbers of x, bf16 or f16; a NaN may stay loud.
QQI_AVX2_INLINE __m256 qqi_short_floats_avx2(const uint8_t *x, int is_f16)
{
    const __m128i h = qqi_load16_avx2(x);

    return is_f16 ? _mm256_cvtph_ps(h)
                  : _mm256_castsi256_ps(
                        _mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

// xb of numbers k to k + count - 1 of a row, at most 32, and zeros up to 32.
QQI_AVX2_FN const uint8_t *qqi_strip_avx2(const qqi_product *p, size_t row,
                                          size_t k, size_t count, float *v)
{
    const size_t size = p->x_type == QQ_TYPE_F32 ? 4 : 2;
    const uint8_t *x = p->x + size * (row * p->ldx + k);
    uint8_t *out = (uint8_t *)v;

    if (count < 32) {
        QQ_MEMSET(v, 0, 32 * sizeof *v);
        // Short numbers wait in the upper half of v.
        uint8_t *at = out + (4 - size) * 32;
        QQ_MEMCPY(at, x, size * count);
        x = at;
    }
    if (size == 2)
        for (size_t i = 0; i < 32; i += 8)
            qqi_store_floats_avx2(
                out + 4 * i,
                qqi_short_floats_avx2(x + 2 * i, p->x_type == QQ_TYPE_F16));
    else if (x != out)
        QQ_MEMCPY(v, x, 4 * 32);
    if (p->factors == NULL)
        return out;
    const uint8_t *factors = p->factors + 4 * k;
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        qqi_store_floats_avx2(out + 4 * i,
                              _mm256_mul_ps(qqi_floats_avx2(out + 4 * i),
                                            qqi_floats_avx2(factors + 4 * i)));
    for (; i < count; i++)
        v[i] = qqi_mul_f32(v[i], qqi_load_f32(factors + 4 * i));
    return out;
}

// Where numbers k to k + count - 1 of a row, at most 32, and zeros up to 32
// are: in x itself, or in v.
QQI_AVX2_INLINE const uint8_t *qqi_block_avx2(const qqi_product *p, size_t row,
                                              size_t k, size_t count, float *v)
{
    if (p->x_type == QQ_TYPE_F32 && p->factors == NULL && count == 32)
        return p->x + 4 * (row * p->ldx + k);
    return qqi_strip_avx2(p, row, k, count, v);
}

QQI_AVX2_INLINE __m256i qqi_larger_avx2(__m256i most, const uint8_t *x)
{
    return _mm256_max_epi32(
        most,
        _mm256_and_si256(qqi_load_avx2(x), _mm256_set1_epi32(0x7fffffff)));
}

QQI_AVX2_FN uint32_t qqi_run_largest_avx2(const qqi_product *p,
                                          const qqi_run *run)
{
    float v[32];
    __m256i m0 = _mm256_setzero_si256();
    __m256i m1 = _mm256_setzero_si256();
    uint32_t lane[8];
    uint32_t all = 0;

    for (size_t k = run->k; k < run->end; k += 32) {
        const size_t left = run->end - k;
        const uint8_t *x =
            qqi_block_avx2(p, run->row, k, left < 32 ? left : 32, v);
        m0 = qqi_larger_avx2(m0, x);
        m1 = qqi_larger_avx2(m1, x + 32);
        m0 = qqi_larger_avx2(m0, x + 64);
        m1 = qqi_larger_avx2(m1, x + 96);
    }
    qqi_store_avx2(lane, _mm256_max_epi32(m0, m1));
    for (size_t i = 0; i < 8; i++)
        all = lane[i] > all ? lane[i] : all;
    return all;
}

// What becomes of 8 numbers.
typedef struct qqi_rule_avx2 {
    __m256 r;
    __m256 lo;
    __m256 hi;
    __m256i zero;
    int clamp;
} qqi_rule_avx2;

QQI_AVX2_INLINE __m256i qqi_round_avx2(const uint8_t *x,
                                       const qqi_rule_avx2 *rule)
{
    __m256 v = _mm256_mul_ps(qqi_floats_avx2(x), rule->r);

    if (!rule->clamp)
        return _mm256_cvtps_epi32(v);
    // 0 times infinity counts as 0.
    v = _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
    v = _mm256_min_ps(_mm256_max_ps(v, rule->lo), rule->hi);
    return _mm256_add_epi32(_mm256_cvtps_epi32(v), rule->zero);
}

// 32 int32 within int8 as bytes.
QQI_AVX2_INLINE __m256i qqi_narrow_avx2(__m256i n0, __m256i n1, __m256i n2,
                                        __m256i n3)
{
    const __m256i a = _mm256_packs_epi32(n0, n1);
    const __m256i b = _mm256_packs_epi32(n2, n3);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);

    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
}

// Takes the low balanced digit off 8 integers.
QQI_AVX2_INLINE __m256i qqi_digit_avx2(__m256i *n)
{
    const __m256i low = _mm256_srai_epi32(_mm256_slli_epi32(*n, 24), 24);

    *n = _mm256_srai_epi32(_mm256_sub_epi32(*n, low), 8);
    return low;
}

// Stores the first count of 32 codes as column c, numbers k and following, k a
// multiple of 4, and zeros up to the next multiple of 4; gives what to add to
// their sum.
QQI_AVX2_INLINE __m256i qqi_store_codes_avx2(const qqi_columns *g, size_t k,
                                             size_t c, size_t count,
                                             __m256i codes)
{
    uint8_t b[32];
    uint8_t *q = (uint8_t *)g->q + k * g->width + 4 * c;
    const size_t step = 4 * g->width;

    if (count < 32) {
        qqi_store_avx2(b, codes);
        QQ_MEMSET(b + count, 0, 32 - count);
        codes = qqi_load_avx2(b);
        for (size_t i = 0; i < count; i += 4, q += step)
            QQ_MEMCPY(q, b + i, 4);
    } else if (step == 4) {
        qqi_store_avx2(q, codes);
    } else {
        qqi_store_avx2(b, codes);
        QQ_MEMCPY(q, b, 4);
        QQ_MEMCPY(q + step, b + 4, 4);
        QQ_MEMCPY(q + 2 * step, b + 8, 4);
        QQ_MEMCPY(q + 3 * step, b + 12, 4);
        QQ_MEMCPY(q + 4 * step, b + 16, 4);
        QQ_MEMCPY(q + 5 * step, b + 20, 4);
        QQ_MEMCPY(q + 6 * step, b + 24, 4);
        QQ_MEMCPY(q + 7 * step, b + 28, 4);
    }
    return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), codes),
                             _mm256_set1_epi16(1));
}

// Numbers k to end - 1 of a run, all in one span, one digit each.
QQI_AVX2_FN void qqi_span_codes_avx2(const qqi_product *p, const qqi_columns *g,
                                     const qqi_run *run, size_t k, size_t end,
                                     const qqi_rule_avx2 *rule)
{
    float v[32];
    const size_t span = k / p->span;
    __m256i sum = _mm256_setzero_si256();

    for (; k < end; k += 32) {
        const size_t count = 32 < end - k ? 32 : end - k;
        const uint8_t *x = qqi_block_avx2(p, run->row, k, count, v);
        const __m256i codes = qqi_narrow_avx2(
            qqi_round_avx2(x, rule), qqi_round_avx2(x + 32, rule),
            qqi_round_avx2(x + 64, rule), qqi_round_avx2(x + 96, rule));
        sum = _mm256_add_epi32(
            sum, qqi_store_codes_avx2(g, k, run->column, count, codes));
    }
    g->sum[span * g->width + run->column] += qqi_total_avx2(sum);
}

// The same, some digits each.
QQI_AVX2_FN void qqi_span_digits_avx2(const qqi_product *p,
                                      const qqi_columns *g, const qqi_run *run,
                                      size_t k, size_t end,
                                      const qqi_rule_avx2 *rule)
{
    float v[32];
    const size_t span = k / p->span;
    __m256i sums[3] = {_mm256_setzero_si256(), _mm256_setzero_si256(),
                       _mm256_setzero_si256()};

    for (; k < end; k += 32) {
        const size_t count = 32 < end - k ? 32 : end - k;
        const uint8_t *x = qqi_block_avx2(p, run->row, k, count, v);
        __m256i n[4];
        for (size_t i = 0; i < 4; i++)
            n[i] = qqi_round_avx2(x + 32 * i, rule);
        for (size_t d = 0; d < p->digits; d++) {
            __m256i low[4];
            for (size_t i = 0; i < 4; i++)
                low[i] = qqi_digit_avx2(&n[i]);
            sums[d] = _mm256_add_epi32(
                sums[d], qqi_store_codes_avx2(
                             g, k, run->column + d, count,
                             qqi_narrow_avx2(low[0], low[1], low[2], low[3])));
        }
    }
    for (size_t d = 0; d < p->digits; d++)
        g->sum[span * g->width + run->column + d] += qqi_total_avx2(sums[d]);
}

// Codes of a run, span by span.
QQI_AVX2_FN void qqi_run_codes_avx2(const qqi_product *p, const qqi_columns *g,
                                    const qqi_run *run)
{
    qqi_rule_avx2 rule;

    rule.r = _mm256_set1_ps(run->r);
    rule.lo = _mm256_set1_ps((float)run->lo);
    rule.hi = _mm256_set1_ps((float)run->hi);
    rule.zero = _mm256_set1_epi32(run->zero);
    rule.clamp = p->input == QQ_INPUT_INT8_STATIC || p->digits > 1;
    for (size_t k = run->k, next; k < run->end; k = next) {
        const size_t left = p->span - k % p->span;
        next = left < run->end - k ? k + left : run->end;
        if (p->digits == 1)
            qqi_span_codes_avx2(p, g, run, k, next, &rule);
        else
            qqi_span_digits_avx2(p, g, run, k, next, &rule);
    }
}

// Numbers k to end - 1 of a row that is int8 already.
QQI_AVX2_FN void qqi_run_copy_avx2(const qqi_product *p, const qqi_columns *g,
                                   size_t row, size_t k, size_t end)
{
    const uint8_t *x = p->x + (g->first + row) * p->ldx;
    uint8_t b[32];

    for (size_t next; k < end; k = next) {
        const size_t left = p->span - k % p->span;
        __m256i sum = _mm256_setzero_si256();
        next = left < end - k ? k + left : end;
        for (size_t i = k; i < next; i += 32) {
            const size_t count = 32 < next - i ? 32 : next - i;
            const uint8_t *from = x + i;
            if (count < 32) {
                QQ_MEMCPY(b, from, count);
                from = b;
            }
            sum = _mm256_add_epi32(
                sum,
                qqi_store_codes_avx2(g, i, row, count, qqi_load_avx2(from)));
        }
        g->sum[k / p->span * g->width + row] += qqi_total_avx2(sum);
    }
}

// Rows with a scale each: that, then codes of some numbers of all rows before
// the next ones, so that what is written stays in a cache.
QQI_AVX2_FN void qqi_prepare_rows_avx2(const qqi_product *p,
                                       const qqi_columns *g)
{
    qqi_run run = {0, 0, 0, p->k, 0.0f, 0, 0, 0};
    float r[QQI_MOST_AVX2];

    for (size_t i = 0; i < g->count; i++) {
        run.row = g->first + i;
        g->scale[i] = qqi_run_rule(p, qqi_run_largest_avx2(p, &run), &run);
        r[i] = run.r;
    }
    for (size_t k = 0; k < p->k; k = run.end) {
        run.k = k;
        run.end = 512 < p->k - k ? k + 512 : p->k;
        for (size_t i = 0; i < g->count; i++) {
            run.row = g->first + i;
            run.column = i * p->digits;
            run.r = r[i];
            if (g->scale[i] > 0.0f)
                qqi_run_codes_avx2(p, g, &run);
        }
    }
}

// Rows with a scale for every tile.
QQI_AVX2_FN void qqi_prepare_tiles_avx2(const qqi_product *p,
                                        const qqi_columns *g)
{
    qqi_run run = {0, 0, 0, 0, 0.0f, 0, 0, 0};

    for (size_t t = 0; t < p->tiles; t++) {
        run.k = t * p->tile;
        run.end = qqi_tile_end(p, t);
        for (size_t i = 0; i < g->count; i++) {
            float *scale = &g->scale[t * g->width + i];
            run.row = g->first + i;
            run.column = i;
            *scale = qqi_run_rule(p, qqi_run_largest_avx2(p, &run), &run);
            if (*scale > 0.0f)
                qqi_run_codes_avx2(p, g, &run);
        }
    }
}

// Rows that are int8 already.
QQI_AVX2_FN void qqi_prepare_int8_avx2(const qqi_product *p,
                                       const qqi_columns *g)
{
    for (size_t k = 0; k < p->k; k += 512)
        for (size_t i = 0; i < g->count; i++)
            qqi_run_copy_avx2(p, g, i, k, 512 < p->k - k ? k + 512 : p->k);
    for (size_t i = 0; i < g->count; i++)
        qqi_given_scales(p, g, i);
}

// Sums times what is taken off each code, where that is the same for all rows
// and no joining in memory does it: at most 128 * 128 * QQI_SPAN = 2^30.
QQI_AVX2_FN void qqi_prepare_sums_avx2(const qqi_product *p,
                                       const qqi_columns *g)
{
    const size_t count = p->spans * g->width;

    if (!qqi_is_direct(p) || p->zero_at != 0)
        return;
    for (size_t i = 0; i < count; i++)
        g->sum[i] *= p->add;
}

QQI_AVX2_FN void qqi_prepare_dot_avx2(const qqi_product *p,
                                      const qqi_columns *g)
{
    QQ_MEMSET(g->q, 0, p->padded * g->width);
    QQ_MEMSET(g->sum, 0, p->spans * g->width * sizeof g->sum[0]);
    if (p->x_type == QQ_TYPE_INT8)
        qqi_prepare_int8_avx2(p, g);
    else if (p->input == QQ_INPUT_INT8_TILE)
        qqi_prepare_tiles_avx2(p, g);
    else
        qqi_prepare_rows_avx2(p, g);
    qqi_prepare_sums_avx2(p, g);
}

QQI_AVX2_FN void qqi_prepare_real_avx2(const qqi_product *p,
                                       const qqi_columns *g)
{
    float v[32];

    for (size_t k = 0; k < p->k; k += 32) {
        const size_t count = 32 < p->k - k ? 32 : p->k - k;
        for (size_t c = 0; c < g->width; c++) {
            const uint8_t *x = (const uint8_t *)v;
            if (c < g->count)
                x = qqi_block_avx2(p, g->first + c, k, count, v);
            else
                QQ_MEMSET(v, 0, sizeof v);
            for (size_t i = 0; i < count; i++)
                g->real[(k + i) * g->width + c] = qqi_load_f32(x + 4 * i);
        }
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_PREPARE_H
