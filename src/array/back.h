// qquant floor 5: the pass over an array that turns codes into numbers.
//
//   ours   (code - zero point) * scale * scale2     each product in f32
//   Qwix   code, - zero point, * scale              each step in scale's type
//
// and then to the type asked for.

#ifndef QQUANT_ARRAY_BACK_H
#define QQUANT_ARRAY_BACK_H

#include "array/decoder.h"
#include "array/step.h"
#include "array/stream.h"

struct qqi_back {
    struct qqi_decoder decoder;
    qq_type step; // what every step is rounded to: f32, f16 or bf16
    qq_type type; // of the result
    float scale2;
    int saturate; // what is finite stays finite in the result
};

QQI_FN void qqi_store_saturated(qq_type type, void *data, size_t first,
                                size_t n, const float *x)
{
    uint8_t *p = (uint8_t *)data + 2 * first;

    if (type == QQ_TYPE_F16) {
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * i, qqi_f16_saturate(x[i]));
    } else {
        for (size_t i = 0; i < n; i++)
            qqi_store_u16(p + 2 * i, qqi_bf16_saturate(x[i]));
    }
}

// v = v * s, in the type of the steps.
QQI_FN void qqi_block_multiply(const struct qqi_back *b, float *v, float *s)
{
    qqi_block_to_type(b->step, v);
    for (int i = 0; i < QQI_BLOCK; i++)
        v[i] = v[i] * s[i];
    qqi_block_to_type(b->step, v);
    if (b->scale2 < 1.0f || b->scale2 > 1.0f) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = v[i] * b->scale2;
    }
    // One NaN for all, for their bits differ between machines.
    for (int i = 0; i < QQI_BLOCK; i++)
        v[i] = qqi_canon_f32(v[i]);
}

// Numbers first ... first + n - 1 of codes, n at most a block. zero may be
// NULL.
QQI_NOINLINE void qqi_back_block(const struct qqi_back *b, const void *codes,
                                 struct qqi_stream *scale,
                                 struct qqi_stream *zero, size_t first,
                                 size_t n, void *out)
{
    float v[QQI_BLOCK];
    float s[QQI_BLOCK];

    for (size_t i = n; i < QQI_BLOCK; i++)
        v[i] = s[i] = 0.0f;
    qqi_decode_block(&b->decoder, codes, first, n, v);
    if (zero != NULL) {
        qqi_stream_next(zero, n, s, NULL);
        qqi_block_to_type(b->step, v);
        qqi_block_to_type(b->step, s);
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = v[i] - s[i];
    }
    qqi_stream_next(scale, n, s, NULL);
    qqi_block_multiply(b, v, s);
    if (b->saturate && b->type != QQ_TYPE_F32)
        qqi_store_saturated(b->type, out, first, n, v);
    else
        qqi_store_floats(b->type, out, first, n, v);
}

QQI_FN void qqi_back_run(const struct qqi_back *b, const void *codes,
                         struct qqi_stream *scale, struct qqi_stream *zero,
                         void *out)
{
    const size_t numbers = scale->tiling.numbers;

    for (size_t i = 0; i < numbers; i += QQI_BLOCK)
        qqi_back_block(b, codes, scale, zero, i, qqi_block_size(numbers - i),
                       out);
}

// The same for an array with zero points, whose tiles may differ from those
// of the scales.
QQI_NOINLINE void qqi_back_zero(const struct qqi_back *b, const qq_array *a,
                                struct qqi_stream *scale, void *out)
{
    struct qqi_stream zero;

    qqi_stream_begin(&zero, a->value.rank, a->value.shape, a->zero_tile,
                     &a->zero_point, NULL);
    qqi_back_run(b, a->value.data, scale, &zero, out);
}

// All numbers of an array. steps: the type each step is rounded to.
QQI_FN void qqi_back_array(const qq_array *a, qq_type steps, int saturate,
                           qq_type type, void *out)
{
    struct qqi_stream scale;
    struct qqi_back b;

    qqi_decoder_make(&b.decoder, a->type, a->levels, a->level_count);
    b.step = steps;
    b.type = type;
    b.scale2 = a->scale2;
    b.saturate = saturate;
    qqi_stream_begin(&scale, a->value.rank, a->value.shape, a->tile, &a->scale,
                     NULL);
    if (a->zero_point.type != QQ_TYPE_NONE)
        qqi_back_zero(&b, a, &scale, out);
    else
        qqi_back_run(&b, a->value.data, &scale, NULL, out);
}

#endif // QQUANT_ARRAY_BACK_H
