// The MNIST perceptron of QQ_DATA, 784-500-10: its float accuracy, and what
// every type leaves of it.

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

static double quantized(const mnist *net, const qq_scheme *s, size_t images)
{
    static mnist read_back;
    read_back = *net;
    model_quantize(net->w1, HIDDEN, IN, s, read_back.w1);
    model_quantize(net->w2, OUT, HIDDEN, s, read_back.w2);
    return accuracy(&read_back, images);
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
        const double got = quantized(&net, &s, images);
        printf("mnist  int%d, exact max: %.2f %%, wanted %.2f %%\n", bits, got,
               wanted[bits]);
        CHECK(got - wanted[bits] < 0.03 && wanted[bits] - got < 0.03);
    }

    for (size_t i = 0; i < MODEL_ROWS; i++) {
        const qq_scheme s = model_scheme(model_rows[i]);
        const double got = quantized(&net, &s, check_small() ? 1000 : 2000);
        printf("mnist  %-8s %-5s %6.2f %%\n", qq_type_name(model_rows[i].type),
               model_rows[i].tile ? "tile" : "row", got);
        if (qq_type_bits(model_rows[i].type) >= 4)
            CHECK(got > 96.0);
    }
    return check_done();
}
