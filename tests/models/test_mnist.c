// The MNIST perceptron of QQ_DATA, 784-500-10, on packed matrices: its float
// accuracy, and what every type leaves of it, with activations as good as f32
// and in int8.

#include "model.h"

enum { IN = 784, HIDDEN = 500, OUT = 10, IMAGES = 10000 };

typedef struct mnist {
    float w1[HIDDEN * IN], b1[HIDDEN], w2[OUT * HIDDEN], b2[OUT];
} mnist;

static float image[IMAGES][IN];
static unsigned char label[IMAGES];

// Reads name.gz of the data folder through gzip.
static int read_gz(const char *name, size_t skip, unsigned char *out, size_t n)
{
    static const char path[] = "build/mnist.tmp";
    char command[1200];
    const char *dir = getenv("QQ_DATA");
    if (dir == NULL || strchr(dir, '\'') || strlen(dir) > 1000)
        return 0;
    snprintf(command, sizeof command, "gzip -dc '%s/%s' > %s 2>/dev/null", dir,
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

static int load(mnist *net)
{
    static unsigned char pixels[IMAGES * IN];
    size_t bytes = 0;
    unsigned char *file = model_file("mnist/mnist_mlp.safetensors", &bytes);
    if (file == NULL || bytes < 8)
        return 0;
    const unsigned char *p = file + 8 + model_u32(file);
    const int ok =
        p + sizeof *net <= file + bytes &&
        read_gz("mnist/t10k-images-idx3-ubyte.gz", 16, pixels, sizeof pixels) &&
        read_gz("mnist/t10k-labels-idx1-ubyte.gz", 8, label, sizeof label);
    if (ok) {
        model_floats(p, HIDDEN * IN, net->w1);
        model_floats(p + 1568000, HIDDEN, net->b1);
        model_floats(p + 1570000, OUT * HIDDEN, net->w2);
        model_floats(p + 1590000, OUT, net->b2);
        for (size_t i = 0; i < IMAGES * IN; i++)
            image[i / IN][i % IN] = (float)pixels[i] / 255.0f;
    }
    free(file);
    return ok;
}

// Eight images at a time, so that the inner loop runs over images.
static double accuracy(const mnist *net, size_t images)
{
    enum { LANES = 8 };
    size_t right = 0;
    for (size_t first = 0; first + LANES <= images; first += LANES) {
        static float x[IN][LANES], h[HIDDEN][LANES], y[OUT][LANES];
        for (size_t i = 0; i < IN * LANES; i++)
            x[i / LANES][i % LANES] = image[first + i % LANES][i / LANES];
        for (size_t i = 0; i < HIDDEN; i++) {
            float sum[LANES] = {0};
            for (size_t j = 0; j < IN; j++)
                for (size_t l = 0; l < LANES; l++)
                    sum[l] += net->w1[i * IN + j] * x[j][l];
            for (size_t l = 0; l < LANES; l++) {
                const float v = sum[l] + net->b1[i];
                h[i][l] = v > 0 ? v : 0;
            }
        }
        for (size_t i = 0; i < OUT; i++)
            for (size_t l = 0; l < LANES; l++) {
                y[i][l] = net->b2[i];
                for (size_t j = 0; j < HIDDEN; j++)
                    y[i][l] += net->w2[i * HIDDEN + j] * h[j][l];
            }
        for (size_t l = 0; l < LANES; l++) {
            size_t best = 0;
            for (size_t i = 1; i < OUT; i++)
                if (y[i][l] > y[best][l])
                    best = i;
            right += best == label[first + l];
        }
    }
    return 100.0 * (double)right / (double)images;
}

// A hundred images at a time through two packed layers.
static size_t right_of(const qq_matrix *w1, const qq_matrix *w2, qq_input input,
                       size_t first)
{
    enum { BATCH = 100 };
    static float h[BATCH * HIDDEN], y[BATCH * OUT];
    qq_matmul_options o = qq_matmul_options_init();
    size_t right = 0;
    o.input = input;
    const size_t one = qq_matmul_scratch_size(w1, &o, BATCH);
    const size_t two = qq_matmul_scratch_size(w2, &o, BATCH);
    const size_t room = one > two ? one : two;
    void *scratch = malloc(room);
    o.lo = 0; // ReLU
    CHECK(qq_matmul(w1, &o, BATCH, image[first], IN, h, HIDDEN, scratch,
                    room) == QQ_OK);
    o.lo = -o.hi;
    CHECK(qq_matmul(w2, &o, BATCH, h, HIDDEN, y, OUT, scratch, room) == QQ_OK);
    for (size_t i = 0; i < BATCH; i++) {
        size_t best = 0;
        for (size_t c = 1; c < OUT; c++)
            if (y[i * OUT + c] > y[i * OUT + best])
                best = c;
        right += best == label[first + i];
    }
    free(scratch);
    return right;
}

static double quantized(const mnist *net, const qq_scheme *s, qq_input input,
                        size_t images)
{
    qq_matrix w1, w2;
    unsigned char *p1 = model_pack(net->w1, HIDDEN, IN, s, net->b1, &w1);
    unsigned char *p2 = model_pack(net->w2, OUT, HIDDEN, s, net->b2, &w2);
    size_t right = 0;
    for (size_t i = 0; i < images; i += 100)
        right += right_of(&w1, &w2, input, i);
    free(p1);
    free(p2);
    return 100.0 * (double)right / (double)images;
}

int main(void)
{
    static mnist net;
    if (!load(&net)) {
        printf("mnist: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }

    // The float baseline of the data's README.
    const size_t images = check_small() ? 1000 : IMAGES;
    const double f32 = accuracy(&net, images);
    printf("mnist  %-8s %-5s %6.2f %%\n", "f32", "", f32);
    if (images == IMAGES)
        CHECK(f32 > 98.30 && f32 < 98.32);

    // Its baselines of rounding by a row's absmax to codes of +-qmax.
    static const double wanted[9] = {0, 0, 53.99, 97.50, 98.25, 0, 0, 0, 98.32};
    for (int bits = 2; bits <= 8 && images == IMAGES; bits++) {
        if (wanted[bits] == 0)
            continue;
        const model_row row = {(qq_type)(QQ_TYPE_INT2 + bits - 2), 0};
        qq_scheme s = model_scheme(row);
        s.range = QQ_RANGE_EXACT_MAX;
        const double got = quantized(&net, &s, QQ_INPUT_INT24, images);
        const double int8 = quantized(&net, &s, QQ_INPUT_DEFAULT, images);
        printf("mnist  int%d, exact max: %.2f %%, wanted %.2f %%; int8 "
               "activations: %.2f %%\n",
               bits, got, wanted[bits], int8);
        CHECK(got - wanted[bits] < 0.03 && wanted[bits] - got < 0.03);
        CHECK(int8 - wanted[bits] < 0.5 && wanted[bits] - int8 < 0.5);
    }

    // e4m3fn has no integers to multiply: both columns are f32.
    printf("mnist  activations:      f32     int8\n");
    for (size_t i = 0; i < MODEL_ROWS; i++) {
        const qq_type type = model_rows[i].type;
        const qq_scheme s = model_scheme(model_rows[i]);
        const size_t some = check_small() ? 1000 : 2000;
        const double int8 = quantized(&net, &s, QQ_INPUT_DEFAULT, some);
        const double got = type == QQ_TYPE_E4M3FN
                               ? int8
                               : quantized(&net, &s, QQ_INPUT_INT24, some);
        printf("mnist  %-8s %-5s %6.2f %% %6.2f %%\n", qq_type_name(type),
               model_rows[i].tile ? "tile" : "row", got, int8);
        if (qq_type_bits(type) >= 4)
            CHECK(got > 96.0 && int8 > 96.0);
    }
    return check_done();
}
