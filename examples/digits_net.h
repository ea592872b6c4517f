// The network that digits_train.c trains and digits.c quantizes: a perceptron
// with three layers, 64-64-32-10, and ReLU between them.

#ifndef QQUANT_EXAMPLES_DIGITS_NET_H
#define QQUANT_EXAMPLES_DIGITS_NET_H

enum { DIGITS_LAYERS = 3, DIGITS_WIDEST = 64 };

static const int digits_size[DIGITS_LAYERS + 1] = {64, 64, 32, 10};

// An image as floats from 0 to 1; returns its label.
static inline int digits_image(const char *digit, float *image)
{
    for (int i = 0; i < 64; i++)
        image[i] = (float)(digit[1 + i] - 'a') / 16.0f;
    return digit[0] - '0';
}

// y = W x + b, W[outputs][inputs]; ReLU but for the last layer. A chain of
// fused multiply-adds an output: the same bits on every machine.
static inline void digits_layer(int l, const float *w, const float *b,
                                const float *x, float *y)
{
    const int n = digits_size[l + 1], k = digits_size[l];
    for (int i = 0; i < n; i++) {
        float sum = b[i];
        for (int j = 0; j < k; j++)
            sum = qq_fma(w[i * k + j], x[j], sum);
        y[i] = sum > 0.0f || l == DIGITS_LAYERS - 1 ? sum : 0.0f;
    }
}

#endif // QQUANT_EXAMPLES_DIGITS_NET_H
