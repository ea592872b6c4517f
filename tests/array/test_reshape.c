// Other shapes over the same bytes: the outcomes of the specification, and
// that whatever is allowed leaves every number its scale.

#include "qquant.h"

#include "random_array.h"

// A shape with the same product: sizes are split into factors, which are
// joined again otherwise, and ones are put between.
static unsigned other_shape(unsigned rank, const size_t *shape, size_t *out)
{
    size_t factor[64];
    size_t n = 0;
    unsigned made = 0;

    for (unsigned i = 0; i < rank; i++) {
        size_t left = shape[i];
        for (size_t f = 2; f <= left; f++)
            while (left % f == 0) {
                factor[n++] = f;
                left /= f;
            }
    }
    if (check_u32() % 4 == 0 && n > 1) { // not only neighbours
        const size_t i = below(n), j = below(n), t = factor[i];
        factor[i] = factor[j];
        factor[j] = t;
    }
    for (size_t i = 0; i < n;) {
        size_t size = 1;
        while (made < 5 && check_u32() % 4 == 0)
            out[made++] = 1;
        do
            size *= factor[i++];
        while (i < n && (made >= 7 || check_u32() % 2));
        out[made++] = size;
    }
    while (made < 8 && check_u32() % 3 == 0)
        out[made++] = 1;
    return made;
}

static void test_random(size_t *done)
{
    size_t shape[QQ_MAX_RANK] = {0}, other[QQ_MAX_RANK];
    const unsigned rank = random_shape(shape, 4, 6, 0);
    const qq_array a = random_array(rank, shape, 1);
    const unsigned now = other_shape(rank, shape, other);
    qq_array r;

    const qq_status status = qq_array_reshape(&a, now, other, &r);
    CHECK(status == QQ_OK || status == QQ_ERR_SHAPE);
    if (status == QQ_OK) {
        *done += 1;
        CHECK(qq_array_check(&r) == QQ_OK);
        CHECK(r.value.data == a.value.data && r.scale.data == a.scale.data);
        CHECK(same_shape(&r.value, now, other));
        CHECK(qq_array_bytes(&r) == qq_array_bytes(&a));
        for (size_t i = 0; i < qq_tensor_count(&a.value); i++)
            CHECK(same_number(&a, i, &r, i));
    }

    // The shape it has, and an array with one scale in any.
    CHECK(qq_array_reshape(&a, rank, shape, &r) == QQ_OK);
    CHECK(same_shape(&r.scale, rank, a.scale.shape));
    qq_array one = a;
    const size_t ones[QQ_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    one.scale = random_tensor(QQ_TYPE_F32, rank, ones);
    one.zero_point.type = QQ_TYPE_NONE;
    for (unsigned i = 0; i < rank; i++)
        one.tile[i] = shape[i];
    CHECK(qq_array_reshape(&one, now, other, &r) == QQ_OK);
    CHECK(same_shape(&r.scale, now, ones));
    room_free();
}

// An array of int8 with a scale of that shape, tiles that divide.
static qq_array plain(unsigned rank, const size_t *shape, const size_t *scales)
{
    qq_array a;

    memset(&a, 0, sizeof a);
    a.type = QQ_TYPE_INT8;
    a.scale2 = 1.0f;
    a.value = random_tensor(QQ_TYPE_INT8, rank, shape);
    a.scale = random_tensor(QQ_TYPE_F32, rank, scales);
    for (unsigned i = 0; i < rank; i++)
        a.tile[i] = scales[i] == 0 ? 1 : shape[i] / scales[i];
    return a;
}

struct outcome {
    unsigned rank, scale_rank; // scale_rank 9: refused
    size_t shape[5];
    size_t scale[5];
};

static void check_outcomes(const qq_array *a, const struct outcome *o, size_t n)
{
    for (; n > 0; n--, o++) {
        qq_array r;
        const qq_status status = qq_array_reshape(a, o->rank, o->shape, &r);
        if (o->scale_rank == 9) {
            CHECK(status == QQ_ERR_SHAPE);
            continue;
        }
        if (CHECK(status == QQ_OK))
            CHECK(same_shape(&r.scale, o->scale_rank, o->scale));
    }
}

static void test_outcomes(void)
{
    static const size_t q[3] = {2, 2, 6}, s[3] = {2, 1, 3};
    static const struct outcome three[] = {{4, 4, {4, 1, 3, 2}, {2, 1, 3, 1}},
                                           {4, 4, {2, 1, 2, 6}, {2, 1, 1, 3}},
                                           {3, 3, {1, 4, 6}, {1, 2, 3}},
                                           {2, 2, {4, 6}, {2, 3}},
                                           {1, 9, {24}, {0}},
                                           {2, 9, {2, 12}, {0}},
                                           {4, 9, {2, 2, 2, 3}, {0}},
                                           {2, 9, {5, 5}, {0}},
                                           {2, 9, {4, 7}, {0}},
                                           {2, 9, {3, 8}, {0}},
                                           {2, 9, {12, 2}, {0}},
                                           {2, 9, {4, 0}, {0}}};
    static const size_t ones[3] = {1, 1, 1}, one = 1;
    static const struct outcome scalar[] = {{0, 0, {0}, {0}},
                                            {1, 1, {1}, {1}},
                                            {2, 2, {1, 1}, {1, 1}},
                                            {1, 9, {2}, {0}}};
    static const size_t none[2] = {0, 3}, no_scale[2] = {0, 1};
    static const struct outcome empty[] = {
        {2, 9, {0, 3}, {0}}, {2, 9, {3, 0}, {0}}, {1, 9, {0}, {0}}};

    qq_array a = plain(3, q, s);
    check_outcomes(&a, three, sizeof three / sizeof three[0]);
    a = plain(3, ones, ones);
    check_outcomes(&a, scalar, sizeof scalar / sizeof scalar[0]);
    a = plain(1, &one, &one);
    check_outcomes(&a, scalar, sizeof scalar / sizeof scalar[0]);
    a = plain(0, &one, &one);
    check_outcomes(&a, scalar, sizeof scalar / sizeof scalar[0]);
    a = plain(2, none, no_scale);
    check_outcomes(&a, empty, sizeof empty / sizeof empty[0]);
    room_free();
}

// An axis that ends in a short tile keeps its size or cannot move.
static void test_short_tiles(void)
{
    static const size_t q[2] = {4, 10}, s[2] = {4, 3};
    static const struct outcome wanted[] = {{2, 2, {4, 10}, {4, 3}},
                                            {3, 3, {2, 2, 10}, {2, 2, 3}},
                                            {3, 3, {4, 1, 10}, {4, 1, 3}},
                                            {3, 9, {4, 5, 2}, {0}},
                                            {1, 9, {40}, {0}}};

    qq_array a = plain(2, q, s), r;
    a.tile[1] = 4; // 4, 4 and 2 numbers
    CHECK(qq_array_check(&a) == QQ_OK);
    check_outcomes(&a, wanted, sizeof wanted / sizeof wanted[0]);
    const size_t three[3] = {2, 2, 10};
    CHECK(qq_array_reshape(&a, 3, three, &r) == QQ_OK && r.tile[2] == 4);
    room_free();
}

static void test_refusals(void)
{
    const size_t shape[2] = {2, 3}, wide[2] = {SIZE_MAX, SIZE_MAX};
    const qq_array a = plain(2, shape, shape);
    qq_array r;

    CHECK(qq_array_reshape(NULL, 2, shape, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_reshape(&a, 2, NULL, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_reshape(&a, 2, shape, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_reshape(&a, 9, shape, &r) == QQ_ERR_SHAPE);
    CHECK(qq_array_reshape(&a, 2, wide, &r) == QQ_ERR_SHAPE);
    room_free();
}

int main(void)
{
    size_t done = 0;
    const size_t cases = check_count(20000);

    for (size_t i = 0; i < cases; i++)
        test_random(&done);
    CHECK(done > cases / 5);
    test_outcomes();
    test_short_tiles();
    test_refusals();
    return check_done();
}
