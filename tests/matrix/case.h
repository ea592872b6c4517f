// Random products for tests that compare ways to compute the same numbers:
// instruction sets, parts, places in memory. What a case is made of:
//
//   the matrix   any type, tiles and factors; then, in the packed bytes, any
//                codes and whatever the padding may hold, opened again
//   x            rows of many kinds: noise, exact ties of the rounding, the
//                largest integers, zeros, tiny, huge, NaN and infinities
//   memory       of exactly its size, off any alignment; between the rows NaN

#ifndef QQUANT_TESTS_MATRIX_CASE_H
#define QQUANT_TESTS_MATRIX_CASE_H

#include "matrix.h"

#define PICK(array) array[below(sizeof array / sizeof array[0])]

static const qq_isa case_isas[] = {
    QQ_ISA_SCALAR, QQ_ISA_AVX2,        QQ_ISA_AVX_VNNI,
    QQ_ISA_AVX512, QQ_ISA_AVX512_VNNI, QQ_ISA_AMX,
    QQ_ISA_NEON,   QQ_ISA_NEON_DOT,    QQ_ISA_NEON_I8MM};
enum { CASE_ISAS = sizeof case_isas / sizeof case_isas[0] };

static const char *const case_inputs[] = {"none",   "default", "row",   "tile",
                                          "static", "int16",   "int24", "f32"};

// What to make. tile 0: the whole axis.
typedef struct recipe {
    qq_type type;
    qq_input input;
    size_t n;
    size_t k;
    size_t m;
    size_t tile_n;
    size_t tile_k;
    int odd;   // NaN, infinities and such in x, scales and factors
    int base3; // ternary only
} recipe;

typedef struct product {
    recipe r;
    qq_matrix_options mo;
    qq_matrix w;
    qq_matmul_options o;
    uint8_t *packed;
    uint8_t *x;
    size_t x_bytes;
    size_t ldx;
    uint8_t *start; // what y holds before; guards between rows
    size_t y_bytes;
    size_t ldy;
} product;

// Exactly that many bytes, mostly 1 to 3 bytes off any alignment.
static inline uint8_t *place(size_t bytes)
{
    const size_t off = below(4) ? below(4) : below(64);
    uint8_t *p = (uint8_t *)malloc(off + (bytes > 0 ? bytes : 1));

    if (p == NULL || room_count == 64)
        abort();
    room_blocks[room_count++] = p;
    return p + off;
}

static inline void scramble(uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(check_u32() >> 24);
}

// --- numbers ---------------------------------------------------------------

// Bits of floats that are special to somebody; the first ones are finite.
static const uint32_t odd_floats[] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00400000,
    0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x0d800000, 0x0d7fffff,
    0x8d800000, 0x3f800000, 0xbf800000, 0x5f000000, 0xdf000001, 0x4b000001,
    0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345};
enum {
    ODD_FLOATS = sizeof odd_floats / sizeof odd_floats[0],
    ODD_FINITE = ODD_FLOATS - 5
};

static inline uint32_t odd_finite(void)
{
    return odd_floats[below(ODD_FINITE)];
}

// n floats; one in eight is special if odd.
static inline float *case_floats(size_t n, int odd)
{
    float *f = (float *)room(4 * n + 4);
    const size_t off = (uintptr_t)f % 4;

    f = (float *)(void *)((uint8_t *)f + (off ? 4 - off : 0));
    for (size_t i = 0; i < n; i++) {
        uint32_t u = check_bits(check_uniform());
        if (odd && below(8) == 0)
            u = PICK(odd_floats);
        memcpy(f + i, &u, 4);
    }
    return f;
}

// --- the matrix ------------------------------------------------------------

// A code of a small float that is none of the NaN and infinities.
static inline void tame_cells(qq_type type, uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (type == QQ_TYPE_E5M2)
            p[i] = (uint8_t)(p[i] & 0xbf);
        else if ((p[i] & 0x7f) == 0x7f)
            p[i] = 0x31;
    }
}

// Whatever a section of a panel holds for rows that are not there, and behind
// its end; entries of the others at times, if odd.
static inline void scramble_section(uint8_t *p, size_t entries, size_t size,
                                    size_t rows, int odd)
{
    for (size_t i = 0; i < entries; i++) {
        const uint32_t u = PICK(odd_floats);
        if (i % 16 >= rows)
            scramble(p + i * size, size);
        else if (odd && below(12) == 0 && size == 4)
            for (size_t b = 0; b < 4; b++)
                p[4 * i + b] = (uint8_t)(u >> 8 * b & 255);
        else if (odd && below(12) == 0)
            scramble(p + i * size, size);
    }
    scramble(p + entries * size, (64 - entries * size % 64) % 64);
}

// All scales of a panel one: the smallest, the largest, NaN.
static inline void level_scales(const qq_matrix *w, uint8_t *scales)
{
    static const uint32_t halves[] = {1, 0x3ff, 0x400, 0x7bff, 0x8001, 0x7c00};
    static const uint32_t powers[] = {0, 0, 1, 254, 255};
    static const uint32_t smalls[] = {1, 7, 8, 0x7e, 0x81, 0x7f};
    const size_t size = qq_type_bits(w->scale_type) / 8;
    const uint32_t u = size == 4                       ? PICK(odd_floats)
                       : size == 2                     ? PICK(halves)
                       : w->scale_type == QQ_TYPE_E8M0 ? PICK(powers)
                                                       : PICK(smalls);

    for (size_t i = 0; i < 16 * w->tiles * size; i++)
        scales[i] = (uint8_t)(u >> 8 * (i % size) & 255);
}

// Any codes, and any bytes where nobody should look. Sums stay what they are.
static inline void scramble_panel(const qq_matrix *w, size_t i, int odd)
{
    uint8_t *panel = (uint8_t *)(uintptr_t)w->data + w->panel_at;
    const size_t rows = w->n - 16 * i < 16 ? w->n - 16 * i : 16;
    const size_t size = qq_type_bits(w->scale_type) / 8;

    panel += i * w->panel_bytes;
    scramble(panel, w->scale_at);
    if (matrix_is_float(w->type) && !(odd && below(4) == 0))
        tame_cells(w->type, panel, w->scale_at);
    scramble_section(panel + w->scale_at, 16 * w->tiles, size, rows, odd);
    if (odd && below(4) == 0)
        level_scales(w, panel + w->scale_at);
    if (w->zero_at)
        scramble_section(panel + w->zero_at, 16 * w->tiles, 1, rows, 1);
    if (w->factor_at)
        scramble_section(panel + w->factor_at, 16, 4, rows, odd);
    if (w->bias_at)
        scramble_section(panel + w->bias_at, 16, 4, rows, odd);
    if (w->sum_at)
        scramble_section(panel + w->sum_at, 16 * w->tiles, 4, rows, 0);
    if (w->offset_at)
        scramble_section(panel + w->offset_at, 16 * w->tiles, 4, rows, odd);
}

static inline void no_code_three(qq_array *a)
{
    uint8_t *codes = (uint8_t *)room(qq_tensor_bytes(&a->value));

    for (size_t i = 0; i < qq_tensor_bytes(&a->value); i++) {
        const uint8_t c = ((const uint8_t *)a->value.data)[i];
        codes[i] = (uint8_t)(c & ~(c >> 1 & 0x55));
    }
    a->value.data = codes;
}

static inline qq_array case_array(const recipe *r)
{
    const qq_type scale = below(2) ? QQ_TYPE_F32 : PICK(matrix_scales);
    qq_array a = matrix_array(r->type, r->n, r->k, r->tile_n, r->tile_k, scale,
                              below(2) == 0);

    if (r->base3)
        no_code_three(&a);
    return a;
}

static inline void case_matrix(product *c)
{
    const recipe *r = &c->r;
    const qq_array a = case_array(r);
    qq_matrix_options *o = &c->mo;

    *o = qq_matrix_options_init();
    o->a = below(3) ? NULL : case_floats(r->n, r->odd);
    o->b = below(3) ? NULL : case_floats(r->k, r->odd);
    o->bias = below(3) ? NULL : case_floats(r->n, r->odd);
    o->sums = !matrix_is_float(r->type) && below(2);
    if (below(4) == 0 && r->k > 0)
        o->offsets = case_floats(r->n * a.scale.shape[1], r->odd);
    o->base3 = r->base3;
    const size_t bytes = qq_matrix_size(&a, o);
    c->packed = place(bytes);
    CHECK(qq_matrix_pack(&a, o, c->packed, bytes, &c->w) == QQ_OK);
    if (below(3) > 0) {
        for (size_t i = 0; i < c->w.panels; i++)
            scramble_panel(&c->w, i, r->odd);
        CHECK(qq_matrix_open(c->packed, bytes, &c->w) == QQ_OK);
    }
}

// --- x ---------------------------------------------------------------------

enum {
    ROW_NOISE,
    ROW_TIES,
    ROW_LARGEST,
    ROW_ZEROS,
    ROW_TINY,
    ROW_HUGE,
    ROW_ODD,
    ROW_KINDS
};

static inline float largest_code(qq_input input)
{
    return input == QQ_INPUT_INT16   ? 32639.0f
           : input == QQ_INPUT_INT24 ? 8355711.0f
                                     : 127.0f;
}

// Bits of number i of a row, by its kind. Ties: with the largest number first
// in every tile, r is 1, and others are halves.
static inline uint32_t case_number(const product *c, int kind, size_t i,
                                   float by)
{
    const float most = largest_code(c->r.input);
    const uint32_t sign = check_u32() & 0x80000000u;
    const size_t tile = c->r.tile_k > 0 ? c->r.tile_k : c->r.k;
    float f = check_uniform() * by;

    switch (kind) {
    case ROW_TIES:
        f = (float)below((size_t)most * 2 + 1) / 2.0f;
        if (c->o.input == QQ_INPUT_INT8_STATIC)
            f = f * 1.25f * c->o.x_scale;
        else if (i % tile == 0)
            f = most;
        return check_bits(f) ^ sign;
    case ROW_LARGEST:
        f = by - by * (float)below(2) / 128.0f;
        return check_bits(f);
    case ROW_ZEROS:
        return sign;
    case ROW_TINY: // around 2^-100, and far below
        return sign |
               (below(2) ? 0x0d7ffffeu + check_u32() % 4 : check_u32() >> 9);
    case ROW_HUGE:
        return sign | (0x7e000000u + check_u32() % 0x1800000);
    case ROW_ODD:
        return below(3) ? check_bits(f) : odd_finite();
    default:
        return check_bits(f);
    }
}

static inline void store_number(uint8_t *x, qq_type type, size_t i, uint32_t u)
{
    if (type == QQ_TYPE_F32) {
        memcpy(x + 4 * i, &u, 4);
        return;
    }
    u = qq_type_encode(type, check_f32(u));
    const uint16_t h = (uint16_t)(u & 0xffff);
    memcpy(x + 2 * i, &h, 2);
}

static inline void case_row_int8(product *c, size_t row)
{
    uint8_t *x = c->x + row * c->ldx;
    const uint32_t kind = check_u32() % 4;

    for (size_t i = 0; i < c->r.k; i++)
        x[i] = kind == 0   ? 0x80
               : kind == 1 ? (uint8_t)(0x80 - below(2))
                           : (uint8_t)(check_u32() >> 24);
}

static inline void case_row(product *c, size_t row)
{
    const int kind = c->r.odd       ? (int)below(ROW_KINDS)
                     : below(3) > 0 ? ROW_NOISE
                                    : (int)below(ROW_TINY);
    const float by = (float)(1 << below(8)) / 16.0f * (below(2) ? 1.0f : -1.1f);
    const size_t first = row * c->ldx;

    for (size_t i = 0; i < c->r.k; i++)
        store_number(c->x, c->o.x_type, first + i, case_number(c, kind, i, by));
    if (c->r.odd && c->r.k > 0 && below(6) == 0) {
        const size_t at = below(3) ? below(c->r.k) : below(2) ? c->r.k - 1 : 0;
        store_number(c->x, c->o.x_type, first + at,
                     odd_floats[ODD_FINITE + below(5)]);
    }
}

static inline void case_x(product *c)
{
    const size_t size = qq_type_bits(c->o.x_type) / 8;
    const size_t m = c->r.m;

    c->ldx = c->r.k + below(3) * below(9);
    c->x_bytes = m > 0 ? ((m - 1) * c->ldx + c->r.k) * size : 0;
    c->x = place(c->x_bytes);
    memset(c->x, 0xff, c->x_bytes); // NaN, or -1, between the rows
    for (size_t row = 0; row < m; row++)
        if (c->o.x_type == QQ_TYPE_INT8)
            case_row_int8(c, row);
        else
            case_row(c, row);
}

// --- how to multiply -------------------------------------------------------

static inline void case_limits(qq_matmul_options *o)
{
    static const float lo[] = {0.0f, -0.0f, -0.5f, -INFINITY, -3e38f};
    static const float hi[] = {0.0f, -0.0f, 1.5f, INFINITY, 6.0f};

    if (below(2))
        return;
    o->lo = PICK(lo);
    o->hi = PICK(hi);
}

static inline void case_options(product *c)
{
    static const qq_type x_types[] = {QQ_TYPE_F32, QQ_TYPE_F32, QQ_TYPE_F16,
                                      QQ_TYPE_BF16, QQ_TYPE_INT8};
    static const float steps[] = {1.0f, 0.25f, 0.0123f, 0.05f};
    static const float odd_steps[] = {1e-45f, 1e-39f, 3.4e38f, 1e30f, 1e-30f};
    static const int32_t zeros[] = {0, -128, 127, -1, 77};
    const size_t tiles = c->w.tiles > 0 ? c->w.tiles : 1;
    qq_matmul_options *o = &c->o;

    *o = qq_matmul_options_init();
    o->input = c->r.input;
    o->x_type = PICK(x_types);
    if (o->x_type == QQ_TYPE_INT8 &&
        (o->input > QQ_INPUT_INT8_STATIC || c->mo.b != NULL ||
         matrix_is_float(c->r.type)))
        o->x_type = QQ_TYPE_F32;
    if (o->x_type == QQ_TYPE_INT8)
        o->x_scales = case_floats(c->r.m * tiles, c->r.odd);
    o->x_scale = c->r.odd && below(3) == 0 ? PICK(odd_steps) : PICK(steps);
    o->x_zero = PICK(zeros);
    o->accumulate = below(3) == 0;
    case_limits(o);
}

// Blocks are there until room_free.
static inline product case_make(const recipe *r)
{
    product c;

    memset(&c, 0, sizeof c);
    c.r = *r;
    if (c.r.k > 0 && c.r.tile_k >= c.r.k)
        c.r.tile_k = 0;
    case_matrix(&c);
    case_options(&c);
    case_x(&c);
    c.ldy = c.r.n + below(3) * below(9);
    c.y_bytes = r->m > 0 ? 4 * ((r->m - 1) * c.ldy + r->n) : 0;
    c.start = place(c.y_bytes);
    for (size_t i = 0; i < c.y_bytes / 4; i++) {
        uint32_t u = check_bits(check_uniform());
        if (i % c.ldy >= r->n || (r->odd && below(8) == 0))
            u = PICK(odd_floats);
        memcpy(c.start + 4 * i, &u, 4);
    }
    return c;
}

// --- doing it --------------------------------------------------------------

enum { SERIAL, BY_PART, BY_CALLBACK, CASE_WAYS };

// The parts from a random one on, in steps that reach all.
static inline void case_parallel(void *user, size_t parts,
                                 void (*part)(void *, size_t), void *arg)
{
    const size_t first = *(const size_t *)user;

    for (size_t i = parts; i-- > 0;)
        part(arg, (first + i) % parts);
}

// y = what start holds, then the product; scratch is exact and full of noise.
static inline void case_run(const product *c, int way, size_t parts,
                            uint8_t *scratch, size_t bytes, uint8_t *y)
{
    qq_matmul_options o = c->o;
    size_t first = below(parts);

    o.parts = way == SERIAL ? 1 : parts;
    if (way == BY_CALLBACK) {
        o.parallel = case_parallel;
        o.parallel_user = &first;
    }
    memset(scratch, (int)(check_u32() & 255), bytes);
    memcpy(y, c->start, c->y_bytes);
    if (way != BY_PART) {
        CHECK(qq_matmul(&c->w, &o, c->r.m, c->x, c->ldx, y, c->ldy, scratch,
                        bytes) == QQ_OK);
        return;
    }
    for (unsigned phase = 0; phase < 2; phase++)
        for (size_t i = 0; i < parts; i++)
            CHECK(qq_matmul_part(&c->w, &o, c->r.m, c->x, c->ldx, y, c->ldy,
                                 scratch, bytes, phase,
                                 (first + parts - i) % parts) == QQ_OK);
}

static inline size_t case_scratch(const product *c, size_t parts)
{
    qq_matmul_options o = c->o;

    o.parts = parts;
    const size_t bytes = qq_matmul_scratch_size(&c->w, &o, c->r.m);
    CHECK(bytes != SIZE_MAX);
    return bytes;
}

// Says where two results differ first, and in what case.
static inline void case_report(const product *c, const char *isa, int way,
                               size_t parts, const uint8_t *y,
                               const uint8_t *want)
{
    const recipe *r = &c->r;
    uint32_t got, good;
    size_t i = 0;

    while (memcmp(y + i, want + i, 4) == 0)
        i += 4;
    memcpy(&got, y + i, 4);
    memcpy(&good, want + i, 4);
    printf("%s: %s%s (%u bits) input %s, x %s, n %u k %u m %u, tiles %u x %u, ",
           isa, qq_type_name(r->type), r->base3 ? " base 3" : "", c->w.bits,
           case_inputs[r->input], qq_type_name(c->o.x_type), (unsigned)r->n,
           (unsigned)r->k, (unsigned)r->m, (unsigned)r->tile_n,
           (unsigned)r->tile_k);
    printf("scales %s, flags %x, zero %d, way %d of %u parts, acc %d: ",
           qq_type_name(c->w.scale_type), (unsigned)c->w.flags,
           (int)c->o.x_zero, way, (unsigned)parts, c->o.accumulate);
    printf("y[%u][%u] = %08x, not %08x (%g, %g)\n", (unsigned)(i / 4 / c->ldy),
           (unsigned)(i / 4 % c->ldy), (unsigned)got, (unsigned)good,
           (double)check_f32(got), (double)check_f32(good));
}

#endif // QQUANT_TESTS_MATRIX_CASE_H
