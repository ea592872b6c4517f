// Tokens per second of the story model of QQ_DATA, a Llama of 260,000
// parameters, per type:
//
//   QQ_DATA=dir story [type=int4,int8] [isa=best] [time=0.3] [bare]
//
// generate: greedy, token by token, 256 of them; prompt: as many at once. The
// model around the products (attention, norms, SiLU in plain C with expf) is
// that of the tests; "products" are its matrices alone, in the same shapes.

#define _GNU_SOURCE 1

#include "harness.h"

#include "../tests/models/stories.h"

enum { TOKENS = 256 };

static story_model net;
static size_t tokens[LONGEST];
static float logits[LONGEST * VOCAB];

static size_t likeliest(const float *y)
{
    size_t best = 0;

    for (size_t i = 1; i < VOCAB; i++)
        if (y[i] > y[best])
            best = i;
    return best;
}

static void generate(void *arg, size_t i)
{
    size_t token = 1; // a story begins

    for (size_t t = 0; t < TOKENS; t++) {
        story_run(&net, &token, t, 1, logits);
        tokens[t] = token;
        token = likeliest(logits);
    }
    (void)arg;
    (void)i;
}

static void prompt(void *arg, size_t i)
{
    story_run(&net, tokens, 0, TOKENS, logits);
    (void)arg;
    (void)i;
}

// The products of TOKENS tokens, one by one or all at once.
static void products(void *arg, size_t i)
{
    const size_t at_once = *(const size_t *)arg;

    for (size_t t = 0; t < TOKENS; t += at_once)
        for (int id = 0; id < MATRICES; id++)
            story_product(&net, id, at_once,
                          id % A_LAYER == W2 && id != EMB ? net.u : net.n,
                          logits);
    (void)i;
}

static double per_token(timed call, void *arg)
{
    samples s = {NULL, 0, 0};

    sample_for(call, arg, word_number("time", 0.3), &s);
    const double middle = quantile(&s, 0.5) / (double)TOKENS;
    free(s.at);
    return middle;
}

static void print(const char *type, const char *scales, const char *input,
                  size_t bytes)
{
    size_t one = 1, all = TOKENS;
    const double slow = per_token(generate, NULL);
    const double slow_products = per_token(products, &one);
    const double fast = per_token(prompt, NULL);
    const double fast_products = per_token(products, &all);

    printf("story\tqquant\t%s\t%s\t%s\t%s\t%lu\t%.0f\t%.2f\t%.0f\t%.2f\n", type,
           scales, input, qq_isa_name(qq_isa_in_use()), (unsigned long)bytes,
           1.0 / slow, 1e6 * slow_products, 1.0 / fast, 1e6 * fast_products);
    fflush(stdout);
}

static int use_isa(const char *name)
{
    for (int i = 0; i < 64; i++)
        if (strcmp(qq_isa_name((qq_isa)i), name) == 0)
            return qq_use_isa((qq_isa)i) == QQ_OK;
    return strcmp(name, "best") == 0;
}

int main(int argc, char **argv)
{
    words_are(argc, argv);
    if (!use_isa(word_of("isa", "best"))) {
        fprintf(stderr, "story: no such instruction set here, skipped\n");
        return 0;
    }
    if (!story_load(&net)) {
        fprintf(stderr, "story: QQ_DATA holds no such model, skipped\n");
        return 0;
    }
    if (!word_of("bare", NULL))
        puts("work\twho\ttype\ttile\tinput\tisa\tbytes\tgenerate tokens/s\t"
             "products us\tprompt tokens/s\tproducts us");
    const char *types = word_of("type", "all");
    if (list_has(types, "f32"))
        print("f32", "none", "f32", sizeof net.f);
    for (size_t i = 0; i < MODEL_ROWS; i++) {
        const char *type = qq_type_name(model_rows[i].type);
        const qq_scheme s = model_scheme(model_rows[i]);
        char scales[16] = "row";
        if (!list_has(types, type))
            continue;
        if (model_rows[i].tile > 0)
            snprintf(scales, sizeof scales, "%u", (unsigned)model_rows[i].tile);
        const size_t bytes = story_pack(&net, &s, QQ_INPUT_DEFAULT);
        print(type, scales,
              model_rows[i].type == QQ_TYPE_E4M3FN ? "f32" : "int8", bytes);
    }
    return 0;
}
