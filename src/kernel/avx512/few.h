// qquant floor 5: up to four columns of x, or eight, by AVX-512: codes of 2, 4
// and 8 bits become bytes in registers, and are multiplied there.
//
// Two to four panels go side by side: each four numbers of x that all lanes
// get serve all of them, and as many streams of cells come from memory. A code
// is looked up where it stands: a byte permutation looks at six bits, so the
// table of a field of 2 bits repeats in those above it, and that of the next
// field in those below it. A shift by 4 brings the other half of a byte. For
// 256 weights of 2 bits that is a load, four look-ups and a shift, whatever the
// codes mean; and a dot for every 64 weights and column.
//
// Processors fetch what follows by themselves, but not into the next page. So
// cells are asked for QQI_FEW_AHEAD before they are wanted, near the end of a
// panel those of the panels that follow: from memory, at the rate of a copy.

#ifndef QQUANT_KERNEL_AVX512_FEW_H
#define QQUANT_KERNEL_AVX512_FEW_H

#include "kernel/avx512/dot.h"

#if QQI_HAS_AVX512

// Bytes, of each panel.
#  define QQI_FEW_AHEAD ((size_t)2048)

// Tiles whose scales and zero points are made at once, where they must be.
enum { QQI_FEW_TILES = 20 };

typedef struct qqi_few_made_avx512 {
    __m512 acc[16]; // of panel i and column c: i * columns + c
    float scale[4][QQI_FEW_TILES][16];
    int32_t zero[4][QQI_FEW_TILES][16]; // see qqi_zeros_avx512
    int32_t less[4][QQI_FEW_TILES][16]; // what x's zero point adds to a start
} qqi_few_made_avx512;

QQI_STATIC_ASSERT(few_made_avx512,
                  sizeof(qqi_few_made_avx512) <= QQI_WORK_BYTES);

// A few panels, and a run of their tiles. What belongs to panel i stands i
// times a distance behind what belongs to the first.
typedef struct qqi_few_avx512 {
    const qqi_product *p;
    const qqi_columns *g;
    qqi_few_made_avx512 *made;
    __m512i low;  // codes by the lowest bits of bytes
    __m512i high; // 2 bits: by the two bits above those
    const uint8_t *cells;
    size_t side;
    size_t apart; // 0 where the second panel is the first one again, else 1
    size_t turn;  // from this byte of cells on the next panels are asked for
    size_t jump;  // how far away those are
    const uint8_t *scale; // of the first tile of the run
    size_t scale_side;
    size_t hop; // from a tile's scales to the next one's
    qq_type scale_type;
    int units;    // 1: they are yet to be multiplied by p->unit
    int scales;   // 1: they are made ahead
    int zeros;    // 1: so is something that starts need
    size_t first; // tiles
    size_t last;
} qqi_few_avx512;

// --- cells -----------------------------------------------------------------

// The table of the codes that stand shift bits up in a byte of six.
QQI_AVX512_VNNI_INLINE __m512i qqi_few_table_avx512(const qqi_product *p,
                                                    unsigned shift)
{
    const __m128i first =
        _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i code = p->bits == 4 ? first
                         : shift == 0 ? _mm_and_si128(first, _mm_set1_epi8(3))
                                      : _mm_and_si128(_mm_srli_epi32(first, 2),
                                                      _mm_set1_epi8(3));
    __m128i table = code;

    if (p->code == QQI_CODE_BOOK)
        table = _mm_shuffle_epi8(qqi_load16_avx512(p->book), code);
    else if (p->mul == 2)
        table = _mm_add_epi8(code, code);
    return _mm512_broadcast_i32x4(table);
}

// Codes of a field, the next one for every call: v is what is left of a cell.
QQI_AVX512_VNNI_INLINE __m512i qqi_few_codes_avx512(__m512i *v, unsigned b,
                                                    unsigned f, __m512i low,
                                                    __m512i high)
{
    if (b == 8)
        return *v;
    if (f > 0 && f * b % 4 == 0)
        *v = _mm512_srli_epi32(*v, 4);
    return _mm512_permutexvar_epi8(*v, f * b % 4 == 0 ? low : high);
}

// Adds cells of all panels to sums: count columns, and of a lone one two sums,
// as four dots in a row would wait for each other. sum[(way * panels + i) *
// count + c] has panel i and column c.
QQI_AVX512_VNNI_INLINE void
qqi_few_cell_avx512(const uint8_t *cell, const uint8_t *next, size_t side,
                    const int8_t *q, __m512i low, __m512i high, unsigned b,
                    unsigned panels, unsigned count, __m512i *sum)
{
    const unsigned ways = count == 1 && b < 8 ? 2 : 1;
    __m512i v[4], u[4];

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++) {
        const void *ahead = next + i * side;
        _mm_prefetch((const char *)ahead, _MM_HINT_T0);
        v[i] = qqi_load_avx512(cell + i * side);
        QQI_KEEP_AVX512(v[i]);
    }
    QQI_UNROLL_AVX512
    for (unsigned f = 0; f < 8 / b; f++) {
        __m512i *to = sum + f % ways * panels * count;
        QQI_UNROLL_AVX512
        for (unsigned i = 0; i < panels; i++)
            u[i] = qqi_few_codes_avx512(&v[i], b, f, low, high);
        QQI_UNROLL_AVX512
        for (unsigned c = 0; c < count; c++) {
            __m512i x = qqi_four_avx512(q + 4 * (f * count + c));
            QQI_KEEP_AVX512(x);
            QQI_UNROLL_AVX512
            for (unsigned i = 0; i < panels; i++)
                to[i * count + c] =
                    _mm512_dpbusd_epi32(to[i * count + c], u[i], x);
        }
    }
    // Keeps every sum in one register.
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < ways * panels * count; i++)
        QQI_KEEP_AVX512(sum[i]);
}

// --- tiles -----------------------------------------------------------------

// What the sums of tile t start from.
QQI_AVX512_VNNI_INLINE void qqi_few_start_avx512(const qqi_few_avx512 *w,
                                                 size_t t, unsigned panels,
                                                 unsigned count, __m512i *sum)
{
    const int32_t *start = w->g->sum + t * count;
    const int pair = w->p->zero_at != 0;
    const size_t at = t - w->first;

    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels * count; i++)
        sum[i] = qqi_four_avx512(start + i % count);
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++)
        if (count == 1)
            sum[panels + i] = _mm512_setzero_si512();
    if (!w->zeros)
        return;
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++) {
        const size_t from = i * w->apart;
        const __m512i zero = qqi_load_avx512(w->made->zero[from][at]);
        const __m512i less = qqi_load_avx512(w->made->less[from][at]);
        QQI_UNROLL_AVX512
        for (unsigned c = 0; c < count; c++) {
            __m512i *to = sum + i * count + c;
            if (pair)
                *to = _mm512_madd_epi16(zero, *to);
            *to = _mm512_add_epi32(*to, less);
        }
    }
}

// s of a tile of a panel, of a type; units: times unit. e8m0: 2^-127 is a
// subnormal, and code 255, which becomes an infinity, is a NaN: inf - inf.
QQI_AVX512_VNNI_INLINE __m512 qqi_few_scale_avx512(qq_type type, int units,
                                                   __m512 unit,
                                                   const uint8_t *scale)
{
    if (type == QQ_TYPE_E8M0) {
        const __m512i code = _mm512_cvtepu8_epi32(qqi_load16_avx512(scale));
        const __m512 v = qqi_float_avx512(_mm512_max_epu32(
            _mm512_slli_epi32(code, 23), _mm512_set1_epi32(0x400000)));
        return _mm512_fmadd_ps(v, unit, _mm512_sub_ps(v, v));
    }
    __m512 v = type == QQ_TYPE_F16 ? _mm512_cvtph_ps(qqi_load32_avx512(scale))
                                   : _mm512_loadu_ps(scale);
    if (units)
        v = _mm512_mul_ps(v, unit);
    return v;
}

// acc at the end of a tile, whose scales are at bytes behind the first ones;
// sx: scales of x's tile, or NULL.
QQI_AVX512_VNNI_INLINE void qqi_few_end_avx512(const qqi_few_avx512 *w,
                                               size_t at, const float *sx,
                                               unsigned b, unsigned panels,
                                               unsigned count,
                                               const __m512i *sum, __m512 *acc)
{
    QQI_UNROLL_AVX512
    for (unsigned i = 0; i < panels; i++) {
        const uint8_t *scales = w->scale + i * w->scale_side + at;
        const __m512 scale = qqi_few_scale_avx512(
            w->scale_type, w->units, _mm512_set1_ps(w->p->unit), scales);
        QQI_UNROLL_AVX512
        for (unsigned c = 0; c < count; c++) {
            const unsigned j = i * count + c;
            const __m512i d = count == 1 && b < 8
                                  ? _mm512_add_epi32(sum[j], sum[panels + j])
                                  : sum[j];
            const __m512 s = sx != NULL
                                 ? _mm512_mul_ps(scale, _mm512_set1_ps(sx[c]))
                                 : scale;
            acc[j] = _mm512_fmadd_ps(s, _mm512_cvtepi32_ps(d), acc[j]);
        }
    }
}

// Sums of a tile: all cells from at to end.
QQI_AVX512_VNNI_INLINE const int8_t *
qqi_few_tile_avx512(const qqi_few_avx512 *w, size_t at, size_t end,
                    const int8_t *q, __m512i low, __m512i high, unsigned b,
                    unsigned panels, unsigned count, __m512i *sum)
{
    const size_t side = w->side;

    do {
        const size_t stop = at < w->turn && w->turn < end ? w->turn : end;
        const size_t soon = at < w->turn ? QQI_FEW_AHEAD : w->jump;
        const uint8_t *cell = w->cells + at;
        const uint8_t *last = w->cells + stop;
        const uint8_t *next = cell + soon;
        QQI_HIDE_AVX512(next);
        do {
            qqi_few_cell_avx512(cell, next, side, q, low, high, b, panels,
                                count, sum);
            cell += 64;
            next += 64;
            q += 32 / b * count;
        } while (cell != last);
        at = stop;
    } while (at < end);
    return q;
}

// acc over the run.
QQI_AVX512_VNNI_INLINE void qqi_few_run_avx512(const qqi_few_avx512 *w,
                                               unsigned b, unsigned panels,
                                               unsigned count, __m512 *acc)
{
    const __m512i low = w->low;
    const __m512i high = w->high;
    const int8_t *q = w->g->q + w->first * w->p->tile * count;
    // Four columns of a panel have 8 * b bytes.
    size_t at = w->first * w->p->tile * 2 * b;
    size_t s = 0;
    __m512i sum[16];

    for (size_t t = w->first; t < w->last; t++) {
        const qqi_few_avx512 *now = w;
        // What is needed once a tile shall not take registers from cells.
        QQI_HIDE_AVX512(now);
        const qqi_product *p = now->p;
        const size_t columns = qqi_tile_end(p, t) - t * p->tile;
        const size_t end = at + (columns * 2 * b + 63) / 64 * 64;
        qqi_few_start_avx512(now, t, panels, count, sum);
        q = qqi_few_tile_avx512(now, at, end, q, low, high, b, panels, count,
                                sum);
        if (p->input == QQ_INPUT_INT8_TILE)
            qqi_few_end_avx512(now, s, now->g->scale + t * count, b, panels,
                               count, sum, acc);
        else
            qqi_few_end_avx512(now, s, NULL, b, panels, count, sum, acc);
        at = end;
        s += now->hop;
    }
}

#endif // QQI_HAS_AVX512

#endif // QQUANT_KERNEL_AVX512_FEW_H
