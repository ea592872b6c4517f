// How fast matrices of floats are multiplied, beside OpenBLAS where it is found
// at run time, call about call:
//
//   cc -O2 -Isrc bench/gemm.c tests/qquant.c -o gemm -lm -pthread -ldl
//   ./gemm [size=512,1024,2048 | m= n= k=] [kind=nn,nt,tn] [threads=1,2]
//       [rounds=7] [isa=best] [openblas=FILE]
//
// kind: which of a and b lie transposed. A line: sizes, threads, GFLOP/s of
// the best of all rounds of each, and ours by theirs. One thread is timed by
// the time it has a core, more by the wall.

#define _GNU_SOURCE 1

#include "harness.h"
#include "pool.h"
#include "qquant.h"

#include <dlfcn.h>

enum { ROW_MAJOR = 101, PLAIN = 111, TURNED = 112 };

typedef void (*sgemm)(int, int, int, int, int, int, float, const float *, int,
                      const float *, int, float, float *, int);

static sgemm theirs;
static void (*set_threads)(int);
static pool pools[POOL_MOST];

typedef struct shape {
    size_t m, n, k;
    int a_turned, b_turned, threads;
    float *a, *b, *c;
    void *scratch;
    size_t scratch_bytes;
} shape;

static void open_openblas(void)
{
    void *library =
        dlopen(word_of("openblas", "libopenblas.so.0"), RTLD_NOW | RTLD_LOCAL);
    void *call = library != NULL ? dlsym(library, "cblas_sgemm") : NULL;
    void *set =
        library != NULL ? dlsym(library, "openblas_set_num_threads") : NULL;

    memcpy(&theirs, &call, sizeof call);
    memcpy(&set_threads, &set, sizeof set);
    if (theirs == NULL || set_threads == NULL) {
        fputs("openblas: no library here, skipped\n", stderr);
        theirs = NULL;
    }
}

static void run_ours(const shape *s)
{
    qq_gemm_options o = qq_gemm_options_init();

    o.parts = (size_t)s->threads;
    if (s->threads > 1) {
        o.parallel = pool_for;
        o.parallel_user = &pools[s->threads];
    }
    const qq_status status = qq_gemm(
        s->m, s->n, s->k, &o, s->a, s->a_turned ? 1 : s->k,
        s->a_turned ? s->m : 1, s->b, s->b_turned ? 1 : s->n,
        s->b_turned ? s->k : 1, s->c, s->n, 1, s->scratch, s->scratch_bytes);
    if (status != QQ_OK)
        exit(1);
}

static void run_theirs(const shape *s)
{
    theirs(ROW_MAJOR, s->a_turned ? TURNED : PLAIN,
           s->b_turned ? TURNED : PLAIN, (int)s->m, (int)s->n, (int)s->k, 1.0f,
           s->a, (int)(s->a_turned ? s->m : s->k), s->b,
           (int)(s->b_turned ? s->k : s->n), 0.0f, s->c, (int)s->n);
}

static double best_of(void (*run)(const shape *), const shape *s, double best)
{
    clock_for(s->threads);
    const double from = seconds();
    run(s);
    const double time = seconds() - from;

    return time < best ? time : best;
}

static void time_one(shape *s, const char *kind)
{
    const double work = 2e-9 * (double)s->m * (double)s->n * (double)s->k;
    const int most = (int)word_number("rounds", 7);
    double ours = 1e9, other = 1e9;
    qq_gemm_options o = qq_gemm_options_init();

    o.parts = (size_t)s->threads;
    s->a_turned = kind[0] == 't';
    s->b_turned = kind[1] == 't';
    s->scratch_bytes = qq_gemm_scratch_size(s->m, s->n, s->k, &o);
    s->scratch = memory(s->scratch_bytes, 0);
    if (s->threads > 1 && pools[s->threads].threads == 0)
        pool_start(&pools[s->threads], s->threads);
    if (theirs != NULL)
        set_threads(s->threads);
    for (int i = 0; i < most + 1; i++) {
        const double a = best_of(run_ours, s, ours);
        const double b = theirs != NULL ? best_of(run_theirs, s, other) : other;
        ours = i > 0 ? a : ours; // the first one warms up
        other = i > 0 ? b : other;
    }
    printf("%zu x %zu x %zu\t%s\t%d\t%.1f", s->m, s->n, s->k, kind, s->threads,
           work / ours);
    if (theirs != NULL)
        printf("\t%.1f\t%.2f", work / other, other / ours);
    printf("\n");
    fflush(stdout);
    munmap(s->scratch, s->scratch_bytes);
}

static void time_shape(size_t m, size_t n, size_t k)
{
    char kind[32], threads[32];
    shape s;

    s.m = m;
    s.n = n;
    s.k = k;
    s.a = (float *)memory(m * k * sizeof(float), 0);
    s.b = (float *)memory(k * n * sizeof(float), 0);
    s.c = (float *)memory(m * n * sizeof(float), 0);
    numbers(s.a, m * k, 1);
    numbers(s.b, k * n, 2);
    for (int i = 0; item_at(word_of("kind", "nn,nt"), i, kind); i++)
        for (int j = 0; item_at(word_of("threads", "1"), j, threads); j++) {
            s.threads = atoi(threads);
            if (s.threads > 0 && s.threads < POOL_MOST)
                time_one(&s, kind);
        }
    munmap(s.a, m * k * sizeof(float));
    munmap(s.b, k * n * sizeof(float));
    munmap(s.c, m * n * sizeof(float));
}

static void use_isa(const char *name)
{
    for (int i = 1; i < 64; i++)
        if (strcmp(qq_isa_name((qq_isa)i), name) == 0 &&
            qq_use_isa((qq_isa)i) != QQ_OK)
            exit(1);
}

int main(int count, char **list)
{
    char size[32];

    words_are(count, list);
    // OpenBLAS takes processors younger than itself for very old ones.
    if (__builtin_cpu_supports("avx512f"))
        (void)setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
    open_openblas();
    use_isa(word_of("isa", "best"));
    printf("m x n x k\tkind\tthreads\tGFLOP/s\topenblas\tratio\n");
    if (word_of("m", NULL) != NULL)
        time_shape((size_t)word_number("m", 1), (size_t)word_number("n", 1),
                   (size_t)word_number("k", 1));
    for (int i = 0; word_of("m", NULL) == NULL &&
                    item_at(word_of("size", "512,1024,2048"), i, size);
         i++)
        time_shape((size_t)atol(size), (size_t)atol(size), (size_t)atol(size));
    return 0;
}
