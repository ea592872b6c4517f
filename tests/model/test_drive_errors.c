// The driver refuses: recipes, layers, groups, callbacks, rows, losses; and
// stops where a callback says so. Nothing of a layer that fails is stored.

#include "drive_net.h"

// --- recipes ---------------------------------------------------------------

static void test_recipes(void)
{
    const double nan = (double)check_f32(0x7fc00000u);
    qq_recipe r;
    memset(&r, 0, sizeof r);
    CHECK(qq_recipe_check(NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    for (unsigned bits = 0; bits < 12; bits++) {
        r = qq_recipe_init(bits, 3);
        CHECK((qq_recipe_check(&r) == QQ_OK) == (bits >= 2 && bits <= 8));
        if (bits >= 2 && bits <= 8)
            CHECK(r.fit.scales == (bits <= 4 ? 3 : 1));
    }
    for (unsigned planes = 0; planes < 8; planes++) {
        r = qq_recipe_planes(planes);
        CHECK((qq_recipe_check(&r) == QQ_OK) == (planes >= 1 && planes <= 4));
    }
    r = qq_recipe_ternary(0);
    CHECK(qq_recipe_check(&r) == QQ_OK && r.grid.count == 3);
    CHECK(r.fit.scales == 3);
    r = qq_recipe_init(2, 0);
    CHECK(r.grid.kind == QQ_GRID_HALF_STEP && r.bias && r.lambda < 0.0);
    CHECK(r.propagation == QQ_PROPAGATION_TARGET && r.target.alpha == .75);
    r.lambda = nan;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r = qq_recipe_init(4, 0);
    r.target.rho = nan;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r.propagation = QQ_PROPAGATION_INPUT; // not looked at
    CHECK(qq_recipe_check(&r) == QQ_OK);
    r.fit.sweeps = 3;
    r.fit.init = 0;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r.quantizer = QQ_QUANTIZER_NONE;
    CHECK(qq_recipe_check(&r) == QQ_OK);
    r = qq_recipe_init(4, 0);
    r.propagation = QQ_PROPAGATION_QEP;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r.bias = 0;
    CHECK(qq_recipe_check(&r) == QQ_OK);
    r.rotate = 1;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r.rotate = 0;
    r.percdamp = -1.0;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r = qq_recipe_init(4, 0);
    r.propagation = QQ_PROPAGATION_NONE;
    r.repeats = 1;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r.propagation = (qq_propagation)5;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r = qq_recipe_original(QQ_QUANTIZER_GPTQ);
    r.gptq.bits = 9;
    CHECK(qq_recipe_check(&r) == QQ_ERR_UNSUPPORTED);
    r.gptq.bits = 0;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
    r.quantizer = (qq_quantizer)9;
    CHECK(qq_recipe_check(&r) == QQ_ERR_ARGUMENT);
}

// --- layers, groups, callbacks ---------------------------------------------

// Both calls refuse, and nothing was asked or stored.
static void check_refused(net *n, const qq_drive *d, qq_status status)
{
    uint8_t *scratch = room(1 << 20);
    n->runs = 0;
    memset(n->stored, 0, sizeof n->stored);
    CHECK(qq_drive_scratch_size(d) == SIZE_MAX);
    CHECK(qq_drive_run(d, NULL, scratch, 1 << 20) == status);
    CHECK(n->runs == 0 && n->stored[0] == 0 && scratch[0] == 255);
    free(scratch);
}

static void test_layers(net *n)
{
    qq_recipe r = qq_recipe_original(QQ_QUANTIZER_RTN);
    const qq_drive d = net_drive(n, &r, 1);
    static qq_drive_layer good[NET_LAYERS];
    memcpy(good, n->layer, sizeof good);
#define LAYER(i, change, status)                                               \
    n->layer[i].change;                                                        \
    check_refused(n, &d, status);                                              \
    n->layer[i] = good[i]
    LAYER(0, group = 1, QQ_ERR_ARGUMENT);
    LAYER(2, group = 2, QQ_ERR_ARGUMENT); // a gap
    LAYER(4, group = 1, QQ_ERR_ARGUMENT); // it falls
    LAYER(1, recipe = 1, QQ_ERR_ARGUMENT);
    LAYER(3, w = NULL, QQ_ERR_ARGUMENT);
    LAYER(3, n = 0, QQ_ERR_SHAPE);
    LAYER(3, k = 0, QQ_ERR_SHAPE);
    LAYER(3, ldw = 15, QQ_ERR_SHAPE);
    LAYER(3, n = SIZE_MAX / 2, QQ_ERR_SHAPE); // beyond memory
    LAYER(1, k = 11, QQ_ERR_SHAPE);           // not that of its group
    r.gptq.group = 5;
    check_refused(n, &d, QQ_ERR_SHAPE);
#undef LAYER
    // What fits no size_t, though its weight would.
    r = qq_recipe_init(4, 0);
    n->layer[4].n = 1;
    n->layer[4].k = n->layer[4].ldw = SIZE_MAX / 64;
    uint8_t *scratch = room(1 << 16);
    CHECK(qq_drive_scratch_size(&d) == SIZE_MAX);
    CHECK(qq_drive_run(&d, NULL, scratch, 1 << 16) == QQ_ERR_SIZE);
    free(scratch);
    n->layer[4] = good[4];
}

static void test_drives(net *n)
{
    const qq_recipe r = qq_recipe_init(3, 0);
    const qq_drive good = net_drive(n, &r, 1);
    qq_drive d;
#define DRIVE(change)                                                          \
    d = good;                                                                  \
    d.change;                                                                  \
    check_refused(n, &d, QQ_ERR_ARGUMENT)
    DRIVE(init = 0);
    DRIVE(layers = NULL);
    DRIVE(recipes = NULL);
    DRIVE(recipe_count = 0);
    DRIVE(inputs = NULL);
    DRIVE(store = NULL);
    DRIVE(together = 0);
    DRIVE(parts = 0);
#undef DRIVE
    CHECK(qq_drive_run(NULL, NULL, NULL, 0) == QQ_ERR_ARGUMENT);
    CHECK(qq_drive_scratch_size(NULL) == SIZE_MAX);
    CHECK(qq_drive_run(&good, NULL, NULL, 1 << 20) == QQ_ERR_ARGUMENT);
    d = qq_drive_init(); // no layers: nothing to do
    CHECK(qq_drive_scratch_size(&d) == 0);
    CHECK(qq_drive_run(&d, NULL, NULL, 0) == QQ_OK);
}

// Recipes of one group that want other rows each.
static void test_mixed(net *n)
{
    qq_recipe r[2] = {qq_recipe_init(3, 0), qq_recipe_init(3, 0)};
    const qq_drive d = net_drive(n, r, 2);
    static const int fits[5][5] = {{0, 0, 0, 0, 0},
                                   {0, 1, 0, 0, 0},
                                   {0, 0, 1, 1, 1},
                                   {0, 0, 1, 1, 0},
                                   {0, 0, 1, 0, 1}};
    r[0].bias = r[1].bias = 0;
    n->layer[1].recipe = 1;
    for (int p = 1; p <= 4; p++)
        for (int q = 1; q <= 4; q++) {
            r[0].propagation = (qq_propagation)p;
            r[1].propagation = (qq_propagation)q;
            net_reset(n);
            if (!fits[p][q]) {
                check_refused(n, &d, QQ_ERR_ARGUMENT);
                continue;
            }
            CHECK(net_run(&d, NULL) == QQ_OK && n->stored[1] == 1);
        }
    // A layer that stays never minds.
    r[0].propagation = QQ_PROPAGATION_NONE;
    r[1].quantizer = QQ_QUANTIZER_NONE;
    net_reset(n);
    CHECK(net_run(&d, NULL) == QQ_OK && n->stored[1] == 0);
    n->layer[1].recipe = 0;
    // Two residual layers of one group with other outputs.
    r[0] = qq_recipe_init(3, 0);
    n->layer[0].residual = n->layer[1].residual = 1;
    n->layer[1].n = 8;
    check_refused(n, &d, QQ_ERR_SHAPE);
    r[0].target.rho = 0.0; // not looked at
    CHECK(qq_drive_scratch_size(&d) < SIZE_MAX);
    n->layer[0].residual = n->layer[1].residual = 0;
    n->layer[1].n = NET_WIDE;
}

static void test_numbers(net *n)
{
    const qq_recipe r = qq_recipe_init(3, 0);
    const qq_drive d = net_drive(n, &r, 1);
    static const uint32_t bad[] = {0x7fc00000u, 0x7f800000u, 0xff800000u};
    for (size_t i = 0; i < 3; i++) {
        float *at = &n->w.layer[4].w[7 * NET_LD + 15];
        const float w = *at, b = n->w.layer[2].bias[1];
        net_reset(n);
        *at = check_f32(bad[i]);
        CHECK(net_run(&d, NULL) == QQ_ERR_FORMAT && n->runs == 0);
        *at = w;
        n->w.layer[2].bias[1] = check_f32(bad[i]);
        CHECK(net_run(&d, NULL) == QQ_ERR_FORMAT && n->stored[0] == 0);
        n->w.layer[2].bias[1] = b;
        // Between the rows of a weight anything may stand.
        n->w.layer[4].w[7 * NET_LD + 16] = check_f32(bad[i]);
        CHECK(net_run(&d, NULL) == QQ_OK);
        n->w.layer[4].w[7 * NET_LD + 16] = 0.0f;
    }
}

// --- rows ------------------------------------------------------------------

typedef enum trouble {
    TROUBLE_NONE,
    TROUBLE_SILENT,   // no row
    TROUBLE_EMPTY,    // 0 rows
    TROUBLE_STRANGER, // rows of a group that nobody asked for
    TROUBLE_NULL,     // no struct
    TROUBLE_NO_X,     // and so on
    TROUBLE_NO_FLOAT,
    TROUBLE_NO_R,
    TROUBLE_SHORT,
    TROUBLE_NAN_X,
    TROUBLE_NAN_FLOAT,
    TROUBLE_NAN_R,
    TROUBLE_HUGE, // squares beyond floats
    TROUBLE_STOP, // it answers 1
    TROUBLE_KINDS
} trouble;

typedef struct bad_net {
    net n;
    trouble what;
    size_t group; // where it happens
    qq_status seen;
} bad_net;

static int bad_inputs(void *user, size_t first, size_t count, int propagated,
                      qq_drive_sink *sink)
{
    bad_net *b = (bad_net *)user;
    static float x[NET_ROWS * NET_WIDE], y[NET_ROWS * NET_WIDE];
    static float z[NET_ROWS * NET_WIDE];
    qq_drive_rows_of rows;
    const trouble what = first == b->group ? b->what : TROUBLE_NONE;
    (void)propagated;
    for (size_t i = 0; i < NET_ROWS * NET_WIDE; i++) {
        x[i] = check_uniform();
        y[i] = x[i] + 0.1f * check_uniform();
        z[i] = 0.1f * check_uniform();
    }
    if (what == TROUBLE_NAN_X)
        x[77] = check_f32(0x7fc00000u);
    if (what == TROUBLE_HUGE)
        x[77] = 1e30f;
    if (what == TROUBLE_NAN_FLOAT)
        y[77] = check_f32(0x7f800000u);
    if (what == TROUBLE_NAN_R)
        z[77] = check_f32(0x7fc00000u);
    memset(&rows, 0, sizeof rows);
    rows.count = what == TROUBLE_EMPTY ? 0 : NET_ROWS;
    rows.x = what == TROUBLE_NO_X ? NULL : x;
    rows.x_float = what == TROUBLE_NO_FLOAT ? NULL : y;
    rows.r = what == TROUBLE_NO_R ? NULL : z;
    rows.ldx = what == TROUBLE_SHORT ? 11 : NET_WIDE;
    rows.ldx_float = rows.ldr = NET_WIDE;
    const size_t group = what == TROUBLE_STRANGER ? first + count : first;
    if (what == TROUBLE_STOP)
        return 1;
    if (what == TROUBLE_SILENT)
        return 0;
    b->seen = qq_drive_rows(sink, group, what == TROUBLE_NULL ? NULL : &rows);
    if (b->seen != QQ_OK)
        CHECK(qq_drive_rows(sink, first, &rows) == b->seen); // it stays
    return b->seen == QQ_OK || (check_u32() & 1) ? 0 : 1;
}

// Each trouble at the group with the residual: two layers stay stored.
static void test_rows(void)
{
    static bad_net b;
    static const qq_status status[TROUBLE_KINDS] = {
        QQ_OK,           QQ_ERR_SHAPE,    QQ_ERR_SHAPE,    QQ_ERR_ARGUMENT,
        QQ_ERR_ARGUMENT, QQ_ERR_ARGUMENT, QQ_ERR_ARGUMENT, QQ_ERR_ARGUMENT,
        QQ_ERR_SHAPE,    QQ_ERR_FORMAT,   QQ_ERR_FORMAT,   QQ_ERR_FORMAT,
        QQ_ERR_FORMAT,   QQ_ERR_CANCELLED};
    net_make(&b.n);
    for (int way = 3; way <= 4; way++)
        for (int i = 0; i < TROUBLE_KINDS; i++) {
            qq_recipe r = qq_recipe_init(3, 0);
            qq_drive d = net_drive(&b.n, &r, 1);
            qq_status wanted = status[i];
            r.propagation = (qq_propagation)way;
            if (way == 4) {
                r.bias = 0;
                if (i == TROUBLE_NO_R || i == TROUBLE_NAN_R)
                    wanted = QQ_OK; // not looked at
            }
            d.inputs = bad_inputs;
            b.what = (trouble)i;
            b.group = 1;
            net_reset(&b.n);
            CHECK(net_run(&d, NULL) == wanted);
            CHECK(b.n.stored[0] == 1 && b.n.stored[1] == 1);
            CHECK(b.n.stored[2] == (wanted == QQ_OK));
        }
    CHECK(qq_drive_rows(NULL, 0, NULL) == QQ_ERR_ARGUMENT);
}

// --- cancelling, losses ----------------------------------------------------

// A countdown over all callbacks.
typedef struct count_net {
    net n;
    unsigned left;
    unsigned calls;
    double loss;
} count_net;

static int count_down(count_net *c)
{
    c->calls++;
    if (c->left == 0)
        return 1;
    c->left--;
    return 0;
}

static int count_inputs(void *user, size_t first, size_t count, int propagated,
                        qq_drive_sink *sink)
{
    if (count_down((count_net *)user))
        return 1;
    return net_inputs(user, first, count, propagated, sink);
}

static int count_store(void *user, const qq_drive_result *r)
{
    return count_down((count_net *)user) ? 1 : net_store(user, r);
}

static int count_loss(void *user, double *loss)
{
    count_net *c = (count_net *)user;
    net_loss(user, loss);
    if (c->loss < 0.0)
        *loss = (double)check_f32(0x7fc00000u);
    else if (c->loss > 0.0)
        *loss = c->loss;
    return count_down(c);
}

static int count_progress(void *user, size_t done, size_t all)
{
    CHECK(done <= all && all > 0);
    return count_down((count_net *)user);
}

static qq_drive count_drive(count_net *c, const qq_recipe *r, size_t count)
{
    qq_drive d = net_drive(&c->n, r, count);
    d.inputs = count_inputs;
    d.store = count_store;
    d.loss = count_loss;
    d.progress = count_progress;
    d.progress_user = c;
    d.user = c;
    return d;
}

// What stands for a run, a choice and a measurement.
static qq_status count_call(count_net *c, int what, const qq_recipe *r)
{
    const qq_drive d = count_drive(c, r, 1);
    double s[2 * NET_LAYERS];
    uint8_t *scratch = room(1 << 18);
    qq_status status;
    net_reset(&c->n);
    c->calls = 0;
    if (what == 0)
        status = qq_drive_run(&d, NULL, scratch, 1 << 18);
    else if (what == 1)
        status = qq_drive_choose(&d, 2, r, NULL, NULL, NULL, scratch, 1 << 18);
    else
        status = qq_drive_measure(&d, 2, r, s, scratch, 1 << 18);
    free(scratch);
    return status;
}

// Every callback may stop the call; none is called after that.
static void test_cancel(void)
{
    static count_net c;
    qq_recipe r[2] = {qq_recipe_init(3, 0), qq_recipe_planes(1)};
    net_make(&c.n);
    r[1].onebit.anneal = 0;
    for (int what = 0; what < 3; what++) {
        c.left = 100000;
        CHECK(count_call(&c, what, r) == QQ_OK);
        const unsigned all = c.calls;
        const unsigned step = check_small() ? 7 : 1;
        CHECK(all > 15);
        for (unsigned i = 0; i < all; i += step) {
            c.left = i;
            CHECK(count_call(&c, what, r) == QQ_ERR_CANCELLED);
            CHECK(c.calls == i + 1);
        }
    }
}

static void test_losses(void)
{
    static count_net c;
    const qq_recipe r[2] = {qq_recipe_init(3, 0), qq_recipe_init(4, 0)};
    qq_recipe wrong[2] = {qq_recipe_init(3, 0), qq_recipe_init(9, 0)};
    double s[2 * NET_LAYERS];
    net_make(&c.n);
    c.left = 1000000;
    c.loss = -1.0;
    CHECK(count_call(&c, 1, r) == QQ_ERR_FORMAT);
    CHECK(count_call(&c, 2, r) == QQ_ERR_FORMAT && c.n.runs == 0);
    c.loss = HUGE_VAL;
    CHECK(count_call(&c, 1, r) == QQ_OK);
    CHECK(count_call(&c, 2, r) == QQ_ERR_FORMAT && c.n.runs == 0);
    c.loss = 0.0;

    qq_drive d = count_drive(&c, r, 1);
    uint8_t *scratch = room(1 << 18);
    const size_t all = 1 << 18;
    net_reset(&c.n);
    CHECK(qq_drive_choose(&d, 0, r, NULL, NULL, NULL, scratch, all) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_drive_choose(&d, 2, NULL, NULL, NULL, NULL, scratch, all) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_drive_choose(&d, 2, wrong, NULL, NULL, NULL, scratch, all) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_drive_choose(NULL, 2, r, NULL, NULL, NULL, scratch, all) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_drive_choose_scratch_size(&d, 2, wrong) == SIZE_MAX);
    CHECK(qq_drive_measure(&d, 0, r, s, scratch, all) == QQ_ERR_ARGUMENT);
    CHECK(qq_drive_measure(&d, 2, NULL, s, scratch, all) == QQ_ERR_ARGUMENT);
    CHECK(qq_drive_measure(&d, 2, r, NULL, scratch, all) == QQ_ERR_ARGUMENT);
    CHECK(qq_drive_measure(&d, 2, wrong, s, scratch, all) == QQ_ERR_ARGUMENT);
    CHECK(qq_drive_measure(NULL, 2, r, s, scratch, all) == QQ_ERR_ARGUMENT);
    CHECK(qq_drive_measure_scratch_size(&d, 2, wrong) == SIZE_MAX);
    d.loss = NULL;
    CHECK(qq_drive_choose(&d, 2, r, NULL, NULL, NULL, scratch, all) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_drive_measure(&d, 2, r, s, scratch, all) == QQ_ERR_ARGUMENT);
    CHECK(c.n.runs == 0 && c.n.stored[0] == 0);
    free(scratch);
}

int main(void)
{
    static net n;
    net_make(&n);
    test_recipes();
    test_layers(&n);
    test_drives(&n);
    test_mixed(&n);
    test_numbers(&n);
    test_rows();
    test_cancel();
    test_losses();
    return check_done();
}
