// A small net for the driver's tests: two layers that share an input, one that
// adds to a residual stream, one that sees its own output, and a last one.
//
//   a = A x    b = tanh(B x)    s = a + C b    h' = tanh(s + D h)    y = E h'
//
// Biases stand at A, C and E. Rows come in sequences of STEPS.

#ifndef QQUANT_TESTS_DRIVE_NET_H
#define QQUANT_TESTS_DRIVE_NET_H

#include <math.h>

#include "qquant.h"
#include "room.h"

enum {
    NET_IN = 12,
    NET_WIDE = 16,
    NET_OUT = 8,
    NET_LD = 19, // of every weight
    NET_STEPS = 6,
    NET_ROWS = 20 * NET_STEPS,
    NET_LAYERS = 5,
    NET_GROUPS = 4
};

typedef struct net_layer {
    float w[NET_WIDE * NET_LD];
    float bias[NET_WIDE];
} net_layer;

typedef struct net_weights {
    net_layer layer[NET_LAYERS];
} net_weights;

// What every layer sees, and the stream before C adds to it.
typedef struct net_trace {
    float x[NET_ROWS * NET_IN];
    float b[NET_ROWS * NET_WIDE];
    float h[NET_ROWS * NET_WIDE]; // the one before
    float g[NET_ROWS * NET_WIDE]; // the one that E sees
    float a[NET_ROWS * NET_WIDE]; // the stream
    float y[NET_ROWS * NET_OUT];
} net_trace;

typedef struct net {
    net_weights w; // float
    net_weights q; // what it becomes
    qq_drive_layer layer[NET_LAYERS];
    float x[NET_ROWS * NET_IN];    // calibration
    float held[NET_ROWS * NET_IN]; // other rows
    net_trace float_trace;
    net_trace trace;
    size_t batch; // rows handed over at a time
    // What was asked for.
    unsigned calls[NET_GROUPS];
    unsigned runs;
    unsigned stored[NET_LAYERS];
    unsigned clock;
    qq_drive *d;
    int (*look)(struct net *n, const qq_drive_result *r); // before a store
} net;

static const size_t net_n[NET_LAYERS] = {16, 16, 16, 16, 8};
static const size_t net_k[NET_LAYERS] = {12, 12, 16, 16, 16};

// One row through one layer.
static inline void net_apply(const net_layer *l, size_t i, const float *x,
                             float *y)
{
    for (size_t r = 0; r < net_n[i]; r++) {
        float sum = l->bias[r];
        for (size_t j = 0; j < net_k[i]; j++)
            sum += l->w[r * NET_LD + j] * x[j];
        y[r] = sum;
    }
}

static inline void net_forward(const net_weights *w, const float *x,
                               net_trace *t)
{
    float c[NET_WIDE];
    memcpy(t->x, x, sizeof t->x);
    for (size_t i = 0; i < NET_ROWS; i++) {
        float *a = t->a + i * NET_WIDE, *b = t->b + i * NET_WIDE;
        float *h = t->h + i * NET_WIDE, *g = t->g + i * NET_WIDE;
        net_apply(&w->layer[0], 0, x + i * NET_IN, a);
        net_apply(&w->layer[1], 1, x + i * NET_IN, b);
        for (size_t j = 0; j < NET_WIDE; j++) {
            b[j] = tanhf(b[j]);
            h[j] = i % NET_STEPS == 0 ? 0.0f : *(g + j - NET_WIDE);
        }
        net_apply(&w->layer[2], 2, b, c);
        net_apply(&w->layer[3], 3, h, g);
        for (size_t j = 0; j < NET_WIDE; j++)
            g[j] = tanhf(a[j] + c[j] + g[j]);
        net_apply(&w->layer[4], 4, g, t->y + i * NET_OUT);
    }
}

static inline const float *net_input(const net_trace *t, size_t group)
{
    return group == 0 ? t->x : group == 1 ? t->b : group == 2 ? t->h : t->g;
}

// Correlated rows around a mean that is not 0; column 5 never moves.
static inline void net_rows(float *x)
{
    static float mix[NET_IN * NET_IN];
    static int made;
    for (size_t i = 0; !made && i < NET_IN * NET_IN; i++)
        mix[i] = check_uniform() * (i % 3 == 0 ? 1.0f : 0.25f);
    made = 1;
    for (size_t i = 0; i < NET_ROWS; i++) {
        float z[NET_IN];
        for (size_t j = 0; j < NET_IN; j++)
            z[j] = check_uniform();
        for (size_t j = 0; j < NET_IN; j++) {
            float sum = 0.3f;
            for (size_t l = 0; l < NET_IN; l++)
                sum += mix[j * NET_IN + l] * z[l];
            x[i * NET_IN + j] = j == 5 ? 0.1f : sum;
        }
    }
}

static inline void net_reset(net *n)
{
    n->q = n->w;
    n->runs = n->clock = 0;
    memset(n->calls, 0, sizeof n->calls);
    memset(n->stored, 0, sizeof n->stored);
}

static inline void net_make(net *n)
{
    static const char *const names[NET_LAYERS] = {"a", "b", "c", "d", "e"};
    static const size_t groups[NET_LAYERS] = {0, 0, 1, 2, 3};
    memset(n, 0, sizeof *n);
    for (size_t i = 0; i < NET_LAYERS; i++) {
        qq_drive_layer *l = &n->layer[i];
        for (size_t j = 0; j < NET_WIDE * NET_LD; j++)
            n->w.layer[i].w[j] = check_uniform() * (i == 3 ? 0.4f : 0.8f);
        for (size_t j = 0; j < NET_WIDE; j++)
            n->w.layer[i].bias[j] = i % 2 == 0 ? 0.2f * check_uniform() : 0.0f;
        l->name.name = names[i];
        l->name.type = "Linear";
        l->n = net_n[i];
        l->k = net_k[i];
        l->w = n->w.layer[i].w;
        l->ldw = NET_LD;
        l->bias = i % 2 == 0 ? n->w.layer[i].bias : NULL;
        l->group = groups[i];
        l->residual = i == 2;
    }
    net_rows(n->x);
    net_rows(n->held);
    n->batch = 32;
    net_forward(&n->w, n->x, &n->float_trace);
    net_reset(n);
}

static inline int net_inputs(void *user, size_t first, size_t count,
                             int propagated, qq_drive_sink *sink)
{
    net *n = (net *)user;
    n->runs++;
    net_forward(&n->q, n->x, &n->trace);
    for (size_t g = first; g < first + count; g++) {
        const size_t k = g == 0 ? NET_IN : NET_WIDE;
        n->calls[g]++;
        for (size_t i = 0; i < NET_ROWS; i += n->batch) {
            float r[NET_ROWS * NET_WIDE];
            qq_drive_rows_of rows;
            memset(&rows, 0, sizeof rows);
            for (size_t j = 0; j < NET_ROWS * NET_WIDE; j++)
                r[j] = n->float_trace.a[j] - n->trace.a[j];
            rows.count = NET_ROWS - i < n->batch ? NET_ROWS - i : n->batch;
            rows.x =
                net_input(propagated ? &n->trace : &n->float_trace, g) + i * k;
            rows.ldx = k;
            if (propagated) {
                rows.x_float = net_input(&n->float_trace, g) + i * k;
                rows.ldx_float = k;
                rows.r = g == 1 ? r + i * NET_WIDE : NULL;
                rows.ldr = NET_WIDE;
            }
            if (qq_drive_rows(sink, g, &rows) != QQ_OK)
                return 1;
        }
    }
    return 0;
}

static inline int net_store(void *user, const qq_drive_result *r)
{
    net *n = (net *)user;
    net_layer *l = &n->q.layer[r->layer];
    n->stored[r->layer]++;
    if (n->look != NULL && n->look(n, r) != 0)
        return 1;
    for (size_t i = 0; i < net_n[r->layer]; i++) {
        for (size_t j = 0; j < net_k[r->layer]; j++)
            l->w[i * NET_LD + j] = r->v[i * net_k[r->layer] + j];
        l->bias[i] =
            r->bias != NULL ? r->bias[i] : n->w.layer[r->layer].bias[i];
    }
    return 0;
}

static inline double net_distance(const net *n, const float *x)
{
    static net_trace f, q;
    double sum = 0.0;
    net_forward(&n->w, x, &f);
    net_forward(&n->q, x, &q);
    for (size_t i = 0; i < NET_ROWS * NET_OUT; i++) {
        const double d = (double)f.y[i] - (double)q.y[i];
        sum += d * d;
    }
    return sum / (NET_ROWS * NET_OUT);
}

static inline int net_loss(void *user, double *loss)
{
    const net *n = (const net *)user;
    *loss = net_distance(n, n->held);
    return 0;
}

static inline double net_seconds(void *user)
{
    return (double)((net *)user)->clock++;
}

static inline qq_drive net_drive(net *n, const qq_recipe *recipes, size_t count)
{
    qq_drive d = qq_drive_init();
    d.layers = n->layer;
    d.count = NET_LAYERS;
    d.recipes = recipes;
    d.recipe_count = count;
    d.inputs = net_inputs;
    d.store = net_store;
    d.loss = net_loss;
    d.user = n;
    return d;
}

// In scratch of exactly the bytes asked for.
static inline qq_status net_run(const qq_drive *d, qq_layer_record *records)
{
    const size_t need = qq_drive_scratch_size(d);
    uint8_t *scratch = room(need);
    const qq_status status = qq_drive_run(d, records, scratch, need);
    free(scratch);
    return status;
}

static inline int net_same(const net_weights *x, const net_weights *y)
{
    return memcmp(x, y, sizeof *x) == 0;
}

#endif // QQUANT_TESTS_DRIVE_NET_H
