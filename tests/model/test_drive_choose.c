// Settings chosen on other rows, sensitivities measured, recipes given out.

#include "drive_net.h"

// The loss of one run of its own.
static double loss_of(net *n, const qq_recipe *r, size_t count)
{
    const qq_drive d = net_drive(n, r, count);
    net_reset(n);
    CHECK(net_run(&d, NULL) == QQ_OK);
    return net_distance(n, n->held);
}

static qq_status choose(const qq_drive *d, size_t choices,
                        const qq_recipe *sets, double *losses, size_t *best,
                        qq_layer_record *records)
{
    const size_t need = qq_drive_choose_scratch_size(d, choices, sets);
    uint8_t *scratch = room(need);
    const qq_status status =
        qq_drive_choose(d, choices, sets, losses, best, records, scratch, need);
    CHECK(qq_drive_choose(d, choices, sets, losses, best, records, scratch,
                          need - 1) == QQ_ERR_SCRATCH);
    free(scratch);
    return status;
}

enum { SETS = 5, EACH = 2 };

// Sets of two recipes: for the recurrent layer, and for the others.
static void make_sets(qq_recipe *r)
{
    r[0] = qq_recipe_init(2, 0);
    r[1] = r[0];
    r[1].quantizer = QQ_QUANTIZER_NONE;
    r[2] = qq_recipe_init(3, 4);
    r[3] = r[2];
    r[3].repeats = 1;
    r[4] = qq_recipe_planes(2);
    r[5] = r[4];
    r[6] = qq_recipe_init(3, 4);
    r[6].target.alpha = 1.0;
    r[7] = r[6];
    r[8] = qq_recipe_original(QQ_QUANTIZER_RTN);
    r[8].gptq.bits = 2;
    r[9] = r[8];
}

// Orders of sets: the best of all is the same, and so is the net.
static void test_choose(net *n)
{
    qq_recipe sets[SETS * EACH], turned[SETS * EACH];
    double alone[SETS], losses[SETS];
    qq_layer_record records[NET_LAYERS];
    size_t least = 0;
    make_sets(sets);
    n->layer[3].recipe = 1;
    for (size_t i = 0; i < SETS; i++) {
        alone[i] = loss_of(n, sets + i * EACH, EACH);
        least = alone[i] < alone[least] ? i : least;
    }
    loss_of(n, sets + least * EACH, EACH);
    static net_weights best_net;
    best_net = n->q;
    for (size_t turn = 0; turn < SETS; turn++) {
        size_t best = 99;
        for (size_t i = 0; i < SETS; i++)
            for (size_t j = 0; j < EACH; j++)
                turned[(i + turn) % SETS * EACH + j] = sets[i * EACH + j];
        qq_drive d = net_drive(n, NULL, 0);
        d.recipe_count = EACH;
        d.seconds = net_seconds;
        net_reset(n);
        d.recipes = turned;
        CHECK(choose(&d, SETS, turned, losses, &best, records) == QQ_OK);
        CHECK(best == (least + turn) % SETS);
        for (size_t i = 0; i < SETS; i++)
            CHECK(losses[(i + turn) % SETS] <= alone[i] &&
                  losses[(i + turn) % SETS] >= alone[i]);
        CHECK(net_same(&n->q, &best_net));
        CHECK(records[4].seconds == 1.0);
    }
    // Of equal ones the first.
    size_t best = 99;
    qq_drive d = net_drive(n, sets, 1);
    for (size_t i = 0; i < NET_LAYERS; i++)
        n->layer[i].recipe = 0;
    sets[1] = sets[0];
    net_reset(n);
    CHECK(choose(&d, 2, sets, NULL, &best, NULL) == QQ_OK && best == 0);
    // What follows never rises, and ends where it should.
    sets[0] = sets[6];
    net_reset(n);
    CHECK(choose(&d, 2, sets, NULL, NULL, NULL) == QQ_OK);
}

// --- sensitivities ---------------------------------------------------------

static void test_measure(net *n)
{
    enum { CHOICES = 5 };
    qq_recipe r[CHOICES];
    double s[NET_LAYERS * CHOICES];
    qq_drive d = net_drive(n, NULL, 0); // recipes are not looked at
    r[0] = qq_recipe_init(2, 0);
    r[0].quantizer = QQ_QUANTIZER_NONE;
    r[1] = qq_recipe_init(6, 0);
    r[2] = qq_recipe_init(3, 0);
    r[2].repeats = 2;
    r[3] = qq_recipe_planes(1);
    r[3].bias = 0;
    r[4] = qq_recipe_original(QQ_QUANTIZER_RTN);
    r[4].propagation = QQ_PROPAGATION_QEP;
    net_reset(n);
    const size_t need = qq_drive_measure_scratch_size(&d, CHOICES, r);
    uint8_t *scratch = room(need);
    CHECK(qq_drive_measure(&d, CHOICES, r, s, scratch, need - 1) ==
          QQ_ERR_SCRATCH);
    CHECK(qq_drive_measure(&d, CHOICES, r, s, scratch, need) == QQ_OK);
    CHECK(net_same(&n->q, &n->w));
    for (size_t g = 0; g < NET_GROUPS; g++)
        CHECK(n->calls[g] == 1);
    for (size_t i = 0; i < NET_LAYERS; i++) {
        const double *t = s + i * CHOICES;
        CHECK(n->stored[i] == CHOICES);
        CHECK(t[0] >= 0.0 && t[0] <= 0.0);
        CHECK(0.0 < t[1] && t[1] < t[2] && t[2] < t[3]);
    }
    // The same by a run in which all other layers stay.
    for (size_t i = 0; i < NET_LAYERS; i++)
        for (size_t c = 1; c < CHOICES; c++) {
            qq_recipe pair[2];
            pair[0] = r[0];
            pair[1] = r[c];
            pair[1].repeats = 0;
            pair[1].propagation = QQ_PROPAGATION_NONE;
            for (size_t l = 0; l < NET_LAYERS; l++)
                n->layer[l].recipe = l == i;
            const double loss = loss_of(n, pair, 2);
            CHECK(loss <= s[i * CHOICES + c] && loss >= s[i * CHOICES + c]);
        }
    // Groups together change nothing.
    double again[NET_LAYERS * CHOICES];
    d.together = 3;
    net_reset(n);
    free(scratch);
    const size_t more = qq_drive_measure_scratch_size(&d, CHOICES, r);
    scratch = room(more);
    CHECK(more > need);
    CHECK(qq_drive_measure(&d, CHOICES, r, again, scratch, more) == QQ_OK);
    CHECK(memcmp(s, again, sizeof s) == 0 && n->runs == 2);
    free(scratch);
    for (size_t l = 0; l < NET_LAYERS; l++)
        n->layer[l].recipe = 0;
}

// Bits for whom: no more than the budget, and better than the fewest for all.
static void test_allocate(net *n)
{
    enum { CHOICES = 3, UNITS = 2000 };
    static const double bits[CHOICES] = {2.0, 3.0, 6.0};
    qq_recipe r[CHOICES];
    double s[NET_LAYERS * CHOICES], used = 0.0, all = 0.0;
    const qq_drive d = net_drive(n, NULL, 0);
    for (size_t c = 0; c < CHOICES; c++) {
        r[c] = qq_recipe_init((unsigned)bits[c], 0);
        r[c].propagation = QQ_PROPAGATION_NONE;
    }
    net_reset(n);
    const size_t need = qq_drive_measure_scratch_size(&d, CHOICES, r);
    uint8_t *scratch = room(need);
    CHECK(qq_drive_measure(&d, CHOICES, r, s, scratch, need) == QQ_OK);
    free(scratch);
    const size_t more = qq_drive_allocate_scratch_size(NET_LAYERS, UNITS);
    scratch = room(more);
    CHECK(qq_drive_allocate(NET_LAYERS, n->layer, CHOICES, bits, s, 3.0, UNITS,
                            scratch, more - 1) == QQ_ERR_SCRATCH);
    CHECK(qq_drive_allocate(NET_LAYERS, n->layer, CHOICES, bits, s, 1.0, UNITS,
                            scratch, more) == QQ_ERR_SHAPE);
    CHECK(qq_drive_allocate(NET_LAYERS, n->layer, CHOICES, NULL, s, 3.0, UNITS,
                            scratch, more) == QQ_ERR_ARGUMENT);
    CHECK(qq_drive_allocate(NET_LAYERS, n->layer, CHOICES, bits, s, 3.0, UNITS,
                            scratch, more) == QQ_OK);
    free(scratch);
    for (size_t i = 0; i < NET_LAYERS; i++) {
        const double weights = (double)(net_n[i] * net_k[i]);
        CHECK(n->layer[i].recipe < CHOICES);
        used += weights * bits[n->layer[i].recipe];
        all += weights;
    }
    CHECK(used <= 3.0 * all && used > 2.5 * all);
    const double mixed = loss_of(n, r, CHOICES);
    for (size_t i = 0; i < NET_LAYERS; i++)
        n->layer[i].recipe = 0;
    CHECK(mixed < loss_of(n, r, CHOICES));
}

static void test_keep(void)
{
    static const int depthwise[6] = {0, 0, 1, 0, 0, 0};
    static const size_t kept[6] = {7, 0, 7, 7, 0, 7};
    qq_drive_layer l[6];
    memset(l, 0, sizeof l);
    for (size_t i = 0; i < 6; i++) {
        l[i].n = 10;
        l[i].k = i == 3 ? 1 : 30;
    }
    CHECK(qq_drive_keep(6, l, depthwise, 7) == QQ_OK);
    for (size_t i = 0; i < 6; i++)
        CHECK(l[i].recipe == kept[i]);
    l[2].recipe = 1;
    CHECK(qq_drive_keep(6, l, NULL, 7) == QQ_OK && l[2].recipe == 1);
    CHECK(qq_drive_keep(6, NULL, NULL, 7) == QQ_ERR_ARGUMENT);
    CHECK(qq_drive_keep(0, NULL, NULL, 7) == QQ_OK);
    l[4].n = SIZE_MAX / 2;
    CHECK(qq_drive_keep(6, l, NULL, 3) == QQ_ERR_SIZE && l[0].recipe == 7);
}

int main(void)
{
    static net n;
    net_make(&n);
    test_choose(&n);
    test_measure(&n);
    test_allocate(&n);
    test_keep();
    return check_done();
}
