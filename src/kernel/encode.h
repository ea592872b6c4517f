// qquant floor 5: rows of numbers straight into the cells of a panel.
//
// A kernel's encode quantizes up to 16 rows of f32 and writes the cells of
// their panel, whole and padded, and their scales, those of missing rows 0;
// nothing else of the panel. It gives the bytes of array/ (calibrate.h,
// scale.h, pass.h) and of the kernel's pack, or answers 0: then it has left
// anything in cells and scales, and the panel must be made the general way.
// With a tile's numbers x
//
//   bound = factor * max|x|, or factor * mean|x|      f64, then f32
//   scale = bound / reach, rounded to its type; 1 where that is below 2^-63
//   code  = x / scale to nearest even, cut to lo ... hi; stored: code + add
//
// and of signs: scale = bound, at least the smallest of the type, or 0 where
// bound is 0; the code is 0 where x / scale is below 0, else 1. It answers 0
// where a number is not finite, or a bound is not below 2^62 (f16: 65504).
//
// QUOTIENTS without divisions. With r = 1 / s rounded and t = r (1 - r s)
// rounded, r + t is 1 / s but for 2^-47 of it; so q = fma(x, r, x t) rounds
// x / s but for 2^-46 of it, which is 2^-22 of a step of q. Where q is not
// x / s rounded, x / s lies that near the middle of two floats; and only where
// that middle is next to h = j + 1/2 can the code be another one. Let X and S
// be the 24 bits of x and s, and h = N steps, a multiple of 2^15, as h has at
// most 9 bits. Then 0 < |2^24 X - (2 N +- 1) S| < 2^-21 S < 8 (or 2^25 X; not 0
// as 2 N +- 1 is odd and above X), so S lies 1 to 7 off a multiple of 2^16.
// Only with these hard scales q is corrected: it is one of the floats about
// x / s, and fma(r, x - q s, q), whose residue is exact, is x / s rounded
// (Markstein's theorem). s lies from 2^-63 to 2^62, so that nothing underflows
// where |q| is 1/4 or more; smaller ones have code 0 in any case.
//
// Where factor is below 1, or a mean that of many, |x / s| may exceed an int32,
// and x is cut first to one scale beyond the codes. Else it is at most 1.5
// reach + 1, or that times k.
//
// STEPS. Signs and ternary codes are found by comparing: x / s rounds to more
// than 1/2 just where x > s / 2, for no float lies between s / 2 and
// s / 2 + 2^-25 s. So a code is (x >= low) + (x > high).
//
// MEANS are sums in f64 of |x| one after another. A sum of n numbers in any
// order lies within n 2^-53 of the exact one, relatively, and so within n 2^-51
// of any other. Where both ends of that give the same bound, it is the bound;
// else the row is summed again in order.

#ifndef QQUANT_KERNEL_ENCODE_H
#define QQUANT_KERNEL_ENCODE_H

#include "kernel/cell.h"
#include "kernel/kernel.h"
#include "num/half.h"
#include "num/widen.h"

typedef struct qqi_encode {
    const uint8_t *x; // the first row, f32 that need not be aligned
    size_t stride;    // bytes from a row to the next
    size_t rows;      // 1 to 16
    size_t k;         // at least 1
    size_t tile;      // k, or a multiple of 32 below k
    int more;         // 1: 16 rows follow, which may be asked for ahead
    double factor;
    int plain; // 1: factor is 1
    float reach;
    int mean; // 1: factor * mean|x|
    int32_t lo;
    int32_t hi;
    int32_t add;
    unsigned bits;
    qq_type type;       // matters where it is sign or ternary
    qq_type scale_type; // f32 or f16
    size_t scale_at;
} qqi_encode;

#define QQI_ENCODE_LEAST 1.0842021724855044e-19f // 2^-63

// What bounds must be below; those of f16 so that the scale is none too large.
QQI_INLINE float qqi_encode_most(const qqi_encode *e)
{
    return e->scale_type == QQ_TYPE_F16 ? 65504.0f : 4.611686018427388e18f;
}

QQI_INLINE const uint8_t *qqi_encode_row(const qqi_encode *e, size_t row)
{
    return e->x + (row < e->rows ? row : e->rows - 1) * e->stride;
}

// The least and the largest scale of a type.
QQI_INLINE float qqi_encode_scale_least(const qqi_encode *e)
{
    return e->scale_type == QQ_TYPE_F16 ? 5.9604644775390625e-8f
                                        : 1.17549435e-38f;
}

// Whether numbers are cut; reach is below 256.
QQI_INLINE int qqi_encode_cuts(const qqi_encode *e)
{
    return !(e->factor >= 1.0) || (e->mean && e->k > 65536);
}

// Where numbers are cut, or the step of ternary codes, in scales.
QQI_INLINE float qqi_encode_high(const qqi_encode *e)
{
    const int32_t most = -e->lo > e->hi ? -e->lo : e->hi;

    return e->type == QQ_TYPE_TERNARY ? 0.5f : (float)(most + 1);
}

// x, or its first numbers in rest, the others there being 0 already.
QQI_INLINE const uint8_t *qqi_encode_whole(const uint8_t *x, size_t columns,
                                           uint8_t *rest)
{
    if (columns >= 32)
        return x;
    QQ_MEMCPY(rest, x, 4 * columns);
    return rest;
}

// The columns of the tile that begins at k.
QQI_INLINE size_t qqi_encode_columns(const qqi_encode *e, size_t k)
{
    return e->k - k < e->tile ? e->k - k : e->tile;
}

// f32(factor * max|x|).
QQI_FN float qqi_encode_times(const qqi_encode *e, float top)
{
    return qqi_f32_from_f64(e->factor * qqi_f64_from_f32(top));
}

// How far two sums of n magnitudes can be apart, relatively: n * 2^-51.
QQI_INLINE double qqi_encode_slack(size_t n)
{
    return (double)n * 4.440892098500626e-16;
}

// f32(factor * mean|x|) of n numbers of a row, summed in order.
QQI_FN float qqi_encode_mean(const qqi_encode *e, size_t row, size_t k,
                             size_t n)
{
    const uint8_t *x = qqi_encode_row(e, row) + 4 * k;
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += qqi_abs_f64(qqi_f64_from_f32(qqi_load_f32(x + 4 * i)));
    return qqi_f32_from_f64(e->factor * (sum / (double)n));
}

// The largest magnitude t with t / scale rounded to 0: a number x has the
// code 0 where x < -t. That is scale / 2^150, cut to the steps of 2^-149.
QQI_FN float qqi_encode_nothing(float scale)
{
    const uint32_t u = qqi_f32_bits(scale);
    const uint32_t power = u >> 23;

    if (power > 150)
        return qqi_f32_of(u - ((uint32_t)150 << 23));
    if (power < 128)
        return 0.0f;
    return qqi_f32_of(((u & 0x7fffffu) | 0x800000u) >> (151 - power));
}

// The steps of signs of 16 rows: the upper one is never reached.
QQI_FN void qqi_encode_sign_steps(const float *scale, float *low, float *high)
{
    for (int i = 0; i < 16; i++) {
        low[i] = -qqi_encode_nothing(scale[i]);
        high[i] = qqi_f32_of(QQI_F32_INF);
    }
}

// --- the loop --------------------------------------------------------------

// Of the 16 rows, for a tile.
typedef struct qqi_encode_scales {
    float s[16];
    float r[16];
    float t[16];
    float low[16]; // where numbers are cut, or the steps
    float high[16];
    int hard; // 1: quotients are corrected, and numbers cut
} qqi_encode_scales;

// What comparisons with low and high gave: column c in bit c.
typedef struct qqi_encode_bits {
    uint32_t low[16];
    uint32_t high[16];
} qqi_encode_bits;

// Scales of the tile that begins at k, also to out; 0: not this way.
typedef int (*qqi_encode_scales_fn)(const qqi_encode *e, size_t k, uint8_t *out,
                                    qqi_encode_scales *scales);
// Columns k to k + 31, those that there are, to cells; answers their end.
typedef uint8_t *(*qqi_encode_block_fn)(const qqi_encode *e,
                                        const qqi_encode_scales *scales,
                                        size_t k, uint8_t *cells);

// The steps of a kernel set.
typedef struct qqi_encode_set {
    qqi_encode_scales_fn scales;
    qqi_encode_block_fn sign;
    qqi_encode_block_fn ternary;
    qqi_encode_block_fn easy;
    qqi_encode_block_fn hard;
    void (*fetch)(const qqi_encode *e, size_t k); // asks for the next 16 rows
} qqi_encode_set;

QQI_FN int qqi_encode_blocks(const qqi_encode_set *set, const qqi_encode *e,
                             uint8_t *panel)
{
    const size_t scale_bytes = e->scale_type == QQ_TYPE_F16 ? 32 : 64;
    uint8_t *scale = panel + e->scale_at;
    qqi_encode_scales scales;
    qqi_encode_block_fn block = set->sign;
    size_t tile = 0;

    for (size_t k = 0; k < e->k; k += 32) {
        if (k == tile) {
            if (!set->scales(e, k, scale, &scales))
                return 0;
            scale += scale_bytes;
            tile += e->tile;
            block = e->type == QQ_TYPE_SIGN      ? set->sign
                    : e->type == QQ_TYPE_TERNARY ? set->ternary
                    : scales.hard                ? set->hard
                                                 : set->easy;
        }
        if (e->more && e->k - k >= 32)
            set->fetch(e, k);
        panel = block(e, &scales, k, panel);
    }
    return 1;
}

#endif // QQUANT_KERNEL_ENCODE_H
