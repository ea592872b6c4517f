// qquant floor 5: numbers of x that cannot saturate, AVX2.
//
// maddubs adds two products in int16, and all of them fit where the two numbers
// add up to -128 to 128: between 255 * -128 = -32640 and 255 * 128 = 32640, for
// numbers of unlike signs, too, as none is beyond. Of numbers that are spread
// as a normal distribution one pair in 120 to 30 is larger. Such pairs are
// halved, and what that leaves of them is listed, for each column or for each
// four: both halves are pairs that fit, and their sums are exact.
//
// A stretch of columns of W is copied at a time, four columns of x after four,
// 16 bytes a step: number 4 s + i of column c stands at c / 4 * 4 * stretch +
// 16 s + c % 4 * 4 + i.

#ifndef QQUANT_KERNEL_AVX2_TAME_H
#define QQUANT_KERNEL_AVX2_TAME_H

#include "kernel/avx2/dot.h"

#if QQI_HAS_AVX2

// Columns in a group, at most.
#  define QQI_TAME_AVX2 ((size_t)16)

// What is left of four numbers, and where their codes are: 64 bytes a step, and
// the column of four.
typedef struct qqi_over_avx2 {
    uint32_t at;
    int8_t q[4];
} qqi_over_avx2;

typedef struct qqi_tame_avx2 {
    const qqi_columns *g;
    int8_t *q;
    qqi_over_avx2 *over; // most of a list, then those of the next
    size_t shared;       // columns that share a list, 1 or 4
    size_t stretch;      // a multiple of 64
    size_t most;
    size_t count[QQI_TAME_AVX2]; // of each list
} qqi_tame_avx2;

// What lies behind work is divided between numbers and lists.
QQI_AVX2_FN void qqi_tame_make_avx2(const qqi_product *p, const qqi_columns *g,
                                    void *work, size_t shared, qqi_tame_avx2 *a)
{
    const size_t half = qqi_wide_bytes(p->padded) / 2;

    a->g = g;
    a->q = (int8_t *)work + QQI_WORK_BYTES;
    a->over = (qqi_over_avx2 *)(void *)(a->q + half);
    a->shared = shared;
    a->stretch =
        p->padded * g->width <= half ? p->padded : half / g->width / 256 * 256;
    // Half of all fours, for which there is room.
    a->most = a->stretch / 8 * shared;
}

// Two steps of four columns, and what is left of them; a bit for each four that
// has something left.
QQI_AVX2_INLINE uint32_t qqi_tame_two_avx2(const int8_t *q, size_t stride,
                                           int8_t *to, int8_t *left)
{
    const __m256i x =
        _mm256_inserti128_si256(_mm256_castsi128_si256(qqi_load16_avx2(q)),
                                qqi_load16_avx2(q + stride), 1);
    const __m256i sums = _mm256_maddubs_epi16(_mm256_set1_epi8(1), x);
    const __m256i large =
        _mm256_cmpgt_epi16(_mm256_abs_epi16(sums), _mm256_set1_epi16(128));
    // (x + 1) >> 1, which is -64 to 64, and the rest, -64 to 63.
    const __m256i up = _mm256_xor_si256(x, _mm256_set1_epi8((char)-128));
    const __m256i high = _mm256_sub_epi8(
        _mm256_avg_epu8(up, _mm256_setzero_si256()), _mm256_set1_epi8(64));
    const __m256i rest = _mm256_and_si256(_mm256_sub_epi8(x, high), large);
    const __m256i none = _mm256_cmpeq_epi32(large, _mm256_setzero_si256());

    qqi_store_avx2(to, _mm256_sub_epi8(x, rest));
    qqi_store_avx2(left, rest);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(none)) ^ 255;
}

// Sixteen steps of four columns from c on; 0: too many are large.
QQI_AVX2_INLINE int qqi_tame_some_avx2(qqi_tame_avx2 *a, const int8_t *q,
                                       size_t c, size_t step)
{
    const size_t stride = 4 * a->g->width;
    int8_t *to = a->q + c * a->stretch + 16 * step;
    int8_t left[256];
    uint64_t bits = 0;

    for (size_t i = 0; i < 8; i++)
        bits |= (uint64_t)qqi_tame_two_avx2(q + 2 * i * stride, stride,
                                            to + 32 * i, left + 32 * i)
                << 8 * i;
    for (; bits != 0; bits &= bits - 1) {
        const size_t i = (size_t)__builtin_ctzll(bits);
        const size_t list = (c + i % 4) / a->shared;
        qqi_over_avx2 *over = a->over + list * a->most;
        if (a->count[list] == a->most)
            return 0;
        over += a->count[list]++;
        over->at = (uint32_t)(64 * (step + i / 4) + i % a->shared);
        QQ_MEMCPY(over->q, left + 4 * i, 4);
    }
    return 1;
}

// Columns k and following, a multiple of 64; 0: too many are large.
QQI_AVX2_ALONE int qqi_tame_stretch_avx2(qqi_tame_avx2 *a, size_t k,
                                         size_t columns)
{
    const size_t width = a->g->width;
    const size_t all = (columns + 63) / 64 * 64;

    QQ_MEMSET(a->count, 0, sizeof a->count);
    for (size_t c = 0; c < width; c += 4)
        for (size_t i = 0; i < all; i += 64)
            if (!qqi_tame_some_avx2(a, a->g->q + (k + i) * width + 4 * c, c,
                                    i / 4))
                return 0;
    return 1;
}

// --- their products --------------------------------------------------------

// One column: 16 rows times 4 numbers.
QQI_AVX2_INLINE void qqi_pairs_one_avx2(__m256i u0, __m256i u1, const int8_t *q,
                                        __m256i *s)
{
    const __m256i four = qqi_four_avx2(q);
    const __m256i d0 = _mm256_maddubs_epi16(u0, four);
    const __m256i d1 = _mm256_maddubs_epi16(u1, four);

    s[0] = _mm256_add_epi32(s[0], qqi_wide_avx2(d0));
    s[1] = _mm256_add_epi32(s[1], qqi_wide_avx2(d1));
    QQI_KEEP_AVX2(s[0]);
    QQI_KEEP_AVX2(s[1]);
}

QQI_AVX2_INLINE void qqi_pairs_step_avx2(const uint8_t *u, const int8_t *q,
                                         __m256i *s)
{
    const __m256i u0 = qqi_load_avx2(u);
    const __m256i u1 = qqi_load_avx2(u + 32);

    qqi_pairs_one_avx2(u0, u1, q, s);
    qqi_pairs_one_avx2(u0, u1, q + 4, s + 2);
    qqi_pairs_one_avx2(u0, u1, q + 8, s + 4);
    qqi_pairs_one_avx2(u0, u1, q + 12, s + 6);
}

#endif

#endif // QQUANT_KERNEL_AVX2_TAME_H
