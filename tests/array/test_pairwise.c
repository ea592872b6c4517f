// Sums and products of two tensors, one number after another.

#include "qquant.h"

#include "random_array.h"

// Sums and products of f16 and bf16 numbers are exact in double, so the
// conversion from double is the one rounding that is wanted; in f32 the C
// compiler's own operation is, on a volatile to keep it apart.
static uint32_t expected(qq_broadcast_op op, qq_type type, float x, float y)
{
    volatile float a = x, b = y, z;
    double d;

    z = op == QQ_BROADCAST_MULTIPLY ? a * b
        : op == QQ_BROADCAST_ADD    ? a + b
                                    : a - b;
    if (type == QQ_TYPE_F32)
        return check_bits(z);
    d = op == QQ_BROADCAST_MULTIPLY ? (double)x * (double)y
        : op == QQ_BROADCAST_ADD    ? (double)x + (double)y
                                    : (double)x - (double)y;
    if (type == QQ_TYPE_F16 && (d >= 65520 || d <= -65520))
        return d > 0 ? 0x7c00 : 0xfc00; // the conversion would saturate
    const size_t one = 1;
    const qq_tensor t = qq_tensor_make(&d, QQ_TYPE_F64, 1, &one);
    uint16_t code;
    qq_tensor r;
    if (qq_tensor_convert(&t, type, &code, 2, &r) != QQ_OK)
        abort();
    return code;
}

static qq_tensor random_floats(qq_type type, unsigned rank, const size_t *shape)
{
    qq_tensor t = random_tensor(type, rank, shape);
    uint8_t *p = (uint8_t *)room_blocks[room_count - 1] + 1;

    for (size_t i = 0; i < qq_tensor_count(&t); i++) {
        // Exponents near each other, so that sums round, not only products.
        const float x = check_uniform() * (float)(1 << check_u32() % 12);
        const uint32_t u = qq_type_encode(type, x);
        const uint16_t h = (uint16_t)(u & 0xffff);
        if (type == QQ_TYPE_F32)
            memcpy(p + 4 * i, &u, 4);
        else
            memcpy(p + 2 * i, &h, 2);
    }
    return t;
}

static void test_apply(void)
{
    static const qq_type types[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};
    const qq_type type = types[check_u32() % 3];
    const qq_broadcast_op op = (qq_broadcast_op)(1 + check_u32() % 3);
    size_t p[QQ_MAX_RANK], q[QQ_MAX_RANK], want[QQ_MAX_RANK];
    const unsigned rank = random_shape(want, 3, 6, 0);
    int fits = 1;
    qq_tensor r;

    for (unsigned i = 0; i < rank; i++) {
        const size_t n = want[i];
        const size_t k = 1 + below(4);
        p[i] = check_u32() % 2 ? n * k : n;
        q[i] = check_u32() % 2 ? n : p[i];
        if (check_u32() % 4 == 0)
            q[i] = 1;
        if (check_u32() % 16 == 0)
            q[i] = below(5);
        if (check_u32() % 2) {
            const size_t t = p[i];
            p[i] = q[i];
            q[i] = t;
        }
        const size_t more = p[i] > q[i] ? p[i] : q[i];
        const size_t less = p[i] > q[i] ? q[i] : p[i];
        want[i] = less == 0 ? 0 : more;
        fits &= less == 0 ? more <= 1 : more % less == 0;
    }
    const qq_tensor x = random_floats(type, rank, p);
    const qq_tensor y = random_floats(type, rank, q);
    const size_t bytes = qq_broadcast_size(&x, &y);
    CHECK((bytes != SIZE_MAX) == fits);
    if (!fits) {
        CHECK(qq_broadcast_apply(op, &x, &y, NULL, 0, &r) == QQ_ERR_SHAPE);
        room_free();
        return;
    }
    void *out = room(bytes);
    CHECK(qq_broadcast_apply(op, &x, &y, out, bytes, &r) == QQ_OK);
    CHECK(r.type == type && same_shape(&r, rank, want));
    for (size_t i = 0; i < qq_tensor_count(&r); i++) {
        size_t at[QQ_MAX_RANK], u[QQ_MAX_RANK], v[QQ_MAX_RANK];
        place_to_at(i, rank, want, at);
        for (unsigned k = 0; k < rank; k++) {
            u[k] = at[k] * p[k] / want[k];
            v[k] = at[k] * q[k] / want[k];
        }
        const float a = qq_tensor_value(&x, at_to_place(rank, p, u));
        const float b = qq_tensor_value(&y, at_to_place(rank, q, v));
        const uint32_t mask = type == QQ_TYPE_F32 ? 0xffffffffu : 0xffffu;
        CHECK(((uint32_t)qq_tensor_code(&r, i) & mask) ==
              expected(op, type, a, b));
    }
    room_free();
}

static void test_special(void)
{
    const size_t one = 1, two = 2, many[2] = {1, 1};
    const float inf = check_f32(0x7f800000), big = 3e38f, pair[2] = {1, 2};
    const uint16_t half = 0x7bff; // 65504
    const qq_tensor x = qq_tensor_make(&inf, QQ_TYPE_F32, 1, &one);
    const qq_tensor b = qq_tensor_make(&big, QQ_TYPE_F32, 1, &one);
    const qq_tensor h = qq_tensor_make(&half, QQ_TYPE_F16, 1, &one);
    const qq_tensor flat = qq_tensor_make(&inf, QQ_TYPE_F32, 2, many);
    const qq_tensor p = qq_tensor_make(pair, QQ_TYPE_F32, 1, &two);
    uint32_t z = 0;
    uint16_t z16 = 0;
    qq_tensor r;

    CHECK(qq_broadcast_apply(QQ_BROADCAST_SUBTRACT, &x, &x, &z, 4, &r) ==
          QQ_OK);
    CHECK(z == 0x7fc00000);
    CHECK(qq_broadcast_apply(QQ_BROADCAST_ADD, &b, &b, &z, 4, &r) == QQ_OK);
    CHECK(z == 0x7f800000);
    CHECK(qq_broadcast_apply(QQ_BROADCAST_ADD, &h, &h, &z16, 2, &r) == QQ_OK);
    CHECK(z16 == 0x7c00);
    CHECK(qq_broadcast_apply((qq_broadcast_op)4, &x, &x, &z, 4, &r) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_broadcast_apply(QQ_BROADCAST_ADD, &x, &h, &z, 4, &r) ==
          QQ_ERR_TYPE);
    CHECK(qq_broadcast_apply(QQ_BROADCAST_ADD, &x, &flat, &z, 4, &r) ==
          QQ_ERR_SHAPE);
    CHECK(qq_broadcast_apply(QQ_BROADCAST_ADD, NULL, &x, &z, 4, &r) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_broadcast_apply(QQ_BROADCAST_ADD, &x, &p, &z, 4, &r) ==
          QQ_ERR_SIZE);
    CHECK(qq_broadcast_apply(QQ_BROADCAST_ADD, &x, &p, NULL, 8, &r) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_broadcast_apply(QQ_BROADCAST_ADD, &x, &x, &z, 4, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_broadcast_size(&x, &h) == SIZE_MAX);
}

int main(void)
{
    for (size_t i = check_count(10000); i > 0; i--)
        test_apply();
    test_special();
    return check_done();
}
