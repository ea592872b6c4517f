// Any bytes as a packed matrix: a clear status, or a matrix that can be read,
// unpacked and multiplied within exactly the bytes that were said. And any
// small array packed: what is packed can be opened and unpacked to its codes,
// and opened again with its head changed.

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Sizes too large for a fuzzer to ask for.
static int fits(size_t bytes)
{
    return bytes != SIZE_MAX && bytes < 1u << 20;
}

// How to multiply: the first bytes, lest long data use up the input.
static fuzz_input how;

static void multiply(fuzz_input *in, const qq_matrix *w)
{
    fuzz_input h = how;
    static const qq_type types[4] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16,
                                     QQ_TYPE_INT8};
    const size_t m = 3 - fuzz_u8(in) % 4;
    const size_t ldx = w->k + fuzz_u8(in) % 3, ldy = w->n + fuzz_u8(in) % 3;
    qq_matmul_options o = qq_matmul_options_init();

    o.input = (qq_input)(1 + fuzz_u8(&h) % 8);
    o.x_type = types[fuzz_u8(&h) % 4];
    o.accumulate = fuzz_u8(&h) & 1;
    o.parts = 1 + fuzz_u8(&h) % 3;
    o.x_scale = fuzz_u8(in) % 8 == 7 ? fuzz_f32(in) : 0.01f;
    o.x_zero = (int32_t)fuzz_u8(&h) - 128;
    if (fuzz_u8(in) % 8 == 7)
        o.lo = fuzz_f32(in);
    const size_t tiles = w->tiles > 0 ? w->tiles : 1;
    float *scales = (float *)fuzz_room(m * tiles * sizeof *scales);
    for (size_t i = 0; i < m * tiles; i++)
        scales[i] = fuzz_f32(in);
    o.x_scales = scales;
    const size_t need = qq_matmul_scratch_size(w, &o, m);
    if (fits(need)) {
        const size_t wide = qq_type_bits(o.x_type) / 8;
        const size_t bytes = m ? ((m - 1) * ldx + w->k) * wide : 0;
        const size_t count = m ? (m - 1) * ldy + w->n : 0;
        uint8_t *x = (uint8_t *)fuzz_room(bytes);
        void *y = fuzz_room(count * 4), *scratch = fuzz_room(need);
        for (size_t i = 0; i < bytes; i++)
            x[i] = (uint8_t)fuzz_u8(in);
        memset(y, 0, count * 4);
        (void)qq_matmul(w, &o, m, x, ldx, y, ldy, scratch, need);
        free(x);
        free(y);
        free(scratch);
    }
    free(scales);
}

// All that a matrix is good for.
static void use(fuzz_input *in, const qq_matrix *w)
{
    const size_t out = qq_matrix_unpack_size(w);
    qq_array a;

    if (w->n > 2000 || w->k > 2000 || w->n * w->k > 40000 || !fits(out))
        return;
    void *room = fuzz_room(out);
    fuzz_require(qq_matrix_unpack(w, room, out, &a) == QQ_OK);
    free(room);
    size_t rows[3];
    for (int i = 0; i < 3; i++)
        rows[i] = w->n ? fuzz_u8(in) % w->n : 0;
    const size_t count = w->n ? 3 : 0;
    room = fuzz_room(count * w->k * 4);
    fuzz_require(qq_matrix_row(w, count, rows, room, count * w->k * 4) ==
                 QQ_OK);
    free(room);
    float *f = (float *)fuzz_room((2 * w->n + w->k) * sizeof *f);
    fuzz_require(qq_matrix_factors(w, f, f + w->n, f + w->n + w->k) == QQ_OK);
    free(f);
    multiply(in, w);
}

// The input as packed bytes, behind a head that is nearly right where asked.
static void open_bytes(fuzz_input *in, int help)
{
    static const uint8_t scale_types[4] = {QQ_TYPE_F32, QQ_TYPE_F16,
                                           QQ_TYPE_E8M0, QQ_TYPE_E4M3FN};
    const size_t bytes = help ? 64 + 64 * (fuzz_u8(in) % 64) : in->size;
    uint8_t *p = (uint8_t *)fuzz_room(bytes);
    fuzz_input after = *in;
    qq_matrix w;

    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)fuzz_u8(help ? in : &after);
    if (help) {
        memset(p, 0, 64);
        memcpy(p, "QQMX\1", 5);
        p[6] = (uint8_t)(fuzz_u8(in) % 64);
        p[8] = scale_types[fuzz_u8(in) % 4];
        p[10] = 1;
        p[12] = (uint8_t)(fuzz_u8(in) % 128);
        p[16] = (uint8_t)fuzz_u8(in);
        p[24] = (uint8_t)fuzz_u8(in);
        p[32] = (uint8_t)(fuzz_u8(in) % 33 / 16 * 16);
        p[36] = (uint8_t)(fuzz_u8(in) & 0xfc);
        p[48] = (uint8_t)bytes;
        p[49] = (uint8_t)(bytes >> 8);
    }
    if (qq_matrix_open(p, bytes, &w) == QQ_OK) {
        fuzz_require(w.bytes <= bytes);
        use(in, &w);
    }
    free(p);
}

static void *part(fuzz_input *in, qq_type type, const size_t shape[2],
                  qq_tensor *t)
{
    *t = qq_tensor_make(NULL, type, 2, shape);
    const size_t bytes = qq_tensor_bytes(t);
    uint8_t *p = (uint8_t *)fuzz_room(bytes);
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)fuzz_u8(in);
    t->data = p;
    return p;
}

// What is packed opens as the same matrix and unpacks to the same codes. Then
// a few bytes of its head are changed.
static void pack(const qq_array *a, const qq_matrix_options *o, fuzz_input *in)
{
    const size_t bytes = qq_matrix_size(a, o);
    qq_matrix w, v;
    qq_array b;

    if (!fits(bytes)) {
        fuzz_require(qq_matrix_pack(a, o, NULL, 0, &w) != QQ_OK);
        return;
    }
    void *p = fuzz_room(bytes);
    if (qq_matrix_pack(a, o, p, bytes, &w) == QQ_OK) {
        fuzz_require(w.bytes == bytes);
        fuzz_require(qq_matrix_open(p, bytes, &v) == QQ_OK);
        const size_t out = qq_matrix_unpack_size(&v);
        void *room = fuzz_room(out);
        fuzz_require(qq_matrix_unpack(&v, room, out, &b) == QQ_OK);
        const size_t count = qq_tensor_count(&a->value);
        for (size_t i = 0; a->type != QQ_TYPE_BOOK && i < count; i++)
            fuzz_require(qq_tensor_code(&a->value, i) ==
                         qq_tensor_code(&b.value, i));
        free(room);
        use(in, &v);
        uint8_t *head = (uint8_t *)p;
        for (unsigned i = fuzz_u8(in) % 4; i > 0; i--)
            head[fuzz_u8(in) % 128] = (uint8_t)fuzz_u8(in);
        if (qq_matrix_open(p, bytes, &v) == QQ_OK)
            use(in, &v);
    }
    free(p);
}

static void pack_array(fuzz_input *in)
{
    static const qq_type scale_types[6] = {QQ_TYPE_F32,  QQ_TYPE_F16,
                                           QQ_TYPE_BF16, QQ_TYPE_E8M0,
                                           QQ_TYPE_F64,  QQ_TYPE_E4M3FN};
    const size_t shape[2] = {(17 + fuzz_u8(in)) % 40, (33 + fuzz_u8(in)) % 140};
    const uint32_t flags = fuzz_u8(in);
    size_t tiles[2];
    float factors[3][140], levels[16];
    void *room[3] = {NULL, NULL, NULL};
    qq_matrix_options o = qq_matrix_options_init();
    qq_type_info info;
    qq_array a;

    memset(&a, 0, sizeof a);
    a.type = (qq_type)(fuzz_u8(in) % 64);
    if (qq_type_get(a.type, &info) != QQ_OK || !info.weight)
        a.type = QQ_TYPE_INT4;
    qq_type_get(a.type, &info);
    for (int i = 0; i < 2; i++) {
        a.tile[i] = fuzz_u8(in) % 4 ? shape[i] : fuzz_u8(in) % 9 * 4;
        if (i == 0 && (flags & 1))
            a.tile[i] = 1;
        a.tile[i] = a.tile[i] ? a.tile[i] : 1;
        a.zero_tile[i] = a.tile[i];
        tiles[i] = (shape[i] + a.tile[i] - 1) / a.tile[i];
    }
    const qq_type scale_type = scale_types[fuzz_u8(in) % 6];
    room[0] = part(in, info.storage, shape, &a.value);
    room[1] = part(in, scale_type, tiles, &a.scale);
    if (flags & 2)
        room[2] = part(in, info.storage, tiles, &a.zero_point);
    a.scale2 = flags & 4 ? fuzz_f32(in) : 1.0f;
    for (int i = 0; i < 16; i++)
        levels[i] = (float)(fuzz_u8(in) & 255u) - 128.0f;
    a.levels = levels;
    a.level_count = a.type == QQ_TYPE_BOOK ? flags & 128 ? 16 : 4 : 0;
    for (int i = 0; i < 3 * 140; i++)
        factors[i / 140][i % 140] = fuzz_f32(in);
    o.a = flags & 8 ? factors[0] : NULL;
    o.b = flags & 16 ? factors[1] : NULL;
    o.bias = flags & 32 ? factors[2] : NULL;
    o.sums = flags >> 6 & 1;
    o.base3 = a.type == QQ_TYPE_TERNARY && flags & 128;
    pack(&a, &o, in);
    for (int i = 0; i < 3; i++)
        free(room[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in;

    in.data = data;
    in.size = size;
    how = in;
    for (int i = 0; i < 5; i++)
        (void)fuzz_u8(&in);
    const uint32_t what = fuzz_u8(&in) % 4;
    if (what < 2)
        open_bytes(&in, (int)what);
    else
        pack_array(&in);
    return 0;
}
