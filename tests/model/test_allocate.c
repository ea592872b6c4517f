// Bits for whom: the knapsack against all choices there are, budgets that just
// fit, what is refused, and layers that keep 8 bits.

#include <math.h>

#include "qquant.h"
#include "room.h"

enum { MOST = 6, CHOICES = 4 };

typedef struct problem {
    size_t layers, choices;
    double bits[MOST][CHOICES], loss[MOST][CHOICES];
    qq_allocation l[MOST];
    double all;
} problem;

static void make(problem *p, size_t layers, size_t choices)
{
    p->layers = layers;
    p->choices = choices;
    p->all = 0.0;
    for (size_t i = 0; i < layers; i++) {
        p->l[i].weights = 1 + check_u32() % 900;
        p->l[i].bits = p->bits[i];
        p->l[i].sensitivity = p->loss[i];
        p->all += (double)p->l[i].weights;
        for (size_t c = 0; c < choices; c++) {
            p->bits[i][c] = 1.0 + (double)(check_u32() % 64) / 8.0;
            p->loss[i][c] = fabs((double)check_uniform());
        }
    }
}

static double sum_of(const problem *p, const size_t *chosen, double *used)
{
    double sum = 0.0;

    *used = 0.0;
    for (size_t i = 0; i < p->layers; i++) {
        sum += p->loss[i][chosen[i]];
        *used += p->bits[i][chosen[i]] * (double)p->l[i].weights;
    }
    return sum;
}

// The least loss within so many bits; infinite where none fits.
static double brute(const problem *p, double bits)
{
    double best = (double)INFINITY;
    size_t all = 1, chosen[MOST];

    for (size_t i = 0; i < p->layers; i++)
        all *= p->choices;
    for (size_t c = 0; c < all; c++) {
        size_t at = c;
        double used, sum;
        for (size_t i = 0; i < p->layers; i++, at /= p->choices)
            chosen[i] = at % p->choices;
        sum = sum_of(p, chosen, &used);
        if (used <= bits)
            best = fmin(best, sum);
    }
    return best;
}

static void test_best(size_t layers, size_t choices, size_t units)
{
    const size_t need = qq_allocate_scratch_size(layers, units);
    void *scratch = room(need);
    size_t chosen[MOST];
    problem p;

    make(&p, layers, choices);
    for (double budget = 0.5; budget < 10.0; budget += 0.7) {
        const double unit = budget * p.all / (double)units;
        const double sure = budget * p.all - unit * (double)layers;
        const double tight = brute(&p, sure), loose = brute(&p, budget * p.all);
        const qq_status status = qq_allocate(layers, choices, p.l, budget,
                                             units, chosen, scratch, need);
        if (status != QQ_OK) {
            CHECK(status == QQ_ERR_SHAPE && isinf(tight));
            continue;
        }
        double used;
        const double sum = sum_of(&p, chosen, &used);
        CHECK(used <= budget * p.all * (1.0 + 1e-12));
        CHECK(sum <= tight + 1e-12 && sum >= loose - 1e-12);
    }
    free(scratch);
}

// A budget that is met to the bit.
static void test_tight(void)
{
    const double bits[2] = {2.0, 4.0}, loss[2] = {1.0, 0.0};
    qq_allocation l[2];
    size_t chosen[2] = {9, 9};
    const size_t need = qq_allocate_scratch_size(2, 300);
    void *scratch = room(need);

    for (int i = 0; i < 2; i++) {
        l[i].weights = 100;
        l[i].bits = bits;
        l[i].sensitivity = loss;
    }
    CHECK(qq_allocate(2, 2, l, 4.0, 300, chosen, scratch, need) == QQ_OK);
    CHECK(chosen[0] == 1 && chosen[1] == 1);
    CHECK(qq_allocate(2, 2, l, 3.0, 300, chosen, scratch, need) == QQ_OK);
    CHECK(chosen[0] + chosen[1] == 1);
    CHECK(qq_allocate(2, 2, l, 2.0, 300, chosen, scratch, need) == QQ_OK);
    CHECK(chosen[0] == 0 && chosen[1] == 0);
    chosen[0] = 9;
    CHECK(qq_allocate(2, 2, l, 1.9, 300, chosen, scratch, need) ==
          QQ_ERR_SHAPE);
    CHECK(qq_allocate(2, 0, l, 3.0, 300, chosen, scratch, need) != QQ_OK);
    CHECK(qq_allocate(2, 2, NULL, 3.0, 300, chosen, scratch, need) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_allocate(2, 2, l, 3.0, 300, NULL, scratch, need) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_allocate(2, 2, l, (double)NAN, 300, chosen, scratch, need) !=
          QQ_OK);
    CHECK(qq_allocate(2, 2, l, -1.0, 300, chosen, scratch, need) != QQ_OK);
    CHECK(qq_allocate(2, 2, l, 3.0, 300, chosen, scratch, need - 1) ==
          QQ_ERR_SCRATCH);
    CHECK(chosen[0] == 9);
    CHECK(qq_allocate_scratch_size(SIZE_MAX / 2, 300) == SIZE_MAX);
    CHECK(qq_allocate_scratch_size(2, SIZE_MAX) == SIZE_MAX);
    free(scratch);
}

// Choices with bits or losses that are no numbers are never the better ones.
static void test_wild(void)
{
    const double bits[3] = {4.0, (double)NAN, 2.0},
                 loss[3] = {(double)NAN, 0.0, 1.0};
    const qq_allocation l = {10, bits, loss};
    const size_t need = qq_allocate_scratch_size(1, 50);
    void *scratch = room(need);
    size_t chosen = 9;
    const qq_status status =
        qq_allocate(1, 3, &l, 8.0, 50, &chosen, scratch, need);

    CHECK(status != QQ_OK || chosen == 2);
    free(scratch);
}

static void test_keeps(void)
{
    CHECK(qq_keeps_8_bits(0, 9, 500, 1000, 0)); // the first, the last
    CHECK(qq_keeps_8_bits(8, 9, 500, 1000, 0));
    CHECK(!qq_keeps_8_bits(4, 9, 500, 1000, 0));
    CHECK(qq_keeps_8_bits(4, 9, 500, 1000, 1)); // depthwise
    CHECK(qq_keeps_8_bits(4, 9, 19, 1000, 0));  // less than 2 %
    CHECK(!qq_keeps_8_bits(4, 9, 20, 1000, 0));
    CHECK(!qq_keeps_8_bits(4, 9, SIZE_MAX / 4, SIZE_MAX, 0));
    CHECK(qq_keeps_8_bits(4, 9, SIZE_MAX / 60, SIZE_MAX, 0));
}

int main(void)
{
    for (size_t i = 0; i < check_count(30); i++)
        test_best(1 + i % MOST, 1 + i % CHOICES, i % 2 ? 2000 : 60);
    test_tight();
    test_wild();
    test_keeps();
    return check_done();
}
