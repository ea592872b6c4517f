// The story model of QQ_DATA, a Llama of 260,000 parameters: its perplexity
// in f32, and what every type leaves of it.

#include "model.h"

#include <math.h>

enum {
    DIM = 64,
    HID = 172,
    LAYERS = 5,
    HEADS = 8,
    KV_HEADS = 4,
    KV = DIM / HEADS * KV_HEADS,
    VOCAB = 512,
    HEAD = DIM / HEADS,
    LONGEST = 512
};

typedef struct stories {
    float emb[VOCAB * DIM], rms_att[LAYERS][DIM];
    float wq[LAYERS][DIM * DIM], wk[LAYERS][KV * DIM], wv[LAYERS][KV * DIM];
    float wo[LAYERS][DIM * DIM], rms_ffn[LAYERS][DIM];
    float w1[LAYERS][HID * DIM], w2[LAYERS][DIM * HID], w3[LAYERS][HID * DIM];
    float rms_final[DIM];
} stories;

static unsigned char *token_file;
static size_t token_count;

static unsigned token(size_t i)
{
    return token_file[2 * i] | (unsigned)token_file[2 * i + 1] << 8;
}

static int load(stories *net)
{
    size_t bytes = 0;
    unsigned char *f = model_file("lm-stories260k/stories260K.bin", &bytes);
    token_file =
        model_file("lm-stories260k/tinystories_tok512_dev.u16", &token_count);
    token_count /= 2;
    const int ok = f != NULL && token_file != NULL && bytes >= 28 + sizeof *net;
    if (ok)
        model_floats(f + 28, sizeof *net / sizeof(float), (float *)net);
    free(f);
    return ok;
}

// All activations of one story: [feature][position], so that the inner loops
// run over positions.
typedef float (*plane)[LONGEST];

static void matmul(const float *w, size_t n, size_t k, plane x, plane y,
                   size_t length)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t t = 0; t < length; t++)
            y[i][t] = 0;
        for (size_t j = 0; j < k; j++)
            for (size_t t = 0; t < length; t++)
                y[i][t] += w[i * k + j] * x[j][t];
    }
}

static void rms_norm(const float *w, plane x, plane y, size_t length)
{
    for (size_t t = 0; t < length; t++) {
        float sum = 0;
        for (size_t i = 0; i < DIM; i++)
            sum += x[i][t] * x[i][t];
        const float r = 1.0f / sqrtf(sum / (float)DIM + 1e-5f);
        for (size_t i = 0; i < DIM; i++)
            y[i][t] = x[i][t] * r * w[i];
    }
}

// Pairs of neighbours turn by position / 10000^(2i / HEAD).
static void rope(plane x, size_t rows, size_t length)
{
    for (size_t i = 0; i < rows; i += 2) {
        const double f = pow(1e4, -(double)(i % HEAD) / (double)HEAD);
        for (size_t t = 0; t < length; t++) {
            const float c = (float)cos((double)t * f);
            const float s = (float)sin((double)t * f);
            const float a = x[i][t], b = x[i + 1][t];
            x[i][t] = a * c - b * s;
            x[i + 1][t] = a * s + b * c;
        }
    }
}

static void attention(plane q, plane k, plane v, plane out, size_t length)
{
    static float score[LONGEST];
    for (size_t h = 0; h < HEADS; h++) {
        const size_t g = h / (HEADS / KV_HEADS) * HEAD, o = h * HEAD;
        for (size_t t = 0; t < length; t++) {
            float top = -1e30f, sum = 0, y[HEAD] = {0};
            for (size_t j = 0; j <= t; j++) {
                float d = 0;
                for (size_t c = 0; c < HEAD; c++)
                    d += q[o + c][t] * k[g + c][j];
                score[j] = d / sqrtf((float)HEAD);
                top = score[j] > top ? score[j] : top;
            }
            for (size_t j = 0; j <= t; j++) {
                const float e = expf(score[j] - top);
                sum += e;
                for (size_t c = 0; c < HEAD; c++)
                    y[c] += e * v[g + c][j];
            }
            for (size_t c = 0; c < HEAD; c++)
                out[o + c][t] = y[c] / sum;
        }
    }
}

static void layer(const stories *net, int l, plane x, size_t length)
{
    static float n[DIM][LONGEST], q[DIM][LONGEST], k[KV][LONGEST];
    static float v[KV][LONGEST], a[DIM][LONGEST], u[HID][LONGEST];
    static float gate[HID][LONGEST];
    rms_norm(net->rms_att[l], x, n, length);
    matmul(net->wq[l], DIM, DIM, n, q, length);
    matmul(net->wk[l], KV, DIM, n, k, length);
    matmul(net->wv[l], KV, DIM, n, v, length);
    rope(q, DIM, length);
    rope(k, KV, length);
    attention(q, k, v, a, length);
    matmul(net->wo[l], DIM, DIM, a, n, length);
    for (size_t i = 0; i < DIM; i++)
        for (size_t t = 0; t < length; t++)
            x[i][t] += n[i][t];

    rms_norm(net->rms_ffn[l], x, n, length);
    matmul(net->w1[l], HID, DIM, n, gate, length);
    matmul(net->w3[l], HID, DIM, n, u, length);
    for (size_t i = 0; i < HID; i++)
        for (size_t t = 0; t < length; t++)
            u[i][t] *= gate[i][t] / (1.0f + expf(-gate[i][t]));
    matmul(net->w2[l], DIM, HID, u, n, length);
    for (size_t i = 0; i < DIM; i++)
        for (size_t t = 0; t < length; t++)
            x[i][t] += n[i][t];
}

// Minus the sum of log probabilities of a story's tokens after the first.
static double story_loss(const stories *net, size_t first, size_t length)
{
    static float x[DIM][LONGEST], n[DIM][LONGEST], y[VOCAB][LONGEST];
    for (size_t t = 0; t < length; t++)
        for (size_t i = 0; i < DIM; i++)
            x[i][t] = net->emb[token(first + t) * DIM + i];
    for (int l = 0; l < LAYERS; l++)
        layer(net, l, x, length);
    rms_norm(net->rms_final, x, n, length);
    matmul(net->emb, VOCAB, DIM, n, y, length);
    double loss = 0;
    for (size_t t = 0; t < length; t++) {
        double sum = 0;
        for (size_t i = 0; i < VOCAB; i++)
            sum += exp((double)y[i][t]);
        loss += log(sum) - (double)y[token(first + t + 1)][t];
    }
    return loss;
}

// Perplexity over the first count stories.
static double perplexity(const stories *net, size_t count, size_t *predicted)
{
    double loss = 0;
    size_t first = 0;
    *predicted = 0;
    for (size_t s = 0; s < count && first < token_count; s++) {
        size_t end = first + 1;
        while (end < token_count && token(end) != 1)
            end++;
        size_t length = end - first - 1;
        length = length < LONGEST ? length : LONGEST;
        loss += story_loss(net, first, length);
        *predicted += length;
        first = end;
    }
    return exp(loss / (double)*predicted);
}

// Quantizes every matrix, the embedding, which is the classifier too, as well.
static double quantized(const stories *net, const qq_scheme *s, size_t count)
{
    static stories back;
    size_t predicted;
    back = *net;
    model_quantize(net->emb, VOCAB, DIM, s, back.emb);
    for (int l = 0; l < LAYERS; l++) {
        model_quantize(net->wq[l], DIM, DIM, s, back.wq[l]);
        model_quantize(net->wk[l], KV, DIM, s, back.wk[l]);
        model_quantize(net->wv[l], KV, DIM, s, back.wv[l]);
        model_quantize(net->wo[l], DIM, DIM, s, back.wo[l]);
        model_quantize(net->w1[l], HID, DIM, s, back.w1[l]);
        model_quantize(net->w2[l], DIM, HID, s, back.w2[l]);
        model_quantize(net->w3[l], HID, DIM, s, back.w3[l]);
    }
    return perplexity(&back, count, &predicted);
}

int main(void)
{
    static stories net;
    if (!load(&net)) {
        printf("stories: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }

    // The float baseline of the data's README: 40 stories, or all of them.
    size_t predicted;
    const double f32 = perplexity(&net, check_small() ? 4 : 40, &predicted);
    printf("stories  %-8s %-5s %9.3f over %lu tokens\n", "f32", "", f32,
           (unsigned long)predicted);
    if (!check_small())
        CHECK(predicted == 12455 && f32 > 3.5505 && f32 < 3.5515);

    // Its baselines of rounding by a row's absmax to codes of +-qmax.
    static const double wanted[9] = {0, 0, 0, 33.0, 4.428, 0, 0, 0, 3.554};
    for (int bits = 3; bits <= 8 && !check_small(); bits++) {
        if (wanted[bits] == 0)
            continue;
        const model_row row = {(qq_type)(QQ_TYPE_INT2 + bits - 2), 0};
        qq_scheme s = model_scheme(row);
        s.range = QQ_RANGE_EXACT_MAX;
        const double got = quantized(&net, &s, 40);
        printf("stories  int%d, exact max: %.3f, wanted %.3f\n", bits, got,
               wanted[bits]);
        CHECK(fabs(got - wanted[bits]) < 0.002 * wanted[bits]);
    }

    for (size_t i = 0; i < MODEL_ROWS; i++) {
        const qq_scheme s = model_scheme(model_rows[i]);
        const double got = quantized(&net, &s, check_small() ? 2 : 8);
        printf("stories  %-8s %-5s %9.3f\n", qq_type_name(model_rows[i].type),
               model_rows[i].tile ? "tile" : "row", got);
        if (qq_type_bits(model_rows[i].type) >= 5)
            CHECK(got < 4.5);
    }
    free(token_file);
    return check_done();
}
