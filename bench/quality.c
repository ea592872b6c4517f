// How good real nets of QQ_DATA are at few bits, and what each step adds:
//
//   QQ_DATA=dir quality [net=stories,lstm] [rows=4:0,3:32,ternary:32,planes2]
//                       [stories=120] [how=nearest,gptq,parallel,target]
//                       [choose] [repeats=1] [onebit]
//
// A row is bits (or ternary):columns of a scale, 0 for all, or so many planes
// of OneBit. How:
//
//   nearest   nearest codes, the largest weight half a step out; planes: SVID
//   gptq      searched scales and GPTQ's codes, no more
//   parallel  the recipe, calibrated on the float net
//   target    the recipe, calibrated on the net quantized so far
//   chosen    the best of some settings of it on held-out data (word choose)
//
// floor and aim are what "parallel" (upconv: "target") and "target" should
// reach. The column layers: "all", or "keep" where the first layer and
// depthwise ones have 8 bits, or "embedding" where the embedding has as few
// bits as all others; else it has 8. onebit prints, for each layer, the output
// errors of 1 to 3 planes on rows that the solver has not seen.

#define _GNU_SOURCE 1

#include "../tests/models/quality_gomoku.h"
#include "../tests/models/quality_kws.h"
#include "../tests/models/quality_lstm.h"
#include "../tests/models/quality_mnist.h"
#include "../tests/models/quality_stories.h"
#include "../tests/models/quality_upconv.h"
#include "quality_onebit.h"

#include "harness.h"

// --- goals -----------------------------------------------------------------

enum { ALL = 0, KEEP = 1, EMBEDDING = 2 }; // layers

typedef struct goal {
    const char *net;
    const char *row;
    int layers;
    double floor;
    double aim;
} goal;

static const goal goals[] = {
    {"stories", "8:0", ALL, 3.557, 3.555},
    {"stories", "4:0", ALL, 3.80, 3.72},
    {"stories", "4:32", ALL, 3.75, 3.66},
    {"stories", "3:0", ALL, 5.0, 4.33},
    {"stories", "3:32", ALL, 4.8, 4.16},
    {"stories", "2:0", ALL, 21, 9.2},
    {"stories", "2:32", ALL, 19.5, 8.67},
    {"stories", "ternary:32", ALL, 60, 15.4},
    {"stories", "planes1", ALL, 180, 33},
    {"stories", "planes2", ALL, 19, 8.6},
    {"stories", "planes3", ALL, 5.2, 4.4},
    {"stories", "4:0", EMBEDDING, 3.85, 3.78},
    {"stories", "4:32", EMBEDDING, 3.78, 3.71},
    {"stories", "3:32", EMBEDDING, 5.0, 4.56},
    {"mnist", "3:0", ALL, 98.1, 98.25},
    {"mnist", "2:0", ALL, 97.6, 98.15},
    {"mnist", "ternary:0", ALL, 97.0, 98.0},
    {"mnist", "planes1", ALL, 96.3, 97.6},
    {"mnist", "planes2", ALL, 97.9, 98.2},
    {"kws", "4:0", ALL, 91.0, 91.4},
    {"kws", "3:0", ALL, 88, 91.0},
    {"kws", "2:0", ALL, 65, 88.5},
    {"kws", "2:0", KEEP, 77, 90},
    {"kws", "ternary:0", KEEP, 76, 89},
    {"kws", "planes1", KEEP, 25, 80},
    {"kws", "planes2", KEEP, 83, 90},
    {"gomoku", "4:32", ALL, 88, 93.5},
    {"gomoku", "3:32", ALL, 80, 89},
    {"gomoku", "2:32", ALL, 55, 73},
    {"gomoku", "planes1", ALL, 10, 53},
    {"gomoku", "planes2", ALL, 35, 78},
    {"gomoku", "planes3", ALL, 50, 88},
    {"lstm", "4:0", ALL, 2.48, 2.447},
    {"lstm", "4:32", ALL, 2.46, 2.443},
    {"lstm", "3:0", ALL, 2.59, 2.54},
    {"lstm", "3:32", ALL, 2.54, 2.49},
    {"lstm", "2:0", ALL, 2.97, 2.76},
    {"lstm", "2:32", ALL, 2.86, 2.70},
    {"lstm", "ternary:32", ALL, 3.18, 2.91},
    {"lstm", "planes1", ALL, 4.2, 3.4},
    {"lstm", "planes2", ALL, 3.0, 2.71},
    {"lstm", "planes3", ALL, 2.65, 2.53},
    {"upconv", "4:0", ALL, 29.8, 29.95},
    {"upconv", "3:32", ALL, 29.5, 29.9},
    {"upconv", "2:32", ALL, 28.5, 29.2},
    {"upconv", "ternary:32", ALL, 27.8, 28.8},
    {"upconv", "planes1", ALL, 25, 25.9},
    {"upconv", "planes2", ALL, 28.3, 28.8},
};

static const goal *goal_of(const char *net, const char *bits, int layers)
{
    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++)
        if (strcmp(goals[i].net, net) == 0 && strcmp(goals[i].row, bits) == 0 &&
            goals[i].layers == layers)
            return &goals[i];
    return NULL;
}

// --- recipes ---------------------------------------------------------------

// "3:32" and its like; 0 for what is none.
static int recipe_of(const char *bits, qq_recipe *r)
{
    const char *colon = strchr(bits, ':');
    const size_t tile = colon ? strtoul(colon + 1, NULL, 10) : 0;

    if (strncmp(bits, "planes", 6) == 0)
        *r = qq_recipe_planes((unsigned)strtoul(bits + 6, NULL, 10));
    else if (strncmp(bits, "ternary", 7) == 0)
        *r = qq_recipe_ternary(tile);
    else
        *r = qq_recipe_init((unsigned)strtoul(bits, NULL, 10), tile);
    return qq_recipe_check(r) == QQ_OK;
}

// Where a rotation helps.
static int turns(const quality_net *net)
{
    return list_has(word_of("rotate", "lstm,gomoku,upconv,mnist"), net->name);
}

static int recurrent(const quality_net *net)
{
    return strcmp(net->name, "lstm") == 0;
}

// A step of the way from nearest codes to the whole recipe; 0: no such step.
static int recipe_for(const quality_net *net, const char *how, qq_recipe *r)
{
    if (strcmp(how, "gptq") == 0) {
        r->propagation = QQ_PROPAGATION_NONE;
        r->bias = 0;
        r->fit.rounds = 0;
        r->fit.sweeps = 0;
        r->fit.scales = 1;
        return r->quantizer == QQ_QUANTIZER_FIT;
    }
    r->rotate = turns(net);
    if (strcmp(how, "parallel") == 0) {
        r->rotate = 0;
        r->propagation = QQ_PROPAGATION_NONE;
    } else if (recurrent(net)) {
        r->repeats = (unsigned)word_number("repeats", 1);
    }
    r->bias = (int)word_number("bias", 1);
    r->lambda = word_number("lambda", r->lambda);
    r->target.alpha = word_number("alpha", r->target.alpha);
    r->target.rho = word_number("rho", r->target.rho);
    r->target.ridge = word_number("ridge", r->target.ridge);
    r->fit.scales = (unsigned)word_number("scales", r->fit.scales);
    r->onebit.anneal = (unsigned)word_number("anneal", r->onebit.anneal);
    return 1;
}

// --- nearest codes ---------------------------------------------------------

// level (of the grid) * scale, scale being what puts the largest weight half a
// step beyond the outermost of them; ternary: on it.
static void nearest(const qq_recipe *r, size_t n, size_t k, const float *w,
                    float *v)
{
    const size_t tile = r->tile ? r->tile : k;
    const int half = r->grid.kind == QQ_GRID_HALF_STEP;
    const int odd = r->grid.count == 3;
    const float outer = odd ? 1.0f : 0.5f * (float)r->grid.count;
    const float z = half || odd ? 0.5f * (float)(r->grid.count - 1) : outer;

    for (size_t i = 0; i < n * k; i++) {
        const size_t j = i % k;
        float top = 0;
        for (size_t c = j / tile * tile; c < k && c < j / tile * tile + tile;
             c++)
            top = fabsf(w[i - j + c]) > top ? fabsf(w[i - j + c]) : top;
        const float scale = top / (odd ? 1.0f : outer - 0.5f);
        float code = scale > 0 ? rintf(w[i] / scale + z) : 0;
        code = code < 0 ? 0 : code;
        code = code > (float)(r->grid.count - 1) ? (float)(r->grid.count - 1)
                                                 : code;
        v[i] = (code - z) * scale;
    }
}

static void nearest_store(const quality_net *net, size_t i, const qq_recipe *r)
{
    const qq_drive_layer *l = &net->layer[i];
    float *v = quality_floats(l->n * l->k);
    qq_drive_result result;

    if (r->quantizer == QQ_QUANTIZER_ONEBIT)
        svid(r->onebit.planes, l->n, l->k, l->w, v);
    else
        nearest(r, l->n, l->k, l->w, v);
    memset(&result, 0, sizeof result);
    result.layer = i;
    result.recipe = r;
    result.v = v;
    result.bias = l->bias;
    net->store(NULL, &result);
    free(v);
}

// --- one net under one recipe ----------------------------------------------

typedef struct outcome {
    double metric;
    double kl;
    double seconds;
    int set; // of those to choose from
} outcome;

static double cpu_seconds(void *user)
{
    struct timespec t;
    (void)user;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(qq_status status, const char *what)
{
    if (status == QQ_OK)
        return;
    fprintf(stderr, "quality: %s: %s\n", what, qq_status_string(status));
    exit(1);
}

// A drive of the net: layers that keep 8 bits have recipe 1, those that stay
// recipe 2.
static qq_drive drive_of(const quality_net *net, qq_drive_layer *layer,
                         int layers)
{
    qq_drive d = qq_drive_init();

    memcpy(layer, net->layer, sizeof net->layer);
    for (size_t i = 0; i < net->count; i++)
        layer[i].recipe = net->keeps[i] == 2                     ? 2
                          : net->keeps[i] == 1 && layers == KEEP ? 1
                                                                 : 0;
    d.layers = layer;
    d.count = net->count;
    d.inputs = net->inputs;
    d.store = net->store;
    d.loss = net->loss;
    return d;
}

// With the two recipes for layers that are kept, beside r.
static void recipes_of(const qq_recipe *r, qq_recipe all[3])
{
    all[0] = *r;
    all[1] = qq_recipe_init(8, 0);
    all[1].propagation = r->propagation;
    all[1].repeats = r->repeats;
    all[2] = qq_recipe_init(8, 0);
    all[2].quantizer = QQ_QUANTIZER_NONE;
}

static void run(qq_drive *d)
{
    const size_t room = qq_drive_scratch_size(d);
    void *scratch = room == SIZE_MAX ? NULL : quality_memory(room);

    must(qq_drive_run(d, NULL, scratch, room), d->layers[0].name.name);
    free(scratch);
}

// The embedding alone, in parallel, before all others.
static void run_embedding(const quality_net *net, const qq_recipe *r)
{
    qq_drive_layer layer[QUALITY_LAYERS];
    qq_drive d = drive_of(net, layer, ALL);
    qq_recipe all[3];

    recipes_of(r, all);
    all[0].propagation = QQ_PROPAGATION_NONE;
    all[0].repeats = 0;
    for (size_t i = 0; i < net->count; i++)
        layer[i].recipe = net->keeps[i] == 2 ? 0 : 2;
    d.recipes = all;
    d.recipe_count = 3;
    run(&d);
}

static outcome outcome_of(const quality_net *net, double since)
{
    outcome o;
    o.seconds = cpu_seconds(NULL) - since;
    o.metric = net->judge(&o.kl);
    o.set = 0;
    return o;
}

static outcome by_nearest(const quality_net *net, const qq_recipe *r,
                          int layers)
{
    const qq_recipe eight = qq_recipe_init(8, 0);
    const double since = cpu_seconds(NULL);

    net->reset();
    for (size_t i = 0; i < net->count; i++)
        if (net->keeps[i] != 2 || layers == EMBEDDING)
            nearest_store(net, i,
                          net->keeps[i] == 1 && layers == KEEP ? &eight : r);
    return outcome_of(net, since);
}

static outcome by_drive(const quality_net *net, const qq_recipe *r, int layers)
{
    qq_drive_layer layer[QUALITY_LAYERS];
    qq_drive d = drive_of(net, layer, layers);
    qq_recipe all[3];
    const double since = cpu_seconds(NULL);

    net->reset();
    if (layers == EMBEDDING)
        run_embedding(net, r);
    recipes_of(r, all);
    d.recipes = all;
    d.recipe_count = 3;
    if (r->propagation == QQ_PROPAGATION_NONE)
        d.together = net->layer[net->count - 1].group + 1;
    run(&d);
    return outcome_of(net, since);
}

// Alpha, rotation and, at 2 bits, the grid, on what loss sees.
static outcome by_choice(const quality_net *net, const qq_recipe *r, int layers)
{
    enum { SETS = 12 };
    static qq_recipe set[SETS][3];
    qq_drive_layer layer[QUALITY_LAYERS];
    qq_drive d = drive_of(net, layer, layers);
    const double since = cpu_seconds(NULL);
    const int grids =
        r->quantizer == QQ_QUANTIZER_FIT && r->grid.count == 4 ? 2 : 1;
    double losses[SETS];
    size_t best;

    net->reset();
    if (layers == EMBEDDING)
        run_embedding(net, r);
    for (int i = 0; i < 6 * grids; i++) {
        recipes_of(r, set[i]);
        set[i][0].target.alpha = 0.5 + 0.25 * (i % 3);
        set[i][0].rotate = i / 3 % 2;
        if (i / 6 == 1)
            set[i][0].grid = qq_grid_integer(2);
    }
    d.recipes = set[0];
    d.recipe_count = 3;
    const size_t room = qq_drive_scratch_size(&d);
    void *scratch = quality_memory(room);
    must(qq_drive_choose(&d, (size_t)(6 * grids), set[0], losses, &best, NULL,
                         scratch, room),
         "choose");
    free(scratch);
    outcome o = outcome_of(net, since);
    o.set = (int)best;
    return o;
}

// --- rows ------------------------------------------------------------------

static void print(const quality_net *net, const char *bits, int layers,
                  const char *how, const outcome *o)
{
    static const char *const name[] = {"all", "keep", "embedding"};
    const goal *g = goal_of(net->name, bits, layers);
    char floor[16] = "-", aim[16] = "-", state[24] = "-";

    if (g != NULL) {
        const double sign = net->rising ? -1 : 1;
        snprintf(floor, sizeof floor, "%g", g->floor);
        snprintf(aim, sizeof aim, "%g", g->aim);
        snprintf(state, sizeof state, "%s",
                 sign * o->metric <= sign * g->aim     ? "aim"
                 : sign * o->metric <= sign * g->floor ? "floor"
                                                       : "below");
    }
    printf("%s\t%s\t%s\t%s\t%.4f\t%s\t%.5f\t%.2f\t%s\t%s\t%s", net->name, bits,
           name[layers], how, o->metric, net->unit, o->kl, o->seconds, floor,
           aim, state);
    if (strcmp(how, "chosen") == 0)
        printf("\talpha %g%s%s", 0.5 + 0.25 * (o->set % 3),
               o->set / 3 % 2 ? ", rotated" : "",
               o->set / 6 == 1 ? ", integers" : "");
    printf("\n");
    fflush(stdout);
}

static void row_of(const quality_net *net, const char *bits, int layers)
{
    static const char *const steps[] = {"nearest", "gptq", "parallel",
                                        "target"};
    const char *wanted = word_of("how", "nearest,gptq,parallel,target");
    qq_recipe r;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!list_has(wanted, steps[i]))
            continue;
        if (!recipe_of(bits, &r)) {
            fprintf(stderr, "quality: no row: %s\n", bits);
            return;
        }
        // At 2 bits nearest codes are those of the integers.
        if (r.grid.count == 4 &&
            (i == 0 || strcmp(word_of("grid", ""), "integer") == 0))
            r.grid = qq_grid_integer(2);
        if (i > 0 && !recipe_for(net, steps[i], &r))
            continue;
        const outcome o =
            i == 0 ? by_nearest(net, &r, layers) : by_drive(net, &r, layers);
        print(net, bits, layers, steps[i], &o);
    }
    if (word_of("choose", NULL) != NULL && recipe_of(bits, &r) &&
        recipe_for(net, "target", &r)) {
        const outcome o = by_choice(net, &r, layers);
        print(net, bits, layers, "chosen", &o);
    }
}

static void net_of(const quality_net *net)
{
    const char *list =
        word_of("rows", "8:0,4:0,4:32,3:0,3:32,2:0,2:32,ternary:0,ternary:32,"
                        "planes1,planes2,planes3");
    const char *layers = word_of("layers", "all,keep,embedding");
    char bits[32];

    if (net == NULL)
        return;
    for (int i = 0; item_at(list, i, bits); i++) {
        if (list_has(layers, "all"))
            row_of(net, bits, ALL);
        if (list_has(layers, "keep") && goal_of(net->name, bits, KEEP))
            row_of(net, bits, KEEP);
        if (list_has(layers, "embedding") &&
            goal_of(net->name, bits, EMBEDDING))
            row_of(net, bits, EMBEDDING);
    }
}

static const quality_net *stories(const char *data)
{
    return quality_stories_of(data, (size_t)word_number("stories", 40), 40);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        const quality_net *(*open)(const char *data);
    } nets[] = {{"stories", stories},   {"mnist", quality_mnist},
                {"kws", quality_kws},   {"gomoku", quality_gomoku},
                {"lstm", quality_lstm}, {"upconv", quality_upconv}};
    const char *data = getenv("QQ_DATA");

    words_are(argc, argv);
    if (word_of("onebit", NULL) == NULL)
        puts("net\trow\tlayers\thow\tmetric\tunit\tKL nats\tcpu s\tfloor\taim\t"
             "reached");
    else
        onebit_head();
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        if (!list_has(word_of("net", "all"), nets[i].name))
            continue;
        const quality_net *net = nets[i].open(data);
        if (net == NULL)
            fprintf(stderr, "quality: QQ_DATA holds no %s, skipped\n",
                    nets[i].name);
        else if (word_of("onebit", NULL) == NULL)
            net_of(net);
        else
            onebit_net(net);
    }
    if (word_of("onebit", NULL) != NULL)
        onebit_all();
    return 0;
}
