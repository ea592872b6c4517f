// What nets of quality.h share: files, products in plain floats, quick where a
// compiler vectorises short loops, and the divergence of two rows of logits.

#ifndef QQUANT_TESTS_MODELS_QUALITY_TOOLS_H
#define QQUANT_TESTS_MODELS_QUALITY_TOOLS_H

#include "quality.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Memory, or the end of the program.
static inline void *quality_memory(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    if (p == NULL) {
        fprintf(stderr, "quality: no memory\n");
        exit(2);
    }
    return p;
}

static inline float *quality_floats(size_t count)
{
    return (float *)quality_memory(count * sizeof(float));
}

// A whole file of the folder data, to be freed, or NULL.
static inline unsigned char *quality_file(const char *data, const char *name,
                                          size_t *bytes)
{
    char path[1024];
    if (data == NULL || strlen(data) > 900 ||
        snprintf(path, sizeof path, "%s/%s", data, name) >= (int)sizeof path)
        return NULL;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    unsigned char *all = NULL;
    if (fseek(f, 0, SEEK_END) == 0 && ftell(f) > 0) {
        *bytes = (size_t)ftell(f);
        rewind(f);
        all = (unsigned char *)quality_memory(*bytes);
        if (fread(all, 1, *bytes, f) != *bytes) {
            free(all);
            all = NULL;
        }
    }
    fclose(f);
    return all;
}

// Little-endian floats of a file, on any machine.
static inline void quality_read(const unsigned char *p, size_t count,
                                float *out)
{
    for (size_t i = 0; i < count; i++, p += 4) {
        const uint32_t u = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                           (uint32_t)p[3] << 24;
        memcpy(out + i, &u, sizeof u);
    }
}

// Every row to the nearest of 255 steps, its largest weight half a step out:
// embeddings that are looked up.
static inline void quality_embedding(size_t n, size_t k, const float *w,
                                     float *out)
{
    for (size_t i = 0; i < n; i++, w += k, out += k) {
        float top = 0;
        for (size_t j = 0; j < k; j++)
            top = fabsf(w[j]) > top ? fabsf(w[j]) : top;
        const float step = top / 127.5f;
        for (size_t j = 0; j < k; j++) {
            float code = step > 0 ? rintf(w[j] / step) : 0;
            code = code > 127 ? 127 : code < -128 ? -128 : code;
            out[j] = code * step;
        }
    }
}

enum { QUALITY_LANES = 16, QUALITY_WIDEST = 4096 };

// Four outputs for QUALITY_LANES rows of x, which lie column by column.
static inline void quality_four(size_t k, const float *const w[4],
                                const float *x, float sum[4][QUALITY_LANES])
{
    for (size_t j = 0; j < k; j++, x += QUALITY_LANES)
        for (int i = 0; i < 4; i++)
            for (int l = 0; l < QUALITY_LANES; l++)
                sum[i][l] += w[i][j] * x[l];
}

// y = x W^T + bias (NULL: none), or y += that. k is at most QUALITY_WIDEST.
static inline void quality_product(size_t n, size_t k, const float *w,
                                   size_t ldw, const float *bias, size_t rows,
                                   const float *x, size_t ldx, int add,
                                   float *y, size_t ldy)
{
    static float turned[QUALITY_WIDEST * QUALITY_LANES];

    for (size_t r = 0; r < rows; r += QUALITY_LANES) {
        const size_t lanes =
            rows - r < QUALITY_LANES ? rows - r : QUALITY_LANES;
        for (size_t j = 0; j < k; j++)
            for (size_t l = 0; l < QUALITY_LANES; l++)
                turned[j * QUALITY_LANES + l] =
                    l < lanes ? x[(r + l) * ldx + j] : 0;
        for (size_t i = 0; i < n; i += 4) {
            const size_t outputs = n - i < 4 ? n - i : 4;
            const float *four[4];
            float sum[4][QUALITY_LANES] = {{0}};
            for (size_t o = 0; o < 4; o++)
                four[o] = w + (i + (o < outputs ? o : 0)) * ldw;
            quality_four(k, four, turned, sum);
            for (size_t o = 0; o < outputs; o++)
                for (size_t l = 0; l < lanes; l++) {
                    const float v = sum[o][l] + (bias ? bias[i + o] : 0);
                    float *at = y + (r + l) * ldy + i + o;
                    *at = add ? *at + v : v;
                }
        }
    }
}

// log sum exp of a row.
static inline double quality_log_sum(size_t n, const float *z)
{
    float top = z[0];
    double sum = 0;

    for (size_t i = 1; i < n; i++)
        top = z[i] > top ? z[i] : top;
    for (size_t i = 0; i < n; i++)
        sum += (double)expf(z[i] - top);
    return (double)top + log(sum);
}

// KL(f || q) in nats of the distributions that logits f and q stand for, given
// their quality_log_sum.
static inline double quality_divergence(size_t n, const float *f, double sum_f,
                                        const float *q, double sum_q)
{
    double kl = 0;

    for (size_t i = 0; i < n; i++) {
        const double log_f = (double)f[i] - sum_f;
        kl += (double)expf((float)log_f) * (log_f - ((double)q[i] - sum_q));
    }
    return kl;
}

// All layers by one recipe, but for an embedding of 8 bits.
static inline qq_status quality_solve(const quality_net *net,
                                      const qq_recipe *recipe)
{
    qq_drive_layer layer[QUALITY_LAYERS];
    qq_drive d = qq_drive_init();
    qq_recipe recipes[2];

    recipes[0] = recipes[1] = *recipe;
    recipes[1].quantizer = QQ_QUANTIZER_NONE;
    memcpy(layer, net->layer, sizeof layer);
    for (size_t i = 0; i < net->count; i++)
        layer[i].recipe = net->keeps[i] == 2;
    d.layers = layer;
    d.count = net->count;
    d.recipes = recipes;
    d.recipe_count = 2;
    d.inputs = net->inputs;
    d.store = net->store;
    if (recipe->propagation == QQ_PROPAGATION_NONE)
        d.together = layer[net->count - 1].group + 1;
    const size_t room = qq_drive_scratch_size(&d);
    void *scratch = room == SIZE_MAX ? NULL : quality_memory(room);
    const qq_status status = qq_drive_run(&d, NULL, scratch, room);
    free(scratch);
    return status;
}

#endif // QQUANT_TESTS_MODELS_QUALITY_TOOLS_H
