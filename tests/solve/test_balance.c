// Balancing: the original's small example, what must hold of the factors, dead
// rows and columns, histories, numbers near the ends of floats, refusals.

#include "solve.h"

typedef struct balanced {
    size_t n, k;
    float *rows, *columns, *scaled;
    qq_balance_result r;
    qq_status status;
} balanced;

static balanced balance(size_t n, size_t k, const qq_balance_options *o,
                        const float *w)
{
    const size_t need = qq_balance_scratch_size(n, k);
    void *scratch = room(need);
    balanced b;

    b.n = n;
    b.k = k;
    b.rows = solve_floats(n);
    b.columns = solve_floats(k);
    b.scaled = solve_floats(n * k);
    b.status = qq_balance(n, k, o, w, k, b.rows, b.columns, b.scaled, &b.r,
                          scratch, need);
    free(scratch);
    return b;
}

static void drop(balanced *b)
{
    free(b->rows);
    free(b->columns);
    free(b->scaled);
}

static int close_to(float x, double y)
{
    return fabs((double)x - y) < 4e-6 * fabs(y) + 1e-12;
}

// Two rows of three, by the published formulas: one round, two, all.
static void test_small(int compat)
{
    static const float w[6] = {1, -2, 3, -4, 5, -6};
    static const double want[3][6] = {
        {.51015115, .20406047, .50261629, .32670057, .24200042, .0398861},
        {.52690560, .19459417, .51074523, .32892865, .24257579, 8.132e-4},
        {.52725196, .19439919, .51091498, .32897446, .24258736, 0.0}};
    static const unsigned rounds[3] = {1, 2, 40};
    qq_balance_options o = qq_balance_options_init();

    o.compat = compat;
    for (int i = 0; i < 3; i++) {
        o.rounds = rounds[i];
        balanced b = balance(2, 3, &o, w);
        CHECK(b.status == QQ_OK && b.r.rounds == (i < 2 ? rounds[i] : 4));
        CHECK(b.r.converged == (i == 2));
        for (int j = 0; j < 2; j++)
            CHECK(close_to(b.rows[j], want[i][j]));
        for (int j = 0; j < 3; j++)
            CHECK(close_to(b.columns[j], want[i][2 + j]));
        if (i < 2)
            CHECK(fabs((double)b.r.row_residual - want[i][5]) <
                  1e-3 * want[i][5]);
        for (int j = 0; j < 6; j++)
            CHECK(close_to(b.scaled[j], (double)b.rows[j / 3] * (double)w[j] *
                                            (double)b.columns[j % 3]));
        drop(&b);
    }
}

static double norm_of(const balanced *b, qq_norm norm, size_t at, int row)
{
    double sum = 0.0;

    for (size_t i = 0; i < (row ? b->k : b->n); i++) {
        const double x =
            fabs((double)b->scaled[row ? at * b->k + i : i * b->k + at]);
        sum += norm == QQ_NORM_L2 ? x * x : x;
    }
    return sum;
}

// Rows and columns of zeros keep factors of 1 and stay out of it; all others
// have their norms; the gauge makes the means of theirs equal.
static void test_norms(size_t n, size_t k, qq_norm norm, int dead, int gauge,
                       double alpha)
{
    qq_balance_options o = qq_balance_options_init();
    float *w = solve_weights(n, k);
    double rows = 0.0, columns = 0.0;
    size_t live_rows = 0, live_columns = 0;

    o.norm = norm;
    o.gauge = gauge;
    o.alpha = alpha;
    o.rounds = 200;
    o.tolerance = 1e-5 * alpha;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++) {
            w[i * k + j] += w[i * k + j] < 0.0f ? -0.1f : 0.1f;
            if (dead && (i == 1 || j % 5 == 2))
                w[i * k + j] = 0.0f;
        }
    balanced b = balance(n, k, &o, w);
    CHECK(b.status == QQ_OK && b.r.converged);
    for (size_t i = 0; i < n; i++) {
        const double x = norm_of(&b, norm, i, 1);
        if (dead && i == 1) {
            CHECK(b.rows[i] == 1.0f && x <= 0.0);
            continue;
        }
        CHECK(fabs(x - alpha) < 1e-4 * alpha);
        rows += (double)b.rows[i];
        live_rows++;
    }
    for (size_t j = 0; j < k; j++)
        live_columns += !(dead && j % 5 == 2);
    const double beta = (double)live_rows * alpha / (double)live_columns;
    for (size_t j = 0; j < k; j++) {
        const double x = norm_of(&b, norm, j, 0);
        if (dead && j % 5 == 2) {
            CHECK(b.columns[j] == 1.0f && x <= 0.0);
            continue;
        }
        CHECK(fabs(x - beta) < 1e-4 * beta);
        columns += (double)b.columns[j];
    }
    rows /= (double)live_rows;
    columns /= (double)live_columns;
    if (gauge)
        CHECK(fabs(rows - columns) < 1e-5 * rows);
    // -W is balanced by the same factors.
    for (size_t i = 0; i < n * k; i++)
        w[i] = -w[i];
    balanced c = balance(n, k, &o, w);
    CHECK(memcmp(b.rows, c.rows, n * 4) == 0 &&
          memcmp(b.columns, c.columns, k * 4) == 0);
    drop(&b);
    drop(&c);
    free(w);
}

// A number a round; the last is the result's; L2 alone has objectives.
static void test_histories(void)
{
    const size_t n = 9, k = 14;
    qq_balance_options o = qq_balance_options_init();
    float *w = solve_weights(n, k), rows[12], columns[12], objectives[12];

    for (int norm = QQ_NORM_L1; norm <= QQ_NORM_L2; norm++) {
        o.norm = (qq_norm)norm;
        o.rounds = 10;
        o.tolerance = 0.0; // never below it
        o.row_residuals = rows;
        o.column_residuals = columns;
        o.objectives = objectives;
        rows[10] = columns[10] = objectives[10] = -7.0f;
        balanced b = balance(n, k, &o, w);
        CHECK(b.status == QQ_OK && b.r.rounds == 10 && !b.r.converged);
        CHECK(check_bits(rows[9]) == check_bits(b.r.row_residual));
        CHECK(check_bits(columns[9]) == check_bits(b.r.column_residual));
        CHECK(rows[10] < -6.0f && columns[10] < -6.0f &&
              objectives[10] < -6.0f);
        CHECK(rows[9] < rows[0]);
        double all = 0.0;
        for (size_t i = 0; i < n; i++)
            all += norm_of(&b, (qq_norm)norm, i, 1);
        CHECK(norm == QQ_NORM_L1 ? objectives[9] == 0.0f
                                 : fabs((double)objectives[9] - all) < 1e-4);
        drop(&b);
        o.stop_window = 0; // never within tolerance: no round is the last
        b = balance(n, k, &o, w);
        CHECK(b.status == QQ_OK && b.r.rounds == 10 && !b.r.converged);
        drop(&b);
        o.rounds = 0; // none: all ones
        b = balance(n, k, &o, w);
        CHECK(b.status == QQ_OK && b.r.rounds == 0);
        for (size_t i = 0; i < n; i++)
            CHECK(b.rows[i] == 1.0f);
        drop(&b);
    }
    free(w);
}

// Ours is finite and above 0 whatever the weights, also where they leave no
// factors that could do.
static void test_extremes(void)
{
    static const float sizes[] = {3e38f, 1e-45f, 1e-38f, 1.0f};
    const size_t n = 6, k = 7;

    for (int i = 0; i < 64; i++) {
        qq_balance_options o = qq_balance_options_init();
        float *w = solve_weights(n, k);
        o.norm = i & 1 ? QQ_NORM_L2 : QQ_NORM_L1;
        o.gauge = i >> 1 & 1;
        if (i & 4)
            o.beta = i & 8 ? 1e17 : 1e-17;
        for (size_t j = 0; j < n * k; j++) {
            const uint32_t u = check_u32();
            w[j] = u % 3 == 0 ? 0.0f
                              : 0.2f * w[j] * sizes[i < 32 ? u >> 8 & 3 : 3];
        }
        balanced b = balance(n, k, &o, w);
        CHECK(b.status == QQ_OK);
        for (size_t j = 0; j < n; j++)
            CHECK(isfinite(b.rows[j]) && b.rows[j] > 0.0f);
        for (size_t j = 0; j < k; j++)
            CHECK(isfinite(b.columns[j]) && b.columns[j] > 0.0f);
        drop(&b);
        free(w);
    }
    float zero[6] = {0};
    balanced b = balance(2, 3, NULL, zero);
    CHECK(b.status == QQ_OK);
    for (int j = 0; j < 2; j++)
        CHECK(b.rows[j] == 1.0f);
    for (int j = 0; j < 3; j++)
        CHECK(b.columns[j] == 1.0f);
    drop(&b);
}

// The original lets a dead row's factor grow without end.
static void test_compat_dead(void)
{
    qq_balance_options o = qq_balance_options_init();
    float *w = solve_weights(6, 8);

    o.compat = 1;
    for (size_t j = 0; j < 8; j++)
        w[8 + j] = 0.0f;
    o.rounds = 3;
    balanced b = balance(6, 8, &o, w);
    CHECK(b.status == QQ_OK && b.rows[1] > 1e15f && isfinite(b.rows[1]));
    drop(&b);
    o.rounds = 40;
    b = balance(6, 8, &o, w);
    CHECK(b.status == QQ_OK && isnan(b.rows[1]) && isnan(b.r.row_residual));
    drop(&b);
    free(w);
}

static void test_refused(void)
{
    qq_balance_options o = qq_balance_options_init();
    float w[6] = {1, 2, 3, 4, 5, 6}, rows[2] = {9, 9}, columns[3] = {9, 9, 9};
    const size_t need = qq_balance_scratch_size(2, 3);
    void *scratch = room(need);

#define BALANCE(n, k, w, ldw, rows, bytes)                                     \
    qq_balance(n, k, &o, w, ldw, rows, columns, NULL, NULL, scratch, bytes)
    CHECK(BALANCE(2, 3, w, 3, rows, need) == QQ_OK);
    rows[0] = columns[0] = 9.0f;
    CHECK(BALANCE(2, 3, NULL, 3, rows, need) == QQ_ERR_ARGUMENT);
    CHECK(BALANCE(2, 3, w, 3, NULL, need) == QQ_ERR_ARGUMENT);
    CHECK(BALANCE(2, 3, w, 2, rows, need) == QQ_ERR_SHAPE);
    CHECK(BALANCE(2, 3, w, 3, rows, need - 1) == QQ_ERR_SCRATCH);
    CHECK(qq_balance_scratch_size(SIZE_MAX / 2, 3) == SIZE_MAX);
    CHECK(o.rounds == 40 && o.stop_window == 3 && o.gauge == 1);
    CHECK(o.alpha == 1.0 && o.epsilon == 1e-12 && o.tolerance == 1e-3);
    const double alphas[] = {0.0, -1.0, (double)NAN, (double)INFINITY};
    for (int i = 0; i < 4; i++) {
        o.alpha = alphas[i];
        CHECK(BALANCE(2, 3, w, 3, rows, need) == QQ_ERR_ARGUMENT);
    }
    o.alpha = 1.0;
    o.beta = -1.0;
    CHECK(BALANCE(2, 3, w, 3, rows, need) == QQ_ERR_ARGUMENT);
    o.beta = 0.0;
    o.norm = (qq_norm)3;
    CHECK(BALANCE(2, 3, w, 3, rows, need) == QQ_ERR_ARGUMENT);
    o.norm = QQ_NORM_L1;
    w[4] = INFINITY;
    CHECK(BALANCE(2, 3, w, 3, rows, need) == QQ_ERR_FORMAT);
    memset(&o, 0, sizeof o);
    CHECK(BALANCE(2, 3, w, 3, rows, need) == QQ_ERR_ARGUMENT);
    CHECK(rows[0] > 8.0f && columns[0] > 8.0f);
#undef BALANCE
    CHECK(qq_balance(0, 0, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, 0) ==
          QQ_OK);
    free(scratch);
}

int main(void)
{
    test_small(0);
    test_small(1);
    for (int i = 0; i < 16; i++)
        test_norms(6 + (size_t)i, 11, i & 1 ? QQ_NORM_L2 : QQ_NORM_L1,
                   i >> 1 & 1, i >> 2 & 1, i & 8 ? 37.5 : 1.0);
    test_histories();
    test_extremes();
    test_compat_dead();
    test_refused();
    return check_done();
}
