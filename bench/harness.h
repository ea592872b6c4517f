// What the timing programs of this folder share: words of the command line,
// numbers that every program and language makes alike, memory with pages of a
// stated size, samples of a clock, and rows.
//
// A word is "key=value,value" or "key". Rows are tab-separated; README.md in
// this folder says what the columns mean.

#ifndef QQUANT_BENCH_HARNESS_H
#define QQUANT_BENCH_HARNESS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// --- words -----------------------------------------------------------------

static int word_count;
static char **word_list;

static inline void words_are(int count, char **list)
{
    word_count = count;
    word_list = list;
}

// What was said of a key; of a word that stands alone "1".
static inline const char *word_of(const char *key, const char *otherwise)
{
    const size_t length = strlen(key);

    for (int i = 1; i < word_count; i++) {
        const char *text = word_list[i];
        if (strncmp(text, key, length) != 0)
            continue;
        if (text[length] == '=')
            return text + length + 1;
        if (text[length] == 0)
            return "1";
    }
    return otherwise;
}

static inline double word_number(const char *key, double otherwise)
{
    const char *text = word_of(key, NULL);

    return text ? strtod(text, NULL) : otherwise;
}

// The item at a place of a list with commas, as text of up to 31 characters;
// 0 where there is no such item.
static inline int item_at(const char *list, int place, char text[32])
{
    size_t length;

    for (; place > 0; place--) {
        list = strchr(list, ',');
        if (list == NULL)
            return 0;
        list++;
    }
    length = strcspn(list, ",");
    length = length < 31 ? length : 31;
    memcpy(text, list, length);
    text[length] = 0;
    return length > 0;
}

static inline int list_has(const char *list, const char *text)
{
    char item[32];

    for (int i = 0; item_at(list, i, item); i++)
        if (strcmp(item, text) == 0 || strcmp(item, "all") == 0)
            return 1;
    return 0;
}

// --- numbers ---------------------------------------------------------------

// Number i of a stream: the sum of the bytes of a hash, about normal, with
// deviation 1 and none beyond 3.45.
static inline float number_at(uint32_t stream, size_t i)
{
    uint32_t h = (uint32_t)i * 0x9e3779b1u + stream * 0x85ebca77u;

    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 12;
    h *= 0x297a2d39u;
    h ^= h >> 15;
    const int sum =
        (int)((h & 255) + (h >> 8 & 255) + (h >> 16 & 255) + (h >> 24));
    return (float)(sum - 510) * (1.0f / 148.0f);
}

static inline void numbers(float *out, size_t count, uint32_t stream)
{
    for (size_t i = 0; i < count; i++)
        out[i] = number_at(stream, i);
}

// --- memory ----------------------------------------------------------------

// Zeroed and in place; pages of 4 KiB, or of 2 MiB where huge and the system
// allows it (page_name says what came of it).
static inline void *memory(size_t bytes, int huge)
{
    const size_t big = (size_t)2 << 20;
    const size_t whole = (bytes + 2 * big - 1) / big * big;
    char *p = (char *)mmap(NULL, whole, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == (char *)MAP_FAILED) {
        fprintf(stderr, "no memory for %zu bytes\n", whole);
        exit(1);
    }
    p += (big - (size_t)(uintptr_t)p % big) % big;
    (void)madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    memset(p, 0, bytes);
    return p;
}

// The size of the pages that hold data: "2m" if this process has huge ones.
static inline const char *page_name(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    long kilobytes = 0;

    while (f && fgets(line, sizeof line, f))
        (void)sscanf(line, "AnonHugePages: %ld", &kilobytes);
    if (f)
        fclose(f);
    return kilobytes > 0 ? "2m" : "4k";
}

// How many bytes of copies to walk over so that none is in a cache: 256 MiB,
// or twice the last cache, or copies=MiB.
static inline size_t cold_bytes(void)
{
    const long last = sysconf(_SC_LEVEL3_CACHE_SIZE);
    const size_t least = (size_t)256 << 20;
    const size_t twice = last > 0 ? 2 * (size_t)last : 0;
    const double said = word_number("copies", 0);

    if (said > 0)
        return (size_t)(said * 1048576.0);
    return twice > least ? twice : least;
}

// --- the clock -------------------------------------------------------------

static clockid_t clock_used = CLOCK_MONOTONIC;

// Of work on one thread clock=cpu counts only the time that the thread has a
// core, so that other programs on this machine are left out.
static inline void clock_for(int threads)
{
    const int cpu = strcmp(word_of("clock", "wall"), "cpu") == 0;

    clock_used =
        cpu && threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
}

static inline double seconds(void)
{
    struct timespec t;

    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Samples, in seconds a call.
typedef struct samples {
    double *at;
    size_t count;
    size_t room;
} samples;

static inline void sample_add(samples *s, double value)
{
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 256;
        s->at = (double *)realloc(s->at, s->room * sizeof s->at[0]);
        if (s->at == NULL)
            exit(1);
    }
    s->at[s->count++] = value;
}

static inline int by_value(const void *p, const void *q)
{
    const double a = *(const double *)p, b = *(const double *)q;
    return (a > b) - (a < b);
}

// What is timed: call number i, of a case that arg describes.
typedef void (*timed)(void *arg, size_t i);

// Calls for about so many seconds, after two calls that warm up. A sample is
// as many calls as take 20 us, or 100 where the clock is a slow one; at least
// three samples.
static inline void sample_for(timed call, void *arg, double time, samples *s)
{
    const double sample = clock_used == CLOCK_MONOTONIC ? 20e-6 : 100e-6;
    size_t calls = 0, batch = 1;
    double from = seconds(), now, once;

    call(arg, calls++);
    once = seconds() - from;
    if (once < 0.2 * time) {
        from = seconds();
        call(arg, calls++);
        once = seconds() - from;
    }
    while (once * (double)batch < sample && batch < 4096)
        batch *= 2;
    from = now = seconds();
    for (int i = 0; i < 3 || now - from < time; i++) {
        const double begin = now;
        for (size_t j = 0; j < batch; j++)
            call(arg, calls++);
        now = seconds();
        sample_add(s, (now - begin) / (double)batch);
    }
}

// Sorts the samples and answers a quantile, 0 to 1.
static inline double quantile(samples *s, double part)
{
    qsort(s->at, s->count, sizeof s->at[0], by_value);
    return s->at[(size_t)(part * (double)(s->count - 1) + 0.5)];
}

// --- rows ------------------------------------------------------------------

// One case: its names, what it moves and does, and what came of it. A limit of
// 0 and an error below 0 are not known.
typedef struct row {
    const char *work, *who, *type, *tile, *input, *isa, *heat, *page;
    size_t n, k, m;
    int threads;
    double operations;   // of one call
    double bytes;        // of weights read, or of f32 encoded, in one call
    double limit;        // seconds that the machine needs at least
    double error, whole; // see README.md
    samples time;
} row;

static inline void row_head(void)
{
    if (!word_of("bare", NULL))
        puts("work\twho\ttype\ttile\tinput\tn\tk\tm\tisa\tthreads\theat\tpage\t"
             "us\tmin\tspread\tGOP/s\tGB/s\tlimit\terror\twhole");
    fflush(stdout);
}

// Prints a row and forgets its samples.
static inline void row_print(row *r)
{
    const double least = quantile(&r->time, 0.0);
    const double low = quantile(&r->time, 0.25);
    const double middle = quantile(&r->time, 0.5);
    const double high = quantile(&r->time, 0.75);

    printf("%s\t%s\t%s\t%s\t%s\t%zu\t%zu\t%zu\t%s\t%d\t%s\t%s\t", r->work,
           r->who, r->type, r->tile, r->input, r->n, r->k, r->m, r->isa,
           r->threads, r->heat, r->page);
    printf("%.4g\t%.4g\t%.1f\t%.4g\t%.4g\t", 1e6 * middle, 1e6 * least,
           100.0 * (high - low) / middle, 1e-9 * r->operations / middle,
           1e-9 * r->bytes / middle);
    printf("%.1f\t", 100.0 * r->limit / middle);
    if (r->error >= 0.0)
        printf("%.3g\t%.3g\n", r->error, r->whole);
    else
        printf("-\t-\n");
    fflush(stdout);
    r->time.count = 0;
}

// Times every row rounds=3 times over and prints what came of all of them;
// with the word step once for every line that is read, a row as soon as it is
// timed, and an empty line at the end of a round.
static inline void rounds(row *list, size_t count, void (*begin)(void),
                          void (*each)(size_t i))
{
    const int step = word_of("step", NULL) != NULL;
    const int most = (int)word_number("rounds", 3);
    char line[16];

    row_head();
    for (int done = 0; step || done < most; done++) {
        if (step && fgets(line, sizeof line, stdin) == NULL)
            return;
        if (begin)
            begin();
        for (size_t i = 0; i < count; i++) {
            each(i);
            if (step)
                row_print(&list[i]);
        }
        if (step)
            puts("");
        fflush(stdout);
    }
    for (size_t i = 0; i < count; i++)
        row_print(&list[i]);
}

// --- errors ----------------------------------------------------------------

// Up to 256 outputs, spread over all n, of up to 4 rows of x are looked at.
enum { LOOK_ROWS = 4, LOOK_OUTPUTS = 256 };

static inline size_t look_count(size_t n)
{
    return n < LOOK_OUTPUTS ? n : LOOK_OUTPUTS;
}

static inline size_t look_at(size_t n, size_t i)
{
    return i * n / look_count(n);
}

// Root mean square of y less the double product, over that of the product; w
// holds the rows look_at names, one after another.
static inline double error_of(const float *w, const float *x, const float *y,
                              size_t n, size_t k, size_t m)
{
    double square = 0.0, whole = 0.0;

    for (size_t i = 0; i < m && i < LOOK_ROWS; i++)
        for (size_t j = 0; j < look_count(n); j++) {
            double sum = 0.0;
            for (size_t c = 0; c < k; c++)
                sum += (double)w[j * k + c] * (double)x[i * k + c];
            const double d = (double)y[i * n + look_at(n, j)] - sum;
            square += d * d;
            whole += sum * sum;
        }
    return sqrt(square / whole);
}

#endif // QQUANT_BENCH_HARNESS_H
