// Trains the network of examples/digits.c and prints it as a C header:
//
//   cc -O2 -I. examples/digits_train.c -o digits_train
//   ./digits_train > examples/digits_model.h
//
// Plain stochastic gradient descent on a 64-64-32-10 perceptron, cross
// entropy, one image a step, shifted by up to one pixel. All sums are chains
// of qq_fma and all random numbers come from Threefry, so every machine and
// every compiler prints the same header (the examples' check compares it).

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include <stdio.h>

#include "digits_data.h"
#include "digits_net.h"

enum { EPOCHS = 120 };

static float weight[DIGITS_LAYERS][DIGITS_WIDEST * DIGITS_WIDEST];
static float bias[DIGITS_LAYERS][DIGITS_WIDEST];

static float uniform(qq_key key, size_t total, size_t i)
{
    float u;
    qq_random_unit(key, QQ_RANDOM_PARTITIONABLE, QQ_TYPE_F32, total, i, 1, &u,
                   sizeof u);
    return u;
}

// He's initialisation: uniform in +-sqrt(6 / inputs).
static void start(qq_key key)
{
    for (int l = 0; l < DIGITS_LAYERS; l++) {
        const size_t count = (size_t)(digits_size[l] * digits_size[l + 1]);
        const float limit = qq_sqrt(6.0f / (float)digits_size[l]);
        const qq_key k = qq_key_fold_in(key, (uint32_t)l);
        for (size_t i = 0; i < count; i++)
            weight[l][i] = limit * (uniform(k, count, i) * 2.0f - 1.0f);
    }
}

// The image moved by dx, dy pixels; what comes in from outside is empty.
static void shift(const float *in, int dx, int dy, float *out)
{
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++) {
            const int u = x - dx, v = y - dy;
            const int inside = u >= 0 && u < 8 && v >= 0 && v < 8;
            out[8 * y + x] = inside ? in[8 * v + u] : 0.0f;
        }
}

// d = softmax(logits) - label, the gradient of the cross entropy.
static void output_gradient(const float *logits, int label, float *d)
{
    float top = logits[0], sum = 0.0f;
    for (int i = 1; i < 10; i++)
        top = logits[i] > top ? logits[i] : top;
    for (int i = 0; i < 10; i++) {
        d[i] = qq_exp(logits[i] - top);
        sum += d[i];
    }
    for (int i = 0; i < 10; i++)
        d[i] = d[i] / sum - (i == label ? 1.0f : 0.0f);
}

// One step on one image: forward, backward, and w -= rate * gradient.
static void step(const float *image, int label, float rate)
{
    float act[DIGITS_LAYERS + 1][DIGITS_WIDEST];
    float grad[DIGITS_WIDEST], below[DIGITS_WIDEST];
    for (int i = 0; i < 64; i++)
        act[0][i] = image[i];
    for (int l = 0; l < DIGITS_LAYERS; l++)
        digits_layer(l, weight[l], bias[l], act[l], act[l + 1]);

    output_gradient(act[DIGITS_LAYERS], label, grad);
    for (int l = DIGITS_LAYERS - 1; l >= 0; l--) {
        const int n = digits_size[l + 1], k = digits_size[l];
        for (int j = 0; j < k; j++) {
            float sum = 0.0f;
            for (int i = 0; i < n; i++)
                sum = qq_fma(grad[i], weight[l][i * k + j], sum);
            below[j] = act[l][j] > 0.0f ? sum : 0.0f;
        }
        for (int i = 0; i < n; i++) {
            const float move = -rate * grad[i];
            for (int j = 0; j < k; j++)
                weight[l][i * k + j] =
                    qq_fma(move, act[l][j], weight[l][i * k + j]);
            bias[l][i] += move;
        }
        for (int j = 0; j < k; j++)
            grad[j] = below[j];
    }
}

// Fisher and Yates, from a key of the epoch's own.
static void shuffle(qq_key key, int *order)
{
    for (int i = 0; i < DIGITS_TRAIN; i++)
        order[i] = i;
    for (int i = DIGITS_TRAIN - 1; i > 0; i--) {
        const float u = uniform(key, DIGITS_TRAIN, (size_t)i);
        const int j = (int)(u * (float)(i + 1));
        const int other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

static void train(qq_key key)
{
    static int order[DIGITS_TRAIN];
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        const qq_key k = qq_key_fold_in(key, 1000u + (uint32_t)epoch);
        const float rate = epoch < 60   ? 1.0f / 32.0f
                           : epoch < 90 ? 1.0f / 128.0f
                                        : 1.0f / 1024.0f;
        shuffle(k, order);
        for (int i = 0; i < DIGITS_TRAIN; i++) {
            float image[64], moved[64];
            const qq_key place = qq_key_fold_in(k, (uint32_t)i);
            const int dx = (int)(uniform(place, 2, 0) * 3.0f) - 1;
            const int dy = (int)(uniform(place, 2, 1) * 3.0f) - 1;
            const int label = digits_image(digits_data[order[i]], image);
            shift(image, dx, dy, moved);
            step(moved, label, rate);
        }
    }
}

static void print_array(const char *name, int l, const float *x, int count)
{
    printf("\nstatic const float %s%d[%d] = {", name, l, count);
    for (int i = 0; i < count; i++)
        printf("%s%.9gf,", i % 5 ? " " : "\n    ", (double)x[i]);
    printf("\n};\n");
}

// %.9g may print a whole number, and "3f" is no float: give it a point.
static float printable(float x)
{
    return x == qq_round_even(x) ? x + 1.0f / 16777216.0f : x;
}

int main(void)
{
    const qq_key key = qq_key_make(1, 0);
    start(key);
    train(key);

    printf("// Weights of examples/digits.c, made by examples/digits_train.c."
           "\n\n#ifndef QQUANT_EXAMPLES_DIGITS_MODEL_H\n"
           "#define QQUANT_EXAMPLES_DIGITS_MODEL_H\n");
    for (int l = 0; l < DIGITS_LAYERS; l++) {
        const int n = digits_size[l + 1], k = digits_size[l];
        for (int i = 0; i < n * k; i++)
            weight[l][i] = printable(weight[l][i]);
        for (int i = 0; i < n; i++)
            bias[l][i] = printable(bias[l][i]);
        print_array("digits_weight", l, weight[l], n * k);
        print_array("digits_bias", l, bias[l], n);
    }
    printf("\nstatic const float *const digits_weight[DIGITS_LAYERS] = {\n"
           "    digits_weight0, digits_weight1, digits_weight2};\n"
           "static const float *const digits_bias[DIGITS_LAYERS] = {\n"
           "    digits_bias0, digits_bias1, digits_bias2};\n"
           "\n#endif // QQUANT_EXAMPLES_DIGITS_MODEL_H\n");
    return 0;
}
