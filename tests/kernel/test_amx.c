// The engine of tiles against the scalar kernels, bit for bit: with tiles in
// plain C on every machine, and with those of AMX where there are some.

#include "check.h"
#include "detect.h"
#include "kernel/amx/engine.h"
#include "kernel/amx/table.h"
#include "kernel/scalar/table.h"

#if QQ_NO_SIMD

int main(void)
{
    return check_done();
}

#else

// --- tiles in plain C ------------------------------------------------------

static struct plain {
    uint8_t tile[8][1024];
    size_t rows;
    size_t depth;
} plain;

// Rows and bytes of a row of a register, as they were opened.
static size_t rows_of(const struct plain *p, int t)
{
    return t < 6 ? p->rows : p->depth / 4;
}

static size_t bytes_of(const struct plain *p, int t)
{
    return t == 4 || t == 5 ? p->depth : 64;
}

static void plain_open(void *regs, size_t rows, size_t depth)
{
    struct plain *p = (struct plain *)regs;

    CHECK(rows >= 1 && rows <= 16 && (depth == 32 || depth == 64));
    memset(p, 0xa5, sizeof *p);
    p->rows = rows;
    p->depth = depth;
}

static void plain_close(void *regs)
{
    memset(regs, 0x5a, sizeof(struct plain));
}

static void plain_zero(void *regs, int t)
{
    memset(((struct plain *)regs)->tile[t], 0, 1024);
}

static void plain_load(void *regs, int t, const void *from)
{
    struct plain *p = (struct plain *)regs;

    for (size_t r = 0; r < rows_of(p, t); r++)
        memcpy(p->tile[t] + 64 * r, (const uint8_t *)from + 64 * r,
               bytes_of(p, t));
}

static void plain_store(void *regs, int t, void *to)
{
    const struct plain *p = (const struct plain *)regs;

    memcpy(to, p->tile[t], 64 * p->rows);
}

static int sign_of(uint8_t b)
{
    return b - ((b & 128) << 1);
}

static void dot(struct plain *p, int t, int is_signed)
{
    const uint8_t *u = p->tile[6 + t % 2];

    for (size_t r = 0; r < p->rows; r++) {
        const uint8_t *x = p->tile[4 + t / 2] + 64 * r;
        for (size_t i = 0; i < 16; i++) {
            int32_t sum;
            memcpy(&sum, p->tile[t] + 64 * r + 4 * i, 4);
            for (size_t k = 0; k < p->depth; k++) {
                const uint8_t code = u[k / 4 * 64 + 4 * i + k % 4];
                sum += sign_of(x[k]) * (is_signed ? sign_of(code) : code);
            }
            memcpy(p->tile[t] + 64 * r + 4 * i, &sum, 4);
        }
    }
}

static void plain_dot(void *regs, int t)
{
    dot((struct plain *)regs, t, 0);
}

static void plain_dot_signed(void *regs, int t)
{
    dot((struct plain *)regs, t, 1);
}

// --- the rest of the set ---------------------------------------------------

static void plain_expand(const qqi_product *p, size_t i, size_t k, size_t end,
                         int is_signed, uint8_t *u)
{
    for (; k < end; k += 4, u += 64) {
        qqi_field(qqi_panel_cells(p, i), p->bits, k, u);
        for (size_t b = 0; b < 64; b++) {
            int32_t v =
                p->code == QQI_CODE_BOOK ? p->book[u[b] & 15] : p->mul * u[b];
            v -= is_signed ? p->add : 0;
            CHECK(is_signed ? v >= -128 && v <= 127 : v >= 0 && v <= 255);
            u[b] = (uint8_t)(v & 255);
        }
    }
}

static void plain_begin(qqi_amx_make *m)
{
    memset(m->table, 0x3c, sizeof m->table);
}

static void plain_make(const qqi_amx_make *m, size_t unit)
{
    const size_t k = m->k + 32 * unit;

    CHECK(unit < m->end && k + 32 <= m->p->k);
    for (size_t h = 0; h < 2 && m->u[0] != NULL; h++)
        plain_expand(m->p, m->panel[h], k, k + 32, m->is_signed,
                     m->u[h] + 512 * unit);
}

static void plain_ask(const qqi_amx_make *m, size_t unit)
{
    CHECK(m->far[0] != NULL && m->far[1] != NULL && unit < m->far_end);
}

static void plain_write(const void *p)
{
    (void)p;
}

static void plain_last(const qqi_amx_join *j, size_t from, size_t to);

static void plain_run(qqi_amx_run *r)
{
    static const qqi_amx_tiles tiles = {
        plain_zero,       plain_load, plain_load, plain_store, plain_dot,
        plain_dot_signed, plain_make, plain_ask,  plain_write, plain_last};

    qqi_amx_loop(&tiles, r);
}

// D of a row of x and of W; 64 bits hold it, whatever the tile.
static void plain_join_one(const qqi_amx_join *j, size_t h, size_t row,
                           size_t at, size_t c_at, size_t n)
{
    const qqi_product *p = j->p;
    const uint8_t *panel = qqi_panel(p, j->panel + h);
    const int32_t *sum = j->g->sum + j->span * j->g->width + row * p->digits;
    int64_t d = j->total != NULL && !j->begins ? j->total[at + n] : 0;
    int64_t times = 1;

    for (size_t i = 0; i < p->digits; i++, times *= 256) {
        int64_t s = j->c[c_at + 16 * i + n];
        s += qqi_amx_folds(j) ? j->c[c_at + 16 * i + n + 512] : 0;
        if (!j->is_signed)
            s -= qqi_zero_of(p, panel, j->tile, n) * (int64_t)sum[i];
        d += times * s;
    }
    if (j->total != NULL)
        j->total[at + n] = d;
    else
        CHECK(j->begins && j->ends && p->digits == 1);
    if (!j->ends)
        return;
    float s = qqi_scale_of(p, panel, j->tile, n);
    if (p->x_zero != 0) {
        const uint8_t *sums = qqi_panel_sums(p, j->panel + h);
        const uint32_t u = qqi_load_le32(sums + 4 * (16 * j->tile + n));
        d -= p->x_zero * (int64_t)(int32_t)u;
    }
    if (p->input == QQ_INPUT_INT8_TILE)
        s = qqi_mul_f32(s, j->g->scale[j->tile * j->g->width + row]);
    j->acc[at + n] = qqi_fma_f32(s, qqi_f32_from_i64(d),
                                 j->tile == 0 ? 0.0f : j->acc[at + n]);
}

static void plain_join_tile(const qqi_amx_join *j)
{
    for (size_t a = 0; a < j->halves; a++)
        for (size_t h = 0; h < j->panels; h++)
            for (size_t r = 0; r < j->half; r++)
                for (size_t n = 0; n < 16; n++)
                    plain_join_one(
                        j, h, qqi_amx_row(j, a, r), 256 * (2 * a + h) + 16 * r,
                        256 * (2 * a + h) + 16 * r * j->p->digits, n);
}

static void plain_join(const qqi_amx_join *j)
{
    qqi_amx_join next = *j;

    plain_join_tile(j);
    if (j->next == NULL)
        return;
    next.c = j->next;
    next.tile = next.span = j->tile + 1;
    plain_join_tile(&next);
}

static void plain_end(const qqi_amx_join *j)
{
    const int tiled = j->p->input == QQ_INPUT_INT8_TILE;

    for (size_t a = 0; a < j->halves; a++)
        for (size_t r = a ? 2 * j->half - j->g->count : 0; r < j->half; r++)
            for (size_t h = 0; h < j->panels; h++) {
                const size_t row = qqi_amx_row(j, a, r);
                qqi_end(j->p, j->panel + h, j->g->first + row,
                        tiled ? 1.0f : j->g->scale[row],
                        j->acc + 256 * (2 * a + h) + 16 * r);
            }
}

static void plain_last(const qqi_amx_join *j, size_t from, size_t to)
{
    static float acc[1024];

    for (size_t h = 0; h < j->panels; h++)
        for (size_t i = from; i < to; i++) {
            const size_t a = i >= j->half;
            const size_t r = a ? i + j->half - j->g->count : i;
            const size_t at = 256 * (2 * a + h) + 16 * r;
            const int tiled = j->p->input == QQ_INPUT_INT8_TILE;
            qqi_amx_join one = *j;
            one.acc = acc;
            for (size_t n = 0; n < 16; n++)
                plain_join_one(&one, h, i, at, at, n);
            qqi_end(j->p, j->panel + h, j->g->first + i,
                    tiled ? 1.0f : j->g->scale[i], acc + at);
        }
}

// The same sums by strips: none of them fold.
static void plain_scales(const qqi_amx_job *job, float *scale)
{
    for (size_t t = 0; t < qqi_amx_short_tiles(job); t++)
        for (size_t h = 0; h < job->panels; h++)
            for (size_t n = 0; n < 16; n++)
                scale[32 * t + 16 * h + n] =
                    qqi_scale_of(job->p, qqi_panel(job->p, job->panel + h),
                                 job->tile + t, n);
}

static void plain_acc_begin(void *acc, const qqi_amx_strip *s)
{
    memset(acc, 0xff, 1024);
    if (s->j->tile > 0)
        memcpy(acc, s->acc, 1024);
}

static void plain_acc_add(void *acc, const qqi_amx_strip *s, size_t t,
                          const int32_t *c)
{
    qqi_amx_join one = *s->j;

    one.halves = 2;
    one.panel += s->panel;
    one.c = s->c + (c - s->c);
    one.acc = (float *)acc;
    one.tile = one.span = s->j->tile + t;
    for (size_t r = 0; r < 16; r++)
        for (size_t n = 0; n < 16; n++) {
            const float scale = s->scale[32 * t + n];
            CHECK(scale == qqi_scale_of(one.p, qqi_panel(one.p, one.panel),
                                        one.tile, n));
            plain_join_one(&one, 0, qqi_amx_row(s->j, s->half, r), 16 * r,
                           16 * r, n);
        }
}

static void plain_acc_end(void *acc, const qqi_amx_strip *s)
{
    memcpy(s->acc, acc, 1024);
}

static void plain_strip(const qqi_amx_strip *s)
{
    static const qqi_amx_tiles tiles = {
        plain_zero,       plain_load, plain_load, plain_store, plain_dot,
        plain_dot_signed, plain_make, plain_ask,  plain_write, plain_last};
    static const qqi_amx_adds adds = {plain_acc_begin, plain_acc_add,
                                      plain_acc_end};
    static float acc[256];

    qqi_amx_strip_loop(&tiles, s->j->is_signed ? plain_dot_signed : plain_dot,
                       &adds, acc, s);
}

static const qqi_amx_set plain_set = {
    &plain,     plain_open, plain_close, plain_begin,  plain_run,  plain_expand,
    plain_join, plain_end,  plain_last,  plain_scales, plain_strip};

// --- products --------------------------------------------------------------

static size_t below(size_t n)
{
    return n > 0 ? check_u32() % n : 0;
}

#  define PICK(array) array[below(sizeof array / sizeof array[0])]

// Blocks from malloc, from a multiple of 64, with a guard behind.
enum { GUARD = 64, BLOCKS = 24 };
static struct block {
    void *base;
    uint8_t *p;
    size_t bytes;
} blocks[BLOCKS];
static size_t block_count;

static void *take(size_t bytes)
{
    struct block *b = &blocks[block_count];

    if (block_count++ == BLOCKS)
        abort();
    b->base = malloc(bytes + 64 + GUARD);
    if (b->base == NULL)
        abort();
    b->p = (uint8_t *)b->base + (64 - (uintptr_t)b->base % 64);
    b->bytes = bytes;
    for (size_t i = 0; i < bytes; i++)
        b->p[i] = (uint8_t)(check_u32() >> 24);
    memset(b->p + bytes, 0x77, GUARD - 1);
    return b->p;
}

static void give_back_all(void)
{
    while (block_count > 0) {
        const struct block *b = &blocks[--block_count];
        for (size_t i = 0; i < GUARD - 1; i++)
            CHECK(b->p[b->bytes + i] == 0x77);
        free(b->base);
    }
}

static float *take_floats(size_t n)
{
    void *p = take(4 * n);
    float *f = (float *)p;

    for (size_t i = 0; i < n; i++)
        f[i] = check_uniform();
    return f;
}

static const struct width {
    unsigned bits;
    qqi_code code;
    int32_t mul;
    int32_t add;
} widths[] = {{1, QQI_CODE_PLAIN, 2, 1},  {1, QQI_CODE_PLAIN, 1, 0},
              {2, QQI_CODE_PLAIN, 1, 1},  {2, QQI_CODE_BOOK, 1, 128},
              {3, QQI_CODE_PLAIN, 1, 4},  {4, QQI_CODE_PLAIN, 1, 8},
              {4, QQI_CODE_BOOK, 1, 127}, {5, QQI_CODE_PLAIN, 1, 16},
              {6, QQI_CODE_PLAIN, 1, 32}, {7, QQI_CODE_PLAIN, 1, 64},
              {8, QQI_CODE_PLAIN, 1, 128}};

static size_t add_section(size_t *at, size_t bytes)
{
    const size_t was = *at;

    *at += (bytes + 63) / 64 * 64;
    return was;
}

// Panels of noise, but for scales, factors and sums.
static void make_matrix(qqi_product *p)
{
    const size_t panels = (p->n + 15) / 16;
    const size_t scale = p->scale_type == QQ_TYPE_F32 ? 4 : 2;
    size_t at = qqi_cells_bytes(p->bits, p->k);
    size_t sums_at;

    p->scale_at = add_section(&at, scale * 16 * p->tiles);
    p->zero_at = below(3) ? 0 : add_section(&at, 16 * p->tiles);
    p->factor_at = below(2) ? 0 : add_section(&at, 64);
    p->bias_at = below(2) ? 0 : add_section(&at, 64);
    sums_at = add_section(&at, 64 * p->tiles);
    p->panel_bytes = at;
    uint8_t *bytes = (uint8_t *)take(panels * at);
    for (size_t i = 0; i < panels; i++, bytes += at) {
        for (size_t r = 0; r < 16 * p->tiles; r++) {
            const float f = check_uniform();
            const int32_t sum = (int32_t)below(2 * p->tile) - (int32_t)p->tile;
            if (scale == 4)
                qqi_store_le32(bytes + p->scale_at + 4 * r, check_bits(f));
            else
                qqi_store_le16(bytes + p->scale_at + 2 * r,
                               (uint16_t)(0x2000 + below(0x2000)));
            qqi_store_le32(bytes + sums_at + 4 * r, (uint32_t)sum);
        }
        for (size_t r = 0; r < 16; r++) {
            if (p->factor_at)
                qqi_store_le32(bytes + p->factor_at + 4 * r,
                               check_bits(check_uniform()));
            if (p->bias_at)
                qqi_store_le32(bytes + p->bias_at + 4 * r,
                               check_bits(check_uniform()));
        }
    }
    bytes -= panels * at;
    p->panels = p->cells = bytes;
    p->cells_bytes = p->sums_bytes = at;
    p->sums = bytes + sums_at;
    for (size_t i = 0; i < 16; i++)
        p->book[i] = (uint8_t)below(p->add == 128 ? 256 : 255);
}

static void make_x(qqi_product *p, size_t m)
{
    static const int32_t zeros[] = {0, 0, -128, 127, -3};

    p->ldx = p->k + below(5);
    p->x_type = below(3) || p->digits > 1 ? QQ_TYPE_F32 : QQ_TYPE_INT8;
    p->x_scale = 0.01f;
    p->x_zero = p->input == QQ_INPUT_INT8_STATIC ? PICK(zeros) : 0;
    p->x_scales = take_floats(m * p->tiles);
    if (p->x_type == QQ_TYPE_F32) {
        void *x = take_floats(m * p->ldx);
        p->x = (const uint8_t *)x;
    } else {
        p->x = (const uint8_t *)take(m * p->ldx);
        if (below(4) == 0)
            memset((uint8_t *)(uintptr_t)p->x, 0x80, m * p->ldx);
    }
}

static qqi_columns make_group(const qqi_product *p, size_t m, unsigned unit)
{
    const size_t width = (m * p->digits + 3) / 4 * 4;
    qqi_columns g;
    void *sum = take(4 * p->spans * width);
    void *scale = take(4 * p->tiles * width);

    memset(&g, 0, sizeof g);
    g.count = m;
    g.width = width;
    g.unit = unit;
    g.q = (int8_t *)take(p->padded * width);
    g.sum = (int32_t *)sum;
    g.scale = (float *)scale;
    return g;
}

// --- the comparison --------------------------------------------------------

static void prepare_plain(const qqi_product *p, const qqi_columns *g)
{
    const qqi_amx_cut cut = qqi_amx_cut_of(p, g);
    size_t next = 0;

    for (size_t i = 0; i < cut.count; i++) {
        qqi_columns block;
        qqi_amx_block(p, g, &cut, i, &block);
        CHECK(block.first == g->first + next && block.count <= 2 * cut.half);
        CHECK(block.count >= cut.half);
        next += block.count;
        qqi_prepare_dot_scalar(p, &block);
    }
    CHECK(next == g->count);
}

static int is_long(const qqi_product *p)
{
    return p->digits > 1 || p->tile > QQI_SPAN ||
           (p->x_zero != 0 && p->tile > 32767);
}

static void multiply_plain(const qqi_product *p, const qqi_columns *g,
                           size_t first, size_t last, void *work)
{
    qqi_amx_multiply(&plain_set, is_long(p), p, g, first, last, work);
}

// y by a strategy, panels in pieces of up to 5.
static float *multiply(qqi_product *p, const qqi_strategy *how, size_t m)
{
    const size_t panels = (p->n + 15) / 16;
    const qqi_columns g = make_group(p, m, how->unit);
    const size_t wide = m * p->digits > 8 ? qqi_wide_bytes(p->padded) : 0;
    void *work = take(QQI_WORK_BYTES + wide);
    float *y = take_floats(m * p->ldy);

    for (size_t i = 0; i < m * p->ldy; i++)
        y[i] = (float)(i % 7);
    p->y = (uint8_t *)(void *)y;
    how->prepare(p, &g);
    for (size_t i = 0, next; i < panels; i = next) {
        next = i + 1 + below(5);
        next = next < panels ? next : panels;
        how->multiply(p, &g, i, next, work);
    }
    return y;
}

static void compare(qqi_product *p, const qqi_strategy *how, size_t m,
                    const float *want, const char *name)
{
    const float *y = multiply(p, how, m);

    if (!CHECK(memcmp(y, want, 4 * m * p->ldy) == 0))
        printf("%s: bits %u code %d n %u k %u m %u tile %u input %d zero %d "
               "points %d\n",
               name, p->bits, (int)p->code, (unsigned)p->n, (unsigned)p->k,
               (unsigned)m, (unsigned)p->tile, (int)p->input, (int)p->x_zero,
               p->zero_at != 0);
}

static int have_amx(void)
{
#  if QQI_HAS_AMX
    static int known = -1;

    if (known < 0)
        known = qqi_has_amx() && qqi_ask_amx();
    return known;
#  else
    return 0;
#  endif
}

static void test_product(const struct width *w, qq_input input, size_t n,
                         size_t k, size_t m, size_t tile)
{
    qqi_strategy how = {
        qqi_prepare_dot_scalar, qqi_multiply_dot_scalar, 4, 0, 4, 1};
    qqi_product p;

    memset(&p, 0, sizeof p);
    p.n = n;
    p.k = k;
    p.tile = tile == 0 || tile >= k ? k : tile;
    p.tiles = (k + p.tile - 1) / p.tile;
    p.bits = w->bits;
    p.code = w->code;
    p.mul = w->mul;
    p.add = w->add;
    p.scale_type = below(2) ? QQ_TYPE_F32 : QQ_TYPE_F16;
    p.scale2 = 1.0f;
    p.unit = 0.5f;
    p.input = input;
    p.digits = input == QQ_INPUT_INT24 ? 3 : input == QQ_INPUT_INT16 ? 2 : 1;
    p.span = p.tile < QQI_SPAN ? p.tile : QQI_SPAN;
    p.spans = p.tile <= QQI_SPAN ? p.tiles : (k + QQI_SPAN - 1) / QQI_SPAN;
    p.padded = (k + 63) / 64 * 64;
    p.ldy = n + below(3);
    p.lo = -check_f32(0x7f800000u);
    p.hi = check_f32(0x7f800000u);
    p.accumulate = below(3) == 0;
    make_matrix(&p);
    make_x(&p, m);
    const float *want = multiply(&p, &how, m);
    CHECK(qqi_amx_fits(&p));
    how.prepare = prepare_plain;
    how.multiply = multiply_plain;
    how.unit = 64;
    if (m * p.digits > 8 || !is_long(&p))
        compare(&p, &how, m, want, "plain");
#  if QQI_HAS_AMX
    if (have_amx()) {
        qqi_kernel_amx.choose(&p, &how);
        compare(&p, &how, m, want, "amx");
    }
#  endif
    give_back_all();
}

static void test_some(size_t count)
{
    static const size_t tiles[] = {0,   0,   32,  64,   96,   128, 160,
                                   256, 480, 512, 1024, 1056, 2048};
    static const size_t ks[] = {1,    31,   32,   33,   63,   64,   65,
                                97,   128,  200,  511,  512,  513,  1000,
                                1023, 1024, 1025, 1111, 2049, 2600, 4200};
    static const size_t ms[] = {1,  3,  4,  5,  8,  9,  15, 16, 17,
                                31, 32, 33, 40, 48, 49, 64, 65, 97};

    for (size_t i = 0; i < count; i++) {
        const struct width *w = &PICK(widths);
        const qq_input input =
            (qq_input)(QQ_INPUT_INT8_ROW + (int)below(QQ_INPUT_INT24 - 1));
        size_t n, k, m;
        do {
            n = 1 + below(70);
            k = below(4) ? PICK(ks) : 1 + below(3000);
            m = below(4) ? PICK(ms) : 9 + below(90);
        } while (n * k * m > (below(20) ? 400000u : 4000000u));
        test_product(w, input, n, k, m, PICK(tiles));
    }
}

int main(void)
{
    test_some(check_count(1500));
    for (size_t m = 9; m <= 70; m++)
        test_product(&widths[m % 11], (qq_input)(QQ_INPUT_INT8_ROW + m % 5), 17,
                     300, m, m % 3 ? 0 : 32);
    // Tiles beyond one span, and beyond 32 bits.
    test_product(&widths[10], QQ_INPUT_INT8_ROW, 17, 66000, 9, 0);
    test_product(&widths[0], QQ_INPUT_INT8_STATIC, 16, 40000, 17, 33024);
    test_product(&widths[5], QQ_INPUT_INT16, 16, 133000, 5, 0);
    printf("against scalar: plain%s\n", have_amx() ? " amx" : "");
    return check_done();
}

#endif
