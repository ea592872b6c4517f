// A model of 1-bit layers for whole programs: relu(W x), layer by layer, the
// same weights and tokens for whoever evaluates it.

#ifndef QQUANT_BENCH_MODEL_1BIT_H
#define QQUANT_BENCH_MODEL_1BIT_H

#include "harness.h"

enum { MODEL_LAYERS = 64, MODEL_TILE = 128 };

typedef struct model_shape {
    size_t dim, layers, tokens, batch;
} model_shape;

static inline model_shape model_words(void)
{
    model_shape s;

    s.dim = (size_t)word_number("dim", 2048);
    s.layers = (size_t)word_number("layers", 8);
    s.tokens = (size_t)word_number("tokens", 256);
    s.batch = (size_t)word_number("batch", 1);
    s.layers = s.layers < MODEL_LAYERS ? s.layers : MODEL_LAYERS;
    s.tokens = s.tokens / s.batch * s.batch;
    return s;
}

// The weights of a layer, as floats that are still to be made signs.
static inline void model_layer(float *w, size_t dim, size_t layer)
{
    numbers(w, dim * dim, (uint32_t)layer + 16);
    for (size_t i = 0; i < dim * dim; i++)
        w[i] *= 1.7f / sqrtf((float)dim);
}

// All tokens, one after another.
static inline float *model_tokens(const model_shape *s)
{
    float *x = (float *)malloc(s->tokens * s->dim * sizeof *x);

    if (x == NULL)
        exit(1);
    numbers(x, s->tokens * s->dim, 2);
    return x;
}

// Reads a whole file; *bytes is its size.
static inline char *model_read(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    char *p = NULL;
    long size = 0;

    if (f && fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) > 0) {
        rewind(f);
        p = (char *)malloc((size_t)size);
        if (p && fread(p, 1, (size_t)size, f) != (size_t)size)
            p = NULL;
    }
    if (f)
        fclose(f);
    if (p == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    *bytes = (size_t)size;
    return p;
}

static inline void model_write(FILE *f, const void *p, size_t bytes)
{
    if (f == NULL || fwrite(p, 1, bytes, f) != bytes) {
        fputs("the model cannot be written\n", stderr);
        exit(1);
    }
}

// What came out, in one number that shows a mistake, and how long it took.
static inline void model_report(const float *y, const model_shape *s,
                                double took)
{
    double sum = 0.0;

    for (size_t i = 0; i < s->batch * s->dim; i++)
        sum += (double)y[i];
    printf("mean of the last outputs %.5f, %.0f tokens/s\n",
           sum / (double)(s->batch * s->dim), (double)s->tokens / took);
}

#endif // QQUANT_BENCH_MODEL_1BIT_H
