// Rows by their numbers.

#include "qquant.h"

#include "random_array.h"

static void test_random(void)
{
    size_t shape[QQ_MAX_RANK] = {0}, index[8];
    const unsigned rank = random_shape(shape, 4, 6, 1);
    const qq_array a = random_array(rank, shape, 1);
    qq_array r;

    if (rank == 0) {
        CHECK(qq_array_take_size(&a, 0, 1) == SIZE_MAX);
        CHECK(qq_array_take(&a, 0, 1, index, NULL, 0, &r) == QQ_ERR_AXIS);
        room_free();
        return;
    }
    const unsigned axis = (unsigned)below(rank);
    const int named = check_u32() % 2 ? (int)axis : (int)axis - (int)rank;
    const size_t n = shape[axis];
    const size_t count = n == 0 ? 0 : below(8);
    for (size_t i = 0; i < count; i++)
        index[i] = below(n);
    const qq_tensor *zero = &a.zero_point;
    int fits = a.scale.shape[axis] == 1 || a.scale.shape[axis] == n;
    if (zero->type != QQ_TYPE_NONE)
        fits &= zero->shape[axis] == 1 || zero->shape[axis] == n;

    const size_t bytes = qq_array_take_size(&a, named, count);
    CHECK((bytes != SIZE_MAX) == fits);
    if (!fits) {
        CHECK(qq_array_take(&a, named, count, index, NULL, 0, &r) ==
              QQ_ERR_SHAPE);
        room_free();
        return;
    }
    void *out = room(bytes);
    CHECK(qq_array_take(&a, named, count, index, out, bytes, &r) == QQ_OK);
    CHECK(qq_array_check(&r) == QQ_OK && qq_array_bytes(&r) == bytes);
    size_t want[QQ_MAX_RANK];
    memcpy(want, shape, sizeof want);
    want[axis] = count;
    CHECK(same_shape(&r.value, rank, want));
    for (size_t i = 0; i < qq_tensor_count(&r.value); i++) {
        size_t at[QQ_MAX_RANK];
        place_to_at(i, rank, want, at);
        at[axis] = index[at[axis]];
        CHECK(same_number(&r, i, &a, at_to_place(rank, shape, at)));
    }
    if (count > 0) {
        index[count - 1] = n;
        CHECK(qq_array_take(&a, named, count, index, out, bytes, &r) ==
              QQ_ERR_SHAPE);
        CHECK(qq_array_take(&a, named, count, NULL, out, bytes, &r) ==
              QQ_ERR_ARGUMENT);
        index[count - 1] = 0;
        if (bytes > 0)
            CHECK(qq_array_take(&a, named, count, index, out, bytes - 1, &r) ==
                  QQ_ERR_SIZE);
    }
    room_free();
}

// More rows than any memory holds.
static void test_size(void)
{
    const size_t shape[2] = {3, 4};
    qq_array a = random_array(2, shape, 0);
    const size_t ones[2] = {1, 1};

    a.scale = random_tensor(QQ_TYPE_F32, 2, ones);
    a.zero_point.type = QQ_TYPE_NONE;
    a.tile[0] = 3;
    a.tile[1] = 4;
    CHECK(qq_array_take_size(&a, 0, SIZE_MAX / 2) == SIZE_MAX);
    CHECK(qq_array_take_size(&a, 0, SIZE_MAX) == SIZE_MAX);
    room_free();
}

int main(void)
{
    for (size_t i = check_count(20000); i > 0; i--)
        test_random();
    test_size();
    return check_done();
}
