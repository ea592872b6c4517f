// The character model of Shakespeare as the driver sees it: an embedding, two
// LSTM cells of 128, a classifier. 50 streams of characters go in step. Each
// cell is one matrix over its input and its own last output, so its
// calibration changes with its own weights: see qq_recipe.repeats.
//
// Of the text the last 20,000 characters judge, as many in the middle
// calibrate, those before them are held out; every stream runs over the 100
// characters before it first. The embedding has 8 bits by row in the quantized
// net.

#ifndef QQUANT_TESTS_MODELS_QUALITY_LSTM_H
#define QQUANT_TESTS_MODELS_QUALITY_LSTM_H

#include "quality.h"
#include "quality_tools.h"

enum {
    LSTM_DIM = 128,
    LSTM_IN = 2 * LSTM_DIM,
    LSTM_GATES = 4 * LSTM_DIM,
    LSTM_VOCAB = 65,
    LSTM_STREAMS = 50,
    LSTM_LENGTH = 400,
    LSTM_WARM = 100,
    LSTM_STEPS = LSTM_WARM + LSTM_LENGTH,
    LSTM_CHARS = LSTM_STREAMS * LSTM_LENGTH,
    LSTM_CELLS = 2
};

typedef struct lstm_weights {
    float embedding[LSTM_VOCAB * LSTM_DIM];
    float cell[LSTM_CELLS][LSTM_GATES * LSTM_IN], gate[LSTM_CELLS][LSTM_GATES];
    float softmax[LSTM_VOCAB * LSTM_DIM], bias[LSTM_VOCAB];
} lstm_weights;

// What each stream reads at each step, and what follows that.
typedef struct lstm_text {
    unsigned char now[LSTM_STEPS][LSTM_STREAMS];
    unsigned char next[LSTM_STEPS][LSTM_STREAMS];
} lstm_text;

// All steps of all streams: the input of a cell, or of the classifier.
typedef float lstm_steps[LSTM_STEPS][LSTM_STREAMS][LSTM_DIM];

// Sees the whole input of a cell, its last output included, at each step.
typedef int lstm_watch(void *user, float x[LSTM_STREAMS][LSTM_IN]);

static lstm_weights lstm_floats, lstm_now;
static lstm_text lstm_learned, lstm_judged, lstm_held;
// Inputs of the groups on the calibration text. Those of the quantized net are
// right up to group lstm_at.
static lstm_steps lstm_float_steps[LSTM_CELLS + 1], lstm_steps_now;
static int lstm_at;
static size_t lstm_length = LSTM_LENGTH; // of a stream, warming not counted
// Of the float net on the two texts that are judged.
static int lstm_answered[2];
static float lstm_logits[2][LSTM_CHARS * LSTM_VOCAB];
static double lstm_sums[2][LSTM_CHARS];

// --- a pass ----------------------------------------------------------------

static inline void lstm_look_up(const lstm_weights *net, const lstm_text *text,
                                lstm_steps x)
{
    for (size_t t = 0; t < LSTM_WARM + lstm_length; t++)
        for (size_t s = 0; s < LSTM_STREAMS; s++)
            memcpy(x[t][s], net->embedding + text->now[t][s] * LSTM_DIM,
                   sizeof x[t][s]);
}

static inline float lstm_sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

// One step of a cell: gates i, j, f, o; f has 1 added.
static inline void lstm_step(const lstm_weights *net, int cell,
                             float x[LSTM_STREAMS][LSTM_IN],
                             float c[LSTM_STREAMS][LSTM_DIM],
                             float h[LSTM_STREAMS][LSTM_DIM])
{
    static float g[LSTM_STREAMS][LSTM_GATES];

    quality_product(LSTM_GATES, LSTM_IN, net->cell[cell], LSTM_IN,
                    net->gate[cell], LSTM_STREAMS, x[0], LSTM_IN, 0, g[0],
                    LSTM_GATES);
    for (size_t s = 0; s < LSTM_STREAMS; s++)
        for (size_t i = 0; i < LSTM_DIM; i++) {
            const float in = lstm_sigmoid(g[s][i]);
            const float new_one = tanhf(g[s][LSTM_DIM + i]);
            const float keep = lstm_sigmoid(g[s][2 * LSTM_DIM + i] + 1.0f);
            const float out = lstm_sigmoid(g[s][3 * LSTM_DIM + i]);
            c[s][i] = c[s][i] * keep + in * new_one;
            h[s][i] = tanhf(c[s][i]) * out;
        }
}

// Outputs of a cell for its inputs; y may be x. watch may be NULL.
static inline int lstm_cell(const lstm_weights *net, int cell, lstm_steps x,
                            lstm_steps y, lstm_watch *watch, void *user)
{
    static float c[LSTM_STREAMS][LSTM_DIM], h[LSTM_STREAMS][LSTM_DIM];
    static float in[LSTM_STREAMS][LSTM_IN];
    int status = 0;

    memset(c, 0, sizeof c);
    memset(h, 0, sizeof h);
    for (size_t t = 0; t < LSTM_WARM + lstm_length && status == 0; t++) {
        for (size_t s = 0; s < LSTM_STREAMS; s++) {
            memcpy(in[s], x[t][s], sizeof x[t][s]);
            memcpy(in[s] + LSTM_DIM, h[s], sizeof h[s]);
        }
        lstm_step(net, cell, in, c, h);
        if (watch != NULL && t >= LSTM_WARM)
            status = watch(user, in);
        if (y != NULL)
            memcpy(y[t], h, sizeof h);
    }
    return status;
}

// --- how good it is --------------------------------------------------------

// Bits a character. answers: of the float net; made where net is it.
static inline double lstm_judge_text(const lstm_weights *net,
                                     const lstm_text *text, int answers,
                                     double *kl)
{
    static lstm_steps x;
    static float z[LSTM_CHARS * LSTM_VOCAB];
    const size_t count = LSTM_STREAMS * lstm_length;
    double loss = 0;

    if (net != &lstm_floats && !lstm_answered[answers])
        lstm_judge_text(&lstm_floats, text, answers, kl);
    lstm_answered[answers] = 1;
    lstm_look_up(net, text, x);
    for (int cell = 0; cell < LSTM_CELLS; cell++)
        lstm_cell(net, cell, x, x, NULL, NULL);
    quality_product(LSTM_VOCAB, LSTM_DIM, net->softmax, LSTM_DIM, net->bias,
                    count, x[LSTM_WARM][0], LSTM_DIM, 0, z, LSTM_VOCAB);
    *kl = 0;
    for (size_t i = 0; i < count; i++) {
        const float *at = z + i * LSTM_VOCAB;
        float *keep = lstm_logits[answers] + i * LSTM_VOCAB;
        const double sum = quality_log_sum(LSTM_VOCAB, at);
        const size_t t = LSTM_WARM + i / LSTM_STREAMS;
        loss += sum - (double)at[text->next[t][i % LSTM_STREAMS]];
        if (net == &lstm_floats) {
            memcpy(keep, at, LSTM_VOCAB * sizeof *at);
            lstm_sums[answers][i] = sum;
        } else {
            *kl += quality_divergence(LSTM_VOCAB, keep, lstm_sums[answers][i],
                                      at, sum);
        }
    }
    *kl /= (double)count;
    return loss / (double)count / log(2.0);
}

static inline double lstm_judge(double *kl)
{
    return lstm_judge_text(&lstm_now, &lstm_judged, 0, kl);
}

static inline int lstm_loss(void *user, double *kl)
{
    (void)user;
    lstm_judge_text(&lstm_now, &lstm_held, 1, kl);
    return 0;
}

// --- what the driver asks --------------------------------------------------

typedef struct lstm_asked {
    qq_drive_sink *sink;
    size_t group;
    size_t step;
    int propagated;
} lstm_asked;

// Rows of one step: what the float net sees there is put together from its
// inputs and its outputs, which are the inputs of the next group.
static inline int lstm_rows(void *user, float x[LSTM_STREAMS][LSTM_IN])
{
    static float in[LSTM_STREAMS][LSTM_IN];
    lstm_asked *a = (lstm_asked *)user;
    qq_drive_rows_of rows = {0, NULL, 0, NULL, 0, NULL, 0};

    for (size_t s = 0; s < LSTM_STREAMS; s++) {
        memcpy(in[s], lstm_float_steps[a->group][a->step][s],
               LSTM_DIM * sizeof(float));
        memcpy(in[s] + LSTM_DIM, lstm_float_steps[a->group + 1][a->step - 1][s],
               LSTM_DIM * sizeof(float));
    }
    a->step++;
    rows.count = LSTM_STREAMS;
    rows.x = x != NULL ? x[0] : in[0];
    rows.x_float = in[0];
    rows.ldx = rows.ldx_float = LSTM_IN;
    return quality_rows(a->sink, a->group, &rows) != QQ_OK;
}

static inline int lstm_classifier_rows(int propagated, qq_drive_sink *sink)
{
    qq_drive_rows_of rows = {0, NULL, 0, NULL, 0, NULL, 0};

    rows.count = LSTM_STREAMS * lstm_length;
    rows.x_float = lstm_float_steps[LSTM_CELLS][LSTM_WARM][0];
    rows.x = propagated ? lstm_steps_now[LSTM_WARM][0] : rows.x_float;
    rows.ldx = rows.ldx_float = LSTM_DIM;
    return quality_rows(sink, LSTM_CELLS, &rows) != QQ_OK;
}

// The quantized net's stream goes on to a group.
static inline void lstm_advance(int group)
{
    if (lstm_at < 0 || lstm_at > group) {
        lstm_look_up(&lstm_now, &lstm_learned, lstm_steps_now);
        lstm_at = 0;
    }
    for (; lstm_at < group; lstm_at++)
        lstm_cell(&lstm_now, lstm_at, lstm_steps_now, lstm_steps_now, NULL,
                  NULL);
}

static inline int lstm_inputs(void *user, size_t first, size_t count,
                              int propagated, qq_drive_sink *sink)
{
    int status = 0;

    (void)user;
    for (size_t g = first; g < first + count && status == 0; g++) {
        lstm_asked a;
        a.sink = sink;
        a.group = g;
        a.step = LSTM_WARM;
        a.propagated = propagated;
        if (propagated)
            lstm_advance((int)g);
        if (g == LSTM_CELLS)
            status = lstm_classifier_rows(propagated, sink);
        else if (propagated)
            status = lstm_cell(&lstm_now, (int)g, lstm_steps_now, NULL,
                               lstm_rows, &a);
        else
            while (a.step < LSTM_WARM + lstm_length && status == 0)
                status = lstm_rows(&a, NULL);
    }
    return status;
}

static inline int lstm_store(void *user, const qq_drive_result *result)
{
    const size_t l = result->layer;
    const lstm_weights *f = &lstm_floats;
    lstm_weights *q = &lstm_now;

    (void)user;
    if (l < LSTM_CELLS) {
        memcpy(q->cell[l], result->v, sizeof q->cell[l]);
        memcpy(q->gate[l], result->bias ? result->bias : f->gate[l],
               sizeof q->gate[l]);
    } else {
        memcpy(q->softmax, result->v, sizeof q->softmax);
        memcpy(q->bias, result->bias ? result->bias : f->bias, sizeof q->bias);
    }
    if (lstm_at > (int)l)
        lstm_at = -1;
    return 0;
}

static inline void lstm_reset(void)
{
    memcpy(&lstm_now, &lstm_floats, sizeof lstm_now);
    quality_embedding(LSTM_VOCAB, LSTM_DIM, lstm_floats.embedding,
                      lstm_now.embedding);
    lstm_at = -1;
}

// --- what lies in the files ------------------------------------------------

// A tensor of rows * columns, or of columns * rows where it is to be turned.
static inline int lstm_tensor(const char *data, const char *name, size_t rows,
                              size_t columns, int turned, float *out)
{
    char path[128];
    size_t bytes = 0;
    snprintf(path, sizeof path, "lm-charrnn-ml5/shakespeare/%s", name);
    unsigned char *file = quality_file(data, path, &bytes);
    const int ok = file != NULL && bytes == 4 * rows * columns;
    for (size_t i = 0; ok && i < rows * columns; i++) {
        const size_t from = turned ? i % columns * rows + i / columns : i;
        quality_read(file + 4 * from, 1, out + i);
    }
    free(file);
    return ok;
}

static inline int lstm_weights_load(const char *data)
{
    static const char *const cell[LSTM_CELLS] = {
        "rnnlm_multi_rnn_cell_cell_0_basic_lstm_cell",
        "rnnlm_multi_rnn_cell_cell_1_basic_lstm_cell"};
    lstm_weights *f = &lstm_floats;
    int ok =
        lstm_tensor(data, "embedding", LSTM_VOCAB, LSTM_DIM, 0, f->embedding) &&
        lstm_tensor(data, "rnnlm_softmax_w", LSTM_VOCAB, LSTM_DIM, 1,
                    f->softmax) &&
        lstm_tensor(data, "rnnlm_softmax_b", 1, LSTM_VOCAB, 0, f->bias);

    for (int i = 0; i < LSTM_CELLS && ok; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s_weights", cell[i]);
        ok = lstm_tensor(data, name, LSTM_GATES, LSTM_IN, 1, f->cell[i]);
        snprintf(name, sizeof name, "%s_biases", cell[i]);
        ok = ok && lstm_tensor(data, name, 1, LSTM_GATES, 0, f->gate[i]);
    }
    return ok;
}

// The number of each character from vocab.json: {"c": number, ...}. It
// lacks u and U, which the text therefore is without: -1.
static inline int lstm_numbers(const char *data, int number[256])
{
    size_t bytes = 0;
    unsigned char *file =
        quality_file(data, "lm-charrnn-ml5/shakespeare/vocab.json", &bytes);

    for (int i = 0; i < 256; i++)
        number[i] = -1;
    for (size_t i = 0; file != NULL && i + 4 < bytes; i++) {
        if (file[i] != '"')
            continue;
        unsigned char c = file[++i];
        if (c == '\\')
            c = file[++i] == 'n' ? '\n' : file[i];
        if (i + 3 >= bytes || file[i + 1] != '"')
            continue;
        int n = 0;
        for (i += 2; i < bytes && (file[i] < '0' || file[i] > '9');)
            i++;
        for (; i < bytes && file[i] >= '0' && file[i] <= '9'; i++)
            n = 10 * n + file[i] - '0';
        number[c] = n;
    }
    free(file);
    return file != NULL;
}

// The characters from at on and those before them, by their numbers.
static inline void lstm_text_read(const unsigned char *number, size_t at,
                                  lstm_text *text)
{
    for (size_t s = 0; s < LSTM_STREAMS; s++)
        for (size_t t = 0; t < LSTM_STEPS; t++) {
            const unsigned char *p =
                number + at + s * LSTM_LENGTH + t - LSTM_WARM - 1;
            text->now[t][s] = p[0];
            text->next[t][s] = p[1];
        }
}

static inline int lstm_load(const char *data)
{
    int number[256];
    size_t bytes = 0;

    if (data == NULL || !lstm_weights_load(data) || !lstm_numbers(data, number))
        return 0;
    unsigned char *file =
        quality_file(data, "text/tinyshakespeare.txt", &bytes);
    if (file == NULL)
        return 0;
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        if (number[file[i]] >= 0)
            file[count++] = (unsigned char)number[file[i]];
    const size_t middle = count / 2 - LSTM_CHARS / 2;
    const int ok = count > (size_t)8 * LSTM_CHARS;
    if (ok) {
        lstm_text_read(file, middle, &lstm_learned);
        lstm_text_read(file, middle - LSTM_CHARS, &lstm_held);
        lstm_text_read(file, count - LSTM_CHARS, &lstm_judged);
    }
    free(file);
    return ok;
}

static inline void lstm_layer(quality_net *net, size_t i, const char *name,
                              size_t n, size_t k, const float *w,
                              const float *bias)
{
    qq_drive_layer *layer = &net->layer[i];
    layer->name.name = name;
    layer->name.type = "Linear";
    layer->n = n;
    layer->k = layer->ldw = k;
    layer->w = w;
    layer->bias = bias;
    layer->group = i;
}

// Of each stream length characters calibrate, and judge; LSTM_LENGTH at most.
static inline const quality_net *quality_lstm_of(const char *data,
                                                 size_t length)
{
    static quality_net net;
    const lstm_weights *f = &lstm_floats;

    if (!lstm_load(data))
        return NULL;
    lstm_length = length;
    lstm_look_up(f, &lstm_learned, lstm_float_steps[0]);
    for (int i = 0; i < LSTM_CELLS; i++)
        lstm_cell(f, i, lstm_float_steps[i], lstm_float_steps[i + 1], NULL,
                  NULL);
    net.name = "lstm";
    net.unit = "bits/char";
    net.count = LSTM_CELLS + 1;
    lstm_layer(&net, 0, "cell_0", LSTM_GATES, LSTM_IN, f->cell[0], f->gate[0]);
    lstm_layer(&net, 1, "cell_1", LSTM_GATES, LSTM_IN, f->cell[1], f->gate[1]);
    lstm_layer(&net, 2, "softmax", LSTM_VOCAB, LSTM_DIM, f->softmax, f->bias);
    net.inputs = lstm_inputs;
    net.store = lstm_store;
    net.loss = lstm_loss;
    net.judge = lstm_judge;
    net.reset = lstm_reset;
    lstm_reset();
    return &net;
}

const quality_net *quality_lstm(const char *data)
{
    return quality_lstm_of(data, LSTM_LENGTH);
}

#endif // QQUANT_TESTS_MODELS_QUALITY_LSTM_H
