// qquant floor 4: the quant_state of bitsandbytes, JSON in a tensor of bytes.
//
//   {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16",
//    "shape": [32, 64], "nested_blocksize": 256,
//    "nested_dtype": "float32", "nested_offset": 4.1796875}
//
// The first four members are required; of the others none, or block size and
// offset. Members of other names are skipped.

#ifndef QQUANT_CODEC_BNB_STATE_H
#define QQUANT_CODEC_BNB_STATE_H

#include "codec/bnb_float.h"
#include "codec/json.h"

// Which members were met.
enum {
    QQI_STATE_TYPE = 1,
    QQI_STATE_BLOCK = 2,
    QQI_STATE_DTYPE = 4,
    QQI_STATE_SHAPE = 8,
    QQI_STATE_NEEDED = 15,
    QQI_STATE_NESTED_BLOCK = 16,
    QQI_STATE_NESTED_OFFSET = 32,
    QQI_STATE_NESTED_DTYPE = 64
};

// What they say; a qq_bnb_weight would be five tensors larger.
typedef struct qqi_state {
    size_t shape[QQ_MAX_RANK];
    size_t block_size;
    size_t nested_block_size;
    unsigned rank;
    float nested_offset;
    qq_type type;
    qq_type dtype;
} qqi_state;

QQI_FN unsigned qqi_state_member(qqi_json_string key)
{
    static const struct {
        const char *name;
        unsigned member;
    } members[] = {
        {"quant_type", QQI_STATE_TYPE},
        {"blocksize", QQI_STATE_BLOCK},
        {"dtype", QQI_STATE_DTYPE},
        {"shape", QQI_STATE_SHAPE},
        {"nested_blocksize", QQI_STATE_NESTED_BLOCK},
        {"nested_offset", QQI_STATE_NESTED_OFFSET},
        {"nested_dtype", QQI_STATE_NESTED_DTYPE},
    };

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (qqi_json_is(key, members[i].name))
            return members[i].member;
    return 0;
}

// Types by the names that PyTorch and bitsandbytes give them.
QQI_FN qq_status qqi_state_type(qqi_json *j, unsigned member, qq_type *type)
{
    qqi_json_string s;

    if (!qqi_json_take_string(j, &s))
        return QQ_ERR_FORMAT;
    if (member == QQI_STATE_TYPE)
        *type = qqi_json_is(s, "nf4")   ? QQ_TYPE_NF4
                : qqi_json_is(s, "fp4") ? QQ_TYPE_BNB_FP4
                                        : QQ_TYPE_NONE;
    else
        *type = qqi_json_is(s, "float32")    ? QQ_TYPE_F32
                : qqi_json_is(s, "float16")  ? QQ_TYPE_F16
                : qqi_json_is(s, "bfloat16") ? QQ_TYPE_BF16
                                             : QQ_TYPE_NONE;
    return *type == QQ_TYPE_NONE ? QQ_ERR_TYPE : QQ_OK;
}

QQI_FN qq_status qqi_state_shape(qqi_json *j, qqi_state *w)
{
    size_t n = 0;

    w->rank = 0;
    if (!qqi_json_mark(j, '['))
        return QQ_ERR_FORMAT;
    if (qqi_json_take(j, ']'))
        return QQ_OK;
    do {
        if (!qqi_json_take_size(j, &n))
            return QQ_ERR_FORMAT;
        if (w->rank == QQ_MAX_RANK)
            return QQ_ERR_SHAPE;
        w->shape[w->rank++] = n;
    } while (qqi_json_mark(j, ','));
    if (!qqi_json_take(j, ']'))
        return QQ_ERR_FORMAT;
    return qqi_bnb_count(w->rank, w->shape, &n);
}

QQI_FN qq_status qqi_state_offset(qqi_json *j, qqi_state *w)
{
    qqi_json_number x;

    if (!qqi_json_take_number(j, &x))
        return QQ_ERR_FORMAT;
    w->nested_offset = qqi_f32_from_f64(qqi_json_value(&x));
    return qqi_is_finite_f32(w->nested_offset) ? QQ_OK : QQ_ERR_FORMAT;
}

// Reads the value of a member into *w.
QQI_FN qq_status qqi_state_value(qqi_json *j, unsigned member, qqi_state *w)
{
    qq_type type = QQ_TYPE_NONE;
    qq_status status = QQ_OK;

    switch (member) {
    case QQI_STATE_TYPE:
        return qqi_state_type(j, member, &w->type);
    case QQI_STATE_DTYPE:
        return qqi_state_type(j, member, &w->dtype);
    case QQI_STATE_NESTED_DTYPE:
        status = qqi_state_type(j, member, &type);
        return status == QQ_OK && type != QQ_TYPE_F32 ? QQ_ERR_TYPE : status;
    case QQI_STATE_SHAPE:
        return qqi_state_shape(j, w);
    case QQI_STATE_NESTED_OFFSET:
        return qqi_state_offset(j, w);
    case QQI_STATE_BLOCK:
        if (!qqi_json_take_size(j, &w->block_size))
            return QQ_ERR_FORMAT;
        return qqi_bnb_is_block(w->block_size) ? QQ_OK : QQ_ERR_ARGUMENT;
    case QQI_STATE_NESTED_BLOCK:
        if (!qqi_json_take_size(j, &w->nested_block_size))
            return QQ_ERR_FORMAT;
        return w->nested_block_size > 0 ? QQ_OK : QQ_ERR_ARGUMENT;
    default:
        return qqi_json_skip(j, QQI_JSON_DEPTH - 1) ? QQ_OK : QQ_ERR_FORMAT;
    }
}

// The members of the object, and that nothing follows it.
QQI_FN qq_status qqi_state_object(qqi_json *j, qqi_state *w, unsigned *seen)
{
    qqi_json_string key;

    if (!qqi_json_mark(j, '{'))
        return QQ_ERR_FORMAT;
    if (qqi_json_peek(j) != '}') {
        do {
            if (!qqi_json_take_string(j, &key) || !qqi_json_mark(j, ':'))
                return QQ_ERR_FORMAT;
            const unsigned member = qqi_state_member(key);
            if (*seen & member)
                return QQ_ERR_FORMAT;
            *seen |= member;
            const qq_status status = qqi_state_value(j, member, w);
            if (status != QQ_OK)
                return status;
        } while (qqi_json_mark(j, ','));
    }
    return qqi_json_mark(j, '}') && j->n == 0 ? QQ_OK : QQ_ERR_FORMAT;
}

QQ_API qq_status qq_bnb_state_parse(const void *json, size_t json_bytes,
                                    qq_bnb_weight *w)
{
    const unsigned both = QQI_STATE_NESTED_BLOCK | QQI_STATE_NESTED_OFFSET;
    qqi_json j;
    qqi_state made;
    unsigned seen = 0;

    if ((!json && json_bytes > 0) || !w)
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(&made, 0, sizeof made);
    j.p = (const uint8_t *)json;
    j.n = json_bytes;
    const qq_status status = qqi_state_object(&j, &made, &seen);
    if (status != QQ_OK)
        return status;
    if ((seen & QQI_STATE_NEEDED) != QQI_STATE_NEEDED ||
        (seen > QQI_STATE_NEEDED && (seen & both) != both))
        return QQ_ERR_FORMAT;
    QQ_MEMSET(w, 0, sizeof *w); // tensors of type none
    QQ_MEMCPY(w->shape, made.shape, sizeof w->shape);
    w->rank = made.rank;
    w->type = made.type;
    w->dtype = made.dtype;
    w->block_size = made.block_size;
    w->nested_block_size = made.nested_block_size;
    w->nested_offset = made.nested_offset;
    return QQ_OK;
}

#endif // QQUANT_CODEC_BNB_STATE_H
