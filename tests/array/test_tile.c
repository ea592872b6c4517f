// Every way through the numbers against the definition, number by number.

#include "array/tile.h"
#include "check.h"

static size_t below(size_t n)
{
    return check_u32() % n;
}

// A random array with at most about 2000 numbers, ragged tiles among them.
static unsigned random_shape(size_t *shape, size_t *tile, size_t *numbers)
{
    const unsigned rank = (unsigned)below(6);

    *numbers = 1;
    for (unsigned a = 0; a < rank; a++) {
        shape[a] = 1 + below(*numbers < 100 ? 12 : 2);
        *numbers *= shape[a];
        tile[a] = below(3) == 0 ? 1 : 1 + below(shape[a] + 2);
        if (below(3) == 0)
            tile[a] = shape[a];
    }
    return rank;
}

// The scale of number i.
static size_t scale_of(unsigned rank, const size_t *shape, const size_t *tile,
                       size_t i)
{
    size_t at = 0;
    size_t stride = 1;

    for (unsigned a = rank; a-- > 0;) {
        at += i % shape[a] / tile[a] * stride;
        i /= shape[a];
        stride *= (shape[a] + tile[a] - 1) / tile[a];
    }
    return at;
}

static void test_cursor(const struct qqi_tiling *t, unsigned rank,
                        const size_t *shape, const size_t *tile)
{
    const int each = t->tile[t->rank - 1] == 1;
    struct qqi_cursor c, sought;

    qqi_cursor_begin(&c, t);
    for (size_t i = 0; i < t->numbers;) {
        size_t scale = 0, again = 0;
        const size_t max = 1 + below(40);
        qqi_cursor_begin(&sought, t);
        qqi_cursor_seek(&sought, i);
        const size_t n = qqi_cursor_next(&c, max, &scale);
        CHECK(qqi_cursor_next(&sought, max, &again) == n && again == scale);
        CHECK(n >= 1 && n <= max && i + n <= t->numbers);
        for (size_t j = 0; j < n; j++)
            CHECK(scale_of(rank, shape, tile, i + j) == scale + (each ? j : 0));
        i += n;
    }
}

static void test_patches(const struct qqi_tiling *t, unsigned rank,
                         const size_t *shape, const size_t *tile)
{
    const int each = t->tile[t->rank - 1] == 1;
    size_t seen = 0;

    for (size_t k = 0; k < t->tiles;) {
        struct qqi_patch p;
        size_t last = 0;
        qqi_patch_begin(&p, t, k, 1 + below(5));
        CHECK(p.lanes >= 1 && (each || p.lanes == 1));
        while (p.runs > 0) {
            const size_t first = qqi_patch_next(&p);
            CHECK(seen == 0 || first >= last);
            for (size_t j = 0; j < p.run; j++)
                CHECK(scale_of(rank, shape, tile, first + j) ==
                      k + (each ? j : 0));
            last = first;
            seen += p.run;
        }
        k += p.lanes;
    }
    CHECK(seen == t->numbers);
}

static void test_random(void)
{
    for (size_t k = 0; k < check_count(2000); k++) {
        size_t shape[QQ_MAX_RANK], tile[QQ_MAX_RANK];
        size_t numbers = 0;
        struct qqi_tiling t;
        const unsigned rank = random_shape(shape, tile, &numbers);

        qqi_tiling_make(&t, rank, shape, tile);
        CHECK(t.numbers == numbers);
        CHECK(t.tiles == scale_of(rank, shape, tile, numbers - 1) + 1);
        test_cursor(&t, rank, shape, tile);
        test_patches(&t, rank, shape, tile);
    }
}

// What is one long axis is found to be one.
static void test_joined(void)
{
    const size_t shape[3] = {4, 6, 32};
    const size_t whole[3] = {4, 6, 32};
    const size_t rows[3] = {1, 6, 32};
    const size_t tiles[3] = {1, 1, 8};
    const size_t columns[3] = {4, 6, 1};
    const size_t ragged[3] = {1, 1, 20};
    struct qqi_tiling t;

    qqi_tiling_make(&t, 3, shape, whole);
    CHECK(t.rank == 1 && t.tile[0] == 768 && t.tiles == 1);
    qqi_tiling_make(&t, 3, shape, rows);
    CHECK(t.rank == 1 && t.tile[0] == 192 && t.tiles == 4);
    qqi_tiling_make(&t, 3, shape, tiles);
    CHECK(t.rank == 1 && t.tile[0] == 8 && t.tiles == 96);
    qqi_tiling_make(&t, 3, shape, columns);
    CHECK(t.rank == 2 && t.tile[1] == 1 && t.tiles == 32);
    qqi_tiling_make(&t, 3, shape, ragged);
    CHECK(t.rank == 2 && t.count[1] == 2 && t.tiles == 48);
}

static void test_empty(void)
{
    const size_t shape[3] = {SIZE_MAX, 0, SIZE_MAX};
    const size_t tile[3] = {1, 1, 7};
    struct qqi_tiling t;

    qqi_tiling_make(&t, 3, shape, tile);
    CHECK(t.numbers == 0 && t.tiles == 0);
    qqi_tiling_make(&t, 0, NULL, NULL);
    CHECK(t.numbers == 1 && t.tiles == 1);
}

int main(void)
{
    test_random();
    test_joined();
    test_empty();
    return check_done();
}
