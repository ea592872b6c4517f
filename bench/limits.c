// The limits of the machine: one row each, tab-separated: what, of what size
// or by which instructions, on how many threads, the rate and its unit.
//
//   limits [threads=1,2] [huge] [quick]

#define _GNU_SOURCE 1

#include "limit.h"

static void reads(char *area, size_t whole, pool *threads)
{
    static const size_t sizes[] = {24,    32,    512,   1024,   4096,   8192,
                                   16384, 32768, 65536, 262144, 1048576};
    const size_t most = word_of("quick", NULL) ? (size_t)64 << 20 : whole;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t bytes = sizes[i] * 1024 * (size_t)threads->threads;
        if (bytes > most)
            break;
        printf("read\t%zu KiB a thread, pages %s\t%d\t%.1f\tGB/s\n", sizes[i],
               page_name(), threads->threads, limit_read(area, bytes, threads));
        fflush(stdout);
    }
    for (size_t mb = 1; mb <= 256 && mb << 21 <= most; mb *= 16)
        printf("memcpy\t%zu MiB, pages %s\t%d\t%.1f\tGB/s\n", mb, page_name(),
               threads->threads,
               limit_copy(area + whole / 2, area, mb << 20, threads));
}

static void rates(pool *threads)
{
    static const char *const isas[] = {"avx2", "avx_vnni", "avx512",
                                       "avx512_vnni", "amx"};
    int found = 0;

    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        if (!limit_has(isas[i]))
            continue;
        found = 1;
        printf("int8 dot\t%s\t%d\t%.1f\tGOP/s\n", isas[i], threads->threads,
               limit_dot(isas[i], threads));
    }
    if (!found)
        printf("int8 dot\tplain C\t%d\t%.1f\tGOP/s\n", threads->threads,
               limit_dot("scalar", threads));
    if (limit_has("avx512"))
        printf("f32 fma\tavx512\t%d\t%.1f\tGFLOP/s\n", threads->threads,
               limit_fma("avx512", threads));
    printf("f32 fma\t%s\t%d\t%.1f\tGFLOP/s\n", found ? "avx2" : "plain C",
           threads->threads, limit_fma("avx2", threads));
}

int main(int count, char **list)
{
    static pool threads[POOL_MOST];
    char item[32];

    words_are(count, list);
    const size_t whole =
        word_of("quick", NULL) ? (size_t)128 << 20 : (size_t)2048 << 20;
    char *area = (char *)memory(whole, word_of("huge", NULL) != NULL);
    puts("what\tof\tthreads\trate\tunit");
    for (int i = 0; item_at(word_of("threads", "1,2"), i, item); i++) {
        pool *p = &threads[i % POOL_MOST];
        pool_start(p, atoi(item) > 0 ? atoi(item) : 1);
        rates(p);
        reads(area, whole, p);
    }
    return 0;
}
