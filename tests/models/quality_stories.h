// The story model as the driver sees it: a Llama of 260,000 parameters. Two
// streams of residuals, that of the float net and that of the one quantized so
// far, go forward together, from one group of layers to the next; each layer of
// the net has four: (q, k, v), wo, (w1, w3), w2. The embedding, which is the
// classifier, too, has 8 bits by row in the quantized net from the start; it is
// the last layer for those who want it smaller.

#ifndef QQUANT_TESTS_MODELS_QUALITY_STORIES_H
#define QQUANT_TESTS_MODELS_QUALITY_STORIES_H

#include "quality.h"
#include "quality_tools.h"

enum {
    TALE_DIM = 64,
    TALE_HID = 172,
    TALE_LAYERS = 5,
    TALE_HEADS = 8,
    TALE_KV = 32,
    TALE_HEAD = TALE_DIM / TALE_HEADS,
    TALE_VOCAB = 512,
    TALE_LONGEST = 512
};

// The matrices of a layer in the order of their groups, then those of the next.
enum {
    TALE_WQ,
    TALE_WK,
    TALE_WV,
    TALE_WO,
    TALE_W1,
    TALE_W3,
    TALE_W2,
    TALE_A_LAYER,
    TALE_EMB = TALE_LAYERS * TALE_A_LAYER,
    TALE_MATRICES
};
enum { TALE_GROUPS = 4, TALE_LAST = TALE_LAYERS * TALE_GROUPS };

typedef struct tale_weights {
    float w[TALE_MATRICES][TALE_VOCAB * TALE_DIM];
    float bias[TALE_MATRICES][TALE_VOCAB];
    int has_bias[TALE_MATRICES];
} tale_weights;

// Some stories: what each token is, and what follows it.
typedef struct tale_text {
    size_t count;
    size_t stories;
    size_t *token;
    size_t *next;
    size_t *start; // stories + 1
} tale_text;

// What all tokens of a text have become at a group: its input x, and the
// residual stream r.
typedef struct tale_stream {
    const tale_weights *net;
    const tale_text *of;
    int at; // the group, -1: none
    float *x, *r;
} tale_stream;

static tale_weights tale_floats, tale_now;
static float tale_rms_att[TALE_LAYERS][TALE_DIM],
    tale_rms_ffn[TALE_LAYERS][TALE_DIM], tale_rms_final[TALE_DIM];
static float tale_turn[TALE_LONGEST]
                      [TALE_HEAD]; // cos and sin of rotary positions

static tale_text tale_learned, tale_judged, tale_held;
static tale_stream tale_float_stream, tale_now_stream;
static float *tale_difference; // of their r

// Of the float net on a text: logits and the logarithms of their sums.
typedef struct tale_answers {
    float *logits;
    double *sum;
} tale_answers;
static tale_answers tale_judged_floats, tale_held_floats;

static const size_t tale_outputs[TALE_A_LAYER] = {
    TALE_DIM, TALE_KV, TALE_KV, TALE_DIM, TALE_HID, TALE_HID, TALE_DIM};

static inline size_t tale_n_of(int id)
{
    return id == TALE_EMB ? TALE_VOCAB : tale_outputs[id % TALE_A_LAYER];
}

static inline size_t tale_k_of(int id)
{
    return id != TALE_EMB && id % TALE_A_LAYER == TALE_W2 ? TALE_HID : TALE_DIM;
}

static inline int tale_group_of(int id)
{
    static const int group[TALE_A_LAYER] = {0, 0, 0, 1, 2, 2, 3};
    return id == TALE_EMB
               ? TALE_LAST
               : id / TALE_A_LAYER * TALE_GROUPS + group[id % TALE_A_LAYER];
}

// --- a pass ----------------------------------------------------------------

static inline void tale_product(const tale_weights *net, int id, size_t rows,
                                const float *x, int add, float *y)
{
    const size_t n = tale_n_of(id), k = tale_k_of(id);
    quality_product(n, k, net->w[id], k,
                    net->has_bias[id] ? net->bias[id] : NULL, rows, x, k, add,
                    y, n);
}

static inline void tale_norm(const float *w, const float *x, float *y,
                             size_t rows)
{
    for (size_t t = 0; t < rows; t++, x += TALE_DIM, y += TALE_DIM) {
        float sum = 0;
        for (size_t i = 0; i < TALE_DIM; i++)
            sum += x[i] * x[i];
        const float scale = 1.0f / sqrtf(sum / (float)TALE_DIM + 1e-5f);
        for (size_t i = 0; i < TALE_DIM; i++)
            y[i] = x[i] * scale * w[i];
    }
}

static inline void tale_rotate(float *x, size_t numbers, size_t position)
{
    for (size_t i = 0; i < numbers; i += 2) {
        const float c = tale_turn[position][i % TALE_HEAD];
        const float s = tale_turn[position][i % TALE_HEAD + 1];
        const float a = x[i], b = x[i + 1];
        x[i] = a * c - b * s;
        x[i + 1] = a * s + b * c;
    }
}

// The query of position t with the keys and values up to it, one head.
static inline void tale_attend(size_t t, const float *q, const float *key,
                               const float *value, float *out)
{
    static float score[TALE_LONGEST];
    float top = -1e30f, sum = 0, y[TALE_HEAD] = {0};

    for (size_t j = 0; j <= t; j++) {
        float d = 0;
        for (size_t c = 0; c < TALE_HEAD; c++)
            d += q[c] * key[j * TALE_KV + c];
        score[j] = d / sqrtf((float)TALE_HEAD);
        top = score[j] > top ? score[j] : top;
    }
    for (size_t j = 0; j <= t; j++) {
        const float e = expf(score[j] - top);
        sum += e;
        for (size_t c = 0; c < TALE_HEAD; c++)
            y[c] += e * value[j * TALE_KV + c];
    }
    for (size_t c = 0; c < TALE_HEAD; c++)
        out[c] = y[c] / sum;
}

// x of a story, rows of it, becomes what attention makes of it.
static inline void tale_attention(const tale_weights *net, int id, size_t rows,
                                  float *x)
{
    static float q[TALE_LONGEST * TALE_DIM], key[TALE_LONGEST * TALE_KV],
        value[TALE_LONGEST * TALE_KV];

    tale_product(net, id + TALE_WQ, rows, x, 0, q);
    tale_product(net, id + TALE_WK, rows, x, 0, key);
    tale_product(net, id + TALE_WV, rows, x, 0, value);
    for (size_t t = 0; t < rows; t++) {
        tale_rotate(q + t * TALE_DIM, TALE_DIM, t);
        tale_rotate(key + t * TALE_KV, TALE_KV, t);
    }
    for (size_t t = 0; t < rows; t++)
        for (size_t h = 0; h < TALE_HEADS; h++) {
            const size_t g = h * TALE_KV / TALE_DIM * TALE_HEAD;
            tale_attend(t, q + t * TALE_DIM + h * TALE_HEAD, key + g, value + g,
                        x + t * TALE_DIM + h * TALE_HEAD);
        }
}

// The input of group at becomes that of the next one, for one story. Groups
// have inputs of different lengths, so x is not where to lies.
static inline void tale_advance_story(const tale_weights *net, int at,
                                      size_t rows, float *x, float *r,
                                      float *to)
{
    static float gate[TALE_LONGEST * TALE_HID];
    const int l = at / TALE_GROUPS, id = l * TALE_A_LAYER;

    switch (at % TALE_GROUPS) {
    case 0:
        memcpy(to, x, rows * TALE_DIM * sizeof *x);
        tale_attention(net, id, rows, to);
        break;
    case 1:
        tale_product(net, id + TALE_WO, rows, x, 1, r);
        tale_norm(tale_rms_ffn[l], r, to, rows);
        break;
    case 2:
        tale_product(net, id + TALE_W1, rows, x, 0, gate);
        tale_product(net, id + TALE_W3, rows, x, 0, to);
        for (size_t i = 0; i < rows * TALE_HID; i++)
            to[i] *= gate[i] / (1.0f + expf(-gate[i]));
        break;
    default:
        tale_product(net, id + TALE_W2, rows, x, 1, r);
        tale_norm(l + 1 < TALE_LAYERS ? tale_rms_att[l + 1] : tale_rms_final, r,
                  to, rows);
    }
}

static inline size_t tale_width_of(int group)
{
    return group % TALE_GROUPS == 3 ? TALE_HID : TALE_DIM;
}

static inline void tale_begin(tale_stream *s)
{
    for (size_t t = 0; t < s->of->count; t++)
        memcpy(s->r + t * TALE_DIM,
               s->net->w[TALE_EMB] + s->of->token[t] * TALE_DIM,
               TALE_DIM * sizeof *s->r);
    tale_norm(tale_rms_att[0], s->r, s->x, s->of->count);
    s->at = 0;
}

static inline void tale_advance(tale_stream *s, int group)
{
    static float to[TALE_LONGEST * TALE_HID];

    if (s->at < 0 || s->at > group)
        tale_begin(s);
    for (; s->at < group; s->at++) {
        const size_t k = tale_width_of(s->at), n = tale_width_of(s->at + 1);
        // Of a wider group the last story must move first.
        for (size_t i = 0; i < s->of->stories; i++) {
            const size_t story = n > k ? s->of->stories - 1 - i : i;
            const size_t first = s->of->start[story];
            const size_t rows = s->of->start[story + 1] - first;
            tale_advance_story(s->net, s->at, rows, s->x + first * k,
                               s->r + first * TALE_DIM, to);
            memcpy(s->x + first * n, to, rows * n * sizeof *to);
        }
    }
}

static inline void tale_stream_of(tale_stream *s, const tale_weights *net,
                                  const tale_text *of)
{
    s->net = net;
    s->of = of;
    s->at = -1;
    s->x = quality_floats(of->count * TALE_HID);
    s->r = quality_floats(of->count * TALE_DIM);
}

// --- how good it is --------------------------------------------------------

// Perplexity of a net on a text, and KL from the answers of the float net,
// which are made first where these are not there.
static inline double tale_judge_text(const tale_weights *net,
                                     const tale_text *of, tale_answers *a,
                                     double *kl)
{
    const int first = a->logits == NULL;
    double loss = 0;
    tale_stream s;

    if (first && net != &tale_floats)
        tale_judge_text(&tale_floats, of, a, kl);
    float *logits = quality_floats(of->count * TALE_VOCAB);
    double *sum = (double *)quality_memory(of->count * sizeof *sum);
    tale_stream_of(&s, net, of);
    tale_advance(&s, TALE_LAST);
    tale_product(net, TALE_EMB, of->count, s.x, 0, logits);
    *kl = 0;
    for (size_t t = 0; t < of->count; t++) {
        const float *z = logits + t * TALE_VOCAB;
        sum[t] = quality_log_sum(TALE_VOCAB, z);
        loss += sum[t] - (double)z[of->next[t]];
        if (net != &tale_floats)
            *kl += quality_divergence(TALE_VOCAB, a->logits + t * TALE_VOCAB,
                                      a->sum[t], z, sum[t]);
    }
    *kl /= (double)of->count;
    free(s.x);
    free(s.r);
    if (net == &tale_floats && first) {
        a->logits = logits;
        a->sum = sum;
    } else {
        free(logits);
        free(sum);
    }
    return exp(loss / (double)of->count);
}

static inline double tale_judge(double *kl)
{
    return tale_judge_text(&tale_now, &tale_judged, &tale_judged_floats, kl);
}

static inline int tale_loss(void *user, double *kl)
{
    (void)user;
    tale_judge_text(&tale_now, &tale_held, &tale_held_floats, kl);
    return 0;
}

// --- what the driver asks --------------------------------------------------

static inline int tale_inputs(void *user, size_t first, size_t count,
                              int propagated, qq_drive_sink *sink)
{
    (void)user;
    for (size_t g = first; g < first + count; g++) {
        const size_t k = tale_width_of((int)g);
        qq_drive_rows_of rows = {0, NULL, 0, NULL, 0, NULL, 0};
        tale_advance(&tale_float_stream, (int)g);
        rows.count = tale_learned.count;
        rows.x = rows.x_float = tale_float_stream.x;
        rows.ldx = rows.ldx_float = k;
        if (propagated) {
            tale_advance(&tale_now_stream, (int)g);
            rows.x = tale_now_stream.x;
            for (size_t i = 0; i < tale_learned.count * TALE_DIM; i++)
                tale_difference[i] =
                    tale_float_stream.r[i] - tale_now_stream.r[i];
            rows.r = tale_difference;
            rows.ldr = TALE_DIM;
        }
        if (quality_rows(sink, g, &rows) != QQ_OK)
            return 1;
    }
    return 0;
}

static inline int tale_store(void *user, const qq_drive_result *result)
{
    const int id = (int)result->layer;
    const size_t n = tale_n_of(id), k = tale_k_of(id);

    (void)user;
    memcpy(tale_now.w[id], result->v, n * k * sizeof *result->v);
    tale_now.has_bias[id] = result->bias != NULL;
    if (result->bias != NULL)
        memcpy(tale_now.bias[id], result->bias, n * sizeof *result->bias);
    if (id == TALE_EMB || tale_now_stream.at > tale_group_of(id))
        tale_now_stream.at = -1;
    return 0;
}

static inline void tale_reset(void)
{
    memcpy(&tale_now, &tale_floats, sizeof tale_now);
    quality_embedding(TALE_VOCAB, TALE_DIM, tale_floats.w[TALE_EMB],
                      tale_now.w[TALE_EMB]);
    tale_now_stream.at = -1;
}

// --- what lies in the files ------------------------------------------------

static inline void tale_read_weights(const unsigned char *file)
{
    // In this order, all layers of one kind together.
    static const struct {
        int id;
        float *norm;
    } part[] = {{TALE_EMB, NULL},
                {-1, tale_rms_att[0]},
                {TALE_WQ, NULL},
                {TALE_WK, NULL},
                {TALE_WV, NULL},
                {TALE_WO, NULL},
                {-1, tale_rms_ffn[0]},
                {TALE_W1, NULL},
                {TALE_W2, NULL},
                {TALE_W3, NULL},
                {-1, NULL}};

    file += 28;
    for (size_t p = 0; p < sizeof part / sizeof part[0]; p++) {
        const int id = part[p].id;
        if (id < 0) {
            const size_t count =
                part[p].norm != NULL ? TALE_LAYERS * TALE_DIM : TALE_DIM;
            quality_read(file, count,
                         part[p].norm != NULL ? part[p].norm : tale_rms_final);
            file += 4 * count;
            continue;
        }
        for (int l = 0; l < (id == TALE_EMB ? 1 : TALE_LAYERS); l++) {
            const size_t count = tale_n_of(id) * tale_k_of(id);
            quality_read(file, count, tale_floats.w[id + l * TALE_A_LAYER]);
            file += 4 * count;
        }
    }
    // Pairs of neighbours turn by position / 10000^(2i / HEAD).
    for (size_t t = 0; t < TALE_LONGEST; t++)
        for (size_t i = 0; i < TALE_HEAD; i += 2) {
            const double f = pow(1e4, -(double)i / (double)TALE_HEAD);
            tale_turn[t][i] = (float)cos((double)t * f);
            tale_turn[t][i + 1] = (float)sin((double)t * f);
        }
}

static inline size_t tale_token_at(const unsigned char *file, size_t i)
{
    return file[2 * i] | (size_t)file[2 * i + 1] << 8;
}

// Stories first to first + stories - 1; each begins with token 1.
static inline void tale_read_text(const unsigned char *file, size_t tokens,
                                  size_t first, size_t stories, tale_text *t)
{
    size_t story = 0, at = 0;

    free(t->token);
    free(t->next);
    free(t->start);
    t->stories = stories;
    t->count = 0;
    t->token =
        (size_t *)quality_memory(stories * TALE_LONGEST * sizeof(size_t));
    t->next = (size_t *)quality_memory(stories * TALE_LONGEST * sizeof(size_t));
    t->start = (size_t *)quality_memory((stories + 1) * sizeof(size_t));
    while (at < tokens && story < first + stories) {
        size_t end = at + 1;
        while (end < tokens && tale_token_at(file, end) != 1)
            end++;
        if (story >= first)
            t->start[story - first] = t->count;
        for (size_t i = at;
             story >= first && i + 1 < end && i < at + TALE_LONGEST; i++) {
            t->token[t->count] = tale_token_at(file, i);
            t->next[t->count++] = tale_token_at(file, i + 1);
        }
        at = end;
        story++;
    }
    t->start[stories] = t->count;
}

static inline void tale_name_layers(quality_net *net)
{
    static const char *const kind[TALE_A_LAYER] = {"wq", "wk", "wv", "wo",
                                                   "w1", "w3", "w2"};
    static char name[TALE_MATRICES][16];

    for (int id = 0; id < TALE_MATRICES; id++) {
        qq_drive_layer *layer = &net->layer[id];
        if (id == TALE_EMB)
            snprintf(name[id], sizeof name[id], "embedding");
        else
            snprintf(name[id], sizeof name[id], "%d.%s", id / TALE_A_LAYER,
                     kind[id % TALE_A_LAYER]);
        layer->name.name = name[id];
        layer->name.type = "Linear";
        layer->n = tale_n_of(id);
        layer->k = layer->ldw = tale_k_of(id);
        layer->w = tale_floats.w[id];
        layer->group = (size_t)tale_group_of(id);
        layer->residual = id != TALE_EMB && (id % TALE_A_LAYER == TALE_WO ||
                                             id % TALE_A_LAYER == TALE_W2);
        net->keeps[id] = id == TALE_EMB ? 2 : 0;
    }
}

static inline int tale_read_texts(const char *data, size_t seen, size_t asked)
{
    size_t bytes = 0;
    unsigned char *file =
        quality_file(data, "lm-stories260k/tinystories_tok512_dev.u16", &bytes);

    if (file == NULL)
        return 0;
    if (tale_judged.count == 0) {
        tale_read_text(file, bytes / 2, 0, asked, &tale_judged);
        tale_read_text(file, bytes / 2, 220, 40, &tale_held);
    }
    tale_read_text(file, bytes / 2, 100, seen, &tale_learned);
    free(file);
    free(tale_float_stream.x);
    free(tale_float_stream.r);
    free(tale_now_stream.x);
    free(tale_now_stream.r);
    free(tale_difference);
    tale_stream_of(&tale_float_stream, &tale_floats, &tale_learned);
    tale_stream_of(&tale_now_stream, &tale_now, &tale_learned);
    tale_difference = quality_floats(tale_learned.count * TALE_DIM);
    return 1;
}

// Calibrated on so many from story 100 on, judged on so many from 0 on.
static inline const quality_net *quality_stories_of(const char *data,
                                                    size_t seen, size_t asked)
{
    static quality_net net;
    size_t bytes = 0;
    unsigned char *file =
        quality_file(data, "lm-stories260k/stories260K.bin", &bytes);

    if (file == NULL || bytes < 1040000 ||
        !tale_read_texts(data, seen, asked)) {
        free(file);
        return NULL;
    }
    tale_read_weights(file);
    free(file);
    net.name = "stories";
    net.unit = "ppl";
    net.count = TALE_MATRICES;
    tale_name_layers(&net);
    net.inputs = tale_inputs;
    net.store = tale_store;
    net.loss = tale_loss;
    net.judge = tale_judge;
    net.reset = tale_reset;
    tale_reset();
    return &net;
}

const quality_net *quality_stories(const char *data)
{
    return quality_stories_of(data, 40, 40);
}

#endif // QQUANT_TESTS_MODELS_QUALITY_STORIES_H
