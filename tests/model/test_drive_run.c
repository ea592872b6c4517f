// The driver's run: the steps by hand give the same bits; parts, batches and
// groups that go together change none; what is asked for, and how often.

#include "drive_net.h"

// --- the steps by hand -----------------------------------------------------

typedef struct hand {
    const net *n;
    const qq_drive_result *r;
    const qq_drive_layer *l;
    size_t n_, k;
    qq_moments m, res; // of x (and the float stream), of the residual
    float *h, *t, *v, *bias;
    uint8_t *sums, *residuals; // where these lie
} hand;

static void hand_moments(hand *a)
{
    const qq_recipe *r = a->r->recipe;
    const net *n = a->n;
    const int parallel = r->propagation == QQ_PROPAGATION_NONE;
    const size_t k = a->k;
    qq_moments_options o = qq_moments_options_init();
    const float *f = net_input(&n->float_trace, a->l->group);
    const float *x = parallel ? f : net_input(&n->trace, a->l->group);
    float *y = (float *)(void *)room(NET_ROWS * k * sizeof(float));
    float *d = (float *)(void *)room(NET_ROWS * NET_WIDE * sizeof(float));
    const int qep = r->propagation == QQ_PROPAGATION_QEP;
    for (size_t i = 0; i < NET_ROWS * k; i++)
        y[i] = qep ? f[i] - x[i] : f[i];
    for (size_t i = 0; i < NET_ROWS * NET_WIDE; i++)
        d[i] = n->float_trace.a[i] - n->trace.a[i];
    o.outputs = k;
    uint8_t *scratch = room(1 << 20);
    const size_t bytes = qq_moments_size(k, &o);
    a->sums = room(bytes);
    qq_moments_make(k, &o, a->sums, bytes, &a->m);
    CHECK(qq_moments_update(&a->m, &o, NET_ROWS, QQ_TYPE_F32, x, k, y, k,
                            scratch, 1 << 20) == QQ_OK);
    o.outputs = NET_WIDE;
    const size_t more = qq_moments_size(k, &o);
    a->residuals = room(more);
    qq_moments_make(k, &o, a->residuals, more, &a->res);
    CHECK(qq_moments_update(&a->res, &o, NET_ROWS, QQ_TYPE_F32, x, k, d,
                            NET_WIDE, scratch, 1 << 20) == QQ_OK);
    free(scratch);
    free(d);
    free(y);
}

static void hand_target(hand *a, double factor)
{
    const qq_recipe *r = a->r->recipe;
    const size_t n = a->n_, k = a->k, square = k * k * sizeof(float);
    const size_t all = n * k * sizeof(float);
    float *c = (float *)(void *)room(square);
    float *res = (float *)(void *)room(all);
    uint8_t *scratch = room(1 << 20);
    const int follows = a->l->residual;
    for (size_t i = 0; i < n; i++)
        memcpy(a->t + i * k, a->l->w + i * a->l->ldw, k * sizeof(float));
    qq_moments_cross(&a->m, r->bias, factor, c, square);
    if (follows)
        qq_moments_cross(&a->res, r->bias, factor, res, all);
    if (r->propagation == QQ_PROPAGATION_TARGET)
        CHECK(qq_target(n, k, &r->target, a->l->w, a->l->ldw, a->h, square, c,
                        square, follows ? res : NULL, all, a->t, k, scratch,
                        1 << 20) == QQ_OK);
    if (r->propagation == QQ_PROPAGATION_QEP)
        CHECK(qq_onebit_adjust(n, k, r->percdamp, r->perccorr, a->t, k, a->h, c,
                               scratch, 1 << 20) == QQ_OK);
    free(scratch);
    free(res);
    free(c);
}

static void hand_fit(hand *a)
{
    const qq_recipe *r = a->r->recipe;
    const size_t bytes = qq_fit_size(a->n_, a->k, r->tile, &r->grid);
    uint8_t *memory = room(bytes), *scratch = room(1 << 20);
    qq_fit f;
    qq_fit_make(a->n_, a->k, r->tile, &r->grid, memory, bytes, &f);
    CHECK(qq_fit_solve(&f, &r->fit, a->t, a->k, a->h,
                       a->k * a->k * sizeof(float), NULL, scratch,
                       1 << 20) == QQ_OK);
    qq_fit_values(&f, a->v, a->k);
    CHECK(a->r->fit != NULL && a->r->onebit == NULL && a->r->codes == NULL);
    CHECK(memcmp(a->r->fit->code, f.code, a->n_ * a->k) == 0);
    CHECK(memcmp(a->r->fit->scale, f.scale, a->n_ * f.tiles * sizeof(float)) ==
          0);
    free(memory);
    free(scratch);
}

static void hand_onebit(hand *a)
{
    const qq_recipe *r = a->r->recipe;
    const size_t bytes = qq_onebit_size(a->n_, a->k, &r->onebit);
    uint8_t *memory = room(bytes), *scratch = room(1 << 20);
    qq_onebit o;
    CHECK(qq_onebit_solve(a->n_, a->k, &r->onebit, a->t, a->k, a->h,
                          a->k * a->k * sizeof(float), memory, bytes, scratch,
                          1 << 20, &o) == QQ_OK);
    qq_onebit_values(&o, a->v, a->k);
    CHECK(a->r->onebit != NULL && a->r->fit == NULL);
    CHECK(memcmp(a->r->onebit->a, o.a, o.planes * a->n_ * sizeof(float)) == 0);
    free(memory);
    free(scratch);
}

// GPTQ and RTN; what codes mean is worked out from order.
static void hand_codes(hand *a)
{
    const qq_recipe *r = a->r->recipe;
    const size_t n = a->n_, k = a->k;
    const size_t group = r->gptq.group > 0 ? (size_t)r->gptq.group : k;
    const size_t groups = (k + group - 1) / group;
    const int rtn = r->quantizer == QQ_QUANTIZER_RTN;
    uint8_t codes[NET_WIDE * NET_WIDE];
    float scales[NET_WIDE * NET_WIDE], zeros[NET_WIDE * NET_WIDE];
    uint32_t order[NET_WIDE];
    uint8_t *scratch = room(1 << 20);
    for (size_t j = 0; j < k; j++)
        order[j] = (uint32_t)j;
    if (rtn)
        CHECK(qq_rtn_solve(n, k, &r->gptq, a->t, k, codes, scales, zeros) ==
              QQ_OK);
    else
        CHECK(qq_gptq_solve(n, k, &r->gptq, a->t, k, a->h, codes, scales, zeros,
                            order, scratch, 1 << 20) == QQ_OK);
    for (size_t i = 0; i < n; i++)
        for (size_t p = 0; p < k; p++) {
            const size_t at = i * k + order[p], g = p / group;
            const size_t s = rtn ? i * groups + g : g * n + i;
            a->v[at] = scales[s] * ((float)codes[at] - zeros[s]);
        }
    CHECK(memcmp(a->r->codes, codes, n * k) == 0);
    CHECK(memcmp(a->r->scales, scales, n * groups * sizeof(float)) == 0);
    CHECK(memcmp(a->r->zeros, zeros, n * groups * sizeof(float)) == 0);
    CHECK((a->r->order == NULL) == rtn);
    free(scratch);
}

static void hand_bias(hand *a)
{
    const qq_recipe *r = a->r->recipe;
    const int two = r->propagation == QQ_PROPAGATION_TARGET;
    const int follows = two && a->l->residual;
    float x[NET_WIDE], f[NET_WIDE], d[NET_WIDE];
    CHECK((a->r->bias != NULL) == r->bias);
    if (!r->bias)
        return;
    qq_moments_means(&a->m, x, f);
    qq_moments_means(&a->res, NULL, d);
    CHECK(qq_bias_correct(a->n_, a->k, a->l->w, a->l->ldw, a->v, a->k,
                          two ? f : x, x, a->l->bias, follows ? d : NULL,
                          (float)r->target.rho, a->bias) == QQ_OK);
    CHECK(memcmp(a->bias, a->r->bias, a->n_ * sizeof(float)) == 0);
}

static void hand_solve(hand *a)
{
    const qq_recipe *r = a->r->recipe;
    const size_t k = a->k, square = k * k * sizeof(float);
    const int original = r->quantizer == QQ_QUANTIZER_GPTQ ||
                         r->quantizer == QQ_QUANTIZER_RTN ||
                         (r->quantizer == QQ_QUANTIZER_ONEBIT &&
                          r->onebit.mode == QQ_ONEBIT_COMPAT);
    const double factor =
        original || r->propagation == QQ_PROPAGATION_QEP ? 2.0 : 1.0;
    const unsigned bits = r->quantizer == QQ_QUANTIZER_ONEBIT ? 1
                          : r->grid.count > 8                 ? 4
                                                              : 2;
    const qq_rotation q = qq_rotation_make(k, r->rotate_limit, r->seed);
    qq_moments_hessian(&a->m, r->bias, factor, a->h, square);
    hand_target(a, factor);
    if (r->rotate) {
        qq_rotation_rows(&q, 0, a->n_, a->t, k);
        CHECK(qq_rotation_hessian(&q, a->h, square) == QQ_OK);
        for (size_t j = 0; j < k; j++)
            if (a->h[j * k + j] < 0.0f)
                a->h[j * k + j] = 0.0f;
        CHECK(a->r->rotation != NULL && a->r->rotation->seed == r->seed);
    }
    if (!original)
        CHECK(qq_hessian_damp(k, qq_hessian_lambda(bits, NET_ROWS, k), a->h,
                              square) == QQ_OK);
    if (r->quantizer == QQ_QUANTIZER_FIT)
        hand_fit(a);
    else if (r->quantizer == QQ_QUANTIZER_ONEBIT)
        hand_onebit(a);
    else
        hand_codes(a);
    if (r->rotate)
        qq_rotation_rows(&q, 1, a->n_, a->v, k);
    CHECK(memcmp(a->v, a->r->v, a->n_ * k * sizeof(float)) == 0);
    hand_bias(a);
}

// Before a store: the same from the net as it was when it was asked.
static int look_by_hand(net *n, const qq_drive_result *r)
{
    const size_t all = NET_WIDE * NET_WIDE * sizeof(float);
    hand a;
    memset(&a, 0, sizeof a);
    a.n = n;
    a.r = r;
    a.l = &n->layer[r->layer];
    a.n_ = a.l->n;
    a.k = a.l->k;
    a.h = (float *)(void *)room(all);
    a.t = (float *)(void *)room(all);
    a.v = (float *)(void *)room(all);
    a.bias = (float *)(void *)room(all);
    hand_moments(&a);
    hand_solve(&a);
    free(a.sums);
    free(a.residuals);
    free(a.h);
    free(a.t);
    free(a.v);
    free(a.bias);
    return 0;
}

static qq_recipe recipe_of(qq_recipe r, qq_propagation p)
{
    r.propagation = p;
    if (p == QQ_PROPAGATION_QEP)
        r.bias = r.rotate = 0;
    return r;
}

static void check_recipe(net *n, const qq_recipe *r)
{
    const qq_drive d = net_drive(n, r, 1);
    net_reset(n);
    n->look = look_by_hand;
    CHECK(net_run(&d, NULL) == QQ_OK);
    n->look = NULL;
    for (size_t i = 0; i < NET_LAYERS; i++)
        CHECK(n->stored[i] == 1 + r->repeats);
}

static void test_by_hand(net *n)
{
    qq_recipe r[9];
    r[0] = qq_recipe_init(2, 0);
    r[1] = qq_recipe_init(4, 5);
    r[1].rotate = 1;
    r[1].seed = 9;
    r[2] = qq_recipe_ternary(8);
    r[2].rotate = 1;
    r[2].rotate_limit = 2;
    r[3] = qq_recipe_planes(1);
    r[4] = qq_recipe_planes(2);
    r[5] = qq_recipe_original(QQ_QUANTIZER_ONEBIT);
    r[6] = qq_recipe_original(QQ_QUANTIZER_GPTQ);
    r[6].gptq.act_order = 1;
    r[6].gptq.group = 5;
    r[7] = qq_recipe_original(QQ_QUANTIZER_RTN);
    r[7].gptq.group = 4;
    r[7].bias = r[7].rotate = 1;
    r[8] = qq_recipe_original(QQ_QUANTIZER_GPTQ);
    for (int i = 0; i < 9; i++)
        for (int p = 1; p <= 4; p++) {
            qq_recipe one = recipe_of(r[i], (qq_propagation)p);
            if (p == 2)
                one.repeats = 1;
            check_recipe(n, &one);
        }
}

// --- what may not matter ---------------------------------------------------

// All parts, the last one first.
static void run_backwards(void *user, size_t parts,
                          void (*part)(void *arg, size_t i), void *arg)
{
    ++*(unsigned *)user;
    while (parts-- > 0)
        part(arg, parts);
}

static void test_same(net *n)
{
    static net_weights first;
    static const size_t batches[] = {1, 7, 32, 33, NET_ROWS};
    qq_recipe r[3];
    r[0] = qq_recipe_init(3, 4);
    r[1] = qq_recipe_planes(2);
    r[2] = recipe_of(r[0], QQ_PROPAGATION_QEP);
    for (int i = 0; i < 3; i++)
        for (size_t parts = 1; parts <= 3; parts++)
            for (size_t b = 0; b < 5; b++) {
                unsigned threads = 0;
                qq_drive d = net_drive(n, r + i, 1);
                d.parts = parts;
                d.parallel = parts == 2 ? run_backwards : NULL;
                d.parallel_user = &threads;
                d.together = b + 1;
                net_reset(n);
                n->batch = batches[b];
                CHECK(net_run(&d, NULL) == QQ_OK);
                if (parts == 1 && b == 0)
                    first = n->q;
                CHECK(net_same(&first, &n->q));
                CHECK((threads > 0) == (parts == 2));
            }
    n->batch = 32;
}

enum { MANY = 10 };

static void make_many(qq_recipe *r, int parallel)
{
    const qq_propagation p =
        parallel ? QQ_PROPAGATION_NONE : QQ_PROPAGATION_TARGET;
    r[0] = recipe_of(qq_recipe_init(2, 0), p);
    r[1] = recipe_of(qq_recipe_init(5, 3), p);
    r[1].rotate = 1;
    r[2] = recipe_of(qq_recipe_ternary(0), p);
    r[2].bias = 0;
    r[3] = recipe_of(qq_recipe_planes(1), p);
    r[3].onebit.anneal = 2;
    r[4] = recipe_of(qq_recipe_planes(3), p);
    r[5] = recipe_of(qq_recipe_original(QQ_QUANTIZER_GPTQ), p);
    r[6] = recipe_of(qq_recipe_original(QQ_QUANTIZER_RTN), p);
    r[7] = qq_recipe_original(QQ_QUANTIZER_RTN);
    r[8] = r[0];
    r[8].quantizer = QQ_QUANTIZER_NONE;
    r[9] = r[1];
    r[9].grid.offsets = 1;
    r[9].target.rho = 0.0;
    for (int i = 0; i < 7; i++)
        r[i].repeats = parallel ? 0 : check_u32() % 4 == 0;
}

// Each layer by a recipe of its own: other parts and groups that go together
// give the same.
static void test_many(net *n)
{
    static net_weights first;
    qq_recipe r[MANY];
    for (size_t i = 0; i < check_count(40); i++) {
        const int parallel = (int)(i & 1);
        make_many(r, parallel);
        qq_drive d = net_drive(n, r, MANY);
        for (size_t l = 0; l < NET_LAYERS; l++)
            n->layer[l].recipe = check_u32() % MANY;
        d.errors = parallel && (check_u32() & 1);
        net_reset(n);
        CHECK(net_run(&d, NULL) == QQ_OK);
        first = n->q;
        d.errors = 0;
        d.parts = 1 + check_u32() % 4;
        d.together = 1 + check_u32() % 4;
        n->batch = 1 + check_u32() % 50;
        net_reset(n);
        CHECK(net_run(&d, NULL) == QQ_OK && net_same(&first, &n->q));
        n->batch = 32;
    }
    for (size_t l = 0; l < NET_LAYERS; l++)
        n->layer[l].recipe = 0;
}

// Scratch anywhere, and none of it too little.
static void test_scratch(net *n)
{
    static net_weights first;
    const qq_recipe r = qq_recipe_init(3, 0);
    const qq_drive d = net_drive(n, &r, 1);
    const size_t need = qq_drive_scratch_size(&d);
    uint8_t *scratch = room(need + 64);
    for (size_t off = 0; off < 64; off += 7) {
        net_reset(n);
        CHECK(qq_drive_run(&d, NULL, scratch + off, need) == QQ_OK);
        CHECK(scratch[need + off] == 255);
        if (off == 0)
            first = n->q;
        CHECK(net_same(&first, &n->q));
    }
    free(scratch);
    scratch = room(need - 1);
    net_reset(n);
    CHECK(qq_drive_run(&d, NULL, scratch, need - 1) == QQ_ERR_SCRATCH);
    CHECK(n->runs == 0 && n->stored[0] == 0);
    free(scratch);
}

// --- what is asked for -----------------------------------------------------

static void test_calls(net *n)
{
    const qq_recipe four = recipe_of(qq_recipe_init(4, 0), QQ_PROPAGATION_NONE);
    qq_recipe r[3] = {four, four, qq_recipe_original(QQ_QUANTIZER_RTN)};
    qq_drive d = net_drive(n, r, 3);
    r[1].quantizer = QQ_QUANTIZER_NONE;

    // Once a group, alone or together.
    for (d.together = 1; d.together <= 5; d.together++) {
        static const unsigned runs[] = {4, 2, 2, 1, 1};
        net_reset(n);
        CHECK(net_run(&d, NULL) == QQ_OK);
        for (size_t g = 0; g < NET_GROUPS; g++)
            CHECK(n->calls[g] == 1);
        CHECK(n->runs == runs[d.together - 1]);
    }
    // Not for layers that stay, nor for plain RTN; these part what goes
    // together.
    n->layer[2].recipe = 1;
    n->layer[0].recipe = 1;
    net_reset(n);
    CHECK(net_run(&d, NULL) == QQ_OK);
    CHECK(n->calls[0] == 1 && n->calls[1] == 0 && n->runs == 2);
    CHECK(n->stored[0] == 0 && n->stored[1] == 1 && n->stored[2] == 0);
    n->layer[3].recipe = 2;
    net_reset(n);
    CHECK(net_run(&d, NULL) == QQ_OK);
    CHECK(n->calls[2] == 0 && n->calls[3] == 1 && n->stored[3] == 1);
    d.errors = 1;
    net_reset(n);
    CHECK(net_run(&d, NULL) == QQ_OK && n->calls[2] == 1);
    d.errors = 0;
    for (size_t i = 0; i < NET_LAYERS; i++)
        n->layer[i].recipe = 1;
    net_reset(n);
    d.inputs = NULL;
    CHECK(qq_drive_scratch_size(&d) <= 1024 && net_run(&d, NULL) == QQ_OK);
    CHECK(net_same(&n->w, &n->q) && n->runs == 0);
    for (size_t i = 0; i < NET_LAYERS; i++)
        n->layer[i].recipe = 0;

    // Repeats ask again; groups beside each other do not.
    d.inputs = net_inputs;
    r[0] = qq_recipe_init(4, 0);
    r[1] = r[0];
    r[1].repeats = 2;
    n->layer[3].recipe = 1;
    net_reset(n);
    CHECK(net_run(&d, NULL) == QQ_OK);
    CHECK(n->calls[2] == 3 && n->calls[3] == 1 && n->runs == 6);
    CHECK(n->stored[3] == 3 && n->stored[4] == 1);
    n->layer[3].recipe = 0;
    n->layer[2].beside = 1;
    net_reset(n);
    CHECK(net_run(&d, NULL) == QQ_OK && n->runs == 3 && n->calls[1] == 1);
    n->layer[2].beside = 0;
}

// --- what it is for --------------------------------------------------------

static double loss_of(net *n, qq_recipe r, qq_propagation p, int bias,
                      unsigned repeats)
{
    r.propagation = p;
    r.bias = bias;
    r.repeats = repeats;
    const qq_drive d = net_drive(n, &r, 1);
    net_reset(n);
    CHECK(net_run(&d, NULL) == QQ_OK);
    return net_distance(n, n->held);
}

static void test_better(net *n)
{
    for (unsigned bits = 2; bits <= 4; bits++) {
        const qq_recipe r = qq_recipe_init(bits, 0);
        const double target = loss_of(n, r, QQ_PROPAGATION_TARGET, 1, 0);
        const double none = loss_of(n, r, QQ_PROPAGATION_NONE, 1, 0);
        CHECK(target < 0.8 * none);
        CHECK(none < loss_of(n, r, QQ_PROPAGATION_NONE, 0, 0) * 1.2);
    }
    const qq_recipe r = qq_recipe_planes(2);
    CHECK(loss_of(n, r, QQ_PROPAGATION_TARGET, 1, 0) <
          loss_of(n, r, QQ_PROPAGATION_NONE, 1, 0));
}

// --- inputs of rank 1 ------------------------------------------------------

static int flat_inputs(void *user, size_t first, size_t count, int propagated,
                       qq_drive_sink *sink)
{
    const qq_rotation q = qq_rotation_make(NET_WIDE, 0, 0);
    static float x[NET_ROWS * NET_WIDE];
    float u[NET_WIDE] = {1.0f};
    qq_drive_rows_of rows;
    (void)user;
    (void)count;
    (void)propagated;
    qq_rotation_rows(&q, 1, 1, u, NET_WIDE);
    for (size_t j = 0; j < NET_WIDE; j++)
        u[j] += 1e-6f * check_uniform();
    for (size_t i = 0; i < NET_ROWS; i++) {
        const float z = check_uniform();
        for (size_t j = 0; j < NET_WIDE; j++)
            x[i * NET_WIDE + j] = z * u[j];
    }
    memset(&rows, 0, sizeof rows);
    rows.count = NET_ROWS;
    rows.x = rows.x_float = x;
    rows.ldx = rows.ldx_float = NET_WIDE;
    return qq_drive_rows(sink, first, &rows) != QQ_OK;
}

// Turned, all of it lies in one number: the others have a variance of 0, but
// for roundings.
static void test_flat(net *n)
{
    qq_recipe r = qq_recipe_init(3, 0);
    qq_drive_layer l = n->layer[4];
    qq_drive d = net_drive(n, &r, 1);
    r.rotate = 1;
    l.group = 0;
    d.layers = &l;
    d.count = 1;
    d.inputs = flat_inputs;
    for (size_t i = 0; i < check_count(20); i++) {
        l.n = 1 + i % NET_OUT;
        CHECK(net_run(&d, NULL) == QQ_OK);
    }
}

// --- records ---------------------------------------------------------------

static void test_records(net *n)
{
    qq_recipe r[2] = {qq_recipe_init(3, 0), qq_recipe_init(3, 0)};
    qq_drive d = net_drive(n, r, 2);
    qq_layer_record rec[NET_LAYERS];
    r[1].quantizer = QQ_QUANTIZER_NONE;
    n->layer[1].recipe = 1;
    d.seconds = net_seconds;
    net_reset(n);
    CHECK(net_run(&d, rec) == QQ_OK);
    CHECK(strcmp(rec[4].name, "e") == 0 && rec[4].seconds == 1.0);
    CHECK(isnan(rec[4].errors.output_squared) &&
          isnan(rec[4].errors.relative_weight_squared));
    CHECK(strcmp(rec[1].name, "b") == 0 && rec[1].seconds == 0.0 &&
          isnan(rec[1].errors.weight_squared));
    d.errors = 1;
    net_reset(n);
    CHECK(net_run(&d, rec) == QQ_OK);
    CHECK(isnan(rec[1].errors.weight_squared));
    n->layer[1].recipe = 0;
    // Against rows: the trace is that of the last group.
    double sum = 0.0, all = 0.0;
    for (size_t i = 0; i < NET_ROWS; i++)
        for (size_t o = 0; o < NET_OUT; o++) {
            double y = 0.0, z = 0.0;
            for (size_t j = 0; j < NET_WIDE; j++) {
                const double x = (double)n->trace.g[i * NET_WIDE + j];
                y += x * (double)n->w.layer[4].w[o * NET_LD + j];
                z += x * (double)n->q.layer[4].w[o * NET_LD + j];
            }
            sum += (y - z) * (y - z);
            all += y * y;
        }
    const qq_layer_errors *e = &rec[4].errors;
    CHECK(fabs(e->output_squared / sum - 1.0) < 1e-9);
    CHECK(fabs(e->relative_output_squared * all / sum - 1.0) < 1e-9);
    CHECK(fabs(e->mean_output_squared * (double)(NET_ROWS * NET_OUT) / sum -
               1.0) < 1e-9);
    CHECK(e->weight_squared > 0.0);
}

int main(void)
{
    static net n;
    net_make(&n);
    test_by_hand(&n);
    test_same(&n);
    test_many(&n);
    test_scratch(&n);
    test_calls(&n);
    test_better(&n);
    test_flat(&n);
    test_records(&n);
    return check_done();
}
