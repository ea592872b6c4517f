// OpenBLAS (f32) and oneDNN 2 (f32, bf16, int8) as peers, found at run time.
//
//   peer_blas [type=f32,bf16,int8] [size=|n= k=] [m=] [heat=] [threads=1]
//       [openblas=FILE] [onednn=FILE] [huge]
//
// oneDNN's weights are laid out beforehand as it likes them; its inputs become
// bf16, or int8 by one scale that is known in advance, by its own reorder,
// which is timed. Declarations are ours, for libdnnl.so.2.

#define _GNU_SOURCE 1

#include "limit.h"

#include <dlfcn.h>

enum { MOST_CASES = 512, COLD_M = 4 };
enum { DNNL_BF16 = 2, DNNL_F32 = 3, DNNL_S8 = 5, DNNL_ANY = 1, DNNL_CPU = 1 };
enum { DNNL_SRC = 1, DNNL_DST = 17, DNNL_WEIGHTS = 33, DNNL_WEIGHTS_MD = 131 };

// A description of a tensor or an operation, by far large enough.
typedef struct dnnl_desc {
    double room[1024];
} dnnl_desc;

typedef struct dnnl_argument {
    int which;
    void *memory;
} dnnl_argument;

#define DNNL_CALLS(X)                                                          \
    X(int, engine_create, (void **, int, size_t))                              \
    X(int, stream_create, (void **, void *, unsigned))                         \
    X(int, stream_wait, (void *))                                              \
    X(int, memory_desc_init_by_strides,                                        \
      (void *, int, const int64_t *, int, const int64_t *))                    \
    X(int, memory_desc_init_by_tag, (void *, int, const int64_t *, int, int))  \
    X(size_t, memory_desc_get_size, (const void *))                            \
    X(int, memory_create, (void **, const void *, void *, void *))             \
    X(int, matmul_desc_init,                                                   \
      (void *, const void *, const void *, const void *, const void *))        \
    X(int, primitive_attr_create, (void **))                                   \
    X(int, primitive_attr_set_output_scales,                                   \
      (void *, int64_t, int, const float *))                                   \
    X(int, primitive_desc_create,                                              \
      (void **, const void *, void *, void *, void *))                         \
    X(const void *, primitive_desc_query_md, (void *, int, int))               \
    X(int, reorder_primitive_desc_create,                                      \
      (void **, const void *, void *, const void *, void *, void *))           \
    X(int, primitive_create, (void **, void *))                                \
    X(int, primitive_execute, (void *, void *, int, const dnnl_argument *))

#define DNNL_MEMBER(result, name, arguments) result(*name) arguments;
static struct {
    DNNL_CALLS(DNNL_MEMBER)
    void *engine, *stream;
} dnnl;

static struct {
    void (*gemv)(int, int, int, int, float, const float *, int, const float *,
                 int, float, float *, int);
    void (*gemm)(int, int, int, int, int, int, float, const float *, int,
                 const float *, int, float, float *, int);
    void (*set_threads)(int);
} blas;

typedef struct job {
    size_t n, k, m, copies, stride;
    char *weights;
    float *x, *y;
    float *looked;
    // oneDNN
    void *reorder, *matmul;
    dnnl_argument reorder_arguments[2];
    dnnl_argument *arguments; // three a copy
} job;

static row rows[MOST_CASES];
static job jobs[MOST_CASES];
static size_t cases;
static pool threads_of_limits;
static float *dense, *looked;

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

// --- finding them ----------------------------------------------------------

static int find(void *library, const char *name, void *member)
{
    void *call = library ? dlsym(library, name) : NULL;

    memcpy(member, &call, sizeof call);
    return call != NULL;
}

static int open_blas(int threads)
{
    // It takes processors younger than itself for very old ones.
    const char *core = limit_has("avx512") ? "SkylakeX" : "Haswell";
    if (limit_has("avx2"))
        (void)setenv("OPENBLAS_CORETYPE", core, 0);
    void *library =
        dlopen(word_of("openblas", "libopenblas.so.0"), RTLD_NOW | RTLD_LOCAL);

    if (!find(library, "cblas_sgemv", &blas.gemv) ||
        !find(library, "cblas_sgemm", &blas.gemm) ||
        !find(library, "openblas_set_num_threads", &blas.set_threads)) {
        fputs("openblas: no library here, skipped\n", stderr);
        return 0;
    }
    blas.set_threads(threads);
    return 1;
}

static int open_dnnl(void)
{
    void *library =
        dlopen(word_of("onednn", "libdnnl.so.2"), RTLD_NOW | RTLD_LOCAL);
    int found = 1;

#define DNNL_FIND(result, name, arguments)                                     \
    found = found && find(library, "dnnl_" #name, &dnnl.name);
    DNNL_CALLS(DNNL_FIND)
    if (!found || dnnl.engine_create(&dnnl.engine, DNNL_CPU, 0) != 0 ||
        dnnl.stream_create(&dnnl.stream, dnnl.engine, 1) != 0) {
        fputs("onednn: no libdnnl.so.2 here, skipped\n", stderr);
        return 0;
    }
    return 1;
}

// --- what is timed ---------------------------------------------------------

static void blas_product(void *arg, size_t i)
{
    job *j = (job *)arg;
    const size_t at = i % j->copies * j->stride;
    const float *w = (const float *)(const void *)(j->weights + at);
    const int n = (int)j->n, k = (int)j->k, m = (int)j->m;

    if (m == 1)
        blas.gemv(101, 111, n, k, 1.0f, w, k, j->x, 1, 0.0f, j->y, 1);
    else
        blas.gemm(101, 111, 112, m, n, k, 1.0f, j->x, k, w, k, 0.0f, j->y, n);
}

static void dnnl_product(void *arg, size_t i)
{
    job *j = (job *)arg;

    if (j->reorder)
        (void)dnnl.primitive_execute(j->reorder, dnnl.stream, 2,
                                     j->reorder_arguments);
    (void)dnnl.primitive_execute(j->matmul, dnnl.stream, 3,
                                 j->arguments + 3 * (i % j->copies));
    (void)dnnl.stream_wait(dnnl.stream);
}

// --- oneDNN's objects ------------------------------------------------------

static void describe(dnnl_desc *d, size_t rows_of, size_t columns, int type,
                     int turned)
{
    const int64_t size[2] = {(int64_t)rows_of, (int64_t)columns};
    const int64_t stride[2] = {turned ? 1 : size[1], turned ? size[0] : 1};

    (void)dnnl.memory_desc_init_by_strides(d, 2, size, type, stride);
}

static void *memory_of(const void *desc, void *at)
{
    void *m = NULL;

    (void)dnnl.memory_create(&m, desc, dnnl.engine, at);
    return m;
}

static void *reorder_of(const void *from, const void *to, const float *scale,
                        int mask, int64_t count)
{
    void *attributes = NULL, *desc = NULL, *p = NULL;

    (void)dnnl.primitive_attr_create(&attributes);
    if (scale)
        (void)dnnl.primitive_attr_set_output_scales(attributes, count, mask,
                                                    scale);
    if (dnnl.reorder_primitive_desc_create(&desc, from, dnnl.engine, to,
                                           dnnl.engine, attributes) != 0 ||
        dnnl.primitive_create(&p, desc) != 0)
        return NULL;
    return p;
}

static void run_reorder(void *reorder, void *from, void *to)
{
    const dnnl_argument a[2] = {{DNNL_SRC, from}, {DNNL_DST, to}};

    (void)dnnl.primitive_execute(reorder, dnnl.stream, 2, a);
    (void)dnnl.stream_wait(dnnl.stream);
}

// Scales of the rows of W: the largest magnitude over 127.
static float *row_scales(const job *j)
{
    float *scale = (float *)need(malloc(j->n * sizeof *scale));

    for (size_t r = 0; r < j->n; r++) {
        float most = 0.0f;
        for (size_t c = 0; c < j->k; c++)
            most = fmaxf(most, fabsf(dense[r * j->k + c]));
        scale[r] = most / 127.0f;
    }
    return scale;
}

static void look_int8(job *j, const float *scale)
{
    const size_t count = look_count(j->n);

    j->looked = (float *)need(malloc(count * j->k * sizeof(float)));
    for (size_t i = 0; i < count * j->k; i++) {
        const float s = scale[look_at(j->n, i / j->k)];
        j->looked[i] = rintf(looked[i] / s) * s;
    }
}

static int make_dnnl(job *j, int type, int cold)
{
    const float x_scale = 3.45f / 127.0f, back = 1.0f / x_scale;
    const int whole = type == DNNL_S8;
    const int64_t size[2] = {(int64_t)j->k, (int64_t)j->n};
    dnnl_desc *d = (dnnl_desc *)need(calloc(6, sizeof *d));
    void *attributes = NULL, *desc = NULL;
    float *scale = whole ? row_scales(j) : NULL;
    float *other = whole ? (float *)need(malloc(j->n * sizeof *other)) : NULL;

    describe(&d[0], j->m, j->k, type, 0);
    (void)dnnl.memory_desc_init_by_tag(&d[1], 2, size, type, DNNL_ANY);
    describe(&d[2], j->m, j->n, DNNL_F32, 0);
    describe(&d[3], j->m, j->k, DNNL_F32, 0);
    describe(&d[4], j->k, j->n, DNNL_F32, 1);
    (void)dnnl.matmul_desc_init(&d[5], &d[0], &d[1], NULL, &d[2]);
    (void)dnnl.primitive_attr_create(&attributes);
    if (whole) {
        look_int8(j, scale);
        for (size_t r = 0; r < j->n; r++)
            other[r] = scale[r] * x_scale;
        (void)dnnl.primitive_attr_set_output_scales(attributes, size[1], 2,
                                                    other);
        for (size_t r = 0; r < j->n; r++)
            other[r] = 1.0f / scale[r];
    }
    if (dnnl.primitive_desc_create(&desc, &d[5], attributes, dnnl.engine,
                                   NULL) != 0 ||
        dnnl.primitive_create(&j->matmul, desc) != 0)
        return 0;
    const void *liked = dnnl.primitive_desc_query_md(desc, DNNL_WEIGHTS_MD, 0);
    const size_t bytes = dnnl.memory_desc_get_size(liked);
    j->stride = (bytes + 63) / 64 * 64;
    j->copies = cold ? cold_bytes() / j->stride + 1 : 1;
    j->weights =
        (char *)memory(j->stride * j->copies, word_of("huge", NULL) != NULL);
    j->arguments =
        (dnnl_argument *)need(malloc(3 * j->copies * sizeof *j->arguments));
    void *x = memory_of(&d[3], j->x), *y = memory_of(&d[2], j->y), *q = x;
    if (type != DNNL_F32) {
        j->reorder = reorder_of(&d[3], &d[0], whole ? &back : NULL, 0, 1);
        q = memory_of(&d[0], memory(j->m * j->k * 2 + 64, 0));
        const dnnl_argument a[2] = {{DNNL_SRC, x}, {DNNL_DST, q}};
        memcpy(j->reorder_arguments, a, sizeof a);
    }
    void *pack = reorder_of(&d[4], liked, other, 2, size[1]);
    if (pack == NULL || (type != DNNL_F32 && j->reorder == NULL))
        return 0;
    for (size_t i = 0; i < j->copies; i++) {
        void *w = memory_of(liked, j->weights + i * j->stride);
        const dnnl_argument a[3] = {
            {DNNL_SRC, q}, {DNNL_WEIGHTS, w}, {DNNL_DST, y}};
        run_reorder(pack, memory_of(&d[4], dense), w);
        memcpy(j->arguments + 3 * i, a, sizeof a);
    }
    return 1;
}

// --- cases -----------------------------------------------------------------

static void make_blas(job *j, int cold)
{
    const size_t bytes = j->n * j->k * sizeof(float);

    j->stride = (bytes + 63) / 64 * 64;
    j->copies = cold ? cold_bytes() / bytes + 1 : 1;
    j->weights =
        (char *)memory(j->stride * j->copies, word_of("huge", NULL) != NULL);
    for (size_t i = 0; i < j->copies; i++)
        memcpy(j->weights + i * j->stride, dense, bytes);
}

static void add_case(const char *who, const char *type, int number, size_t n,
                     size_t k, size_t m, const char *heat)
{
    row *r = &rows[cases];
    job *j = &jobs[cases];
    const int cold = strcmp(heat, "cold") == 0;
    const int is_blas = strcmp(who, "openblas") == 0;

    memset(r, 0, sizeof *r);
    memset(j, 0, sizeof *j);
    j->n = n;
    j->k = k;
    j->m = m;
    j->x = (float *)memory(m * k * sizeof(float), 0);
    j->y = (float *)memory(m * n * sizeof(float), 0);
    j->looked = looked;
    numbers(j->x, m * k, 2);
    if (is_blas)
        make_blas(j, cold);
    else if (!make_dnnl(j, number, cold)) {
        fprintf(stderr, "onednn: no %s, skipped\n", type);
        return;
    }
    (is_blas ? blas_product : dnnl_product)(j, 0);
    r->work = "product";
    r->who = who;
    r->type = keep(type);
    r->tile = "row";
    r->input = number == DNNL_S8 ? "static" : type;
    r->input = keep(r->input);
    r->isa = "best";
    r->heat = cold ? "cold" : "hot";
    r->page = page_name();
    r->n = n;
    r->k = k;
    r->m = m;
    r->threads = threads_of_limits.threads;
    r->operations = 2.0 * (double)n * (double)k * (double)m;
    r->bytes = (double)j->stride;
    r->error = error_of(j->looked, j->x, j->y, n, k, m);
    r->whole = error_of(looked, j->x, j->y, n, k, m);
    cases++;
}

static void add_size(size_t n, size_t k, int has_blas, int has_dnnl)
{
    const char *types = word_of("type", "f32,bf16,int8");
    char heat[32], m[32];

    dense = (float *)need(malloc(n * k * sizeof *dense));
    numbers(dense, n * k, 1);
    for (size_t i = 0; i < n * k; i++)
        dense[i] *= 1.0f / sqrtf((float)k);
    looked = (float *)need(malloc(look_count(n) * k * sizeof *looked));
    for (size_t i = 0; i < look_count(n); i++)
        memcpy(looked + i * k, dense + look_at(n, i) * k, k * sizeof *looked);
    for (int a = 0; item_at(word_of("heat", "hot"), a, heat); a++)
        for (int b = 0; item_at(word_of("m", "1,16"), b, m); b++) {
            const size_t batch = (size_t)atol(m);
            if (cases + 4 > MOST_CASES || (heat[0] == 'c' && batch > COLD_M))
                continue;
            if (has_blas && list_has(types, "f32"))
                add_case("openblas", "f32", DNNL_F32, n, k, batch, heat);
            if (has_dnnl && list_has(types, "f32"))
                add_case("onednn", "f32", DNNL_F32, n, k, batch, heat);
            if (has_dnnl && list_has(types, "bf16"))
                add_case("onednn", "bf16", DNNL_BF16, n, k, batch, heat);
            if (has_dnnl && list_has(types, "int8"))
                add_case("onednn", "int8", DNNL_S8, n, k, batch, heat);
        }
}

static void each(size_t i)
{
    clock_for(rows[i].threads);
    sample_for(strcmp(rows[i].who, "openblas") == 0 ? blas_product
                                                    : dnnl_product,
               &jobs[i], word_number("time", 0.1), &rows[i].time);
}

int main(int count, char **list)
{
    char one[32], two[32];

    words_are(count, list);
    const int threads = (int)word_number("threads", 1);
    snprintf(one, sizeof one, "%d", threads);
    (void)setenv("OMP_NUM_THREADS", one, 1);
    const int has_blas = open_blas(threads), has_dnnl = open_dnnl();
    if (!has_blas && !has_dnnl)
        return 0;
    threads_of_limits.threads = threads;
    const char *n = word_of("n", NULL), *k = word_of("k", NULL);
    for (int a = 0; n && k && item_at(n, a, one); a++)
        for (int b = 0; item_at(k, b, two); b++)
            add_size((size_t)atol(one), (size_t)atol(two), has_blas, has_dnnl);
    for (int a = 0; !(n && k) && item_at(word_of("size", "1024"), a, one); a++)
        add_size((size_t)atol(one), (size_t)atol(one), has_blas, has_dnnl);
    rounds(rows, cases, NULL, each);
    return 0;
}
