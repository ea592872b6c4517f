// A real layer in 1, 2 and 3 bits a weight, and where the error lies:
//
//   cc -O2 -I. examples/onebit.c -o onebit -lm && ./onebit
//   QQ_DATA=dir ./onebit
//
// The layer is the first one of the network of digits.c, 64 x 64, its inputs
// are real digits; with QQ_DATA it is the first query of the story model in
// dir, with the tokens that it would see there. Every other row of inputs is
// shown to the solver, the rest judges it. Each way leaves W as V, sums of a
// factor for every row, a sign and a factor for every column:
//
//   svid      the rank 1 that is nearest to |W|, and the signs of W
//   balanced  the same after rows and columns are scaled to be alike, as
//             OneCompression does it, the scales folded into a and b
//   fixed     the better of these two
//   best      signs and factors that keep the layer's output
//
// Errors are squared and relative: of the weights |W - V|^2 / |W|^2, of the
// output |W x - V x|^2 / |W x|^2 over the rows of inputs.

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits_data.h"
#include "digits_net.h"

#include "digits_model.h"

enum { SIDE = 64, WEIGHTS = SIDE * SIDE, MOST_ROWS = 6000, WAYS = 6 };

static float weight[WEIGHTS];
static float inputs[MOST_ROWS * SIDE];
static size_t rows;

static float hessian[WEIGHTS];      // of the rows that the solver sees
static double gram[2][WEIGHTS];     // sums of x x^T: seen, held out
static uint64_t samples[2];         // of how many rows
static float values[WAYS][WEIGHTS]; // what W becomes

static const char *const way_name[WAYS] = {"svid", "balanced", "fixed",
                                           "best", "2 planes", "3 planes"};

static void must(qq_status status, const char *what)
{
    if (status == QQ_OK)
        return;
    printf("%s: %s\n", what, qq_status_string(status));
    exit(1);
}

static void *memory(size_t bytes)
{
    void *p = bytes == SIZE_MAX ? NULL : malloc(bytes);
    if (p == NULL)
        exit(1);
    return p;
}

// --- the layer -------------------------------------------------------------

static void digits(void)
{
    memcpy(weight, digits_weight0, sizeof weight);
    rows = DIGITS_COUNT;
    for (size_t r = 0; r < rows; r++)
        digits_image(digits_data[r], inputs + r * SIDE);
    printf("the first layer of the digits, %d x %d, %lu inputs\n", SIDE, SIDE,
           (unsigned long)rows);
}

static FILE *data_file(const char *name)
{
    char path[1024];
    const char *dir = getenv("QQ_DATA");
    if (dir == NULL || strlen(dir) > 900)
        return NULL;
    snprintf(path, sizeof path, "%s/lm-stories260k/%s", dir, name);
    return fopen(path, "rb");
}

// Numbers of a file are little-endian, of any machine.
static float float_at(const unsigned char *p)
{
    const uint32_t u = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                       (uint32_t)p[3] << 24;
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

// The model's first query sees normalised rows of the embedding, 512 x 64,
// which lies first; then the factors of the norm, 5 x 64, then the queries.
static int story(void)
{
    enum { VOCAB = 512, NORM = VOCAB * SIDE, QUERY = NORM + 5 * SIDE };
    static unsigned char bytes[28 + 4 * (QUERY + WEIGHTS)];
    FILE *model = data_file("stories260K.bin");
    FILE *text = data_file("tinystories_tok512_dev.u16");
    const unsigned char *p = bytes + 28;
    unsigned char token[2];

    if (model == NULL || text == NULL ||
        fread(bytes, 1, sizeof bytes, model) != sizeof bytes)
        return 0;
    for (size_t i = 0; i < WEIGHTS; i++)
        weight[i] = float_at(p + 4 * (QUERY + i));
    for (rows = 0; rows < MOST_ROWS && fread(token, 2, 1, text) == 1; rows++) {
        const size_t t = (token[0] | (size_t)token[1] << 8) % VOCAB;
        float *x = inputs + rows * SIDE, sum = 0;
        for (size_t i = 0; i < SIDE; i++) {
            x[i] = float_at(p + 4 * (t * SIDE + i));
            sum += x[i] * x[i];
        }
        const float scale = 1.0f / sqrtf(sum / (float)SIDE + 1e-5f);
        for (size_t i = 0; i < SIDE; i++)
            x[i] *= scale * float_at(p + 4 * (NORM + i));
    }
    fclose(model);
    fclose(text);
    printf("the first query of the story model, %d x %d, %lu inputs\n", SIDE,
           SIDE, (unsigned long)rows);
    return 1;
}

// --- moments, solving, errors ----------------------------------------------

// Even rows are what the solver sees, odd ones are held out.
static void gather(void)
{
    const size_t bytes = qq_moments_size(SIDE, NULL);

    for (size_t part = 0; part < 2; part++) {
        qq_moments m;
        void *sums = memory(bytes);
        must(qq_moments_make(SIDE, NULL, sums, bytes, &m), "moments");
        const size_t room = qq_moments_scratch_size(&m, NULL);
        void *scratch = memory(room);
        samples[part] = (rows + 1 - part) / 2;
        must(qq_moments_update(&m, NULL, samples[part], QQ_TYPE_F32,
                               inputs + part * SIDE, 2 * SIDE, NULL, 0, scratch,
                               room),
             "moments");
        must(qq_moments_gram(&m, 1.0, gram[part], sizeof gram[part]), "gram");
        if (part == 0)
            must(qq_moments_hessian(&m, 0, 1.0, hessian, sizeof hessian), "H");
        free(sums);
        free(scratch);
    }
    must(qq_hessian_damp(SIDE, qq_hessian_lambda(1, samples[0], SIDE), hessian,
                         sizeof hessian),
         "damping");
}

static void solve(int way)
{
    qq_onebit_options o = qq_onebit_options_init();
    qq_onebit answer;

    if (way < 3) {
        o.mode = way == 1 ? QQ_ONEBIT_COMPAT : QQ_ONEBIT_FIXED;
        o.balancing = way != 0;
        o.importance = 0;
    } else {
        o.planes = (unsigned)way - 2;
        o.anneal = way == 3 ? 60 : 0;
    }
    const size_t bytes = qq_onebit_size(SIDE, SIDE, &o);
    const size_t room = qq_onebit_scratch_size(SIDE, SIDE, &o, 1);
    void *out = memory(bytes), *scratch = memory(room);
    must(qq_onebit_solve(SIDE, SIDE, &o, weight, SIDE, hessian, sizeof hessian,
                         out, bytes, scratch, room, &answer),
         way_name[way]);
    must(qq_onebit_values(&answer, values[way], SIDE), way_name[way]);
    free(out);
    free(scratch);
}

static qq_layer_errors errors_of(int way, int part)
{
    const size_t shape[2] = {SIDE, SIDE};
    const qq_tensor w = qq_tensor_make(weight, QQ_TYPE_F32, 2, shape);
    const qq_tensor v = qq_tensor_make(values[way], QQ_TYPE_F32, 2, shape);
    qq_layer_errors e;
    must(qq_layer_errors_gram(&w, &v, gram[part], samples[part], &e), "errors");
    return e;
}

// --- the picture -----------------------------------------------------------

// |w - v| sqrt(H_jj) of 2 x 2 weights, in tenths of what is most in any map.
static double heat_at(int way, size_t row, size_t column)
{
    double sum = 0;
    for (size_t i = 2 * row; i < 2 * row + 2; i++)
        for (size_t j = 2 * column; j < 2 * column + 2; j++) {
            const double e =
                (double)(weight[i * SIDE + j] - values[way][i * SIDE + j]);
            sum += e * e * (double)hessian[j * (SIDE + 1)];
        }
    return sqrt(sum);
}

static void draw(int left, int right)
{
    static const char ink[] = " .:-=+*#%@";
    const int way[2] = {left, right};
    double most = 0;

    for (int w = 0; w < 2; w++)
        for (size_t i = 0; i < WEIGHTS / 4; i++) {
            const double heat = heat_at(way[w], i / (SIDE / 2), i % (SIDE / 2));
            most = heat > most ? heat : most;
        }
    printf("\n%-34s  %s\n", way_name[left], way_name[right]);
    for (size_t i = 0; i < SIDE / 2; i++) {
        for (int w = 0; w < 2; w++) {
            printf("|");
            for (size_t j = 0; j < SIDE / 2; j++)
                putchar(ink[(int)(9.99 * heat_at(way[w], i, j) / most)]);
            printf(w == 0 ? "|  " : "|\n");
        }
    }
}

int main(void)
{
    // What OneBit stores: 1 bit a weight and a plane, halves of 16 bits.
    const double plane = 1.0 + 16.0 * 2 / (double)SIDE;

    if (!story())
        digits();
    gather();
    printf("\nway         bits  weights   output  held out\n");
    for (int way = 0; way < WAYS; way++) {
        solve(way);
        const qq_layer_errors seen = errors_of(way, 0);
        const qq_layer_errors held = errors_of(way, 1);
        printf("%-10s  %4.2f  %7.4f  %7.4f   %7.4f\n", way_name[way],
               plane * (way > 3 ? way - 2 : 1), seen.relative_weight_squared,
               seen.relative_output_squared, held.relative_output_squared);
    }
    printf(
        "\nErrors of the weights, times how large their inputs are; rows are "
        "outputs.\n");
    draw(2, 3);
    return 0;
}
