// qquant floor 5: numbers of any type into Array1B.

#ifndef QQUANT_ARRAY_ARRAY1B_PACK_H
#define QQUANT_ARRAY_ARRAY1B_PACK_H

#include "array/array1b.h"
#include "array/eformer_step.h"

// Numbers of a tensor, or of integers of some width (tensor is NULL).
struct qqi_array1b_source {
    const qq_tensor *tensor;
    const void *data;
    unsigned width;
    int is_signed;
    int is_float; // f32, f16, bf16 or f64
};

// The low byte of integer i; *fits says whether it is -1, 0 or +1.
QQI_FN unsigned qqi_array1b_integer(const struct qqi_array1b_source *x,
                                    size_t i, int *fits)
{
    const uint8_t *p = (const uint8_t *)x->data + i * x->width;
    const int is_signed = x->tensor || x->is_signed;
    uint64_t u;

    if (x->tensor)
        u = (uint64_t)(int64_t)qqi_load_wide(x->tensor->type, x->data, i);
    else if (x->width == 1)
        u = is_signed ? (uint64_t)(int64_t)(int8_t)*p : *p;
    else if (x->width == 2)
        u = is_signed ? (uint64_t)(int64_t)qqi_load_i16(p) : qqi_load_u16(p);
    else if (x->width == 4)
        u = is_signed ? (uint64_t)(int64_t)qqi_load_i32(p) : qqi_load_u32(p);
    else
        u = qqi_load_u64(p);
    *fits = u <= 1 || (u == UINT64_MAX && is_signed);
    return (unsigned)(u & 255);
}

// Double i plus 1.
QQI_FN double qqi_array1b_double(const qq_tensor *x, size_t i, int *fits)
{
    const double d = qqi_load_f64((const uint8_t *)x->data + 8 * i);

    *fits = d == 0.0 || d == 1.0 || d == -1.0;
    return d + 1.0;
}

// The codes of n numbers of up to 16 bits and of f32, which a float holds.
QQI_FN int qqi_array1b_short(const struct qqi_array1b_source *x, size_t at,
                             size_t n, uint8_t *code)
{
    float v[QQI_SOME];
    int bad = 0;

    qqi_load_values(x->tensor->type, x->data, at, n, v);
    for (size_t i = 0; i < n; i++)
        bad |= !(v[i] == 0.0f) & !(qqi_abs_f32(v[i]) == 1.0f);
    for (size_t i = 0; i < n; i++)
        v[i] = v[i] + 1.0f;
    if (x->is_float)
        qqi_to_type_many(x->tensor->type, n, v);
    for (size_t i = 0; i < n; i++) {
        // An integer of 16 bits is taken modulo 256, a float is cut; NaN
        // fails both comparisons.
        const float low = x->is_float ? 0.0f : -65536.0f;
        const float high = x->is_float ? 255.0f : 65536.0f;
        const float u = v[i] > low ? v[i] : low;
        code[i] = (uint8_t)((int32_t)(u < high ? u : high) & 255);
    }
    return !bad;
}

// value + 1 as eformer makes a byte of it, of n numbers; whether all are -1,
// 0 or +1.
QQI_FN int qqi_array1b_codes(const struct qqi_array1b_source *x, size_t at,
                             size_t n, uint8_t *code)
{
    int all = 1;

    if (x->tensor && x->tensor->type != QQ_TYPE_F64 &&
        x->tensor->type != QQ_TYPE_INT32)
        return qqi_array1b_short(x, at, n, code);
    for (size_t i = 0; i < n; i++) {
        int fits;
        if (x->is_float) {
            const double sum = qqi_array1b_double(x->tensor, at + i, &fits);
            code[i] = (uint8_t)(sum > 0.0 ? sum < 255.0 ? sum : 255.0 : 0.0);
        } else {
            const unsigned low = qqi_array1b_integer(x, at + i, &fits);
            code[i] = (uint8_t)((low + 1) & 255);
        }
        all &= fits;
    }
    return all;
}

QQI_FN int qqi_array1b_fits(const struct qqi_array1b_source *x, size_t count)
{
    uint8_t code[QQI_SOME];
    int all = 1;
    size_t n;

    for (size_t at = 0; at < count && all; at += n) {
        n = qqi_some(count - at);
        all = qqi_array1b_codes(x, at, n, code);
    }
    return all;
}

QQI_FN qq_status qqi_array1b_pack(const struct qqi_array1b_source *x,
                                  size_t quarter, qq_array1b_rule rule,
                                  void *out)
{
    uint8_t *bytes = (uint8_t *)out;
    uint8_t code[QQI_SOME], sum[QQI_SOME];
    size_t n;

    if (rule == QQ_ARRAY1B_STRICT && !qqi_array1b_fits(x, 4 * quarter))
        return QQ_ERR_FORMAT;
    for (size_t p = 0; p < quarter; p += n) {
        n = qqi_some(quarter - p);
        QQ_MEMSET(sum, 0, sizeof sum);
        for (unsigned g = 0; g < 4; g++) {
            (void)qqi_array1b_codes(x, p + g * quarter, n, code);
            for (size_t i = 0; i < n; i++)
                sum[i] = (uint8_t)((sum[i] + (code[i] << 2 * g)) & 255);
        }
        QQ_MEMCPY(bytes + p, sum, n);
    }
    return QQ_OK;
}

// What both ways in check behind x, in the order of their arguments.
QQI_FN qq_status qqi_array1b_pack_check(qq_array1b_rule rule, qq_type type,
                                        size_t bytes, const void *out,
                                        size_t out_bytes)
{
    if (rule != QQ_ARRAY1B_STRICT && rule != QQ_ARRAY1B_EFORMER)
        return QQ_ERR_ARGUMENT;
    if (!qqi_array1b_has_type(type))
        return QQ_ERR_TYPE;
    return qqi_out_check(bytes, out, out_bytes);
}

QQ_API qq_status qq_array1b_pack(const qq_tensor *x, qq_array1b_rule rule,
                                 qq_type type, void *out, size_t out_bytes,
                                 qq_array1b *view)
{
    struct qqi_array1b_source source;
    qq_type_info info;
    size_t bytes;

    qq_status status = qq_tensor_check(x);
    if (status != QQ_OK)
        return status;
    status = qqi_array1b_bytes(x->rank, x->shape, &bytes);
    if (status != QQ_OK)
        return status;
    if (qq_type_get(x->type, &info) != QQ_OK ||
        (info.kind != QQ_KIND_INTEGER && info.kind != QQ_KIND_FLOAT))
        return QQ_ERR_TYPE;
    if (type == QQ_TYPE_NONE)
        type = x->type == QQ_TYPE_SIGN ? QQ_TYPE_INT8 : x->type;
    status = qqi_array1b_pack_check(rule, type, bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(&source, 0, sizeof source);
    source.tensor = x;
    source.data = x->data;
    source.is_float = info.kind == QQ_KIND_FLOAT;
    status = qqi_array1b_pack(&source, bytes, rule, out);
    if (status == QQ_OK)
        *view = qqi_array1b_view(out, x->rank, x->shape, type);
    return status;
}

QQ_API qq_status qq_array1b_pack_integers(const void *x, unsigned width,
                                          int is_signed, unsigned rank,
                                          const size_t *shape,
                                          qq_array1b_rule rule, qq_type type,
                                          void *out, size_t out_bytes,
                                          qq_array1b *view)
{
    struct qqi_array1b_source source;
    size_t bytes;

    if (width != 1 && width != 2 && width != 4 && width != 8)
        return QQ_ERR_TYPE;
    qq_status status = qqi_array1b_bytes(rank, shape, &bytes);
    if (status != QQ_OK)
        return status;
    if (!x && bytes > 0)
        return QQ_ERR_ARGUMENT;
    status = qqi_array1b_pack_check(rule, type, bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(&source, 0, sizeof source);
    source.data = x;
    source.width = width;
    source.is_signed = is_signed;
    status = qqi_array1b_pack(&source, bytes, rule, out);
    if (status == QQ_OK)
        *view = qqi_array1b_view(out, rank, shape, type);
    return status;
}

#endif // QQUANT_ARRAY_ARRAY1B_PACK_H
