// How exact each mode of activations is, on the layers and activations of the
// story model of QQ_DATA: against the product in double of the same packed
// weights with the activations as they were before they were rounded.

#include "../models/stories.h"

enum { KEPT = 64 }; // positions

static story_model net;
static float kept[MATRICES][KEPT * HID]; // activations

static void keep(story_model *m, int id, size_t count, const float *x,
                 const float *y)
{
    const size_t some = count < KEPT ? count : KEPT;

    memcpy(kept[id], x, some * story_k(id) * sizeof *x);
    (void)m;
    (void)y;
}

// Sums of squares: of the product in double, and of what is off.
typedef struct power {
    double signal;
    double noise;
} power;

static double decibels(power p)
{
    return 10.0 * log10(p.signal / p.noise);
}

static float largest(const float *x, size_t count)
{
    float most = 0.0f;

    for (size_t i = 0; i < count; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    return most;
}

// Adds the products of one matrix under one mode.
static void add(const qq_matrix *w, int id, qq_input input, power *p)
{
    static float y[KEPT * VOCAB], rows[VOCAB * HID];
    qq_matmul_options o = qq_matmul_options_init();
    const size_t n = w->n, k = w->k;
    const float *x = kept[id];

    o.input = input;
    // Calibrated on the very numbers: the best that one scale can do.
    o.x_scale = largest(x, KEPT * k) / 127.0f;
    const size_t need = qq_matmul_scratch_size(w, &o, KEPT);
    void *scratch = malloc(need);
    CHECK(qq_matmul(w, &o, KEPT, x, k, y, n, scratch, need) == QQ_OK);
    CHECK(qq_matrix_row(w, n, NULL, rows, n * k * sizeof *rows) == QQ_OK);
    for (size_t t = 0; t < KEPT; t++)
        for (size_t i = 0; i < n; i++) {
            double want = 0;
            for (size_t j = 0; j < k; j++)
                want += (double)rows[i * k + j] * (double)x[t * k + j];
            const double off = (double)y[t * n + i] - want;
            p->signal += want * want;
            p->noise += off * off;
        }
    free(scratch);
}

// The worst matrix and all of them, in dB.
static void test_mode(qq_type type, size_t tile, qq_input input, double least,
                      double least_worst)
{
    static const char *const names[] = {"",       "",      "row",   "tile",
                                        "static", "int16", "int24", "f32"};
    const model_row row = {type, tile};
    const qq_scheme s = model_scheme(row);
    power all = {0, 0};
    double worst = 1e9;

    for (int id = 0; id < MATRICES; id++) {
        power one = {0, 0};
        qq_matrix w;
        unsigned char *packed = model_pack(
            story_matrix(&net.f, id), story_n(id), story_k(id), &s, NULL, &w);
        add(&w, id, input, &one);
        worst = decibels(one) < worst ? decibels(one) : worst;
        // Every matrix counts alike.
        all.noise += one.noise / one.signal;
        all.signal += 1.0;
        free(packed);
    }
    printf("accuracy  %-7s %3u  %-6s  %6.1f dB, worst matrix %6.1f dB\n",
           qq_type_name(type), (unsigned)tile, names[input], decibels(all),
           worst);
    CHECK(decibels(all) > least && worst > least_worst);
}

int main(void)
{
    static float y[LONGEST * VOCAB];
    story_text text;
    size_t tokens[LONGEST], next;

    if (!story_load(&net) || !story_text_load(&text)) {
        printf("accuracy: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }
    const size_t length = story_tokens(&text, 0, tokens, &next);
    CHECK(length >= KEPT);
    net.watch = keep;
    story_run(&net, tokens, 0, length, y);

    // Bounds are a decibel or two below what was measured.
    test_mode(QQ_TYPE_INT4, 32, QQ_INPUT_INT8_ROW, 39.5, 30);
    test_mode(QQ_TYPE_INT4, 32, QQ_INPUT_INT8_TILE, 42.5, 36);
    test_mode(QQ_TYPE_INT4, 32, QQ_INPUT_INT8_STATIC, 32, 20.5);
    test_mode(QQ_TYPE_INT4, 32, QQ_INPUT_INT16, 87.5, 77.5);
    test_mode(QQ_TYPE_INT4, 32, QQ_INPUT_INT24, 134, 125);
    test_mode(QQ_TYPE_INT4, 32, QQ_INPUT_F32, 138, 135);
    test_mode(QQ_TYPE_INT8, 0, QQ_INPUT_INT8_ROW, 39.5, 30);
    test_mode(QQ_TYPE_INT8, 0, QQ_INPUT_INT8_STATIC, 32, 20.5);
    test_mode(QQ_TYPE_INT8, 0, QQ_INPUT_INT16, 87.5, 77.5);
    test_mode(QQ_TYPE_INT8, 0, QQ_INPUT_INT24, 134, 125);
    test_mode(QQ_TYPE_INT8, 0, QQ_INPUT_F32, 134, 130);
    test_mode(QQ_TYPE_E4M3FN, 32, QQ_INPUT_F32, 138, 135);
    free(text.file);
    return check_done();
}
