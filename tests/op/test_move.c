// Tensors and eformer's arrays in another shape.

#include "numbers.h"

static const qq_type types[] = {QQ_TYPE_F32,  QQ_TYPE_F64,    QQ_TYPE_BF16,
                                QQ_TYPE_INT8, QQ_TYPE_INT4,   QQ_TYPE_INT3,
                                QQ_TYPE_SIGN, QQ_TYPE_TERNARY};

static int same_element(const qq_tensor *x, size_t i, const qq_tensor *y,
                        size_t k)
{
    return x->type == y->type && check_bits(qq_tensor_value(x, i)) ==
                                     check_bits(qq_tensor_value(y, k));
}

static qq_tensor moved(const qq_tensor *t, const qq_move *m)
{
    const size_t bytes = qq_tensor_move_size(t, m);
    qq_tensor r;

    memset(&r, 0, sizeof r);
    if (!CHECK(bytes != SIZE_MAX))
        return r;
    CHECK(qq_tensor_move(t, m, room(bytes), bytes, &r) == QQ_OK);
    CHECK(qq_tensor_bytes(&r) == bytes);
    CHECK(bytes == 0 ||
          qq_tensor_move(t, m, room(bytes), bytes - 1, &r) == QQ_ERR_SIZE);
    return r;
}

static void test_transpose(void)
{
    size_t shape[QQ_MAX_RANK] = {0};
    const unsigned rank = random_shape(shape, 4, 5, 1);
    const qq_tensor t = random_tensor(types[below(8)], rank, shape);
    unsigned axes[QQ_MAX_RANK] = {0, 1, 2, 3};

    for (unsigned i = rank; i > 1; i--) {
        const unsigned j = (unsigned)below(i), k = axes[i - 1];
        axes[i - 1] = axes[j];
        axes[j] = k;
    }
    const qq_move m = qq_move_transpose(rank, axes);
    const qq_tensor r = moved(&t, &m);
    for (size_t i = 0; i < qq_tensor_count(&r); i++) {
        size_t at[QQ_MAX_RANK], from[QQ_MAX_RANK];
        place_to_at(i, rank, r.shape, at);
        for (unsigned k = 0; k < rank; k++)
            from[axes[k]] = at[k];
        CHECK(same_element(&r, i, &t, at_to_place(rank, shape, from)));
    }
    room_free();
}

// Axes are inserted and sizes of 1 repeated.
static void test_broadcast(void)
{
    size_t shape[QQ_MAX_RANK] = {0}, wide[QQ_MAX_RANK] = {0};
    unsigned axes[QQ_MAX_RANK] = {0};
    unsigned rank = 0, n = 0;

    for (unsigned a = 0; a < 5; a++) {
        const size_t size = below(20) == 0 ? 0 : 1 + below(4);
        if (below(2)) {
            axes[n] = rank;
            shape[n++] = below(2) ? 1 : size;
        }
        wide[rank++] = size;
    }
    const qq_tensor t = random_tensor(types[below(8)], n, shape);
    const qq_move m = qq_move_broadcast(rank, wide, n, axes);
    const qq_tensor r = moved(&t, &m);
    CHECK(same_shape(&r, rank, wide));
    for (size_t i = 0; i < qq_tensor_count(&r); i++) {
        size_t at[QQ_MAX_RANK], from[QQ_MAX_RANK];
        place_to_at(i, rank, wide, at);
        for (unsigned k = 0; k < n; k++)
            from[k] = shape[k] == 1 ? 0 : at[axes[k]];
        CHECK(same_element(&r, i, &t, at_to_place(n, shape, from)));
    }
    room_free();
}

static void test_reshape(void)
{
    const size_t shape[2] = {1 + below(6), 1 + below(6)};
    const size_t flat = shape[0] * shape[1];
    const qq_tensor t = random_tensor(types[below(8)], 2, shape);
    const qq_move m = qq_move_reshape(1, &flat);
    const qq_tensor r = moved(&t, &m);

    CHECK(r.rank == 1 && r.shape[0] == flat);
    for (size_t i = 0; i < flat; i++)
        CHECK(same_element(&r, i, &t, i));
    room_free();
}

static void test_refusals(void)
{
    static const float x[12] = {0};
    static const unsigned twice[2] = {0, 0}, far[2] = {0, 2}, down[2] = {1, 0};
    const size_t shape[2] = {3, 4}, other[2] = {3, 5}, more[3] = {3, 3, 4};
    const size_t huge[3] = {3, 4, SIZE_MAX / 8};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    static const unsigned first[2] = {0, 1};
    float out[64];
    qq_tensor r;

    const qq_move a = qq_move_transpose(2, twice);
    const qq_move b = qq_move_transpose(2, far);
    const qq_move c = qq_move_transpose(1, twice);
    CHECK(qq_tensor_move(&t, &a, out, 256, &r) == QQ_ERR_AXIS);
    CHECK(qq_tensor_move(&t, &b, out, 256, &r) == QQ_ERR_AXIS);
    CHECK(qq_tensor_move(&t, &c, out, 256, &r) == QQ_ERR_AXIS);
    const qq_move d = qq_move_reshape(2, other);
    CHECK(qq_tensor_move(&t, &d, out, 256, &r) == QQ_ERR_SHAPE);
    const qq_move e = qq_move_broadcast(2, other, 2, first);
    const qq_move f = qq_move_broadcast(2, shape, 2, down);
    const qq_move g = qq_move_broadcast(3, more, 2, far);
    const qq_move h = qq_move_broadcast(3, huge, 2, first);
    CHECK(qq_tensor_move(&t, &e, out, 256, &r) == QQ_ERR_SHAPE);
    CHECK(qq_tensor_move(&t, &f, out, 256, &r) == QQ_ERR_AXIS);
    CHECK(qq_tensor_move(&t, &g, out, 256, &r) == QQ_OK);
    CHECK(qq_tensor_move(&t, &h, out, 256, &r) == QQ_ERR_SIZE);
    const qq_move nine = qq_move_reshape(9, NULL);
    CHECK(qq_tensor_move(&t, &nine, out, 256, &r) == QQ_ERR_AXIS);
    CHECK(qq_tensor_move(&t, NULL, out, 256, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_move(&t, &g, out, 256, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_move(&t, &g, NULL, 256, &r) == QQ_ERR_ARGUMENT);
}

// --- arrays ----------------------------------------------------------------

static qq_array quantized(const qq_tensor *x, const qq_scheme *s)
{
    const size_t bytes = qq_array_size(x, s);
    qq_array a;

    memset(&a, 0, sizeof a);
    CHECK(bytes != SIZE_MAX &&
          qq_quantize(x, s, room(bytes), bytes, &a) == QQ_OK);
    return a;
}

static qq_tensor decoded(const qq_array *a, qq_type type)
{
    const size_t bytes = qq_type_bytes(type, qq_tensor_count(&a->value));
    qq_tensor t;

    memset(&t, 0, sizeof t);
    CHECK(qq_dequantize(a, QQ_RULE_EFORMER, type, room(bytes), bytes, &t) ==
          QQ_OK);
    return t;
}

static qq_array array_moved(const qq_array *a, const qq_move *m, qq_type type)
{
    const size_t bytes = qq_array_move_size(a, m, type);
    const size_t need = qq_array_move_scratch_size(a, m, type);
    qq_array r;

    memset(&r, 0, sizeof r);
    if (!CHECK(bytes != SIZE_MAX && need != SIZE_MAX))
        return r;
    void *out = room(bytes);
    void *scratch = room(need);
    CHECK(qq_array_move(a, m, type, out, bytes, scratch, need, &r) == QQ_OK);
    CHECK(qq_array_check(&r) == QQ_OK && qq_array_bytes(&r) == bytes);
    CHECK(bytes == 0 || r.scale.data == out);
    if (need > 0)
        CHECK(qq_array_move(a, m, type, out, bytes, scratch, need - 1, &r) ==
              QQ_ERR_SCRATCH);
    return r;
}

static int same_array(const qq_array *a, const qq_array *b)
{
    const size_t bytes = qq_array_bytes(a);

    return same_shape(&a->value, b->value.rank, b->value.shape) &&
           same_shape(&a->scale, b->scale.rank, b->scale.shape) &&
           bytes == qq_array_bytes(b) &&
           (bytes == 0 || memcmp(a->scale.data, b->scale.data, bytes) == 0);
}

// nf4 of any shape, and int8 that is reshaped: decode, move, quantize.
static void test_again(void)
{
    const size_t shape[3] = {1 + below(3), 1 + below(4), 1 + below(9)};
    const size_t block = 2 + 2 * below(3);
    const qq_type type = op_types[below(3)];
    const qq_tensor x = random_tensor(type, 3, shape);
    const int nf4 = (int)below(3);
    static const unsigned axes[3] = {2, 0, 1}, to[3] = {0, 2, 3};
    qq_scheme s =
        qq_scheme_init_rule(nf4 ? QQ_TYPE_NF4 : QQ_TYPE_INT8, QQ_RULE_EFORMER);
    if (nf4)
        s.tile[2] = block;
    else
        s.channels = (uint32_t)below(8);
    const qq_array a = quantized(&x, &s);
    const qq_tensor y = decoded(&a, type);
    const size_t flat[2] = {qq_tensor_count(&y), 1};
    const size_t wide[4] = {y.shape[0], 2, y.shape[1], y.shape[2]};
    const int kind = nf4 ? (int)below(3) : 2;
    const qq_move m = kind == 0 ? qq_move_transpose(3, axes)
                      : kind == 1
                          ? qq_move_broadcast(4, wide, 3, to)
                          : qq_move_reshape(1 + (unsigned)below(2), flat);
    const qq_tensor z = moved(&y, &m);

    memset(s.tile, 0, sizeof s.tile);
    s.channels = 0;
    if (nf4)
        s.tile[z.rank - 1] = block;
    else
        s.channels = (1u << (z.rank - 1)) - 1;
    const qq_array want = quantized(&z, &s);
    const qq_array got = array_moved(&a, &m, below(2) ? type : QQ_TYPE_NONE);
    CHECK(same_array(&got, &want));
    room_free();
}

// int8: the parts move by themselves, nothing is decoded.
static void test_parts(void)
{
    const size_t shape[3] = {1 + below(3), 1 + below(4), 1 + below(5)};
    const qq_tensor x = random_tensor(QQ_TYPE_F32, 3, shape);
    static const unsigned axes[3] = {2, 0, 1}, to[3] = {0, 2, 3};
    const size_t wide[4] = {shape[0], 3, shape[1], shape[2]};
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);

    s.channels = (uint32_t)below(8);
    const qq_array a = quantized(&x, &s);
    const qq_move t = qq_move_transpose(3, axes);
    const qq_move b = qq_move_broadcast(4, wide, 3, to);
    const qq_tensor y = decoded(&a, QQ_TYPE_F32);
    const qq_array ta = array_moved(&a, &t, QQ_TYPE_NONE);
    const qq_array ba = array_moved(&a, &b, QQ_TYPE_NONE);
    CHECK(qq_tensor_count(&ta.scale) == qq_tensor_count(&a.scale));
    CHECK(same_shape(&ba.scale, 4, wide) && same_shape(&ba.value, 4, wide));
    const qq_tensor tv = decoded(&ta, QQ_TYPE_F32), tw = moved(&y, &t);
    const qq_tensor bv = decoded(&ba, QQ_TYPE_F32), bw = moved(&y, &b);
    CHECK(same_shape(&tv, 3, tw.shape));
    CHECK(memcmp(tv.data, tw.data, qq_tensor_bytes(&tw)) == 0);
    CHECK(memcmp(bv.data, bw.data, qq_tensor_bytes(&bw)) == 0);
    room_free();
}

static void test_array_refusals(void)
{
    static const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const size_t shape[2] = {2, 4}, other[2] = {3, 3};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    const qq_move bad = qq_move_reshape(2, other);
    const qq_move same = qq_move_reshape(2, shape);
    uint8_t out[256], scratch[256];
    qq_array r;

    qq_array a = quantized(&t, &s);
    CHECK(qq_array_move(&a, &bad, QQ_TYPE_NONE, out, 256, scratch, 256, &r) ==
          QQ_ERR_SHAPE);
    CHECK(qq_array_move(&a, &same, QQ_TYPE_INT8, out, 256, scratch, 256, &r) ==
          QQ_ERR_TYPE);
    CHECK(qq_array_move(&a, NULL, QQ_TYPE_NONE, out, 256, scratch, 256, &r) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_array_move(&a, &same, QQ_TYPE_NONE, out, 3, scratch, 256, &r) ==
          QQ_ERR_SIZE);
    s = qq_scheme_init_rule(QQ_TYPE_TERNARY, QQ_RULE_EFORMER);
    a = quantized(&t, &s);
    CHECK(qq_array_move(&a, &same, QQ_TYPE_NONE, out, 256, scratch, 256, &r) ==
          QQ_ERR_TYPE);
    const size_t one[2] = {1, 1};
    const qq_tensor u = qq_tensor_make(x, QQ_TYPE_F32, 2, one);
    const qq_move scalar = qq_move_reshape(0, NULL);
    s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    a = quantized(&u, &s);
    CHECK(qq_array_move(&a, &scalar, QQ_TYPE_NONE, out, 256, scratch, 256,
                        &r) == QQ_ERR_SHAPE);
    room_free();
}

int main(void)
{
    const size_t cases = check_count(500);

    for (size_t i = 0; i < cases; i++) {
        test_transpose();
        test_broadcast();
        test_reshape();
        test_again();
        test_parts();
    }
    test_refusals();
    test_array_refusals();
    return check_done();
}
