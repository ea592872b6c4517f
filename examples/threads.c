// The program's own threads multiply:
//
//   cc -O2 -pthread -I. examples/threads.c -o threads && ./threads
//
// qquant starts no threads. A program that has some lends them in one of two
// ways: as a qq_parallel_for, which qq_matmul calls when a product is worth it,
// or by calling qq_matmul_part for every part from a job system of its own,
// where several products can be under way together. Either way the numbers are
// those of one thread, to the bit.

#define _POSIX_C_SOURCE 200809L

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4, N = 1024, K = 1024, M = 32, PRODUCTS = 2, ROUNDS = 10 };

// --- a pool ----------------------------------------------------------------

// Work in parts that threads take one by one, under a lock.
typedef struct pool {
    pthread_mutex_t lock;
    pthread_cond_t more; // there is work, or the end
    pthread_cond_t done; // the last part is done
    size_t next;         // the next part to take
    size_t parts;
    size_t left; // parts that are not done
    void (*part)(void *arg, size_t i);
    void *arg;
    int end;
    pthread_t thread[THREADS - 1];
} pool;

// Takes parts until there are none; the lock is held before and after.
static void take_parts(pool *p)
{
    while (p->next < p->parts) {
        const size_t i = p->next++;
        void (*const part)(void *, size_t) = p->part;
        void *const arg = p->arg;
        pthread_mutex_unlock(&p->lock);
        part(arg, i);
        pthread_mutex_lock(&p->lock);
        if (--p->left == 0)
            pthread_cond_signal(&p->done);
    }
}

static void *worker(void *user)
{
    pool *p = (pool *)user;
    pthread_mutex_lock(&p->lock);
    while (!p->end) {
        take_parts(p);
        if (!p->end)
            pthread_cond_wait(&p->more, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

// A qq_parallel_for: the calling thread works, too, and returns at the end.
static void pool_for(void *user, size_t parts,
                     void (*part)(void *arg, size_t i), void *arg)
{
    pool *p = (pool *)user;
    pthread_mutex_lock(&p->lock);
    p->part = part;
    p->arg = arg;
    p->next = 0;
    p->parts = parts;
    p->left = parts;
    pthread_cond_broadcast(&p->more);
    take_parts(p);
    while (p->left > 0)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static int pool_start(pool *p)
{
    memset(p, 0, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    pthread_cond_init(&p->done, NULL);
    for (int i = 0; i < THREADS - 1; i++)
        if (pthread_create(&p->thread[i], NULL, worker, p) != 0)
            return 1;
    return 0;
}

static void pool_end(pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->end = 1;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < THREADS - 1; i++)
        pthread_join(p->thread[i], NULL);
}

// --- products --------------------------------------------------------------

// y = W x, for M rows of x.
typedef struct product {
    qq_matrix w;
    qq_matmul_options o;
    float *y;
    void *scratch;
    size_t scratch_bytes;
} product;

static float weight[N * K], x[M * K];

static void fill(float *out, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (float)((int)(seed >> 16) - 32768) / 32768.0f;
    }
}

static void *get(size_t bytes)
{
    void *p = malloc(bytes);
    if (p == NULL)
        exit(1);
    return p;
}

// Packs weights in 4 bits, a scale for 32 columns.
static int make(product *p, uint32_t seed)
{
    const size_t shape[2] = {N, K};
    const qq_tensor t = qq_tensor_make(weight, QQ_TYPE_F32, 2, shape);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT4);
    fill(weight, N * K, seed);
    if (qq_scheme_channel(&s, 0, 2) != QQ_OK ||
        qq_scheme_tile(&s, 1, 2, 32) != QQ_OK)
        return 1;
    const size_t bytes = qq_matrix_quantize_size(&t, &s, NULL);
    const size_t room = qq_matrix_quantize_scratch_size(&t, &s);
    void *scratch = get(room);
    const qq_status status = qq_matrix_quantize(&t, &s, NULL, get(bytes), bytes,
                                                scratch, room, &p->w);
    free(scratch);
    p->o = qq_matmul_options_init();
    p->o.parts = THREADS;
    p->scratch_bytes = qq_matmul_scratch_size(&p->w, &p->o, M);
    p->scratch = get(p->scratch_bytes);
    p->y = (float *)get(M * N * sizeof(float));
    return status != QQ_OK;
}

static int multiply(product *p, pool *threads)
{
    p->o.parallel = threads != NULL ? pool_for : NULL;
    p->o.parallel_user = threads;
    return qq_matmul(&p->w, &p->o, M, x, K, p->y, N, p->scratch,
                     p->scratch_bytes) != QQ_OK;
}

// The jobs of a phase: all parts of all products.
typedef struct phase {
    product *products;
    unsigned number;
    int failed[PRODUCTS * THREADS];
} phase;

static void job(void *arg, size_t i)
{
    phase *f = (phase *)arg;
    product *p = &f->products[i / THREADS];
    f->failed[i] =
        qq_matmul_part(&p->w, &p->o, M, x, K, p->y, N, p->scratch,
                       p->scratch_bytes, f->number, i % THREADS) != QQ_OK;
}

// Both products at once. Phase 1 begins when all of phase 0 is done.
static int multiply_by_jobs(product *products, pool *threads)
{
    phase f;
    int failed = 0;
    f.products = products;
    for (f.number = 0; f.number < 2; f.number++) {
        pool_for(threads, PRODUCTS * THREADS, job, &f);
        for (int i = 0; i < PRODUCTS * THREADS; i++)
            failed += f.failed[i];
    }
    return failed;
}

// --- the comparison --------------------------------------------------------

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// The shortest of some rounds; y is what the last of them gave.
static int measure(const char *what, product *products, pool *threads, int jobs)
{
    double best = 1e9;
    int failed = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const double from = now();
        if (jobs)
            failed += multiply_by_jobs(products, threads);
        else
            for (int j = 0; j < PRODUCTS; j++)
                failed += multiply(&products[j], threads);
        const double took = now() - from;
        best = took < best ? took : best;
    }
    printf("%-28s %8.3f ms", what, 1e3 * best);
    return failed;
}

static int same(const product *products, float *const *want)
{
    int equal = 1;
    for (int i = 0; i < PRODUCTS; i++)
        equal =
            equal && memcmp(products[i].y, want[i], M * N * sizeof(float)) == 0;
    printf("  %s\n", equal ? "the same bits" : "DIFFERENT");
    return equal;
}

int main(void)
{
    static product products[PRODUCTS];
    float *want[PRODUCTS];
    pool threads;
    int failed = pool_start(&threads);
    fill(x, M * K, 7);
    for (int i = 0; i < PRODUCTS; i++) {
        failed += make(&products[i], 1 + (uint32_t)i);
        want[i] = (float *)get(M * N * sizeof(float));
    }
    if (failed)
        return 1;
    printf("%d products of %d x %d in int4 with %d rows, on %s, %d threads\n",
           PRODUCTS, N, K, M, qq_isa_name(qq_isa_in_use()), THREADS);
    failed += measure("one thread", products, NULL, 0);
    printf("\n");
    for (int i = 0; i < PRODUCTS; i++)
        memcpy(want[i], products[i].y, M * N * sizeof(float));
    failed += measure("qq_parallel_for", products, &threads, 0);
    failed += !same(products, want);
    failed += measure("jobs of qq_matmul_part", products, &threads, 1);
    failed += !same(products, want);
    pool_end(&threads);
    return failed != 0;
}
