// qquant floor 5: one column, the codes as they lie in the cells.
//
// A block is 32 columns of a panel. Tiles are whole blocks, or all columns;
// the last block may be cut short and is then filled up with zeros elsewhere,
// for which q has room. Sums of a tile stay in registers, s, and the sums of a
// row of tiles in acc. What a set of instructions does with a block, and how
// it joins s at the end of a tile, are constants of this loop.

#ifndef QQUANT_KERNEL_AVX2_LONE_H
#define QQUANT_KERNEL_AVX2_LONE_H

#include "kernel/avx2/unpack.h"

#if QQI_HAS_AVX2

typedef struct qqi_lone_avx2 {
    const qqi_product *p;
    const qqi_columns *g;
    int16_t *spread; // of QQI_SPREAD_AVX2 columns
    __m256i book;
    __m256i shift; // by which mul multiplies
    int plain;     // scales are f32, and nothing but them
} qqi_lone_avx2;

// Columns of q that are int16 at a time.
#  define QQI_SPREAD_AVX2 ((size_t)7680)

QQI_STATIC_ASSERT(spread_avx2, 512 + 2 * QQI_SPREAD_AVX2 <= QQI_WORK_BYTES);

// Sums in registers, by plane and half.
#  define QQI_LONE_SUMS 8

// Adds count blocks, a constant, to s; they begin with column k.
typedef void (*qqi_block_avx2_fn)(const qqi_lone_avx2 *a, const uint8_t *cells,
                                  size_t k, size_t count, __m256i *s);

// The sums of code times q of both halves.
typedef void (*qqi_joint_avx2_fn)(const __m256i *s, __m256i *out);

QQI_AVX2_INLINE void qqi_lone_make_avx2(const qqi_product *p,
                                        const qqi_columns *g, qqi_lone_avx2 *a)
{
    a->p = p;
    a->g = g;
    a->spread = NULL;
    a->book = _mm256_broadcastsi128_si256(qqi_load16_avx2(p->book));
    a->shift = _mm256_set1_epi32(p->mul - 1);
    a->plain =
        p->scale_type == QQ_TYPE_F32 && p->scale2 == 1.0f && p->unit == 1.0f;
}

// Whether a product can be done this way.
QQI_INLINE int qqi_is_lone(const qqi_product *p)
{
    return p->digits == 1 && p->x_zero == 0 && p->spans <= p->tiles &&
           (p->tiles <= 1 || p->tile % 32 == 0);
}

// The last block, of fewer than 32 columns: its cells, zeros behind them.
QQI_AVX2_INLINE const uint8_t *
qqi_last_block_avx2(const qqi_product *p, const uint8_t *cells, uint8_t *room)
{
    const size_t bytes = qqi_cells_bytes(p->bits, p->k % 32);

    QQ_MEMSET(room, 0, 512);
    QQ_MEMCPY(room, cells, bytes);
    return room;
}

// Numbers k and following as int16 (qqi_spread_avx2).
QQI_AVX2_INLINE void qqi_spread_window_avx2(const qqi_lone_avx2 *a, size_t k)
{
    const size_t left = a->p->padded - k;
    const size_t count = left < QQI_SPREAD_AVX2 ? left : QQI_SPREAD_AVX2;

    qqi_spread_avx2(a->g->q + k, 16, count / 16, a->spread);
}

// acc = fma(s, D, acc) of column c and a half, a constant.
QQI_AVX2_INLINE __m256 qqi_lone_half_avx2(const qqi_lone_avx2 *a,
                                          const uint8_t *panel, size_t t,
                                          size_t c, size_t half, __m256i s,
                                          __m256 acc)
{
    const qqi_product *p = a->p;
    const int32_t sum = a->g->sum[t * a->g->width + c];
    const __m256i off =
        p->zero_at != 0 ? _mm256_mullo_epi32(qqi_zeros_avx2(p, panel, t, half),
                                             _mm256_set1_epi32(sum))
                        : _mm256_set1_epi32(p->add * sum);
    const __m256i d = _mm256_sub_epi32(_mm256_sllv_epi32(s, a->shift), off);
    __m256 scale =
        a->plain ? qqi_floats_avx2(panel + p->scale_at + 64 * t + 32 * half)
                 : qqi_scales_avx2(p, panel, t, half);

    if (p->input == QQ_INPUT_INT8_TILE)
        scale = _mm256_mul_ps(scale,
                              _mm256_set1_ps(a->g->scale[t * a->g->width + c]));
    return _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(d), acc);
}

// Blocks of whole tiles or of a piece of one, columns k to end - 1; many at
// once, but for the last ones. Cells end with a short block if k does.
QQI_AVX2_INLINE void qqi_lone_blocks_avx2(const qqi_lone_avx2 *a,
                                          const uint8_t *cells, size_t k,
                                          size_t end, size_t bytes, size_t many,
                                          qqi_block_avx2_fn block, __m256i *s,
                                          uint8_t *room)
{
    size_t left = (end - k) / 32;

    cells += k / 32 * bytes;
    for (; many > 1 && left >= many; left -= many) {
        block(a, cells, k, many, s);
        cells += many * bytes;
        k += 32 * many;
    }
    for (; left > 0; left--, cells += bytes, k += 32)
        block(a, cells, k, 1, s);
    if (k < end)
        block(a, qqi_last_block_avx2(a->p, cells, room), k, 1, s);
}

// Whether numbers of column k and following, of panel i, must be spread now.
QQI_INLINE int qqi_must_spread(const qqi_product *p, size_t i, size_t first,
                               size_t k)
{
    return k % QQI_SPREAD_AVX2 == 0 && (i == first || p->k > QQI_SPREAD_AVX2);
}

// The product. bits, many, spread (whether q becomes int16), block and joint
// are constants.
QQI_AVX2_INLINE void qqi_multiply_lone_avx2(const qqi_product *p,
                                            const qqi_columns *g, size_t first,
                                            size_t last, void *work,
                                            unsigned bits, size_t many,
                                            int spread, qqi_block_avx2_fn block,
                                            qqi_joint_avx2_fn joint)
{
    uint8_t *room = (uint8_t *)work;
    qqi_lone_avx2 a;

    qqi_lone_make_avx2(p, g, &a);
    a.spread = (int16_t *)(void *)(room + 512);
    for (size_t i = first; i < last; i++) {
        const uint8_t *panel = qqi_panel(p, i);
        const uint8_t *cells = qqi_panel_cells(p, i);
        __m256 acc0 = _mm256_setzero_ps();
        __m256 acc1 = _mm256_setzero_ps();
        for (size_t t = 0; t < p->tiles; t++) {
            const __m256i zero = _mm256_setzero_si256();
            __m256i s[QQI_LONE_SUMS] = {zero, zero, zero, zero,
                                        zero, zero, zero, zero};
            __m256i d[2];
            const size_t end = qqi_tile_end(p, t);
            for (size_t k = t * p->tile, next; k < end; k = next) {
                const size_t left = QQI_SPREAD_AVX2 - k % QQI_SPREAD_AVX2;
                next = spread && left < end - k ? k + left : end;
                if (spread && qqi_must_spread(p, i, first, k))
                    qqi_spread_window_avx2(&a, k);
                qqi_lone_blocks_avx2(&a, cells, k, next, 64 * bits, many, block,
                                     s, room);
            }
            joint(s, d);
            acc0 = qqi_lone_half_avx2(&a, panel, t, 0, 0, d[0], acc0);
            acc1 = qqi_lone_half_avx2(&a, panel, t, 0, 1, d[1], acc1);
        }
        qqi_end_avx2(p, g, i, 0, acc0, acc1);
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_LONE_H
