// Real handwritten digits and a network quantized from 32 bits down to 1:
//
//   cc -O2 -I. examples/digits.c -o digits && ./digits
//
// Every layer's weights are quantized to every type, at one scale a row and
// at one scale a tile of 32, read back, and run over 597 digits that training
// has not seen. Biases stay f32. The digits are the UCI ones (see
// digits_data.h for their source and licence), the weights are made by
// digits_train.c.

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include <stdio.h>
#include <string.h>

#include "digits_data.h"
#include "digits_net.h"

#include "digits_model.h"

enum { LARGEST = DIGITS_WIDEST * DIGITS_WIDEST };

// The model as somebody sees it who reads the quantized one.
static float weight[DIGITS_LAYERS][LARGEST];

typedef struct result {
    double bits;     // a weight, scales counted
    size_t bytes;    // of all weights and scales
    double accuracy; // per cent
    double sqnr_db;  // of all weights
} result;

static int predict(const float *image)
{
    float act[DIGITS_LAYERS + 1][DIGITS_WIDEST];
    for (int i = 0; i < 64; i++)
        act[0][i] = image[i];
    for (int l = 0; l < DIGITS_LAYERS; l++)
        digits_layer(l, weight[l], digits_bias[l], act[l], act[l + 1]);
    int best = 0;
    for (int i = 1; i < 10; i++)
        if (act[DIGITS_LAYERS][i] > act[DIGITS_LAYERS][best])
            best = i;
    return best;
}

static double accuracy(void)
{
    int right = 0;
    for (int d = DIGITS_TRAIN; d < DIGITS_COUNT; d++) {
        float image[64];
        const int label = digits_image(digits_data[d], image);
        right += predict(image) == label;
    }
    return 100.0 * right / (DIGITS_COUNT - DIGITS_TRAIN);
}

// Quantizes layer l under a scheme and reads it back. Adds to the bytes.
static qq_status quantize_layer(int l, const qq_scheme *scheme, size_t *bytes)
{
    static unsigned char room[8 * LARGEST];
    const size_t shape[2] = {(size_t)digits_size[l + 1],
                             (size_t)digits_size[l]};
    const qq_tensor w = qq_tensor_make(digits_weight[l], QQ_TYPE_F32, 2, shape);
    qq_array array;
    qq_tensor back;
    qq_status status = qq_quantize(&w, scheme, room, sizeof room, &array);
    if (status == QQ_OK)
        status = qq_dequantize(&array, scheme->rule, QQ_TYPE_F32, weight[l],
                               sizeof weight[l], &back);
    *bytes += qq_array_size(&w, scheme);
    return status;
}

// The whole model under one type: tile 0 is one scale a row.
static qq_status quantize_model(qq_type type, size_t tile, result *r)
{
    static float before[DIGITS_LAYERS * LARGEST];
    static float after[DIGITS_LAYERS * LARGEST];
    size_t count = 0;
    r->bytes = 0;
    for (int l = 0; l < DIGITS_LAYERS; l++) {
        qq_scheme scheme = qq_scheme_init(type);
        qq_status status = qq_scheme_channel(&scheme, 0, 2);
        if (status == QQ_OK && tile)
            status = qq_scheme_tile(&scheme, 1, 2, tile);
        if (status == QQ_OK)
            status = quantize_layer(l, &scheme, &r->bytes);
        if (status != QQ_OK)
            return status;
        const size_t n = (size_t)digits_size[l] * (size_t)digits_size[l + 1];
        memcpy(before + count, digits_weight[l], n * sizeof(float));
        memcpy(after + count, weight[l], n * sizeof(float));
        count += n;
    }
    const qq_tensor x = qq_tensor_make(before, QQ_TYPE_F32, 1, &count);
    const qq_tensor y = qq_tensor_make(after, QQ_TYPE_F32, 1, &count);
    qq_metrics m;
    const qq_status status = qq_compare(&x, &y, &m);
    r->bits = 8.0 * (double)r->bytes / (double)count;
    r->sqnr_db = m.sqnr_db;
    r->accuracy = accuracy();
    return status;
}

static int print_row(qq_type type, size_t tile)
{
    result r;
    const qq_status status = quantize_model(type, tile, &r);
    if (status != QQ_OK) {
        printf("%-8s %s\n", qq_type_name(type), qq_status_string(status));
        return 1;
    }
    char scales[16] = "row";
    if (tile)
        snprintf(scales, sizeof scales, "tile %u", (unsigned)tile);
    printf("%-8s  %-7s  %6.2f  %6lu  %7.2f %%  %6.2f dB\n", qq_type_name(type),
           scales, r.bits, (unsigned long)r.bytes, r.accuracy, r.sqnr_db);
    return 0;
}

// A few digits of the test set side by side, each with what a model of 4-bit
// weights takes it for.
static void draw(void)
{
    enum { SHOWN = 8 };
    static const char ink[] = " .:-=+*#%@";
    result r;
    if (quantize_model(QQ_TYPE_INT4, 32, &r) != QQ_OK)
        return;
    for (int y = 0; y < 8; y++) {
        for (int d = 0; d < SHOWN; d++) {
            const char *p = digits_data[DIGITS_TRAIN + 7 * d] + 1 + 8 * y;
            for (int x = 0; x < 8; x++)
                putchar(ink[(p[x] - 'a') * 9 / 16]);
            printf("  ");
        }
        putchar('\n');
    }
    for (int d = 0; d < SHOWN; d++) {
        float image[64];
        const int label =
            digits_image(digits_data[DIGITS_TRAIN + 7 * d], image);
        const int answer = predict(image);
        printf("%d %-8s", answer, answer == label ? "" : "wrong");
    }
    printf("\n");
}

int main(void)
{
    static const qq_type types[] = {
        QQ_TYPE_INT8, QQ_TYPE_E4M3FN, QQ_TYPE_E5M2,    QQ_TYPE_INT6,
        QQ_TYPE_INT5, QQ_TYPE_INT4,   QQ_TYPE_NF4,     QQ_TYPE_E2M1,
        QQ_TYPE_INT3, QQ_TYPE_INT2,   QQ_TYPE_TERNARY, QQ_TYPE_SIGN};
    size_t weights = 0;
    int failed = 0;
    for (int l = 0; l < DIGITS_LAYERS; l++) {
        const size_t n = (size_t)digits_size[l] * (size_t)digits_size[l + 1];
        memcpy(weight[l], digits_weight[l], n * sizeof(float));
        weights += n;
    }
    printf("type      scales     bits   bytes   accuracy       SQNR\n");
    printf("f32       none      32.00  %6lu  %7.2f %%\n",
           (unsigned long)(4 * weights), accuracy());
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        failed += print_row(types[i], 0);
        failed += print_row(types[i], 32);
        if (types[i] == QQ_TYPE_E2M1) {
            failed += print_row(QQ_TYPE_MXFP4, 32);
            failed += print_row(QQ_TYPE_NVFP4, 16);
        }
    }
    printf("\nEight digits that training has not seen, by int4 weights:\n\n");
    draw();
    return failed != 0;
}
