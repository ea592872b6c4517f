// Dense products, factorizations and systems: against sums made one by one,
// and by what must come out.

#include <math.h>

#include "matrix/cholesky.h"
#include "matrix/linear.h"
#include "room.h"

static float *floats(size_t count, float by)
{
    float *x = (float *)(void *)room(count * sizeof(float));

    for (size_t i = 0; i < count; i++)
        x[i] = check_uniform() * by;
    return x;
}

static double *zeros(size_t count)
{
    double *x = (double *)(void *)room(count * sizeof(double));

    for (size_t i = 0; i < count; i++)
        x[i] = 0.0;
    return x;
}

// Every shape is the chain of the definition, to the bit.
static void test_product(size_t rows, size_t columns, size_t depth,
                         int transposed, int minus)
{
    const size_t lda = (transposed ? rows : depth) + 3;
    float *a = floats(lda * ((transposed ? depth : rows) + 1), 5.0f);
    float *b = floats(depth * (columns + 2) + 1, 1e-3f);
    double *c = zeros(rows * (columns + 1) + 1);
    double *space = zeros(QQI_DENSE_ROOM);
    qqi_dense d = qqi_dense_make(rows, columns, depth, a, lda, b, columns + 2,
                                 c, columns + 1);
    int same = 1;

    d.minus = minus;
    if (transposed) {
        d.a_row = 1;
        d.a_step = lda;
    }
    for (size_t i = 0; i < rows * (columns + 1); i++)
        c[i] = (double)check_uniform();
    double *want = zeros(rows * (columns + 1) + 1);
    memcpy(want, c, rows * (columns + 1) * sizeof *c);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double *sum = want + i * (columns + 1) + j;
            for (size_t k = 0; k < depth; k++) {
                const float x = a[i * d.a_row + k * d.a_step];
                const double p = (double)x * (double)b[k * (columns + 2) + j];
                *sum = minus ? *sum - p : *sum + p;
            }
        }
    qqi_dense_add(&d, space);
    for (size_t i = 0; i < rows * (columns + 1); i++)
        same &= memcmp(c + i, want + i, sizeof *c) == 0;
    CHECK(same);
    free(a);
    free(b);
    free(c);
    free(want);
    free(space);
}

static void test_products(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 5, 31, 32, 33, 64, 65, 130};

    for (size_t i = 0; i < check_count(100); i++)
        test_product(sizes[check_u32() % 11], sizes[check_u32() % 11],
                     sizes[check_u32() % 11], (int)(i & 1), (int)(i >> 1 & 1));
}

// A random positive definite matrix, both triangles, with eigenvalues of many
// sizes.
static double *positive(size_t k)
{
    float *x = floats((k + 3) * k + 1, 1.0f);
    double *a = zeros(k * k + 1);
    double *space = zeros(QQI_DENSE_ROOM);
    qqi_dense d = qqi_dense_make(k, k, k + 3, x, 1, x, k, a, k);

    d.a_step = k;
    qqi_dense_add(&d, space);
    for (size_t i = 0; i < k; i++)
        a[i * k + i] += 1e-3;
    free(x);
    free(space);
    return a;
}

static void run_parts(void *user, size_t parts, void (*part)(void *, size_t),
                      void *arg)
{
    *(int *)user += 1;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

static double *factor(size_t k, const double *a, size_t parts, int *ok)
{
    double *u = zeros(k * k + 1);
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_factor f;
    int calls = 0;
    qqi_threads t = qqi_threads_make(parts, run_parts, &calls);

    memcpy(u, a, k * k * sizeof *a);
    qqi_factor_place(&f, k, parts, &p);
    const size_t bytes = qqi_pieces_bytes(&p);
    void *memory = room(bytes);
    p = qqi_pieces_make(memory);
    qqi_factor_place(&f, k, parts, &p);
    *ok = qqi_factor_run(&f, u, &t);
    free(memory);
    return u;
}

static void test_factor(size_t k)
{
    double *a = positive(k);
    int ok;
    double *u = factor(k, a, 1, &ok);
    double worst = 0.0;

    CHECK(ok);
    for (size_t i = 0; i < k; i++)
        for (size_t j = i; j < k; j++) {
            double sum = 0.0;
            for (size_t q = 0; q <= i; q++)
                sum += u[q * k + i] * u[q * k + j];
            const double e =
                fabs(sum - a[i * k + j]) / sqrt(a[i * k + i] * a[j * k + j]);
            worst = e > worst ? e : worst;
        }
    CHECK(worst < 1e-12);
    double *v = factor(k, a, 3, &ok);
    int same = 1;
    for (size_t i = 0; i < k; i++)
        same &= memcmp(u + i * k + i, v + i * k + i, (k - i) * sizeof *u) == 0;
    CHECK(same);
    a[k / 2 * k + k / 2] = -1.0;
    free(v);
    v = factor(k, a, 2, &ok);
    CHECK(!ok);
    free(a);
    free(u);
    free(v);
}

static void test_system(size_t k, size_t n)
{
    double *a = positive(k);
    double *x = zeros(n * (k + 1) + 1);
    double *y = zeros(n * (k + 1) + 1);
    int ok;
    double *u = factor(k, a, 1, &ok);
    qqi_pieces p = qqi_pieces_make(NULL);
    qqi_system s;
    double worst = 0.0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            x[i * (k + 1) + j] = (double)check_uniform();
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            for (size_t l = 0; l < k; l++)
                y[i * (k + 1) + j] += x[i * (k + 1) + l] * a[l * k + j];
    qqi_system_place(&s, k, &p);
    void *memory = room(qqi_pieces_bytes(&p));
    p = qqi_pieces_make(memory);
    qqi_system_place(&s, k, &p);
    s.u = u;
    double *one = zeros(k + 1);
    memcpy(one, y, k * sizeof *one);
    qqi_system_solve(&s, n, y, k + 1);
    qqi_solve_small(u, k, k, one);
    for (size_t j = 0; j < k; j++)
        CHECK(fabs(one[j] - x[j]) < 1e-6);
    for (size_t i = 0; i < n * (k + 1); i++)
        worst = fabs(y[i] - x[i]) > worst ? fabs(y[i] - x[i]) : worst;
    CHECK(worst < 1e-6);
    free(a);
    free(x);
    free(y);
    free(u);
    free(one);
    free(memory);
}

// --- passes ----------------------------------------------------------------

// What a pass is made of; everything that it makes, by the plain functions.
typedef struct passes {
    size_t n, k;
    float *w, *rows, *columns;
    double *d, *other, *e, *m;
    double *right, *left, *norm_rows, *x, *y, *sum;
} passes;

static double *doubles(size_t count)
{
    double *x = zeros(count + 1);

    for (size_t i = 0; i < count; i++)
        x[i] = (double)check_uniform() + 1e-9 * (double)check_uniform();
    return x;
}

static passes passes_make(size_t n, size_t k)
{
    const size_t most = n > k ? n : k;
    passes p;

    p.n = n;
    p.k = k;
    p.w = floats(n * (k + 3) + 1, 1.0f);
    p.rows = floats(n + 1, 3.0f);
    p.columns = floats(k + 1, 3.0f);
    p.d = doubles(n);
    p.other = doubles(n);
    p.e = doubles(k);
    p.m = doubles(n * k);
    p.right = zeros(most + 1);
    p.left = zeros(most + 1);
    p.norm_rows = zeros(most + 1);
    p.x = zeros(most + 1);
    p.y = zeros(most + 1);
    p.sum = zeros(most + 1);
    return p;
}

// One number after another, as kernel/dense.h says.
static void passes_want(const passes *p, uint32_t mask, const double *v,
                        const double *u)
{
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->k; j++) {
            const float w = p->w[i * (p->k + 3) + j];
            const float r = w * p->rows[i];
            const uint32_t bits = check_bits(r * p->columns[j]) & mask;
            const double weight = (double)check_f32(bits);
            const double x = qqi_mul_f64(p->d[i], (double)w);
            const double y = qqi_mul_f64(p->other[i], (double)w);
            p->right[i] += weight * v[j];
            p->left[j] += u[i] * weight;
            p->norm_rows[i] += fabs(qqi_mul_f64(x, p->e[j]));
            p->x[j] += fabs(qqi_mul_f64(x, p->e[j]));
            p->y[j] += fabs(qqi_mul_f64(y, p->e[j]));
            p->sum[j] += qqi_mul_f64(p->d[i], p->m[i * p->k + j]);
        }
}

static int same(const double *x, const double *y, size_t count)
{
    return memcmp(x, y, count * sizeof *x) == 0;
}

static void passes_free(const passes *p)
{
    double *const all[] = {p->d,    p->other,     p->e, p->m, p->right,
                           p->left, p->norm_rows, p->x, p->y, p->sum};

    for (int i = 0; i < 10; i++)
        free(all[i]);
    free(p->w);
    free(p->rows);
    free(p->columns);
}

static void test_pass(size_t n, size_t k, size_t parts, uint32_t mask)
{
    const size_t most = n > k ? n : k;
    const passes p = passes_make(n, k);
    double *v = zeros(most + 1), *x = zeros(most + 1), *y = zeros(most + 1);
    int calls = 0;
    const qqi_threads t = qqi_threads_make(parts, run_parts, &calls);
    qqi_linear a;

    for (size_t i = 0; i < most; i++)
        v[i] = (double)check_uniform();
    passes_want(&p, mask, v, v);
    memset(&a, 0, sizeof a);
    a.n = n;
    a.k = k;
    a.weighed.w = a.scaled.w = p.w;
    a.weighed.ldw = a.scaled.ldw = k + 3;
    a.weighed.rows = p.rows;
    a.weighed.columns = p.columns;
    a.weighed.mask = mask;
    a.scaled.d = p.d;
    a.scaled.other = p.other;
    a.scaled.e = p.e;
    a.v = v;
    a.x = x;
    a.y = y;
    qqi_linear_run(&a, &t, qqi_linear_right_part);
    CHECK(same(x, p.right, n));
    qqi_linear_run(&a, &t, qqi_linear_left_part);
    CHECK(same(x, p.left, k));
    qqi_linear_run(&a, &t, qqi_linear_rows_part);
    CHECK(same(x, p.norm_rows, n));
    qqi_linear_run(&a, &t, qqi_linear_columns_part);
    CHECK(same(x, p.x, k) && same(y, p.y, k));
    a.m = p.m;
    a.v = p.d;
    qqi_linear_run(&a, &t, qqi_linear_add_part);
    CHECK(same(x, p.sum, k));
    for (size_t j = 0; j < k; j++)
        y[j] = x[j] + (double)p.columns[0] * (double)p.w[j];
    qqi_dense_now()->move(k, p.columns[0], p.w, x);
    CHECK(same(x, y, k));
    passes_free(&p);
    free(v);
    free(x);
    free(y);
}

static void test_passes(void)
{
    static const size_t some[] = {1, 7, 8, 15, 16, 17, 31, 32, 40, 65};

    for (size_t i = 0; i < check_count(40); i++)
        test_pass(some[check_u32() % 10], some[check_u32() % 10],
                  1 + check_u32() % 3, i % 2 ? 0x7fffffffu : 0xffffffffu);
    test_pass(270, 261, 3, 0x7fffffffu); // threads are asked
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 31, 32, 33, 64, 100};
    static const qq_isa isa[] = {QQ_ISA_SCALAR, QQ_ISA_AVX2, QQ_ISA_AVX512,
                                 QQ_ISA_NEON};

    for (int i = 0; i < 4; i++) {
        if (qq_use_isa(isa[i]) != QQ_OK)
            continue;
        test_products();
        test_passes();
    }
    for (size_t i = 0; i < 7; i++) {
        test_factor(sizes[i]);
        test_system(sizes[i], 1 + i * 5);
    }
    return check_done();
}
