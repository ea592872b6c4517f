// Arrays behind each other: cut one up, join the pieces, compare.

#include "qquant.h"

#include "random_array.h"

static qq_index slice(size_t start, size_t stop)
{
    qq_index e;

    memset(&e, 0, sizeof e);
    e.kind = QQ_INDEX_SLICE;
    e.start = (ptrdiff_t)start;
    e.stop = (ptrdiff_t)stop;
    e.step = 1;
    e.has_start = e.has_stop = 1;
    return e;
}

// Cuts at places where all parts' tiles end; pieces of nothing among them.
static void test_pieces(void)
{
    size_t shape[QQ_MAX_RANK] = {0};
    unsigned rank = random_shape(shape, 4, 7, 1);
    if (rank == 0)
        shape[rank++] = 3;
    const qq_array a = random_array(rank, shape, 1);
    const unsigned axis = (unsigned)below(rank);
    const size_t n = shape[axis];
    qq_array piece[9], r;
    const qq_array *list[9];
    size_t count = 0;

    // A tile that is all of the axis is cut only where it ends.
    for (size_t at = 0; count < 8;) {
        size_t end = at + below(n - at + 1);
        if (count == 7)
            end = n;
        const int scale_ends =
            end == n || end == at ||
            (a.scale.shape[axis] != 1 && end % a.tile[axis] == 0);
        const int zero_ends =
            a.zero_point.type == QQ_TYPE_NONE || end == n || end == at ||
            (a.zero_point.shape[axis] != 1 && end % a.zero_tile[axis] == 0);
        if (!scale_ends || !zero_ends)
            end = n;
        qq_index e[QQ_MAX_RANK];
        memset(e, 0, sizeof e);
        for (unsigned i = 0; i < rank; i++)
            e[i].kind = QQ_INDEX_ALL;
        e[axis] = slice(at, end);
        const size_t bytes = qq_array_index_size(&a, QQ_RULE_QQUANT, e, rank);
        if (!CHECK(bytes != SIZE_MAX))
            break;
        CHECK(qq_array_index(&a, QQ_RULE_QQUANT, e, rank, room(bytes), bytes,
                             &piece[count]) == QQ_OK);
        list[count] = &piece[count];
        count++;
        at = end;
        if (at == n)
            break;
    }
    const int named = (int)axis - (int)rank;
    const size_t bytes = qq_array_concatenate_size(list, count, named);
    if (CHECK(bytes != SIZE_MAX)) {
        void *out = room(bytes);
        CHECK(qq_array_concatenate(list, count, named, out, bytes, &r) ==
              QQ_OK);
        CHECK(qq_array_check(&r) == QQ_OK && qq_array_bytes(&r) == bytes);
        CHECK(same_shape(&r.value, rank, shape));
        CHECK(n == 0 || same_shape(&r.scale, rank, a.scale.shape));
        for (size_t i = 0; i < qq_tensor_count(&a.value); i++)
            CHECK(same_number(&r, i, &a, i));
    }
    room_free();
}

// The same array several times: its one scale becomes a tile.
static void test_copies(void)
{
    size_t shape[QQ_MAX_RANK] = {0};
    unsigned rank = random_shape(shape, 3, 5, 0);
    if (rank == 0)
        shape[rank++] = 2;
    const qq_array a = random_array(rank, shape, 1);
    const qq_array b = a; // the same view twice
    const unsigned axis = (unsigned)below(rank);
    const qq_array *list[3] = {&a, &b, &a};
    const size_t n = shape[axis];
    int fits = n % a.tile[axis] == 0;
    qq_array r;

    if (a.zero_point.type != QQ_TYPE_NONE)
        fits &= n % a.zero_tile[axis] == 0;
    const size_t bytes = qq_array_concatenate_size(list, 3, (int)axis);
    CHECK((bytes != SIZE_MAX) == fits);
    if (fits) {
        void *out = room(bytes);
        CHECK(qq_array_concatenate(list, 3, (int)axis, out, bytes, &r) ==
              QQ_OK);
        CHECK(qq_array_check(&r) == QQ_OK);
        CHECK(r.value.shape[axis] == 3 * n);
        for (size_t i = 0; i < qq_tensor_count(&r.value); i++) {
            size_t at[QQ_MAX_RANK];
            place_to_at(i, rank, r.value.shape, at);
            at[axis] %= n;
            CHECK(same_number(&r, i, &a, at_to_place(rank, shape, at)));
        }
        CHECK(qq_array_concatenate(list, 3, (int)axis, out, bytes - 1, &r) ==
              QQ_ERR_SIZE);
    }
    room_free();
}

static void test_refusals(void)
{
    const size_t shape[2] = {2, 4}, other[2] = {3, 4}, scales[2] = {1, 2};
    const size_t fine[2] = {1, 4};
    qq_array a = random_array(2, shape, 0), r;
    a.zero_point.type = QQ_TYPE_NONE;
    a.scale = random_tensor(QQ_TYPE_F32, 2, scales);
    a.tile[0] = a.tile[1] = 2;
    const qq_array *list[2] = {&a, &a};
    qq_array b = a;

    CHECK(qq_array_concatenate(list, 2, 1, NULL, 0, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_concatenate(list, 0, 1, NULL, 0, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_concatenate(NULL, 2, 1, NULL, 0, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_concatenate(list, 2, 2, NULL, 0, &r) == QQ_ERR_AXIS);
    CHECK(qq_array_concatenate(list, 2, -3, NULL, 0, &r) == QQ_ERR_AXIS);
    CHECK(qq_array_concatenate_size(list, 2, 0) ==
          2 * qq_tensor_bytes(&a.scale) + qq_type_bytes(a.value.type, 16));
    list[1] = &b;
    b.scale2 = 0.5f;
    CHECK(qq_array_concatenate(list, 2, 0, NULL, 0, &r) == QQ_ERR_TYPE);
    b = a;
    b.scale.type = QQ_TYPE_F16;
    b.scale.shape[1] = 2;
    CHECK(qq_array_concatenate(list, 2, 0, NULL, 0, &r) == QQ_ERR_TYPE);
    b = a;
    b.value = random_tensor(a.type, 2, other); // 3 rows: one scale, tile 3
    b.tile[0] = 3;
    CHECK(qq_array_concatenate(list, 2, 0, NULL, 0, &r) == QQ_ERR_SHAPE);
    CHECK(qq_array_concatenate(list, 2, 1, NULL, 0, &r) == QQ_ERR_SHAPE);
    b = a;
    b.scale = random_tensor(QQ_TYPE_F32, 2, fine); // tiles of 1 behind those
    b.tile[1] = 1;
    CHECK(qq_array_concatenate(list, 2, 1, NULL, 0, &r) == QQ_ERR_SHAPE);
    CHECK(qq_array_concatenate(list, 2, 0, NULL, 0, &r) == QQ_ERR_SHAPE);
    room_free();
}

int main(void)
{
    for (size_t i = check_count(10000); i > 0; i--) {
        test_pieces();
        test_copies();
    }
    test_refusals();
    return check_done();
}
