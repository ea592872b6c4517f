// Passes over a matrix, in any parts, in any order of these and on all sets of
// instructions: the plain sums that kernel/dense.h states, to the bit.

#include "matrix/linear.h"
#include "room.h"

typedef struct passes {
    size_t n;
    size_t k;
    float *w; // n rows of k, ldw apart
    size_t ldw;
    float *rows;    // n
    float *columns; // k
    double *d;      // n
    double *other;  // n
    double *e;      // k
    double *u;      // n floats
    double *v;      // k floats
    double *m;      // n * k
} passes;

enum { RIGHT, LEFT, ROWS, COLUMNS, ADD, KINDS };

static void (*const kinds[])(void *, size_t) = {
    qqi_linear_right_part, qqi_linear_left_part, qqi_linear_rows_part,
    qqi_linear_columns_part, qqi_linear_add_part};

static double *doubles(size_t count, int floats)
{
    double *x = (double *)(void *)room(count * sizeof(double));

    for (size_t i = 0; i < count; i++) {
        const double y = (double)check_uniform() * 1.7;
        x[i] = floats ? (double)(float)y : y;
    }
    return x;
}

static float *floats(size_t count)
{
    float *x = (float *)(void *)room(count * sizeof(float));

    for (size_t i = 0; i < count; i++)
        x[i] = check_uniform() * 1.3f;
    return x;
}

static passes make(size_t n, size_t k)
{
    passes p;

    p.n = n;
    p.k = k;
    p.ldw = k + check_u32() % 3;
    p.w = floats(n * p.ldw);
    p.rows = floats(n);
    p.columns = floats(k);
    p.d = doubles(n, 0);
    p.other = doubles(n, 0);
    p.e = doubles(k, 0);
    p.u = doubles(n, 1);
    p.v = doubles(k, 1);
    p.m = doubles(n * k, 0);
    return p;
}

static void drop(const passes *p)
{
    free(p->w);
    free(p->rows);
    free(p->columns);
    free(p->d);
    free(p->other);
    free(p->e);
    free(p->u);
    free(p->v);
    free(p->m);
}

// What row i and column j add, no two roundings in one.
static double term(const passes *p, int kind, const double *d, size_t i,
                   size_t j)
{
    const float w = p->w[i * p->ldw + j];

    if (kind == RIGHT || kind == LEFT) {
        volatile float x = w * p->rows[i];
        x = x * p->columns[j];
        // Magnitudes to the right, numbers as they are to the left.
        const float y = kind == RIGHT && x < 0.0f ? -x : x;
        volatile double z = (double)y * (kind == RIGHT ? p->v[j] : p->u[i]);
        return z;
    }
    volatile double x =
        kind == ADD ? p->u[i] * p->m[i * p->k + j] : d[i] * (double)w;
    if (kind != ADD) {
        x = x * p->e[j];
        x = x < 0.0 ? -x : x;
    }
    return x;
}

static void plain(const passes *p, int kind, double *x, double *y)
{
    const int by_row = kind == RIGHT || kind == ROWS;

    for (size_t i = 0; i < (by_row ? p->n : p->k); i++)
        x[i] = y[i] = 0.0;
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->k; j++) {
            const size_t at = by_row ? i : j;
            x[at] += term(p, kind, p->d, i, j);
            if (kind == COLUMNS)
                y[at] += term(p, kind, p->other, i, j);
        }
}

static void backwards(void *user, size_t parts, void (*part)(void *, size_t),
                      void *arg)
{
    ++*(size_t *)user;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

static size_t run(const passes *p, int kind, size_t parts, double *x, double *y)
{
    size_t calls = 0;
    const qqi_threads t = qqi_threads_make(parts, backwards, &calls);
    qqi_linear l;

    memset(&l, 0, sizeof l);
    l.n = p->n;
    l.k = p->k;
    l.weighed.w = l.scaled.w = p->w;
    l.weighed.ldw = l.scaled.ldw = p->ldw;
    l.weighed.rows = p->rows;
    l.weighed.columns = p->columns;
    l.weighed.mask = kind == RIGHT ? 0x7fffffffu : 0xffffffffu;
    l.scaled.d = p->d;
    l.scaled.other = p->other;
    l.scaled.e = p->e;
    l.m = p->m;
    l.v = kind == RIGHT ? p->v : p->u;
    l.x = x;
    l.y = y;
    qqi_linear_run(&l, &t, kinds[kind]);
    return calls;
}

// The number of times that threads were asked for.
static size_t test_passes(size_t n, size_t k)
{
    const size_t most = n > k ? n : k, bytes = most * sizeof(double);
    double *x = doubles(most, 0), *y = doubles(most, 0);
    double *want = doubles(most, 0), *soon = doubles(most, 0);
    const passes p = make(n, k);
    size_t calls = 0;

    for (int kind = 0; kind < KINDS; kind++) {
        memset(want, 255, bytes);
        memset(soon, 255, bytes);
        plain(&p, kind, want, soon);
        for (int isa = 1; isa < 48; isa++) {
            if (qq_use_isa((qq_isa)isa) != QQ_OK)
                continue;
            for (size_t parts = 1; parts < 6; parts++) {
                memset(x, 255, bytes);
                memset(y, 255, bytes);
                calls += run(&p, kind, parts, x, y);
                CHECK(memcmp(x, want, bytes) == 0);
                CHECK(kind != COLUMNS || memcmp(y, soon, bytes) == 0);
            }
        }
    }
    CHECK(qq_use_isa(QQ_ISA_BEST) == QQ_OK);
    free(x);
    free(y);
    free(want);
    free(soon);
    drop(&p);
    return calls;
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 7, 8, 15, 16, 17, 33, 40};

    for (size_t i = 0; i < check_count(60); i++)
        test_passes(sizes[check_u32() % 9], sizes[check_u32() % 9]);
    // Large enough for threads.
    CHECK(test_passes(150, 463) > 0);
    CHECK(test_passes(523, 131) > 0);
    return check_done();
}
