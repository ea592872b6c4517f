// Axes in another order, bytes, other scale types.

#include "qquant.h"

#include "random_array.h"

static void test_transpose(void)
{
    size_t shape[QQ_MAX_RANK] = {0};
    const unsigned rank = random_shape(shape, 4, 5, 1);
    const qq_array a = random_array(rank, shape, 1);
    unsigned axes[QQ_MAX_RANK];
    size_t want[QQ_MAX_RANK];
    qq_array r;

    for (unsigned i = 0; i < rank; i++)
        axes[i] = i;
    for (unsigned i = rank; i > 1; i--) {
        const unsigned j = (unsigned)below(i);
        const unsigned t = axes[i - 1];
        axes[i - 1] = axes[j];
        axes[j] = t;
    }
    for (unsigned i = 0; i < rank; i++)
        want[i] = shape[axes[i]];
    const size_t bytes = qq_array_bytes(&a);
    CHECK(bytes != SIZE_MAX);
    void *out = room(bytes);
    CHECK(qq_array_transpose(&a, axes, out, bytes, &r) == QQ_OK);
    CHECK(qq_array_check(&r) == QQ_OK && qq_array_bytes(&r) == bytes);
    CHECK(same_shape(&r.value, rank, want));
    CHECK(bytes == 0 || r.scale.data == out);
    for (size_t i = 0; i < qq_tensor_count(&r.value); i++) {
        size_t p[QQ_MAX_RANK], q[QQ_MAX_RANK];
        place_to_at(i, rank, want, p);
        for (unsigned k = 0; k < rank; k++)
            q[axes[k]] = p[k];
        CHECK(same_number(&r, i, &a, at_to_place(rank, shape, q)));
    }

    // Two axes are a transposition; backwards from the end too.
    if (rank >= 2) {
        const int i = (int)below(rank);
        const int j = (int)below(rank);
        qq_array s, t;
        for (unsigned k = 0; k < rank; k++)
            axes[k] = k == (unsigned)i   ? (unsigned)j
                      : k == (unsigned)j ? (unsigned)i
                                         : k;
        CHECK(qq_array_transpose(&a, axes, out, bytes, &s) == QQ_OK);
        void *other = room(bytes);
        CHECK(qq_array_swap_axes(&a, i - (int)rank, j, other, bytes, &t) ==
              QQ_OK);
        CHECK(memcmp(out, other, bytes) == 0);
        CHECK(same_shape(&t.value, rank, s.value.shape));
        CHECK(same_shape(&t.scale, rank, s.scale.shape));
    }
    room_free();
}

static void test_refusals(void)
{
    const size_t shape[3] = {2, 3, 4};
    const unsigned twice[3] = {0, 1, 1};
    const unsigned beyond[3] = {0, 1, 3};
    const unsigned right[3] = {2, 0, 1};
    const qq_array a = random_array(3, shape, 0);
    const size_t bytes = qq_array_bytes(&a);
    uint8_t *out = (uint8_t *)room(bytes);
    qq_array r, wrong = a;

    memset(&r, 0x5a, sizeof r);
    const qq_array before = r;
    CHECK(qq_array_transpose(NULL, right, out, bytes, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_transpose(&a, NULL, out, bytes, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_transpose(&a, twice, out, bytes, &r) == QQ_ERR_AXIS);
    CHECK(qq_array_transpose(&a, beyond, out, bytes, &r) == QQ_ERR_AXIS);
    CHECK(qq_array_transpose(&a, right, NULL, bytes, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_transpose(&a, right, out, bytes - 1, &r) == QQ_ERR_SIZE);
    CHECK(qq_array_transpose(&a, right, out, bytes, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_swap_axes(&a, 3, 0, out, bytes, &r) == QQ_ERR_AXIS);
    CHECK(qq_array_swap_axes(&a, 0, -4, out, bytes, &r) == QQ_ERR_AXIS);
    CHECK(qq_array_astype(&a, QQ_TYPE_INT8, out, bytes, &r) == QQ_ERR_TYPE);
    CHECK(qq_array_astype(&a, QQ_TYPE_F32, out, 0, &r) == QQ_ERR_SIZE);
    wrong.scale.rank = 2;
    CHECK(qq_array_transpose(&wrong, right, out, bytes, &r) == QQ_ERR_SHAPE);
    CHECK(qq_array_bytes(&wrong) == SIZE_MAX);
    CHECK(qq_array_bytes(NULL) == SIZE_MAX);
    // Nothing has been written.
    for (size_t i = 0; i < bytes; i++)
        CHECK(out[i] == 0xa5);
    CHECK(memcmp(&r, &before, sizeof r) == 0);
    room_free();
}

// An array of no bytes needs no place.
static void test_nothing(void)
{
    const size_t shape[2] = {3, 0};
    const qq_array a = random_array(2, shape, 0);
    const unsigned axes[2] = {1, 0};
    qq_index last;
    qq_array r;

    memset(&last, 0, sizeof last);
    last.kind = QQ_INDEX_AT;
    last.start = -1;
    CHECK(qq_array_bytes(&a) == 0);
    CHECK(qq_array_transpose(&a, axes, NULL, 0, &r) == QQ_OK);
    CHECK(r.value.shape[0] == 0 && r.value.shape[1] == 3);
    CHECK(qq_array_index(&a, QQ_RULE_QQUANT, &last, 1, NULL, 0, &r) == QQ_OK);
    CHECK(r.value.rank == 1 && r.value.shape[0] == 0);
    CHECK(qq_array_take(&a, 1, 0, NULL, NULL, 0, &r) == QQ_OK);
    room_free();
}

// A bias moves as a scale does, and must fit.
static void test_bias(void)
{
    const size_t shape[2] = {2, 6};
    const size_t halves[2] = {1, 2};
    const size_t thirds[2] = {1, 4};
    qq_array a = random_array(2, shape, 0);
    qq_array r;

    a.bias = random_tensor(QQ_TYPE_F32, 2, halves);
    const size_t bytes = qq_array_bytes(&a);
    void *out = room(bytes);
    CHECK(qq_array_swap_axes(&a, 0, 1, out, bytes, &r) == QQ_OK);
    CHECK(r.bias.shape[0] == 2 && r.bias.shape[1] == 1);
    CHECK(memcmp(r.bias.data, a.bias.data, 8) == 0);
    a.bias = random_tensor(QQ_TYPE_F32, 2, thirds);
    CHECK(qq_array_bytes(&a) == SIZE_MAX);
    room_free();
}

// Known bits.
static void test_astype(void)
{
    static const qq_type types[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};
    static const double scales[8] = {1.0 / 3.0, 65519.99, 65520.0, 1e-7, 3e38,
                                     0.0009765625,
                                     // just above a middle: one rounding
                                     1.0004882812509095, 1.0039062500009095};
    static const uint32_t want[3][8] = {
        {0x3eaaaaab, 0x477feffd, 0x477ff000, 0x33d6bf95, 0x7f61b1e6, 0x3a800000,
         0x3f801000, 0x3f808000},
        {0x3555, 0x7bff, 0x7c00, 0x0002, 0x7c00, 0x1400, 0x3c01, 0x3c04},
        {0x3eab, 0x4780, 0x4780, 0x33d7, 0x7f62, 0x3a80, 0x3f80, 0x3f81}};
    const size_t shape[1] = {8};

    for (int i = 0; i < 3; i++) {
        qq_array a = random_array(1, shape, 0);
        qq_array r;
        a.scale = qq_tensor_make(scales, QQ_TYPE_F64, 1, shape);
        a.tile[0] = 1;
        const size_t bytes = qq_type_bytes(types[i], 8);
        void *out = room(bytes);
        CHECK(qq_array_astype(&a, types[i], out, bytes, &r) == QQ_OK);
        CHECK(r.scale.type == types[i] && r.scale.data == out);
        CHECK(r.value.data == a.value.data && r.type == a.type);
        for (size_t k = 0; k < 8; k++) {
            const uint32_t code = (uint32_t)qq_tensor_code(&r.scale, k);
            CHECK((types[i] == QQ_TYPE_F32 ? code : code & 0xffff) ==
                  want[i][k]);
        }
    }
    room_free();
}

int main(void)
{
    for (size_t i = check_count(3000); i > 0; i--)
        test_transpose();
    for (size_t i = check_count(50); i > 0; i--)
        test_refusals();
    test_nothing();
    test_bias();
    test_astype();
    return check_done();
}
