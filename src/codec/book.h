// qquant floor 4: code books: the fp4 of bitsandbytes, and the caller's own.
//
// A book's code is the place of the nearest level. Levels may stand in any
// order: they are ranked once, a binary search finds the two neighbours of x,
// and the nearer one is told exactly. With a <= x <= b that is the sign of
// 2x - (a + b): a + b is s + e in double with nothing lost (two-sum), 2x + s
// is either 0, then e decides, or large enough that e cannot turn its sign.

#ifndef QQUANT_CODEC_BOOK_H
#define QQUANT_CODEC_BOOK_H

#include "api/pack.h"
#include "codec/nf4.h"
#include "num/widen.h"

// Sign, then 0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4: n / 12, each rounded.
static const float qqi_bnb_fp4_levels[16] QQI_UNUSED = {
    0.0f,
    0.0052083334885537624f,
    0.6666666865348816f,
    1.0f,
    0.3333333432674408f,
    0.5f,
    0.1666666716337204f,
    0.25f,
    0.0f,
    -0.0052083334885537624f,
    -0.6666666865348816f,
    -1.0f,
    -0.3333333432674408f,
    -0.5f,
    -0.1666666716337204f,
    -0.25f,
};

// The ranks of the middles between neighbours, rounded to f32, the smallest
// first; a middle belongs to the lower level. And the codes from low to high.
static const int32_t qqi_bnb_fp4_last[14] QQI_UNUSED = {
    -0x3f555556, -0x3f155556, -0x3ed55556, -0x3e955556, -0x3e555556,
    -0x3db00000, -0x3b2aaaab, 0x3b2aaaab,  0x3db00000,  0x3e555556,
    0x3e955556,  0x3ed55556,  0x3f155556,  0x3f555556,
};
static const uint8_t qqi_bnb_fp4_codes[15] QQI_UNUSED = {
    11, 10, 13, 12, 15, 14, 9, 0, 1, 6, 7, 4, 5, 2, 3};

// NaN gives 0.
QQI_INLINE uint32_t qqi_bnb_fp4_encode(float x)
{
    const int32_t rank = qqi_rank_f32(x);
    uint32_t place = 0;

    for (int i = 0; i < 14; i++)
        place += (uint32_t)(rank > qqi_bnb_fp4_last[i]);
    return qqi_is_nan_f32(x) ? 0 : qqi_bnb_fp4_codes[place];
}

QQ_API const float *qq_book_levels(qq_type type)
{
    if (type == QQ_TYPE_NF4)
        return qqi_nf4_levels;
    return type == QQ_TYPE_BNB_FP4 ? qqi_bnb_fp4_levels : NULL;
}

// Levels, and the codes of different ones from the lowest up.
typedef struct qqi_book {
    const float *levels;
    size_t count;
    uint8_t order[256];
} qqi_book;

// 2 to 256 finite levels; equal ones are found by the lowest code.
QQI_FN int qqi_book_check(const float *levels, size_t level_count)
{
    if (!levels || level_count < 2 || level_count > 256)
        return 0;
    for (size_t i = 0; i < level_count; i++)
        if (!qqi_is_finite_f32(levels[i]))
            return 0;
    return 1;
}

// How many levels of the book have a rank of at most r.
QQI_INLINE size_t qqi_book_below(const qqi_book *book, int32_t r)
{
    size_t lo = 0;
    size_t hi = book->count;

    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (qqi_rank_f32(book->levels[book->order[mid]]) <= r)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

QQI_FN void qqi_book_make(qqi_book *book, const float *levels,
                          size_t level_count)
{
    book->levels = levels;
    book->count = 0;
    for (size_t i = 0; i < level_count; i++) {
        const int32_t r = qqi_rank_f32(levels[i]);
        const size_t at = qqi_book_below(book, r);
        if (at > 0 && qqi_rank_f32(levels[book->order[at - 1]]) == r)
            continue;
        QQ_MEMMOVE(book->order + at + 1, book->order + at, book->count - at);
        book->order[at] = (uint8_t)i;
        book->count++;
    }
}

// Whether x lies nearer to b than to a, a <= x <= b.
QQI_INLINE int qqi_nearer_above(double a, double x, double b)
{
    const double s = a + b;
    const double v = s - a;
    const double e = (a - (s - v)) + (b - v); // a + b = s + e
    const double d = 2.0 * x - s;

    return d > 0.0 || (!(d < 0.0) && e < 0.0);
}

QQI_FN uint8_t qqi_book_code(const qqi_book *book, float x)
{
    if (qqi_is_nan_f32(x))
        return 0;
    const size_t above = qqi_book_below(book, qqi_rank_f32(x));
    if (above == 0)
        return book->order[0];
    const uint8_t low = book->order[above - 1];
    if (above == book->count)
        return low;
    const uint8_t high = book->order[above];
    const int up = qqi_nearer_above(qqi_f64_from_f32(book->levels[low]),
                                    qqi_f64_from_f32(x),
                                    qqi_f64_from_f32(book->levels[high]));
    return up ? high : low;
}

QQ_API qq_status qq_book_encode(const float *levels, size_t level_count,
                                size_t count, const float *x, uint8_t *codes)
{
    qqi_book book;

    if (!qqi_book_check(levels, level_count))
        return QQ_ERR_ARGUMENT;
    if (count > 0 && (!x || !codes))
        return QQ_ERR_ARGUMENT;
    qqi_book_make(&book, levels, level_count);
    for (size_t i = 0; i < count; i++)
        codes[i] = qqi_book_code(&book, x[i]);
    return QQ_OK;
}

QQ_API qq_status qq_book_decode(const float *levels, size_t level_count,
                                size_t count, const uint8_t *codes, float *x)
{
    if (!qqi_book_check(levels, level_count))
        return QQ_ERR_ARGUMENT;
    if (count > 0 && (!codes || !x))
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        const size_t c = codes[i];
        x[i] = levels[c < level_count ? c : level_count - 1];
    }
    return QQ_OK;
}

#endif // QQUANT_CODEC_BOOK_H
