// OneBit layer by layer: the first half of the rows that a layer sees is what
// the solver is given, the second half judges. Errors are those of the output,
// squared, relative to the output.
//
//   balanced  the original's balanced a and b, folded
//   svid      the plain rank 1 of |W|
//   fixed     the better of both
//   best, bias, planes2, planes3

#ifndef QQUANT_BENCH_QUALITY_ONEBIT_H
#define QQUANT_BENCH_QUALITY_ONEBIT_H

#include "../tests/models/quality.h"
#include "../tests/models/quality_tools.h"

enum {
    OB_BALANCED,
    OB_SVID,
    OB_FIXED,
    OB_BEST,
    OB_BIAS,
    OB_PLANES2,
    OB_PLANES3,
    OB_KINDS,
    OB_MOST = 256 // layers of all nets
};

static const char *const onebit_kind[OB_KINDS] = {
    "balanced", "svid", "fixed", "best", "best+bias", "planes2", "planes3"};

// Errors of all layers so far, for the medians.
static double onebit_error[OB_MOST][OB_KINDS];
static size_t onebit_layers;

// --- one answer ------------------------------------------------------------

// V of n * k weights, 1 where there is one. h may be NULL.
static inline int onebit_values(const qq_onebit_options *o, size_t n, size_t k,
                                const float *w, const float *h, float *v)
{
    const size_t bytes = qq_onebit_size(n, k, o);
    const size_t room = qq_onebit_scratch_size(n, k, o, h != NULL);
    qq_onebit r;

    if (bytes == SIZE_MAX || room == SIZE_MAX)
        return 0;
    void *out = quality_memory(bytes), *scratch = quality_memory(room);
    const int ok =
        qq_onebit_solve(n, k, o, w, k, h, h ? k * k * sizeof(float) : 0, out,
                        bytes, scratch, room, &r) == QQ_OK &&
        qq_onebit_values(&r, v, k) == QQ_OK;
    free(out);
    free(scratch);
    return ok;
}

// The sum of so many planes, each the rank 1 of what is left.
static inline void svid(unsigned planes, size_t n, size_t k, const float *w,
                        float *v)
{
    qq_onebit_options o = qq_onebit_options_init();
    float *left = quality_floats(n * k), *one = quality_floats(n * k);

    o.mode = QQ_ONEBIT_FIXED;
    o.balancing = 0;
    o.importance = 0;
    memcpy(left, w, n * k * sizeof *w);
    memset(v, 0, n * k * sizeof *v);
    for (unsigned p = 0; p < planes; p++) {
        if (!onebit_values(&o, n, k, left, NULL, one))
            break;
        for (size_t i = 0; i < n * k; i++) {
            v[i] += one[i];
            left[i] -= one[i];
        }
    }
    free(left);
    free(one);
}

// --- moments of both halves ------------------------------------------------

typedef struct onebit_half {
    float *h;    // k * k
    float *mean; // k
    uint64_t count;
} onebit_half;

// What quality_rows does in the meantime: it counts the rows of a group, or
// adds them to the moments of their half.
static size_t onebit_group, onebit_count, onebit_seen;
static qq_moments onebit_moments[2];
static int onebit_counts;

static inline qq_status onebit_add(int half, size_t rows, const float *x,
                                   size_t ldx)
{
    qq_moments *m = &onebit_moments[half];
    const size_t room = qq_moments_scratch_size(m, NULL);
    void *scratch = quality_memory(room);
    const qq_status status = qq_moments_update(m, NULL, rows, QQ_TYPE_F32, x,
                                               ldx, NULL, 0, scratch, room);
    free(scratch);
    return status;
}

static inline qq_status onebit_rows(qq_drive_sink *sink, size_t group,
                                    const qq_drive_rows_of *rows)
{
    (void)sink;
    if (group != onebit_group)
        return QQ_OK;
    if (onebit_counts) {
        onebit_count += rows->count;
        return QQ_OK;
    }
    const size_t half = onebit_count / 2;
    const size_t left = onebit_seen < half ? half - onebit_seen : 0;
    const size_t first = rows->count < left ? rows->count : left;
    qq_status status = QQ_OK;
    onebit_seen += rows->count;
    if (first > 0)
        status = onebit_add(0, first, rows->x, rows->ldx);
    if (first < rows->count && status == QQ_OK)
        status = onebit_add(1, rows->count - first, rows->x + first * rows->ldx,
                            rows->ldx);
    return status;
}

static inline void onebit_halves(const quality_net *net, size_t group, size_t k,
                                 onebit_half half[2])
{
    const size_t bytes = qq_moments_size(k, NULL);
    void *memory[2];

    quality_rows = onebit_rows;
    onebit_group = group;
    onebit_count = onebit_seen = 0;
    onebit_counts = 1;
    net->inputs(NULL, group, 1, 0, NULL);
    onebit_counts = 0;
    for (int i = 0; i < 2; i++) {
        memory[i] = quality_memory(bytes);
        qq_moments_make(k, NULL, memory[i], bytes, &onebit_moments[i]);
    }
    net->inputs(NULL, group, 1, 0, NULL);
    quality_rows = qq_drive_rows;
    for (int i = 0; i < 2; i++) {
        half[i].h = quality_floats(k * k);
        half[i].mean = quality_floats(k);
        half[i].count = onebit_moments[i].count;
        qq_moments_hessian(&onebit_moments[i], 0, 1.0, half[i].h,
                           k * k * sizeof(float));
        qq_moments_means(&onebit_moments[i], half[i].mean, NULL);
        free(memory[i]);
    }
}

// --- a layer ---------------------------------------------------------------

// sum of (E x - E shift)^2 over the rows of a half, E = W - V, relative to that
// of W x. v and shift may be NULL: 0.
static inline double onebit_sum(size_t n, size_t k, const float *w,
                                const float *v, const onebit_half *half,
                                const float *shift)
{
    double all = 0;
    double *e = (double *)quality_memory(k * sizeof *e);

    for (size_t i = 0; i < n; i++) {
        double at_shift = 0, at_mean = 0;
        for (size_t j = 0; j < k; j++) {
            e[j] = (double)w[i * k + j] - (v ? (double)v[i * k + j] : 0);
            at_shift += shift ? e[j] * (double)shift[j] : 0;
            at_mean += e[j] * (double)half->mean[j];
        }
        for (size_t j = 0; j < k; j++) {
            double sum = 0;
            for (size_t c = 0; c < k; c++)
                sum += e[c] * (double)half->h[j * k + c];
            all += e[j] * sum;
        }
        all += at_shift * at_shift - 2 * at_shift * at_mean;
    }
    free(e);
    return all;
}

// H of the solving half, damped; centred where there will be a bias.
static inline void onebit_damped(size_t k, const onebit_half *half, int centre,
                                 float *h)
{
    for (size_t i = 0; i < k * k; i++)
        h[i] =
            half->h[i] - (centre ? half->mean[i / k] * half->mean[i % k] : 0);
    for (size_t i = 0; i < k; i++)
        h[i * (k + 1)] = h[i * (k + 1)] > 0 ? h[i * (k + 1)] : 0;
    qq_hessian_damp(k, qq_hessian_lambda(1, half->count, k), h,
                    k * k * sizeof *h);
}

static inline qq_onebit_options onebit_options(int kind)
{
    qq_onebit_options o = qq_onebit_options_init();

    if (kind == OB_BALANCED)
        o.mode = QQ_ONEBIT_COMPAT;
    else if (kind == OB_FIXED)
        o.mode = QQ_ONEBIT_FIXED;
    else if (kind == OB_PLANES2 || kind == OB_PLANES3)
        o.planes = kind == OB_PLANES2 ? 2 : 3;
    else
        o.anneal = 60;
    return o;
}

static inline void onebit_layer(const qq_drive_layer *l,
                                const onebit_half half[2], double *error)
{
    const size_t n = l->n, k = l->k;
    float *v = quality_floats(n * k), *h = quality_floats(k * k);
    const double all = onebit_sum(n, k, l->w, NULL, &half[1], NULL);

    for (int i = 0; i < OB_KINDS; i++) {
        const qq_onebit_options o = onebit_options(i);
        int ok = 1;
        onebit_damped(k, &half[0], i == OB_BIAS, h);
        if (i == OB_SVID)
            svid(1, n, k, l->w, v);
        else
            ok = onebit_values(&o, n, k, l->w, h, v);
        error[i] = ok ? onebit_sum(n, k, l->w, v, &half[1],
                                   i == OB_BIAS ? half[0].mean : NULL) /
                            all
                      : (double)NAN;
    }
    free(v);
    free(h);
}

// --- tables ----------------------------------------------------------------

static inline void onebit_head(void)
{
    printf("net\tlayer\tn\tk\trows");
    for (int i = 0; i < OB_KINDS; i++)
        printf("\t%s", onebit_kind[i]);
    printf("\tbest/balanced\n");
}

static inline int onebit_falls(const void *p, const void *q)
{
    const double a = *(const double *)p, b = *(const double *)q;
    return (a > b) - (a < b);
}

// Medians and the worst of error over that of another kind.
static inline void onebit_ratios(const char *name, size_t first, size_t end,
                                 int over)
{
    static double ratio[OB_MOST];

    printf("%s\t%lu layers, over %s", name, (unsigned long)(end - first),
           onebit_kind[over]);
    for (int i = OB_BEST; i < OB_KINDS; i++) {
        size_t count = 0;
        for (size_t l = first; l < end; l++) {
            const double r = onebit_error[l][i] / onebit_error[l][over];
            if (r > 0)
                ratio[count++] = r;
        }
        qsort(ratio, count, sizeof *ratio, onebit_falls);
        if (count > 0)
            printf("\t%s %.3f (%.3f)", onebit_kind[i],
                   (ratio[(count - 1) / 2] + ratio[count / 2]) / 2,
                   ratio[count - 1]);
    }
    printf("\n");
}

static inline void onebit_net(const quality_net *net)
{
    const size_t begin = onebit_layers;
    onebit_half half[2] = {{NULL, NULL, 0}, {NULL, NULL, 0}};

    for (size_t i = 0; i < net->count && onebit_layers < OB_MOST; i++) {
        const qq_drive_layer *l = &net->layer[i];
        double *e = onebit_error[onebit_layers];
        if (l->n == 1)
            continue;
        if (half[0].h == NULL || l->group != l[-1].group) {
            for (int s = 0; s < 2; s++) {
                free(half[s].h);
                free(half[s].mean);
            }
            onebit_halves(net, l->group, l->k, half);
        }
        onebit_layer(l, half, e);
        onebit_layers++;
        printf("%s\t%s\t%lu\t%lu\t%lu", net->name, l->name.name,
               (unsigned long)l->n, (unsigned long)l->k,
               (unsigned long)half[0].count);
        for (int s = 0; s < OB_KINDS; s++)
            printf("\t%.5f", e[s]);
        printf("\t%.3f\n", e[OB_BEST] / e[OB_BALANCED]);
        fflush(stdout);
    }
    for (int s = 0; s < 2; s++) {
        free(half[s].h);
        free(half[s].mean);
    }
    for (int over = OB_BALANCED; over <= OB_FIXED; over++)
        onebit_ratios(net->name, begin, onebit_layers, over);
}

static inline void onebit_all(void)
{
    for (int over = OB_BALANCED; over <= OB_FIXED; over++)
        onebit_ratios("all", 0, onebit_layers, over);
}

#endif // QQUANT_BENCH_QUALITY_ONEBIT_H
