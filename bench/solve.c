// How long the solvers take, and what came of it as one number to compare:
//
//   cc -O2 -Isrc bench/solve.c tests/qquant.c -o solve -lm -pthread
//   ./solve [work=fixed,best,fit,moments] [size=512,1024,2048 | n= k=]
//       [threads=1,2] [rounds=1] [isa=best] [samples=]
//
// fixed: OneBit without H (bench/peer_onebit.py is its peer); best: OneBit with
// H; fit: int4 at tile 32 with H, the start of GPTQ, then twice refit and
// descent; moments: H of samples (2 k) rows. A line: work, n, k, threads,
// seconds by the wall, seconds of all threads, MiB that it is given, the same
// by the bytes of the weight, a hash of the answer.

#define _GNU_SOURCE 1

#include "harness.h"
#include "pool.h"
#include "qquant.h"

typedef struct problem {
    size_t n, k, threads, scratch_bytes, out_bytes;
    float *w, *h;
    void *scratch, *out;
    uint64_t hash;
    double bytes;
} problem;

static pool pools[POOL_MOST];

static double processor(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double wall(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void hash(problem *p, const void *at, size_t bytes)
{
    const unsigned char *b = (const unsigned char *)at;

    for (size_t i = 0; i < bytes; i++)
        p->hash = (p->hash ^ b[i]) * 1099511628211u;
}

static void must(qq_status status)
{
    if (status == QQ_OK)
        return;
    fprintf(stderr, "%s\n", qq_status_string(status));
    exit(1);
}

static void give(problem *p, size_t scratch, size_t out)
{
    if (scratch == SIZE_MAX || out == SIZE_MAX)
        must(QQ_ERR_SIZE);
    p->scratch_bytes = scratch;
    p->out_bytes = out;
    p->scratch = memory(scratch + 1, 0);
    p->out = memory(out + 1, 0);
    p->bytes = (double)scratch + (double)out;
}

static void take_back(problem *p)
{
    munmap(p->scratch, p->scratch_bytes + 1);
    munmap(p->out, p->out_bytes + 1);
}

// --- work ------------------------------------------------------------------

static double run_onebit(problem *p, qq_onebit_mode mode, const float *h)
{
    qq_onebit_options o = qq_onebit_options_init();
    const size_t h_bytes = h != NULL ? p->k * p->k * sizeof(float) : 0;
    qq_onebit r;

    o.mode = mode;
    o.planes = (unsigned)word_number("planes", 1);
    if (mode != QQ_ONEBIT_BEST)
        o.planes = 1;
    o.parts = p->threads;
    o.parallel = p->threads > 1 ? pool_for : NULL;
    o.parallel_user = &pools[p->threads];
    give(p, qq_onebit_scratch_size(p->n, p->k, &o, h != NULL),
         qq_onebit_size(p->n, p->k, &o));
    const double from = wall();
    must(qq_onebit_solve(p->n, p->k, &o, p->w, p->k, h, h_bytes, p->out,
                         p->out_bytes, p->scratch, p->scratch_bytes, &r));
    const double time = wall() - from;
    hash(p, r.a, o.planes * p->n * sizeof(float));
    hash(p, r.b, o.planes * p->k * sizeof(float));
    for (unsigned i = 0; i < o.planes; i++)
        hash(p, r.sign[i].data, (p->n * p->k + 7) / 8);
    hash(p, &r.objective, sizeof r.objective);
    take_back(p);
    return time;
}

static double run_fit(problem *p)
{
    qq_fit_options o = qq_fit_options_init();
    const qq_grid g = qq_grid_integer(4);
    qq_fit f;

    o.starts = QQ_START_FALLING;
    o.rounds = 2;
    o.gain = 0.0;
    o.parts = p->threads;
    o.parallel = p->threads > 1 ? pool_for : NULL;
    o.parallel_user = &pools[p->threads];
    const size_t bytes = qq_fit_size(p->n, p->k, 32, &g);
    void *at = memory(bytes + 1, 0);
    must(qq_fit_make(p->n, p->k, 32, &g, at, bytes, &f));
    give(p, qq_fit_scratch_size(&f, &o), p->n * sizeof(double));
    const double from = wall();
    must(qq_fit_solve(&f, &o, p->w, p->k, p->h, p->k * p->k * sizeof(float),
                      (double *)p->out, p->scratch, p->scratch_bytes));
    const double time = wall() - from;
    p->bytes += (double)bytes;
    hash(p, f.code, p->n * p->k);
    hash(p, f.scale, p->n * f.tiles * sizeof(float));
    hash(p, p->out, p->n * sizeof(double));
    munmap(at, bytes + 1);
    take_back(p);
    return time;
}

// H of rows whose numbers depend on those beside them, damped.
static double make_h(problem *p, size_t rows_of_x)
{
    qq_moments_options o = qq_moments_options_init();
    const size_t rows = 256, k = p->k;
    float *x = (float *)memory(rows * (k + 1) * sizeof(float), 0);
    qq_moments m;
    double time = 0.0;

    o.parts = p->threads;
    o.parallel = p->threads > 1 ? pool_for : NULL;
    o.parallel_user = &pools[p->threads];
    const size_t bytes = qq_moments_size(k, &o);
    void *at = memory(bytes + 1, 0);
    must(qq_moments_make(k, &o, at, bytes, &m));
    give(p, qq_moments_scratch_size(&m, &o), 0);
    for (size_t i = 0; i < rows_of_x; i += rows) {
        const size_t count = rows_of_x - i < rows ? rows_of_x - i : rows;
        numbers(x, count * (k + 1), (uint32_t)(100 + i));
        for (size_t j = 0; j + 1 < count * (k + 1); j++)
            x[j] += 0.7f * x[j + 1];
        const double from = wall();
        must(qq_moments_update(&m, &o, count, QQ_TYPE_F32, x, k + 1, NULL, 0,
                               p->scratch, p->scratch_bytes));
        time += wall() - from;
    }
    p->bytes += (double)bytes;
    must(qq_moments_hessian(&m, 0, 2.0, p->h, k * k * sizeof(float)));
    must(qq_hessian_damp(k, 0.01, p->h, k * k * sizeof(float)));
    munmap(x, rows * (k + 1) * sizeof(float));
    munmap(at, bytes + 1);
    take_back(p);
    hash(p, p->h, k * k * sizeof(float));
    return time;
}

static void time_one(problem *p, const char *work, size_t rows_of_x)
{
    const int most = (int)word_number("rounds", 1);
    double best = 1e9, cpu = 1e9;

    for (int i = 0; i < most; i++) {
        p->hash = 14695981039346656037u;
        const double from = processor();
        double time;
        if (strcmp(work, "fixed") == 0)
            time = run_onebit(p, QQ_ONEBIT_FIXED, NULL);
        else if (strcmp(work, "compat") == 0)
            time = run_onebit(p, QQ_ONEBIT_COMPAT, NULL);
        else if (strcmp(work, "best") == 0)
            time = run_onebit(p, QQ_ONEBIT_BEST, p->h);
        else if (strcmp(work, "weights") == 0)
            time = run_onebit(p, QQ_ONEBIT_BEST, NULL);
        else if (strcmp(work, "fit") == 0)
            time = run_fit(p);
        else
            time = make_h(p, rows_of_x);
        const double used = processor() - from;
        best = time < best ? time : best;
        cpu = used < cpu ? used : cpu;
    }
    printf("%s\t%zu\t%zu\t%zu\t%.3f\t%.3f\t%.1f\t%.2f\t%016llx\n", work, p->n,
           p->k, p->threads, best, cpu, p->bytes / 1048576.0,
           p->bytes / (double)(p->n * p->k * sizeof(float)),
           (unsigned long long)p->hash);
    fflush(stdout);
}

static void time_size(size_t n, size_t k)
{
    const size_t rows_of_x = (size_t)word_number("samples", 2.0 * (double)k);
    const char *works = word_of("work", "fixed,best,fit");
    const int has_h = list_has(works, "best") || list_has(works, "fit") ||
                      list_has(works, "moments");
    char work[32], threads[32];
    problem p;

    memset(&p, 0, sizeof p);
    p.n = n;
    p.k = k;
    p.w = (float *)memory(n * k * sizeof(float), 0);
    p.h = (float *)memory(k * k * sizeof(float), 0);
    numbers(p.w, n * k, 1);
    for (size_t i = 0; i < n * k; i++)
        p.w[i] *= 1.0f / sqrtf((float)k);
    for (int i = 0; item_at(word_of("threads", "1"), i, threads); i++) {
        p.threads = (size_t)atoi(threads);
        if (p.threads == 0 || p.threads >= POOL_MOST)
            continue;
        if (p.threads > 1 && pools[p.threads].threads == 0)
            pool_start(&pools[p.threads], (int)p.threads);
        if (has_h && i == 0)
            (void)make_h(&p, rows_of_x);
        for (int j = 0; item_at(works, j, work); j++)
            time_one(&p, work, rows_of_x);
    }
    munmap(p.w, n * k * sizeof(float));
    munmap(p.h, k * k * sizeof(float));
}

int main(int count, char **list)
{
    char size[32];

    words_are(count, list);
    for (int i = 1; i < 64; i++)
        if (strcmp(qq_isa_name((qq_isa)i), word_of("isa", "best")) == 0)
            must(qq_use_isa((qq_isa)i));
    printf("work\tn\tk\tthreads\twall\tcpu\tMiB\tof W\thash\n");
    if (word_of("n", NULL) != NULL)
        time_size((size_t)word_number("n", 1), (size_t)word_number("k", 1));
    for (int i = 0; word_of("n", NULL) == NULL &&
                    item_at(word_of("size", "512,1024"), i, size);
         i++)
        time_size((size_t)atol(size), (size_t)atol(size));
    return 0;
}
