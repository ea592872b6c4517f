// The image net of QQ_DATA that doubles the size of photos (waifu2x, upconv7)
// as a quality_net. A crop of a photo is halved and doubled again; another crop
// calibrates, a third one is held out for loss.

#ifndef QQUANT_TESTS_MODELS_QUALITY_UPCONV_H
#define QQUANT_TESTS_MODELS_QUALITY_UPCONV_H

#include "quality_conv.h"

enum {
    UPCONV_MOST = 80, // of a halved crop's side
    UPCONV_PAD = 7,   // its edge is repeated as often
    UPCONV_EDGE = 4,  // pixels that do not count
    UPCONV_TAPS = 48, // 3 colours, 4x4
    UPCONV_LAST = 6   // node
};

typedef struct upconv_crop {
    float small[(UPCONV_MOST + 2 * UPCONV_PAD) *
                (UPCONV_MOST + 2 * UPCONV_PAD) * 3];
    float wanted[UPCONV_MOST * UPCONV_MOST * 12]; // the photo
    float answer[UPCONV_MOST * UPCONV_MOST * 12]; // of the float net
} upconv_crop;

static conv_net upconv_net;
static upconv_crop upconv_seen, upconv_held, upconv_judged;
static size_t upconv_side;
static float upconv_bias[3]; // of the last layer

// Sides of what the net sees and of what it answers.
static inline size_t upconv_in(void)
{
    return upconv_side + 2 * UPCONV_PAD;
}

static inline size_t upconv_out(void)
{
    return 2 * upconv_side;
}

// --- files ------------------------------------------------------------------

static inline float upconv_f16(const unsigned char *p)
{
    const unsigned u = p[0] | (unsigned)p[1] << 8;
    const int e = (int)(u >> 10 & 31);
    const double m = (double)(u & 1023);
    const double x = e ? ldexp(1024.0 + m, e - 25) : ldexp(m, -24);
    return (float)(u >> 15 ? -x : x);
}

// A layer: a word that says halves, halves [n][c][pixel] filled up to four
// bytes, and m floats of bias. They become [n][pixel][c].
static inline const unsigned char *
upconv_take(const unsigned char *p, const unsigned char *end, size_t n,
            size_t c, size_t pixels, size_t m, float *w, float *b)
{
    const size_t count = n * c * pixels, halves = (2 * count + 3) / 4 * 4;
    if (p == NULL || (size_t)(end - p) < 4 + halves + 4 * m ||
        conv_u32(p) != 0x01306b47)
        return NULL;
    for (size_t i = 0; i < count; i++)
        w[(i / (c * pixels) * pixels + i % pixels) * c + i / pixels % c] =
            upconv_f16(p + 4 + 2 * i);
    quality_read(p + 4 + halves, m, b);
    return p + 4 + halves + 4 * m;
}

// Six convolutions, and a transposed one of 4x4 taps that go two pixels apart:
// as a matrix, all taps of a pixel are outputs.
static inline int upconv_load(const char *data)
{
    static const size_t wide[] = {3, 16, 32, 64, 128, 128, 256};
    static const char *const names[] = {"conv1", "conv2", "conv3", "conv4",
                                        "conv5", "conv6", "conv7"};
    static float w[7][256 * 1152], b[7][256], taps[UPCONV_TAPS * 256];
    static const char file_name[] = "conv-upconv7/scale2.0x_model.bin";
    conv_net *t = &upconv_net;
    size_t bytes = 0;
    unsigned char *file = quality_file(data, file_name, &bytes);
    const unsigned char *p = file, *end = file + (file ? bytes : 0);

    t->node[0].h = t->node[0].w = upconv_in();
    t->node[0].c = 3;
    for (size_t i = 0; i < 6; i++) {
        p = upconv_take(p, end, wide[i + 1], wide[i], 9, wide[i + 1], w[i],
                        b[i]);
        conv_add(t, names[i], CONV_FULL, (int)i - 1, 3, 3, 1, 0, wide[i + 1],
                 0.1f, w[i], b[i]);
    }
    p = upconv_take(p, end, 3, 256, 16, 3, taps, upconv_bias);
    for (size_t i = 0; i < UPCONV_TAPS * 256; i++)
        w[6][i] = taps[i];
    conv_add(t, names[6], CONV_FULL, 5, 1, 1, 1, 0, UPCONV_TAPS, 1, w[6], NULL);
    free(file);
    return p != NULL;
}

// A crop from (x0, y0) on, as it is and halved.
static inline void upconv_cut(const unsigned char *file, size_t x0, size_t y0,
                              upconv_crop *c)
{
    const size_t w = conv_u32(file + 18), h = conv_u32(file + 22);
    const unsigned char *pixel = file + conv_u32(file + 10);
    const size_t row = (3 * w + 3) / 4 * 4;
    for (size_t i = 0; i < upconv_out() * upconv_out() * 3; i++) {
        const size_t y = y0 + i / 3 / upconv_out(),
                     x = x0 + i / 3 % upconv_out();
        // Rows go up, colours are blue, green, red.
        c->wanted[i] =
            (float)pixel[(h - 1 - y) * row + 3 * x + 2 - i % 3] / 255.0f;
    }
    for (size_t i = 0; i < upconv_in() * upconv_in() * 3; i++) {
        const size_t most = upconv_side - 1 + UPCONV_PAD;
        size_t y = i / 3 / upconv_in(), x = i / 3 % upconv_in();
        y = (y < UPCONV_PAD ? UPCONV_PAD : y > most ? most : y) - UPCONV_PAD;
        x = (x < UPCONV_PAD ? UPCONV_PAD : x > most ? most : x) - UPCONV_PAD;
        const float *from = c->wanted + (y * upconv_out() + x) * 6 + i % 3;
        c->small[i] = (from[0] + from[3] + from[upconv_out() * 3] +
                       from[upconv_out() * 3 + 3]) /
                      4.0f;
    }
}

static inline int upconv_photo(const char *data)
{
    size_t bytes = 0;
    unsigned char *file = quality_file(data, "images/grace_hopper.bmp", &bytes);
    const size_t w = file && bytes > 54 ? conv_u32(file + 18) : 0;
    const size_t h = w ? conv_u32(file + 22) : 0;
    const int ok = w >= 500 && h >= 500 && w < 5000 && h < 5000 &&
                   file[28] == 24 &&
                   bytes >= conv_u32(file + 10) + (3 * w + 3) / 4 * 4 * h;
    if (ok) {
        upconv_cut(file, 180, 80, &upconv_judged);
        upconv_cut(file, 180, 300, &upconv_seen);
        upconv_cut(file, 20, 80, &upconv_held);
    }
    free(file);
    return ok;
}

// --- how good it is ---------------------------------------------------------

static inline void upconv_pass(int which, const upconv_crop *c, float *answer)
{
    conv_run r = conv_start(&upconv_net, which, 1, c->small);
    conv_advance(&upconv_net, &r, upconv_net.nodes);
    const conv_node *d = &upconv_net.node[UPCONV_LAST];
    const float *tap = r.out[UPCONV_LAST];
    for (size_t i = 0; i < upconv_out() * upconv_out() * 3; i++)
        answer[i] = upconv_bias[i % 3];
    // Tap (i, j) of pixel (y, x) goes to (2y + i - 3, 2x + j - 3).
    for (size_t p = 0; p < d->oh * d->ow; p++, tap += UPCONV_TAPS)
        for (size_t i = 0; i < UPCONV_TAPS; i++) {
            const size_t y = 2 * (p / d->ow) + i % 16 / 4;
            const size_t x = 2 * (p % d->ow) + i % 4;
            if (y >= 3 && y - 3 < upconv_out() && x >= 3 &&
                x - 3 < upconv_out())
                answer[((y - 3) * upconv_out() + x - 3) * 3 + i / 16] += tap[i];
        }
    conv_end(&r);
}

// The mean squared error of what is shown, without the edge, where the net sees
// pixels that are repeated.
static inline double upconv_error(const float *answer, const float *wanted)
{
    double sum = 0, count = 0;
    for (size_t i = 0; i < upconv_out() * upconv_out() * 3; i++) {
        const size_t y = i / 3 / upconv_out(), x = i / 3 % upconv_out();
        double a = (double)answer[i];
        if (y < UPCONV_EDGE || y >= upconv_out() - UPCONV_EDGE ||
            x < UPCONV_EDGE || x >= upconv_out() - UPCONV_EDGE)
            continue;
        a = (a < 0 ? 0 : a > 1 ? 1 : a) - (double)wanted[i];
        sum += a * a;
        count++;
    }
    return sum / count;
}

// dB to the photo.
static inline double upconv_psnr(int which)
{
    static float answer[UPCONV_MOST * UPCONV_MOST * 12];
    upconv_pass(which, &upconv_judged, answer);
    return -10 * log10(upconv_error(answer, upconv_judged.wanted));
}

static inline int upconv_inputs(void *user, size_t first, size_t count,
                                int propagated, qq_drive_sink *sink)
{
    (void)user;
    return conv_inputs(&upconv_net, first, count, propagated, sink);
}

static inline int upconv_store(void *user, const qq_drive_result *r)
{
    (void)user;
    return conv_store(&upconv_net, r);
}

// The squared error to what the float net answers.
static inline int upconv_loss(void *user, double *loss)
{
    static float answer[UPCONV_MOST * UPCONV_MOST * 12];
    (void)user;
    upconv_pass(CONV_NOW, &upconv_held, answer);
    *loss = upconv_error(answer, upconv_held.answer);
    return 0;
}

static inline double upconv_judge(double *kl)
{
    *kl = (double)NAN;
    return upconv_psnr(CONV_NOW);
}

static inline void upconv_reset(void)
{
    conv_reset(&upconv_net);
}

// With one in every so many pixels to calibrate, crops of side x side.
static inline const quality_net *upconv_start(const char *data, size_t every,
                                              size_t side)
{
    quality_net *q = &upconv_net.quality;
    if (q->count > 0)
        return q;
    upconv_side = side;
    if (!upconv_photo(data) || !upconv_load(data))
        return NULL;
    q->name = "upconv";
    q->unit = "dB";
    q->rising = 1;
    q->inputs = upconv_inputs;
    q->store = upconv_store;
    q->loss = upconv_loss;
    q->judge = upconv_judge;
    q->reset = upconv_reset;
    upconv_net.every = every;
    conv_layers(&upconv_net);
    conv_reset(&upconv_net);
    for (int which = 0; which < 2; which++)
        upconv_net.run[which] =
            conv_start(&upconv_net, which, 1, upconv_seen.small);
    upconv_pass(CONV_FLOAT, &upconv_held, upconv_held.answer);
    for (size_t i = 0; i < upconv_out() * upconv_out() * 3; i++) {
        float *a = &upconv_held.answer[i];
        *a = *a < 0 ? 0 : *a > 1 ? 1 : *a;
    }
    return q;
}

const quality_net *quality_upconv(const char *data)
{
    return upconv_start(data, 1, UPCONV_MOST);
}

#endif // QQUANT_TESTS_MODELS_QUALITY_UPCONV_H
