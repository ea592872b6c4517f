// The way from nearest codes to the recipe, for tests that compare them on a
// net of quality.h. keep: 1 where the layers that quality_net.keeps marks have
// 8 bits.

#ifndef QQUANT_TESTS_MODELS_QUALITY_STEPS_H
#define QQUANT_TESTS_MODELS_QUALITY_STEPS_H

#include "check.h"
#include "quality.h"
#include "quality_tools.h"

typedef struct quality_score {
    double metric, kl;
} quality_score;

static inline quality_score quality_scored(const quality_net *net,
                                           const char *what)
{
    quality_score s;
    s.metric = net->judge(&s.kl);
    printf("%s  %-26s %7.2f %s  KL %.4f\n", net->name, what, s.metric,
           net->unit, s.kl);
    return s;
}

// Codes of integers, the largest weight of a tile half a step beyond the
// outermost of them.
static inline void quality_round(unsigned bits, size_t k, size_t tile,
                                 const float *w, float *v)
{
    const float outer = (float)(1u << (bits - 1));
    for (size_t first = 0; first < k; first += tile) {
        const size_t end = k - first < tile ? k : first + tile;
        float top = 0;
        for (size_t j = first; j < end; j++)
            top = fabsf(w[j]) > top ? fabsf(w[j]) : top;
        const float step = top / (outer - 0.5f);
        for (size_t j = first; j < end; j++) {
            float code = step > 0 ? rintf(w[j] / step) : 0;
            code = code > outer - 1 ? outer - 1 : code < -outer ? -outer : code;
            v[j] = code * step;
        }
    }
}

static inline quality_score
quality_nearest(const quality_net *net, unsigned bits, size_t tile, int keep)
{
    net->reset();
    for (size_t i = 0; i < net->count; i++) {
        const qq_drive_layer *l = &net->layer[i];
        const int eight = keep && net->keeps[i];
        float *v = quality_floats(l->n * l->k);
        qq_drive_result result;
        for (size_t r = 0; r < l->n; r++)
            quality_round(eight ? 8 : bits, l->k,
                          eight || tile == 0 ? l->k : tile, l->w + r * l->ldw,
                          v + r * l->k);
        memset(&result, 0, sizeof result);
        result.layer = i;
        result.v = v;
        net->store(NULL, &result);
        free(v);
    }
    return quality_scored(net, "nearest codes");
}

// Searched scales and the codes of GPTQ, no more.
static inline qq_recipe quality_gptq(unsigned bits, size_t tile)
{
    qq_recipe r = qq_recipe_init(bits, tile);
    r.propagation = QQ_PROPAGATION_NONE;
    r.grid = qq_grid_integer(bits);
    r.bias = 0;
    r.fit.rounds = 0;
    r.fit.sweeps = 0;
    r.fit.scales = 1;
    return r;
}

static inline quality_score quality_driven(const quality_net *net,
                                           const qq_recipe *recipe, int keep,
                                           const char *what)
{
    static qq_drive_layer layer[QUALITY_LAYERS];
    qq_recipe recipes[2];
    qq_drive d = qq_drive_init();

    net->reset();
    recipes[0] = *recipe;
    recipes[1] = qq_recipe_init(8, 0);
    recipes[1].propagation = recipe->propagation;
    memcpy(layer, net->layer, sizeof layer);
    for (size_t i = 0; i < net->count; i++)
        layer[i].recipe = keep && net->keeps[i];
    d.layers = layer;
    d.count = net->count;
    d.recipes = recipes;
    d.recipe_count = 2;
    d.inputs = net->inputs;
    d.store = net->store;
    if (recipe->propagation == QQ_PROPAGATION_NONE)
        d.together = layer[net->count - 1].group + 1;
    const size_t room = qq_drive_scratch_size(&d);
    void *scratch = quality_memory(CHECK(room != SIZE_MAX) ? room : 1);
    CHECK(qq_drive_run(&d, NULL, scratch, room) == QQ_OK);
    free(scratch);
    return quality_scored(net, what);
}

#endif // QQUANT_TESTS_MODELS_QUALITY_STEPS_H
