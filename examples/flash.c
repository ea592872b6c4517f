// A network that lies in flash: packed when the program is built, multiplied
// where it lies. Read-only weights, static scratch, no heap, no files.
//
//   cc -DFLASH_PACK -I. examples/flash.c -o flash_pack
//   ./flash_pack > examples/flash_model.h
//   cc -I. examples/flash.c -o flash && ./flash
//
// With FLASH_PACK this is the packer, for the machine that builds: it turns
// the weights of digits.c into int4 matrices and writes them as C arrays, some
// digits with them. Without, it is the program for the device: it prints
// nothing, and main returns how many digits it took for others.

#define QQUANT_STATIC
#define QQ_NO_FILE
#define QQ_NO_OP
#define QQ_NO_TRAIN
#define QQ_NO_SIMD
#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include "digits_net.h"

enum { SHOWN = 4 };

#ifdef FLASH_PACK

#  include <stdio.h>

#  include "digits_data.h"
#  include "digits_model.h"

static void print_array(const char *name, int i, const unsigned char *bytes,
                        size_t count)
{
    printf("\nstatic const unsigned char %s%d[%lu] = {", name, i,
           (unsigned long)count);
    for (size_t j = 0; j < count; j++)
        printf("%s%u,", j % 15 ? " " : "\n    ", (unsigned)bytes[j]);
    printf("\n};\n");
}

static qq_status pack(int l)
{
    static unsigned char out[8192], scratch[8192];
    const size_t shape[2] = {(size_t)digits_size[l + 1],
                             (size_t)digits_size[l]};
    const qq_tensor w = qq_tensor_make(digits_weight[l], QQ_TYPE_F32, 2, shape);
    qq_matrix_options o = qq_matrix_options_init();
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    qq_matrix m;
    qq_status status = qq_scheme_channel(&s, 0, 2);
    o.bias = digits_bias[l];
    if (status == QQ_OK)
        status = qq_matrix_quantize(&w, &s, &o, out, sizeof out, scratch,
                                    sizeof scratch, &m);
    if (status == QQ_OK)
        print_array("flash_layer", l, out, m.bytes);
    return status;
}

int main(void)
{
    printf("// The network of examples/flash.c in int4, and %d digits, their "
           "label first,\n// made by examples/flash.c.\n\n"
           "#ifndef QQUANT_EXAMPLES_FLASH_MODEL_H\n"
           "#define QQUANT_EXAMPLES_FLASH_MODEL_H\n",
           SHOWN);
    for (int l = 0; l < DIGITS_LAYERS; l++)
        if (pack(l) != QQ_OK)
            return 1;
    for (int d = 0; d < SHOWN; d++) {
        const char *digit = digits_data[DIGITS_TRAIN + d];
        unsigned char bytes[65];
        bytes[0] = (unsigned char)(digit[0] - '0');
        for (int i = 1; i < 65; i++)
            bytes[i] = (unsigned char)(digit[i] - 'a');
        print_array("flash_digit", d, bytes, sizeof bytes);
    }
    printf("\n#endif // QQUANT_EXAMPLES_FLASH_MODEL_H\n");
    return 0;
}

#else

#  include "flash_model.h"

// Activations go to and fro between two buffers.
static float hidden[2][DIGITS_WIDEST];
static unsigned char scratch[2048];

// The first layer takes pixels as they are, int8 of 0 to 16 that mean 16ths;
// the others make int8 of what they are given.
static qq_status layer(int l, const void *flash, size_t bytes, const void *x,
                       float *y)
{
    qq_matmul_options o = qq_matmul_options_init();
    qq_matrix w;
    const qq_status status = qq_matrix_open(flash, bytes, &w);
    if (status != QQ_OK)
        return status;
    if (l == 0) {
        o.input = QQ_INPUT_INT8_STATIC;
        o.x_type = QQ_TYPE_INT8;
        o.x_scale = 1.0f / 16.0f;
    }
    if (l < DIGITS_LAYERS - 1)
        o.lo = 0.0f; // ReLU
    return qq_matmul(&w, &o, 1, x, w.k, y, w.n, scratch, sizeof scratch);
}

static int recognise(const unsigned char *pixels)
{
    float y[10];
    int best = 0;
    if (layer(0, flash_layer0, sizeof flash_layer0, pixels, hidden[0]) ||
        layer(1, flash_layer1, sizeof flash_layer1, hidden[0], hidden[1]) ||
        layer(2, flash_layer2, sizeof flash_layer2, hidden[1], y))
        return -1;
    for (int i = 1; i < 10; i++)
        if (y[i] > y[best])
            best = i;
    return best;
}

int main(void)
{
    static const unsigned char *const digit[SHOWN] = {
        flash_digit0, flash_digit1, flash_digit2, flash_digit3};
    int wrong = 0;
    for (int d = 0; d < SHOWN; d++)
        wrong += recognise(digit[d] + 1) != digit[d][0];
    return wrong;
}

#endif
