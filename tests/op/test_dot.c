// dot_general against loops over all indices, in double; eformer's own.

#include "numbers.h"

// The place of an element with index at.
static size_t place(const qq_tensor *t, const size_t *at)
{
    return at_to_place(t->rank, t->shape, at);
}

// Names an axis of x and of y and gives it a size.
struct axis {
    int in_x;
    int in_y;
    size_t size;
};

// Small whole numbers: every order of summing gives the same.
static qq_tensor small_numbers(qq_type type, unsigned rank, const size_t *shape)
{
    qq_tensor t = qq_tensor_make(NULL, type, rank, shape);
    const size_t n = qq_tensor_count(&t);
    uint8_t *p = (uint8_t *)room(qq_tensor_bytes(&t));
    const size_t width = qq_type_bits(type) / 8;

    for (size_t i = 0; i < n; i++) {
        const uint32_t u = qq_type_encode(type, (float)below(9) - 4.0f);
        const uint8_t u8 = (uint8_t)(u & 255);
        const uint16_t u16 = (uint16_t)(u & 65535);
        if (width == 1)
            p[i] = u8;
        else if (width == 2)
            memcpy(p + 2 * i, &u16, 2);
        else
            memcpy(p + 4 * i, &u, 4);
    }
    t.data = p;
    return t;
}

// Shuffles n numbers.
static void shuffle(unsigned *x, unsigned n)
{
    for (unsigned i = n; i > 1; i--) {
        const unsigned j = (unsigned)below(i);
        const unsigned t = x[i - 1];
        x[i - 1] = x[j];
        x[j] = t;
    }
}

struct product {
    unsigned contract, batch, rest_x, rest_y;
    size_t sizes[8];           // contract, batch, rest of x, rest of y
    unsigned of_x[8], of_y[8]; // which size each axis of x and y has
    qq_dot_dims dims;
    qq_tensor x, y;
};

static void random_product(struct product *p, qq_type tx, qq_type ty)
{
    size_t shape[8] = {0};
    unsigned nx = 0, ny = 0;

    memset(p, 0, sizeof *p);
    p->contract = (unsigned)below(3);
    p->batch = (unsigned)below(3);
    p->rest_x = (unsigned)below(3);
    p->rest_y = (unsigned)below(3);
    const unsigned n = p->contract + p->batch;
    for (unsigned i = 0; i < 8; i++)
        p->sizes[i] = 1 + below(4);
    if (below(20) == 0)
        p->sizes[below(8)] = 0;
    for (unsigned i = 0; i < n + p->rest_x; i++)
        p->of_x[nx++] = i;
    for (unsigned i = 0; i < n; i++)
        p->of_y[ny++] = i;
    for (unsigned i = 0; i < p->rest_y; i++)
        p->of_y[ny++] = n + p->rest_x + i;
    shuffle(p->of_x, nx);
    shuffle(p->of_y, ny);
    p->dims.contract_count = p->contract;
    p->dims.batch_count = p->batch;
    for (unsigned a = 0; a < nx; a++) {
        const unsigned k = p->of_x[a];
        shape[a] = p->sizes[k];
        if (k < p->contract)
            p->dims.lhs_contract[k] = a;
        else if (k < n)
            p->dims.lhs_batch[k - p->contract] = a;
    }
    p->x = small_numbers(tx, nx, shape);
    for (unsigned a = 0; a < ny; a++) {
        const unsigned k = p->of_y[a];
        shape[a] = p->sizes[k];
        if (k < p->contract)
            p->dims.rhs_contract[k] = a;
        else if (k < n)
            p->dims.rhs_batch[k - p->contract] = a;
    }
    p->y = small_numbers(ty, ny, shape);
}

// The rests keep their order, so each one's axes are sorted.
static void sort_rests(const struct product *p, unsigned *order)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->batch; i++)
        order[n++] = p->contract + i;
    for (unsigned a = 0; a < p->x.rank; a++)
        if (p->of_x[a] >= p->contract + p->batch)
            order[n++] = p->of_x[a];
    for (unsigned a = 0; a < p->y.rank; a++)
        if (p->of_y[a] >= p->contract + p->batch)
            order[n++] = p->of_y[a];
}

static double sum_at(const struct product *p, size_t *index)
{
    size_t at_x[8], at_y[8], terms = 1;
    double sum = 0;

    for (unsigned i = 0; i < p->contract; i++)
        terms *= p->sizes[i];
    for (size_t k = 0; k < terms; k++) {
        place_to_at(k, p->contract, p->sizes, index);
        for (unsigned a = 0; a < p->x.rank; a++)
            at_x[a] = index[p->of_x[a]];
        for (unsigned a = 0; a < p->y.rank; a++)
            at_y[a] = index[p->of_y[a]];
        sum += (double)qq_tensor_value(&p->x, place(&p->x, at_x)) *
               (double)qq_tensor_value(&p->y, place(&p->y, at_y));
    }
    return sum;
}

static void test_general(void)
{
    const qq_type tx = op_types[below(6)], ty = op_types[below(6)];
    struct product p;
    unsigned order[8] = {0};
    qq_tensor z;

    random_product(&p, tx, ty);
    const qq_operand x = qq_operand_tensor(&p.x), y = qq_operand_tensor(&p.y);
    const size_t bytes = qq_dot_general_size(&x, &y, &p.dims, QQ_TYPE_NONE);
    if (!CHECK(bytes != SIZE_MAX)) {
        room_free();
        return;
    }
    CHECK(qq_dot_general(&x, &y, &p.dims, QQ_TYPE_NONE, room(bytes), bytes,
                         NULL, 0, &z) == QQ_OK);
    CHECK(z.type == qq_promote(tx, ty) && qq_tensor_bytes(&z) == bytes);
    sort_rests(&p, order);
    CHECK(z.rank == p.batch + p.rest_x + p.rest_y);
    for (unsigned a = 0; a < z.rank; a++)
        CHECK(z.shape[a] == p.sizes[order[a]]);
    for (size_t i = 0; i < qq_tensor_count(&z); i++) {
        size_t at[8], index[8] = {0};
        place_to_at(i, z.rank, z.shape, at);
        for (unsigned a = 0; a < z.rank; a++)
            index[order[a]] = at[a];
        const double sum = sum_at(&p, index);
        // 256 terms of 16 at most; int8 holds the low bits.
        const float want = z.type == QQ_TYPE_INT8
                               ? (float)(int8_t)((int)sum & 255)
                               : as_type(z.type, sum);
        CHECK(qq_tensor_value(&z, i) == want);
    }
    room_free();
}

// A chain of fused steps in the order of k: bit for bit.
static void test_order(void)
{
    const size_t k = 1 + below(50);
    const size_t mk[2] = {2, k}, kn[2] = {k, 3};
    float *a = (float *)calloc(2 * k, sizeof *a);
    float *b = (float *)calloc(3 * k, sizeof *b);
    float out[6];
    uint16_t narrow[6];
    qq_tensor z;

    for (size_t i = 0; i < 2 * k; i++)
        a[i] = check_uniform();
    for (size_t i = 0; i < 3 * k; i++)
        b[i] = check_uniform();
    const qq_tensor tx = qq_tensor_make(a, QQ_TYPE_F32, 2, mk);
    const qq_tensor ty = qq_tensor_make(b, QQ_TYPE_F32, 2, kn);
    const qq_operand x = qq_operand_tensor(&tx), y = qq_operand_tensor(&ty);
    CHECK(qq_dot_general(&x, &y, NULL, QQ_TYPE_NONE, out, 24, NULL, 0, &z) ==
          QQ_OK);
    CHECK(qq_dot_general(&x, &y, NULL, QQ_TYPE_BF16, narrow, 12, NULL, 0, &z) ==
          QQ_OK);
    for (size_t i = 0; i < 6; i++) {
        float acc = 0;
        for (size_t j = 0; j < k; j++)
            acc = fmaf(a[i / 3 * k + j], b[j * 3 + i % 3], acc);
        CHECK(check_bits(out[i]) == check_bits(acc));
        CHECK(qq_tensor_value(&z, i) == as_type(QQ_TYPE_BF16, (double)acc));
    }
    free(a);
    free(b);
}

static void test_promote(void)
{
    static const qq_type names[7] = {QQ_TYPE_F32,  QQ_TYPE_F16,   QQ_TYPE_BF16,
                                     QQ_TYPE_INT8, QQ_TYPE_INT16, QQ_TYPE_INT32,
                                     QQ_TYPE_UINT8};
    // A row for each type: f for f32, h for f16, b for bf16, 1 2 4 for signed
    // integers of as many bytes, u for uint8.
    static const char want[8][8] = {"fffffff", "fhfhhhh", "ffbbbbb", "fhb1242",
                                    "fhb2242", "fhb4444", "fhb224u", ""};
    static const char key[] = "fhb124u";

    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 7; k++)
            CHECK(qq_promote(names[i], names[k]) ==
                  names[strchr(key, want[i][k]) - key]);
    CHECK(qq_promote(QQ_TYPE_F64, QQ_TYPE_F32) == QQ_TYPE_NONE);
    CHECK(qq_promote(QQ_TYPE_F32, QQ_TYPE_INT4) == QQ_TYPE_NONE);
}

static void test_integers(void)
{
    static const int32_t a[2] = {INT32_MIN, INT32_MAX};
    static const int32_t b[2] = {INT32_MIN, 3};
    const size_t two = 2;
    const qq_tensor tx = qq_tensor_make(a, QQ_TYPE_INT32, 1, &two);
    const qq_tensor ty = qq_tensor_make(b, QQ_TYPE_INT32, 1, &two);
    const qq_operand x = qq_operand_tensor(&tx), y = qq_operand_tensor(&ty);
    int32_t out;
    float f;
    qq_tensor z;

    // 2^62 + 3 * 2^31 - 3.
    CHECK(qq_dot_general(&x, &y, NULL, QQ_TYPE_NONE, &out, 4, NULL, 0, &z) ==
          QQ_OK);
    CHECK(z.rank == 0 && out == INT32_MAX - 2);
    CHECK(qq_dot_general(&x, &y, NULL, QQ_TYPE_F32, &f, 4, NULL, 0, &z) ==
          QQ_OK);
    CHECK(f == 4611686018427387904.0f);
}

static void test_refusals(void)
{
    static const float x[24] = {0};
    const size_t a[3] = {2, 3, 4}, b[3] = {2, 4, 3},
                 many[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_F32, 3, a);
    const qq_tensor ty = qq_tensor_make(x, QQ_TYPE_F32, 3, b);
    const qq_tensor tm = qq_tensor_make(x, QQ_TYPE_F32, 8, many);
    const qq_tensor scalar = qq_tensor_make(x, QQ_TYPE_F32, 0, NULL);
    const qq_operand p = qq_operand_tensor(&tx), q = qq_operand_tensor(&ty);
    const qq_operand m = qq_operand_tensor(&tm);
    const qq_operand s = qq_operand_tensor(&scalar);
    qq_dot_dims d;
    float out[64];
    qq_tensor z;

    memset(&d, 0, sizeof d);
    CHECK(qq_dot_general_size(&p, &q, &d, QQ_TYPE_NONE) == 24 * 24 * 4);
    CHECK(qq_dot_general(&p, &q, &d, QQ_TYPE_NONE, out, 256, NULL, 0, &z) ==
          QQ_ERR_SIZE);
    CHECK(qq_dot_general_size(&m, &p, &d, QQ_TYPE_NONE) == SIZE_MAX);
    CHECK(qq_dot_general_size(&s, &p, NULL, QQ_TYPE_NONE) == SIZE_MAX);
    CHECK(qq_dot_general_size(&s, &s, &d, QQ_TYPE_NONE) == 4);
    CHECK(qq_dot_general(&p, &q, NULL, QQ_TYPE_NONE, out, 256, NULL, 0, &z) ==
          QQ_ERR_SHAPE);
    d.contract_count = 1;
    d.lhs_contract[0] = 2;
    d.rhs_contract[0] = 1;
    d.batch_count = 1;
    CHECK(qq_dot_general(&p, &q, &d, QQ_TYPE_NONE, out, 256, NULL, 0, &z) ==
          QQ_OK);
    CHECK(qq_dot_general(&p, &q, &d, QQ_TYPE_INT8, out, 256, NULL, 0, &z) ==
          QQ_ERR_TYPE);
    CHECK(qq_dot_general(&p, &q, &d, QQ_TYPE_F64, out, 256, NULL, 0, &z) ==
          QQ_ERR_TYPE);
    d.lhs_batch[0] = 2;
    CHECK(qq_dot_general(&p, &q, &d, QQ_TYPE_NONE, out, 256, NULL, 0, &z) ==
          QQ_ERR_AXIS);
    d.lhs_batch[0] = 3;
    CHECK(qq_dot_general(&p, &q, &d, QQ_TYPE_NONE, out, 256, NULL, 0, &z) ==
          QQ_ERR_AXIS);
    d.lhs_batch[0] = 1;
    CHECK(qq_dot_general(&p, &q, &d, QQ_TYPE_NONE, out, 256, NULL, 0, &z) ==
          QQ_ERR_SHAPE);
    d.batch_count = 9;
    CHECK(qq_dot_general(&p, &q, &d, QQ_TYPE_NONE, out, 256, NULL, 0, &z) ==
          QQ_ERR_AXIS);
}

// --- eformer's product by an Array8B ---------------------------------------

static qq_array weights(const qq_tensor *w, uint32_t channels)
{
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    qq_array a;

    s.channels = channels;
    const size_t bytes = qq_array_size(w, &s);
    memset(&a, 0, sizeof a);
    CHECK(qq_quantize(w, &s, room(bytes), bytes, &a) == QQ_OK);
    return a;
}

static float bf16(double x)
{
    return as_type(QQ_TYPE_BF16, x);
}

// channels 2: a scale a column, 1: a row, 0: one, 3: each; from the middle of
// a step of bf16 it is not far, so the last bit may differ from double.
static void test_eformer(void)
{
    const size_t m = 1 + below(4), k = 1 + below(12), n = 1 + below(6);
    const size_t mk[2] = {m, k}, kn[2] = {k, n};
    const qq_tensor x = random_tensor(op_types[below(3)], 2, mk);
    const qq_tensor w = random_tensor(QQ_TYPE_F32, 2, kn);
    const uint32_t channels = (uint32_t)below(4);
    const qq_array a = weights(&w, channels);
    const size_t bytes = qq_eformer_dot_size(&x, &a);
    const int exact = channels == 1 ? k > 1 : channels == 2 ? n > 1 : 0;
    qq_tensor z;

    CHECK(bytes == 2 * m * n);
    CHECK(qq_eformer_dot(&x, &a, room(bytes), bytes, &z) == QQ_OK);
    CHECK(z.type == QQ_TYPE_BF16 && same_shape(&z, 2, z.shape));
    CHECK(z.shape[0] == m && z.shape[1] == n);
    for (size_t i = 0; i < m * n; i++) {
        double sum = 0, size = 0;
        for (size_t j = 0; j < k; j++) {
            const size_t at = j * n + i % n;
            const size_t t = channels == 0   ? 0
                             : channels == 1 ? j
                             : channels == 2 ? i % n
                                             : at;
            const double s = (double)qq_tensor_value(&a.scale, t);
            const double q = (double)qq_tensor_code(&a.value, at);
            const double v = (double)qq_tensor_value(&x, i / n * k + j);
            const double f = exact ? q * s : (double)bf16(q * (double)bf16(s));
            sum += v * f;
            size += fabs(v * f);
        }
        CHECK(fabs((double)qq_tensor_value(&z, i) - sum) <=
              fabs(sum) / 256 + size * 1e-5);
    }
    room_free();
}

static void test_eformer_vector(void)
{
    const size_t k = 3, kn[2] = {3, 2}, one[2] = {3, 1};
    const qq_tensor x = random_tensor(QQ_TYPE_F32, 1, &k);
    const qq_tensor w = random_tensor(QQ_TYPE_F32, 2, kn);
    const qq_tensor v = random_tensor(QQ_TYPE_F32, 2, one);
    const qq_tensor bad = random_tensor(QQ_TYPE_F32, 1, kn + 1);
    const qq_array columns = weights(&w, 2), rows = weights(&w, 1);
    const qq_array single = weights(&v, 2);
    uint8_t out[8];
    qq_tensor z;

    CHECK(qq_eformer_dot(&x, &columns, out, 8, &z) == QQ_OK);
    CHECK(z.rank == 2 && z.shape[0] == 1 && z.shape[1] == 2);
    CHECK(qq_eformer_dot(&x, &rows, out, 8, &z) == QQ_OK);
    CHECK(z.rank == 1 && z.shape[0] == 2);
    CHECK(qq_eformer_dot(&x, &single, out, 8, &z) == QQ_OK);
    CHECK(z.rank == 1 && z.shape[0] == 1);
    CHECK(qq_eformer_dot(&bad, &rows, out, 8, &z) == QQ_ERR_SHAPE);
    CHECK(qq_eformer_dot(&x, &rows, out, 3, &z) == QQ_ERR_SIZE);
    CHECK(qq_eformer_dot(&x, NULL, out, 8, &z) == QQ_ERR_ARGUMENT);
    room_free();
}

int main(void)
{
    const size_t cases = check_count(1000);

    for (size_t i = 0; i < cases; i++) {
        test_general();
        test_order();
        test_eformer();
    }
    test_promote();
    test_integers();
    test_refusals();
    test_eformer_vector();
    return check_done();
}
