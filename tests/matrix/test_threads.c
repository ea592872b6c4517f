// Parts of a product, in any order, on any threads: the same bits. The first
// call of all is made by eight threads at once. Where there are no threads
// only the order is tested. For a data race that no result shows:
//
//   clang-19 -g -O1 -fsanitize=thread -Isrc -Itests tests/qquant.c
//       tests/matrix/test_threads.c -o threads -lm && ./threads

#if (defined(__unix__) || defined(__APPLE__)) && !defined(__wasi__)
#  define _POSIX_C_SOURCE 200809L
#  include <pthread.h>
#  define THREADS 8
#endif

#include "case.h"

static const size_t part_counts[] = {1, 2, 3, 8};

static void shuffle(size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        const size_t j = below(i), other = order[j];
        order[j] = order[i - 1];
        order[i - 1] = other;
    }
}

static qq_status run_part(const product *c, size_t parts, unsigned phase,
                          size_t part, uint8_t *scratch, size_t bytes,
                          uint8_t *y)
{
    qq_matmul_options o = c->o;

    o.parts = parts;
    return qq_matmul_part(&c->w, &o, c->r.m, c->x, c->ldx, y, c->ldy, scratch,
                          bytes, phase, part);
}

// All orders are as good as one; parts may also be done twice over.
static void test_order(const product *c, const uint8_t *want)
{
    for (size_t p = 0; p < 4; p++) {
        const size_t parts = part_counts[p], bytes = case_scratch(c, parts);
        uint8_t *scratch = place(bytes), *y = place(c->y_bytes);
        size_t order[8];
        memcpy(y, c->start, c->y_bytes);
        for (unsigned phase = 0; phase < 2; phase++) {
            shuffle(order, parts);
            for (size_t i = 0; i < parts; i++)
                CHECK(run_part(c, parts, phase, order[i], scratch, bytes, y) ==
                      QQ_OK);
            if (phase == 0)
                CHECK(run_part(c, parts, 0, 0, scratch, bytes, y) == QQ_OK);
        }
        if (!CHECK(memcmp(y, want, c->y_bytes) == 0))
            case_report(c, qq_isa_name(qq_isa_in_use()), BY_PART, parts, y,
                        want);
    }
}

// Of least to most multiplications.
static product random_product(size_t least, size_t most)
{
    static const size_t tiles[] = {0, 0, 32, 128, 36};
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = PICK(matrix_types);
    r.input = matrix_is_float(r.type)
                  ? QQ_INPUT_F32
                  : (qq_input)(QQ_INPUT_INT8_ROW + below(6));
    do {
        r.m = 1 + below(below(2) ? 8 : 140);
        r.n = 1 + below(300);
        r.k = 1 + below(500);
    } while (r.m * r.n * r.k < least || r.m * r.n * r.k > most);
    r.tile_n = below(2);
    r.tile_k = PICK(tiles);
    return case_make(&r);
}

static void test_orders(void)
{
    for (size_t i = 0; i < check_count(60); i++) {
        CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
        const product c = random_product(0, 300000);
        const size_t bytes = case_scratch(&c, 1);
        uint8_t *want = place(c.y_bytes);
        case_run(&c, SERIAL, 1, place(bytes), bytes, want);
        for (size_t j = 0; j < CASE_ISAS; j++)
            if (qq_use_isa(case_isas[j]) == QQ_OK)
                test_order(&c, want);
        room_free();
    }
    CHECK(qq_use_isa(QQ_ISA_BEST) == QQ_OK);
}

#ifndef THREADS

int main(void)
{
    test_orders();
    return check_done();
}

#else

// --- threads ---------------------------------------------------------------

// Work that threads take part by part.
typedef struct task {
    pthread_mutex_t lock;
    size_t next;
    size_t parts;
    void (*part)(void *, size_t);
    void *arg;
} task;

static void *work(void *user)
{
    task *t = (task *)user;

    for (;;) {
        pthread_mutex_lock(&t->lock);
        const size_t i = t->next < t->parts ? t->next++ : t->parts;
        pthread_mutex_unlock(&t->lock);
        if (i == t->parts)
            return NULL;
        t->part(t->arg, i);
    }
}

// A qq_parallel_for; counts its calls.
static void threads_for(void *user, size_t parts, void (*part)(void *, size_t),
                        void *arg)
{
    pthread_t threads[THREADS];
    task t = {PTHREAD_MUTEX_INITIALIZER, 0, parts, part, arg};

    ++*(size_t *)user;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, &t) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

// A job system of the program's own: qq_matmul_part on threads.
typedef struct job {
    const product *c;
    size_t parts;
    unsigned phase;
    uint8_t *scratch;
    size_t bytes;
    uint8_t *y;
    qq_status status[8];
} job;

static void do_job(void *arg, size_t part)
{
    job *j = (job *)arg;

    j->status[part] =
        run_part(j->c, j->parts, j->phase, part, j->scratch, j->bytes, j->y);
}

static void test_jobs(const product *c, size_t parts, const uint8_t *want)
{
    size_t calls = 0;
    job j;

    j.c = c;
    j.parts = parts;
    j.bytes = case_scratch(c, parts);
    j.scratch = place(j.bytes);
    j.y = place(c->y_bytes);
    memcpy(j.y, c->start, c->y_bytes);
    for (j.phase = 0; j.phase < 2; j.phase++) {
        threads_for(&calls, parts, do_job, &j);
        for (size_t i = 0; i < parts; i++)
            CHECK(j.status[i] == QQ_OK);
    }
    CHECK(memcmp(j.y, want, c->y_bytes) == 0);
}

// Returns how often the callback was asked.
static size_t test_callback(const product *c, size_t parts, const uint8_t *want)
{
    const size_t bytes = case_scratch(c, parts);
    uint8_t *y = place(c->y_bytes);
    qq_matmul_options o = c->o;
    size_t calls = 0;

    o.parts = parts;
    o.parallel = threads_for;
    o.parallel_user = &calls;
    memcpy(y, c->start, c->y_bytes);
    CHECK(qq_matmul(&c->w, &o, c->r.m, c->x, c->ldx, y, c->ldy, place(bytes),
                    bytes) == QQ_OK);
    CHECK(memcmp(y, want, c->y_bytes) == 0);
    return calls;
}

static void test_threads(void)
{
    size_t calls = 0;

    for (size_t i = 0; i < check_count(30); i++) {
        CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
        const product c = i % 2 ? random_product(0, 3000000)
                                : random_product(8400000, 12000000);
        const size_t bytes = case_scratch(&c, 1);
        uint8_t *want = place(c.y_bytes);
        case_run(&c, SERIAL, 1, place(bytes), bytes, want);
        for (size_t j = 0; j < CASE_ISAS; j++) {
            if (qq_use_isa(case_isas[j]) != QQ_OK)
                continue;
            test_jobs(&c, PICK(part_counts), want);
            calls += test_callback(&c, PICK(part_counts), want);
        }
        room_free();
    }
    CHECK(calls > 0);
    CHECK(qq_use_isa(QQ_ISA_BEST) == QQ_OK);
}

// --- the first use ---------------------------------------------------------

enum { FIRST_N = 33, FIRST_K = 70, FIRST_M = 3 };

// What a thread needs for a product of its own, and what came of it.
typedef struct first {
    float x[FIRST_M * FIRST_K];
    float y[FIRST_M * FIRST_N];
    unsigned char packed[16384];
    unsigned char scratch[65536];
    qq_status status;
    qq_isa isa;
} first;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static int waiting;
static first firsts[THREADS];

static qq_status first_product(first *f, const float *weights)
{
    const size_t shape[2] = {FIRST_N, FIRST_K};
    const qq_tensor w = qq_tensor_make(weights, QQ_TYPE_F32, 2, shape);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    qq_matrix m;

    if (qq_scheme_channel(&s, 0, 2) != QQ_OK)
        return QQ_ERR_ARGUMENT;
    const qq_status status =
        qq_matrix_quantize(&w, &s, NULL, f->packed, sizeof f->packed,
                           f->scratch, sizeof f->scratch, &m);
    if (status != QQ_OK)
        return status;
    f->isa = qq_isa_in_use();
    return qq_matmul(&m, NULL, FIRST_M, f->x, FIRST_K, f->y, FIRST_N,
                     f->scratch, sizeof f->scratch);
}

static const float *first_weights;

// Waits for all the others.
static void *first_use(void *user)
{
    first *f = (first *)user;

    pthread_mutex_lock(&gate);
    if (++waiting == THREADS)
        pthread_cond_broadcast(&opened);
    while (waiting < THREADS)
        pthread_cond_wait(&opened, &gate);
    pthread_mutex_unlock(&gate);
    f->status = first_product(f, first_weights);
    return NULL;
}

static void test_first_use(void)
{
    pthread_t threads[THREADS];
    float *weights = matrix_floats(FIRST_N * FIRST_K);

    first_weights = weights;
    for (int i = 0; i < THREADS; i++) {
        for (int j = 0; j < FIRST_M * FIRST_K; j++)
            firsts[i].x[j] = i == 0 ? check_uniform() : firsts[0].x[j];
        if (pthread_create(&threads[i], NULL, first_use, &firsts[i]) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(firsts[i].status == QQ_OK);
        CHECK(firsts[i].isa == qq_isa_in_use());
        CHECK(memcmp(firsts[i].y, firsts[0].y, sizeof firsts[0].y) == 0);
    }
    float y[FIRST_M * FIRST_N];
    memcpy(y, firsts[0].y, sizeof y);
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    CHECK(first_product(&firsts[0], weights) == QQ_OK);
    CHECK(memcmp(y, firsts[0].y, sizeof y) == 0);
    free(weights);
}

int main(void)
{
    test_first_use(); // before anything else is
    test_orders();
    test_threads();
    return check_done();
}

#endif
