// Balancing, OneBit in its modes, RTN, GPTQ and what a package does around
// them, and the decisions about whole models, of any options, shapes, numbers
// and words: a status, or an answer that keeps what it promises, in exactly
// the bytes that were asked for.

#include "input.h"
#include "numbers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// --- balancing, vectors ----------------------------------------------------

static void balance(fuzz_input *in)
{
    qq_balance_options o = qq_balance_options_init();
    const uint32_t u = fuzz_u8(in);
    const size_t n = fuzz_u8(in) % 12, k = fuzz_u8(in) % 20;
    const size_t ldw = k + fuzz_u8(in) % 3;
    qq_balance_result result;
    int sane = 1;

    o.norm = (qq_norm)(u % 8 == 0 ? 3 : 1 + u % 2);
    o.compat = (int)(u >> 3 & 1);
    o.gauge = (int)(u >> 4 & 1);
    o.rounds = fuzz_u8(in) % 60;
    o.stop_window = fuzz_u8(in) % 5;
    if (u & 32)
        o.alpha = (double)fuzz_f32(in);
    if (u & 64)
        o.beta = (double)fuzz_f32(in);
    if (u & 128) {
        o.epsilon = (double)fuzz_f32(in);
        o.tolerance = (double)fuzz_f32(in);
    }
    const size_t history = o.rounds * sizeof(float);
    o.row_residuals = (float *)fuzz_room(history);
    o.column_residuals = (float *)fuzz_room(history);
    o.objectives = (float *)fuzz_room(history);
    float *w = fuzz_rows(in, n, k, ldw, &sane);
    const size_t room = qq_balance_scratch_size(n, k);
    void *scratch = fuzz_room(room);
    float *rows = (float *)fuzz_room(n * sizeof *rows);
    float *columns = (float *)fuzz_room(k * sizeof *columns);
    float *scaled = (float *)fuzz_room(n * k * sizeof *scaled);
    const qq_status status = qq_balance(n, k, &o, w, ldw, rows, columns, scaled,
                                        &result, scratch, room);
    if (status == QQ_OK)
        fuzz_require(result.rounds <= o.rounds);
    // Ours stays finite whatever W is.
    for (size_t i = 0; status == QQ_OK && !o.compat && i < n; i++)
        fuzz_require(fuzz_finite(rows[i]) && rows[i] > 0.0f);
    for (size_t j = 0; status == QQ_OK && !o.compat && j < k; j++)
        fuzz_require(fuzz_finite(columns[j]) && columns[j] > 0.0f);
    free(o.row_residuals);
    free(o.column_residuals);
    free(o.objectives);
    free(w);
    free(scratch);
    free(rows);
    free(columns);
    free(scaled);
}

static void power(fuzz_input *in)
{
    const size_t n = fuzz_u8(in) % 12, k = fuzz_u8(in) % 20;
    const unsigned rounds = fuzz_u8(in) % 40;
    const uint32_t u = fuzz_u8(in);
    int sane = 1;
    float *p = fuzz_rows(in, n, k, k, &sane);
    float *start = fuzz_rows(in, 1, k, k, &sane), sigma = -1.0f;
    float *a = (float *)fuzz_room(n * sizeof *a);
    float *b = (float *)fuzz_room(k * sizeof *b);
    const size_t room = qq_power_iteration_scratch_size(n, k);
    void *scratch = fuzz_room(room);
    const qq_status status = qq_power_iteration(
        n, k, rounds, p, k, u & 1 ? start : NULL, a, b, &sigma, scratch, room);

    if (status == QQ_OK && sane)
        fuzz_require(sigma >= 0.0f);
    free(p);
    free(start);
    free(a);
    free(b);
    free(scratch);
}

// --- OneBit ----------------------------------------------------------------

static int stop(void *user, size_t done, size_t all)
{
    size_t *left = (size_t *)user;

    fuzz_require(done <= all);
    return *left == 0 || (*left)-- == 0;
}

static qq_onebit_options options(fuzz_input *in)
{
    qq_onebit_options o = qq_onebit_options_init();
    const uint32_t u = fuzz_u8(in), wild = fuzz_u8(in);

    o.mode = (qq_onebit_mode)(1 + u % 3);
    o.importance = (int)(u >> 2 & 1);
    o.balancing = (int)(u >> 3 & 1);
    o.f16 = (int)(u >> 4 & 1);
    o.planes = wild & 1 ? fuzz_u8(in) % 7 : 1 + (u >> 5 & 3);
    o.rounds = fuzz_u8(in) % 4;
    o.sweeps = fuzz_u8(in) % 4;
    o.anneal = wild & 2 ? fuzz_u8(in) % 8 : 0;
    o.seed = fuzz_u8(in);
    o.iters = (int32_t)(wild & 4 ? fuzz_u8(in) : 10) - (wild & 8 ? 2 : 0);
    o.balance_iters = (int32_t)(fuzz_u8(in) % 50);
    if (wild & 16)
        o.balance_alpha = (double)fuzz_f32(in);
    o.parts = wild & 32 ? fuzz_u8(in) % 5 : 1;
    if (wild & 64)
        o.parallel = fuzz_backwards;
    return o;
}

static void require_answer(const qq_onebit *r, const qq_onebit_options *o,
                           int sane)
{
    float *v = (float *)fuzz_room(r->n * r->k * sizeof *v);

    fuzz_require(qq_onebit_values(r, v, r->k) == QQ_OK);
    fuzz_require(r->planes >= 1 && r->planes <= QQ_ONEBIT_MAX_PLANES);
    for (size_t i = 0; sane && i < r->n * r->k; i++)
        fuzz_require(fuzz_finite(v[i]));
    if (sane && o->mode != QQ_ONEBIT_COMPAT) {
        fuzz_require(r->objective >= 0.0 || r->objective > -1e-6 * r->svid);
        fuzz_require(r->objective <= r->svid);
    }
    free(v);
}

static void onebit(fuzz_input *in)
{
    qq_onebit_options o = options(in);
    const uint32_t u = fuzz_u8(in);
    const size_t n = fuzz_u8(in) % (u & 1 ? 40 : 7);
    const size_t k = fuzz_u8(in) % (u & 2 ? 40 : 9);
    const size_t ldw = k + fuzz_u8(in) % 2;
    size_t left = fuzz_u8(in);
    int sane = 1, plain = 1;
    float *w = fuzz_rows(in, n, k, ldw, &sane);
    float *h = u & 4 ? fuzz_hessian(in, k, &sane) : NULL;
    float *inputs = u & 8 ? fuzz_rows(in, 1, k, k, &plain) : NULL;
    float *outputs = u & 16 ? fuzz_rows(in, 1, n, n, &plain) : NULL;
    float *start = u & 32 ? fuzz_rows(in, 1, k, k, &plain) : NULL;
    const size_t bytes = qq_onebit_size(n, k, &o);
    const size_t room = qq_onebit_scratch_size(n, k, &o, h != NULL);
    uint32_t bad = 0;

    o.input_norm = inputs;
    o.output_norm = outputs;
    o.start = start;
    if (u & 64) {
        o.progress = stop;
        o.progress_user = &left;
    }
    const qq_status checked = qq_onebit_options_check(&o, &bad);
    fuzz_require((checked == QQ_OK) == (bad == 0));
    fuzz_require(checked == QQ_OK || bytes == SIZE_MAX);
    if (bytes != SIZE_MAX && room != SIZE_MAX) {
        uint8_t *out = (uint8_t *)fuzz_room(bytes);
        void *scratch = fuzz_room(room);
        qq_onebit r;
        memset(out, 85, bytes);
        const qq_status status =
            qq_onebit_solve(n, k, &o, w, ldw, h, k * k * sizeof *w, out, bytes,
                            scratch, room, &r);
        if (status == QQ_OK)
            require_answer(&r, &o, sane);
        else
            for (size_t i = 0; i < bytes; i++)
                fuzz_require(out[i] == 85);
        if (sane && o.mode != QQ_ONEBIT_COMPAT)
            fuzz_require(status == QQ_OK || status == QQ_ERR_CANCELLED);
        free(out);
        free(scratch);
    }
    free(w);
    free(h);
    free(inputs);
    free(outputs);
    free(start);
}

static void signs(fuzz_input *in)
{
    const size_t count = fuzz_u8(in), bytes = (count + 7) / 8;
    const qq_type type = fuzz_u8(in) % 2 ? QQ_TYPE_F32 : QQ_TYPE_INT8;
    int sane = 1;
    float *x = fuzz_rows(in, 1, count, count, &sane);
    const size_t have = count * (type == QQ_TYPE_F32 ? 4 : 1);
    uint8_t *values = (uint8_t *)fuzz_room(have);
    uint8_t *packed = (uint8_t *)fuzz_room(bytes);
    uint8_t *bits = (uint8_t *)fuzz_room(bytes);
    uint8_t *back = (uint8_t *)fuzz_room(bytes);
    int8_t *one = (int8_t *)fuzz_room(count);

    memcpy(values, x, have);
    fuzz_require(qq_onebit_pack_signs(count, type, values, packed, bytes) ==
                 QQ_OK);
    fuzz_require(qq_onebit_unpack_signs(count, packed, bytes, one) == QQ_OK);
    fuzz_require(qq_onebit_signs_to_tensor(count, packed, bytes, bits, bytes) ==
                 QQ_OK);
    const qq_tensor t = qq_tensor_make(bits, QQ_TYPE_SIGN, 1, &count);
    fuzz_require(qq_onebit_signs_from_tensor(&t, back, bytes) == QQ_OK);
    fuzz_require(memcmp(back, packed, bytes) == 0);
    for (size_t i = 0; i < count; i++)
        fuzz_require(one[i] == 1 || one[i] == -1);
    free(x);
    free(values);
    free(packed);
    free(bits);
    free(back);
    free(one);
}

static void forward(fuzz_input *in)
{
    static const qq_type types[4] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16,
                                     QQ_TYPE_INT4};
    const size_t n = fuzz_u8(in) % 9, k = fuzz_u8(in) % 20;
    const size_t m = fuzz_u8(in) % 4;
    const qq_type type = types[fuzz_u8(in) % 4];
    const size_t size = type == QQ_TYPE_F32 ? 4 : 2;
    int sane = 1;
    float *a = fuzz_rows(in, 1, n, n, &sane),
          *b = fuzz_rows(in, 1, k, k, &sane);
    float *bias = fuzz_rows(in, 1, n, n, &sane);
    float *wide = fuzz_rows(in, m, k, k, &sane);
    void *x = fuzz_room(m * k * size), *y = fuzz_room(m * n * size);
    uint8_t *packed = (uint8_t *)fuzz_room((n * k + 7) / 8);

    memcpy(x, wide, m * k * size);
    for (size_t i = 0; i < (n * k + 7) / 8; i++)
        packed[i] = (uint8_t)fuzz_u8(in);
    (void)qq_onebit_forward(n, k, m, type, a, b, packed,
                            fuzz_u8(in) % 2 ? bias : NULL, x, y);
    free(a);
    free(b);
    free(bias);
    free(wide);
    free(x);
    free(y);
    free(packed);
}

// --- errors, corrections, RTN and GPTQ -------------------------------------

static void errors(fuzz_input *in)
{
    static const qq_type types[5] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16,
                                     QQ_TYPE_F64, QQ_TYPE_INT8};
    qq_layer_errors e;
    qq_tensor t[3];
    void *p[3];

    for (int i = 0; i < 3; i++)
        p[i] = fuzz_tensor(in, types[fuzz_u8(in) % 5], t + i);
    (void)qq_layer_errors_gram(&t[0], &t[1], NULL, 0, &e);
    (void)qq_layer_errors_gram(&t[0], &t[0], NULL, 0, &e);
    (void)qq_layer_errors_rows(&t[0], &t[1], &t[2], &e);
    (void)qq_layer_errors_rows(&t[0], &t[0], &t[0], &e);
    if (t[0].rank == 2 && t[0].shape[1] < 20) {
        const size_t k = t[0].shape[1];
        int sane = 1;
        float *h = fuzz_hessian(in, k, &sane);
        double *g = (double *)fuzz_room(k * k * sizeof *g);
        for (size_t i = 0; i < k * k; i++)
            g[i] = (double)h[i];
        (void)qq_layer_errors_gram(&t[0], &t[0], g, fuzz_u8(in), &e);
        free(g);
        free(h);
    }
    for (int i = 0; i < 3; i++)
        free(p[i]);
}

static void adjust(fuzz_input *in)
{
    const size_t n = fuzz_u8(in) % 9, k = fuzz_u8(in) % 40;
    const uint32_t u = fuzz_u8(in);
    const double damp = u & 1 ? (double)fuzz_f32(in) : .01;
    const double corr = u & 2 ? (double)fuzz_f32(in) : .5;
    int sane = 1;
    float *w = fuzz_rows(in, n, k, k, &sane);
    float *h = fuzz_hessian(in, k, &sane);
    float *c = fuzz_rows(in, k, k, k, &sane);
    const size_t room = qq_onebit_adjust_scratch_size(n, k);
    void *scratch = fuzz_room(room);
    const size_t bytes = n * k * sizeof *w;
    float *old = (float *)fuzz_room(bytes);

    memcpy(old, w, bytes);
    if (qq_onebit_adjust(n, k, damp, corr, w, k, h, c, scratch, room) != QQ_OK)
        fuzz_require(memcmp(old, w, bytes) == 0);
    free(old);
    free(w);
    free(h);
    free(c);
    free(scratch);
}

static void gptq(fuzz_input *in)
{
    const uint32_t u = fuzz_u8(in);
    qq_gptq_options o = u & 1 ? qq_rtn_options_init() : qq_gptq_options_init();
    const size_t n = fuzz_u8(in) % 9, k = fuzz_u8(in) % 40;
    const size_t count = n * k * sizeof(float);
    int sane = 1;
    uint32_t bad;

    o.bits = (int32_t)(fuzz_u8(in) % 12) - 1;
    o.group = (int32_t)(fuzz_u8(in) % 44) - 1;
    o.block = (int32_t)(fuzz_u8(in) % 40);
    o.grid = (int32_t)(fuzz_u8(in) % 30);
    o.symmetric = (int)(u >> 1 & 1);
    o.mse = (int)(u >> 2 & 1);
    o.act_order = (int)(u >> 3 & 1);
    if (u & 16)
        o.percdamp = (double)fuzz_f32(in);
    if (u & 32)
        o.power = (double)fuzz_f32(in);
    if (u & 64)
        o.max_shrink = (double)fuzz_u8(in) / 64.0 - 1.0;
    float *w = fuzz_rows(in, n, k, k, &sane);
    float *h = fuzz_hessian(in, k, &sane);
    const size_t groups =
        o.group > 0 ? (k + (size_t)o.group - 1) / (size_t)o.group : 1;
    uint8_t *codes = (uint8_t *)fuzz_room(n * k);
    float *scales = (float *)fuzz_room(n * groups * sizeof *scales);
    float *zeros = (float *)fuzz_room(n * groups * sizeof *zeros);
    uint32_t *order = (uint32_t *)fuzz_room(k * sizeof *order);
    const size_t room = qq_gptq_scratch_size(n, k);
    void *scratch = fuzz_room(room);
    qq_status status;
    if (u & 1)
        status = qq_rtn_solve(n, k, &o, w, k, codes, scales, zeros);
    else
        status = qq_gptq_solve(n, k, &o, w, k, h, codes, scales, zeros,
                               u & 128 ? order : NULL, scratch, room);
    if (status == QQ_OK && o.bits < 8)
        for (size_t i = 0; i < n * k; i++)
            fuzz_require(codes[i] >> o.bits == 0);
    if (status == QQ_OK && n > 0 && !(u & 1) && u & 128)
        for (size_t i = 0; i < k; i++)
            fuzz_require(order[i] < k);
    (void)qq_gptq_options_check(&o, &bad);
    (void)qq_rtn_options_check(&o, &bad);
    if (o.group < 0)
        (void)qq_gptq_grid(n, k, &o, w, k, scales, zeros);
    if (status == QQ_OK) {
        const unsigned bits = (unsigned)o.bits;
        uint32_t *words = (uint32_t *)fuzz_room(k * bits / 32 * n * 4);
        (void)qq_gptq_pack_codes(n, k, bits, codes, words);
        free(words);
    }
    free(w);
    free(h);
    free(codes);
    free(scales);
    free(zeros);
    free(order);
    free(scratch);
    fuzz_require(count == n * k * sizeof(float));
}

// --- models ----------------------------------------------------------------

static const char *const words[8] = {"fc1",           "model",  "text_model.fc",
                                     "Linear",        "Conv1D", "",
                                     "a.b\"\\\n\x01", "lm_head"};

static qq_words list(fuzz_input *in)
{
    const uint32_t u = fuzz_u8(in);
    qq_words w;

    w.word = u & 64 ? NULL : words + u % 4;
    w.count = u & 64 ? 0 : u / 4 % 4;
    return w;
}

static void models(fuzz_input *in)
{
    qq_selection s = qq_selection_init();
    const uint32_t u = fuzz_u8(in);
    const size_t count = fuzz_u8(in) % 9;
    qq_layer *layers = (qq_layer *)fuzz_room(count * sizeof *layers);
    qq_layer_record *r = (qq_layer_record *)fuzz_room(count * sizeof *r);
    size_t *taken = (size_t *)fuzz_room(count * sizeof *taken), n = 0;

    if (u & 1)
        s.include_names = list(in);
    if (u & 2)
        s.include_keywords = list(in);
    if (u & 4)
        s.exclude_names = list(in);
    if (u & 8)
        s.exclude_keywords = list(in);
    if (u & 16)
        s.types = list(in);
    if (u & 32)
        s.count = (long)(fuzz_u8(in) % 8) - 2;
    for (size_t i = 0; i < count; i++) {
        double *number = &r[i].errors.output_squared;
        layers[i].name = words[fuzz_u8(in) % 8];
        layers[i].type = words[fuzz_u8(in) % 8];
        r[i].name = layers[i].name;
        r[i].seconds = (double)fuzz_f32(in);
        for (int e = 0; e < 6; e++)
            number[e] = (double)fuzz_f32(in) * (e & 1 ? 1e-280 : 1.0);
    }
    if (qq_select_layers(&s, count, layers, taken, &n) == QQ_OK) {
        fuzz_require(n <= count);
        for (size_t i = 0; i < n; i++)
            fuzz_require(taken[i] < count &&
                         (i == 0 || taken[i - 1] < taken[i]));
    }
    size_t length = 0, again = 0;
    (void)qq_statistics_json(count, r, NULL, 0, &length);
    char *text = (char *)fuzz_room(length);
    fuzz_require(qq_statistics_json(count, r, text, length, &again) == QQ_OK);
    fuzz_require(again == length);
    fuzz_require(length == 0 || qq_statistics_json(count, r, text, length - 1,
                                                   &again) == QQ_ERR_SIZE);
    const char *place[5];
    qq_words w = list(in);
    const size_t places = fuzz_u8(in) % 6;
    (void)qq_exclude_routers(u & 64 ? 3 : 0, &w, place, places);
    free(text);
    free(layers);
    free(r);
    free(taken);
}

static void allocation(fuzz_input *in)
{
    const size_t layers = fuzz_u8(in) % 6, choices = fuzz_u8(in) % 5;
    const size_t units = fuzz_u8(in);
    const double budget =
        fuzz_u8(in) % 8 ? (double)fuzz_u8(in) / 16.0 : (double)fuzz_f32(in);
    const uint32_t u = fuzz_u8(in);
    qq_allocation *l = (qq_allocation *)fuzz_room(layers * sizeof *l);
    size_t *chosen = (size_t *)fuzz_room(layers * sizeof *chosen);
    const size_t room = qq_allocate_scratch_size(layers, units);
    const size_t count = layers * choices;
    double *bits = (double *)fuzz_room(count * sizeof *bits);
    double *loss = (double *)fuzz_room(count * sizeof *loss);
    double used = 0.0, all = 0.0;

    for (size_t i = 0; i < count; i++) {
        bits[i] = u & 1 ? (double)fuzz_f32(in) : (double)fuzz_u8(in) / 16.0;
        loss[i] = u & 2 ? (double)fuzz_f32(in) : (double)fuzz_u8(in);
    }
    for (size_t i = 0; i < layers; i++) {
        l[i].weights = u & 4 ? SIZE_MAX / (1 + fuzz_u8(in)) : fuzz_u8(in);
        l[i].bits = bits + i * choices;
        l[i].sensitivity = loss + i * choices;
    }
    if (room != SIZE_MAX) {
        void *scratch = fuzz_room(room);
        if (qq_allocate(layers, choices, l, budget, units, chosen, scratch,
                        room) == QQ_OK) {
            for (size_t i = 0; i < layers; i++) {
                fuzz_require(chosen[i] < choices);
                used += l[i].bits[chosen[i]] * (double)l[i].weights;
                all += (double)l[i].weights;
            }
            fuzz_require(used <= budget * all * (1.0 + 1e-9) + 1e-9);
        }
        free(scratch);
    }
    free(l);
    free(chosen);
    free(bits);
    free(loss);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(fuzz_input *) = {
        balance, power,  onebit, signs,      forward, errors, adjust, gptq,
        models,  onebit, onebit, allocation, onebit,  onebit, gptq,   onebit};
    fuzz_input in;

    in.data = data;
    in.size = size;
    targets[fuzz_u8(&in) % 16](&in);
    return 0;
}
