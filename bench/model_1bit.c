// A 1-bit model by qquant, as a whole program.
//
//   model_1bit make=FILE [dim=2048] [layers=8]
//   model_1bit run=FILE [dim=] [layers=] [tokens=256] [batch=1] [isa=NAME]
//
// The file is packed matrices behind each other; they are multiplied where
// they were read.

#define _GNU_SOURCE 1

#include "model_1bit.h"
#include "qquant.h"

// One scale for 128 columns, stored in 16 bits, as in the peer's format.
static qq_scheme scheme(void)
{
    qq_scheme s = qq_scheme_init(QQ_TYPE_SIGN);

    (void)qq_scheme_channel(&s, 0, 2);
    (void)qq_scheme_tile(&s, 1, 2, MODEL_TILE);
    s.scale_type = QQ_TYPE_F16;
    return s;
}

static int make(const char *path, const model_shape *m)
{
    const size_t shape[2] = {m->dim, m->dim};
    float *w = (float *)calloc(m->dim * m->dim, sizeof *w);
    const qq_tensor t = qq_tensor_make(w, QQ_TYPE_F32, 2, shape);
    const qq_scheme s = scheme();
    const size_t bytes = qq_matrix_quantize_size(&t, &s, NULL);
    const size_t room = qq_matrix_quantize_scratch_size(&t, &s);
    void *out = malloc(bytes), *scratch = malloc(room + 1);
    FILE *f = fopen(path, "wb");
    qq_status status = QQ_OK;
    qq_matrix view;

    if (w == NULL || out == NULL || scratch == NULL)
        return 1;
    for (size_t i = 0; i < m->layers && status == QQ_OK; i++) {
        model_layer(w, m->dim, i);
        status =
            qq_matrix_quantize(&t, &s, NULL, out, bytes, scratch, room, &view);
        model_write(f, out, bytes);
    }
    if (f)
        fclose(f);
    free(w);
    free(out);
    free(scratch);
    return status != QQ_OK;
}

static int evaluate(const char *path, const model_shape *m)
{
    qq_matrix layer[MODEL_LAYERS];
    qq_matmul_options relu = qq_matmul_options_init();
    size_t bytes, at = 0;
    char *file = model_read(path, &bytes);
    float *tokens = model_tokens(m);
    const size_t wide = m->batch * m->dim;
    float *x = (float *)malloc(wide * sizeof *x);
    float *y = (float *)malloc(wide * sizeof *y);
    qq_status status = QQ_OK;

    relu.lo = 0.0f;
    for (size_t i = 0; i < m->layers; i++) {
        if (qq_matrix_open(file + at, bytes - at, &layer[i]) != QQ_OK)
            return 1;
        at += layer[i].bytes;
    }
    const size_t room = qq_matmul_scratch_size(&layer[0], &relu, m->batch);
    void *scratch = malloc(room);
    if (x == NULL || y == NULL || scratch == NULL)
        return 1;
    const double from = seconds();
    for (size_t t = 0; t < m->tokens && status == QQ_OK; t += m->batch) {
        memcpy(y, tokens + t * m->dim, wide * sizeof *y);
        for (size_t i = 0; i < m->layers && status == QQ_OK; i++) {
            float *swap = x;
            x = y;
            y = swap;
            status = qq_matmul(&layer[i], &relu, m->batch, x, m->dim, y, m->dim,
                               scratch, room);
        }
    }
    model_report(y, m, seconds() - from);
    return status != QQ_OK;
}

int main(int count, char **list)
{
    words_are(count, list);
    const model_shape m = model_words();
    for (int i = 1; i < 64; i++)
        if (strcmp(qq_isa_name((qq_isa)i), word_of("isa", "best")) == 0)
            (void)qq_use_isa((qq_isa)i);
    if (word_of("make", NULL))
        return make(word_of("make", NULL), &m);
    if (word_of("run", NULL))
        return evaluate(word_of("run", NULL), &m);
    puts("model_1bit: make=FILE or run=FILE");
    return 0;
}
