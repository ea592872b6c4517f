// The gomoku net of QQ_DATA (8x8, five in a row: policy and value) as a
// quality_net. Positions come from games that it plays against itself, moves
// being drawn from its own policy; the first games calibrate, the next are held
// out for loss, the later ones judge.

#ifndef QQUANT_TESTS_MODELS_QUALITY_GOMOKU_H
#define QQUANT_TESTS_MODELS_QUALITY_GOMOKU_H

#include "quality_conv.h"

enum {
    GOMOKU_SIDE = 8,
    GOMOKU_CELLS = GOMOKU_SIDE * GOMOKU_SIDE,
    GOMOKU_PLANES = 4,
    GOMOKU_IN = GOMOKU_CELLS * GOMOKU_PLANES,
    GOMOKU_MOST = 1800, // of a part's positions
    GOMOKU_GAMES = 160,
    GOMOKU_BATCH = 64, // positions at a time
    GOMOKU_POLICY = 5, // the nodes that answer
    GOMOKU_VALUE = 7
};

typedef struct gomoku_part {
    size_t count;
    float x[GOMOKU_MOST * GOMOKU_IN];
    float log_p[GOMOKU_MOST * GOMOKU_CELLS]; // of the float net
    float value[GOMOKU_MOST];
} gomoku_part;

static conv_net gomoku_net;
static gomoku_part gomoku_seen, gomoku_held, gomoku_judged;

// --- the net ----------------------------------------------------------------

// Floats at an offset of the file's data; outputs [n], channels [c] and pixels
// change from [n][c][pixel] to [n][pixel][c].
static inline const float *gomoku_take(const unsigned char *data, size_t n,
                                       size_t c, size_t pixels, float **room)
{
    float *out = *room;
    for (size_t i = 0; i < n * c * pixels; i++)
        quality_read(data + 4 * i, 1,
                     out + (i / (c * pixels) * pixels + i % pixels) * c +
                         i / pixels % c);
    *room += n * c * pixels;
    return out;
}

static inline int gomoku_load(const char *data)
{
    typedef struct part {
        const char *name;
        int in;
        size_t side, n, c, pixels; // a window's side, outputs, channels
        float slope;
        size_t w, b; // where they lie
    } part;
    static const part parts[] = {
        {"conv1", -1, 3, 32, 4, 9, 0, 0, 4608},
        {"conv2", 0, 3, 64, 32, 9, 0, 4736, 78464},
        {"conv3", 1, 3, 128, 64, 9, 0, 78720, 373632},
        {"pol_conv", 2, 1, 4, 128, 1, 0, 374144, 376192},
        {"val_conv", 2, 1, 2, 128, 1, 0, 442000, 443024},
        {"pol_fc", 3, 8, 64, 4, 64, 1, 376208, 441744},
        {"val_fc1", 4, 8, 64, 2, 64, 0, 443032, 475800},
        {"val_fc2", 6, 1, 1, 64, 1, 1, 476056, 476312},
    };
    static float room[130000], *next = room;
    size_t bytes = 0;
    unsigned char *file = quality_file(
        data, "game-gomoku-alphazero/best_policy_8_8_5.safetensors", &bytes);
    if (file == NULL || bytes < 8 || bytes < 8 + conv_u32(file) + 476316u) {
        free(file);
        return 0;
    }
    conv_net *t = &gomoku_net;
    t->node[0].h = t->node[0].w = GOMOKU_SIDE;
    t->node[0].c = GOMOKU_PLANES;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const part *p = &parts[i];
        const unsigned char *at = file + 8 + conv_u32(file);
        const float *w = gomoku_take(at + p->w, p->n, p->c, p->pixels, &next);
        const float *b = gomoku_take(at + p->b, p->n, 1, 1, &next);
        conv_add(t, p->name, CONV_FULL, p->in, p->side, p->side, 1,
                 p->side == 3, p->n, p->slope, w, b);
    }
    free(file);
    return 1;
}

// log p and values of positions.
static inline void gomoku_pass(int which, size_t count, const float *x,
                               float *log_p, float *value)
{
    for (size_t at = 0; at < count; at += GOMOKU_BATCH) {
        const size_t n = count - at < GOMOKU_BATCH ? count - at : GOMOKU_BATCH;
        conv_run r = conv_start(&gomoku_net, which, n, x + at * GOMOKU_IN);
        conv_advance(&gomoku_net, &r, gomoku_net.nodes);
        memcpy(log_p + at * GOMOKU_CELLS, r.out[GOMOKU_POLICY],
               n * GOMOKU_CELLS * sizeof *log_p);
        for (size_t i = 0; i < n; i++) {
            conv_log_softmax(GOMOKU_CELLS, log_p + (at + i) * GOMOKU_CELLS);
            value[at + i] = (float)tanh((double)r.out[GOMOKU_VALUE][i]);
        }
        conv_end(&r);
    }
}

// --- games ------------------------------------------------------------------

typedef struct gomoku_game {
    signed char stone[GOMOKU_CELLS]; // 0, 1 or 2
    size_t moves, last;
    int over;
} gomoku_game;

// What the net sees: rows upside down; mine, theirs, the last move, and ones
// where the number of stones is even.
static inline void gomoku_see(const gomoku_game *g, float *x)
{
    const int me = g->moves % 2 ? 2 : 1;
    for (size_t i = 0; i < GOMOKU_CELLS; i++, x += GOMOKU_PLANES) {
        const size_t cell =
            (GOMOKU_SIDE - 1 - i / GOMOKU_SIDE) * GOMOKU_SIDE + i % GOMOKU_SIDE;
        x[0] = g->stone[cell] == me ? 1.0f : 0.0f;
        x[1] = g->stone[cell] == 3 - me ? 1.0f : 0.0f;
        x[2] = g->moves > 0 && g->last == cell ? 1.0f : 0.0f;
        x[3] = g->moves % 2 ? 0.0f : 1.0f;
    }
}

// Stones of a kind from a cell on in one direction, that cell left out.
static inline int gomoku_line(const gomoku_game *g, int y, int x, int dy,
                              int dx)
{
    const int me = g->stone[y * GOMOKU_SIDE + x];
    int count = 0;
    for (y += dy, x += dx;
         y >= 0 && y < GOMOKU_SIDE && x >= 0 && x < GOMOKU_SIDE &&
         g->stone[y * GOMOKU_SIDE + x] == me;
         y += dy, x += dx)
        count++;
    return count;
}

static inline void gomoku_move(gomoku_game *g, size_t cell)
{
    const int y = (int)(cell / GOMOKU_SIDE), x = (int)(cell % GOMOKU_SIDE);
    g->stone[cell] = g->moves % 2 ? 2 : 1;
    g->last = cell;
    g->moves++;
    g->over = g->moves == GOMOKU_CELLS;
    for (int i = 0; i < 4; i++) {
        const int dy = i > 0, dx = i < 2 ? 1 : i == 2 ? 0 : -1;
        g->over |=
            gomoku_line(g, y, x, dy, dx) + gomoku_line(g, y, x, -dy, -dx) >= 4;
    }
}

// A free cell drawn from the policy, u being uniform in [0, 1).
static inline size_t gomoku_draw(const gomoku_game *g, const float *log_p,
                                 double u)
{
    double p[GOMOKU_CELLS], sum = 0;
    size_t cell = 0;
    for (size_t i = 0; i < GOMOKU_CELLS; i++) {
        p[i] = g->stone[i] ? 0 : exp((double)log_p[i]) + 1e-30;
        sum += p[i];
    }
    for (u *= sum; cell + 1 < GOMOKU_CELLS && (u >= p[cell] || p[cell] <= 0);
         cell++)
        u -= p[cell];
    while (g->stone[cell])
        cell--;
    return cell;
}

// A game with all that was seen and answered in it.
typedef struct gomoku_record {
    float x[GOMOKU_CELLS * GOMOKU_IN], log_p[GOMOKU_CELLS * GOMOKU_CELLS];
    float value[GOMOKU_CELLS];
} gomoku_record;

// Plays games side by side until all are over.
static inline void gomoku_play(gomoku_game *games, gomoku_record *records)
{
    static float x[GOMOKU_GAMES * GOMOKU_IN];
    static float log_p[GOMOKU_GAMES * GOMOKU_CELLS], value[GOMOKU_GAMES];
    static float u[GOMOKU_GAMES];
    const qq_key key = qq_key_make(8, 0);
    for (uint32_t turn = 0; turn < GOMOKU_CELLS; turn++) {
        size_t n = 0, at = 0;
        for (size_t i = 0; i < GOMOKU_GAMES; i++)
            if (!games[i].over)
                gomoku_see(&games[i], x + n++ * GOMOKU_IN);
        gomoku_pass(CONV_FLOAT, n, x, log_p, value);
        qq_random_unit(qq_key_fold_in(key, turn), QQ_RANDOM_PARTITIONABLE,
                       QQ_TYPE_F32, GOMOKU_GAMES, 0, GOMOKU_GAMES, u, sizeof u);
        for (size_t i = 0; i < GOMOKU_GAMES; i++) {
            gomoku_record *r = &records[i];
            const float *p = log_p + at * GOMOKU_CELLS;
            if (games[i].over)
                continue;
            memcpy(r->x + turn * GOMOKU_IN, x + at * GOMOKU_IN,
                   GOMOKU_IN * sizeof *x);
            memcpy(r->log_p + turn * GOMOKU_CELLS, p, GOMOKU_CELLS * sizeof *p);
            r->value[turn] = value[at++];
            gomoku_move(&games[i], gomoku_draw(&games[i], p, (double)u[i]));
        }
    }
}

// Whole games from one on until a part has count positions; the next game.
static inline size_t gomoku_fill(gomoku_part *part, size_t count, size_t game,
                                 const gomoku_game *games,
                                 const gomoku_record *records)
{
    for (; game < GOMOKU_GAMES && part->count < count; game++) {
        const gomoku_record *r = &records[game];
        const size_t at = part->count, n = games[game].moves;
        memcpy(part->x + at * GOMOKU_IN, r->x, n * GOMOKU_IN * sizeof *r->x);
        memcpy(part->log_p + at * GOMOKU_CELLS, r->log_p,
               n * GOMOKU_CELLS * sizeof *r->log_p);
        memcpy(part->value + at, r->value, n * sizeof *r->value);
        part->count += n;
    }
    return game;
}

static inline void gomoku_games(size_t divide)
{
    static gomoku_game games[GOMOKU_GAMES];
    gomoku_record *records =
        (gomoku_record *)conv_alloc(GOMOKU_GAMES * sizeof *records);
    for (size_t i = 0; i < GOMOKU_GAMES; i++)
        games[i].over = i % divide != 0;
    gomoku_play(games, records);
    size_t next = gomoku_fill(&gomoku_seen, 500 / divide, 0, games, records);
    next = gomoku_fill(&gomoku_held, 200 / divide, next, games, records);
    gomoku_fill(&gomoku_judged, 1600 / divide, next, games, records);
    free(records);
}

// --- how good it is ---------------------------------------------------------

// How often the best move stays what it was, in percent; KL of the policy to
// the float net's; the mean squared error of the value.
static inline double gomoku_measure(const gomoku_part *p, double *kl,
                                    double *value)
{
    static float log_p[GOMOKU_MOST * GOMOKU_CELLS], v[GOMOKU_MOST];
    size_t same = 0;
    gomoku_pass(CONV_NOW, p->count, p->x, log_p, v);
    *kl = *value = 0;
    for (size_t i = 0; i < p->count; i++) {
        const float *q = log_p + i * GOMOKU_CELLS;
        const float *f = p->log_p + i * GOMOKU_CELLS;
        const double d = (double)v[i] - (double)p->value[i];
        same += conv_top(GOMOKU_CELLS, f) == conv_top(GOMOKU_CELLS, q);
        *kl += conv_kl(GOMOKU_CELLS, f, q) / (double)p->count;
        *value += d * d / (double)p->count;
    }
    return 100.0 * (double)same / (double)p->count;
}

static inline int gomoku_inputs(void *user, size_t first, size_t count,
                                int propagated, qq_drive_sink *sink)
{
    (void)user;
    return conv_inputs(&gomoku_net, first, count, propagated, sink);
}

static inline int gomoku_store(void *user, const qq_drive_result *r)
{
    (void)user;
    return conv_store(&gomoku_net, r);
}

// Of both heads.
static inline int gomoku_loss(void *user, double *loss)
{
    double value;
    (void)user;
    gomoku_measure(&gomoku_held, loss, &value);
    *loss += value;
    return 0;
}

static inline double gomoku_judge(double *kl)
{
    double value;
    return gomoku_measure(&gomoku_judged, kl, &value);
}

static inline void gomoku_reset(void)
{
    conv_reset(&gomoku_net);
}

// With a divide-th of the games.
static inline const quality_net *gomoku_start(const char *data, size_t divide)
{
    quality_net *q = &gomoku_net.quality;
    if (q->count > 0)
        return q;
    if (!gomoku_load(data))
        return NULL;
    q->name = "gomoku";
    q->unit = "%";
    q->rising = 1;
    q->inputs = gomoku_inputs;
    q->store = gomoku_store;
    q->loss = gomoku_loss;
    q->judge = gomoku_judge;
    q->reset = gomoku_reset;
    gomoku_net.every = 1;
    conv_layers(&gomoku_net);
    conv_reset(&gomoku_net);
    gomoku_games(divide);
    for (int which = 0; which < 2; which++)
        gomoku_net.run[which] =
            conv_start(&gomoku_net, which, gomoku_seen.count, gomoku_seen.x);
    return q;
}

const quality_net *quality_gomoku(const char *data)
{
    return gomoku_start(data, 1);
}

#endif // QQUANT_TESTS_MODELS_QUALITY_GOMOKU_H
