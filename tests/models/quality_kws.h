// The keyword spotter of QQ_DATA, a depthwise separable convolution net, as a
// quality_net: weights from its tflite file, 480 spectrograms. The even ones
// calibrate, the odd ones judge. kws_start can hold out every sixth of the even
// ones: then loss, which is of these, is of samples not seen.

#ifndef QQUANT_TESTS_MODELS_QUALITY_KWS_H
#define QQUANT_TESTS_MODELS_QUALITY_KWS_H

#include "quality_conv.h"

enum {
    KWS_H = 49,
    KWS_W = 10,
    KWS_IN = KWS_H * KWS_W,
    KWS_WIDE = 64, // channels
    KWS_OUT = 12,
    KWS_MOST = 240 // of a part's samples
};

typedef struct kws_part {
    size_t count;
    float x[KWS_MOST * KWS_IN];
    unsigned char label[KWS_MOST];
    float log_p[KWS_MOST * KWS_OUT]; // of the float net
} kws_part;

static conv_net kws_net;
static kws_part kws_seen, kws_held, kws_judged;

// --- a tflite file: tables of fields, vectors, all by offsets --------------

typedef struct kws_file {
    unsigned char *p;
    size_t bytes;
    uint32_t tensors, operators, buffers; // vectors
} kws_file;

// 0 beyond the end.
static inline uint32_t kws_u32(const kws_file *f, uint32_t at)
{
    return at < f->bytes && f->bytes - at >= 4 ? conv_u32(f->p + at) : 0;
}

// What the offset at a place leads to.
static inline uint32_t kws_to(const kws_file *f, uint32_t at)
{
    return (uint32_t)((uint64_t)at + kws_u32(f, at));
}

// Where field i of a table lies, or 0.
static inline uint32_t kws_field(const kws_file *f, uint32_t table, uint32_t i)
{
    const int64_t fields = (int64_t)table - (int32_t)kws_u32(f, table);
    const uint32_t at = (uint32_t)(fields & 0xffffffff);
    const uint32_t offset = kws_u32(f, at + 4 + 2 * i) & 0xffff;
    return (kws_u32(f, at) & 0xffff) > 4 + 2 * i && offset ? table + offset : 0;
}

static inline uint32_t kws_entry(const kws_file *f, uint32_t vector, uint32_t i)
{
    return kws_to(f, vector + 4 + 4 * i);
}

// Number i of the vector that is a field, 0 where it has none.
static inline uint32_t kws_number(const kws_file *f, uint32_t table,
                                  uint32_t field, uint32_t i)
{
    const uint32_t vector = kws_to(f, kws_field(f, table, field));
    return i < kws_u32(f, vector) ? kws_u32(f, vector + 4 + 4 * i) : 0;
}

static inline float kws_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// Input i of an operator, n rows of k floats, or of bytes with one scale;
// 0: it is not.
static inline int kws_tensor(const kws_file *f, uint32_t index, uint32_t i,
                             uint32_t n, uint32_t k, float *out)
{
    const uint32_t op = kws_entry(f, f->operators, index);
    const uint32_t id = kws_number(f, op, 1, i);
    const uint32_t tensor = kws_entry(f, f->tensors, id);
    const uint32_t type = kws_u32(f, kws_field(f, tensor, 1)) & 0xff;
    const uint32_t fitted = kws_to(f, kws_field(f, tensor, 4));
    const uint32_t number = kws_u32(f, kws_field(f, tensor, 2));
    const uint32_t buffer = kws_entry(f, f->buffers, number);
    const uint32_t data = kws_to(f, kws_field(f, buffer, 0)) + 4;
    const uint32_t bytes = kws_u32(f, data - 4);
    if (bytes != n * k * (type == 9 ? 1 : 4) || data + bytes > f->bytes)
        return 0;
    for (uint32_t j = 0; j < n * k; j++)
        if (type == 9)
            out[j] = (float)(int8_t)f->p[data + j] *
                     kws_float(kws_number(f, fitted, 2, 0));
        else
            out[j] = kws_float(kws_u32(f, data + 4 * j));
    return 1;
}

static inline int kws_open(const char *data, kws_file *f)
{
    f->p = quality_file(data, "kws/kws_ref_model_float32.tflite", &f->bytes);
    if (f->p == NULL)
        return 0;
    const uint32_t root = kws_u32(f, 0);
    const uint32_t graph = kws_entry(f, kws_to(f, kws_field(f, root, 2)), 0);
    f->buffers = kws_to(f, kws_field(f, root, 4));
    f->tensors = kws_to(f, kws_field(f, graph, 0));
    f->operators = kws_to(f, kws_field(f, graph, 3));
    return 1;
}

// --- the net ----------------------------------------------------------------

// Operators 0 to 8 are a convolution and four pairs of a depthwise and a 1x1
// one, 11 is the classifier; between them the mean over the image.
static inline int kws_load_net(const char *data)
{
    static const char *const names[] = {"conv", "dw1", "pw1", "dw2", "pw2",
                                        "dw3",  "pw3", "dw4", "pw4"};
    static float w[10][KWS_WIDE * KWS_WIDE], b[10][KWS_WIDE];
    static float taps[9 * KWS_WIDE];
    conv_net *t = &kws_net;
    kws_file f;
    int ok = kws_open(data, &f);

    if (!ok)
        return 0;
    t->node[0].h = KWS_H;
    t->node[0].w = KWS_W;
    t->node[0].c = 1;
    for (uint32_t i = 0; i < 9; i++) {
        const int depth = i % 2 == 1;
        const uint32_t k = i == 0 ? 40 : depth ? 9 : KWS_WIDE;
        ok = ok && kws_tensor(&f, i, 1, KWS_WIDE, k, depth ? taps : w[i]) &&
             kws_tensor(&f, i, 2, KWS_WIDE, 1, b[i]);
        for (size_t j = 0; depth && j < 9 * KWS_WIDE; j++)
            w[i][j] = taps[j % 9 * KWS_WIDE + j / 9];
        if (i == 0)
            conv_add(t, names[i], CONV_FULL, -1, 10, 4, 2, 1, KWS_WIDE, 0, w[i],
                     b[i]);
        else
            conv_add(t, names[i], depth ? CONV_DEPTH : CONV_FULL, (int)i - 1,
                     depth ? 3 : 1, depth ? 3 : 1, 1, 1, KWS_WIDE, 0, w[i],
                     b[i]);
    }
    ok = ok && kws_tensor(&f, 11, 1, KWS_OUT, KWS_WIDE, w[9]) &&
         kws_tensor(&f, 11, 2, KWS_OUT, 1, b[9]);
    free(f.p);
    conv_node *mean = conv_add(t, "mean", CONV_MEAN, 8, t->node[8].oh,
                               t->node[8].ow, 1, 0, KWS_WIDE, 1, NULL, NULL);
    mean->kh = mean->kw = 1;
    conv_add(t, "fc", CONV_FULL, 9, 1, 1, 1, 0, KWS_OUT, 1, w[9], b[9]);
    return ok;
}

static inline void kws_keep(kws_part *p, const unsigned char *x,
                            unsigned char label)
{
    quality_read(x, KWS_IN, p->x + p->count * KWS_IN);
    p->label[p->count++] = label;
}

// One in every few dozens, where those who test are in a hurry.
static inline int kws_load_samples(const char *data, size_t every, int hold)
{
    static const char name[] = "kws/kws_mfcc_dev480.bin";
    size_t bytes = 0;
    unsigned char *file = quality_file(data, name, &bytes);
    const size_t n = file && bytes > 16 ? conv_u32(file + 4) : 0;
    const size_t first = 16 + (n + 3) / 4 * 4, one = 4 * KWS_IN;
    const int ok = n == 2 * KWS_MOST && bytes >= first + n * one;
    for (size_t i = 0; ok && i < n; i++) {
        const unsigned char *x = file + first + i * one;
        if (i / 12 % every)
            continue;
        if (i % 2)
            kws_keep(&kws_judged, x, file[16 + i]);
        if (i % 12 == 0)
            kws_keep(&kws_held, x, file[16 + i]);
        if (i % 2 == 0 && (i % 12 || !hold))
            kws_keep(&kws_seen, x, file[16 + i]);
    }
    free(file);
    return ok;
}

// log p of a part's samples.
static inline void kws_pass(int which, const kws_part *p, float *log_p)
{
    conv_run r = conv_start(&kws_net, which, p->count, p->x);
    conv_advance(&kws_net, &r, kws_net.nodes);
    memcpy(log_p, r.out[kws_net.nodes - 1], p->count * KWS_OUT * sizeof *log_p);
    for (size_t i = 0; i < p->count; i++)
        conv_log_softmax(KWS_OUT, log_p + i * KWS_OUT);
    conv_end(&r);
}

// The share that is right in percent, and KL to the float net.
static inline double kws_measure(const kws_part *p, double *kl)
{
    static float log_p[KWS_MOST * KWS_OUT];
    size_t right = 0;
    kws_pass(CONV_NOW, p, log_p);
    *kl = 0;
    for (size_t i = 0; i < p->count; i++) {
        const float *q = log_p + i * KWS_OUT;
        right += conv_top(KWS_OUT, q) == p->label[i];
        *kl += conv_kl(KWS_OUT, p->log_p + i * KWS_OUT, q) / (double)p->count;
    }
    return 100.0 * (double)right / (double)p->count;
}

static inline int kws_inputs(void *user, size_t first, size_t count,
                             int propagated, qq_drive_sink *sink)
{
    (void)user;
    return conv_inputs(&kws_net, first, count, propagated, sink);
}

static inline int kws_store(void *user, const qq_drive_result *r)
{
    (void)user;
    return conv_store(&kws_net, r);
}

static inline int kws_loss(void *user, double *loss)
{
    (void)user;
    kws_measure(&kws_held, loss);
    return 0;
}

static inline double kws_judge(double *kl)
{
    return kws_measure(&kws_judged, kl);
}

static inline void kws_reset(void)
{
    conv_reset(&kws_net);
}

static inline const quality_net *kws_start(const char *data, size_t every,
                                           int hold)
{
    quality_net *q = &kws_net.quality;
    if (q->count > 0)
        return q;
    if (!kws_load_samples(data, every, hold) || !kws_load_net(data))
        return NULL;
    q->name = "kws";
    q->unit = "%";
    q->rising = 1;
    q->inputs = kws_inputs;
    q->store = kws_store;
    q->loss = kws_loss;
    q->judge = kws_judge;
    q->reset = kws_reset;
    kws_net.every = 1;
    conv_layers(&kws_net);
    conv_reset(&kws_net);
    for (int which = 0; which < 2; which++)
        kws_net.run[which] =
            conv_start(&kws_net, which, kws_seen.count, kws_seen.x);
    kws_pass(CONV_FLOAT, &kws_held, kws_held.log_p);
    kws_pass(CONV_FLOAT, &kws_judged, kws_judged.log_p);
    return q;
}

const quality_net *quality_kws(const char *data)
{
    return kws_start(data, 1, 0);
}

#endif // QQUANT_TESTS_MODELS_QUALITY_KWS_H
