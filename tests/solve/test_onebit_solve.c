// OneBit's modes against each other and, on tiny layers, against all signs
// there are; planes, annealing, halves, parts, an end on demand, refusals. Also
// solve/onebit_start.h, planes.h, plane_pass.h and plane_columns.h.

#include "solve.h"

typedef struct answer {
    size_t n, k, bytes, need;
    const float *w, *h;
    void *out, *scratch;
    float *v;
    qq_onebit r;
    qq_status status;
} answer;

static answer solve(size_t n, size_t k, const qq_onebit_options *o,
                    const float *w, const float *h)
{
    answer a;

    a.n = n;
    a.k = k;
    a.w = w;
    a.h = h;
    a.bytes = qq_onebit_size(n, k, o);
    a.need = qq_onebit_scratch_size(n, k, o, h != NULL);
    a.out = room(a.bytes);
    a.scratch = room(a.need);
    a.v = solve_floats(n * k);
    a.status = qq_onebit_solve(n, k, o, w, k, h, k * k * sizeof *h, a.out,
                               a.bytes, a.scratch, a.need, &a.r);
    if (a.status == QQ_OK)
        CHECK(qq_onebit_values(&a.r, a.v, k) == QQ_OK);
    return a;
}

static void drop(answer *a)
{
    free(a->out);
    free(a->scratch);
    free(a->v);
}

static double error_of(const answer *a, const float *v)
{
    float *unit = solve_floats(a->k * a->k);

    for (size_t i = 0; i < a->k * a->k; i++)
        unit[i] = i % (a->k + 1) == 0 ? 1.0f : 0.0f;
    const double e = solve_error(a->n, a->k, a->w, v, a->h ? a->h : unit);
    free(unit);
    return e;
}

static int same_answer(const answer *a, const answer *b)
{
    int same = memcmp(a->r.a, b->r.a, a->r.planes * a->n * 4) == 0 &&
               memcmp(a->r.b, b->r.b, a->r.planes * a->k * 4) == 0;

    for (unsigned p = 0; p < a->r.planes; p++)
        same &= memcmp(a->r.sign[p].data, b->r.sign[p].data,
                       (a->n * a->k + 7) / 8) == 0;
    return same && memcmp(&a->r.objective, &b->r.objective, 8) == 0;
}

// V by its definition, from what the answer holds.
static void check_values(const answer *a)
{
    int same = 1;

    for (size_t i = 0; i < a->n * a->k; i++) {
        float sum = 0.0f;
        for (unsigned p = 0; p < a->r.planes; p++) {
            const float s = qq_tensor_code(&a->r.sign[p], i) ? 1.0f : -1.0f;
            const volatile float x = // not to be fused into the sum
                a->r.a[p * a->n + i / a->k] * s * a->r.b[p * a->k + i % a->k];
            sum = p == 0 ? x : sum + x;
        }
        same &= !(sum < a->v[i]) && !(sum > a->v[i]);
    }
    CHECK(same);
}

static float *hessian(size_t k, size_t rows, double lambda)
{
    float *x = solve_inputs(rows, k, 0.9f);
    float *h = solve_hessian(rows, k, x, 0, lambda);

    free(x);
    return h;
}

// Every mode, with and without H: J is what it says, none above SVID, best not
// above fixed; more planes, no larger J; -W has -V.
static void test_order(size_t n, size_t k, int has_h, int f16)
{
    float *w = solve_weights(n, k), *minus = solve_floats(n * k);
    float *h = has_h ? hessian(k, 4 * k + 3, 0.1) : NULL;
    qq_onebit_options o = qq_onebit_options_init();
    double last = 1e300, fixed = 0.0;

    for (size_t i = 0; i < n * k; i++)
        minus[i] = -w[i];
    o.f16 = f16;
    for (unsigned i = 0; i < 6; i++) {
        o.mode = i < 2 ? QQ_ONEBIT_FIXED : QQ_ONEBIT_BEST;
        o.balancing = i != 1;
        o.planes = i < 2 ? 1 : i - 1;
        o.rounds = 4;
        answer a = solve(n, k, &o, w, h);
        if (!CHECK(a.status == QQ_OK)) {
            drop(&a);
            continue;
        }
        const double e = error_of(&a, a.v);
        CHECK(fabs(e - a.r.objective) <= 1e-3 * e + 1e-5 * a.r.svid + 1e-9);
        CHECK(a.r.objective <= a.r.svid);
        if (i < 2)
            fixed = i == 0 ? a.r.objective : fmin(fixed, a.r.objective);
        if (i == 2)
            CHECK(a.r.objective <= fixed);
        if (i > 2 && n > 3 && k > 3)
            CHECK(a.r.objective <= last);
        if (i >= 2)
            last = a.r.objective;
        check_values(&a);
        for (size_t j = 0; f16 && j < o.planes * n; j++)
            CHECK(check_bits(qq_f32_from_f16(qq_f16_from_f32(a.r.a[j]))) ==
                  check_bits(a.r.a[j]));
        for (size_t j = 0; f16 && j < o.planes * k; j++)
            CHECK(check_bits(qq_f32_from_f16(qq_f16_from_f32(a.r.b[j]))) ==
                  check_bits(a.r.b[j]));
        if (i < 3) {
            answer m = solve(n, k, &o, minus, h);
            CHECK(m.status == QQ_OK && fabs(m.r.objective - a.r.objective) <=
                                           1e-6 * a.r.objective + 1e-12);
            for (size_t j = 0; j < n * k; j++)
                CHECK(!(m.v[j] < -a.v[j]) && !(m.v[j] > -a.v[j]));
            drop(&m);
        }
        drop(&a);
    }
    free(w);
    free(minus);
    free(h);
}

// All signs of a layer of n by k; a and b by the best of each in turn.
static double brute(size_t n, size_t k, const float *w, const float *h)
{
    double least = 1e300;

    for (unsigned c = 0; c < 1u << (n * k - 1); c++) { // the first one is +
        double a[3], b[4] = {1, 1, 1, 1}, j = 1e300;
        for (int round = 0; round < 30; round++) {
            for (size_t i = 0; i < n; i++) { // a: one number a row
                double up = 0.0, down = 0.0;
                for (size_t x = 0; x < k; x++)
                    for (size_t y = 0; y < k; y++) {
                        const double s = c >> (i * k + x) & 1 ? -b[x] : b[x];
                        const double t = c >> (i * k + y) & 1 ? -b[y] : b[y];
                        const double m = (double)h[x * k + y];
                        up += s * m * (double)w[i * k + y];
                        down += s * m * t;
                    }
                a[i] = down > 0.0 ? up / down : 0.0;
            }
            for (size_t x = 0; x < k; x++) { // b: one by one
                double up = 0.0, down = 0.0;
                for (size_t i = 0; i < n; i++) {
                    const double s = c >> (i * k + x) & 1 ? -a[i] : a[i];
                    for (size_t y = 0; y < k; y++) {
                        const double t = c >> (i * k + y) & 1 ? -a[i] : a[i];
                        const double e =
                            (double)w[i * k + y] - (y == x ? 0.0 : t * b[y]);
                        up += s * (double)h[x * k + y] * e;
                    }
                    down += s * s * (double)h[x * k + x];
                }
                b[x] = down > 0.0 ? up / down : 0.0;
            }
        }
        j = 0.0;
        for (size_t i = 0; i < n; i++)
            for (size_t x = 0; x < k; x++)
                for (size_t y = 0; y < k; y++) {
                    const double s = c >> (i * k + x) & 1 ? -1.0 : 1.0;
                    const double t = c >> (i * k + y) & 1 ? -1.0 : 1.0;
                    j += ((double)w[i * k + x] - a[i] * s * b[x]) *
                         (double)h[x * k + y] *
                         ((double)w[i * k + y] - a[i] * t * b[y]);
                }
        least = j < least ? j : least;
    }
    return least;
}

static void test_gap(size_t n, size_t k)
{
    double svid = 0.0, fixed = 0.0, best = 0.0, warm = 0.0, all = 0.0;

    for (size_t i = 0; i < 20; i++) {
        float *w = solve_weights(n, k), *h = hessian(k, 40, 0.05);
        qq_onebit_options o = qq_onebit_options_init();
        o.f16 = 0;
        o.mode = QQ_ONEBIT_FIXED;
        answer a = solve(n, k, &o, w, h);
        o.mode = QQ_ONEBIT_BEST;
        answer b = solve(n, k, &o, w, h);
        o.anneal = 60;
        answer c = solve(n, k, &o, w, h);
        svid += a.r.svid;
        fixed += a.r.objective;
        best += b.r.objective;
        warm += c.r.objective;
        all += brute(n, k, w, h);
        drop(&a);
        drop(&b);
        drop(&c);
        free(w);
        free(h);
    }
    printf("    %u x %u: SVID %.2f, fixed %.2f, best %.2f, annealed %.2f of "
           "the best of all signs\n",
           (unsigned)n, (unsigned)k, svid / all, fixed / all, best / all,
           warm / all);
    CHECK(all <= best * 1.001 && all <= warm * 1.001);
    CHECK(best < 1.6 * all && warm < 1.6 * all);
}

// No flip of one sign makes the answer of many sweeps better by much: only the
// rounding to halves and the last a stand between.
static void test_local(size_t n, size_t k)
{
    float *w = solve_weights(n, k), *h = hessian(k, 5 * k, 0.05);
    qq_onebit_options o = qq_onebit_options_init();
    size_t better = 0;

    o.f16 = 0;
    o.rounds = 30;
    o.sweeps = 50;
    answer a = solve(n, k, &o, w, h);
    const double now = error_of(&a, a.v);
    for (size_t i = 0; i < n * k; i++) {
        a.v[i] = -a.v[i];
        better += error_of(&a, a.v) < now * (1.0 - 1e-4);
        a.v[i] = -a.v[i];
    }
    CHECK(better * 50 <= n * k);
    // Nor is there a better a of any row.
    for (size_t i = 0; i < n; i++)
        for (int s = -1; s <= 1; s += 2) {
            float *v = solve_floats(n * k);
            memcpy(v, a.v, n * k * sizeof *v);
            for (size_t j = 0; j < k; j++)
                v[i * k + j] *= 1.0f + 0.02f * (float)s;
            CHECK(error_of(&a, v) >= now * (1.0 - 1e-6));
            free(v);
        }
    drop(&a);
    free(w);
    free(h);
}

// 2^e W has 2^(e / 2) a and b, where these are floats: V to the bit.
static void test_scale(size_t n, size_t k, int e)
{
    float *w = solve_weights(n, k), *x = solve_floats(n * k);
    float *h = hessian(k, 3 * k, 0.1);
    qq_onebit_options o = qq_onebit_options_init();
    int same = 1;

    o.f16 = 0;
    for (size_t i = 0; i < n * k; i++)
        x[i] = ldexpf(w[i], e);
    answer a = solve(n, k, &o, w, h), b = solve(n, k, &o, x, h);
    CHECK(a.status == QQ_OK && b.status == QQ_OK);
    for (size_t i = 0; i < n * k; i++)
        same &= check_bits(ldexpf(a.v[i], e)) == check_bits(b.v[i]);
    CHECK(same);
    drop(&a);
    drop(&b);
    free(w);
    free(x);
    free(h);
}

static void test_parts(size_t n, size_t k, unsigned planes, unsigned anneal)
{
    static const size_t parts[] = {2, 3, 8, 33};
    float *w = solve_weights(n, k), *h = hessian(k, 3 * k, 0.1);
    qq_onebit_options o = qq_onebit_options_init();
    size_t calls = 0;

    o.planes = planes;
    o.anneal = anneal;
    o.rounds = 3;
    answer a = solve(n, k, &o, w, h);
    o.parallel = solve_backwards;
    o.parallel_user = &calls;
    for (size_t i = 0; i < 4; i++) {
        o.parts = parts[i];
        answer b = solve(n, k, &o, w, h);
        CHECK(b.status == QQ_OK && same_answer(&a, &b));
        drop(&b);
    }
    CHECK(calls > 0);
    const qq_isa now = qq_isa_in_use();
    for (int isa = 1; isa < 48; isa++)
        if (qq_use_isa((qq_isa)isa) == QQ_OK) {
            answer b = solve(n, k, &o, w, h);
            CHECK(b.status == QQ_OK && same_answer(&a, &b));
            drop(&b);
        }
    CHECK(qq_use_isa(now) == QQ_OK);
    drop(&a);
    free(w);
    free(h);
}

// Seeds decide on annealing alone; what is worse for it is not kept.
static void test_anneal(void)
{
    size_t differ = 0, gained = 0;

    for (size_t t = 0; t < 40; t++) {
        const size_t n = 6, k = 14;
        float *w = solve_weights(n, k), *h = hessian(k, 90, 0.1);
        qq_onebit_options o = qq_onebit_options_init();
        o.rounds = o.sweeps = 1;
        answer plain = solve(n, k, &o, w, h);
        o.seed = 5;
        answer other = solve(n, k, &o, w, h);
        CHECK(same_answer(&plain, &other));
        o.anneal = 60;
        answer a = solve(n, k, &o, w, h);
        o.seed = 6;
        answer b = solve(n, k, &o, w, h);
        CHECK(a.r.objective <= plain.r.objective);
        CHECK(b.r.objective <= plain.r.objective);
        differ += !same_answer(&a, &b);
        gained += a.r.objective < plain.r.objective;
        drop(&plain);
        drop(&other);
        drop(&a);
        drop(&b);
        free(w);
        free(h);
    }
    printf("    annealing: better in %u of 40, seeds differ in %u\n",
           (unsigned)gained, (unsigned)differ);
    CHECK(differ > 0 && gained > 0);
}

// Zeros, constants, one row, one column, weights and Hessians near the ends of
// floats: finite answers or a clear status, J not above SVID.
static void test_extremes(void)
{
    static const float sizes[] = {1.0f, 1e30f, 1e-30f, 1e-42f, 3e38f};
    static const size_t shapes[][2] = {{1, 1}, {1, 9}, {9, 1}, {6, 7}};

    for (size_t i = 0; i < 5 * 4 * 4; i++) {
        const size_t n = shapes[i % 4][0], k = shapes[i % 4][1];
        const float by = sizes[i / 4 % 5];
        float *w = solve_weights(n, k), *h = hessian(k, 2 * k + 2, 0.1);
        qq_onebit_options o = qq_onebit_options_init();
        for (size_t j = 0; j < n * k; j++) {
            w[j] *= 0.25f * by;
            if (i / 20 == 1)
                w[j] = by * 0.2f;
            if (i / 20 == 2 && (j / k == 0 || j % k == 1))
                w[j] = 0.0f;
        }
        for (size_t j = 0; i / 20 == 3 && j < k * k; j++)
            h[j] *= 1e30f;
        for (int mode = QQ_ONEBIT_BEST; mode <= QQ_ONEBIT_FIXED; mode++) {
            o.mode = (qq_onebit_mode)mode;
            for (o.f16 = 0; o.f16 < 2; o.f16++) {
                answer a = solve(n, k, &o, w, h);
                CHECK(a.status == QQ_OK ||
                      (a.status == QQ_ERR_FORMAT && by > 1.0f));
                for (size_t j = 0; a.status == QQ_OK && j < n * k; j++)
                    CHECK(isfinite(a.v[j]));
                if (a.status == QQ_OK)
                    CHECK(a.r.objective <= a.r.svid);
                for (size_t j = 0; a.status != QQ_OK && j < a.bytes; j++)
                    CHECK(((uint8_t *)a.out)[j] == 255);
                drop(&a);
            }
        }
        free(w);
        free(h);
    }
}

// J of an answer without H and of one plane, as solve/planes.h has it: 32 rows
// at a time, number by number.
static double plain_error(const answer *a)
{
    double all = 0.0;

    for (size_t from = 0; from < a->n; from += 32) {
        double sum = 0.0;
        for (size_t i = from; i < from + 32 && i < a->n; i++)
            for (size_t j = 0; j < a->k; j++) {
                const volatile float e =
                    a->w[i * a->k + j] - a->v[i * a->k + j];
                sum += (double)e * (double)e; // exact
            }
        all += sum;
    }
    return all;
}

// Fixed looks at up to 8 blocks of rows at once: on all instructions and in
// parts J is the plain one to the bit, and so is all else.
static void test_look(size_t n, size_t k)
{
    float *w = solve_weights(n, k);
    qq_onebit_options o = qq_onebit_options_init();
    const qq_isa now = qq_isa_in_use();

    o.mode = QQ_ONEBIT_FIXED;
    answer a = solve(n, k, &o, w, NULL);
    CHECK(a.status == QQ_OK);
    for (int isa = 1; isa < 64; isa++)
        for (o.parts = 1; o.parts < 4; o.parts++) {
            if (qq_use_isa((qq_isa)isa) != QQ_OK)
                continue;
            answer b = solve(n, k, &o, w, NULL);
            const double e = plain_error(&b);
            CHECK(b.status == QQ_OK && same_answer(&a, &b));
            CHECK(memcmp(&e, &b.r.objective, sizeof e) == 0);
            drop(&b);
        }
    CHECK(qq_use_isa(now) == QQ_OK);
    drop(&a);
    free(w);
}

// What is not finite is seen wherever it stands, before a buffer is seen to be
// too small; nothing is written.
static void test_finite(size_t n, size_t k, qq_onebit_mode mode)
{
    float *w = solve_weights(n, k);
    qq_onebit_options o = qq_onebit_options_init();

    o.mode = mode;
    o.rounds = 1;
    for (size_t i = 0; i < 6; i++) {
        const size_t at = i < 2 ? i * (n * k - 1) : check_u32() % (n * k);
        const float was = w[at];
        w[at] = i % 2 ? -INFINITY : i % 3 ? NAN : INFINITY;
        answer a = solve(n, k, &o, w, NULL);
        CHECK(a.status == QQ_ERR_FORMAT);
        for (size_t j = 0; j < a.bytes; j++)
            CHECK(((uint8_t *)a.out)[j] == 255);
        CHECK(qq_onebit_solve(n, k, &o, w, k, NULL, 0, a.out, a.bytes,
                              a.scratch, a.need - 1, &a.r) == QQ_ERR_FORMAT);
        w[at] = was;
        CHECK(qq_onebit_solve(n, k, &o, w, k, NULL, 0, a.out, a.bytes,
                              a.scratch, a.need - 1, &a.r) == QQ_ERR_SCRATCH);
        drop(&a);
    }
    free(w);
}

static void test_mask(void)
{
    qq_onebit_options o = qq_onebit_options_init();
    uint32_t bad = 99;

    CHECK(qq_onebit_options_check(&o, &bad) == QQ_OK && bad == 0);
    o.mode = (qq_onebit_mode)4;
    o.iters = -1;
    o.balance_iters = 0;
    o.balance_alpha = 0.0;
    o.planes = 0;
    o.parts = 0;
    CHECK(qq_onebit_options_check(&o, &bad) == QQ_ERR_ARGUMENT);
    CHECK(bad == (1u | 2u | 16u | 32u | 64u | 1024u));
    CHECK(qq_onebit_size(2, 2, &o) == SIZE_MAX);
    CHECK(qq_onebit_scratch_size(2, 2, &o, 0) == SIZE_MAX);
    o.balancing = 0; // what is off is not looked at
    CHECK(qq_onebit_options_check(&o, &bad) == QQ_ERR_ARGUMENT);
    CHECK(bad == (1u | 2u | 64u | 1024u));
    o = qq_onebit_options_init();
    o.iters = 0;
    o.balance_alpha = (double)INFINITY; // as the original has it
    CHECK(qq_onebit_options_check(&o, &bad) == QQ_OK);
    o.balance_alpha = (double)NAN;
    CHECK(qq_onebit_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 32);
    o = qq_onebit_options_init();
    o.rounds = o.sweeps = 0;
    CHECK(qq_onebit_options_check(&o, NULL) == QQ_OK);
    o.mode = QQ_ONEBIT_FIXED;
    o.planes = 2; // of the best mode alone
    CHECK(qq_onebit_options_check(&o, &bad) == QQ_ERR_ARGUMENT && bad == 64);
    CHECK(qq_onebit_options_check(NULL, &bad) == QQ_ERR_ARGUMENT);
}

// No round, no sweep: still not above fixed.
static void test_none(void)
{
    float *w = solve_weights(7, 9), *h = hessian(9, 40, 0.1);
    qq_onebit_options o = qq_onebit_options_init();

    o.rounds = 0;
    answer a = solve(7, 9, &o, w, h);
    o.rounds = 3;
    o.sweeps = 0;
    answer b = solve(7, 9, &o, w, h);
    o.mode = QQ_ONEBIT_FIXED;
    answer c = solve(7, 9, &o, w, h);
    CHECK(a.status == QQ_OK && b.status == QQ_OK && c.status == QQ_OK);
    CHECK(a.r.objective <= c.r.objective && b.r.objective <= c.r.objective);
    drop(&a);
    drop(&b);
    drop(&c);
    free(w);
    free(h);
    CHECK(qq_onebit_size(SIZE_MAX / 2, 4, NULL) == SIZE_MAX);
    CHECK(qq_onebit_size(4, SIZE_MAX / 2, NULL) == SIZE_MAX);
    CHECK(qq_onebit_scratch_size(4, SIZE_MAX / 2, NULL, 1) == SIZE_MAX);
    const qq_onebit none = {0};
    float v[1];
    CHECK(qq_onebit_values(&none, v, 1) == QQ_ERR_ARGUMENT);
    CHECK(qq_onebit_values(NULL, v, 1) == QQ_ERR_ARGUMENT);
    for (size_t n = 0; n < 2; n++) {
        answer z = solve(n, 1 - n, NULL, v, NULL);
        CHECK(z.status == QQ_OK);
        drop(&z);
    }
}

// The original fails where its answer is not finite; nothing is written then.
static void test_compat_fails(void)
{
    qq_onebit_options o = qq_onebit_options_init();
    float *w = solve_weights(6, 8);

    o.mode = QQ_ONEBIT_COMPAT;
    for (size_t j = 0; j < 8; j++)
        w[8 + j] = 0.0f; // a row of zeros
    for (int i = 0; i < 3; i++) {
        o.balance_iters = i == 0 ? 40 : 4;
        o.balance_alpha = i == 2 ? (double)INFINITY : 1.0;
        answer a = solve(6, 8, &o, w, NULL);
        CHECK(a.status == (i == 1 ? QQ_OK : QQ_ERR_FORMAT));
        for (size_t j = 0; i != 1 && j < a.bytes; j++)
            CHECK(((uint8_t *)a.out)[j] == 255);
        drop(&a);
    }
    free(w);
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 5, 15, 17, 33, 40};

    for (size_t i = 0; i < check_count(24); i++) {
        const size_t n = sizes[check_u32() % 7], k = sizes[check_u32() % 7];
        test_order(n, k, i % 4 != 3, (int)(i >> 1 & 1));
    }
    test_order(33, 40, 1, 0); // a block of rows, and one more
    test_order(33, 40, 0, 1);
    test_order(97, 9, 1, 1);
    test_gap(2, 4);
    test_gap(3, 3);
    test_local(6, 20);
    test_local(17, 35);
    test_scale(9, 14, 8);
    test_scale(5, 33, -20);
    test_parts(67, 35, 1, 0);
    test_parts(40, 23, 1, 6);
    test_parts(35, 19, 3, 0);
    test_anneal();
    test_extremes();
    test_look(31, 16);
    test_look(419, 37);
    test_look(832, 7);
    test_finite(70, 33, QQ_ONEBIT_FIXED);
    test_finite(70, 33, QQ_ONEBIT_BEST);
    test_finite(9, 7, QQ_ONEBIT_COMPAT);
    test_mask();
    test_none();
    test_compat_fails();
    return check_done();
}
