// Random weights, and the product with them as the manual states it, made
// from the array that was packed and nothing else: exact sums in int64, every
// float step in double and rounded once.

#ifndef QQUANT_TESTS_MATRIX_MATRIX_H
#define QQUANT_TESTS_MATRIX_MATRIX_H

#include "array/random_array.h"
#include <math.h>

static const qq_type matrix_types[] = {
    QQ_TYPE_SIGN,  QQ_TYPE_TERNARY, QQ_TYPE_INT2,   QQ_TYPE_INT3,
    QQ_TYPE_INT4,  QQ_TYPE_INT5,    QQ_TYPE_INT6,   QQ_TYPE_INT7,
    QQ_TYPE_INT8,  QQ_TYPE_UINT2,   QQ_TYPE_UINT4,  QQ_TYPE_UINT8,
    QQ_TYPE_NF4,   QQ_TYPE_BNB_FP4, QQ_TYPE_E2M1,   QQ_TYPE_MXFP4,
    QQ_TYPE_NVFP4, QQ_TYPE_BOOK,    QQ_TYPE_E4M3FN, QQ_TYPE_E5M2,
    QQ_TYPE_MXFP8, QQ_TYPE_MXFP8_16};
enum { MATRIX_TYPES = sizeof matrix_types / sizeof matrix_types[0] };

static const qq_type matrix_scales[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16,
                                        QQ_TYPE_E8M0, QQ_TYPE_E4M3FN};

static const float matrix_levels[16] = {-128, 127, 3,  -7, 0,  1,  2,   5,
                                        11,   -60, 99, 42, -1, 77, -33, 8};

static inline int matrix_is_float(qq_type type)
{
    qq_type_info info;

    CHECK(qq_type_get(type, &info) == QQ_OK);
    return info.storage == QQ_TYPE_E4M3FN || info.storage == QQ_TYPE_E5M2;
}

// Codes of small floats that are no NaN or infinity, unless wild.
static inline void matrix_tame(qq_tensor *t, uint8_t *p)
{
    const size_t bytes = qq_tensor_bytes(t);

    for (size_t i = 0; i < bytes; i++) {
        if (t->type == QQ_TYPE_E4M3FN && (p[i] & 0x7f) == 0x7f)
            p[i] = 0x30;
        if (t->type == QQ_TYPE_E5M2)
            p[i] = (uint8_t)(p[i] & 0xbf);
    }
}

static inline qq_tensor matrix_scale_tensor(qq_type type, const size_t *shape)
{
    qq_tensor t = qq_tensor_make(NULL, type, 2, shape);
    const size_t count = qq_tensor_count(&t);
    uint8_t *p = (uint8_t *)room(qq_tensor_bytes(&t));

    for (size_t i = 0; i < count; i++) {
        const uint32_t u = type == QQ_TYPE_E8M0
                               ? 120 + check_u32() % 12
                               : qq_type_encode(type, check_uniform());
        const uint16_t h = (uint16_t)(u & 0xffff);
        if (qq_type_bits(type) == 32)
            memcpy(p + 4 * i, &u, 4);
        else if (qq_type_bits(type) == 16)
            memcpy(p + 2 * i, &h, 2);
        else
            p[i] = (uint8_t)u;
    }
    t.data = p;
    return t;
}

// tile 0: the whole axis.
static inline qq_array matrix_array(qq_type type, size_t n, size_t k,
                                    size_t tile_n, size_t tile_k,
                                    qq_type scale_type, int zero)
{
    const size_t shape[2] = {n, k};
    qq_type_info info;
    qq_array a;
    size_t tiles[2];

    CHECK(qq_type_get(type, &info) == QQ_OK);
    memset(&a, 0, sizeof a);
    a.type = type;
    a.value = random_tensor(info.storage, 2, shape);
    uint8_t *codes = (uint8_t *)room(qq_tensor_bytes(&a.value));
    memcpy(codes, a.value.data, qq_tensor_bytes(&a.value));
    matrix_tame(&a.value, codes);
    a.value.data = codes;
    a.tile[0] = tile_n == 0 ? (n > 0 ? n : 1) : tile_n;
    a.tile[1] = tile_k == 0 ? (k > 0 ? k : 1) : tile_k;
    for (int i = 0; i < 2; i++) {
        tiles[i] = (shape[i] + a.tile[i] - 1) / a.tile[i];
        a.zero_tile[i] = a.tile[i];
    }
    a.scale = matrix_scale_tensor(scale_type, tiles);
    a.scale2 = scale_type == QQ_TYPE_E4M3FN ? 0.0371f : 1.0f;
    if (zero && info.affine)
        a.zero_point = random_tensor(info.storage, 2, tiles);
    if (type == QQ_TYPE_BOOK) {
        a.levels = matrix_levels;
        a.level_count = check_u32() % 2 ? 16 : 4;
    }
    return a;
}

// --- the definition --------------------------------------------------------

static inline float once(double x)
{
    return (float)x;
}
static inline float times(float x, float y)
{
    return once((double)x * (double)y);
}

// The integer a code stands for, zero points aside, and its unit.
static inline int64_t integer_of(const qq_array *a, int32_t code, float *unit)
{
    const uint32_t u = (uint32_t)code;

    *unit = 1.0f;
    switch ((int)a->type) {
    case QQ_TYPE_SIGN:
        return code ? 1 : -1;
    case QQ_TYPE_TERNARY:
        return code - 1;
    case QQ_TYPE_NF4:
    case QQ_TYPE_BNB_FP4:
        *unit = 1.0f / 127.0f;
        return (int64_t)rint((double)qq_type_decode(a->type, u) * 127.0);
    case QQ_TYPE_E2M1:
    case QQ_TYPE_MXFP4:
    case QQ_TYPE_NVFP4:
        *unit = 0.5f;
        return (int64_t)(qq_type_decode(QQ_TYPE_E2M1, u) * 2.0f);
    case QQ_TYPE_BOOK:
        return (int64_t)a->levels[u < a->level_count ? u : a->level_count - 1];
    default:
        return code;
    }
}

static inline float number_of(const qq_array *a, int32_t code)
{
    if (a->type == QQ_TYPE_BOOK)
        return a->levels[(size_t)code < a->level_count ? (size_t)code
                                                       : a->level_count - 1];
    return qq_type_decode(a->type, (uint32_t)code);
}

static inline size_t tile_of(const qq_array *a, size_t r, size_t c)
{
    return r / a->tile[0] * a->scale.shape[1] + c / a->tile[1];
}

// A row of x as integers, with its scales: one, or one for every tile.
struct coded {
    int64_t *q;
    float *sx;
};

static inline float x_at(const void *x, qq_type type, size_t i)
{
    float f;
    uint16_t h;

    if (type == QQ_TYPE_F32) {
        memcpy(&f, (const uint8_t *)x + 4 * i, 4);
        return f;
    }
    memcpy(&h, (const uint8_t *)x + 2 * i, 2);
    return type == QQ_TYPE_F16 ? qq_f32_from_f16(h) : qq_f32_from_bf16(h);
}

// Codes of numbers from to to - 1 of a row; answers sx.
static inline float code_run(const float *xb, size_t from, size_t to,
                             const qq_matmul_options *o, int64_t *q)
{
    const double most = o->input == QQ_INPUT_INT16   ? 32639
                        : o->input == QQ_INPUT_INT24 ? 8355711
                                                     : 127;
    const int fixed = o->input == QQ_INPUT_INT8_STATIC;
    const double low = fixed ? -128 - o->x_zero : -most;
    const double high = fixed ? 127 - o->x_zero : most;
    float max = 0.0f;

    for (size_t i = from; i < to; i++)
        q[i] = fixed ? o->x_zero : 0;
    for (size_t i = from; i < to; i++) {
        if (!(fabsf(xb[i]) <= 3.4028234e38f))
            return NAN;
        max = fabsf(xb[i]) > max ? fabsf(xb[i]) : max;
    }
    if (!fixed && max < 7.8886091e-31f)
        return 0.0f;
    const float r = fixed ? 1.0f / o->x_scale : (float)(most / (double)max);
    for (size_t i = from; i < to; i++) {
        const double v = rint((double)times(xb[i], r));
        q[i] = (int64_t)(v < low ? low : v > high ? high : v);
        q[i] += fixed ? o->x_zero : 0;
    }
    return fixed ? o->x_scale : (float)((double)max / most);
}

// y[row of x][r], before it is y: the sum over the tiles.
static inline float sum_row(const qq_array *a, const qq_matmul_options *o,
                            size_t r, const int64_t *q, const float *sx,
                            const float *xb)
{
    const size_t k = a->value.shape[1];
    const int64_t zx = o->input == QQ_INPUT_INT8_STATIC ? o->x_zero : 0;
    float acc = 0.0f;

    for (size_t t = 0; t * a->tile[1] < k; t++) {
        const size_t from = t * a->tile[1];
        const size_t to = from + a->tile[1] < k ? from + a->tile[1] : k;
        const size_t at = tile_of(a, r, from);
        const float scale = times(qq_tensor_value(&a->scale, at), a->scale2);
        const int zero = a->zero_point.type != QQ_TYPE_NONE;
        const int32_t z = zero ? qq_tensor_code(&a->zero_point, at) : 0;
        int64_t sum = 0;
        float unit = 1.0f, part = 0.0f;
        for (size_t c = from; c < to; c++) {
            const int32_t code = qq_tensor_code(&a->value, r * k + c);
            if (o->input == QQ_INPUT_F32)
                part = fmaf(number_of(a, code) - (float)z, xb[c], part);
            else
                sum += (integer_of(a, code, &unit) - z) * (q[c] - zx);
        }
        if (o->input == QQ_INPUT_F32)
            acc = fmaf(scale, part, acc);
        else if (o->input == QQ_INPUT_INT8_TILE)
            acc = fmaf(times(times(scale, unit), sx[t]), (float)sum, acc);
        else
            acc = fmaf(times(scale, unit), (float)sum, acc);
    }
    return acc;
}

// What the offsets make of a row of x: u of the manual.
static inline float offset_of(const qq_array *a, const qq_matrix_options *w,
                              const qq_matmul_options *o, size_t r,
                              const int64_t *q, const float *sx,
                              const float *xb)
{
    const size_t k = a->value.shape[1], tiles = k > 0 ? a->scale.shape[1] : 0;
    const int64_t zx = o->input == QQ_INPUT_INT8_STATIC ? o->x_zero : 0;
    const int tiled = o->input == QQ_INPUT_INT8_TILE;
    const int real = o->input == QQ_INPUT_F32;
    double e = 0;

    for (size_t t = 0; t < tiles; t++) {
        int64_t sum = 0;
        float part = 0.0f;
        for (size_t c = t * a->tile[1]; c < k && c < (t + 1) * a->tile[1]; c++)
            if (real)
                part += xb[c];
            else
                sum += q[c] - zx;
        const float s = real ? part : (float)sum;
        e += (double)w->offsets[r * tiles + t] *
             (double)(tiled ? times(s, sx[t]) : s);
    }
    return times(times(once(e), tiled || real ? 1.0f : sx[0]),
                 w->a ? w->a[r] : 1.0f);
}

static inline float end_of(const qq_matrix_options *w,
                           const qq_matmul_options *o, size_t r, float acc,
                           float sx, float before)
{
    float v = o->input == QQ_INPUT_F32 || o->input == QQ_INPUT_INT8_TILE
                  ? acc
                  : times(acc, sx);

    v = fmaf(v, w->a ? w->a[r] : 1.0f, w->bias ? w->bias[r] : 0.0f);
    v = o->accumulate || w->offsets ? before + v : v;
    v = v < o->lo ? o->lo : v > o->hi ? o->hi : v;
    return v != v ? check_f32(0x7fc00000u) : v;
}

// The whole product; o->input is spelled out. y holds what was there.
static inline void matrix_define(const qq_array *a, const qq_matrix_options *w,
                                 const qq_matmul_options *o, size_t m,
                                 const void *x, size_t ldx, float *y,
                                 size_t ldy)
{
    const size_t n = a->value.shape[0], k = a->value.shape[1];
    const size_t tiles = k > 0 ? a->scale.shape[1] : 0;
    int64_t *q = (int64_t *)malloc((k + 1) * sizeof *q);
    float *xb = (float *)malloc((k + 1) * sizeof *xb);
    float *sx = (float *)malloc((tiles + 1) * sizeof *sx);

    for (size_t i = 0; i < m; i++) {
        sx[0] = 0.0f;
        for (size_t c = 0; c < k; c++) {
            if (o->x_type == QQ_TYPE_INT8) {
                q[c] = ((const int8_t *)x)[i * ldx + c];
                continue;
            }
            xb[c] = x_at(x, o->x_type, i * ldx + c);
            xb[c] = w->b ? times(xb[c], w->b[c]) : xb[c];
        }
        const int by_tile = o->input == QQ_INPUT_INT8_TILE;
        const size_t runs = by_tile ? tiles : 1;
        const size_t run = by_tile && k > 0 ? a->tile[1] : k;
        for (size_t t = 0; t < runs; t++) {
            const size_t to = (t + 1) * run < k ? (t + 1) * run : k;
            if (o->x_type != QQ_TYPE_INT8)
                sx[t] = code_run(xb, t * run, to, o, q);
            else if (o->input == QQ_INPUT_INT8_STATIC)
                sx[t] = o->x_scale;
            else
                sx[t] = o->x_scales[i * runs + t];
        }
        for (size_t r = 0; r < n; r++) {
            float before = y[i * ldy + r];
            if (w->offsets) {
                const float u = offset_of(a, w, o, r, q, sx, xb);
                before = o->accumulate ? before + u : u;
            }
            y[i * ldy + r] =
                end_of(w, o, r, sum_row(a, o, r, q, sx, xb), sx[0], before);
        }
    }
    free(q);
    free(xb);
    free(sx);
}

// --- helpers ---------------------------------------------------------------

static inline float *matrix_floats(size_t count)
{
    float *f = (float *)malloc((count + 1) * sizeof *f);

    for (size_t i = 0; i < count; i++)
        f[i] = check_uniform();
    return f;
}

// Packs an array into room of exactly its size.
static inline qq_matrix matrix_packed(const qq_array *a,
                                      const qq_matrix_options *o)
{
    const size_t bytes = qq_matrix_size(a, o);
    qq_matrix w;

    memset(&w, 0, sizeof w);
    if (!CHECK(bytes != SIZE_MAX))
        return w;
    void *out = room(bytes);
    CHECK(qq_matrix_pack(a, o, out, bytes, &w) == QQ_OK);
    CHECK(w.bytes == bytes && w.data == out);
    return w;
}

#endif // QQUANT_TESTS_MATRIX_MATRIX_H
