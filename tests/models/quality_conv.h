// Convolution nets as matrices, in plain C: what the runners of real conv nets
// share. A node is a product of windows with a weight; windows are gathered to
// rows of [ky][kx][channel], so that a rotation turns the channels of a pixel.
// Images are [sample][y][x][channel].

#ifndef QQUANT_TESTS_MODELS_QUALITY_CONV_H
#define QQUANT_TESTS_MODELS_QUALITY_CONV_H

#include "quality.h"
#include "quality_tools.h"

enum { CONV_NODES = 12, CONV_ROWS = 64, CONV_LANES = 8 };

typedef enum conv_kind {
    CONV_FULL = 1,  // n rows of [ky][kx][channel]
    CONV_DEPTH = 2, // a window of its own channel: n rows of [ky][kx]
    CONV_MEAN = 3   // the mean of all pixels
} conv_kind;

typedef struct conv_node {
    conv_kind kind;
    const char *name;
    int in;                           // the node it reads; -1: the net's input
    size_t h, w, c;                   // of what it reads
    size_t kh, kw, stride, top, left; // the window, zeros around the image
    size_t oh, ow, n;                 // of what it makes
    float slope;                      // below 0: 0 for ReLU, 1 for none
    const float *weight, *bias;
} conv_node;

// One node's weights as the loops want them: [k][n rounded up to lanes].
typedef struct conv_weight {
    float *w, *bias;
} conv_weight;

// Images through a net, node after node, as far as somebody wanted them.
typedef struct conv_run {
    const conv_weight *weights;
    size_t samples;
    const float *input;
    float *out[CONV_NODES];
    size_t done; // nodes
} conv_run;

enum { CONV_FLOAT = 0, CONV_NOW = 1 }; // the float net, the one becoming

typedef struct conv_net {
    quality_net quality;
    size_t nodes;
    conv_node node[CONV_NODES];
    conv_weight weight[2][CONV_NODES];
    size_t layer_node[QUALITY_LAYERS], layer_channel[QUALITY_LAYERS];
    char layer_name[QUALITY_LAYERS][16];
    conv_run run[2]; // calibration
    size_t every;    // of its rows one in so many is handed over
} conv_net;

// Zeros.
static inline void *conv_alloc(size_t bytes)
{
    void *p = quality_memory(bytes);
    memset(p, 0, bytes);
    return p;
}

static inline uint32_t conv_u32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

// --- a node ----------------------------------------------------------------

static inline size_t conv_k(const conv_node *d)
{
    return d->kh * d->kw * (d->kind == CONV_DEPTH ? 1 : d->c);
}

static inline size_t conv_lanes(size_t n)
{
    return (n + CONV_LANES - 1) / CONV_LANES * CONV_LANES;
}

static inline size_t conv_in_size(const conv_node *d)
{
    return d->h * d->w * d->c;
}

static inline size_t conv_out_size(const conv_node *d)
{
    return d->oh * d->ow * d->n;
}

// Where a pixel of the image with zeros around it begins; SIZE_MAX for those.
static inline size_t conv_tap(const conv_node *d, size_t y, size_t x)
{
    if (y < d->top || y - d->top >= d->h || x < d->left || x - d->left >= d->w)
        return SIZE_MAX;
    return ((y - d->top) * d->w + x - d->left) * d->c;
}

// The window of an output pixel, of all channels or of one.
static inline void conv_window(const conv_node *d, const float *image,
                               size_t pixel, size_t channel, float *x)
{
    const size_t y0 = pixel / d->ow * d->stride;
    const size_t x0 = pixel % d->ow * d->stride;
    const size_t some = d->kind == CONV_DEPTH ? 1 : d->c;
    for (size_t i = 0; i < d->kh * d->kw; i++, x += some) {
        const size_t at = conv_tap(d, y0 + i / d->kw, x0 + i % d->kw);
        if (some == 1)
            *x = at == SIZE_MAX ? 0 : image[at + channel];
        else if (at != SIZE_MAX)
            memcpy(x, image + at, some * sizeof *x);
        else
            memset(x, 0, some * sizeof *x);
    }
}

// y += x W^T for four rows of x, a few outputs at a time.
static inline void conv_product(size_t k, size_t n, const float *x,
                                const float *w, float *y)
{
    for (size_t i = 0; i < n; i += CONV_LANES) {
        float a[CONV_LANES], b[CONV_LANES], c[CONV_LANES], d[CONV_LANES];
        const float *v = w + i;
        memcpy(a, y + i, sizeof a);
        memcpy(b, y + n + i, sizeof b);
        memcpy(c, y + 2 * n + i, sizeof c);
        memcpy(d, y + 3 * n + i, sizeof d);
        for (size_t j = 0; j < k; j++, v += n)
            for (size_t l = 0; l < CONV_LANES; l++) {
                a[l] += x[j] * v[l];
                b[l] += x[k + j] * v[l];
                c[l] += x[2 * k + j] * v[l];
                d[l] += x[3 * k + j] * v[l];
            }
        memcpy(y + i, a, sizeof a);
        memcpy(y + n + i, b, sizeof b);
        memcpy(y + 2 * n + i, c, sizeof c);
        memcpy(y + 3 * n + i, d, sizeof d);
    }
}

static inline float conv_bend(const conv_node *d, float y)
{
    return y < 0 ? y * d->slope : y;
}

static inline void conv_full(const conv_node *d, const conv_weight *w,
                             size_t samples, const float *in, float *out)
{
    const size_t k = conv_k(d), n = conv_lanes(d->n), pixels = d->oh * d->ow;
    const size_t all = samples * pixels;
    float *x = (float *)conv_alloc(CONV_ROWS * k * sizeof *x);
    float *y = (float *)conv_alloc(CONV_ROWS * n * sizeof *y);
    for (size_t first = 0; first < all; first += CONV_ROWS) {
        const size_t rows = all - first < CONV_ROWS ? all - first : CONV_ROWS;
        for (size_t r = 0; r < rows; r++) {
            const size_t at = first + r;
            conv_window(d, in + at / pixels * conv_in_size(d), at % pixels, 0,
                        x + r * k);
            memcpy(y + r * n, w->bias, n * sizeof *y);
        }
        for (size_t r = 0; r < rows; r += 4)
            conv_product(k, n, x + r * k, w->w, y + r * n);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < d->n; i++)
                out[(first + r) * d->n + i] = conv_bend(d, y[r * n + i]);
    }
    free(x);
    free(y);
}

// The sums of a pixel. Channels are a multiple of the lanes.
static inline void conv_depth_pixel(const conv_node *d, const conv_weight *w,
                                    const float *image, size_t pixel,
                                    float *out)
{
    const size_t y0 = pixel / d->ow * d->stride;
    const size_t x0 = pixel % d->ow * d->stride;
    memcpy(out, w->bias, d->n * sizeof *out);
    for (size_t i = 0; i < d->kh * d->kw; i++) {
        const size_t from = conv_tap(d, y0 + i / d->kw, x0 + i % d->kw);
        for (size_t c = 0; from != SIZE_MAX && c < d->n; c += CONV_LANES) {
            const float *v = w->w + i * d->n + c, *x = image + from + c;
            float sum[CONV_LANES];
            memcpy(sum, out + c, sizeof sum);
            for (size_t l = 0; l < CONV_LANES; l++)
                sum[l] += v[l] * x[l];
            memcpy(out + c, sum, sizeof sum);
        }
    }
}

static inline void conv_depth(const conv_node *d, const conv_weight *w,
                              size_t samples, const float *in, float *out)
{
    const size_t pixels = d->oh * d->ow;
    for (size_t at = 0; at < samples * pixels; at++, out += d->n) {
        conv_depth_pixel(d, w, in + at / pixels * conv_in_size(d), at % pixels,
                         out);
        for (size_t c = 0; c < d->n; c++)
            out[c] = conv_bend(d, out[c]);
    }
}

static inline void conv_mean(const conv_node *d, size_t samples,
                             const float *in, float *out)
{
    const size_t pixels = d->h * d->w;
    for (size_t s = 0; s < samples; s++, out += d->c) {
        memset(out, 0, d->c * sizeof *out);
        for (size_t p = 0; p < pixels; p++, in += d->c)
            for (size_t c = 0; c < d->c; c++)
                out[c] += in[c] / (float)pixels;
    }
}

// --- a net -----------------------------------------------------------------

static inline const float *conv_input(const conv_net *t, const conv_run *r,
                                      size_t node)
{
    return t->node[node].in < 0 ? r->input : r->out[t->node[node].in];
}

// Nodes up to one, that one left out.
static inline void conv_advance(const conv_net *t, conv_run *r, size_t node)
{
    for (; r->done < node; r->done++) {
        const size_t i = r->done;
        const conv_node *d = &t->node[i];
        const float *in = conv_input(t, r, i);
        if (r->out[i] == NULL)
            r->out[i] = (float *)conv_alloc(r->samples * conv_out_size(d) *
                                            sizeof(float));
        if (d->kind == CONV_FULL)
            conv_full(d, &r->weights[i], r->samples, in, r->out[i]);
        else if (d->kind == CONV_DEPTH)
            conv_depth(d, &r->weights[i], r->samples, in, r->out[i]);
        else
            conv_mean(d, r->samples, in, r->out[i]);
    }
}

static inline conv_run conv_start(const conv_net *t, int which, size_t samples,
                                  const float *input)
{
    conv_run r;
    memset(&r, 0, sizeof r);
    r.weights = t->weight[which];
    r.samples = samples;
    r.input = input;
    return r;
}

static inline void conv_end(conv_run *r)
{
    for (size_t i = 0; i < CONV_NODES; i++) {
        free(r->out[i]);
        r->out[i] = NULL;
    }
}

// A node with the shape of its output made from that of its input: same says
// that zeros are added so that the image keeps its size (divided by stride).
static inline conv_node *conv_add(conv_net *t, const char *name, conv_kind kind,
                                  int in, size_t kh, size_t kw, size_t stride,
                                  int same, size_t n, float slope,
                                  const float *weight, const float *bias)
{
    conv_node *d = &t->node[t->nodes++];
    const conv_node *from = in < 0 ? d : &t->node[in];
    d->kind = kind;
    d->name = name;
    d->in = in;
    if (in >= 0) {
        d->h = from->oh;
        d->w = from->ow;
        d->c = from->n;
    }
    d->kh = kh;
    d->kw = kw;
    d->stride = stride;
    d->oh = same ? (d->h + stride - 1) / stride : d->h - kh + 1;
    d->ow = same ? (d->w + stride - 1) / stride : d->w - kw + 1;
    d->top = same ? ((d->oh - 1) * stride + kh - d->h) / 2 : 0;
    d->left = same ? ((d->ow - 1) * stride + kw - d->w) / 2 : 0;
    d->n = n;
    d->slope = slope;
    d->weight = weight;
    d->bias = bias;
    return d;
}

// v: a layer of the node: all rows, or a channel's.
static inline void conv_put(conv_net *t, int which, size_t node, size_t channel,
                            const float *v, const float *bias)
{
    const conv_node *d = &t->node[node];
    conv_weight *to = &t->weight[which][node];
    const size_t k = conv_k(d), n = conv_lanes(d->n);
    const size_t rows = d->kind == CONV_DEPTH ? 1 : d->n;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < k; j++)
            to->w[j * n + channel + i] = v[i * k + j];
        if (bias != NULL)
            to->bias[channel + i] = bias[i];
        else
            to->bias[channel + i] = d->bias ? d->bias[channel + i] : 0;
    }
}

// Layers of the nodes: one of each, a depthwise one having as many as channels.
// Neighbours that read the same windows are a group.
static inline void conv_layers(conv_net *t)
{
    quality_net *q = &t->quality;
    size_t group = 0;
    for (size_t i = 0; i < t->nodes; i++) {
        const conv_node *d = &t->node[i];
        const size_t k = conv_k(d), n = conv_lanes(d->n);
        const int depth = d->kind == CONV_DEPTH;
        if (d->kind == CONV_MEAN)
            continue;
        if (i > 0 && (depth || t->node[i - 1].in != d->in))
            group++;
        for (int which = 0; which < 2; which++) {
            conv_weight *w = &t->weight[which][i];
            w->w = (float *)conv_alloc(k * n * sizeof(float));
            w->bias = (float *)conv_alloc(n * sizeof(float));
        }
        for (size_t c = 0; c < (depth ? d->n : 1); c++) {
            const size_t at = q->count++;
            qq_drive_layer *l = &q->layer[at];
            char *name = t->layer_name[at];
            snprintf(name, sizeof t->layer_name[at], depth ? "%s.%u" : "%s",
                     d->name, (unsigned)c);
            l->name.name = name;
            l->name.type = k == d->c ? "Linear" : "Conv2d";
            l->n = depth ? 1 : d->n;
            l->k = k;
            l->w = d->weight + c * k;
            l->ldw = k;
            l->bias = d->bias ? d->bias + c : NULL;
            l->beside = c > 0;
            group += c > 0;
            l->group = group;
            q->keeps[at] = at == 0 || depth;
            t->layer_node[at] = i;
            t->layer_channel[at] = c;
        }
    }
}

static inline void conv_reset(conv_net *t)
{
    for (size_t i = 0; i < t->quality.count; i++) {
        const qq_drive_layer *l = &t->quality.layer[i];
        for (int which = 0; which < 2; which++)
            conv_put(t, which, t->layer_node[i], t->layer_channel[i], l->w,
                     l->bias);
    }
    t->run[CONV_NOW].done = 0;
}

// --- what the driver asks ---------------------------------------------------

static inline int conv_store(conv_net *t, const qq_drive_result *r)
{
    const size_t node = t->layer_node[r->layer];
    conv_put(t, CONV_NOW, node, t->layer_channel[r->layer], r->v, r->bias);
    if (t->run[CONV_NOW].done > node)
        t->run[CONV_NOW].done = node;
    return 0;
}

// Rows of the windows that a layer sees.
static inline int conv_hand(conv_net *t, size_t layer, int propagated,
                            qq_drive_sink *sink)
{
    const size_t node = t->layer_node[layer], c = t->layer_channel[layer];
    const conv_node *d = &t->node[node];
    const size_t k = conv_k(d), pixels = d->oh * d->ow;
    const size_t all = t->run[CONV_FLOAT].samples * pixels;
    const size_t every = pixels > 1 ? t->every : 1;
    float *x[2] = {NULL, NULL};
    int stop = 0;
    for (int which = 0; which <= propagated; which++) {
        x[which] = (float *)conv_alloc(CONV_ROWS * k * sizeof(float));
        conv_advance(t, &t->run[which], node);
    }
    for (size_t at = 0; at < all && !stop;) {
        qq_drive_rows_of rows;
        memset(&rows, 0, sizeof rows);
        for (; at < all && rows.count < CONV_ROWS; at += every, rows.count++)
            for (int which = 0; which <= propagated; which++)
                conv_window(d,
                            conv_input(t, &t->run[which], node) +
                                at / pixels * conv_in_size(d),
                            at % pixels, c, x[which] + rows.count * k);
        rows.x = x[propagated];
        rows.ldx = k;
        rows.x_float = propagated ? x[CONV_FLOAT] : NULL;
        rows.ldx_float = propagated ? k : 0;
        stop =
            quality_rows(sink, t->quality.layer[layer].group, &rows) != QQ_OK;
    }
    free(x[0]);
    free(x[1]);
    return stop;
}

static inline int conv_inputs(conv_net *t, size_t first, size_t count,
                              int propagated, qq_drive_sink *sink)
{
    size_t next = first;
    for (size_t i = 0; i < t->quality.count; i++)
        if (t->quality.layer[i].group == next && next < first + count) {
            if (conv_hand(t, i, propagated != 0, sink))
                return 1;
            next++;
        }
    return 0;
}

// --- how good it is ---------------------------------------------------------

// log of softmax, in place.
static inline void conv_log_softmax(size_t n, float *y)
{
    double sum = 0, top = (double)y[0];
    for (size_t i = 1; i < n; i++)
        top = (double)y[i] > top ? (double)y[i] : top;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)y[i] - top);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)y[i] - top - log(sum));
}

static inline size_t conv_top(size_t n, const float *y)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (y[i] > y[best])
            best = i;
    return best;
}

// KL(p || q) of logarithms.
static inline double conv_kl(size_t n, const float *p, const float *q)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)p[i]) * ((double)p[i] - (double)q[i]);
    return sum;
}

#endif // QQUANT_TESTS_MODELS_QUALITY_CONV_H
