// Matrices of rotated inputs: what qq_rotation_rows makes of x, multiplied by
// the same codes that are not turned, is the product, to the bit.

#include "matrix.h"

static const qq_type x_types[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

// Room is one byte off any alignment; this is not.
static float *floats(size_t count)
{
    void *p = (uint8_t *)room(4 * count + 3) + 3;

    return (float *)p;
}

// The same codes, turned and not; a, b and bias.
typedef struct turned_pair {
    qq_rotation r;
    qq_matrix turned;
    qq_matrix plain;
} turned_pair;

static turned_pair pair_make(qq_type type, size_t n, size_t k, size_t tile,
                             size_t limit)
{
    const qq_array a = matrix_array(type, n, k, 1, tile, QQ_TYPE_F32, 1);
    qq_matrix_options o = qq_matrix_options_init();
    float *f = floats(2 * n + k);
    turned_pair p;

    for (size_t i = 0; i < 2 * n + k; i++)
        f[i] = check_uniform();
    o.a = f;
    o.bias = f + n;
    o.b = check_u32() % 2 ? f + 2 * n : NULL;
    p.r = qq_rotation_make(k, limit, check_u32());
    const size_t bytes = qq_matrix_size(&a, &o);
    CHECK(qq_matrix_pack(&a, &o, room(bytes), bytes, &p.plain) == QQ_OK);
    CHECK(!qq_matrix_rotation(&p.plain, NULL));
    o.rotation = &p.r;
    CHECK(qq_matrix_size(&a, &o) == bytes);
    void *out = room(bytes);
    CHECK(qq_matrix_pack(&a, &o, out, bytes, &p.turned) == QQ_OK);
    CHECK(qq_matrix_open(out, bytes, &p.turned) == QQ_OK);
    return p;
}

static void test_view(const turned_pair *p)
{
    qq_rotation r;

    CHECK(qq_matrix_rotation(&p->turned, &r));
    CHECK(qq_matrix_rotation(&p->turned, NULL));
    CHECK(r.init == p->r.init && r.seed == p->r.seed && r.k == p->r.k &&
          r.block == p->r.block);
    qq_matrix none = p->turned;
    none.init ^= 1u;
    CHECK(!qq_matrix_rotation(&none, &r) && !qq_matrix_rotation(NULL, &r));
}

// Rows of W: those of the codes, turned back; out at any address.
static void test_rows(const turned_pair *p)
{
    const size_t n = p->plain.n, k = p->plain.k, bytes = 4 * n * k;
    float *v = floats(n * k);
    uint8_t *u = (uint8_t *)room(bytes);

    CHECK(qq_matrix_row(&p->plain, n, NULL, v, bytes) == QQ_OK);
    CHECK(qq_rotation_rows(&p->r, 1, n, v, k) == QQ_OK);
    CHECK(qq_matrix_row(&p->turned, n, NULL, u, bytes) == QQ_OK);
    CHECK(memcmp(u, v, bytes) == 0);
}

// x of a type, at an odd address, and as the floats that it stands for.
static uint8_t *random_x(qq_type type, size_t count, float *as)
{
    const size_t each = qq_type_bits(type) / 8;
    uint8_t *x = (uint8_t *)room(count * each);

    for (size_t i = 0; i < count; i++) {
        const float f = check_u32() % 400 ? check_uniform() : INFINITY;
        const uint32_t u = qq_type_encode(type, f);
        const uint16_t h = (uint16_t)(u & 0xffff);
        if (type == QQ_TYPE_F32)
            memcpy(x + 4 * i, &u, 4);
        else
            memcpy(x + 2 * i, &h, 2);
        as[i] = x_at(x, type, i);
    }
    return x;
}

static void test_product(const turned_pair *p, qq_type type, qq_input input,
                         size_t m, size_t parts)
{
    const size_t n = p->plain.n, k = p->plain.k, ldx = k + check_u32() % 3;
    float *turned = floats(m * ldx);
    float *y = floats(m * n);
    float *z = floats(m * n);
    const uint8_t *x = random_x(type, m * ldx, turned);
    qq_matmul_options o = qq_matmul_options_init();

    o.x_type = type;
    o.input = input;
    o.x_scale = 0.01f;
    o.x_zero = 3;
    o.parts = parts;
    const size_t bytes = qq_matmul_scratch_size(&p->turned, &o, m);
    void *scratch = room(bytes);
    CHECK(qq_matmul(&p->turned, &o, m, x, ldx, y, n, scratch, bytes - 1) ==
          QQ_ERR_SCRATCH);
    CHECK(qq_matmul(&p->turned, &o, m, x, ldx, y, n, scratch, bytes) == QQ_OK);
    CHECK(qq_rotation_rows(&p->r, 0, m, turned, ldx) == QQ_OK);
    o.x_type = QQ_TYPE_F32;
    CHECK(qq_matmul_scratch_size(&p->plain, &o, m) <= bytes);
    CHECK(qq_matmul(&p->plain, &o, m, turned, ldx, z, n, scratch, bytes) ==
          QQ_OK);
    CHECK(memcmp(y, z, 4 * m * n) == 0);
    o.x_type = type;
    memset(y, 255, 4 * m * n);
    for (unsigned phase = 0; phase < 2; phase++)
        for (size_t i = parts; i-- > 0;)
            CHECK(qq_matmul_part(&p->turned, &o, m, x, ldx, y, n, scratch,
                                 bytes, phase, i) == QQ_OK);
    CHECK(memcmp(y, z, 4 * m * n) == 0);
}

// A weight that is turned, and x, give what they give without.
static void test_meaning(void)
{
    enum { N = 24, K = 96 };
    static float w[N * K], x[K], y[N], bytes_f[N * K];
    const size_t shape[2] = {N, K};
    const qq_rotation r = qq_rotation_make(K, 0, 7);
    const qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    const qq_tensor t = qq_tensor_make(w, QQ_TYPE_F32, 2, shape);
    double want[N] = {0}, worst = 0;
    qq_matrix_options o = qq_matrix_options_init();
    qq_matmul_options mo = qq_matmul_options_init();
    qq_matrix m;

    CHECK(r.block == 32);
    for (size_t i = 0; i < N * K; i++)
        w[i] = check_uniform();
    for (size_t i = 0; i < K; i++)
        x[i] = check_uniform();
    for (size_t i = 0; i < N * K; i++)
        want[i / K] += (double)w[i] * (double)x[i % K];
    CHECK(qq_rotation_rows(&r, 0, N, w, K) == QQ_OK);
    o.rotation = &r;
    const size_t bytes = qq_matrix_quantize_size(&t, &s, &o);
    const size_t room_bytes = qq_matrix_quantize_scratch_size(&t, &s);
    CHECK(qq_matrix_quantize(&t, &s, &o, room(bytes), bytes, room(room_bytes),
                             room_bytes, &m) == QQ_OK);
    mo.input = QQ_INPUT_INT24;
    const size_t need = qq_matmul_scratch_size(&m, &mo, 1);
    CHECK(qq_matmul(&m, &mo, 1, x, K, y, N, room(need), need) == QQ_OK);
    CHECK(qq_matrix_row(&m, N, NULL, bytes_f, sizeof bytes_f) == QQ_OK);
    for (size_t i = 0; i < N; i++) {
        double row = 0;
        for (size_t j = 0; j < K; j++)
            row += (double)bytes_f[i * K + j] * (double)x[j];
        const double e = fabs((double)y[i] - want[i]);
        worst = e > worst ? e : worst;
        CHECK(fabs(row - (double)y[i]) < 1e-4);
    }
    CHECK(worst > 0 && worst < 0.15);
    room_free();
}

static void test_refusals(void)
{
    const turned_pair p = pair_make(QQ_TYPE_INT4, 5, 48, 0, 0);
    const qq_array a = matrix_array(QQ_TYPE_INT4, 5, 48, 1, 0, QQ_TYPE_F32, 0);
    qq_rotation r = qq_rotation_make(96, 0, 1);
    qq_matrix_options o = qq_matrix_options_init();
    qq_matmul_options mo = qq_matmul_options_init();
    uint8_t *bytes = (uint8_t *)room(p.turned.bytes);
    qq_matrix w;

    o.rotation = &r;
    CHECK(qq_matrix_size(&a, &o) == SIZE_MAX); // another k
    r = qq_rotation_make(48, 0, 1);
    CHECK(r.block == 16 && qq_matrix_size(&a, &o) != SIZE_MAX);
    r.block = 32;
    CHECK(qq_matrix_size(&a, &o) == SIZE_MAX);
    r.block = 12;
    CHECK(qq_matrix_size(&a, &o) == SIZE_MAX);
    memset(&r, 0, sizeof r);
    CHECK(qq_matrix_size(&a, &o) == SIZE_MAX);
    mo.x_type = QQ_TYPE_INT8;
    mo.input = QQ_INPUT_INT8_STATIC;
    mo.x_scale = 1;
    CHECK(qq_matmul_scratch_size(&p.turned, &mo, 1) == SIZE_MAX);
    memcpy(bytes, p.turned.data, p.turned.bytes);
    CHECK(qq_matrix_open(bytes, p.turned.bytes, &w) == QQ_OK);
    for (int log = 0; log < 256; log++) {
        bytes[44] = (uint8_t)log;
        CHECK((qq_matrix_open(bytes, p.turned.bytes, &w) == QQ_OK) ==
              (log <= 4));
    }
    bytes[44] = 4;
    bytes[47] = 1;
    CHECK(qq_matrix_open(bytes, p.turned.bytes, &w) == QQ_ERR_FORMAT);
    bytes[47] = 0;
    bytes[14] = 0; // not turned, but a seed
    CHECK(qq_matrix_open(bytes, p.turned.bytes, &w) == QQ_ERR_FORMAT);
    room_free();
}

int main(void)
{
    static const qq_type types[] = {QQ_TYPE_SIGN, QQ_TYPE_TERNARY, QQ_TYPE_INT4,
                                    QQ_TYPE_INT8, QQ_TYPE_E4M3FN};
    static const size_t widths[] = {1, 7, 24, 96, 512};

    for (size_t t = 0; t < 5; t++)
        for (size_t i = 0; i < 5; i++) {
            const size_t k = widths[i];
            const turned_pair p = pair_make(types[t], 1 + check_u32() % 20, k,
                                            k > 32 ? 32 : 0, i == 3 ? 8 : 0);
            test_view(&p);
            test_rows(&p);
            for (int input = QQ_INPUT_INT8_ROW; input <= QQ_INPUT_F32; input++)
                if (types[t] != QQ_TYPE_E4M3FN || input == QQ_INPUT_F32)
                    test_product(&p, x_types[input % 3], (qq_input)input,
                                 1 + check_u32() % 20, 1 + check_u32() % 3);
            room_free();
        }
    test_meaning();
    test_refusals();
    return check_done();
}
