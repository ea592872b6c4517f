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

// Columns of q that are halved at a time.
#  define QQI_HALVES_AVX2 ((size_t)7168)

// Tiles whose scales are made at a time.
#  define QQI_LONE_TILES ((size_t)24)

typedef struct qqi_lone_work_avx2 {
    uint8_t room[512]; // for the last block
    int8_t halves[2 * QQI_HALVES_AVX2];
    float scales[QQI_LONE_TILES][16];
} qqi_lone_work_avx2;

QQI_STATIC_ASSERT(lone_work_avx2, sizeof(qqi_lone_work_avx2) <= QQI_WORK_BYTES);

typedef struct qqi_lone_avx2 {
    const qqi_product *p;
    const qqi_columns *g;
    qqi_lone_work_avx2 *w;
    __m256i book;
    size_t ahead; // bytes by which cells are asked for before they are wanted
    int twice;    // sums count twice
    int plain;    // scales are f32, and nothing but them
} qqi_lone_avx2;

// Sums in registers, by plane and half.
#  define QQI_LONE_SUMS 8

// Adds count blocks, a constant, to s; they begin with column k.
typedef void (*qqi_block_avx2_fn)(const qqi_lone_avx2 *a, const uint8_t *cells,
                                  size_t k, size_t count, __m256i *s);

// The sums of code times q of both halves.
typedef void (*qqi_joint_avx2_fn)(const __m256i *s, __m256i *out);

QQI_AVX2_INLINE void qqi_lone_make_avx2(const qqi_product *p,
                                        const qqi_columns *g, void *work,
                                        qqi_lone_avx2 *a)
{
    a->p = p;
    a->g = g;
    a->w = (qqi_lone_work_avx2 *)work;
    a->book = _mm256_broadcastsi128_si256(qqi_load16_avx2(p->book));
    a->ahead = 0;
    a->twice = p->mul == 2;
    a->plain = qqi_has_plain_scales(p);
}

// Whether a product can be done this way.
QQI_INLINE int qqi_is_lone(const qqi_product *p)
{
    return qqi_is_direct(p) && (p->tiles <= 1 || p->tile % 32 == 0);
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

// --- halves of numbers -----------------------------------------------------

// q = 16 high + low, high from -8 to 8 and low from -8 to 7: 16 numbers become
// 8 high halves, their 8 low ones, and the same of the others.
QQI_AVX2_INLINE void qqi_halve_avx2(const int8_t *q, int8_t *out)
{
    const __m256i x = _mm256_cvtepi8_epi16(qqi_load16_avx2(q));
    const __m256i high =
        _mm256_srai_epi16(_mm256_add_epi16(x, _mm256_set1_epi16(8)), 4);
    const __m256i low = _mm256_sub_epi16(x, _mm256_slli_epi16(high, 4));

    qqi_store_avx2(out, _mm256_packs_epi16(high, low));
}

// Those of numbers k and following.
QQI_AVX2_ALONE void qqi_halve_window_avx2(const qqi_lone_avx2 *a, size_t k)
{
    const size_t left = a->p->padded - k;
    const size_t count = left < QQI_HALVES_AVX2 ? left : QQI_HALVES_AVX2;

    for (size_t i = 0; i < count; i += 16)
        qqi_halve_avx2(a->g->q + k + i, a->w->halves + 2 * i);
}

// Where the halves of number k, a multiple of 16, are.
QQI_AVX2_INLINE const int8_t *qqi_halves_avx2(const qqi_lone_avx2 *a, size_t k)
{
    return a->w->halves + 2 * (k % QQI_HALVES_AVX2);
}

// --- the end of a tile -----------------------------------------------------

// The scales of tile t where they must be made: those of the next tiles are
// made with the first of them.
QQI_AVX2_INLINE const uint8_t *
qqi_lone_scales_avx2(const qqi_lone_avx2 *a, const uint8_t *panel, size_t t)
{
    const size_t in = t % QQI_LONE_TILES;
    const size_t left = a->p->tiles - t;

    if (in == 0)
        qqi_many_scales_avx2(a->p, panel, t,
                             left < QQI_LONE_TILES ? a->p->tiles
                                                   : t + QQI_LONE_TILES,
                             a->w->scales[0]);
    return (const uint8_t *)a->w->scales[in];
}

// acc = fma(s, D, acc) of tile t, column c and a half, a constant.
QQI_AVX2_INLINE __m256 qqi_lone_half_avx2(const qqi_lone_avx2 *a,
                                          const uint8_t *panel, size_t t,
                                          size_t c, size_t half,
                                          const uint8_t *scales, __m256i s,
                                          __m256 acc)
{
    const qqi_product *p = a->p;
    const size_t at = t * a->g->width + c;
    __m256i off = _mm256_set1_epi32(a->g->sum[at]);
    __m256 scale = qqi_floats_avx2(scales + 32 * half);

    if (p->zero_at != 0)
        off = _mm256_mullo_epi32(qqi_zeros_avx2(p, panel, t, half), off);
    if (p->input == QQ_INPUT_INT8_TILE)
        scale = _mm256_mul_ps(scale, _mm256_set1_ps(a->g->scale[at]));
    if (a->twice)
        s = _mm256_add_epi32(s, s);
    return _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(_mm256_sub_epi32(s, off)),
                           acc);
}

// --- the product -----------------------------------------------------------

// Blocks of whole tiles or of a piece of one, columns k to end - 1; many at
// once, but for the last ones. Cells end with a short block if k does.
QQI_AVX2_INLINE void qqi_lone_blocks_avx2(const qqi_lone_avx2 *a,
                                          const uint8_t *cells, size_t k,
                                          size_t end, unsigned bits,
                                          size_t many, qqi_block_avx2_fn block,
                                          __m256i *s)
{
    const size_t bytes = 64 * bits;
    size_t left = (end - k) / 32;

    cells += k / 32 * bytes;
    for (; many > 1 && left >= many; left -= many) {
        qqi_ask_avx2(cells + a->ahead, bits * (unsigned)many);
        block(a, cells, k, many, s);
        cells += many * bytes;
        k += 32 * many;
    }
    for (; left > 0; left--, cells += bytes, k += 32) {
        qqi_ask_avx2(cells + a->ahead, bits);
        block(a, cells, k, 1, s);
    }
    if (k < end)
        block(a, qqi_last_block_avx2(a->p, cells, a->w->room), k, 1, s);
}

// The sums of tile t; halves of q are made now if must.
QQI_AVX2_INLINE void qqi_lone_tile_avx2(const qqi_lone_avx2 *a,
                                        const uint8_t *cells, size_t t,
                                        unsigned bits, size_t many, int halved,
                                        int must, qqi_block_avx2_fn block,
                                        __m256i *s)
{
    const qqi_product *p = a->p;
    const size_t end = qqi_tile_end(p, t);

    for (size_t k = t * p->tile, next; k < end; k = next) {
        const size_t left = QQI_HALVES_AVX2 - k % QQI_HALVES_AVX2;
        next = halved && left < end - k ? k + left : end;
        if (halved && must && k % QQI_HALVES_AVX2 == 0)
            qqi_halve_window_avx2(a, k);
        qqi_lone_blocks_avx2(a, cells, k, next, bits, many, block, s);
    }
}

// Tiles t to end - 1 of a panel, to acc.
QQI_AVX2_INLINE void
qqi_lone_tiles_avx2(const qqi_lone_avx2 *a, const uint8_t *panel,
                    const uint8_t *cells, size_t t, size_t end, unsigned bits,
                    size_t many, int halved, int must, qqi_block_avx2_fn block,
                    qqi_joint_avx2_fn joint, __m256 *acc)
{
    const __m256i zero = _mm256_setzero_si256();

    for (; t < end; t++) {
        const uint8_t *scales = panel + a->p->scale_at + 64 * t;
        __m256i s[QQI_LONE_SUMS] = {zero, zero, zero, zero,
                                    zero, zero, zero, zero};
        __m256i d[2];
        if (!a->plain)
            scales = qqi_lone_scales_avx2(a, panel, t);
        qqi_lone_tile_avx2(a, cells, t, bits, many, halved, must, block, s);
        joint(s, d);
        acc[0] = qqi_lone_half_avx2(a, panel, t, 0, 0, scales, d[0], acc[0]);
        acc[1] = qqi_lone_half_avx2(a, panel, t, 0, 1, scales, d[1], acc[1]);
    }
}

// The same of tiles that are blocks, where nothing is special.
QQI_AVX2_INLINE void qqi_lone_quick_avx2(const qqi_lone_avx2 *a,
                                         const uint8_t *panel,
                                         const uint8_t *cells, size_t tiles,
                                         unsigned bits, int halved, int must,
                                         qqi_block_avx2_fn block,
                                         qqi_joint_avx2_fn joint, __m256 *acc)
{
    const __m256i zero = _mm256_setzero_si256();
    const int32_t *sum = a->g->sum;
    const uint8_t *scales = panel + a->p->scale_at;

    for (size_t t = 0, end; t < tiles; t = end) {
        end =
            a->plain || tiles - t < QQI_LONE_TILES ? tiles : t + QQI_LONE_TILES;
        if (!a->plain)
            scales = qqi_lone_scales_avx2(a, panel, t);
        for (size_t i = t; i < end; i++, scales += 64) {
            const __m256i off = _mm256_set1_epi32(sum[i]);
            __m256i s[QQI_LONE_SUMS] = {zero, zero, zero, zero,
                                        zero, zero, zero, zero};
            __m256i d[2];
            if (halved && must && 32 * i % QQI_HALVES_AVX2 == 0)
                qqi_halve_window_avx2(a, 32 * i);
            qqi_ask_avx2(cells + a->ahead, bits);
            qqi_ask_avx2(scales + a->ahead / 2, 1);
            block(a, cells, 32 * i, 1, s);
            cells += 64 * bits;
            joint(s, d);
            acc[0] = _mm256_fmadd_ps(
                qqi_floats_avx2(scales),
                _mm256_cvtepi32_ps(_mm256_sub_epi32(d[0], off)), acc[0]);
            acc[1] = _mm256_fmadd_ps(
                qqi_floats_avx2(scales + 32),
                _mm256_cvtepi32_ps(_mm256_sub_epi32(d[1], off)), acc[1]);
        }
    }
}

// The product. bits, many, halved (whether q is), block and joint are
// constants.
QQI_AVX2_INLINE void qqi_multiply_lone_avx2(const qqi_product *p,
                                            const qqi_columns *g, size_t first,
                                            size_t last, void *work,
                                            unsigned bits, size_t many,
                                            int halved, qqi_block_avx2_fn block,
                                            qqi_joint_avx2_fn joint)
{
    // Not worth its code for 1 bit, which has tables, and for sums of parts.
    const int often = bits > 1 && bits == qqi_part_bits(bits);
    const size_t quick =
        often && qqi_is_quick(p) && p->tile == 32 ? p->k / 32 : 0;
    qqi_lone_avx2 a;

    qqi_lone_make_avx2(p, g, work, &a);
    for (size_t i = first; i < last; i++) {
        const uint8_t *panel = qqi_panel(p, i);
        const uint8_t *cells = qqi_panel_cells(p, i);
        const int must = i == first || p->k > QQI_HALVES_AVX2;
        __m256 acc[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
        a.ahead = qqi_ahead_of_avx2(p, i, last);
        if (often)
            qqi_lone_quick_avx2(&a, panel, cells, quick, bits, halved, must,
                                block, joint, acc);
        qqi_lone_tiles_avx2(&a, panel, cells, quick, p->tiles, bits, many,
                            halved, must, block, joint, acc);
        qqi_end_avx2(p, g, i, 0, acc[0], acc[1]);
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_LONE_H
