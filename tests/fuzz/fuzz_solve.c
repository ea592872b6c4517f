// Moments, Hessians, rotations, fits, targets and corrections, of any options,
// shapes and numbers: a status, or an answer that keeps what it promises, in
// exactly the bytes that were asked for; refused calls write nothing.

#include "input.h"
#include "numbers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static qq_grid grid(fuzz_input *in, float levels[16])
{
    const uint32_t u = fuzz_u8(in);
    const unsigned bits = fuzz_u8(in) % 10;
    qq_grid g;

    for (unsigned i = 0; i < 16; i++)
        levels[i] = (u & 128) ? (float)i * 0.5f - 3.0f : fuzz_f32(in);
    switch (u % 4) {
    case 0:
        g = qq_grid_integer(bits);
        break;
    case 1:
        g = qq_grid_half_step(bits);
        break;
    case 2:
        g = qq_grid_ternary();
        break;
    default:
        g = qq_grid_book(fuzz_u8(in) % 18, levels);
        if (g.count > 16)
            g.count = 16;
    }
    g.offsets = u >> 4 & 1;
    if (u & 32)
        g.signed_scales = u >> 6 & 1;
    return g;
}

static qq_fit_options options(fuzz_input *in)
{
    qq_fit_options o = qq_fit_options_init();
    const uint32_t u = fuzz_u8(in);

    o.starts = fuzz_u8(in) % (u & 1 ? 16 : 8);
    o.candidates = fuzz_u8(in) % (u & 2 ? 60 : 49);
    o.fixed_points = fuzz_u8(in) % 6;
    o.sweeps = fuzz_u8(in) % 20;
    o.rounds = fuzz_u8(in) % 5;
    if (u & 4)
        o.gain = (double)fuzz_f32(in);
    o.f16 = u >> 3 & 1;
    o.parts = u & 16 ? fuzz_u8(in) % 5 : 1;
    if (u & 32)
        o.parallel = fuzz_backwards;
    return o;
}

// --- fits ------------------------------------------------------------------

typedef struct problem {
    qq_fit f;
    qq_fit_options o;
    size_t n, k, ldw, h_bytes, room;
    float *w, *h;
    void *scratch;
    int sane; // W and H are such that they must be taken
} problem;

// J of all rows; -1 where there is none.
static double total(const problem *p)
{
    double *j = (double *)fuzz_room(p->n * sizeof *j), sum = 0.0;

    if (qq_fit_errors(&p->f, &p->o, p->w, p->ldw, p->h, p->h_bytes, j,
                      p->scratch, p->room) != QQ_OK)
        sum = -1.0;
    for (size_t i = 0; i < p->n && !(sum < 0.0); i++)
        sum += j[i];
    free(j);
    return sum;
}

// NaN and infinite scales come of numbers near the end of floats alone.
static void require_values(const problem *p)
{
    float *v = (float *)fuzz_room(p->n * p->k * sizeof *v);

    fuzz_require(qq_fit_values(&p->f, v, p->k) == QQ_OK);
    for (size_t i = 0; i < p->n * p->k; i++) {
        fuzz_require(p->f.code[i] < p->f.grid.count);
        if (p->sane)
            fuzz_require(fuzz_finite(v[i]));
    }
    free(v);
}

static qq_status step(problem *p, uint32_t which, double *errors)
{
    qq_fit *f = &p->f;

    switch (which % 6) {
    case 0:
        return qq_fit_search(f, &p->o, p->w, p->ldw, p->k > 0 ? p->h : NULL,
                             p->scratch, p->room);
    case 1:
        return qq_fit_search(f, &p->o, p->w, p->ldw, NULL, p->scratch, p->room);
    case 2:
        return qq_fit_gptq(f, &p->o, (qq_columns)(1 + which / 6 % 2), p->w,
                           p->ldw, p->h, p->h_bytes, p->scratch, p->room);
    case 3:
        return qq_fit_descend(f, &p->o, p->w, p->ldw, p->h, p->h_bytes,
                              p->scratch, p->room);
    case 4:
        return qq_fit_refit(f, &p->o, p->w, p->ldw, p->h, p->h_bytes,
                            p->scratch, p->room);
    default:
        return qq_fit_solve(f, &p->o, p->w, p->ldw, p->h, p->h_bytes, errors,
                            p->scratch, p->room);
    }
}

static void arrays(const problem *p)
{
    const qq_type type = p->o.f16 ? QQ_TYPE_F16 : QQ_TYPE_F32;
    const size_t bytes = qq_fit_array_size(&p->f, type);
    const size_t all = p->n * p->k * sizeof(float);
    qq_array a;
    qq_tensor t;

    if (bytes == SIZE_MAX)
        return;
    void *out = fuzz_room(bytes);
    float *v = (float *)fuzz_room(all), *y = (float *)fuzz_room(all);
    fuzz_require(qq_fit_array(&p->f, type, out, bytes, &a) == QQ_OK);
    fuzz_require(bytes == 0 ||
                 qq_fit_array(&p->f, type, out, bytes - 1, &a) == QQ_ERR_SIZE);
    fuzz_require(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, y, all, &t) ==
                 QQ_OK);
    fuzz_require(qq_fit_values(&p->f, v, p->k) == QQ_OK);
    const int whole = type == QQ_TYPE_F32 && p->f.offset == NULL;
    for (size_t i = 0; whole && i < p->n * p->k; i++)
        fuzz_require(!fuzz_finite(v[i]) || !(v[i] < y[i] || v[i] > y[i]));
    free(out);
    free(v);
    free(y);
}

static void fits(fuzz_input *in)
{
    float levels[16];
    problem p;
    const uint32_t u = fuzz_u8(in);
    const qq_grid g = grid(in, levels);
    const size_t tile = fuzz_u8(in) % 24;

    p.n = fuzz_u8(in) % (u & 1 ? 70 : 6);
    p.k = fuzz_u8(in) % (u & 2 ? 40 : 9);
    p.ldw = p.k + fuzz_u8(in) % 3;
    p.h_bytes = p.k * p.k * sizeof(float);
    p.o = options(in);
    const size_t bytes = qq_fit_size(p.n, p.k, tile, &g);
    if (bytes == SIZE_MAX)
        return;
    void *memory = fuzz_room(bytes);
    fuzz_require(qq_fit_make(p.n, p.k, tile, &g, memory, bytes, &p.f) == QQ_OK);
    p.w = fuzz_rows(in, p.n, p.k, p.ldw, &p.sane);
    p.h = fuzz_hessian(in, p.k, &p.sane);
    p.room = qq_fit_scratch_size(&p.f, &p.o);
    const int good = p.room != SIZE_MAX;
    p.scratch = fuzz_room(good ? p.room : 0);
    double *j = (double *)fuzz_room(p.n * sizeof *j), before = -1.0;
    for (unsigned i = 0; i < 1 + (u >> 4) % 4; i++) {
        const uint32_t which = fuzz_u8(in);
        uint8_t *old = (uint8_t *)fuzz_room(p.n * p.k);
        for (size_t c = 0; c < p.n * p.k; c++)
            old[c] = p.f.code[c];
        const qq_status status = step(&p, which, j);
        if (status != QQ_OK) {
            for (size_t c = 0; c < p.n * p.k; c++)
                fuzz_require(old[c] == p.f.code[c]);
            fuzz_require(!p.sane || !good);
            before = -1.0;
        } else {
            require_values(&p);
            const double now = total(&p);
            if (which % 6 >= 3 && which % 6 <= 4 && p.sane && before >= 0.0)
                fuzz_require(now <= before * 1.0001 + 1e-30);
            before = now;
        }
        free(old);
    }
    if (good)
        arrays(&p);
    free(memory);
    free(p.w);
    free(p.h);
    free(p.scratch);
    free(j);
}

// --- moments ---------------------------------------------------------------

static void readings(const qq_moments *m, fuzz_input *in)
{
    const size_t k = m->k, p = m->outputs;
    const double factor = (double)fuzz_f32(in);
    const int center = (int)(fuzz_u8(in) & 1);
    const size_t squares = m->kind == QQ_MOMENTS_FULL ? k * k : k;
    float *h = (float *)fuzz_room(squares * sizeof *h);
    double *g = (double *)fuzz_room(k * k * sizeof *g);
    float *c = (float *)fuzz_room(p * k * sizeof *c);
    float *x = (float *)fuzz_room(k * sizeof *x);
    float *y = (float *)fuzz_room(p * sizeof *y);

    (void)qq_moments_hessian(m, center, factor, h, squares * sizeof *h);
    (void)qq_moments_gram(m, factor, g, k * k * sizeof *g);
    (void)qq_moments_cross(m, center, factor, c, p * k * sizeof *c);
    fuzz_require(qq_moments_means(m, x, y) == QQ_OK);
    if (m->kind == QQ_MOMENTS_FULL &&
        qq_moments_hessian(m, center, 1.0, h, k * k * sizeof *h) == QQ_OK &&
        qq_hessian_check(k, h, k * k * sizeof *h) == QQ_OK)
        (void)qq_hessian_damp(k, factor, h, k * k * sizeof *h);
    free(h);
    free(g);
    free(c);
    free(x);
    free(y);
}

static void moments(fuzz_input *in)
{
    static const qq_type types[4] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16,
                                     QQ_TYPE_INT8};
    qq_moments_options o = qq_moments_options_init();
    const uint32_t u = fuzz_u8(in);
    const size_t k = fuzz_u8(in) % 41;
    qq_moments m, other;

    o.kind = (qq_moments_kind)(u % 5);
    o.outputs = fuzz_u8(in) % 20;
    o.parts = u & 8 ? fuzz_u8(in) % 6 : 1;
    if (u & 16)
        o.parallel = fuzz_backwards;
    const size_t bytes = qq_moments_size(k, &o);
    if (bytes == SIZE_MAX)
        return;
    void *memory = fuzz_room(bytes), *copy = fuzz_room(bytes);
    fuzz_require(qq_moments_make(k, &o, memory, bytes, &m) == QQ_OK);
    fuzz_require(qq_moments_make(k, &o, copy, bytes, &other) == QQ_OK);
    const size_t room = qq_moments_scratch_size(&m, &o);
    void *scratch = fuzz_room(room);
    for (unsigned i = 0; i < 1 + (u >> 6); i++) {
        const size_t rows = fuzz_u8(in) % 40;
        const qq_type type = types[fuzz_u8(in) % 16 ? u >> 5 & 1 : 2];
        const size_t size = qq_type_bits(type) / 8;
        const size_t ldx = k + fuzz_u8(in) % 2, ldy = o.outputs;
        int sane = 1;
        float *x = fuzz_rows(in, rows, k, ldx, &sane);
        float *y = fuzz_rows(in, rows, o.outputs, ldy, &sane);
        // Halves: the bytes of floats, at the end of what there is.
        const size_t x_bytes = rows == 0 ? 0 : ((rows - 1) * ldx + k) * size;
        const size_t y_bytes = rows * ldy * size;
        uint8_t *px = (uint8_t *)fuzz_room(x_bytes);
        uint8_t *py = (uint8_t *)fuzz_room(y_bytes);
        memcpy(px, x, x_bytes);
        memcpy(py, y, y_bytes);
        const qq_status status =
            qq_moments_update(i & 1 ? &other : &m, &o, rows, type, px, ldx,
                              o.outputs > 0 ? py : NULL, ldy, scratch, room);
        fuzz_require(status == QQ_OK);
        free(x);
        free(y);
        free(px);
        free(py);
    }
    fuzz_require(qq_moments_merge(&m, &other) == QQ_OK);
    readings(&m, in);
    free(memory);
    free(copy);
    free(scratch);
}

// --- around them -----------------------------------------------------------

static void rotation(fuzz_input *in)
{
    const size_t k = fuzz_u8(in) % 97;
    const qq_rotation r = qq_rotation_make(k, fuzz_u8(in) % 40, fuzz_u32(in));
    const size_t rows = fuzz_u8(in) % 5, ldx = k + fuzz_u8(in) % 3;
    int sane = 1;
    float *x = fuzz_rows(in, rows, k, ldx, &sane);
    float *h = fuzz_hessian(in, k, &sane);

    fuzz_require(qq_rotation_rows(&r, (int)(fuzz_u8(in) & 1), rows, x, ldx) ==
                 QQ_OK);
    (void)qq_rotation_hessian(&r, h, k * k * sizeof *h);
    free(x);
    free(h);
}

static void targets(fuzz_input *in)
{
    qq_target_options o = qq_target_options_init();
    const uint32_t u = fuzz_u8(in);
    const size_t n = fuzz_u8(in) % 9, k = fuzz_u8(in) % (u & 1 ? 40 : 9);
    int sane = 1, plain = 1;

    if (u & 2)
        o.alpha = (double)fuzz_f32(in);
    if (u & 4)
        o.rho = (double)fuzz_f32(in);
    if (u & 8)
        o.ridge = (double)fuzz_f32(in);
    o.parts = u & 16 ? fuzz_u8(in) % 4 : 1;
    float *w = fuzz_rows(in, n, k, k, &sane);
    float *h = fuzz_hessian(in, k, &sane);
    float *c = fuzz_rows(in, k, k, k, &plain);
    float *r = fuzz_rows(in, n, k, k, &plain);
    const size_t room = qq_target_scratch_size(n, k, &o);
    const size_t bytes = n * k * sizeof(float);
    if (room != SIZE_MAX) {
        void *scratch = fuzz_room(room);
        float *t = (float *)fuzz_room(bytes);
        memset(t, 85, bytes);
        const qq_status status = qq_target(
            n, k, &o, w, k, h, k * k * sizeof *h, u & 32 ? c : NULL,
            k * k * sizeof *c, u & 64 ? r : NULL, bytes, t, k, scratch, room);
        for (size_t i = 0; status != QQ_OK && i < n * k; i++)
            fuzz_require(memcmp(t + i, "UUUU", 4) == 0);
        free(scratch);
        free(t);
    }
    free(w);
    free(h);
    free(c);
    free(r);
}

static void correction(fuzz_input *in)
{
    const size_t n = fuzz_u8(in) % 20, k = fuzz_u8(in) % 20;
    const size_t r = fuzz_u8(in) % 25;
    int sane = 1;
    float *e = fuzz_rows(in, n, k, k, &sane);
    float *h = fuzz_hessian(in, k, &sane);
    const size_t room = qq_rank_scratch_size(n, k, r);

    if (room != SIZE_MAX) {
        void *scratch = fuzz_room(room);
        float *left = (float *)fuzz_room(n * r * sizeof *left);
        float *right = (float *)fuzz_room(r * k * sizeof *right);
        const qq_status status = qq_rank_correct(
            n, k, r, e, k, h, k * k * sizeof *h, left, right, scratch, room);
        for (size_t i = 0; status == QQ_OK && sane && i < n * r; i++)
            fuzz_require(fuzz_finite(left[i]));
        for (size_t i = 0; status == QQ_OK && sane && i < r * k; i++)
            fuzz_require(fuzz_finite(right[i]));
        free(scratch);
        free(left);
        free(right);
    }
    free(e);
    free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in;

    in.data = data;
    in.size = size;
    switch (fuzz_u8(&in) % 8) {
    case 0:
        moments(&in);
        break;
    case 1:
        rotation(&in);
        break;
    case 2:
        targets(&in);
        break;
    case 3:
        correction(&in);
        break;
    default:
        fits(&in);
    }
    return 0;
}
