// Any bytes as a packed matrix: a clear status, or a matrix that can be read,
// unpacked and multiplied within exactly the bytes that were said, with the
// same bits on all instruction sets, whole or in parts. And any small array
// packed, any small tensor quantized: the same bytes on all sets, which can be
// opened and unpacked to their codes, and opened again with the head changed.

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Sizes too large for a fuzzer to ask for.
static int fits(size_t bytes)
{
    return bytes != SIZE_MAX && bytes < 1u << 20;
}

// How to multiply: the first bytes, lest long data use up the input.
static fuzz_input how;

// Whether the sums that a matrix may bring are those of its codes: where they
// are not, instruction sets may differ.
static int sums_hold;

// Scalar first: the others must give what it gives.
static const qq_isa isas[] = {
    QQ_ISA_SCALAR, QQ_ISA_AVX2,        QQ_ISA_AVX_VNNI,
    QQ_ISA_AVX512, QQ_ISA_AVX512_VNNI, QQ_ISA_AMX,
    QQ_ISA_NEON,   QQ_ISA_NEON_DOT,    QQ_ISA_NEON_I8MM};
enum { ISAS = sizeof isas / sizeof isas[0] };

typedef struct operands {
    size_t m;
    size_t ldx;
    size_t ldy;
    void *x;
    size_t y_bytes;
    void *scratch;
    size_t need;
    int by_part;
} operands;

// y is full of the number that fill makes.
static qq_status product(const qq_matrix *w, const qq_matmul_options *o,
                         const operands *p, int fill, void *y)
{
    qq_status status = QQ_OK;

    memset(y, fill, p->y_bytes);
    memset(p->scratch, 0x5a, p->need);
    if (!p->by_part)
        return qq_matmul(w, o, p->m, p->x, p->ldx, y, p->ldy, p->scratch,
                         p->need);
    for (unsigned phase = 0; phase < 2 && status == QQ_OK; phase++)
        for (size_t i = o->parts; i-- > 0 && status == QQ_OK;)
            status = qq_matmul_part(w, o, p->m, p->x, p->ldx, y, p->ldy,
                                    p->scratch, p->need, phase, i);
    return status;
}

static void compare_isas(fuzz_input *in, const qq_matrix *w,
                         const qq_matmul_options *o, operands *p)
{
    const int fill = (int)(fuzz_u8(in) & 0x7f);
    void *want = fuzz_room(p->y_bytes), *y = fuzz_room(p->y_bytes);
    qq_matmul_options one = *o;

    p->by_part = 0;
    fuzz_require(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    one.parts = 1;
    const qq_status status = product(w, &one, p, fill, want);
    p->by_part = fuzz_u8(in) & 1;
    for (int i = 0; i < ISAS; i++) {
        if (qq_use_isa(isas[i]) != QQ_OK)
            continue;
        fuzz_require(product(w, o, p, fill, y) == status);
        fuzz_require(!(sums_hold || w->sum_at == 0) ||
                     memcmp(y, want, p->y_bytes) == 0);
    }
    fuzz_require(qq_use_isa(QQ_ISA_BEST) == QQ_OK);
    free(want);
    free(y);
}

static void multiply(fuzz_input *in, const qq_matrix *w)
{
    fuzz_input h = how;
    static const qq_type types[4] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16,
                                     QQ_TYPE_INT8};
    operands p;
    qq_matmul_options o = qq_matmul_options_init();

    p.m = fuzz_u8(in) % 8 < 6 ? fuzz_u8(in) % 6 : fuzz_u8(in) % 40;
    p.ldx = w->k + fuzz_u8(in) % 3;
    p.ldy = w->n + fuzz_u8(in) % 3;
    o.input = (qq_input)(1 + fuzz_u8(&h) % 8);
    o.x_type = types[fuzz_u8(&h) % 4];
    o.accumulate = fuzz_u8(&h) & 1;
    o.parts = 1 + fuzz_u8(&h) % 3;
    o.x_scale = fuzz_u8(in) % 8 == 7 ? fuzz_f32(in) : 0.01f;
    o.x_zero = (int32_t)fuzz_u8(&h) - 128;
    if (fuzz_u8(in) % 8 == 7)
        o.lo = fuzz_f32(in);
    const size_t tiles = w->tiles > 0 ? w->tiles : 1;
    float *scales = (float *)fuzz_room(p.m * tiles * sizeof *scales);
    for (size_t i = 0; i < p.m * tiles; i++)
        scales[i] = fuzz_f32(in);
    o.x_scales = scales;
    p.need = qq_matmul_scratch_size(w, &o, p.m);
    if (fits(p.need)) {
        const size_t wide = qq_type_bits(o.x_type) / 8;
        const size_t bytes = p.m ? ((p.m - 1) * p.ldx + w->k) * wide : 0;
        uint8_t *x = (uint8_t *)fuzz_room(bytes);
        for (size_t i = 0; i < bytes; i++)
            x[i] = (uint8_t)fuzz_u8(in);
        p.x = x;
        p.y_bytes = 4 * (p.m ? (p.m - 1) * p.ldy + w->n : 0);
        p.scratch = fuzz_room(p.need);
        compare_isas(in, w, &o, &p);
        free(x);
        free(p.scratch);
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
        sums_hold = 0;
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
    void *p = fuzz_room(bytes), *q = fuzz_room(bytes);
    fuzz_require(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    const qq_status packs = qq_matrix_pack(a, o, p, bytes, &w);
    for (int i = 1; i < ISAS; i++) {
        if (qq_use_isa(isas[i]) != QQ_OK)
            continue;
        fuzz_require(qq_matrix_pack(a, o, q, bytes, &w) == packs);
        fuzz_require(packs != QQ_OK || memcmp(p, q, bytes) == 0);
    }
    fuzz_require(qq_use_isa(QQ_ISA_BEST) == QQ_OK);
    free(q);
    if (packs == QQ_OK) {
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
        sums_hold = 1;
        use(in, &v);
        sums_hold = 0;
        uint8_t *head = (uint8_t *)p;
        for (unsigned i = fuzz_u8(in) % 4; i > 0; i--)
            head[fuzz_u8(in) % (bytes < 128 ? bytes : 128)] =
                (uint8_t)fuzz_u8(in);
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

// Any numbers into panels, under any scheme that a few bytes can say.
static void quantize(fuzz_input *in)
{
    static const qq_type x_types[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};
    const size_t shape[2] = {(17 + fuzz_u8(in)) % 40, (33 + fuzz_u8(in)) % 140};
    static const float levels[4] = {-128, -3, 5, 127};
    qq_scheme s = qq_scheme_init((qq_type)(fuzz_u8(in) % 64));
    const uint32_t flags = fuzz_u8(in);
    qq_matrix w;
    qq_tensor x;

    (void)qq_scheme_channel(&s, 0, 2);
    if (flags & 1)
        (void)qq_scheme_tile(&s, 1, 2, 4 + fuzz_u8(in) % 16 * 4);
    s.calibration.method = (qq_calib)(1 + fuzz_u8(in) % 8);
    s.calibration.args[0] = (double)(fuzz_u8(in) % 16) / 4.0;
    s.calibration.arg_count = flags >> 1 & 1;
    s.range = (qq_range)(1 + (flags >> 2) % 3);
    s.scale_type = (qq_type)(fuzz_u8(in) % 64);
    s.levels = levels;
    s.level_count = 4;
    void *data = part(in, x_types[fuzz_u8(in) % 3], shape, &x);
    const size_t bytes = qq_matrix_quantize_size(&x, &s, NULL);
    const size_t need = qq_matrix_quantize_scratch_size(&x, &s);
    if (fits(bytes) && fits(need)) {
        void *p = fuzz_room(bytes), *q = fuzz_room(bytes);
        void *scratch = fuzz_room(need);
        fuzz_require(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
        const qq_status status =
            qq_matrix_quantize(&x, &s, NULL, p, bytes, scratch, need, &w);
        for (int i = 1; i < ISAS; i++) {
            if (qq_use_isa(isas[i]) != QQ_OK)
                continue;
            fuzz_require(qq_matrix_quantize(&x, &s, NULL, q, bytes, scratch,
                                            need, &w) == status);
            fuzz_require(status != QQ_OK || memcmp(p, q, bytes) == 0);
        }
        fuzz_require(qq_use_isa(QQ_ISA_BEST) == QQ_OK);
        sums_hold = 1;
        if (status == QQ_OK)
            use(in, &w);
        free(p);
        free(q);
        free(scratch);
    }
    free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in;

    in.data = data;
    in.size = size;
    how = in;
    for (int i = 0; i < 5; i++)
        (void)fuzz_u8(&in);
    const uint32_t what = fuzz_u8(&in) % 5;
    if (what < 2)
        open_bytes(&in, (int)what);
    else if (what < 4)
        pack_array(&in);
    else
        quantize(&in);
    return 0;
}
