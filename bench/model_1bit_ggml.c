// The model of model_1bit.c by ggml, as a whole program: Q1_0 weights, one
// graph of products and relus. The words are the same, and variant= and ggml=
// (peer_ggml.h). Ends with 3 where ggml is not there.

#define _GNU_SOURCE 1

#include "model_1bit.h"
#include "peer_ggml.h"

enum { ABSENT = 3 };

static int make(const char *path, const model_shape *m, int type)
{
    const size_t bytes = ggml.row_size(type, (int64_t)m->dim) * m->dim;
    float *w = (float *)malloc(m->dim * m->dim * sizeof *w);
    void *out = malloc(bytes);
    FILE *f = fopen(path, "wb");

    if (w == NULL || out == NULL)
        return 1;
    for (size_t i = 0; i < m->layers; i++) {
        model_layer(w, m->dim, i);
        (void)ggml.quantize_chunk(type, w, out, 0, (int64_t)m->dim,
                                  (int64_t)m->dim, NULL);
        model_write(f, out, bytes);
    }
    if (f)
        fclose(f);
    free(w);
    free(out);
    return 0;
}

static int evaluate(const char *path, const model_shape *m, int type)
{
    const ggml_memory room = {(size_t)1 << 20, NULL, true};
    const int64_t dim = (int64_t)m->dim;
    const size_t wide = m->batch * m->dim * sizeof(float);
    void *weights = ggml.init(room), *values = ggml.init(room);
    void *layer[MODEL_LAYERS];
    size_t bytes;
    char *file = model_read(path, &bytes);
    float *tokens = model_tokens(m), *last = (float *)malloc(wide);

    for (size_t i = 0; i < m->layers; i++)
        layer[i] = ggml.new_tensor_2d(weights, type, dim, dim);
    if (!ggml.backend_alloc_ctx_tensors(weights, ggml.backend) || !last)
        return 1;
    bytes /= m->layers;
    for (size_t i = 0; i < m->layers; i++)
        ggml.backend_tensor_set(layer[i], file + i * bytes, 0, bytes);
    void *x = ggml.new_tensor_2d(values, 0, dim, (int64_t)m->batch), *y = x;
    for (size_t i = 0; i < m->layers; i++)
        y = ggml.relu(values, ggml.mul_mat(values, layer[i], y));
    void *graph = ggml.new_graph_custom(values, 2 * MODEL_LAYERS + 2, false);
    ggml.build_forward_expand(graph, y);
    if (!ggml.backend_alloc_ctx_tensors(values, ggml.backend))
        return 1;
    const double from = seconds();
    for (size_t t = 0; t < m->tokens; t += m->batch) {
        ggml.backend_tensor_set(x, tokens + t * m->dim, 0, wide);
        (void)ggml.backend_graph_compute(ggml.backend, graph);
    }
    const double took = seconds() - from;
    ggml.backend_tensor_get(y, last, 0, wide);
    model_report(last, m, took);
    return 0;
}

int main(int count, char **list)
{
    words_are(count, list);
    const model_shape m = model_words();
    if (!word_of("make", NULL) && !word_of("run", NULL)) {
        puts("model_1bit_ggml: make=FILE or run=FILE");
        return 0;
    }
    if (!ggml_open(word_of("variant", "haswell"), 1))
        return ABSENT;
    const int type = ggml_type_of("q1_0");
    if (type < 0)
        return ABSENT;
    if (word_of("make", NULL))
        return make(word_of("make", NULL), &m, type);
    return evaluate(word_of("run", NULL), &m, type);
}
