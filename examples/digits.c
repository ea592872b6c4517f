// Real handwritten digits and a network quantized from 32 bits down to 1:
//
//   cc -O2 -I. examples/digits.c -o digits && ./digits
//
// Every layer becomes a packed matrix of every type, at one scale a row and at
// one scale a tile of 32, its bias inside, and is multiplied with 597 digits
// that training has not seen: once with f32 activations, once with those that
// are the default, rounded to int8 with a scale for every row. The digits are
// the UCI ones (see digits_data.h for their source and licence), the weights
// are made by digits_train.c.

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include <stdio.h>
#include <string.h>

#include "digits_data.h"
#include "digits_net.h"

#include "digits_model.h"

enum {
    LARGEST = DIGITS_WIDEST * DIGITS_WIDEST,
    TESTED = DIGITS_COUNT - DIGITS_TRAIN
};

// The network: packed bytes, and the views of them.
static unsigned char packed[DIGITS_LAYERS][8 * LARGEST];
static qq_matrix matrix[DIGITS_LAYERS];

// The test set, and what the layers make of it: a row for every digit.
static float act[DIGITS_LAYERS + 1][TESTED * DIGITS_WIDEST];
static int label[TESTED];

static unsigned char scratch[1 << 19];

typedef struct result {
    double bits;    // a weight, scales counted
    size_t bytes;   // the packed network, whole
    double f32;     // per cent right, f32 activations
    double int8;    // per cent right, int8 activations
    double sqnr_db; // of all weights
} result;

static int answer_of(int d)
{
    const float *y = act[DIGITS_LAYERS] + 10 * d;
    int best = 0;
    for (int i = 1; i < 10; i++)
        if (y[i] > y[best])
            best = i;
    return best;
}

static double percent_right(void)
{
    int right = 0;
    for (int d = 0; d < TESTED; d++)
        right += answer_of(d) == label[d];
    return 100.0 * right / (double)TESTED;
}

// Before anything is quantized.
static void run_plain(void)
{
    for (int d = 0; d < TESTED; d++)
        for (int l = 0; l < DIGITS_LAYERS; l++)
            digits_layer(l, digits_weight[l], digits_bias[l],
                         act[l] + d * digits_size[l],
                         act[l + 1] + d * digits_size[l + 1]);
}

// All digits at once through the packed layers; ReLU is a limit of 0.
static qq_status run_packed(qq_input input)
{
    qq_matmul_options o = qq_matmul_options_init();
    o.input = input;
    for (int l = 0; l < DIGITS_LAYERS; l++) {
        const qq_matrix *w = &matrix[l];
        if (l < DIGITS_LAYERS - 1)
            o.lo = 0.0f;
        else
            o.lo = -o.hi;
        const qq_status status =
            qq_matmul(w, &o, TESTED, act[l], w->k, act[l + 1], w->n, scratch,
                      sizeof scratch);
        if (status != QQ_OK)
            return status;
    }
    return QQ_OK;
}

// Packs layer l; after becomes its weights as they can be read back.
static qq_status pack_layer(int l, const qq_scheme *scheme, float *after,
                            result *r)
{
    const size_t n = (size_t)digits_size[l + 1], k = (size_t)digits_size[l];
    const size_t shape[2] = {n, k};
    const qq_tensor w = qq_tensor_make(digits_weight[l], QQ_TYPE_F32, 2, shape);
    qq_matrix_options o = qq_matrix_options_init();
    o.bias = digits_bias[l];
    const qq_status status =
        qq_matrix_quantize(&w, scheme, &o, packed[l], sizeof packed[l], scratch,
                           sizeof scratch, &matrix[l]);
    if (status != QQ_OK)
        return status;
    r->bytes += matrix[l].bytes;
    r->bits += 8.0 * (double)qq_array_size(&w, scheme);
    return qq_matrix_row(&matrix[l], n, NULL, after, 4 * n * k);
}

// Packs the whole model under one type: tile 0 is one scale a row.
static qq_status pack_model(qq_type type, size_t tile, result *r)
{
    static float before[DIGITS_LAYERS * LARGEST];
    static float after[DIGITS_LAYERS * LARGEST];
    size_t count = 0;
    memset(r, 0, sizeof *r);
    for (int l = 0; l < DIGITS_LAYERS; l++) {
        const size_t n = (size_t)digits_size[l] * (size_t)digits_size[l + 1];
        qq_scheme scheme = qq_scheme_init(type);
        qq_status status = qq_scheme_channel(&scheme, 0, 2);
        if (status == QQ_OK && tile)
            status = qq_scheme_tile(&scheme, 1, 2, tile);
        if (status == QQ_OK)
            status = pack_layer(l, &scheme, after + count, r);
        if (status != QQ_OK)
            return status;
        memcpy(before + count, digits_weight[l], n * sizeof(float));
        count += n;
    }
    const qq_tensor x = qq_tensor_make(before, QQ_TYPE_F32, 1, &count);
    const qq_tensor y = qq_tensor_make(after, QQ_TYPE_F32, 1, &count);
    qq_metrics m;
    const qq_status status = qq_compare(&x, &y, &m);
    r->bits /= (double)count;
    r->sqnr_db = m.sqnr_db;
    return status;
}

static int print_row(qq_type type, size_t tile)
{
    result r;
    char scales[16] = "row";
    // Types of small floats have no int8 mode.
    const int is_float = type == QQ_TYPE_E4M3FN || type == QQ_TYPE_E5M2;
    qq_status status = pack_model(type, tile, &r);
    if (status == QQ_OK)
        status = run_packed(QQ_INPUT_F32);
    r.f32 = percent_right();
    if (status == QQ_OK && !is_float)
        status = run_packed(QQ_INPUT_INT8_ROW);
    r.int8 = percent_right();
    if (status != QQ_OK) {
        printf("%-8s %s\n", qq_type_name(type), qq_status_string(status));
        return 1;
    }
    if (tile)
        snprintf(scales, sizeof scales, "tile %u", (unsigned)tile);
    printf("%-8s  %-7s  %6.2f  %6lu  %7.2f %%", qq_type_name(type), scales,
           r.bits, (unsigned long)r.bytes, r.f32);
    if (is_float)
        printf("          -");
    else
        printf("  %7.2f %%", r.int8);
    printf("  %6.2f dB\n", r.sqnr_db);
    return 0;
}

// A few digits of the test set side by side, each with what a model of 4-bit
// weights and 8-bit activations takes it for.
static int draw(void)
{
    enum { SHOWN = 8 };
    static const char ink[] = " .:-=+*#%@";
    result r;
    if (pack_model(QQ_TYPE_INT4, 32, &r) != QQ_OK ||
        run_packed(QQ_INPUT_DEFAULT) != QQ_OK)
        return 1;
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
        const int answer = answer_of(7 * d);
        printf("%d %-8s", answer, answer == label[7 * d] ? "" : "wrong");
    }
    printf("\n");
    return 0;
}

int main(void)
{
    static const qq_type types[] = {
        QQ_TYPE_INT8, QQ_TYPE_E4M3FN, QQ_TYPE_E5M2,    QQ_TYPE_INT6,
        QQ_TYPE_INT5, QQ_TYPE_INT4,   QQ_TYPE_NF4,     QQ_TYPE_E2M1,
        QQ_TYPE_INT3, QQ_TYPE_INT2,   QQ_TYPE_TERNARY, QQ_TYPE_SIGN};
    size_t bytes = 0;
    int failed = 0;
    for (int l = 0; l < DIGITS_LAYERS; l++)
        bytes += 4 * (size_t)(digits_size[l] + 1) * (size_t)digits_size[l + 1];
    for (int d = 0; d < TESTED; d++)
        label[d] = digits_image(digits_data[DIGITS_TRAIN + d], act[0] + 64 * d);
    run_plain();
    printf(
        "type      scales     bits   bytes        f32       int8       SQNR\n");
    printf("f32       none      32.00  %6lu  %7.2f %%          -\n",
           (unsigned long)bytes, percent_right());
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        failed += print_row(types[i], 0);
        failed += print_row(types[i], 32);
        if (types[i] == QQ_TYPE_E2M1) {
            failed += print_row(QQ_TYPE_MXFP4, 32);
            failed += print_row(QQ_TYPE_NVFP4, 16);
        }
    }
    printf("\nbytes: the packed network with biases, scales and headers; f32, "
           "int8: digits that\nare recognised, with activations in f32 and "
           "rounded to int8 by row.\n");
    printf("\nEight digits that training has not seen, by int4 weights:\n\n");
    failed += draw();
    return failed != 0;
}
