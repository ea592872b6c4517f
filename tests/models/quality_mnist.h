// The MNIST perceptron as the driver sees it, 784-500-10. Of the test images
// 0 to 999 calibrate, all others judge. quality_mnist_of(data, 800) calibrates
// on fewer: then loss, which is that of 800 to 999, is of images not seen.

#ifndef QQUANT_TESTS_MODELS_QUALITY_MNIST_H
#define QQUANT_TESTS_MODELS_QUALITY_MNIST_H

#include "quality.h"
#include "quality_tools.h"

#include <time.h>

enum {
    MNIST_IN = 784,
    MNIST_HIDDEN = 500,
    MNIST_OUT = 10,
    MNIST_IMAGES = 10000,
    MNIST_SEEN = 1000,
    MNIST_HELD = 800
};

typedef struct mnist_weights {
    float w1[MNIST_HIDDEN * MNIST_IN], b1[MNIST_HIDDEN];
    float w2[MNIST_OUT * MNIST_HIDDEN], b2[MNIST_OUT];
} mnist_weights;

static mnist_weights mnist_floats, mnist_now;
static float mnist_image[MNIST_IMAGES * MNIST_IN];
static unsigned char mnist_label[MNIST_IMAGES];
static float mnist_logits[MNIST_IMAGES * MNIST_OUT]; // of the float net
static double mnist_sums[MNIST_IMAGES];
static size_t mnist_seen = MNIST_SEEN;

static inline void mnist_hidden(const mnist_weights *net, size_t first,
                                size_t count, float *h)
{
    quality_product(MNIST_HIDDEN, MNIST_IN, net->w1, MNIST_IN, net->b1, count,
                    mnist_image + first * MNIST_IN, MNIST_IN, 0, h,
                    MNIST_HIDDEN);
    for (size_t i = 0; i < count * MNIST_HIDDEN; i++)
        h[i] = h[i] > 0 ? h[i] : 0;
}

// Logits of images first to first + count - 1.
static inline void mnist_run(const mnist_weights *net, size_t first,
                             size_t count, float *y)
{
    enum { BATCH = 200 };
    static float h[BATCH * MNIST_HIDDEN];

    for (size_t i = 0; i < count; i += BATCH) {
        const size_t rows = count - i < BATCH ? count - i : BATCH;
        mnist_hidden(net, first + i, rows, h);
        quality_product(MNIST_OUT, MNIST_HIDDEN, net->w2, MNIST_HIDDEN, net->b2,
                        rows, h, MNIST_HIDDEN, 0, y + i * MNIST_OUT, MNIST_OUT);
    }
}

// Per cent right of images first to end - 1.
static inline double mnist_part(size_t first, size_t end, double *kl)
{
    static float y[MNIST_IMAGES * MNIST_OUT];
    size_t right = 0;

    mnist_run(&mnist_now, first, end - first, y);
    *kl = 0;
    for (size_t i = first; i < end; i++) {
        const float *z = y + (i - first) * MNIST_OUT;
        size_t best = 0;
        for (size_t c = 1; c < MNIST_OUT; c++)
            best = z[c] > z[best] ? c : best;
        right += best == mnist_label[i];
        *kl +=
            quality_divergence(MNIST_OUT, mnist_logits + i * MNIST_OUT,
                               mnist_sums[i], z, quality_log_sum(MNIST_OUT, z));
    }
    *kl /= (double)(end - first);
    return 100.0 * (double)right / (double)(end - first);
}

static inline double mnist_judge(double *kl)
{
    return mnist_part(MNIST_SEEN, MNIST_IMAGES, kl);
}

static inline int mnist_loss(void *user, double *kl)
{
    (void)user;
    mnist_part(MNIST_HELD, MNIST_SEEN, kl);
    return 0;
}

static inline int mnist_inputs(void *user, size_t first, size_t count,
                               int propagated, qq_drive_sink *sink)
{
    static float h[MNIST_SEEN * MNIST_HIDDEN], hq[MNIST_SEEN * MNIST_HIDDEN];

    (void)user;
    for (size_t g = first; g < first + count; g++) {
        qq_drive_rows_of rows = {0, NULL, 0, NULL, 0, NULL, 0};
        rows.count = mnist_seen;
        rows.x = rows.x_float = mnist_image;
        rows.ldx = rows.ldx_float = MNIST_IN;
        if (g == 1) {
            mnist_hidden(&mnist_floats, 0, mnist_seen, h);
            rows.x = rows.x_float = h;
            rows.ldx = rows.ldx_float = MNIST_HIDDEN;
        }
        if (g == 1 && propagated) {
            mnist_hidden(&mnist_now, 0, mnist_seen, hq);
            rows.x = hq;
        }
        if (quality_rows(sink, g, &rows) != QQ_OK)
            return 1;
    }
    return 0;
}

static inline int mnist_store(void *user, const qq_drive_result *result)
{
    mnist_weights *q = &mnist_now;
    const int first = result->layer == 0;

    (void)user;
    memcpy(first ? q->w1 : q->w2, result->v,
           first ? sizeof q->w1 : sizeof q->w2);
    memcpy(first ? q->b1 : q->b2,
           result->bias != NULL ? result->bias
           : first              ? mnist_floats.b1
                                : mnist_floats.b2,
           first ? sizeof q->b1 : sizeof q->b2);
    return 0;
}

static inline void mnist_reset(void)
{
    memcpy(&mnist_now, &mnist_floats, sizeof mnist_now);
}

// Reads name.gz of the data folder through gzip.
static inline int mnist_gz(const char *data, const char *name, size_t skip,
                           unsigned char *out, size_t n)
{
    char command[1200], path[64];
    snprintf(path, sizeof path, "build/mnist-%lu-%lu.tmp",
             (unsigned long)time(NULL), (unsigned long)clock());
    if (strchr(data, '\'') || strlen(data) > 1000)
        return 0;
    snprintf(command, sizeof command, "gzip -dc '%s/%s' > %s 2>/dev/null", data,
             name, path);
    if (system(command) != 0)
        return 0;
    FILE *f = fopen(path, "rb");
    const int ok = f != NULL && fseek(f, (long)skip, SEEK_SET) == 0 &&
                   fread(out, 1, n, f) == n;
    if (f != NULL)
        fclose(f);
    remove(path);
    return ok;
}

static inline int mnist_load(const char *data)
{
    static unsigned char pixels[MNIST_IMAGES * MNIST_IN];
    size_t bytes = 0;
    unsigned char *file =
        quality_file(data, "mnist/mnist_mlp.safetensors", &bytes);
    mnist_weights *f = &mnist_floats;

    if (file == NULL || bytes < sizeof *f + 9)
        return 0;
    const unsigned char *p =
        file + 8 + (file[0] | (size_t)file[1] << 8 | (size_t)file[2] << 16);
    const int ok = p + sizeof *f <= file + bytes &&
                   mnist_gz(data, "mnist/t10k-images-idx3-ubyte.gz", 16, pixels,
                            sizeof pixels) &&
                   mnist_gz(data, "mnist/t10k-labels-idx1-ubyte.gz", 8,
                            mnist_label, sizeof mnist_label);
    if (ok) {
        quality_read(p, MNIST_HIDDEN * MNIST_IN, f->w1);
        quality_read(p + 1568000, MNIST_HIDDEN, f->b1);
        quality_read(p + 1570000, MNIST_OUT * MNIST_HIDDEN, f->w2);
        quality_read(p + 1590000, MNIST_OUT, f->b2);
        for (size_t i = 0; i < MNIST_IMAGES * MNIST_IN; i++)
            mnist_image[i] = (float)pixels[i] / 255.0f;
    }
    free(file);
    return ok;
}

static inline void mnist_layer(qq_drive_layer *layer, const char *name,
                               size_t n, size_t k, const float *w,
                               const float *bias, size_t group)
{
    layer->name.name = name;
    layer->name.type = "Linear";
    layer->n = n;
    layer->k = layer->ldw = k;
    layer->w = w;
    layer->bias = bias;
    layer->group = group;
}

static inline const quality_net *quality_mnist_of(const char *data, size_t seen)
{
    static quality_net net;
    const mnist_weights *f = &mnist_floats;

    if (data == NULL || !mnist_load(data))
        return NULL;
    mnist_seen = seen;
    mnist_run(f, 0, MNIST_IMAGES, mnist_logits);
    for (size_t i = 0; i < MNIST_IMAGES; i++)
        mnist_sums[i] =
            quality_log_sum(MNIST_OUT, mnist_logits + i * MNIST_OUT);
    net.name = "mnist";
    net.unit = "%";
    net.rising = 1;
    net.count = 2;
    mnist_layer(&net.layer[0], "fc1", MNIST_HIDDEN, MNIST_IN, f->w1, f->b1, 0);
    mnist_layer(&net.layer[1], "fc2", MNIST_OUT, MNIST_HIDDEN, f->w2, f->b2, 1);
    net.inputs = mnist_inputs;
    net.store = mnist_store;
    net.loss = mnist_loss;
    net.judge = mnist_judge;
    net.reset = mnist_reset;
    mnist_reset();
    return &net;
}

const quality_net *quality_mnist(const char *data)
{
    return quality_mnist_of(data, MNIST_SEEN);
}

#endif // QQUANT_TESTS_MODELS_QUALITY_MNIST_H
