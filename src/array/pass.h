// qquant floor 5: the pass over a tensor that turns numbers into codes.
//
//   y    = x / scale                        rounded to the type of the steps
//   y    = y + zero point                   there: Qwix
//   y    = y + noise                        in f32
//   code = y to nearest even, cut           or: plus zero point, cut: ours
//
// Rules qquant and Qwix share it.

#ifndef QQUANT_ARRAY_PASS_H
#define QQUANT_ARRAY_PASS_H

#include "array/encoder.h"
#include "array/step.h"
#include "array/stream.h"

struct qqi_pass {
    struct qqi_encoder encoder;
    qq_type step;        // f32, f16 or bf16: what every step is rounded to
    float scale2;        // goes with every scale
    int reciprocal;      // x * (1 / scale)
    int offset_is_float; // the zero point is added before the rounding
};

// v = v / s.
QQI_FN void qqi_block_divide(const struct qqi_pass *p, float *v, float *s)
{
    const float scale2 = p->scale2;

    qqi_block_to_type(p->step, s);
    if (scale2 < 1.0f || scale2 > 1.0f) {
        for (int i = 0; i < QQI_BLOCK; i++)
            s[i] = s[i] * scale2;
    }
    if (!p->reciprocal) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = v[i] / s[i];
    } else {
        for (int i = 0; i < QQI_BLOCK; i++)
            s[i] = 1.0f / s[i];
        qqi_block_to_type(p->step, s);
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = v[i] * s[i];
    }
    qqi_block_to_type(p->step, v);
}

// A block without rest: numbers beyond n are 0, their scale 1.
QQI_FN void qqi_block_fill_up(size_t n, float *v, float *s, int16_t *z)
{
    for (size_t i = n; i < QQI_BLOCK; i++) {
        v[i] = 0.0f;
        s[i] = 1.0f;
        z[i] = 0;
    }
}

// Numbers v to what is encoded: with scales s, offsets z (NULL: none), and the
// next n of the noise (NULL: none). s is used up.
QQI_FN void qqi_block_scale(const struct qqi_pass *p, float *v, float *s,
                            const int16_t *z, struct qqi_stream *noise,
                            size_t n)
{
    qqi_block_divide(p, v, s);
    if (z != NULL && p->offset_is_float) {
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = qqi_type_add(p->step, v[i], qqi_to_type(p->step, z[i]));
    }
    if (noise != NULL) {
        qqi_stream_next(noise, n, s, NULL);
        for (int i = 0; i < QQI_BLOCK; i++)
            v[i] = qqi_keep_f32(v[i]) + qqi_keep_f32(s[i]);
    }
}

// Numbers first ... first + n - 1, n at most a block.
QQI_NOINLINE void qqi_pass_block(const struct qqi_pass *p, const qq_tensor *x,
                                 struct qqi_stream *scale,
                                 struct qqi_stream *noise, size_t first,
                                 size_t n, void *out)
{
    float v[QQI_BLOCK];
    float s[QQI_BLOCK];
    int16_t z[QQI_BLOCK];
    const int16_t *offset = scale->offsets != NULL ? z : NULL;

    qqi_block_fill_up(n, v, s, z);
    qqi_load_floats(x->type, x->data, first, n, v);
    qqi_stream_next(scale, n, s, z);
    qqi_block_scale(p, v, s, offset, noise, n);
    qqi_encode_block(&p->encoder, v, p->offset_is_float ? NULL : offset, out,
                     first, n);
}

// All codes of x. noise may be NULL.
QQI_FN void qqi_pass_run(const struct qqi_pass *p, const qq_tensor *x,
                         struct qqi_stream *scale, struct qqi_stream *noise,
                         void *out)
{
    const size_t numbers = scale->tiling.numbers;

    for (size_t i = 0; i < numbers; i += QQI_BLOCK)
        qqi_pass_block(p, x, scale, noise, i, qqi_block_size(numbers - i), out);
}

// The same with the noise of the scheme.
QQI_NOINLINE void qqi_pass_noisy(const struct qqi_pass *p, const qq_scheme *s,
                                 const qq_tensor *x, struct qqi_stream *scale,
                                 void *out)
{
    struct qqi_stream noise;

    qqi_stream_begin_noise(&noise, s, x);
    qqi_pass_run(p, x, scale, &noise, out);
}

// The codes of numbers that are scaled already, every step in the type.
QQI_FN void qqi_pass_scaled(const struct qqi_encoder *e, qq_type step,
                            const qq_scheme *s, const qq_tensor *x, void *out)
{
    const float one = 1.0f;
    const qq_tensor scale = qq_tensor_make(&one, QQ_TYPE_F32, 0, NULL);
    struct qqi_stream stream;
    struct qqi_pass pass;

    qqi_stream_begin(&stream, x->rank, x->shape, x->shape, &scale, NULL);
    pass.encoder = *e;
    pass.step = step;
    pass.scale2 = 1.0f;
    pass.reciprocal = 0;
    pass.offset_is_float = 0;
    if (s->noise == QQ_NOISE_NONE)
        qqi_pass_run(&pass, x, &stream, NULL, out);
    else
        qqi_pass_noisy(&pass, s, x, &stream, out);
}

#endif // QQUANT_ARRAY_PASS_H
