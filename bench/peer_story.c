// The story model of QQ_DATA run by llama.cpp, beside the rows of story.c:
//
//   QQ_DATA=dir peer_story ggml=FOLDER [variant=sapphirerapids] [bare]
//       [ftype=0,2,7]
//
// The numbers are llama.cpp's own for all f32 (0), q4_0 (2), q8_0 (7). Its
// blocks of 32 do not divide the 172 columns of one matrix in seven, which it
// keeps in another type. One thread. ":plain" is without its fused attention,
// which heads of 8 numbers do not suit. Structs that go by value are declared
// longer than any version of theirs; only members that are found are touched.

#define _GNU_SOURCE 1

#include "limit.h"
#include "peer_ggml.h"

enum { TOKENS = 256, VOCAB = 512 };

typedef union llama_struct {
    unsigned char bytes[1024];
    uint32_t word[256];
    void *pointer[128];
} llama_struct;

typedef struct llama_batch {
    int32_t count;
    int32_t *token;
    void *others[5];
} llama_batch;

#define LLAMA_CALLS(X)                                                         \
    X(llama_struct, model_default_params, (void))                              \
    X(llama_struct, context_default_params, (void))                            \
    X(llama_struct, model_quantize_default_params, (void))                     \
    X(void *, model_load_from_file, (const char *, llama_struct))              \
    X(void *, init_from_model, (void *, llama_struct))                         \
    X(uint32_t, model_quantize,                                                \
      (const char *, const char *, const llama_struct *))                      \
    X(void, set_n_threads, (void *, int32_t, int32_t))                         \
    X(llama_batch, batch_get_one, (int32_t *, int32_t))                        \
    X(int32_t, decode, (void *, llama_batch))                                  \
    X(float *, get_logits_ith, (void *, int32_t))                              \
    X(void *, get_memory, (void *))                                            \
    X(void, memory_clear, (void *, bool))                                      \
    X(void, free, (void *))                                                    \
    X(void, log_set, (void (*)(int, const char *, void *), void *))

#define LLAMA_MEMBER(result, name, arguments) result(*name) arguments;
static struct {
    LLAMA_CALLS(LLAMA_MEMBER)
    void *context;
} llama;

static int32_t tokens[TOKENS];

static int llama_open(void)
{
    char folder[1024], name[64];
    int found = 1;

    ggml_folder(folder);
    void *library = ggml_library(folder, "libllama.so");
    if (library == NULL)
        library = ggml_library(folder, "libllama.v0.5.0.so");
    if (library == NULL) {
        fprintf(stderr, "llama.cpp: %s, skipped\n", dlerror());
        return 0;
    }
#define LLAMA_FIND(result, call, arguments)                                    \
    snprintf(name, sizeof name, "llama_%s", #call);                            \
    {                                                                          \
        void *p = dlsym(library, name);                                        \
        memcpy(&llama.call, &p, sizeof p);                                     \
        found = found && p != NULL;                                            \
    }
    LLAMA_CALLS(LLAMA_FIND)
    if (!found)
        fprintf(stderr, "llama.cpp: calls are missing, skipped\n");
    return found;
}

static int decode(int32_t *first, int32_t count)
{
    return llama.decode(llama.context, llama.batch_get_one(first, count));
}

static void generate(void *arg, size_t i)
{
    int32_t token = 1;

    llama.memory_clear(llama.get_memory(llama.context), true);
    for (int t = 0; t < TOKENS; t++) {
        tokens[t] = token;
        if (decode(&token, 1) != 0)
            exit(1);
        const float *y = llama.get_logits_ith(llama.context, -1);
        token = 0;
        for (int j = 1; j < VOCAB; j++)
            token = y[j] > y[token] ? j : token;
    }
    (void)arg;
    (void)i;
}

// Only the last token's logits are made.
static void prompt(void *arg, size_t i)
{
    llama.memory_clear(llama.get_memory(llama.context), true);
    if (decode(tokens, TOKENS) != 0)
        exit(1);
    (void)arg;
    (void)i;
}

static double per_token(timed call)
{
    samples s = {NULL, 0, 0};

    sample_for(call, NULL, word_number("time", 0.3), &s);
    const double middle = quantile(&s, 0.5) / (double)TOKENS;
    free(s.at);
    return middle;
}

// A file of the type; f32 is the one that is there.
static int quantize(const char *from, int type, const char *to)
{
    llama_struct q = llama.model_quantize_default_params();

    q.word[0] = 1;              // threads
    q.word[1] = (uint32_t)type; // the type of most tensors
    return llama.model_quantize(from, to, &q) == 0;
}

// Four members in a row that are -1 by default: kinds of rope, pooling and
// attention, and whether attention is fused.
static llama_struct settings(int plain)
{
    llama_struct s;
    int found = 0;

    memset(&s, 0, sizeof s);
    s = llama.context_default_params();
    for (int i = 0; i < 16 && plain && found < 4; i++) {
        found = s.word[i] == UINT32_MAX ? found + 1 : 0;
        if (found == 4)
            s.word[i] = 0;
    }
    return s;
}

static void run(const char *path, const char *name, const char *variant,
                int plain)
{
    void *model =
        llama.model_load_from_file(path, llama.model_default_params());

    llama.context =
        model ? llama.init_from_model(model, settings(plain)) : NULL;
    if (llama.context == NULL) {
        fprintf(stderr, "llama.cpp: does not load %s\n", name);
        return;
    }
    llama.set_n_threads(llama.context, 1, 1);
    const double slow = per_token(generate), fast = per_token(prompt);
    printf("story\tllama.cpp\t%s%s\t-\t-\t%s\t-\t%.0f\t-\t%.0f\t-\n", name,
           plain ? ":plain" : "", variant, 1.0 / slow, 1.0 / fast);
    fflush(stdout);
    llama.free(llama.context);
}

int main(int argc, char **argv)
{
    static const struct {
        int type;
        const char *name;
    } types[] = {{0, "f32"}, {7, "q8_0"}, {2, "q4_0"}};
    const char *data = getenv("QQ_DATA");
    char from[1200], to[64];

    words_are(argc, argv);
    const char *variant = word_of("variant", "sapphirerapids");
    if (data == NULL || strlen(data) > 1000) {
        fprintf(stderr, "story: QQ_DATA holds no such model, skipped\n");
        return 0;
    }
    if (!ggml_open(variant, 1) || !llama_open())
        return 0;
    llama.log_set(ggml_quiet, NULL);
    snprintf(from, sizeof from, "%s/lm-stories260k/stories260K.gguf", data);
    snprintf(to, sizeof to, "/tmp/story-%ld.gguf", (long)getpid());
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const char *path = types[i].type == 0 ? from : to;
        if (path == to && !quantize(from, types[i].type, to)) {
            fprintf(stderr, "llama.cpp: does not make %s\n", types[i].name);
            continue;
        }
        for (int plain = 0; plain < 2; plain++)
            run(path, types[i].name, variant, plain);
    }
    (void)remove(to);
    return 0;
}
