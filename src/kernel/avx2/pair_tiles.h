// qquant floor 5: codes beyond 127 in tiles of 32 columns, 4 columns and more,
// AVX2.
//
// Codes of 8 bits where they lie, or what a book of 16 has for codes of 4 bits,
// are multiplied once, as pairs.h does it. What was left of large numbers must
// be multiplied before the sums of a tile become floats: it is what they begin
// with. Codes are met 256 columns at a time by 4 columns of x, whose list is in
// that order.

#ifndef QQUANT_KERNEL_AVX2_PAIR_TILES_H
#define QQUANT_KERNEL_AVX2_PAIR_TILES_H

#include "kernel/avx2/pairs.h"

#if QQI_HAS_AVX2

// Columns of codes that are met at once.
#  define QQI_MET_AVX2 ((size_t)256)

// acc follows.
typedef struct qqi_left_work_avx2 {
    uint8_t u[4096];
    int32_t left[8][4][16]; // of a tile and a column; zeros between meetings
    float scales[8][16];
} qqi_left_work_avx2;

typedef struct qqi_pair_tiles_avx2 {
    const qqi_product *p;
    const qqi_columns *g;
    qqi_left_work_avx2 *w;
    qqi_tame_avx2 tame;
    float *acc;    // of a column: 16; of a panel: those of all columns
    size_t panels; // that there is room for
} qqi_pair_tiles_avx2;

QQI_STATIC_ASSERT(left_work_avx2,
                  sizeof(qqi_left_work_avx2) + 64 * QQI_TAME_AVX2 <=
                      QQI_WORK_BYTES);

QQI_AVX2_FN void qqi_pair_tiles_make_avx2(const qqi_product *p,
                                          const qqi_columns *g, void *work,
                                          qqi_pair_tiles_avx2 *a)
{
    a->p = p;
    a->g = g;
    a->w = (qqi_left_work_avx2 *)work;
    a->acc = (float *)(void *)(a->w + 1);
    a->panels = (QQI_WORK_BYTES - sizeof *a->w) / (64 * g->width);
    qqi_tame_make_avx2(p, g, work, 4, &a->tame);
    QQ_MEMSET(a->w->left, 0, sizeof a->w->left);
}

// --- a meeting -------------------------------------------------------------

// What was left of the numbers of a meeting whose codes are u, 64 * step bytes
// into the stretch; from entry i of their list on. Gives the next one.
QQI_AVX2_INLINE size_t qqi_meet_left_avx2(const qqi_pair_tiles_avx2 *a,
                                          const uint8_t *u, size_t list,
                                          size_t step, size_t i)
{
    const qqi_over_avx2 *over = a->tame.over + list * a->tame.most;
    const size_t count = a->tame.count[list];
    const size_t end = 64 * (step + QQI_MET_AVX2 / 4);

    for (; i < count && over[i].at < end; i++) {
        const size_t at = over[i].at - 64 * step;
        const uint8_t *codes = u + at / 64 * 64;
        int32_t *left = a->w->left[at / 512][at & 3];
        __m256i s[2] = {qqi_load_avx2(left), qqi_load_avx2(left + 8)};

        qqi_pairs_one_avx2(qqi_load_avx2(codes), qqi_load_avx2(codes + 32),
                           over[i].q, s);
        qqi_store_avx2(left, s[0]);
        qqi_store_avx2(left + 8, s[1]);
    }
    return i;
}

// The sums of four columns begin with that, which becomes zeros.
QQI_AVX2_INLINE void qqi_take_left_avx2(int32_t *left, __m256i *s)
{
    const __m256i zero = _mm256_setzero_si256();

    s[0] = qqi_load_avx2(left);
    s[1] = qqi_load_avx2(left + 8);
    s[2] = qqi_load_avx2(left + 16);
    s[3] = qqi_load_avx2(left + 24);
    s[4] = qqi_load_avx2(left + 32);
    s[5] = qqi_load_avx2(left + 40);
    s[6] = qqi_load_avx2(left + 48);
    s[7] = qqi_load_avx2(left + 56);
    qqi_store_avx2(left, zero);
    qqi_store_avx2(left + 8, zero);
    qqi_store_avx2(left + 16, zero);
    qqi_store_avx2(left + 24, zero);
    qqi_store_avx2(left + 32, zero);
    qqi_store_avx2(left + 40, zero);
    qqi_store_avx2(left + 48, zero);
    qqi_store_avx2(left + 56, zero);
}

QQI_AVX2_INLINE void qqi_four_pairs_avx2(const uint8_t *u, const int8_t *q,
                                         __m256i *s)
{
    qqi_pairs_step_avx2(u, q, s);
    qqi_pairs_step_avx2(u + 64, q + 16, s);
    qqi_pairs_step_avx2(u + 128, q + 32, s);
    qqi_pairs_step_avx2(u + 192, q + 48, s);
}

// The tiles of a meeting, of some columns of codes.
QQI_AVX2_ALONE void qqi_pair_tiles_avx2_of(const uint8_t *u, const int8_t *q,
                                           size_t width, size_t columns,
                                           int32_t *left, qqi_quick_avx2 *to)
{
    __m256i s[8];

    for (; columns >= 32; columns -= 32, left += 64) {
        qqi_take_left_avx2(left, s);
        qqi_four_pairs_avx2(u, q, s);
        qqi_four_pairs_avx2(u + 256, q + 64, s);
        qqi_quick_both_avx2(to, s);
        qqi_quick_next_avx2(to, width);
        u += 512;
        q += 128;
    }
    if (columns == 0)
        return;
    qqi_take_left_avx2(left, s);
    for (size_t i = 0; i < columns; i += 4, u += 64, q += 16)
        qqi_pairs_step_avx2(u, q, s);
    qqi_quick_both_avx2(to, s);
}

// --- the product -----------------------------------------------------------

// The scales of tiles t to end - 1 of a panel, 16 f32 each.
QQI_AVX2_INLINE const uint8_t *qqi_met_scales_avx2(const qqi_pair_tiles_avx2 *a,
                                                   const uint8_t *panel,
                                                   size_t t, size_t end)
{
    if (qqi_has_plain_scales(a->p))
        return panel + a->p->scale_at + 64 * t;
    qqi_many_scales_avx2(a->p, panel, t, end, a->w->scales[0]);
    return (const uint8_t *)a->w->scales;
}

// A stretch of panel i, columns k to last - 1, times all columns of x, to acc;
// cells are asked for ahead of that.
QQI_AVX2_FN void qqi_tiles_stretch_avx2(const qqi_pair_tiles_avx2 *a, size_t i,
                                        size_t k, size_t last, size_t ahead,
                                        float *acc)
{
    const qqi_product *p = a->p;
    const qqi_columns *g = a->g;
    const uint8_t *cells = qqi_panel_cells(p, i);
    size_t done[QQI_TAME_AVX2 / 4] = {0, 0, 0, 0};

    for (size_t begin = k; k < last; k += QQI_MET_AVX2) {
        const size_t columns =
            last - k < QQI_MET_AVX2 ? last - k : QQI_MET_AVX2;
        const uint8_t *u = a->w->u;
        const int8_t *q = a->tame.q + 4 * (k - begin);
        qqi_quick_avx2 to;
        const uint8_t *scales = qqi_met_scales_avx2(a, qqi_panel(p, i), k / 32,
                                                    (k + columns + 31) / 32);
        qqi_ask_avx2(scales + ahead / 2, 8);
        if (p->bits == 8)
            u = cells + 16 * k;
        else
            qqi_unpack_avx2(p, cells, k, columns, ahead, a->w->u);
        for (size_t c = 0; c < g->count; c += 4) {
            to.acc = acc + 16 * c;
            to.sum = g->sum + k / 32 * g->width + c;
            to.scales = scales;
            done[c / 4] =
                qqi_meet_left_avx2(a, u, c / 4, (k - begin) / 4, done[c / 4]);
            qqi_pair_tiles_avx2_of(u, q + c * a->tame.stretch, g->width,
                                   columns, a->w->left[0][0], &to);
        }
    }
}

// Whether a product can be done this way.
QQI_INLINE int qqi_has_pair_tiles(const qqi_product *p)
{
    return qqi_is_quick(p) && p->tile == 32 &&
           (p->bits == 8 || (p->bits == 4 && p->code == QQI_CODE_BOOK));
}

QQI_AVX2_FN void qqi_multiply_pair_tiles_avx2(const qqi_product *p,
                                              const qqi_columns *g,
                                              size_t first, size_t last,
                                              void *work)
{
    const size_t row = 16 * g->width;
    qqi_pair_tiles_avx2 a;

    qqi_pair_tiles_make_avx2(p, g, work, &a);
    const size_t stretch = a.tame.stretch;
    for (size_t i = first, next; i < last; i = next) {
        next = a.panels < last - i ? i + a.panels : last;
        QQ_MEMSET(a.acc, 0, (next - i) * row * sizeof a.acc[0]);
        for (size_t k = 0; k < p->k; k += stretch) {
            const size_t end = stretch < p->k - k ? k + stretch : p->k;
            if ((i == first || stretch < p->k) &&
                !qqi_tame_stretch_avx2(&a.tame, k, end - k)) {
                qqi_multiply_halved_avx2(p, g, i, last, work);
                return;
            }
            for (size_t j = i; j < next; j++)
                qqi_tiles_stretch_avx2(&a, j, k, end,
                                       qqi_ahead_of_avx2(p, j, last),
                                       a.acc + (j - i) * row);
        }
        for (size_t j = i; j < next; j++)
            for (size_t c = 0; c < g->count; c++) {
                const float *acc = a.acc + (j - i) * row + 16 * c;
                qqi_end_avx2(p, g, j, c, qqi_floats_avx2(acc),
                             qqi_floats_avx2(acc + 8));
            }
    }
}

#endif

#endif // QQUANT_KERNEL_AVX2_PAIR_TILES_H
