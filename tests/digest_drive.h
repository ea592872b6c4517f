// Lines of digest.c: products of floats, and the driver on a small net, under
// every kind of recipe, each layer fitted to what those before it have become.

#ifndef DIGEST_DRIVE_H
#define DIGEST_DRIVE_H

enum { NET_LAYERS = 3, NET_ROWS = 96, NET_WIDTH = 40 };

static const size_t net_widths[NET_LAYERS + 1] = {24, 40, 20, 13};

typedef struct net {
    float w[NET_LAYERS][NET_WIDTH * NET_WIDTH];
    float bias[NET_LAYERS][NET_WIDTH];
} net;

static net net_float, net_now;
static float net_x[2][NET_ROWS * NET_WIDTH]; // in the float net, and now
static double gemm_room[1 << 17], drive_room[1 << 19];

// --- products ------------------------------------------------------------

// Odd sizes, both orders of both operands, one sum on top of another.
static void add_gemm(digest *d, qq_type type)
{
    enum { GM = 37, GN = 29, GK = 300 };
    static float a[GM * GK], b[GK * GN], c[GM * GN];
    qq_gemm_options o = qq_gemm_options_init();

    (void)type;
    for (uint32_t i = 0; i < GM * GK; i++)
        a[i] = solve_number(31, i);
    for (uint32_t i = 0; i < GK * GN; i++)
        b[i] = solve_number(32, i);
    for (int i = 0; i < 4; i++) {
        o.accumulate = i > 0;
        if (qq_gemm(GM, GN, GK, &o, a, i & 1 ? 1 : GK, i & 1 ? GM : 1, b,
                    i & 2 ? 1 : GN, i & 2 ? GK : 1, c, GN, 1, gemm_room,
                    sizeof gemm_room) != QQ_OK)
            add_byte(d, 255);
        for (size_t j = 0; j < GM * GN; j++)
            add_f32(d, c[j]);
    }
}

// --- the net ---------------------------------------------------------------

// x becomes max(0, x w^T + bias).
static void net_layer(const net *a, size_t l, float *x)
{
    static float y[NET_ROWS * NET_WIDTH];
    const size_t k = net_widths[l], n = net_widths[l + 1];

    qq_gemm(NET_ROWS, n, k, NULL, x, k, 1, a->w[l], 1, k, y, n, 1, gemm_room,
            sizeof gemm_room);
    for (size_t i = 0; i < NET_ROWS * n; i++) {
        const float sum = y[i] + a->bias[l][i % n];
        x[i] = sum > 0.0f ? sum : 0.0f;
    }
}

// The rows that layer l sees.
static void net_inputs(const net *a, size_t l, float *x)
{
    for (uint32_t i = 0; i < NET_ROWS * (uint32_t)net_widths[0]; i++)
        x[i] = solve_number(21, i);
    for (size_t i = 0; i < l; i++)
        net_layer(a, i, x);
}

static int net_run(void *user, size_t first, size_t count, int propagated,
                   qq_drive_sink *sink)
{
    int failed = 0;

    (void)user;
    for (size_t g = first; g < first + count && !failed; g++) {
        qq_drive_rows_of r;
        net_inputs(&net_float, g, net_x[0]);
        net_inputs(&net_now, g, net_x[1]);
        memset(&r, 0, sizeof r);
        r.count = NET_ROWS;
        r.x = net_x[propagated];
        r.x_float = net_x[0];
        r.ldx = r.ldx_float = net_widths[g];
        failed = qq_drive_rows(sink, g, &r) != QQ_OK;
    }
    return failed;
}

static int net_store(void *user, const qq_drive_result *r)
{
    const size_t l = r->layer, n = net_widths[l + 1], k = net_widths[l];
    digest *d = (digest *)user;

    memcpy(net_now.w[l], r->v, n * k * sizeof(float));
    if (r->bias != NULL)
        memcpy(net_now.bias[l], r->bias, n * sizeof(float));
    for (size_t i = 0; i < n * k; i++)
        add_f32(d, net_now.w[l][i]);
    for (size_t i = 0; i < n; i++)
        add_f32(d, net_now.bias[l][i]);
    return 0;
}

// --- the driver --------------------------------------------------------------

static void digest_recipe(const char *name, const qq_recipe *recipe)
{
    digest line = start("drive");
    qq_drive_layer layers[NET_LAYERS];
    qq_drive d = qq_drive_init();

    add_text(&line, name);
    memset(layers, 0, sizeof layers);
    for (size_t l = 0; l < NET_LAYERS; l++) {
        layers[l].n = net_widths[l + 1];
        layers[l].k = layers[l].ldw = net_widths[l];
        layers[l].w = net_float.w[l];
        layers[l].bias = net_float.bias[l];
        layers[l].group = l;
    }
    d.count = NET_LAYERS;
    d.layers = layers;
    d.recipe_count = 1;
    d.recipes = recipe;
    d.inputs = net_run;
    d.store = net_store;
    d.user = &line;
    net_now = net_float;
    if (qq_drive_run(&d, NULL, drive_room, sizeof drive_room) != QQ_OK)
        add_byte(&line, 255);
    finish(&line);
}

static void digest_drive(void)
{
    qq_recipe r;

    for (uint32_t l = 0; l < NET_LAYERS; l++) {
        for (uint32_t i = 0; i < NET_WIDTH * NET_WIDTH; i++)
            net_float.w[l][i] = solve_number(41 + l, i) * 0.25f;
        for (uint32_t i = 0; i < NET_WIDTH; i++)
            net_float.bias[l][i] = solve_number(51 + l, i) * 0.125f;
    }
    r = qq_recipe_init(3, 0);
    digest_recipe("3", &r);
    r = qq_recipe_init(2, 8);
    r.rotate = 1;
    digest_recipe("2 tile 8 rotated", &r);
    r = qq_recipe_ternary(0);
    r.propagation = QQ_PROPAGATION_INPUT;
    digest_recipe("ternary", &r);
    r = qq_recipe_planes(2);
    r.propagation = QQ_PROPAGATION_NONE;
    digest_recipe("planes 2", &r);
    r = qq_recipe_original(QQ_QUANTIZER_GPTQ);
    r.propagation = QQ_PROPAGATION_QEP;
    digest_recipe("gptq", &r);
}

#endif // DIGEST_DRIVE_H
