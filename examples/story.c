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

enum {
    DIM = 64,
    HID = 172,
    LAYERS = 5,
    HEADS = 8,
    KV = 32,
    HEAD = DIM / HEADS,
    VOCAB = 512,
    LONGEST = 512
};

// The matrices of a layer, then those of the next. Layers of one group see the
// same input: (q, k, v), wo, (w1, w3), w2.
enum { WQ, WK, WV, WO, W1, W3, W2, A_LAYER, MATRICES = LAYERS * A_LAYER };
enum { GROUPS = 4 * LAYERS };

static float norm_in[LAYERS][DIM], norm_mid[LAYERS][DIM], norm_out[DIM];
static float embedding[VOCAB * DIM], weight[MATRICES][HID * DIM];

// The quantized net: planes of a matrix are added up. The embedding, which is
// the classifier, too, has 8 bits.
static qq_matrix packed[MATRICES][QQ_ONEBIT_MAX_PLANES], packed_embedding;
static unsigned planes[MATRICES];
static size_t packed_bytes;

// What a net is in the middle of: keys and values so far, and of each token
// the residual stream r and the input x of a group, HID apart.
typedef struct state {
    int packed; // which net
    float key[LAYERS][LONGEST][KV], value[LAYERS][LONGEST][KV];
    float *r, *x;
} state;

static size_t n_of(int id)
{
    static const size_t n[A_LAYER] = {DIM, KV, KV, DIM, HID, HID, DIM};
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

// y = x W^T for count rows, or y += that.
static void multiply(const float *w, size_t n, size_t k, size_t count,
                     const float *x, size_t ldx, int add, float *y, size_t ldy)
{
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < n; i++) {
            float s[4] = {0, 0, 0, 0};
            for (size_t j = 0; j < k; j += 4) // k is 64 or 172
                for (size_t l = 0; l < 4; l++)
                    s[l] += w[i * k + j + l] * x[t * ldx + j + l];
            const float sum = s[0] + s[1] + s[2] + s[3];
            y[t * ldy + i] = add ? y[t * ldy + i] + sum : sum;
        }
}

static void multiply_packed(const qq_matrix *w, size_t count, const float *x,
                            size_t ldx, int add, float *y, size_t ldy)
{
    static unsigned char *scratch;
    static size_t room;
    qq_matmul_options o = qq_matmul_options_init();

    o.accumulate = add;
    const size_t need = qq_matmul_scratch_size(w, &o, count);
    if (need > room) {
        free(scratch);
        scratch = (unsigned char *)memory(room = need);
    }
    must(qq_matmul(w, &o, count, x, ldx, y, ldy, scratch, room), "qq_matmul");
}

static void product(const state *s, int id, size_t count, const float *x,
                    size_t ldx, int add, float *y, size_t ldy)
{
    if (!s->packed)
        multiply(weight[id], n_of(id), k_of(id), count, x, ldx, add, y, ldy);
    for (unsigned p = 0; s->packed && p < planes[id]; p++)
        multiply_packed(&packed[id][p], count, x, ldx, add || p > 0, y, ldy);
}

static void norm(const float *w, const float *r, float *x, size_t count)
{
    for (size_t t = 0; t < count; t++, r += DIM, x += HID) {
        float sum = 0;
        for (size_t i = 0; i < DIM; i++)
            sum += r[i] * r[i];
        const float scale = 1.0f / sqrtf(sum / (float)DIM + 1e-5f);
        for (size_t i = 0; i < DIM; i++)
            x[i] = r[i] * scale * w[i];
    }
}

// Pairs of neighbours turn by position / 10000^(2i / HEAD).
static void turn(float *x, size_t count, size_t position)
{
    static float table[LONGEST][HEAD];
    if (table[0][0] == 0)
        for (size_t t = 0; t < LONGEST; t++)
            for (size_t i = 0; i < HEAD; i += 2) {
                const double f = pow(1e4, -(double)i / (double)HEAD);
                table[t][i] = (float)cos((double)t * f);
                table[t][i + 1] = (float)sin((double)t * f);
            }
    for (size_t i = 0; i < count; i += 2) {
        const float c = table[position][i % HEAD];
        const float s = table[position][i % HEAD + 1];
        const float a = x[i], b = x[i + 1];
        x[i] = a * c - b * s;
        x[i + 1] = a * s + b * c;
    }
}

// A head of the query at position t, with all keys and values up to it.
static void attend(const state *s, int l, size_t t, size_t head, const float *q,
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

static void attention(state *s, int l, size_t first, size_t count, float *x)
{
    static float q[LONGEST * DIM];
    const int id = l * A_LAYER;

    product(s, id + WQ, count, x, HID, 0, q, DIM);
    product(s, id + WK, count, x, HID, 0, s->key[l][first], KV);
    product(s, id + WV, count, x, HID, 0, s->value[l][first], KV);
    for (size_t t = 0; t < count; t++) {
        turn(q + t * DIM, DIM, first + t);
        turn(s->key[l][first + t], KV, first + t);
    }
    for (size_t t = 0; t < count; t++)
        for (size_t h = 0; h < HEADS; h++)
            attend(s, l, first + t, h, q + t * DIM + h * HEAD,
                   x + t * HID + h * HEAD);
}

// Of count tokens at position first: the input of a group of layers becomes
// that of the next one.
static void step(state *s, size_t group, size_t first, size_t count, float *r,
                 float *x)
{
    static float gate[LONGEST * HID], up[LONGEST * HID];
    const int l = (int)group / 4, id = l * A_LAYER;

    switch (group % 4) {
    case 0:
        attention(s, l, first, count, x);
        break;
    case 1:
        product(s, id + WO, count, x, HID, 1, r, DIM);
        norm(norm_mid[l], r, x, count);
        break;
    case 2:
        product(s, id + W1, count, x, HID, 0, gate, HID);
        product(s, id + W3, count, x, HID, 0, up, HID);
        for (size_t i = 0; i < count * HID; i++)
            x[i] = up[i] * gate[i] / (1.0f + expf(-gate[i]));
        break;
    default:
        product(s, id + W2, count, x, HID, 1, r, DIM);
        norm(l + 1 < LAYERS ? norm_in[l + 1] : norm_out, r, x, count);
    }
}

static void begin(const state *s, const size_t *token, size_t count, float *r,
                  float *x)
{
    if (s->packed)
        must(qq_matrix_row(&packed_embedding, count, token, r,
                           count * DIM * sizeof *r),
             "qq_matrix_row");
    for (size_t t = 0; t < count && !s->packed; t++)
        memcpy(r + t * DIM, embedding + token[t] * DIM, DIM * sizeof *r);
    norm(norm_in[0], r, x, count);
}

// What may follow each of count tokens from position first on.
static void logits(state *s, const size_t *token, size_t first, size_t count,
                   float *y)
{
    begin(s, token, count, s->r, s->x);
    for (size_t g = 0; g < GROUPS; g++)
        step(s, g, first, count, s->r, s->x);
    if (s->packed)
        multiply_packed(&packed_embedding, count, s->x, HID, 0, y, VOCAB);
    else
        multiply(embedding, VOCAB, DIM, count, s->x, HID, 0, y, VOCAB);
}

// --- files -----------------------------------------------------------------

static unsigned char *file_of(const char *dir, const char *name, size_t *bytes)
{
    char path[1024];
    unsigned char *all = NULL;

    snprintf(path, sizeof path, "%.900s/lm-stories260k/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && ftell(f) > 0) {
        *bytes = (size_t)ftell(f);
        all = (unsigned char *)memory(*bytes);
        rewind(f);
        if (fread(all, 1, *bytes, f) != *bytes)
            exit(1);
    }
    fclose(f);
    return all;
}

static const unsigned char *floats(const unsigned char *p, size_t count,
                                   float *out)
{
    for (size_t i = 0; i < count; i++, p += 4) {
        const uint32_t u = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                           (uint32_t)p[3] << 24;
        memcpy(out + i, &u, sizeof u);
    }
    return p;
}

static int load(const char *dir)
{
    static const int before[] = {WQ, WK, WV, WO}, after[] = {W1, W2, W3};
    size_t bytes = 0;
    unsigned char *file = file_of(dir, "stories260K.bin", &bytes);

    if (file == NULL || bytes < 1040000)
        return 0;
    const unsigned char *p = floats(file + 28, VOCAB * DIM, embedding);
    p = floats(p, LAYERS * DIM, norm_in[0]);
    for (int i = 0; i < 4 * LAYERS; i++) {
        const int id = i % LAYERS * A_LAYER + before[i / LAYERS];
        p = floats(p, n_of(id) * k_of(id), weight[id]);
    }
    p = floats(p, LAYERS * DIM, norm_mid[0]);
    for (int i = 0; i < 3 * LAYERS; i++) {
        const int id = i % LAYERS * A_LAYER + after[i / LAYERS];
        p = floats(p, n_of(id) * k_of(id), weight[id]);
    }
    floats(p, DIM, norm_out);
    free(file);
    return 1;
}

// Stories as tokens; each begins with token 1.
typedef struct text {
    size_t count;
    size_t stories;
    size_t *token;
    size_t *start; // stories + 1
} text;

static text stories;

static int load_text(const char *dir)
{
    size_t bytes = 0;
    unsigned char *file = file_of(dir, "tinystories_tok512_dev.u16", &bytes);

    if (file == NULL)
        return 0;
    stories.count = bytes / 2;
    stories.token = (size_t *)memory((bytes / 2 + 1) * sizeof(size_t));
    stories.start = (size_t *)memory((bytes / 2 + 1) * sizeof(size_t));
    for (size_t i = 0; i < stories.count; i++) {
        stories.token[i] = (file[2 * i] | (size_t)file[2 * i + 1] << 8) % VOCAB;
        if (stories.token[i] == 1)
            stories.start[stories.stories++] = i;
    }
    stories.start[stories.stories] = stories.count;
    free(file);
    return 1;
}

// The tokens of a story that have one behind them.
static size_t length_of(size_t story)
{
    const size_t length = stories.start[story + 1] - stories.start[story] - 1;
    return length < LONGEST ? length : LONGEST;
}

static state *state_make(int of_packed, size_t tokens)
{
    state *s = (state *)memory(sizeof *s);
    s->packed = of_packed;
    s->r = (float *)memory(tokens * DIM * sizeof(float));
    s->x = (float *)memory(tokens * HID * sizeof(float));
    return s;
}

static double perplexity(state *s, size_t first, size_t count)
{
    static float y[LONGEST * VOCAB];
    double loss = 0;
    size_t predicted = 0;

    for (size_t i = first; i < first + count; i++) {
        const size_t *token = stories.token + stories.start[i];
        const size_t length = length_of(i);
        logits(s, token, 0, length, y);
        for (size_t t = 0; t < length; t++) {
            double sum = 0;
            for (size_t c = 0; c < VOCAB; c++)
                sum += exp((double)y[t * VOCAB + c]);
            loss += log(sum) - (double)y[t * VOCAB + token[t + 1]];
        }
        predicted += length;
    }
    return exp(loss / (double)predicted);
}

// --- quantizing ------------------------------------------------------------

// Stories from the hundredth on calibrate. All their tokens go through both
// nets together, group by group.
enum { FIRST_SEEN = 100 };

typedef struct calibration {
    size_t stories;
    size_t tokens;
    size_t at[2]; // the group that each net is at
    state *net[2];
    float *difference; // of r
} calibration;

static void advance(calibration *c, int which, size_t group)
{
    state *s = c->net[which];

    for (size_t g = c->at[which]; g < group; g++) {
        float *r = s->r, *x = s->x;
        for (size_t i = 0; i < c->stories; i++) {
            const size_t length = length_of(FIRST_SEEN + i);
            step(s, g, 0, length, r, x);
            r += length * DIM;
            x += length * HID;
        }
    }
    c->at[which] = group;
}

// The driver asks: what do the layers of a group see?
static int inputs(void *user, size_t first, size_t count, int propagated,
                  qq_drive_sink *sink)
{
    calibration *c = (calibration *)user;
    qq_drive_rows_of rows;

    (void)count; // one at a time, as d.together says
    (void)propagated;
    advance(c, 0, first);
    advance(c, 1, first);
    for (size_t i = 0; i < c->tokens * DIM; i++)
        c->difference[i] = c->net[0]->r[i] - c->net[1]->r[i];
    rows.count = c->tokens;
    rows.x = c->net[1]->x;
    rows.x_float = c->net[0]->x;
    rows.ldx = rows.ldx_float = HID;
    rows.r = c->difference;
    rows.ldr = DIM;
    return qq_drive_rows(sink, first, &rows) != QQ_OK;
}

// The driver says: this is what the layer has become.
static int store(void *user, const qq_drive_result *result)
{
    const size_t id = result->layer;
    qq_matrix_options o = qq_matrix_options_init();
    qq_array array;

    (void)user;
    o.bias = result->bias;
    planes[id] = result->onebit != NULL ? result->onebit->planes : 1;
    if (result->fit != NULL) {
        const size_t need = qq_fit_array_size(result->fit, QQ_TYPE_F16);
        void *codes = memory(need);
        must(qq_fit_array(result->fit, QQ_TYPE_F16, codes, need, &array),
             "qq_fit_array");
        const size_t bytes = qq_matrix_size(&array, &o);
        must(qq_matrix_pack(&array, &o, memory(bytes), bytes, packed[id]),
             "qq_matrix_pack");
        free(codes);
    }
    for (unsigned p = 0; result->onebit != NULL && p < planes[id]; p++) {
        const qq_onebit *b = result->onebit;
        o.a = b->a + p * b->n;
        o.b = b->b + p * b->k;
        o.bias = p == 0 ? result->bias : NULL;
        const size_t bytes = qq_matrix_sign_size(&b->sign[p], &o);
        must(qq_matrix_pack_sign(&b->sign[p], &o, memory(bytes), bytes,
                                 &packed[id][p]),
             "qq_matrix_pack_sign");
    }
    for (unsigned p = 0; p < planes[id]; p++)
        packed_bytes += packed[id][p].bytes;
    return 0;
}

static void pack_embedding(void)
{
    const size_t shape[2] = {VOCAB, DIM};
    const qq_tensor t = qq_tensor_make(embedding, QQ_TYPE_F32, 2, shape);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);

    must(qq_scheme_channel(&s, 0, 2), "qq_scheme_channel");
    const size_t bytes = qq_matrix_quantize_size(&t, &s, NULL);
    const size_t room = qq_matrix_quantize_scratch_size(&t, &s);
    void *scratch = memory(room);
    must(qq_matrix_quantize(&t, &s, NULL, memory(bytes), bytes, scratch, room,
                            &packed_embedding),
         "qq_matrix_quantize");
    packed_bytes += bytes;
    free(scratch);
}

static void quantize(const qq_recipe *recipe, size_t count)
{
    static const size_t group[A_LAYER] = {0, 0, 0, 1, 2, 2, 3};
    qq_drive_layer layer[MATRICES];
    qq_drive d = qq_drive_init();
    calibration c = {0, 0, {0, 0}, {NULL, NULL}, NULL};

    memset(layer, 0, sizeof layer);
    for (int id = 0; id < MATRICES; id++) {
        layer[id].n = n_of(id);
        layer[id].k = layer[id].ldw = k_of(id);
        layer[id].w = weight[id];
        layer[id].group = 4 * (size_t)(id / A_LAYER) + group[id % A_LAYER];
        layer[id].residual = id % A_LAYER == WO || id % A_LAYER == W2;
    }
    for (c.stories = 0; c.stories < count; c.stories++)
        c.tokens += length_of(FIRST_SEEN + c.stories);
    c.difference = (float *)memory(c.tokens * DIM * sizeof(float));
    for (int which = 0; which < 2; which++) {
        size_t t = 0;
        c.net[which] = state_make(which, c.tokens);
        for (size_t i = 0; i < count; t += length_of(FIRST_SEEN + i++))
            begin(c.net[which], stories.token + stories.start[FIRST_SEEN + i],
                  length_of(FIRST_SEEN + i), c.net[which]->r + t * DIM,
                  c.net[which]->x + t * HID);
    }
    d.layers = layer;
    d.count = MATRICES;
    d.recipes = recipe;
    d.recipe_count = 1;
    d.inputs = inputs;
    d.store = store;
    d.user = &c;
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

// Words of the vocabulary: length, then bytes. <0x0A> is a byte by its number.
static const unsigned char *word[VOCAB];

static void load_words(const char *dir)
{
    size_t bytes = 0, at = 4;
    const unsigned char *file = file_of(dir, "tok512.bin", &bytes);

    for (size_t i = 0; file != NULL && i < VOCAB && at + 8 < bytes; i++) {
        word[i] = file + at + 4;
        at += 8 + (size_t)word[i][0];
    }
}

static void say(size_t token, int first)
{
    const unsigned char *p = word[token];
    unsigned byte;

    if (p == NULL || token < 3)
        return;
    if (p[0] == 6 && sscanf((const char *)p + 4, "<0x%02X>", &byte) == 1)
        putchar((int)byte);
    else if (first && p[0] > 0 && p[4] == ' ')
        fwrite(p + 5, 1, (size_t)p[0] - 1, stdout);
    else
        fwrite(p + 4, 1, p[0], stdout);
    fflush(stdout);
}

// Tokens per second.
static double tell(state *s, size_t tokens, double heat, uint32_t dice)
{
    static float y[VOCAB];
    const clock_t since = clock();
    size_t token = 1, t = 0;

    while (t < tokens && t < LONGEST) {
        logits(s, &token, t, 1, y);
        token = draw(y, heat, &dice);
        if (token < 3)
            break;
        say(token, t++ == 0);
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

static size_t float_bytes(void)
{
    size_t bytes = 0;
    for (int id = 0; id < MATRICES; id++)
        bytes += n_of(id) * k_of(id) * sizeof(float);
    return bytes;
}

int main(int argc, char **argv)
{
    const char *dir = word_of(argc, argv, "dir", getenv("QQ_DATA"));
    const char *bits = word_of(argc, argv, "bits", "3");
    const size_t seen = (size_t)atoi(word_of(argc, argv, "stories", "20"));
    const int tokens = atoi(word_of(argc, argv, "tokens", "200"));
    const int seed = atoi(word_of(argc, argv, "seed", "1"));
    const double heat = atof(word_of(argc, argv, "heat", "0.7"));
    qq_recipe r =
        recipe_of(bits, (size_t)atoi(word_of(argc, argv, "tile", "32")));

    if (dir == NULL || !load(dir) || !load_text(dir) || seen == 0 ||
        FIRST_SEEN + seen > stories.stories) {
        puts("story: wants dir=folder, or QQ_DATA, with lm-stories260k in it");
        return 0;
    }
    r.fit.f16 = 1; // scales are packed as halves
    must(qq_recipe_check(&r), "bits");
    load_words(dir);
    pack_embedding();
    const clock_t since = clock();
    quantize(&r, seen);
    const double seconds = (double)(clock() - since) / CLOCKS_PER_SEC;

    state *whole = state_make(0, LONGEST), *quantized = state_make(1, LONGEST);
    printf("f32       %7lu bytes, perplexity %.3f\n",
           (unsigned long)(sizeof embedding + float_bytes()),
           perplexity(whole, 0, 10));
    printf("bits=%-4s %7lu bytes, perplexity %.3f, solved in %.1f s\n\n", bits,
           (unsigned long)packed_bytes, perplexity(quantized, 0, 10), seconds);
    const double rate =
        tell(quantized, (size_t)tokens, heat, 2654435769u * (uint32_t)seed);
    printf("\n\n%.0f tokens per second\n", rate);
    return 0;
}
