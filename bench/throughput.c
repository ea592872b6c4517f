// How fast f32 is quantized and read back, beside a memcpy of the same bytes:
//
//   cc -O2 -Isrc bench/throughput.c tests/qquant.c -o throughput
//
// One row a scheme, tab-separated: what, GB/s of f32 (median, slowest and
// fastest of the runs), and the ratio to memcpy in the same run.

#include "qquant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 256, COLUMNS = 4096, COUNT = ROWS * COLUMNS, RUNS = 15 };

static float x[COUNT], y[COUNT];
static unsigned char room[8 * COUNT];

static double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static int by_value(const void *p, const void *q)
{
    const double a = *(const double *)p, b = *(const double *)q;
    return (a > b) - (a < b);
}

typedef struct job {
    qq_tensor t;
    qq_scheme s;
    qq_array a;
    qq_status status;
} job;

static void copy(job *j)
{
    memcpy(y, x, sizeof x);
    j->status =
        y[j->t.shape[1] - 1] == x[j->t.shape[1] - 1] ? QQ_OK : QQ_ERR_SIZE;
}

static void quantize(job *j)
{
    j->status = qq_quantize(&j->t, &j->s, room, sizeof room, &j->a);
}

static void dequantize(job *j)
{
    qq_tensor back;
    j->status =
        qq_dequantize(&j->a, j->s.rule, QQ_TYPE_F32, y, sizeof y, &back);
}

// GB/s of f32: the median, and through low and high the slowest and fastest.
static double measure(void (*work)(job *), job *j, double *low, double *high)
{
    double rate[RUNS];
    work(j); // warms the caches and the pages
    for (int i = 0; i < RUNS; i++) {
        const double begin = seconds();
        work(j);
        rate[i] = 4e-9 * (double)COUNT / (seconds() - begin);
    }
    qsort(rate, RUNS, sizeof rate[0], by_value);
    *low = rate[0];
    *high = rate[RUNS - 1];
    return rate[RUNS / 2];
}

static void row(const char *what, const char *how, void (*work)(job *), job *j)
{
    double low, high, ignored[2];
    const double memory = measure(copy, j, &ignored[0], &ignored[1]);
    const double rate = measure(work, j, &low, &high);
    if (j->status != QQ_OK) {
        printf("%s\t%s\t%s\n", what, how, qq_status_string(j->status));
        return;
    }
    printf("%s\t%s\t%.2f\t%.2f\t%.2f\t%.3f\n", what, how, rate, low, high,
           rate / memory);
}

int main(void)
{
    static const struct {
        const char *name;
        qq_type type;
        size_t tile;
    } cases[] = {{"int8 row", QQ_TYPE_INT8, 0},
                 {"int4 tile 32", QQ_TYPE_INT4, 32},
                 {"nf4 tile 64", QQ_TYPE_NF4, 64},
                 {"ternary row", QQ_TYPE_TERNARY, 0},
                 {"sign row", QQ_TYPE_SIGN, 0},
                 {"e4m3fn row", QQ_TYPE_E4M3FN, 0},
                 {"mxfp4 tile 32", QQ_TYPE_MXFP4, 32}};
    const size_t shape[2] = {ROWS, COLUMNS};
    job j;
    j.t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)(int)((unsigned)i * 2654435761u >> 16) / 32768.0f - 1.0f;
    printf("what\tcall\tGB/s\tslowest\tfastest\tof memcpy\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        j.s = qq_scheme_init(cases[i].type);
        (void)qq_scheme_channel(&j.s, 0, 2);
        if (cases[i].tile)
            (void)qq_scheme_tile(&j.s, 1, 2, cases[i].tile);
        row(cases[i].name, "quantize", quantize, &j);
        row(cases[i].name, "dequantize", dequantize, &j);
    }
    return 0;
}
