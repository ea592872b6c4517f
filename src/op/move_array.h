// qquant floor 8: eformer's arrays in another shape.
//
//   nf4            decode, move, quantize again
//   int8 reshape   decode, quantize again along the last axis
//   int8 else      codes and scales move, each by itself

#ifndef QQUANT_OP_MOVE_ARRAY_H
#define QQUANT_OP_MOVE_ARRAY_H

#include "op/move.h"

// What a move comes to.
struct qqi_array_move {
    const qq_array *a;
    const qq_move *m;
    int again;       // decoded and quantized again
    qq_tensor moved; // then: the decoded values, moved; else the codes, moved
    size_t first;    // bytes of the decoded values; else of the scales, moved
    size_t bytes;    // of the result
    size_t scratch;
};

// The scheme by which an array is quantized again.
QQI_FN qq_scheme qqi_array_move_scheme(const struct qqi_array_move *p)
{
    const qq_array *a = p->a;
    qq_scheme s = qq_scheme_init_rule(a->type, QQ_RULE_EFORMER);
    const unsigned last = p->moved.rank - 1;

    if (a->type == QQ_TYPE_NF4)
        s.tile[last] = a->tile[a->value.rank - 1];
    else
        s.channels = (1u << last) - 1;
    return s;
}

QQI_FN qq_status qqi_array_move_again(qq_type type, struct qqi_array_move *p)
{
    const qq_array *a = p->a;
    qq_tensor x = qq_tensor_make(NULL, type ? type : a->scale.type,
                                 a->value.rank, a->value.shape);

    if (!qqi_is_plain(x.type))
        return QQ_ERR_TYPE;
    qq_status status = qqi_op_moved(&x, p->m, &p->moved);
    if (status != QQ_OK)
        return status;
    p->first = p->scratch = qq_tensor_bytes(&x);
    if (p->moved.rank == 0)
        return QQ_ERR_SHAPE;
    // Sizes and checks ask for the shape alone, but want data to be there.
    x = p->moved;
    x.data = p->m;
    const qq_scheme s = qqi_array_move_scheme(p);
    status = qq_scheme_check(&s, &x, NULL);
    if (status != QQ_OK)
        return status;
    p->bytes = qq_array_size(&x, &s);
    if (p->bytes == SIZE_MAX ||
        (p->m->kind != QQ_MOVE_RESHAPE &&
         !qqi_add_size(p->scratch, qq_tensor_bytes(&x), &p->scratch)))
        return QQ_ERR_SIZE;
    return QQ_OK;
}

QQI_FN qq_status qqi_array_move_make(const qq_array *a, const qq_move *m,
                                     qq_type type, struct qqi_array_move *p)
{
    qq_tensor scale;

    QQ_MEMSET(p, 0, sizeof *p);
    qq_status status = qq_array_check(a);
    if (status != QQ_OK)
        return status;
    if ((a->type != QQ_TYPE_NF4 && a->type != QQ_TYPE_INT8) ||
        a->zero_point.type != QQ_TYPE_NONE || a->bias.type != QQ_TYPE_NONE)
        return QQ_ERR_TYPE;
    if (a->type == QQ_TYPE_NF4 && a->value.rank == 0)
        return QQ_ERR_SHAPE;
    if (!m)
        return QQ_ERR_ARGUMENT;
    p->a = a;
    p->m = m;
    p->again = a->type == QQ_TYPE_NF4 || m->kind == QQ_MOVE_RESHAPE;
    if (p->again)
        return qqi_array_move_again(type, p);
    status = qqi_op_moved(&a->value, m, &p->moved);
    if (status == QQ_OK)
        status = qqi_op_moved(&a->scale, m, &scale);
    if (status != QQ_OK)
        return status;
    p->first = qq_tensor_bytes(&scale);
    if (!qqi_add_size(qq_tensor_bytes(&p->moved), p->first, &p->bytes))
        return QQ_ERR_SIZE;
    return QQ_OK;
}

QQ_API size_t qq_array_move_size(const qq_array *a, const qq_move *m,
                                 qq_type type)
{
    struct qqi_array_move p;

    return qqi_array_move_make(a, m, type, &p) == QQ_OK ? p.bytes : SIZE_MAX;
}

QQ_API size_t qq_array_move_scratch_size(const qq_array *a, const qq_move *m,
                                         qq_type type)
{
    struct qqi_array_move p;

    return qqi_array_move_make(a, m, type, &p) == QQ_OK ? p.scratch : SIZE_MAX;
}

// The decoded values stand at the beginning of scratch, the moved ones behind
// them.
QQI_FN qq_status qqi_array_requantize(const struct qqi_array_move *p, void *out,
                                      uint8_t *scratch, qq_array *view)
{
    const size_t rest = p->scratch - p->first;
    const qq_scheme s = qqi_array_move_scheme(p);
    qq_tensor x;

    qq_status status = qq_dequantize(p->a, QQ_RULE_EFORMER, p->moved.type,
                                     scratch, p->first, &x);
    if (status != QQ_OK)
        return status;
    if (p->m->kind == QQ_MOVE_RESHAPE)
        x = qq_tensor_make(scratch, x.type, p->m->rank, p->m->shape);
    else
        status = qq_tensor_move(&x, p->m, rest ? scratch + p->first : NULL,
                                rest, &x);
    if (status == QQ_OK)
        status = qq_quantize(&x, &s, out, p->bytes, view);
    return status;
}

// Codes and scales, moved; scales first.
QQI_FN qq_status qqi_array_move_parts(const struct qqi_array_move *p,
                                      uint8_t *out, qq_array *view)
{
    const size_t rest = p->bytes - p->first;
    qq_array r = *p->a;

    qq_status status =
        qq_tensor_move(&p->a->scale, p->m, out, p->first, &r.scale);
    if (status == QQ_OK)
        status = qq_tensor_move(&p->a->value, p->m,
                                rest ? out + p->first : NULL, rest, &r.value);
    if (status != QQ_OK)
        return status;
    for (unsigned i = 0; i < r.value.rank; i++)
        r.tile[i] =
            p->m->kind == QQ_MOVE_TRANSPOSE ? p->a->tile[p->m->axes[i]] : 1;
    *view = r;
    return QQ_OK;
}

QQ_API qq_status qq_array_move(const qq_array *a, const qq_move *m,
                               qq_type type, void *out, size_t out_bytes,
                               void *scratch, size_t scratch_bytes,
                               qq_array *view)
{
    struct qqi_array_move p;

    qq_status status = qqi_array_move_make(a, m, type, &p);
    if (status == QQ_OK)
        status = qqi_out_check(p.bytes, out, out_bytes);
    if (status == QQ_OK)
        status = qqi_scratch_check(p.scratch, scratch, scratch_bytes);
    if (status == QQ_OK && !view)
        return QQ_ERR_ARGUMENT;
    if (status != QQ_OK)
        return status;
    if (p.again)
        return qqi_array_requantize(&p, out, (uint8_t *)scratch, view);
    return qqi_array_move_parts(&p, (uint8_t *)out, view);
}

#endif // QQUANT_OP_MOVE_ARRAY_H
