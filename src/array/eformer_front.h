// qquant floor 5: eformer's front end by name, and straight-through.

#ifndef QQUANT_ARRAY_EFORMER_FRONT_H
#define QQUANT_ARRAY_EFORMER_FRONT_H

#include "api/eformer.h"
#include "array/part.h"
#include "type.h"

QQ_API qq_status qq_eformer_axes(qq_scheme *s, const int *axes, unsigned count,
                                 unsigned rank)
{
    uint32_t shared = 0;

    if (!s || (!axes && count > 0))
        return QQ_ERR_ARGUMENT;
    if (rank > QQ_MAX_RANK || (rank == 0 && count > 0))
        return QQ_ERR_AXIS;
    for (unsigned i = 0; i < count; i++) {
        const int n = (int)rank;
        const uint32_t bit = 1u << ((axes[i] % n + n) % n);
        if (shared & bit)
            return QQ_ERR_AXIS;
        shared |= bit;
    }
    s->channels = ((1u << rank) - 1) & ~shared;
    return QQ_OK;
}

QQ_API qq_status qq_eformer_scheme(const char *name, size_t block_size,
                                   unsigned rank, qq_scheme *out)
{
    static const char *const names[4] = {"nf4", "int8", "ternary", "binary"};
    static const qq_type types[4] = {QQ_TYPE_NF4, QQ_TYPE_INT8, QQ_TYPE_TERNARY,
                                     QQ_TYPE_SIGN};
    const int last = -1;
    int i = 0;

    if (!name)
        return QQ_ERR_ARGUMENT;
    while (i < 4 && !qqi_same_text(name, names[i]))
        i++;
    if (i == 4)
        return QQ_ERR_FORMAT;
    const qq_type type = types[i];
    if (type == QQ_TYPE_NF4 && (block_size == 0 || block_size % 2 != 0))
        return QQ_ERR_ARGUMENT;
    const int has_axis = type == QQ_TYPE_NF4 || type == QQ_TYPE_INT8;
    if (rank > QQ_MAX_RANK || (has_axis && rank == 0))
        return QQ_ERR_AXIS;
    if (!out)
        return QQ_ERR_ARGUMENT;
    *out = qq_scheme_init_rule(type, QQ_RULE_EFORMER);
    if (type == QQ_TYPE_NF4)
        out->tile[rank - 1] = block_size;
    return type == QQ_TYPE_INT8 ? qq_eformer_axes(out, &last, 1, rank) : QQ_OK;
}

// --- straight-through ------------------------------------------------------

// The sizes of one call. y has rows of row numbers, of which the first keep
// are wanted.
struct qqi_through {
    int raw; // x is packed as it is
    size_t array_bytes;
    size_t decoded_bytes; // of y with its padding, 0 where there is none
    size_t out_bytes;
    size_t shape[QQ_MAX_RANK];
};

// Whether s cuts the last axis into blocks and pads it.
QQI_FN size_t qqi_through_padded(const qq_tensor *x, const qq_scheme *s)
{
    const size_t n = x->shape[x->rank - 1];
    const size_t block = s->tile[x->rank - 1];

    return n == 0 ? block : n + (block - n % block) % block;
}

QQI_FN qq_status qqi_through_make(const qq_tensor *x, const qq_scheme *s,
                                  int as_eformer, struct qqi_through *p)
{
    QQ_MEMSET(p, 0, sizeof *p);
    qq_status status = qq_tensor_check(x);
    if (status != QQ_OK)
        return status;
    if (x->type != QQ_TYPE_F32 && x->type != QQ_TYPE_F16 &&
        x->type != QQ_TYPE_BF16)
        return QQ_ERR_TYPE;
    status = qq_scheme_check(s, x, NULL);
    if (status != QQ_OK)
        return status;
    if (s->rule < QQ_RULE_EFORMER || s->rule > QQ_RULE_FJFORMER)
        return QQ_ERR_SCHEME;
    for (unsigned a = 0; a < x->rank; a++)
        p->shape[a] = x->shape[a];
    p->out_bytes = qq_tensor_bytes(x);
    p->raw = as_eformer && s->type != QQ_TYPE_NF4 && s->type != QQ_TYPE_INT8;
    p->array_bytes =
        p->raw ? qq_array1b_size(x->rank, x->shape) : qq_array_size(x, s);
    if (p->raw && p->array_bytes == SIZE_MAX)
        return QQ_ERR_SHAPE;
    if (p->array_bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (s->type != QQ_TYPE_NF4 || s->rule != QQ_RULE_EFORMER)
        return QQ_OK;
    qq_tensor padded = *x;
    padded.shape[x->rank - 1] = qqi_through_padded(x, s);
    const size_t bytes = qq_tensor_bytes(&padded);
    if (bytes == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (as_eformer) {
        p->shape[x->rank - 1] = padded.shape[x->rank - 1];
        p->out_bytes = bytes;
    } else if (padded.shape[x->rank - 1] != x->shape[x->rank - 1]) {
        p->decoded_bytes = bytes;
    }
    return QQ_OK;
}

QQI_FN size_t qqi_through_scratch(const struct qqi_through *p)
{
    size_t sum;

    return qqi_add_size(p->array_bytes, p->decoded_bytes, &sum) ? sum
                                                                : SIZE_MAX;
}

QQ_API size_t qq_straight_through_size(const qq_tensor *x, const qq_scheme *s,
                                       int as_eformer)
{
    struct qqi_through p;

    return qqi_through_make(x, s, as_eformer, &p) == QQ_OK ? p.out_bytes
                                                           : SIZE_MAX;
}

QQ_API size_t qq_straight_through_scratch_size(const qq_tensor *x,
                                               const qq_scheme *s,
                                               int as_eformer)
{
    struct qqi_through p;

    return qqi_through_make(x, s, as_eformer, &p) == QQ_OK
               ? qqi_through_scratch(&p)
               : SIZE_MAX;
}

// Quantizes into scratch and decodes into out, or behind the array and from
// there, row by row, without the padding.
QQI_FN qq_status qqi_through_run(const qq_tensor *x, const qq_scheme *s,
                                 const struct qqi_through *p, uint8_t *out,
                                 uint8_t *scratch)
{
    uint8_t *decoded = p->decoded_bytes ? scratch + p->array_bytes : out;
    const size_t bytes = p->decoded_bytes ? p->decoded_bytes : p->out_bytes;
    qq_tensor y;
    qq_array a;

    qq_status status = qq_quantize(x, s, scratch, p->array_bytes, &a);
    if (status == QQ_OK)
        status = qq_dequantize(&a, s->rule, x->type, decoded, bytes, &y);
    if (status != QQ_OK || p->decoded_bytes == 0 || p->out_bytes == 0)
        return status;
    const size_t row = qq_type_bytes(x->type, x->shape[x->rank - 1]);
    const size_t step = qq_type_bytes(x->type, y.shape[x->rank - 1]);
    for (size_t at = 0; at < p->out_bytes; at += row, decoded += step)
        QQ_MEMCPY(out + at, decoded, row);
    return QQ_OK;
}

QQ_API qq_status qq_straight_through(const qq_tensor *x, const qq_scheme *s,
                                     int as_eformer, void *out,
                                     size_t out_bytes, void *scratch,
                                     size_t scratch_bytes, qq_tensor *view)
{
    struct qqi_through p;
    qq_array1b packed;
    qq_tensor y;

    qq_status status = qqi_through_make(x, s, as_eformer, &p);
    if (status != QQ_OK)
        return status;
    status = qqi_out_check(p.out_bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!scratch && scratch_bytes > 0)
        return QQ_ERR_ARGUMENT;
    if (scratch_bytes < qqi_through_scratch(&p))
        return QQ_ERR_SCRATCH;
    if (!view)
        return QQ_ERR_ARGUMENT;
    if (p.raw) {
        status = qq_array1b_pack(x, QQ_ARRAY1B_EFORMER, x->type, scratch,
                                 p.array_bytes, &packed);
        if (status == QQ_OK)
            status = qq_array1b_unpack(&packed, x->type, out, p.out_bytes, &y);
    } else {
        status = qqi_through_run(x, s, &p, (uint8_t *)out, (uint8_t *)scratch);
    }
    if (status == QQ_OK)
        *view = qq_tensor_make(out, x->type, x->rank, p.shape);
    return status;
}

QQ_API qq_status qq_straight_through_gradient(const qq_tensor *g,
                                              const qq_tensor *x, void *out,
                                              size_t out_bytes, qq_tensor *view)
{
    qq_status status = qq_tensor_check(g);

    if (status != QQ_OK)
        return status;
    if (!x)
        return QQ_ERR_ARGUMENT;
    if (x->rank != g->rank)
        return QQ_ERR_SHAPE;
    for (unsigned a = 0; a < g->rank; a++)
        if (g->shape[a] != x->shape[a])
            return QQ_ERR_SHAPE;
    const size_t bytes = qq_tensor_bytes(g);
    status = qqi_out_check(bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    if (!view)
        return QQ_ERR_ARGUMENT;
    if (bytes > 0)
        QQ_MEMMOVE(out, g->data, bytes);
    *view = qq_tensor_make(out, g->type, g->rank, g->shape);
    return QQ_OK;
}

#endif // QQUANT_ARRAY_EFORMER_FRONT_H
