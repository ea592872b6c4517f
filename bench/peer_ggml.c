// ggml's products and encoders on the numbers of bench.c, as rows beside its.
//
//   peer_ggml ggml=FOLDER [variant=sapphirerapids] [type=q4_0,q4_0:repack]
//       [work=product,encode] [size=|n= k=] [m=] [threads=1] [heat=] [huge]
//
// A type alone has ggml's plain buffer, :repack its interleaved one, :amx the
// one of its AMX kernels. threads is one number. Other words: see harness.h.

#define _GNU_SOURCE 1

#include "limit.h"
#include "peer_ggml.h"

enum { MOST_CASES = 2048, COLD_M = 4 };

// Weights in a buffer of ggml's, once or in copies.
typedef struct weights {
    int type;
    void **copy;
    size_t copies;
    const char *at; // what the buffer holds
    size_t bytes;   // of it
    float *looked;
    const float *dense;
} weights;

typedef struct job {
    weights *w;
    void **graph; // one a copy
    int type;
    const float *from; // of an encoder
    void *to;
    double read;
} job;

static pool threads_of_limits;
static row rows[MOST_CASES];
static job jobs[MOST_CASES];
static size_t cases;
static const char *isa_name;
static int thread_count;
static float *dense;

static void *need(void *p)
{
    if (p == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static const char *keep(const char *text)
{
    return strcpy((char *)need(malloc(strlen(text) + 1)), text);
}

// What the limits of a variant's instructions are called.
static const char *isa_of(const char *variant, int tiles)
{
    static const char *const names[][2] = {{"haswell", "avx2"},
                                           {"alderlake", "avx_vnni"},
                                           {"skylakex", "avx512"},
                                           {"cannonlake", "avx512"},
                                           {"cascadelake", "avx512_vnni"},
                                           {"cooperlake", "avx512_vnni"},
                                           {"icelake", "avx512_vnni"},
                                           {"zen4", "avx512_vnni"},
                                           {"sapphirerapids", "avx512_vnni"}};

    if (tiles)
        return "amx";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(variant, names[i][0]) == 0)
            return names[i][1];
    return variant;
}

// --- weights ---------------------------------------------------------------

static void look(weights *w, const char *codes, size_t n, size_t k)
{
    const size_t count = look_count(n);
    const size_t stride = ggml.row_size(w->type, (int64_t)k);
    const ggml_traits *traits = ggml.get_type_traits(w->type);
    float *given = (float *)need(malloc(count * k * sizeof *given));

    w->looked = (float *)need(malloc(count * k * sizeof *given));
    for (size_t i = 0; i < count; i++) {
        const size_t r = look_at(n, i);
        memcpy(given + i * k, dense + r * k, k * sizeof *given);
        if (traits->to_float)
            traits->to_float(codes + r * stride, w->looked + i * k, (int64_t)k);
        else
            memcpy(w->looked + i * k, given + i * k, k * sizeof *given);
    }
    w->dense = given;
}

static weights *weights_of(int type, void *buffer_type, size_t n, size_t k,
                           int cold)
{
    const size_t bytes = ggml.row_size(type, (int64_t)k) * n;
    const ggml_memory room = {(size_t)32 << 20, NULL, true};
    weights *w = (weights *)need(calloc(1, sizeof *w));
    char *codes = (char *)need(malloc(bytes));
    void *context = ggml.init(room), *buffer;

    w->type = type;
    w->copies = cold ? cold_bytes() / bytes + 1 : 1;
    w->copy = (void **)need(malloc(w->copies * sizeof *w->copy));
    for (size_t i = 0; i < w->copies; i++)
        w->copy[i] = ggml.new_tensor_2d(context, type, (int64_t)k, (int64_t)n);
    buffer =
        buffer_type
            ? ggml.backend_alloc_ctx_tensors_from_buft(context, buffer_type)
            : ggml.backend_alloc_ctx_tensors(context, ggml.backend);
    if (buffer == NULL)
        return NULL;
    w->at = (const char *)ggml.backend_buffer_get_base(buffer);
    w->bytes = ggml.backend_buffer_get_size(buffer);
    const uintptr_t page = (uintptr_t)w->at / 4096 * 4096;
    (void)madvise((void *)page, w->bytes,
                  word_of("huge", NULL) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    if (type == 0)
        memcpy(codes, dense, bytes);
    else
        (void)ggml.quantize_chunk(type, dense, codes, 0, (int64_t)n, (int64_t)k,
                                  NULL);
    for (size_t i = 0; i < w->copies; i++)
        ggml.backend_tensor_set(w->copy[i], codes, 0, bytes);
    look(w, codes, n, k);
    free(codes);
    return w;
}

// --- what is timed ---------------------------------------------------------

static void product(void *arg, size_t i)
{
    job *j = (job *)arg;

    (void)ggml.backend_graph_compute(ggml.backend, j->graph[i % j->w->copies]);
}

static void encode(void *arg, size_t i)
{
    job *j = (job *)arg;
    const row *r = &rows[j - jobs];

    (void)i;
    (void)ggml.quantize_chunk(j->type, j->from, j->to, 0, (int64_t)r->n,
                              (int64_t)r->k, NULL);
}

// --- cases -----------------------------------------------------------------

static row *new_row(const char *work, const char *type, int number, size_t n,
                    size_t k, int cold)
{
    row *r = &rows[cases];
    char tile[32];

    memset(r, 0, sizeof *r);
    snprintf(tile, sizeof tile, "%d", (int)ggml.get_type_traits(number)->block);
    r->work = work;
    r->who = "ggml";
    r->type = keep(type);
    r->tile = keep(tile);
    r->input = "own";
    r->isa = isa_name;
    r->heat = cold ? "cold" : "hot";
    r->page = page_name();
    r->n = n;
    r->k = k;
    r->threads = thread_count;
    r->error = -1.0;
    jobs[cases].type = number;
    return r;
}

static void add_product(const char *type, weights *w, size_t n, size_t k,
                        size_t m, int cold)
{
    const ggml_memory room = {(size_t)64 << 20, NULL, true};
    row *r = new_row("product", type, w->type, n, k, cold);
    job *j = &jobs[cases];
    void *context = ggml.init(room);
    void *x = ggml.new_tensor_2d(context, 0, (int64_t)k, (int64_t)m);
    void *y = NULL;
    float *numbers_x = (float *)need(malloc(k * m * sizeof(float)));
    float *numbers_y = (float *)need(malloc(n * m * sizeof(float)));

    j->w = w;
    j->graph = (void **)need(malloc(w->copies * sizeof *j->graph));
    for (size_t i = 0; i < w->copies; i++) {
        void *out = ggml.mul_mat(context, w->copy[i], x);
        y = y ? y : out;
        j->graph[i] = ggml.new_graph_custom(context, 8, false);
        ggml.build_forward_expand(j->graph[i], out);
    }
    if (!ggml.backend_alloc_ctx_tensors(context, ggml.backend))
        return;
    numbers(numbers_x, k * m, 2);
    ggml.backend_tensor_set(x, numbers_x, 0, k * m * sizeof(float));
    product(j, 0);
    ggml.backend_tensor_get(y, numbers_y, 0, n * m * sizeof(float));
    r->m = m;
    r->error = error_of(w->looked, numbers_x, numbers_y, n, k, m);
    r->whole = error_of(w->dense, numbers_x, numbers_y, n, k, m);
    r->operations = 2.0 * (double)n * (double)k * (double)m;
    r->bytes = (double)(ggml.row_size(w->type, (int64_t)k) * n);
    r->isa =
        isa_of(word_of("variant", "haswell"), strstr(type, ":amx") != NULL);
    free(numbers_x);
    free(numbers_y);
    cases++;
}

static void add_encode(const char *type, int number, size_t n, size_t k)
{
    row *r = new_row("encode", type, number, n, k, 0);
    job *j = &jobs[cases];

    j->from = dense;
    j->to = need(malloc(ggml.row_size(number, (int64_t)k) * n));
    r->bytes = 4.0 * (double)n * (double)k;
    cases++;
}

static void add_types(size_t n, size_t k)
{
    const char *all = "f32,f16,q8_0,q8_0:amx,q4_0,q4_0:repack,q4_0:amx,"
                      "iq4_nl,iq4_nl:repack,mxfp4,mxfp4:repack,q4_K,"
                      "q4_K:repack,q4_K:amx,tq2_0,tq1_0,q1_0";
    const char *works = word_of("work", "product");
    char type[32], heat[32], m[32];

    dense = (float *)need(malloc(n * k * sizeof *dense)); // rows point into it
    numbers(dense, n * k, 1);
    for (size_t i = 0; i < n * k; i++)
        dense[i] *= 1.0f / sqrtf((float)k);
    for (int a = 0; item_at(word_of("type", all), a, type); a++) {
        char *colon = strchr(type, ':');
        const int tiles = colon && strcmp(colon, ":amx") == 0;
        void *buffer = tiles ? ggml.amx : colon ? ggml.repack : NULL;
        if (colon)
            *colon = 0;
        const int number = ggml_type_of(type);
        if (number < 0 || (colon && buffer == NULL) ||
            (int64_t)k % ggml.get_type_traits(number)->block != 0)
            continue;
        if (list_has(works, "encode") && !colon && number != 0)
            add_encode(type, number, n, k);
        if (colon)
            *colon = ':';
        if (!list_has(works, "product"))
            continue;
        for (int b = 0; item_at(word_of("heat", "hot"), b, heat); b++) {
            const int cold = strcmp(heat, "cold") == 0;
            weights *w = weights_of(number, buffer, n, k, cold);
            for (int c = 0; item_at(word_of("m", "1,16"), c, m); c++)
                if (w && cases < MOST_CASES && !(cold && atoi(m) > COLD_M))
                    add_product(type, w, n, k, (size_t)atoi(m), cold);
        }
    }
}

static void add_sizes(void)
{
    const char *n = word_of("n", NULL), *k = word_of("k", NULL);
    char one[32], two[32];

    for (int a = 0; n && k && item_at(n, a, one); a++)
        for (int b = 0; item_at(k, b, two); b++)
            add_types((size_t)atol(one), (size_t)atol(two));
    for (int a = 0; !(n && k) && item_at(word_of("size", "1024"), a, one); a++)
        add_types((size_t)atol(one), (size_t)atol(one));
}

// --- rounds ----------------------------------------------------------------

static double least_time(const job *j, const row *r)
{
    const size_t most = (size_t)256 << 20;
    const int floats = j->type <= 1;
    const double rate = floats ? limit_fma(r->isa, &threads_of_limits)
                               : limit_dot(r->isa, &threads_of_limits);
    const double compute = 1e-9 * r->operations / rate;
    const double stream =
        1e-9 * r->bytes /
        limit_read(j->w->at, j->w->bytes < most ? j->w->bytes : most,
                   &threads_of_limits);

    return compute > stream ? compute : stream;
}

// A memcpy of what is encoded.
static double copy_time(const job *j, const row *r)
{
    static void *to;
    static size_t room;
    const size_t bytes = (size_t)r->bytes;

    if (room < bytes) {
        to = memory(bytes, 0);
        room = bytes;
    }
    return 1e-9 * r->bytes / limit_copy(to, j->from, bytes, &threads_of_limits);
}

static void each(size_t i)
{
    row *r = &rows[i];
    job *j = &jobs[i];
    const int is_product = strcmp(r->work, "product") == 0;
    clock_for(r->threads);
    const double least = is_product ? least_time(j, r) : copy_time(j, r);

    sample_for(is_product ? product : encode, j, word_number("time", 0.1),
               &r->time);
    r->limit = r->limit > 0.0 && r->limit < least ? r->limit : least;
}

int main(int count, char **list)
{
    words_are(count, list);
    thread_count = (int)word_number("threads", 1);
    const char *variant = word_of("variant", "haswell");
    isa_name = isa_of(variant, 0);
    if (!ggml_open(variant, thread_count))
        return 0;
    pool_start(&threads_of_limits, thread_count);
    add_sizes();
    rounds(rows, cases, NULL, each);
    return 0;
}
