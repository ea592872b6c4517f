// The story model of QQ_DATA, a Llama of 260,000 parameters: its weights in
// f32, packed under a scheme, and a pass through it in either form. Positions
// come in pieces of any length, one by one or a story at once; keys and values
// of those that went before are kept.

#ifndef QQUANT_TESTS_MODELS_STORIES_H
#define QQUANT_TESTS_MODELS_STORIES_H

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

// As the file has it.
typedef struct story_weights {
    float emb[VOCAB * DIM], rms_att[LAYERS][DIM];
    float wq[LAYERS][DIM * DIM], wk[LAYERS][KV * DIM], wv[LAYERS][KV * DIM];
    float wo[LAYERS][DIM * DIM], rms_ffn[LAYERS][DIM];
    float w1[LAYERS][HID * DIM], w2[LAYERS][DIM * HID], w3[LAYERS][HID * DIM];
    float rms_final[DIM];
} story_weights;

// The matrices of a layer, then those of the next; the embedding, which is the
// classifier, too, comes last.
enum { WQ, WK, WV, WO, W1, W3, W2, A_LAYER, EMB = LAYERS * A_LAYER, MATRICES };

typedef struct story_model {
    story_weights f;
    float flipped[MATRICES][VOCAB * DIM]; // [k][n]: inner loops run over n
    float turn[LONGEST][HEAD];            // cos and sin of rotary positions

    qq_matrix w[MATRICES]; // packed, or of no bytes
    unsigned char *packed[MATRICES];
    qq_matmul_options o;
    unsigned char *scratch;
    size_t scratch_bytes;
    // Sees every product, unless NULL.
    void (*watch)(struct story_model *m, int id, size_t count, const float *x,
                  const float *y);

    float key[LAYERS][LONGEST][KV], value[LAYERS][LONGEST][KV];
    float x[LONGEST * DIM], n[LONGEST * DIM], q[LONGEST * DIM];
    float a[LONGEST * DIM], u[LONGEST * HID], gate[LONGEST * HID];
} story_model;

static inline size_t story_n(int id)
{
    static const size_t n[] = {DIM, KV, KV, DIM, HID, HID, DIM};
    return id == EMB ? VOCAB : n[id % A_LAYER];
}

static inline size_t story_k(int id)
{
    return id != EMB && id % A_LAYER == W2 ? HID : DIM;
}

static inline const float *story_matrix(const story_weights *f, int id)
{
    const int l = id / A_LAYER;
    if (id == EMB)
        return f->emb;
    switch (id % A_LAYER) {
    case WQ:
        return f->wq[l];
    case WK:
        return f->wk[l];
    case WV:
        return f->wv[l];
    case WO:
        return f->wo[l];
    case W1:
        return f->w1[l];
    case W3:
        return f->w3[l];
    default:
        return f->w2[l];
    }
}

// 0 where QQ_DATA holds no such model.
static inline int story_load(story_model *m)
{
    size_t bytes = 0;
    unsigned char *file = model_file("lm-stories260k/stories260K.bin", &bytes);
    if (file == NULL || bytes < 28 + sizeof m->f) {
        free(file);
        return 0;
    }
    model_floats(file + 28, sizeof m->f / sizeof(float), (float *)&m->f);
    free(file);
    for (int id = 0; id < MATRICES; id++) {
        const size_t n = story_n(id), k = story_k(id);
        for (size_t i = 0; i < n * k; i++)
            m->flipped[id][i % k * n + i / k] = story_matrix(&m->f, id)[i];
    }
    // Pairs of neighbours turn by position / 10000^(2i / HEAD).
    for (size_t t = 0; t < LONGEST; t++)
        for (size_t i = 0; i < HEAD; i += 2) {
            const double f = pow(1e4, -(double)i / (double)HEAD);
            m->turn[t][i] = (float)cos((double)t * f);
            m->turn[t][i + 1] = (float)sin((double)t * f);
        }
    return 1;
}

static inline void story_unpack(story_model *m)
{
    for (int id = 0; id < MATRICES; id++) {
        free(m->packed[id]);
        m->packed[id] = NULL;
        m->w[id].bytes = 0;
    }
    free(m->scratch);
    m->scratch = NULL;
}

// Packs all matrices; returns their bytes.
static inline size_t story_pack(story_model *m, const qq_scheme *s,
                                qq_input input)
{
    size_t bytes = 0;
    story_unpack(m);
    m->o = qq_matmul_options_init();
    m->o.input = input;
    m->scratch_bytes = 0;
    for (int id = 0; id < MATRICES; id++) {
        m->packed[id] = model_pack(story_matrix(&m->f, id), story_n(id),
                                   story_k(id), s, NULL, &m->w[id]);
        const size_t need = qq_matmul_scratch_size(&m->w[id], &m->o, LONGEST);
        CHECK(need != SIZE_MAX);
        bytes += m->w[id].bytes;
        m->scratch_bytes = need > m->scratch_bytes ? need : m->scratch_bytes;
    }
    m->scratch = (unsigned char *)malloc(m->scratch_bytes);
    return bytes;
}

// y[t] = W x[t] for count positions.
static inline void story_product(story_model *m, int id, size_t count,
                                 const float *x, float *y)
{
    const size_t n = story_n(id), k = story_k(id);
    if (m->w[id].bytes > 0) {
        CHECK(qq_matmul(&m->w[id], &m->o, count, x, k, y, n, m->scratch,
                        m->scratch_bytes) == QQ_OK);
    } else {
        memset(y, 0, count * n * sizeof *y);
        for (size_t t = 0; t < count; t++)
            for (size_t j = 0; j < k; j++)
                for (size_t i = 0; i < n; i++)
                    y[t * n + i] += m->flipped[id][j * n + i] * x[t * k + j];
    }
    if (m->watch != NULL)
        m->watch(m, id, count, x, y);
}

static inline void story_norm(const float *w, const float *x, float *y,
                              size_t count)
{
    for (size_t t = 0; t < count; t++, x += DIM, y += DIM) {
        float sum = 0;
        for (size_t i = 0; i < DIM; i++)
            sum += x[i] * x[i];
        const float r = 1.0f / sqrtf(sum / (float)DIM + 1e-5f);
        for (size_t i = 0; i < DIM; i++)
            y[i] = x[i] * r * w[i];
    }
}

static inline void story_turn(const story_model *m, float *x, size_t rows,
                              size_t t)
{
    for (size_t i = 0; i < rows; i += 2) {
        const float c = m->turn[t][i % HEAD], s = m->turn[t][i % HEAD + 1];
        const float a = x[i], b = x[i + 1];
        x[i] = a * c - b * s;
        x[i + 1] = a * s + b * c;
    }
}

// The query of position t with the keys and values up to it.
static inline void story_attend(const story_model *m, int l, size_t t,
                                const float *q, float *out)
{
    for (size_t h = 0; h < HEADS; h++) {
        const size_t g = h / (HEADS / KV_HEADS) * HEAD;
        float score[LONGEST], top = -1e30f, sum = 0, y[HEAD] = {0};
        for (size_t j = 0; j <= t; j++) {
            float d = 0;
            for (size_t c = 0; c < HEAD; c++)
                d += q[h * HEAD + c] * m->key[l][j][g + c];
            score[j] = d / sqrtf((float)HEAD);
            top = score[j] > top ? score[j] : top;
        }
        for (size_t j = 0; j <= t; j++) {
            const float e = expf(score[j] - top);
            sum += e;
            for (size_t c = 0; c < HEAD; c++)
                y[c] += e * m->value[l][j][g + c];
        }
        for (size_t c = 0; c < HEAD; c++)
            out[h * HEAD + c] = y[c] / sum;
    }
}

static inline void story_layer(story_model *m, int l, size_t first,
                               size_t count)
{
    const int id = l * A_LAYER;
    story_norm(m->f.rms_att[l], m->x, m->n, count);
    story_product(m, id + WQ, count, m->n, m->q);
    story_product(m, id + WK, count, m->n, m->key[l][first]);
    story_product(m, id + WV, count, m->n, m->value[l][first]);
    for (size_t t = 0; t < count; t++) {
        story_turn(m, m->q + t * DIM, DIM, first + t);
        story_turn(m, m->key[l][first + t], KV, first + t);
    }
    for (size_t t = 0; t < count; t++)
        story_attend(m, l, first + t, m->q + t * DIM, m->a + t * DIM);
    story_product(m, id + WO, count, m->a, m->n);
    for (size_t i = 0; i < count * DIM; i++)
        m->x[i] += m->n[i];

    story_norm(m->f.rms_ffn[l], m->x, m->n, count);
    story_product(m, id + W1, count, m->n, m->gate);
    story_product(m, id + W3, count, m->n, m->u);
    for (size_t i = 0; i < count * HID; i++)
        m->u[i] *= m->gate[i] / (1.0f + expf(-m->gate[i]));
    story_product(m, id + W2, count, m->u, m->n);
    for (size_t i = 0; i < count * DIM; i++)
        m->x[i] += m->n[i];
}

// y[t] = what may follow token t, for count tokens from position first on.
static inline void story_run(story_model *m, const size_t *tokens, size_t first,
                             size_t count, float *y)
{
    if (m->w[EMB].bytes > 0)
        CHECK(qq_matrix_row(&m->w[EMB], count, tokens, m->x,
                            count * DIM * sizeof(float)) == QQ_OK);
    else
        for (size_t t = 0; t < count; t++)
            memcpy(m->x + t * DIM, m->f.emb + tokens[t] * DIM,
                   DIM * sizeof(float));
    for (int l = 0; l < LAYERS; l++)
        story_layer(m, l, first, count);
    story_norm(m->f.rms_final, m->x, m->n, count);
    story_product(m, EMB, count, m->n, y);
}

// --- stories that the model has not seen -----------------------------------

typedef struct story_text {
    unsigned char *file;
    size_t count;
} story_text;

static inline int story_text_load(story_text *text)
{
    text->file =
        model_file("lm-stories260k/tinystories_tok512_dev.u16", &text->count);
    text->count /= 2;
    return text->file != NULL;
}

static inline size_t story_token(const story_text *text, size_t i)
{
    return text->file[2 * i] | (size_t)text->file[2 * i + 1] << 8;
}

// The tokens of the story from first on, all but its last; its length.
static inline size_t story_tokens(const story_text *text, size_t first,
                                  size_t *tokens, size_t *next)
{
    size_t end = first + 1;
    while (end < text->count && story_token(text, end) != 1)
        end++;
    const size_t length = end - first - 1 < LONGEST ? end - first - 1 : LONGEST;
    for (size_t t = 0; t < length; t++)
        tokens[t] = story_token(text, first + t);
    *next = end;
    return length;
}

#endif // QQUANT_TESTS_MODELS_STORIES_H
