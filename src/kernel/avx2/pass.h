// qquant floor 5: what AVX2's dot engines hold, and the end of a tile.
//
// Where sums end a tile they go from registers into acc, unless there are
// digits, a zero point of x, or more spans in the tile. What is taken off such
// sums is code offset times the sum of q, and the sums that prepare.h leaves
// are such products already where the offset is the same for all rows.

#ifndef QQUANT_KERNEL_AVX2_PASS_H
#define QQUANT_KERNEL_AVX2_PASS_H

#include "kernel/avx2/prepare.h"
#include "kernel/avx2/unpack.h"

#if QQI_HAS_AVX2

// Rows of x in a group, at most, where a tile has more spans.
#  define QQI_TOTAL_AVX2 ((size_t)8)

// Columns that are unpacked at once, and tiles whose scales are.
#  define QQI_CHUNK_AVX2 ((size_t)512)
#  define QQI_TILES_AVX2 ((size_t)16)

typedef struct qqi_work_avx2 {
    uint8_t u[16 * 512];
    int32_t sum[32][16];
    float acc[32][16]; // rows of x
    float scales[16][16];
    int64_t total[8][16];
} qqi_work_avx2;

QQI_STATIC_ASSERT(work_avx2, sizeof(qqi_work_avx2) <= QQI_WORK_BYTES);

// What is being multiplied.
typedef struct qqi_pass_avx2 {
    const qqi_product *p;
    const qqi_columns *g;
    qqi_work_avx2 *w;
    size_t columns; // of q, digits and all
    int direct;     // sums go straight into acc
    int quick;      // and there is nothing special about it
    int small;      // and tiles have 32 columns
    int plain;      // scales are f32, and nothing but them
    size_t most;    // additions in int16, where there are any
    size_t ahead;   // bytes by which cells are asked for before they are wanted
    size_t panel;
    size_t tile;
} qqi_pass_avx2;

// Numbers of x and codes that meet: columns k to end - 1 of a panel, the first
// of them of a tile, and count columns of q, 1 to 4, from column c on. scales:
// of that tile and the next ones, 16 f32 each, or NULL where sums wait; then
// fresh tells whether they begin with 0.
typedef struct qqi_meeting_avx2 {
    const uint8_t *u;
    const int8_t *q;
    const uint8_t *scales;
    size_t tile;
    size_t k;
    size_t end;
    size_t c;
    size_t count;
    int fresh;
} qqi_meeting_avx2;

typedef void (*qqi_segment_avx2_fn)(const qqi_pass_avx2 *a,
                                    const qqi_meeting_avx2 *m);

// How codes come to be in w->u. NULL: they are bytes in the panel already.
typedef void (*qqi_unpack_avx2_fn)(const qqi_product *p, const uint8_t *cells,
                                   size_t k, size_t count, size_t ahead,
                                   uint8_t *out);

// --- where nothing is special ----------------------------------------------

// Where four columns and the tiles of a meeting have what ends a tile.
typedef struct qqi_quick_avx2 {
    float *acc;         // of the first column: 16 each
    const int32_t *sum; // of the tile
    const uint8_t *scales;
} qqi_quick_avx2;

QQI_AVX2_INLINE qqi_quick_avx2 qqi_quick_make_avx2(const qqi_pass_avx2 *a,
                                                   const qqi_meeting_avx2 *m)
{
    qqi_quick_avx2 to;

    to.acc = a->w->acc[m->c];
    to.sum = a->g->sum + m->tile * a->g->width + m->c;
    to.scales = m->scales;
    return to;
}

// acc = fma(s, D, acc) of column c and a half.
QQI_AVX2_INLINE void qqi_quick_end_avx2(const qqi_quick_avx2 *to, size_t c,
                                        size_t half, __m256i s)
{
    const __m256i off = _mm256_set1_epi32(to->sum[c]);
    const __m256 d = _mm256_cvtepi32_ps(_mm256_sub_epi32(s, off));
    const __m256 scale = qqi_floats_avx2(to->scales + 32 * half);
    float *acc = to->acc + 16 * c + 8 * half;

    qqi_store_floats_avx2(acc, _mm256_fmadd_ps(scale, d, qqi_floats_avx2(acc)));
}

QQI_AVX2_INLINE void qqi_quick_both_avx2(const qqi_quick_avx2 *to,
                                         const __m256i *s)
{
    qqi_quick_end_avx2(to, 0, 0, s[0]);
    qqi_quick_end_avx2(to, 0, 1, s[1]);
    qqi_quick_end_avx2(to, 1, 0, s[2]);
    qqi_quick_end_avx2(to, 1, 1, s[3]);
    qqi_quick_end_avx2(to, 2, 0, s[4]);
    qqi_quick_end_avx2(to, 2, 1, s[5]);
    qqi_quick_end_avx2(to, 3, 0, s[6]);
    qqi_quick_end_avx2(to, 3, 1, s[7]);
}

// On to the next tile; width columns have sums.
QQI_AVX2_INLINE void qqi_quick_next_avx2(qqi_quick_avx2 *to, size_t width)
{
    to->sum += width;
    to->scales += 64;
}

// What the quick way has left of a meeting; 0: nothing.
QQI_AVX2_INLINE int qqi_rest_avx2(const qqi_pass_avx2 *a,
                                  const qqi_meeting_avx2 *m, size_t tiles,
                                  qqi_meeting_avx2 *rest)
{
    *rest = *m;
    rest->tile += tiles;
    rest->scales += 64 * tiles;
    rest->k += 32 * tiles;
    rest->u += 512 * tiles;
    rest->q += 32 * tiles * a->g->width;
    return rest->k < rest->end;
}

// --- pieces ----------------------------------------------------------------

// A piece of a meeting, all in one tile.
typedef struct qqi_piece_avx2 {
    size_t tile;
    size_t end;
    size_t steps;
    const uint8_t *scales; // of the tile
    int fresh;
    int last; // it ends the tile
} qqi_piece_avx2;

// The piece from column k of a tile on.
QQI_AVX2_INLINE void qqi_piece_avx2_of(const qqi_pass_avx2 *a,
                                       const qqi_meeting_avx2 *m, size_t k,
                                       qqi_piece_avx2 *piece)
{
    piece->end = m->end;
    piece->fresh = m->fresh;
    piece->last = 0;
    piece->scales = m->scales;
    if (m->scales != NULL) {
        const size_t tile_end = qqi_tile_end(a->p, piece->tile);
        piece->fresh = k == piece->tile * a->p->tile;
        piece->last = tile_end <= m->end;
        piece->end = piece->last ? tile_end : m->end;
        piece->scales += 64 * (piece->tile - m->tile);
    }
    piece->steps = (piece->end - k + 3) / 4;
}

// The first piece, and the next one; 0: there is none.
QQI_AVX2_INLINE int qqi_piece_first_avx2(const qqi_pass_avx2 *a,
                                         const qqi_meeting_avx2 *m,
                                         qqi_piece_avx2 *piece)
{
    piece->tile = m->tile;
    qqi_piece_avx2_of(a, m, m->k, piece);
    return 1;
}

QQI_AVX2_INLINE int qqi_piece_next_avx2(const qqi_pass_avx2 *a,
                                        const qqi_meeting_avx2 *m,
                                        qqi_piece_avx2 *piece)
{
    if (piece->end == m->end)
        return 0;
    piece->tile++;
    qqi_piece_avx2_of(a, m, piece->end, piece);
    return 1;
}

// What the sums of a column begin with, 8 rows of a half.
QQI_AVX2_INLINE __m256i qqi_begin_avx2(const qqi_pass_avx2 *a,
                                       const qqi_piece_avx2 *piece, size_t c,
                                       size_t half)
{
    return piece->fresh ? _mm256_setzero_si256()
                        : qqi_load_avx2(a->w->sum[c] + 8 * half);
}

// Where they are left.
QQI_AVX2_INLINE void qqi_leave_avx2(const qqi_pass_avx2 *a, size_t c,
                                    size_t half, __m256i s)
{
    qqi_store_avx2(a->w->sum[c] + 8 * half, s);
}

// acc = fma(s, D, acc) at the end of a tile.
QQI_AVX2_INLINE void qqi_finish_avx2(const qqi_pass_avx2 *a,
                                     const qqi_piece_avx2 *piece, size_t c,
                                     size_t half)
{
    const qqi_product *p = a->p;
    const size_t at = piece->tile * a->g->width + c;
    float *acc = a->w->acc[c] + 8 * half;
    __m256i s = qqi_load_avx2(a->w->sum[c] + 8 * half);
    __m256i off = _mm256_set1_epi32(a->g->sum[at]);
    __m256 scale = qqi_floats_avx2(piece->scales + 32 * half);

    if (p->mul == 2)
        s = _mm256_add_epi32(s, s);
    if (p->zero_at != 0)
        off = _mm256_mullo_epi32(
            off, qqi_zeros_avx2(p, qqi_panel(p, a->panel), piece->tile, half));
    if (p->input == QQ_INPUT_INT8_TILE)
        scale = _mm256_mul_ps(scale, _mm256_set1_ps(a->g->scale[at]));
    qqi_store_floats_avx2(
        acc,
        _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(_mm256_sub_epi32(s, off)),
                        qqi_floats_avx2(acc)));
}

// Of the columns of a meeting.
QQI_AVX2_ALONE void qqi_finish_all_avx2(const qqi_pass_avx2 *a,
                                        const qqi_meeting_avx2 *m,
                                        const qqi_piece_avx2 *piece,
                                        size_t half)
{
    for (size_t c = m->c; c < m->c + m->count; c++)
        qqi_finish_avx2(a, piece, c, half);
}

// Where the end of a tile is nothing special.
QQI_AVX2_INLINE qqi_quick_avx2 qqi_piece_quick_avx2(const qqi_pass_avx2 *a,
                                                    const qqi_meeting_avx2 *m,
                                                    const qqi_piece_avx2 *piece)
{
    qqi_quick_avx2 to;

    to.acc = a->w->acc[m->c];
    to.sum = a->g->sum + piece->tile * a->g->width + m->c;
    to.scales = piece->scales;
    return to;
}

// Sums of count, a constant, columns and one half.
QQI_AVX2_INLINE void qqi_begin_half_avx2(const qqi_pass_avx2 *a,
                                         const qqi_piece_avx2 *piece, size_t c,
                                         size_t count, size_t half, __m256i *s)
{
    s[0] = qqi_begin_avx2(a, piece, c, half);
    if (count > 1)
        s[1] = qqi_begin_avx2(a, piece, c + 1, half);
    if (count > 2)
        s[2] = qqi_begin_avx2(a, piece, c + 2, half);
    if (count > 3)
        s[3] = qqi_begin_avx2(a, piece, c + 3, half);
}

// What becomes of them: they end the tile, or wait.
QQI_AVX2_INLINE void qqi_piece_half_avx2(const qqi_pass_avx2 *a,
                                         const qqi_meeting_avx2 *m,
                                         const qqi_piece_avx2 *piece,
                                         size_t count, size_t half,
                                         const __m256i *s)
{
    if (count == 4 && piece->last && a->quick) {
        const qqi_quick_avx2 to = qqi_piece_quick_avx2(a, m, piece);
        qqi_quick_end_avx2(&to, 0, half, s[0]);
        qqi_quick_end_avx2(&to, 1, half, s[1]);
        qqi_quick_end_avx2(&to, 2, half, s[2]);
        qqi_quick_end_avx2(&to, 3, half, s[3]);
        return;
    }
    qqi_leave_avx2(a, m->c, half, s[0]);
    if (count > 1)
        qqi_leave_avx2(a, m->c + 1, half, s[1]);
    if (count > 2)
        qqi_leave_avx2(a, m->c + 2, half, s[2]);
    if (count > 3)
        qqi_leave_avx2(a, m->c + 3, half, s[3]);
    if (piece->last)
        qqi_finish_all_avx2(a, m, piece, half);
}

// The same of both halves, which alternate.
QQI_AVX2_INLINE void qqi_begin_both_avx2(const qqi_pass_avx2 *a,
                                         const qqi_piece_avx2 *piece, size_t c,
                                         size_t count, __m256i *s)
{
    s[0] = qqi_begin_avx2(a, piece, c, 0);
    s[1] = qqi_begin_avx2(a, piece, c, 1);
    if (count > 1) {
        s[2] = qqi_begin_avx2(a, piece, c + 1, 0);
        s[3] = qqi_begin_avx2(a, piece, c + 1, 1);
    }
    if (count > 2) {
        s[4] = qqi_begin_avx2(a, piece, c + 2, 0);
        s[5] = qqi_begin_avx2(a, piece, c + 2, 1);
    }
    if (count > 3) {
        s[6] = qqi_begin_avx2(a, piece, c + 3, 0);
        s[7] = qqi_begin_avx2(a, piece, c + 3, 1);
    }
}

QQI_AVX2_INLINE void qqi_piece_both_avx2(const qqi_pass_avx2 *a,
                                         const qqi_meeting_avx2 *m,
                                         const qqi_piece_avx2 *piece,
                                         size_t count, const __m256i *s)
{
    if (count == 4 && piece->last && a->quick) {
        const qqi_quick_avx2 to = qqi_piece_quick_avx2(a, m, piece);
        qqi_quick_both_avx2(&to, s);
        return;
    }
    qqi_leave_avx2(a, m->c, 0, s[0]);
    qqi_leave_avx2(a, m->c, 1, s[1]);
    if (count > 1) {
        qqi_leave_avx2(a, m->c + 1, 0, s[2]);
        qqi_leave_avx2(a, m->c + 1, 1, s[3]);
    }
    if (count > 2) {
        qqi_leave_avx2(a, m->c + 2, 0, s[4]);
        qqi_leave_avx2(a, m->c + 2, 1, s[5]);
    }
    if (count > 3) {
        qqi_leave_avx2(a, m->c + 3, 0, s[6]);
        qqi_leave_avx2(a, m->c + 3, 1, s[7]);
    }
    if (!piece->last)
        return;
    qqi_finish_all_avx2(a, m, piece, 0);
    qqi_finish_all_avx2(a, m, piece, 1);
}

#endif

#endif // QQUANT_KERNEL_AVX2_PASS_H
