// Any array, sane or not, through every move: a clear status, or a result that
// is an array again, has as many bytes as was said, and can be read.

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const qq_type parts[8] = {QQ_TYPE_NONE, QQ_TYPE_F32,  QQ_TYPE_F16,
                                 QQ_TYPE_F64,  QQ_TYPE_INT8, QQ_TYPE_INT3,
                                 QQ_TYPE_E8M0, QQ_TYPE_SIGN};

// A part with one element for each tile of the codes; wild: of any shape.
static void *part(fuzz_input *in, const qq_tensor *codes, qq_type type,
                  int wild, size_t *tile, qq_tensor *t)
{
    size_t shape[QQ_MAX_RANK] = {0};

    memset(t, 0, sizeof *t);
    if (type == QQ_TYPE_NONE)
        return NULL;
    if (wild)
        return fuzz_tensor(in, type, t);
    for (unsigned a = 0; a < codes->rank; a++) {
        const size_t n = codes->shape[a];
        const size_t k = fuzz_u8(in);
        tile[a] = k % 4 == 0 ? 1 : k % 4 == 1 ? n : 1 + k % (n + 1);
        if (k > 250)
            tile[a] = 0;
        shape[a] = n == 0 || tile[a] == 0 ? 1 : (n + tile[a] - 1) / tile[a];
    }
    *t = qq_tensor_make(NULL, type, codes->rank, shape);
    const size_t bytes = qq_tensor_bytes(t);
    uint8_t *p = (uint8_t *)fuzz_room(bytes);
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)fuzz_u8(in);
    t->data = p;
    return p;
}

static uint32_t sum; // so that reading is not left out

static void look(qq_status status, const qq_array *r, size_t bytes)
{
    if (status != QQ_OK)
        return;
    fuzz_require(qq_array_bytes(r) == bytes);
    for (size_t i = 0; i < qq_tensor_count(&r->value); i++)
        sum += (uint32_t)qq_tensor_code(&r->value, i);
    if (r->scale.type == QQ_TYPE_NONE)
        return;
    for (size_t i = 0; i < qq_tensor_count(&r->scale); i++)
        sum += (uint32_t)qq_tensor_code(&r->scale, i);
}

// A result too large for a fuzzer to ask for.
static int fits(size_t bytes)
{
    return bytes != SIZE_MAX && bytes < 1u << 16;
}

static void axes(fuzz_input *in, const qq_array *a)
{
    unsigned list[QQ_MAX_RANK];
    const size_t bytes = qq_array_bytes(a);
    qq_array r;

    for (unsigned i = 0; i < QQ_MAX_RANK; i++)
        list[i] = fuzz_u8(in) % 5;
    if (!fits(bytes)) {
        fuzz_require(qq_array_transpose(a, list, NULL, 0, &r) != QQ_OK);
        return;
    }
    void *out = fuzz_room(bytes);
    look(qq_array_transpose(a, list, out, bytes, &r), &r, bytes);
    look(qq_array_swap_axes(a, (int)fuzz_u8(in) % 6 - 3,
                            (int)fuzz_u8(in) % 6 - 3, out, bytes, &r),
         &r, bytes);
    free(out);
}

static void shapes(fuzz_input *in, const qq_array *a)
{
    size_t shape[QQ_MAX_RANK] = {0};
    const unsigned rank = fuzz_u8(in) % 10;
    qq_array r;

    for (unsigned i = 0; i < rank && i < QQ_MAX_RANK; i++)
        shape[i] = fuzz_u8(in) % 3 ? fuzz_u8(in) % 9 : (size_t)1 << i * 8;
    look(qq_array_reshape(a, rank, shape, &r), &r, qq_array_bytes(a));
    const size_t bytes = qq_array_broadcast_size(a, rank, shape);
    if (!fits(bytes))
        return;
    void *out = fuzz_room(bytes);
    const qq_status status = qq_array_broadcast(a, rank, shape, out, bytes, &r);
    fuzz_require(status == QQ_OK);
    // Nothing is written where the array has the shape, or none is left.
    if (bytes == 0 && qq_tensor_count(&r.value) != 0)
        fuzz_require(r.value.data == a->value.data);
    look(status, &r, bytes ? bytes : qq_array_bytes(&r));
    free(out);
}

static void rows(fuzz_input *in, const qq_array *a)
{
    qq_index index[12];
    size_t list[8];
    const unsigned n = fuzz_u8(in) % 13;
    const qq_rule rule = (qq_rule)(fuzz_u8(in) % 10);
    qq_array r;

    memset(index, 0, sizeof index);
    for (unsigned i = 0; i < n; i++) {
        index[i].kind = (qq_index_kind)(fuzz_u8(in) % 7);
        index[i].start = (ptrdiff_t)fuzz_u8(in) - 8;
        index[i].stop = (ptrdiff_t)fuzz_u8(in) - 8;
        index[i].step = (ptrdiff_t)fuzz_u8(in) % 7 - 3;
        index[i].has_start = fuzz_u8(in) & 1;
        index[i].has_stop = fuzz_u8(in) & 1;
        if (fuzz_u8(in) == 255)
            index[i].step = index[i].start = PTRDIFF_MIN;
    }
    size_t bytes = qq_array_index_size(a, rule, index, n);
    if (fits(bytes)) {
        void *out = fuzz_room(bytes);
        const qq_status status =
            qq_array_index(a, rule, index, n, out, bytes, &r);
        fuzz_require(status == QQ_OK);
        look(status, &r, bytes);
        free(out);
    }
    const int axis = (int)fuzz_u8(in) % 10 - 5;
    const size_t count = fuzz_u8(in) % 9;
    for (size_t i = 0; i < 8; i++)
        list[i] = fuzz_u8(in) % 8;
    bytes = count < 9 ? qq_array_take_size(a, axis, count) : SIZE_MAX;
    if (fits(bytes) && count <= 8) {
        void *out = fuzz_room(bytes);
        look(qq_array_take(a, axis, count, list, out, bytes, &r), &r, bytes);
        free(out);
    }
}

static void together(fuzz_input *in, const qq_array *a, const qq_array *b)
{
    const qq_array *list[3] = {a, b, a};
    const int axis = (int)fuzz_u8(in) % 10 - 5;
    qq_array r;

    if (fuzz_u8(in) & 1)
        list[1] = a;
    const size_t bytes = qq_array_concatenate_size(list, 3, axis);
    if (!fits(bytes))
        return;
    void *out = fuzz_room(bytes);
    const qq_status status =
        qq_array_concatenate(list, 3, axis, out, bytes, &r);
    fuzz_require(status == QQ_OK);
    look(status, &r, bytes);
    free(out);
}

static void numbers(fuzz_input *in, const qq_array *a)
{
    static const qq_type floats[4] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16,
                                      QQ_TYPE_F64};
    const qq_type type = floats[fuzz_u8(in) % 4];
    qq_tensor x, y, z;
    qq_metrics m;
    double share;
    qq_array r;

    void *p = fuzz_tensor(in, type, &x);
    void *q = fuzz_tensor(in, type, &y);
    (void)qq_compare(&x, &y, &m);
    (void)qq_clipped_share(&x, a, &share);
    size_t bytes = qq_broadcast_size(&x, &y);
    if (fits(bytes)) {
        void *out = fuzz_room(bytes);
        (void)qq_broadcast_apply((qq_broadcast_op)(fuzz_u8(in) % 5), &x, &y,
                                 out, bytes, &z);
        free(out);
    }
    free(p);
    free(q);
    bytes = qq_type_bytes(type, qq_tensor_count(&a->scale));
    if (fits(bytes)) {
        void *out = fuzz_room(bytes);
        (void)qq_array_astype(a, type, out, bytes, &r);
        free(out);
    }
    const size_t count = qq_tensor_count(&a->value);
    if (a->value.type == QQ_TYPE_NONE || count > 10000)
        return;
    float *same = (float *)fuzz_room(count * sizeof *same);
    for (size_t i = 0; i < count; i++)
        same[i] = fuzz_f32(in);
    x = qq_tensor_make(same, QQ_TYPE_F32, a->value.rank, a->value.shape);
    if (qq_clipped_share(&x, a, &share) == QQ_OK)
        fuzz_require(share >= 0 && share <= 1);
    free(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in;
    void *room[4];
    qq_array a;

    in.data = data;
    in.size = size;
    const uint32_t wild = fuzz_u8(&in);
    memset(&a, 0, sizeof a);
    a.type = (qq_type)(fuzz_u8(&in) % 64);
    if (qq_type_bits(a.type) == 0)
        a.type = QQ_TYPE_INT4;
    room[0] = fuzz_tensor(&in, a.type, &a.value);
    room[1] = part(&in, &a.value, parts[fuzz_u8(&in) % 8], wild & 1, a.tile,
                   &a.scale);
    room[2] = part(&in, &a.value, parts[fuzz_u8(&in) % 8], wild & 2,
                   a.zero_tile, &a.zero_point);
    size_t unused[QQ_MAX_RANK] = {0};
    room[3] = part(&in, &a.value, wild & 4 ? QQ_TYPE_F32 : QQ_TYPE_NONE,
                   wild & 8, unused, &a.bias);
    a.scale2 = fuzz_f32(&in);
    qq_array b = a;
    b.value.shape[0] = b.value.rank > 0 && b.value.shape[0] > 1 ? 1 : 0;
    switch (fuzz_u8(&in) % 5) {
    case 0:
        axes(&in, &a);
        break;
    case 1:
        shapes(&in, &a);
        break;
    case 2:
        rows(&in, &a);
        break;
    case 3:
        together(&in, &a, &b);
        break;
    default:
        numbers(&in, &a);
    }
    for (int i = 0; i < 4; i++)
        free(room[i]);
    return 0;
}
