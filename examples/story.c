// A language model of 260,000 parameters that tells stories, at any number of
// bits:
//
//   cc -O2 -I. examples/story.c -o story -lm && ./story
//   QQ_DATA=dir ./story bits=3 tile=32
//
// Words: bits=1 to 8, ternary, planes2 or planes3; tile=columns that share a
// scale (0: all); stories=that many calibrate; tokens=that many are told;
// heat=of the dice; seed=of the dice; dir=folder. The folder (or that of
// QQ_DATA) holds lm-stories260k with stories260K.bin and tok512.bin of
// huggingface.co/karpathy/tinyllamas and tinystories_tok512_dev.u16, stories
// as tokens of 16 bits.
//
// The driver (qq_drive_run) asks for the inputs of one group of layers after
// the other, each in two nets: the float one and that quantized so far. A layer
// that is solved becomes a packed matrix at once, so the second net is what
// will run in the end, its activations rounded to int8 included.

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIM = 64, HID = 172, LAYERS = 5, HEADS = 8, KV = 32, HEAD = 8 };
enum { VOCAB = 512, LONGEST = 512 };

// The matrices of a layer, then those of the next, then the embedding, which is
// the classifier, too. Those of one group see the same input: (q, k, v), wo,
// (w1, w3), w2.
enum { WQ, WK, WV, WO, W1, W3, W2, A_LAYER, EMBEDDING = LAYERS * A_LAYER };
enum { GROUPS = 4 * LAYERS };

static const float *weight[EMBEDDING + 1];
static const float *scales[2 * LAYERS + 1]; // of the norms, as they come
static size_t float_bytes, packed_bytes;

// The quantized net: planes of a matrix are added up. The embedding has 8 bits.
static qq_matrix packed[EMBEDDING + 1][QQ_ONEBIT_MAX_PLANES];
static unsigned planes[EMBEDDING + 1];

// A net at work: keys and values of a story so far, and of each token at hand
// the residual stream r and the input x of the next group, HID apart.
typedef struct net {
    int packed;
    float key[LAYERS][LONGEST][KV], value[LAYERS][LONGEST][KV];
    float *r, *x;
    size_t steps; // done, for all stories that calibrate
} net;

static net nets[2]; // the float one, the quantized one

static size_t n_of(int id)
{
    static const size_t n[A_LAYER] = {DIM, KV, KV, DIM, HID, HID, DIM};
    if (id == EMBEDDING)
        return VOCAB;
    return n[id % A_LAYER];
}

static size_t k_of(int id)
{
    return id % A_LAYER == W2 ? HID : DIM;
}

static void must(qq_status status, const char *what)
{
    if (status == QQ_OK)
        return;
    fprintf(stderr, "story: %s: %s\n", what, qq_status_string(status));
    exit(1);
}

static void *memory(size_t bytes)
{
    void *p = bytes == SIZE_MAX ? NULL : malloc(bytes ? bytes : 1);
    if (p == NULL)
        exit(1);
    return p;
}

// --- the model -------------------------------------------------------------

// y = x W^T for count rows of x, or y += that.
static void multiply(int id, size_t count, const float *x, int add, float *y)
{
    const size_t n = n_of(id), k = k_of(id); // k is 64 or 172
    const float *w = weight[id];

    for (size_t t = 0; t < count; t++, x += HID)
        for (size_t i = 0; i < n; i++, y++) {
            float s[4] = {0, 0, 0, 0};
            for (size_t j = 0; j < k; j++)
                s[j % 4] += w[i * k + j] * x[j];
            const float sum = s[0] + s[1] + s[2] + s[3];
            *y = add ? *y + sum : sum;
        }
}

static void multiply_packed(int id, size_t count, const float *x, int add,
                            float *y)
{
    static void *scratch;
    static size_t room;
    qq_matmul_options o = qq_matmul_options_init();

    for (unsigned p = 0; p < planes[id]; p++) {
        const qq_matrix *w = &packed[id][p];
        o.accumulate = add || p > 0;
        const size_t need = qq_matmul_scratch_size(w, &o, count);
        if (need > room) {
            free(scratch);
            scratch = memory(room = need);
        }
        must(qq_matmul(w, &o, count, x, HID, y, w->n, scratch, room),
             "qq_matmul");
    }
}

static void product(const net *s, int id, size_t count, const float *x, int add,
                    float *y)
{
    (s->packed ? multiply_packed : multiply)(id, count, x, add, y);
}

// Pairs of neighbours turn by position / 10000^(2i / HEAD).
static void turn(float *x, size_t count, size_t position)
{
    for (size_t i = 0; i < HEAD; i += 2) {
        const double f = pow(1e4, -(double)i / HEAD);
        const float c = (float)cos((double)position * f);
        const float s = (float)sin((double)position * f);
        for (size_t j = i; j < count; j += HEAD) {
            const float a = x[j], b = x[j + 1];
            x[j] = a * c - b * s;
            x[j + 1] = a * s + b * c;
        }
    }
}

// A head of the query at position t, with all keys and values up to it.
static void attend(const net *s, int l, size_t t, size_t head, const float *q,
                   float *out)
{
    static float score[LONGEST];
    const size_t g = head * KV / DIM * HEAD;
    float top = -1e30f, sum = 0, y[HEAD] = {0};

    for (size_t j = 0; j <= t; j++) {
        float d = 0;
        for (size_t c = 0; c < HEAD; c++)
            d += q[c] * s->key[l][j][g + c];
        score[j] = d / sqrtf((float)HEAD);
        top = score[j] > top ? score[j] : top;
    }
    for (size_t j = 0; j <= t; j++) {
        const float e = expf(score[j] - top);
        sum += e;
        for (size_t c = 0; c < HEAD; c++)
            y[c] += e * s->value[l][j][g + c];
    }
    for (size_t c = 0; c < HEAD; c++)
        out[c] = y[c] / sum;
}

static void attention(net *s, int l, size_t first, size_t count, float *x)
{
    static float q[LONGEST * DIM];
    const int id = l * A_LAYER;

    product(s, id + WQ, count, x, 0, q);
    product(s, id + WK, count, x, 0, s->key[l][first]);
    product(s, id + WV, count, x, 0, s->value[l][first]);
    for (size_t t = 0; t < count; t++) {
        turn(q + t * DIM, DIM, first + t);
        turn(s->key[l][first + t], KV, first + t);
    }
    for (size_t t = 0; t < count; t++)
        for (size_t h = 0; h < HEADS; h++)
            attend(s, l, first + t, h, q + t * DIM + h * HEAD,
                   x + t * HID + h * HEAD);
}

// Step 0 makes the input of group 0 from count tokens at position first; step
// g + 1 that of the next group from that of group g.
static void step(net *s, size_t at, const size_t *token, size_t first,
                 size_t count, float *r, float *x)
{
    static float gate[LONGEST * HID], up[LONGEST * HID];
    const int group = (int)at - 1, l = group / 4, id = l * A_LAYER;

    if (at > 0 && group % 4 == 0) {
        attention(s, l, first, count, x);
        return;
    }
    if (at > 0 && group % 4 == 2) {
        product(s, id + W1, count, x, 0, gate);
        product(s, id + W3, count, x, 0, up);
        for (size_t i = 0; i < count * HID; i++)
            x[i] = up[i] * gate[i] / (1.0f + expf(-gate[i]));
        return;
    }
    if (at > 0)
        product(s, id + (group % 4 == 1 ? WO : W2), count, x, 1, r);
    else if (s->packed)
        must(qq_matrix_row(packed[EMBEDDING], count, token, r,
                           count * DIM * sizeof *r),
             "qq_matrix_row");
    else
        for (size_t t = 0; t < count; t++)
            memcpy(r + t * DIM, weight[EMBEDDING] + token[t] * DIM,
                   DIM * sizeof *r);
    for (size_t t = 0; t < count; t++, r += DIM, x += HID) {
        float sum = 0;
        for (size_t i = 0; i < DIM; i++)
            sum += r[i] * r[i];
        const float scale = 1.0f / sqrtf(sum / (float)DIM + 1e-5f);
        for (size_t i = 0; i < DIM; i++)
            x[i] = r[i] * scale * scales[at / 2][i];
    }
}

// What may follow each of count tokens from position first on.
static void logits(net *s, const size_t *token, size_t first, size_t count,
                   float *y)
{
    for (size_t at = 0; at <= GROUPS; at++)
        step(s, at, token, first, count, s->r, s->x);
    product(s, EMBEDDING, count, s->x, 0, y);
}

// --- files -----------------------------------------------------------------

static unsigned char *file_of(const char *dir, const char *name, size_t *bytes)
{
    enum { ROOM = 1 << 21 };
    unsigned char *all = (unsigned char *)memory(ROOM);
    char path[1024];

    snprintf(path, sizeof path, "%.900s/lm-stories260k/%s", dir, name);
    FILE *f = fopen(path, "rb");
    *bytes = f != NULL ? fread(all, 1, ROOM, f) : 0;
    if (f != NULL)
        fclose(f);
    return all;
}

static int load(const char *dir)
{
    static const int order[] = {WQ, WK, WV, WO, W1, W2, W3};
    static float all[260032];
    size_t bytes;
    unsigned char *file = file_of(dir, "stories260K.bin", &bytes);

    if (bytes < 28 + sizeof all)
        return 0;
    for (size_t i = 0; i < sizeof all / 4; i++) {
        const unsigned char *p = file + 28 + 4 * i;
        const uint32_t u = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                           (uint32_t)p[3] << 24;
        memcpy(all + i, &u, sizeof u);
    }
    free(file);
    const float *p = all + VOCAB * DIM;
    weight[EMBEDDING] = all;
    float_bytes = VOCAB * DIM * sizeof(float);
    for (int i = 0; i < 7; i++) {
        for (int l = 0; i % 4 == 0 && l < LAYERS; l++, p += DIM)
            scales[2 * l + i / 4] = p;
        for (int l = 0; l < LAYERS; l++) {
            const int id = l * A_LAYER + order[i];
            weight[id] = p;
            p += n_of(id) * k_of(id);
            float_bytes += n_of(id) * k_of(id) * sizeof(float);
        }
    }
    scales[2 * LAYERS] = p;
    return 1;
}

// Stories as tokens; each begins with token 1, and start has one more.
static size_t stories, *token_of, *start;

static int load_text(const char *dir)
{
    size_t bytes;
    unsigned char *file = file_of(dir, "tinystories_tok512_dev.u16", &bytes);

    token_of = (size_t *)memory((bytes / 2 + 1) * sizeof(size_t));
    start = (size_t *)memory((bytes / 2 + 1) * sizeof(size_t));
    for (size_t i = 0; i < bytes / 2; i++) {
        token_of[i] = (file[2 * i] | (size_t)file[2 * i + 1] << 8) % VOCAB;
        if (token_of[i] == 1)
            start[stories++] = i;
    }
    start[stories] = bytes / 2;
    free(file);
    return stories > 0;
}

// The tokens of a story that have one behind them.
static size_t length_of(size_t story)
{
    const size_t length = start[story + 1] - start[story] - 1;
    return length < LONGEST ? length : LONGEST;
}

// Of the first ten stories.
static double perplexity(net *s)
{
    static float y[LONGEST * VOCAB];
    double loss = 0, predicted = 0;

    for (size_t i = 0; i < 10; i++) {
        const size_t *token = token_of + start[i], length = length_of(i);
        logits(s, token, 0, length, y);
        for (size_t t = 0; t < length; t++, predicted++) {
            double sum = 0;
            for (size_t c = 0; c < VOCAB; c++)
                sum += exp((double)y[t * VOCAB + c]);
            loss += log(sum) - (double)y[t * VOCAB + token[t + 1]];
        }
    }
    return exp(loss / predicted);
}

// --- quantizing ------------------------------------------------------------

// Stories from the hundredth on calibrate. All their tokens go through both
// nets together, group by group.
enum { FIRST_SEEN = 100 };

static size_t seen, tokens_seen;
static float *difference; // of r

static void advance(net *s, size_t steps)
{
    for (; s->steps < steps; s->steps++) {
        size_t t = 0;
        for (size_t i = FIRST_SEEN; i < FIRST_SEEN + seen; t += length_of(i++))
            step(s, s->steps, token_of + start[i], 0, length_of(i),
                 s->r + t * DIM, s->x + t * HID);
    }
}

// The driver asks: what do the layers of a group see?
static int inputs(void *user, size_t first, size_t count, int propagated,
                  qq_drive_sink *sink)
{
    qq_drive_rows_of rows;

    (void)user;
    (void)count; // one at a time, as d.together says
    (void)propagated;
    for (int i = 0; i < 2; i++)
        advance(&nets[i], first + 1);
    for (size_t i = 0; i < tokens_seen * DIM; i++)
        difference[i] = nets[0].r[i] - nets[1].r[i];
    rows.count = tokens_seen;
    rows.x = nets[1].x;
    rows.x_float = nets[0].x;
    rows.ldx = rows.ldx_float = HID;
    rows.r = difference;
    rows.ldr = DIM;
    return qq_drive_rows(sink, first, &rows) != QQ_OK;
}

// The driver says: this is what the layer has become.
static int store(void *user, const qq_drive_result *result)
{
    const size_t id = result->layer;
    const qq_onebit *b = result->onebit;
    qq_matrix_options o = qq_matrix_options_init();

    (void)user;
    o.bias = result->bias;
    planes[id] = b != NULL ? b->planes : 1;
    for (unsigned p = 0; p < planes[id]; p++, o.bias = NULL) {
        qq_matrix *w = &packed[id][p];
        if (b != NULL) {
            o.a = b->a + p * b->n;
            o.b = b->b + p * b->k;
            const size_t bytes = qq_matrix_sign_size(&b->sign[p], &o);
            must(qq_matrix_pack_sign(&b->sign[p], &o, memory(bytes), bytes, w),
                 "qq_matrix_pack_sign");
        } else {
            const size_t need = qq_fit_array_size(result->fit, QQ_TYPE_F16);
            void *codes = memory(need);
            qq_array array;
            must(qq_fit_array(result->fit, QQ_TYPE_F16, codes, need, &array),
                 "qq_fit_array");
            const size_t bytes = qq_matrix_size(&array, &o);
            must(qq_matrix_pack(&array, &o, memory(bytes), bytes, w),
                 "qq_matrix_pack");
            free(codes);
        }
        packed_bytes += w->bytes;
    }
    return 0;
}

static void pack_embedding(void)
{
    const size_t shape[2] = {VOCAB, DIM};
    const qq_tensor t =
        qq_tensor_make(weight[EMBEDDING], QQ_TYPE_F32, 2, shape);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);

    must(qq_scheme_channel(&s, 0, 2), "qq_scheme_channel");
    const size_t bytes = qq_matrix_quantize_size(&t, &s, NULL);
    const size_t room = qq_matrix_quantize_scratch_size(&t, &s);
    void *scratch = memory(room);
    must(qq_matrix_quantize(&t, &s, NULL, memory(bytes), bytes, scratch, room,
                            packed[EMBEDDING]),
         "qq_matrix_quantize");
    planes[EMBEDDING] = 1;
    packed_bytes += bytes;
    free(scratch);
}

static void quantize(const qq_recipe *recipe)
{
    static const size_t group[A_LAYER] = {0, 0, 0, 1, 2, 2, 3};
    qq_drive_layer layer[EMBEDDING];
    qq_drive d = qq_drive_init();

    memset(layer, 0, sizeof layer);
    for (int id = 0; id < EMBEDDING; id++) {
        layer[id].n = n_of(id);
        layer[id].k = layer[id].ldw = k_of(id);
        layer[id].w = weight[id];
        layer[id].group = 4 * (size_t)(id / A_LAYER) + group[id % A_LAYER];
        layer[id].residual = id % A_LAYER == WO || id % A_LAYER == W2;
    }
    d.layers = layer;
    d.count = EMBEDDING;
    d.recipes = recipe;
    d.recipe_count = 1;
    d.inputs = inputs;
    d.store = store;
    const size_t room = qq_drive_scratch_size(&d);
    void *scratch = memory(room);
    must(qq_drive_run(&d, NULL, scratch, room), "qq_drive_run");
    free(scratch);
}

// --- telling ---------------------------------------------------------------

// One of the tokens, by chance; heat 0: the likeliest.
static size_t draw(const float *y, double heat, uint32_t *dice)
{
    size_t best = 0;
    double sum = 0;

    for (size_t i = 1; i < VOCAB; i++)
        best = y[i] > y[best] ? i : best;
    if (heat <= 0)
        return best;
    for (size_t i = 0; i < VOCAB; i++)
        sum += exp((double)(y[i] - y[best]) / heat);
    *dice |= *dice == 0;
    *dice ^= *dice << 13;
    *dice ^= *dice >> 17;
    *dice ^= *dice << 5;
    double left = sum * (double)*dice / 4294967296.0;
    for (size_t i = 0; i < VOCAB; i++) {
        left -= exp((double)(y[i] - y[best]) / heat);
        if (left <= 0)
            return i;
    }
    return best;
}

// A word of the vocabulary: its length in bytes, then these. <0x0A> is a byte
// by its number.
static void say(const unsigned char *p, int first)
{
    unsigned byte;

    if (p[0] == 6 && sscanf((const char *)p + 4, "<0x%02X>", &byte) == 1)
        putchar((int)byte);
    else if (first && p[0] > 0 && p[4] == ' ')
        fwrite(p + 5, 1, (size_t)p[0] - 1, stdout);
    else
        fwrite(p + 4, 1, p[0], stdout);
    fflush(stdout);
}

// Tokens per second.
static double tell(net *s, const char *dir, size_t tokens, double heat,
                   uint32_t dice)
{
    static float y[VOCAB];
    static const unsigned char *word[VOCAB];
    size_t bytes, at = 4, token = 1, t = 0;
    const unsigned char *file = file_of(dir, "tok512.bin", &bytes);

    for (size_t i = 0; i < VOCAB && at + 8 < bytes; i++) {
        word[i] = file + at + 4;
        at += 8 + (size_t)word[i][0];
    }
    const clock_t since = clock();
    while (t < tokens && t < LONGEST) {
        logits(s, &token, t, 1, y);
        token = draw(y, heat, &dice);
        if (token < 3)
            break;
        if (word[token] != NULL)
            say(word[token], t == 0);
        t++;
    }
    const double seconds = (double)(clock() - since) / CLOCKS_PER_SEC;
    return seconds > 0 ? (double)t / seconds : 0;
}

// --- words of the command line ---------------------------------------------

static const char *word_of(int argc, char **argv, const char *key,
                           const char *otherwise)
{
    const size_t length = strlen(key);
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], key, length) == 0 && argv[i][length] == '=')
            return argv[i] + length + 1;
    return otherwise;
}

static qq_recipe recipe_of(const char *bits, size_t tile)
{
    if (strncmp(bits, "planes", 6) == 0)
        return qq_recipe_planes((unsigned)atoi(bits + 6));
    if (strcmp(bits, "1") == 0)
        return qq_recipe_planes(1);
    if (strcmp(bits, "ternary") == 0)
        return qq_recipe_ternary(tile);
    return qq_recipe_init((unsigned)atoi(bits), tile);
}

int main(int argc, char **argv)
{
    const char *dir = word_of(argc, argv, "dir", getenv("QQ_DATA"));
    const char *bits = word_of(argc, argv, "bits", "3");
    const int tokens = atoi(word_of(argc, argv, "tokens", "200"));
    const int seed = atoi(word_of(argc, argv, "seed", "1"));
    const double heat = atof(word_of(argc, argv, "heat", "0.7"));
    const int tile = atoi(word_of(argc, argv, "tile", "32"));
    qq_recipe r = recipe_of(bits, (size_t)tile);

    seen = (size_t)atoi(word_of(argc, argv, "stories", "20"));
    if (dir == NULL || !load(dir) || !load_text(dir) || seen == 0 ||
        FIRST_SEEN + seen > stories) {
        puts("story: wants dir=folder, or QQ_DATA, with lm-stories260k in it");
        return 0;
    }
    r.fit.f16 = 1; // scales are packed as halves
    must(qq_recipe_check(&r), "bits");
    for (size_t i = FIRST_SEEN; i < FIRST_SEEN + seen; i++)
        tokens_seen += length_of(i);
    for (int i = 0; i < 2; i++) { // for one long story afterwards, too
        nets[i].packed = i;
        nets[i].r = (float *)memory((tokens_seen + LONGEST) * DIM * 4);
        nets[i].x = (float *)memory((tokens_seen + LONGEST) * HID * 4);
    }
    difference = (float *)memory(tokens_seen * DIM * sizeof(float));
    pack_embedding();
    const clock_t since = clock();
    quantize(&r);
    const double seconds = (double)(clock() - since) / CLOCKS_PER_SEC;

    printf("f32       %7lu bytes, perplexity %.3f\n",
           (unsigned long)float_bytes, perplexity(&nets[0]));
    printf("bits=%-4s %7lu bytes, perplexity %.3f, solved in %.1f s\n\n", bits,
           (unsigned long)packed_bytes, perplexity(&nets[1]), seconds);
    const double rate =
        tell(&nets[1], dir, (size_t)tokens, heat, 2654435769u * (uint32_t)seed);
    printf("\n\n%.0f tokens per second\n", rate);
    return 0;
}
