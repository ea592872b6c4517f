// qquant floor 5: codes beyond 127 in tiles of 32 columns, 4 columns and more,
// AVX2.
//
// Codes of 8 bits where they lie, or what a book of 16 has for codes of 4 bits,
// are multiplied once, as pairs.h does it: what saturation cuts off is added
// for the few fours of numbers that hold a large pair. Here it must be known
// before the sums of a tile become floats: it is what they begin with. Codes
// are met 256 columns at a time by 4 columns of x; large fours are listed in
// that order, the cuts of each such meeting are made from the list, and then
// its tiles are multiplied.

#ifndef QQUANT_KERNEL_AVX2_PAIR_TILES_H
#define QQUANT_KERNEL_AVX2_PAIR_TILES_H

#include "kernel/avx2/pairs.h"

#if QQI_HAS_AVX2

// Columns of codes that are met at once.
#  define QQI_MET_AVX2 ((size_t)256)

// Four numbers with a large pair: meeting << 8 | step << 2 | column.
typedef struct qqi_large_avx2 {
    uint32_t at;
    int8_t q[4];
    int8_t high[4]; // halves of them, rounded up
} qqi_large_avx2;

typedef struct qqi_cut_work_avx2 {
    uint8_t u[4096];
    int32_t cut[8][4][16]; // of a tile and a column; zeros between meetings
    float acc[32][16];
    float scales[8][16];
    qqi_large_avx2 large[640]; // more where work is larger
} qqi_cut_work_avx2;

QQI_STATIC_ASSERT(cut_work_avx2, sizeof(qqi_cut_work_avx2) <= QQI_WORK_BYTES);

typedef struct qqi_cuts_avx2 {
    const qqi_product *p;
    const qqi_columns *g;
    qqi_cut_work_avx2 *w;
    qqi_large_avx2 *large;
    size_t count;
    size_t room;
} qqi_cuts_avx2;

// --- large fours -----------------------------------------------------------

// Which fours of four columns hold a large pair, in two steps: a bit each.
QQI_AVX2_INLINE uint32_t qqi_two_large_avx2(const int8_t *q, size_t stride)
{
    const __m256i two =
        _mm256_inserti128_si256(_mm256_castsi128_si256(qqi_load16_avx2(q)),
                                qqi_load16_avx2(q + stride), 1);

    return qqi_are_large_avx2(two);
}

// Lists a four; 0: there are too many.
QQI_FN int qqi_note_large_avx2(qqi_cuts_avx2 *a, size_t at, const int8_t *q)
{
    if (a->count == a->room)
        return 0;
    qqi_large_avx2 *to = &a->large[a->count++];
    to->at = (uint32_t)at;
    for (size_t i = 0; i < 4; i++) {
        to->q[i] = q[i];
        to->high[i] = (int8_t)((q[i] + 129) / 2 - 64);
    }
    return 1;
}

// Those of a meeting: steps, an even number, from q on.
QQI_AVX2_INLINE int qqi_met_large_avx2(qqi_cuts_avx2 *a, size_t meeting,
                                       size_t steps, const int8_t *q)
{
    const size_t stride = 4 * a->g->width;

    for (size_t i = 0; i < steps; i += 2, q += 2 * stride) {
        uint32_t bits = qqi_two_large_avx2(q, stride);
        for (; bits != 0; bits &= bits - 1) {
            const size_t j = (size_t)__builtin_ctz(bits);
            if (!qqi_note_large_avx2(a, meeting << 8 | (4 * i + j),
                                     q + j / 4 * stride + j % 4 * 4))
                return 0;
        }
    }
    return 1;
}

// All of a group; 0: there are too many.
QQI_AVX2_ALONE int qqi_all_large_avx2(qqi_cuts_avx2 *a)
{
    const size_t width = a->g->width;
    const size_t padded = a->p->padded;
    const size_t most = padded / 4 * width / 10;
    const int wide = width > 8;
    size_t meeting = 0;

    a->large =
        wide ? (qqi_large_avx2 *)(void *)((uint8_t *)a->w + QQI_WORK_BYTES)
             : a->w->large;
    a->room = wide ? qqi_wide_bytes(padded) / sizeof a->large[0] : 640;
    a->room = a->room < most ? a->room : most;
    a->count = 0;
    for (size_t k = 0; k < padded; k += QQI_MET_AVX2) {
        const size_t left = padded - k;
        const size_t steps = (left < QQI_MET_AVX2 ? left : QQI_MET_AVX2) / 4;
        for (size_t c = 0; c < a->g->count; c += 4, meeting++)
            if (!qqi_met_large_avx2(a, meeting, steps,
                                    a->g->q + k * width + 4 * c))
                return 0;
    }
    return 1;
}

// --- a meeting -------------------------------------------------------------

// The cuts of a meeting, from entry i of the list on. Gives the next one.
QQI_AVX2_INLINE size_t qqi_make_cuts_avx2(const qqi_cuts_avx2 *a,
                                          const uint8_t *u, size_t meeting,
                                          size_t i)
{
    for (; i < a->count && a->large[i].at >> 8 == meeting; i++) {
        const qqi_large_avx2 *large = &a->large[i];
        const size_t step = large->at >> 2 & 63;
        const uint8_t *codes = u + 64 * step;
        int32_t *cut = a->w->cut[step / 8][large->at & 3];
        const __m256i q = qqi_four_avx2(large->q);
        const __m256i high = qqi_four_avx2(large->high);
        const __m256i low = _mm256_sub_epi8(q, high);

        qqi_cut_rows_avx2(codes, q, high, low, cut);
        qqi_cut_rows_avx2(codes + 32, q, high, low, cut + 8);
    }
    return i;
}

// The sums of four columns begin with their cuts, which become zeros.
QQI_AVX2_INLINE void qqi_take_cuts_avx2(int32_t *cut, __m256i *s)
{
    const __m256i zero = _mm256_setzero_si256();

    s[0] = qqi_load_avx2(cut);
    s[1] = qqi_load_avx2(cut + 8);
    s[2] = qqi_load_avx2(cut + 16);
    s[3] = qqi_load_avx2(cut + 24);
    s[4] = qqi_load_avx2(cut + 32);
    s[5] = qqi_load_avx2(cut + 40);
    s[6] = qqi_load_avx2(cut + 48);
    s[7] = qqi_load_avx2(cut + 56);
    qqi_store_avx2(cut, zero);
    qqi_store_avx2(cut + 8, zero);
    qqi_store_avx2(cut + 16, zero);
    qqi_store_avx2(cut + 24, zero);
    qqi_store_avx2(cut + 32, zero);
    qqi_store_avx2(cut + 40, zero);
    qqi_store_avx2(cut + 48, zero);
    qqi_store_avx2(cut + 56, zero);
}

QQI_AVX2_INLINE void qqi_four_pairs_avx2(const uint8_t *u, const int8_t *q,
                                         size_t stride, __m256i *s)
{
    qqi_pairs_step_avx2(u, q, s);
    qqi_pairs_step_avx2(u + 64, q + stride, s);
    qqi_pairs_step_avx2(u + 128, q + 2 * stride, s);
    qqi_pairs_step_avx2(u + 192, q + 3 * stride, s);
}

// The tiles of a meeting, of some columns of codes.
QQI_AVX2_ALONE void qqi_pair_tiles_avx2(const uint8_t *u, const int8_t *q,
                                        size_t width, size_t columns,
                                        int32_t *cut, qqi_quick_avx2 *to)
{
    const size_t stride = 4 * width;
    __m256i s[8];

    for (; columns >= 32; columns -= 32, cut += 64) {
        qqi_take_cuts_avx2(cut, s);
        qqi_four_pairs_avx2(u, q, stride, s);
        qqi_four_pairs_avx2(u + 256, q + 4 * stride, stride, s);
        qqi_quick_both_avx2(to, s);
        qqi_quick_next_avx2(to, width);
        u += 512;
        q += 8 * stride;
    }
    if (columns == 0)
        return;
    qqi_take_cuts_avx2(cut, s);
    for (size_t i = 0; i < columns; i += 4, u += 64, q += stride)
        qqi_pairs_step_avx2(u, q, s);
    qqi_quick_both_avx2(to, s);
}

// --- the product -----------------------------------------------------------

// The scales of tiles t to end - 1 of a panel, 16 f32 each.
QQI_AVX2_INLINE const uint8_t *qqi_met_scales_avx2(const qqi_cuts_avx2 *a,
                                                   const uint8_t *panel,
                                                   size_t t, size_t end)
{
    float *out = a->w->scales[0];

    if (qqi_has_plain_scales(a->p))
        return panel + a->p->scale_at + 64 * t;
    for (; t < end; t++, out += 16) {
        qqi_store_floats_avx2(out, qqi_scales_avx2(a->p, panel, t, 0));
        qqi_store_floats_avx2(out + 8, qqi_scales_avx2(a->p, panel, t, 1));
    }
    return (const uint8_t *)a->w->scales;
}

// Panel i times all columns, to acc; cells are asked for ahead of that.
QQI_AVX2_FN void qqi_pair_panel_avx2(const qqi_cuts_avx2 *a, size_t i,
                                     size_t ahead)
{
    const qqi_product *p = a->p;
    const qqi_columns *g = a->g;
    const uint8_t *cells = qqi_panel_cells(p, i);
    size_t meeting = 0, large = 0;

    for (size_t k = 0; k < p->k; k += QQI_MET_AVX2) {
        const size_t left = p->k - k;
        const size_t columns = left < QQI_MET_AVX2 ? left : QQI_MET_AVX2;
        const uint8_t *u = a->w->u;
        const uint8_t *scales = qqi_met_scales_avx2(a, qqi_panel(p, i), k / 32,
                                                    (k + columns + 31) / 32);
        qqi_ask_avx2(scales + ahead / 2, 8);
        if (p->bits == 8)
            u = cells + 16 * k;
        else
            qqi_unpack_avx2(p, cells, k, columns, ahead, a->w->u);
        for (size_t c = 0; c < g->count; c += 4, meeting++) {
            qqi_quick_avx2 to;
            to.acc = a->w->acc[c];
            to.sum = g->sum + k / 32 * g->width + c;
            to.scales = scales;
            large = qqi_make_cuts_avx2(a, u, meeting, large);
            qqi_pair_tiles_avx2(u, g->q + k * g->width + 4 * c, g->width,
                                columns, a->w->cut[0][0], &to);
        }
    }
}

// Whether a product can be done this way.
QQI_INLINE int qqi_has_pair_tiles(const qqi_product *p)
{
    return qqi_is_quick(p) && p->tile == 32 &&
           (p->bits == 8 || (p->bits == 4 && p->code == QQI_CODE_BOOK)) &&
           p->k < (size_t)1 << 28;
}

QQI_AVX2_FN void qqi_multiply_pair_tiles_avx2(const qqi_product *p,
                                              const qqi_columns *g,
                                              size_t first, size_t last,
                                              void *work)
{
    qqi_cuts_avx2 a;

    a.p = p;
    a.g = g;
    a.w = (qqi_cut_work_avx2 *)work;
    if (!qqi_all_large_avx2(&a)) {
        qqi_multiply_halved_avx2(p, g, first, last, work);
        return;
    }
    QQ_MEMSET(a.w->cut, 0, sizeof a.w->cut);
    for (size_t i = first; i < last; i++) {
        QQ_MEMSET(a.w->acc, 0, g->width * sizeof a.w->acc[0]);
        qqi_pair_panel_avx2(&a, i, qqi_ahead_of_avx2(p, i, last));
        for (size_t c = 0; c < g->count; c++)
            qqi_end_avx2(p, g, i, c, qqi_floats_avx2(a.w->acc[c]),
                         qqi_floats_avx2(a.w->acc[c] + 8));
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_PAIR_TILES_H
