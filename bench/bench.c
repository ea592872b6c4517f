// How fast packed matrices are multiplied, through the public header:
//
//   cc -O2 -Isrc bench/bench.c tests/qquant.c -o bench -lm -pthread
//   ./bench type=sign,int4 tile=row,32 size=256,4096 m=1,16 heat=hot,cold
//
// Words, all of them lists: work (product, input, encode), type, tile (row or
// a number), size (n = k) or n and k, m, threads, heat (hot: the same weights
// again and again; cold: copies that no cache holds), input (the modes of
// qq_input: default, int8, tile, static, int16, int24, f32), isa (best or the
// names of qq_isa_name); scale, the type of the scales of tiles (f16, as the
// peers have); and time= seconds a row and round, rounds=, copies=
// MiB of cold weights, huge (2 MiB pages), step (a round for every line read).
// A row holds the limit that was measured next to it; README.md explains all.

#define _GNU_SOURCE 1

#include "limit.h"
#include "qquant.h"

enum { MOST_CASES = 4096, MOST_THREADS = 16, COLD_M = 4 };

// Packed weights, once or as copies that lie behind each other.
typedef struct weights {
    struct weights *next;
    char type[32], tile[32];
    size_t n, k, copies, stride;
    int cold;
    char *at;
    qq_matrix *w;  // a view of every copy
    float *looked; // the rows that errors are looked at in, as they multiply
    const float *dense; // the same as they were given
    double read;        // GB/s, in this round; 0: not yet measured
    int read_threads;
} weights;

typedef struct job {
    weights *w;
    qq_matmul_options o;
    qq_isa isa;
    size_t m;
    const float *x;
    float *y;
    void *scratch;
    size_t scratch_bytes;
    qq_status status;
    qq_tensor dense; // what is encoded, for input x
    qq_scheme scheme;
} job;

static pool pools[MOST_THREADS + 1];
static row rows[MOST_CASES];
static job jobs[MOST_CASES];
static size_t cases;
static weights *all_weights;

static pool *pool_of(int threads)
{
    pool *p = &pools[threads];

    if (p->threads == 0)
        pool_start(p, threads);
    return p;
}

// --- weights ---------------------------------------------------------------

static void *need(void *p)
{
    if (p == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

// n rows of k numbers, with deviation 1 / sqrt(k); the last ones are kept.
static const float *dense_of(size_t n, size_t k)
{
    static float *last;
    static size_t last_n, last_k;

    if (last_n == n && last_k == k)
        return last;
    last = (float *)need(malloc(n * k * sizeof *last)); // rows point into it
    numbers(last, n * k, 1);
    for (size_t i = 0; i < n * k; i++)
        last[i] *= 1.0f / sqrtf((float)k);
    last_n = n;
    last_k = k;
    return last;
}

static int scheme_of(const char *type, const char *tile, qq_scheme *s)
{
    const qq_type t = qq_type_from_name(type);
    const size_t columns = (size_t)strtoul(tile, NULL, 10);
    qq_type_info info;

    if (qq_type_get(t, &info) != QQ_OK || (info.tile && columns != info.tile))
        return 0;
    *s = qq_scheme_init(t);
    if (columns != 0 && info.tile == 0)
        s->scale_type = qq_type_from_name(word_of("scale", "f16"));
    return qq_scheme_channel(s, 0, 2) == QQ_OK &&
           (columns == 0 || qq_scheme_tile(s, 1, 2, columns) == QQ_OK);
}

static int pack(weights *w)
{
    const size_t shape[2] = {w->n, w->k};
    const float *dense = dense_of(w->n, w->k);
    const qq_tensor t = qq_tensor_make(dense, QQ_TYPE_F32, 2, shape);
    qq_scheme s;

    if (!scheme_of(w->type, w->tile, &s))
        return 0;
    const size_t bytes = qq_matrix_quantize_size(&t, &s, NULL);
    const size_t room = qq_matrix_quantize_scratch_size(&t, &s);
    if (bytes == SIZE_MAX || room == SIZE_MAX)
        return 0;
    w->stride = (bytes + 63) / 64 * 64;
    w->copies = w->cold ? cold_bytes() / w->stride + 1 : 1;
    w->at =
        (char *)memory(w->stride * w->copies, word_of("huge", NULL) != NULL);
    w->w = (qq_matrix *)need(malloc(w->copies * sizeof *w->w));
    void *scratch = need(malloc(room + 1));
    const qq_status status =
        qq_matrix_quantize(&t, &s, NULL, w->at, bytes, scratch, room, &w->w[0]);
    free(scratch);
    for (size_t i = 1; i < w->copies && status == QQ_OK; i++) {
        memcpy(w->at + i * w->stride, w->at, bytes);
        (void)qq_matrix_open(w->at + i * w->stride, bytes, &w->w[i]);
    }
    return status == QQ_OK;
}

static void look(weights *w)
{
    const size_t count = look_count(w->n);
    size_t which[LOOK_OUTPUTS];
    float *given = (float *)need(malloc(count * w->k * sizeof *given));

    w->looked = (float *)need(malloc(count * w->k * sizeof *w->looked));
    for (size_t i = 0; i < count; i++) {
        which[i] = look_at(w->n, i);
        memcpy(given + i * w->k, dense_of(w->n, w->k) + which[i] * w->k,
               w->k * sizeof *given);
    }
    (void)qq_matrix_row(&w->w[0], count, which, w->looked,
                        count * w->k * sizeof *given);
    w->dense = given;
}

// Made once for all that is timed on them; NULL: no such matrix.
static weights *weights_of(const char *type, const char *tile, size_t n,
                           size_t k, int cold)
{
    weights *w;

    for (w = all_weights; w; w = w->next)
        if (strcmp(w->type, type) == 0 && strcmp(w->tile, tile) == 0 &&
            w->n == n && w->k == k && w->cold == cold)
            return w->w ? w : NULL;
    w = (weights *)need(calloc(1, sizeof *w));
    w->next = all_weights;
    all_weights = w;
    memcpy(w->type, type, strlen(type) + 1);
    memcpy(w->tile, tile, strlen(tile) + 1);
    w->n = n;
    w->k = k;
    w->cold = cold;
    if (!pack(w)) {
        free(w->w);
        w->w = NULL;
        return NULL;
    }
    look(w);
    return w;
}

// --- what is timed ---------------------------------------------------------

static void product(void *arg, size_t i)
{
    job *j = (job *)arg;

    j->status = qq_matmul(&j->w->w[i % j->w->copies], &j->o, j->m, j->x,
                          j->w->k, j->y, j->w->n, j->scratch, j->scratch_bytes);
}

// Phase 0: x made into integers.
static void input(void *arg, size_t i)
{
    job *j = (job *)arg;

    (void)i;
    for (size_t part = 0; part < j->o.parts; part++)
        j->status =
            qq_matmul_part(&j->w->w[0], &j->o, j->m, j->x, j->w->k, j->y,
                           j->w->n, j->scratch, j->scratch_bytes, 0, part);
}

static void encode(void *arg, size_t i)
{
    job *j = (job *)arg;
    qq_matrix view;

    (void)i;
    j->status = qq_matrix_quantize(&j->dense, &j->scheme, NULL, j->w->at,
                                   j->w->w[0].bytes, j->scratch,
                                   j->scratch_bytes, &view);
}

// --- limits ----------------------------------------------------------------

// Rates of a round, each measured when it is first asked for.
static double rate_of(const char *isa, int threads, int floats)
{
    static struct {
        char isa[32];
        int threads, floats;
        double rate, when;
    } seen[64];
    size_t i = 0;

    while (seen[i].threads && i < 63 &&
           !(strcmp(seen[i].isa, isa) == 0 && seen[i].threads == threads &&
             seen[i].floats == floats))
        i++;
    if (seen[i].threads == 0 || seconds() - seen[i].when > 20.0) {
        const double rate = floats ? limit_fma(isa, pool_of(threads))
                                   : limit_dot(isa, pool_of(threads));
        strncpy(seen[i].isa, isa, 31);
        seen[i].threads = threads;
        seen[i].floats = floats;
        seen[i].rate = rate;
        seen[i].when = seconds();
    }
    return seen[i].rate;
}

// How long at least: the weights have to be read, the products to be made.
static double least_time(job *j, const row *r)
{
    weights *w = j->w;
    const int floats = j->o.input == QQ_INPUT_F32;
    const double rate = rate_of(r->isa, r->threads, floats);
    const double compute = 1e-9 * r->operations / rate;

    if (w->read <= 0.0 || w->read_threads != r->threads) {
        const size_t most = (size_t)256 << 20, whole = w->stride * w->copies;
        w->read =
            limit_read(w->at, whole < most ? whole : most, pool_of(r->threads));
        w->read_threads = r->threads;
    }
    const double stream = 1e-9 * r->bytes / w->read;
    return compute > stream ? compute : stream;
}

static double copy_time(job *j, const row *r)
{
    static char *to;
    static size_t room;
    const size_t bytes = (size_t)r->bytes;

    if (room < bytes) {
        to = (char *)memory(bytes, word_of("huge", NULL) != NULL);
        room = bytes;
    }
    return 1e-9 * r->bytes / limit_copy(to, j->dense.data, bytes, pool_of(1));
}

// --- cases -----------------------------------------------------------------

static qq_input input_of(const char *name)
{
    static const struct {
        const char *name;
        qq_input input;
    } inputs[] = {
        {"default", QQ_INPUT_DEFAULT}, {"int8", QQ_INPUT_INT8_ROW},
        {"tile", QQ_INPUT_INT8_TILE},  {"static", QQ_INPUT_INT8_STATIC},
        {"int16", QQ_INPUT_INT16},     {"int24", QQ_INPUT_INT24},
        {"f32", QQ_INPUT_F32}};

    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        if (strcmp(name, inputs[i].name) == 0)
            return inputs[i].input;
    return (qq_input)0;
}

static const char *keep(const char *text)
{
    return strcpy((char *)need(malloc(strlen(text) + 1)), text);
}

static const float *x_of(size_t count)
{
    static float *x;
    static size_t have;

    if (count > have) {
        x = (float *)need(malloc(count * sizeof *x)); // rows point into it
        numbers(x, count, 2);
        have = count;
    }
    return x;
}

static void fill_errors(job *j, row *r)
{
    product(j, 0);
    r->error = error_of(j->w->looked, j->x, j->y, r->n, r->k, r->m);
    r->whole = error_of(j->w->dense, j->x, j->y, r->n, r->k, r->m);
}

static row *new_row(const char *work, weights *w, const char *mode, qq_isa isa,
                    int threads)
{
    row *r = &rows[cases];

    memset(r, 0, sizeof *r);
    r->work = keep(work);
    r->who = "qquant";
    r->type = w->type;
    r->tile = w->tile;
    r->input = keep(mode);
    r->isa = qq_isa_name(isa);
    r->heat = w->cold ? "cold" : "hot";
    r->page = page_name();
    r->n = w->n;
    r->k = w->k;
    r->threads = threads;
    r->error = -1.0;
    jobs[cases].w = w;
    jobs[cases].isa = isa;
    return r;
}

static void add_product(const char *work, weights *w, size_t m,
                        const char *mode, qq_isa isa, int threads)
{
    row *r = new_row(work, w, mode, isa, threads);
    job *j = &jobs[cases];

    j->m = r->m = m;
    j->o = qq_matmul_options_init();
    j->o.input = input_of(mode);
    j->o.x_scale = 3.5f / 127.0f;
    j->o.parts = (size_t)word_number("parts", threads);
    if (threads > 1) {
        j->o.parallel = pool_for;
        j->o.parallel_user = pool_of(threads);
    }
    j->x = x_of(m * w->k);
    j->y = (float *)need(malloc(m * w->n * sizeof *j->y));
    j->scratch_bytes = qq_matmul_scratch_size(&w->w[0], &j->o, m);
    if (j->scratch_bytes == SIZE_MAX) {
        free(j->y);
        return;
    }
    j->scratch = memory(j->scratch_bytes + 64, 0);
    if (strcmp(work, "product") == 0) {
        fill_errors(j, r);
        r->operations = 2.0 * (double)w->n * (double)w->k * (double)m;
        r->bytes = (double)w->w[0].bytes;
    } else {
        input(j, 0);
        r->bytes = 4.0 * (double)w->k * (double)m;
        j->dense.data = j->x;
    }
    if (j->status == QQ_OK)
        cases++;
}

static void add_encode(weights *w, qq_isa isa)
{
    const size_t shape[2] = {w->n, w->k};
    row *r = new_row("encode", w, "f32", isa, 1);
    job *j = &jobs[cases];

    j->dense = qq_tensor_make(dense_of(w->n, w->k), QQ_TYPE_F32, 2, shape);
    (void)scheme_of(w->type, w->tile, &j->scheme);
    j->scratch_bytes = qq_matrix_quantize_scratch_size(&j->dense, &j->scheme);
    j->scratch = memory(j->scratch_bytes + 64, 0);
    r->bytes = 4.0 * (double)w->n * (double)w->k;
    cases++;
}

// All modes, instruction sets and numbers of threads that were asked for.
static void add_modes(const char *work, weights *w, size_t m)
{
    char mode[32], name[32], count[32];

    for (int a = 0; item_at(word_of("isa", "best"), a, name); a++)
        for (int b = 0; item_at(word_of("input", "default"), b, mode); b++)
            for (int c = 0; item_at(word_of("threads", "1"), c, count); c++) {
                qq_isa isa = QQ_ISA_BEST;
                const int threads = atoi(count);
                for (int i = 1; i < 64; i++)
                    if (strcmp(qq_isa_name((qq_isa)i), name) == 0)
                        isa = (qq_isa)i;
                if (threads < 1 || threads > MOST_THREADS ||
                    cases == MOST_CASES || qq_use_isa(isa) != QQ_OK ||
                    (isa == QQ_ISA_BEST && strcmp(name, "best") != 0))
                    continue;
                isa = qq_isa_in_use();
                if (strcmp(work, "encode") != 0)
                    add_product(work, w, m, mode, isa, threads);
                else if (b + c == 0)
                    add_encode(w, isa);
            }
}

static void add_works(const char *type, const char *tile, size_t n, size_t k,
                      int cold)
{
    const char *works = word_of("work", "product");
    weights *w = weights_of(type, tile, n, k, cold);
    char text[32];

    if (w == NULL)
        return;
    if (list_has(works, "encode") && !cold)
        add_modes("encode", w, 0);
    for (int i = 0; item_at(word_of("m", "1,16"), i, text); i++) {
        const size_t m = (size_t)strtoul(text, NULL, 10);
        if (m == 0 || (cold && m > COLD_M))
            continue;
        if (list_has(works, "product"))
            add_modes("product", w, m);
        if (list_has(works, "input") && !cold)
            add_modes("input", w, m);
    }
}

static void add_types(size_t n, size_t k)
{
    char type[32], tile[32], heat[32];

    for (int a = 0; item_at(word_of("type", "sign,ternary,int4,int8"), a, type);
         a++)
        for (int b = 0; item_at(word_of("tile", "row,32"), b, tile); b++)
            for (int c = 0; item_at(word_of("heat", "hot"), c, heat); c++)
                add_works(type, tile, n, k, strcmp(heat, "cold") == 0);
}

static void add_sizes(void)
{
    const char *n = word_of("n", NULL), *k = word_of("k", NULL);
    char one[32], two[32];

    for (int a = 0; n && k && item_at(n, a, one); a++)
        for (int b = 0; item_at(k, b, two); b++)
            add_types((size_t)strtoul(one, NULL, 10),
                      (size_t)strtoul(two, NULL, 10));
    for (int a = 0; !(n && k) && item_at(word_of("size", "1024"), a, one); a++)
        add_types((size_t)strtoul(one, NULL, 10),
                  (size_t)strtoul(one, NULL, 10));
}

// --- rounds ----------------------------------------------------------------

static void begin(void)
{
    for (weights *w = all_weights; w; w = w->next)
        w->read = 0.0;
}

static void each(size_t i)
{
    row *r = &rows[i];
    job *j = &jobs[i];
    const int is_product = strcmp(r->work, "product") == 0;
    clock_for(r->threads);
    const double least = is_product ? least_time(j, r) : copy_time(j, r);

    (void)qq_use_isa(j->isa);
    sample_for(is_product                      ? product
               : strcmp(r->work, "input") == 0 ? input
                                               : encode,
               j, word_number("time", 0.1), &r->time);
    r->limit = r->limit > 0.0 && r->limit < least ? r->limit : least;
}

int main(int count, char **list)
{
    words_are(count, list);
    add_sizes();
    rounds(rows, cases, begin, each);
    return 0;
}
