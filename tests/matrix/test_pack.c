// Packed bytes against the layout of the manual, byte by byte; and back.

#include "matrix.h"

#define PICK(array) array[check_u32() % (sizeof array / sizeof array[0])]

static const size_t tile_sizes[] = {0, 8, 12, 16, 20, 32, 36, 64, 96, 128};
static const size_t row_tiles[] = {0, 1, 16, 32};

static size_t up(size_t v, size_t to)
{
    return (v + to - 1) / to * to;
}

// The code as it is stored.
static unsigned stored(const qq_array *a, size_t r, size_t c)
{
    const int32_t code = qq_tensor_code(&a->value, r * a->value.shape[1] + c);
    qq_type_info info;

    CHECK(qq_type_get(a->type, &info) == QQ_OK);
    if (a->type == QQ_TYPE_BOOK && (size_t)code >= a->level_count)
        return (unsigned)(a->level_count - 1);
    if (a->type >= QQ_TYPE_INT2 && a->type <= QQ_TYPE_INT8)
        return (unsigned)(code + (1 << (info.bits - 1)));
    return (unsigned)code;
}

static unsigned width_of(const qq_array *a)
{
    if (a->type == QQ_TYPE_BOOK)
        return a->level_count == 4 ? 2 : 4;
    return qq_type_bits(a->value.type);
}

// Writes bits of a code, high bits first, where the manual says.
static void put(uint8_t *cells, unsigned bits, size_t r, size_t c, unsigned u)
{
    static const unsigned parts[9][4] = {{0},    {1},    {2},       {2, 1}, {4},
                                         {4, 1}, {4, 2}, {4, 2, 1}, {8}};
    uint8_t *block = cells + c / 32 * 64 * bits;
    unsigned left = bits;

    for (const unsigned *p = parts[bits]; left > 0; p++) {
        const size_t in = c % 32, columns = 32 / *p;
        const unsigned field = (unsigned)(in % columns / 4);
        uint8_t *byte = block + in / columns * 64 + 4 * r + in % 4;
        left -= *p;
        *byte = (uint8_t)(*byte | (u >> left & ((1u << *p) - 1)) << *p * field);
        block += 64 * *p;
    }
}

static size_t cells_size(unsigned bits, size_t k)
{
    const int sum = bits == 3 || bits == 5 || bits == 6 || bits == 7;

    return sum ? up(k, 32) / 32 * 64 * bits
               : up(k, 32 / bits) / 32 * 64 * bits +
                     up(k, 32 / bits) % 32 / (32 / bits) * 64;
}

static void put32(uint8_t *p, uint32_t u)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(u >> 8 * i & 255);
}

// The codes of panel i as they are stored; answers how many bytes.
static size_t want_codes(const qq_array *a, int base3, size_t i, uint8_t *out)
{
    static const unsigned power[5] = {1, 3, 9, 27, 81};
    const size_t n = a->value.shape[0], k = a->value.shape[1];
    const unsigned bits = width_of(a);
    const size_t size = base3 ? up(k, 80) / 80 * 256 : cells_size(bits, k);

    for (size_t r = 16 * i; r < n && r < 16 * i + 16; r++) {
        for (size_t c = 0; c < k; c++) {
            const unsigned u = stored(a, r, c);
            const size_t f = c % 16 / 4, x = 4 * (r % 16) + c % 4;
            uint8_t *byte = out + c / 80 * 256 + 64 * f + x;
            if (!base3)
                put(out, bits, r % 16, c, u);
            else
                *byte = (uint8_t)(*byte + u * power[c % 80 / 16]);
        }
    }
    return up(size, 64);
}

// Scales or zero points of a panel.
static size_t want_tiles(const qq_array *a, const qq_tensor *t, size_t i,
                         unsigned flip, uint8_t *out)
{
    const size_t n = a->value.shape[0], tiles = a->scale.shape[1];
    const int zeros = t != &a->scale;
    const unsigned size = zeros                     ? 1
                          : t->type == QQ_TYPE_BF16 ? 4
                                                    : qq_type_bits(t->type) / 8;

    for (size_t r = 16 * i; r < n && r < 16 * i + 16; r++) {
        for (size_t j = 0; j < tiles; j++) {
            const size_t at = r / a->tile[0] * tiles + j;
            const float f = qq_tensor_value(t, at);
            uint8_t *to = out + (16 * j + r % 16) * size;
            uint32_t u = (uint32_t)qq_tensor_code(t, at);
            if (zeros)
                u = (u + flip) & 255;
            else if (size == 4)
                memcpy(&u, &f, 4);
            for (unsigned b = 0; b < size; b++)
                to[b] = (uint8_t)(u >> 8 * b & 255);
        }
    }
    return up(tiles * 16 * size, 64);
}

static size_t want_rows(const float *f, size_t n, size_t i, uint8_t *out)
{
    for (size_t r = 16 * i; f && r < n && r < 16 * i + 16; r++) {
        uint32_t u;
        memcpy(&u, f + r, 4);
        put32(out + r % 16 * 4, u);
    }
    return f ? 64 : 0;
}

static size_t want_sums(const qq_array *a, size_t i, uint8_t *out)
{
    const size_t n = a->value.shape[0], k = a->value.shape[1];
    const size_t tiles = a->scale.shape[1];

    for (size_t r = 16 * i; r < n && r < 16 * i + 16; r++) {
        for (size_t j = 0; j < tiles; j++) {
            const size_t at = r / a->tile[0] * tiles + j;
            int64_t sum = 0;
            for (size_t c = j * a->tile[1]; c < k && c / a->tile[1] == j; c++) {
                float unit;
                sum +=
                    integer_of(a, qq_tensor_code(&a->value, r * k + c), &unit);
                if (a->zero_point.type != QQ_TYPE_NONE)
                    sum -= qq_tensor_code(&a->zero_point, at);
            }
            put32(out + 4 * (16 * j + r % 16), (uint32_t)(int32_t)sum);
        }
    }
    return tiles * 64;
}

static size_t want_offsets(const qq_array *a, const qq_matrix_options *o,
                           size_t i, uint8_t *out)
{
    const size_t tiles = a->scale.shape[1];

    for (size_t r = 16 * i; r < a->value.shape[0] && r < 16 * i + 16; r++)
        for (size_t j = 0; j < tiles; j++)
            put32(out + 4 * (16 * j + r % 16),
                  check_bits(o->offsets[r * tiles + j]));
    return tiles * 64;
}

static size_t want_panel(const qq_array *a, const qq_matrix_options *o,
                         size_t i, uint8_t *out)
{
    const size_t n = a->value.shape[0];
    const int sgn = a->type >= QQ_TYPE_INT2 && a->type <= QQ_TYPE_INT8;
    const unsigned flip = sgn ? 1u << (qq_type_bits(a->type) - 1) : 0;
    size_t at = want_codes(a, o->base3, i, out);

    at += want_tiles(a, &a->scale, i, 0, out + at);
    if (a->zero_point.type != QQ_TYPE_NONE)
        at += want_tiles(a, &a->zero_point, i, flip, out + at);
    at += want_rows(o->a, n, i, out + at);
    at += want_rows(o->bias, n, i, out + at);
    if (o->sums)
        at += want_sums(a, i, out + at);
    if (o->offsets)
        at += want_offsets(a, o, i, out + at);
    return at;
}

static size_t want_head(const qq_array *a, const qq_matrix_options *o,
                        uint8_t *out)
{
    const size_t n = a->value.shape[0], k = a->value.shape[1];
    const int book = a->type == QQ_TYPE_BOOK;
    const int constants = book || a->scale.type == QQ_TYPE_E4M3FN;
    const int bf16 = a->scale.type == QQ_TYPE_BF16;
    size_t at = 64;
    uint32_t u;

    memcpy(out, "QQMX", 4);
    put32(out + 4, 1u | (uint32_t)a->type << 16);
    put32(out + 8, (uint32_t)(bf16 ? QQ_TYPE_F32 : a->scale.type) | 1u << 16);
    put32(out + 12, (a->zero_point.type != QQ_TYPE_NONE ? 1u : 0) |
                        (o->a ? 2u : 0) | (o->bias ? 4u : 0) | (o->b ? 8u : 0) |
                        (o->sums ? 16u : 0) | (o->base3 ? 32u : 0) |
                        (constants ? 64u : 0) | (o->offsets ? 1u << 18 : 0));
    put32(out + 16, (uint32_t)n);
    put32(out + 24, (uint32_t)k);
    put32(out + 32, (uint32_t)(a->tile[0] < n ? a->tile[0] : 0));
    put32(out + 36, (uint32_t)(a->tile[1] < k ? a->tile[1] : 0));
    if (constants) {
        memcpy(&u, &a->scale2, 4);
        put32(out + 64, u);
        put32(out + 68, book ? (uint32_t)a->level_count : 0);
        for (size_t i = 0; book && i < a->level_count; i++)
            out[72 + i] = (uint8_t)(int8_t)a->levels[i];
        at += 64;
    }
    for (size_t c = 0; o->b && c < k; c++) {
        memcpy(&u, o->b + c, 4);
        put32(out + at + 4 * c, u);
    }
    return at + (o->b ? up(4 * k, 64) : 0);
}

static void check_bytes_of(const qq_array *a, const qq_matrix_options *o,
                           const qq_matrix *w)
{
    uint8_t *want = (uint8_t *)calloc(w->bytes + 1024, 1);
    size_t at = want_head(a, o, want);

    for (size_t i = 0; i < (a->value.shape[0] + 15) / 16; i++)
        at += want_panel(a, o, i, want + at);
    put32(want + 48, (uint32_t)at);
    CHECK(at == w->bytes);
    CHECK(memcmp(w->data, want, at < w->bytes ? at : w->bytes) == 0);
    free(want);
}

// The array again, number by number, and again packed the same bytes.
static void check_unpack(const qq_array *a, const qq_matrix_options *o,
                         const qq_matrix *w)
{
    const size_t bytes = qq_matrix_unpack_size(w);
    const size_t count = qq_tensor_count(&a->value);
    qq_matrix again;
    qq_array b;
    uint8_t *out = (uint8_t *)room(bytes);

    CHECK(qq_matrix_unpack(w, out, bytes - 1, &b) == QQ_ERR_SIZE);
    CHECK(qq_matrix_unpack(w, out, bytes, &b) == QQ_OK);
    CHECK(qq_array_check(&b) == QQ_OK && b.type == a->type);
    CHECK(check_bits(a->scale2) == check_bits(b.scale2));
    for (size_t i = 0; i < count; i++) {
        const size_t k = a->value.shape[1];
        const size_t p = tile_of(a, i / k, i % k),
                     q = tile_of(&b, i / k, i % k);
        const int32_t code = qq_tensor_code(&a->value, i);
        const int32_t most = (int32_t)a->level_count - 1;
        CHECK(qq_tensor_code(&b.value, i) ==
              (a->type == QQ_TYPE_BOOK && code > most ? most : code));
        CHECK(check_bits(qq_tensor_value(&a->scale, p)) ==
              check_bits(qq_tensor_value(&b.scale, q)));
        if (a->zero_point.type != QQ_TYPE_NONE)
            CHECK(qq_tensor_code(&a->zero_point, p) ==
                  qq_tensor_code(&b.zero_point, q));
    }
    CHECK(b.level_count == a->level_count);
    for (size_t i = 0; i < b.level_count; i++)
        CHECK(check_bits(b.levels[i] + 0.0f) ==
              check_bits(a->levels[i] + 0.0f));
    void *second = room(w->bytes);
    CHECK(qq_matrix_pack(&b, o, second, w->bytes, &again) == QQ_OK);
    CHECK(again.bytes == w->bytes && memcmp(second, w->data, w->bytes) == 0);
}

static void check_rows(const qq_array *a, const qq_matrix_options *o,
                       const qq_matrix *w)
{
    const size_t n = a->value.shape[0], k = a->value.shape[1];
    float *plain = (float *)malloc(4 * n * k + 4);
    uint8_t *rows = (uint8_t *)room(4 * n * k);
    uint8_t *some = (uint8_t *)room(4 * 3 * k);
    const size_t which[3] = {n - 1, 0, n / 2};
    qq_tensor view;

    CHECK(qq_dequantize(a, QQ_RULE_QQUANT, QQ_TYPE_F32, plain, 4 * n * k,
                        &view) == QQ_OK);
    for (size_t i = 0; i < n * k; i++) {
        const size_t t = i % k / a->tile[1];
        if (o->offsets)
            plain[i] += o->offsets[i / k * a->scale.shape[1] + t];
        if (o->a)
            plain[i] = times(plain[i], o->a[i / k]);
        if (o->b)
            plain[i] = times(plain[i], o->b[i % k]);
    }
    CHECK(qq_matrix_row(w, n, NULL, rows, 4 * n * k) == QQ_OK);
    CHECK(memcmp(rows, plain, 4 * n * k) == 0);
    CHECK(qq_matrix_row(w, 3, which, some, 12 * k) == QQ_OK);
    for (size_t i = 0; i < 3; i++)
        CHECK(memcmp(some + 4 * k * i, plain + which[i] * k, 4 * k) == 0);
    CHECK(qq_matrix_row(w, 3, which, some, 12 * k - 1) == QQ_ERR_SIZE);
    CHECK(qq_matrix_row(w, n + 1, NULL, rows, 4 * n * k) == QQ_ERR_SHAPE);
    CHECK(qq_matrix_row(w, 1, &n, some, 12 * k) == QQ_ERR_SHAPE);
    CHECK(qq_matrix_row(NULL, 1, NULL, some, 12 * k) == QQ_ERR_ARGUMENT);
    free(plain);
}

static void check_factors(const qq_matrix_options *o, const qq_matrix *w)
{
    float *a = matrix_floats(w->n), *b = matrix_floats(w->k);
    float *bias = matrix_floats(w->n);

    CHECK(qq_matrix_factors(w, a, b, bias) == QQ_OK);
    for (size_t i = 0; i < w->n; i++) {
        CHECK(check_bits(a[i]) == check_bits(o->a ? o->a[i] : 1.0f));
        CHECK(check_bits(bias[i]) == check_bits(o->bias ? o->bias[i] : 0.0f));
    }
    for (size_t i = 0; i < w->k; i++)
        CHECK(check_bits(b[i]) == check_bits(o->b ? o->b[i] : 1.0f));
    free(a);
    free(b);
    free(bias);
}

static void check_offsets(const qq_matrix_options *o, const qq_matrix *w)
{
    const size_t count = w->n * w->tiles;
    float *f = matrix_floats(count);

    CHECK(qq_matrix_offsets(w, f, 4 * count - 1) == QQ_ERR_SIZE);
    CHECK(qq_matrix_offsets(NULL, f, 4 * count) == QQ_ERR_ARGUMENT);
    CHECK(qq_matrix_offsets(w, f, 4 * count) == QQ_OK);
    for (size_t i = 0; i < count; i++)
        CHECK(check_bits(f[i]) == check_bits(o->offsets ? o->offsets[i] : 0));
    free(f);
}

static void test_one(qq_type type, size_t n, size_t k, int base3)
{
    qq_array a = matrix_array(type, n, k, PICK(row_tiles), PICK(tile_sizes),
                              PICK(matrix_scales), check_u32() % 2);
    qq_matrix_options o = qq_matrix_options_init();
    float *f = matrix_floats(2 * n + k);
    float *offsets = matrix_floats(n * a.scale.shape[1]);
    qq_matrix w;

    if (base3)
        for (size_t i = 0; i < qq_tensor_bytes(&a.value); i++) {
            uint8_t *c = (uint8_t *)room_blocks[1] + 1 + i;
            *c = (uint8_t)(*c & ~(*c >> 1 & 0x55));
        }
    o.a = check_u32() % 2 ? f : NULL;
    o.bias = check_u32() % 2 ? f + n : NULL;
    o.b = check_u32() % 2 ? f + 2 * n : NULL;
    o.sums = !matrix_is_float(type) && check_u32() % 2;
    o.base3 = base3;
    o.offsets = check_u32() % 3 ? NULL : offsets;
    w = matrix_packed(&a, &o);
    CHECK(w.n == n && w.k == k && w.type == type);
    check_bytes_of(&a, &o, &w);
    check_unpack(&a, &o, &w);
    check_rows(&a, &o, &w);
    check_factors(&o, &w);
    check_offsets(&o, &w);
    free(f);
    free(offsets);
    room_free();
}

// The example of the manual.
static void test_example(void)
{
    static const uint8_t code = 1;
    static const float half = 0.5f;
    static const uint8_t head[64] = {0x51, 0x51, 0x4d, 0x58, 1, 0, 8, 0, 1,
                                     0,    1,    0,    0,    0, 0, 0, 1, 0,
                                     0,    0,    0,    0,    0, 0, 2};
    const size_t shape[2] = {1, 2}, one[2] = {1, 1};
    const qq_tensor value = qq_tensor_make(&code, QQ_TYPE_SIGN, 2, shape);
    const qq_tensor scale = qq_tensor_make(&half, QQ_TYPE_F32, 2, one);
    uint8_t want[192] = {0}, out[192];
    qq_matrix w;
    qq_array a;

    memcpy(want, head, 64);
    want[48] = 192;
    want[64] = 1;
    want[131] = 0x3f;
    CHECK(qq_array_make(&value, &scale, NULL, QQ_TYPE_NONE, &a) == QQ_OK);
    CHECK(qq_matrix_size(&a, NULL) == 192);
    CHECK(qq_matrix_pack(&a, NULL, out, 192, &w) == QQ_OK);
    CHECK(memcmp(out, want, 192) == 0);
}

// Signs with factors: the array with one scale of 1.
static void test_sign(void)
{
    qq_array a = matrix_array(QQ_TYPE_SIGN, 35, 70, 0, 0, QQ_TYPE_F32, 0);
    qq_matrix_options o = qq_matrix_options_init();
    float *f = matrix_floats(35), *g = matrix_floats(70);
    static const float one = 1.0f;
    qq_matrix w;

    a.scale.data = &one;
    o.a = f;
    o.b = g;
    const size_t bytes = qq_matrix_sign_size(&a.value, &o);
    void *out = room(bytes);
    CHECK(bytes == qq_matrix_size(&a, &o));
    CHECK(qq_matrix_pack_sign(&a.value, &o, out, bytes, &w) == QQ_OK);
    check_bytes_of(&a, &o, &w);
    free(f);
    free(g);
    a.value.type = QQ_TYPE_INT4;
    CHECK(qq_matrix_pack_sign(&a.value, &o, out, bytes, &w) == QQ_ERR_TYPE);
    CHECK(qq_matrix_sign_size(&a.value, &o) == SIZE_MAX);
    CHECK(qq_matrix_pack_sign(NULL, &o, out, bytes, &w) == QQ_ERR_ARGUMENT);
    room_free();
}

static void test_refusals(void)
{
    qq_matrix_options o = qq_matrix_options_init();
    qq_array a = matrix_array(QQ_TYPE_TERNARY, 33, 70, 1, 16, QQ_TYPE_F16, 0);
    qq_array z = matrix_array(QQ_TYPE_INT4, 33, 70, 1, 16, QQ_TYPE_F16, 1);
    uint8_t *code = (uint8_t *)room_blocks[1] + 1;
    const size_t bytes = qq_matrix_size(&a, NULL);
    void *out = room(bytes);
    qq_array b = a;
    qq_matrix w;

    memset(out, 0x5a, bytes);
    CHECK(qq_matrix_pack(NULL, NULL, out, bytes, &w) == QQ_ERR_ARGUMENT);
    CHECK(qq_matrix_pack(&a, NULL, NULL, bytes, &w) == QQ_ERR_ARGUMENT);
    CHECK(qq_matrix_pack(&a, NULL, out, bytes, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_matrix_pack(&a, NULL, out, bytes - 1, &w) == QQ_ERR_SIZE);
    memset(&o, 0, sizeof o);
    CHECK(qq_matrix_pack(&a, &o, out, bytes, &w) == QQ_ERR_ARGUMENT);
    o = qq_matrix_options_init();
    o.base3 = 1;
    code[3] = 3;
    CHECK(qq_matrix_pack(&a, &o, out, bytes, &w) == QQ_ERR_FORMAT);
    CHECK(qq_matrix_size(&z, &o) == SIZE_MAX);
    b.tile[1] = 14;
    CHECK(qq_matrix_pack(&b, NULL, out, bytes, &w) == QQ_ERR_SHAPE);
    b = a;
    b.tile[0] = 8;
    b.scale.shape[0] = 5;
    CHECK(qq_matrix_pack(&b, NULL, out, bytes, &w) == QQ_ERR_SHAPE);
    b = a;
    b.value.rank = 1;
    CHECK(qq_matrix_pack(&b, NULL, out, bytes, &w) == QQ_ERR_SHAPE);
    b = a;
    b.type = b.value.type = QQ_TYPE_INT16;
    CHECK(qq_matrix_size(&b, NULL) == SIZE_MAX);
    b = a;
    b.bias = a.scale;
    CHECK(qq_matrix_pack(&b, NULL, out, bytes, &w) == QQ_ERR_UNSUPPORTED);
    b = z;
    b.zero_tile[1] = 35;
    b.zero_point.shape[1] = 2;
    CHECK(qq_matrix_size(&b, NULL) == SIZE_MAX);
    b = a;
    b.value.shape[0] = SIZE_MAX / 2;
    CHECK(qq_matrix_size(&b, NULL) == SIZE_MAX);
    for (size_t i = 0; i < bytes; i++)
        CHECK(((const uint8_t *)out)[i] == 0x5a);
    room_free();
}

int main(void)
{
    for (size_t i = 0; i < check_count(12); i++)
        for (size_t t = 0; t < MATRIX_TYPES; t++)
            test_one(matrix_types[t], 1 + check_u32() % 50,
                     1 + check_u32() % 200, 0);
    for (size_t i = 0; i < check_count(40); i++)
        test_one(QQ_TYPE_TERNARY, 1 + check_u32() % 50, 1 + check_u32() % 250,
                 1);
    test_example();
    test_sign();
    test_refusals();
    return check_done();
}
